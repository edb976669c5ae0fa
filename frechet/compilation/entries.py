"""Vectors and matrices of a few numbers, such as derivatives by parameters t[1], t[2], …, as numbers at their places.

In matrix notation they are sums of numbers times e_i or e_i e_k'; with arrays for these a Hessian by three parameters would
take longer to put together than to compute.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import product
from typing import Any

from frechet.compilation.contractions import inlined
from frechet.compilation.rewriting import is_sum
from frechet.compilation.values import Graph, Value, informed, rebuild, remade, uses

MOST = 64  # entries of an array

Place = tuple[int, ...]
Entries = dict[Place, Value]


def entries_placed(graph: Graph, roots: Sequence[Value]) -> list[Value]:
    """The results with such arrays as one step, `entries`: its operands are the numbers, its parameters their places.

    Products and sums with other arrays keep the unit vectors, which select or add entries there. What is multiplied by an
    inverse takes the number in front of the product: -inv(H)*g is H solved for -g.
    """
    if "unit" not in graph.operations:
        return list(roots)
    count = uses(graph.steps(roots), roots)
    found: dict[Value, Entries] = {}
    solved: dict[Value, Value] = {}  # products with an inverse that are used once, and as they were

    def placed(v: Value) -> Value:
        if v.op == "unit" or v not in found:
            return v
        new = graph.make("entries", tuple(found[v].values()), tuple(found[v]), v.shape)
        return informed(new, v)

    def multiplied(v: Value) -> Value:
        """A product with an inverse, or a multiple of one."""
        whole = solved.get(v.args[0]) if len(v.args) == 1 else None
        v = inlined(graph, remade(graph, v, [whole]), [whole]) if whole is not None else v
        ins, out, dims, c = v.params
        at = next((i for i, a in enumerate(v.args) if a in found and a.op != "unit"), None)
        if c == 1 or at is None:
            return remade(graph, v, [placed(a) for a in v.args])
        right = v.args[at]
        numbers = [graph.linear([(c, value)], ()) for value in found[right].values()]
        args = [placed(a) for a in v.args]
        args[at] = graph.make("entries", numbers, tuple(found[right]), right.shape)
        return graph.contract(args, ins, out, dims)

    def change(v: Value, args: tuple[Value, ...]) -> Value:
        new = remade(graph, v, args)
        entries = _entries(graph, new, found)
        if entries is not None:
            found[new] = entries
            return new
        if new.op == "contract" and (
            any(a.op == "inverse" for a in new.args) or (len(new.args) == 1 and new.args[0] in solved)
        ):
            product = multiplied(new)
            if count[v] == 1:
                solved[product] = new
            return product
        return new if is_sum(new) or new.op == "contract" else remade(graph, new, [placed(a) for a in new.args])

    return [placed(r) for r in rebuild(graph, roots, change)]


def _entries(graph: Graph, v: Value, found: dict[Value, Entries]) -> Entries | None:
    """The numbers in an array and their places; None if it is no sum of numbers times unit vectors."""
    lengths = [d.value() or 0 for d in v.shape]
    if not lengths or len(lengths) > 2 or not all(1 < n <= MOST for n in lengths):
        return None
    if v.op == "unit":
        place = v.params[0].value()
        return {(place - 1,): graph.number(1)} if isinstance(place, int) and 1 <= place <= lengths[0] else None
    terms: dict[Place, list[tuple[Any, Value]]] = defaultdict(list)
    if is_sum(v):
        (_, *coefficients), ins = v.params
        for c, a, labels in zip(coefficients, v.args, ins, strict=True):
            if a not in found or len(labels) != len(lengths):
                return None
            for place, value in found[a].items():
                terms[tuple(place[labels.index(k)] for k in range(len(labels)))].append((c, value))
    elif v.op == "contract":
        ins, out, _, c = v.params
        arrays = [(a, labels) for a, labels in zip(v.args, ins, strict=True) if a.shape]
        numbers = [a for a in v.args if not a.shape]
        if any(a not in found for a, _ in arrays) or sorted(k for _, labels in arrays for k in labels) != sorted(out):
            return None
        if len(set(out)) < len(out):
            return None
        for factors in product(*(found[a].items() for a, _ in arrays)):
            at = {
                k: i
                for (place, _), (_, labels) in zip(factors, arrays, strict=True)
                for i, k in zip(place, labels, strict=True)
            }
            values = [*numbers, *(value for _, value in factors)]
            terms[tuple(at[k] for k in out)].append((c, graph.contract(values, [()] * len(values), (), ())))
    if not terms or len(terms) > MOST:
        return None
    return {place: graph.linear(terms[place], ()) for place in sorted(terms)}
