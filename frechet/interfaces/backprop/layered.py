"""Where the boxes of a graph stand: in layers, sources above what they lead to, long edges in lanes of their own.

Source:  Sugiyama, Tagawa & Toda (1981): layers, then the order in each by the means of the neighbours, then the places.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

from frechet.expressions.errors import LimitError

SWEEPS = 12
GAP = 22.0  # between boxes side by side
LANE = 14.0  # the width of an edge that passes a layer
PASSING = 20_000  # layers that edges pass


class Layout(NamedTuple):
    """layers: the nodes from top to bottom, left to right; x: the middle of each; paths: the nodes each edge passes."""

    layers: list[list[int]]
    x: list[float]
    paths: dict[tuple[int, int], list[int]]


def layered(widths: Sequence[float], edges: Sequence[tuple[int, int]]) -> Layout:
    """The layout of nodes 0 … of the given widths; edges lead from nodes to later ones.

    Nodes beyond these, in layers and paths, are the passing places of long edges.

    Raises:  LimitError, if there are too many of them
    """
    count = len(widths)
    sources: list[list[int]] = [[] for _ in range(count)]
    targets: list[list[int]] = [[] for _ in range(count)]
    for a, b in edges:
        sources[b].append(a)
        targets[a].append(b)
    level = [0] * count
    for b in range(count):
        level[b] = 1 + max((level[a] for a in sources[b]), default=-1)
    for a in reversed(range(count)):  # what comes from nowhere stands just above its first use
        if not sources[a] and targets[a]:
            level[a] = min(level[b] for b in targets[a]) - 1
    lowest = min(level, default=0)
    sizes = list(widths)
    layers: list[list[int]] = [[] for _ in range(max(level, default=0) - lowest + 1)]
    for node in range(count):
        layers[level[node] - lowest].append(node)
    up: list[list[int]] = [[] for _ in range(count)]
    down: list[list[int]] = [[] for _ in range(count)]
    paths: dict[tuple[int, int], list[int]] = {}
    passing = sum(level[b] - level[a] - 1 for a, b in edges)
    if passing > PASSING:
        raise LimitError(f"long edges pass {passing:,} layers in all; at most {PASSING:,} are drawn in a picture")
    for a, b in edges:
        path = [a]
        for between in range(level[a] + 1, level[b]):
            sizes.append(LANE)
            up.append([])
            down.append([])
            layers[between - lowest].append(len(sizes) - 1)
            path.append(len(sizes) - 1)
        path.append(b)
        for one, next_one in itertools.pairwise(path):
            down[one].append(next_one)
            up[next_one].append(one)
        paths[a, b] = path
    _order(layers, up, down)
    return Layout(layers, _places(layers, sizes, up, down, count), paths)


def _order(layers: list[list[int]], up: Sequence[Sequence[int]], down: Sequence[Sequence[int]]) -> None:
    """Sorts every layer by the mean place of the neighbours above, then below, and keeps the order with fewest crossings."""
    place: dict[int, float] = {}

    def number(layer: Sequence[int]) -> None:
        place.update((node, i - (len(layer) - 1) / 2) for i, node in enumerate(layer))

    for layer in layers:
        number(layer)
    best, fewest = [list(layer) for layer in layers], _crossings(layers, down)
    for sweep in range(SWEEPS):
        near = up if sweep % 2 == 0 else down
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            means = {n: sum(place[m] for m in near[n]) / len(near[n]) if near[n] else place[n] for n in layer}
            layer.sort(key=lambda n: means[n])
            number(layer)
        crossings = _crossings(layers, down)
        if crossings < fewest:
            best, fewest = [list(layer) for layer in layers], crossings
    layers[:] = best


def _crossings(layers: Sequence[Sequence[int]], down: Sequence[Sequence[int]]) -> int:
    total = 0
    for upper, lower in itertools.pairwise(layers):
        at = {node: i for i, node in enumerate(lower)}
        ends = [sorted(at[b] for b in down[a]) for a in upper]
        seen: list[int] = []
        for own in ends:
            total += sum(1 for b in own for earlier in seen if earlier > b)
            seen.extend(own)
    return total


def _places(
    layers: Sequence[Sequence[int]],
    widths: Sequence[float],
    up: Sequence[Sequence[int]],
    down: Sequence[Sequence[int]],
    real: int,
) -> list[float]:
    """Each node as near to the mean of its neighbours as the order and the widths allow; edges prefer to be straight."""
    x = [0.0] * len(widths)
    for layer in layers:
        end = 0.0
        for node in layer:
            x[node] = end + widths[node] / 2
            end += widths[node] + GAP
        middle = (end - GAP) / 2
        for node in layer:
            x[node] -= middle
    # what comes from nowhere follows what it leads to, rather than moving it out of its line
    pull = [1.0 if above else 0.1 for above in up]
    near = [[*u, *d] for u, d in zip(up, down, strict=True)]
    for sweep in range(SWEEPS):
        for layer in layers if sweep % 2 else reversed(layers):
            wanted = [_mean(x, near[n], pull) if near[n] else x[n] for n in layer]
            weights = [(1.0 if n < real else 4.0) * pull[n] for n in layer]
            for node, place in zip(layer, _apart(wanted, [widths[n] for n in layer], weights), strict=True):
                x[node] = place
    return x


def _mean(x: Sequence[float], nodes: Sequence[int], pull: Sequence[float]) -> float:
    return sum(x[m] * pull[m] for m in nodes) / sum(pull[m] for m in nodes)


def _apart(wanted: Sequence[float], widths: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The places in this order that are nearest to the wanted ones, by least squares, with no two boxes closer than GAP.

    Source:  Best & Chakravarti (1990): pool adjacent violators, of the places less what must lie to their left
    """
    offsets = [0.0]
    for left, right in itertools.pairwise(widths):
        offsets.append(offsets[-1] + (left + right) / 2 + GAP)
    pools: list[tuple[float, float, int]] = []  # mean, weight, how many
    for place, offset, weight in zip(wanted, offsets, weights, strict=True):
        mean, total, many = place - offset, weight, 1
        while pools and pools[-1][0] > mean:
            other, other_weight, other_many = pools.pop()
            mean = (mean * total + other * other_weight) / (total + other_weight)
            total, many = total + other_weight, many + other_many
        pools.append((mean, total, many))
    means = [mean for mean, _, many in pools for _ in range(many)]
    return [mean + offset for mean, offset in zip(means, offsets, strict=True)]
