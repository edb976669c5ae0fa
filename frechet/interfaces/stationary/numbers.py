"""Random numbers for a stationary point: is the gradient 0 there, and what are the eigenvalues of the Hessian?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from frechet.compilation.numpy_source import compiled
from frechet.differentiation.derivative import Derivative
from frechet.expressions.errors import CheckFailed, FrechetError, UnsupportedError
from frechet.expressions.node import Expr, variables
from frechet.interfaces.optimization.coordinates import free_entries
from frechet.interfaces.stationary.equations import Root
from frechet.operations.declared_functions import symbols
from frechet.verification.sampling import Point, linear_structure, points, value_at, with_masks
from frechet.verification.sampling import projected as in_structure

POINTS = 12  # at which the gradient is compared with 0, and the Hessian looked at
SEEDS = 6  # draws of points, until there are so many in the domain
TOLERANCE = 1e-7  # of the gradient there, relative to its size at another point
SINGULAR = 1e-12  # relative: smaller singular values count as 0
DEFINITE = 1e-9  # relative: eigenvalues of a Hessian below count as 0
SPANNED = 400  # entries of a variable whose Hessian is looked at in numbers
STATIONARY = "stationary point"  # of which it is not known what it is


class Sample(NamedTuple):
    point: Point
    solution: Any  # the value of the point that was found
    inside: bool  # is it in the variable's domain


def samples_of(d: Derivative, point: Expr) -> list[Sample]:
    """Random values of the other variables, and of the solution; those first at which that is in the variable's domain."""
    import numpy as np

    x = d.variable
    program = compiled(point, with_masks(variables(point)))
    inside: list[Sample] = []
    outside: list[Sample] = []
    for seed in range(SEEDS):
        for p in points((point, d.gradient), POINTS, seed, also=(d.function, x)):
            given = {v.params[0]: p.values[v.params[0]] for v in with_masks(variables(point))}
            called = {name: p.values[name] for name in symbols(point)}
            value = value_at(program, {**given, **called}, p)
            if not np.all(np.isfinite(value)):
                continue
            sample = Sample(p, value, _in_domain(x, value))
            (inside if sample.inside else outside).append(sample)
        if len(inside) >= POINTS:
            break
    return [*inside, *outside][:POINTS]


def _in_domain(x: Expr, value: Any) -> bool:
    import numpy as np

    if "spd" in x.params[1] or x.params[2] == "spd":
        return bool(np.all(np.linalg.eigvalsh(np.atleast_2d((value + value.T) / 2)) > 0))
    low, high = {"positive": (0, np.inf), "unit01": (0, 1), "nonnegative": (-1e-300, np.inf)}.get(
        x.params[2], (-np.inf, np.inf)
    )
    return bool(np.all(value > low) and np.all(value < high))


def checked(d: Derivative, point: Expr, root: Root, samples: Sequence[Sample]) -> tuple[int, float]:
    """How many points were compared, and the largest gradient there, relative to that at another point.

    Raises:  CheckFailed, where it is not 0, the point is not in the variable's space, or there was nothing to compare;
             UnsupportedError, where the gradient has no value there, or what is inverted is singular
    """
    import numpy as np

    x, name = d.variable, d.variable.params[0]
    program = compiled(d.gradient, with_masks(variables(d.function)))
    worst = 0.0
    for s in samples:
        values = _given(d, s.point)
        if any(_singular(pair, s.point) for pair in root.inverted):
            raise UnsupportedError(
                f"{name} = {point!r} is not the only stationary point: the linear equation for it is singular"
            )
        away = np.linalg.norm(value_at(program, values, s.point))
        there = np.linalg.norm(value_at(program, {**values, name: s.solution}, s.point))
        if not np.isfinite(there):
            raise UnsupportedError(
                f"the only candidate, {name} = {point!r}, is where the gradient {d.gradient!r} has no value"
            )
        error = float(there / away) if away else float(there)
        structure = linear_structure(x)
        if structure:
            error = max(error, float(np.linalg.norm(in_structure(s.solution, structure) - s.solution)))
        if not error <= TOLERANCE:
            raise CheckFailed(
                f"{name} = {point!r} did not pass its numeric check and is not shown: the gradient there is {error:.1e} "
                "of its size elsewhere"
            )
        worst = max(worst, error)
    if not samples:
        raise CheckFailed(f"{name} = {point!r} is not shown: no numbers were found at which it could be checked")
    return len(samples), worst


def _singular(pair: Sequence[Expr], p: Point) -> bool:
    """Is a matrix singular in numbers, or the map A*Z + Z*B of a pair?"""
    import numpy as np

    names = [v.params[0] for v in with_masks(variables(*pair))]
    arrays = []
    for e in pair:
        program = compiled(e, with_masks(variables(*pair)))
        arrays.append(value_at(program, {n: p.values[n] for n in names} | {n: p.values[n] for n in symbols(*pair)}, p))
    if len(arrays) == 2:
        a, b = (np.linalg.eigvals(m) for m in arrays)
        sums_of_two = np.abs(a[:, None] + b)
        return bool(np.min(sums_of_two) < SINGULAR * np.max(sums_of_two))
    values = np.linalg.svd(arrays[0], compute_uv=False)
    return bool(values[-1] < SINGULAR * values[0])


def _given(d: Derivative, p: Point) -> dict[str, Any]:
    names = [*(v.params[0] for v in with_masks(variables(d.function))), *symbols(d.function)]
    return {name: p.values[name] for name in names if name in p.values}


def kind_by_numbers(d: Derivative, samples: Sequence[Sample]) -> tuple[str, str]:
    """What the eigenvalues of the Hessian say at random points at which the solution is in the variable's domain."""
    import numpy as np

    x, name = d.variable, d.variable.params[0]
    try:
        program = compiled(d.hessian, with_masks(variables(d.function)))
    except FrechetError:
        return STATIONARY, "there is no Hessian here that says which kind"
    seen: set[str] = set()
    count = 0
    for s in samples:
        if not s.inside or np.size(s.solution) > SPANNED:
            continue
        h = value_at(program, {**_given(d, s.point), name: s.solution}, s.point)
        size = max(1, np.size(s.solution))
        if not np.all(np.isfinite(h)):
            continue
        h = h.reshape(size, size)
        basis, _ = free_entries(x, np.shape(s.solution))
        h = h if basis is None else basis.T @ h @ basis
        values = np.linalg.eigvalsh((h + h.T) / 2)
        least = DEFINITE * float(np.max(np.abs(values)))
        seen.add("minimum" if values[0] > least else "maximum" if values[-1] < -least else
                 "saddle point" if values[0] < -least and values[-1] > least else STATIONARY)  # fmt: skip
        count += 1
    if len(seen) != 1:
        return STATIONARY, "which kind it is depends on the values" if seen else "no numbers were found that say which kind"
    (kind,) = seen
    said = {"minimum": "positive definite", "maximum": "negative definite", "saddle point": "indefinite"}.get(
        kind, "singular"
    )
    return kind, f"the Hessian there is {said} at {count} random points: that is no proof"
