"""op(X,1) for writing: in the normal form what is done to columns is done to the rows of the transpose, op(X',2)'."""

from __future__ import annotations

from frechet.expressions.node import Expr, make
from frechet.operations.transposition import TRANSPOSE, transposed


def by_columns(root: Expr) -> dict[Expr, Expr]:
    """Every node below root as it is written, with op(X',2)' as op(X,1); empty where nothing changes.

    What is made here is not in normal form, and for writing only.
    """
    order: list[tuple[Expr, tuple[Expr, ...], bool]] = []
    seen: set[Expr] = set()
    stack: list[tuple[Expr, tuple[Expr, ...] | None, bool]] = [(root, None, False)]
    changes = False
    while stack:
        node, parts, turned = stack.pop()
        if parts is not None:
            order.append((node, parts, turned))
        elif node not in seen:
            seen.add(node)
            parts = _along_columns(node)
            turned = parts is not None
            changes = changes or turned
            parts = node.args if parts is None else parts
            stack.append((node, parts, turned))
            stack.extend((a, None, False) for a in reversed(parts) if a not in seen)
    if not changes:
        return {}
    new: dict[Expr, Expr] = {}
    for node, parts, turned in order:
        args = tuple([new[a] for a in parts])
        if turned:
            inner = node.args[0]
            new[node] = make(inner.op, args, (1, *inner.params[1:]), node.shape)
        else:
            new[node] = node if args == node.args else make(node.op, args, node.params, node.shape)
    return new


def _along_columns(node: Expr) -> tuple[Expr, ...] | None:
    """The arguments of op(X,1) where the node is op(X',2)' and that has fewer transposes."""
    if node.op is not TRANSPOSE or not node.args[0].op.by_rows:
        return None
    e, *others = node.args[0].args
    t = transposed(e)
    return (t, *others) if e.op is TRANSPOSE or t.balance < e.balance else None
