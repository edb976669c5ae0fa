"""An answer checked: the question is read, its derivative found and verified, and the answer judged against it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from frechet.expressions.errors import NotationError, ShapeError
from frechet.expressions.node import Expr, variables
from frechet.interfaces.answer import Answer, answer
from frechet.operations.declared_functions import functions
from frechet.verification.answers import names_of
from frechet.verification.verdict import UNREAD, Question, Verdict, judge

if TYPE_CHECKING:
    from frechet.interfaces.document import Document
    from frechet.notation.reading import Reading

ALIKE = ("right", "other-layout")  # the verdicts on a derivative that is one


class Check:
    """What is found of an answer. In Python it is true where the answer is right, in either layout.

    verdict    right, other-layout, transposed, factor, sign, missing-symmetrization, conditional, missing-term, extra-term,
               elementwise-for-matrix, shape or wrong
    factor     answer over derivative: a number, or text such as 1/n; None where this is not the mistake
    condition  where the answer is right, such as "A symmetric"
    expected   the derivative; answer: the answer as read, None where it does not fit together
    terms      the terms that are missing, too much, or have a wrong sign or factor
    corrected  the answer with the one mistake undone, where there is such an edit
    layout     of the derivative that the answer was compared with
    rule       a word for the rule that was probably misapplied
    example    the smallest numbers at which the answer differs: values by name, and "derivative" and "answer"
    message    all this in a sentence or two
    """

    def __init__(self, found: Verdict) -> None:
        self.found = found
        self.verdict, self.factor, self.condition = found.verdict, found.factor, found.condition
        self.expected, self.answer, self.terms, self.rule = found.expected, found.answer, found.terms, found.rule
        self.layout = found.form.layout if found.form is not None else ""
        self.corrected = None if found.edit is None else found.edit.text

    def __bool__(self) -> bool:
        return self.verdict in ALIKE

    @property
    def unread(self) -> bool:
        """Is it an answer that does not read, or that has names which the function does not have?"""
        return self.rule == UNREAD

    @property
    def example(self) -> dict[str, Any] | None:
        e = self.found.example
        return None if e is None else {**e.values, "derivative": e.derivative, "answer": e.answer}

    @property
    def message(self) -> str:
        from frechet.interfaces.check.page import message

        return message(self.found)

    def document(self) -> Document:
        """The verdict as a page, for `frechet.interfaces.rendering`."""
        from frechet.interfaces.check.page import page

        return page(self.found)

    def data(self) -> dict[str, Any]:
        """What `frechet check --json` prints."""
        from frechet.interfaces.check.page import data

        return data(self.found)

    def __str__(self) -> str:
        from frechet.interfaces.rendering import render

        return render(self.document(), "terminal").strip("\n")

    def __repr__(self) -> str:
        return f"<Check: {self.verdict}>"


def check_reading(
    reading: Reading,
    name: str,
    given: str | Expr,
    declarations: Sequence[str] = (),
    text: str = "",
    form: str | None = None,
    order: int = 1,
    check: bool = True,
    convention: str | None = None,
) -> Check:
    """The verdict on an answer to a question that has been read.

    Raises:  CheckFailed, UnsupportedError of the derivative; NotationError, where the variable is not in the formula
    """
    if name not in reading.variables:
        known = ", ".join(reading.variables) or "none"
        raise NotationError(f"{name} does not occur in the formula, so its derivative is 0; the variables are {known}")
    found = answer(reading.expression, reading.variables[name], form, order, check, convention=convention)
    return Check(
        judge(_question(found, reading.variables, reading.definitions, declarations, reading.functions, text), given)
    )


def _question(
    found: Answer,
    given: Mapping[str, Expr],
    definitions: Mapping[str, Expr],
    declarations: Sequence[str],
    called: Mapping[str, Any],
    text: str,
) -> Question:
    d = found.derivative
    steps = {"dX": d.direction, d.direction.params[0]: d.direction}  # dX stands for the differential of every variable
    names = names_of({**steps, **given}, definitions, declarations, called)
    kind = "hessian" if found.form == "gradient" and found.order == 2 else found.form
    return Question(d.function, found.expression, kind, names, d, text, found.order)


def check_equal(first: str, second: str, declarations: Sequence[str] = ()) -> Check:
    """The verdict on a second formula that should have the values of the first.

    The names of both are read together, so that what one says of their shapes holds in the other.
    Raises:  NotationError with the place, where the first does not read
    """
    from frechet.notation.reading import read

    try:
        reading = read(f"({first}) - ({second})" if "\n" not in first + second else first, declarations)
        function = read(first, [d for d in declarations if _declares(d, reading.functions)], reading.variables).expression
    except (ShapeError, NotationError):
        reading = read(first, declarations)
        function = reading.expression
    names = names_of(reading.variables, reading.definitions, declarations, reading.functions)
    return Check(judge(Question(function, function, "formula", names, text=first), second))


def _declares(declaration: str, names: Mapping[str, Any]) -> bool:
    return declaration.split(":")[0].strip() in names


def check(
    function: Expr | str,
    variable: Expr | str | None = None,
    answer: Expr | str | None = None,
    *,
    equals: Expr | str | None = None,
    declare: Sequence[str] = (),
    form: str | None = None,
    order: int = 1,
    convention: str | None = None,
) -> Check:
    """Is the answer the derivative of the function by the variable? Or, with `equals`, are two formulas equal?

    Formulas are expressions or text; an answer may be LaTeX too. One that does not read is wrong, and `message` says why.

    Raises:  FrechetError with the place, where the function does not read or has no derivative

    >>> import frechet as fr
    >>> fr.check("x'*A*x", "x", "2*A*x").verdict
    'missing-symmetrization'
    >>> fr.check("tr(A*X)", "X", "A").verdict
    'other-layout'
    >>> bool(fr.check("tr(A*B)", equals="tr(B*A)"))
    True
    """
    from frechet.notation.reading import read
    from frechet.notation.text import write_text

    if (answer is None) == (equals is None):
        raise NotationError("check takes a variable and an answer, or another formula: equals=…")
    if equals is not None:
        if isinstance(function, Expr):
            names = names_of({v.params[0]: v for v in variables(function)}, {}, (), ())
            return Check(judge(Question(function, function, "formula", names), equals))
        return check_equal(function, equals if isinstance(equals, str) else write_text(equals, share=False).text, declare)
    assert answer is not None
    if isinstance(function, str):
        name = variable if isinstance(variable, str) else variable.params[0] if variable is not None else None
        reading = read(function, declare, wrt=name)
        return check_reading(
            reading, name or reading.sole_variable(), answer, declare, function, form, order, convention=convention
        )
    by_name = {v.params[0]: v for v in variables(function)}
    chosen = by_name.get(variable) if isinstance(variable, str) else variable
    if chosen is None:
        raise NotationError(f"name the variable: the function has {', '.join(by_name)}")
    return _check_expression(function, chosen, by_name, answer, form, order, convention)


def _check_expression(
    function: Expr,
    variable: Expr,
    by_name: Mapping[str, Expr],
    given: Expr | str,
    form: str | None,
    order: int,
    convention: str | None,
) -> Check:
    from frechet.notation.text import write_text

    found = answer(function, variable, form, order, convention=convention)
    declared = functions(function)
    declarations = [f"{f.name}: {f.declaration()}" for f in declared.values()]
    text = write_text(function, share=False).text
    return Check(judge(_question(found, by_name, {}, declarations, declared, text), given))
