"""Cholesky factors, triangles and the linear matrix equations."""

from __future__ import annotations

import re

import numpy as np
import pytest
import scipy.linalg as sla

import frechet as fr
from frechet.compilation.numpy_source import evaluate
from frechet.differentiation.conditions import conditions
from frechet.differentiation.derivative import Derivative
from frechet.expressions.errors import FrechetError, ShapeError, UnsupportedError
from frechet.expressions.node import Expr
from frechet.notation.reading import parse, read
from frechet.notation.text import write_text
from frechet.verification.check import check_equal, check_gradient, check_hessian, check_jacobian

DECLARED = {
    "S": "n×n spd", "T": "n×n symmetric", "L": "n×n lower", "A": "n×n", "B": "n×n", "C": "n×n", "X": "n×n",
    "b": "n", "c": "n",
}  # fmt: skip


def of(text: str) -> tuple[Expr, dict[str, Expr]]:
    names = re.findall(r"\w+", text)
    found = read(text, [f"{name}: {said}" for name, said in DECLARED.items() if name in names])
    return found.expression, found.variables


@pytest.mark.parametrize(
    ("text", "by", "gradient"),
    [
        ("sum(log(diag(cholesky(S))))", "S", "inv(S)/2"),
        ("2*sum(log(diag(cholesky(S))))", "S", "inv(S)"),
        ("norm2(cholesky(S))^2", "S", "eye(n)"),
        ("norm2(inv(cholesky(S))*b)^2", "S", "-inv(S)*b*b'*inv(S)"),
        ("prod(diag(cholesky(S)))", "S", "sqrt(det(S))*inv(S)/2"),
        ("b'*tril(X)*c", "X", "tril(b*c')"),
        ("b'*triu(X)*c", "X", "triu(b*c')"),
        ("norm2(sym(X))^2", "X", "X+X'"),
        ("tr(A'*lyap(B,X))", "X", "lyap(B',A)"),
        ("tr(C'*sylvester(A,B,X))", "X", "sylvester(A',B',C)"),
        ("tr(tril(X))", "X", "eye(n)"),
        ("sum(diag(lowhalf(X)))", "X", "eye(n)/2"),
    ],
)
def test_gradients(text: str, by: str, gradient: str) -> None:
    f, names = of(text)
    g = Derivative(f, names[by]).gradient
    assert check_gradient(f, names[by], g).ok
    assert g is parse(gradient, names, dimensions=["n"])


@pytest.mark.parametrize(
    "text",
    [
        "tr(A*cholesky(S))", "norm2(cholesky(S)-B)^2", "b'*inv(cholesky(S))*c", "b'*cholesky(X*X'+eye(n))*c",
        "sum(exp(tril(A*X)))", "tr(A*lyap(X,B))", "tr(A*lyap(S,B*B'))", "tr(sylvester(X,A,X)*B)", "b'*lowhalf(X*X)*c",
    ],
)  # fmt: skip
def test_harder_gradients(text: str) -> None:
    f, names = of(text)
    x = names.get("X") or names["S"]
    assert check_gradient(f, x, Derivative(f, x).gradient).ok


@pytest.mark.parametrize("text", ["norm2(cholesky(S)-B)^2", "b'*inv(cholesky(S))*c", "tr(A*lyap(B,X*X'))", "b'*tril(X*X)*c"])
def test_hessians(text: str) -> None:
    f, names = of(text)
    x = names.get("X") or names["S"]
    assert check_hessian(f, x, Derivative(f, x).hessian).ok


@pytest.mark.parametrize(
    "text", ["cholesky(S)", "tril(A*X*B)", "triu(X)*A", "lowhalf(X)", "lyap(X,A)", "lyap(A,X)", "sylvester(A,X,B)"]
)
def test_jacobians(text: str) -> None:
    f, names = of(text)
    x = names.get("X") or names["S"]
    assert check_jacobian(f, x, Derivative(f, x).jacobian).ok


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("cholesky(S)*cholesky(S)'", "S"), ("inv(cholesky(S))'*inv(cholesky(S))", "inv(S)"),
        ("cholesky(9*S)", "3*cholesky(S)"), ("det(cholesky(S))^2", "det(S)"), ("tril(cholesky(S))", "cholesky(S)"),
        ("tril(X)'", "triu(X')"), ("tril(3*X)", "3*tril(X)"),
        ("triu(tril(X))", "diag(diag(X))"), ("tril(L*L)", "L*L"), ("triu(L')", "L'"), ("diag(tril(X))", "diag(X)"),
        ("sym(X)", "(X+X')/2"), ("skew(T)+X", "X"), ("lyap(A,B)'", "lyap(A,B')"), ("lyap(A,T)'", "lyap(A,T)"),
        ("sylvester(A,A',B)", "lyap(A,B)"), ("sylvester(T,T,B)", "lyap(T,B)"), ("sylvester(A,B,C)'", "sylvester(B',A',C')"),
        ("norm2(cholesky(S)'*b)^2", "b'*S*b"), ("norm2(inv(cholesky(S))*A)^2", "tr(A'*inv(S)*A)"),
    ],
)  # fmt: skip
def test_normal_form(text: str, same: str) -> None:
    _, names = of(f"sum({text})+sum({same})")
    left, right = parse(text, names), parse(same, names)
    assert left is right
    assert check_equal(left, right).ok


@pytest.mark.parametrize(
    "text", ["A*tril(X)'*B", "sylvester(A',B',C')", "lyap(A',B')*C", "lowhalf(X')'*A", "cholesky(S)'*A"]
)
def test_reads_back(text: str) -> None:
    e, names = of(text)
    assert parse(write_text(e).text, names, dimensions=["n"]) is e


def test_values() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(3, 3)) + 4 * np.eye(3), rng.normal(size=(2, 2)) + 4 * np.eye(2)
    c, q = rng.normal(size=(3, 2)), rng.normal(size=(3, 3))
    z = evaluate(parse("sylvester(A,B,C)"), {"A": a, "B": b, "C": c})
    assert np.allclose(a @ z + z @ b, c)
    assert np.allclose(evaluate(parse("lyap(A,Q)"), {"A": a, "Q": q}), sla.solve_continuous_lyapunov(a, q))
    assert np.allclose(evaluate(parse("lowhalf(Q)"), {"Q": q}), np.tril(q) - np.diag(np.diag(q)) / 2)


def test_cholesky_is_of_symmetric_matrices() -> None:
    with pytest.raises(UnsupportedError, match="declare X spd"):
        parse("cholesky(X)")
    with pytest.raises(FrechetError):
        parse("cholesky(X'*Y)")


def test_conditions() -> None:
    f, names = of("cholesky(T)")
    assert conditions(f, names["T"]) == [("{0} positive definite", names["T"])]
    f, names = of("lyap(A,X)")
    assert conditions(f, names["X"]) == [("no two eigenvalues of {0} add up to 0", names["A"])]
    f, names = of("cholesky(S)")
    assert not conditions(f, names["S"])


@pytest.mark.parametrize("text", ["tril(x'*x)", "lowhalf(A*x)", "sylvester(A,B,x)", "lyap(A,x)", "cholesky(A*x)"])
def test_wrong_shapes(text: str) -> None:
    with pytest.raises(ShapeError):
        parse(text)


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (4, 4)])
@pytest.mark.parametrize("text", ["triu(tril(C))", "tril(triu(C))", "triu(tril(C))*x", "tril(triu(C.*C))"])
def test_both_triangles_of_a_rectangular_matrix_keep_its_shape(text: str, shape: tuple[int, int]) -> None:
    C, x = np.random.default_rng(0).standard_normal(shape), np.arange(1.0, shape[1] + 1)
    wanted = np.triu(np.tril(C * C if "C.*C" in text else C))
    wanted = wanted @ x if "*x" in text else wanted
    for backend in ("numpy", "c"):
        program = fr.compile(fr.parse(text, {"C": "m×n", "x": "n"}), backend=backend)
        found = program(**{n: {"C": C, "x": x}[n] for n in program.arguments.names})
        assert found.shape == wanted.shape and np.allclose(found, wanted)
