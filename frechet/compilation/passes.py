"""Passes over programs: each a function from the results of a program to the same results, computed with less work."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from frechet.compilation.applied_matrices import applied_to_vectors
from frechet.compilation.contractions import inlined
from frechet.compilation.cumulative_sums import cumulative_sums
from frechet.compilation.distribution import distributed, distributed_together, is_inverse_power, is_power
from frechet.compilation.low_rank import low_rank_updates
from frechet.compilation.matrix_powers import beside_vectors
from frechet.compilation.ordering import ordered
from frechet.compilation.partial_sums import partial_sums
from frechet.compilation.rewriting import (
    activations_shared,
    coefficients_inward,
    common_factors,
    exact_near_zero,
    inverses_cancelled,
    negatives_shared,
    scalars_shared,
)
from frechet.compilation.shared_products import products_shared
from frechet.compilation.timing import FACTORIZING, Rates
from frechet.compilation.values import Graph, Value, informed, rebuild, remade, replaced, uses
from frechet.compilation.views import views_inward

OPERANDS = 8  # of one contraction
SAVED = 0.1  # of the time of a program, at least, by a factorization that may fail


def flattened(graph: Graph, roots: Sequence[Value], early: Collection[Value] = ()) -> list[Value]:
    """Products of products as one product, where the inner one is used nowhere else: its order is free then."""
    count = uses(graph.steps(roots), roots)
    single: set[Value] = set()

    def change(v: Value, args: tuple[Value, ...]) -> Value:
        new = remade(graph, v, args)
        if new.op == "contract":
            new = beside_vectors(graph, inverses_cancelled(graph, new))
        if new.op == "contract":
            # a product that is a vector is best computed as such, but as a multiple, or where a part is computed beforehand
            vectors_too = early or len(new.args) == 1
            inner = {a for a in new.args if a in single and (len(a.shape) > 1 or vectors_too) and new.args.count(a) == 1}
            inner |= {a for a in new.args if is_inverse_power(a) or is_power(a)}
            # a diagonal is less work than the product, which others may need
            diagonals = [a for a, labels in zip(new.args, new.params[0], strict=True) if len({*labels}) < len(labels)]
            inner |= {a for a in diagonals if a.op == "contract" and new.args.count(a) == 1}
            total = sum(len(a.args) if a in inner else 1 for a in new.args)
            if inner and (total <= OPERANDS or len(new.args) == 1):  # a multiple of a product is as long as that
                known = new
                new = inlined(graph, new, inner)
                if new.op == "contract":
                    informed(new, known)
            if count[v] == 1:
                single.add(new)
            else:
                single.discard(new)
        return new

    return rebuild(graph, roots, change)


def _factor(graph: Graph, a: Value, use: str, trying: bool) -> Value:
    # what has an inverse and is semi-definite is definite
    known = a.definite == 2 or (a.definite and use in ("solve", "inverse"))
    if known:
        return graph.make("cholesky", (a,), (False,), a.shape)
    if trying and a.symmetric:
        return graph.make("cholesky", (a,), (True,), a.shape)
    return graph.make("lu", (a,), (), a.shape)


def factorized(graph: Graph, roots: Sequence[Value], trying: bool = True, but: Collection[Value] = ()) -> list[Value]:
    """Solves, inverses and determinants by one factorization of each matrix: Cholesky where positive definite, else LU.

    trying: is Cholesky tried for symmetric matrices of which nothing more is known, but for these?
    """
    if not graph.operations.intersection(FACTORIZING):
        return list(roots)

    def change(v: Value, args: tuple[Value, ...]) -> Value:
        if v.op in FACTORIZING:
            a = args[0]
            factor = _factor(graph, a, v.op, trying and v.args[0] not in but)
            new = graph.make(v.op, (factor, *args[1:]), v.params, v.shape, v.real)
            new.sign, new.symmetric = v.sign, v.symmetric
            return new
        return replaced(graph, v, args)

    return rebuild(graph, roots, change)


def not_worth_trying(graph: Graph, roots: Sequence[Value], rates: Rates) -> set[Value]:
    """The matrices that are small and come late, after another factorization, such as the Hessian of a Newton step.

    Where Cholesky fails for them all is computed again.
    """
    if not graph.operations.intersection(FACTORIZING):
        return set()
    steps = graph.steps(roots)
    late: set[Value] = set()
    for v in steps:
        if v.op in FACTORIZING or any(a in late for a in v.args):
            late.add(v)
    matrices = {v.args[0] for v in steps if v.op in FACTORIZING and v.args[0] in late}
    least = SAVED * rates.total(steps)
    return {a for a in matrices if rates.factor("lu", a) - rates.factor("cholesky", a) < least}


def optimized(graph: Graph, roots: Sequence[Value], rates: Rates, early: Collection[Value] = ()) -> list[Value]:
    """All passes but the choice of factorizations, for these sizes."""
    present = {v.op if v.op != "map" else v.params[0][0] for v in graph.steps(roots)}  # a pass is a walk over the program
    if present & {"relu", "sigmoid"}:
        roots = activations_shared(graph, negatives_shared(graph, roots), rates)
    if present & {"log", "exp"}:
        roots = exact_near_zero(graph, roots)
    if "linear" in present:
        roots = partial_sums(graph, roots)
    roots = flattened(graph, negatives_shared(graph, views_inward(graph, roots)), early)
    if not early:
        roots = applied_to_vectors(graph, roots, rates)
    if present & {"inverse", "logdet"}:
        roots = flattened(graph, low_rank_updates(graph, roots, rates), early)
    roots = distributed_together(graph, distributed(graph, roots, rates, early), rates, early)
    roots = products_shared(graph, roots, early)
    roots = views_inward(graph, scalars_shared(graph, flattened(graph, negatives_shared(graph, roots), early)))
    roots = ordered(graph, coefficients_inward(graph, common_factors(graph, roots, early)), rates, early)
    return cumulative_sums(graph, roots) if "page" in present else roots
