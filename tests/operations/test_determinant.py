"""log det of Hermitian matrices: real, with det > 0 as its condition, as of real matrices."""

from __future__ import annotations

import numpy as np
import pytest

import frechet as fr
from frechet.compilation.numpy_source import compiled

DECLARED = ["S: n×n hermitian", "T: n×n hermitian", "A: n×n complex", "C: m×n complex"]
HERMITIAN = ["logdet(S)", "log(det(S))", "logdet(S + T)", "logdet(A*S*A^H)", "logdet(S)*tr(S)", "logdet(S^3) + logdet(2*S)"]


@pytest.mark.parametrize("text", HERMITIAN)
def test_it_is_real_and_passes_its_check_where_det_is_positive(text: str) -> None:
    g = fr.parse(text, DECLARED)
    D = fr.derivative(g, fr.variables(g)["S"])
    D.check()
    assert g.real
    assert any("> 0" in c for c in D.conditions)
    assert not any("principal" in c for c in D.conditions)


@pytest.mark.parametrize("signs", [(1, 1, 1), (1, -1, -1), (1, 1, -1), (-1, -1, -1)])
def test_the_value_is_that_of_the_eigenvalues_and_nan_where_det_is_negative(signs: tuple[int, ...]) -> None:
    rng = np.random.default_rng(3)
    q = np.linalg.qr(rng.standard_normal((3, 3)) + 1j * rng.standard_normal((3, 3)))[0]
    eigenvalues = np.array(signs) * [0.5, 2.0, 3.0]
    expected = np.log(np.prod(eigenvalues)) if np.prod(eigenvalues) > 0 else np.nan
    determinant = fr.compile(fr.parse("det(S)", DECLARED))(S=(q * eigenvalues) @ q.conj().T)
    assert np.isrealobj(determinant)
    np.testing.assert_allclose(determinant, np.prod(eigenvalues), rtol=1e-12)
    g = fr.parse("logdet(S)", DECLARED)
    for value in (run(S=(q * eigenvalues) @ q.conj().T) for run in (compiled(g), fr.compile(g))):
        assert np.isrealobj(value)
        np.testing.assert_allclose(value, expected, rtol=1e-12)


def test_of_another_complex_matrix_it_is_the_principal_branch() -> None:
    g = fr.parse("logdet(A)", DECLARED)
    assert not g.real
    value = compiled(g)(A=np.diag([1j, 1j]))
    np.testing.assert_allclose(value, 1j * np.pi)


def test_a_gram_matrix_needs_full_rank_only() -> None:
    g = fr.parse("logdet(C^H*C)", DECLARED)
    assert g.real
    assert "C^H*C of full rank" in " ".join(fr.derivative(g, fr.variables(g)["C"]).conditions)
