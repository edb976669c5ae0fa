"""The Hessian of a scalar function as a linear map of its directions: its structure in symbols, its values at points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from frechet.compilation.linear_maps.blocks import BlockMap
from frechet.compilation.linear_maps.building import Evaluation, Point, action, built
from frechet.compilation.linear_maps.description import described, described_blocks
from frechet.compilation.linear_maps.linear_map import LinearMap
from frechet.differentiation.adjoint import adjoints
from frechet.differentiation.differential import differential, differential_symbol
from frechet.differentiation.map_recognition import structure_of_map
from frechet.differentiation.map_structure import Structure
from frechet.differentiation.staging import staged
from frechet.differentiation.structure import projected, structure_of
from frechet.expressions.dimension import SCALAR, show_shape
from frechet.expressions.errors import ShapeError, UnsupportedError
from frechet.expressions.node import Expr, variables
from frechet.operations.constants import ONE, is_zero
from frechet.operations.declared_functions import functions
from frechet.simplification.polishing import polished


class HessianMap:
    """The second derivative of a scalar function by one or several variables: V -> d(gradient)[V].

    >>> import frechet as fr
    >>> g = fr.parse("norm2(T - U*V')^2")
    >>> HessianMap(g, [fr.variables(g)["U"]])
    2((VᵀV) ⊗ I): Kronecker product, solve in O(np² + mp² + p³)

    Raises:  ShapeError, if the function is not scalar or has no such variable; UnsupportedError, by name, for complex
             variables, for manifolds, and where a rule is missing
    """

    def __init__(self, function: Expr, by: Sequence[Expr]) -> None:
        if function.shape != SCALAR:
            raise ShapeError(f"a Hessian belongs to a scalar function, and this one is a {function.kind}")
        if not by:
            raise ShapeError("a Hessian map is by one variable or several: none is given")
        names = [v.params[0] for v in by]
        if len(set(names)) < len(names):
            raise ShapeError(f"a variable is given twice: {', '.join(names)}")
        self.function = function
        self.by = tuple(by)
        taken = {v.params[0] for v in variables(function)} | functions(function).keys()
        self.directions = tuple(differential_symbol(v, _free(f"d{v.params[0]}", taken)) for v in by)

    @property
    def name(self) -> str:
        """What errors call it."""
        return "the Hessian by " + ", ".join(v.params[0] for v in self.by)

    @cached_property
    def _cotangents(self) -> list[Expr]:
        steps = dict(zip(self.by, self.directions, strict=True))
        found = adjoints(differential(self.function, steps), self.directions, ONE)
        return [found[d] for d in self.directions]

    @cached_property
    def gradients(self) -> tuple[Expr, ...]:
        """By every variable, each in its variable's space."""
        return tuple(polished(projected(g, v)) for g, v in zip(self._cotangents, self.by, strict=True))

    @cached_property
    def blocks(self) -> tuple[Structure, ...]:
        """The structures of the blocks on the diagonal, one for every variable."""
        found = []
        for g, v, d in zip(self._cotangents, self.by, self.directions, strict=True):
            found.append(structure_of_map(differential(g, {v: d}), d, v))
        return tuple(found)

    @cached_property
    def couplings(self) -> dict[tuple[int, int], Expr]:
        """What the direction of variable j adds to the gradient by variable i, where that is not 0."""
        found = {}
        for i, (g, v) in enumerate(zip(self._cotangents, self.by, strict=True)):
            for j, (other, d) in enumerate(zip(self.by, self.directions, strict=True)):
                if i != j:
                    image = projected(differential(g, {other: d}), v)
                    if not is_zero(image):
                        found[i, j] = image
        return found

    @cached_property
    def structure(self) -> str:
        """In words and as a formula, with what a solution costs."""
        names = [v.params[0] for v in self.by]
        if len(self.by) == 1:
            return described(self.blocks[0])
        return described_blocks(names, self.blocks, self.couplings)

    def __repr__(self) -> str:
        return self.structure

    @cached_property
    def _coefficients(self) -> list[Expr]:
        found = [e for s in self.blocks for e in s.coefficients]
        for (_, j), image in self.couplings.items():
            found += staged(image, self.directions[j])[0]
        return found

    @cached_property
    def _evaluation(self) -> Evaluation:
        return Evaluation([self.function, *self.by], self._coefficients)

    @cached_property
    def _evaluation_with_gradients(self) -> Evaluation:
        return Evaluation([self.function, *self.by], [*self._coefficients, *self.gradients])

    def at(self, values: Mapping[str, Any] | None = None, /, **more: Any) -> LinearMap:
        """The Hessian at a point: arrays by variable name, and sizes that no array tells.

        Raises:  ShapeError, naming the variable that is missing or has another shape
        """
        return self._built(self._evaluation.at({**(values or {}), **more}))

    def newton_step(self, values: Mapping[str, Any] | None = None, /, **more: Any) -> Any:
        """-H^-1 * gradient at a point, all coefficients and the gradient evaluated together.

        Shapes:  as the variable; of several variables a mapping from their names
        Raises:  ShapeError; numpy.linalg.LinAlgError, by the Hessian's name, where it is singular
        """
        point = self._evaluation_with_gradients.at({**(values or {}), **more})
        found = self._built(point)
        if isinstance(found, BlockMap):
            right = {v.params[0]: -point[g] for v, g in zip(self.by, self.gradients, strict=True)}
            return {name: _like(right[name], step) for name, step in found.solve(right).items()}
        right = -point[self.gradients[0]]
        return _like(right, found.solve(right))

    def _built(self, point: Point) -> LinearMap:
        names = [v.params[0] for v in self.by]
        maps = [
            built(s, point, self.name if len(names) == 1 else f"{self.name}, block {n}", True)
            for s, n in zip(self.blocks, names, strict=True)
        ]
        if len(maps) == 1:
            return maps[0]
        actions = {(i, j): action(image, self.directions[j], point) for (i, j), image in self.couplings.items()}
        borders = borders_of(self.couplings, len(maps))
        border = min(borders, key=lambda b: maps[b].dimension) if borders else None
        return BlockMap(names, maps, actions, self.name, border)


class JacobianMap:
    """The derivative of F by a variable of F's shape: V -> dF[V], as a map that can be solved.

    Raises:  ShapeError, if the shapes differ; UnsupportedError, for structured and complex variables
    """

    def __init__(self, function: Expr, by: Expr) -> None:
        if function.shape != by.shape:
            raise ShapeError(
                f"a Jacobian map takes a space to itself: the function is {show_shape(function.shape)}, and"
                f" {by.params[0]} is {show_shape(by.shape)}"
            )
        if structure_of(by) != "general":
            raise UnsupportedError(
                f"{by.params[0]} is {structure_of(by)}, and values of the function need not be: leave that out"
            )
        self.function = function
        self.by = by
        taken = {v.params[0] for v in variables(function)} | functions(function).keys()
        self.direction = differential_symbol(by, _free(f"d{by.params[0]}", taken))

    @property
    def name(self) -> str:
        """What errors call it."""
        return f"the Jacobian by {self.by.params[0]}"

    @cached_property
    def block(self) -> Structure:
        return structure_of_map(differential(self.function, {self.by: self.direction}), self.direction, self.by)

    @cached_property
    def structure(self) -> str:
        """In words and as a formula, with what a solution costs."""
        return described(self.block)

    def __repr__(self) -> str:
        return self.structure

    @cached_property
    def _evaluation(self) -> Evaluation:
        return Evaluation([self.by], [*self.block.coefficients, self.function])

    def at(self, values: Mapping[str, Any] | None = None, /, **more: Any) -> LinearMap:
        """The Jacobian at a point: arrays by variable name, and sizes that no array tells.

        Raises:  ShapeError, naming the variable that is missing or has another shape
        """
        point = self._evaluation.at({**(values or {}), **more})
        return built(self.block, point, self.name, False)

    def newton_step(self, values: Mapping[str, Any] | None = None, /, **more: Any) -> Any:
        """-J^-1 * F at a point: the step to a root. Shapes: as the variable"""
        point = self._evaluation.at({**(values or {}), **more})
        right = -point[self.function]
        return _like(right, built(self.block, point, self.name, False).solve(right))


def hessian_map(function: Expr, by: Expr | str | Sequence[Expr | str]) -> HessianMap:
    """The Hessian of a scalar function by one variable or several, given as variables or by name, as a linear map.

    Raises:  ShapeError, for a name that is no variable of the function; else as HessianMap
    """
    wanted = [by] if isinstance(by, Expr | str) else list(by)
    known = {v.params[0]: v for v in variables(function)}
    for w in wanted:
        if isinstance(w, str) and w not in known:
            raise ShapeError(f"the function has no variable {w}: its variables are {', '.join(known)}")
        if isinstance(w, Expr) and w.op.name != "variable":
            raise ShapeError("a Hessian map is by variables; this is an expression")
    return HessianMap(function, [known[w] if isinstance(w, str) else w for w in wanted])


def borders_of(couplings: Mapping[tuple[int, int], Any], count: int) -> list[int]:
    """The variables that every coupling touches."""
    return [b for b in range(count) if couplings and all(b in pair for pair in couplings)]


def _like(given: Any, step: Any) -> Any:
    """The step in the precision of what it was solved for."""
    import numpy as np

    return step.astype(np.asarray(given).dtype)


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name
