"""Singular values, eigenvalues and their vectors of one matrix come from one decomposition of it."""

import numpy as np
import pytest

import frechet as fr
from frechet.compilation.numpy_source import evaluate

CASES = [
    ("normspec(A*X - B)^2", {"A": "m×n"}, "X", 1),
    ("svdval(X,2)*svdval(X,1)", {"X": "m×n"}, "X", 1),
    ("svdmin(X) + normspec(X)", {"X": "m×n"}, "X", 1),
    ("eigmax(S)^2", {"S": "n×n symmetric"}, "S", 1),
    ("eigval(S,2)*eigmin(S)", {"S": "n×n symmetric"}, "S", 1),
    ("x'*eigvecmax(S)*eigmax(S)", {"S": "n×n symmetric", "x": "n"}, "S", None),
    ("normspec(X) + eigmax(X'*X)", {"X": "m×n"}, "X", 2),
    ("normnuc(X)*normspec(X)", {"X": "m×n"}, "X", None),
]


def values(g, sizes):
    rng = np.random.default_rng(4)
    found = {}
    for v in fr.variables(g).values():
        entries = rng.standard_normal([d.size(sizes) for d in v.shape if str(d) != "1"])
        found[v.params[0]] = entries + entries.T if v.params[0] == "S" else entries
    return found


@pytest.mark.parametrize(("text", "declared", "by", "calls"), CASES, ids=[c[0] for c in CASES])
def test_value_and_gradient(text, declared, by, calls):
    g = fr.parse(text, declared)
    outputs = [g, fr.derivative(g, by).gradient]
    program = fr.compile(outputs)
    sizes = {
        n: 4 + i for i, n in enumerate(sorted({n for v in fr.variables(g).values() for d in v.shape for n in d.names()}))
    }
    point = values(g, sizes)
    for _ in range(2):
        for got, e in zip(program(**point), outputs, strict=True):
            assert np.allclose(got, evaluate(e, point), 1e-9)
    if calls is not None:
        assert program.at(**sizes).function.count("np.linalg.") == calls
        assert "eigv" not in program.at(**sizes).function


def test_results_do_not_share_memory():
    V, w, top = fr.compile([fr.parse(f, {"S": "n×n symmetric"}) for f in ("eigvecs(S)", "eigvals(S)", "eigvecmax(S)")])(
        np.diag([3.0, 1.0, 2.0])
    )
    top[:] = 0
    assert np.allclose(np.abs(V).sum(0), 1) and np.allclose(w, [1, 2, 3])


def test_a_prepared_program_decomposes_once():
    g = fr.parse("x'*eigvecmax(S)*eigmax(S)", {"S": "n×n symmetric", "x": "n"})
    program = fr.compile([g, fr.derivative(g, "x").gradient])
    S, x = np.array([[2.0, 1.0], [1.0, 3.0]]), np.array([1.0, 2.0])
    prepared = program.prepare(S=S)
    assert prepared.source.count("np.linalg.eigh") == 1
    for got, want in zip(prepared(x), program(S=S, x=x), strict=True):
        assert np.allclose(got, want)


def test_complex_matrices():
    g = fr.parse("eigmax(Z)*eigmin(Z)", {"Z": "n×n hermitian"})
    program = fr.compile([g, fr.derivative(g, "Z").gradient])
    Z = np.array([[2.0, 1j, 0], [-1j, 1.0, 0.5], [0, 0.5, -1]])
    for got, e in zip(program(Z), [g, fr.derivative(g, "Z").gradient], strict=True):
        assert np.allclose(got, evaluate(e, {"Z": Z}))
