"""det(A)*inv(A) as adj(A), so that code and evaluation stay right where A is singular.

Formulas are written with det(A)*inv(A); programs are emitted after this pass.
"""

from __future__ import annotations

from frechet.expressions.node import Expr, make, rebuild
from frechet.operations.determinant import ADJ, DET
from frechet.operations.hadamard import MONOMIAL
from frechet.operations.powers import MATRIX_POWER
from frechet.operations.products import SCALE
from frechet.operations.sums import SUM
from frechet.operations.transposition import transposed

DEPTH = 40  # how far below a factor det(A) its inv(A) is looked for


def with_adjugates(roots: list[Expr]) -> list[Expr]:
    """The expressions with det(A) times a chain that contains inv(A), or its transpose, or a trace of such, by adj(A).

    The nodes are made as they stand, without normal form: they are for emitting only.
    """

    def change(node: Expr, args: tuple[Expr, ...]) -> Expr:
        if node.op is SCALE:
            front, body = _absorbed(args[0], args[1])
            if body is not args[1]:
                return body if front is None else make(SCALE, (front, body), (), node.shape)
        elif node.op is MONOMIAL and any(a.op is DET for a in args):
            merged = _merged(args, node.params)
            if merged is not None:
                return merged
        return node if args == node.args else make(node.op, args, node.params, node.shape)

    return rebuild(roots, change)


def _merged(args: tuple[Expr, ...], exponents: tuple[object, ...]) -> Expr | None:
    """The scalar monomial with its determinants moved into its other factors; None where none moves."""
    factors: list[tuple[Expr, object]] = list(zip(args, exponents, strict=True))
    changed = False
    for d in [a for a, k in factors if a.op is DET and isinstance(k, int) and k >= 1]:
        for i, (b, j) in enumerate(factors):
            k = next((k for a, k in factors if a is d), 0)
            if b is d or j != 1 or not isinstance(k, int) or k < 1:
                continue
            pushed = _pushed(d.args[0], d, b)
            if pushed is not None:
                factors[i] = (pushed, 1)
                factors = [(a, k - 1 if a is d else m) for a, m in factors]
                changed = True
    if not changed:
        return None
    return _monomial([f for f in factors if f[1] != 0])


def _monomial(factors: list[tuple[Expr, object]]) -> Expr:
    if len(factors) == 1 and factors[0][1] == 1:
        return factors[0][0]
    return make(MONOMIAL, tuple(a for a, _ in factors), tuple(k for _, k in factors), factors[0][0].shape)


def _absorbed(front: Expr, body: Expr) -> tuple[Expr | None, Expr]:
    """Scalar and array with every determinant of the scalar that has its inverse in the array moved there."""
    if front.op is MONOMIAL:
        factors: list[tuple[Expr, object]] = list(zip(front.args, front.params, strict=True))
    else:
        factors = [(front, 1)]
    kept: list[tuple[Expr, object]] = []
    for d, k in factors:
        while d.op is DET and isinstance(k, int) and k >= 1:
            pushed = _pushed(d.args[0], d, body)
            if pushed is None:
                break
            body, k = pushed, k - 1
        if k != 0:
            kept.append((d, k))
    if kept == factors:
        return front, body
    return (_monomial(kept) if kept else None), body


def _pushed(base: Expr, factor: Expr, e: Expr) -> Expr | None:
    """factor*e for factor = det(base), where e is linear in an inv(base): that becomes adj(base). None where not."""
    return _Push(base, factor).into(e, DEPTH)


class _Push:
    def __init__(self, base: Expr, factor: Expr) -> None:
        self.bases = (base, transposed(base))
        self.factor = factor
        self.found: dict[Expr, Expr | None] = {}

    def into(self, e: Expr, depth: int) -> Expr | None:
        if depth == 0:
            return None
        if e not in self.found:
            self.found[e] = self._into(e, depth - 1)
        return self.found[e]

    def _into(self, e: Expr, depth: int) -> Expr | None:
        if e.op is MATRIX_POWER:
            return make(ADJ, e.args, (), e.shape) if e.params[0] == -1 and e.args[0] in self.bases else None
        if not e.op.linear:
            return None
        linear_in = e.op.linear_in or range(len(e.args))
        open_to = [i in linear_in and (e.op is not MONOMIAL or e.params[i] == 1) for i in range(len(e.args))]
        pushed = [self.into(a, depth) if may else None for a, may in zip(e.args, open_to, strict=True)]
        if all(p is None for p in pushed):
            return None
        if e.op is SUM:
            terms = [p if p is not None else self._times(a) for p, a in zip(pushed, e.args, strict=True)]
            return make(SUM, tuple(terms), e.params, e.shape)
        i = next(i for i, p in enumerate(pushed) if p is not None)
        args = (*e.args[:i], pushed[i], *e.args[i + 1 :])
        return make(e.op, args, e.params, e.shape)  # type: ignore[arg-type]

    def _times(self, e: Expr) -> Expr:
        if e.shape == self.factor.shape:
            return make(MONOMIAL, (self.factor, e), (1, 1), e.shape)
        return make(SCALE, (self.factor, e), (), e.shape)
