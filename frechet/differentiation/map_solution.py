"""The solution of L(X) = B as an expression, for the structures of maps that have one."""

from __future__ import annotations

from collections.abc import Sequence

from frechet.differentiation.linear_terms import scalar_and_rest
from frechet.differentiation.map_structure import (
    Composition,
    EntrywiseMap,
    KroneckerMap,
    KroneckerSumMap,
    LowRankUpdate,
    MatrixMap,
    Structure,
)
from frechet.expressions.dimension import SCALAR, UNIT
from frechet.expressions.node import Expr
from frechet.operations.constants import ONE, is_zero, ones
from frechet.operations.equations import SYLVESTER
from frechet.operations.hadamard import monomial, times
from frechet.operations.powers import inverse
from frechet.operations.products import bilinear, product, scale
from frechet.operations.sums import add, subtract
from frechet.operations.transposition import transposed


def solution(s: Structure, b: Expr) -> Expr | None:
    """X with L(X) = B; None where the structure has no such formula, or L is 0.

    Shapes:  b and the result as the variable
    Source:  Golub & Van Loan (2013), section 2.1.4, for what is of rank one beside a diagonal
    """
    found = _solutions(s, [b])
    return None if found is None else found[0]


def _solutions(s: Structure, sides: Sequence[Expr]) -> list[Expr] | None:
    match s:
        case EntrywiseMap():
            return None if is_zero(s.entries) else [times(monomial(s.entries.shape, [(s.entries, -1)]), b) for b in sides]
        case MatrixMap():
            return _of_matrix(s, sides)
        case KroneckerMap():
            left, right = s.layer
            found = []
            for b in sides:
                x = b if left is None else product(inverse(left), b)
                x = x if right is None else product(x, inverse(right))
                x = scale(monomial(SCALAR, [(s.scalar, -1)]), x)
                found.append(transposed(x) if s.turned else x)
            return found
        case KroneckerSumMap():
            return _of_sylvester(s, sides)
        case LowRankUpdate():
            start = _solutions(s.base, [*sides, *(o.image for o in s.outers)])
            return None if start is None else _updated(start, [o.against for o in s.outers])
        case Composition():
            between = _solutions(s.outer, sides)
            return None if between is None else _solutions(s.inner, between)
        case _:
            return None


def _of_sylvester(s: KroneckerSumMap, sides: Sequence[Expr]) -> list[Expr] | None:
    """Of c*A*V + d*V*B; of other sums there is no name for the solution."""
    for first, second in (s.terms, s.terms[::-1]):
        (c, a), (e, inner) = scalar_and_rest(first.left), scalar_and_rest(first.right)
        (d, outer), (f, b) = scalar_and_rest(second.left), scalar_and_rest(second.right)
        if inner is None and outer is None and a is not None and b is not None:
            left, right = scale(times(c, e), a), scale(times(d, f), b)
            found = [SYLVESTER.build(left, right, side) for side in sides]
            return [transposed(x) for x in found] if s.turned else found
    return None


def _of_matrix(s: MatrixMap, sides: Sequence[Expr]) -> list[Expr]:
    """By the inverse of the matrix; a diagonal and outer products of vectors are inverted without one."""
    form = s.form
    diagonal = form.diagonal
    if form.identity is not None:
        identity = scale(form.identity, ones(s.space.shape))
        diagonal = identity if diagonal is None else add([(1, diagonal), (1, identity)])
    if diagonal is not None and form.dense is None and all(p.left.shape[1] is UNIT for p in form.pieces):
        images = [scale(p.scalar, p.left) for p in form.pieces]
        start = [monomial(b.shape, [(b, 1), (diagonal, -1)]) for b in (*sides, *images)]
        return _updated(start, [transposed(p.right) for p in form.pieces])
    matrix = form.matrix
    return [product(matrix if form.inverted else inverse(matrix), b) for b in sides]


def _updated(solved: list[Expr], against: Sequence[Expr]) -> list[Expr]:
    """Sherman–Morrison, once for each outer product: `solved` ends with the solutions for the images of these."""
    for w in against:
        count = len(solved) - len(against)
        u = solved[count]
        factor = monomial(SCALAR, [(add([(1, ONE), (1, bilinear(w, u))]), -1)])
        rest = [*solved[:count], *solved[count + 1 :]]
        solved = [subtract(x, scale(times(factor, bilinear(w, x)), u)) for x in rest]
        against = against[1:]
    return solved
