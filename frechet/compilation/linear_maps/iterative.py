"""Krylov methods for maps that are known by their products: conjugate gradients, MINRES where that meets an indefinite map.

Source:  Golub & Van Loan (2013), sections 11.3 and 11.4; Nocedal & Wright (2006), section 7.1, for negative curvature
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from frechet.compilation.linear_maps.linear_map import LinearMap

TOLERANCE = 1e-10  # of the residual, relative to the right-hand side


def solved(linear_map: LinearMap, b: Any) -> Any:
    """Solutions for right-hand sides along the axes before the map's own.

    Raises:  numpy.linalg.LinAlgError, by the map's name, where the iteration does not reach the tolerance
    """
    import numpy as np

    inverse = linear_map._inverse_diagonal()
    if linear_map.subspace is not None:
        inverse = None  # D^-1 leaves the space
    sides = b.reshape(-1, *linear_map.array_shape)
    return np.stack([_one(linear_map, side, inverse) for side in sides]).reshape(b.shape)


def _one(linear_map: LinearMap, b: Any, inverse: Any) -> Any:
    import numpy as np

    if not np.isfinite(b).all():
        return np.full_like(b, np.nan)
    steps = min(10 * linear_map.dimension, 20_000)
    x = conjugate_gradients(linear_map._apply, b, inverse, steps) if linear_map.symmetric else None
    if x is None:
        x = _by_scipy(linear_map, b, steps)
    size = float(np.linalg.norm(b - linear_map._apply(x)) / (np.linalg.norm(b) or 1.0))
    if size > 1e3 * TOLERANCE:
        method = "CG and MINRES" if linear_map.symmetric else "GMRES"
        raise np.linalg.LinAlgError(
            f"{linear_map.name}: solve did not converge: after {steps} steps of {method} the residual is {size:.1e}"
        )
    return x


def conjugate_gradients(apply: Callable[[Any], Any], b: Any, inverse: Any, steps: int) -> Any:
    """The solution, or None where a direction of negative curvature turns up or the steps do not suffice."""
    import numpy as np

    x, r = np.zeros_like(b), b.copy()
    z = r if inverse is None else inverse * r
    p, rz = z.copy(), float(np.vdot(r, z))
    goal = TOLERANCE * float(np.linalg.norm(b))
    for _ in range(steps):
        if np.linalg.norm(r) <= goal:
            return x
        q = apply(p)
        curvature = float(np.vdot(p, q))
        if not curvature > 0:
            return None
        step = rz / curvature
        x = x + step * p
        r = r - step * q
        z = r if inverse is None else inverse * r
        rz, before = float(np.vdot(r, z)), rz
        p = z + (rz / before) * p
    return None


def _by_scipy(linear_map: LinearMap, b: Any, steps: int) -> Any:
    from scipy.sparse.linalg import gmres, minres

    flat = linear_map._flat(b[None])[:, 0]
    operator, near = linear_map.as_linear_operator(), linear_map.preconditioner
    if linear_map.subspace is not None:
        near = None
    if linear_map.symmetric:
        x, _ = minres(operator, flat, rtol=TOLERANCE / 100, maxiter=steps, M=near)
    else:
        x, _ = gmres(operator, flat, rtol=TOLERANCE, atol=0.0, maxiter=steps // 50 + 10, restart=50, M=near)
    return linear_map._unflat(x[:, None])[0]
