"""Entries and slices.

A part of an array is a product with columns of the identity matrix: X[i,j] is unit(n,i)'*X*unit(m,j), X[:,j] is
X*unit(m,j), and X[a:b,:] is E'*X with the columns a to b of eye(n) as E. Its differential, its adjoint (the same columns,
which put a part back among zeros) and its Jacobian are those of a product. What such columns make of each other, of
blocks and of constants is told here; the notations write X[i,j] again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from frechet.expressions.dimension import UNIT, Dim, Shape, at_least, dim
from frechet.expressions.node import Expr, make
from frechet.expressions.operation import Equal, Operation
from frechet.operations import blocks, products
from frechet.operations.constants import ONES, UNIT_VECTOR, eye, ones, place, within, zeros
from frechet.operations.transposition import TRANSPOSE, transposed

FIRST = dim(1)


class SelectionPage(Operation):
    name, signature = "selection", "eye(n)[:,a:b]"
    summary = "The columns a to b of the identity matrix: E'*X are rows of X, E*Y are the rows of Y put among zeros."
    rule = "d E = 0"
    source = "Magnus & Neudecker (2019), section 1.11 (a submatrix as a product)"
    conditions_text = "1 ≤ a ≤ b ≤ n"
    elsewhere = "outside of the array there is no such entry: the formula has no meaning there"
    constant = 1
    own_leaves = 1
    typed = False
    examples = ("eye(5)[:,2:4]'*X", "x[2:3]", "X[1:k,:]", "X[:,k+1:m]", "X[1:k,2:3]", "x[k+1:n].*y")
    identities = (
        ("x[2:4][2]", "x[3]"), ("norm2(X[1:2,:]')", "norm2(X[1:2,:])"), ("(A*X)[:,2:3]", "A*X[:,2:3]"),
        ("[x[1:2]; x[3:n]]", "x"), ("(x.*y)[2]", "x[2]*y[2]"),
    )  # fmt: skip

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        raise NotImplementedError  # it is written eye(n)[:,a:b]

    def rebuild(self, node: Expr, args: tuple[Expr, ...]) -> Expr:
        return node

    def annotate(self, node: Expr) -> None:
        node.sign, node.definite = 1, 0

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        first, last = node.params
        return [*within(last, node.shape[0]), *within(first, last)]

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"np.eye({node.shape[0]})[:, {_range(*node.params)}]"


def selection(n: Dim, first: Dim, last: Dim) -> Expr:
    """The n×(last − first + 1) matrix of the columns first to last of eye(n)."""
    if first is FIRST and last is n:
        return eye(n)
    return make(SELECTION, (), (first, last), (n, last - first + FIRST))


def part(e: Expr, *axes: Expr | None) -> Expr:
    """The part of e that a column selector of each axis picks; None for all of an axis that is there."""
    rows, columns = axes if len(axes) == 2 else (axes[0], None) if e.shape[1] is UNIT else (None, axes[0])
    factors = [e]
    if rows is not None:
        factors.insert(0, transposed(rows))
    return products.product(*factors, *([columns] if columns is not None else []))


def selects(f: Expr) -> bool:
    """Is f a column, or some columns, of an identity matrix?"""
    return f.op is UNIT_VECTOR or f.op is SELECTION


def selects_any(f: Expr) -> bool:
    """Does f or its transpose?"""
    return selects(_untransposed(f))


def bounds(f: Expr) -> tuple[Dim, Dim]:
    """The first and the last column of the identity matrix that f has."""
    return f.params if f.op is SELECTION else (place(f.params[0]), place(f.params[0]))


def joined(left: Expr, right: Expr) -> Expr | None:
    """The product of two factors, one of which selects, where it is shorter; None where it stays."""
    if selects(right):
        if left.op is SELECTION:  # columns of columns
            (a, _), (c, d) = bounds(left), bounds(right)
            return columns_from(left.shape[0], a + c - FIRST, a + d - FIRST, right.shape[1])
        if left.op is TRANSPOSE and selects(left.args[0]):
            return _overlap(left.args[0], right)
        turned = (
            joined(transposed(right), transposed(left))
            if left.op in (ONES, blocks.BLOCKS) or left.shape[0] is UNIT
            else None
        )
        return None if turned is None else transposed(turned)
    if left.op is TRANSPOSE and selects(left.args[0]):
        by = left.args[0]
        if right.op is TRANSPOSE and selects(right.args[0]):
            found = joined(right.args[0], by)
            return None if found is None else transposed(found)
        if right.op is ONES:
            return ones((by.shape[1], right.shape[1]))
        if right.op is blocks.BLOCKS:
            return blocks.rows_of_blocks(by, right)
    return None


def columns_from(n: Dim, first: Dim, last: Dim, width: Dim) -> Expr:
    return UNIT_VECTOR.build(n, first) if width is UNIT else selection(n, first, last)


def _overlap(left: Expr, right: Expr) -> Expr | None:
    """left'*right for columns of one identity matrix."""
    shape = (left.shape[1], right.shape[1])
    if left is right:
        return eye(shape[0])
    (a, b), (c, d) = bounds(left), bounds(right)
    if at_least(c - b, 1) or at_least(a - d, 1):
        return zeros(shape)
    if shape[0] is not UNIT and at_least(c - a, 0) and at_least(b - d, 0):
        return columns_from(shape[0], c - a + FIRST, d - a + FIRST, shape[1])
    if shape[1] is not UNIT and at_least(a - c, 0) and at_least(d - b, 0):
        return transposed(columns_from(shape[1], a - c + FIRST, b - c + FIRST, shape[0]))
    return None


class Shorthand(Operation):
    """What is typed in a way of its own and stands for other operations; `rule` says for which."""

    typed = False

    def __init__(self, name: str, signature: str, summary: str, stands_for: str, *examples: str) -> None:
        self.name, self.signature, self.summary = name, signature, summary  # type: ignore[misc]
        self.rule, self.examples = f"stands for {stands_for}", examples  # type: ignore[misc]
        super().__init__()


SELECTION = SelectionPage()
PAGES: tuple[Operation, ...] = (
    SELECTION,
    Shorthand(
        "entry", "X[i,j], X[:,j], x[1:k]", "An entry, a row, a column or a slice; indices count from 1.",
        "unit(n,i)'*X*unit(m,j), X*unit(m,j), eye(n)[:,1:k]'*x", "X[2,3]^2", "X[:,2]'*X[:,j]", "x[1:k]'*y", "X[i,2:3]*y",
    ),
    Shorthand(
        "broadcast", "X .+ b', X .- c",
        "A number added to every entry, a row to every row, a vector to every column; to a tensor a number.",
        "X + ones(n)*b'", "X*A .+ b'", "X .- x", "X .- 2*c",
    ),
    Shorthand(
        "indexed_sum", "sum_i(e)", "The sum of e over its index i, written with matrices.",
        "sum(X*w - y) where e is X[i,:]*w - y[i]", "sum_i((X[i,:]*w - y[i])^2)", "sum_i(y[i]*X[i,:]')",
        "sum_i(sum_j(A[i,j]*x[i]*x[j]))",
    ),
)  # fmt: skip


# -- NumPy
def _less(d: Dim) -> str:
    return str(d - FIRST)


def _range(first: Dim, last: Dim) -> str:
    return f"{'' if first is FIRST else _less(first)}:{last}"


def _index(f: Expr) -> str:
    return _less(place(f.params[0])) if f.op is UNIT_VECTOR else _range(*f.params)


def folded(args: Sequence[Expr], texts: Sequence[str]) -> tuple[list[str], list[Shape], str]:
    """The factors of a chain in NumPy, with X[a:b] for E'*X: their sources and shapes; and what pads their product."""
    sources: list[str] = []
    shapes: list[Shape] = []
    if not any(map(selects_any, args)):
        return [*texts], [a.shape for a in args], ""
    tokens, top, side = among_zeros(args)
    pads = [(f.shape[1], *bounds(f), f.shape[0]) if f else None for f in (top, side)]
    if not tokens:
        assert top is not None
        sources, shapes = [f"np.eye({top.shape[1]})"], [(top.shape[1], top.shape[1])]
    for i, rows, columns in tokens:
        text, shape = texts[i], args[i].shape
        if rows is not None or columns is not None:
            inside = [":" if f is None else _index(f) for f, d in zip((rows, columns), shape, strict=True) if d is not UNIT]
            text = f"{text}[{', '.join(inside[:1] if inside[1:] == [':'] else inside)}]"
            shape = (shape[0] if rows is None else rows.shape[1], shape[1] if columns is None else columns.shape[1])
        sources.append(text)
        shapes.append(shape)
    widths = [f"({_less(p[1])}, {p[3] - p[2]})" if p else "(0, 0)" for p in pads]
    if top is None and side is None:
        return sources, shapes, ""
    if shapes[-1][1] is UNIT or shapes[0][0] is UNIT:
        return sources, shapes, widths[0] if side is None else widths[1]
    return sources, shapes, f"({', '.join(widths)})"


def among_zeros(args: Sequence[Expr]) -> tuple[list[tuple[int, Expr | None, Expr | None]], Expr | None, Expr | None]:
    """A chain E*X*F' as the factors of X as `indexed` gives them, with E and F, which put it among zeros."""
    tokens, last = indexed(args), args[-1]
    rows = args[0] if args[0].op is SELECTION else None
    columns = last.args[0] if last.op is TRANSPOSE and last.args[0].op is SELECTION else None
    if columns is not None and (tokens[-1][0] != len(args) - 1 or (len(tokens) == 1 and rows is None)):
        columns = None
    if rows is not None and tokens[0][2] is not None:
        rows = None
    return tokens[1 if rows else 0 : len(tokens) - (1 if columns else 0)], rows, columns


def indexed(args: Sequence[Expr]) -> list[tuple[int, Expr | None, Expr | None]]:
    """The factors of a chain by number, with what selects among the rows and columns of each."""
    found: list[tuple[int, Expr | None, Expr | None]] = []
    waiting: tuple[int, Expr] | None = None
    for i, f in enumerate(args):
        plain = f.args[0] if f.op is TRANSPOSE else f
        if not selects(plain):
            found.append((i, waiting[1] if waiting else None, None))
            waiting = None
        elif f is not plain:
            if waiting:
                found.append((waiting[0], None, None))
            waiting = (i, plain)
        elif waiting:  # two columns of the identity that nothing is known of
            found += [(waiting[0], None, None), (i, None, None)]
            waiting = None
        elif found and found[-1][2] is None and not selects(_untransposed(args[found[-1][0]])):
            j, rows, _ = found[-1]
            found[-1] = (j, rows, f)
        else:
            found.append((i, None, None))
    if waiting:
        found.append((waiting[0], None, None))
    return found


def _untransposed(f: Expr) -> Expr:
    return f.args[0] if f.op is TRANSPOSE else f
