"""The command line as a user meets it: what it prints, its exit codes, and bad input."""

import json
import subprocess
import sys

import pytest

from frechet.interfaces.command_line import main


def run(capsys, *arguments):
    code = main(arguments)
    out, err = capsys.readouterr()
    return code, out, err


def test_the_first_question(capsys):
    code, out, err = run(capsys, "tr(A*X*B)", "X")
    assert code == 0 and not err
    lines = {line.split("  ")[0].strip(): line for line in out.splitlines() if line.strip()}
    assert out.startswith("g : ℝ^{p×q} → ℝ,  g(X) = tr(A X B)") and "A: r×p, B: q×r" in out
    assert "dg = tr(B A dX)" in lines["differential"]
    assert "∇g = Aᵀ Bᵀ" in lines["gradient"] and "p×q, as X" in lines["gradient"]
    assert "∂g/∂X = B A" in lines["partials"] and "q×p" in lines["partials"]
    assert "tr(A X₀ B) + tr(B A (X − X₀))" in lines["linearization"] and "exact" in lines["linearization"]
    assert "none" in lines["conditions"] and "3 points" in lines["checked"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--form", "gradient", "--text"), "A'*B'"),
        (("--layout", "numerator", "--text"), "B*A"),
        (("--layout", "denominator", "--text"), "A'*B'"),
        (("--form", "vec", "--text"), "dg = vec(A'*B')'*vec(dX)"),
        (("--form", "differential", "--text"), "tr(B*A*dX)"),
        (("--form", "gradient", "--latex"), r"A^{\top} B^{\top}"),
        (("--form", "linearization", "--text"), "g(X) = tr(A*X0*B) + tr(B*A*(X - X0))"),
    ],
)
def test_one_view(capsys, arguments, expected):
    code, out, _ = run(capsys, "tr(A*X*B)", "X", *arguments)
    assert (code, out.strip()) == (0, expected)


def test_the_variable_may_come_last(capsys):
    code, out, err = run(capsys, "y'*A*x", "--declare", "A: n×m", "--form", "gradient", "--text", "x")
    assert (code, out, err) == (0, "A'*y\n", "")


def test_components(capsys):
    code, out, _ = run(capsys, "tr(A*X*B)", "X", "--form", "components")
    assert code == 0 and "Σₖ aₖᵢ bⱼₖ" in out


def test_hessian(capsys):
    code, out, _ = run(capsys, "norm2(X*w-y)^2 + c*norm2(w)^2", "w", "--order", "2")
    assert code == 0 and "∇²g = 2(XᵀX + c I)" in out


def test_symmetric_variable_shows_both_conventions(capsys):
    code, out, _ = run(capsys, "logdet(S)", "S", "--declare", "S: n×n spd")
    assert code == 0 and "∇g = S⁻¹" in out and "free entries" in out and "n(n+1)/2" in out


def test_det_in_both_forms(capsys):
    code, out, _ = run(capsys, "det(X)", "X")
    assert code == 0 and "det(X) X⁻ᵀ" in out and "adj(X)ᵀ" in out and "X invertible" in out


def test_a_formula_may_begin_with_a_minus(capsys):
    code, out, _ = run(capsys, "-x'*A*x", "x", "--form", "gradient", "--text")
    assert (code, out.strip()) == (0, "-(A + A')*x")


def test_json_and_numpy(capsys):
    code, out, _ = run(capsys, "x'*A*x", "x", "--json")
    found = json.loads(out)
    assert code == 0 and found["text"] == "(A + A')*x" and found["checked"]["points"] == 3
    code, out, _ = run(capsys, "x'*A*x", "x", "--numpy")
    space: dict = {}
    exec(out, space)
    import numpy as np

    assert space["derivative"](A=np.array([[0.0, 1], [0, 0]]), x=np.array([1.0, 1])).tolist() == [1, 1]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("x*y", "x"), 2, "did you mean x'*y"),
        (("logdett(X)", "X"), 2, "did you mean logdet"),
        (("A*X + c", "X"), 2, "c*ones("),
        (("tr(A*X", "X"), 2, "not closed"),
        (("", "x"), 2, "empty"),
        (("x'*A*x", "z"), 2, "derivative is 0"),
        (("x'*A*x",), 2, "name the variable"),
        (("det(X)", "X", "--declare", "X: 3×4"), 2, "square"),
        (("A*B", "A", "--declare", "A: 2×3", "--declare", "B: 4×5"), 2, "inner dimensions"),
        (("A/B", "A"), 2, "divides by a scalar"),
        (("x", "x", "--declare", "x: n", "--declare", "x: m"), 2, "declared twice"),
        (("inv(0*X)", "X"), 2, "zero matrix"),
        (("prod_i(x[i])", "x"), 3, "not supported yet"),
        (("log(-exp(a))", "a"), 1, "no point found"),
    ],
)
def test_exit_codes_and_messages(capsys, arguments, code, said):
    found, out, err = run(capsys, *arguments)
    assert found == code and said in err and not out and "Traceback" not in err


def test_errors_point_at_the_place(capsys):
    _, _, err = run(capsys, "tr(A*X)*B*Y + x*y", "X")
    line, carets = err.splitlines()[:2]
    assert line == "tr(A*X)*B*Y + x*y" and carets.startswith(" " * 14 + "^^^ ")


def test_operations(capsys):
    code, out, _ = run(capsys, "operations")
    assert code == 0 and "Jacobi's formula" in out and "d inv(X) = -inv(X)*dX*inv(X)" in out
    code, out, _ = run(capsys, "operations", "--json")
    rows = json.loads(out)
    assert code == 0 and len(rows) >= 80 and all(row["rule"] for row in rows)
    code, _, err = run(capsys, "operations", "dett")
    assert code == 2 and "did you mean det" in err


def process(*arguments, stdin=b""):
    return subprocess.run([sys.executable, "-m", "frechet", *arguments], input=stdin, capture_output=True, timeout=120)


@pytest.mark.parametrize(
    ("stdin", "said"),
    [
        (b"\xff\xfe", "not UTF-8"),
        (b"x\0y", "control character"),
        (b"x" * 1_200_000, "longer than"),
        (b"(" * 10_000 + b"x", "not closed"),
        (b"", "empty"),
    ],
)
def test_standard_input_that_cannot_be_read(stdin, said):
    p = process("-", "x", stdin=stdin)
    assert p.returncode == 2 and said in p.stderr.decode() and b"Traceback" not in p.stderr


def test_ten_thousand_parentheses():
    p = process("-", "x", "--form", "jacobian", "--text", stdin=b"(" * 10_000 + b"A*x" + b")" * 10_000)
    assert p.returncode == 0 and p.stdout.decode().strip() == "A"


def test_help_and_version():
    assert "exit codes" in process("--help").stdout.decode()
    assert process("--version").stdout.decode().startswith("frechet ")


def test_the_page_stands_without_a_view_that_is_not_supported(capsys):
    for order in ("1", "2"):
        code, out, _ = run(capsys, "conv1d(X,w)", "X", "--declare", "X: 5×3", "--declare", "w: 2", "--order", order)
        assert code == 0
        assert "differential    dF = conv1d(dX, w)" in out
        assert "Jacobian        not supported: the Jacobian of conv1d of a matrix" in out
    code, _, err = run(capsys, "conv1d(X,w)", "X", "--declare", "X: 5×3", "--declare", "w: 2", "--form", "jacobian")
    assert code == 3 and "Jacobian of conv1d" in err


def test_exact_is_said_of_what_is_affine_at_every_point(capsys):
    for formula, x, declared, exact in (
        ("sum(x[k:n])", "x", "x: n", True),
        ("tr(A*X*inv(B))", "X", "B: n×n", True),
        ("log(exp(c))", "c", "c: scalar complex", False),
        ("x'*A*x", "x", "x: n", False),
    ):
        _, out, _ = run(capsys, formula, x, "--declare", declared, "--no-check")
        assert ("exact: g is affine" in out) is exact, formula
