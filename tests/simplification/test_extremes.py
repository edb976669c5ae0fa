"""The largest entry of a sum: its place is where v - max(v) is 0, which holds in numbers only if both are the same v."""

from __future__ import annotations

import numpy as np
import pytest

import frechet as fr
from frechet.notation.reading import parse

DECLARED = {"Y": "m×n", "A": "n×n", "X": "n×m", "d": "scalar", "c": "scalar"}


@pytest.mark.parametrize("name", ["d", "A", "Y", "X"])
@pytest.mark.parametrize("text", ["max(max(d*Y + 4*Y - 4*Y*A - 4*X')/4, c)", "min(d*Y + 4*Y - 4*Y*A - 4*X')"])
def test_the_place_of_the_largest_entry(text: str, name: str) -> None:
    """The shorter form of v, with (d+4)*I - 4*A in it, is not taken for one of the two alone."""
    e = parse(text, DECLARED)
    gradient = fr.compile(fr.derivative(e, name).gradient)
    value = fr.compile(e)
    rng = np.random.default_rng(0)
    shapes = {"Y": (2, 3), "A": (3, 3), "X": (3, 2)}
    for _ in range(20):
        at = {n: rng.normal(size=shapes.get(n, ())) if n != "c" else -50.0 for n in fr.variables(e)}
        step = rng.normal(size=shapes.get(name, ()))
        there, back = (value(**(at | {name: at[name] + h * step})) for h in (1e-6, -1e-6))
        g = gradient(**{n: at[n] for n in gradient.arguments.names})
        assert np.isclose(np.sum(g * step), (there - back) / 2e-6, 1e-5, 1e-6)
