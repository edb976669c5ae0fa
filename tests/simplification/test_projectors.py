"""Projectors X*X^+, positive parts and skew variables: what their products are is seen without multiplying by hand."""

from __future__ import annotations

import pytest

import frechet as fr

SAME = [
    ("X*pinv(X)*X", "X"),
    ("pinv(X)*X*pinv(X)", "pinv(X)"),
    ("X*pinv(X)*pinv(X)'", "pinv(X)'"),
    ("pinv(X)'*pinv(X)*X", "pinv(X)'"),
    ("X'*X*pinv(X)", "X'"),
    ("pinv(X)*X*X'", "X'"),
    ("step(x).*relu(x)", "relu(x)"),
    ("step(x).^2.*relu(x).^3", "relu(x).^3"),
    ("kron(B',A)*vec(X)", "vec(A*X*B)"),
]


@pytest.mark.parametrize("left, right", SAME)
def test_one_normal_form(left: str, right: str) -> None:
    declared = {"X": "n×m", "A": "k×n", "B": "m×p", "x": "n"}
    known = {name: shape for name, shape in declared.items() if name in left}
    assert fr.parse(left, known) is fr.parse(right, {name: s for name, s in known.items() if name in right})


@pytest.mark.parametrize(
    "formula, variable, declared, gradient",
    [
        ("norm2(y - P*pinv(P)*y)^2/2", "P", {}, "(P*pinv(P)*y - y)*y'*pinv(P)'"),
        ("sum(relu(x).^2)", "x", {}, "2*relu(x)"),
        ("tr(X*A*X)", "X", {"X": "n×n skew", "A": "n×n symmetric"}, "(A*X + X*A)'"),
        ("vec(X)'*kron(B,A)*vec(X)", "X", {"X": "n×m"}, "A'*X*B + A*X*B'"),
    ],
)
def test_gradients(formula: str, variable: str, declared: dict[str, str], gradient: str) -> None:
    e = fr.parse(formula, declared)
    assert str(fr.derivative(e, fr.variables(e)[variable]).gradient) == gradient


def test_a_complex_product_with_the_transpose_is_no_gram_matrix() -> None:
    e = fr.parse("det(Z*Z')", {"Z": "k×n complex"})
    assert "pinv" not in str(fr.derivative(e, fr.variables(e)["Z"]).gradient)
