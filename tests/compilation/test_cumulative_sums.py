"""Cumulative sums are steps of their own in programs: no triangle of ones is formed."""

from __future__ import annotations

import numpy as np
import pytest

import frechet as fr
from frechet.compilation.numpy_source import evaluate
from frechet.compilation.values import walk

SUMMED = [
    ("norm2(cumsum(x) - y)^2", {"x": "n", "y": "n"}, "x"),
    ("sum(exp(cumsum(x.*y)))", {"x": "n", "y": "n"}, "x"),
    ("sum(cumsum(x))", {"x": "n"}, "x"),
    ("norm2(cumsum(X,1))^2", {"X": "n×m"}, "X"),
    ("norm2(cumsum(X,2) - A)^2", {"X": "n×m", "A": "n×m"}, "X"),
    ("sum(tanh(cumsum(X'*X,2)))", {"X": "n×m"}, "X"),
    ("norm2(cumsum(cumsum(x)))^2", {"x": "n"}, "x"),
    ("y'*tril(3*ones(n,n))*A*x", {"x": "m", "y": "n", "A": "n×m"}, "x"),
    ("y'*triu(ones(n,n))*tanh(x)", {"x": "n", "y": "n"}, "x"),
    ("sum(A*triu(ones(n,n))*x)", {"x": "n", "A": "m×n"}, "x"),
    ("sum((tril(ones(n,n))*X*triu(ones(m,m))).^2)", {"X": "n×m"}, "X"),
    ("logsumexp(cumsum(log(x)))", {"x": "n positive"}, "x"),
]


@pytest.mark.parametrize("backend", ["numpy", "c", "jax", "torch"])
@pytest.mark.parametrize(("text", "declared", "name"), SUMMED)
def test_values_are_those_of_the_formulas(text: str, declared: dict[str, str], name: str, backend: str) -> None:
    if backend in ("jax", "torch"):
        pytest.importorskip(backend)
    d = fr.derivative(fr.parse(text, declared), name)
    views = {"value": d.function, "gradient": d.gradient, "hessian": d.hessian}
    for view, formula in views.items():
        program = d.compile(view, backend=backend)
        rng = np.random.default_rng(3)
        for n, m in ((5, 4), (3, 1)):
            sizes = {"n": n, "m": m}
            values = {v: 0.5 + rng.random([sizes[s] for s in declared[v].split()[0].split("×")]) for v in declared}
            found = np.asarray(program(**{v: values[v] for v in program.arguments.names}))
            exact = backend != "jax"  # which counts in single precision, unless it is told otherwise
            error = 1e-11 if exact else 1e-4
            np.testing.assert_allclose(found, evaluate(formula, values, sizes), rtol=error, atol=error)


@pytest.mark.parametrize("backend", ["numpy", "c", "jax", "torch"])
def test_no_triangle_is_formed(backend: str) -> None:
    if backend in ("jax", "torch"):
        pytest.importorskip(backend)
    d = fr.derivative(fr.parse("norm2(cumsum(exp(x)) - y)^2", {"x": "n", "y": "n"}), "x")
    program = d.compile("gradient", backend=backend)
    assert all(len(v.shape) < 2 for v in walk(program.at(n=7).roots))
    n = 1_000_000
    found = np.asarray(program(np.zeros(n, np.float32), np.arange(1.0, n + 1, dtype=np.float32)))
    assert found.shape == (n,) and found.dtype == np.float32 and not found.any()


def test_no_number_before_it_is_touched_by_one_that_is_not_finite() -> None:
    """Which a product with zeros would do."""
    x = np.array([1.0, 2.0, np.inf, np.nan])
    for backend in ("numpy", "c"):
        found = fr.compile(fr.parse("cumsum(x)", {"x": "n"}), backend=backend)(x)
        np.testing.assert_array_equal(found, [1.0, 3.0, np.inf, np.nan])


def test_complex_and_integer_entries() -> None:
    e = fr.parse("triu(ones(n,n))*x", {"x": "n complex"})
    x = np.array([1.0, 2.0j, 3.0])
    np.testing.assert_array_equal(fr.compile(e)(x), np.cumsum(x[::-1])[::-1])
    np.testing.assert_array_equal(fr.compile(fr.parse("cumsum(x)", {"x": "n"}))([1, 2, 3]), [1.0, 3.0, 6.0])
