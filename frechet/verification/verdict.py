"""An answer judged: is it the derivative, and if not, which mistake makes it what it is?

Every decision is numeric: an answer is right where its values are those of the derivative at random points, and a mistake is
named only where undoing it makes the answer right there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from frechet.differentiation.derivative import Derivative
from frechet.expressions.dimension import SCALAR
from frechet.expressions.errors import FrechetError, NotationError
from frechet.expressions.node import Expr, variables
from frechet.notation.translation import Translation, untranslated
from frechet.operations.constants import is_zero, zeros
from frechet.verification.answers import Names, read_answer, typed
from frechet.verification.comparison import Ground
from frechet.verification.counterexample import Example, smallest
from frechet.verification.forms import OTHER_LAYOUT, RIGHT, Form, forms, formula_forms
from frechet.verification.repairs import Edit, entrywise

VERDICTS = (
    RIGHT, OTHER_LAYOUT, "transposed", "factor", "sign", "missing-symmetrization", "conditional", "missing-term",
    "extra-term", "elementwise-for-matrix", "shape", "wrong",
)  # fmt: skip
UNREAD = "unread"  # the rule of an answer that does not read, or has names of its own


class Question(NamedTuple):
    """What an answer is compared with: the derivative of a function in the form asked for, or a formula.

    function: of a formula to compare with, the formula; expected: the derivative, or the formula
    kind: gradient, jacobian, hessian, differential, riemannian, or formula
    names: what an answer may use; text: the function as typed
    """

    function: Expr
    expected: Expr
    kind: str
    names: Names
    derivative: Derivative | None = None
    text: str = ""
    order: int = 1

    @property
    def variable(self) -> Expr | None:
        return None if self.derivative is None else self.derivative.variable

    @property
    def forms(self) -> list[Form]:
        """What a right answer may be equal to."""
        if self.derivative is None:
            return formula_forms(self.expected)
        return forms(self.derivative, self.expected, self.kind)

    @property
    def differentials(self) -> list[Form]:
        d = self.derivative
        assert d is not None
        return forms(d, d.second_differential if self.order == 2 else d.differential, "differential")

    def ground(self, finite: Sequence[Expr], *more: Expr) -> Ground:
        """Random points for everything that is compared."""
        about = () if self.variable is None else (self.variable,)
        return Ground([self.function, *about, *more], [self.function, *finite])


@dataclass(frozen=True)
class Verdict:
    """What is found of an answer.

    verdict    one of VERDICTS
    form       what the answer was compared with; None where nothing has its shape
    answer     the answer as read; None where it does not read or its shapes do not fit together
    factor     answer over derivative: a number, or text such as 1/n; of one term where `terms` is not empty
    condition  where the answer is right
    terms      the terms that are missing, too much, or have a wrong sign or factor
    rule       a word for the rule that was probably misapplied
    edit       the edit of the answer that undoes the mistake
    inner      the part of the function whose own derivative is missing
    example    the smallest numbers at which the answer differs from the derivative
    misfit     why shapes in the answer do not fit together, or why it does not read
    entrywise  was 1 - x, 1/x or x^2 of an array read entry by entry?
    """

    verdict: str
    question: Question
    forms: Sequence[Form]
    form: Form | None = None
    answer: Expr | None = None
    source: str = ""
    factor: float | str | None = None
    condition: str | None = None
    terms: tuple[Expr, ...] = ()
    others: tuple[Expr, ...] = ()
    rule: str | None = None
    edit: Edit | None = None
    inner: Expr | None = None
    example: Example | None = None
    misfit: FrechetError | None = None
    entrywise: bool = False

    @property
    def right(self) -> bool:
        return self.verdict == RIGHT

    @property
    def expected(self) -> Expr:
        """The derivative in the form asked for."""
        return self.forms[0].expression


def judge(question: Question, answer: str | Expr) -> Verdict:
    """The verdict on an answer, typed or as an expression.

    One that does not read, or has names that the function does not have, is wrong: the rule is UNREAD, and `misfit` says
    why and where.
    """
    asked = question.forms
    if isinstance(answer, Expr):
        from frechet.notation.text import write_text

        known = question.names.expressions.values()
        new = [v.params[0] for v in variables(answer) if v not in known]
        if new:
            error = NotationError(f"your answer uses {new[0]}, which the function does not have")
            return Verdict("wrong", question, asked, rule=UNREAD, misfit=error)

        text = write_text(answer, share=False).text
        return _judged(question, asked, answer, text, text)
    try:
        t, e = typed(answer, question.names, [f.expression.shape for f in asked])
    except FrechetError as error:
        return Verdict("wrong", question, asked, source=answer, rule=UNREAD, misfit=error)
    if isinstance(e, FrechetError):
        return _misfit(question, asked, t, e)
    return _judged(question, asked, e, t.text, answer)


def _misfit(question: Question, asked: Sequence[Form], t: Translation, error: FrechetError) -> Verdict:
    """The verdict on an answer whose own shapes do not fit together."""
    from frechet.verification.diagnosis import mended

    d = question.derivative
    if d is not None and d.direction.params[0] in t.text:
        asked = question.differentials
    for text in entrywise(t.text):
        try:
            e = read_answer(untranslated(text), question.names, [f.expression.shape for f in asked])
        except FrechetError:
            continue
        read = _judged(question, asked, e, text, t.source)
        if read.verdict in (RIGHT, OTHER_LAYOUT):
            return replace(read, entrywise=True)
    found = Verdict("shape", question, asked, source=t.source, misfit=error)
    ground = question.ground([asked[0].expression], *(f.expression for f in asked))
    return mended(found, ground, t.text) or found


def _judged(question: Question, asked: Sequence[Form], e: Expr, text: str, source: str) -> Verdict:
    from frechet.verification.diagnosis import diagnosed, misshapen

    d = question.derivative
    if d is not None and d.direction in variables(e):
        asked = question.differentials
    if is_zero(e) and e.shape == SCALAR:  # 0 is typed for arrays of zeros too
        e = zeros(asked[0].expression.shape)
    fitting = [f for f in asked if f.expression.shape == e.shape]
    found = Verdict("wrong", question, asked, fitting[0] if fitting else None, e, source)
    ground = question.ground([(fitting or asked)[0].expression, e], *(f.expression for f in asked))
    if not fitting:
        return misshapen(replace(found, verdict="shape"), ground, text)
    for f in fitting:
        if ground.equal(e, f.expression):
            verdict = f.verdict
            if verdict == OTHER_LAYOUT and f.expression.kind == "matrix" and f.expression.shape == asked[0].expression.shape:
                verdict = "transposed"
            found = replace(found, verdict=verdict, form=f)
            own = asked[0].expression
            if verdict == "transposed" and own.shape == e.shape and ground.ratios(e, own) is not None:  # of a skew one: -G
                found = diagnosed(replace(found, form=asked[0]), ground, text)
            break
    else:
        found = diagnosed(found, ground, text)
    if found.verdict in (RIGHT, OTHER_LAYOUT):
        return found
    goal = found.forms[0] if found.verdict == "transposed" else found.form
    return found if goal is None else replace(found, example=smallest(question.function, goal.expression, e))
