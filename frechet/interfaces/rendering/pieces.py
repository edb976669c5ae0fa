"""What LaTeX, Markdown and HTML share: words with formulas between dollars, entries that follow one another as one list."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from frechet.interfaces.document import Block, Content, Entry, Math

DIFFERENTIAL = re.compile(r"(?<![^\s])d(?!o\b)([A-Za-z])(?=[\s.,;:]|$)")


def blocks_and_lists(blocks: Sequence[Block]) -> Iterator[Block | list[Entry]]:
    """The blocks; entries that follow one another are one list."""
    for listed, run in groupby(blocks, lambda block: isinstance(block, Entry)):
        if listed:
            yield [block for block in run if isinstance(block, Entry)]
        else:
            yield from run


def between_dollars(content: Content, words: Callable[[str], str], formula: Callable[[str], str]) -> str:
    """Words and formulas in LaTeX, with the parts that the formulas name; `words`, `formula`: as the format writes them."""
    text = ""
    where: dict[str, str] = {}
    for part in pieces(content):
        if isinstance(part, str):
            text += words(part)
            continue
        for each in part:
            where |= each.written("latex").where
        text += f"${' '.join(formula(each.write('latex')) for each in part)}$"
    named = ", ".join(f"${name} = {formula(body)}$" for name, body in where.items())
    return f"{text}, where {named}" if named else text


def pieces(content: Content) -> Iterator[str | list[Math]]:
    """Words and the dX in them, and runs of formulas with nothing between them: `$a$$b$` would be read as a display.

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
