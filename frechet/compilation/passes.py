"""Passes over programs: each a function from the results of a program to the same results, computed with less work."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from frechet.compilation.contraction_order import EARLY
from frechet.compilation.contractions import inlined
from frechet.compilation.ordering import only, ordered
from frechet.compilation.rewriting import (
    activations_shared,
    inverses_cancelled,
    is_sum,
    scalars_shared,
    sums_joined,
    views_inward,
)
from frechet.compilation.timing import Rates
from frechet.compilation.values import Graph, Value, rebuild, remade, uses, walk

OPERANDS = 12  # of one contraction
WORTH = 0.9  # a change is made where it saves a tenth
WORTH_EARLY = 0.5  # or half, where it is that a part is computed beforehand: X'*X*w - X'*y is less exact than X'*(X*w - y)


def flattened(graph: Graph, roots: Sequence[Value]) -> list[Value]:
    """Products of products as one product, where the inner one is used nowhere else: its order is free then."""
    count = uses(roots)
    single: set[Value] = set()

    def change(v: Value, args: tuple[Value, ...]) -> Value:
        new = remade(graph, v, args)
        if new.op == "contract":
            new = inverses_cancelled(graph, new)
        if new.op == "contract":
            inner = {a for a in new.args if a in single and new.args.count(a) == 1}
            total = sum(len(a.args) if a in inner else 1 for a in new.args)
            if inner and total <= OPERANDS:
                known = new
                new = inlined(graph, new, inner)
                if new.op == "contract":
                    new.sign, new.definite = max(new.sign, known.sign), max(new.definite, known.definite)
                    new.symmetric = new.symmetric or known.symmetric
            if count[v] == 1:
                single.add(new)
            else:
                single.discard(new)
        return new

    return rebuild(graph, roots, change)


def distributed(graph: Graph, roots: Sequence[Value], rates: Rates, early: Collection[Value] = ()) -> list[Value]:
    """(T - U*V')*V as T*V - U*(V'*V), and the like, where that is less work."""
    count = uses(roots)
    shared: set[Value] = set()
    single: set[Value] = set()

    def change(v: Value, args: tuple[Value, ...]) -> Value:
        new = remade(graph, v, args)
        if is_sum(new):
            new = sums_joined(graph, new, single - shared)
        if new.op == "contract" and len(new.args) > 1:
            for a in dict.fromkeys(new.args):
                if is_sum(a) and len(a.shape) > 1 and new.args.count(a) == 1:
                    new = _distributed(graph, new, a, a in shared, rates, early)
                    if new.op != "contract":
                        break
        (shared if count[v] > 1 else single).add(new)
        return new

    return rebuild(graph, roots, change)


def terms(graph: Graph, v: Value) -> list[tuple[object, Value]]:
    """The terms of a sum, each with the axes of the sum."""
    (_, *coefficients), ins = v.params
    own = tuple(range(len(v.shape)))
    return [(c, graph.contract((a,), (k,), own, v.shape)) for c, a, k in zip(coefficients, v.args, ins, strict=True)]


def _distributed(graph: Graph, v: Value, inner: Value, shared: bool, rates: Rates, early: Collection[Value]) -> Value:
    ins, out, dims, coefficient = v.params
    parts = []
    for c, term in terms(graph, inner):
        args = [term if a is inner else a for a in v.args]
        product = graph.contract(args, ins, out, dims)
        many = {a for a in args if a.op == "contract" and len(a.args) > 1 and a is term}
        if product.op == "contract":
            product = inlined(graph, product, many & set(product.args))
        if product.op == "contract":
            product = inverses_cancelled(graph, product)
        parts.append((c * coefficient, product))
    other = graph.linear(parts, v.shape)
    known = set(inner.args) if not shared else {inner}
    leaves = known | {a for a in v.args if a is not inner}
    leaves |= {b for a in inner.args if a.op == "contract" for b in a.args}
    before = _cost(graph, v, leaves if shared else leaves - {a for a in inner.args if a.op == "contract"}, rates, early)
    after = _cost(graph, other, leaves - {a for a in inner.args if a.op == "contract"} - {inner}, rates, early)
    return other if after < (WORTH_EARLY if early else WORTH) * before else v


def _cost(graph: Graph, root: Value, leaves: set[Value], rates: Rates, early: Collection[Value]) -> float:
    """The time to compute the root from these values."""
    (last,) = ordered(graph, [root], rates, early)
    total = 0.0
    once = only([last], set(early)) if early else set()
    seen: set[Value] = set()
    stack = [last]
    while stack:
        v = stack.pop()
        if v not in seen and v not in leaves:
            seen.add(v)
            total += rates.of(v) * (EARLY if v in once else 1)
            stack.extend(v.args)
    return total


def _factor(graph: Graph, a: Value, use: str, trying: bool) -> Value:
    # what has an inverse and is semi-definite is definite
    known = a.definite == 2 or (a.definite and use in ("solve", "inverse"))
    if known:
        return graph.make("cholesky", (a,), (False,), a.shape)
    if trying and a.symmetric:
        return graph.make("cholesky", (a,), (True,), a.shape)
    return graph.make("lu", (a,), (), a.shape)


def factorized(graph: Graph, roots: Sequence[Value], trying: bool = True) -> list[Value]:
    """Solves, inverses and determinants by one factorization of each matrix: Cholesky where positive definite, else LU.

    trying: is Cholesky tried for symmetric matrices of which nothing more is known?
    """

    def change(v: Value, args: tuple[Value, ...]) -> Value:
        if v.op in ("solve", "inverse", "logdet", "det"):
            a = args[0]
            factor = _factor(graph, a, v.op, trying)
            new = graph.make(v.op, (factor, *args[1:]), v.params, v.shape, v.real)
            new.sign, new.symmetric = v.sign, v.symmetric
            return new
        if args == v.args:
            return v
        new = graph.make(v.op, args, v.params, v.shape, v.real)
        new.sign, new.definite, new.symmetric = v.sign, v.definite, v.symmetric
        return new

    return rebuild(graph, roots, change)


def optimized(
    graph: Graph, roots: Sequence[Value], rates: Rates, early: Collection[Value] = (), trying: bool = True
) -> list[Value]:
    """All passes, for these sizes."""
    roots = activations_shared(graph, roots, rates)
    roots = views_inward(graph, roots)
    roots = flattened(graph, roots)
    roots = distributed(graph, roots, rates, early)
    roots = scalars_shared(graph, flattened(graph, roots))
    roots = ordered(graph, roots, rates, early)
    return factorized(graph, roots, trying)


__all__ = ["distributed", "factorized", "flattened", "optimized", "walk"]
