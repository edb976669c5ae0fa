"""Answers are judged by their values: right ones in any form are called right, and wrong ones by the mistake made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from frechet.expressions.dimension import SCALAR, axes
from frechet.expressions.errors import FrechetError
from frechet.expressions.node import Expr, variables
from frechet.interfaces.answer import answer as derived
from frechet.interfaces.check.checking import Check, check, check_reading
from frechet.notation.reading import Reading, parse, read, read_entry
from frechet.operations.constants import is_zero
from frechet.operations.sums import add
from frechet.operations.transposition import transposed
from frechet.verification.terms import terms
from frechet.verification.verdict import VERDICTS

HERE = Path(__file__).parent
CORPUS = HERE.parent / "corpus"
EVERY = 10  # of the corpus, without --sweep
STEP = {"double": "factor", "sign": "sign", "dropped": "missing-term"}


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (HERE / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def checked(row: dict[str, Any]) -> Check:
    return _checked(json.dumps(row))


@cache
def _checked(line: str) -> Check:
    row = json.loads(line)
    return check(
        row["formula"], row["variable"], row["answer"], declare=row.get("declare", ()), form=row.get("form"),
        order=row.get("order", 1),
    )  # fmt: skip


WRONG, RIGHT = rows("wrong_answers"), rows("right_answers")


def told(row: dict[str, Any]) -> str:
    return f"{row['formula']}|{row['answer']}"


def test_the_tables_are_large_and_have_every_verdict() -> None:
    assert len(WRONG) >= 120
    assert sum(row["verdict"] in ("right", "other-layout") for row in RIGHT) >= 120
    assert {row["verdict"] for row in (*WRONG, *RIGHT)} == set(VERDICTS)


@pytest.mark.parametrize("row", WRONG, ids=told)
def test_mistakes_are_named(row: dict[str, Any]) -> None:
    found = checked(row)
    assert found.verdict == row["verdict"], found.message
    assert found.message.endswith((".", "?"))


@pytest.mark.parametrize("row", RIGHT, ids=told)
def test_right_answers_are_not_called_wrong(row: dict[str, Any]) -> None:
    found = checked(row)
    assert found.verdict == row["verdict"], found.message


@pytest.mark.parametrize("row", WRONG, ids=told)
def test_examples_are_true(row: dict[str, Any]) -> None:
    """What an example says of the answer and the derivative is what they are there, and they differ."""
    found = checked(row)
    example = found.example
    if example is None:
        complex_ = any("complex" in d for d in row.get("declare", ()))
        assert complex_ or found.verdict in ("right", "other-layout", "shape")
        return
    values = {k: v for k, v in example.items() if k not in ("derivative", "answer")}
    assert found.answer is not None and found.found.form is not None
    goal = found.expected if found.verdict == "transposed" else found.found.form.expression
    np.testing.assert_allclose(value_at(found, goal, values), example["derivative"], atol=1e-9)
    assert all(np.size(v) <= 9 and np.max(np.abs(v)) <= 2 for v in values.values())
    if example["answer"] is None:
        assert not np.all(np.isfinite(value_at(found, found.answer, values)))
        return
    np.testing.assert_allclose(value_at(found, found.answer, values), example["answer"], atol=1e-9)
    assert np.max(np.abs(example["derivative"] - example["answer"])) > 1e-6


def value_at(found: Check, e: Expr, values: dict[str, Any]) -> Any:
    sizes = {}
    for v in variables(found.found.question.function):
        sizes |= {str(d): k for d, k in zip(axes(v.shape), np.shape(values[v.params[0]]), strict=True)}
    with np.errstate(all="ignore"):
        return e.evaluate({**values, **sizes})


@pytest.mark.parametrize("row", [r for r in WRONG if r["verdict"] not in ("shape", "elementwise-for-matrix")], ids=told)
def test_the_corrected_answer_is_right(row: dict[str, Any]) -> None:
    found = checked(row)
    if found.corrected is not None:
        assert checked({**row, "answer": found.corrected}).verdict in ("right", "other-layout", "transposed")


def entries() -> Iterator[tuple[dict[str, Any], Reading]]:
    for name in ("corpus", "more"):
        for line in (CORPUS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            yield entry, read_entry(entry["expr"], entry["vars"], entry["dims"], entry["wrt"])


def verdict_of(entry: dict[str, Any], reading: Reading, given: str | Expr) -> Check:
    declared = [f"{name}: {said['function']}" for name, said in entry["vars"].items() if "function" in said]
    return check_reading(
        reading, entry["wrt"], given, declared, entry["expr"], entry.get("form"), entry.get("order", 1), False,
        entry.get("complex_convention"),
    )  # fmt: skip


def judge_corpus(first: int, step: int) -> list[str]:
    """What is wrong with the verdicts on the answers of the corpus, and on answers that mistakes make of them."""
    wrong = []
    for i, (entry, reading) in enumerate(entries()):
        if i % step != first:
            continue
        if entry.get("expect") and not verdict_of(entry, reading, entry["expect"]):
            wrong.append(f"{entry['id']}: {entry['expect']}")
        for mistake, given in mistaken(entry, reading):
            found = verdict_of(entry, reading, given)
            # What is left of 1 - tanh(x).^2 without its second term is a derivative of tanh that was left out.
            if found.verdict != STEP[mistake] and found.rule != "link":
                wrong.append(f"{entry['id']}: {mistake}, {given}: {found.verdict}")
    return wrong


def mistaken(entry: dict[str, Any], reading: Reading) -> Iterator[tuple[str, Expr]]:
    variable = reading.variables[entry["wrt"]]
    convention = entry.get("complex_convention")
    options = {"form": entry.get("form"), "order": entry.get("order", 1), "convention": convention}
    right = derived(reading.expression, variable, check=False, **options).expression
    if is_zero(right) or len(right.shape) > 2:
        return
    yield "double", add([(2, right)])
    yield "sign", add([(-1, right)])
    parts = terms(right)
    if 1 < len(parts) <= 8:
        yield "dropped", add([(1, t) for t in parts[1:]])


def test_the_corpus_is_right_and_mistakes_in_it_are_found() -> None:
    assert judge_corpus(0, EVERY) == []


@pytest.mark.sweep
@pytest.mark.parametrize("first", range(1, EVERY))
def test_sweep(first: int) -> None:
    assert judge_corpus(first, EVERY) == []


def test_transposed_gradients_of_the_corpus() -> None:
    for i, (entry, reading) in enumerate(entries()):
        if i % EVERY or reading.expression.shape != SCALAR or not reading.variables[entry["wrt"]].real:
            continue
        found = derived(reading.expression, reading.variables[entry["wrt"]], check=False)
        turned = transposed(found.expression)
        if turned.shape == SCALAR or len(turned.shape) > 2:
            continue
        verdict = check_reading(reading, entry["wrt"], turned, (), entry["expr"], check=False).verdict
        square = turned.shape == found.expression.shape
        assert verdict in (("right", "transposed", "sign") if square else ("other-layout",)), entry["id"]


@pytest.mark.parametrize(
    ("formula", "variable", "given", "factor"),
    [
        ("norm2(A*x-b)^2", "x", "A'*(A*x-b)", 0.5),
        ("mean(x.^2)", "x", "2*x", "n"),
        ("c*x'*x", "x", "2*x", "1/c"),
        ("norm2(x)", "x", "x", "norm2(x)"),
        ("det(X)", "X", "inv(X)'", "1/det(X)"),
        ("x'*A*x", "x", "-3*(A+A')*x", -3.0),
    ],
)
def test_factors_are_answer_over_derivative(formula: str, variable: str, given: str, factor: object) -> None:
    assert check(formula, variable, given).factor == factor


@pytest.mark.parametrize(
    ("given", "position", "message"),
    [
        ("2*A*x)", 5, "closes nothing"),
        ("2*B*x", 2, "your answer uses B"),
        ("2*A*X", 4, "did you mean x"),
        (r"\frac{A x}{2", 12, "missing"),
        (r"\mathbf{A} \foo x", 11, "not read here"),
        ("∇g = 2*A*x + q", 13, "your answer uses q"),
        (r"2\mathbf{A}^\top x + 2y", 22, "your answer uses y"),
    ],
)
def test_answers_that_do_not_read_are_pointed_at(given: str, position: int, message: str) -> None:
    found = check("x'*A*x", "x", given)
    error = found.found.misfit
    assert found.verdict == "wrong" and found.unread and error is not None
    assert error.text == given
    assert error.position == position
    assert message in error.message and error.message[1:] in found.message
    assert found.message.startswith("Wrong. Your answer") and "∇g = (A + Aᵀ) x" in found.message
    _, carets = str(found).split("\n\n")[0].split("\n")
    assert carets.index("^") == position


def test_shapes_that_do_not_fit_are_a_verdict() -> None:
    found = check("norm2(A*x-b)^2", "x", "2*A*(A*x-b)")
    assert found.verdict == "shape"
    assert found.corrected == "2*A'*(A*x-b)"
    assert found.found.misfit is not None and "inner dimensions" in found.found.misfit.message


@pytest.mark.parametrize(
    ("formula", "given", "declared", "condition"),
    [
        ("sum(relu(A*x))", "A'*ones(m)", "A: m×n", "the entries of A*x positive"),
        ("abs(a'*x)", "a", "a: n", "x'*a positive"),
        ("max(c,0)", "1", "c: scalar", "c positive"),
    ],
)
def test_where_relu_and_abs_were_left_out_is_said(formula: str, given: str, declared: str, condition: str) -> None:
    found = check(formula, "c" if formula == "max(c,0)" else "x", given, declare=[declared])
    assert (found.verdict, found.condition) == ("conditional", condition)
    assert condition.replace(" positive", "") in found.message and " positive." in found.message


@pytest.mark.parametrize(
    ("formula", "given"), [("sum(relu(x))", "ones(n)"), ("abs(a*b)", "b"), ("norm1(A*x)", "2*A'*sign(A*x)")]
)
def test_examples_are_where_there_is_a_derivative(formula: str, given: str) -> None:
    name = "a" if formula == "abs(a*b)" else "x"
    example = check(formula, name, given, declare=["x: n"] if name == "x" else ()).example
    assert example is not None
    inner = example["a"] * example["b"] if name == "a" else example["A"] @ example["x"] if "A" in example else example["x"]
    assert np.all(inner != 0)


@pytest.mark.parametrize("given", ["(A + A.T) @ x", "(transpose(A) + A)*x", "x.T @ (A.T + A)", "transpose(A*x + (A)'*x)"])
def test_transposes_and_powers_as_arrays_have_them(given: str) -> None:
    assert check("x'*A*x", "x", given)
    assert check("tr(X**3)".replace("**", "^"), "X", "3*X.T**2")


def test_a_wrong_exponent_is_no_condition() -> None:
    assert check("tr(X^4)", "X", "4*X'^4").verdict == "wrong"


def test_names_mean_what_they_mean_in_the_function() -> None:
    assert check("h = tanh(W*x)\nnorm2(h-y)^2", "W", "2*((h-y).*(1.-h.^2))*x'", declare=["h: m"][:0])
    assert check("sum(f(A*x))", "x", "A'*f_prime(A*x)", declare=["f: elementwise"])
    assert check("norm2(A*x-b)^2", "x", "r = A*x-b\n2*A'*r")
    assert check("x'*x/n", "x", "2*x/n", declare=["x: n"])


def test_formulas_are_compared() -> None:
    assert check("tr(A*B)", equals="tr(B*A)")
    assert check("inv(A*B)", equals="inv(B)*inv(A)")
    assert check("inv(A*B)", equals="inv(A)*inv(B)").rule == "order"
    assert check("norm2(x)^2", equals="2*x'*x").factor == 2.0
    assert check("A*B", equals="(A*B)'", declare=["A: n×n", "B: n×n"]).verdict == "transposed"
    assert check("logdet(A*B)", equals="logdet(A) + logdet(B)", declare=["A: n×n spd", "B: n×n spd"])
    assert check("x'*A*x", equals="tr(A*x*x')").verdict == "right"
    assert check("expm(A+B)", equals="expm(A)*expm(B)").condition == "A and B commute"
    assert check("kron(A,B)*vec(X)", equals="vec(B*X*A')")


def test_expressions_are_checked_too() -> None:
    read_back = read("x'*A*x", wrt="x")
    A, x = read_back.variables["A"], read_back.variables["x"]
    found = check(read_back.expression, x, 2 * (A @ x))
    assert (found.verdict, found.condition) == ("missing-symmetrization", "A symmetric")
    assert check(read_back.expression, "x", "(A+A')*x")
    assert check(parse("tr(A*B)"), equals="tr(B*A)")
    assert "Right only if A is symmetric." in str(found)
    assert found.document().blocks
    with pytest.raises(FrechetError):
        check("x'*A*x", "x")


def test_tensors_and_complex_answers() -> None:
    assert check("norm2(T)^2", "T", "2*T", declare=["T: n×m×k"])
    found = check("norm2(T)^2", "T", "T", declare=["T: n×m×k"])
    assert found.factor == 0.5 and "Example" in str(found)
    found = check("tr(A*X)", "X", "1i*A'")
    assert found.verdict == "wrong" and found.example is None and str(found)
    X, A = parse("X", {"X": "n×n"}), parse("A", {"A": "n×n"})
    found = check(parse("tr(X)", {"X": X}), X, A)
    assert found.unread and found.message.startswith("Wrong. Your answer uses A, which the function does not have.")


def test_sizes_that_were_not_declared_may_have_any_name() -> None:
    assert check("sum(X*w)", "X", "ones(p)*w'")
    assert check("sum(X)", "X", "ones(a,b)").verdict == "right"
    assert check("sum(X)", "X", "ones(p,q)", declare=["X: m×n"]).verdict == "shape"
    assert check("A*X*B", "X", "kron(B',I)*kron(I,A)")


def test_declared_structure_is_respected() -> None:
    assert check("x'*A*x", "x", "2*A*x", declare=["A: n×n symmetric"])
    assert check("logdet(S)", "S", "inv(S)", declare=["S: n×n spd"])
    assert check("norm2(Q*x)^2", "x", "2*x", declare=["Q: n×n orthogonal"])
    assert check("norm1(x)", "x", "ones(n)", declare=["x: n positive"])
    found = check("logdet(S)", "S", "2*inv(S)", declare=["S: n×n spd"])
    assert found.example is not None
    s = found.example["S"]
    assert np.all(np.linalg.eigvalsh(np.atleast_2d(s)) > 0)
