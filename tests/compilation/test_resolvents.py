"""Products of inv(a*E + b*I) with E: right and exact whichever way the numbers take, in every back end that has them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import frechet as fr
from frechet.compilation.native import building
from frechet.compilation.runtime import resolvent

RNG = np.random.default_rng(3)
TEXTS = {
    "tr(inv(K)*E*inv(K)*E)": True,
    "sum((inv(K)*E).^2)": True,
    "sum(exp(E*inv(K)))": True,
    "sum(exp((E*inv(K))'))": True,
    "sum(exp(inv(K)*A))": False,  # A is no term of K
    "sum(exp(inv(K)*diag(x)*E))": False,
    "sum(exp(inv(K)*E'))": False,
    "sum(exp(inv(K)'*E))": False,
}
# signal over noise, negative, noise over signal, noise alone
NUMBERS = [(2.0, 0.5), (-1.5, -2.0), (1.0, 40.0), (1e-3, 1.0), (0.0, 1.0)]


@pytest.mark.parametrize(("a", "b"), NUMBERS)
@pytest.mark.parametrize("order", "CF")
def test_the_product(a: float, b: float, order: Any) -> None:
    E = np.eye(7) + 0.3 * RNG.normal(size=(7, 7))
    M = np.linalg.inv(a * E + b * np.eye(7))
    assert np.allclose(resolvent(M.copy(order), E, a, b), M @ E, 1e-11, 1e-11)


def exact_product(E: Any, a: float, b: float) -> Any:
    """inv(a*E + b*I)*E in rational numbers, by elimination."""
    n = len(E)
    rows = [
        [Fraction(a) * Fraction(E[i, j]) + Fraction(b) * (i == j) for j in range(n)] + [Fraction(E[i, j]) for j in range(n)]
        for i in range(n)
    ]
    for k in range(n):
        rows[k] = [x / rows[k][k] for x in rows[k]]
        for i in range(n):
            if i != k:
                rows[i] = [x - rows[i][k] * y for x, y in zip(rows[i], rows[k], strict=True)]
    return np.array([[float(x) for x in row[n:]] for row in rows])


@pytest.mark.parametrize("b", [1e-8, 1e-4, 1.0, 1e3, 1e8])
def test_it_is_as_exact_as_the_product(b: float) -> None:
    """Of a kernel matrix that is nearly singular without the noise b."""
    points = np.linspace(0, 1, 8)
    E = np.exp(-((points[:, None] - points) ** 2))
    M = np.linalg.inv(E + b * np.eye(8))
    exact = exact_product(E, 1.0, b)
    errors = [np.max(np.abs(found - exact)) / np.max(np.abs(exact)) for found in (resolvent(M, E, 1.0, b), M @ E)]
    assert errors[0] <= 2 * errors[1] + 1e-15


def program(text: str, **options: Any) -> tuple[Any, Any]:
    declared = {"E": "n×n", "A": "n×n", "x": "n", "a": "scalar", "b": "scalar"}
    e = fr.parse(f"K = a*E + b*eye(n)\n{text}", declared)
    return e, fr.compile(e, sizes={"n": 200}, **options)


def arguments(e: Any, n: int, a: float, b: float, symmetric: bool = True) -> dict[str, Any]:
    """Drawn so that a*E + b*I is far from singular."""
    rng = np.random.default_rng(n)
    A = rng.normal(size=(n, n)) / np.sqrt(n)
    drawn = {"E": A @ A.T if symmetric else np.eye(n) + 0.3 * A, "A": A, "x": rng.normal(size=n)}
    return {v: drawn.get(v, {"a": a, "b": b}.get(v)) for v in fr.variables(e)}


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize(("a", "b"), NUMBERS)
def test_programs(text: str, a: float, b: float) -> None:
    e, made = program(text)
    assert ("resolvent(" in made.at(n=200).function) is TEXTS[text]
    assert "resolvent(" not in made.at(n=5).function  # a call of the helper takes longer than the product
    for symmetric in (True, False):
        values = arguments(e, 60, a, b, symmetric)
        want = made.at(n=5).run(*values.values())
        assert np.allclose(made(**values), want, 1e-8)


@pytest.mark.parametrize("declared", ["n×n symmetric", "n×n"])
def test_of_a_gaussian_process(declared: str) -> None:
    """Its Hessian in three parameters has one such product less, whatever is larger, the kernel or the noise."""
    text = "K = t[1]^2*exp(-D/(2*t[2]^2)) + t[3]^2*eye(n)\ny'*inv(K)*y/2 + logdet(K)/2"
    e = fr.parse(text, {"D": declared, "y": "n", "t": "3"})
    hessian = fr.derivative(e, fr.variables(e)["t"]).hessian
    made = fr.compile(hessian, ["D", "y", "t"])
    points = RNG.random((50, 2))
    D = ((points[:, None] - points) ** 2).sum(2)
    y = RNG.normal(size=50)
    assert "resolvent(" in made.at(n=50).function
    for t in ([1.3, 0.5, 0.7], [0.1, 0.4, 30.0]):
        assert np.allclose(made(D, y, np.array(t)), made.at(n=3).run(D, y, np.array(t)), 1e-8, 1e-12)


@pytest.mark.parametrize("number", [np.float32, float])
def test_the_precision_stays(number: type) -> None:
    e, made = program("inv(K)*E")
    values = {
        n: v.astype(np.float32) if isinstance(v, np.ndarray) else number(v) for n, v in arguments(e, 60, 2.0, 0.5).items()
    }
    assert made(**values).dtype == np.float32
    assert np.allclose(made(**values), made.at(n=5).run(*values.values()), 1e-3, 1e-4)


def test_numbers_that_are_known() -> None:
    e = fr.parse("sum((inv(E + 3*eye(n))*E).^2)", {"E": "n×n symmetric"})
    made = fr.compile(e, sizes={"n": 200})
    assert "resolvent(" in made.at().function
    E = arguments(e, 60, 1.0, 3.0)["E"]
    assert np.isclose(made(E), np.sum((np.linalg.inv(E + 3 * np.eye(60)) @ E) ** 2))


def test_fixed_inputs() -> None:
    e, made = program("x'*inv(K)*E*inv(K)*E*x + tr(inv(K)*E*inv(K)*A)")
    values = arguments(e, 60, 2.0, 0.5)
    fixed = made.prepare(**{n: values[n] for n in "Eab"})
    assert np.isclose(fixed(values["x"], values["A"]), made(**values))


def test_not_where_a_program_takes_one_way() -> None:
    pytest.importorskip("jax")
    assert "resolvent(" not in program("tr(inv(K)*E*inv(K)*E)", backend="jax")[1].source


@pytest.mark.skipif(building.compiler() is None, reason="no C compiler, or no headers of Python")
@pytest.mark.parametrize("text", TEXTS)
def test_in_c(text: str) -> None:
    e, made = program(text, backend="c")
    for a, b in NUMBERS:
        for symmetric in (True, False):
            values = arguments(e, 60, a, b, symmetric)
            want = program(text)[1].at(n=5).run(*(values[n] for n in made.arguments.names))
            assert np.allclose(made(**values), want, 1e-8)
    assert ("resolvent(d0" in made.at(n=60).c_source) is TEXTS[text]
