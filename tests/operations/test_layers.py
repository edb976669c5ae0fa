"""Rows and columns, layers of networks, losses: the textbook's gradients, and values against formulas written in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg as sla
import scipy.special as special
from scipy.special import expit as logistic

import frechet as fr
from frechet.compilation.numpy_source import evaluate
from frechet.differentiation.conditions import conditions
from frechet.differentiation.derivative import Derivative
from frechet.expressions.errors import FrechetError, ShapeError, UnsupportedError
from frechet.expressions.node import Expr, variables
from frechet.interfaces.answer import describe
from frechet.notation.reading import Reading, parse, read
from frechet.notation.text import write_text

Array = Any
rng = np.random.default_rng(5)
ATTENTION = "(softmax(Q*K'/sqrt(d),2).*(D*V' - ((D*V').*softmax(Q*K'/sqrt(d),2))*ones(m)*ones(m)'))*K/sqrt(d)"
SHAPES = {"Q": "n×d", "K": "m×d", "V": "m×p", "D": "n×p"}


def declared(text: str, declarations: dict[str, str]) -> Reading:
    return read(text, [f"{name}: {what}" for name, what in declarations.items()])


def gradient(text: str, by: str, declarations: dict[str, str] | None = None) -> str:
    formula = declared(text, declarations or {})
    return str(write_text(Derivative(formula.expression, formula.variables[by]).gradient))


MEANS_OF_ROWS = (
    "diag(y./((sign(X - max(X,[],2)*ones(m)') + ones(n,m))*ones(m)))*(sign(X - max(X,[],2)*ones(m)') + ones(n,m))"
)
MEANS_OF_COLUMNS = (
    "(sign(X - ones(n)*max(X,[],1)) + ones(n,m))*diag(y./((sign(X - ones(n)*max(X,[],1)) + ones(n,m))'*ones(n)))"
)


@pytest.mark.parametrize(
    ("text", "by", "declarations", "expected"),
    [
        ("crossentropy(z,y)", "z", {"y": "simplex"}, "softmax(z) - y"),
        ("crossentropy(z,y)", "z", {"y": "onehot"}, "softmax(z) - y"),
        ("crossentropy(z,y)", "z", {}, "sum(y)*softmax(z) - y"),
        ("-y'*logsoftmax(z)", "z", {"y": "simplex"}, "softmax(z) - y"),
        ("-sum(Y.*log(softmax(X*W,2)))/n", "W", {"Y": "n×k onehot"}, "X'*(softmax(X*W,2) - Y)/n"),
        ("crossentropy(X*W,Y,2)/n", "W", {"Y": "n×k simplex"}, "X'*(softmax(X*W,2) - Y)/n"),
        ("crossentropy(Z,Y,2)", "Z", {"Z": "n×k"}, "diag(Y*ones(k))*softmax(Z,2) - Y"),
        ("crossentropy(W*X,Y,1)", "W", {"W": "k×p", "X": "p×n"}, "(softmax(W*X,1)*diag(Y'*ones(k)) - Y)*X'"),
        ("binarycrossentropy(X*w,y)", "w", {}, "X'*(sigmoid(X*w) - y)"),
        ("mse(X*w,y)", "w", {"X": "n×m"}, "2*X'*(X*w - y)/n"),
        ("sum(huber(X*w-y,1))", "w", {}, "X'*clip(X*w - y,-1,1)"),
        ("hinge(X*w,y)", "w", {"X": "n×m"}, "-X'*(y.*step(ones(n) - y.*(X*w)))"),
        ("sum(D.*attention(Q,K,V))", "Q", SHAPES, ATTENTION),
        ("sum(D.*attention(Q,K,V))", "V", SHAPES, "softmax(Q*K'/sqrt(d),2)'*D"),
        ("sum(D.*embedding(E,Y))", "E", {}, "Y'*D"),
        ("sum(D.*dropout(X,M,c))", "X", {}, "D.*M/(1 - c)"),
        ("w'*layernorm(x)", "x", {"x": "n"}, "(w - ((layernorm(x)'*w)*layernorm(x) + sum(w)*ones(n))/n)/sqrt(var(x))"),
        ("norm2(conv1d(x,w)-y)^2/2", "x", {}, "conv(conv1d(x,w) - y,w)"),
        ("norm2(conv1d(x,w)-y)^2/2", "w", {}, "conv1d(x,conv1d(x,w) - y)"),
        ("sum(D.*softmax(Z,2))", "Z", {"Z": "n×m"}, "D.*softmax(Z,2) - diag((D.*softmax(Z,2))*ones(m))*softmax(Z,2)"),
        ("sum(logsumexp(Z,2))", "Z", {}, "softmax(Z,2)"),
        ("logsumexp(Z,1)*y", "Z", {}, "softmax(Z,1)*diag(y)"),
        ("sum(norm2(X,2))", "X", {}, "inv(diag(norm2(X,2)))*X"),
        ("sum(norm2(X,2).^2)", "X", {}, "2*X"),
        ("max(X,[],2)'*y", "X", {"X": "n×m"}, MEANS_OF_ROWS),
        ("max(X,[],1)*y", "X", {"X": "n×m"}, MEANS_OF_COLUMNS),
        ("mean(X,2)'*y", "X", {"X": "n×m"}, "y*ones(m)'/m"),
        ("y'*var(X,2)", "X", {"X": "n×m"}, "2*diag(y)*(X - X*ones(m)*ones(m)'/m)/m"),
        ("y'*cumsum(x)", "x", {"x": "n"}, "triu(ones(n,n))*y"),
    ],
)  # fmt: skip
def test_gradient_is_the_textbooks(text: str, by: str, declarations: dict[str, str], expected: str) -> None:
    assert gradient(text, by, declarations) == expected


def test_the_gradients_of_normalization_have_one_scale_in_front() -> None:
    layer = gradient("sum(D.*layernorm(X,2))", "X", {"X": "n×m"})
    assert layer == "inv(diag(sqrt(var(X,2))))*(D - (diag(diag(D*layernorm(X,2)'))*layernorm(X,2) + D*ones(m)*ones(m)')/m)"
    batch = gradient("sum(D.*batchnorm(X,c))", "X", {"X": "n×m"})
    assert batch.endswith("*inv(diag(sqrt(c*ones(m) + var(X',2))))")
    assert batch.count("var(") == 1


@pytest.mark.parametrize(
    ("text", "by", "declarations", "expected"),
    [
        ("softmax(z)", "z", {}, "diag(softmax(z)) - softmax(z)*softmax(z)'"),
        ("logsoftmax(z)", "z", {"z": "n"}, "eye(n) - ones(n)*softmax(z)'"),
        ("layernorm(x)", "x", {"x": "n"}, "(eye(n) - (ones(n)*ones(n)' + layernorm(x)*layernorm(x)')/n)/sqrt(var(x))"),
        ("conv1d(x,w)", "x", {"x": "n"}, "conv1d(eye(n),w)"),
        ("conv1d(x,w)", "w", {"w": "k"}, "conv1d(x,eye(k))"),
    ],
)  # fmt: skip
def test_jacobian_is_the_textbooks(text: str, by: str, declarations: dict[str, str], expected: str) -> None:
    formula = declared(text, declarations)
    assert str(Derivative(formula.expression, formula.variables[by]).jacobian) == expected


def test_hessian_of_cross_entropy() -> None:
    z, y = fr.vector("z", "n"), fr.vector("y", "n", "simplex")
    assert str(fr.hessian(fr.crossentropy(z, y), z)) == "diag(softmax(z)) - softmax(z)*softmax(z)'"


# -- values and gradients against plain NumPy
def softmax(Z: Array) -> Array:
    return np.exp(Z) / np.exp(Z).sum(axis=-1, keepdims=True)


def normalized(X: Array, c: float, axis: int) -> Array:
    return (X - X.mean(axis=axis, keepdims=True)) / np.sqrt(X.var(axis=axis, keepdims=True) + c)


def mean_square(X: Array) -> Array:
    return (X**2).mean(axis=1, keepdims=True)


def attended(Q: Array, K: Array, V: Array, allowed: Array) -> Array:
    return softmax(np.where(allowed, Q @ K.T / np.sqrt(Q.shape[1]), -np.inf)) @ V


REFERENCES: list[tuple[str, Callable[..., Array]]] = [
    ("-sum(Y.*logsoftmax(X*W,2))/5", lambda X, W, Y: -(Y * np.log(softmax(X @ W))).sum() / 5),
    ("crossentropy(X*W,Y,2)", lambda X, W, Y: -(Y * np.log(softmax(X @ W))).sum()),
    ("binarycrossentropy(X*W,P)", lambda X, W, P: -(P * np.log(logistic(X @ W)) + (1 - P) * np.log(logistic(-X @ W))).sum()),
    ("sum(D.*attention(Q,K,V))", lambda D, Q, K, V: (D * attended(Q, K, V, np.ones((5, 4), bool))).sum()),
    ("sum(D.*causalattention(Q,R,U))", lambda D, Q, R, U: (D * attended(Q, R, U, np.tril(np.ones((5, 5))) > 0)).sum()),
    ("sum(Y.*layernorm(X*W,2,0.001))", lambda X, W, Y: (Y * normalized(X @ W, 1e-3, 1)).sum()),
    ("sum(Y.*batchnorm(X*W,0.001))", lambda X, W, Y: (Y * normalized(X @ W, 1e-3, 0)).sum()),
    ("sum(Y.*batchnorm(X*W))", lambda X, W, Y: (Y * normalized(X @ W, 0.0, 0)).sum()),
    ("sum(Y.*rmsnorm(X*W,2,0.1))", lambda X, W, Y: (Y * (X @ W) / np.sqrt(mean_square(X @ W) + 0.1)).sum()),
    ("sum(gelu(X*W).*Y)", lambda X, W, Y: (Y * (X @ W) * special.ndtr(X @ W)).sum()),
    ("sum(elu(X*W,1.5).*Y)", lambda X, W, Y: (Y * np.where(X @ W > 0, X @ W, 1.5 * (np.exp(X @ W) - 1))).sum()),
    ("sum(leakyrelu(X*W,0.1).*Y)", lambda X, W, Y: (Y * np.where(X @ W > 0, X @ W, 0.1 * (X @ W))).sum()),
    ("sum(hardswish(X*W).*Y)", lambda X, W, Y: (Y * (X @ W) * np.clip((X @ W + 3) / 6, 0, 1)).sum()),
    ("sum(softshrink(X*W,0.5).*Y)", lambda X, W, Y: (Y * np.sign(X @ W) * np.maximum(np.abs(X @ W) - 0.5, 0)).sum()),
    ("sum(max(X*W,[],2))-sum(min(X*W,[],1))", lambda X, W: (X @ W).max(axis=1).sum() - (X @ W).min(axis=0).sum()),
    ("sum(prod(X,2))+sum(std(X,1))", lambda X: X.prod(axis=1).sum() + X.std(axis=0).sum()),
    ("sum(cumsum(X,1).*cumsum(X,2))", lambda X: (X.cumsum(axis=0) * X.cumsum(axis=1)).sum()),
]  # fmt: skip
VALUES = {
    "X": rng.standard_normal((5, 2)), "W": rng.standard_normal((2, 3)), "Y": rng.dirichlet(np.ones(3), 5),
    "P": rng.uniform(0.1, 0.9, (5, 3)), "D": rng.standard_normal((5, 3)), "Q": rng.standard_normal((5, 2)),
    "K": rng.standard_normal((4, 2)), "V": rng.standard_normal((4, 3)), "R": rng.standard_normal((5, 2)),
    "U": rng.standard_normal((5, 3)),
}  # fmt: skip
H = 1e-6


@pytest.mark.parametrize(("text", "reference"), REFERENCES, ids=[text for text, _ in REFERENCES])
def test_value_and_gradient_against_plain_numpy(text: str, reference: Callable[..., Array]) -> None:
    e = parse(text)
    values = {v.params[0]: VALUES[v.params[0]] for v in variables(e)}
    np.testing.assert_allclose(evaluate(e, values), reference(**values), rtol=1e-12)
    for v in variables(e):
        name = v.params[0]
        found = np.asarray(evaluate(Derivative(e, v).gradient, values))
        for place in np.ndindex(values[name].shape):
            step = np.zeros_like(values[name])
            step[place] = H
            slope = reference(**{**values, name: values[name] + step}) - reference(**{**values, name: values[name] - step})
            assert abs(found[place] - slope / (2 * H)) < 1e-7 * (1 + abs(slope / (2 * H)))


@pytest.mark.parametrize("name", ["softmax", "logsoftmax", "layernorm", "rmsnorm"])
def test_of_rows_each_row_is_what_the_function_makes_of_a_vector(name: str) -> None:
    X = rng.standard_normal((4, 3))
    rows = evaluate(parse(f"{name}(X,2)"), {"X": X})
    columns = evaluate(parse(f"{name}(X,1)"), {"X": X.T})
    alone = np.array([evaluate(parse(f"{name}(x)"), {"x": x}) for x in X])
    np.testing.assert_allclose(rows, alone, rtol=1e-13)
    np.testing.assert_allclose(columns.T, alone, rtol=1e-13)


CALLED = ["max({},[],{})", "min({},[],{})"]
CALLED += [f"{name}({{}},{{}})" for name in ("prod", "norm1", "norm2", "mean", "var", "std", "logsumexp")]


@pytest.mark.parametrize("call", CALLED)
def test_reductions_of_rows_and_columns(call: str) -> None:
    X = rng.standard_normal((4, 3))
    whole = call.replace(",[]", "").replace(",{}", "")
    alone = np.array([evaluate(parse(whole.format("x")), {"x": x}) for x in X])
    np.testing.assert_allclose(evaluate(parse(call.format("X", 2)), {"X": X}), alone, rtol=1e-13)
    np.testing.assert_allclose(evaluate(parse(call.format("X", 1)), {"X": X.T}), alone, rtol=1e-13)
    known = {"A": fr.matrix("A", "k", "n"), "X": fr.matrix("X", "n", "m")}
    e = parse(call.format("A*X", 1), known)
    assert e.kind == "row"
    assert parse(str(e), known) is e
    assert parse(call.format("(A*X)'", 2) + "'", known) is e


def test_max_of_a_matrix_and_a_number_compares_every_entry() -> None:
    X = np.array([[1.0, 5.0], [3.0, 0.0]])
    np.testing.assert_array_equal(evaluate(parse("max(X,2)"), {"X": X}), [[2, 5], [3, 2]])
    np.testing.assert_array_equal(evaluate(parse("max(X,[],2)"), {"X": X}), [5, 3])
    A = fr.matrix("X", 2, 2)
    assert fr.max(A, [], 2) is fr.max(A, None, 2) is parse("max(X,[],2)", {"X": A})
    assert fr.max(A, 2) is parse("max(X,2)", {"X": A})


def test_a_number_and_an_axis_are_told_apart() -> None:
    x, X = fr.vector("x", "n"), fr.matrix("X", "n", "m")
    assert fr.layernorm(x, 2) is parse("layernorm(x,2)", {"x": x})
    assert fr.layernorm(X, 2) is parse("layernorm(X,2)", {"X": X})
    assert fr.layernorm(X, 2, 1e-3) is parse("layernorm(X,2,0.001)", {"X": X})
    point = {"x": np.array([1.0, 2.0, 4.0])}
    np.testing.assert_allclose(evaluate(fr.layernorm(x, 2), point), normalized(point["x"], 2.0, 0))


def test_large_numbers() -> None:
    """No overflow, and no warning, where the naive formulas have one."""
    Z = np.array([[1000.0, 0.0, -1000.0], [-800.0, -801.0, 3.0]])
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        np.testing.assert_allclose(evaluate(parse("softmax(Z,2)"), {"Z": Z}), [[1, 0, 0], [0, 0, 1]], atol=1e-300)
        np.testing.assert_allclose(evaluate(parse("logsumexp(Z,2)"), {"Z": Z}), [1000, 3])
        np.testing.assert_allclose(evaluate(parse("logsoftmax(Z,2)"), {"Z": Z})[0], [0, -1000, -2000])
        np.testing.assert_allclose(evaluate(parse("crossentropy(Z,Y,2)"), {"Z": Z, "Y": np.eye(3)[:2]}), 804)
        mask = np.array([[0.0, 1, 1], [1, 1, 0]])
        np.testing.assert_allclose(
            evaluate(parse("maskedsoftmax(Z,M)"), {"Z": Z, "M": mask}), [[0, 1, 0], [logistic(1), logistic(-1), 0]]
        )
        big = {"x": np.array([-1e4, 0.0, 1e4])}
        np.testing.assert_allclose(evaluate(parse("elu(x,2)"), big), [-2, 0, 1e4])
        np.testing.assert_allclose(evaluate(parse("logcosh(x)"), big), [1e4 - np.log(2), 0, 1e4 - np.log(2)])
        np.testing.assert_allclose(evaluate(parse("mish(x)"), big), [0, 0, 1e4], atol=1e-300)
        slope = Derivative(parse("sum(elu(x,2))"), fr.vector("x", "n")).gradient
        np.testing.assert_allclose(evaluate(slope, big), [0, 0, 1], atol=1e-300)


# -- where the derivative does not exist
ATTAINED = "the largest entry of each row of X is attained once, or by entries that are always equal"
TIES = ATTAINED


def said(text: str, by: str) -> list[str]:
    formula = read(text)
    x = formula.variables[by]
    return describe(conditions(formula.expression, x, Derivative(formula.expression, x).differential))


@pytest.mark.parametrize(
    ("text", "by", "words"),
    [
        ("layernorm(x)", "x", ["the entries of x are not all equal"]),
        ("layernorm(x,0.1)", "x", []),
        ("layernorm(x,c)", "x", ["c > 0"]),
        ("layernorm(X,2)", "X", ["no row of X has all its entries equal"]),
        ("batchnorm(X)", "X", ["no row of X' has all its entries equal"]),
        ("rmsnorm(X,2)", "X", ["no row of X is 0"]),
        ("max(X,[],2)", "X", [TIES]),
        ("sum(huber(x,d))", "x", ["d > 0"]),
        ("sum(huber(x,1))", "x", []),
        ("elu(x,1)", "x", ["no entry of x is 0"]),
        ("prod(X,2)", "X", ["no entry of X is 0"]),
        ("maskedsoftmax(Z,M)", "Z", ["every row of M has an entry 1, the others are 0 or 1"]),
        ("softmax(Z,2)", "Z", []),
    ],
)  # fmt: skip
def test_conditions_are_said(text: str, by: str, words: list[str]) -> None:
    found = said(text, by)
    for w in words:
        assert w in found
    assert words or not found


def test_a_constant_row_has_no_normal_form_without_c() -> None:
    X = np.array([[2.0, 2.0, 2.0], [1.0, 2.0, 3.0]])
    with np.errstate(all="ignore"):
        assert np.all(np.isnan(evaluate(parse("layernorm(X,2)"), {"X": X})[0]))
    np.testing.assert_array_equal(evaluate(parse("layernorm(X,2,0.5)"), {"X": X})[0], 0)


def test_ties_of_the_largest_entry_of_a_row_share_it() -> None:
    """As for max(x): where it is attained twice the mean of both is given, a subgradient."""
    X = fr.matrix("X", 2, 3)
    G = Derivative(fr.sum(fr.max(X, [], 2)), X).gradient
    value = np.array([[1.0, 3.0, 2.0], [4.0, 0.0, 4.0]])
    np.testing.assert_array_equal(evaluate(G, {"X": value}), [[0, 1, 0], [0.5, 0, 0.5]])


def test_the_largest_entry_is_found_however_it_is_rounded() -> None:
    """max(A*B - C, [], 2) is compared with A*B - C as it comes out, entry by entry, in either orientation."""
    values = {k: rng.standard_normal((3, 3)) / 3 for k in "ABCD"}
    for text in ("sum(D.*(max(A*B-C,[],2)*ones(3)'))", "sum(D.*(ones(3)*max(A*B-C,[],1)))"):
        e = parse(text)
        C = next(v for v in variables(e) if v.params[0] == "C")
        G = evaluate(Derivative(e, C).gradient, values)
        assert np.count_nonzero(G) == 3


def test_a_mask_is_constant() -> None:
    Z, M = fr.matrix("Z", "n", "m"), fr.matrix("M", "n", "m")
    with pytest.raises(UnsupportedError, match="its mask is constant"):
        _ = Derivative(fr.maskedsoftmax(Z, M), M).differential


@pytest.mark.parametrize("domain", ["simplex", "onehot"])
def test_rows_on_the_simplex(domain: str) -> None:
    Y = fr.matrix("Y", "n", "k", domain)
    assert str(fr.sum(Y, 2)) == "ones(n)"
    assert str(fr.sum(Y)) == "n"
    assert str(fr.sum(Y.T, 1)) == "ones(n)'"
    assert str(fr.sum(Y, 1)) == "ones(n)'*Y"
    Z = fr.matrix("Z", "n", "k")
    answer = fr.derivative(fr.crossentropy(Z, Y, 2), Z)
    assert answer.check().ok
    assert any("each row of Y" in c for c in answer.conditions)


# -- convolution
def test_convolution_is_a_toeplitz_product() -> None:
    x, w = rng.standard_normal(7), rng.standard_normal(3)
    column, row = np.r_[w[0], np.zeros(4)], np.r_[w, np.zeros(4)]
    T = sla.toeplitz(column, row)
    np.testing.assert_allclose(evaluate(parse("conv1d(x,w)"), {"x": x, "w": w}), T @ x)
    J = Derivative(parse("conv1d(x,w)", {"x": fr.vector("x", 7), "w": fr.vector("w", 3)}), fr.vector("x", 7)).jacobian
    np.testing.assert_allclose(evaluate(J, {"w": w}), T)
    np.testing.assert_allclose(evaluate(parse("conv1d(eye(7),w)"), {"w": w}), T)
    np.testing.assert_allclose(evaluate(parse("conv(y,w)"), {"y": T @ x, "w": w}), T.T @ T @ x)


def test_a_kernel_longer_than_the_signal_is_refused() -> None:
    with pytest.raises(FrechetError, match="longer than what it slides along"):
        evaluate(parse("conv1d(x,w)"), {"x": np.ones(2), "w": np.ones(4)})
    with pytest.raises(ShapeError, match="longer than what it slides along"):
        fr.conv1d(fr.vector("x", 2), fr.vector("w", 3))


# -- cells and blocks made of definitions
CELLS = {
    "lstm": """u = sigmoid(A*x + B*h)
v = sigmoid(C*x + D*h)
o = sigmoid(E*x + F*h)
k = v.*s + u.*tanh(G*x + H*h)
w'*(o.*tanh(k))""",
    "gru": """r = sigmoid(A*x + B*h)
u = sigmoid(C*x + D*h)
k = tanh(E*x + F*(r.*h))
w'*((ones(n) - u).*k + u.*h)""",
    "residual chain": """u = x + A*relu(B*layernorm(x,0.01))
v = u + C*silu(D*layernorm(u,0.01))
w'*rmsnorm(v,0.01)""",
    "transformer block": """Y = X + causalattention(layernorm(X,2,0.01)*A, layernorm(X,2,0.01)*B, X*C)
Z = Y + gelu(layernorm(Y,2,0.01)*D)*E
crossentropy(Z*F,L,2)""",
}
GIVEN = {"lstm": {"h": "n"}, "gru": {"h": "n"}, "residual chain": {"x": "n"}, "transformer block": {"L": "n×k onehot"}}


@pytest.mark.parametrize("name", CELLS)
def test_cells_and_blocks(name: str) -> None:
    formula = declared(CELLS[name], GIVEN[name])
    e = formula.expression
    for v in variables(e):
        if v.params[2] == "normal":
            assert fr.derivative(e, v).check().ok


def test_one_step_of_an_lstm_by_its_state() -> None:
    formula = declared(CELLS["lstm"], {"h": "n"})
    found = Derivative(formula.expression, formula.variables["s"]).gradient
    k = "sigmoid(C*x + D*h).*s + sigmoid(A*x + B*h).*tanh(G*x + H*h)"
    expected = parse(
        f"k = {k}\nw.*sigmoid(E*x + F*h).*(ones(m) - tanh(k).^2).*sigmoid(C*x + D*h)",
        {v.params[0]: v for v in formula.variables.values()},
    )
    values = {v.params[0]: rng.standard_normal([3] * (2 if v.kind == "matrix" else 1)) for v in variables(expected)}
    np.testing.assert_allclose(evaluate(found, values), evaluate(expected, values), rtol=1e-12)


def test_no_row_operation_is_left_without_its_column() -> None:
    """name(X',2)' is printed as name(X,1), and reads back."""
    X = fr.matrix("X", "n", "m")
    found: list[Expr] = [fr.softmax(X, 1), fr.layernorm(X, 1, 0.5), fr.max(X, [], 1), fr.norm2(X, 1), fr.logsumexp(X, 1)]
    for e in found:
        text = str(e)
        assert ",1" in text and "'" not in text
        assert parse(text, {"X": X}) is e
