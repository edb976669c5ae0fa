"""Back-propagation against the derivative of the whole function, and its shape: sums before pulls, one δ a value."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from frechet.compilation.numpy_source import compiled
from frechet.derivation.backprop import Backprop, depending, needed, roles
from frechet.derivation.stages import split
from frechet.differentiation.derivative import Derivative
from frechet.expressions.errors import FrechetError, NotationError, ShapeError, UnsupportedError
from frechet.expressions.node import variables, walk
from frechet.notation.reading import read, read_stages
from frechet.verification.networks import gradient_program
from frechet.verification.sampling import random_sizes, sample

NETWORKS = {
    "two layers": "h = relu(W1*x + b1)\nz = W2*h + b2\n-y'*log(softmax(z))",
    "attention": "Q = X*A\nK = X*B\nH = softmax(Q*K'/2,2)*(X*C)\nnorm2(H - Y)^2",
    "batch norm": "N = batchnorm(X*W', 1/10)\nH = tanh(N*diag(u) + ones(m)*v')\nnorm2(H*R - Y)^2",
    "shared": "h = tanh(W*x)\nk = tanh(W*h)\nl = h.*k\nsum(exp(l)) + norm2(W)^2",
    "aliases": "u = W*x\nv = u\nw = v + u\nnorm2(w)^2",
    "quadratic": "S = A'*A + eye(n)\nT = inv(S)\nlogdet(S) + x'*T*x",
    "ones": "s = sum(W*x)\nr = s + a\nr + a",
    "by a number": "s = a*norm2(x)\nh = tanh(s*W*x)\nsum(h)/s",
}


def made(text: str, wrt: list[str] | None = None, declare: list[str] | None = None) -> Backprop:
    reading, stages = read_stages(text, declare or [])
    parameters, _, _ = roles(list(reading.variables.values()), wrt or [])
    return Backprop(split(stages, depending(stages, parameters), set(reading.variables)), parameters)


@pytest.mark.parametrize("text", NETWORKS.values(), ids=NETWORKS)
def test_gradients_are_those_of_the_whole_function(text: str) -> None:
    b = made(text, ["a", "W"] if "a*" in text or "+ a" in text else None)
    function = read(text).expression
    rng = Random(1)
    sizes = random_sizes([function], rng)
    values = sample(b.variables, sizes, rng, "small")
    program = gradient_program(b)
    loss, gradients = program(**values, **{n: sizes[n] for n in program.sizes})
    whole = compiled(function, b.variables)
    assert np.isclose(loss, whole(**values, **{n: sizes[n] for n in whole.sizes}), rtol=1e-10)
    for p in b.parameters:
        expected = compiled(Derivative(function, p).gradient, b.variables)
        value = expected(**values, **{n: sizes[n] for n in expected.sizes})
        np.testing.assert_allclose(gradients[p.params[0]], value, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("text", NETWORKS.values(), ids=NETWORKS)
def test_every_cotangent_is_computed_once_from_later_ones(text: str) -> None:
    b = made(text)
    order = [c.of for c in b.cotangents]
    assert order == [s.symbol for s in reversed(b.stages) if s.symbol in set(order)]
    known = {*b.variables, *(s.symbol for s in b.stages)}
    for c in b.cotangents:
        assert set(variables(c.expression)) <= known
        assert c.expression.shape == c.of.shape
        known.add(c.symbol)
    for g in b.gradients:
        assert set(variables(g.expression)) <= known and g.expression.shape == g.of.shape


def test_the_cotangent_of_logits_is_stable_and_short() -> None:
    """δ_z of the cross-entropy: no logarithm and no quotient of probabilities is left."""
    b = made(NETWORKS["two layers"])
    (delta,) = [c for c in b.cotangents if c.of.params[0] == "z"]
    assert str(delta.expression) == "sum(y)*softmax(z) - y"


def test_a_value_known_by_name_is_not_computed_again() -> None:
    for text, name, function in [("P = softmax(A*X,2)\nsum(P.*Y)", "P", "softmax"), ("h = tanh(W*x)\nsum(h)", "h", "tanh"),
                                 ("N = batchnorm(X*W')\nsum(N.*Y)", "N", "layernorm")]:  # fmt: skip
        b = made(text)
        pulled = [c.expression for c in b.cotangents if name in {v.params[0] for v in variables(c.expression)}]
        assert pulled
        assert not any(node.op.name.startswith(function) for e in pulled for node in walk(e))


def test_a_structured_parameter_has_its_gradient_in_its_own_space() -> None:
    b = made("h = S*x\nh'*A*h", ["S"], ["S: n×n symmetric", "A: n×n"])
    values = sample(b.variables, {"n": 4}, Random(0))
    gradient = gradient_program(b)(**values)[1]["S"]
    np.testing.assert_allclose(gradient, gradient.T, rtol=1e-12)


def test_what_the_loss_does_not_need_is_left_out() -> None:
    kept, unused = needed(read_stages("h = W*x\nk = exp(h)\nl = k + h\nsum(h)")[1])
    assert [s.name for s in kept] == ["h", "L"] and [s.name for s in unused] == ["k", "l"]


@pytest.mark.parametrize(
    ("text", "declare", "error", "words"),
    [
        ("h = W*x\nh", [], ShapeError, "the last line must be the loss"),
        ("h = W*Z\nre(sum(h))", ["Z: n×m complex"], UnsupportedError, "h is complex"),
    ],
)
def test_what_is_no_loss_is_refused(text: str, declare: list[str], error: type[FrechetError], words: str) -> None:
    with pytest.raises(error, match=words):
        made(text, ["W"], declare)


def test_roles_are_told_by_names_and_declarations() -> None:
    text = "h = W*x + V*h0 + c*q\nsum(h.*y1) + z'*q + norm2(yes)"
    variables_ = list(read(text, ["z: m labels"]).variables.values())

    def names(wrt: tuple[str, ...] = (), data: tuple[str, ...] = ()) -> list[list[str]]:
        return [[v.params[0] for v in found] for found in roles(variables_, wrt, data)]

    assert names() == [["W", "V", "q", "yes"], ["x", "h0", "y1", "z"], ["c"]]
    assert names(data=("x", "q")) == [["W", "V", "h0", "y1", "z", "yes"], ["x", "q"], ["c"]]
    assert names(wrt=("c", "x")) == [["x", "c"], ["h0", "y1", "z"], ["W", "V", "q", "yes"]]
    for wrt, data, words in [
        (("Q",), (), "Q is no variable"),
        ((), ("Q",), "Q is no variable"),
        (("W",), ("W",), "data and a"),
    ]:
        with pytest.raises(NotationError, match=words):
            names(wrt, data)
