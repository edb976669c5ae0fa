"""A function of several arrays as SciPy's optimizers want it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import approx_fprime, check_grad, least_squares, minimize, root

import frechet as fr
from frechet.differentiation.structure import free_basis
from frechet.expressions.space import dimension
from frechet.interfaces.optimization.coordinates import Coordinates, free_entries

rng = np.random.default_rng(7)
X, y = rng.normal(size=(12, 3)), np.where(rng.normal(size=12) < 0, -1.0, 1.0)
A, h = rng.normal(size=(4, 4)), rng.normal(size=4)
C = A @ A.T + np.eye(4)
SPARSE = {"M": (rng.uniform(size=(4, 4)) < 0.6).astype(float)}

# (formula, wrt, data, declarations, sizes)
PROBLEMS: list[tuple[str, Any, dict[str, Any], list[str], dict[str, int]]] = [
    ("sum(log(1 .+ exp(-y.*(X*w .+ b)))) + c*norm2(w)^2", ["w", "b"], {"X": X, "y": y, "c": 0.1}, [], {}),
    ("norm2(T - U*V')^2", ["U", "V"], {"T": rng.normal(size=(5, 4))}, ["T: n×m", "U: n×k", "V: m×k"], {"k": 2}),
    ("logdet(S) + tr(inv(S)*C)", "S", {"C": C}, ["S: spd"], {}),
    ("norm2(A*L - C)^2 + tr(D*L)^2", ["L", "D"], {"A": A, "C": C}, ["L: lower", "D: diagonal"], {}),
    ("norm2(A*L - C)^2 + tr(D*L)^4", ["D", "L"], {"A": A, "C": C}, ["L: upper", "D: skew"], {}),
    ("exp(tr(A*S)/9)", ["S"], {"A": A}, ["S: symmetric toeplitz"], {}),
    ("norm2(A*S - C)^2*tr(S*A)", ["S"], {"A": A, "C": C, **SPARSE}, ["S: sparse(M)"], {}),
    ("norm2(A*S - C)^2*norm2(u)^2", ["S", "u"], {"A": A, "C": C}, ["S: symmetric traceless", "u: n centered"], {"n": 4}),
    ("exp(c)*norm2(A*x - h)^2 + c^2*e", ["c", "x", "e"], {"A": A, "h": h}, [], {}),
    ("c^3*sum(x)", ["x", "c"], {}, ["x: n positive"], {"n": 3}),
    ("max(x.^2)", "x", {}, ["x: n"], {"n": 3}),
]


def made(case: tuple[str, Any, dict[str, Any], list[str], dict[str, int]]) -> Any:
    formula, wrt, data, declare, sizes = case
    return fr.problem(formula, wrt, data, declare=declare, sizes=sizes)


@pytest.mark.parametrize("case", PROBLEMS, ids=lambda case: case[0])
def test_gradient_and_hessian_are_those_of_differences(case: Any) -> None:
    p = made(case)
    x = p.x0 + 0.2 * rng.uniform(0.2, 1, size=p.n)
    size = 1 + np.linalg.norm(p.jac(x))
    assert check_grad(p.fun, p.jac, x) < 1e-6 * size
    value, gradient = p.value_and_grad(x)
    assert value == p.fun(x) and np.array_equal(gradient, p.jac(x))
    hessian, v = p.hess(x), rng.normal(size=p.n)
    assert np.allclose(hessian, hessian.T)
    assert np.allclose(hessian @ v, p.hessp(x, v), atol=1e-9 * size)
    assert np.allclose(hessian, approx_fprime(x, p.jac, 1e-6), atol=1e-4 * size)


@pytest.mark.parametrize("case", PROBLEMS, ids=lambda case: case[0])
def test_arrays_become_x_and_come_back(case: Any) -> None:
    p = made(case)
    x = p.x0 + 0.1 * rng.normal(size=p.n)
    arrays = p.unravel(x)
    assert {n: np.shape(a) for n, a in arrays.items()} == p.shapes
    assert np.allclose(p.ravel(arrays), x)
    assert p.fun(x) == pytest.approx(p.function.evaluate({**p.data, **arrays, **p.sizes}), nan_ok=True)


@pytest.mark.parametrize("words", [
    "symmetric", "lower", "upper", "diagonal", "skew", "toeplitz", "hankel", "circulant", "traceless", "skew toeplitz",
    "symmetric toeplitz", "symmetric circulant", "symmetric traceless", "diagonal traceless",
    "upper traceless", "diagonal toeplitz",
])  # fmt: skip
@pytest.mark.parametrize("n", [1, 2, 5])
def test_the_free_entries_are_as_many_as_the_space_has_dimensions(words: str, n: int) -> None:
    s = fr.matrix("S", n, n, *words.split())
    basis, chosen = free_entries(s, (n, n))
    size = dimension(s.params[1], "normal", s.shape)
    if size is not None:
        assert basis.shape[1] == size.value()
    coordinates = Coordinates([s], {"S": (n, n)}, {})
    x = rng.normal(size=coordinates.size)
    from frechet.verification.sampling import projected

    value = coordinates.arrays(x)["S"]
    assert np.allclose(projected(value, words.split()), value)
    assert np.allclose(coordinates.flat({"S": value}), x)
    if words in ("symmetric", "lower", "upper", "diagonal"):
        expected = free_basis(s)
        assert expected is not None and np.array_equal(expected.evaluate({}).reshape(basis.shape), basis.toarray())
    assert len(chosen) == basis.shape[1]


def test_rectangular_triangles_and_masks() -> None:
    low = free_entries(fr.matrix("L", 4, 2, "lower"), (4, 2))[0]
    assert low.shape == (8, 7)
    mask = np.array([[1.0, 0.0], [1.0, 1.0]])
    basis, _ = free_entries(fr.parse("M.*S", ["S: 2×2 sparse(M)"]), (2, 2), mask)
    assert basis.shape == (4, 3)


def test_scipy_minimizes_it() -> None:
    p = fr.problem("sum(log(1 .+ exp(-y.*(X*w .+ b)))) + c*norm2(w)^2", ["w", "b"], {"X": X, "y": y, "c": 0.1})
    by_gradient = minimize(p.value_and_grad, p.x0, jac=True, method="BFGS")
    by_hessian = minimize(p.fun, p.x0, jac=p.jac, hess=p.hess, method="trust-exact")
    by_action = minimize(p.fun, p.x0, jac=p.jac, hessp=p.hessp, method="Newton-CG")
    assert np.allclose(by_gradient.x, by_hessian.x, atol=1e-4) and np.allclose(by_action.x, by_hessian.x, atol=1e-4)


def test_residuals_are_for_least_squares_and_root() -> None:
    t = np.linspace(0, 1, 9)
    p = fr.problem("y - c*exp(a*t)", ["a", "c"], {"t": t, "y": 3 * np.exp(0.7 * t)})
    found = least_squares(p.fun, p.x0, jac=p.jac)
    assert np.allclose(found.x, [0.7, 3])
    q = fr.problem("A*Z - Z*A' + Z - C", "Z", {"A": A, "C": C})
    z = rng.normal(size=q.n)
    assert np.allclose(q.jac(z), approx_fprime(z, q.fun, 1e-6), atol=1e-6)
    at = q.unravel(root(q.fun, q.x0, jac=q.jac).x)["Z"]
    assert np.allclose(A @ at - at @ A.T + at, C)
    with pytest.raises(fr.ShapeError, match="no gradient or Hessian"):
        q.hess(z)


def test_value_and_gradient_at_one_point_are_computed_once() -> None:
    p = fr.problem("norm2(X*w - y)^2", "w", {"X": X, "y": y})
    calls = []
    plain = p.value_and_cotangents
    p.__dict__["value_and_cotangents"] = lambda **values: calls.append(1) or plain(**values)
    x = np.ones(3)
    p.fun(x), p.jac(x), p.value_and_grad(x)
    assert len(calls) == 1
    p.jac(x)[:] = 0  # SciPy may write into what it gets
    assert np.any(p.jac(x))
    x += 1  # and change x in place
    p.fun(x)
    assert len(calls) == 2


@pytest.mark.parametrize("method", ["L-BFGS-B", "trust-exact"])
def test_a_start_is_no_saddle_of_some_variables(method):
    """At zeros only the bias has a slope: a method that follows gradients would move that alone, and call it success."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((30, 3))
    y = np.sign(X[:, 0] + 0.5 * rng.standard_normal(30))
    loss = "norm2(tanh(X*W .+ b')*v .+ c - y)^2 + 0.01*norm2(W)^2"
    shapes = ["W: n×k", "b: k", "v: k", "X: m×n"]
    p = fr.problem(loss, ["W", "b", "v", "c"], {"X": X, "y": y}, sizes={"k": 2}, declare=shapes)
    assert all(np.any(part) for part in p.unravel(p.jac(p.x0)).values())
    assert p.solve(method).value < 2


def test_starts() -> None:
    assert np.array_equal(fr.problem("norm2(A*x - h)^2", "x", {"A": A, "h": h}).x0, np.zeros(4))
    assert np.array_equal(fr.problem("sum(log(x)) - sum(x.^2)", declare=["x: n positive"], sizes={"n": 2}).x0, np.ones(2))
    spd = fr.problem("logdet(S) + tr(inv(S)*C)", data={"C": C}, declare=["S: spd"])
    assert np.array_equal(spd.unravel(spd.x0)["S"], np.eye(4))
    factors = fr.problem(*made_factorization())
    assert np.any(factors.jac(factors.x0)) and np.array_equal(factors.x0, fr.problem(*made_factorization()).x0)
    given = fr.problem("norm2(A*x - h)^2", "x", {"A": A, "h": h}, start={"x": h})
    assert np.array_equal(given.x0, h)


def made_factorization() -> tuple[Any, ...]:
    t, u, v = fr.matrix("T", 5, 4), fr.matrix("U", 5, 2), fr.matrix("V", 4, 2)
    return fr.norm(t - u @ v.T) ** 2, ["U", "V"], {"T": np.ones((5, 4))}


def test_a_name_is_what_its_array_is() -> None:
    p = fr.problem("a'*w + norm2(w)^2", "w", {"a": np.ones(3)})  # a alone would be a number
    assert np.array_equal(p.jac(np.zeros(3)), np.ones(3))


def test_declared_functions_are_given_with_their_derivatives() -> None:
    data = {"X": X, "f": np.cosh, "f_prime": np.sinh, "f_second": np.cosh}
    p = fr.problem("sum(f(X*w))", "w", data, declare=["f: elementwise"])
    x = 0.1 * rng.normal(size=3)
    assert check_grad(p.fun, p.jac, x) < 1e-5


LEAST = "norm2(X*w - y)^2"


@pytest.mark.parametrize(("formula", "options", "said"), [
    (LEAST, {"wrt": "w", "data": {"y": y}}, "X, m×n, has no data"),
    (LEAST, {"wrt": "q", "data": {"X": X, "y": y}}, "q is no variable of the function, whose variables are X, w, y"),
    (LEAST, {"wrt": "w", "data": {"X": X, "y": y, "w": np.ones(3)}}, "w is to be found and has data too"),
    (LEAST, {"wrt": "w", "data": {"X": X, "y": y[:5]}}, "y needs a 1-D array of shape m, not one of shape 5: m is 12"),
    (LEAST, {"wrt": "w", "data": {"X": X, "y": y, "z": 1.0}}, "z has data and is no variable"),
    (LEAST, {"wrt": "w", "data": {"X": X, "y": y}, "start": {"w": np.ones(4)}}, "w needs a 1-D array of shape n, not"),
    (LEAST, {"data": {"X": X, "y": y}, "start": {"X": X}}, "X has a start value and is not to be found"),
    (LEAST, {"data": {"X": X, "y": y, "w": np.ones(3)}}, "every variable of the function has data"),
    (LEAST, {"wrt": ["w", "w"], "data": {"X": X, "y": y}}, "w is named twice"),
    ("norm2(T - U*V')^2", {"data": {"T": A}}, "U is n×p, and p follows from no data: give a start value"),
    ("x'*A*x", {"data": {"A": A}, "declare": ["x: simplex"]}, "write it as softmax"),
    ("tr(Q'*A*Q)", {"data": {"A": A}, "declare": ["Q: n×k orthogonal"], "sizes": {"k": 2}}, r"manifold_problem\(\)"),
    ("re(z'*A*z)", {"data": {"A": A}, "declare": ["z: n complex"]}, "z is complex"),
])  # fmt: skip
def test_what_does_not_fit_is_named(formula: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises(fr.FrechetError, match=said):
        _ = fr.problem(formula, **options).x0


def test_x_and_values_of_the_wrong_shape_are_named() -> None:
    p = fr.problem("logdet(S) + tr(inv(S)*C)", data={"C": C}, declare=["S: spd"])
    with pytest.raises(fr.ShapeError, match=r"x needs 10 entries in one axis \(S has 10\), and its shape is \(16,\)"):
        p.fun(np.ones(16))
    with pytest.raises(fr.ShapeError, match="S is declared symmetric, and its value is not"):
        p.ravel({"S": A})
    with pytest.raises(fr.ShapeError, match="S is missing"):
        p.ravel({})
    with pytest.raises(fr.ShapeError, match=r"S needs the shape \(4, 4\)"):
        p.ravel({"S": np.ones(3)})


def test_complex_data_and_real_unknowns() -> None:
    data = {"z": np.array([1 + 2j, 3 - 1j]), "u": np.array([1j, 2.0])}
    p = fr.problem("norm2(c*z - u)^2 + exp(c)", "c", data, declare=["z: n complex", "u: n complex"])
    x = np.array([0.3])
    assert check_grad(p.fun, p.jac, x) < 1e-6 and p.solve().success
