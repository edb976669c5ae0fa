"""Functions of symmetric matrices and of all their eigenvalues or singular values; whole powers."""

from __future__ import annotations

import numpy as np
import pytest

import frechet as fr
from frechet.compilation.numpy_source import evaluate
from frechet.compilation.runtime import dfunm, dpower
from frechet.differentiation.adjoint import adjoint
from frechet.differentiation.conditions import conditions
from frechet.differentiation.derivative import Derivative
from frechet.expressions.errors import FrechetError, NotationError, UnsupportedError
from frechet.expressions.node import Expr, variables
from frechet.interfaces.answer import answer, describe
from frechet.notation.latex import write_latex
from frechet.notation.reading import parse
from frechet.notation.unicode import write_unicode
from frechet.operations.constants import variable
from frechet.verification.check import check_adjoint, check_differential, check_gradient, check_hessian, check_jacobian

KNOWN = {
    "S": fr.matrix("S", "n", "n", "symmetric"), "P": fr.matrix("P", "n", "n", "spd"), "X": fr.matrix("X", "n", "m"),
    "A": fr.matrix("A", "n", "n"), "Y": fr.matrix("Y", "n", "n"), "x": fr.vector("x", "n"), "y": fr.vector("y", "n"),
    "z": fr.vector("z", "m"), "c": fr.scalar("c", "positive"), "k": fr.scalar("k", "whole"),
}  # fmt: skip


def of(text: str, by: str) -> Derivative:
    return Derivative(parse(text, KNOWN), KNOWN[by])


GRADIENTS = [
    ("trfun(exp,Y)", "Y", "expm(Y)'"),
    ("trfun(log,P)", "P", "inv(P)"),
    ("trfun(sqrt,P)", "P", "inv(sqrtm(P))/2"),
    ("trfun(square,Y)", "Y", "2*Y'"),
    ("trfun(tanh,S)", "S", "eye(n) - funm(tanh,S)^2"),
    ("trfun(softplus,S)", "S", "funm(sigmoid,S)"),
    ("trfun(abs,S)", "S", "funm(sign,S)"),
    ("trfun(arctan,S)", "S", "inv(S^2 + eye(n))"),
    ("trfun(log1p,P)", "P", "inv(P + eye(n))"),
    ("trfun(lgamma,P)", "P", "funm(digamma,P)"),
    ("trfun(logsigmoid,S)", "S", "funm(sigmoid,-S)"),
    ("trfun(tanh,Y*Y')", "Y", "2*(eye(n) - funm(tanh,Y*Y')^2)*Y"),
    ("sum(tanh(eigvals(S)))", "S", "eye(n) - funm(tanh,S)^2"),
    ("sum(eigvals(S).^3)", "S", "3*S^2"),
    ("log(sum(exp(eigvals(S))))", "S", "expm(S)/tr(expm(S))"),
    ("eigvals(P)'*log(eigvals(P))", "P", "logm(P) + eye(n)"),
    ("logsumexp(eigvals(S))", "S", "eigvecs(S)*diag(softmax(eigvals(S)))*eigvecs(S)'"),
    ("x'*eigvals(S)", "S", "eigvecs(S)*diag(x)*eigvecs(S)'"),
    ("eigsum(S,2)", "S", "eigproj(S,2)"),
    ("eigsum(S+3*c*eye(n),2)", "c", "6"),
    ("sum(exp(svdvals(X)))", "X", "svdu(X)*diag(exp(svdvals(X)))*svdv(X)'"),
    ("kyfan(X,2)", "X", "polar(X,2)"),
    ("normschatten(X,3)^3/3", "X", "X*sqrtm(X'*X)"),
    ("normschatten(X,4)", "X", "X*X'*X/norm2(X'*X)^1.5"),
    ("svdmin(X)", "X", "svdumin(X)*svdvmin(X)'"),
    ("tr(Y^k)", "Y", "k*(Y^(k-1))'"),
    ("tr((A*Y)^k)", "Y", "k*A'*((A*Y)^(k-1))'"),
    ("tr(A*Y^k)", "Y", "dpowm(Y,k,A)'"),
    ("tr(Y^n)", "Y", "n*(Y^(n-1))'"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "by", "gradient"), GRADIENTS)
def test_gradients(text: str, by: str, gradient: str) -> None:
    d = of(text, by)
    g = d.by_scalar if by == "c" else d.gradient
    assert g is parse(gradient, KNOWN, dimensions=["n"]), str(g)
    report = check_gradient(d.function, d.variable, g)
    assert report.ok, report.reason


@pytest.mark.parametrize(
    ("text", "by"),
    [
        ("funm(tanh,S)", "S"), ("eigvecs(S)*diag(x)*eigvecs(S)'", "S"), ("eigproj(S,2)", "S"), ("eigvals(S)", "S"),
        ("svdvals(X)", "X"), ("svdu(X)*diag(z)*svdv(X)'", "X"), ("Y^k", "Y"), ("Y^(2*k+1)*x", "Y"), ("polar(Y,2)", "Y"),
        ("funm(gelu,Y+Y')", "Y"), ("eigvals(Y)", "Y"),
    ],
)  # fmt: skip
def test_differentials_adjoints_and_jacobians(text: str, by: str) -> None:
    d = of(text, by)
    f, x = d.function, d.variable
    report = check_differential(f, x, d.direction, d.differential)
    assert report.ok, report.reason
    w = variable("W", f.shape)
    report = check_adjoint(d.raw_differential, d.direction, adjoint(d.raw_differential, d.direction, w), w)
    assert report.ok, report.reason
    report = check_jacobian(f, x, d.jacobian)
    assert report.ok, report.reason


@pytest.mark.parametrize(
    ("text", "by"),
    [
        ("trfun(softplus,S)", "S"), ("trfun(tanh,S)", "S"), ("tr(Y^k)", "Y"), ("x'*eigvals(S)", "S"), ("eigsum(S,2)", "S"),
        ("kyfan(Y,2)", "Y"), ("cond(Y)", "Y"), ("logsumexp(eigvals(S))", "S"), ("sum(exp(svdvals(X)))", "X"),
    ],
)  # fmt: skip
def test_hessians(text: str, by: str) -> None:
    d = of(text, by)
    report = check_hessian(d.function, d.variable, d.hessian, d.cotangent)
    assert report.ok, report.reason


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("funm(exp,Y)", "expm(Y)"), ("funm(sinh,Y)", "sinhm(Y)"), ("funm(sqrt,P)", "sqrtm(P)"),
        ("funm(tanh,-S)", "-funm(tanh,S)"),
        ("funm(tanh,S)*funm(sigmoid,S)", "funm(sigmoid,S)*funm(tanh,S)"), ("funm(tanh,S)*S", "S*funm(tanh,S)"),
        ("funm(tanh,diag(x))", "diag(tanh(x))"), ("funm(tanh,c*eye(n))", "tanh(c)*eye(n)"),
        ("dfunm(tanh,S,S)", "S*(eye(n)-funm(tanh,S)^2)"),
        ("dfunm(exp,Y,A)", "dexpm(Y,A)"), ("dfunm(tanh,S,A)'", "dfunm(tanh,S,A')"), ("eigvecs(2*S+c*eye(n))", "eigvecs(S)"),
        ("eigvecs(S)'*eigvecs(S)", "eye(n)"), ("eigvecs(S)*diag(eigvals(S))*eigvecs(S)'", "S"),
        ("eigvecs(S)*diag(tanh(eigvals(S)))*eigvecs(S)'", "funm(tanh,S)"), ("svdu(X)*svdv(X)'", "polar(X)"),
        ("eigproj(S,2)^3", "eigproj(S,2)"), ("tr(eigproj(S,2))", "2"), ("eigsum(S,1)", "eigmax(S)"),
        ("kyfan(P,2)", "eigsum(P,2)"),
        ("cond(P)", "eigmax(P)/eigmin(P)"), ("normschatten(X,1)", "normnuc(X)"), ("Y^k*Y^2", "Y^(k+2)"),
        ("(Y^k)'*Y'", "(Y^(k+1))'"),
        ("(Y^k)^2", "Y^(2*k)"), ("inv(Y^k)*Y", "Y^(1-k)"), ("expm(Y)^k", "expm(k*Y)"), ("diag(x)^k", "diag(x.^k)"),
        ("signm(Y)^3", "signm(Y)"),
        ("signm(P)", "eye(n)"), ("signm(inv(Y))", "signm(Y)"),
    ],
)  # fmt: skip
def test_normal_forms(text: str, same: str) -> None:
    assert parse(text, KNOWN, dimensions=["n"]) is parse(same, KNOWN, dimensions=["n"])


@pytest.mark.parametrize("near", [0.0, 1e-15, 1e-12, 1e-9, 1e-6, 2e-4, 1e-3])
def test_divided_differences_are_stable_for_near_eigenvalues(near: float) -> None:
    rng = np.random.default_rng(0)
    v, _ = np.linalg.qr(rng.normal(size=(4, 4)))
    w = np.array([0.3, 0.3 + near, 0.3 - near / 2, 1.7])
    e = rng.normal(size=(4, 4))
    mean = (w[:, None] + w) / 2
    gap = (w[:, None] - w) / 2
    exact = np.exp(mean) * np.where(np.abs(gap) < 1e-4, 1 + gap**2 / 6, np.sinh(gap) / np.where(gap == 0, 1, gap))
    found = dfunm(np.exp, np.exp, (v * w) @ v.T, e)
    assert np.allclose(found, v @ (exact * (v.T @ e @ v)) @ v.T, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("size", [1.0, 1e-3, 1e-6, 1e-9, 1e-12])
def test_divided_differences_hold_for_eigenvalues_of_every_size(size: float) -> None:
    rng = np.random.default_rng(1)
    v, _ = np.linalg.qr(rng.normal(size=(4, 4)))
    w = size * np.array([1.0, 1.001, 3.0, 9.0])
    e = rng.normal(size=(4, 4))
    gap = np.subtract.outer(w, w) / 2
    sines = np.where(gap == 0, 1, np.sin(gap) / np.where(gap == 0, 1, gap))
    cosine = -np.sin(np.add.outer(w, w) / 2) * sines
    root = 1 / np.add.outer(np.sqrt(w), np.sqrt(w))
    for exact, f, slope in (root, np.sqrt, lambda x: 0.5 / np.sqrt(x)), (cosine, np.cos, lambda x: -np.sin(x)):
        found = v.T @ dfunm(f, slope, (v * w) @ v.T, e) @ v
        assert np.allclose(found, exact * (v.T @ e @ v), rtol=1e-9, atol=1e-9 * np.abs(exact).max())


def test_across_a_kink_the_difference_quotient_is_exact() -> None:
    s = np.diag([1e-6, -1e-6])
    value = evaluate(parse("dfunm(relu,S,A)", KNOWN), {"S": s, "A": np.ones((2, 2))})
    assert np.allclose(value, [[1.0, 0.5], [0.5, 0.0]])


def test_powers_with_whole_exponents() -> None:
    rng = np.random.default_rng(2)
    x, e = rng.normal(size=(2, 3, 3))
    for k in (-2, 0, 1, 4):
        h = 1e-6
        power = np.linalg.matrix_power
        assert np.allclose(dpower(x, k, e), (power(x + h * e, k) - power(x - h * e, k)) / (2 * h), rtol=1e-5, atol=1e-5)
    singular = np.diag([1.0, 0.0, -2.0])
    value = of("tr(Y^k)", "Y").gradient.evaluate({"Y": singular, "k": 3.0})
    assert np.allclose(value, 3 * singular @ singular)


def test_an_undeclared_exponent_of_a_matrix_is_a_whole_number() -> None:
    e = parse("tr(X^k)")
    k = next(v for v in variables(e) if v.params[0] == "k")
    assert k.params[2] == "whole" and k.kind == "scalar"
    x = next(v for v in variables(e) if v.params[0] == "X")
    found = answer(e, x)
    assert str(found.expression) == "k*(X^(k - 1))'"
    assert "k is a whole number, at least 1" in found.conditions
    with pytest.raises(UnsupportedError, match="whole"):
        Derivative(e, k)
    with pytest.raises(UnsupportedError, match="powm"):
        parse("X^a", ["a: scalar"])
    assert str(write_unicode(parse("tr(A*X^(k+1))"))) == "tr(A X^(k + 1))"
    assert "X^{k + 1}" in str(write_latex(parse("tr(A*X^(k+1))")))


def test_negative_whole_exponents_are_a_condition() -> None:
    e = parse("tr(Y^(k-3))", KNOWN)
    assert describe(conditions(e, KNOWN["Y"])) == ["Y invertible, where its exponent is negative"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("funm(foo,S)", "element-wise function"), ("funm(S,S)", "element-wise function"), ("funm(tanh,A)", "symmetric"),
        ("eigsum(S,0)", "between 1"), ("normschatten(X,0.5)", "at least 1"), ("geomean(A,Y)", "symmetric"),
        ("ldll(A)", "symmetric"),
        ("funm(tanh,X)", "square"), ("ridge(X,x,y)", "scalar"), ("funm(max,S)", "element-wise"),
    ],
)  # fmt: skip
def test_refusals_say_what_is_needed(text: str, words: str) -> None:
    with pytest.raises(FrechetError, match=words):
        parse(text, KNOWN)


def test_second_derivatives_of_a_function_of_a_matrix_are_refused_by_name() -> None:
    with pytest.raises(UnsupportedError, match="funm"):
        _ = of("funm(tanh,S)", "S").second_differential
    with pytest.raises(UnsupportedError, match="third"):
        _ = Derivative(of("tr(expm(Y))", "Y").hessian, KNOWN["Y"]).differential
    with pytest.raises(NotationError):
        fr.funm("no such function", KNOWN["S"])


def test_functions_are_given_by_name_or_as_functions() -> None:
    s: Expr = KNOWN["S"]
    assert fr.funm("tanh", s) is fr.funm(np.tanh, s) is fr.funm(fr.tanh, s)


def test_named_parts_are_explained() -> None:
    found = answer(parse("eigmax(S)", KNOWN), KNOWN["S"])
    assert [(str(e), words) for e, words in found.parts] == [
        ("eigvecmax(S)", "the unit eigenvector of the largest eigenvalue of S, up to its sign")
    ]
    assert not answer(parse("tr(S*S)", KNOWN), KNOWN["S"]).parts


def test_repeated_eigenvalues_do_not_disturb_symmetric_functions() -> None:
    g = of("trfun(tanh,S)", "S").gradient
    assert np.allclose(g.evaluate({"S": np.eye(3)}), (1 - np.tanh(1) ** 2) * np.eye(3))
    value = evaluate(parse("dfunm(tanh,S,A)", KNOWN), {"S": np.eye(3), "A": np.ones((3, 3))})
    assert np.allclose(value, (1 - np.tanh(1) ** 2) * np.ones((3, 3)))
