"""Small sizes for the dimension names of a formula: different ones, at which nothing of it degenerates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from random import Random

from frechet.expressions.dimension import Dim, axes
from frechet.expressions.node import Expr, variables, walk
from frechet.operations.impossible import rank_dimensions
from frechet.verification.sampling import dimensions, random_sizes

SIZES = (2, 3, 4, 1)
ASSIGNMENTS = 5_000  # of sizes to names that are compared
NORMALIZING = frozenset(("softmax", "logsumexp", "logsoftmax", "layernorm", "rmsnorm", "var"))


def small_sizes(exprs: Sequence[Expr], variable: Expr | None, rng: Random, avoid_one: bool = False) -> dict[str, int]:
    """A size for every dimension name: 2 to 4, all different where that is possible.

    Where there are more names one of them is 1, or with `avoid_one`, two of them are equal.
    """
    also = [variable] if variable is not None else []
    dims, least = dimensions([*exprs, *also])
    names = sorted({n for d in dims for n in d.names()})
    if not names:
        return {}
    arrays = [v for v in variables(*exprs, *also) if v.kind != "scalar"]
    deep = [(n.args[0].shape[0], rank_dimensions(n.args[0])) for n in walk(*exprs) if n.op.name in ("det", "adj")]
    tall = [n.args[0].shape for n in walk(*exprs) if n.op.name in ("pinv", "proj")]
    normalized = [d for n in walk(*exprs) for d in _normalized_axes(n)]
    best: tuple[float, dict[str, int]] | None = None
    for drawn in _assignments(len(names), rng):
        sizes = dict(zip(names, drawn, strict=True))
        if any(sizes[n] < k for n, k in least.items() if n in sizes) or any(d.size(sizes) < 1 for d in dims):
            continue
        cost = _cost_of_sizes(sizes, arrays, variable) + 200 * avoid_one * list(sizes.values()).count(1)
        cost += sum({1: 200, 2: 30}.get(d.size(sizes), 0) for d in normalized)
        cost += sum(30 for rows, columns in tall if rows.size(sizes) <= columns.size(sizes))  # X*pinv(X) would be I
        cost += sum(200 for n, bounds in deep for d in bounds if d.size(sizes) < n.size(sizes))  # the determinant is 0
        if best is None or cost < best[0]:
            best = cost, sizes
    return best[1] if best is not None else random_sizes(exprs, rng)


def _normalized_axes(node: Expr) -> list[Dim]:
    """The axes that lose what they say when they have one entry (a softmax) or two (a layernorm)."""
    name = node.op.name.removesuffix("_of_rows")
    if name not in NORMALIZING:
        return []
    shape = node.args[0].shape
    if name != node.op.name and node.params and node.params[0] in (1, 2):
        shape = (shape[node.params[0] - 1],)
    return list(dict.fromkeys(d for d in axes(shape) if d.names()))


def _assignments(count: int, rng: Random) -> Iterator[tuple[int, ...]]:
    if len(SIZES) ** count <= ASSIGNMENTS:
        yield from product(SIZES, repeat=count)
        return
    for _ in range(ASSIGNMENTS):
        yield tuple(rng.choice(SIZES) for _ in range(count))


def _cost_of_sizes(sizes: Mapping[str, int], arrays: Sequence[Expr], variable: Expr | None) -> float:
    """Equal sizes hide which products fit; an axis of length 1 hides what is a matrix."""
    values = list(sizes.values())
    cost = 50.0 * (len(values) - len(set(values))) + 3 * values.count(4)
    for v in arrays:
        lengths = [d.size(sizes) for d in axes(v.shape)]
        square = len(lengths) == 2 and v.shape[0] is v.shape[1]
        ones = lengths.count(1)
        cost += ones * (40 if v is variable or square else 12)
        count = 1
        for k in lengths:
            count *= k
        cost += 0.2 * count
    if variable is not None:
        cost += 0.01 * next((d.size(sizes) for d in axes(variable.shape)), 0)  # 2×3 rather than 3×2
    return cost
