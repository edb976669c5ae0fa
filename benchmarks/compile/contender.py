"""The contenders that run Frechet's formulas: compiled, and printed naively. All that knows Frechet's API is here.

A contender is a function of the cell's arrays in the order of the problem's declarations, the direction last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from problems import Cell

import frechet as fr
from frechet.compilation.numpy_source import compiled

Function = Callable[..., Any]


def formulas(cell: Cell) -> tuple[list[fr.Expr], list[str]]:
    """What the cell asks for, as expressions, and the names of the arguments; for a Newton step gradient and Hessian."""
    p = cell.problem
    function = fr.parse(p.formula, p.declared)
    variables = fr.variables(function)
    derivatives = [fr.derivative(function, variables[name]) for name in p.by]
    first, names = derivatives[0], list(p.declared)
    if cell.output == "hvp":
        return [first.gradient_differential], [*names, first.direction.params[0]]
    gradients = [d.gradient for d in derivatives]
    return {
        "value+gradient": [function, *gradients],
        "gradient": gradients,
        "hessian": [first.hessian],
        "newton": [first.gradient, first.hessian],
    }[cell.output], names


def naive(cell: Cell) -> Function:
    """The formulas as `--numpy` prints them; a Newton step solves with the dense Hessian."""
    outputs, names = formulas(cell)
    program = _by_position(compiled(outputs), outputs, names)
    if cell.output == "newton":
        return _dense_newton(program)
    return program if len(outputs) > 1 else lambda *arrays: program(*arrays)[0]


def frechet(cell: Cell) -> Function:
    """The compiled program."""
    return naive(cell)  # until fr.compile is there


def _by_position(program: Any, outputs: Sequence[fr.Expr], names: Sequence[str]) -> Function:
    used = {name for e in outputs for name in fr.variables(e)}
    places = [(i, name) for i, name in enumerate(names) if name in used]
    dimensions = getattr(program, "sizes", ())

    def call(*arrays: Any) -> Any:
        given = {name: arrays[i] for i, name in places}
        return program(**given, **{d: _size(d, arrays) for d in dimensions})

    return call


def _size(dimension: str, arrays: Sequence[Any]) -> int:
    return {"m": len(arrays[0]), "n": arrays[0].shape[-1]}[dimension]


def _dense_newton(program: Function) -> Function:
    def step(*arrays: Any) -> Any:
        g, H = program(*arrays)
        g = np.asarray(g)
        return -np.linalg.solve(H, g.ravel(order="F")).reshape(g.shape, order="F")

    return step


CONTENDERS: dict[str, Callable[[Cell], Function]] = {"frechet": frechet, "naive": naive}
