"""How long an explanation takes: derivations of the corpus, their check line by line, and the pages.

    python benchmarks/explain.py

Prints Markdown tables. The time to derive the answer itself is not in that of a derivation.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

from frechet.derivation.steps import Derivation, derive
from frechet.differentiation.derivative import Derivative
from frechet.interfaces.page import Page
from frechet.interfaces.rendering import render
from frechet.interfaces.steps.page import StepsPage
from frechet.notation.reading import read, read_entry
from frechet.verification.lines import check_lines

CORPUS = Path(__file__).resolve().parent.parent / "tests" / "corpus" / "corpus.jsonl"
LAYERS = (3, 6, 12, 24, 48)


def main() -> None:
    entries = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]
    times: dict[str, list[float]] = {"derivation": [], "check of its lines": [], "page, checked and with numbers": []}
    lines = []
    for entry in entries:
        reading = read_entry(entry["expr"], entry["vars"], entry["dims"], entry["wrt"])
        convention = entry.get("complex_convention")
        d = Derivative(reading.expression, reading.variables[entry["wrt"]], None, convention)
        found: Derivation = timed(times["derivation"], lambda d=d: derive(d))
        timed(times["check of its lines"], lambda found=found: check_lines(found))
        lines.append(len(found.lines) + sum(len(p.lines) - 1 for p in found.parts))

        def page(reading: Any = reading, entry: Any = entry, convention: Any = convention) -> str:
            return render(StepsPage(Page(reading, entry["wrt"], convention=convention)).document())

        timed(times["page, checked and with numbers"], page)
    print(f"| {len(entries)} entries | median ms | mean ms | 95 % below ms |\n|---|---|---|---|")
    for name, found in times.items():
        ordered = sorted(found)
        print(
            f"| {name} | {1e3 * statistics.median(ordered):.1f} | {1e3 * statistics.mean(ordered):.1f} |"
            f" {1e3 * ordered[int(0.95 * len(ordered))]:.1f} |"
        )
    print(f"\nA derivation has {statistics.median(lines):.0f} lines in the median, at most {max(lines)}.\n")
    print("| layers of a network | derivation ms | lines |\n|---|---|---|")
    for n in LAYERS:
        text = "\n".join(
            ["h1 = tanh(W*x + b)", *(f"h{i} = tanh(W*h{i - 1} + b)" for i in range(2, n + 1)), f"norm2(h{n}-y)^2"]
        )
        reading = read(text, ["W: n×n", "b: n"], wrt="W")
        taken: list[float] = []
        found = timed(taken, lambda r=reading: derive(Derivative(r.expression, r.variables["W"]), "normal", r.definitions))
        print(f"| {n} | {1e3 * taken[0]:.0f} | {len(found.lines)} |")


def timed(times: list[float], work: Callable[[], Any]) -> Any:
    start = perf_counter()
    result = work()
    times.append(perf_counter() - start)
    return result


if __name__ == "__main__":
    main()
