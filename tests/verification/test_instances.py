"""Worked instances: small, different, whole, finite, in the declared spaces, the same in every run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from frechet.expressions.dimension import axes
from frechet.expressions.node import variables
from frechet.notation.reading import Reading, read, read_entry
from frechet.verification.instances import Instance, instance, show_array, show_number
from frechet.verification.sampling import linear_structure, projected

CORPUS = Path(__file__).parent.parent / "corpus" / "corpus.jsonl"


def found(text: str, wrt: str, *declared: str) -> tuple[Reading, Instance]:
    r = read(text, declared, wrt=wrt)
    result = instance([r.expression], variable=r.variables[wrt])
    assert result is not None
    return r, result


def corpus() -> list[dict[str, Any]]:
    return [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("part", range(4))
def test_every_corpus_entry_has_an_instance_that_is_finite_and_small(part: int) -> None:
    for entry in corpus()[part::4]:
        r = read_entry(entry["expr"], entry["vars"], entry["dims"], entry["wrt"])
        i = instance([r.expression], variable=r.variables[entry["wrt"]])
        if i is None:
            assert "function" in json.dumps(entry["vars"]), entry["expr"]
            continue
        assert np.all(np.isfinite(i.value(r.expression))), entry["expr"]
        for v in variables(r.expression):
            assert np.shape(i.values[v.params[0]]) == tuple(d.size(i.sizes) for d in axes(v.shape))
            assert np.max(np.abs(i.values[v.params[0]])) <= 40, (entry["expr"], v)


@pytest.mark.parametrize(
    ("text", "wrt"), [("tr(A*X*B)", "X"), ("norm2(A*X-B)^2", "X"), ("x'*A*y", "x"), ("softmax(W*x)'*y", "W"), ("A*X*B", "X")]
)
def test_sizes_are_all_different_and_those_of_the_variable_are_not_1(text: str, wrt: str) -> None:
    r, i = found(text, wrt)
    assert len(set(i.sizes.values())) == len(i.sizes)
    assert all(d.size(i.sizes) > 1 for d in axes(r.variables[wrt].shape))
    for v in r.variables.values():
        x = i.values[v.params[0]]
        assert np.array_equal(x, np.round(x)) or np.array_equal(4 * x, np.round(4 * x))


@pytest.mark.parametrize(
    "words",
    ["symmetric", "skew", "diagonal", "lower", "upper", "toeplitz", "circulant", "hankel", "traceless", "symmetric toeplitz",
     "spd", "psd", "hermitian", "spd toeplitz", "complex spd"],
)  # fmt: skip
def test_values_have_the_declared_structure_in_whole_numbers(words: str) -> None:
    r, i = found("tr(A*X)", "X", f"X: n×n {words}")
    x = i.values["X"]
    assert np.array_equal(x, projected(x, linear_structure(r.variables["X"])))
    assert np.any(x) and np.array_equal(x, np.round(x))
    if "spd" in words:
        assert np.linalg.eigvalsh(x)[0] > 0


def test_values_on_manifolds_and_in_domains() -> None:
    _, i = found("tr(A*Q)", "Q", "Q: n×m orthogonal")
    q = i.values["Q"]
    assert np.allclose(q.T @ q, np.eye(q.shape[1])) and q.shape[0] >= q.shape[1]
    _, i = found("x'*A*x", "x", "x: n sphere")
    assert np.isclose(np.sum(i.values["x"] ** 2), 1)
    _, i = found("x'*y", "x", "x: n simplex", "y: n onehot")
    assert np.sum(i.values["x"]) == 1 and np.min(i.values["x"]) > 0
    assert sorted(i.values["y"])[-1] == 1 and np.sum(i.values["y"]) == 1
    _, i = found("tr(A*X)", "X", "X: n×m rank r")
    assert np.linalg.matrix_rank(i.values["X"]) <= i.sizes["r"]
    _, i = found("tr(A*X)", "X", "X: n×m sparse(M)")
    assert np.all(i.values["X"][i.values["M"] == 0] == 0)


@pytest.mark.parametrize(
    ("text", "wrt", "declared", "name", "least"),
    [
        ("layernorm(x)", "x", [], "n", 3),
        ("softmax(x)", "x", [], "n", 3),
        ("-y'*log(softmax(W*x))", "W", ["y: k"], "k", 3),
        ("norm2(softmax(Q*K'/sqrt(d), 2)*V - Y)^2", "Q", ["Q: n×d", "K: m×d", "V: m×k"], "m", 3),
        ("det(X'*X)", "X", ["X: n×m"], "n", 3),
        ("A*pinv(A)*y", "A", ["A: n×m"], "n", 3),
    ],
)
def test_sizes_at_which_nothing_degenerates(text: str, wrt: str, declared: list[str], name: str, least: int) -> None:
    _, i = found(text, wrt, *declared)
    assert i.sizes[name] >= least


def test_three_sizes_are_all_above_1() -> None:
    for text in ("tr(A*X*B)", "norm2(A*X-B)^2", "X*w", "x'*A*y"):
        _, i = found(text, "x" if "x'" in text else "X")
        assert min(i.sizes.values()) > 1


def test_labels_are_labels_and_weights_are_positive() -> None:
    _, i = found("-y'*log(softmax(W*x))", "W")
    assert sorted(i.values["y"])[-1] == 1 and np.sum(i.values["y"]) == 1
    _, i = found("crossentropy(W*x,y)", "W")
    assert sorted(i.values["y"])[-1] == 1 and np.sum(i.values["y"]) == 1
    for text in ("sum(log(ones(n) + exp(-y.*(X*w))))", "sum(relu(ones(n) - y.*(X*w)).^2)"):
        _, i = found(text, "w", "X: n×k", "y: n")
        assert set(np.abs(i.values["y"])) == {1.0}
    _, i = found("norm2(X*w-y)^2+c*norm2(w)^2", "w")
    assert i.values["c"] > 0 and set(np.abs(i.values["y"])) != {1.0}
    _, i = found("tr(K*P*K')", "K", "P: n×n symmetric")
    assert np.linalg.eigvalsh(i.values["P"])[0] > 0


def test_arguments_are_those_at_which_something_can_be_read() -> None:
    _, i = found("norm2(V*tanh(W*x+b)-y)^2", "W", "b: m")
    v = i.values
    assert np.mean(np.abs(v["W"] @ v["x"] + v["b"]) < 2) > 0.5
    _, i = found("sum(relu(A*x+b))", "x")
    assert np.any(i.values["A"] @ i.values["x"] + i.values["b"] > 0)
    _, i = found("softmax(x)", "x")
    assert np.ptp(i.values["x"]) <= 4


def test_derivatives_of_declared_functions_have_values() -> None:
    from frechet.differentiation.derivative import Derivative

    r, i = found("sum(f(x))", "x", "f: elementwise")
    d = Derivative(r.expression, r.variables["x"])
    x, h = i.values["x"], 1e-6
    slope = (i.values["f"](x + h) - i.values["f"](x - h)) / (2 * h)
    assert np.allclose(i.value(d.gradient), slope) and np.all(np.isfinite(i.value(d.hessian)))


def test_points_are_smooth_and_in_the_domain() -> None:
    _, i = found("sum(relu(x))", "x")
    assert np.all(i.values["x"] != 0)
    _, i = found("logdet(X)", "X")
    assert np.linalg.det(i.values["X"]) > 0
    _, i = found("sum(log(x)) + sum(arcsin(x))", "x")
    assert np.all((i.values["x"] > 0) & (i.values["x"] < 1))
    r, i = found("norm2(A*x-b)", "x")
    assert i.value(r.expression) > 0


@pytest.mark.parametrize("words", ["", "odd increasing", "convex", "concave", "positive", "even convex", "decreasing"])
def test_declared_functions_of_numbers_become_simple_ones(words: str) -> None:
    r, i = found("sum(f(X*w))", "X", f"f: elementwise {words}".strip())
    f, t = i.values["f"], np.linspace(-2, 2, 9)
    assert np.isclose(i.value(r.expression), np.sum(f(i.values["X"] @ i.values["w"])))
    steps = np.diff(f(t))
    assert "increasing" not in words or np.all(steps > 0)
    assert "decreasing" not in words or np.all(steps < 0)
    assert "convex" not in words or np.all(np.diff(steps) > 0)
    assert "concave" not in words or np.all(np.diff(steps) < 0)
    assert "odd" not in words or np.allclose(f(-t), -f(t))
    assert "even" not in words or np.allclose(f(-t), f(t))
    assert "positive" not in words or np.all(f(t) > 0)
    assert set(i.functions) == {"f"}


def test_a_declared_function_of_vectors_has_no_instance() -> None:
    r = read("g(x)", ["g: n → 1"])
    assert instance([r.expression]) is None


def test_numbers_are_shown_short_and_whole_ones_exactly() -> None:
    assert show_array(np.array([[1.0, -2.5], [1 / 3, 1e6]])) == "[1 −2.5; 0.3333 1000000]"
    assert show_array(np.array([1.0, 1e-17]), "text") == "[1; 0]"
    assert show_array(1e-17) == "1·10⁻¹⁷"
    assert show_number(2.9999999999999996) == "3" and show_number(-1j) == "−i" and show_number(3.0, "text") == "3"
    for x in np.random.default_rng(0).normal(size=200) * 10.0 ** np.arange(-10, 10).repeat(10):
        assert abs(float(show_number(x, "text")) - x) <= 5e-4 * abs(x)


def test_instances_are_the_same_under_every_hash_seed(printed_alike: Callable[[str], str]) -> None:
    program = (
        "from frechet.notation.reading import read\nfrom frechet.verification.instances import instance, show_array\n"
        "r = read('tr(A*X*B)+norm2(C*X-D)^2+sum(f(X))', ['f: elementwise'], wrt='X')\n"
        "i = instance([r.expression], variable=r.variables['X'])\n"
        "print(i.sizes, [(n, show_array(x)) for n, x in i.values.items() if not callable(x)])\n"
    )
    assert "X" in printed_alike(program)
