"""Parts of functions of blocks are functions of parts of the blocks, in formulas and in programs."""

from __future__ import annotations

import numpy as np
import pytest

import frechet as fr
from frechet.compilation.numpy_source import evaluate
from frechet.compilation.values import walk

DECLARED = {"A": "n×n", "B": "n×m", "C": "m×n", "D": "m×m", "x": "n", "y": "m", "c": "scalar"}
PARTS = [
    ("sum(tanh([A,B;C,D]))", "A", "ones(n,n) - tanh(A).^2"),
    ("sum(exp([A,B;C,D]).*M)", "D", "exp(D).*M[n+1:m+n,n+1:m+n]"),
    ("sum([x;y].^3 + sin([x;y]))", "y", "3*y.^2 + cos(y)"),
    ("sum(exp([x;c;y]))", "c", "exp(c)"),
    ("sum(abs([x;y] - z))", "y", "sign(y - z[n+1:m+n])"),
    ("norm2(tanh([A,B])*z)^2", "A", "2*((ones(n,n) - tanh(A).^2).*(tanh([A, B])*z*z[1:n]'))"),
    ("logsumexp([x;y])", "x", "softmax([x; y])[1:n]"),  # each entry needs all
    ("norm2(W*tanh([x;y]))^2", "x", None),
    ("sum(sin([x,x]).*cos([x,x]))", "x", None),
    ("sum(tanh([A;C]).^2)", "C", None),
    ("sum(relu([A,B;C,D])*[x;y])", "B", None),
    ("sum(sigmoid([x';x']*A))", "x", None),
    ("sum([x;2;y].^2)", "x", "2*x"),
    ("sin([x;y])[1]*cos([x;y])[n]", "x", None),
]


@pytest.mark.parametrize("backend", ["numpy", "c"])
@pytest.mark.parametrize(("text", "name", "gradient"), PARTS)
def test_gradients_are_functions_of_the_block(text: str, name: str, gradient: str | None, backend: str) -> None:
    d = fr.derivative(fr.parse(text, DECLARED), name)
    if gradient is not None:
        assert str(d.gradient) == gradient
    n, m = 4, 3
    rng = np.random.default_rng(1)
    sizes = {"n": n, "m": m}
    values = {
        v: rng.standard_normal([sizes[s] for s in k.split("×")] if "n" in k or "m" in k else ()) for v, k in DECLARED.items()
    }
    values |= {"c": 0.7, "M": rng.standard_normal((7, 7)), "z": rng.standard_normal(7), "W": rng.standard_normal((5, 7))}
    program = d.compile("value", "gradient", backend=backend)
    found = program(**{v: values[v] for v in program.arguments.names})
    for a, e in zip(found, (d.function, d.gradient), strict=True):
        np.testing.assert_allclose(a, evaluate(e, values), rtol=1e-11, atol=1e-11)
    value = float(found[0])
    step = 1e-6 * rng.standard_normal(np.shape(values[name]))
    ahead, behind = ({**values, name: values[name] + s} for s in (step, -step))
    slope = (evaluate(d.function, ahead) - evaluate(d.function, behind)) / 2
    assert np.isclose(slope, np.sum(step * found[1]), rtol=1e-6, atol=1e-9 * abs(value))


def test_no_block_is_computed_for_another_one() -> None:
    d = fr.derivative(fr.parse("sum(tanh([A,B;C,D]))", DECLARED), "A")
    program = d.compile("value", "gradient")
    assert not [v for v in walk(program.at(n=50, m=40).roots) if v.op == "page"]
    assert program.arguments.names[0] == "A" and fr.variables(d.gradient).keys() == {"A"}
