"""What it costs to evaluate expressions once: floating-point operations, counted as polynomials in the dimensions.

A flop is one addition, subtraction, multiplication, division, root, power or value of a function such as exp, entry by
entry; comparisons, copies and transposes are free. Matrices are taken to be full. Every node of the graph is counted once,
products in the order in which the NumPy program multiplies them, each A*B of n×k and k×m as 2nkm.

| family | flops | source |
|---|---|---|
| product of n×k and k×m | 2nkm | Golub & Van Loan (2013), table 1.1.2 |
| determinant of an n×n matrix, by its LU factors | 2n³/3 | section 3.2.6 |
| inverse of an n×n matrix | 2n³ | sections 3.2.6 and 3.1.2: LU factors, n right-hand sides |
| Cholesky factor | n³/3 | section 4.2.5 |
| softmax, logsumexp | 4, 3 for each entry | subtract the largest, exp, sum, divide |
| layer norm, rms norm | 6, 3 for each entry | mean, subtract, square, sum, divide |

What is not in these families, such as eigenvalues, is not counted, and said not to be.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from frechet.compilation.stability import stable
from frechet.expressions.dimension import UNIT, Dim, Shape, dim, entries
from frechet.expressions.node import Expr, walk
from frechet.operations.constants import is_ones
from frechet.operations.elementwise import Elementwise
from frechet.operations.extrema import ExtremumPage
from frechet.operations.hadamard import MONOMIAL, POWER
from frechet.operations.indexing import indexed
from frechet.operations.products import PRODUCT, SCALE
from frechet.operations.sums import SUM
from frechet.operations.transposition import TRANSPOSE

NOTHING = dim({})
FREE = frozenset({
    "variable", "number", "pi", "size", "ones", "zeros", "eye", "unit", "selection", "commutation", "duplication",
    "elimination", "transpose", "vec", "unvec", "vech", "reshape", "blocks", "diag", "tril", "triu", "maximum", "minimum",
    "max", "min", "max_of_rows", "min_of_rows", "clip", "sign", "step", "relu", "abs",
})  # fmt: skip
PER_ENTRY = {  # of the argument
    "softmax": 4, "softmax_of_rows": 4, "logsumexp": 3, "logsumexp_of_rows": 3, "maskedsoftmax": 4, "sum": 1, "prod": 1,
    "prod_of_rows": 1, "norm2": 2, "norm2_of_rows": 2, "norm1": 1, "normp": 3, "var": 4, "var_of_rows": 4, "layernorm": 6,
    "layernorm_of_rows": 6, "rmsnorm": 3, "rmsnorm_of_rows": 3, "sym": 2, "skew": 2,
}  # fmt: skip


@dataclass
class Cost:
    """`flops`, and the operations that are not in it."""

    flops: Dim = NOTHING
    uncounted: dict[str, None] = field(default_factory=dict)

    def size(self, sizes: Mapping[str, int]) -> int:
        return self.flops.size(sizes)


class Counter:
    """Costs of expressions that are evaluated one after the other: a node that was counted before is free.

    measured: what is made of the cost of a node before it is added, such as a number instead of a polynomial
    """

    def __init__(self, measured: Callable[[Dim], Dim] = lambda d: d) -> None:
        self.seen: set[Expr] = set()
        self.measured = measured

    def cost(self, *roots: Expr) -> Cost:
        """The cost of what is new in these expressions.

        >>> from frechet.notation.reading import parse
        >>> counter = Counter()
        >>> counter.cost(parse("tanh(A*x) + b")).flops, counter.cost(parse("tanh(A*x)")).flops
        (Dim(2*m*n+2*n), Dim(0))
        """
        total = Cost()
        for node in evaluated(stable(roots)):
            if node in self.seen:
                continue
            self.seen.add(node)
            flops, unknown = node_cost(node)
            if flops.terms:
                total.flops = total.flops + self.measured(flops)
            if unknown:
                total.uncounted[unknown] = None
        return total

    def name(self, e: Expr, symbol: Expr) -> None:
        """The value of e is there from now on."""
        self.seen.update((*stable([e]), symbol))

    def linear(self, root: Expr, moving: Collection[Expr]) -> tuple[Dim, Dim]:
        """The costs of a linear map of `moving`: of what depends on it, for each time; of what is new of the rest, once."""
        inside: set[Expr] = set()
        each, once = NOTHING, NOTHING
        for node in evaluated([root]):
            if node in moving:
                inside.add(node)
            elif any(a in inside for a in node.op.operands(node)):
                inside.add(node)
                each = each + self.measured(node_cost(node)[0])
            elif node not in self.seen:
                self.seen.add(node)
                once = once + self.measured(node_cost(node)[0])
        return each, once


def cost(*roots: Expr) -> Cost:
    """The cost of evaluating these expressions once."""
    return Counter().cost(*roots)


def evaluated(roots: Iterable[Expr]) -> list[Expr]:
    """The nodes whose values the NumPy program computes."""
    roots = list(roots)
    needed = set(roots)
    found = []
    for node in reversed(list(walk(*roots))):
        if node in needed:
            needed.update(node.op.operands(node))
            found.append(node)
    return found[::-1]


def node_cost(node: Expr) -> tuple[Dim, str]:
    """The flops of one node given its operands, and its name if they are not known."""
    op, n = node.op, _count(node.shape)
    if op in RULES:
        return RULES[op](node), ""
    if op.name in FREE:
        return NOTHING, ""
    if op.name in PER_ENTRY:
        return _count(node.args[0].shape) * dim(PER_ENTRY[op.name]), ""
    if isinstance(op, (Elementwise, ExtremumPage)) or op is POWER or op.name == "declared_elementwise":
        return n, ""
    if op.name in ("tr", "diagonal"):
        operands = op.operands(node)
        rows = _length(node.args[0].shape[0])
        if len(operands) == 2:  # entries of a product, the diagonal only
            return rows * _length(operands[0].shape[1]) * dim(2), ""
        return (rows if op.name == "tr" else NOTHING), ""
    if op.name in ("det", "logdet"):
        return _cube(node.args[0], Fraction(2, 3)), ""
    if op.name == "cholesky":
        return _cube(node.args[0], Fraction(1, 3)), ""
    if op.name == "matrix_power":
        k = node.params[0]
        times = max(abs(k).bit_length() - 1 + abs(k).bit_count() - 1, 0)
        return _cube(node.args[0], Fraction(2 * times + (2 if k < 0 else 0))), ""
    return NOTHING, op.typed_as or op.name


def _sum(node: Expr) -> Dim:
    """Additions, and multiplications by coefficients that are not ±1."""
    steps = len(node.args) - 1 + sum(abs(c) != 1 for c in node.params)
    return _count(node.shape) * dim({(): steps})


def _hadamard(node: Expr) -> Dim:
    """Products, quotients (a first one too) and powers of every entry."""
    steps = sum(abs(k) != 1 for k in node.params) + len(node.args) - 1 + (1 if all(k < 0 for k in node.params) else 0)
    return _count(node.shape) * dim({(): steps})


def _product(node: Expr) -> Dim:
    """As `products` multiplies: from the vector's side, else from the left; diagonal factors scale rows or columns."""
    operands = node.op.operands(node)
    total = NOTHING
    scaled = [i for i, (a, b) in enumerate(zip(node.args, operands, strict=True)) if a is not b]
    for i in scaled:
        beside = node.args[i - 1] if i > 0 else node.args[i + 1]
        total = total + _count(beside.shape)
    kept = [a for i, a in enumerate(node.args) if i not in scaled]
    if len(kept) < 2:
        return total
    shapes: list[Shape] = []
    trivial: list[bool] = []
    for i, rows, columns in indexed(kept):  # X[a:b] is a part of X
        e = kept[i]
        shapes.append((e.shape[0] if rows is None else rows.shape[1], e.shape[1] if columns is None else columns.shape[1]))
        trivial.append(is_ones(_plain(e)))
    cut = next((i for i, s in enumerate(shapes[:-1]) if s[1] is UNIT), None)
    if cut is None:
        return total + _chain(shapes, trivial)
    left, right = shapes[: cut + 1], shapes[cut + 1 :]
    total = total + _chain(left, trivial[: cut + 1]) + _chain(right, trivial[cut + 1 :])
    repeated = (len(left) == 1 and trivial[cut]) or (len(right) == 1 and trivial[cut + 1])
    return total if repeated else total + _length(left[0][0]) * _length(right[-1][1])


def _chain(shapes: Sequence[Shape], trivial: Sequence[bool]) -> Dim:
    """2nkm for every product of two; sums of rows or columns, A*ones, are nk additions."""
    if len(shapes) < 2:
        return NOTHING
    total = NOTHING
    backwards = shapes[-1][1] is UNIT and shapes[0][0] is not UNIT
    order = list(range(len(shapes)))[::-1] if backwards else list(range(len(shapes)))
    rows, columns = shapes[order[0]]
    for position, i in enumerate(order[1:]):
        other = shapes[i]
        a, b = (other, (rows, columns)) if backwards else ((rows, columns), other)
        flops = _length(a[0]) * _length(a[1]) * _length(b[1])
        plain = trivial[i] or (position == 0 and trivial[order[0]])
        total = total + (flops if plain else flops * dim(2))
        rows, columns = a[0], b[1]
    return total


def _cube(e: Expr, factor: Fraction) -> Dim:
    n = _length(e.shape[0])
    return n * n * n * dim({(): factor})


def _plain(e: Expr) -> Expr:
    return e.args[0] if e.op is TRANSPOSE else e


def _length(d: Dim) -> Dim:
    return dim(1) if d is UNIT else d


def _count(shape: Shape) -> Dim:
    n = entries(shape)
    return dim(1) if n is UNIT else n


RULES: dict[object, Callable[[Expr], Dim]] = {
    SUM: _sum,
    MONOMIAL: _hadamard,
    PRODUCT: _product,
    SCALE: lambda node: _count(node.shape),
}
