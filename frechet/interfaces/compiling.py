"""fr.compile and Derivative.compile: programs from formulas and from views of a derivative."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, overload

from frechet.compilation.compiled import CompiledProgram, Outputs
from frechet.differentiation.adjoint import adjoint
from frechet.differentiation.derivative import Derivative
from frechet.differentiation.differential import differential
from frechet.differentiation.map_recognition import structure_of_map
from frechet.differentiation.map_solution import solution
from frechet.differentiation.structure import structure_of
from frechet.differentiation.symmetric_entries import entries_of
from frechet.expressions.dimension import SCALAR
from frechet.expressions.errors import UnsupportedError
from frechet.expressions.node import Expr, variables, walk
from frechet.operations.constants import variable
from frechet.operations.powers import inverse
from frechet.operations.products import product
from frechet.operations.shaping import unvec, vec
from frechet.operations.sums import add
from frechet.simplification.polishing import polished, polished_beside

if TYPE_CHECKING:
    from frechet.compilation.sharding.program import ShardedProgram
    from frechet.interfaces.python import Derivative as Public

BACKENDS: dict[str, tuple[str, str]] = {  # module and class; libraries are imported where they are used
    "numpy": ("frechet.compilation.compiled", "CompiledProgram"),
    "c": ("frechet.compilation.native.program", "NativeProgram"),
    "auto": ("frechet.compilation.native.program", "AutomaticProgram"),
    "jax": ("frechet.compilation.jax_program", "JaxProgram"),
    "torch": ("frechet.compilation.torch_program", "TorchProgram"),
}
OF_ARRAYS = ("numpy", "c", "auto")  # those that compute with arrays of NumPy


@overload
def compile(
    outputs: Outputs,
    inputs: Sequence[str | Expr] | None = None,
    backend: str = "numpy",
    *,
    name: str = "program",
    sizes: Mapping[str, int] | None = None,
    shard: None = None,
) -> CompiledProgram: ...
@overload
def compile(
    outputs: Outputs,
    inputs: Sequence[str | Expr] | None = None,
    backend: str = "numpy",
    *,
    name: str = "program",
    sizes: Mapping[str, int] | None = None,
    shard: str,
) -> ShardedProgram: ...
def compile(
    outputs: Outputs,
    inputs: Sequence[str | Expr] | None = None,
    backend: str = "numpy",
    *,
    name: str = "program",
    sizes: Mapping[str, int] | None = None,
    shard: str | None = None,
) -> CompiledProgram | ShardedProgram:
    """One program for all outputs: an expression, several, or a mapping from names to expressions.

    The program is called with arrays, by position in the order of `inputs` or by name, and returns an array (a number
    for a scalar), a tuple or a dictionary.

    inputs: variables or their names; all variables in order of first appearance where not given. A call may leave out
        those that no output needs
    backend: numpy; c: an extension built with the system's compiler, NumPy where there is none or no C for a step; auto: c
        at sizes at which it pays (docs/c-backend.md); jax or torch, to which a scalar function brings its closed-form
        derivatives (docs/jax-and-torch.md)
    name: of the function in the source
    sizes: of dimensions, for `source` and the cost table; a call goes by its arguments
    shard: the dimension along which the data is read block after block, by the back ends numpy, c and auto; see
        `ShardedProgram.over`

    Raises:  NotationError, for an input that is no variable of the outputs; UnsupportedError, for a back end there is not,
             and for a dimension that cannot be sharded, with the reason

    >>> import frechet as fr
    >>> program = fr.compile(fr.parse("x'*A*x"))
    >>> float(program([1.0, 2.0], [[1.0, 0.0], [0.0, 1.0]]))
    5.0
    """
    if backend not in BACKENDS:
        raise UnsupportedError(f"there is no back end {backend!r}: there are {', '.join(BACKENDS)}")
    if shard is not None:
        if backend not in OF_ARRAYS:
            raise UnsupportedError(f"blocks of rows are computed by the back ends numpy, c and auto, not by {backend}")
        from frechet.compilation.sharding.program import ShardedProgram

        return ShardedProgram(outputs, inputs, name, shard, sizes, backend)
    module, kind = BACKENDS[backend]
    program: CompiledProgram = getattr(import_module(module), kind)(outputs, inputs, name, sizes)
    return program


def compile_views(
    d: Derivative | Public,
    what: Sequence[str],
    inputs: Sequence[str | Expr] | None = None,
    backend: str = "numpy",
    name: str = "program",
    sizes: Mapping[str, int] | None = None,
    shard: str | None = None,
) -> CompiledProgram | ShardedProgram:
    """The program for some views of a derivative, computed together. See `Derivative.compile`."""
    for view in what:
        if view not in VIEWS:
            raise UnsupportedError(f"there is no view {view!r} to compile: there are {', '.join(VIEWS)}")
    outputs = [VIEWS[view](d) for view in what]
    own = {v.params[0]: v for v in (d.direction, *variables(d.function))}  # also those that a view does not need
    if inputs is None:  # the same for all views of a function, so that they are called alike
        inputs = [*variables(d.function), *([d.direction] if ALONG.intersection(what) else [])]
    chosen = [own.get(v, v) if isinstance(v, str) else v for v in inputs]
    if "value" in what:
        at = list(what).index("value")
        value = polished_beside(outputs[at], set(walk(*outputs[:at], *outputs[at + 1 :])))
        if value is not outputs[at]:  # its variables stay those of the function, in their order
            chosen = list(dict.fromkeys([*chosen, *variables(*outputs)]))
            outputs[at] = value
    wanted = outputs[0] if len(outputs) == 1 else outputs
    if shard is not None:
        return compile(wanted, chosen, backend, name=name, sizes=sizes, shard=shard)
    return compile(wanted, chosen, backend, name=name, sizes=sizes)


def _scalar(d: Derivative, view: str) -> None:
    if d.function.shape != SCALAR:
        raise UnsupportedError(
            f"{view} is of a scalar function, and this is a {d.function.kind}: take the jacobian, jvp or vjp"
        )


def _gradient(d: Derivative) -> Expr:
    _scalar(d, "the gradient")
    return d.gradient


def _vjp(d: Derivative) -> Expr:
    """The adjoint applied to a cotangent W, a variable of the function's shape."""
    taken = {v.params[0] for v in variables(d.function)}
    letter = "w" if d.function.kind in ("scalar", "vector") else "W"
    while letter in taken:
        letter += "_"
    return polished(adjoint(d.raw_differential, d.direction, variable(letter, d.function.shape)))


def _hessian(d: Derivative) -> Expr:
    _scalar(d, "the Hessian")
    return d.hessian


def _hvp(d: Derivative) -> Expr:
    """The Hessian in a direction: the differential of the gradient."""
    _scalar(d, "the Hessian")
    return polished(differential(d.gradient, {d.variable: d.direction}))


def _newton(d: Derivative) -> Expr:
    """The step s with H[s] = -gradient: in closed form where the Hessian's structure has one, else by its matrix.

    Raises:  UnsupportedError, for a structured variable without a closed form
    """
    _scalar(d, "a Newton step")
    g, x = d.gradient, d.variable
    structure = structure_of_map(differential(d.cotangent, {x: d.direction}), d.direction, x)
    few = x.shape[0].value() is not None and entries_of(d.hessian) is not None  # numbers at places: as a matrix
    step = None if few else solution(structure, g)
    if step is None and structure_of(x) != "general":
        raise UnsupportedError(
            f"the Newton step by {x.params[0]}, {structure_of(x)}, has no formula here: D.hessian_map.newton_step solves it"
        )
    if step is None:
        step = product(inverse(d.hessian), vec(g))
        step = unvec(step, *x.shape) if x.kind == "matrix" else step
    return add([(-1, step)])


VIEWS: dict[str, Callable[[Derivative], Expr]] = {
    "value": lambda d: d.function,
    "gradient": _gradient,
    "jacobian": lambda d: d.jacobian,
    "jvp": lambda d: d.differential,
    "vjp": _vjp,
    "hessian": _hessian,
    "hvp": _hvp,
    "newton": _newton,
}
ALONG = frozenset({"jvp", "hvp"})  # in a direction
