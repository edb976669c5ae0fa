"""Derivatives entry by entry: `∂g/∂xᵢⱼ = Σₖ aₖᵢ bⱼₖ`.

An entry of an expression is a sum of terms: a number times entries of variables, Kronecker deltas and functions of such
sums, added up over further indices. What has no such form (an inverse, a determinant) is one symbol: (X⁻¹)ᵢⱼ, det(X).
The sums are data (`Term`), so that they can be evaluated; `write_components` writes them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from frechet.differentiation.derivative import Derivative
from frechet.differentiation.structure import structure_of
from frechet.expressions.dimension import SCALAR, UNIT, Dim
from frechet.expressions.node import Expr, Number, depends, variables, walk
from frechet.notation.latex import LatexStyle, write_latex
from frechet.notation.text import TextStyle, write_text
from frechet.notation.unicode import SUBSCRIPTS, UnicodeStyle, write_unicode
from frechet.notation.writing import ATOM, INNER, Piece, Style, split_number
from frechet.operations.constants import exact, size
from frechet.operations.elementwise import ABS, Elementwise

NODES = 100  # of an expression written out as a tree; larger ones are one symbol
TERMS = 24  # of an entry
LETTERS = "ijklmnprstuvhaexobcdfgqwyz"  # for indices; all but the last few exist as subscripts
RAISED_POWERS = 3  # X^3 is written as two sums, higher powers are one symbol


class Index:
    """An index that runs over a dimension. Two indices are equal only if they are the same object."""

    __slots__ = ("dim",)

    def __init__(self, dim: Dim) -> None:
        self.dim = dim


Place = Index | int


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
        trees[node] = 1 + sum(trees[a] for a in node.args)
    inside = depends(e, direction) if direction is not None else set()
    return _Entries(direction, tuple(at), inside, trees).at(e, *_rows_and_columns(e, places))


def _rows_and_columns(e: Expr, places: Sequence[Place]) -> tuple[Place | None, Place | None]:
    rest = iter(places)
    return tuple(None if d is UNIT else next(rest) for d in e.shape)  # type: ignore[return-value]


class _Entries:
    """Entries of one expression: `inside` are the parts that contain the direction, `trees` their sizes as trees."""

    def __init__(
        self, direction: Expr | None, at: tuple[Place, ...], inside: Collection[Expr], trees: Mapping[Expr, int]
    ) -> None:
        self.direction, self.where, self.inside, self.trees = direction, at, inside, trees

    def at(self, e: Expr, i: Place | None, j: Place | None) -> Total:
        i, j = i if e.shape[0] is not UNIT else None, j if e.shape[1] is not UNIT else None
        if e is self.direction:
            here = [p for p in (i, j) if p is not None]
            return _contracted(Term(1, tuple(Delta(a, b) for a, b in zip(here, self.where, strict=True))))
        rule = RULES.get(e.op.name)
        if self.trees.get(e, 1) <= NODES:
            if rule is not None:
                return rule(self, e, i, j)
            if isinstance(e.op, Elementwise) or e.op.name in ("maximum", "minimum"):
                return self._applied(e, i, j)
        return self.symbol(e, i, j)

    def symbol(self, e: Expr, i: Place | None, j: Place | None) -> Total:
        if e in self.inside:
            raise NoEntries
        return (Term(1, (Entry(e, tuple(p for p in (i, j) if p is not None)),)),)

    def times(self, parts: Iterable[tuple[Expr, Total]], summed: Sequence[Index] = ()) -> Total:
        """The product of totals, added up over indices; what contains the direction is multiplied out."""
        found = [Term(1, (), tuple(summed))]
        for e, total in parts:
            if len(total) > 1 and e not in self.inside:
                total = (Term(1, (Raised(total, 1),)),)
            found = [Term(exact(t.coefficient * u.coefficient), t.factors + u.factors, t.summed + u.summed) for t in found for u in total]
            if len(found) > TERMS:
                raise NoEntries
        return tuple(u for t in found for u in self._settled(t))

    def _settled(self, term: Term) -> Total:
        """The term without the deltas that a sum removes; a sum of equal parts as a multiple."""
        settled = _contracted(term)
        for t in settled:
            idle = [index for index in t.summed if index not in set(_indices(t.factors))]
            if not idle:
                return settled
            rest = Term(t.coefficient, t.factors, tuple(index for index in t.summed if index not in idle))
            counts = [size(index.dim) for index in idle]
            return self.times([(c, self.at(c, None, None)) for c in counts] + [(counts[0], (rest,))])
        return settled

    # -- the rules
    def _sum(self, e: Expr, i: Place | None, j: Place | None) -> Total:
        terms = [t._replace(coefficient=exact(c * t.coefficient)) for c, a in zip(e.params, e.args, strict=True) for t in self.at(a, i, j)]
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

    def _scale(self, e: Expr, i: Place | None, j: Place | None) -> Total:
        return self.times([(a, self.at(a, i, j)) for a in e.args])

    def _monomial(self, e: Expr, i: Place | None, j: Place | None) -> Total:
        parts: list[tuple[Expr, Total]] = []
        for b, k in zip(e.args, e.params, strict=True):
            if k == 2 and b.op.name == "norm2":
                parts.append((b, self._whole_sum(b.args[0], lambda total: (Term(1, (Raised(total, 2),)),))))
            else:
                total = self.at(b, i, j)
                parts.append((b, total if k == 1 else (Term(1, (Raised(total, k),)),)))
        return self.times(parts)

    def _power(self, e: Expr, i: Place | None, j: Place | None) -> Total:
        base, exponent = (self.at(a, i, j) for a in e.args)
        return (Term(1, (Raised(base, exponent),)),)

    def _applied(self, e: Expr, i: Place | None, j: Place | None) -> Total:
        return (Term(1, (Applied(e, tuple(self.at(a, i, j) for a in e.args)),)),)

    def _matrix_power(self, e: Expr, i: Place | None, j: Place | None) -> Total:
        base, k = e.args[0], e.params[0]
        return self._chain([base] * k, i, j) if 0 < k <= RAISED_POWERS else self.symbol(e, i, j)

    def _trace(self, e: Expr, i: Place | None, j: Place | None) -> Total:
        k = Index(e.args[0].shape[0])
        return self.times([(e, self.at(e.args[0], k, k))], [k])

    def _whole_sum(self, e: Expr, of: Callable[[Total], Total]) -> Total:
        ends = [None if d is UNIT else Index(d) for d in e.shape]
        return self.times([(e, of(self.at(e, *ends)))], [p for p in ends if p is not None])

    def _diag(self, e: Expr, i: Place | None, j: Place | None) -> Total:
        assert i is not None and j is not None
        return self.times([(e, _contracted(Term(1, (Delta(i, j),)))), (e.args[0], self.at(e.args[0], i, None))])


RULES: dict[str, Callable[[_Entries, Expr, Place | None, Place | None], Total]] = {
    "number": lambda make, e, i, j: (Term(e.params[0]),) if e.params[0] else (),
    "zeros": lambda make, e, i, j: (),
    "ones": lambda make, e, i, j: (Term(1),),
    "eye": lambda make, e, i, j: _contracted(Term(1, (Delta(i, j),))),  # type: ignore[arg-type]
    "unit": lambda make, e, i, j: _contracted(Term(1, (Delta(i, e.params[0]),))),  # type: ignore[arg-type]
    "transpose": lambda make, e, i, j: make.at(e.args[0], j, i),
    "diagonal": lambda make, e, i, j: make.at(e.args[0], i, i),
    "sum": lambda make, e, i, j: make._whole_sum(e.args[0], lambda total: total),
    "norm1": lambda make, e, i, j: make._whole_sum(e.args[0], lambda t: (Term(1, (Applied(ABS.build(e.args[0]), (t,)),)),)),
    "sum_of_terms": _Entries._sum, "product": _Entries._product, "scale": _Entries._scale, "hadamard": _Entries._monomial,
    "epower": _Entries._power, "matrix_power": _Entries._matrix_power, "tr": _Entries._trace, "diag": _Entries._diag,
}  # fmt: skip


def _contracted(term: Term) -> Total:
    """The term with each delta that holds a summed index carried out: Σₖ δᵢₖ xₖⱼ = xᵢⱼ. Nothing where it is 0."""
    factors, summed = list(dict.fromkeys(f for f in term.factors if isinstance(f, Delta))), list(term.summed)
    others = [f for f in term.factors if not isinstance(f, Delta)]
    for _ in range(len(factors)):
        delta = next((d for d in factors if d.first == d.second or any(isinstance(p, int) for p in d) or {*d} & {*summed}), None)
        if delta is None:
            break
        a, b = delta
        if isinstance(a, int) and isinstance(b, int) and a != b:
            return ()
        gone = next((p for p in (a, b) if p in summed), None)
        if a == b:
            factors.remove(delta)
        elif gone is not None:
            assert isinstance(gone, Index)
            summed.remove(gone)
            moved = {gone: b if gone is a else a}
            factors.remove(delta)
            factors = list(dict.fromkeys(Delta(moved.get(d.first, d.first), moved.get(d.second, d.second)) for d in factors))  # type: ignore[call-overload]
            others = [_moved(f, moved) for f in others]
        else:
            break
    # The deltas where the first of them stood, those of one place after another.
    first = next((n for n, f in enumerate(term.factors) if isinstance(f, Delta)), 0)
    before = sum(not isinstance(f, Delta) for f in term.factors[:first])
    placed = [*others[:before], *factors, *others[before:]]
    counts: dict[Factor, int] = {}
    for f in placed:
        counts[f] = counts.get(f, 0) + 1
    powers = (f if n == 1 else Raised((Term(1, (f,)),), n) for f, n in counts.items())
    return (Term(term.coefficient, tuple(powers), tuple(summed)),)


def _moved(f: Factor, to: Mapping[Index, Place]) -> Factor:
    """The factor with indices replaced."""

    def place(p: Place) -> Place:
        return to.get(p, p) if isinstance(p, Index) else p

    def total(terms: Total) -> Total:
        return tuple(t._replace(factors=tuple(_moved(g, to) for g in t.factors)) for t in terms)

    if isinstance(f, Entry):
        return Entry(f.base, tuple(map(place, f.indices)))
    if isinstance(f, Delta):
        return Delta(place(f.first), place(f.second))
    if isinstance(f, Applied):
        return Applied(f.node, tuple(map(total, f.args)))
    return Raised(total(f.body), total(f.exponent) if isinstance(f.exponent, tuple) else f.exponent)


def _indices(factors: Iterable[Factor]) -> Iterator[Index]:
    """The indices that occur in factors."""
    for f in factors:
        if isinstance(f, Entry):
            yield from (p for p in f.indices if isinstance(p, Index))
        elif isinstance(f, Delta):
            yield from (p for p in f if isinstance(p, Index))
        else:
            inner = f.args if isinstance(f, Applied) else [f.body, *([f.exponent] if isinstance(f.exponent, tuple) else [])]
            for total in inner:
                for t in total:
                    yield from _indices(t.factors)


# -- writing
class _Hand:
    """Terms in one notation. `names` says what every free index is called; the summed ones get the letters that follow."""

    def __init__(self, notation: str, names: Mapping[Index, str], free: Sequence[str], taken: Collection[str]) -> None:
        self.notation = notation if notation in ("latex", "unicode") else "text"
        self.names, self.free, self.taken = dict(names), free, taken
        self.style: Style = {"latex": LatexStyle, "unicode": UnicodeStyle}[self.notation](taken) if self.notation != "text" else TextStyle()
        self.write = {"latex": write_latex, "unicode": write_unicode, "text": write_text}[self.notation]

    def total(self, total: Total) -> Piece:
        if not total:
            return self.style.number(0)
        terms = sorted(((t.coefficient < 0, t) for t in total), key=lambda pair: pair[0])
        if len(terms) == 1 and not terms[0][0]:
            return self._term(terms[0][1])
        return self.style.sum([(negative, self._term(t)) for negative, t in terms])

    def _term(self, term: Term) -> Piece:
        """|coefficient| times the factors: those without a summed index in front of the sum, divisors at the end."""
        fresh = [letter for letter in self.free if letter not in self.names.values()]
        self.names |= zip(term.summed, fresh, strict=False)
        front, divisor = split_number(term.coefficient)
        outer: list[Piece] = [self.style.number(front)] if front != 1 else []
        inner: list[Piece] = []
        below: list[Piece] = []
        for f in term.factors:
            if isinstance(f, Raised) and not isinstance(f.exponent, tuple) and f.exponent < 0:
                below.append(self._factor(Raised(f.body, -f.exponent)))
            else:
                (inner if {*_indices([f])} & {*term.summed} else outer).append(self._factor(f))
        if divisor != 1:
            below.append(self.style.number(divisor))
        if term.summed:
            body = self._line(inner)
            letters = [self.names[index] for index in term.summed]
            outer.append((self._sigma(letters) + self.style.at_least(body, INNER), ATOM))
            for index in term.summed:
                del self.names[index]
        piece = self._line(outer)
        if term.summed:
            piece = piece[0], INNER
        return self.style.fraction(piece, self._line(below), False) if below else piece

    def _line(self, factors: Sequence[Piece]) -> Piece:
        return self.style.product(factors) if len(factors) > 1 else factors[0] if factors else self.style.number(1)

    def _factor(self, f: Factor) -> Piece:
        if isinstance(f, Entry):
            return (self.entry(f.base, f.indices) if f.indices else str(self.write(f.base))), ATOM
        if isinstance(f, Delta):
            return self._indexed({"text": "delta", "unicode": "δ", "latex": r"\delta"}[self.notation], f), ATOM
        if isinstance(f, Applied):
            return self.style.call(f.node, [self.total(a) for a in f.args])
        body = self.total(f.body)
        if isinstance(f.exponent, tuple):
            return self.style.power(body, self.total(f.exponent), False)
        if f.exponent == 1:
            return self.style.parens(body[0]), ATOM
        front, divisor = split_number(f.exponent)
        if (front, divisor) == (1, 2):
            return self.style.root(body)
        exponent = self.style.number(front)
        if divisor != 1:
            exponent = self.style.fraction(exponent, self.style.number(divisor), False)
        return self.style.power(body, exponent, False)

    def entry(self, e: Expr, indices: Sequence[Place]) -> str:
        """xᵢⱼ for a variable X, (expression)ᵢⱼ otherwise."""
        if e.op.name == "variable":
            return self.variable(e.params[0], indices)
        written = self.write(e)
        called = written.text.endswith(")") and written.text.count("(") == 1 and written.text.split("(")[0].isidentifier()
        body = self._indexed(written.text if called else self.style.parens(written.text), indices)
        written.text = body
        return str(written)

    def variable(self, name: str, indices: Sequence[Place]) -> str:
        """The entry of a variable: in lower case, where that is one letter and names nothing else."""
        plain = len(name) == 1
        if plain and name.lower() not in self.taken:
            name = name.lower()
        body = self.style.variable(name)[0]
        if not indices:
            return body
        return self._indexed(body if plain or self.notation == "text" else self.style.parens(body), indices)

    def _indexed(self, body: str, indices: Sequence[Place]) -> str:
        letters = [str(p) if isinstance(p, int) else self.names[p] for p in indices]
        return f"{body}[{','.join(letters)}]" if self.notation == "text" else body + self._below(letters)

    def _below(self, letters: Sequence[str]) -> str:
        joined = ("" if all(len(a) == 1 for a in letters) else ",").join(letters)
        raised = joined.translate(UNDER)
        if self.notation == "unicode" and raised.isascii() is False and not any(c.isascii() for c in raised):
            return raised
        return f"_{{{joined}}}"

    def _sigma(self, letters: Sequence[str]) -> str:
        if self.notation == "text":
            return f"sum_{''.join(letters)} "
        if self.notation == "latex":
            return rf"\sum_{{{','.join(letters)}}} "
        return f"Σ{self._below(letters)} "


UNDER = SUBSCRIPTS | str.maketrans("aehijklmnoprstuvx", "ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ")


class Components(NamedTuple):
    """The partial derivatives of F's entries by X's entries.

    rows, columns   the indices of F's entry and of X's
    total           ∂F/∂X there; None where it has no form in entries
    whole           an array whose entry it is, where there is one
    """

    rows: tuple[Index, ...]
    columns: tuple[Index, ...]
    total: Total | None
    whole: Expr | None


def components(d: Derivative) -> Components:
    """The partial derivatives entry by entry. Raises: UnsupportedError, where a rule of differentiation is missing."""
    rows = tuple(Index(n) for n in d.function.shape if n is not UNIT)
    columns = tuple(Index(n) for n in d.variable.shape if n is not UNIT)
    whole: Expr | None = None
    if not rows:
        whole = d.gradient
    elif not columns:
        whole = d.by_scalar
    elif len(rows) == len(columns) == 1:
        whole = d.jacobian
    try:
        if whole is not None:
            return Components(rows, columns, entry(whole, rows + columns), whole)
        return Components(rows, columns, entry(d.raw_differential, rows, d.direction, columns), None)
    except NoEntries:
        return Components(rows, columns, None, whole)


def write_components(d: Derivative, letter: str, style: str = "unicode") -> str:
    """The differential as a sum over the entries of X, with the partial derivative of g, or of an entry of F, in entries.

    >>> from frechet.notation.reading import read
    >>> reading = read("tr(A*X*B)", wrt="X")
    >>> write_components(Derivative(reading.expression, reading.variables["X"]), "g")
    'dg = Σᵢⱼ (∂g/∂xᵢⱼ) dxᵢⱼ     with  ∂g/∂xᵢⱼ = Σₖ aₖᵢ bⱼₖ = (Aᵀ Bᵀ)ᵢⱼ'
    """
    found = components(d)
    used = {v.params[0] for v in variables(d.function, d.variable)}
    taken = used | {name for v in variables(d.function) for n in v.shape for name in n.names()}
    free = [c for c in LETTERS if c not in taken]
    # x has the indices i and j, and F has k and l; of a vector by a vector it is fₖ by xⱼ
    of_x = free[1:2] if len(found.rows) == len(found.columns) == 1 else free[: len(found.columns)]
    names = dict(zip(found.columns + found.rows, [*of_x, *free[2:]], strict=False))
    hand = _Hand(style, names, free, used)
    x = hand.variable(d.variable.params[0], found.columns)
    g = hand.variable(letter, found.rows) if found.rows else hand.style.variable(letter)[0]
    equal = " = ".join(dict.fromkeys(_right_sides(d, found, hand)))
    sigma = hand._sigma([names[c] for c in found.columns]) if found.columns else ""
    space = structure_of(d.variable)
    if hand.notation == "latex":
        partial = rf"\frac{{\partial {g}}}{{\partial {x}}}"
        note = rf" \quad \text{{for }} \mathrm{{d}}{hand.style.variable(d.variable.params[0])[0]} \text{{ {space}}}"
        line = rf"\mathrm{{d}}{g} = {sigma}{partial} \, \mathrm{{d}}{x} \quad\text{{with}}\quad {partial} = {equal}"
    else:
        partial, join = (f"d{g}/d{x}", "*") if hand.notation == "text" else (f"∂{g}/∂{x}", " ")
        note = f"     for {space} d{d.variable.params[0]}"
        line = f"d{g} = {sigma}({partial}){join}d{x}     with  {partial} = {equal}"
    return line if space in ("general", "orthogonal") else line + note


def _right_sides(d: Derivative, found: Components, hand: _Hand) -> Iterator[str]:
    """What the partial derivative is: in entries, and as the entry of an array."""
    if found.total is not None:
        yield hand.total(found.total)[0]
    if found.whole is not None and found.whole.shape != SCALAR:
        if not all(t.factors and isinstance(t.factors[0], Entry) and t.factors[0].base is found.whole for t in found.total or ()):
            yield hand.entry(found.whole, found.rows + found.columns)
    elif found.whole is None and found.total is None:
        at = [hand.names[c] for c in found.columns]
        unit = f"E_{''.join(at)}" if hand.notation == "text" else "E" + hand._below(at)
        column = "e" if len(at) == 1 else "E"
        image = hand.write(d.differential, spelled={d.direction: unit.replace("E", column)})
        yield hand._indexed(hand.style.parens(image.text), found.rows)
