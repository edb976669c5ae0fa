"""Worked instances: small different sizes and small whole numbers for the variables of a formula.

Where `sampling.points` draws points at which a wrong derivative shows, an instance is one that a person can follow with a
pencil. It is the same in every run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from random import Random
from types import MappingProxyType
from typing import Any, NamedTuple

from frechet.compilation.numpy_source import compiled
from frechet.expressions.dimension import SCALAR, axes
from frechet.expressions.function import Function
from frechet.expressions.node import Expr, variables
from frechet.expressions.space import ZERO_SOMEWHERE, bases, rank
from frechet.notation.numbers import show_array, show_entries, show_number
from frechet.operations.constants import mask_of
from frechet.operations.declared_functions import functions, symbols
from frechet.verification.functions import Terms
from frechet.verification.sampling import (
    Point,
    dimensions,
    linear_structure,
    normal_like,
    projected,
    random_sizes,
    value_at,
    with_masks,
)

__all__ = ["Instance", "instance", "show_array", "show_entries", "show_number", "small_sizes"]

SIZES = (2, 3, 1, 4)
ASSIGNMENTS = 5_000  # of sizes to names that are compared
CANDIDATES = 300  # points that are looked at
ENOUGH = 60  # acceptable ones, of which the nicest is taken
LARGE = 1e6  # values beyond are not shown to people
STEP = 1e-4  # of the differences that show a kink
MANY_ZEROS = ZERO_SOMEWHERE | {"orthogonal", "sphere"}
MOODS = ("plain", "plain", "regular", "positive", "plain", "spd", "fractions", "units", "positive fractions", "large")

# What stands in for a declared function: the first that has its properties, as (text, Taylor coefficients, growth rates).
STANDING_IN: tuple[tuple[str, Terms, frozenset[str]], ...] = (
    ("t^2 + t", Terms((0.0, 1.0, 1.0)), frozenset({"convex"})),
    ("t^2", Terms((0.0, 0.0, 1.0)), frozenset({"convex", "even", "nonnegative"})),
    ("t^3 + t", Terms((0.0, 1.0, 0.0, 1.0)), frozenset({"odd", "increasing", "monotone"})),
    ("t^2 + 1", Terms((1.0, 0.0, 1.0)), frozenset({"convex", "even", "nonnegative", "positive"})),
    ("-t^2", Terms((0.0, 0.0, -1.0)), frozenset({"concave", "even"})),
    ("-t^3 - t", Terms((0.0, -1.0, 0.0, -1.0)), frozenset({"odd", "decreasing"})),
    (
        "exp(t)",
        Terms((0.0,), (), ((1.0, 1.0),)),
        frozenset({"convex", "increasing", "monotone", "positive", "nonnegative"}),
    ),
    ("exp(-t)", Terms((0.0,), (), ((1.0, -1.0),)), frozenset({"convex", "decreasing", "positive", "nonnegative"})),
    ("-exp(-t)", Terms((0.0,), (), ((-1.0, -1.0),)), frozenset({"concave", "increasing", "monotone"})),
    ("-exp(t)", Terms((0.0,), (), ((-1.0, 1.0),)), frozenset({"concave", "decreasing"})),
)


class Instance(NamedTuple):
    """Numbers for a formula.

    sizes       of the dimension names
    values      arrays by variable name, and Python functions by the names that programs call them
    functions   what was put in for the declared functions, in the text notation: {"f": "t^2"}
    """

    sizes: dict[str, int]
    values: dict[str, Any]
    functions: Mapping[str, str] = MappingProxyType({})

    def value(self, e: Expr, also: Mapping[str, Any] | None = None) -> Any:
        """The value of an expression in the same variables; `also` gives those of others, such as dX."""
        function = compiled(e, [*with_masks(variables(e)), *symbols(e)])
        values = {**self.values, **(also or {})}
        known = [*(v.params[0] for v in with_masks(variables(e))), *symbols(e)]
        return value_at(function, {name: values[name] for name in known}, Point(values, self.sizes))


def instance(
    exprs: Sequence[Expr], seed: int = 0, variable: Expr | None = None, also: Sequence[Expr] = ()
) -> Instance | None:
    """Small sizes and small whole numbers for the variables of expressions, which are finite and smooth there.

    The sizes are 1 to 3 and all different where the relations between them allow it; those of `variable` are not 1. Values
    respect what is declared; a declared function of numbers becomes a simple one with its properties.

    also: expressions whose variables and functions get values too, and which need not be finite

    None where there is none: a declared function of vectors or matrices stands for no simple one; no point was found.
    Raises:  ShapeError, if no sizes are found for which every dimension is at least 1

    >>> from frechet.notation.reading import read
    >>> r = read("tr(A*X*B)", wrt="X")
    >>> found = instance([r.expression], variable=r.variables["X"])
    >>> found.sizes, show_array(found.values["A"]), show_array(found.value(r.expression))
    ({'p': 2, 'q': 3, 'r': 1}, '[2 1]', '16')
    """
    import numpy as np

    exprs = tuple(exprs)
    rng = Random(seed)
    everything = [*exprs, *also]
    sizes = small_sizes(everything, variable, rng)
    wanted = list(dict.fromkeys([*variables(*everything), *([variable] if variable is not None else [])]))
    shown = list(dict.fromkeys([*variables(*exprs), *([variable] if variable is not None else [])]))
    stood_in = _standing_in(functions(*everything))
    if stood_in is None:
        return None
    called: dict[str, Any] = {
        name: stood_in[f.name][1].derivative(int(view)) for name, (f, view) in symbols(*everything).items()
    }
    said = {name: text for name, (text, _) in stood_in.items()}
    programs = [compiled(e, [*with_masks(wanted), *called]) for e in exprs]
    best: tuple[float, int, Instance] | None = None
    accepted = 0
    for attempt in range(CANDIDATES):
        values = _draw_all(wanted, sizes, rng, MOODS[attempt % len(MOODS)])
        if values is None:
            continue
        found = Instance(sizes, {**values, **called}, said)
        outputs = _smooth_values(programs, wanted, found, rng)
        if outputs is None:
            continue
        accepted += 1
        cost = sum(map(_cost_of_value, outputs)) + _cost_of_inputs(shown, values) + 0.25 * (attempt % len(MOODS))
        cost += 5 * any(np.array_equal(y, x) for y in outputs for x in values.values() if np.size(x) > 1)
        if best is None or cost < best[0]:
            best = cost, attempt, found
        if accepted == ENOUGH:
            break
    return best[2] if best is not None else None


# -- sizes


def small_sizes(exprs: Sequence[Expr], variable: Expr | None, rng: Random) -> dict[str, int]:
    """A size for every dimension name: 1 to 3, all different where that is possible."""
    also = [variable] if variable is not None else []
    dims, least = dimensions([*exprs, *also])
    names = sorted({n for d in dims for n in d.names()})
    if not names:
        return {}
    arrays = [v for v in variables(*exprs, *also) if v.kind != "scalar"]
    best: tuple[float, dict[str, int]] | None = None
    for drawn in _assignments(len(names), rng):
        sizes = dict(zip(names, drawn, strict=True))
        if any(sizes[n] < k for n, k in least.items() if n in sizes) or any(d.size(sizes) < 1 for d in dims):
            continue
        cost = _cost_of_sizes(sizes, arrays, variable)
        if best is None or cost < best[0]:
            best = cost, sizes
    return best[1] if best is not None else random_sizes(exprs, rng)


def _assignments(count: int, rng: Random) -> Iterator[tuple[int, ...]]:
    if len(SIZES) ** count <= ASSIGNMENTS:
        yield from product(SIZES, repeat=count)
        return
    for _ in range(ASSIGNMENTS):
        yield tuple(rng.choice(SIZES) for _ in range(count))


def _cost_of_sizes(sizes: Mapping[str, int], arrays: Sequence[Expr], variable: Expr | None) -> float:
    """Equal sizes hide which products fit; an axis of length 1 hides what is a matrix."""
    values = list(sizes.values())
    cost = 50.0 * (len(values) - len(set(values))) + 8 * values.count(4)
    for v in arrays:
        lengths = [d.size(sizes) for d in axes(v.shape)]
        square = len(lengths) == 2 and v.shape[0] is v.shape[1]
        ones = lengths.count(1)
        cost += ones * (40 if v is variable or square else 3 if len(lengths) > 1 else 8)
        count = 1
        for k in lengths:
            count *= k
        cost += 0.2 * count
    if variable is not None:
        cost += 0.01 * next((d.size(sizes) for d in axes(variable.shape)), 0)  # 2×3 rather than 3×2
    return cost


# -- declared functions


def _standing_in(declared: Mapping[str, Function]) -> dict[str, tuple[str, Terms]] | None:
    """A simple function for each declared one; None where one is not of numbers."""
    found: dict[str, tuple[str, Terms]] = {}
    for name, f in declared.items():
        if f.domain is not None and (f.domain, f.codomain) != (SCALAR, SCALAR):
            return None
        fitting = [(text, terms) for text, terms, words in STANDING_IN if words >= set(f.words)]
        if not fitting:
            return None
        found[name] = fitting[len(found) % len(fitting)]  # f and g differ
    return found


# -- values


def _draw_all(wanted: Sequence[Expr], sizes: Mapping[str, int], rng: Random, mood: str) -> dict[str, Any] | None:
    found: dict[str, Any] = {}
    for v in with_masks(wanted):
        x = _draw(v, tuple(d.size(sizes) for d in axes(v.shape)), rng, mood, sizes)
        if x is None:
            return None
        mask = mask_of(v)
        found[v.params[0]] = x if mask is None else x * found[mask.params[0]]
    return found


def _draw(v: Expr, shape: tuple[int, ...], rng: Random, mood: str, sizes: Mapping[str, int]) -> Any:
    """Small whole numbers (or simple fractions) with the variable's structure; None where these did not come out."""
    import numpy as np

    _, words, domain, _ = v.params
    r = rank(words)
    if r is not None:
        k = r.size(sizes)
        return _whole((shape[0], k), rng, -1, 2) @ _whole((k, shape[1]), rng, -1, 2)
    if "orthogonal" in words or domain == "orthogonal":
        q = _rotation(shape, rng)
        return q if v.real else q * np.array([rng.choice((1, 1j, -1j)) for _ in range(shape[-1])])
    if "sphere" in words:
        return _unit(shape, rng)
    if "spd" in words or "psd" in words or domain == "spd":
        return _definite(v, shape, rng)
    if domain in FIXED:
        return FIXED[domain](shape, rng)
    x = _by_domain(domain, shape, rng) if domain in BY_DOMAIN else _in_mood(mood, shape, rng)
    if not v.real:
        x = x + 1j * _whole(shape, rng, -2, 2)
    linear = linear_structure(v)
    return _structured(x, linear) if linear else x


def _structured(x: Any, words: Sequence[str]) -> Any:
    """The array moved into a linear space without leaving the whole numbers: a multiple of its projection."""
    import numpy as np

    if set(words) == {"symmetric"}:
        return np.tril(x) + np.tril(x, -1).T
    if words == ["hermitian"]:
        low = np.tril(x, -1)
        return low + low.conj().T + np.diag(np.diag(x).real)
    if words == ["skew"]:
        return np.tril(x, -1) - np.tril(x, -1).T
    y = projected(x, [w for w in words if not w.startswith("sparse")])
    for k in (1, 2, 3, 4, 6, 12):
        if np.allclose(k * y, np.round(k * y.real) + 1j * np.round(k * y.imag) if np.iscomplexobj(y) else np.round(k * y)):
            return k * y
    return y


def _whole(shape: tuple[int, ...], rng: Random, low: int, high: int, over: int = 1) -> Any:
    import numpy as np

    count = int(np.prod(shape))
    values = np.array([rng.randint(low, high) / over for _ in range(count)])
    return values.reshape(shape) if shape else np.float64(values[0])


def _in_mood(mood: str, shape: tuple[int, ...], rng: Random) -> Any:
    """Entries of a variable of which nothing is declared."""
    import numpy as np

    square = len(shape) == 2 and shape[0] == shape[1]
    if mood == "regular" and square:
        return np.diag(_whole(shape[:1], rng, 1, 3)) + _whole(shape, rng, -1, 1)
    if mood == "spd" and square:
        return _gram(shape[0], rng)
    if mood in ("positive", "spd"):
        return _whole(shape, rng, 1, 3)
    if mood == "fractions":
        return _whole(shape, rng, -3, 3, 4)
    if mood == "positive fractions":
        return _whole(shape, rng, 1, 3, 4)
    if mood == "units":
        return _whole(shape, rng, -1, 1)
    if mood == "large":
        return _whole(shape, rng, 2, 5)
    return _whole(shape, rng, -2, 3)


def _gram(n: int, rng: Random) -> Any:
    """L*L' with a whole lower triangular L: symmetric positive definite, with a small determinant."""
    import numpy as np

    low = np.tril(_whole((n, n), rng, -1, 1), -1) + np.diag(_whole((n,), rng, 1, 2))
    return low @ low.T


def _definite(v: Expr, shape: tuple[int, ...], rng: Random) -> Any:
    import numpy as np

    if not shape:
        return np.float64(rng.randint(1, 3))
    others = [w for w in linear_structure(v) if w not in ("spd", "psd", "symmetric", "hermitian")]
    x = _gram(shape[0], rng)
    if not v.real:
        low = np.tril(_whole(shape, rng, -1, 1) + 1j * _whole(shape, rng, -1, 1), -1) + np.eye(shape[0])
        x = low @ low.conj().T
    if others:
        x = _structured(x, others)
        if np.linalg.eigvalsh(x)[0] <= 0:
            return None
    return x


def _rotation(shape: tuple[int, ...], rng: Random) -> Any:
    """Orthonormal columns (rows, where these are fewer) of zeros, ones, 0.6 and 0.8."""
    import numpy as np

    n = max(shape)
    q = np.eye(n)
    if n > 1:
        q[:2, :2] = [[0.6, -0.8], [0.8, 0.6]]
    q = q[[*rng.sample(range(n), n)]]
    q = q[:, : min(shape)] * np.array([rng.choice((1.0, -1.0)) for _ in range(min(shape))])
    return q if q.shape == shape else q.T


def _unit(shape: tuple[int, ...], rng: Random) -> Any:
    """Entries whose squares add up to 1: 0.6 and 0.8, or four halves, and zeros."""
    import numpy as np

    count = int(np.prod(shape))
    entries = [1.0] if count == 1 else [0.6, 0.8] if count < 4 else [0.5] * 4
    entries = [x * rng.choice((1, -1)) for x in entries] + [0.0] * (count - len(entries))
    rng.shuffle(entries)
    return np.array(entries).reshape(shape) if shape else np.float64(entries[0])


def _simplex(shape: tuple[int, ...], rng: Random) -> Any:
    """Rows of quarters, eighths … that add up to 1."""
    import numpy as np

    n = shape[-1]
    below = 4
    while below < n + 1:
        below *= 2

    def row() -> list[float]:
        parts = [1] * n
        for _ in range(below - n):
            parts[rng.randrange(n)] += 1
        return [k / below for k in parts]

    return np.array([row() for _ in range(int(np.prod(shape[:-1])))]).reshape(shape)


def _one_hot(shape: tuple[int, ...], rng: Random) -> Any:
    import numpy as np

    x = np.zeros(shape)
    for row in x.reshape(-1, shape[-1]):
        row[rng.randrange(len(row))] = 1.0
    return x


Draw = Callable[[tuple[int, ...], Random], Any]
FIXED: dict[str, Draw] = {
    "simplex": _simplex,
    "onehot": _one_hot,
    "labels±1": lambda shape, rng: 2 * _whole(shape, rng, 0, 1) - 1,
    "mask01": lambda shape, rng: _whole(shape, rng, 0, 1),
    "whole": lambda shape, rng: _whole(shape, rng, 2, 3),
}
BY_DOMAIN = {"positive": (1, 3, 1), "nonnegative": (0, 3, 1), "unit01": (1, 3, 4)}


def _by_domain(domain: str, shape: tuple[int, ...], rng: Random) -> Any:
    return _whole(shape, rng, *BY_DOMAIN[domain])


def _smooth_values(programs: Sequence[Any], wanted: Sequence[Expr], found: Instance, rng: Random) -> list[Any] | None:
    """The values of the expressions; None where one is not finite, huge, or has a kink or a jump."""
    import numpy as np

    point = Point(found.values, found.sizes)
    moves = {
        v.params[0]: projected(normal_like(v, np.shape(found.values[v.params[0]]), rng), linear_structure(v))
        for v in wanted
        if v.params[2] not in FIXED and mask_of(v) is None
    }
    outputs = []
    for program in programs:
        there, back, y = (
            value_at(program, {**found.values, **{n: found.values[n] + t * m for n, m in moves.items()}}, point)
            for t in (STEP, -STEP, 0.0)
        )
        if not all(np.all(np.isfinite(x)) for x in (there, back, y)) or np.max(np.abs(y)) > LARGE:
            return None
        bend = np.max(np.abs(there + back - 2 * y))
        if bend > 0.02 * STEP * (1 + np.max(np.abs(y)) + np.max(np.abs(there - back)) / STEP):
            return None
        outputs.append(y)
    return outputs


def _cost_of_value(y: Any) -> float:
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
    cost += 12 * (0 < largest < 1e-4)
    return cost + 6 * (largest < 1e-9) + 2 * (largest > 30) + 6 * (largest > 200) + 5 * spread


def _cost_of_inputs(wanted: Sequence[Expr], values: Mapping[str, Any]) -> float:
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
        if v.params[2] in FIXED:
            cost += 4 * (np.size(x) > 1 and len(np.unique(x)) == 1 and v.params[2] in ("mask01", "labels±1"))
            continue
        cost += 20.0 * (not np.any(x)) + 2 * (float(np.mean(x == 0)) > 0.5) + 3 * (not np.shape(x) and x == 1)
        cost += 2.0 * (not v.real and not np.any(np.imag(x)))
        if np.size(x) > 1 and words.isdisjoint(MANY_ZEROS):
            cost += 4.0 * (len(np.unique(np.abs(x))) == 1) + 6 * float(np.mean(x == 0)) + 0.2 * float(np.sum(np.abs(x) > 3))
            if not words and np.ndim(x) == 2 and min(x.shape) > 1:
                cost += sum(1.0 * (np.unique(x, axis=k).shape[k] < x.shape[k]) for k in (0, 1))  # equal rows, columns
                cost += 3.0 * (np.linalg.matrix_rank(x) < min(x.shape)) + 5.0 * np.array_equal(x, x.T)
    return cost
