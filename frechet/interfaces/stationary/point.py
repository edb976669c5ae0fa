"""Stationary points by formula: where the gradient is linear in the variable, or is after multiplying through.

>>> import frechet as fr
>>> s = fr.stationary("norm2(X*w - y)^2", "w")
>>> s.point
inv(X'*X)*X'*y
>>> s.kind, s.conditions
('minimum', ['X of full column rank'])
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from frechet.derivation.parts import linear
from frechet.differentiation.conditions import explained
from frechet.differentiation.derivative import Derivative
from frechet.differentiation.differential import differential
from frechet.differentiation.structure import projected
from frechet.expressions.errors import CheckFailed, FrechetError, NotationError, UnsupportedError
from frechet.expressions.node import Expr, depends, substitute, variables, walk
from frechet.expressions.space import curved, space_names
from frechet.interfaces.answer import describe, promises
from frechet.interfaces.stationary.equations import Equation, Root, by_inverses, by_vec, definite_sign, equation
from frechet.interfaces.stationary.forms import Form, forms
from frechet.interfaces.stationary.numbers import STATIONARY, Sample, checked, kind_by_numbers, samples_of
from frechet.notation.text import write_text
from frechet.operations import hadamard, norms, powers, sums
from frechet.operations.constants import is_zero
from frechet.operations.equations import LYAP, SYLVESTER
from frechet.operations.powers import inverse
from frechet.simplification.polishing import polished

if TYPE_CHECKING:
    from frechet.interfaces.document import Document

AT = "the Hessian there is {} definite"


@dataclass(frozen=True)
class Stationary:
    """Where the gradient of a scalar function is 0.

    function, variable, gradient   of the question
    left, right    the equation that was solved, left = right, linear in the unknown
    unknown        the variable, or what the equation is linear in: inv(S), s^2
    multiplied     what the gradient was multiplied by before; "" where it was not
    point          the solution
    conditions     where it holds
    kind           minimum, maximum, saddle or stationary point, where that depends
    reason         why it is that
    checked        at how many random points the gradient was compared with 0, and its largest size there, relative
    """

    function: Expr
    variable: Expr
    gradient: Expr
    left: Expr
    right: Expr
    unknown: Expr
    multiplied: str
    point: Expr
    conditions: list[str]
    kind: str
    reason: str
    notes: tuple[str, ...]
    checked: tuple[int, float]

    def __repr__(self) -> str:
        return f"<{self.kind} of {self.function!r} at {self.variable!r} = {self.point!r}>"

    def document(self) -> Document:
        """The answer as a page."""
        from frechet.interfaces.stationary.page import document

        return document(self)

    def __str__(self) -> str:
        return str(self.document())

    def _repr_html_(self) -> str:
        return self.document()._repr_html_()


def stationary(
    function: Expr | str, variable: Expr | str, declare: Mapping[str, str | Expr] | Sequence[str] | None = None
) -> Stationary:
    """The point where the gradient of a scalar function is 0, by formula, with the conditions under which it is.

    Raises:  UnsupportedError, where the gradient is not linear in the variable, naming what makes it so, or the variable is
             bound to a set; ShapeError, if the function is not scalar; CheckFailed, if the gradient is not 0 in numbers
    """
    if isinstance(function, str):
        from frechet.notation.reading import parse

        name = variable if isinstance(variable, str) else variable.params[0]
        function = parse(function, declare, wrt=name)
    known = {v.params[0]: v for v in variables(function)}
    name = variable if isinstance(variable, str) else variable.params[0]
    if name not in known:
        raise NotationError(f"{name!r} is no variable of the function, whose variables are {', '.join(known)}")
    return stationary_point(function, known[name])


def stationary_point(function: Expr, x: Expr) -> Stationary:
    """As `stationary`, of an expression and one of its variables."""
    d = Derivative(function, x)
    gradient = d.gradient
    _refuse(x)
    raw = projected(d.raw_cotangent, x)
    if x not in variables(raw):
        raise UnsupportedError(_constant(gradient, x))
    refused: FrechetError | None = None
    for form in forms(raw, gradient, x):
        q = equation(form.equation, form.unknown)
        if q is None or x in variables(q.right, q.linear):
            continue
        try:
            root = by_inverses(q) or (_of_residual(function, x, q) if form.direct else None) or by_vec(q)
        except UnsupportedError:
            continue
        try:
            return _answered(d, form, q, root)
        except (CheckFailed, UnsupportedError) as error:
            if form.direct:
                raise
            refused = refused or error  # multiplying may bring in points that are not stationary: another form may be better
        except FrechetError:
            continue  # the solution for inv(X) has no inverse
    raise refused or UnsupportedError(_not_linear(gradient, x))


def _of_residual(function: Expr, x: Expr, gradient: Equation) -> Root | None:
    """Where R = 0 has a solution by formula, of the function c*norm2(R)^2: there it is as small as it can be."""
    c, core = sums.content(function)
    if core.op is not hadamard.MONOMIAL or len(core.args) != 1 or core.params != (2,) or core.args[0].op is not norms.NORM2:
        return None
    residual = core.args[0].args[0]
    if residual.shape != x.shape:
        return None
    q = equation(residual, x)
    root = None if q is None else by_inverses(q)
    return None if root is None else root._replace(sign=1 if (c > 0) == (gradient.divisor > 0) else -1)


def _refuse(x: Expr) -> None:
    """Raises UnsupportedError for variables that are bound to a set, or whose space has no formula here."""
    name, words = x.params[0], " ".join([*x.params[1], *([x.params[2]] if x.params[2] != "normal" else [])])
    names = space_names(*x.params[1:3])
    if curved(x.params[1]) or "simplex" in names:
        raise UnsupportedError(f"{name} is declared {words}, which is a constraint: stationary points are found without any")
    if names not in ((), ("symmetric",)):
        raise UnsupportedError(
            f"stationary points of a variable declared {words} are not supported: its entries are not free"
        )
    if not x.real:
        raise UnsupportedError(f"{name} is complex: stationary points are found for real variables")
    if x.kind not in ("scalar", "vector", "matrix"):
        raise UnsupportedError(f"{name} is a {x.kind}: stationary points are found for scalars, vectors and matrices")


def _constant(gradient: Expr, x: Expr) -> str:
    name = x.params[0]
    if is_zero(gradient):
        return f"the function does not depend on {name}: every {name} is stationary"
    return f"the gradient {gradient!r} does not depend on {name}: the function is linear and has no stationary point"


def _not_linear(gradient: Expr, x: Expr) -> str:
    """Which part makes the gradient not linear."""
    inside = depends(gradient, x)
    bent = (n for n in walk(gradient) if n in inside and n is not x and not _affine(n, inside))
    because = next((f", because of {n!r}" for n in bent), "")
    return f"the gradient {gradient!r} is not linear in {x.params[0]}, also not after multiplying through{because}"


def _affine(node: Expr, inside: Collection[Expr]) -> bool:
    return node.op is sums.SUM or (linear(node, inside) and sum(a in inside for a in node.args) == 1)


def _answered(d: Derivative, form: Form, q: Equation, root: Root) -> Stationary:
    x = d.variable
    point = form.back(root.value)
    if form.unknown is not x:
        point = polished(point)
    names = {form.unknown: form.stands_for}
    left = q.left if form.unknown is x else substitute(q.left, names)
    samples = samples_of(d, point)
    compared = checked(d, point, root, samples)
    kind, reason = _kind(d, form, q, root, point, samples)
    notes = [*form.notes]
    if kind == "minimum" and form.direct:
        shorter = polished(point)
        if any(node.op is powers.PSEUDO_INVERSE for node in walk(shorter)):
            notes.append(f"otherwise {write_text(shorter).text} is the minimum of smallest norm")
    conditions = _conditions(d, point, root)
    return Stationary(
        d.function, x, d.gradient, left, q.right, form.stands_for, form.multiplied, point, conditions, kind, reason,
        tuple(notes), compared,
    )  # fmt: skip


def _conditions(d: Derivative, point: Expr, root: Root) -> list[str]:
    x = d.variable
    found: list[tuple[str, Expr | None]] = []
    found += root.conditions()
    inverted = {back for (e,) in (pair for pair in root.inverted if len(pair) == 1) for back in walk(inverse(e))}
    for node in walk(point):
        if node not in inverted and node.op not in (SYLVESTER, LYAP):
            found += node.op.conditions(node)
    positive = "spd" in x.params[1] or x.params[2] == "spd"
    if positive and point.definite != 2:
        found.append(("{0} positive definite", point))
    elif x.params[2] in ("positive", "unit01") and point.sign != 2:
        found.append((f"{{0}} {'> 0' if x.params[2] == 'positive' else 'between 0 and 1'}", point))
    elif x.params[2] == "nonnegative" and not point.sign:
        found.append(("{0} >= 0", point))
    own = [(words, e) for words, e in explained(d.function, x) if not (e is x and positive)]
    at_point = [(words, None if e is None else substitute(e, {x: point})) for words, e in own]
    found += [(words, e) for words, e in at_point if e is None or not (e.definite == 2 or e.sign == 2)]
    return describe([*found, *(p for p in promises(d.function) if p[1] is not x)])


def _kind(d: Derivative, form: Form, q: Equation, root: Root, point: Expr, samples: Sequence[Sample]) -> tuple[str, str]:
    """Minimum, maximum, saddle or stationary point, and why: by the properties, else by the Hessian in numbers."""
    name = d.variable.params[0]
    if not form.direct:
        sign = _sign_at(d, point)
        if sign:
            return ("minimum", AT.format("positive")) if sign > 0 else ("maximum", AT.format("negative"))
        return kind_by_numbers(d, samples)
    positive, negative = ("positive", "negative") if q.divisor > 0 else ("negative", "positive")
    if root.sign:
        said = positive if root.sign > 0 else negative
        what = "minimum" if said == "positive" else "maximum"
        return what, f"the function is quadratic in {name} and its Hessian {said} definite, so there is no other"
    if not root.whole:
        return kind_by_numbers(d, samples)
    m = root.inverted[0][0]
    shown = write_text(m).text
    return STATIONARY, (
        f"a minimum where {shown} is {positive} definite, a maximum where it is {negative} definite, otherwise a saddle"
    )


def _sign_at(d: Derivative, point: Expr) -> int:
    """1 where the Hessian at the point is positive definite by its form, -1 where negative definite, 0 where not seen."""
    try:
        moved = polished(differential(projected(d.raw_cotangent, d.variable), {d.variable: d.direction}))
        return definite_sign(polished(substitute(moved, {d.variable: point})), d.direction)
    except FrechetError:
        return 0
