"""QR, LU and LDL' factors: triangular factors whose signs or diagonals are fixed, so that they are functions of the matrix.

Each rule comes from the product: with M = inv(L)*dX*inv(U) of X = L*U the strict lower triangle of M is inv(L)*dL and the
rest dU*inv(U). The adjoints follow from those of the triangles.

Source:  Walter & Lehmann (2012), section 4; de Hoog, Anderssen & Lukas (2011); Seeger et al. (2017); Giles (2008)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from frechet.expressions.dimension import UNIT, Shape, kind
from frechet.expressions.errors import ShapeError, UnsupportedError
from frechet.expressions.node import Expr, make
from frechet.expressions.operation import Equal, Operation
from frechet.operations import factorizations, hadamard, powers, products, recomposing, reducing, shaping, sums
from frechet.operations.constants import EYE
from frechet.operations.determinant import DET, LOGDET
from frechet.operations.factorizations import LOWHALF, TRIL, TRIU
from frechet.operations.reducing import REDUCTIONS
from frechet.operations.transposition import symmetric, transposed


def below_diagonal(e: Expr) -> Expr:
    """The entries below the diagonal."""
    return sums.subtract(TRIL.build(e), shaping.diag(shaping.diag_of(e)))


def in_front(e: Expr) -> tuple[Any, Expr]:
    """A positive number or scalar in front of a matrix, None where there is none, and the rest."""
    c, rest = sums.content(e)
    if c > 0 and c != 1:
        return c, rest
    if e.op is products.SCALE and e.args[0].sign == 2:
        return e.args[0], e.args[1]
    return None, e


class Factor(Operation):
    """A factor of a matrix."""

    takes = ("e",)
    forces_matrix = True
    in_notation = False
    scales = False  # a positive factor of X is one of the factor; otherwise it does not show

    def build(self, *args: Any) -> Expr:
        front, e = in_front(args[0])
        if front is not None:
            inner = self.build(e)
            if not self.scales:
                return inner
            return products.scale(front, inner) if isinstance(front, Expr) else sums.scaled(front, inner)
        return e if e.op is EYE else self.node(e)

    def node(self, e: Expr) -> Expr:
        return make(self, (e,), (), e.shape)

    def annotate(self, node: Expr) -> None:
        node.sign, node.definite, node.balance = 0, 0, -1


class OfColumns(Factor):
    """A factor of X = Q*R for X of full column rank."""

    source = "Walter & Lehmann (2012), section 4; Seeger et al. (2017), section 4.3"
    conditions_text = "X of full column rank"
    elsewhere = "where {0} has not full column rank Q is not determined, and R has no derivative"

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        if kind(shapes[0]) != "matrix":
            raise ShapeError(f"{self.name} needs a matrix, and this is a {kind(shapes[0])}")
        n, m = (d.value() for d in shapes[0])
        if n is not None and m is not None and n < m:
            raise ShapeError(f"{self.name} is of a matrix of full column rank: with {n} rows it has at most {n} columns")
        return shapes[0]

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        return [("{0} of full column rank", node.args[0])]


def _upper_rate(x: Expr, dx: Expr) -> tuple[Expr, Expr]:
    """dR*inv(R) and dX*inv(R): what is upper triangular in M = Q'*dX*inv(R), whose rest is skew-symmetric."""
    q, r = QRQ.build(x), QRR.build(x)
    inside = products.product(transposed(q), dx, powers.inverse(r))
    return transposed(LOWHALF.build(sums.add([(1, inside), (1, transposed(inside))]))), powers.inverse(r)


class OrthonormalFactorPage(OfColumns):
    name, signature = "qrq", "qrq(X)"
    summary = "Q of X = Q*R: orthonormal columns, R upper triangular with positive diagonal."
    rule = "d Q = dX*inv(R) - Q*lowhalf(M+M')',  Q = qrq(X), R = qrr(X), M = Q'*dX*inv(R)"
    latex = r"Q({0})"
    orthonormal = True
    meaning = "Q of {0} = Q*R, R upper triangular with positive diagonal"
    examples = ("qrq(X)", "tr(A'*qrq(B*X))")
    identities = (
        ("qrq(X)'*qrq(X)", "eye(m)"), ("qrq(X)*qrr(X)", "X"), ("qrq(3*X)", "qrq(X)"),
        ("qrq(X)*qrq(X)'", "X*inv(X'*X)*X'"), ("qrr(X)'*qrq(X)'", "X'"),
    )  # fmt: skip

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        rate, inverse = _upper_rate(node.args[0], d[0])
        return sums.subtract(products.product(d[0], inverse), products.product(node, rate))

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"qr({args[0]})[0]"


class UpperFactorPage(OfColumns):
    name, signature, triangle = "qrr", "qrr(X)", "upper"
    summary = "R of X = Q*R: upper triangular with positive diagonal; cholesky(X'*X)'."
    rule = "d R = lowhalf(M+M')'*R,  Q = qrq(X), R = qrr(X), M = Q'*dX*inv(R)"
    latex = r"R({0})"
    invertible = True
    scales = True
    meaning = "R of {0} = Q*R, Q with orthonormal columns, R upper triangular with positive diagonal"
    examples = ("qrr(X)", "tr(C*qrr(X))", "sum(log(diag(qrr(X))))")
    identities = (
        ("qrr(X)'*qrr(X)", "X'*X"), ("qrr(2*X)", "2*qrr(X)"), ("triu(qrr(X))", "qrr(X)"), ("qrr(X)", "cholesky(X'*X)'"),
        ("2*sum(log(diag(qrr(X))))", "logdet(X'*X)"), ("X*inv(qrr(X))", "qrq(X)"),
    )  # fmt: skip

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        _, m = super().shape(equal, shapes, params)
        return (m, m)

    def node(self, e: Expr) -> Expr:
        return make(self, (e,), (), (e.shape[1], e.shape[1]))

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        return products.product(_upper_rate(node.args[0], d[0])[0], node)

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"qr({args[0]})[1]"


class OfLeadingMinors(Factor):
    """A factor of a square matrix whose leading principal minors are not 0."""

    source = "de Hoog, Anderssen & Lukas (2011), section 2; Golub & Van Loan (2013), section 3.2"
    invertible = True
    domain = "spd"
    conditions_text = "the leading principal minors of X are not 0"
    elsewhere = "where a leading principal minor of {0} is 0 there is no factorization without pivoting, so no derivative"

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        reducing.square(equal, shapes[0], self.name)
        return shapes[0]

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        x = node.args[0]
        return () if x.definite == 2 else [("the leading principal minors of {0} are not 0", x)]


def _between(x: Expr, dx: Expr) -> Expr:
    return products.product(powers.inverse(LUL.build(x)), dx, powers.inverse(LUU.build(x)))


class LowerUnitPage(OfLeadingMinors):
    name, signature, triangle = "lul", "lul(X)", "lower"
    summary = "L of X = L*U without pivoting: lower triangular with ones on its diagonal."
    rule = "d L = L*(tril(M)-diag(diag(M))),  L = lul(X), U = luu(X), M = inv(L)*dX*inv(U)"
    latex = r"L({0})"
    meaning = "L of {0} = L*U, lower triangular with ones on the diagonal, U upper triangular"
    examples = ("lul(X)", "x'*lul(A*X)*y")
    identities = (
        ("lul(X)*luu(X)", "X"), ("lul(2*X)", "lul(X)"), ("diag(lul(X))", "ones(n)"), ("tril(lul(X))", "lul(X)"),
        ("luu(X)'*lul(X)'", "X'"),
    )  # fmt: skip

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        return products.product(node, below_diagonal(_between(node.args[0], d[0])))

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"lu({args[0]})[0]"


class UpperPage(OfLeadingMinors):
    name, signature, triangle = "luu", "luu(X)", "upper"
    summary = "U of X = L*U without pivoting: upper triangular, L with ones on its diagonal."
    rule = "d U = triu(M)*U,  L = lul(X), U = luu(X), M = inv(L)*dX*inv(U)"
    latex = r"U({0})"
    scales = True
    meaning = "U of {0} = L*U, upper triangular, L lower triangular with ones on the diagonal"
    examples = ("luu(X)", "sum(log(abs(diag(luu(X)))))")
    identities = (("luu(3*X)", "3*luu(X)"), ("prod(diag(luu(X)))", "det(X)"), ("triu(luu(X))", "luu(X)"))

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        return products.product(TRIU.build(_between(node.args[0], d[0])), node)

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"lu({args[0]})[1]"


class OfSymmetric(OfLeadingMinors):
    """A factor of X = L*diag(d)*L' for symmetric X."""

    source = "Golub & Van Loan (2013), section 4.1; de Hoog, Anderssen & Lukas (2011), section 2; Smith (1995)"

    def node(self, e: Expr) -> Expr:
        if not symmetric(e):
            raise UnsupportedError(f"{self.name} is of a symmetric matrix: declare X symmetric, or give one such as X*X'")
        return self.made(e)

    def made(self, e: Expr) -> Expr:
        return make(self, (e,), (), e.shape)


def _reduced(x: Expr, dx: Expr) -> Expr:
    inverse = powers.inverse(LDLL.build(x))
    return products.product(inverse, dx, transposed(inverse))


class LdlLowerPage(OfSymmetric):
    name, signature, triangle = "ldll", "ldll(X)", "lower"
    summary = "L of X = L*diag(d)*L' for symmetric X: lower triangular with ones on its diagonal."
    rule = "d L = L*(tril(M)-diag(diag(M)))*inv(diag(d)),  L = ldll(X), d = ldld(X), M = inv(L)*dX*inv(L)'"
    latex = r"L_{\mathrm{LDL}}({0})"
    meaning = "L of {0} = L*diag(d)*L', lower triangular with ones on the diagonal"
    examples = ("ldll(B*B'+eye(n))", "tr(C*ldll(B+B'+9*eye(n)))")
    identities = (
        ("ldll(S+S')*diag(ldld(S+S'))*ldll(S+S')'", "S+S'"), ("diag(ldll(S*S'))", "ones(n)"),
        ("ldll(S*S')*diag(sqrt(ldld(S*S')))", "cholesky(S*S')"), ("ldll(3*S+3*S')", "ldll(S+S')"),
    )  # fmt: skip

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        x = node.args[0]
        pivots = LDLD.build(x)
        inverse = shaping.diag(hadamard.monomial(pivots.shape, [(pivots, -1)]))
        return products.product(node, below_diagonal(_reduced(x, d[0])), inverse)

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"lu({args[0]})[0]"


class LdlDiagonalPage(OfSymmetric):
    name, signature = "ldld", "ldld(X)"
    summary = "The vector d of X = L*diag(d)*L' for symmetric X, L lower triangular with ones on its diagonal: the pivots."
    rule = "d d = diag(inv(L)*dX*inv(L)'),  L = ldll(X)"
    latex = r"d_{\mathrm{LDL}}({0})"
    scales = True
    meaning = "d of {0} = L*diag(d)*L', L lower triangular with ones on the diagonal"
    examples = ("ldld(B*B'+eye(n))", "x'*ldld(B+B'+9*eye(n))")
    identities = (
        ("prod(ldld(S+S'))", "det(S+S')"), ("ldld(2*S*S')", "2*ldld(S*S')"), ("sum(log(ldld(S*S')))", "logdet(S*S')"),
        ("ldld(S*S')", "diag(luu(S*S'))"),
    )  # fmt: skip

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        super().shape(equal, shapes, params)
        return (shapes[0][0], UNIT)

    def build(self, *args: Any) -> Expr:
        found = super().build(*args)
        return shaping.diag_of(found) if found.kind == "matrix" else found

    def made(self, e: Expr) -> Expr:
        return make(self, (e,), (), (e.shape[0], UNIT))

    def annotate(self, node: Expr) -> None:
        node.sign, node.definite, node.balance = 2 if node.args[0].definite == 2 else 0, 0, 0

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        return shaping.diag_of(_reduced(node.args[0], d[0]))

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"np.diag(lu({args[0]})[1])"


QRQ, QRR = OrthonormalFactorPage(), UpperFactorPage()
LUL, LUU = LowerUnitPage(), UpperPage()
LDLL, LDLD = LdlLowerPage(), LdlDiagonalPage()
PAGES: tuple[Operation, ...] = (QRQ, QRR, LUL, LUU, LDLL, LDLD)


def _same_matrix(a: Expr, b: Expr) -> Expr | None:
    return a.args[0] if a.args[0] is b.args[0] else None


def _gram(turned: Expr, r: Expr) -> Expr | None:
    """R'*R = X'*X."""
    x = r.args[0]
    return products.product(transposed(x), x) if turned.args[0] is r else None


def _reassembled(factor: Expr, d: Expr) -> Expr | None:
    return factor.args[0] if d.op is LDLD and d.args[0] is factor.args[0] else None


def _log_volume(r: Expr) -> Expr:
    """sum(log(diag(R))) = logdet(X'*X)/2."""
    x = r.args[0]
    return sums.scaled(factorizations.HALF, LOGDET.build(products.product(transposed(x), x)))


def _of_pivots(e: Expr) -> Expr:
    return DET.build(e.args[0])


recomposing.PAIRS |= {
    ("qrq", "qrr"): _same_matrix,
    ("lul", "luu"): _same_matrix,
    ("transpose", "qrr"): _gram,
}
recomposing.TRIPLES["ldll"] = _reassembled
factorizations.LOG_DETERMINANTS["qrr"] = _log_volume
factorizations.DETERMINANTS["luu"] = _of_pivots
REDUCTIONS["prod", "ldld"] = _of_pivots
REDUCTIONS["sum of log", "ldld"] = lambda e: LOGDET.build(e.args[0]) if e.args[0].definite == 2 else None
