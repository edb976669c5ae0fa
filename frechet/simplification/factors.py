"""Common factors of sums: A*x + A'*x = (A + A')*x, on the left, on the right, of scalars, element-wise and inside traces."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from frechet.expressions.dimension import SCALAR, UNIT, Shape
from frechet.expressions.node import Expr, Number
from frechet.operations.constants import EYE, ONE, ONES, exact, eye, ones
from frechet.operations.hadamard import MONOMIAL, monomial
from frechet.operations.indexing import selects_any
from frechet.operations.products import PRODUCT, SCALE, product, scale
from frechet.operations.reductions import TRACE, trace
from frechet.operations.shaping import DIAG, diag
from frechet.operations.sums import SUM, add, content, negative
from frechet.operations.transposition import TRANSPOSE, transposed

TERMS_LIMIT = 32
TRIES = 4
SEARCH_TERMS = 6
SUMS = 200  # that a search meets, half of them with a choice of factors; formulas of textbooks take up to 36

Powers = dict[Expr, Number]


class Term(NamedTuple):
    """coefficient * scalar factors * body; the body is what is no scalar, or one scalar product or trace."""

    coefficient: Number
    scalars: Powers
    body: Expr

    def expression(self) -> Expr:
        front = monomial(SCALAR, list(self.scalars.items())) if self.scalars else ONE
        return scale(front, self.body)


def split_term(c: Number, e: Expr) -> Term:
    scalars: Powers = {}
    if e.op is SCALE:
        scalars, e = _powers(e.args[0]), e.args[1]
    elif e.shape == SCALAR:
        scalars = _powers(e)
        e = ONE
        for b, k in scalars.items():
            if k == 1 and b.op in (PRODUCT, TRACE):
                del scalars[b]
                e = b
                break
    return Term(c, scalars, e)


def _powers(e: Expr) -> Powers:
    if e is ONE:
        return {}
    return dict(zip(e.args, e.params, strict=True)) if e.op is MONOMIAL else {e: 1}


class Search:
    """What was found for sums met before, which meet again and again in a search; and how many more may be met."""

    def __init__(self) -> None:
        self.known: dict[tuple[Expr, int], Expr] = {}
        self.left = SUMS


def factored(e: Expr, tries: int = TRIES, search: Search | None = None) -> Expr:
    """The sum with common factors taken out where that makes it shorter; anything else as it is.

    A short sum is tried with each of the few most promising factors first, a longer one greedily; what is left inside
    and beside a factor with half as many, or the search would grow exponentially. A search that has met many sums goes on
    greedily, and ends: in recurrences the same few sums, written out, are of every size.
    """
    search = Search() if search is None else search
    known = search.known
    met = []
    while e.op is SUM and 1 < len(e.args) <= TERMS_LIMIT:
        if (e, tries) in known:
            e = known[e, tries]
            break
        met.append(e)
        shorter = _factored_once(e, tries, search)
        if not shorter:
            break
        if 2 < len(e.args) <= SEARCH_TERMS and len(shorter) > 1:
            e = min((factored(s, tries // 2, search) for s in shorter), key=lambda s: (s.leaves, s.key))
            break
        e = shorter[0]
    known |= {(s, tries): e for s in met}
    return e


def _factored_once(e: Expr, tries: int, search: Search) -> list[Expr]:
    """The shorter forms with one factor taken out, the shortest first."""
    search.left -= 1
    if search.left < 0:
        return []
    tries = tries if search.left > SUMS // 2 else 1
    terms = _whole_sums(e, _one_sign([split_term(c, a) for c, a in zip(e.params, e.args, strict=True)]))
    groups: dict[tuple[str, Any], list[int]] = {}
    for i, t in enumerate(terms):
        for key in dict.fromkeys(_candidates(t)):
            groups.setdefault(key, []).append(i)
    ranked = [(-(len(g) - 1) * f.leaves, kind, f.key, f, g) for (kind, f), g in groups.items() if len(g) > 1]
    ranked.sort(key=lambda r: r[:3])
    found: list[Expr] = []
    for _, kind, _, f, group in ranked[: max(tries, 1)]:
        taken = _take_out(kind, f, [terms[i] for i in group], e.shape, tries // 2, search)
        if taken is None:
            continue
        rest = [(t.coefficient, t.expression()) for i, t in enumerate(terms) if i not in group]
        candidate = add([(1, taken), *rest])
        if candidate.leaves < e.leaves and candidate not in found:
            found.append(candidate)
    found.sort(key=lambda c: (c.leaves, c.key))
    return found


def _whole_sums(e: Expr, terms: list[Term]) -> list[Term]:
    """A sum that is a factor of one term and stands, written out, beside it, as one term: x - A*x - A'*(x - A*x)."""
    if e.shape == SCALAR:
        return terms
    for t in terms:
        chain = t.body.args if t.body.op is PRODUCT else ()
        for r in chain[:1] + chain[-1:]:
            if r.op is not SUM or r.shape != e.shape or not 1 < len(r.args) < len(terms):
                continue
            present = dict(zip(e.args, e.params, strict=True))
            if any(a not in present for a in r.args):
                continue
            ratios = {Fraction(present[a]) / Fraction(c) for a, c in zip(r.args, r.params, strict=True)}
            if len(ratios) == 1:
                others = [u for u, a in zip(terms, e.args, strict=True) if a not in r.args]
                return [*others, Term(exact(ratios.pop()), {}, r)]
    return terms


def _one_sign(terms: list[Term]) -> list[Term]:
    """The terms with every sum among their factors in one sign: A*(x - y) - B*(y - x) has the factor x - y twice."""
    signs: dict[Expr, Expr] = {}  # a sum in the other sign -> as it came first
    found = []
    for t in terms:
        body = t.body
        inside = body.args[0] if body.op is TRACE else body
        factors = inside.args if inside.op in (PRODUCT, MONOMIAL) else (inside,)
        flips = 0
        kept = []
        for i, f in enumerate(factors):
            plain = f.args[0] if f.op is TRANSPOSE else f
            odd = inside.op is not MONOMIAL or (isinstance(inside.params[i], int) and inside.params[i] % 2)
            if plain.op is SUM and len(plain.args) > 1 and odd:
                if plain in signs:
                    plain = signs[plain]
                    f = transposed(plain) if f.op is TRANSPOSE else plain
                    flips += 1
                else:
                    signs.setdefault(negative(plain), plain)
            kept.append(f)
        if flips:
            if inside.op is MONOMIAL:
                rebuilt = monomial(inside.shape, list(zip(kept, inside.params, strict=True)))
            else:
                rebuilt = product(*kept)
            c, rebuilt = content(trace(rebuilt) if body.op is TRACE else rebuilt)
            t = Term(t.coefficient * c * (-1) ** flips, t.scalars, rebuilt)
        found.append(t)
    return found


def _candidates(t: Term) -> Iterable[tuple[str, Expr]]:
    for b in t.scalars:
        yield "scalar", b
    body = t.body
    if body is ONE:
        return
    yield "body", body
    if body.op is EYE:
        return
    if body.op is TRACE:
        for f in body.args[0].args if body.args[0].op is PRODUCT else body.args:
            yield "trace", f
            yield "trace", transposed(f)
        return
    if body.op is MONOMIAL:
        for b in body.args:
            yield "entry", b
        return
    if len(body.shape) > 2:  # a tensor has no sides
        return
    chain = body.args if body.op is PRODUCT else (body,)
    if len(chain) == 2 and any(map(selects_any, chain)):  # x[2:n] - x[1:n-1] stays; E'*A + E'*B is E'*(A + B)
        for end, f in zip(("left", "right"), chain, strict=True):
            if selects_any(f):
                yield end, f
        return
    yield "left", chain[0]
    yield "right", chain[-1]
    if UNIT not in body.shape:
        for b in _entries(body):
            yield "entry", b
        for b in _scaling(chain[0]):
            yield "rows", b
        for b in _scaling(transposed(chain[-1])):
            yield "columns", b
    if body.shape == SCALAR:
        yield "left", transposed(chain[-1])
        yield "right", transposed(chain[0])


def _entries(body: Expr) -> Powers:
    """The factors of an element-wise product with their exponents; diag(v)*A is one of A and v*ones', A*diag(v) too."""
    if body.op is MONOMIAL:
        return _powers(body)
    if body.op is PRODUCT and body.args[0].op is DIAG:
        v, rest = body.args[0].args[0], product(*body.args[1:])
        return {rest: 1, product(v, transposed(ones((body.shape[1], UNIT)))): 1}
    if body.op is PRODUCT and body.args[-1].op is DIAG:
        v, rest = body.args[-1].args[0], product(*body.args[:-1])
        return {rest: 1, product(ones((body.shape[0], UNIT)), transposed(v)): 1}
    return {}


def _scaling(f: Expr) -> Powers:
    """The vectors, with exponents, that scale the rows of a chain that begins with f: with diag(u.*v), (u.*v)*w'."""
    v = f.args[0] if f.op is DIAG else f
    if v.kind != "vector" or v.op is ONES:
        return {}
    return _powers(v)


def _in_all(powers: Sequence[Powers], f: Expr) -> Powers:
    """The power of f that all have, with what all have to one power: that is shorter at once, however much it is."""
    found: Powers = {}
    for b in powers[0]:
        exponents = [own.get(b, 0) for own in powers]
        if len(set(exponents)) == 1 or (b is f and (min(exponents) > 0 or max(exponents) < 0)):
            found[b] = min(exponents) if min(exponents) > 0 else max(exponents)
    return found


def _divided(powers: Powers, by: Powers) -> Powers:
    left = {b: exact(Fraction(k) - by[b]) if b in by else k for b, k in powers.items()}
    return {b: k for b, k in left.items() if k != 0}


def _take_out(kind: str, f: Expr, group: list[Term], shape: Shape, tries: int, search: Search) -> Expr | None:
    """factor * (sum of what is left of the terms); None where it does not go."""
    if kind == "scalar":
        taken = _in_all([t.scalars for t in group], f)
        if f not in taken:
            return None
        rest = [(t.coefficient, t._replace(scalars=_divided(t.scalars, taken)).expression()) for t in group]
        return scale(monomial(SCALAR, list(taken.items())), factored(add(rest), tries, search))
    if kind == "body":
        front = [(t.coefficient, monomial(SCALAR, list(t.scalars.items())) if t.scalars else ONE) for t in group]
        return scale(factored(add(front), tries, search), f)
    if kind == "entry":
        taken = _in_all([_entries(t.body) for t in group], f)
        if f not in taken:
            return None
        rest = []
        for t in group:
            body = monomial(t.body.shape, list(_divided(_entries(t.body), taken).items()))
            rest.append((t.coefficient, t._replace(body=body).expression()))
        return monomial(shape, [*taken.items(), (factored(add(rest), tries, search), 1)])
    if kind in ("rows", "columns"):
        turn = transposed if kind == "columns" else _unturned
        exponents = [_scaling(turn(t.body).args[0] if turn(t.body).op is PRODUCT else turn(t.body))[f] for t in group]
        if min(exponents) < 0 < max(exponents):
            return None
        k = min(exponents) if min(exponents) > 0 else max(exponents)
        scaled = diag(monomial(f.shape, [(f, k)]))
        rest = [(t.coefficient, t._replace(body=turn(_unscaled(turn(t.body), f, k))).expression()) for t in group]
        inside = factored(add(rest), tries, search)
        return product(scaled, inside) if kind == "rows" else product(inside, scaled)
    rest = []
    for t in group:
        rest.append((t.coefficient, t._replace(body=_without(kind, f, t.body)).expression()))
    if len({e.shape for _, e in rest}) > 1:
        return None
    inside = factored(add(rest), tries, search)
    if kind == "trace":
        return trace(product(f, inside))
    return product(f, inside) if kind == "left" else product(inside, f)


def _unturned(e: Expr) -> Expr:
    return e


def _unscaled(body: Expr, f: Expr, k: Number) -> Expr:
    """What is left of a chain when diag(f.^k) is taken off in front."""
    chain = body.args if body.op is PRODUCT else (body,)
    head = chain[0].args[0] if chain[0].op is DIAG else chain[0]
    left = monomial(f.shape, [(b, exact(Fraction(j) - k if b is f else j)) for b, j in _scaling(chain[0]).items()])
    assert head.shape == left.shape
    return product(diag(left) if chain[0].op is DIAG else left, *chain[1:])


def _without(kind: str, f: Expr, body: Expr) -> Expr:
    """What is left of a body when a factor is taken off at one end, or out of a trace."""
    if kind == "trace":
        inside = body.args[0]
        chain = inside.args if inside.op is PRODUCT else (inside,)
        if f not in chain:
            chain = tuple(transposed(c) for c in reversed(chain))
        i = chain.index(f)
        rest = chain[i + 1 :] + chain[:i]
        return product(*rest) if rest else eye(f.shape[0])
    chain = body.args if body.op is PRODUCT else (body,)
    end = 0 if kind == "left" else -1
    if chain[end] is not f:
        chain = tuple(transposed(c) for c in reversed(chain))
    rest = chain[1:] if kind == "left" else chain[:-1]
    if rest:
        return product(*rest)
    return eye(f.shape[1] if kind == "left" else f.shape[0])
