"""Figures as text: a line of a cell, a summary, tables in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp, log

from figures import Figure, Figures
from problems import SIZES, cells

PEERS = ("jax", "torch", "autograd")
SHOWN = {
    "frechet": "Frechet",
    "frechet-c": "Frechet, C",
    "frechet-auto": "Frechet, auto",
    "naive": "printed naively",
    "jax": "jax.jit",
    "torch": "PyTorch",
    "autograd": "autograd",
}
WORST = 10

Row = Mapping[str, Figure]


def geometric_mean(values: Sequence[float]) -> float:
    return exp(sum(map(log, values)) / len(values))


def show_seconds(seconds: float) -> str:
    for unit, scale in (("s", 1), ("ms", 1e3), ("µs", 1e6)):
        if seconds * scale >= 1:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds * 1e6:.2f} µs"


def show_ratio(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:.0f}" if ratio < 1000 else f"{ratio:,.0f}"


def cell_line(name: str, row: Row) -> str:
    parts = [f"{name:36} expert {show_seconds(row['expert'].seconds or 0):>8}"]
    for contender, figure in row.items():
        if contender != "expert":
            ratio = figure.ratio
            parts.append(f"{contender} {show_ratio(ratio) if ratio else '– (' + figure.said[:60] + ')'}")
    return "   ".join(parts)


def summary(rows: Mapping[str, Row], contenders: Sequence[str]) -> str:
    """The geometric mean of each contender's ratio to the expert, and the worst cells of Frechet."""
    lines = ["ratio to the expert    geometric mean    cells    worst"]
    for name in contenders:
        ratios = {cell: ratio for cell, row in rows.items() if name in row and (ratio := row[name].ratio)}
        if name != "expert" and ratios:
            worst = max(ratios, key=ratios.__getitem__)
            mean = geometric_mean(list(ratios.values()))
            lines.append(f"{name:22} {show_ratio(mean):>14} {len(ratios):8}    {show_ratio(ratios[worst])}  {worst}")
    return "\n".join([*lines, "", *worst_lines(rows)])


def worst_lines(rows: Mapping[str, Row]) -> list[str]:
    ratios = {cell: ratio for cell, row in rows.items() if "frechet" in row and (ratio := row["frechet"].ratio)}
    order = sorted(ratios, key=ratios.__getitem__, reverse=True)[:WORST]
    lines = ["the worst cells of Frechet", *(f"  {show_ratio(ratios[cell]):>6}  {cell}" for cell in order)]
    missing = [(cell, row["frechet"].said) for cell, row in rows.items() if "frechet" in row and not row["frechet"].ratio]
    return lines + [f"       –  {cell}: {why}" for cell, why in missing]


def best_peer(row: Row) -> tuple[str, float] | None:
    """The peer that is fastest in a cell, and its ratio to the expert."""
    ratios = {name: ratio for name in PEERS if name in row and (ratio := row[name].ratio)}
    return min(ratios.items(), key=lambda item: item[1]) if ratios else None


def tables(figures: Figures) -> str:
    """Tables in Markdown: the geometric means, how Frechet compares with its peers, every cell."""
    rows = {cell.name: figures.cells[cell.name] for cell in cells() if cell.name in figures.cells}
    present = [name for name in SHOWN if any(name in row for row in rows.values())]
    return "\n\n".join([_machine(figures.machine), _means(rows, present), _against_peers(rows), _cells(rows, present)])


def _machine(machine: Mapping[str, str]) -> str:
    said = dict(machine)
    on = " of ".join(said.pop(name, "") for name in ("processor", "system"))
    return f"One thread, {on}, {said.pop('cores', '')} cores; {', '.join(map(' '.join, said.items()))}."


def _means(rows: Mapping[str, Row], present: Sequence[str]) -> str:
    sizes = sorted({cell.rsplit("/", 1)[1] for cell in rows}, key=SIZES.index)
    lines = [
        f"| ratio to the expert, geometric mean | all | {' | '.join(sizes)} | worst cell |",
        "|---" * (len(sizes) + 3) + "|",
    ]
    for name in present:
        ratios = {cell: ratio for cell, row in rows.items() if name in row and (ratio := row[name].ratio)}
        if not ratios:
            continue
        worst = max(ratios, key=ratios.__getitem__)
        means = []
        for size in sizes:
            some = [ratio for cell, ratio in ratios.items() if cell.endswith(f"/{size}")]
            means.append(f"{show_ratio(geometric_mean(some))} ({len(some)})" if some else "–")
        total = f"{show_ratio(geometric_mean(list(ratios.values())))} ({len(ratios)})"
        lines.append(f"| {SHOWN[name]} | {total} | {' | '.join(means)} | {show_ratio(ratios[worst])}, {worst} |")
    return "\n".join(lines)


def _against_peers(rows: Mapping[str, Row]) -> str:
    """How many times faster than each peer Frechet is, over the cells that both have."""
    lines = ["| how many times faster Frechet is | geometric mean | least | cells |", "|---|---|---|---|"]
    pairs: dict[str, dict[str, float]] = {}
    for cell, row in rows.items():
        own = row["frechet"].ratio if "frechet" in row else None
        if own:
            for name in PEERS:
                if name in row and (ratio := row[name].ratio):
                    pairs.setdefault(SHOWN[name], {})[cell] = ratio / own
            if best := best_peer(row):
                pairs.setdefault("the best peer of each cell", {})[cell] = best[1] / own
    for name, factors in pairs.items():
        least = min(factors, key=factors.__getitem__)
        mean = show_ratio(geometric_mean(list(factors.values())))
        lines.append(f"| {name} | {mean} | {show_ratio(factors[least])}, {least} | {len(factors)} |")
    return "\n".join(lines)


def _cells(rows: Mapping[str, Row], present: Sequence[str]) -> str:
    lines = [f"| cell | expert | {' | '.join(SHOWN[name] for name in present)} |", "|---" * (len(present) + 2) + "|"]
    for cell, row in rows.items():
        shown = []
        for name in present:
            figure = row.get(name)
            ratio = figure.ratio if figure else None
            shown.append(show_ratio(ratio) if ratio else (figure.said.split(":")[0] if figure else ""))
        lines.append(f"| {cell} | {show_seconds(row['expert'].seconds or 0)} | {' | '.join(shown)} |")
    return "\n".join(lines)
