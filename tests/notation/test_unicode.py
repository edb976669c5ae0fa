"""What a reader sees: results as books write them."""

from __future__ import annotations

import pytest

from frechet.expressions.dimension import SCALAR, UNIT, dim
from frechet.expressions.node import Expr
from frechet.expressions.operation import all_operations
from frechet.notation.reading import parse
from frechet.notation.spaces import show_space, signature_line
from frechet.notation.text import write_text
from frechet.notation.unicode import UnicodeStyle, write_unicode
from frechet.operations import determinant, elementwise
from frechet.operations.constants import variable
from frechet.operations.products import product
from frechet.operations.sums import add

N, M = dim("n"), dim("m")

# What is typed, and how a book writes it.
BOOK = [
    ("2*A'*(A*x - b*ones(m))", "2Aᵀ(A x − b 𝟏)"),
    ("2*X'*(X*w - y)", "2Xᵀ(X w − y)"),
    ("(A + A')*x", "(A + Aᵀ) x"),
    ("inv(X)'", "X⁻ᵀ"),
    ("-inv(X)'", "−X⁻ᵀ"),
    ("det(X)*inv(X)'", "det(X) X⁻ᵀ"),
    ("-inv(S)*A*inv(S)", "−S⁻¹ A S⁻¹"),
    ("inv(S) - inv(S)*A*inv(S)", "S⁻¹ − S⁻¹ A S⁻¹"),
    ("sigmoid(X*w) - y", "σ(X w) − y"),
    ("x/norm2(x)", "x/‖x‖"),
    ("diag(p) - p*p'", "diag(p) − p pᵀ"),
    ("kron(A,X)", "A ⊗ X"),
    ("kron(A*B,eye(n))*vec(X)", "((A B) ⊗ I) vec(X)"),
    ("commutation(m,n)*vec(X)", "K_{m,n} vec(X)"),
    ("inv(X'*X)*X'*y", "(XᵀX)⁻¹ Xᵀ y"),
    ("tr(A*X*B)", "tr(A X B)"),
    ("logdet(S) + tr(A*inv(S))", "tr(A S⁻¹) + log det(S)"),
    ("2*logdet(X)^2", "2(log det(X))²"),
    ("(x'*A*x)*x", "(xᵀ A x) x"),
    ("x'*A*x/2", "xᵀ A x/2"),
    ("c*(A + B)", "c (A + B)"),
    ("(A + B)*(A - B)", "(A + B)(A − B)"),
    ("norm2(X)^2 + norm1(x) + normp(x,3)", "‖X‖² + ‖x‖₃ + ‖x‖₁"),
    ("A^3 + A^-2", "A³ + A⁻²"),
    ("x.^2", "x.^2"),
    ("c^2*x + sqrt(c)*x + c^(1/3)*x", "c^(1/3) x + √c x + c² x"),
    ("sqrt(X)", "X.^(1/2)"),
    ("x.*y./w", "x ⊙ y ⊘ w"),
    ("1./x", "1 ⊘ x"),
    ("x.*y/c", "(x ⊙ y)/c"),
    ("2*tr(X)*x", "2 tr(X) x"),
    ("x + 2*ones(n)", "x + 2·𝟏"),
    ("2*unit(3,1)", "2e₁"),
    ("2*e5*x", "2 e5 x"),
    ("abs(x) - abs(abs(c) - a)*x", "|x| − abs(|c| − a) x"),
    ("2.5e-27*x", "2.5·10⁻²⁷ x"),
    ("pinv(X)*y", "X⁺ y"),
]


@pytest.mark.parametrize(("text", "expected"), BOOK, ids=[text for text, _ in BOOK])
def test_as_a_book_writes_it(text: str, expected: str) -> None:
    assert str(write_unicode(parse(text))) == expected


def test_differentials_and_names_of_the_notation() -> None:
    """A variable named I or σ is not mistaken for the identity or the logistic function."""
    assert str(write_unicode(parse("I*X + eye(n)*X"))) == "I X + X"
    assert "I_{n}" in str(write_unicode(parse("I + eye(n)")))
    assert str(write_unicode(parse("σ*sigmoid(x)"))) == "σ sigmoid(x)"
    d = variable("dX", (N, N), role="differential")
    x = variable("X", (N, N))
    assert str(write_unicode(add([(-1, product(x, d, x)), (2, d)]))) == "2 dX − X dX X"


def layers(depth: int) -> Expr:
    a, e = variable("A", (N, N)), variable("x", (N, UNIT))
    for _ in range(depth):
        e = elementwise.TANH.build(add([(1, product(a, e)), (1, e)]))
    return e


def test_shared_parts_are_named_once() -> None:
    written = write_unicode(layers(9))
    assert list(written.where) == [f"v{i}" for i in range(1, len(written.where) + 1)] and written.where
    assert written.where["v1"] == "tanh(A x + x)"
    assert str(written).count("A x") == 1
    assert not write_unicode(layers(9), share=False).where


# What an example needs declared to be read by itself.
DECLARED = {
    "commutation(3,2)*vec(X)": ["X: 3×2"], "x + 1": ["x: scalar"], "norm2(A*x-b)": ["b: m"],
    "normp(A*x-b,1.5)": ["b: m"], "solve(A,b)": ["b: n"], "A\\b": ["b: n"], "sum(x)/n": ["x: n"],
}  # fmt: skip


def test_no_trace_of_the_text_notation() -> None:
    for operation in all_operations():
        for text in operation.examples:
            shown = str(write_unicode(parse(text, [*DECLARED.get(text, []), *operation.declarations])))
            assert shown and not set("*'") & set(shown), shown
            assert shown.count("(") == shown.count(")")


def test_dimensions() -> None:
    style = UnicodeStyle()
    assert style.dimension(N + dim(1)) == "n+1"
    assert style.dimension(dim(2) * N * N - M) in ("2n²−m", "−m+2n²")
    assert style.dimension(N * M) == "mn"
    assert style.dimension(dim("rows") * N) == "n·rows"


def test_spaces() -> None:
    assert [show_space(s) for s in (SCALAR, (N, UNIT), (N, M), (UNIT, N), (dim(3), UNIT), (dim(3), dim(3)))] == [
        "ℝ", "ℝ^n", "ℝ^{n×m}", "ℝ^{1×n}", "ℝ³", "ℝ^{3×3}",
    ]  # fmt: skip
    assert show_space((dim(2) * N, UNIT)) == "ℝ^{2n}"
    assert show_space((N + dim(1), N)) == "ℝ^{(n+1)×n}"
    assert show_space((N, M), "text") == "R^{n×m}"
    assert show_space((N, N), "unicode", ["symmetric"]) == "symmetric n×n"
    assert show_space((N, N), "latex", ["spd"]) == r"\text{positive definite } n \times n"


def test_signature_line() -> None:
    p, q = dim("p"), dim("q")
    x = variable("X", (p, q))
    g = parse("tr(A*X*B)", {"X": x})
    assert signature_line("g", x, g) == "g : ℝ^{p×q} → ℝ,  g(X) = tr(A X B)"
    assert signature_line("g", x, g, "text") == "g : R^{p×q} → R,  g(X) = tr(A*X*B)"
    assert signature_line("g", x, g, "latex") == (
        r"g : \mathbb{R}^{p \times q} \to \mathbb{R},\quad g(X) = \operatorname{tr}(A X B)"
    )
    s = variable("S", (N, N), ["symmetric"])
    assert signature_line("g", s, determinant.LOGDET.build(s)) == "g : symmetric n×n → ℝ,  g(S) = log det(S)"


def test_text_is_unchanged_by_the_hooks() -> None:
    for text in ("sqrt(X)", "x.*y./w", "inv(X)'", "tr(A*X*B)"):
        assert str(write_text(parse(text))) == text


def test_a_transposed_sum_is_written_term_by_term_where_that_needs_fewer_transposes() -> None:
    declared = {"S": "n×n symmetric", "X": "n×n", "x": "n"}
    written = {"(S + S*x*x')'": "x*x'*S + S", "S*x*x' + S": "S*x*x' + S", "(X^2 + X)'": "(X^2 + X)'"}
    for text, shown in written.items():
        e = parse(text, declared)
        assert str(write_text(e)) == shown
        assert parse(shown, declared) is e
