"""Setting dX free: each operation changes sides in the inner product, ⟨W, L(V)⟩ = ⟨L*(W), V⟩, until only dX stands there."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from frechet.derivation import rules
from frechet.derivation.lines import Term, plain
from frechet.derivation.rules import Rule
from frechet.derivation.undecorated import in_front, placed
from frechet.expressions.dimension import SCALAR, UNIT
from frechet.expressions.errors import LimitError
from frechet.expressions.node import Expr, Number, make, walk
from frechet.operations.complex_parts import real_part
from frechet.operations.constants import EYE, ONE, ONES
from frechet.operations.hadamard import MONOMIAL
from frechet.operations.products import PRODUCT, SCALE
from frechet.operations.reductions import TRACE
from frechet.operations.sums import SUM, content, scaled
from frechet.operations.transposition import TRANSPOSE, symmetric, transposed

TERMS_LIMIT = 64  # a differential is multiplied out into at most so many terms


class Pair(NamedTuple):
    """⟨w, v⟩, where v is linear in the differential `target`."""

    w: Expr
    v: Expr
    target: Expr

    @property
    def free(self) -> bool:
        return self.v is self.target

    def term(self) -> Term:
        """The pair as it is written; what is still a number is no inner product."""
        c, w = content(self.w)
        if self.v.shape == SCALAR or w.op is EYE or (w.op is SCALE and w.args[1].op is EYE):
            return Term(1, None, plain(Term(c, w, self.v)))
        return Term(c, w, self.v)


def multiplied_out(e: Expr, targets: Collection[Expr]) -> list[tuple[Number, Expr, Expr]]:
    """The terms (number, expression, target) of an expression linear in the targets; each holds one target once.

    Raises:  LimitError, where there are too many
    """
    found: dict[Expr, list[tuple[Number, Expr, Expr]]] = {t: [(1, t, t)] for t in targets}
    for node in walk(e):
        if node in found:
            continue
        parts: list[tuple[Number, Expr, Expr]] = []
        for i, a in enumerate(node.args):
            for c, inner, target in found.get(a, ()):
                if node.op is SUM:
                    parts.append((c * node.params[i], inner, target))
                else:
                    k, whole = in_front(placed(node, i, inner))
                    parts.append((c * k, whole, target))
        if len(parts) > TERMS_LIMIT:
            raise LimitError(f"this differential has more than {TERMS_LIMIT} terms")
        if parts:
            found[node] = parts
    return found.get(e, [])


def moved(pair: Pair) -> tuple[Pair, Rule]:
    """The pair with one more operation on the other side, and by which identity."""
    w, v, target = pair
    i = _varying(v, target)
    turned = _turned(pair, i)
    if turned is not None:
        return turned
    w = v.op.adjoint(v, i, w)
    inner = v.args[i]
    if inner.real and not w.real:
        w = real_part(w)
    rule = rules.of_adjoint(v.op)
    if v.op is PRODUCT and v.shape == SCALAR:
        rule = rules.NUMBER_TRANSPOSED if UNIT in inner.shape else rules.NUMBER_AS_TRACE
    elif v.op is PRODUCT and (UNIT in v.shape) != (UNIT in inner.shape):
        rule = rules.NUMBER_AS_TRACE
    elif v.op is MONOMIAL and in_front(pair.w)[1].op is ONES:
        rule = rules.SUM_OF_PRODUCTS
    return Pair(w, inner, target), rule


def own_transposes(pair: Pair, by: Rule, traces: bool) -> list[Expr]:
    """The matrices that the next move transposes and that are their own transposes."""
    if by not in (*rules.TRANSPOSED, rules.MOVES["transpose"]) and (traces or by != rules.MOVES["product"]):
        return []
    chain = pair.v.args[0] if pair.v.op is TRACE else pair.v
    if by == rules.MOVES["transpose"]:
        chain = pair.w.args[1] if pair.w.op is SCALE else pair.w
    factors = chain.args if chain.op is PRODUCT else (chain,)
    return [
        f
        for f in factors
        if f.kind == "matrix" and f.op not in (EYE, ONES) and symmetric(f) and pair.target not in set(walk(f))
    ]


def _turned(pair: Pair, i: int) -> tuple[Pair, Rule] | None:
    """A product in which the differential stands transposed, all of it transposed."""
    w, v, target = pair
    if v.op is TRACE and v.args[0].op is PRODUCT:
        inner = v.args[0]
        j = _varying(inner, target)
        if _upside_down(inner.args[j], target):
            return Pair(w, make(TRACE, (_reversed(inner, j),), (), SCALAR), target), rules.TRACE_TRANSPOSED
    if v.op is PRODUCT and v.shape == SCALAR and i == 0 and _upside_down(v.args[0], target):
        return Pair(w, _reversed(v, i), target), rules.NUMBER_TRANSPOSED
    return None


def _upside_down(e: Expr, target: Expr) -> bool:
    return e.op is TRANSPOSE and e.real and target in walk(e)


def _reversed(chain: Expr, j: int) -> Expr:
    factors: list[Expr] = []
    for k in range(len(chain.args) - 1, -1, -1):
        f = chain.args[k]
        f = f.args[0] if k == j else transposed(f)
        factors += f.args if f.op is PRODUCT else (f,)
    return make(PRODUCT, tuple(factors), (), chain.shape[::-1])


def _varying(v: Expr, target: Expr) -> int:
    return next(i for i, a in enumerate(v.args) if target in set(walk(a)))


def pairs_of(terms: Sequence[tuple[Number, Expr, Expr]], w: Expr = ONE) -> list[Pair]:
    return [Pair(scaled(c, w), v, target) for c, v, target in terms]
