"""Arrays of blocks: [A, B; C, D], and [x; y] of vectors and numbers.

A block that stands alone among zeros is a product with columns of the identity matrix, as the parts of an array are
(`indexing`): the differential of [A, B; C, D] with respect to A is E*dA*F'. The notations write it as blocks again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Any

from frechet.expressions.dimension import UNIT, Dim, Shape, at_least, dim
from frechet.expressions.errors import ShapeError
from frechet.expressions.node import Expr, Number, make
from frechet.expressions.operation import Equal, Operation
from frechet.operations import products, sums
from frechet.operations.constants import EYE, ONE, UNIT_VECTOR, eye, is_zero, zeros
from frechet.operations.indexing import FIRST, bounds, columns_from, selects
from frechet.operations.transposition import REVERSE, TRANSPOSE, transposed

GATHERED = 12  # terms of a sum that are put together as blocks
LEAD = 8  # blocks, and letters of each, that say where an array comes in a sum
Grid = list[list[Expr]]


class BlocksPage(Operation):
    name, signature = "blocks", "[A, B; C, D]"
    summary = "A matrix of blocks; a vector of numbers and vectors one below the other."
    rule = "d [A, B; C, D] = [dA, dB; dC, dD]"
    adjoint_rule = "W -> each block's part of W"
    source = "Magnus & Neudecker (2019), section 1.11 (partitioned matrices)"
    typed = False
    linear = complex = True
    examples = (
        "[A, B; C, D]",
        "[x; y]",
        "[A, x; y', c]",
        "[x, y]",
        "[1, 2; 3, 4]*X",
        "norm2([A; c*B]*x)^2",
        "[x; 2; c]",
        "[x; conj(y)]",
    )
    identities = (
        ("[A, B; C, D]'", "[A', C'; B', D']"), ("[A; B]*x", "[A*x; B*x]"), ("[x; y]'*[x; y]", "x'*x + y'*y"),
        ("[A, B]*[A, B]'", "A*A' + B*B'"), ("norm2([x, x])^2", "2*norm2(x)^2"), ("det([1, 2; 3, 4])", "-2"),
    )  # fmt: skip

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        count = params[0]
        rows = [shapes[i : i + count] for i in range(0, len(shapes), count)]
        heights = [_common(equal, [s[0] for s in row]) for row in rows]
        widths = [_common(equal, [row[j][1] for row in rows]) for j in range(count)]
        return _total(heights), _total(widths)

    def rebuild(self, node: Expr, args: tuple[Expr, ...]) -> Expr:
        return blocks(grid(node, args))

    def annotate(self, node: Expr) -> None:
        node.sign, node.definite = min(a.sign for a in node.args), 0
        node.lead = " ".join([a.lead[:LEAD] for a in node.args[:LEAD]])  # [a, b; c, d] comes before [a, c; b, d]

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        return self.rebuild(node, tuple(zeros(a.shape) if di is None else di for a, di in zip(node.args, d, strict=True)))

    def adjoint(self, node: Expr, i: int, w: Expr) -> Expr:
        rows, columns = places(node, i)
        return products.product(*([transposed(rows)] if rows else []), w, *([columns] if columns else []))

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        if node.shape[1] is UNIT:
            return f"np.hstack([{', '.join(args)}])"
        texts = [f"{t}[:, None]" if e.kind == "vector" else t for e, t in zip(node.args, args, strict=True)]
        count = node.params[0]
        rows = ["[" + ", ".join(texts[i : i + count]) + "]" for i in range(0, len(texts), count)]
        return f"np.block([{', '.join(rows)}])"


def _common(equal: Equal, dims: Sequence[Dim]) -> Dim:
    """The one height of blocks side by side, or width of blocks one below the other."""
    there = [d for d in dims if d is not UNIT]
    if not there:
        return UNIT
    for d in there[1:]:
        equal(there[0], d)
    if len(there) < len(dims):
        equal(there[0], FIRST)
    return there[0]


def _total(dims: Sequence[Dim]) -> Dim:
    if len(dims) == 1:
        return dims[0]
    total = dim({})
    for d in dims:
        total = total + (FIRST if d is UNIT else d)
    return total


def grid(node: Expr, args: Sequence[Expr] | None = None) -> Grid:
    """The blocks of a node, row after row."""
    args, count = node.args if args is None else args, node.params[0]
    return [list(args[i : i + count]) for i in range(0, len(args), count)]


@lru_cache(maxsize=64)  # asked for once for every block
def columns_of(lengths: tuple[Dim, ...]) -> Sequence[Expr | None]:
    """For parts of these lengths one after the other, what puts each in its place; None for a single part."""
    if len(lengths) == 1:
        return [None]
    n = _total(lengths)
    found: list[Expr | None] = []
    before = dim({})
    for length in lengths:
        size = FIRST if length is UNIT else length
        found.append(columns_from(n, before + FIRST, before + size, length))
        before = before + size
    return found


def places(node: Expr, i: int) -> tuple[Expr | None, Expr | None]:
    """What puts block i in its place: rows*block*columns'."""
    r, c = divmod(i, node.params[0])
    cells = grid(node)
    return columns_of(tuple(row[0].shape[0] for row in cells))[r], columns_of(tuple(e.shape[1] for e in cells[0]))[c]


def placed(e: Expr, rows: Expr | None, columns: Expr | None) -> Expr:
    """The block e among zeros."""
    return products.product(*([rows] if rows else []), e, *([transposed(columns)] if columns else []))


def blocks(cells: Sequence[Sequence[Expr]]) -> Expr:
    """The array of blocks, in normal form. A single block that is not zero is a product with columns of the identity.

    Raises:  ShapeError, where the blocks do not fit
    """

    def equal(a: Dim, b: Dim) -> None:
        if a is not b:
            raise ShapeError(f"the blocks do not fit: {a} and {b} differ")

    rows = [list(row) for row in cells]
    if len({len(row) for row in rows}) > 1:
        return blocks([[blocks([row])] for row in rows])
    rows = _flat(rows)
    rows = [[_thin_zeros(e, len(rows) > 1, len(row) > 1) for e in row] for row in rows]
    heights = [_common(equal, [e.shape[0] for e in row]) for row in rows]
    widths = [_common(equal, [row[j].shape[1] for row in rows]) for j in range(len(rows[0]))]
    one = UNIT_VECTOR.build(FIRST, 1)  # makes a row or a number a matrix with one row, where its neighbours are
    rows = [
        [
            placed(e, one if h is not e.shape[0] else None, one if w is not e.shape[1] else None)
            for e, w in zip(row, widths, strict=True)
        ]
        for row, h in zip(rows, heights, strict=True)
    ]
    if len(rows) == len(rows[0]) == 1:
        return rows[0][0]
    shape = (_total(heights), _total(widths))
    if shape[0] is UNIT:
        return transposed(blocks([[transposed(e)] for e in rows[0]]))
    there = [(r, c) for r, row in enumerate(rows) for c, e in enumerate(row) if not is_zero(e)]
    if not there:
        return zeros(shape)
    if len(there) == 1:
        r, c = there[0]
        return placed(rows[r][c], columns_of(tuple(heights))[r], columns_of(tuple(widths))[c])
    whole = _put_together(rows, heights, widths)
    return whole or make(BLOCKS, tuple(e for row in rows for e in row), (len(rows[0]),), shape)


def _thin_zeros(e: Expr, below: bool, beside: bool) -> Expr:
    """Zeros as a row, a vector or a number where they are one thick and have other blocks below or beside them."""
    rows, columns = e.shape
    if not is_zero(e) or (rows is not FIRST and columns is not FIRST):
        return e
    return zeros((UNIT if below and rows is FIRST else rows, UNIT if beside and columns is FIRST else columns))


def _flat(rows: Grid) -> Grid:
    """[x; [y; z]] as [x; y; z], and [[A, B]; [C, D]] as [A, B; C, D]."""
    if len(rows) == len(rows[0]) == 1:
        return grid(rows[0][0]) if rows[0][0].op is BLOCKS else rows
    if len(rows) == 1 and any(_is_stack(transposed(e)) for e in rows[0]):
        turned = _flat([[transposed(e)] for e in rows[0]])
        return [[transposed(e) for e in column] for column in zip(*turned, strict=True)]
    if len(rows[0]) > 1:
        return rows
    inner = [grid(row[0]) if row[0].op is BLOCKS else [row] for row in rows]
    widths = [[e.shape[1] for e in cells[0]] for cells in inner]
    if all(w == widths[0] for w in widths):
        return [row for cells in inner for row in cells]
    return [row for cells, whole in zip(inner, rows, strict=True) for row in (cells if len(cells[0]) == 1 else [whole])]


def _is_stack(e: Expr) -> bool:
    return e.op is BLOCKS


def _put_together(rows: Grid, heights: list[Dim], widths: list[Dim]) -> Expr | None:
    """[x[1:k]; x[k+1:n]] is x."""
    if len(rows[0]) > 1:
        if len(rows) > 1:
            return None
        found = _put_together([[transposed(e)] for e in rows[0]], widths, heights)
        return None if found is None else transposed(found)
    base: Expr | None = None
    for (e,), columns in zip(rows, columns_of(tuple(heights)), strict=True):
        chain = e.args if e.op is products.PRODUCT else ()
        if len(chain) < 2 or chain[0].op is not TRANSPOSE or columns is None or chain[0].args[0] is not columns:
            return None
        rest = products.product(*chain[1:])
        if base not in (None, rest):
            return None
        base = rest
    return base


def rows_of_blocks(by: Expr, node: Expr) -> Expr | None:
    """by'*[A, B; C, D] where the selected rows lie in one row of blocks, or are whole rows of blocks."""
    cells = grid(node)
    heights = [row[0].shape[0] for row in cells]
    sizes = [FIRST if h is UNIT else h for h in heights]
    ends = list(accumulate(sizes))
    first, last = bounds(by)
    for row, h, size, end in zip(cells, heights, sizes, ends, strict=True):
        start = end - size
        if not (at_least(first - start, 1) and at_least(end - last, 0)):
            continue
        if h is UNIT:
            return blocks([row]) if by.shape[1] is UNIT else None
        inside = columns_from(h, first - start, last - start, by.shape[1])
        if inside.op is EYE:
            return blocks([row])
        return blocks([[products.product(transposed(inside), e) for e in row]])
    starts = [end - size + FIRST for end, size in zip(ends, sizes, strict=True)]
    if by.shape[1] is not UNIT and first in starts and last in ends and starts.index(first) <= ends.index(last):
        return blocks(cells[starts.index(first) : ends.index(last) + 1])
    return None


def gathered(e: Expr) -> Expr:
    """A sum of parts among zeros as one array of blocks: [u; 0] + [0; v] as [u; v]."""
    if e.op is not sums.SUM or not 1 < len(e.args) <= GATHERED:
        return e
    terms = list(zip(e.params, e.args, strict=True))
    found = _stacked(terms, e.shape)
    if found is not None or e.kind != "matrix":
        return found or e
    found = _stacked(((c, transposed(a)) for c, a in terms), e.shape[::-1])
    return e if found is None else transposed(found)


def _stacked(terms: Iterable[tuple[Number, Expr]], shape: Shape) -> Expr | None:
    there: list[tuple[Expr, Expr]] = []
    for c, a in terms:
        part = _part_among_zeros(c, a)
        if part is None:
            return None
        there.append(part)
    if all(f.op is UNIT_VECTOR for f, _ in there):
        return None
    # (a list is empty to others while it is sorted in place)
    there = sorted(there, key=lambda p: sum(at_least(bounds(p[0])[0] - bounds(f)[0], 0) is True for f, _ in there))
    rows: Grid = []
    end = dim({})
    for f, found in there:
        first, last = bounds(f)
        if at_least(first - end, 1) is not True:
            return None  # they overlap, as far as is known
        rows += _zero_rows(first - end - FIRST, shape[1])
        rows.append([found])
        end = last
    return blocks(rows + _zero_rows(shape[0] - end, shape[1]))


def _zero_rows(height: Dim, width: Dim) -> Grid:
    return [[zeros((height, width))]] if height.terms else []


def _part_among_zeros(c: Number, e: Expr) -> tuple[Expr, Expr] | None:
    """(E, X) where c*e is E*X for columns E of the identity matrix."""
    scalar, body = (e.args[0], e.args[1]) if e.op is products.SCALE else (ONE, e)
    if selects(body):
        return body, sums.scaled(c, products.scale(scalar, eye(body.shape[1])))
    if body.op is not products.PRODUCT or not selects(body.args[0]):
        return None
    return body.args[0], sums.scaled(c, products.scale(scalar, products.product(*body.args[1:])))


def _turned(e: Expr) -> Expr:
    if e.shape[1] is UNIT:  # a row is the transpose of a vector
        return make(TRANSPOSE, (e,), (), e.shape[::-1])
    return blocks([[transposed(e) for e in column] for column in zip(*grid(e), strict=True)])


BLOCKS = BlocksPage()
PAGES: tuple[Operation, ...] = (BLOCKS,)
REVERSE["blocks"] = _turned
