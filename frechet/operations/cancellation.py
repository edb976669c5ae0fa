"""What cancels and what is recognised in element-wise products: exponentials merge, |x|^2 = x^2, sin/cos = tan, softmax.

`monomial` in `frechet.operations.hadamard` asks these rules; `powers` is its table from bases to exponents.
"""

from __future__ import annotations

from typing import Any

from frechet.expressions.dimension import SCALAR, Shape
from frechet.expressions.node import Expr, Number
from frechet.operations import elementwise, hadamard, reductions, softmax, sums
from frechet.operations.constants import exact, is_ones, is_zero, ones
from frechet.operations.transposition import TRANSPOSE, conjugated, transposed


def merge_exponents(shape: Shape, exponents: list[tuple[Number, Expr]], powers: dict[Expr, Number]) -> None:
    total = sums.add(exponents) if len(exponents) > 1 else sums.scaled(*exponents[0])
    if is_zero(total):
        return
    if total.real:  # exp(u) ⊙ sigmoid(-u) = sigmoid(u)
        logistic = elementwise.SIGMOID.build(sums.negative(total))
        if powers.get(logistic, 0) > 0:
            powers[logistic] -= 1
            grown = elementwise.SIGMOID.build(total)
            powers[grown] = powers.get(grown, 0) + 1
            return
    e = elementwise.EXP.build(total)
    powers[e] = powers.get(e, 0) + 1


def recognised(shape: Shape, kept: list[hadamard.Factor]) -> Expr | None:
    """1/(1 + exp(u)) = sigmoid(-u), also inside a longer product, and the like."""
    for i, (b, k) in enumerate(kept):
        if (
            k < 0
            and b.real
            and isinstance(k, int)
            and b.op.name == "sum_of_terms"
            and len(b.args) == 2
            and b.params == (1, 1)
        ):
            u = next((a.args[0] for a in b.args if a.op is elementwise.EXP), None)
            if u is not None and any(is_ones(a) for a in b.args):
                logistic = elementwise.SIGMOID.build(sums.negative(u))
                return hadamard.monomial(shape, [*kept[:i], (logistic, -k), *kept[i + 1 :]])
    return None


def _abs(b: Expr, powers: dict[Expr, Number]) -> None:
    k = powers[b]
    if isinstance(k, int) and k % 2 == 0 and b.args[0].real:  # |x|^2j = x^2j
        del powers[b]
        powers[b.args[0]] = powers.get(b.args[0], 0) + k


def join_conjugates(bases: list[Expr], powers: dict[Expr, Number]) -> None:
    """conj(z)*z = |z|^2, for the complex bases."""
    for z in bases:
        bar = conjugated(z)
        k, j = powers.get(z, 0), powers.get(bar, 0)
        if bar is z or not (isinstance(k, int) and isinstance(j, int) and k * j > 0):
            continue
        both = min(k, j) if k > 0 else max(k, j)
        powers[z], powers[bar] = k - both, j - both
        modulus = elementwise.ABS.build(z)
        for b, power in (
            zip(modulus.args, modulus.params, strict=True) if modulus.op is hadamard.MONOMIAL else [(modulus, 1)]
        ):
            powers[b] = exact(powers.get(b, 0) + 2 * both * power)


def _sign(b: Expr, powers: dict[Expr, Number]) -> None:
    """sign(x)*|x|^k = x*|x|^(k-1); where x is not negative, sign(x)*x^k = x^k for k > 0."""
    x = b.args[0]
    if powers[b] != 1:
        return  # sign(x)^2 is 1 only where x is not 0
    if x.sign:
        if powers.get(x, 0) > 0:
            del powers[b]
        return
    magnitude = elementwise.ABS.build(x)
    if magnitude.op is not elementwise.ABS or magnitude not in powers:
        return
    del powers[b]
    powers[x] = exact(powers.get(x, 0) + 1)
    powers[magnitude] = exact(powers[magnitude] - 1)
    if powers[magnitude] != 0:
        _abs(magnitude, powers)


def _base_and_exponent(b: Expr) -> tuple[Expr | None, Expr | None]:
    """The two parts of a power with an exponent that is an expression, or of the transpose of one."""
    if b.op is hadamard.POWER:
        return b.args[0], b.args[1]
    if b.op is TRANSPOSE and b.args[0].op is hadamard.POWER:
        base, exponent = b.args[0].args
        return transposed(base), transposed(exponent)
    return None, None


def _epower(b: Expr, powers: dict[Expr, Number]) -> None:
    """x^s * x^k = x^(s+k), x^s * x^t = x^(s+t)."""
    base, exponent = _base_and_exponent(b)
    own = powers[b]
    if base is None or exponent is None or not isinstance(own, int):
        return
    extra = powers.pop(base, 0)
    total = sums.add([(own, exponent), (extra, ones(exponent.shape))])
    others = []
    for o in powers:
        other, s = _base_and_exponent(o)
        if o is not b and other is base and s is not None and s.shape == exponent.shape:
            others.append((o, s))
    for o, s in others:
        if isinstance(powers[o], int):
            total = sums.add([(1, total), (powers.pop(o), s)])
    if extra or others or own != 1:
        del powers[b]
        merged = hadamard.epower(base, total)
        if merged.op is hadamard.MONOMIAL:
            for a, j in zip(merged.args, merged.params, strict=True):
                powers[a] = powers.get(a, 0) + j
        elif not is_ones(merged):
            powers[merged] = powers.get(merged, 0) + 1


DISCRETE = ("labels±1", "mask01", "onehot")


BOUND = DISCRETE  # domains of points without directions in which a variable could move


def _masked(x: Expr, mask: Expr) -> bool:
    """Is x declared sparse by this mask?"""
    return x.op.name == "variable" and f"sparse({mask.params[0]})" in x.params[1] and x.shape == mask.shape


def use_values(powers: dict[Expr, Number]) -> None:
    """Of labels ±1 even powers are 1; of masks 0 and 1 all positive powers are the mask, and M.*X = X of sparse(M) X."""
    for b, k in list(powers.items()):
        domain = b.params[2] if b.op.name == "variable" else ""
        if domain == "labels±1" and isinstance(k, int):
            powers[b] = k % 2
        elif domain in ("mask01", "onehot") and k > 0:
            powers[b] = 1
            if domain == "mask01" and any(powers[x] > 0 and _masked(x, b) for x in powers):
                del powers[b]


def _zero_or_one(b: Expr, powers: dict[Expr, Number]) -> None:
    """Positive powers of zeros and ones are they themselves."""
    if powers[b] > 0:
        powers[b] = 1


def _step(b: Expr, powers: dict[Expr, Number]) -> None:
    """step(x)^k = step(x) and step(x)*relu(x)^k = relu(x)^k for k > 0."""
    _zero_or_one(b, powers)
    positive_part = elementwise.RELU.build(b.args[0])
    if powers[b] == 1 and powers.get(positive_part, 0) > 0:
        del powers[b]


def _ratio_of(name: str) -> Any:
    """sin(x)/cos(x) = tan(x), sinh(x)/cosh(x) = tanh(x)."""

    def rewrite(b: Expr, powers: dict[Expr, Number]) -> None:
        below, quotient = (elementwise.COS, elementwise.TAN) if name == "sin" else (elementwise.COSH, elementwise.TANH)
        other = below.build(b.args[0])
        k, j = powers[b], -powers.get(other, 0)
        if not (isinstance(k, int) and isinstance(j, int) and k > 0 and j > 0):
            return
        both = min(k, j)
        powers[b], powers[other] = k - both, both - j
        t = quotient.build(b.args[0])
        powers[t] = powers.get(t, 0) + both

    return rewrite


REWRITES = {
    "sin": _ratio_of("sin"),
    "sinh": _ratio_of("sinh"),
    "abs": _abs,
    "sign": _sign,
    "epower": _epower,
    "transpose": _epower,
    "unit": _zero_or_one,
    "step": _step,
}


def named_quotient(s: Expr, e: Expr) -> Expr | tuple[Expr, Expr] | None:
    """exp(v)/sum(exp(v)) = softmax(v), with what else stands in the scalar s; None where nothing is recognised."""
    if s.op is not hadamard.MONOMIAL:
        return None
    for i, (b, k) in enumerate(zip(s.args, s.params, strict=True)):
        if b.op is reductions.SUM_ALL and isinstance(k, int) and k < 0 and b.real and b.args[0].op is elementwise.EXP:
            v = b.args[0].args[0]
            if v.kind != "vector":
                continue
            rest = [f for j, f in enumerate(zip(s.args, s.params, strict=True)) if j != i]
            rest.append((b, exact(k + 1)))
            if e is b.args[0]:
                p = softmax.SOFTMAX.build(v)
            elif e.op is hadamard.MONOMIAL and (b.args[0], 1) in zip(e.args, e.params, strict=True):
                j = e.args.index(b.args[0])
                factors = list(zip(e.args, e.params, strict=True))
                p = hadamard.monomial(e.shape, [*factors[:j], *factors[j + 1 :], (softmax.SOFTMAX.build(v), 1)])
            else:
                continue
            rest = [f for f in rest if f[1] != 0]
            return (hadamard.monomial(SCALAR, rest), p) if rest else p
    return None
