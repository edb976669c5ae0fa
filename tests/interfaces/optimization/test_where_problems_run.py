"""Problems in C, and over data that is read block after block: the same optimum."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import check_grad

import frechet as fr
from frechet.interfaces.optimization import solving

rng = np.random.default_rng(0)
X = rng.standard_normal((301, 4))
y = np.where(rng.random(301) < 1 / (1 + np.exp(-X @ np.array([1.0, -1, 0.5, 0]))), 1.0, -1.0)
FORMULA, DATA = "sum(softplus(-y.*(X*w .+ b))) + norm2(w)^2", {"X": X, "y": y}
DECLARED = ["X: n×k", "w: k", "b: scalar"]
WANTED = fr.problem(FORMULA, ["w", "b"], DATA, declare=DECLARED).solve()


class Stored:
    """An array that is read by parts, as those of h5py."""

    shape, dtype, ndim = X.shape, X.dtype, X.ndim

    def __init__(self) -> None:
        self.most = 0

    def __getitem__(self, key: tuple[slice, ...] | slice) -> np.ndarray:
        self.most = max(self.most, len(X[key]))
        return X[key]


@pytest.mark.parametrize("where", [{"backend": "c"}, {"backend": "auto"}, {"shard": "n"}, {"shard": "n", "backend": "c"}])
def test_the_optimum_is_the_same(where: dict[str, Any]) -> None:
    p = fr.problem(FORMULA, ["w", "b"], DATA, declare=DECLARED, **where)
    assert check_grad(p.fun, p.jac, p.x0 + 0.1) < 1e-4
    found = p.solve()
    assert np.allclose(found.x, WANTED.x, atol=1e-6)
    assert np.allclose(p.hess(found.x) @ np.ones(5), p.hessp(found.x, np.ones(5)))


def test_data_in_files_is_read_by_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solving, "PIECE", 160)
    np.save(tmp_path / "X.npy", X)
    stored = Stored()
    with ThreadPoolExecutor(2) as pool:
        for data, over in ((np.load(tmp_path / "X.npy", mmap_mode="r"), {"memory": "20kB"}), (stored, {"rows": 40})):
            given = {"X": data, "y": y}
            p = fr.problem(FORMULA, ["w", "b"], given, declare=DECLARED, shard="n", over={**over, "executor": pool})
            assert np.allclose(p.solve().x, WANTED.x, atol=1e-6)
    assert stored.most == 40


def test_a_residual_by_blocks() -> None:
    p = fr.problem("tanh(X*w) - y/2", "w", DATA, declare=["X: n×k", "w: k"], shard="n", over={"rows": 50})
    whole = fr.problem("tanh(X*w) - y/2", "w", DATA, declare=["X: n×k", "w: k"])
    x = np.full(4, 0.1)
    assert np.allclose(p.fun(x), whole.fun(x)) and np.allclose(p.jac(x), whole.jac(x))


def test_what_does_not_go_is_said() -> None:
    def problem(**where: Any) -> None:
        fr.problem(FORMULA, ["w", "b"], DATA, declare=DECLARED, **where).fun(np.zeros(5))

    with pytest.raises(fr.UnsupportedError, match="by the back ends numpy, c and auto, not by jax"):
        problem(backend="jax")
    with pytest.raises(fr.UnsupportedError, match="no dimension is given"):
        problem(over={"rows": 5})
    with pytest.raises(fr.UnsupportedError, match="there is no dimension m: there are"):
        problem(shard="m")
    with pytest.raises(fr.ShapeError, match=r"X needs .* n is 7"):
        fr.problem(FORMULA, ["w", "b"], {"X": X, "y": y[:7]}, declare=DECLARED, shard="n")


def test_entries_that_are_not_finite_are_found_in_every_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solving, "PIECE", 160)
    for row in (0, 150, 300):
        bad = X.copy()
        bad[row, 2] = np.nan
        with pytest.raises(fr.ShapeError, match="X has entries that are infinite or not a number"):
            fr.problem(FORMULA, ["w", "b"], {"X": bad, "y": y}, declare=DECLARED).solve()
