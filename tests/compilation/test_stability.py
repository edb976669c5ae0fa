"""Programs in the range of floating point: the same values, also where parts of the formula have none."""

from __future__ import annotations

import numpy as np
import pytest

import frechet as fr
from frechet.compilation.numpy_source import compiled, numpy_source
from frechet.compilation.stability import stable
from frechet.notation.reading import parse
from frechet.verification.check import check_equal

LARGE = np.array([1000.0, -1000.0, 0.0])


@pytest.mark.parametrize("text", ["sum(log(cosh(z)))", "sum(log(cosh(z'))*eye(3))", "logcosh(z)'*ones(3)"])
def test_log_cosh_does_not_overflow(text: str) -> None:
    e = parse(text, {"z": "3"})
    assert np.isclose(compiled(e, ["z"])(z=LARGE), 2000 - 2 * np.log(2))
    for backend in ("numpy", "c"):
        assert np.isclose(fr.compile(e, ["z"], backend=backend)(LARGE), 2000 - 2 * np.log(2))


FORMULAS = [
    "y'*log(softmax(z))", "sum(log(softmax(Z,1)).*Y)", "sum(log(softmax(Z,2)).*Y)", "log(softmax(z'))*y", "log(softmax(z))",
]  # fmt: skip


@pytest.mark.parametrize("text", FORMULAS)
def test_stable_changes_no_value(text: str) -> None:
    e = parse(text)
    (new,) = stable([e])
    assert "log(softmax" not in str(new) and check_equal(e, new).ok


@pytest.mark.parametrize("text", FORMULAS)
def test_programs_take_no_logarithm_of_what_may_be_0(text: str) -> None:
    e = parse(text)
    assert "np.log(softmax" not in numpy_source(e)
    matrix = "Z" in text
    point = np.array([[1000.0, 0.0], [0.0, -1000.0]]) if matrix else np.array([1000.0, 0.0])
    arguments = {"Z": point, "Y": np.ones((2, 2))} if matrix else {"z": point, "y": np.ones(2)}
    value = compiled(e, list(arguments))(**arguments)
    assert np.all(np.isfinite(value))


LOWEST = [("logsumexp(z)", "z"), ("logsumexp(Z,1)", "Z"), ("logsumexp(Z,2)", "Z")]


@pytest.mark.parametrize("backend", ["numpy", "c", "jax", "torch"])
@pytest.mark.parametrize(("text", "name"), LOWEST)
@pytest.mark.parametrize("kind", ["f", "d"])
def test_logarithms_of_sums_of_nothing(text: str, name: str, backend: str, kind: str) -> None:
    """log(0 + 0) is -infinity, as in forward recursions over states that cannot be reached."""
    if backend in ("jax", "torch"):
        pytest.importorskip(backend)
    program = fr.compile(parse(text, {"z": "n", "Z": "m×n"}), backend=backend)
    nothing = np.full(3 if name == "z" else (3, 3), -np.inf, kind)
    some = nothing.copy()
    some[..., 1] = some[1] = 2.0
    with np.errstate(divide="ignore"):
        assert np.all(np.asarray(program(**{name: nothing})) == -np.inf)
        found = np.asarray(program(**{name: some}))
    if name == "z":
        assert np.isclose(found, 2.0)
    else:
        assert np.allclose(found, [2.0, 2.0 + np.log(3), 2.0])
