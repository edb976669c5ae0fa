"""The numbers section: the derivative is not 0, the differences agree with it, what it shows is the same in every run."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from frechet.differentiation.derivative import Derivative
from frechet.expressions.dimension import SCALAR
from frechet.expressions.errors import FrechetError
from frechet.interfaces.document import Block, Document, Entry, Math
from frechet.interfaces.rendering import render
from frechet.interfaces.steps.numbers import Worked, directions, hessian_in_numbers, in_numbers
from frechet.notation.reading import read, read_entry
from frechet.operations.constants import is_zero
from frechet.verification.manifolds import tangent

CORPUS = Path(__file__).parent.parent / "corpus" / "corpus.jsonl"
QUESTIONS = Path(__file__).parent.parent / "derivation" / "questions.jsonl"
ASKED = [json.loads(line) for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]


def derivative(text: str, wrt: str, *declared: str) -> Derivative:
    r = read(text, declared, wrt=wrt)
    return Derivative(r.expression, r.variables[wrt])


def page(d: Derivative, inner: str = "trace", format: str = "terminal") -> str:
    return render(Document("", list(in_numbers(d, "g", d.variable.params[0], inner))), format)


def entry(blocks: list[Block], label: str) -> Entry:
    return next(b for b in blocks if isinstance(b, Entry) and b.label == label)


@pytest.mark.parametrize("part", range(4))
def test_derivatives_of_the_corpus_are_not_0_at_the_numbers_and_agree_with_differences(part: int) -> None:
    for line in CORPUS.read_text(encoding="utf-8").splitlines()[part::6]:
        e = json.loads(line)
        r = read_entry(e["expr"], e["vars"], e["dims"], e["wrt"])
        d = Derivative(r.expression, r.variables[e["wrt"]])
        worked = Worked.of(d)
        if worked is None:
            continue
        constant = is_zero(d.raw_differential)
        assert (np.max(np.abs(worked.image)) > 1e-3) != constant, e["expr"]
        x, here = d.variable, worked.found.values
        assert np.allclose(tangent(x, here, worked.v), worked.v, atol=1e-9), e["expr"]
        assert np.allclose(worked.quotient(), worked.image, rtol=1e-3, atol=1e-4), e["expr"]


@pytest.mark.parametrize("question", ASKED, ids=lambda q: q["id"])
def test_the_standard_questions_have_readable_numbers(question: dict[str, object]) -> None:
    d = derivative(str(question["formula"]), str(question["wrt"]), *question["declare"])  # type: ignore[misc]
    worked = Worked.of(d)
    assert worked is not None
    assert np.max(np.abs(worked.image)) > 0.05
    entries = np.abs(np.ravel(worked.exact))
    assert np.max(entries) < 1000 and np.min(entries[entries > 0]) > 1e-3
    assert len(set(worked.found.sizes.values())) == len(worked.found.sizes)
    assert "·10" not in page(d)


@pytest.mark.parametrize(
    ("text", "wrt", "declared"),
    [
        ("tr(A*X*B)", "X", []),
        ("norm2(tanh(W*h + U*x + b) - y)^2/2", "W", ["b: m", "h: m"]),
        ("sum(f(A*x))", "x", ["f: elementwise"]),
    ],
)
def test_ordinary_formulas_take_less_than_half_a_second(text: str, wrt: str, declared: list[str]) -> None:
    d = derivative(text, wrt, *declared)
    assert d.gradient is not None and d.raw_differential is not None
    start = time.process_time()
    page(d)
    assert time.process_time() - start < 0.5


@pytest.mark.parametrize("text", ["tr(X*logm(X))", "tr(expm(X))", "tr(sqrtm(X))", "tr(A*logm(X))"])
def test_matrix_functions_take_less_than_a_second_and_a_half(text: str) -> None:
    d = derivative(text, "X", "X: n×n spd")
    assert d.gradient is not None
    start = time.process_time()
    assert "tested" in page(d)
    assert time.process_time() - start < 1.5


@pytest.mark.parametrize(
    ("text", "wrt"), [("sum(f(A*x))", "x"), ("f(W*x)", "W"), ("f(x)", "x"), ("sum(f(x).*f(x))", "x"), ("f(c)", "c")]
)
def test_declared_functions_have_derivatives_in_numbers(text: str, wrt: str) -> None:
    d = derivative(text, wrt, "f: elementwise")
    shown = page(d)
    assert "f(t) = " in shown and "tested" in shown


def test_a_declared_function_may_be_named_as_the_letter_of_its_argument() -> None:
    shown = page(derivative("sum(f(t*x))", "x", "f: elementwise", "t: scalar"))
    assert "f(t) =" not in shown and re.search(r"f\(\w+\) = ", shown)


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ("Q: n×n orthogonal", "the orthogonal matrices"),
        ("Q: n×m orthogonal", "the matrices with orthonormal columns"),
        ("Q: n×n sphere", "the unit sphere"),
        ("Q: n×m rank r", "the matrices of rank 1"),
    ],
)
def test_differences_on_manifolds_are_between_points_of_them(declared: str, words: str) -> None:
    shown = " ".join(page(derivative("tr(A*Q)+norm2(B*Q-C)^2", "Q", declared)).split())
    assert "(g(Q₊) − g(Q₋))/2h" in shown and f"brought back to {words}" in shown
    assert "g(Q + hV)" not in shown
    assert "brought back" not in page(derivative("tr(A*Q)", "Q", "Q: n×n symmetric"))


@pytest.mark.parametrize(
    ("inner", "product"),
    [
        ("trace", "⟨∇g, V⟩"),
        ("inner", "⟨∇g, V⟩"),
        ("colon", "∇g : V"),
        ("vec", "vec(∇g)ᵀ vec(V)"),
        ("index", "Σᵢⱼ [∇g]ᵢⱼ [V]ᵢⱼ"),
    ],
)
def test_the_inner_product_is_written_as_on_the_page(inner: str, product: str) -> None:
    assert f"{product} = " in page(derivative("tr(A*X)", "X"), inner)


def test_letters_of_the_formula_are_no_directions() -> None:
    d = derivative("tr(U*V*E)", "V", "U: n×n", "V: n×n", "E: n×n")
    blocks = list(in_numbers(d, "g", "V"))
    along = entry(blocks, "tested").content[1]
    assert isinstance(along, Math) and not along.write("unicode").startswith(("V", "U", "E"))


def test_arrays_are_typed_in_a_terminal_and_set_in_latex() -> None:
    d = derivative("tr(A*X)", "X")
    assert re.search(r"A = \[[^\]]*;[^\]]*\]", page(d)) and re.search(r"A = \[[^\]]*;[^\]]*\]", page(d, format="text"))
    assert page(d, format="text").isascii()
    for format in ("latex", "markdown"):
        assert r"A = \begin{bmatrix}" in page(d, format=format)
    assert "<mtable" in page(d, format="html")


def test_sizes_come_first_and_the_step_is_not_broken() -> None:
    d = derivative("norm2(A*X-B)^2", "X")
    words = entry(list(in_numbers(d, "g", "X")), "for").content
    texts = [w.write("unicode") for w in words if isinstance(w, Math)]
    arrays = ["[" in t for t in texts]
    assert arrays == sorted(arrays) and any(arrays) and not all(arrays)
    for width in range(60, 121, 7):
        shown = render(Document("", list(in_numbers(d, "g", "X"))), "terminal", width=width)
        assert "h = 0.0001" in shown


@pytest.mark.parametrize(
    ("text", "wrt", "declared"),
    [
        ("norm2(X*w-y)^2", "w", []),
        ("logsumexp(x)", "x", []),
        ("logdet(X)", "X", []),
        ("tr(X*A*X)", "X", ["X: n×n symmetric"]),
    ],
)
def test_hessians_are_compared_with_differences_of_gradients(text: str, wrt: str, declared: list[str]) -> None:
    d = derivative(text, wrt, *declared)
    blocks = list(hessian_in_numbers(d, d.hessian, "g", wrt))
    parts = [p for b in blocks[1:] if isinstance(b, Entry) for p in b.content if isinstance(p, Math)]
    acts, change = (p for p in parts if "∇" in p.write("unicode"))
    left, right = (m.write("text").partition(" = ") for m in (acts, change))
    assert "hess g" in left[0] and "grad g(" in right[0]
    values = [[float(v) for v in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", side[2])] for side in (left, right)]
    assert len(values[0]) == len(values[1]) > 0 and np.allclose(*values, rtol=2e-3, atol=1e-3)


def test_a_map_has_no_hessian_lines() -> None:
    d = derivative("A*x", "x")
    assert not list(hessian_in_numbers(d, d.function, "g", "x"))


@pytest.mark.parametrize("words", ["symmetric", "skew", "diagonal", "lower", "toeplitz", "hermitian", "spd", "centered"])
def test_directions_lie_in_the_space_and_are_whole(words: str) -> None:
    vector = words == "centered"
    d = derivative("a'*x" if vector else "tr(A*X)", "x" if vector else "X", "x: n centered" if vector else f"X: n×n {words}")
    worked = Worked.of(d)
    assert worked is not None
    for v in directions(d.variable, worked.found):
        assert np.array_equal(v, np.round(v)) and np.any(v)
        assert np.allclose(tangent(d.variable, worked.found.values, v), v)


def test_a_wrong_answer_gives_another_number() -> None:
    for text, wrt in (("norm2(A*X-B)^2", "X"), ("x'*A*x", "x"), ("sum(tanh(A*x))", "x")):
        found = re.search(r"gives (\S+) along V, not (\S+):", " ".join(page(derivative(text, wrt)).split()))
        assert found is not None and found[1] != found[2]


def test_the_same_under_every_hash_seed(printed_alike: Callable[[str], str]) -> None:
    program = (
        "from frechet.differentiation.derivative import Derivative\nfrom frechet.interfaces.document import Document\n"
        "from frechet.interfaces.steps.numbers import in_numbers\nfrom frechet.notation.reading import read\n"
        "for text, wrt, declared in [('norm2(tanh(A*X)-B)^2','X',[]),('-y\\'*log(softmax(W*x))','W',[]),"
        "('sum(softplus(y.*(X*w)))','w',['y: n']),('tr(A*logm(S))','S',['S: n×n spd'])]:\n"
        "    r = read(text, declared, wrt=wrt)\n"
        "    print(Document('', list(in_numbers(Derivative(r.expression, r.variables[wrt]), 'g', wrt))))\n"
    )
    assert printed_alike(program).count("tested") == 4


def test_what_has_no_instance_has_no_section() -> None:
    assert not list(in_numbers(derivative("g(x)", "x", "g: n → 1"), "f", "x"))
    d = derivative("tr(A*X)", "X")
    assert d.function.shape == SCALAR and list(in_numbers(d, "g", "X"))
    with pytest.raises(FrechetError):
        read("tr(A*X", [])
