"""LaTeX for KaTeX and MathJax: exact results, and balanced output for every operation."""

from __future__ import annotations

import re

import pytest

from frechet.expressions.dimension import UNIT, dim
from frechet.expressions.node import Expr
from frechet.expressions.operation import all_operations
from frechet.notation.latex import latex_name, write_latex
from frechet.notation.reading import parse
from frechet.operations import elementwise
from frechet.operations.constants import variable
from frechet.operations.products import product
from frechet.operations.sums import add

N = dim("n")

BOOK = [
    ("2*X'*(X*w - y)", r"2X^{\top} (X w - y)"),
    ("(A + A')*x", r"(A + A^{\top}) x"),
    ("inv(X)'", r"X^{-\top}"),
    ("-inv(X)'", r"-X^{-\top}"),
    ("det(X)*inv(X)'", r"\det(X) X^{-\top}"),
    ("-inv(S)*A*inv(S)", r"-S^{-1} A S^{-1}"),
    ("sigmoid(X*w) - y", r"\sigma(X w) - y"),
    ("x/norm2(x)", r"\frac{x}{\lVert x\rVert_{2}}"),
    ("X/norm2(X)", r"\frac{X}{\lVert X\rVert_{F}}"),
    ("diag(p) - p*p'", r"\operatorname{diag}(p) - p p^{\top}"),
    ("kron(A*B,eye(n))*vec(X)", r"((A B) \otimes I) \operatorname{vec}(X)"),
    ("commutation(m,n)*vec(X)", r"K_{m,n} \operatorname{vec}(X)"),
    ("inv(X'*X)*X'*y", r"(X^{\top} X)^{-1} X^{\top} y"),
    ("logdet(S) + tr(A*inv(S))", r"\operatorname{tr}(A S^{-1}) + \log\det(S)"),
    ("x'*A*x/2", r"\frac{x^{\top} A x}{2}"),
    ("(x - y)/2", r"\frac{x - y}{2}"),
    ("c + 1/3", r"c + \tfrac{1}{3}"),
    ("c^(1/3)", r"c^{1/3}"),
    ("exp(-x/(2*c^2))", r"\exp\left(-\frac{x}{2c^{2}}\right)"),
    ("norm2(x/c + y)", r"\left\lVert \frac{x}{c} + y\right\rVert_{2}"),
    ("x.*y./w", r"x \odot y \oslash w"),
    ("x.^2 + sqrt(x)", r"x^{\odot 2} + \sqrt{x}"),
    ("sqrt(X)", r"X^{\odot 1/2}"),
    ("sum(x.*y.*w)", r"\mathbf{1}^{\top} (w \odot x \odot y)"),
    ("sum(X)", r"\mathbf{1}^{\top} X \mathbf{1}"),
    ("abs(x) + 2*ones(n)", r"\lvert x\rvert + 2 \cdot \mathbf{1}"),
    ("pinv(X)'", r"(X^{+})^{\top}"),
    ("normp(x,3) + norm1(x)", r"\lVert x\rVert_{3} + \lVert x\rVert_1"),
    ("alpha*W1*x_train", r"\alpha W_{1} x_{\text{train}}"),
    ("Sigma*x - λ*x", r"\Sigma x - \lambda x"),
    ("sigma*sigmoid(x)", r"\sigma \operatorname{sigmoid}(x)"),
    ("polygamma(2,x)", r"\psi^{({2})}(x)"),
    ("unvec(A*vec(X),n,m)", r"\operatorname{unvec}_{n, m}(A \operatorname{vec}(X))"),
    ("max(x,y)", r"\max(x, y)"),
]


@pytest.mark.parametrize(("text", "expected"), BOOK, ids=[text for text, _ in BOOK])
def test_as_a_book_sets_it(text: str, expected: str) -> None:
    assert str(write_latex(parse(text))) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("x", "x"), ("X2", "X_{2}"), ("W12", "W_{12}"), ("x_1", "x_{1}"), ("x₁", "x_{1}"), ("x_i", "x_{i}"),
        ("x_train", r"x_{\text{train}}"), ("x1_test", r"x_{1,\text{test}}"), ("x_alpha", r"x_{\alpha}"),
        ("alpha", r"\alpha"), ("Sigma", r"\Sigma"), ("α", r"\alpha"), ("Σ", r"\Sigma"), ("Alpha", r"\mathrm{A}"),
        ("beta2", r"\beta_{2}"), ("loss", r"\mathit{loss}"), ("omicron", "o"), ("ε", r"\varepsilon"),
        ("_", r"\_"), ("ж", r"\text{ж}"), ("αβ", r"\mathit{\alpha \beta }"),
    ],
)  # fmt: skip
def test_names(name: str, expected: str) -> None:
    assert latex_name(name) == expected


def test_differentials() -> None:
    x, d = variable("X", (N, N)), variable("dX", (N, N), role="differential")
    e = add([(-1, product(x, d, x))])
    assert str(write_latex(e)) == r"-X \, \mathrm{d}X \, X"
    assert str(write_latex(variable("dX", (N, N)))) == r"\mathit{dX}"


def balanced(latex: str) -> bool:
    depth = 0
    for c in re.sub(r"\\[{}]", "", latex):
        depth += (c == "{") - (c == "}")
        if depth < 0:
            return False
    return depth == 0 and latex.count(r"\left") == latex.count(r"\right") and latex.count("(") == latex.count(")")


# What an example needs declared to be read by itself.
DECLARED = {
    "commutation(3,2)*vec(X)": ["X: 3×2"], "x + 1": ["x: scalar"], "norm2(A*x-b)": ["b: m"],
    "normp(A*x-b,1.5)": ["b: m"], "solve(A,b)": ["b: n"], "A\\b": ["b: n"], "sum(x)/n": ["x: n"],
}  # fmt: skip
EXAMPLES = [(page.name, text, page.declarations) for page in all_operations() for text in page.examples]


@pytest.mark.parametrize(("name", "text", "said"), EXAMPLES, ids=[f"{name}: {text}" for name, text, _ in EXAMPLES])
def test_every_operation_is_written(name: str, text: str, said: tuple[str, ...]) -> None:
    latex = str(write_latex(parse(text, [*DECLARED.get(text, []), *said])))
    assert latex and balanced(latex), latex
    # no superscript on a superscript, no template left over
    assert not re.search(r"\^\{[^{}]*\}\^|\{p\}|\{0\}", latex), latex
    assert "*" not in latex


def test_every_page_has_a_balanced_template() -> None:
    for page in all_operations():
        assert balanced(page.latex), page.name


def test_shared_parts_are_named_in_latex() -> None:
    a, e = variable("A", (N, N)), variable("x", (N, UNIT))
    deep: Expr = e
    for _ in range(9):
        deep = elementwise.TANH.build(add([(1, product(a, deep)), (1, deep)]))
    written = write_latex(deep)
    assert written.where["v_{1}"] == r"\tanh(A x + x)"
    assert r" \quad\text{where}\quad v_{1} = \tanh(A x + x),\quad " in str(written)
    assert balanced(str(written))
