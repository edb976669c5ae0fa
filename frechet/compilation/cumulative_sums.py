"""Products with triangles of ones as cumulative sums, as which they take the time of one addition an entry.

In formulas cumsum(x) is tril(ones(n,n))*x, whose derivatives are products with triu(ones(n,n)): sums from the other end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from frechet.compilation.values import Graph, Value, informed, rebuild, replaced
from frechet.operations.factorizations import TRIL, TRIU


def cumulative_sums(graph: Graph, roots: Sequence[Value]) -> list[Value]:
    """The program with a step `cumsum` for each product with a triangle of ones, and each sum of its rows or columns."""

    def change(v: Value, args: tuple[Value, ...]) -> Value:
        new = replaced(graph, v, args)
        if new.op != "contract" or len(args) > 2:
            return new
        for k, a in enumerate(args):
            entry = _entry_of_triangle(a)
            if entry is not None:
                found = _summed(graph, new, k, entry)
                if found is not None:
                    return informed(found, new)
        return new

    return rebuild(graph, roots, change)


def _entry_of_triangle(a: Value) -> Any:
    """What all entries of a square triangle are that are not zero; None if a is no such matrix."""
    if a.op != "page" or a.params[0].op not in (TRIL, TRIU):
        return None
    inner, (rows, columns) = a.args[0], a.shape
    full = inner.op == "contract" and not inner.args and len(set(inner.params[1])) == 2
    return inner.params[3] if full and rows is columns else None


def _summed(graph: Graph, v: Value, k: int, entry: Any) -> Value | None:
    """The product v, whose operand k is a triangle; None where it is not a sum along one of the triangle's axes."""
    ins, out, dims, c = v.params
    triangle, (row, column) = v.args[k], ins[k]
    summed = [m for m in (row, column) if m not in out]
    if row == column or len(summed) != 1 or len(set(out)) < len(out):
        return None
    (along,) = summed
    kept = column if along == row else row
    if len(ins) == 1:  # of its rows or columns
        x, labels = graph.full(1, (dims[along],)), (along,)
    else:
        x, labels = v.args[1 - k], ins[1 - k]
    if labels.count(along) != 1 or kept in labels or not {*labels} - {along} <= {*out}:
        return None
    # the entry (i, j) of a lower triangle is there for j <= i, that of an upper one for i <= j
    forwards = (triangle.params[0].op is TRIL) is (along == column)
    sums = graph.make("cumsum", (x,), (labels.index(along), not forwards), x.shape)
    return graph.contract((sums,), (tuple(kept if m == along else m for m in labels),), out, dims, c * entry)
