"""Every page of the registry has NumPy's value in the library back ends."""

from random import Random

import numpy as np
import pytest
from test_registry import example

import frechet as fr
from frechet.compilation.numpy_source import evaluate
from frechet.expressions.errors import FrechetError
from frechet.expressions.node import variables
from frechet.expressions.operation import all_operations
from frechet.operations.declared_functions import symbols
from frechet.operations.hadamard import times
from frechet.operations.reductions import sum_all
from frechet.verification.sampling import random_sizes, sample

HESSIANS = {
    "softmax regression": ("sum(logsumexp(X*W,2)) - tr(Y'*X*W)", {"X": "n×k", "W": "k×c", "Y": "n×c"}, "W"),
    "attention": ("sum(softmax(X*W*X',2)*X)", {"X": "n×k", "W": "k×k"}, "W"),
    "contrast": ("sum(logsumexp(Z*Z',2)) - tr(Z*Z')", {"Z": "n×k"}, "Z"),
    "mixture": ("sum(logsumexp(2*X*M' - ones(n)*sum(M.^2,2)',2))", {"X": "n×k", "M": "c×k"}, "M"),
    "factorization": ("norm2(M.*(T - U*V'))^2", {"T": "n×k", "M": "n×k", "U": "n×c", "V": "k×c"}, "U"),
}


@pytest.mark.parametrize("backend", ["jax", "torch"])
@pytest.mark.parametrize("name", HESSIANS)
def test_dense_hessians_are_those_of_numpy(name, backend):
    """Their blocks repeat along some axes, and are 0 where others differ."""
    pytest.importorskip(backend)
    text, declared, by = HESSIANS[name]
    hessian = fr.derivative(fr.parse(text, declared), by).hessian
    rng, sizes = np.random.default_rng(7), {"n": 4, "k": 3, "c": 2}
    given = {v: rng.normal(size=[sizes[d] for d in shape.split("×")]).astype("f") for v, shape in declared.items()}
    program = fr.compile(hessian, backend=backend)
    given = {v: given[v] for v in program.arguments.names}
    wanted = fr.compile(hessian)(**{v: a.astype("d") for v, a in given.items()})
    np.testing.assert_allclose(np.asarray(program(**given)), wanted, rtol=2e-4, atol=2e-4 * np.abs(wanted).max())


@pytest.mark.parametrize("shape", [(5, 1), (1, 5), (2, 1), (1, 1)])
@pytest.mark.parametrize("text", ["normspec(X)", "svdval(X,1)", "svdmin(X)", "normspec(2*X - B)"])
@pytest.mark.parametrize("backend", ["numpy", "jax", "torch"])
def test_second_derivatives_of_the_singular_value_of_a_vector(backend, text, shape):
    """A column has one singular value, its norm; what it is less its own square is 0, and not inverted."""
    if backend != "numpy":
        pytest.importorskip(backend)
    declared = {"X": "n×m", "B": "n×m"}
    own = "norm2(2*X - B)" if "B" in text else "norm2(X)"
    program, wanted = (
        fr.derivative(fr.parse(t, declared), "X").compile("hvp", backend=b) for t, b in ((text, backend), (own, "numpy"))
    )
    rng = np.random.default_rng(0)
    for _ in range(6):
        given = {n: rng.normal(size=shape).astype("f") for n in program.arguments.names}
        np.testing.assert_allclose(np.asarray(program(**given)), wanted(**given), rtol=1e-3, atol=1e-3)


def test_other_matrices_of_one_entry_are_inverted():
    """Only the Gram matrix of X less the square of its own singular value is surely singular."""
    A, B = np.array([[2.0]]), np.array([[3.0]])
    for text, wanted in (("pinv(normspec(A)^2*eye(1) - B'*B)", -1 / 5), ("pinv(normspec(A)*B)", 1 / 6)):
        e = fr.parse(text, {"A": "1×1", "B": "1×1"} if "eye" in text else {"A": "n×n", "B": "n×n"})
        assert np.isclose(np.asarray(fr.compile(e, ["A", "B"])(A, B)).item(), wanted)


DRAWN = {"spd": "spd", "invertible": "spd", "": "plain"}


@pytest.mark.parametrize("backend", ["jax", "torch"])
@pytest.mark.parametrize("page", all_operations(), ids=lambda page: page.name)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_value_is_that_of_numpy(page, backend):
    pytest.importorskip(backend)
    e = example(page, page.examples[0])
    if symbols(e) or not variables(e):
        pytest.skip("a declared function is a function of NumPy arrays; a constant has the library's usual precision")
    program = fr.compile(e, backend=backend)
    sizes = random_sizes([e], Random(3))
    values = sample(variables(e), sizes, Random(4), DRAWN.get(page.domain, "unit01"))
    free = {n: sizes[n] for n in program.arguments.sizes}
    if backend == "jax":
        import jax

        with jax.enable_x64(True):
            found = program(**values, **free)
    else:
        found = program(**values, **free)
    with np.errstate(all="ignore"):
        wanted = evaluate(e, values, sizes)
    np.testing.assert_allclose(
        np.asarray(found), wanted, rtol=1e-8, atol=1e-9 * (1 + np.nan_to_num(np.abs(wanted)).max(initial=0))
    )


@pytest.mark.parametrize("backend", ["jax", "torch", "c"])
@pytest.mark.parametrize("page", all_operations(), ids=lambda page: page.name)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::RuntimeWarning")
def test_derivatives_are_those_of_numpy(page, backend):
    """The differential of the gradient of the sum of squares, by the first variable that has one."""
    if backend != "c":
        pytest.importorskip(backend)
    e = example(page, page.examples[0])
    if symbols(e) or not variables(e) or not e.real or len(e.shape) > 2:
        pytest.skip("no real function of matrices")
    g = e if e.kind == "scalar" else sum_all(times(e, e))
    sizes = random_sizes([e], Random(3))
    point = sample(variables(e), sizes, Random(4), DRAWN.get(page.domain, "unit01"))
    for x in variables(g):
        try:
            d = fr.derivative(g, x)
            reference, program = (d.compile("gradient", "hvp", backend=b) for b in ("numpy", backend))
        except FrechetError:
            continue
        along = sample([x], sizes, Random(5), "plain")[x.params[0]]  # in the space of the variable
        values = {v.params[0]: point.get(v.params[0], along) for v in reference.inputs}
        free = {n: sizes[n] for n in program.arguments.sizes}
        wanted = reference(**values, **free)
        if backend == "jax":
            import jax

            with jax.enable_x64(True):
                found = program(**values, **free)
        else:
            found = program(**values, **free)
        for a, b in zip(found, wanted, strict=True):
            scale = 1 + np.abs(np.nan_to_num(b)).max(initial=0)
            np.testing.assert_allclose(np.asarray(a), b, rtol=1e-6, atol=1e-7 * scale)
        return
    pytest.skip("no derivative")
