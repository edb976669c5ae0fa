"""Taylor remainders: slope 1 without the derivative, 2 with it, 1 with a wrong one; directions stay in the space."""

from __future__ import annotations

import numpy as np
import pytest

from frechet.differentiation.derivative import Derivative
from frechet.notation.reading import read
from frechet.operations.sums import add
from frechet.verification.manifolds import tangent
from frechet.verification.remainder import Remainder, fitted_slope, remainder
from frechet.verification.sampling import points

SMOOTH = [
    ("x'*A*x", "x"), ("logdet(X)", "X"), ("norm2(A*X-B)^2", "X"), ("inv(X)", "X"), ("X^2", "X"), ("softmax(W*x)", "W"),
    ("t^2*x", "t", "t: scalar"), ("logdet(S)", "S", "S: n×n spd"), ("sum(exp(X))", "X"), ("tr(expm(X))", "X"),
    ("norm2(A*z-b)^2", "z", "z: n complex", "A: m×n complex", "b: m complex"), ("sum(f(X*w))", "X", "f: elementwise"),
    ("tr(A*Q*B*Q')", "Q", "Q: n×n orthogonal"), ("x'*A*x", "x", "x: n sphere"), ("y'*log(p)", "p", "p: n simplex"),
    ("norm2(A*X)^2", "X", "X: n×m rank r"),
]  # fmt: skip
AFFINE = [("tr(A*X*B)", "X"), ("A*X*B + C", "X"), ("a'*x + c", "x"), ("tr(A*S)", "S", "S: n×n symmetric")]


def found(text: str, wrt: str, *declared: str, wrong: bool = False, seed: int = 0) -> tuple[Derivative, Remainder]:
    r = read(text, declared, wrt=wrt)
    d = Derivative(r.expression, r.variables[wrt])
    df = add([(2, d.raw_differential)]) if wrong else d.raw_differential
    result = remainder(d.function, d.variable, d.direction, df, seed=seed)
    assert result is not None
    return d, result


@pytest.mark.parametrize("case", SMOOTH, ids=lambda c: c[0])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_slopes_are_1_and_2(case: tuple[str, ...], seed: int) -> None:
    _, r = found(*case, seed=seed)
    first, second = r.slopes
    assert first is not None and second is not None
    assert abs(first - 1) < 0.05 and second > 1.9
    assert not r.exact


@pytest.mark.parametrize("case", SMOOTH, ids=lambda c: c[0])
def test_a_wrong_derivative_has_slope_1(case: tuple[str, ...]) -> None:
    _, r = found(*case, wrong=True)
    assert r.slopes[1] is not None and abs(r.slopes[1] - 1) < 0.05


@pytest.mark.parametrize("case", AFFINE, ids=lambda c: c[0])
def test_of_an_affine_function_only_rounding_is_left(case: tuple[str, ...]) -> None:
    _, r = found(*case)
    assert r.exact and r.slopes[1] is None
    assert r.slopes[0] is not None and abs(r.slopes[0] - 1) < 0.01


def test_directions_are_in_the_space_and_of_length_1() -> None:
    for words in ("symmetric", "skew", "lower", "traceless", "toeplitz"):
        d, r = found("norm2(A*X)^2", "X", f"X: n×n {words}")
        v = r.direction
        assert np.isclose(np.linalg.norm(v), 1)
        assert np.allclose(v, tangent(d.variable, {"X": v}, v))
    d, r = found("tr(A*Q)", "Q", "Q: n×n orthogonal")
    at = points([d.function, d.raw_differential], 1, 0, also=[d.variable, d.direction])[0].values
    assert np.allclose(at["Q"].T @ r.direction, -r.direction.T @ at["Q"])


def test_a_third_order_remainder_is_seen() -> None:
    _, r = found("t^3", "t", "t: scalar")
    assert r.slopes[1] is not None
    steps = tuple(10.0**-k for k in range(6))
    slope = fitted_slope(steps, [h**3 for h in steps], [1e-30] * 6)
    assert slope is not None and abs(slope - 3) < 1e-9


def test_too_little_above_rounding_is_not_fitted() -> None:
    steps = tuple(10.0**-k for k in range(6))
    assert fitted_slope(steps, [1e-3, 1e-5, 1e-20, 0.0, 1e-20, 1e-20], [1e-15] * 6) is None


def test_a_kink_at_the_point_shows() -> None:
    from frechet.verification.base_point import points_there, smooth

    for text, at, right in (("sum(abs(x))", "zeros(2)", False), ("sum(x.*abs(x))", "zeros(2)", True)):
        r = read(text, ["x: 2"], wrt="x")
        d, point = Derivative(r.expression, r.variables["x"]), read(at).expression
        there = points_there(d.function, d.variable, point, [d.raw_differential])
        assert smooth(d.function, d.variable, d.direction, d.raw_differential, there) is right
