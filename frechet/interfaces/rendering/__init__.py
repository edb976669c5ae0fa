"""Documents written out: terminal, Markdown, LaTeX, HTML, JSON; one module each."""

from __future__ import annotations

from importlib import import_module
from typing import Literal

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


def render(document: Document, format: Format = "terminal") -> str:
    """The document in a format; only that format's module is imported. text: the terminal's page in plain ASCII signs."""
    module = import_module(f"frechet.interfaces.rendering.{MODULES[format]}")
    written: str = module.write_document(document, "text") if format == "text" else module.write_document(document)
    return written
