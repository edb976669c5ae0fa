"""Every page of the registry has NumPy's value in the library back ends."""

from random import Random

import numpy as np
import pytest
from test_registry import example

import frechet as fr
from frechet.compilation.numpy_source import evaluate
from frechet.expressions.node import variables
from frechet.expressions.operation import all_operations
from frechet.operations.declared_functions import symbols
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
