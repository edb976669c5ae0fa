"""Maps one after the other, and maps of which nothing is known but how they act."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from frechet.compilation.linear_maps.linear_map import DENSE_LIMIT, LinearMap
from frechet.compilation.linear_maps.subspace import Subspace


class Composed(LinearMap):
    """V -> outer(inner(V))."""

    def __init__(self, outer: LinearMap, inner: LinearMap, name: str, symmetric: bool = True) -> None:
        super().__init__(inner.array_shape, name, symmetric)
        self.outer = outer
        self.inner = inner

    def _apply(self, v: Any) -> Any:
        return self.outer._apply(self.inner._apply(v))

    def _solve(self, b: Any) -> Any:
        return self.inner._solve(self.outer._solve(b))

    def slogdet(self) -> tuple[float, float]:
        (s, first), (t, second) = self.outer.slogdet(), self.inner.slogdet()
        return s * t, first + second


class General(LinearMap):
    """V -> action(V), one array at a time; `diagonal` computes that of its matrix where there is a short way."""

    def __init__(
        self,
        array_shape: tuple[int, ...],
        action: Callable[[Any], Any],
        diagonal: Callable[[], Any] | None,
        name: str,
        symmetric: bool = True,
        subspace: Subspace | None = None,
    ) -> None:
        super().__init__(array_shape, name, symmetric, subspace)
        self.action = action
        self.short_diagonal = diagonal

    def _apply(self, v: Any) -> Any:
        import numpy as np

        arrays = v.reshape(-1, *self.array_shape)
        found = [np.broadcast_to(self.action(a), self.array_shape) for a in arrays]
        return np.stack(found).reshape(v.shape) if len(found) != 1 else found[0].reshape(v.shape)

    @cached_property
    def _known_diagonal(self) -> Any:
        import numpy as np

        return None if self.short_diagonal is None else np.array(self.short_diagonal())

    def _diagonal(self) -> Any:
        import numpy as np

        if self._known_diagonal is not None:
            return self._known_diagonal.copy()
        if self.size <= DENSE_LIMIT:
            return super()._diagonal()
        found = np.empty(self.size)
        for i in range(self.size):
            unit = np.zeros((self.size, 1))
            unit[i] = 1.0
            found[i] = self._flat(self._within(self._unflat(unit)))[i, 0]
        return self._unflat(found[:, None])[0]

    def _cheap_diagonal(self) -> Any:
        return self._known_diagonal
