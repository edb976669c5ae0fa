"""What holds of every format: every block is written, nothing of the user's text is taken for markup, formulas are whole."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest
from documents import FORMATS, every_block, of_corpus
from hypothesis import given
from hypothesis import strategies as st

from frechet.interfaces.document import Details, Document, Entry, Figure, Heading, Math, Paragraph, Step, Steps, Table
from frechet.interfaces.rendering import render
from frechet.interfaces.rendering.latex_words import latex_words
from frechet.interfaces.rendering.markdown import words as markdown_words

HOSTILE = [
    "<script>alert(1)</script>", "</style></div><img src=x onerror=alert(1)>", "a & b &lt; &amp; &#60;", "]]> <!-- -->",
    "\" onmouseover=\"alert(1)", "' x='", "$x$ $$ \\end{document} \\input{x} {{{ }}}", "50 % of A_1^2 ~ #1 \\\\",
    "| a | b |\\|", "*a* _b_ `c` ```\n~~~ [x](javascript:y) ![", "# no heading", "- no list", "1. no list",
    "\x00\x07\x1b[31m",
    "Aᵀ × B₀ ≤ ∇g, ℝ^{n×p}", "naïve Ångström ж 中 🙂 ﬁ", "\\text{&lt;script>} &#x3c;b&#x3e;",
]  # fmt: skip
SPACE = re.compile(r"\s+")


def squeezed(text: str) -> str:
    return SPACE.sub(" ", text).strip()


def elements(html: str) -> ElementTree.Element:
    return ElementTree.fromstring(html)


def name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def balanced(latex: str) -> bool:
    depth = 0
    for c in re.sub(r"\\[\\{}]", "", latex):
        depth += (c == "{") - (c == "}")
        if depth < 0:
            return False
    return depth == 0 and latex.count(r"\left") - latex.count(r"\leftarrow") == latex.count(r"\right")


# -- every block in every format
@pytest.mark.parametrize("format", FORMATS)
def test_every_block_is_written(format):
    """Each word is there as often as it is in the document."""
    marks = [f"mark{c}" for c in "abcdefghijknm"]
    a, b, c, d, e, f, g, h, i, j, k, n, m = marks
    formula = Math("g = {0}", "Xyz")
    blocks = [
        Heading(a),
        Paragraph([b]),
        Entry(c, [d], [e]),
        Steps([Step(formula, formula, [f], g, why=[h])]),
        Table([i], [[[j]]], k),
        Figure("<svg><title>markn</title></svg>", n),
        Details(m, [Paragraph(["inside"])]),
    ]
    options = {"why": True} if format in ("terminal", "text") else {}
    text = render(Document("title", blocks), format, **options)
    for mark in (*marks, "inside"):
        assert mark in text, mark
    assert text.endswith("\n") and render(Document("title", blocks), format, **options) == text


@pytest.mark.parametrize("format", FORMATS)
def test_an_empty_document_and_empty_blocks(format):
    render(Document("", []), format)
    blocks = [Paragraph([]), Entry("", []), Steps([]), Table(["a"], []), Details("more", []), Figure("", "")]
    render(Document("", blocks), format)


def test_a_format_imports_its_own_module_only():
    code = (
        "import sys; import frechet; from frechet.interfaces.document import Document, Paragraph;"
        "from frechet.interfaces.rendering import render; render(Document('', [Paragraph(['a'])]), 'terminal');"
        "print(*[m for m in ('rich', 'latex2mathml', 'IPython', 'json', 'html') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""


# -- the user's text is text
def assert_harmless_html(words: str) -> None:
    document = every_block(words)
    tree = elements(render(document, "html"))
    scripts = [e for e in tree.iter() if name(e) == "script"]
    plain = elements(render(every_block("words"), "html"))
    assert len(scripts) == 1
    # the same elements with the same attributes, whatever the words
    exponents = [name(e) for e in tree.iter() if name(e) != "sup"], [name(e) for e in plain.iter()]
    assert exponents[0] == exponents[1]
    handlers = [k for e in tree.iter() for k in e.attrib if k.startswith("on")]
    assert not handlers
    seen = "".join(c if c >= " " or c in "\n\t" else " " for c in words)
    heading = next(e for e in tree.iter() if name(e) == "h3")
    assert squeezed("".join(heading.itertext())) == squeezed(seen)


@pytest.mark.parametrize("words", HOSTILE)
def test_html_is_well_formed_and_has_no_other_elements(words):
    assert_harmless_html(words)
    page = render(every_block(words), "html", standalone=True)
    elements(page.removeprefix("<!DOCTYPE html>\n"))
    assert not re.search(r"""(?:src|href|url)\s*[=(]\s*["']?(?:https?:)?//""", page)


@pytest.mark.parametrize("words", HOSTILE)
def test_latex_is_ascii_balanced_and_has_known_commands_only(words):
    latex = render(every_block(words), "latex", standalone=True)
    assert latex.isascii() and balanced(latex.replace("verbatim", ""))
    outside = re.sub(r"\\begin\{verbatim\}.*?\\end\{verbatim\}", "", latex, flags=re.DOTALL)
    assert set(COMMAND.findall(outside)) <= KNOWN
    assert set(re.findall(r"\\begin\{(.*?)\}", outside)) <= {"document", "align*", "tabular", "description"}
    dollars = re.findall(r"(?<!\\)\$", outside)
    assert len(dollars) % 2 == 0
    assert latex.count(r"\end{document}") == 1


COMMAND = re.compile(r"\\[A-Za-z]+")
KNOWN = set(
    COMMAND.findall(
        r"""\documentclass \usepackage \allowdisplaybreaks \setlength \parindent \parskip \begin \end \section \subsection
        \paragraph \item \quad \small \emph \textbf \noindent \hline \linewidth \text \underline \textbackslash
        \textasciicircum \textasciitilde \textless \textgreater \textbar \nabla \langle \rangle \mathrm \operatorname \top
        \lVert \rVert \lvert \rvert \Vert \times \le \to \mathbb \frac \tfrac \odot \sqrt \mathbf \mathsf \mathit \left
        \right \sum \cdot \mapsto \r"""
    )
)
MATHEMATICAL = set(
    COMMAND.findall(
        r"""\Gamma \arccos \arcsin \arctan \ast \cos \cosh \det \exp \lambda \log \max \min \oslash \otimes \overline
        \partial \pi \psi \sigma \sin \sinh \tan \tanh"""
    )
)


@given(st.text())
def test_words_of_any_kind(words):
    latex = latex_words(words)
    assert latex.isascii() and balanced(latex) and len(re.findall(r"(?<!\\)\$", latex)) % 2 == 0
    assert not re.search(r"(?<!\\)[#%&]", latex)
    line = markdown_words(words)
    assert "\n" not in line and not re.search(r"(?<!\\)(?:\\\\)*[<>|`*_$]", line)


@given(st.text(st.characters(codec="utf-8"), max_size=30))
def test_html_of_any_words(words):
    tree = elements(render(Document("", [Heading(words), Paragraph([words])]), "html"))
    assert [name(e) for e in tree.iter() if name(e) not in ("sup", "style", "script")] == ["div", "h3", "p"]


@given(st.text(st.characters(codec="utf-8"), max_size=30))
def test_json_keeps_the_words(words):
    document = Document(words, [Paragraph([words]), Details(words, [Heading(words)])])
    found = json.loads(render(document, "json"))
    assert found["title"] == words and found["blocks"][0]["content"] == [words]
    assert found["blocks"][1] == {"block": "details", "summary": words, "blocks": [{"block": "heading", "text": words}]}


def test_json_is_the_data_where_there_is_some():
    assert json.loads(render(Document("t", [Heading("h")], {"ok": True, "n": 1}), "json")) == {"ok": True, "n": 1}


@pytest.mark.parametrize("words", HOSTILE)
def test_markdown_tables_keep_their_columns_and_no_html_gets_in(words):
    text = render(every_block(words), "markdown")
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert [len(re.findall(r"(?<!\\)\|", row)) for row in rows] == [3] * 4
    tags = re.findall(r"(?<!\\)<(/?\w+)", text)
    assert set(tags) <= {"details", "/details", "summary", "/summary"} and tags.count("details") == tags.count("/details")


def test_markdown_puts_formulas_side_by_side_into_one():
    """Two dollars in a row would begin a display, up to the next two."""
    document = Document("", [Paragraph([Math("A"), Math("B"), "", Math("C"), " and ", Math("D")])])
    assert render(document, "markdown") == "$A B C$ and $D$\n"


# -- formulas
def test_every_formula_of_the_corpus_in_every_format():
    for document in of_corpus():
        pages = {format: render(document, format) for format in FORMATS}
        tree = elements(pages["html"])
        formulas = [e for e in tree.iter() if name(e) == "math"]
        assert len(formulas) >= 2 * len(document.blocks[:-1]) and all(e.get("aria-label") for e in formulas)
        assert not any("\\" in text for e in formulas for text in e.itertext())
        assert pages["latex"].isascii() and balanced(pages["latex"])
        assert set(COMMAND.findall(pages["latex"])) <= KNOWN | MATHEMATICAL
        assert r"\operatorname" not in pages["markdown"]  # GitHub shows an error in the place of such a formula
        assert len(re.findall(r"(?<!\\)\$(?!\$)", re.sub(r"\$\$.*?\$\$", "", pages["markdown"], flags=re.DOTALL))) % 2 == 0
        json.loads(pages["json"])


def test_named_parts_are_stated_in_every_format():
    """A formula that refers to a part by name is of no use without what the name stands for."""
    from frechet.notation.reading import read

    deep = "\n".join(["h0 = x", *(f"h{i + 1} = tanh(A*h{i}) + h{i}" for i in range(9)), "sum(h9)"])
    formula = Math("g = {0}", read(deep).expression)
    names = formula.written("unicode").where
    assert names
    rows = [Step(None, formula, [])]
    for block in (Paragraph([formula]), Entry("", [formula]), Steps(rows), Table(["a"], [[[formula]]])):
        for format in ("terminal", "markdown", "latex", "html"):
            text = render(Document("", [block]), format)
            for part in names:
                plain = text.replace("_{", "").replace("}", "") if format in ("markdown", "latex") else text
                assert re.search(rf"{part}\s*=", plain), (format, part)


@pytest.mark.parametrize("format", ["markdown", "latex"])
def test_formulas_that_touch_are_one(format):
    """Between two formulas without a word `$a$$b$` would be read as the beginning of a display."""
    a, b = Math("a"), Math(" → b")
    for content in ([a, b], [a, "", b], ["words ", a, b, Math("c"), " words"]):
        for block in (Paragraph(content), Entry("", content), Table(["h"], [[content]])):
            text = render(Document("", [block]), format)
            assert "$$" not in text and re.search(r"\$a \\to b( c)?\$", text)


@pytest.mark.parametrize("format", ["markdown", "latex"])
def test_differentials_among_words_are_formulas(format):
    rows = [Step(Math("G"), Math("A"), ["what stands before dw, for every dX"], "(k×m)(m×n)")]
    text = render(Document("", [Steps(rows), Paragraph(["dX is a step; do not read adX or tr(dY)."])]), format)
    assert not re.search(r"\\text\{[^{}]*\bd[wX]\b", text)
    assert r"\mathrm{d}w" in text and text.count(r"\mathrm{d}X") == 2
    assert "do not read adX or tr(dY)" in text
    assert r"(k \times m)(m \times n)" in text and r"\text{(}" not in text


def test_differentials_with_indices_are_upright():
    assert Math("gᵢⱼ dxᵢⱼ").write("latex") == r"g_{ij} \, \mathrm{d}x_{ij}"
    assert Math("Σᵢⱼ dxᵢⱼ, ∇²g, x₊ → x₋").write("text") == "sum_ij dx_ij, hess g, x_+ -> x_-"


def test_what_a_function_writes_is_ascii_in_the_text_notation():
    from frechet.notation.reading import read
    from frechet.notation.spaces import signature_line

    r = read("A*X", wrt="X")
    line = Math("{0}", lambda n: signature_line("g", r.variables["X"], r.expression, n))
    assert line.write("text").isascii() and "R^{p x q} -> R^{r x q}" in line.write("text")
