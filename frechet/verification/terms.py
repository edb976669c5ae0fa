"""Answers that lack a term of the derivative, have one too much, or one with a wrong sign or factor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from frechet.expressions.node import Expr, Number
from frechet.operations.sums import SUM, add
from frechet.operations.transposition import transposed
from frechet.simplification.polishing import expanded
from frechet.verification import special_cases
from frechet.verification.comparison import CLOSE, Ground, close
from frechet.verification.forms import OTHER_LAYOUT, Form, fitting
from frechet.verification.multiples import by_named_factor, nice, proportional
from frechet.verification.sampling import Point, sample

if TYPE_CHECKING:
    from frechet.verification.verdict import Verdict

TERMS = 12  # of a derivative or an answer that are told apart


def by_terms(found: Verdict, ground: Ground, text: str) -> Verdict | None:
    """Terms of the derivative that the answer lacks, or has with another sign or factor; terms that it has too much."""
    return _by_terms(found, ground, scaled=False)


def by_scaled_terms(found: Verdict, ground: Ground, text: str) -> Verdict | None:
    """Terms that are missing where the others have a wrong factor too: two mistakes."""
    return _by_terms(found, ground, scaled=True)


def _by_terms(found: Verdict, ground: Ground, scaled: bool) -> Verdict | None:
    assert found.answer is not None
    for f in fitting(found):
        for parts in _sums(found, f):
            c = ground.combination(found.answer, parts)
            if c is None:
                continue
            result = _by_coefficients(found, f, parts, [nice(k) for k in c], scaled)
            if result is not None:
                return result
        own = terms(found.answer)
        if len(own) > 1:
            c = ground.combination(f.expression, own)
            if c is None:
                continue
            c = [nice(k) for k in c]
            extra = tuple(t for t, k in zip(own, c, strict=True) if abs(k) < CLOSE)
            rest = {k for k in c if abs(k) >= CLOSE}
            if extra and rest == {1.0}:
                return replace(found, form=f, verdict="extra-term", terms=extra)
    return None


def _by_coefficients(found: Verdict, f: Form, parts: Sequence[Expr], c: Sequence[float], scaled: bool) -> Verdict | None:
    lacking = tuple(t for t, k in zip(parts, c, strict=True) if abs(k) < CLOSE)
    odd = tuple(t for t, k in zip(parts, c, strict=True) if abs(k) >= CLOSE and k != 1.0)
    kept = {k for k in c if abs(k) >= CLOSE}
    if lacking and len(kept) == 1 and scaled == (kept != {1.0}):
        factor = next(iter(kept))
        return replace(found, form=f, verdict="missing-term", terms=lacking, factor=None if factor == 1.0 else factor)
    if lacking or not odd:
        return None
    values = {k for k in c if k != 1.0}
    if values == {-1.0}:
        return replace(found, form=f, verdict="sign", terms=odd, factor=-1.0)
    if len(values) == 1:
        return replace(found, form=f, verdict="factor", terms=odd, factor=next(iter(values)))
    return None


def _sums(found: Verdict, f: Form) -> Iterator[list[Expr]]:
    """The derivative as sums of terms, in the ways in which it may be written as one."""
    seen: list[set[Expr]] = []
    expressions = [f.expression]
    d = found.question.derivative
    if d is not None and f.kind == "gradient" and not f.stacked and d.convention == "riesz":
        raw = d.raw_cotangent
        expressions.append(raw if f.verdict != OTHER_LAYOUT else transposed(raw))
    for e in expressions:
        for parts in (terms(e), _own_terms(e)):
            if 1 < len(parts) <= TERMS and e.shape == f.expression.shape and set(parts) not in seen:
                seen.append(set(parts))
                yield parts


def terms(e: Expr) -> list[Expr]:
    """The terms of an expression, its products multiplied out."""
    found = expanded(e)
    if found is None:
        return _own_terms(e)
    total: dict[Expr, Number] = {}
    for c, a in found:
        for k, b in zip(a.params, a.args, strict=True) if a.op is SUM else ((1, a),):
            total[b] = total.get(b, 0) + c * k
    return [add([(c, a)]) for a, c in total.items() if c]


def _own_terms(e: Expr) -> list[Expr]:
    return [add([(c, a)]) for c, a in zip(e.params, e.args, strict=True)] if e.op is SUM else [e]


def partly(found: Verdict, ground: Ground, text: str) -> Verdict | None:
    """The terms that the answer and the derivative do not share; and the case that all sizes are 1."""
    assert found.answer is not None and found.form is not None
    theirs, own = terms(found.form.expression), terms(found.answer)
    result = found
    if max(len(theirs), len(own)) <= TERMS:
        missing = tuple(t for t in theirs if not any(ground.equal(t, u) for u in own))
        extra = tuple(u for u in own if not any(ground.equal(u, t) for t in theirs))
        if len(missing) < len(theirs):
            result = replace(result, terms=missing, others=extra)
            if missing and extra:  # the rest of the answer as a multiple of the rest of the derivative
                rest = replace(
                    found,
                    answer=add([(1, t) for t in extra]),
                    forms=[found.form._replace(expression=add([(1, t) for t in missing]))],
                )
                multiple = proportional(rest, ground, text) or by_named_factor(rest, ground, text)
                if multiple is not None:
                    return replace(result, verdict=multiple.verdict, factor=multiple.factor, others=())
    return replace(result, rule="scalar") if _scalar_case(found, ground) else result


def _scalar_case(found: Verdict, ground: Ground) -> bool:
    assert found.answer is not None and found.form is not None
    if not ground.points:
        return False
    sizes = dict.fromkeys(ground.points[0].sizes, 1)
    rng, count = Random(3), 0
    for mood in ("positive", "small positive", "plain"):
        p = Point({**ground.points[0].values, **sample(ground.variables, sizes, rng, mood)}, sizes)
        if not close(ground.value(found.answer, p), ground.value(found.form.expression, p)):
            return False
        count += 1
    return count > 1 and bool(sizes)


def symmetric_with_terms(found: Verdict, ground: Ground, text: str) -> Verdict | None:
    """Terms that are missing, and right for the rest if a matrix is symmetric: two mistakes."""
    assert found.answer is not None
    f = fitting(found)[0]
    parts = terms(f.expression)
    if not 1 < len(parts) <= TERMS:
        return None
    for case in special_cases.symmetric_cases(ground.variables):
        c = ground.combination(found.answer, parts, ground.special(case.change))
        if c is not None and {nice(k) for k in c} == {0.0, 1.0}:
            lacking = tuple(t for t, k in zip(parts, c, strict=True) if nice(k) == 0.0)
            return replace(found, form=f, verdict="missing-term", terms=lacking, condition=case.words)
    return None
