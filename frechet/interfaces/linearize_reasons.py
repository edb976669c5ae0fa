"""Why a linearization has the form it has: which space the derivative lives in, and why a trace shows or does not.

Only what is true of the function at hand is said; the cases differ by the kinds of the variable and of the value.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from frechet.differentiation.wirtinger import holomorphic_part
from frechet.expressions.dimension import SCALAR, Dim, Shape, axes, dim, entries
from frechet.expressions.errors import UnsupportedError
from frechet.expressions.node import Expr, depends, variables
from frechet.expressions.space import curved, dimension, space_names
from frechet.interfaces.document import Block, Content, Entry, Heading, Math, Paragraph, Table
from frechet.interfaces.linearize_formulas import ELL, Said, say, sign, size, size_of, space
from frechet.notation.components import write_partials
from frechet.notation.spaces import Notation, gradient_space
from frechet.operations import products, sums
from frechet.operations.constants import is_zero
from frechet.operations.declared_functions import functions
from frechet.operations.transposition import conjugate_transposed, transposed

if TYPE_CHECKING:
    from frechet.interfaces.linearize_page import Linearized

LONGEST = 70  # characters of a formula that is put into another
NOTATIONS: tuple[Notation, ...] = ("unicode", "text", "latex")
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


def reasons(m: Linearized, missing: str = "") -> list[Block]:
    """The explanation. missing: why there is no gradient or Jacobian here, where there is none."""
    d = m.derivative
    x, g = d.variable, m.letter
    if is_zero(d.differential):
        m = m.spoken
        words = say("The derivative of {} by {} is the zero map, so {} is the constant {}.", g, x.params[0], ELL, _at(m))
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
        by_kind = {"scalar": _number, "vector": _row, "tensor": _entries}
        return by_kind.get(x.kind, _trace)(m, names)
    if x.kind == "scalar":
        return _curve(m)
    return _jacobian(m) if f.kind == x.kind == "vector" else _map(m, names)


# -- the pieces of sentences


def by_real_part(m: Linearized) -> bool:
    """Is the functional Re tr(Gᴴ dZ), of a real function of a complex variable?"""
    return not m.variable.real and m.derivative.convention == "riesz"


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


def _partials(m: Linearized) -> Math:
    """∂g/∂X; of a real function of a complex variable (∇g)ᴴ."""
    return Math("(∇{0})ᴴ", m.letter) if by_real_part(m) else Math("∂{0}/∂{1}", m.letter, m.variable.params[0])


def matrix_product(m: Linearized) -> Math:
    """(∂g/∂X)(X − X₀)."""
    left = _partials(m) if by_real_part(m) else Math("({0})", _partials(m))
    return Math("{0}{1}", left, m.step.closed)


def _step(m: Linearized) -> Content:
    return ["a tangent step ", m.step.bare] if m.step.tangent else [m.step.bare]


def _at(m: Linearized) -> Math:
    return Math("{0}({1})", m.letter, m.step.point)


def _space(e: Expr) -> Math:
    return space(e.shape, () if e.real else ("complex",))


def _field(m: Linearized) -> Math:
    return Math("ℝ" if m.derivative.function.real else "ℂ")


def _steps(m: Linearized) -> tuple[Content, Dim | None]:
    """The space of steps in words, and its dimension."""
    x = m.variable
    where = gradient_space(x)
    if where is not None:
        before, at, after = where.partition(",")[0].partition(f" at {x.params[0]} ")
        shown: Content = [before, " at ", m.step.point, f" {after}"] if at else [before]
        return shown, dimension(x.params[1], x.params[2], x.shape)
    count = entries(x.shape)
    return [_space(x)], count * dim(2) if by_real_part(m) else count


def _short(formula: Math) -> bool:
    written = formula.written("unicode")
    return not written.where and len(written.text) <= LONGEST


def _here(formula: Math) -> Content:
    return [formula] if _short(formula) else ["as above"]


def _in_entries(m: Linearized) -> Content:
    """∂g/∂xᵢⱼ entry by entry, at a general point, where it has such a form that is not long."""
    if m.given or not m.variable.real or not m.derivative.function.real:
        return []
    try:
        text = {n: write_partials(m.derivative, m.letter, n) for n in NOTATIONS}
    except UnsupportedError:
        return []
    return [Said(lambda notation: text[notation])] if len(text["unicode"]) <= LONGEST else []


def _gradient(m: Linearized) -> Expr:
    return m.at_base(m.derivative.gradient)


# -- numbers as values


def _dual(m: Linearized) -> Block:
    """The derivative as an element of the dual space."""
    x = m.variable
    steps, count = _steps(m)
    linear = "real-linear" if by_real_part(m) else "complex-linear" if not x.real else "linear"
    opening = "The derivative of {} at {} must turn a step into a number, by a " + linear + " map from {} to {}"
    content = [*say(opening + ": it is an element of the dual of that space", m.letter, m.step.point, steps, _field(m))]
    if gradient_space(x) is None:
        content += say(", {}", Math("({0}){1}", _space(x), STAR))
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
        every, which = f"Every {linear} map {{}} from all of {{}} to {{}}", [L, _space(x), _field(m)]
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
        "Steps of {}, however, lie in {}. For such steps {}, adding " + added + " to {} changes no value {}: among all "
        + plural + " many give the same map, and exactly one of them lies in that space. It is {}, the orthogonal"
        " projection of the others.",
        name, _steps(m)[0], names.step, names.gradient,
        Math("⟨{0}, {1}⟩", names.gradient, names.step), Math("∇{0}", m.letter),
    )  # fmt: skip
    blocks: list[Block] = [Paragraph(words)]
    if curved(x.params[1]):
        bent = "The set is curved: {} lies in this tangent space up to second order only, as good as {} is anyway."
        blocks.append(Paragraph(say(bent, Math("{0} − {1}", name, m.step.point), ELL)))
    return blocks


def _trace(m: Linearized, names: Names) -> list[Block]:
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
        _partials(m), size(q, p), _step(m), size(p, q), product, size(q, q), _at(m),
    )  # fmt: skip
    blocks: list[Block] = [Heading("Why a trace"), Paragraph(opening), _dual(m), *_representer(m, names)]
    partials = step.put(_gradient(m) if real_part else transposed(_gradient(m)))
    named = Math("{0} = ∇{1}", G, g) if real_part else Math("{0}ᵀ = {1}", G, _partials(m))
    if _short(partials):
        named = Math("{0} = {1}", named, partials)
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


def _row(m: Linearized, names: Names) -> list[Block]:
    """A number from a vector."""
    n = m.variable.shape[0]
    re = "Re " if by_real_part(m) else ""
    opening = say(
        "{} is a {} row and {} a column of length {}, so their product {} is 1×1, a number already: "
        + ("its real part is added to {}." if re else "it is added to {} as it stands."),
        _partials(m), Math("1×{0}", n), _step(m), Math("{0}", n), matrix_product(m), _at(m),
    )  # fmt: skip
    hidden = say(
        "The trace is there, but it does not show: a 1×1 matrix is its own trace. With q columns instead of one the same"
        " product would be q×q, and only its diagonal, summed, would be meant: {}.",
        Math(f"{re}tr({{0}})", matrix_product(m)),
    )  # fmt: skip
    start: list[Block] = [Heading("Why no trace shows"), Paragraph(opening), _dual(m), *_representer(m, names)]
    return [*start, Paragraph(hidden), *_forms(m)]


def _number(m: Linearized, names: Names) -> list[Block]:
    """A number from a number."""
    if by_real_part(m):
        opening = say(
            "The derivative of {} at {} is a real-linear map from ℂ to ℝ. Every such map is {} for exactly one complex"
            " number {}: its real part is the value of the map at 1, its imaginary part the value at {}.",
            m.letter, m.step.point, Math("Re(conj({0}) ·)", names.gradient), names.gradient, ROOT,
        )  # fmt: skip
        return [Heading("Why"), Paragraph(opening)]
    opening = say("{} and {} are numbers, and so is their product, which is added to {}.", _partials(m), m.step.bare, _at(m))
    field = "real" if m.variable.real else "complex"
    words = (
        f"A linear map from the {field} numbers to themselves is multiplication by one number, its value at 1: the"
        " derivative. There is nothing to transpose and no trace to take. Of a variable with more entries each has its"
        " partial derivative, and the products are added up."
    )
    return [Heading("Why"), Paragraph(opening), Paragraph([words])]


def _entries(m: Linearized, names: Names) -> list[Block]:
    """A number from a tensor."""
    opening = say(
        "{} has the shape of {}, {}: one partial derivative for each entry. No matrix product pairs it with {}, and none is"
        " needed: equally placed entries are multiplied, and the products added up.",
        _partials(m), m.variable.params[0], size_of(m.variable.shape), m.step.bare,
    )  # fmt: skip
    start: list[Block] = [Heading("Why a sum over all entries"), Paragraph(opening), _dual(m)]
    return [*start, *_representer(m, names), *_forms(m)]


def _forms(m: Linearized) -> list[Block]:
    """The change dg(X₀)[X − X₀] in all the ways it may be written."""
    x, g, step = m.variable, m.letter, m.step
    re, t = ("Re ", "ᴴ") if by_real_part(m) else ("", "ᵀ")
    nabla, gradient = Math("∇{0}", g), _gradient(m)
    low = step.put(gradient)
    turned = gradient
    if x.kind != "tensor":
        turned = conjugate_transposed(gradient) if re else transposed(gradient)
    rows: list[Sequence[Content]] = []
    index = {"vector": "ᵢ", "tensor": ""}.get(x.kind, "ᵢⱼ")
    if index:
        partial = Math(("conj((∇{0})" + index + ")") if re else ("(∇{0})" + index), g)
        rows.append((["component sum"], [Math(re + "Σ" + index + " {0} {1}" + index, partial, step.closed)], _in_entries(m)))
    inner = "inner product" if x.kind == "vector" else "Frobenius product"
    rows.append(([inner], [Math("⟨{0}, {1}⟩", nabla, step.bare)], _here(Math("⟨{0}, {1}⟩", low, step.bare))))
    if x.kind == "vector":
        rows.append((["row × column"], [Math(re + "{0}", matrix_product(m))], _here(Math(re + "{0}", step.times(turned)))))
        rows.append((["trace"], [Math(f"{re}tr({{0}})", matrix_product(m))], ["of a 1×1 matrix"]))
    else:
        if x.kind == "matrix":
            trace = Math(f"{re}tr({{0}})", step.times(turned))
            rows.append((["trace"], [Math(f"{re}tr({{0}})", matrix_product(m))], _here(trace)))
        stacked = Math(f"{re}vec({{0}}){t} vec({{1}})", nabla, step.bare)
        rows.append((["row × column"], [stacked], _here(Math(f"{re}vec({{0}}){t} vec({{1}})", low, step.bare))))
    tail = "is one number, written in several ways" + ("" if x.kind == "vector" else "; vec stacks columns") + ":"
    opening = say("The change of {} along the step, {}, " + tail, g, Math("{0}({1}) − {2}", ELL, step.end, _at(m)))
    return [Paragraph(opening), Table(("", "in general", "here"), rows)]


# -- arrays as values


def _curve(m: Linearized) -> list[Block]:
    """An array from a number."""
    f, g = m.derivative.function, m.letter
    words = say(
        "{} is a number, so the derivative is an array of the shape of {}, {}: {}, the derivative of every entry. Times the"
        " number {} it is added to {}: no trace, no vec.",
        m.step.bare, g, size_of(f.shape), Math("∂{0}/∂{1}", g, m.variable.params[0]), m.step.bare, _at(m),
    )  # fmt: skip
    return [Heading("Why"), Paragraph(words)]


def _jacobian(m: Linearized) -> list[Block]:
    """A vector from a vector."""
    f, x, g = m.derivative.function, m.variable, m.letter
    opening = say(
        "{}, the Jacobian, is {} and {} a column of length {}, so their product is a column of length {}, like {}: it is"
        " added as it stands, no trace and no vec.",
        Math("∂{0}/∂{1}", g, x.params[0]), size(f.shape[0], x.shape[0]), m.step.bare, Math("{0}", x.shape[0]),
        Math("{0}", f.shape[0]), _at(m),
    )  # fmt: skip
    words = say(
        "Every linear map from {} to {} is a matrix times the step: column j is what it makes of the unit vector with a 1 in"
        " place j. Row i is the transposed gradient of entry i of {}: a number, and so a row times the step.",
        _space(x), _space(f), g,
    )  # fmt: skip
    blocks: list[Block] = [Heading("Why a matrix times the step"), Paragraph(opening), Paragraph(words)]
    return [*blocks, *_other_steps(m), *_jacobian_entry(m)]


def _jacobian_entry(m: Linearized) -> list[Block]:
    try:
        j = m.at_base(m.derivative.jacobian)
    except UnsupportedError:
        return []
    formula = Math("J = {0}", m.step.put(j))
    return [Entry("Jacobian", [formula], [size_of(j.shape)])] if _short(formula) else []


def _other_steps(m: Linearized) -> list[Block]:
    if gradient_space(m.variable) is None:
        return []
    words = "Steps of {} lie in {}: what the map makes of others does not matter here."
    return [Paragraph(say(words, m.variable.params[0], _steps(m)[0]))]


def _map(m: Linearized, names: Names) -> list[Block]:
    """An array from a matrix, or a matrix from a vector: a linear map with more than two indices."""
    f, x, step, g = m.derivative.function, m.variable, m.step, m.letter
    V, G = names.step, names.gradient
    tensors = len(f.shape) > 2 or len(x.shape) > 2
    all_axes: Shape = (*axes(f.shape), *axes(x.shape))
    opening = say(
        "The derivative of {} at {} is a linear map, {}: it turns a step of size {} into a change of size {}, which is added"
        " to {} as it stands. A trace makes a number, and none is wanted.",
        g, step.point, Math("D{0}({1}) : {2} → {3}", g, step.point, _space(x), _space(f)), size_of(x.shape),
        size_of(f.shape), _at(m),
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
    entry = _in_entries(m)
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
