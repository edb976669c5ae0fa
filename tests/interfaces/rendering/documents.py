"""Documents to render: every block, texts that mean harm, and the answers to the corpus."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from frechet.differentiation.derivative import Derivative
from frechet.expressions.errors import FrechetError
from frechet.interfaces.document import (
    Details,
    Document,
    Entry,
    Figure,
    Heading,
    Math,
    Paragraph,
    Step,
    Steps,
    Table,
)
from frechet.notation.reading import read, read_entry

FORMATS = ("terminal", "text", "markdown", "latex", "html", "json")
CORPUS = Path(__file__).parents[2] / "corpus"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><circle r="4" cx="4" cy="4"/></svg>'


def every_block(words: str = "words") -> Document:
    """A document with every kind of block, the same words in every place for words."""
    r = read("norm2(A*X-B)^2", wrt="X")
    x, a = r.variables["X"], r.variables["A"]
    d = Derivative(r.expression, x)
    g = Math("∇g = {0}", d.gradient)
    steps = [
        Step(Math("dg"), Math("2⟨{0}, {1} d{2}⟩", read("A*X-B").expression, a, x), [words, g], words),
        Step(None, Math("⟨{0}, d{1}⟩", d.gradient, x), [words], words, why=[words, g], touched=a),
    ]
    inner = [Paragraph([words]), Steps([Step(Math("g"), Math("{0}", r.expression), ())])]
    return Document(
        words,
        [
            Heading(words),
            Paragraph([words, " ", g, " ", words]),
            Entry(words, [g], [words, Math("{0}", x)]),
            Entry("", [words]),
            Steps(steps),
            Table([words, "second"], [[[words], [g]], [["1.5"], [words, " ", words]]], words),
            Figure(SVG, "A --> B", words),
            Details(words, inner),
        ],
    )


def of_corpus() -> Iterator[Document]:
    """The functions of the corpus with their differentials and, where they are numbers, their gradients; in steps too."""
    for name in ("corpus.jsonl", "more.jsonl"):
        for line in (CORPUS / name).read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            r = read_entry(entry["expr"], entry["vars"], entry["dims"], entry["wrt"])
            d = Derivative(r.expression, r.variables[entry["wrt"]])
            views = []
            for view in ("differential", "gradient", "jacobian"):
                try:
                    views.append(getattr(d, view))
                except FrechetError:
                    continue
            formulas = [Math("{0}", e) for e in (r.expression, *views)]
            rows = [Step(Math("dg"), f, ["by ", f], "n×m", touched=d.variable) for f in formulas]
            yield Document(entry["id"], [*(Entry("", [f]) for f in formulas), Steps(rows)])
