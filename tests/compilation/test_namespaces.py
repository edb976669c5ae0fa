"""NumPy programs answer in the library of their arguments."""

import numpy as np
import pytest

import frechet as fr
from frechet.expressions.errors import UnsupportedError


def program():
    g = fr.parse("x'*A*x")
    return fr.compile([g, fr.derivative(g, fr.variables(g)["x"]).gradient], ["x", "A"])


def test_tensors_give_tensors():
    torch = pytest.importorskip("torch")
    value, gradient = program()(torch.ones(2), torch.eye(2))
    assert isinstance(value, torch.Tensor) and gradient.dtype == torch.float32
    np.testing.assert_array_equal(gradient, [2.0, 2.0])
    with pytest.raises(UnsupportedError, match="requires grad"):
        program()(torch.ones(2, requires_grad=True), torch.eye(2))


def test_jax_arrays_give_jax_arrays():
    jax = pytest.importorskip("jax")
    value, gradient = program()(jax.numpy.ones(2), np.eye(2))
    assert isinstance(value, jax.Array) and isinstance(gradient, jax.Array)
    with pytest.raises(UnsupportedError, match="back end jax is needed"):
        jax.jit(program())(jax.numpy.ones(2), jax.numpy.eye(2))
