"""A network of one sample as a network of many: the samples are the rows, or the columns, of matrices.

What depends on the data becomes a matrix with a row for each sample; a number of each sample becomes a vector with an entry
for each. What does not, a weight or a bias, stays as it is, and is repeated where it meets the data. Only the functions
are rewritten so, operation by operation; derivatives are then taken of what came out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Literal, NamedTuple

from frechet.derivation.stages import Stage
from frechet.expressions.dimension import SCALAR, UNIT, Dim, Shape, dim
from frechet.expressions.errors import ShapeError, UnsupportedError
from frechet.expressions.node import Expr, walk
from frechet.expressions.operation import Operation, all_operations
from frechet.operations.blocks import BlocksPage, blocks
from frechet.operations.constants import ones, size, variable
from frechet.operations.elementwise import ABS, Elementwise
from frechet.operations.extrema import CLIP, ExtremumPage
from frechet.operations.hadamard import MONOMIAL, POWER, monomial, times
from frechet.operations.norms import NORM1
from frechet.operations.products import PRODUCT, SCALE, product, scale
from frechet.operations.reductions import SUM_ALL, sum_all
from frechet.operations.rowwise import row_sums
from frechet.operations.shaping import diag
from frechet.operations.sums import SUM, add
from frechet.operations.transposition import TRANSPOSE, transposed

Layout = Literal["rows", "columns"]
Total = Literal["sum", "mean"]


class Batch(NamedTuple):
    """The stages for a batch, and of every variable of the single sample that became a matrix, that matrix."""

    stages: list[Stage]
    data: dict[Expr, Expr]
    size: Dim


def batched(
    stages: Sequence[Stage], data: Collection[Expr], layout: Layout = "rows", total: Total = "sum", count: str = "N"
) -> Batch:
    """The stages for `count` samples; the loss is the sum, or the mean, of the losses of the samples.

    Shapes:  a vector of n becomes count×n (rows) or n×count (columns), a number a vector of count
    Raises:  ShapeError, where the data are matrices; UnsupportedError, by name, for an operation without a rule for samples
    """
    n = dim(count)
    found: dict[Expr, Expr] = {}
    rows: dict[Expr, Expr] = {}  # by variable or stage of one sample: its values, a row or an entry for each sample
    for v in data:
        if v.kind == "matrix" or len(v.shape) > 2:
            raise ShapeError(
                f"{v.params[0]} is a {v.kind} for one sample already, so a batch of it would have three axes or more:"
                " batches are of vectors and numbers"
            )
        found[v] = _symbol(v, n, layout)
        rows[v] = _turned(found[v], layout)
    new: list[Stage] = []
    for stage in stages:
        e = _Samples(rows, n).of(stage.expression)
        last = stage is stages[-1]
        if e is None and not last:
            new.append(stage)
            continue
        if last:
            e = sum_all(e) if e is not None else scale(size(n), stage.expression)
            e = e if total == "sum" else scale(monomial(SCALAR, [(size(n), -1)]), e)
            new.append(stage._replace(expression=e))
            continue
        assert e is not None
        symbol = _symbol(stage.symbol, n, layout)
        rows[stage.symbol] = _turned(symbol, layout)
        found[stage.symbol] = symbol
        new.append(stage._replace(symbol=symbol, expression=_turned(e, layout)))
    return Batch(new, found, n)


def _symbol(v: Expr, n: Dim, layout: Layout) -> Expr:
    """The variable for all samples of one sample's variable; what is known of single entries stays known."""
    name, _, domain, _ = v.params
    if v.kind == "scalar":
        shape: Shape = (n, UNIT)
    else:
        length = v.shape[0] if v.shape[1] is UNIT else v.shape[1]
        shape = (n, length) if layout == "rows" else (length, n)
    if domain in ("simplex", "onehot") and (layout == "columns" or v.kind == "scalar"):
        domain = "positive" if domain == "simplex" else "mask01"  # these are of rows
    return variable(name, shape, (), domain)


def _turned(e: Expr, layout: Layout) -> Expr:
    return e if layout == "rows" or e.kind == "vector" else transposed(e)


class _Samples:
    """The walk over one stage. Values of many samples: a vector where one sample has a number, else a matrix of rows."""

    def __init__(self, rows: dict[Expr, Expr], n: Dim) -> None:
        self.found: dict[Expr, Expr] = dict(rows)
        self.n = n
        self.ones = ones((n, UNIT))

    def of(self, root: Expr) -> Expr | None:
        """The values of all samples; None where the expression is the same for all of them."""
        for node in walk(root):
            if node in self.found or not any(a in self.found for a in node.args):
                continue
            if node.kind == "matrix" or len(node.shape) > 2:
                raise UnsupportedError(
                    f"{_shown(node)} is a {node.kind} for each sample, so a batch of it would have three axes or more:"
                    " there is no batched form of this network here"
                )
            self.found[node] = self.value(node)
        return self.found.get(root)

    def value(self, node: Expr) -> Expr:
        op = node.op
        rule = RULES.get(op)
        if rule is not None:
            return rule(self, node)
        if isinstance(op, (Elementwise, ExtremumPage)) or op in (POWER, CLIP) or op.name == "declared_elementwise":
            return op.rebuild(node, tuple(self.repeated(a, node) for a in node.args))
        if isinstance(op, BlocksPage):
            return self.side_by_side(node)
        if node.args[0] in self.found and not any(a in self.found for a in node.args[1:]):
            value = _of_rows(op, self.found[node.args[0]], [*node.args[1:], *node.params])
            if value is not None:
                return value
        raise UnsupportedError(f"{op.typed_as or op.name} has no rule for a batch of samples: ask for one sample")

    def repeated(self, a: Expr, like: Expr) -> Expr:
        """The values of an argument for all samples, the same row for each where it does not depend on the sample."""
        if a in self.found:
            found = self.found[a]
            if a.shape == SCALAR and like.shape != SCALAR:
                raise UnsupportedError(f"{like.op.typed_as or like.op.name} with a number of its own for each sample")
            return found
        if a.shape == SCALAR:
            return a if like.shape != SCALAR else scale(a, self.ones)
        return product(self.ones, _row(a))

    def sum(self, node: Expr) -> Expr:
        return add((c, self.repeated(a, node)) for c, a in zip(node.params, node.args, strict=True))

    def scaled(self, node: Expr) -> Expr:
        s, e = node.args
        if s not in self.found:
            return scale(s, self.found[e])
        return product(diag(self.found[s]), self.found[e]) if e in self.found else product(self.found[s], _row(e))

    def hadamard(self, node: Expr) -> Expr:
        if node.shape == SCALAR:
            factors = list(zip(node.args, node.params, strict=True))
            own = monomial((self.n, UNIT), [(self.found[a], k) for a, k in factors if a in self.found])
            same = [(a, k) for a, k in factors if a not in self.found]
            return scale(monomial(SCALAR, same), own) if same else own
        factors = [(self.repeated(a, node), k) for a, k in zip(node.args, node.params, strict=True)]
        return monomial(factors[0][0].shape, factors)

    def product(self, node: Expr) -> Expr:
        """x'*A*y, A*x or x'*A, where x, y or both are of the samples; matrices are not."""
        first, *middle, last = node.args
        left, right = self.found.get(first), self.found.get(last)
        if any(a in self.found for a in middle):
            raise UnsupportedError(f"{_shown(node)} has no batched form here")
        if node.shape == SCALAR:
            if left is not None and right is not None:
                return row_sums(times(product(left, *middle), right))
            if left is not None:
                return product(left, *middle, last)
            assert right is not None
            return product(right, transposed(product(first, *middle)))
        if left is not None:
            return product(left, *middle, last)
        assert right is not None
        return product(right, transposed(product(first, *middle)))

    def side_by_side(self, node: Expr) -> Expr:
        """[x; y] of vectors and numbers: their rows side by side."""
        parts = []
        for a in node.args:
            found = self.found.get(a)
            if found is None:
                found = scale(a, self.ones) if a.shape == SCALAR else product(self.ones, _row(a))
            parts.append(found)
        return blocks([parts])


RULES: dict[Operation, Callable[[_Samples, Expr], Expr]] = {
    TRANSPOSE: lambda samples, node: samples.found[node.args[0]],
    SUM: _Samples.sum,
    SCALE: _Samples.scaled,
    MONOMIAL: _Samples.hadamard,
    PRODUCT: _Samples.product,
}


def _of_rows(op: Operation, rows: Expr, rest: Sequence[object]) -> Expr | None:
    """What this operation makes of every row, as softmax(Z,2) does what softmax(z) does; None where there is no such one."""
    if op is SUM_ALL:
        return row_sums(rows)
    if op is NORM1:
        return row_sums(ABS.build(rows))
    page = next((page for page in all_operations() if page.by_rows and page.typed_as == op.name), None)
    if page is None:
        return None
    return page.build(rows, 2, *rest)


def _row(v: Expr) -> Expr:
    """A vector, or a row, of one sample as a row."""
    return v if v.shape[0] is UNIT else transposed(v)


def _shown(node: Expr) -> str:
    return "a product of vectors" if node.op is PRODUCT else node.op.typed_as or node.op.name
