"""Logistic regression over a file that is larger than the memory allowed: rate of value and gradient in GB/s.

    python benchmarks/out_of_core.py            a file of 0.3 GB, 100 MB of memory
    python benchmarks/out_of_core.py 2.0 700MB  gigabytes of the file, memory

Each row of the table is measured in a process of its own, whose data segment is limited (RLIMIT_DATA, of Linux): the first
shows that the file does not load. In the first table the file is in the page cache, where that is large enough, so that the
rates are those of memory; for the second it is dropped from there before each row (posix_fadvise), so that they are those of
the disk. Rounds are interleaved. The file is removed afterwards.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from frechet.compilation.sharding.blocks import byte_count

COLUMNS = 50
ROUNDS = 5
BASE = 150_000_000  # bytes that Python, NumPy and SciPy take themselves
LIMITED = ["load the file", "np.memmap, sum of all entries", "by hand, blocks of 4 MB", "fr.compile, this process"]
PROCESSES = "fr.compile, {} processes"
IN_C = "fr.compile in C, this process"
THREADS = "fr.compile in C, two threads"
READ = "read the file, 4 MB at a time"


def main() -> None:
    gigabytes = float(sys.argv[1]) if len(sys.argv) > 1 else 0.3
    memory = sys.argv[2] if len(sys.argv) > 2 else "100MB"
    rows = int(gigabytes * 1e9 / 8 / COLUMNS)
    title = f"{gigabytes:g} GB, {rows:,}×{COLUMNS}, memory {memory}"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "X.npy")
        written(path, rows)
        ways = [*LIMITED, *(PROCESSES.format(k) for k in (1, 2)), IN_C, THREADS]
        table(f"{title}, in the page cache", ways, "--one", path, memory)
        table(f"{title}, on the disk", [READ, LIMITED[1], LIMITED[3], IN_C], "--cold", path, memory)


def table(title: str, ways: list[str], how: str, path: Path, memory: str) -> None:
    """Measures and prints: the median rate of each way, and the value that it finds."""
    found: dict[str, list[str]] = {way: [] for way in ways}
    for _ in range(ROUNDS):
        for way in ways:
            command = [sys.executable, __file__, how, way, str(path), memory]
            found[way].append(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())
    print(f"| {title} | GB/s | value |")
    print("|---|---|---|")
    for way, lines in found.items():
        rates = [float(line.split()[0]) for line in lines if line[0].isdigit()]
        print(f"| {way} | {median(rates):.2f} | {lines[0].split()[1]} |" if rates else f"| {way} | {lines[0]} | |")
    print(flush=True)


def written(path: Path, rows: int) -> None:
    """Standard normal entries, and beside them labels of ±1."""
    rng = np.random.default_rng(0)
    X = np.lib.format.open_memmap(path, "w+", np.float64, (rows, COLUMNS))
    block = rng.standard_normal((100_000, COLUMNS))
    for start in range(0, rows, len(block)):
        X[start : start + len(block)] = block[: rows - start]
    np.save(path.with_name("y.npy"), rng.choice([-1.0, 1.0], rows))


def one(way: str, path: str, memory: str, cold: bool = False) -> None:
    """Prints the rate of one way, or why there is none."""
    limit = BASE + byte_count(memory)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    y = np.load(Path(path).with_name("y.npy"), mmap_mode="r")
    w = np.linspace(-0.1, 0.1, COLUMNS)
    try:
        X = np.load(path, mmap_mode=None if way == LIMITED[0] else "r")
        run = function(way, X, y, w, memory)
        if cold:  # programs are compiled
            function(way, X[:1000], y[:1000], w, memory)()
            dropped_from_cache(path)
        else:  # pages are mapped too
            run()
        start = perf_counter()
        value = run()
        seconds = perf_counter() - start
        print(f"{X.nbytes / seconds / 1e9} {value:.12g}")
    except MemoryError:
        print("does not fit")


def dropped_from_cache(path: str) -> None:
    file = os.open(path, os.O_RDONLY)
    os.fsync(file)
    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(file)


def read(path: str) -> float:
    """The number of bytes, all of which are read."""
    block, count = memoryview(bytearray(4_000_000)), 0
    with open(path, "rb", buffering=0) as file:
        while some := file.readinto(block):
            count += some
    return float(count)


def function(way: str, X: np.ndarray, y: np.ndarray, w: np.ndarray, memory: str):
    """The way as a function of nothing that returns one number."""
    if way == READ:
        return lambda: read(str(X.filename))
    if way == LIMITED[1]:
        return X.sum
    if way == LIMITED[2]:
        return lambda: by_hand(X, y, w)
    from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

    import frechet as fr

    g = fr.parse("sum(softplus(-y.*(X*w)))", ["X: n×k", "w: k"])
    backend = "c" if way in (IN_C, THREADS) else "numpy"
    program = fr.compile([g, fr.derivative(g, fr.variables(g)["w"]).gradient], shard="n", backend=backend)
    workers = next((k for k in (1, 2) if way == PROCESSES.format(k)), 0)
    pool = ProcessPoolExecutor(workers) if workers else ThreadPoolExecutor(2) if way == THREADS else None
    run = program.over(pool, memory=memory, progress=False)
    return lambda: run(X=X, y=y, w=w)[0]


def by_hand(X: np.ndarray, y: np.ndarray, w: np.ndarray) -> float:
    rows = 4_000_000 // X[0].nbytes
    value, gradient = 0.0, np.zeros_like(w)
    for start in range(0, len(X), rows):
        A, b = X[start : start + rows], y[start : start + rows]
        z = b * A.dot(w)
        e = np.exp(-np.abs(z))
        value += np.sum(np.log1p(e)) - np.sum(np.minimum(z, 0.0))
        gradient -= (b * np.where(z > 0, e, 1.0) / (1.0 + e)).dot(A)
    return float(value)


if __name__ == "__main__":
    if sys.argv[1:2] in (["--one"], ["--cold"]):
        one(*sys.argv[2:], cold=sys.argv[1] == "--cold")
    else:
        main()
