"""Indices and numbers of eigenvalues that a formula asks for: are they there at the sizes of a call?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from frechet.expressions.dimension import Dim, dim
from frechet.expressions.errors import ShapeError
from frechet.expressions.node import Expr
from frechet.operations.constants import UNIT_VECTOR, place
from frechet.operations.indexing import SELECTION

NUMBERED = ("eigval", "eigvec", "eigsum", "eigproj", "svdval", "svdu", "svdv", "kyfan", "partial_polar")


class Asked(NamedTuple):
    """The first and the last place, the lengths of which the least has to suffice, and what has such places."""

    first: Dim
    last: Dim
    lengths: tuple[Dim, ...]
    what: str


def asked(nodes: Iterable[Expr]) -> list[Asked]:
    """The places that expressions ask for, each once."""
    found = []
    for node in nodes:
        if node.op is UNIT_VECTOR:
            at = place(node.params[-1])
            found.append(Asked(at, at, node.shape[:1], "index"))
        elif node.op is SELECTION:
            first, last = node.params
            found.append(Asked(first, last, node.shape[:1], "index"))
        elif node.op.name in NUMBERED:
            k = dim(node.params[0])
            what = "eigenvalue" if node.op.name.startswith("eig") else "singular value"
            found.append(Asked(k, k, tuple(node.args[0].shape), what))
    return list(dict.fromkeys(found))


def check_places(places: Iterable[Asked], sizes: Mapping[str, int]) -> None:
    """Raises ShapeError where a place is not there, as far as the sizes tell."""
    for first, last, lengths, what in places:
        if not {n for d in (first, last, *lengths) for n in d.names()} <= sizes.keys():
            continue
        length = min(d.size(sizes) for d in lengths)
        where = f"the axis has length {length}" if what == "index" else f"the matrix has {length}"
        for d, there in ((first, first.size(sizes) >= 1), (last, last.size(sizes) <= length)):
            if not there:
                value = f" = {d.size(sizes)}" if d.names() else ""
                raise ShapeError(f"there is no {what} {d}{value}: {where}")
