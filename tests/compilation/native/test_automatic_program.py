"""backend="auto": in C where that pays, in NumPy where BLAS and LAPACK take the time, the same values."""

from __future__ import annotations

import numpy as np
import pytest

import frechet as fr
from frechet.compilation.native import building
from frechet.compilation.native import program as program_module
from frechet.compilation.native.program import AutomaticProgram, NativeSpecialised


def made_for(program: object, **sizes: int) -> NativeSpecialised:
    assert isinstance(program, AutomaticProgram)
    made = program.at(**sizes)
    assert isinstance(made, NativeSpecialised)
    return made


@pytest.fixture
def program() -> AutomaticProgram:
    made = fr.compile(fr.parse("norm2(inv(X)*b)^2", {"b": "n"}), backend="auto")
    assert isinstance(made, AutomaticProgram)
    return made


def test_the_sizes_choose(program: AutomaticProgram) -> None:
    assert made_for(program, n=5).c is not None
    assert made_for(program, n=1000).c is None
    g = fr.parse("norm2(inv(X)*b)^2", {"b": "n"})
    hessian = fr.derivative(g, fr.variables(g)["X"]).compile("hessian", backend="auto")
    assert made_for(hessian, n=40).c is not None  # what is done entry by entry is most of it


@pytest.mark.parametrize("vectors", [False, True])
def test_functions_of_many_entries_are_for_the_library_that_takes_several_at_once(
    vectors: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program_module, "has_vector_functions", lambda: vectors)
    chain = fr.compile(fr.parse("tanh(x.*y) + y", ["x: n", "y: n"]), backend="auto")
    assert made_for(chain, n=20).c is not None
    assert (made_for(chain, n=20_000).c is not None) is vectors


def test_powers_of_many_entries_and_large_products_are_for_numpy() -> None:
    powers = fr.compile(fr.parse("x.^2 + x.^(1/2) + x.^-1", ["x: n positive"]), backend="auto")
    assert made_for(powers, n=20_000).c is not None
    assert made_for(fr.compile(fr.parse("x.^(1/3)", ["x: n positive"]), backend="auto"), n=20_000).c is None
    gradient = fr.derivative(fr.parse("norm2(X*W-Y)^2", ["X: n×k", "Y: n×m"]), "W").compile("gradient", backend="auto")
    assert made_for(gradient, n=200, k=10, m=5).c is not None
    assert made_for(gradient, n=2000, k=400, m=300).c is None  # nearly all is done by BLAS
    by_vectors = fr.derivative(fr.parse("norm2(X*w-y)^2", ["X: n×k", "y: n"]), "w").compile("gradient", backend="auto")
    assert made_for(by_vectors, n=200_000, k=10).c is not None  # X is read once, by loops of C


def test_values_are_the_same_whichever_runs(program: AutomaticProgram) -> None:
    reference = fr.compile(fr.parse("norm2(inv(X)*b)^2", {"b": "n"}))
    rng = np.random.default_rng(0)
    for n in (300, 5, 300, 5, 6):
        X, b = rng.normal(size=(n, n)) + n * np.eye(n), rng.normal(size=n)
        assert np.isclose(program(X=X, b=b), reference(X=X, b=b), rtol=1e-10)
        assert np.isclose(program(X, b), reference(X, b), rtol=1e-10)


def test_arguments_are_checked_in_both(program: AutomaticProgram) -> None:
    for n in (5, 300):
        program(np.eye(n), np.ones(n))
        with pytest.raises(fr.ShapeError, match="b needs"):
            program(np.eye(n), np.ones(n + 1))
        with pytest.raises(np.linalg.LinAlgError, match="X is singular"):
            program(np.zeros((n, n)), np.ones(n))


def test_without_a_compiler_it_is_numpy(program: AutomaticProgram, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "compiler", lambda: None)
    monkeypatch.setattr(building, "_loaded", {})
    made = made_for(program, n=2)
    assert made.in_python
    assert np.isclose(program(2 * np.eye(2), np.ones(2)), 0.5)
    assert np.isclose(program(2 * np.eye(2), np.ones(2)), 0.5)
