"""softmax and log-sum-exp, of a vector and of the rows of a matrix. They keep their names through the differential."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from frechet.expressions.dimension import SCALAR, UNIT, Shape, kind
from frechet.expressions.errors import ShapeError, UnsupportedError
from frechet.expressions.node import Expr, make
from frechet.expressions.operation import Equal, Operation
from frechet.operations import hadamard, products, rowwise, sums
from frechet.operations.composite import Composite
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
            raise ShapeError(
                "softmax takes a vector; of a matrix softmax(Z,2) is along the rows, softmax(Z,1) down the columns"
            )
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


class SoftmaxOfRowsPage(rowwise.RowwisePage):
    name, typed_as, signature = "softmax_of_rows", "softmax", "softmax(Z,1), softmax(Z,2)"
    summary = "softmax of each column of a matrix; of each row."
    rule = "d softmax(Z,2) = P.*(dZ - sum(P.*dZ,2)*ones'),  P = softmax(Z,2)"
    source = "Goodfellow, Bengio & Courville (2016), section 6.2.2.3, row by row"
    examples = ("softmax(Z,2)", "softmax(A*Z,1)*y")
    identities = (("softmax(Z,2)", "inv(diag(sum(exp(Z),2)))*exp(Z)"), ("softmax(Z',1)", "softmax(Z,2)'"))
    sign_of_value = 2
    keeps_shape = True

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        return weighted_deviation(node, d[0])

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"softmax_of_rows({args[0]})"


def weighted_deviation(p: Expr, dz: Expr) -> Expr:
    """P.*(dZ - sum(P.*dZ,2)*ones'): how weights P move when their logarithms are moved by dZ and the rows add up to 1."""
    mean = rowwise.repeated(rowwise.row_sums(hadamard.times(p, dz)), dz.shape[1])
    return hadamard.times(p, sums.subtract(dz, mean))


class MaskedSoftmaxPage(rowwise.RowwisePage):
    name, signature = "maskedsoftmax", "maskedsoftmax(Z,M)"
    summary = (
        "softmax of each row over the entries that the mask M allows, M.*exp(Z) divided by its row sums; M is constant, "
        "with entries 0 and 1: tril(ones(n,n)) is the causal one."
    )
    rule = "d maskedsoftmax(Z,M) = P.*(dZ - sum(P.*dZ,2)*ones'),  P = maskedsoftmax(Z,M)"
    source = "Vaswani et al. (2017), section 3.2.3"
    conditions_text = "every row of M allows an entry"
    typed, by_rows, takes = True, False, ("ee",)
    examples = ("maskedsoftmax(Q*K',tril(ones(n,n)))*V",)
    identities = (("maskedsoftmax(Z,ones(n,m))", "softmax(Z,2)"),)
    sign_of_value = 1
    keeps_shape = True

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        if any(kind(s) != "matrix" for s in shapes):
            raise ShapeError("maskedsoftmax takes a matrix of scores and a mask of the same shape")
        equal(shapes[0][0], shapes[1][0])
        equal(shapes[0][1], shapes[1][1])
        return shapes[0]

    def build(self, *args: Any) -> Expr:
        z, mask = args
        if mask.op.name == "ones":
            return SOFTMAX_OF_ROWS.of_rows(z)
        return make(self, (z, mask), (), z.shape)

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        if d[1] is not None:
            raise UnsupportedError("maskedsoftmax is differentiated by its scores only: its mask is constant")
        assert d[0] is not None
        return weighted_deviation(node, d[0])

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        return (
            []
            if node.args[1].op.name == "tril"
            else [("every row of {0} has an entry 1, the others are 0 or 1", node.args[1])]
        )

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"maskedsoftmax({args[0]}, {args[1]})"


class LogSumExpOfRowsPage(rowwise.RowwisePage):
    name, typed_as, signature = "logsumexp_of_rows", "logsumexp", "logsumexp(Z,1), logsumexp(Z,2)"
    summary = "log(sum(exp(z))) of each column of a matrix, a row; of each row, a vector."
    rule = "d logsumexp(Z,2) = sum(softmax(Z,2).*dZ,2)"
    source = "Boyd & Vandenberghe (2004), section 3.1.5, row by row"
    examples = ("logsumexp(Z,2)", "logsumexp(A*Z,1)*y")
    identities = (("logsumexp(Z,2)", "log(sum(exp(Z),2))"), ("logsumexp(Z',1)", "logsumexp(Z,2)'"))

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        return rowwise.row_sums(hadamard.times(SOFTMAX_OF_ROWS.of_rows(node.args[0]), d[0]))

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"logsumexp_of_rows({args[0]})"


def logsoftmax(z: Expr, axis: int = 0) -> Expr:
    """z - logsumexp(z)*ones of a vector, and of every row (axis 2) or column (axis 1) of a matrix."""
    if axis == 1:
        return transposed(logsoftmax(transposed(z), 2))
    if axis == 2:
        return sums.subtract(z, rowwise.repeated(LOGSUMEXP_OF_ROWS.of_rows(z), z.shape[1]))
    return sums.subtract(z, products.scale(LOGSUMEXP.build(z), ones(z.shape)))


def _logsoftmax_shape(equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
    return (SOFTMAX_OF_ROWS if params else SOFTMAX).shape(equal, shapes, params)


SOFTMAX, LOGSUMEXP = SoftmaxPage(), LogSumExpPage()
SOFTMAX_OF_ROWS, LOGSUMEXP_OF_ROWS, MASKED_SOFTMAX = SoftmaxOfRowsPage(), LogSumExpOfRowsPage(), MaskedSoftmaxPage()
PAGES: tuple[Operation, ...] = (
    SOFTMAX, LOGSUMEXP, SOFTMAX_OF_ROWS, LOGSUMEXP_OF_ROWS, MASKED_SOFTMAX,
    Composite(
        "logsoftmax", "logsoftmax(z), logsoftmax(Z,1), logsoftmax(Z,2)", "The logarithm of softmax, without overflow.",
        "z-logsumexp(z)*ones", _logsoftmax_shape, logsoftmax, takes=("e", "ei"),
        examples=("logsoftmax(z)", "logsoftmax(Z,2)", "logsoftmax(A*Z,1)"),
        identities=(("logsoftmax(z)", "log(softmax(z))"), ("logsoftmax(Z,1)", "log(softmax(Z,1))")),
    ),
)  # fmt: skip
