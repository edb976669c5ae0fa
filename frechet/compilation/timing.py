"""How long the steps of a program take, in seconds, roughly: enough to choose between two ways to compute a value.

Rates are those of one thread of a processor of today: matrix products are bound by arithmetic, everything that reads each
entry once or twice by memory, small steps by the call. Only ratios matter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any, TypeVar

from frechet.compilation.values import Labels, Value
from frechet.expressions.dimension import Dim

CALL = 3e-7  # one call of a library
SCALAR = 4e-8  # one operation on numbers
TENSOR = 5e-6  # longer for arrays of more than two axes
FLOP = 4e-11  # in a product of two matrices
ENTRY = 2.8e-10  # read or written once, in the cache
FAR = 1.2e-10  # longer for those beyond
NEAR = 50_000  # entries of an array that the cache keeps
STRIDED = 2e-9  # the same across the rows
FUNCTION = 4e-9  # exp, log, tanh of an entry
FACTOR = {"cholesky": 1 / 3, "lu": 2 / 3}  # of n³ flops
FACTORIZING = ("solve", "inverse", "logdet", "det")  # what needs factors of a matrix
LEAST = 32  # of the largest dimension, for choosing an order
VIEWS = ("input", "number", "size", "unit", "selection", "reshape", "ones")
CHEAP = ("linear", "power", "re", "im", "conj", "abs", "maximum", "minimum", "relu", "step", "sign")

Sizes = Mapping[Dim, int]
Some = TypeVar("Some", int, frozenset[int])
"""Some labels: a bit mask, or a set."""


def asymptotic(sizes: Mapping[str, int]) -> dict[str, int]:
    """The sizes in their proportions, but large enough for the work to matter beside the calls.

    Among tiny arrays the orders with the least work have the fewest steps too, as a rule.
    """
    largest = max(sizes.values(), default=LEAST)
    return {n: size if largest >= LEAST else max(size * LEAST // largest, 1) for n, size in sizes.items()}


class Rates:
    """Times of steps, the dimensions having these sizes."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self.names = sizes
        self.known: dict[Dim, int] = {}
        self.sets: dict[tuple[Labels, ...], Any] = {}  # what is known of operands with these labels

    def size(self, d: Dim) -> int:
        """The size, of n - k also 1 where the sizes that are assumed make nothing of it: times stay times."""
        found = self.known.get(d)
        if found is None:
            found = self.known[d] = max(d.size(self.names), 1)
        return found

    def entries(self, shape: Sequence[Dim]) -> int:
        return prod(map(self.size, shape))

    def moved(self, count: int) -> float:
        """The time to read or write so many entries."""
        return ENTRY * count + FAR * max(count - NEAR, 0)

    def product(self, a: Labels, b: Labels, out: Sequence[int], lengths: Sequence[int]) -> float:
        """Two operands with these labels, summed over what `out` does not have."""
        return self.joined(frozenset(a), frozenset(b), frozenset(out), lambda labels: prod(lengths[k] for k in labels))

    def joined(self, a: Some, b: Some, out: Some, size: Callable[[Some], int]) -> float:
        """The same for sets of labels, or bit masks; size: the product of the lengths of some."""
        if not a and not b:
            return SCALAR
        both = a & b
        batch = both & out
        summed = both ^ batch
        traffic = self.moved(size(a)) + self.moved(size(b)) + self.moved(size(out))
        if max(map(_count, (a, b, out))) > 2:
            traffic += TENSOR
            if not summed:
                return CALL + traffic + STRIDED * size(out)
        if not summed:
            return CALL + traffic + self.moved(size(out))
        if batch:  # small products one by one, or a loop over the entries
            return CALL + 2 * size(a | b) * FLOP * 10 + traffic
        rows, columns = a ^ both, b ^ both
        if rows and columns:
            thin = max(1, min(size(rows), size(columns), size(summed)))
            return CALL + 2 * size(a | b) * FLOP * (1 + 8 / thin) + traffic
        return CALL + traffic

    def reduction(self, labels: Labels, lengths: Sequence[int]) -> float:
        return 2 * CALL + self.moved(prod(lengths[k] for k in set(labels)))

    def solve(self, n: int, count: int) -> float:
        work = 2 * n * n * count * FLOP * (1.7 if count > 1 else 4)
        return 2 * CALL + work + self.moved(n * n) + 2 * self.moved(n * count)

    def inverse(self, n: int) -> float:
        return 3 * CALL + 1.5 * n**3 * FLOP * 1.5 + 4 * self.moved(n * n)

    def factor(self, kind: str, a: Value) -> float:
        """The time of a factorization of a matrix: kind is cholesky or lu."""
        n = self.size(a.shape[0])
        return 2 * CALL + FACTOR[kind] * n**3 * FLOP * 1.5 + 2 * self.moved(n * n)

    def of(self, v: Value) -> float:
        """The time of one step, its operands being there."""
        if v.op in VIEWS:
            return 0.0
        count = self.entries(v.shape)
        if v.op == "map":
            function, ins = v.params
            name = function[0]
            own = tuple(range(len(v.shape)))
            turned = any(len(labels) > 1 and labels != own for labels in ins)
            passes = max(len(v.args) - 1, 1)
            if not v.shape and name in CHEAP:
                return passes * SCALAR
            cheap = STRIDED * count if turned else 2 * self.moved(count)
            return passes * (CALL * (2 if turned else 0.7) + (cheap if name in CHEAP else FUNCTION * count))
        if v.op == "contract":
            ins, out, dims, _ = v.params
            lengths = [self.size(d) for d in dims]
            if len(ins) == 2:
                return self.product(ins[0], ins[1], out, lengths)
            if len(ins) == 1:
                scaled = 0.0 if v.params[3] == 1 else CALL + 2 * self.moved(count)
                view = set(ins[0]) <= set(out) and len(set(out)) == len(out)
                return scaled + (0.0 if view else CALL + self.moved(count) + self.reduction(ins[0], lengths))
            return CALL + self.moved(count)
        if v.op == "solve":
            t = v.args[1]
            n = self.size(t.shape[v.params[0]])
            return self.solve(n, self.entries(t.shape) // n)
        if v.op == "entries":
            return 2 * CALL
        if v.op == "cumsum":
            return CALL * (4 if v.params[1] else 1) + 2 * self.moved(count)
        if v.op == "resolvent":
            return 8 * CALL + 4 * self.moved(count)
        if v.op == "inverse":
            return self.inverse(self.size(v.shape[0]))
        if v.op in FACTOR:
            return self.factor(v.op, v.args[0])
        return 5 * CALL + FUNCTION * (count + sum(self.entries(a.shape) for a in v.args))

    def of_libraries(self, v: Value) -> float:
        """The part of that time which BLAS or LAPACK takes, in C too: not that of products with a vector."""
        if v.op == "contract" and len(v.args) == 2:
            ins, out, _, _ = v.params
            summed = set(ins[0]) & set(ins[1]) - set(out)
            return self.of(v) - CALL if summed and all(set(labels) - summed for labels in ins) else 0.0
        return self.of(v) - 2 * CALL if v.op in ("solve", "inverse", *FACTOR) else 0.0

    def total(self, values: Sequence[Value]) -> float:
        return sum(map(self.of, values))


def _count(labels: int | frozenset[int]) -> int:
    return labels.bit_count() if isinstance(labels, int) else len(labels)
