"""Random points: sizes for dimensions and values for variables, drawn from what is declared of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from frechet.compilation.numpy_source import compiled
from frechet.expressions.dimension import UNIT, Dim, Shape, axes, dim, entries
from frechet.expressions.errors import ShapeError
from frechet.expressions.function import Function, View
from frechet.expressions.node import Expr, variables, walk
from frechet.expressions.space import curved, rank
from frechet.operations.constants import mask_of, place
from frechet.operations.declared_functions import symbols
from frechet.operations.impossible import NEED_REGULAR, rank_dimensions

if TYPE_CHECKING:
    from frechet.verification.functions import Reach

SIZES = (2, 3, 4, 5)
ATTEMPTS = 60
TINY, LARGE = 1e-9, 1e7  # points with values outside are used only where there are no better ones: they tell little
FAR = 20.0  # so are points where a declared function has larger arguments
SHAKE, STABLE = 1e-9, 1e-6  # so are points where a change of 1e-9 changes much: the inverse of a singular matrix
LENGTH = 150  # longer axes are avoided when sizes are drawn
MOODS = ("plain", "positive", "small", "small positive", "near identity", "spd", "unit01", "above 1", "dominated")
PLAN = (
    *["plain"] * 4, *["positive"] * 3, *["small"] * 3, *["near identity"] * 2, *["spd"] * 3, *["unit01"] * 2,
    *["small positive"] * 2, *["above 1"] * 2, *["dominated"] * 3,
)  # fmt: skip


@dataclass(frozen=True)
class Point:
    """Values of variables by name, and Python functions for the declared ones, with the sizes they were drawn for."""

    values: dict[str, Any]
    sizes: dict[str, int]

    def given(self, function: Any) -> dict[str, int]:
        """The sizes that a compiled function must be given."""
        return {n: self.sizes[n] for n in function.sizes}


# Of these the matrix has at least so many rows and columns, and one more where the next eigenvalue matters.
NUMBERED = ("eigval", "eigvec", "eigsum", "eigproj", "svdval", "svdu", "svdv", "kyfan", "partial_polar")
REGULAR = (*NEED_REGULAR, "sqrtm", "powm")  # differentiable only where the matrix is regular
THIN = ("svdvals", "svdus", "svdvs", "qrq", "qrr")  # the matrix has at least as many rows as columns


def random_sizes(exprs: Sequence[Expr], rng: Random) -> dict[str, int]:
    """Small sizes for the dimension names of expressions, all different where there are few.

    Raises:  ShapeError, if no sizes are found for which every dimension is at least 1
    """
    return _drawn_sizes(*dimensions(exprs), rng)


def dimensions(exprs: Sequence[Expr]) -> tuple[list[Dim], dict[str, int]]:
    """The dimensions that occur, and the least sizes that unit vectors ask for."""
    dims: dict[Dim, None] = {}
    least: dict[str, int] = {}
    full: set[Dim] = set()
    low: list[tuple[Dim, Shape]] = []
    for node in walk(*exprs):
        dims.update(dict.fromkeys(d for d in (*node.shape, *node.params) if isinstance(d, Dim) and d is not UNIT))
        if len(node.shape) > 2:
            dims[entries(node.shape)] = None  # so that they stay small
        if node.op.name in ("unit", "selection"):
            n, last = node.shape[0], place(node.params[-1])
            largest = last.value()
            if largest is not None and len(n.names()) == 1:
                name = next(iter(n.names()))
                least[name] = max(least.get(name, 1), largest)
            dims[n - last + dim(1)] = None
        if node.op.name in NUMBERED:
            for d in node.args[0].shape:
                if len(d.names()) == 1:
                    name = next(iter(d.names()))
                    least[name] = max(least.get(name, 1), node.params[0])
        if node.op.name in THIN or (node.op.name == "variable" and "orthogonal" in node.params[1]):
            rows, columns = node.args[0].shape if node.args else node.shape
            dims[rows - columns + dim(1)] = None  # at least as many rows as columns
        if node.op.name in REGULAR and not (node.op.name == "matrix_power" and node.params[0] > 0):
            n = node.args[0].shape[0]  # X'*X is regular only for as many rows as columns
            bounds = rank_dimensions(node.args[0])
            dims |= dict.fromkeys(d - n + dim(1) for d in bounds)
            full.update(bounds)
        r = rank(node.params[1]) if node.op.name == "variable" else None
        if r is not None:
            low.append((r, node.shape))
    for r, shape in low:  # rank r below the sizes, unless r is a number that could be them, or a regular matrix is asked for
        dims |= dict.fromkeys([r, *(d - r + (dim(1) if d.value() or r in full else dim({})) for d in shape)])
    return [d for d in dims if d.names()], least


def _drawn_sizes(dims: Sequence[Dim], least: Mapping[str, int], rng: Random) -> dict[str, int]:
    names = sorted({n for d in dims for n in d.names()})
    for attempt in range(200):
        drawn = rng.sample(SIZES, len(names)) if len(names) <= len(SIZES) else [rng.choice(SIZES) for _ in names]
        spread = 0 if attempt < 50 else attempt // 25  # n-6 or k*(n-m) need luck or larger sizes
        sizes = {n: max(k + rng.randint(0, spread), least.get(n, 1)) for n, k in zip(names, drawn, strict=True)}
        lengths = [d.size(sizes) for d in dims]
        if min(lengths, default=1) >= 1 and (max(lengths, default=1) <= LENGTH or attempt >= 100):
            return sizes
    raise ShapeError("no small sizes were found for which every dimension is at least 1: " + ", ".join(names))


def sample(
    variables: Sequence[Expr], sizes: Mapping[str, int], rng: Random, mood: str | Callable[[], str] = "plain"
) -> dict[str, Any]:
    """A value for each variable, from its structure and domain; `mood` changes how undeclared ones are drawn."""
    found: dict[str, Any] = {}
    regular: dict[str, None] = {}  # masks that leave matrices of full rank
    for v in with_masks(variables):
        shape = tuple(d.size(sizes) for d in axes(v.shape))
        r = rank(v.params[1])
        x = _draw(v, shape, rng, mood if isinstance(mood, str) else mood(), None if r is None else r.size(sizes))
        mask = mask_of(v)
        if mask is not None and mask.params[0] not in regular:
            regular[mask.params[0]] = None
            found[mask.params[0]] = _of_full_rank(found[mask.params[0]], v.params[1], rng)
        found[v.params[0]] = x if mask is None else x * found[mask.params[0]]
    return found


def _of_full_rank(mask: Any, structure: Sequence[str], rng: Random) -> Any:
    """A mask with ones in different rows and columns, on the diagonal of triangular matrices: there are regular matrices."""
    import numpy as np

    rows = list(range(len(mask)))
    if not {"lower", "upper", "diagonal"} & set(structure):
        rng.shuffle(rows)
    return np.maximum(mask, np.eye(*mask.shape)[rows])


def with_masks(variables: Sequence[Expr]) -> list[Expr]:
    """The variables, after the masks of those declared sparse."""
    masks = [mask for mask in map(mask_of, variables) if mask is not None]
    return list(dict.fromkeys([*masks, *variables]))


def projected(x: Any, structure: Sequence[str]) -> Any:
    """The orthogonal projection on the linear structures named, the mask of a sparse one aside."""
    import numpy as np

    for s in structure:
        if s in ("hermitian", "spd", "psd"):
            x = (x + x.conj().T) / 2
        elif s == "symmetric":
            x = (x + x.T) / 2
        elif s == "skew":
            x = (x - x.T) / 2
        elif s == "diagonal":
            x = np.diag(np.diag(x))
        elif s == "lower":
            x = np.tril(x)
        elif s == "upper":
            x = np.triu(x)
        elif s == "toeplitz":
            n, m = x.shape
            x = sum(np.diagonal(x, k).mean() * np.eye(n, m, k) for k in range(1 - n, m))
        elif s == "hankel":
            x = projected(x[:, ::-1], ["toeplitz"])[:, ::-1]
        elif s == "circulant":
            n = len(x)
            shift = np.roll(np.eye(n), 1, axis=0)
            powers = [np.linalg.matrix_power(shift, k) for k in range(n)]
            x = sum(np.sum(p * x) / n * p for p in powers)
        elif s == "traceless":
            x = x - np.trace(x) / len(x) * np.eye(len(x))
        elif s == "centered":
            x = x - np.mean(x)
    return x


def linear_structure(v: Expr) -> list[str]:
    """The structures of a variable that its differential has too."""
    structure = v.params[1]
    if v.params[2] == "spd" and v.kind == "matrix" and "symmetric" not in structure and v.real:
        structure = (*structure, "symmetric")
    if v.params[2] == "simplex" and v.kind == "vector" and v.params[3] == "variable":
        structure = (*structure, "centered")
    return [s for s in structure if s != "complex" and not curved([s])]


def normal(shape: tuple[int, ...], rng: Random) -> Any:
    import numpy as np

    count = 1
    for k in shape:
        count *= k
    values = np.array([rng.gauss(0.0, 1.0) for _ in range(count)])
    return values.reshape(shape) if shape else values[0]


def normal_like(v: Expr, shape: tuple[int, ...], rng: Random) -> Any:
    """Normal entries, complex ones where the variable is complex."""
    x = normal(shape, rng)
    return x if v.real else x + 1j * normal(shape, rng)


def uniform(low: float, high: float, shape: tuple[int, ...], rng: Random) -> Any:
    import numpy as np

    count = 1
    for k in shape:
        count *= k
    values = np.array([rng.uniform(low, high) for _ in range(count)])
    return values.reshape(shape) if shape else values[0]


def _draw(v: Expr, shape: tuple[int, ...], rng: Random, mood: str, inner: int | None = None) -> Any:
    """inner: the rank, where it is declared."""
    import numpy as np

    _, structure, domain, _ = v.params
    if inner is not None:
        left, right = ((_of_domain(domain, s, rng)) for s in ((shape[0], inner), (inner, shape[1])))
        return left @ right
    if "sphere" in structure:
        x = _of_domain(domain, shape, rng)
        return x / np.linalg.norm(x)
    square = len(shape) == 2 and shape[0] == shape[1]
    if "orthogonal" in structure or domain == "orthogonal":
        q, r = np.linalg.qr(normal_like(v, shape if len(shape) == 2 and shape[0] >= shape[1] else shape[::-1], rng))
        q = q * np.where(np.diag(r).real < 0, -1.0, 1.0)
        return q if q.shape == shape else q.T
    if "spd" in structure or "psd" in structure or domain == "spd":
        if not shape:
            return np.float64(rng.uniform(0.3, 2.0))
        x = _spd(shape[0], rng)
        if not v.real:
            a = normal_like(v, shape, rng)
            x = a @ a.conj().T / shape[0] + 0.5 * np.eye(shape[0])
        x = projected(x, [s for s in structure if s not in ("spd", "psd", "symmetric")])
        lowest = float(np.linalg.eigvalsh(x)[0])
        return x + max(0.0, 0.3 - lowest) * np.eye(shape[0])
    if domain == "simplex":
        x = -np.log(uniform(0.05, 1.0, shape, rng))
        return x / np.sum(x, axis=-1, keepdims=True)  # of a matrix, row by row
    if domain == "labels±1":
        return np.where(uniform(0, 1, shape, rng) < 0.5, -1.0, 1.0)
    if domain == "mask01":
        return np.where(uniform(0, 1, shape, rng) < 0.35, 0.0, 1.0)
    if domain == "onehot":
        x = np.zeros(shape)
        for row in x.reshape(-1, shape[-1]) if shape else ():
            row[rng.randrange(len(row))] = 1.0
        return x if shape else np.float64(1.0)
    x = _of_domain(domain, shape, rng) if domain != "normal" else _in_mood(mood, shape, square, rng)
    if not v.real:
        x = x + 1j * (1.0 if mood == "plain" else 0.3) * normal(shape, rng)
    linear = linear_structure(v)
    if "diagonal" in linear and domain == "invertible":
        return np.diag(np.diag(x) + np.where(np.diag(x) < 0, -1.0, 1.0))
    if linear:
        if domain == "invertible" and "skew" not in linear:
            x = x + 2 * np.eye(shape[0], shape[1])
        x = projected(x, linear)
    return x


def _of_domain(domain: str, shape: tuple[int, ...], rng: Random) -> Any:
    import numpy as np

    if domain in ("positive", "nonnegative"):
        return uniform(0.3, 2.0, shape, rng)
    if domain == "whole":
        return np.floor(uniform(2.0, 5.0, shape, rng))
    if domain == "unit01":
        return uniform(0.05, 0.95, shape, rng)
    if domain == "invertible" and len(shape) == 2:
        u, s, vt = np.linalg.svd(normal(shape, rng), full_matrices=False)
        return (u * (0.5 + s)) @ vt
    if domain == "invertible":
        return uniform(0.3, 2.0, shape, rng)
    return normal(shape, rng)


def _in_mood(mood: str, shape: tuple[int, ...], square: bool, rng: Random) -> Any:
    import numpy as np

    if mood == "small":
        return 0.3 * normal(shape, rng)
    if mood == "unit01":
        return uniform(0.05, 0.95, shape, rng)
    if mood == "small positive":
        return uniform(0.02, 0.3, shape, rng)
    if mood == "above 1":
        return uniform(1.2, 3.0, shape, rng)
    if square and mood == "near identity":
        return np.eye(shape[0]) + 0.2 * normal(shape, rng)
    if square and mood == "spd":
        return _spd(shape[0], rng)
    if square and mood == "dominated":
        return np.diag(uniform(3.0, 6.0, shape[:1], rng)) + 0.3 * normal(shape, rng)
    if mood == "dominated":
        return 0.2 * normal(shape, rng)
    return normal(shape, rng) if mood == "plain" else uniform(0.3, 2.0, shape, rng)


def _spd(n: int, rng: Random) -> Any:
    import numpy as np

    a = normal((n, n), rng)
    return a @ a.T / n + 0.5 * np.eye(n)


def points(
    e: Expr | Sequence[Expr],
    n: int = 3,
    seed: int = 0,
    sizes: Mapping[str, int] | None = None,
    also: Sequence[Expr] = (),
) -> list[Point]:
    """At most n points at which the expressions are finite: plain draws first, then tamer ones. None, if none is found.

    also: expressions whose variables get values, and dimensions sizes, too
    sizes: sizes to keep; the others are drawn
    """
    import numpy as np

    roots = (e,) if isinstance(e, Expr) else tuple(e)
    everything = [*roots, *also]
    drawn = with_masks(variables(*everything))
    called = symbols(*everything)
    rng = Random(seed)
    functions = [compiled(r, [*drawn, *called]) for r in roots]
    dims, least = dimensions(everything)
    good: list[Point] = []
    dull: list[Point] = []
    unstable: list[Point] = []
    for attempt in range(ATTEMPTS):
        mood: str | Callable[[], str] = PLAN[attempt] if attempt < len(PLAN) else lambda: rng.choice(MOODS)
        chosen = _drawn_sizes(dims, least, rng) | dict(sizes or {})
        point = Point(sample(drawn, chosen, rng, mood), chosen)
        shaken = {name: x * (1 + SHAKE * rng.uniform(0.5, 1.0)) for name, x in point.values.items()}
        reach = None
        if called:
            replaced, reach = random_functions(called, chosen, rng, mood if isinstance(mood, str) else mood())
            point.values.update(replaced)
            shaken.update(replaced)
        largest, change = 0.0, 0.0
        for function in functions:
            value = value_at(function, point.values, point)
            if not np.all(np.isfinite(value)):
                break
            size = float(np.max(np.abs(value)))
            largest = max(largest, size)
            moved = float(np.max(np.abs(value_at(function, shaken, point) - value)))
            change = max(change, moved / (1 + size)) if moved == moved else np.inf
        else:
            telling = TINY < largest < LARGE and (reach is None or reach.largest < FAR)
            (unstable if change > STABLE else good if telling else dull).append(point)
            if len(good) == n:
                break
    return good or dull[:n] or unstable[:n]


def random_functions(
    called: Mapping[str, tuple[Function, View]], sizes: Mapping[str, int], rng: Random, mood: str
) -> tuple[dict[str, Any], Reach]:
    """Random functions in place of the declared ones, and how far out they are asked for values."""
    from frechet.verification.functions import Reach, drawn

    def draw(shape: tuple[int, ...]) -> Any:
        return _in_mood(mood, shape, len(shape) == 2 and shape[0] == shape[1], rng)

    reach = Reach()
    return drawn(called, sizes, rng, mood, draw, reach), reach


def value_at(function: Any, values: Mapping[str, Any], point: Point) -> Any:
    """The value of a compiled function; nan where a matrix has no inverse."""
    import numpy as np

    with np.errstate(all="ignore"):
        try:
            value = np.asarray(function(**values, **point.given(function)))
            return value if np.iscomplexobj(value) else value.astype(float)
        except np.linalg.LinAlgError:
            return np.asarray(np.nan)
