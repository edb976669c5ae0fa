"""Words and formulas set in lines of a width. A formula is broken only where it is longer than a line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from frechet.interfaces.document import Content, Math, plain_signs, signs
from frechet.notation.spaces import Notation

Line = list[tuple[str, str]]
"""Pieces of text, each with its kind: heading, label, remark, rule, shape, touched …"""

HANGING = 4  # columns by which the rest of a broken formula is indented
TYPOGRAPHIC = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "•": "*", "✓": "ok", "✗": "x"})
BEFORE = ("+ ", "− ", "- ", "= ", "⊙ ", "⊘ ", "⊗ ")  # signs that begin a line rather than end one
FRAME = str.maketrans("─│┌┐└┘├┤┬┴┼━╭╮╰╯▶►◀▲▼●○", "-|+++++++++-++++>><^v*o")


def printable(text: str) -> str:
    """The text without what a terminal would take for commands."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def length(line: Line) -> int:
    return sum(len(text) for text, _ in line)


def beside(line: Line, column: int, other: Line) -> Line:
    """The second line after the first, from that column on."""
    return [*line, (" " * (column - length(line)), ""), *other]


def indented(lines: Iterable[Line], columns: int) -> Iterator[Line]:
    for line in lines:
        yield [(" " * columns, ""), *line] if line else []


class Typesetter(NamedTuple):
    """How content becomes lines: in which notation, how wide, and whether reasons are shown."""

    notation: Notation
    width: int
    why: bool = False

    def narrower(self, columns: int) -> Typesetter:
        return self._replace(width=self.width - columns)

    def words(self, text: str) -> str:
        """Words as they are, but for control characters; in the text notation without typographic signs."""
        text = printable(text)
        if self.notation != "text" or text.isascii():
            return text
        return plain_signs(text.translate(TYPOGRAPHIC))

    def line(self, content: Content, kind: str = "") -> Line:
        """Everything on one line."""
        return [(p.write(self.notation) if isinstance(p, Math) else self.words(p), kind) for p in content]

    def where(self, content: Content, indent: int) -> Iterator[Line]:
        """The parts that its formulas name, one a line."""
        named: dict[str, str] = {}
        for part in content:
            if isinstance(part, Math):
                named |= part.written(self.notation).where
        width = max(map(len, named), default=0)
        for i, (name, text) in enumerate(named.items()):
            start = f"{'where' if i == 0 else '':<7}{name:<{width}} = "
            lines = self.formula(text, self.width - indent - len(start))
            yield [(" " * indent + start, "remark"), (lines[0], "")]
            yield from ([(" " * (indent + len(start) + HANGING) + rest, "")] for rest in lines[1:])

    def formula(self, text: str, width: int) -> list[str]:
        """A written formula in lines. In the text notation, which is to be read back, it stays whole."""
        return [text] if self.notation == "text" else broken(text, width)

    def wrapped(self, content: Content, width: int, kind: str = "") -> list[Line]:
        """The content in lines of that width."""
        lines: list[Line] = [[]]
        used = 0
        for new_line, unit in self._units(content, width):
            if used and (new_line or used + 1 + len(unit) > width):
                lines.append([])
                used = 0
            text = f"{lines[-1][0][0]} {unit}" if used else unit
            lines[-1] = [(text, kind)]
            used = len(text)
        return lines if lines != [[]] else []

    def _units(self, content: Content, width: int) -> Iterator[tuple[bool, str]]:
        """What stays on one line: words and formulas, with what touches them; and whether a new line must begin."""
        unit, new_line = "", False
        for part in content:
            if isinstance(part, Math):
                *first, last = self.formula(part.write(self.notation), width)
                for line in first:
                    yield new_line, unit + line
                    unit, new_line = " " * HANGING, True
                unit += last
                continue
            for word in re.findall(r"\s+|\S+", self.words(part)):
                if not word.isspace():
                    unit += word
                elif unit:
                    yield new_line, unit
                    unit, new_line = "", False
        if unit:
            yield new_line, unit


def broken(text: str, width: int) -> list[str]:
    """A formula in lines of about that width, broken at spaces outside of brackets where there are some.

    >>> broken("A X B + C (D + E)", 15)
    ['A X B', '+ C (D + E)']
    """
    lines: list[str] = []
    while len(text) > width > 0:
        place = _best_break(text, width)
        if place is None:
            break
        lines.append(text[:place].rstrip())
        text = text[place:].lstrip()
        if len(lines) == 1:
            width -= HANGING
    return [*lines, text]


def _best_break(text: str, width: int) -> int | None:
    """The space before the width where the fewest brackets are open, a sign of a sum if possible; else the next one."""
    best: tuple[tuple[int, bool, int], int] | None = None
    depth = 0
    for i, c in enumerate(text):
        depth += (c in "([{⟨") - (c in ")]}⟩")
        if c != " " or i == 0:
            continue
        if i > width:
            if best is None:
                return i
            break
        if i >= width // 4:
            before_sign = text[i + 1 : i + 3] in BEFORE
            value = (-depth, before_sign, i)
            if best is None or value > best[0]:
                best = (value, i)
    return None if best is None else best[1]


def ascii_picture(text: str) -> str:
    """A picture of characters in ASCII, line by line as wide as before where that is possible."""
    text = text.translate(FRAME).translate(TYPOGRAPHIC)
    return "".join(c if c.isascii() else _one(signs(c, "text")) for c in text)


def _one(sign: str) -> str:
    return sign.strip() if sign.isascii() else "?"
