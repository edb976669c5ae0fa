"""The parts of a matrix that are constant along diagonals: projections to Toeplitz, circulant and Hankel matrices."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, ClassVar

from frechet.expressions.dimension import Shape, kind
from frechet.expressions.errors import ShapeError
from frechet.expressions.node import Expr, make
from frechet.expressions.operation import Equal, Operation
from frechet.operations import products, reducing, sums
from frechet.operations.constants import EYE, ONES, UNIT_VECTOR, VARIABLE, is_zero
from frechet.operations.transposition import TRANSPOSE, oriented, transposed

WRITTEN_OUT = 4  # larger matrices keep the operation's name


class MeansPage(Operation):
    """Every entry replaced by the mean over its diagonal, of whatever kind: the projection to a space of matrices."""

    takes = ("e",)
    linear = True
    forces_matrix = True
    in_notation = False
    source = "orthogonal projection to a linear space: Magnus & Neudecker (2019), section 3.8; Eberle & Maciel (2003)"
    structure: ClassVar[str]
    keeps: ClassVar[tuple[Operation, ...]]  # constants that are in the space

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        if kind(shapes[0]) != "matrix":
            raise ShapeError(f"{self.name} needs a matrix, and this is a {kind(shapes[0])}")
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
        if e.op is self or e.op in self.keeps or is_zero(e) or (e.op is VARIABLE and self.structure in e.params[1]):
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
        return f"{self.name}({args[0]})"


class ToeplitzPartPage(MeansPage):
    name, signature = "toeplitzpart", "toeplitzpart(X)"
    summary = "Every entry replaced by the mean of its diagonal: the nearest matrix constant along its diagonals."
    rule = "d toeplitzpart(X) = toeplitzpart(dX)"
    adjoint_rule = "W -> toeplitzpart(W)"
    latex = r"\operatorname{toeplitzpart}({0})"
    structure, keeps = "toeplitz", (EYE, ONES)
    examples = ("toeplitzpart(X)", "toeplitzpart(A*X')")
    identities = (
        ("toeplitzpart(toeplitzpart(X))", "toeplitzpart(X)"), ("toeplitzpart(X')", "toeplitzpart(X)'"),
        ("tr(toeplitzpart(A*B))", "tr(A*B)"),
    )  # fmt: skip


class CirculantPartPage(MeansPage):
    name, signature = "circulantpart", "circulantpart(X)"
    summary = "Every entry of a square matrix replaced by the mean of its wrapped diagonal: the nearest circulant matrix."
    rule = "d circulantpart(X) = circulantpart(dX)"
    adjoint_rule = "W -> circulantpart(W)"
    latex = r"\operatorname{circulantpart}({0})"
    structure, keeps = "circulant", (EYE, ONES)
    examples = ("circulantpart(X)", "circulantpart(A*X')")
    identities = (
        ("circulantpart(circulantpart(B))", "circulantpart(B)"), ("circulantpart(B')", "circulantpart(B)'"),
        ("tr(circulantpart(B))", "tr(B)"), ("circulantpart(toeplitzpart(B))", "circulantpart(B)"),
        ("circulantpart(B)*circulantpart(C)", "circulantpart(C)*circulantpart(B)"),
    )  # fmt: skip

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        reducing.square(equal, shapes[0], self.name)
        return shapes[0]

    def build(self, *args: Any) -> Expr:
        inner = args[0].args[0] if args[0].op is TOEPLITZ_PART else args[0]
        return super().build(inner)


class HankelPartPage(MeansPage):
    name, signature = "hankelpart", "hankelpart(X)"
    summary = "Every entry replaced by the mean of its antidiagonal: the nearest matrix constant along its antidiagonals."
    rule = "d hankelpart(X) = hankelpart(dX)"
    adjoint_rule = "W -> hankelpart(W)"
    latex = r"\operatorname{hankelpart}({0})"
    structure, keeps = "hankel", (ONES,)
    examples = ("hankelpart(X)", "hankelpart(A*X')")
    identities = (
        ("hankelpart(hankelpart(X))", "hankelpart(X)"), ("hankelpart(X')", "hankelpart(X)'"),
        ("sum(hankelpart(X))", "sum(X)"), ("hankelpart(B)'", "hankelpart(B)"),
    )  # fmt: skip

    def build(self, *args: Any) -> Expr:
        e: Expr = args[0]
        found = super().build(e)
        if found.op is self and e.shape[0] is e.shape[1]:  # the antidiagonals of a square matrix are those of its transpose
            other = transposed(e)
            kept = e if (e.balance, e.key) <= (other.balance, other.key) else other
            found = make(self, (kept,), (), e.shape)
            found.transposed = found
        return found

    def annotate(self, node: Expr) -> None:
        super().annotate(node)
        if node.shape[0] is node.shape[1]:
            node.balance, node.transposed = 0, node


TOEPLITZ_PART, CIRCULANT_PART, HANKEL_PART = ToeplitzPartPage(), CirculantPartPage(), HankelPartPage()
PAGES: tuple[Operation, ...] = (TOEPLITZ_PART, CIRCULANT_PART, HANKEL_PART)


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
