"""Can a function be linearized at a given point? In numbers: is the point in the space, the function smooth there?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from frechet.compilation.numpy_source import compiled
from frechet.differentiation.conditions import Condition
from frechet.expressions.node import Expr, variables
from frechet.operations.declared_functions import symbols
from frechet.verification.manifolds import retracted
from frechet.verification.remainder import remainder
from frechet.verification.sampling import Point, linear_structure, points, projected, value_at, with_masks

DRAWS = 40  # of the other variables, in all moods
CLOSE = 1e-9
FALLS = 1.5  # of a function with a derivative the remainder falls as h²; with a kink as h


def points_there(f: Expr, x: Expr, at: Expr, also: Sequence[Expr] = (), seed: int = 0) -> list[Point]:
    """Points with x = at, the other variables drawn, at which f is finite."""
    import numpy as np

    found = []
    for drawn in points([at], DRAWS, seed, also=[f, x, *also]):
        there = Point({**drawn.values, x.params[0]: value(at, drawn)}, drawn.sizes)
        if np.all(np.isfinite(value(f, there))):
            found.append(there)
    return found


def value(e: Expr, point: Point) -> Any:
    known: list[str | Expr] = [*with_masks(variables(e)), *symbols(e)]
    names = [a if isinstance(a, str) else a.params[0] for a in known]
    return value_at(compiled(e, known), {name: point.values[name] for name in names}, point)


def outside(x: Expr, at: Expr, seed: int = 0) -> str | None:
    """What of x's declaration the point contradicts, in words; None where it fits."""
    import numpy as np

    for drawn in points([at], 3, seed, also=[x]):
        here = value(at, drawn)
        words = [w for w in linear_structure(x) if w != "centered"]
        plain = [w for w in words if not w.startswith("sparse")]
        scale = CLOSE * (1 + float(np.max(np.abs(here))))
        if plain and np.max(np.abs(projected(here, plain) - here)) > scale:
            return " ".join(plain)
        if "centered" in x.params[1] and abs(np.sum(here)) > scale:
            return "centered"
        if x.real and np.iscomplexobj(here) and np.max(np.abs(here.imag)) > scale:
            return "real"
        if np.max(np.abs(retracted(x, here, drawn.sizes) - here)) > scale:
            return " ".join(w for w in x.params[1])
        if not _in_domain(x, here):
            return str(x.params[2]) if x.params[2] != "normal" else "spd" if "spd" in x.params[1] else "psd"
    return None


def _in_domain(x: Expr, here: Any) -> bool:
    import numpy as np

    domain, words = x.params[2], x.params[1]
    if domain == "simplex" and abs(float(np.sum(here)) - 1) > CLOSE:
        return False
    if domain in ("positive", "simplex", "unit01") and not np.min(here) > 0:
        return False
    if domain == "nonnegative" and np.min(here) < 0:
        return False
    if domain == "unit01" and not np.max(here) < 1:
        return False
    if np.ndim(here) == 2 and ("spd" in words or domain == "spd"):
        return bool(np.linalg.eigvalsh((here + here.conj().T) / 2)[0] > 0)
    if np.ndim(here) == 2 and "psd" in words:
        return bool(np.linalg.eigvalsh((here + here.conj().T) / 2)[0] > -CLOSE)
    return domain != "invertible" or np.ndim(here) != 2 or np.linalg.matrix_rank(here) == len(here)


def violated(found: Mapping[Condition, str], there: Sequence[Point]) -> list[Condition]:
    """The conditions that fail at all of these points, as far as their words can be judged by numbers."""
    failed: list[Condition] = []
    for words, e in found:
        if e is not None and there and all(_fails(words, value(e, p)) for p in there):
            failed.append((words, e))
    return failed


def _fails(words: str, here: Any) -> bool:
    import numpy as np

    if not np.all(np.isfinite(here)):
        return True
    scale = CLOSE * max(1.0, float(np.max(np.abs(here))))
    if words.startswith(("{0} invertible", "{0} of full rank", "{0} symmetric positive definite")):
        return np.ndim(here) == 2 and bool(np.linalg.matrix_rank(here, tol=scale) < min(here.shape))
    if words.startswith("det {0} > 0"):
        return np.ndim(here) == 2 and not np.linalg.det(here).real > 0
    if words.startswith(("{0} ≠ 0", "no entry of {0} is 0")):
        return bool(np.min(np.abs(here)) <= scale)
    if np.iscomplexobj(here):
        return False
    if words.startswith("{0} > "):
        return not np.min(here) > float(words.split()[2])
    if words == "abs({0}) < 1":
        return not np.max(np.abs(here)) < 1
    return False


def smooth(f: Expr, x: Expr, dx: Expr, df: Expr, there: Sequence[Point], seed: int = 0) -> bool:
    """Does the Taylor remainder fall faster than the step, at these points?"""
    import numpy as np

    rng = Random(seed)
    for point in there[:3]:
        found = remainder(f, x, dx, df, point, seed=rng.randrange(1000))
        if found is None:
            return np.size(point.values[x.params[0]]) == 0
        slope = found.slopes[1]
        if slope is not None and slope < FALLS and max(found.second) > 1e-7 * max(1.0, max(found.first)):
            return False
    return True
