"""The formulas of a linearization: ℓ(X) = g(X₀) + dg(X₀)[X − X₀], and the step in each of the forms it may be written in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from frechet.expressions.dimension import Dim, Shape, axes
from frechet.expressions.node import Expr, substitute
from frechet.interfaces.document import Content, Inline, Math
from frechet.notation.numbers import show_array, show_entries
from frechet.notation.spaces import Notation, show_space, style_of, writer
from frechet.notation.writing import ADD, ATOM, INNER, Piece, Written
from frechet.operations.constants import is_zero
from frechet.operations.sums import add, subtract

TERMS = 12  # of a sum that is written out


class Said(Math):
    """A formula that a function writes in a notation."""

    __slots__ = ("how",)

    def __init__(self, how: Callable[[Notation], Written | str]) -> None:
        super().__init__("")
        self.how = how

    def written(self, notation: Notation) -> Written:
        found = self.how(notation)
        return found if isinstance(found, Written) else Written(found, {})


class Where(Said):
    """`name = part`, one of the parts that a formula names."""

    __slots__ = ()

    def __init__(self, formula: Math, index: int) -> None:
        super().__init__(lambda notation: " = ".join(list(formula.written(notation).where.items())[index]))


def sign(unicode: str, text: str, latex: str) -> Said:
    """A sign that each notation spells in its own way."""
    return Said(lambda notation: {"unicode": unicode, "text": text, "latex": latex}[notation])


ELL = sign("ℓ", "l", r"\ell ")


def size(*dims: Dim) -> Math:
    """p×q, or n."""
    template = "×".join(f"({{{i}}})" if len(d.terms) > 1 and len(dims) > 1 else f"{{{i}}}" for i, d in enumerate(dims))
    return Math(template, *dims)


def size_of(shape: Shape) -> Math:
    """The size of an array as it is said in a sentence: p×q, n, 1×n for a row."""
    found = axes(shape)
    if len(found) == 1 and shape[0] is not found[0]:
        return Math("1×{0}", found[0])
    return size(*found)


def space(shape: Shape, structure: Sequence[str] = ()) -> Said:
    return Said(lambda notation: show_space(shape, notation, structure))


def array(value: Any) -> Said:
    """Numbers: [1 2; 3 4], a bmatrix in LaTeX."""
    return Said(lambda notation: show_array(value, notation))


def marked(value: Any) -> Said:
    """A square array with its diagonal marked: (3) in text, underlined in LaTeX."""

    def written(notation: Notation) -> str:
        mark = r"\underline{{{}}}" if notation == "latex" else "({})"
        rows = [
            [mark.format(text) if i == j else text for j, text in enumerate(row)]
            for i, row in enumerate(show_entries(value, notation))
        ]
        if notation == "latex":
            return r"\begin{bmatrix} " + r" \\ ".join(" & ".join(row) for row in rows) + r" \end{bmatrix}"
        return f"[{'; '.join(' '.join(row) for row in rows)}]"

    return Said(written)


def added(values: Sequence[Any]) -> Said:
    """3 − 6 + 15."""

    def written(notation: Notation) -> str:
        minus = "−" if notation == "unicode" else "-"
        text = ""
        for x in values:
            shown = show_array(x, notation)
            body = shown.removeprefix(minus)
            if minus in body or "+" in body:  # a complex number
                text += f" + ({shown})" if text else shown
            else:
                text += (f" {minus} " if shown.startswith(minus) else " + ") + body if text else shown
        return text

    return Said(written)


def products_added(left: Sequence[Any], right: Sequence[Any]) -> Said:
    """2·3 + 1·(−1)."""

    def written(notation: Notation) -> str:
        minus = "−" if notation == "unicode" else "-"
        times = {"unicode": "·", "text": "*", "latex": r" \cdot "}[notation]

        def factor(x: Any) -> str:
            shown = show_array(x, notation)
            return f"({shown})" if minus in shown or "+" in shown else shown

        terms = [f"{factor(a)}{times}{factor(b)}" for a, b in zip(left, right, strict=True)]
        if len(terms) > TERMS:
            terms[3:-1] = [r"\dots" if notation == "latex" else "…" if notation == "unicode" else "..."]
        return " + ".join(terms)

    return Said(written)


class Step:
    """X − X₀ and what it is put into. `base` is X₀ as a variable, or the point that was given."""

    def __init__(self, x: Expr, direction: Expr, base: Expr, name: Math | None, tangent: str | None = None) -> None:
        """name: what is written for the base point, such as X₀; None where that is the point itself, as an expression.

        tangent: the letter of a step in a tangent space, in place of X − X₀ which lies in it up to second order only
        """
        self.x, self.direction, self.base, self.name, self.tangent = x, direction, base, name, tangent

    def called(self, name: Math | None, tangent: str | None = None) -> Step:
        """The same with a name for the point, or with a tangent step."""
        return Step(self.x, self.direction, self.base, name or self.name, tangent)

    @property
    def end(self) -> Math:
        """X, or X₀ + V for a tangent step V."""
        return Math("{0} + {1}", self.point, self.tangent) if self.tangent else Math("{0}", self.x.params[0])

    @property
    def point(self) -> Math:
        """X₀."""
        return Said(lambda notation: self._point(notation)[0])

    def _point(self, notation: Notation) -> Piece:
        if self.name is not None:
            return self.name.write(notation), ATOM
        found = writer(notation)(self.base)
        return found.text, found.level

    def _piece(self, notation: Notation) -> Piece:
        if self.tangent:
            return style_of(notation).variable(self.tangent)
        x = style_of(notation).symbol(self.x)[0]
        if self.name is None and is_zero(self.base):
            return x, ATOM
        point = style_of(notation).at_least(self._point(notation), INNER)
        return f"{x} {'−' if notation == 'unicode' else '-'} {point}", ADD

    def spelled(self, notation: Notation) -> dict[Expr, Piece]:
        found = {self.direction: self._piece(notation)}
        if self.base.op.name == "variable":
            found[self.base] = self._point(notation)
        return found

    @property
    def bare(self) -> Math:
        """X − X₀."""
        return Said(lambda notation: self._piece(notation)[0])

    @property
    def closed(self) -> Math:
        """(X − X₀)."""
        return Said(lambda notation: style_of(notation).at_least(self._piece(notation), ATOM))

    def times(self, left: Expr) -> Math:
        """A product with the step on the right: B A (X − X₀)."""

        def written(notation: Notation) -> Written:
            style, found = style_of(notation), writer(notation)(left, spelled=self.spelled(notation))
            step = style.at_least(self._piece(notation), ATOM)
            return Written(style.product([(found.text, found.level), (step, ATOM)])[0], found.where)

        return Said(written)

    def put(self, e: Expr, level: int = 0) -> Math:
        """An expression in X₀ and dX, with X − X₀ for dX."""

        def written(notation: Notation) -> Written:
            found = writer(notation)(e, spelled=self.spelled(notation))
            return Written(style_of(notation).at_least((found.text, found.level), level), found.where)

        return Said(written)

    def affine(self, value: Expr, change: Expr) -> Math:
        """g(X₀) + dg(X₀)[X − X₀]."""

        def written(notation: Notation) -> Written:
            first, second = (writer(notation)(e, spelled=self.spelled(notation)) for e in (value, change))
            if first.where or second.where:  # written as one, so that both name the same parts
                step = subtract(self.x, self.base)
                whole = add([(1, value), (1, substitute(change, {self.direction: step}))])
                return writer(notation)(whole, spelled=self.spelled(notation))
            if is_zero(value):
                return second
            if is_zero(change):
                return first
            if change is self.direction:  # x₀ + (x − x₀)
                return Written(f"{first.text} + {self.closed.write(notation)}", {})
            minus = "−" if notation == "unicode" else "-"
            if second.text.startswith(minus):
                return Written(f"{first.text} {minus} {second.text[1:].lstrip()}", {})
            return Written(f"{first.text} + {second.text}", {})

        return Said(written)


def say(words: str, *parts: str | Math | Content) -> list[Inline]:
    """A sentence with formulas in the places marked {}. A string is the name of a variable or function.

    >>> from frechet.expressions.dimension import dim
    >>> say("{} is a matrix of size {}.", "A", size(dim("p"), dim("q")))
    [Math('A'), ' is a matrix of size ', Math('p×q'), '.']
    """
    pieces = words.split("{}")
    content: list[Inline] = [pieces[0]]
    for part, piece in zip(parts, pieces[1:], strict=True):
        content += [Math("{0}", part)] if isinstance(part, str) else [part] if isinstance(part, Math) else [*part]
        content.append(piece)
    return [piece for piece in content if piece != ""]


def shaped(value: Any) -> Math:
    """The size of an array of numbers: 2×3, a column of 3."""
    import numpy as np

    sizes = np.shape(value)
    return Math("×".join(str(k) for k in sizes) if len(sizes) > 1 else f"{sizes[0]}×1" if sizes else "1×1")
