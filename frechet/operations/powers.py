"""Powers of square matrices with whole exponents, the inverse among them; solving linear systems; the pseudo-inverse."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from frechet.expressions.dimension import Shape, kind
from frechet.expressions.errors import LimitError, NotationError, ShapeError
from frechet.expressions.node import Expr, Number, make, walk
from frechet.expressions.operation import Equal, Operation
from frechet.expressions.space import rank
from frechet.operations import commuting, hadamard, matrix_functions, products, reducing, shaping, sums
from frechet.operations.constants import EYE, NUMBER, exact, eye, is_zero, magnitude
from frechet.operations.reduced_resolvents import EIGENVALUES, SINGULAR_VALUES, reduced_resolvent
from frechet.operations.transposition import TRANSPOSE, conjugate_transposed, hermitian, oriented, transposed

EXPONENT_LIMIT = 1000
WRITTEN_OUT = 24  # powers of products are written out as chains of so many factors
TERMS_LIMIT = 64  # the differential of X^k has |k| terms


class MatrixPowerPage(Operation):
    name = "matrix_power"
    signature = "X^k, X^-1"
    summary = "The k-th power of a square matrix, k a whole number; X^-1 = inv(X)."
    rule = "d(X^k) = sum of X^i*dX*X^(k-1-i);  d inv(X) = -inv(X)*dX*inv(X)"
    source = "Magnus & Neudecker (2019), section 8.4"
    latex = "{0}^{p}"
    typed = False
    complex = True
    domain = "invertible"
    conditions_text = "X invertible, for k < 0"
    elsewhere = "where {0} is singular it has no inverse, and there is no derivative"

    def elsewhere_of(self, node: Expr, words: str) -> str:
        x = node.args[0]
        return x.op.elsewhere_of(x, words) if x.op is matrix_functions.SQRTM else self.elsewhere

    examples = ("X^3", "inv(X)", "X^-2")
    identities = (("B*B*B", "B^3"), ("inv(B)*B", "eye(n)"), ("inv(B')", "inv(B)'"), ("inv(B*C)", "inv(C)*inv(B)"))

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        reducing.square(equal, shapes[0], "a matrix power")
        return shapes[0]

    def rebuild(self, node: Expr, args: tuple[Expr, ...]) -> Expr:
        return power(args[0], node.params[0])

    def annotate(self, node: Expr) -> None:
        x, k = node.args[0], node.params[0]
        node.sign = x.sign if k > 0 else 0
        node.definite = x.definite if x.definite == 2 or k > 0 else 0
        if not node.definite and k % 2 == 0 and (x.transposed is x if x.real else hermitian(x)):
            node.definite = 1
        if abs(k) != 1:
            node.leaves += 1

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        return power_differential(node.args[0], node.params[0], d[0])

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        x = node.args[0]
        if node.params[0] > 0 or x.definite == 2:
            return ()
        if x.op is matrix_functions.SQRTM or x.op.invertible:
            return x.op.conditions(x)
        return [("{0} invertible", x)]

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        k = node.params[0]
        return f"np.linalg.inv({args[0]})" if k == -1 else f"np.linalg.matrix_power({args[0]}, {k})"


class InversePage(Operation):
    name, signature, summary = "inv", "inv(X)", "The inverse of a square matrix: X^-1."
    rule = "d inv(X) = -inv(X)*dX*inv(X)"
    source = "Magnus & Neudecker (2019), section 8.4"
    takes = ("e",)
    forces_matrix = True
    domain = "invertible"
    conditions_text = "X invertible"
    complex = True
    examples = ("inv(X)",)

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        reducing.square(equal, shapes[0], "inv")
        return shapes[0]

    def build(self, *args: Any) -> Expr:
        return power(args[0], -1)


class SolvePage(Operation):
    name, signature, summary = "solve", r"solve(A,b), A\b", "The solution z of A*z = b: inv(A)*b."
    rule = "d solve(A,b) = inv(A)*(db - dA*inv(A)*b)"
    source = "Giles (2008), section 2.3.1"
    takes = ("ee",)
    domain = "invertible"
    conditions_text = "A invertible"
    complex = True
    examples = ("solve(A,b)", r"A\b")

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        a, b = shapes
        reducing.square(equal, a, "solve")
        if kind(b) not in ("vector", "matrix"):
            raise ShapeError(f"solve(A,b) needs a vector or matrix on the right, and this is a {kind(b)}")
        equal(a[1], b[0])
        return b

    def build(self, *args: Any) -> Expr:
        return products.product(power(args[0], -1), args[1])


class PseudoInversePage(Operation):
    name, signature, summary = "pinv", "pinv(X)", "The Moore-Penrose pseudo-inverse, where the rank is constant."
    rule = "d P = -P*dX*P + P*P^H*dX^H*(I-X*P) + (I-P*X)*dX^H*P^H*P,  P = pinv(X)"
    source = "Golub & Pereyra (1973), theorem 4.3; Magnus & Neudecker (2019), section 8.5"
    latex = "{0}^{+}"
    takes = ("e",)
    complex = True
    conditions_text = "the rank of X is constant near the point"
    elsewhere = "where the rank of {0} changes pinv jumps to infinity: it is not continuous, and there is no derivative"
    examples = ("pinv(X)",)
    identities = (("X*pinv(X)*X", "X"), ("pinv(X')", "pinv(X)'"))

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        if kind(shapes[0]) != "matrix":
            raise ShapeError(f"pinv needs a matrix, and this is a {kind(shapes[0])}")
        return (shapes[0][1], shapes[0][0])

    def build(self, *args: Any) -> Expr:
        e: Expr = args[0]
        c, rest = sums.content(e)
        if is_zero(e):
            return transposed(e)
        if c != 1:
            return sums.scaled(1 / c if isinstance(c, float) else _reciprocal(c), self.build(rest))
        if e.op is self:
            return e.args[0]
        if e.op is TRANSPOSE:
            return transposed(self.build(e.args[0]))
        node = make(self, (e,), (), e.shape[::-1])
        return oriented(node, lambda: make(self, (transposed(e),), (), e.shape))

    def annotate(self, node: Expr) -> None:
        node.sign = node.definite = 0

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        x, dx = node.args[0], d[0]
        assert dx is not None
        m, n = x.shape
        pt, dt = conjugate_transposed(node), conjugate_transposed(dx)
        left = sums.subtract(eye(m), products.product(x, node))
        right = sums.subtract(eye(n), products.product(node, x))
        return sums.add(
            [
                (-1, products.product(node, dx, node)),
                (1, products.product(node, pt, dt, left)),
                (1, products.product(right, dt, pt, node)),
            ]
        )

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        return [("the rank of {0} is constant near the point", node.args[0])]

    def operands(self, node: Expr) -> Sequence[Expr]:
        found = reduced_resolvent(node.args[0])
        return node.args if found is None else found[:1]

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        found = reduced_resolvent(node.args[0])
        if found is not None:
            return found[1].format(args[0])
        parts = (*EIGENVALUES, *SINGULAR_VALUES)
        if any(a.op.name in parts or (a.op.name == "variable" and rank(a.params[1])) for a in walk(node.args[0])):
            # Of a matrix less an eigenvalue one singular value is 0, and comes out as rounding; so of declared rank.
            return f"pinv_of_singular({args[0]})"
        return f"np.linalg.pinv({args[0]}, rtol=None)"  # as the precision and the size tell


def pseudo_inverse_of(e: Expr) -> Expr | None:
    """The X of X^+ and of (X')^+ = (X^+)'; None of anything else."""
    if e.op is TRANSPOSE and e.args[0].op is PSEUDO_INVERSE:
        return transposed(e.args[0].args[0])
    return e.args[0] if e.op is PSEUDO_INVERSE else None


def projection(chain: list[Expr], f: Expr) -> Expr | None:
    """P*Y = Y and Y'*P = Y' of the projector P = X*X^+ and Y = X or (X^+)'; taken off the chain's end.

    Source:  Penrose (1955), the four equations
    """
    last, before = chain[-1], chain[-2] if len(chain) > 1 else None
    if before is not None and _projects(before, last) and (f is before or f is transposed(last)):
        del chain[-2:]
        return f
    if not _projects(last, f):
        return None
    if before is not None and (before is f or before is transposed(last)):
        del chain[-2:]
        return before
    return None


def _projects(a: Expr, b: Expr) -> bool:
    """Is one the pseudo-inverse of the other?"""
    return pseudo_inverse_of(a) is b or pseudo_inverse_of(b) is a


MATRIX_POWER, INVERSE, SOLVE, PSEUDO_INVERSE = MatrixPowerPage(), InversePage(), SolvePage(), PseudoInversePage()
PAGES: tuple[Operation, ...] = (MATRIX_POWER, INVERSE, SOLVE, PSEUDO_INVERSE)


def _reciprocal(c: Any) -> Any:
    from fractions import Fraction

    from frechet.operations.constants import exact

    return exact(1 / Fraction(c))


def inverse(e: Expr) -> Expr:
    return power(e, -1)


def power_differential(x: Expr, k: int, dx: Expr) -> Expr:
    """The differential of X^k in the direction dx."""
    if abs(k) > TERMS_LIMIT:
        raise LimitError(
            f"the differential of a matrix power with exponent {k} has {abs(k)} terms; at most {TERMS_LIMIT} are written"
        )
    if k > 0:
        return sums.add((1, products.product(power(x, i), dx, power(x, k - 1 - i))) for i in range(k))
    return sums.add((-1, products.product(power(x, -i), dx, power(x, k - 1 + i))) for i in range(1, 1 - k))


def base_and_exponent(f: Expr) -> tuple[Expr, Number]:
    """The factor as a power: (X, 1) for X, (X', 3) for (X^3)', (X, -1/2) for inv(sqrtm(X))."""
    e = f.args[0] if f.op is TRANSPOSE else f
    if e.op is MATRIX_POWER:
        base, k = e.args[0], e.params[0]
        if base.op is matrix_functions.SQRTM:
            base, k = base.args[0], exact(Fraction(k, 2))
    elif e.op is matrix_functions.SQRTM:
        base, k = e.args[0], Fraction(1, 2)
    elif e.op is matrix_functions.POWM and e.args[1].op is NUMBER:
        base, k = e.args[0], e.args[1].params[0]
    else:
        return f, 1
    return (transposed(base), k) if e is not f else (base, k)


def inverse_node(e: Expr) -> Expr:
    """e^-1 as it stands, of an e that has no shorter inverse."""
    node = make(MATRIX_POWER, (e,), (-1,), e.shape)
    return oriented(node, lambda: make(MATRIX_POWER, (transposed(e),), (-1,), e.shape))


def power(e: Expr, k: Number) -> Expr:
    """The k-th power of a square matrix in normal form; the principal one, where k is no whole number.

    (A*B)^-1 = B^-1*A^-1 for square factors: where the product is invertible, so are they.
    """
    k = int(k) if isinstance(k, float) and k.is_integer() else exact(k)
    if magnitude(k) > EXPONENT_LIMIT:
        raise LimitError(f"exponents of matrices are at most {EXPONENT_LIMIT} here, and this is {k}")
    if k == 0:
        return eye(e.shape[0])
    if k == 1 or e.op is EYE:
        return e
    if is_zero(e):
        if k < 0:
            raise NotationError("the inverse of a zero matrix does not exist")
        return e
    if not isinstance(k, int):
        return matrix_functions.rational_power(e, k)
    if e.op.involutory:
        return e if k % 2 else eye(e.shape[0])
    if e.op.idempotent and k > 0:
        return e
    c, rest = sums.content(e)
    if c != 1:
        return sums.scaled(c**k if k > 0 or isinstance(c, float) else _reciprocal(c**-k), power(rest, k))
    if e.op is products.SCALE:
        return products.scale(hadamard.monomial(e.args[0].shape, [(e.args[0], k)]), power(e.args[1], k))
    base, j = base_and_exponent(e)
    if j != 1:
        return power(base, j * k)
    exponential = commuting.exponent_of(e)
    if exponential is not None:
        return matrix_functions.EXPM.build(sums.scaled(k, exponential))
    root, a = matrix_functions.power_of(e)
    if a.op is not NUMBER:
        return matrix_functions.POWM.build(root, sums.scaled(k, a))
    if e.op is products.PRODUCT and k < 0 and all(f.shape[0] is f.shape[1] for f in e.args):
        inverted = products.product(*[power(f, -1) for f in reversed(e.args)])
        return inverted if k == -1 else power(inverted, -k)
    if e.op is products.PRODUCT and k > 0 and k * len(e.args) <= WRITTEN_OUT:
        # (X'*X)^2 is the chain X'*X*X'*X, so that it meets its like; the writers find the repetition again
        return products.product(*[e] * k)
    v = shaping.diagonal_of_matrix(e)
    if v is not None:
        return shaping.diag(hadamard.monomial(v.shape, [(v, k)]))
    if e.op is shaping.KRON and all(a.shape[0] is a.shape[1] for a in e.args):
        return shaping.KRON.build(*[power(a, k) for a in e.args])
    orthogonal = e
    while orthogonal.op is TRANSPOSE or orthogonal.op.name == "conj":
        orthogonal = orthogonal.args[0]
    if k < 0 and orthogonal.op.name == "variable" and "orthogonal" in orthogonal.params[1]:
        return power(conjugate_transposed(e), -k)
    node = make(MATRIX_POWER, (e,), (k,), e.shape)
    return oriented(node, lambda: make(MATRIX_POWER, (transposed(e),), (k,), e.shape))
