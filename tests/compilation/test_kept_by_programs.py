"""What every back end keeps of its arguments, whatever the operation: single precision, and nan."""

from random import Random

import numpy as np
import pytest
from scipy.sparse import csr_array
from test_registry import example, free_variables

import frechet as fr
from frechet.expressions.errors import ShapeError, UnsupportedError
from frechet.expressions.node import variables
from frechet.expressions.operation import all_operations
from frechet.operations.declared_functions import symbols
from frechet.operations.elementwise import Elementwise
from frechet.verification.sampling import random_sizes, sample

PAGES = [(page, field) for page in all_operations() for field in ("real", "complex") if field == "real" or page.complex]
DRAWN = {"spd": "spd", "invertible": "spd", "": "plain"}


def as_type(values, single):
    kinds = ("f", "F") if single else ("d", "D")
    return {n: np.asarray(v, kinds[np.iscomplexobj(v)]) for n, v in values.items()}


@pytest.mark.parametrize("backend", ["numpy", "c", "jax", "torch"])
@pytest.mark.parametrize(("page", "field"), PAGES, ids=[f"{page.name}-{field}" for page, field in PAGES])
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_every_page_keeps_single_precision_and_nan(page, field, backend):
    if backend in ("jax", "torch"):
        pytest.importorskip(backend)
    e = example(page, page.examples[0], field)
    if symbols(e) or not variables(e):
        pytest.skip("a declared function has its own precision; a constant the library's usual one")
    try:
        program = fr.compile(e, backend=backend)
    except UnsupportedError:
        pytest.skip("test_library_pages.py tells what a library has")
    sizes = random_sizes([e], Random(5))
    single = as_type(sample(variables(e), sizes, Random(6), DRAWN.get(page.domain, "unit01")), True)
    free = {n: sizes[n] for n in program.arguments.sizes}
    rng = np.random.default_rng(0)
    double = as_type(single, False)
    moved = {n: v * (1 + 1e-7 * rng.choice([-1, 1], v.shape)) for n, v in double.items()}
    with np.errstate(all="ignore"):
        found = np.asarray(program(**single, **free))
        exact, near = (fr.compile(e)(**values, **free) for values in (double, moved))
    assert found.dtype in (np.float32, np.complex64)
    size, change = (np.nan_to_num(np.abs(a)).max(initial=1e-30) for a in (exact, near - exact))
    allowed = 1e-5 * size + 100 * change
    np.testing.assert_allclose(found, exact, rtol=0, atol=allowed)
    for v in free_variables(e):
        lost = single | {v.params[0]: np.full_like(single[v.params[0]], np.nan if v.real else complex(np.nan, np.nan))}
        with np.errstate(all="ignore"):
            assert np.isnan(np.asarray(program(**lost, **free))).any()


BY_ENTRIES = [
    f"{page.name}(x)" for page in all_operations() if isinstance(page, Elementwise) and page.examples[0] == f"{page.name}(x)"
]
BY_PLACES = [
    "max(x)", "min(x)", "norm1(x)", "norminf(x)", "sum(max(x,0))", "sum(min(x,1).^2)", "sum(clip(x,0,1))",
    "sum(hinge(x,2*x))", "sum(elu(x,2))", "sum(huber(x,1))", "x'*max(x*y',[],2)", "x'*min(x*y',[],2)",
    "sum(relu(conv1d(x,y)))",
]  # fmt: skip


@pytest.mark.parametrize("n", [3, 2000])
@pytest.mark.parametrize("backend", ["numpy", "c", "jax", "torch"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_derivatives_of_nan_are_nan(backend, n):
    """Also masks and the places of largest entries, which do not change elsewhere."""
    if backend in ("jax", "torch"):
        pytest.importorskip(backend)
    y = fr.vector("y", "m")
    found = {}
    for text in [*(f"sum({f})" for f in BY_ENTRIES), *BY_PLACES]:
        gradient = fr.derivative(fr.parse(text, {"x": "n", "y": y}), "x").gradient
        if "x" in fr.variables(gradient):  # that of sum(sign(x)) is 0 for every x
            found[text] = gradient
    program = fr.compile(found, ["x", "y"], backend=backend)
    x, few = np.full(n, 0.5), np.array([0.3, 0.6])
    x[1] = np.nan
    here = program(x, few)
    assert not [text for text, gradient in here.items() if not np.isnan(np.asarray(gradient)).any()]


CASES = [
    ("pinv(X)*b", {"X": "m×n", "b": "m"}),
    ("proj(X)*b", {"X": "m×n", "b": "m"}),
    ("tr(sqrtm(X*X'))", {"X": "m×n"}),
]


@pytest.mark.parametrize("backend", ["numpy", "jax", "torch"])
@pytest.mark.parametrize(("text", "shapes"), CASES)
def test_the_rank_is_told_by_the_precision(text, shapes, backend):
    if backend in ("jax", "torch"):
        pytest.importorskip(backend)
    rng = np.random.default_rng(1)
    x = rng.normal(size=(6, 2)) @ rng.normal(size=(2, 4))
    values = {"X": x, "b": rng.normal(size=6)}
    e = fr.parse(text, shapes)
    given = {n: values[n] for n in shapes}
    found = fr.compile(e, list(shapes), backend=backend)(**as_type(given, True))
    wanted = fr.compile(e, list(shapes))(**given)
    np.testing.assert_allclose(np.asarray(found), wanted, rtol=2e-3, atol=1e-4)


def test_derivatives_of_eigenvectors_in_single_precision():
    g = fr.parse("(a'*eigvecmax(S))^2", {"a": "n", "S": "n×n symmetric"})
    gradient = fr.derivative(g, "S").compile("gradient")
    rng = np.random.default_rng(2)
    s = rng.normal(size=(5, 5))
    values = {"a": rng.normal(size=5), "S": s + s.T}
    found = gradient(**as_type(values, True))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, gradient(**values), atol=1e-5)


def test_numbers_alone_tell_the_precision_and_pythons_own_do_not():
    program = fr.compile(fr.parse("c*d + 1"), ["c", "d"])
    assert program(np.float32(2), 3.0).dtype == np.float32
    assert program(np.float64(2), np.float32(3)).dtype == np.float64
    assert program(2.0, 3).dtype == np.float64


@pytest.mark.parametrize("backend", ["numpy", "c"])
@pytest.mark.parametrize("c", [1.1, np.float32(1.1), np.float64(1.1)])
def test_the_first_call_gives_what_later_ones_give(c, backend):
    """To the last bit, also where a number of Python stands beside arrays in single precision."""
    g = fr.parse("sum(log(ones(n) + (x/c).^2))", {"x": "n", "c": "scalar"})
    program = fr.derivative(g, "x").compile("value", "gradient", inputs=["x", "c"], backend=backend)
    x = np.random.default_rng(0).normal(size=8).astype("f")
    (value, first), *others = [program(x, c) for _ in range(3)]
    assert all(again == value and np.array_equal(gradient, first) for again, gradient in others)


NUMBERS = [
    "log(n)",
    "1/sqrt(n)",
    "n^0.3",
    "n^(-n)",
    "exp(-n)*log(2)",
    "sqrt(2)",
    "lgamma(n/2)",
    "n*log(pi) + c",
    "sigmoid(n)",
]


@pytest.mark.parametrize("backend", ["numpy", "c"])
@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("beside", ["x", "sum(x)"])
def test_numbers_and_sizes_leave_arrays_in_their_precision(number, beside, backend):
    program = fr.compile(fr.parse(f"c*({number})*{beside}", {"x": "n", "c": "scalar"}), ["x", "c"], backend=backend)
    x = np.array([0.25, 1.0, 2.0], "f")
    found = program(x, np.float32(0.5))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, program(x.astype("d"), 0.5), rtol=1e-6)


NO_NUMBERS = {
    "is real, and this is complex": np.array([1 + 2j, 1]),
    "has masked entries": np.ma.array([1.0, 5.0], mask=[False, True]),
    "of numbers, not text": ["1", "2"],
    "of numbers, not dates": np.array(["2020-01-01"], "M8[D]"),
    "of numbers, not None": [1.0, None],
    "of numbers, not objects such as one of the class dict": [{}, 1],
    "of numbers, not whole numbers beyond all floats": [10**400, 1],
    "of numbers, not numbers as objects": np.array([1.0, 2.0], object),
    "not lists of different lengths": [[1.0, 2.0], [3.0]],
    "is sparse": csr_array([[1.0, 0.0]]),
}


@pytest.mark.parametrize("message", NO_NUMBERS)
@pytest.mark.parametrize("way", ["evaluate", "numpy", "c", "jax", "torch"])
def test_nothing_of_an_argument_is_left_out(way, message):
    if way in ("jax", "torch"):
        pytest.importorskip(way)
    g, x = fr.parse("x'*x"), NO_NUMBERS[message]
    call = (lambda a: g.evaluate({"x": a})) if way == "evaluate" else fr.compile(g, backend=way)
    with pytest.raises(ShapeError, match=f"^x {message}|^x needs a 1-D array of shape n,? {message}"):
        call(x)


BEYOND = [
    ("sum(X[2:3,:])", "index 3: the axis has length 2"),
    ("X[3,1]", "index 3: the axis has length 2"),
    ("sum(X[k:k+1,:])", r"index k\+1 = 3: the axis has length 2"),
    ("sum(X[n-2,:])", "index n-2 = 0: the axis has length 2"),
    ("svdval(X,3)", "singular value 3: the matrix has 2"),
    ("eigval(X'*X,4)", "eigenvalue 4: the matrix has 3"),
]


@pytest.mark.parametrize(("text", "message"), BEYOND)
@pytest.mark.parametrize("way", ["evaluate", "numpy", "c", "jax", "torch"])
def test_a_place_that_is_not_there_is_refused(way, text, message):
    """Slices are not cut off, indices are not moved; of gradients and prepared programs neither."""
    if way in ("jax", "torch"):
        pytest.importorskip(way)
    g = fr.parse(text, {"X": "n×m"})
    values = {"X": np.ones((2, 3)), **({"k": 2} if "k" in text else {})}
    with pytest.raises(ShapeError, match=f"there is no {message}"):
        if way == "evaluate":
            g.evaluate(values)
        else:
            fr.compile(g, backend=way)(**values)
    if way != "evaluate":
        program = fr.derivative(g, "X").compile("value", "gradient", backend=way)
        with pytest.raises(ShapeError, match=f"there is no {message}"):
            program(**values)
