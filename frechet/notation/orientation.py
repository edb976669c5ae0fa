"""Which of an expression, its transpose and its conjugate is written.

The normal form keeps one orientation of a sum, and bars on variables; what reads best may be another: `A' + x*x'` rather
than `(A + x*x')'`, `conj(d - w'*z)` rather than `conj(d) - w^H*conj(z)`. All read back to the same object.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from frechet.expressions.node import Expr, make, walk, walk_along
from frechet.operations.sums import SUM
from frechet.operations.transposition import TRANSPOSE, conjugated, transposed

LARGEST = 120  # leaves of a transposed sum that is written term by term


BARRED = ("pinv", "polar", "partial_polar", "proj", "sqrtm", "logm", "powm", "signm", "sylvester", "lyap")
"""Functions whose bar is written outside: pinv(X)^H rather than pinv(conj(X))'."""


def without_bar(node: Expr) -> Expr | None:
    """The expression whose conjugate this one is written as: conj(d - w'*z) rather than conj(d) - w^H*conj(z)."""
    if node.op.name == "conj" or (node.bar > 0 and node.op is SUM and len(node.args) > 1):
        return conjugated(node)
    if node.bar > 0 and node.op.name in BARRED:
        plain = conjugated(node)
        return plain if plain.bar < 0 and plain.op is node.op else None
    return None


def term_by_term(node: Expr) -> Expr | None:
    """The sum of the transposed terms, where a transposed sum needs fewer transposes that way; else None."""
    if node.op is not TRANSPOSE or node.args[0].op is not SUM or node.leaves > LARGEST:
        return None
    inner = node.args[0]
    if len(inner.args) < 2 or without_bar(inner) is not None:
        return None
    pairs = sorted(zip(map(transposed, inner.args), inner.params, strict=True), key=lambda pair: pair[0].key)
    opened = make(SUM, tuple(e for e, _ in pairs), tuple(c for _, c in pairs), node.shape)
    return opened if _transposes(opened) <= _transposes(inner) else None


def _transposes(e: Expr) -> int:
    return sum(n.op is TRANSPOSE for n in walk(e))


def written(root: Expr) -> Iterator[Expr]:
    """Every node that is written, what it is written with before it."""
    return walk_along(root, _written_with)


def _written_with(node: Expr) -> Iterable[Expr]:
    parts: list[Expr] = []
    for a in (node, *node.args) if node.op is TRANSPOSE else (node,):
        plain = without_bar(a) if a.bar > 0 else None
        parts.extend(a.args if plain is None else (plain,))
    opened = term_by_term(node)
    parts.extend(() if opened is None else (opened,))
    return dict.fromkeys((*node.args, *parts))
