"""Where a derivative holds: the conditions of the operations used, as words with the expression they are about."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from frechet.expressions.node import Expr, depends, walk
from frechet.operations.declared_functions import smoothness

Condition = tuple[str, Expr | None]


def conditions(function: Expr, variable: Expr, *results: Expr) -> list[Condition]:
    """The conditions of the function's operations in which the variable occurs, and those the results bring in.

    A result brings in an inverse (det(X)*inv(X)' needs X invertible) or a division by a norm.
    """
    found: dict[Condition, None] = {}
    inside = depends(function, variable)
    for node in walk(function):
        if node in inside or node.op.name in ("matrix_power", "unit", "selection"):
            for c in node.op.conditions(node):
                found[c] = None
    for node in walk(*results):
        if node.op.name == "matrix_power":
            for c in node.op.conditions(node):
                found[c] = None
        elif node.op.name == "hadamard":
            for words, e in node.op.conditions(node):
                if e is not None and (e.op.name in ("norm2", "det", "normp", "norm2_of_rows") or not e.real):
                    found[(words, e)] = None
    return [*found, *_smooth(function, inside, results)]


def _smooth(function: Expr, inside: Collection[Expr], results: Sequence[Expr]) -> list[Condition]:
    """How often the declared functions must be differentiable: once more than they are in the function."""
    needed = smoothness([node for node in walk(function) if node in inside], 1)
    for name, k in smoothness(walk(*results)).items():
        needed[name] = max(k, needed.get(name, 0))
    times = {1: "", 2: "twice "}
    return [(f"{name} {times.get(k, f'{k} times ')}differentiable", None) for name, k in needed.items() if k]
