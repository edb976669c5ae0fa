"""What can go wrong, as one small family of exceptions that point at the place in the user's text."""

from __future__ import annotations

from typing import ClassVar

WINDOW = 100  # columns of a long line that `pointed` shows around the place


class FrechetError(Exception):
    """A request that cannot be answered, with the reason and the place.

    position, end: character offsets into `text`, half open; None where there is no place to point at.
    """

    kind: ClassVar[str] = "unsupported"

    def __init__(
        self, message: str, *, position: int | None = None, end: int | None = None, text: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.position = position
        self.end = end
        self.text = text

    def pointed(self) -> str:
        """The line of the text, and under its place `^^^` and the message; the message alone where there is no place.

        >>> print(NotationError("this ) closes nothing", position=1, end=2, text="x)").pointed())
        x)
         ^ this ) closes nothing
        """
        if self.text is None or self.position is None:
            return self.message
        first = min(max(self.position, 0), len(self.text))
        line_start = self.text.rfind("\n", 0, first) + 1
        line_end = self.text.find("\n", first)
        line = self.text[line_start : len(self.text) if line_end < 0 else line_end]
        column = first - line_start
        width = min((first + 1 if self.end is None else self.end) - first, len(line) - column)
        shown, column, width = _window(line.rstrip(), column, max(width, 1))
        shown = "".join(c if c.isprintable() else " " if c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in shown)
        carets = "^" * max(_columns(shown[column : column + width]), 1)
        return f"{shown}\n{' ' * _columns(shown[:column].ljust(column))}{carets} {self.message}"


class NotationError(FrechetError):
    """The text is not in the notation."""

    kind = "syntax"


class ShapeError(FrechetError):
    """Shapes, spaces or dimensions do not fit together."""

    kind = "shape"


class UnsupportedError(FrechetError):
    """A meaningful request that no rule covers."""

    kind = "unsupported"


class LimitError(FrechetError):
    """A bound on size, depth, exponent or time was hit."""

    kind = "limit"


class CheckFailed(FrechetError):
    """A result was found, but the numerical check did not confirm it."""

    kind = "unverified"


def _window(line: str, column: int, width: int) -> tuple[str, int, int]:
    """The part of a long line around [column, column + width), cut ends marked by …, with the place inside it."""
    if len(line) <= WINDOW:
        return line, column, width
    width = min(width, WINDOW // 2)
    start = min(max(column + width // 2 - WINDOW // 2, 0), max(len(line) - WINDOW, 0))
    shown = line[start : start + WINDOW]
    if start + WINDOW < len(line):
        shown += "…"
    return ("…" + shown, column - start + 1, width) if start else (shown, column, width)


def _columns(text: str) -> int:
    """How many columns a terminal takes for the text."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)
