"""Derivatives by parameters t[1], t[2], …: symmetric in form, put together from numbers, the same in every back end."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import frechet as fr
from frechet.compilation.native import building
from frechet.differentiation.symmetric_entries import entries_of, with_symmetric_entries

RNG = np.random.default_rng(5)
PROCESS = "K = t[1]^2*exp(-D/(2*t[2]^2)) + t[3]^2*eye(n)\ny'*inv(K)*y/2 + logdet(K)/2"
DECLARED = {"D": "n×n symmetric", "S": "n×n spd", "x": "n", "y": "n", "t": "3"}
TEXTS = [
    PROCESS,
    "t[1]^2*t[2] + exp(t[3]*t[1])",
    "log(t[1])*norm2(x - t[2]*y)^2/t[3] + norm2(t)^2",
    "sum(exp(t[1]*x + t[2]*y)) + t[3]^4",
    "logdet(t[1]^2*S + t[2]^2*x*x' + eye(n)) - t[3]*t[1]",
    "y'*inv(S + t[1]^2*D^2 + t[2]^2*eye(n))*x",  # nothing by t[3]
]


def values(e: Any) -> dict[str, Any]:
    A, points = RNG.normal(size=(4, 4)), RNG.random((4, 2))
    drawn = {
        "D": ((points[:, None] - points) ** 2).sum(2),
        "S": A.T @ A + np.eye(4),
        "x": RNG.normal(size=4),
        "y": RNG.normal(size=4),
    }
    return {n: drawn.get(n, np.array([1.2, 0.7, 0.9])) for n in fr.variables(e)}


@pytest.mark.parametrize("text", TEXTS)
def test_the_hessian_is_symmetric_in_form(text: str) -> None:
    e = fr.parse(text, DECLARED)
    d = fr.derivative(e, fr.variables(e)["t"])
    entries = entries_of(d.hessian)
    if "norm2(t)" in text:
        assert entries is None  # there is an identity
    else:
        assert entries is not None and all(entries.get(place[::-1]) is entry for place, entry in entries.items())
    at = values(e)
    H = fr.compile(d.hessian)(**{n: at[n] for n in fr.variables(d.hessian)})
    g = fr.compile(d.gradient, list(fr.variables(e)))
    for k, step in enumerate(1e-6 * np.eye(3)):
        there, back = (g(*(at[n] + sign * step if n == "t" else at[n] for n in fr.variables(e))) for sign in (1, -1))
        assert np.allclose((there - back) / 2e-6, H[:, k], 1e-5, 1e-6)


def test_what_is_no_sum_of_entries_stays() -> None:
    for text in ("A*x*unit(3,1)'", "diag(x)", "x*x'"):
        e = fr.parse(text, {"A": "3×3", "x": "3"})
        assert entries_of(e) is None and with_symmetric_entries(e) is e


def test_entries_that_are_zero_and_do_not_show_it() -> None:
    e = fr.parse("s*unit(3,1)*unit(3,2)' + unit(3,3)*unit(3,3)'", {"s": "scalar"})
    assert with_symmetric_entries(e) is e


@pytest.mark.parametrize("backend", ["numpy", "c", "auto", "jax", "torch"])
@pytest.mark.parametrize("text", TEXTS)
def test_programs(text: str, backend: str) -> None:
    if backend in ("jax", "torch"):
        pytest.importorskip(backend)
    e = fr.parse(text, DECLARED)
    d = fr.derivative(e, fr.variables(e)["t"])
    at = values(e)
    regular = "t[3]" in text
    program = d.compile("value", "gradient", "hessian", *(["newton"] if regular else []), inputs=list(at), backend=backend)
    if backend == "jax":
        import jax

        with jax.enable_x64(True):
            value, g, H, *steps = map(np.asarray, program(*at.values()))
    elif backend == "torch":
        import torch

        value, g, H, *steps = (np.asarray(a) for a in program(*map(torch.as_tensor, at.values())))
    else:
        value, g, H, *steps = program(*at.values())
    want = [fr.compile(f)(**{n: at[n] for n in fr.variables(f)}) for f in (e, d.gradient, d.hessian)]
    assert all(np.allclose(a, b, 1e-9) for a, b in zip((value, g, H), want, strict=True))
    assert len(steps) == regular and all(np.allclose(want[2] @ step, -want[1], 1e-7, 1e-9) for step in steps)


def test_numbers_are_put_in_their_places_at_once() -> None:
    e = fr.parse(PROCESS, DECLARED)
    hessian = fr.derivative(e, fr.variables(e)["t"]).hessian
    source = fr.compile(hessian).at(n=5).function.partition("def program")[2]
    assert source.count("np.array(((") == 1 and "np.zeros" not in source and "np.eye" not in source


def test_a_hessian_that_is_not_positive_definite_costs_no_second_run() -> None:
    """For the kernel matrix Cholesky is tried, for the Hessian of three parameters it would save nothing."""
    e = fr.parse(PROCESS, DECLARED)
    newton = fr.derivative(e, fr.variables(e)["t"]).compile("newton")
    for n in (5, 200):
        source = newton.at(n=n).function.rpartition("def program")[2]
        assert source.count("dpotrf(") == 1 and source.count("dgesv(") == 1


def test_the_sign_of_a_newton_step_is_that_of_the_numbers() -> None:
    """H is solved for -g, whose entries are numbers; where g is a result too, it stays as it is."""
    e = fr.parse(PROCESS, DECLARED)
    d = fr.derivative(e, fr.variables(e)["t"])
    source = d.compile("newton").at(n=5).source
    assert "np.negative" not in source and source.count("gesv(") == 2  # the way without Cholesky has one too
    at = {"D": np.array([[0.0, 1, 2], [1, 0, 3], [2, 3, 0]]), "y": np.array([1.0, -2, 1]), "t": np.array([1.3, 0.7, 0.4])}
    program = d.compile("gradient", "hessian", "newton")
    g, H, step = program(**{n: at[n] for n in program.arguments.names})
    assert np.allclose(H @ step, -g)
    assert np.allclose(d.compile("newton")(**{n: at[n] for n in program.arguments.names}), step)


def test_single_precision_and_transposes() -> None:
    e = fr.parse("(t[1]*unit(2,1)*unit(3,2)' + t[2]*unit(2,2)*unit(3,3)')'", {"t": "2"})
    program = fr.compile(e)
    assert program(np.array([2.0, 3.0])).tolist() == [[0, 0], [2, 0], [0, 3]]
    assert program(np.array([2.0, 3.0], np.float32)).dtype == np.float32


def test_determinants_are_read_before_the_factors_are_written_over() -> None:
    e = fr.parse("[logdet(S), y'*inv(S)*y]", DECLARED)
    d = fr.derivative(fr.parse("logdet(S) + y'*inv(S)*y", DECLARED), "S")
    program = fr.compile([e, d.function, d.gradient])
    at = values(e)
    program(**at)
    source = program.at(n=200).function
    assert source.index("np.log(") < source.index("dpotri(") and ", 0, 1)[0])" in source


@pytest.mark.skipif(building.compiler() is None, reason="no C compiler, or no headers of Python")
def test_in_c_they_are_not_left_to_numpy() -> None:
    e = fr.parse(PROCESS, DECLARED)
    assert fr.derivative(e, fr.variables(e)["t"]).compile("hessian", backend="c").at(n=5).c_source is not None


def test_the_variable_may_be_given_by_name() -> None:
    e = fr.parse("x'*S*x", DECLARED)
    assert fr.derivative(e, "x").gradient is fr.derivative(e, fr.variables(e)["x"]).gradient
    with pytest.raises(fr.ShapeError, match="no variable z: its variables are x, S"):
        fr.derivative(e, "z")
