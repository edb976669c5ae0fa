"""Hermitian eigenvalues, singular values, factors and unitary matrices: closed forms of the complex literature."""

from __future__ import annotations

import numpy as np
import pytest

import frechet as fr
from frechet.differentiation.conditions import conditions
from frechet.differentiation.derivative import Derivative
from frechet.expressions.errors import FrechetError, UnsupportedError
from frechet.notation.reading import read
from frechet.notation.spaces import gradient_space
from frechet.operations.transposition import conjugate_transposed, conjugated, hermitian
from frechet.verification.check import check_differential, check_equal, check_gradient

DECLARED = (
    "W: n×m complex", "X: n×m complex", "H: n×m complex", "A: n×n complex", "B: n×n complex", "C: n×n complex",
    "R: n×n hermitian", "S: n×n complex spd", "Q: n×n unitary", "U: n×m unitary", "a: n complex", "c: positive",
)  # fmt: skip


def derivative(text: str, by: str) -> Derivative:
    found = read(text, DECLARED)
    return Derivative(found.expression, found.variables[by])


GRADIENTS = [
    ("eigmax(W^H*R*W)", "W", "2*R*W*eigvecmax(W^H*R*W)*eigvecmax(W^H*R*W)^H"),  # complex PCA
    ("eigmax(H*H^H)", "H", "2*eigvecmax(H*H^H)*eigvecmax(H*H^H)^H*H"),  # maximum ratio beamforming
    ("logdet(eye(n)+c*H*H^H)", "H", "2*c*inv(eye(n)+c*H*H^H)*H"),  # the capacity of a MIMO channel
    ("eigmin(S)", "S", "eigvecmin(S)*eigvecmin(S)^H"),
    ("sum(exp(eigvals(R)))", "R", "expm(R)"),
    ("sum(tanh(eigvals(R)))", "R", "eye(n)-funm(tanh,R)^2"),
    ("eigsum(R,2)", "R", "eigproj(R,2)"),
    ("normnuc(X)", "X", "polar(X)"),
    ("normspec(X)", "X", "svdu(X,1)*svdv(X,1)^H"),
    ("svdval(X,2)", "X", "svdu(X,2)*svdv(X,2)^H"),
    ("norm2(a-proj(X)*a)^2", "X", "-2*(a-proj(X)*a)*a^H*pinv(X)^H"),
    ("2*sum(log(diag(cholesky(S))))", "S", "inv(S)"),
    ("tr(sqrtm(S))", "S", "inv(sqrtm(S))/2"),
    ("tr(U^H*R*U)", "U", "2*(R*U-U*U^H*R*U)"),  # subspace tracking on the complex Stiefel manifold
    ("re(tr(A*Q))", "Q", "(A^H-Q*A*Q)/2"),
]


@pytest.mark.parametrize(("text", "by", "closed"), GRADIENTS)
def test_gradient_is_the_closed_form(text: str, by: str, closed: str) -> None:
    D = derivative(text, by)
    report = check_equal(D.gradient, read(closed, DECLARED).expression)
    assert report.ok, f"{D.gradient}: {report.reason}"
    report = check_gradient(D.function, D.variable, D.gradient)
    assert report.ok, report.reason


DIFFERENTIALS = [
    ("pinv(X)", "X"), ("cholesky(S)", "S"), ("cholesky(A*A^H+eye(n))", "A"), ("polar(B)", "B"), ("signm(B)", "B"),
    ("sqrtm(B)", "B"), ("logm(B)", "B"), ("powm(B,1/3)", "B"), ("sinm(B)*cosm(B)", "B"), ("lyap(B,C)", "B"),
    ("sylvester(A,B,X*X^H)", "B"), ("svdu(A)*diag(a)*svdv(A)^H", "A"), ("svdu(A,2)*svdv(A,2)^H", "A"), ("polar(A,2)", "A"),
    ("eigvecs(R)*diag(a)*eigvecs(R)^H", "R"), ("eigproj(R',2)", "R"), ("inv(Q)*A*Q", "Q"), ("adj(eigmax(R)*eye(n)-R)", "R"),
    ("det(sqrtm(B))", "B"), ("funm(softplus,R)", "R"), ("normschatten(A,3)+kyfan(A,2)+cond(A)", "A"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "by"), DIFFERENTIALS)
def test_differential_is_the_derivative(text: str, by: str) -> None:
    D = derivative(text, by)
    report = check_differential(D.function, D.variable, D.direction, D.differential)
    assert report.ok, f"{D.differential}: {report.reason}"


IDENTITIES = [
    ("cholesky(S)*cholesky(S)^H", "S"), ("inv(cholesky(S))^H*inv(cholesky(S))", "inv(S)"),
    ("norm2(cholesky(S)'*B)^2", "re(tr(B^H*conj(S)*B))"), ("norm2(cholesky(S)^H*B)^2", "re(tr(B^H*S*B))"),
    ("norm2(inv(cholesky(S))*B)^2", "re(tr(B^H*inv(S)*B))"),
    ("eigvecmax(S')*eigvecmax(S')^H", "conj(eigvecmax(S)*eigvecmax(S)^H)"), ("eigproj(conj(R),2)", "eigproj(R,2)'"),
    ("svdu(X',1)*svdv(X',1)^H", "(svdu(X,1)*svdv(X,1)^H)'"), ("svdu(conj(A))*svdv(conj(A))^H", "conj(polar(A))"),
    ("svdu(A)*diag(svdvals(A))*svdv(A)^H", "A"), ("eigvecs(R)*diag(eigvals(R))*eigvecs(R)^H", "R"),
    ("eigvecs(R)^H*eigvecs(R)", "eye(n)"), ("U^H*U", "eye(m)"), ("Q*Q^H", "eye(n)"), ("inv(Q)", "Q^H"),
    ("inv(conj(Q))", "Q'"), ("pinv(X^H)", "pinv(X)^H"), ("inv(X^H*X)*X^H", "pinv(X)"), ("lstsq(X,a)", "pinv(X)*a"),
    ("proj(X)", "X*pinv(X)"), ("proj(conj(X))", "proj(X)'"), ("normnuc(A)", "re(tr(polar(A)^H*A))"), ("polar(Q)", "Q"),
    ("det(sqrtm(B))^2", "det(B)"), ("eigmax(R+2*eye(n))", "eigmax(R)+2"), ("A*lyap(A,C)+lyap(A,C)*A'", "C"),
    ("sum(eigvals(R))", "re(tr(R))"), ("signm(inv(B))", "signm(B)"), ("prod(svdvals(A))", "abs(det(A))"),
]  # fmt: skip


@pytest.mark.parametrize(("left", "right"), IDENTITIES)
def test_identity(left: str, right: str) -> None:
    a, b = read(left, DECLARED).expression, read(right, DECLARED).expression
    report = check_equal(a, b)
    assert report.ok, report.reason
    assert conjugated(conjugated(a)) is a


@pytest.mark.parametrize("text", ["Q'*Q", "Q*Q'", "U*U^H", "eigvecs(R)'*eigvecs(R)", "conj(U)*U'"])
def test_no_identity_of_the_real_numbers(text: str) -> None:
    """Without the conjugate, or on the other side, the product is no identity matrix."""
    assert read(text, DECLARED).expression.op.name == "product"


def test_powers_of_the_sign() -> None:
    """sign(X^3) is not sign(X): an eigenvalue of angle 50° has a cube of angle 150°."""
    X = fr.matrix("X", "n", "n")
    turn = np.array([[np.cos(np.pi / 3.6), -np.sin(np.pi / 3.6)], [np.sin(np.pi / 3.6), np.cos(np.pi / 3.6)]])
    assert np.allclose(fr.parse("signm(X^3)", {"X": X}).evaluate({"X": turn}), -np.eye(2))


def test_real_valued_and_hermitian() -> None:
    real = ("eigmax(R)", "eigvals(R)", "normspec(X)", "svdvals(X)", "normnuc(X)", "eigsum(R,2)", "trfun(tanh,R)")
    assert all(read(text, DECLARED).expression.real for text in real)
    own = ("eigproj(R,2)", "proj(X)", "eigvecmax(R)*eigvecmax(R)^H", "funm(tanh,R)", "sqrtm(S)", "pinv(R)")
    for text in own:
        e = read(text, DECLARED).expression
        assert hermitian(e) or text == "pinv(R)", text
        assert check_equal(e, conjugate_transposed(e)).ok


def test_conditions_say_hermitian_and_phases() -> None:
    said = [words for words, _ in conditions(derivative("eigmax(A)", "A").function, derivative("eigmax(A)", "A").variable)]
    assert said == ["{0} Hermitian", "the largest eigenvalue of {0} is simple"]
    D = derivative("re(a^H*eigvecmax(R))", "R")
    assert "the result does not change with the phases of the eigenvectors of {0}" in [
        words for words, _ in conditions(D.function, D.variable)
    ]


def test_unitary_variables_are_declared() -> None:
    for text in ("Q: n×n unitary", "Q: n×n complex orthogonal", "Q: n×n unitary complex"):
        assert read("re(tr(Q))", [text]).variables["Q"] is read("re(tr(Q))", DECLARED).variables["Q"]
    assert gradient_space(read("re(tr(Q))", DECLARED).variables["Q"]) == (
        "the tangent space at Q of the unitary n×n matrices, real dimension n²"
    )
    with pytest.raises(FrechetError, match="say orthogonal"):
        read("tr(Q)", ["Q: n×n unitary real"])
    with pytest.raises(UnsupportedError, match="unitary and symmetric"):
        read("tr(Q)", ["Q: n×n unitary symmetric"])
    with pytest.raises(UnsupportedError, match="unitary"):
        _ = derivative("tr(A*Q)", "Q").gradient
