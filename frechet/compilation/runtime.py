"""The functions that emitted NumPy source calls by name.

The source of a program contains the text of those it uses, so it runs where frechet is not installed. They stand two
blank lines apart and carry no annotations, because their text is copied. scipy is imported only where one of its
functions is called.
"""
# mypy: disable-error-code="no-untyped-def,no-untyped-call"

import numpy as np


def expit(x):
    """1/(1 + exp(-x)) without overflow."""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, e) / (1.0 + e)


def silu(x):
    """x*expit(x)."""
    return x * expit(x)


def gelu(x):
    """x*Phi(x), Phi the normal distribution function."""
    from scipy.special import ndtr

    return x * ndtr(x)


def softmax(x):
    """exp(x)/sum(exp(x)) without overflow."""
    e = np.exp(x - np.max(x))
    return e / np.sum(e)


def logsumexp(x):
    """log(sum(exp(x))) without overflow."""
    top = np.max(x)
    return top + np.log(np.sum(np.exp(x - top))) if np.isfinite(top) else top


def logdet(X):
    """log(det(X)); nan where the determinant is not positive."""
    sign, value = np.linalg.slogdet(X)
    return value if sign > 0 else np.nan


def adjugate(X):
    """adj(X) = det(X)*inv(X), also where X is singular: X = U*S*V' gives det(U*V')*V*adj(S)*U'."""
    U, s, Vt = np.linalg.svd(X)
    minors = np.array([np.prod(np.delete(s, i)) for i in range(len(s))])
    return np.linalg.det(U) * np.linalg.det(Vt) * (Vt.T * minors) @ U.T


def commutation(m, n):
    """K with K @ vec(X) = vec(X.T) for X of shape (m, n), columns stacked."""
    return np.eye(m * n)[np.arange(m * n).reshape((m, n), order="F").ravel()]


def eigvals(X):
    """The eigenvalues of the symmetric matrix X, ascending."""
    return np.linalg.eigvalsh((X + X.T) / 2)


def eigvecs(X):
    """The unit eigenvectors of the symmetric matrix X as columns, their eigenvalues ascending."""
    return np.linalg.eigh((X + X.T) / 2)[1]


def polar(X):
    """U @ V.T of the thin singular value decomposition of X."""
    U, _, Vt = np.linalg.svd(X, full_matrices=False)
    return U @ Vt


def toeplitzpart(X):
    """X with every diagonal replaced by its mean."""
    n, m = X.shape
    return sum(np.diagonal(X, k).mean() * np.eye(n, m, k) for k in range(1 - n, m))
