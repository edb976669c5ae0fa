"""Eigenvalues, singular values and their vectors: every rule against differences, every identity at random points."""

from __future__ import annotations

import numpy as np
import pytest

import frechet as fr
from frechet.differentiation.adjoint import adjoint
from frechet.differentiation.conditions import conditions
from frechet.differentiation.derivative import Derivative
from frechet.differentiation.differential import differential_symbol
from frechet.expressions.errors import ShapeError, UnsupportedError
from frechet.expressions.node import Expr, variables
from frechet.interfaces.answer import answer, describe
from frechet.interfaces.batch import answer_entry
from frechet.notation.latex import write_latex
from frechet.notation.reading import parse, read
from frechet.notation.text import write_text
from frechet.operations import nuclear, singular_values, spectra, spectral, toeplitz
from frechet.operations.constants import variable
from frechet.verification.check import check_adjoint, check_differential, check_equal, check_gradient, check_hessian

SYMMETRIC = ("X: n×n symmetric", "A: m×n", "S: n×n spd", "x: n", "y: n")
SQUARE = ("X: n×n", "A: m×n", "x: n", "y: n")
ANY = ("X: k×n", "A: m×k", "B: m×n", "x: n", "y: n", "u: k")
OF_SYMMETRIC = [
    "eigmax(X)", "eigmin(X)", "eigval(X,2)", "eigmax(A*X*A')", "eigmin(S+x*x'+X)", "eigmax(S*X*S)^2",
    "log(eigmax(S))*eigmin(X)", "x'*eigvecmax(X)*eigvecmax(X)'*y", "x'*eigvecmin(X)*eigvecmin(X)'*y",
    "x'*eigvec(X,2)*eigvec(X,2)'*y", "(x'*eigvecmax(X^2+S))^2",
]  # fmt: skip
OF_ANY = [
    "normspec(X)", "normnuc(X)", "svdval(X,2)", "normspec(A*X-B)^2", "normnuc(A*X-B)", "u'*svdu(X,1)*svdv(X,1)'*x",
    "(u'*svdu(X,2))^2", "(x'*svdv(X,2))^2", "normspec(X')*normnuc(2*X)", "svdval(A*X-B,1)-svdval(X,1)",
]  # fmt: skip


def derivative(text: str, declare: tuple[str, ...]) -> Derivative:
    known = [d for d in declare if d[0] in text.replace("eig", "").replace("max", "").replace("vec", "")]
    e = parse(text, known)
    return Derivative(e, next(v for v in variables(e) if v.params[0] == "X"))


CASES = [(t, SYMMETRIC) for t in OF_SYMMETRIC]
CASES += [(t, SQUARE) for t in OF_SYMMETRIC if "S" not in t]
CASES += [(t, ANY) for t in OF_ANY]


@pytest.mark.parametrize(("text", "declare"), CASES)
def test_first_and_second_differentials(text: str, declare: tuple[str, ...]) -> None:
    d = derivative(text, declare)
    f, x, dx = d.function, d.variable, d.direction
    for seed in range(3):
        assert check_differential(f, x, dx, d.differential, seed=seed).ok
        report = check_gradient(f, x, d.gradient, seed=seed)
        assert report.ok, report.reason
    assert check_adjoint(d.raw_differential, dx, adjoint(d.raw_differential, dx, parse("1")), parse("1")).ok
    if "normnuc" in text:
        with pytest.raises(UnsupportedError, match="polar"):
            _ = d.gradient_differential
        return
    report = check_differential(d.raw_differential, x, dx, d.second_differential)
    assert report.ok, report.reason
    report = check_hessian(f, x, d.hessian, d.cotangent)
    assert report.ok, report.reason


PAGES = [*spectral.PAGES, *spectra.PAGES, *singular_values.PAGES, *nuclear.PAGES, *toeplitz.PAGES]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_are_complete(page: fr.expressions.operation.Operation) -> None:
    assert page.signature and page.summary and page.rule and page.source and page.latex and page.examples and page.takes
    assert page in toeplitz.PAGES or page.conditions_text
    for text in page.examples:
        e = parse(text)
        assert parse(str(write_text(e)), {v.params[0]: v for v in variables(e)}) is e
        assert str(write_latex(e))
    for left, right in page.identities:
        r = read(f"({left})-({right})", [f"{v}: n×n spd" for v in "X" if page in (*spectral.PAGES, *spectra.PAGES)])
        names = r.variables
        a, b = parse(left, names), parse(right, names)
        report = check_equal(a, b)
        assert a is b or report.ok, f"{left} = {right}: {report.reason}"


@pytest.mark.parametrize(
    ("text", "gradient"),
    [
        ("eigmax(X)", "eigvecmax(X)*eigvecmax(X)'"),
        ("eigmin(-2*X)", "-2*eigvecmax(X)*eigvecmax(X)'"),
        ("eigmax(X+3*eye(n))", "eigvecmax(X)*eigvecmax(X)'"),
        ("normnuc(X)", "polar(X)"),
        ("normnuc(X*X')", "2*X"),
        ("normspec(X)", "svdu(X,1)*svdv(X,1)'"),
        ("normspec(A*X-B)^2", "2*normspec(A*X - B)*A'*svdu(A*X - B,1)*svdv(A*X - B,1)'"),
        ("normnuc(A*X-B)", "A'*polar(A*X - B)"),
        ("sum(eigvals(X))", "eye(n)"),
        ("norm2(svdvals(X))^2", "2*X"),
        ("eigvecmax(X)'*eigvecmax(X)", "zeros(n,n)"),
    ],
)
def test_gradients_read_as_in_the_books(text: str, gradient: str) -> None:
    e = parse(text)
    x = next(v for v in variables(parse(f"tr(X'*X)*({text})")) if v.params[0] == "X")
    e = parse(text, {"X": x})
    assert str(Derivative(e, x).gradient) == gradient


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("eigmax(X')", "eigmax(X)"),
        ("eigmin(-X)", "-eigmax(X)"),
        ("eigmax(-X)", "-eigmin(X)"),
        ("eigval(-3*X,4)", "-3*eigmin(X)"),
        ("eigval(-3*X,2)", "-3*eigval(X,3)"),
        ("eigval(X,4)", "eigmax(X)"),
        ("eigval(X,1)", "eigmin(X)"),
        ("eigmax(inv(X))", "1/eigmin(X)"),
        ("eigmin(X^3)", "eigmin(X)^3"),
        ("eigmax(X-c*eye(4))", "eigmax(X)-c"),
        ("eigvec(2*X-c*eye(4),4)", "eigvecmax(X)"),
        ("eigmax(eye(4))", "1"),
        ("eigmin(diag(x))", "min(x)"),
        ("eigmax(x*x')", "x'*x"),
        ("prod(eigvals(X))", "det(X)"),
        ("sum(log(eigvals(X)))", "logdet(X)"),
        ("max(eigvals(X))", "eigmax(X)"),
        ("normspec(X)", "eigmax(X)"),
        ("normnuc(X)", "tr(X)"),
        ("polar(X)", "eye(4)"),
        ("normspec(-3*B')", "3*normspec(B)"),
        ("normspec(c*B)", "abs(c)*normspec(B)"),
        ("normnuc(x*y')", "norm2(x)*norm2(y)"),
        ("svdu(B',2)", "svdv(B,2)"),
        ("svdu(-B,1)", "-svdu(B,1)"),
        ("svdv(-B,1)", "svdv(B,1)"),
        ("polar(-2*B)", "-polar(B)"),
        ("polar(B')", "polar(B)'"),
        ("normspec(x)", "norm2(x)"),
        ("norm2(svdu(B,1))", "1"),
        ("prod(svdvals(X))", "abs(det(X))"),
        ("adj(eigmax(X)*eye(4)-X)/tr(adj(eigmax(X)*eye(4)-X))", "eigvecmax(X)*eigvecmax(X)'"),
    ],
)
def test_normal_forms(text: str, same: str) -> None:
    known = {
        "X": fr.matrix("X", 4, 4, "spd"), "B": fr.matrix("B", 4, 3),
        "x": fr.vector("x", 4), "y": fr.vector("y", 4), "c": fr.scalar("c"),
    }  # fmt: skip
    assert parse(text, known) is parse(same, known)


@pytest.mark.parametrize("shape", [(3, 3), (4, 3), (2, 4), ("n", "n")])
@pytest.mark.parametrize("text", ["polar(X)", "tr(A'*polar(X))", "normnuc(X)", "norm2(polar(X)-A)^2"])
def test_polar_factor(text: str, shape: tuple[int, int]) -> None:
    x = fr.matrix("X", *shape)
    f = parse(text, {"X": x, "A": fr.matrix("A", *shape)})
    d = Derivative(f, x)
    for seed in range(2):
        assert check_differential(f, x, d.direction, d.differential, seed=seed).ok
        report = check_differential(d.raw_differential, x, d.direction, d.second_differential, seed=seed)
        assert report.ok, report.reason
    if f.kind == "scalar":
        assert check_gradient(f, x, d.gradient).ok


def test_two_eigenvalues_of_a_matrix_of_two_rows() -> None:
    x = fr.matrix("X", 2, 2, "symmetric")
    assert str(Derivative(parse("eigmax(X)+eigmin(X)", {"X": x}), x).gradient) == "eye(2)"
    assert str(parse("eigmax(X)-eigmin(X)", {"X": x})) in ("eigmax(X) - eigmin(X)", "-eigmin(X) + eigmax(X)")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("eigmax(X)", ["X symmetric", "the largest eigenvalue of X is simple"]),
        ("eigval(X*X',2)", ["the eigenvalue number 2 of X*X' is simple"]),
        ("normspec(X)", ["the largest singular value of X is simple and not 0"]),
        ("normnuc(A*X)", ["A*X of full rank"]),
    ],
)
def test_conditions(text: str, words: list[str]) -> None:
    e = parse(text)
    x = next(v for v in variables(e) if v.params[0] == "X")
    assert describe(conditions(e, x)) == words


WRONG = ["eigmax(x)", "eigval(X,0)", "eigval(X,5)", "eigmax(B)", "svdu(B,4)", "svdval(x,1)", "polar(x)"]


@pytest.mark.parametrize("text", WRONG)
def test_wrong_arguments_are_refused(text: str) -> None:
    known = {"X": fr.matrix("X", 4, 4), "B": fr.matrix("B", 4, 3), "x": fr.vector("x", 4)}
    with pytest.raises(ShapeError):
        parse(text, known)


def test_where_the_matrix_is_symmetric_the_rule_holds_for_the_eigenvalues_of_any_matrix_near() -> None:
    rng = np.random.default_rng(3)
    a, v = rng.normal(size=(2, 4, 4))
    x = a + a.T
    e = parse("eigmax(X)", ["X: n×n"])
    g = Derivative(e, variables(e)[0]).gradient.evaluate({"X": x})
    h = 1e-6
    plain = [np.max(np.linalg.eigvals(x + t * v).real) for t in (h, -h)]
    assert np.isclose((plain[0] - plain[1]) / (2 * h), np.sum(g * v), rtol=1e-6)


def test_source_runs_on_its_own() -> None:
    rng = np.random.default_rng(5)
    values = {"X": rng.normal(size=(5, 3)), "A": rng.normal(size=(4, 5)), "B": rng.normal(size=(4, 3))}
    e = parse("normspec(A*X-B)^2*normnuc(X)+eigmax(X'*X)")
    x = next(v for v in variables(e) if v.params[0] == "X")
    found = answer(e, x)
    space: dict[str, object] = {}
    exec(found.source(variables(e)), space)
    value = space["derivative"](**values)  # type: ignore[operator]
    assert np.allclose(value, found.expression.evaluate(values))


def test_pseudo_inverse_of_a_gap_is_not_led_astray_by_rounding() -> None:
    x = fr.matrix("X", "n", "n", "symmetric")
    e: Expr = Derivative(parse("eigmax(X)", {"X": x}), x).gradient_differential
    rng = np.random.default_rng(0)
    dx = differential_symbol(x)
    for _ in range(200):
        a = rng.normal(size=(3, 3))
        value = e.evaluate({"X": np.eye(3) + 0.1 * (a + a.T), dx.params[0]: a + a.T})
        assert np.max(np.abs(value)) < 1e8


def test_names_that_no_other_reader_knows_are_refused_in_batch() -> None:
    shapes = {"x": {"shape": ["n"]}, "S": {"shape": ["n", "n"]}}
    entry = {"expr": "x'*eigvals(S)", "vars": shapes, "dims": {"n": 3}, "wrt": "x"}
    with pytest.raises(UnsupportedError, match="eigvals"):
        answer_entry(entry)
    assert variable("x", parse("x").shape)  # the interface is not disturbed
