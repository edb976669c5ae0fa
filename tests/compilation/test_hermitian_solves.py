"""Solves with complex Hermitian matrices: the transpose of one is its conjugate, not itself."""

import numpy as np
import pytest

import frechet as fr


@pytest.mark.parametrize("word", ["hermitian", "spd"])
@pytest.mark.parametrize("text", ["a^H*inv(H)", "inv(H)'*a", "inv(H)*a"])
def test_solving_with_a_hermitian_matrix_or_its_transpose(text, word):
    rng = np.random.default_rng(0)
    B = rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4))
    H, a = B @ B.conj().T + np.eye(4), rng.normal(size=4) + 1j * rng.normal(size=4)
    wanted = {
        "a^H*inv(H)": a.conj() @ np.linalg.inv(H),
        "inv(H)'*a": np.linalg.inv(H).T @ a,
        "inv(H)*a": np.linalg.inv(H) @ a,
    }
    g = fr.parse(text, {"H": fr.matrix("H", "n", "n", "complex", word), "a": fr.vector("a", "n", "complex")})
    np.testing.assert_allclose(fr.compile(g)(H=H, a=a), wanted[text], rtol=1e-12)
