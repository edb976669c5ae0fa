"""`frechet batch`: JSON lines in, one JSON line out for each, in order, flushed as it goes.

A line that is not JSON, or lacks a key, gets an error line; the rest goes on. The format is described in docs/batch.md.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from frechet.expressions.dimension import SCALAR
from frechet.expressions.errors import FrechetError, LimitError, NotationError, UnsupportedError
from frechet.expressions.node import Expr, walk
from frechet.interfaces.answer import Answer, answer, shape_names

REQUIRED = {"expr": str, "vars": dict, "dims": dict, "wrt": str}
LINE_LIMIT = 1_000_000  # characters


def run(lines: Iterable[str], out: TextIO, check: bool = True, total: int | None = None) -> int:
    """Answers every line; returns the number of lines that were not answered."""
    failed = 0
    for line in _with_progress(lines, total):
        if not line.strip():
            continue
        result = answer_line(line, check)
        failed += not result["ok"]
        out.write(json.dumps(result, ensure_ascii=False) + "\n")
        out.flush()
    return failed


def answer_line(line: str, check: bool = True) -> dict[str, Any]:
    """The answer to one line as a dictionary; errors are answers too."""
    identity: Any = None
    try:
        if len(line) > LINE_LIMIT:
            raise LimitError(f"a line of {len(line)} characters; at most {LINE_LIMIT} are read")
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise NotationError(f"not a line of JSON: {error}") from None
        if not isinstance(entry, dict):
            raise NotationError("a line is a JSON object with the keys " + ", ".join(REQUIRED))
        identity = entry.get("id")
        for key, kind in REQUIRED.items():
            if key not in entry:
                raise NotationError(f"the key {key!r} is missing")
            if not isinstance(entry[key], kind):
                raise NotationError(f"{key!r} must be {'a text' if kind is str else 'an object'}")
        return {"id": identity, "ok": True, **answer_entry(entry, check)}
    except FrechetError as error:
        found: dict[str, Any] = {"kind": error.kind, "message": error.message}
        if error.position is not None:
            found["position"] = error.position
        return {"id": identity, "ok": False, "error": found}
    except Exception as error:
        # One line must never stop the rest.
        return {
            "id": identity,
            "ok": False,
            "error": {"kind": "unsupported", "message": f"internal error: {type(error).__name__}: {error}"},
        }


def answer_entry(entry: dict[str, Any], check: bool = True) -> dict[str, Any]:
    """The fields of the answer to an entry with the keys expr, vars, dims, wrt and perhaps order, form.

    Raises:  FrechetError, for what cannot be answered
    """
    from frechet.notation.reading import read_entry

    reading = read_entry(entry["expr"], entry["vars"], entry["dims"], entry["wrt"])
    name = entry["wrt"]
    if name in reading.functions:
        raise NotationError(f"{name!r} is a declared function: derivatives are taken by a variable")
    if name not in reading.variables:
        raise NotationError(f"{name!r} does not occur in the formula or the variables")
    form, order, convention = entry.get("form"), entry.get("order", 1), entry.get("complex_convention")
    metric = entry.get("metric")
    found = answer(reading.expression, reading.variables[name], form, order, check, "dX", convention, metric)
    return fields(found, reading.variables.values())


def fields(found: Answer, arguments: Iterable[Expr]) -> dict[str, Any]:
    """An answer as JSON holds it."""
    from frechet.notation.latex import write_latex
    from frechet.notation.spaces import gradient_space
    from frechet.notation.text import write_text

    for node in walk(found.expression):
        if not node.op.in_notation:
            raise UnsupportedError(
                f"the result needs {node.op.signature}, which is no name of the notation of this interface"
            )
    written = write_text(found.expression, brackets=False)  # as docs/batch.md says: with the functions of the notation only
    filled: dict[str, Any] = {"form": found.form, "text": written.text}
    if written.where:
        filled["where"] = written.where
    if not found.derivative.variable.real and found.form == "gradient" and found.derivative.function.shape == SCALAR:
        filled["complex_convention"] = found.derivative.convention
    filled |= {
        "latex": str(write_latex(found.expression)),
        "python": found.source(arguments),
        "shape": shape_names(found.expression),
        "conditions": found.conditions,
        "seconds": round(found.seconds, 7),
    }
    if found.elsewhere:
        filled["elsewhere"] = list(found.elsewhere)
    space = gradient_space(found.derivative.variable)
    if space is not None:
        filled["space"] = space
    if found.report is not None:
        filled["checked"] = {"points": found.report.points, "max_relative_error": found.report.max_relative_error}
    return filled


def _with_progress(lines: Iterable[str], total: int | None) -> Iterator[str]:
    """The lines, with a progress bar on standard error where that is a terminal."""
    if not sys.stderr.isatty():
        yield from lines
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("deriving", total=total)
        for line in lines:
            yield line
            progress.advance(task)
