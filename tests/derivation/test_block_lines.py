"""Derivations through blocks: those that do not vary have the differential 0."""

from __future__ import annotations

import pytest

import frechet as fr


@pytest.mark.parametrize("level", ["short", "normal", "all"])
@pytest.mark.parametrize(
    ("text", "by"),
    [
        ("norm2([X,y]'*[X,y])^2", "X"),
        ("norm2([X,y]'*[X,y])^2", "y"),
        ("eigmin([X,y]'*[X,y])", "X"),
        ("logdet([X'*X, X'*y; y'*X, y'*y + c])", "y"),
        ("norm2([x; 2; c]*[x; 1; c]')^2", "c"),
        ("sum(exp([A*x; x])).*norm2([x; y])", "x"),
    ],
)
def test_every_line_is_equal_to_the_one_before(text: str, by: str, level: str) -> None:
    """A line that is not raises CheckFailed."""
    declared = {"X": "n×p", "y": "n", "x": "n", "A": "m×n", "c": "scalar"}
    e = fr.parse(text, {name: shape for name, shape in declared.items() if name in text})
    assert "Steps" in str(fr.derivative(e, by).steps(level)) or level == "short"
