"""Products with matrices of blocks and functions of blocks, block by block.

[A, B; C, D]*[x; y] is [A*x + B*y; C*x + D*y], and sum(tanh([x; y])) is sum(tanh(x)) + sum(tanh(y)): derivatives by x need
these parts alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from frechet.expressions.dimension import SCALAR
from frechet.expressions.node import Expr, rebuild
from frechet.operations.blocks import BLOCKS, Grid, blocks, columns_of, grid
from frechet.operations.indexing import part
from frechet.operations.products import PRODUCT, product
from frechet.operations.reductions import SUM_ALL
from frechet.operations.sums import add
from frechet.simplification.parts import entrywise, of_arrays

FEW = 4  # blocks that functions are taken of one by one: each is a call


def with_block_products(roots: Sequence[Expr]) -> list[Expr]:
    """The expressions with products that have a factor of blocks, matrices among them, multiplied block by block.

    Functions of the entries of blocks, and sums of these, are taken block by block too, where no block is a number.
    """

    def change(node: Expr, args: tuple[Expr, ...]) -> Expr:
        if node.op is SUM_ALL and _of_arrays(args[0]):
            return add([(1, SUM_ALL.build(a)) for a in args[0].args])
        if entrywise(node) and all(map(_of_arrays, args)) and len({_partition(a) for a in args}) == 1:
            cells = zip(*(a.args for a in args), strict=True)
            return BLOCKS.rebuild(args[0], tuple(of_arrays(node, some) for some in cells))
        if node.op is PRODUCT and any(map(_of_matrices, args)):
            return _multiplied(list(args))
        return node if args == node.args else node.op.rebuild(node, args)

    return rebuild(roots, change)


def _of_arrays(e: Expr) -> bool:
    return e.op is BLOCKS and len(e.args) <= FEW and all(a.shape != SCALAR for a in e.args)


def _partition(e: Expr) -> tuple[Any, ...]:
    """How many blocks there are beside each other, and what shapes they have."""
    return (*e.params, *(a.shape for a in e.args))


def _of_matrices(e: Expr) -> bool:
    return e.op is BLOCKS and any(a.kind == "matrix" for a in e.args)


def _multiplied(factors: list[Expr]) -> Expr:
    """The product; from a factor of blocks on first with what stands on its right, then with what stands on its left."""
    while len(factors) > 1:
        i = next((i for i, f in enumerate(factors) if _of_matrices(f)), None)
        if i is None:
            return product(*factors)
        i = min(i, len(factors) - 2)
        factors[i : i + 2] = [_pair(factors[i], factors[i + 1])]
    return factors[0]


def _pair(a: Expr, b: Expr) -> Expr:
    left = grid(a) if a.op is BLOCKS else None
    right = grid(b) if b.op is BLOCKS else None
    if left is not None and (right is None or [row[0].shape[0] for row in right] != [e.shape[1] for e in left[0]]):
        selectors = columns_of(tuple(e.shape[1] for e in left[0]))
        right = [[part(b, s) if b.kind == "vector" else part(b, s, None)] for s in selectors]
    elif left is None:
        assert right is not None
        selectors = columns_of(tuple(row[0].shape[0] for row in right))
        left = [[part(a, s) if a.kind == "row" else part(a, None, s) for s in selectors]]
    assert left is not None and right is not None
    cells: Grid = [
        [add([(1, product(e, row[j])) for e, row in zip(line, right, strict=True)]) for j in range(len(right[0]))]
        for line in left
    ]
    return cells[0][0] if len(cells) == len(cells[0]) == 1 else blocks(cells)
