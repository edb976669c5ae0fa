"""Views and sums in one another: transposes go to the terms of a sum, reshapes and diagonals come out of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import accumulate
from typing import Any

from frechet.compilation.contractions import groups
from frechet.compilation.rewriting import is_sum
from frechet.compilation.values import Axes, Graph, Labels, Value, informed, rebuild, remade, uses


def views_inward(graph: Graph, roots: Sequence[Value]) -> list[Value]:
    """A transposed sum as the sum of transposed terms; one of reshaped terms, or diagonals, as one reshaped, or diagonal."""
    count = uses(graph.steps(roots), roots)
    single: set[Value] = set()

    def change(v: Value, args: tuple[Value, ...]) -> Value:
        new = remade(graph, v, args)
        if new.op == "contract" and len(new.args) == 1 and is_sum(new.args[0]) and new.args[0] in single:
            new = _transposed_sum(graph, new) or new
        elif is_sum(new):
            new = sums_joined(graph, new, single)
        new = _reshaped_sum(graph, _diagonals_joined(graph, new))
        if count[v] == 1:
            single.add(new)
        return new

    return rebuild(graph, roots, change)


def sums_joined(graph: Graph, v: Value, single: Collection[Value]) -> Value:
    """A sum with the terms of sums among its terms, which are among `single`, as its own."""
    (_, *coefficients), ins = v.params
    if not any(is_sum(a) and a in single for a in v.args):
        return v
    terms: list[tuple[Any, Value]] = []
    own = tuple(range(len(v.shape)))
    for c, a, labels in zip(coefficients, v.args, ins, strict=True):
        if is_sum(a) and a in single:
            (_, *inner), inner_ins = a.params
            placed = [tuple(labels[k] for k in some) for some in inner_ins]
            found = [(c * k, b, some) for k, b, some in zip(inner, a.args, placed, strict=True)]
        else:
            found = [(c, a, labels)]
        terms += [(k, graph.contract((b,), (some,), own, v.shape)) for k, b, some in found]
    return graph.linear(terms, v.shape)


def _transposed_sum(graph: Graph, v: Value) -> Value | None:
    (labels,), out, _, c = v.params
    if sorted(labels) != sorted(out) or len(set(out)) < len(out):
        return None
    inner = v.args[0]
    (_, *coefficients), ins = inner.params
    place = {k: i for i, k in enumerate(out)}
    turned = [tuple(place[labels[k]] for k in term) for term in ins]
    return graph.map(("linear", *(c * k for k in coefficients)), inner.args, v.shape, turned)


def _diagonals_joined(graph: Graph, v: Value) -> Value:
    """diag(a) + diag(b) as diag(a + b): terms of a sum that are 0 but where the same indices are equal as one."""
    if not is_sum(v):
        return v
    (_, *coefficients), ins = v.params
    alike: dict[Labels, list[int]] = {}
    for i, (a, labels) in enumerate(zip(v.args, ins, strict=True)):
        if a.op == "contract" and len({*a.params[1]}) < len(labels) == len(v.shape):
            along = [a.params[1][labels.index(k)] for k in range(len(labels))]
            number = {k: n for n, k in enumerate(dict.fromkeys(along))}
            alike.setdefault(tuple([number[k] for k in along]), []).append(i)
    if all(len(group) == 1 for group in alike.values()):
        return v
    own = tuple(range(len(v.shape)))
    found = []
    for out, group in alike.items():
        shape = tuple([v.shape[out.index(n)] for n in range(max(out) + 1)])
        entries = []
        for i in group:
            a_ins, a_out, dims, c = v.args[i].params
            kept = tuple([a_out[ins[i].index(out.index(n))] for n in range(len(shape))])
            entries.append((coefficients[i], graph.contract(v.args[i].args, a_ins, kept, dims, c)))
        found.append((1, graph.contract((graph.linear(entries, shape),), (tuple(range(len(shape))),), out, shape)))
    joined = {i for group in alike.values() for i in group}
    rest = [i for i in range(len(v.args)) if i not in joined]
    found += [(coefficients[i], graph.contract((v.args[i],), (ins[i],), own, v.shape)) for i in rest]
    return informed(graph.linear(found, v.shape), v)


def _reshaped_sum(graph: Graph, v: Value) -> Value:
    """A sum with terms whose axes stand for several of what they are made of, these as one sum over these, reshaped.

    With them go those that fall apart likewise: identities, and what repeats its entries along such an axis.
    """
    if not is_sum(v):
        return v
    (_, *coefficients), ins = v.params
    parts: dict[int, Axes] = {}
    for a, labels in zip(v.args, ins, strict=True):
        merged = dict(zip(labels, _merged(a), strict=True))
        if all(parts.get(k, shape) == shape for k, shape in merged.items() if len(shape) > 1):
            parts |= {k: shape for k, shape in merged.items() if len(shape) > 1}
    if not parts:
        return v
    axes = [parts.get(k, (d,)) for k, d in enumerate(v.shape)]
    shape = tuple([d for some in axes for d in some])
    first = list(accumulate(map(len, axes), initial=0))
    own, inner = tuple(range(len(v.shape))), tuple(range(len(shape)))
    taken, rest = [], []
    for c, a, labels in zip(coefficients, v.args, ins, strict=True):
        wanted = [axes[k] for k in labels]
        apart = _repeated_apart(graph, a, wanted) if a.op == "contract" else a if _merged(a) == wanted else None
        if apart is None:
            rest.append((c, graph.contract((a,), (labels,), own, v.shape)))
        else:
            spread = tuple([i for k in labels for i in range(first[k], first[k + 1])])
            a = apart.args[0] if apart.op == "reshape" else apart
            taken.append((c, graph.contract((a,), (spread,), inner, shape)))
    if len(taken) < 2:
        return v
    found = _diagonals_joined(graph, graph.linear(taken, shape))
    return informed(graph.linear([(1, graph.reshape(found, v.shape)), *rest], v.shape), v)


def _merged(v: Value) -> list[Axes]:
    """The axes that each axis of a value stands for: itself, or several of what was reshaped."""
    found = groups(v.args[0].shape, v.shape) if v.op == "reshape" else None
    return [tuple([v.args[0].shape[k] for k in some]) for some in found] if found else [(d,) for d in v.shape]


def _repeated_apart(graph: Graph, v: Value, axes: Sequence[Axes]) -> Value | None:
    """A contraction of which the axes that are products of dimensions repeat its entries, with an axis for each of these."""
    ins, out, dims, coefficient = v.params
    parts: dict[int, Axes] = {}
    if any(parts.setdefault(k, shape) != shape for k, shape in zip(out, axes, strict=True)):
        return None
    if any(len(parts.get(k, ())) > 1 for labels in ins for k in labels):
        return None
    sizes = list(dims)
    place: dict[int, Labels] = {k: (k,) for k in parts}
    for k, shape in parts.items():
        if len(shape) > 1:
            place[k] = tuple(range(len(sizes), len(sizes) + len(shape)))
            sizes += shape
    return graph.contract(v.args, ins, tuple([i for k in out for i in place[k]]), sizes, coefficient)
