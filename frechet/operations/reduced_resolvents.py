"""The pseudo-inverses in second derivatives of eigenvalues and singular values, from the decompositions of these.

pinv(w_i*I - S) = V*diag(0 at i, else 1/(w_i - w_j))*V^H for a Hermitian S = V*diag(w)*V^H, the reduced resolvent at w_i; and
with X = U*diag(s)*V^H, pinv(s_i^2*I - X*X^H) is the same of s^2 on the columns of U, and 1/s_i^2 beside them.

Source:  Kato (1995), section I.5.3; Golub & Van Loan (2013), sections 2.4 and 8.1
"""

from __future__ import annotations

from fractions import Fraction

from frechet.expressions.node import Expr
from frechet.operations import products, sums
from frechet.operations.constants import EYE
from frechet.operations.transposition import conjugate_transposed

EIGENVALUES = ("eigmax", "eigmin", "eigval")
SINGULAR_VALUES = ("normspec", "svdval", "svdmin")
HALF = Fraction(1, 2)


def reduced_resolvent(e: Expr) -> tuple[Expr, str] | None:
    """The matrix of which a decomposition has the pseudo-inverse of e, and NumPy source of that; None of other matrices.

    {0} in the source stands for the matrix
    """
    if e.op is not sums.SUM:
        return None
    for k, term in zip(e.params, e.args, strict=True):
        if abs(k) != 1 or term.op is not products.SCALE or term.args[1].op is not EYE:
            continue
        level, rest = term.args[0], sums.add([(-k, e), (1, term)])
        found = _of_eigenvalue(level, rest) or _of_singular_value(level, rest)
        if found is not None:
            return found[0], f"{'-' if k < 0 else ''}{found[1]}"
    return None


def _of_eigenvalue(level: Expr, rest: Expr) -> tuple[Expr, str] | None:
    if level.op.name not in EIGENVALUES:
        return None
    x = level.args[0]
    if rest is not x and rest is not sums.add([(HALF, x), (HALF, conjugate_transposed(x))]):
        return None
    return x, f"reduced_resolvent(eigvals({{0}}), eigvecs({{0}}), {level.op.index(level)})"  # type: ignore[attr-defined]


def _of_singular_value(level: Expr, rest: Expr) -> tuple[Expr, str] | None:
    if level.op.name != "hadamard" or level.params != (2,) or level.args[0].op.name not in SINGULAR_VALUES:
        return None
    value = level.args[0]
    x, turned = value.args[0], conjugate_transposed(value.args[0])
    for left, gram in ((True, products.product(x, turned)), (False, products.product(turned, x))):
        if rest is gram:
            i = value.op.index(value)  # type: ignore[attr-defined]
            return x, f"singular_resolvent(np.linalg.svd({{0}}, full_matrices=False), {i}, {left})"
    return None
