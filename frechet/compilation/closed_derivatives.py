"""The closed-form derivatives that programs for JAX and PyTorch give to those libraries."""

from __future__ import annotations

from collections.abc import Sequence

from frechet.differentiation.derivative import Derivative, together
from frechet.differentiation.differential import differential, differential_symbol
from frechet.differentiation.structure import projected
from frechet.expressions.dimension import SCALAR
from frechet.expressions.errors import FrechetError
from frechet.expressions.node import Expr, substitute, variables
from frechet.expressions.space import curved
from frechet.operations.constants import variable
from frechet.simplification.polishing import polished


def gradients(g: Expr, by: Sequence[Expr]) -> list[Expr] | None:
    """The gradients of a real scalar function by variables, each in the space of its variable; None where one is refused."""
    try:
        found = [d.gradient for d in together([Derivative(g, x) for x in by])]
    except FrechetError:
        return None
    known = set(variables(g))
    return found if all(set(variables(e)) <= known for e in found) else None


def directions(by: Sequence[Expr], taken: set[str]) -> list[Expr]:
    """Variables for arrays of the shapes of these variables, of any entries."""
    found = []
    for x in by:
        name = f"d{x.params[0]}"
        while name in taken:
            name += "_"
        taken.add(name)
        found.append(variable(name, x.shape, () if x.real else ("complex",), "normal"))
    return found


def differentials(outputs: Sequence[Expr], by: Sequence[Expr], along: Sequence[Expr]) -> list[Expr] | None:
    """The differentials of outputs in directions, projected to the spaces of their variables; None where one is refused."""
    symbols = {x: differential_symbol(x, along[i].params[0] + "_in_space") for i, x in enumerate(by)}
    try:
        inside = {symbols[x]: projected(t, x) for x, t in zip(by, along, strict=True)}
        found = [polished(substitute(differential(e, symbols), inside)) for e in outputs]
    except FrechetError:
        return None
    known = {*variables(*outputs), *along}
    return found if all(set(variables(e)) <= known for e in found) else None


def flat(x: Expr) -> bool:
    """Is the space of the variable a linear one, so that second derivatives in it are symmetric?"""
    return not curved(x.params[1])


def real_scalar(e: Expr) -> bool:
    return e.shape == SCALAR and e.real
