"""Back-propagation: the adjoints of the local differentials, from the loss back to the parameters.

Every stage Y = F(A, B, …) has a differential dY, linear in dA, dB … and a cotangent δ_Y: the loss moves by ⟨δ_Y, dY⟩.
Its adjoint gives what Y contributes to δ_A, δ_B …; contributions are summed before they are pulled further.
No gradient is written down here: all come from the operations' differentials and adjoints.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property
from typing import NamedTuple

from frechet.derivation.stages import Stage
from frechet.differentiation.adjoint import adjoints
from frechet.differentiation.differential import differential, differential_symbol
from frechet.differentiation.structure import projected
from frechet.expressions.dimension import SCALAR, show_shape
from frechet.expressions.errors import NotationError, ShapeError, UnsupportedError
from frechet.expressions.node import Expr, Number, substitute
from frechet.operations.constants import ONE, VARIABLE, variable, zeros
from frechet.operations.sums import add
from frechet.operations.transposition import TRANSPOSE, transposed
from frechet.simplification.polishing import polished

LONG = 60  # a sum of more terms is not polished: gradients of what is shared by thousands of stages


class Cotangent(NamedTuple):
    """`symbol` is the gradient of the loss by the value of a stage; `expression` is it in terms of later cotangents."""

    of: Expr
    symbol: Expr
    expression: Expr


class Backprop:
    """The two passes over stages whose last is the loss, and the gradients by `parameters`.

    Raises:  ShapeError, if the last stage is no number; UnsupportedError, for complex stages and rules that are missing
    """

    def __init__(self, stages: Sequence[Stage], parameters: Sequence[Expr]) -> None:
        self.parameters = list(parameters)
        self.stages, self.unused = needed(stages)
        loss = self.stages[-1]
        if loss.symbol.shape != SCALAR:
            raise ShapeError(
                f"the last line must be the loss, a number: it is a {loss.symbol.kind}, {show_shape(loss.symbol.shape)}"
            )
        for e in (*self.parameters, *(s.symbol for s in self.stages)):
            if not e.real:
                raise UnsupportedError(f"back-propagation is of real networks here, and {e.params[0]} is complex")
        self.active = depending(self.stages, self.parameters)

    @cached_property
    def variables(self) -> list[Expr]:
        """What is given: parameters, data and constants, in order of first appearance."""
        symbols = {s.symbol for s in self.stages}
        return list(dict.fromkeys(v for s in self.stages for v in s.inputs if v not in symbols))

    @cached_property
    def local_differentials(self) -> dict[Expr, tuple[Expr, dict[Expr, Expr]]]:
        """By stage: dY in terms of the differentials of its active inputs, and these by input."""
        found = {}
        for stage in self.stages:
            if stage.symbol in self.active:
                directions = {v: differential_symbol(v) for v in stage.inputs if v in self.active}
                found[stage.symbol] = differential(stage.expression, directions), directions
        return found

    @cached_property
    def _pulled(self) -> tuple[list[Cotangent], list[Cotangent]]:
        taken = {v.params[0] for v in self.variables} | {s.name for s in self.stages}
        parts: dict[Expr, list[tuple[Number, Expr]]] = {}
        cotangents = []
        for stage in reversed(self.stages):
            y = stage.symbol
            if y not in self.active or (y not in parts and stage is not self.stages[-1]):
                continue
            total = ONE if stage is self.stages[-1] else _summed(parts.pop(y))
            delta = variable(_free(f"δ_{stage.name}", taken), y.shape)
            cotangents.append(Cotangent(y, delta, total))
            dy, directions = self.local_differentials[y]
            w = ONE if total is ONE else delta
            pulled = adjoints(dy, directions.values(), w)
            for v, dv in directions.items():
                parts.setdefault(v, []).append((1, _named(polished(pulled[dv]), stage)))
        gradients = []
        for p in self.parameters:
            total = _summed(parts[p]) if p in parts else zeros(p.shape)
            own = projected(total, p)
            gradients.append(Cotangent(p, variable(_free(f"grad_{p.params[0]}", taken), p.shape), _polished(own)))
        return cotangents, gradients

    @property
    def cotangents(self) -> list[Cotangent]:
        """Of the stages that the parameters move, from the loss backwards."""
        return self._pulled[0]

    @property
    def gradients(self) -> list[Cotangent]:
        """By the parameters, in their order: each in the parameter's own space, symmetric where that is."""
        return self._pulled[1]

    @cached_property
    def assignments(self) -> list[tuple[Expr, Expr]]:
        """Values, cotangents and gradients, each in terms of what is before it."""
        cotangents = [c[1:] for c in self.cotangents if c.expression is not ONE]  # (a 1 is put in where it is used)
        return [*(s[:2] for s in self.stages), *cotangents, *(g[1:] for g in self.gradients)]


def needed(stages: Sequence[Stage]) -> tuple[list[Stage], list[Stage]]:
    """The stages that the last one is computed from, it included, and the others."""
    wanted = {stages[-1].symbol}
    kept, unused = [], []
    for stage in reversed(stages):
        if stage.symbol in wanted:
            wanted.update(stage.inputs)
            kept.append(stage)
        else:
            unused.append(stage)
    return kept[::-1], unused[::-1]


def depending(stages: Sequence[Stage], on: Collection[Expr]) -> set[Expr]:
    """These variables and the symbols of the stages that depend on them."""
    found = set(on)
    for stage in stages:
        if any(v in found for v in stage.inputs):
            found.add(stage.symbol)
    return found


DATA = ("x", "y", "t")  # the names of what is data where nothing is said, in either case and with a number: x, X, y1, t_2


def roles(
    variables: Sequence[Expr], wrt: Sequence[str] = (), data: Sequence[str] = ()
) -> tuple[list[Expr], list[Expr], list[Expr]]:
    """Variables as parameters, data and constants.

    data: their names; where none are given: x, y, t and their capitals, with or without a number; initial states such as
        h0; and what is declared as labels or as a mask
    wrt: the names of the parameters; where none are given, the vectors and matrices that are no data

    Raises:  NotationError, for a name that is no variable, or is both
    """
    by_name = {v.params[0]: v for v in variables}
    for name in (*wrt, *data):
        if name not in by_name:
            raise NotationError(f"{name} is no variable of the network: they are {', '.join(by_name)}")
        if name in wrt and name in data:
            raise NotationError(f"{name} is said to be data and a parameter")
    is_data = set(data) if data else {name for name, v in by_name.items() if name not in wrt and _looks_like_data(v)}
    is_parameter = set(wrt) if wrt else {name for name, v in by_name.items() if name not in is_data and v.kind != "scalar"}
    found: tuple[list[Expr], list[Expr], list[Expr]] = ([], [], [])
    for name, v in by_name.items():
        found[0 if name in is_parameter else 1 if name in is_data else 2].append(v)
    return found


def _looks_like_data(v: Expr) -> bool:
    name, _, domain, _ = v.params
    if domain in ("labels±1", "onehot", "mask01"):
        return True
    number = name[1:].lstrip("_")
    if number and not number.isdigit():
        return False
    return name[:1].lower() in DATA or (number == "0" and v.kind == "vector")


def _named(e: Expr, stage: Stage) -> Expr:
    """The expression with the stage's symbol for its value, P for softmax(S,2) where P is that, and P' for its transpose."""
    value = stage.expression
    if value.op is VARIABLE:
        return e
    turned = {value.args[0]: transposed(stage.symbol)} if value.op is TRANSPOSE else {}
    if any(v.op is VARIABLE for v in turned):
        return e
    return substitute(e, {value: stage.symbol, **turned})


def _summed(parts: Sequence[tuple[Number, Expr]]) -> Expr:
    return parts[0][1] if len(parts) == 1 else _polished(add(parts))


def _polished(e: Expr) -> Expr:
    return e if len(e.args) > LONG else polished(e)


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name
