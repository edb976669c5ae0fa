"""What a page of explanation consists of, before it is written: headings, paragraphs, steps, tables, figures.

A document knows no notation. `frechet.interfaces.rendering` writes it for a terminal, as Markdown, LaTeX, HTML or JSON.
Formulas are `Math`: a template in plain mathematical characters with holes for expressions.

>>> from frechet.notation.reading import read
>>> r = read("tr(A*X)", wrt="X")
>>> Math("g(X) = {0}", r.expression).write("unicode"), Math("∇g = {0:a}ᵀ", r.variables["A"]).write("latex")
('g(X) = tr(A X)', '\\\\nabla g = A^{\\\\top}')
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from frechet.expressions.dimension import Dim
from frechet.expressions.node import Expr
from frechet.notation.spaces import Notation, style_of, writer
from frechet.notation.writing import ADD, ATOM, FROBENIUS, PRODUCT, Piece, Written

HOLE = re.compile(r"\{(\d+)(?::([aps]))?\}")
LEVELS = {None: FROBENIUS, "s": ADD, "p": PRODUCT, "a": ATOM}

# How the signs of templates are written elsewhere. What is not listed stays.
LATEX = {
    "⟨": r"\langle ", "⟩": r"\rangle ", "ᵀ": r"^{\top}", "ᴴ": r"^{\mathsf{H}}", "⁻ᵀ": r"^{-\top}", "⁻¹": "^{-1}",
    "²": "^{2}", "∇": r"\nabla ", "∂": r"\partial ", "ℝ": r"\mathbb{R}", "ℂ": r"\mathbb{C}", "×": r" \times ",
    "→": r"\to ", "↦": r"\mapsto ", "≈": r"\approx ", "≠": r"\neq ", "≤": r"\le ", "≥": r"\ge ", "−": "-",
    "·": r" \cdot ", "⊙": r"\odot ", "∘": r"\circ ", "⊗": r"\otimes ", "Σ": r"\sum ", "δ": r"\delta ",
    "ε": r"\varepsilon ", "₀": "_{0}", "₁": "_{1}", "₂": "_{2}", "ᵢⱼ": "_{ij}", "ᵢ": "_{i}", "ⱼ": "_{j}",
    "ₖ": "_{k}", "𝟏": r"\mathbf{1}", "‖": r"\lVert ", "…": r"\dots ", "√": r"\sqrt", "½": r"\tfrac12 ",
    "tr(": r"\operatorname{tr}(", "vec(": r"\operatorname{vec}(", "Re ": r"\operatorname{Re}",
    "sym(": r"\operatorname{sym}(",
}  # fmt: skip
TEXT = {
    "⟨": "<", "⟩": ">", "⁻ᵀ": "^-T", "⁻¹": "^-1", "ᵀ": "'", "ᴴ": "^H", "²": "^2", "∇": "grad ", "∂": "d", "ℝ": "R",
    "ℂ": "C", "×": "x", "→": "->", "↦": "|->", "≈": "~", "≠": "!=", "≤": "<=", "≥": ">=", "−": "-", "·": "*",
    "⊙": ".*", "∘": ".*", "⊗": "(x)", "Σ": "sum ", "δ": "delta ", "ε": "eps", "₀": "0", "₁": "1", "₂": "2",
    "ᵢⱼ": "_ij", "ᵢ": "_i", "ⱼ": "_j", "ₖ": "_k", "𝟏": "1", "‖": "||", "…": "...", "√": "sqrt", "½": "1/2 ",
}  # fmt: skip


def _translator(table: Mapping[str, str]) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(k) for k in sorted(table, key=len, reverse=True)))


SIGNS = {"latex": (LATEX, _translator(LATEX)), "text": (TEXT, _translator(TEXT))}


class Math:
    """A formula: a template such as "d{0} = ⟨{1}, {2}⟩" and what stands in its holes.

    {0} is written as it is; {0:p} in parentheses where it is a sum, {0:a} where it is anything but one symbol.
    names: how some of the variables are written, such as the differential of a part, d(inv(S))
    """

    __slots__ = ("names", "parts", "template")

    def __init__(self, template: str, *parts: Expr | Dim | Math | str, names: Mapping[Expr, Math] | None = None) -> None:
        self.template, self.parts, self.names = template, parts, dict(names or {})

    def write(self, notation: Notation) -> str:
        """The formula in a notation: text, unicode or latex."""
        return self.written(notation).text

    def written(self, notation: Notation) -> Written:
        """The formula, and the parts that it names because they are large and used more than once."""
        style, write = style_of(notation), writer(notation)
        spelled: dict[Expr, Piece] = {e: (m.write(notation), ATOM) for e, m in self.names.items()}
        where: dict[str, str] = {}
        text, end = "", 0
        for hole in HOLE.finditer(self.template):
            text += signs(self.template[end : hole.start()], notation)
            end = hole.end()
            part, level = self.parts[int(hole[1])], LEVELS[hole[2]]
            if isinstance(part, Expr):
                found = write(part, spelled=spelled)
                where |= found.where
                text += style.at_least((found.text, found.level), level)
            elif isinstance(part, Math):
                inner = part.written(notation)
                where |= inner.where
                text += inner.text
            else:
                text += style.dimension(part) if isinstance(part, Dim) else style.variable(part)[0]
        return Written(text + signs(self.template[end:], notation), where)

    def __repr__(self) -> str:
        return f"Math({self.write('unicode')!r})"


def signs(template: str, notation: Notation) -> str:
    """Literal mathematical characters in a notation."""
    if notation == "unicode":
        return template
    table, pattern = SIGNS[notation]
    return pattern.sub(lambda m: table[m[0]], template)


Inline = str | Math
Content = Sequence[Inline]
"""Words and formulas that make up a line; put together without spaces."""


class Heading(NamedTuple):
    text: str


class Paragraph(NamedTuple):
    content: Content


class Entry(NamedTuple):
    """A line with a label before it and a remark behind it, as on the page of an answer."""

    label: str
    content: Content
    remark: Content = ()


class Step(NamedTuple):
    """One line of a derivation: `left` = `right`, by which rule, of which shape. An empty left continues the line before."""

    left: Math | None
    right: Math
    rule: Content
    shape: str = ""
    relation: str = "="
    touched: Expr | None = None  # the part of the line before that this step changes
    why: Content = ()  # the rule's general form, its proof in a line, its source: on demand


class Steps(NamedTuple):
    rows: Sequence[Step]


class Table(NamedTuple):
    head: Sequence[str]
    rows: Sequence[Sequence[Content]]
    caption: str = ""


class Figure(NamedTuple):
    """A picture: as SVG, and as text for a terminal."""

    svg: str
    text: str
    caption: str = ""


class Details(NamedTuple):
    """Blocks that may be folded away under a summary; where nothing folds they are shown."""

    summary: str
    blocks: Sequence[Block]


Block = Heading | Paragraph | Entry | Steps | Table | Figure | Details


class Document(NamedTuple):
    title: str
    blocks: Sequence[Block]
    data: Mapping[str, object] = {}  # the same for programs: what --json prints
