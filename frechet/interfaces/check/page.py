"""A verdict as a page, as a message of one or two sentences, and as a JSON object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from frechet.interfaces.answer import shape_names
from frechet.interfaces.document import Block, Content, Document, Figure, Math, Paragraph
from frechet.notation.latex import write_latex
from frechet.notation.text import write_text

if TYPE_CHECKING:
    from frechet.verification.verdict import Verdict

from frechet.interfaces.check.words import form_of, left_side, words
from frechet.verification.verdict import UNREAD


def page(found: Verdict) -> Document:
    """The verdict, why, and the smallest example."""
    blocks: list[Block] = []
    if found.misfit is not None and found.misfit.position is not None and found.misfit.text:
        blocks.append(Figure("", _pointed(found)))  # a paragraph would not keep the spaces before the carets
    blocks += [Paragraph(content) for content in _paragraphs(found)]
    return Document(f"Check: {found.verdict}", blocks, data(found))


def message(found: Verdict) -> str:
    """The verdict in one or two sentences, formulas in plain mathematical characters."""
    return "".join(part.write("unicode") if isinstance(part, Math) else part for part in words(found))


def data(found: Verdict) -> dict[str, Any]:
    """The verdict as JSON holds it: the keys verdict, factor, condition, example, message, expected and more."""
    goal = found.form or found.forms[0]
    wanted = write_text(found.expected, brackets=False)
    filled: dict[str, Any] = {
        "verdict": found.verdict,
        "factor": found.factor if found.verdict in ("factor", "sign", "missing-term", "missing-symmetrization") else None,
        "condition": found.condition,
        "example": _example(found),
        "message": message(found),
        "ok": True,
        "form": goal.kind,
        "layout": goal.layout or None,
        "expected": str(wanted),
        "expected_latex": str(write_latex(found.expected)),
        "expected_shape": shape_names(found.expected),
    }
    if found.answer is not None:
        filled["answer"] = str(write_text(found.answer))
        filled["answer_shape"] = shape_names(found.answer)
    if found.terms:
        filled["term"] = str(write_text(found.terms[0]))
        filled["terms"] = [str(write_text(t)) for t in found.terms]
    if found.rule is not None:
        filled["rule"] = RULES.get(found.rule, found.rule)
    if found.edit is not None:
        filled["corrected"] = found.edit.text
    if found.inner is not None:
        filled["inner"] = str(write_text(found.inner))
    if found.misfit is not None:
        e = found.misfit
        filled["misfit"] = {"kind": e.kind, "message": e.message, "position": e.position, "end": e.end}
    return filled


def _pointed(found: Verdict) -> str:
    """The place in the answer; of one that does not read the sentences say why."""
    assert found.misfit is not None
    said = found.misfit.pointed()
    return said.removesuffix(f" {found.misfit.message}") if found.rule == UNREAD else said


def _paragraphs(found: Verdict) -> list[Content]:
    paragraphs: list[Content] = [words(found)]
    example = _example_words(found)
    if example:
        paragraphs.append([example])
    return paragraphs


RULES = {
    "transpose": "a factor that changes sides is transposed",
    "order": "order of factors",
    "reversed": "a transpose reverses the order of factors",
    "kron": "vec(A X B) = (B' ⊗ A) vec(X)",
    "diag": "diag of the element-wise derivative",
    "trace": "trace",
    "chain": "chain rule: the inner derivative is missing",
    "link": "chain rule: the derivative of an element-wise function is missing",
    "symmetric": "product rule with a matrix taken to be symmetric",
    "projection": "gradient in the space of the variable",
    "free-entries": "derivative by the free entries of a symmetric matrix",
    "matrix": "element-wise taken for a matrix operation",
    "element-wise": "a matrix operation taken for an element-wise one",
    "elementwise-of": "function of a matrix differentiated entry by entry",
    "matrix-of": "element-wise function differentiated as a function of a matrix",
    "parallel": "a factor that is not constant",
    "scalar": "rule for numbers used for matrices",
    "variable": "derivative by another variable",
    "zero": "the answer is 0 everywhere",
    "rows": "vec stacks columns",
    "unread": "the answer does not read",
}


def _plain(x: Any) -> Any:
    """Numbers and nested lists, whole numbers as such."""
    if x is None:
        return None
    listed = x.tolist() if hasattr(x, "tolist") else x

    def tidy(v: Any) -> Any:
        if isinstance(v, list):
            return [tidy(w) for w in v]
        return int(v) if v == int(v) else round(v, 10)

    return tidy(listed)


def _example(found: Verdict) -> dict[str, Any] | None:
    e = found.example
    if e is None:
        return None
    return {
        **{name: _plain(x) for name, x in e.values.items()},
        "derivative": _plain(e.derivative),
        "answer": _plain(e.answer),
    }


def matrix_text(x: Any) -> str:
    """`[0 1; 0 0]`, `[1; 1]` for a vector, `2` for a number."""

    def number(v: float) -> str:
        return str(int(v)) if v == int(v) else f"{v:.4g}"

    if not isinstance(x, list):
        return number(x)
    if any(isinstance(row, list) and isinstance(row[0], list) for row in x):
        return "[" + ", ".join(map(matrix_text, x)) + "]"  # a tensor, slice by slice
    return "[" + "; ".join(" ".join(map(number, row)) if isinstance(row, list) else number(row) for row in x) + "]"


def _example_words(found: Verdict) -> str:
    e = _example(found)
    if e is None:
        return ""
    given = ", ".join(f"{name} = {matrix_text(x)}" for name, x in e.items() if name not in ("derivative", "answer"))
    form = found.forms[0] if found.verdict == "transposed" else form_of(found)
    row = form.expression.kind == "row"

    def shown(x: Any) -> str:
        return matrix_text([x] if row and isinstance(x, list) else x)

    got = "no value" if e["answer"] is None else shown(e["answer"])
    what = "the first is" if form.kind == "formula" else f"{left} =" if (left := left_side(found)) else "it is"
    other = "the second" if form.kind == "formula" else "yours gives"
    return f"Example: {given}: {what} {shown(e['derivative'])}, {other} {got}."
