"""Numbers as values: which space the derivative lives in, why it is one array, and why a trace shows or does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from frechet.expressions.node import Expr
from frechet.expressions.space import curved, space_names
from frechet.interfaces.document import Block, Content, Heading, Math, Paragraph, Table
from frechet.interfaces.linearize_formulas import ELL, say, sign, size, size_of
from frechet.interfaces.linearize_phrases import (
    Names,
    by_real_part,
    field_of,
    gradient_at,
    here,
    in_entries,
    matrix_product,
    partials,
    short,
    space_of,
    step_of,
    steps_of,
    value_at_base,
)
from frechet.notation.spaces import gradient_space
from frechet.operations.transposition import conjugate_transposed, transposed

if TYPE_CHECKING:
    from frechet.interfaces.linearize_page import Linearized

STAR = sign("*", "*", "^{*}")
ROOT = sign("√−1", "1i", r"\sqrt{-1}")

# What may be added to a gradient without a change on steps in the space; {0} is the point.
INVISIBLE = {
    "symmetric": "a skew-symmetric matrix", "hermitian": "a skew-Hermitian matrix", "skew": "a symmetric matrix",
    "diagonal": "a matrix with zeros on the diagonal", "lower": "a matrix with zeros on and below the diagonal",
    "upper": "a matrix with zeros on and above the diagonal", "traceless": "a multiple of the identity",
    "centered": "a vector of equal entries", "simplex": "a vector of equal entries",
    "toeplitz": "a matrix each of whose diagonals adds up to 0",
    "circulant": "a matrix each of whose wrapped diagonals adds up to 0",
    "hankel": "a matrix each of whose antidiagonals adds up to 0", "sphere": "a multiple of {0}",
}  # fmt: skip


def _dual(m: Linearized) -> Block:
    """The derivative as an element of the dual space."""
    x = m.variable
    steps, count = steps_of(m)
    linear = "real-linear" if by_real_part(m) else "complex-linear" if not x.real else "linear"
    opening = "The derivative of {} at {} must turn a step into a number, by a " + linear + " map from {} to {}"
    if x.real and not m.derivative.function.real:
        parts = ": its real and its imaginary part are elements of the dual of that space."
        return Paragraph(say(opening + parts, m.letter, m.step.point, steps, field_of(m)))
    content = [*say(opening + ": it is an element of the dual of that space", m.letter, m.step.point, steps, field_of(m))]
    if gradient_space(x) is None:
        content += say(", {}", Math("({0}){1}", space_of(x), STAR))
    if count is not None:
        real = "real " if by_real_part(m) else ""
        content += say(", which has the same " + real + "dimension, {}", Math("{0}", count))
    return Paragraph([*content, "."])


def _representer(m: Linearized, names: Names) -> list[Block]:
    """Every functional is ⟨G, ·⟩, with the proof in one line."""
    x, kind = m.variable, m.variable.kind
    G, V, L, E = names.gradient, names.step, names.functional, names.basis
    g, v = G.lower(), V.lower()
    every = "Every such map {}"
    which: list[str | Math] = [L]
    if gradient_space(x) is not None:  # what is said holds for the maps on the whole space
        linear = "real-linear" if by_real_part(m) else "linear"
        every, which = f"Every {linear} map {{}} from all of {{}} to {{}}", [L, space_of(x), field_of(m)]
    if kind == "tensor":
        words = say(
            every + " is {}, the sum of the products of equally placed entries, for exactly one {} array {}: apply"
            " it to the arrays with a single 1. They are a basis, so the map is known by these values, the entries of {}.",
            *which, Math("⟨{0}, ·⟩", G), size_of(x.shape), G, G,
        )  # fmt: skip
        return [Paragraph(words), *_within(m, names)]
    i = "ᵢ" if kind == "vector" else "ᵢⱼ"
    noun, basis = ("vector", "unit vectors") if kind == "vector" else ("matrix", "basis matrices")
    place = "i" if kind == "vector" else "(i, j)"
    if by_real_part(m):
        words = say(
            every + " is {} for exactly one {}: apply it to the " + basis + " {} (1 in place "
            + place + ", 0 elsewhere) and to {}, which together span the space over the real numbers. {} is the real part of"
            " {}, and {} its imaginary part.",
            *which, Math("⟨{0}, ·⟩ = Re Σ" + i + f" conj({g}{i}) (·){i}", G), _one(x, G), Math("{0}" + i, E),
            Math("{0} {1}" + i, ROOT, E), Math("{0}({1}" + i + ")", L, E), Math(g + i),
            Math("{0}({1} {2}" + i + ")", L, ROOT, E),
        )  # fmt: skip
        return [Paragraph(words), *_within(m, names)]
    words = say(
        every + " is {} for exactly one {}: apply it to the " + basis + " {} (1 in place " + place
        + ", 0 elsewhere). As {}, {}: so {}, and no other " + noun + " will do.",
        *which, Math("⟨{0}, ·⟩ = Σ" + i + f" {g}{i} (·){i}", G), _one(x, G), Math("{0}" + i, E),
        Math("{0} = Σ" + i + f" {v}{i} {{1}}" + i, V, E),
        Math("{0}({1}) = Σ" + i + f" {v}{i} {{0}}({{2}}" + i + ")", L, V, E), Math(f"{g}{i} = " + "{0}({1}" + i + ")", L, E),
    )  # fmt: skip
    return [Paragraph(words), *_within(m, names)]


def _one(x: Expr, name: str) -> Content:
    """A p×q matrix G, a vector G of length n."""
    if x.kind == "vector":
        return say("vector {} of length {}", name, size_of(x.shape))
    return say("{} matrix {}", size_of(x.shape), name)


def _within(m: Linearized, names: Names) -> list[Block]:
    """Of a structured variable: only within its space is the gradient unique."""
    x, name = m.variable, m.variable.params[0]
    if gradient_space(x) is None:
        return []
    kinds = space_names(x.params[1], x.params[2])
    noun = "vector" if x.kind == "vector" else "matrix"
    added = INVISIBLE.get(kinds[0]) if len(kinds) == 1 else None
    added = (
        added.format(f"{name}₀" if not m.given else "the point") if added else f"a {noun} that is orthogonal to all of them"
    )
    plural = "vectors" if noun == "vector" else "matrices"
    words = say(
        "Steps of {}, however, lie in {}. For such steps {}, adding to {} " + added + " changes no value {}: among all "
        + plural + " many give the same map, and exactly one of them lies in that space. It is {}, the orthogonal"
        " projection of the others.",
        name, steps_of(m)[0], names.step, names.gradient,
        Math("⟨{0}, {1}⟩", names.gradient, names.step), Math("∇{0}", m.letter),
    )  # fmt: skip
    blocks: list[Block] = [Paragraph(words)]
    if curved(x.params[1]):
        bent = "The set is curved: {} lies in this tangent space up to second order only, as good as {} is anyway."
        blocks.append(Paragraph(say(bent, Math("{0} − {1}", name, m.step.point), ELL)))
    return blocks


def trace(m: Linearized, names: Names) -> list[Block]:
    """A number from a matrix."""
    step, g = m.step, m.letter
    p, q = m.variable.shape
    G, V = names.gradient, names.step
    real_part = by_real_part(m)
    t, re = ("ᴴ", "Re ") if real_part else ("ᵀ", "")
    low, v = G.lower(), V.lower()
    entry = f"conj({low}ᵢⱼ)" if real_part else f"{low}ᵢⱼ"
    product, one_column = matrix_product(m), q.value() == 1
    ending = "a matrix with one entry, its trace, which is the number to be added to {}." if one_column else (
        "not a number, so it cannot be added to {}."
    )  # fmt: skip
    opening = say(
        "{} is {} and {} is {}, so their product {} is {}: " + ending,
        partials(m), size(q, p), step_of(m), size(p, q), product, size(q, q), value_at_base(m),
    )  # fmt: skip
    blocks: list[Block] = [Heading("Why a trace"), Paragraph(opening), _dual(m), *_representer(m, names)]
    written = step.put(gradient_at(m) if real_part else transposed(gradient_at(m)))
    named = Math("{0} = ∇{1}", G, g) if real_part else Math("{0}ᵀ = {1}", G, partials(m))
    if short(written):
        named = Math("{0} = {1}", named, written)
    blocks.append(Paragraph(say(
        "As a product of matrices this sum is a trace: entry (j, j) of {} is {}, so {}. Here {}{}, so the step contributes"
        " {}.",
        Math(f"{{0}}{t} {{1}}", G, V), Math(f"Σᵢ {entry} {v}ᵢⱼ"), Math(f"Σᵢⱼ {entry} {v}ᵢⱼ = tr({{0}}{t} {{1}})", G, V),
        named, [] if m.affine else [" at ", step.point],
        Math(f"{re}tr({{0}})", product),
    )))  # fmt: skip
    if not one_column:
        off = f"Σᵢ conj({low}ᵢⱼ) {v}ᵢₖ" if real_part else f"Σᵢ {low}ᵢⱼ {v}ᵢₖ"
        blocks.append(Paragraph(say(
            "Of the {} product only the diagonal, summed, is meant. Off the diagonal, entry (j, k) is {}: partial"
            " derivatives of column j times steps of column k, which are no part of the change of {}.",
            size(q, q), Math(off), g,
        )))  # fmt: skip
        plain = q.value() is None and q is not p and len(q.text) == 1
        case: Content = [Math("{0} = 1", q) if plain else "one column"]
        blocks.append(Paragraph(say(
            "For a vector ({}) the product is 1×1 already, its own trace: that is why no trace shows there.", case
        )))  # fmt: skip
    return [*blocks, *_forms(m)]


def row(m: Linearized, names: Names) -> list[Block]:
    """A number from a vector."""
    n = m.variable.shape[0]
    re = "Re " if by_real_part(m) else ""
    opening = say(
        "{} is a {} row and {} a column of length {}, so their product {} is 1×1, a number already: "
        + ("its real part is added to {}." if re else "it is added to {} as it stands."),
        partials(m), Math("1×{0}", n), step_of(m), Math("{0}", n), matrix_product(m), value_at_base(m),
    )  # fmt: skip
    hidden = say(
        "The trace is there, but it does not show: a 1×1 matrix is its own trace. With q columns instead of one the same"
        " product would be q×q, and only its diagonal, summed, would be meant: {}.",
        Math(f"{re}tr({{0}})", matrix_product(m)),
    )  # fmt: skip
    start: list[Block] = [Heading("Why no trace shows"), Paragraph(opening), _dual(m), *_representer(m, names)]
    return [*start, Paragraph(hidden), *_forms(m)]


def number(m: Linearized, names: Names) -> list[Block]:
    """A number from a number."""
    if by_real_part(m):
        opening = say(
            "The derivative of {} at {} is a real-linear map from ℂ to ℝ. Every such map is {} for exactly one complex"
            " number {}: its real part is the value of the map at 1, its imaginary part the value at {}.",
            m.letter, m.step.point, Math("Re(conj({0}) ·)", names.gradient), names.gradient, ROOT,
        )  # fmt: skip
        return [Heading("Why"), Paragraph(opening)]
    opening = say(
        "{} and {} are numbers, and so is their product, which is added to {}.", partials(m), m.step.bare, value_at_base(m)
    )
    field = "real" if m.variable.real else "complex"
    words = (
        f"A linear map from the {field} numbers to themselves is multiplication by one number, its value at 1: the"
        " derivative. There is nothing to transpose and no trace to take. Of a variable with more entries each has its"
        " partial derivative, and the products are added up."
    )
    return [Heading("Why"), Paragraph(opening), Paragraph([words])]


def all_entries(m: Linearized, names: Names) -> list[Block]:
    """A number from a tensor."""
    opening = say(
        "{} has the shape of {}, {}: one partial derivative for each entry. No matrix product pairs it with {}, and none is"
        " needed: equally placed entries are multiplied, and the products added up.",
        partials(m), m.variable.params[0], size_of(m.variable.shape), m.step.bare,
    )  # fmt: skip
    start: list[Block] = [Heading("Why a sum over all entries"), Paragraph(opening), _dual(m)]
    return [*start, *_representer(m, names), *_forms(m)]


def _forms(m: Linearized) -> list[Block]:
    """The change dg(X₀)[X − X₀] in all the ways it may be written."""
    x, g, step = m.variable, m.letter, m.step
    re, t = ("Re ", "ᴴ") if by_real_part(m) else ("", "ᵀ")
    nabla, gradient = Math("∇{0}", g), gradient_at(m)
    low = step.put(gradient)
    turned = gradient
    if x.kind != "tensor":
        turned = conjugate_transposed(gradient) if re else transposed(gradient)
    rows: list[Sequence[Content]] = []
    index = {"vector": "ᵢ", "tensor": ""}.get(x.kind, "ᵢⱼ")
    if index:
        partial = Math(("conj((∇{0})" + index + ")") if re else ("(∇{0})" + index), g)
        rows.append((["component sum"], [Math(re + "Σ" + index + " {0} {1}" + index, partial, step.closed)], in_entries(m)))
    inner = "inner product" if x.kind == "vector" else "Frobenius product"
    rows.append(([inner], [Math("⟨{0}, {1}⟩", nabla, step.bare)], here(Math("⟨{0}, {1}⟩", low, step.bare))))
    if x.kind == "vector":
        rows.append((["row × column"], [Math(re + "{0}", matrix_product(m))], here(Math(re + "{0}", step.times(turned)))))
        rows.append((["trace"], [Math(f"{re}tr({{0}})", matrix_product(m))], ["of a 1×1 matrix"]))
    else:
        if x.kind == "matrix":
            trace = Math(f"{re}tr({{0}})", step.times(turned))
            rows.append((["trace"], [Math(f"{re}tr({{0}})", matrix_product(m))], here(trace)))
        stacked = Math(f"{re}vec({{0}}){t} vec({{1}})", nabla, step.bare)
        rows.append((["row × column"], [stacked], here(Math(f"{re}vec({{0}}){t} vec({{1}})", low, step.bare))))
    tail = "is one number, written in several ways" + ("" if x.kind == "vector" else "; vec stacks columns") + ":"
    opening = say("The change of {} along the step, {}, " + tail, g, Math("{0}({1}) − {2}", ELL, step.end, value_at_base(m)))
    return [Paragraph(opening), Table(("", "in general", "here"), rows)]
