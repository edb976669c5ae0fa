"""Transposes, and which of an expression and its transpose is the one that is kept.

Transposes stand at the leaves and around whole sums, element-wise expressions and functions, whichever needs fewer of them:
(A*X - B)' rather than X'*A' - B'. Both orientations are one object and its transpose, so terms that are equal up to a
transpose are collected, and a matrix is symmetric when it is its own transpose.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from frechet.expressions.dimension import SCALAR, UNIT, Shape, kind, show_shape
from frechet.expressions.errors import ShapeError
from frechet.expressions.node import Expr, make
from frechet.expressions.operation import Equal, Operation


class TransposePage(Operation):
    name = "transpose"
    signature = "X'"
    summary = "The transpose; of a vector, a row."
    rule = "d(X') = dX'"
    adjoint_rule = "W -> W'"
    source = "Magnus & Neudecker (2019), section 8.2"
    latex = r"{0}^{\top}"
    typed = False
    linear = complex = True
    examples = ("X'", "x'", "(A*X - B)'")
    identities = (("(A*X)'", "X'*A'"),)

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        return (shapes[0][1], shapes[0][0])

    def build(self, *args: Any) -> Expr:
        return transposed(args[0])

    def annotate(self, node: Expr) -> None:
        node.balance = -node.args[0].balance
        a = node.args[0]
        node.sign, node.definite = a.sign, 0 if a.real else a.definite

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
    if len(e.shape) > 2:
        raise ShapeError(f"a tensor has no transpose, and this is {show_shape(e.shape)}: einsum permutes its axes")
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
    """The complex conjugate in normal form: bars stand on variables; a real expression is its own conjugate.

    Every operation that takes complex arguments has f(conj(Z)) = conj(f(Z)), or a real value.
    """
    if e.real:
        return e
    if e.conjugate is None:
        for node in _without_conjugate(e):
            c = CONJUGATES[node.op.name](node) if node.op.name in CONJUGATES else None
            if c is None:
                c = node.op.rebuild(node, tuple(conjugated(a) for a in node.args))
            node.conjugate = c
            if c.conjugate is None:
                c.conjugate = node
        assert e.conjugate is not None
    return e.conjugate


def _without_conjugate(root: Expr) -> list[Expr]:
    """The complex nodes below root whose conjugate is not known yet, arguments first."""
    order: list[Expr] = []
    seen: set[Expr] = set()
    stack = [(root, False)]
    while stack:
        node, ready = stack.pop()
        if ready:
            order.append(node)
        elif node not in seen and not node.real and node.conjugate is None:
            seen.add(node)
            stack.append((node, True))
            if node.op.name not in CONJUGATES:
                stack.extend((a, False) for a in node.args)
    return order


CONJUGATES: dict[str, Callable[[Expr], Expr]] = {}
"""Operations whose conjugate is not built from the conjugates of their arguments; filled in by their pages."""


def conjugate_transposed(e: Expr) -> Expr:
    """Xᴴ, which adjoints under Re tr(AᴴB) are built with; of a real expression the transpose."""
    return transposed(conjugated(e))


def hermitian(e: Expr) -> bool:
    """Is the expression equal to its conjugate transpose, as far as is known? (Of a real one: is it symmetric?)"""
    return e.shape[0] is e.shape[1] and conjugate_transposed(e) is e


REVERSE: dict[str, Callable[[Expr], Expr]] = {"commutation": _reversed_commutation}
"""Operations whose transpose is built from the transposes of their arguments; filled in by the pages of products."""


def oriented(node: Expr, flipped: Callable[[], Expr]) -> Expr:
    """The node, or the transpose of the transposed node where that reads better.

    `flipped()` gives the transposed expression built from transposed arguments.
    """
    if (
        len(node.shape) > 2
        or node.transposed is not None
        or node.shape[1] is UNIT
        or (node.balance < 0 and node.shape[0] is not UNIT)
    ):
        return node
    other = flipped()
    if other is node:
        node.transposed = node
        return node
    if other.op.name == "transpose" and other.args[0] is node:
        return node
    if node.shape[0] is UNIT or node.balance > 0 or (other.balance == 0 and marks(other) < marks(node)):
        # `node` is left to the garbage collector: everybody uses the transpose of `other`.
        t = make(TRANSPOSE, (other,), (), node.shape)
        if other.transposed is None:
            other.transposed = t
        t.transposed = other
        return t
    transposed(node)
    return node


def marks(e: Expr) -> tuple[Any, ...]:
    """Of two orientations with as many transposes the one that needs fewer signs is kept: Xᴴ X, which is (X' conj(X))'."""
    if e.real:
        return sum(a.op is TRANSPOSE for a in e.args), e.key
    outer = [a for a in e.args if a.op.name in SIGNS]
    return len(outer) + sum(a.op.name in SIGNS for b in e.args if b not in outer for a in b.args), e.key


SIGNS = ("transpose", "conj")


def symmetric(e: Expr) -> bool:
    """Is the expression equal to its transpose, as far as is known?"""
    return len(e.shape) == 2 and e.shape[0] is e.shape[1] and (e.shape[0] is UNIT or (e.balance == 0 and transposed(e) is e))
