"""Steps along the rows of a large matrix, taken together block by block: the same numbers, and the matrix read once."""

from __future__ import annotations

import re
from random import Random
from typing import Any

import numpy as np
import pytest

import frechet as fr
from frechet.compilation import row_groups
from frechet.compilation.numpy_source import compiled
from frechet.expressions.errors import FrechetError

DECLARED = ["X: n×k", "Z: n×m", "w: k", "u: k", "v: m", "y: n", "W: k×c", "Y: n×c", "a: scalar"]
SIZES = {"n": 7, "k": 3, "m": 2, "c": 2}
LARGE = {"n": 20_000, "k": 100, "m": 7, "c": 10}
FUNCTIONS = ["sin(%s)", "exp(%s/4)", "tanh(%s)", "softplus(%s)", "relu(%s)", "(%s).^2", "1 ./ (2+sin(%s))", "abs(%s)"]


def make_small(monkeypatch: pytest.MonkeyPatch, large: int, cached: int) -> None:
    """Arrays of so many entries count as large, a block has few rows, and whatever can be taken together is."""
    for name, value in {"LARGE": large, "CACHED": cached, "LEAST": 1, "SAVED": 1.0, "MULTIPLIED": 1.0}.items():
        monkeypatch.setattr(row_groups, name, value)
    for name in ("NEW", "PART"):
        monkeypatch.setattr(row_groups, name, 0.0)


@pytest.fixture(params=[(1, 12), (8, 6)], ids=["every array", "matrices"])
def small_blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    make_small(monkeypatch, *request.param)


@pytest.fixture
def blocks_of_matrices(monkeypatch: pytest.MonkeyPatch) -> None:
    make_small(monkeypatch, 8, 6)


def column(rng: Random, depth: int) -> str:
    """A vector of n entries."""
    if depth == 0:
        return rng.choice(["X*w", "X*w", "X*u", "Z*v", "y"])
    kind = rng.random()
    if kind < 0.4:
        return rng.choice(FUNCTIONS) % column(rng, depth - 1)
    if kind < 0.6:
        return f"({column(rng, depth - 1)}).*({column(rng, depth - 1)})"
    if kind < 0.8:
        return f"{column(rng, depth - 1)} - a*({column(rng, depth - 1)})"
    if kind < 0.9:
        return f"logsumexp({table(rng, depth - 1)}, 2)"
    return f"{number(rng, depth - 1)}*({column(rng, depth - 1)})"


def table(rng: Random, depth: int) -> str:
    """A matrix of n rows and c columns."""
    if depth == 0:
        return rng.choice(["X*W", "X*W", "Y"])
    kind = rng.random()
    if kind < 0.5:
        return rng.choice(FUNCTIONS) % table(rng, depth - 1)
    if kind < 0.7:
        return f"softmax({table(rng, depth - 1)}, 2)"
    return f"({table(rng, depth - 1)}).*({table(rng, depth - 1)})"


def number(rng: Random, depth: int) -> str:
    """A number, of all rows."""
    x = column(rng, depth)
    return rng.choice(
        [f"sum({x})", f"norm2({x})^2", f"y'*({x})", f"logsumexp({x})", f"sum({table(rng, depth)})/n", f"norm2(X'*({x}))^2"]
    )


def outputs(text: str) -> list[Any]:
    """The value, the gradients, and the derivatives of these along a direction."""
    g = fr.parse(text, DECLARED)
    found = [g]
    for name, v in fr.variables(g).items():
        if name in "wuvWX":
            d = fr.derivative(g, v)
            found += [d.gradient, *([d.gradient_differential] if name != "X" else [])]
    return found


def arrays(names: Any, sizes: dict[str, int]) -> dict[str, Any]:
    rng = np.random.default_rng(1)
    shapes = {d.split(":")[0]: d.split(": ")[1] for d in DECLARED}

    def array(name: str) -> Any:
        shape = shapes[name if name in shapes else name[1:]]
        return rng.normal() if shape == "scalar" else rng.normal(size=[sizes[n] for n in shape.split("×")])

    return {name: array(name) for name in names}


def agree(expressions: list[Any], sizes: dict[str, int], backend: str = "numpy") -> str:
    """Do the program and the formulas give the same? The program; in C where that is the back end and it runs there."""
    program = fr.compile(expressions, backend=backend)
    values = arrays(program.arguments.names, sizes)
    reference: Any = compiled(expressions)
    wanted = reference(**values, **{n: sizes[n] for n in reference.sizes})
    for found, expected in zip(program(**values), wanted, strict=True):
        assert np.allclose(found, expected, 1e-9, 1e-9 * np.max(np.abs(expected), initial=1.0))
        assert np.shape(found) == np.shape(expected)
    made = program.at(**sizes)
    return made.function if made.in_python else made.c_source  # type: ignore[attr-defined]


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("block", range(4))
def test_random_programs(block: int) -> None:
    grouped = 0
    for seed in range(25 * block, 25 * block + 25):
        rng = Random(seed)
        text = number(rng, rng.randint(1, 3))
        try:
            expressions = outputs(text)
        except FrechetError:
            continue
        grouped += "for i" in agree(rng.sample(expressions, min(3, len(expressions))), SIZES)
    assert grouped > 5


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("part", [0, *(pytest.param(k, marks=pytest.mark.sweep) for k in range(1, 10))])
def test_random_programs_in_c(part: int) -> None:
    grouped = 0
    for seed in range(8 * part, 8 * part + 8):
        rng = Random(seed)
        try:
            expressions = outputs(number(rng, rng.randint(1, 3)))
        except FrechetError:
            continue
        grouped += "static int block0(" in agree(rng.sample(expressions, min(3, len(expressions))), SIZES, "c")
    assert grouped > 1


def test_rows_of_results_and_parts_of_sums_in_c() -> None:
    g = fr.parse("norm2(tanh(X*w)-y)^2", DECLARED)
    expressions = [g, fr.derivative(g, "w").gradient, fr.parse("tanh(X*w)", DECLARED)]
    assert "static int block0(" in agree(expressions, {**LARGE, "n": 20_003}, "c")
    with_columns = [fr.parse("sum(sin(X).^2, 2)", DECLARED), fr.parse("X'*(X*w)", DECLARED)]
    assert "static int block0(" in agree(with_columns, LARGE, "c")


SYMMETRIC = [
    "adj(sin(S)^2 + eye(n))*y",
    "inv(exp(S)^2 + eye(n))*S",
    "y'*exp(S)^2*y",
    "sum(exp(S).*S)",
    "S*tanh(S*y)",
    "tr(exp(S)*sin(S))",
    "exp(S)*S*y",
]


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("text", SYMMETRIC)
def test_rows_of_symmetric_matrices(text: str) -> None:
    """Their columns are rows; what is needed by rows and as a whole is formed first."""
    e = fr.parse(text, ["S: n×n symmetric", "y: n"])
    S, y = np.random.default_rng(2).normal(size=(4, 4)), np.arange(4.0)
    given = {n: {"S": (S + S.T) / 2, "y": y}[n] for n in fr.variables(e)}
    reference: Any = compiled([e])
    (expected,) = reference(**given, **dict.fromkeys(reference.sizes, 4))
    for backend in ("numpy", "c"):
        assert np.allclose(fr.compile(e, backend=backend)(**given), expected, 1e-10)


READ_ONCE = {
    "gradient of a logistic loss": "sum(softplus(X*w)) - y'*X*w",
    "of least squares with a penalty": "norm2(X*w-y)^2 + a*norm2(w)^2",
    "of several columns": "norm2(X*W-Y)^2",
    "of classes": "sum(logsumexp(X*W,2)) - tr(Y'*X*W)",
    "two matrices": "norm2(X*w + Z*v)^2",
}


@pytest.mark.parametrize("text", READ_ONCE.values(), ids=READ_ONCE)
def test_a_large_matrix_is_read_once(text: str) -> None:
    g = fr.parse(text, DECLARED)
    by = fr.variables(g)["W" if "W" in fr.variables(g) else "w"]
    for e in (fr.derivative(g, by).gradient, fr.derivative(g, by).gradient_differential):
        source = agree([e], LARGE)
        assert len(re.findall(r"\bX\b(?!\.shape)", source)) == 2  # the parameter, and the rows of a block


def test_what_needs_all_rows_is_not_taken_together() -> None:
    """The largest entry is of all rows: X is read for it, and again for the sum."""
    assert "for " not in agree(outputs("logsumexp(X*w)")[1:2], LARGE)
    source = agree([fr.derivative(fr.parse("logsumexp(X*w)", DECLARED), "w").gradient_differential], LARGE)
    assert len(re.findall(r"\bX\b(?!\.shape)", source)) == 3  # once for both products, then for the sum
    assert source.count("for ") == 1


def test_small_matrices_are_left_alone() -> None:
    assert "for " not in agree(outputs("norm2(X*w-y)^2"), {**LARGE, "n": 1000})


@pytest.mark.usefixtures("small_blocks")
def test_results_by_rows_and_sums() -> None:
    """What is needed elsewhere as well is put together row by row."""
    residual = fr.parse("tanh(X*w) - y", DECLARED)
    gradient = fr.derivative(fr.parse("norm2(tanh(X*w) - y)^2", DECLARED), "w").gradient
    assert "for " in agree([residual, gradient], SIZES)


@pytest.mark.usefixtures("small_blocks")
def test_single_and_complex_precision() -> None:
    gradient = fr.derivative(fr.parse("norm2(X*w-y)^2", DECLARED), "w").gradient
    program = fr.compile(gradient)
    values = {n: np.asarray(a, np.float32) for n, a in arrays(program.arguments.names, SIZES).items()}
    assert program(**values).dtype == np.float32
    X, w, y = (values[n].astype(float) for n in "Xwy")
    assert np.allclose(program(**values), 2 * X.T @ (X @ w - y), 1e-4, 1e-4)
    g = fr.parse("w'*X'*(X*w)", ["X: n×k complex", "w: k complex"])
    programs = fr.compile([fr.parse("X.'*(X*w)", ["X: n×k complex", "w: k complex"]), g])
    X = X + 1j * X[::-1]
    w = w - 2j
    found = programs(X, w)
    assert np.allclose(found[0], X.T @ (X @ w))
    assert "for " in programs.at("z", **SIZES).function


@pytest.mark.usefixtures("small_blocks")
def test_names_that_are_taken() -> None:
    declared = ["x1: rows×k", "t1: k", "rows_: rows"]
    gradient = fr.derivative(fr.parse("norm2(x1*t1-rows_)^2", declared), "t1").gradient
    x, t, r = (np.random.default_rng(0).normal(size=s) for s in ((7, 3), 3, 7))
    assert np.allclose(fr.compile(gradient, ["x1", "t1", "rows_"])(x, t, r), 2 * x.T @ (x @ t - r))


def test_prepared() -> None:
    """With the point fixed its own products are computed once, and the others are taken together."""
    sizes = {**LARGE, "n": 400, "k": 5000}
    program = fr.compile(fr.derivative(fr.parse("sum(softplus(X*w/100))", DECLARED), "w").gradient_differential)
    values = arrays(program.arguments.names, sizes)
    direction = values.pop("dw")
    assert np.allclose(program.prepare(**values)(direction), program(**values, dw=direction))
    assert "for " in program.at(early=tuple(values), **sizes).source.split("def apply")[1]


@pytest.mark.usefixtures("blocks_of_matrices")
def test_one_after_the_other() -> None:
    """Gradient descent written out: a group each step, each needing the one before."""
    text = "w"
    for _ in range(4):
        text = f"({text} - 0.01*X'*(X*({text}) - y))"
    source = agree([fr.parse(text, DECLARED)], SIZES)
    assert source.count("for ") == 4


@pytest.mark.usefixtures("blocks_of_matrices")
def test_the_table_counts_all_blocks() -> None:
    gradient = fr.derivative(fr.parse("norm2(X*w-y)^2", DECLARED), "w").gradient
    n, k = SIZES["n"], SIZES["k"]
    program = fr.compile(gradient).at(**SIZES)
    (row,) = [line for line in program.table().splitlines() if line.startswith("# n rows, 2 at a time")]
    flops, moved = (int(number.replace(",", "")) for number in row.split()[-2:])
    assert 4 * n * k <= flops <= 4 * n * k + 2 * n
    assert moved == 8 * (n * k + n + 2 * k)
