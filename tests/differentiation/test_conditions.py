"""Degenerate points: every condition comes with what happens where it fails, and what is said of it is true."""

from __future__ import annotations

import json

import numpy as np
import pytest
from test_registry import EXAMPLES, example

import frechet as fr
from frechet.differentiation.conditions import conditions
from frechet.expressions.node import walk
from frechet.expressions.operation import Operation
from frechet.interfaces.command_line import main


@pytest.mark.parametrize(("page", "text"), EXAMPLES)
def test_every_condition_says_what_happens_elsewhere(page: Operation, text: str) -> None:
    for node in walk(example(page, text), fr.parse(text, list(page.declarations))):
        for words, _ in node.op.conditions(node):
            assert node.op.elsewhere_of(node, words), f"{node.op.name}: {words}"


@pytest.mark.parametrize(("page", "text"), EXAMPLES)
def test_answers_with_conditions_of_operations_say_it_too(page: Operation, text: str) -> None:
    e = fr.parse(text, list(page.declarations))
    scalar = e if e.shape == fr.scalar("c").shape else None
    for x in fr.variables(e).values():
        if scalar is not None:
            try:
                d = fr.derivative(scalar, x)
                found = conditions(scalar, x, d.gradient)
            except fr.UnsupportedError:
                continue
            assert bool(found) == bool(d.elsewhere)
            assert all("{" not in words for words in d.elsewhere)


def elsewhere(text: str, name: str, *declare: str) -> str:
    e = fr.parse(text, list(declare))
    return "; ".join(fr.derivative(e, fr.variables(e)[name]).elsewhere)


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("det(X)", "X", "det(X)*inv(X) is adj(X)"),
        ("tr(A*inv(X))", "X", "where X is singular it has no inverse"),
        ("norm2(x)", "x", "the G with norm2(G) <= 1 are its subgradients"),
        ("norm1(x)", "x", "0 is given"),
        ("sum(abs(x))", "x", "0 is given"),
        ("sum(relu(x))", "x", "the numbers in [0,1] are subgradients of relu, and the formula takes 0 for it"),
        ("sum(sqrt(x))", "x", "infinite slope"),
        ("eigmax(X)", "X", "more than once there is no derivative; the v*v^H"),
        ("eigval(X,2)", "X", "only one from each side"),
        ("tr(A*pinv(X))", "X", "rank of X changes"),
        ("max(x)", "x", "several entries are largest"),
        ("sum(max(x,y))", "x", "two entries tie"),
        ("tr(cholesky(B*B'))", "B", "B*B' is singular the factor has no derivative"),
        ("prod(x)", "x", "the derivative exists"),
        ("normnuc(X)", "X", "polar(X), is given"),
    ],
)
def test_what_is_said_of_degenerate_points(text: str, name: str, said: str) -> None:
    assert said in elsewhere(text, name)
    assert not elsewhere("sum(exp(x))", "x")


def subgradient(text: str, name: str, at: dict[str, np.ndarray], concave: bool = False) -> bool:
    """Is what is given at the point a subgradient: f(x + v) ≥ f(x) + ⟨G, v⟩ for all v?"""
    e = fr.parse(text)
    g = fr.derivative(e, fr.variables(e)[name]).gradient.evaluate(at)
    rng = np.random.default_rng(0)
    for _ in range(50):
        v = rng.normal(size=at[name].shape)
        v = (v + v.T) / 2 if v.ndim == 2 else v
        gap = e.evaluate(at | {name: at[name] + v}) - e.evaluate(at) - np.sum(g * v)
        if (-gap if concave else gap) < -1e-9:
            return False
    return True


def test_the_subgradients_that_are_given_are_subgradients() -> None:
    x = np.array([0.0, 1.0, -2.0])
    assert subgradient("norm1(x)", "x", {"x": x})
    assert subgradient("sum(abs(x))", "x", {"x": x})
    assert subgradient("sum(relu(x))", "x", {"x": x})
    twice = np.diag([1.0, 1.0, 0.0])
    assert subgradient("eigmax(X)", "X", {"X": twice})
    assert subgradient("eigmin(X)", "X", {"X": -twice}, concave=True)
    assert subgradient("normspec(X)", "X", {"X": twice})
    assert subgradient("normnuc(X)", "X", {"X": twice})
    assert subgradient("max(x)", "x", {"x": np.array([1.0, 1.0])})
    assert subgradient("min(x)", "x", {"x": np.array([1.0, 2.0, 1.0])}, concave=True)
    assert subgradient("norminf(x)", "x", {"x": np.array([1.0, -1.0, 0.5])})
    assert subgradient("sum(max(X,[],2))", "X", {"X": np.array([[1.0, 1.0], [3.0, 2.0]])})


@pytest.mark.parametrize(
    ("text", "smooth"),
    [
        ("sum(relu(x).^2)", True),
        ("norm2(relu(x))", True),  # where this is not 0
        ("norm2(relu(x))^3", True),
        ("norm2(x)^2/2 + c*sum(relu(ones(3) - y.*(A*x)).^2)", True),
        ("sum(relu(x))", False),
        ("norm2(relu(x) - y)^2", False),
        ("sum(relu(x).^2) + y'*relu(x)", False),
    ],
)
def test_relu_in_a_power_needs_no_condition_and_any_other_does(text: str, smooth: bool) -> None:
    e = fr.parse(text, ["x: 3", "y: 3", "A: 3×3"])
    d = fr.derivative(e, fr.variables(e)["x"])
    assert any("subgradient" in words for words in d.conditions) != smooth
    at = {"x": np.array([0.0, 1.0, -2.0]), "y": np.array([1.0, 2.0, -0.5]), "c": 3.0, "A": np.diag([1.0, 0.5, -2.0])}
    if "A*x" in text:
        at["x"] = np.array([1.0, 2.0, -0.5])  # the first entry of ones - y.*(A*x) is 0, the others are -1 and 1.5
    at = {name: value for name, value in at.items() if name in fr.variables(e)}
    v, h = np.array([1.0, 0.3, -0.2]), 1e-6
    slopes = [(e.evaluate(at | {"x": at["x"] + s * h * v}) - e.evaluate(at)) / (s * h) for s in (1, -1)]
    if smooth:
        assert np.allclose(slopes, d.gradient.evaluate(at) @ v, atol=1e-4)
    else:
        assert abs(slopes[0] - slopes[1]) > 1e-2


@pytest.mark.parametrize(("text", "smooth"), [("sum(relu(x).^2)", False), ("sum(relu(x).^3)", True)])
def test_the_hessian_of_a_power_of_relu_needs_the_condition_where_it_jumps(text: str, smooth: bool) -> None:
    e = fr.parse(text)
    x = fr.variables(e)["x"]
    assert bool(conditions(e, x, fr.hessian(e, x))) != smooth


def test_the_determinant_has_a_gradient_where_it_is_zero(capsys: pytest.CaptureFixture[str]) -> None:
    e = fr.parse("det(X)")
    x = np.array([[1.0, 2.0], [2.0, 4.0]])
    g = fr.parse("adj(X)'").evaluate({"X": x})
    rng = np.random.default_rng(0)
    for _ in range(3):
        v = rng.normal(size=(2, 2))
        slope = (e.evaluate({"X": x + 1e-6 * v}) - e.evaluate({"X": x - 1e-6 * v})) / 2e-6
        assert np.isclose(slope, np.sum(g * v))
    assert main(["det(X)", "X", "--text"]) == 0
    page = capsys.readouterr().out
    assert "adj(X)'" in page and "\nelsewhere       where X is singular" in page


def test_json_tells_it_in_a_key_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["norm2(A*x)", "x", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["conditions"] == ["norm2(A*x) ≠ 0"] and "subgradients" in found["elsewhere"][0]
    assert main(["x'*A*x", "x", "--json"]) == 0
    assert "elsewhere" not in json.loads(capsys.readouterr().out)
