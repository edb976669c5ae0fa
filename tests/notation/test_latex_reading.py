"""LaTeX is read: what people type, and whatever `write_latex` and `write_unicode` write."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from frechet.differentiation.derivative import Derivative
from frechet.expressions.dimension import SCALAR
from frechet.expressions.errors import FrechetError, LimitError, NotationError, UnsupportedError
from frechet.expressions.node import Expr
from frechet.notation.latex import latex_name, write_latex
from frechet.notation.latex_reading import from_latex
from frechet.notation.reading import read, read_entry
from frechet.notation.unicode import write_unicode
from frechet.verification.answers import Names, names_of, read_answer, translated, typed, unlabelled
from frechet.verification.check import check_equal

CORPUS = Path(__file__).parent.parent / "corpus"

# Sizes that LaTeX does not write: of e_{1}, I and 1 in places where only the numbers agree.
OPEN_SIZES = ("sum(C.*P)+e*sum(P.*(log(P)-ones(m,n)))", "x'*kron(A,B)*x")


def cases() -> Iterator[tuple[str, Expr, Names]]:
    """Every function of the corpus and its derivative, with the names that it has."""
    for name in ("corpus", "more"):
        for line in (CORPUS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            reading = read_entry(entry["expr"], entry["vars"], entry["dims"], entry["wrt"])
            d = Derivative(reading.expression, reading.variables[entry["wrt"]])
            declared = [f"{n}: {v['function']}" for n, v in entry["vars"].items() if "function" in v]
            names = names_of({**reading.variables, d.direction.params[0]: d.direction}, {}, declared, reading.functions)
            yield entry["expr"], reading.expression, names
            try:
                result = d.gradient if d.function.shape == SCALAR else d.differential
            except UnsupportedError:
                continue
            if len(result.shape) == 2:
                yield entry["expr"], result, names


def unread(read_written: Callable[[Expr, Names], Expr]) -> list[str]:
    """The functions of which something that was written does not read back to what has the same value."""
    wrong = []
    for source, e, names in cases():
        try:
            found = read_written(e, names)
        except FrechetError as error:
            wrong.append((source, error.pointed()))
            continue
        if found is not e and not check_equal(e, found).ok:
            wrong.append((source, str(found)))
    return [source for source, _ in wrong]


def test_what_is_written_reads_back() -> None:
    def back(e: Expr, names: Names) -> Expr:
        return read_answer(translated(unlabelled(str(write_latex(e))), names, latex=True), names, [e.shape])

    assert set(unread(back)) <= set(OPEN_SIZES)


def test_what_is_shown_reads_back_but_for_entries() -> None:
    def back(e: Expr, names: Names) -> Expr:
        found = typed(write_unicode(e, share=False).text, names, [e.shape])[1]
        if isinstance(found, FrechetError):
            raise found
        return found

    assert len(unread(back)) <= 16  # of some 1500: X[:,2], e₁ and what has open sizes


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (r"2\mathbf{A}^{\top}(\mathbf{A}\mathbf{x} - \mathbf{b})", "2*A'*(A*x-b)"),
        (r"2A^T(Ax-b)", "2*A'*(A*x-b)"),
        (r"2A^{\mathsf T}(Ax-b)", "2*A'*(A*x-b)"),
        (r"A^\intercal A x", "A'*A*x"),
        (r"\boldsymbol{A}^{\rm T} x".replace(r"\rm", r"\mathrm"), "A'*x"),
        (r"\operatorname{tr}(A B)", "tr(A*B)"),
        (r"\text{tr}\left(A B\right)", "tr(A*B)"),
        (r"\mathrm{Tr}[AB]", "tr(A*B)"),
        (r"\operatorname{tr} A^\top B", "tr(A'*B)"),
        (r"\frac{1}{2} x^\top A x", "x'*A*x/2"),
        (r"\tfrac12 x^\top A x", "x'*A*x/2"),
        (r"\frac12\|x\|^2", "norm2(x)^2/2"),
        (r"\|A x - b\|_2^2", "norm2(A*x-b)^2"),
        (r"\left\lVert A \right\rVert_F^2", "norm2(A)^2"),
        (r"||x||_1", "norm1(x)"),
        (r"\|A\|_*", "normnuc(A)"),
        (r"\|A\|_2", "normspec(A)"),
        (r"\|x\|_\infty", "norminf(x)"),
        (r"\|x\|_3", "normp(x,3)"),
        (r"\ln\det A", "logdet(A)"),
        (r"\log|A|", "logdet(A)"),
        (r"\log \det(A^\top A)", "logdet(A'*A)"),
        (r"A^{-1}", "inv(A)"),
        (r"A^{-\top}", "inv(A)'"),
        (r"A^{-T}", "inv(A)'"),
        (r"(A^\top)^{-1}", "inv(A')"),
        (r"A^{+}", "pinv(A)"),
        (r"A^\dagger", "pinv(A)"),
        (r"A^2", "A^2"),
        (r"A^{1/2}", "sqrtm(A)"),
        (r"\sqrt{x^\top x}", "sqrt(x'*x)"),
        (r"\sqrt[3]{c}", "c^(1/3)"),
        (r"x \odot b", "x.*b"),
        (r"x \circ b", "x.*b"),
        (r"A x \odot b", "(A*x).*b"),
        (r"b \odot A x", "b.*(A*x)"),
        (r"x \oslash b", "x./b"),
        (r"x^{\odot 2}", "x.^2"),
        (r"x^{\circ 2}", "x.^2"),
        (r"A^\top \otimes A", "kron(A',A)"),
        (r"I \otimes A", "kron(eye(n),A)"),
        (r"\operatorname{diag}(x)", "diag(x)"),
        (r"\mathrm{diag}\, x", "diag(x)"),
        (r"\vec(A)", "vec(A)"),
        (r"A\vec{x}", "A*x"),
        (r"\operatorname{vec}(A^\top)", "vec(A')"),
        (r"\mathbf{1}_n^\top x", "sum(x)"),
        (r"{\bf A}^{\rm T} x", "A'*x"),
        (r"2Aᵀ(A x − b)", "2*A'*(A*x-b)"),
        (r"A⁻¹ x ⊙ b", "(inv(A)*x).*b"),
        (r"\exp(x)", "exp(x)"),
        (r"e^{x}", "exp(x)"),
        (r"\sin^2(c)", "sin(c)^2"),
        (r"\sigma(x)", "sigmoid(x)"),
        (r"\mathbf{1}^\top x", "sum(x)"),
        (r"x + \mathbf{1}", "x + ones(n)"),
        (r"\langle x, b\rangle", "x'*b"),
        (r"A : A", "tr(A'*A)"),
        (r"\lambda W_1 x", "lambda*W1*x"),
        (r"\lambda W_{1} x", "lambda*W1*x"),
        (r"2\lambda_{\max}(A) x", "2*eigmax(A)*x"),
        (r"x_{\text{new}} - x", "x_new - x"),
        (r"\alpha x", "alpha*x"),
        (r"\hat{x}".replace(r"\hat{x}", r"\bar{x}"), "conj(x)"),
        (r"c \cdot x", "c*x"),
        (r"c\,x - \left( b + x \right)", "c*x - (b + x)"),
        (r"x_{1}", "x[1]"),
        (r"A_{12}", "A[1,2]"),
        (r"-x", "-x"),
        (r"x^\top (-b)", "x'*(-b)"),
        (r"A x c / 2", "A*x*c/2"),
        (r"\max(x, b)", "max(x,b)"),
        (r"$A x$", "A*x"),
        (r"\pi c", "pi*c"),
    ],
)  # fmt: skip
def test_what_people_type(latex: str, text: str) -> None:
    declared = ["A: n×n", "B: n×n", "W1: n×n", "x: n", "b: n", "c: scalar", "x_new: n", "alpha: scalar", "lambda: scalar"]
    everything = "A*B*x + W1*b + c*x_new + alpha*x + lambda*x"
    variables = read(everything, declared).variables
    names = names_of(variables, {}, (), ())
    found = read_answer(
        translated(unlabelled(latex), names, latex=True), names, [read(text, (), variables).expression.shape]
    )
    assert found is read(text, (), variables).expression


@pytest.mark.parametrize("name", ["x", "W1", "W_1", "x0", "alpha", "Sigma", "x_train", "theta_2", "beta", "AX", "mu"])
def test_names_are_known_again(name: str) -> None:
    assert from_latex(latex_name(name), [name]).text == name
    assert from_latex(rf"2 {latex_name(name)} y", [name, "y"]).text == f"2*{name}*y"


@pytest.mark.parametrize(
    ("latex", "position", "message"),
    [
        (r"\sum_i x_i", 0, "sum"),
        (r"A \foo x", 2, "not read"),
        (r"\frac{A}{2", 10, "missing"),
        (r"(A x", 4, "missing"),
        (r"A x)", 3, "not expected"),
        (r"A + + x +", 9, "missing"),
        (r"\|A", 3, "missing"),
        (r"\operatorname{foo}(A)", 0, "no function of the name foo"),
        (r"\begin{bmatrix} A \end{bmatrix}", 0, "blocks"),
        (r"A^", 2, "missing"),
        ("A \\", 2, "not read"),
        (r"\frac", 5, "missing"),
        ("_", 0, "not expected"),
    ],
)
def test_errors_point_at_the_latex(latex: str, position: int, message: str) -> None:
    variables = read("A*x", ["A: n×n"]).variables
    with pytest.raises(NotationError) as caught:
        from_latex(latex, variables)
    assert (caught.value.position, caught.value.text) == (position, latex)
    assert message in caught.value.message


def test_bars_around_a_square_matrix_are_its_determinant() -> None:
    for latex in ("|A|", r"\lvert A \rvert", r"\left|A\right|", r"\vert A \vert"):
        assert "".join(from_latex(latex, read("A", ["A: n×n"]).variables).text.split()) == "det(A)"
    with pytest.raises(NotationError, match="determinant or the absolute values"):
        from_latex("|A|", read("A", ["A: n×m"]).variables)


def test_bounds_are_told() -> None:
    with pytest.raises(LimitError):
        from_latex("(" * 500 + "x" + ")" * 500, ["x"])
    with pytest.raises(LimitError):
        from_latex("x " * 20_000, ["x"])


def test_no_text_raises_anything_else() -> None:
    """Pieces of LaTeX in any order are read or refused with a place."""
    from random import Random

    words = ("frac", "top", "left", "|", "log", "det", "mathbf", "operatorname", "mathrm", "lambda", "max", "\\")
    pieces = [*"Ax2+-^_{}()|,dT'=.&[]1/*", *(f"\\{word}" for word in words)]
    rng = Random(5)
    variables = read("A*x", ["A: n×n"]).variables
    for _ in range(3000):
        text = " ".join(rng.choice(pieces) for _ in range(rng.randint(1, 9)))
        try:
            from_latex(text, variables)
        except FrechetError as error:
            assert error.position is None or 0 <= error.position <= len(text)
