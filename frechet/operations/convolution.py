"""Convolution of vectors. conv1d slides the kernel along (the cross-correlation of the frameworks), conv is the product of
polynomials; each is the other's adjoint, so that no derivative leaves the two.

Of matrices they work column by column: conv1d(X,w) filters every column of X, conv1d(X,W) each by its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from frechet.expressions.dimension import UNIT, Dim, Shape, dim, kind
from frechet.expressions.errors import ShapeError
from frechet.expressions.node import Expr, make
from frechet.expressions.operation import Equal, Operation
from frechet.operations import products, sums
from frechet.operations.constants import is_zero, ones, zeros


class ConvolutionPage(Operation):
    """What conv1d and conv have in common: bilinear, column by column where an argument is a matrix."""

    takes = ("ee",)
    linear = True
    in_notation = False
    source = "Goodfellow, Bengio & Courville (2016), section 9.1; Golub & Van Loan (2013), section 4.7"

    def length(self, n: Dim, k: Dim) -> Dim:
        raise NotImplementedError

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        for s in shapes:
            if kind(s) not in ("vector", "matrix"):
                raise ShapeError(f"{self.name} takes vectors, or matrices whose columns they are, and this is a {kind(s)}")
        (n, a), (k, b) = shapes
        if UNIT not in (a, b):
            equal(a, b)
        return (self.length(n, k), b if a is UNIT else a)

    def annotate(self, node: Expr) -> None:
        node.sign, node.definite = min(a.sign for a in node.args), 0
        if node.sign and any(a.sign < 2 for a in node.args):
            node.sign = 1

    def build(self, *args: Any) -> Expr:
        (c, a), (k, b) = (sums.content(e) for e in args)
        shape = self.shape(lambda p, q: None, (a.shape, b.shape), ())
        if all(c <= 0 for _, c in shape[0].terms):
            raise ShapeError(f"the kernel, of length {b.shape[0]}, is longer than what it slides along, {a.shape[0]}")
        if is_zero(a) or is_zero(b):
            return zeros(shape)
        front = []
        if a.op is products.SCALE:
            front.append(a.args[0])
            a = a.args[1]
        if b.op is products.SCALE:
            front.append(b.args[0])
            b = b.args[1]
        node = self.node(a, b, shape)
        for s in front:
            node = products.scale(s, node)
        return sums.scaled(c * k, node)

    def node(self, a: Expr, b: Expr, shape: Shape) -> Expr:
        return make(self, (a, b), (), shape)

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        a, b = node.args
        terms = [(1, self.build(d[0], b))] if d[0] is not None else []
        if d[1] is not None:
            terms.append((1, self.build(a, d[1])))
        return sums.add(terms)

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"{self.name}({args[0]}, {args[1]})"


def _folded(columns: Expr, shape: Shape) -> Expr:
    """The sum of the columns, where the argument was one vector for all of them."""
    return (
        products.product(columns, ones((columns.shape[1], UNIT)))
        if columns.kind == "matrix" and shape[1] is UNIT
        else columns
    )


class Conv1dPage(ConvolutionPage):
    name, signature = "conv1d", "conv1d(x,w)"
    summary = (
        "The kernel w slid along x, where it fits: the entries sum_j w_j*x_(i+j-1), n-k+1 of them. Of a matrix, each column."
    )
    rule = "d conv1d(x,w) = conv1d(dx,w) + conv1d(x,dw)"
    adjoint_rule = "v -> conv(v,w) in x, conv1d(x,v) in w"
    examples = ("conv1d(x,w)", "conv1d(X,w)", "conv1d(X,Y)", "sum(relu(conv1d(A*x,w)))")
    identities = (("conv1d(eye(n),w)*x", "conv1d(x,w)"), ("v'*conv1d(x,w)", "conv(v,w)'*x"))

    def length(self, n: Dim, k: Dim) -> Dim:
        return n - k + dim(1)

    def adjoint(self, node: Expr, i: int, w: Expr) -> Expr:
        x, kernel = node.args
        found = CONV.build(w, kernel) if i == 0 else self.build(x, w)
        return _folded(found, node.args[i].shape)


class ConvPage(ConvolutionPage):
    name, signature = "conv", "conv(x,y)"
    summary = (
        "The convolution of two vectors, as long as both together less 1: the coefficients of a product of polynomials."
    )
    rule = "d conv(x,y) = conv(dx,y) + conv(x,dy)"
    adjoint_rule = "v -> conv1d(v,y) in x, conv1d(v,x) in y"
    examples = ("conv(x,y)", "conv(X,y)", "conv(X,Y)", "norm2(conv(A*x,y))^2")
    identities = (("conv(x,y)", "conv(y,x)"), ("sum(conv(x,y))", "sum(x)*sum(y)"))

    def length(self, n: Dim, k: Dim) -> Dim:
        return n + k - dim(1)

    def node(self, a: Expr, b: Expr, shape: Shape) -> Expr:
        first, second = sorted((a, b), key=sums.KEY)
        return make(self, (first, second), (), shape)

    def adjoint(self, node: Expr, i: int, w: Expr) -> Expr:
        return _folded(CONV1D.build(w, node.args[1 - i]), node.args[i].shape)


CONV1D, CONV = Conv1dPage(), ConvPage()
PAGES: tuple[Operation, ...] = (CONV1D, CONV)
