"""The page that a person reads: the function with its spaces, the derivative in its views, conditions, what was checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from frechet.differentiation.derivative import Derivative
from frechet.differentiation.differential import differential_symbol
from frechet.differentiation.structure import structure_of
from frechet.expressions.dimension import SCALAR, Shape, axes, show_dimension, show_shape
from frechet.expressions.errors import NotationError
from frechet.expressions.node import Expr, depends, substitute
from frechet.interfaces.answer import Answer, answer, default_form

if TYPE_CHECKING:
    from frechet.verification.check import Report
    from frechet.notation.reading import Reading
    from frechet.notation.spaces import Notation
    from frechet.notation.writing import Written

WIDTH = 52  # where the remarks begin


class Page:
    """The answer to one question, rendered in one notation."""

    def __init__(self, reading: Reading, name: str, style: str = "unicode", order: int = 1, check: bool = True) -> None:
        self.style, self.order, self.check = style, order, check
        self.name = name
        self.reading = reading
        self.function = reading.expression
        if name not in reading.variables:
            # The derivative by a variable that does not occur is 0, and that is said.
            names = ", ".join(reading.variables) or "none"
            raise NotationError(f"{name} does not occur in the formula, so its derivative is 0; the variables are {names}")
        self.variable = reading.variables[name]
        self.constant = self.variable not in depends(self.function, self.variable)
        letter = "g" if self.function.shape == SCALAR else "F" if self.function.kind == "matrix" else "f"
        taken = set(reading.variables)
        self.letter = letter if letter not in taken else next(c for c in "gfFGhφ" if c not in taken)

    # -- writing
    @property
    def notation(self) -> Notation:
        return "unicode" if self.style == "unicode" else "latex" if self.style == "latex" else "text"

    @property
    def write(self) -> Callable[..., Written]:
        if self.style == "latex":
            from frechet.notation.latex import write_latex

            return write_latex
        if self.style in ("text", "json", "numpy"):
            from frechet.notation.text import write_text

            return write_text
        from frechet.notation.unicode import write_unicode

        return write_unicode

    def show(self, e: Expr) -> str:
        written = self.write(e)
        if not written.where:
            return written.text
        width = max(len(name) for name in written.where)
        parts = "".join(f"\n                  {name:<{width}} = {part}" for name, part in written.where.items())
        return f"{written.text}\n                where{parts}"

    # -- views
    def render(self, form: str | None = None, layout: str | None = None) -> str:
        """The whole page, or one view of it."""
        if form in ("components", "vec", "linearization") or layout is not None:
            found = self.answered(None)
            return self._one_view(found.derivative, form, layout)
        if self.style in ("json", "numpy") or form is not None:
            found = self.answered(form)
            if self.style == "json":
                return self._json(found)
            if self.style == "numpy":
                return found.source(self.reading.variables.values()).rstrip("\n")
            return self.show(found.expression)
        return self._whole()

    def answered(self, form: str | None) -> Answer:
        order = self.order if form in (None, "differential", "gradient") else 2 if form == "hessian" else 1
        return answer(self.function, self.variable, form, order, self.check)

    def _json(self, found: Answer) -> str:
        import json

        from frechet.interfaces.batch import fields

        shapes = {n: show_shape(v.shape) for n, v in self.reading.variables.items()}
        return json.dumps({"ok": True, "variables": shapes, **fields(found, self.reading.variables.values())}, ensure_ascii=False)

    def _one_view(self, d: Derivative, form: str | None, layout: str | None) -> str:
        if layout is not None:
            return self.show(d.layout(layout))
        if form == "linearization":
            return f"{self.letter}({self.name}) = {self._linearization(d)}"
        if form == "vec":
            return f"{self._d()} = {self.show(d.vec_form())}"
        from frechet.notation.components import write_components

        return write_components(d, self.letter, self.style)

    def _linearization(self, d: Derivative) -> str:
        """F(X₀) + DF(X₀)[X − X₀], the step written where dX stands in the differential."""
        base = d.base_point
        x, point = self.show(d.variable), self.show(base) if self.style != "unicode" else f"{self.name}₀"
        minus = "−" if self.style == "unicode" else "-"
        left, right = (r"\left(", r"\right)") if self.style == "latex" else ("(", ")")
        spelled = {base: point, d.direction: f"{left}{x} {minus} {point}{right}"}
        at_base = [self.write(substitute(e, {d.variable: base}), spelled=spelled) for e in (d.function, d.differential)]
        if any(written.where for written in at_base):
            return self.show(d.linearization())
        value, step = (written.text for written in at_base)
        if value in ("0",):
            return step
        return f"{value} {minus} {step[1:].lstrip()}" if step.startswith(("-", "−")) else f"{value} + {step}"

    def _d(self) -> str:
        return rf"\mathrm{{d}}{self.letter}" if self.style == "latex" else f"d{self.letter}"

    def _whole(self) -> str:
        from frechet.compilation.adjugates import with_adjugates
        from frechet.notation.spaces import show_space, signature_line

        d = Derivative(self.function, self.variable, differential_symbol(self.variable))
        g, x = self.letter, self.name
        others = ", ".join(
            f"{n}: {self._declared(v)}" for n, v in self.reading.variables.items() if n != x
        )
        head = signature_line(g, self.variable, self.function, self.notation)
        lines = [_row(head, others) if others else head]
        if structure_of(self.variable) != "general":
            lines.append(f"{x} is {self._declared(self.variable)}: the gradient lives in that space")
        lines.append("")
        if self.constant:
            lines.append(f"{x} does not occur in the value: the derivative is 0")
            return "\n".join(lines)
        found = self.answered(default_form(self.function, 1))
        d = found.derivative
        space_in, space_out = show_space(self.variable.shape, self.notation), show_space(self.function.shape, self.notation)
        lines.append(_entry("differential", f"{self._d()} = {self.show(d.differential)}", f"the derivative: a linear map {space_in} → {space_out}"))
        conditions = list(found.conditions)
        if self.function.shape == SCALAR:
            shape = show_shape(self.variable.shape)
            lines.append(_entry("gradient", f"∇{g} = {self.show(d.gradient)}", f"{shape}, as {x} (denominator layout)"))
            without = with_adjugates([d.gradient])[0]
            if without is not d.gradient:
                lines.append(_entry("", f"∇{g} = {self.show(without)}", "the same with the adjugate, which needs no inverse"))
            if structure_of(self.variable) == "symmetric":
                lines.append(_entry("free entries", f"2∇{g} − ∇{g} ∘ I", "only if the n(n+1)/2 entries on and below the diagonal are the variables (Matrix Cookbook 138)"))
            if self.variable.shape != SCALAR:
                numerator = d.layout("numerator")
                lines.append(_entry("partials", f"∂{g}/∂{x} = {self.show(numerator)}", f"{show_shape(numerator.shape)} (numerator layout)"))
        elif self.variable.shape == SCALAR:
            lines.append(_entry("derivative", f"∂{g}/∂{x} = {self.show(d.by_scalar)}", f"{show_shape(d.by_scalar.shape)}, as {g}"))
        else:
            j = d.jacobian
            what = "vec(dX) stacks columns" if "matrix" in (self.function.kind, self.variable.kind) else f"rows: entries of {g}"
            lines.append(_entry("Jacobian", f"∂{g}/∂{x} = {self.show(j)}", f"{_size(j.shape)} (numerator layout; {what})"))
        exact = self.variable not in depends(d.differential, self.variable)
        lines.append(_entry("linearization", f"{g}({x}) = {self._linearization(d)}", f"exact: {g} is affine in {x}" if exact else f"near {x}{'₀' if self.style == 'unicode' else '0'}, up to second order"))
        reports = [found.report]
        if self.order == 2:
            if self.function.shape == SCALAR:
                second = answer(self.function, self.variable, "hessian", 2, self.check)
                lines.append(_entry("Hessian", f"∇²{g} = {self.show(second.expression)}", f"{_size(second.expression.shape)}" + (", for vec(dX)" if self.variable.kind == "matrix" else "")))
                if self.variable.kind == "matrix":
                    lines.append(_entry("", f"d∇{g} = {self.show(d.gradient_differential)}", "the Hessian as a linear map"))
            else:
                second = answer(self.function, self.variable, "differential", 2, self.check)
                lines.append(_entry("second", f"d²{g} = {self.show(second.expression)}", "the second differential"))
            reports.append(second.report)
            conditions += [c for c in second.conditions if c not in conditions]
        lines.append(_entry("conditions", "; ".join(conditions) or "none", ""))
        lines.append(_entry("checked", _checked(reports), ""))
        return "\n".join(lines)

    def _declared(self, v: Expr) -> str:
        words = [*v.params[1], *([v.params[2]] if v.params[2] != "normal" and v.params[2] not in v.params[1] else [])]
        return " ".join([show_shape(v.shape), *words])


def _size(shape: Shape) -> str:
    """A shape for the reader: products of one-letter names are written side by side, pq×rs."""
    parts = []
    for d in axes(shape):
        text = show_dimension(d)
        parts.append(f"({text})" if len(d.terms) > 1 else text)
    return "×".join(parts) if parts else "scalar"


def _checked(reports: Sequence[Report | None]) -> str:
    known = [r for r in reports if r is not None]
    if not known:
        return "no (--no-check)"
    points = max(r.points for r in known)
    error = max(r.max_relative_error for r in known)
    return f"{points} points, largest error {error:.0e}"


def _row(left: str, right: str) -> str:
    return f"{left:<{WIDTH - 2}}  {right}" if "\n" not in left and len(left) < 90 else f"{left}\n{'':<16}{right}"


def _entry(name: str, body: str, remark: str) -> str:
    line = f"{name:<15} {body}"
    if not remark:
        return line
    return f"{line:<{WIDTH}}  {remark}" if "\n" not in line and len(line) < 100 else f"{line}\n{'':<16}({remark})"
