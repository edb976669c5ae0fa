"""One answer: the derivative in the form asked for, its conditions, and what its numeric check saw.

An answer that does not pass its check is not given: `answer` raises CheckFailed instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

from frechet.differentiation.adjoint import adjoint as pull_back
from frechet.differentiation.conditions import Condition, explained
from frechet.differentiation.derivative import Derivative
from frechet.differentiation.differential import differential_symbol
from frechet.differentiation.metrics import metrics_of
from frechet.differentiation.wirtinger import CONVENTIONS
from frechet.expressions.dimension import SCALAR, axes
from frechet.expressions.errors import CheckFailed, NotationError
from frechet.expressions.node import Expr, variables, walk
from frechet.expressions.space import rank
from frechet.notation.text import write_text
from frechet.operations.constants import ONE, mask_of
from frechet.operations.constants import variable as variable_of
from frechet.operations.declared_functions import functions, symbols

if TYPE_CHECKING:
    from frechet.verification.check import Report

COTANGENT = "cotangent_"  # a name for the check's own variable
FORMS = ("gradient", "jacobian", "hessian", "differential", "riemannian")


class Answer(NamedTuple):
    """A derivative in one form. `expression` has dX as a variable where the form is a differential."""

    derivative: Derivative
    form: str
    order: int
    expression: Expr
    conditions: list[str]
    seconds: float
    report: Report | None = None
    elsewhere: tuple[str, ...] = ()  # what happens where the conditions fail

    @property
    def parts(self) -> list[tuple[Expr, str]]:
        """The parts that the expression names and the function does not, and what they are."""
        return named_parts(self.derivative.function, self.expression)

    def source(self, arguments: Iterable[Expr]) -> str:
        """The derivative as a NumPy function of the given variables, and of dX where the form is a differential.

        Declared functions and their derivatives are arguments too: f, f_prime, F_jacobian …
        """
        from frechet.compilation.numpy_source import numpy_source

        extra = [self.derivative.direction] if self.form == "differential" else []
        called = [name for name in functions(self.derivative.function) if name not in symbols(self.expression)]
        return numpy_source(self.expression, arguments=[*arguments, *extra], extra=called)


def default_form(function: Expr, order: int) -> str:
    if order == 2:
        return "hessian" if function.shape == SCALAR else "differential"
    return "gradient" if function.shape == SCALAR else "jacobian"


def answer(
    function: Expr,
    variable: Expr,
    form: str | None = None,
    order: int = 1,
    check: bool = True,
    direction: str | None = None,
    convention: str | None = None,
    metric: str | None = None,
) -> Answer:
    """The derivative of `function` with respect to `variable`.

    convention: what is meant by a derivative by a complex variable, one of `differentiation.wirtinger.CONVENTIONS`
    metric: of the form `riemannian`; by default the first that the variable's space has

    Raises:  CheckFailed, if the numeric check does not confirm it; UnsupportedError, where a rule is missing;
             NotationError, for a form that the function does not have
    """
    start = perf_counter()
    form = form or default_form(function, order)
    if form not in FORMS:
        raise NotationError(f"the forms are {', '.join(FORMS)}, not {form!r}")
    if order not in (1, 2):
        raise NotationError(f"the order is 1 or 2, not {order!r}")
    symbol = differential_symbol(variable, direction) if direction else None
    if convention is not None and convention not in CONVENTIONS:
        raise NotationError(f"the conventions for complex variables are {', '.join(CONVENTIONS)}, not {convention!r}")
    d = Derivative(function, variable, symbol, convention)
    expression = d.riemannian_gradient(metric) if form == "riemannian" else _view(d, form, order)
    seconds = perf_counter() - start
    report = verify(d, form, order, expression, metric) if check else None
    found = explained(function, variable, expression)
    return Answer(
        d,
        form,
        order,
        expression,
        describe([*found, *promises(function)]),
        seconds,
        report,
        tuple(describe_elsewhere(found)),
    )


def _view(d: Derivative, form: str, order: int) -> Expr:
    if form == "hessian":
        return d.hessian
    if form == "differential":
        return d.second_differential if order == 2 else d.differential
    if form == "gradient":
        if order == 2:
            return d.hessian
        return d.by_scalar if d.variable.shape == SCALAR and d.function.shape != SCALAR else d.gradient
    return d.jacobian


def verify(d: Derivative, form: str, order: int, expression: Expr, metric: str | None = None) -> Report:
    """The numeric check of a view: differences, Taylor slopes, the adjoint identity.

    Raises:  CheckFailed, with what differed
    """
    from frechet.verification import check

    f, x = d.function, d.variable
    if form == "hessian" or (order == 2 and form == "gradient"):
        report = check.check_hessian(f, x, expression)
    elif form == "differential":
        if order == 2:
            report = check.check_differential(d.raw_differential, x, d.direction, expression)
        else:
            report = check.check_differential(f, x, d.direction, expression)
    elif form == "riemannian":
        report = check.check_riemannian(f, x, expression, metric or metrics_of(x)[0])
    elif form == "gradient" and f.shape == SCALAR:
        report = check.check_gradient(f, x, expression, d.convention)
    else:
        report = check.check_jacobian(f, x, expression, d.asked or "holomorphic")
    if report.ok and order == 1 and form != "jacobian":
        field = [] if f.real else ["complex"]
        w = ONE if f.shape == SCALAR else variable_of(COTANGENT, f.shape, field, role="differential")
        pulled = d.cotangent if f.shape == SCALAR else pull_back(d.raw_differential, d.direction, w)
        adjoint = check.check_adjoint(d.raw_differential, d.direction, pulled, w)
        if not adjoint.ok:
            report = adjoint
    if not report.ok:
        raise CheckFailed(f"the derivative did not pass its numeric check and is not shown: {report.reason}")
    return report


DOMAINS = {
    "simplex": "the entries of {0} are positive and add up to 1",
    "labels±1": "the entries of {0} are 1 or -1",
    "mask01": "the entries of {0} are 0 or 1",
    "whole": "{0} is a whole number, at least 1",
    "onehot": "one entry of {0} is 1, the others are 0",
}


def named_parts(function: Expr, *results: Expr) -> list[tuple[Expr, str]]:
    """The parts that a derivative names and the function does not, such as eigenvectors, and what they are."""
    known = {node.op for node in walk(function)}
    found: dict[Expr, str] = {}
    for node in walk(*results):
        if node.op.meaning and node.op not in known:
            argument = write_text(node.args[0]).text
            found[node] = node.op.meaning.format(argument, p=node.params[0] if node.params else "")
    return list(found.items())


def promises(function: Expr) -> list[tuple[str, Expr | None]]:
    """What was declared of the variables and may have been relied on."""
    found: list[tuple[str, Expr | None]] = []
    for v in variables(function):
        if "spd" in v.params[1]:
            found.append(("{0} positive definite", v))
        if "orthogonal" in v.params[1]:
            found.append(("the columns of {0} are orthonormal", v))
        if "sphere" in v.params[1]:
            found.append(("norm2({0}) is 1", v))
        mask = mask_of(v)
        if mask is not None:
            found.append((f"{{0}} is 0 where {mask.params[0]} is 0", v))
        r = rank(v.params[1])
        if r is not None:
            found.append((f"{{0}} has rank {r}", v))
        if v.params[2] in DOMAINS:
            row = v.kind == "matrix" and v.params[2] in ("simplex", "onehot")
            found.append(((DOMAINS[v.params[2]].replace("{0}", "each row of {0}") if row else DOMAINS[v.params[2]]), v))
    found += [(f"{f.name} {', '.join(f.words)} as declared", None) for f in functions(function).values() if f.words]
    return found


def stated(function: Expr, variable: Expr, *results: Expr) -> list[str]:
    """The conditions of results, and what was declared, in words."""
    return describe([*explained(function, variable, *results), *promises(function)])


def describe(found: Sequence[tuple[str, Expr | None]]) -> list[str]:
    """Conditions in words, with the expressions written out."""
    words = []
    for text, e in found:
        words.append(filled(text, e) if e is not None else text)
    return list(dict.fromkeys(words))


def filled(text: str, e: Expr) -> str:
    """Words with {0} for the expression, in parentheses after a name: det X, det(X + Y)."""
    written = write_text(e).text
    return text.replace("det {0}", "det {0}" if e.op.name == "variable" else "det({0})").format(written)


def describe_elsewhere(found: Mapping[Condition, str]) -> list[str]:
    """What happens where conditions fail, with the expressions written out."""
    words = []
    for (_, e), text in found.items():
        if e is not None and e.shape == SCALAR:
            text = text.replace("an entry of {0}", "{0}")
        words.append(text.format(write_text(e).text if e is not None else ""))
    return list(dict.fromkeys(words))


def shape_names(e: Expr) -> list[Any]:
    """The shape as batch gives it: [] for a scalar, ["n"], ["n", "m"], numbers as numbers."""
    found: list[Any] = []
    for d in axes(e.shape):
        value = d.value()
        found.append(value if value is not None else str(d))
    return found
