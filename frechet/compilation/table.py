"""The cost table of a program: every step with its shape, its floating-point operations, the bytes it reads and writes.

A flop is one addition, multiplication, division, root or value of a function, entry by entry, as in `costs`; a step of
LAPACK counts what Golub & Van Loan (2013), sections 3.2.6 and 4.2.5, count. What a page of its own computes is not counted:
its flops are shown as -.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

from frechet.compilation.row_blocks import Block
from frechet.compilation.timing import FACTORIZING, Rates
from frechet.compilation.values import Value

ITEM = {"s": 4, "d": 8, "c": 8, "z": 16}
FACTORED = {"cholesky": 1 / 3, "lu": 2 / 3}  # of n³


class Row(NamedTuple):
    """A step: its source, the shape of its result, flops (None where not counted), bytes."""

    text: str
    shape: str
    flops: int | None
    bytes: int


def flops(v: Value, rates: Rates) -> int | None:
    """The floating-point operations of one step, its operands being there; None where they are not known."""
    count = rates.entries(v.shape)
    if v.op == "contract":
        ins, out, dims, c = v.params
        lengths = [rates.size(d) for d in dims]
        every: int = prod(lengths[k] for k in {k for labels in ins for k in labels} | set(out))
        summed = {k for labels in ins for k in labels} - set(out)
        if len(ins) == 2:
            return (2 if summed else 1) * every
        return (every if summed else 0) + (count if c != 1 else 0)
    if v.op == "map":
        return max(len(v.args) - 1, 1) * count
    if v.op in FACTORIZING:
        n = rates.size(v.args[0].shape[0])
        if v.op == "solve":
            return 2 * n * rates.entries(v.args[1].shape)
        factor = v.args[0].op
        return n if v.op in ("logdet", "det") else round((2 / 3 if factor == "cholesky" else 4 / 3) * n**3)
    if v.op == "resolvent":  # where it takes no product
        return 2 * count
    if v.op in FACTORED:
        return round(FACTORED[v.op] * rates.size(v.shape[0]) ** 3)
    if v.op == "over_rows":
        (block,) = v.params
        counts = [flops(u, _of_all(block, rates)) for u in block.steps]
        return None if None in counts else sum(c or 0 for c in counts)
    if v.op in ("norm2", "extreme", "cumsum"):
        return (2 if v.op == "norm2" else 1) * rates.entries(v.args[0].shape)
    return None if v.op == "page" else 0


def _of_all(block: Block, rates: Rates) -> Rates:
    """The sizes in a block, were it of all rows."""
    return Rates({**rates.names, str(block.rows): rates.size(block.along)})


def moved(v: Value, rates: Rates, letter: str) -> int:
    """The bytes that a step reads and writes."""
    if v.op == "over_rows":
        (block,) = v.params
        every = _of_all(block, rates)
        return ITEM[letter] * sum(every.entries(u.shape) for u in (*block.inputs, *block.results))
    return ITEM[letter] * (rates.entries(v.shape) + sum(rates.entries(a.shape) for a in v.args))


def show(rows: Sequence[Row], sizes: str) -> str:
    """The rows as a table of fixed columns, with their sum."""
    total = Row(f"in all, {sizes}" if sizes else "in all", "", sum(r.flops or 0 for r in rows), sum(r.bytes for r in rows))
    cells = [("operation", "shape", "flops", "bytes")]
    cells += [(r.text, r.shape, "-" if r.flops is None else f"{r.flops:,}", f"{r.bytes:,}") for r in (*rows, total)]
    widths = [max(len(row[k]) for row in cells) for k in range(4)]
    lines = [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}  {d:>{widths[3]}}".rstrip() for a, b, c, d in cells]
    return "\n".join(lines)
