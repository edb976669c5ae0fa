"""Hessians by vectors of parameters: an entry above the diagonal is computed once, and stands below it as well.

The Hessian of a function of t[1], t[2], … is a sum of numbers times e_i e_k'. The second derivatives by t[i] and t[k] are
equal in either order, but come out of the differentiation in two forms, each with products of matrices of its own.
"""

from __future__ import annotations

from collections import defaultdict

from frechet.expressions.dimension import SCALAR, UNIT
from frechet.expressions.node import Expr, walk
from frechet.operations.constants import ONE
from frechet.operations.products import product, scale
from frechet.operations.sums import add
from frechet.operations.transposition import transposed

MOST = 64  # entries that are looked at one by one

Place = tuple[Expr, ...]  # e_i of a vector, e_i and e_k of a matrix
Entries = dict[Place, Expr]


def with_symmetric_entries(hessian: Expr) -> Expr:
    """A symmetric matrix, n×n, with the numbers at (i,k) and (k,i) in one form, the shorter of the two; others as is."""
    entries = entries_of(hessian)
    if entries is None or all(entries.get(place[::-1]) is value for place, value in entries.items()):
        return hessian
    terms = []
    for (i, k), value in entries.items():
        other = entries.get((k, i))
        if other is None:
            return hessian  # it is 0, but not seen to be
        if i is k or (value.leaves, value.digest, i.digest) <= (other.leaves, other.digest, k.digest):
            places = [(i, k)] if i is k else [(i, k), (k, i)]
            terms.append((1, scale(value, add((1, product(a, transposed(b))) for a, b in places))))
    return add(terms)


def entries_of(e: Expr) -> Entries | None:
    """The numbers of which it consists, and their places; None if it is no sum of numbers times unit vectors."""
    found: dict[Expr, Entries] = {}
    for node in walk(e):
        if node.shape == SCALAR:
            continue
        entries = _of_node(node, found)
        if entries is not None and len(entries) <= MOST:
            found[node] = entries
    return found.get(e)


def _of_node(node: Expr, found: dict[Expr, Entries]) -> Entries | None:
    name = node.op.name
    if name == "unit":
        return {(node,): ONE}
    arrays = [a for a in node.args if a.shape != SCALAR]
    if not all(a in found for a in arrays):
        return None
    parts = [found[a] for a in arrays]
    if name == "transpose":
        return {place[::-1]: value for place, value in parts[0].items()}
    if name == "scale":
        return {place: scale(node.args[0], value) for place, value in parts[0].items()}
    if name == "sum_of_terms":
        terms = defaultdict(list)
        for c, part in zip(node.params, parts, strict=True):
            for place, value in part.items():
                terms[place].append((c, value))
        return {place: add(values) for place, values in terms.items()}
    if name == "product" and len(parts) == 2 and node.args[0].shape[1] is UNIT:
        left, right = parts
        return {(*i, *k): scale(a, b) for i, a in left.items() for k, b in right.items()}
    return None
