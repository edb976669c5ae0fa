"""Products of two tensors that the tests of the NumPy and C back ends share."""

from __future__ import annotations

from random import Random

import numpy as np

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
    "aij,bji->ab",
    "iaj,bji->ba",
    "aib,bjc->ijac",
    "aibj,icjd->acbd",
    "aijc,abc->ijb",
    "iba,baj->ijb",
    "iabj,jbak->kiab",
    "aij,aik->jk",
    "ija,kla->ijkl",
    "ija,kla->kjil",
    "bi,bij->bij",
]

BY_LOOPS = ["bi,bij->bij"]  # also in C: nothing is summed


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
