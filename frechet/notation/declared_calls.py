"""How calls of declared functions and of their derivatives are written: f″(x), J_F(x), ∇²g(x), D²F(x)[u, v], ∇²F(x)[w]."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from frechet.expressions.function import Function, View
from frechet.expressions.node import Expr

DIGITS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


class Signs(NamedTuple):
    """The signs of a notation: what is put to a name, with a place for it."""

    prime: Callable[[str, int], str]
    views: Mapping[str, str]


def _primes(name: str, k: int) -> str:
    return name + ("′″‴"[k - 1] if k < 4 else f"⁽{str(k).translate(DIGITS)}⁾")


def _latex_primes(name: str, k: int) -> str:
    return name + "'" * k if k < 4 else f"{name}^{{({k})}}"


UNICODE = Signs(_primes, {"jacobian": "J_{0}", "grad": "∇{0}", "hess": "∇²{0}", "second": "D²{0}"})
LATEX = Signs(
    _latex_primes,
    {"jacobian": "J_{{{0}}}", "grad": r"\nabla {0}", "hess": r"\nabla^{{2}} {0}", "second": "D^{{2}} {0}"},
)


def written(node: Expr, name: str, args: Sequence[str], parens: Callable[[str], str], signs: Signs) -> str:
    """The call of a declared function or of a derivative of it; name and args as they are written."""
    view, (x, *rest) = node.params[1], args
    return _named(name, view, signs) + parens(x) + (f"[{', '.join(rest)}]" if rest else "")


def derivative_name(f: Function, view: View, notation: str) -> str:
    """The name of a derivative in a notation: f_prime, f′."""
    if notation == "text":
        return f.symbol(view)
    if notation == "unicode":
        return _named(f.name, view, UNICODE)
    from frechet.notation.latex import latex_name

    return _named(latex_name(f.name), view, LATEX)


def _named(name: str, view: View, signs: Signs) -> str:
    if isinstance(view, str):
        return signs.views[view].format(name)
    return signs.prime(name, view) if view else name
