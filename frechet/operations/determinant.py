"""Determinant, its logarithm and the adjugate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from frechet.expressions.dimension import SCALAR, Shape
from frechet.expressions.node import Expr, make
from frechet.expressions.operation import Equal, Operation
from frechet.operations import (
    commuting,
    elementwise,
    factorizations,
    hadamard,
    impossible,
    powers,
    products,
    reducing,
    reductions,
    shaping,
    sums,
)
from frechet.operations.constants import EYE, ONE, VARIABLE, is_zero, number, size, zeros
from frechet.operations.transposition import TRANSPOSE, conjugate_transposed, hermitian, marks, oriented, transposed


def _square_chain(e: Expr) -> bool:
    return e.op is products.PRODUCT and all(f.shape[0] is f.shape[1] for f in e.args)


NULL_VECTORS: list[Callable[[Expr], Expr | None]] = []
"""What finds the unit vector that a symmetric matrix is seen to map to 0; filled in by the pages of eigenvalues."""


def upright(e: Expr) -> Expr:
    """Of a matrix and its transpose the one that reads better, for functions that do not tell them apart."""
    t = transposed(e)
    if e.op is TRANSPOSE or t is e:
        return t
    return t if (e.balance, e.bar, *marks(e)) > (t.balance, t.bar, *marks(t)) else e


class DetPage(Operation):
    name, signature, summary = "det", "det(X)", "The determinant of a square matrix."
    rule = "d det(X) = tr(adj(X)*dX) = det(X)*tr(inv(X)*dX)"
    source = "Magnus & Neudecker (2019), section 8.3 (Jacobi's formula)"
    latex = r"\det({0})"
    takes = ("e",)
    forces_matrix = True
    domain = "invertible"
    conditions_text = "none for adj(X)'; X invertible for det(X)*inv(X)'"
    complex = True
    examples = ("det(X)", "det(X'*A*X)")
    identities = (
        ("det(B*C)", "det(B)*det(C)"), ("det(B')", "det(B)"), ("det(inv(B))", "1/det(B)"), ("det(B^3)", "det(B)^3"),
        ("det(diag(x))", "prod(x)"),
    )  # fmt: skip

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        reducing.square(equal, shapes[0], self.name)
        return SCALAR

    def build(self, *args: Any) -> Expr:
        e: Expr = args[0].args[0] if args[0].op is TRANSPOSE else args[0]
        c, rest = sums.content(e)
        if is_zero(e) or (e.op is VARIABLE and impossible.singular(e) is not None):
            return zeros(SCALAR)
        n = e.shape[0].value()
        if c != 1 and n is not None and not isinstance(c, float) and n <= powers.EXPONENT_LIMIT:
            return sums.scaled(Fraction(c) ** n, self.build(rest))
        if c != 1:
            return products.scale(hadamard.epower(number(c), size(e.shape[0])), self.build(rest))
        if e.op is products.SCALE:
            return products.scale(hadamard.epower(e.args[0], size(e.shape[0])), self.build(e.args[1]))
        if e.op is EYE:
            return ONE
        if _square_chain(e):
            return hadamard.monomial(SCALAR, [(self.build(f), 1) for f in e.args])
        base, k = powers.base_and_exponent(e)
        if e.op is factorizations.CHOLESKY:
            return hadamard.monomial(SCALAR, [(self.build(e.args[0]), Fraction(1, 2))])
        if k != 1 and (e.real or isinstance(k, int) or base.definite):  # of complex numbers not the principal power
            return hadamard.monomial(SCALAR, [(self.build(base), k)])
        exponent = commuting.exponent_of(e)
        if exponent is not None:
            return elementwise.EXP.build(reductions.trace(exponent))
        v = shaping.diagonal_of_matrix(e)
        if v is not None:
            return reductions.PROD.build(v)
        return make(self, (upright(e),), (), SCALAR)

    def annotate(self, node: Expr) -> None:
        node.real = node.real or hermitian(node.args[0])
        node.sign = node.definite = node.args[0].definite
        node.balance, node.transposed = 0, node

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        x = node.args[0]
        return products.scale(node, reductions.trace(products.product(powers.inverse(x), d[0])))

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"np.linalg.det({args[0]})"


class LogDetPage(Operation):
    name, signature = "logdet", "logdet(X)"
    summary = "The logarithm of the determinant of a square matrix with positive determinant."
    rule = "d logdet(X) = tr(inv(X)*dX)"
    source = "Magnus & Neudecker (2019), section 8.3"
    latex = r"\log\det({0})"
    takes = ("e",)
    forces_matrix = True
    domain = "spd"
    conditions_text = "det(X) > 0"
    complex = True
    elsewhere = "where det({0}) is 0 or less logdet has no value, so no derivative"

    def elsewhere_of(self, node: Expr, words: str) -> str:
        jumps = "where det({0}) is real and negative the principal branch jumps, at 0 it ends: there is no derivative"
        return jumps if "principal branch" in words else self.elsewhere

    examples = ("logdet(X)", "logdet(X'*X)")
    identities = (("logdet(S)", "log(det(S))"), ("logdet(inv(S))", "-logdet(S)"), ("logdet(S')", "logdet(S)"))

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        reducing.square(equal, shapes[0], self.name)
        return SCALAR

    def build(self, *args: Any) -> Expr:
        e: Expr = args[0].args[0] if args[0].op is TRANSPOSE else args[0]
        if e.op is EYE:
            return zeros(SCALAR)
        base, k = powers.base_and_exponent(e)
        if e.op is factorizations.CHOLESKY:
            base, k = e.args[0], Fraction(1, 2)
        if k != 1 and ((e.real and (not isinstance(k, int) or k % 2)) or base.definite == 2):
            return sums.scaled(k, self.build(base))
        exponent = commuting.exponent_of(e)
        if exponent is not None and e.real:
            return reductions.trace(exponent)
        return make(self, (upright(e),), (), SCALAR)

    def annotate(self, node: Expr) -> None:
        node.sign = node.definite = node.balance = 0
        node.transposed = node
        node.real = node.real or hermitian(
            node.args[0]
        )  # its determinant is real, and where it is negative there is no value

    def same_differential(self, node: Expr) -> Expr | None:
        e = node.args[0]
        if _square_chain(e):
            return sums.add((1, self.build(f)) for f in e.args)
        if e.op is powers.MATRIX_POWER:
            return sums.scaled(e.params[0], make(self, (e.args[0],), (), SCALAR))
        return None

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        return reductions.trace(products.product(powers.inverse(node.args[0]), d[0]))

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        e = node.args[0]
        if e.definite == 2:
            return ()
        if not node.real and not e.definite:
            return [("det {0} is not real and ≤ 0 (the principal branch)", e)]
        return [("{0} of full rank" if e.definite else "det {0} > 0", e)]

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        real_by_form = node.real and not node.args[0].real
        return f"logdet({args[0]}, hermitian=True)" if real_by_form else f"logdet({args[0]})"


class AdjugatePage(Operation):
    name, signature, summary = "adj", "adj(X)", "The adjugate: the transposed matrix of cofactors, det(X)*inv(X)."
    rule = "d adj(X) = tr(inv(X)*dX)*adj(X) - inv(X)*dX*adj(X)"
    source = "Magnus & Neudecker (2019), section 8.6"
    latex = r"\operatorname{adj}({0})"
    takes = ("e",)
    forces_matrix = True
    domain = "invertible"
    conditions_text = "X invertible (the differential)"
    complex = True
    examples = ("adj(X)",)
    identities = (("adj(B)", "det(B)*inv(B)"), ("adj(B')", "adj(B)'"))

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        reducing.square(equal, shapes[0], self.name)
        return shapes[0]

    def build(self, *args: Any) -> Expr:
        e: Expr = args[0]
        if e.op is EYE:
            return e
        if e.op is TRANSPOSE:
            return transposed(self.build(e.args[0]))
        v = next(filter(None, (find(e) for find in NULL_VECTORS)), None)
        if v is not None:  # of λ*I - X with an eigenvalue λ of X it is a multiple of v*vᴴ
            outer = products.product(v, conjugate_transposed(v))
            return products.scale(DET.build(sums.add([(1, e), (1, outer)])), outer)
        node = make(self, (e,), (), e.shape)
        return oriented(node, lambda: make(self, (transposed(e),), (), e.shape))

    def annotate(self, node: Expr) -> None:
        node.sign, node.definite = 0, node.args[0].definite if node.args[0].definite == 2 else 0

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        step = products.product(powers.inverse(node.args[0]), d[0])
        return sums.subtract(products.scale(reductions.trace(step), node), products.product(step, node))

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"adjugate({args[0]})"


DET, LOGDET, ADJ = DetPage(), LogDetPage(), AdjugatePage()
PAGES: tuple[Operation, ...] = (DET, LOGDET, ADJ)
