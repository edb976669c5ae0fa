"""Programs that JAX and PyTorch run with some inputs fixed."""

import numpy as np
import pytest

import frechet as fr
from frechet.expressions.errors import ShapeError

FORM = fr.parse("b'*inv(S)*b + c*log(n)*sum(b)", {"S": "n×n spd", "b": "n", "c": "scalar"})
VALUES = {"S": np.diag([2.0, 4.0, 5.0]), "b": np.array([1.0, -1, 2]), "c": 0.5}


@pytest.mark.parametrize("backend", ["jax", "torch"])
@pytest.mark.parametrize("fixed", ["S", "b", "Sc", "Sbc"])
def test_libraries_prepare_too(fixed, backend):
    pytest.importorskip(backend)
    program = fr.compile(FORM, ["S", "b", "c"], backend=backend)
    prepared = program.prepare(**{n: VALUES[n] for n in fixed})
    left = [VALUES[n] for n in prepared.names]
    for _ in range(2):
        np.testing.assert_allclose(np.asarray(prepared(*left)), fr.compile(FORM)(**VALUES), rtol=1e-6)
    if "S" in fixed and "b" not in fixed:
        before, after = prepared.source.split("def apply")
        assert "cholesky(" in before and "cholesky(" not in after and "solve" in after
        with pytest.raises(ShapeError, match="b needs a 1-D array of shape n, not one of shape 2"):
            prepared(np.ones(2), *left[1:])


def test_what_jax_prepared_is_transformed():
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        prepared = fr.compile(FORM, ["S", "b", "c"], backend="jax").prepare(S=VALUES["S"], c=2.0)
        b = VALUES["b"]
        wanted = 2 * b / np.diag(VALUES["S"]) + 2 * np.log(3)
        np.testing.assert_allclose(jax.jit(jax.grad(prepared))(b), wanted)
        np.testing.assert_allclose(jax.vmap(prepared)(np.stack([b, 2 * b])), [prepared(b), prepared(2 * b)])


def test_what_torch_prepared_follows_tensors_in_precision_and_is_differentiated():
    torch = pytest.importorskip("torch")
    prepared = fr.compile(FORM, ["S", "b", "c"], backend="torch").prepare(S=torch.tensor(VALUES["S"]), c=2.0)
    b = torch.tensor(VALUES["b"], requires_grad=True)
    prepared(b).backward()
    np.testing.assert_allclose(b.grad, 2 * VALUES["b"] / np.diag(VALUES["S"]) + 2 * np.log(3))
    single = fr.compile(FORM, ["S", "b", "c"], backend="torch").prepare(S=torch.tensor(VALUES["S"], dtype=torch.float32))
    assert single(torch.ones(3, dtype=torch.float32), 1.0).dtype is torch.float32
    assert single(torch.ones(3, dtype=torch.float64), 1.0).dtype is torch.float64


def test_arrays_of_another_library_come_back_as_such():
    torch = pytest.importorskip("torch")
    prepared = fr.compile(FORM, ["S", "b", "c"]).prepare(S=torch.tensor(VALUES["S"]), c=2.0)
    assert isinstance(prepared(torch.tensor(VALUES["b"])), torch.Tensor)


def test_results_are_arrays_of_their_own_at_each_call():
    torch = pytest.importorskip("torch")
    m, x = fr.matrix("A", "n", "n"), fr.vector("x", "n")
    outputs = {"square": m @ m, "turned": m.T, "value": m @ x}
    a = torch.tensor([[1.0, 2.0], [0.0, 1.0]])
    prepared = fr.compile(outputs, ["A", "x"], backend="torch").prepare(A=a)
    first = prepared(torch.ones(2))
    for found in first.values():
        found.fill_(7.0)
    again = prepared(torch.ones(2))
    np.testing.assert_allclose(again["square"], a @ a)
    np.testing.assert_allclose(again["turned"], [[1.0, 0.0], [2.0, 1.0]])
