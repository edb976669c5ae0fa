"""Products of arrays as calls of BLAS: axes that lie as one do for one, so that a tensor is a matrix, or many.

A product of tensors whose axes lie otherwise is one of copies in another order, and its result may lie in another order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from frechet.compilation.native.functions import number
from frechet.compilation.native.loops import Call, Index, Read, Sink, Stored, by_rows, entries_of
from frechet.compilation.values import Axes, Value
from frechet.expressions.dimension import UNIT, Dim

if TYPE_CHECKING:
    from frechet.compilation.native.scheduling import Schedule


class Operand(NamedTuple):
    """A value, where it lies in memory, and the number of the loop along each of its axes."""

    value: Value
    where: Stored
    axes: list[int]

    def step(self, some: Sequence[int]) -> Dim | None:
        """The distance of neighbours along some axes, if these lie as one."""
        at = [self.axes.index(k) for k in some]
        strides = [self.where.strides[i] for i in at]
        as_one = all(strides[i] is strides[i + 1] * self.value.shape[at[i + 1]] for i in range(len(at) - 1))
        return strides[-1] if as_one else None

    def steps_along(self, each: Sequence[int]) -> bool:
        """May these axes be gone along as one, as far as it has them?"""
        own = [k for k in each if k in self.axes]
        return not own or (own == each and self.step(own) is not None)


class AsMatrices(NamedTuple):
    """A product of two arrays, whose axes have numbers, as one of matrices, or as many.

    each: the axes that have a product for each place, those of both arrays or the first ones of the left one
    rows, columns, inner: the axes that only the left one has, that only the right one has, and that are summed
    """

    left: Operand
    right: Operand
    each: list[int]
    rows: list[int]
    columns: list[int]
    inner: list[int]


class ProductCall(NamedTuple):
    """Where the result lies; a condition on the sizes, and the call then."""

    target: Stored
    library: tuple[str, Call]


def product_call(schedule: Schedule, v: Value, reads: Sequence[Read], axes: Axes) -> ProductCall | None:
    """A contraction, the axes of its result first, as a product of matrices, or as one for each place along some axes.

    The result may lie in another order. Operands that are no matrices as they lie are copied.
    """
    operands = _operands(schedule, reads, axes, len(v.shape))
    if operands is None:
        return None
    own = list(range(len(v.shape)))
    ways = [_as_matrices(a, b, len(own)) for a, b in (operands, operands[::-1])]
    ways = sorted((w for w in ways if w.rows), key=lambda w: [*w.each, *w.rows, *w.columns] != own)
    for way in ways:
        found = _call(schedule, v, way, axes) if way.columns or [*way.each, *way.rows] == own else None
        if found is not None:
            return found
    if not ways or not ways[0].columns:
        return None
    when = f"{' * '.join(_sizes(schedule, ways[0], axes))} > MATRIX"
    return _call(schedule, v, _copied(schedule, ways[0], when), axes, when)


def inner_product(schedule: Schedule, sink: Sink, axes: Axes) -> tuple[str, Call] | None:
    """The sum of the products of two arrays that are there and lie alike."""
    v, reads = sink.value, sink.reads
    if len(reads) != 2 or any(a not in schedule.stored for a, _ in reads):
        return None
    whole = tuple(map(Index, range(len(axes))))
    (a, left), (b, right) = reads
    first, second = schedule.stored[a], schedule.stored[b]
    if left != whole or right != whole or not first.strides == second.strides == by_rows(axes):
        return None
    count, c = schedule.reader.dimension(entries_of(axes)), number(v.params[3])
    front = f"{c} * " if v.params[3] != 1 else ""
    call = f"{schedule.variables[v]} = {front}inner_product({count}, {{0}}, {{1}});"
    return f"{count} >= MANY", Call(call, [first.buffer, second.buffer])


def _operands(schedule: Schedule, reads: Sequence[Read], axes: Axes, count: int) -> list[Operand] | None:
    """The two arrays, where each has an axis once, and both have those that are summed."""
    if len(reads) != 2 or any(a not in schedule.stored for a, _ in reads):
        return None
    if any(k.offset or k.axis is None for _, place in reads for k in place):
        return None
    found = [Operand(a, schedule.stored[a], [k.axis for k in place if k.axis is not None]) for a, place in reads]
    one, other = ({*operand.axes} for operand in found)
    once = len(one) == len(found[0].axes) and len(other) == len(found[1].axes)
    return found if once and {*range(count, len(axes))} <= one & other else None


def _as_matrices(left: Operand, right: Operand, count: int) -> AsMatrices:
    """The product with one array on the left; the first axes, so many, are those of the result."""
    one, other = left.axes, right.axes
    shared = [k for k in range(count) if k in one and k in other]
    rows, columns = ([k for k in range(count) if k not in theirs] for theirs in (other, one))
    inner = [k for k in one if k >= count]
    apart = 0
    while not shared and apart < len(rows) and _lying(left, rows[apart:], inner) is None:
        apart += 1
    if apart == len(rows):  # no part of it is a matrix
        apart = 0
    return AsMatrices(left, right, shared or rows[:apart], rows[apart:], columns, inner)


def _lying(a: Operand, rows: Sequence[int], columns: Sequence[int]) -> tuple[str, Dim] | None:
    """How the matrix with these axes as rows and columns lies: by rows or transposed, and the distance of neighbours."""
    down, across = a.step(rows), a.step(columns)
    if down is None or across is None:
        return None
    if across is UNIT:
        return "'n'", down
    return ("'t'", across) if down is UNIT else None


def _copied(schedule: Schedule, way: AsMatrices, when: str) -> AsMatrices:
    """The same with copies, made on a condition, of operands that are no matrices as they lie, in the order of the axes."""
    left, right, each, rows, columns, inner = way
    other = [k for k in right.axes if k in inner]
    if _lying(left, rows, inner) is None and _lying(right, other, columns) is not None:
        inner = other
    if _lying(left, rows, inner) is None or not left.steps_along(each):
        left = _in_order(schedule, left, [*each, *rows, *inner], when)
    if _lying(right, inner, columns) is None or not right.steps_along(each):
        right = _in_order(schedule, right, [*each, *inner, *columns], when)
    return AsMatrices(left, right, each, rows, columns, inner)


def _in_order(schedule: Schedule, a: Operand, order: Sequence[int], when: str) -> Operand:
    """A copy of an array whose axes lie in this order, as far as it has them."""
    where = _array(schedule, a.value.shape, [a.axes.index(k) for k in order if k in a.axes])
    schedule.copy(a.value, where, when)
    return Operand(a.value, where, a.axes)


def _array(schedule: Schedule, shape: Axes, order: Sequence[int]) -> Stored:
    """New memory for an array whose axes lie in this order."""
    strides = dict(zip(order, by_rows(tuple([shape[i] for i in order])), strict=True))
    return Stored(schedule.buffer(entries_of(shape)), tuple([strides[i] for i in range(len(shape))]))


def _sizes(schedule: Schedule, way: AsMatrices, axes: Axes) -> list[str]:
    """The rows, the columns where there are any, and the length of what is summed, as C."""
    groups = [group for group in (way.rows, way.columns, way.inner) if group]
    return [schedule.reader.dimension(entries_of(tuple([axes[k] for k in group]))) for group in groups]


def _call(schedule: Schedule, v: Value, way: AsMatrices, axes: Axes, when: str = "") -> ProductCall | None:
    """The product as it is taken apart, into new memory; None where the operands do not lie so.

    when: a condition other than that it is faster than a loop
    """
    size = schedule.reader.dimension
    left, right, each, rows, columns, inner = way
    lying = _lying(left, rows, inner)
    if lying is None or not left.steps_along(each) or not right.steps_along(each):
        return None
    sizes = _sizes(schedule, way, axes)
    first = f"{number(v.params[3])}, {{0}}, {lying[0]}, {size(lying[1])}"
    front = f"{', '.join(sizes)}, {first}"
    large, few = f"{' * '.join(sizes)} > MATRIX", f"ARE_FEW({', '.join(sizes)}, FEW)"
    if not columns:
        step = right.step(inner)
        if step is None:
            return None
        call = f"matrix_vector({front}, {{1}}, {size(step)}, {{2}}, FROM_MEMORY({size(left.where.buffer.whole)}));"
        large = f"{' * '.join(sizes)} > VECTOR"
        few = f"ARE_FEW(1, {', '.join(sizes)}, FEW)" if lying[0] == "'t'" else ""
    elif _are_transposes(way) or (left.value is right.value and v.symmetric and len(axes) == 3):
        call = f"matrix_own_transpose({sizes[0]}, {sizes[2]}, {first}, {{2}});"
        few = f"ARE_FEW({', '.join(sizes)}, FEW_SQUARED)"
    else:
        beside = _lying(right, inner, columns)
        if beside is None:
            return None
        call = f"matrix_matrix({front}, {{1}}, {beside[0]}, {size(beside[1])}, {{2}});"
    target = _array(schedule, v.shape, [*each, *rows, *columns])
    if each:
        for i, operand in enumerate((left, right, Operand(v, target, list(range(len(v.shape)))))):
            step = operand.step(each) if each[0] in operand.axes else None
            if step is not None:
                call = call.replace(f"{{{i}}}", f"{{{i}}} + i * {size(step)}")
        call = f"for (npy_intp i = 0; i < {size(entries_of(tuple([axes[k] for k in each])))}; i++)\n{call}"
    schedule.libraries = True
    condition = when or " || ".join(filter(None, (large, few)))
    return ProductCall(target, (condition, Call(call, [left.where.buffer, right.where.buffer, target.buffer])))


def _are_transposes(way: AsMatrices) -> bool:
    """Is the right matrix the left one, transposed?"""
    if way.left.value is not way.right.value or way.each or len(way.rows) != len(way.columns):
        return False
    turned = dict(zip([*way.rows, *way.inner], [*way.columns, *way.inner], strict=True))
    return [turned[k] for k in way.left.axes] == way.right.axes
