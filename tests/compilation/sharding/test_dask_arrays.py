"""Dask arrays as arguments, as they are; and a client of dask.distributed as executor."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import frechet as fr
from frechet.compilation.sharding import execution

da = pytest.importorskip("dask.array")
DECLARE = ["X: n×k", "w: k", "y: n"]
g = fr.parse("sum(softplus(-y.*(X*w)))/n", DECLARE)
VIEWS = {
    "value": g,
    "gradient": fr.derivative(g, fr.variables(g)["w"]).gradient,
    "scores": fr.parse("softmax(X*w)", DECLARE),
}
PROGRAM = fr.compile(VIEWS, shard="n")
rng = np.random.default_rng(5)
X, y, w = rng.standard_normal((501, 7)), np.sign(rng.standard_normal(501)), rng.standard_normal(7)
WHOLE = PROGRAM.over(rows=60)(X=X, y=y, w=w)


def same(found: dict[str, Any]) -> bool:
    return all(np.array_equal(np.asarray(found[name]), WHOLE[name]) for name in WHOLE)


def test_chunks_are_blocks() -> None:
    found = PROGRAM(X=da.from_array(X, chunks=(60, 3)), y=da.from_array(y, chunks=100), w=w)
    assert isinstance(found["gradient"], np.ndarray)
    assert isinstance(found["scores"], da.Array)
    assert found["scores"].chunks == ((60,) * 8 + (21,),)
    assert found["scores"].dtype == np.float64
    assert same(found)


def test_other_blocks_and_other_arrays() -> None:
    run = PROGRAM.over(rows=60)
    assert same(run(X=da.from_array(X, chunks=100), y=y, w=da.from_array(w)))
    assert same(run(X=X, y=da.from_array(y), w=w))


def test_blocks_in_c(monkeypatch: pytest.MonkeyPatch) -> None:
    program = fr.compile(VIEWS, shard="n", backend="c")
    uneven = fr.compile({name: VIEWS[name] for name in ("value", "gradient")}, shard="n", backend="c")
    here = program.over(rows=60)(X=X, y=y, w=w)
    found = program(X=da.from_array(X, chunks=(60, 3)), y=da.from_array(y, chunks=100), w=w)
    assert all(np.array_equal(np.asarray(found[name]), here[name]) for name in here)
    assert all(np.allclose(here[name], WHOLE[name], rtol=1e-10) for name in here)
    in_numpy = []
    monkeypatch.setattr(execution, "runnable", lambda p: lambda *whole: lambda *args: in_numpy.append(args))
    found = uneven.over()(X=da.from_array(X, chunks=((60, 100, 341), (7,))), y=y, w=w)
    assert np.allclose(found["gradient"], WHOLE["gradient"], rtol=1e-10) and not in_numpy


def test_unknown_lengths_are_refused() -> None:
    some = da.from_array(X)[da.from_array(y) > 0]
    with pytest.raises(fr.ShapeError, match=r"X is a dask array of unknown length: call X.compute_chunk_sizes\(\) first"):
        PROGRAM(X=some, y=y, w=w)
    known = some.compute_chunk_sizes()
    assert PROGRAM(X=known, y=y[y > 0], w=w)["scores"].shape == (int(np.sum(y > 0)),)


def test_a_client_of_distributed() -> None:
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None)
    with cluster, distributed.Client(cluster) as client:
        run = PROGRAM.over(client, rows=60)
        assert same(run(X=X, y=y, w=w))
        assert same(PROGRAM.over(client)(X=da.from_array(X, chunks=60).persist(), y=y, w=w))
