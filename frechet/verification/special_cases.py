"""Special cases in which two expressions may agree: A symmetric, Q orthogonal, x with positive entries, A and X commuting.

A case changes the values of a random point; the cases of a variable go from the weakest to the strongest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from random import Random
from typing import Any, NamedTuple

from frechet.expressions.node import Expr
from frechet.expressions.space import bases
from frechet.verification.comparison import Change, Ground, close, nothing
from frechet.verification.sampling import linear_structure, projected

VARIABLES = 6  # of a function with more, only the first ones get special values
FIXED = ("spd", "psd", "orthogonal", "sphere", "rank", "sparse", "hermitian")  # declared, and lost by most changes


class Case(NamedTuple):
    """words: with the names filled in, such as "A symmetric"; about: the variables that get special values."""

    words: str
    about: tuple[Expr, ...]
    change: Change

    @property
    def point(self) -> bool:
        """Is it one point only, or a line?"""
        return self.words.endswith((" = I", " = 1", " of I", "entries 1", "1 or -1", "0 or 1")) and "(" not in self.words

    @property
    def powers(self) -> bool:
        """Are all powers the same there? Of the variable itself that hides a wrong exponent."""
        return "^2 = " in self.words


def _square(v: Expr) -> bool:
    return v.kind == "matrix" and v.shape[0] is v.shape[1]


def _may_be_asymmetric(v: Expr) -> bool:
    return (
        _square(v)
        and not set(v.params[1]) - {"complex"}
        and v.params[2] in ("normal", "invertible", "positive", "nonnegative")
    )


def of_each(names: Sequence[str], make: Callable[[Any, Random], Any]) -> Change:
    def change(values: dict[str, Any], rng: Random) -> bool:
        for name in names:
            new = make(values[name], rng)
            if new is None:
                return False
            values[name] = new
        return True

    return change


def symmetric_cases(variables: Sequence[Expr]) -> Iterator[Case]:
    """One square matrix symmetric, then all of them; complex ones Hermitian."""
    square = [v for v in variables if _may_be_asymmetric(v)][:VARIABLES]
    for v in square:
        word = "symmetric" if v.real else "Hermitian"
        yield Case(f"{v.params[0]} {word}", (v,), of_each([v.params[0]], _symmetric))
    if len(square) > 1:
        names = [v.params[0] for v in square]
        word = "symmetric" if all(v.real for v in square) else "Hermitian"
        yield Case(f"{_listed(names)} {word}", tuple(square), of_each(names, _symmetric))


def signed_cases(variables: Sequence[Expr]) -> Iterator[Case]:
    """One variable positive, or negative."""
    yield from _single(_ordinary(variables), SIGNED)


def other_cases(variables: Sequence[Expr]) -> Iterator[Case]:
    """The other special values of one variable, weak ones first, then those of two variables."""
    chosen = _ordinary(variables)
    yield from _single(chosen, WEAK)
    square = [v for v in chosen if _square(v)]
    for a, b in combinations(square, 2):
        if a.shape == b.shape:
            yield Case(f"{a.params[0]} and {b.params[0]} commute", (a, b), _commuting(a.params[0], b.params[0]))
    yield from _single(chosen, STRONG)
    if len(square) > 1:
        names = [v.params[0] for v in square]
        yield Case(f"{_listed(names)} diagonal", tuple(square), of_each(names, lambda x, rng: _diagonal(x)))


def _ordinary(variables: Sequence[Expr]) -> list[Expr]:
    """The variables that may be given special values without losing what is declared of them."""
    chosen = [v for v in variables if v.real and bases(v.params[1]).isdisjoint(FIXED)]
    return [v for v in chosen if v.params[2] in ("normal", "invertible")][:VARIABLES]


def _single(variables: Sequence[Expr], table: Sequence[Row]) -> Iterator[Case]:
    for words, kinds, make in table:
        for v in variables:
            if _kind(v) in kinds:
                yield Case(words.format(v.params[0]), (v,), of_each([v.params[0]], _within(v, make)))


def _within(v: Expr, make: Callable[[Any, Random], Any]) -> Callable[[Any, Random], Any]:
    """The change where its result is still what is declared, and not 0: a symmetric matrix that is skew is nothing."""
    structure = linear_structure(v)
    if not structure:
        return make

    def kept(x: Any, rng: Random) -> Any:
        import numpy as np

        new = make(x, rng)
        fits = new is not None and np.any(new) and np.allclose(projected(new, structure), new)
        return new if fits else None

    return kept


def _kind(v: Expr) -> str:
    if _square(v):
        return "square"
    return v.kind


def _commuting(a: str, b: str) -> Change:
    def change(values: dict[str, Any], rng: Random) -> bool:
        import numpy as np

        x = values[a]
        values[b] = 0.6 * np.eye(len(x)) + rng.uniform(0.2, 0.6) * x + rng.uniform(0.1, 0.3) * x @ x
        return True

    return change


def _symmetric(x: Any, rng: Random) -> Any:
    return (x + x.conj().T) / 2


def _diagonal(x: Any) -> Any:
    import numpy as np

    return np.diag(np.diag(x))


def _orthogonal(x: Any, rng: Random) -> Any:
    import numpy as np

    u, _, vt = np.linalg.svd(x, full_matrices=False)
    return u @ vt


def _columns(x: Any, rng: Random) -> Any:
    return _orthogonal(x, rng) if len(x) >= x.shape[1] else None


def _transposed(x: Any) -> Any:
    return None if x is None else x.T


def _projector(x: Any, rng: Random) -> Any:
    import numpy as np

    n = len(x)
    left, right = x[:, : n - 1], x[:, 1:]
    inner = right.T @ left
    return None if n < 2 or abs(np.linalg.det(inner)) < 1e-3 else left @ np.linalg.inv(inner) @ right.T


def _unit_sum(x: Any, rng: Random) -> Any:
    total = x.sum(axis=-1, keepdims=True)
    return None if abs(total).min() < 1e-3 else x / total


def _spd(x: Any, rng: Random) -> Any:
    import numpy as np

    return x @ x.T / len(x) + 0.3 * np.eye(len(x))


def _unit_determinant(x: Any, rng: Random) -> Any:
    import numpy as np

    d = np.linalg.det(x)
    if abs(d) < 1e-6:
        return None
    if d < 0:
        x = x.copy()
        x[0] = -x[0]
    return x / abs(d) ** (1 / len(x))


def _signs(x: Any, rng: Random) -> Any:
    import numpy as np

    return np.where(x < 0, -1.0, 1.0)


def _unit_length(x: Any, rng: Random) -> Any:
    import numpy as np

    return x / np.linalg.norm(x)


def _zero_one(x: Any, rng: Random) -> Any:
    import numpy as np

    return np.where(x < 0.4, 0.0, 1.0)


def _ones(x: Any, rng: Random) -> Any:
    import numpy as np

    return np.ones_like(x) * 1.0


def _skew(x: Any, rng: Random) -> Any:
    return (x - x.T) / 2


def _multiple(x: Any, rng: Random) -> Any:
    import numpy as np

    return rng.uniform(0.4, 1.7) * np.eye(len(x))


def _identity(x: Any, rng: Random) -> Any:
    import numpy as np

    return np.eye(len(x))


def _above(x: Any, rng: Random) -> Any:
    return abs(x) + 0.05


def _below(x: Any, rng: Random) -> Any:
    return -abs(x) - 0.05


def _unit_trace(x: Any, rng: Random) -> Any:
    import numpy as np

    t = float(np.trace(x))
    return None if abs(t) < 1e-3 else x / t


Row = tuple[str, tuple[str, ...], Callable[[Any, Random], Any]]

# Words with {0} for the name, the kinds of variables, and how the special value is made.
SIGNED: tuple[Row, ...] = (
    ("{0} positive", ("scalar",), _above),
    ("{0} negative", ("scalar",), _below),
    ("the entries of {0} positive", ("vector", "matrix", "square"), _above),
    ("the entries of {0} negative", ("vector", "matrix", "square"), _below),
)  # fmt: skip
WEAK: tuple[Row, ...] = (
    ("sum({0}) = 1", ("vector",), _unit_sum),
    ("the rows of {0} add up to 1", ("matrix", "square"), _unit_sum),
    ("norm2({0}) = 1", ("vector", "matrix"), _unit_length),
    ("tr({0}) = 1", ("square",), _unit_trace),
    ("det({0}) = 1", ("square",), _unit_determinant),
    ("the entries of {0} 1 or -1", ("vector", "matrix", "scalar"), _signs),
    ("the entries of {0} 0 or 1", ("vector", "matrix"), _zero_one),
    ("{0} skew-symmetric", ("square",), _skew),
    ("{0} orthogonal", ("square",), _orthogonal),
    ("the columns of {0} orthonormal", ("matrix",), _columns),
    ("the rows of {0} orthonormal", ("matrix",), lambda x, rng: _transposed(_columns(x.T, rng))),
    ("{0} symmetric positive definite", ("square",), _spd),
    ("{0}^2 = {0}", ("square",), _projector),
)  # fmt: skip
STRONG: tuple[Row, ...] = (
    ("{0} diagonal", ("square",), lambda x, rng: _diagonal(x)),
    ("{0} a multiple of I", ("square",), _multiple),
    ("{0} = I", ("square",), _identity),
    ("{0} = 1", ("scalar",), _ones),
    ("all entries of {0} = 1", ("vector",), _ones),
    ("the entries of {0} 0 or 1", ("square",), _zero_one),
)  # fmt: skip


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def holds(case: Case, ground: Ground, a: Expr, b: Expr) -> bool:
    """Are a and b equal in this case, and not only because both are 0 or the point was of that kind already?"""
    at = ground.special(case.change)
    if len(at) < 2 or not all(close(ground.value(a, p), ground.value(b, p)) for p in at):
        return False
    return not all(nothing(ground.value(b, p)) for p in at)
