"""The nuclear norm and the polar factor: what all singular values have to say together.

Source:  Watson (1992); Higham (2008), chapter 8
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from frechet.expressions.dimension import SCALAR, Shape
from frechet.expressions.errors import UnsupportedError
from frechet.expressions.node import Expr, make
from frechet.expressions.operation import Equal, Operation
from frechet.operations import equations, norms, powers, products, reductions, shaping, sums
from frechet.operations.complex_parts import real_part
from frechet.operations.constants import eye, is_zero, size, zeros
from frechet.operations.singular_values import Singular, front, is_orthogonal, outer, with_factors
from frechet.operations.transposition import TRANSPOSE, conjugate_transposed, oriented, transposed


def nuclear_norm(e: Expr) -> Expr:
    """The nuclear norm in normal form; of a semi-definite matrix the trace."""
    factors, e = front(e)
    v, pair = shaping.diagonal_of_matrix(e), outer(e)
    if is_zero(e):
        return zeros(SCALAR)
    if e.definite:
        value = reductions.trace(e)
    elif is_orthogonal(e) and e.shape[0] is e.shape[1]:
        value = size(e.shape[0])
    elif pair is not None:
        value = with_factors([norms.norm2(pair[0])], norms.norm2(pair[1]))
    elif v is not None:
        value = norms.NORM1.build(v)
    elif e.op is shaping.KRON:
        value = with_factors([nuclear_norm(e.args[0])], nuclear_norm(e.args[1]))
    else:
        value = make(NORMNUC, (e,), (), SCALAR)
    return with_factors(factors, value)


class OfFullRank(Singular):
    """What is smooth where no singular value is 0."""

    elsewhere = "where {0} is not of full rank polar({0}) jumps: it is not determined, and there is no derivative"

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        return [("{0} of full rank", node.args[0])]


class NormNucPage(OfFullRank):
    name, signature = "normnuc", "normnuc(X)"
    summary = "The nuclear norm of a matrix: the sum of its singular values. Of a vector the Euclidean norm."
    rule = "d normnuc(X) = tr(polar(X)^H*dX)"
    source = "Watson (1992), example 2"
    latex = r"\lVert {0}\rVert_{\ast}"
    takes = ("e",)
    forces_matrix = False
    elsewhere = (
        "where {0} is not of full rank there is no derivative; U*V'+W with normspec(W) <= 1, U'*W = 0, W*V = 0 are the "
        "subgradients, and one of them, polar({0}), is given"
    )
    conditions_text = "X of full rank: where not, U*V'+W with normspec(W) <= 1, U'*W = 0, W*V = 0 are the subgradients"
    examples = ("normnuc(X)", "normnuc(A*X-B)")
    identities = (
        ("normnuc(X)", "tr(polar(X)'*X)"), ("normnuc(-2*X')", "2*normnuc(X)"), ("normnuc(x*y')", "norm2(x)*norm2(y)"),
        ("normnuc(diag(x))", "norm1(x)"), ("normnuc(A*A')", "norm2(A)^2"),
    )  # fmt: skip

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        return SCALAR

    def build(self, *args: Any) -> Expr:
        return nuclear_norm(args[0]) if args[0].kind == "matrix" else norms.norm2(args[0])

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        return real_part(products.inner(POLAR.build(node.args[0]), d[0]))

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"np.linalg.norm({args[0]}, 'nuc')"


class PolarPage(OfFullRank):
    name, signature = "polar", "polar(X)"
    summary = "U*V' of the thin singular value decomposition U*S*V': the nearest matrix with orthonormal columns."
    rule = "d P = P*lyap(P'*X,P'*dX-dX'*P),  P = polar(X), for square X; of n×m as numbers with a term for the rest"
    source = "Higham (2008), chapter 8; Kenney & Laub (1991), section 2"
    latex = r"\operatorname{polar}({0})"
    meaning = "U*V' of the thin singular value decomposition U*S*V' of {0}"
    takes = ("e",)
    conditions_text = "X of full rank; the differential only of a square matrix, or where the sizes are numbers"
    examples = ("polar(X*X)", "tr(A*polar(X*X+A))")
    identities = (
        ("polar(-3*X)", "-polar(X)"), ("polar(X')", "polar(X)'"),
        ("polar(X)*X'*polar(X)", "X"), ("tr(X'*polar(X))", "normnuc(X)"),
    )  # fmt: skip

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        super().shape(equal, shapes, params)
        return shapes[0]

    def build(self, *args: Any) -> Expr:
        e: Expr = args[0]
        c, rest = sums.content(e)
        if c != 1:
            return sums.scaled(1 if c > 0 else -1, self.build(rest))
        if e.op is products.SCALE and e.args[0].sign == 2:
            return self.build(e.args[1])
        if e.op is TRANSPOSE:
            return transposed(self.build(e.args[0]))
        if e.definite == 2:
            return eye(e.shape[0])
        if e.op is self or is_orthogonal(e):
            return e
        node = make(self, (e,), (), e.shape)
        return oriented(node, lambda: make(self, (transposed(e),), (), e.shape[::-1]))

    def annotate(self, node: Expr) -> None:
        node.sign = node.definite = 0

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        x, dx = node.args[0], d[0]
        assert dx is not None
        rows, columns = (side.value() for side in x.shape)
        if x.shape[0] is x.shape[1]:
            return _moved(node, x, dx)
        if rows is None or columns is None:
            raise UnsupportedError(
                "the differential of polar(X) depends on which side of X is shorter: give the sizes as numbers"
            )
        if rows < columns:
            return transposed(_moved(transposed(node), transposed(x), transposed(dx)))
        return _moved(node, x, dx)

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"polar(np.linalg.svd({args[0]}, full_matrices=False))"


def _moved(p: Expr, x: Expr, dx: Expr) -> Expr:
    """The differential of the polar factor p of x, which has at least as many rows as columns."""
    h = products.product(conjugate_transposed(p), x)  # p*h = x, h positive definite
    turn = products.product(conjugate_transposed(p), dx)
    away = sums.subtract(turn, conjugate_transposed(turn))
    solved = equations.LYAP.build(h, away) if x.real else equations.SYLVESTER.build(h, h, away)
    inside = products.product(p, solved)
    if x.shape[0] is x.shape[1]:
        return inside
    rest = sums.subtract(eye(x.shape[0]), products.product(p, conjugate_transposed(p)))
    return sums.add([(1, inside), (1, products.product(rest, dx, powers.inverse(h)))])


NORMNUC, POLAR = NormNucPage(), PolarPage()
PAGES: tuple[Operation, ...] = (NORMNUC, POLAR)
