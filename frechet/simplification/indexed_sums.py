"""Sums over an index, sum_i(e), written with matrices: sum_i((X[i,:]*w - y[i])^2) is norm2(X*w - y)^2.

A part that depends on i becomes the array of its values for all i: a number a vector, a row or a vector a matrix with the
values as its rows. The sum of a linear operation is the operation of the sum, so what is linear needs no such array.
What has no form for all i at once is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from frechet.expressions.dimension import SCALAR, UNIT, Dim, dim
from frechet.expressions.errors import ShapeError, UnsupportedError
from frechet.expressions.node import Expr, walk
from frechet.operations.blocks import BLOCKS
from frechet.operations.constants import ONE, SIZE, UNIT_VECTOR, exact, eye, ones, size
from frechet.operations.declared_functions import DeclaredPage, ElementwisePage
from frechet.operations.elementwise import ABS, Elementwise
from frechet.operations.hadamard import MONOMIAL, POWER, epower, monomial
from frechet.operations.indexing import SELECTION
from frechet.operations.norms import NORM1, NORM2
from frechet.operations.products import PRODUCT, SCALE, inner, product, scale
from frechet.operations.reductions import SUM_ALL, sum_all, trace
from frechet.operations.shaping import diag
from frechet.operations.sums import SUM, add
from frechet.operations.transposition import TRANSPOSE, transposed

TERMS = 8  # of a sum under a norm that is multiplied out


def indexed_sum(e: Expr, name: str, count: Dim) -> Expr:
    """The sum of e over the index `name`, which runs from 1 to count. The index stands in unit vectors: unit(n,i)'*x.

    Shapes:  e's own
    Raises:  UnsupportedError, naming the operation that has no form for all indices at once;
             ShapeError, where the index runs over axes of different lengths
    """
    found = _Sum(e, name, count).total(e)
    if any(_names(node, name) for node in walk(found)):
        raise UnsupportedError(f"sum_{name}: a part of this has no matrix form for all {name} at once")
    return found


def _names(node: Expr, name: str) -> bool:
    return any(isinstance(d, Dim) and name in d.names() for d in (*node.params, *node.shape))


def _multiplied_out(node: Expr) -> Expr | None:
    """norm2(A + B)^2 of matrices as norm2(A)^2 + 2*tr(A'*B) + norm2(B)^2; None for anything else."""
    if node.op is not MONOMIAL or len(node.args) != 1 or node.params[0] != 2 or node.args[0].op is not NORM2:
        return None
    inside = node.args[0].args[0]
    if inside.kind != "matrix" or inside.op is not SUM or not 1 < len(inside.args) <= TERMS:
        return None
    terms = list(zip(inside.params, inside.args, strict=True))
    return add((c * d, inner(a, b)) for c, a in terms for d, b in terms)


class _Sum:
    """depending: the parts that the index occurs in; arrays: their values for all indices, or why there are none."""

    def __init__(self, e: Expr, name: str, count: Dim) -> None:
        self.name, self.index, self.count = name, dim(name), count
        self.entered: set[Expr] = set()
        self.depending: dict[Expr, None] = {}  # arguments first
        self.arrays: dict[Expr, Expr | str] = {}
        self._enter(e)

    def _enter(self, e: Expr) -> None:
        """Finds out what of e depends on the index, and its values; what is known already is not walked again."""
        stack = [(e, False)]
        while stack:
            node, ready = stack.pop()
            if ready:
                if _names(node, self.name) or any(a in self.depending for a in node.args):
                    self.depending[node] = None
                    self.arrays[node] = self._array(node)
            elif node not in self.entered:
                self.entered.add(node)
                stack.append((node, True))
                stack.extend((a, False) for a in reversed(node.args))

    # -- the sum
    def total(self, e: Expr) -> Expr:
        """The sum of e: the parts that it is linear in are added up first."""
        summed, order = {e}, list(self.depending)
        for node in reversed(order):
            if node in summed:
                summed.update(self._linear_in(node))
        found: dict[Expr, Expr] = {}
        for node in order:
            if node not in summed:
                continue
            parts = self._linear_in(node)
            if node.op in (SUM, BLOCKS):
                found[node] = node.op.rebuild(node, tuple(found.get(a) or self._times_count(a) for a in node.args))
            elif parts:
                found[node] = node.op.rebuild(node, tuple(found.get(a, a) for a in node.args))
            else:
                found[node] = self._sum_of_values(node)
        return found.get(e) or self._times_count(e)

    def _times_count(self, e: Expr) -> Expr:
        return scale(size(self.count), e)

    def _linear_in(self, node: Expr) -> list[Expr]:
        """The depending arguments, where the sum of the node is the node of their sums."""
        parts = [a for a in node.args if a in self.depending]
        if node.op in (SUM, BLOCKS):
            return parts
        if len(parts) != 1 or not node.op.linear or node.args.count(parts[0]) > 1:
            return []
        i = node.args.index(parts[0])
        if node.op.linear_in is not None and i not in node.op.linear_in:
            return []
        return parts if node.op is not MONOMIAL or node.params[i] == 1 else []

    def _sum_of_values(self, node: Expr) -> Expr:
        if node.op is PRODUCT and node.shape == SCALAR:
            ends = self._ends(node)
            if ends is not None:
                return trace(product(transposed(ends[0]), ends[1]))
        square = _multiplied_out(node)
        if square is not None:
            self._enter(square)
            return self.total(square)
        if node.kind != "matrix":
            array = self._values(node)
            if node.shape == SCALAR:
                return sum_all(array)
            added = product(transposed(array), ones((self.count, UNIT)))
            return added if node.kind == "vector" else transposed(added)
        weights, body = (node.args[0], node.args[1]) if node.op is SCALE else (ONE, node)
        if body not in self.depending:
            return scale(sum_all(self._values(weights)), body)
        cut = next((i for i, f in enumerate(body.args) if f.shape[1] is UNIT), None)
        if body.op is not PRODUCT or cut is None:
            raise self._refused(body)
        left, right = product(*body.args[: cut + 1]), product(*body.args[cut + 1 :])
        middle = [diag(self._values(weights))] if weights is not ONE else []
        return product(transposed(self._values(left)), *middle, self._values(right))

    # -- the values for all indices
    def _values(self, e: Expr) -> Expr:
        """The vector of the numbers, the matrix of the rows; of what does not depend on the index, repeated."""
        self._enter(e)
        if e not in self.depending:
            column = ones((self.count, UNIT))
            if e.shape == SCALAR:
                return scale(e, column)
            return product(column, transposed(e) if e.kind == "vector" else e)
        found = self.arrays[e]
        if isinstance(found, str):
            raise UnsupportedError(found)
        return found

    def _refused(self, node: Expr) -> UnsupportedError:
        return UnsupportedError(f"sum_{self.index}: {self._reason(node)}")

    def _reason(self, node: Expr) -> str:
        if node.op is SIZE:
            return f"the index {self.index} is used as a number, and there is no array of all its values"
        if node.op is UNIT_VECTOR or node.op is SELECTION:
            return f"an index may only be {self.index} itself, not calculated from it"
        op = {"product": "a product", "scale": "a multiple", "hadamard": "a product of entries"}.get(node.op.name)
        if isinstance(node.op, DeclaredPage):
            op = node.op.called(node)
            if isinstance(node.op, ElementwisePage) and node.params[0].domain is not None:
                return f'{op} is a function of one number: declared as "{op}: elementwise" it is one of all entries'
        what = op or node.op.typed_as or node.op.name
        return f"{what} of a matrix that depends on {self.index} has no matrix form for all {self.index} at once"

    def _array(self, node: Expr) -> Expr | str:
        """The values of a node for all indices, its arguments' being known; where there are none, why."""
        if node.op is UNIT_VECTOR and node.params[0] is self.index:
            if node.shape[0] is not self.count:
                message = f"{self.index} runs from 1 to {self.count}, and is the index of an axis of length {node.shape[0]}"
                raise ShapeError(message)
            return eye(self.count)
        rule = RULES.get(node.op.name) or (_entrywise if _of_every_entry(node) else None)
        if rule is None or node.kind == "matrix":
            return f"sum_{self.index}: {self._reason(node)}"
        try:
            return rule(self, node) or f"sum_{self.index}: {self._reason(node)}"
        except UnsupportedError as error:
            return error.message

    def chain(self, node: Expr) -> Expr | None:
        """Of a product the first and the last factor may depend on the index."""
        first, *middle = node.args
        middle, last = middle[:-1], middle[-1]
        if any(f in self.depending for f in middle):
            return None
        ends = (first in self.depending, last in self.depending)
        if (ends[0] and first.shape[0] is not UNIT) or (ends[1] and last.shape[1] is not UNIT):
            return None
        if ends == (True, True):
            left, right = product(self._values(first), *middle), self._values(last)
            return product(monomial(left.shape, [(left, 1), (right, 1)]), ones((left.shape[1], UNIT)))
        if ends[0]:
            return product(self._values(first), *middle, last)
        return product(self._values(last), *[transposed(f) for f in reversed((first, *middle))])

    def _ends(self, node: Expr) -> tuple[Expr, Expr] | None:
        """For an inner product both sides of which depend on the index: the matrices of their values."""
        first, *middle, last = node.args
        if first in self.depending and last in self.depending and not any(f in self.depending for f in middle):
            return product(self._values(first), *middle), self._values(last)
        return None

    def factors(self, node: Expr) -> Expr:
        """A product of powers: what is constant in it is one factor."""
        pairs = list(zip(node.args, node.params, strict=True))
        fixed = [(b, k) for b, k in pairs if b not in self.depending]
        moving = []
        for b, k in pairs:
            if b not in self.depending:
                continue
            if b.op is NORM2:
                moving.append((self.squares(b), exact(Fraction(k) / 2)))
            else:
                moving.append((self._values(b), k))
        shape = moving[0][0].shape
        constant = monomial(node.shape, fixed)
        if node.shape == SCALAR:
            return scale(constant, monomial(shape, moving))
        return monomial(shape, [*moving, (self._values(constant), 1)] if fixed else moving)

    def squares(self, norm: Expr) -> Expr:
        """Of every row the sum of the squares."""
        return self.row_sums(norm.args[0], lambda m: monomial(m.shape, [(ABS.build(m), 2)]))

    def row_sums(self, e: Expr, of: Callable[[Expr], Expr]) -> Expr:
        if e.kind == "matrix":
            raise self._refused(e)
        m = self._values(e)
        return product(of(m), ones((m.shape[1], UNIT)))

    def multiple(self, node: Expr) -> Expr:
        s, e = node.args
        if s not in self.depending:
            return scale(s, self._values(e))
        return product(diag(self._values(s)), self._values(e))

    def power(self, node: Expr) -> Expr:
        base, exponent = node.args
        values = self._values(base)
        if exponent.shape == SCALAR and exponent not in self.depending:
            return epower(values, exponent)
        powers = self._values(exponent)
        if powers.shape != values.shape:
            powers = product(powers, transposed(ones((values.shape[1], UNIT))))
        return epower(values, powers)


def _of_every_entry(node: Expr) -> bool:
    """Also a declared function of every entry, but no declared function of numbers only."""
    return isinstance(node.op, Elementwise) or (isinstance(node.op, ElementwisePage) and node.params[0].domain is None)


def _entrywise(of: _Sum, node: Expr) -> Expr:
    return node.op.rebuild(node, tuple(of._values(a) for a in node.args))


RULES: dict[str, Callable[[_Sum, Expr], Expr | None]] = {
    SUM.name: lambda of, e: add((c, of._values(a)) for c, a in zip(e.params, e.args, strict=True)),
    PRODUCT.name: _Sum.chain,
    SCALE.name: _Sum.multiple,
    MONOMIAL.name: _Sum.factors,
    POWER.name: _Sum.power,
    TRANSPOSE.name: lambda of, e: of._values(e.args[0]),
    NORM2.name: lambda of, e: monomial((of.count, UNIT), [(of.squares(e), Fraction(1, 2))]),
    NORM1.name: lambda of, e: of.row_sums(e.args[0], ABS.build),
    SUM_ALL.name: lambda of, e: of.row_sums(e.args[0], lambda m: m),
    "maximum": _entrywise,
    "minimum": _entrywise,
}
