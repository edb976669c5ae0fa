"""Which matrices commute: what collapses derivatives of functions of a matrix, and orders the factors of a product."""

from __future__ import annotations

from frechet.expressions.node import Expr, Number
from frechet.operations import matrix_functions, powers, products, sums
from frechet.operations.constants import EYE, NUMBER
from frechet.operations.transposition import TRANSPOSE, transposed

LARGEST = 60  # leaves of two expressions of which it is asked whether they commute
TERMS = 8  # of a direction that is taken apart into terms that commute with the point and others


def without_factors(e: Expr) -> Expr:
    """The expression without its numeric content and its scalar factor."""
    _, e = sums.content(e)
    return e.args[1] if e.op is products.SCALE else e


def argument_of(e: Expr) -> tuple[str, Expr] | None:
    """(name, X) of a function f(X), a transposed one too; None for anything else."""
    f = e.args[0] if e.op is TRANSPOSE else e
    if not isinstance(f.op, matrix_functions.MatrixFunction):
        return None
    return "".join([f.op.name, *map(str, f.params)]), f.args[0] if f is e else transposed(f.args[0])


def commute(a: Expr, b: Expr) -> bool:
    """Is a*b = b*a, as far as is seen? Both are square, of one size."""
    a, b = without_factors(a), without_factors(b)
    if a is b or a.op is EYE or b.op is EYE:
        return True
    if a.leaves + b.leaves > LARGEST:
        return False
    for one, other in ((a, b), (b, a)):
        found = argument_of(one)
        base = found[1] if found is not None else powers.base_and_exponent(one)[0]
        if base is not one and commute(base, other):
            return True
    for one, other in ((a, b), (b, a)):
        if one.op is sums.SUM:
            return all(commute(t, other) for t in one.args)
        if one.op is TRANSPOSE and one.args[0].op is sums.SUM:
            return commute(one.args[0], transposed(other))
    return products.product(a, b) is products.product(b, a)


def taken_apart(x: Expr, e: Expr) -> tuple[list[tuple[Number, Expr]], list[tuple[Number, Expr]]]:
    """The terms of e that commute with x, and the others."""
    if e.op is sums.SUM and len(e.args) <= TERMS:
        terms = list(zip(e.params, e.args, strict=True))
    elif e.op is TRANSPOSE and e.args[0].op is sums.SUM and len(e.args[0].args) <= TERMS:
        terms = [(c, transposed(a)) for c, a in zip(e.args[0].params, e.args[0].args, strict=True)]
    else:
        terms = [(1, e)]
    alike = [(c, t) for c, t in terms if commute(x, t)]
    return alike, [term for term in terms if term not in alike]


def precedes(f: Expr, last: Expr) -> bool:
    """Is last*f written f*last, because the two commute? Functions of X stand behind powers of X, in one order."""
    found = argument_of(last)
    if found is None or f.shape != last.shape:
        return False
    other = argument_of(f)
    if other is not None and (other[0] == found[0] == "expm" or (other[0], other[1].key) >= (found[0], found[1].key)):
        return False
    return commute(found[1], f)


def joined_exponentials(a: Expr, b: Expr) -> Expr | None:
    """expm(A)*expm(B) = expm(A+B) where A and B commute."""
    first, second = argument_of(a), argument_of(b)
    if first is None or second is None or first[0] != "expm" or second[0] != "expm" or not commute(first[1], second[1]):
        return None
    return matrix_functions.EXPM.build(sums.add([(1, first[1]), (1, second[1])]))


def joined_powers(a: Expr, b: Expr) -> Expr | None:
    """X^j*X^k = X^(j+k) where an exponent is an expression."""
    if all((e.args[0] if e.op is TRANSPOSE else e).op is not matrix_functions.POWM for e in (a, b)):
        return None
    (x, j), (y, k) = (matrix_functions.power_of(e) for e in (a, b))
    if x is not y or (j.op is NUMBER and k.op is NUMBER) or x.shape[0] is not x.shape[1]:
        return None
    return matrix_functions.POWM.build(x, sums.add([(1, j), (1, k)]))


def exponent_of(e: Expr) -> Expr | None:
    """X where e is expm(X)."""
    found = argument_of(e)
    return found[1] if found is not None and found[0] == "expm" else None
