"""Problems for pymanopt: cost, Euclidean gradient and Hessian of a function on a manifold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from frechet.expressions.errors import ShapeError, UnsupportedError
from frechet.expressions.node import Expr
from frechet.expressions.space import space_names

if TYPE_CHECKING:
    from frechet.interfaces.optimization.problem import Problem


def manifold_problem(problem: Problem, manifold: Any = None) -> Any:
    """The pymanopt.Problem that minimizes the function on a manifold.

    manifold: of pymanopt; the one that the variables are declared to be on where not given. For several variables it is a
        pymanopt.manifolds.Product, with one manifold each, in their order

    The gradient and the Hessian are those of the function as it is written, in the space of all arrays: pymanopt projects
    them.

    Raises:  ShapeError, where the function is not scalar or the manifold does not fit the variables;
             UnsupportedError, for a variable whose manifold has no counterpart
    """
    import numpy as np
    import pymanopt
    from pymanopt.manifolds import Product

    problem.cotangents  # noqa: B018 (says that the function must be scalar)
    names = list(problem.variables)
    if manifold is None:
        each = [manifold_of(problem.variables[name], problem.shapes[name]) for name in names]
        manifold = each[0] if len(each) == 1 else Product(each)
    if manifold.num_values != len(names):
        raise ShapeError(
            f"a point of {manifold} is {manifold.num_values} arrays, and the variables are {len(names)}: {', '.join(names)}"
        )
    point = manifold.random_point()
    for name, array in zip(names, [point] if len(names) == 1 else point, strict=True):
        if np.shape(array) != problem.shapes[name]:
            raise ShapeError(f"{name} has the shape {problem.shapes[name]}, and a point of {manifold} {np.shape(array)}")

    def one_or_all(found: Any) -> Any:
        return np.asarray(found[0]) if len(names) == 1 else [np.asarray(a) for a in found]

    def cost(*point: Any) -> Any:
        return float(problem.value_and_cotangents(**dict(zip(names, point, strict=True)))[0])

    def gradient(*point: Any) -> Any:
        return one_or_all(problem.value_and_cotangents(**dict(zip(names, point, strict=True)))[1:])

    def hessian(*point_and_step: Any) -> Any:
        return one_or_all(problem.hessian_action(**dict(zip([*names, *problem.directions], point_and_step, strict=True))))

    decorated = pymanopt.function.numpy(manifold)
    return pymanopt.Problem(
        manifold, decorated(cost), euclidean_gradient=decorated(gradient), euclidean_hessian=decorated(hessian)
    )


def manifold_of(v: Expr, shape: tuple[int, ...]) -> Any:
    """The manifold of pymanopt that a variable is declared to be on.

    Raises:  UnsupportedError, where there is none
    """
    from pymanopt import manifolds

    names = space_names(*v.params[1:3])
    if names == ("symmetric",):
        positive = "spd" in v.params[1] or v.params[2] == "spd"
        return (manifolds.SymmetricPositiveDefinite if positive else manifolds.Symmetric)(shape[0])
    if names == ("skew",):
        return manifolds.SkewSymmetric(shape[0])
    if names == ("sphere",):
        return manifolds.Sphere(*shape)
    if names == ("orthogonal",) and len(shape) == 2:
        return manifolds.Stiefel(*shape)
    if not names and v.real:
        return manifolds.Positive(*shape) if v.params[2] == "positive" and shape else manifolds.Euclidean(*(shape or (1,)))
    declared = " ".join(v.params[1]) or v.params[2]
    raise UnsupportedError(
        f"pymanopt has no manifold for {v.params[0]}, declared {declared}: give one to manifold_problem()"
    )
