"""Declared functions: what is known of a function of which nothing but its kind is said."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from frechet.expressions.dimension import SCALAR, UNIT, Shape, kind, show_shape
from frechet.expressions.errors import NotationError, UnsupportedError

PROPERTIES = ("convex", "concave", "increasing", "decreasing", "monotone", "odd", "even", "positive", "nonnegative")
ORDERS = 9  # derivatives of a function of numbers that have a name
VIEWS = ("jacobian", "grad", "hess", "second")  # of a function of vectors or matrices
# Patterns, compiled (and kept by `re`) where a name is first looked at: importing has to be fast.
PRIMES = r"(?s)(.*[^'′″])('+|[′″]+)"
NAMED = r"(?s)(.+)_(?:prime([2-9]?)|(" + "|".join(VIEWS) + "))"

IMPOSSIBLE = (
    ("odd", "even", "is 0"), ("odd", "positive", "does not exist"), ("odd", "nonnegative", "is 0"),
    ("odd", "convex", "is c*x"), ("odd", "concave", "is c*x"), ("convex", "concave", "is affine: write it out"),
    ("increasing", "decreasing", "is constant"), ("even", "increasing", "is constant"),
    ("even", "decreasing", "is constant"), ("concave", "positive", "is constant"), ("concave", "nonnegative", "is constant"),
)  # fmt: skip
"""Pairs of properties that leave no function of which a derivative would be asked."""

View = int | str
"""A derivative of a function: its order, of a function of numbers; otherwise one of VIEWS, or 0 for the function itself."""


class Function(NamedTuple):
    """A function by name. domain and codomain: shapes; None where it is applied to every entry of its argument."""

    name: str
    domain: Shape | None
    codomain: Shape | None
    words: tuple[str, ...] = ()

    @property
    def of_numbers(self) -> bool:
        """Has it derivatives f', f'' … rather than a Jacobian?"""
        return self.domain is None or self.domain == SCALAR

    def says(self, word: str) -> bool:
        return word in self.words

    def views(self) -> tuple[View, ...]:
        """The function and those of its derivatives that have names."""
        if self.of_numbers:
            return tuple(range(ORDERS + 1))
        if self.codomain == SCALAR:
            return (0, "grad", "hess")
        assert self.domain is not None and self.codomain is not None
        twice = self.domain[1] is UNIT and self.codomain[1] is UNIT
        return (0, "jacobian", "hess", "second") if twice else (0, "jacobian")

    def symbol(self, view: View) -> str:
        """The name of the function or of a derivative, as text and in programs: f, f_prime, f_prime2, F_jacobian …

        >>> f = Function("f", None, None)
        >>> [f.symbol(k) for k in range(3)]
        ['f', 'f_prime', 'f_prime2']
        """
        if isinstance(view, str):
            return f"{self.name}_{view}"
        return self.name + ("" if view == 0 else "_prime" if view == 1 else f"_prime{view}")

    def declaration(self) -> str:
        """What stands behind the colon of its declaration."""
        if self.domain is None:
            return " ".join(("elementwise", *self.words))
        assert self.codomain is not None
        if (self.domain, self.codomain) == (SCALAR, SCALAR):
            return " ".join(("scalar function", *self.words))
        return " ".join((f"{show_shape(self.domain)} → {show_shape(self.codomain)}", *self.words))

    def argument(self) -> str:
        """What it takes, in words."""
        what = kind(self.domain or SCALAR)
        return "a number" if what == "scalar" else f"a {what} {show_shape(self.domain or SCALAR)}"


def checked(f: Function) -> Function:
    """The function.  Raises NotationError for properties that cannot be meant, UnsupportedError for rows."""
    numbers = f.domain is None or (f.domain, f.codomain) == (SCALAR, SCALAR)
    for shape in (f.domain, f.codomain):
        if shape is not None and shape[0] is UNIT and shape != SCALAR:
            raise UnsupportedError(f"{f.name} takes or gives a row: declare it of vectors and transpose")
    square = f.domain is not None and f.domain == f.codomain and kind(f.domain) == "vector"
    for word in f.words:
        if word not in PROPERTIES:
            raise NotationError(f"{f.name} is a function, and {word} is said of variables: of functions {_known()}")
        if word == "monotone" and not square:
            wanted = "increasing or decreasing" if numbers else "nothing; a map n → n can be monotone"
            raise NotationError(f"{f.name} is declared monotone: say {wanted}")
        if word in ("convex", "concave") and not numbers and f.codomain != SCALAR:
            raise NotationError(f"{f.name} is declared {word}: only functions with numbers as values can be")
        if word in ("increasing", "decreasing", "odd", "even") and not numbers:
            raise NotationError(f"{f.name} is declared {word}: only functions of numbers can be")
    for first, second, what in IMPOSSIBLE:
        if f.says(first) and f.says(second):
            raise NotationError(f"{f.name} is declared {first} and {second}: such a function {what}")
    return f


def _known() -> str:
    return f"known are {', '.join(PROPERTIES)}"


def resolved(name: str, functions: Mapping[str, Function]) -> tuple[Function, View] | None:
    """The function and the derivative of it that a name means: f, f_prime2, f'', f″, F_jacobian …; None for another name.

    >>> f = Function("f", None, None)
    >>> [resolved(name, {"f": f})[1] for name in ("f", "f_prime", "f''", "f″")]
    [0, 1, 2, 2]
    """
    return (functions[name], 0) if name in functions else derivative(name, functions)


def derivative(name: str, functions: Mapping[str, Function]) -> tuple[Function, View] | None:
    """The function of which a name means a derivative, and which one."""
    primes = re.fullmatch(PRIMES, name)
    view: View
    if primes is not None:
        base, view = primes[1], len(primes[2]) + primes[2].count("″")
    else:
        named = re.fullmatch(NAMED, name)
        if named is None:
            return None
        base = named[1]
        view = named[3] or int(named[2] or 1)
    f = functions.get(base)
    return (f, view) if f is not None and view in f.views() else None
