"""Why a linearization has the form it has. Only what is true of the function at hand is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from frechet.differentiation.wirtinger import holomorphic_part
from frechet.expressions.dimension import SCALAR
from frechet.expressions.errors import UnsupportedError
from frechet.interfaces import linearize_functionals as functionals
from frechet.interfaces import linearize_maps as maps
from frechet.interfaces.document import Block, Heading, Math, Paragraph
from frechet.interfaces.linearize_formulas import ELL, say
from frechet.interfaces.linearize_phrases import (
    Names,
    value_at_base,
)
from frechet.operations.constants import is_zero

if TYPE_CHECKING:
    from frechet.interfaces.linearize_page import Linearized


def _by_two_parts(m: Linearized) -> bool:
    """Is the derivative by a complex variable linear over the real numbers only, and no real number?"""
    d = m.derivative
    if d.variable.real or (d.function.shape == SCALAR and d.convention == "riesz"):
        return False
    try:
        holomorphic_part(d.raw_differential, d.direction)
    except UnsupportedError:
        return True
    return False


def reasons(m: Linearized, missing: str = "") -> list[Block]:
    """The explanation. missing: why there is no gradient or Jacobian here, where there is none."""
    d = m.derivative
    x, g = d.variable, m.letter
    if is_zero(d.differential):
        m = m.spoken
        words = say(
            "The derivative of {} by {} is the zero map, so {} is the constant {}.", g, x.params[0], ELL, value_at_base(m)
        )
        return [Heading("Why"), Paragraph(words)]
    if missing:
        words = say("The derivative is the linear map above; it has no single array here: {}.", [missing])
        return [Heading("Why"), Paragraph(words)]
    if _by_two_parts(m):
        words = say(
            "{} is not holomorphic: in its derivative the step stands plainly and as its conjugate, so it is linear over the"
            " real numbers only, and no single array times the step gives it. Two do, one for the step and one for its"
            " conjugate.",
            g,
        )  # fmt: skip
        return [Heading("What kind of object the derivative is"), Paragraph(words)]
    names = Names(m)
    m = m.spoken
    heading, *found = _by_kind(m, names)
    if m.given and m.step.name is not None:
        found = [Paragraph(say("Here {}.", Math("{0} = {1}", m.step.point, m.base))), *found]
    return [heading, *found]


def _by_kind(m: Linearized, names: Names) -> list[Block]:
    f, x = m.derivative.function, m.variable
    if f.shape == SCALAR:
        by_kind = {"scalar": functionals.number, "vector": functionals.row, "tensor": functionals.all_entries}
        return by_kind.get(x.kind, functionals.trace)(m, names)
    if x.kind == "scalar":
        return maps.curve(m)
    return maps.jacobian(m) if f.kind == x.kind == "vector" else maps.linear_map(m, names)
