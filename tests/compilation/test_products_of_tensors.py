"""Products of arrays with more than two axes: as matrices where their axes lie so."""

from __future__ import annotations

import numpy as np
import pytest
from tensor_products import AS_MATRICES, OTHERWISE, arrays, contraction

import frechet as fr


@pytest.mark.parametrize("subscripts", AS_MATRICES + OTHERWISE)
def test_products_of_tensors(subscripts: str) -> None:
    program = fr.compile(contraction(subscripts))
    for seed in range(3):
        a, b = arrays(subscripts, seed)
        turned = np.asfortranarray(a)
        assert np.allclose(program(A=a, B=b), np.einsum(subscripts, a, b), rtol=1e-12)
        assert np.allclose(program(A=turned, B=b[::-1][::-1]), np.einsum(subscripts, a, b), rtol=1e-12)


@pytest.mark.parametrize("subscripts", AS_MATRICES)
def test_tensors_whose_axes_lie_so_are_multiplied_as_matrices(subscripts: str) -> None:
    source = fr.compile(contraction(subscripts)).source
    assert ".dot(" in source and "tensordot" not in source and "einsum" not in source


def test_a_few_calls_of_matrices_are_preferred_to_those_of_tensors() -> None:
    """(M∘M∘(dU V'))V, of which M∘M times the products of the columns of V is less work on paper."""
    e = fr.parse("(M.^2.*(D*V'))*V", {"M": "n×m", "D": "n×k", "V": "m×k"})
    program = fr.compile(e)
    assert "reshape" not in program.at(n=100, m=80, k=5).function
    assert "reshape" in program.at(n=5000, m=4000, k=2).function
