"""Long chains and deep networks: time per operation, the size of a gradient as a graph and as a tree, thousands of layers.

    python benchmarks/chain.py

Prints three Markdown tables.
"""

from __future__ import annotations

import gc
from itertools import pairwise
from time import perf_counter

import frechet as fr
from frechet.compilation.numpy_source import numpy_source
from frechet.differentiation.adjoint import adjoint, adjoints
from frechet.differentiation.differential import differential, differential_symbol
from frechet.expressions.node import Expr, walk
from frechet.operations.constants import ONE
from frechet.simplification.polishing import polished

LENGTHS = (1_000, 10_000, 100_000)
LAYERS = 12
RUNS = 7
DEEP = (750, 1_500, 3_000)  # layers
DEEP_RUNS = 5


def chain(length: int) -> tuple[Expr, Expr]:
    """sum of x -> sin(x), x -> A*x, x -> x + b, … `length` operations long."""
    x, b, a = fr.vector("x", "n"), fr.vector("b", "n"), fr.matrix("A", "n", "n")
    h = x
    for i in range(length):
        h = fr.sin(h) if i % 3 == 0 else a @ h if i % 3 == 1 else h + b
    return fr.sum(h), x


def chain_row(length: int) -> str:
    gc.collect()
    start = perf_counter()
    g, x = chain(length)
    built = perf_counter()
    dx = differential_symbol(x)
    dg = differential(g, {x: dx})
    differentiated = perf_counter()
    gradient = adjoint(dg, dx, ONE)
    done = perf_counter()
    nodes = sum(1 for _ in walk(gradient))
    times = [built - start, differentiated - built, done - differentiated, done - start]
    return f"| {length:,} | " + " | ".join(f"{1e6 * t / length:.1f}" for t in times) + f" | {nodes:,} |"


def network(layers: int) -> tuple[Expr, list[Expr]]:
    h, weights = fr.vector("x", "n0"), []
    for i in range(1, layers + 1):
        w, b = fr.matrix(f"W{i}", f"n{i}", f"n{i - 1}"), fr.vector(f"b{i}", f"n{i}")
        weights.append(w)
        h = fr.tanh(w @ h + b)
    return fr.norm(h - fr.vector("y", f"n{layers}")) ** 2, weights


def tree_leaves(e: Expr) -> int:
    count: dict[Expr, int] = {}
    for node in walk(e):
        count[node] = node.op.own_leaves + sum(count[a] for a in node.args)
    return count[e]


def network_row(layers: int) -> str:
    best = float("inf")
    for _ in range(RUNS):
        loss, weights = network(layers)
        start = perf_counter()
        gradient = fr.derivative(loss, weights[0]).gradient
        best = min(best, perf_counter() - start)
        nodes, leaves = sum(1 for _ in walk(gradient)), tree_leaves(gradient)
        del gradient, loss, weights
    return f"| {layers} | {1e3 * best:.1f} | {nodes:,} | {leaves:,} |"


def read_network(layers: int) -> tuple[Expr, list[Expr]]:
    """The network with one W in all layers, from its text."""
    loss = fr.parse("norm2(" + "tanh(W*" * layers + "x" + " + b)" * layers + " - y)^2", ["b: n", "y: n"])
    return loss, [fr.variables(loss)["W"]]


DEEP_NETWORKS = {  # what is differentiated by: the network, and how many of its weights
    "W, the same in all layers": (read_network, 1),
    "the first weights": (network, 1),
    "the weights of every layer": (network, None),
}


def deep_row(layers: int, by: str) -> str:
    make, count = DEEP_NETWORKS[by]
    best = [float("inf")] * 6
    for _ in range(DEEP_RUNS):
        gc.collect()
        at = [perf_counter()]
        loss, weights = make(layers)
        at.append(perf_counter())
        directions = {w: differential_symbol(w) for w in weights[:count]}
        dg = differential(loss, directions)
        at.append(perf_counter())
        gradients = list(adjoints(dg, directions.values(), ONE).values())
        at.append(perf_counter())
        if count == 1:
            gradients = [polished(g) for g in gradients]
        at.append(perf_counter())
        numpy_source([loss, *gradients])
        at.append(perf_counter())
        spent = [b - a for a, b in pairwise(at)]
        best = [min(pair) for pair in zip(best, [*spent, at[-1] - at[0]], strict=True)]
        del loss, weights, directions, dg, gradients
    return f"| {layers:,} | {by} | " + " | ".join(f"{1e3 * t:.0f}" for t in best) + " |"


def main() -> None:
    print("| operations | build µs | differential µs | adjoint µs | all µs per operation | nodes of the gradient |")
    print("|---|---|---|---|---|---|")
    chain_row(100)  # warms up
    for length in LENGTHS:
        print(chain_row(length))
    print()
    print(f"| layers | gradient by the first weights, ms (best of {RUNS}) | nodes of the graph | leaves of the tree |")
    print("|---|---|---|---|")
    for layers in (3, 6, LAYERS, 2 * LAYERS):
        print(network_row(layers))
    print()
    print("| layers | gradient by | read or build ms | differential | adjoint | polish | NumPy source | all ms |")
    print("|---|---|---|---|---|---|---|---|")
    for by in DEEP_NETWORKS:
        for layers in DEEP:
            print(deep_row(layers, by))


if __name__ == "__main__":
    main()
