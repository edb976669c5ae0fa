"""Prepared programs in C: what NumPy's give, from one extension for what is fixed and one for the rest."""

from __future__ import annotations

from functools import partial
from random import Random
from typing import Any

import numpy as np
import pytest
from test_native_program import cache, compiled, equal, has_c, random_case, registry_case  # noqa: F401  (a fixture)
from test_registry import EXAMPLES

import frechet as fr
from frechet.compilation.native import building
from frechet.expressions.errors import ShapeError
from frechet.expressions.node import Expr
from frechet.operations.declared_functions import symbols

pytestmark = pytest.mark.skipif(building.compiler() is None, reason="no C compiler, or no headers of Python")


def in_c(prepared: Any) -> bool:
    """Does its last call go to C?"""
    return isinstance([*prepared._applied.values()][-1], partial)


def agrees(found: list[Expr], values: dict[str, Any], rng: Random) -> None:
    program = compiled(found)
    names = program.arguments.names
    if symbols(*found) or len(names) < 2 or program._free_sizes or not has_c(program):
        return
    fixed = rng.sample(names, rng.randrange(1, len(names)))
    left = [values[n] for n in names if n not in fixed]
    given = {n: values[n] for n in fixed}
    try:
        want = fr.compile(found).prepare(**given)(*left)
    except (np.linalg.LinAlgError, ShapeError):
        return
    prepared = program.prepare(**given)
    for _ in range(2):
        assert all(map(equal, prepared(*left), want))


def check(case: tuple[list[Expr], dict[str, Any], Random] | None) -> None:
    if case is not None:
        with np.errstate(all="ignore"):
            agrees(*case)


@pytest.mark.parametrize("seed", range(12))
def test_random(seed: int) -> None:
    check(random_case(seed))


@pytest.mark.sweep
@pytest.mark.parametrize("start", range(2000, 2400, 40))
def test_many_random(start: int) -> None:
    for seed in range(start, start + 40):
        check(random_case(seed))


@pytest.mark.sweep
@pytest.mark.parametrize(("page", "text"), EXAMPLES)
def test_registry(page: Any, text: str) -> None:
    check((*registry_case(page, text), Random(5)))


FACTORIZED = {
    "by Cholesky": "n×n spd",
    "by LU": "n×n",
    "by Cholesky where it can be": "n×n symmetric",
}


@pytest.mark.parametrize("how", FACTORIZED)
@pytest.mark.parametrize("n", [4, 40])  # sizes that are numbers in C, and such as are not
@pytest.mark.parametrize("letter", ["d", "f"])
def test_factorizations_are_passed_on(how: str, n: int, letter: str) -> None:
    g = fr.parse("inv(S)*b + log(n)*(S*b)*(c'*inv(S)*c)", {"S": FACTORIZED[how], "b": "n", "c": "n"})
    rng = np.random.default_rng(0)
    a, b, c = rng.normal(size=(n, n)), rng.normal(size=n), rng.normal(size=n)
    s = a @ a.T + n * np.eye(n) if "Cholesky" in how else a
    values = [np.asarray(v, letter) for v in (s, b, c)]
    prepared = compiled(g, inputs=["S", "b", "c"]).prepare(S=values[0])
    for _ in range(2):
        found = prepared(*values[1:])
        assert found.dtype == letter
        assert equal(found, fr.compile(g, ["S", "b", "c"])(s, b, c), 1e-7 if letter == "d" else 1e-3)
    assert in_c(prepared)


def test_what_is_left_to_numpy_has_its_words() -> None:
    g = fr.parse("inv(A)*inv(B)*b", {"A": "n×n", "B": "n×n", "b": "n"})
    program = compiled(g, inputs=["A", "B", "b"])
    b = np.array([1.0, 2.0])
    with pytest.raises(np.linalg.LinAlgError, match="A is singular"):
        program.prepare(A=np.ones((2, 2)))(np.eye(2), b)
    prepared = program.prepare(A=2 * np.eye(2))
    assert equal(prepared(np.eye(2), b), b / 2) and in_c(prepared)
    with pytest.raises(np.linalg.LinAlgError, match="B is singular"):
        prepared(np.ones((2, 2)), b)
    assert equal(prepared(np.eye(2)[::-1], b), b[::-1] / 2)
    with pytest.raises(ShapeError, match="b needs a 1-D array of shape n, not one of shape 3"):
        prepared(np.eye(2), np.ones(3))


def test_indefinite_matrices() -> None:
    g = fr.parse("b'*inv(S)*b", {"S": "n×n symmetric", "b": "n"})
    s, b = np.diag([1.0, -2.0, 4.0]), np.array([1.0, 2.0, 2.0])
    for fixed, left in (({"S": s}, b), ({"b": b}, s)):
        prepared = compiled(g, inputs=["S", "b"]).prepare(**fixed)
        assert equal(prepared(left), 1 - 2 + 1) and equal(prepared(left), 0)


def test_what_is_kept_is_not_changed_by_calls() -> None:
    found = [fr.parse("A*x", {"A": "n×n", "x": "n"}), fr.parse("2*(A*A)", {"A": "n×n"})]
    a = np.array([[1.0, 2.0], [0.0, 1.0]])
    prepared = fr.compile(found, ["A", "x"], backend="c").prepare(A=a)
    first = prepared(np.ones(2))
    first[1][:] = 7.0
    again = prepared(np.ones(2))
    assert equal(again[1], 2 * a @ a) and equal(first[1], np.full((2, 2), 7.0))
    a[:] = 0.0  # (what was given may be used again by who gave it)
    assert equal(prepared(np.ones(2))[1], again[1])


def test_keys_and_names() -> None:
    outputs = {"value": fr.parse("x'*A*x"), "matrix": fr.parse("A*A")}
    prepared = fr.compile(outputs, ["x", "A"], backend="c").prepare(A=np.eye(2))
    found = prepared(x=[1.0, 2.0])
    assert list(found) == ["value", "matrix"] and equal(found["value"], 5)
    assert equal(prepared(np.array([2.0, 0.0]))["value"], 4)
