"""Factors that several products have beside each other multiplied once: D.*E of tr(M*(D.*E)) and of v'*(D.*E)*v."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from heapq import heappop, heappush
from itertools import count
from typing import Any

from frechet.compilation.values import Graph, Labels, Value, substituted

OPERANDS = 16  # of a product, beyond which its pairs are not looked at: there are half of the square of them
Pair = tuple[Value, Value, Labels]
"""Two arrays, and the axis of the second one that is beside each axis of the first one."""


def products_shared(graph: Graph, roots: Sequence[Value], early: Collection[Value] = ()) -> list[Value]:
    """The results with two arrays whose product entry by entry is there, or in several longer products, as one array.

    The pair that most products have comes first.

    early: what is computed beforehand stays apart, so with it products are left as they are
    """
    products = [v for v in graph.steps(roots) if v.op == "contract" and len(v.args) > 1]
    longer = [v for v in products if _is_longer(v)]
    if early or not longer:
        return list(roots)
    changed = _Shared(graph, products).joined(longer)
    return substituted(graph, roots, changed) if changed else list(roots)


class _Shared:
    """Pairs of factors, and the products that have them.

    there: the pairs whose product is a step
    having: the longer products that have a pair, as they were at first
    now: what these are by now
    often: the pairs by the number of these products when they were entered
    """

    def __init__(self, graph: Graph, products: Sequence[Value]) -> None:
        self.graph = graph
        self.there = {p for v in products if len(v.args) == 2 for p, *_ in pairs(v) if {*v.params[0][0]} == {*v.params[1]}}
        self.having: dict[Pair, dict[Value, None]] = {}
        self.now: dict[Value, Value] = {}
        self.often: list[tuple[Any, ...]] = []
        self.numbers = count()

    def joined(self, longer: Sequence[Value]) -> dict[Value, Value]:
        """Those of the longer products that have such pairs, with one operand for each."""
        for pair in dict.fromkeys(pair for v in longer for pair in self.enter(v, v)):
            self.push(pair)
        while self.often:
            size, *_, pair = heappop(self.often)
            if -size != self.count(pair):
                self.push(pair)
                continue
            self.there.add(pair)
            fresh: dict[Pair, None] = {}
            for v in [*self.having[pair]]:
                before = self.now[v]
                for other, *_ in pairs(before):
                    self.having[other].pop(v, None)
                fresh |= dict.fromkeys(self.enter(v, _joined(self.graph, before, pair)))
            for other in fresh:
                self.push(other)
        return {v: new for v, new in self.now.items() if new is not v}

    def enter(self, v: Value, current: Value) -> list[Pair]:
        """What a product is by now; the pairs that it has."""
        self.now[v] = current
        found = [pair for pair, *_ in pairs(current)] if _is_longer(current) else []
        for pair in found:
            self.having.setdefault(pair, {})[v] = None
        return found

    def count(self, pair: Pair) -> int:
        return len({self.now[v] for v in self.having[pair]}) + (pair in self.there)

    def push(self, pair: Pair) -> None:
        size = self.count(pair) if self.having[pair] else 0
        if size > 1:
            heappush(self.often, (-size, pair[1].serial, pair[0].serial, next(self.numbers), pair))


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
    return v.op == "contract" and 2 < len(v.args) <= OPERANDS
