"""Derivatives of Kronecker products between vectors, by the matrices whose vec these are."""

from __future__ import annotations

import pytest

import frechet as fr

DECLARED = {"A": "p×q", "B": "m×n", "x": "p*m", "y": "q*n", "a": "p", "w": "n"}
COMPLEX = {name: f"{shape} complex" for name, shape in DECLARED.items()}
GRADIENTS = [
    ("x'*kron(A,B)*y", "A", "unvec(x,m,p)'*B*unvec(y,n,q)"),
    ("x'*kron(A,B)*y", "B", "unvec(x,m,p)*A*unvec(y,n,q)'"),
    ("norm2(kron(A,B)*y - x)^2", "A", "2*unvec(kron(A,B)*y - x,m,p)'*B*unvec(y,n,q)"),
    ("x'*kron(a,B)*w", "a", "unvec(x,m,p)'*B*w"),
    ("x'*kron(a,B)*w", "B", "unvec(x,m,p)*a*w'"),
]


@pytest.mark.parametrize(("text", "by", "expected"), GRADIENTS)
def test_gradients_between_vectors(text: str, by: str, expected: str) -> None:
    d = fr.derivative(fr.parse(text, DECLARED), by)
    assert d.gradient is fr.parse(expected, DECLARED)
    assert d.check().ok


@pytest.mark.parametrize("by", ["A", "B"])
def test_complex_gradients_between_vectors(by: str) -> None:
    d = fr.derivative(fr.parse("re(x^H*kron(A,B)*y)", COMPLEX), by)
    assert "kron" not in str(d.gradient) and d.check().ok


def test_a_quadratic_form_by_its_first_factor() -> None:
    declared = {"A": "n×n", "B": "m×m", "x": "n*m"}
    assert str(fr.derivative(fr.parse("x'*kron(A,B)*x", declared), "A").gradient) == "unvec(x,m,n)'*B*unvec(x,m,n)"
