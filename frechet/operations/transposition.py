"""Transposes, and which of an expression and its transpose is the one that is kept.

Transposes stand at the leaves and around whole sums, element-wise expressions and functions, whichever needs fewer of them:
(A*X - B)' rather than X'*A' - B'. Both orientations are one object and its transpose, so terms that are equal up to a
transpose are collected, and a matrix is symmetric when it is its own transpose.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from frechet.expressions.dimension import SCALAR, UNIT, Shape, kind
from frechet.expressions.node import Expr, make
from frechet.expressions.operation import Equal, Operation


class TransposePage(Operation):
    name = "transpose"
    signature = "X'"
    summary = "The transpose; of a vector, a row."
    rule = "d(X') = dX'"
    adjoint_rule = "W -> W'"
    source = "Magnus & Neudecker (2019), section 8.3"
    latex = r"{0}^{\top}"
    typed = False
    linear = True
    examples = ("X'", "x'", "(A*X - B)'")
    identities = (("(A*X)'", "X'*A'"),)

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        return (shapes[0][1], shapes[0][0])

    def build(self, *args: Any) -> Expr:
        return transposed(args[0])

    def annotate(self, node: Expr) -> None:
        node.balance = -node.args[0].balance
        node.sign, node.definite = node.args[0].sign, 0

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        return transposed(d[0])

    def adjoint(self, node: Expr, i: int, w: Expr) -> Expr:
        return transposed(w)

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return args[0] if UNIT in node.shape else f"{args[0]}.T"


TRANSPOSE = TransposePage()
PAGES: tuple[Operation, ...] = (TRANSPOSE,)


def transposed(e: Expr) -> Expr:
    """The transpose in normal form.

    Shapes:  n×m gives m×n, a vector gives a row, a scalar itself
    """
    if e.transposed is not None:
        return e.transposed
    name = e.op.name
    if e.shape == SCALAR:
        t = e
    elif name == "transpose":
        t = e.args[0]
    elif name in REVERSE:
        t = REVERSE[name](e)
    elif name in ("ones", "zeros") and kind(e.shape) == "matrix":
        t = make(e.op, (), (), e.shape[::-1])
    else:
        t = make(TRANSPOSE, (e,), (), e.shape[::-1])
    e.transposed = t
    if t.transposed is None:
        t.transposed = e
    return t


def _reversed_commutation(e: Expr) -> Expr:
    return make(e.op, (), e.params[::-1], e.shape)


def conjugated(e: Expr) -> Expr:
    """The complex conjugate; every expression is real so far (reading refuses complex variables), so it is e itself."""
    return e


def conjugate_transposed(e: Expr) -> Expr:
    """Xᴴ, which adjoints under Re tr(AᴴB) are built with; of a real expression the transpose."""
    return transposed(conjugated(e))


REVERSE: dict[str, Callable[[Expr], Expr]] = {"commutation": _reversed_commutation}
"""Operations whose transpose is built from the transposes of their arguments; filled in by the pages of products."""


def oriented(node: Expr, flipped: Callable[[], Expr]) -> Expr:
    """The node, or the transpose of the transposed node where that reads better.

    `flipped()` gives the transposed expression built from transposed arguments.
    """
    if node.transposed is not None or node.shape[1] is UNIT or (node.balance < 0 and node.shape[0] is not UNIT):
        return node
    other = flipped()
    if other is node:
        node.transposed = node
        return node
    if other.op.name == "transpose" and other.args[0] is node:
        return node
    if node.shape[0] is UNIT or node.balance > 0 or (other.balance == 0 and other.key < node.key):
        # `node` is left to the garbage collector: everybody uses the transpose of `other`.
        t = make(TRANSPOSE, (other,), (), node.shape)
        if other.transposed is None:
            other.transposed = t
        t.transposed = other
        return t
    transposed(node)
    return node


def symmetric(e: Expr) -> bool:
    """Is the expression equal to its transpose, as far as is known?"""
    return e.shape[0] is e.shape[1] and (e.shape[0] is UNIT or (e.balance == 0 and transposed(e) is e))
