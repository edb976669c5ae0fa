"""Stationary points by formula: compared with points found in another way, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import frechet as fr
from frechet.interfaces.command_line import main
from frechet.interfaces.stationary.numbers import kind_by_numbers, samples_of

# (function, variable, declarations, the point, its kind, its conditions)
ANSWERS: list[tuple[str, str, list[str], str, str, list[str]]] = [
    ("norm2(X*w - y)^2", "w", [], "inv(X'*X)*X'*y", "minimum", ["X of full column rank"]),
    ("norm2(X*w - y)^2 + c*norm2(w)^2", "w", ["c: positive"], "inv(X'*X + c*eye(n))*X'*y", "minimum", []),
    ("(X*w - y)'*inv(S)*(X*w - y)", "w", ["S: spd"], "inv(X'*inv(S)*X)*X'*inv(S)*y", "minimum",
     ["X of full column rank", "S positive definite"]),
    ("sum(h.*(X*w - y).^2)", "w", ["h: positive"], "inv(X'*diag(h)*X)*X'*(h.*y)", "minimum", ["X of full column rank"]),
    ("norm2(A*X - B)^2", "X", [], "inv(A'*A)*A'*B", "minimum", ["A of full column rank"]),
    ("norm2(Y - X*B)^2", "B", [], "inv(X'*X)*X'*Y", "minimum", ["X of full column rank"]),
    ("norm2(Y - X*B)^2", "X", [], "Y*B'*inv(B*B')", "minimum", ["B of full row rank"]),
    ("norm2(T - U*V')^2 + c*norm2(U)^2", "U", ["c: positive"], "T*V*inv(V'*V + c*eye(q))", "minimum", []),
    ("x'*A*x - 2*h'*x", "x", ["A: spd"], "inv(A)*h", "minimum", ["A positive definite"]),
    ("x'*A*x - 2*h'*x", "x", ["A: symmetric"], "inv(A)*h", "stationary point", ["A invertible"]),
    ("x'*A*x - 2*h'*x", "x", [], "2*inv(A + A')*h", "stationary point", ["A + A' invertible"]),
    ("-x'*A*x + h'*x", "x", ["A: spd"], "inv(A)*h/2", "maximum", ["A positive definite"]),
    ("x'*A*x", "x", ["A: spd"], "zeros(n)", "minimum", ["A positive definite"]),
    ("norm2(A*X + X*B - C)^2", "X", [], "sylvester(A,B,C)", "minimum", ["no eigenvalue of A is the negative of one of B"]),
    ("norm2(A*X + X*A' - C)^2", "X", [], "lyap(A,C)", "minimum", ["no two eigenvalues of A add up to 0"]),
    ("tr(X'*A*X) + tr(X*B*X') - 2*tr(C'*X)", "X", ["A: spd", "B: spd"], "sylvester(A,B,C)", "minimum",
     ["A positive definite", "B positive definite"]),
    ("norm2(A*X - B)^2", "X", ["X: symmetric"], "lyap(A'*A,A'*B + B'*A)", "minimum", ["A of full column rank"]),
    ("norm2(M.*(X - Y))^2", "X", [], "Y", "minimum", ["no entry of M is 0"]),
    ("a/2*logdet(S) + tr(inv(S)*C)/2", "S", ["S: spd", "C: spd", "a: positive"], "C/a", "minimum", ["C positive definite"]),
    ("tr(P*C) - logdet(P)", "P", ["P: spd", "C: spd"], "inv(C)", "minimum", ["C positive definite"]),
    ("norm2(y - b*ones(n))^2", "b", [], "sum(y)/n", "minimum", []),
    ("a*log(b) + c/b", "b", ["a: positive", "b: positive", "c: positive"], "c/a", "minimum", []),
    ("a*log(b) + c/(2*b^2)", "b", ["a: positive", "b: positive", "c: positive"], "sqrt(c)/sqrt(a)", "minimum", []),
    ("y'*log(p) - c*sum(p)", "p", ["p: n positive", "y: n positive", "c: positive"], "y/c", "maximum", []),
    ("norm2(A*x - y)", "x", [], "inv(A'*A)*A'*y", "minimum", ["A of full column rank"]),
    ("exp(-norm2(x - y)^2)", "x", [], "y", "maximum", []),
]  # fmt: skip


@pytest.mark.parametrize("case", ANSWERS, ids=lambda case: f"{case[0]} by {case[1]}")
def test_points(case: Any) -> None:
    function, variable, declare, point, kind, conditions = case
    s = fr.stationary(function, variable, declare)
    assert (repr(s.point), s.kind, s.conditions) == (point, kind, conditions)
    points, error = s.checked
    assert points >= 3 and error < 1e-7


@pytest.mark.parametrize("case", [c for c in ANSWERS if c[4] != "stationary point"], ids=lambda case: case[0])
def test_the_kind_is_what_the_hessian_says_in_numbers(case: Any) -> None:
    function, variable, declare, _, kind, _ = case
    s = fr.stationary(function, variable, declare)
    d = fr.derivative(s.function, s.variable)
    assert kind_by_numbers(d, samples_of(d, s.point))[0] == kind


@pytest.mark.parametrize(("function", "variable", "declare"), [
    ("norm2(A*X*B - C)^2 + c*norm2(X)^2", "X", ["c: positive"]),
    ("norm2(X - X')^2 + norm2(X - A)^2", "X", []),
    ("norm2(A*X - B)^2 + tr(X'*D)^2", "X", []),
])  # fmt: skip
def test_what_has_no_shorter_form_is_solved_by_vec(function: str, variable: str, declare: list[str]) -> None:
    s = fr.stationary(function, variable, declare)
    assert "unvec(inv(" in repr(s.point) and s.checked[1] < 1e-7


@pytest.mark.parametrize(("function", "variable", "declare", "said"), [
    ("sum(log(1 .+ exp(X*w)))", "w", [], r"not linear in w, also not after multiplying through, because of sigmoid\(X\*w\)"),
    ("x'*A*x + sum(x.^4)", "x", [], r"because of x\.\^3"),
    ("tr(inv(X)*A) + tr(X*B)", "X", [], r"because of inv\(X\)"),
    ("norm1(x) + norm2(x - y)^2", "x", [], r"because of sign\(x\)"),
    ("h'*x", "x", [], "the gradient h does not depend on x"),
    ("x'*A*x", "x", ["x: sphere"], "which is a constraint"),
    ("x'*A*x", "x", ["x: simplex"], "which is a constraint"),
    ("norm2(A*X - B)^2", "X", ["X: diagonal"], "X: its entries are not free|declared diagonal are not supported"),
    ("norm2(A*z - y)^2", "z", ["z: complex"], "z is complex"),
    ("tr(X)^2", "X", [], "not the only stationary point"),
    ("norm2(x)", "x", [], "the only candidate, x = zeros"),
    ("logdet(X)", "X", [], "the only candidate, X = zeros"),
])  # fmt: skip
def test_refusals_name_the_reason(function: str, variable: str, declare: list[str], said: str) -> None:
    with pytest.raises(fr.UnsupportedError, match=said):
        fr.stationary(function, variable, declare)


def test_other_questions_are_refused() -> None:
    with pytest.raises(fr.NotationError, match="'q' is no variable of the function, whose variables are X, w, y"):
        fr.stationary("norm2(X*w - y)^2", "q")
    with pytest.raises(fr.ShapeError, match="belongs to a scalar function"):
        fr.stationary("A*x", "x")


def test_the_point_is_what_a_solver_finds() -> None:
    rng = np.random.default_rng(0)
    a, b, c = rng.normal(size=(5, 3)), rng.normal(size=(4, 6)), rng.normal(size=(5, 6))
    formula, values = "norm2(A*X*B - C)^2 + c*norm2(X)^2", {"A": a, "B": b, "C": c, "c": 0.3}
    s = fr.stationary(formula, "X", ["c: positive"])
    found = fr.problem(formula, "X", values, declare=["c: positive"]).solve()
    assert np.allclose(s.point.evaluate(values), found["X"])


def test_an_expression_may_be_asked_about() -> None:
    x, m = fr.vector("x", "n"), fr.vector("m", "n")
    s = fr.stationary(fr.norm(x - m) ** 2, x)
    assert s.point is m and repr(s) == "<minimum of norm2(x - m)^2 at x = m>"
    assert "stationary" in str(s) and "<" in s._repr_html_()


def test_what_was_multiplied_and_solved_for_is_said() -> None:
    s = fr.stationary("a/2*logdet(S) + tr(inv(S)*C)/2", "S", ["S: spd", "C: spd", "a: positive"])
    assert s.multiplied == "S from both sides" and repr(s.left) == "a*S" and s.right.params[0] == "C"
    s = fr.stationary("norm2(A*x - y)^4", "x")
    assert s.notes[0] == "where norm2(A*x - y) = 0 the gradient is 0 too"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["stationary", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_command_in_its_styles(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "norm2(X*w - y)^2", "w")
    assert code == 0 and not err
    assert "stationary      w = (XᵀX)⁻¹ Xᵀ y" in out and "conditions      X of full column rank" in out
    assert "w = inv(X'*X)*X'*y" in run(capsys, "norm2(X*w - y)^2", "w", "--text")[1]
    assert r"w = (X^{\top} X)^{-1} X^{\top} y" in run(capsys, "norm2(X*w - y)^2", "w", "--latex")[1]
    assert "- **kind**: minimum" in run(capsys, "norm2(X*w - y)^2", "w", "--markdown")[1]
    assert "<div" in run(capsys, "norm2(X*w - y)^2", "w", "--html")[1]
    found = json.loads(run(capsys, "norm2(X*w - y)^2", "w", "--json")[1])
    assert found["text"] == "inv(X'*X)*X'*y" and found["kind"] == "minimum" and found["equation"] == "X'*X*w = X'*y"
    space: dict[str, Any] = {}
    exec(run(capsys, "norm2(X*w - y)^2", "w", "--numpy")[1], space)
    assert np.allclose(space["stationary"](X=np.eye(2), y=np.ones(2)), 1)


def test_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "sum(exp(X*w))", "w")
    assert code == 3 and "not linear in w" in err
    assert run(capsys, "norm2(X*w - y)^2", "q")[0] == 2
    code, _, err = run(capsys, "norm2(X*w - y)^2")
    assert code == 2 and "name the variable to solve for" in err
    assert run(capsys, "-x'*x")[0] == 0


def test_the_notebook_shows_the_page() -> None:
    from frechet.interfaces.notebook import frechet

    page = frechet("""stationary "norm2(X*w - y)^2" w""")
    assert page is not None and "stationary" in str(page)


def test_complex_data_and_real_unknowns() -> None:
    s = fr.stationary("norm2(c*z - u)^2", "c", ["z: n complex", "u: n complex"])
    assert s.kind == "minimum" and s.conditions == ["norm2(z) ≠ 0"]
