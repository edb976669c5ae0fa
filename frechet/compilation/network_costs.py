"""What the passes over a network cost: values, cotangents, gradients, and the same gradients in forward order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from frechet.compilation.costs import NOTHING, Cost, Counter
from frechet.derivation.backprop import Backprop
from frechet.derivation.stages import dimensions
from frechet.differentiation.differential import differential, differential_symbol
from frechet.expressions.dimension import UNIT, Dim, dim, entries
from frechet.expressions.node import Expr

SYMBOLIC = 8  # with more names of dimensions than this, counts are numbers only


class NetworkCosts(NamedTuple):
    """By symbol of stage, cotangent and gradient; and the totals of the passes.

    sizes: the numbers for all names of dimensions, given or assumed; symbolic: are the counts polynomials in them?
    tangents: of the gradients in forward order: every entry of every parameter is moved by itself, and its tangent carried
        through all stages that depend on it. What one entry moves in its own stage is counted as free, so this is a lower
        bound; what is the same for all tangents is counted once.
    """

    rows: dict[Expr, Cost]
    forward: Dim
    backward: Dim
    tangents: Dim
    parameters: Dim
    sizes: dict[str, int]
    symbolic: bool
    uncounted: tuple[str, ...]


def network_costs(b: Backprop, sizes: Mapping[str, int], otherwise: int = 100) -> NetworkCosts:
    """The costs, with the sizes given for dimensions by name and `otherwise` for the others."""
    names = dimensions(b.stages)
    known = {name: sizes.get(name, otherwise) for name in names}
    symbolic = len(names) <= SYMBOLIC

    def measured(d: Dim) -> Dim:
        return d if symbolic else dim({(): d.size(known)})

    counter = Counter(measured)
    rows: dict[Expr, Cost] = {}
    uncounted: dict[str, None] = {}
    totals = []
    passes = ([s[:2] for s in b.stages], [c[1:] for c in (*b.cotangents, *b.gradients)])
    for assignments in passes:
        total = NOTHING
        for symbol, e in assignments:
            found = counter.cost(e)
            counter.name(e, symbol)
            rows[symbol] = found
            total = total + found.flops
            uncounted |= found.uncounted
        totals.append(total)
    parameters = NOTHING
    for p in b.parameters:
        parameters = parameters + measured(_count(p))
    tangents = _tangents(b, {p: measured(_count(p)) for p in b.parameters}, measured)
    return NetworkCosts(rows, totals[0], totals[1], tangents, parameters, known, symbolic, tuple(uncounted))


def _tangents(b: Backprop, counts: Mapping[Expr, Dim], measured: Callable[[Dim], Dim]) -> Dim:
    """Σ over the stages: how many tangents come in, times the cost of carrying one through; and what that needs once."""
    counter = Counter(measured)  # what the pass over the values has computed is there
    for stage in b.stages:
        counter.cost(stage.expression)
        counter.name(stage.expression, stage.symbol)
    bits = {p: 1 << i for i, p in enumerate(b.parameters)}
    moved_by: dict[Expr, int] = dict(bits)  # the parameters that move a value, one bit each
    entries_of: dict[int, Dim] = {0: NOTHING}
    by_bit = list(counts.values())
    total = NOTHING
    for stage in b.stages:
        inputs = [v for v in stage.inputs if v in moved_by]
        if not inputs:
            continue
        incoming = [v for v in inputs if v not in bits]
        first = moved_by[incoming[0]] if incoming else 0
        arriving, count = first, entries_of[first]
        for v in incoming[1:]:
            count = _with(count, moved_by[v] & ~arriving, by_bit)
            arriving |= moved_by[v]
        if incoming:
            directions = {v: differential_symbol(v) for v in incoming}
            each, once = counter.linear(differential(stage.expression, directions), set(directions.values()))
            total = total + count * each + once
        if len(inputs) > len(incoming):
            dy, all_directions = b.local_differentials[stage.symbol]
            total = total + counter.linear(dy, set(all_directions.values()))[1]
        leaving = arriving
        for v in inputs:
            if v in bits:
                count = _with(count, bits[v] & ~leaving, by_bit)
                leaving |= bits[v]
        moved_by[stage.symbol] = leaving
        entries_of[leaving] = count
    return total


def _with(count: Dim, new: int, by_bit: list[Dim]) -> Dim:
    """The count with the entries of the parameters whose bits are set."""
    while new:
        low = new & -new
        count = count + by_bit[low.bit_length() - 1]
        new ^= low
    return count


def _count(e: Expr) -> Dim:
    n = entries(e.shape)
    return dim(1) if n is UNIT else n
