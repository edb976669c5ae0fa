"""The lines of a derivation: a sum of inner products ⟨W, V⟩ and plain expressions, linear in differentials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from frechet.derivation.rules import Rule
from frechet.derivation.undecorated import in_front, multiple, times, total
from frechet.expressions.dimension import SCALAR, UNIT
from frechet.expressions.node import Expr, Number, make
from frechet.operations.complex_parts import RE
from frechet.operations.constants import EYE, ONES
from frechet.operations.hadamard import MONOMIAL
from frechet.operations.products import PRODUCT, SCALE
from frechet.operations.reductions import SUM_ALL as SUM_OF_ENTRIES
from frechet.operations.reductions import TRACE
from frechet.operations.transposition import conjugated, transposed


class Term(NamedTuple):
    """coefficient · ⟨left, right⟩, the inner product Re tr(leftᴴ right); without a left the expression itself."""

    coefficient: Number
    left: Expr | None
    right: Expr


class Line(NamedTuple):
    """One line: the sum of its terms is equal to the line before, by the rules.

    symbols: what stands for the differential of which expression, such as d(inv(S))
    of: "d", a line for dF; "vec", a line for vec(dF); "name", the definition of `symbol`
    constants: the names whose differentials were set to 0 in this step
    symmetric: the factors that are their own transposes, where the step transposes them
    """

    terms: tuple[Term, ...]
    rules: tuple[Rule, ...] = ()
    symbols: Mapping[Expr, Expr] = {}
    of: str = "d"
    symbol: Expr | None = None
    constants: tuple[str, ...] = ()
    symmetric: tuple[Expr, ...] = ()

    @property
    def value(self) -> Expr:
        """The line as one expression in the differentials, for evaluation."""
        return total((1, plain(t)) for t in self.terms)


def plain(term: Term) -> Expr:
    """A term as an expression, the inner product written as a trace, u'*v or a sum."""
    c, w, v = term
    if w is None:
        return multiple(c, v)
    k, w = in_front(w)
    c = c * k
    k, v = in_front(v)
    c = c * k
    if w.op is SCALE and w.args[0].real:
        return multiple(c, times(w.args[0], plain(Term(1, w.args[1], v))))
    if v.op is SCALE and v.args[0].real:
        return multiple(c, times(v.args[0], plain(Term(1, w, v.args[1]))))
    if v.shape == SCALAR:
        found = times(conjugated(w), v)
    elif len(v.shape) > 2:
        found = make(SUM_OF_ENTRIES, (make(MONOMIAL, (w, v), (1, 1), v.shape),), (), SCALAR)
    elif w.op is EYE:
        found = make(TRACE, (v,), (), SCALAR)
    elif w.op is ONES:
        found = make(SUM_OF_ENTRIES, (v,), (), SCALAR)
    elif v.shape[0] is UNIT:  # rows: W*V'
        found = make(PRODUCT, (*_factors(v), *_factors(transposed(conjugated(w)))), (), SCALAR)
    elif v.shape[1] is UNIT:
        found = make(PRODUCT, (*_factors(transposed(conjugated(w))), *_factors(v)), (), SCALAR)
    else:
        chain = (*_factors(transposed(conjugated(w))), *_factors(v))
        found = make(TRACE, (make(PRODUCT, chain, (), (v.shape[1], v.shape[1])),), (), SCALAR)
    if not found.real and not (w.real and v.real):
        found = make(RE, (found,), (), SCALAR)
    return multiple(c, found)


def _factors(e: Expr) -> tuple[Expr, ...]:
    return e.args if e.op is PRODUCT else (e,)


def distinct(rules: Sequence[Rule]) -> tuple[Rule, ...]:
    return tuple(dict.fromkeys(rules))
