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
