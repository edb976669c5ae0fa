"""What a declared structure rules out: a condition of an operation that no member of the structure fulfils."""

from __future__ import annotations

from frechet.expressions.dimension import UNIT, Dim
from frechet.expressions.node import Expr
from frechet.expressions.space import bases, rank
from frechet.operations import powers, products, sums
from frechet.operations.constants import VARIABLE, is_zero
from frechet.operations.transposition import TRANSPOSE

LARGEST = 60  # leaves of an expression that is asked about
NEED_REGULAR = ("matrix_power", "logdet", "cholesky", "logm")  # operations that have no value at singular matrices
WHERE_ZERO = {
    "diagonal": "its entries off the diagonal are 0", "lower": "its entries above the diagonal are 0",
    "upper": "its entries below the diagonal are 0", "skew": "its diagonal is 0",
}  # fmt: skip


def impossible(node: Expr, words: str, e: Expr | None) -> str | None:
    """Why the condition of a node never holds, in words with {0} for the expression; None where it may."""
    if e is None or e.leaves > LARGEST:
        return None
    if node.op.name in NEED_REGULAR:
        return singular(e) or _balanced(node, e)
    core = _core(e, powers_too=False)  # of a skew X, X^2 is symmetric
    if core.op is not VARIABLE:
        return None
    structure = bases(core.params[1])
    name = core.params[0]
    if words.endswith("symmetric") and "skew" in structure:
        return f"{name} is skew, so its eigenvalues are imaginary"
    valueless = words.endswith("> 0") or (words == "no entry of {0} is 0" and node.op.name == "hadamard")
    if valueless and e.kind == "matrix" and e.shape[0].value() != 1:
        word = next((word for word in WHERE_ZERO if word in structure), None)
        return f"{name} is {word}: {WHERE_ZERO[word]}" if word is not None else None
    return None


def singular(e: Expr) -> str | None:
    """Why a square matrix is singular, or one that is not square never of full rank; None where that is not seen."""
    core = _core(e)
    n = core.shape[0].value()
    if core.op is VARIABLE and "skew" in bases(core.params[1]) and n is not None and n % 2:
        return f"{core.params[0]} is skew of odd size {n}, so its determinant is 0"
    sizes = [d.value() for d in core.shape]
    bound = rank_bound(core)
    if bound is not None and None not in sizes and bound < min(k for k in sizes if k is not None):
        return f"its rank is at most {bound}" if bound else "it is 0"
    return None


def rank_dimensions(e: Expr) -> list[Dim]:
    """Dimensions that the rank does not exceed: n of X'*X with X: n×m, r of a variable of rank r."""
    core = _core(e)
    factors = [core]
    found: list[Dim] = []
    if core.op is products.PRODUCT:
        factors = [_core(a) for a in core.args]
        found = [d for a in core.args for d in a.shape]
    ranks = [rank(x.params[1]) for x in factors if x.op is VARIABLE]
    return [*found, *(r for r in ranks if r is not None)]


def _balanced(node: Expr, e: Expr) -> str | None:
    """Why the eigenvalues of a traceless matrix, real ones, are not all positive."""
    x = _core(e, powers_too=False)
    if x.op is not VARIABLE or node.op.name not in ("cholesky", "logm"):
        return None
    words = bases(x.params[1])
    if "traceless" in words and words & {"symmetric", "diagonal", "lower", "upper"}:
        return f"{x.params[0]} is traceless, so its eigenvalues, which are real, add up to 0"
    return None


def rank_bound(e: Expr) -> int | None:
    """A number that the rank does not exceed, where one smaller than the sizes is seen."""
    e = _core(e)
    if is_zero(e):
        return 0
    if UNIT in e.shape:
        return 1
    sizes = [k for d in e.shape if (k := d.value()) is not None]
    if e.op is VARIABLE:
        r = rank(e.params[1])
        value = None if r is None else r.value()
        return min([*sizes, *([value] if value is not None else [])], default=None)
    if e.op is products.PRODUCT:
        known = [k for k in map(rank_bound, e.args) if k is not None]
        return min([*sizes, *known], default=None)
    if e.op is sums.SUM:
        parts = [rank_bound(a) for a in e.args]
        if all(k is not None for k in parts):
            return min([*sizes, sum(k for k in parts if k is not None)])
    return min(sizes, default=None)


def _core(e: Expr, powers_too: bool = True) -> Expr:
    """The expression without numeric and scalar factors, transposes and powers of matrices."""
    while True:
        _, e = sums.content(e)
        if e.op is products.SCALE:
            e = e.args[1]
        elif e.op is TRANSPOSE or (powers_too and e.op is powers.MATRIX_POWER):
            e = e.args[0]
        else:
            return e
