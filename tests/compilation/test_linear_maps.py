"""The maps in numbers, each against its matrix: factorizations, Krylov methods, closed forms at their edges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from frechet.compilation.linear_maps import iterative, linear_map
from frechet.compilation.linear_maps.factorization import Factorization, Inertia, inertia_of
from frechet.compilation.linear_maps.general import General
from frechet.compilation.linear_maps.kronecker import Kronecker, KroneckerSum
from frechet.compilation.linear_maps.linear_map import LinearMap
from frechet.compilation.linear_maps.low_rank import LowRankUpdate
from frechet.compilation.linear_maps.matrices import Dense, Entrywise, Inverse
from frechet.compilation.linear_maps.slices import Slices
from frechet.compilation.linear_maps.subspace import Subspace, SymmetricMatrices

RNG = np.random.default_rng(7)


def spd(n: int) -> Any:
    a = RNG.standard_normal((n, n))
    return a @ a.T / n + np.eye(n)


def indefinite(n: int) -> Any:
    q = np.linalg.qr(RNG.standard_normal((n, n)))[0]
    return q @ np.diag(np.linspace(-1, 2, n) + 0.01) @ q.T


def general(matrix: Any, symmetric: bool = True, diagonal: Any = None) -> General:
    return General((len(matrix),), lambda v: matrix @ v, diagonal, "the test", symmetric)


def kronecker(p: int, q: int) -> Kronecker:
    return Kronecker((p, q), 2.0, Dense(spd(p), "left"), Dense(indefinite(q), "right"), "the test")


MAPS: dict[str, Callable[[], LinearMap]] = {
    "entrywise": lambda: Entrywise((3, 4), RNG.uniform(1, 2, (3, 4)), "the test"),
    "scaled identity": lambda: Entrywise((3, 4), -2.0, "the test"),
    "dense": lambda: Dense(indefinite(5), "the test", True),
    "inverse": lambda: Inverse(Dense(spd(5), "the test", True)),
    "kronecker": lambda: kronecker(3, 4),
    "kronecker with one identity": lambda: Kronecker((3, 4), -1.0, None, Dense(spd(4), "right"), "the test"),
    "sum, one side identity": lambda: KroneckerSum((3, 4), (spd(3), None), (None, indefinite(4)), "the test"),
    "sum, definite": lambda: KroneckerSum((3, 4), (spd(3), indefinite(3)), (indefinite(4), spd(4)), "the test"),
    "sum, indefinite": lambda: KroneckerSum(
        (3, 4), (indefinite(3), indefinite(3)), (indefinite(4), indefinite(4)), "the test"
    ),
    "sum, singular parts": lambda: KroneckerSum(
        (2, 2), (np.diag([1.0, 0]), np.diag([0, 1.0])), (np.eye(2), np.eye(2)), "the test"
    ),
    "rows": lambda: Slices((3, 4), 0, np.stack([spd(4), indefinite(4), spd(4)]), "the test"),
    "columns": lambda: Slices((4, 2), 1, np.stack([spd(4), indefinite(4)]), "the test"),
    "low rank": lambda: low_rank(Entrywise((6,), RNG.uniform(1, 2, 6), "the test")),
    "low rank, singular base": lambda: LowRankUpdate(
        Entrywise((3,), np.array([0.0, 1, 2]), "the test"), np.eye(3)[:, :1], np.eye(3)[:, :1], "the test"
    ),
    "low rank on kronecker": lambda: low_rank(kronecker(2, 3)),
    "general": lambda: general(indefinite(6)),
}


def low_rank(base: LinearMap) -> LowRankUpdate:
    u = RNG.standard_normal((base.size, 2))
    return LowRankUpdate(base, u, u @ np.diag([1.0, -0.5]), "the test")


@pytest.mark.parametrize("name", MAPS)
def test_closed_forms_agree_with_the_matrix(name: str) -> None:
    found = MAPS[name]()
    matrix = np.stack([found.matvec(e) for e in np.eye(found.size)], axis=1)
    assert np.allclose(found.to_dense(), matrix)
    assert np.allclose(np.ravel(found.diagonal(), order="F"), np.diag(matrix))
    assert np.isclose(found.trace(), np.trace(matrix))
    assert np.allclose(found.slogdet(), np.linalg.slogdet(matrix))
    b = RNG.standard_normal((found.size, 2))
    assert np.allclose(matrix @ found.solve(b), b)
    values = np.linalg.eigvalsh(matrix)
    assert found.inertia() == (np.sum(values > 0), np.sum(values < 0), 0)


def test_sums_of_nonsymmetric_factors_are_solved_by_schur_factors() -> None:
    a, c, b, d = (RNG.standard_normal((n, n)) + 2 * np.eye(n) for n in (3, 3, 4, 4))
    found = KroneckerSum((3, 4), (a, c), (b, d), "the test", symmetric=False)
    v = RNG.standard_normal((3, 4))
    assert np.allclose(found.matvec(v), a @ v @ b.T + c @ v @ d.T)
    assert np.allclose(found.matvec(found.solve(v)), v)
    assert np.allclose(found.slogdet(), np.linalg.slogdet(found.to_dense()))


def test_several_arrays_along_a_last_axis_or_as_columns() -> None:
    found = kronecker(3, 4)
    v = RNG.standard_normal((3, 4, 5))
    columns = np.stack([np.ravel(v[..., i], order="F") for i in range(5)], axis=1)
    assert np.allclose(found.matmat(v)[..., 2], found.matvec(v[..., 2]))
    assert np.allclose(found.matmat(columns), found.to_dense() @ columns)
    assert np.allclose(found.solve(v)[..., 2], found.solve(v[..., 2]))
    assert np.allclose(found.solve(found.matmat(columns)), columns)


def test_symmetric_matrices() -> None:
    space = SymmetricMatrices(4)
    same = Subspace((4, 4), space.project, "symmetric")
    assert space.dimension == same.dimension == 10
    assert np.allclose(space.basis.T @ space.basis, np.eye(10))
    assert np.allclose(space.basis @ space.basis.T, same.basis @ same.basis.T)
    left = Dense(indefinite(4), "left")
    found = Kronecker((4, 4), -2.0, left, left, "the test", subspace=space)
    inner = space.basis.T @ found.to_dense() @ space.basis
    values = np.linalg.eigvalsh(inner)
    assert np.allclose(found.slogdet(), np.linalg.slogdet(inner))
    assert found.inertia() == (np.sum(values > 0), np.sum(values < 0), 0)


# -- iterations
@pytest.fixture
def only_products(monkeypatch: pytest.MonkeyPatch) -> None:
    """No map is small enough for its matrix."""
    monkeypatch.setattr(linear_map, "DENSE_LIMIT", 0)


@pytest.mark.usefixtures("only_products")
@pytest.mark.parametrize("preconditioned", [True, False])
def test_iterations(preconditioned: bool) -> None:
    for matrix in (spd(40), indefinite(40)):
        d = np.array(np.diag(matrix))
        found = general(matrix, diagonal=(lambda d=d: d) if preconditioned else None)
        b = RNG.standard_normal((40, 2))
        assert np.allclose(matrix @ found.solve(b), b, atol=1e-6)
        with pytest.raises(np.linalg.LinAlgError, match="slogdet of the test has no closed form"):
            found.slogdet()
    plain = RNG.standard_normal((40, 40)) + 12 * np.eye(40)
    b = RNG.standard_normal(40)
    assert np.allclose(plain @ general(plain, symmetric=False).solve(b), b, atol=1e-6)
    assert np.isnan(found.solve(np.full(40, np.nan))).all()
    assert not found.solve(np.zeros(40)).any()


@pytest.mark.usefixtures("only_products")
def test_an_iteration_that_does_not_converge_says_so() -> None:
    singular = np.diag(np.r_[np.zeros(5), np.ones(35)])
    with pytest.raises(np.linalg.LinAlgError, match="the test: solve did not converge: after 400 steps of CG and MINRES"):
        general(singular).solve(np.ones(40))


def test_conjugate_gradients_stop_at_negative_curvature() -> None:
    matrix = indefinite(10)
    assert iterative.conjugate_gradients(lambda v: matrix @ v, np.ones(10), None, 100) is None


# -- singular, NaN
def test_what_cancels_is_singular() -> None:
    """I - x*x'/‖x‖² is singular, which its 1×1 capacitance shows by its scale only."""
    x = RNG.standard_normal((6, 1))
    found = LowRankUpdate(Entrywise((6,), 1.0, "the test"), -x, x / np.sum(x * x), "the test")
    with pytest.raises(np.linalg.LinAlgError, match="the test is singular to working precision"):
        found.solve(RNG.standard_normal(6))
    assert found.inertia() == (5, 0, 1)


def test_singular_slices_name_the_row() -> None:
    found = Slices((2, 2), 0, np.stack([np.eye(2), np.ones((2, 2))]), "the test")
    with pytest.raises(np.linalg.LinAlgError, match="the test is singular to working precision in row 1"):
        found.solve(np.array([[1.0, 2], [3, 5]]))


def test_factorizations() -> None:
    for matrix in (spd(5), indefinite(5), RNG.standard_normal((5, 5)), -np.eye(5)):
        factors = Factorization(matrix, "the test")
        b = RNG.standard_normal((5, 3))
        assert np.allclose(matrix @ factors.solve(b), b)
        assert np.allclose(factors.slogdet(), np.linalg.slogdet(matrix))
    assert Factorization(np.zeros((2, 2)), "the test").slogdet() == (0.0, -np.inf)
    assert np.isnan(Factorization(np.full((2, 2), np.nan), "the test").solve(np.ones((2, 1)))).all()
    assert inertia_of(np.array([1.0, -2.0, 1e-17])) == Inertia(1, 1, 1)
    with pytest.raises(np.linalg.LinAlgError, match="not finite"):
        inertia_of(np.array([np.nan]))


def test_logdet_of_a_negative_determinant_has_no_value() -> None:
    with pytest.raises(np.linalg.LinAlgError, match="the test has a determinant that is negative"):
        Entrywise((3,), -1.0, "the test").logdet()
