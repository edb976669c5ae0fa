"""Programs of the views of one function are called alike, and what a view does not need may be left out."""

import numpy as np
import pytest

import frechet as fr

VIEWS = ("value", "gradient", "jacobian", "hessian", "newton", "jvp", "vjp", "hvp")
FUNCTIONS = [
    ("norm2(X*w - y)^2/2", {}, "w"),
    ("x'*A*x", {"A": "n×n"}, "x"),
    ("tr(A*X*B*X)", {"A": "n×n", "B": "n×n", "X": "n×n"}, "X"),
    ("sum(log(1 .+ exp(X*w))) - y'*X*w", {}, "w"),
    ("c*sum(x)", {"c": "scalar", "x": "n"}, "x"),
]
R = np.random.default_rng(0)
VALUES = {"X": R.normal(size=(5, 3)), "w": R.normal(size=3), "y": R.normal(size=5), "dw": R.normal(size=3)}
BACKENDS = ["numpy", "c", "auto", "jax", "torch"]


def least_squares(*views, **options):
    g = fr.parse("norm2(X*w - y)^2/2")
    return fr.derivative(g, "w").compile(*views, **options)


def from_library(name):
    if name in ("jax", "torch"):
        pytest.importorskip(name)
    return name


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize(("text", "declared", "by"), FUNCTIONS)
def test_the_variables_of_the_function_come_first(text, declared, by, view):
    g = fr.parse(text, declared)
    if view == "newton" and text in ("tr(A*X*B*X)", "c*sum(x)"):
        return  # the first has no formula, the second no step
    names = [v.params[0] for v in fr.derivative(g, by).compile(view).inputs]
    own = list(fr.variables(g))
    assert names[: len(own)] == own
    beside = {"jvp": 1, "hvp": 1, "vjp": 1}.get(view, 0)
    assert len(names) == len(own) + beside
    if view in ("jvp", "hvp"):
        assert names[-1] == f"d{by}"


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_is_not_needed_may_be_left_out(backend):
    hessian = least_squares("hessian", backend=from_library(backend))
    action = least_squares("hvp", backend=backend)
    X, w, y, dw = (VALUES[n] for n in ("X", "w", "y", "dw"))
    for _ in range(2):  # a call finds its program otherwise when it is the first
        for got in (hessian(X, w, y), hessian(X), hessian(X=X), hessian(X, y=y)):
            np.testing.assert_allclose(np.asarray(got), X.T @ X, rtol=1e-5, atol=1e-5)
        for got in (action(X, w, y, dw), action(X, dw=dw), action(dw=dw, X=X)):
            np.testing.assert_allclose(np.asarray(got), X.T @ X @ dw, rtol=1e-5, atol=1e-5)
    with pytest.raises(fr.ShapeError, match="y needs a 1-D array of shape n, not one of shape 2"):
        hessian(X, w, y[:2])
    for call in (lambda: hessian(w=w), lambda: action(y=y)):
        with pytest.raises(TypeError, match="needs X"):
            call()
    with pytest.raises(TypeError, match="no argument 'z'"):
        hessian(X=X, z=1.0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_prepared_program_takes_what_is_needed(backend):
    prepared = least_squares("hvp", backend=from_library(backend)).prepare(X=VALUES["X"])
    assert prepared.names == ["dw"]
    at_point = least_squares("hvp", backend=backend).prepare(X=VALUES["X"], w=VALUES["w"])
    assert at_point.names == ["dw"]
    for _ in range(2):
        for got in (prepared(VALUES["dw"]), at_point(VALUES["dw"]), prepared(dw=VALUES["dw"], y=VALUES["y"])):
            np.testing.assert_allclose(np.asarray(got), VALUES["X"].T @ VALUES["X"] @ VALUES["dw"], rtol=1e-5, atol=1e-5)


class Unread:
    """What has a shape and a precision, as a data set in a file, and must not be read."""

    dtype, ndim, shape = np.dtype(float), 1, (5,)

    def __array__(self, *args, **keywords):
        raise AssertionError("it was read")

    __getitem__ = __array__


def test_blocks_do_not_read_what_is_not_needed():
    program = least_squares("hessian", shard="n")
    X, w = VALUES["X"], VALUES["w"]
    for got in (program.over(rows=2)(X, w, Unread()), program.over(rows=2)(X=X), program(X)):
        np.testing.assert_allclose(got, X.T @ X, rtol=1e-12)


def test_the_size_of_a_result_without_arrays_is_told_by_the_variable():
    hessian = fr.derivative(fr.parse("norm2(x)^2"), "x").compile("hessian")
    np.testing.assert_array_equal(hessian(np.ones(3)), 2 * np.eye(3))
    np.testing.assert_array_equal(hessian(n=3), 2 * np.eye(3))
