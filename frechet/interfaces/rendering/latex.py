r"""A document in LaTeX: a fragment for an article with amsmath and amssymb, or a whole article. The file is ASCII.

Derivations are `align*` environments with the rules' names at the right, tables are `tabular`s.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

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
from frechet.interfaces.rendering.latex_words import latex_formula, latex_words
from frechet.interfaces.rendering.lines import ascii_picture
from frechet.interfaces.rendering.pieces import between_dollars, blocks_and_lists
from frechet.interfaces.rendering.touched import marked, touched_places

BEFORE = r"""\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage{amsmath, amssymb}
\usepackage[margin=2.5cm]{geometry}
\allowdisplaybreaks
\setlength{\parindent}{0pt}
\setlength{\parskip}{0.5em}
\begin{document}
"""
AFTER = "\\end{document}\n"
RELATIONS = {"=": "=", "≈": r"\approx", "→": r"\to", "↦": r"\mapsto", "≤": r"\le", "≥": r"\ge", "⇒": r"\Rightarrow"}
DOLLAR = re.compile(r"(?<!\\)\$")
WIDE = 40  # characters from which the cells of a column are set in lines


def write_document(document: Document, standalone: bool = False) -> str:
    """The document as a fragment, or as a whole article."""
    title = [rf"\section*{{{latex_words(document.title)}}}"] if document.title else []
    body = "\n\n".join([*title, *_blocks(document.blocks)]) + "\n"
    return BEFORE + body + AFTER if standalone else body


def inline(content: Content) -> str:
    """Words and formulas in text mode, with the parts that the formulas name."""
    return between_dollars(content, latex_words, formula)


def in_math(content: Content) -> str:
    r"""Words and formulas in math mode: the words as \text{…}, no dollars."""
    pieces = DOLLAR.split(inline(content))
    return "".join(piece if i % 2 else rf"\text{{{piece}}}" for i, piece in enumerate(pieces) if piece)


def formula(text: str) -> str:
    return latex_formula(text.strip())


def _blocks(blocks: Sequence[Block]) -> Iterator[str]:
    """Paragraphs and environments; entries that follow one another become one list."""
    for block in blocks_and_lists(blocks):
        written = _list(block) if isinstance(block, list) else _block(block)
        if written:
            yield written


def _list(entries: Sequence[Entry]) -> str:
    return "\n".join([r"\begin{description}", *map(_entry, entries), r"\end{description}"])


def _entry(block: Entry) -> str:
    remark = f"\\quad {{\\small {inline(block.remark)}}}" if block.remark else ""
    return rf"\item[{{{latex_words(block.label)}}}] {inline(block.content)}{remark}"


def _block(block: Block) -> str:
    if isinstance(block, Heading):
        return rf"\subsection*{{{latex_words(block.text)}}}"
    if isinstance(block, Paragraph):
        return inline(block.content)
    if isinstance(block, Steps):
        return _steps(block)
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Figure):
        picture = "\\begin{verbatim}\n" + ascii_picture(block.text).rstrip("\n") + "\n\\end{verbatim}"
        return f"{picture}\n\n\\emph{{{latex_words(block.caption)}}}" if block.caption else picture
    if isinstance(block, Details):
        return "\n\n".join([rf"\paragraph{{{latex_words(block.summary)}}}", *_blocks(block.blocks)])
    raise TypeError(f"no block of a document here: {type(block).__name__}")


def _steps(block: Steps) -> str:
    rows = aligned(block.rows)
    if not rows:
        return ""
    reasons = "".join(f"\n\n({i}) {inline(row.why)}" for i, row in enumerate(block.rows, 1) if row.why)
    return "\\begin{align*}\n" + " \\\\\n".join(rows) + "\n\\end{align*}" + reasons


def aligned(rows: Sequence[Step]) -> list[str]:
    r"""The lines of an aligned environment: left & = right && shape && \text{rule}."""
    shaped = any(row.shape for row in rows)
    lines = []
    for i, row in enumerate(rows):
        left = formula(row.left.write("latex")) + " " if row.left else ""
        right = row.right.written("latex")
        text = marked(right.text, touched_places(rows, i, "latex"), r"\underline{", "}")
        line = f"{left}& {_relation(row.relation)} {formula(text)}"
        line += "".join(rf",\quad {name} = {formula(part)}" for name, part in right.where.items())
        if shaped:
            line += f" && {in_math([row.shape])}" if row.shape else " &&"
        line += f" && {in_math(row.rule)}" if row.rule else ""
        lines.append(line.removesuffix(" &&"))
    return lines


def _relation(relation: str) -> str:
    return RELATIONS.get(relation) or formula(Math(relation).write("latex"))


def _table(block: Table) -> str:
    rows = [[inline(cell) for cell in row] for row in block.rows]
    widths = [
        max((len(re.sub(r"\$[^$]*\$", "xxxxxxxx", row[i])) for row in rows), default=0) for i in range(len(block.head))
    ]
    wide = sum(w > WIDE for w in widths)
    columns = "".join(rf"p{{{0.9 / (wide + 1):.2f}\linewidth}}" if w > WIDE else "l" for w in widths)
    lines = [
        rf"\begin{{tabular}}{{{columns}}}",
        " & ".join(rf"\textbf{{{latex_words(words)}}}" for words in block.head) + r" \\ \hline",
        *(" & ".join(row) + r" \\" for row in rows),
        r"\end{tabular}",
    ]
    caption = [rf"\emph{{{latex_words(block.caption)}}}", ""] if block.caption else []
    return "\n".join([*caption, r"\noindent", *lines])
