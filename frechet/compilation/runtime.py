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
    """log(det(X)), of a complex X the principal one; nan where the determinant of a real X is not positive."""
    sign, value = np.linalg.slogdet(X)
    if np.iscomplexobj(X):
        return value + np.log(sign)
    return value if sign > 0 else np.nan


def adjugate(X):
    """adj(X) = det(X)*inv(X), also where X is singular: X = U*S*V' gives det(U*V')*V*adj(S)*U'."""
    U, s, Vt = np.linalg.svd(X)
    minors = np.array([np.prod(np.delete(s, i)) for i in range(len(s))])
    return np.linalg.det(U) * np.linalg.det(Vt) * (Vt.conj().T * minors) @ U.conj().T


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


def matrix_function(f, X, *others):
    """f(X, *others); nan where it does not exist, or is complex though X and the others are real."""
    import warnings

    shape = others[-1].shape if others else X.shape
    if not all(np.all(np.isfinite(M)) for M in (X, *others)):
        return np.full(shape, np.nan)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        Y = f(X, *others)
    if np.iscomplexobj(Y) and not any(np.iscomplexobj(M) for M in (X, *others)):
        Y = Y.real if np.abs(Y.imag).max() <= 1e-10 * np.abs(Y).max() else np.full(shape, np.nan)
    return Y


def expm(X):
    """The matrix exponential."""
    import scipy.linalg

    return matrix_function(scipy.linalg.expm, X)


def logm(X):
    """The principal logarithm of a matrix."""
    import scipy.linalg

    return matrix_function(scipy.linalg.logm, X)


def sqrtm(X):
    """The principal square root of a matrix."""
    return powm(X, 0.5)


def powm(X, a):
    """The principal power of a matrix with a real exponent; of a symmetric one by its eigenvalues, which may be 0."""
    import scipy.linalg

    if np.abs(X - X.T).max() <= 1e-13 * np.abs(X).max():
        w, V = np.linalg.eigh(X)
        w = np.where(w < -1e-13 * np.abs(w).max(), np.nan, np.maximum(w, 0.0))
        with np.errstate(divide="ignore"):
            return (V * w ** float(a)) @ V.T
    if a == 0.5:
        return matrix_function(scipy.linalg.sqrtm, X)
    return matrix_function(lambda M: scipy.linalg.fractional_matrix_power(M, float(a)), X)


def sinm(X):
    """The sine of a matrix."""
    import scipy.linalg

    return matrix_function(scipy.linalg.sinm, X)


def cosm(X):
    """The cosine of a matrix."""
    import scipy.linalg

    return matrix_function(scipy.linalg.cosm, X)


def matrix_block(f, X, E):
    """The derivative of the matrix function f at X in the direction E: the upper right block of f([X, E; 0, X])."""
    n, size = len(X), np.linalg.norm(E)
    if not 0 < size < np.inf:
        return 0.0 * E
    return f(np.block([[X, E / size], [np.zeros_like(X), X]]))[:n, n:] * size


def dexpm(X, E):
    """The derivative of expm at X in the direction E."""
    import scipy.linalg

    return matrix_function(lambda M, D: scipy.linalg.expm_frechet(M, D, compute_expm=False), X, E)


def dlogm(X, E):
    """The derivative of logm at X in the direction E."""
    return matrix_block(logm, X, E)


def dsqrtm(X, E):
    """The derivative of sqrtm at X in the direction E."""
    S = sqrtm(X)
    return sylvester(S, S, E)


def dpowm(X, a, E):
    """The derivative of powm(X, a) at X in the direction E."""
    return matrix_block(lambda M: powm(M, a), X, E)


def dsinm(X, E):
    """The derivative of sinm at X in the direction E."""
    return matrix_block(sinm, X, E)


def dcosm(X, E):
    """The derivative of cosm at X in the direction E."""
    return matrix_block(cosm, X, E)


def lowhalf(X):
    """The lower triangle of X with half of its diagonal."""
    return np.tril(X) - np.diag(np.diag(X)) / 2


def sylvester(A, B, C):
    """The solution Z of A @ Z + Z @ B = C."""
    import scipy.linalg

    return matrix_function(scipy.linalg.solve_sylvester, A, B, C)


def lyap(A, Q):
    """The solution Z of A @ Z + Z @ A.T = Q."""
    return sylvester(A, A.T, Q)
