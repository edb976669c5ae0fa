"""What may be typed as name(arguments)."""

from __future__ import annotations

from functools import cache
from typing import Any

import frechet.operations as operations
from frechet.expressions.operation import Operation, operation_named

# Constants take dimensions; `eye` without one, and matrixcalculus.org's vector(1) and matrix(0), have inferred sizes.
CONSTANTS = {"eye": ("", "d"), "unit": ("di",), "commutation": ("dd",), "duplication": ("d",), "elimination": ("d",)}
FILLED = ("vector", "matrix")


@cache
def functions() -> dict[str, list[tuple[str, Operation]]]:
    """Of every name that may be typed, the kinds of its arguments and the page; several of each, if they differ."""
    found: dict[str, list[tuple[str, Operation]]] = {}
    for name, pages in operations.typed_operations().items():
        rows = [(takes, page) for page in pages if page.typed or page.typed_as for takes in page.takes]
        if rows:
            found[name] = rows
    for name, takes in CONSTANTS.items():
        found.setdefault(name, [(t, operation_named(name)) for t in takes])
    return found


class Call:
    """A call as understood: the page, and its arguments in typed order: indices of nodes for expressions, or values."""

    __slots__ = ("args", "page", "params", "typed")

    def __init__(self, page: Operation, typed: list[tuple[bool, Any]]) -> None:
        self.page = page
        self.typed = typed
        self.args = [value for is_node, value in typed if is_node]
        self.params = [value for is_node, value in typed if not is_node]
