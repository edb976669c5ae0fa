"""Slices of what is differentiated: their gradients are entries among zeros, which C puts there one by one."""

import numpy as np
import pytest

import frechet as fr
from frechet.compilation.native.loops import placed
from frechet.compilation.values import walk

SLICED = [
    ("norm2(x[2:n]-x[1:n-1])^2", {"x": "n"}),
    ("sum(exp(x[2:n].*x[1:n-1]))", {"x": "n"}),
    ("sum(([x;0]-[0;x]).^4)", {"x": "n"}),
    ("norm2(tanh(X[2:n,1:m-1]))^2", {"X": "n×m"}),
    ("norm2(A[2:n,2:n]*A[1:n-1,1:n-1])^2", {"A": "n×n"}),
    ("sum(tanh(A*[x[2:n]; 0]).^2)", {"A": "n×n", "x": "n"}),
    ("tr(X[1:2,:]'*X[2:3,:]*B)", {"X": "n×m", "B": "m×m"}),
    ("sum((d.*[0;x]).^2)", {"d": "n", "x": "n-1"}),
    ("sum(log(1 .+ (X[2:n,:]*W - X[1:n-1,:]*W).^2))", {"X": "n×m", "W": "m×k"}),
    ("x[2]*x[n] + X[2,3]^2*sum(x)", {"x": "n", "X": "n×m"}),
]


@pytest.mark.parametrize(("text", "declared"), SLICED)
def test_values_are_those_of_numpy(text, declared):
    g = fr.parse(text, declared)
    rng = np.random.default_rng(0)
    for name in fr.variables(g):
        d = fr.derivative(g, name)
        programs = [d.compile("value", "gradient", "hvp", "hessian", backend=b) for b in ("numpy", "c")]
        for n, m in ((4, 5), (3, 3), (9, 4)):
            sizes = {"n": n, "m": m, "k": 2, "n-1": n - 1}
            values = {q: rng.normal(size=[sizes[s] for s in declared[q].split("×")]) for q in fr.variables(g)}
            values["d" + name] = rng.normal(size=values[name].shape)
            for plain, native in zip(*(p(**{q: values[q] for q in p.arguments.names}) for p in programs), strict=True):
                np.testing.assert_allclose(native, plain, rtol=1e-11, atol=1e-11)


def test_no_loop_looks_for_the_entry():
    """The loops are as long as the arrays: no index is compared with another one in them."""
    g = fr.parse("norm2(x[2:n]-x[1:n-1])^2", {"x": "n"})
    program = fr.derivative(g, "x").compile("gradient", backend="c").at(n=1000)
    assert any(placed(v) for v in walk(program.steps) if v.op == "contract")
    text = program.c.text
    steps = text[text.rindex("static int steps(") : text.rindex("static PyObject *program(")]
    assert "==" not in steps and "?" not in steps


@pytest.mark.parametrize("backend", ["numpy", "jax", "torch"])
def test_the_gradient_of_one_entry_has_the_size_of_the_vector(backend):
    if backend != "numpy":
        pytest.importorskip(backend)
    n = 200_000  # a matrix of so many rows would take 300 GB
    for text in ("x[2]", "x[1] - x[n]", "x[3]*x'*x"):
        gradient = fr.derivative(fr.parse(text, {"x": "n"}), "x").compile("gradient", backend=backend)(np.ones(n))
        assert np.shape(gradient) == (n,)


def test_the_gradient_of_one_entry_keeps_single_precision():
    gradient = fr.derivative(fr.parse("x[2]", {"x": "n"}), "x").compile("gradient")
    assert gradient(np.ones(3, np.float32)).dtype == np.float32
