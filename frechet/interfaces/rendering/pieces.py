"""Words and formulas as they are put between dollars: neighbouring formulas are one, the dX of words is a formula too."""

from __future__ import annotations

import re
from collections.abc import Iterator

from frechet.interfaces.document import Content, Math

DIFFERENTIAL = re.compile(r"(?<![^\s])d(?!o\b)([A-Za-z])(?=[\s.,;:]|$)")


def pieces(content: Content) -> Iterator[str | list[Math]]:
    """Words, and runs of formulas with nothing between them: `$a$$b$` would be read as a display.

    >>> list(pieces(["for every dX, do ", Math("a"), "", Math("b")]))
    ['for every ', [Math('dX')], ', do ', [Math('a'), Math('b')]]
    """
    run: list[Math] = []
    for part in _parts(content):
        if isinstance(part, Math):
            run.append(part)
            continue
        if run:
            yield run
            run = []
        yield part
    if run:
        yield run


def _parts(content: Content) -> Iterator[str | Math]:
    for part in content:
        if isinstance(part, Math):
            yield part
            continue
        for i, piece in enumerate(DIFFERENTIAL.split(part)):
            if i % 2:
                yield Math(f"d{piece}")
            elif piece:
                yield piece
