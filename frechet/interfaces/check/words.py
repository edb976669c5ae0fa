"""The words of a verdict: one function for each kind."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from frechet.expressions.dimension import SCALAR, UNIT, Shape, axes, show_dimension
from frechet.expressions.node import Expr, depends, walk
from frechet.interfaces.document import Content, Inline, Math
from frechet.verification.terms import terms

if TYPE_CHECKING:
    from frechet.expressions.errors import FrechetError
    from frechet.verification.forms import Form
    from frechet.verification.verdict import Verdict

OBJECTS = {"gradient": "gradient", "jacobian": "Jacobian", "hessian": "Hessian", "differential": "differential",
           "riemannian": "Riemannian gradient", "formula": "first formula"}  # fmt: skip


LISTED = 3  # more terms are not listed
ADJECTIVES = re.compile(
    r"^((?:the entries|the columns|the rows) of [^,]+|\w+(?:, \w+)*(?: and \w+)?|[^,]+?) "
    r"(symmetric|Hermitian|positive|negative|skew-symmetric|orthogonal|diagonal|a multiple|a general matrix|orthonormal|"
    r"1 or|0 or)"
)


def words(found: Verdict) -> Content:
    said: list[Inline] = list(WORDS[found.verdict](found))
    if found.entrywise:
        said += [" (Read entry by entry, as ", Math("{0}", found.answer or found.expected), ".)"]
    return said


def _right(found: Verdict) -> Content:
    form = form_of(found)
    if form.kind == "formula":
        return ["Equal: both formulas have the same values."]
    if form.stacked:
        return ["Right, with columns stacked by vec. ", *_expected(found)]
    if form.kind in ("differential", "hessian", "riemannian") or not form.layout or form.expression.shape == SCALAR:
        return ["Right. ", *_expected(found)]
    return [f"Right, in {form.layout} layout ({_size(form.expression.shape)}). ", *_expected(found)]


def _other_layout(found: Verdict) -> Content:
    form, first = form_of(found), found.forms[0]
    size = _size(form.expression.shape)
    if form.kind == "gradient" and not form.stacked:
        like = f", the shape of {found.question.variable.params[0]}," if found.question.variable is not None else ","
        return [
            f"Right, in numerator layout ({size}). In denominator layout{like} it is ",
            Math("{0}", first.expression),
            ".",
        ]
    if form.layout:
        return [
            f"Right, in {form.layout} layout ({size}). In {first.layout} layout it is ",
            Math("{0}", first.expression),
            ".",
        ]
    return ["Right, but transposed. ", *_expected(found)]


def _transposed(found: Verdict) -> Content:
    if found.edit is not None:
        said: list[Inline] = [
            f"A transpose is missing or too much: {_corrected(found)} would be right. ", *_expected(found), " ",
            RULE_WORDS["transpose"],
        ]  # fmt: skip
        if found.condition:
            said.append(f" Yours is right only if {sentence(found.condition)}.")
        return said
    form = form_of(found)
    if form.kind == "formula":
        return ["Transposed: the second formula is the transpose of the first."]
    x = found.question.variable
    said = ["Transposed. ", *_expected(found), f" Yours is its transpose, which is right in {form.layout} layout only"]
    if form.kind == "gradient" and x is not None:
        said.append(f"; {x.params[0]} is square, so the shape does not tell.")
    else:
        said.append("." if form.layout else "")
    return said


def _factor(found: Verdict) -> Content:
    shown = _number(found.factor)
    if found.terms:
        noun, verb, it = ("The term ", "has", "it") if len(found.terms) == 1 else ("The terms ", "have", "them")
        return [noun, *_terms(found.terms), f" {verb} a wrong factor: yours is {shown} times {it}. ", *_expected(found)]
    said: list[Inline] = [f"Wrong by the factor {shown}: yours is {shown} times the {OBJECTS[form_of(found).kind]}",
                          _layout_remark(found), ". ", *_expected(found)]  # fmt: skip
    x = found.question.variable
    if found.factor == 0.5 and x is not None and _occurrences(found.question.function, x) > 1:
        said.append(" " + RULE_WORDS["square"])
    elif found.factor == 0.5 and x is not None and not x.real:
        said.append(f" It is ∂{letter_of(found)}/∂conj({x.params[0]}), the answer in the convention wirtinger-conj.")
    elif isinstance(found.factor, str):
        said.append(f" The factor is answer over {OBJECTS[form_of(found).kind]}.")
    return said


def _sign(found: Verdict) -> Content:
    if found.terms:
        verb = "has" if len(found.terms) == 1 else "have"
        noun = "The term " if len(found.terms) == 1 else "The terms "
        return [noun, *_terms(found.terms), f" {verb} the wrong sign in your answer. ", *_expected(found)]
    what = OBJECTS[form_of(found).kind]
    return [f"Wrong sign: yours is the negative of the {what}", _layout_remark(found), ". ", *_expected(found)]


def _symmetrization(found: Verdict) -> Content:
    words = found.condition or ""
    if found.rule == "projection":
        name = _name(found)
        return [
            f"Right only if {sentence(words)}. ", *_expected(found, "In general "),
            f" {name} is symmetric, so the gradient is too: of ⟨yours, d{name}⟩ only the symmetric part counts.",
        ]  # fmt: skip
    said: list[Inline] = [f"Right only if {sentence(words)}. ", *_expected(found, "In general ")]
    if found.factor is not None:
        said[0] = f"Right only if {sentence(words)}, and then only up to the factor {_number(found.factor)}. "
        return said
    f, x = found.question.function, found.question.variable
    if found.edit is not None:
        return [*said, f" {_corrected(found)} would be right. {RULE_WORDS[found.edit.kind]}"]
    form = form_of(found).expression
    if x is not None and found.answer is not None and len(terms(form)) > len(terms(found.answer)) and _occurrences(f, x) > 1:
        name = x.params[0]
        first = words.split(" ")[0].strip(",")
        said[-1] = said[-1] if not isinstance(said[-1], str) else said[-1].rstrip(".")
        said += [f": the product rule differentiates every {name}, and one of them brings ", Math("{0}ᵀ", first), "."]
    return said


def _conditional(found: Verdict) -> Content:
    if found.rule == "free-entries":
        x = _name(found)
        return [
            f"Right only if the entries of {x} on and below the diagonal are the variables (the convention of the Matrix "
            "Cookbook, equations 138-141). ", *_expected(found),
            f" The gradient is the G with dg = ⟨G, d{x}⟩; yours counts every entry beside the diagonal twice, once for each "
            f"of the two places where it stands in {x}.",
        ]  # fmt: skip
    return [f"Right only where {sentence(found.condition or '')}. ", *_expected(found, "In general ")]


def _missing(found: Verdict) -> Content:
    one = len(found.terms) == 1
    said: list[Inline] = ["A term is missing: " if one else "Terms are missing: ", *_terms(found.terms), ". "]
    if found.condition:
        said.append(f"And what is there is right only if {sentence(found.condition)}. ")
    if found.factor is not None:
        said.append(f"What is there is {_number(found.factor)} times what it should be. ")
    said += _expected(found, "In full ")
    f, x = found.question.function, found.question.variable
    if x is not None and _occurrences(f, x) > 1:
        rule = "sum" if f.op.name == "sum_of_terms" else "product"
        said.append(f" {RULE_WORDS[rule].format(x=x.params[0])}")
    return said


def _extra(found: Verdict) -> Content:
    one = len(found.terms) == 1
    return ["A term too much: " if one else "Terms too much: ", *_terms(found.terms), ". ", *_expected(found)]


def _elementwise(found: Verdict) -> Content:
    said: list[Inline] = []
    if found.rule == "matrix":
        said.append("Entry by entry where a function or product of matrices is meant")
    elif found.rule == "element-wise":
        said.append("A function or product of matrices where it is meant entry by entry")
    elif found.rule == "elementwise-of":
        said.append(
            "This is the derivative of another function: of the one with every function of a matrix taken entry by entry"
        )
    else:
        said.append(
            "This is the derivative of another function: of the one with functions of matrices for element-wise ones"
        )
    if found.edit is not None:
        said.append(f"; {_corrected(found)} would be right" + _layout_remark(found))
    elif found.others:
        said += [", ", Math("{0}", found.others[0])]
    return [*said, ". ", *_expected(found)]


def _shape(found: Verdict) -> Content:
    said: list[Inline] = []
    if found.misfit is not None:
        said.append("The shapes in your answer do not fit together. ")
    elif found.answer is not None:
        said.append(
            f"Wrong shape: yours is {_shown(found.answer)}, and the {OBJECTS[found.forms[0].kind]} is {_shapes(found)}. "
        )
    if found.rule == "variable":
        said += _other_variable(found)
    elif found.inner is not None:
        said += _chain(found)
    elif found.edit is not None:
        said.append(f"{_corrected(found)} would be right. ")
        said.append(RULE_WORDS.get(found.edit.kind, "") + (" " if found.edit.kind in RULE_WORDS else ""))
    elif found.answer is not None and found.forms[0].kind == "gradient" and found.question.variable is not None:
        name = found.question.variable.params[0]
        said.append(f"A gradient has an entry for every entry of {name}: the derivative by that entry. ")
    return [*said, *_expected(found)]


def _wrong(found: Verdict) -> Content:
    if found.misfit is not None:
        return (
            [_unread(found.misfit), " ", *_expected(found)] if found.forms[0].kind != "formula" else [_unread(found.misfit)]
        )
    said: list[Inline] = ["Not equal. "] if form_of(found).kind == "formula" else ["Wrong. "]
    if found.rule == "variable":
        return [*said, *_other_variable(found), *_expected(found)]
    if found.inner is not None:
        return [*said, *_chain(found), *_expected(found)]
    if found.rule == "zero":
        return [*said, "Yours is 0. ", *_expected(found)]
    if found.rule == "rows":
        said.append("It would be right if vec stacked rows; here it stacks columns, as in most books on matrix calculus. ")
    if found.edit is not None:
        said.append(f"{_corrected(found)} would be right. ")
        said.append(RULE_WORDS.get(found.edit.kind, "") + " ")
        if found.condition:
            said.append(f"Yours would be right if {found.condition.replace('stacks', 'stacked')}. ")
    elif found.rule == "parallel":
        said.append("Yours is a multiple of it at every point, but not the same multiple everywhere. ")
    elif found.rule == "scalar":
        said.append("For 1×1 matrices it would be right: the rule for numbers was used where factors do not commute. ")
    said += _expected(found)
    if 0 < len(found.terms) <= LISTED and len(found.others) <= LISTED and found.edit is None and found.rule != "parallel":
        said += [" Of it you do not have ", *_terms(found.terms)]
        if found.others:
            said += [", and you have ", *_terms(found.others), " instead"]
        said.append(".")
    return said


WORDS = {
    "right": _right, "other-layout": _other_layout, "transposed": _transposed, "factor": _factor, "sign": _sign,
    "missing-symmetrization": _symmetrization, "conditional": _conditional, "missing-term": _missing, "extra-term": _extra,
    "elementwise-for-matrix": _elementwise, "shape": _shape, "wrong": _wrong,
}  # fmt: skip


def _unread(error: FrechetError) -> str:
    """Why an answer does not read, as sentences."""
    own = error.message.startswith("your answer")
    said = "Y" + error.message[1:] if own else f"Your answer does not read: {error.message}"
    return f"Wrong. {said}" + ("" if said.endswith((".", "?")) else ".")


RULE_WORDS = {
    "transpose": "When a factor changes sides in ⟨G, A dX B⟩ it is transposed, ⟨Aᵀ G Bᵀ, dX⟩, and (A B)ᵀ = Bᵀ Aᵀ.",
    "order": "Matrices do not commute: factors keep their order, and (A B)ᵀ = Bᵀ Aᵀ turns it around.",
    "reversed": "A transpose turns the order around: (A B)ᵀ = Bᵀ Aᵀ.",
    "kron": "vec(A X B) = (Bᵀ ⊗ A) vec(X): the right factor comes first, transposed.",
    "diag": "The derivative of an element-wise function of a vector u is the diagonal matrix diag(f′(u)).",
    "trace": "A derivative of a number must be a number: the trace is missing.",
    "square": "A square is a product of two equal factors, and the product rule differentiates both.",
    "product": "The product rule differentiates every {x}.",
    "sum": "Every term of a sum is differentiated.",
}


def _chain(found: Verdict) -> list[Inline]:
    assert found.inner is not None
    if found.rule == "link":
        return [
            "The chain rule is not finished: the derivative of ",
            Math("{0}", found.inner),
            " itself is missing. " if found.inner.shape == SCALAR else " itself, entry by entry, is missing. ",
        ]
    return [
        "The chain rule is not finished: yours is the derivative by u = ", Math("{0}", found.inner),
        ", and the derivative of u itself is still missing. ",
    ]  # fmt: skip


def _other_variable(found: Verdict) -> list[Inline]:
    assert found.inner is not None
    return [f"Yours is the derivative by {found.inner.params[0]}, another variable. "]


def _expected(found: Verdict, before: str = "") -> list[Inline]:
    """`∇g = (A + Aᵀ) x.`, in the layout asked for."""
    if found.forms[0].kind == "formula":
        return []
    return [before, Math(f"{left_side(found)} = {{0}}", found.expected), "."]


def left_side(found: Verdict) -> str:
    """What the derivative is called: ∇g, ∂F/∂X, dg."""
    letter, x, kind = letter_of(found), _name(found), found.forms[0].kind
    variable = found.question.variable
    if kind in ("gradient", "jacobian") and variable is not None and variable.shape == SCALAR:
        return f"d{letter}/d{x}"
    names = {
        "gradient": f"∇{letter}",
        "hessian": f"∇²{letter}",
        "jacobian": f"∂{letter}/∂{x}",
        "riemannian": f"grad {letter}",
    }
    return names.get(kind) or (f"d²{letter}" if found.question.order == 2 else f"d{letter}")


def letter_of(found: Verdict) -> str:
    f = found.question.function
    letter = "g" if f.shape == SCALAR else "F" if f.kind == "matrix" else "f"
    taken = {n.params[0] for n in walk(f) if n.op.name == "variable"}
    return next((c for c in (letter, *"gfFGhφψ") if c not in taken), letter)


def _name(found: Verdict) -> str:
    x = found.question.variable
    return "" if x is None else str(x.params[0])


def _corrected(found: Verdict) -> str:
    """The answer with the mistake undone, as typed, in one line."""
    assert found.edit is not None
    return found.edit.text.strip().replace("\n", "; ")


def form_of(found: Verdict) -> Form:
    return found.form or found.forms[0]


def _terms(terms: Sequence[Expr]) -> list[Inline]:
    said: list[Inline] = []
    for i, t in enumerate(terms):
        said += [", " if i else "", Math("{0}", t)]
    return said


def _layout_remark(found: Verdict) -> str:
    form = form_of(found)
    if form.verdict == "right" or not form.layout:
        return ""
    return f", transposed ({form.layout} layout)"


def _size(shape: Shape) -> str:
    """p×q, pq×rs, a vector as n."""
    if len(axes(shape)) == 1 and shape[0] is not UNIT:
        return show_dimension(shape[0])
    return "×".join(show_dimension(d) if len(d.terms) == 1 else f"({d})" for d in shape)


def _shown(e: Expr) -> str:
    return "a number" if e.shape == SCALAR else _size(e.shape) + (" (a vector)" if e.kind == "vector" else "")


def _shapes(found: Verdict) -> str:
    """`p×q (denominator layout) or q×p (numerator layout)`."""
    said: list[str] = []
    for f in found.forms:
        if not f.stacked:
            words = _size(f.expression.shape) + (f" ({f.layout} layout)" if f.layout else "")
            if f.expression.shape == SCALAR:
                words = "a number"
            if said and f.expression.shape == found.forms[0].expression.shape:
                continue  # square: one size in both layouts
            said.append(words)
    return " or ".join(dict.fromkeys(said))


def _occurrences(f: Expr, x: Expr) -> int:
    """In how many places the variable stands, at most 2."""
    inside, count = depends(f, x), 0
    for node in walk(f):
        if node in inside:
            count = max(count, sum(a in inside for a in node.args))
            if node.op.name in ("norm2", "matrix_power", "dot") or (node.op.name == "hadamard" and max(node.params) >= 2):
                count = max(count, 2)
    return min(count, 2)


def sentence(condition: str) -> str:
    """`A symmetric` as `A is symmetric`."""
    return ADJECTIVES.sub(lambda m: f"{m[1]} {'are' if ' and ' in m[1] or ' of ' in m[1] else 'is'} {m[2]}", condition)


def _number(factor: float | str | None) -> str:
    if isinstance(factor, str) or factor is None:
        return str(factor)
    exact = Fraction(factor).limit_denominator(360)
    return str(exact) if abs(float(exact) - factor) < 1e-12 else f"{factor:.6g}"
