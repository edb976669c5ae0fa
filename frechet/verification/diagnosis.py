"""Which mistake an answer that is not the derivative was made by: the first that explains its values entirely."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from frechet.differentiation.structure import projected
from frechet.expressions.dimension import SCALAR
from frechet.expressions.errors import FrechetError
from frechet.expressions.space import space_names
from frechet.operations.constants import EYE
from frechet.operations.hadamard import monomial
from frechet.operations.sums import add
from frechet.operations.transposition import transposed
from frechet.verification import repairs, special_cases
from frechet.verification.comparison import Ground, close, nothing
from frechet.verification.forms import OTHER_LAYOUT, fitting
from frechet.verification.misapplied import (
    by_edit,
    by_kind,
    by_other_function,
    by_other_variable,
    by_rows,
    by_transposition,
    edited,
    where_positive,
    without_inner,
    without_link,
)
from frechet.verification.multiples import by_named_factor, nice, parallel, proportional
from frechet.verification.terms import by_scaled_terms, by_terms, partly, symmetric_with_terms, terms

if TYPE_CHECKING:
    from frechet.verification.verdict import Verdict

FREE_ENTRIES = "the entries of {0} on and below the diagonal are the variables"


def diagnosed(found: Verdict, ground: Ground, text: str) -> Verdict:
    """The verdict on a readable answer of a fitting shape that is not right."""
    assert found.answer is not None
    if all(nothing(ground.value(found.answer, p)) for p in ground.points):
        return replace(found, rule="zero")
    for diagnose in (
        proportional, by_free_entries, unprojected, by_transposition, symmetric_only, by_link, by_terms,
        by_named_factor, by_kind, by_edit, by_other_function, by_other_variable, by_sign, without_inner, special_only,
        symmetric_with_terms, symmetric_up_to_factor, by_scaled_terms, by_rows, parallel, partly,
    ):  # fmt: skip
        result = diagnose(found, ground, text)
        if result is not None:
            return result
    return found


def misshapen(found: Verdict, ground: Ground, text: str) -> Verdict:
    """The verdict on a readable answer of which no layout of the derivative has the shape."""
    other = by_other_variable(found, ground, text)
    return other or without_inner(found, ground, text) or mended(found, ground, text) or found


def mended(found: Verdict, ground: Ground, text: str) -> Verdict | None:
    """The verdict with the single edit that makes an answer right whose shapes do not fit."""
    for edit, e, f in edited(found, ground, text, lambda edit: True):
        return replace(found, edit=edit, rule=edit.kind, form=f, others=(e,))
    return None


def by_free_entries(found: Verdict, ground: Ground, text: str) -> Verdict | None:
    """The derivative by the entries on and below the diagonal of a symmetric variable, G + G' - G∘I."""
    x = found.question.variable
    if (
        x is None
        or x.kind != "matrix"
        or x.shape[0] is not x.shape[1]
        or found.form is None
        or found.form.kind != "gradient"
    ):
        return None
    assert found.answer is not None
    g = found.expected
    free = add([(1, g), (1, transposed(g)), (-1, monomial(g.shape, [(g, 1), (EYE.build(x.shape[0]), 1)]))])
    if found.answer.shape != g.shape or not ground.equal(found.answer, free):
        return None
    return replace(found, verdict="conditional", condition=FREE_ENTRIES.format(x.params[0]), rule="free-entries")


def unprojected(found: Verdict, ground: Ground, text: str) -> Verdict | None:
    """Right for every direction in the space of the variable, but not in that space itself."""
    x = found.question.variable
    if x is None:
        return None
    names = space_names(*x.params[1:3])
    if not names or found.form is None or found.form.kind != "gradient" or found.answer is None:
        return None
    for f in fitting(found):
        turned = found.answer if f.verdict != OTHER_LAYOUT else transposed(found.answer)
        if turned.shape != x.shape:
            continue
        try:
            inside = projected(turned, x)
        except FrechetError:
            continue
        if ground.equal(inside, found.expected):
            symmetric = names in (("symmetric",), ("hermitian",))
            condition = f"{x.params[0]} a general matrix"
            case = next((c for c in special_cases.symmetric_cases(ground.variables)
                         if symmetric and special_cases.holds(c, ground, found.answer, f.expression)), None)  # fmt: skip
            return replace(
                found,
                form=f,
                verdict="missing-symmetrization" if symmetric else "conditional",
                condition=case.words if case is not None else condition,
                rule="projection",
            )
    return None


def symmetric_only(found: Verdict, ground: Ground, text: str) -> Verdict | None:
    """Right only if one square matrix is symmetric, or all are."""
    cases = special_cases.symmetric_cases(ground.variables)
    result = _in_case(found, ground, cases, "missing-symmetrization", "symmetric")
    if result is None or result.form is None or result.answer is None:
        return None
    if len(terms(result.form.expression)) > len(terms(result.answer)):
        return result
    orders = (repairs.SWAPPED, repairs.REVERSED)  # A*A'*x for A'*A*x
    edit = next((edit for edit, _, _ in edited(found, ground, text, lambda edit: edit.kind in orders)), None)
    return result if edit is None else replace(result, edit=edit, rule=edit.kind)


def by_sign(found: Verdict, ground: Ground, text: str) -> Verdict | None:
    """Right only where a variable is positive, or negative."""
    return _in_case(found, ground, special_cases.signed_cases(ground.variables), "conditional", None)


def by_link(found: Verdict, ground: Ground, text: str) -> Verdict | None:
    """The derivative of an element-wise function left out; of relu and abs that is right where its argument is positive."""
    result = without_link(found, ground, text)
    if result is None:
        return None
    return where_positive(result) or by_sign(found, ground, text) or result


def special_only(found: Verdict, ground: Ground, text: str) -> Verdict | None:
    """Right only where a variable is orthogonal, diagonal, positive …, or two commute."""
    x = found.question.variable
    cases = (c for c in special_cases.other_cases(ground.variables) if not ((c.point or c.powers) and x in c.about))
    return _in_case(found, ground, cases, "conditional", None)


def _in_case(
    found: Verdict, ground: Ground, cases: Iterable[special_cases.Case], verdict: str, rule: str | None
) -> Verdict | None:
    assert found.answer is not None
    f = fitting(found)[0]
    for case in cases:
        if special_cases.holds(case, ground, found.answer, f.expression):
            return replace(found, form=f, verdict=verdict, condition=case.words, rule=rule)
    return None


def symmetric_up_to_factor(found: Verdict, ground: Ground, text: str) -> Verdict | None:
    """If A is symmetric, a multiple of the derivative: two mistakes."""
    assert found.answer is not None
    f = fitting(found)[0]
    if f.expression.shape == SCALAR:
        return None
    for case in special_cases.symmetric_cases(ground.variables):
        ratios = ground.ratios(found.answer, f.expression, ground.special(case.change, 3))
        if ratios is not None and len(ratios) > 1 and all(close(r, ratios[0]) for r in ratios):
            return replace(found, form=f, verdict="missing-symmetrization", condition=case.words, rule="symmetric",
                           factor=nice(ratios[0]))  # fmt: skip
    return None
