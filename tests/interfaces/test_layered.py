"""Layers: edges go downwards, boxes keep apart, long edges have lanes that no box covers."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest

from frechet.expressions.errors import LimitError
from frechet.interfaces.backprop.layered import GAP, LANE, layered


def graph(seed: int) -> tuple[list[float], list[tuple[int, int]]]:
    rng = Random(seed)
    count = rng.randint(2, 40)
    edges = {(rng.randrange(b), b) for b in range(1, count) for _ in range(rng.randint(0, 3))}
    return [rng.uniform(20, 300) for _ in range(count)], sorted(edges)


@pytest.mark.parametrize("seed", range(40))
def test_layouts(seed: int) -> None:
    widths, edges = graph(seed)
    found = layered(widths, edges)
    row = {node: i for i, layer in enumerate(found.layers) for node in layer}
    assert set(row) == set(range(len(found.x)))
    for edge, path in found.paths.items():
        assert (path[0], path[-1]) == edge
        assert [row[n] for n in path] == list(range(row[path[0]], row[path[-1]] + 1))
        assert all(n >= len(widths) for n in path[1:-1])
    assert set(found.paths) == set(edges)
    sizes = [*widths, *[LANE] * (len(found.x) - len(widths))]
    for layer in found.layers:
        for left, right in pairwise(layer):
            assert found.x[right] - found.x[left] >= (sizes[left] + sizes[right]) / 2 + GAP - 1e-6


def test_a_residual_chain_stays_in_its_column() -> None:
    """Fifty blocks h → a → f → h with an edge past them: the picture does not drift to the side."""
    edges = [e for i in range(0, 150, 3) for e in ((i, i + 1), (i + 1, i + 2), (i + 2, i + 3), (i, i + 3))]
    x = layered([150.0] * 151, edges).x
    assert max(x[:151]) - min(x[:151]) < 600


def test_very_long_edges_are_refused_by_number() -> None:
    with pytest.raises(LimitError, match="pass 21,000 layers"):
        layered([10.0] * 102, [(i, i + 1) for i in range(101)] + [(0, 101)] * 210)
