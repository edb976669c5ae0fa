"""What becomes of a derivative in special cases: a symmetric or identity matrix, a zero, and numbers instead of matrices."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from frechet.differentiation.derivative import Derivative
from frechet.expressions.dimension import SCALAR, UNIT, Dim, Shape, dim
from frechet.expressions.errors import FrechetError, UnsupportedError
from frechet.expressions.node import Expr, make, rebuild, substitute, variables, walk
from frechet.operations.constants import ONE, eye, is_zero, variable, zeros
from frechet.operations.elementwise import ABS, EXP, LOG
from frechet.operations.hadamard import MONOMIAL, monomial
from frechet.operations.sums import SUM, add
from frechet.simplification.polishing import polished

LIMIT = 60  # leaves of a result of which special cases are looked for
SHORT = 10  # leaves of a result of which it is told what a zero makes of it, and which is compared with school calculus
MOST = 2  # cases told


class Case(NamedTuple):
    """In the special case that `symbol` is what the words say, the derivative is `result`."""

    symbol: Expr
    words: str
    result: Expr


def special_cases(d: Derivative, result: Expr) -> list[Case]:
    """Cases in which the derivative is shorter; at most two, those of symmetric matrices and labels first."""
    if result.leaves > LIMIT:
        return []
    found: list[Case] = []
    zero = list(_zeros(d, result)) if result.leaves <= SHORT else []
    for case in [*_structured(d, result), *sorted(zero, key=lambda case: -case.result.leaves)]:
        shorter = case.result.leaves < result.leaves + (case.words == "symmetric" and case.result is not result)
        if shorter and case.result.leaves <= SHORT + 4 and case.symbol not in [c.symbol for c in found]:
            found.append(case)
            if len(found) == MOST:
                break
    return found


def _plain(result: Expr) -> list[Expr]:
    return [v for v in variables(result) if not v.params[1] and v.params[2] == "normal" and v.real]


def _structured(d: Derivative, result: Expr) -> Iterator[Case]:
    """Square matrices symmetric or the identity, vectors that add up to 1 as labels do."""
    for v in _plain(result):
        square = v.kind == "matrix" and v.shape[0] is v.shape[1]
        if square:
            special = polished(symmetrized(result, v))
            own = next((u for u in variables(special) if u.params[0] == v.params[0]), v)
            if polished(substitute(special, {own: v})) is not result:
                yield Case(v, "symmetric", special)
        elif v.kind == "vector" and v is not d.variable:
            name, words, _, role = v.params
            yield Case(
                v, "adding up to 1", polished(substitute(result, {v: variable(name, v.shape, words, "simplex", role)}))
            )
    for v in _plain(result):
        if v is not d.variable and v.kind == "matrix":
            try:
                fitted, own = _made_square(result, v)
                yield Case(v, "I", polished(substitute(fitted, {own: eye(own.shape[0])})))
            except (FrechetError, ZeroDivisionError, ValueError):
                continue


def _made_square(e: Expr, v: Expr) -> tuple[Expr, Expr]:
    """The expression, and a matrix in it, with the number of rows of that matrix also called as its columns.

    Raises:  UnsupportedError, where a dimension is a number or stands in what cannot be built again
    """
    rows, columns = v.shape
    if rows is columns:
        return e, v
    if len(rows.names()) != 1 or rows is not dim(next(iter(rows.names()))):
        raise UnsupportedError("this dimension has no name of its own")
    to = {next(iter(rows.names())): columns}

    def swapped(shape: Shape) -> Shape:
        return tuple(n.substitute(to) if n is not UNIT else n for n in shape)

    def change(node: Expr, args: tuple[Expr, ...]) -> Expr:
        if node.op.name == "variable":
            return variable(node.params[0], swapped(node.shape), *node.params[1:])
        params = tuple(p.substitute(to) if isinstance(p, Dim) else p for p in node.params)
        if not args:
            return make(node.op, (), params, swapped(node.shape))
        if params != node.params:
            raise UnsupportedError("this operation names the dimension")
        if node.op is MONOMIAL:
            return monomial(swapped(node.shape), list(zip(args, params, strict=True)))
        built: Expr = node.op.rebuild(node, args)
        if built.shape != swapped(node.shape):
            raise UnsupportedError("this operation keeps the dimension")
        return built

    return rebuild([e], change)[0], change(v, ())


def _zeros(d: Derivative, result: Expr) -> Iterator[Case]:
    added = {a for n in walk(d.function) if n.op is SUM for a in n.args}
    for v in _plain(result):
        if v is d.variable or not (v.kind == "scalar" or v in added):
            continue
        try:
            special = polished(substitute(result, {v: zeros(v.shape)}))
        except (FrechetError, ZeroDivisionError, ValueError):
            continue
        if not is_zero(special) and d.variable in set(variables(special)):
            yield Case(v, "0", special)


def symmetrized(e: Expr, v: Expr) -> Expr:
    """The expression for a symmetric value of the variable: v' is v."""
    name, words, domain, role = v.params
    own = variable(name, v.shape, [*words, "symmetric"], domain, role)
    return substitute(e, {v: own})


def as_numbers(e: Expr) -> Expr | None:
    """The expression with all sizes 1: what school calculus knows. None where an operation has no such counterpart."""

    def change(node: Expr, args: tuple[Expr, ...]) -> Expr:
        op = node.op.name
        if op == "variable":
            sign = "positive" if node.sign == 2 else "normal"
            return variable(node.params[0], SCALAR, (), sign, node.params[3])
        if op in SAME:
            return args[0]
        if op in ("product", "scale", "kron"):
            return monomial(SCALAR, [(a, 1) for a in args])
        if op == "hadamard":
            return monomial(SCALAR, list(zip(args, node.params, strict=True)))
        if op == "sum_of_terms":
            return add(zip(node.params, args, strict=True))
        if op in ("matrix_power", "powm_number"):
            return monomial(SCALAR, [(args[0], node.params[0])])
        if op in ("eye", "ones", "size", "softmax", "unit", "commutation"):
            return ONE
        if op in AS:
            built: Expr = AS[op].build(args[0])
            return built
        if op == "pinv":
            return monomial(SCALAR, [(args[0], -1)])
        if op == "sqrtm":
            return monomial(SCALAR, [(args[0], Fraction(1, 2))])
        if node.shape == SCALAR and node.op.name in ("number", "pi"):
            return node
        if len(args) == 1 and node.shape == node.args[0].shape and hasattr(node.op, "derivative"):
            return node.op.rebuild(node, args)
        raise _NoCounterpart

    if not e.real or len(e.shape) > 2:
        return None
    try:
        found: Expr = rebuild([e], change)[0]
        return found
    except (_NoCounterpart, FrechetError, ZeroDivisionError):
        return None


class _NoCounterpart(Exception):
    pass


SAME = {
    "transpose",
    "tr",
    "sum",
    "det",
    "diag",
    "diagonal",
    "vec",
    "unvec",
    "logsumexp",
    "max",
    "min",
    "mean",
    "tril",
    "triu",
}
AS = {"norm2": ABS, "norm1": ABS, "logdet": LOG, "expm": EXP, "logm": LOG, "normnuc": ABS, "normspec": ABS}


def with_numbers(d: Derivative, result: Expr) -> tuple[Expr, Expr] | None:
    """The function with all sizes 1 and its derivative by school calculus, where the result gives the same; else None."""
    if d.variable.shape == SCALAR or d.variable.params[1]:
        return None
    g, found = as_numbers(d.function), as_numbers(result)
    if g is None or found is None or g.leaves > SHORT:
        return None
    x = next((v for v in variables(g) if v.params[0] == d.variable.params[0]), None)
    if x is None:
        return None
    try:
        known = Derivative(g, x).gradient
    except FrechetError:
        return None
    return (g, known) if _equal(found, known) else None


def _equal(a: Expr, b: Expr) -> bool:
    return polished(a) is b or is_zero(polished(add([(1, a), (-1, b)])))
