"""One call of a sharded program: its arguments checked, the rounds over its blocks, the results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from frechet.compilation.arguments import dtype_of, precision
from frechet.compilation.numpy_source import runnable
from frechet.compilation.sharding.blocks import Rows, boundaries
from frechet.compilation.sharding.blocks_in_c import BlockInC
from frechet.compilation.sharding.execution import Block, Progress, in_order, workers_of
from frechet.compilation.sharding.joining import Tree, join
from frechet.compilation.sharding.rounds import Function, Plan
from frechet.compilation.values import Value
from frechet.expressions.errors import UnsupportedError

if TYPE_CHECKING:
    from frechet.compilation.sharding.program import Run

MEMORY = 16_000_000  # bytes of a block's rows with what is computed of them: more fit in no cache, fewer are bound by calls
USUAL = 1000  # rows of a block, where its memory is estimated


class Call:
    """One call: checked arguments, blocks, and what was joined so far."""

    def __init__(self, run: Run, values: Mapping[str, Any]) -> None:
        self.run, self.program = run, run.program
        self.levels = self.program.levels
        self.arrays, sizes, self.letter = self.program.arguments.checked(values)
        self.length = sizes[self.program.shard]
        self.sizes = {self.program.safe[n]: size for n, size in sizes.items() if n in self.program.safe}
        self.dtypes = {v.params[0]: dtype_of(v, self.letter) for v in self.program.inputs}
        self.given = sizes
        self.common: dict[str, Any] = {
            name: self._number(d.size(self.sizes), precision(True, self.letter)) for name, d in self.levels.totals.items()
        }
        for name, array in self.arrays.items():
            if name not in self.levels.split and name not in self.program.plain.spare:
                self.common[name] = self._converted(array, self.dtypes[name])

    def dtype(self, v: Value) -> str:
        return precision(v.real, self.letter)

    def _converted(self, array: Any, dtype: str) -> Any:
        import numpy as np

        return np.ascontiguousarray(array, dtype) if array.ndim else self._number(array, dtype)

    def _number(self, value: Any, dtype: str) -> Any:
        import numpy as np

        return np.dtype(dtype).type(value)

    @cached_property
    def rows(self) -> int:
        """Of a block; the last may have fewer."""
        run, n = self.run, self.length
        if run.rows is not None:
            return max(1, min(run.rows, n))
        if run.blocks is not None:
            return max(1, -(-n // run.blocks))
        plan = self.program.plan({**self.given, self.program.shard: min(USUAL, n)}, self.letter)
        needs = [f.memory(self.sizes) for f in plan.rounds]
        item = {"s": 4, "d": 8, "c": 8, "z": 16}[self.letter]
        each, beside = item * max([1, *(e for e, _ in needs)]), item * max([0, *(b for _, b in needs)])
        allowed = MEMORY
        if run.memory is not None:
            if run.memory < beside + each:
                needed = f"{beside + each:,} bytes with all that is computed of it"
                raise UnsupportedError(f"a block of one row takes {needed}, more than memory={run.memory:,}")
            allowed = min(allowed, run.memory - beside)
        return max(1, min(n, allowed // each))

    @property
    def distinct_lengths(self) -> list[int]:
        """How many rows blocks have."""
        return list(dict.fromkeys((self.rows, self.length % self.rows or self.rows)))

    @cached_property
    def plan(self) -> Plan:
        return self.program.plan({**self.given, self.program.shard: self.rows}, self.letter)

    def block(self, f: Function) -> Block:
        return Block(f.program, self.whole(f), [self.dtypes[name] for name in f.split], self._in_c(f))

    def _in_c(self, f: Function) -> BlockInC | None:
        """What blocks need to run in C, if they do."""
        if f.c is None:
            return None
        accepted = b"".join(f.c.accepted({**self.sizes, f.n: length}) for length in self.distinct_lengths)
        axis = self.levels.split[f.split[0]]
        return BlockInC(f.c.text, accepted, len(f.whole), axis, precision(True, self.letter))

    def whole(self, f: Function) -> list[Any]:
        """The arguments of a function but for the rows."""
        return [self.common[name] for name in f.whole] + [self.sizes[s] for s in f.program.sizes]

    def result(self) -> Any:
        import numpy as np

        places = list(boundaries(self.length, self.rows))
        by_rows: dict[Any, Any] = {}
        with Progress(len(places) * len(self.plan.rounds), self.run.progress) as progress:
            for k, f in enumerate(self.plan.rounds):
                joined, outputs = self.plan.joined[k], self.plan.by_rows[k]
                hows = [j.how for j in joined]
                tree = Tree(partial(join, hows))
                found = in_order(self.block(f), self._pieces(f, places), self.run.executor, workers_of(self.run.executor))
                for (start, stop), values in zip(places, found, strict=True):
                    tree.add(values[: len(joined)])
                    for o, part in zip(outputs, values[len(joined) :], strict=True):
                        before = (slice(None),) * o.axis
                        if o not in by_rows:
                            shape = [self.length if k == o.axis else size for k, size in enumerate(part.shape)]
                            by_rows[o] = np.empty(shape, part.dtype)
                        by_rows[o][(*before, slice(start, stop))] = part
                    progress.step()
                self.common.update(zip((j.name for j in joined), tree.total(), strict=True))
        return self.finished(by_rows)

    def _pieces(self, f: Function, places: Sequence[tuple[int, int]]) -> Iterator[list[Any]]:
        blocks = [[Rows(self.arrays[s], self.levels.split[s], *place) for s in f.split] for place in places]
        for (start, stop), rows, after in zip(places, blocks, [*blocks[1:], []], strict=True):
            for part in after:
                part.announce()
            yield [stop - start, *rows]

    def finished(self, by_rows: Mapping[Any, Any]) -> Any:
        """All outputs, those by rows being there."""
        whole = runnable(self.plan.finish.program)(*self.whole(self.plan.finish)) if self.plan.whole else ()
        known = {**by_rows, **dict(zip(self.plan.whole, whole, strict=True))}
        return self.program.result([known[o] for o in self.levels.outputs])
