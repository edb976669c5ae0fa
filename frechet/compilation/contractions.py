"""The simplest form of a contraction: views, constants and reshapes among its operands are taken into its labels."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from heapq import heappop, heappush
from typing import Any

from frechet.compilation.values import Axes, Graph, Labels, Value
from frechet.expressions.dimension import Dim


def contraction(
    graph: Graph, args: Sequence[Value], ins: Sequence[Labels], out: Labels, dims: Sequence[Dim], coefficient: Any
) -> Value:
    """See `Graph.contract`."""
    if coefficient != 0 and args and not any(map(_is_arrangement, args)):
        return _symmetry_noted(part(graph, args, ins, out, dims, coefficient))
    form = _Form(graph, out, dims, coefficient)
    for a, labels in zip(args, ins, strict=True):
        form.used.update(labels)
        form.take(a, labels)
    return form.value()


def part(
    graph: Graph, args: Sequence[Value], ins: Sequence[Labels], out: Labels, dims: Sequence[Dim], coefficient: Any = 1
) -> Value:
    """The contraction of operands of which nothing is to be taken into the labels, as those of one in simplest form."""
    return _canonical(graph, [(a, list(k)) for a, k in zip(args, ins, strict=True)], list(out), dims, coefficient)


def _is_arrangement(v: Value) -> bool:
    """Is it a number, or other values in another arrangement, perhaps a multiple of them?"""
    return v.op in ("number", "reshape") or (v.op == "contract" and len(v.args) <= 1)


def _symmetry_noted(v: Value) -> Value:
    if v.op == "contract" and len(v.shape) == 2 and v.shape[0] is v.shape[1] and not v.symmetric:
        ends = v.params[1]
        v.symmetric = ends[0] == ends[1] or mirror(v.args, v.params[0], ends) is not None
    return v


def inlined(graph: Graph, v: Value, chosen: Collection[Value]) -> Value:
    """The contraction v with the operands that are among `chosen`, contractions too, replaced by their own operands."""
    ins, out, dims, coefficient = v.params
    form = _Form(graph, out, dims, coefficient)
    for a, labels in zip(v.args, ins, strict=True):
        form.used.update(labels)
        if a in chosen:
            form.take_operands(a, labels)
        else:
            form.take(a, labels)
    return form.value()


def groups(shape: Axes, merged: Axes) -> list[tuple[int, ...]] | None:
    """The consecutive axes of `shape` that each axis of `merged` is the product of; None if it is not such a merging."""
    found: list[tuple[int, ...]] = []
    k = 0
    for d in merged:
        if k == len(shape):
            return None
        start, product = k, shape[k]
        k += 1
        while product is not d and k < len(shape):
            product = product * shape[k]
            k += 1
        if product is not d:
            return None
        found.append(tuple(range(start, k)))
    return found if k == len(shape) else None


class TakenApart(Exception):
    """Two axes are to be one that are products of dimensions which do not fit."""


class _Form:
    """A contraction in the making."""

    def __init__(self, graph: Graph, out: Labels, dims: Sequence[Dim], coefficient: Any) -> None:
        self.graph = graph
        self.out = list(out)
        self.dims = list(dims)
        self.coefficient = coefficient
        self.operands: list[tuple[Value, list[int]]] = []
        self.used = set(out)
        self.same: dict[int, int] = {}  # labels that were found to be equal to others
        self.merged: dict[int, list[int]] = {}  # labels that stand for several axes

    def label(self, d: Dim) -> int:
        self.dims.append(d)
        self.used.add(len(self.dims) - 1)
        return len(self.dims) - 1

    def root(self, label: int) -> int:
        while label in self.same:
            label = self.same[label]
        return label

    def unify(self, a: int, b: int) -> None:
        """Makes two labels one, with what they stand for.

        Raises:  TakenApart, where they stand for axes that do not fit
        """
        pairs = [(a, b)]
        while pairs:
            a, b = map(self.root, pairs.pop())
            if a == b:
                continue
            low, high = min(a, b), max(a, b)
            self.same[high] = low
            parts = self.merged.pop(high, None)
            if parts is not None and low in self.merged:
                found = self.apart(low, tuple([self.dims[k] for k in parts]))
                if found is None:
                    raise TakenApart
                pairs += zip(found, parts, strict=True)
            elif parts is not None:
                self.merged[low] = parts

    def take(self, v: Value, labels: Labels) -> None:
        """Adds an operand, looking through what only arranges entries."""
        if v.op == "number":
            self.coefficient = self.coefficient * v.params[0]
        elif v.op == "contract" and len(v.args) <= 1 and set(v.params[0][0] if v.args else ()) <= set(v.params[1]):
            self.take_operands(v, labels)
        else:
            self.operands.append((v, list(labels)))

    def take_operands(self, v: Value, labels: Labels) -> None:
        """Adds the operands of a contraction whose axes have these labels."""
        ins, out, dims, coefficient = v.params
        self.coefficient = self.coefficient * coefficient
        place: dict[int, int] = {}
        for k, outer in zip(out, labels, strict=True):
            if k in place:
                self.unify(place[k], outer)
            else:
                place[k] = outer
        for k, d in enumerate(dims):
            if k not in place:
                place[k] = self.label(d)
        for a, inner in zip(v.args, ins, strict=True):
            self.take(a, tuple(place[k] for k in inner))

    def split(self) -> bool:
        """Takes one label that stands for several axes of a reshaped operand apart, everywhere."""
        for position, (v, labels) in enumerate(self.operands):
            if v.op != "reshape":
                continue
            parts = groups(v.args[0].shape, v.shape)
            if parts is None or all(len(p) == 1 for p in parts):
                continue
            inner = v.args[0]
            new_labels: list[int] = []
            for label, part in zip(labels, parts, strict=True):
                found = self.apart(self.root(label), tuple(inner.shape[k] for k in part))
                if found is None:  # it was taken apart in another way
                    break
                new_labels.extend(found)
            else:
                del self.operands[position]
                self.take(inner, tuple(new_labels))  # what stood in a reshape may be a view
                return True
        return False

    def apart(self, label: int, shape: Axes) -> list[int] | None:
        """The labels of several axes that one label stands for, which may have been taken apart in fewer or more.

        Then those that are there stand for several of these, or some of these for several of those.
        """
        if len(shape) == 1:
            return [label]
        known = self.merged.get(label)
        if known is None:
            known = self.merged[label] = [self.label(d) for d in shape]
        there = tuple([self.dims[k] for k in known])
        if there == shape:
            return known
        more = groups(shape, there)
        if more is not None:
            found = [
                self.apart(self.root(k), tuple([shape[i] for i in group])) for k, group in zip(known, more, strict=True)
            ]
            return None if None in found else [k for some in found if some is not None for k in some]
        fewer = groups(there, shape)
        if fewer is None:
            return None
        made = []
        for d, group in zip(shape, fewer, strict=True):
            one = known[group[0]]
            if len(group) > 1:
                one = self.label(d)
                self.merged[one] = [known[i] for i in group]
            made.append(one)
        return made

    def leaves(self, label: int) -> list[int]:
        """The labels that one stands for, in the end."""
        label = self.root(label)
        return [leaf for part in self.merged[label] for leaf in self.leaves(part)] if label in self.merged else [label]

    def apply_merged(self) -> None:
        """Operands with a label that was taken apart are reshaped to have its parts, of outer products their factors."""
        done: list[tuple[Value, list[int]]] = []
        while self.operands:
            v, labels = self.operands.pop()
            if any(self.root(k) in self.merged for k in labels):
                if v.op == "contract" and len(connected(v.params[0])) > 1:
                    self.take_operands(v, tuple(labels))
                    continue
                labels = [leaf for k in labels for leaf in self.leaves(k)]
                v = self.graph.reshape(v, tuple([self.dims[k] for k in labels]))
            done.append((v, labels))
        self.operands = done[::-1]

    def value(self) -> Value:
        before = list(self.operands), self.coefficient, dict(self.same), set(self.used)
        try:
            while self.split():
                pass
            if self.merged:
                self.apply_merged()
        except TakenApart:  # then reshapes stay as they are
            (self.operands, self.coefficient, self.same, self.used), self.merged = before, {}
        if self.coefficient == 0:
            self.operands = []
        shape = tuple(self.dims[k] for k in self.out)
        out = [self.root(leaf) for k in self.out for leaf in self.leaves(k)]
        operands = [(v, [self.root(k) for k in labels]) for v, labels in self.operands]
        occurring = {k for _, labels in operands for k in labels} | set(out) | self.merged.keys()
        for k in sorted({self.root(k) for k in self.used} - occurring):
            size = self.graph.size(self.dims[k])  # the sum of what does not depend on the label
            if size.op == "number":
                self.coefficient = self.coefficient * size.params[0]
            elif self.coefficient != 0:
                operands.append((size, []))
        made = _canonical(self.graph, operands, out, self.dims, self.coefficient)
        return self.graph.reshape(_symmetry_noted(made), shape)


def _canonical(
    graph: Graph, operands: list[tuple[Value, list[int]]], out: list[int], dims: Sequence[Dim], coefficient: Any
) -> Value:
    """The node, with its operands and labels in an order that does not depend on how they were given."""
    if not operands and not out:
        return graph.number(coefficient)
    number = {k: i for i, k in enumerate(dict.fromkeys(out))}  # in the order of the labels
    ordered = _along_labels(operands, number, len(number) + len(dims))
    ins = tuple([tuple([number[k] for k in labels]) for _, labels in ordered])
    new_out = tuple([number[k] for k in out])
    if coefficient == 1 and len(ordered) == 1 and ins[0] == new_out and len(set(new_out)) == len(new_out):
        return ordered[0][0]
    args = [v for v, _ in ordered]
    by_number = tuple([dims[k] for k in number])
    params = (ins, new_out, by_number, coefficient)
    found = graph.make("contract", args, params, tuple([by_number[k] for k in new_out]))
    if isinstance(coefficient, complex):
        found.real = False
    elif coefficient > 0 and all(a.sign for a in args):
        strict = all(a.sign == 2 for a in args) and len(set(new_out)) == len(new_out)
        found.sign = max(found.sign, 2 if strict else 1)
    return found


def _along_labels(
    operands: Sequence[tuple[Value, list[int]]], number: dict[int, int], far: int
) -> list[tuple[Value, list[int]]]:
    """The operands along the labels, from those of the result: the same for whatever order they were given in.

    number: those of the labels of the result; the others are entered. far: more than these
    """
    left = dict(enumerate(operands))
    having: dict[int, list[int]] = {}
    for i, (_, labels) in left.items() if len(left) > 1 else ():
        for k in labels:
            having.setdefault(k, []).append(i)
    waiting: list[tuple[list[int], int, int]] = []
    changed: Iterable[int] = range(len(operands))
    ordered = []
    while left:
        for i in changed:
            v, labels = left[i]
            places = [number.get(k, far) for k in labels]
            if len(labels) == 2 and places[0] > places[1] and v.symmetric and v.real:
                left[i] = v, labels[::-1]
                places.reverse()
            heappush(waiting, (places, v.serial, i))
        *_, i = heappop(waiting)
        while i not in left:  # entered again since, when more of its labels had numbers
            *_, i = heappop(waiting)
        v, labels = left.pop(i)
        ordered.append((v, labels))
        changed = []
        for k in labels:
            if k not in number:
                number[k] = len(number)
                changed += [j for j in having[k] if j in left] if left else ()
    return ordered


def connected(ins: Sequence[Labels]) -> list[list[int]]:
    """The operands with axes in groups that no label joins."""
    groups: list[tuple[set[int], list[int]]] = []
    for i, labels in enumerate(ins):
        if not labels:
            continue
        mine, members, apart = set(labels), [i], []
        for other, theirs in groups:
            if other & mine:
                mine |= other
                members = theirs + members
            else:
                apart.append((other, theirs))
        groups = [*apart, (mine, members)]
    return [sorted(members) for _, members in groups]


def mirror(args: Sequence[Value], ins: Sequence[Labels], out: Labels) -> dict[int, int] | None:
    """The exchange of labels that turns a contraction into its transpose; None if there is none that is seen.

    Beginning with the two labels of the result, operands pair with equal ones whose labels are exchanged.
    """
    turn = {out[0]: out[1], out[1]: out[0]}
    pairs = list(zip(args, ins, strict=True))
    equal: dict[Value, list[Labels]] = {}
    having: dict[int, dict[Value, None]] = {}
    for a, labels in pairs:
        equal.setdefault(a, []).append(labels)
        for k in labels:
            having.setdefault(k, {})[a] = None
    waiting = list(turn)
    while waiting:
        for a in having.get(waiting.pop(), ()):
            for labels in equal[a]:
                if not any(k in turn for k in labels):
                    continue
                fits = [other for other in equal[a] if _turned(turn, labels, other)]
                if len(fits) == 1:
                    for k, m in zip(labels, fits[0], strict=True):
                        waiting += [n for n in {k, m} if n not in turn]
                        turn[k], turn[m] = m, k
    mirrored = sorted((a.serial, _sorted(a, tuple(turn.get(k, k) for k in labels))) for a, labels in pairs)
    same = mirrored == sorted((a.serial, _sorted(a, labels)) for a, labels in pairs)
    return turn if same and all(a.real for a in args) else None


def _turned(turn: dict[int, int], labels: Labels, other: Labels) -> bool:
    return all(turn.get(k, m) == m and turn.get(m, k) == k for k, m in zip(labels, other, strict=True))


def _sorted(a: Value, labels: Labels) -> Labels:
    return tuple(sorted(labels)) if a.symmetric and a.real and len(labels) == 2 else labels
