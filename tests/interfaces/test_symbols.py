"""Nothing on a page is unexplained, nothing is explained that is not there, and no letter of the formula is used for it."""

from __future__ import annotations

import re

import pytest

import frechet.operations  # noqa: F401 (fills the registry)
from frechet.differentiation.derivative import Derivative
from frechet.expressions.dimension import SCALAR
from frechet.expressions.errors import FrechetError
from frechet.expressions.node import Expr
from frechet.expressions.operation import Operation, all_operations
from frechet.interfaces.document import Content, Details, Entry, Math, Paragraph, Step, Steps, Table
from frechet.interfaces.steps.symbols import SCHOOL, WRITTEN_AS_SIGNS, explanation, free_letters, symbols_used
from frechet.notation.reading import read
from frechet.operations.declared_functions import symbols

DECLARED = {"spd": ("S: spd",)}
CALL = re.compile(r"(?<![\w′∇²])([A-Za-z][A-Za-z0-9]+)\(")
SIGNS = "⊙⊘⊗⁺ᵀᴴ‖σ𝟏δΣ"


def written(items: list[Content], notation: str = "unicode") -> str:
    return "; ".join("".join(p.write(notation) if isinstance(p, Math) else p for p in item) for item in items)


def derivative(text: str, wrt: str, *declared: str) -> Derivative:
    r = read(text, declared, wrt=wrt)
    return Derivative(r.expression, r.variables[wrt])


def heads(items: list[Content]) -> list[str]:
    return [written([item[:1]]) for item in items]


def test_every_operation_is_known_from_school_or_has_a_sentence() -> None:
    for op in all_operations():
        found = explanation(op)
        if found is None:
            assert op.name in SCHOOL or op.name in WRITTEN_AS_SIGNS or op.name.startswith("declared_"), op.name
            continue
        sign, words = found
        assert sign and len(words) > 8, op.name
        assert words != f"{op.name} of every entry", op.name
        assert len(words) <= 120, (op.name, words)


def test_an_operation_without_a_summary_would_be_noticed() -> None:
    class Silent(Operation):
        name = "silent"

    found = explanation(Silent())
    assert found is not None and not found[1]


def answers(op: Operation) -> list[tuple[Derivative, list[Expr]]]:
    """The examples of an operation, each with its derivative by one of the variables."""
    found = []
    for example in op.examples[:3]:
        r = read(example, op.declarations or DECLARED.get(op.domain, ()))
        for x in r.variables.values():
            d = Derivative(r.expression, x)
            try:
                shown = d.gradient if r.expression.shape == SCALAR else d.differential
            except FrechetError:
                continue
            found.append((d, [r.expression, shown]))
            break
    return found


@pytest.mark.parametrize("part", range(3))
def test_every_name_and_sign_that_is_written_is_explained(part: int) -> None:
    for op in all_operations()[part::3]:
        for d, shown in answers(op):
            told = written(symbols_used(shown, d))
            text = " ".join(Math("{0}", e).write("unicode") for e in shown)
            declared = {*symbols(*shown), "conj"}
            for name in set(CALL.findall(text)) - SCHOOL - declared:
                assert re.search(rf"\b{name}\b", told), (op.name, name, text, told)
            for sign in SIGNS:
                assert sign not in text or sign in told, (op.name, sign, text)


@pytest.mark.parametrize("inner", ["trace", "colon", "inner", "index", "vec"])
def test_inner_products_are_explained_as_they_are_written(inner: str) -> None:
    d = derivative("tr(A*X*B)", "X")
    told = heads(symbols_used([d.function], d, inner))
    assert ("⟨U, V⟩" in told) == (inner in ("trace", "inner"))
    assert ("U : V" in told) == (inner == "colon")
    assert ("[U]ᵢⱼ" in told) == (inner == "index")


def test_only_what_is_there_is_explained() -> None:
    d = derivative("sum(x./y)", "x")
    told = written(symbols_used([d.function], d))
    assert "⊘" in told and "⊙" not in told
    d = derivative("tr(X*log(X))", "X")
    assert "log acts entry by entry, unlike" in written(symbols_used([d.function], d))
    d = derivative("c*log(c)", "c")
    assert "log" not in written(symbols_used([d.function, d.differential], d))
    assert "⟨" not in written(symbols_used([d.function, d.differential], d))


def test_each_is_explained_once() -> None:
    for op in all_operations():
        for d, shown in answers(op)[:1]:
            (letter,) = free_letters(d, "g")
            told = heads(symbols_used(shown, d, letter=letter))
            assert len(told) == len(set(told)), told


@pytest.mark.parametrize("letters", ["UVX", "UVEX", "UVEHZX"])
def test_letters_of_the_formula_stand_for_nothing_else(letters: str) -> None:
    formula = "*".join(letters[:-1]) + f"*{letters[-1]}'*X"
    d = derivative(f"tr({formula})", "X", *(f"{c}: n×n" for c in letters))
    free = free_letters(d, "UV")
    assert len(set(free)) == 2 and not set(free) & set(letters)
    for head in heads(symbols_used([d.function, d.gradient], d)):
        if not head.startswith(("dX", "∇", "D")):
            assert not set(re.findall(r"\b[A-Z]\b", head)) & set(letters), head


def test_blocks_are_searched_wherever_formulas_stand() -> None:
    d = derivative("tr(A*X)", "X")
    product = read("a.^3+kron(A,B)*x", ["a: n*m", "A: n×k", "B: m×k", "x: k*k"]).expression
    blocks = [
        Paragraph([Math("vec({0})", d.variable)]),
        Entry("", ["words"], [Math("δᵢⱼ")]),
        Steps([Step(None, Math("a ⊙ b"), why=[Math("Σᵢ")])]),
        Table(["a"], [[[Math("a ∘ b")]]]),
        Details("", [Paragraph([Math("{0}", Math("{0}", product))])]),
    ]
    told = written(symbols_used(blocks, d))
    for sign in ("vec", "δᵢⱼ", "⊙", "Σ", "∘", ".^", "⊗"):
        assert sign in told
    assert "∇" not in told and "⟨" not in told and "Dg" not in told
    assert "∇f the gradient" in written(symbols_used([Paragraph([Math("∇f")])], d, letter="f"))


def test_signs_are_written_as_the_notation_writes_them() -> None:
    d = derivative("sum(sigmoid(x))+norm2(x)", "x")
    told = written(symbols_used([d.function], d), "text")
    assert "sigmoid" in told and "norm2(U)" in told and "σ" not in told and "‖" not in told


def test_in_latex_and_text() -> None:
    d = derivative("sum(softplus(x))+det(X)", "x")
    assert r"\operatorname{softplus}" in written(symbols_used([d.function], d), "latex")
    d = derivative("sum(f(A*x))", "x", "f: elementwise")
    told = written(symbols_used([d.function, d.gradient], d))
    assert "f applied to every entry" in told and "f′ its derivative" in told
    assert "f_prime its derivative" in written(symbols_used([d.gradient], d), "text")
