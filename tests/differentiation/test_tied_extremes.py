"""max and min where entries are equal: at entries that always are, the derivative; elsewhere a mean, a subgradient."""

import numpy as np
import pytest

import frechet as fr
from frechet.interfaces.steps.page import _implied

ALIKE = [  # the extreme stands in several places, at every point or at those drawn here
    ("min(A*A')", {"A": "n×n"}, "A"),
    ("max(x*x' - 100*eye(n))", {"x": "n"}, "x"),
    ("max([x; x])", {"x": "n"}, "x"),
    ("norminf([x; -x])", {"x": "n"}, "x"),
    ("max(diag(X*X')*ones(n)' + ones(n)*diag(X*X')' - 2*X*X')", {"X": "n×m"}, "X"),  # the largest distance of two rows
    ("max(softmax(min(x,0.3)))*sum(x)", {"x": "n"}, "x"),
    ("sum(max([X, X],[],2))", {"X": "n×m"}, "X"),
    ("sum(min([X; X],[],1).^2)", {"X": "n×m"}, "X"),
]


@pytest.mark.parametrize("backend", ["numpy", "c", "jax", "torch"])
@pytest.mark.parametrize(("text", "declared", "by"), ALIKE)
def test_entries_that_are_always_equal(text, declared, by, backend):
    if backend in ("jax", "torch"):
        pytest.importorskip(backend)
    g = fr.parse(text, declared)
    d = fr.derivative(g, by)
    rng = np.random.default_rng(3)
    x, step = rng.normal(size=(2, *[{"n": 4, "m": 3}[s] for s in declared[by].split("×")]))
    value = fr.compile(g)
    ahead, behind = (value(x + h * step) for h in (1e-6, -1e-6))
    gradient = np.asarray(d.compile("gradient", backend=backend)(x))
    assert np.sum(gradient * step) == pytest.approx((ahead - behind) / 2e-6, rel=1e-5 if backend != "jax" else 1e-4)


def test_a_symmetric_variable():
    d = fr.derivative(fr.parse("max(S)", {"S": "n×n symmetric"}), "S")
    np.testing.assert_array_equal(d.compile("gradient")(np.array([[1.0, 5.0], [5.0, 2.0]])), [[0, 0.5], [0.5, 0]])


@pytest.mark.parametrize("text", ["max(x)", "min(x)", "norminf(x)"])
def test_elsewhere_the_mean_is_a_subgradient(text):
    gradient = fr.derivative(fr.parse(text, {"x": "n"}), "x").compile("gradient")
    x = np.array([2.0, 1.0, 2.0, 2.0]) * (-1 if text == "min(x)" else 1)
    np.testing.assert_allclose(gradient(x), [1 / 3, 0, 1 / 3, 1 / 3])


def test_rows():
    d = fr.derivative(fr.parse("sum(max(X,[],2))", {"X": "n×m"}), "X")
    np.testing.assert_allclose(d.compile("gradient")(np.array([[1.0, 1], [3, 2]])), [[0.5, 0.5], [1, 0]])


def test_the_answer_is_shown():
    """It was refused before: the sum over the equal entries is twice the derivative."""
    fr.derivative(fr.parse("norminf([x; -x])", {"x": "n"}), "x").check()
    fr.derivative(fr.parse("min(A*A')", {"A": "n×n"}), "A").check()


@pytest.mark.parametrize("text", ["max(x)", "norminf(A*x - b)", "sum(max(X,[],2))", "y'*min(X,[],1)'", "min(X)"])
def test_how_many_entries_are_the_largest_is_no_condition(text):
    g = fr.parse(text, {"x": "n", "A": "m×n", "b": "m", "X": "n×m", "y": "m"})
    by = next(n for n in ("x", "X") if n in fr.variables(g))
    assert "for the steps" not in str(fr.derivative(g, by).steps())


def test_other_divisions_by_signs_stay_conditions():
    x = {"x": "n"}
    for more in ("", " - 1"):
        e = fr.parse(f"sum(sign(x - max(x)*ones(n))) + n{more}", x)
        assert _implied(("{0} ≠ 0", e), []) == (not more)
