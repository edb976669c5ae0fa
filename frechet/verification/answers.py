"""Answers that people type, read with the variables of the function that they are about.

An answer may be text notation or LaTeX, may begin with `∇g =`, may have definitions of its own, and may use I for the
identity matrix and dX for the differential of the variable.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from frechet.expressions.dimension import UNIT, Shape
from frechet.expressions.errors import FrechetError, NotationError, ShapeError
from frechet.expressions.node import Expr, substitute, variables
from frechet.notation.reading import read
from frechet.notation.syntax import tokens_of
from frechet.notation.translation import Translation, edited, untranslated
from frechet.operations.constants import VARIABLE, variable, zeros

LABEL = re.compile(r"[^=\n]{0,60}[^=\n<>!:.*/+~≈-]=(?!=)")  # `∇g =`, `df/dx =`, `\frac{\partial g}{\partial X} =`
LATEX = re.compile(r"\\[A-Za-z|{},;!]|\^\{|_\{")
IDENTITY = re.compile(r"I(?:_(\w+))?|𝐈|𝕀|𝟙")
ONES = ("𝟏", "𝟭")
WANTED = "wanted_shape"  # the name of a variable of the shape that is expected


class Names(NamedTuple):
    """What an answer may use: expressions by name, declarations of functions, and names of dimensions."""

    expressions: Mapping[str, Expr]
    declarations: Sequence[str] = ()
    dimensions: frozenset[str] = frozenset()


def names_of(
    given: Mapping[str, Expr], definitions: Mapping[str, Expr], declarations: Sequence[str], functions: Iterable[str]
) -> Names:
    """The names of a function that has been read: its variables, what it defines, its declared functions."""
    called = [d for d in declarations if d.split(":")[0].strip() in set(functions)]
    everything = {**definitions, **given}
    dims = frozenset(n for e in everything.values() for d in e.shape if d is not UNIT for n in d.names())
    return Names(everything, called, dims)


def translated(text: str, names: Names) -> Translation:
    """The answer in the text notation, without a label before it, with I written as eye.

    Raises:  NotationError with the place, for LaTeX that is not covered
    """
    plain = untranslated(text)
    if "\n" not in text.strip():
        label = LABEL.match(text)
        if label is not None and label.end() < len(text):
            plain = edited(plain, [(0, label.end(), "")])
    if is_latex(plain.text):
        from frechet.notation.latex_reading import from_latex

        return from_latex(plain, [*names.expressions, *names.dimensions], _called(names))
    return with_identity(plain, names)


def is_latex(text: str) -> bool:
    """Is it LaTeX? A backslash alone is the sign of `A\\b`, which the text notation has."""
    return LATEX.search(text) is not None and re.search(r"\\[A-Za-z|{},;!]{2}|\^\{\\|_\{|\\[|,;!{}]", text) is not None


def _called(names: Names) -> list[str]:
    return [d.split(":")[0].strip() for d in names.declarations]


def with_identity(plain: Translation, names: Names) -> Translation:
    """I as eye, I_n as eye(n), 𝟏 as a vector of ones."""
    changes = []
    for kind, start, end in tokens_of(plain.text):
        word = plain.text[start:end]
        if kind != "NAME" or word in names.expressions or plain.text[end : end + 1] == "(":
            continue
        found = IDENTITY.fullmatch(word)
        if found is not None:
            size = found[1]
            changes.append((start, end, "eye" if size is None else f"eye({size})"))
        elif word in ONES:
            changes.append((start, end, "vector(1)"))
    return edited(plain, changes)


def read_answer(answer: Translation, names: Names, shapes: Sequence[Shape] = ()) -> Expr:
    """The expression of an answer.

    shapes: of the derivative, in its layouts: what the sizes of `eye` and `ones(k)` in the answer may follow from
    Raises:  ShapeError with the place, where shapes in the answer do not fit together; NotationError with the place, where
             it does not read or uses a name that the function does not have
    """
    try:
        reading = read(answer.text, names.declarations, names.expressions, dimensions=names.dimensions)
    except FrechetError as error:
        unknown = _unknown(answer, names)
        if unknown is not None and not isinstance(error, NotationError):
            raise unknown from None
        raise answer.placed(error) from None
    new = [name for name in reading.variables if name not in names.expressions]
    if new:
        raise _unknown(answer, names) or _has_not(new[0], names)
    e = reading.expression
    open_sizes = {n for d in e.shape if d is not UNIT for n in d.names()} - names.dimensions
    if open_sizes or any(n.op is not VARIABLE and _open(n, names) for n in _constants(e)):
        for shape in shapes:
            fitted = _fitted(answer, names, shape)
            if fitted is not None:
                return fitted
    return e


def _constants(e: Expr) -> list[Expr]:
    from frechet.expressions.node import walk

    return [n for n in walk(e) if not n.args]


def _open(e: Expr, names: Names) -> bool:
    return bool({n for d in e.shape if d is not UNIT for n in d.names()} - names.dimensions)


def _fitted(answer: Translation, names: Names, shape: Shape) -> Expr | None:
    """The answer read beside something of a shape, so that its own open sizes become those of that shape."""
    goal = variable(WANTED, shape)
    *lines, last = answer.text.strip("\n").split("\n")
    text = "\n".join([*lines, f"({last}) + {WANTED}"])
    try:
        e = read(text, names.declarations, {**names.expressions, WANTED: goal}, dimensions=names.dimensions).expression
    except FrechetError:
        return None
    return substitute(e, {goal: zeros(shape)}) if goal in variables(e) else None


def _unknown(answer: Translation, names: Names) -> FrechetError | None:
    """The error for the first name of the answer that means nothing."""
    text = answer.text
    tokens = tokens_of(text)
    defined = {text[s:e] for (k, s, e), after in zip(tokens, tokens[1:], strict=False) if k == "NAME" and after[0] == "EQUALS"}
    if "sum_" in text:
        return None
    for i, (kind, start, end) in enumerate(tokens):
        word = text[start:end]
        after = tokens[i + 1][0] if i + 1 < len(tokens) else ""
        if kind != "NAME" or after == "LPAR" or word in {"pi", "eye"} | defined | names.dimensions | names.expressions.keys():
            continue
        error = _has_not(word, names)
        error.position, error.end, error.text = start, end, text
        return answer.placed(error)
    return None


def _has_not(word: str, names: Names) -> FrechetError:
    known = [n for n in names.expressions if not n.startswith("d") or n[1:] not in names.expressions]
    near = [n for n in known if n.casefold() == word.casefold()]
    hint = f": did you mean {near[0]}?" if near else f"; its variables are {', '.join(known)}"
    return NotationError(f"your answer uses {word}, which the function does not have{hint}")


__all__ = ["Names", "ShapeError", "is_latex", "names_of", "read_answer", "translated", "with_identity"]
