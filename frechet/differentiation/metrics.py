"""Riemannian gradients: the representer of the derivative under a metric of the variable's manifold.

`Derivative.gradient` is the representer under the metric ⟨U,V⟩ = tr(U'*V) that the manifold has as a part of its space of
matrices. Other metrics give other gradients of the same derivative; each is a linear map of that one.
"""

from __future__ import annotations

from collections.abc import Callable

from frechet.differentiation.structure import projected, symmetric_part
from frechet.expressions.errors import ShapeError
from frechet.expressions.node import Expr
from frechet.expressions.space import space_names
from frechet.operations.hadamard import times
from frechet.operations.products import inner, product, scale
from frechet.operations.sums import add, subtract
from frechet.operations.transposition import conjugate_transposed


def _affine_invariant(g: Expr, s: Expr) -> Expr:
    """S*sym(G)*S: of tr(inv(S)*U*inv(S)*V). Boumal (2023), section 11.7; Pennec, Fillard & Ayache (2006)."""
    return product(s, symmetric_part(g), s)


def _bures_wasserstein(g: Expr, s: Expr) -> Expr:
    """2*(sym(G)*S + S*sym(G)): of tr(L*V)/2 where S*L + L*S = U. Han, Mishra, Jawanpuria & Gao (2021), table 1."""
    g = symmetric_part(g)
    return add([(2, product(g, s)), (2, product(s, g))])


def _canonical(g: Expr, x: Expr) -> Expr:
    """G - X*Gᴴ*X: of Re tr(Uᴴ*(I-X*Xᴴ/2)*V). Edelman, Arias & Smith (1998), eq. 2.53."""
    return subtract(g, product(x, conjugate_transposed(g), x))


def _fisher(g: Expr, p: Expr) -> Expr:
    """p.*g - (p'*g)*p: of sum(u.*v./p). Amari (1998), theorem 1: the natural gradient."""
    return subtract(times(p, g), scale(inner(p, g), p))


METRICS: dict[str, dict[str, Callable[[Expr, Expr], Expr]]] = {
    "spd": {"affine-invariant": _affine_invariant, "bures-wasserstein": _bures_wasserstein},
    "orthogonal": {"canonical": _canonical},
    "simplex": {"fisher": _fisher},
}
MEANING = {  # of the metrics, in the text notation
    "euclidean": "tr(U'*V)", "affine-invariant": "tr(inv({x})*U*inv({x})*V)", "canonical": "tr(U'*(I - {x}*{x}'/2)*V)",
    "bures-wasserstein": "tr(L*V)/2 where {x}*L + L*{x} = U", "fisher": "sum(u.*v./{x})",
}  # fmt: skip


def manifold_of(x: Expr) -> str | None:
    """The variable's manifold by name, where it has metrics of its own."""
    names = space_names(*x.params[1:3])
    if names == ("symmetric",) and "spd" in x.params[1]:
        return "spd"
    return names[0] if len(names) == 1 and names[0] in METRICS else None


def metrics_of(x: Expr) -> tuple[str, ...]:
    """The names of the metrics there are for the variable, those of its manifold first."""
    manifold = manifold_of(x)
    return (*(METRICS[manifold] if manifold is not None else ()), "euclidean")


def riemannian_gradient(g: Expr, x: Expr, metric: str | None = None) -> Expr:
    """The gradient under a metric, from the representer g of the derivative in the space of all arrays.

    Raises:  ShapeError, for a metric that the variable's space does not have
    """
    known = metrics_of(x)
    metric = known[0] if metric is None else metric
    if metric not in known:
        raise ShapeError(f"the metrics for {x.params[0]} are {', '.join(known)}, not {metric!r}")
    manifold = manifold_of(x)
    if metric == "euclidean" or manifold is None:
        return projected(g, x)
    return METRICS[manifold][metric](g, x)
