"""Worked instances: small different sizes and small whole numbers for the variables of a formula.

Where `sampling.points` draws points at which a wrong derivative shows, an instance is one that a person can follow with a
pencil. It is the same in every run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from types import MappingProxyType
from typing import Any, NamedTuple

from frechet.compilation.numpy_source import compiled
from frechet.expressions.dimension import SCALAR
from frechet.expressions.function import Function
from frechet.expressions.node import Expr, variables, walk
from frechet.notation.numbers import show_array, show_entries, show_number
from frechet.operations.constants import mask_of
from frechet.operations.declared_functions import functions, symbols
from frechet.verification.functions import Terms
from frechet.verification.manifolds import retracted, tangent
from frechet.verification.readability import arguments_of, cost_of_arguments, cost_of_inputs, cost_of_value
from frechet.verification.sampling import Point, normal_like, value_at, with_masks
from frechet.verification.small_sizes import small_sizes
from frechet.verification.small_values import FIXED, MOODS, draw_all

__all__ = ["Instance", "instance", "show_array", "show_entries", "show_number", "small_sizes"]

CANDIDATES = 300  # points that are drawn
ENOUGH = 60  # acceptable ones, of which the nicest is taken
FEW, LOOKS = 6, 30  # so many suffice, and so many are tried, where a matrix function takes milliseconds a call
LARGE = 1e6  # values beyond are not shown to people
STEP = 1e-4  # of the differences that show a kink
SLOW = frozenset(
    f"{front}{name}" for name in ("expm", "logm", "sqrtm", "powm", "sinm", "cosm", "sinhm", "coshm", "tanm", "signm")
    for front in ("", "d", "k")
)  # fmt: skip

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
    ({'p': 2, 'q': 3, 'r': 4}, '[3 −1; −1 1; −1 −1; 2 −1]', '14')
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
    inner = [(op, compiled(e, arguments)) for op, e in arguments_of(exprs)]
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
        cost += cost_of_arguments(inner, found.values, sizes)
        outputs = _smooth_values(programs, wanted, found, Random(seed))
        if outputs is None:
            continue
        accepted += 1
        cost += sum(map(cost_of_value, outputs))
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
        values = draw_all(wanted, sizes, rng, mood, roles)
        if values is not None:
            cost = cost_of_inputs(shown, values, roles) + 0.25 * (attempt % len(MOODS))
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
