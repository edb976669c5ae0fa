"""Layers and losses of neural networks, as names that stand for other operations: their derivatives are the textbook's.

The gradient of softmax cross-entropy is softmax(z) - y where the entries of y add up to 1 (declare y simplex or onehot),
and sum(y)*softmax(z) - y for any y.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from frechet.expressions.dimension import SCALAR, Shape, kind
from frechet.expressions.errors import ShapeError
from frechet.expressions.node import Expr
from frechet.expressions.operation import Equal, Operation
from frechet.operations import factorizations, hadamard, norms, products, reductions, rowwise, softmax, sums
from frechet.operations.composite import Composite
from frechet.operations.constants import ones, size
from frechet.operations.elementwise import RELU, SOFTPLUS
from frechet.operations.transposition import transposed


def _alike(equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> None:
    if kind(shapes[0]) != kind(shapes[1]):
        raise ShapeError("kinds")
    equal(shapes[0][0], shapes[1][0])
    equal(shapes[0][1], shapes[1][1])


def _loss(equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
    _alike(equal, shapes, params)
    return SCALAR


def _cross_entropy_shape(equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
    if params:
        rowwise.need_axis("crossentropy(Z,Y,", shapes[0], params[0], "crossentropy(z,y)")
    elif kind(shapes[0]) != "vector":
        raise ShapeError("crossentropy of a matrix is crossentropy(Z,Y,2), a sample in each row, or crossentropy(Z,Y,1)")
    return _loss(equal, shapes, params)


def _cross_entropy(z: Expr, y: Expr, axis: int = 0) -> Expr:
    if axis == 1:
        z, y = transposed(z), transposed(y)
    if axis:
        total = products.product(transposed(rowwise.row_sums(y)), softmax.LOGSUMEXP_OF_ROWS.of_rows(z))
    else:
        total = products.scale(reductions.sum_all(y), softmax.LOGSUMEXP.build(z))
    return sums.subtract(total, products.inner(y, z))


def _binary_cross_entropy(z: Expr, y: Expr) -> Expr:
    return sums.subtract(reductions.sum_all(SOFTPLUS.build(z)), products.inner(y, z))


def _mean_squared_error(x: Expr, y: Expr) -> Expr:
    count = hadamard.monomial(SCALAR, [(size(x.shape[0]), 1), (size(x.shape[1]), 1)])
    return products.quotient(hadamard.monomial(SCALAR, [(norms.norm2(sums.subtract(x, y)), 2)]), count)


def _hinge(z: Expr, y: Expr) -> Expr:
    margin = sums.subtract(ones(z.shape), hadamard.times(y, z))
    return reductions.sum_all(RELU.build(margin))


def _attention_shape(equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
    if any(kind(s) != "matrix" for s in shapes):
        raise ShapeError("queries, keys and values are matrices, a row for each position; so is the mask")
    (n, d), (m, e), (k, p) = shapes[:3]
    equal(d, e)
    equal(m, k)
    if len(shapes) == 4:
        equal(shapes[3][0], n)
        equal(shapes[3][1], m)
    return (n, p)


def _attention(q: Expr, k: Expr, v: Expr, mask: Expr | None = None) -> Expr:
    root = hadamard.monomial(SCALAR, [(size(q.shape[1]), Fraction(-1, 2))])
    scores = products.product(root, q, transposed(k))
    if mask is None:
        return products.product(softmax.SOFTMAX_OF_ROWS.of_rows(scores), v)
    return products.product(softmax.MASKED_SOFTMAX.build(scores, mask), v)


def _causal_shape(equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
    if kind(shapes[0]) == kind(shapes[1]) == "matrix":
        equal(shapes[0][0], shapes[1][0])
    return _attention_shape(equal, shapes, params)


def _causal_attention(q: Expr, k: Expr, v: Expr) -> Expr:
    n = q.shape[0]
    return _attention(q, k, v, factorizations.TRIL.build(ones((n, n))))


def _dropout_shape(equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
    _alike(equal, shapes, params)
    if shapes[2] != SCALAR:
        raise ShapeError("the c of dropout(X,M,c), the probability of dropping an entry, is a number")
    return shapes[0]


def _dropout(x: Expr, mask: Expr, p: Expr) -> Expr:
    kept = sums.subtract(ones(SCALAR), p)
    return products.quotient(hadamard.times(mask, x), kept)


def _embedding_shape(equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
    if kind(shapes[0]) != "matrix" or kind(shapes[1]) != "matrix":
        raise ShapeError("embedding(E,Y) takes a table E, a row for each word, and a matrix Y with one-hot rows")
    equal(shapes[1][1], shapes[0][0])
    return (shapes[1][0], shapes[0][1])


PAGES: tuple[Operation, ...] = (
    Composite(
        "crossentropy", "crossentropy(z,y), crossentropy(Z,Y,2)",
        "Softmax cross-entropy of logits z and labels y; of each row, added up. Its gradient is softmax(z) - y where y is "
        "declared simplex or onehot.",
        "sum(y)*logsumexp(z)-y'*z = -y'*log(softmax(z))", _cross_entropy_shape, _cross_entropy, takes=("ee", "eei"),
        examples=("crossentropy(z,y)", "crossentropy(X*B,Y,2)", "crossentropy(Z,Y,1)"),
        identities=(("crossentropy(z,y)", "-y'*logsoftmax(z)"), ("crossentropy(Z,Y,2)", "-sum(Y.*log(softmax(Z,2)))")),
        source="Bishop (2006), eqs. 4.108-4.109",
    ),
    Composite(
        "binarycrossentropy", "binarycrossentropy(z,y)",
        "Cross-entropy of logits z and labels y between 0 and 1, added up over all entries. Its gradient is sigmoid(z) - y.",
        "sum(softplus(z))-y'*z = -y'*log(sigmoid(z))-(1-y)'*log(sigmoid(-z))", _loss, _binary_cross_entropy, takes=("ee",),
        examples=("binarycrossentropy(A*x,y)", "binarycrossentropy(Z,Y)"),
        identities=(("binarycrossentropy(z,y)", "-y'*logsigmoid(z)-(ones(n)-y)'*logsigmoid(-z)"),),
        source="Bishop (2006), eq. 4.90",
    ),
    Composite(
        "mse", "mse(X,Y)", "The mean squared difference of all entries.", "norm2(X-Y)^2/(n*m)", _loss, _mean_squared_error,
        takes=("ee",), examples=("mse(A*x,y)", "mse(X,Y)"), identities=(("mse(x,y)", "mean((x-y).^2)"),),
        source="calculus",
    ),
    Composite(
        "hinge", "hinge(z,y)", "The hinge loss of scores z and labels 1 and -1, added up over all entries.",
        "sum(relu(ones-y.*z))", _loss, _hinge, takes=("ee",), examples=("hinge(A*x,y)", "hinge(Z,Y)"),
        conditions="no y.*z is 1 (there the subgradient 0 is given)", source="Cortes & Vapnik (1995)",
    ),
    Composite(
        "attention", "attention(Q,K,V), attention(Q,K,V,M)",
        "Scaled dot-product attention; a mask M of 0 and 1 says which keys a query sees.",
        "softmax(Q*K'/sqrt(d),2)*V, maskedsoftmax(Q*K'/sqrt(d),M)*V", _attention_shape, _attention, takes=("eee", "eeee"),
        examples=("attention(Q,K,V)", "attention(X,X,X)"), source="Vaswani et al. (2017), eq. 1",
    ),
    Composite(
        "causalattention", "causalattention(Q,K,V)", "Attention in which a position sees itself and what was before it.",
        "maskedsoftmax(Q*K'/sqrt(d),tril(ones(n,n)))*V", _causal_shape, _causal_attention, takes=("eee",),
        examples=("causalattention(Q,K,V)",), source="Vaswani et al. (2017), section 3.2.3",
        identities=(("causalattention(Q,K,V)", "attention(Q,K,V,tril(ones(n,n)))"),),
    ),
    Composite(
        "dropout", "dropout(X,M,c)", "The entries that the mask M of 0 and 1 keeps, divided by the probability to be kept.",
        "M.*X/(1-c)", _dropout_shape, _dropout, takes=("eee",), examples=("dropout(x,m,1/4)", "dropout(X,M,c)"),
        source="Srivastava et al. (2014), section 10",
    ),
    Composite(
        "embedding", "embedding(E,Y)", "The rows of the table E that the one-hot rows of Y name.", "Y*E", _embedding_shape,
        lambda table, rows: products.product(rows, table), takes=("ee",), examples=("embedding(E,Y)",), source="calculus",
    ),
)  # fmt: skip
