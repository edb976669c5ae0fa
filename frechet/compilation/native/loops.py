"""Loops over entries: which values lie in memory, which are computed where they are used, and what shares one loop.

A value whose entry follows from single entries of its operands is pending until something needs it in memory. A loop is
made for each value that is stored and for each sum; it evaluates the pending values below, and joins an earlier loop
over the same axes that evaluates one of them too. What two loops need and is not cheap is stored by the first.

Source:  Kennedy & McKinley (1993), Maximizing loop parallelism and improving data locality via loop fusion and distribution.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from frechet.compilation.native.dimensions import Dimensions
from frechet.compilation.native.functions import NotInC, function_text, number, weight
from frechet.compilation.values import Axes, Value
from frechet.expressions.dimension import UNIT, Dim, dim

ONE = dim(1)
START = {"max": "-INFINITY", "min": "INFINITY", "top": "-LETTER(FLT_MAX, DBL_MAX)"}
JOINED = {"max": "larger", "min": "smaller", "top": "larger"}  # declared as reductions in kernels.c
CHEAP = 2  # additions: computed again rather than stored
DEPTH = 30  # of pending values


class Index(NamedTuple):
    """A place along an axis: the counter of a loop (None: none) plus an offset that is known before the loops, as C."""

    axis: int | None
    offset: str = ""

    def text(self) -> str:
        if self.axis is None:
            return f"({self.offset})"
        return f"(i{self.axis} + {self.offset})" if self.offset else f"i{self.axis}"


Place = tuple[Index, ...]
Read = tuple["Value", Place]
Equal = tuple[str, str]  # two indices, as C


@dataclass(eq=False)
class Buffer:
    """A piece of memory: an argument, a result, or a part of the workspace."""

    entries: Dim
    kind: str  # a, r or w
    number: int = 0
    part_of: Dim | None = None  # the entries of the array of which it is some rows

    @property
    def whole(self) -> Dim:
        return self.entries if self.part_of is None else self.part_of

    def __str__(self) -> str:
        return f"{self.kind}{self.number}"


class Stored(NamedTuple):
    """An array in memory, with the distance of neighbours along each axis."""

    buffer: Buffer
    strides: Axes


@dataclass(eq=False)
class Call:
    """A call of a function in kernels.c: its text, with {0}, {1}, … for these buffers."""

    template: str
    buffers: Sequence[Buffer]

    def __str__(self) -> str:
        return self.template.format(*self.buffers)


@dataclass(eq=False)
class Sink:
    """What a loop leaves in memory or in a variable: the entries of a value, or a sum or extreme of them."""

    value: Value
    target: Stored | None  # None: the variable of the value
    place: Place  # the axes of the target
    reads: list[Read]  # what its entries, or the terms of its sum, follow from
    copied: bool = False  # the entries of the value, stored apart from it

    @property
    def among_zeros(self) -> bool:
        """Are only some entries stored, those for which two indices are equal or from an offset on, the others being 0?"""
        return len({*self.place}) < len(self.place) or any(k.offset for k in self.place)

    def along(self, axes: dict[int, int]) -> Sink:
        """The same where the axes of the loop are called otherwise."""
        reads = [(v, moved(place, axes)) for v, place in self.reads]
        return Sink(self.value, self.target, moved(self.place, axes), reads, self.copied)


@dataclass(eq=False)
class Loop:
    """Nested loops over axes of these lengths. Their order is chosen when they are written."""

    axes: Axes
    sinks: list[Sink] = field(default_factory=list)
    inside: dict[Value, Place] = field(default_factory=dict)  # values that it evaluates entry by entry, and where
    library: tuple[str, Call] | None = None  # a condition on the sizes, and a routine that does the same then
    when: str = ""  # a condition on the sizes, on which it is needed


def moved(place: Place, axes: dict[int, int]) -> Place:
    return tuple(Index(None if k.axis is None else axes[k.axis], k.offset) for k in place)


def by_rows(shape: Axes) -> Axes:
    """The distances of neighbours in an array that lies row by row."""
    strides: list[Dim] = []
    step = UNIT
    for d in reversed(shape):
        strides.append(step)
        step = step * d
    return tuple(reversed(strides))


def entries_of(shape: Axes) -> Dim:
    """How many entries an array has."""
    found = UNIT
    for d in shape:
        found = found * d
    return found


def entrywise(v: Value) -> bool:
    """Does every entry follow from single entries of the operands?"""
    if v.op == "contract":
        return not summed(v)
    return v.op in ("map", "spread", "ones", "unit", "selection", "number", "size")


def summed(v: Value) -> set[int]:
    """The labels that a contraction sums over; not those at which columns of the identity choose one place."""
    ins, out, _, _ = v.params
    left = {k for labels in ins for k in labels} - set(out)
    known = set(out)
    for a, labels in zip(v.args, ins, strict=True):
        if a.op == "unit" or (a.op == "selection" and labels[0] != labels[1] and labels[1] in known):
            left.discard(labels[0])
    return left


def placed(v: Value) -> dict[int, tuple[int, int]]:
    """The axes of a contraction along which columns of the identity put entries among zeros.

    By their labels: that of the entries, which is summed, and which operand the columns are.
    """
    ins, out, _, _ = v.params
    found: dict[int, tuple[int, int]] = {}
    for i, (a, labels) in enumerate(zip(v.args, ins, strict=True)):
        axis, entries = labels if a.op == "selection" else (-1, -1)
        if axis in out and entries not in out and axis not in found and entries not in {q for q, _ in found.values()}:
            found[axis] = entries, i
    return found


class Reader:
    """Entries of values, from entries of their operands.

    dimension: a dimension as C
    stored, ready: the arrays in memory, and the step that leaves a value there or in a variable
    """

    def __init__(self, dimension: Dimensions) -> None:
        self.dimension = dimension
        self.stored: dict[Value, Stored] = {}
        self.ready: dict[Value, int] = {}

    def there(self, v: Value, step: int) -> bool:
        """Is the value an array in memory before this step?"""
        return v in self.stored and self.ready[v] < step

    def factors(self, v: Value, known: dict[int, Index], but: Collection[int] = ()) -> list[Read]:
        """The entries that a contraction multiplies, where its labels are known but those that columns of eye choose.

        but: operands that are left out
        """
        known = dict(known)
        found: list[tuple[Value, tuple[int, ...]]] = []
        for i, (a, labels) in enumerate(zip(v.args, v.params[0], strict=True)):
            if i in but:
                continue
            if a.op == "unit" and labels[0] not in known:
                known[labels[0]] = Index(None, self.before(a))
            elif a.op == "selection" and labels[0] not in known:
                at = known[labels[1]]
                known[labels[0]] = Index(at.axis, f"{at.offset} + {self.before(a)}" if at.offset else self.before(a))
            else:
                found.append((a, labels))
        return [(a, tuple(known[k] for k in labels)) for a, labels in found]

    def before(self, v: Value) -> str:
        """How many places there are before the first that columns of the identity choose."""
        return self.dimension(v.params[0] - ONE)

    def operands(self, v: Value, place: Place) -> tuple[list[Read], list[Equal]]:
        """What the entry of v at this place follows from, and indices that must be equal, or it is 0."""
        if v.op == "map":
            return [(a, tuple(place[k] for k in labels)) for a, labels in zip(v.args, v.params[1], strict=True)], []
        if v.op == "contract":
            known, equal = _matched(v.params[1], place)
            return self.factors(v, known), equal
        if v.op == "spread":
            labels, out = v.params
            known, equal = _matched(out, place)
            return [(v.args[0], tuple(known[k] for k in labels))], equal
        if v.op == "unit":
            return [], [(place[0].text(), self.before(v))]
        if v.op == "selection":
            return [], [(place[0].text(), f"{place[1].text()} + {self.before(v)}")]
        return [], []

    def reached(self, reads: Sequence[Read], step: int) -> list[Read]:
        """These entries and those they follow from, down to what is in memory before this step."""
        stack, seen = list(reads), dict.fromkeys(reads)
        while stack:
            v, place = stack.pop()
            if not self.there(v, step) and entrywise(v) and v.shape:
                for below in self.operands(v, place)[0]:
                    if below not in seen:
                        seen[below] = None
                        stack.append(below)
        return list(seen)


def _matched(out: Sequence[int], place: Place) -> tuple[dict[int, Index], list[Equal]]:
    """Labels at a place; a label that is there twice must have equal indices."""
    known: dict[int, Index] = {}
    equal = []
    for k, at in zip(out, place, strict=True):
        if known.setdefault(k, at) != at:
            equal.append((known[k].text(), at.text()))
    return known, equal


def cost(v: Value, below: dict[Value, int]) -> int:
    """Of an entry of a pending value, in additions; `below`: of its operands."""
    own = 0
    if v.op == "map":
        own = weight(v.params[0], len(v.args))
    elif v.op == "contract":
        own = max(len(v.args) - 1, 0) + (v.params[3] != 1)
    return own + sum(below.get(a, 0) for a in v.args)


class LoopText:
    """One loop as C."""

    def __init__(self, reader: Reader, loop: Loop, step: int, variables: dict[Value, str], numbers: Iterator[int]) -> None:
        self.reader, self.loop, self.step, self.variables, self.numbers = reader, loop, step, variables, numbers
        self.flat = self._is_flat()
        self.order = [0] if self.flat else self._ordered()
        self.depth = dict.fromkeys(range(len(loop.axes)), 0) if self.flat else {a: i for i, a in enumerate(self.order)}
        self.head: list[list[str]] = [[] for _ in range(len(self.order) + 1)]  # before anything; in each loop
        self.tail: list[list[str]] = [[] for _ in range(len(self.order) + 1)]
        self.local: dict[tuple[Value, Place], str] = {}
        self.joined: dict[str, list[str]] = {}  # the sums and extremes of the innermost loop, by what joins two of them

    def text(self) -> list[str]:
        for sink in self.loop.sinks:
            self._sink(sink)
        lines: list[str] = list(self.head[0])
        inner = len(self.order)
        for i, axis in enumerate(self.order):
            if i == inner - 1:
                reductions = [f" reduction({how} : {', '.join(totals)})" for how, totals in self.joined.items()]
                lines.append("#pragma omp simd" + "".join(reductions))
            length = self.reader.dimension(entries_of(self.loop.axes) if self.flat else self.loop.axes[axis])
            lines.append(f"for (npy_intp i{axis} = 0; i{axis} < {length}; i{axis}++) {{")
            lines += self.head[i + 1]
        for i in range(inner, 0, -1):
            lines += [*self.tail[i], "}"]
        lines += self.tail[0]
        return lines

    # -- the order of the loops
    def _is_flat(self) -> bool:
        """May one loop take the place of all, because every array lies row by row and has all axes?"""
        axes = self.loop.axes
        if len(axes) < 2:
            return False
        whole, strides = tuple(map(Index, range(len(axes)))), by_rows(axes)
        for sink in self.loop.sinks:
            own = [(sink.value, sink.place)] if entrywise(sink.value) and not sink.copied and sink.value.shape else []
            if sink.place and (sink.place != whole or sink.target is None or sink.target.strides != strides):
                return False
            for v, place in (*own, *self.reader.reached(sink.reads, self.step)):
                if not place:
                    continue
                if place != whole:
                    return False
                if self.reader.there(v, self.step):
                    if self.reader.stored[v].strides != strides:
                        return False
                elif v.op not in ("map", "contract") or self.reader.operands(v, place)[1]:
                    return False
        return True

    def _ordered(self) -> list[int]:
        """Axes of the results first, the axis along which most arrays are contiguous last."""
        loop = self.loop
        votes = dict.fromkeys(range(len(loop.axes)), 0)
        outer: list[int] = []
        for sink in loop.sinks:
            outer = list(dict.fromkeys([*outer, *(k.axis for k in sink.place if k.axis is not None)]))
            if sink.target is not None:
                self._vote(votes, sink.target, sink.place)
            for v, place in self.reader.reached(sink.reads, self.step):
                if self.reader.there(v, self.step):
                    self._vote(votes, self.reader.stored[v], place)
        if not votes:
            return []
        order = [*outer, *(k for k in votes if k not in outer)]
        if any(sink.value.op == "extreme" for sink in loop.sinks):
            return order
        best = max(votes.values())
        last = next(k for k in reversed(order) if votes[k] == best)
        return [*(k for k in order if k != last), last]

    def _vote(self, votes: dict[int, int], stored: Stored, place: Place) -> None:
        for k, stride in zip(place, stored.strides, strict=True):
            if k.axis is not None and stride is UNIT:
                votes[k.axis] += 1

    # -- entries
    def level(self, indices: Sequence[Index]) -> int:
        return max((self.depth[k.axis] + 1 for k in indices if k.axis is not None), default=0)

    def name(self, v: Value, place: Place, text: str, level: int) -> str:
        found = self.local[v, place] = f"e{next(self.numbers)}"
        self.head[level].append(f"const T {found} = {text};")
        return found

    def entry(self, v: Value, place: Place) -> str:
        """The name of a variable or a number that is the entry of v at this place."""
        if v.op == "number":
            return number(v.params[0])
        if v.op == "size":
            return f"(T){self.reader.dimension(v.params[0])}"
        if v in self.variables:
            return self.variables[v]
        found = self.local.get((v, place))
        if found is not None:
            return found
        if self.reader.there(v, self.step):
            return self.name(v, place, self.load(self.reader.stored[v], place), self.level(place))
        entries, equal = self.reader.operands(v, place)
        args = [self.entry(a, at) for a, at in entries]
        return self.name(v, place, computed(v, args, equal), self.level(place))

    def load(self, stored: Stored, place: Place) -> str:
        return f"{stored.buffer}[{self.offset(stored, place)}]"

    def offset(self, stored: Stored, place: Place) -> str:
        if self.flat and place:
            return "i0"
        parts = []
        for k, stride in zip(place, stored.strides, strict=True):
            parts.append(k.text() if stride is UNIT else f"{k.text()} * {self.reader.dimension(stride)}")
        return " + ".join(parts) or "0"

    # -- results
    def _sink(self, sink: Sink) -> None:
        v = sink.value
        target = self.load(sink.target, sink.place) if sink.target is not None else self.variables[v]
        if not sink.copied and not entrywise(v):
            self._reduction(sink, target)
            return
        if sink.among_zeros:
            self._clear(sink)
        text = self.entry(v, sink.place) if v.shape else computed(v, [self.entry(*read) for read in sink.reads], [])
        self.head[self.level(sink.place)].append(f"{target} = {text};")

    def _clear(self, sink: Sink) -> None:
        assert sink.target is not None
        count = self.reader.dimension(sink.target.buffer.entries)
        self.head[0].insert(0, f"memset({sink.target.buffer}, 0, {count} * sizeof(T));")

    def _reduction(self, sink: Sink, target: str) -> None:
        """A sum or extreme: in a variable over the loops inside of those of the result, in memory over those outside."""
        v, extreme = sink.value, sink.value.op == "extreme"
        names = [self.entry(*read) for read in sink.reads]
        text = names[0] if extreme else product(names, v.params[3])
        innermost, at = len(self.order), self.level(sink.place)
        outside = any(axis not in {k.axis for k in sink.place} for axis in self.order[:at])
        if outside and extreme:
            raise NotInC("extremes in another order than that of memory")
        if outside or sink.among_zeros:
            self._clear(sink)
        if at == innermost:
            self.head[at].append(f"{target} += {text};")
            return
        total = f"s{next(self.numbers)}"
        self.head[at].append(f"T {total} = {START[v.params[0]] if extreme else 0};")
        how = JOINED[v.params[0]] if extreme else "+"
        self.head[innermost].append(f"{total} = {how}({text}, {total});" if extreme else f"{total} += {text};")
        self.joined.setdefault(how, []).append(total)
        self.tail[at].append(f"{target} {'+=' if outside else '='} {total};")


def computed(v: Value, args: Sequence[str], equal: Sequence[Equal]) -> str:
    """The entry of a value from names of the entries of its operands."""
    if v.op == "map":
        text = function_text(v.params[0], args)
    elif v.op == "contract":
        text = product(args, v.params[3])
    elif v.op in ("spread", "ones", "unit", "selection"):
        text = product(args, 1)
    else:
        raise NotInC(v.op)
    return f"{' && '.join(f'{a} == {b}' for a, b in equal)} ? {text} : 0" if equal else text


def product(names: Sequence[str], c: object) -> str:
    return " * ".join([*([number(c)] if c != 1 or not names else []), *names])
