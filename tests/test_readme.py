"""The examples of README.md and docs/*.md are run, and print what they show.

    python tests/test_readme.py

writes what the commands print today into those files.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from frechet.interfaces.command_line import main
from frechet.notation.functions import functions

ROOT = Path(__file__).resolve().parent.parent
ONE_PROGRAM = "how-it-works.md"  # its Python blocks share a namespace: test_how_it_works runs them
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Figures that differ between runs and machines.
FIGURES = re.compile(r'(largest error |"max_relative_error": |"seconds": )[0-9.e+-]+')


class Block(NamedTuple):
    page: Path
    language: str
    text: str
    input: str  # the json block before
    line: int


def blocks(*languages: str) -> Iterator[Block]:
    for page in PAGES:
        source = page.read_text(encoding="utf-8")
        before = ""
        for found in BLOCK.finditer(source):
            if found[1] in languages:
                yield Block(page, found[1], found[2], before, source.count("\n", 0, found.start()) + 1)
            before = found[2] if found[1] == "json" else before


def named(block: Block) -> str:
    return f"{block.page.name}:{block.line}"


def runs(text: str) -> list[tuple[str, str]]:
    """Commands with what follows them; a line that begins with > continues a command."""
    found: list[tuple[str, str]] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], ""))
        elif line.startswith("> ") and not found[-1][1]:
            found[-1] = (f"{found[-1][0]}\n{line[2:]}", "")
        else:
            found[-1] = (found[-1][0], found[-1][1] + line + "\n")
    return found


def printed(command: str, given: str) -> str:
    """What a command prints, as a terminal shows it. `given` is the content of problems.jsonl."""
    name, *arguments = shlex.split(command)
    assert name == "frechet"
    out = io.StringIO()
    here = os.getcwd()
    with tempfile.TemporaryDirectory() as place, contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        os.chdir(place)
        try:
            Path("problems.jsonl").write_text(given, encoding="utf-8")
            main(arguments)
        finally:
            os.chdir(here)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


@pytest.mark.parametrize("block", list(blocks("console")), ids=named)
def test_commands_print_what_is_shown(block: Block) -> None:
    for command, shown in runs(block.text):
        assert FIGURES.sub(r"\1…", printed(command, block.input)) == FIGURES.sub(r"\1…", shown), command


@pytest.mark.parametrize("block", [b for b in blocks("python") if b.page.name != ONE_PROGRAM], ids=named)
def test_python_examples_are_true(block: Block) -> None:
    test = doctest.DocTestParser().get_doctest(block.text, {}, named(block), str(block.page), block.line)
    assert test.examples
    report = io.StringIO()
    failed, _ = doctest.DocTestRunner(verbose=False).run(test, out=report.write)
    assert not failed, report.getvalue()


def test_there_are_examples() -> None:
    assert len([b for b in blocks("console") if b.page.name == "README.md"]) >= 10


def test_the_notation_page_names_every_function_and_no_other() -> None:
    page = (ROOT / "docs" / "notation.md").read_text(encoding="utf-8")
    table = page.partition("## Functions")[2].partition("norm2 is the Euclidean")[0]
    words = set(re.findall(r"[A-Za-z]\w+", table))
    missing = [name for name in functions() if name not in words]
    assert not missing
    refused = re.findall(r"[A-Za-z]\w+", page.partition("## Not supported yet")[2])
    assert not set(refused) & set(functions()) - {"conj", "re", "im"}  # of these it says what is missing


def rewritten(page: Path) -> str:
    """The page with what its commands print today."""
    given = ""

    def new(found: re.Match[str]) -> str:
        nonlocal given
        if found[1] == "json":
            given = found[2]
        if found[1] != "console":
            return found[0]
        body = ""
        for command, shown in runs(found[2]):
            first, *rest = command.split("\n")
            now = printed(command, given)
            same = FIGURES.sub("", now) == FIGURES.sub("", shown)
            body += "\n".join([f"$ {first}", *(f"> {line}" for line in rest)]) + "\n" + (shown if same else now)
        return f"```console\n{body}```"

    return BLOCK.sub(new, page.read_text(encoding="utf-8"))


if __name__ == "__main__":
    for path in PAGES:
        path.write_text(rewritten(path), encoding="utf-8")
    sys.exit(0)
