"""vech and its matrices, and dimensions with halves: n(n+1)/2 is counted, inferred, written and read."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import frechet as fr
from frechet.expressions.dimension import dim, show_dimension
from frechet.expressions.errors import FrechetError, NotationError
from frechet.notation.latex import write_latex
from frechet.notation.reading import parse, read
from frechet.notation.unicode import write_unicode
from frechet.operations.vech import half_size


@pytest.mark.parametrize(
    ("d", "python", "shown"),
    [
        (half_size(dim("n")), "n*(n+1)//2", "n(n+1)/2"),
        ((dim("n") * (dim("n") - dim(1))).halved(), "n*(n-1)//2", "n(n-1)/2"),
        (half_size(dim("n")) + dim(1), "(n*n+n+2)//2", "(n²+n+2)/2"),
        (half_size(dim({("n",): 2})), "n*(2*n+1)", "2n²+n"),
        (half_size(dim("size")), "size*(size+1)//2", "size*(size+1)/2"),
        (half_size(dim(4)), "10", "10"),
    ],
)
def test_halves(d: object, python: str, shown: str) -> None:
    assert isinstance(d, type(dim(1)))
    for n in range(1, 6):
        assert d.size({"n": n, "size": n}) == eval(python, {"n": n, "size": n})
    assert show_dimension(d) == shown
    assert pickle.loads(pickle.dumps(d)) is d
    assert d + d is d * dim(2)


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("vech(X)", "n*(n+1)/2"), ("ones(n*(n+1)/2)", "n*(n+1)/2"), ("vech(X) + x", "n*(n+1)/2"),
        ("eye(n*(n-1)/2)*x", "n*(n-1)/2"),
        ("duplication(3)*x", "9"), ("vech(X) + ones(6)", "6"), ("elimination(n)*vec(X)", "n*(n+1)/2"),
        ("unit(n*(n+1)/2,2)", "n*(n+1)/2"),
    ],
)  # fmt: skip
def test_lengths_with_halves_are_inferred_written_and_read(text: str, shape: str) -> None:
    e = parse(text)
    assert str(e.shape[0]).replace("//", "/") == shape
    assert parse(str(e), {v.params[0]: v for v in fr.variables(e).values()}) is e
    assert "//" not in str(write_latex(e)) + str(write_unicode(e)) + str(e)


def test_the_size_of_a_vech_tells_the_size_of_the_matrix() -> None:
    assert str(read("vech(X) - ones(10)").variables["X"].shape) == "(Dim(4), Dim(4))"
    assert str(read("vech(X) - vech(Y)", ["Y: k×k"]).variables["X"].shape) == "(Dim(k), Dim(k))"
    with pytest.raises(FrechetError):
        parse("vech(X) - ones(7)")
    with pytest.raises(NotationError, match="a dimension is expected here"):
        parse("ones(n/2)")


@pytest.mark.parametrize("n", [1, 2, 4])
def test_the_matrices_do_what_they_say(n: int) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, n))
    s, lower = x + x.T, np.tril(x)
    half = np.array([x[i, j] for j in range(n) for i in range(j, n)])
    assert np.allclose(fr.parse("vech(X)", [f"X: {n}×{n}"]).evaluate({"X": x}), half)
    d, e = (np.asarray(fr.parse(f"{name}({n})").evaluate({})) for name in ("duplication", "elimination"))
    stacked = [fr.parse("vech(X)", [f"X: {n}×{n}"]).evaluate({"X": m}) for m in (s, lower)]
    assert np.allclose(d @ stacked[0], s.ravel(order="F"))
    assert np.allclose(e @ x.ravel(order="F"), half)
    assert np.allclose(e.T @ stacked[1], lower.ravel(order="F"))


def test_products_that_collapse() -> None:
    s = {"S": fr.matrix("S", "n", "n", "symmetric"), "X": fr.matrix("X", "n", "n")}
    for left, right in (
        ("duplication(n)*vech(S)", "vec(S)"), ("elimination(n)*vec(X)", "vech(X)"),
        ("elimination(n)*duplication(n)", "eye(n*(n+1)/2)"), ("commutation(n,n)*duplication(n)", "duplication(n)"),
        ("duplication(n)'*commutation(n,n)", "duplication(n)'"),
    ):  # fmt: skip
        assert parse(left, s) is parse(right, s)
    assert parse("duplication(n)*vech(X)", s) is not parse("vec(X)", s)
