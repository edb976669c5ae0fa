"""X .+ b' and X .- c: a number added to every entry, a row to every row, a vector to every column; to tensors a number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from frechet.expressions.dimension import SCALAR, UNIT, Shape, kind
from frechet.expressions.errors import ShapeError
from frechet.expressions.node import Expr
from frechet.expressions.operation import Equal, same_shape
from frechet.notation.formula import Formula
from frechet.notation.syntax import Node
from frechet.operations import products, sums
from frechet.operations.constants import ones
from frechet.operations.transposition import transposed


def understand(formula: Formula, node: Node) -> None:
    """In X .+ b' and [A, x; b', c] the name b is a vector, whatever its letter: a number has no transpose."""
    for a in node.args:
        turned = formula.nodes[a]
        if turned.kind in ("transpose", "ctranspose") and formula.nodes[turned.args[0]].kind == "name":
            name = str(formula.nodes[turned.args[0]].value)
            if name.islower() and name not in formula.known and name not in formula.given:
                formula.vectors.add(name)


def shape(equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
    """Along each axis the dimension of the one that has it."""
    a, b = shapes
    if len(a) > 2 or len(b) > 2:
        if SCALAR in (a, b):
            return b if a == SCALAR else a
        if len(a) != len(b):
            raise ShapeError("to a tensor .+ and .- add a number, or a tensor of its shape")
        return same_shape(equal, a, b)
    for d, e in zip(a, b, strict=True):
        if d is not UNIT and e is not UNIT:
            equal(d, e)
    return (a[0] if a[0] is not UNIT else b[0], a[1] if a[1] is not UNIT else b[1])


def build(a: Expr, b: Expr, sign: int) -> Expr:
    target = shape(lambda d, e: None, (a.shape, b.shape), ())
    return sums.add([(1, repeated(a, target)), (sign, repeated(b, target))])


def repeated(e: Expr, target: Shape) -> Expr:
    """A number in every entry, a row in every row, a vector in every column."""
    if e.shape == target:
        return e
    if e.shape == SCALAR:
        return products.scale(e, ones(target))
    if kind(e.shape) == "row":
        return products.product(ones((target[0], UNIT)), e)
    return products.product(e, transposed(ones((target[1], UNIT))))
