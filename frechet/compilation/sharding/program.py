"""Programs that read data block after block: `fr.compile(…, shard="n")`.

>>> import frechet as fr
>>> import numpy as np
>>> g = fr.parse("norm2(y - X*w)^2 / n", ["X: n×k", "w: k"])
>>> program = fr.compile({"value": g, "gradient": fr.derivative(g, fr.variables(g)["w"]).gradient}, shard="n")
>>> print(program)
n is split: X, y
round 1: sum of a number, sum of k
>>> X = np.arange(6.0).reshape(3, 2)
>>> program.over(rows=2)(X=X, y=np.ones(3), w=np.ones(2))["gradient"]
array([26.66666667, 34.66666667])
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from frechet.compilation.arguments import Arguments
from frechet.compilation.compiled import CompiledProgram, Outputs
from frechet.compilation.lowering import Lowering
from frechet.compilation.sharding.blocks import byte_count
from frechet.compilation.sharding.call import Call
from frechet.compilation.sharding.dask_arrays import DaskCall, is_dask
from frechet.compilation.sharding.execution import is_mesh
from frechet.compilation.sharding.levels import Levels, levels
from frechet.compilation.sharding.rounds import Names, Plan
from frechet.compilation.values import Graph, walk
from frechet.expressions.dimension import Dim, dim
from frechet.expressions.errors import UnsupportedError
from frechet.expressions.node import Expr

if TYPE_CHECKING:
    from frechet.compilation.sharding.execution import Executor

ASSUMED = 1000  # rows of a block, and other sizes, where the order of work is chosen before they are known


class ShardedProgram:
    """A function of arrays of which those with the axis n are read block after block.

    Called like a `CompiledProgram`; `over` says how large the blocks are and who computes them. The numbers depend on the
    blocks only in rounding, and not on who computes them: the sums of the blocks are added in the order of a fixed tree.

    backend: numpy, or c or auto, where the function of a block is an extension if it has C

    Raises:  UnsupportedError, where the formula mixes the rows in a way that no sum over blocks gives
    """

    def __init__(
        self,
        outputs: Outputs,
        inputs: Sequence[str | Expr] | None,
        name: str,
        shard: str,
        sizes: Mapping[str, int] | None = None,
        backend: str = "numpy",
    ) -> None:
        self.backend = backend
        self.plain = CompiledProgram(outputs, inputs, name, sizes)
        self.name, self.inputs = name, self.plain.inputs
        if self.plain.functions:
            called = ", ".join(self.plain.functions)
            raise UnsupportedError(f"{called} is a function declared, not given: a program that calls it cannot be sharded")
        program, roots, _, names = self.plain._names
        if shard not in names.values():
            raise UnsupportedError(f"there is no dimension {shard}: there are {', '.join(names.values()) or 'none'}")
        self.shard = shard
        self.safe = {n: safe for safe, n in names.items()}
        self.n = self.safe[shard]
        graph = Graph()
        lowering = Lowering(graph)
        values = lowering.values(roots)
        origin: dict[Any, Expr] = {}
        for e, v in lowering.done.items():
            origin.setdefault(v, e)
        self.levels: Levels = levels(graph, values, dim(self.n), origin)
        used = {d for v in walk(values) for d in (*v.shape, *v.params) if isinstance(d, Dim)}  # also places such as k+1
        needed = {names[s] for d in used for s in d.names()}
        self.arguments = Arguments(self.inputs, sorted(needed & self.plain.unbound), spare=self.plain.spare)
        taken = frozenset({*self.plain.reserved, *program.parameters.values(), *names})
        self._names = Names(program.parameters, list(names), taken)
        self._plans: dict[Any, Plan] = {}
        self._without: dict[frozenset[str], ShardedProgram] = {}
        self.on_meshes: dict[Any, Callable[..., Any]] = {}

    @property
    def rounds(self) -> int:
        """How many times the data is read."""
        return self.levels.rounds

    @property
    def source(self) -> str:
        """The functions of all rounds as Python source."""
        return self.plan(self.plain.sizes, "d").source

    def __str__(self) -> str:
        lines = [f"{self.shard} is split: {', '.join(sorted(self.levels.split))}"]
        for k in range(self.rounds):
            found = self.levels.joined[k] if k < len(self.levels.joined) else ()
            done = [f"{j.how} of {'×'.join(map(str, j.value.shape)) or 'a number'}" for j in found]
            rows = len({o for o in self.levels.outputs if o.axis >= 0 and o.level == k})
            done += [f"{rows} result{'s' * (rows > 1)} by rows"] * bool(rows)
            lines.append(f"round {k + 1}: {', '.join(done)}")
        return "\n".join(lines)

    def without(self, left_out: frozenset[str]) -> ShardedProgram:
        """The program without some of the inputs that no output needs."""
        if left_out not in self._without:
            inputs = [v for v in self.inputs if v.params[0] not in left_out]
            self._without[left_out] = ShardedProgram(
                self.plain.outputs, inputs, self.name, self.shard, self.plain.sizes, self.backend
            )
        return self._without[left_out]

    def plan(self, sizes: Mapping[str, int], letter: str) -> Plan:
        """The functions for these sizes, n that of a block."""
        found = {safe: sizes.get(n, ASSUMED) for n, safe in self.safe.items()}
        key = (letter, *found.values())
        if key not in self._plans:
            self._plans[key] = Plan(self.levels, self.n, self._names, found, letter, self.backend)
        return self._plans[key]

    def over(
        self,
        executor: Any = None,
        *,
        rows: int | None = None,
        blocks: int | None = None,
        memory: int | str | None = None,
        progress: bool | None = None,
    ) -> Run:
        """The program with blocks of a certain size, computed somewhere.

        executor: an executor of `concurrent.futures`, a client of `dask.distributed`, or a mesh of JAX, of which every
            device has one block; this process where there is none
        rows, blocks, memory: the rows of a block, or how many blocks, or the most bytes that a block may take with all that
            is computed of it, such as "200MB": at most one of them. Every worker holds a block; where nothing is said, or
            more memory than helps, its rows take 16 MB.
        progress: no bar on the terminal if False
        """
        given = [w for w in (rows, blocks, memory) if w is not None]
        if len(given) > 1:
            raise UnsupportedError("rows, blocks and memory all say how large a block is: give one of them")
        if any(isinstance(w, int) and w < 1 for w in given):
            raise UnsupportedError("rows, blocks and memory are at least 1")
        return Run(self, executor, rows, blocks, None if memory is None else byte_count(memory), progress)

    def __call__(self, /, *args: Any, **keywords: Any) -> Any:
        return self.over()(*args, **keywords)

    def result(self, values: Sequence[Any]) -> Any:
        """The outputs as they were asked for."""
        if self.plain.keys is not None:
            return dict(zip(self.plain.keys, values, strict=True))
        return values[0] if self.plain.single else tuple(values)


class Run:
    """A sharded program with everything said about how it runs; called with arrays."""

    def __init__(
        self,
        program: ShardedProgram,
        executor: Any,
        rows: int | None,
        blocks: int | None,
        memory: int | None,
        progress: bool | None,
    ) -> None:
        self.program, self.rows, self.blocks, self.memory, self.progress = program, rows, blocks, memory, progress
        self.where = executor
        if hasattr(executor, "get_executor"):  # a client of dask.distributed
            executor = executor.get_executor(pure=False)
        if is_mesh(executor) and (rows or blocks or memory):
            raise UnsupportedError("the devices of a mesh have one block each: say nothing of rows, blocks or memory")
        if not (executor is None or is_mesh(executor) or hasattr(executor, "submit")):
            raise UnsupportedError(f"blocks are computed by an executor, which has a method submit, not by {executor!r}")
        self.executor: Executor | None = executor

    def __call__(self, /, *args: Any, **keywords: Any) -> Any:
        return self.call(args, keywords).result()

    def lower(self, /, *args: Any, **keywords: Any) -> Any:
        """The function that runs on a mesh, lowered for these arguments: `lower` of `jax.jit`.

        Raises:  UnsupportedError, where it does not run on a mesh
        """
        if not is_mesh(self.where):
            raise UnsupportedError("only what runs on a mesh of JAX is lowered")
        call: Any = self.call(args, keywords)
        return call.lowered()

    def call(self, args: Sequence[Any], keywords: Mapping[str, Any]) -> Call:
        """One call, its arguments checked."""
        left_out = self.program.arguments.left_out(args, keywords)
        if left_out:
            narrower = Run(self.program.without(left_out), self.where, self.rows, self.blocks, self.memory, self.progress)
            return narrower.call(args, keywords)
        values = self.program.arguments.bound(self.program.name, args, keywords)
        if is_mesh(self.where):
            from frechet.compilation.sharding.mesh import MeshCall

            return MeshCall(self, values)
        if any(is_dask(values[name]) for name in self.program.levels.split):
            return DaskCall(self, values)
        return Call(self, values)
