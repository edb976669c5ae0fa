"""Maps of several variables together: block diagonal, an arrow with one dense border, any blocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from frechet.compilation.linear_maps.factorization import Factorization, Inertia
from frechet.compilation.linear_maps.linear_map import DENSE_LIMIT, LinearMap
from frechet.compilation.linear_maps.subspace import Subspace
from frechet.expressions.errors import ShapeError

Coupling = Callable[[Any], Any]
"""Of one array of variable j, what it adds to the result's part of variable i."""


class BlockMap(LinearMap):
    """A symmetric map of several variables: `maps` on its diagonal, couplings[i, j] off it; those not there are 0.

    Directions are given as a mapping from the variables' names to arrays, as a sequence of arrays, or flat, one variable
    behind the other with its columns stacked. Where every coupling touches one variable, the border, the others are
    eliminated and a Schur complement is left.

    Source:  Boyd & Vandenberghe (2004), appendix C.4; Golub & Van Loan (2013), section 3.2.11
    """

    def __init__(
        self,
        names: Sequence[str],
        maps: Sequence[LinearMap],
        couplings: Mapping[tuple[int, int], Coupling],
        name: str,
        border: int | None,
    ) -> None:
        size = sum(m.size for m in maps)
        self.names = tuple(names)
        self.maps = tuple(maps)
        self.couplings = couplings
        self.border = border
        subspace = None
        if any(m.subspace is not None for m in maps):
            subspace = ProductSpace(self)
        super().__init__((size,), name, True, subspace)

    def split(self, v: Any) -> list[Any]:
        """Flat arrays (…, N) as one array (…, *shape) of every variable."""
        found, start = [], 0
        for m in self.maps:
            part = v[..., start : start + m.size]
            found.append(m._unflat(part.reshape(-1, m.size).T).reshape((*v.shape[:-1], *m.array_shape)))
            start += m.size
        return found

    def join(self, parts: Sequence[Any]) -> Any:
        import numpy as np

        flat = []
        for m, part in zip(self.maps, parts, strict=True):
            before = part.shape[: part.ndim - len(m.array_shape)]
            flat.append(m._flat(part.reshape(-1, *m.array_shape)).T.reshape(*before, m.size))
        return np.concatenate(flat, axis=-1)

    def _mapped(self, v: Any, function: Callable[[Any], Any], what: str, several: bool) -> Any:
        import numpy as np

        if not isinstance(v, Mapping | tuple | list):
            return super()._mapped(v, function, what, several)
        given: Sequence[Any]
        if isinstance(v, Mapping):
            missing = [n for n in self.names if n not in v]
            if missing:
                raise ShapeError(f"{what} of {self.name} needs a direction for {missing[0]}")
            given = [v[n] for n in self.names]
        else:
            given = v
        if len(given) != len(self.maps):
            raise ShapeError(f"{what} of {self.name} takes {len(self.maps)} arrays, not {len(given)}")
        parts = [np.asarray(p, dtype=float) for p in given]
        for n, m, p in zip(self.names, self.maps, parts, strict=True):
            if p.shape != m.array_shape:
                shown = "×".join(map(str, m.array_shape)) or "a number"
                raise ShapeError(f"{what} of {self.name} takes {shown} for {n}, not {'×'.join(map(str, p.shape))}")
        found = dict(zip(self.names, self.split(function(self.join(parts))), strict=True))
        return found if isinstance(v, Mapping) else type(v)(found.values())

    def _is_several(self, v: Any) -> bool:
        return not isinstance(v, Mapping | tuple | list) and super()._is_several(v)

    def _coupled(self, i: int, j: int, v: Any) -> Any:
        """couplings[i, j] of arrays with axes before those of variable j."""
        import numpy as np

        shape, target = self.maps[j].array_shape, self.maps[i].array_shape
        arrays = v.reshape(-1, *shape)
        before = v.shape[: v.ndim - len(shape)]
        found = [np.broadcast_to(self.couplings[i, j](a), target) for a in arrays]
        return np.stack(found).reshape((*before, *target))

    def _apply(self, v: Any) -> Any:
        parts = self.split(v)
        results = [m._apply(p) for m, p in zip(self.maps, parts, strict=True)]
        for i, j in self.couplings:
            results[i] = results[i] + self._coupled(i, j, parts[j])
        return self.join(results)

    def _diagonal(self) -> Any:
        return self.join([m._diagonal() for m in self.maps])

    def _cheap_diagonal(self) -> Any:
        found = [m._cheap_diagonal() for m in self.maps]
        return None if any(d is None for d in found) else self.join(found)

    # -- by elimination
    @property
    def _eliminates(self) -> bool:
        return not self.couplings or (self.border is not None and self.maps[self.border].dimension <= DENSE_LIMIT)

    @cached_property
    def _sides(self) -> dict[int, tuple[Any, Any]]:
        """For every variable coupled to the border: its flat coupling E, N_i×d, and H_ii^-1*E."""
        assert self.border is not None
        b = self.maps[self.border]
        columns = b._unflat(_basis(b))
        found = {}
        for i, j in self.couplings:
            if j == self.border:
                e = self._coupled(i, j, columns)
                found[i] = self.maps[i]._flat(e), self.maps[i]._flat(self.maps[i]._solve(e))
        return found

    @cached_property
    def _complement(self) -> Factorization:
        """The Schur complement of the border in an orthonormal basis of its space."""
        import numpy as np

        assert self.border is not None
        b = self.maps[self.border]
        basis = _basis(b)
        s = basis.T @ b._flat(b._apply(b._unflat(basis)))
        scale = float(np.abs(s).sum(axis=0).max())
        for e, solved in self._sides.values():
            eliminated = e.T @ solved
            scale += float(np.abs(eliminated).sum(axis=0).max())
            s = s - eliminated
        return Factorization((s + s.T) / 2, self.name, True, scale)

    def _solve(self, rhs: Any) -> Any:
        if not self._eliminates:
            return super()._solve(rhs)
        parts = self.split(rhs.reshape(-1, self.size))
        if not self.couplings:
            solved = [m._solve(p) for m, p in zip(self.maps, parts, strict=True)]
            return self.join(solved).reshape(rhs.shape)
        assert self.border is not None
        b = self.maps[self.border]
        found = [None if i == self.border else m._solve(p) for i, (m, p) in enumerate(zip(self.maps, parts, strict=True))]
        rest = _basis(b).T @ b._flat(parts[self.border])
        for i, (e, _) in self._sides.items():
            rest = rest - e.T @ self.maps[i]._flat(found[i])
        y = self._complement.solve(rest)
        found[self.border] = b._unflat(_basis(b) @ y)
        for i, (_, solved) in self._sides.items():
            found[i] = found[i] - self.maps[i]._unflat(solved @ y)
        return self.join(found).reshape(rhs.shape)

    def slogdet(self) -> tuple[float, float]:
        import numpy as np

        if not self._eliminates:
            return super().slogdet()
        try:
            parts = [m.slogdet() for i, m in enumerate(self.maps) if i != self.border or not self.couplings]
            if self.couplings:
                parts.append(self._complement.slogdet())
        except np.linalg.LinAlgError:
            return super().slogdet()
        return float(np.prod([s for s, _ in parts])), float(sum(size for _, size in parts))

    def _inertia(self) -> Inertia:
        """Haynsworth: that of the blocks eliminated plus that of the Schur complement."""
        import numpy as np

        if not self._eliminates:
            return super()._inertia()
        try:
            parts = [m.inertia() for i, m in enumerate(self.maps) if i != self.border or not self.couplings]
            if self.couplings:
                parts.append(self._complement.inertia())
                if any(p.zero for p in parts[:-1]):
                    return super()._inertia()
        except np.linalg.LinAlgError:
            return super()._inertia()
        return Inertia(*(sum(counts) for counts in zip(*parts, strict=True)))


class ProductSpace(Subspace):
    """The directions of all variables together."""

    def __init__(self, blocks: BlockMap) -> None:
        self.blocks = blocks
        words = ", ".join(m.subspace.words if m.subspace else "all" for m in blocks.maps)
        super().__init__((sum(m.size for m in blocks.maps),), self._projected, words)

    def _projected(self, v: Any) -> Any:
        parts = self.blocks.split(v)
        maps = self.blocks.maps
        return self.blocks.join(
            [p if m.subspace is None else m.subspace.project(p) for m, p in zip(maps, parts, strict=True)]
        )

    @cached_property
    def basis(self) -> Any:
        from scipy.linalg import block_diag

        return block_diag(*map(_basis, self.blocks.maps))

    @property
    def dimension(self) -> int:
        return sum(m.dimension for m in self.blocks.maps)


def _basis(m: LinearMap) -> Any:
    import numpy as np

    return np.eye(m.size) if m.subspace is None else m.subspace.basis
