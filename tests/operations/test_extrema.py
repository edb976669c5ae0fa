"""max and min of two where they tie on more than a boundary: what both count for adds up to 1."""

from __future__ import annotations

import numpy as np
import pytest

import frechet as fr
from frechet.compilation.numpy_source import evaluate

DECLARED = {"x": "n", "y": "n", "A": "n×n", "c": "scalar"}
TIES = [
    "sum(square(max(max(y,x),x)))",
    "sum(square(max(relu(x),x)))",
    "sum(square(max(abs(x),x)))",
    "sum(square(min(-abs(x),x)))",
    "sum(square(max(min(x,y),x)))",
    "sum(square(max(tanh(x),tanh(max(x,y)))))",
    "sum(square(max(max(x)*ones(n),x)))",
    "sum(square(max(A*relu(x),A*x)))",
    "sum(square(clip(max(x,c*ones(n)),c,2)))",
    "sum(square(min(max(x,y),clip(x,-1,1) + relu(y - x))))",
    "max(norm1(x), sum(abs(x)))^2",
]


@pytest.mark.parametrize("backend", ["numpy", "c", "jax"])
@pytest.mark.parametrize("text", TIES)
def test_derivatives_are_those_of_differences(text: str, backend: str) -> None:
    if backend == "jax":
        pytest.importorskip("jax")
    g = fr.parse(text, DECLARED)
    rng = np.random.default_rng(1)
    values = {"x": rng.standard_normal(6), "y": rng.standard_normal(6), "A": rng.standard_normal((6, 6)), "c": 0.3}
    for name in fr.variables(g):
        d = fr.derivative(g, name)
        program = d.compile("gradient", backend=backend)
        gradient = program(**{v: values[v] for v in program.arguments.names})
        step = 1e-6 * rng.standard_normal(np.shape(values[name]))
        ahead, behind = (evaluate(g, {**values, name: values[name] + s}, {"n": 6}) for s in (step, -step))
        near = 1e-3 if backend == "jax" else 1e-6
        assert np.isclose(np.sum(step * gradient), (ahead - behind) / 2, rtol=near, atol=1e-12), name


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("max(max(x,y),x)", "max(x,y)"),
        ("min(x,min(y,x))", "min(x,y)"),
        ("max(x,min(x,y))", "x"),
        ("min(max(A',B'),A')", "A'"),
    ],
)
def test_what_is_there_already_is_left_out(text: str, form: str) -> None:
    assert str(fr.parse(text, {**DECLARED, "B": "n×n"})) == form


@pytest.mark.parametrize(
    ("text", "gradient"), [("sum(max(A*x,y))", "A'*step(A*x - y)"), ("sum(max(abs(x),y))", "sign(x).*step(abs(x) - y)")]
)
def test_operands_that_tie_on_boundaries_only_have_steps(text: str, gradient: str) -> None:
    assert str(fr.derivative(fr.parse(text, DECLARED), "x").gradient) == gradient
