"""Documents written out: terminal, Markdown, LaTeX, HTML, JSON; one module each."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any, Literal

from frechet.interfaces.document import Document

Format = Literal["terminal", "text", "markdown", "latex", "html", "json"]
MODULES = {
    "terminal": "terminal",
    "text": "terminal",
    "markdown": "markdown",
    "latex": "latex",
    "html": "html",
    "json": "data",
}


def render(document: Document, format: Format = "terminal", **options: Any) -> str:
    """The document in a format; only that format's module is imported. text: the terminal's page in plain ASCII signs.

    options: those of the module's `write_document`: standalone of html and latex; width, colour and why of the terminal
    """
    module = import_module(f"frechet.interfaces.rendering.{MODULES[format]}")
    if format == "text":
        options["notation"] = "text"
    written: str = module.write_document(document, **options)
    return written


def show(document: Document, format: Format = "terminal", **options: Any) -> None:
    """Prints the document; in colour and in the terminal's width where standard output is a terminal."""
    if format in ("terminal", "text") and sys.stdout.isatty():
        from frechet.interfaces.rendering.terminal import of_terminal

        options = of_terminal() | options
    print(render(document, format, **options).rstrip("\n"))
