"""Sharded programs on dask arrays: blocks are their chunks.

What is joined is computed, round by round, on the scheduler that dask uses (or the client or executor given), and comes back
as arrays of NumPy; results by rows are dask arrays, which are computed when they are asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, partial
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from frechet.compilation.sharding.blocks import Rows, boundaries
from frechet.compilation.sharding.call import Call
from frechet.compilation.sharding.joining import Tree, join
from frechet.expressions.errors import ShapeError

if TYPE_CHECKING:
    from frechet.compilation.sharding.program import Run


def is_dask(array: Any) -> bool:
    return hasattr(array, "to_delayed") and hasattr(array, "rechunk")


class DaskCall(Call):
    """A call of which an argument with rows is a dask array. Others are cut where its chunks end."""

    def __init__(self, run: Run, values: Mapping[str, Any]) -> None:
        for name, array in values.items():
            if is_dask(array) and any(size != size for size in array.shape):
                raise ShapeError(f"{name} is a dask array of unknown length: call {name}.compute_chunk_sizes() first")
        super().__init__(run, values)

    @cached_property
    def lengths(self) -> tuple[int, ...]:
        """Of the blocks: the chunks of the largest dask array, if nothing is said."""
        run = self.run
        if run.rows is None and run.blocks is None and run.memory is None:
            name = max((s for s in self.levels.split if is_dask(self.arrays[s])), key=lambda s: self.arrays[s].size)
            return tuple(self.arrays[name].chunks[self.levels.split[name]])
        return tuple(stop - start for start, stop in boundaries(self.length, super().rows))

    @property
    def rows(self) -> int:
        return max(self.lengths)

    @property
    def distinct_lengths(self) -> list[int]:
        return list(dict.fromkeys(self.lengths))

    @cached_property
    def pieces(self) -> Mapping[str, list[Any]]:
        """Of each variable with rows, those of each block."""
        stops = list(accumulate(self.lengths))
        found: dict[str, list[Any]] = {}
        for name, axis in self.levels.split.items():
            array = self.arrays[name]
            if is_dask(array):
                chunks = tuple(self.lengths if k == axis else -1 for k in range(array.ndim))
                found[name] = list(array.rechunk(chunks).to_delayed().ravel())
            else:
                places = zip((0, *stops), stops, strict=False)
                found[name] = [Rows(array, axis, start, stop) for start, stop in places]
        return found

    def result(self) -> Any:
        import dask
        import dask.array

        by_rows: dict[Any, Any] = {}
        for k, f in enumerate(self.plan.rounds):
            joined, outputs = self.plan.joined[k], self.plan.by_rows[k]
            block = dask.delayed(self.block(f), pure=False)
            tasks = [block(*piece) for piece in zip(self.lengths, *(self.pieces[s] for s in f.split), strict=True)]
            for i, o in enumerate(outputs, len(joined)):
                dtype = self.dtype(o.value)
                shape = tuple(d.size(self.sizes) for d in o.value.shape)
                parts = [
                    dask.array.from_delayed(task[i], (*shape[: o.axis], length, *shape[o.axis + 1 :]), dtype)
                    for task, length in zip(tasks, self.lengths, strict=True)
                ]
                by_rows[o] = dask.array.concatenate(parts, o.axis)
            if joined:
                tree = Tree(dask.delayed(partial(join, [j.how for j in joined]), pure=False))
                for task in tasks:
                    tree.add(task[: len(joined)])
                (total,) = dask.compute(tree.total(), scheduler=self.run.where)
                self.common.update(zip((j.name for j in joined), total, strict=True))
        return self.finished(by_rows)
