"""The condition that a gradient is 0 as other equations: without a factor, multiplied through, for inv(X) or x^2."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import NamedTuple

from frechet.expressions.dimension import SCALAR
from frechet.expressions.node import Expr, rebuild, substitute, variables
from frechet.notation.text import write_text
from frechet.operations import hadamard, powers, products, sums
from frechet.operations.constants import variable
from frechet.operations.hadamard import monomial
from frechet.operations.powers import inverse
from frechet.operations.products import product
from frechet.operations.sums import add
from frechet.operations.transposition import TRANSPOSE, transposed
from frechet.simplification.polishing import polished

EXPONENTS = (1, 2, 3)  # powers of a scalar or of entries that an equation is multiplied by
UNKNOWN = "unknown_"  # a name for inv(X) or x^2 where that is what is solved for


class Form(NamedTuple):
    """The condition gradient = 0 written as another equation.

    unknown    the variable that it is linear in: x, or a symbol that stands for `stands_for`
    back       from the solution for the unknown to that for x
    direct     is it the gradient itself, perhaps up to a factor?
    """

    equation: Expr
    unknown: Expr
    stands_for: Expr
    back: Callable[[Expr], Expr] = lambda value: value
    multiplied: str = ""
    direct: bool = False
    notes: tuple[str, ...] = ()


def forms(raw: Expr, gradient: Expr, x: Expr) -> Iterator[Form]:
    """The equation as it is, without a scalar factor, multiplied through, and in terms of inv(X) or of powers of x."""
    yield Form(raw, x, x, direct=True)
    for e in (raw, gradient):
        _, core = sums.content(e)
        if core.op is products.SCALE and x in variables(core.args[0]):
            factor, rest = core.args
            yield Form(rest, x, x, multiplied=repr(monomial(SCALAR, [(factor, -1)])), notes=_zeros_of(factor))
    name = x.params[0]
    unknown = UNKNOWN
    while unknown in {v.params[0] for v in variables(raw)}:
        unknown += "_"
    if x.kind == "matrix" and x.shape[0] is x.shape[1]:
        turned = transposed(x)
        for left, right in ((x, x), (turned, turned), (x, None), (None, x), (turned, None), (None, turned)):
            front = [left] if left is not None else []
            back = [right] if right is not None else []
            said = [f"{e!r} from the {side}" for e, side in ((left, "left"), (right, "right")) if e is not None]
            if len(said) == 2:
                said = [f"{left!r} from both sides"]
            yield Form(_each(raw, lambda t, f=front, b=back: product(*f, t, *b)), x, x, multiplied=said[0])  # type: ignore[misc]
        symbol = variable(unknown, x.shape, x.params[1], x.params[2])
        swapped = _with_symbol(raw, x, symbol)
        if swapped is not None:
            yield Form(swapped, symbol, inverse(x), inverse)
    if x.kind in ("scalar", "vector"):
        for k in EXPONENTS:
            yield Form(_times_power(raw, x, k), x, x, multiplied=_power_said(name, x, k))
        if x.sign == 2:
            symbol = variable(unknown, x.shape, (), "positive")
            half = monomial(x.shape, [(symbol, Fraction(1, 2))])
            for k in (0, *EXPONENTS):
                multiplied = _power_said(name, x, k) if k else ""
                yield Form(
                    polished(substitute(_times_power(raw, x, k), {x: half})),
                    symbol,
                    monomial(x.shape, [(x, 2)]),
                    lambda value: monomial(value.shape, [(value, Fraction(1, 2))]),
                    multiplied,
                )


def _power_said(name: str, x: Expr, k: int) -> str:
    dot = "." if x.shape != SCALAR else ""
    return name if k == 1 else f"{name}{dot}^{k}"


def _times_power(e: Expr, x: Expr, k: int) -> Expr:
    return _each(e, lambda t: monomial(t.shape, [(t, 1), (x, k)])) if k else e


def _each(e: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """A sum with every term changed."""
    c, e = sums.content(e)
    if e.op is TRANSPOSE and e.args[0].op is sums.SUM:
        e = e.args[0]
        return add((c * k, change(transposed(a))) for k, a in zip(e.params, e.args, strict=True))
    if e.op is not sums.SUM:
        return add([(c, change(e))])
    return add((c * k, change(a)) for k, a in zip(e.params, e.args, strict=True))


def _with_symbol(e: Expr, x: Expr, symbol: Expr) -> Expr | None:
    """e with a symbol for inv(X); None where X occurs otherwise."""

    def change(node: Expr, args: tuple[Expr, ...]) -> Expr:
        if node.op is powers.MATRIX_POWER and node.args[0] is x and node.params[0] < 0:
            return powers.power(symbol, -node.params[0])
        if node.op is powers.MATRIX_POWER and node.args[0] is transposed(x) and node.params[0] < 0:
            return powers.power(transposed(symbol), -node.params[0])
        return node if args == node.args else node.op.rebuild(node, args)

    swapped = rebuild([e], change)[0]
    return None if x in variables(swapped) else swapped


def _zeros_of(factor: Expr) -> tuple[str, ...]:
    """A factor that may be 0 has stationary points of its own."""
    if factor.op is hadamard.MONOMIAL:
        may = [a for a, k in zip(factor.args, factor.params, strict=True) if k > 0 and a.sign != 2]
    else:
        may = [] if factor.sign == 2 else [factor]
    return tuple(f"where {write_text(a).text} = 0 the gradient is 0 too" for a in may)
