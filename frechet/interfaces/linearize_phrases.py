"""What the sentences about a linearization are made of: free letters, names of spaces, pieces of formulas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from frechet.expressions.dimension import Dim, dim, entries
from frechet.expressions.errors import UnsupportedError
from frechet.expressions.node import Expr, variables
from frechet.expressions.space import dimension
from frechet.interfaces.document import Content, Math
from frechet.interfaces.linearize_formulas import ELL, Said, space
from frechet.notation.components import write_partials
from frechet.notation.spaces import Notation, gradient_space
from frechet.operations.declared_functions import functions

if TYPE_CHECKING:
    from frechet.interfaces.linearize_page import Linearized

LONGEST = 70  # characters of a formula that is put into another
NOTATIONS: tuple[Notation, ...] = ("unicode", "text", "latex")


class Names:
    """Letters that the formula leaves free: G and its entries, a step V, a functional L, basis arrays E, a matrix M."""

    def __init__(self, m: Linearized) -> None:
        taken = {v.params[0] for v in variables(m.derivative.function, m.base)}
        taken |= functions(m.derivative.function).keys()
        taken |= {name for v in variables(m.derivative.function) for d in v.shape for name in d.names()}

        def free(pool: str) -> str:
            found = next((c for c in pool if c not in taken and c.lower() not in taken), pool[0] + "_")
            taken.add(found)
            return found

        self.gradient, self.step, self.functional = free("GHKMC"), free("VUWDN"), free("LΛΦTR")
        self.basis, self.matrix = free("EBPST"), free("MNCRD")


def by_real_part(m: Linearized) -> bool:
    """Is the functional Re tr(Gᴴ dZ), of a real function of a complex variable?"""
    return not m.variable.real and m.derivative.convention == "riesz"


def partials(m: Linearized) -> Math:
    """∂g/∂X; of a real function of a complex variable (∇g)ᴴ."""
    return Math("(∇{0})ᴴ", m.letter) if by_real_part(m) else Math("∂{0}/∂{1}", m.letter, m.variable.params[0])


def matrix_product(m: Linearized) -> Math:
    """(∂g/∂X)(X − X₀)."""
    left = partials(m) if by_real_part(m) else Math("({0})", partials(m))
    return Math("{0}{1}", left, m.step.closed)


def step_of(m: Linearized) -> Content:
    return ["a tangent step ", m.step.bare] if m.step.tangent else [m.step.bare]


def value_at_base(m: Linearized) -> Math:
    return Math("{0}({1})", m.letter, m.step.point)


def space_of(e: Expr) -> Math:
    return space(e.shape, () if e.real else ("complex",))


def field_of(m: Linearized) -> Math:
    return Math("ℝ" if m.derivative.function.real else "ℂ")


def steps_of(m: Linearized) -> tuple[Content, Dim | None]:
    """The space of steps in words, and its dimension."""
    x = m.variable
    where = gradient_space(x)
    if where is not None:
        before, at, after = where.partition(",")[0].partition(f" at {x.params[0]} ")
        shown: Content = [before, " at ", m.step.point, f" {after}"] if at else [before]
        return shown, dimension(x.params[1], x.params[2], x.shape)
    count = entries(x.shape)
    return [space_of(x)], count * dim(2) if by_real_part(m) else count


def short(formula: Math) -> bool:
    written = formula.written("unicode")
    return not written.where and len(written.text) <= LONGEST


def here(formula: Math) -> Content:
    return [formula] if short(formula) else ["as in ", ELL]


def in_entries(m: Linearized) -> Content:
    """∂g/∂xᵢⱼ entry by entry, at a general point, where it has such a form that is not long."""
    if m.given or not m.variable.real or not m.derivative.function.real:
        return []
    try:
        text = {n: write_partials(m.derivative, m.letter, n) for n in NOTATIONS}
    except UnsupportedError:
        return []
    return [Said(lambda notation: text[notation])] if len(text["unicode"]) <= LONGEST else []


def gradient_at(m: Linearized) -> Expr:
    return m.at_base(m.derivative.gradient)
