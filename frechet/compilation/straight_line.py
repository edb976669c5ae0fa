"""Assignments one after the other as one NumPy function: a network's values, cotangents and gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from frechet.compilation.numpy_source import Program, program_of
from frechet.expressions.node import Expr

Assignment = tuple[Expr, Expr]
"""A variable, and the expression of variables before it that gives its value."""


def straight_line(
    assignments: Sequence[Assignment],
    result: Expr,
    parts: Mapping[str, Expr] | None = None,
    name: str = "loss_and_gradients",
    arguments: Sequence[str | Expr] = (),
) -> Program:
    """The function that runs the assignments and returns `result`, and with `parts` the pair (result, {name: part}).

    What several assignments need, such as tanh(a) in a value and in a cotangent, is computed once.

    >>> from frechet.notation.reading import parse, read_stages
    >>> stages = read_stages("h = tanh(W*x)\\nsum(h)")[1]
    >>> program = straight_line([s[:2] for s in stages], stages[-1].symbol, name="loss")
    >>> print(program.function(), end="")
    def loss(*, W, x):
        h = np.tanh(W @ x)
        L = np.sum(h)
        return L
    """

    def returning(names: Mapping[str, str]) -> str:
        value = names[result.params[0]]
        if parts is None:
            return value
        return f"{value}, {{" + ", ".join(f'"{n}": {names[e.params[0]]}' for n, e in parts.items()) + "}"

    symbols, values = [s for s, _ in assignments], [e for _, e in assignments]
    return program_of(values, name, arguments, False, symbols, returning)
