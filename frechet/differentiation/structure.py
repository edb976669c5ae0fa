"""Gradients in the variable's own space: the orthogonal projection to the space of its directions."""

from __future__ import annotations

from fractions import Fraction

from frechet.expressions.errors import UnsupportedError
from frechet.expressions.node import Expr
from frechet.operations.constants import EYE
from frechet.operations.hadamard import monomial
from frechet.operations.sums import add
from frechet.operations.transposition import symmetric, transposed

HALF = Fraction(1, 2)


def structure_of(variable: Expr) -> str:
    """The linear space the variable lives in, by name: general, symmetric, diagonal, skew …"""
    words = set(variable.params[1])
    if words & {"spd", "psd"}:
        words = (words - {"spd", "psd"}) | {"symmetric"}
    words.discard("hermitian" if "symmetric" in words else "")
    return "general" if not words else words.pop() if len(words) == 1 else " ".join(sorted(words))


def projected(g: Expr, variable: Expr) -> Expr:
    """The Riesz representer in the variable's space of the functional ⟨g, ·⟩.

    symmetric: (G + G')/2, skew: (G - G')/2, diagonal: G∘I.

    Raises:  UnsupportedError, for a space that has no projection here yet
    Source:  Magnus & Neudecker (2019), section 3.8 and chapter 13
    """
    space = structure_of(variable)
    if space == "general":
        return g
    if space == "symmetric":
        return g if symmetric(g) else add([(HALF, g), (HALF, transposed(g))])
    if space == "skew":
        return add([(HALF, g), (-HALF, transposed(g))])
    if space == "diagonal":
        return monomial(g.shape, [(g, 1), (EYE.build(g.shape[0]), 1)])
    raise UnsupportedError(f"gradients with respect to a variable declared {space} are not supported yet")
