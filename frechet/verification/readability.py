"""How well a person can follow numbers: costs of inputs, of what functions are applied to, and of results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from frechet.expressions.node import Expr, walk
from frechet.expressions.space import ZERO_SOMEWHERE, bases
from frechet.verification.sampling import Point, value_at
from frechet.verification.small_values import FIXED

MANY_ZEROS = ZERO_SOMEWHERE | {"orthogonal", "sphere"}
# Beyond these arguments a function is flat or huge, and nothing can be read from its values.
READABLE = {
    "tanh": 1.5, "sigmoid": 3.0, "softplus": 3.0, "logsigmoid": 3.0, "erf": 1.5, "exp": 3.0, "sinh": 2.5, "cosh": 2.5,
    "silu": 3.0, "gelu": 2.0, "expm": 2.0,
}  # fmt: skip
SPREAD = 3.0  # the same for the differences of the entries of which a softmax is taken
INNER = 8  # arguments that are looked at


def cost_of_value(y: Any) -> float:
    """Whole numbers read best, then short decimals; 0 tells little."""
    import numpy as np

    parts = np.concatenate([np.ravel(np.real(y)), np.ravel(np.imag(y))])
    largest = float(np.max(np.abs(parts)))
    whole, short = (float(np.max(np.abs(k * parts - np.round(k * parts)))) for k in (1, 100))
    if whole < 1e-10 or short < 1e-9:
        cost = 0.0 if whole < 1e-10 else 1.0
    else:
        cost = 8.0 if whole < 1e-3 or short < 1e-3 else 3.0  # nearly whole: a softmax that is saturated
    sizes = np.abs(parts[np.abs(parts) > 1e-12])
    spread = sizes.size > 0 and float(np.min(sizes)) < 2e-3 * largest
    if np.size(y) > 1:
        flat = np.ravel(np.abs(y))
        cost += 4 * float(np.mean(flat < 1e-9)) + 3 * (len(np.unique(np.round(flat, 9))) == 1)
    small = float(np.min(sizes)) if sizes.size else 1.0
    cost += 12 * (0 < largest < 1e-4) + 3 * (small < 0.01) + 3 * (small < 0.001)
    return cost + (40 if np.size(y) > 1 else 12) * (largest < 1e-9) + 2 * (largest > 30) + 6 * (largest > 200) + 5 * spread


def cost_of_inputs(wanted: Sequence[Expr], values: Mapping[str, Any], roles: Mapping[str, str]) -> float:
    """Chance must not make a matrix symmetric, singular or mostly zero, nor two variables equal."""
    import numpy as np

    cost = 0.0
    seen: list[Any] = []
    for v in wanted:
        x = values[v.params[0]]
        words = bases(v.params[1])
        alike = max((float(np.mean(x == y)) for y in seen if np.shape(x) == np.shape(y)), default=0.0)
        cost += 5.0 * (alike == 1) + 3.0 * (np.size(x) > 2 and alike > 0.5)
        seen.append(x)
        domain = roles.get(v.params[0], v.params[2])
        if domain in FIXED:
            cost += 4 * (np.size(x) > 1 and len(np.unique(x)) == 1 and domain in ("mask01", "labels±1"))
            continue
        cost += 20.0 * (not np.any(x)) + 2 * (float(np.mean(x == 0)) > 0.5) + 3 * (not np.shape(x) and x == 1)
        cost += 2.0 * (not v.real and not np.any(np.imag(x)))
        if np.ndim(x) == 1 and not words:
            cost += 1.5 * (len(set(x.tolist())) < np.size(x) <= 4)
        if np.ndim(x) == 2 and words & {"symmetric", "diagonal"} and v.params[2] == "normal":
            cost += 2.5 * (float(np.linalg.eigvalsh(x)[0]) <= 0)  # weights are positive
        if np.size(x) > 1 and words.isdisjoint(MANY_ZEROS):
            cost += (
                10.0 * (len(set(np.ravel(np.abs(x)).tolist())) == 1)
                + 6 * float(np.mean(x == 0))
                + 0.2 * float(np.sum(np.abs(x) > 3))
            )
            if not words and np.ndim(x) == 2 and min(x.shape) > 1:
                cost += sum(2.0 * (len(set(map(tuple, y.tolist()))) < len(y)) for y in (x, x.T))  # equal rows, columns
                cost += 5.0 * (np.linalg.matrix_rank(x) < min(x.shape)) + 5.0 * np.array_equal(x, x.T)
    return cost


def arguments_of(exprs: Sequence[Expr]) -> list[tuple[str, Expr]]:
    """The arguments of functions that are flat or huge elsewhere."""
    found = {
        (n.op.name, n.args[0])
        for n in walk(*exprs)
        if n.args and (n.op.name in READABLE or n.op.name in ("relu", "softmax", "softmax_of_rows", "logsumexp"))
    }
    order = {n: i for i, n in enumerate(walk(*exprs))}
    return sorted(found, key=lambda f: (order[f[1]], f[0]))[:INNER]


def cost_of_arguments(inner: Sequence[tuple[str, Any]], values: Mapping[str, Any], sizes: dict[str, int]) -> float:
    """A tanh should not be flat, a softmax not nearly certain, and some but not all terms of a hinge active."""
    import numpy as np

    cost = 0.0
    for op, program in inner:
        x = value_at(program, values, Point(dict(values), sizes))
        if not np.all(np.isfinite(x)) or np.iscomplexobj(x):
            continue
        if op == "relu":
            active = float(np.mean(x > 0))
            cost += 12 * (active == 0) + 2 * (active == 1 and np.size(x) > 1)
        elif op in READABLE:
            cost += 4 * float(np.mean(np.maximum(np.abs(x) - READABLE[op], 0))) + 2 * float(
                np.mean(np.abs(x) > READABLE[op])
            )
        else:
            cost += 2 * max(float(np.max(x) - np.min(x)) - SPREAD, 0)
    return cost
