"""Long chains and deep nesting: nothing recurses on depth, and what is too deep is refused with our own error."""

from __future__ import annotations

import gc
import pickle
import subprocess
import sys
import weakref
from pathlib import Path

import numpy as np
import pytest
from test_random_expressions import read_back

import frechet as fr
from frechet.compilation.numpy_source import evaluate
from frechet.differentiation.derivative import Derivative
from frechet.expressions.errors import FrechetError
from frechet.expressions.node import Expr, walk
from frechet.notation.latex import write_latex
from frechet.notation.text import write_text
from frechet.notation.unicode import write_unicode

LENGTH = 20_000
x, y, c = fr.vector("x", "n"), fr.vector("y", "n"), fr.scalar("c")


def chain(length: int) -> Expr:
    """sin(sin(…sin(x).*y + x…).*y + x): `length` operations on top of each other."""
    e = x
    for i in range(length // 3):
        e = fr.sin(e) * y + (x if i % 2 else y)
    return e


@pytest.fixture(scope="module")
def deep() -> Expr:
    return chain(LENGTH)


def test_a_deep_chain_differentiates_prints_and_evaluates(deep: Expr) -> None:
    f = fr.sum(deep)
    d = Derivative(f, x)
    written = write_text(d.gradient)
    assert written.where
    assert len(written.text) + sum(map(len, written.where.values())) < 100 * LENGTH
    values = {"x": np.array([0.1, 0.2, 0.3]), "y": np.array([0.5, 0.4, 0.3])}
    gradient = evaluate(d.gradient, values)
    step = np.array([0.3, -0.2, 0.5]) * 1e-5
    more, less = (evaluate(f, {**values, "x": values["x"] + s * step}) for s in (1, -1))
    assert abs(gradient @ (2 * step) - (more - less)) <= 1e-7 * abs(more - less)


def test_the_other_notations_print_it(deep: Expr) -> None:
    assert str(write_latex(deep)) and str(write_unicode(deep))


def test_a_deep_chain_pickles(deep: Expr) -> None:
    assert pickle.loads(pickle.dumps(deep)) is deep


def test_a_deep_chain_is_collected_without_a_crash() -> None:
    """In a process of its own, so that a crash is seen as one."""
    program = (
        "import gc, frechet as fr\n"
        "x, y = fr.vector('x', 'n'), fr.vector('y', 'n')\n"
        "e = x\n"
        f"for i in range({LENGTH}):\n"
        "    e = fr.sin(e) * y\n"
        "del e\n"
        "gc.collect()\n"
        "print('collected')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.stdout.strip() == "collected", done.stderr[-500:]
    gc.collect()


def test_what_nobody_holds_is_forgotten_with_its_transposes() -> None:
    a, b = fr.matrix("A_watched", "n", "m"), fr.vector("b_watched", "n")  # (other tests hold other variables)
    e = fr.norm(a.T @ fr.sin(b)) ** 2
    watched = [weakref.ref(node) for node in walk(e, a.T, (fr.sin(b) + b).T, Derivative(e, a).gradient)]
    del a, b, e
    gc.collect()
    kept = [node.op.name for node in (w() for w in watched) if node is not None]
    assert set(kept) <= {"number"}  # 1 and 0 are there for ever


@pytest.mark.parametrize(
    "text",
    [
        "(" * 10_000 + "x" + ")" * 10_000,
        "sin(" * 10_000 + "x" + ")" * 10_000,
        "-" * 10_000 + "x",
        "x" + "'" * 10_000,
        "c" + "^2" * 10_000,
        "exp(1+" * 10_000 + "c" + ")" * 10_000,
        "(A*" * 10_000 + "A" + ")" * 10_000,
        "+".join(["x"] * 10_000),
        "*".join(["A"] * 999),
        "*".join(["c"] * 10_000),
        "./".join(["x"] * 10_000),
        "(" * 10_000,
        "[" * 10_000,
    ],
    ids=lambda text: f"{text[:6]}…",
)
def test_deep_nesting_is_read_or_refused(text: str) -> None:
    """Never a RecursionError, never a crash."""
    try:
        e = fr.parse(text)
    except FrechetError as error:
        assert error.message
        assert len(error.pointed()) < 1000
        return
    if e.op.name != "hadamard" or e.params[0] < 10**300:  # longer numbers are not read
        assert read_back(e) is e


def test_deep_products_of_matrices() -> None:
    matrices = [fr.matrix(f"A{i}", "n", "n") for i in range(300)]
    e = matrices[0]
    for a in matrices[1:]:
        e = e @ a
    d = Derivative(fr.tr(e), matrices[150])
    assert len(d.gradient.args) == 299
