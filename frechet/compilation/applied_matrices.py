"""Sums of products of matrices that are only applied to vectors: (A*B*C + D*E)*x as A*(B*(C*x)) + D*(E*x).

In closed forms the vectors of a derivative are common factors, and stand beside sums of products that need not be formed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import prod

from frechet.compilation.contractions import connected, inlined
from frechet.compilation.ordering import ordered
from frechet.compilation.rewriting import is_sum
from frechet.compilation.timing import Rates
from frechet.compilation.values import Axes, Graph, Labels, Value, informed, rebuild, remade, walk

APPLICATIONS = 2000  # of matrices to vectors, beyond which the program stays as it is
DEPTH = 200  # of sums in products in sums
HEAVY = 16  # times as many multiplications as entries


def applied_to_vectors(graph: Graph, roots: Sequence[Value], rates: Rates) -> list[Value]:
    """The results with such matrices applied term by term and factor by factor, where the whole costs less then."""
    pushing = _Pushing(graph, rates, _formed(graph.steps(roots), roots))
    other = rebuild(graph, roots, pushing.change)
    if not pushing.heavy or len(pushing.known) > APPLICATIONS:
        return list(roots)
    costs = [rates.total(walk(ordered(graph, some, rates))) for some in (roots, other)]
    return other if costs[1] < costs[0] else list(roots)


def _formed(steps: Sequence[Value], roots: Sequence[Value]) -> set[Value]:
    """The matrices that something else needs than vectors that they are applied to."""
    found = set(roots)
    for v in reversed(steps):
        if v.op == "contract":
            ins, out, _, _ = v.params
            for part in connected(ins):
                applied = any(len(ins[i]) == 1 and ins[i][0] not in out for i in part)
                if not applied and (v in found or len(v.shape) != 2):
                    found.update(v.args[i] for i in part)
        elif not is_sum(v) or v in found or len(v.shape) != 2:
            found.update(v.args)
    return found


class _Pushing:
    """Vectors on their way into matrices.

    formed: matrices that are there anyway
    known: what is left of a matrix, of the axis that is summed, and of a vector
    heavy: was a product of two matrices left out that takes long?
    """

    def __init__(self, graph: Graph, rates: Rates, formed: Collection[Value]) -> None:
        self.graph, self.rates, self.formed = graph, rates, set(formed)
        self.known: dict[tuple[Value, int, Value], Value] = {}
        self.heavy = False

    def change(self, v: Value, args: tuple[Value, ...]) -> Value:
        new = remade(self.graph, v, args)
        if v in self.formed:
            self.formed.add(new)
        if new.op != "contract" or len(self.known) > APPLICATIONS:
            return new
        found = self.through(new, 0)
        return found if found is new or found.op in ("number", "size") else informed(found, new)

    def through(self, v: Value, depth: int) -> Value:
        """The product v, each vector in it applied to what stands beside it, as long as that is a sum or a product."""
        while v.op == "contract":
            pair = self._pair(v)
            if pair is None:
                break
            i, j = pair
            ins, out, dims, c = v.params
            axis = ins[i].index(ins[j][0])
            y = self.applied(v.args[i], axis, v.args[j], depth)
            rest = [k for k in range(len(v.args)) if k not in pair]
            operands = [y, *(v.args[k] for k in rest)]
            v = self.graph.contract(operands, [(ins[i][1 - axis],), *(ins[k] for k in rest)], out, dims, c)
        return v

    def _pair(self, v: Value) -> tuple[int, int] | None:
        """A sum or product of matrices among the operands, and a vector that nothing else is multiplied with."""
        ins, out, _, _ = v.params
        for j, labels in enumerate(ins):
            if len(labels) != 1 or labels[0] in out:
                continue
            beside = [i for i, other in enumerate(ins) if i != j and labels[0] in other]
            if len(beside) == 1:
                (i,) = beside
                if len(ins[i]) == len({*ins[i]}) == 2 and self._is_made(v.args[i]):
                    return i, j
        return None

    def applied(self, m: Value, axis: int, x: Value, depth: int) -> Value:
        """The sum over this axis of m, its entries multiplied by those of x."""
        key = (m, axis, x)
        if key not in self.known:
            self.known[key] = self._applied(m, axis, x, depth)
        return self.known[key]

    def _applied(self, m: Value, axis: int, x: Value, depth: int) -> Value:
        if depth > DEPTH or len(self.known) > APPLICATIONS or not self._is_made(m):
            return self._product(m, (0, 1), axis, x, m.shape)
        if is_sum(m):
            (_, *coefficients), ins = m.params
            terms = []
            for c, a, labels in zip(coefficients, m.args, ins, strict=True):
                if sorted(labels) == [0, 1]:
                    terms.append((c, self.applied(a, labels.index(axis), x, depth + 1)))
                else:  # the same along an axis
                    terms.append((c, self._product(a, labels, axis, x, m.shape)))
            return self.graph.linear(terms, (m.shape[1 - axis],))
        whole = self._product(m, (0, 1), axis, x, m.shape)
        if whole.op != "contract" or m not in whole.args:  # in a simpler form
            return whole
        self.heavy = self.heavy or self._is_heavy(m)
        return self.through(inlined(self.graph, whole, {m}), depth + 1)

    def _product(self, a: Value, labels: Labels, axis: int, x: Value, shape: Axes) -> Value:
        return self.graph.contract((a, x), (labels, (axis,)), (1 - axis,), shape)

    def _is_heavy(self, m: Value) -> bool:
        sizes = [self.rates.size(d) for d in m.params[2]]
        return prod(sorted(sizes)[-3:]) > HEAVY * self.rates.entries(m.shape)

    def _is_made(self, m: Value) -> bool:
        """Is it a sum of matrices, or a product of some, each axis of which one operand has, that nothing else needs?"""
        if len(m.shape) != 2 or m in self.formed:
            return False
        if m.op != "contract":
            return is_sum(m)
        ins, out, _, _ = m.params
        matrices = sum(len(labels) == 2 for labels in ins)
        return matrices > 1 and len(set(out)) == 2 and all(sum(k in labels for labels in ins) == 1 for k in out)
