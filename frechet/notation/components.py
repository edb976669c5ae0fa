"""Derivatives entry by entry: `∂g/∂xᵢⱼ = Σₖ aₖᵢ bⱼₖ`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from frechet.differentiation.derivative import Derivative
from frechet.differentiation.structure import structure_of
from frechet.differentiation.wirtinger import holomorphic_part
from frechet.expressions.dimension import SCALAR, UNIT, Dim
from frechet.expressions.node import Expr, depends, variables, walk
from frechet.expressions.space import curved, mask_name
from frechet.notation.entries import (
    NODES,
    Applied,
    Delta,
    Entry,
    Factor,
    Index,
    NoEntries,
    Place,
    Raised,
    Term,
    Total,
    entry,
    indices,
)
from frechet.notation.latex import LatexStyle, write_latex
from frechet.notation.text import TextStyle, write_text
from frechet.notation.unicode import UnicodeStyle, under, write_unicode
from frechet.notation.writing import ATOM, INNER, Piece, Style, Written, split_number
from frechet.operations.declared_functions import functions
from frechet.operations.einsum import EINSUM

LETTERS = "ijklmnprstuvhaexobcdfgqwyz"  # for indices; all but the last few exist as subscripts
OPEN = {
    "sum_of_terms",
    "scale",
    "product",
    "hadamard",
    "epower",
    "sum",
    "logdet",
}  # not seen as one factor when written


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


class _Hand:
    """Terms in one notation.

    names: what every free index is called; the summed ones get further letters of `free`
    taken: the names of the variables and of the function
    """

    def __init__(self, notation: str, names: Mapping[Index, str], free: Sequence[str], taken: set[str]) -> None:
        self.notation = notation if notation in ("latex", "unicode") else "text"
        self.names, self.free, self.taken = dict(names), free, taken
        self.style: Style = TextStyle()
        self.write: Callable[..., Written] = write_text
        if notation == "latex":
            self.style, self.write = LatexStyle(taken), write_latex
        elif notation == "unicode":
            self.style, self.write = UnicodeStyle(taken), write_unicode

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
        # above and below the line, outside of the sum and inside of it
        outer: tuple[list[Piece], list[Piece]] = ([], [])
        inner: tuple[list[Piece], list[Piece]] = ([], [])
        for f in self._in_order(term.factors):
            under = isinstance(f, Raised) and not isinstance(f.exponent, tuple) and f.exponent < 0
            if under:
                f = Raised(f.body, -f.exponent)  # type: ignore[union-attr, operator]
            (inner if {*indices([f])} & {*term.summed} else outer)[under].append(self._factor(f))
        if front != 1:
            outer[0].insert(0, self.style.number(front))
        if divisor != 1:
            outer[1].append(self.style.number(divisor))
        if not term.summed:
            return self._quotient(*outer)
        inside = self.style.at_least(self._quotient(*inner), INNER)
        body = self.sigma([self.names[index] for index in term.summed]) + inside
        for index in term.summed:
            del self.names[index]
        return self._quotient([*outer[0], (body, ATOM)], outer[1])[0], INNER

    def _in_order(self, factors: Sequence[Factor]) -> list[Factor]:
        """The factors with their deltas in the order of the indices."""
        deltas = iter(sorted((f for f in factors if isinstance(f, Delta)), key=lambda d: [self._letter(p) for p in d]))
        return [next(deltas) if isinstance(f, Delta) else f for f in factors]

    def _letter(self, p: Place) -> str:
        return self.names[p] if isinstance(p, Index) else self.style.dimension(p) if isinstance(p, Dim) else str(p)

    def _quotient(self, above: Sequence[Piece], below: Sequence[Piece]) -> Piece:
        return self.style.fraction(self._line(above), self._line(below), False) if below else self._line(above)

    def _line(self, factors: Sequence[Piece]) -> Piece:
        return self.style.product(factors) if len(factors) > 1 else factors[0] if factors else self.style.number(1)

    def _factor(self, f: Factor) -> Piece:
        if isinstance(f, Entry):
            if f.indices:
                return self.entry(f.base, f.indices), ATOM
            body = str(self.write(f.base))
            return (self.style.parens(body) if f.base.args and f.base.op.name in OPEN else body), ATOM
        if isinstance(f, Delta):
            return self._indexed({"text": "delta", "unicode": "δ", "latex": r"\delta"}[self.notation], f), ATOM
        if isinstance(f, Applied):
            return self.style.call(f.node, [self.total(a) for a in f.args])
        base = self.total(f.body)
        if isinstance(f.exponent, tuple):
            return self.style.power(base, self.total(f.exponent), False)
        if f.exponent == 1:
            return base
        front, divisor = split_number(f.exponent)
        if (front, divisor) == (1, 2):
            return self.style.root(base)
        exponent = self.style.number(front)
        if divisor != 1:
            exponent = self.style.fraction(exponent, self.style.number(divisor), False)
        return self.style.power(base, exponent, False)

    def entry(self, e: Expr, indices: Sequence[Place]) -> str:
        """xᵢⱼ for a variable X, (expression)ᵢⱼ otherwise."""
        if e.op.name == "variable":
            return self.variable(e.params[0], indices)
        written = self.write(e)
        written.text = self.within(written.text, indices)
        return str(written)

    def within(self, text: str, indices: Sequence[Place]) -> str:
        """The entry of a written expression."""
        called = text.endswith(")") and text.count("(") == 1 and text.partition("(")[0].isidentifier()
        return self._indexed(text if called else self.style.parens(text), indices)

    def variable(self, name: str, indices: Sequence[Place]) -> str:
        """The entry of a variable: in lower case, where that is one letter and names nothing else."""
        plain = len(name) == 1
        if plain and name.lower() not in self.taken - {name}:
            name = name.lower()
        body = self.style.variable(name)[0]
        if not indices:
            return body
        return self._indexed(body if plain or self.notation == "text" else self.style.parens(body), indices)

    def _indexed(self, body: str, indices: Sequence[Place]) -> str:
        letters = [self._letter(p) for p in indices]
        return f"{body}[{','.join(letters)}]" if self.notation == "text" else body + self.below(letters)

    def below(self, letters: Sequence[str]) -> str:
        joined = ("" if all(len(a) == 1 for a in letters) else ",").join(letters)
        return under(joined) if self.notation == "unicode" else f"_{{{joined}}}"

    def sigma(self, letters: Sequence[str]) -> str:
        if self.notation == "text":
            return f"sum_{''.join(letters)} "
        if self.notation == "latex":
            return rf"\sum_{{{','.join(letters)}}} "
        return f"Σ{self.below(letters)} "


def write_components(d: Derivative, letter: str, style: str = "unicode") -> str:
    """The differential as a sum over the entries of X, with the partial derivatives of g, or of F's entries.

    >>> from frechet.notation.reading import read
    >>> reading = read("tr(A*X*B)", wrt="X")
    >>> write_components(Derivative(reading.expression, reading.variables["X"]), "g")
    'dg = Σᵢⱼ (∂g/∂xᵢⱼ) dxᵢⱼ     with  ∂g/∂xᵢⱼ = Σₖ aₖᵢ bⱼₖ = (Aᵀ Bᵀ)ᵢⱼ'
    """
    return _written(d, letter, style)[0]


def write_partials(d: Derivative, letter: str, style: str = "unicode") -> str:
    """The partial derivatives alone: `∂fₖₗ/∂xᵢⱼ = aₖᵢ bⱼₗ`."""
    return _written(d, letter, style)[1]


def write_in_entries(d: Derivative, letter: str, style: str = "unicode") -> str | None:
    """The scalar function as a sum over indices, `g = Σₖₗₘ aₖₗ xₗₘ bₘₖ`; None where it is more than sums of entries.

    >>> from frechet.notation.reading import read
    >>> reading = read("tr(A*X*B)", wrt="X")
    >>> write_in_entries(Derivative(reading.expression, reading.variables["X"]), "g")
    'g = Σₖₗₘ aₖₗ xₗₘ bₘₖ'
    """
    try:
        total = entry(d.function, ())
    except NoEntries:
        return None
    if not _plain(total, depends(d.function, d.variable)):
        return None
    hand, _ = _hand(d, components(d), letter, style)
    return f"{hand.style.variable(letter)[0]} = {hand.total(total)[0]}"


def _plain(total: Total, inside: Collection[Expr]) -> bool:
    """Are all factors that depend on the variable its entries, and functions of sums of these?"""
    stack = [f for term in total for f in term.factors]
    while stack:
        f = stack.pop()
        if isinstance(f, Entry) and f.base in inside and f.base.args:
            return False
        if isinstance(f, Raised):
            stack += [g for term in f.body for g in term.factors]
        if isinstance(f, Applied):
            stack += [g for a in f.args for term in a for g in term.factors]
    return True


def _hand(d: Derivative, found: Components, letter: str, style: str) -> tuple[_Hand, str]:
    """Who writes the terms, and the letter of the function's entries."""
    used = {v.params[0] for v in variables(d.function, d.variable)} | functions(d.function).keys()
    used |= {mask_name(d.variable.params[1]) or ""}
    dims = (n for node in walk(d.function) for n in (*node.shape, *node.params) if isinstance(n, Dim))
    taken = used | {name for n in dims for name in n.names()}
    free = [c for c in (*LETTERS, *(f"i{n}" for n in range(1, 2 * NODES))) if c not in taken]
    # x has the indices i and j, and F has k and l; of a vector by a vector it is fₖ by xⱼ
    of_x = free[1:2] if len(found.rows) == len(found.columns) == 1 else free[: len(found.columns)]
    names = dict(zip(found.columns + found.rows, [*of_x, *free[max(2, len(found.columns)) :]], strict=False))
    small = letter.lower() if letter.lower() not in used else letter
    return _Hand(style, names, free, used | {small}), small


def _written(d: Derivative, letter: str, style: str) -> tuple[str, str]:
    if not d.variable.real:
        holomorphic_part(d.raw_differential, d.direction)  # of others, dg is no sum over dz alone
    found = components(d)
    hand, small = _hand(d, found, letter, style)
    names = hand.names
    x = hand.variable(d.variable.params[0], found.columns)
    g = hand.variable(small, found.rows) if found.rows else hand.style.variable(letter)[0]
    equal = " = ".join(dict.fromkeys(_right_sides(d, found, hand)))
    sigma = hand.sigma([names[c] for c in found.columns]) if found.columns else ""
    manifold = curved(d.variable.params[1]) or d.variable.params[2] == "simplex"
    space = "tangent" if manifold else structure_of(d.variable)
    if hand.notation == "latex":
        partial = rf"\frac{{\partial {g}}}{{\partial {x}}}"
        note = rf" \quad \text{{for {space} }} \mathrm{{d}}{hand.style.variable(d.variable.params[0])[0]}"
        line = rf"\mathrm{{d}}{g} = {sigma}{partial} \, \mathrm{{d}}{x} \quad\text{{with}}\quad {partial} = {equal}"
    else:
        partial, join = (f"d{g}/d{x}", "*") if hand.notation == "text" else (f"∂{g}/∂{x}", " ")
        note = f"     for {space} d{d.variable.params[0]}"
        line = f"d{g} = {sigma}({partial}){join}d{x}     with  {partial} = {equal}"
    return line if space == "general" else line + note, f"{partial} = {equal}"


def _right_sides(d: Derivative, found: Components, hand: _Hand) -> Iterator[str]:
    """What the partial derivative is: in entries, and as the entry of an array."""
    if found.total is not None:
        yield hand.total(found.total)[0]
    in_indices = found.total is not None and found.whole is not None and any(e.op is EINSUM for e in walk(found.whole))
    if found.whole is not None and found.whole.shape != SCALAR and not in_indices:
        written_whole = [t.factors[0] for t in found.total or () if t.factors]
        if not any(isinstance(f, Entry) and f.base is found.whole for f in written_whole):
            yield hand.entry(found.whole, found.rows + found.columns)
    elif found.total is None and found.whole is not None:
        yield str(hand.write(found.whole))
    elif found.total is None:
        at = [hand.names[c] for c in found.columns]
        e = [f"e_{a}" if hand.notation == "text" else "e" + hand.below([a]) for a in at]
        if len(at) == 1:
            yield hand.within(hand.write(d.differential, spelled={d.direction: (e[0], ATOM)}).text, found.rows)
            return
        unit = f"E_{''.join(at)}" if hand.notation == "text" else "E" + hand.below(at)
        image = hand.within(hand.write(d.differential, spelled={d.direction: (unit, ATOM)}).text, found.rows)
        basis = hand.style.product([(e[0], ATOM), hand.style.transpose((e[1], ATOM))])[0]
        if len(e) > 2:  # a tensor with a single 1
            times = {"latex": r" \otimes ", "unicode": " ⊗ "}.get(hand.notation, " ⊗ ")
            basis = times.join(e)
        yield image + (r",\quad " if hand.notation == "latex" else ",  ") + f"{unit} = {basis}"
