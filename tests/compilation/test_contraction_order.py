"""What is known of sets of operands of one contraction, however many there are."""

from __future__ import annotations

from frechet.compilation.contraction_order import ContractionOrder
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
    assert order.entries(order.everything ^ 2) == 2**4
    assert order.size(2 ** (count + 1) - 1) == 2 ** (count + 1)
