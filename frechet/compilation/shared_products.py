"""Factors that several products have beside each other multiplied once: D.*E of tr(M*(D.*E)) and of v'*(D.*E)*v."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from frechet.compilation.values import Graph, Labels, Value, substituted

Pair = tuple[Value, Value, Labels]
"""Two arrays, and the axis of the second one that is beside each axis of the first one."""


def products_shared(graph: Graph, roots: Sequence[Value]) -> list[Value]:
    """The results with two arrays whose product entry by entry is there, or in several longer products, as one array.

    The pair that most products have comes first.
    """
    products = [v for v in graph.steps(roots) if v.op == "contract" and len(v.args) > 1]
    there = {pair for v in products if len(v.args) == 2 for pair, *_ in pairs(v) if {*v.params[0][0]} == {*v.params[1]}}
    longer = {v: v for v in products if _is_longer(v)}
    while True:
        left = [v for v in dict.fromkeys(longer.values()) if _is_longer(v)]
        times = Counter(pair for v in left for pair in {pair for pair, *_ in pairs(v)})
        often = [(count + (pair in there), -pair[1].serial, -pair[0].serial, pair) for pair, count in times.items()]
        most, *_, best = max(often, key=lambda found: found[:3], default=(0, None))
        if best is None or most < 2:
            break
        there.add(best)
        longer = {v: _joined(graph, current, best) for v, current in longer.items()}
    changed = {v: new for v, new in longer.items() if new is not v}
    return substituted(graph, roots, changed) if changed else list(roots)


def pairs(v: Value) -> Iterator[tuple[Pair, int, int]]:
    """The pairs of operands with the same labels, and which operands these are, the older one first."""
    beside: dict[frozenset[int], list[int]] = {}
    ins = v.params[0]
    for i, labels in enumerate(ins):
        if labels and len({*labels}) == len(labels):
            beside.setdefault(frozenset(labels), []).append(i)
    for group in beside.values():
        group.sort(key=lambda i: v.args[i].serial)
        for position, i in enumerate(group):
            for j in group[position + 1 :]:
                yield (v.args[i], v.args[j], tuple(ins[j].index(k) for k in ins[i])), i, j


def _joined(graph: Graph, v: Value, pair: Pair) -> Value:
    """The product with one operand for such a pair, if it has one beside others."""
    found = next(((i, j) for other, i, j in pairs(v) if other == pair), None) if _is_longer(v) else None
    if found is None:
        return v
    i, j = found
    ins, out, dims, coefficient = v.params
    joint = graph.contract((v.args[i], v.args[j]), (ins[i], ins[j]), ins[i], dims)
    rest = [k for k in range(len(ins)) if k not in found]
    return graph.contract([joint, *(v.args[k] for k in rest)], [ins[i], *(ins[k] for k in rest)], out, dims, coefficient)


def _is_longer(v: Value) -> bool:
    return v.op == "contract" and len(v.args) > 2
