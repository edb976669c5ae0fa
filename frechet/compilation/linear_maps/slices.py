"""Maps that take every row (or column) of a matrix to that of the result: block diagonal, a small matrix for each."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from frechet.compilation.linear_maps.factorization import Inertia, inertia_of
from frechet.compilation.linear_maps.linear_map import LinearMap


class Slices(LinearMap):
    """Row i (axis 0) or column i (axis 1) of V -> matrices[i] times it."""

    def __init__(self, array_shape: tuple[int, ...], axis: int, matrices: Any, name: str, symmetric: bool = True) -> None:
        super().__init__(array_shape, name, symmetric)
        self.axis = axis
        self.matrices = (matrices + matrices.swapaxes(-1, -2)) / 2 if symmetric else matrices

    def _rows(self, v: Any) -> Any:
        return v.swapaxes(-1, -2) if self.axis == 1 else v

    def _apply(self, v: Any) -> Any:
        return self._rows((self.matrices @ self._rows(v)[..., None])[..., 0])

    @cached_property
    def _spectral(self) -> tuple[Any, Any, Any]:
        """U, s and V with U*diag(s)*V' every matrix: eigenvectors of symmetric ones, singular vectors of others."""
        import numpy as np

        if self.symmetric:
            values, vectors = np.linalg.eigh(self.matrices)
            return vectors, values, vectors
        left, values, right = np.linalg.svd(self.matrices)
        return left, values, right.swapaxes(-1, -2)

    def _solve(self, b: Any) -> Any:
        import numpy as np

        if not np.isfinite(self.matrices).all():
            return np.full_like(b, np.nan)
        left, values, right = self._spectral
        size = np.abs(values)
        bad = size.min(axis=-1) <= max(values.shape[-1], 16) * np.finfo(values.dtype).eps * size.max(axis=-1)
        if bad.any():
            what = "row" if self.axis == 0 else "column"
            raise np.linalg.LinAlgError(f"{self.name} is singular to working precision in {what} {int(np.argmax(bad))}")
        rows = self._rows(b)[..., None]
        return self._rows((right @ ((left.swapaxes(-1, -2) @ rows) / values[..., None]))[..., 0])

    def _diagonal(self) -> Any:
        import numpy as np

        return self._rows(np.diagonal(self.matrices, axis1=-2, axis2=-1)).copy()

    def slogdet(self) -> tuple[float, float]:
        import numpy as np

        signs, sizes = np.linalg.slogdet(self.matrices)
        return float(np.prod(signs)), float(sizes.sum())

    def _inertia(self) -> Inertia:
        return inertia_of(self._spectral[1])
