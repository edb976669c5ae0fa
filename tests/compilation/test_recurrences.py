"""Recurrences h = h + f(h) of many steps, residual networks and Euler's method: their programs are as long as they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import frechet as fr
from frechet.compilation.numpy_source import compiled
from frechet.compilation.partial_sums import partial_sums
from frechet.compilation.values import Graph, Value, walk
from frechet.expressions.dimension import dim
from frechet.expressions.node import walk as nodes

STEPS = {
    "residual": "{h} + tanh(W*{h} + b)",
    "Euler": "{h} + s*(W*{h} + b)",
    "affine": "W*{h} + b",
    "residual of a matrix": "{h} + relu(W*{h} + b*ones(m)')",
    "Euler of a matrix": "{h} + s*(W*{h} + C)",
    "affine of a matrix": "W*{h} + b*ones(m)' - {h}/2",
}


def recurrence(kind: str, steps: int) -> tuple[Any, list[Any]]:
    """The squared distance to y after these steps, and its gradients."""
    matrix = "matrix" in kind
    x = "n×m" if matrix else "n"
    lines = ["h0 = x", *(f"h{i + 1} = {STEPS[kind].format(h=f'h{i}')}" for i in range(steps)), f"norm2(h{steps} - y)^2"]
    declared = {"W": "n×n", "x": x, "y": x, "b": "n"} | {
        n: shape for n, shape in {"C": x, "s": "scalar"}.items() if n in STEPS[kind]
    }
    loss = fr.parse("\n".join(lines), declared)
    return loss, [fr.derivative(loss, name).gradient for name in ("W", "x")]


@pytest.mark.parametrize("kind", STEPS)
def test_work_by_the_length(kind: str) -> None:
    lengths = []
    for steps in (16, 24, 32):
        loss, gradients = recurrence(kind, steps)
        assert sum(1 for _ in nodes(loss, *gradients)) < 60 * steps
        lengths.append(fr.compile([loss, *gradients]).at(n=30, m=20).function.count("\n"))
    assert lengths[-1] < 30 * 32
    assert abs((lengths[2] - lengths[1]) - (lengths[1] - lengths[0])) < 20


@pytest.mark.parametrize("kind", STEPS)
@pytest.mark.parametrize("backend", ["numpy", "c"])
def test_values(kind: str, backend: str) -> None:
    loss, gradients = recurrence(kind, 6)
    rng = np.random.default_rng(1)
    shapes = {"W": (3, 3), "b": (3,), "x": (3, 2), "y": (3, 2), "C": (3, 2)}
    values: dict[str, Any] = {n: rng.normal(size=shapes.get(n, ())) / 2 for n in fr.variables(loss)}
    if "matrix" not in kind:
        values |= {n: values[n][:, 0].copy() for n in "xy"}
    program = fr.compile([loss, *gradients], backend=backend)
    reference = compiled([loss, *gradients])
    want = reference(**values, **{n: {"n": 3, "m": 2}[n] for n in reference.sizes})
    assert all(np.allclose(a, b, 1e-10) for a, b in zip(program(**values), want, strict=True))


def sums(*terms: str) -> tuple[Graph, list[Value]]:
    """Sums such as 2a+3b, each digit and letter a term, of vectors."""
    graph = Graph()
    n = dim("n")
    made = []
    for text in terms:
        parts = [(int(t[:-1]), graph.make("input", (), (t[-1],), (n,))) for t in text.split("+")]
        made.append(graph.linear(parts, (n,)))
    return graph, made


@pytest.mark.parametrize(
    ("given", "count"),
    [
        (("1a+1b+1c", "1a+1b+1c+1d", "1a+1b+1c+1d+1e"), [3, 2, 2]),
        (("1a+1b+1c", "2a+2b+2c+1d"), [3, 2]),
        (("1a+1b+1c", "2a+2b+1c+1d"), [3, 4]),
        (("1a+1b+1c+1e", "2a+2b+2e+1c+1d"), [4, 3]),
        (("1a+1b+1c+9e", "1a+1b+1c+1e+1d"), [4, 5]),  # 8e would be added and taken away
        (("1a+1b+1c", "1a+1b+1d+1e"), [3, 4]),
        (("1a+1b", "1a+1b+1c"), [2, 3]),
        (("1a+1b+1c", "1b+1c+1d", "1a+1b+1c+1d"), [3, 3, 2]),
    ],
)
def test_sums_in_sums(given: tuple[str, ...], count: list[int]) -> None:
    graph, roots = sums(*given)
    found = partial_sums(graph, roots)
    assert [len(v.args) for v in found] == count
    assert [flat(v) for v in found] == [flat(v) for v in roots]


def flat(v: Value) -> dict[str, Any]:
    """The coefficients of inputs in a sum of sums."""
    total: dict[str, Any] = {}
    if v.op == "input":
        return {v.params[0]: 1}
    for c, a in zip(v.params[0][1:], v.args, strict=True):
        for name, k in flat(a).items():
            total[name] = total.get(name, 0) + c * k
    return total


def test_steps_of_gradient_descent_are_no_longer_in_a_polished_form() -> None:
    """Of the gradients by what scales each step there is a form with fewer leaves and twice as many parts."""
    lengths = []
    for steps in (10, 20, 30):
        lines = ["w0 = w", *(f"w{i + 1} = w{i} - c*(X'*(sigmoid(X*w{i}) - y) + d*w{i})" for i in range(steps))]
        declared = {"w": "n", "c": "scalar", "X": "m×n", "y": "m", "d": "scalar", "z": "n"}
        loss = fr.parse("\n".join([*lines, f"norm2(w{steps} - z)^2"]), declared)
        gradients = [fr.derivative(loss, name).gradient for name in "cd"]
        lengths.append(fr.compile([loss, *gradients]).at(n=10, m=6).function.count("\n"))
    assert lengths[2] - lengths[1] < 1.2 * (lengths[1] - lengths[0])


def test_a_multiple_of_a_sum_is_that() -> None:
    graph, roots = sums("1a+2b+1c", "3a+6b+3c")
    found = partial_sums(graph, roots)
    assert found[1].op == "contract" and found[1].args == (found[0],) and found[1].params[3] == 3
    assert len(walk(found)) == 5


@pytest.mark.parametrize(("by", "words"), [("l", "number"), ("w", "dense matrix, solve in O(p³)")])
def test_what_is_said_of_a_long_one_is_short(by: str, words: str) -> None:
    """Gradient descent unrolled: in one line each step of its Hessian would be written once for every way to it."""
    lines = ["w0 = w", *(f"w{i + 1} = w{i} - s*(X'*(X*w{i} - y)/n + l*w{i})" for i in range(20)), "norm2(Z*w20 - v)^2"]
    declared = {"X": "n×p", "y": "n", "w": "p", "s": "scalar", "l": "scalar", "Z": "m×p", "v": "m"}
    structure = fr.hessian_map(fr.parse("\n".join(lines), declared), by).structure
    assert structure.startswith(words) and len(structure) < 100
