"""The order of products: every contraction as steps of two operands each, the cheapest for the sizes at hand.

Values are visited from the leaves up, of one height those of fewer operands first and of more axes, so that a product that
is needed as it stands is there when a longer one can use it, or its sums along an axis; its transpose serves as well. An
inverse beside something else is a solve, unless the inverse is there anyway or cheaper to form.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any

from frechet.compilation.contraction_order import EARLY, ContractionOrder
from frechet.compilation.contractions import part
from frechet.compilation.timing import Rates
from frechet.compilation.values import Graph, Labels, Value, informed, remade, walk


def ordered(graph: Graph, roots: Sequence[Value], rates: Rates, early: Collection[Value] = ()) -> list[Value]:
    """The roots with contractions of at most two operands each, and solves for products with inverses.

    early: inputs that stay the same over many calls: what depends on nothing else is computed once
    """
    formed = inverses_formed(graph.steps(roots), roots)
    first = Ordering(graph, rates, formed, early)
    found = first.run(roots)
    more = {v for v in graph.steps(found) if v.op == "inverse"} - formed
    if more:
        first = Ordering(graph, rates, formed | more, early)
        found = first.run(roots)
    formed |= more
    common = {part: len(wholes) for part, wholes in first.possible.items() if len(wholes) > 1}
    if common:  # again, with a part that several contractions may use at its share of the cost
        found = min(found, Ordering(graph, rates, formed, early, common).run(roots), key=partial(_cost, rates))
    often = _solved_often(graph, found)
    if often:  # again, with inverses of matrices that are solved with for several matrices
        found = min(found, Ordering(graph, rates, formed | often, early, common).run(roots), key=partial(_cost, rates))
    return found


def _solved_often(graph: Graph, roots: Sequence[Value]) -> set[Value]:
    """The inverses of the matrices with which more than one other matrix is solved."""
    times = Counter(v.args[0] for v in graph.steps(roots) if v.op == "solve" and len(v.shape) == 2)
    made = {a: graph.make("inverse", (a,), (), a.shape, a.real) for a, count in times.items() if count > 1}
    return set(made.values())


def _cost(rates: Rates, roots: Sequence[Value]) -> float:
    return rates.total(walk(roots))


def cost_of(
    graph: Graph, root: Value, rates: Rates, formed: Collection[Value], early: Collection[Value], there: Collection[Value]
) -> float:
    """The time to compute the root from the values that are there; found once, however often a product is tried."""
    key = (rates, root, frozenset(formed), frozenset(early), frozenset(there))
    found = graph.costs.get(key)
    if found is None:
        (last,) = Ordering(graph, rates, formed, early, there=there).run([root])
        once = only([last], early) if early else set()
        found = graph.costs[key] = sum(rates.of(v) * (EARLY if v in once else 1) for v in walk([last], there))
    return found


def inverses_formed(steps: Sequence[Value], roots: Sequence[Value]) -> set[Value]:
    """The inverses that something else than a product needs, among the steps to these results."""
    formed = {a for v in steps if v.op != "contract" for a in v.args if a.op == "inverse"}
    formed |= {a for v in steps if v.op == "contract" for a in v.args if a.op == "inverse" and _alone(v, a)}
    return formed | {r for r in roots if r.op == "inverse"}


def _alone(v: Value, inverse: Value) -> bool:
    """Does nothing stand beside the inverse that it could be solved with: in tr(inv(A)), or s*inv(A)?"""
    ins = v.params[0]
    own = {k for a, labels in zip(v.args, ins, strict=True) if a is inverse for k in labels}
    return not any(own & set(labels) for a, labels in zip(v.args, ins, strict=True) if a is not inverse)


class Ordering:
    """One run over a program.

    formed: the inverses that are computed as such
    early: the values that are computed once for many calls
    common: parts of contractions, with how many contractions have them
    there: values that are not computed
    computed: the last step of each contraction that was met, also of parts of longer ones
    met: the operands of these
    possible: the contractions that have a part
    pairs: the products of two operands
    """

    def __init__(
        self,
        graph: Graph,
        rates: Rates,
        formed: Collection[Value],
        early: Collection[Value],
        common: Mapping[Value, int] | None = None,
        there: Collection[Value] = (),
    ) -> None:
        self.graph = graph
        self.rates = rates
        self.formed = set(formed)
        self.early = set(early)
        self.common = common or {}
        self.there = there
        self.computed: dict[Value, Value] = {}
        self.met: set[tuple[int, ...]] = set()
        self.possible: dict[Value, set[Value]] = {}
        self.pairs: dict[tuple[Any, ...], Value] = {}

    def run(self, roots: Sequence[Value]) -> list[Value]:
        height: dict[Value, int] = {}
        for v in walk(roots, self.there):
            height[v] = 1 + max((height.get(a, 0) for a in v.args), default=0)
        new: dict[Value, Value] = {v: v for v in self.there}
        for v in sorted(height, key=lambda v: (height[v], len(v.args), -len(v.shape))):
            fresh = remade(self.graph, v, [new[a] for a in v.args])
            if v in self.formed:
                self.formed.add(fresh)
            if self.early and v.op != "input" and all(new[a] in self.early for a in v.args):
                self.early.add(fresh)
            new[v] = self.steps(fresh) if fresh.op == "contract" else fresh
            if fresh in self.early:
                self.early.add(new[v])
        return [new[r] for r in roots]

    def key(self, v: Value) -> Value:
        """One contraction for itself and its transpose."""
        if len(v.shape) != 2:
            return v
        turned = self._turned(v)
        return v if v.serial <= turned.serial else turned

    def _turned(self, v: Value) -> Value:
        found = self.graph.turned.get(v)
        if found is None:
            ins, out, dims, c = v.params
            turned = part(self.graph, v.args, ins, out[::-1], dims) if c == 1 else self.graph.transpose(v, (1, 0))
            found = self.graph.turned[v] = turned
        return found

    def lookup(self, v: Value) -> Value | None:
        """The value of a contraction, if it or its transpose was computed before."""
        found = self.computed.get(v)
        if found is None and len(v.shape) == 2 and v.op == "contract" and _operands(v) in self.met:
            turned = self.computed.get(self._turned(v))
            # a view of what is there, and not the product in the other order
            found = None if turned is None else self.graph.contract((turned,), ((0, 1),), (1, 0), turned.shape)
        return found

    def met_first(self, v: Value) -> Value:
        """Of a product of two operands and that of the same two in the other order the one that came first."""
        (a, b), ((la, lb), out, _, c) = v.args, v.params
        if b.serial < a.serial or (a is b and _among(out, lb) < _among(out, la)):
            a, la, b, lb = b, lb, a, la
            numbers = {k: i for i, k in enumerate(dict.fromkeys((*out, *la, *lb)))}
            la, lb = tuple([numbers[k] for k in la]), tuple([numbers[k] for k in lb])
        return self.pairs.setdefault((a, b, la, lb, out, c), v)

    def steps(self, v: Value) -> Value:
        """A contraction as steps."""
        found = self.lookup(v)
        if found is not None:
            return found
        ins, out, dims, c = v.params
        present = {k for labels in ins for k in labels}
        if len(set(out)) < len(out):
            last = self._spread(v)
        elif len(v.args) > 1 and not set(out) <= present:  # the same along an axis: computed once
            kept = tuple(k for k in out if k in present)
            inner = self._of(self.graph.contract(v.args, ins, kept, dims, c))
            last = self.graph.contract((inner,), (kept,), out, dims)
        elif len(v.args) < 2:
            last = v
        elif self._plain(v):
            last = self.met_first(v)
        else:
            last = self._summed(v) or ContractionOrder(self, v).value()
        if last.op == v.op or last.op in ("solve", "spread"):
            informed(last, v)
        self.enter(v, last)
        return last

    def enter(self, v: Value, last: Value) -> None:
        """A contraction was met, and this is its last step."""
        self.computed[v] = last
        self.met.add(_operands(v))

    def _summed(self, v: Value) -> Value | None:
        """The sums along axes of a product that was computed before."""
        ins, out, dims, c = v.params
        times = Counter(k for labels in ins for k in labels)
        alone = [k for k, count in times.items() if count == 1 and k not in out]
        if not alone:
            return None
        whole = part(self.graph, v.args, ins, (*out, *alone), dims)
        found = self.lookup(whole) if whole.op == "contract" else None
        own = tuple(range(len(whole.shape)))
        return None if found is None else self.graph.contract((found,), (own,), own[: len(out)], whole.shape, c)

    def _of(self, v: Value) -> Value:
        return self.steps(v) if v.op == "contract" else v

    def _plain(self, v: Value) -> bool:
        """Is it one step as it stands?"""
        ins, out, _, c = v.params
        if len(v.args) > 2 or c != 1 or any(a.op == "inverse" for a in v.args) or not all(ins):
            return False
        a, b = set(ins[0]), set(ins[1])
        return len(a) == len(ins[0]) and len(b) == len(ins[1]) and (a ^ b) <= set(out)

    def _spread(self, v: Value) -> Value:
        """A label twice in the result: the entries are computed once, then put on the diagonal."""
        ins, out, dims, c = v.params
        if not v.args:
            return v
        kept = tuple(k for k in dict.fromkeys(out) if any(k in labels for labels in ins))
        inner = self._of(self.graph.contract(v.args, ins, kept, dims, c))
        return self.graph.make("spread", (inner,), (kept, out), tuple(dims[k] for k in out), inner.real)


def _operands(v: Value) -> tuple[int, ...]:
    """The operands of a contraction, which its transpose has too."""
    return tuple(sorted([a.serial for a in v.args]))


def _among(out: Labels, labels: Labels) -> Labels:
    """The places of labels in a result, those that are summed after all."""
    return tuple([out.index(k) if k in out else len(out) for k in labels])


def only(roots: Sequence[Value], early: Collection[Value]) -> set[Value]:
    """The values that depend on no inputs but these."""
    found: set[Value] = set()
    for v in walk(roots):
        if v in early or (v.op != "input" and all(a in found for a in v.args)):
            found.add(v)
    return found
