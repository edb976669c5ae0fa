"""The free entries of several arrays as one 1-D array, and back.

Of a matrix without structure these are its columns, stacked; of a symmetric one vech(X), the columns on and below the
diagonal; of an upper triangular one vech(X'); of a diagonal one its diagonal. So the 1-D array has as many entries as the
space has dimensions, and derivatives by it are B'*vec(G), where vec(X) = B*(free entries).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

from frechet.expressions.dimension import axes, show_shape
from frechet.expressions.errors import ShapeError, UnsupportedError
from frechet.expressions.node import Expr
from frechet.expressions.space import TOGETHER, curved, space_names
from frechet.operations.constants import mask_of

ONE_SUM = {"traceless", "centered"}  # structures that are one equation between several entries
HOLDS = 1e-8  # relative: a start value has its structure up to this


class Part(NamedTuple):
    """A variable's place in the 1-D array.

    basis       sparse B with vec(X) = B*(free entries); None where all entries are free
    chosen      the entries of vec(X) that the free ones are
    """

    variable: Expr
    shape: tuple[int, ...]
    start: int
    stop: int
    basis: Any = None
    chosen: Any = None

    @property
    def name(self) -> str:
        return str(self.variable.params[0])

    def reduced(self, rows: Any) -> Any:
        """B'*rows: of derivatives by the entries of X, in the rows of an array, those by the free ones."""
        return rows if self.basis is None else self.basis.T @ rows


class Coordinates:
    """The free entries of variables, one variable after the other.

    shapes: of the arrays, by name; masks: the values of the masks of variables that are declared sparse

    Raises:  UnsupportedError, for a variable whose free entries are not known here, as on a manifold
    """

    def __init__(self, variables: Sequence[Expr], shapes: Mapping[str, tuple[int, ...]], masks: Mapping[str, Any]) -> None:
        self.parts: list[Part] = []
        end = 0
        for v in variables:
            shape = shapes[v.params[0]]
            mask = mask_of(v)
            basis, chosen = free_entries(v, shape, None if mask is None else masks[mask.params[0]])
            start, end = end, end + (prod(shape) if basis is None else basis.shape[1])
            self.parts.append(Part(v, shape, start, end, basis, chosen))
        self.size = end

    def __iter__(self) -> Iterator[Part]:
        return iter(self.parts)

    def arrays(self, x: Any) -> dict[str, Any]:
        """The arrays, by name, whose free entries these are; numbers for scalars.

        Raises:  ShapeError, where there are more or fewer entries
        """
        import numpy as np

        x = np.asarray(x, dtype=float)
        if x.shape != (self.size,):
            parts = ", ".join(f"{p.name} has {p.stop - p.start}" for p in self.parts)
            raise ShapeError(f"x needs {self.size} entries in one axis ({parts}), and its shape is {x.shape}")
        found = {}
        for p in self.parts:
            entries = x[p.start : p.stop]
            if p.basis is not None:
                entries = p.basis @ entries
            # a copy: SciPy's optimizers change x in place
            found[p.name] = np.array(entries.reshape(p.shape, order="F"), order="C") if p.shape else entries[0]
        return found

    def flat(self, arrays: Mapping[str, Any]) -> Any:
        """The free entries of arrays given by name.

        Raises:  ShapeError, naming the variable that is missing, has another shape or not its declared structure
        """
        import numpy as np

        x = np.empty(self.size)
        for p in self.parts:
            if p.name not in arrays:
                raise ShapeError(
                    f"{p.name} is missing: a value for each of {', '.join(q.name for q in self.parts)} is needed"
                )
            array = np.asarray(arrays[p.name], dtype=float)
            if array.shape != p.shape:
                raise ShapeError(
                    f"{p.name} needs the shape {p.shape}, as {show_shape(p.variable.shape)} here, and is {array.shape}"
                )
            entries = array.ravel(order="F")
            x[p.start : p.stop] = entries if p.basis is None else entries[p.chosen]
            if p.basis is not None:
                off = np.max(np.abs(p.basis @ x[p.start : p.stop] - entries), initial=0.0)
                if not off <= HOLDS * (1 + np.max(np.abs(entries), initial=0.0)):
                    raise ShapeError(
                        f"{p.name} is declared {' '.join(_names(p.variable))}, and its value is not: off by {off:.2g}"
                    )
        return x

    def gradient(self, cotangents: Sequence[Any]) -> Any:
        """The derivatives by x, of the derivatives by all entries of each variable."""
        import numpy as np

        if not self.parts:
            return np.zeros(0)
        return np.concatenate(
            [p.reduced(np.asarray(g).ravel(order="F")) for p, g in zip(self.parts, cotangents, strict=True)]
        )


def _names(v: Expr) -> tuple[str, ...]:
    return space_names(*v.params[1:3])


def free_entries(v: Expr, shape: tuple[int, ...], mask: Any = None) -> tuple[Any, Any]:
    """B with vec(X) = B*u, sparse, and which entries of vec(X) the u are; (None, None) where all entries are free.

    mask: the ones of a variable that is declared sparse

    Raises:  UnsupportedError, for complex variables, manifolds and structures that have no free entries here
    Source:  Magnus & Neudecker (2019), section 3.8, of vech
    """
    import numpy as np
    from scipy.sparse import csr_matrix

    name, names = v.params[0], _names(v)
    if not v.real:
        raise UnsupportedError(f"{name} is complex: SciPy minimizes by real numbers; write it as A + i*B with real A and B")
    if curved(v.params[1]) or "simplex" in names:
        what = (
            "probability vectors: write it as softmax(z)" if "simplex" in names else "a manifold: ask for manifold_problem()"
        )
        raise UnsupportedError(f"{name} is declared {' '.join(names)}, so its values are {what}, or leave the word out")
    if not names:
        return None, None
    if (len(names) > 1 and frozenset(names) not in TOGETHER) or set(names) == {"skew", "circulant"}:
        raise UnsupportedError(f"the free entries of {name}, declared {' '.join(names)}, are not supported")
    rows, columns = (*shape, 1)[:2]
    i, j = (a.ravel(order="F") for a in np.indices((rows, columns)))
    zero = np.zeros(rows * columns, dtype=bool)
    for word in names:
        if word in ZERO:
            zero |= ZERO[word](i, j)
        elif word == "sparse":
            zero |= np.ravel(mask, order="F") == 0
    label = _classes(names, i, j, (rows, columns))
    kept = np.flatnonzero(~zero)
    order = kept[np.argsort(i[kept], kind="stable")] if "upper" in names else kept
    _, first = np.unique(label[order], return_index=True)
    chosen = order[np.sort(first)]
    number = np.empty(rows * columns, dtype=int)
    number[label[chosen]] = np.arange(len(chosen))
    sign = np.where(i < j, -1.0, 1.0) if "skew" in names else np.ones(rows * columns)
    basis = csr_matrix((sign[kept], (kept, number[label[kept]])), shape=(rows * columns, len(chosen)))
    if ONE_SUM.isdisjoint(names):
        return basis, chosen
    summed = np.flatnonzero(i == j) if "traceless" in names else np.arange(rows)
    last = summed[-1]  # is minus the sum of the others
    free = np.flatnonzero(chosen != last)
    others = number[label[summed[:-1]]]
    minus = csr_matrix((-np.ones(len(others)), (np.full(len(others), last), others)), shape=basis.shape)
    return (basis + minus)[:, free], chosen[free]


ZERO: dict[str, Any] = {
    "diagonal": lambda i, j: i != j, "lower": lambda i, j: i < j, "upper": lambda i, j: i > j, "skew": lambda i, j: i == j,
}  # fmt: skip


def _classes(names: Sequence[str], i: Any, j: Any, shape: tuple[int, int]) -> Any:
    """A number for every entry of vec(X), the same for those that are equal, up to their sign, in every such matrix."""
    import numpy as np
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    rows, columns = shape
    here = np.arange(rows * columns)
    first: list[Any] = []
    second: list[Any] = []
    for word in names:
        if word not in EQUAL:
            continue
        ii, jj = EQUAL[word](i, j, shape)
        inside = (ii >= 0) & (ii < rows) & (jj >= 0) & (jj < columns)
        first.append(here[inside])
        second.append((ii + rows * jj)[inside])
    if not first:
        return here
    a, b = np.concatenate(first), np.concatenate(second)
    return connected_components(csr_matrix((np.ones(len(a)), (a, b)), shape=(len(here),) * 2), directed=False)[1]


# The entry that is equal to the one in row i and column j, or its negative.
EQUAL: dict[str, Any] = {
    "symmetric": lambda i, j, shape: (j, i), "skew": lambda i, j, shape: (j, i),
    "toeplitz": lambda i, j, shape: (i + 1, j + 1), "hankel": lambda i, j, shape: (i + 1, j - 1),
    "circulant": lambda i, j, shape: ((i + 1) % shape[0], (j + 1) % shape[1]),
}  # fmt: skip


def sizes_of(v: Expr, sizes: Mapping[str, int]) -> tuple[int, ...]:
    """The shape of a variable's array.

    Raises:  ShapeError, naming the dimension that is not known
    """
    for d in axes(v.shape):
        unknown = sorted(d.names() - sizes.keys())
        if unknown:
            name = v.params[0]
            raise ShapeError(
                f"{name} is {show_shape(v.shape)}, and {unknown[0]} follows from no data: "
                f"give a start value, start={{'{name}': …}}, or sizes={{'{unknown[0]}': …}}"
            )
    return tuple(d.size(sizes) for d in axes(v.shape))
