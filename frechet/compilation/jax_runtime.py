"""The functions that emitted JAX source calls by name, where the library has none of that meaning.

As in runtime.py, a program's source contains the text of those it uses. What runtime.py has and JAX can trace is taken from
there, with `np` read as `jax.numpy`.
"""
# mypy: disable-error-code="no-untyped-def,no-untyped-call"

import jax
import jax.numpy as jnp
import numpy as np

from frechet.compilation.runtime import dfunm  # a program has it by its text


def euclidean(x):
    """The Euclidean norm of all entries, also where their squares are beyond the range of floats."""
    x = x.ravel()
    top = jax.lax.stop_gradient(jnp.max(jnp.abs(x), initial=0.0))
    top = jnp.where((top > 0) & (top < jnp.inf), top, 1.0)
    return top * jnp.sqrt(jnp.vdot(x / top, x / top).real)


def exp_of_minus(x):
    """exp(-x), kept from overflow."""
    return jnp.exp(jnp.minimum(-x, np.log(jnp.finfo(x.dtype).max)))


def gelu(x):
    """x*Phi(x), Phi the normal distribution function."""
    return x * jax.scipy.special.ndtr(x)


def logdet_of_cholesky(c):
    """log(det) from the Cholesky factor."""
    return 2.0 * jnp.sum(jnp.log(jnp.diagonal(c).real))


def det_of_cholesky(c):
    """The determinant from the Cholesky factor."""
    return jnp.prod(jnp.diagonal(c).real) ** 2


def sign_of_swaps(p):
    """The sign of the permutation that row interchanges make."""
    return 1.0 - 2.0 * (jnp.count_nonzero(p != jnp.arange(len(p))) % 2)


def det_of_lu(lu):
    """The determinant from LU factors and row interchanges."""
    return jnp.prod(jnp.diagonal(lu[0])) * sign_of_swaps(lu[1]).astype(lu[0].dtype)


def logdet_of_lu(lu, hermitian=False):
    """log(det) from LU factors, of a complex matrix the principal one; nan where a real determinant is not positive."""
    d = jnp.diagonal(lu[0])
    sign = jnp.prod(d / jnp.abs(d)) * sign_of_swaps(lu[1]).astype(d.dtype)
    if hermitian:
        sign = sign.real
    if jnp.iscomplexobj(sign):
        return jnp.sum(jnp.log(jnp.abs(d))) + jnp.log(sign)
    return jnp.where(sign > 0, jnp.sum(jnp.log(jnp.abs(d))), jnp.nan)


def vech(X):
    """The entries of X on and below the diagonal, column by column."""
    j, i = np.triu_indices(len(X))
    return X[i, j]


def elimination(n, dtype):
    """L with L @ vec(X) = vech(X) for X of shape (n, n)."""
    j, i = np.triu_indices(n)
    return jnp.eye(n * n, dtype=dtype)[j * n + i]


def duplication(n, dtype):
    """D with D @ vech(X) = vec(X) for symmetric X of shape (n, n)."""
    j, i = np.triu_indices(n)
    L = jnp.eye(n * n, dtype=dtype)
    return jnp.maximum(L[j * n + i], L[i * n + j]).T


def toeplitzpart(X):
    """X with every diagonal replaced by its mean."""
    n, m = X.shape
    place = np.arange(n)[:, None] - np.arange(m) + m - 1
    return (jnp.zeros(n + m - 1, X.dtype).at[place].add(X) / np.bincount(place.ravel()).astype(X.dtype))[place]


def circulantpart(X):
    """X with every wrapped diagonal replaced by its mean."""
    i = np.arange(len(X))
    k = (i[:, None] - i) % len(X)
    return (jnp.zeros(len(X), X.dtype).at[k].add(X) / len(X))[k]


def proj(X):
    """The orthogonal projector on the columns of X."""
    U, s, _ = jnp.linalg.svd(X, full_matrices=False)
    U = U * (s > 1e-13 * jnp.max(s, initial=0.0))
    return U @ U.conj().T


def qr(X):
    """Q, R with X = Q @ R, the columns of Q orthonormal, R upper triangular with positive diagonal."""
    if X.shape[0] < X.shape[1]:
        raise np.linalg.LinAlgError("X has more columns than rows, so it is not of full column rank")
    Q, R = jnp.linalg.qr(X)
    signs = jnp.where(jnp.diagonal(R) < 0, -1.0, 1.0).astype(R.dtype)
    return Q * signs, R * signs[:, None]


def lu(X):
    """L, U with X = L @ U, L lower triangular with ones on the diagonal, U upper triangular; nan where there are none."""
    places = jnp.arange(len(X))

    def step(k, factors):
        L, U = factors
        column = jnp.where(places > k, U[:, k] / U[k, k], 0.0)
        return L.at[:, k].add(column), U - jnp.outer(column, U[k])

    L, U = jax.lax.fori_loop(0, len(X) - 1, step, (jnp.eye(len(X), dtype=X.dtype), X))
    return L, jnp.triu(U)


def powm_of_positive(X, a):
    """The power of a symmetric or Hermitian positive semi-definite matrix."""
    w, V = jnp.linalg.eigh((X + X.conj().T) / 2)
    return (V * jnp.maximum(w, 0.0) ** a) @ V.conj().T


def geomean(A, B):
    """The positive definite G with G @ inv(A) @ G = B, for positive definite A and B."""
    L = jnp.linalg.cholesky(A)
    K = jnp.linalg.solve(L, jnp.linalg.solve(L, (B + B.T) / 2).T)
    return L @ powm_of_positive(K, 0.5) @ L.T


def real_like(Y, X):
    """Y, which is real for real X; nan where it is not."""
    if jnp.iscomplexobj(X) or not jnp.iscomplexobj(Y):
        return Y
    return jnp.where(jnp.max(jnp.abs(Y.imag)) <= 1e-10 * jnp.max(jnp.abs(Y)), Y.real, jnp.nan)


def sqrtm(X):
    """The principal square root of a matrix."""
    return real_like(jax.scipy.linalg.sqrtm(X), X)


def sinm(X):
    """The sine of a matrix."""
    Y = (jax.scipy.linalg.expm(1j * X) - jax.scipy.linalg.expm(-1j * X)) / 2j
    return Y if jnp.iscomplexobj(X) else Y.real


def cosm(X):
    """The cosine of a matrix."""
    Y = (jax.scipy.linalg.expm(1j * X) + jax.scipy.linalg.expm(-1j * X)) / 2
    return Y if jnp.iscomplexobj(X) else Y.real


def dexpm(X, E):
    """The derivative of expm at X in the direction E."""
    return jax.jvp(jax.scipy.linalg.expm, (X,), (E,))[1]


def dsinm(X, E):
    """The derivative of sinm at X in the direction E."""
    return jax.jvp(sinm, (X,), (E,))[1]


def dcosm(X, E):
    """The derivative of cosm at X in the direction E."""
    return jax.jvp(cosm, (X,), (E,))[1]


def sylvester(A, B, C):
    """The solution Z of A @ Z + Z @ B = C."""
    return jax.scipy.linalg.solve_sylvester(A, B, C)


def dsqrtm(X, E):
    """The derivative of sqrtm at X in the direction E."""
    S = sqrtm(X)
    return sylvester(S, S, E)


def matrix_of(f, X):
    """K with K @ vec(E) = vec(f(E)) for linear f and E of the shape of X, a square matrix; columns stacked."""
    n = len(X)
    units = jnp.eye(n * n, dtype=X.dtype).reshape(n * n, n, n)
    return jax.vmap(lambda E: f(E.T).T.ravel())(units).T


def kexpm(X):
    """The matrix of dexpm(X, .) for vec."""
    return matrix_of(lambda E: dexpm(X, E), X)


def ksinm(X):
    """The matrix of dsinm(X, .) for vec."""
    return matrix_of(lambda E: dsinm(X, E), X)


def kcosm(X):
    """The matrix of dcosm(X, .) for vec."""
    return matrix_of(lambda E: dcosm(X, E), X)


def kfunm(f, slope, X):
    """The matrix of dfunm(f, slope, X, .) for vec."""
    return matrix_of(lambda E: dfunm(f, slope, X, E), X)


def adjugate(X):
    """adj(X) = det(X)*inv(X), also where X is singular: X = U*S*V' gives det(U*V')*V*adj(S)*U'."""
    U, s, Vt = jnp.linalg.svd(X)
    minors = jnp.stack([jnp.prod(jnp.delete(s, i)) for i in range(len(s))])
    return jnp.linalg.det(U) * jnp.linalg.det(Vt) * (Vt.conj().T * minors) @ U.conj().T
