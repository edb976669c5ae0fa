"""Plots: the Taylor remainder against the step, as a picture (matplotlib) and as text for a terminal."""

from __future__ import annotations

from io import BytesIO, StringIO
from math import ceil, floor, log10
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from frechet.expressions.errors import NotationError

if TYPE_CHECKING:
    from frechet.verification.remainder import Remainder

FORMATS = ("png", "svg")
MISSING = "pictures are drawn by matplotlib, which is not installed: pip install 'frechet[plots]'; --plot - draws text"
WIDTH, HEIGHT = 49, 15  # of the text plot, inside its axes
FIRST, SECOND, NOISE = "o", "*", "."  # its marks


def remainder_figure(found: Remainder, labels: tuple[str, str], title: str = "") -> Any:
    """The two remainders in one log-log plot, with lines of slope 1 and 2 through their smallest fitted steps.

    Raises:  NotationError, where matplotlib is not installed
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise NotationError(MISSING) from None
    figure = Figure(figsize=(6.4, 4.4), layout="constrained")
    axes = figure.add_subplot()
    series = ((found.first, found.slopes[0], "o", "#1f5fa8"), (found.second, found.slopes[1], "s", "#c0392b"))
    for (sizes, slope, mark, colour), label in zip(series, labels, strict=True):
        seen = [(h, r) for h, r, n in zip(found.steps, sizes, found.noise, strict=True) if r > n]
        lost = [(h, r) for h, r, n in zip(found.steps, sizes, found.noise, strict=True) if 0 < r <= n]
        words = f"{label}: slope {slope:.2f}" if slope is not None else f"{label}: rounding"
        axes.loglog(*_columns(seen or lost), mark, color=colour, markersize=5, label=words, alpha=1.0 if seen else 0.4)
        if seen and lost:
            axes.loglog(*_columns(lost), mark, color=colour, markersize=4, alpha=0.35)
        if seen and slope is not None:
            h0, r0 = seen[-1]
            ends = [found.steps[0], h0]
            axes.loglog(ends, [r0 * (h / h0) ** round(slope) for h in ends], "-", color=colour, linewidth=0.8, alpha=0.6)
    axes.set_xlabel("step h")
    axes.set_ylabel("size of the difference")
    axes.grid(True, which="major", linewidth=0.4, alpha=0.5)
    axes.legend(frameon=False, loc="upper left", fontsize=9)
    if title:
        axes.set_title(title, fontsize=10, parse_math=False)  # a formula is no TeX
    return figure


def _columns(pairs: list[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [h for h, _ in pairs], [r for _, r in pairs]


def format_of(path: str) -> str:
    """The format that a file's name asks for. Raises: NotationError, for one that is not PNG or SVG."""
    ending = PurePath(path).suffix.lower().lstrip(".")
    if ending not in FORMATS:
        raise NotationError(f"a plot is written as .png or .svg, and {path!r} ends in neither; --plot - draws with text")
    return ending


def save_figure(figure: Any, path: str) -> None:
    """Writes the picture; the same input gives the same file.

    Raises:  NotationError, where the file cannot be written
    """
    ending = format_of(path)
    metadata: dict[str, Any] = {"Date": None} if ending == "svg" else {"Software": None}
    content = BytesIO()
    with _settings():
        figure.savefig(content, format=ending, dpi=160, metadata=metadata)
    try:
        with open(path, "wb") as file:
            file.write(content.getvalue())
    except OSError as error:
        raise NotationError(f"{path}: {error.strerror}") from None


def svg(figure: Any) -> str:
    """The picture as an SVG element, without the XML header, for a page of HTML."""
    content = StringIO()
    with _settings():
        figure.savefig(content, format="svg", metadata={"Date": None})
    text = content.getvalue()
    return text[text.index("<svg") :]


def _settings() -> Any:
    import matplotlib

    return matplotlib.rc_context({"svg.hashsalt": "frechet", "svg.fonttype": "path"})


def remainder_text(found: Remainder) -> str:
    """The same as text: o without the derivative, * with it, . where the remainder is rounding."""
    pairs = [
        (h, r, FIRST if i == 0 else SECOND if r > n else NOISE)
        for i, sizes in enumerate((found.first, found.second))
        for h, r, n in zip(found.steps, sizes, found.noise, strict=True)
        if r > 0
    ]
    if not pairs:
        return "every difference is 0"
    left, right = floor(log10(min(found.steps))), ceil(log10(max(found.steps)))
    low, high = floor(min(log10(r) for _, r, _ in pairs)), ceil(max(log10(r) for _, r, _ in pairs))
    low, high = max(low, high - 40), max(high, low + 1)
    grid = [[" "] * WIDTH for _ in range(HEIGHT)]
    for h, r, mark in reversed(pairs):
        column = round((log10(h) - left) / (right - left) * (WIDTH - 1))
        row = round((high - log10(r)) / (high - low) * (HEIGHT - 1))
        if 0 <= row < HEIGHT:
            grid[row][column] = mark
    labels = _labels(low, high)
    lines = [f"{labels.get(i, ''):>8} |{''.join(row).rstrip()}" for i, row in enumerate(grid)]
    lines.append(" " * 9 + "+" + "-" * WIDTH)
    ticks = list(" " * (WIDTH + 8))
    for power in range(left, right + 1):
        text = f"1e{power}" if power else "1"
        start = max(round((power - left) / (right - left) * (WIDTH - 1)) - len(text) // 2, 0)
        ticks[start : start + len(text)] = text
    lines.append(" " * 10 + "".join(ticks).rstrip() + "   h")
    marks = {FIRST: "without the derivative", SECOND: "with it", NOISE: "rounding"}
    used = {mark for _, _, mark in pairs}
    lines.append(" " * 10 + "    ".join(f"{mark} {words}" for mark, words in marks.items() if mark in used))
    return "\n".join(lines)


def _labels(low: int, high: int) -> dict[int, str]:
    """Powers of ten beside some rows."""
    every = max(1, ceil((high - low) / 6))
    found = {}
    for power in range(high, low - 1, -every):
        row = round((high - power) / (high - low) * (HEIGHT - 1))
        found[row] = f"1e{power}" if power else "1"
    return found
