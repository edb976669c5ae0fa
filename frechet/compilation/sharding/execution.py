"""Running the blocks of a round: in this process, or on an executor of `concurrent.futures`."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

from frechet.compilation.numpy_source import Program, runnable

if TYPE_CHECKING:
    from frechet.compilation.sharding.blocks_in_c import BlockInC

PATIENCE = 0.5  # seconds before a progress bar is shown
_last: dict[str, Block] = {}  # in a worker: the round it is at


class Future(Protocol):
    """What `submit` returns."""

    def result(self) -> Any: ...
    def cancel(self) -> Any: ...


class Executor(Protocol):
    """Anything that runs functions elsewhere."""

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> Future: ...


class Block:
    """The function of one block in a round, picklable; what all blocks share is computed at its first call in a process.

    program  the round
    whole    the arguments of the round
    dtypes   of the arrays that a block has rows of
    in_c     what is needed to run it in C, where it does
    key      of this call, among all that a worker is asked for
    """

    def __init__(
        self,
        program: Program,
        whole: Sequence[Any],
        dtypes: Sequence[Any],
        in_c: BlockInC | None = None,
        key: str = "",
    ) -> None:
        self.program, self.whole, self.dtypes, self.in_c = program, whole, dtypes, in_c
        self.key = key or uuid4().hex

    @cached_property
    def function(self) -> Callable[..., Any]:
        in_numpy = runnable(self.program)(*self.whole)
        return in_numpy if self.in_c is None else self.in_c.function(in_numpy, self.whole)

    def __call__(self, length: int, *pieces: Any) -> Any:
        """What a block gives, from its rows: arrays, or `Rows` of arrays."""
        import numpy as np

        from frechet.compilation.sharding.blocks import Rows

        arrays = [piece.load() if isinstance(piece, Rows) else piece for piece in pieces]
        arrays = [np.ascontiguousarray(a, dtype) for a, dtype in zip(arrays, self.dtypes, strict=True)]
        return self.function(*arrays, length)

    def __reduce__(self) -> tuple[Any, ...]:
        return (_received, (self.program, self.whole, self.dtypes, self.in_c, self.key))


def _received(program: Program, whole: Sequence[Any], dtypes: Sequence[Any], in_c: BlockInC | None, key: str) -> Block:
    """The block's function in a worker: of one round it is made once."""
    known = _last.get(key)
    if known is None:
        _last.clear()
        known = _last[key] = Block(program, whole, dtypes, in_c, key)
    return known


def in_order(block: Block, pieces: Iterable[Sequence[Any]], executor: Executor | None, workers: int) -> Iterator[Any]:
    """What the blocks give, in their order; with an executor at most two for each worker are under way."""
    if executor is None:
        for piece in pieces:
            yield block(*piece)
        return
    running: deque[Future] = deque()
    try:
        for piece in pieces:
            running.append(executor.submit(block, *piece))
            if len(running) >= 2 * workers:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    finally:
        for future in running:
            future.cancel()


def workers_of(executor: Any) -> int:
    """How many workers an executor has, as far as it says."""
    return getattr(executor, "_max_workers", None) or os.cpu_count() or 1


def is_mesh(where: Any) -> bool:
    """Is it a mesh of JAX?"""
    return hasattr(where, "axis_names") and hasattr(where, "devices")


class Progress:
    """A bar on the terminal while blocks run, if they run for long; nothing where there is no terminal."""

    def __init__(self, total: int, wanted: bool | None) -> None:
        self.total, self.done, self.wanted = total, 0, wanted
        self.started = monotonic()
        self.bar: Any = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.stop()

    def step(self) -> None:
        self.done += 1
        if self.bar is None:
            if self.wanted is False or monotonic() - self.started < PATIENCE:
                return
            self._show()
        if self.bar is not None:
            self.bar.update(self.task, completed=self.done)

    def _show(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        console = Console(stderr=True)
        if not console.is_terminal:
            self.wanted = False
            return
        columns = (TextColumn("blocks"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self.bar = Bar(*columns, console=console, transient=True)
        self.task = self.bar.add_task("blocks", total=self.total, completed=self.done)
        self.bar.start()
