"""Expressions compared by their values at random points: equal, proportional, a combination of others.

Everything here decides numerically, at points that respect what is declared of the variables, so that two expressions are
called equal only where they have the same values, and never because of how they are written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from random import Random
from typing import Any

from frechet.compilation.numpy_source import compiled
from frechet.expressions.dimension import SCALAR
from frechet.expressions.errors import FrechetError
from frechet.expressions.node import Expr, variables
from frechet.operations.declared_functions import symbols
from frechet.verification.sampling import Point, points, sample, value_at, with_masks

POINTS = 4
MANY = 20
LEFT_OUT = 2  # terms of a sum that has no only form
CLOSE = 1e-7  # relative; the values of equal expressions differ by rounding only
NOTHING = 1e-11  # values below this are 0
MOODS = ("plain", "spd", "positive", "small", "near identity", "small positive", "dominated", "plain")

Change = Callable[[dict[str, Any], Random], bool]
"""Puts values of a special kind in the place of some of the values of a point; False where it cannot."""


class Ground:
    """Random points for the variables of some expressions, and the values of expressions there."""

    def __init__(self, exprs: Sequence[Expr], finite: Sequence[Expr], seed: int = 0) -> None:
        """finite: expressions that must have values at the points, as far as such points are found"""
        self.exprs = tuple(exprs)
        self.finite = tuple(finite)
        self.variables = variables(*exprs)
        self.arguments: list[str | Expr] = [*with_masks(self.variables), *symbols(*exprs)]
        self.points = points(self.finite, POINTS, seed, also=self.exprs)
        if not self.points and len(finite) > 1:
            self.points = points(self.finite[0], POINTS, seed, also=self.exprs)
        self.seed = seed
        self._many: list[Point] | None = None

    @property
    def many(self) -> list[Point]:
        """More points, for what is found out of numbers rather than arrays."""
        if self._many is None:
            self._many = [*self.points, *points(self.finite, MANY, self.seed + 1, also=self.exprs)]
        return self._many

    def value(self, e: Expr, point: Point) -> Any:
        """The value; nan where there is none."""
        import numpy as np

        try:
            return value_at(compiled(e, self.arguments), point.values, point)
        except (KeyError, TypeError, ValueError, FrechetError):  # a size that no variable tells, arrays that do not fit
            return np.asarray(np.nan)

    def equal(self, a: Expr, b: Expr, at: Sequence[Point] | None = None) -> bool:
        """Have both the same values at all points, and are there points?"""
        at = self.points if at is None else at
        return bool(at) and all(close(self.value(a, p), self.value(b, p)) for p in at)

    def special(self, change: Change, n: int = 3) -> list[Point]:
        """Points at which a change of the values was made, and the expressions still have values."""
        import numpy as np

        rng = Random(self.seed + 7)
        found: list[Point] = []
        for attempt, mood in enumerate(MOODS):
            if self.points and attempt < len(self.points):
                base = self.points[attempt]
                sizes, values = base.sizes, dict(base.values)
            elif self.points:
                sizes = self.points[0].sizes
                values = {**self.points[0].values, **sample(self.variables, sizes, rng, mood)}
            else:
                return []
            if not change(values, rng):
                continue
            point = Point(values, dict(sizes))
            if all(np.all(np.isfinite(self.value(e, point))) for e in self.finite):
                found.append(point)
                if len(found) == n:
                    break
        return found

    def ratios(self, a: Expr, b: Expr, at: Sequence[Point] | None = None) -> list[float] | None:
        """At every point the number r with a = r*b; None where there is no such number at one of them."""
        import numpy as np

        found = []
        for p in self.points if at is None else at:
            u, v = np.ravel(self.value(a, p)), np.ravel(self.value(b, p))
            if u.shape != v.shape or not np.all(np.isfinite(u)) or not np.all(np.isfinite(v)):
                return None
            square = float(np.vdot(v, v).real)
            if square < NOTHING**2:
                return None
            r = complex(np.vdot(v, u) / square)
            if abs(r.imag) > CLOSE * abs(r) or not close(u, r.real * v):
                return None
            found.append(r.real)
        return found or None

    def combination(self, a: Expr, parts: Sequence[Expr], at: Sequence[Point] | None = None) -> list[float] | None:
        """The numbers c with a = Σ cᵢ partsᵢ; where they are not the only ones, 0 and 1 if that is possible."""
        import numpy as np

        rows: list[Any] = []
        right: list[Any] = []
        for p in at if at is not None else self.points if a.shape != SCALAR else self.many:
            values = [np.ravel(self.value(part, p)) for part in parts]
            goal = np.ravel(self.value(a, p))
            if any(v.shape != goal.shape for v in values) or not all(np.all(np.isfinite(v)) for v in (goal, *values)):
                return None
            size = max([float(np.max(np.abs(v), initial=0.0)) for v in (goal, *values)]) or 1.0
            rows.append(np.stack(values, axis=1) / size)
            right.append(goal / size)
        if not rows:
            return None
        matrix, goal = np.concatenate(rows), np.concatenate(right)
        if np.iscomplexobj(matrix) or np.iscomplexobj(goal):
            matrix = np.concatenate([matrix.real, matrix.imag])
            goal = np.concatenate([goal.real, goal.imag])
        if len(matrix) < len(parts):
            return None
        scale = np.linalg.norm(matrix, axis=0)
        if np.any(scale < NOTHING):
            return None
        c, _, rank, _ = np.linalg.lstsq(matrix / scale, goal, rcond=1e-9)
        if rank < len(parts):
            return _zeros_and_ones(matrix, goal)
        if not np.max(np.abs(matrix / scale @ c - goal)) <= CLOSE:
            return None
        return [float(x) for x in c / scale]


def _zeros_and_ones(matrix: Any, goal: Any) -> list[float] | None:
    """The columns of which few are left out, if their sum is the goal."""
    import numpy as np

    count = matrix.shape[1]
    total = matrix.sum(axis=1)
    for size in range(1, min(count, LEFT_OUT + 1)):
        for out in combinations(range(count), size):
            if np.max(np.abs(total - matrix[:, out].sum(axis=1) - goal)) <= CLOSE:
                return [0.0 if i in out else 1.0 for i in range(count)]
    return None


def close(a: Any, b: Any) -> bool:
    """Are two arrays equal up to rounding? nan is equal to nothing."""
    import numpy as np

    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape or not (np.all(np.isfinite(a)) and np.all(np.isfinite(b))):
        return False
    size = max(float(np.max(np.abs(a), initial=0.0)), float(np.max(np.abs(b), initial=0.0)))
    return bool(np.max(np.abs(a - b), initial=0.0) <= CLOSE * size + NOTHING)


def nothing(values: Any) -> bool:
    """Are all entries 0 up to rounding?"""
    import numpy as np

    return bool(np.max(np.abs(values), initial=0.0) <= NOTHING)
