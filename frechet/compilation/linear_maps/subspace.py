"""Linear subspaces of arrays, as numbers: the symmetric matrices, and what any projection leaves."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any


class Subspace:
    """What an orthogonal projection of arrays leaves as it is.

    project: of arrays of the shape, with axes before them
    """

    def __init__(self, array_shape: tuple[int, ...], project: Callable[[Any], Any], words: str) -> None:
        self.array_shape = array_shape
        self.project = project
        self.words = words

    @cached_property
    def basis(self) -> Any:
        """Orthonormal columns of flat arrays, N×d: the eigenvectors of the projection with eigenvalue 1."""
        import numpy as np

        size = int(np.prod(self.array_shape))
        k = len(self.array_shape)
        arrays = np.eye(size).reshape(size, *self.array_shape[::-1]).transpose(0, *range(k, 0, -1))
        matrix = self.project(arrays).transpose(0, *range(k, 0, -1)).reshape(size, size)
        values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
        return vectors[:, values > 0.5]

    @property
    def dimension(self) -> int:
        return int(self.basis.shape[1])


class SymmetricMatrices(Subspace):
    """The symmetric n×n matrices."""

    def __init__(self, n: int) -> None:
        super().__init__((n, n), lambda v: (v + v.swapaxes(-1, -2)) / 2, "symmetric")
        self.n = n

    @cached_property
    def basis(self) -> Any:
        """e_i e_i' and (e_i e_j' + e_j e_i')/√2."""
        import numpy as np

        rows, columns = np.tril_indices(self.n)
        places = np.arange(len(rows))
        basis = np.zeros((self.n * self.n, len(rows)))
        half = np.where(rows == columns, 1.0, np.sqrt(0.5))
        basis[rows * self.n + columns, places] = half
        basis[columns * self.n + rows, places] = half
        return basis

    @property
    def dimension(self) -> int:
        return self.n * (self.n + 1) // 2
