"""The point X₀ of a linearization as a user gives it: a name, numbers, an expression of X's shape."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from frechet.compilation.adjugates import with_adjugates
from frechet.differentiation.conditions import ADJUGATE, explained
from frechet.differentiation.derivative import Derivative
from frechet.expressions.dimension import Dim, Shape, axes, kind, show_shape
from frechet.expressions.errors import FrechetError, NotationError, ShapeError
from frechet.expressions.node import Expr, depends, substitute
from frechet.interfaces.answer import describe
from frechet.notation.declaration import Declaration, read_declaration
from frechet.notation.functions import functions
from frechet.notation.reading import Reading, read
from frechet.notation.text import write_text
from frechet.operations.constants import variable

NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?:/\d+)?"
NUMERIC = re.compile(rf"\[(\s*{NUMBER}(?:(?:\s*[,;]\s*|\s+){NUMBER})*\s*)\]")  # a matrix of numbers only
LONGEST = 10_000  # characters of a point
CONSTANTS = ("eye", "pi")


class Placed(NamedTuple):
    """A formula with a point for one of its variables, whose numbers and names may have fixed dimensions of the formula."""

    reading: Reading
    point: Expr | None  # None: any point, X₀


def read_at(text: str, formula: str, declared: Sequence[str], name: str, reading: Reading) -> Placed:
    """The point that the text gives for the variable `name` of the formula.

    Its size decides dimensions that were only inferred: --at "[1 2; 3 4]" makes an X without declaration 2×2.
    Raises:  FrechetError with the place in the text of the point
    """
    if len(text) > LONGEST or "\n" in text:
        raise NotationError(f"a point is one line of at most {LONGEST} characters")
    x = reading.variables[name]
    bare = text.strip()
    known = {*CONSTANTS, *reading.variables, *reading.definitions, *map(_name_declared, declared)}
    if bare.isidentifier() and bare not in known:
        _refuse_name(bare, text, x, reading)
        return Placed(reading, variable(bare, x.shape, x.params[1], x.params[2]))
    typed = NUMERIC.sub(_with_commas, text)
    try:
        return Placed(reading, _fitting(typed, text, declared, name, reading))
    except FrechetError as error:
        again = _sized(typed, formula, declared, name, reading)
        if again is None:
            raise error from None
    return Placed(again, _fitting(typed, text, declared, name, again))


def _refuse_name(bare: str, text: str, x: Expr, reading: Reading) -> None:
    """Raises NotationError for the name of a function or dimension, and for the name of the differential."""
    if bare in functions() or bare in reading.functions:
        example = f"{bare}({','.join(str(d) for d in axes(x.shape))})" if bare in ("zeros", "ones") else f"{bare}(…)"
        raise _at(text, f"{bare} is a function: write {example}, or choose another name for the point")
    if bare in _dimensions(reading):
        raise _at(text, f"{bare} is a dimension of the formula: choose another name for the point")


def _with_commas(found: re.Match[str]) -> str:
    """A matrix of numbers only may be typed with spaces: [1 2; 3 4]."""
    rows = [", ".join(re.split(r"[\s,]+", row.strip())) for row in found[1].split(";")]
    return f"[{'; '.join(rows)}]"


def _at(text: str, message: str) -> NotationError:
    return NotationError(message, position=len(text) - len(text.lstrip()), end=len(text.rstrip()), text=text)


def _dimensions(reading: Reading) -> set[str]:
    return {n for v in reading.variables.values() for d in v.shape for n in d.names()}


def _name_declared(text: str) -> str:
    return read_declaration(text).name


def _read(typed: str, declared: Sequence[str], reading: Reading, minus: str | None = None) -> Expr:
    """The point in the words of the formula: its variables, definitions and declared functions.

    minus: a variable of the same shape, so that sizes can be inferred
    """
    given = {**reading.definitions, **reading.variables}
    declarations = [d for d in declared if _name_declared(d) not in given]
    point = next(n for n in ("at_", "at__", "at___") if n not in given)
    text = f"{point} = {typed}\n{point}" + (f" - {minus}" if minus is not None else "")
    try:
        found = read(text, declarations, variables=given, dimensions=_dimensions(reading) - given.keys())
    except FrechetError as error:
        if error.text == text and error.position is not None:  # place it in the point alone
            error.text, error.position = typed, error.position - len(point) - 3
            error.end = None if error.end is None else error.end - len(point) - 3
        raise
    return found.definitions[point]


def _fitting(typed: str, text: str, declared: Sequence[str], name: str, reading: Reading) -> Expr:
    """The point as an expression of the variable's shape."""
    x = reading.variables[name]
    try:
        found = _read(typed, declared, reading, name)
    except FrechetError:
        found = _read(typed, declared, reading)
    if x in depends(found, x):
        raise _at(text, f"the point must not depend on {name} itself: leave --at out for a general point {name}₀")
    if found.shape != x.shape:
        raise _mismatch(text, name, x.shape, found.shape)
    return found


def _mismatch(text: str, name: str, wanted: Shape, given: Shape) -> ShapeError:
    message = f"{name} is {_said(wanted)}, and this point is {_said(given)}"
    if kind(wanted) == "vector" and kind(given) == "row":
        message += ": write a column, [1; 2; 3]"
    elif kind(given) == "scalar":
        sizes = ",".join(str(d) for d in axes(wanted))
        message += f": write zeros({sizes}), or a number times ones({sizes})"
    place = _at(text, message)
    return ShapeError(message, position=place.position, end=place.end, text=text)


def _said(shape: Shape) -> str:
    shown = show_shape(shape)
    return {"scalar": "a number", "vector": f"a vector of length {shown}"}.get(kind(shape), shown)


def _sized(typed: str, formula: str, declared: Sequence[str], name: str, reading: Reading) -> Reading | None:
    """The formula read again with the sizes of the point; None where that cannot be."""
    x = reading.variables[name]
    try:
        given = _read(typed, declared, reading).shape
    except FrechetError:
        return None
    if kind(given) != kind(x.shape) or given == x.shape:
        return None
    try:
        if not any(_declares(d, name) for d in declared):
            if any(n in reading.variables for d in given for n in d.names()):
                return None
            return read(formula, [*declared, f"{name}: {'×'.join(str(d) for d in axes(given))}"], wrt=name)
        sizes = _solved(x.shape, given)
        return read(formula, declared, wrt=name, sizes=sizes) if sizes else None
    except FrechetError:
        return None


def _declares(text: str, name: str) -> bool:
    said = read_declaration(text)
    return isinstance(said, Declaration) and said.name == name


def _solved(wanted: Shape, given: Shape) -> dict[str, int] | None:
    """Sizes for names that make one shape the other."""
    sizes: dict[str, int] = {}
    pairs: list[tuple[Dim, int]] = []
    for w, g in zip(wanted, given, strict=True):
        size = g.value()
        if size is None:
            return None
        names = w.names()
        if len(names) == 1 and w.text in names and sizes.setdefault(w.text, size) != size:
            return None
        pairs.append((w, size))
    if any(not w.names() <= sizes.keys() or w.size(sizes) != size for w, size in pairs):
        return None
    return sizes


class At(NamedTuple):
    """The function and its differential at a point."""

    value: Expr
    differential: Expr
    adjugates: bool  # is adj(X) put for det(X)*inv(X), which has no value there


def at_point(d: Derivative, point: Expr, text: str | None = None) -> At:
    """F(X₀) and DF(X₀)[dX] with the point put in.

    text: the point as it was typed
    Raises:  NotationError, where F has no value or no derivative there, or the point is not in the variable's space
    """
    from frechet.verification import base_point as numbers

    x, name = d.variable, d.variable.params[0]
    shown = text if text is not None else write_text(point).text
    where = f"at {name} = {shown.strip()}"

    wrong = numbers.outside(x, point)
    if wrong is not None:
        raise _at(shown, f"{name} is declared {wrong}, and this point is not")
    found = explained(d.function, x, d.differential)
    there = numbers.points_there(d.function, x, point, [d.differential])
    if not there:
        needed = "; ".join(describe(list(found)))
        raise _at(shown, f"{where} the function has no value" + (f": it needs {needed}" if needed else ""))
    failed = numbers.violated(found, there)
    softened = [c for c in failed if found[c] == ADJUGATE]
    if len(failed) > len(softened):
        words = "; ".join(describe([c for c in failed if c not in softened]))
        raise _at(shown, f"{where} there is no derivative to linearize with: it needs {words}")
    if not numbers.smooth(d.function, x, d.direction, d.differential, there):
        raise _at(shown, f"{where} the function has no derivative: its Taylor remainder falls no faster than the step")
    forms = with_adjugates([d.function, d.differential]) if softened else [d.function, d.differential]
    try:
        value, differential = (substitute(e, {x: point}) for e in forms)
    except FrechetError as error:
        raise _at(shown, f"{where}: {error.message}") from None
    return At(value, differential, bool(softened))
