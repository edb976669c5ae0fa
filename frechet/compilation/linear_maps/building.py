"""From the structure of a map and the values of its coefficients to the map in numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from frechet.compilation.arguments import Arguments
from frechet.compilation.compiled import CompiledProgram
from frechet.compilation.linear_maps.general import Composed, General
from frechet.compilation.linear_maps.kronecker import Kronecker, KroneckerSum, Turned
from frechet.compilation.linear_maps.linear_map import LinearMap
from frechet.compilation.linear_maps.low_rank import LowRankUpdate
from frechet.compilation.linear_maps.matrices import Dense, Entrywise, Inverse
from frechet.compilation.linear_maps.slices import Slices
from frechet.compilation.linear_maps.subspace import Subspace, SymmetricMatrices
from frechet.compilation.sizes import expected
from frechet.differentiation import map_structure as symbolic
from frechet.differentiation.staging import staged
from frechet.differentiation.structure import projected
from frechet.expressions.dimension import axes
from frechet.expressions.errors import ShapeError
from frechet.expressions.node import Expr, variables
from frechet.operations.constants import variable
from frechet.operations.declared_functions import symbols

FORMED = 10_000


@dataclass(frozen=True)
class Point:
    """Values of expressions, the sizes of dimensions, and a way to the value of any other expression."""

    values: Mapping[Expr, Any]
    sizes: Mapping[str, int]
    evaluate: Callable[[Expr], Any]

    def __getitem__(self, e: Expr) -> Any:
        return self.values[e]

    def shape(self, of: Expr) -> tuple[int, ...]:
        return tuple(d.size(self.sizes) for d in axes(of.shape))


class Evaluation:
    """Expressions that are evaluated together; `known` tells what variables may be given beside theirs."""

    def __init__(self, known: Sequence[Expr], wanted: Sequence[Expr]) -> None:
        self.known = tuple(known)
        self.wanted = tuple(dict.fromkeys(wanted))
        self.variables = variables(*known, *self.wanted)
        self.functions = list(symbols(*known, *self.wanted))
        self.arguments = Arguments(self.variables, [], self.functions)

    @cached_property
    def program(self) -> CompiledProgram:
        return CompiledProgram(self.wanted, self.variables, "coefficients")

    def at(self, values: Mapping[str, Any]) -> Point:
        """Raises: ShapeError, naming the variable or the size that is missing, or that has another shape"""
        for v in self.variables:
            if v.params[0] not in values:
                raise ShapeError(f"{v.params[0]} needs a value: {expected(v)}")
        names = {*self.arguments.names, *self.functions}
        self.arguments.sizes = [n for n, k in values.items() if n not in names and isinstance(k, int)]
        arrays, sizes, letter = self.arguments.converted(values)
        found: Sequence[Any] = ()
        if self.wanted:
            more = self.program.arguments
            for n in more.functions:
                if n not in values:
                    raise ShapeError(f"{n} is needed: a Python function of arrays")
            for n in more.sizes:
                if n not in sizes:
                    raise ShapeError(f"the size of {n} follows from no variable: it must be given")
            run = self.program.specialised(sizes, letter).run
            found = run(*arrays.values(), *(values[n] for n in more.functions), *(sizes[n] for n in more.sizes))
        return Point(dict(zip(self.wanted, found, strict=True)), sizes, lambda e: Evaluation(self.known, [e]).at(values)[e])


def built(structure: symbolic.Structure, point: Point, name: str, symmetric: bool) -> LinearMap:
    """The map in numbers; `name` is how errors call it."""
    shape = point.shape(structure.space.variable)
    space = subspace_of(structure.space.variable, shape)
    match structure:
        case symbolic.EntrywiseMap():
            return Entrywise(shape, point[structure.entries], name, space)
        case symbolic.MatrixMap():
            return matrix_map(structure.form, point, name, symmetric)
        case symbolic.KroneckerMap():
            factors = [None if form is None else matrix_map(form, point, name) for form in (structure.left, structure.right)]
            own = symmetric and not structure.turned
            found = Kronecker(shape, float(point[structure.scalar]), factors[0], factors[1], name, own, space)
            return Turned(found, name, symmetric) if structure.turned else found
        case symbolic.KroneckerSumMap():
            first, second = structure.terms
            left = _value(first.left, point), _value(second.left, point)
            right = _flipped(first.right, point), _flipped(second.right, point)
            own = symmetric and not structure.turned
            both = KroneckerSum(shape, left, right, name, own, space)
            return Turned(both, name, symmetric) if structure.turned else both
        case symbolic.SlicesMap():
            return Slices(shape, structure.axis, _slices(structure, point, shape), name, symmetric)
        case symbolic.LowRankUpdate():
            base = built(structure.base, point, name, symmetric)
            u, w = ([point[e] for e in side] for side in zip(*structure.outers, strict=True))
            return LowRankUpdate(base, _columns(base, u), _columns(base, w), name, symmetric)
        case symbolic.Composition():
            outer, inner = (built(part, point, name, False) for part in (structure.outer, structure.inner))
            return Composed(outer, inner, name, symmetric)
        case symbolic.GeneralMap():
            short = structure.diagonal
            diagonal = None if short is None else lambda: point.evaluate(short)
            return General(shape, action(structure.image, structure.direction, point), diagonal, name, symmetric, space)


def subspace_of(v: Expr, shape: tuple[int, ...]) -> Subspace | None:
    """The directions of a variable; None where they are all arrays of its shape."""
    space = symbolic.Space(v)
    if space.structure == "general":
        return None
    if space.structure == "symmetric":
        return SymmetricMatrices(shape[0])
    import numpy as np

    program = _projection(v)

    def project(arrays: Any) -> Any:
        each = arrays.reshape(-1, *shape)
        return np.stack([program(a) for a in each]).reshape(arrays.shape)

    return Subspace(shape, project, space.structure)


def action(image: Expr, direction: Expr, point: Point) -> Callable[[Any], Any]:
    """The map of one array, with the coefficients at the point."""
    import numpy as np

    coefficients, program = _staged_program(image, direction)
    rest = [*(point[c] for c in coefficients), *(point.sizes[n] for n in program.arguments.sizes)]
    run = program.specialised(point.sizes).run
    return lambda v: run(np.ascontiguousarray(v), *rest)


@lru_cache(maxsize=128)
def _staged_program(image: Expr, direction: Expr) -> tuple[list[Expr], CompiledProgram]:
    coefficients, letters, rest = staged(image, direction)
    return coefficients, CompiledProgram(rest, [direction, *letters], "action")


@lru_cache(maxsize=128)
def _projection(v: Expr) -> CompiledProgram:
    """To the directions of a variable."""
    plain = variable("V", v.shape)
    return CompiledProgram(projected(plain, v), [plain], "projection")


def matrix_map(form: symbolic.MatrixForm, point: Point, name: str, symmetric: bool | None = None) -> LinearMap:
    """The map of vectors with a matrix: by Woodbury's formula where its rank beside the diagonal is less than its size.

    A matrix is not formed of more than FORMED rows.
    """
    import numpy as np

    n = form.n.size(point.sizes)
    diagonal: Any = 0.0
    for e in (form.identity, form.diagonal):
        diagonal = diagonal if e is None else diagonal + point[e]
    if form.dense is None and not form.pieces:
        return Entrywise((n,), diagonal, name)
    rank = sum(int(np.size(point[piece.left])) // n for piece in form.pieces)
    woodbury = rank < n and bool(np.all(diagonal))
    if form.dense is None and (woodbury or n > FORMED):
        u, w = (np.hstack(side) for side in zip(*(_narrow(piece, point, n) for piece in form.pieces), strict=True))
        if woodbury:
            return LowRankUpdate(Entrywise((n,), diagonal, name), u, w, name, symmetric is not False)
        short = (u * w).sum(axis=1) + diagonal
        return General((n,), lambda v: diagonal * v + u @ (w.T @ v), lambda: short, name, symmetric is not False)
    matrix = np.zeros((n, n)) if form.dense is None else np.array(point[form.dense], dtype=float)
    for piece in form.pieces:
        matrix += _square(piece, point, n)
    matrix[np.diag_indices(n)] += diagonal
    mirrored = form.dense is None and all(piece.congruent for piece in form.pieces)
    found = Dense(matrix, name, symmetric or mirrored or None)
    return Inverse(found) if form.inverted else found


def _narrow(piece: symbolic.Piece, point: Point, n: int) -> tuple[Any, Any]:
    """U and W, n×r, with U*W' the piece."""
    left, right = point[piece.left].reshape(n, -1), point[piece.right].reshape(-1, n).T
    weights = point[piece.scalar] * (1.0 if piece.weights is None else point[piece.weights])
    return left * weights, right


def _square(piece: symbolic.Piece, point: Point, n: int) -> Any:
    import numpy as np

    if piece.congruent:
        weights = point[piece.scalar] * (1.0 if piece.weights is None else point[piece.weights])
        if np.all(weights >= 0):  # NumPy multiplies an array by its own transpose in half the work
            half = point[piece.left].reshape(n, -1) * np.sqrt(weights)
            return half @ half.T
    u, w = _narrow(piece, point, n)
    return u @ w.T


def _value(e: Expr | None, point: Point) -> Any:
    return None if e is None else point[e]


def _flipped(e: Expr | None, point: Point) -> Any:
    return None if e is None else point[e].T


def _columns(base: LinearMap, arrays: list[Any]) -> Any:
    import numpy as np

    return base._flat(np.stack([np.broadcast_to(a, base.array_shape) for a in arrays]))


def _slices(structure: symbolic.SlicesMap, point: Point, shape: tuple[int, ...]) -> Any:
    """The matrix of every row or column: of the word B, M, C it is B*diag(m)*C, transposed for rows."""
    import numpy as np

    rows = structure.axis == 0

    def factor(e: Expr | None) -> Any:
        """As a matrix that multiplies a column from the left; None is the identity."""
        if e is None:
            return None
        value = np.reshape(point[e], [d.size(point.sizes) for d in e.shape])
        return value.T if rows else value

    q = shape[1 - structure.axis]
    total: Any = np.zeros((shape[structure.axis], q, q))
    for w in structure.words:
        first, *rest = (factor(layer[1 - structure.axis]) for layer in w.layers)
        found: Any = np.eye(q) if first is None else first
        for mask, f in zip(w.masks, rest, strict=True):
            m = factor(mask)  # a column of it for every slice
            found = m.T[:, :, None] * found
            found = found if f is None else f @ found
        total = total + point[w.scalar] * found
    return total
