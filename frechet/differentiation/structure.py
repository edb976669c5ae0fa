"""Gradients in the variable's own space: the orthogonal projection to the space of its directions."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from frechet.expressions.dimension import SCALAR, UNIT, Dim
from frechet.expressions.errors import UnsupportedError
from frechet.expressions.node import Expr
from frechet.expressions.space import TOGETHER, space_names
from frechet.operations.constants import COMMUTATION, EYE, ONES, eye, mask_of, ones, size, zeros
from frechet.operations.factorizations import TRIL, TRIU
from frechet.operations.hadamard import monomial
from frechet.operations.powers import PSEUDO_INVERSE
from frechet.operations.products import SCALE, inner, product, scale
from frechet.operations.reductions import sum_all, trace
from frechet.operations.shaping import KRON
from frechet.operations.sums import SUM, add, subtract
from frechet.operations.toeplitz import CIRCULANT_PART, HANKEL_PART, toeplitz_part
from frechet.operations.transposition import conjugate_transposed, hermitian, symmetric, transposed
from frechet.operations.vech import DUPLICATION, ELIMINATION

HALF = Fraction(1, 2)


def structure_of(variable: Expr) -> str:
    """The space the variable's directions live in, by name: general, symmetric, diagonal, skew, lower, orthogonal …"""
    return " ".join(sorted(space_names(*variable.params[1:3]))) or "general"


def projected(g: Expr, variable: Expr) -> Expr:
    """The Riesz representer in the variable's space of the functional ⟨g, ·⟩: the orthogonal projection of g.

    Of a manifold it is the projection to the tangent space, the Riemannian gradient under the metric tr(U'*V).

    Raises:  UnsupportedError, for a space that has no projection here
    Source:  Magnus & Neudecker (2019), section 3.8 and chapter 13; Boumal (2023), chapters 3 and 7
    """
    names = space_names(*variable.params[1:3])
    if (len(names) > 1 and frozenset(names) not in TOGETHER) or not all(name in PROJECTIONS for name in names):
        declared = " ".join(sorted(names))
        raise UnsupportedError(f"gradients with respect to a variable declared {declared} are not supported yet")
    if not HOLDING.isdisjoint(names):  # X is in its space (of directions), and so are its multiples
        g, own = _split(g, lambda a: a is variable)
    else:
        own = None
    for name in names:
        g = PROJECTIONS[name](g, variable)
    return g if own is None else add([(1, g), (1, own)])


def _split(g: Expr, chosen: Callable[[Expr], bool]) -> tuple[Expr, Expr | None]:
    """A sum without its multiples of the expressions chosen, and these."""
    terms = list(zip(g.params, g.args, strict=True)) if g.op is SUM else [(1, g)]
    own = [(c, a) for c, a in terms if chosen(a.args[1] if a.op is SCALE else a)]
    if not own:
        return g, None
    rest = [t for t in terms if t not in own]
    return add(rest) if rest else zeros(g.shape), add(own)


def free_basis(x: Expr) -> Expr | None:
    """B with vec(X) = B*(free entries of X); None where all entries are free.

    Raises:  UnsupportedError, for a structure that has no such matrix here
    """
    names = space_names(*x.params[1:3])
    n = x.shape[0]
    if not names:
        return None
    if names == ("symmetric",):
        return DUPLICATION.build(n)
    if n is x.shape[1] and names in (("lower",), ("upper",)):
        basis = transposed(ELIMINATION.build(n))
        return basis if names == ("lower",) else product(COMMUTATION.build(n, n), basis)
    if names == ("diagonal",):
        return selection(n)
    raise UnsupportedError(f"the free entries of a variable declared {' '.join(names)} are not supported yet")


def selection(n: Dim) -> Expr:
    """S with vec(diag(v)) = S v: the columns e_i ⊗ e_i."""
    column = ones((n, UNIT))
    return monomial((n * n, n), [(KRON.build(eye(n), column), 1), (KRON.build(column, eye(n)), 1)])


def symmetric_part(g: Expr, variable: Expr | None = None) -> Expr:
    """(G + G')/2."""
    return g if symmetric(g) else add([(HALF, g), (HALF, transposed(g))])


def _hermitian(g: Expr, variable: Expr) -> Expr:
    return g if hermitian(g) else add([(HALF, g), (HALF, conjugate_transposed(g))])


def _skew(g: Expr, variable: Expr) -> Expr:
    return add([(HALF, g), (-HALF, transposed(g))])


def _diagonal(g: Expr, variable: Expr) -> Expr:
    return monomial(g.shape, [(g, 1), (EYE.build(g.shape[0]), 1)])


def _sparse(g: Expr, variable: Expr) -> Expr:
    """M.*G."""
    mask = mask_of(variable)
    assert mask is not None
    return monomial(g.shape, [(mask, 1), (g, 1)])


def _traceless(g: Expr, variable: Expr) -> Expr:
    """G - tr(G)/n*I."""
    g, _ = _split(g, lambda a: a.op is EYE)  # the projection takes those away
    return subtract(g, scale(monomial(SCALAR, [(trace(g), 1), (size(g.shape[0]), -1)]), eye(g.shape[0])))


def _centered(g: Expr, variable: Expr) -> Expr:
    """g - mean(g)*ones(n), also on the simplex: the directions in which the sum stays what it is."""
    g, _ = _split(g, lambda a: a.op is ONES)
    return subtract(g, scale(monomial(SCALAR, [(sum_all(g), 1), (size(g.shape[0]), -1)]), ones(g.shape)))


def _orthogonal(g: Expr, x: Expr) -> Expr:
    """Orthogonal, unitary: (G - X*Gᴴ*X)/2; orthonormal columns: G - X*(Xᴴ*G + Gᴴ*X)/2.

    Source:  Edelman, Arias & Smith (1998), eqs. 2.3-2.4
    """
    if x.shape[0] is x.shape[1]:
        return add([(HALF, g), (-HALF, product(x, conjugate_transposed(g), x))])
    return subtract(g, product(x, _hermitian(product(conjugate_transposed(x), g), x)))


def _sphere(g: Expr, x: Expr) -> Expr:
    """G - ⟨X,G⟩*X. Absil, Mahony & Sepulchre (2008), example 3.6.1."""
    g, _ = _split(g, lambda a: a is x)
    return subtract(g, scale(inner(x, g), x))


def _rank(g: Expr, x: Expr) -> Expr:
    """P*G + G*Q - P*G*Q with the projections P = X*pinv(X), Q = pinv(X)*X. Vandereycken (2013), section 2.1."""
    inverse = PSEUDO_INVERSE.build(x)
    p, q = product(x, inverse), product(inverse, x)
    left = product(p, g)
    return add([(1, left), (1, product(g, q)), (-1, product(left, q))])


HOLDING = frozenset({
    "symmetric", "hermitian", "skew", "diagonal", "lower", "upper", "toeplitz", "circulant", "hankel", "traceless",
    "centered", "sparse", "rank",
})  # fmt: skip
PROJECTIONS: dict[str, Callable[[Expr, Expr], Expr]] = {
    "symmetric": symmetric_part, "hermitian": _hermitian, "skew": _skew, "diagonal": _diagonal,
    "lower": lambda g, x: TRIL.build(g), "upper": lambda g, x: TRIU.build(g), "toeplitz": lambda g, x: toeplitz_part(g),
    "circulant": lambda g, x: CIRCULANT_PART.build(g), "hankel": lambda g, x: HANKEL_PART.build(g),
    "traceless": _traceless, "centered": _centered, "simplex": _centered, "sparse": _sparse,
    "orthogonal": _orthogonal, "sphere": _sphere, "rank": _rank,
}  # fmt: skip
