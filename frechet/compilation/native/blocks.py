"""Steps that are done for one block of rows after the other, in C: see `frechet.compilation.row_blocks`.

A block is a function of its own. It is given where its rows begin, or whole arrays; rows of results it fills in where they
belong, and of sums it leaves the part of the block, which is added.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from frechet.compilation.native.dimensions import Dimensions
from frechet.compilation.native.loops import Buffer, Call, Stored, entries_of
from frechet.compilation.values import Value
from frechet.expressions.dimension import dim

if TYPE_CHECKING:
    from frechet.compilation.native.scheduling import Schedule


ROWS, PART = 80, 20  # a block has so many rows, or that part of those it has in NumPy: it fits the first level of the cache


class RowBlock(NamedTuple):
    """The function of one block: its name, the parameters of its operands, and its steps."""

    name: str
    given: Sequence[str]
    schedule: Schedule


def over_rows(schedule: Schedule, v: Value) -> None:
    """Enters the loop over the blocks."""
    (block,) = v.params
    k, size = len(schedule.blocks), schedule.reader.dimension
    count = min(block.count, max(ROWS, block.count // PART))  # calls cost little
    buffers: list[Buffer] = []

    def pointer(buffer: Buffer, at: str = "") -> str:
        buffers.append(buffer)
        return f"{{{len(buffers) - 1}}}{at}"

    def from_row(where: Stored) -> str:
        return pointer(where.buffer, f" + at * {size(where.strides[0])}")

    arrays: dict[Value, Stored] = {}
    numbers: dict[Value, str] = {}
    given: list[str] = []
    args: list[str] = []
    for i, (stand, a, cut) in enumerate(zip(block.inputs, v.args, block.cut, strict=True)):
        if a.shape:
            where = schedule.memory(a)
            whole = entries_of((block.along, *stand.shape[1:]) if cut else stand.shape)
            arrays[stand] = Stored(Buffer(entries_of(stand.shape), "a", i, whole), where.strides)
            given.append(f"const T *restrict a{i}")
            args.append(from_row(where) if cut else pointer(where.buffer))
        else:
            numbers[stand] = f"x{i}"
            given.append(f"const T x{i}")
            args.append(schedule.scalar(a))
    rows = f"rows{k}"
    inner = type(schedule)(block.results, arrays, numbers, Dimensions({**size.names, str(block.rows): rows}))
    schedule.blocks.append(RowBlock(f"block{k}", given, inner))
    schedule.libraries |= inner.libraries
    before: list[str] = []
    after: list[str] = []
    taken: list[Stored | str] = []
    for i, (r, joined) in enumerate(zip(block.results, block.joined, strict=True)):
        if joined:
            where = schedule.array((block.along, *r.shape[1:]))
            args.append(from_row(where))
            taken.append(where)
        elif r.shape:
            where, part = schedule.array(r.shape), schedule.array(r.shape)
            total, entries = pointer(where.buffer), size(where.buffer.entries)
            args.append(pointer(part.buffer))
            before.append(f"memset({total}, 0, {entries} * sizeof(T));")
            after.append(f"for (npy_intp j = 0; j < {entries}; j++) {total}[j] += {args[-1]}[j];")
            taken.append(where)
        else:
            schedule.variable(r)
            total = schedule.variables[r]
            args.append(f"&part{i}")
            before.append(f"T part{i}; {total} = 0;")
            after.append(f"{total} += part{i};")
            taken.append(total)
    args += inner.sizes
    args += [pointer(schedule.buffer(d.substitute({str(block.rows): dim(count)}))) for d in inner.room]
    along = size(block.along)
    lines = [
        *before,
        f"for (npy_intp at = 0; at < {along}; at += {count}) {{{{",
        f"const npy_intp {rows} = {along} - at < {count} ? {along} - at : {count};",
        f"if (block{k}({', '.join(args)})) return 1;",
        *after,
        "}}",
    ]
    schedule.steps.append(Call("\n".join(["{{", *lines, "}}"]), buffers))
    schedule.taken[v] = taken
    schedule.ready[v] = len(schedule.steps) - 1
