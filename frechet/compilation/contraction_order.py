"""The cheapest order of one contraction, by dynamic programming over connected sets of its operands.

Of a chain of matrices that is the matrix-chain order. What was computed before costs nothing. Numbers and scalars are
multiplied where the array is smallest. A symmetric product Y'diag(w)Y with w ≥ 0 is Z'Z with Z = √w∘Y, at half of the cost
(SYRK).

Source:  Godbole (1973), On efficient computation of matrix chain products; Lam, Sadayappan & Wenger (1997), On optimizing
    a class of multi-dimensional loops with reductions.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count, islice
from math import prod
from typing import TYPE_CHECKING, Any

from frechet.compilation.contractions import connected, mirror, part
from frechet.compilation.operand_sets import OperandSets, bits_of
from frechet.compilation.values import Labels, Value

if TYPE_CHECKING:
    from frechet.compilation.ordering import Ordering

EXHAUSTIVE = 8  # operands; of more the cheapest pair is multiplied first, and so on
EARLY = 0.05  # weight of what is computed once for many calls
SELECTORS = ("unit", "selection")
HALF = 0.6  # of the cost of a product, where it is symmetric


Kind = tuple[int, float, int]
"""The labels of a product, what weighs its time, and the labels of columns of the identity that choose among others."""
Building = Generator[tuple[int, Labels | None], tuple[Value, Labels], tuple[Value, Labels]]
"""A value and the labels of its axes, made from those of parts that it asks for."""


@dataclass
class Part:
    """The best way to the product of a set of operands: from two parts of it, known, or an operand as it is."""

    cost: float
    split: tuple[int, int] | None = None
    solve: bool = False  # the first part is an inverse, and only solved with
    known: Value | None = None


class ContractionOrder:
    """One contraction of several operands; sets of operands are bit masks."""

    def __init__(self, ordering: Ordering, v: Value) -> None:
        self.ordering, self.graph, self.rates = ordering, ordering.graph, ordering.rates
        self.whole = v
        ins, self.out, self.dims, self.coefficient = v.params
        self.scalars = [a for a, labels in zip(v.args, ins, strict=True) if not labels]
        self.args = [a for a, labels in zip(v.args, ins, strict=True) if labels]
        self.ins: list[Labels] = [labels for labels in ins if labels]
        self._beside_inverses()
        self.lengths = [self.rates.size(d) for d in self.dims]
        self.count = len(self.args)
        self.everything = (1 << self.count) - 1
        self.has = [set(labels) for labels in self.ins]
        self.parts: dict[int, Part] = {}
        self.sets = self._sets()
        self.left, self.kept = self.sets.left, self.sets.kept
        self.inverses = sum(1 << i for i, a in enumerate(self.args) if a.op == "inverse")
        self.selectors = sum(1 << i for i, a in enumerate(self.args) if a.op in SELECTORS)
        self.twice = len(set(self.args)) < self.count  # is an operand there more than once?
        self.scaled_at = -1

    def _beside_inverses(self) -> None:
        """Where the rows of an inverse are summed, a vector of ones beside it, so that it is solved with."""
        for a, labels in list(zip(self.args, self.ins, strict=True)):
            for k in labels if a.op == "inverse" else ():
                if k not in self.out and sum(other.count(k) for other in self.ins) == 1:
                    self.args.append(self.graph.make("ones", (), (), (self.dims[k],)))
                    self.ins.append((k,))

    # -- what is known of sets of operands
    def _sets(self) -> OperandSets:
        """What is known of sets of operands with these labels."""
        key = (*self.ins, self.out, tuple(self.lengths))
        found = self.rates.sets.get(key)
        if found is None:
            found = self.rates.sets[key] = OperandSets(self.ins, self.out, self.lengths, self.rates)
        return found

    def weight(self, mask: int) -> float:
        early = self.ordering.early
        return EARLY if early and all(self.args[i] in early for i in bits_of(mask)) else 1.0

    def sub(self, mask: int) -> Value:
        """The product of these operands as one contraction."""
        found = self.graph.parts.get((self.whole, mask))
        if found is None:
            args, ins = zip(*((self.args[i], self.ins[i]) for i in bits_of(mask)), strict=True)
            found = self.graph.parts[self.whole, mask] = part(self.graph, args, ins, self.kept(mask), self.dims)
        return found

    # -- the search
    def value(self) -> Value:
        graph = self.graph
        scale: Value | None = None
        if self.scalars:
            scale = self.scalars[0]
            for s in self.scalars[1:]:
                scale = self._pair(scale, (), s, (), ())
            if self.coefficient != 1:
                scale = graph.contract((scale,), ((),), (), (), self.coefficient)
        elif self.coefficient != 1:
            scale = graph.number(self.coefficient)
        if not self.args:
            assert scale is not None
            return scale
        for i in range(self.count):
            self.parts[1 << i] = Part(self._leaf(i))
        components = [sum(1 << i for i in group) for group in connected(self.ins)]
        for mask in components:
            self._search(mask)
        if len(components) == 1:
            halves = self._symmetric()
            if halves is not None:
                v, labels = halves
                return v if scale is None else self._scaled(v, labels, scale)
        self._join(components)
        self.scale = scale
        self.scaled_at = self._cheapest() if scale is not None else -1
        v, labels = self.build(self.everything, self.out)
        return v if labels == self.out else graph.contract((v,), (labels,), self.out, self.dims)

    def _leaf(self, i: int) -> float:
        a, labels = self.args[i], self.ins[i]
        cost = 0.0
        if a.op == "inverse" and a not in self.ordering.formed:
            cost += self.rates.inverse(self.lengths[labels[0]])
        if self.left(1 << i) != self.sets.bits[i]:
            cost += self.rates.reduction(labels, self.lengths)
        return cost * self.weight(1 << i)

    def _search(self, whole: int) -> None:
        if whole.bit_count() > EXHAUSTIVE:
            self._greedy(whole)
            return
        parts = self.parts
        for mask in self.sets.connected(whole):
            best: Part | None = None
            lowest = mask & -mask
            rest = mask ^ lowest
            left = rest
            while left:  # each pair of parts once: the first has the lowest operand
                left = (left - 1) & rest
                if left | lowest in parts and rest ^ left in parts:
                    best = self._better(best, left | lowest, rest ^ left)
            assert best is not None
            parts[mask] = self._or_known(mask, best)

    def _or_known(self, mask: int, best: Part) -> Part:
        if mask != self.everything or self.scalars or self.coefficient != 1:
            sub = self.sub(mask)
            known = self.ordering.lookup(sub) if sub.op == "contract" else None
            if known is not None:
                return Part(0.0, known=known)
            key = self.ordering.key(sub)
            self.ordering.possible.setdefault(key, set()).add(self.whole)
            best.cost /= self.ordering.common.get(key, 1)
        return best

    def _better(self, best: Part | None, a: int, b: int) -> Part:
        """The best way so far, or from these two parts, which have a label together."""
        first, second = self.parts[a].cost, self.parts[b].cost
        alike = self.twice and 1 < a.bit_count() == b.bit_count()
        inverses = (a | b) & self.inverses
        if best is not None and not inverses and (first if alike else first + second) >= best.cost:
            return best
        cost = first + self._step(a, b)
        if not (alike and self._same_product(a, b)):
            cost += second
        if best is None or cost < best.cost:
            best = Part(cost, (a, b))
        for left, right in ((a, b), (b, a)) if inverses else ():
            solve = self._solve(left, right)
            if solve is not None and self.parts[right].cost + solve < best.cost:
                best = Part(self.parts[right].cost + solve, (left, right), True)
        return best

    def _same_product(self, a: int, b: int) -> bool:
        """Are two parts of as many operands the same product, or its transpose, so that it is computed once?"""
        if sorted(self.args[i].serial for i in bits_of(a)) != sorted(self.args[i].serial for i in bits_of(b)):
            return False
        return self.ordering.key(self.sub(a)) is self.ordering.key(self.sub(b))

    def _step(self, left: int, right: int) -> float:
        for mask, beside in ((left, right), (right, left)) if (left | right) & self.selectors else ():
            other = self.left(beside)
            if mask & self.selectors and mask.bit_count() == 1 and (other & self.sets.inside(mask)).bit_count() == 1:
                return 0.0
        return self.sets.joined(left, right) * self.weight(left | right)

    def _solve(self, left: int, right: int) -> float | None:
        """The cost of a solve, where the left is an inverse and has one label with the right, at most a matrix."""
        i = left.bit_length() - 1
        if left.bit_count() > 1 or not left & self.inverses:
            return None
        own, other = self.ins[i], self.kept(right)
        joint = [k for k in own if k in other]
        if len(set(own)) < 2 or len(other) > 2 or len(joint) != 1:
            return None
        if set(self.kept(left | right)) != set(own) ^ set(other) or set(self.kept(left)) != set(own):
            return None
        n = self.lengths[own[0]]
        count = prod(self.lengths[k] for k in other) // n
        return self.rates.solve(n, count) * self.weight(left | right)

    def _greedy(self, whole: int) -> None:
        """Of many operands the cheapest pair is multiplied first, and so on; of pairs that cost the same the oldest.

        Products with the same labels cost the same beside others: of each two kinds only the oldest products are compared.
        """
        having: dict[int, int] = {}
        for i, bits in enumerate(self.sets.bits):
            for k in bits_of(bits):
                having[k] = having.get(k, 0) | 1 << i
        kinds: dict[Kind, dict[int, int]] = {}  # the products that there are, and when they came
        at: dict[int, dict[Kind, None]] = {}  # of each label the kinds that have it
        waiting: set[frozenset[Kind]] = set()  # the pairs of kinds that are among `pairs`
        pairs: list[tuple[float, tuple[int, int, int], int, int, frozenset[Kind]]] = []
        numbers = count()

        def compare(both: frozenset[Kind]) -> None:
            """Enters the oldest pair of two products of these kinds."""
            ages = {m: age for kind in both for m, age in islice(kinds.get(kind, {}).items(), 3 - len(both))}
            if both in waiting or len(ages) < 2:
                return
            waiting.add(both)
            a, b = sorted(ages, key=ages.__getitem__)
            self.sets.put_together(a, b, having)
            first = next(i for i, k in enumerate(self.kept(b)) if self.left(a) >> k & 1)
            heappush(pairs, (self._step(a, b), (ages[b], first, ages[a]), a, b, both))

        def kind_of(mask: int) -> Kind:
            selects = mask & self.selectors and mask.bit_count() == 1
            return self.left(mask), self.weight(mask), self.sets.inside(mask) if selects else 0

        def enter(mask: int) -> None:
            kind = kind_of(mask)
            kinds.setdefault(kind, {})[mask] = next(numbers)
            for k in bits_of(kind[0]):
                at.setdefault(k, {})[kind] = None
            for other in dict.fromkeys(other for k in bits_of(kind[0]) for other in at[k]):
                compare(frozenset((kind, other)))

        def leave(mask: int) -> None:
            kind = kind_of(mask)
            del kinds[kind][mask]
            if not kinds[kind]:
                del kinds[kind]
                for k in bits_of(kind[0]):
                    del at[k][kind]

        there = {1 << i for i in bits_of(whole)}
        for mask in sorted(there):
            enter(mask)
        while len(there) > 1:
            _, _, a, b, both = heappop(pairs)
            waiting.discard(both)
            if {a, b} <= there:
                self.parts[a | b] = self._better(None, a, b)
                for mask in (a, b):
                    leave(mask)
                there -= {a, b}
                there.add(a | b)
                enter(a | b)
            compare(both)

    def _join(self, components: Sequence[int]) -> None:
        """Outer products of the components, smaller ones first."""
        ordered = sorted(components, key=self.sets.entries)
        mask = ordered[0]
        for other in ordered[1:]:
            self.parts[mask | other] = Part(0.0, (mask, other))
            mask |= other

    def _cheapest(self) -> int:
        """Where the scalar is multiplied: at the smallest array; at one that is ours, and late, rather than an operand."""
        best, where = float("inf"), self.everything
        stack = [self.everything]
        while stack:
            mask = stack.pop()
            part = self.parts[mask]
            ours = part.split is not None and part.known is None
            cost = self.sets.entries(mask) * (1 if ours else 2)
            if cost < best and not (not ours and self.args[mask.bit_length() - 1].op in ("inverse", *SELECTORS)):
                best, where = cost, mask
            if ours and part.split is not None:
                stack.extend(part.split if not part.solve else part.split[1:])
        return where

    # -- building
    def build(self, mask: int, want: Labels | None = None) -> tuple[Value, Labels]:
        """The value of a set of operands and the labels of its axes, in the order wanted if that costs nothing."""
        stack = [self._building(mask, want)]  # splits may be deeper than Python's stack
        found: Any = None
        while stack:
            try:
                below = stack[-1].send(found)
            except StopIteration as done:
                found = done.value
                stack.pop()
            else:
                stack.append(self._building(*below))
                found = None
        return found  # type: ignore[no-any-return]

    def _building(self, mask: int, want: Labels | None = None) -> Building:
        part = self.parts[mask]
        known = part.known or self._built(mask)
        if known is not None:
            v, labels = known, self.kept(mask)
        elif part.split is None:
            v, labels = self._operand(mask.bit_length() - 1)
        elif part.solve:
            v, labels = yield from self._solved(*part.split)
        else:
            v, labels = yield from self._multiplied(*part.split, self.kept(mask), want)
        if self.ordering.early and self.weight(mask) != 1:
            self.ordering.early.add(v)
        if mask == self.scaled_at:
            assert self.scale is not None
            return self._scaled(v, labels, self.scale), labels
        inside = self.scaled_at >= 0 and self.scaled_at & mask == self.scaled_at
        if part.split is not None and known is None and not inside and (mask != self.everything or self.scaled_at >= 0):
            sub = self.sub(mask)
            if sub.op == "contract":
                view = self.graph.contract((v,), (labels,), self.kept(mask), self.dims)
                if sub not in self.ordering.computed:
                    self.ordering.enter(sub, view)
        return v, labels

    def _built(self, mask: int) -> Value | None:
        """The same product, or its transpose, of other operands of this contraction."""
        if self.parts[mask].split is None or mask == self.everything or self.scaled_at & mask == self.scaled_at:
            return None
        sub = self.sub(mask)
        return self.ordering.lookup(sub) if sub.op == "contract" else None

    def _scaled(self, v: Value, labels: Labels, scale: Value) -> Value:
        if scale.op == "number":
            return self.graph.contract((v,), (labels,), labels, self.dims, scale.params[0])
        return self._pair(v, labels, scale, (), labels)

    def _operand(self, i: int) -> tuple[Value, Labels]:
        a, labels = self.args[i], self.ins[i]
        kept = self.kept(1 << i)
        if set(kept) == set(labels) and len(kept) == len(labels):
            return a, labels
        order = tuple(dict.fromkeys(k for k in labels if k in kept))
        return self.graph.contract((a,), (labels,), order, self.dims), order

    def _solved(self, left: int, right: int) -> Building:
        i = left.bit_length() - 1
        inverse, own = self.args[i], self.ins[i]
        t, labels = yield right, None
        joint = own[1] if own[1] in labels else own[0]
        other = own[0] if joint == own[1] else own[1]
        turned = joint == own[0] and not (inverse.symmetric and inverse.real)  # the sum is over the rows of the inverse
        params = (labels.index(joint), turned)
        v = self.graph.make("solve", (inverse.args[0], t), params, t.shape, inverse.real and t.real)
        return v, tuple(other if k == joint else k for k in labels)

    def _multiplied(self, left: int, right: int, kept: Labels, want: Labels | None) -> Building:
        first, second = (left, right) if left.bit_count() == 1 or right.bit_count() > 1 else (right, left)
        a, la = yield first, None
        b, lb = yield second, tuple(k for k in la if k in self.kept(second)) or None
        if want is not None and set(want) == set(kept):
            out = want
        else:
            out = tuple(dict.fromkeys(k for k in (*la, *lb) if k in kept))
        return self._pair(a, la, b, lb, out), out

    def _pair(self, a: Value, la: Labels, b: Value, lb: Labels, out: Labels) -> Value:
        """Two operands as one step, as it stands: its labels are not taken apart again."""
        if not out and a.serial > b.serial:  # the inner product of the same two is one
            a, la, b, lb = b, lb, a, la
        numbers = {k: i for i, k in enumerate(dict.fromkeys((*out, *la, *lb)))}
        ins = tuple(tuple(numbers[k] for k in labels) for labels in (la, lb))
        dims = tuple(self.dims[k] for k in numbers)
        new_out = tuple(numbers[k] for k in out)
        v = self.graph.make("contract", (a, b), (ins, new_out, dims, 1), tuple(self.dims[k] for k in out))
        if a.sign and b.sign:
            v.sign = max(v.sign, min(a.sign, b.sign))
        if a is b and a.real and len(new_out) == 2 and ins == (tuple(1 - k if k < 2 else k for k in ins[1]), ins[1]):
            v.symmetric = True
        return self.ordering.met_first(v)

    # -- symmetric products
    def _symmetric(self) -> tuple[Value, Labels] | None:
        """Z'Z where the operands are mirrored at one summed label, perhaps with weights on it that are not negative."""
        if len(self.out) != 2 or not self.whole.symmetric or not self.whole.real or self.count < 3:
            return None
        turn = mirror(self.args, self.ins, self.out)
        if turn is None:
            return None
        i, j = self.out
        fixed = {k for labels in self.has for k in labels if turn.get(k, k) == k}
        best: tuple[float, int, int, int] | None = None
        for half in self.parts:
            inside = {k for m in bits_of(half) for k in self.has[m]}
            kept = set(self.kept(half))
            if j in inside or i not in kept or len(kept) != 2 or not kept - {i} <= fixed:
                continue
            (k,) = kept - {i}
            other = self._mirrored(half, turn)
            rest = self.everything ^ half ^ other if other is not None and not other & half else None
            if other is None or rest is None or other & half:
                continue
            if any(self.has[m] != {k} or not self.args[m].sign for m in bits_of(rest)):
                continue
            cost = self.parts[half].cost + HALF * self.rates.product((k, i), (k, j), self.out, self.lengths)
            if best is None or cost < best[0]:
                best = (cost, half, rest, k)
        if best is None or best[0] > self.parts[self.everything].cost:
            return None
        _, half, rest, k = best
        order = (k, i)
        y, labels = self.build(half, order)
        if rest:
            w = self.ordering._of(self.sub_of(rest, (k,)))
            root = self.graph.map(("sqrt",), (w,), w.shape)
            y, labels = self._pair(y, labels, root, (k,), order), order
        v = self._pair(y, labels, y, tuple(j if m == i else m for m in labels), self.out)
        v.symmetric = True
        return v, self.out

    def sub_of(self, mask: int, kept: Labels) -> Value:
        chosen = bits_of(mask)
        return self.graph.contract([self.args[i] for i in chosen], [self.ins[i] for i in chosen], kept, self.dims)

    def _mirrored(self, mask: int, turn: dict[int, int]) -> int | None:
        """The operands that mirror these; None where one of them mirrors itself."""
        found = 0
        for m in bits_of(mask):
            turned = tuple(turn.get(k, k) for k in self.ins[m])
            match: Any = next(
                (
                    o
                    for o in range(self.count)
                    if self.args[o] is self.args[m] and not found >> o & 1 and _same(self.args[o], self.ins[o], turned)
                ),
                None,
            )
            if match is None or match == m:
                return None
            found |= 1 << match
        return found


def _same(a: Value, labels: Labels, other: Labels) -> bool:
    return labels == other or (a.symmetric and a.real and labels == other[::-1])
