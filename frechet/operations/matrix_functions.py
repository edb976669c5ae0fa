"""Functions of square matrices in the sense of power series: expm, logm, sqrtm, powm, sinm, cosm.

A function of X commutes with X, and f(X') = f(X)'. Its differential is its Fréchet derivative (`frechet_derivatives`).
Powers with rational exponents are powers of one base: sqrtm(X)*X is X^(3/2), sqrtm(X)^2 is X.

Source: Higham (2008), "Functions of Matrices"; below by section.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, ClassVar

from frechet.expressions.dimension import SCALAR, Shape
from frechet.expressions.errors import ShapeError, UnsupportedError
from frechet.expressions.node import Expr, Number, make, walk
from frechet.expressions.operation import Equal, Operation
from frechet.operations import commuting, elementwise, hadamard, impossible, powers, products, reducing, shaping, sums
from frechet.operations.constants import EYE, NUMBER, ONE, SIZE, VARIABLE, eye, is_zero, magnitude, number
from frechet.operations.transposition import TRANSPOSE, hermitian, oriented, transposed

HALF = Fraction(1, 2)
ON_THE_CUT = "where {0} has an eigenvalue that is 0 or negative the principal value ends or jumps: there is no derivative"
LARGEST_EXPONENT = 20  # leaves of an exponent of which it is asked whether it is whole
ROOT_CONDITION = "no eigenvalue of {0} is real and ≤ 0"


class MatrixFunction(Operation):
    """f(X): takes the square matrix, and for a power its exponent."""

    takes: ClassVar[tuple[str, ...]] = ("e",)
    forces_matrix = complex = True
    odd = False
    even = False

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        reducing.square(equal, shapes[0], self.name)
        return shapes[0]

    def build(self, *args: Any) -> Expr:
        x: Expr = args[0]
        v = _diagonal(x)
        if v is not None:
            return shaping.diag(self.entrywise(v))
        s = multiple_of_identity(x)
        if s is not None:
            return products.scale(self.entrywise(s), eye(x.shape[0]))
        c, rest = sums.content(x)
        if c < 0 and (self.odd or self.even):
            return sums.scaled(-1 if self.odd else 1, oriented_node(self, sums.scaled(-c, rest)))
        return oriented_node(self, x)

    def annotate(self, node: Expr) -> None:
        node.sign = node.definite = 0

    def entrywise(self, v: Expr) -> Expr:
        """f of a number, or of every entry of a vector."""
        raise NotImplementedError(self.name)

    def slope(self, x: Expr, *others: Expr) -> Expr:
        """f'(X)."""
        raise NotImplementedError(self.name)

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        return FRECHET[self.name].build(*node.args, d[0])

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"{self.name}({', '.join(args)})"


class ExponentialPage(MatrixFunction):
    name, signature, summary = "expm", "expm(X)", "The matrix exponential: the sum of X^k/k!."
    rule = "d expm(X) = dexpm(X,dX) = the integral of expm(s*X)*dX*expm((1-s)*X) for s from 0 to 1"
    source = "Higham (2008), sections 10.1 and 10.2, eq. 10.15"
    latex = r"\operatorname{expm}({0})"
    examples = ("expm(X)", "tr(expm(A*X))", "x'*expm(c*A)*y", "inv(expm(X))")
    identities = (
        ("expm(B)*expm(-B)", "eye(n)"), ("expm(B')", "expm(B)'"), ("det(expm(B))", "exp(tr(B))"),
        ("logdet(expm(B))", "tr(B)"), ("expm(B)*expm(2*B)", "expm(3*B)"), ("expm(B)*B", "B*expm(B)"),
        ("expm(diag(x))", "diag(exp(x))"), ("inv(expm(B))", "expm(-B)"),
    )  # fmt: skip

    def entrywise(self, v: Expr) -> Expr:
        return elementwise.EXP.build(v)

    def build(self, *args: Any) -> Expr:
        x: Expr = args[0]
        if is_zero(x):
            return eye(x.shape[0])
        f = commuting.argument_of(x)
        if f is not None and f[0] == "logm":
            return f[1]
        return super().build(x)

    def annotate(self, node: Expr) -> None:
        x = node.args[0]
        node.sign, node.definite = 0, 2 if hermitian(x) else 0

    def slope(self, x: Expr, *others: Expr) -> Expr:
        return self.build(x)


class LogarithmPage(MatrixFunction):
    name, signature = "logm", "logm(X)"
    summary = "The principal matrix logarithm: expm(logm(X)) = X with eigenvalues of imaginary part between -π and π."
    rule = "d logm(X) = dlogm(X,dX) = the integral of R*dX*R for s from 0 to 1, R = inv(s*X+(1-s)*eye(n))"
    source = "Higham (2008), sections 11.1 and 11.2, eq. 11.10"
    latex = r"\operatorname{logm}({0})"
    domain = "spd"
    conditions_text = "no eigenvalue of X is real and ≤ 0"
    elsewhere = ON_THE_CUT
    examples = ("logm(X)", "tr(logm(X))")
    identities = (
        ("logm(S')", "logm(S)'"), ("logm(inv(S))", "-logm(S)"), ("expm(logm(S))", "S"),
        ("logm(sqrtm(S))", "logm(S)/2"),
    )  # fmt: skip

    def entrywise(self, v: Expr) -> Expr:
        return elementwise.LOG.build(v)

    def build(self, *args: Any) -> Expr:
        x: Expr = args[0]
        base, k = powers.base_and_exponent(x)
        if k != 1 and (magnitude(k) <= 1 or base.definite == 2):
            return sums.scaled(k, self.build(base))
        return oriented_node(self, x) if is_zero(x) else super().build(x)

    def slope(self, x: Expr, *others: Expr) -> Expr:
        return powers.inverse(x)

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        return root_conditions(node.args[0])


class RootPage(MatrixFunction):
    name, signature = "sqrtm", "sqrtm(X)"
    summary = "The principal square root: sqrtm(X)*sqrtm(X) = X with eigenvalues of positive real part."
    rule = "d sqrtm(X) = dsqrtm(X,dX), the solution Z of sqrtm(X)*Z + Z*sqrtm(X) = dX"
    source = "Higham (2008), sections 6.1 and 6.2, eq. 6.11"
    latex = r"\sqrt{{0}}"
    domain = "spd"
    conditions_text = "no eigenvalue of X is real and ≤ 0"
    elsewhere = ON_THE_CUT
    examples = ("sqrtm(X)", "tr(sqrtm(X'*X+eye(n)))", "inv(sqrtm(X))", "X*sqrtm(X)")
    identities = (
        ("sqrtm(S)*sqrtm(S)", "S"), ("sqrtm(S')", "sqrtm(S)'"), ("sqrtm(4*S)", "2*sqrtm(S)"),
        ("sqrtm(inv(S))", "inv(sqrtm(S))"), ("det(sqrtm(S))", "sqrt(det(S))"), ("sqrtm(S)*inv(S)", "powm(S,-1/2)"),
    )  # fmt: skip

    def build(self, *args: Any) -> Expr:
        return powers.power(args[0], HALF)

    def annotate(self, node: Expr) -> None:
        node.sign, node.definite = 0, node.args[0].definite

    def slope(self, x: Expr, *others: Expr) -> Expr:
        return sums.scaled(HALF, powers.power(x, -HALF))

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        why = impossible.singular(node.args[0])
        if why is not None:
            raise UnsupportedError(f"the derivative of sqrtm needs a matrix of full rank, which this never is: {why}")
        return super().differential(node, d)

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        return root_conditions(node.args[0])


def whole(a: Expr) -> bool:
    """Is the number whole, as far as is seen: made of dimensions, of whole variables and of integers?"""
    if a.leaves > LARGEST_EXPONENT:
        return False
    for e in walk(a):
        if e.op is VARIABLE:
            known = e.params[2] == "whole"
        elif e.op in (NUMBER, sums.SUM):
            known = all(isinstance(k, int) for k in e.params)
        elif e.op is hadamard.MONOMIAL:
            known = all(isinstance(k, int) and k > 0 for k in e.params)
        else:
            known = e.op is SIZE
        if not known:
            return False
    return True


def never_negative(a: Expr) -> bool:
    """Is a whole number at least 0, as far as is seen? Dimensions and whole variables are at least 1."""
    terms = list(zip(a.params, a.args, strict=True)) if a.op is sums.SUM else [(1, a)]
    rest = [c for c, e in terms if e is not ONE]
    constant = sum(c for c, e in terms if e is ONE)
    if a.op is NUMBER:
        return bool(a.params[0] >= 0)
    return all(c > 0 for c in rest) and bool(sum(rest) + constant >= 0)


def power_of(e: Expr) -> tuple[Expr, Expr]:
    """(X, a) where e is X^a with any exponent, of a transposed power too; (e, 1) for anything else."""
    f = e.args[0] if e.op is TRANSPOSE else e
    if f.op is POWM:
        x, a = f.args
        return (x if f is e else transposed(x)), a
    base, k = powers.base_and_exponent(e)
    return base, number(k)


class RealPowerPage(MatrixFunction):
    name, signature = "powm", "powm(X,a), X^k"
    summary = "The principal power of a square matrix with a real exponent: expm(a*logm(X)); X^k for a whole number k."
    rule = "d powm(X,a) = dpowm(X,a,dX) + da*logm(X)*powm(X,a)"
    source = "Higham (2008), section 7.1; Higham & Lin (2013), section 2"
    latex = r"{0}^{{1}}"
    takes = ("ee",)
    domain = "spd"
    conditions_text = "no eigenvalue of X is real and ≤ 0; of X^k none, where k is declared whole or is a dimension"
    elsewhere = ON_THE_CUT
    examples = ("powm(X,3/2)", "tr(powm(X,a))", "powm(X,0.3)", "X^k", "tr(A*X^(k+1))", "x'*X^n*y")
    identities = (
        ("powm(S,3)", "S^3"), ("powm(S,1/2)", "sqrtm(S)"), ("powm(S,a)", "expm(a*logm(S))"),
        ("powm(S,2/3)*powm(S,1/3)", "S"), ("X^k*X", "X^(k+1)"), ("(X^k)'", "X'^k"), ("S^k", "powm(S,k)"),
        ("(X^2)^k", "X^(2*k)"),
    )  # fmt: skip

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        if shapes[1] != SCALAR:
            raise ShapeError("the exponent of powm(X,a) must be a scalar")
        return super().shape(equal, shapes, params)

    def build(self, *args: Any) -> Expr:
        x: Expr = args[0]
        a: Expr = args[1]
        if a.op is NUMBER:
            return powers.power(x, a.params[0])
        if not a.real:
            return EXPM.build(products.scale(a, LOGM.build(x)))
        if x.op is EYE:
            return x
        if whole(a):
            return self._whole(x, a)
        return oriented_node(self, x, a)

    def _whole(self, x: Expr, k: Expr) -> Expr:
        v, inside = _diagonal(x), commuting.exponent_of(x)
        if v is not None:
            return shaping.diag(hadamard.epower(v, k))
        if inside is not None:
            return EXPM.build(products.scale(k, inside))
        base, j = power_of(x)
        if j is not ONE and whole(j):
            return self.build(base, hadamard.monomial(SCALAR, [(j, 1), (k, 1)]))
        return oriented_node(self, x, k)

    def annotate(self, node: Expr) -> None:
        x, a = node.args
        node.sign = 0
        node.definite = x.definite if x.definite == 2 or a.sign == 2 else 0

    def slope(self, x: Expr, *others: Expr) -> Expr:
        a = others[0]
        return products.scale(a, self.build(x, sums.subtract(a, number(1))))

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        terms = [(1, FRECHET[self.name].build(*node.args, d[0]))] if d[0] is not None else []
        if d[1] is not None:
            terms.append((1, products.product(d[1], LOGM.build(node.args[0]), node)))
        return sums.add(terms)

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        x, a = node.args
        if not whole(a):
            return root_conditions(x)
        return [] if never_negative(a) else [("{0} invertible, where its exponent is negative", x)]

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        if whole(node.args[1]):
            return f"np.linalg.matrix_power({args[0]}, round({args[1]}))"
        return super().numpy(node, args)


class SinePage(MatrixFunction):
    name, signature, summary = "sinm", "sinm(X)", "The matrix sine: the sum of (-1)^k*X^(2*k+1)/(2*k+1)!."
    rule = "d sinm(X) = dsinm(X,dX)"
    source = "Higham (2008), section 12.1"
    latex = r"\operatorname{sinm}({0})"
    odd = True
    examples = ("sinm(X)", "tr(sinm(X))")
    identities = (
        ("sinm(-B)", "-sinm(B)"), ("sinm(B')", "sinm(B)'"), ("sinm(B)^2+cosm(B)^2", "eye(n)"),
        ("sinm(2*B)", "2*sinm(B)*cosm(B)"),
    )  # fmt: skip

    def entrywise(self, v: Expr) -> Expr:
        return elementwise.SIN.build(v)

    def slope(self, x: Expr, *others: Expr) -> Expr:
        return COSM.build(x)


class CosinePage(MatrixFunction):
    name, signature, summary = "cosm", "cosm(X)", "The matrix cosine: the sum of (-1)^k*X^(2*k)/(2*k)!."
    rule = "d cosm(X) = dcosm(X,dX)"
    source = "Higham (2008), section 12.1"
    latex = r"\operatorname{cosm}({0})"
    even = True
    examples = ("cosm(X)", "tr(cosm(X))")
    identities = (("cosm(-B)", "cosm(B)"), ("cosm(B')", "cosm(B)'"), ("cosm(B)*sinm(B)", "sinm(B)*cosm(B)"))

    def entrywise(self, v: Expr) -> Expr:
        return elementwise.COS.build(v)

    def slope(self, x: Expr, *others: Expr) -> Expr:
        return sums.negative(SINM.build(x))


class HyperbolicPage(Operation):
    """sinhm and coshm, said with expm."""

    takes = ("e",)
    forces_matrix = complex = True
    source = "Higham (2008), section 12.1"

    def __init__(self, name: str, sign: int) -> None:
        self.name, self.sign = name, sign  # type: ignore[misc]
        self.signature = f"{name}(X)"  # type: ignore[misc]
        self.summary = f"The hyperbolic {'cosine' if sign > 0 else 'sine'} of a square matrix."  # type: ignore[misc]
        self.rule = f"stands for (expm(X) {'+' if sign > 0 else '-'} expm(-X))/2"  # type: ignore[misc]
        self.examples = (f"{name}(X)",)  # type: ignore[misc]
        super().__init__()

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        reducing.square(equal, shapes[0], self.name)
        return shapes[0]

    def build(self, *args: Any) -> Expr:
        return sums.add([(HALF, EXPM.build(args[0])), (HALF * self.sign, EXPM.build(sums.negative(args[0])))])


class TangentPage(Operation):
    """tanm, said with sinm and cosm."""

    name, signature, summary = "tanm", "tanm(X)", "The tangent of a square matrix."
    rule = "stands for inv(cosm(X))*sinm(X)"
    source = "Higham (2008), section 12.1"
    takes = ("e",)
    forces_matrix = complex = True
    conditions_text = "cosm(X) invertible"
    examples = ("tanm(X)",)

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        reducing.square(equal, shapes[0], self.name)
        return shapes[0]

    def build(self, *args: Any) -> Expr:
        return products.product(powers.inverse(COSM.build(args[0])), SINM.build(args[0]))


EXPM, LOGM, SQRTM, POWM = ExponentialPage(), LogarithmPage(), RootPage(), RealPowerPage()
SINM, COSM = SinePage(), CosinePage()
FUNCTIONS = (EXPM, LOGM, SQRTM, POWM, SINM, COSM)
PAGES: tuple[Operation, ...] = (*FUNCTIONS, HyperbolicPage("sinhm", -1), HyperbolicPage("coshm", 1), TangentPage())
FRECHET: dict[str, Operation] = {}
"""The derivative of every function, by the function's name; filled in by `frechet_derivatives`."""


def oriented_node(page: Operation, x: Expr, *others: Expr) -> Expr:
    """The node page(x, others), or the transpose of the one with transposed arguments where that reads better."""
    flipped = tuple(transposed(a) for a in (x, *others))
    node = make(page, (x, *others), (), x.shape)
    return oriented(node, lambda: make(page, flipped, (), x.shape))


def root_conditions(x: Expr) -> Sequence[tuple[str, Expr | None]]:
    if x.definite == 2:
        return ()
    return [("{0} of full rank" if x.definite else ROOT_CONDITION, x)]


def _diagonal(x: Expr) -> Expr | None:
    """v where x is diag(v), a multiple counting too."""
    v = shaping.diagonal_of_matrix(commuting.without_factors(x))
    return None if v is None else shaping.diag_of(x)


def multiple_of_identity(x: Expr) -> Expr | None:
    """s where x is s*eye(n)."""
    if is_zero(x):
        return number(0)
    c, e = sums.content(x)
    if e.op is EYE:
        return number(c)
    return sums.scaled(c, e.args[0]) if e.op is products.SCALE and e.args[1].op is EYE else None


def rational_power(e: Expr, k: Number) -> Expr:
    """The principal power with an exponent that is no whole number, in normal form.

    (X^j)^k = X^(j*k) for |j| ≤ 1, and for all j where X is positive definite.
    Source:  Higham (2008), theorem 1.13 and section 7.1
    """
    c, rest = sums.content(e)
    if c != 1 and c > 0:
        return products.scale(hadamard.monomial(SCALAR, [(number(c), k)]), powers.power(rest, k))
    if e.op is products.SCALE and e.args[0].sign == 2:
        return products.scale(hadamard.monomial(SCALAR, [(e.args[0], k)]), powers.power(e.args[1], k))
    base, j = powers.base_and_exponent(e)
    if j != 1 and (magnitude(j) <= 1 or base.definite == 2 or (base.definite == 1 and j > 0 and k > 0)):
        return powers.power(base, j * k)
    if e.op is EXPM and e.definite == 2:
        return EXPM.build(sums.scaled(k, e.args[0]))
    v = shaping.diagonal_of_matrix(e)
    if v is not None:
        return shaping.diag(hadamard.monomial(v.shape, [(v, k)]))
    if magnitude(k) == HALF:
        root = oriented_node(SQRTM, e)
        return root if k > 0 else powers.inverse_node(root)
    return oriented_node(POWM, e, number(k))
