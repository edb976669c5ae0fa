"""The structure of a linear map V -> L(V) on the space of V: what lets it be solved in closed form.

A structure holds coefficients, expressions that do not contain V. What can be done with their values stands in
`frechet.compilation.linear_maps`.

Source:  Golub & Van Loan (2013), sections 2.1.4 (Woodbury), 7.6.3 (Sylvester), 12.3 (Kronecker)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from frechet.differentiation.linear_terms import Layer, Outer, Word
from frechet.differentiation.staging import staged
from frechet.differentiation.structure import structure_of
from frechet.expressions.dimension import Dim, Shape
from frechet.expressions.node import Expr
from frechet.operations.constants import eye
from frechet.operations.products import product, scale
from frechet.operations.shaping import diag
from frechet.operations.sums import add
from frechet.operations.transposition import transposed


@dataclass(frozen=True)
class Piece:
    """scalar * left * diag(weights) * right, n×r and r×n; no weights are ones."""

    scalar: Expr
    left: Expr
    weights: Expr | None
    right: Expr

    @property
    def congruent(self) -> bool:
        return transposed(self.left) is self.right


@dataclass(frozen=True)
class MatrixForm:
    """An n×n matrix as identity*I + diag(diagonal) + the pieces + dense; inverted, the inverse of that."""

    n: Dim
    identity: Expr | None = None
    diagonal: Expr | None = None
    pieces: tuple[Piece, ...] = ()
    dense: Expr | None = None
    inverted: bool = False

    @property
    def coefficients(self) -> Iterator[Expr]:
        for piece in self.pieces:
            yield from (e for e in (piece.scalar, piece.left, piece.weights, piece.right) if e is not None)
        yield from (e for e in (self.identity, self.diagonal, self.dense) if e is not None)

    @property
    def matrix(self) -> Expr:
        """As one expression, before it is inverted."""
        parts: list[Expr] = []
        for p in self.pieces:
            middle = [] if p.weights is None else [diag(p.weights)]
            parts.append(scale(p.scalar, product(p.left, *middle, p.right)))
        if self.identity is not None:
            parts.append(scale(self.identity, eye(self.n)))
        if self.diagonal is not None:
            parts.append(diag(self.diagonal))
        if self.dense is not None:
            parts.append(self.dense)
        return add((1, p) for p in parts)


@dataclass(frozen=True)
class Space:
    """The arrays of a shape, or those of them that the words of `variable`'s declaration leave."""

    variable: Expr

    @property
    def shape(self) -> Shape:
        return self.variable.shape

    @property
    def structure(self) -> str:
        return structure_of(self.variable)


@dataclass(frozen=True)
class EntrywiseMap:
    """V -> entries.*V; a scalar, c*V."""

    space: Space
    entries: Expr

    @property
    def coefficients(self) -> Iterator[Expr]:
        yield self.entries


@dataclass(frozen=True)
class MatrixMap:
    """v -> form*v, of vectors."""

    space: Space
    form: MatrixForm

    @property
    def coefficients(self) -> Iterator[Expr]:
        return self.form.coefficients


@dataclass(frozen=True)
class KroneckerMap:
    """V -> scalar*left*V*right, or of V' if turned. `right` is the form of the transposed factor; None is the identity."""

    space: Space
    scalar: Expr
    left: MatrixForm | None
    right: MatrixForm | None
    turned: bool
    layer: Layer

    @property
    def coefficients(self) -> Iterator[Expr]:
        yield self.scalar
        for form in (self.left, self.right):
            if form is not None:
                yield from form.coefficients


@dataclass(frozen=True)
class KroneckerSumMap:
    """V -> A*V*B + C*V*D, or of V' if turned; the scalars stand in A and C."""

    space: Space
    terms: tuple[Layer, Layer]
    turned: bool

    @property
    def coefficients(self) -> Iterator[Expr]:
        for layer in self.terms:
            yield from (e for e in layer if e is not None)


@dataclass(frozen=True)
class SlicesMap:
    """A map that takes every row of V (axis 0) or every column (axis 1) to the same row or column of the result."""

    space: Space
    axis: int
    words: tuple[Word, ...]

    @property
    def coefficients(self) -> Iterator[Expr]:
        for w in self.words:
            yield w.scalar
            yield from w.masks
            for layer in w.layers:
                yield from (e for e in layer if e is not None)


@dataclass(frozen=True)
class LowRankUpdate:
    """base plus the sum of V -> tr(against'*V)*image."""

    space: Space
    base: Structure
    outers: tuple[Outer, ...]

    @property
    def coefficients(self) -> Iterator[Expr]:
        yield from self.base.coefficients
        for o in self.outers:
            yield from o


@dataclass(frozen=True)
class Composition:
    """V -> outer(inner(V)), of maps that are solved one after the other, as of the normal equations L*(L(V)) = B."""

    space: Space
    outer: Structure
    inner: Structure

    @property
    def coefficients(self) -> Iterator[Expr]:
        yield from self.outer.coefficients
        yield from self.inner.coefficients


@dataclass(frozen=True)
class GeneralMap:
    """Any other: direction -> image. Its diagonal where that has a short form."""

    space: Space
    image: Expr
    direction: Expr
    diagonal: Expr | None

    @property
    def coefficients(self) -> Iterator[Expr]:
        return iter(staged(self.image, self.direction)[0])


Structure = EntrywiseMap | MatrixMap | KroneckerMap | KroneckerSumMap | SlicesMap | LowRankUpdate | Composition | GeneralMap
