"""Maps of matrices by products from the left and the right: Kronecker products, sums of two, transposed arguments."""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple

from frechet.compilation.linear_maps.factorization import Factorization, Inertia, inertia_of, is_symmetric
from frechet.compilation.linear_maps.linear_map import LinearMap
from frechet.compilation.linear_maps.subspace import Subspace


class Kronecker(LinearMap):
    """V -> scalar*L*V*R of p×q matrices; its matrix is scalar*(R' ⊗ L).

    left: L as a map of vectors; right: R' as one; None is the identity. On the symmetric matrices R = L'.
    """

    def __init__(
        self,
        array_shape: tuple[int, ...],
        scalar: float,
        left: LinearMap | None,
        right: LinearMap | None,
        name: str,
        symmetric: bool = True,
        subspace: Subspace | None = None,
    ) -> None:
        super().__init__(array_shape, name, symmetric, subspace)
        self.scalar = scalar
        self.left = left
        self.right = right

    def _apply(self, v: Any) -> Any:
        if self.right is not None:
            v = self.right._apply(v)
        if self.left is not None:
            v = self.left._apply(v.swapaxes(-1, -2)).swapaxes(-1, -2)
        return self.scalar * v

    def _solve(self, b: Any) -> Any:
        import numpy as np

        if self.scalar == 0:
            raise np.linalg.LinAlgError(f"{self.name} is 0")
        if self.right is not None:
            b = self.right._solve(b)
        if self.left is not None:
            b = self.left._solve(b.swapaxes(-1, -2)).swapaxes(-1, -2)
        return b / self.scalar

    def to_dense(self) -> Any:
        import numpy as np

        if self.subspace is not None:
            return super().to_dense()
        sides = [
            np.eye(n) if f is None else f.to_dense() for f, n in zip((self.left, self.right), self.array_shape, strict=True)
        ]
        return self.scalar * np.kron(sides[1], sides[0])

    def _diagonal(self) -> Any:
        import numpy as np

        if self.subspace is not None:
            return super()._diagonal()
        sides = [
            np.ones(n) if f is None else f._diagonal()
            for f, n in zip((self.left, self.right), self.array_shape, strict=True)
        ]
        return self.scalar * np.outer(*sides)

    def slogdet(self) -> tuple[float, float]:
        import numpy as np

        p, q = self.array_shape
        (s, left), (t, right) = ((1.0, 0.0) if f is None else f.slogdet() for f in (self.left, self.right))
        d = self.dimension
        with np.errstate(divide="ignore"):
            scalar = d * float(np.log(abs(self.scalar)))
        sign = float(np.sign(self.scalar)) ** d
        if self.subspace is not None:  # det of V -> L*V*L' on the symmetric matrices is det(L)^(n+1)
            return sign * s ** (p + 1), scalar + (p + 1) * left
        return sign * s**q * t**p, scalar + q * left + p * right

    def _inertia(self) -> Inertia:
        """Of the products of the factors' eigenvalues."""
        p, q = self.array_shape
        left, right = (
            Inertia(n, 0, 0) if f is None else f.inertia() for f, n in zip((self.left, self.right), (p, q), strict=True)
        )
        if self.subspace is not None:
            same = [k * (k + 1) // 2 for k in left[:2]]
            positive, negative = sum(same), left.positive * left.negative
        else:
            positive = left.positive * right.positive + left.negative * right.negative
            negative = left.positive * right.negative + left.negative * right.positive
        if self.scalar < 0:
            positive, negative = negative, positive
        if self.scalar == 0:
            positive = negative = 0
        return Inertia(positive, negative, self.dimension - positive - negative)


class Pencil(NamedTuple):
    """X with X'*A*X = diag(a), X'*C*X = diag(c), and the logarithm of |det X|."""

    x: Any
    a: Any
    c: Any
    logdet: float


class KroneckerSum(LinearMap):
    """V -> A*V*B + C*V*D of p×q matrices; with B = C = I the Sylvester map A*V + V*D.

    Symmetric factors of which one on either side is positive definite are diagonalized together, X'*A*X = diag(a) and
    X'*C*X = diag(c); else C^-1 and B^-1 make it a Sylvester equation, which is solved by Schur factors.

    left: (A, C); right: (B', D'); None is the identity. On the symmetric matrices the two sides are the same pair.

    Source:  Golub & Van Loan (2013), sections 7.6.3 and 8.7.2; Bartels & Stewart (1972)
    """

    def __init__(
        self,
        array_shape: tuple[int, ...],
        left: tuple[Any, Any],
        right: tuple[Any, Any],
        name: str,
        symmetric: bool = True,
        subspace: Subspace | None = None,
    ) -> None:
        super().__init__(array_shape, name, symmetric, subspace)
        self.left = left
        self.right = right

    def _apply(self, v: Any) -> Any:
        total = 0
        for a, b in zip(self.left, self.right, strict=True):
            part = v if b is None else v @ b.T
            total = total + (part if a is None else a @ part)
        return total

    @cached_property
    def _full(self) -> list[tuple[Any, Any]]:
        """The pairs with identities written out."""
        import numpy as np

        return [
            tuple(np.eye(n) if m is None else m for m in pair)  # type: ignore[misc]
            for pair, n in zip((self.left, self.right), self.array_shape, strict=True)
        ]

    @cached_property
    def _pencils(self) -> tuple[Pencil, Pencil] | None:
        """Of the two sides; None where they have none."""
        import numpy as np

        left = _pencil(*self._full[0])
        if left is None:
            return None
        if self.subspace is not None:  # one X for both sides, so that the result is symmetric
            b, d = (np.einsum("ij,ik,kj->j", left.x, m, left.x) for m in self._full[1])
            return left, Pencil(left.x, b, d, left.logdet)
        right = _pencil(*self._full[1])
        return None if right is None else (left, right)

    @cached_property
    def _eigenvalues(self) -> Any:
        """Of the map in the coordinates of the pencils, p×q."""
        import numpy as np

        assert self._pencils is not None
        left, right = self._pencils
        return np.outer(left.a, right.a) + np.outer(left.c, right.c)

    @cached_property
    def _schur(self) -> Any:
        """Of C^-1*A and D*B^-1, with the factorizations of C and B', complex."""
        from scipy.linalg import schur

        (a, c), (b, d) = self._full
        c, b = Factorization(c, self.name), Factorization(b, self.name)
        # V -> C^-1*(A*V*B + C*V*D)*B^-1 = (C^-1*A)*V + V*(D*B^-1)
        first, second = schur(c.solve(a), output="complex"), schur(b.solve(d).T, output="complex")
        return c, b, first, second

    def _solve(self, rhs: Any) -> Any:
        import numpy as np

        if not all(np.isfinite(m).all() for pair in self._full for m in pair):
            return np.full_like(rhs, np.nan)
        if self._pencils is not None:
            left, right = self._pencils
            values = self._eigenvalues
            small = np.finfo(values.dtype).eps * np.max(np.abs(values))
            if not np.min(np.abs(values)) > small:
                raise np.linalg.LinAlgError(f"{self.name} is singular to working precision: it cannot be solved with")
            return left.x @ ((left.x.T @ rhs @ right.x) / values) @ right.x.T
        c, b, _, _ = self._schur
        sides = rhs.reshape(-1, *self.array_shape)
        found = [self._sylvester(b.solve(c.solve(side).T).T) for side in sides]
        return np.stack(found).reshape(rhs.shape)

    def _sylvester(self, side: Any) -> Any:
        import numpy as np
        from scipy.linalg.lapack import get_lapack_funcs

        _, _, (r, u), (s, v) = self._schur
        (trsyl,) = get_lapack_funcs(("trsyl",), (r, s))
        y, scale, info = trsyl(r, s, u.conj().T @ side @ v)
        if info != 0 or scale == 0:
            raise np.linalg.LinAlgError(f"{self.name} is singular to working precision: it cannot be solved with")
        return (u @ (y / scale) @ v.conj().T).real

    def to_dense(self) -> Any:
        import numpy as np

        if self.subspace is not None:
            return super().to_dense()
        (a, c), (b, d) = self._full
        return np.kron(b, a) + np.kron(d, c)

    def _diagonal(self) -> Any:
        import numpy as np

        if self.subspace is not None:
            return super()._diagonal()
        (a, c), (b, d) = self._full
        return np.outer(a.diagonal(), b.diagonal()) + np.outer(c.diagonal(), d.diagonal())

    def slogdet(self) -> tuple[float, float]:
        import numpy as np

        p, q = self.array_shape
        if self._pencils is None:
            return self._slogdet_by_schur() if self.subspace is None else super().slogdet()
        left, right = self._pencils
        values = self._eigenvalues if self.subspace is None else self._eigenvalues[np.tril_indices(p)]
        with np.errstate(divide="ignore"):
            size = float(np.log(np.abs(values)).sum())
        change = q * left.logdet + p * right.logdet if self.subspace is None else (p + 1) * left.logdet
        return float(np.prod(np.sign(values))), size - 2 * change

    def _slogdet_by_schur(self) -> tuple[float, float]:
        import numpy as np

        p, q = self.array_shape
        try:
            c, b, (r, _), (s, _) = self._schur
        except np.linalg.LinAlgError:
            return super().slogdet()
        values = np.add.outer(np.diag(r), np.diag(s))
        (sc, lc), (sb, lb) = c.slogdet(), b.slogdet()
        with np.errstate(divide="ignore"):
            size = float(np.log(np.abs(values)).sum())
        phase = np.exp(1j * np.angle(values).sum()).real  # the values come in conjugate pairs
        return float(np.round(phase) * sc**q * sb**p), size + q * lc + p * lb

    def _inertia(self) -> Inertia:
        import numpy as np

        if self._pencils is None:
            return super()._inertia()
        values = self._eigenvalues if self.subspace is None else self._eigenvalues[np.tril_indices(self.array_shape[0])]
        return inertia_of(values)


def _pencil(a: Any, c: Any) -> Pencil | None:
    """Of two symmetric matrices of which one is safely positive definite; None of others."""
    import numpy as np
    from scipy.linalg import eigh

    if not (np.isfinite(a).all() and np.isfinite(c).all() and is_symmetric(a) and is_symmetric(c)):
        return None
    first, second = Factorization(a, "", True), Factorization(c, "", True)
    swapped = first.reciprocal_condition > second.reciprocal_condition if first.positive_definite else False
    if swapped or not second.positive_definite:
        first, second, swapped = second, first, True
    if not second.positive_definite or second.reciprocal_condition < np.sqrt(np.finfo(a.dtype).eps):
        return None
    values, x = eigh(first.matrix, second.matrix)
    ones = np.ones(len(values))
    logdet = -second.slogdet()[1] / 2
    return Pencil(x, ones, values, logdet) if swapped else Pencil(x, values, ones, logdet)


class Turned(LinearMap):
    """V -> inner(V') of square matrices: a map after the transposition, which is its own inverse."""

    def __init__(self, inner: LinearMap, name: str, symmetric: bool = True) -> None:
        super().__init__(inner.array_shape, name, symmetric)
        self.inner = inner

    def _apply(self, v: Any) -> Any:
        return self.inner._apply(v.swapaxes(-1, -2))

    def _solve(self, b: Any) -> Any:
        return self.inner._solve(b).swapaxes(-1, -2)

    def slogdet(self) -> tuple[float, float]:
        """The transposition has determinant (-1)^(n(n-1)/2)."""
        n = self.array_shape[0]
        sign, size = self.inner.slogdet()
        return sign * (-1.0) ** (n * (n - 1) // 2), size
