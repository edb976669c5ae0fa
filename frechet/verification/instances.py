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
from frechet.expressions.dimension import SCALAR, Dim, axes
from frechet.expressions.function import Function
from frechet.expressions.node import Expr, variables, walk
from frechet.expressions.space import ZERO_SOMEWHERE, bases, rank
from frechet.notation.numbers import show_array, show_entries, show_number
from frechet.operations.constants import mask_of
from frechet.operations.declared_functions import functions, symbols
from frechet.operations.impossible import rank_dimensions
from frechet.verification.functions import Terms
from frechet.verification.manifolds import retracted, tangent
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

SIZES = (2, 3, 4, 1)
ASSIGNMENTS = 5_000  # of sizes to names that are compared
CANDIDATES = 300  # points that are drawn
ENOUGH = 60  # acceptable ones, of which the nicest is taken
FEW, LOOKS = 6, 30  # so many suffice, and so many are tried, where a matrix function takes milliseconds a call
LARGE = 1e6  # values beyond are not shown to people
STEP = 1e-4  # of the differences that show a kink
MANY_ZEROS = ZERO_SOMEWHERE | {"orthogonal", "sphere"}
MOODS = (
    "plain", "plain", "regular", "positive", "plain", "spd", "fractions", "units", "positive fractions", "halves", "large",
)  # fmt: skip
SLOW = frozenset(
    f"{front}{name}" for name in ("expm", "logm", "sqrtm", "powm", "sinm", "cosm", "sinhm", "coshm", "tanm", "signm")
    for front in ("", "d", "k")
)  # fmt: skip
# Beyond these arguments a function is flat or huge, and nothing can be read from its values.
READABLE = {
    "tanh": 1.5, "sigmoid": 3.0, "softplus": 3.0, "logsigmoid": 3.0, "erf": 1.5, "exp": 3.0, "sinh": 2.5, "cosh": 2.5,
    "silu": 3.0, "gelu": 2.0, "expm": 2.0,
}  # fmt: skip
SPREAD = 3.0  # the same for the differences of the entries of which a softmax is taken
NORMALIZING = frozenset(("softmax", "logsumexp", "logsoftmax", "layernorm", "rmsnorm", "var"))
INNER = 8  # arguments that are looked at

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
    terms       the same as functions that can be differentiated
    """

    sizes: dict[str, int]
    values: dict[str, Any]
    functions: Mapping[str, str] = MappingProxyType({})
    terms: Mapping[str, Terms] = MappingProxyType({})

    def value(self, e: Expr, also: Mapping[str, Any] | None = None) -> Any:
        """The value of an expression in the same variables and functions; `also` gives those of others, such as dX."""
        called = symbols(e)
        function = compiled(e, [*with_masks(variables(e)), *called])
        views = {name: self.terms[f.name].derivative(int(k)) for name, (f, k) in called.items() if f.name in self.terms}
        values = {**views, **self.values, **(also or {})}
        known = [*(v.params[0] for v in with_masks(variables(e))), *called]
        return value_at(function, {name: values[name] for name in known}, Point(values, self.sizes))


def instance(
    exprs: Sequence[Expr], seed: int = 0, variable: Expr | None = None, also: Sequence[Expr] = ()
) -> Instance | None:
    """Small sizes and small whole numbers for the variables of expressions, which are finite and smooth there.

    The sizes are 2 to 4 (1 where there are many names) and all different where the relations between them allow it; those of
    `variable` are not 1. Values respect what is declared; a declared function of numbers becomes a simple one with its
    properties.

    seed: another one for other numbers; with a seed above 0 no size is 1
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
    sizes = small_sizes(everything, variable, rng, avoid_one=seed > 0)
    wanted = list(dict.fromkeys([*variables(*everything), *([variable] if variable is not None else [])]))
    shown = list(dict.fromkeys([*variables(*exprs), *([variable] if variable is not None else [])]))
    stood_in = _standing_in(functions(*everything))
    if stood_in is None:
        return None
    called: dict[str, Any] = {
        name: stood_in[f.name][1].derivative(int(view)) for name, (f, view) in symbols(*everything).items()
    }
    said = {name: text for name, (text, _) in stood_in.items()}
    terms = {name: term for name, (_, term) in stood_in.items()}
    arguments: list[str | Expr] = [*with_masks(wanted), *called]
    programs = [compiled(e, arguments) for e in exprs]
    inner = [(op, compiled(e, arguments)) for op, e in _inner(exprs)]
    slow = any(n.op.name in SLOW for n in walk(*exprs))
    best: tuple[float, int, Instance] | None = None
    accepted = looked = 0
    for cost, attempt, values in _candidates(wanted, shown, sizes, _roles(exprs[:1], variable), rng):
        if best is not None and cost >= best[0]:
            continue
        if accepted == (FEW if slow else ENOUGH) or (slow and looked >= LOOKS and best is not None):
            break
        looked += 1
        found = Instance(sizes, {**values, **called}, said, terms)
        cost += _cost_of_arguments(inner, found)
        outputs = _smooth_values(programs, wanted, found, Random(seed))
        if outputs is None:
            continue
        accepted += 1
        cost += sum(map(_cost_of_value, outputs))
        cost += 5 * any(np.array_equal(y, x) for y in outputs for x in values.values() if np.size(x) > 1)
        if best is None or cost < best[0]:
            best = cost, attempt, found
    return best[2] if best is not None else None


def _candidates(
    wanted: Sequence[Expr], shown: Sequence[Expr], sizes: Mapping[str, int], roles: Mapping[str, str], rng: Random
) -> list[tuple[float, int, dict[str, Any]]]:
    """Points with what they cost before anything is evaluated: the best of each mood first, then the second best …"""
    found: dict[str, list[tuple[float, int, dict[str, Any]]]] = {}
    for attempt in range(CANDIDATES):
        mood = MOODS[attempt % len(MOODS)]
        values = _draw_all(wanted, sizes, rng, mood, roles)
        if values is not None:
            cost = _cost_of_inputs(shown, values, roles) + 0.25 * (attempt % len(MOODS))
            found.setdefault(mood, []).append((cost, attempt, values))
    ranked = []
    for several in found.values():
        several.sort(key=lambda c: c[:2])
        ranked += [(rank, *c[:2], c) for rank, c in enumerate(several)]
    return [r[3] for r in sorted(ranked, key=lambda r: r[:3])]


def _roles(exprs: Sequence[Expr], variable: Expr | None) -> dict[str, str]:
    """Constants of which nothing is declared, but that stand where labels do: by name, the domain that reads best.

    What multiplies the logarithms of a softmax says which is the right one: onehot. What multiplies the scores inside of a
    softplus or relu says on which side they should be: 1 or -1.
    """
    nodes = list(walk(*exprs))
    free = {v for v in variables(*exprs) if v is not variable and v.params[1:3] == ((), "normal") and v.kind != "scalar"}
    uses: dict[Expr, list[Expr]] = {}
    for node in nodes:
        for a in node.args:
            uses.setdefault(a, []).append(node)
    margins = set(walk(*(a for n in nodes if n.op.name in ("softplus", "relu", "logsigmoid") for a in n.args)))
    found = {}
    for v in free:
        forms = {v, *(n for n in uses.get(v, ()) if n.op.name in ("transpose", "sum"))}
        partners = [a for f in forms for n in uses.get(f, ()) if n.op.name in ("product", "hadamard") for a in n.args]
        if any(_log_probability(a) for a in partners) and (
            v.kind == "vector" or any("_of_rows" in n.op.name for n in nodes)
        ):
            found[v.params[0]] = "onehot"
        elif uses.get(v) and all(
            n.op.name == "hadamard" and n in margins and set(n.params) == {1} and any(a.op.name == "product" for a in n.args)
            for n in uses[v]
            if n.op.name != "transpose"
        ):
            found[v.params[0]] = "labels±1"
    return found


def _log_probability(e: Expr) -> bool:
    name = e.op.name.removesuffix("_of_rows")
    return name in ("logsoftmax", "logsumexp") or (name == "log" and e.args[0].op.name.startswith("softmax"))


def _inner(exprs: Sequence[Expr]) -> list[tuple[str, Expr]]:
    """The arguments of functions that are flat or huge elsewhere."""
    found = {
        (n.op.name, n.args[0])
        for n in walk(*exprs)
        if n.args and (n.op.name in READABLE or n.op.name in ("relu", "softmax", "softmax_of_rows", "logsumexp"))
    }
    order = {n: i for i, n in enumerate(walk(*exprs))}
    return sorted(found, key=lambda f: (order[f[1]], f[0]))[:INNER]


def _cost_of_arguments(inner: Sequence[tuple[str, Any]], found: Instance) -> float:
    """A tanh should not be flat, a softmax not nearly certain, and some but not all terms of a hinge active."""
    import numpy as np

    cost = 0.0
    for op, program in inner:
        x = value_at(program, found.values, Point(found.values, found.sizes))
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


# -- sizes


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


def _draw_all(
    wanted: Sequence[Expr], sizes: Mapping[str, int], rng: Random, mood: str, roles: Mapping[str, str]
) -> dict[str, Any] | None:
    found: dict[str, Any] = {}
    for v in with_masks(wanted):
        shape = tuple(d.size(sizes) for d in axes(v.shape))
        role = roles.get(v.params[0])
        x = FIXED[role](shape, rng) if role is not None else _draw(v, shape, rng, mood, sizes)
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
    if linear in (["symmetric"], ["diagonal"]) and domain == "normal" and rng.random() < 0.7:  # weights are positive
        x = _gram(shape[0], rng) if linear == ["symmetric"] else np.diag(_whole(shape[:1], rng, 1, 3))
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
    """Entries of a variable of which nothing is declared; numbers are mostly positive, as weights of penalties are."""
    import numpy as np

    if not shape:
        return np.float64(_number(mood, rng))
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
    if mood == "halves":
        return _whole(shape, rng, -2, 2, 2)
    if mood == "large":
        return _whole(shape, rng, 2, 5)
    return _whole(shape, rng, -2, 3)


def _number(mood: str, rng: Random) -> float:
    if mood == "units":
        return rng.choice((-2, -1, 1, 2))
    if mood in ("fractions", "positive fractions", "halves"):
        return rng.choice((0.25, 0.5, 0.75))
    return rng.randint(2, 3)


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
        v: tangent(v, found.values, normal_like(v, np.shape(found.values[v.params[0]]), rng))
        for v in wanted
        if v.params[2] not in FIXED and mask_of(v) is None
    }
    moved = [
        {
            **found.values,
            **{v.params[0]: retracted(v, found.values[v.params[0]] + t * m, found.sizes) for v, m in moves.items()},
        }
        for t in (STEP, -STEP)
    ]
    outputs = []
    for program in programs:
        y = value_at(program, found.values, point)
        if not np.all(np.isfinite(y)):
            return None
        there, back = (value_at(program, values, point) for values in moved)
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
    small = float(np.min(sizes)) if sizes.size else 1.0
    cost += 12 * (0 < largest < 1e-4) + 3 * (small < 0.01) + 3 * (small < 0.001)
    return cost + (40 if np.size(y) > 1 else 12) * (largest < 1e-9) + 2 * (largest > 30) + 6 * (largest > 200) + 5 * spread


def _cost_of_inputs(wanted: Sequence[Expr], values: Mapping[str, Any], roles: Mapping[str, str]) -> float:
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
