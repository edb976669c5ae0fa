"""Runs cells: builds the contenders, compares their values with the expert's, times them, keeps the figures."""

from __future__ import annotations

import sys
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import contender
from experts import expert_of
from figures import Figure, Figures, this_machine
from measure import TOLERANCE, Built, Clock, Effort, Exceeded, error, limited, seconds_of
from problems import Cell
from table import cell_line, summary

from frechet.expressions.errors import FrechetError


def run(cells: Sequence[Cell], contenders: Sequence[str], effort: Effort, path: Path, clock: Clock) -> None:
    """Measures and prints a line for every cell, then the summary of these cells. The figures are written cell by cell."""
    figures = Figures.read(path)
    figures.machine = this_machine()
    names = [c for c in contenders if c != "expert"]
    for i, cell in enumerate(cells, 1):
        row = measured(cell, names, effort, clock)
        figures.enter(cell.name, row)
        figures.write(path)
        print(f"{i:3}/{len(cells)}  {cell_line(cell.name, row)}", flush=True)
    print("\n" + summary({c.name: figures.cells[c.name] for c in cells}, contenders))


def measured(cell: Cell, names: Sequence[str], effort: Effort, clock: Clock) -> dict[str, Figure]:
    """The figures of a cell. A contender that fails, that is wrong or that exceeds the limit has a reason instead."""
    arrays = cell.arrays()
    own = partial(expert_of(cell), *arrays.values())
    expected = as_arrays(own())
    calls: dict[str, Callable[[], Any]] = {"expert": own}
    said: dict[str, str] = {}
    for name in names:
        outcome = _prepared(name, cell, arrays, expected, effort)
        if isinstance(outcome, str):
            said[name] = outcome
        else:
            calls[name] = outcome
    seconds = seconds_of(calls, effort, clock)
    base = seconds["expert"]
    return {name: Figure(s, base) for name, s in seconds.items()} | {n: Figure(None, None, why) for n, why in said.items()}


def _prepared(
    name: str, cell: Cell, arrays: Mapping[str, Any], expected: Sequence[Any], effort: Effort
) -> Callable[[], Any] | str:
    """The call of a contender, warm and found right; or why there is none."""
    try:
        with limited(effort.limit), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = built(name, cell, arrays)
            made.call()
            got = made.canonical(made.call())
    except (Exceeded, MemoryError) as stopped:
        return str(stopped) or "memory"
    except (ImportError, NotImplementedError, FrechetError) as refused:
        return f"{type(refused).__name__}: {refused}"
    except Exception as failed:
        traceback.print_exc(file=sys.stderr)
        return f"{type(failed).__name__}: {failed}"
    off = error(got, expected)
    return made.call if off < TOLERANCE else f"wrong by {off:.1e}"


def built(name: str, cell: Cell, arrays: Mapping[str, Any]) -> Built:
    """Raises:  ImportError, where a peer is not installed"""
    if name in contender.CONTENDERS:
        return Built(partial(contender.CONTENDERS[name](cell), *arrays.values()), as_arrays)
    from peers import peer

    return peer(name, cell, arrays)


def as_arrays(result: Any) -> Sequence[Any]:
    return result if isinstance(result, (tuple, list)) else (result,)
