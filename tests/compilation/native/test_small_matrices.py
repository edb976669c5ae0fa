"""Products and solves of small matrices in C, with the vectors of different processors and without: equal to NumPy's."""

import platform
from pathlib import Path

import numpy as np
import pytest

import frechet as fr
from frechet.compilation.native import building

pytestmark = pytest.mark.skipif(building.compiler() is None, reason="no C compiler, or no headers of Python")
DECLARED = {"A": "n×m", "B": "m×k", "C": "k×m", "D": "n×k", "S": "n×n spd", "X": "n×n", "x": "n", "y": "m"}
FORMULAS = {
    "A*B": lambda v: v["A"] @ v["B"],
    "A*C'": lambda v: v["A"] @ v["C"].T,
    "A'*D": lambda v: v["A"].T @ v["D"],
    "2*C'*D'": lambda v: 2 * v["C"].T @ v["D"].T,
    "A*A'": lambda v: v["A"] @ v["A"].T,
    "A'*A": lambda v: v["A"].T @ v["A"],
    "A*y": lambda v: v["A"] @ v["y"],
    "A'*x": lambda v: v["A"].T @ v["x"],
    "inv(S)*D": lambda v: np.linalg.solve(v["S"], v["D"]),
    "inv(X)*D": lambda v: np.linalg.solve(v["X"], v["D"]),
    "inv(X')*A": lambda v: np.linalg.solve(v["X"].T, v["A"]),
    "inv(X)*x": lambda v: np.linalg.solve(v["X"], v["x"]),
    "inv(S)": lambda v: np.linalg.inv(v["S"]),
    "inv(X)": lambda v: np.linalg.inv(v["X"]),
}
PROCESSORS = ["native", *(("skylake-avx512", "haswell", "x86-64") if platform.machine() == "x86_64" else ())]


def runs(processor: str) -> bool:
    """Does this machine have the instructions?"""
    needed = {"skylake-avx512": "avx512dq", "haswell": "fma"}.get(processor)
    cpuinfo = Path("/proc/cpuinfo")
    return needed is None or (cpuinfo.exists() and needed in cpuinfo.read_text(encoding="utf-8"))


def arguments(n: int, m: int, k: int, dtype: type) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(100 * n + 10 * m + k)
    sizes = {"n": n, "m": m, "k": k}
    found = {}
    for name, said in DECLARED.items():
        shape = [sizes[d] for d in said.split()[0].split("×")]
        entries = rng.standard_normal(shape)
        if name == "S":
            entries = entries @ entries.T + n * np.eye(n)
        elif name == "X":
            entries += 2 * n * np.diag(rng.choice([-1.0, 1.0], n))[rng.permutation(n)]  # so that rows are interchanged
        found[name] = entries.astype(dtype)
    return found


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("processor", PROCESSORS)
def test_all_sizes(processor, dtype, tmp_path, monkeypatch):
    if not runs(processor):
        pytest.skip(f"this machine is no {processor}")
    flags = [f"-march={processor}" if f.startswith("-march") else "-O1" if f == "-O3" else f for f in building.FLAGS]
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(building, "FLAGS", tuple(flags))
    monkeypatch.setattr(building, "_loaded", {})
    building.directory.cache_clear()
    try:
        program = fr.compile({f: fr.parse(f, DECLARED) for f in FORMULAS}, list(DECLARED), backend="c")
        exact = 2e-4 if dtype is np.float32 else 1e-11
        for n, m, k in [(1, 1, 1), (2, 3, 4), (3, 1, 7), (4, 8, 5), (5, 5, 5), (6, 9, 2), (7, 4, 16), (8, 8, 8), (9, 3, 17),
                        (10, 2, 10), (12, 5, 3), (16, 16, 9), (17, 6, 11), (20, 70, 4), (33, 12, 8)]:  # fmt: skip
            v = arguments(n, m, k, dtype)
            made = program.specialised({"n": n, "m": m, "k": k}, "s" if dtype is np.float32 else "d")
            assert made.c is not None and made.module is not None
            found = made.bound(None, bytearray(made.accepted))(*v.values())  # nothing is left to NumPy
            for f, value in FORMULAS.items():
                want = value({name: a.astype(float) for name, a in v.items()})
                assert np.allclose(found[f], want, exact, exact * np.abs(want).max()), (f, n, m, k)
                if f in ("A*A'", "A'*A", "inv(S)"):
                    assert np.allclose(found[f], found[f].T, exact / 100, 0)
    finally:
        building.directory.cache_clear()
