"""Products of arrays with more than two axes: as matrices where their axes lie so."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

import frechet as fr

AS_MATRICES = [
    "ijk,kl->ijl",
    "kij,kl->ijl",
    "ijk,ijl->kl",
    "ijk,ijl->lk",
    "ijk,k->ij",
    "ijk,jk->i",
    "ij,jkl->ikl",
    "ijkl,kl->ij",
]
OTHERWISE = [
    "ijk,jl->ikl",
    "ijk,lj->ikl",
    "bij,bjk->bik",
    "bij,bkj->bki",
    "bij,bj->bi",
    "abij,abj->abi",
    "abij,jk->abik",
    "aibj,jk->iabk",
    "ikj,jl->lki",
    "bi,bij->bij",
]

BY_LOOPS = ["aibj,jk->iabk", "ikj,jl->lki", "bi,bij->bij"]  # also in C: their axes lie apart, or nothing is summed


def arrays(subscripts: str, seed: int, largest: int = 9) -> list[np.ndarray]:
    """Random operands of these axes."""
    random = Random(seed)
    ins = subscripts.split("->")[0]
    sizes = {k: random.randint(2, largest) for k in ins if k != ","}
    rng = np.random.default_rng(seed)
    return [rng.standard_normal([sizes[k] for k in labels]) for labels in ins.split(",")]


def contraction(subscripts: str) -> fr.Expr:
    a, b = subscripts.split("->")[0].split(",")
    return fr.parse(f'einsum("{subscripts}", A, B)', {"A": "×".join(a), "B": "×".join(b)})


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
