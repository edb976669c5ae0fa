"""Functions of matrices: what collapses, what the helpers compute, what is refused."""

from __future__ import annotations

import re

import numpy as np
import pytest
import scipy.linalg as sla

from frechet.compilation.numpy_source import evaluate, numpy_source
from frechet.differentiation.derivative import Derivative
from frechet.expressions.errors import FrechetError, ShapeError, UnsupportedError
from frechet.expressions.node import Expr
from frechet.notation.latex import write_latex
from frechet.notation.reading import parse, read
from frechet.notation.text import write_text
from frechet.verification.check import check_differential, check_equal, check_gradient, check_hessian, check_jacobian

DECLARED = {"S": "n×n spd", "T": "n×n symmetric", "A": "n×n", "B": "n×n", "X": "n×n", "b": "n", "c": "n", "e": "positive"}


def of(text: str) -> tuple[Expr, dict[str, Expr]]:
    names = re.findall(r"\w+", text)
    found = read(text, [f"{name}: {said}" for name, said in DECLARED.items() if name in names])
    return found.expression, found.variables


@pytest.mark.parametrize(
    ("text", "by", "gradient"),
    [
        ("tr(expm(X))", "X", "expm(X)'"),
        ("tr(logm(X))", "X", "inv(X)'"),
        ("tr(sqrtm(X))", "X", "inv(sqrtm(X))'/2"),
        ("tr(powm(X,1/3))", "X", "powm(X,-2/3)'/3"),
        ("tr(powm(S,a))", "S", "a*powm(S,a-1)"),
        ("tr(powm(S,a))", "a", "tr(logm(S)*powm(S,a))"),
        ("tr(sinm(X))", "X", "cosm(X)'"),
        ("tr(cosm(X))", "X", "-sinm(X)'"),
        ("tr(sinhm(T))", "T", "coshm(T)"),
        ("tr(expm(A*X))", "X", "(expm(A*X)*A)'"),
        ("tr(expm(X+a*A))", "a", "tr(A*expm(X+a*A))"),
        ("c'*expm(a*A)*b", "a", "c'*A*expm(a*A)*b"),
        ("c'*logm(a*S)*b", "a", "c'*b/a"),
        ("log(tr(expm(T)))", "T", "expm(T)/tr(expm(T))"),
        ("tr(S*sqrtm(S))", "S", "1.5*sqrtm(S)"),
        ("tr(sqrtm(X'*X)^3)", "X", "3*X*sqrtm(X'*X)"),
        ("tr(sqrtm(X'*X+e*eye(n)))", "X", "X*inv(sqrtm(X'*X+e*eye(n)))"),
        ("tr(S*logm(S))", "S", "logm(S)+eye(n)"),
        ("tr(T*expm(T))", "T", "T*expm(T)+expm(T)"),
        ("tr(inv(sqrtm(S)))", "S", "-powm(S,-3/2)/2"),
        ("det(expm(X))", "X", "exp(tr(X))*eye(n)"),
        ("c'*expm(X)*b", "X", "dexpm(X',c*b')"),
        ("norm2(expm(X)-B)^2", "X", "2*dexpm(X',expm(X)-B)"),
    ],
)
def test_gradients(text: str, by: str, gradient: str) -> None:
    f, names = of(text)
    d = Derivative(f, names[by])
    g = d.gradient if names[by].kind != "scalar" else d.by_scalar
    assert check_gradient(f, names[by], g).ok
    expected = parse(gradient, names, dimensions=["n"])
    assert g is expected or g.leaves <= expected.leaves


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("sqrtm(X)^2", "X"), ("X*sqrtm(X)", "powm(X,3/2)"), ("inv(X)*sqrtm(X)", "inv(sqrtm(X))"),
        ("sqrtm(X)*X*inv(sqrtm(X))", "X"), ("sqrtm(sqrtm(X))", "powm(X,1/4)"), ("sqrtm(S^2)", "S"),
        ("sqrtm(X'*X)*sqrtm(X'*X)", "X'*X"), ("X'*X*inv(sqrtm(X'*X))", "sqrtm(X'*X)"), ("sqrtm(9*X)", "3*sqrtm(X)"),
        ("sqrtm(e*X)", "sqrt(e)*sqrtm(X)"), ("powm(X,2)", "X^2"), ("powm(X,-1)", "inv(X)"), ("powm(X,0)", "eye(n)"),
        ("sqrtm(T)'", "sqrtm(T)"), ("expm(T')", "expm(T)"), ("expm(X)'", "expm(X')"), ("expm(2*X)*X*expm(-X)", "X*expm(X)"),
        ("expm(X)^3", "expm(3*X)"), ("expm(X)'*expm(-X')", "eye(n)"), ("sinm(X)*expm(X)*X", "X*expm(X)*sinm(X)"),
        ("(X*expm(X))'", "expm(X')*X'"), ("expm(a*eye(n))", "exp(a)*eye(n)"), ("expm(zeros(n,n))+X", "eye(n)+X"),
        ("logm(powm(X,1/3))", "logm(X)/3"), ("logm(S^3)", "3*logm(S)"), ("expm(logm(X))", "X"),
        ("det(powm(S,3/2))", "det(S)^1.5"),
        ("logdet(sqrtm(S))", "logdet(S)/2"), ("dexpm(X,3*X)", "3*X*expm(X)"), ("dexpm(a*X,X^2)", "X^2*expm(a*X)"),
        ("dpowm(X,1/2,A)", "dsqrtm(X,A)"), ("dpowm(X,2,A)", "A*X+X*A"), ("tr(dlogm(X,A))", "tr(inv(X)*A)"),
        ("dexpm(X,A)'", "dexpm(X',A')"), ("dexpm(X,eye(n)+A)", "expm(X)+dexpm(X,A)"),
    ],
)  # fmt: skip
def test_normal_form(text: str, same: str) -> None:
    _, names = of(f"sum({text})+sum({same})")
    left, right = parse(text, names, dimensions=["n"]), parse(same, names, dimensions=["n"])
    assert left is right
    assert check_equal(left, right).ok


@pytest.mark.parametrize(
    "text", ["sqrtm(X^2)", "logm(expm(X))", "logm(X^2)", "expm(A)*expm(B)", "powm(X^3,1/3)", "sqrtm(-X)", "sqrtm(expm(X))"]
)
def test_what_would_need_more_is_left_alone(text: str) -> None:
    assert str(write_text(of(text)[0])) == text


@pytest.mark.parametrize("text", ["tr(expm(X)*A)", "b'*powm(X,3/2)*c", "dsqrtm(X,A)", "powm(X,a)'*A", "inv(sqrtm(X))*A"])
def test_reads_back(text: str) -> None:
    e, names = of(text)
    assert parse(write_text(e).text, names, dimensions=["n"]) is e


def test_latex() -> None:
    assert write_latex(parse("powm(X,3/2)'")).text == r"(X^{3/2})^{\top}"
    assert write_latex(parse("inv(sqrtm(X))")).text == r"\sqrt{X}^{-1}"
    assert write_latex(parse("dexpm(X,E)")).text == r"L_{\exp}\left(X, E\right)"


POINT = np.array([[2.0, 0.3, -0.1], [0.2, 1.5, 0.4], [-0.3, 0.1, 1.8]])
STEP = np.array([[0.5, -1.0, 0.2], [0.3, 0.7, -0.6], [1.1, 0.4, -0.2]])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("expm(X)", sla.expm(POINT)), ("logm(X)", sla.logm(POINT)), ("sqrtm(X)", sla.sqrtm(POINT)),
        ("powm(X,0.3)", sla.fractional_matrix_power(POINT, 0.3)), ("sinm(X)", sla.sinm(POINT)), ("cosm(X)", sla.cosm(POINT)),
        ("sqrtm(X'*X)", sla.sqrtm(POINT.T @ POINT)), ("sinhm(X)", sla.sinhm(POINT)), ("coshm(X)", sla.coshm(POINT)),
    ],
)  # fmt: skip
def test_values(text: str, value: np.ndarray) -> None:
    assert np.allclose(evaluate(parse(text), {"X": POINT}), value, atol=1e-12)


@pytest.mark.parametrize("name", ["expm", "logm", "sqrtm", "sinm", "cosm"])
def test_derivatives_by_differences(name: str) -> None:
    f = getattr(sla, name)
    h = 1e-5
    expected = (f(POINT + h * STEP) - f(POINT - h * STEP)) / (2 * h)
    assert np.allclose(evaluate(parse(f"d{name}(X,E)"), {"X": POINT, "E": STEP}), expected, atol=1e-8)
    assert np.all(evaluate(parse(f"d{name}(X,E)"), {"X": POINT, "E": 0 * STEP}) == 0)


def test_roots_of_singular_matrices() -> None:
    wide = np.array([[1.0, 2.0, 3.0]])
    root = evaluate(parse("sqrtm(X'*X)", {"X": "1×3"}), {"X": wide})
    assert np.allclose(root @ root, wide.T @ wide)


def test_no_value_where_it_is_not_real() -> None:
    negative = np.diag([1.0, -1.0])
    for text in ("logm(X)", "sqrtm(X)", "powm(X,1/3)"):
        assert np.all(np.isnan(evaluate(parse(text), {"X": negative})))
    assert np.all(np.isnan(evaluate(parse("expm(X)"), {"X": np.full((2, 2), np.inf)})))


def test_source_stands_alone() -> None:
    e = parse("dsqrtm(X,E) + dpowm(X,1/3,E) + expm(X) + dlogm(X,E)")
    source = numpy_source(e)
    assert "frechet" not in source
    space: dict[str, object] = {}
    exec(source, space)
    value = space["derivative"](X=POINT, E=STEP)  # type: ignore[operator]
    assert np.allclose(value, evaluate(e, {"X": POINT, "E": STEP}))


def test_a_variable_called_as_a_helper() -> None:
    source = numpy_source(parse("expm(expm)*logm", {"expm": "n×n", "logm": "n"}))
    space: dict[str, object] = {}
    exec(source, space)
    value = space["derivative"](expm=POINT, logm=np.ones(3))  # type: ignore[operator]
    assert np.allclose(value, sla.expm(POINT) @ np.ones(3))


def test_adjugates_stay_outside_of_the_point() -> None:
    """det(X)*dexpm(inv(X),A) is not dexpm(adj(X),A): the derivative is linear in its direction only."""
    e = parse("det(X)*dexpm(inv(X),A)")
    inverse = np.linalg.inv(POINT)
    expected = np.linalg.det(POINT) * sla.expm_frechet(inverse, STEP, compute_expm=False)
    assert np.allclose(evaluate(e, {"X": POINT, "A": STEP}), expected)


@pytest.mark.parametrize("text", ["tr(sqrtm(X))", "tr(powm(S,3/2))", "tr(inv(sqrtm(S)))", "tr(logm(X))", "tr(powm(X,-5/2))"])
def test_hessians(text: str) -> None:
    f, names = of(text)
    x = names["X"] if "X" in names else names["S"]
    assert check_hessian(f, x, Derivative(f, x).hessian).ok


@pytest.mark.parametrize("text", ["sqrtm(X)", "inv(sqrtm(X))", "powm(X,3/2)", "A*sqrtm(A*X)"])
def test_jacobians(text: str) -> None:
    f, names = of(text)
    assert check_jacobian(f, names["X"], Derivative(f, names["X"]).jacobian).ok


@pytest.mark.parametrize(
    "text", ["expm(X)", "sqrtm(X)", "logm(S*X*S)", "A*powm(X,1/3)", "sinm(X)", "cosm(A*X)", "inv(expm(X))"]
)
def test_second_differentials(text: str) -> None:
    f, names = of(text)
    d = Derivative(f, names["X"])
    assert check_differential(d.raw_differential, names["X"], d.direction, d.second_differential).ok


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("tr(expm(X))", "kexpm(X)"), ("tr(X*logm(X))", "klogm(X)"), ("tr(powm(X,1/3))", "kpowm(X,-2/3)"),
        ("tr(sinm(X))", "kcosm(X)"), ("tr(cosm(X))", "ksinm(X)"),
    ],
)  # fmt: skip
def test_hessians_name_the_matrix_of_the_frechet_derivative(text: str, name: str) -> None:
    f, names = of(text)
    hessian = Derivative(f, names["X"]).hessian
    assert name in str(write_text(hessian))
    report = check_hessian(f, names["X"], hessian)
    assert report.ok, report.reason


def test_the_matrix_of_a_frechet_derivative_is_its_divided_differences() -> None:
    rng = np.random.default_rng(1)
    a = rng.normal(size=(3, 3))
    w, v = np.linalg.eigh(a + a.T)
    gaps = w[:, None] - w + np.eye(3)
    f = (np.exp(w)[:, None] - np.exp(w)) / gaps + np.diag(np.exp(w))
    basis = np.kron(v, v)
    value = evaluate(parse("kexpm(S)", ["S: n×n symmetric"]), {"S": a + a.T})
    assert np.allclose(value, basis @ np.diag(f.ravel(order="F")) @ basis.T)


def test_exponent_of_a_direction_is_refused() -> None:
    f, names = of("tr(A*dpowm(X,a,B))")
    with pytest.raises(UnsupportedError, match="exponent"):
        Derivative(f, names["a"]).by_scalar  # noqa: B018


@pytest.mark.parametrize("text", ["sqrtm(A*x)", "expm(x'*x)", "powm(X,Y)", "dexpm(X,x)"])
def test_wrong_shapes(text: str) -> None:
    with pytest.raises(ShapeError):
        parse(text)


def test_other_exponents_point_to_powm() -> None:
    with pytest.raises(FrechetError, match=r"powm\(X,1/3\)"):
        parse("X^(1/3)", {"X": "n×n"})
