"""Symbolic dimensions: polynomials in dimension names, such as n, 3, n+1, 2n, n*m; halves are there for n(n+1)/2.

`UNIT` is the dimension that an absent axis has: a scalar is UNIT×UNIT, a vector n×UNIT, a row UNIT×n. It differs from the
dimension 1, so that a 1×1 matrix is not a scalar, and it lets one shape rule serve products of all kinds. A tensor is an
array of three or more axes, none of them absent.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from zlib import crc32

from frechet.expressions.errors import ShapeError

Monomial = tuple[str, ...]
Coefficient = int | Fraction


class Dim:
    """A dimension; equal dimensions are the same object."""

    __slots__ = ("digest", "terms", "text")
    terms: tuple[tuple[Monomial, Coefficient], ...]
    digest: int
    text: str

    def __add__(self, other: Dim) -> Dim:
        total = dict(self.terms)
        for monomial, coefficient in other.terms:
            total[monomial] = total.get(monomial, 0) + coefficient
        return _interned(total)

    def __neg__(self) -> Dim:
        return _interned({monomial: -c for monomial, c in self.terms})

    def __sub__(self, other: Dim) -> Dim:
        return self + (-other)

    def __mul__(self, other: Dim) -> Dim:
        if self is UNIT or other is UNIT:
            return other if self is UNIT else self
        total: dict[Monomial, Coefficient] = {}
        for m1, c1 in self.terms:
            for m2, c2 in other.terms:
                monomial = tuple(sorted(m1 + m2))
                total[monomial] = total.get(monomial, 0) + c1 * c2
        return _interned(total)

    def names(self) -> frozenset[str]:
        return frozenset(name for monomial, _ in self.terms for name in monomial)

    def value(self) -> int | None:
        """The number, if this dimension is one."""
        if not self.terms:
            return 0
        if len(self.terms) == 1 and self.terms[0][0] == ():
            return int(self.terms[0][1])
        return None

    def size(self, sizes: Mapping[str, int]) -> int:
        """The number this dimension is when the names have the given sizes; UNIT counts as 1."""
        if self is UNIT:
            return 1
        total: Coefficient = 0
        for monomial, coefficient in self.terms:
            for name in monomial:
                coefficient *= sizes[name]
            total += coefficient
        return int(total)

    def halved(self) -> Dim:
        """Half of an even dimension, such as n*(n+1)."""
        return _interned({monomial: Fraction(c, 2) for monomial, c in self.terms})

    def substitute(self, values: Mapping[str, Dim]) -> Dim:
        if not any(name in values for name in self.names()):
            return self
        total = _interned({})
        for monomial, coefficient in self.terms:
            product = _interned({(): coefficient})
            for name in monomial:
                product = product * (values[name] if name in values else _interned({(name,): 1}))
            total = total + product
        return total

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Dim({self.text})"

    def __reduce__(self) -> tuple[object, ...]:
        return (_unpickled, (self is UNIT, self.terms))


def _unpickled(unit: bool, terms: tuple[tuple[Monomial, Coefficient], ...]) -> Dim:
    return UNIT if unit else _interned(dict(terms))


def factored(d: Dim) -> tuple[Monomial, Dim, int]:
    """A dimension with fractions as names * rest / number, such as n*(n+1)/2; the rest has integer coefficients."""
    below = 1
    for _, c in d.terms:
        below = max(below, c.denominator)
    common = list(d.terms[0][0])
    for monomial, _ in d.terms[1:]:
        common = [name for name in dict.fromkeys(common) for _ in range(min(common.count(name), monomial.count(name)))]
    rest: dict[Monomial, Coefficient] = {}
    for monomial, c in d.terms:
        left = list(monomial)
        for name in common:
            left.remove(name)
        rest[tuple(left)] = c * below
    return tuple(common), _interned(rest), below


def _text(terms: tuple[tuple[Monomial, Coefficient], ...]) -> str:
    """The dimension as Python computes it."""
    parts: list[str] = []
    for monomial, coefficient in sorted(terms, key=lambda t: t[1] < 0 and bool(t[0])):  # n-k rather than -k+n
        names = "*".join(monomial)
        size = abs(coefficient)
        body = names if names and size == 1 else f"{size}*{names}" if names else str(size)
        parts.append(("-" if coefficient < 0 else "+" if parts else "") + body)
    return "".join(parts) or "0"


_table: dict[tuple[tuple[Monomial, Coefficient], ...], Dim] = {}


def _interned(total: Mapping[Monomial, Coefficient]) -> Dim:
    # Names first, numbers last, so that n+1 is printed so.
    terms = tuple(sorted(((m, c) for m, c in total.items() if c), key=lambda t: (-len(t[0]), t[0])))
    found = _table.get(terms)
    if found is None:
        found = Dim()
        if any(c.denominator != 1 for _, c in terms):
            found.terms, found.text = terms, ""
            names, rest, below = factored(found)
            found.text = "*".join([*names, f"({rest})"]) + f"//{below}"
        else:  # 1 and Fraction(1) are one key: keep the whole numbers
            found.terms = tuple((m, int(c)) for m, c in terms)
            found.text = _text(found.terms)
        found.digest = crc32(found.text.encode())
        _table[terms] = found
    return found


def dim(value: int | str | Dim | Mapping[Monomial, Coefficient]) -> Dim:
    """The dimension written as a number, a name, or a mapping from monomials to coefficients."""
    if isinstance(value, Dim):
        return value
    if isinstance(value, int):
        if value < 1:
            raise ShapeError(f"a dimension is at least 1, not {value}")
        return _interned({(): value})
    if isinstance(value, str):
        if value.isdigit():
            return dim(int(value))
        if not value.isidentifier():
            raise ShapeError(f"{value!r} is not a dimension: give a number or a name")
        return _interned({(value,): 1})
    return _interned(value)


def at_least(d: Dim, least: int) -> bool | None:
    """Is the dimension at least so large, whatever its names are (each at least 1)? None where it depends on them."""
    gap = d - _interned({(): least})
    if _never_negative(gap):
        return True
    return False if _never_negative(-gap - _interned({(): 1})) else None


def _never_negative(d: Dim) -> bool:
    shifted = d.substitute({name: _interned({(name,): 1, (): 1}) for name in d.names()})
    return all(c >= 0 for _, c in shifted.terms)


UNIT = Dim()
UNIT.terms, UNIT.text, UNIT.digest = (((), 1),), "1", 1

Shape = tuple[Dim, ...]
"""(rows, columns) with `UNIT` for an absent axis; of a tensor its three or more axes."""
SCALAR: Shape = (UNIT, UNIT)
AXES_LIMIT = 8  # of a tensor that is declared or typed


def kind(shape: Shape) -> str:
    """scalar, vector, row (a transposed vector), matrix, or tensor: an array of three or more axes."""
    if len(shape) > 2:
        return "tensor"
    rows, columns = shape
    if rows is UNIT:
        return "scalar" if columns is UNIT else "row"
    return "vector" if columns is UNIT else "matrix"


def show_shape(shape: Shape) -> str:
    """A shape as people write it: scalar, n, 1×n, n×m, n×m×k."""
    name = kind(shape)
    if name == "scalar":
        return "scalar"
    if name == "vector":
        return str(shape[0]).replace("//", "/")
    return "×".join(f"({d})" if len(d.terms) > 1 else str(d) for d in shape).replace("//", "/")


def show_dimension(d: Dim) -> str:
    """A dimension as a book prints it: pq for p*q, n² for n*n, 2n for 2*n; names of several letters keep their *."""
    if any(len(name) > 1 for name in d.names()):
        return d.text.replace("//", "/")
    if "//" in d.text:
        common, inner, below = factored(d)
        return f"{show_dimension(dim({common: 1})) if common else ''}({show_dimension(inner)})/{below}"
    parts: list[str] = []
    for monomial, c in sorted(d.terms, key=lambda term: term[1] < 0):
        names = "".join(
            name + ("" if monomial.count(name) == 1 else str(monomial.count(name)).translate(_SUPERSCRIPTS))
            for name in dict.fromkeys(monomial)
        )
        size = "" if abs(c) == 1 and names else str(abs(c))
        parts.append(("-" if c < 0 else "+" if parts else "") + size + names)
    return "".join(parts) or "0"


_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def axes(shape: Shape) -> tuple[Dim, ...]:
    """The dimensions that are there: none for a scalar, one for a vector or row, two for a matrix, more for a tensor."""
    return tuple(d for d in shape if d is not UNIT)


def entries(shape: Shape) -> Dim:
    """How many entries an array has."""
    count = shape[0]
    for d in shape[1:]:
        count = count * d
    return count
