"""Compiled derivatives beside what an expert writes by hand, and beside JAX, PyTorch and autograd.

    python benchmarks/compile --quick                              Frechet and the expert, in under two minutes
    python benchmarks/compile                                      all that is installed, every cell
    python benchmarks/compile --only factorization --size small --output newton --contenders frechet,expert
    python benchmarks/compile --table                              the tables of the figures kept, nothing measured

The figures are kept in figures.json beside this file, or where --figures says; a cell measured again replaces its figures.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

import processor

processor.prepare()

FIGURES = Path(__file__).resolve().parent / "figures.json"
CONTENDERS = ("frechet", "frechet-c", "frechet-auto", "expert", "naive", "jax", "torch", "autograd")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python benchmarks/compile", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="short samples, and only Frechet and the expert")
    parser.add_argument("--only", default="", help="names of problems, with commas between them")
    parser.add_argument("--size", default="", help="small, medium, large")
    parser.add_argument("--output", default="", help="value+gradient, gradient, hessian, hvp, newton")
    parser.add_argument("--contenders", default="", help=", ".join(CONTENDERS))
    parser.add_argument("--figures", type=Path, default=FIGURES, help="where figures are kept")
    parser.add_argument("--table", action="store_true", help="only print the tables of the figures kept")
    parser.add_argument("--list", action="store_true", help="only print the names of the cells")
    parser.add_argument("--processor", type=int, default=None, help="the processor to stay on")
    parser.add_argument("--busy", action="store_true", help="count processor time, where other work runs on the machine")
    return parser.parse_args()


def words(text: str, known: tuple[str, ...], what: str) -> tuple[str, ...]:
    """The words of an option, all where it was not given."""
    said = tuple(word.strip() for word in text.split(",") if word.strip())
    for word in said:
        if word not in known:
            sys.exit(f"{word!r} is no {what}: {', '.join(known)}")
    return said or known


def main() -> None:
    asked = arguments()
    if hasattr(os, "sched_setaffinity"):
        allowed = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {max(allowed) if asked.processor is None else asked.processor})
    # NumPy is imported here, when the variables above are set
    from figures import Figures
    from problems import OUTPUTS, PROBLEMS, SIZES, cells
    from table import tables

    if asked.table:
        print(tables(Figures.read(asked.figures)))
        return
    problems = words(asked.only, tuple(p.name for p in PROBLEMS), "problem")
    sizes, outputs = words(asked.size, SIZES, "size"), words(asked.output, OUTPUTS, "output")
    chosen = [c for c in cells() if c.problem.name in problems and c.size in sizes and c.output in outputs]
    if asked.list:
        print("\n".join(c.name for c in chosen))
        return
    from measure import COMPLETE, QUICK
    from run import run

    contenders = words(asked.contenders or ("frechet,expert" if asked.quick else ""), CONTENDERS, "contender")
    run(
        chosen,
        contenders,
        QUICK if asked.quick else COMPLETE,
        asked.figures,
        time.process_time if asked.busy else time.perf_counter,
    )


if __name__ == "__main__":
    main()
