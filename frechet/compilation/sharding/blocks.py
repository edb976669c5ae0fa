"""Blocks of rows of arrays, in memory or in files, and how many rows a block has."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

from frechet.expressions.errors import UnsupportedError

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}


AHEAD = 2**17  # bytes: of a larger part Linux reads no more at once than it reads ahead by itself


class Rows:
    """Some rows of an array, along one of its axes; read when they are needed.

    Pickled they are the entries, or of a memory map only the file and the place in it: workers read their rows themselves.
    """

    def __init__(self, array: Any, axis: int, start: int, stop: int) -> None:
        self.array, self.axis, self.start, self.stop = array, axis, start, stop

    def load(self) -> Any:
        """The rows as an array of NumPy: of one in memory a view."""
        import numpy as np

        return np.asarray(self.array[(slice(None),) * self.axis + (slice(self.start, self.stop),)])

    def announce(self) -> None:
        """Has the system read the rows of a file that is mapped, while others are computed."""
        import numpy as np

        if not isinstance(self.array, np.ndarray):
            return
        view = self.load()
        place = _place(view)
        if place is not None and place[2] <= 2 * view.nbytes:  # else they are some columns of all rows
            read_ahead(*place[:3])

    def __reduce__(self) -> tuple[Any, ...]:
        view = self.load()
        place = _place(view)
        return (Rows, (view if place is None else FilePart(*place), self.axis, 0, self.stop - self.start))


class FilePart:
    """An array in a file, mapped when entries are asked for.

    low, size       the bytes of the file it lies in
    offset, strides where its first entry is among them, and how far the next ones are
    """

    def __init__(self, path: str, low: int, size: int, shape: tuple[int, ...], dtype: Any, strides: tuple[int, ...]) -> None:
        self.path, self.low, self.size, self.shape, self.dtype, self.strides = path, low, size, shape, dtype, strides

    def __getitem__(self, key: Any) -> Any:
        import numpy as np

        read_ahead(self.path, self.low, self.size)
        raw = np.memmap(self.path, np.uint8, "r", self.low, (self.size,))
        return np.ndarray(self.shape, self.dtype, raw, 0, self.strides)[key]


def _place(view: Any) -> tuple[Any, ...] | None:
    """Where the entries of a view of a memory map lie: path, first byte, bytes, shape, dtype, strides. None of others."""
    import numpy as np

    base = view
    while base is not None and not (isinstance(base, np.memmap) and base.filename is not None):
        base = getattr(base, "base", None)
    if base is None or base.mode == "c" or not view.size or any(s < 0 for s in view.strides):
        return None  # what is written to a private copy is not in the file
    while isinstance(base.base, np.memmap):  # the map itself: views of it keep its offset, whatever their own
        base = base.base
    low, high = np.lib.array_utils.byte_bounds(view)
    first = base.__array_interface__["data"][0]
    if not first <= low <= high <= first + base.nbytes:
        return None
    return str(base.filename), base.offset + low - first, high - low, view.shape, view.dtype, view.strides


def read_ahead(path: str, start: int, count: int) -> None:
    """Has the system read these bytes of a file at once, without waiting for them, unless they are in memory.

    Through a map it reads little at a time, when an entry is needed.
    """
    if not hasattr(os, "RWF_NOWAIT"):  # Linux has it
        return
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:  # a map outlives the name of its file
        return
    try:
        os.preadv(file, [bytearray(1)], start + count - 1, os.RWF_NOWAIT)
    except OSError:
        for some in range(start, start + count, AHEAD):
            os.posix_fadvise(file, some, min(AHEAD, start + count - some), os.POSIX_FADV_WILLNEED)
    finally:
        os.close(file)


def boundaries(n: int, rows: int) -> Iterator[tuple[int, int]]:
    """The first and the last row (exclusive) of each block."""
    return ((start, min(start + rows, n)) for start in range(0, n, rows))


def byte_count(memory: int | str) -> int:
    """A number of bytes, such as 200_000_000, "200MB" or "1.5GiB".

    Raises:  UnsupportedError, for another text
    """
    if isinstance(memory, int):
        return memory
    match = re.fullmatch(r"\s*(\d+\.?\d*)\s*([KMGT]?I?)B?\s*", memory.upper())
    if match is None or match[2] not in UNITS:
        raise UnsupportedError(f'memory={memory!r} is not a number of bytes: give it as "200MB" or "1.5GiB"')
    return int(float(match[1]) * UNITS[match[2]])
