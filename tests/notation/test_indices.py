"""Entries, slices, blocks, broadcasting and sums over an index, as typed: what they are, and where they are none."""

from __future__ import annotations

from collections.abc import Callable
from time import process_time
from typing import Any

import numpy as np
import pytest

from frechet.compilation.numpy_source import evaluate, numpy_source
from frechet.differentiation.derivative import Derivative
from frechet.expressions.errors import FrechetError, LimitError, NotationError, ShapeError, UnsupportedError
from frechet.expressions.node import variables
from frechet.notation.latex import write_latex
from frechet.notation.reading import parse, read
from frechet.notation.text import write_text
from frechet.notation.unicode import write_unicode
from frechet.verification.check import check_gradient

SIZES = {"n": 5, "m": 4, "k": 2, "p": 3, "i": 3, "j": 2}
DECLARED = ["X: n×m", "Y: n×m", "A: n×n", "B: n×m", "x: n", "y: n", "z: m", "u: k", "b: m", "mu: m", "c: scalar", "W: m×p"]
Arrays = dict[str, Any]


def value(text: str) -> tuple[Any, Arrays]:
    """The value of a formula at a random point, and that point."""
    e = parse(text, DECLARED)
    rng = np.random.default_rng(3)
    shapes = {"X": (5, 4), "Y": (5, 4), "A": (5, 5), "B": (5, 4), "x": (5,), "y": (5,), "z": (4,), "u": (2,), "b": (4,)}
    shapes |= {"mu": (4,), "c": (), "W": (4, 3)}
    at = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    return evaluate(e, at, SIZES), at


PARTS: list[tuple[str, Callable[[Arrays], Any]]] = [
    ("X[2,3]", lambda v: v["X"][1, 2]),
    ("X[i,j]", lambda v: v["X"][2, 1]),
    ("X[i,1:k]", lambda v: v["X"][2, :2]),
    ("X[:,j]", lambda v: v["X"][:, 1]),
    ("X[i,:]", lambda v: v["X"][2]),
    ("X'[2,3]", lambda v: v["X"][2, 1]),
    ("X'[2,:]", lambda v: v["X"][:, 1]),
    ("(X + Y)[2:3,1]", lambda v: (v["X"] + v["Y"])[1:3, 0]),
    ("(A*X)[1:k,k+1:m]", lambda v: (v["A"] @ v["X"])[:2, 2:]),
    ("exp(X)[2:4,2:3]", lambda v: np.exp(v["X"])[1:4, 1:3]),
    ("x[i]", lambda v: v["x"][2]),
    ("x[i+1]", lambda v: v["x"][3]),
    ("x[end]", lambda v: v["x"][-1]),
    ("x[end-1]", lambda v: v["x"][-2]),
    ("X[end,end]", lambda v: v["X"][-1, -1]),
    ("x[2:end]", lambda v: v["x"][1:]),
    ("x[1:k]", lambda v: v["x"][:2]),
    ("x[k+1:n]", lambda v: v["x"][2:]),
    ("x[1:n]", lambda v: v["x"]),
    ("x[:]", lambda v: v["x"]),
    ("x'[2:3]", lambda v: v["x"][1:3]),
    ("x[2:4][2:3][1]", lambda v: v["x"][2]),
    ("A[1:k,1:k]*x[1:k]", lambda v: v["A"][:2, :2] @ v["x"][:2]),
    ("x[1:k]*x[2:3]'", lambda v: np.outer(v["x"][:2], v["x"][1:3])),
    ("eye(n)[:,2:3]*z[1:2] + x", lambda v: np.r_[0, v["z"][:2], 0, 0] + v["x"]),
    ("[A, x; y', c]", lambda v: np.block([[v["A"], v["x"][:, None]], [v["y"], v["c"]]])),
    ("[x; z; c; 2]", lambda v: np.r_[v["x"], v["z"], v["c"], 2]),
    ("[x', z']", lambda v: np.r_[v["x"], v["z"]]),
    ("[x, y, ones(n)]", lambda v: np.stack([v["x"], v["y"], np.ones(5)], 1)),
    ("[x'; y']", lambda v: np.stack([v["x"], v["y"]])),
    ("[X, A; z', [y', c][1:n]]", lambda v: np.block([[v["X"], v["A"]], [v["z"], v["y"]]])),
    ("[A, X; [y', z']]", lambda v: np.block([[v["A"], v["X"]], [v["y"], v["z"]]])),
    ("[1, 2; 3, 4]", lambda v: np.array([[1, 2], [3, 4]])),
    ("[1, 2; 3, c]'", lambda v: np.array([[1, 3], [2, v["c"]]])),
    ("[A; X']", lambda v: np.vstack([v["A"], v["X"].T])),
    ("[A, X][2:3,n]", lambda v: v["A"][1:3, 4]),
    ("[A, X][:,n+1:n+m]", lambda v: v["X"]),
    ("[x; z][n+j]", lambda v: v["z"][1]),
    ("[zeros(n,m), A; X, X*ones(m,n)][1:n,:]", lambda v: np.hstack([np.zeros((5, 4)), v["A"]])),
    ("X .+ b'", lambda v: v["X"] + v["b"]),
    ("X .- x", lambda v: v["X"] - v["x"][:, None]),
    ("X .+ c", lambda v: v["X"] + v["c"]),
    ("c .- x'", lambda v: v["c"] - v["x"]),
    ("x .+ b'", lambda v: v["x"][:, None] + v["b"]),
    ("2.+x", lambda v: 2 + v["x"]),
    ("-X .+ b' .- c*Y", lambda v: -v["X"] + v["b"] - v["c"] * v["Y"]),
    ("sum_i(x[i])", lambda v: v["x"].sum()),
    ("sum_i(x[i]*y[i]*c)", lambda v: v["c"] * v["x"] @ v["y"]),
    ("sum_i(X[i,:]*z*exp(y[i]))", lambda v: np.exp(v["y"]) @ v["X"] @ v["z"]),
    ("sum_i(X[i,:]')", lambda v: v["X"].sum(0)),
    ("sum_i(X[i,:]/(1+x[i]^2))", lambda v: (v["X"] / (1 + v["x"] ** 2)[:, None]).sum(0)),
    ("sum_i(X[:,i]*z[i])", lambda v: v["X"] @ v["z"]),
    ("sum_i(x[i]*X[i,:]'*Y[i,:])", lambda v: v["X"].T @ np.diag(v["x"]) @ v["Y"]),
    ("sum_i(A*x[i] + X*X')", lambda v: v["A"] * v["x"].sum() + 5 * v["X"] @ v["X"].T),
    ("sum_i(exp(X[i,:]*W)*ones(p))", lambda v: np.exp(v["X"] @ v["W"]).sum()),
    ("sum_i(norm2(W'*(X[i,:]'-mu))^3)", lambda v: (np.linalg.norm((v["X"] - v["mu"]) @ v["W"], axis=1) ** 3).sum()),
    ("sum_i(norm1(X[i,:]-mu'))", lambda v: np.abs(v["X"] - v["mu"]).sum()),
    ("sum_i(max(x[i],y[i]))", lambda v: np.maximum(v["x"], v["y"]).sum()),
    ("sum_i(exp(x[i])^exp(y[i]))", lambda v: (np.exp(v["x"]) ** np.exp(v["y"])).sum()),
    ("sum_i(sum(X[i,:].^2./(1 .+ z'.^2)))", lambda v: (v["X"] ** 2 / (1 + v["z"] ** 2)).sum()),
    ("sum_i(A[i,i]*x[i])", lambda v: np.diag(v["A"]) @ v["x"]),
    ("sum_i(X[i,:]*Y[i,:]'*x[i])", lambda v: ((v["X"] * v["Y"]).sum(1) * v["x"]).sum()),
    ("sum_i(sum_j(A[i,j]*x[i]*y[j]))", lambda v: v["x"] @ v["A"] @ v["y"]),
    ("sum_i(x[i]*sum_i(z[i]))", lambda v: v["x"].sum() * v["z"].sum()),
    ("sum_i(sum_j(exp(x[i]-y[j])))", lambda v: np.exp(v["x"][:, None] - v["y"]).sum()),
    ("sum_i(sum_j((X[i,:]-Y[j,:])*(X[i,:]-Y[j,:])'))", lambda v: ((v["X"][:, None] - v["Y"]) ** 2).sum()),
    ("r = X[i,:]*z - y[i]\nsum_i(r^2)/n", lambda v: ((v["X"] @ v["z"] - v["y"]) ** 2).mean()),
    ("sum_j(y[i]*z[j])", lambda v: v["y"][2] * v["z"].sum()),
    ("sum_i(A[:,i].*(A'*A[i,:]'))", lambda v: sum(v["A"][:, i] * (v["A"].T @ v["A"][i]) for i in range(5))),
    ("sum_i(sum_j(norm2(X[i,:]-Y[j,:])^2))", lambda v: ((v["X"][:, None] - v["Y"]) ** 2).sum()),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), PARTS, ids=[text for text, _ in PARTS])
def test_value(text: str, expected: Callable[[Arrays], Any]) -> None:
    found, at = value(text)
    np.testing.assert_allclose(found, expected(at), rtol=1e-12)


@pytest.mark.parametrize("text", [text for text, _ in PARTS])
def test_what_is_written_reads_back(text: str) -> None:
    e = parse(text, DECLARED)
    known = {v.params[0]: v for v in variables(e)}
    for brackets in (True, False):
        assert parse(str(write_text(e, brackets=brackets)), known, dimensions=SIZES) is e
    assert str(write_unicode(e))
    assert str(write_latex(e)).count("{") == str(write_latex(e)).count("}")
    if e.kind == "scalar":
        for v in known.values():
            report = check_gradient(e, v, Derivative(e, v).gradient)
            assert report.ok, f"{v}: {report.reason}"


WRITTEN = [
    ("exp(X[i,j])", "X", "exp(X[i,j])*unit(n,i)*unit(m,j)'"),
    ("sum(X[:,j])", "X", "ones(n)*unit(m,j)'"),
    ("X[2,:]*y", "X", "unit(n,2)*y'"),
    ("norm2(X[1:k,:])^2", "X", "2*[X[1:k,:]; zeros(n-k,m)]"),
    ("norm2(X[:,2:4])^2", "X", "2*[zeros(n), X[:,2:4], zeros(n,m-4)]"),
    ("y'*x[2:n]", "x", "[0; y]"),
    ("x[1:k]'*A*x[1:k] + sum(x[k+1:n])", "x", "[(A + A')*x[1:k]; ones(n-k)]"),
    ("norm2([A, B]*x - y)^2", "A", "2*([A, B]*x - y)*x[1:m]'"),
    ("logdet([A, b; b', c])", "c", "inv([A, b; b', c])[n+1,n+1]"),
    ("norm2([x; y])^2", "x", "2*x"),
    ("norm2(X*W .+ b' - Y)^2", "b", "2*(X*W + ones(n)*b' - Y)'*ones(n)"),
    ("sum_i(log(1+exp(-y[i]*X[i,:]*w)))", "w", "-X'*(y.*sigmoid(-y.*(X*w)))"),
    ("sum_i((X[i,:]*w - y[i])^2)", "w", "2*X'*(X*w - y)"),
    ("sum_i(sum_j(A[i,j]*x[i]*x[j]))", "x", "(A + A')*x"),
    ("sum_i(norm2(X[i,:]'-z)^2)", "z", "-2*(X - ones(n)*z')'*ones(n)"),
    ("sum_i(w[i]*norm2(X[i,:]-Y[i,:])^2)", "X", "2*diag(w)*(X - Y)"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "name", "expected"), WRITTEN)
def test_gradient_is_written(text: str, name: str, expected: str) -> None:
    reading = read(text, wrt=None)
    x = reading.variables[name]
    gradient = Derivative(reading.expression, x).gradient
    assert str(write_text(gradient)) == expected
    assert check_gradient(reading.expression, x, gradient).ok


STRUCTURED = [
    ("X[i,j]^2", "symmetric", "X[j,i]*(unit(n,i)*unit(n,j)' + unit(n,j)*unit(n,i)')"),
    ("X[i,i]^2", "diagonal", "2*X[i,i]*diag(unit(n,i))"),
    ("X[1,2]^2", "skew", "X[1,2]*(unit(n,1)*unit(n,2)' - unit(n,2)*unit(n,1)')"),
    ("X[1,2] + X[2,2]", "lower", None),
    ("norm2(X[1:k,1:k])^2", "toeplitz", None),
    ("logdet(X[1:k,1:k])", "spd", "[inv(X[1:k,1:k]), zeros(k,n-k); zeros(n-k,k), zeros(n-k,n-k)]"),
]


@pytest.mark.parametrize(("text", "structure", "expected"), STRUCTURED)
def test_entries_of_structured_matrices(text: str, structure: str, expected: str | None) -> None:
    reading = read(text, [f"X: n×n {structure}"])
    x = reading.variables["X"]
    gradient = Derivative(reading.expression, x).gradient
    assert expected is None or str(write_text(gradient)) == expected
    assert check_gradient(reading.expression, x, gradient).ok


def test_parts_of_complex_arrays() -> None:
    declared = ["Z: n×m complex", "w: m complex", "A: n×k complex", "y: n complex"]
    formulas = ["norm2(Z[1:k,:]*w)^2", "re(Z[i,j]*conj(w[j]))", "norm2([A, Z]*[ones(k); w] - y)^2", "abs(y[2])^2"]
    for text in [*formulas, "sum_i(norm2(Z[i,:]-w')^2)", "sum_i(abs(Z[i,:]*w - y[i])^2)", "re(sum_i(y[i]*Z[i,:]*w))"]:
        reading = read(text, declared)
        for name in reading.variables:
            x = reading.variables[name]
            d = Derivative(reading.expression, x)
            assert check_gradient(reading.expression, x, d.gradient).ok, f"{text} by {name}"


def test_brackets_in_every_notation() -> None:
    e = parse("X[1:k,:]*W1[:,j] + [x; c]")
    assert str(write_unicode(e)) == "X[1:k,:] W1[:,j] + [x; c]"
    assert str(write_latex(e)) == r"X_{1:k,:} {W_{1}}_{:,j} + \begin{bmatrix} x \\ c \end{bmatrix}"
    assert str(write_text(parse("X[i,2]"), brackets=False)) == "unit(n,i)'*X*unit(m,2)"
    assert str(write_unicode(parse("unit(n,i)*unit(m,k+1)'"))) == "eᵢ e_{ₖ+₁}ᵀ"
    assert str(write_latex(parse("[A, zeros(n,m); zeros(m,n), B]", ["A: n×n"]))) == (
        r"\begin{bmatrix} A & 0 \\ 0 & B \end{bmatrix}"
    )


def test_numpy_slices_and_pads() -> None:
    reading = read("norm2(X[2:4,1:k])^2")
    gradient = Derivative(reading.expression, reading.variables["X"]).gradient
    assert "2.0 * np.pad(X[1:4, :k], ((1, n-4), (0, m-k)))" in numpy_source(
        gradient, arguments=variables(reading.expression)
    )


@pytest.mark.parametrize(
    ("text", "declarations", "error", "place", "message"),
    [
        ("X[4,5]", ["X: 3×n"], ShapeError, "4", "4 is outside of X, which has shape 3×n"),
        ("x[0]", [], ShapeError, "0", "0 is outside of x"),
        ("x[k+1:n]", ["x: k"], ShapeError, "k+1:n", "k+1 is outside of x, which has shape k"),
        ("x[n+1]", ["x: n"], ShapeError, "n+1", "n+1 is outside of x"),
        ("x[2:7]", ["x: 5"], ShapeError, "2:7", "7 is outside of x"),
        ("x[k:l]", ["x: n"], ShapeError, "k:l", "k and l cannot be compared"),
        ("x[3:2]", [], ShapeError, "3:2", "is empty"),
        ("x[k+1:k]", [], ShapeError, "k+1:k", "is empty"),
        ("X[2]", ["X: n×m"], ShapeError, "X[2]", "which takes two indices, as in X[i,j] or X[i,:], and 1 is given"),
        ("x[1,2]", ["x: n"], ShapeError, "x[1,2]", "x is n, which takes an index"),
        ("c[1]", ["c: scalar"], ShapeError, "c[1]", "c is a scalar: it has no entries"),
        ("x[i]", ["x: 3", "i: scalar"], NotationError, "i", "i is a variable, and is used as an index here"),
        ("x[1.5]", [], NotationError, "1.5", "an index is expected here"),
        ("x[y[1]]", [], NotationError, "y[1]", "an index is expected here"),
        ("x[1:k] + x[k+1:n]", [], ShapeError, None, "x[1:k] is k and x[k+1:n] is n-k"),
        ("[A, B]", ["A: n×n", "B: m×m"], ShapeError, "[A, B]", "A is n×n, B is m×m: blocks side by side need equally many"),
        ("[A; B]", ["A: n×n", "B: m×m"], ShapeError, "[A; B]", "one below the other equally many columns"),
        ("X .+ x", ["X: n×m", "x: p"], ShapeError, "X .+ x", "a vector to every column"),
        ("X.*b'", ["X: n×m", "b: m"], ShapeError, "X.*b'", "did you mean X*diag(b) (every row)?"),
        ("X.*x", ["X: n×m", "x: n"], ShapeError, "X.*x", "did you mean diag(x)*X (every column)?"),
        ("sum_i(x[i]*y[i])", ["x: n", "y: m"], ShapeError, "y[i]", "i runs from 1 to n elsewhere in this sum"),
        ("sum_i(x)", [], NotationError, "sum_i(x)", "nothing in this sum has the index i"),
        ("sum_i(x[i], y)", [], NotationError, None, "adds up one expression over i, and 2 are given"),
        ("sum_n(x[n])", ["x: m", "n: scalar"], NotationError, "sum_n(x[n])", "n is a variable"),
        ("sum_i(x[i+1])", [], NotationError, None, "nothing in this sum has the index i"),
        ("sum_i(x[i]*x[i+1])", [], UnsupportedError, None, "not calculated from it"),
        ("sum_i(i*x[i])", [], UnsupportedError, None, "the index i is used as a number"),
        ("sum_i(det(X[i,:]'*X[i,:]+S))", [], UnsupportedError, None, "det of a matrix that depends on i"),
        ("sum_i(softmax(X[i,:]')'*y)", [], UnsupportedError, None, "softmax"),
        ("sum_i(F(X[i,:]'))", ["F: n → m"], UnsupportedError, None, "sum_i: F of a matrix that depends on i"),
        ("sum_i(phi(x[i]))", ["phi: scalar function"], UnsupportedError, None, "phi: elementwise"),
        ("max(X,2,1)", [], NotationError, "2", "max(X,[],1), max(X,[],2)"),
        ("sum_i(" * 12 + "x[i]" + ")" * 12, [], LimitError, None, "more than 10 sums"),
    ],
)  # fmt: skip
def test_mistakes(text: str, declarations: list[str], error: type[FrechetError], place: str | None, message: str) -> None:
    with pytest.raises(error) as caught:
        parse(text, declarations)
    assert message in caught.value.message
    assert caught.value.position is not None
    if place is not None:
        assert text[caught.value.position : caught.value.end] == place


def test_conditions_and_sizes() -> None:
    from frechet.interfaces.answer import answer

    reading = read("norm2(x[1:k])^2 + x[3]", ["x: n"])
    assert answer(reading.expression, reading.variables["x"]).conditions == ["k ≤ n", "3 ≤ n"]
    for text, declared, conditions in (("sum(x[k:n])", ["x: n"], ["k ≤ n"]), ("sum(x[k:l])", [], ["k ≤ l"])):
        other = read(text, declared)
        assert answer(other.expression, other.variables["x"]).conditions == conditions
    for sizes, message in (({"k": 4}, "there is no index k = 4"), ({"k": 0}, "k is at least 1")):
        with pytest.raises(ShapeError, match=message):
            evaluate(reading.expression, {"x": np.ones(3)}, sizes)
    with pytest.raises(ShapeError, match="there is no index 3: the axis has length 2"):
        evaluate(reading.expression, {"x": np.ones(2)}, {"k": 1})


def test_long_texts_stay_linear() -> None:
    text = "sum_i(" + " + ".join(f"x[i]*X[i,{j}]" for j in range(1, 400)) + ")"
    assert parse(text, ["X: n×400"]).shape == parse("1").shape
    stacked = parse("[" + "; ".join("x" for _ in range(300)) + "]", ["x: n"])
    assert str(stacked.shape[0]) == "300*n"


@pytest.mark.parametrize(
    "text",
    ["[" + ";".join(["x"] * 600) + "]", "x" + "[1:2]" * 3000],
)
def test_many_parts_are_quick(text: str) -> None:
    """The place of each block and the text of what has an index are not looked for among all of them anew."""
    started = process_time()
    reading = read(text, wrt="x")
    D = Derivative(reading.expression, reading.variables["x"])
    assert D.jacobian.leaves and process_time() - started < 3


@pytest.mark.parametrize(
    ("text", "simple"),
    [
        ("sum_i(f(X[i,:]*w))", "sum(f(X*w))"),
        ("sum_i(f_prime(X[i,:]*w)*X[i,:]')", "X'*f_prime(X*w)"),
        ("sum_i(f(f(x[i])*c)*y[i])", "f(c*f(x))'*y"),
        ("sum(sum(X.*X,1))", "norm2(X)^2"),
        ("sum(x*sum(X.*X,1))", "sum(x)*norm2(X)^2"),
        ('einsum("ijk,jk->i",T.*f(T),A)', 'einsum("jk,ijk,ijk->i",A,T,f(T))'),
    ],
)
def test_parts_beside_declared_functions(text: str, simple: str) -> None:
    declared = ["f: elementwise", "T: n×m×k"]
    assert parse(text, declared) is parse(simple, declared)
