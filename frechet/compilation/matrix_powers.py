"""Powers of matrices: as products of equal halves, but beside vectors factor by factor.

Source:  Knuth (1997), The Art of Computer Programming, vol. 2, section 4.6.3.
"""

from __future__ import annotations

from collections import Counter

from frechet.compilation.contractions import inlined
from frechet.compilation.values import Graph, Value

FACTORS = 24  # of one product with a vector, at most: more are too many calls for small matrices


def power(graph: Graph, x: Value, k: int) -> Value:
    """The product of k > 0 equal matrices n×n; of more than three that of half of them with itself."""
    n = x.shape[0]
    factors = [x] * k
    if k > 3:
        half = power(graph, x, k // 2)
        factors = [half, half, *[x] * (k % 2)]
    return graph.contract(factors, [(i, i + 1) for i in range(len(factors))], (0, len(factors)), [n] * (len(factors) + 1))


def beside_vectors(graph: Graph, v: Value) -> Value:
    """The product v with the factors of powers for these, where one of its operands is a vector that each multiplies."""
    while v.op == "contract":
        powers = {a for a in v.args if _has_powers(a)} if _multiplies_vector(v) else set()
        if not powers or sum(len(a.args) if a in powers else 1 for a in v.args) > FACTORS:
            break
        v = inlined(graph, v, powers)
    return v


def _multiplies_vector(v: Value) -> bool:
    """Is a vector among the operands, or are the entries along an axis summed, which is the product with ones?"""
    ins, out, _, _ = v.params
    times = Counter(k for labels in ins for k in labels)
    summed = {k for k in times if k not in out}
    return any(times[k] == 1 for k in summed) or any(len(k) == 1 and times[k[0]] == 2 and k[0] in summed for k in ins)


def _has_powers(a: Value) -> bool:
    """Is it a product of matrices, one after the other, some of which are the same?"""
    if a.op != "contract" or len(a.shape) != 2 or len(set(a.args)) == len(a.args):
        return False
    ins, out, _, _ = a.params
    ends = Counter(k for labels in (out, *ins) for k in labels)
    return all(count == 2 for count in ends.values())
