"""What is known of sets of operands of one contraction, however many there are."""

from __future__ import annotations

from functools import reduce
from random import Random

import numpy as np
import pytest

import frechet as fr
from frechet.compilation.contraction_order import ContractionOrder
from frechet.compilation.operand_sets import bits_of
from frechet.compilation.ordering import Ordering
from frechet.compilation.timing import Rates
from frechet.compilation.values import Graph
from frechet.expressions.dimension import dim


def test_a_product_of_thousands_of_matrices() -> None:
    """Longer than Python's stack is deep."""
    graph, n, count = Graph(), dim("n"), 3000
    matrices = [graph.make("input", (), (f"M{i}",), (n, n)) for i in range(count)]
    labels = tuple((i, i + 1) for i in range(count))
    whole = graph.make("contract", matrices, (labels, (0, count), (n,) * (count + 1), 1), (n, n))
    order = ContractionOrder(Ordering(graph, Rates({"n": 2}), (), ()), whole)
    assert order.kept(order.everything) == (0, count)
    assert order.kept(order.everything ^ 1) == (1, count)
    assert order.sets.entries(order.everything ^ 2) == 2**4
    assert order.sets.size(2 ** (count + 1) - 1) == 2 ** (count + 1)


@pytest.mark.parametrize("ends", ["", "*v", "u'*", "u'*v"])
def test_products_deeper_than_the_stack(ends: str) -> None:
    """They are multiplied from their vector, or pair by pair."""
    count, n, rng = 400, 3, np.random.default_rng(0)
    left, _, right = ends.rpartition("*") if ends.endswith("v") else (ends[:-1], "", "")
    factors = [*([left] if left else []), *(f"A{i}" for i in range(count)), *(["v"] if right else [])]
    declared = {**{f"A{i}": "n×n" for i in range(count)}, "u": "n", "v": "n"}
    program = fr.compile(fr.parse("*".join(factors), declared))
    values = {name: np.linalg.qr(rng.standard_normal((n, n)))[0] for name in declared if name.startswith("A")}
    values |= {"u": rng.standard_normal(n), "v": rng.standard_normal(n)}
    used = {name: values[name] for name in program.arguments.names}
    want = reduce(np.dot, [values[f.rstrip("'")] for f in factors])
    assert np.allclose(program(**used), want)
    lines = program.at(n=50).function.splitlines()
    assert sum(".dot(" in line or "dgemm(" in line for line in lines) <= len(factors)
    if ends:
        assert not any("A0.dot(A1)" in line for line in lines)


def test_what_is_left_of_a_set_does_not_depend_on_the_order() -> None:
    """The greedy search knows the same of sets as is found from their operands."""
    graph, n, count = Graph(), dim("n"), 12
    matrices = [graph.make("input", (), (f"M{i}",), (n, n)) for i in range(count)]
    for seed in range(20):
        random = Random(seed)
        labels = [tuple(random.sample(range(9), 2)) for _ in range(count)]
        out = tuple(random.sample(sorted({k for pair in labels for k in pair}), 2))
        whole = graph.make("contract", matrices, (tuple(labels), out, (n,) * 9, 1), (n, n))
        order = ContractionOrder(Ordering(graph, Rates({"n": 5}), (), ()), whole)
        order.value()
        for mask in order.parts:
            inside = {k for i in bits_of(mask) for k in order.ins[i]}
            outside = {k for i in bits_of(order.everything ^ mask) for k in order.ins[i]}
            assert set(order.kept(mask)) == inside & (outside | set(out))
