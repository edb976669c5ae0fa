"""A map that is easy to solve plus one of low rank."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from frechet.compilation.linear_maps.factorization import Factorization, Inertia, inertia_of
from frechet.compilation.linear_maps.linear_map import LinearMap


class LowRankUpdate(LinearMap):
    """base + U*W', U and W the flat arrays in N×r matrices.

    Source:  Golub & Van Loan (2013), section 2.1.4: (B + U*W')^-1 = B^-1 - B^-1*U*(I + W'*B^-1*U)^-1*W'*B^-1
    """

    def __init__(self, base: LinearMap, u: Any, w: Any, name: str, symmetric: bool = True) -> None:
        super().__init__(base.array_shape, name, symmetric, base.subspace)
        self.base = base
        self.u = u
        self.w = w

    def _apply(self, v: Any) -> Any:
        flat = self._flat(v.reshape(-1, *self.array_shape))
        update = self._unflat(self.u @ (self.w.T @ flat)).reshape(v.shape)
        return self.base._apply(v) + update

    @cached_property
    def _solved_u(self) -> Any:
        """B^-1*U."""
        return self._flat(self.base._solve(self._unflat(self.u)))

    @cached_property
    def _capacitance(self) -> Factorization:
        """I + W'*B^-1*U, r×r."""
        import numpy as np

        product = self.w.T @ self._solved_u
        scale = 1.0 + float(np.abs(product).sum(axis=0).max(initial=0.0))
        rounding = max(16.0, float(np.sqrt(self.size)))  # of a sum over the variable's entries
        return Factorization(np.eye(len(product)) + product, self.name, scale=scale * rounding)

    def _solve(self, b: Any) -> Any:
        first = self._flat(self.base._solve(b.reshape(-1, *self.array_shape)))
        x = first - self._solved_u @ self._capacitance.solve(self.w.T @ first)
        return self._unflat(x).reshape(b.shape)

    def _diagonal(self) -> Any:
        if self.subspace is not None:
            return super()._diagonal()
        update = (self.u * self.w).sum(axis=1)
        return self.base._diagonal() + self._unflat(update[:, None])[0]

    def slogdet(self) -> tuple[float, float]:
        import numpy as np

        try:
            sign, size = self.base.slogdet()
            if sign == 0:
                raise np.linalg.LinAlgError
            s, more = self._capacitance.slogdet()
        except np.linalg.LinAlgError:
            return super().slogdet()
        return sign * s, size + more

    def _inertia(self) -> Inertia:
        """By Haynsworth's formula: U*W' = Z*diag(m)*Z', and In(B + Z*m*Z') = In(B) + In(-(1/m + Z'*B^-1*Z)) - In(-1/m)."""
        import numpy as np

        base = self.base._inertia()
        if base.zero:
            return super()._inertia()
        q, triangle = np.linalg.qr(np.hstack([self.u, self.w]))
        r = self.u.shape[1]
        core = triangle[:, :r] @ triangle[:, r:].T
        m, vectors = np.linalg.eigh((core + core.T) / 2)
        kept = np.abs(m) > len(m) * np.finfo(m.dtype).eps * np.max(np.abs(m), initial=0.0)
        m, z = m[kept], q @ vectors[:, kept]
        inner = z.T @ self._flat(self.base._solve(self._unflat(z)))
        scale = max(np.max(np.abs(inner), initial=0.0), np.max(1 / np.abs(m), initial=0.0))
        inner = inner + np.diag(1 / m)
        first, second = inertia_of(-np.linalg.eigvalsh((inner + inner.T) / 2), scale), inertia_of(-1 / m)
        parts = zip(base, first, second, strict=True)
        return Inertia(*(a + b - c for a, b, c in parts))
