"""Points as users give them: names, expressions, numbers; what does not fit is refused at its place."""

from __future__ import annotations

import numpy as np
import pytest

from frechet.compilation.numpy_source import evaluate
from frechet.differentiation.derivative import Derivative
from frechet.expressions.dimension import show_shape
from frechet.expressions.errors import FrechetError
from frechet.expressions.node import Expr
from frechet.interfaces.base_point import At, at_point, read_at
from frechet.notation.reading import Reading, read
from frechet.notation.text import write_text


def placed(text: str, wrt: str, at: str, *declared: str) -> tuple[Reading, Expr, At]:
    reading, point = read_at(at, text, declared, wrt, read(text, declared, wrt=wrt))
    assert point is not None
    return reading, point, at_point(Derivative(reading.expression, reading.variables[wrt]), point, at)


@pytest.mark.parametrize(
    ("at", "shape", "value"),
    [
        ("Z", "p×q", "tr(A*Z*B)"), ("-Z", "p×q", "-tr(A*Z*B)"), ("[1 2; 3 4]", "2×2", None), ("[1, 2; 3, 4]", "2×2", None),
        ("[1 2 3;4 5 6]", "2×3", None),
        ("eye(2)", "2×2", "tr(A*B)"), ("eye(n)", "n×n", "tr(A*B)"), ("eye", "n×n", "tr(A*B)"), ("zeros(n,m)", "n×m", "0"),
        ("zeros(p,q)", "p×q", "0"), ("A'*B'", "p×q", "norm2(B*A)^2"), ("C*D", "p×q", "tr(A*C*D*B)"),
    ],
)  # fmt: skip
def test_a_point_is_read_and_decides_inferred_sizes(at: str, shape: str, value: str | None) -> None:
    reading, point, found = placed("tr(A*X*B)", "X", at)
    assert show_shape(reading.variables["X"].shape) == show_shape(point.shape) == shape
    assert value is None or write_text(found.value).text == value


def test_a_point_may_use_what_is_declared_and_defined() -> None:
    _, _, found = placed("sum(f(X))", "X", "f(Z)", "f: elementwise")
    assert write_text(found.value).text == "sum(f(f(Z)))"
    _, point, _ = placed("h = A*y\nh'*x", "x", "2*h")
    assert write_text(point).text == "2*A*y"
    _, point, _ = placed("tr(A*X)", "X", "Z*Z'", "Z: n×n symmetric")
    assert write_text(point).text == "Z^2"


def test_numbers_may_be_typed_with_spaces() -> None:
    for typed in ("[1 -2.5; 1/2 4e1]", "[1, -2.5; 1/2, 4e1]", " [ 1  -2.5 ;1/2 40 ] "):
        _, point, _ = placed("tr(A*X)", "X", typed)
        assert np.array_equal(evaluate(point, {}), [[1, -2.5], [0.5, 40]])
    _, point, _ = placed("x'*A*x", "x", "[1; 2; 3]")
    assert np.array_equal(evaluate(point, {}), [1, 2, 3])


def test_declared_sizes_are_names_for_numbers() -> None:
    reading, _, _ = placed("tr(A*X)", "X", "[1 2; 3 4; 5 6]", "X: n×m", "A: m×n")
    assert show_shape(reading.variables["A"].shape) == "2×3"


@pytest.mark.parametrize(
    ("text", "wrt", "at", "declared", "words"),
    [
        ("tr(A*X)", "X", "[1 2 3]", ["X: n×n"], "X is n×n, and this point is 1×3"),
        ("tr(A*X*B)", "X", "1", [], "this point is a number: write zeros(p,q)"),
        ("tr(A*X*B)", "X", "X + Z", [], "must not depend on X"),
        ("tr(A*X*B)", "X", "zeros", [], "write zeros(p,q)"),
        ("tr(A*X*B)", "X", "p", [], "p is a dimension"),
        ("h = A*x\nh'*h", "x", "h", [], "must not depend on x"),
        ("x'*A*x", "x", "[1 2 3]", [], "write a column"),
        ("tr(A*X*B)", "X", "[1, 2; 3, 4", [], "is not closed"),
        ("tr(A*X)", "X", "eye(m)", ["X: n×m"], "X is n×m, and this point is m×m"),
        ("inv(X)", "X", "zeros(n,n)", [], "no value: it needs X invertible"),
        ("inv(X)", "X", "[1 2; 2 4]", [], "no value: it needs X invertible"),
        ("logdet(X)", "X", "[1 2; 3 4]", [], "det X > 0"),
        ("norm2(X)", "X", "zeros(2,3)", [], "norm2(X) ≠ 0"),
        ("sum(relu(x))", "x", "[0; 1]", [], "no derivative"),
        ("max(x)", "x", "[1; 1]", [], "no derivative"),
        ("eigmax(S)", "S", "eye(2)", ["S: n×n symmetric"], "no derivative"),
        ("logdet(S)", "S", "[1 2; 3 4]", ["S: n×n spd"], "S is declared"),
        ("logdet(S)", "S", "[1 2; 2 1]", ["S: n×n spd"], "S is declared spd"),
        ("tr(A*Q)", "Q", "2*eye(n)", ["Q: n×n orthogonal"], "Q is declared orthogonal"),
        ("sum(log(x))", "x", "zeros(n)", [], "no value"),
        ("tr(inv(A+X))", "X", "-A", [], "no value: it needs A + X invertible"),
    ],
)
def test_what_does_not_fit_is_refused_at_its_place(text: str, wrt: str, at: str, declared: list[str], words: str) -> None:
    with pytest.raises(FrechetError) as raised:
        placed(text, wrt, at, *declared)
    assert words in raised.value.message
    assert raised.value.text == at and raised.value.position is not None


def test_det_has_a_derivative_at_singular_points() -> None:
    for at in ("[1 2; 2 4]", "zeros(2,2)"):
        reading, _, found = placed("det(X)", "X", at)
        assert "adj" in write_text(found.differential).text
        dx = Derivative(reading.expression, reading.variables["X"]).direction
        assert np.isfinite(evaluate(found.differential, {dx.params[0]: np.eye(2)}))


def test_the_value_at_a_point_is_the_function_there() -> None:
    rng = np.random.default_rng(0)
    values = {"A": rng.normal(size=(2, 2)), "B": rng.normal(size=(2, 2))}
    for text in ("tr(A*X*B)", "A*X*B", "inv(X)*A", "logdet(X)+tr(A*X^2)", "norm2(A*X-B)^2"):
        reading, point, found = placed(text, "X", "[2 1; 1 3]")
        x = evaluate(point, {})
        names = {v for v in reading.variables if v != "X"}
        at = {n: values[n] for n in names}
        assert np.allclose(evaluate(found.value, at), evaluate(reading.expression, {**at, "X": x}))
