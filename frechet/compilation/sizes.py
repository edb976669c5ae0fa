"""Sizes of dimensions, read off the shapes of arrays."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from sys import float_info
from typing import Any, NamedTuple, NoReturn

from frechet.expressions.dimension import Dim, axes, dim, show_shape
from frechet.expressions.errors import ShapeError
from frechet.expressions.node import Expr
from frechet.operations.declared_functions import symbols

NO_NUMBERS = {"U": "text", "S": "text", "M": "dates", "m": "spans of time", "V": "records"}  # by the kind of a dtype
SAID = 200  # letters of what a library says
GIVEN = {0: "a number"}  # by the number of axes; the others are arrays


class Binding(NamedTuple):
    """A size as (shape[axis] of the variable - rest) / factor."""

    variable: Expr
    axis: int
    factor: Dim | None  # None for 1
    rest: Dim | None  # None for 0

    @property
    def direct(self) -> bool:
        return self.factor is None and self.rest is None

    @property
    def others(self) -> set[str]:
        """The sizes it needs."""
        return {n for d in (self.factor, self.rest) if d is not None for n in d.names()}

    def text(self, length: str) -> str:
        if self.rest is not None:
            value = self.rest.value()
            if value is not None:
                length = f"{length} - {value}" if value > 0 else f"{length} + {-value}"
            else:
                length = f"{length} - ({self.rest})"
        if self.factor is None:
            return length
        below = str(self.factor) if self.factor.value() is not None else f"({self.factor})"
        return f"({length}) // {below}" if self.rest is not None else f"{length} // {below}"

    def value(self, length: int, sizes: Mapping[str, int]) -> int:
        rest = 0 if self.rest is None else self.rest.size(sizes)
        return (length - rest) // (1 if self.factor is None else max(self.factor.size(sizes), 1))


Bindings = dict[str, Binding]


def bind(variables: Sequence[Expr]) -> Bindings:
    """How each dimension follows from the variables' shapes, in an order in which each needs only earlier ones.

    Names that stand alone on an axis come first, then those that occur linearly beside known ones.
    """
    found: Bindings = {}
    places = [(v, axis, d) for v in variables for axis, d in enumerate(axes(v.shape))]
    for v, axis, d in places:
        if len(d.terms) == 1 and d.terms[0][1] == 1 and len(d.terms[0][0]) == 1:
            found.setdefault(d.terms[0][0][0], Binding(v, axis, None, None))
    left = [p for p in places if not p[2].names() <= found.keys()]
    while left:
        before = len(found)
        for v, axis, d in left:
            unknown = sorted(d.names() - found.keys())
            if len(unknown) != 1:
                continue
            name = unknown[0]
            terms = [(m, c) for m, c in d.terms if name in m]
            if len(terms) != 1 or terms[0][0].count(name) != 1:
                continue
            monomial, c = terms[0]
            factor = dim({tuple(n for n in monomial if n != name): c})
            rest = d - dim({monomial: c})
            found[name] = Binding(v, axis, None if factor.value() == 1 else factor, rest if rest.terms else None)
        if len(found) == before:
            break
        left = [p for p in left if not p[2].names() <= found.keys()]
    return found


def checked(
    variables: Sequence[Expr], values: Mapping[str, Any], sizes: Mapping[str, int], unread: Collection[str] = ()
) -> tuple[dict[str, Any], dict[str, int]]:
    """The values as arrays of floats (numpy floats for scalars) and the sizes of all dimensions.

    unread: names of values that stay what they are, where they have the axes of an array

    Raises:  ShapeError, naming the variable, what is expected and what was given
    """
    import numpy as np

    arrays: dict[str, Any] = {}
    for v in variables:
        name = v.params[0]
        if name not in values:
            raise ShapeError(f"{name} needs a value: {expected(v)}")
        try:
            array = values[name]
            if not (name in unread and hasattr(array, "ndim")):
                array = np.asarray(array)
                refuse_entries(v, values[name], array.dtype.kind)
                array = array.astype(float if v.real else complex, copy=False)
        except (TypeError, ValueError, OverflowError) as error:
            refuse(v, values[name], error)
        if array.ndim != len(axes(v.shape)):
            raise ShapeError(f"{name} needs {expected(v)}, not {given(array.shape)}")
        arrays[name] = array if array.ndim else array[()]
    return arrays, checked_sizes(variables, arrays, sizes, bind(variables))


def refuse_entries(v: Expr, value: Any, kind: str) -> None:
    """Raises ShapeError for values that are no numbers, or could only become the variable's by leaving something out.

    kind: b, i or u, f, c, or another one of NumPy's: what the entries are as an array
    """
    import numpy as np

    name = v.params[0]
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise ShapeError(f"{name} has masked entries, of which nothing is known: fill them, or leave them out")
    if type(value).__module__.startswith("scipy.sparse"):
        raise ShapeError(f"{name} is sparse, and this takes arrays of all entries: pass {name}.toarray()")
    if kind == "O" or kind in NO_NUMBERS:
        what = NO_NUMBERS.get(kind) or _objects(value)
        raise ShapeError(f"{name} needs {expected(v)}{' of numbers' if axes(v.shape) else ''}, not {what}")
    if v.real and kind == "c":
        raise ShapeError(f"{name} is real, and this is complex: declare it complex, or pass {name}.real")


def _objects(value: Any) -> str:
    """What there is in a value that is an array of objects to NumPy."""
    import numpy as np

    found = np.asarray(value, object).ravel()
    odd = [x for x in found if not isinstance(x, bool | int | float | complex | np.number)]
    if odd:
        return "None" if odd[0] is None else f"objects such as one of the class {type(odd[0]).__name__}"
    if any(isinstance(x, int) and abs(x) > float_info.max for x in found):
        return "whole numbers beyond all floats"
    return "numbers as objects: .astype(float) makes an array of numbers of it"


def refuse(v: Expr, value: Any, error: Exception) -> NoReturn:
    """Raises ShapeError for a value of which a library makes no array, with what NumPy finds in it, or that library says."""
    import numpy as np

    try:
        kind = np.asarray(value).dtype.kind
    except (TypeError, ValueError, OverflowError) as plain:
        error = plain
    else:
        refuse_entries(v, value, kind)
    what = "lists of different lengths" if "inhomogeneous" in str(error) else f"this: {str(error)[:SAID]}"
    raise ShapeError(f"{v.params[0]} needs {expected(v)}, not {what}") from None


def checked_sizes(
    variables: Sequence[Expr], arrays: Mapping[str, Any], sizes: Mapping[str, int], bindings: Bindings
) -> dict[str, int]:
    """The sizes of all dimensions, from arrays that have as many axes as their variables.

    Raises:  ShapeError, naming the variable, what is expected and what was given
    """
    import numpy as np

    found = dict(sizes)
    origin: dict[str, str] = dict.fromkeys(sizes, "as given")
    for n, b in bindings.items():
        if n not in found and b.others <= found.keys():
            name = b.variable.params[0]
            found[n] = b.value(np.shape(arrays[name])[b.axis], found)
            origin[n] = f"from {name}"
    for v in variables:
        shape = np.shape(arrays[v.params[0]])
        for length, d in zip(shape, axes(v.shape), strict=True):
            if d.names() <= found.keys() and d.size(found) != length:
                why = ", ".join(f"{n} is {found[n]} ({origin[n]})" for n in sorted(d.names()))
                raise ShapeError(f"{v.params[0]} needs {expected(v)}, not {given(shape)}{': ' + why if why else ''}")
    for n, size in found.items():  # what is derived holds for lengths of at least 1
        if size < 1:
            raise ShapeError(f"{n} is at least 1, not {size} ({origin[n]})")
    return found


def callables(e: Expr, values: Mapping[str, Any]) -> dict[str, Any]:
    """The functions that the value of e calls: f, f_prime, F_jacobian …

    Raises:  ShapeError, naming the one that is missing or no function
    """
    found = {}
    for name, (f, view) in symbols(e).items():
        if not callable(values.get(name)):
            what = f"the declared function {f.name}" if view == 0 else f"a derivative of the declared function {f.name}"
            how = "is needed" if name not in values else "must be callable"
            raise ShapeError(f"{name} {how}: {what}, as a Python function of NumPy arrays")
        found[name] = values[name]
    return found


def expected(v: Expr) -> str:
    """What a variable needs, in words: a number, a 2-D array of shape n×m."""
    count = len(axes(v.shape))
    kind = GIVEN.get(count, f"a {count}-D array")
    return kind if not axes(v.shape) else f"{kind} of shape {show_shape(v.shape).replace('1×', '', v.kind == 'row')}"


def given(shape: tuple[int, ...]) -> str:
    """What an array of this shape is called."""
    if not shape:
        return "a number"
    return f"one of shape {'×'.join(map(str, shape))}" if len(shape) < 3 else f"an array of {len(shape)} axes"
