"""The steps of a program in C, in their order: loops, factorizations and what is computed from them; and their memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import chain

from frechet.compilation.native.blocks import RowBlock, over_rows
from frechet.compilation.native.dimensions import Dimensions
from frechet.compilation.native.functions import NotInC, number
from frechet.compilation.native.loops import (
    CHEAP,
    DEPTH,
    Buffer,
    Call,
    Index,
    Loop,
    Read,
    Reader,
    Sink,
    Stored,
    by_rows,
    cost,
    entries_of,
    entrywise,
    placed,
    summed,
)
from frechet.compilation.native.products import inner_product, product_call
from frechet.compilation.values import Axes, Value, walk
from frechet.expressions.dimension import UNIT, Dim
from frechet.operations.determinant import ADJ

STEPS = 500


class Schedule:
    """The loops and calls that compute values.

    arrays, numbers: what is given: where, or the names of the variables
    dimension: a dimension as C
    """

    def __init__(
        self, roots: Sequence[Value], arrays: dict[Value, Stored], numbers: dict[Value, str], dimension: Dimensions
    ) -> None:
        self.reader = Reader(dimension)
        self.stored, self.ready = self.reader.stored, self.reader.ready
        self.steps: list[Loop | Call] = []
        self.buffers: list[Buffer] = []
        self.home: dict[Value, Loop] = {}  # the first loop that evaluates a pending value
        self.costs: dict[Value, int] = {}
        self.depth: dict[Value, int] = {}
        self.variables, self.given = dict(numbers), frozenset(numbers.values())
        self.pivots: dict[Value, Buffer] = {}  # of LU factorizations
        self.singular: dict[Value, Buffer] = {}  # whether they are of singular matrices
        self.room: list[Dim] = []  # the sizes of the parts of the workspace
        self.blocks: list[RowBlock] = []
        self.taken: dict[Value, list[Stored | str]] = {}  # the results of steps that are done block by block
        self.libraries = False
        for v, where in arrays.items():
            self._keep(v, where, -1)
            if v.op == "pivots":
                self.pivots[v.args[0]] = where.buffer
        self.ready |= dict.fromkeys(numbers, -1)
        for v in walk(roots, {*arrays, *numbers}):
            self._visit(v)
            if len(self.steps) > STEPS:
                raise NotInC("programs that take a compiler long")
        self.results = self._results(roots)
        for buffer, slot in self._slots().items():
            buffer.number = slot

    @property
    def sizes(self) -> list[str]:
        """The variables of C that hold sizes."""
        return list(self.reader.dimension.names.values())

    # -- values, operands first
    def _visit(self, v: Value) -> None:
        if v.op in ("input", "number", "size"):
            self.ready[v] = -1
        elif entrywise(v) and v.shape:
            self._pending(v)
        elif entrywise(v):
            self.variable(v)
            self._loop(Sink(v, None, (), self.reader.operands(v, ())[0]), ())
        elif v.op == "contract":
            self._sum(v)
        elif v.op == "extreme":
            own = tuple(Index(k) for k in range(len(v.args[0].shape)))
            self._loop(Sink(v, self._target(v), own[: len(v.shape)], [(v.args[0], own)]), v.args[0].shape)
        else:
            rule = getattr(self, f"_{v.op}", None)
            if rule is None:
                raise NotInC(v.op)
            rule(v)

    def _pending(self, v: Value) -> None:
        self.costs[v] = cost(v, self.costs)
        self.depth[v] = 1 + max((self.depth.get(a, 0) for a in v.args), default=0)
        if v.op == "contract" and len(v.args) == 1 and v.args[0] in self.stored and v.params[3] == 1:
            (labels,), out, _, _ = v.params
            if sorted(labels) == sorted(out) and len(set(out)) == len(out):  # another order of axes
                source = self.stored[v.args[0]]
                strides = tuple(source.strides[labels.index(k)] for k in out)
                self._keep(v, Stored(source.buffer, strides), self.ready[v.args[0]])
        if self.depth[v] > DEPTH:
            self.memory(v)

    def _keep(self, v: Value, where: Stored, step: int) -> None:
        self.stored[v], self.ready[v] = where, step
        self.costs[v] = self.depth[v] = 0

    def scalar(self, v: Value) -> str:
        """A value without axes, as C."""
        if v.op == "number":
            return number(v.params[0])
        return f"(T){self.reader.dimension(v.params[0])}" if v.op == "size" else self.variables[v]

    def variable(self, v: Value) -> None:
        self.variables[v] = f"v{len(self.variables)}"

    def buffer(self, entries: Dim) -> Buffer:
        found = Buffer(entries, "w", len(self.buffers))
        self.buffers.append(found)
        return found

    def array(self, shape: Axes) -> Stored:
        """New memory for an array, row by row."""
        return Stored(self.buffer(entries_of(shape)), by_rows(shape))

    def _target(self, v: Value) -> Stored | None:
        if v.shape:
            return self.array(v.shape)
        self.variable(v)
        return None

    def memory(self, v: Value) -> Stored:
        """Where an array lies; it is stored if it was not."""
        if v not in self.stored and v in self.home:
            self._store_at_home(v, self.home[v])
        elif v not in self.stored:
            out = v.params[1] if v.op in ("contract", "spread") else range(len(v.shape))
            number = {k: i for i, k in enumerate(dict.fromkeys(out))}  # an axis that is there twice has one loop
            own = tuple(Index(number[k]) for k in out)
            axes = tuple(v.shape[own.index(Index(i))] for i in number.values())
            self._loop(Sink(v, self.array(v.shape), own, self.reader.operands(v, own)[0]), axes)
        return self.stored[v]

    def _rows(self, v: Value) -> Stored:
        """Where an array lies row by row; it is copied if it lies otherwise."""
        where = self.memory(v)
        if where.strides != by_rows(v.shape):
            where = self.array(v.shape)
            self.copy(v, where)
        return where

    def copy(self, v: Value, where: Stored, when: str = "") -> None:
        """The entries of an array, to be written over, or to lie otherwise.

        when: a condition on the sizes, on which they are needed
        """
        own = tuple(Index(k) for k in range(len(v.shape)))
        self._loop(Sink(v, where, own, [(v, own)], copied=True), v.shape, when=when)

    # -- loops
    def _loop(self, sink: Sink, axes: Axes, library: tuple[str, Call] | None = None, when: str = "") -> None:
        """Adds a loop, or a result to a loop that is there."""
        everything = set(range(len(axes)))
        for v, place in self._reached(sink):
            if self._is_pending(v) and self.costs[v] > CHEAP and {k.axis for k in place} - {None} != everything:
                self.memory(v)
        joined = None if library or when else self._joined(sink, axes)
        if joined is None:
            loop = Loop(axes, library=library, when=when)
            self.steps.append(loop)
        else:
            loop, sink = joined
        for v, place in self._reached(sink):
            if self._is_pending(v):
                home = self.home.get(v)
                if home is not None and home is not loop and self.costs[v] > CHEAP:
                    self._store_at_home(v, home)
                elif {k.axis for k in place} == everything and not any(k.offset for k in place) and len(place) == len(axes):
                    loop.inside.setdefault(v, place)
                    self.home.setdefault(v, loop)
        loop.sinks.append(sink)
        v = sink.value
        if not sink.copied:
            if sink.target is not None:
                self._keep(v, sink.target, self.steps.index(loop))
                if entrywise(v):
                    loop.inside[v] = sink.place
            else:
                self.ready[v] = self.steps.index(loop)

    def _is_pending(self, v: Value) -> bool:
        return v not in self.stored and bool(v.shape)

    def _reached(self, sink: Sink) -> list[Read]:
        return self.reader.reached(sink.reads, len(self.steps))

    def _store_at_home(self, v: Value, home: Loop) -> None:
        """In the loop that evaluates all its entries."""
        place = home.inside[v]
        where = self.array(v.shape)
        home.sinks.append(Sink(v, where, place, self.reader.operands(v, place)[0]))
        self._keep(v, where, self.steps.index(home))

    def _joined(self, sink: Sink, axes: Axes) -> tuple[Loop, Sink] | None:
        """A loop over the same axes that evaluates what the sink reads, and the sink with its axes."""
        reached = self._reached(sink)
        for v, place in reached:
            loop = self._evaluates(v)
            if loop is None or loop.library or len(loop.axes) != len(axes):
                continue
            where = loop.inside[v]
            if any(k.axis is None or k.offset for k in (*place, *where)) or len({k.axis for k in place}) != len(axes):
                continue
            names = {k.axis: m.axis for k, m in zip(place, where, strict=True)}
            if len(set(names.values())) != len(axes) or any(loop.axes[m] is not axes[k] for k, m in names.items()):  # type: ignore[index]
                continue
            other = sink.along(names)  # type: ignore[arg-type]
            if self._fits(other, loop):
                return loop, other
        return None

    def _evaluates(self, v: Value) -> Loop | None:
        """The loop in which entries of v are at hand."""
        if v in self.home:
            return self.home[v]
        step = self.ready.get(v, -1)
        loop = self.steps[step] if step >= 0 else None
        return loop if isinstance(loop, Loop) and v in loop.inside else None

    def _fits(self, sink: Sink, loop: Loop) -> bool:
        """Is all that the sink reads there before the loop, or in it at the same place?"""
        step = self.steps.index(loop)
        for v, place in self._reached(sink):
            if loop.inside.get(v) == place:
                continue
            if v in self.ready:
                if self.ready[v] >= step:
                    return False
            elif (
                v in self.home and self.costs[v] > CHEAP and (self.home[v] is loop or self.steps.index(self.home[v]) >= step)
            ):
                return False
        return True

    # -- sums
    def _sum(self, v: Value) -> None:
        _, out, dims, _ = v.params
        if len(set(out)) < len(out):
            raise NotInC("sums along a diagonal")
        among = placed(v)
        labels = [among[k][0] if k in among else k for k in out]
        labels += sorted(summed(v) - set(labels))
        known = {k: Index(i) for i, k in enumerate(labels)}
        for k, (entries, columns) in among.items():
            known[k] = Index(known[entries].axis, self.reader.before(v.args[columns]))
        axes = tuple(dims[k] for k in labels)
        reads = self.reader.factors(v, known, {columns for _, columns in among.values()})
        for a, place in reads:
            if a.shape and a.op not in ("unit", "selection") and {k.axis for k in place} != set(range(len(axes))):
                self.memory(a)
        place = tuple(known[k] for k in out)
        found = None if among else product_call(self, v, reads, axes)
        target = found.target if found is not None else self._target(v)
        sink = Sink(v, target, place, reads)
        library = found.library if found is not None else self._inner_product(sink, axes)
        self._loop(sink, axes, library)

    def _inner_product(self, sink: Sink, axes: Axes) -> tuple[str, Call] | None:
        """That of two arrays for which there is no loop that it joins."""
        if sink.target is not None or self._joined(sink, axes) is not None:
            return None
        return inner_product(self, sink, axes)

    # -- matrices
    def _call(self, template: str, *buffers: Buffer) -> int:
        self.libraries = True
        self.steps.append(Call(template, buffers))
        return len(self.steps) - 1

    def _length(self, v: Value) -> str:
        return self.reader.dimension(v.shape[0])

    def _factor(self, v: Value) -> Stored:
        where = self.array(v.shape)
        self.copy(v.args[0], where)
        return where

    def _cholesky(self, v: Value) -> None:
        where = self._factor(v)
        self._keep(v, where, self._call(f"if (cholesky({self._length(v)}, {{0}})) return 1;", where.buffer))

    def _lu(self, v: Value) -> None:
        where = self._factor(v)
        pivots = self.pivots[v] = self.buffer(v.shape[0])
        singular = self.singular[v] = self.buffer(UNIT)
        step = self._call(f"*(int *){{2}} = lu({self._length(v)}, {{0}}, (int *){{1}});", where.buffer, pivots, singular)
        self._keep(v, where, step)

    def _factors(self, f: Value) -> list[Buffer]:
        """The buffers of a factorization, of an invertible matrix."""
        where = self.stored[f].buffer
        if f.op == "cholesky":
            return [where]
        if f in self.singular:  # where it was computed before it is not
            self._call("if (*(int *){0}) return 1;", self.singular[f])
        return [where, self.pivots[f]]

    def _pivots(self, v: Value) -> None:
        """The row interchanges of a factorization, as entries of an array."""
        (f,) = v.args
        _, pivots = self._factors(f)
        self._keep(v, Stored(pivots, by_rows(v.shape)), self.ready[f])

    def _solve(self, v: Value) -> None:
        f, t = v.args
        axis, turned = v.params
        where = self.array(v.shape)
        if len(v.shape) == 2 and axis == 0:  # the vectors one after the other
            where = Stored(where.buffer, (UNIT, v.shape[0]))
        factors = self._factors(f)
        self.copy(t, where)
        n = self._length(f)
        count = self.reader.dimension(v.shape[1 - axis]) if len(v.shape) == 2 else "1"
        if f.op == "cholesky":
            call = f"if (cholesky_solve({n}, {{0}}, {count}, {{1}})) return 1;"
        else:
            call = f"if (lu_solve({n}, {{0}}, (int *){{1}}, {count}, {{2}}, {int(turned)})) return 1;"
        self._keep(v, where, self._call(call, *factors, where.buffer))

    def _inverse(self, v: Value) -> None:
        (f,) = v.args
        where, n = self.array(v.shape), self._length(v)
        factors = self._factors(f)
        if f.op == "cholesky":
            call = f"if (cholesky_inverse({n}, {{0}}, {{1}})) return 1;"
        else:
            call = f"if (lu_inverse({n}, {{0}}, (int *){{1}}, {{2}})) return 1;"
        self._keep(v, where, self._call(call, *factors, where.buffer))

    def _resolvent(self, v: Value) -> None:
        m, e, a, b = v.args
        where = self.array(v.shape)
        call = f"resolvent({self._length(m)}, {{0}}, {{1}}, {self.scalar(a)}, {self.scalar(b)}, {{2}});"
        self._keep(v, where, self._call(call, self._rows(m).buffer, self._rows(e).buffer, where.buffer))

    def _of_factors(self, v: Value) -> None:
        (f,) = v.args
        pivots = [self.pivots[f]] if f.op == "lu" else []
        extra = ", (int *){1}" if pivots else ""
        self.variable(v)
        call = f"{self.variables[v]} = {f.op}_{v.op}({self._length(f)}, {{0}}{extra});"
        self.ready[v] = self._call(call, self.stored[f].buffer, *pivots)

    _logdet = _det = _of_factors

    def _norm2(self, v: Value) -> None:
        where = self.memory(v.args[0])
        self.variable(v)
        self.steps.append(
            Call(f"{self.variables[v]} = norm2({self.reader.dimension(where.buffer.entries)}, {{0}});", [where.buffer])
        )
        self.ready[v] = len(self.steps) - 1

    def _page(self, v: Value) -> None:
        """Of operations that are called as such there is the adjugate."""
        if v.params[0].op is not ADJ:
            raise NotInC("page")
        source, where = self._rows(v.args[0]), self.array(v.shape)
        room, pivots = self.buffer(where.buffer.entries), self.buffer(v.shape[0])
        call = f"if (adjugate({self._length(v)}, {{0}}, {{1}}, (int *){{2}}, {{3}})) return 1;"
        self._keep(v, where, self._call(call, source.buffer, room, pivots, where.buffer))

    def _cumsum(self, v: Value) -> None:
        axis, backwards = v.params
        source, where = self._rows(v.args[0]), self.array(v.shape)
        before, after = (self.reader.dimension(entries_of(part)) for part in (v.shape[:axis], v.shape[axis + 1 :]))
        n = self.reader.dimension(v.shape[axis])
        call = f"cumsum({before}, {n}, {after}, {{0}}, {{1}}, {int(backwards)});"
        self.steps.append(Call(call, [source.buffer, where.buffer]))
        self._keep(v, where, len(self.steps) - 1)

    # -- blocks of rows
    def _over_rows(self, v: Value) -> None:
        over_rows(self, v)

    def _from_rows(self, v: Value) -> None:
        (whole,), (i,) = v.args, v.params
        where = self.taken[whole][i]
        if isinstance(where, Stored):
            self._keep(v, where, self.ready[whole])
        else:
            self.variables[v], self.ready[v] = where, self.ready[whole]

    # -- shapes
    def _entries(self, v: Value) -> None:
        """Numbers at places, among zeros."""
        where = self.array(v.shape)
        size = self.reader.dimension
        lines = [f"memset({{0}}, 0, {size(where.buffer.entries)} * sizeof(T));"]
        for place, a in zip(v.params, v.args, strict=True):
            at = " + ".join(f"{i} * {size(d)}" for i, d in zip(place, where.strides, strict=True))
            lines.append(f"{{0}}[{at}] = {self.scalar(a)};")
        self.steps.append(Call("\n".join(lines), [where.buffer]))
        self._keep(v, where, len(self.steps) - 1)

    def _reshape(self, v: Value) -> None:
        (a,) = v.args
        before = len(self.steps)
        where = self._rows(a)
        ready = len(self.steps) - 1 if len(self.steps) > before else self.ready[a]
        self._keep(v, Stored(where.buffer, by_rows(v.shape)), ready)

    # -- results
    def _results(self, roots: Sequence[Value]) -> list[Buffer | Value]:
        """For each root the buffer that becomes its array, or the number."""
        found: list[Buffer | Value] = []
        for v in roots:
            if not v.shape:
                found.append(v)
                continue
            where = self.memory(v)
            if where.buffer.kind != "w" or where.strides != by_rows(v.shape):
                where = self.array(v.shape)
                self.copy(v, where)
            where.buffer.kind, where.buffer.number = "r", len(found)
            found.append(where.buffer)
        return found

    def used(self, i: int) -> list[Buffer]:
        """The parts of the workspace that a step reads or writes."""
        step = self.steps[i]
        if isinstance(step, Call):
            found = list(step.buffers)
        else:
            found = [sink.target.buffer for sink in step.sinks if sink.target is not None]
            for sink in step.sinks:
                read = self.reader.reached(sink.reads, i)
                found += [self.stored[v].buffer for v, _ in read if self.reader.there(v, i)]
            if step.library is not None:  # copies of operands too
                found += step.library[1].buffers
        return list(dict.fromkeys(b for b in found if b.kind == "w"))

    def _slots(self) -> dict[Buffer, int]:
        """The workspace of each buffer: buffers of one size that are not needed at the same time share one."""
        used = [self.used(i) for i in range(len(self.steps))]
        last = {b: i for i, buffers in enumerate(used) for b in buffers}
        free: dict[Dim, list[int]] = {}
        slots: dict[Buffer, int] = {}
        for i, buffers in enumerate(used):
            over = self._written_over(i, {b for b in buffers if b in slots and last[b] == i})
            for b in buffers:
                if b in over:
                    slots[b] = slots[over[b]]
                elif b not in slots:
                    if not free.get(b.entries):
                        free.setdefault(b.entries, []).append(len(self.room))
                        self.room.append(b.entries)
                    slots[b] = free[b.entries].pop()
            for b in buffers:
                if last[b] == i and b not in over.values():
                    free[b.entries].append(slots[b])
        return slots

    def _written_over(self, i: int, ending: Collection[Buffer]) -> dict[Buffer, Buffer]:
        """Of the arrays that a loop makes, those whose entries can be written over the entries they follow from.

        ending: the buffers that nothing reads afterwards
        """
        loop = self.steps[i]
        if not isinstance(loop, Loop) or loop.library is not None or not ending:
            return {}
        own = [[read for read in self.reader.reached(sink.reads, i) if self.reader.there(read[0], i)] for sink in loop.sinks]
        readings: dict[Buffer, set[Read]] = {}
        for read in chain(*own):
            readings.setdefault(self.stored[read[0]].buffer, set()).add(read)
        found: dict[Buffer, Buffer] = {}
        for sink, reads in zip(loop.sinks, own, strict=True):
            target = sink.target
            if target is None or target.buffer.kind != "w" or target.buffer in found:
                continue
            if not entrywise(sink.value) or sink.among_zeros:
                continue
            for read in reads:  # an entry is read once, before it is written
                v, place = read
                buffer, strides = self.stored[v]
                if buffer not in ending or buffer in found.values() or readings[buffer] != {read}:
                    continue
                if place == sink.place and strides == target.strides and buffer.entries is target.buffer.entries:
                    found[target.buffer] = buffer
                    break
        return found
