"""The adjoint of a linear map, by one walk backwards over its expression."""

from __future__ import annotations

from collections.abc import Iterable

from frechet.expressions.collection import without_collection
from frechet.expressions.errors import FrechetError
from frechet.expressions.node import Expr, Number, walk
from frechet.operations.complex_parts import real_part
from frechet.operations.constants import exact, zeros
from frechet.operations.sums import SUM, add, scaled


def adjoint(image: Expr, direction: Expr, w: Expr) -> Expr:
    """L*(w) for the linear map L : direction -> image: the expression with ⟨w, L(V)⟩ = ⟨L*(w), V⟩ for all V.

    ⟨A, B⟩ = Re tr(AᴴB), so L need only be linear over the real numbers.

    Cotangents are summed before they are pulled further.

    Shapes:  image and w alike; the result as direction
    Raises:  UnsupportedError, if a part of the map has no adjoint
    Source:  Magnus & Neudecker (2019), section 1.6; JAX calls it the transpose
    """
    return adjoints(image, [direction], w)[direction]


@without_collection
def adjoints(image: Expr, directions: Iterable[Expr], w: Expr) -> dict[Expr, Expr]:
    """The adjoints of a map that is linear in several directions together, one for each: ⟨w, L(U, V)⟩ = ⟨A, U⟩ + ⟨B, V⟩.

    One walk serves them all.
    """
    found = {direction: zeros(direction.shape) for direction in directions}
    order = list(walk(image))
    inside: set[Expr] = set()
    for node in order:
        if node in found or any(a in inside for a in node.args):
            inside.add(node)
    if image not in inside:
        return found
    cotangents: dict[Expr, list[tuple[Number, Expr]]] = {image: [(1, w)]}
    for node in reversed(order):
        if node not in inside:
            continue
        parts = cotangents.pop(node)
        # A number in front is carried along, rather than taken out of every product that the cotangent goes through.
        c, total = parts[0] if len(parts) == 1 else (1, add(parts))
        if total.op is SUM and len(total.args) == 1:
            c, total = exact(c * total.params[0]), total.args[0]
        if node.real and not total.real:
            total = real_part(total)  # what is real moves in real directions only
        if node in found:
            found[node] = scaled(c, total)
            continue
        for i, a in enumerate(node.args):
            if a in inside:
                if not node.op.linear:
                    raise FrechetError(f"{node.op.name} is not linear: this expression is no linear map of its direction")
                cotangents.setdefault(a, []).append((c, node.op.adjoint(node, i, total)))
    return found
