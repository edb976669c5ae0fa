"""The linearization as a page: the affine map with its space, and why it has the form it has."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from frechet.compilation.adjugates import with_adjugates
from frechet.compilation.numpy_source import evaluate
from frechet.differentiation.conditions import Condition, explained
from frechet.differentiation.derivative import Derivative
from frechet.differentiation.differential import differential_symbol
from frechet.expressions.dimension import SCALAR, show_shape
from frechet.expressions.errors import FrechetError
from frechet.expressions.node import Expr, substitute, variables
from frechet.expressions.space import curved, space_names
from frechet.interfaces.answer import describe, promises
from frechet.interfaces.document import Block, Content, Document, Entry, Math, Paragraph
from frechet.interfaces.linearize_formulas import ELL, Said, Step, Where, array, say, space
from frechet.interfaces.linearize_phrases import Names
from frechet.interfaces.linearize_reasons import reasons
from frechet.interfaces.page import Page, show_checked, show_declared
from frechet.notation.spaces import Notation, function_line, gradient_space, signature_line, writer
from frechet.notation.text import write_text
from frechet.operations.declared_functions import functions, symbols
from frechet.operations.sums import add, subtract

if TYPE_CHECKING:
    from frechet.interfaces.answer import Answer
    from frechet.notation.reading import Reading


class Linearized(NamedTuple):
    """A function near a point: F(X₀), and DF(X₀)[dX] as an expression in dX, X₀ put in."""

    letter: str
    derivative: Derivative
    step: Step
    value: Expr
    change: Expr
    given: bool  # is X₀ an expression that was given, not any point
    affine: bool
    adjugates: bool = False  # det(X)*inv(X) has no value at X₀, and adj(X) is put for it

    @property
    def base(self) -> Expr:
        return self.step.base

    @property
    def variable(self) -> Expr:
        return self.derivative.variable

    @property
    def map(self) -> Expr:
        """ℓ(X) as an expression in X and X₀."""
        step = subtract(self.variable, self.base)
        return add([(1, self.value), (1, substitute(self.change, {self.derivative.direction: step}))])

    @property
    def spoken(self) -> Linearized:
        """The same with X₀ for a point that is an expression; on a curved set with a tangent step V in place of X − X₀."""
        name = None if self.base.op.name == "variable" else base_name(self.derivative)
        tangent = Names(self).step if curved(self.variable.params[1]) else None
        return self._replace(step=self.step.called(name, tangent))

    def at_base(self, e: Expr) -> Expr:
        """An expression in X at X₀; with adj(X) for det(X)*inv(X), where the point asks for it."""
        return substitute(with_adjugates([e])[0] if self.adjugates else e, {self.variable: self.base})


def base_name(d: Derivative) -> Said:
    """X₀, or the longer name where the formula has an X0 of its own."""
    x = d.variable.params[0]

    def written(notation: Notation) -> str:
        return f"{x}₀" if notation == "unicode" and d.base_name == f"{x}0" else writer(notation)(d.base_point).text

    return Said(written)


def linearized(page: Page, point: Expr | None = None, text: str | None = None) -> Linearized:
    """The function of a page near X₀, or near the point that is given.

    Raises:  NotationError, where the function has no derivative at the point
    """
    x = page.variable
    d = Derivative(page.function, x, _direction(x, point))  # of the differential there are no conventions
    affine = page.affine(d)
    if point is None:
        step = Step(x, d.direction, d.base_point, base_name(d))
        value, change = (substitute(e, {x: d.base_point}) for e in (d.function, d.differential))
        return Linearized(page.letter, d, step, value, change, False, affine)
    from frechet.interfaces.base_point import at_point

    found = at_point(d, point, text)
    step = Step(x, d.direction, point, None)
    return Linearized(page.letter, d, step, found.value, found.differential, True, affine, found.adjugates)


def _direction(x: Expr, point: Expr | None) -> Expr | None:
    """A differential of another name, where dX is a variable of the point."""
    name = f"d{x.params[0]}"
    if point is None or name not in {v.params[0] for v in variables(point)}:
        return None
    return differential_symbol(x, f"{name}_")


def document(
    reading: Reading,
    name: str,
    point: Expr | None = None,
    *,
    text: str | None = None,
    why: bool = False,
    check: bool = True,
    convention: str | None = None,
    pictures: bool = False,
) -> Document:
    """The page. point: X₀, where it is given, and its text; pictures: draw the plot of the remainder as SVG too."""
    page = Page(reading, name, check=check, convention=convention)
    answers, missing = page.first_answers()
    m = linearized(page, point, text)
    formula = m.step.affine(m.value, m.change)
    found = explained(page.function, page.variable, m.derivative.differential, *(a.expression for a in answers))
    conditions = describe([*_remaining(m, list(found)), *promises(page.function)])
    blocks = [*_head(page, m), *_map(m, formula), *_notes(page, m, answers, conditions)]
    data = _data(page, m, formula, answers, conditions)
    if why:
        blocks += reasons(m, missing)
        from frechet.interfaces.linearize_numbers import worked
        from frechet.interfaces.linearize_remainder import remainder_blocks

        numbers = worked(m)
        blocks += numbers.blocks
        remainders, slopes = remainder_blocks(m, numbers.point, numbers.direction, pictures)
        blocks += remainders
        data |= {"instance": dict(numbers.data), "remainder": dict(slopes)}
    return Document(f"{page.letter} near {_plain(m)}", blocks, data)


def _remaining(m: Linearized, found: Sequence[Condition]) -> list[Condition]:
    """The conditions that speak of more than the point which was given: that one has been looked at."""
    if not m.given:
        return list(found)
    own = {m.variable, *variables(m.base)}
    return [(words, e) for words, e in found if e is None or not own.issuperset(variables(e))]


def _plain(m: Linearized) -> str:
    return m.step.point.write("unicode")


def _head(page: Page, m: Linearized) -> list[Block]:
    """The function with its space, and what is declared of the others."""
    line = Said(lambda notation: signature_line(page.letter, page.variable, page.function, notation))
    named = {**page.reading.variables, **{v.params[0]: v for v in variables(m.base) if m.given}}
    others = ", ".join(f"{n}: {show_declared(v)}" for n, v in named.items() if n != page.name)
    blocks: list[Block] = [Paragraph([line])]
    if others:
        blocks.append(Entry("with", [others]))
    shown = symbols(page.function, m.derivative.differential).values()
    for f in functions(page.function).values():
        views = [view for g, view in shown if g == f]
        blocks.append(Paragraph([Said(lambda notation, f=f, views=views: function_line(f, views, notation))]))  # type: ignore[misc]
    return blocks


def _map(m: Linearized, formula: Math) -> list[Block]:
    """ℓ : ℝ^{p×q} → ℝ, ℓ(X) = …"""
    x, f = m.variable, m.derivative.function
    # ℓ is defined on the whole linear space, also where the variable is restricted to a part of it
    fields: list[Sequence[str]] = [() if e.real else ("complex",) for e in (x, f)]
    linear = [w for w in space_names(*x.params[1:3]) if w in ("symmetric", "hermitian", "skew", "diagonal")]
    domain = space(x.shape, [*linear[:1], *fields[0]])
    line = Math("{0} : {1} → {2},  {0}({3}) = {4}", ELL, domain, space(f.shape, fields[1]), x.params[0], formula)
    blocks: list[Block] = [Paragraph([line])]
    count = len(formula.written("text").where)
    return blocks + [Entry("" if i else "where", [Where(formula, i)]) for i in range(count)]


def _notes(page: Page, m: Linearized, answers: Sequence[Answer], conditions: Sequence[str]) -> list[Block]:
    g, x = m.letter, page.name
    if m.affine:
        near: Content = say("everywhere: {} is affine in {}, so {} is {} itself", g, x, ELL, g)
    else:
        near = ["near ", m.step.point, ", up to second order"]
    label = "exact" if m.affine else "holds"
    blocks: list[Block] = [*_values(m), Entry(label, near)]
    where = gradient_space(m.variable)
    if where is not None:
        blocks.append(Entry("steps", [f"{x} is {show_declared(m.variable)}: steps lie in {where}"]))
    blocks.append(Entry("conditions", ["; ".join(conditions) or "none"]))
    elsewhere = dict.fromkeys(c for a in answers for c in a.elsewhere) if not m.given else {}
    blocks += [Entry("" if i else "elsewhere", [words]) for i, words in enumerate(elsewhere)]
    blocks.append(Entry("checked", [show_checked([a.report for a in answers])]))
    return blocks


def _values(m: Linearized) -> list[Block]:
    """The value and the gradient as numbers, where the point leaves no variable."""
    if not m.given or variables(m.value, m.change) != [m.derivative.direction]:
        return []
    scalar = m.derivative.function.shape == SCALAR
    shown: list[Block] = []
    for label, symbol, e in (("value", "{0}({1}) = {2}", m.value), ("gradient", "∇{0}({1}) = {2}", None)):
        with suppress(FrechetError):
            if e is None:
                e = m.at_base(m.derivative.gradient) if scalar else m.value
            if e.op.name not in ("blocks", "number", "zeros", "eye") and (scalar or label == "value"):
                shown.append(Entry(label, [Math(symbol, m.letter, m.step.point, array(evaluate(e, {})))]))
    return shown


def _data(
    page: Page, m: Linearized, formula: Math, answers: Sequence[Answer], conditions: Sequence[str]
) -> dict[str, object]:
    """For programs; formulas in the text notation."""
    d = m.derivative
    found: dict[str, object] = {
        "ok": True,
        "variables": {n: show_shape(v.shape) for n, v in page.reading.variables.items()},
        "form": "linearization",
        "text": f"{page.letter}({page.name}) = {_with_where(formula)}",
        "point": write_text(m.base).text,
        "value": _with_where(m.step.put(m.value)),
        "differential": write_text(d.differential).text,
        "exact": m.affine,
        "conditions": list(conditions),
    }
    reports = [a.report for a in answers if a.report is not None]
    if reports:
        found["checked"] = {
            "points": max(r.points for r in reports),
            "max_relative_error": max(r.max_relative_error for r in reports),
        }
    return found


def _with_where(formula: Math) -> str:
    written = formula.written("text")
    if not written.where:
        return written.text
    return "; ".join([written.text, *(f"{name} = {part}" for name, part in written.where.items())])
