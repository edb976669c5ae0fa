"""The reference of the operations, made from the registry: as rows, as text and as the page docs/operations.md."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from frechet.expressions.dimension import SCALAR
from frechet.expressions.errors import FrechetError
from frechet.expressions.node import Expr
from frechet.expressions.operation import Operation
from frechet.operations import FAMILIES

COLUMN = 26
BY_TRANSPOSITION = "by transposition of the differential"
HEAD = """\
# Operations

Made by `frechet operations --markdown` from the pages in `frechet/operations`; {count} operations. The gradient is nowhere
written: it is the adjoint of the differential. *By transposition* means that every linear operation in the differential has
its adjoint.
"""


def pages() -> list[tuple[str, Operation]]:
    """Every operation with the title of its family."""
    found = []
    for family in FAMILIES:
        title = (family.__doc__ or "").strip().partition("\n")[0].rstrip(".")
        found += [(title, page) for page in family.PAGES if page.rule]
    return found


def row(page: Operation) -> dict[str, Any]:
    """What a page states, as texts."""
    constant = page.rule.endswith(" = 0") and not page.linear
    return {
        "name": page.name,
        "signature": page.signature or page.name,
        "summary": page.summary,
        "rule": page.rule,
        "adjoint": page.adjoint_rule or ("none: it is constant" if constant else BY_TRANSPOSITION),
        "conditions": page.conditions_text or "none",
        "elsewhere": page.elsewhere.format("X") or "none",
        "complex": page.complex,
        "source": page.source or "by definition",
        "example": page.examples[0],
        "declare": list(page.declarations),
        "derivative": derivative_of_example(page),
    }


def derivative_of_example(page: Operation) -> str:
    """The derivative of the page's first example by the first of its variables that is an argument."""
    from frechet.differentiation.derivative import Derivative
    from frechet.notation.reading import read

    found = read(page.examples[0], page.declarations or DECLARED.get(page.domain, ()))
    for name, x in found.variables.items():
        try:
            return _derivative(Derivative(found.expression, x), name)
        except FrechetError:
            continue
    return "constant"


DECLARED = {"spd": ("S: spd",)}


def _derivative(d: Any, name: str) -> str:
    from frechet.notation.text import write_text

    scalar = d.function.shape == SCALAR
    shown: Expr = d.gradient if scalar else d.differential
    return f"gradient in {name}: {write_text(shown)}" if scalar else f"differential in {name}: {write_text(shown)}"


def text(rows: Iterable[dict[str, Any]]) -> str:
    """The rows for a terminal."""
    lines = []
    for r in rows:
        lines.append(f"{r['signature']:<{COLUMN}} {r['summary']}")
        parts = [r["rule"], "adjoint: " + r["adjoint"]]
        parts += [] if r["conditions"] == "none" else ["where " + r["conditions"]]
        parts += [] if r["elsewhere"] == "none" else [r["elsewhere"]]
        declared = f" with {', '.join(r['declare'])}" if r["declare"] else ""
        parts += ["source: " + r["source"], f"example: {r['example']}{declared}   {r['derivative']}"]
        lines += [f"{'':<{COLUMN}} {part}" for part in parts]
        lines.append("")
    return "\n".join(lines)


def markdown() -> str:
    """The page docs/operations.md."""
    parts = [HEAD.format(count=len(pages()))]
    before = ""
    for title, page in pages():
        if title != before:
            parts.append(f"## {title}\n")
            before = title
        r = row(page)
        parts.append(
            f"### `{r['signature']}`\n\n{r['summary']}{' Complex arguments too.' if r['complex'] else ''}\n\n"
            f"- rule: `{r['rule']}`\n- adjoint: {_code(r['adjoint'])}\n- conditions: {r['conditions']}\n"
            f"{_elsewhere(r['elsewhere'])}- source: {r['source']}\n- example: {_example(r)}, {_quoted(r['derivative'])}\n"
        )
    return "\n".join(parts)


def _elsewhere(words: str) -> str:
    return f"- elsewhere: {words}\n" if words != "none" else ""


def _code(adjoint: str) -> str:
    return adjoint if adjoint.startswith(("by ", "none")) else f"`{adjoint}`"


def _example(r: dict[str, Any]) -> str:
    declared = ", ".join(f"`{d}`" for d in r["declare"])
    return f"`{r['example']}`" + (f" with {declared}" if declared else "")


def _quoted(derivative: str) -> str:
    label, colon, formula = derivative.partition(": ")
    return f"{label} `{formula}`" if colon else derivative
