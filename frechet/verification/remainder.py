"""How fast the linearization error falls: |F(X₀ + hV) − F(X₀) − h DF(X₀)[V]| against h.

Without the derivative the difference falls as h, slope 1 in a log-log plot; with it the remainder falls as h², slope 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log10
from random import Random
from typing import Any, NamedTuple

from frechet.compilation.numpy_source import compiled
from frechet.expressions.node import Expr, variables
from frechet.operations.declared_functions import symbols
from frechet.verification.manifolds import retracted, tangent
from frechet.verification.sampling import Point, normal_like, points, value_at, with_masks

STEPS = tuple(10 ** (-k / 2) for k in range(13))  # 1 to 10⁻⁶
NOISE = 3e2 * 2.0**-52  # a remainder below this share of what it is the difference of is rounding
SHAKE, SHAKES = 4e-15, 4
UNSTEADY = 8  # times what shaking does is rounding
FITTED = 5  # the smallest steps that show a remainder are fitted
TINY = 1e-15  # so is this, at points of everyday size
LEAST = 3  # fewer are not fitted
NEAR = 0.2  # nor are larger steps


class Remainder(NamedTuple):
    """Remainders along one direction, Frobenius norms where the function is an array.

    steps, first, second    h, |F(X₀ + hV) − F(X₀)| and |F(X₀ + hV) − F(X₀) − h DF(X₀)[V]|, where all are finite
    slopes                  the powers of h by which they fall, fitted; None where nearly all is rounding
    noise                   per step, below which `second` is rounding
    direction               V
    """

    steps: tuple[float, ...]
    first: tuple[float, ...]
    second: tuple[float, ...]
    slopes: tuple[float | None, float | None]
    noise: tuple[float, ...]
    direction: Any

    @property
    def exact(self) -> bool:
        """Is the remainder rounding only, as of an affine function?"""
        return all(r <= n for r, n in zip(self.second, self.noise, strict=True))


def remainder(
    f: Expr, x: Expr, dx: Expr, df: Expr, point: Point | None = None, direction: Any = None, seed: int = 0
) -> Remainder | None:
    """The remainders of f at a point along a direction in the space of x; df is an expression in dx.

    point: values of all variables, and the sizes; by default a random one at which f is finite
    direction: V; by default a random unit direction, tangent where x lies on a manifold. On a manifold X₀ + hV is moved to
        the nearest point of it, which changes it by h² only.
    None where no point was found, or the function is not finite near it.
    """
    import numpy as np

    if point is None:
        found = points([f, df], 1, seed, also=[x, dx])
        if not found:
            return None
        point = found[0]
    here = point.values[x.params[0]]
    rng = Random(seed)
    if direction is None:
        v = tangent(x, point.values, normal_like(x, np.shape(here), rng))
        size = float(np.linalg.norm(np.ravel(v)))
        if size == 0:
            return None
        direction = v / size
    arguments: list[str | Expr] = [*with_masks(variables(f, df, x, dx)), *symbols(f, df)]
    value, slope = (compiled(e, arguments) for e in (f, df))
    given = {name: point.values[name] for name in _names(arguments) if name != dx.params[0]}

    def at(function: Any, there: Any) -> Any:
        return value_at(function, {**given, x.params[0]: there, dx.params[0]: direction}, point)

    y, linear = at(value, here), at(slope, here)
    if not (np.all(np.isfinite(y)) and np.all(np.isfinite(linear))):
        return None
    unsteady = 0.0  # by how much the value moves when X₀ is changed in its last digits
    with np.errstate(all="ignore"):
        for _ in range(SHAKES):
            shaken = at(value, here * (1 + SHAKE * np.asarray(normal_like(x, np.shape(here), rng))))
            unsteady = max(unsteady, _norm(shaken - y))
    rows = []
    for h in STEPS:
        there = at(value, retracted(x, here + h * direction, point.sizes))
        if np.all(np.isfinite(there)):
            scale = _norm(y) + _norm(there) + h * _norm(linear)
            rounding = max(NOISE * scale, UNSTEADY * unsteady, TINY)
            rows.append((h, _norm(there - y), _norm(there - y - h * linear), rounding))
    if len(rows) < 4:
        return None
    steps, first, second, noise = (tuple(column) for column in zip(*rows, strict=True))
    return Remainder(
        steps, first, second, (fitted_slope(steps, first, noise), fitted_slope(steps, second, noise)), noise, direction
    )


def fitted_slope(steps: Sequence[float], sizes: Sequence[float], noise: Sequence[float]) -> float | None:
    """The slope of the least-squares line through (log h, log size), at the smallest steps whose size is no rounding."""
    shown = [(log10(h), log10(r)) for h, r, n in zip(steps, sizes, noise, strict=True) if r > n and r > 0]
    near = [pair for pair in shown if pair[0] <= log10(NEAR)]
    used = near[-FITTED:]
    if len(used) < LEAST:
        return None
    mean_h, mean_r = (sum(p[i] for p in used) / len(used) for i in (0, 1))
    return sum((h - mean_h) * (r - mean_r) for h, r in used) / sum((h - mean_h) ** 2 for h, _ in used)


def _names(arguments: Sequence[str | Expr]) -> list[str]:
    return [a if isinstance(a, str) else a.params[0] for a in arguments]


def _norm(value: Any) -> float:
    import numpy as np

    return float(np.linalg.norm(np.ravel(value)))
