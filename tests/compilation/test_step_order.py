"""The order of the steps of a program: operands first, functions of entries where their operand ends."""

from __future__ import annotations

import numpy as np
import pytest

import frechet as fr
from frechet.compilation.step_order import in_order
from frechet.compilation.values import Value, uses, walk

LAYERS = "H = relu(X*U)\nK = relu(H*V)\nL = tanh(K*W)\nsum(L.^2)"
DECLARED = {"X": "m×n", "U": "n×n", "V": "n×n", "W": "n×n"}
FORMULAS = [
    (LAYERS, "U V W"),
    ("sum(sigmoid(X*U).*tanh(X*V)) + logsumexp(abs(X*W))", "U V W"),
    ("logdet(U'*U + V'*V) + norm2(inv(U'*U + V'*V)*exp(W))^2", "U W"),
    ("sum(log(1 .+ (X*U).^2)./(1 .+ (X*V).^2))", "U V"),
    ("sum(abs(X*U).*(X*V)) + sum(tanh(X*W).*sigmoid(X*W))", "U V W"),
]


def program(text: str, names: str) -> tuple[list[Value], list[Value]]:
    g = fr.parse(text, DECLARED)
    made = fr.compile([g, *(fr.derivative(g, n).gradient for n in names.split())]).at(n=80, m=90)
    return walk(made.roots), list(made.roots)


@pytest.mark.parametrize(("text", "names"), FORMULAS)
def test_operands_come_first_and_nothing_is_lost(text: str, names: str) -> None:
    steps, roots = program(text, names)
    order = in_order(steps, roots)
    assert len(order) == len(steps) and set(order) == set(steps)
    place = {v: i for i, v in enumerate(order)}
    assert all(place[a] < place[v] for v in order for a in v.args)


def alive(order: list[Value], roots: list[Value]) -> int:
    """How many matrices that steps make there are at once, at most; a function of entries is written over its operand."""
    left, there, most = uses(order, roots), 0, 0
    for v in order:
        ended = []
        for a in v.args:
            left[a] -= 1
            ended += [a] * (left[a] == 0 and len(a.shape) == 2 and a.op != "input")
        over = v.op == "map" and any(a.shape == v.shape for a in ended)
        there += len(v.shape) == 2 and v.op != "input"
        most = max(most, there - over)
        there -= len(ended)
    return most


@pytest.mark.parametrize(("text", "names"), FORMULAS)
def test_no_more_arrays_are_alive(text: str, names: str) -> None:
    steps, roots = program(text, names)
    assert alive(in_order(steps, roots), roots) <= alive(steps, roots)


def test_masks_are_made_where_their_layer_ends() -> None:
    lines = fr.compile([fr.derivative(fr.parse(LAYERS, DECLARED), n).gradient for n in "UVW"]).at(n=5, m=4).function
    first, second, third = (lines.index(text) for text in ("np.sign(", ".dot(V.T", ".dot(W.T"))
    assert first > lines.index("tanh") and third < second
    assert lines.rindex("np.sign(") > third  # the first layer is needed for the gradient by V, after which it is a mask


@pytest.mark.parametrize(("n", "over"), [(4, True), (500, False)])
def test_signs_are_not_written_over_many_entries(n: int, over: bool) -> None:
    """Where they are mixed that takes ten times as long as apart."""
    p = fr.compile(fr.derivative(fr.parse("sum(abs(A*x))", {"A": "n×n", "x": "n"}), "x").gradient)
    assert ("np.sign(t1, t1)" in p.at(n=n).function) is over
    A = np.random.default_rng(0).standard_normal((n, n))
    x = np.ones(n)
    np.testing.assert_allclose(p(A=A, x=x), np.sign(A @ x) @ A)
