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


def gelutanh(x):
    """The approximation of gelu by tanh."""
    return x / 2 * (1 + np.tanh(0.7978845608028654 * (x + 0.044715 * x**3)))


def mish(x):
    """x*tanh(softplus(x))."""
    return x * np.tanh(np.logaddexp(x, 0))


def softsign(x):
    """x/(1 + abs(x))."""
    return x / (1 + np.abs(x))


def logcosh(x):
    """log(cosh(x)) without overflow."""
    return np.abs(x) + np.log1p(np.exp(-2 * np.abs(x))) - 0.6931471805599453


def elu(x, a):
    """x where x is positive, a*(exp(x) - 1) elsewhere."""
    return np.where(x > 0, x, a * np.expm1(np.minimum(x, 0)))


def huber(x, d):
    """x**2/2 where abs(x) is at most d, d*(abs(x) - d/2) beyond; nan where d is negative."""
    value = np.where(np.abs(x) <= d, np.square(x) / 2, d * (np.abs(x) - d / 2))
    return np.where(d >= 0, value, np.nan)


def selu(x):
    """1.0507 x where x is positive, 1.7581 (exp(x) - 1) elsewhere."""
    return 1.0507009873554805 * elu(x, 1.6732632423543772)


def softmax(x):
    """exp(x)/sum(exp(x)) without overflow."""
    e = np.exp(x - np.max(x))
    return e / np.sum(e)


def logsumexp(x):
    """log(sum(exp(x))) without overflow."""
    top = np.max(x)
    return top + np.log(np.sum(np.exp(x - top))) if np.isfinite(top) else top


def softmax_of_rows(Z):
    """softmax of every row."""
    E = np.exp(Z - np.max(Z, axis=1, keepdims=True))
    return E / np.sum(E, axis=1, keepdims=True)


def maskedsoftmax(Z, M):
    """M*exp(Z) divided by its row sums, without overflow."""
    top = np.max(np.where(M != 0, Z, -np.inf), axis=1, keepdims=True)
    E = M * np.exp(np.minimum(Z - top, 0))
    return E / np.sum(E, axis=1, keepdims=True)


def logsumexp_of_rows(Z):
    """log(sum(exp(z))) of every row z, without overflow."""
    top = np.max(Z, axis=1)
    top = np.where(np.isfinite(top), top, 0)
    return top + np.log(np.sum(np.exp(Z - top[:, None]), axis=1))


def layernorm(x, c=0.0):
    """(x - mean(x))/sqrt(var(x) + c)."""
    return (x - np.mean(x)) / np.sqrt(np.var(x) + c)


def layernorm_of_rows(X, c=0.0):
    """layernorm of every row."""
    return (X - np.mean(X, axis=1, keepdims=True)) / np.sqrt(np.var(X, axis=1, keepdims=True) + c)


def rmsnorm(x, c=0.0):
    """x/sqrt(mean(x**2) + c)."""
    return x / np.sqrt(np.mean(np.square(x)) + c)


def rmsnorm_of_rows(X, c=0.0):
    """rmsnorm of every row."""
    return X / np.sqrt(np.mean(np.square(X), axis=1, keepdims=True) + c)


def conv1d(x, w):
    """The sums w[0]*x[i] + w[1]*x[i + 1] + …, where the kernel w fits; of matrices column by column."""
    if len(w) > len(x):
        raise ValueError(f"the kernel of length {len(w)} is longer than what it slides along, {len(x)}")
    if x.ndim == w.ndim == 1:
        return np.correlate(x, w, mode="valid")
    count = x.shape[1] if x.ndim == 2 else w.shape[1]
    pairs = [(x[:, j] if x.ndim == 2 else x, w[:, j] if w.ndim == 2 else w) for j in range(count)]
    return np.stack([np.correlate(a, b, mode="valid") for a, b in pairs], axis=1)


def conv(x, y):
    """The convolution of two vectors; of matrices column by column."""
    if x.ndim == y.ndim == 1:
        return np.convolve(x, y)
    count = x.shape[1] if x.ndim == 2 else y.shape[1]
    pairs = [(x[:, j] if x.ndim == 2 else x, y[:, j] if y.ndim == 2 else y) for j in range(count)]
    return np.stack([np.convolve(a, b) for a, b in pairs], axis=1)


def logdet(X, hermitian=False):
    """log(det(X)), of a complex X the principal one; nan where the determinant of a real or Hermitian X is not positive."""
    sign, value = np.linalg.slogdet(X)
    if np.iscomplexobj(X) and not hermitian:
        return value + np.log(sign)
    return value if np.real(sign) > 0 else np.nan


def adjugate(X):
    """adj(X) = det(X)*inv(X), also where X is singular: X = U*S*V' gives det(U*V')*V*adj(S)*U'; small ones by cofactors."""
    if len(X) == 2:
        (a, b), (c, d) = X.tolist()
        return np.array(((d, -b), (-c, a)), X.dtype)
    if len(X) == 3:
        (a, b, c), (d, e, f), (g, h, i) = X.tolist()
        rows = (e * i - f * h, c * h - b * i, b * f - c * e), (f * g - d * i, a * i - c * g, c * d - a * f)
        return np.array((*rows, (d * h - e * g, b * g - a * h, a * e - b * d)), X.dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        d = np.linalg.det(X)
        if np.isnan(d):
            return X * d
        if d != 0 and np.isfinite(d):
            inverse = np.linalg.inv(X)
            condition = np.linalg.norm(X, 1) * np.linalg.norm(inverse, 1)
            if condition < np.finfo(inverse.dtype).eps ** -0.4:  # else too many digits are lost
                return d * inverse
    U, s, Vt = np.linalg.svd(X)
    minors = np.array([np.prod(np.delete(s, i)) for i in range(len(s))])
    return np.linalg.det(U) * np.linalg.det(Vt) * (Vt.conj().T * minors) @ U.conj().T


def commutation(m, n):
    """K with K @ vec(X) = vec(X.T) for X of shape (m, n), columns stacked."""
    return np.eye(m * n)[np.arange(m * n).reshape((m, n), order="F").ravel()]


def lower_places(n):
    """The places in vec(X), columns stacked, of the entries of an (n, n) matrix on and below the diagonal."""
    return np.flatnonzero(np.tri(n).ravel(order="F"))


def vech(X):
    """The entries of X on and below the diagonal, column by column."""
    return X.ravel(order="F")[lower_places(len(X))]


def elimination(n):
    """L with L @ vec(X) = vech(X) for X of shape (n, n)."""
    return np.eye(n * n)[lower_places(n)]


def duplication(n):
    """D with D @ vech(X) = vec(X) for symmetric X of shape (n, n)."""
    L = elimination(n)
    mirrored = L.reshape(-1, n, n).transpose(0, 2, 1).reshape(len(L), n * n)
    return np.maximum(L, mirrored).T


def or_nan(f, X, *others, **options):
    """f(X, *others, **options); nan for X with nan, for which the iterations of LAPACK do not converge."""
    try:
        return f(X, *others, **options)
    except np.linalg.LinAlgError:
        if not np.any(np.isnan(X)):
            raise
    found = f(np.zeros_like(X), *others, **options)  # for the shapes
    return tuple(np.nan * part for part in found) if isinstance(found, tuple) else np.nan * found


def eigvals(X):
    """The eigenvalues of the symmetric or Hermitian matrix X, ascending."""
    return or_nan(np.linalg.eigvalsh, (X + X.conj().T) / 2)


def eigvecs(X):
    """The unit eigenvectors of the symmetric or Hermitian matrix X as columns, their eigenvalues ascending."""
    return or_nan(np.linalg.eigh, (X + X.conj().T) / 2)[1]


def eigproj(V, k):
    """The orthogonal projector on the last k columns of V, eigenvectors of the largest eigenvalues."""
    V = V[:, -k:]
    return V @ V.conj().T


def funm(f, X):
    """V @ diag(f(w)) @ V^H for the symmetric or Hermitian matrix X = V @ diag(w) @ V^H."""
    w, V = or_nan(np.linalg.eigh, (X + X.conj().T) / 2)
    return (V * f(w)) @ V.conj().T


def dfunm(f, slope, X, E):
    """The derivative of funm(f, X) in the direction E, by divided differences of f at the eigenvalues.

    They are the mean of the derivative, slope, between two eigenvalues (Gauss, three nodes) where that loses less: where
    two nodes tell the same but for what the difference quotient loses to rounding.
    """
    w, V = or_nan(np.linalg.eigh, (X + X.conj().T) / 2)
    values, gap, middle = f(w), w[:, None] - w, (w[:, None] + w) / 2
    two = (slope(middle + gap / 12**0.5) + slope(middle - gap / 12**0.5)) / 2
    mean = (5 * slope(middle + 0.15**0.5 * gap) + 8 * slope(middle) + 5 * slope(middle - 0.15**0.5 * gap)) / 18
    lost = np.finfo(w.dtype).eps * (np.abs(values[:, None]) + np.abs(values))
    close = np.abs(gap * (mean - two)) <= lost
    quotients = np.where(close, mean, (values[:, None] - values) / np.where(close, 1.0, gap))
    return V @ (quotients * (V.conj().T @ E @ V)) @ V.conj().T


def polar(decomposition, k=None):
    """U @ V^H of the thin singular value decomposition U, s, V^H; of the k largest singular values only."""
    U, _, Vt = decomposition
    return U[:, :k] @ Vt[:k]


def toeplitzpart(X):
    """X with every diagonal replaced by its mean."""
    n, m = X.shape
    return sum(np.diagonal(X, k).mean() * np.eye(n, m, k) for k in range(1 - n, m))


def circulantpart(X):
    """X with every wrapped diagonal replaced by its mean."""
    i = np.arange(len(X))
    k = (i[:, None] - i) % len(X)
    return (np.bincount(k.ravel(), X.ravel()) / len(X))[k]


def hankelpart(X):
    """X with every antidiagonal replaced by its mean."""
    return toeplitzpart(X[:, ::-1])[:, ::-1]


def matrix_function(f, X, *others):
    """f(X, *others), in double precision; nan where it does not exist, or is complex though X and the others are real."""
    import warnings

    given = [np.asarray(M, np.result_type(M, np.float64)) for M in (X, *others)]
    shape = given[-1].shape
    if not all(np.all(np.isfinite(M)) for M in given):
        return np.full(shape, np.nan)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            Y = f(*given)
        except ValueError:  # SciPy met numbers that are not finite on its way
            Y = np.full(shape, np.nan)
    if np.iscomplexobj(Y) and not any(map(np.iscomplexobj, given)):
        Y = Y.real if np.abs(Y.imag).max() <= 1e-10 * np.abs(Y).max() else np.full(shape, np.nan)
    return Y


def expm(X):
    """The matrix exponential, which there always is; nan for X with entries that are not finite."""
    import scipy.linalg

    if not np.isfinite(X).all():
        return np.full(X.shape, np.nan)
    with np.errstate(all="ignore"):
        return scipy.linalg.expm(X)


def logm(X):
    """The principal logarithm of a matrix."""
    import scipy.linalg

    return matrix_function(scipy.linalg.logm, X)


def sqrtm(X):
    """The principal square root of a matrix."""
    return powm(X, 0.5)


def powm(X, a):
    """The principal power of a matrix, a real; of a symmetric or Hermitian one by its eigenvalues, which may be 0."""
    import scipy.linalg

    small = 500 * np.finfo(np.result_type(X, np.float32)).eps
    if np.abs(X - X.conj().T).max() <= small * np.abs(X).max():
        w, V = np.linalg.eigh(X)
        w = np.where(w < -small * np.abs(w).max(), np.nan, np.maximum(w, 0.0))
        with np.errstate(divide="ignore"):
            return (V * w ** float(a)) @ V.conj().T
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
    M = np.zeros((2 * n, 2 * n), np.result_type(X, E, np.float32))
    M[:n, :n] = M[n:, n:] = X
    np.divide(E, size, M[:n, n:])
    return f(M)[:n, n:] * size


def dexpm(X, E):
    """The derivative of expm at X in the direction E."""
    import scipy.linalg

    if len(X) < 30:  # where SciPy's steps in Python take longer than the arithmetic
        return matrix_block(expm, X, E)
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


def dpower(X, k, E):
    """The derivative of X^k at X in the direction E, k a whole number: the sum of X^i @ E @ X^(k-1-i)."""
    if k < 0:
        Y = np.linalg.inv(X)
        return dpower(Y, -k, -Y @ E @ Y)
    Z, P = 0.0 * E, np.eye(len(X))
    for _ in range(k):
        Z, P = Z @ X + P @ E, P @ X
    return Z


def matrix_of(f, X):
    """K with K @ vec(E) = vec(f(E)) for linear f and E of the shape of X, a square matrix; columns stacked."""
    n = len(X)
    units = np.eye(n * n).reshape(n * n, n, n)
    return np.stack([f(E.T).ravel(order="F") for E in units], axis=1)


def kexpm(X):
    """The matrix of dexpm(X, .) for vec."""
    return matrix_of(lambda E: dexpm(X, E), X)


def klogm(X):
    """The matrix of dlogm(X, .) for vec."""
    return matrix_of(lambda E: dlogm(X, E), X)


def kpowm(X, a):
    """The matrix of dpowm(X, a, .) for vec."""
    return matrix_of(lambda E: dpowm(X, a, E), X)


def kpower(X, k):
    """The matrix of dpower(X, k, .) for vec."""
    return matrix_of(lambda E: dpower(X, k, E), X)


def ksinm(X):
    """The matrix of dsinm(X, .) for vec."""
    return matrix_of(lambda E: dsinm(X, E), X)


def kcosm(X):
    """The matrix of dcosm(X, .) for vec."""
    return matrix_of(lambda E: dcosm(X, E), X)


def kfunm(f, slope, X):
    """The matrix of dfunm(f, slope, X, .) for vec."""
    return matrix_of(lambda E: dfunm(f, slope, X, E), X)


def signm(X):
    """The sign of a matrix."""
    import scipy.linalg

    return matrix_function(scipy.linalg.signm, X)


def qr(X):
    """Q, R with X = Q @ R, the columns of Q orthonormal, R upper triangular with positive diagonal."""
    if X.shape[0] < X.shape[1]:
        raise np.linalg.LinAlgError("X has more columns than rows, so it is not of full column rank")
    Q, R = np.linalg.qr(X)
    signs = np.where(np.diag(R) < 0, -1.0, 1.0)
    return Q * signs, R * signs[:, None]


def cholesky(A, name):
    """The lower Cholesky factor; nan for A with nan."""
    try:
        return np.linalg.cholesky(A)
    except np.linalg.LinAlgError:
        if np.any(np.isnan(A)):
            return np.nan * A
        raise np.linalg.LinAlgError(f"{name} is not positive definite: the Cholesky factorization fails") from None


def lu(X):
    """L, U with X = L @ U, L lower triangular with ones on the diagonal, U upper triangular; nan where there are none."""
    n = len(X)
    L, U = np.eye(n), np.array(X, dtype=float)
    with np.errstate(all="ignore"):
        for k in range(n - 1):
            L[k + 1 :, k] = U[k + 1 :, k] / U[k, k]
            U[k + 1 :] -= np.outer(L[k + 1 :, k], U[k])
    return L, np.triu(U)


def proj(X):
    """The orthogonal projector on the columns of X."""
    U, s, _ = or_nan(np.linalg.svd, X, full_matrices=False)
    U = U[:, ~(s <= 500 * np.finfo(s.dtype).eps * np.max(s, initial=0.0))]  # nan stays
    return U @ U.conj().T


def pinv_of_singular(X):
    """The pseudo-inverse of a matrix some of whose singular values are 0 but for rounding."""
    return or_nan(np.linalg.pinv, X, rtol=500 * np.finfo(np.result_type(X, np.float32)).eps)


def inverses(gaps):
    """1/g of differences, 0 of those that are 0 but for rounding."""
    size = np.abs(gaps)
    return 1 / np.where(size <= 500 * np.finfo(size.dtype).eps * np.max(size), np.inf, gaps)


def reduced_resolvent(w, V, i):
    """The pseudo-inverse of w[i]*I - V @ diag(w) @ V^H, the columns of V orthonormal."""
    return (V * inverses(w[i] - w)) @ V.conj().T


def singular_resolvent(decomposition, i, left):
    """The pseudo-inverse of s[i]**2*I - X @ X^H, or of s[i]**2*I - X^H @ X, where U, s, V^H are the decomposition of X."""
    U, s, V = decomposition
    W = U if left else V.conj().T
    level = s[i] ** 2
    inside = W * (inverses((s[i] - s) * (s[i] + s)) - 1 / level)
    return inside @ W.conj().T + np.diag(np.ones_like(W[:, 0]) / level)


def geomean(A, B):
    """The positive definite G with G @ inv(A) @ G = B, for positive definite A and B."""
    L = np.linalg.cholesky((A + A.T) / 2)
    K = np.linalg.solve(L, np.linalg.solve(L, (B + B.T) / 2).T)
    return L @ powm((K + K.T) / 2, 0.5) @ L.T


def lowhalf(X):
    """The lower triangle of X with half of its diagonal."""
    return np.tril(X) - np.diag(np.diag(X)) / 2


def sylvester(A, B, C):
    """The solution Z of A @ Z + Z @ B = C: of few entries as of any equations."""
    import scipy.linalg

    if C.size <= 36:
        m, n = C.shape
        left = np.zeros((m, n, m, n), np.result_type(A, B, C, np.float64))
        np.einsum("ijkj->ikj", left)[:] = A[:, :, None]
        np.einsum("ijil->ijl", left)[:] += B.T
        try:
            return np.linalg.solve(left.reshape(m * n, m * n), C.reshape(-1)).reshape(m, n)
        except np.linalg.LinAlgError:  # A and -B have an eigenvalue in common
            return np.full((m, n), np.nan)
    return matrix_function(scipy.linalg.solve_sylvester, A, B, C)


def lyap(A, Q):
    """The solution Z of A @ Z + Z @ A.T = Q."""
    return sylvester(A, A.T, Q)


def cumsum_from_end(X, axis):
    """The sums of the entries from the last one along an axis, in the order of the entries."""
    sums = np.empty_like(X)
    turned = (slice(None),) * axis + (slice(None, None, -1),)
    X[turned].cumsum(axis, None, sums[turned])
    return sums


def identity(n, known={}):  # noqa: B006
    """The identity matrix, made once for each n; not to be written over."""
    if n not in known:
        known[n] = np.asfortranarray(np.eye(n))
    return known[n]


def ones(n, dtype="d", known={}):  # noqa: B006
    """A vector of ones, made once for each n; not to be written over."""
    if (n, dtype) not in known:
        known[n, dtype] = np.ones(n, dtype)
    return known[n, dtype]


def zeros(n, dtype="d", known={}):  # noqa: B006
    """A vector of zeros, made once for each n; not to be written over."""
    if (n, dtype) not in known:
        known[n, dtype] = np.zeros(n, dtype)
    return known[n, dtype]


def mirrored(X):
    """The Hermitian matrix with the upper triangle of X, which has zeros below it; perhaps written over X."""
    n = len(X)
    if n < 500:
        X = X + X.T.conj()
        X.ravel("K")[:: n + 1] *= 0.5
        return X
    for i in range(0, n, 64):
        j = min(i + 64, n)
        X[j:, i:j] = X[i:j, j:].T.conj()
        B = np.triu(X[i:j, i:j])
        X[i:j, i:j] = B + np.triu(B, 1).T.conj()
    return X


def resolvent(M, E, a, b):
    """M @ E where M is the inverse of a*E + b*I: without a product where that is no less exact."""
    row = E[0]  # its norm is at most that of E
    if not abs(b) <= abs(a) * np.sqrt(row.dot(row)):
        return M.dot(E)
    X = M * (-b / a)
    X.ravel("K")[:: len(X) + 1] += 1 / a
    return X


def det_of_factors(d, p):
    """The determinant from the diagonal of U and the row interchanges of an LU factorization."""
    odd = np.count_nonzero(p != np.arange(len(p))) % 2
    return -np.multiply.reduce(d) if odd else np.multiply.reduce(d)


def logdet_of_factors(d, p, hermitian=False):
    """log(det) from LU factors, of a complex matrix the principal one; nan where a real determinant is not positive."""
    size = np.add.reduce(np.log(np.abs(d)))
    sign = det_of_factors(d / np.abs(d), p)
    if np.iscomplexobj(d) and not hermitian:
        return size + np.log(sign)
    return size if np.real(sign) > 0 else np.nan


def euclidean(x):
    """The Euclidean norm of all entries, also where their squares are beyond the range of floats."""
    x = x.ravel()
    square = np.vdot(x, x).real
    if 1e-30 < square < 1e30:  # also in single precision
        return np.sqrt(square)
    top = np.max(np.abs(x), initial=0.0)
    if not 0 < top < np.inf:
        return top
    x = x / top
    return top * np.sqrt(np.vdot(x, x).real)
