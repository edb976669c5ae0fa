"""Least squares and projectors: lstsq, ridge, the projector on the columns of a matrix; the geometric mean of two matrices.

Source:  Golub & Pereyra (1973); Hoerl & Kennard (1970); Bhatia (2007), "Positive Definite Matrices", chapter 4
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from frechet.expressions.dimension import SCALAR, Shape, kind
from frechet.expressions.errors import ShapeError, UnsupportedError
from frechet.expressions.node import Expr, make
from frechet.expressions.operation import Equal, Operation
from frechet.operations import equations, factorizations, hadamard, powers, products, reducing, sums
from frechet.operations.constants import EYE, eye, is_zero, number
from frechet.operations.transposition import CONJUGATES, conjugate_transposed, conjugated, hermitian, symmetric, transposed


def _tall_shape(name: str, equal: Equal, shapes: Sequence[Shape]) -> Shape:
    a, b = shapes[:2]
    if kind(a) != "matrix":
        raise ShapeError(f"{name} needs a matrix on the left, and this is a {kind(a)}")
    if kind(b) not in ("vector", "matrix"):
        raise ShapeError(f"{name} needs a vector or matrix on the right, and this is a {kind(b)}")
    equal(a[0], b[0])
    return (a[1], b[1])


class LeastSquaresPage(Operation):
    name, signature, summary = "lstsq", "lstsq(A,b)", "The least-squares solution: the z with the smallest norm2(A*z-b)."
    rule = "stands for inv(A^H*A)*A^H*b"
    source = "Golub & Pereyra (1973), section 4; Golub & Van Loan (2013), section 5.3"
    takes = ("ee",)
    complex = True
    in_notation = False
    conditions_text = "A of full column rank: where not, pinv(A)*b is the solution of smallest norm"
    examples = ("lstsq(A,b)", "norm2(A*lstsq(A,b)-b)^2")
    identities = (("lstsq(A,b)", "pinv(A)*b"), ("A'*(A*lstsq(A,b)-b)", "zeros(n)"))

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        return _tall_shape(self.name, equal, shapes)

    def build(self, *args: Any) -> Expr:
        a, b = args
        return products.product(powers.inverse(products.product(conjugate_transposed(a), a)), conjugate_transposed(a), b)


class RidgePage(Operation):
    name, signature, summary = "ridge", "ridge(A,b,c)", "The z with the smallest norm2(A*z-b)^2 + c*norm2(z)^2, for c > 0."
    rule = "stands for inv(A^H*A+c*eye(n))*A^H*b"
    source = "Hoerl & Kennard (1970), eq. 2.1"
    takes = ("eee",)
    complex = True
    domain = "positive"
    in_notation = False
    conditions_text = "A'*A+c*I invertible, as it is for c > 0"
    examples = ("ridge(A,b,c)",)
    identities = (("A'*(A*ridge(A,b,c)-b)+c*ridge(A,b,c)", "zeros(n)"), ("ridge(A,b,c)", "A'*inv(A*A'+c*eye(m))*b"))

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        if shapes[2] != SCALAR:
            raise ShapeError("the last argument of ridge(A,b,c) must be a scalar")
        return _tall_shape(self.name, equal, shapes)

    def build(self, *args: Any) -> Expr:
        a, b, c = args
        gram = sums.add([(1, products.product(conjugate_transposed(a), a)), (1, products.scale(c, eye(a.shape[1])))])
        return products.product(powers.inverse(gram), conjugate_transposed(a), b)


class ProjectorPage(Operation):
    name, signature, summary = "proj", "proj(X)", "The orthogonal projector on the columns of a matrix: X*pinv(X)."
    rule = "d P = Z+Z^H,  P = proj(X), Z = (I-P)*dX*pinv(X)"
    source = "Golub & Pereyra (1973), lemma 4.1"
    latex = r"P({0})"
    takes = ("e",)
    forces_matrix = complex = True
    in_notation = False
    idempotent = True
    meaning = "the orthogonal projector on the columns of {0}"
    conditions_text = "the rank of X is constant near the point"
    elsewhere = "where the rank of {0} changes the projector jumps, and there is no derivative"
    examples = ("proj(X)", "norm2(y-proj(X)*y)^2", "proj(A*X)*b")
    identities = (
        ("proj(X)", "X*pinv(X)"), ("proj(X)*proj(X)", "proj(X)"), ("proj(X)*X", "X"), ("proj(3*X)", "proj(X)"),
        ("proj(X)'", "proj(X)"), ("pinv(X)*proj(X)", "pinv(X)"),
    )  # fmt: skip

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        if kind(shapes[0]) != "matrix":
            raise ShapeError(f"proj needs a matrix, and this is a {kind(shapes[0])}")
        return (shapes[0][0], shapes[0][0])

    def build(self, *args: Any) -> Expr:
        c, e = sums.content(args[0])
        if c != 1:
            return self.build(e)
        if e.op is EYE or (e.op.idempotent and hermitian(e)):
            return e
        if products.orthonormal(e) or is_zero(e):
            return products.product(e, conjugate_transposed(e))
        if e.bar > 0:
            return transposed(self.build(conjugated(e)))
        return make(self, (e,), (), (e.shape[0], e.shape[0]))

    def annotate(self, node: Expr) -> None:
        node.sign, node.definite, node.balance, node.transposed = 0, 1, 0, node
        if not node.real:  # it is Hermitian
            node.transposed, node.bar = None, 0

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        away = sums.subtract(eye(node.shape[0]), node)
        moved = products.product(away, d[0], powers.PSEUDO_INVERSE.build(node.args[0]))
        return sums.add([(1, moved), (1, conjugate_transposed(moved))])

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        return [("the rank of {0} is constant near the point", node.args[0])]

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"proj({args[0]})"


class GeometricMeanPage(Operation):
    name, signature = "geomean", "geomean(A,B)"
    summary = "The geometric mean of two positive definite matrices: the positive definite G with G*inv(A)*G = B."
    rule = "d G = lyap(G*inv(A),dB+G*inv(A)*dA*inv(A)*G),  G = geomean(A,B)"
    source = "Bhatia (2007), section 4.1; Iannazzo (2016)"
    latex = r"{0} \mathbin{\#} {1}"
    takes = ("ee",)
    in_notation = False
    domain = "spd"
    conditions_text = "A and B positive definite"
    elsewhere = "where {0} is singular the mean has no derivative, and where it is indefinite there is no mean"
    examples = ("geomean(A*A'+eye(n),B*B'+eye(n))", "tr(C*geomean(A*A'+eye(n),B*B'+eye(n)))")
    identities = (
        ("geomean(A*A',B*B')*inv(A*A')*geomean(A*A',B*B')", "B*B'"), ("geomean(A*A',eye(n))", "sqrtm(A*A')"),
        ("geomean(B*B',A*A')", "geomean(A*A',B*B')"), ("geomean(4*A*A',B*B')", "2*geomean(A*A',B*B')"),
        ("det(geomean(A*A',B*B'))^2", "det(A*A')*det(B*B')"),
    )  # fmt: skip

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        for s in shapes:
            reducing.square(equal, s, self.name)
        equal(shapes[0][0], shapes[1][0])
        return shapes[0]

    def build(self, *args: Any) -> Expr:
        if not all(map(symmetric, args)):
            raise UnsupportedError(
                "geomean is of symmetric positive definite matrices: declare them spd, or give ones such as X*X'"
            )
        for a, b in (args, args[::-1]):
            if a is b:
                return a  # type: ignore[no-any-return]
            c, rest = sums.content(a)
            if c > 0 and c != 1:
                return products.scale(hadamard.monomial(SCALAR, [(number(c), factorizations.HALF)]), self.build(rest, b))
            if a.op is EYE:
                return powers.power(b, factorizations.HALF)
        a, b = sorted(args, key=lambda e: e.key)
        return make(self, (a, b), (), a.shape)

    def annotate(self, node: Expr) -> None:
        node.sign, node.definite, node.balance, node.transposed = 0, min(a.definite for a in node.args), 0, node

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        inverse = powers.inverse(node.args[0])
        terms = [(1, d[1])] if d[1] is not None else []
        if d[0] is not None:
            terms.append((1, products.product(node, inverse, d[0], inverse, node)))
        return equations.LYAP.build(products.product(node, inverse), sums.add(terms))

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        return [("{0} positive definite", a) for a in node.args if a.definite != 2]

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"geomean({', '.join(args)})"


PROJ, GEOMEAN = ProjectorPage(), GeometricMeanPage()
PAGES: tuple[Operation, ...] = (LeastSquaresPage(), RidgePage(), PROJ, GEOMEAN)
CONJUGATES["proj"] = transposed
