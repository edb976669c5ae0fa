"""The matrix of a linear map for vec: vec L(V) = J vec(V), columns stacked.

Scalars and vectors are their own vec, so the Jacobian of a vector by a vector is the usual one. For matrices it is written
with Kronecker products and commutation matrices (Magnus & Neudecker (2019), chapters 2, 3 and 9).
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from frechet.differentiation.structure import selection
from frechet.differentiation.wirtinger import coefficient, holomorphic_part
from frechet.expressions.dimension import SCALAR, entries
from frechet.expressions.errors import UnsupportedError
from frechet.expressions.node import Expr, make, substitute, walk
from frechet.operations.blocks import places
from frechet.operations.constants import COMMUTATION, NUMBER, ONE, eye, magnitude, ones, zeros
from frechet.operations.declared_maps import ALONG
from frechet.operations.einsum import coefficients, letters_of
from frechet.operations.hadamard import monomial
from frechet.operations.kronecker_forms import KRONECKER_FORMS
from frechet.operations.matrix_functions import FRECHET, SQRTM
from frechet.operations.networks import contracted, fresh
from frechet.operations.powers import TERMS_LIMIT, inverse, power
from frechet.operations.products import product, scale
from frechet.operations.reshaping import reshaped
from frechet.operations.shaping import KRON, diag, kron_permutation, vec
from frechet.operations.sums import add
from frechet.operations.transposition import transposed
from frechet.operations.vech import ELIMINATION


def jacobian(image: Expr, direction: Expr) -> Expr:
    """The Jacobian of the linear map direction -> image.

    Shapes:  (entries of image) × (entries of direction)
    Raises:  UnsupportedError, for a part that has no matrix form here, and for a map that is not linear over the
             complex numbers
    """
    image = holomorphic_part(image, direction)
    rows, columns = entries(image.shape), entries(direction.shape)
    if direction.shape == SCALAR:
        return vec(substitute(image, {direction: ONE}))
    if image.shape == SCALAR:
        return transposed(vec(coefficient(image, direction)))
    found: dict[Expr, Expr] = {direction: eye(columns)}
    for node in walk(image):
        if node in found or not any(a in found for a in node.args):
            continue
        if node.shape == SCALAR:
            found[node] = transposed(vec(coefficient(node, direction)))
            continue
        rule = RULES.get(node.op.name)
        if rule is None:
            raise UnsupportedError(f"the Jacobian of {node.op.name} has no matrix form here")
        parts = [rule(node, i, found[a]) for i, a in enumerate(node.args) if a in found]
        found[node] = add((1, p) for p in parts)
    return found.get(image, zeros((rows, columns)))


def _sum(node: Expr, i: int, j: Expr) -> Expr:
    return add([(node.params[i], j)])


def _product(node: Expr, i: int, j: Expr) -> Expr:
    rows, columns = node.args[i].shape
    left = product(*node.args[:i]) if i else eye(rows)
    right = product(*node.args[i + 1 :]) if i + 1 < len(node.args) else eye(columns)
    return product(KRON.build(transposed(right), left), j)  # vec(A V B) = (B' ⊗ A) vec V


def _scale(node: Expr, i: int, j: Expr) -> Expr:
    s, e = node.args
    return scale(s, j) if i == 1 else product(vec(e), j)


def _hadamard(node: Expr, i: int, j: Expr) -> Expr:
    rest = [f for k, f in enumerate(zip(node.args, node.params, strict=True)) if k != i]
    return product(diag(vec(monomial(node.shape, rest))), j)


def _transpose(node: Expr, i: int, j: Expr) -> Expr:
    m, n = node.args[0].shape
    return product(COMMUTATION.build(m, n), j)


def _diag(node: Expr, i: int, j: Expr) -> Expr:
    return product(selection(node.shape[0]), j)


def _diagonal(node: Expr, i: int, j: Expr) -> Expr:
    return product(transposed(selection(node.args[0].shape[0])), j)


def _kron(node: Expr, i: int, j: Expr) -> Expr:
    a, b = node.args
    inside = KRON.build(j, vec(b)) if i == 0 else KRON.build(vec(a), j)
    return product(kron_permutation(a.shape, b.shape), inside)


def _mask(node: Expr, i: int, j: Expr) -> Expr:
    return product(diag(vec(node.op.build(ones(node.shape)))), j)


def _sylvester(node: Expr, i: int, j: Expr) -> Expr:
    """vec(Z) = (I ⊗ A + B' ⊗ I)^-1 vec(C) where A Z + Z B = C."""
    if node.op.name == "dsqrtm":
        a = b = SQRTM.build(node.args[0])
    else:
        a = node.args[0]
        b = node.args[1] if node.op.name == "sylvester" else transposed(a)
    rows, columns = node.shape
    both = [(1, KRON.build(eye(columns), a)), (1, KRON.build(transposed(b), eye(rows)))]
    return product(inverse(add(both)), j)


def _power(node: Expr, i: int, j: Expr) -> Expr:
    """Of X^(k/2), k a whole number, by the powers of sqrtm(X)."""
    x, a, e = node.args
    k = a.params[0] * 2 if a.op is NUMBER else 0
    if k == 0 or not isinstance(k, int | Fraction) or k != int(k) or magnitude(k) > TERMS_LIMIT:
        return product(KRONECKER_FORMS["powm"].build(x, a), j)
    step = _sylvester(make(FRECHET["sqrtm"], (x, e), (), node.shape), 1, j)
    root, k = SQRTM.build(x), int(k)
    pairs = [(n, k - 1 - n) for n in range(k)] if k > 0 else [(-n, k - 1 + n) for n in range(1, 1 - k)]
    both = [(1 if k > 0 else -1, KRON.build(transposed(power(root, m)), power(root, n))) for n, m in pairs]
    return product(add(both), step)


def _complex_part(node: Expr, i: int, j: Expr) -> Expr:
    return node.op.build(j)  # of a real direction


def _second(node: Expr, i: int, j: Expr) -> Expr:
    """D²F(x)[u, v] = D²F(x)[u]*v."""
    return product(ALONG.build(node.args[0], node.args[3 - i], *node.params), j)


def _blocks(node: Expr, i: int, j: Expr) -> Expr:
    rows, columns = places(node, i)
    n, m = node.args[i].shape
    return product(KRON.build(columns or eye(m), rows or eye(n)), j)


def _einsum(node: Expr, i: int, j: Expr) -> Expr:
    """The other factors with the indices of the result and then of the argument, unfolded to a matrix."""
    factors, target, dims = coefficients(node, i)
    output, apart = letters_of(node)[1], ""
    for c in target:  # an index that the argument and the result share becomes two, with an eye
        if c in output:
            new = fresh(dims)
            dims[new] = dims[c]
            factors.append((eye(dims[c]), c + new))
            c = new
        apart += c
    weights = contracted(factors, output + apart, dims)
    return product(reshaped(weights, (entries(node.shape), entries(node.args[i].shape))), j)


def _convolution(node: Expr, i: int, j: Expr) -> Expr:
    """Of vectors: every column of the Jacobian so far is convolved."""
    a, b = node.args
    if a.kind != "vector" or b.kind != "vector":
        raise UnsupportedError(f"the Jacobian of {node.op.name} of a matrix has no matrix form here")
    return node.op.build(j, b) if i == 0 else node.op.build(a, j)


def _vech(node: Expr, i: int, j: Expr) -> Expr:
    return product(ELIMINATION.build(node.args[0].shape[0]), j)


def _frechet(node: Expr, i: int, j: Expr) -> Expr:
    """vec(L_f(X, E)) = K vec(E) with a K that has a name."""
    return product(KRONECKER_FORMS[node.op.name[1:]].build(*node.params, *node.args[:-1]), j)


def _same(node: Expr, i: int, j: Expr) -> Expr:
    return j


RULES: dict[str, Callable[[Expr, int, Expr], Expr]] = {
    "sum_of_terms": _sum, "product": _product, "scale": _scale, "hadamard": _hadamard, "transpose": _transpose,
    "diag": _diag, "diagonal": _diagonal, "kron": _kron, "vec": _same, "unvec": _same, "reshape": _same, "einsum": _einsum,
    "tril": _mask, "triu": _mask, "lowhalf": _mask, "sylvester": _sylvester, "lyap": _sylvester, "dsqrtm": _sylvester,
    "dpowm": _power, "conj": _complex_part, "re": _complex_part, "im": _complex_part, "blocks": _blocks, "vech": _vech,
    "declared_second_form": _second, "conv1d": _convolution, "conv": _convolution,
    "dexpm": _frechet, "dlogm": _frechet, "dsinm": _frechet, "dcosm": _frechet, "dfunm": _frechet,
}  # fmt: skip
