"""What a step touches is found in the line before, as a whole."""

from __future__ import annotations

import pytest
from documents import of_corpus

from frechet.interfaces.document import Math, Step, Steps
from frechet.interfaces.rendering.touched import marked, places, touched_places


@pytest.mark.parametrize(
    ("text", "part", "expected"),
    [
        ("tr(A X) + A", "A", "tr([A] X) + [A]"),
        ("tr(AX)", "A", "tr(AX)"),
        ("A1 + A", "A", "A1 + [A]"),
        ("AᵀB", "Aᵀ", "[Aᵀ]B"),
        ("dX X", "X", "dX [X]"),
        (r"\operatorname{tr}(t)", "t", r"\operatorname{tr}([t])"),
        (r"\top \mathrm{d}X X", "X", r"\top \mathrm{d}X [X]"),
        (r"\text{a} a", "a", r"\text{a} [a]"),
        ("A", "A", "A"),
        ("A + B", "", "A + B"),
        ("⟨R, R⟩ + ⟨R, R⟩", "⟨R, R⟩", "[⟨R, R⟩] + [⟨R, R⟩]"),
    ],
)
def test_places(text, part, expected):
    assert marked(text, places(text, part), "[", "]") == expected


def test_marks_in_latex_leave_the_formula_as_it_is():
    for document in of_corpus():
        for block in document.blocks:
            if isinstance(block, Steps):
                for i, row in enumerate(block.rows):
                    text = row.right.write("latex")
                    spans = touched_places(block.rows, i, "latex")
                    assert marked(text, spans, "", "") == text
                    for a, b in spans:
                        assert text[a:b].count("{") == text[a:b].count("}")


def test_a_formula_may_be_what_is_touched():
    rows = [Step(None, Math("⟨dR, R⟩ + ⟨R, dR⟩")), Step(None, Math("2⟨R, dR⟩"), touched=Math("⟨dR, R⟩"))]
    assert touched_places(rows, 0, "unicode") == [(0, 7)] and touched_places(rows, 1, "unicode") == []
