"""An answer as a document: what a notebook shows of a derivative. Other views are folded away."""

from __future__ import annotations

from contextlib import suppress

from frechet.differentiation.metrics import MEANING
from frechet.differentiation.structure import structure_of
from frechet.expressions.dimension import SCALAR, Shape, axes, show_shape
from frechet.expressions.errors import UnsupportedError
from frechet.expressions.node import Expr, depends
from frechet.interfaces.answer import Answer, answer, default_form, named_parts
from frechet.interfaces.document import Block, Details, Document, Entry, Figure, Inline, Math, Paragraph
from frechet.interfaces.page import FREE_ENTRIES, Page
from frechet.notation.components import write_components
from frechet.notation.spaces import Notation, gradient_space, show_space

SYMBOLS = {
    "gradient": "∇{0}", "jacobian": "∂{0}/∂{1}", "hessian": "∇²{0}", "riemannian": "grad {0}", "differential": "d{0}",
    "holomorphic": "∂{0}/∂{1}", "wirtinger": "∂{0}/∂{1}", "wirtinger-conj": "∂{0}/∂conj({1})",
}  # fmt: skip
LABELS = {"jacobian": "Jacobian", "hessian": "Hessian", "riemannian": "Riemannian"}
REMARKS = {
    "holomorphic": "holomorphic: d{0} = tr((∂{0}/∂{1})ᵀ d{1})",
    "wirtinger": "with the conjugate of {1} fixed",
    "wirtinger-conj": "with {1} fixed",
}


def summary(page: Page, form: str | None = None, layout: str | None = None) -> Document:
    """The question of a page answered: the function with its spaces, its derivative, conditions, what was checked.

    form, layout: one view only, as on the command line
    Raises:  FrechetError, for what cannot be answered
    """
    if layout is not None or form is not None:
        return Document("", [_signature(page), *_one_view(page, form, layout)])
    found = [_answered(page, "differential", 1)]
    blocks: list[Block] = [_signature(page), *_given(page), _view(page, found[0])]
    for view, order in _views(page):
        try:
            found.append(_answered(page, view, order))
            blocks.append(_view(page, found[-1]))
        except UnsupportedError as error:
            blocks.append(Entry(LABELS.get(view, view), [f"not supported: {error.message}"]))
    blocks += _about(page, found)
    more: list[Block] = _more(page, found[0])
    if more:
        blocks.append(Details("other views", more))
    shown = found[1] if len(found) > 1 else found[0]
    with suppress(UnsupportedError):
        source = shown.source(page.reading.variables.values()).rstrip("\n")
        blocks.append(Details("as a NumPy function", [Figure("", source)]))
    return Document("", blocks)


def _views(page: Page) -> list[tuple[str, int]]:
    form = default_form(page.function, 1)
    if SCALAR in (page.function.shape, page.variable.shape):
        form = "gradient"
    views = [(form, 1)]
    if page.metric is not None:
        views.append(("riemannian", 1))
    if page.order == 2:
        second = "hessian" if page.function.shape == SCALAR and page.variable.real else "differential"
        views.append((second, 2))
    return views


def _answered(page: Page, form: str, order: int) -> Answer:
    convention = page.convention
    return answer(page.function, page.variable, form, order, page.check, convention=convention, metric=page.metric)


def size(shape: Shape) -> Math:
    """A shape in each notation: scalar, n, 1×n, p×q, pq×rs."""
    dims = axes(shape)
    if len(dims) == 1 and shape[1] is not dims[0]:
        return Math("{0}", *dims)
    holes = [f"({{{i}}})" if len(d.terms) > 1 else f"{{{i}}}" for i, d in enumerate(dims)]
    return Math("×".join(["1", *holes] if len(dims) == 1 else holes) or "scalar", *dims)


def _space(e: Expr, structure: tuple[str, ...]) -> Math:
    def written(notation: Notation) -> str:
        return show_space(e.shape, notation, structure)

    return Math("{0}", written)


def _signature(page: Page) -> Paragraph:
    """g : ℝ^{n×m} → ℝ,  g(X) = …"""
    f, x = page.function, page.variable
    field: tuple[str, ...] = () if f.real else ("complex",)
    spaces = _space(x, x.params[1]), _space(f, field)
    return Paragraph([Math("{0} : {1} → {2},  {0}({3}) = {4}", page.letter, *spaces, x, f)])


def _given(page: Page) -> list[Block]:
    """The other variables with their shapes, and the space of a structured variable."""
    blocks: list[Block] = []
    content: list[Inline] = []
    for name, v in page.reading.variables.items():
        if v is not page.variable:
            declared = " ".join([show_shape(v.shape), *v.params[1]])
            content += [", "] if content else []
            content += [Math("{0}", v), f": {declared}"] if name else []
    if content:
        blocks.append(Entry("with", content))
    space = gradient_space(page.variable)
    if space is not None:
        blocks.append(Entry("gradient in", [space]))
    return blocks


def _view(page: Page, found: Answer) -> Entry:
    """One view of the derivative, with what it is."""
    e, form, d = found.expression, found.form, found.derivative
    x = page.variable
    label, symbol = LABELS.get(form, form), SYMBOLS[form]
    remark: list[Inline] = [size(e.shape)]
    if form == "differential":
        symbol, label = ("d²{0}", "second") if found.order == 2 else (symbol, label)
        barred = any(n.op.name in ("conj", "re", "im") for n in depends(e, d.direction))
        linear = "real-linear in " if barred and not x.real else "linear in "
        remark = [linear, Math("{0}", d.direction)] if found.order == 1 else []
    elif form == "gradient" and found.order == 1 and page.function.shape != SCALAR:
        symbol, label = "∂{0}/∂{1}", "derivative"
    elif form == "gradient":
        remark = [size(e.shape), f", as {page.name}"]
        if not x.real and d.convention != "riesz":
            symbol, label = SYMBOLS[d.convention], "derivative"
            remark = [Math(REMARKS[d.convention], page.letter, x)] if d.convention == "holomorphic" else [
                REMARKS[d.convention].format(page.letter, page.name)
            ]  # fmt: skip
        elif not x.real:
            remark += ["; ", Math("d{0} = Re tr((∇{0})ᴴ d{1})", page.letter, x)]
    elif form == "jacobian" and "matrix" in (page.function.kind, x.kind):
        remark.append(", columns stacked")
    elif form == "riemannian" and page.metric is not None:
        remark = [f"under the {page.metric} metric {MEANING.get(page.metric, '').format(x=page.name)}".rstrip()]
    return Entry(label, [Math(symbol + " = {2}", page.letter, x, e)], remark)


def _about(page: Page, found: list[Answer]) -> list[Block]:
    """Named parts, conditions, what happens elsewhere, what was checked."""
    blocks: list[Block] = []
    for i, (part, meaning) in enumerate(named_parts(page.function, *(a.expression for a in found))):
        blocks.append(Entry("" if i else "where", [Math("{0}", part), f": {meaning}"]))
    conditions = list(dict.fromkeys(words for a in found for words in a.conditions))
    blocks.append(Entry("conditions", ["; ".join(conditions) or "none"]))
    for i, words in enumerate(dict.fromkeys(words for a in found for words in a.elsewhere)):
        blocks.append(Entry("" if i else "elsewhere", [words]))
    reports = [a.report for a in found if a.report is not None]
    checked = "no"
    if reports:
        worst = max(r.max_relative_error for r in reports)
        checked = f"at {max(r.points for r in reports)} random points, largest relative error {worst:.0e}"
    blocks.append(Entry("checked", [checked]))
    return blocks


def _more(page: Page, found: Answer) -> list[Block]:
    """The other layout, the Jacobian for vec, components, the linearization, where there are such."""
    x, g = page.variable, page.letter
    blocks: list[Block] = []
    by_array = x.real and page.function.shape == SCALAR and x.shape != SCALAR and len(x.shape) == 2
    if by_array:
        e = found.derivative.layout("numerator")
        blocks.append(Entry("partials", [Math("∂{0}/∂{1} = {2}", g, x, e)], [size(e.shape), ", numerator layout"]))
    if by_array and structure_of(x) == "symmetric":
        about = FREE_ENTRIES.format(g=f"∇{g}", x=page.name)
        blocks.append(Entry("free entries", [Math("2∇{0} − ∇{0} ∘ I", g)], [about]))
    for view in ("vec", "components", "linearization") if by_array else ("linearization",):
        with suppress(UnsupportedError):
            blocks.append(_special(page, found, view))
    return blocks


def _special(page: Page, found: Answer, form: str) -> Entry:
    """A view that is no expression in one of the forms of an answer."""
    d, x, g = found.derivative, page.variable, page.letter
    if form == "vec":
        return Entry("for vec", [Math("d{0} = {1}", g, d.vec_form())])
    if form == "linearization":
        remark: list[Inline] = ["the affine map with the same value and derivative at ", Math("{0}", d.base_point)]
        return Entry("linearization", [Math("{0}({1}) = {2}", g, x, d.linearization())], remark)
    write_components(d, g)  # refused here rather than when it is written
    return Entry("components", [Math("{0}", lambda notation: write_components(d, g, notation))])


def _one_view(page: Page, form: str | None, layout: str | None) -> list[Entry]:
    if layout is not None:
        found = _answered(page, default_form(page.function, 1), 1)
        e = found.derivative.layout(layout)
        remark: list[Inline] = [size(e.shape), f", {layout} layout"]
        return [Entry("partials", [Math("∂{0}/∂{1} = {2}", page.letter, page.variable, e)], remark)]
    if form in ("vec", "linearization", "components"):
        return [_special(page, _answered(page, "differential", 1), form)]
    if form == "free":
        d = _answered(page, "differential", 1).derivative
        e = d.free_entries if page.function.shape == SCALAR else d.free_jacobian
        return [Entry("free entries", [Math("{0}", e)], [size(e.shape)])]
    assert form is not None
    found = _answered(page, form, 2 if form == "hessian" else page.order if form in ("differential", "gradient") else 1)
    return [_view(page, found), *(b for b in _about(page, [found]) if isinstance(b, Entry))]
