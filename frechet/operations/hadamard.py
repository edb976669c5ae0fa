"""Element-wise products and powers: monomials b1^k1 ⊙ b2^k2 ⊙ … with numeric exponents, for every shape.

For scalars this is the ordinary product, so one normal form serves c*x^2/norm2(y) and x.^2./y: like factors are collected,
factors that cancel vanish, exponentials are merged. An exponent that is an expression has a page of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from frechet.expressions.dimension import SCALAR, UNIT, Shape
from frechet.expressions.errors import NotationError
from frechet.expressions.node import Expr, Number, make
from frechet.expressions.operation import Equal, Operation, same_shape
from frechet.operations import cancellation, complex_parts, elementwise, products, shaping, sums
from frechet.operations.constants import EYE, NUMBER, ONE, ONES, exact, is_ones, is_zero, number, ones, zeros
from frechet.operations.transposition import TRANSPOSE, conjugated, oriented, transposed

Factor = tuple[Expr, Number]


class MonomialPage(Operation):
    name = "hadamard"
    signature = "A.*B, A./B, A.^k, c^k"
    summary = "The element-wise product of powers; of scalars the ordinary product."
    rule = "d(A.*B) = dA.*B + A.*dB;  d(x.^k) = k*x.^(k-1).*dx"
    adjoint_rule = "W -> W.*B in A"
    source = "Magnus & Neudecker (2019), section 8.2; Minka (2000), eq. 6"
    typed = False
    linear = complex = tensors = True
    examples = ("A.*B", "x./y", "c*d^2/b", "x.^3")
    domain = "positive"
    identities = (("(x./y).*y", "x"), ("x.*x", "x.^2"), ("exp(x).*exp(y)", "exp(x+y)"), ("diag(x)*y", "x.*y"))

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        a, b = shapes
        if a == SCALAR or b == SCALAR:
            return b if a == SCALAR else a
        return same_shape(equal, a, b)

    def rebuild(self, node: Expr, args: tuple[Expr, ...]) -> Expr:
        return monomial(node.shape, list(zip(args, node.params, strict=True)))

    def annotate(self, node: Expr) -> None:
        if node.shape == SCALAR:
            node.balance = 0
            node.transposed = node
        # b^-1 is printed as a division: the numerator may need a 1.
        node.leaves += sum([abs(k) != 1 for k in node.params])
        if max(node.params) < 0:
            node.leaves += 1
        signs = [
            2 if a.sign == 2 else 1 if (a.sign == 1 and k > 0) or (isinstance(k, int) and k % 2 == 0) else 0
            for a, k in zip(node.args, node.params, strict=True)
        ]
        node.sign = min(signs)
        node.definite = node.sign if node.shape == SCALAR else 0

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        factors = list(zip(node.args, node.params, strict=True))
        terms = []
        for i, ((b, k), db) in enumerate(zip(factors, d, strict=True)):
            if db is not None:
                rest = monomial(node.shape, [*factors[:i], (b, exact(k - 1)), *factors[i + 1 :]])
                terms.append((k, monomial(node.shape, [(rest, 1), (db, 1)])))
        return sums.add(terms)

    def adjoint(self, node: Expr, i: int, w: Expr) -> Expr:
        if node.params[i] != 1:
            return super().adjoint(node, i, w)
        factors = [f for j, f in enumerate(zip(node.args, node.params, strict=True)) if j != i]
        return monomial(node.shape, [(w, 1), *((conjugated(b), k) for b, k in factors)])

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        found: list[tuple[str, Expr | None]] = []
        for b, k in zip(node.args, node.params, strict=True):
            if b.sign == 2:
                continue
            if not isinstance(k, int):
                if not b.real:
                    found.append((elementwise.OFF_THE_CUT, b))
                    continue
                positive = "{0} > 0" if k < 1 or k < 0 else "{0} ≥ 0"
                if not (b.sign and k > 0 and k >= 1):
                    found.append((positive, b))
            elif k < 0:
                b = b.args[0] if b.op is elementwise.ABS else b
                found.append(("{0} ≠ 0" if b.shape == SCALAR else "no entry of {0} is 0", b))
        return found

    def elsewhere_of(self, node: Expr, words: str) -> str:
        if words == elementwise.OFF_THE_CUT:
            return elementwise.ON_THE_CUT
        if words == "{0} ≥ 0":
            return "where an entry of {0} is negative its root has no value, so no derivative"
        if words == "{0} > 0":
            positive = all(k > 0 for k in node.params if not isinstance(k, int))
            at_zero = (
                "its root has an infinite slope, and where it is negative no value" if positive else "there is no value"
            )
            return f"where an entry of {{0}} is 0 {at_zero}, so no derivative"
        return "where an entry of {0} is 0 it is divided by 0: there is no value and no derivative"

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        above: list[str] = []
        below: list[str] = []
        for a, k in sorted(zip(args, node.params, strict=True), key=lambda t: t[1] < 0):
            size = abs(k)
            if size == 1:
                text = a
            elif size == 2:
                text = f"np.square({a})"
            elif size == Fraction(1, 2):
                text = f"np.sqrt({a})"
            elif isinstance(size, int):
                text = f"{a} ** {size}"
            elif node.shape == SCALAR:  # a negative float ** 0.3 is complex
                text = f"np.power({a}, {NUMBER.numpy(number(size), ())})"
            else:
                text = f"{a} ** {NUMBER.numpy(number(size), ())}"
            (below if k < 0 else above).append(text)
        top = " * ".join(above) or "1.0"
        if not below:
            return f"({top})"
        bottom = below[0] if len(below) == 1 and _one_piece(below[0]) else "(" + " * ".join(below) + ")"
        return f"({top} / {bottom})"


def _one_piece(text: str) -> bool:
    """Does the source need no parentheses under a division?"""
    if " " not in text:
        return True
    depth = 0
    for i, c in enumerate(text):
        depth += (c == "(") - (c == ")")
        if depth == 0 and i < len(text) - 1 and c in " )":
            return False
    return True


class PowerPage(Operation):
    name = "epower"
    signature = "x.^s, c^s, a^x"
    summary = "The element-wise power with an exponent that is an expression: a scalar or of the same shape."
    rule = "d(x.^s) = s*x.^(s-1).*dx + log(x).*x.^s*ds"
    source = "calculus: x^s = exp(s log x)"
    typed = False
    complex = tensors = True
    examples = ("x.^c", "a^b", "x.^y")
    domain = "positive"
    conditions_text = "base > 0"
    elsewhere = "where an entry of {0} is 0 or less its powers have no value for some exponents, and there is no derivative"

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        base, exponent = shapes
        if exponent != SCALAR:
            same_shape(equal, base, exponent)
        return base

    def build(self, *args: Any) -> Expr:
        return epower(args[0], args[1])

    def annotate(self, node: Expr) -> None:
        node.sign = 2 if node.args[0].sign == 2 else 0
        node.definite = node.sign if node.shape == SCALAR else 0
        if node.shape == SCALAR:
            node.balance = 0
            node.transposed = node

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        base, exponent = node.args
        terms = []
        if d[0] is not None:
            less = epower(base, sums.add([(1, exponent), (-1, ones(exponent.shape))]))
            terms.append(times(times(exponent, less), d[0]))
        if d[1] is not None:
            grown = monomial(node.shape, [(elementwise.LOG.build(base), 1), (node, 1)])
            terms.append(times(grown, d[1]))
        return sums.add((1, t) for t in terms)

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        base = node.args[0]
        return () if base.sign == 2 else (("{0} > 0" if base.real else elementwise.OFF_THE_CUT, base),)

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"np.float_power({args[0]}, {args[1]})"  # of whole sizes too, such as n^-n


MONOMIAL, POWER = MonomialPage(), PowerPage()
PAGES: tuple[Operation, ...] = (MONOMIAL, POWER)


def times(a: Expr, b: Expr) -> Expr:
    """The element-wise product of two expressions; a scalar scales."""
    if a.shape == SCALAR and b.shape != SCALAR:
        return products.scale(a, b)
    if b.shape == SCALAR and a.shape != SCALAR:
        return products.scale(b, a)
    return monomial(a.shape, [(a, 1), (b, 1)])


def _better_turned(factors: Sequence[Factor]) -> bool:
    """Are all factors transposes, or those that others may cancel with, as sign(X)' does with X'?"""
    if all(b.op is TRANSPOSE for b, _ in factors):
        return True
    rules = cancellation.REWRITES
    turned = any(b.op is TRANSPOSE and b.args[0].op.name in rules for b, _ in factors)
    return turned and not any(b.op is not TRANSPOSE and b.op.name in rules for b, _ in factors)


def monomial(shape: Shape, factors: Sequence[Factor]) -> Expr:
    """The element-wise product of powers of expressions of one shape, in normal form."""
    if shape[0] is UNIT and shape[1] is not UNIT:
        return transposed(monomial((shape[1], UNIT), [(transposed(b), k) for b, k in factors]))
    if len(factors) > 0 and shape[1] is not UNIT and _better_turned(factors):
        return transposed(monomial(shape[::-1], [(transposed(b), k) for b, k in factors]))
    coefficient: Number = 1
    scalars: list[Factor] = []
    powers: dict[Expr, Number] = {}
    exponents: list[tuple[Number, Expr]] = []
    diagonal: list[Expr] = []
    repeated: list[Expr] = []
    surds: list[Expr] = []  # numbers with a broken exponent that came up more than once
    units = 0  # factors 1i
    discrete = False
    stack = list(reversed(factors))
    while stack:
        b, k = stack.pop()
        if k == 0:
            continue
        name = b.op.name
        if name == "variable":
            powers[b] = powers.get(b, 0) + k
            if b.params[2] in cancellation.DISCRETE:
                discrete = True
            continue
        if name == "number":
            c = b.params[0]
            exact_power = _number_power(c, k)
            if exact_power is None:
                if b in powers:
                    surds.append(b)
                powers[b] = exact(powers.get(b, 0) + k)
            else:
                coefficient *= exact_power
        elif name == "sum_of_terms":
            c, rest = sums.content(b)
            if c != 1 and (isinstance(k, int) or (c > 0 and len(b.args) == 1) or c > 0):
                root = _number_power(c, k)
                if root is not None:
                    coefficient *= root
                else:
                    scalars.append((number(c), k))
                stack.append((rest, k))
            else:
                powers[b] = powers.get(b, 0) + k
        elif name == "1i":
            if not isinstance(k, int):
                powers[b] = exact(powers.get(b, 0) + k)
            elif k % 4 >= 2:
                coefficient = -coefficient
            units += k % 2 if isinstance(k, int) else 0
        elif name == "scale" and (isinstance(k, int) or b.args[0].sign == 2):
            scalars.append((b.args[0], k))
            stack.append((b.args[1], k))
        elif name == "hadamard" and len(b.args) <= sums.FLAT_LIMIT and (isinstance(k, int) or _flattens(b)):
            stack.extend((a, exact(j * k)) for a, j in zip(reversed(b.args), reversed(b.params), strict=True))
        elif name == "exp" and (b.real or isinstance(k, int)):
            exponents.append((k, b.args[0]))
        elif name == "epower" and isinstance(k, int) and k != 1:
            stack.append((epower(b.args[0], times(number(k), b.args[1])), 1))
        elif name == "transpose" and b.args[0].op.name == "exp" and (b.real or isinstance(k, int)):
            exponents.append((k, transposed(b.args[0].args[0])))
        elif name == "transpose" and b.args[0].op is elementwise.ABS and b.args[0].args[0].real and _even(k):
            stack.append((transposed(b.args[0].args[0]), k))
        elif name == "transpose" and b.args[0].op.name in ("sum_of_terms", "hadamard", "scale"):
            c, rest = sums.content(b)
            if c != 1 and isinstance(k, int):
                coefficient *= _number_power(c, k) or 1
                b = rest
            inner = b.args[0] if b.op is TRANSPOSE else b
            if inner.op.name == "hadamard" and isinstance(k, int):
                stack.extend((transposed(a), exact(j * k)) for a, j in zip(inner.args, inner.params, strict=True))
            else:
                powers[b] = powers.get(b, 0) + k
        elif is_zero(b) and k > 0:
            return zeros(shape)
        elif is_zero(b):
            raise NotationError("division by zero")
        elif b.op is EYE:
            diagonal.append(b)
        elif name == "product" and k == 1 and len(b.args) >= 2 and _repeats(b) is not None:
            repeated.append(b)
        elif not is_ones(b):
            powers[b] = powers.get(b, 0) + k
    if coefficient == 0:
        return zeros(shape)
    if units:
        coefficient = -coefficient if units % 4 >= 2 else coefficient
        if units % 2:
            i = complex_parts.IMAGINARY_UNIT.build()
            if shape == SCALAR:
                powers[i] = powers.get(i, 0) + 1
            else:
                scalars.append((i, 1))
    if exponents:
        cancellation.merge_exponents(shape, exponents, powers)
    if discrete:
        cancellation.use_values(powers)
    bases = [b for b in powers if not b.real and b.op.name != "1i"]
    if len(bases) > 1:
        cancellation.join_conjugates(bases, powers)
    rewritable = [b for b in powers if b.op.name in cancellation.REWRITES]
    if rewritable:
        before = set(powers)
        for b in rewritable:
            if b in powers:
                cancellation.REWRITES[b.op.name](b, powers)
        if not before.issuperset(powers):  # what a rewriting brought in may be a product itself
            result = monomial(shape, [*powers.items(), *((b, 1) for b in (*repeated, *diagonal))])
            return sums.scaled(coefficient, products.scale(monomial(SCALAR, scalars), result) if scalars else result)
    for b in dict.fromkeys(surds):
        found = _number_power(b.params[0], exact(powers[b]))
        if found is not None:
            coefficient *= found
            del powers[b]
    kept = [(b, exact(k)) for b, k in powers.items() if k != 0]
    result = _node(shape, kept)
    c, result = sums.content(result)
    coefficient *= c
    for b in repeated:
        # (u*1').*M = diag(u)*M repeats a column, (1*v').*M = M*diag(v) a row
        u, v = _repeats(b) or (None, None)
        if kept or diagonal or b is not repeated[0]:
            if u is not None:
                result = products.product(shaping.diag(u), result)
            elif v is not None:
                result = products.product(result, shaping.diag(v))
            c, result = sums.content(result)
            coefficient *= c
        else:
            result = b
    if diagonal:
        result = shaping.diag(shaping.diag_of(result)) if kept or repeated else diagonal[0]
    if scalars:
        result = products.scale(monomial(SCALAR, scalars), result)
    return sums.scaled(coefficient, result)


def _repeats(b: Expr) -> tuple[Expr | None, Expr | None] | None:
    """(u, None) for the product u*1' of a vector and a row of ones, (None, v) for 1*v', None for anything else.

    A matrix of ones is 1*1'.
    """
    last, first = b.args[-1], b.args[0]
    if b.kind != "matrix":
        return None
    if last.op is TRANSPOSE and last.args[0].op is ONES and b.args[-2].shape[1] is UNIT:
        return products.product(*b.args[:-1]), None
    if first.op is ONES and b.args[1].shape[0] is UNIT:
        return None, transposed(products.product(*b.args[1:]))
    if last.op is ONES:
        return products.product(*b.args[:-1], ones((last.shape[0], UNIT))), None
    if first.op is ONES:
        return None, transposed(products.product(transposed(ones((first.shape[1], UNIT))), *b.args[1:]))
    return None


def _node(shape: Shape, kept: list[Factor]) -> Expr:
    if not kept:
        return ones(shape)
    if len(kept) == 1 and kept[0][1] == 1:
        return kept[0][0]
    recognised = cancellation.recognised(shape, kept)
    if recognised is not None:
        return recognised
    kept.sort(key=factor_key)
    node = make(MONOMIAL, tuple([b for b, _ in kept]), tuple([k for _, k in kept]), shape)
    if shape[1] is UNIT:
        return node

    def flipped() -> Expr:
        turned = sorted(((transposed(b), k) for b, k in kept), key=factor_key)
        return make(MONOMIAL, tuple(b for b, _ in turned), tuple(k for _, k in turned), shape[::-1])

    return oriented(node, flipped)


def factor_key(f: Factor) -> tuple[Any, ...]:
    """The order of the factors of a product: numbers first, small ones before large ones."""
    return (-f[0].op.constant, f[0].leaves, *f[0].key[2:])


def _number_power(c: Number, k: Number) -> Number | None:
    """c^k where it is exact or c is a float; None where it stays a power."""
    if c == 1:
        return 1
    if c == 0 and k < 0:
        raise NotationError("division by zero")
    if k == 1:
        return c
    if isinstance(k, int) and abs(k) < 1000:
        return exact(Fraction(c) ** k) if not isinstance(c, float) else c**k
    if isinstance(c, float) or isinstance(k, float):
        return float(c) ** float(k) if c > 0 else None
    if c > 0 and Fraction(k).denominator == 2 and -100 < k < 100:
        from math import isqrt

        f = Fraction(c)
        p, q = isqrt(f.numerator), isqrt(f.denominator)
        if p * p == f.numerator and q * q == f.denominator:
            return exact(Fraction(p, q) ** int(2 * k))
    return None


def _even(k: Number) -> bool:
    return isinstance(k, int) and k % 2 == 0


def _flattens(b: Expr) -> bool:
    """May (b1^j1 ⊙ …)^k be written b1^(j1 k) ⊙ … for a broken k? Where the factors cannot be negative."""
    if not b.real:
        return False
    if all(a.sign for a in b.args):
        return True
    # A single odd or broken power is non-negative only where its base is.
    return len(b.args) == 1 and not (isinstance(b.params[0], int) and b.params[0] % 2 == 0)


def epower(base: Expr, exponent: Expr) -> Expr:
    """base .^ exponent, in normal form; numeric exponents make monomials."""
    if exponent.op is NUMBER:
        return monomial(base.shape, [(base, exponent.params[0])])
    if base.shape == SCALAR and exponent.shape != SCALAR:
        base = products.scale(base, ones(exponent.shape))
    c, rest = sums.content(exponent)
    if is_ones(rest) and rest is not ONE:
        return monomial(base.shape, [(base, c)])
    if is_ones(base):
        return base
    if base.op is POWER and base.real and exponent.real and (base.args[0].sign or exponent.sign):
        return epower(base.args[0], times(base.args[1], exponent))
    if base.op is elementwise.EXP and base.real:
        return elementwise.EXP.build(times(exponent, base.args[0]))
    if base.op is TRANSPOSE and base.args[0].op in (elementwise.EXP, POWER):
        return transposed(epower(base.args[0], transposed(exponent)))
    if base.shape[0] is UNIT and base.shape != SCALAR:
        return transposed(epower(transposed(base), transposed(exponent)))
    node = make(POWER, (base, exponent), (), base.shape)
    return oriented(node, lambda: make(POWER, (transposed(base), transposed(exponent)), (), base.shape[::-1]))
