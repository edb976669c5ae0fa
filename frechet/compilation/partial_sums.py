"""Sums that have all terms of another sum, by way of that one.

Expressions keep sums flat, so that a step h = h + f(h) of a residual network or a recurrence is a sum of all steps before.
As values each is the one before and a term again: the additions grow with the depth, and not with its square.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import islice
from typing import Any

from frechet.compilation.rewriting import is_sum
from frechet.compilation.values import Graph, Labels, Value, informed, rebuild, remade

LEAST = 3  # terms that are shared
CANCELLED = 4  # a term may be added and taken away so many times what it counts in the whole
TRIED = 16  # sums, for each

Term = tuple[Value, Labels]
Terms = Mapping[Term, Any]  # with their coefficients


def partial_sums(graph: Graph, roots: Sequence[Value]) -> list[Value]:
    """The results with k·u + the rest for a sum that has the terms of a sum u that comes before it, most of them k times.

    A multiple of a sum of two terms is one too: y - p is -(p - y).
    """
    terms: dict[Value, Terms] = {}
    made: dict[Value, Value] = {}
    by_last: dict[Term, list[Value]] = {}  # the sums in which this term is the one that is known last
    position: dict[Value, int] = {}

    def change(v: Value, args: tuple[Value, ...]) -> Value:
        new = remade(graph, v, args)
        if is_sum(new) and new not in made:
            (_, *coefficients), ins = new.params
            own = dict(zip(zip(new.args, ins, strict=True), coefficients, strict=True))
            latest = sorted(own, key=lambda term: position[term[0]], reverse=True)
            made[new] = new
            fewest = len(own) - LEAST
            for u in islice((u for term in latest for u in reversed(by_last.get(term, ()))), TRIED):
                split = _split(own, terms[u])
                if split is not None and (len(split[1]) <= fewest or not split[1]):
                    fewest = len(split[1]) - 1
                    made[new] = _from_part(graph, new, made[u], *split)
            terms[new] = own
            by_last.setdefault(latest[0], []).append(new)
        result = made.get(new, new)
        position.setdefault(result, len(position))
        return result

    return rebuild(graph, roots, change)


def _split(own: Terms, theirs: Terms) -> tuple[Any, Terms] | None:
    """How many times the whole has the part, and what else; None where it has not all of its terms about as many times."""
    if len(theirs) > len(own) or not theirs.keys() <= own.keys():
        return None
    factor, _ = Counter(_ratio(own[term], c) for term, c in theirs.items()).most_common(1)[0]
    rest = {term: c - factor * theirs.get(term, 0) for term, c in own.items()}
    if any(abs(rest[term]) > CANCELLED * abs(c) for term, c in own.items()):
        return None
    return factor, {term: c for term, c in rest.items() if c != 0}


def _ratio(a: Any, b: Any) -> Any:
    exact = isinstance(a, int | Fraction) and isinstance(b, int | Fraction)
    return Fraction(a) / b if exact else a / b


def _from_part(graph: Graph, whole: Value, part: Value, factor: Any, rest: Terms) -> Value:
    axes = tuple(range(len(whole.shape)))
    if not rest:
        return graph.contract((part,), (axes,), axes, whole.shape, factor)
    new = graph.map(
        ("linear", factor, *rest.values()),
        [part, *(a for a, _ in rest)],
        whole.shape,
        [axes, *(labels for _, labels in rest)],
    )
    return informed(new, whole)
