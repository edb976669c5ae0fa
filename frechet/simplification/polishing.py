"""Results as a textbook writes them: the shortest of a bounded number of equal forms."""

from __future__ import annotations

from collections.abc import Collection
from weakref import WeakSet

from frechet.expressions.collection import without_collection
from frechet.expressions.dimension import SCALAR, UNIT
from frechet.expressions.node import Expr, Number, substitute, walk
from frechet.operations.blocks import gathered
from frechet.operations.constants import VARIABLE, ones
from frechet.operations.determinant import ADJ, DET
from frechet.operations.elementwise import SIGMOID, SIGN, level_below
from frechet.operations.hadamard import MONOMIAL, monomial
from frechet.operations.indexing import SELECTION
from frechet.operations.powers import MATRIX_POWER, PSEUDO_INVERSE
from frechet.operations.products import PRODUCT, SCALE, product, scale
from frechet.operations.reductions import TRACE
from frechet.operations.shaping import UNVEC
from frechet.operations.sums import SUM, add, negative
from frechet.operations.transposition import TRANSPOSE, conjugate_transposed, transposed
from frechet.simplification.factors import factored
from frechet.simplification.parts import parts_inward

EXPANDED_TERMS = 16  # a product is expanded into at most so many terms
REGROUPED_TERMS = 4  # so few terms are grouped anew even if none of them met
MANY_LEAVES = 1000  # beyond which nobody reads a form
DEEPEST = 8  # sums in products in sums that are expanded
POLISHED: WeakSet[Expr] = WeakSet()  # what is polished already
SEARCH_LEAVES = 150  # larger expressions are not searched for a shorter expanded form


def polished(e: Expr) -> Expr:
    """An equal expression, shorter where a common factor, an expansion or a name makes it so.

    Shorter is one with fewer leaves, as it is written without names for its parts; where much is shared, as in a recurrence
    of many steps, such a form can have more parts, and then the expression stays as it is.
    """
    return Polishing().polished(e)


def polished_beside(e: Expr, known: Collection[Expr]) -> Expr:
    """The expression, polished where it has fewer parts beside those that are known then: a function beside gradients."""
    return min((e, polished(e)) if known else (e,), key=lambda form: sum(1 for node in walk(form) if node not in known))


class Polishing:
    """Expressions polished one after the other, what they have in common once."""

    def __init__(self) -> None:
        self.new: dict[Expr, Expr] = {}
        self.expansion = _Expansion(False)

    @without_collection
    def polished(self, e: Expr) -> Expr:
        """As `polished`."""
        if e not in POLISHED:
            e = self._polished(e)
            POLISHED.add(e)
        return e

    def _polished(self, e: Expr) -> Expr:
        given = e = _skew_turned(e)
        if e.op is SUM:  # before its parts are rewritten, each in its own way
            e = factored(e)
        for node in walk(e):
            if node not in self.new:
                self.new[node] = self._of_polished_parts(node)
        result = self.new[e]
        if result.op in (SCALE, PRODUCT, MONOMIAL, TRACE):
            result = _expanded_if_shorter(result)
        if result is given or result.leaves <= MANY_LEAVES:
            return result
        return given if _parts(result) > _parts(given) else result

    def _of_polished_parts(self, node: Expr) -> Expr:
        args = tuple([self.new[a] for a in node.args])
        if node.op is SIGN and level_below(node.args[0])[0]:  # sign(v - max(v)), as long as both are the same v
            args = node.args
        changed = node if args == node.args else node.op.rebuild(node, args)
        if changed.op is SUM:
            return gathered(_contracted(_shorter_sum(changed), self.expansion))
        if changed.op is PRODUCT:
            changed = parts_inward(changed, SEARCH_LEAVES)
            return _contracted(_pseudo_inverse(changed), self.expansion) if changed.op is PRODUCT else changed
        if changed.op is MATRIX_POWER and changed.params[0] > 1:
            return _power_of_projector(changed, self.expansion)
        if changed.op is UNVEC:
            return _expanded_if_shorter(changed)
        if changed.op is SCALE:
            return _adjugate(changed)
        if changed.op is MONOMIAL and changed.shape == SCALAR:
            return _into_sums(changed)
        return changed


def _parts(e: Expr) -> int:
    return sum(1 for _ in walk(e))


def _skew_turned(e: Expr) -> Expr:
    """X' = -X of every variable that is declared skew."""
    turned = {
        node: negative(node.args[0])
        for node in walk(e)
        if node.op is TRANSPOSE and node.args[0].op is VARIABLE and "skew" in node.args[0].params[1]
    }
    return substitute(e, turned) if turned else e


def _contracted(e: Expr, expansion: _Expansion) -> Expr:
    """X*(I - X^+*X) = 0 and (I - X*X^+)^2 = I - X*X^+: neighbours whose product shrinks when it is multiplied out."""
    i = 0
    while e.op is PRODUCT and i < len(e.args) - 1:
        a, b = e.args[i], e.args[i + 1]
        short = _multiplied_if_shorter(a, b, expansion)
        if short is None:
            i += 1
            continue
        e = product(*e.args[:i], short, *e.args[i + 2 :])
        i = 0
    return e


def _multiplied_if_shorter(a: Expr, b: Expr, expansion: _Expansion) -> Expr | None:
    """a*b with its sums multiplied out, where that is shorter; None where not."""
    if not (_short_sum(a) or _short_sum(b)) or a.leaves + b.leaves > MANY_LEAVES:
        return None
    terms = _distribute_pair(a, b, expansion)
    whole = add(terms) if terms is not None else None
    return whole if whole is not None and whole.leaves < a.leaves + b.leaves else None


def _short_sum(e: Expr) -> bool:
    plain = e.args[0] if e.op is TRANSPOSE else e
    return plain.op is SUM and 1 < len(plain.args) <= REGROUPED_TERMS


def _power_of_projector(e: Expr, expansion: _Expansion) -> Expr:
    """P^k = P where multiplying out P*P leaves P."""
    base = e.args[0]
    if not _short_sum(base):
        return e
    terms = _distribute_pair(base, base, expansion)
    return base if terms is not None and add(terms) is base else e


def _distribute_pair(a: Expr, b: Expr, expansion: _Expansion) -> Terms | None:
    left, right = expansion.terms(a, 0), expansion.terms(b, 0)
    if left is None or right is None or len(left) * len(right) > EXPANDED_TERMS:
        return None
    return [(c * d, product(f, g)) for c, f in left for d, g in right]


def _shorter_sum(e: Expr) -> Expr:
    short = factored(e)
    return _expanded_if_shorter(short if short.leaves < e.leaves else e)


def _expanded_if_shorter(e: Expr) -> Expr:
    if e.leaves > SEARCH_LEAVES:
        return e
    best = e
    for logistic in (False, True) if _has_logistic(e) else (False,):
        terms = expanded(e, logistic)
        if terms is None:
            continue
        collected = add(terms)
        if len(terms) > REGROUPED_TERMS and collected.op is SUM and len(collected.args) >= len(terms):
            continue  # nothing met: expanding has only made it longer
        candidate = factored(collected)
        if candidate.leaves < best.leaves:
            best = candidate
    return best


def _has_logistic(e: Expr) -> bool:
    return any(node.op is SIGMOID for node in walk(e))


Terms = list[tuple[Number, Expr]]


def expanded(e: Expr, logistic: bool = False) -> Terms | None:
    """The expression with its products distributed over sums, as terms; None where there is nothing to expand or too much.

    With `logistic`, sigmoid(-x) is expanded as 1 - sigmoid(x).
    """
    terms = _Expansion(logistic).terms(e, 0)
    if terms is None or len(terms) > EXPANDED_TERMS or (len(terms) == 1 and terms[0][1] is e):
        return None
    return terms


class _Expansion:
    """Expressions as terms, each part that is met again at the same depth once: its size is that of the graph.

    logistic: is sigmoid(-x) expanded as 1 - sigmoid(x)?
    """

    def __init__(self, logistic: bool) -> None:
        self.logistic = logistic
        self.known: dict[tuple[Expr, int], Terms | None] = {}

    def terms(self, e: Expr, depth: int) -> Terms | None:
        """None where there are too many."""
        if depth > DEEPEST or not e.args:
            return [(1, e)]
        if (e, depth) not in self.known:
            self.known[e, depth] = self._terms(e, depth)
        return self.known[e, depth]

    def _terms(self, e: Expr, depth: int) -> Terms | None:
        if e.op is SUM:
            out: Terms = []
            for c, a in zip(e.params, e.args, strict=True):
                inner = self.terms(a, depth + 1)
                if inner is None:
                    return None
                out += [(c * k, b) for k, b in inner]
                if len(out) > EXPANDED_TERMS:
                    return None
            return out
        if e.op is TRANSPOSE and e.args[0].op is SUM:
            inner = self.terms(e.args[0], depth + 1)
            return None if inner is None else [(c, transposed(a)) for c, a in inner]
        if self.logistic and e.op is SIGMOID:
            u = e.args[0]
            flipped = negative(u)
            if _all_negative(u) or (not _all_negative(flipped) and (flipped.leaves, flipped.key) < (u.leaves, u.key)):
                return [(1, ones(e.shape)), (-1, SIGMOID.build(flipped))]
            return [(1, e)]
        if e.op is PRODUCT and any(f.op is SELECTION or (f.op is TRANSPOSE and f.args[0].op is SELECTION) for f in e.args):
            return [(1, e)]  # x[1:k] of a sum stays one part
        if e.op is PRODUCT or e.op is SCALE:
            return self._distributed(e, [(a, 1) for a in e.args], depth)
        if e.op is MONOMIAL:
            return self._distributed(e, list(zip(e.args, e.params, strict=True)), depth)
        if e.op is TRACE or e.op is UNVEC:
            inner = self.terms(e.args[0], depth + 1)
            return None if inner is None else [(c, e.op.rebuild(e, (a,))) for c, a in inner]
        return [(1, e)]

    def _distributed(self, e: Expr, factors: list[tuple[Expr, Number]], depth: int) -> Terms | None:
        partial: list[tuple[Number, list[tuple[Expr, Number]]]] = [(1, [])]
        for f, k in factors:
            choices = self.terms(f, depth + 1) if k == 1 else [(1, f)]
            if choices is None or len(choices) * len(partial) > EXPANDED_TERMS:
                return None
            if len(choices) == 1 and choices[0] == (1, f):
                partial = [(c, [*fs, (f, k)]) for c, fs in partial]
            else:
                partial = [(c * d, [*fs, (g, 1)]) for c, fs in partial for d, g in choices]
        if len(partial) == 1 and partial[0][0] == 1 and [f for f, _ in partial[0][1]] == [f for f, _ in factors]:
            return [(1, e)]
        if e.op is MONOMIAL:
            return [(c, monomial(e.shape, fs)) for c, fs in partial]
        if e.op is SCALE:
            return [(c, scale(fs[0][0], fs[1][0])) for c, fs in partial]
        return [(c, product(*[f for f, _ in fs])) for c, fs in partial]


def _all_negative(u: Expr) -> bool:
    return u.op is SUM and all(c < 0 for c in u.params)


def _adjugate(e: Expr) -> Expr:
    """det(Y)*inv(Y) = adj(Y), which needs no condition; of a plain matrix the textbooks' form stays."""
    s, body = e.args
    power = body.args[0] if body.op is TRANSPOSE else body
    if power.op is not MATRIX_POWER or power.params[0] != -1 or power.args[0].leaves == 1:
        return e
    y = power.args[0]
    factors = dict(zip(s.args, s.params, strict=True)) if s.op is MONOMIAL else {s: 1}
    determinant = DET.build(y)
    if factors.get(determinant) != 1:
        return e
    del factors[determinant]
    adjugate = ADJ.build(y)
    return scale(monomial(SCALAR, list(factors.items())), transposed(adjugate) if body.op is TRANSPOSE else adjugate)


def _into_sums(e: Expr) -> Expr:
    """v*(1 + q/v) = v + q, above or below the line, where it is shorter."""
    factors = list(zip(e.args, e.params, strict=True))
    for i, (b, k) in enumerate(factors):
        if b.op is not SUM or abs(k) != 1:
            continue
        for j, (s, m) in enumerate(factors):
            if j == i or m != k or s.op is SUM:
                continue
            merged = add((c, scale(s, a)) for c, a in zip(b.params, b.args, strict=True))
            if merged.leaves <= b.leaves:
                rest = [f for n, f in enumerate(factors) if n not in (i, j)]
                return monomial(SCALAR, [*rest, (merged, k)])
    return e


def _pseudo_inverse(e: Expr) -> Expr:
    """(XᴴX)^-1 Xᴴ = X^+ and X (XᴴX)^-1 = (X^+)ᴴ for X of full column rank, which the inverse requires."""
    for i in range(len(e.args) - 1):
        a, b = e.args[i], e.args[i + 1]
        if _is_inverse_gram(a, b):  # (B Bᴴ)^-1 B
            return product(*e.args[:i], PSEUDO_INVERSE.build(conjugate_transposed(b)), *e.args[i + 2 :])
        if _is_inverse_gram(b, conjugate_transposed(a)):  # A (AᴴA)^-1
            return product(*e.args[:i], conjugate_transposed(PSEUDO_INVERSE.build(a)), *e.args[i + 2 :])
    return e


def _is_inverse_gram(g: Expr, b: Expr) -> bool:
    """Is g = (B Bᴴ)^-1?"""
    if g.op is not MATRIX_POWER or g.params[0] != -1 or UNIT in b.shape:
        return False
    base = g.args[0]
    return base.op is PRODUCT and base.args == (b, conjugate_transposed(b))
