"""Linearizations as pages: all written forms are one number, the sizes said are the right ones, slopes are 1 and 2."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from frechet.expressions.errors import FrechetError
from frechet.interfaces.document import Document
from frechet.interfaces.linearize.base_point import read_at
from frechet.interfaces.linearize.maps import sides
from frechet.interfaces.linearize.page import document
from frechet.interfaces.rendering import MODULES, render
from frechet.notation.reading import read, read_entry

CORPUS = Path(__file__).parent.parent / "corpus"
FORMATS = [f for f, module in MODULES.items() if find_spec(f"frechet.interfaces.rendering.{module}")]


def page(text: str, wrt: str, *declared: str, at: str | None = None, why: bool = True) -> Document:
    reading = read(text, declared, wrt=wrt)
    point = None
    if at is not None:
        reading, point = read_at(at, text, declared, wrt, reading)
    return document(reading, wrt, point, text=at, why=why, check=False)


def words(found: Document) -> str:
    """The page in one line, however it is broken."""
    return " ".join(render(found, "terminal").split())


def agree(values: dict[str, Any]) -> bool:
    numbers = [v if not isinstance(v, str) else complex(v.replace("i", "j").replace("+j", "+1j")) for v in values.values()]
    return all(np.isclose(v, numbers[0], rtol=1e-9, atol=1e-9) for v in numbers)


# Where the value is constantly 0 but for rounding nothing can be fitted.
@pytest.mark.parametrize("part", range(6))
def test_every_corpus_entry_is_explained(part: int) -> None:
    entries, more = ((CORPUS / f"{name}.jsonl").read_text("utf-8").splitlines() for name in ("corpus", "more"))
    for entry in map(json.loads, [*entries, *more[::4]][part::6]):
        reading = read_entry(entry["expr"], entry["vars"], entry["dims"], entry["wrt"])
        found = document(reading, entry["wrt"], why=True, check=False)
        text = render(found, "terminal")
        assert "nan" not in text.split(), entry["expr"]
        instance: Any = found.data["instance"]
        forms = instance.get("forms", {})
        if forms:
            assert agree(forms), (entry["expr"], forms)
            x = reading.variables[entry["wrt"]]
            assert ("trace" in forms) == (x.kind == "matrix")
        remainder: Any = found.data["remainder"]
        first, second = remainder["slopes"]
        assert first is None or first > 0.95, entry["expr"]
        assert second is None or second > 1.85, entry["expr"]


@pytest.mark.parametrize("seed", range(12))
def test_the_sizes_that_are_said_are_right(seed: int) -> None:
    rng = Random(seed)
    p, q, r = rng.sample(["n", "m", "k", "l", "p", "q", "N", "2", "3", "rows", "n+1"], 3)
    terms = ["tr(A*X*B)", "norm2(A*X-C)^2", "a'*X*b", "sum(exp(X))", "tr(X'*X)", "norm2(X*b)", "logsumexp(X*b)"]
    text = " + ".join(f"{rng.randint(2, 5)}*{term}" for term in rng.sample(terms, 3))
    declared = [f"X: {p}×{q}", f"A: {r}×{p}", f"B: {q}×{r}", f"C: {r}×{q}", f"a: {p}", f"b: {q}"]
    used = [d for d in declared if d[0] in text.replace("exp", "").replace("sum", "").replace("log", "").replace("tr", "")]
    found = page(text, "X", *used)
    said = words(found)
    left, right = (f"({s})" if "+" in s else s for s in (p, q))
    assert f"∂g/∂X is {right}×{left} and X − X₀ is {left}×{right}, so" in said
    assert f"(∂g/∂X)(X − X₀) is {right}×{right}: not a number" in said
    assert f"exactly one {left}×{right} matrix G" in said
    instance: Any = found.data["instance"]
    assert agree(instance["forms"])
    gradient, step = (np.array(instance[name]) for name in ("gradient", "step"))
    product = gradient.T @ step
    assert product.shape[0] == product.shape[1] == step.shape[1]
    assert np.isclose(np.trace(product), instance["forms"]["trace"])
    assert "add up to" not in said or not np.isclose(np.sum(product), np.trace(product))


def test_each_kind_of_function_has_its_own_reason() -> None:
    def said(text: str, wrt: str, *declared: str) -> str:
        return words(page(text, wrt, *declared))

    assert "For a vector (q = 1) the product is 1×1 already" in said("tr(A*X*B)", "X")
    assert "a 1×1 matrix is its own trace" in said("x'*A*x", "x")
    assert "and so is their product" in said("t^2", "t", "t: scalar")
    assert "one partial derivative for each entry" in said('sum(einsum("ijk,k->ij",T,x))', "T")
    assert "matrix times the step: column j" in said("A*x", "x")
    assert "an array with 4 indices, r×s×p×q" in said("A*X*B", "X")
    assert "multiplied from both sides" in said("A*X*B", "X")
    assert "The derivative is such a map." in said("A*X", "X")
    assert "from the right instead" in said("X*B", "X")
    assert "not of the form I ⊗ M" in said("X^2", "X")
    assert "an array of the shape of f" in said("t^2*x", "t", "t: scalar")
    assert "adding to G a skew-symmetric matrix changes no value" in said("logdet(S)", "S", "S: n×n spd")
    assert "adding to G a vector of equal entries" in said("y'*log(p)", "p", "p: n simplex")
    assert "a tangent step V is n×n" in said("tr(A*Q)", "Q", "Q: n×n orthogonal")
    assert "contributes Re tr((∇g)ᴴ(Z − Z₀))" in said("re(tr(A*Z))", "Z", "Z: n×m complex")
    assert "its real and its imaginary part" in said("tr(Z*X)", "X", "Z: n×m complex", "X: m×n")
    assert "not holomorphic" in said("tr(Z*conj(Z)*A)", "Z", "Z: n×n complex")
    assert "f(t) = t² + t stands for the declared f" in said("sum(f(X*w))", "X", "f: elementwise")
    assert "stands for no particular one" in said("g(x)", "x", "g: n → 1")
    assert "is the zero map" in said("tr(A*X) - tr(A*X) + c", "X")


def test_letters_of_the_explanation_are_no_variables_of_the_formula() -> None:
    said = words(page("tr(G*V*L*E)", "V"))
    assert "exactly one" in said and "matrix H:" in said and "⟨H, ·⟩ = Σᵢⱼ hᵢⱼ" in said


@pytest.mark.parametrize(
    ("text", "left", "right"),
    [("A*X*B", 1, 1), ("2*A*B*X", 1, 0), ("X", 0, 0), ("-X*B", 0, 1), ("A*X*B*X", None, None), ("A*X'*B", None, None)],
)
def test_what_stands_on_the_sides_of_the_step(text: str, left: int | None, right: int | None) -> None:
    x = read(text, ["X: n×n"]).variables["X"]
    found = sides(read(text, ["X: n×n"]).expression, x)
    if left is None:
        assert found is None
    else:
        assert found is not None and (bool(found[0]), bool(found[1])) == (bool(left), bool(right))


def test_the_short_page_says_where_it_holds() -> None:
    assert "everywhere: g is affine in X" in words(page("tr(A*X*B)", "X", why=False))
    said = words(page("logdet(X)", "X", why=False))
    assert "near X₀, up to second order" in said and "det X > 0" in said
    assert "det X > 0" not in words(page("logdet(X)", "X", at="[2 1; 1 1]", why=False))
    assert "∇g([2, 1; 1, 1]) = [1 −1; −1 2]" in words(page("logdet(X)", "X", at="[2 1; 1 1]", why=False))


def test_a_step_that_is_added_as_it_is_stands_in_parentheses() -> None:
    assert "x₀ + (x − x₀)" in words(page("x", "x", why=False))
    assert "b + x₀ + (x − x₀)" in words(page("x + b", "x", "b: n", why=False))
    assert "2x₀ + 2(x − x₀)" in words(page("2*x", "x", why=False))


def test_points_that_are_given_are_named_in_the_explanation() -> None:
    said = words(page("inv(X)", "X", at="eye(n)"))
    assert "Here X₀ = I." in said and "with a multiple of the identity" in said
    assert "g(Z)" in words(page("tr(A*X*B)", "X", at="Z"))


def test_a_point_named_as_the_differential_is_no_differential() -> None:
    found = page("norm2(X)^2", "X", at="dX")
    instance: Any = found.data["instance"]
    assert agree(instance["forms"]) and not np.allclose(instance["point"], instance["step"])
    assert np.isclose(instance["forms"]["trace"], 2 * np.sum(np.array(instance["point"]) * np.array(instance["step"])))


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_can_be_written(format: Any) -> None:
    for arguments in (("tr(A*X*B)", "X"), ("x'*A*x", "x"), ("inv(X)", "X"), ("norm2(A*z-b)^2", "z", "z: n complex")):
        written = render(page(*arguments), format)
        assert written.strip()
        if format == "text":
            assert "ℓ" not in written and "∇" not in written and "₀" not in written


def test_the_data_is_json() -> None:
    for arguments in (
        ("tr(A*X*B)", "X"),
        ("norm2(A*z-b)^2", "z", "z: n complex"),
        ("A*X*B", "X"),
        ("g(x)", "x", "g: n → 1"),
    ):
        again = json.loads(json.dumps(page(*arguments).data))
        assert again["ok"] and again["text"].startswith(("g(", "F(", "f("))


def test_a_formula_that_cannot_be_linearized_is_refused() -> None:
    with pytest.raises(FrechetError):
        page("tr(A*X)", "Y")
