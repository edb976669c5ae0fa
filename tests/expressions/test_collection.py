"""The collector rests while a graph is built, and goes on afterwards as it was."""

import gc

import pytest

import frechet as fr
from frechet.expressions.collection import without_collection
from frechet.expressions.errors import FrechetError


@without_collection
def twice(depth):
    return [gc.isenabled(), *(twice(depth - 1) if depth else [])]


@without_collection
def failing():
    raise ValueError


def test_it_rests_during_the_outermost_call():
    assert twice(2) == [False] * 3
    assert gc.isenabled()


def test_it_goes_on_after_an_error():
    with pytest.raises(ValueError):
        failing()
    assert gc.isenabled()
    with pytest.raises(FrechetError):
        fr.parse("x + A", {"A": "n×n", "x": "m"})
    assert gc.isenabled()


def test_who_has_stopped_it_keeps_it_so():
    gc.disable()
    try:
        g = fr.parse("norm2(A*x - b)^2")
        fr.compile(fr.derivative(g, "x").gradient).at(n=2, m=2)
        assert not gc.isenabled()
    finally:
        gc.enable()
