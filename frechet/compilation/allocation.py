"""The C library's allocator, asked to keep the memory that arrays leave for the arrays that come next.

The GNU C library gives memory back to the system as soon as 128 KiB at the end of the heap are free, and takes pieces of
that size from the system one by one. A program whose intermediate arrays have 10 KB to 30 MB gets new pages at every call
then, each of which the system clears at the first touch: a third of the time of the ten-layer network with a hundred units.
Both limits grow when a larger piece is freed, up to one of 32 MiB (mallopt(3), M_MMAP_THRESHOLD): it keeps up to 64 MiB.
See docs/decisions/0020.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache

PIECE = 31 << 20  # bytes: below 32 MiB with the allocator's own


@cache
def keep_freed_memory() -> None:
    """Frees a large piece once in the process; no page of it is touched. It does nothing to other allocators."""
    import numpy as np

    with suppress(MemoryError):  # where a process may have less
        np.empty(PIECE, np.uint8)
