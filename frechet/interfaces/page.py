"""The page that a person reads: the function with its spaces, the derivative in its views, conditions, what was checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from frechet.differentiation.conditions import conditions
from frechet.differentiation.derivative import Derivative
from frechet.differentiation.metrics import MEANING, metrics_of
from frechet.differentiation.structure import structure_of
from frechet.expressions.dimension import SCALAR, Shape, axes, show_dimension, show_shape
from frechet.expressions.errors import NotationError, UnsupportedError
from frechet.expressions.node import Expr, depends, substitute
from frechet.interfaces import complex_page
from frechet.interfaces.answer import Answer, answer, default_form, named_parts, stated
from frechet.notation.writing import ADD, ATOM
from frechet.operations.declared_functions import functions, symbols

if TYPE_CHECKING:
    from frechet.notation.reading import Reading
    from frechet.notation.spaces import Notation
    from frechet.notation.writing import Written
    from frechet.verification.check import Report

FREE = {"symmetric": "vech({x})", "lower": "vech({x})", "upper": "vech({x}')", "diagonal": "diag({x})"}
REMARKS = 52  # the column in which the remarks begin
LONGEST = 100  # a longer line has its remark on a line of its own
LABELS = 15
FREE_ENTRIES = (
    "right if the entries on and below the diagonal are the variables (Matrix Cookbook 138-141); {g} is right for steps d{x}"
)


# What stands before formulas, by notation: the gradient, the partials, the second differential, the Hessian, an arrow.
SYMBOLS: dict[str, dict[str, str]] = {
    "unicode": {
        "∇": "∇{g}", "∂": "∂{g}/∂{x}", "d": "d{g}", "d²": "d²{g}", "∇²": "∇²{g}", "d∇": "d∇{g}", "→": "→",
        "∂̄": "∂{g}/∂conj({x})", "riesz": "d{g} = re(tr(∇{g}ᴴ d{x}))", "holomorphic": "d{g} = tr((∂{g}/∂{x})ᵀ d{x})",
        "free": "2∇{g} − ∇{g} ∘ I", "grad": "grad {g}", "factors": "{x} = U Vᵀ: ∇{g} V, (∇{g})ᵀ U",
    },
    "text": {
        "∇": "grad {g}", "∂": "d{g}/d{x}", "d": "d{g}", "d²": "d^2{g}", "∇²": "hess {g}", "d∇": "d grad {g}", "→": "->",
        "∂̄": "d{g}/dconj({x})", "riesz": "d{g} = re(tr(grad {g}^H*d{x}))", "holomorphic": "d{g} = tr((d{g}/d{x})'*d{x})",
        "free": "2*grad {g} - grad {g}.*eye(n)", "grad": "riemannian grad {g}",
        "factors": "{x} = U*V': (grad {g})*V, (grad {g})'*U",
    },
    "latex": {
        "∇": r"\nabla {g}", "∂": r"\frac{{\partial {g}}}{{\partial {x}}}", "d": r"\mathrm{{d}}{g}",
        "d²": r"\mathrm{{d}}^2{g}", "∇²": r"\nabla^2 {g}", "d∇": r"\mathrm{{d}}\nabla {g}", "→": r"\to",
        "∂̄": r"\frac{{\partial {g}}}{{\partial \overline{{{x}}}}}",
        "riesz": r"\mathrm{{d}}{g} = \operatorname{{Re}}\operatorname{{tr}}(\nabla {g}^{{\mathsf{{H}}}} \mathrm{{d}}{x})",
        "holomorphic": r"\mathrm{{d}}{g} = \operatorname{{tr}}((\partial {g}/\partial {x})^{{\top}} \mathrm{{d}}{x})",
        "free": r"2\nabla {g} - \nabla {g} \odot I", "grad": r"\operatorname{{grad}} {g}",
        "factors": r"{x} = U V^{{\top}}:\ (\nabla {g}) V,\ (\nabla {g})^{{\top}} U",
    },
}  # fmt: skip


class Page:
    """The answer to one question, rendered in one notation."""

    def __init__(
        self,
        reading: Reading,
        name: str,
        style: str = "unicode",
        order: int = 1,
        check: bool = True,
        convention: str | None = None,
        metric: str | None = None,
    ) -> None:
        self.metric = metric
        self.style, self.order, self.check, self.name, self.reading = style, order, check, name, reading
        self.function, self.convention = reading.expression, convention
        self.results: list[Expr] = []  # what is shown so far
        if name in reading.functions:
            raise NotationError(f"{name} is a declared function: derivatives are taken by a variable, {_names(reading)}")
        if name not in reading.variables:
            raise NotationError(
                f"{name} does not occur in the formula, so its derivative is 0; the variables are {_names(reading)}"
            )
        self.variable = reading.variables[name]
        letter = "g" if self.function.shape == SCALAR else "F" if self.function.kind == "matrix" else "f"
        self.letter = next(c for c in (letter, *"gfFGhφψ") if c not in {**reading.variables, **reading.functions})

    def render(self, form: str | None = None, layout: str | None = None) -> str:
        """The whole page, or one view of it."""
        if layout is not None:
            return self.show(self._answered(None).derivative.layout(layout))
        if form in ("components", "vec", "linearization", "free"):
            found = self._answered(None)
            text = self._one_view(form, found.derivative)
            return self._json(found, form, text) if self.style == "json" else text
        if form is None and self.style not in ("json", "numpy"):
            body = self._body()
            return "\n".join(self._head() + body)
        found = self._answered(form)
        if self.style == "json":
            return self._json(found)
        if self.style == "numpy":
            return found.source(self.reading.variables.values()).rstrip("\n")
        return self.show(found.expression)

    # -- writing
    @property
    def notation(self) -> Notation:
        return "unicode" if self.style == "unicode" else "latex" if self.style == "latex" else "text"

    @property
    def write(self) -> Callable[..., Written]:
        from frechet.notation.spaces import writer

        return writer(self.notation)

    def show(self, e: Expr) -> str:
        written = self.write(e)
        if not written.where:
            return written.text
        width = max(len(name) for name in written.where)
        parts = "".join(f"\n{'':<18}{name:<{width}} = {part}" for name, part in written.where.items())
        return f"{written.text}\n{'':<{LABELS + 1}}where{parts}"

    def symbol(self, name: str) -> str:
        return SYMBOLS[self.notation][name].format(g=self.letter, x=self.name)

    def entry(self, label: str, body: str, remark: str = "") -> str:
        """A line of the page; in LaTeX the words are comments, so that what is left compiles in an aligned environment."""
        if self.style == "latex":
            words = ", ".join(w for w in (label, remark) if w)
            return f"% {words}\n{body}" if "=" in body else f"% {label}: {body}"
        return _entry(label, body, remark)

    # -- single views
    def _answered(self, form: str | None, order: int | None = None) -> Answer:
        if order is None:
            order = self.order if form in (None, "differential", "gradient") else 2 if form == "hessian" else 1
        options = {"convention": self.convention, "metric": self.metric}
        found = answer(self.function, self.variable, form, order, self.check, **options)
        self.results.append(found.expression)
        return found

    def _json(self, found: Answer, form: str | None = None, text: str | None = None) -> str:
        import json

        from frechet.interfaces.batch import fields

        variables = self.reading.variables
        shapes = {n: show_shape(v.shape) for n, v in variables.items()}
        filled = {"ok": True, "variables": shapes, **fields(found, variables.values())}
        if text is not None:
            filled = {"ok": True, "variables": shapes, "form": form, "text": text, "conditions": found.conditions}
        return json.dumps(filled, ensure_ascii=False)

    def _one_view(self, form: str, d: Derivative) -> str:
        if form == "free":
            plain = self.function.shape == SCALAR and structure_of(self.variable) == "symmetric"
            return self.show(d.free_entries if plain else d.free_jacobian)
        if form == "linearization":
            return f"{self.letter}({self.name}) = {self._linearization(d)}"
        if form == "vec":
            return f"{self.symbol('d')} = {self.show(d.vec_form())}"
        from frechet.notation.components import write_components

        return write_components(d, self.letter, self.style)

    def _linearization(self, d: Derivative) -> str:
        """F(X₀) + DF(X₀)[X − X₀], the step written where dX stands in the differential."""
        base = d.base_point
        x, point = self.show(d.variable), self._point(d)
        minus = "−" if self.style == "unicode" else "-"
        spelled = {base: (point, ATOM), d.direction: (f"{x} {minus} {point}", ADD)}
        at_base = [self.write(substitute(e, {d.variable: base}), spelled=spelled) for e in (d.function, d.differential)]
        if any(written.where for written in at_base):
            return self.show(d.linearization())
        value, step = (written.text for written in at_base)
        if value == "0":
            return step
        return f"{value} {minus} {step[1:].lstrip()}" if step.startswith(("-", "−")) else f"{value} + {step}"

    def _point(self, d: Derivative) -> str:
        """X₀ as it is written; where the formula has an X0 of its own, the longer name."""
        plain = self.style == "unicode" and d.base_name == f"{self.name}0"
        return f"{self.name}₀" if plain else self.show(d.base_point)

    # -- the whole page
    def _head(self) -> list[str]:
        from frechet.notation.spaces import function_line, gradient_space, signature_line

        others = ", ".join(f"{n}: {show_declared(v)}" for n, v in self.reading.variables.items() if n != self.name)
        line = signature_line(self.letter, self.variable, self.function, self.notation)
        lines = [_beside(line, others)] if self.style != "latex" else [f"% {others}", line]
        space = gradient_space(self.variable)
        if space is not None:
            comment = "% " if self.style == "latex" else ""
            lines.append(f"{comment}{self.name} is {show_declared(self.variable)}: the gradient lives in {space}")
        shown = symbols(self.function, *self.results).values()
        for f in functions(self.function).values():
            line = function_line(f, [view for g, view in shown if g == f], self.notation)
            lines.append(line if self.style != "latex" else f"% {line}")
        return [*lines, ""]

    def _body(self) -> list[str]:
        if self.variable not in depends(self.function, self.variable):
            return [f"{self.name} does not occur in the value: the derivative is 0"]
        answers, missing = self.first_answers()
        d, x, g = answers[0].derivative, self.name, self.letter
        self.results.append(d.differential)
        lines = [self._differential(d)]
        if missing:
            view = "gradient" if self.function.shape == SCALAR else "Jacobian"
            lines.append(self.entry(view, f"not supported: {missing}"))
        elif not self.variable.real:
            lines += complex_page.lines(self, answers)
        elif self.function.shape == SCALAR:
            lines += self._gradient(d)
        elif self.variable.shape == SCALAR:
            lines.append(
                self.entry(
                    "derivative", f"{self.symbol('∂')} = {self.show(d.by_scalar)}", f"{show_size(d.by_scalar.shape)}, as {g}"
                )
            )
        else:
            lines += self._jacobian(d)
        remark = f"exact: {g} is affine in {x}" if self.affine(d) else f"near {self._point(d)}, up to second order"
        lines.append(self.entry("linearization", f"{g}({x}) = {self._linearization(d)}", remark))
        if self.order == 2:
            matrix = self.function.shape == SCALAR and self.variable.real
            try:
                answers.append(self._answered("hessian" if matrix else "differential"))
                lines += self._second(answers[-1])
            except UnsupportedError as error:
                lines.append(self.entry("Hessian" if matrix else "second", f"not supported: {error.message}"))
        shown = [d.differential, *(a.expression for a in answers)]
        for i, (part, meaning) in enumerate(named_parts(self.function, *shown)):
            lines.append(self.entry("with" if i == 0 else "", f"{self.show(part)}: {meaning}"))
        words = stated(self.function, self.variable, *(a.expression for a in answers))
        lines.append(self.entry("conditions", "; ".join(words) or "none"))
        elsewhere = dict.fromkeys(c for a in answers for c in a.elsewhere)
        lines += [self.entry("" if i else "elsewhere", words) for i, words in enumerate(elsewhere)]
        lines.append(self.entry("checked", show_checked([a.report for a in answers])))
        return lines

    def first_answers(self) -> tuple[list[Answer], str]:
        """The gradient or Jacobian; where there is none here, the differential, and why.

        Raises:  UnsupportedError, where there is no differential either
        """
        try:
            if not self.variable.real:
                return complex_page.answers(self), ""
            return [self._answered(default_form(self.function, 1))], ""
        except UnsupportedError as error:
            return [self._answered("differential", 1)], error.message

    def affine(self, d: Derivative) -> bool:
        """Is the differential the same at every point, and at every point there? (log(exp(z)) jumps at its branches.)"""
        about = [d.differential, *(e for _, e in conditions(self.function, self.variable) if e is not None)]
        return all(self.variable not in depends(e, self.variable) for e in about)

    def _differential(self, d: Derivative) -> str:
        from frechet.notation.spaces import show_space

        fields = [() if e.real else ("complex",) for e in (self.variable, self.function)]
        spaces = [show_space(e.shape, self.notation, f) for e, f in zip((self.variable, self.function), fields, strict=True)]
        barred = any(n.op.name in ("conj", "re", "im") for n in depends(d.differential, d.direction))
        linear = "real-linear" if barred and not self.variable.real else "linear"
        remark = f"the derivative: a {linear} map {spaces[0]} {self.symbol('→')} {spaces[1]}"
        return self.entry("differential", f"{self.symbol('d')} = {self.show(d.differential)}", remark)

    def _gradient(self, d: Derivative) -> list[str]:
        from frechet.compilation.adjugates import with_adjugates

        x, gradient = self.name, d.gradient
        remark = f"{show_size(self.variable.shape)}, as {x} (denominator layout)"
        lines = [self.entry("gradient", f"{self.symbol('∇')} = {self.show(gradient)}", remark)]
        without = with_adjugates([gradient])[0]
        if without is not gradient:
            remark = "the same with the adjugate, which needs no inverse"
            lines.append(self.entry("", f"{self.symbol('∇')} = {self.show(without)}", remark))
        if structure_of(self.variable) == "symmetric":
            remark = FREE_ENTRIES.format(g=self.symbol("∇"), x=x)
            lines.append(self.entry("free entries", self.symbol("free"), remark))
        if structure_of(self.variable) == "rank":
            lines.append(self.entry("factors", self.symbol("factors"), "the gradients by U and by V"))
        metric = self.metric or metrics_of(self.variable)[0]
        if metric != "euclidean":
            form = MEANING[metric].format(x=x)
            found = self._answered("riemannian")
            named = metric.title() if metric in ("fisher", "bures-wasserstein") else metric
            remark = f"under the {named} metric {form}"
            lines.append(self.entry("Riemannian", f"{self.symbol('grad')} = {self.show(found.expression)}", remark))
        if len(self.variable.shape) > 2:
            lines.append(self._partials(d))
        elif self.variable.shape != SCALAR:
            numerator = d.layout("numerator")
            lines.append(
                self.entry(
                    "partials",
                    f"{self.symbol('∂')} = {self.show(numerator)}",
                    f"{show_size(numerator.shape)} (numerator layout)",
                )
            )
        return lines

    def _jacobian(self, d: Derivative) -> list[str]:
        if len(self.function.shape) > 2 or len(self.variable.shape) > 2:
            return [self._partials(d)]
        matrices = "matrix" in (self.function.kind, self.variable.kind)
        how = "vec(dX) stacks columns" if matrices else f"rows: entries of {self.letter}"
        remark = f"{show_size(d.jacobian.shape)} (numerator layout; {how})"
        lines = [self.entry("Jacobian", f"{self.symbol('∂')} = {self.show(d.jacobian)}", remark)]
        by = FREE.get(structure_of(self.variable))
        if by is not None and self.variable.shape[0] is self.variable.shape[1]:
            free, by = d.free_jacobian, by.format(x=self.name)
            lines.append(self.entry(f"by {by}", self.show(free), f"{show_size(free.shape)}, by the free entries"))
        return lines

    def _partials(self, d: Derivative) -> str:
        """Derivatives of and by tensors are arrays of three axes and more: they are written in indices."""
        from frechet.notation.components import write_partials

        shape = (*axes(self.function.shape), *axes(self.variable.shape))
        return self.entry("partials", write_partials(d, self.letter, self.notation), show_size(shape))

    def _second(self, second: Answer) -> list[str]:
        e = second.expression
        if second.form == "differential":
            return [self.entry("second", f"{self.symbol('d²')} = {self.show(e)}", "the second differential")]
        matrix = self.variable.kind in ("matrix", "tensor")
        lines = [
            self.entry(
                "Hessian", f"{self.symbol('∇²')} = {self.show(e)}", show_size(e.shape) + (", for vec(dX)" if matrix else "")
            )
        ]
        if matrix:
            action = self.show(second.derivative.gradient_differential)
            lines.append(self.entry("", f"{self.symbol('d∇')} = {action}", "the Hessian as a linear map"))
        return lines


def _names(reading: Reading) -> str:
    return ", ".join(reading.variables) or "none"


def show_declared(v: Expr) -> str:
    """A variable's shape and what else is known of it, as it would be declared."""
    domain = v.params[2]
    return " ".join([show_shape(v.shape), *v.params[1], *([domain] if domain not in ("normal", *v.params[1]) else [])])


def show_size(shape: Shape) -> str:
    """A shape for the reader: products of one-letter names are written side by side, pq×rs."""
    texts = [f"({show_dimension(d)})" if len(d.terms) > 1 else show_dimension(d) for d in axes(shape)]
    if len(texts) == 1 and shape[1] is not axes(shape)[0]:
        return texts[0]
    return ("1×" if len(texts) == 1 else "") + "×".join(texts) if texts else "scalar"


def show_checked(reports: Sequence[Report | None]) -> str:
    known = [r for r in reports if r is not None]
    if not known:
        return "no (--no-check)"
    return f"{max(r.points for r in known)} points, largest error {max(r.max_relative_error for r in known):.0e}"


def _beside(left: str, right: str) -> str:
    if not right:
        return left
    return f"{left:<{REMARKS - 2}}  {right}" if "\n" not in left and len(left) < LONGEST - 10 else f"{left}\n{'':<16}{right}"


def _entry(name: str, body: str, remark: str) -> str:
    line = f"{name:<{LABELS}} {body}"
    if not remark:
        return line
    if "\n" not in line and len(line) < LONGEST:
        return f"{line:<{REMARKS}}  {remark}"
    return f"{line}\n{'':<{LABELS + 1}}({remark})"
