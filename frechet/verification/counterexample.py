"""The smallest numeric counter-example: few and small whole numbers at which two expressions differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from random import Random
from typing import Any, NamedTuple

from frechet.compilation.numpy_source import compiled
from frechet.expressions.dimension import axes
from frechet.expressions.errors import FrechetError
from frechet.expressions.node import Expr, variables, walk
from frechet.expressions.space import rank
from frechet.operations.constants import mask_of
from frechet.operations.declared_functions import symbols
from frechet.verification.comparison import CLOSE, nothing
from frechet.verification.sampling import Point, dimensions, linear_structure, projected, value_at, with_masks

SIZES = (1, 2, 3)
TRIES = 200  # draws for each choice of sizes
PLAIN = 32  # of them with one 1 in every matrix
ENOUGH = 160  # where one of them shows a difference
TOTAL = 1200
CHOICES = 14  # of sizes
KINKS = ("no entry of {0} is 0", "{0} ≠ 0")  # how conditions of functions that have a kink at 0 begin
LARGEST = 1e6  # values beyond are no example to look at


class Example(NamedTuple):
    """Values of the variables, and what the derivative and the answer are there; None for an answer without a value."""

    values: dict[str, Any]
    derivative: Any
    answer: Any


def smallest(function: Expr, derivative: Expr, answer: Expr) -> Example | None:
    """The simplest of some hundred small points at which the answer is not the derivative; None if none is found.

    Sizes are tried from the smallest on; at the first ones that show a difference the point with the fewest and
    smallest entries is taken. Declared structure is kept.
    """
    roots = (function, derivative, answer)
    if symbols(*roots) or not all(e.real for e in (*variables(*roots), *roots)):
        return None
    drawn = sorted(with_masks(variables(*roots)), key=lambda v: (mask_of(v) is not None, -len(axes(v.shape))))
    functions = [compiled(e, drawn) for e in roots]
    kinks = [compiled(e, drawn) for e in _kinks(function)]
    total = 0
    for sizes in _sizes(roots):
        rng = Random(0)
        best: tuple[Any, Example] | None = None
        for attempt in range(TRIES):
            total += 1
            if total > TOTAL or (best is not None and attempt > ENOUGH):
                break
            try:
                values = {v.params[0]: x for v, x in _draw_all(drawn, sizes, rng, attempt)}
                point = Point(values, dict(sizes))
                y, want, got = (value_at(f, values, point) for f in functions)
                if any(_has_zero(value_at(f, values, point)) for f in kinks):
                    continue
            except (KeyError, TypeError, ValueError, FrechetError):
                break
            if not (_shown(y) and _shown(want)) or _same(want, got):
                continue
            cost = _cost(values, want, got)
            if best is None or cost < best[0]:
                best = cost, Example(values, want, got if _shown(got) else None)
        if best is not None:
            return best[1]
    return None


def _kinks(function: Expr) -> list[Expr]:
    """The arguments of relu, abs, … : where an entry is 0 there is no derivative to show."""
    return [
        e for node in walk(function) for words, e in node.op.conditions(node) if e is not None and words.startswith(KINKS)
    ]


def _has_zero(x: Any) -> bool:
    import numpy as np

    return bool(np.any(np.abs(x) < CLOSE))


def _shown(x: Any) -> bool:
    import numpy as np

    return bool(np.all(np.isfinite(x)) and np.max(np.abs(x), initial=0.0) < LARGEST)


def _same(a: Any, b: Any) -> bool:
    import numpy as np

    size = float(np.max(np.abs(a), initial=1.0))
    return a.shape == b.shape and bool(np.max(np.abs(a - b), initial=0.0) <= 100 * CLOSE * size)


def _sizes(roots: Sequence[Expr]) -> Iterator[Mapping[str, int]]:
    dims, least = dimensions(roots)
    names = sorted({n for d in dims for n in d.names()})
    choices = sorted(product(SIZES, repeat=min(len(names), 6)), key=lambda c: (max(c, default=1), sum(c), c))
    count = 0
    for choice in choices:
        sizes = dict(zip(names, (*choice, *[1] * (len(names) - len(choice))), strict=True))
        if all(d.size(sizes) >= 1 for d in dims) and all(sizes[n] >= k for n, k in least.items() if n in sizes):
            yield sizes
            count += 1
            if count == CHOICES:
                return


def _draw_all(drawn: Sequence[Expr], sizes: Mapping[str, int], rng: Random, attempt: int) -> list[tuple[Expr, Any]]:
    found: dict[str, Any] = {}
    stride = 1
    for i, v in enumerate(drawn):
        shape = tuple(d.size(sizes) for d in axes(v.shape))
        if attempt < PLAIN and not v.params[1] and v.params[2] == "normal":
            found[v.params[0]], stride = _plain(shape, attempt // stride, stride)
            continue
        x = _draw(v, shape, sizes, rng, attempt // (1, 4, 3, 5)[i % 4])
        mask = mask_of(v)
        found[v.params[0]] = x if mask is None else x * found[mask.params[0]]
    return [(v, found[v.params[0]]) for v in drawn]


def _plain(shape: tuple[int, ...], k: int, stride: int) -> tuple[Any, int]:
    """The matrix with a 1 in the k-th place and zeros elsewhere, or a vector or number of ones; and the next stride."""
    import numpy as np

    if len(shape) < 2:
        return (np.ones(shape) if shape else np.float64(1.0)), stride
    count = int(np.prod(shape))
    x = np.zeros(count)
    x[k % count] = 1.0
    return x.reshape(shape), stride * count


def _draw(v: Expr, shape: tuple[int, ...], sizes: Mapping[str, int], rng: Random, attempt: int) -> Any:
    import numpy as np

    structure, domain = v.params[1], v.params[2]
    pool = ((0, 1), (0, 0, 1), (-1, 0, 1, 2), (1, 2))[attempt % 4]
    if domain in ("positive", "nonnegative", "spd") and not structure:
        pool = (1, 1, 2)
    if domain in ("unit01", "simplex"):
        pool = (1, 1, 2)
    count = int(np.prod(shape)) if shape else 1
    x = np.array([float(rng.choice(pool)) for _ in range(count)]).reshape(shape)
    if not shape:
        return np.float64(0.5 if domain == "unit01" else 2.0 if domain == "whole" else x)
    if len(shape) == 1 and attempt % 3 == 0 and domain == "normal" and not structure:
        return np.ones(shape)
    if domain == "unit01":
        return x / 4
    if domain == "simplex":
        return x / x.sum(axis=-1, keepdims=True)
    if domain == "labels±1":
        return np.where(x < 1, -1.0, 1.0)
    if domain == "mask01":
        return np.where(x < 1, 0.0, 1.0)
    if domain == "onehot":
        x = np.zeros(shape)
        for row in x.reshape(-1, shape[-1]):
            row[rng.randrange(len(row))] = 1.0
        return x
    r = rank(structure)
    if r is not None:
        k = r.size(sizes)
        left = np.array([float(rng.choice((0, 1))) for _ in range(shape[0] * k)]).reshape(shape[0], k)
        return left @ x[:k] if k <= shape[0] else x
    if "sphere" in structure or "orthogonal" in structure or domain == "orthogonal":
        if len(shape) == 1:
            x = np.zeros(shape)
            x[rng.randrange(len(x))] = 1.0
            return x
        order = list(range(max(shape)))
        rng.shuffle(order)
        q = np.eye(max(shape))[order][: shape[0], : shape[1]]
        return q / np.linalg.norm(q) if "sphere" in structure else q
    if "spd" in structure or "psd" in structure or domain == "spd":
        x = projected(np.triu(x) + np.triu(x, 1).T, [s for s in structure if s not in ("spd", "psd", "symmetric")])
        lowest = float(np.linalg.eigvalsh(x)[0])
        return x + (np.ceil(1 - lowest) if lowest < 0.5 else 0) * np.eye(len(x))
    linear = linear_structure(v)
    if "symmetric" in linear:
        x = np.triu(x) + np.triu(x, 1).T
    elif "skew" in linear:
        x = np.triu(x, 1) - np.triu(x, 1).T
    return projected(x, linear) if linear else x


def _cost(values: Mapping[str, Any], want: Any, got: Any) -> tuple[Any, ...]:
    """Fewer and smaller entries first; vectors of ones are the plainest; then results that are whole numbers."""
    import numpy as np

    total = 0.0
    for x in values.values():
        total += float(np.sum(np.abs(x - 1)) * 0.75 if np.ndim(x) < 2 else np.sum(np.abs(x))) + float(np.sum(x < 0))
    results = [want] if not _shown(got) else [want, got]
    if nothing(want):
        total += 1.0
    broken = sum(int(np.sum(np.abs(r - np.round(r)) > 1e-9)) for r in results)
    order = tuple(tuple(-np.ravel(x)) for x in values.values())
    return (total + 2.0 * broken + (0 if _shown(got) else 20), order)
