"""Cholesky factors; triangular, symmetric and skew parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, ClassVar

from frechet.expressions.dimension import SCALAR, Shape, kind
from frechet.expressions.errors import ShapeError, UnsupportedError
from frechet.expressions.node import Expr, Number, make, told
from frechet.expressions.operation import Equal, Operation
from frechet.operations import determinant, hadamard, powers, products, reducing, reductions, shaping, sums
from frechet.operations.constants import EYE, VARIABLE, is_zero, number
from frechet.operations.transposition import (
    REVERSE,
    TRANSPOSE,
    conjugate_transposed,
    conjugated,
    hermitian,
    symmetric,
    transposed,
)

HALF = Fraction(1, 2)
LARGEST = 60  # leaves of an expression of which it is asked whether it is triangular


class CholeskyPage(Operation):
    name, signature, triangle = "cholesky", "cholesky(X)", "lower"
    summary = "The lower triangular L with positive diagonal and L*L^H = X, of a positive definite X."
    rule = "d L = L*lowhalf(inv(L)*dX*inv(L)^H),  L = cholesky(X)"
    source = "Giles (2008), section 2.3.5; Murray (2016), eq. 8"
    latex = r"\operatorname{chol}({0})"
    takes = ("e",)
    forces_matrix = invertible = complex = True
    domain = "spd"
    conditions_text = "X positive definite"
    elsewhere = "where {0} is singular the factor has no derivative, and where it is indefinite there is no factor"
    examples = ("cholesky(B*B^H+eye(n))", "tr(C*cholesky(B*B^H+eye(n)))", "sum(log(diag(cholesky(B*B^H+eye(n)))))")
    identities = (
        ("cholesky(B*B^H+eye(n))*cholesky(B*B^H+eye(n))'", "B*B^H+eye(n)"),
        ("cholesky(4*B*B^H+4*eye(n))", "2*cholesky(B*B^H+eye(n))"),
        ("2*sum(log(diag(cholesky(B*B^H+eye(n)))))", "logdet(B*B^H+eye(n))"),
        ("prod(diag(cholesky(B*B^H+eye(n))))^2", "det(B*B^H+eye(n))"),
        ("inv(cholesky(B*B^H+eye(n)))'*inv(cholesky(B*B^H+eye(n)))", "inv(B*B^H+eye(n))"),
    )

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        reducing.square(equal, shapes[0], self.name)
        return shapes[0]

    def build(self, *args: Any) -> Expr:
        x: Expr = args[0]
        if x.op is VARIABLE and "skew" in x.params[1]:
            raise ShapeError(
                f"cholesky is of a symmetric positive definite matrix, and {x.params[0]} is skew: no matrix is both"
            )
        if not hermitian(x):
            message = (
                "cholesky is of a symmetric or Hermitian positive definite matrix: declare X spd, or give one such as X*X^H"
            )
            raise UnsupportedError(message)
        c, rest = sums.content(x)
        if c != 1 and c > 0:
            return products.scale(hadamard.monomial(SCALAR, [(number(c), HALF)]), self.build(rest))
        if x.op is products.SCALE and x.args[0].sign == 2:
            return products.scale(hadamard.monomial(SCALAR, [(x.args[0], HALF)]), self.build(x.args[1]))
        if x.op is EYE:
            return x
        v = shaping.diagonal_of_matrix(x)
        if v is not None:
            return shaping.diag(hadamard.monomial(v.shape, [(v, HALF)]))
        return make(self, (x,), (), x.shape)

    def annotate(self, node: Expr) -> None:
        node.sign, node.definite, node.balance = 0, 0, -1

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        inverse = powers.inverse(node)
        return products.product(node, LOWHALF.build(products.product(inverse, d[0], conjugate_transposed(inverse))))

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        return () if node.args[0].definite == 2 else [("{0} positive definite", node.args[0])]

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f'cholesky({args[0]}, "{told(node.args[0]) or "the matrix"}")'


class MaskPage(Operation):
    """A linear operation that weighs every entry of a matrix by a number of its place."""

    takes: ClassVar[tuple[str, ...]] = ("e",)
    linear = complex = True
    forces_matrix = True
    diagonal: ClassVar[Any] = 1  # the weight on the diagonal

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        if kind(shapes[0]) != "matrix":
            raise ShapeError(f"{self.name} needs a matrix, and this is a {kind(shapes[0])}")
        return shapes[0]

    def build(self, *args: Any) -> Expr:
        c, e = sums.content(args[0])
        if is_zero(e):
            return e
        if e.op is products.SCALE:
            return sums.scaled(c, products.scale(e.args[0], self.build(e.args[1])))
        if e.op is EYE or e.op is shaping.DIAG:
            return sums.scaled(c * self.diagonal, e)
        return sums.scaled(c, self.masked(e))

    def masked(self, e: Expr) -> Expr:
        return make(self, (e,), (), e.shape)

    def annotate(self, node: Expr) -> None:
        node.sign, node.definite = min(node.args[0].sign, 1), 0

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        return self.build(d[0])

    def adjoint(self, node: Expr, i: int, w: Expr) -> Expr:
        return self.build(w)

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"np.{self.name}({args[0]})"


class LowerPage(MaskPage):
    name, signature, triangle = "tril", "tril(X)", "lower"
    summary = "The lower triangle of a matrix, the diagonal with it; 0 above."
    rule = "d tril(X) = tril(dX)"
    adjoint_rule = "W -> tril(W)"
    source = "Golub & Van Loan (2013), section 1.2"
    latex = r"\operatorname{tril}({0})"
    examples = ("tril(X)", "x'*tril(A*X)*y")
    identities = (
        ("tril(B)'", "triu(B')"), ("tril(tril(B))", "tril(B)"), ("tr(tril(B))", "tr(B)"),
        ("tril(triu(B))", "diag(diag(B))"),
    )  # fmt: skip

    def masked(self, e: Expr) -> Expr:
        if lower_triangular(e):
            return e
        if lower_triangular(transposed(e)) and e.shape[0] is e.shape[1]:
            return shaping.diag(shaping.diag_of(e))
        return super().masked(e)


class UpperPage(MaskPage):
    name, signature, triangle = "triu", "triu(X)", "upper"
    summary = "The upper triangle of a matrix, the diagonal with it; 0 below."
    rule = "d triu(X) = triu(dX)"
    adjoint_rule = "W -> triu(W)"
    source = "Golub & Van Loan (2013), section 1.2"
    latex = r"\operatorname{triu}({0})"
    examples = ("triu(X)", "x'*triu(A*X)*y")
    identities = (("tril(B)+triu(B)", "B+diag(diag(B))"), ("diag(triu(B))", "diag(B)"))

    def masked(self, e: Expr) -> Expr:
        if lower_triangular(transposed(e)):
            return e
        if lower_triangular(e) and e.shape[0] is e.shape[1]:
            return shaping.diag(shaping.diag_of(e))
        return super().masked(e)


class LowHalfPage(MaskPage):
    name, signature, triangle = "lowhalf", "lowhalf(X)", "lower"
    summary = "The lower triangle with half of the diagonal: lowhalf(X)+lowhalf(X)' = X for symmetric X."
    rule = "d lowhalf(X) = lowhalf(dX)"
    adjoint_rule = "W -> lowhalf(W)"
    source = "Murray (2016), section 3.1, there Φ"
    latex = r"\operatorname{lowhalf}({0})"
    diagonal = HALF

    def annotate(self, node: Expr) -> None:
        super().annotate(node)
        node.balance = -1  # the transpose stands outside

    examples = ("lowhalf(X)", "x'*lowhalf(X)*y")
    identities = (
        ("lowhalf(B)", "tril(B)-diag(diag(B))/2"), ("tr(lowhalf(B))", "tr(B)/2"),
        ("lowhalf(B*B')+lowhalf(B*B')'", "B*B'"),
    )  # fmt: skip

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        reducing.square(equal, shapes[0], self.name)
        return shapes[0]

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"lowhalf({args[0]})"


class PartPage(Operation):
    """The symmetric or skew-symmetric part, said with a transpose."""

    takes = ("e",)
    forces_matrix = True
    source = "Magnus & Neudecker (2019), section 1.7"

    def __init__(self, name: str, sign: int, summary: str) -> None:
        self.name, self.sign = name, sign  # type: ignore[misc]
        self.signature, self.summary = f"{name}(X)", summary  # type: ignore[misc]
        self.rule = f"stands for (X{'+' if sign > 0 else '-'}X')/2"  # type: ignore[misc]
        self.examples = (f"{name}(X)", f"norm2({name}(A*X))^2")  # type: ignore[misc]
        super().__init__()

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        reducing.square(equal, shapes[0], self.name)
        return shapes[0]

    def build(self, *args: Any) -> Expr:
        return sums.add([(HALF, args[0]), (self.sign * HALF, transposed(args[0]))])


CHOLESKY, TRIL, TRIU, LOWHALF = CholeskyPage(), LowerPage(), UpperPage(), LowHalfPage()
MASKS = (TRIL, TRIU, LOWHALF)
PAGES: tuple[Operation, ...] = (
    CHOLESKY, TRIL, TRIU, LOWHALF, PartPage("sym", 1, "The symmetric part of a square matrix."),
    PartPage("skew", -1, "The skew-symmetric part of a square matrix."),
)  # fmt: skip

REVERSE["tril"] = lambda e: TRIU.build(transposed(e.args[0]))
REVERSE["triu"] = lambda e: TRIL.build(transposed(e.args[0]))


def lower_triangular(e: Expr) -> bool:
    """Is the matrix lower triangular, as far as is seen?"""
    if e.leaves > LARGEST or e.kind != "matrix":
        return False
    if e.op.triangle == "lower" or e.op in (EYE, shaping.DIAG):
        return True
    if e.op is VARIABLE:
        return "lower" in e.params[1]
    if e.op in (sums.SUM, products.PRODUCT, powers.MATRIX_POWER):
        return all(lower_triangular(a) for a in e.args)
    if e.op is products.SCALE:
        return lower_triangular(e.args[1])
    if e.op is TRANSPOSE:
        x = e.args[0]
        return x.op.triangle == "upper" or (x.op is VARIABLE and "upper" in x.params[1])
    return False


def cholesky_square(a: Expr, j: object, b: Expr, k: object) -> Expr | None:
    """L*Lᴴ = X and inv(L)ᴴ*inv(L) = inv(X) for L = cholesky(X): the product of a^j and b^k."""
    factor = a if k == 1 else b
    if j != k or factor.op is not CHOLESKY or b is not conjugate_transposed(a):
        return None
    if k == 1:
        return factor.args[0]
    return powers.inverse(factor.args[0]) if k == -1 else None


def _logdet(e: Expr) -> Expr:
    return determinant.LOGDET.build(e)


def _det(e: Expr) -> Expr:
    return determinant.DET.build(e)


LOG_DETERMINANTS: dict[str, Callable[[Expr], Expr]] = {"cholesky": _logdet}
DETERMINANTS: dict[str, Callable[[Expr], Expr]] = {"cholesky": _det}
"""sum(log(diag(L))) and prod(diag(L)) of a triangular factor L, by its name."""


def _log_determinant(e: Expr) -> Expr | None:
    rule = LOG_DETERMINANTS.get(e.args[0].op.name)
    return rule(e.args[0]) if rule is not None else None


def _determinant(e: Expr) -> Expr | None:
    rule = DETERMINANTS.get(e.args[0].op.name)
    return rule(e.args[0]) if rule is not None else None


def _both_halves(core: Expr, total: Mapping[Expr, Number], shape: Shape) -> list[tuple[Number, Expr]] | None:
    """lowhalf(X)+lowhalf(X)' = X for symmetric X, within a sum."""
    other, whole = transposed(core), core.args[0]
    if not symmetric(whole) or not total[core] or total.get(other) != total[core]:
        return None
    return [*[(c, e) for e, c in total.items() if e not in (core, other)], (total[core], whole)]


sums.COMPLEMENTS[LOWHALF] = _both_halves


def _trace(e: Expr) -> Expr | None:
    assert isinstance(e.op, MaskPage)
    return sums.scaled(e.op.diagonal, reductions.trace(e.args[0]))


def _norm(e: Expr) -> Expr | None:
    """norm2(L) = sqrt(tr(X)), norm2(inv(L)*B) = sqrt(tr(B'*inv(X)*B)) and norm2(L'*B) = sqrt(tr(B'*X*B))."""
    first = e.args[0] if e.op is products.PRODUCT else e
    base, k = powers.base_and_exponent(first)
    factor = transposed(base) if k == 1 and first is not e else base
    if factor.op is not CHOLESKY or k not in (1, -1):
        return None
    rest = e.args[1:] if first is not e else ()
    x = factor.args[0] if first is e or k == -1 else conjugated(factor.args[0])  # L'*B is made of conj(L*Lᴴ)
    squared = products.product(*[conjugate_transposed(f) for f in reversed(rest)], powers.power(x, k), *rest)
    return hadamard.monomial(SCALAR, [(reductions.trace(squared), HALF)])


reducing.REDUCTIONS["norm2", "cholesky"] = reducing.REDUCTIONS["norm2", "product"] = _norm
reducing.REDUCTIONS["sum of log", "diagonal"] = _log_determinant
reducing.REDUCTIONS["prod", "diagonal"] = _determinant
for _mask in MASKS:
    reducing.REDUCTIONS["tr", _mask.name] = _trace
