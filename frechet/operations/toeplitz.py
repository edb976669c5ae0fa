"""The part of a matrix that is constant along its diagonals: the orthogonal projection to the Toeplitz matrices."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from frechet.expressions.dimension import Shape, kind
from frechet.expressions.errors import ShapeError
from frechet.expressions.node import Expr, make
from frechet.expressions.operation import Equal, Operation
from frechet.operations import products, sums
from frechet.operations.constants import EYE, ONES, UNIT_VECTOR, is_zero
from frechet.operations.transposition import TRANSPOSE, oriented, transposed

WRITTEN_OUT = 4  # larger matrices keep the operation's name


class ToeplitzPartPage(Operation):
    name, signature = "toeplitzpart", "toeplitzpart(X)"
    summary = "Every entry replaced by the mean of its diagonal: the nearest matrix constant along its diagonals."
    rule = "d toeplitzpart(X) = toeplitzpart(dX)"
    adjoint_rule = "W -> toeplitzpart(W)"
    source = "orthogonal projection to a linear space: Magnus & Neudecker (2019), section 3.8; Eberle & Maciel (2003)"
    latex = r"\operatorname{toeplitzpart}({0})"
    takes = ("e",)
    linear = True
    forces_matrix = True
    in_notation = False
    examples = ("toeplitzpart(X)", "toeplitzpart(A*X')")
    identities = (
        ("toeplitzpart(toeplitzpart(X))", "toeplitzpart(X)"), ("toeplitzpart(X')", "toeplitzpart(X)'"),
        ("tr(toeplitzpart(A*B))", "tr(A*B)"),
    )  # fmt: skip

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        if kind(shapes[0]) != "matrix":
            raise ShapeError(f"toeplitzpart needs a matrix, and this is a {kind(shapes[0])}")
        return shapes[0]

    def build(self, *args: Any) -> Expr:
        e: Expr = args[0]
        c, rest = sums.content(e)
        if c != 1:
            return sums.scaled(c, self.build(rest))
        if e.op is products.SCALE:
            return products.scale(e.args[0], self.build(e.args[1]))
        if e.op is TRANSPOSE:
            return transposed(self.build(e.args[0]))
        if e.op in (self, EYE, ONES) or is_zero(e) or (e.op.name == "variable" and "toeplitz" in e.params[1]):
            return e
        node = make(self, (e,), (), e.shape)
        return oriented(node, lambda: make(self, (transposed(e),), (), e.shape[::-1]))

    def annotate(self, node: Expr) -> None:
        node.sign, node.definite = node.args[0].sign, 0

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        return self.build(d[0])

    def adjoint(self, node: Expr, i: int, w: Expr) -> Expr:
        return self.build(w)

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"toeplitzpart({args[0]})"


TOEPLITZ_PART = ToeplitzPartPage()
PAGES: tuple[Operation, ...] = (TOEPLITZ_PART,)


def toeplitz_part(e: Expr) -> Expr:
    """The projection; of a small matrix, whose sizes are numbers, written out with unit vectors."""
    n, m = (d.value() for d in e.shape)
    named = TOEPLITZ_PART.build(e)
    if n is None or m is None or max(n, m) > WRITTEN_OUT or all(a.op is not TOEPLITZ_PART for a in _parts(named)):
        return named
    rows, columns = ([UNIT_VECTOR.build(d, i + 1) for i in range(k)] for d, k in zip(e.shape, (n, m), strict=True))
    terms = []
    for k in range(1 - n, m):
        places = [(rows[i], columns[i + k]) for i in range(n) if 0 <= i + k < m]
        if len(places) == n == m:
            mean, where = products.inner(EYE.build(e.shape[0]), e), EYE.build(e.shape[0])
        else:
            mean = sums.add((1, products.product(transposed(r), e, c)) for r, c in places)
            where = sums.add((1, products.product(r, transposed(c))) for r, c in places)
        terms.append((Fraction(1, len(places)), products.scale(mean, where)))
    return sums.add(terms)


def _parts(e: Expr) -> list[Expr]:
    """The expression without its scalar factors and transposes."""
    _, e = sums.content(e)
    while e.op in (products.SCALE, TRANSPOSE):
        _, e = sums.content(e.args[-1])
    return [e]
