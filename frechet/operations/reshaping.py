"""reshape: the entries of an array in another shape, the first axis fastest, as vec and unvec order them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from frechet.expressions.dimension import UNIT, Shape, axes, dim, entries
from frechet.expressions.errors import ShapeError
from frechet.expressions.node import Expr, make
from frechet.expressions.operation import Equal, Operation
from frechet.operations import products, shaping, sums
from frechet.operations.constants import ONES, is_zero, ones, zeros
from frechet.operations.transposition import TRANSPOSE, transposed


class ReshapePage(Operation):
    name, signature = "reshape", "reshape(X,n,m), reshape(X,n,m,k)"
    summary = (
        "The entries in another shape, the first axis fastest: unvec(vec(X),n,m) of any array, into any number of axes."
    )
    rule = "d reshape(X,n,m) = reshape(dX,n,m)"
    adjoint_rule = "W -> W in the shape of X"
    source = "Golub & Van Loan (2013), section 12.4.1; Kolda & Bader (2009), section 2.4"
    latex = r"\operatorname{reshape}_{p}({0})"
    takes = ("ed+",)
    linear = complex = tensors = True
    examples = ("reshape(T + ones(2,3,4),6,4)", "vec(T + ones(2,3,4))", "reshape(x,2,2,3)")
    identities = (("reshape(X,n*m)", "vec(X)"), ("reshape(reshape(x,2,3,2),4,3)", "unvec(x,4,3)"))

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        if not axes(shapes[0]):
            raise ShapeError("reshape takes an array")
        shape = tuple(params) if len(params) > 1 else (params[0], UNIT)
        equal(entries(shapes[0]), entries(shape))
        return shape

    def build(self, *args: Any) -> Expr:
        dims = tuple(map(dim, args[1:]))
        return reshaped(args[0], dims if len(dims) > 1 else (*dims, UNIT))

    def annotate(self, node: Expr) -> None:
        node.sign, node.definite, node.balance = node.args[0].sign, 0, 0

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        return reshaped(d[0], node.shape)

    def adjoint(self, node: Expr, i: int, w: Expr) -> Expr:
        return reshaped(w, node.args[0].shape)

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"{args[0]}.reshape(({', '.join(map(str, node.shape))}), order='F')"


def reshaped(e: Expr, shape: Shape) -> Expr:
    """The entries of e in another shape of as many entries, in normal form."""
    while e.op in (RESHAPE, shaping.VEC, shaping.UNVEC):
        e = e.args[0]
    if e.shape == shape:
        return e
    if e.op is TRANSPOSE and e.shape[0] is UNIT:
        return reshaped(transposed(e), shape)
    if shape[0] is UNIT:
        return transposed(reshaped(e, (shape[1], UNIT)))
    if e.op is sums.SUM and len(e.args) == 1:
        return sums.scaled(e.params[0], reshaped(e.args[0], shape))
    if e.op is products.SCALE:
        return products.scale(e.args[0], reshaped(e.args[1], shape))
    if e.op is ONES:
        return ones(shape)
    if is_zero(e):
        return zeros(shape)
    if shape[1] is UNIT:
        return shaping.vec(e)
    if len(e.shape) == len(shape) == 2:
        return shaping.unvec(shaping.vec(e), *shape)
    return make(RESHAPE, (e,), shape, shape)


RESHAPE = ReshapePage()
PAGES: tuple[Operation, ...] = (RESHAPE,)
