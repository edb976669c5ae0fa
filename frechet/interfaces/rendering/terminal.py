"""A document for the terminal: plain lines, formulas in Unicode (or in the text notation)."""

from __future__ import annotations

from collections.abc import Iterator

from frechet.interfaces.document import (
    Block,
    Content,
    Details,
    Document,
    Entry,
    Figure,
    Heading,
    Math,
    Paragraph,
    Steps,
    Table,
)
from frechet.notation.spaces import Notation

LABELS = 15


def write_document(document: Document, notation: Notation = "unicode") -> str:
    return "\n".join(line.rstrip() for block in document.blocks for line in _lines(block, notation)) + "\n"


def inline(content: Content, notation: Notation) -> str:
    return "".join(part.write(notation) if isinstance(part, Math) else part for part in content)


def _lines(block: Block, notation: Notation) -> Iterator[str]:
    if isinstance(block, Heading):
        yield from ("", block.text)
    elif isinstance(block, Paragraph):
        yield inline(block.content, notation)
    elif isinstance(block, Entry):
        body = f"{block.label:<{LABELS}} {inline(block.content, notation)}"
        yield f"{body:<52}  {inline(block.remark, notation)}"
    elif isinstance(block, Steps):
        for row in block.rows:
            left = row.left.write(notation) if row.left else ""
            body = f"  {left:>8} {row.relation} {row.right.write(notation)}"
            yield f"{body:<60} {inline(row.rule, notation)}  {row.shape}"
    elif isinstance(block, Table):
        rows = [tuple(block.head), *(tuple(inline(cell, notation) for cell in row) for row in block.rows)]
        widths = [max(len(row[i]) for row in rows) for i in range(len(block.head))]
        for cells in rows:
            yield "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True))
    elif isinstance(block, Figure):
        yield block.text
        yield block.caption
    elif isinstance(block, Details):
        yield from ("", block.summary)
        for inner in block.blocks:
            yield from _lines(inner, notation)
