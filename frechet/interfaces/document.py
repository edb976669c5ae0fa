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
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from frechet.expressions.dimension import Dim
from frechet.expressions.node import Expr, variables
from frechet.notation.spaces import Notation, style_of, writer
from frechet.notation.writing import ADD, ATOM, FROBENIUS, PRODUCT, Piece, Written

if TYPE_CHECKING:
    from frechet.interfaces.rendering import Format

HOLE = re.compile(r"\{(\d+)(?::([aps]))?\}")
LEVELS = {None: FROBENIUS, "s": ADD, "p": PRODUCT, "a": ATOM}

# How the signs of templates are written elsewhere. What is not listed stays; Greek letters have commands in LaTeX.
LATEX = {
    "⟨": r"\langle ", "⟩": r"\rangle ", "ᵀ": r"^{\top}", "ᴴ": r"^{\mathsf{H}}", "⁻ᵀ": r"^{-\top}", "⁻¹": "^{-1}",
    "²": "^{2}", "³": "^{3}", "ⁿ": "^{n}", "⁺": "^{+}", "′": "'", "∇": r"\nabla ", "∂": r"\partial ", "ℝ": r"\mathbb{R}",
    "ℂ": r"\mathbb{C}", "×": r" \times ", "→": r"\to ", "↦": r"\mapsto ", "⇒": r"\Rightarrow ", "⇔": r"\Leftrightarrow ",
    "≈": r"\approx ", "≡": r"\equiv ", "∝": r"\propto ", "≠": r"\neq ", "≤": r"\le ", "≥": r"\ge ", "≪": r"\ll ",
    "≫": r"\gg ", "⪰": r"\succeq ", "≻": r"\succ ", "∈": r"\in ", "∞": r"\infty ", "±": r"\pm ", "−": "-",
    "·": r" \cdot ", "⊙": r"\odot ", "∘": r"\circ ", "⊗": r"\otimes ", "⊘": r"\oslash ", "⊕": r"\oplus ",
    "⊥": r"\perp ", "⟂": r"\perp ", "Σ": r"\sum ", "∑": r"\sum ", "∏": r"\prod ", "δ": r"\delta ", "ε": r"\varepsilon ",
    "₊": "_{+}", "₋": "_{-}",
    "₀": "_{0}", "₁": "_{1}", "₂": "_{2}", "₃": "_{3}", "ᵢⱼ": "_{ij}", "ⱼᵢ": "_{ji}", "ᵢₖ": "_{ik}", "ₖⱼ": "_{kj}",
    "ₖᵢ": "_{ki}", "ⱼₖ": "_{jk}", "ᵢ": "_{i}", "ⱼ": "_{j}", "ₖ": "_{k}", "ₗ": "_{l}", "ₘ": "_{m}", "ₙ": "_{n}",
    "𝟏": r"\mathbf{1}", "‖": r"\Vert ", "…": r"\dots ", "√": r"\sqrt", "½": r"\tfrac12 ", "tr(": r"\operatorname{tr}(",
    "vec(": r"\operatorname{vec}(", "Re ": r"\operatorname{Re}", "sym(": r"\operatorname{sym}(",
    "diag(": r"\operatorname{diag}(", "det(": r"\det(", "log(": r"\log(", "exp(": r"\exp(", "rank(": r"\operatorname{rank}(",
    "%": r"\%", "#": r"\#", "&": r"\&", "$": r"\$",
}  # fmt: skip
TEXT = {
    "⟨": "<", "⟩": ">", "⁻ᵀ": "^-T", "⁻¹": "^-1", "ᵀ": "'", "ᴴ": "^H", "²": "^2", "³": "^3", "ⁿ": "^n", "⁺": "^+", "′": "'",
    "∇²": "hess ",
    "∇": "grad ", "∂": "d", "ℝ": "R", "ℂ": "C", "×": "x", "→": "->", "↦": "|->", "⇒": "=>", "⇔": "<=>", "≈": "~",
    "≡": "==", "∝": "~", "≠": "!=", "≤": "<=", "≥": ">=", "≪": "<<", "≫": ">>", "⪰": ">=", "≻": ">", "∈": "in", "∞": "inf",
    "±": "+-", "−": "-", "·": "*", "⊙": ".*", "∘": ".*", "⊗": "(x)", "⊘": "./", "⊕": "(+)", "Σ": "sum ", "∑": "sum ",
    "∏": "prod ", "δ": "delta ", "ε": "eps", "Ω": "Omega", "₊": "_+", "₋": "_-",
    "₀": "0", "₁": "1", "₂": "2", "₃": "3", "ᵢⱼ": "_ij", "ⱼᵢ": "_ji", "ᵢₖ": "_ik",
    "ₖⱼ": "_kj", "ₖᵢ": "_ki", "ⱼₖ": "_jk", "ᵢ": "_i", "ⱼ": "_j", "ₖ": "_k", "ₗ": "_l", "ₘ": "_m", "ₙ": "_n", "𝟏": "1",
    "‖": "||", "…": "...", "√": "sqrt", "½": "1/2 ",
}  # fmt: skip
# In LaTeX the d of dX is upright, that of d{0} too, and so are words.
DIFFERENTIAL = re.compile(r"(?<![\w\\])d(?=[^\W\d_](?![A-Za-z0-9_])|[‖(])")
BEFORE_HOLE = re.compile(r"(?<![\w\\])d$")
BEFORE_DIFFERENTIAL = re.compile(r"((?<![\\A-Za-z])[A-Za-z0-9]|[)}]) \\mathrm\{d\}")
BEFORE_INDEX = re.compile(r"\b(sum|prod) (?=_)")
PRODUCT_OF_SIZES = re.compile(r"(?<=\S)×(?=\S)")
GAP = re.compile(" {2,}")
WORDS = re.compile(r" ?(?<![\w\\{^])[a-z]{3,}(?![\w(])(?: [a-z]{2,}(?![\w(]))* ?")


@cache
def _table(notation: Notation) -> tuple[Mapping[str, str], re.Pattern[str]]:
    table = TEXT
    if notation == "latex":
        from frechet.notation.latex import LETTERS

        table = {c: f"{command} " for c, command in LETTERS.items()} | LATEX
    return table, re.compile("|".join(re.escape(k) for k in sorted(table, key=len, reverse=True)))


class Math:
    """A formula: a template such as "d{0} = ⟨{1}, {2}⟩" and what stands in its holes.

    {0} is written as it is; {0:p} in parentheses where it is a sum, {0:a} where it is anything but one symbol.
    A part is an expression, a dimension, a formula, the name of a variable, or a function that writes it in a notation.
    names: how some of the variables are written, such as the differential of a part, d(inv(S))
    """

    __slots__ = ("_found", "names", "parts", "template")

    def __init__(self, template: str, *parts: Part, names: Mapping[Expr, Math] | None = None) -> None:
        self.template, self.parts, self.names = template, parts, dict(names or {})
        self._found: dict[Notation, Written] = {}

    def write(self, notation: Notation) -> str:
        """The formula in a notation: text, unicode or latex."""
        return self.written(notation).text

    def written(self, notation: Notation) -> Written:
        """The formula, and the parts that it names because they are large and used more than once."""
        if notation not in self._found:
            self._found[notation] = self._written(notation)
        return self._found[notation]

    def _written(self, notation: Notation) -> Written:
        style, write = style_of(notation), writer(notation)
        spelled: dict[Expr, Piece] = {e: (m.write(notation), ATOM) for e, m in self.names.items()}
        where: dict[str, str] = {}
        text, end = "", 0
        for hole in HOLE.finditer(self.template):
            literal = self.template[end : hole.start()]
            if notation == "latex":
                literal = BEFORE_HOLE.sub(r"\\mathrm{d}", literal)
            text += signs(literal, notation)
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
            elif isinstance(part, Dim):
                text += style.dimension(part)
            elif isinstance(part, str):
                text += style.variable(part)[0]
            else:
                text += plain_signs(part(notation)) if notation == "text" else part(notation)
        text += signs(self.template[end:], notation)
        if notation == "latex":
            text = BEFORE_DIFFERENTIAL.sub(r"\1 \\, \\mathrm{d}", GAP.sub(" ", text).strip())
        return Written(text, where)

    def variables(self) -> dict[str, Expr]:
        """The variables that occur in it, by name, in order of first appearance."""
        found: dict[str, Expr] = {}
        for part in self.parts:
            if isinstance(part, Expr):
                found |= {v.params[0]: v for v in variables(part)}
            elif isinstance(part, Math):
                found |= part.variables()
        return found

    def __repr__(self) -> str:
        return f"Math({self.write('unicode')!r})"


Part = Expr | Dim | Math | str | Callable[[Notation], str]


def signs(template: str, notation: Notation) -> str:
    """Literal mathematical characters in a notation."""
    if notation == "unicode":
        return template
    table, pattern = _table(notation)
    if notation == "latex":
        template = GAP.sub(r"\\quad ", template)
        template = WORDS.sub(lambda m: rf"\text{{{m[0]}}}", DIFFERENTIAL.sub(r"\\mathrm{d}", template))
    text = pattern.sub(lambda m: table[m[0]], template)
    return BEFORE_INDEX.sub(r"\1", text) if notation == "text" else text


def plain_signs(text: str) -> str:
    """Mathematical characters among words, in ASCII.

    >>> plain_signs("ℝ^{p×q} → ℝ, Σᵢⱼ aᵢⱼ")
    'R^{p x q} -> R, sum_ij a_ij'
    """
    return text if text.isascii() else signs(PRODUCT_OF_SIZES.sub(" x ", text), "text")


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
    rule: Content = ()
    shape: str = ""
    relation: str = "="
    touched: Expr | Math | None = None  # the part of the line before that this step changes
    why: Content = ()  # the rule's general form, its proof in a line, its source: on demand


class Steps(NamedTuple):
    rows: Sequence[Step]


class Table(NamedTuple):
    head: Sequence[str]
    rows: Sequence[Sequence[Content]]
    caption: str = ""


class Figure(NamedTuple):
    """A picture: as SVG, and as text for a terminal. Whoever draws it escapes the user's text in the SVG."""

    svg: str
    text: str
    caption: str = ""


class Details(NamedTuple):
    """Blocks that may be folded away under a summary; where nothing folds they are shown."""

    summary: str
    blocks: Sequence[Block]


Block = Heading | Paragraph | Entry | Steps | Table | Figure | Details


class Document(NamedTuple):
    """A page. `str` gives it in plain lines; a notebook shows it as HTML."""

    title: str
    blocks: Sequence[Block]
    data: Mapping[str, object] = {}  # the same for programs: what --json prints

    def __str__(self) -> str:
        return self._written("terminal").rstrip("\n")

    def _written(self, format: Format) -> str:
        from frechet.interfaces.rendering import render

        return render(self, format)

    def _repr_html_(self) -> str:
        return self._written("html")

    def _repr_markdown_(self) -> str:
        return self._written("markdown")

    def _repr_latex_(self) -> str:
        return self._written("latex")

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))
