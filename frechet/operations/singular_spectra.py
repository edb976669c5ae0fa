"""All singular values and vectors of a matrix, and norms made of several: Ky Fan, Schatten, the condition number.

X = U*S*V' with U = svdu(X), S = diag(svdvals(X)), V = svdv(X) is thin, for X with at least as many rows as columns. The
columns of U and V are defined up to common signs, which U*diag(c)*V' does not show.

Source:  Giles (2008), section 3.2; Townsend (2016); Horn & Johnson (2013), section 7.4
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, ClassVar

from frechet.expressions.dimension import SCALAR, UNIT, Dim, Shape, kind
from frechet.expressions.errors import ShapeError
from frechet.expressions.node import Expr, make
from frechet.expressions.operation import Equal, Operation
from frechet.operations import (
    elementwise,
    hadamard,
    norms,
    nuclear,
    powers,
    products,
    recomposing,
    reductions,
    shaping,
    spectra,
    spectral,
    sums,
)  # fmt: skip
from frechet.operations.complex_parts import barred, real_part
from frechet.operations.constants import EYE, exact, eye, is_zero, ones, zeros
from frechet.operations.determinant import DET
from frechet.operations.reducing import REDUCTIONS
from frechet.operations.singular_values import (
    Singular,
    checked_number,
    front,
    imaginary,
    outer,
    singular_value,
    with_factors,
)
from frechet.operations.transposition import CONJUGATES, TRANSPOSE, conjugate_transposed, conjugated, transposed


def shorter_side(shape: Shape) -> Dim:
    """The number of singular values; of an n×m matrix, whose sizes are not known, m."""
    n, m = (d.value() for d in shape)
    return shape[0] if n is not None and m is not None and n < m else shape[1]


def upright_front(e: Expr) -> tuple[list[Expr], Expr]:
    """The absolute values of the scalars in front, and the rest; a transpose is dropped where both shorter sides are one."""
    factors, rest = front(e)
    return factors, rest if shorter_side(rest.shape) is shorter_side(e.shape) else transposed(rest)


class AllSingular(Singular):
    """What all singular values and vectors together have in common."""

    takes: ClassVar[tuple[str, ...]] = ("e",)
    in_notation = False

    def annotate(self, node: Expr) -> None:
        node.sign = node.definite = node.balance = 0

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        return [("all singular values of {0} are simple and not 0", node.args[0])]


class SvdvalsPage(AllSingular):
    name, signature = "svdvals", "svdvals(X)"
    summary = "All singular values, descending, of a matrix with at least as many rows as columns."
    rule = "d svdvals(X) = diag(U^H*dX*V),  U = svdu(X), V = svdv(X)"
    source = "Giles (2008), section 3.2; Magnus & Neudecker (2019), section 9.12"
    latex = r"\boldsymbol{\sigma}({0})"
    conditions_text = (
        "all singular values simple and not 0: where some coincide, a symmetric function of them, such as "
        "sum(svdvals(X).^3), still has the derivative that is given"
    )
    examples = ("sum(svdvals(X))", "sum(exp(svdvals(X)))", "x'*svdvals(X)")
    identities = (
        ("sum(svdvals(A))", "normnuc(A)"), ("norm2(svdvals(A))", "norm2(A)"), ("max(svdvals(A))", "normspec(A)"),
        ("prod(svdvals(A))", "abs(det(A))"), ("min(svdvals(A))", "svdmin(A)"), ("svdvals(-2*A)", "2*svdvals(A)"),
    )  # fmt: skip

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        super().shape(equal, shapes, params)
        return (shorter_side(shapes[0]), UNIT)

    def build(self, *args: Any) -> Expr:
        factors, e = upright_front(args[0])
        shape = (shorter_side(e.shape), UNIT)
        if is_zero(e):
            return zeros(shape)
        result = ones(shape) if e.op is EYE else make(self, (e,), (), shape)
        for f in factors:
            result = products.scale(f, result)
        return result

    def annotate(self, node: Expr) -> None:
        node.sign, node.definite, node.balance, node.real = 1, 0, 0, True

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        u, v = SVDUS.build(node.args[0]), SVDVS.build(node.args[0])
        return real_part(shaping.diag_of(products.product(conjugate_transposed(u), d[0], v)))

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"np.linalg.svd({args[0]}, compute_uv=False)"


class AllVectors(AllSingular):
    """The left or right singular vectors as columns."""

    left: bool
    orthonormal = True
    conditions_text = "all singular values simple and not 0; columns of U and V are defined up to common signs"

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        super().shape(equal, shapes, params)
        return (shapes[0][0 if self.left else 1], shorter_side(shapes[0]))

    def build(self, *args: Any) -> Expr:
        e: Expr = args[0]
        while True:
            c, rest = sums.content(e)
            if c > 0 and c != 1:
                e = rest
            elif e.op is products.SCALE and e.args[0].sign == 2:
                e = e.args[1]
            else:
                break
        plain = conjugated(e) if e.bar > 0 else e
        vectors = make(self, (plain,), (), (e.shape[0 if self.left else 1], shorter_side(e.shape)))
        return vectors if plain is e else conjugated(vectors)

    def annotate(self, node: Expr) -> None:
        node.sign, node.definite, node.balance, node.bar = 0, 0, -1, -1

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        x, dx = node.args[0], d[0]
        assert dx is not None
        other = (SVDVS if self.left else SVDUS).build(x)
        if not self.left:
            x, dx = conjugate_transposed(x), conjugate_transposed(dx)
        s = SVDVALS.build(node.args[0])
        level = shaping.diag(s)
        inside = products.product(conjugate_transposed(node), dx, other)
        moved = sums.add([(1, products.product(inside, level)), (1, products.product(level, conjugate_transposed(inside)))])
        weights = spectra.over_gaps(hadamard.monomial(s.shape, [(s, 2)]))
        terms = [(1, products.product(node, hadamard.monomial(weights.shape, [(moved, 1), (weights, 1)])))]
        if self.left and not node.real:  # the phases of U*Vᴴ turn the left vectors, not the right ones
            turn = hadamard.monomial(s.shape, [(imaginary(shaping.diag_of(inside)), 1), (s, -1)])
            terms.append((1, products.product(node, shaping.diag(turn))))
        if node.shape[0] is not node.shape[1]:
            away = sums.subtract(eye(node.shape[0]), products.product(node, conjugate_transposed(node)))
            terms.append((1, products.product(away, dx, other, powers.inverse(level))))
        return sums.add(terms)

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        return [*super().conditions(node), *spectral.phases(node, "singular vectors")]

    def elsewhere_of(self, node: Expr, words: str) -> str:
        return spectral.CHANGES_WITH_PHASES if words.startswith(spectral.PHASES) else self.elsewhere

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        part = "[0]" if self.left else "[2].T" if node.real else "[2].conj().T"
        return f"np.linalg.svd({args[0]}, full_matrices=False){part}"


class SvdusPage(AllVectors):
    name, typed_as, signature, left = "svdus", "svdu", "svdu(X)", True
    summary = "The left unit singular vectors as columns, of a matrix with at least as many rows as columns."
    rule = (
        "d U = U*(F.*(W*S+S*W^H)) + (I-U*U^H)*dX*V*inv(S) + U*diag(1i*im(diag(W)))*inv(S),  U = svdu(X), V = svdv(X), "
        "S = diag(svdvals(X)), W = U^H*dX*V, F the matrix of 1/(s_j^2-s_i^2)"
    )
    source = "Giles (2008), section 3.2; Townsend (2016), eqs. 17-19"
    latex = r"U({0})"
    meaning = "U of the thin singular value decomposition U*S*V' of {0}, the singular values descending"
    examples = ("svdu(X)*diag(x)*svdv(X)^H", "svdu(A)*diag(x)*svdu(A)^H")
    identities = (
        ("svdu(X)'*svdu(X)", "eye(m)"), ("svdu(X)*diag(svdvals(X))*svdv(X)'", "X"), ("svdu(X)*svdv(X)'", "polar(X)"),
        ("svdu(3*X)", "svdu(X)"),
    )  # fmt: skip


class SvdvsPage(AllVectors):
    name, typed_as, signature, left = "svdvs", "svdv", "svdv(X)", False
    summary = "The right unit singular vectors as columns, of a matrix with at least as many rows as columns."
    rule = (
        "d V = V*(F.*(W^H*S+S*W)) + (I-V*V^H)*dX^H*U*inv(S),  U = svdu(X), V = svdv(X), S = diag(svdvals(X)), W = U^H*dX*V, "
        "F the matrix of 1/(s_j^2-s_i^2)"
    )
    source = "Giles (2008), section 3.2; Townsend (2016), eqs. 17-19"
    latex = r"V({0})"
    meaning = "V of the thin singular value decomposition U*S*V' of {0}, the singular values descending"
    examples = ("svdv(X)*diag(x)*svdv(X)^H",)
    identities = (("svdv(X)'*svdv(X)", "eye(m)"), ("svdv(A)*diag(svdvals(A).^2)*svdv(A)'", "A'*A"))


class OfTheLargest(Singular):
    """Of the k largest singular values."""

    in_notation = False
    takes = ("ei",)

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        k = node.params[0]
        return [(f"singular values number {k} and {k + 1} of {{0}} differ, and number {k} is not 0", node.args[0])]


class KyFanPage(OfTheLargest):
    name, signature = "kyfan", "kyfan(X,k)"
    summary = "The Ky Fan norm: the sum of the k largest singular values."
    rule = "d kyfan(X,k) = tr(polar(X,k)^H*dX)"
    source = "Fan (1951); Watson (1992), section 3; Horn & Johnson (2013), section 7.4.8"
    latex = r"\lVert {0}\rVert_{({p})}"
    conditions_text = (
        "singular values number k and k+1 differ, and number k is not 0: where not, the norm is only convex, and U_k*V_k' "
        "of any k largest is a subgradient"
    )
    examples = ("kyfan(X,2)", "kyfan(A*X,2)")
    identities = (
        ("kyfan(X,1)", "normspec(X)"), ("kyfan(-3*X,2)", "3*kyfan(X,2)"), ("kyfan(X,2)", "normspec(X)+svdval(X,2)"),
        ("tr(polar(X,2)'*X)", "kyfan(X,2)"), ("kyfan(A*A',2)", "eigsum(A*A',2)"),
    )  # fmt: skip

    def build(self, *args: Any) -> Expr:
        k = checked_number(*args)
        factors, e = front(args[0])
        if is_zero(e):
            return zeros(SCALAR)
        if k == shorter_side(e.shape).value() or outer(e) is not None:
            return nuclear.nuclear_norm(args[0])
        if k == 1:
            value = singular_value(e, 1)
        elif e.definite:
            value = spectra.EIGSUM.build(e, k)
        else:
            value = make(self, (e,), (k,), SCALAR)
        return with_factors(factors, value)

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        return real_part(products.inner(PARTIAL_POLAR.build(node.args[0], node.params[0]), d[0]))

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"np.sum(np.linalg.svd({args[0]}, compute_uv=False)[:{node.params[0]}])"


class PartialPolarPage(OfTheLargest):
    name, typed_as, signature = "partial_polar", "polar", "polar(X,k)"
    summary = "U_k*V_k' of the k largest singular values: the polar factor of the nearest matrix of rank k."
    rule = "d polar(X,k) = d(polar(X)*eigproj(X^H*X,k))"
    source = "Watson (1992), section 3; Higham (2008), chapter 8"
    latex = r"\operatorname{polar}_{p}({0})"
    meaning = "U_k*V_k', k = {p}, of the left and right singular vectors of the {p} largest singular values of {0}"
    conditions_text = "singular values number k and k+1 differ, and number k is not 0; its differential: X of full rank"
    examples = ("polar(A*A,2)", "tr(B*polar(A*A,2))")
    identities = (
        ("polar(X,2)'", "polar(X',2)"), ("polar(-2*X,2)", "-polar(X,2)"), ("polar(A,2)", "polar(A)*eigproj(A'*A,2)"),
        ("polar(X,1)", "svdu(X,1)*svdv(X,1)'"), ("polar(A,2)*polar(A,2)'", "eigproj(A*A',2)"),
    )  # fmt: skip

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        super().shape(equal, shapes, params)
        return shapes[0]

    def build(self, *args: Any) -> Expr:
        e: Expr = args[0]
        k = checked_number(e, args[1])
        c, rest = sums.content(e)
        if c != 1:
            return sums.scaled(1 if c > 0 else -1, self.build(rest, k))
        if e.op is products.SCALE and e.args[0].sign == 2:
            return self.build(e.args[1], k)
        if e.op is TRANSPOSE:
            return transposed(self.build(e.args[0], k))
        if k == shorter_side(e.shape).value():
            return nuclear.POLAR.build(e)
        return spectra.EIGPROJ.build(e, k) if e.definite else make(self, (e,), (k,), e.shape)

    def annotate(self, node: Expr) -> None:
        node.sign, node.definite, node.balance = 0, 0, node.args[0].balance
        node.leaves += 1

    def same_differential(self, node: Expr) -> Expr | None:
        x = node.args[0]
        right = spectra.EIGPROJ.build(products.product(conjugate_transposed(x), x), node.params[0])
        return products.product(nuclear.POLAR.build(x), right)

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"polar(np.linalg.svd({args[0]}, full_matrices=False), {node.params[0]})"


class ConditionPage(Singular):
    name, signature = "cond", "cond(X)"
    summary = "The condition number in the spectral norm: the largest singular value over the smallest."
    rule = "stands for normspec(X)/svdmin(X)"
    source = "Golub & Van Loan (2013), section 2.6.2"
    in_notation = False
    takes = ("e",)
    conditions_text = "X of full rank, its largest and its smallest singular value simple"
    examples = ("cond(X)", "cond(A*X)", "log(cond(X))")
    identities = (
        ("cond(A)", "normspec(A)*normspec(inv(A))"), ("cond(-2*X')", "cond(X)"), ("cond(A*A')", "cond(A)^2"),
    )  # fmt: skip

    def build(self, *args: Any) -> Expr:
        return products.quotient(singular_value(args[0], 1), singular_value(args[0], "min"))


class SchattenPage(Operation):
    name, signature = "normschatten", "normschatten(X,p)"
    summary = "The Schatten norm: the p-norm of the singular values, p a number of at least 1."
    rule = (
        "stands for tr(powm(X^H*X,p/2))^(1/p), for p < 2 for sum(svdvals(X).^p)^(1/p); "
        "d normschatten(X,p) = normschatten(X,p)^(1-p)*tr(powm(X^H*X,p/2-1)*X^H*dX)"
    )
    source = "Horn & Johnson (2013), section 7.4.7; Lewis (1995)"
    takes = ("er",)
    in_notation = False
    forces_matrix = complex = True
    conditions_text = "X of full rank, which for p ≥ 2 is not needed of a matrix that is not 0"
    examples = ("normschatten(X,3)", "normschatten(A*X,4)", "normschatten(X,3/2)")
    identities = (
        ("normschatten(X,1)", "normnuc(X)"), ("normschatten(X,2)", "norm2(X)"),
        ("normschatten(-2*X,3)", "2*normschatten(X,3)"),
        ("normschatten(X,3)^3", "sum(svdvals(X).^3)"),
    )  # fmt: skip

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        if kind(shapes[0]) != "matrix":
            raise ShapeError(f"normschatten needs a matrix, and this is a {kind(shapes[0])}")
        return SCALAR

    def build(self, *args: Any) -> Expr:
        x, p = args[0], exact(args[1])
        if p < 1:
            raise ShapeError(f"normschatten(X,{p}) is no norm: p must be at least 1")
        if p in (1, 2):
            return nuclear.nuclear_norm(x) if p == 1 else norms.norm2(x)
        factors, e = front(x)
        if p > 2:
            rows, columns = (d.value() for d in e.shape)
            wide = rows is not None and columns is not None and rows < columns
            x = transposed(e) if wide else e  # X*X' where it is the smaller
            total = reductions.trace(powers.power(products.product(conjugate_transposed(x), x), exact(Fraction(p) / 2)))
        else:  # the power p/2-1 in the derivative would be negative: X'*X must be the smaller of X'*X and X*X'
            values = SVDVALS.build(e)
            total = reductions.sum_all(hadamard.monomial(values.shape, [(values, p)]))
        value = hadamard.monomial(SCALAR, [(total, exact(1 / Fraction(p)))])
        return with_factors(factors, value)


SVDVALS, SVDUS, SVDVS = SvdvalsPage(), SvdusPage(), SvdvsPage()
KYFAN, PARTIAL_POLAR = KyFanPage(), PartialPolarPage()
PAGES: tuple[Operation, ...] = (SVDVALS, SVDUS, SVDVS, KYFAN, PARTIAL_POLAR, ConditionPage(), SchattenPage())


def _volume(e: Expr) -> Expr | None:
    x = e.args[0]
    return elementwise.ABS.build(DET.build(x)) if x.shape[0] is x.shape[1] else None


def _polar_factor(u: Expr, vt: Expr) -> Expr | None:
    v = conjugate_transposed(vt)
    return nuclear.POLAR.build(u.args[0]) if v.op is SVDVS and v.args[0] is u.args[0] else None


REDUCTIONS |= {
    ("sum", "svdvals"): lambda e: nuclear.nuclear_norm(e.args[0]),
    ("norm2", "svdvals"): lambda e: norms.norm2(e.args[0]),
    ("max", "svdvals"): lambda e: singular_value(e.args[0], 1),
    ("min", "svdvals"): lambda e: singular_value(e.args[0], "min"),
    ("prod", "svdvals"): _volume,
}
CONJUGATES |= {"svdus": barred, "svdvs": barred}
recomposing.PAIRS["svdus", "transpose"] = _polar_factor
