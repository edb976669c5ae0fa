"""Calls find the program for their arguments, whatever was called before, with the condition in C and in Python."""

import gc
import random
import weakref

import numpy as np
import pytest

import frechet as fr
from frechet.compilation import dispatch
from frechet.compilation.native.building import compiler
from frechet.expressions.errors import ShapeError


@pytest.fixture(params=["C", "Python"])
def guarded(request, monkeypatch):
    """Programs have the condition in C, or none."""
    if request.param == "Python":
        monkeypatch.setattr(dispatch, "_guard", lambda: None)
    elif compiler() is None:
        pytest.skip("there is no compiler")


def test_the_condition_is_built_where_there_is_a_compiler():
    assert compiler() is None or dispatch._guard() is not None


def weighted():
    return fr.compile(fr.parse("a*x + A'*A*x", {"A": "m×n", "a": "scalar"}), ["a", "A", "x"])


def calls():
    rng = np.random.default_rng(5)
    A, x = rng.standard_normal((3, 2)), rng.standard_normal(2)
    single = A.astype(np.float32), x.astype(np.float32)
    yield from ((a, A, x) for a in (2.0, 2, np.float64(2.0), np.float32(2.0), np.array(2.0), np.array(2), True))
    yield from ((a, *single) for a in (2.0, np.float64(2.0), np.float32(2.0), np.array(2.0)))
    yield 2.0, A, single[1]
    yield 2.0, np.asfortranarray(A), x[::-1]
    yield 2.0, A.astype(">f8"), x
    yield 2.0, np.ones((3, 2), int), [1, 2]
    yield 2.0, A[:1], x
    yield 2.0, A.T, np.ones(3)
    yield 2.0, A.view(np.matrix), x


@pytest.mark.usefixtures("guarded")
@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
@pytest.mark.parametrize("seed", range(8))
def test_a_call_is_what_it_would_be_alone(seed):
    p, every = weighted(), list(calls())
    alone = [weighted()(*args) for args in every]
    order = [i for i in range(len(every)) for _ in range(3)]
    random.Random(seed).shuffle(order)
    for i in order:
        a, A, x = every[i]
        for got in (p(a, A, x), p(a, x=x, A=A)):
            assert got.dtype == alone[i].dtype and np.allclose(got, alone[i], 1e-5)


@pytest.mark.usefixtures("guarded")
@pytest.mark.parametrize(
    ("args", "wrong"),
    [
        ((np.ones(3), np.eye(2), np.ones(2)), "a needs a number"),
        ((np.ones((2, 2)), np.eye(2), np.ones(2)), "a needs a number"),
        ((2.0, np.eye(2), np.ones(3)), "x needs"),
        ((2.0, np.eye(2), np.ones((2, 1))), "x needs"),
        ((2.0, np.eye(2), 2.0), "x needs"),
        ((2.0, np.eye(2)), "x"),
        ((2.0, np.eye(2), np.ones(2), 1), "4"),
    ],
)
@pytest.mark.parametrize("first", [2.0, np.array(2.0), np.float64(2)])
def test_wrong_arguments_are_named_after_right_ones(args, wrong, first):
    p = weighted()
    for _ in range(2):
        assert np.array_equal(p(first, np.eye(2), np.ones(2)), [3, 3])
    with pytest.raises((ShapeError, TypeError), match=wrong):
        p(*args)
    assert np.array_equal(p(first, np.eye(2), np.ones(2)), [3, 3])


CALLED_ALIKE = [
    ("first", "known", "missing"),
    ("self", "other", "more"),
    ("rest", "run", "args"),
    ("general", "state", "names"),
    ("lambda", "self", "rest"),
]


@pytest.mark.usefixtures("guarded")
@pytest.mark.parametrize("names", CALLED_ALIKE)
def test_variables_may_be_called_as_what_a_call_is_made_of(names):
    """Also where Python does not take the name: such an argument is given by its own name as fast as others."""
    a, b, c = names
    p = fr.compile(fr.parse(f"{a} + 2*{b} + 3*{c}", dict.fromkeys(names, "scalar")), list(names))
    given = dict(zip(names, (1.0, 2.0, 3.0), strict=True))
    for _ in range(3):
        assert p(**given) == p(1.0, 2.0, 3.0) == p(1, 2, 3) == p(1.0, **{b: 2.0, c: 3.0}) == 14
    prepared = p.prepare(**{a: 1.0})
    for _ in range(3):
        assert prepared(2.0, 3.0) == prepared(**{b: 2.0, c: 3.0}) == 14
    with pytest.raises(TypeError, match=r"takes 2 arguments.*not 3"):
        prepared(1.0, 2.0, 3.0)
    with pytest.raises(TypeError, match=r"takes 3 arguments.*not 4"):
        p(1.0, 2.0, 3.0, 4.0)
    with pytest.raises(TypeError, match="has no argument 'y'"):
        p(**given, y=1)


def test_an_argument_is_not_given_under_two_names():
    p = fr.compile(fr.parse("2*lambda", {"lambda": "scalar"}))
    with pytest.raises(TypeError, match="lambda twice"):
        p(**{"lambda": 1.0, "lambda_": 2.0})


@pytest.mark.usefixtures("guarded")
def test_programs_are_collected():
    p = weighted()
    p(2.0, np.eye(2), np.ones(2))
    p(2.0, np.eye(2), np.ones(2))
    gone = weakref.ref(p)
    del p
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("kinds", [(1,), ((float, np.dtype(float), (2,)),), ((np.ndarray, np.dtype(float)),), ((2,),)])
def test_the_condition_in_c_refuses_what_is_no_kind(kinds):
    guard = dispatch._guard()
    if guard is None:
        pytest.skip("it is not built")
    with pytest.raises(TypeError):
        guard(len, len, kinds)
