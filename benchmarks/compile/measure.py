"""Times of the contenders of a cell, in interleaved rounds: what disturbs the machine disturbs all of them."""

from __future__ import annotations

import gc
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

Call = Callable[[], Any]  # waits until the result is there
Clock = Callable[[], float]
TOLERANCE = 1e-8


class Built(NamedTuple):
    """A contender of a cell, bound to its arguments. `canonical` makes NumPy arrays of a result, in the expert's layout."""

    call: Call
    canonical: Callable[[Any], Sequence[Any]]


class Effort(NamedTuple):
    rounds: int  # at most
    least: int  # rounds
    sample: float  # seconds of one sample, at least
    budget: float  # seconds for a contender of a cell
    limit: float  # seconds for its first calls; what takes longer is given up


QUICK = Effort(rounds=15, least=3, sample=1e-3, budget=0.2, limit=10)
COMPLETE = Effort(rounds=41, least=3, sample=4e-3, budget=2.0, limit=60)


class Exceeded(Exception):
    """The first calls took longer than the limit."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Interrupts Python code after so many seconds; a long call of a library is interrupted when it returns."""

    def stop(*_: Any) -> None:
        raise Exceeded(f"over {seconds:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def seconds_of(calls: Mapping[str, Call], effort: Effort, clock: Clock = perf_counter) -> dict[str, float]:
    """The median seconds of a call, by contender. All were called before, so that nothing is compiled here.

    clock: time.process_time where other work runs on the processor, which then does not count
    """
    loops = {name: _loops(call, effort, clock) for name, call in calls.items()}
    samples: dict[str, list[float]] = {name: [] for name in calls}
    spent = dict.fromkeys(calls, 0.0)
    collecting = gc.isenabled()
    gc.disable()
    try:
        for done in range(effort.rounds):
            for name, call in calls.items():
                if done >= effort.least and spent[name] > effort.budget:
                    continue
                elapsed = _time(call, loops[name], clock)
                spent[name] += elapsed
                samples[name].append(elapsed / loops[name])
            gc.collect(0)
    finally:
        if collecting:
            gc.enable()
    return {name: median(values) for name, values in samples.items()}


def _loops(call: Call, effort: Effort, clock: Clock) -> int:
    count = 1
    while (elapsed := _time(call, count, clock)) < effort.sample:
        count = max(2 * count, int(1.2 * count * effort.sample / max(elapsed, 1e-9)))
    return count


def _time(call: Call, count: int, clock: Clock) -> float:
    repeat = range(count)
    start = clock()
    for _ in repeat:
        call()
    return clock() - start


def error(got: Sequence[Any], expected: Sequence[Any]) -> float:
    """The largest error of the arrays, each relative to its largest entry; infinite where shapes differ."""
    if [np.shape(g) for g in got] != [np.shape(e) for e in expected]:
        return float("inf")
    return max(_error(np.asarray(g), np.asarray(e)) for g, e in zip(got, expected, strict=True))


def _error(got: Any, expected: Any) -> float:
    return float(np.max(np.abs(got - expected)) / max(float(np.max(np.abs(expected))), 1e-300))
