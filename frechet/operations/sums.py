"""Sums: flat, with like terms collected and one numeric coefficient a term.

A term with a coefficient other than 1 is a sum of one term, so 2*A is Sum((2,), (A,)); numbers stand nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import gcd, lcm
from operator import attrgetter
from typing import Any

from frechet.expressions.dimension import SCALAR, Shape
from frechet.expressions.node import Expr, Number, make
from frechet.expressions.operation import Equal, Operation, same_shape
from frechet.operations.constants import NUMBER, ONE, exact, is_zero, number, zeros
from frechet.operations.transposition import REVERSE, TRANSPOSE, conjugated, oriented, transposed

DENOMINATOR_LIMIT = 100  # of a decimal that is taken out of a sum
FLAT_LIMIT = 48  # sums and chains longer than this stay nested, so that building a long chain is not quadratic


class SumPage(Operation):
    name = "sum_of_terms"
    signature = "A + B, A - B, c*A"
    summary = "A sum of terms with numeric coefficients."
    rule = "d(A + B) = dA + dB"
    adjoint_rule = "W -> W to each term"
    source = "Magnus & Neudecker (2019), section 8.2"
    typed = False
    linear = complex = tensors = True
    examples = ("A + 2*B - A/3", "2*x", "x + ones(n)", "c + 1")
    identities = (("A + B - A", "B"), ("2*(A + B)", "2*A + 2*B"))

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        return same_shape(equal, *shapes)

    def rebuild(self, node: Expr, args: tuple[Expr, ...]) -> Expr:
        return add(zip(node.params, args, strict=True))

    def annotate(self, node: Expr) -> None:
        if node.shape == SCALAR:
            node.balance = 0
            node.transposed = node
        # a number as a term is one leaf, and a common number is written once, in front of the sum
        magnitudes = [abs(c) for c, a in zip(node.params, node.args, strict=True) if c not in (1, -1) and a is not ONE]
        if magnitudes:
            shared = len(magnitudes) == len(node.params) and len(set(magnitudes)) == 1
            node.leaves += 1 if shared else len(magnitudes)
        node.sign = node.definite = 0
        if not node.real and len(node.args) > 1:
            node.real = _with_conjugates(node)
        if min(node.params) > 0:
            signs = [a.sign for a in node.args]
            definites = [a.definite for a in node.args]
            node.sign = max(signs) if min(signs) > 0 else 0
            node.definite = max(definites) if min(definites) > 0 else 0

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        return add((c, da) for c, da in zip(node.params, d, strict=True) if da is not None)

    def adjoint(self, node: Expr, i: int, w: Expr) -> Expr:
        return add([(node.params[i], w)])

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        text = ""
        terms = zip(node.params, node.args, args, strict=True)
        for c, e, a in sorted(terms, key=_is_subtracted) if min(node.params) < 0 else terms:
            size = abs(c)
            if e is ONE:
                body = NUMBER.numpy(number(size), ())
            else:
                body = a if size == 1 else f"{NUMBER.numpy(number(size), ())} * {a}"
            text += (" - " if c < 0 else " + ") + body if text else ("-" if c < 0 else "") + body
        return f"({text})"


def _is_subtracted(term: tuple[Any, ...]) -> bool:
    return bool(term[0] < 0)


def _with_conjugates(node: Expr) -> bool:
    """Is the sum real, because the conjugate of every complex term is a term too?"""
    terms = {a: c for a, c in zip(node.args, node.params, strict=True) if not a.real}
    return all(terms.get(conjugated(a)) == c for a, c in terms.items())


SUM = SumPage()
PAGES: tuple[Operation, ...] = (SUM,)


def add(terms: Iterable[tuple[Number, Expr]]) -> Expr:
    """The sum of coefficient times expression, in normal form. All have one shape; at least one is given.

    Numbers are multiples of 1, sums are flattened where they are short or alone, like terms are collected, terms with
    coefficient 0 vanish.
    """
    total: dict[Expr, Number] = {}
    shape: Shape | None = None
    terms = list(terms)
    for c, e in terms:
        if shape is None:
            shape = e.shape
        if e.op is SUM and (len(e.args) <= FLAT_LIMIT or len(terms) == 1):
            for ci, ei in zip(e.params, e.args, strict=True):
                total[ei] = total.get(ei, 0) + c * ci
        elif e.op is NUMBER:
            total[ONE] = total.get(ONE, 0) + c * e.params[0]
        elif e.op is TRANSPOSE and e.args[0].op is SUM and len(e.args[0].args) <= FLAT_LIMIT:
            inner = e.args[0]
            for ci, ei in zip(inner.params, inner.args, strict=True):
                t = transposed(ei)
                total[t] = total.get(t, 0) + c * ci
        elif not is_zero(e):
            total[e] = total.get(e, 0) + c
    assert shape is not None
    return _collected(total, shape)


def _collected(total: dict[Expr, Number], shape: Shape) -> Expr:
    cores = [e for e, c in total.items() if c != 0]
    if not cores:
        return zeros(shape)
    if len(cores) == 1:
        core = cores[0]
        c = exact(total[core])
        if core is ONE:
            return number(c)
        return core if c == 1 else _node([core], [c], shape)
    for core in cores:
        if core.op in COMPLEMENTS:
            rewritten = COMPLEMENTS[core.op](core, total, shape)
            if rewritten is not None:
                return add(rewritten)
    cores.sort(key=KEY)
    return _node(cores, [exact(total[e]) for e in cores], shape)


KEY = attrgetter("key")
COMPLEMENTS: dict[Operation, Any] = {}
"""Operations with an identity for sums, such as 1 - sigmoid(x) = sigmoid(-x); filled in by their pages."""


def _node(cores: list[Expr], coefficients: list[Number], shape: Shape) -> Expr:
    node = make(SUM, tuple(cores), tuple(coefficients), shape)

    def flipped() -> Expr:
        pairs = sorted(((transposed(e), c) for e, c in zip(cores, coefficients, strict=True)), key=lambda t: t[0].key)
        return make(SUM, tuple(e for e, _ in pairs), tuple(c for _, c in pairs), shape[::-1])

    if len(cores) == 1:  # a multiple stands outside the transpose
        if node.transposed is None and cores[0].transposed is cores[0]:
            node.transposed = node
        return node
    return oriented(node, flipped)


def scaled(c: Number, e: Expr) -> Expr:
    return e if c == 1 and not is_zero(e) else add([(c, e)])


def negative(e: Expr) -> Expr:
    return add([(-1, e)])


def subtract(a: Expr, b: Expr) -> Expr:
    return add([(1, a), (-1, b)])


def common_factor(coefficients: Sequence[Number]) -> Number:
    """What the numbers, no floats, have in common: divided by it they are whole, without a common divisor, not all negative.

    Decimals stay as they were written, 1 + 0.001 and 1 + 0.044715: of them only the sign is taken out.
    """
    numerator, denominator = 0, 1
    for c in coefficients:
        c = Fraction(c)
        numerator = gcd(numerator, c.numerator)
        denominator = lcm(denominator, c.denominator)
    if denominator > DENOMINATOR_LIMIT and denominator % 5 == 0 and 10**18 % denominator == 0:
        numerator = denominator = 1
    common = Fraction(numerator, denominator)
    return exact(-common if all(c < 0 for c in coefficients) else common)


def content(e: Expr) -> tuple[Number, Expr]:
    """The numeric content c and the rest r, e = c r: what a product takes out of a sum.

    The rest has whole coefficients without a common divisor; the sign is taken out where every coefficient is negative.
    """
    op = e.op
    if op is not SUM:
        if op is NUMBER:
            return e.params[0], ONE
        if op is TRANSPOSE and e.args[0].op is SUM:
            c, rest = content(e.args[0])
            return c, transposed(rest) if c != 1 else e
        return 1, e
    if len(e.args) == 1:
        return e.params[0], e.args[0]
    whole = all(type(c) is int for c in e.params)
    if whole and (1 in e.params or (-1 in e.params and max(e.params) > 0)):
        return 1, e
    if any(type(c) is float for c in e.params):
        return 1, e
    common = common_factor(e.params)
    if common == 1:
        return 1, e
    factor = Fraction(1) / Fraction(common)
    return common, add((factor * c, a) for c, a in zip(e.params, e.args, strict=True))


def _reversed(e: Expr) -> Expr:
    if len(e.args) == 1:
        return add([(e.params[0], transposed(e.args[0]))])
    return make(TRANSPOSE, (e,), (), e.shape[::-1])


REVERSE["sum_of_terms"] = _reversed
