"""The function of one block of rows in C: an extension that takes the rows of the block and what all blocks share.

What does not depend on the block is computed in each, so that a function has no C where that is more than a little.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

from frechet.compilation.native.building import bound, load
from frechet.compilation.native.emission import Source, standing_for
from frechet.compilation.native.functions import NotInC
from frechet.compilation.native.program import pays
from frechet.compilation.timing import CALL, Rates
from frechet.compilation.values import Value, walk

SHARED = 0.01  # of the time of a block: what is shared and computed in each


def worthwhile(backend: str, steps: Sequence[Value], common: Collection[Value], rates: Rates) -> bool:
    """Are these steps, of which some do not depend on the block, to run in C?

    backend: numpy, c or auto
    """
    shared = sum(max(rates.of(v) - 2 * CALL, 0.0) for v in common)  # of numbers it is nothing there
    if backend == "numpy" or shared > SHARED * rates.total(steps):
        return False
    return backend == "c" or pays(rates, steps)


def source_of_block(roots: Sequence[Value], names: Sequence[str], letter: str) -> Source | None:
    """The extension for the results of a block; None where a step has no C.

    names: of the inputs, in the order of the call
    """
    inputs = {v.params[0]: v for v in walk(roots) if v.op == "input"}
    known = [standing_for(name, inputs[name]) for name in names]
    try:
        return Source(roots, known, keyed=False, single=False, letter=letter, streamed=True)
    except NotInC:
        return None


class BlockInC(NamedTuple):
    """What a worker needs to run blocks in C.

    text       of the extension
    accepted   the sizes that it is meant for
    common     how many of the arguments for all blocks it takes
    axis       of the rows in its first argument
    dtype      of numbers
    """

    text: str
    accepted: bytes
    common: int
    axis: int
    dtype: str

    def function(self, general: Callable[..., Any], whole: Sequence[Any]) -> Callable[..., Any]:
        """The function of rows and their number; `general` is that of NumPy, which it is where there is no compiler.

        whole: the arguments for all blocks
        """
        import numpy as np

        module = load(self.text)
        if module is None:
            return general
        common, number = whole[: self.common], np.dtype(self.dtype).type

        def otherwise(*args: Any) -> Any:
            rows = args[: len(args) - len(common)]
            return general(*rows, rows[0].shape[self.axis])

        run = bound(module, otherwise, bytearray(self.accepted))

        def function(*args: Any) -> list[Any]:
            return [found if isinstance(found, np.ndarray) else number(found) for found in run(*args[:-1], *common)]

        return function
