"""Joining what the blocks give: a tree over the blocks in their order, the same whoever computes them and when."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


def join(hows: Sequence[str], a: Sequence[Any], b: Sequence[Any]) -> list[Any]:
    """What two neighbouring groups of blocks give together, from what each gives; `hows` says how: sum, max, min, norm."""
    return [JOINED[how](x, y) for how, x, y in zip(hows, a, b, strict=True)]


class Tree:
    """Joins neighbours first, then pairs of them, and so on, as they come in; of k blocks it holds at most 1 + log₂ k.

    merge: joins two; they may be promises of values
    """

    def __init__(self, merge: Callable[[Any, Any], Any]) -> None:
        self.merge = merge
        self.waiting: list[tuple[int, Any]] = []  # height of a full tree, and what it gives

    def add(self, part: Any) -> None:
        height = 0
        while self.waiting and self.waiting[-1][0] == height:
            part = self.merge(self.waiting.pop()[1], part)
            height += 1
        self.waiting.append((height, part))

    def total(self) -> Any:
        """What all give together, of at least one."""
        (_, total), *others = reversed(self.waiting)
        for _, part in others:
            total = self.merge(part, total)
        return total


def _sum(a: Any, b: Any) -> Any:
    import numpy as np

    return np.add(a, b)


def _max(a: Any, b: Any) -> Any:
    import numpy as np

    return np.maximum(a, b)


def _min(a: Any, b: Any) -> Any:
    import numpy as np

    return np.minimum(a, b)


def _norm(a: Any, b: Any) -> Any:
    """√(a² + b²) without overflow; NaN where one is, even beside an infinity."""
    import numpy as np

    return a + b if np.isnan(a + b) else np.hypot(a, b)


JOINED: dict[str, Callable[[Any, Any], Any]] = {"sum": _sum, "max": _max, "min": _min, "norm": _norm}
