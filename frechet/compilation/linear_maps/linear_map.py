"""What every linear map can do, and the ways that need nothing but its products.

Arrays are given in the variable's shape or flat, with the columns stacked, and come back as they were given; several are the
columns of an N×c matrix, or stand along one more axis behind the variable's own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any

from frechet.compilation.linear_maps.factorization import Factorization, Inertia
from frechet.expressions.errors import ShapeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from frechet.compilation.linear_maps.subspace import Subspace

DENSE_LIMIT = 2500  # up to so many entries a map without a closed form is solved through its matrix
RESIDUAL = 1e-7  # of a solution, relative to the right-hand side
WORST = 1e-2  # of a solution that is as good as rounding allows: beyond it the map is singular to working precision


class LinearMap(ABC):
    """A linear map from the arrays of a shape (or of a subspace of them) to themselves.

    A subclass gives `_apply`, and what it knows in closed form of `_solve`, `_diagonal`, `slogdet` and `inertia`; these take
    and return arrays of the variable's shape with any number of axes before them.

    array_shape: of the variable, () for a number
    name: what it is, for errors: "the Hessian by U"
    symmetric: is it self-adjoint?
    subspace: the directions, where they are not all arrays
    """

    def __init__(
        self, array_shape: tuple[int, ...], name: str, symmetric: bool = True, subspace: Subspace | None = None
    ) -> None:
        self.array_shape = array_shape
        self.name = name
        self.symmetric = symmetric
        self.subspace = subspace
        self.size = prod(array_shape)

    @property
    def shape(self) -> tuple[int, int]:
        """Of its matrix: (N, N) with N the number of the variable's entries."""
        return (self.size, self.size)

    @property
    def dimension(self) -> int:
        """Of the space of directions."""
        return self.size if self.subspace is None else self.subspace.dimension

    @abstractmethod
    def _apply(self, v: Any) -> Any: ...

    # -- products
    def matvec(self, v: Any) -> Any:
        """L(v). Shapes: v as the variable or flat; the result as v"""
        return self._mapped(v, self._within, "matvec", several=False)

    def matmat(self, v: Any) -> Any:
        """L of several arrays. Shapes: N×c, or the variable's and one axis more; the result alike"""
        return self._mapped(v, self._within, "matmat", several=True)

    def _within(self, v: Any) -> Any:
        return self._apply(v if self.subspace is None else self.subspace.project(v))

    def solve(self, b: Any) -> Any:
        """x with L(x) = b; of a subspace, the x in it (b is projected to it). The residual is checked.

        Shapes:  b as the variable, flat, or several of them; the result alike
        Raises:  numpy.linalg.LinAlgError, by the map's name, if it is singular or an iteration does not converge
        """
        several = self._is_several(b)
        return self._mapped(b, self._solved, "solve", several=several)

    def _solved(self, b: Any) -> Any:
        """By the closed form; where that fails, as of a sum whose parts are singular, in the way that needs none."""
        import numpy as np

        if self.subspace is not None:
            b = self.subspace.project(b)
        failure = None
        for method in (self._solve, lambda side: LinearMap._solve(self, side)):
            try:
                with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
                    x = method(b)
                    residual = b - self._apply(x)
                    if self._poor(residual, b, x):
                        x = x + method(residual)
                        residual = b - self._apply(x)
            except np.linalg.LinAlgError as error:
                failure = failure or str(error)
                continue
            if not self._poor(residual, b, x):
                return x
            size = np.linalg.norm(residual) / np.linalg.norm(b)
            failure = failure or f"{self.name} is too close to singular: the residual is {size:.1e} of the right-hand side"
        raise np.linalg.LinAlgError(failure)

    def _poor(self, residual: Any, b: Any, x: Any) -> bool:
        """Is a residual neither small beside b nor what rounding of the product leaves? NaN is not poor, it is passed on."""
        import numpy as np

        size, side = float(np.linalg.norm(residual)), float(np.linalg.norm(b))
        eps = float(np.finfo(residual.dtype).eps)
        if not size > max(RESIDUAL, 100 * eps) * side:
            return False
        rounding = 100 * self.dimension * eps * self._scale * float(np.linalg.norm(x))
        return size > min(rounding, WORST * side)

    @cached_property
    def _scale(self) -> float:
        """The norm of the map, from below: by a few steps of the power method."""
        import numpy as np

        v = np.random.default_rng(0).standard_normal(self.array_shape)
        found = 0.0
        for _ in range(3):
            v = self._within(v)
            before, size = found, float(np.linalg.norm(v))
            if size == 0 or not np.isfinite(size):
                return before
            v, found = v / size, size
        return found

    def _solve(self, b: Any) -> Any:
        """By default through the matrix, of a large map by iterations."""
        import numpy as np

        if self.dimension > DENSE_LIMIT:
            from frechet.compilation.linear_maps.iterative import solved

            return solved(self, b)
        flat = self._flat(b.reshape(-1, *self.array_shape))
        if self.subspace is not None:
            x = self.subspace.basis @ self._dense.solve(self.subspace.basis.T @ flat)
        else:
            x = self._dense.solve(flat)
        return np.reshape(self._unflat(x), b.shape)

    @cached_property
    def _dense(self) -> Factorization:
        """The matrix of the map in an orthonormal basis of its space."""
        matrix = self.to_dense()
        if self.subspace is not None:
            matrix = self.subspace.basis.T @ matrix @ self.subspace.basis
        if self.symmetric:
            matrix = (matrix + matrix.T) / 2
        return Factorization(matrix, self.name, self.symmetric or None)

    # -- the matrix and its numbers
    def to_dense(self) -> Any:
        """The N×N matrix of the map for vec, the columns of arrays stacked; on a subspace, of L after the projection."""
        import numpy as np

        return self._flat(self._within(self._unflat(np.eye(self.size))))

    def diagonal(self) -> Any:
        """The diagonal of its matrix. Shapes: as the variable"""
        return self._diagonal()

    def _diagonal(self) -> Any:
        import numpy as np

        return self._unflat(np.diag(self.to_dense())[:, None])[0]

    def trace(self) -> float:
        import numpy as np

        return float(np.sum(self.diagonal()))

    def slogdet(self) -> tuple[float, float]:
        """The sign of the determinant and the logarithm of its size: of the map on its space."""
        self._need_small("slogdet")
        return self._dense.slogdet()

    def logdet(self) -> float:
        """The logarithm of the determinant.

        Raises:  numpy.linalg.LinAlgError, if it is zero or negative
        """
        import numpy as np

        sign, size = self.slogdet()
        if sign <= 0:
            what = "zero" if sign == 0 else "negative"
            raise np.linalg.LinAlgError(f"{self.name} has a determinant that is {what}: logdet has no value")
        return size

    def inertia(self) -> Inertia:
        """(positive, negative, zero): the signs of the eigenvalues on the map's space.

        Raises:  numpy.linalg.LinAlgError, for a map that is not symmetric, or too large without a closed form
        """
        import numpy as np

        if not self.symmetric:
            raise np.linalg.LinAlgError(f"{self.name} is not symmetric: inertia is for symmetric maps")
        return self._inertia()

    def _inertia(self) -> Inertia:
        self._need_small("inertia")
        return self._dense.inertia()

    def _need_small(self, what: str) -> None:
        import numpy as np

        if self.dimension > DENSE_LIMIT:
            raise np.linalg.LinAlgError(
                f"{what} of {self.name} has no closed form, and its matrix is {self.dimension}×{self.dimension}"
            )

    # -- SciPy
    def as_linear_operator(self) -> Any:
        """The map as a scipy.sparse.linalg.LinearOperator of flat arrays."""
        from scipy.sparse.linalg import LinearOperator

        def adjoint(v: Any) -> Any:
            if not self.symmetric:
                raise NotImplementedError(f"{self.name} is not symmetric, and its adjoint is another map")
            return self.matvec(v.ravel())

        return LinearOperator(
            self.shape, matvec=lambda v: self.matvec(v.ravel()), matmat=self.matmat, rmatvec=adjoint, dtype=float
        )

    @property
    def preconditioner(self) -> Any:
        """A LinearOperator near the inverse: the inverse diagonal where that has no zeros, else the identity."""
        import numpy as np
        from scipy.sparse.linalg import LinearOperator

        inverse = self._inverse_diagonal()
        scale = np.ones(self.size) if inverse is None else self._flat(inverse[None])[:, 0]
        return LinearOperator(
            self.shape, matvec=lambda v: scale * v.ravel(), rmatvec=lambda v: scale * v.ravel(), dtype=float
        )

    def _inverse_diagonal(self) -> Any:
        """1/|diagonal|, positive as MINRES wants it; None where an entry is (nearly) 0 or the diagonal is dear."""
        import numpy as np

        d = self._cheap_diagonal()
        if d is None:
            return None
        d = np.abs(d)
        return 1 / d if np.min(d) > np.finfo(d.dtype).eps * np.max(d) else None

    def _cheap_diagonal(self) -> Any:
        return self._diagonal()

    # -- shapes
    def _is_several(self, v: Any) -> bool:
        import numpy as np

        shape = np.shape(v)
        return shape not in (self.array_shape, (self.size,))

    def _mapped(self, v: Any, function: Callable[[Any], Any], what: str, several: bool) -> Any:
        import numpy as np

        v = np.asarray(v)
        v = v if v.dtype in (np.float32, np.float64) else v.astype(float)
        k = len(self.array_shape)
        if not several:
            if v.shape == self.array_shape:
                return function(v)
            if v.shape == (self.size,):
                return self._flat(function(self._unflat(v[:, None])))[:, 0]
        elif v.ndim == k + 1 and v.shape[:k] == self.array_shape:
            return np.moveaxis(function(np.moveaxis(v, -1, 0)), 0, -1)
        elif v.ndim == 2 and v.shape[0] == self.size:
            return self._flat(function(self._unflat(v)))
        shown = "×".join(map(str, self.array_shape)) or "a number"
        more = f", {self.size}×c, or {shown}×c" if several or what == "solve" else ""
        given = "×".join(map(str, v.shape)) or "a number"
        raise ShapeError(f"{what} of {self.name} takes {shown}, flat {self.size}{more}; this is {given}")

    def _unflat(self, columns: Any) -> Any:
        """N×c to c arrays along a first axis."""
        c = columns.shape[1]
        k = len(self.array_shape)
        return columns.T.reshape(c, *self.array_shape[::-1]).transpose(0, *range(k, 0, -1))

    def _flat(self, arrays: Any) -> Any:
        """Arrays along a first axis to the columns of an N×c matrix."""
        k = len(self.array_shape)
        return arrays.transpose(0, *range(k, 0, -1)).reshape(len(arrays), self.size).T
