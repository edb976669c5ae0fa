"""The order of products: every contraction as steps of two operands each, the cheapest for the sizes at hand.

The order comes from dynamic programming over the sets of operands (matrix-chain order, where the operands are a chain); a
product that was computed before costs nothing, so that value, gradient and Hessian share what they can. An inverse beside
something else is a solve, unless the inverse is there anyway or cheaper to form.

Source:  Godbole (1973), On efficient computation of matrix chain products; Lam, Sadayappan & Wenger (1997), On optimizing
    a class of multi-dimensional loops with reductions.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import prod

from frechet.compilation.timing import Rates
from frechet.compilation.values import Graph, Labels, Value, rebuild, walk

EXHAUSTIVE = 8  # operands; of more the cheapest pair is multiplied first, and so on
EARLY = 0.01  # weight of what is computed once for many calls
SELECTORS = ("unit", "selection")


def ordered(graph: Graph, roots: Sequence[Value], rates: Rates, early: Collection[Value] = ()) -> list[Value]:
    """The roots with contractions of at most two operands each, and solves for products with inverses.

    early: inputs that stay the same over many calls: what depends on nothing else is computed once
    """
    formed = {a for v in walk(roots) if v.op != "contract" for a in v.args if a.op == "inverse"}
    formed |= {r for r in roots if r.op == "inverse"}
    return _Ordering(graph, rates, formed, _only(roots, set(early))).run(roots)


def _only(roots: Sequence[Value], early: set[Value]) -> set[Value]:
    """The values that depend on nothing but these."""
    if not early:
        return set()
    found: set[Value] = set()
    for v in walk(roots):
        if v in early or (v.op != "input" and all(a in found for a in v.args)):
            found.add(v)
    return found


@dataclass
class Part:
    """The best way to compute the product of a set of operands: from two parts of it, or an operand as it is."""

    cost: float
    split: tuple[int, int] | None = None
    solve: bool = False  # the first part is an inverse, and only solved with
    known: tuple[Value, Labels] | None = None


class _Ordering:
    def __init__(self, graph: Graph, rates: Rates, formed: set[Value], early: set[Value]) -> None:
        self.graph = graph
        self.rates = rates
        self.formed = formed
        self.early = early
        self.computed: dict[Value, Value] = {}  # contractions of several operands -> their last step

    def run(self, roots: Sequence[Value]) -> list[Value]:
        def change(v: Value, args: tuple[Value, ...]) -> Value:
            from frechet.compilation.values import remade

            fresh = remade(self.graph, v, args)
            if v in self.early:
                self.early.add(fresh)
            if v in self.formed:
                self.formed.add(fresh)
            return self.steps(fresh) if fresh.op == "contract" else fresh

        return rebuild(self.graph, roots, change)

    def steps(self, v: Value) -> Value:
        if v in self.computed:
            return self.computed[v]
        ins, out, _, _ = v.params
        plain = all(len(set(labels)) == len(labels) and a.op != "inverse" for a, labels in zip(v.args, ins, strict=True))
        if len(set(out)) < len(out):
            last = self._spread(v)
        elif len(v.args) > 1 and not set(out) <= {k for labels in ins for k in labels}:
            last = self._repeated(v)
        elif len(v.args) < 2 or (len(v.args) == 2 and plain and not _private(ins, out) and v.params[3] == 1):
            last = v
        else:
            last = _Contraction(self, v).value()
        if last is not v:
            last.sign, last.definite = max(last.sign, v.sign), max(last.definite, v.definite)
            last.symmetric = last.symmetric or v.symmetric
        self.computed[v] = last
        return last

    def _repeated(self, v: Value) -> Value:
        """A label of the result that no operand has: what is the same along that axis is computed once."""
        ins, out, dims, c = v.params
        kept = tuple(k for k in out if any(k in labels for labels in ins))
        inner = self.graph.contract(v.args, ins, kept, dims, c)
        if inner.op == "contract":
            inner = self.steps(inner)
        return self.graph.contract((inner,), (kept,), out, dims)

    def _spread(self, v: Value) -> Value:
        """A label twice in the result: the entries are computed once, then put on the diagonal."""
        ins, out, dims, c = v.params
        if not v.args:
            return v
        once = tuple(dict.fromkeys(out))
        inner = self.graph.contract(v.args, ins, once, dims, c)
        if inner.op == "contract":
            inner = self.steps(inner)
        place = {k: i for i, k in enumerate(once)}
        shape = inner.shape
        return self.graph.make(
            "spread", (inner,), (tuple(place[k] for k in out),), tuple(shape[place[k]] for k in out), inner.real
        )


def _private(ins: Sequence[Labels], out: Labels) -> bool:
    """Has one of two operands a label that is summed and that the other does not have?"""
    a, b = set(ins[0]), set(ins[1])
    return bool((a ^ b) - set(out))


class _Contraction:
    """One contraction of several operands."""

    def __init__(self, ordering: _Ordering, v: Value) -> None:
        self.ordering, self.graph, self.rates = ordering, ordering.graph, ordering.rates
        self.ins, self.out, self.dims, self.coefficient = v.params
        self.args, self.ins = self._with_ones(v)
        self.known = v
        self.lengths = [self.rates.size(d) for d in self.dims]
        self.count = len(self.args)
        self.everything = (1 << self.count) - 1
        self.has = [set(labels) for labels in self.ins]
        self.parts: dict[int, Part] = {}
        self.kept_labels: dict[int, tuple[int, ...]] = {}

    def _with_ones(self, v: Value) -> tuple[list[Value], list[Labels]]:
        """The operands; where rows of an inverse are summed, a vector of ones beside it, so that it is solved with."""
        args, ins = list(v.args), list(v.params[0])
        for a, labels in list(zip(args, ins, strict=True)):
            for k in labels if a.op == "inverse" else ():
                if k not in self.out and sum(other.count(k) for other in ins) == 1:
                    args.append(self.graph.make("ones", (), (), (self.dims[k],)))
                    ins.append((k,))
        return args, ins

    # -- what is known of sets of operands
    def members(self, mask: int) -> list[int]:
        return [i for i in range(self.count) if mask >> i & 1]

    def kept(self, mask: int) -> tuple[int, ...]:
        """The labels of a product of these operands that something else needs."""
        found = self.kept_labels.get(mask)
        if found is None:
            inside: set[int] = set()
            outside = set(self.out)
            for i in range(self.count):
                if mask >> i & 1:
                    inside |= self.has[i]
                else:
                    outside |= self.has[i]
            found = self.kept_labels[mask] = tuple(sorted(inside & outside))
        return found

    def weight(self, mask: int) -> float:
        early = self.ordering.early
        return EARLY if early and all(self.args[i] in early for i in self.members(mask)) else 1.0

    def sub(self, mask: int) -> Value:
        """The product of these operands as one contraction, to see whether it was computed before."""
        chosen = self.members(mask)
        return self.graph.contract([self.args[i] for i in chosen], [self.ins[i] for i in chosen], self.kept(mask), self.dims)

    # -- the search
    def value(self) -> Value:
        halves = self._symmetric()
        if halves is not None:
            return halves
        for i in range(self.count):
            self.parts[1 << i] = Part(self._leaf(i))
        if self.count <= EXHAUSTIVE:
            self._exhaustive()
        else:
            self._greedy()
        last, labels = self.build(self.everything, self.out, self.coefficient)
        if labels != self.out:
            last = self.graph.contract((last,), (labels,), self.out, self.dims)
        return last

    def _leaf(self, i: int) -> float:
        a, labels = self.args[i], self.ins[i]
        cost = 0.0
        if a.op == "inverse" and a not in self.ordering.formed:
            cost += self.rates.inverse(self.lengths[labels[0]])
        if set(self.kept(1 << i)) != self.has[i]:
            cost += self.rates.reduction(labels, self.lengths)
        return cost * self.weight(1 << i)

    def _exhaustive(self) -> None:
        for mask in sorted(range(1, self.everything + 1), key=int.bit_count):
            if mask.bit_count() < 2:
                continue
            best: Part | None = None
            left = (mask - 1) & mask
            while left:
                right = mask ^ left
                if left in self.parts and right in self.parts:
                    best = self._better(best, left, right)
                left = (left - 1) & mask
            if best is None:
                continue
            if mask != self.everything and best.cost > 0:
                sub = self.sub(mask)
                known = self.ordering.computed.get(sub) if sub.op == "contract" else None
                if known is not None:
                    best = Part(0.0, known=(known, self.kept(mask)))
            self.parts[mask] = best

    def _better(self, best: Part | None, left: int, right: int) -> Part | None:
        base = self.parts[left].cost + self.parts[right].cost
        if left < right:  # each pair once; a solve has its inverse on the left, and is tried both ways
            cost = base + self._step(left, right)
            if best is None or cost < best.cost:
                best = Part(cost, (left, right))
        solve = self._solve(left, right)
        if solve is not None:
            cost = self.parts[right].cost + solve
            if best is None or cost < best.cost:
                best = Part(cost, (left, right), True)
        return best

    def _step(self, left: int, right: int) -> float:
        a, b = self.kept(left), self.kept(right)
        for mask, other in ((left, b), (right, a)):
            i = mask.bit_length() - 1
            if mask.bit_count() == 1 and self.args[i].op in SELECTORS and len(set(other) & self.has[i]) == 1:
                return 0.0
        out = self.kept(left | right)
        return self.rates.product(a, b, out, self.lengths) * self.weight(left | right)

    def _solve(self, left: int, right: int) -> float | None:
        """The cost of a solve where the left is an inverse with one label of the right, which is no more than a matrix."""
        if left.bit_count() > 1:
            return None
        i = left.bit_length() - 1
        if self.args[i].op != "inverse":
            return None
        own, other = self.ins[i], self.kept(right)
        if own[0] == own[1] or len(other) > 2:
            return None
        joint = [k for k in own if k in other]
        if len(joint) != 1 or joint[0] in self.out or self.kept(left | right) != self.kept_after(left | right, joint[0]):
            return None
        if joint[0] in self.kept(left | right):
            return None
        n = self.lengths[own[0]]
        return self.rates.solve(n, prod(self.lengths[k] for k in other) // n) * self.weight(left | right)

    def kept_after(self, mask: int, summed: int) -> tuple[int, ...]:
        """The labels that are left where only `summed` is summed."""
        inside: set[int] = set()
        for i in self.members(mask):
            inside |= set(self.ins[i])
        return tuple(k for k in self.kept(mask) if k != summed)

    def _greedy(self) -> None:
        """For many operands: the pair first whose product is the smallest beside them, those with a common label first."""
        left = [1 << i for i in range(self.count)]
        by_label: dict[int, set[int]] = {}
        while len(left) > 1:
            best: tuple[float, int, int] | None = None
            pairs = [(a, b) for i, a in enumerate(left) for b in left[i + 1 :] if set(self.kept(a)) & set(self.kept(b))]
            for a, b in pairs or [(left[0], b) for b in left[1:]]:
                cost = self._step(a, b)
                if best is None or cost < best[0]:
                    best = (cost, a, b)
            assert best is not None
            _, a, b = best
            part = self._better(None, a, b)
            turned = self._better(part, b, a)
            self.parts[a | b] = turned or Part(best[0], (a, b))
            left = [m for m in left if m not in (a, b)]
            left.append(a | b)
        del by_label

    # -- building
    def build(self, mask: int, want: Labels | None = None, coefficient: object = 1) -> tuple[Value, Labels]:
        """The value of a set of operands and the labels of its axes, in the order wanted if that costs nothing."""
        part = self.parts[mask]
        if part.known is not None:
            return part.known
        if part.split is None:
            return self._operand(mask.bit_length() - 1)
        left, right = part.split
        kept = self.kept(mask)
        if part.solve:
            result = self._solved(left, right)
        else:
            result = self._multiplied(left, right, kept, want, coefficient)
            coefficient = 1
        v, labels = result
        if coefficient != 1:
            v = self.graph.contract((v,), (labels,), labels, self.dims, coefficient)
        if mask != self.everything:
            sub = self.sub(mask)
            if sub.op == "contract":
                view = self.graph.contract((v,), (labels,), kept, self.dims)
                self.ordering.computed.setdefault(sub, view)
        if self.ordering.early and self.weight(mask) != 1:
            self.ordering.early.add(v)
        return v, labels

    def _operand(self, i: int) -> tuple[Value, Labels]:
        a, labels = self.args[i], self.ins[i]
        kept = self.kept(1 << i)
        if set(kept) == set(labels) and len(kept) == len(labels):
            return a, labels
        order = tuple(dict.fromkeys(k for k in labels if k in kept))
        return self.graph.contract((a,), (labels,), order, self.dims), order

    def _solved(self, left: int, right: int) -> tuple[Value, Labels]:
        i = left.bit_length() - 1
        inverse, own = self.args[i], self.ins[i]
        t, labels = self.build(right)
        joint = own[1] if own[1] in labels else own[0]
        other = own[0] if joint == own[1] else own[1]
        axis = labels.index(joint)
        turned = joint == own[0] and not (inverse.symmetric and inverse.real)  # the sum is over the rows of the inverse
        v = self.graph.make("solve", (inverse.args[0], t), (axis, turned), t.shape, inverse.real and t.real)
        return v, tuple(other if k == joint else k for k in labels)

    def _multiplied(
        self, left: int, right: int, kept: Labels, want: Labels | None, coefficient: object
    ) -> tuple[Value, Labels]:
        wanted = {m: self._size(m) for m in (left, right)}
        first, second = (left, right) if self._fixed(left) or not self._fixed(right) else (right, left)
        a, la = self.build(first)
        b, lb = self.build(second, tuple(k for k in la if k in self.kept(second)) or None)
        if coefficient != 1:  # where it costs least
            result = prod(self.lengths[k] for k in kept)
            small = min(wanted.values())
            if result > small:
                if wanted[first] == small:
                    a = self.graph.contract((a,), (la,), la, self.dims, coefficient)
                else:
                    b = self.graph.contract((b,), (lb,), lb, self.dims, coefficient)
                coefficient = 1
        out = self._order(la, lb, kept, want)
        return self._pair(a, la, b, lb, out, coefficient), out

    def _pair(self, a: Value, la: Labels, b: Value, lb: Labels, out: Labels, coefficient: object) -> Value:
        """Two operands as one step: not taken apart again, a multiple of the result."""
        numbers = {k: i for i, k in enumerate(dict.fromkeys((*out, *la, *lb)))}
        ins = tuple(tuple(numbers[k] for k in labels) for labels in (la, lb))
        dims = tuple(self.dims[k] for k in numbers)
        new_out = tuple(numbers[k] for k in out)
        v = self.graph.make("contract", (a, b), (ins, new_out, dims, 1), tuple(self.dims[k] for k in out))
        if a.sign and b.sign:
            v.sign = max(v.sign, min(a.sign, b.sign))
        if a is b and a.real and len(new_out) == 2 and ins == (tuple(1 - k if k < 2 else k for k in ins[1]), ins[1]):
            v.symmetric = True
        if coefficient != 1:
            v = self.graph.contract((v,), (out,), out, self.dims, coefficient)
        return v

    def _size(self, mask: int) -> int:
        return prod(self.lengths[k] for k in self.kept(mask))

    def _fixed(self, mask: int) -> bool:
        """Does the order of the axes not depend on us?"""
        return mask.bit_count() == 1

    def _order(self, la: Labels, lb: Labels, kept: Labels, want: Labels | None) -> Labels:
        """The order of the axes of a product: as wanted, else as it comes out without copies."""
        if want is not None and set(want) == set(kept):
            return want
        return tuple(dict.fromkeys(k for k in (*la, *lb) if k in kept))

    # -- symmetric products
    def _symmetric(self) -> Value | None:
        """Σ_k y_ki w_k y_kj with w ≥ 0 as Z'Z with Z = √w∘Y, which libraries compute at half of the cost (SYRK)."""
        if len(self.out) != 2 or not self.known.symmetric or not self.known.real or self.count < 3:
            return None
        i, j = self.out
        left = [m for m in range(self.count) if i in self.has[m]]
        right = [m for m in range(self.count) if j in self.has[m]]
        weights = [m for m in range(self.count) if m not in left and m not in right]
        if set(left) & set(right) or len(left) != len(right):
            return None
        mirrored = sorted((self.args[m].serial, tuple(j if k == i else k for k in self.ins[m])) for m in left)
        if mirrored != sorted((self.args[m].serial, self.ins[m]) for m in right):
            return None
        summed = {k for m in left for k in self.has[m]} - {i}
        if any(not self.has[m] <= summed or not self.args[m].sign for m in weights) or len(summed) != 1:
            return None
        graph, order = self.graph, (*sorted(summed), i)
        own = graph.contract([self.args[m] for m in left], [self.ins[m] for m in left], order, self.dims)
        if weights:
            k = sorted(summed)[0]
            w = graph.contract([self.args[m] for m in weights], [self.ins[m] for m in weights], (k,), self.dims)
            w = self.ordering.steps(w) if w.op == "contract" else w
            root = graph.map(("sqrt",), (w,), w.shape)
            own = self.ordering.steps(own) if own.op == "contract" else own
            own = graph.contract((own, root), (order, (k,)), order, self.dims)
        own = self.ordering.steps(own) if own.op == "contract" else own
        other = (order[0], j)
        last = self._pair(own, order, own, other, (i, j), self.coefficient)
        last.symmetric = True
        return last
