"""Garbage is not collected while a graph is built.

Nearly all that is made then stays, and Python's collector would walk over the growing graph again and again to find that:
a fifth of the time at thousands of layers.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def without_collection(function: Callable[P, R]) -> Callable[P, R]:
    """The function, with the collector resting during its outermost call. What has become garbage is found after it."""

    @wraps(function)
    def resting(*args: P.args, **keywords: P.kwargs) -> R:
        if not gc.isenabled():
            return function(*args, **keywords)
        gc.disable()
        try:
            return function(*args, **keywords)
        finally:
            gc.enable()

    return resting
