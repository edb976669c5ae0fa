"""Entries of expressions as sums over indices: (A*X)[i,j] = Σₖ aᵢₖ xₖⱼ.

An entry is a sum of terms: a number times entries of variables, Kronecker deltas and functions of such sums, added up
over further indices. What has no such form (an inverse, a determinant) stays one symbol: (X⁻¹)ᵢⱼ, det(X). The sums are
data, so that they can be evaluated as well as written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from frechet.expressions.dimension import UNIT, Dim, axes
from frechet.expressions.node import Expr, Number, depends, walk
from frechet.operations.constants import exact, size
from frechet.operations.einsum import letters_of
from frechet.operations.elementwise import ABS, Elementwise

NODES = 100  # of an expression written out as a tree; larger ones are one symbol
TERMS = 24  # of an entry
RAISED_POWERS = 3  # X^3 is written as two sums, higher powers are one symbol


class Index:
    """An index that runs over a dimension. Two indices are equal only if they are the same object."""

    __slots__ = ("dim",)

    def __init__(self, dim: Dim) -> None:
        self.dim = dim


Place = Index | int | Dim
"""An index that runs, a number, or an index that is known by name only."""


class Entry(NamedTuple):
    """The entry of an expression at some indices; the expression itself where it is a scalar."""

    base: Expr
    indices: tuple[Place, ...]


class Delta(NamedTuple):
    """1 where the indices are equal, 0 elsewhere."""

    first: Place
    second: Place


class Raised(NamedTuple):
    """A power of a sum of terms; the sum itself where the exponent is 1."""

    body: Total
    exponent: Number | Total


class Applied(NamedTuple):
    """The function of an element-wise node, of sums of terms."""

    node: Expr
    args: tuple[Total, ...]


Factor = Entry | Delta | Raised | Applied


class Term(NamedTuple):
    """A number times factors, added up over the indices in `summed`."""

    coefficient: Number
    factors: tuple[Factor, ...] = ()
    summed: tuple[Index, ...] = ()


Total = tuple[Term, ...]
"""A sum of terms; 0 where there are none."""


class NoEntries(Exception):
    """The direction stands in an operation that has no form in entries, or the form is too long."""


def entry(e: Expr, places: Sequence[Place], direction: Expr | None = None, at: Sequence[Place] = ()) -> Total:
    """The entry of e at the places, one for each of its axes.

    direction, at: an expression linear in `direction` is taken at the direction that is 1 at the places `at` and 0
        elsewhere: the partial derivative by that entry of the variable
    Raises:  NoEntries
    """
    trees: dict[Expr, int] = {}
    for node in walk(e):
        trees[node] = min(1 + sum(trees[a] for a in node.args), NODES + 1)
    inside = depends(e, direction) if direction is not None else set()
    return _Entries(direction, tuple(at), inside, trees).at(e, *_by_axis(e, places))


def _by_axis(e: Expr, places: Iterable[Place]) -> list[Place | None]:
    """A place for every axis, None for one that is absent."""
    rest = iter(places)
    return [None if d is UNIT else next(rest) for d in e.shape]


class _Entries:
    """Entries of one expression: `inside` are the parts that contain the direction, `trees` their sizes as trees."""

    def __init__(
        self, direction: Expr | None, at: tuple[Place, ...], inside: Collection[Expr], trees: Mapping[Expr, int]
    ) -> None:
        self.direction, self.where, self.inside, self.trees = direction, at, inside, trees

    def at(self, e: Expr, *places: Place | None) -> Total:
        if len(places) != len(e.shape):  # of a scalar, or of a tensor's scalar factor
            places = tuple(None for _ in e.shape)
        p = [None if d is UNIT else place for d, place in zip(e.shape, places, strict=True)]
        if e is self.direction:
            here = [place for place in p if place is not None]
            return _contracted(Term(1, tuple(Delta(a, b) for a, b in zip(here, self.where, strict=True))))
        rule = RULES.get(e.op.name)
        if self.trees.get(e, 1) <= NODES:
            if rule is not None:
                return rule(self, e, *p)
            if isinstance(e.op, Elementwise) or e.op.name in ("maximum", "minimum", "declared_elementwise"):
                return self._applied(e, *p)
        return self.symbol(e, *p)

    def symbol(self, e: Expr, *p: Place | None) -> Total:
        if e in self.inside:
            raise NoEntries
        return (Term(1, (Entry(e, tuple(place for place in p if place is not None)),)),)

    def times(self, parts: Iterable[tuple[Expr, Total]], summed: Sequence[Index] = ()) -> Total:
        """The product of totals, added up over indices; what contains the direction is multiplied out."""
        found = [Term(1, (), tuple(summed))]
        for e, total in parts:
            if len(total) > 1 and e not in self.inside:
                total = (Term(1, (Raised(total, 1),)),)
            found = [_joined(t, u) for t in found for u in total]
            if len(found) > TERMS:
                raise NoEntries
        return tuple(u for t in found for u in self._settled(t))

    def _settled(self, term: Term) -> Total:
        """The term without the deltas that a sum removes; a sum of equal parts as a multiple."""
        settled = _contracted(term)
        for t in settled:
            idle = [index for index in t.summed if index not in set(indices(t.factors))]
            if not idle:
                return settled
            rest = Term(t.coefficient, t.factors, tuple(index for index in t.summed if index not in idle))
            counts = [size(index.dim) for index in idle]
            return self.times([(c, self.at(c, None, None)) for c in counts] + [(counts[0], (rest,))])
        return settled

    # -- the rules
    def _sum(self, e: Expr, *p: Place | None) -> Total:
        terms = [_joined(Term(c), t) for c, a in zip(e.params, e.args, strict=True) for t in self.at(a, *p)]
        if len(terms) > TERMS:
            raise NoEntries
        return tuple(terms)

    def _product(self, e: Expr, i: Place | None, j: Place | None) -> Total:
        return self._chain(e.args, i, j)

    def _chain(self, args: Sequence[Expr], i: Place | None, j: Place | None) -> Total:
        inner = [None if a.shape[1] is UNIT else Index(a.shape[1]) for a in args[:-1]]
        ends: list[Place | None] = [i, *inner, j]
        parts = [(a, self.at(a, p, q)) for a, p, q in zip(args, ends[:-1], ends[1:], strict=True)]
        return self.times(parts, [p for p in inner if p is not None])

    def _scale(self, e: Expr, *p: Place | None) -> Total:
        return self.times([(a, self.at(a, *p)) for a in e.args])

    def _monomial(self, e: Expr, *p: Place | None) -> Total:
        parts: list[tuple[Expr, Total]] = []
        for b, k in zip(e.args, e.params, strict=True):
            if k == 2 and b.op.name == "norm2":
                parts.append((b, self._total(b.args[0], lambda total: Raised(total, 2))))
            else:
                total = self.at(b, *p)
                parts.append((b, total if k == 1 else (Term(1, (Raised(total, k),)),)))
        return self.times(parts)

    def _power(self, e: Expr, *p: Place | None) -> Total:
        base, exponent = (self.at(a, *p) for a in e.args)
        return (Term(1, (Raised(base, exponent),)),)

    def _applied(self, e: Expr, *p: Place | None) -> Total:
        return (Term(1, (Applied(e, tuple(self.at(a, *p) for a in e.args)),)),)

    def _matrix_power(self, e: Expr, i: Place | None, j: Place | None) -> Total:
        base, k = e.args[0], e.params[0]
        return self._chain([base] * k, i, j) if 0 < k <= RAISED_POWERS else self.symbol(e, i, j)

    def _trace(self, e: Expr, i: Place | None, j: Place | None) -> Total:
        k = Index(e.args[0].shape[0])
        return self.times([(e, self.at(e.args[0], k, k))], [k])

    def _total(self, e: Expr, of: Callable[[Total], Factor] | None = None) -> Total:
        """The sum of all entries of e, or of a function of each."""
        ends = [None if d is UNIT else Index(d) for d in e.shape]
        total = self.at(e, *ends)
        return self.times([(e, total if of is None else (Term(1, (of(total),)),))], [p for p in ends if p is not None])

    def _einsum(self, e: Expr, *p: Place | None) -> Total:
        inputs, output = letters_of(e)
        place: dict[str, Place] = dict(zip(output, (q for q in p if q is not None), strict=True))
        summed: list[Index] = []
        for letters, a in zip(inputs, e.args, strict=True):
            for c, d in zip(letters, axes(a.shape), strict=True):
                if c not in place:
                    place[c] = index = Index(d)
                    summed.append(index)
        parts = [(a, self.at(a, *_by_axis(a, (place[c] for c in at)))) for at, a in zip(inputs, e.args, strict=True)]
        return self.times(parts, summed)

    def _norm1(self, e: Expr, *p: Place | None) -> Total:
        absolute = ABS.build(e.args[0])
        return self._total(e.args[0], lambda total: Applied(absolute, (total,)))


def _delta(first: Place | None, second: Place | None) -> Total:
    assert first is not None and second is not None
    return _contracted(Term(1, (Delta(first, second),)))


RULES: dict[str, Callable[..., Total]] = {
    "number": lambda of, e, *p: (Term(e.params[0]),) if e.params[0] else (),
    "zeros": lambda of, e, *p: (),
    "ones": lambda of, e, *p: (Term(1),),
    "eye": lambda of, e, i, j: _delta(i, j),
    "unit": lambda of, e, i, j: _delta(i, e.params[0]),
    "transpose": lambda of, e, i, j: of.at(e.args[0], j, i),
    "diagonal": lambda of, e, i, j: of.at(e.args[0], i, i),
    "diag": lambda of, e, i, j: of.times([(e, _delta(i, j)), (e.args[0], of.at(e.args[0], i, None))]),
    "sum": lambda of, e, i, j: of._total(e.args[0]),
    "norm1": _Entries._norm1,
    "tr": _Entries._trace,
    "sum_of_terms": _Entries._sum,
    "product": _Entries._product,
    "scale": _Entries._scale,
    "hadamard": _Entries._monomial,
    "epower": _Entries._power,
    "matrix_power": _Entries._matrix_power,
    "einsum": _Entries._einsum,
}


def _joined(t: Term, u: Term) -> Term:
    return Term(exact(t.coefficient * u.coefficient), t.factors + u.factors, t.summed + u.summed)


def _contracted(term: Term) -> Total:
    """The term with each delta that holds a summed index carried out: Σₖ δᵢₖ xₖⱼ = xᵢⱼ. Nothing where it is 0."""
    deltas = list(dict.fromkeys(f for f in term.factors if isinstance(f, Delta)))
    others: list[Factor] = [f for f in term.factors if not isinstance(f, Delta)]
    summed = list(term.summed)
    while True:
        delta = next((d for d in deltas if _settles(d, summed)), None)
        if delta is None:
            break
        a, b = delta
        deltas.remove(delta)
        if a == b:
            continue
        gone = next((p for p in delta if p in summed), None)
        if not isinstance(gone, Index):
            return ()
        summed.remove(gone)
        to = {gone: b if gone is a else a}
        deltas = list(dict.fromkeys(Delta(_place(d.first, to), _place(d.second, to)) for d in deltas))
        others = [_moved(f, to) for f in others]
    # The deltas that are left stand where the first of them stood; equal factors become a power.
    first = next((n for n, f in enumerate(term.factors) if isinstance(f, Delta)), 0)
    counts = Counter([*others[:first], *deltas, *others[first:]])
    powers = (f if n == 1 else Raised((Term(1, (f,)),), n) for f, n in counts.items())
    return (Term(term.coefficient, tuple(powers), tuple(summed)),)


def _settles(d: Delta, summed: Collection[Index]) -> bool:
    """Is the delta 0 or 1 whatever the free indices are, or removed by a sum?"""
    return d.first == d.second or all(isinstance(p, int) for p in d) or any(p in summed for p in d)


def _place(p: Place, to: Mapping[Index, Place]) -> Place:
    return to.get(p, p) if isinstance(p, Index) else p


def _moved(f: Factor, to: Mapping[Index, Place]) -> Factor:
    """The factor with indices replaced."""

    def total(terms: Total) -> Total:
        return tuple(t._replace(factors=tuple(_moved(g, to) for g in t.factors)) for t in terms)

    if isinstance(f, Entry):
        return Entry(f.base, tuple(_place(p, to) for p in f.indices))
    if isinstance(f, Delta):
        return Delta(_place(f.first, to), _place(f.second, to))
    if isinstance(f, Applied):
        return Applied(f.node, tuple(map(total, f.args)))
    return Raised(total(f.body), total(f.exponent) if isinstance(f.exponent, tuple) else f.exponent)


def indices(factors: Iterable[Factor]) -> Iterator[Index]:
    """The indices that occur in factors."""
    for f in factors:
        if isinstance(f, Entry):
            yield from (p for p in f.indices if isinstance(p, Index))
        elif isinstance(f, Delta):
            yield from (p for p in f if isinstance(p, Index))
        else:
            inside = f.args if isinstance(f, Applied) else f
            for total in (total for total in inside if isinstance(total, tuple)):
                for t in total:
                    yield from indices(t.factors)
