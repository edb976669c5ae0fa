"""Factors of a matrix that stand side by side again: Q*R, L*U, L*diag(d)*L', V*diag(λ)*V' (no pages)."""

from __future__ import annotations

from collections.abc import Callable

from frechet.expressions.node import Expr
from frechet.operations import hadamard, powers, shaping
from frechet.operations.transposition import TRANSPOSE, conjugate_transposed, conjugated, transposed

PAIRS: dict[tuple[str, str], Callable[[Expr, Expr], Expr | None]] = {}
"""What a product a*b is, by the names of the two operations; filled in by their pages."""

TRIPLES: dict[str, Callable[[Expr, Expr], Expr | None]] = {}
"""What a*diag(v)*a' is, as a function of a and v, by the name of a."""


def recomposed(chain: list[Expr], f: Expr) -> Expr | None:
    """The product of the end of the chain and f, taken off the chain, where it has a name of its own; None where not."""
    last = chain[-1]
    if last.op is shaping.DIAG and len(chain) > 1 and conjugate_transposed(chain[-2]) is f:
        found = _of_three(chain[-2], last.args[0], f)
        if found is not None:
            del chain[-2:]
        return found
    found = _of_two(last, f)
    if found is not None:
        chain.pop()
    return found


def _of_two(a: Expr, b: Expr) -> Expr | None:
    if a.op is TRANSPOSE and b.op is TRANSPOSE:
        found = _of_two(b.args[0], a.args[0])
        return transposed(found) if found is not None else None
    if a.op.name == "conj":
        found = _of_two(conjugated(a), conjugated(b))
        return conjugated(found) if found is not None else None
    (x, j), (y, k) = powers.base_and_exponent(a), powers.base_and_exponent(b)
    if j == k == -1 and x is not a:  # inv(U)*inv(L) = inv(L*U)
        found = _of_two(y, x)
        return powers.inverse(found) if found is not None else None
    rule = PAIRS.get((a.op.name, b.op.name))
    return rule(a, b) if rule is not None else None


def _of_three(a: Expr, v: Expr, b: Expr) -> Expr | None:
    """a*diag(v)*b for b = a'."""
    if a.op.name in TRIPLES:
        return TRIPLES[a.op.name](a, v)
    x, k = powers.base_and_exponent(b)
    if k == -1 and x.op.name in TRIPLES:  # inv(L)'*inv(diag(d))*inv(L) = inv(L*diag(d)*L')
        found = TRIPLES[x.op.name](x, hadamard.monomial(v.shape, [(v, -1)]))
        return powers.inverse(found) if found is not None else None
    return None
