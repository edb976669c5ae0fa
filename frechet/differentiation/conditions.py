"""Where a derivative holds: the conditions of the operations used, as words with the expression they are about."""

from __future__ import annotations

from frechet.expressions.node import Expr, depends, walk

Condition = tuple[str, Expr | None]


def conditions(function: Expr, variable: Expr, *results: Expr) -> list[Condition]:
    """The conditions of the function's operations in which the variable occurs, and those the results bring in.

    A result brings in an inverse (det(X)*inv(X)' needs X invertible) or a division by a norm.
    """
    found: dict[Condition, None] = {}
    inside = depends(function, variable)
    for node in walk(function):
        if node in inside or node.op.name == "matrix_power":
            for c in node.op.conditions(node):
                found[c] = None
    for node in walk(*results):
        if node.op.name == "matrix_power":
            for c in node.op.conditions(node):
                found[c] = None
        elif node.op.name == "hadamard":
            for words, e in node.op.conditions(node):
                if e is not None and (e.op.name in ("norm2", "det", "normp") or not e.real):
                    found[(words, e)] = None
    return list(found)
