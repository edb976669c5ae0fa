"""Values, gradients and dense Hessians in one program, in every back end, at sizes on both sides of one another."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import frechet as fr
from frechet.compilation.native.building import compiler

DECLARED = {"X": "n×m", "B": "n×m", "W": "m×k", "V": "k×k", "Y": "n×k", "y": "k", "z": "n", "A": "n×n", "c": "scalar"}
CASES = [
    ("sum(exp(X))", "X"),
    ("sum(X.^4) + norm2(A*X)^2", "X"),
    ("sum(max(X,B).^3) + sum(clip(X,-0.5,0.5).^3)", "X"),
    ("var(cos(X'+X'))", "X"),
    ("norm2(exp(X) - B)^2 + c*sum(gelu(X).*mish(X))", "X"),
    ("sum(softmax(X,1).^2) + sum(softmax(X,2).^2)", "X"),
    ("sum(logsumexp(X,1).^2)*sum(logsumexp(X,2))", "X"),
    ("sum(layernorm(X,1,0.1).^3) + sum(rmsnorm(X,2,0.1).^3)", "X"),
    ("sum(layernorm(X,2,0.2).^2.*B)", "X"),
    ("sum(layernorm(layernorm(X,2,0.1)*W,2,0.2).^2.*Y)", "X"),
    ("norm2(tanh(X*W)*y - z)^2", "W"),
    ("norm2(tanh(X*W)*V - Y)^2", "W"),
    ("sum(attention(X,X,X).^2)", "X"),
    ("logdet(eye(n*n) + kron(X*X',X*X'))", "X"),
    ("norm2(X.*(A*B) - c*B)^2 + sum((X').*(X').*(B'))", "X"),
]
SIZES = [{"n": 3, "m": 3, "k": 2}, {"n": 4, "m": 3, "k": 2}, {"n": 3, "m": 4, "k": 1}, {"n": 7, "m": 2, "k": 3}]


def drawn(program: Any, sizes: dict[str, int]) -> dict[str, Any]:
    rng = np.random.default_rng(11)
    shapes = {v.params[0]: [d.size(sizes) for d in v.shape if str(d) != "1"] for v in program.inputs}
    return {n: rng.standard_normal(shape) if shape else rng.standard_normal() for n, shape in shapes.items()}


def called(text: str, by: str, backend: str, sizes: dict[str, int]) -> list[np.ndarray]:
    program = fr.derivative(fr.parse(text, DECLARED), by).compile("value", "gradient", "hessian", backend=backend)
    values = drawn(program, sizes)
    if backend == "jax":
        import jax

        with jax.enable_x64(True):
            return [np.asarray(a) for a in program(**values)]
    return [np.asarray(a) for a in program(**values)]


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("backend", ["c", "jax", "torch"])
@pytest.mark.parametrize(("text", "by"), CASES, ids=[text for text, _ in CASES])
def test_back_ends_agree(text: str, by: str, backend: str, sizes: dict[str, int]) -> None:
    if backend == "c" and compiler() is None:
        pytest.skip("there is no compiler")
    if backend != "c":
        pytest.importorskip(backend)
    for got, wanted in zip(called(text, by, backend, sizes), called(text, by, "numpy", sizes), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-9 * (1 + np.abs(wanted).max()))


@pytest.mark.parametrize(("text", "by"), CASES, ids=[text for text, _ in CASES])
def test_the_hessian_is_that_of_the_gradient(text: str, by: str) -> None:
    """By central differences in a direction; and it is symmetric."""
    derivative = fr.derivative(fr.parse(text, DECLARED), by)
    program, gradient = derivative.compile("value", "gradient", "hessian"), fr.compile(derivative.gradient)
    values = drawn(program, SIZES[1])
    _, _, H = program(**values)
    point = {n: values[n] for n in gradient.arguments.names}
    step = 1e-6 * np.random.default_rng(12).standard_normal(values[by].shape)
    difference = (gradient(**point | {by: point[by] + step}) - gradient(**point | {by: point[by] - step})) / 2
    wanted = difference.ravel(order="F")
    assert np.allclose(H, H.T, atol=1e-9 * (1 + np.abs(H).max()))
    np.testing.assert_allclose(H @ step.ravel(order="F"), wanted, rtol=1e-4, atol=1e-5 * np.abs(wanted).max())
