"""The corpus of derivatives that others wrote down, judged from outside: by its own reader and its own differences."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

HERE = Path(__file__).parent
CORPUS = HERE / "corpus" / "corpus.jsonl"
BASIC = 390  # entries that need the core operations only
SHORT = 0.97  # of them are as short as the source's own form
OTHER_SHORT = 0.8  # of the entries that need more


@pytest.fixture(scope="module")
def judge() -> Iterator[ModuleType]:
    sys.path.insert(0, str(HERE / "corpus"))
    with warnings.catch_warnings():  # the judge silences them all
        import judge

        yield judge
    sys.path.remove(str(HERE / "corpus"))


@pytest.fixture(scope="module")
def answers(judge: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `frechet batch` answers to every entry."""
    entries = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]
    found, _ = judge.run_batch(entries, sys.executable, str(HERE.parent), 900)
    assert [a["id"] for a in found] == [e["id"] for e in entries]
    path = tmp_path_factory.mktemp("corpus") / "answers.jsonl"
    path.write_text("\n".join(json.dumps(a) for a in found), encoding="utf-8")
    return path


def score(judge: ModuleType, answers: Path, basic: bool) -> dict[str, Any]:
    lines = [line for line in CORPUS.read_text(encoding="utf-8").splitlines() if judge.basic(json.loads(line)) is basic]
    part = answers.with_name(f"basic-{basic}.jsonl")
    part.write_text("\n".join(lines), encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found: dict[str, Any] = judge.score(str(part), sys.executable, str(HERE.parent), True, str(answers))
    return found


def test_every_basic_entry_is_answered_and_right(judge: ModuleType, answers: Path) -> None:
    found = score(judge, answers, True)
    assert found["entries"] == BASIC
    assert (found["answered"], found["text"], found["code"], found["right"], found["wrong"]) == (
        BASIC,
        BASIC,
        BASIC,
        BASIC,
        0,
    )
    assert found["short"] / found["comparable"] >= SHORT


def test_nothing_is_wrong_in_the_other_entries(judge: ModuleType, answers: Path) -> None:
    found = score(judge, answers, False)
    assert found["wrong"] == 0
    assert found["right"] == found["answered"] > 0
    assert found["short"] / found["comparable"] >= OTHER_SHORT


def test_refusals_are_named(answers: Path) -> None:
    for line in answers.read_text(encoding="utf-8").splitlines():
        answer = json.loads(line)
        if not answer["ok"]:
            assert answer["error"]["kind"] == "unsupported", answer
            assert answer["error"]["message"]
