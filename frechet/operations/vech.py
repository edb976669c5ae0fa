"""The entries on and below the diagonal as one vector: vech, and the matrices that go from vech to vec and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from frechet.expressions.dimension import UNIT, Dim, Shape, dim
from frechet.expressions.node import Expr, make
from frechet.expressions.operation import Equal, Operation
from frechet.operations import factorizations, products, reducing, shaping, sums
from frechet.operations.constants import EYE, eye, is_zero, ones, zeros
from frechet.operations.transposition import symmetric

ONE = dim(1)


def half_size(n: Dim) -> Dim:
    """n(n+1)/2."""
    return (n * (n + ONE)).halved()


class FreeEntriesMatrix(Operation):
    """A constant matrix between vec and vech of n×n matrices, which the size determines."""

    takes = ()
    constant = 1
    own_leaves = 2

    def sizes(self, n: Dim) -> Shape:
        raise NotImplementedError

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        return self.sizes(params[0])

    def build(self, *args: Any) -> Expr:
        n = dim(args[0])
        return make(self, (), (n,), self.sizes(n)) if n.value() != 1 else EYE.build(ONE)

    def rebuild(self, node: Expr, args: tuple[Expr, ...]) -> Expr:
        return node

    def annotate(self, node: Expr) -> None:
        node.sign, node.definite, node.balance = 1, 0, -1

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"{self.name}({node.params[0]})"


class DuplicationPage(FreeEntriesMatrix):
    name, signature = "duplication", "duplication(n)"
    summary = "The duplication matrix: D vech(X) = vec(X) for symmetric n×n X."
    rule = "d D = 0"
    source = "Magnus & Neudecker (2019), section 3.8"
    latex = "D_{p}"
    examples = ("duplication(3)*vech(X)",)
    identities = (
        ("duplication(n)*vech(B*B')", "vec(B*B')"), ("elimination(n)*duplication(n)", "eye(n*(n+1)/2)"),
        ("commutation(n,n)*duplication(n)", "duplication(n)"),
        ("duplication(n)'*vec(B)", "vech(B+B'-diag(diag(B)))"),
    )  # fmt: skip

    def sizes(self, n: Dim) -> Shape:
        return (n * n, half_size(n))


class EliminationPage(FreeEntriesMatrix):
    name, signature = "elimination", "elimination(n)"
    summary = "The elimination matrix: L vec(X) = vech(X) for any n×n X; L' vech(X) = vec(X) for lower triangular X."
    rule = "d L = 0"
    source = "Magnus & Neudecker (1980), lemma 3.3"
    latex = "L_{p}"
    in_notation = False
    examples = ("elimination(3)*vec(X)",)
    identities = (
        ("elimination(n)*vec(B)", "vech(B)"), ("elimination(n)'*vech(B)", "vec(tril(B))"),
        ("elimination(n)*elimination(n)'", "eye(n*(n+1)/2)"),
    )  # fmt: skip

    def sizes(self, n: Dim) -> Shape:
        return (half_size(n), n * n)


class VechPage(Operation):
    name, signature = "vech", "vech(X)"
    summary = "The n(n+1)/2 entries on and below the diagonal of a square matrix, stacked column by column."
    rule = "d vech(X) = vech(dX)"
    adjoint_rule = "w -> tril(unvec(duplication(n)*w,n,n)), the lower triangular matrix with these entries"
    source = "Magnus & Neudecker (2019), section 3.8"
    latex = r"\operatorname{vech}({0})"
    takes = ("e",)
    linear = True
    forces_matrix = True
    examples = ("vech(X)", "vech(A*X*A')", "norm2(vech(X))^2")
    identities = (
        ("vech(B)", "vech(tril(B))"), ("vech(B*B')", "vech((B*B')')"), ("vech(2*B)", "2*vech(B)"),
        ("norm2(vech(B))^2", "norm2(tril(B))^2"),
    )  # fmt: skip

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        reducing.square(equal, shapes[0], self.name)
        return (half_size(shapes[0][0]), UNIT)

    def build(self, *args: Any) -> Expr:
        e: Expr = args[0]
        if e.op is sums.SUM:
            return sums.add((c, self.build(a)) for c, a in zip(e.params, e.args, strict=True))
        if e.op is products.SCALE:
            return products.scale(e.args[0], self.build(e.args[1]))
        shape = (half_size(e.shape[0]), UNIT)
        if is_zero(e):
            return zeros(shape)
        if e.op.name == "ones":
            return ones(shape)
        return make(self, (e,), (), shape)

    def annotate(self, node: Expr) -> None:
        node.sign, node.definite, node.balance = node.args[0].sign, 0, 0

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        return self.build(d[0])

    def adjoint(self, node: Expr, i: int, w: Expr) -> Expr:
        n = node.args[0].shape[0]
        c, w = sums.content(w)
        if w.op is self:
            return sums.scaled(c, factorizations.TRIL.build(w.args[0]))
        both = shaping.unvec(products.product(DUPLICATION.build(n), w), n, n)
        return sums.scaled(c, factorizations.TRIL.build(both))

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"vech({args[0]})"


DUPLICATION, ELIMINATION, VECH = DuplicationPage(), EliminationPage(), VechPage()
PAGES: tuple[Operation, ...] = (DUPLICATION, ELIMINATION, VECH)


def _duplicated(a: Expr, b: Expr) -> Expr | None:
    e = b.args[0]
    return shaping.vec(e) if symmetric(e) and a.params == (e.shape[0],) else None


def _eliminated(a: Expr, b: Expr) -> Expr | None:
    return VECH.build(b.args[0]) if b.args[0].shape == (a.params[0], a.params[0]) else None


def _inverse(a: Expr, b: Expr) -> Expr | None:
    return eye(a.shape[0]) if a.params == b.params else None


def _commuted(a: Expr, b: Expr) -> Expr | None:
    """K*D = D: both triangles of a symmetric matrix are the same."""
    return b if a.params == b.params * 2 else None


def _commuted_back(a: Expr, b: Expr) -> Expr | None:
    if a.args[0].op is DUPLICATION and b.params == a.args[0].params * 2:
        return a
    return None


products.JOINED |= {
    ("duplication", "vech"): _duplicated, ("elimination", "vec"): _eliminated, ("elimination", "duplication"): _inverse,
    ("commutation", "duplication"): _commuted, ("transpose", "commutation"): _commuted_back,
}  # fmt: skip
