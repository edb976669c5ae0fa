"""The gradient of every structure lies in the variable's space and gives df = ⟨G, dX⟩ for every direction of it."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

import frechet as fr
from frechet.differentiation.derivative import Derivative
from frechet.differentiation.differential import differential_symbol
from frechet.differentiation.structure import projected, structure_of
from frechet.expressions.errors import FrechetError, ShapeError, UnsupportedError
from frechet.expressions.node import Expr, variables
from frechet.interfaces.batch import answer_entry
from frechet.notation.reading import parse
from frechet.operations.constants import variable
from frechet.verification.check import check_adjoint, check_differential, check_gradient, check_hessian
from frechet.verification.sampling import linear_structure
from frechet.verification.sampling import projected as projected_array

LINEAR = ("symmetric", "spd", "skew", "diagonal", "lower", "upper", "toeplitz")
FUNCTIONS = (
    "a'*X*b", "tr(A*X*B*X')", "norm2(A*X-B)^2", "sum(exp(X.*A))", "tr(A*X^2)", "a'*X*B*X*b", "norm2(X)^2",
    "sum(sin(A*X))",
)  # fmt: skip


def point(e: Expr, seed: int) -> dict[str, np.ndarray]:
    from frechet.verification.sampling import sample

    return sample(variables(e), {}, Random(seed))


def in_space(g: np.ndarray, x: Expr, at: np.ndarray) -> bool:
    if "orthogonal" in x.params[1]:
        return np.allclose(at.T @ g, -g.T @ at)
    return np.allclose(projected_array(g, linear_structure(x)), g)


def known(structure: str, n: int, m: int) -> dict[str, Expr]:
    return {
        "X": fr.matrix("X", n, m, structure), "A": fr.matrix("A", n, n), "B": fr.matrix("B", m, m),
        "a": fr.vector("a", n), "b": fr.vector("b", m),
    }  # fmt: skip


@pytest.mark.parametrize("structure", [*LINEAR, "orthogonal"])
@pytest.mark.parametrize("text", FUNCTIONS)
def test_gradient_of_square_variables(text: str, structure: str) -> None:
    names = known(structure, 3, 3)
    f, x = parse(text, names), names["X"]
    d = Derivative(f, x)
    for seed in range(2):
        report = check_gradient(f, x, d.gradient, seed=seed)
        assert report.ok, report.reason
        at = point(parse(f"({text})*(b'*X*A*B*a)", names), seed)
        assert in_space(np.asarray(d.gradient.evaluate(at)), x, at["X"])
    report = check_differential(f, x, d.direction, d.differential)
    assert report.ok, report.reason
    w = variable("w", f.shape)
    report = check_adjoint(d.raw_differential, d.direction, d.adjoint(w), w)
    assert report.ok or structure == "orthogonal", report.reason  # dX of orthogonal X is a general matrix
    assert check_hessian(f, x, d.hessian).ok


SHAPES = [
    ("lower", 4, 2), ("lower", 2, 3), ("upper", 4, 3), ("upper", 2, 4), ("toeplitz", 4, 3), ("toeplitz", 2, 4),
    ("orthogonal", 4, 2), ("orthogonal", 5, 3),
]  # fmt: skip


@pytest.mark.parametrize(("structure", "n", "m"), SHAPES)
@pytest.mark.parametrize("text", ["a'*X*b", "tr(A*X*B*X')", "norm2(A*X-C)^2", "sum(exp(X))"])
def test_gradient_of_other_shapes(text: str, structure: str, n: int, m: int) -> None:
    names = known(structure, n, m) | {"C": fr.matrix("C", n, m)}
    f, x = parse(text, names), names["X"]
    g = Derivative(f, x).gradient
    for seed in range(3):
        report = check_gradient(f, x, g, seed=seed)
        assert report.ok, report.reason
        at = point(parse(f"({text})*(a'*X*B*b)*sum(A)*sum(C)", names), seed)
        assert in_space(np.asarray(g.evaluate(at)), x, at["X"])


@pytest.mark.parametrize("structure", [*LINEAR, "orthogonal"])
def test_projection_is_orthogonal(structure: str) -> None:
    """⟨P(G), V⟩ = ⟨G, V⟩ for V in the space, P(P(G)) = P(G)."""
    x, g = fr.matrix("X", 3, 3, structure), fr.matrix("G", 3, 3)
    once = projected(g, x)
    at = point(parse("tr(X*G)", {"X": x, "G": g}), 1)
    first = np.asarray(once.evaluate(at))
    assert in_space(first, x, at["X"])
    assert np.allclose(projected(g, x).evaluate(at | {"G": first}), first)
    other = np.asarray(once.evaluate(at | {"G": np.random.default_rng(2).normal(size=(3, 3))}))
    assert np.isclose(np.sum(first * other), np.sum(at["G"] * other))


@pytest.mark.parametrize("structure", ["symmetric", "skew", "diagonal", "orthogonal", "toeplitz", "lower", "upper"])
def test_symbolic_sizes(structure: str) -> None:
    x = fr.matrix("X", "n", "n", structure)
    f = parse("tr(A*X*B*X')", {"X": x})
    assert check_gradient(f, x, Derivative(f, x).gradient).ok


def test_orthonormal_columns_of_symbolic_size() -> None:
    x = fr.matrix("X", "n", "k", "orthogonal")
    f = parse("norm2(A*X-B)^2", {"X": x})
    for seed in range(4):
        assert check_gradient(f, x, Derivative(f, x).gradient, seed=seed).ok


@pytest.mark.parametrize(
    ("text", "declare", "gradient"),
    [
        ("tr(C'*Q)", "Q: n×n orthogonal", "(C - Q*C'*Q)/2"),
        ("norm2(A*Q-B)^2", "Q: n×n orthogonal", "Q*B'*A*Q - A'*B"),
        ("tr(A'*Q)", "Q: n×k orthogonal", "A - Q*(A'*Q + Q'*A)/2"),
        ("tr(Q'*S*Q)", "Q: n×k orthogonal", "2*(S - Q*Q'*S)*Q"),
        ("tr(A'*Q)", "Q: n×n skew", "(A - A')/2"),
        ("tr(A*Q)", "Q: n×n diagonal", "diag(diag(A))"),
        ("x'*Q*x", "Q: n×n toeplitz", "toeplitzpart(x*x')"),
        ("norm2(Q)^2", "Q: n×n toeplitz", "2*Q"),
        ("logdet(Q)", "Q: n×n spd", "inv(Q)"),
        ("x'*Q*y", "Q: n×n lower", "tril(x*y')"),
        ("x'*Q*y", "Q: n×m upper", "triu(x*y')"),
        ("norm2(Q)^2", "Q: n×n lower", "2*Q"),
        ("logdet(Q)", "Q: n×n lower", "diag(diag(inv(Q)))"),
    ],
)
def test_gradients_as_texts(text: str, declare: str, gradient: str) -> None:
    e = parse(text, [declare, *(["S: n×n symmetric"] if "S" in text else [])])
    q = next(v for v in variables(e) if v.params[0] == "Q")
    assert str(Derivative(e, q).gradient) == gradient


def test_directions_have_the_linear_structure() -> None:
    for structure in ("symmetric", "skew", "diagonal", "lower", "upper", "toeplitz"):
        assert differential_symbol(fr.matrix("X", 3, 3, structure)).params[1] == (structure,)
    assert differential_symbol(fr.matrix("X", 3, 3, "spd")).params[1] == ("symmetric",)
    assert differential_symbol(fr.matrix("X", 3, 3, "orthogonal")).params[1] == ()
    assert structure_of(variable("X", fr.matrix("X", 3, 3).shape, ("diagonal", "spd"))) == "diagonal"


def test_combinations_are_refused_by_name() -> None:
    x = variable("X", fr.matrix("X", 3, 3).shape, ("symmetric", "toeplitz"))
    with pytest.raises(UnsupportedError, match="symmetric toeplitz"):
        _ = Derivative(parse("tr(A*X)", {"X": x}), x).gradient
    with pytest.raises(ShapeError, match="orthonormal"):
        fr.matrix("X", 2, 3, "orthogonal")


def test_a_simplex_is_a_domain_and_leaves_the_gradient_alone() -> None:
    x = fr.vector("x", "n", "simplex")
    assert projected(fr.vector("g", "n"), x) is fr.vector("g", "n")


@pytest.mark.parametrize(("n", "ok"), [(3, True), (4, True), (5, False), ("n", False)])
def test_toeplitz_in_batch(n: object, ok: bool) -> None:
    x = {"shape": [n, n], "structure": ["toeplitz"]}
    entry = {"expr": "x'*T*y", "vars": {"x": {"shape": [n]}, "y": {"shape": [n]}, "T": x}, "dims": {"n": 3}, "wrt": "T"}
    try:
        assert "toeplitzpart" not in answer_entry(entry)["text"]
    except FrechetError as error:
        assert not ok and "toeplitzpart" in error.message
    else:
        assert ok
