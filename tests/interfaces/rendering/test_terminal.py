"""The terminal's lines: their width, their columns, plain where nothing is asked for."""

from __future__ import annotations

import re

import pytest
from documents import every_block, of_corpus
from hypothesis import given
from hypothesis import strategies as st

from frechet.interfaces.document import Details, Document, Entry, Figure, Heading, Math, Paragraph, Step, Steps, Table
from frechet.interfaces.rendering import render, show
from frechet.interfaces.rendering.lines import Typesetter, broken
from frechet.interfaces.rendering.terminal import shared_out

ANSI = re.compile(r"\x1b\[[0-9;]*m")
PROSE = st.lists(st.text("abcdefg,.", min_size=1, max_size=12), min_size=1, max_size=60).map(" ".join)


@given(PROSE, st.integers(60, 120))
def test_words_fill_lines_of_the_width_and_none_is_lost(words, width):
    blocks = [
        Paragraph([words]),
        Entry("label", [words], [words]),
        Steps([Step(Math("dg"), Math("g"), [words], "n×m")]),
        Table(["a", "b"], [[[words], [words]]], words),
        Details("more", [Paragraph([words])]),
    ]
    for block in blocks:
        lines = render(Document("", [block]), "terminal", width=width).splitlines()
        assert max(map(len, lines)) <= width
    text = render(Document("", [Paragraph([words])]), "terminal", width=width)
    assert text.split() == words.split()


@pytest.mark.parametrize("notation", ["unicode", "text"])
def test_no_formula_that_fits_into_a_line_is_broken(notation):
    for document in of_corpus():
        page = render(document, "terminal", notation=notation)
        for formula in (part for b in document.blocks if isinstance(b, Entry) for part in b.content):
            text = formula.write(notation)
            if len(text) <= 60:
                assert text in page


@given(st.text("ab+ ()", max_size=80), st.integers(10, 40))
def test_a_broken_formula_is_whole_but_for_spaces(text, width):
    lines = broken(text, width)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_colour_changes_no_letter():
    document = every_block("some words")
    plain, coloured = render(document, "terminal"), render(document, "terminal", colour=True)
    assert "\x1b" not in plain and "\x1b[" in coloured
    assert ANSI.sub("", coloured) == plain
    # the A that the second step touches is underlined in the first
    assert re.search(r"\x1b\[[0-9;]*4mA\x1b", coloured)


def test_a_file_gets_plain_lines(capsys):
    show(every_block("some words"))
    assert capsys.readouterr().out == render(every_block("some words"), "terminal")


def test_no_colour_is_respected(monkeypatch):
    from frechet.interfaces.rendering.terminal import of_terminal

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert of_terminal()["colour"] is True and 60 <= of_terminal()["width"] <= 120
    monkeypatch.setenv("NO_COLOR", "1")
    assert of_terminal()["colour"] is False


def test_steps_stand_in_columns():
    rows = [
        Step(Math("dg"), Math("a + b"), ["first rule"], "scalar"),
        Step(None, Math("long formula + c"), ["second rule"], "n×m"),
        Step(Math("∇g"), Math("c"), ["third rule"], relation="≈"),
    ]
    lines = render(Document("", [Steps(rows)]), "terminal").splitlines()
    assert len({line.index(rule) for line, rule in zip(lines, ("first", "second", "third"), strict=True)}) == 1
    assert len({line.index(sign) for line, sign in zip(lines, "==≈", strict=True)}) == 1
    assert lines[0].index("scalar") == lines[1].index("n×m")


def test_a_rule_that_does_not_fit_goes_below_its_formula():
    formula = Math(" + ".join(["a"] * 22))
    lines = render(Document("", [Steps([Step(Math("g"), formula, ["the rule " * 3], "n×m")])]), "terminal").splitlines()
    assert "rule" not in lines[0] and lines[1].split() == ["n×m", *["the", "rule"] * 3]


def test_numbers_stand_at_the_right_and_columns_share_the_width():
    table = Table(["i", "error"], [[["1"], ["0.25"]], [["20"], ["−12.5"]]])
    lines = render(Document("", [table]), "terminal").splitlines()
    assert lines[2:] == [" 1   0.25", "20  −12.5"]


@given(st.lists(st.integers(0, 200), min_size=1, max_size=6), st.integers(20, 120))
def test_columns_share_what_there_is(natural, room):
    widths = shared_out(natural, room)
    assert sum(widths) <= max(room, len(widths)) and all(w <= max(n, 1) for w, n in zip(widths, natural, strict=True))
    assert sum(natural) > room or widths == natural


def test_ascii_in_the_text_notation():
    words = "A is n×m, x → y “so” it’s ≤ 1 − ε … ✓"
    blocks = [
        Heading(words),
        Paragraph([words]),
        Entry("≤", [words], [words]),
        Steps([Step(Math("∇g"), Math("⟨G, dX⟩ ≈ ‖X‖² · ½"), [words], "(n×m)ᵀ", "↦")]),
        Table([words], [[[words]]], words),
        Figure("", "┌──▶ × ┐", words),
        Details(words, []),
    ]
    assert render(Document("", blocks), "text").isascii()
    assert Typesetter("text", 100).words("n×m") == "n x m"


def test_no_control_character_reaches_the_terminal():
    page = render(every_block("a\x1b[31mb\x07c"), "terminal")
    assert page.replace("\n", "").isprintable()


@given(st.lists(st.tuples(st.integers(1, 90), st.integers(0, 50), st.integers(0, 30)), min_size=1, max_size=6))
def test_a_shape_stands_before_its_rule_and_both_begin_in_one_column(rows):
    """However long formulas, shapes and rules are: what is put below a formula has the same order and the same place."""
    steps = [Step(Math("g"), Math("a" * f), ["r" * r] if r else [], "n" * s) for f, s, r in rows]
    lines = render(Document("", [Steps(steps)]), "terminal").splitlines()
    text = "\n".join(lines)
    for f, s, r in rows:
        if s and r:
            assert re.search(rf"(?<!n){'n' * s}(?!n)\s+{'r' * r}(?!r)", text), (f, s, r)
    below = [len(line) - len(line.lstrip()) for line in lines if re.match(r"\s+n", line)]
    assert len(set(below)) <= 1


def test_a_line_of_a_broken_formula_begins_with_its_sign():
    lines = broken("(A ⊙ B ⊙ C ⊙ D ⊙ E) ⊗ F + G", 12)
    assert len(lines) > 1 and all(line.strip()[0] in "+⊙⊗" for line in lines[1:])


@pytest.mark.parametrize(
    "question",
    [
        ["tr(A*inv(X)*B)", "X"],
        ["sum(log(ones(n) + exp(-y.*(X*w))))", "w", "--declare", "X: n×k", "--declare", "y: n"],
        ["norm2(A*Q-B)^2", "Q", "--declare", "Q: n×n orthogonal"],
        ["X*X'", "X"],
        ["norm2(X*w - y)^2", "w", "--order", "2"],
        ["tr(A*S)", "S", "--declare", "S: n×n symmetric"],
    ],
)  # fmt: skip
def test_explanations_in_the_text_notation_are_ascii(question, capsys):
    from frechet.interfaces.command_line import main

    assert main([*question, "--steps", "--text"]) == 0
    page = capsys.readouterr().out
    assert page.isascii(), {c for c in page if not c.isascii()}
    assert " -> " in page
