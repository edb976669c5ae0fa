"""The spaces of declared structures in numbers: projections to directions, retractions, and the metrics of manifolds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from frechet.expressions.node import Expr
from frechet.expressions.space import rank
from frechet.operations.constants import mask_of
from frechet.verification.sampling import linear_structure, projected


def tangent(x: Expr, values: Mapping[str, Any], v: Any) -> Any:
    """The orthogonal projection of v to the directions in which the variable may move from its value.

    values: of x, and of its mask where it is declared sparse
    Source: Absil, Mahony & Sepulchre (2008), section 3.6; Vandereycken (2013), section 2.1
    """
    import numpy as np

    here, words = values[x.params[0]], x.params[1]
    if "orthogonal" in words:  # v with xᴴv skew
        return v - here @ (here.conj().T @ v + v.conj().T @ here) / 2
    if "sphere" in words:
        return v - np.sum(here * v) * here
    r = rank(words)
    if r is not None:
        left, s, right = np.linalg.svd(here, full_matrices=False)
        keep = s > 1e-10 * s[0]
        p, q = left[:, keep] @ left[:, keep].T, right[keep].T @ right[keep]
        return p @ v + v @ q - p @ v @ q
    mask = mask_of(x)
    if mask is not None:
        v = v * values[mask.params[0]]
    return projected(v, linear_structure(x))


def retracted(x: Expr, there: Any, sizes: Mapping[str, int]) -> Any:
    """The point of the variable's manifold nearest to an array; the array itself in a linear space.

    Source: Absil & Malick (2012), section 3 (projective retractions)
    """
    import numpy as np

    words = x.params[1]
    if "orthogonal" in words:
        left, _, right = np.linalg.svd(there, full_matrices=False)
        return left @ right
    if "sphere" in words:
        return there / np.linalg.norm(there)
    r = rank(words)
    if r is not None:
        left, s, right = np.linalg.svd(there, full_matrices=False)
        k = r.size(sizes)
        return (left[:, :k] * s[:k]) @ right[:k]
    return there


def metric_product(metric: str, here: Any, u: Any, v: Any) -> Any:
    """The inner product of two directions at a point under a metric, by the definition of the metric.

    Source: Pennec, Fillard & Ayache (2006); Edelman, Arias & Smith (1998), eq. 2.39; Amari (1998)
    """
    import numpy as np

    if metric == "affine-invariant":  # tr(inv(S)*U*inv(S)*V)
        return np.trace(np.linalg.solve(here, u) @ np.linalg.solve(here, v))
    if metric == "bures-wasserstein":  # tr(L*V)/2 with S*L + L*S = U
        from scipy.linalg import solve_sylvester

        return np.sum(solve_sylvester(here, here, u) * v) / 2
    if metric == "canonical":  # Re tr(Uᴴ*(I - X*Xᴴ/2)*V)
        along = here.conj().T
        return np.vdot(u, v).real - np.vdot(along @ u, along @ v).real / 2
    if metric == "fisher":  # sum(u.*v./p)
        return np.sum(u * v / here)
    return np.vdot(u, v).real
