"""Calls of prepared programs: by the kinds of the arguments, as those of programs."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import frechet as fr
from frechet.compilation import dispatch
from frechet.compilation.prepared import Prepared

A = np.diag([1.0, 2.0, 3.0])
PROGRAM = fr.compile(fr.parse("c*(x'*A*x)", ["c: scalar", "x: n"]), ["x", "c", "A"])


@pytest.fixture(params=["with the condition in C", "without"], autouse=True)
def condition(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "without":
        monkeypatch.setattr(dispatch, "_guard", lambda: None)


def test_kinds_that_were_met_go_to_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = PROGRAM.prepare(A=A)
    x = np.ones(3)
    assert prepared(x, 2.0) == 12
    assert prepared(np.ones(3, "f4"), 2.0) == 12 == prepared([1, 1, 1], 2)

    def never(*_: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(Prepared, "_converted", never)
    assert prepared(x, 3.0) == 18 == prepared(c=3.0, x=x)


def test_other_kinds_are_looked_at_each_time() -> None:
    prepared = PROGRAM.prepare(A=A)
    assert prepared(np.ones(3), np.array(2.0)) == 12
    for c in (np.ones(2), np.ones((1, 1))):
        with pytest.raises(fr.ShapeError, match="c needs a number"):
            prepared(np.ones(3), c)
    with pytest.raises(fr.ShapeError, match="n is 4"):
        prepared(np.ones(4), 1.0)
    with pytest.raises(TypeError, match="needs c"):
        prepared(np.ones(3))
    with pytest.raises(TypeError):
        prepared(np.ones(3), 1.0, 2.0)


def test_two_have_nothing_in_common() -> None:
    one, other = PROGRAM.prepare(A=A), PROGRAM.prepare(A=2 * A)
    x = np.ones(3)
    for _ in range(2):
        assert one(x, 1.0) == 6 and other(x, 1.0) == 12
    assert pickle.loads(pickle.dumps(other))(x, 1.0) == 12


def test_names_that_python_does_not_take() -> None:
    prepared = fr.compile(fr.parse("lambda*(x'*x)", ["lambda: scalar", "x: n", "s: scalar"])).prepare(x=np.ones(2))
    for _ in range(2):
        assert prepared(2.0) == 4 == prepared(**{"lambda": 2.0})


def test_without_anything_given_there_is_nothing_to_prepare():
    with pytest.raises(TypeError, match="nothing is given to prepare program"):
        PROGRAM.prepare()
