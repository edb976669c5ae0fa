"""A document for the terminal: lines of a fixed width, formulas in Unicode (or in the text notation).

A line is a list of pieces, (text, kind of text); without colour the kinds are dropped, and `rich` is not imported.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from frechet.interfaces.document import (
    Block,
    Content,
    Details,
    Document,
    Entry,
    Figure,
    Heading,
    Paragraph,
    Steps,
    Table,
)
from frechet.interfaces.rendering.lines import Line, Typesetter, ascii_picture, beside, indented, length, printable
from frechet.interfaces.rendering.step_lines import step_lines
from frechet.notation.spaces import Notation

WIDTH = 110
NARROWEST, WIDEST = 60, 120
LABELS = 16  # columns for the label of an entry
REMARKS = 54  # the column in which remarks begin
GAP = 2  # between the columns of a table
COLOURS = {
    "heading": "bold", "label": "bold cyan", "remark": "dim", "rule": "dim", "shape": "cyan", "number": "dim",
    "touched": "bold underline", "caption": "italic dim", "frame": "dim",
}  # fmt: skip


def write_document(
    document: Document, notation: Notation = "unicode", width: int = WIDTH, colour: bool = False, why: bool = False
) -> str:
    """The page in lines of at most that width, where formulas allow it.

    why: are the reasons of the steps shown too?
    """
    lines = list(_blocks(document.blocks, Typesetter(notation, width, why)))
    return _coloured(lines) if colour else "".join("".join(text for text, _ in line).rstrip() + "\n" for line in lines)


def of_terminal() -> dict[str, Any]:
    """The options that fit the terminal that standard output is."""
    import os
    import shutil

    columns = shutil.get_terminal_size().columns
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return {"width": min(max(columns, NARROWEST), WIDEST), "colour": not plain}


def _coloured(lines: Sequence[Line]) -> str:
    from io import StringIO

    from rich.console import Console
    from rich.text import Text

    console = Console(file=StringIO(), force_terminal=True, color_system="standard", highlight=False, no_color=False)
    with console.capture() as found:
        for line in lines:
            text = Text.assemble(*[(piece, COLOURS.get(kind, "")) for piece, kind in line])
            text.rstrip()
            console.print(text, soft_wrap=True)
    return found.get()


def _blocks(blocks: Sequence[Block], setter: Typesetter) -> Iterator[Line]:
    """Blocks one after another, with empty lines between those that are not lines of one list."""
    before: tuple[type, int] | None = None
    for block in blocks:
        lines = list(_lines(block, setter))
        if not lines:
            continue
        here = (type(block), len(lines))
        if before is not None and not _close(before, here):
            yield []
        yield from lines
        before = here


def _close(before: tuple[type, int], here: tuple[type, int]) -> bool:
    if before[0] is Heading:
        return True
    listed = before[0] is here[0] is Entry
    return listed or (before == here == (Paragraph, 1))


def _lines(block: Block, setter: Typesetter) -> Iterator[Line]:
    if isinstance(block, Heading):
        yield [(setter.words(block.text), "heading")]
    elif isinstance(block, Paragraph):
        yield from setter.wrapped(block.content, setter.width)
        yield from setter.where(block.content, 2)
    elif isinstance(block, Entry):
        yield from _entry(block, setter)
    elif isinstance(block, Steps):
        yield from step_lines(block, setter)
    elif isinstance(block, Table):
        yield from _table(block, setter)
    elif isinstance(block, Figure):
        drawn = ascii_picture(block.text) if setter.notation == "text" else block.text
        yield from ([(printable(line), "")] for line in drawn.rstrip("\n").split("\n"))
        if block.caption:
            yield from setter.wrapped([block.caption], setter.width, "caption")
    elif isinstance(block, Details):
        yield [(setter.words(block.summary), "heading")]
        yield from indented(_blocks(block.blocks, setter.narrower(2)), 2)


def _entry(block: Entry, setter: Typesetter) -> Iterator[Line]:
    """The label, what it is, and the remark beside it where there is room, else below."""
    room = setter.width - LABELS
    body = setter.wrapped(block.content, room) or [[]]
    remark = setter.wrapped(block.remark, room, "remark")
    label = setter.words(block.label)
    first: Line = [(f"{label:<{LABELS - 1}} ", "label"), *body[0]]
    start = max(length(first) + 2, REMARKS)
    if len(body) == 1 and len(remark) == 1 and start + length(remark[0]) <= setter.width:
        yield beside(first, start, remark[0])
        remark = []
    else:
        yield first
    yield from indented([*body[1:], *remark], LABELS)
    yield from setter.where([*block.content, *block.remark], LABELS)


def _table(block: Table, setter: Typesetter) -> Iterator[Line]:
    if block.caption:
        yield from setter.wrapped([block.caption], setter.width, "caption")
    head: list[Content] = [[words] for words in block.head]
    rows = [head, *block.rows]
    natural = [max(length(setter.line(row[i])) for row in rows) for i in range(len(head))]
    widths = shared_out(natural, setter.width - GAP * (len(head) - 1))
    numeric = [all(_is_number(setter.line(row[i])) for row in block.rows) for i in range(len(head))]
    for r, row in enumerate(rows):
        cells = [setter.wrapped(cell, w, "heading" if r == 0 else "") for cell, w in zip(row, widths, strict=True)]
        for k in range(max(map(len, cells), default=0)):
            line: Line = []
            start = 0
            for cell, w, right in zip(cells, widths, numeric, strict=True):
                if k < len(cell):
                    line = beside(line, start + (max(w - length(cell[k]), 0) if right else 0), cell[k])
                start += w + GAP
            yield line
        if r == 0:
            dash = "-" if setter.notation == "text" else "─"
            yield [((" " * GAP).join(dash * w for w in widths), "frame")]
    for row in block.rows:
        yield from setter.where([part for cell in row for part in cell], 2)


def _is_number(line: Line) -> bool:
    text = "".join(piece for piece, _ in line).replace("−", "-").strip()
    try:
        return text == "" or float(text) is not None
    except ValueError:
        return False


def shared_out(natural: Sequence[int], room: int) -> list[int]:
    """Widths of columns within the room: narrow columns keep theirs, the wide ones share the rest.

    >>> shared_out([5, 90, 60], 100), shared_out([5, 6], 100)
    ([5, 48, 47], [5, 6])
    """
    if sum(natural) <= room:
        return list(natural)
    widths = list(natural)
    order = sorted(range(len(widths)), key=lambda i: natural[i])
    for k, i in enumerate(order):
        widths[i] = max(min(natural[i], room // (len(order) - k)), 1)
        room -= widths[i]
    return widths
