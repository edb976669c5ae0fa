"""Derivatives by complex variables: closed forms of the literature, and what libraries return where they are installed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import frechet as fr
from frechet.expressions.errors import UnsupportedError
from frechet.interfaces.answer import answer
from frechet.notation.reading import parse

COMPLEX = {
    "A": "n×n complex", "B": "n×n complex", "X": "n×m complex", "Z": "n×n complex", "z": "n complex", "a": "n complex",
    "b": "n complex", "c": "scalar complex", "R": "n×n hermitian", "S": "n×n complex spd", "r": "scalar", "P": "n×n",
}  # fmt: skip


def read(text: str) -> fr.Expr:
    return parse(text, COMPLEX)


def gradient(text: str, name: str, convention: str | None = None) -> fr.Expr:
    """The gradient, which has passed its numeric check."""
    e = read(text)
    form = "gradient" if e.kind == "scalar" else "jacobian"
    return answer(e, fr.variables(e)[name], form, convention=convention).expression


@pytest.mark.parametrize(
    ("text", "name", "convention", "expected"),
    [
        # Hjørungnes & Gesbert (2007), tables II-V
        ("a'*z", "z", "wirtinger", "a"),
        ("a'*conj(z)", "z", "wirtinger", "zeros(n)"),
        ("a'*conj(z)", "z", "wirtinger-conj", "a"),
        ("z^H*A*z", "z", "wirtinger", "A'*conj(z)"),
        ("z^H*A*z", "z", "wirtinger-conj", "A*z"),
        ("z'*A*z", "z", "holomorphic", "(A+A')*z"),
        ("tr(A*Z)", "Z", "holomorphic", "A'"),
        ("tr(A*Z^H)", "Z", "wirtinger-conj", "A"),
        ("tr(Z*A*Z^H*B)", "Z", "wirtinger", "B'*conj(Z)*A'"),
        ("tr(Z*A*Z^H*B)", "Z", "wirtinger-conj", "B*Z*A"),
        ("tr(inv(Z))", "Z", "holomorphic", "-(inv(Z)^2)'"),
        ("tr(Z^3)", "Z", "holomorphic", "3*(Z^2)'"),
        ("log(det(Z))", "Z", "holomorphic", "inv(Z)'"),
        ("det(X^H*A*X)", "X", "wirtinger-conj", "det(X^H*A*X)*A*X*inv(X^H*A*X)"),
        # real functions: df = Re tr(G^H dZ)
        ("re(z^H*R*z)", "z", "riesz", "2*R*z"),
        ("z^H*R*z", "z", None, "2*R*z"),
        ("norm2(A*z-b)^2", "z", None, "2*A^H*(A*z-b)"),
        ("norm2(X)^2", "X", "wirtinger", "conj(X)"),
        ("abs(c)^2", "c", None, "2*c"),
        ("abs(c)", "c", None, "c/abs(c)"),
        ("re(a^H*z)", "z", None, "a"),
        ("im(a^H*z)", "z", None, "1i*a"),
        ("logdet(S)", "S", None, "inv(S)"),
        ("2*log(abs(det(Z)))", "Z", None, "2*inv(Z)^H"),
        ("re(tr(A*R))", "R", None, "(A+A^H)/2"),
        # complex functions of a real variable
        ("r*c", "r", None, "c"),
        ("tr(A*P)", "P", None, "A'"),
    ],
)
def test_closed_forms(text: str, name: str, convention: str | None, expected: str) -> None:
    assert gradient(text, name, convention) is read(expected)


@pytest.mark.parametrize(
    ("text", "name", "convention", "message"),
    [
        ("z^H*A*z", "z", None, "not holomorphic"),
        ("z^H*A*z", "z", "riesz", "the function is complex"),
        ("conj(c)", "c", None, "not holomorphic"),
        ("abs(c)", "c", "holomorphic", "not holomorphic"),
        ("tr(A*R)", "R", "wirtinger", "Hermitian matrix"),
    ],
)
def test_what_does_not_exist_is_refused(text: str, name: str, convention: str | None, message: str) -> None:
    with pytest.raises(UnsupportedError, match=message):
        gradient(text, name, convention)


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("log(exp(c))", "c"), ("sqrt(c^2)", "c"), ("(c^2)^(1/2)", "abs(c)"), ("abs(c)^2", "c^2"), ("z'*z", "norm2(z)^2"),
        ("logdet(expm(Z))", "tr(Z)"), ("exp(c)^(1/2)", "exp(c/2)"), ("Z'", "Z^H"), ("R'", "R"), ("log(c^3)", "3*log(c)"),
        ("tr(Z'*Z)", "norm2(Z)^2"), ("sum(z.^2)", "norm2(z)^2"),
    ],
)  # fmt: skip
def test_identities_of_real_numbers_are_not_used(text: str, other: str) -> None:
    assert read(text) is not read(other)


@pytest.mark.parametrize(
    "text", ["z^H*R*z", "tr(X^H*X)", "tr(X^H*R*X)", "logdet(S)", "det(R)", "c + conj(c)", "norm2(z)", "abs(c)", "re(c)"]
)
def test_real_by_form(text: str) -> None:
    assert read(text).real
    assert read(f"re({text})") is read(text)


@pytest.mark.parametrize(
    "text", ["relu(z)", "sigmoid(c)", "max(z)", "softmax(z)", "qrr(Z)", "dot(a,z)", "sign(c)", "erf(c)"]
)
def test_operations_of_real_numbers_refuse_complex_ones(text: str) -> None:
    with pytest.raises(UnsupportedError, match="complex"):
        read(text)


def test_components_are_those_of_holomorphic_functions() -> None:
    from frechet.differentiation.derivative import Derivative
    from frechet.notation.components import write_components

    e = read("a'*z")
    assert write_components(Derivative(e, fr.variables(e)["z"]), "g") == "dg = Σᵢ (∂g/∂zᵢ) dzᵢ     with  ∂g/∂zᵢ = aᵢ"
    e = read("norm2(z)^2")
    with pytest.raises(UnsupportedError, match="not holomorphic"):
        write_components(Derivative(e, fr.variables(e)["z"]), "g")


def test_a_wrong_convention_is_refuted() -> None:
    from frechet.verification.check import check_gradient

    e = read("z^H*A*z")
    z = fr.variables(e)["z"]
    assert check_gradient(e, z, read("A*z"), "wirtinger-conj").ok
    assert not check_gradient(e, z, read("A*z"), "wirtinger").ok
    assert not check_gradient(e, z, read("A'*conj(z)"), "wirtinger-conj").ok
    f = read("norm2(z)^2")
    assert not check_gradient(f, z, read("2*conj(z)")).ok


def test_python() -> None:
    Z = fr.matrix("Z", "n", "n", "complex")
    assert Z.H is not Z.T
    assert Z.H.H is Z
    assert (1j * Z).H is -1j * Z.H
    assert fr.derivative(fr.tr(Z @ Z.H), Z).gradient is 2 * Z
    assert fr.derivative(fr.tr(Z @ Z.H), Z, "wirtinger").gradient is fr.conj(Z)
    value = np.array([[1 + 2j, 0], [1j, 3]])
    assert fr.derivative(fr.norm2(Z) ** 2, Z).gradient.evaluate({"Z": value}) == pytest.approx(2 * value)


LOSSES: list[tuple[str, Callable[[Any, Any, Any], Any]]] = [
    ("norm2(A*z-b)^2", lambda np, z, v: (abs(v["A"] @ z - v["b"]) ** 2).sum()),
    ("sum(abs(A*z-b))", lambda np, z, v: abs(v["A"] @ z - v["b"]).sum()),
    ("re(sum(exp(z).*b))", lambda np, z, v: (np.exp(z) * v["b"]).sum().real),
]


def values() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    draw = lambda *shape: rng.standard_normal(shape) + 1j * rng.standard_normal(shape)  # noqa: E731
    return {"A": draw(3, 3), "b": draw(3), "z": draw(3)}


@pytest.mark.parametrize(("text", "loss"), LOSSES, ids=[text for text, _ in LOSSES])
def test_jax_returns_the_conjugate(text: str, loss: Callable[..., Any]) -> None:
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    v = values()
    theirs = jax.grad(lambda z: loss(jax.numpy, z, v))(v["z"])
    assert np.conj(gradient(text, "z").evaluate(v)) == pytest.approx(np.asarray(theirs))


@pytest.mark.parametrize(("text", "loss"), LOSSES, ids=[text for text, _ in LOSSES])
def test_pytorch_returns_the_gradient(text: str, loss: Callable[..., Any]) -> None:
    torch = pytest.importorskip("torch")
    v = {name: torch.tensor(x) for name, x in values().items()}
    z = v["z"].requires_grad_()
    loss(torch, z, v).backward()
    assert gradient(text, "z").evaluate(values()) == pytest.approx(z.grad.numpy())
