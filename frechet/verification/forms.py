"""The forms in which a derivative is right: its layouts, stacked by vec, as a differential."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from frechet.differentiation.derivative import Derivative
from frechet.expressions.dimension import SCALAR
from frechet.expressions.node import Expr
from frechet.operations.shaping import vec
from frechet.operations.transposition import transposed

if TYPE_CHECKING:
    from frechet.verification.verdict import Verdict

RIGHT, OTHER_LAYOUT = "right", "other-layout"
DENOMINATOR, NUMERATOR = "denominator", "numerator"


class Form(NamedTuple):
    """kind: gradient, jacobian, hessian, differential …; layout: "" where there is only one; verdict: of an equal answer."""

    kind: str
    expression: Expr
    layout: str = ""
    stacked: bool = False
    verdict: str = RIGHT


def forms(d: Derivative, expected: Expr, kind: str) -> list[Form]:
    """The form asked for, then the others that a right answer may have, the other layout last.

    expected: the derivative in the form of that kind
    """
    if kind == "differential":
        return _turned([Form(kind, expected), *_vec(Form(kind, expected))])
    if len(expected.shape) > 2:
        return [Form(kind, expected)]  # tensors have no layouts
    if kind == "hessian":
        return _with_transposes([Form(kind, expected)], "", "")
    if d.function.shape == SCALAR and kind != "jacobian":
        found = [Form(kind, expected, DENOMINATOR)]
        return _with_transposes([*found, *_vec(found[0])], DENOMINATOR, NUMERATOR)
    found = [Form(kind, expected, NUMERATOR)]
    if d.variable.shape == SCALAR and d.function.shape != SCALAR:
        found = [Form(kind, d.by_scalar, NUMERATOR), *found]
        found += _vec(found[0])
    return _with_transposes(found, NUMERATOR, DENOMINATOR)


def formula_forms(e: Expr) -> list[Form]:
    """A formula, and its transpose."""
    return _turned([Form("formula", e)])


def _turned(found: list[Form]) -> list[Form]:
    """With the transposes, which are no layout of what has no layouts."""
    return [f if f.verdict == RIGHT else f._replace(verdict="transposed") for f in _with_transposes(found, "", "")]


def _vec(form: Form) -> list[Form]:
    if form.expression.kind != "matrix":
        return []
    return [form._replace(expression=vec(form.expression), stacked=True)]


def _with_transposes(found: list[Form], layout: str, other: str) -> list[Form]:
    kept = {f.expression for f in found}
    turned = [
        f._replace(expression=transposed(f.expression), layout=other, verdict=OTHER_LAYOUT)
        for f in found
        if f.expression.shape != SCALAR and len(f.expression.shape) == 2
    ]
    return [*found, *(f for f in turned if f.expression not in kept)]


def fitting(found: Verdict) -> list[Form]:
    """The forms that have the shape of an answer."""
    assert found.answer is not None
    return [f for f in found.forms if f.expression.shape == found.answer.shape]
