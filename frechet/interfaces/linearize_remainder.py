"""How fast the error of a linearization falls: the Taylor remainder as a plot, with the fitted slopes in words."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from frechet.expressions.dimension import SCALAR
from frechet.expressions.errors import NotationError
from frechet.interfaces.document import Block, Content, Figure, Heading, Math, Paragraph
from frechet.interfaces.linearize_formulas import ELL, say, sign
from frechet.interfaces.linearize_phrases import Names
from frechet.verification.remainder import Remainder, remainder
from frechet.verification.sampling import Point

if TYPE_CHECKING:
    from frechet.interfaces.linearize_page import Linearized

FLAT = 1.5  # a larger slope of the difference: the derivative is 0
CUBIC = 2.5  # a larger slope of the remainder: there is no second-order term


def remainder_blocks(
    m: Linearized, point: Point | None, direction: Any, pictures: bool = False, shown: bool = True
) -> tuple[list[Block], Mapping[str, object]]:
    """The Taylor remainder as a plot, with the fitted slopes in words. shown: does the point stand above?"""
    from frechet.interfaces.plots import remainder_text

    found, drawn = remainder_of(m, point, direction)
    if found is None:
        return [], {}
    picture = ""
    if pictures:
        from frechet.interfaces.plots import svg

        with suppress(NotationError):  # without matplotlib the text has to do
            picture = svg(figure_of(m, found))
    m = m.spoken
    difference, error = _differences(m)
    V = Names(m).step
    where = "at the point above, {} being the step" if shown else "at a small instance, {} being its step"
    if drawn:
        where = "at a random point, along a random step {}"
    opening = say("How {} and {} fall with h, " + where + ":", difference, error, V)
    blocks: list[Block] = [Heading("How good it is"), Paragraph(opening), Figure(picture, remainder_text(found))]
    data = {"h": found.steps, "first": found.first, "second": found.second, "slopes": found.slopes}
    return [*blocks, Paragraph(_slopes(m, found))], data


def remainder_of(m: Linearized, point: Point | None = None, direction: Any = None) -> tuple[Remainder | None, bool]:
    """The remainder at an instance, or at a random point (at the X₀ that was given, where one was); is it at random?"""
    d = m.derivative
    f, x, dx, df = d.function, m.variable, d.direction, d.differential
    if point is not None:
        found = remainder(f, x, dx, df, point, direction)
        if found is not None:
            return found, False
    if m.given:
        from frechet.verification.base_point import points_there

        there = points_there(f, x, m.base, [df])
        return (remainder(f, x, dx, df, there[0]) if there else None), True
    return remainder(f, x, dx, df), True


def _differences(m: Linearized) -> tuple[Math, Math]:
    """|g(X₀ + hV) − g(X₀)| and |g(X₀ + hV) − g(X₀) − h dg[V]|; norms, where the values are arrays."""
    g, x0, V = m.letter, m.step.point, Names(m).step
    scalar = m.derivative.function.shape == SCALAR
    bar = sign("|", "|", "|") if scalar else sign("‖", "||", r"\|")
    moved = Math("{0}({1} + h{2}) − {0}({1})", g, x0, V)
    change = Math("d{0}[{1}]" if scalar else "D{0}[{1}]", g, V)
    return Math("{0}{1}{0}", bar, moved), Math("{0}{1} − h {2}{0}", bar, moved, change)


def figure_of(m: Linearized, found: Remainder) -> Any:
    """The picture of the remainder."""
    from frechet.interfaces.plots import remainder_figure
    from frechet.notation.unicode import write_unicode

    formula = write_unicode(m.derivative.function)
    title = f"{m.letter}({m.variable.params[0]}) = {formula.text}" if not formula.where and len(formula.text) < 70 else ""
    first, second = (formula.write("unicode") for formula in _differences(m.spoken))
    return remainder_figure(found, (first, second), title)


def _slopes(m: Linearized, found: Remainder) -> Content:
    """What the fitted slopes say."""
    first, second = found.slopes
    if first is None and found.exact:
        return say("Along this step {} does not change: both are rounding.", m.letter)
    if first is not None and second is not None and first > FLAT:
        words = "Along this step the derivative is 0, so the difference itself falls as {}, which is of second order."
        return say(words, _power(first)) if first < CUBIC else say("Along this step both fall as {}.", _power(first))
    without: Content = ["Without the derivative the difference is rounding"]
    if first is not None:
        without = say("Without the derivative the difference falls as {}", _power(first))
    if second is None and found.exact:
        reason = say(": along this step {} is affine, as far as rounding lets one see", m.letter)
        if m.affine:
            reason = say(": {} is affine in {}, and {} is {}", m.letter, m.variable.params[0], ELL, m.letter)
        return [*without, "; with it only rounding is left", *reason, "."]
    if second is None:
        return [*without, "; with it too little is left above rounding to fit a power."]
    text = say("{}, with it as {}: ", without, _power(second))
    if second > CUBIC:
        return [*text, "the second-order term happens to be 0 along this step."]
    return [*text, *say("what {} leaves out is of second order.", ELL)]


def _power(slope: float) -> Math:
    return sign(f"h^{slope:.2f}", f"h^{slope:.2f}", f"h^{{{slope:.2f}}}")
