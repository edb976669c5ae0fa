r"""A document in GitHub's Markdown: formulas as `$…$`, derivations as aligned displays, details that fold away."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

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
from frechet.interfaces.rendering.latex import aligned
from frechet.interfaces.rendering.pieces import between_dollars, blocks_and_lists

SPECIAL = re.compile(r"([\\`*_\[\]<>|$~])")
LEADING = re.compile(r"^(\s*)([#+-]|\d+(?=[.)]\s))")
# Of \, and \\ Markdown may take a backslash for its own; a comma would be left in the formula.
IN_DISPLAYS = {"<": r"\lt ", ">": r"\gt ", "|": r"\vert ", r"\,": r"\thinspace", r"\\": r"\cr"}
COMMANDS = IN_DISPLAYS | {"*": r"\ast "}
AMPERSAND = re.compile(r"&(?=#?\w+;)")
OPERATOR = re.compile(r"\\operatorname\{([^{}]*)\}([_^]?)")  # GitHub refuses this macro


def write_document(document: Document) -> str:
    title = [f"## {words(document.title)}"] if document.title else []
    return "\n\n".join([*title, *_blocks(document.blocks)]) + "\n"


def words(text: str) -> str:
    """Words that Markdown takes for words: no emphasis, no HTML, no list."""
    text = SPECIAL.sub(r"\\\1", " ".join(text.split("\n")))
    return AMPERSAND.sub("&amp;", LEADING.sub(r"\1\\\2", text) if not text[:1].isdigit() else text)


def formula(text: str) -> str:
    """LaTeX between dollars, without the signs that Markdown would take for its own."""
    return _without(text, COMMANDS).strip()


def _without(text: str, commands: Mapping[str, str]) -> str:
    text = OPERATOR.sub(lambda m: rf"\mathop{{\mathrm{{{m[1]}}}}}" + (r"\nolimits" + m[2] if m[2] else ""), text)
    for sign, command in commands.items():
        text = text.replace(sign, command)
    return text


def inline(content: Content) -> str:
    return between_dollars(content, words, formula)


def _blocks(blocks: Sequence[Block]) -> Iterator[str]:
    """Blocks with their empty lines between; entries that follow one another become one list."""
    for block in blocks_and_lists(blocks):
        written = "\n".join(map(_entry, block)) if isinstance(block, list) else _block(block)
        if written:
            yield written


def _entry(block: Entry) -> str:
    remark = f" — {inline(block.remark)}" if block.remark else ""
    label = f"**{words(block.label)}**: " if block.label else ""
    return f"- {label}{inline(block.content)}{remark}"


def _block(block: Block) -> str:
    if isinstance(block, Heading):
        return f"### {words(block.text)}"
    if isinstance(block, Paragraph):
        return inline(block.content)
    if isinstance(block, Steps):
        return _steps(block)
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Figure):
        fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", block.text))])
        picture = f"{fence}text\n{block.text.rstrip()}\n{fence}"
        return f"{picture}\n\n*{words(block.caption)}*" if block.caption else picture
    if isinstance(block, Details):
        return _folded(words(block.summary), "\n\n".join(_blocks(block.blocks)))
    raise TypeError(f"no block of a document here: {type(block).__name__}")


def _folded(summary: str, body: str) -> str:
    return f"<details>\n<summary>{summary}</summary>\n\n{body}\n\n</details>"


def _steps(block: Steps) -> str:
    rows = aligned(block.rows)
    if not rows:
        return ""
    lines = _without(" \\\\\n".join(rows), IN_DISPLAYS)
    display = "$$\n\\begin{aligned}\n" + lines + "\n\\end{aligned}\n$$"
    reasons = [f"- ({i}) {inline(row.why)}" for i, row in enumerate(block.rows, 1) if row.why]
    return f"{display}\n\n{_folded('Why each step holds', chr(10).join(reasons))}" if reasons else display


def _table(block: Table) -> str:
    lines = [_row([words(cell) for cell in block.head]), _row(["---"] * len(block.head))]
    lines += [_row([inline(cell) for cell in row]) for row in block.rows]
    table = "\n".join(lines)
    return f"*{words(block.caption)}*\n\n{table}" if block.caption else table


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
