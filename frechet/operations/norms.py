"""Norms by entries: Euclidean and Frobenius, the sum of the moduli, p-norms."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from frechet.expressions.dimension import SCALAR
from frechet.expressions.errors import ShapeError
from frechet.expressions.node import Expr, make
from frechet.expressions.operation import Operation
from frechet.operations import complex_parts, elementwise, hadamard, products, reducing, reductions, shaping, sums
from frechet.operations.constants import EYE, ONE, ONES, UNIT_VECTOR, exact, is_zero, magnitude, number, zeros
from frechet.operations.transposition import TRANSPOSE, conjugated, transposed


class Norm2Page(reducing.Reduction):
    name, signature = "norm2", "norm2(X)"
    summary = "The Euclidean norm of a vector, the Frobenius norm of a matrix or tensor."
    tensors = True
    rule = "d norm2(X) = tr(X'*dX)/norm2(X)"
    source = "Petersen & Pedersen (2012), eqs. 129-132"
    latex = r"\lVert {0}\rVert"
    conditions_text = "X ≠ 0 (none where norm2 is squared)"
    elsewhere = (
        "where {0} = 0 the norm has no derivative; the G with norm2(G) <= 1 are its subgradients, "
        "and the formula divides by 0"
    )
    examples = ("norm2(x)", "norm2(A*x-b)", "norm2(X)^2")
    identities = (("norm2(-2*x)", "2*norm2(x)"), ("norm2(X')", "norm2(X)"))
    complex = True

    def build(self, *args: Any) -> Expr:
        return norm2(args[0])

    def annotate(self, node: Expr) -> None:
        super().annotate(node)
        node.real = True

    def sign_of(self, e: Expr) -> int:
        return 1

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        along = complex_parts.real_part(products.inner(node.args[0], d[0]))
        return products.scale(hadamard.monomial(SCALAR, [(node, -1)]), along)

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"np.linalg.norm({args[0]})"


def norm2(e: Expr) -> Expr:
    """The Euclidean or Frobenius norm in normal form."""
    if e.shape == SCALAR:
        return elementwise.ABS.build(e)
    c, e = sums.content(e)
    scalar: Expr | None = None
    if e.op is products.SCALE:
        scalar, e = elementwise.ABS.build(e.args[0]), e.args[1]
    if is_zero(e):
        return zeros(SCALAR)
    e = conjugated(e) if e.bar > 0 else e
    if e.kind == "row" or (e.kind == "matrix" and (e.op is TRANSPOSE or e.balance > 0)):
        e = transposed(e)
    if e.op is elementwise.ABS:
        return sums.scaled(magnitude(c), hadamard.times(scalar or ONE, norm2(e.args[0])))
    if e.op is ONES or e.op is EYE or e.op is UNIT_VECTOR:
        core = hadamard.monomial(SCALAR, [(reductions.sum_all(e), Fraction(1, 2))])
    elif e.op is shaping.DIAG or e.op.name == "norm2_of_rows":  # the lengths of the rows together are the whole length
        core = norm2(e.args[0])
    else:
        unit = e.op.name == "variable" and "sphere" in e.params[1]
        core = number(1) if unit else reducing.reduced("norm2", e) or make(NORM2, (e,), (), SCALAR)
    factors: list[tuple[Expr, Any]] = [(core, 1)] + ([(scalar, 1)] if scalar is not None else [])
    return sums.scaled(magnitude(c), hadamard.monomial(SCALAR, factors))


class Norm1Page(reducing.Reduction):
    piecewise = True
    name, signature, summary = "norm1", "norm1(X)", "The sum of the absolute values of all entries."
    rule = "d norm1(X) = tr(sign(X)'*dX)"
    source = "Boyd & Vandenberghe (2004), section 6.1"
    latex = r"\lVert {0}\rVert_1"
    conditions_text = "no entry 0 (there the subgradient 0 is given)"
    tensors = True
    elsewhere = (
        "where an entry of {0} is 0 there is no derivative; the numbers in [-1,1] are its subgradients, and 0 is given"
    )
    examples = ("norm1(A*x-y)", "norm1(X)")
    complex = True
    identities = (("norm1(x)", "sum(abs(x))"),)

    def build(self, *args: Any) -> Expr:
        e = args[0]
        if e.shape == SCALAR:
            return elementwise.ABS.build(e)
        c, e = sums.content(e)
        if e.op is products.SCALE:
            return sums.scaled(magnitude(c), hadamard.times(elementwise.ABS.build(e.args[0]), self.build(e.args[1])))
        if e.sign:
            return sums.scaled(magnitude(c), reductions.sum_all(e))
        e = conjugated(e) if e.bar > 0 else e
        if e.op is TRANSPOSE or e.kind == "row":
            e = transposed(e)
        return sums.scaled(magnitude(c), make(self, (e,), (), SCALAR))

    def annotate(self, node: Expr) -> None:
        super().annotate(node)
        node.real = True

    def sign_of(self, e: Expr) -> int:
        return 1

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        e = node.args[0]
        if e.real:
            return products.inner(elementwise.SIGN.build(e), d[0])
        phases = hadamard.monomial(e.shape, [(e, 1), (elementwise.ABS.build(e), -1)])
        return complex_parts.real_part(products.inner(phases, d[0]))

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        if not node.args[0].real:
            return [("no entry of {0} is 0", node.args[0])]
        return [("no entry of {0} is 0 (there the subgradient 0 is given)", node.args[0])]

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"np.sum(np.abs({args[0]}))"


class NormPPage(reducing.Reduction):
    name, signature, summary = "normp", "normp(x,p)", "The p-norm of the entries: sum(abs(x).^p)^(1/p), p > 1."
    rule = "d normp(x,p) = normp(x,p)^(1-p)*(sign(x).*abs(x).^(p-1))'*dx"
    source = "Boyd & Vandenberghe (2004), appendix A.1"
    latex = r"\lVert {0}\rVert_{p}"
    takes = ("er", "ee")
    conditions_text = "x ≠ 0; p > 1"
    tensors = True
    elsewhere = (
        "where {0} = 0 the norm has no derivative; the G whose dual norm is at most 1 are its subgradients, "
        "and the formula divides by 0"
    )
    examples = ("normp(x,3)", "normp(A*x-b,1.5)")
    identities = (("normp(x,2)", "norm2(x)"), ("normp(x,1)", "norm1(x)"))

    def build(self, *args: Any) -> Expr:
        e, p = args
        if isinstance(p, Expr):
            if p.op.name != "number":
                raise ShapeError("the p of normp(x,p) must be a number")
            p = p.params[0]
        p = exact(p)
        if p < 1:
            raise ShapeError(f"normp(x,p) needs p ≥ 1, not {p}")
        if p in (1, 2):
            return NORM1.build(e) if p == 1 else norm2(e)
        c, e = sums.content(e)
        if e.op is TRANSPOSE or e.kind == "row":
            e = transposed(e)
        return sums.scaled(magnitude(c), make(self, (e,), (p,), SCALAR))

    def annotate(self, node: Expr) -> None:
        super().annotate(node)
        node.leaves += 1

    def sign_of(self, e: Expr) -> int:
        return 1

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        e, p = node.args[0], node.params[0]
        if isinstance(p, int) and p % 2 == 0:
            weights = hadamard.monomial(e.shape, [(e, p - 1)])
        else:
            weights = hadamard.monomial(e.shape, [(elementwise.SIGN.build(e), 1), (elementwise.ABS.build(e), p - 1)])
        return products.scale(hadamard.monomial(SCALAR, [(node, 1 - p)]), products.inner(weights, d[0]))

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        return [("{0} ≠ 0", node.args[0])]

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        p = float(node.params[0])
        return f"(np.sum(np.abs({args[0]}) ** {p!r}) ** (1 / {p!r}))"


NORM2, NORM1, NORMP = Norm2Page(), Norm1Page(), NormPPage()
PAGES: tuple[Operation, ...] = (NORM2, NORM1, NORMP)
