"""What a block of rows can compute of a program, and what has to be joined over all blocks first.

A program is to be split along the dimension n. Each of its values is

common    without the axis n, computed from common values: the same for all blocks;
local     with the axis n once, computed row by row: a block computes its own part;
joined    a sum over n of local values, or their largest, smallest or Euclidean norm: blocks give partial ones.

What is joined is common afterwards. Its level says how many times the data is read until it is there: a sum of local values
of level k has level k + 1, everything else the highest level of its operands. Round k computes, block after block, the local
values of level k that the joined ones of level k + 1 need. What mixes the rows in another way is refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from frechet.compilation.contractions import inlined
from frechet.compilation.distribution import terms
from frechet.compilation.rewriting import is_sum
from frechet.compilation.values import Axes, Graph, Labels, Value, informed, rebuild, remade, walk
from frechet.expressions.dimension import UNIT, Dim
from frechet.expressions.errors import UnsupportedError
from frechet.expressions.node import Expr
from frechet.operations.elementwise import Elementwise, level_below

TERMS = 64  # of a product of sums that is multiplied out
SHOWN = 70  # characters of a formula in a message


@dataclass(frozen=True)
class Joined:
    """A value that is computed of each block and joined: by sum, max, min, or the norm of norms."""

    name: str
    value: Value
    how: str


@dataclass(frozen=True)
class Output:
    """A result: of which round, and along which axis the blocks of a local one follow each other; -1 of a common one."""

    value: Value
    level: int
    axis: int


@dataclass(frozen=True)
class Levels:
    """A program split along a dimension.

    split: the variables of which a block has only some rows, with the axis
    joined: by level; those of level k + 1 are what round k computes
    totals: dimensions as numbers, by the name of the input that stands for them: of all rows, not of a block
    """

    graph: Graph
    split: Mapping[str, int]
    joined: Sequence[Sequence[Joined]]
    outputs: Sequence[Output]
    totals: Mapping[str, Dim]

    @property
    def rounds(self) -> int:
        """How many times the data is read."""
        return max([len(self.joined), *(o.level + 1 for o in self.outputs if o.axis >= 0)])


def levels(graph: Graph, roots: Sequence[Value], n: Dim, origin: Mapping[Value, Expr]) -> Levels:
    """The program with these results, split along n.

    origin: the expression of a value, for messages

    Raises:  UnsupportedError, naming the value that mixes the rows and the operation that needs it
    """
    origin = dict(origin)
    return _Analysis(graph, n, origin).run(_narrowed(graph, roots, n, origin))


def wide(v: Value, n: Dim) -> bool:
    """Has the value the axis n twice?"""
    return sum(d is n for d in v.shape) > 1


def _narrowed(graph: Graph, roots: Sequence[Value], n: Dim, origin: dict[Value, Expr]) -> list[Value]:
    """X*X'*y without X*X', and y - P*y for (I - P)*y: products with n×n matrices taken apart where these are products."""

    def change(v: Value, args: tuple[Value, ...]) -> Value:
        new = remade(graph, v, args)
        if new.op == "contract" and any(wide(a, n) for a in new.args):
            new = _multiplied_out(graph, new, n)
        if v in origin:
            origin.setdefault(new, origin[v])
        return new

    return rebuild(graph, roots, change)


def _multiplied_out(graph: Graph, v: Value, n: Dim) -> Value:
    waiting: list[Value] = [v]
    done: list[Value] = []
    while waiting and len(waiting) + len(done) <= TERMS:
        u = waiting.pop()
        inner = next((a for a in u.args if wide(a, n) and (a.op == "contract" or is_sum(a))), None)
        if u.op != "contract" or inner is None:
            done.append(u)
        elif inner.op == "contract":
            waiting.append(inlined(graph, u, {inner}))
        else:
            ins, out, dims, coefficient = u.params
            at = u.args.index(inner)
            for c, term in terms(graph, inner):
                args = [term if i == at else a for i, a in enumerate(u.args)]
                waiting.append(graph.contract(args, ins, out, dims, c * coefficient))
    return v if waiting else graph.linear([(1, u) for u in done], v.shape)


class _Analysis:
    def __init__(self, graph: Graph, n: Dim, origin: Mapping[Value, Expr]) -> None:
        self.graph, self.n, self.origin = graph, n, origin
        (self.name,) = n.names()
        self.new: dict[Value, Value] = {}
        self.level: dict[Value, int] = {}  # of new values
        self.split: dict[str, int] = {}
        self.totals: dict[str, Dim] = {}
        self.found: dict[tuple[str, Value], Value] = {}  # what is joined, and how -> what stands for it
        self.joined: list[list[Joined]] = []

    def run(self, roots: Sequence[Value]) -> Levels:
        for v in walk(roots):
            self._check(v)
            if wide(v, self.n) and v.op != "input":
                continue  # refused where it is used
            new = self.new[v] = getattr(self, f"_{v.op}", self._other)(v)
            if new.op not in ("number", "size"):
                informed(new, v)
        outputs = []
        for r in roots:
            if r not in self.new:
                self.refuse(f"the result {self.said(r)} has the axis {self.name} twice: each row needs all others")
            axis = self._axis(r)
            outputs.append(Output(self.new[r], self.level_of(self.new[r]), -1 if axis is None else axis))
        if not self.split:
            self.refuse(f"no variable of the outputs has the axis {self.name}")
        return Levels(self.graph, self.split, self.joined, outputs, self.totals)

    # -- messages
    def refuse(self, reason: str) -> NoReturn:
        raise UnsupportedError(f"the dimension {self.name} cannot be sharded: {reason}")

    def said(self, v: Value) -> str:
        e = self.origin.get(v)
        if e is not None:
            text = str(e)
            return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
        return {"contract": "a product", "map": "a function of entries", "extreme": "a largest entry"}.get(v.op, v.op)

    def _check(self, v: Value) -> None:
        """Raises where the axis is only a part of another one, or an operand cannot be had by rows."""
        for d in v.shape:
            if d is not self.n and self.name in d.names():
                what = f"the variable {v.params[0]}" if v.op == "input" else self.said(v)
                self.refuse(f"{what} has an axis of {d}, not of {self.name} itself")
        for a in v.args:
            if a not in self.new:
                self.refuse(
                    f"{self.said(v)} needs {self.said(a)}, which has the axis {self.name} twice: each row needs all others"
                )

    # -- what is known of values
    def _axis(self, v: Value) -> int | None:
        return next((k for k, d in enumerate(v.shape) if d is self.n), None)

    def level_of(self, new: Value) -> int:
        """The level of a value that was made here."""
        stack = [new]
        while stack:
            v = stack[-1]
            missing = [a for a in v.args if a not in self.level] if v not in self.level else []
            if missing:
                stack.extend(missing)
            else:
                self.level.setdefault(stack.pop(), max((self.level[a] for a in v.args), default=0))
        return self.level[new]

    def _remade(self, v: Value) -> Value:
        return remade(self.graph, v, [self.new[a] for a in v.args])

    # -- values of each kind
    def _input(self, v: Value) -> Value:
        if wide(v, self.n):
            self.refuse(
                f"the variable {v.params[0]} has the axis {self.name} twice: a block of rows needs all columns of it"
            )
        axis = self._axis(v)
        if axis is not None:
            self.split[v.params[0]] = axis
        return v

    def _number(self, v: Value) -> Value:
        return v

    def _size(self, v: Value) -> Value:
        d = v.params[0]
        if self.name not in d.names():
            return v
        name = f"size {d}"  # no variable is called so
        self.totals[name] = d
        total = self.graph.make("input", (), (name,))
        total.sign = 2
        return total

    def _unit(self, v: Value) -> Value:
        if self._axis(v) is not None:
            self.refuse(f"{self.said(v)} takes certain entries along it")
        if any(self.name in d.names() for d in v.params):
            self.refuse(f"{self.said(v)} is at a place that the number of rows tells")
        return v

    _selection = _unit

    def _map(self, v: Value) -> Value:
        return self._remade(v)

    def _reshape(self, v: Value) -> Value:
        """Row by row where as many entries stand before the axis n as before."""
        (a,) = v.args
        before, after = self._axis(a), self._axis(v)
        same = before is None and after is None
        if before is not None and after is not None:
            same = _entries(a.shape[:before]) is _entries(v.shape[:after])
        if not same:
            self.refuse(f"{self.said(v)} arranges entries of different rows anew")
        return self._remade(v)

    def _norm2(self, v: Value) -> Value:
        new = self._remade(v)
        return new if self._axis(v.args[0]) is None else self._join(new, "norm")

    def _extreme(self, v: Value) -> Value:
        name, of_rows = v.params
        axis = self._axis(v.args[0])
        new = self._remade(v)
        return new if axis is None or (of_rows and axis == 0) else self._join(new, "min" if name == "min" else "max")

    def _page(self, v: Value) -> Value:
        """A function of each entry or of each row, or of common values."""
        op = v.params[0].op
        entrywise = isinstance(op, Elementwise)
        by_rows = op.by_rows and self._axis(v) == 0 and all(self._axis(a) in (None, 0) for a in v.args)
        return self._remade(v) if by_rows or (entrywise and not self._compared(v)) else self._other(v)

    def _compared(self, v: Value) -> bool:
        """Is it the sign of u - max(u), which is computed from u at once, with the largest entry taken along this axis?"""
        node = v.params[0]
        extreme, axis = level_below(node.args[0]) if node.op.name == "sign" else ("", None)
        return bool(extreme) and self._axis(v) != (None if axis is None else 1 - axis)

    def _other(self, v: Value) -> Value:
        if self._axis(v) is not None:
            self.refuse(f"a row of {self.said(v)} depends on the other rows")
        for a in v.args:
            if self._axis(a) is not None:
                self.refuse(f"{self.said(v)} needs all rows of {self.said(a)} at once")
        return self._remade(v)

    # -- contractions
    def _contract(self, v: Value) -> Value:
        """Labels of n that are summed give joined values; what is left is common, or local along the one that is kept."""
        new = self._of_all_rows(self.graph.contract([self.new[a] for a in v.args], *v.params))
        while new.op == "contract":
            late = {a for a in new.args if self._late(a)}
            if not late:
                break
            new = self._of_all_rows(inlined(self.graph, new, late))
        if new.op != "contract":
            return new
        ins, out, dims, c = new.params
        parts = list(zip(new.args, ins, strict=True))
        summed = {k for k, d in enumerate(dims) if d is self.n} - set(out)
        while summed:  # those that leave the least first, so that vectors are joined where matrices would be
            k = min(summed, key=lambda k: (len(_kept(*_divided(parts, k), out, k)), k))
            summed.remove(k)
            parts = self._summed(parts, k, out, dims)
        return _product(self.graph, parts, out, dims, c)

    def _of_all_rows(self, v: Value) -> Value:
        """The value with the number of all rows for a block's: what does not depend on the rows was summed over them."""
        if v.op == "size":
            return self._size(v)
        if v.op != "contract" or not any(a.op == "size" for a in v.args):
            return v
        return remade(self.graph, v, [self._size(a) if a.op == "size" else a for a in v.args])

    def _late(self, v: Value) -> bool:
        """Is it local, and known later than its own local operands? Σ p_n x_n with p = e/Σe is Σ e_n x_n / Σe."""
        if v.op != "contract" or self._axis(v) is None:
            return False
        return self.level_of(v) > max((self.level_of(a) for a in v.args if self._axis(a) is not None), default=0)

    def _summed(self, parts: Sequence[Part], k: int, out: Labels, dims: Sequence[Dim]) -> list[Part]:
        """The operands with those that have the label k replaced by their sum over it.

        Common operands are taken into the sum where that leaves fewer axes: X'*(X*w) and not X'*X. Those that are known only
        after another reading of the data are taken in only where a matrix would be joined else.
        """
        group, rest = _divided(parts, k)
        kept = _kept(group, rest, out, k)
        known = ("sum", self.graph.content(_product(self.graph, group, kept, dims))[1]) in self.found
        level = max(self.level_of(a) for a, _ in group)
        while not known:
            for p in rest:
                left = _kept([*group, p], [q for q in rest if q is not p], out, k)
                common = not any(dims[m] is self.n for m in p[1])
                if common and len(left) < len(kept) and (len(kept) > 1 or self.level_of(p[0]) <= level):
                    break
            else:
                break
            group, rest, kept = [*group, p], [q for q in rest if q is not p], left
            level = max(level, self.level_of(p[0]))
        return [*rest, (self._join(_product(self.graph, group, kept, dims), "sum"), kept)]

    def _join(self, value: Value, how: str) -> Value:
        """What stands for a value once it is joined."""
        c, core = self.graph.content(value) if how == "sum" else (1, value)
        stand = self.found.get((how, core))
        if stand is None:
            name = f"joined {len(self.found) + 1}"  # no variable is called so
            stand = self.found[how, core] = self.graph.make("input", (), (name,), core.shape, core.real)
            informed(stand, core)
            level = self.level_of(core)
            self.level[stand] = level + 1
            while len(self.joined) <= level:
                self.joined.append([])
            self.joined[level].append(Joined(name, core, how))
        labels = tuple(range(len(stand.shape)))
        return self.graph.contract((stand,), (labels,), labels, stand.shape, c)


Part = tuple[Value, Labels]
"""An operand of a contraction."""


def _product(graph: Graph, parts: Sequence[Part], out: Labels, dims: Sequence[Dim], coefficient: Any = 1) -> Value:
    return graph.contract([a for a, _ in parts], [labels for _, labels in parts], out, dims, coefficient)


def _divided(parts: Sequence[Part], k: int) -> tuple[list[Part], list[Part]]:
    """Those with the label k, and the others."""
    return [p for p in parts if k in p[1]], [p for p in parts if k not in p[1]]


def _kept(group: Sequence[Part], rest: Sequence[Part], out: Labels, k: int) -> Labels:
    """The labels of a sum over k that something else needs."""
    outside = set(out).union(*(labels for _, labels in rest))
    return tuple(sorted({m for _, labels in group for m in labels if m in outside and m != k}))


def _entries(shape: Axes) -> Dim:
    count = UNIT
    for d in shape:
        count = count * d
    return count
