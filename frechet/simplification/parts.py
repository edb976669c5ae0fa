"""Parts of functions of blocks as functions of blocks: tanh([A, B; C, D])[1:n,1:n] is tanh(A)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from frechet.expressions.dimension import SCALAR
from frechet.expressions.node import Expr, walk_along
from frechet.operations.blocks import BLOCKS
from frechet.operations.elementwise import Elementwise
from frechet.operations.hadamard import MONOMIAL, monomial
from frechet.operations.indexing import selects, selects_any
from frechet.operations.products import SCALE, product
from frechet.operations.sums import SUM
from frechet.operations.transposition import TRANSPOSE


def parts_inward(e: Expr, limit: int) -> Expr:
    """A product with parts of functions of blocks as one with functions of parts of the blocks, where it is shorter.

    limit: leaves of a function, at most
    """
    for i, f in enumerate(e.args):
        rows = e.args[i - 1 : i] if i and _selects_rows(e.args[i - 1]) else ()
        columns = e.args[i + 1 : i + 2] if i + 1 < len(e.args) and selects(e.args[i + 1]) else ()
        if not (rows or columns) or selects_any(f) or f.leaves > limit:
            continue
        changed = _part(f, rows, columns)
        if changed is not None and changed.leaves < f.leaves + len(rows) + len(columns):
            return product(*e.args[: i - len(rows)], changed, *e.args[i + 1 + len(columns) :])
    return e


def _selects_rows(f: Expr) -> bool:
    return f.op is TRANSPOSE and selects(f.args[0])


def _part(f: Expr, rows: tuple[Expr, ...], columns: tuple[Expr, ...]) -> Expr | None:
    """rows*f*columns, with both taken to the arrays that f is a function of entry by entry; None where none is of blocks."""
    if f.op is BLOCKS or not any(node.op is BLOCKS for node in _entrywise(f)):
        return None
    new: dict[Expr, Expr] = {}
    for node in _entrywise(f):
        if node.shape == SCALAR:
            new[node] = node
        elif entrywise(node):
            new[node] = of_arrays(node, [new[a] for a in node.args])
        else:
            new[node] = product(*rows, node, *columns)
    return new[f]


def entrywise(node: Expr) -> bool:
    """Is each entry of an array a function of those at the same place of its operands, and of numbers?"""
    return node.op in (SUM, SCALE, MONOMIAL) or (isinstance(node.op, Elementwise) and not node.params)


def of_arrays(node: Expr, args: Sequence[Expr]) -> Expr:
    """The same function of the entries of arrays of another shape, or of numbers."""
    if node.op is MONOMIAL:
        shape = next((a.shape for a in args if a.shape != SCALAR), SCALAR)
        return monomial(shape, list(zip(args, node.params, strict=True)))
    return node.op.rebuild(node, tuple(args))


def _entrywise(f: Expr) -> Iterator[Expr]:
    """The nodes that f is made of entry by entry, operands first."""
    return walk_along(f, lambda node: node.args if node.shape != SCALAR and entrywise(node) else ())
