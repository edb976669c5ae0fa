"""Gradients in the variable's own space: the orthogonal projection to the space of its directions."""

from __future__ import annotations

from fractions import Fraction

from frechet.expressions.errors import UnsupportedError
from frechet.expressions.node import Expr
from frechet.operations.constants import EYE
from frechet.operations.factorizations import TRIL, TRIU
from frechet.operations.hadamard import monomial
from frechet.operations.products import product
from frechet.operations.sums import add, subtract
from frechet.operations.toeplitz import toeplitz_part
from frechet.operations.transposition import conjugate_transposed, hermitian, symmetric, transposed

HALF = Fraction(1, 2)


def structure_of(variable: Expr) -> str:
    """The space the variable's directions live in, by name: general, symmetric, diagonal, skew, lower, orthogonal …"""
    words = set(variable.params[1])
    if words & {"spd", "psd"}:
        words = (words - {"spd", "psd"}) | {"hermitian" if "complex" in words else "symmetric"}
    words.discard("complex")
    if "diagonal" in words:
        words -= {"symmetric", "lower", "upper"}
    return "general" if not words else words.pop() if len(words) == 1 else " ".join(sorted(words))


def projected(g: Expr, variable: Expr) -> Expr:
    """The Riesz representer in the variable's space of the functional ⟨g, ·⟩.

    symmetric: (G + G')/2, hermitian: (G + Gᴴ)/2, skew: (G - G')/2, diagonal: G∘I, lower and upper: the triangle,
    toeplitz: the means of the diagonals, orthogonal: (G - X*G'*X)/2, with orthonormal columns only: G - X*(X'*G + G'*X)/2.

    Raises:  UnsupportedError, for a space that has no projection here
    Source:  Magnus & Neudecker (2019), section 3.8 and chapter 13; Edelman, Arias & Smith (1998), eqs. 2.3-2.4
    """
    space = structure_of(variable)
    if space == "general":
        return g
    if space == "hermitian":
        return g if hermitian(g) else add([(HALF, g), (HALF, conjugate_transposed(g))])
    if space == "symmetric":
        return g if symmetric(g) else add([(HALF, g), (HALF, transposed(g))])
    if space == "skew":
        return add([(HALF, g), (-HALF, transposed(g))])
    if space == "diagonal":
        return monomial(g.shape, [(g, 1), (EYE.build(g.shape[0]), 1)])
    if space in ("lower", "upper"):
        return (TRIL if space == "lower" else TRIU).build(g)
    if space == "toeplitz":
        return toeplitz_part(g)
    if space == "orthogonal":
        return _tangent(g, variable)
    raise UnsupportedError(f"gradients with respect to a variable declared {space} are not supported yet")


def _tangent(g: Expr, x: Expr) -> Expr:
    """The orthogonal projection to the tangent space of the matrices with orthonormal columns, {V : X'V skew}."""
    if x.shape[0] is x.shape[1]:
        return add([(HALF, g), (-HALF, product(x, transposed(g), x))])
    inside = product(transposed(x), g)
    if symmetric(inside):
        return subtract(g, product(x, inside))
    return subtract(g, product(x, add([(HALF, inside), (HALF, transposed(inside))])))
