"""Rules misapplied: found by the single edit that undoes it in the answer, or by doing the same to the function."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from frechet.differentiation.derivative import Derivative
from frechet.expressions.dimension import SCALAR
from frechet.expressions.errors import FrechetError
from frechet.expressions.node import Expr, depends, substitute, variables, walk
from frechet.notation.reading import read
from frechet.notation.text import write_text
from frechet.notation.translation import untranslated
from frechet.operations.constants import COMMUTATION, VARIABLE, is_zero, variable
from frechet.operations.elementwise import Elementwise
from frechet.operations.products import product
from frechet.operations.sums import add
from frechet.operations.transposition import transposed
from frechet.verification import repairs, special_cases
from frechet.verification.answers import read_answer
from frechet.verification.comparison import CLOSE, Ground, close
from frechet.verification.forms import RIGHT, Form
from frechet.verification.terms import terms

if TYPE_CHECKING:
    from frechet.verification.verdict import Verdict

ROWS = "vec stacks rows"
PARTS = 30  # parts of the function that are looked at


def by_transposition(found: Verdict, ground: Ground, text: str) -> Verdict | None:
    for edit, e, f in edited(found, ground, text, lambda edit: edit.kind == repairs.TRANSPOSED):
        case = next(
            (c for c in special_cases.symmetric_cases(ground.variables)
             if found.answer is not None and special_cases.holds(c, ground, found.answer, f.expression)), None
        )  # fmt: skip
        if case is not None and _gathers(found.answer, e):
            return None
        words = None if case is None else case.words
        return replace(found, form=f, verdict="transposed", edit=edit, rule=edit.kind, condition=words, others=(e,))
    return None


def _gathers(answer: Expr | None, mended: Expr) -> bool:
    """Did the edit split a term in two, as A*x + A*x -> A*x + A'*x? Then the answer is one that took A to be symmetric."""
    return answer is not None and len(terms(mended)) > len(terms(answer))


def by_kind(found: Verdict, ground: Ground, text: str) -> Verdict | None:
    """An element-wise function in the place of a function of matrices, or the other way round."""
    wanted = (repairs.MATRIX, repairs.ELEMENTWISE)
    for edit, e, f in edited(found, ground, text, lambda edit: edit.kind in wanted, _up_to_factor):
        return replace(found, form=f, verdict="elementwise-for-matrix", edit=edit, rule=edit.kind, others=(e,))
    return None


def by_edit(found: Verdict, ground: Ground, text: str) -> Verdict | None:
    others = (repairs.SWAPPED, repairs.REVERSED, repairs.DIAG, repairs.TRACE, repairs.KRON)
    for edit, e, f in edited(found, ground, text, lambda edit: edit.kind in others):
        rows = edit.kind == repairs.KRON and by_rows(found, ground, text) is not None
        condition = ROWS if rows else None
        return replace(found, form=f, verdict="wrong", edit=edit, rule=edit.kind, others=(e,), condition=condition)
    return None


Equal = Callable[[Ground, Expr, Expr], bool]


def _equal(ground: Ground, a: Expr, b: Expr) -> bool:
    return ground.equal(a, b)


def _up_to_factor(ground: Ground, a: Expr, b: Expr) -> bool:
    if ground.equal(a, b):
        return True
    ratios = ground.ratios(a, b)
    return b.shape != SCALAR and ratios is not None and abs(ratios[0]) > CLOSE and all(close(r, ratios[0]) for r in ratios)


def edited(
    found: Verdict, ground: Ground, text: str, wanted: Callable[[repairs.Edit], bool], equal: Equal = _equal
) -> Iterator[tuple[repairs.Edit, Expr, Form]]:
    """The edits of a kind that make the answer right, with what it reads as then; only the first is looked for."""
    try:
        edits = list(repairs.edits(text))
    except FrechetError:
        return
    for edit in edits:
        if not wanted(edit):
            continue
        try:
            e = read_answer(untranslated(edit.text), found.question.names)
        except FrechetError:
            continue
        fitting = [f for f in found.forms if f.expression.shape == e.shape]
        if equal is _equal and fitting and fitting[0].verdict == RIGHT:
            fitting = [f for f in fitting if f.verdict == RIGHT]  # the other layout of a square one is another mistake
        for f in fitting:
            if equal(ground, e, f.expression):
                yield edit, e, f
                return


def by_other_function(found: Verdict, ground: Ground, text: str) -> Verdict | None:
    """Right for the function with element-wise functions in the place of functions of matrices, or the other way round."""
    q = found.question
    assert found.answer is not None
    for kind, change in (("elementwise-of", repairs.as_elementwise), ("matrix-of", repairs.as_matrix)):
        other = change(q.text)
        x = q.variable
        if other == q.text or x is None:
            continue
        try:
            function = read(other, q.names.declarations, q.names.expressions, dimensions=q.names.dimensions).expression
            d = Derivative(function, x)
            candidate = d.gradient if function.shape == SCALAR else d.by_scalar if x.shape == SCALAR else d.jacobian
        except FrechetError:
            continue
        for e in (candidate, transposed(candidate)):
            if e.shape == found.answer.shape and _up_to_factor(ground, found.answer, e):
                return replace(found, verdict="elementwise-for-matrix", rule=kind, others=(function,))
    return None


def by_other_variable(found: Verdict, ground: Ground, text: str) -> Verdict | None:
    """The derivative by another variable of the function."""
    q = found.question
    if q.variable is None or found.answer is None or q.kind not in ("gradient", "jacobian"):
        return None
    for v in variables(q.function):
        if v is q.variable or not v.real or found.answer.shape not in (v.shape, v.shape[::-1]):
            continue
        try:
            d = Derivative(q.function, v)
            e = d.gradient if q.function.shape == SCALAR else d.jacobian
        except FrechetError:
            continue
        for candidate in (e, transposed(e)):
            if candidate.shape == found.answer.shape and ground.equal(found.answer, candidate):
                return replace(found, rule="variable", inner=v)
    return None


def by_rows(found: Verdict, ground: Ground, text: str) -> Verdict | None:
    """The Jacobian for vectors that stack rows instead of columns."""
    q = found.question
    if q.variable is None or found.answer is None or found.form is None or q.kind not in ("jacobian", "hessian"):
        return None
    j = found.form.expression
    if found.form.layout == "denominator" or q.variable.kind != "matrix":
        return None
    rows = product(j, COMMUTATION.build(*q.variable.shape[::-1]))
    result = q.variable if q.kind == "hessian" else q.function
    if result.kind == "matrix":
        rows = product(COMMUTATION.build(*result.shape), rows)
    return replace(found, rule="rows", condition=ROWS) if ground.equal(found.answer, rows) else None


def without_inner(found: Verdict, ground: Ground, text: str) -> Verdict | None:
    """The derivative by a part u(X) of the function, without the derivative of u."""
    q = found.question
    f, x = q.function, q.variable
    if x is None or found.answer is None or not found.answer.real:
        return None
    inside = depends(f, x)
    parts = [u for u in walk(f) if u in inside and u is not x and u is not f and u.real and u.op is not VARIABLE]
    for u in parts[-PARTS:]:
        symbol = variable("inner_part", u.shape)
        outer = substitute(f, {u: symbol})
        if outer is symbol or x in variables(outer):
            continue
        try:
            d = Derivative(outer, symbol)
            by = d.gradient if f.shape == SCALAR else d.jacobian
        except FrechetError:
            continue
        e = substitute(by, {symbol: u})
        for candidate in (e, transposed(e)):
            if candidate.shape == found.answer.shape and ground.equal(found.answer, candidate):
                if is_zero(candidate):
                    continue
                return replace(found, rule="chain", inner=u, others=(e,))
    return None


def without_link(found: Verdict, ground: Ground, text: str) -> Verdict | None:
    """The derivative with the derivative of one element-wise function f(v) in the chain left out.

    It is that of the function in which f(v) is replaced by v + constant.
    """
    q = found.question
    x = q.variable
    if x is None or found.answer is None or not found.answer.real or found.form is None:
        return None
    inside = depends(q.function, x)
    links = [u for u in walk(q.function) if u in inside and isinstance(u.op, Elementwise) and u.args[0].shape == u.shape]
    for u in links[-PARTS:]:
        shift = variable("shift_of_link", u.shape)
        v = u.args[0]
        try:
            d = Derivative(substitute(q.function, {u: add([(1, v), (1, shift)])}), x)
            by = d.gradient if q.function.shape == SCALAR else d.by_scalar if x.shape == SCALAR else d.jacobian
        except FrechetError:
            continue
        e = substitute(by, {shift: add([(1, u), (-1, v)])})
        for candidate in (e, transposed(e)):
            if candidate.shape == found.answer.shape and ground.equal(found.answer, candidate):
                return replace(found, rule="link", inner=u)
    return None


def where_positive(found: Verdict) -> Verdict | None:
    """The verdict on an answer that takes f(v) to be v, where f' = 1 if v is positive, as of relu and abs: right there.

    None of one in which f(v) itself stands: there its derivative was forgotten.
    """
    assert found.inner is not None and isinstance(found.inner.op, Elementwise) and found.answer is not None
    if any(node is found.inner for node in walk(found.answer)):
        return None
    t = variable("link", SCALAR)
    slope = found.inner.op.derivative(t)
    if not all(close(slope.evaluate({"link": at}), 1.0) for at in (0.3, 1.7)):
        return None
    v = found.inner.args[0]
    words = f"{write_text(v, share=False)} positive"
    return replace(found, verdict="conditional", condition=words if v.shape == SCALAR else f"the entries of {words}")
