"""Steps along the rows of large arrays that are worth taking together: see `frechet.compilation.row_blocks`.

A step is along the rows where each row of its result depends on this row of its operands alone; a sum over the rows, such
as Xᵀ·p, ends a group of steps. What needs such a sum, or all rows of a result, is of a higher level, so that the groups of
one level can be computed one after the other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

from frechet.compilation.rewriting import is_sum
from frechet.compilation.timing import CALL, Rates
from frechet.compilation.values import Labels, Value, walk
from frechet.compilation.writer import SELECTORS
from frechet.expressions.dimension import Dim

LARGE = 300_000  # entries of an array that is worth it
CACHED = 80_000  # entries of the large arrays in a block, those of the steps in between counted as two
LEAST = 4  # rows of a block, and blocks
THIN = 16  # columns, at most, or products that are summed, of products in blocks
SAVED = 1e-10  # seconds for an entry that is not read or written again
MULTIPLIED = 1.5e-10  # for one that is not read again by a product, and a column it is multiplied by
COLUMNS = 4  # that count so
WORTH = 1.5  # times what the calls take longer must be saved
PART = 0.02  # of the time of the program, at least, is to be saved
NEW = 4e-10  # seconds for an entry of an array for which there was room in another one


def groups_along_rows(roots: Sequence[Value], rates: Rates, fixed: Collection[Value] = ()) -> list[Group]:
    """The groups of steps of a program that share large arrays, where that saves time; none has steps that are fixed."""
    steps = walk(roots)
    if all(rates.entries(v.shape) < LARGE for v in steps):
        return []
    return list(_Search(steps, roots, rates, fixed).groups())


class Along(NamedTuple):
    """How a step goes along rows: the labels of its operands; those that begin with `label` are read row by row.

    kept: is a row of the result computed, or a part of a sum?
    """

    label: int
    ins: tuple[Labels, ...]
    kept: bool
    dimension: Dim

    def by_rows(self, i: int) -> bool:
        return self.ins[i][:1] == (self.label,)


def along_rows(v: Value, rates: Rates) -> Iterator[Along]:
    """The ways to compute the value row by row: each row by itself, or a sum over rows."""
    if len(v.shape) > 2 or any(len(a.shape) > 2 for a in v.args):
        return
    if v.op == "contract":
        ins, out, dims, _ = v.params
        sums = dict.fromkeys(labels[0] for labels in ins if labels and labels[0] not in out)
        for label in (*out[:1], *sums):
            found = _turned(v.args, ins, label)
            if out.count(label) < 2 and found is not None and _thin(v, label, rates):
                yield Along(label, found, label in out, dims[label])
    elif v.op == "map" and v.shape:
        found = _turned(v.args, v.params[1], 0)
        if found is not None:
            yield Along(0, found, True, v.shape[0])
    elif v.op == "extreme" and v.shape:
        yield Along(0, ((0, 1),), True, v.shape[0])


def _turned(args: Sequence[Value], ins: Sequence[Labels], label: int) -> tuple[Labels, ...] | None:
    """The labels of the operands, those of symmetric ones perhaps turned, where each is needed by rows or as a whole."""
    found = []
    for a, labels in zip(args, ins, strict=True):
        if label in labels:
            if labels[0] != label and len(labels) == 2 and a.symmetric and a.real:
                labels = labels[::-1]
            if labels[0] != label or labels.count(label) > 1 or _is_arranged(a):
                return None
        found.append(labels)
    return tuple(found) if any(labels[:1] == (label,) for labels in found) else None


def _is_arranged(a: Value) -> bool:
    """Is it the identity, a transpose, a diagonal matrix, or another one whose rows do not lie in memory?"""
    if a.op == "contract" and len(a.args) < 2 and len(a.shape) == 2:
        return not a.args or a.params[0] != a.params[1:2]
    return a.op in SELECTORS or a.op == "spread"


def _thin(v: Value, label: int, rates: Rates) -> bool:
    """Is a product in blocks of rows as fast as the whole: are there few columns, or few products that are summed?"""
    ins, out, dims, _ = v.params
    if len(ins) < 2:
        return True
    first, second = set(ins[0]), set(ins[1])
    summed = (first & second) - set(out)
    others = (summed, first ^ second) if label in out else (first - second, second - first)
    return not summed or any(prod(rates.size(dims[k]) for k in side - {label}) <= THIN for side in others)


def _is_product(v: Value) -> bool:
    """Is it a product of two operands that is summed?"""
    if v.op != "contract" or len(v.args) != 2:
        return False
    ins, out, *_ = v.params
    return bool(set(ins[0]) & set(ins[1]) - set(out))


@dataclass(frozen=True, eq=False)
class Group:
    """Steps that are taken together, and those of them that something else needs."""

    along: Dim
    count: int
    steps: Mapping[Value, Along]
    results: Sequence[Value]


class _Search:
    """Finds groups of steps that share large arrays.

    way      how a step goes along rows
    level    of the rows of a step; a sum over rows is there at the next one
    above    the steps that are computed from a large array at this level, or read one
    """

    def __init__(self, steps: Sequence[Value], roots: Sequence[Value], rates: Rates, fixed: Collection[Value]) -> None:
        self.steps, self.roots, self.rates = steps, set(roots), rates
        self.total = rates.total(steps)
        self.way: dict[Value, Along] = {}
        self.level: dict[Value, int] = {}
        self.above: set[Value] = set()
        self.users: dict[Value, list[Value]] = {v: [] for v in steps}
        for v in steps:
            for a in dict.fromkeys(v.args):
                self.users[a].append(v)
            self._place(v, v in fixed)
        for v in reversed(steps):
            self._delay(v)

    def _place(self, v: Value, fixed: bool) -> None:
        self.level[v] = max(map(self._there, v.args), default=0)
        whole = fixed or (is_sum(v) and any(map(self._is_whole_product, v.args)))  # BLAS adds to it
        ways = () if whole else along_rows(v, self.rates)
        found = min(((self._level(v, way), not way.kept, way) for way in ways), default=None, key=lambda one: one[:2])
        if found is None:
            return
        self.level[v], _, way = found
        self.way[v] = way
        if self._reads(v) or any(a in self.above and self.level[a] == self.level[v] for a in self._rows_of(v)):
            self.above.add(v)

    def _delay(self, v: Value) -> None:
        """A large array of which rows are only needed at higher levels is computed there, from what is there anyway."""
        if v not in self.above or not self.way[v].kept or not self._is_large(v) or v in self.roots:
            return
        users = self.users[v]
        if not all(self._only_by_rows(v, u) and self.level[u] > self.level[v] for u in users):
            return
        for a in self._rows_of(v):
            if self._is_large(a) and self.users[a] != [v] and a in self.way and not self._is_formed(a):
                return
        self.level[v] = min(self.level[u] for u in users)

    def _only_by_rows(self, a: Value, u: Value) -> bool:
        """Are only rows of `a` needed for u at a time?"""
        return u in self.way and all(self.way[u].by_rows(i) for i, b in enumerate(u.args) if b is a)

    def _is_formed(self, a: Value) -> bool:
        """Is it needed as a whole, or at a higher level?"""
        return a in self.roots or not all(u in self.way and self._together(a, u) for u in self.users[a])

    def _is_whole_product(self, a: Value) -> bool:
        """Is it a large product of matrices that is not computed by rows?"""
        return a not in self.way and _is_product(a) and self._is_large(a)

    def _added_by_blas(self, a: Value) -> bool:
        """Is it a product that is added to something where it is computed?"""
        return _is_product(a) and len(self.users[a]) == 1 and is_sum(self.users[a][0])

    def _level(self, v: Value, way: Along) -> int:
        return max(
            self.level[a] if way.by_rows(i) and a in self.way and self.way[a].kept else self._there(a)
            for i, a in enumerate(v.args)
        )

    def _there(self, a: Value) -> int:
        """The level at which all of a value is there."""
        return self.level[a] + (a in self.above)

    def _rows_of(self, v: Value) -> list[Value]:
        """The operands of which a row is needed at a time."""
        return [a for i, a in enumerate(v.args) if self.way[v].by_rows(i)]

    def _is_large(self, v: Value) -> bool:
        return self.rates.entries(v.shape) >= LARGE

    def _reads(self, v: Value) -> bool:
        """Does it read or write a large array?"""
        return any(map(self._is_large, self._rows_of(v))) or (self.way[v].kept and self._is_large(v))

    def groups(self) -> Iterator[Group]:
        """The groups that are worth it."""
        inside: set[Value] = set()
        for v in reversed(self.steps):
            if v in self.above and (self._reads(v) or any(self._together(v, u) for u in self.users[v] if u in inside)):
                inside.add(v)
        parent: dict[object, object] = {}

        def root(x: object) -> object:
            while parent.setdefault(x, x) is not x:
                parent[x] = x = parent[parent[x]]
            return x

        for v in self.steps:
            for a in self._rows_of(v) if v in inside else ():
                if a in inside and self._together(a, v):
                    parent[root(v)] = root(a)
                elif self._is_large(a):  # which others at this level read too
                    parent[root(v)] = root((a, self.level[v]))
        parts: dict[object, list[Value]] = {}
        for v in self.steps:
            if v in inside:
                parts.setdefault(root(v), []).append(v)
        for part in parts.values():
            group = self._group(part)
            if group is not None:
                yield group

    def _together(self, a: Value, v: Value) -> bool:
        """Is a row of `a` needed for v at the same level?"""
        return self.way[a].kept and self.level[a] == self.level[v] and a in self._rows_of(v)

    def _group(self, part: Sequence[Value]) -> Group | None:
        members = self._pruned(part)
        if not any(map(self._reads, members)):
            return None
        formed = [v for v in members if v in self.roots or any(u not in members for u in self.users[v])]
        given = dict.fromkeys(a for v in members for a in self._rows_of(v) if a not in members and self._is_large(a))
        made = [v for v in members if self.way[v].kept and self._is_large(v)]
        width = sum(map(self._width, given)) + sum(sorted(map(self._width, made))[-2:])
        along = self.way[next(iter(members))].dimension
        count = CACHED // width
        if count < LEAST or self.rates.size(along) < LEAST * count:
            return None
        calls = 2 * CALL * (self.rates.size(along) // count) * (len(members) + len(given) + len(formed))
        worth = self._gain(members, set(formed)) > WORTH * calls + PART * self.total
        return Group(along, count, {v: self.way[v] for v in members}, formed) if worth else None

    def _gain(self, members: Collection[Value], formed: Collection[Value]) -> float:
        """The seconds saved where each array is read once, and only what is formed is written; calls are not counted."""
        gain, new = 0.0, 0
        longest: dict[Value, float] = {}  # reading of each array that is given
        for v in members:
            for a in self._rows_of(v):
                if self._is_large(a) and not self._added_by_blas(a):
                    seconds = self._rate(v) * self.rates.entries(a.shape)
                    gain += seconds
                    if a not in members:
                        longest[a] = max(longest.get(a, 0.0), seconds)
            if self.way[v].kept and self._is_large(v) and not self._added_by_blas(v):
                entries = self.rates.entries(v.shape)
                gain += SAVED * entries
                new -= 0 if any(self._ends(a, v) for a in self._rows_of(v)) else entries
                if v in formed:  # written for each block, and copied
                    gain -= 2 * SAVED * entries
                    new += entries
        return gain - sum(longest.values()) - NEW * max(new, 0)

    def _pruned(self, part: Sequence[Value]) -> dict[Value, None]:
        """The steps without large results that nothing else there reads, of operands that are formed anyway."""
        members = dict.fromkeys(part)
        for v in reversed(part):
            if self.way[v].kept and self._is_large(v) and not any(u in members for u in self.users[v]):
                large = [a for a in self._rows_of(v) if self._is_large(a)]
                if large and all(a not in members or self._is_formed(a) for a in large):
                    del members[v]
        return members

    def _ends(self, a: Value, v: Value) -> bool:
        """Is v the last to read an array that is ours, so that it may be written over it?"""
        return a.op != "input" and a not in self.roots and self._is_large(a) and self.users[a][-1] is v

    def _width(self, v: Value) -> int:
        return self.rates.entries(v.shape[1:])

    def _rate(self, v: Value) -> float:
        """Seconds for an entry of a large array that a step reads; it does so often, where a product has columns."""
        if _is_product(v):
            return MULTIPLIED * min(self._width(v), COLUMNS)
        return SAVED
