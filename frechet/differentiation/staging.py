"""A linear map in two stages: what does not depend on the direction, and the map with that given."""

from __future__ import annotations

from frechet.expressions.node import Expr, depends, variables, walk
from frechet.operations.constants import VARIABLE, variable, zeros
from frechet.operations.shaping import DIAG
from frechet.operations.sums import SUM
from frechet.operations.transposition import TRANSPOSE


def staged(image: Expr, direction: Expr) -> tuple[list[Expr], list[Expr], Expr]:
    """What of a linear map does not depend on the direction: its coefficients, variables for them, the map with those.

    A diagonal or transposed coefficient is one in which the vector or the matrix is a variable.
    """
    inside = depends(image, direction)
    varying: set[Expr] = set()  # what has a variable in it
    for node in walk(image):
        if node.op is VARIABLE or any(a in varying for a in node.args):
            varying.add(node)
    found: dict[Expr, Expr] = {}
    taken = {v.params[0] for v in variables(image)}

    def replaced(node: Expr) -> Expr:
        if node.op in (DIAG, TRANSPOSE):
            return node.op.rebuild(node, (replaced(node.args[0]),))
        if node not in varying and node.op is not SUM:
            return node
        if node not in found:
            name = f"c{len(found) + 1}"
            while name in taken:
                name += "_"
            taken.add(name)
            found[node] = variable(name, node.shape)
        return found[node]

    new: dict[Expr, Expr] = {direction: direction}
    for node in walk(image):
        if node in inside and node is not direction:
            args = tuple(new[a] if a in inside else replaced(a) for a in node.args)
            new[node] = node if args == node.args else node.op.rebuild(node, args)
    return list(found), list(found.values()), new.get(image, zeros(image.shape))
