"""The mistakes that people make with a derivative: wrong answers made by a wrong rule, and the rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import NamedTuple

from frechet.derivation.sentences import Sentence
from frechet.derivation.special_cases import symmetrized
from frechet.differentiation.adjoint import adjoint
from frechet.differentiation.derivative import Derivative
from frechet.differentiation.differential import differential
from frechet.differentiation.jacobian import jacobian
from frechet.differentiation.structure import structure_of
from frechet.expressions.dimension import SCALAR
from frechet.expressions.errors import FrechetError
from frechet.expressions.node import Expr, substitute, variables, walk
from frechet.operations.constants import ONE, is_zero
from frechet.operations.elementwise import Elementwise
from frechet.operations.hadamard import MONOMIAL
from frechet.operations.shaping import KRON
from frechet.operations.sums import scaled
from frechet.operations.transposition import symmetric, transposed
from frechet.simplification.polishing import polished

LIMIT = 60  # leaves of a result for which mistakes are looked for


class Mistake(NamedTuple):
    """A wrong derivative and what made it so; of the derivative's shape, or of the transposed one."""

    answer: Expr
    why: Sentence


def mistakes(d: Derivative, result: Expr) -> Iterator[Mistake]:
    """Wrong answers that people give here, the likeliest first; the last is the other layout, which is no error of rules."""
    scalar = d.function.shape == SCALAR
    if structure_of(d.variable) == "symmetric" and scalar:
        why = "the derivative by the free entries taken for the gradient: it counts the entries off the diagonal twice"
        yield Mistake(d.free_entries, Sentence(why))
    if result.leaves <= LIMIT:
        if scalar:
            yield from _symmetric_taken(result)
        yield from _chain_rule_forgotten(d, result)
        yield from _half(d, result)
        if not scalar:
            yield from _rows_stacked(d, result)
    if d.variable.kind in ("matrix", "vector") and d.variable.real and not symmetric(result):
        layouts = ("numerator", "gradient") if scalar else ("denominator", "Jacobian")
        why = "the {} layout given for the {}: ".format(*layouts)
        if transposed(result).shape == result.shape:
            why += "rows and columns are exchanged, and the shape does not tell"
        else:
            why += "a step along it has not the shape of {0}" if scalar else "it does not fit before vec(d{0})"
        yield Mistake(transposed(result), Sentence(why, (d.variable,)))


def _rows_stacked(d: Derivative, result: Expr) -> Iterator[Mistake]:
    """The factors of a Kronecker product in the other order."""
    if result.op is KRON and d.variable.kind == "matrix":
        swapped = KRON.build(*reversed(result.args))
        if swapped is not result:
            yield Mistake(
                swapped, Sentence("the factors swapped: that is the Jacobian if vec stacks rows, and here it stacks columns")
            )


def _symmetric_taken(result: Expr) -> Iterator[Mistake]:
    for v in variables(result):
        if v.kind == "matrix" and v.shape[0] is v.shape[1] and not v.params[1] and v.real and v.params[2] == "normal":
            taken = polished(symmetrized(result, v))
            own = next((u for u in variables(taken) if u.params[0] == v.params[0]), None)
            if own is None:
                continue
            answer = substitute(taken, {own: v})
            if answer is not result and answer is not polished(answer):
                answer = polished(answer)
            if answer is not result:
                yield Mistake(
                    answer,
                    Sentence(
                        "{0} taken for symmetric: {1} is right where {0} = {2}, and not in general",
                        (v, answer, transposed(v)),
                    ),
                )


def _chain_rule_forgotten(d: Derivative, result: Expr) -> Iterator[Mistake]:
    """f' left out in the differential of f(u): df(u) taken for du."""
    for node in walk(d.function):
        if isinstance(node.op, Elementwise) and node.args[0].args and d.variable in variables(node):
            inner = differential(node.args[0], {d.variable: d.direction})
            answer = _with(d, {node: inner})
            if answer is not None and answer is not result and not is_zero(answer) and answer.leaves <= LIMIT:
                yield Mistake(answer, Sentence(f"the derivative of {node.op.name} left out in the chain rule"))
                return


def _half(d: Derivative, result: Expr) -> Iterator[Mistake]:
    """The 2 of a square forgotten: d(s^2) taken for s*ds."""
    half = {}
    for node in walk(d.function):
        if node.op is MONOMIAL and 2 in node.params and d.variable in variables(node):
            half[node] = scaled(Fraction(1, 2), differential(node, {d.variable: d.direction}))
    if half:
        answer = _with(d, half)
        if answer is not None and answer is not result:
            yield Mistake(answer, Sentence("the 2 of a square forgotten"))


def _with(d: Derivative, wrong: Mapping[Expr, Expr]) -> Expr | None:
    """The derivative with wrong differentials of some parts."""
    try:
        image = differential(d.function, {d.variable: d.direction, **wrong})
        if d.function.shape == SCALAR:
            return polished(adjoint(image, d.direction, ONE))
        return polished(jacobian(image, d.direction))
    except FrechetError:
        return None
