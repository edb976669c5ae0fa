"""Answers that are a multiple of the derivative: by a constant, or by a number that has a name, such as n or norm2(x)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import combinations
from typing import TYPE_CHECKING

from frechet.expressions.dimension import SCALAR, UNIT, dim
from frechet.expressions.node import Expr, variables, walk
from frechet.notation.text import write_text
from frechet.operations.constants import VARIABLE, size
from frechet.operations.determinant import DET
from frechet.operations.elementwise import EXP
from frechet.operations.hadamard import monomial
from frechet.operations.reductions import sum_all
from frechet.operations.sums import add
from frechet.verification.comparison import CLOSE, Ground, close
from frechet.verification.forms import Form, fitting

if TYPE_CHECKING:
    from frechet.verification.verdict import Verdict

DENOMINATORS = 360  # of factors that are shown as fractions


PARTS = 30  # parts of the function that are looked at


POWERS = (1.0, -1.0, 2.0, -2.0, 0.5, -0.5)


def proportional(found: Verdict, ground: Ground, text: str) -> Verdict | None:
    """The answer as a constant multiple of the derivative, in either layout."""
    for f, ratios in _ratios(found, ground):
        if all(close(r, ratios[0]) for r in ratios):
            factor = nice(ratios[0])
            return replace(found, form=f, factor=factor, verdict="sign" if factor == -1 else "factor")
    return None


def by_named_factor(found: Verdict, ground: Ground, text: str) -> Verdict | None:
    """The answer as a multiple of the derivative by a number that has a name: n, 1/c, norm2(x)."""
    for f, ratios in _ratios(found, ground):
        factor = _factor(found, ground, ratios)
        if factor is not None:
            return replace(found, form=f, factor=factor, verdict="factor")
    return None


def parallel(found: Verdict, ground: Ground, text: str) -> Verdict | None:
    """A multiple at every point, but not the same everywhere."""
    for f, _ in _ratios(found, ground):
        if f.expression.shape != SCALAR:
            return replace(found, form=f, rule="parallel")
    return None


def _ratios(found: Verdict, ground: Ground) -> Iterator[tuple[Form, list[float]]]:
    assert found.answer is not None
    for f in fitting(found):
        ratios = ground.ratios(found.answer, f.expression)
        if ratios is not None and any(abs(r) > CLOSE for r in ratios):
            yield f, ratios


def _factor(found: Verdict, ground: Ground, ratios: Sequence[float]) -> str | None:
    if len(ratios) < 3:
        return None
    import numpy as np

    values: dict[Expr, list[float]] = {}
    for a in _scalars(found):
        at = [float(np.real(ground.value(a, p))) for p in ground.points]
        if all(np.isfinite(v) and abs(v) > CLOSE for v in at) and not all(close(v, at[0]) for v in at):
            values[a] = at
    chosen = list(values)
    tried: list[list[tuple[Expr, float]]] = [[(a, k)] for a in chosen for k in POWERS]
    tried += [[(a, k), (b, m)] for a, b in combinations(chosen[:8], 2) for k in POWERS[:2] for m in POWERS[:2]]
    return next((t for powers in tried if (t := _named(ratios, powers, values)) is not None), None)


def _named(ratios: Sequence[float], powers: Sequence[tuple[Expr, float]], values: dict[Expr, list[float]]) -> str | None:
    """The factor as a number times powers of scalars, in the text notation, if that is what it is at all points."""
    rest = []
    for i, r in enumerate(ratios):
        for a, k in powers:
            if values[a][i] < 0 and k != int(k):
                return None
            r /= values[a][i] ** k
        rest.append(r)
    if not all(close(r, rest[0]) for r in rest):
        return None
    number = Fraction(rest[0]).limit_denominator(DENOMINATORS)
    if not close(float(number), rest[0]):
        return None
    product = monomial(SCALAR, [(a, Fraction(k).limit_denominator(2)) for a, k in powers])
    return write_text(add([(number, product)])).text


def _scalars(found: Verdict) -> list[Expr]:
    """Sizes, scalar constants, and the scalar parts of the function and its derivative."""
    function, x = found.question.function, found.question.variable
    names = sorted({n for v in variables(function, found.expected) for d in v.shape if d is not UNIT for n in d.names()})
    parts = [n for n in walk(function, found.expected) if n.shape == SCALAR and n.real and n.op.name != "number"]
    parts += [DET.build(n.args[0]) for n in walk(function) if n.op.name == "logdet"]
    parts += [EXP.build(n) for n in parts if n.op.name == "logsumexp"]
    parts += [sum_all(EXP.build(n.args[0])) for n in walk(function, found.expected) if n.op.name == "softmax"]
    if found.expected.shape == SCALAR:  # of a number every number is a multiple: only constants have a say
        parts = [n for n in parts if n.op is VARIABLE and n is not x]
    return list(dict.fromkeys([*(size(dim(n)) for n in names), *parts]))[:PARTS]


def nice(r: float) -> float:
    """The number without the rounding of its computation, where it is a plain fraction."""
    number = Fraction(r).limit_denominator(DENOMINATORS)
    return float(number) if close(float(number), r) else r
