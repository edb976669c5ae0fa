"""The contenders that run Frechet's formulas: compiled, and printed naively. All that knows Frechet's API is here.

A contender is a function of the cell's arrays in the order of the problem's declarations, the direction last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from problems import Cell

import frechet as fr
from frechet.compilation.numpy_source import compiled

Function = Callable[..., Any]


class Formulas:
    """The expressions of a cell."""

    def __init__(self, cell: Cell) -> None:
        p = cell.problem
        self.function = fr.parse(p.formula, p.declared)
        variables = fr.variables(self.function)
        self.derivatives = [fr.derivative(self.function, variables[name]) for name in p.by]
        self.first = self.derivatives[0]
        self.inputs = [variables[name] for name in p.declared]
        if cell.output == "hvp":
            self.inputs.append(self.first.direction)

    def outputs(self, output: str) -> list[fr.Expr]:
        """What the cell asks for; of a Newton step the gradient and the Hessian."""
        if output == "hvp":
            return [self.first.gradient_differential]
        if output == "hessian":
            return [self.first.hessian]
        if output == "newton":
            return [self.first.gradient, self.first.hessian]
        gradients = [d.gradient for d in self.derivatives]
        return [self.function, *gradients] if output == "value+gradient" else gradients


def frechet(cell: Cell, backend: str = "numpy") -> Function:
    """The compiled program."""
    formulas = Formulas(cell)
    if cell.output == "newton":
        return formulas.first.compile("newton", inputs=formulas.inputs, backend=backend)
    outputs = formulas.outputs(cell.output)
    return fr.compile(outputs if len(outputs) > 1 else outputs[0], inputs=formulas.inputs, backend=backend)


def naive(cell: Cell) -> Function:
    """The formulas as `--numpy` prints them; a Newton step solves with the dense Hessian."""
    formulas = Formulas(cell)
    outputs = formulas.outputs(cell.output)
    program = _by_position(compiled(outputs), outputs, formulas.inputs, cell)
    if cell.output == "newton":
        return _dense_newton(program)
    return program if len(outputs) > 1 else lambda *arrays: program(*arrays)[0]


def _by_position(program: Any, outputs: Sequence[fr.Expr], inputs: Sequence[fr.Expr], cell: Cell) -> Function:
    used = {name for e in outputs for name in fr.variables(e)}
    places = [(i, v.params[0]) for i, v in enumerate(inputs) if v.params[0] in used]
    sizes = {name: cell.sizes[name] for name in program.sizes}

    def call(*arrays: Any) -> Any:
        return program(**{name: arrays[i] for i, name in places}, **sizes)

    return call


def _dense_newton(program: Function) -> Function:
    def step(*arrays: Any) -> Any:
        g, H = program(*arrays)
        return -np.linalg.solve(H, g.ravel(order="F")).reshape(g.shape, order="F")

    return step


CONTENDERS: dict[str, Callable[[Cell], Function]] = {
    "frechet": frechet,
    "frechet-c": partial(frechet, backend="c"),
    "frechet-auto": partial(frechet, backend="auto"),
    "naive": naive,
}
