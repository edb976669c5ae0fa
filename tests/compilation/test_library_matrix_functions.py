"""Functions of matrices in JAX and PyTorch: those of SciPy for all kinds of matrices, and transformed too."""

from contextlib import nullcontext

import numpy as np
import pytest
import scipy.linalg

import frechet as fr
from frechet.compilation import runtime

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning")
RNG = np.random.default_rng(0)
BASIS = RNG.normal(size=(5, 5))
ORTHOGONAL = np.linalg.qr(BASIS)[0]


def turning(angle):
    return np.array([[0, angle], [-angle, 0]])


MATRICES = {
    "positive definite": BASIS @ BASIS.T,
    "with eigenvalues from 1e-9 to 1": (ORTHOGONAL * np.logspace(-9, 0, 5)) @ ORTHOGONAL.T,
    "with eigenvectors at small angles": BASIS @ np.diag([1.0, 10, 100, 1000, 1e4]) @ np.linalg.inv(BASIS),
    "with complex eigenvalues": scipy.linalg.expm(scipy.linalg.block_diag(turning(2.9), turning(0.5), 1.0)),
    "of one eigenvector": np.diag(np.full(4, 3.0)) + np.diag(np.ones(3), 1),
    "large": 1e6 * (BASIS @ BASIS.T + np.triu(BASIS)),
    "small": 1e-6 * (BASIS @ BASIS.T + np.triu(BASIS)),
    "complex": BASIS @ BASIS.T + 1j * np.triu(BASIS),
}
FUNCTIONS = {
    "sqrtm(X)": scipy.linalg.sqrtm,
    "logm(X)": scipy.linalg.logm,
    "powm(X,0.3)": lambda x: scipy.linalg.fractional_matrix_power(x, 0.3),
    "signm(X)": scipy.linalg.signm,
}


@pytest.fixture(params=["jax", "torch"])
def backend(request):
    library = pytest.importorskip(request.param)
    if request.param == "jax":
        with library.enable_x64(True):
            yield "jax"
    else:
        yield "torch"


@pytest.mark.parametrize("text", FUNCTIONS)
@pytest.mark.parametrize("kind", MATRICES)
def test_values_are_those_of_scipy(kind, text, backend):
    x = MATRICES[kind]
    program = fr.compile(fr.parse(text, {"X": "n×n complex" if np.iscomplexobj(x) else "n×n"}), backend=backend)
    found, wanted = np.asarray(program(x)), FUNCTIONS[text](x)
    np.testing.assert_allclose(found, wanted, rtol=1e-8, atol=1e-8 * np.abs(wanted).max())


@pytest.mark.parametrize("text", ["sqrtm(X)", "logm(X)", "powm(X,0.3)"])
def test_there_is_none_for_negative_eigenvalues(text, backend):
    program = fr.compile(fr.parse(text, {"X": "n×n"}), backend=backend)
    for x in (np.diag([1.0, -1.0]), np.array([[1.0, 2], [0, -3]])):
        assert np.isnan(np.asarray(program(x))).all()
    assert np.isnan(np.asarray(program(np.full((2, 2), np.nan)))).all()


def test_roots_of_singular_semidefinite_matrices(backend):
    half = RNG.normal(size=(4, 2))
    x = half @ half.T
    found = np.asarray(fr.compile(fr.parse("sqrtm(X)", {"X": "n×n"}), backend=backend)(x))
    np.testing.assert_allclose(found @ found, x, atol=1e-12)


@pytest.mark.parametrize("text", ["sqrtm(X)", "logm(X)", "powm(X,0.3)", "signm(X)", "expm(X)", "sinm(X)"])
@pytest.mark.parametrize("kind", ["positive definite", "with eigenvectors at small angles", "of one eigenvector"])
def test_derivatives_are_those_of_numpy(text, kind, backend):
    """Closed forms, and those that the library makes of the source, where eigenvalues are equal too."""
    x = MATRICES[kind] / 3
    if text == "signm(X)":  # of both signs
        x = x - np.eye(len(x)) * np.sort(np.linalg.eigvals(x).real)[1:3].mean() * (
            1 if kind != "of one eigenvector" else 1.5
        )
    c = RNG.normal(size=x.shape)
    g = fr.parse(f"tr(C'*{text})", {"X": "n×n", "C": "n×n"})
    wanted = fr.derivative(g, "X").compile("gradient")(C=c, X=x)
    size = max(np.abs(wanted).max(), 1e-3)
    closed = fr.derivative(g, "X").compile("gradient", backend=backend)
    np.testing.assert_allclose(np.asarray(closed(C=c, X=x)), wanted, rtol=1e-6, atol=1e-7 * size)
    whole = fr.compile(fr.parse(text, {"X": "n×n"}), backend=backend)  # no scalar: differentiated by the library
    if backend == "jax":
        import jax

        found = jax.jit(jax.grad(lambda a: (whole(a) * c).sum()))(x)
    else:
        import torch

        a = torch.tensor(x, requires_grad=True)
        (whole(a) * torch.tensor(c)).sum().backward()
        found = a.grad
    np.testing.assert_allclose(np.asarray(found), wanted, rtol=1e-6, atol=1e-7 * size)


def test_they_are_mapped_over_batches(backend):
    batch = np.stack([MATRICES["positive definite"], MATRICES["large"] / 1e6])
    program = fr.compile(fr.parse("tr(sqrtm(X)) + tr(logm(X))", {"X": "n×n"}), backend=backend)
    if backend == "jax":
        import jax

        found = jax.vmap(program)(batch)
    else:
        import torch

        program(torch.tensor(batch[0]))
        found = torch.func.vmap(program)(torch.tensor(batch))
    np.testing.assert_allclose(np.asarray(found), [float(np.asarray(program(x))) for x in batch], rtol=1e-10)


@pytest.mark.parametrize("text", [*FUNCTIONS, "normnuc(X)", "eigmax(X + X')"])
def test_torch_compiles_them_whole(text):
    torch = pytest.importorskip("torch")
    e = fr.parse(text, {"X": "n×n"})
    program = fr.compile(e if e.kind == "scalar" else fr.trace(e), backend="torch")
    x = torch.tensor(MATRICES["positive definite"], requires_grad=True)
    program(x).backward()
    y = x.detach().clone().requires_grad_()
    torch.compile(program, fullgraph=True, backend="aot_eager")(y).backward()
    np.testing.assert_allclose(y.grad, x.grad, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("size", [4, 60])  # as any equations, and by eigenvectors
def test_sylvester(size, backend):
    a, b, c = RNG.normal(size=(3, size, size)) + 3 * np.eye(size)
    program = fr.compile(
        fr.parse("sylvester(A,B,C)", {"A": "n×n", "B": "n×n", "C": "n×n"}), ["A", "B", "C"], backend=backend
    )
    np.testing.assert_allclose(np.asarray(program(a, b, c)), scipy.linalg.solve_sylvester(a, b, c), rtol=1e-8, atol=1e-8)


def test_sylvester_without_enough_eigenvectors(backend):
    """The double integrator, and one that is too large to be solved as any equations: refused, or solved, but not wrong."""
    program = fr.compile(
        fr.parse("sylvester(A,B,C)", {"A": "n×n", "B": "n×n", "C": "n×n"}), ["A", "B", "C"], backend=backend
    )
    for size in (2, 60):
        a, c = np.eye(size, k=1), RNG.normal(size=(size, size))
        found, b = np.asarray(program(a, np.eye(size), c)), np.eye(size)
        assert size > 2 or np.isfinite(found).all()
        if np.isfinite(found).all():
            np.testing.assert_allclose(a @ found + found @ b, c, atol=1e-7 * np.abs(found).max())


@pytest.mark.parametrize("text", ["tr(expm(X)*A)", "tr(logm(X)*A)", "tr(powm(X,0.3)*A)", "tr(sinm(X)*A)", "tr(cosm(X)*A)"])
@pytest.mark.parametrize("library", ["numpy", "jax", "torch"])
def test_the_derivative_is_linear_in_its_direction(text, library):
    """As exact in directions of any size: the block matrix that has the direction beside X is scaled."""
    if library != "numpy":
        pytest.importorskip(library)
    enabled = pytest.importorskip("jax").enable_x64(True) if library == "jax" else nullcontext()
    x = MATRICES["positive definite"] / 3
    a = RNG.normal(size=x.shape)
    program = fr.derivative(fr.parse(text, {"X": "n×n", "A": "n×n"}), "X").compile("gradient", backend=library)
    with enabled:
        wanted = np.asarray(program(X=x, A=a))
        for size in (1e-12, 1e6, 1e12):
            found = np.asarray(program(X=x, A=size * a)) / size
            np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12 * np.abs(wanted).max())
        assert not np.asarray(program(X=x, A=0 * a)).any()


@pytest.mark.parametrize("n", [1, 3, 29, 30])
def test_derivatives_of_expm_are_those_of_scipy(n):
    x, e = RNG.normal(size=(2, n, n)) / np.sqrt(n)
    found = runtime.dexpm(x, e)
    np.testing.assert_allclose(
        found, scipy.linalg.expm_frechet(x, e, compute_expm=False), rtol=0, atol=1e-13 * np.abs(found).max()
    )
    assert runtime.dexpm(np.eye(2, dtype=int), np.eye(2, dtype=int)).dtype == np.float64
