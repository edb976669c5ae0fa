"""A square matrix factorized once: Cholesky where it is symmetric positive definite, else LU."""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple


class Inertia(NamedTuple):
    """How many eigenvalues of a symmetric map are positive, negative and zero to rounding."""

    positive: int
    negative: int
    zero: int


def inertia_of(eigenvalues: Any, scale: float = 0.0) -> Inertia:
    """Of an array of eigenvalues; scale is the size of what they were computed from, where that is larger than they are.

    Raises:  LinAlgError, if one is no number
    """
    import numpy as np

    values = np.ravel(eigenvalues)
    if not np.isfinite(values).all():
        raise np.linalg.LinAlgError("an eigenvalue is not finite: there is no inertia")
    small = max(values.size, 16) * np.finfo(values.dtype).eps * np.max(np.abs(values), initial=scale)
    positive, negative = int(np.sum(values > small)), int(np.sum(values < -small))
    return Inertia(positive, negative, values.size - positive - negative)


def is_symmetric(matrix: Any) -> bool:
    """To rounding."""
    import numpy as np

    size = np.max(np.abs(matrix), initial=0.0)
    return bool(np.max(np.abs(matrix - matrix.T), initial=0.0) <= 16 * len(matrix) * np.finfo(matrix.dtype).eps * size)


class Factorization:
    """Of an n×n array; `name` says in errors what it is. NaN in it gives NaN solutions.

    symmetric: where that is known; else it is found out
    scale: the size of what the matrix is a difference of, where that is more than its own norm: what is left of it when
        much cancels is rounding

    Raises:  numpy.linalg.LinAlgError, from `solve`, if it is singular to working precision
    """

    def __init__(self, matrix: Any, name: str, symmetric: bool | None = None, scale: float = 0.0) -> None:
        self.matrix = matrix
        self.name = name
        self._symmetric = symmetric
        self._scale = scale

    @cached_property
    def symmetric(self) -> bool:
        return is_symmetric(self.matrix) if self._symmetric is None else self._symmetric

    @cached_property
    def _cholesky(self) -> Any:
        """The lower factor; None where there is none."""
        from scipy.linalg.lapack import get_lapack_funcs

        if not self.symmetric:
            return None
        (potrf,) = get_lapack_funcs(("potrf",), (self.matrix,))
        factor, info = potrf(self.matrix, lower=True, clean=False)
        return factor if info == 0 else None

    @cached_property
    def _lu(self) -> Any:
        from scipy.linalg.lapack import get_lapack_funcs

        (getrf,) = get_lapack_funcs(("getrf",), (self.matrix,))
        factor, pivots, _ = getrf(self.matrix)
        return factor, pivots

    @property
    def positive_definite(self) -> bool:
        return self._cholesky is not None

    @cached_property
    def finite(self) -> bool:
        import numpy as np

        return bool(np.isfinite(self.matrix).all())

    @cached_property
    def reciprocal_condition(self) -> float:
        """As LAPACK estimates it, in the 1-norm; 1 of a matrix without entries."""
        import numpy as np
        from scipy.linalg.lapack import get_lapack_funcs

        if not len(self.matrix):
            return 1.0
        norm = np.abs(self.matrix).sum(axis=0).max(initial=self._scale)
        if self._cholesky is not None:
            (pocon,) = get_lapack_funcs(("pocon",), (self.matrix,))
            reciprocal, _ = pocon(self._cholesky, norm, uplo="L")
        else:
            (gecon,) = get_lapack_funcs(("gecon",), (self.matrix,))
            reciprocal, _ = gecon(self._lu[0], norm)
        return float(reciprocal)

    @property
    def _regular(self) -> bool:
        import numpy as np

        return bool(self.reciprocal_condition > np.finfo(self.matrix.dtype).eps)

    def solve(self, b: Any) -> Any:
        """Shapes: b n×r"""
        import numpy as np
        from scipy.linalg.lapack import get_lapack_funcs

        if not self.finite:
            return np.full(b.shape, np.nan, np.result_type(b, self.matrix))
        if not len(self.matrix):
            return b
        if not self._regular:
            raise np.linalg.LinAlgError(f"{self.name} is singular to working precision: it cannot be solved with")
        if self._cholesky is not None:
            (potrs,) = get_lapack_funcs(("potrs",), (self._cholesky, b))
            x, _ = potrs(self._cholesky, b, lower=True)
        else:
            factor, pivots = self._lu
            (getrs,) = get_lapack_funcs(("getrs",), (factor, b))
            x, _ = getrs(factor, pivots, b)
        return x

    def slogdet(self) -> tuple[float, float]:
        """The sign of the determinant and the logarithm of its size."""
        import numpy as np

        if not self.finite:
            return float("nan"), float("nan")
        if self._cholesky is not None:
            return 1.0, 2 * float(np.log(np.diag(self._cholesky)).sum())
        factor, pivots = self._lu
        d = np.diag(factor)
        if not d.all():
            return 0.0, float("-inf")
        swaps = np.count_nonzero(pivots != np.arange(len(pivots)))
        return float(np.prod(np.sign(d)) * (-1) ** swaps), float(np.log(np.abs(d)).sum())

    def inertia(self) -> Inertia:
        """Raises: LinAlgError, if the matrix is not symmetric"""
        import numpy as np

        if not self.symmetric:
            raise np.linalg.LinAlgError(f"{self.name} is not symmetric: inertia is for symmetric maps")
        if self._cholesky is not None and self._regular:
            return Inertia(len(self.matrix), 0, 0)
        return inertia_of(np.linalg.eigvalsh(self.matrix))
