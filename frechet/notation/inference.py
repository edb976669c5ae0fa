"""Shapes by unification: every shape rule of the operations is asked once, with dimensions that may still be unknown.

An unknown dimension is a `Dim` in a reserved name such as ?00001. What is unknown at the end gets a readable letter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from math import gcd, isqrt

from frechet.expressions.dimension import UNIT, Coefficient, Dim, Shape, dim, kind
from frechet.expressions.errors import LimitError, ShapeError

DEGREE_LIMIT = 32  # of a dimension: factors in a product, and terms in a sum
SIZE_LIMIT = 10**18  # of the numbers in a dimension
LETTERS = ("n", "m", "p", "q", "r", "s", "t", "k", "l")
AFTER_MATRIX = ("r", "s", "t", "k", "l", "m", "n")  # once the variable is p×q


class Contradiction(ShapeError):
    """Two dimensions that should be equal and cannot be."""

    def __init__(self, left: Dim, right: Dim) -> None:
        super().__init__(f"{left} and {right} differ".replace("//", "/"))
        self.left, self.right = left, right


class Unifier:
    """Unknown dimensions and what is known of them. Declared names and numbers are never changed.

    place: what the caller is at; kept with equations that cannot be decided yet, so that errors can point.
    """

    def __init__(self) -> None:
        self.unknowns: list[Dim] = []  # in order of first appearance
        self.bound: dict[Dim, Dim] = {}
        self.values: dict[str, Dim] = {}
        self.postponed: list[tuple[Dim, Dim, int]] = []
        self.preferred: list[tuple[Shape, Shape]] = []  # shapes to make equal where nothing else decides
        self.place = 0

    def fresh(self) -> Dim:
        found = dim({(f"?{len(self.unknowns):05}",): 1})
        self.unknowns.append(found)
        return found

    def find(self, d: Dim) -> Dim:
        """What is known of a dimension."""
        bound = self.bound
        if d in bound:
            start = d
            while d in bound:
                d = bound[d]
            d = self._substituted(d)
            while bound[start] is not d:  # so that long chains are walked once
                following = bound[start]
                self._bind(start, d)
                if following not in bound:
                    break
                start = following
            return d
        return self._substituted(d)

    def _substituted(self, d: Dim) -> Dim:
        terms = d.terms
        if len(terms) == 1 and (not terms[0][0] or (len(terms[0][0]) == 1 and terms[0][1] == 1)):
            return d
        values = self.values
        while any(name in values for monomial, _ in d.terms for name in monomial):
            d = checked(substituted(d, values))
        return d

    def shape(self, shape: Shape) -> Shape:
        return tuple(map(self.find, shape))

    def unknown(self, d: Dim) -> bool:
        """Is the dimension a single unknown?"""
        terms = d.terms
        return len(terms) == 1 and terms[0][1] == 1 and len(terms[0][0]) == 1 and terms[0][0][0][0] == "?"

    def equal(self, a: Dim, b: Dim) -> None:
        """Make two dimensions equal.  Raises Contradiction, if they cannot be."""
        a, b = self.find(a), self.find(b)
        if a is b:
            return
        if a is UNIT or b is UNIT:
            raise Contradiction(a, b)
        if self.unknown(a) and (not self.unknown(b) or a.text > b.text):
            a, b = b, a
        if self.unknown(b) and b.terms[0][0][0] not in a.names():
            self._bind(b, a)
            return
        self._solve(a, b)

    def _bind(self, unknown: Dim, value: Dim) -> None:
        self.bound[unknown] = value
        self.values[unknown.terms[0][0][0]] = value

    def _solve(self, a: Dim, b: Dim) -> None:
        terms = _reduced((a - b).terms)
        unknowns = {name for monomial, _ in terms for name in monomial if name[0] == "?"}
        positive = {coefficient > 0 for _, coefficient in terms}
        if not unknowns or len(positive) == 1:
            raise Contradiction(a, b)
        best: tuple[int, str, Dim] | None = None
        for name in unknowns:
            alone = [c for monomial, c in terms if monomial == (name,)]
            if alone not in ([1], [-1]) or sum(name in monomial for monomial, _ in terms) > 1:
                continue
            value = dim({monomial: -alone[0] * c for monomial, c in terms if monomial != (name,)})
            negative = sum(c < 0 for _, c in value.terms)
            if negative == len(value.terms):
                raise Contradiction(a, b)
            if best is None or (negative, name) < best[:2]:
                best = (negative, name, value)
        triangle = _triangle_root(terms)
        if triangle is not None:
            self.equal(*triangle)
        elif best is None:
            self.postponed.append((a, b, self.place))
        else:
            self._bind(dim({(best[1],): 1}), best[2])

    def finish(self) -> None:
        """Decide what was postponed: sizes of Kronecker products and the like, in the plainest way that fits."""
        guessing = False
        while self.postponed:
            waiting, self.postponed = self.postponed, []
            known = len(self.bound)
            for a, b, self.place in waiting:
                if guessing and len(self.bound) == known:
                    self._guess(self.find(a), self.find(b))
                else:
                    self.equal(a, b)
            guessing = len(self.bound) == known and len(self.postponed) == len(waiting)
            if guessing:
                guessing = not self._prefer()

    def _prefer(self) -> bool:
        """Make preferred shapes equal where they are still open.  Returns whether that told anything."""
        known = len(self.bound)
        for (a, b), (c, d) in self.preferred:
            if self.unknown(self.find(a)) and self.unknown(self.find(b)):
                self.equal(a, c)
                self.equal(b, d)
        self.preferred = []
        return len(self.bound) > known

    def _guess(self, a: Dim, b: Dim) -> None:
        """kron(A,B) with n·m rows and p·q columns of unknown sizes, known to be equal: A and B are square."""
        terms = _reduced((a - b).terms)
        if len(terms) == 2 and terms[0][1] == -terms[1][1] and len(terms[0][0]) == len(terms[1][0]):
            for x, y in zip(terms[0][0], terms[1][0], strict=True):
                self.equal(dim({(x,): 1}), dim({(y,): 1}))
            return
        root = _root(terms)
        if root is not None:
            self.equal(*root)
            return
        raise ShapeError("the dimensions cannot be told from this: declare them, as in X: n×m")

    # -- letters for what is left
    def free(self, dims: Iterable[Dim]) -> Iterator[Dim]:
        """The unknowns in dimensions, each once, as they come."""
        seen = set()
        for d in dims:
            for name in sorted(name for monomial, _ in self.find(d).terms for name in monomial if name[0] == "?"):
                if name not in seen:
                    seen.add(name)
                    yield dim({(name,): 1})

    def name_unknowns(self, wrt: Shape | None, taken: set[str]) -> None:
        """Give every dimension that is still unknown a letter: those of the variable `wrt` first."""
        letters: tuple[str, ...] = LETTERS
        if wrt is not None and kind(wrt) == "matrix":
            rows, columns = self.shape(wrt)
            if rows is not columns:
                for d, wanted in ((rows, "p"), (columns, "q")):
                    for unknown in self.free((d,)):
                        letters = AFTER_MATRIX
                        self._bind(unknown, dim(letter((wanted, *AFTER_MATRIX), taken)))
        order = self.unknowns if wrt is None else [*wrt, *self.unknowns]
        if not all(d in self.bound for d in order):
            for unknown in list(self.free(order)):
                self._bind(unknown, dim(letter(letters, taken)))


def letter(letters: Iterable[str], taken: set[str]) -> str:
    """The first of the letters that is not taken, then n1, n2, …; it is taken from now on."""
    for name in letters:
        if name not in taken:
            break
    else:
        # Starting at the number of names taken keeps a text of thousands of dimensions linear.
        number = 1 if len(taken) < 50 else len(taken)
        while f"n{number}" in taken:
            number += 1
        name = f"n{number}"
    taken.add(name)
    return name


def checked(d: Dim) -> Dim:
    """The dimension.  Raises LimitError, if it is larger than anything that can be meant."""
    terms = d.terms
    if len(terms) > DEGREE_LIMIT or any(len(m) > DEGREE_LIMIT or not -SIZE_LIMIT <= c <= SIZE_LIMIT for m, c in terms):
        raise LimitError("a dimension here is too large")
    return d


def substituted(d: Dim, values: Mapping[str, Dim]) -> Dim:
    """The dimension with names, also reserved ones, replaced."""
    total = dim({})
    for monomial, coefficient in d.terms:
        product = dim({(): coefficient})
        for name in monomial:
            product = product * (values[name] if name in values else dim({(name,): 1}))
        total = total + product
    return total


Terms = tuple[tuple[tuple[str, ...], Coefficient], ...]


def _reduced(terms: Terms) -> Terms:
    """The terms of a polynomial without common factors: a dimension is never 0."""
    if any(c.denominator != 1 for _, c in terms):
        return terms  # n*(n+1)/2
    common = gcd(*[int(c) for _, c in terms])
    shared = list(terms[0][0])
    for monomial, _ in terms[1:]:
        rest = list(monomial)
        kept = []
        for name in shared:
            if name in rest:
                rest.remove(name)
                kept.append(name)
        shared = kept
    if common == 1 and not shared:
        return terms
    found = []
    for monomial, c in terms:
        names = list(monomial)
        for name in shared:
            names.remove(name)
        found.append((tuple(names), int(c) // common))
    return tuple(found)


def _triangle_root(terms: Terms) -> tuple[Dim, Dim] | None:
    """u = 3 where the terms say u(u+1)/2 = 6, u = n where they say u(u+1)/2 = n(n+1)/2."""
    found = dict(terms)
    for u in sorted({name for monomial, _ in terms for name in monomial if name[0] == "?"}):
        c = found.get((u,), 0)
        if c.denominator != 2 or found.get((u, u), 0) != c:
            continue
        rest = {monomial: -Fraction(k) / c for monomial, k in terms if u not in monomial}
        if len(rest) == 1 and () in rest:  # u(u+1) = a number
            k = int(rest[()])
            root = (isqrt(4 * k + 1) - 1) // 2 if k > 0 else 0
            return (dim({(u,): 1}), dim(root)) if root and root * (root + 1) == k else None
        names = [monomial[0] for monomial in rest if len(monomial) == 1]
        if len(names) == 1 and rest == {(names[0],): 1, (names[0],) * 2: 1}:
            return dim({(u,): 1}), dim({(names[0],): 1})
    return None


def _root(terms: Terms) -> tuple[Dim, Dim] | None:
    """u = 3 where the terms say u·u = 9, u = n where they say u·u = n·n."""
    if len(terms) != 2:
        return None
    for (monomial, c), (other, e) in (terms, terms[::-1]):
        if len(set(monomial)) == 1 and monomial[0][0] == "?" and c * e < 0 and c in (1, -1):
            k, size = len(monomial), int(max(e, -e))
            root = round(size ** (1 / k))
            names = other[::k]
            if root**k == size and tuple(sorted(names * k)) == other:
                return dim({(monomial[0],): 1}), dim({names: root})
    return None
