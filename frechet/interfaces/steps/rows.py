"""The lines of a derivation as rows of a page: formulas in the chosen inner product, shapes, rules, constants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from frechet.derivation import rules
from frechet.derivation.expanding import Level
from frechet.derivation.lines import Line, Term, distinct, plain
from frechet.derivation.rules import Rule
from frechet.derivation.steps import Derivation, PartSteps
from frechet.derivation.undecorated import in_front
from frechet.expressions.dimension import SCALAR, UNIT, Shape
from frechet.expressions.node import Expr, Number, variables
from frechet.interfaces.document import Block, Content, Heading, Inline, Math, Step, Steps, Table
from frechet.interfaces.page import show_size
from frechet.operations.constants import magnitude, number

InnerProduct = Literal["trace", "colon", "inner", "index", "vec"]


class Rows:
    """Writes lines. `inner` says how inner products are written; with `reasons` every line has its rules' reasons."""

    def __init__(self, letter: str, inner: InnerProduct, level: Level, reasons: bool) -> None:
        self.letter, self.inner, self.level, self.reasons = letter, inner, level, reasons

    # -- blocks
    def parts(self, derivation: Derivation) -> list[Block]:
        """The named parts with their differentials; at level `all` the steps to these too."""
        parts = derivation.parts
        if not parts:
            return []
        blocks: list[Block] = [Heading("Parts, and their differentials")]
        blocks.append(Table(("part", "shape", "differential", "by"), [self._part(p) for p in parts]))
        if self.level == "all":
            blocks += [Steps(self.rows(Math("{0}", p.symbol), p.lines)[1:]) for p in parts if len(p.lines) > 2]
        return blocks

    def _part(self, p: PartSteps) -> list[list[Inline]]:
        by = distinct([r for line in p.lines for r in line.rules])
        constants = list(dict.fromkeys(c for line in p.lines for c in line.constants))
        return [
            [Math("{0} = {1}", p.part.symbol, p.part.formula)],
            [show_size(p.part.node.shape)],
            [Math("{0} = {1}", p.symbol, self.as_trace(p.lines[-1]))],
            self.by(by, constants),
        ]

    def rows(self, left: Math, lines: Sequence[Line], vec: str = "") -> list[Step]:
        """The lines, one after the other; `vec` is what stands on the left of those that are for vec."""
        found: list[Step] = []
        shown: Math | None = left
        before: Line | None = None
        for line in lines:
            if line.of == "name":
                assert line.symbol is not None
                by = "what stands beside the differential gets a name"
                found.append(Step(Math("{0}", line.symbol), self.formula(line), [by], show_size(line.symbol.shape)))
                continue
            if line.of == "vec" and vec:
                shown = Math(vec)
            row = self._row(shown, line, before)
            # A line may change what stands for a product without changing how it is written: nothing to follow.
            if shown is not None or before is None or row.right.write("text") != self.formula(before).write("text"):
                found.append(row)
            shown, before = None, line
        return found

    def _row(self, left: Math | None, line: Line, before: Line | None) -> Step:
        why: list[Inline] = []
        if self.reasons:
            for rule in line.rules:
                why += [*(["; "] if why else []), *self.explained(rule)]
        by, touched = self.by(line.rules, line.constants, line.symmetric), self.touched(line, before)
        return Step(left, self.formula(line), by, shapes(line, self.inner), touched=touched, why=why)

    def touched(self, line: Line, before: Line | None) -> Math | None:
        """What a line changes of the line before: the differential that it replaces, else the term; None where it is all."""
        if before is None:
            return None
        gone = [v for v in _differentials(before) if v not in _differentials(line)]
        if len(gone) == 1:
            return Math("{0}", gone[0], names=self._names(before))
        terms = [t for t in before.terms if t not in line.terms]
        if len(terms) == 1 < len(before.terms):
            return self.formula(before._replace(terms=(terms[0]._replace(coefficient=magnitude(terms[0].coefficient)),)))
        return None

    # -- rules
    def by(self, used: Sequence[Rule], constants: Sequence[str] = (), symmetric: Sequence[Expr] = ()) -> list[Inline]:
        """The names of the rules, and what else was used: constants, symmetric matrices."""
        words: list[Inline] = ["; ".join(dict.fromkeys(map(self.called, used)))]
        for e in symmetric:
            words += [" (", Math("{0}", e), " symmetric)"]
        if constants:
            words += [
                " (",
                *(w for i, c in enumerate(sorted(constants)) for w in (", " if i else "", Math("d{0} = 0", c))),
                ")",
            ]
        return words

    def called(self, rule: Rule) -> str:
        """The name of a rule, where inner products are not traces the one that fits them."""
        return rule.name if self.inner == "trace" else rules.SIDES.get(rule.name, rule.name)

    def explained(self, rule: Rule) -> list[Inline]:
        """What a rule says in general, why, and where it stands."""
        general = rule.general
        if self.inner != "trace" and rule.name in rules.SIDES:
            general = rules.SIDES_GENERAL
        words = " – ".join(w for w in (general, rule.why) if w)
        return [words, f" [{rule.source}]" if rule.source else ""]

    # -- formulas
    def as_trace(self, line: Line) -> Math:
        return Math("{0}", line.value, names=self._names(line))

    def _names(self, line: Line) -> dict[Expr, Math]:
        """How the differentials that are still to be found are written."""
        return {s: Math("d({0})", node) for s, node in line.symbols.items()}

    def formula(self, line: Line) -> Math:
        """The line, its inner products written as was asked for."""
        if self.inner == "trace" or all(t.left is None for t in line.terms):
            return self.as_trace(line)
        text = ""
        parts: list[Expr] = []
        for term in line.terms:
            c, template, used = self._term(term)
            text += (" − " if c < 0 else " + ") if text else "−" if c < 0 else ""
            if magnitude(c) != 1:
                used = [number(magnitude(c)), *used]
                template = "{0} " + _shifted(template, 1)
            text += _shifted(template, len(parts))
            parts += used
        return Math(text, *parts, names=self._names(line))

    def _term(self, term: Term) -> tuple[Number, str, list[Expr]]:
        """A term as a number in front, a template, and what stands in it."""
        if term.left is None:
            c, e = in_front(term.right)
            return term.coefficient * c, "{0:p}", [e]
        c, w = in_front(term.left)
        k, v = in_front(term.right)
        c = term.coefficient * c * k
        real, flipped = ("", "ᵀ") if w.real and v.real else ("Re ", "ᴴ")
        if v.shape == SCALAR:
            return c, "{0:p} {1:p}", [w, v]
        vector = UNIT in v.shape
        template = {
            "colon": real + "({0} : {1})",
            "inner": real + "⟨{0}, {1}⟩",
            "vec": real + ("{0:a}" + flipped + " {1:p}" if vector else "vec({0})" + flipped + " vec({1})"),
            "index": real + ("Σᵢ [{0}]ᵢ [{1}]ᵢ" if vector else "Σᵢⱼ [{0}]ᵢⱼ [{1}]ᵢⱼ"),
        }[self.inner]
        return c, template, [w, v]


def listed(items: Sequence[Content], last: str = ", ", between: str = ", ") -> list[Inline]:
    """a, b and c."""
    found: list[Inline] = []
    for i, item in enumerate(items):
        found += ["" if i == 0 else last if i == len(items) - 1 else between, *item]
    return found


def _shifted(template: str, by: int) -> str:
    """The template with its holes counted on."""
    for i in (1, 0):
        template = template.replace(f"{{{i}", f"{{{i + by}") if by else template
    return template


def _differentials(line: Line) -> list[Expr]:
    return list(dict.fromkeys(v for t in line.terms for v in variables(t.right) if v.params[3] == "differential"))


def shapes(line: Line, inner: InnerProduct = "trace") -> str:
    """The shapes of the factors in every term, (k×m)(m×n)(n×k); of many terms the first two."""
    found = list(dict.fromkeys(_shapes_of_term(t, inner) for t in line.terms))
    return ", ".join(found[:2]) + (", …" if len(found) > 2 else "")


def _shapes_of_term(term: Term, inner: InnerProduct) -> str:
    if inner == "trace" or term.left is None:
        return _shapes_of_factors(plain(term))
    return f"{show_size(term.left.shape)}, both" if inner != "vec" else "row × column"


def _shapes_of_factors(e: Expr) -> str:
    while e.op.name in ("tr", "sum", "scale") or (e.op.name == "sum_of_terms" and len(e.args) == 1):
        e = e.args[-1]
    if e.op.name == "hadamard" and e.shape == SCALAR:
        inner = [a for a in e.args if a.op.name in ("tr", "product", "sum")]
        return _shapes_of_factors(inner[0]) if len(inner) == 1 else "scalar"
    factors = e.args if e.op.name == "product" else (e,)
    if len(factors) == 1:
        return show_size(e.shape)
    return "".join(f"({_shape(f.shape)})" for f in factors)


def _shape(shape: Shape) -> str:
    return show_size(shape) if shape[1] is not UNIT or shape[0] is UNIT else f"{show_size(shape)}×1"
