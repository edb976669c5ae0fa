"""Who computes the blocks, and where the rows come from, changes no bit of the results."""

from __future__ import annotations

import io
import os
import pickle
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import frechet as fr
from frechet.compilation.sharding import blocks, blocks_in_c, execution
from frechet.compilation.sharding.blocks import Rows, boundaries, byte_count
from frechet.compilation.sharding.joining import Tree

DECLARE = ["X: n×k", "w: k", "y: n"]
g = fr.parse("sum(softplus(-y.*(X*w)))/n", DECLARE)
OUTPUTS = {"value": g, "gradient": fr.derivative(g, fr.variables(g)["w"]).gradient, "spread": fr.parse("var(X*w)", DECLARE)}
ALL = {**OUTPUTS, "scores": fr.parse("X*w", DECLARE)}
PROGRAM = fr.compile(ALL, shard="n")
rng = np.random.default_rng(3)
X, y, w = rng.standard_normal((501, 7)), np.sign(rng.standard_normal(501)), rng.standard_normal(7)
WHOLE = PROGRAM.over(rows=60)(X=X, y=y, w=w)


@pytest.fixture
def mapped(tmp_path: Path) -> np.ndarray:
    np.save(tmp_path / "X.npy", X)
    return np.load(tmp_path / "X.npy", mmap_mode="r")


def same(found: dict[str, Any]) -> bool:
    return all(np.array_equal(np.asarray(found[name]), WHOLE[name]) for name in WHOLE)


def processes(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, mp_context=get_context("forkserver"))


def test_a_memory_map_gives_the_same(mapped: np.ndarray) -> None:
    assert same(PROGRAM.over(rows=60)(X=mapped, y=y, w=w))


class Stored:
    """An array that is read by parts, as those of h5py."""

    shape, dtype, ndim = X.shape, X.dtype, X.ndim

    def __init__(self) -> None:
        self.most = 0

    def __getitem__(self, key: tuple[slice, ...]) -> np.ndarray:
        self.most = max(self.most, len(X[key]))
        return X[key]


def test_other_stores_are_read_by_blocks() -> None:
    stored = Stored()
    assert same(PROGRAM.over(rows=60)(X=stored, y=y, w=w))
    assert stored.most == 60


def test_threads_give_the_same() -> None:
    for workers in (1, 2):
        with ThreadPoolExecutor(workers) as pool:
            assert same(PROGRAM.over(pool, rows=60)(X=X, y=y, w=w))


def test_two_processes_give_the_same_as_one(mapped: np.ndarray) -> None:
    for workers in (1, 2):
        with processes(workers) as pool:
            run = PROGRAM.over(pool, rows=60)
            assert same(run(X=mapped, y=y, w=w))
            assert same(run(X=X, y=y, w=w))


def test_in_c_who_computes_changes_no_bit(mapped: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks_in_c, "SHARED", np.inf)
    program = fr.compile(ALL, shard="n", backend="c")
    assert all(f.c is not None for f in program.plan({"n": 60, "k": 7}, "d").rounds)
    here = program.over(rows=60)(X=X, y=y, w=w)
    assert all(np.allclose(here[name], WHOLE[name], rtol=1e-12) for name in WHOLE)
    with ThreadPoolExecutor(2) as threads, processes(2) as pool:
        for executor, given in ((threads, X), (pool, mapped), (pool, X)):
            found = program.over(executor, rows=60)(X=given, y=y, w=w)
            assert all(np.array_equal(found[name], here[name]) for name in here)
    single = program.over(rows=60)(X=X.astype("f4"), y=y.astype("f4"), w=w.astype("f4"))
    assert all(np.allclose(single[name], WHOLE[name], rtol=1e-3, atol=1e-3) for name in WHOLE)
    assert single["gradient"].dtype == single["scores"].dtype == np.float32


def test_blocks_are_in_numpy_where_there_is_no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks_in_c, "load", lambda text: None)
    assert same(fr.compile(ALL, shard="n", backend="c").over(rows=60)(X=X, y=y, w=w))


def test_blocks_in_c_leave_to_numpy_what_they_cannot_do() -> None:
    """A Cholesky factor of what is not positive definite is such a thing: LU has to be tried there, or a word be found."""
    e = fr.parse("sum((X*inv(S)).^2)", [*DECLARE, "S: k×k symmetric"])
    program, whole = fr.compile(e, shard="n", backend="c"), fr.compile(e)
    S = np.diag([1.0, -2, 3, 4, 5, 6, 7])
    assert np.isclose(program.over(rows=300)(X=X, S=S), whole(X=X, S=S))
    with pytest.raises(np.linalg.LinAlgError):
        program.over(rows=300)(X=X, S=0 * S)


class Backwards(Executor):
    """Runs what is submitted only when a result is asked for, and what came last first."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Future[Any], Any, Any]] = []
        self.most = 0

    def submit(self, fn: Any, /, *args: Any, **_: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.waiting.append((future, fn, args))
        self.most = max(self.most, len(self.waiting))
        ask = future.result

        def result(timeout: float | None = None) -> Any:
            while self.waiting:
                other, f, given = self.waiting.pop()
                other.set_result(f(*given))
            return ask(timeout)

        future.result = result  # type: ignore[method-assign]
        return future


def test_the_order_in_which_blocks_end_does_not_matter() -> None:
    pool = Backwards()
    pool._max_workers = 2  # type: ignore[attr-defined]
    assert same(PROGRAM.over(pool, rows=60)(X=X, y=y, w=w))
    assert pool.most <= 4, "blocks wait where they are, not in a queue"


def test_an_error_in_a_block_is_raised() -> None:
    program = fr.compile(fr.parse("sum(diag(X*inv(S)*X'))", ["X: n×k", "S: k×k spd"]), shard="n")
    with ThreadPoolExecutor(2) as pool, pytest.raises(np.linalg.LinAlgError, match="S is not positive definite"):
        program.over(pool, rows=60)(X=X, S=-np.eye(7))


def test_rows_of_a_file_are_sent_as_their_place(mapped: np.ndarray) -> None:
    columns = np.asfortranarray(X)
    for array, axis in [
        (mapped, 0),
        (mapped[5:], 0),
        (mapped.T, 1),
        (mapped[:, 2:5], 0),
        (mapped[::2], 0),
        (np.asarray(mapped), 0),
    ]:
        rows = Rows(array, axis, 10, 200)
        sent = pickle.dumps(rows)
        assert len(sent) < 1000
        assert np.array_equal(pickle.loads(sent).load(), rows.load())
    for array in (X, columns, mapped[::-1], np.memmap(mapped.filename, "d", "c", 128, X.shape)):
        rows = Rows(array, 0, 10, 200)
        sent = pickle.dumps(rows)
        assert 190 * 7 * 8 < len(sent) < 200 * 7 * 8
        assert np.array_equal(pickle.loads(sent).load(), rows.load())


@pytest.fixture
def ahead(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What is read ahead, as it is found in the files."""
    found: list[bytes] = []

    def recorded(path: str, start: int, count: int) -> None:
        blocks_read_ahead(path, start, count)
        found.append(Path(path).read_bytes()[start : start + count])

    blocks_read_ahead = blocks.read_ahead
    monkeypatch.setattr(blocks, "read_ahead", recorded)
    return found


def test_rows_of_files_are_read_ahead(mapped: np.ndarray, tmp_path: Path, ahead: list[bytes]) -> None:
    other = np.memmap(tmp_path / "far", "d", "w+", 8 * 100_001, X.shape)  # begins at no page
    other[:] = X
    other.flush()
    for array, axis in [(mapped, 0), (mapped[5:], 0), (mapped.T, 1), (np.asarray(mapped), 0), (other, 0), (other[7:], 0)]:
        rows = Rows(array, axis, 10, 200)
        rows.announce()
        entries = rows.load() if axis == 0 else rows.load().T
        assert ahead.pop() == np.ascontiguousarray(entries).tobytes()
    store = Stored()
    for array in (X, np.asfortranarray(X), mapped[:, :2], np.zeros(501), store):
        Rows(array, 0, 10, 200).announce()
        assert not ahead
    assert store.most == 0


def test_the_next_block_is_read_ahead(mapped: np.ndarray, ahead: list[bytes]) -> None:
    once = fr.compile(fr.parse("norm2(X*w - y)^2", DECLARE), shard="n").over(rows=60)
    once(X=mapped, y=y, w=w)
    assert b"".join(ahead) == X[60:].tobytes()


@pytest.mark.skipif(not hasattr(os, "RWF_NOWAIT"), reason="Linux has it")
def test_large_parts_are_read_ahead_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a larger part the system would read the beginning."""
    path = tmp_path / "large"
    path.write_bytes(b"")
    asked: list[range] = []

    def not_in_memory(*_: object) -> None:
        raise BlockingIOError

    monkeypatch.setattr(os, "preadv", not_in_memory)
    monkeypatch.setattr(os, "posix_fadvise", lambda file, start, count, advice: asked.append(range(start, start + count)))
    for start, count in ((7, 3 * blocks.AHEAD), (blocks.AHEAD, 10**6), (0, 5)):
        asked.clear()
        blocks.read_ahead(str(path), start, count)
        assert [*chain(*asked)] == [*range(start, start + count)]
        assert all(len(part) <= blocks.AHEAD for part in asked)


def test_a_map_outlives_the_name_of_its_file(mapped: np.ndarray) -> None:
    Path(mapped.filename).unlink()
    assert same(PROGRAM.over(rows=60)(X=mapped, y=y, w=w))


def test_a_worker_computes_once_what_blocks_share(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    monkeypatch.setattr(execution, "runnable", lambda program: made.append(program) or (lambda: lambda n: n))
    block = execution.Block("program", [], [])  # type: ignore[arg-type]
    assert [pickle.loads(pickle.dumps(block))(length) for length in (3, 4, 5)] == [3, 4, 5]
    assert made == ["program"]


@pytest.mark.parametrize("count", range(1, 20))
def test_the_tree_keeps_the_order(count: int) -> None:
    tree = Tree(lambda a, b: f"({a}{b})")
    for i in range(count):
        tree.add(chr(97 + i))
        assert len(tree.waiting) <= 1 + count.bit_length()
    total = tree.total()
    assert [c for c in total if c.isalpha()] == [chr(97 + i) for i in range(count)]
    if count == 6:
        assert total == "(((ab)(cd))(ef))"


def test_the_memory_allowed_says_how_many_rows_a_block_has() -> None:
    """Less memory, smaller blocks; the arrays that were alive at once did fit."""
    import tracemalloc

    big = np.ones((200_000, 7))
    labels, run = np.ones(len(big)), PROGRAM.over(memory="2MB")
    run(X=big, y=labels, w=w)
    tracemalloc.start()
    run(X=big, y=labels, w=w)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000 + labels.nbytes  # the scores are a result
    with pytest.raises(fr.UnsupportedError, match=r"a block of one row takes \d+ bytes .* more than memory=50"):
        PROGRAM.over(memory=50)(X=X, y=y, w=w)


def test_sizes_of_memory() -> None:
    assert [byte_count(m) for m in (7, "200MB", "1.5 GiB", "3k", "10")] == [7, 200_000_000, 3 * 2**29, 3000, 10]
    for wrong in ("much", "1PB", "-3MB"):
        with pytest.raises(fr.UnsupportedError, match="is not a number of bytes"):
            PROGRAM.over(memory=wrong)
    assert list(boundaries(10, 4)) == [(0, 4), (4, 8), (8, 10)]


def test_wrong_ways_to_run_are_refused() -> None:
    with pytest.raises(fr.UnsupportedError, match="give one of them"):
        PROGRAM.over(rows=3, blocks=4)
    with pytest.raises(fr.UnsupportedError, match="at least 1"):
        PROGRAM.over(blocks=0)
    with pytest.raises(fr.UnsupportedError, match="an executor, which has a method submit"):
        PROGRAM.over("cluster")
    with pytest.raises(fr.UnsupportedError, match="only what runs on a mesh"):
        PROGRAM.over().lower(X=X, y=y, w=w)


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(fr.ShapeError, match="X needs a 2-D array of shape n×k, not one of shape 501×7: n is 500"):
        PROGRAM(X=X, y=y[:500], w=w)
    with pytest.raises(TypeError, match="needs w"):
        PROGRAM(X=X, y=y)


def test_positions_and_forms_of_results() -> None:
    program = fr.compile([fr.parse("X'*y", DECLARE), fr.parse("sum(y)", DECLARE)], ["X", "y"], shard="n")
    first, second = program(X, y)
    np.testing.assert_allclose(first, X.T @ y)
    assert second == pytest.approx(y.sum())
    single = fr.compile(fr.parse("X'*y", DECLARE), ["X", "y"], shard="n")
    assert np.array_equal(single(X, y), first)
    assert np.array_equal(single(X.tolist(), y.tolist()), first)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_is_shown_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "PATIENCE", 0.0)
    monkeypatch.setenv("TERM", "xterm")
    for stream, wanted, shown in ((Terminal(), None, True), (Terminal(), False, False), (io.StringIO(), None, False)):
        monkeypatch.setattr("sys.stderr", stream)
        PROGRAM.over(rows=60, progress=wanted)(X=X, y=y, w=w)
        assert bool(stream.getvalue()) is shown
        assert ("18/18" in stream.getvalue()) is shown
