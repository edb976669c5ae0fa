"""MathML as browsers set it."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from frechet.interfaces.rendering.mathml import mathml

NAMESPACE = "{http://www.w3.org/1998/Math/MathML}"


def tags(latex: str) -> list[tuple[str, str | None]]:
    root = ElementTree.fromstring(mathml(latex, "label"))
    return [(e.tag.removeprefix(NAMESPACE), e.text) for e in root.iter() if e.text or e.tag.endswith("space")]


@pytest.mark.parametrize(
    ("latex", "expected"),
    [
        (r"\mathbf{1}", [("mn", "𝟏")]),
        (r"2\log\det(S)", [("mn", "2"), ("mspace", None), ("mi", "log"), ("mspace", None), ("mi", "det"),
                           ("mo", "("), ("mi", "S"), ("mo", ")")]),
        (r"x^{\top}", [("mi", "x"), ("mi", "⊤")]),
        (r"\langle x", [("mo", "⟨"), ("mi", "x")]),
        (r"\text{<b>&amp;}", [("mtext", "<b>&amp;")]),
    ],
)  # fmt: skip
def test_signs(latex, expected):
    assert tags(latex) == expected


def test_upright_letters_and_marks():
    root = ElementTree.fromstring(mathml(r"\underline{\mathrm{d}X} + d", 'a "label" <'))
    letters = {e.text: e.get("mathvariant") for e in root.iter() if e.tag == NAMESPACE + "mi" and e.get("mathvariant")}
    assert letters == {"d": "normal"}
    touched = [e for e in root.iter() if e.get("class") == "touched"]
    assert ["".join(e.itertext()) for e in touched] == ["dX"]
    assert root.get("aria-label") == 'a "label" <'


def test_what_is_nested_too_deeply_is_given_as_text():
    latex = r"\sqrt{" * 3000 + "x" + "}" * 3000
    root = ElementTree.fromstring(mathml(latex, "deep"))
    assert root.tag == "code" and root.text == latex
