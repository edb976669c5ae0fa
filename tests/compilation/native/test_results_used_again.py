"""Small results of C that nobody holds any more are used again, and nobody who holds one sees that; so are workspaces."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import frechet as fr
from frechet.compilation.native import building

pytestmark = pytest.mark.skipif(building.compiler() is None, reason="no C compiler, or no headers of Python")


@pytest.fixture
def program() -> Iterator[Any]:
    a, x = fr.matrix("A", "n", "n"), fr.vector("x", "n")
    yield fr.compile([a @ x, x @ x.T], [a, x], backend="c")


A = np.arange(9.0).reshape(3, 3)


def expected(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return A @ x, np.outer(x, x)


def agree(found: Any, x: np.ndarray) -> bool:
    return all(f.shape == e.shape and np.array_equal(f, e) for f, e in zip(found, expected(x), strict=True))


def in_threads(work: Callable[[int], None], count: int) -> None:
    threads = [threading.Thread(target=work, args=(k,)) for k in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def test_what_nobody_holds_is_used_again(program: Any) -> None:
    places = {program(A, np.full(3, float(k)))[0].ctypes.data for k in range(20)}
    assert len(places) <= 2


def test_results_that_are_held_stay(program: Any) -> None:
    points = [np.full(3, float(k)) for k in range(50)]
    held = [program(A, x) for x in points]
    assert all(agree(found, x) for found, x in zip(held, points, strict=True))
    first, last = held[0], held[-1]
    del held
    for k in range(5):
        program(A, np.full(3, -float(k)))
    assert agree(first, points[0]) and agree(last, points[-1])


HOLDERS = {
    "a view": lambda a: a[1:],
    "a transpose": lambda a: a.T,
    "a buffer": memoryview,
    "an array that shares it": np.asarray,
    "an iterator": lambda a: a.flat,
    "an interface": lambda a: np.frombuffer(a),
}


@pytest.mark.parametrize("holder", HOLDERS)
def test_what_is_seen_through_something_else_stays(program: Any, holder: str) -> None:
    held = HOLDERS[holder](program(A, np.array([1.0, 2.0, 3.0]))[1])
    before = np.array(held)
    for k in range(5):
        program(A, np.full(3, -float(k)))
    assert np.array_equal(np.array(held), before)


def test_weak_references_end(program: Any) -> None:
    found = program(A, np.ones(3))[0]
    seen = weakref.ref(found)
    del found
    for k in range(4):
        program(A, np.full(3, -float(k)))
    gc.collect()
    assert seen() is None


def changed_shape(a: np.ndarray) -> None:
    a.shape = (1, 9)


def changed_entries(a: np.ndarray) -> None:
    a.dtype = np.int64


def swapped(a: np.ndarray) -> None:
    a.dtype = a.dtype.newbyteorder()


def locked(a: np.ndarray) -> None:
    a.flags.writeable = False


def grown(a: np.ndarray) -> None:
    a.resize((5, 5), refcheck=False)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("change", [changed_shape, changed_entries, swapped, locked, grown])
def test_what_was_changed_in_place_is_not_used_again_as_it_is(program: Any, change: Any) -> None:
    for _ in range(3):
        found = program(A, np.ones(3))[1]
        change(found)
        del found
        x = np.array([1.0, -2.0, 3.0])
        found = program(A, x)
        assert agree(found, x) and all(f.dtype == np.float64 and f.flags.writeable for f in found)
        del found


def test_results_are_arguments_of_the_next_call(program: Any) -> None:
    x = np.array([1.0, 0.5, 0.25])
    y = x.copy()
    for _ in range(6):
        x, y = program(A / 16, x)[0], (A / 16) @ y
        assert np.allclose(x, y)


def test_other_sizes_in_between(program: Any) -> None:
    for n in (3, 2, 3, 5, 2, 3):
        x = np.arange(float(n))
        assert np.array_equal(program(np.eye(n), x)[0], x)


def test_from_many_threads(program: Any) -> None:
    wrong: list[int] = []

    def work(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for _ in range(300):
            x = rng.normal(size=3)
            found = program(A, x)
            if not (np.allclose(found[0], A @ x) and np.allclose(found[1], np.outer(x, x))):
                wrong.append(seed)

    in_threads(work, 8)
    assert not wrong


# -- workspaces
@pytest.fixture
def large() -> Iterator[Any]:
    a, b = fr.matrix("A", "n", "n"), fr.matrix("B", "n", "n")
    yield fr.compile(fr.trace(a @ b @ fr.sin(a @ b) @ a), [a, b], backend="c")


def traced(a: np.ndarray, b: np.ndarray) -> Any:
    return np.trace(a @ b @ np.sin(a @ b) @ a)


def test_programs_share_a_workspace(large: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "_workspace", [None])
    seen = []
    for n in (40, 40, 60, 50):
        a, b = np.random.default_rng(n).normal(size=(2, n, n)) / n
        assert np.isclose(large(a, b), traced(a, b))
        seen.append(building._workspace[0])
    assert seen[0] is seen[1] and seen[2] is seen[3] and seen[2].size > seen[0].size > 0


def test_threads_have_workspaces_of_their_own(large: Any) -> None:
    n, wrong = 120, []
    points = [np.random.default_rng(k).normal(size=(2, n, n)) / n for k in range(6)]
    wanted = [traced(a, b) for a, b in points]
    large(*points[0])

    def work(k: int) -> None:
        for _ in range(30):
            if not np.isclose(large(*points[k]), wanted[k]):
                wrong.append(k)

    in_threads(work, 6)
    assert not wrong
