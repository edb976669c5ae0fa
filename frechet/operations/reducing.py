"""What reductions have in common: an array goes in, a scalar comes out; and the rules that other families add to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from frechet.expressions.dimension import SCALAR, Shape, kind
from frechet.expressions.errors import ShapeError
from frechet.expressions.node import Expr
from frechet.expressions.operation import Equal, Operation

REDUCTIONS: dict[tuple[str, str], Callable[[Expr], Expr | None]] = {}
"""What a reduction makes of the result of another operation, such as the sum of eigenvalues; filled in by their pages."""


def reduced(reduction: str, e: Expr) -> Expr | None:
    rule = REDUCTIONS.get((reduction, e.op.name))
    return rule(e) if rule is not None else None


class Reduction(Operation):
    """An array goes in, a scalar comes out."""

    takes: ClassVar[tuple[str, ...]] = ("e",)

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        return SCALAR

    def annotate(self, node: Expr) -> None:
        node.sign = self.sign_of(node.args[0])
        node.definite = node.sign
        node.balance = 0
        node.transposed = node

    def sign_of(self, e: Expr) -> int:
        return 0


def square(equal: Equal, shape: Shape, name: str) -> None:
    """Raises or records that the argument must be a square matrix."""
    if kind(shape) != "matrix":
        raise ShapeError(f"{name} needs a square matrix, and this is a {kind(shape)}")
    equal(shape[0], shape[1])
