"""The same text under every hash seed, and whatever was built before."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import frechet as fr

HERE = Path(__file__).parents[1]
PROGRAM = """
import json, sys
from frechet.interfaces.batch import answer_line
lines = [line for i, line in enumerate(open(sys.argv[1], encoding="utf-8")) if i % 10 == 3]
for line in lines if sys.argv[2] == "forwards" else reversed(lines):
    a = answer_line(line, check=False)
    a.pop("seconds", None)
    print(json.dumps(a, sort_keys=True, ensure_ascii=True))
"""


def printed(seed: int, order: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(HERE / "corpus" / "corpus.jsonl"), order],
        env={**os.environ, "PYTHONHASHSEED": str(seed)}, cwd=HERE.parent, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.splitlines()


def test_output_is_the_same_under_every_hash_seed_and_in_every_order() -> None:
    first = printed(0, "forwards")
    assert len(first) >= 40
    assert sum('"ok": true' in line for line in first) >= 35
    assert printed(1, "forwards") == first
    assert printed(2, "backwards")[::-1] == first


def test_a_float_that_was_built_before_changes_nothing() -> None:
    """0.25 equals 1/4, and the table of nodes must not tell who came first."""
    x = fr.vector("x", "n")
    decimal = 0.25 * x  # keeps its node alive
    assert str(fr.parse("x/4", {"x": x})) == "x/4"
    assert fr.parse("x/4", {"x": x}) is decimal
    half = x**0.5
    assert str(half * half) == "x"
    for value in (0.1, 1e-9, 0.8414709848078965, 12345.678, 1e20, 1e300):
        assert fr.parse(str(value * x), {"x": x}) is value * x
