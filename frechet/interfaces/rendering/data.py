"""A document as JSON: its data for programs where it has some, else its blocks, formulas as text and as LaTeX."""

from __future__ import annotations

import json
from typing import Any

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
    Step,
    Steps,
    Table,
)
from frechet.notation.spaces import writer


def write_document(document: Document) -> str:
    found = document.data or {"title": document.title, "blocks": [plain(block) for block in document.blocks]}
    return json.dumps(found, ensure_ascii=False, allow_nan=False) + "\n"


def plain(block: Block) -> dict[str, Any]:
    """A block as dictionaries, lists and texts; `block` says which it is."""
    match block:
        case Heading(text):
            return {"block": "heading", "text": text}
        case Paragraph(content):
            return {"block": "paragraph", "content": _content(content)}
        case Entry(label, content, remark):
            return {"block": "entry", "label": label, "content": _content(content), "remark": _content(remark)}
        case Steps(rows):
            return {"block": "steps", "rows": [_step(row) for row in rows]}
        case Table(head, rows, caption):
            cells = [[_content(cell) for cell in row] for row in rows]
            return {"block": "table", "caption": caption, "head": list(head), "rows": cells}
        case Figure(svg, text, caption):
            return {"block": "figure", "svg": svg, "text": text, "caption": caption}
        case Details(summary, blocks):
            return {"block": "details", "summary": summary, "blocks": [plain(inner) for inner in blocks]}
    raise TypeError(f"no block of a document: {type(block).__name__}")


def _step(row: Step) -> dict[str, Any]:
    found = {
        "left": _formula(row.left) if row.left else None,
        "relation": row.relation,
        "right": _formula(row.right),
        "rule": _content(row.rule),
        "shape": row.shape,
    }
    if row.touched is not None:
        touched = row.touched
        found["touched"] = _formula(touched) if isinstance(touched, Math) else {
            n: writer(n)(touched, share=False).text for n in ("text", "latex")
        }  # fmt: skip
    if row.why:
        found["why"] = _content(row.why)
    return found


def _content(content: Content) -> list[Any]:
    return [_formula(part) if isinstance(part, Math) else part for part in content]


def _formula(formula: Math) -> dict[str, Any]:
    """The formula in both notations, and the parts that it names."""
    text, latex = formula.written("text"), formula.written("latex")
    found: dict[str, Any] = {"text": text.text, "latex": latex.text}
    if text.where:
        found["where"] = text.where
        found["where_latex"] = latex.where
    return found
