"""Arrays as values: linear maps, their Jacobians, and whether they are one matrix times the step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from frechet.expressions.dimension import Shape, axes, entries
from frechet.expressions.errors import UnsupportedError
from frechet.expressions.node import Expr, depends
from frechet.interfaces.document import Block, Content, Entry, Heading, Math, Paragraph
from frechet.interfaces.linearize_formulas import say, size, size_of
from frechet.interfaces.linearize_phrases import (
    Names,
    in_entries,
    short,
    space_of,
    steps_of,
    value_at_base,
)
from frechet.notation.spaces import gradient_space
from frechet.operations import products, sums

if TYPE_CHECKING:
    from frechet.interfaces.linearize_page import Linearized


def curve(m: Linearized) -> list[Block]:
    """An array from a number."""
    f, g = m.derivative.function, m.letter
    words = say(
        "{} is a number, so the derivative is an array of the shape of {}, {}: {}, the derivative of every entry. Times the"
        " number {} it is added to {}: no trace, no vec.",
        m.step.bare, g, size_of(f.shape), Math("∂{0}/∂{1}", g, m.variable.params[0]), m.step.bare, value_at_base(m),
    )  # fmt: skip
    return [Heading("Why"), Paragraph(words)]


def jacobian(m: Linearized) -> list[Block]:
    """A vector from a vector."""
    f, x, g = m.derivative.function, m.variable, m.letter
    opening = say(
        "{}, the Jacobian, is {} and {} a column of length {}, so their product is a column of length {}, like {}: it is"
        " added as it stands, no trace and no vec.",
        Math("∂{0}/∂{1}", g, x.params[0]), size(f.shape[0], x.shape[0]), m.step.bare, Math("{0}", x.shape[0]),
        Math("{0}", f.shape[0]), value_at_base(m),
    )  # fmt: skip
    words = say(
        "Every linear map from {} to {} is a matrix times the step: column j is what it makes of the unit vector with a 1 in"
        " place j. Row i is the transposed gradient of entry i of {}: a number, and so a row times the step.",
        space_of(x), space_of(f), g,
    )  # fmt: skip
    blocks: list[Block] = [Heading("Why a matrix times the step"), Paragraph(opening), Paragraph(words)]
    return [*blocks, *_other_steps(m), *_jacobian_entry(m)]


def _jacobian_entry(m: Linearized) -> list[Block]:
    try:
        j = m.at_base(m.derivative.jacobian)
    except UnsupportedError:
        return []
    formula = Math("J = {0}", m.step.put(j))
    return [Entry("Jacobian", [formula], [size_of(j.shape)])] if short(formula) else []


def _other_steps(m: Linearized) -> list[Block]:
    if gradient_space(m.variable) is None:
        return []
    words = "Steps of {} lie in {}: what the map makes of others does not matter here."
    return [Paragraph(say(words, m.variable.params[0], steps_of(m)[0]))]


def linear_map(m: Linearized, names: Names) -> list[Block]:
    """An array from a matrix, or a matrix from a vector: a linear map with more than two indices."""
    f, x, step, g = m.derivative.function, m.variable, m.step, m.letter
    V, G = names.step, names.gradient
    tensors = len(f.shape) > 2 or len(x.shape) > 2
    all_axes: Shape = (*axes(f.shape), *axes(x.shape))
    opening = say(
        "The derivative of {} at {} is a linear map, {}: it turns a step of size {} into a change of size {}, which is added"
        " to {} as it stands. A trace makes a number, and none is wanted.",
        g, step.point, Math("D{0}({1}) : {2} → {3}", g, step.point, space_of(x), space_of(f)), size_of(x.shape),
        size_of(f.shape), value_at_base(m),
    )  # fmt: skip
    indices = say(
        "It has a number for every entry of {} and every entry of {}, {} in all: an array with " + str(len(all_axes))
        + " indices, {}.",
        g, x.params[0], Math("{0}", entries(f.shape) * entries(x.shape)), size(*all_axes),
    )  # fmt: skip
    if not tensors:
        sizes = size(entries(f.shape), entries(x.shape))
        stacked = Math("vec(D{0}({1})[{2}]) = J vec({2})", g, step.point, V)
        vec = " Stacked by vec, columns below each other, it is one {} matrix, the Jacobian J: {}."
        indices = [*indices, *say(vec, sizes, stacked)]
    blocks: list[Block] = [Heading("What kind of object the derivative is"), Paragraph(opening), Paragraph(indices)]
    if x.real and f.real:
        own = Math("tr({0}ᵀ {1})", G, V) if x.kind == "matrix" else Math("⟨{0}, {1}⟩", G, V)
        each = "Each entry of {} is a number, and its own derivative is {}, {} being the gradient of that entry."
        blocks.append(Paragraph(say(each, g, own, G)))
    if x.kind == f.kind == "matrix":
        blocks.append(_sides(m, names))
    elif x.kind == "matrix" and not tensors:
        words = "No matrix times the step could be it: that has the {} columns of the step, and {} is a " + f.kind + "."
        blocks.append(Paragraph(say(words, Math("{0}", x.shape[1]), g)))
    blocks += _other_steps(m)
    entry = in_entries(m)
    if entry:
        blocks.append(Entry("entries", entry))
    return blocks if tensors else [*blocks, *_jacobian_entry(m)]


def sides(e: Expr, dx: Expr) -> tuple[list[Expr], list[Expr]] | None:
    """What stands to the left and to the right of dX, where e is a single product around it (but for a number)."""
    while (e.op is products.SCALE and dx not in depends(e.args[0], dx)) or (e.op is sums.SUM and len(e.args) == 1):
        e = e.args[1] if e.op is products.SCALE else e.args[0]
    if e is dx:
        return [], []
    if e.op is not products.PRODUCT or [a is dx for a in e.args].count(True) != 1:
        return None
    i = next(i for i, a in enumerate(e.args) if a is dx)
    left, right = list(e.args[:i]), list(e.args[i + 1 :])
    return (left, right) if all(dx not in depends(a, dx) for a in (*left, *right)) else None


def _sides(m: Linearized, names: Names) -> Block:
    """Is the map one matrix times the step?"""
    x, f = m.variable, m.derivative.function
    found = sides(m.change, m.derivative.direction)
    M, V = names.matrix, names.step
    alike = say(
        "A map {} with one matrix {} treats every column of the step alike and by itself; its Jacobian is {}. ",
        Math("{1} ↦ {0} {1}", M, V), M, Math("I ⊗ {0}", M),
    )  # fmt: skip
    if found == ([], []):
        here: Content = ["The derivative is such a map, with a multiple of the identity."]
    elif found is not None and not found[1]:
        here = ["The derivative is such a map."]
    elif found is not None and not found[0]:
        here = ["Here the step is multiplied from the right instead: its rows are treated alike, and its columns are mixed."]
    elif found is not None:
        here = [
            "Here the step is multiplied from both sides. The factor on the right mixes its columns, so no single matrix on"
            " the left does the same, unless that factor is a multiple of the identity; by vec both become one Kronecker"
            " product."
        ]
    elif f.shape[1] is not x.shape[1]:
        columns = "It has {} columns, and {} has {}: the derivative is another kind of map."
        here = say(columns, Math("{0}", x.shape[1]), m.letter, Math("{0}", f.shape[1]))
    else:
        here = ["As it is written above, the derivative is not of this form."]
    return Paragraph([*alike, *here])
