"""Problems for pymanopt."""

from __future__ import annotations

import numpy as np
import pytest

import frechet as fr

pymanopt = pytest.importorskip("pymanopt")

rng = np.random.default_rng(5)
A = rng.normal(size=(6, 6))
A = A + A.T
LOWEST = np.linalg.eigvalsh(A)


def minimum(problem: object) -> tuple[float, object]:
    np.random.seed(0)  # pymanopt draws its starting point from NumPy's global generator
    result = pymanopt.optimizers.TrustRegions(verbosity=0).run(problem)
    return result.cost, result.point


def test_rayleigh_quotient_on_the_sphere() -> None:
    cost, x = minimum(fr.problem("x'*A*x", "x", {"A": A}, declare=["x: sphere"]).manifold_problem())
    assert cost == pytest.approx(LOWEST[0]) and np.linalg.norm(x) == pytest.approx(1)


@pytest.mark.parametrize("name", ["Stiefel", "Grassmann"])
def test_lowest_eigenspace(name: str) -> None:
    p = fr.problem("tr(X'*A*X)", "X", {"A": A}, declare=["X: n×k orthogonal"], sizes={"k": 2})
    manifold = getattr(pymanopt.manifolds, name)(6, 2)
    assert minimum(p.manifold_problem(manifold))[0] == pytest.approx(LOWEST[:2].sum())


def test_the_declared_manifold_is_the_default() -> None:
    p = fr.problem("tr(X'*A*X)", "X", {"A": A}, declare=["X: n×k orthogonal"], sizes={"k": 2})
    assert isinstance(p.manifold_problem().manifold, pymanopt.manifolds.Stiefel)


# At the minimum pymanopt takes the root of a squared norm that rounding made negative, with gradients by hand as well.
@pytest.mark.filterwarnings("ignore:invalid value encountered in sqrt:RuntimeWarning")
def test_covariance_on_positive_definite_matrices() -> None:
    c = np.cov(rng.normal(size=(4, 30)))
    p = fr.problem("logdet(S) + tr(inv(S)*C)", "S", {"C": c}, declare=["S: spd"])
    assert np.allclose(minimum(p.manifold_problem())[1], c, atol=1e-6)


def test_several_variables_are_a_product() -> None:
    t = rng.normal(size=(6, 3)) @ rng.normal(size=(3, 5))
    p = fr.problem("norm2(T - Q*M)^2", ["Q", "M"], {"T": t}, declare=["Q: n×k orthogonal"], sizes={"k": 3})
    cost, (q, m) = minimum(p.manifold_problem())
    assert cost == pytest.approx(0, abs=1e-10) and np.allclose(q @ m, t, atol=1e-5)


@pytest.mark.parametrize(("formula", "declare", "sizes"), [
    ("tr(X'*A*X)^2 + tr(X'*X*X'*A*X)", "X: n×k orthogonal", {"k": 2}),
    ("exp(x'*A*x/9)", "x: sphere", {}),
    ("tr(X*A*X) + logdet(X)", "X: spd", {}),
])  # fmt: skip
def test_gradient_and_hessian_by_pymanopts_own_geometry(formula: str, declare: str, sizes: dict[str, int]) -> None:
    name = declare[0]
    q = fr.problem(formula, name, {"A": A}, declare=[declare], sizes=sizes).manifold_problem()
    np.random.seed(1)
    point, step = q.manifold.random_point(), None
    step = q.manifold.random_tangent_vector(point)
    gradient, hessian = q.riemannian_gradient(point), q.riemannian_hessian(point, step)
    remainders = []
    for t in (1e-2, 5e-3):
        second = t * q.manifold.inner_product(point, gradient, step) + t * t / 2 * q.manifold.inner_product(
            point, hessian, step
        )
        remainders.append(abs(q.cost(q.manifold.exp(point, t * step)) - q.cost(point) - second))
    assert np.log2(remainders[0] / remainders[1]) > 2.5  # of third order along a geodesic


def test_manifolds_that_do_not_fit_are_refused() -> None:
    p = fr.problem("x'*A*x", "x", {"A": A})
    with pytest.raises(fr.ShapeError, match=r"x has the shape \(6,\), and a point of .* \(5,\)"):
        p.manifold_problem(pymanopt.manifolds.Sphere(5))
    with pytest.raises(fr.ShapeError, match="arrays, and the variables are 1: x"):
        p.manifold_problem(pymanopt.manifolds.FixedRankEmbedded(6, 6, 2))
    with pytest.raises(fr.UnsupportedError, match="no manifold for X, declared lower"):
        fr.problem("tr(X*A)", "X", {"A": A}, declare=["X: lower"]).manifold_problem()
