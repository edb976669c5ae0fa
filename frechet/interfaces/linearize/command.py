"""The command `frechet linearize FORMULA VARIABLE [--at POINT] [--why] [--plot FILE]`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from frechet.expressions.errors import NotationError
from frechet.interfaces.command_line import (
    ANSWERED,
    add_convention,
    add_declare,
    add_styles,
    formatter,
    parsed,
    read_formula,
    usual_style,
)

if TYPE_CHECKING:
    from frechet.interfaces.document import Document

EPILOG = """\
examples:
  frechet linearize "tr(A*X*B)" X                     the affine map, its space, where it is good
  frechet linearize "tr(A*X*B)" X --why               why a trace stands there, with numbers and a plot
  frechet linearize "inv(X)" X --at "eye(n)"          at a point: a name, an expression, numbers as "[1 2; 3 4]"
  frechet linearize "logdet(X)" X --plot error.svg    the Taylor remainder as a picture (needs matplotlib)
exit codes: 0 answered, 1 the numeric check failed, 2 bad input, 3 no rule for an operation
"""
STYLES = {
    "unicode": "mathematical signs (the default)", "text": "plain signs, as in the text notation", "latex": "LaTeX",
    "markdown": "Markdown", "html": "a page of HTML", "json": "one JSON object", "numpy": "the map as a NumPy function",
}  # fmt: skip
FORMATS = {"unicode": "terminal", "text": "text", "latex": "latex", "markdown": "markdown", "html": "html"}


def _parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(
        prog="frechet linearize",
        description="The affine map with the same value and derivative at a point.",
        epilog=EPILOG,
        formatter_class=formatter,
    )
    p.add_argument("formula", help="the function, in the text notation; - reads it from standard input")
    p.add_argument("variable", nargs="?", help="linearize in this variable; may be left out if there is only one")
    p.add_argument("--at", metavar="POINT", help="a name, an expression or numbers; by default any point")
    p.add_argument("--why", action="store_true", help="explain the form: which space, why a trace; with numbers and a plot")
    p.add_argument("--plot", metavar="FILE", help="the Taylor remainder as a .png or .svg file; - draws it with text")
    add_declare(p)
    add_convention(p)
    add_styles(p, STYLES)
    p.add_argument("--no-check", action="store_true", help="skip the numeric check")
    return p


def run(arguments: Sequence[str], show: Callable[[Document], None] | None = None) -> int:
    """Runs the command; returns the exit code. The page goes to `show`, where it is given and no style is asked for."""
    o = parsed(_parser(), arguments)
    from frechet.interfaces.linearize.page import document, linearized
    from frechet.interfaces.page import Page
    from frechet.notation.reading import read

    text = read_formula(o.formula)
    reading = read(text, o.declare, wrt=o.variable)
    name = reading.sole_variable("linearize in") if o.variable is None else o.variable
    if o.plot not in (None, "-"):
        from frechet.interfaces.linearize.plots import format_of

        format_of(o.plot)
    Page(reading, name)  # says what is wrong with the name before the point is read
    at = read_formula(o.at) if o.at not in (None, "-") else o.at
    point = None
    if at is not None:
        from frechet.interfaces.linearize.base_point import read_at

        reading, point = read_at(at, text, o.declare, name, reading)
    style = o.style or usual_style()
    if o.plot == "-" and style not in ("unicode", "text"):
        raise NotationError("--plot - draws in the terminal: give a .png or .svg file with the other styles")
    page = Page(reading, name, check=not o.no_check, convention=o.convention)
    if style == "numpy":
        from frechet.compilation.numpy_source import numpy_source

        page.first_answers()
        print(numpy_source(linearized(page, point, at).map).rstrip("\n"))
    else:
        options = {"why": o.why, "check": not o.no_check, "convention": o.convention}
        on_page = show is not None and o.style is None
        pictures = o.why and (on_page or style == "html")
        found = document(reading, name, point, text=at, pictures=pictures, **options)
        if show is not None and on_page:
            show(found)
        else:
            print(_written(found, style).rstrip("\n"))
    if o.plot is not None and not (o.plot == "-" and o.why):
        _plot(linearized(page, point, at), o.plot, style == "text")
    return ANSWERED


def _written(found: object, style: str) -> str:
    from frechet.interfaces.document import Document
    from frechet.interfaces.rendering import render

    assert isinstance(found, Document)
    if style == "json":
        import json

        return json.dumps(dict(found.data), ensure_ascii=False)
    return render(found, FORMATS[style])  # type: ignore[arg-type]


def _plot(m: object, path: str, plain: bool) -> None:
    from frechet.interfaces.document import Document
    from frechet.interfaces.linearize import remainder as remainders
    from frechet.interfaces.linearize.numbers import small_instance
    from frechet.interfaces.linearize.page import Linearized
    from frechet.interfaces.linearize.plots import save_figure
    from frechet.interfaces.rendering import render

    assert isinstance(m, Linearized)
    instance = small_instance(m)
    point, direction = (instance.point, instance.step) if instance is not None else (None, None)
    if path == "-":
        blocks, _ = remainders.remainder_blocks(m, point, direction, shown=False)
        print(render(Document("", blocks), "text" if plain else "terminal").rstrip("\n"))
        return
    found, _ = remainders.remainder_of(m, point, direction)
    if found is None:
        raise NotationError("no point was found at which the function is finite: there is nothing to plot")
    save_figure(remainders.figure_of(m, found), path)
    print(f"written: {path}", file=sys.stderr)
