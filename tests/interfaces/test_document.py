"""Formulas of documents: templates with holes, in every notation."""

from __future__ import annotations

import pytest

from frechet.expressions.dimension import dim
from frechet.interfaces.document import Document, Entry, Heading, Math
from frechet.notation.reading import read

R = read("A*X - B", wrt="X")
X = R.variables["X"]


@pytest.mark.parametrize(
    ("formula", "latex", "text"),
    [
        (Math("d{0} = {1} d{0}", X, R.variables["A"]), r"\mathrm{d}X = A \, \mathrm{d}X", "dX = A dX"),
        (Math("⟨{0}, dX⟩", R.expression), r"\langle A X - B, \mathrm{d}X\rangle", "<A*X - B, dX>"),
        (Math("{0:p}ᵀ", R.expression), r"(A X - B)^{\top}", "(A*X - B)'"),
        (Math("g(X) = 0 for every X,  {0}", "y1"), r"g(X) = 0\text{ for every }X,\quad y_{1}", "g(X) = 0 for every X,  y1"),
        (Math("ℝ^{{0}×n}", dim("m")), r"\mathbb{R}^{m \times n}", "R^{mxn}"),
        (Math("d‖R‖², λ"), r"\mathrm{d}\Vert R\Vert ^{2}, \lambda", "d||R||^2, λ"),
        (Math("{0}", lambda notation: notation), "latex", "text"),
        (Math("c + d"), "c + d", "c + d"),
    ],
)
def test_writing(formula, latex, text):
    assert (formula.write("latex"), formula.write("text")) == (latex, text)


def test_its_variables():
    formula = Math("{0} {1} {2}", Math("{0}", R.expression), X, "z")
    assert formula.variables() == R.variables


def test_a_document_shows_itself():
    document = Document("title", [Heading("a heading"), Entry("label", [Math("{0}", X)])])
    assert str(document) == "a heading\nlabel           X"
    assert "<h3>a heading</h3>" in document._repr_html_() and "### a heading" in document._repr_markdown_()
    assert r"\subsection*{a heading}" in document._repr_latex_()
