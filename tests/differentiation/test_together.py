"""Gradients by several variables are found by one walk, and are those of each variable alone."""

import numpy as np
import pytest

import frechet as fr
from frechet.compilation.closed_derivatives import gradients
from frechet.compilation.numpy_source import evaluate
from frechet.differentiation import derivative as core
from frechet.simplification.polishing import Polishing

LOSSES = [
    ("norm2(tanh(V*tanh(W*x + b) + c) - y)^2", {"V": "m×k", "W": "k×n"}),
    ("logdet(S) + (y - A*x)'*inv(S)*(y - A*x)", {"S": "n×n spd", "A": "n×m"}),
    ("tr(X'*L*X*D) + sum(exp(S*D))", {"X": "n×k", "L": "n×n symmetric", "D": "k×k diagonal", "S": "n×k"}),
    ("re(z^H*H*z) + norm2(Q*z - w)^2", {"z": "n complex", "H": "n×n hermitian", "Q": "n×n complex", "w": "n complex"}),
    ("a*sum(softmax(X,2).*Y) + norm2(X)^a", {"X": "n×m", "Y": "n×m", "a": "positive scalar"}),
    ("tr(R'*A*R)", {"R": "n×n skew", "A": "n×n"}),
]


def network(layers):
    lines = [f"h{i + 1} = h{i} + tanh(W{i}*h{i} + b{i})\n" for i in range(layers)]
    weights = {f"W{i}": "n×n" for i in range(layers)} | {f"b{i}": "n" for i in range(layers)}
    return fr.parse(f"h0 = x\n{''.join(lines)}norm2(h{layers} - y)^2", {"x": "n", "y": "n"} | weights), list(weights)


@pytest.mark.parametrize(("text", "declared"), LOSSES)
def test_they_are_those_of_each_variable(text, declared):
    g = fr.parse(text, declared)
    found = fr.derivatives(g)
    assert list(found) == list(fr.variables(g))
    rng = np.random.default_rng(0)
    for name, d in found.items():
        alone = fr.derivative(g, name).gradient
        if d.gradient is alone:
            continue
        point = {n: value(v, rng) for n, v in fr.variables(g).items()}
        sizes = {"n": 3, "m": 2, "k": 4}
        np.testing.assert_allclose(
            evaluate(d.gradient, point, sizes), evaluate(alone, point, sizes), rtol=1e-9, err_msg=name
        )


def value(v, rng):
    from frechet.expressions.dimension import axes

    sizes = {"n": 3, "m": 2, "k": 4}
    found = rng.normal(size=[d.size(sizes) for d in axes(v.shape)])
    return found if v.real else found + 1j * rng.normal(size=found.shape)


def test_one_walk_serves_all(monkeypatch):
    walks = []
    monkeypatch.setattr(core, "adjoints", lambda *args: walks.append(args) or original(*args))
    g, names = network(3)
    gradients = [d.gradient for d in fr.derivatives(g, names).values()]
    assert len(walks) == 1 and len(gradients) == 6


original = core.adjoints


def test_the_work_grows_as_the_network(monkeypatch):
    steps = []
    once = Polishing._of_polished_parts
    monkeypatch.setattr(Polishing, "_of_polished_parts", lambda self, node: steps.append(node) or once(self, node))
    counts = []
    for layers in (10, 20, 40):
        g, names = network(layers)
        steps.clear()
        assert all(d.gradient is not None for d in fr.derivatives(g, names).values())
        counts.append(len(steps))
    assert counts[2] - counts[1] < 2.5 * (counts[1] - counts[0])
    assert counts[2] < 100 * 40


def test_names_that_are_none_of_the_function_are_refused():
    with pytest.raises(fr.ShapeError, match="no variable z"):
        fr.derivatives(fr.parse("x'*y"), ["x", "z"])
    assert fr.derivatives(fr.parse("x'*y"), []) == {} and gradients(fr.parse("x'*y"), []) == []


def test_derivatives_of_arrays_are_taken_one_by_one():
    found = fr.derivatives(fr.parse("A*x", {"A": "n×m"}))
    assert str(found["x"].jacobian) == "A"
