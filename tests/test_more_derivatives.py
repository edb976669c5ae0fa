"""Derivatives of textbooks and papers beside the corpus (corpus/more.jsonl), judged from outside in the same way."""

from __future__ import annotations

import functools
import json
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

HERE = Path(__file__).parent
ENTRIES = [json.loads(line) for line in (HERE / "corpus" / "more.jsonl").read_text(encoding="utf-8").splitlines()]
SHORT = 0.965  # of them are as short as the source's own form


@pytest.fixture(scope="module")
def judge() -> Iterator[ModuleType]:
    sys.path.insert(0, str(HERE / "corpus"))
    with warnings.catch_warnings():  # the judge silences them all
        import judge
        import notation

        parse = notation.parse
        notation.parse = functools.lru_cache(maxsize=None)(parse)  # differences read one text many times
        yield judge
        notation.parse = parse
    sys.path.remove(str(HERE / "corpus"))


def function_source(entry: dict[str, Any]) -> str:
    """The function of an entry in Python: its text, read by the judge's reader."""
    names = ", ".join(entry["vars"])
    values = ", ".join(f"{name}=np.asarray({name})" for name in entry["vars"])
    return f"lambda {names}: __import__('notation').evaluate({entry['expr']!r}, dict({values}), {entry['dims']!r})"


def judged(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**e, "numpy": function_source(e)} for e in entries]


def test_every_answer_is_right_and_short(judge: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "more.jsonl"
    path.write_text("\n".join(json.dumps(e) for e in judged(ENTRIES)), encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = judge.score(str(path), sys.executable, str(HERE.parent), True)
    n = len(ENTRIES)
    assert n > 300
    assert (found["answered"], found["right"], found["wrong"]) == (n, n, 0)
    assert found["short"] / found["comparable"] >= SHORT
