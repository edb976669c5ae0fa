"""Random smooth functions in place of the declared ones, with their true derivatives, so that differences can be compared.

They have the properties that are declared, and nothing else that a derivation could lean on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import pi
from random import Random
from typing import Any, NamedTuple

from frechet.expressions.dimension import SCALAR, axes
from frechet.expressions.function import Function, View

WAVES = 3  # terms of a random function
Draw = Callable[[tuple[int, ...]], Any]
"""Draws an array in the mood of a point."""


class Reach:
    """How far out the random functions have been asked for values: there they swing fast, and differences tell little."""

    def __init__(self) -> None:
        self.largest = 0.0

    def noting(self, function: Callable[..., Any]) -> Callable[..., Any]:
        import numpy as np

        def noted(x: Any, *others: Any) -> Any:
            self.largest = max(self.largest, float(np.max(np.abs(x))))
            return function(x, *others)

        return noted


def drawn(
    wanted: Mapping[str, tuple[Function, View]],
    sizes: Mapping[str, int],
    rng: Random,
    mood: str,
    draw: Draw,
    reach: Reach | None = None,
) -> dict[str, Callable[..., Any]]:
    """A function for each name that programs call: one random function for each declared one, and its derivatives."""
    reach = reach or Reach()
    families: dict[str, Any] = {}
    found: dict[str, Callable[..., Any]] = {}
    for name, (f, view) in wanted.items():
        if f.name not in families:
            families[f.name] = _family(f, sizes, rng, mood, draw)
        found[name] = reach.noting(families[f.name](view))
    return found


def _family(f: Function, sizes: Mapping[str, int], rng: Random, mood: str, draw: Draw) -> Callable[[View], Any]:
    positive = "positive" in mood or mood in ("above 1", "unit01")
    if f.domain is None or (f.domain, f.codomain) == (SCALAR, SCALAR):
        return _of_numbers(f, rng, positive)
    inner, outer = (tuple(d.size(sizes) for d in axes(shape or SCALAR)) for shape in (f.domain, f.codomain))
    if f.domain == SCALAR:
        return _curve(f, outer, rng, draw)
    return _scalar_valued(f, inner, rng, positive) if f.codomain == SCALAR else _map(f, inner, outer, rng, draw)


class Terms(NamedTuple):
    """sum c_i t^i + sum b*sin(w*t + s) + sum b*exp(w*t): closed under differentiation."""

    powers: tuple[float, ...]
    waves: tuple[tuple[float, float, float], ...] = ()
    growths: tuple[tuple[float, float], ...] = ()

    def derivative(self, k: int) -> Terms:
        powers = self.powers
        for _ in range(k):
            powers = tuple(i * c for i, c in enumerate(powers))[1:]
        waves = tuple((b * w**k, w, s + k * pi / 2) for b, w, s in self.waves)
        return Terms(powers, waves, tuple((b * w**k, w) for b, w in self.growths))

    def bound(self) -> float:
        return sum(abs(b) for b, _, _ in self.waves)

    def __call__(self, t: Any) -> Any:
        import numpy as np

        value = np.zeros(np.shape(t))
        for c in reversed(self.powers):
            value = value * t + c
        for b, w, s in self.waves:
            value = value + b * np.sin(w * np.asarray(t) + s)
        for b, w in self.growths:
            value = value + b * np.exp(w * np.asarray(t))
        return value if np.ndim(value) else np.float64(value)


def _of_numbers(f: Function, rng: Random, positive: bool) -> Callable[[View], Any]:
    terms = _terms(f, rng, positive)
    return lambda view: terms.derivative(int(view))


def _terms(f: Function, rng: Random, positive: bool) -> Terms:
    """A function with the declared properties; positive where it may be and the mood asks for it."""
    says = f.says
    shift = 0.0 if says("odd") else pi / 2
    free = not (says("odd") or says("even"))
    waves = tuple(
        (rng.uniform(0.1, 0.5), rng.uniform(0.5, 1.5), rng.uniform(0, 2 * pi) if free else shift) for _ in range(WAVES)
    )
    size = rng.uniform(0.5, 1.5)
    bent = 1 if says("convex") else -1 if says("concave") else 0
    steep = 1 if says("increasing") else -1 if says("decreasing") else 0
    above = says("positive") or says("nonnegative")
    if steep and (bent or above):  # ±exp(±w*t): increasing and convex, decreasing and concave …
        sign = bent or 1
        rates = [sign * steep * rng.uniform(0.2, 0.6) for _ in range(WAVES)]
        return Terms((0.0,), (), tuple((sign * rng.uniform(0.3, 1.0), w) for w in rates))
    first = rng.uniform(-1, 1) if free and not bent and not above else 0.0
    if steep or says("odd"):
        lead = steep * (size + sum(abs(b * w) for b, w, _ in waves)) if steep else rng.uniform(-1, 1)
        return Terms((first, lead), waves)
    bound = sum(abs(b) for b, _, _ in waves)
    if bent:
        second = bent * (size + sum(abs(b) * w * w for b, w, _ in waves)) / 2
    else:
        second = rng.uniform(0.05, 0.3) if above or positive or not free else rng.uniform(-0.3, 0.3)
    if above or (positive and bent >= 0):
        return Terms((bound + size, 0.0, second), waves)
    return Terms((first, rng.uniform(-1, 1) if free else 0.0, second), waves)


def _curve(f: Function, shape: tuple[int, ...], rng: Random, draw: Draw) -> Callable[[View], Any]:
    """C + sum B_i*g_i(t) with random functions g_i; C is drawn in the mood of the point."""
    import numpy as np

    parts = [(draw(shape), _terms(Function("", None, None), rng, False)) for _ in range(2)]
    constant = draw(shape)
    if f.says("positive") or f.says("nonnegative"):
        plus = Function("", None, None, ("positive",))
        parts = [(np.abs(draw(shape)), _terms(plus, rng, True)) for _ in range(2)]
        constant = np.abs(constant)

    def of(view: View) -> Callable[[Any], Any]:
        k = int(view)
        pairs = [(0.2 * b, g.derivative(k)) for b, g in parts]
        return lambda t: (constant if k == 0 else 0.0) + sum(b * g(t) for b, g in pairs)

    return of


def _vec(x: Any) -> Any:
    import numpy as np

    return np.ravel(x, order="F")


def _scalar_valued(f: Function, shape: tuple[int, ...], rng: Random, positive: bool) -> Callable[[View], Any]:
    """c + q'x + x'Q*x/2 + sum b_i*sin(a_i'x + s_i), Q large against the waves where it must be definite."""
    import numpy as np

    n = int(np.prod(shape))
    q, slopes = _normal((n,), rng), 0.6 * _normal((WAVES, n), rng)
    heights, shifts = np.abs(_normal((WAVES,), rng)) * 0.4, _normal((WAVES,), rng)
    bent = 1 if f.says("convex") else -1 if f.says("concave") else 0
    above = f.says("positive") or f.says("nonnegative") or (positive and bent >= 0)
    square = _normal((n, n), rng)
    curvature = 0.3 * (square + square.T) / 2
    if bent or above:
        least = np.sum(heights * np.sum(slopes**2, axis=1)) if bent else 0.0
        curvature = (bent or 1) * (square @ square.T / n + (0.3 + least) * np.eye(n))
    constant = 0.5 + np.sum(heights) + (q @ np.linalg.solve(curvature, q) / 2 if above else 0.0)

    def value(x: Any) -> Any:
        v = _vec(x)
        return np.float64(constant + q @ v + v @ curvature @ v / 2 + heights @ np.sin(slopes @ v + shifts))

    def gradient(x: Any) -> Any:
        v = _vec(x)
        g = q + curvature @ v + slopes.T @ (heights * np.cos(slopes @ v + shifts))
        return g.reshape(shape, order="F")

    def hessian(x: Any) -> Any:
        return curvature - (slopes.T * (heights * np.sin(slopes @ _vec(x) + shifts))) @ slopes

    return {0: value, "grad": gradient, "hess": hessian}.__getitem__


def _map(f: Function, inner: tuple[int, ...], outer: tuple[int, ...], rng: Random, draw: Draw) -> Callable[[View], Any]:
    """vec F(x) = c + A*x + B*sin(D*x + s); c is drawn in the mood of the point."""
    import numpy as np

    n, m = int(np.prod(inner)), int(np.prod(outer))
    linear, mix = _normal((m, n), rng), 0.4 * _normal((m, WAVES), rng)
    slopes, shifts, constant = 0.6 * _normal((WAVES, n), rng), _normal((WAVES,), rng), _vec(draw(outer))
    if f.says("monotone"):
        skew = linear - linear.T
        linear = skew + (0.5 + np.linalg.norm(mix) * np.linalg.norm(slopes)) * np.eye(n)
    if f.says("positive") or f.says("nonnegative"):
        linear = np.zeros((m, n))
        constant = np.abs(constant) + 0.5 + np.sum(np.abs(mix), axis=1)

    def value(x: Any) -> Any:
        v = _vec(x)
        return (constant + linear @ v + mix @ np.sin(slopes @ v + shifts)).reshape(outer, order="F")

    def jacobian(x: Any) -> Any:
        return linear + (mix * np.cos(slopes @ _vec(x) + shifts)) @ slopes

    def second(x: Any, u: Any) -> Any:
        return (mix * (-np.sin(slopes @ x + shifts) * (slopes @ u))) @ slopes

    def hessian(x: Any, w: Any) -> Any:
        return (slopes.T * (-np.sin(slopes @ x + shifts) * (mix.T @ w))) @ slopes

    return {0: value, "jacobian": jacobian, "second": second, "hess": hessian}.__getitem__


def _normal(shape: Sequence[int], rng: Random) -> Any:
    from frechet.verification.sampling import normal

    return normal(tuple(shape), rng)
