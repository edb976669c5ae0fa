"""The standard questions of questions.jsonl: the command answers each of them, and its check confirms the answer.

A line is {"id", "title", "formula", "wrt", "declare", "order"}: the formula in the text notation, perhaps several lines.
"""

from __future__ import annotations

import json
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


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q["id"])
def test_question_is_answered_and_checked(question: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [question["formula"], question["wrt"]]
    for declaration in question["declare"]:
        arguments += ["--declare", declaration]
    if "order" in question:
        arguments += ["--order", str(question["order"])]
    code = main(arguments)
    shown = capsys.readouterr()
    assert code == 0, shown.err
    assert any(line.startswith("checked ") and "3 points" in line for line in shown.out.splitlines())
