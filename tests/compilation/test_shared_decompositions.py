"""Singular values, eigenvalues and their vectors of one matrix come from one decomposition of it."""

import re

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


SECOND = [  # a value, what its variable is declared as, and the decompositions that its second derivative takes
    ("normspec(A*X - B)", "m×n", 1),
    ("svdval(X,2)^2 + svdval(X,1)", "m×n", 1),
    ("svdmin(X)", "m×n", 1),
    ("eigmax(X)", "n×n symmetric", 1),
    ("eigval(X,2)*eigmin(2*X + C)", "n×n symmetric", 2),
    ("svdmin(X)*eigmax(X'*X + B'*B)", "m×n", 2),
]


@pytest.mark.parametrize("backend", ["numpy", "jax", "torch"])
@pytest.mark.parametrize(("m", "n"), [(5, 3), (3, 5), (4, 4)])
@pytest.mark.parametrize(("text", "declared", "calls"), SECOND, ids=[c[0] for c in SECOND])
def test_second_derivatives_take_no_decomposition_of_their_own(text, declared, calls, m, n, backend):
    """Pseudo-inverses of λ*I - S and σ^2*I - X*X' come from that of S or X, whichever side of X is the longer one."""
    if backend != "numpy":
        pytest.importorskip(backend)
    g = fr.parse(text, {"X": declared, "A": "m×m", "B": "m×n", "C": "n×n symmetric"})
    program = fr.derivative(g, "X").compile("hvp", backend=backend)
    rng = np.random.default_rng(n)
    shapes = {v: rng.standard_normal((n, n) if "symmetric" in declared else (m, n)) for v in ("X", "dX", "B")}
    given = shapes | {"A": rng.standard_normal((m, m)), "C": rng.standard_normal((n, n))}
    if "symmetric" in declared:
        given = {v: a + a.T for v, a in given.items()}
    given = {v: given[v] for v in program.arguments.names}
    gradient = fr.compile(fr.derivative(g, "X").gradient)
    point, step = {v: given[v] for v in gradient.arguments.names}, 1e-6 * given["dX"]
    wanted = (gradient(**point | {"X": given["X"] + step}) - gradient(**point | {"X": given["X"] - step})) / 2e-6
    if backend == "jax":
        import jax

        with jax.enable_x64(True):
            found = np.asarray(program(**given))
    else:
        found = np.asarray(program(**given))
    assert np.allclose(found, wanted, rtol=1e-5, atol=1e-6 * (1 + np.abs(wanted).max()))
    function = program.at().function
    assert len(re.findall(r"linalg\.(?:svd|eigh|norm|pinv)|eig", function)) <= calls


@pytest.mark.parametrize("backend", ["jax", "torch"])
@pytest.mark.parametrize(("text", "declared", "by"), [c[:3] for c in CASES], ids=[c[0] for c in CASES])
def test_array_libraries_share_decompositions_too(text, declared, by, backend):
    pytest.importorskip(backend)
    g = fr.parse(text, declared)
    program, reference = (fr.derivative(g, by).compile("value", "gradient", backend=b) for b in (backend, "numpy"))
    sizes = {n: 4 + i for i, n in enumerate(sorted({n for v in program.inputs for d in v.shape for n in d.names()}))}
    point = values(g, sizes)
    if backend == "jax":
        import jax

        with jax.enable_x64(True):
            found = program(**point)
    else:
        found = program(**point)
    for got, wanted in zip(found, reference(**point), strict=True):
        got = np.asarray(got)  # an eigenvector is determined up to its sign
        assert np.allclose(got, wanted, 1e-9, 1e-9) or ("eigvec" in text and np.allclose(-got, wanted, 1e-9, 1e-9))
    assert len(re.findall(r"linalg\.(?:svd|eigh)|eigv", program.at(**sizes).function)) <= 2


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
