"""Equations that are affine in one variable, solved by formula.

An equation E(X) = 0 is L(X) = C with L linear. A sum of A*X*B is solved by inverses, or by sylvester and lyap; what has no
such form by the matrix of L for vec.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from frechet.derivation.parts import linear
from frechet.differentiation.differential import differential, differential_symbol
from frechet.differentiation.jacobian import jacobian
from frechet.expressions.dimension import SCALAR
from frechet.expressions.errors import FrechetError, UnsupportedError
from frechet.expressions.node import Expr, Number, depends, substitute, variables, walk
from frechet.notation.text import write_text
from frechet.operations import products, sums
from frechet.operations.constants import EYE, ONE, eye, is_zero, number, zeros
from frechet.operations.equations import SYLVESTER
from frechet.operations.hadamard import MONOMIAL, monomial
from frechet.operations.powers import inverse
from frechet.operations.products import product, scale
from frechet.operations.shaping import unvec, vec
from frechet.operations.sums import add, negative, scaled
from frechet.operations.transposition import TRANSPOSE, transposed
from frechet.simplification.polishing import polished


class Equation(NamedTuple):
    """L(X) = C: the left side in X, the right side, L as an expression in a direction, and by what E was divided."""

    variable: Expr
    left: Expr
    right: Expr
    linear: Expr
    direction: Expr
    divisor: Number


class Root(NamedTuple):
    """The solution of an equation, where its linear map L is invertible.

    sign        1 where L is positive semi-definite by the properties of its factors, -1 where negative, 0 where not known
    inverted    what must be invertible: matrices M, and pairs A, B that stand for the map A*Z + Z*B
    divided     what has no entry 0
    whole       is the one matrix inverted that of L?
    """

    value: Expr
    sign: int
    inverted: tuple[tuple[Expr, ...], ...] = ()
    divided: Expr | None = None
    whole: bool = False

    def conditions(self) -> list[tuple[str, Expr | None]]:
        """When what is inverted is invertible, in words with {0} for an expression."""
        found: list[tuple[str, Expr | None]] = []
        for first, *second in self.inverted:
            if second:
                found += _of_pair(first, second[0])
                continue
            for node in walk(inverse(first)):
                for words, e in node.op.conditions(node):
                    z = gram(e) if e is not None and words == "{0} invertible" else None
                    found.append((words, e) if z is None else _full_rank(z))
        if self.divided is not None:
            quotient = monomial(self.divided.shape, [(self.divided, -1)])
            found += [condition for node in walk(quotient) for condition in node.op.conditions(node)]
        return found


def _full_rank(z: Expr) -> tuple[str, Expr]:
    return ("{0} of full row rank", z.args[0]) if z.op is TRANSPOSE else ("{0} of full column rank", z)


def _of_pair(a: Expr, b: Expr) -> list[tuple[str, Expr | None]]:
    """When A*Z + Z*B is invertible: no eigenvalue of A is the negative of one of B."""
    if a.definite and b.definite:
        if 2 in (a.definite, b.definite):
            return []
        z = gram(a) or gram(b)
        if z is not None:
            return [_full_rank(z)]
    if b is transposed(a):
        return [("no two eigenvalues of {0} add up to 0", a)]
    return [(f"no eigenvalue of {{0}} is the negative of one of {write_text(b).text}", a)]


def linear_part(e: Expr, directions: Mapping[Expr, Expr]) -> Expr | None:
    """The linear part of an expression that is affine in variables, at their directions; None where it is not affine.

    That its differential does not change is not enough: sign(x) has jumps.
    """
    inside = {node for x in directions for node in depends(e, x)}
    if not all(node in directions or linear(node, inside) for node in inside):
        return None
    moved = differential(e, directions)
    return moved if inside.isdisjoint(variables(moved)) else None


def equation(e: Expr, x: Expr) -> Equation | None:
    """e = 0 as an equation that is affine in x; None where it is not, or does not depend on x."""
    taken = {v.params[0] for v in variables(e)}
    name = f"d{x.params[0]}"
    while name in taken:
        name += "_"
    d = differential_symbol(x, name)
    moved = linear_part(e, {x: d})
    if moved is None or is_zero(moved):
        return None
    try:
        rest = substitute(e, {x: zeros(x.shape)})
    except (ArithmeticError, FrechetError):  # it has no value at 0
        return None
    c, left = sums.content(polished(substitute(moved, {d: x})))
    factor = Fraction(1) / Fraction(c)
    return Equation(x, left, polished(scaled(-factor, rest)), scaled(factor, moved), d, c)


def by_inverses(q: Equation) -> Root | None:
    """The solution with inverses, sylvester or lyap; None where the equation has no such form.

    Raises:  UnsupportedError, where the linear map of a vector has no matrix form here
    """
    x, d = q.variable, q.direction
    if x.shape == SCALAR:
        a = substitute(q.linear, {d: ONE})
        return Root(monomial(SCALAR, [(q.right, 1), (a, -1)]), _sign(a), divided=a)
    if x.kind == "vector":
        m = polished(jacobian(q.linear, d))
        return Root(product(inverse(m), q.right), _sign(m), ((m,),), whole=True)
    weights = _weights(q.linear, d)
    if weights is not None:
        value = monomial(x.shape, [(q.right, 1), (weights, -1)])
        return Root(value, _sign_of_entries(weights), divided=weights)
    terms = _terms(q.linear, d) if x.kind == "matrix" else None
    return None if terms is None else _by_terms(terms, x, q.right)


def by_vec(q: Equation) -> Root:
    """The solution of an equation for a matrix, by the matrix of its linear map for vec.

    Raises:  UnsupportedError, where the map has none here
    """
    x = q.variable
    if x.kind != "matrix":
        raise UnsupportedError(f"{x.params[0]} is a {x.kind}: stationary points are found for scalars, vectors and matrices")
    j = polished(jacobian(q.linear, q.direction))
    return Root(polished(unvec(product(inverse(j), vec(q.right)), *x.shape)), _sign(j), ((j,),), whole=True)


class Term(NamedTuple):
    """A*X*B, or A*X'*B where turned."""

    left: Expr
    right: Expr
    turned: bool


def _terms(linear: Expr, d: Expr) -> list[Term] | None:
    """The linear map as a sum of A*d*B and A*d'*B; None where it has other parts, such as traces and .*"""
    inside = depends(linear, d)
    found: list[Term] = []
    stack: list[tuple[Expr, Expr | None, Expr | None]] = [(linear, None, None)]
    while stack:
        node, left, right = stack.pop()
        turned = transposed(d)
        if node is d or node is turned:
            a = left if left is not None else eye(node.shape[0])
            b = right if right is not None else eye(node.shape[1])
            found.append(Term(a, b, node is not d))
        elif node.op is sums.SUM or (node.op is TRANSPOSE and node.args[0].op is sums.SUM):
            total = node if node.op is sums.SUM else node.args[0]
            for c, a in zip(total.params, total.args, strict=True):
                part = a if node.op is sums.SUM else transposed(a)
                inside |= depends(part, d)
                stack.append((part, scaled(c, left if left is not None else eye(node.shape[0])), right))
        elif node.op is products.SCALE and node.args[0] not in inside:
            s, e = node.args
            stack.append((e, scale(s, left if left is not None else eye(node.shape[0])), right))
        elif node.op is products.PRODUCT and sum(a in inside for a in node.args) == 1:
            i = next(k for k, a in enumerate(node.args) if a in inside)
            before, after = node.args[:i], node.args[i + 1 :]
            if node.args[i].kind != "matrix":
                return None
            left = product(*([left] if left is not None else []), *before) if before or left is not None else None
            right = product(*after, *([right] if right is not None else [])) if after or right is not None else None
            stack.append((node.args[i], left, right))
        else:
            return None
    return found


def _by_terms(terms: Sequence[Term], x: Expr, right: Expr) -> Root | None:
    """The solution of a sum of A*X*B that are one, or two that make a Sylvester equation; None for others."""
    if all(t.turned for t in terms):
        return _by_terms([Term(transposed(t.right), transposed(t.left), False) for t in terms], x, transposed(right))
    if any(t.turned for t in terms):
        return None
    pairs = min((_gathered([_moved(t, side) for t in terms]) for side in (0, 1)), key=len)
    sign = _sign_of(pairs)
    if len(pairs) == 1:
        a, b = pairs[0]
        inverted = tuple((e,) for e in (a, b) if e.op is not EYE)
        return Root(product(inverse(a), right, inverse(b)), sign, inverted, whole=len(inverted) == 1)
    if len(pairs) == 2:
        orders = sorted((pairs, pairs[::-1]), key=lambda p: (p[0][1].op is not EYE) + (p[1][0].op is not EYE))
        for (a, b), (other_a, other_b) in orders:
            if _surely_invertible(b) and _surely_invertible(other_a):  # A*X*B + P*X*Q = C
                front, back = inverse(other_a), inverse(b)
                left, end = product(front, a), product(other_b, back)
                return Root(SYLVESTER.build(left, end, product(front, right, back)), sign, ((left, end),))
    return None


def _moved(t: Term, side: int) -> tuple[Expr, Expr]:
    """A and B of a term, a multiple of the identity on the left (0) or right (1) being a multiple of the other factor."""
    both = [t.left, t.right]
    factor = _multiple_of_identity(both[side])
    if factor is not None:
        n = both[side].shape[0]
        both[side], both[1 - side] = eye(n), scale(factor, both[1 - side])
    return both[0], both[1]


def _multiple_of_identity(e: Expr) -> Expr | None:
    c, core = sums.content(e)
    if core.op is products.SCALE and core.args[1].op is EYE:
        return scaled(c, core.args[0])
    return number(c) if core.op is EYE else None


def _gathered(terms: Sequence[tuple[Expr, Expr]]) -> list[tuple[Expr, Expr]]:
    """Terms with the same B, and then those with the same A, as one."""
    by_right: dict[Expr, list[Expr]] = {}
    for a, b in terms:
        by_right.setdefault(b, []).append(a)
    by_left: dict[Expr, list[Expr]] = {}
    for b, lefts in by_right.items():
        by_left.setdefault(polished(add((1, a) for a in lefts)), []).append(b)
    return [(a, polished(add((1, b) for b in rights))) for a, rights in by_left.items()]


def _weights(linear: Expr, d: Expr) -> Expr | None:
    """W of a linear map W.*dX; None for others."""
    c, core = sums.content(linear)
    if core.op is not MONOMIAL or d not in core.args or core.params[core.args.index(d)] != 1:
        return None
    rest = [(a, k) for a, k in zip(core.args, core.params, strict=True) if a is not d]
    weights = scaled(c, monomial(d.shape, rest))
    return None if d in variables(weights) else weights


def _sign_of_entries(e: Expr) -> int:
    return 1 if e.sign else -1 if negative(e).sign else 0


def definite_sign(image: Expr, d: Expr) -> int:
    """1 where ⟨d, L(d)⟩ > 0 for the linear map L : d -> image and every d but 0, -1 for the opposite, 0 where not seen.

    Raises:  UnsupportedError, where the map of a vector has no matrix form here
    """
    if d.shape == SCALAR or d.kind == "vector":
        whole = substitute(image, {d: ONE}) if d.shape == SCALAR else jacobian(image, d)
        pairs = [(polished(whole), ONE)]
    else:
        terms = _terms(image, d)
        if terms is None or any(t.turned for t in terms):
            return 0
        pairs = _gathered([(t.left, t.right) for t in terms])
    return _sign_of(pairs) if all(_strict(e) for pair in pairs for e in pair) else 0


def _strict(e: Expr) -> bool:
    return any(signed.definite == 2 or (signed.shape == SCALAR and signed.sign == 2) for signed in (e, negative(e)))


def _surely_invertible(e: Expr) -> bool:
    _, core = sums.content(e)
    return core.op is EYE or e.definite == 2


def _sign(e: Expr) -> int:
    """1 for a positive semi-definite matrix or a scalar that is not negative, -1 for the opposite, 0 where not seen."""
    for sign, signed in ((1, e), (-1, negative(e))):
        if signed.definite or (signed.shape == SCALAR and signed.sign):
            return sign
    return 0


def _sign_of(pairs: Sequence[tuple[Expr, Expr]]) -> int:
    signs = {_sign(a) * _sign(b) for a, b in pairs}
    return signs.pop() if len(signs) == 1 else 0


def gram(e: Expr) -> Expr | None:
    """Z of a matrix that is Z'*Z or Z'*W*Z with a positive definite W: invertible where Z has full column rank."""
    _, e = sums.content(e)
    if e.op is products.SCALE:
        e = e.args[1]
    if e.op is not products.PRODUCT or not e.real:
        return None
    middle = (len(e.args) + 1) // 2
    z = e.args[middle:]
    turned = [transposed(a) for a in reversed(z)]
    between = e.args[len(turned) : middle]
    fits = list(e.args[: len(turned)]) == turned and all(m.definite == 2 for m in between)
    return product(*z) if fits else None
