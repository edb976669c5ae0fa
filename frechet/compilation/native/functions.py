"""Functions of entries, as C."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import isinf, isnan
from typing import Any

from frechet.compilation.emitting.functions import MULTIPLIED

LIBRARY = {  # of <math.h>, by the name of the page
    "exp": "exp", "log": "log", "log1p": "log1p", "expm1": "expm1", "sin": "sin", "cos": "cos", "tan": "tan",
    "arcsin": "asin", "arccos": "acos", "arctan": "atan", "sinh": "sinh", "cosh": "cosh", "tanh": "tanh",
    "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh", "erf": "erf", "erfc": "erfc", "abs": "fabs",
    "sqrt": "sqrt", "epower": "pow", "gamma": "tgamma",
}  # fmt: skip
OTHERS = {
    "sign": "sign_of({0})",
    "step": "step({0})",
    "relu": "relu({0})",
    "sigmoid": "sigmoid({0})",
    "exp_of_minus": "F(exp)(smaller(-{0}, LETTER(88, 709)))",  # e*(1/(1 + e)) is a number then
    "softplus": "softplus({0})",
    "silu": "{0} * sigmoid({0})",
    "gelu": "{0} * normal({0})",
    "gelutanh": "gelutanh({0})",
    "mish": "{0} * F(tanh)(softplus({0}))",
    "softsign": "{0} / (1 + F(fabs)({0}))",
    "logcosh": "logcosh({0})",
    "elu": "elu({0}, {1})",
    "selu": "(T)1.0507009873554805 * elu({0}, (T)1.6732632423543772)",
    "huber": "huber({0}, {1})",
    "lgamma": "log_gamma({0})",
    "digamma": "(T)digamma({0})",
    "trigamma": "(T)trigamma({0})",
    "maximum": "larger({0}, {1})",
    "minimum": "smaller({0}, {1})",
    "re": "{0}",
    "conj": "{0}",
    "im": "0 * {0}",
}
CHEAP = ("re", "conj", "abs", "relu", "step", "sign", "maximum", "minimum")  # about an addition each
DIVISION, TRANSCENDENTAL = 3, 10  # additions


class NotInC(Exception):
    """There is no C for a step of the program."""


def number(value: Any) -> str:
    """A number as C."""
    if isinstance(value, complex):
        raise NotInC("complex numbers")
    try:
        found = float(value)
    except OverflowError:
        raise NotInC("numbers beyond floats") from None
    if isnan(found) or isinf(found):
        return "(T)NAN" if isnan(found) else "(T)INFINITY" if found > 0 else "(-(T)INFINITY)"
    text = f"(T){found!r}" if found != int(found) or abs(found) >= 1e15 else f"(T){int(found)}"
    return text if found >= 0 else f"({text})"


def function_text(function: tuple[Any, ...], args: Sequence[str]) -> str:
    """The value of a function of entries, from names of their values."""
    name = function[0]
    if name == "linear":
        return _linear(function[1:], args)
    if name == "power":
        return _power(args[0], function[1])
    if name in LIBRARY:
        return f"F({LIBRARY[name]})({', '.join(args)})"
    if name in OTHERS:
        return OTHERS[name].format(*args)
    raise NotInC(name)


def weight(function: tuple[Any, ...], count: int) -> int:
    """About how many additions a function of entries takes."""
    name = function[0]
    if name == "linear":
        return count
    if name == "power":
        whole = function[1] in (2, 3, 4)
        return 2 if whole else DIVISION if function[1] in (-1, -2, Fraction(1, 2)) else TRANSCENDENTAL
    return 1 if name in CHEAP else TRANSCENDENTAL


def _linear(coefficients: Sequence[Any], args: Sequence[str]) -> str:
    text = ""
    for c, a in sorted(zip(coefficients, args, strict=True), key=lambda t: t[0] < 0):
        size = number(abs(c))
        term = a if size == "(T)1" else f"{size} * {a}"
        text += f"{' - ' if c < 0 else ' + '}{term}" if text else f"-{term}" if c < 0 else term
    return text


def _power(x: str, k: Any) -> str:
    size = abs(k)
    if size in range(1, MULTIPLIED + 1):
        text = _multiplied(x, int(size))
    elif size == Fraction(1, 2):
        text = f"F(sqrt)({x})"
    else:
        return f"F(pow)({x}, {number(k)})"
    return text if k > 0 else f"1 / ({text})"


def _multiplied(x: str, k: int) -> str:
    """A whole power of a name as products, which the compiler finds equal ones among."""
    if k <= 3:
        return " * ".join([x] * k)
    half = _multiplied(x, k // 2)
    return f"({half}) * ({half}){f' * {x}' if k % 2 else ''}"
