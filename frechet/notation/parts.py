"""Entries, slices and blocks, written: X[i,j] for unit(n,i)'*X*unit(m,j), X[1:k,:] for a product with columns of eye(n)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from frechet.expressions.dimension import SCALAR, UNIT, Dim, dim
from frechet.expressions.node import Expr
from frechet.operations.blocks import grid
from frechet.operations.constants import UNIT_VECTOR, eye, is_zero, place, zeros
from frechet.operations.indexing import among_zeros, bounds, selects_any
from frechet.operations.transposition import TRANSPOSE

if TYPE_CHECKING:
    from frechet.notation.writing import Piece, Style

FIRST = dim(1)


def has_parts(factors: Sequence[Expr]) -> bool:
    """Does a chain select entries, rows or columns?"""
    return any(map(selects_any, factors))


def chain_of_parts(node: Expr, pieces: Mapping[Expr, Piece], style: Style) -> Piece:
    """A chain with its selections written in brackets, and a part among zeros as a block."""
    tokens, rows, columns = among_zeros(node.args)
    factors = [_bracketed(node.args[i], r, c, pieces, style) for i, r, c in tokens]
    if not factors:
        assert rows is not None
        factors = [style.constant(eye(rows.shape[1]))]
    core = factors[0] if len(factors) == 1 else style.product(factors)
    return core if rows is None and columns is None else _among_zeros(node, core, rows, columns, style)


def _bracketed(f: Expr, rows: Expr | None, columns: Expr | None, pieces: Mapping[Expr, Piece], style: Style) -> Piece:
    if rows is None and columns is None:
        return pieces[f]
    left = (f.shape[0] if rows is None else rows.shape[1], f.shape[1] if columns is None else columns.shape[1])
    turned = f.op is TRANSPOSE
    base = f.args[0] if turned else f
    chosen = (columns, rows) if turned else (rows, columns)
    inside = [_index(c, style) for c, d in zip(chosen, base.shape, strict=True) if d is not UNIT]
    piece = style.entry(pieces[base], inside)
    return style.transpose(piece) if turned and left != SCALAR else piece


def _index(f: Expr | None, style: Style) -> str:
    if f is None:
        return ":"
    if f.op is UNIT_VECTOR:
        return style.dimension(place(f.params[0]))
    return ":".join(map(style.dimension, f.params))


def _among_zeros(node: Expr, core: Piece, rows: Expr | None, columns: Expr | None, style: Style) -> Piece:
    heights, widths = _lengths(rows, node.shape[0]), _lengths(columns, node.shape[1])

    cells = [[core[0] if here and there else _zeros(h, w, style) for w, there in widths] for h, here in heights]
    return style.blocks(cells)


def _zeros(height: Dim, width: Dim, style: Style) -> str:
    """Zeros as a block; one row of them as a row, one column as a vector."""
    height, width = (UNIT if d is FIRST else d for d in (height, width))
    if not style.sized_zeros or height is width is UNIT:
        return style.number(0)[0]
    if height is UNIT:
        return style.transpose(style.constant(zeros((width, UNIT))))[0]
    return style.constant(zeros((height, width)))[0]


def _lengths(f: Expr | None, whole: Dim) -> list[tuple[Dim, bool]]:
    """The lengths of the zeros before a part, of the part, of the zeros behind it; those that are not 0."""
    if f is None:
        return [(whole, True)]
    first, last = bounds(f)
    parts = [(first - FIRST, False), (f.shape[1], True), (f.shape[0] - last, False)]
    return [(d, here) for d, here in parts if d.terms]


def block_piece(node: Expr, pieces: Mapping[Expr, Piece], style: Style) -> Piece:
    cells = grid(node)
    return style.blocks(
        [[_zeros(e.shape[0], e.shape[1], style) if is_zero(e) else pieces[e][0] for e in row] for row in cells]
    )
