"""The order in which the steps of a program are written: what lives long in memory comes as late as it can."""

from __future__ import annotations

from collections.abc import Sequence

from frechet.compilation.values import Value, results_early

GAP = 1 << 60  # between the places of two steps, for those that come between them


def in_order(steps: Sequence[Value], roots: Sequence[Value]) -> list[Value]:
    """The steps to these results in the order in which they are written, operands first."""
    return _determinants_first(_functions_late(results_early(steps, roots), roots))


def _functions_late(steps: Sequence[Value], roots: Sequence[Value]) -> list[Value]:
    """The steps with functions of entries right after the last use of their operand, or right before their own first.

    The derivative of a layer is written over the layer then, once its last product is there, and lives half as long. Where
    the last use could be written over the operand, it stays the last.
    """
    chosen = set(roots)
    place: dict[Value, int] = {v: i * GAP for i, v in enumerate(steps)}
    first: dict[Value, int] = {}  # where a value is used first, and last, or before what is written over it
    last: dict[Value, int] = dict.fromkeys(roots, len(steps) * GAP)
    moved: dict[int, int] = {}  # the place after which a step comes -> the place of what comes next then
    for v in reversed(steps):
        x = _only_array(v)
        if x is not None and v in first and v not in chosen:
            after = place[v] if x not in last else min(last[x], first[v] - 1)
            anchor = after - after % GAP
            following = moved.get(anchor, anchor + GAP)
            if anchor > place[v] and following - anchor > 1:
                place[v] = moved[anchor] = (anchor + following) // 2
        for a in v.args:
            first[a] = min(first.get(a, place[v]), place[v])
            last[a] = max(last.get(a, 0), place[v] - _may_be_over(v, a))
    return sorted(steps, key=place.__getitem__)


def _may_be_over(v: Value, a: Value) -> bool:
    """Could v be written over its operand a: does each entry follow from those at the same place?"""
    if v.op == "contract":
        ins, out, _, _ = v.params
        return v.shape == a.shape and {k for labels in ins for k in labels} <= {*out}
    return v.shape == a.shape and v.op == "map"


def _only_array(v: Value) -> Value | None:
    """The operand of a function of the entries of one array, which another step makes; None if v is no such function."""
    arrays = [a for a in v.args if a.shape]
    plain = v.op == "map" and v.params[0][0] != "linear" and v.shape and len(arrays) == 1
    return arrays[0] if plain and arrays[0].shape == v.shape and arrays[0].op != "input" else None


def _determinants_first(steps: Sequence[Value]) -> list[Value]:
    """The steps with determinants, which read a factorization only, before what may be written over it."""
    found: dict[Value, list[Value]] = {}
    for v in steps:
        if v.op in ("logdet", "det"):
            found.setdefault(v.args[0], []).append(v)
    return [u for v in steps if v.op not in ("logdet", "det") for u in (v, *found.get(v, ()))]
