"""A stationary point as a page: the gradient, the equation that was solved, the point with its conditions, what it is."""

from __future__ import annotations

from frechet.expressions.node import variables
from frechet.interfaces.document import Block, Content, Document, Entry, Math, Paragraph
from frechet.interfaces.page import declared_words
from frechet.interfaces.stationary.point import Stationary
from frechet.notation.spaces import Notation, signature_line
from frechet.notation.text import write_text
from frechet.operations.declared_functions import functions


def document(s: Stationary) -> Document:
    """The page. Its `data` is what --json prints."""
    x = s.variable
    taken = {*(v.params[0] for v in variables(s.function)), *functions(s.function)}
    letter = next(c for c in "gfGhφψ" if c not in taken)

    def signature(notation: Notation) -> str:
        return signature_line(letter, x, s.function, notation)

    others = ", ".join(f"{v.params[0]}: {declared_words(v)}" for v in variables(s.function) if v is not x)
    blocks: list[Block] = [Paragraph([Math("{0}", signature)])]
    if others:
        blocks.append(Entry("with", [others]))
    blocks.append(Entry("gradient", [Math("∇{0} = {1}", letter, s.gradient)]))
    blocks.append(Entry("equation", [Math("{0} = {1}", s.left, s.right)], _how(s)))
    blocks.append(Entry("stationary", [Math("{0} = {1}", x, s.point)]))
    blocks.append(Entry("kind", [f"{s.kind}: {s.reason}" if s.kind != "stationary point" else s.reason]))
    blocks.append(Entry("conditions", ["; ".join(s.conditions) or "none"]))
    blocks += [Entry("" if i else "note", [note]) for i, note in enumerate(s.notes)]
    points, error = s.checked
    blocks.append(Entry("checked", [f"{points} points at which the gradient there is 0, largest error {error:.0e}"]))
    return Document(f"{letter} is stationary", blocks, _data(s))


def _how(s: Stationary) -> Content:
    if s.multiplied:
        return [f"∇ = 0, multiplied by {s.multiplied}"]
    return [f"∇ = 0, linear in {write_text(s.unknown).text}"]


def _data(s: Stationary) -> dict[str, object]:
    """For programs; formulas in the text notation."""
    from frechet.notation.latex import write_latex

    points, error = s.checked
    return {
        "ok": True,
        "variable": s.variable.params[0],
        "gradient": str(write_text(s.gradient)),
        "equation": f"{write_text(s.left)} = {write_text(s.right)}",
        "unknown": str(write_text(s.unknown)),
        "multiplied_by": s.multiplied or None,
        "text": str(write_text(s.point)),
        "latex": str(write_latex(s.point)),
        "kind": s.kind,
        "reason": s.reason,
        "conditions": s.conditions,
        "notes": list(s.notes),
        "checked": {"points": points, "max_relative_gradient": error},
    }
