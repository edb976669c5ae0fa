"""Sharded programs on the devices of a JAX mesh: every device has a block, and one all-reduce ends a round.

What the blocks give is laid end to end, so that a round has one all-reduce for all its sums (and one for all largest or
smallest values); JAX adds in an order of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from frechet.compilation.functional import LibraryProgram
from frechet.compilation.jax_source import HEAD, JaxEmission, texts
from frechet.compilation.numpy_source import free_name
from frechet.compilation.sharding.call import Call
from frechet.compilation.sharding.rounds import Function
from frechet.expressions.errors import ShapeError

if TYPE_CHECKING:
    from frechet.compilation.sharding.program import Run

RESERVED = {"np", "jax", "jnp", "dtype"}


class MeshCall(Call):
    """A call on a mesh. NumPy arrays are laid out on its devices; arrays of JAX that are laid out so stay where they are.

    Raises:  ShapeError, if the devices do not divide the rows
    """

    def __init__(self, run: Run, values: Mapping[str, Any]) -> None:
        super().__init__(run, values)
        self.mesh = run.where
        self.devices = int(self.mesh.devices.size)
        if self.length % self.devices:
            n = self.program.shard
            raise ShapeError(f"{n} is {self.length}, which the {self.devices} devices of the mesh do not divide")

    @property
    def rows(self) -> int:
        return self.length // self.devices

    def _converted(self, array: Any, dtype: str) -> Any:
        import jax.numpy as jnp
        from jax import dtypes

        return jnp.asarray(array, dtypes.canonicalize_dtype(dtype))

    @property
    def inputs(self) -> list[Any]:
        """The arguments of `function`: with rows, then common ones."""
        split = []
        for name, axis in self.levels.split.items():
            split.append(self._placed(self._converted(self.arrays[name], self.dtypes[name]), self._along(axis)))
        return [*split, *(self._placed(value, self._along(None)) for value in self.common.values())]

    def _along(self, axis: int | None) -> Any:
        """How an array lies on the devices: divided along an axis, or whole on each."""
        from jax.sharding import PartitionSpec

        spec: Any = PartitionSpec
        return spec() if axis is None else spec(*[None] * axis, self.mesh.axis_names)

    def _placed(self, array: Any, spec: Any) -> Any:
        import jax

        return jax.device_put(array, jax.sharding.NamedSharding(self.mesh, spec))

    def function(self) -> Callable[..., Any]:
        """All rounds as one function of the inputs, for `jax.jit`; made once for each mesh and these sizes."""
        import jax

        known = self.program.on_meshes
        key = (self.mesh, self.letter, *self.sizes.items(), *self.common)
        if key not in known:
            known[key] = jax.jit(self._mapped())
        return known[key]

    def _mapped(self) -> Callable[..., Any]:
        import jax

        plan, outputs, names = self.plan, self.levels.outputs, list(self.common)
        split = list(self.levels.split)
        axes = self.mesh.axis_names  # the function is kept, and must not keep this call with its arrays
        functions = [self._written(f) for f in (*plan.rounds, plan.finish)]

        def on_device(*arrays: Any) -> Any:
            found = dict(zip([*split, *names], arrays, strict=True))
            by_rows: dict[Any, Any] = {}
            for k, function in enumerate(functions[:-1]):
                values = function(found)
                joined = plan.joined[k]
                parts = all_reduced([j.how for j in joined], values[: len(joined)], axes)
                found |= zip((j.name for j in joined), parts, strict=True)
                by_rows |= zip(plan.by_rows[k], values[len(joined) :], strict=True)
            by_rows |= zip(plan.whole, functions[-1](found), strict=True)
            return tuple(by_rows[o] for o in outputs)

        return jax.shard_map(
            on_device,
            mesh=self.mesh,
            in_specs=(*map(self._along, self.levels.split.values()), *(self._along(None) for _ in names)),
            out_specs=tuple(self._along(None if o.axis < 0 else o.axis) for o in outputs),
        )

    def _written(self, f: Function) -> Callable[[Mapping[str, Any]], Any]:
        """A round, or the end, as a function of what is found so far."""
        taken = RESERVED | texts().keys() | set(self.sizes)
        inputs = [*f.split, *f.whole]
        called = {name: free_name("a", taken) for name in inputs}
        emission = JaxEmission(called, taken)
        results = emission.run(f.roots)
        function = LibraryProgram(f.program.name, HEAD, texts())
        function.parameters, function.sizes = called, {s: s for s in self.sizes}
        function.lines = [*emission.lines, f"return ({', '.join(results)}{',' * (len(results) == 1)})"]
        space: dict[str, Any] = {}
        exec(compile(function.source(), "<frechet>", "exec"), space)
        sizes = {**self.sizes, self.program.n: self.rows}
        run = space[f.program.name]
        return lambda found: run(*(found[name] for name in inputs), *sizes.values())

    def lowered(self) -> Any:
        function: Any = self.function()
        return function.lower(*self.inputs)

    def result(self) -> Any:
        return self.program.result(self.function()(*self.inputs))


def all_reduced(hows: Sequence[str], parts: Sequence[Any], axes: Sequence[str]) -> list[Any]:
    """What all devices give together: one all-reduce for the parts that are joined alike and have one dtype."""
    import jax
    import jax.numpy as jnp

    reductions = {"sum": jax.lax.psum, "max": jax.lax.pmax, "min": jax.lax.pmin, "norm": _norm}
    found: list[Any] = list(parts)
    groups: dict[Any, list[int]] = {}
    for i, (how, part) in enumerate(zip(hows, parts, strict=True)):
        groups.setdefault((how, part.dtype), []).append(i)
    for (how, _), group in groups.items():
        flat = reductions[how](jnp.concatenate([parts[i].ravel() for i in group]), axes)
        start = 0
        for i in group:
            stop = start + prod(parts[i].shape)
            found[i] = flat[start:stop].reshape(parts[i].shape)
            start = stop
    return found


def _norm(parts: Any, axes: Sequence[str]) -> Any:
    """√Σx² without overflow."""
    import jax
    import jax.numpy as jnp

    lax: Any = jax.lax
    top = lax.pmax(parts, axes)
    top = jnp.where((top > 0) & (top < jnp.inf), top, 1.0)
    return top * jnp.sqrt(lax.psum((parts / top) ** 2, axes))
