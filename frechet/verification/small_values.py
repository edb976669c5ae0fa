"""Small whole numbers and simple fractions for variables, with what is declared of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from frechet.expressions.dimension import axes
from frechet.expressions.node import Expr
from frechet.expressions.space import rank
from frechet.operations.constants import mask_of
from frechet.verification.sampling import linear_structure, projected, with_masks

MOODS = (
    "plain", "plain", "regular", "positive", "plain", "spd", "fractions", "units", "positive fractions", "halves", "large",
)  # fmt: skip


def draw_all(
    wanted: Sequence[Expr], sizes: Mapping[str, int], rng: Random, mood: str, roles: Mapping[str, str]
) -> dict[str, Any] | None:
    found: dict[str, Any] = {}
    for v in with_masks(wanted):
        shape = tuple(d.size(sizes) for d in axes(v.shape))
        role = roles.get(v.params[0])
        x = FIXED[role](shape, rng) if role is not None else _draw(v, shape, rng, mood, sizes)
        if x is None:
            return None
        mask = mask_of(v)
        found[v.params[0]] = x if mask is None else x * found[mask.params[0]]
    return found


def _draw(v: Expr, shape: tuple[int, ...], rng: Random, mood: str, sizes: Mapping[str, int]) -> Any:
    """Small whole numbers (or simple fractions) with the variable's structure; None where these did not come out."""
    import numpy as np

    _, words, domain, _ = v.params
    r = rank(words)
    if r is not None:
        k = r.size(sizes)
        return _whole((shape[0], k), rng, -1, 2) @ _whole((k, shape[1]), rng, -1, 2)
    if "orthogonal" in words or domain == "orthogonal":
        q = _rotation(shape, rng)
        return q if v.real else q * np.array([rng.choice((1, 1j, -1j)) for _ in range(shape[-1])])
    if "sphere" in words:
        return _unit(shape, rng)
    if "spd" in words or "psd" in words or domain == "spd":
        return _definite(v, shape, rng)
    if domain in FIXED:
        return FIXED[domain](shape, rng)
    x = _by_domain(domain, shape, rng) if domain in BY_DOMAIN else _in_mood(mood, shape, rng)
    if not v.real:
        x = x + 1j * _whole(shape, rng, -2, 2)
    linear = linear_structure(v)
    if linear in (["symmetric"], ["diagonal"]) and domain == "normal" and rng.random() < 0.7:  # weights are positive
        x = _gram(shape[0], rng) if linear == ["symmetric"] else np.diag(_whole(shape[:1], rng, 1, 3))
    return _structured(x, linear) if linear else x


def _structured(x: Any, words: Sequence[str]) -> Any:
    """The array moved into a linear space without leaving the whole numbers: a multiple of its projection."""
    import numpy as np

    if set(words) == {"symmetric"}:
        return np.tril(x) + np.tril(x, -1).T
    if words == ["hermitian"]:
        low = np.tril(x, -1)
        return low + low.conj().T + np.diag(np.diag(x).real)
    if words == ["skew"]:
        return np.tril(x, -1) - np.tril(x, -1).T
    y = projected(x, [w for w in words if not w.startswith("sparse")])
    for k in (1, 2, 3, 4, 6, 12):
        if np.allclose(k * y, np.round(k * y.real) + 1j * np.round(k * y.imag) if np.iscomplexobj(y) else np.round(k * y)):
            return k * y
    return y


def _whole(shape: tuple[int, ...], rng: Random, low: int, high: int, over: int = 1) -> Any:
    import numpy as np

    count = int(np.prod(shape))
    values = np.array([rng.randint(low, high) / over for _ in range(count)])
    return values.reshape(shape) if shape else np.float64(values[0])


def _in_mood(mood: str, shape: tuple[int, ...], rng: Random) -> Any:
    """Entries of a variable of which nothing is declared; numbers are mostly positive, as weights of penalties are."""
    import numpy as np

    if not shape:
        return np.float64(_number(mood, rng))
    square = len(shape) == 2 and shape[0] == shape[1]
    if mood == "regular" and square:
        return np.diag(_whole(shape[:1], rng, 1, 3)) + _whole(shape, rng, -1, 1)
    if mood == "spd" and square:
        return _gram(shape[0], rng)
    if mood in ("positive", "spd"):
        return _whole(shape, rng, 1, 3)
    if mood == "fractions":
        return _whole(shape, rng, -3, 3, 4)
    if mood == "positive fractions":
        return _whole(shape, rng, 1, 3, 4)
    if mood == "units":
        return _whole(shape, rng, -1, 1)
    if mood == "halves":
        return _whole(shape, rng, -2, 2, 2)
    if mood == "large":
        return _whole(shape, rng, 2, 5)
    return _whole(shape, rng, -2, 3)


def _number(mood: str, rng: Random) -> float:
    if mood == "units":
        return rng.choice((-2, -1, 1, 2))
    if mood in ("fractions", "positive fractions", "halves"):
        return rng.choice((0.25, 0.5, 0.75))
    return rng.randint(2, 3)


def _gram(n: int, rng: Random) -> Any:
    """L*L' with a whole lower triangular L: symmetric positive definite, with a small determinant."""
    import numpy as np

    low = np.tril(_whole((n, n), rng, -1, 1), -1) + np.diag(_whole((n,), rng, 1, 2))
    return low @ low.T


def _definite(v: Expr, shape: tuple[int, ...], rng: Random) -> Any:
    import numpy as np

    if not shape:
        return np.float64(rng.randint(1, 3))
    others = [w for w in linear_structure(v) if w not in ("spd", "psd", "symmetric", "hermitian")]
    x = _gram(shape[0], rng)
    if not v.real:
        low = np.tril(_whole(shape, rng, -1, 1) + 1j * _whole(shape, rng, -1, 1), -1) + np.eye(shape[0])
        x = low @ low.conj().T
    if others:
        x = _structured(x, others)
        if np.linalg.eigvalsh(x)[0] <= 0:
            return None
    return x


def _rotation(shape: tuple[int, ...], rng: Random) -> Any:
    """Orthonormal columns (rows, where these are fewer) of zeros, ones, 0.6 and 0.8."""
    import numpy as np

    n = max(shape)
    q = np.eye(n)
    if n > 1:
        q[:2, :2] = [[0.6, -0.8], [0.8, 0.6]]
    q = q[[*rng.sample(range(n), n)]]
    q = q[:, : min(shape)] * np.array([rng.choice((1.0, -1.0)) for _ in range(min(shape))])
    return q if q.shape == shape else q.T


def _unit(shape: tuple[int, ...], rng: Random) -> Any:
    """Entries whose squares add up to 1: 0.6 and 0.8, or four halves, and zeros."""
    import numpy as np

    count = int(np.prod(shape))
    entries = [1.0] if count == 1 else [0.6, 0.8] if count < 4 else [0.5] * 4
    entries = [x * rng.choice((1, -1)) for x in entries] + [0.0] * (count - len(entries))
    rng.shuffle(entries)
    return np.array(entries).reshape(shape) if shape else np.float64(entries[0])


def _simplex(shape: tuple[int, ...], rng: Random) -> Any:
    """Rows of quarters, eighths … that add up to 1."""
    import numpy as np

    n = shape[-1]
    below = 4
    while below < n + 1:
        below *= 2

    def row() -> list[float]:
        parts = [1] * n
        for _ in range(below - n):
            parts[rng.randrange(n)] += 1
        return [k / below for k in parts]

    return np.array([row() for _ in range(int(np.prod(shape[:-1])))]).reshape(shape)


def _one_hot(shape: tuple[int, ...], rng: Random) -> Any:
    import numpy as np

    x = np.zeros(shape)
    for row in x.reshape(-1, shape[-1]):
        row[rng.randrange(len(row))] = 1.0
    return x


Draw = Callable[[tuple[int, ...], Random], Any]
FIXED: dict[str, Draw] = {
    "simplex": _simplex,
    "onehot": _one_hot,
    "labels±1": lambda shape, rng: 2 * _whole(shape, rng, 0, 1) - 1,
    "mask01": lambda shape, rng: _whole(shape, rng, 0, 1),
    "whole": lambda shape, rng: _whole(shape, rng, 2, 3),
}
BY_DOMAIN = {"positive": (1, 3, 1), "nonnegative": (0, 3, 1), "unit01": (1, 3, 4)}


def _by_domain(domain: str, shape: tuple[int, ...], rng: Random) -> Any:
    return _whole(shape, rng, *BY_DOMAIN[domain])
