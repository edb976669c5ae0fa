"""The part of a written formula that a step changes: where it stands in the text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from frechet.interfaces.document import Math, Step
from frechet.notation.spaces import Notation, writer

NAME = "0-9A-Za-z_Ͱ-Ͽ₀-₉"  # what names and numbers consist of
WORDS = re.compile(r"\\(?:text|operatorname|mathit|mathrm)\{[^{}]*\}")  # no part of a formula stands in there


def touched_places(rows: Sequence[Step], i: int, notation: Notation) -> list[tuple[int, int]]:
    """The places in line i, as it is written, of the part that the next line changes; none where it cannot be seen."""
    part = rows[i + 1].touched if i + 1 < len(rows) else None
    if part is None:
        return []
    sought = part.write(notation) if isinstance(part, Math) else writer(notation)(part, share=False).text
    return places(rows[i].right.write(notation), sought.strip())


def places(text: str, part: str) -> list[tuple[int, int]]:
    r"""Where a part stands in a formula as a whole, not within a longer name or number; none where it is all of it.

    >>> places("A X + AX A", "A"), places(r"\\top A", "A"), places("A", "A")
    ([(0, 1), (9, 10)], [(6, 7)], [])
    """
    if not part or part == text:
        return []
    before = rf"(?<![{NAME}\\}}])" if re.match(f"[{NAME}]", part) else r"(?<!\\)"
    after = f"(?![{NAME}])" if re.match(f"[{NAME}]", part[-1]) else ""
    words = [m.span() for m in WORDS.finditer(text)]
    found = [m.span() for m in re.finditer(before + re.escape(part) + after, text)]
    return [(a, b) for a, b in found if not any(c < b and a < d for c, d in words if not (a <= c and d <= b))]


def marked(text: str, spans: Sequence[tuple[int, int]], opening: str, closing: str) -> str:
    """The text with marks around some places."""
    for a, b in reversed(spans):
        text = text[:a] + opening + text[a:b] + closing + text[b:]
    return text
