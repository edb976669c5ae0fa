"""Derivatives against differences of the function itself, at random points and in random directions.

Nothing of the differentiation is used: a differential, gradient, Jacobian or Hessian is an expression that is evaluated
and compared. What the two share is the reading and the evaluation of expressions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from frechet.compilation.numpy_source import compiled
from frechet.expressions.node import Expr, variables
from frechet.expressions.space import curved
from frechet.operations.constants import VARIABLE
from frechet.operations.declared_functions import symbols
from frechet.verification.manifolds import metric_product, retracted, tangent
from frechet.verification.sampling import Point, normal_like, points, value_at, with_masks

POINTS = 3
DIRECTIONS = 2  # at each point
TOLERANCE = 1e-6  # of first differences, relative
SECOND_TOLERANCE = 1e-5  # of second differences
LINEAR_TOLERANCE = 1e-8  # where nothing is differenced
AGREED = 1e-9  # no smaller step is tried below this
STEPS = (1e-2, 1e-3, 1e-4, 1e-5)  # of first differences; smaller ones where a kink or the end of the domain is near
SECOND_STEPS = (2e-2, 5e-3, 1e-3)
FINE_STEPS = (2.5e-4, 6e-5)  # where these are too coarse: near a singular matrix the function turns quickly
FLOOR = 1e-3  # errors are relative to the derivative, or to this share of the function where that is larger
SMALL = 0.1  # functions below this count as this
TAYLOR_STEPS = (2.0**-5, 2.0**-6, 2.0**-7, 2.0**-8)
TAYLOR_NOISE = 1e4 * 2.0**-52  # a remainder below this share of the function is rounding
SLOPE = 1.3  # of a wrong differential the remainder falls as h, slope 1; of a right one as h^2
SUSPICIOUS = 1e-8  # below this error a slope proves nothing
PARTS = {"wirtinger": 1, "wirtinger-conj": -1}
NO_POINT = "no point found at which the function is finite"


@dataclass(frozen=True)
class Report:
    """What a check saw.

    points              how many points were compared
    max_relative_error  the largest over all points and directions
    slopes              per point: by which power of the step the Taylor remainder falls; empty where it is rounding
    reason              what is wrong, where not ok
    """

    points: int
    max_relative_error: float
    slopes: tuple[float, ...]
    ok: bool
    reason: str = ""


def check_differential(f: Expr, x: Expr, dx: Expr, df: Expr, **options: Any) -> Report:
    """Is df, an expression in dx, the differential of f with respect to x? f may contain dx, as a constant.

    options: n, seed, sizes as for `points`
    """
    if df.shape != f.shape:
        return _misshapen("differential", df, "the function", f)
    return _first_order(f, x, [df], lambda at, v: at(df, {dx.params[0]: v}), options, dx)


def check_gradient(f: Expr, x: Expr, gradient: Expr, convention: str = "riesz", **options: Any) -> Report:
    """Is ⟨gradient, V⟩ the directional derivative of f for all V in the space of x?

    convention: of a complex x; tr(G' V) is the derivative (holomorphic), or its part that is linear in V (wirtinger), or
        tr(G' conj(V)) the part that is linear in conj(V) (wirtinger-conj)
    """
    if gradient.shape != x.shape:
        return _misshapen("gradient", gradient, x.params[0], x)

    def slope(at: Any, v: Any) -> Any:
        g = at(gradient)
        if convention == "riesz":
            return (g.conj() * v).sum().real
        return (g * (v.conj() if convention == "wirtinger-conj" else v)).sum()

    return _first_order(f, x, [gradient], slope, options, part=PARTS.get(convention, 0))


def check_riemannian(f: Expr, x: Expr, gradient: Expr, metric: str, **options: Any) -> Report:
    """Is the gradient a direction in the space of x, and its product with all V there, by the metric, the derivative?"""
    import numpy as np

    if gradient.shape != x.shape:
        return _misshapen("Riemannian gradient", gradient, x.params[0], x)
    space = _Space([f, x, gradient], x, options)
    for point in space.points([f]):
        g = space.value(gradient, point)
        outside = float(np.linalg.norm(tangent(x, point.values, g) - g))
        if not outside <= LINEAR_TOLERANCE * (1 + float(np.linalg.norm(g))):
            return Report(1, outside, (), False, "the Riemannian gradient is not in the space of directions")
    return _first_order(f, x, [gradient], lambda at, v: metric_product(metric, at(x), at(gradient), v), options)


def check_jacobian(f: Expr, x: Expr, jacobian: Expr, convention: str = "holomorphic", **options: Any) -> Report:
    """Is J vec V = vec Df[V] for all V, columns stacked? By a scalar x, J may also have the shape of f."""
    part = PARTS.get(convention, 0) if not x.real else 0

    def step(v: Any) -> Any:
        return v.conj() if part < 0 else v

    if x.kind == "scalar" and jacobian.shape == f.shape:
        return _first_order(f, x, [jacobian], lambda at, v: at(jacobian) * step(v), options, part=part)

    def slope(at: Any, v: Any) -> Any:
        y, j = at(f), at(jacobian)
        if j.size != y.size * v.size or (j.ndim == 2 and j.shape != (y.size, v.size)):
            raise _Misfit(f"the Jacobian has shape {j.shape}, not {(y.size, v.size)}")
        return (j.reshape(y.size, v.size) @ step(v).ravel(order="F")).reshape(y.shape, order="F")

    return _first_order(f, x, [jacobian], slope, options, part=part)


def check_hessian(f: Expr, x: Expr, hessian: Expr, gradient: Expr | None = None, **options: Any) -> Report:
    """Is vec(U)' H vec(V) the second directional derivative of the scalar f, and H symmetric?

    On a manifold along straight lines in tangent directions, f being extended as it is written.

    gradient: where given, its first differences are compared instead, which is more exact
    """
    import numpy as np

    space = _Space([f, x, hessian, *([gradient] if gradient is not None else [])], x, options)
    found = _Findings()
    for point in space.points([f]):
        found.points += 1
        h = space.value(hessian, point)
        size = np.size(point.values[x.params[0]])
        if h.size != size * size or (h.ndim == 2 and h.shape != (size, size)):
            return Report(found.points, np.inf, (), False, f"the Hessian has shape {h.shape}, not {(size, size)}")
        h = h.reshape(size, size)
        for _ in range(DIRECTIONS):
            u, v = space.direction(point), space.direction(point)
            hv, hu = h @ np.ravel(v, order="F"), h @ np.ravel(u, order="F")
            left, right = np.ravel(u, order="F") @ hv, np.ravel(v, order="F") @ hu
            if not found.compare(left, right, SECOND_TOLERANCE, "u'*H*v", "v'*H*u", SMALL):
                return found.report()
            if gradient is not None:
                g = space.along(gradient, point, v, straight=True)
                want = _best_difference(_raveled(g), hv, SMALL, STEPS, _first)
                if not found.enter(want, hv, TOLERANCE, "differences of the gradient"):
                    return found.report()
                continue

            def second(s: float, t: float, point: Point = point, u: Any = u, v: Any = v) -> Any:
                return space.along(f, point, s * u + t * v, straight=True)(1.0)

            y = space.value(f, point)
            want = _best_difference(second, left, _size(y), SECOND_STEPS, _second)
            if want is None or want[1] > SECOND_TOLERANCE:
                want = _best_difference(second, left, _size(y), (*SECOND_STEPS, *FINE_STEPS), _second)
            if not found.enter(want, left, SECOND_TOLERANCE, "second differences of the function"):
                return found.report()
    return found.report()


def check_adjoint(df: Expr, dx: Expr, adjoint: Expr, w: Expr, **options: Any) -> Report:
    """Is ⟨w, DF[V]⟩ = ⟨DF*[w], V⟩ for all V in the space of dx?"""
    import numpy as np

    if adjoint.shape != dx.shape:
        return _misshapen("adjoint", adjoint, dx.params[0], dx)
    space = _Space([df, adjoint, w, dx], dx, options)
    found = _Findings()
    for point in space.points([df, adjoint]):
        found.points += 1
        for _ in range(DIRECTIONS):
            v = space.direction(point)
            values = {dx.params[0]: v}
            if w.op is VARIABLE:
                values[w.params[0]] = normal_like(w, np.shape(point.values[w.params[0]]), space.rng)
            weights, image = space.value(w, point, values), space.value(df, point, values)
            left = np.sum(np.conj(weights) * image).real
            right = np.sum(np.conj(space.value(adjoint, point, values)) * v).real
            size = max(SMALL, float(np.linalg.norm(weights) * np.linalg.norm(image)))
            if not found.compare(left, right, LINEAR_TOLERANCE, "⟨w, DF[V]⟩", "⟨DF*[w], V⟩", size):
                return found.report()
    return found.report()


def check_equal(a: Expr, b: Expr, **options: Any) -> Report:
    """Have the two expressions the same values, wherever both have values?"""
    if a.shape != b.shape:
        return _misshapen("right side", b, "the left side", a)
    space = _Space([a, b], None, options)
    found = _Findings()
    for point in space.points([a, b]):
        found.points += 1
        left, right = space.value(a, point), space.value(b, point)
        if not found.compare(left, right, LINEAR_TOLERANCE, "the left side", "the right side", SMALL):
            return found.report()
    return found.report()


class _Misfit(Exception):
    """A derivative of the wrong shape."""


class _Space:
    """The points of a check and the functions at them; every function takes all variables."""

    def __init__(self, exprs: Sequence[Expr], x: Expr | None, options: Mapping[str, Any]) -> None:
        self.exprs, self.x = tuple(exprs), x
        self.arguments: list[str | Expr] = [*with_masks(variables(*exprs)), *symbols(*exprs)]
        self.options = {"n": POINTS, "seed": 0, "sizes": None, **options}
        if set(self.options) != {"n", "seed", "sizes"}:
            raise TypeError(f"unknown options: {', '.join(sorted(set(self.options) - {'n', 'seed', 'sizes'}))}")
        self.rng = Random(self.options["seed"] + 1)

    def points(self, finite: Sequence[Expr]) -> list[Point]:
        return points(tuple(finite), self.options["n"], self.options["seed"], self.options["sizes"], self.exprs)

    def value(self, e: Expr, point: Point, values: Mapping[str, Any] | None = None) -> Any:
        return value_at(compiled(e, self.arguments), {**point.values, **values} if values else point.values, point)

    def direction(self, point: Point) -> Any:
        """A random direction within the space of x: symmetric where x is, tangent where x is on a manifold."""
        assert self.x is not None
        return tangent(self.x, point.values, normal_like(self.x, point.values[self.x.params[0]].shape, self.rng))

    def moved(self, point: Point, v: Any) -> Any:
        """x + v; for x on a manifold the point of it that is nearest."""
        assert self.x is not None
        return retracted(self.x, point.values[self.x.params[0]] + v, point.sizes)

    def along(
        self, e: Expr, point: Point, v: Any, values: Mapping[str, Any] | None = None, straight: bool = False
    ) -> Callable[[float], Any]:
        """t -> e at x + t*v."""
        assert self.x is not None
        name = self.x.params[0]

        def at(t: float) -> Any:
            there = point.values[name] + t * v if straight else self.moved(point, t * v)
            return self.value(e, point, {**(values or {}), name: there})

        return at


class _Findings:
    """What has been compared so far."""

    def __init__(self) -> None:
        self.points = 0
        self.error = 0.0
        self.slopes: list[float] = []
        self.reason = ""
        self.compared = False

    def compare(self, left: Any, right: Any, tolerance: float, first: str, second: str, size: float) -> bool:
        """Enters two values that must be equal; False where they are not."""
        import numpy as np

        error = _error(left, right, size)
        self.compared = True
        self.error = max(self.error, error)
        if not error <= tolerance:
            self.reason = f"{first} is {_shown(left)} and {second} is {_shown(right)} (relative error {error:.1e})"
            if not (np.all(np.isfinite(left)) and np.all(np.isfinite(right))):
                self.reason = f"{first} is {_shown(left)} and {second} is {_shown(right)}"
        return not self.reason

    def enter(self, want: tuple[Any, float] | None, got: Any, tolerance: float, name: str) -> bool:
        """Enters a derivative and the best difference quotient, None where there is none; False where they disagree."""
        import numpy as np

        if not np.all(np.isfinite(got)):
            self.error, self.compared = np.inf, True
            self.reason = "the derivative is not finite at a point at which the function is"
            return False
        if want is None:
            return True
        value, error = want
        self.compared = True
        self.error = max(self.error, error)
        if error > tolerance:
            self.reason = (
                f"in a random direction the derivative is {_shown(got)} and {name} give {_shown(value)} "
                f"(relative error {error:.1e})"
            )
        return not self.reason

    def report(self) -> Report:
        if not self.compared:
            return Report(0, float("inf"), (), False, NO_POINT)
        return Report(self.points, self.error, tuple(self.slopes), not self.reason, self.reason)


def _first_order(
    f: Expr,
    x: Expr,
    answers: Sequence[Expr],
    slope: Callable[..., Any],
    options: Mapping[str, Any],
    dx: Expr | None = None,
    part: int = 0,
) -> Report:
    """Compares slope(at, V), where at(e, values) evaluates at the point, with differences of f along V.

    part: 1 or -1 to compare only what is linear in V, or in its conjugate, (D[V] ∓ i D[iV])/2
    """
    space = _Space([f, x, *answers, *([dx] if dx is not None else [])], x, options)
    found = _Findings()
    for point in space.points([f]):
        found.points += 1
        for turn in range(DIRECTIONS):
            v = space.direction(point)
            also = {dx.params[0]: v} if dx is not None else {}

            def at(e: Expr, values: Mapping[str, Any] | None = None, point: Point = point) -> Any:
                return space.value(e, point, values)

            try:
                got = slope(at, v)
            except _Misfit as misfit:
                return Report(found.points, float("inf"), (), False, str(misfit))
            y = space.value(f, point, also)
            along = space.along(f, point, v, also)
            if part:
                along = _part(along, space.along(f, point, 1j * v, also), part)
            want = _best_difference(along, got, _size(y), STEPS, _first)
            if not found.enter(want, got, TOLERANCE, "differences of the function"):
                return found.report()
            if turn == 0 and not curved(x.params[1]) and not part:
                fall = _taylor_slope(along, y, got)
                if fall is not None:
                    found.slopes.append(fall)
                    if fall < SLOPE and want is not None and want[1] > SUSPICIOUS:
                        found.reason = f"the Taylor remainder falls as h^{fall:.2f}, not as h^2"
                        return found.report()
    return found.report()


def _part(f: Callable[[float], Any], turned: Callable[[float], Any], part: int) -> Callable[[float], Any]:
    """A function whose derivative is the linear (1) or conjugate linear (-1) part of the derivative of f."""
    return lambda t: (f(t) - part * 1j * turned(t)) / 2


def _first(f: Callable[[float], Any], h: float) -> Any:
    return (f(h) - f(-h)) / (2 * h)


def _second(f: Callable[[float, float], Any], h: float) -> Any:
    return (f(h, h) - f(h, -h) - f(-h, h) + f(-h, -h)) / (4 * h * h)


def _best_difference(
    f: Callable[..., Any], got: Any, size: float, steps: Sequence[float], quotient: Callable[..., Any]
) -> tuple[Any, float] | None:
    """The difference quotient nearest to `got` over the steps, each extrapolated (Richardson) from h, h/2 and h/4."""
    import numpy as np

    best: tuple[Any, float] | None = None
    with np.errstate(all="ignore"):
        for h in steps:
            a, b, c = quotient(f, h), quotient(f, h / 2), quotient(f, h / 4)
            first, second = (4 * b - a) / 3, (4 * c - b) / 3
            d = (16 * second - first) / 15
            if not np.all(np.isfinite(d)):
                continue
            e = _error(got, d, size)
            if best is None or e < best[1]:
                best = (d, e)
            if e < AGREED:
                break
    return best


def _taylor_slope(f: Callable[[float], Any], y: Any, slope: Any) -> float | None:
    """log2 of r(h)/r(h/2) for the remainder r(h) = |f(x+hv) - f(x) - h Df[v]|, at the smallest steps that show it."""
    import numpy as np

    remainders = []
    for h in TAYLOR_STEPS:
        r = float(np.max(np.abs(f(h) - y - h * slope)))
        if not r > TAYLOR_NOISE * max(_size(y), h * _size(slope)):
            break
        remainders.append(r)
    return float(np.log2(remainders[-2] / remainders[-1])) if len(remainders) > 1 else None


def _size(y: Any) -> float:
    import numpy as np

    return max(SMALL, float(np.max(np.abs(y))))


def _error(a: Any, b: Any, size: float) -> float:
    """The largest difference relative to the values, or to FLOOR times the size of the function; inf for nan."""
    import numpy as np

    if np.shape(a) != np.shape(b):
        return float("inf")
    with np.errstate(all="ignore"):
        scale = max(float(np.max(np.abs(a))), float(np.max(np.abs(b))), FLOOR * size, 1e-300)
        error = float(np.max(np.abs(np.asarray(a) - b))) / scale
    return error if np.isfinite(error) else float("inf")


def _shown(value: Any) -> str:
    import numpy as np

    flat = np.ravel(value)
    text = ", ".join(f"{x:.6g}" for x in flat[:4])
    return text if flat.size == 1 else f"[{text}{', …' if flat.size > 4 else ''}]"


def _misshapen(what: str, e: Expr, other: str, like: Expr) -> Report:
    from frechet.expressions.dimension import show_shape

    reason = f"the {what} is {show_shape(e.shape)} and {other} {show_shape(like.shape)}"
    return Report(0, float("inf"), (), False, reason)


def _raveled(f: Callable[[float], Any]) -> Callable[[float], Any]:
    return lambda t: f(t).ravel(order="F")
