"""A document as HTML: a fragment that needs nothing else, or a whole page. Formulas are MathML.

It is well-formed XML too. Nothing is fetched; without its style and script it is still readable. Colours are those of the
page around it, light or dark.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape

from frechet.expressions.dimension import show_shape
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
from frechet.interfaces.rendering.latex import aligned
from frechet.interfaces.rendering.lines import Typesetter
from frechet.interfaces.rendering.look import PAGE, SCRIPT, STYLE
from frechet.interfaces.rendering.mathml import mathml
from frechet.interfaces.rendering.pieces import blocks_and_lists
from frechet.interfaces.rendering.step_lines import step_lines
from frechet.interfaces.rendering.touched import marked, touched_places

LONGEST = 90  # characters of a formula that has its rule beside it
EXPONENT = re.compile(r"([ℝℂ])\^(?:\{([^{}]*)\}|(\w))")


def write_document(document: Document, standalone: bool = False) -> str:
    """The document as a <div>, or as a whole page."""
    title = f"<h2>{words(document.title)}</h2>" if document.title else ""
    body = "\n".join(_blocks(document.blocks))
    fragment = f'<div class="frechet">\n<style>{STYLE}</style>\n{title}\n{body}\n<script>{SCRIPT}</script>\n</div>\n'
    return PAGE.format(title=words(document.title), body=fragment) if standalone else fragment


def words(text: str) -> str:
    """Text as text, without the control characters that XML forbids."""
    return escape("".join(c if c >= " " or c in "\n\t" else " " for c in text if not "\ud800" <= c <= "\udfff"))


def inline(content: Content) -> str:
    """Words and formulas, with the parts that the formulas name."""
    return _line(content) + _where(content)


def _line(content: Content, large: bool = False) -> str:
    """Words and formulas; large: with fractions as in a display."""
    return "".join(_formula(part, large=large) if isinstance(part, Math) else _prose(part) for part in content)


def _prose(text: str) -> str:
    """Words, with the exponents of spaces such as ℝ^{n×p} set as exponents."""
    return EXPONENT.sub(r"\1<sup>\2\3</sup>", words(text))


def _formula(formula: Math, latex: str | None = None, large: bool = False) -> str:
    """The formula; its variables' shapes show when the pointer rests on it."""
    text = mathml(formula.write("latex") if latex is None else latex, formula.write("text"), large)
    shapes = ", ".join(f"{name}: {show_shape(v.shape)}" for name, v in formula.variables().items())
    return f'<span class="m"{f" title={chr(34)}{words(shapes)}{chr(34)}" if shapes else ""}>{text}</span>'


def _where(content: Content) -> str:
    """The parts that formulas name, as a list below."""
    latex: dict[str, str] = {}
    text: dict[str, str] = {}
    for part in content:
        if isinstance(part, Math):
            latex |= part.written("latex").where
            text |= part.written("text").where
    rows = [
        f"<span>{mathml(f'{a} = {b}', f'{c} = {d}')}</span>"
        for (a, b), (c, d) in zip(latex.items(), text.items(), strict=True)
    ]
    return f'<span class="where">where {"".join(rows)}</span>' if rows else ""


def _blocks(blocks: Sequence[Block]) -> Iterator[str]:
    """Blocks one after another; entries that follow one another become one list."""
    for block in blocks_and_lists(blocks):
        yield _list(block) if isinstance(block, list) else _block(block)


def _list(entries: Sequence[Entry]) -> str:
    return '<dl class="entries">\n' + "\n".join(map(_entry, entries)) + "\n</dl>"


def _entry(block: Entry) -> str:
    remark = f' <span class="remark">{_line(block.remark)}</span>' if block.remark else ""
    where = _where([*block.content, *block.remark])
    body = f"{_line(block.content, large=True)}{remark}{_copied(block.content)}{where}"
    return f"<div><dt>{words(block.label)}</dt><dd>{body}</dd></div>"


def _copied(content: Content) -> str:
    """Buttons for a formula that stands alone."""
    if len(content) != 1 or not isinstance(content[0], Math):
        return ""
    return _copy(str(content[0].written("latex")), str(content[0].written("text")))


def _copy(latex: str, text: str) -> str:
    """Buttons that copy a formula; hidden until the script says that they work."""
    return (
        '<span class="copy" hidden="hidden">'
        f'<button type="button" data-copy="{_value(latex)}" aria-label="copy as LaTeX">LaTeX</button>'
        f'<button type="button" data-copy="{_value(text)}" aria-label="copy as text">text</button></span>'
    )


def _value(text: str) -> str:
    return words(text).replace("\n", "&#10;")


def _block(block: Block) -> str:
    if isinstance(block, Heading):
        return f"<h3>{words(block.text)}</h3>"
    if isinstance(block, Paragraph):
        return f"<p>{inline(block.content)}{_copied(block.content)}</p>"
    if isinstance(block, Steps):
        return _steps(block)
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Figure):
        caption = f"<figcaption>{words(block.caption)}</figcaption>" if block.caption else ""
        picture = block.svg[block.svg.find("<svg") :] if "<svg" in block.svg else f"<pre>{words(block.text)}</pre>"
        return f"<figure>{picture}{caption}</figure>"
    if isinstance(block, Details):
        inner = "\n".join(_blocks(block.blocks))
        return f"<details><summary>{words(block.summary)}</summary>\n{inner}\n</details>"
    raise TypeError(f"no block of a document here: {type(block).__name__}")


def _steps(block: Steps) -> str:
    if not block.rows:
        return ""
    shaped = any(row.shape for row in block.rows)
    rows = "\n".join(_step(block.rows, i, shaped) for i in range(len(block.rows)))
    names = ["step", "left side", "relation", "right side", *(["shape"] if shaped else []), "rule"]
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    latex = "\\begin{aligned}\n" + " \\\\\n".join(aligned(block.rows)) + "\n\\end{aligned}"
    text = "\n".join("".join(p for p, _ in line).rstrip() for line in step_lines(block, Typesetter("text", 110)))
    count = f"{len(block.rows)} step{'s' if len(block.rows) > 1 else ''}"
    return (
        f'<details open="open"><summary>{count}{_copy(latex, text)}</summary>\n<div class="scroll"><table class="steps">\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div></details>"
    )


def _step(rows: Sequence[Step], i: int, shaped: bool) -> str:
    row = rows[i]
    left = _formula(row.left) if row.left else ""
    latex = marked(row.right.write("latex"), touched_places(rows, i, "latex"), r"\underline{", "}")
    why = f"<details><summary>why</summary><p>{inline(row.why)}</p></details>" if row.why else ""
    title = f' title="{words(row.shape)}"' if row.shape else ""
    start = (
        f'<tr{title}><th scope="row">{i + 1}</th><td class="left">{left}</td><td class="relation">{words(row.relation)}</td>'
    )
    right = f"{_formula(row.right, latex, large=True)}{_where([row.right])}"
    rule = f"{inline(row.rule)}{why}"
    if len(row.right.write("text")) <= LONGEST:
        shape = f'<td class="shape">{words(row.shape)}</td>' if shaped else ""
        return f'{start}<td class="right">{right}</td>{shape}<td class="rule">{rule}</td></tr>'
    # what stands beside a long formula is not seen: its rule and shape are below
    span = f'colspan="{2 + shaped}"'
    below = f"<span>{words(row.shape)}</span> {rule}" if row.shape else rule
    second = f'<tr{title}><td colspan="3"></td><td class="rule" {span}>{below}</td></tr>'
    return f'{start}<td class="right" {span}>{right}</td></tr>\n{second}'


def _table(block: Table) -> str:
    caption = f"<caption>{words(block.caption)}</caption>" if block.caption else ""
    head = "".join(f'<th scope="col">{words(cell)}</th>' for cell in block.head)
    rows = "\n".join(f"<tr>{''.join(f'<td>{inline(cell)}</td>' for cell in row)}</tr>" for row in block.rows)
    return (
        f'<div class="scroll"><table class="plain">{caption}<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody></table></div>"
    )
