"""The blocks of docs/how-it-works.md are one program: they run in order, in one namespace, and print what the page shows."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest
from sybil.document import Document
from sybil.example import SybilFailure
from sybil.parsers.markdown import PythonCodeBlockParser

PAGE = Path(__file__).resolve().parent.parent / "docs" / "how-it-works.md"


def program() -> Document:
    return Document.parse(str(PAGE), PythonCodeBlockParser())


def test_the_page_prints_what_it_shows() -> None:
    for example in program().examples():
        example.evaluate()


def test_every_output_shown_is_compared() -> None:
    """With another output in its place each of them fails."""
    compared = 0
    for example in program().examples():
        shown = example.parsed
        if not (isinstance(shown, doctest.Example) and shown.want):
            example.evaluate()
            continue
        compared += 1
        shown.want += "and more\n"
        if shown.exc_msg:
            shown.exc_msg += "and more\n"
        with pytest.raises(SybilFailure):
            example.evaluate()
    assert compared
