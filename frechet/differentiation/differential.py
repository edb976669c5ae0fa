"""The differential: one walk over the graph, one rule an operation."""

from __future__ import annotations

from collections.abc import Mapping

from frechet.expressions.collection import without_collection
from frechet.expressions.errors import FrechetError
from frechet.expressions.node import Expr
from frechet.expressions.space import base, curved
from frechet.operations.constants import is_zero, variable, zeros


def differential_symbol(x: Expr, name: str | None = None) -> Expr:
    """dX: a variable of X's shape and linear structure that stands for the differential of X."""
    linear = [s for s in x.params[1] if base(s) not in ("spd", "psd") and not curved([s])]
    if not {"spd", "psd"}.isdisjoint(x.params[1]) and x.real:
        linear.append("symmetric")
    if x.params[2] == "simplex" and x.kind == "vector":
        linear.append("centered")
    return variable(name or f"d{x.params[0]}", x.shape, linear, "normal", "differential")


@without_collection
def differential(e: Expr, directions: Mapping[Expr, Expr]) -> Expr:
    """The differential of e, an expression linear in the directions: variable -> its differential. All else is constant.

    Shapes:  e's own
    Raises:  UnsupportedError, naming the operation that has no rule
    Source:  Magnus & Neudecker (2019), chapters 5 and 8
    """
    found: dict[Expr, Expr | None] = dict(directions)
    _fill(e, found)
    d = found[e]
    return zeros(e.shape) if d is None else d


def _fill(root: Expr, found: dict[Expr, Expr | None]) -> None:
    """Enters the differential of every node below root; None for constants."""
    for node in _missing(root, found):
        if node in found:
            continue
        d = [found[a] for a in node.args]
        if all(x is None for x in d):
            found[node] = None
            continue
        other = node.op.same_differential(node)
        if other is not None:
            _fill(other, found)
            found[node] = found[other]
            continue
        try:
            result = node.op.differential(node, d)
        except NotImplementedError as error:
            raise FrechetError(f"the operation {node.op.name} has no differential") from error
        found[node] = None if is_zero(result) else result


def _missing(root: Expr, found: dict[Expr, Expr | None]) -> list[Expr]:
    """The nodes below root that have no differential yet, arguments first."""
    order: list[Expr] = []
    seen: set[Expr] = set()
    stack: list[Expr | None] = [root]
    while stack:
        node = stack.pop()
        if node is None:  # the arguments of the node below are done
            order.append(stack.pop())  # type: ignore[arg-type]
        elif node not in seen and node not in found:
            seen.add(node)
            stack += (node, None)
            stack += [a for a in reversed(node.args) if a not in seen]
    return order
