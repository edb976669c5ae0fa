"""What is wrong with calls of declared functions, in words, and how a function is declared."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from frechet.expressions.dimension import SCALAR, show_shape
from frechet.expressions.errors import FrechetError, NotationError
from frechet.expressions.function import NAMED, ORDERS, Function, View
from frechet.notation.formula import Formula
from frechet.notation.functions import Call

if TYPE_CHECKING:
    from frechet.notation.mistakes import _Words

LONGEST = 40  # characters of a quoted part


def own(hint: str, name: str) -> str:
    """A hint with what is said where a function of one's own may have been meant."""
    return f'{hint}{" A" if hint.endswith("?") else "; a"} function of your own is declared first: "{name}: elementwise"'


def declared_call(words: _Words, i: int, call: Call) -> str:
    """A declared function called with something of another shape than it takes."""
    f, view = call.params
    name, (x, *rest) = words.nodes[i].value, call.args
    s = words.formula.shapes[x]
    if f.of_numbers:
        hint = ""
        if f.codomain == SCALAR:
            each = " ".join(("elementwise", *f.words))
            hint = f": to apply it to every entry, declare {f.name}: {each}"
        return f"{name} takes a number, and {words.says(x)}{hint}"
    if words.agree(s, f.domain) and rest:
        wanted = f"two vectors {show_shape(f.domain)}" if len(rest) == 2 else f"a vector {show_shape(f.domain)}"
        if view == "hess":
            wanted = f"weights for the entries of {f.name}, a vector {show_shape(f.codomain)},"
        return f"{name} takes {wanted} beside the point, and {' and '.join(words.says(a) for a in rest)}"
    hint = f": did you mean {name}({words.turned(x)})?" if not rest and words.agree(s[::-1], f.domain) else ""
    return f"{name} takes {f.argument()}, and {words.says(x)}{hint}"


def wrong_count_declared(formula: Formula, i: int, f: Function, view: View) -> FrechetError:
    """The error for a call of a declared function with too few or too many arguments."""
    node = formula.nodes[i]
    name, given = str(node.value), f"{len(node.args)} {'is' if len(node.args) == 1 else 'are'} given"
    forms = {"second": f"2 or 3 arguments, {name}(x,u) or {name}(x,u,v)", "hess": f"2 arguments, {name}(x,w)"}
    takes = "1 argument" if f.of_numbers or f.codomain == SCALAR else forms.get(str(view), "1 argument")
    return formula.error(NotationError, f"{name} takes {takes}, and {given}", node.start, node.end)


def unknown_derivative(formula: Formula, i: int, name: str) -> FrechetError | None:
    """The error for f'(x) or f_prime(x) where f is not declared, or has no such derivative; None for other names."""
    named = re.fullmatch(NAMED, name)
    if named is not None and named[1] not in formula.functions:
        start, end = formula.nodes[i].start, formula.nodes[i].start + len(name)
        declaration = f"{named[1]}: {'n → m' if named[3] else 'elementwise'}"
        message = f'{name} is a derivative of a declared function: say first "{declaration}"'
        return formula.error(NotationError, message, start, end)
    if name[-1] not in "'′″":
        return None
    start, end = formula.nodes[i].start, formula.nodes[i].start + len(name)
    base = name.rstrip("'′″")
    f = formula.functions.get(base)
    if f is not None and f.of_numbers:
        message = f"derivatives of {base} have names up to the order {ORDERS}"
    elif f is not None:
        derivatives = ", ".join(f.symbol(view) for view in f.views() if view != 0)
        message = f"{base} is no function of numbers: what it has is {derivatives}"
    else:
        inside = " ".join(formula.text[end : formula.nodes[i].end].split())
        product = f": for a product write {name}*{inside}" if name[-1] == "'" and len(inside) <= LONGEST else ""
        message = f'{base} is no declared function{product}; a function of your own is declared first: "{base}: elementwise"'
    return formula.error(NotationError, message, start, end)
