"""The explanation of a derivative: what to expect, the steps, the result, what it says, numbers, other ways.

Everything is read from the record of `frechet.derivation`; nothing here differentiates.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from frechet.derivation.expanding import Level
from frechet.derivation.steps import Derivation, derive
from frechet.differentiation.conditions import explained
from frechet.differentiation.derivative import Derivative
from frechet.differentiation.structure import structure_of
from frechet.expressions.dimension import SCALAR
from frechet.expressions.errors import UnsupportedError
from frechet.expressions.node import Expr, depends, substitute, walk
from frechet.interfaces.answer import Answer, promises
from frechet.interfaces.document import Block, Document, Entry, Heading, Inline, Math, Paragraph, Step, Steps
from frechet.interfaces.page import Page, checked_words, declared_words, show_size
from frechet.interfaces.steps.expectation import kind_of_object
from frechet.interfaces.steps.numbers import hessian_in_numbers, in_numbers
from frechet.interfaces.steps.remarks import MANY, gradient_of, other_ways, recipe, rules_used, what_it_says
from frechet.interfaces.steps.rows import InnerProduct, Rows, listed, shapes
from frechet.interfaces.steps.symbols import symbols_used
from frechet.notation.spaces import gradient_space, signature_line
from frechet.operations.elementwise import SIGN
from frechet.operations.rowwise import count_attained
from frechet.operations.sums import content
from frechet.operations.transposition import transposed
from frechet.verification.lines import check_lines


class StepsPage:
    """The explanation of the derivative that a page answers.

    level: short, only the lines a paper prints; normal; all, every rule in a line of its own
    inner: how inner products are written: trace, colon, inner, index, vec
    reasons: has every line the reasons of its rules, for a page on which they can be folded away? By default at level all
    """

    def __init__(
        self, page: Page, level: Level = "normal", inner: InnerProduct = "trace", reasons: bool | None = None
    ) -> None:
        self.page, self.level = page, level
        self.name, self.letter = page.name, page.letter
        self.x, self.function = page.variable, page.function
        self.answers = [self._answered()]
        self.d: Derivative = self.answers[0].derivative
        self.hessian: Expr | None = None
        self.second: Derivation | None = None
        self.rows = Rows(self.letter, inner, level, level == "all" if reasons is None else reasons)
        self.derivation = self._derived(self.d, inner == "trace")

    def _answered(self) -> Answer:
        """The gradient or Jacobian; where there is none, as of a function that is not holomorphic, the differential."""
        try:
            return self.page._answered(None, 1)
        except UnsupportedError:
            return self.page._answered("differential", 1)

    def _derived(self, d: Derivative, traces: bool) -> Derivation:
        found = derive(d, self.level, self.page.reading.definitions, traces)
        if self.page.check:
            check_lines(found)
        return found

    def document(self) -> Document:
        told = self.level != "short"
        before: list[Block] = [*self._asked(), *(self._expected() if told else ())]
        blocks: list[Block] = [*self.rows.parts(self.derivation), *self._steps(), *self._result()]
        if self.page.order == 2:
            blocks += self._second()
        blocks += self._conditions()
        if told:
            blocks += what_it_says(self.derivation, self.letter, self.name)
            blocks += self._in_numbers()
            blocks += other_ways(self.d, self.page, self.letter)
            symbols = symbols_used([*before, *blocks], self.d, self.rows.inner, self.letter)
            before.append(Paragraph(["Symbols: ", *listed(symbols, "; ", "; "), "."]))
            both = [self.derivation, *([self.second] if self.second is not None else [])]
            blocks += rules_used(both, self.rows)
            blocks.append(recipe(self.d, self.name))
        return Document(f"The derivative of {self.letter} by {self.name}", [*before, *blocks], self._data())

    def _in_numbers(self) -> Iterator[Block]:
        blocks = list(in_numbers(self.d, self.letter, self.name, self.rows.inner))
        yield from blocks
        if blocks and self.hessian is not None:
            yield from hessian_in_numbers(self.d, self.hessian, self.letter, self.name)

    # -- what is asked
    def _asked(self) -> Iterator[Block]:
        yield Paragraph([Math("{0}", lambda n: signature_line(self.letter, self.x, self.function, n))])
        said: list[Inline] = [
            f"{self.name} moves by a step ",
            Math("{0}", self.d.direction),
            f", {_like(self.x)} {self.name}",
        ]
        others = [v for name, v in self.page.reading.variables.items() if name != self.name]
        if others:
            said += ["; ", *listed([[Math("{0}", v), f" ({_what(v)})"] for v in others], " and ")]
            said += [" is constant" if len(others) == 1 else " are constant", ": "]
            said += listed([[Math("d{0} = 0", v)] for v in others])
        if explained(self.function, self.x):
            said += [". There is a derivative where the conditions below hold"]
        yield Paragraph([*said, "."])
        if "I" in self.page.reading.variables:
            yield Paragraph([Math("I"), " is read as a matrix of yours; the identity is eye(n)."])

    def _expected(self) -> Iterator[Block]:
        yield Heading("What to expect")
        yield Paragraph(kind_of_object(self.d, self.letter, self.name))
        space = gradient_space(self.x)
        if gradient_of(self.d) and space is not None:
            words = f"{self.name} is {declared_words(self.x)}, so its steps live in {space}. "
            yield Paragraph([words, "Other G give the same numbers for these steps; the gradient is the one in that space."])

    # -- the lines
    def _steps(self) -> Iterator[Block]:
        yield Heading("Steps")
        yield Steps(self.rows.rows(Math(f"d{self.letter}"), self.derivation.lines, f"vec(d{self.letter})"))

    def _result(self) -> Iterator[Block]:
        yield Heading("Result")
        if gradient_of(self.d):
            yield from self._gradient()
            return
        size = show_size
        if self.x.shape == SCALAR:
            found = self.d.by_scalar if self.function.shape != SCALAR else self.d.gradient
            yield Steps(self._in_full(f"d{self.letter}/d{self.name}", self.derivation.result, found, "read off"))
            shape = (
                "a number"
                if found.shape == SCALAR
                else f"{size(found.shape)}, as {self.letter}: every entry differentiated by {self.name}"
            )
            yield Paragraph([f"It is {shape}; by one number, both layouts agree up to a transpose."])
            return
        if self.function.shape == SCALAR:
            yield from self._complex()
            return
        if len(self.x.shape) == 2 and len(self.function.shape) == 2:
            try:
                jacobian = self.d.jacobian
            except UnsupportedError as error:
                yield Paragraph(
                    [f"As one matrix this derivative has no form here ({error.message}); its differential says it all."]
                )
            else:
                by = f"read off: this holds for every d{self.name}"
                yield Steps(self._in_full(f"∂{self.letter}/∂{self.name}", self.derivation.result, jacobian, by))
                words = [
                    f"The Jacobian in numerator layout: a row for every entry of {self.letter}, a column for every entry of "
                ]
                yield Paragraph([*words, f"{self.name}; the denominator layout is its transpose."])
                return
        by = "the derivative as a linear map"
        yield Steps([Step(Math(f"d{self.letter}"), Math("{0}", self.d.differential), [by], size(self.function.shape))])

    def _complex(self) -> Iterator[Block]:
        """Of a complex function the derivative by the convention, or both Wirtinger derivatives."""
        left, size = f"∂{self.letter}/∂{self.name}", show_size(self.x.shape)
        try:
            words = [f"read off, by the convention {self.d.convention}"]
            yield Steps([Step(Math(left), Math("{0}", self.d.gradient), words, size)])
        except UnsupportedError:
            by: list[Inline] = [
                Math(f"d{self.letter} = tr(Pᵀ d{self.name}) + tr(Qᵀ conj(d{self.name}))"),
                ": P, what stands beside ",
                Math("{0}", self.d.direction),
            ]
            other = ["Q, what stands beside its conjugate; the function is not holomorphic, since Q is not 0"]
            bar = f"∂{self.letter}/∂conj({self.name})"
            yield Steps([
                Step(Math(left), Math("{0}", self.d.wirtinger("wirtinger")), by, size),
                Step(Math(bar), Math("{0}", self.d.wirtinger("wirtinger-conj")), other, size),
            ])  # fmt: skip

    def _in_full(self, left: str, result: Expr, full: Expr, by: str) -> list[Step]:
        """The result in terms of the parts, and of the variables."""
        rows = [Step(Math(left), Math("{0}", result), [by], show_size(result.shape))]
        if result is not full and full.leaves <= MANY:
            rows.append(Step(None, Math("{0}", full), [self._put_in(result, full)], show_size(full.shape)))
        return rows

    def _put_in(self, result: Expr, full: Expr) -> str:
        """How the result in terms of the parts becomes that in terms of the variables."""
        e = result
        for symbol, w in reversed(self.derivation.named):
            e = substitute(e, {symbol: w})
        for p in reversed(self.derivation.parts):
            e = substitute(e, {p.part.symbol: p.part.formula})
        return "the parts put in" if e is full else "simplified" if e is result else "the parts put in, and simplified"

    def _gradient(self) -> Iterator[Block]:
        d, letter, name, size = self.d, self.letter, self.name, show_size(self.x.shape)
        result, full = self.derivation.result, d.gradient
        rows: list[Step] = []
        left: Math | None = Math(f"∇{letter}")
        if (
            self.rows.inner == "trace"
            and self.x.kind in ("matrix", "vector")
            and self.x.real
            and transposed(result) is not result
        ):
            free = structure_of(self.x) == "general"
            by = f"what stands before d{name}, since this holds for every d{name}" + (
                "" if free else " and G lies in their space"
            )
            by += _as_inner(result)
            rows.append(Step(Math("Gᵀ"), Math("{0}", transposed(result)), [by], show_size(self.x.shape[::-1])))
            rows.append(Step(left, Math("{0}", result), [f"G, the transpose of Gᵀ{_turned(result)}"], size))
        else:
            space = "" if structure_of(self.x) == "general" else "; it lies in the space of the steps"
            by = f"read off: d{letter} = ⟨G, d{name}⟩ for every d{name}{space}{_as_inner(result)}"
            rows.append(Step(left, Math("{0}", result), [by], size))
        if result is not full and full.leaves <= MANY:
            rows.append(Step(None, Math("{0}", full), [self._put_in(result, full)], size))
        yield Steps(rows)
        words: list[Inline] = [f"The gradient is {_like(self.x)} {name} (denominator layout)"]
        if not self.x.real:
            words += ["; the Wirtinger derivative ", Math(f"∂{letter}/∂conj({name})"), " is half of it"]
        elif self.x.kind in ("matrix", "vector") and structure_of(self.x) == "general":
            numerator = d.layout("numerator")
            words += [
                "; in numerator layout the partials are its transpose, ",
                Math(f"∂{letter}/∂{name} = {{0}}", numerator),
            ]
            words += [f", {show_size(numerator.shape)}"]
        yield Paragraph([*words, "."])
        if structure_of(self.x) == "symmetric":
            words = ["If the entries on and below the diagonal are the variables (Matrix Cookbook 138-141), "]
            words += ["the matrix of those partials is "]
            why = ": an entry off the diagonal then moves two entries of the matrix at once, so its partial is doubled."
            yield Paragraph([*words, Math(f"2∇{letter} − ∇{letter} ⊙ I"), why])

    def _second(self) -> Iterator[Block]:
        """The Hessian: the differential of the gradient, by the same rules."""
        if not gradient_of(self.d) or not self.x.real:
            yield Paragraph(["No second derivative is derived here: ask for --form differential --order 2."])
            return
        yield Heading("The Hessian: the differential of the gradient")
        gradient = self.d.cotangent
        left = f"d∇{self.letter}"
        if gradient is not self.d.gradient:
            left = "dG"
            words: list[Inline] = [
                Math("G = {0}", gradient),
                " is the gradient before its projection to the space of the steps",
            ]
            yield Paragraph([*words, "; for steps in that space its differential gives the second derivative."])
        if self.x not in depends(gradient, self.x):
            yield Paragraph(["The gradient is constant, so the Hessian is 0."])
            return
        steps = self._derived(Derivative(gradient, self.x, self.d.direction), True)
        found = self.page._answered("hessian")
        self.answers.append(found)
        self.hessian = found.expression
        yield from self.rows.parts(steps)[1:]
        rows = self.rows.rows(Math(left), steps.lines, f"vec({left})")
        by = "read off: the Hessian, a symmetric matrix"
        e = found.expression
        yield Steps([*rows, *self._in_full(f"∇²{self.letter}", steps.result, e, by)])
        self.second = steps
        if e.definite and left != "dG" and not explained(self.function, self.x, e):
            yield Paragraph([f"It is positive semi-definite at every point, so {self.letter} is convex."])

    def _conditions(self) -> Iterator[Block]:
        shown = [a.expression for a in self.answers]
        where = explained(self.function, self.x, *shown)
        yield Entry("conditions", listed([_condition(words, e) for words, e in where], "; ", "; ") or ["none"])
        promised = promises(self.function)
        if promised:
            yield Entry("declared", listed([_condition(words, e) for words, e in promised], "; ", "; "))
        for i, text in enumerate(dict.fromkeys(c for a in self.answers for c in a.elsewhere)):
            yield Entry("" if i else "elsewhere", [text])
        extra = [c for c in self.derivation.conditions if c not in where and not _implied(c, where)]
        if extra:
            lines = listed([_condition(words, e) for words, e in dict.fromkeys(extra)], "; ", "; ")
            yield Entry("for the steps", [*lines, ", which the lines above need and the result does not"])
        steps = "; every line is equal to the one before" if self.page.check else ""
        yield Entry("checked", [checked_words([a.report for a in self.answers]) + steps])

    # -- for programs
    def _data(self) -> dict[str, object]:
        d, rows = self.derivation, self.rows

        def text(e: Expr) -> str:
            return Math("{0}", e).write("text")

        parts = [
            {
                "name": p.part.symbol.params[0],
                "formula": text(p.part.formula),
                "shape": show_size(p.part.node.shape),
                "differential": rows.as_trace(p.lines[-1]).write("text"),
                "rules": list(dict.fromkeys(rows.called(r) for line in p.lines for r in line.rules)),
            }
            for p in d.parts
        ]
        left = {"d": f"d{self.letter}", "vec": f"vec(d{self.letter})"}
        steps: list[dict[str, object]] = []
        before = None
        for line in d.lines:
            touched = rows.touched(line, before) if line.of != "name" else None
            steps.append({
                "left": left.get(line.of) or text(line.symbol or self.x),
                "before": before and rows.as_trace(before).write("text"),
                "touched": touched and touched.write("text"),
                "text": rows.as_trace(line).write("text"),
                "shown": rows.formula(line).write("unicode"),
                "latex": rows.formula(line).write("latex"),
                "shape": shapes(line),
                "constants": list(line.constants),
                "rules": [{**r._asdict(), "name": rows.called(r)} for r in line.rules],
            })  # fmt: skip
            before = line if line.of != "name" else before
        asked = {
            "ok": True,
            "function": text(self.function),
            "variable": self.name,
            "level": self.level,
            "notation": rows.inner,
        }
        first = self.answers[0]
        answered = {
            "form": first.form,
            "text": text(first.expression),
            "latex": Math("{0}", first.expression).write("latex"),
            "shape": show_size(first.expression.shape),
            "conditions": first.conditions,
            "checked": first.report
            and {"points": first.report.points, "max_relative_error": first.report.max_relative_error},
        }
        return {**asked, "parts": parts, "steps": steps, "result": text(d.result), **answered}


def _condition(words: str, e: Expr | None) -> list[Inline]:
    """A condition with its formula: ‖x‖ ≠ 0, det(X + Y) > 0."""
    if e is None:
        return [words]
    formula = Math("{0}" if e.op.name == "variable" or "det {0}" not in words else "({0})", e)
    before, _, after = words.partition("{0}")
    return [before, formula, after.replace("{0}", formula.write("unicode"))]


def _implied(condition: tuple[str, Expr], stated: Collection[tuple[str, Expr | None]]) -> bool:
    """Is a condition of a line implied by what is stated, `≠ 0` by `> 0`, det(Gram matrix) by full rank, or always true?"""
    words, e = condition
    if words == "{0} ≠ 0" and ("{0} > 0", e) in stated:
        return True
    if any(count_attained(node) is e for node in walk(e) if node.op is SIGN):
        return True
    full = any("full" in said for said, _ in stated)
    return full and e.definite > 0 and ("det" in words or "invertible" in words)


def _like(x: Expr) -> str:
    if x.shape == SCALAR:
        return "a number like"
    kind = f"a vector of length {show_size(x.shape)}," if x.kind == "vector" else show_size(x.shape)
    return f"{kind} like"


def _as_inner(result: Expr) -> str:
    """The reading of a trace or sum of the step alone as an inner product."""
    _, e = content(result)
    while e.op.name == "scale":
        e = e.args[1]
    return {"eye": "; tr(V) = ⟨I, V⟩", "ones": "; sum(V) = ⟨𝟏, V⟩"}.get(e.op.name, "")


def _turned(result: Expr) -> str:
    """The reason why factors stand the other way round in a transposed product."""
    _, e = content(result)
    while e.op.name == "scale":
        e = e.args[1]
    return "; (A B)ᵀ = Bᵀ Aᵀ" if e.op.name == "product" else ""


def _what(v: Expr) -> str:
    return declared_words(v) if v.shape != SCALAR else declared_words(v).replace("scalar", "a number", 1)
