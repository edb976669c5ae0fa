"""The standard questions of questions.jsonl: the command answers each of them, and its check confirms the answer.

A line is {"id", "title", "formula", "wrt", "declare", "order"}: the formula in the text notation, perhaps several lines.
Their derivations at the normal level stand in `pages`, and have been read;

    python tests/derivation/test_questions.py

writes what is printed today.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest

from frechet.interfaces.command_line import main

LINES = (Path(__file__).parent / "questions.jsonl").read_text(encoding="utf-8").splitlines()
QUESTIONS = [json.loads(line) for line in LINES]


def test_each_has_a_name_of_its_own() -> None:
    assert (
        len({q["id"] for q in QUESTIONS})
        == len(QUESTIONS)
        == len({(q["formula"], q["wrt"], q.get("order")) for q in QUESTIONS})
    )


PAGES = Path(__file__).parent / "pages"
FIGURES = re.compile(r"largest error [0-9.e+-]+")
MOST_LINES = 25  # of the steps of an ordinary question


def arguments(question: dict[str, Any]) -> list[str]:
    found = [question["formula"], question["wrt"]]
    for declaration in question["declare"]:
        found += ["--declare", declaration]
    return [*found, "--order", str(question["order"])] if "order" in question else found


def steps_page(question: dict[str, Any]) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = main([*arguments(question), "--steps"])
    assert code == 0
    return FIGURES.sub("largest error …", out.getvalue())


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q["id"])
def test_question_is_answered_and_checked(question: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    code = main(arguments(question))
    shown = capsys.readouterr()
    assert code == 0, shown.err
    assert any(line.startswith("checked ") and "3 points" in line for line in shown.out.splitlines())


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q["id"])
def test_derivation_is_the_one_that_was_read(question: dict[str, Any]) -> None:
    page = steps_page(question)
    assert page == (PAGES / f"{question['id']}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q["id"])
def test_what_a_good_derivation_states(question: dict[str, Any]) -> None:
    """The items of an explanation that no page may lack: spaces, convention, conditions, rules, shapes, read-off, check."""
    page = steps_page(question)
    head, _, rest = page.partition("\nSteps\n")
    steps, _, result = rest.partition("\nResult\n")
    assert " → " in head
    assert "moves by a step" in head
    assert "linear" in head
    assert "Symbols: " in head
    lines = [line for line in steps.splitlines() if re.match(r" +\d+ ", line)]
    assert 2 <= len(lines) <= MOST_LINES
    written = [m[1] for m in re.finditer(r"^ +\d+ .*? = (.*?)(?:  |$)", page, re.M)]
    assert all(a != b for a, b in itertools.pairwise(written)), "two lines say the same"
    assert "read off" in result or "since this holds for every" in result
    assert "layout" in result or "d/" in question["formula"] or question["wrt"] == "t"
    assert "every line is equal to the one before" in result
    assert "\nconditions " in result
    assert "\ntested " in result
    assert "Rules used" in result
    assert "For the next one: (1)" in result


if __name__ == "__main__":
    PAGES.mkdir(exist_ok=True)
    for each in QUESTIONS:
        (PAGES / f"{each['id']}.txt").write_text(steps_page(each), encoding="utf-8")
