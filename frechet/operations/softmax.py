"""softmax and log-sum-exp of a vector. They keep their names through the differential."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from frechet.expressions.dimension import SCALAR, UNIT, Shape, kind
from frechet.expressions.errors import ShapeError
from frechet.expressions.node import Expr, make
from frechet.expressions.operation import Equal, Operation
from frechet.operations import hadamard, products, sums
from frechet.operations.constants import ones
from frechet.operations.transposition import transposed


def _without_shift(v: Expr) -> tuple[Any, Expr]:
    """v = w + c*1 with a number c."""
    if v.op.name == "sum_of_terms":
        for c, a in zip(v.params, v.args, strict=True):
            if a.op.name == "ones" and len(v.args) > 1:
                return c, sums.add((k, b) for k, b in zip(v.params, v.args, strict=True) if b is not a)
    return 0, v


class SoftmaxPage(Operation):
    name, signature, summary = "softmax", "softmax(x)", "exp(x)/sum(exp(x)) of a vector."
    rule = "d softmax(x) = p.*dx - p*(p'*dx),  p = softmax(x)"
    source = "Goodfellow, Bengio & Courville (2016), section 6.2.2.3"
    latex = r"\operatorname{softmax}({0})"
    takes = ("e",)
    examples = ("softmax(x)", "v'*softmax(K*q)")
    identities = (("softmax(x)", "exp(x)/sum(exp(x))"), ("sum(softmax(x))", "1"))

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        if kind(shapes[0]) not in ("vector", "row"):
            raise ShapeError("softmax takes a vector (softmax(Z,2) of the rows of a matrix comes later)")
        return shapes[0]

    def build(self, *args: Any) -> Expr:
        v: Expr = args[0]
        if v.shape[0] is UNIT:
            return transposed(self.build(transposed(v)))
        _, v = _without_shift(v)
        return make(self, (v,), (), v.shape)

    def annotate(self, node: Expr) -> None:
        node.sign, node.definite = 2, 0

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        return sums.subtract(hadamard.times(node, d[0]), products.product(node, transposed(node), d[0]))

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"softmax({args[0]})"


class LogSumExpPage(Operation):
    name, signature, summary = "logsumexp", "logsumexp(x)", "log(sum(exp(x))) of all entries."
    rule = "d logsumexp(x) = softmax(x)'*dx"
    source = "Boyd & Vandenberghe (2004), section 3.1.5"
    latex = r"\operatorname{logsumexp}({0})"
    takes = ("e",)
    tensors = True
    examples = ("logsumexp(A*x)", "logsumexp(X)")
    identities = (("logsumexp(x)", "log(sum(exp(x)))"),)

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        return SCALAR

    def build(self, *args: Any) -> Expr:
        v: Expr = args[0]
        if v.shape == SCALAR:
            return v
        if v.shape[0] is UNIT:
            v = transposed(v)
        c, v = _without_shift(v)
        return sums.add([(1, make(self, (v,), (), SCALAR)), (c, ones(SCALAR))])

    def annotate(self, node: Expr) -> None:
        node.sign = node.definite = node.balance = 0
        node.transposed = node

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        v = node.args[0]
        if v.kind == "vector":
            return products.product(transposed(SOFTMAX.build(v)), d[0])
        from frechet.operations.elementwise import EXP

        weights = EXP.build(sums.subtract(v, products.scale(node, ones(v.shape))))
        return products.inner(weights, d[0])

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"logsumexp({args[0]})"


SOFTMAX, LOGSUMEXP = SoftmaxPage(), LogSumExpPage()
PAGES: tuple[Operation, ...] = (SOFTMAX, LOGSUMEXP)
