"""Powers of matrices in programs: beside vectors no matrix is multiplied by a matrix."""

from __future__ import annotations

import numpy as np
import pytest

import frechet as fr
from frechet.compilation.numpy_source import evaluate
from frechet.compilation.values import Value, walk

DECLARED = {"A": "n×n", "S": "n×n symmetric", "B": "n×n", "x": "n", "y": "n"}
BESIDE_VECTORS = [
    ("norm2(A^5*x)^2", "x"),
    ("norm2(A^5*x)^2", "A"),
    ("norm2(S^6*x - y)^2", "x"),
    ("x'*A^4*x", "x"),
    ("x'*A^9*y", "A"),
    ("norm2(A^12*x - y)^2", "x"),
    ("norm2((A')^5*x)^2", "x"),
    ("sum(tanh(A^7*B*x))", "x"),
    ("sum(x'*S^8)", "x"),
    ("sum(A^9)", "A"),
    ("norm2(inv(A)^5*x)^2", "x"),
]
OF_MATRICES = ["tr(A^6)", "tr(A^6*B)", "norm2(A^6)^2", "sum((A^5).*B)", "norm2(A^5*diag(x)*B)^2", "x'*A^33*x"]


def of_two_matrices(v: Value) -> bool:
    """Is it a product of two matrices that is one, of more than two vectors?"""
    if v.op != "contract" or len(v.args) != 2:
        return v.op == "inverse"
    ins, out, _, _ = v.params
    return all(len(labels) == 2 for labels in ins) and bool({*ins[0]} & {*ins[1]} - {*out}) and len(out) == 2


def check(text: str, name: str) -> fr.Derivative:
    d = fr.derivative(fr.parse(text, DECLARED), name)
    rng = np.random.default_rng(0)
    values = {v: rng.standard_normal((5,) * (2 if v in "ASB" else 1)) / 2 for v in DECLARED}
    values["S"] = values["S"] + values["S"].T
    program = d.compile("value", "gradient")
    found = program(**{v: values[v] for v in program.arguments.names})
    for a, e in zip(found, (d.function, d.gradient), strict=True):
        wanted = evaluate(e, values)
        np.testing.assert_allclose(a, wanted, rtol=1e-9, atol=1e-9 * np.abs(wanted).max())
    return d


@pytest.mark.parametrize(("text", "name"), BESIDE_VECTORS)
def test_powers_beside_vectors_are_not_formed(text: str, name: str) -> None:
    program = check(text, name).compile("value", "gradient").at(n=300)
    assert not [v for v in walk(program.roots) if of_two_matrices(v)]


@pytest.mark.parametrize("text", OF_MATRICES)
def test_other_powers_are_formed_by_halves(text: str) -> None:
    check(text, "A")


def test_a_power_alone_takes_few_products() -> None:
    program = fr.compile(fr.parse("A^16", DECLARED)).at(n=300)
    assert sum(map(of_two_matrices, walk(program.roots))) == 4
