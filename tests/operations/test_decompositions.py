"""QR, LU, LDL', least squares, projectors, the matrix sign and the geometric mean."""

from __future__ import annotations

import numpy as np
import pytest

import frechet as fr
from frechet.compilation.numpy_source import evaluate
from frechet.compilation.runtime import geomean, lu, qr
from frechet.differentiation.adjoint import adjoint
from frechet.differentiation.derivative import Derivative
from frechet.expressions.errors import FrechetError
from frechet.interfaces.answer import answer
from frechet.notation.reading import parse
from frechet.operations.constants import variable
from frechet.verification.check import check_adjoint, check_differential, check_gradient, check_hessian, check_jacobian

KNOWN = {
    "S": fr.matrix("S", "n", "n", "symmetric"), "P": fr.matrix("P", "n", "n", "spd"), "B": fr.matrix("B", "n", "n", "spd"),
    "X": fr.matrix("X", "n", "m"), "A": fr.matrix("A", "n", "m"), "Y": fr.matrix("Y", "n", "n"), "C": fr.matrix("C",
    "n", "n"),
    "b": fr.vector("b", "n"), "z": fr.vector("z", "m"), "c": fr.scalar("c", "positive"),
}  # fmt: skip
MAPS = [
    ("qrq(X)", "X"), ("qrr(X)", "X"), ("qrq(C*X)", "X"), ("lul(Y)", "Y"), ("luu(Y)", "Y"), ("luu(P)", "P"), ("ldll(P)", "P"),
    ("ldld(P)", "P"), ("ldll(S)*b", "S"), ("ldld(S)", "S"), ("lstsq(A,b)", "A"), ("lstsq(A,X)", "A"), ("ridge(A,b,c)", "A"),
    ("proj(X)", "X"), ("proj(X)*b", "X"), ("signm(Y)", "Y"), ("signm(S)*b", "S"), ("geomean(P,B)", "P"),
    ("geomean(P,B)", "B"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "by"), MAPS)
def test_differential_adjoint_and_jacobian(text: str, by: str) -> None:
    f, x = parse(text, KNOWN), KNOWN[by]
    d = Derivative(f, x)
    report = check_differential(f, x, d.direction, d.differential)
    assert report.ok, report.reason
    w = variable("W", f.shape)
    report = check_adjoint(d.raw_differential, d.direction, adjoint(d.raw_differential, d.direction, w), w)
    assert report.ok, report.reason
    report = check_jacobian(f, x, d.jacobian)
    assert report.ok, report.reason
    report = check_differential(d.raw_differential, x, d.direction, d.second_differential)
    assert report.ok, report.reason


@pytest.mark.parametrize(
    ("text", "by", "gradient"),
    [
        ("sum(log(diag(qrr(X))))", "X", "pinv(X)'"),
        ("prod(diag(luu(Y)))", "Y", "det(Y)*inv(Y)'"),
        ("sum(log(abs(diag(luu(Y)))))", "Y", "inv(Y)'"),
        ("sum(log(ldld(P)))", "P", "inv(P)"),
        ("norm2(qrr(X))^2", "X", "2*X"),
        ("b'*proj(X)*b", "X", "2*(eye(n)-proj(X))*b*b'*pinv(X)'"),
        ("z'*ridge(A,b,c)", "c", "-b'*A*inv(A'*A+c*eye(m))^2*z"),
        ("tr(inv(P)*cholesky(P)*cholesky(P)')", "P", "zeros(n,n)"),
        ("tr(lul(Y)*luu(Y))", "Y", "eye(n)"),
    ],
)
def test_gradients(text: str, by: str, gradient: str) -> None:
    f, x = parse(text, KNOWN), KNOWN[by]
    found = answer(f, x)
    expected = parse(gradient, KNOWN, dimensions=["n", "m"])
    assert found.expression is expected or found.expression.leaves <= expected.leaves, str(found.expression)
    report = check_gradient(f, x, expected)
    assert report.ok, report.reason


@pytest.mark.parametrize(
    ("text", "by"), [("z'*qrr(X)*z", "X"), ("b'*lul(Y)*b", "Y"), ("b'*proj(X)*b", "X"), ("b'*ldld(P)", "P")]
)
def test_hessians(text: str, by: str) -> None:
    d = Derivative(parse(text, KNOWN), KNOWN[by])
    report = check_hessian(d.function, d.variable, d.hessian, d.cotangent)
    assert report.ok, report.reason


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("qrq(X)*qrr(X)", "X"), ("qrr(X)'*qrq(X)'", "X'"), ("qrq(X)'*qrq(X)", "eye(m)"), ("qrr(X)'*qrr(X)", "X'*X"),
        ("lul(Y)*luu(Y)", "Y"), ("inv(luu(Y))*inv(lul(Y))", "inv(Y)"), ("ldll(S)*diag(ldld(S))*ldll(S)'", "S"),
        ("qrq(3*X)", "qrq(X)"), ("luu(c*Y)", "c*luu(Y)"), ("triu(qrr(X))", "qrr(X)"), ("tril(luu(Y))", "diag(diag(luu(Y)))"),
        ("proj(X)*proj(X)", "proj(X)"), ("proj(2*X)'", "proj(X)"), ("geomean(B,P)", "geomean(P,B)"), ("geomean(P,P)", "P"),
        ("geomean(P,eye(n))", "sqrtm(P)"), ("signm(Y)*signm(Y)", "eye(n)"), ("prod(ldld(S))", "det(S)"),
    ],
)  # fmt: skip
def test_normal_forms(text: str, same: str) -> None:
    assert parse(text, KNOWN, dimensions=["n", "m"]) is parse(same, KNOWN, dimensions=["n", "m"])


def test_helpers() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(5, 3)), rng.normal(size=(4, 4))
    q, r = qr(x)
    assert (
        np.allclose(q @ r, x) and np.allclose(q.T @ q, np.eye(3)) and np.all(np.diag(r) > 0) and np.allclose(r, np.triu(r))
    )
    lower, upper = lu(y)
    assert np.allclose(lower @ upper, y) and np.allclose(np.diag(lower), 1) and np.allclose(lower, np.tril(lower))
    assert not np.all(np.isfinite(lu(np.array([[0.0, 1.0], [1.0, 0.0]]))[0]))
    a, b = y @ y.T + np.eye(4), x[:4, :2] @ x[:4, :2].T + np.eye(4)
    g = geomean(a, b)
    assert np.allclose(g @ np.linalg.inv(a) @ g, b) and np.all(np.linalg.eigvalsh(g) > 0)
    with pytest.raises(np.linalg.LinAlgError):
        qr(x.T)


def test_the_projector_on_columns_of_lower_rank() -> None:
    x = np.outer([1.0, 2.0, 2.0], [1.0, -1.0])
    assert np.allclose(evaluate(parse("proj(X)", KNOWN), {"X": x}), np.outer([1, 2, 2], [1, 2, 2]) / 9)


def test_conditions_are_said_once() -> None:
    assert answer(parse("tr(A'*qrq(X))", KNOWN), KNOWN["X"]).conditions == ["X of full column rank"]
    assert answer(parse("tr(C*lul(Y))", KNOWN), KNOWN["Y"]).conditions == ["the leading principal minors of Y are not 0"]


def test_a_wide_matrix_has_no_full_column_rank() -> None:
    with pytest.raises(FrechetError, match="full column rank"):
        fr.qrr(fr.matrix("W", 2, 3))


def test_the_right_side_of_a_least_squares_problem_is_a_vector() -> None:
    assert parse("lstsq(A,b)").kind == "vector" and parse("ridge(A,b,c)").kind == "vector"
