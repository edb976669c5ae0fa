"""Which mistake an answer that is not the derivative was made by: the first that explains its values entirely."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import combinations
from typing import TYPE_CHECKING

from frechet.differentiation.derivative import Derivative
from frechet.differentiation.structure import projected
from frechet.expressions.dimension import SCALAR, UNIT, dim
from frechet.expressions.errors import FrechetError
from frechet.expressions.node import Expr, Number, depends, substitute, variables, walk
from frechet.expressions.space import space_names
from frechet.notation.reading import read
from frechet.notation.text import write_text
from frechet.notation.translation import untranslated
from frechet.operations.constants import COMMUTATION, EYE, VARIABLE, is_zero, size, variable
from frechet.operations.determinant import DET
from frechet.operations.elementwise import EXP
from frechet.operations.hadamard import monomial
from frechet.operations.products import product
from frechet.operations.reductions import sum_all
from frechet.operations.sums import SUM, add
from frechet.operations.transposition import transposed
from frechet.simplification.polishing import expanded
from frechet.verification import repairs, special_cases
from frechet.verification.answers import read_answer
from frechet.verification.comparison import CLOSE, Ground, close
from frechet.verification.forms import OTHER_LAYOUT, RIGHT, Form
from frechet.verification.sampling import Point, sample

if TYPE_CHECKING:
    from frechet.verification.verdict import Verdict

FREE_ENTRIES = "the entries of {0} on and below the diagonal are the variables"
TERMS = 12  # of a derivative or an answer that are told apart
PARTS = 30  # parts of the function that are looked at
DENOMINATORS = 360  # of factors that are shown as fractions
POWERS = (1.0, -1.0, 2.0, -2.0, 0.5, -0.5)


def diagnosed(found: Verdict, ground: Ground, text: str) -> Verdict:
    """The verdict on a readable answer of a fitting shape that is not right."""
    for diagnose in (
        proportional, by_free_entries, unprojected, by_transposition, symmetric_only, by_terms, by_named_factor, by_kind,
        by_edit, by_other_function, by_other_variable, by_sign, without_inner, special_only, symmetric_with_terms,
        symmetric_up_to_factor, by_scaled_terms, by_rows, parallel, partly,
    ):  # fmt: skip
        result = diagnose(found, ground, text)
        if result is not None:
            return result
    return found


def misshapen(found: Verdict, ground: Ground, text: str) -> Verdict:
    """The verdict on a readable answer of which no layout of the derivative has the shape."""
    other = by_other_variable(found, ground, text)
    return other or without_inner(found, ground, text) or mended(found, ground, text) or found


def mended(found: Verdict, ground: Ground, text: str) -> Verdict | None:
    """The verdict with the single edit that makes an answer right whose shapes do not fit."""
    for edit, e, f in _edited(found, ground, text, lambda edit: True):
        return replace(found, edit=edit, rule=edit.kind, form=f, others=(e,))
    return None


# -- a number times the derivative


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
    for f in _fitting(found):
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
    function = found.question.function
    names = sorted({n for v in variables(function, found.expected) for d in v.shape if d is not UNIT for n in d.names()})
    parts = [n for n in walk(function, found.expected) if n.shape == SCALAR and n.real and n.op.name != "number"]
    parts += [DET.build(n.args[0]) for n in walk(function) if n.op.name == "logdet"]
    parts += [EXP.build(n) for n in parts if n.op.name == "logsumexp"]
    parts += [sum_all(EXP.build(n.args[0])) for n in walk(function, found.expected) if n.op.name == "softmax"]
    return list(dict.fromkeys([*(size(dim(n)) for n in names), *parts]))[:PARTS]


def nice(r: float) -> float:
    """The number without the rounding of its computation, where it is a plain fraction."""
    number = Fraction(r).limit_denominator(DENOMINATORS)
    return float(number) if close(float(number), r) else r


def _fitting(found: Verdict) -> list[Form]:
    assert found.answer is not None
    return [f for f in found.forms if f.expression.shape == found.answer.shape]


# -- structured variables


def by_free_entries(found: Verdict, ground: Ground, text: str) -> Verdict | None:
    """The derivative by the entries on and below the diagonal of a symmetric variable, G + G' - G∘I."""
    x = found.question.variable
    if (
        x is None
        or x.kind != "matrix"
        or x.shape[0] is not x.shape[1]
        or found.form is None
        or found.form.kind != "gradient"
    ):
        return None
    assert found.answer is not None
    g = found.expected
    free = add([(1, g), (1, transposed(g)), (-1, monomial(g.shape, [(g, 1), (EYE.build(x.shape[0]), 1)]))])
    if found.answer.shape != g.shape or not ground.equal(found.answer, free):
        return None
    return replace(found, verdict="conditional", condition=FREE_ENTRIES.format(x.params[0]), rule="free-entries")


def unprojected(found: Verdict, ground: Ground, text: str) -> Verdict | None:
    """Right for every direction in the space of the variable, but not in that space itself."""
    x = found.question.variable
    if x is None:
        return None
    names = space_names(*x.params[1:3])
    if not names or found.form is None or found.form.kind != "gradient" or found.answer is None:
        return None
    for f in _fitting(found):
        turned = found.answer if f.verdict != OTHER_LAYOUT else transposed(found.answer)
        if turned.shape != x.shape:
            continue
        try:
            inside = projected(turned, x)
        except FrechetError:
            continue
        if ground.equal(inside, found.expected):
            symmetric = names in (("symmetric",), ("hermitian",))
            condition = f"{x.params[0]} a general matrix"
            case = next((c for c in special_cases.symmetric_cases(ground.variables)
                         if symmetric and special_cases.holds(c, ground, found.answer, f.expression)), None)  # fmt: skip
            return replace(
                found,
                form=f,
                verdict="missing-symmetrization" if symmetric else "conditional",
                condition=case.words if case is not None else condition,
                rule="projection",
            )
    return None


# -- conditions


def symmetric_only(found: Verdict, ground: Ground, text: str) -> Verdict | None:
    """Right only if one square matrix is symmetric, or all are."""
    cases = special_cases.symmetric_cases(ground.variables)
    result = _in_case(found, ground, cases, "missing-symmetrization", "symmetric")
    if result is None or result.form is None or result.answer is None:
        return None
    if len(terms(result.form.expression)) > len(terms(result.answer)):
        return result
    orders = (repairs.SWAPPED, repairs.REVERSED)  # A*A'*x for A'*A*x
    edit = next((edit for edit, _, _ in _edited(found, ground, text, lambda edit: edit.kind in orders)), None)
    return result if edit is None else replace(result, edit=edit, rule=edit.kind)


def by_sign(found: Verdict, ground: Ground, text: str) -> Verdict | None:
    """Right only where a variable is positive, or negative."""
    return _in_case(found, ground, special_cases.signed_cases(ground.variables), "conditional", None)


def special_only(found: Verdict, ground: Ground, text: str) -> Verdict | None:
    """Right only where a variable is orthogonal, diagonal, positive …, or two commute."""
    x = found.question.variable
    cases = (c for c in special_cases.other_cases(ground.variables) if not (c.point and x in c.about))
    return _in_case(found, ground, cases, "conditional", None)


def _in_case(
    found: Verdict, ground: Ground, cases: Iterable[special_cases.Case], verdict: str, rule: str | None
) -> Verdict | None:
    assert found.answer is not None
    f = _fitting(found)[0]
    for case in cases:
        if special_cases.holds(case, ground, found.answer, f.expression):
            return replace(found, form=f, verdict=verdict, condition=case.words, rule=rule)
    return None


def symmetric_up_to_factor(found: Verdict, ground: Ground, text: str) -> Verdict | None:
    """If A is symmetric, a multiple of the derivative: two mistakes."""
    assert found.answer is not None
    f = _fitting(found)[0]
    if f.expression.shape == SCALAR:
        return None
    for case in special_cases.symmetric_cases(ground.variables):
        ratios = ground.ratios(found.answer, f.expression, ground.special(case.change, 3))
        if ratios is not None and len(ratios) > 1 and all(close(r, ratios[0]) for r in ratios):
            return replace(found, form=f, verdict="missing-symmetrization", condition=case.words, rule="symmetric",
                           factor=nice(ratios[0]))  # fmt: skip
    return None


# -- terms


def by_terms(found: Verdict, ground: Ground, text: str) -> Verdict | None:
    """Terms of the derivative that the answer lacks, or has with another sign or factor; terms that it has too much."""
    return _by_terms(found, ground, scaled=False)


def by_scaled_terms(found: Verdict, ground: Ground, text: str) -> Verdict | None:
    """Terms that are missing where the others have a wrong factor too: two mistakes."""
    return _by_terms(found, ground, scaled=True)


def _by_terms(found: Verdict, ground: Ground, scaled: bool) -> Verdict | None:
    assert found.answer is not None
    for f in _fitting(found):
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
        raw = d._raw_cotangent
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
    return replace(result, rule="scalar") if _scalar_case(found, ground) else result


def _scalar_case(found: Verdict, ground: Ground) -> bool:
    from random import Random

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
    f = _fitting(found)[0]
    parts = terms(f.expression)
    if not 1 < len(parts) <= TERMS:
        return None
    for case in special_cases.symmetric_cases(ground.variables):
        c = ground.combination(found.answer, parts, ground.special(case.change))
        if c is not None and {nice(k) for k in c} == {0.0, 1.0}:
            lacking = tuple(t for t, k in zip(parts, c, strict=True) if nice(k) == 0.0)
            return replace(found, form=f, verdict="missing-term", terms=lacking, condition=case.words)
    return None


# -- edits of the answer


def by_transposition(found: Verdict, ground: Ground, text: str) -> Verdict | None:
    for edit, e, f in _edited(found, ground, text, lambda edit: edit.kind == repairs.TRANSPOSED):
        case = next(
            (c for c in special_cases.symmetric_cases(ground.variables)
             if found.answer is not None and special_cases.holds(c, ground, found.answer, f.expression)), None
        )  # fmt: skip
        if case is not None and _gathers(found.answer, e):
            return None
        words = None if case is None else case.words
        return replace(found, form=f, verdict="transposed", edit=edit, rule=edit.kind, condition=words, others=(e,))
    return None


def _gathers(answer: Expr | None, mended: Expr) -> bool:
    """Did the edit split a term in two, as A*x + A*x -> A*x + A'*x? Then the answer is one that took A to be symmetric."""
    return answer is not None and len(terms(mended)) > len(terms(answer))


def by_kind(found: Verdict, ground: Ground, text: str) -> Verdict | None:
    """An element-wise function in the place of a function of matrices, or the other way round."""
    wanted = (repairs.MATRIX, repairs.ELEMENTWISE)
    for edit, e, f in _edited(found, ground, text, lambda edit: edit.kind in wanted, _up_to_factor):
        return replace(found, form=f, verdict="elementwise-for-matrix", edit=edit, rule=edit.kind, others=(e,))
    return None


def by_edit(found: Verdict, ground: Ground, text: str) -> Verdict | None:
    others = (repairs.SWAPPED, repairs.REVERSED, repairs.DIAG, repairs.TRACE, repairs.KRON)
    for edit, e, f in _edited(found, ground, text, lambda edit: edit.kind in others):
        return replace(found, form=f, verdict="wrong", edit=edit, rule=edit.kind, others=(e,))
    return None


Equal = Callable[[Ground, Expr, Expr], bool]


def _equal(ground: Ground, a: Expr, b: Expr) -> bool:
    return ground.equal(a, b)


def _up_to_factor(ground: Ground, a: Expr, b: Expr) -> bool:
    if ground.equal(a, b):
        return True
    ratios = ground.ratios(a, b)
    return b.shape != SCALAR and ratios is not None and all(close(r, ratios[0]) for r in ratios)


def _edited(
    found: Verdict, ground: Ground, text: str, wanted: Callable[[repairs.Edit], bool], equal: Equal = _equal
) -> Iterator[tuple[repairs.Edit, Expr, Form]]:
    """The edits of a kind that make the answer right, with what it reads as then; only the first is looked for."""
    try:
        edits = list(repairs.edits(text))
    except FrechetError:
        return
    for edit in edits:
        if not wanted(edit):
            continue
        try:
            e = read_answer(untranslated(edit.text), found.question.names)
        except FrechetError:
            continue
        fitting = [f for f in found.forms if f.expression.shape == e.shape]
        if equal is _equal and fitting and fitting[0].verdict == RIGHT:
            fitting = [f for f in fitting if f.verdict == RIGHT]  # the other layout of a square one is another mistake
        for f in fitting:
            if equal(ground, e, f.expression):
                yield edit, e, f
                return


# -- rules misapplied to the function


def by_other_function(found: Verdict, ground: Ground, text: str) -> Verdict | None:
    """Right for the function with element-wise functions in the place of functions of matrices, or the other way round."""
    q = found.question
    assert found.answer is not None
    for kind, change in (("elementwise-of", repairs.as_elementwise), ("matrix-of", repairs.as_matrix)):
        other = change(q.text)
        if other == q.text or q.variable is None:
            continue
        try:
            function = read(other, q.names.declarations, q.names.expressions, dimensions=q.names.dimensions).expression
            d = Derivative(function, q.variable)
            candidate = d.gradient if function.shape == SCALAR else d.jacobian
        except FrechetError:
            continue
        for e in (candidate, transposed(candidate)):
            if e.shape == found.answer.shape and _up_to_factor(ground, found.answer, e):
                return replace(found, verdict="elementwise-for-matrix", rule=kind, others=(function,))
    return None


def by_other_variable(found: Verdict, ground: Ground, text: str) -> Verdict | None:
    """The derivative by another variable of the function."""
    q = found.question
    if q.variable is None or found.answer is None or q.kind not in ("gradient", "jacobian"):
        return None
    for v in variables(q.function):
        if v is q.variable or not v.real or found.answer.shape not in (v.shape, v.shape[::-1]):
            continue
        try:
            d = Derivative(q.function, v)
            e = d.gradient if q.function.shape == SCALAR else d.jacobian
        except FrechetError:
            continue
        for candidate in (e, transposed(e)):
            if candidate.shape == found.answer.shape and ground.equal(found.answer, candidate):
                return replace(found, rule="variable", inner=v)
    return None


def by_rows(found: Verdict, ground: Ground, text: str) -> Verdict | None:
    """The Jacobian for vectors that stack rows instead of columns."""
    q = found.question
    if q.variable is None or found.answer is None or found.form is None or q.kind not in ("jacobian", "hessian"):
        return None
    j = found.form.expression
    if found.form.layout == "denominator" or q.variable.kind != "matrix":
        return None
    rows = product(j, COMMUTATION.build(*q.variable.shape[::-1]))
    result = q.variable if q.kind == "hessian" else q.function
    if result.kind == "matrix":
        rows = product(COMMUTATION.build(*result.shape), rows)
    return replace(found, rule="rows") if ground.equal(found.answer, rows) else None


def without_inner(found: Verdict, ground: Ground, text: str) -> Verdict | None:
    """The derivative by a part u(X) of the function, without the derivative of u."""
    q = found.question
    f, x = q.function, q.variable
    if x is None or found.answer is None or not found.answer.real:
        return None
    inside = depends(f, x)
    parts = [u for u in walk(f) if u in inside and u is not x and u is not f and u.real and u.op is not VARIABLE]
    for u in parts[-PARTS:]:
        symbol = variable("inner_part", u.shape)
        outer = substitute(f, {u: symbol})
        if outer is symbol or x in variables(outer):
            continue
        try:
            d = Derivative(outer, symbol)
            by = d.gradient if f.shape == SCALAR else d.jacobian
        except FrechetError:
            continue
        e = substitute(by, {symbol: u})
        for candidate in (e, transposed(e)):
            if candidate.shape == found.answer.shape and ground.equal(found.answer, candidate):
                if is_zero(candidate):
                    continue
                return replace(found, rule="chain", inner=u, others=(e,))
    return None
