"""Axes that are products of dimensions, taken apart in one way and another: Kronecker products, vec and their like."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

import frechet as fr
from frechet.compilation.numpy_source import evaluate
from frechet.expressions.errors import FrechetError

DECLARED = {"A": "n×n", "B": "m×m", "C": "n×m", "x": "n*m", "y": "n*m", "K": "n*m×n*m", "z": "n", "w": "m"}
SIZES = {"n": 2, "m": 3}


class Builder:
    """Random texts of vectors of n*m entries, of matrices of n*m rows and columns, and of n×m matrices."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def one(self, depth: int, few: list[str], more: list[str]) -> str:
        text = self.random.choice(few if depth <= 0 else more)
        while "<" in text:
            kind = text[text.index("<") + 1 : text.index(">")]
            text = text.replace(f"<{kind}>", f"({getattr(self, kind)(depth - 1)})", 1)
        return text

    def vector(self, depth: int) -> str:
        more = [
            "<square>*<vector>",
            "vec(<turned>)",
            "kron(z,w)",
            "kron(<left>*z,w)",
            "commutation(m,n)*vec(<matrix>)",
            "<vector>.*x",
        ]
        return self.one(depth, ["x", "y"], more)

    def square(self, depth: int) -> str:
        more = [
            "kron(<left>,<right>)", "<vector>*<vector>'", "<square>'", "<square>*<square>", "kron(eye(n),<right>)",
            "kron(<left>,eye(m))", "(commutation(n,m)*kron(B,A)*commutation(m,n))", "(eye(n*m) + <square>)",
        ]  # fmt: skip
        return self.one(depth, ["K", "kron(A,B)"], more)

    def left(self, depth: int) -> str:
        return self.one(depth, ["A", "eye(n)"], ["A'", "<matrix>*<matrix>'", "z*z'", "<left>*A"])

    def right(self, depth: int) -> str:
        return self.one(depth, ["B", "eye(m)"], ["B'", "<matrix>'*<matrix>", "w*w'", "B*<right>"])

    def matrix(self, depth: int) -> str:
        return self.one(depth, ["C", "z*w'"], ["unvec(<vector>,m,n)'", "unvec(<vector>,n,m)", "<left>*<matrix>*<right>"])

    def turned(self, depth: int) -> str:
        return f"({self.matrix(depth)})'"


@pytest.mark.parametrize("seed", range(60))
def test_products_of_merged_axes(seed: int) -> None:
    """A scalar and its gradients, by the program and by NumPy as it is written."""
    check(seed)


@pytest.mark.sweep
@pytest.mark.parametrize("start", range(1000, 3000, 100))
def test_many_products_of_merged_axes(start: int) -> None:
    for seed in range(start, start + 100):
        check(seed)


def check(seed: int) -> None:
    random = Random(seed)
    builder = Builder(random)
    text = f"({builder.vector(3)})'*({builder.vector(3)})"
    g = fr.parse(text, DECLARED)
    rng = np.random.default_rng(seed)
    outputs = [g]
    for name in fr.variables(g):
        try:
            outputs.append(fr.derivative(g, name).gradient)
        except FrechetError:
            continue
    values = {
        name: rng.standard_normal([d.size(SIZES) for d in v.shape if str(d) != "1"]) for name, v in fr.variables(g).items()
    }
    program = fr.compile(outputs)
    free = {n: SIZES[n] for n in program._free_sizes}
    found = program(**values, **free)
    for e, a in zip(outputs, found, strict=True):
        wanted = np.reshape(evaluate(e, values, SIZES), np.shape(a))
        np.testing.assert_allclose(a, wanted, rtol=0, atol=1e-10 * (1 + np.abs(wanted).max()), err_msg=text)


def test_products_of_dimensions_are_not_asked_for() -> None:
    """Of n*m rows neither n nor m is known, and a program needs neither, however large they are."""
    g = fr.parse("(x.*y)'*(x.^2.*(K*y))", DECLARED)
    program = fr.compile([g, *(fr.derivative(g, name).gradient for name in fr.variables(g))])
    assert np.isclose(program(np.ones(6), np.ones(6), np.ones((6, 6)))[0], 36)
    assert np.isclose(program(np.ones(2000), np.ones(2000), np.ones((2000, 2000)))[0], 4e6)
