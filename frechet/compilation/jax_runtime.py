"""The functions that emitted JAX source calls by name, where the library has none of that meaning.

As in runtime.py, a program's source contains the text of those it uses. What runtime.py has and JAX can trace is taken from
there, with `np` read as `jax.numpy`.
"""
# mypy: disable-error-code="no-untyped-def,no-untyped-call"

import jax
import jax.numpy as jnp
import numpy as np


def or_nan(f, X, *others, **options):
    """f(X, *others, **options), in which nan gives nan: what others raise JAX cannot."""
    return f(X, *others, **options)


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
    U = U * (s > 500 * jnp.finfo(s.dtype).eps * jnp.max(s, initial=0.0))
    return U @ U.conj().T


def qr(X):
    """Q, R with X = Q @ R, the columns of Q orthonormal, R upper triangular with positive diagonal."""
    if X.shape[0] < X.shape[1]:
        raise np.linalg.LinAlgError("X has more columns than rows, so it is not of full column rank")
    Q, R = jnp.linalg.qr(X)
    signs = jnp.where(jnp.diagonal(R) < 0, -1.0, 1.0).astype(R.dtype)
    return Q * signs, R * signs[:, None]


def sign_below(u, axis):
    """The sign of u - max(u), of all entries or along an axis; 0 at the largest entry however XLA rounds u.

    Where u is computed again in another fusion it may be rounded otherwise, and then no entry be equal to the largest.
    """
    top = jnp.max(u, axis, keepdims=True)
    places = jnp.arange(u.size if axis is None else u.shape[axis])
    places = places.reshape(u.shape) if axis is None else jnp.expand_dims(places, 1 - axis)
    here = (places == jnp.argmax(u, axis, keepdims=True)) & ~jnp.isnan(top)
    return jnp.where(here, 0, jnp.minimum(jnp.sign(u - top), 0))


def cholesky(A, name):
    """The lower Cholesky factor; nan where there is none."""
    return jnp.linalg.cholesky(A)


def lu(X):
    """L, U with X = L @ U, L lower triangular with ones on the diagonal, U upper triangular; nan where there are none."""
    places = jnp.arange(len(X))

    def step(k, factors):
        L, U = factors
        column = jnp.where(places > k, U[:, k] / U[k, k], 0.0)
        return L.at[:, k].add(column), U - jnp.outer(column, U[k])

    L, U = jax.lax.fori_loop(0, len(X) - 1, step, (jnp.eye(len(X), dtype=X.dtype), X))
    return L, jnp.triu(U)


def geomean(A, B):
    """The positive definite G with G @ inv(A) @ G = B, for positive definite A and B."""
    L = jnp.linalg.cholesky(A)
    K = jnp.linalg.solve(L, jnp.linalg.solve(L, (B + B.T) / 2).T)
    return L @ sqrtm((K + K.T) / 2) @ L.T


def iterated_root(X):
    """The principal square root by the iteration of Denman and Beavers, scaled by norms; nan where it has not arrived.

    Every matrix takes twelve steps, so that all transformations know them. Source: Higham (2008), (6.29)
    """
    eye = jnp.eye(len(X), dtype=X.dtype)

    def step(_, pair):
        M, Y = pair
        N = jnp.linalg.inv(M)
        s = jnp.sqrt(jnp.linalg.norm(N) / jnp.linalg.norm(M))
        return (eye + (s * M + N / s) / 2) / 2, jnp.sqrt(s) * Y @ (eye + N / s) / 2

    _, Y = jax.lax.fori_loop(0, 12, step, (X, X))
    arrived = jnp.linalg.norm(Y @ Y - X) <= jnp.finfo(X.dtype).eps ** 0.5 * jnp.linalg.norm(Y) ** 2
    return Y * jnp.where(arrived, 1.0, jnp.nan)  # so is the derivative


def scaled_logarithm(X):
    """2^k times the logarithm of the root of order 2^k, by its integral in eight nodes of Gauss.

    k = 8 in double precision, 5 in single; nan where expm of the result is not X.
    Source: Higham (2008), (11.1) and section 11.5
    """
    eye, roots = jnp.eye(len(X), dtype=X.dtype), 8 if jnp.finfo(X.dtype).bits == 64 else 5
    E = jax.lax.fori_loop(0, roots, lambda _, Y: iterated_root(Y), X) - eye
    nodes = np.transpose(np.polynomial.legendre.leggauss(8)).tolist()
    L = 2 ** (roots - 1) * sum(weight * jnp.linalg.solve(eye + (1 + t) / 2 * E, E) for t, weight in nodes)
    back = jax.scipy.linalg.expm(L)
    return L * jnp.where(jnp.linalg.norm(back - X) <= jnp.finfo(X.dtype).eps ** 0.5 * jnp.linalg.norm(X), 1.0, jnp.nan)


def by_eigenvalues(f, X, Y):
    """Y; for symmetric or Hermitian X, which may be singular, f of its eigenvalues, with the derivative of Y."""
    X = jax.lax.stop_gradient(X)
    small = 500 * jnp.finfo(X.dtype).eps
    w, V = jnp.linalg.eigh(X)
    w = jnp.where(w < -small * jnp.max(jnp.abs(w)), jnp.nan, jnp.maximum(w, 0.0))
    exact = (V * f(w)) @ V.conj().T
    exact = jnp.where(jnp.all(jnp.isfinite(Y)), Y + jax.lax.stop_gradient(exact - Y), exact)
    return jnp.where(jnp.max(jnp.abs(X - X.conj().T)) <= small * jnp.max(jnp.abs(X)), exact, Y)


def sqrtm(X):
    """The principal square root of a matrix."""
    return by_eigenvalues(jnp.sqrt, X, iterated_root(X))


def logm(X):
    """The principal logarithm of a matrix."""
    return by_eigenvalues(jnp.log, X, scaled_logarithm(X))


def powm(X, a):
    """The principal power of a matrix, a real; of a symmetric or Hermitian one by its eigenvalues, which may be 0."""
    return by_eigenvalues(lambda w: w**a, X, jax.scipy.linalg.expm(a * scaled_logarithm(X)))


def signm(X):
    """The sign of a matrix by Newton's iteration, scaled by norms; nan where it has not arrived.

    Source: Higham (2008), (5.16)
    """

    def step(_, S):
        N = jnp.linalg.inv(S)
        s = jnp.sqrt(jnp.linalg.norm(N) / jnp.linalg.norm(S))
        return (s * S + N / s) / 2

    S = jax.lax.fori_loop(0, 20, step, X)
    arrived = jnp.linalg.norm(S @ S - jnp.eye(len(X))) <= jnp.finfo(X.dtype).eps ** 0.5 * jnp.linalg.norm(S) ** 2
    return S * jnp.where(arrived, 1.0, jnp.nan)


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
    return jax.jvp(iterated_root, (X,), (E,))[1]


def dlogm(X, E):
    """The derivative of logm at X in the direction E."""
    return jax.jvp(scaled_logarithm, (X,), (E,))[1]


def dpowm(X, a, E):
    """The derivative of powm(X, a) at X in the direction E."""
    return jax.jvp(lambda M: jax.scipy.linalg.expm(a * scaled_logarithm(M)), (X,), (E,))[1]


def matrix_of(f, X):
    """K with K @ vec(E) = vec(f(E)) for linear f and E of the shape of X, a square matrix; columns stacked."""
    n = len(X)
    units = jnp.eye(n * n, dtype=X.dtype).reshape(n * n, n, n)
    return jax.vmap(lambda E: f(E.T).T.ravel())(units).T


def adjugate(X):
    """adj(X) = det(X)*inv(X), also where X is singular: X = U*S*V' gives det(U*V')*V*adj(S)*U'."""
    U, s, Vt = jnp.linalg.svd(X)
    minors = jnp.stack([jnp.prod(jnp.delete(s, i)) for i in range(len(s))])
    return jnp.linalg.det(U) * jnp.linalg.det(Vt) * (Vt.conj().T * minors) @ U.conj().T
