"""Every line of a derivation against the line before it, in numbers: nothing is shown that is false as it stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from frechet.compilation.numpy_source import compiled
from frechet.derivation.lines import Line
from frechet.derivation.steps import Derivation
from frechet.differentiation.differential import differential
from frechet.expressions.errors import CheckFailed
from frechet.expressions.node import Expr, variables
from frechet.operations.declared_functions import symbols
from frechet.verification.check import Report
from frechet.verification.manifolds import tangent
from frechet.verification.sampling import Point, normal_like, points, value_at, with_masks

TOLERANCE = 1e-7  # relative; nothing is differenced here


def check_lines(derivation: Derivation, n: int = 2, seed: int = 0) -> Report:
    """Is every line equal in value to the line before, and the last one to the machine's differential?

    The differentials of parts that are still to be found, d(inv(S)), have the value that the machine gives them, which
    the check of the derivative compares with differences.

    Raises:  CheckFailed, naming the line
    """
    from random import Random

    d = derivation.derivative
    x, dx = d.variable, d.direction
    everything = [d.function, x, d.raw_differential, derivation.result]
    found = points((d.function,), n, seed, None, everything)
    worst = 0.0
    rng = Random(seed + 1)
    for point in found:
        direction = tangent(x, point.values, normal_like(x, point.values[x.params[0]].shape, rng))
        values = _Values(point, {**point.values, dx.params[0]: direction})
        known = {x: dx}
        for p in derivation.parts:
            values.define(p.part.symbol, p.part.formula)
            worst = max(worst, _equal_lines(values, p.lines, known, f"the differential of {p.part.symbol!r}"))
            values.define(p.symbol, p.differential)
            known[p.part.symbol] = p.symbol
        for symbol, w in derivation.named:
            values.define(symbol, w)
        worst = max(worst, _equal_lines(values, derivation.lines, known, "the derivation", d.raw_differential))
    return Report(len(found), worst, (), True)


def _equal_lines(
    values: _Values, lines: tuple[Line, ...], known: Mapping[Expr, Expr], what: str, last: Expr | None = None
) -> float:
    import numpy as np

    before: Any = None
    worst = 0.0
    pending: set[Expr] = set()
    kept = [line for line in lines if line.of != "name"]
    for i, line in enumerate(kept):
        for symbol, node in line.symbols.items():
            if symbol not in pending:
                pending.add(symbol)
                values.define(symbol, differential(node, known))
        value = values.of(line.value)
        if line.of == "vec" and before is not None:
            before = np.ravel(before, order="F")
        if before is not None:
            worst = max(worst, _compared(before, value, f"line {i + 1} of {what}"))
        before = value
    if last is not None and before is not None:
        machine = values.of(last)
        if np.shape(machine) != np.shape(before):
            machine = np.ravel(machine, order="F")
        worst = max(worst, _compared(machine, before, f"the last line of {what}"))
    return worst


def _compared(a: Any, b: Any, what: str) -> float:
    import numpy as np

    if np.shape(a) != np.shape(b):
        raise CheckFailed(f"{what} has the shape {np.shape(b)}, the line before {np.shape(a)}")
    a, b = np.asarray(a), np.asarray(b)
    finite = np.isfinite(a)
    if not np.array_equal(finite, np.isfinite(b)):
        raise CheckFailed(f"{what} is not finite where the line before is, or the other way round")
    a, b = a[finite], b[finite]  # where both overflow there is nothing to compare
    size = max(float(np.max(np.abs(a), initial=0.0)), float(np.max(np.abs(b), initial=0.0)), 1e-3)
    error = float(np.max(np.abs(a - b), initial=0.0)) / size
    if not error <= TOLERANCE:
        raise CheckFailed(f"{what} is not equal to the line before (relative error {error:.1e}), and is not shown")
    return error


class _Values:
    """The values of variables, parts and differentials at a point."""

    def __init__(self, point: Point, values: dict[str, Any]) -> None:
        self.point, self.values = point, values

    def of(self, e: Expr) -> Any:
        arguments: list[str | Expr] = [*with_masks(variables(e)), *symbols(e)]
        needed = {a if isinstance(a, str) else a.params[0] for a in arguments}
        return value_at(compiled(e, arguments), {k: v for k, v in self.values.items() if k in needed}, self.point)

    def define(self, symbol: Expr, e: Expr) -> None:
        self.values[symbol.params[0]] = self.of(e)
