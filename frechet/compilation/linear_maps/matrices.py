"""Maps that act entry by entry, and full matrices of vectors."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from frechet.compilation.linear_maps.factorization import Factorization, Inertia, inertia_of, is_symmetric
from frechet.compilation.linear_maps.linear_map import LinearMap
from frechet.compilation.linear_maps.subspace import Subspace


class Entrywise(LinearMap):
    """V -> entries.*V; entries an array of the variable's shape, or a number.

    On the symmetric matrices entries is symmetric.
    """

    def __init__(self, array_shape: tuple[int, ...], entries: Any, name: str, subspace: Subspace | None = None) -> None:
        super().__init__(array_shape, name, True, subspace)
        self.entries = entries

    def _apply(self, v: Any) -> Any:
        return self.entries * v

    def _solve(self, b: Any) -> Any:
        import numpy as np

        if not np.all(self.entries):
            raise np.linalg.LinAlgError(f"{self.name} is singular: an entry of its diagonal is 0")
        return b / self.entries

    @cached_property
    def _eigenvalues(self) -> Any:
        import numpy as np

        all_entries = np.broadcast_to(self.entries, self.array_shape)
        return all_entries.ravel() if self.subspace is None else all_entries[np.tril_indices(self.array_shape[0])]

    def _diagonal(self) -> Any:
        import numpy as np

        if self.subspace is not None:
            return super()._diagonal()
        return np.array(np.broadcast_to(self.entries, self.array_shape))

    def trace(self) -> float:
        return float(self._eigenvalues.sum())

    def slogdet(self) -> tuple[float, float]:
        import numpy as np

        values = self._eigenvalues
        with np.errstate(divide="ignore"):
            return float(np.prod(np.sign(values))), float(np.log(np.abs(values)).sum())

    def _inertia(self) -> Inertia:
        return inertia_of(self._eigenvalues)


class Dense(LinearMap):
    """v -> matrix*v, n×n; symmetric where that is known, else it is found out."""

    def __init__(self, matrix: Any, name: str, symmetric: bool | None = None) -> None:
        super().__init__((len(matrix),), name, is_symmetric(matrix) if symmetric is None else symmetric)
        self.matrix = (matrix + matrix.T) / 2 if symmetric else matrix
        self._factors = Factorization(self.matrix, name, self.symmetric)

    def _apply(self, v: Any) -> Any:
        return v @ self.matrix.T

    def _solve(self, b: Any) -> Any:
        columns = b.reshape(-1, self.size).T
        return self._factors.solve(columns).T.reshape(b.shape)

    def to_dense(self) -> Any:
        return self.matrix.copy()

    def _diagonal(self) -> Any:
        return self.matrix.diagonal().copy()

    def slogdet(self) -> tuple[float, float]:
        return self._factors.slogdet()

    def _inertia(self) -> Inertia:
        return self._factors.inertia()


class Inverse(LinearMap):
    """The inverse of a map that is known."""

    def __init__(self, of: LinearMap) -> None:
        super().__init__(of.array_shape, of.name, of.symmetric, of.subspace)
        self.of = of

    def _apply(self, v: Any) -> Any:
        return self.of._solve(v)

    def _solve(self, b: Any) -> Any:
        return self.of._apply(b)

    def slogdet(self) -> tuple[float, float]:
        sign, size = self.of.slogdet()
        return sign, -size

    def _inertia(self) -> Inertia:
        return self.of._inertia()
