"""What an expert writes by hand for every cell: minimal work in NumPy, BLAS and LAPACK, on one thread.

An expert takes the arrays of the cell as positional arguments, in the order of the problem's declarations, and returns
an array (a float for the value), or a tuple of them. Where small matrices want other calls than large ones there are
several versions. What they rest on, measured:

- `A.dot(x)` costs half of `A @ x` where the arrays are tiny; BLAS and LAPACK through SciPy are as cheap as that, with
  positional arguments, given transposed views of C-ordered arrays, so that nothing is reordered
- `A.T.dot(A)` is a SYRK and mirrors its triangle; the inner product with ones is the cheapest sum
- a triangular solve with many right-hand sides has half the rate of a product: inverses come from POTRI, and products follow
- an outer product is `x[:, None].dot(y[None])` as long as it stays in the cache, half the time of `x[:, None] * y`
- what is larger than the cache is read once where that is possible, by blocks of rows; of a block with few rows the thin
  product with a matrix of few columns is faster too, since OpenBLAS does not pack it. For a gradient that is two products
  of a large matrix with a vector this would save a tenth and is not done: parity is the goal there
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import log, sqrt
from typing import Any

import numpy as np
from problems import SIZES, Cell
from scipy.linalg.blas import dgemm, dgemv, dsyrk
from scipy.linalg.lapack import dgesv, dgetrf, dgetri, dgetrs, dposv, dpotrf, dpotri, dpotrs
from scipy.special import expit

Expert = Callable[..., Any]

BLOCK = 100  # rows

EXPERTS: dict[tuple[str, str, str], Expert] = {}


def expert(problem: str, output: str, *sizes: str) -> Callable[[Expert], Expert]:
    def enter(f: Expert) -> Expert:
        EXPERTS.update({(problem, output, size): f for size in sizes or SIZES})
        return f

    return enter


def expert_of(cell: Cell) -> Expert:
    return EXPERTS[cell.problem.name, cell.output, cell.size]


_ones = cache(np.ones)


def _outer(x, y):
    return x[:, None].dot(y[None]) if len(x) * len(y) <= 100_000 else x[:, None] * y


def _mirrored(A):
    """The symmetric matrix of an upper triangle in Fortran's order with zeros below it."""
    n = len(A)
    if n < 500:
        A = A + A.T
        A.ravel("K")[:: n + 1] *= 0.5
    else:
        for k in range(n - 1):
            A[k + 1 :, k] = A[k, k + 1 :]
    return A


@cache
def _identity(n):
    return np.asfortranarray(np.eye(n))


# x'Ax: two products of a matrix with a vector


def _quadratic(A, x):
    g = A.dot(x)
    g += x.dot(A)
    return g


def _small_quadratic(A, x):
    return dgemv(1.0, A.T, x, 1.0, A.dot(x), 0, 1, 0, 1, 0, 1)  # added to A x, in its place


def _large_quadratic(A, x):
    g, h = np.empty(len(x)), np.zeros(len(x))
    for i in range(0, len(A), BLOCK):  # the block is in the cache for its second product
        B = A[i : i + BLOCK]
        B.dot(x, g[i : i + BLOCK])
        h += x[i : i + BLOCK].dot(B)
    g += h
    return g


expert("quadratic", "gradient", "large")(_large_quadratic)
expert("quadratic", "gradient", "medium")(_quadratic)
expert("quadratic", "gradient", "small")(_small_quadratic)


@expert("quadratic", "hvp", "large")
def _(A, x, dx):
    return _large_quadratic(A, dx)


@expert("quadratic", "hvp", "medium")
def _(A, x, dx):
    return _quadratic(A, dx)


@expert("quadratic", "hvp", "small")
def _(A, x, dx):
    return dgemv(1.0, A.T, dx, 1.0, A.dot(dx), 0, 1, 0, 1, 0, 1)


@expert("quadratic", "hessian", "small", "medium")
def _(A, x):
    H = A.T.copy()
    H += A
    return H


@expert("quadratic", "hessian", "large")
def _(A, x):
    return A + A.T


# logistic regression


@expert("logistic", "value+gradient", "small")
def _(X, y, w):
    z = X.dot(w)
    return np.add.reduce(np.logaddexp(0.0, z)) - y.dot(z), (expit(z) - y).dot(X)


@expert("logistic", "value+gradient", "large")
def _(X, y, w):
    z, g = np.empty(len(X)), np.zeros(len(w))
    for i in range(0, len(X), BLOCK):
        B, rows = X[i : i + BLOCK], slice(i, i + BLOCK)
        p = expit(B.dot(w, z[rows]))
        p -= y[rows]
        g += p.dot(B)
    a = np.abs(z)
    e = np.exp(-a)
    a += z
    ones = _ones(len(z))
    return np.log1p(e, out=e).dot(ones) + 0.5 * a.dot(ones) - y.dot(z), g


@expert("logistic", "value+gradient", "medium")
def _(X, y, w):
    z = X.dot(w)
    ones = _ones(len(z))
    a = np.abs(z)
    e = np.exp(-a)
    p = expit(z)
    p -= y
    a += z
    # log(1 + exp(z)) is log1p(exp(-|z|)) + (|z| + z)/2
    return np.log1p(e, out=e).dot(ones) + 0.5 * a.dot(ones) - y.dot(z), p.dot(X)


@expert("logistic", "gradient", "large")
def _(X, y, w):
    g = np.zeros(len(w))
    for i in range(0, len(X), BLOCK):
        B = X[i : i + BLOCK]
        p = expit(B.dot(w))
        p -= y[i : i + BLOCK]
        g += p.dot(B)
    return g


@expert("logistic", "gradient", "small", "medium")
def _(X, y, w):
    p = expit(X.dot(w))
    p -= y
    return p.dot(X)


@expert("logistic", "hessian", "small")
def _(X, y, w):
    p = expit(X.dot(w))
    return (X.T * (p - p * p)).dot(X)


@expert("logistic", "hessian", "medium", "large")
def _(X, y, w):
    p = expit(X.dot(w))
    Z = X.T * np.sqrt(p - p * p)
    return Z.dot(Z.T)


@expert("logistic", "hvp", "large")
def _(X, y, w, dw):
    g = np.zeros(len(w))
    for i in range(0, len(X), BLOCK):  # the block is in the cache for its second and third product
        B = X[i : i + BLOCK]
        p = expit(B.dot(w))
        p -= p * p
        p *= B.dot(dw)
        g += p.dot(B)
    return g


@expert("logistic", "hvp", "small", "medium")
def _(X, y, w, dw):
    p = expit(X.dot(w))
    p -= p * p
    p *= X.dot(dw)
    return p.dot(X)


@expert("logistic", "newton")
def _(X, y, w):
    p = expit(X.dot(w))
    H = dsyrk(1.0, X.T * np.sqrt(p - p * p))
    return dposv(H, (y - p).dot(X), 0, 1, 1)[1]


# norm2(T - U*V')^2: the residual is formed for the value only, where expanding the square would cancel


def _thin(T, V):
    """T V for a V of few columns."""
    if len(T) <= BLOCK:
        return T.dot(V)
    W = np.empty((len(T), V.shape[1]))
    for i in range(0, len(T), BLOCK):
        T[i : i + BLOCK].dot(V, W[i : i + BLOCK])
    return W


@expert("factorization", "value+gradient", "small")
def _(T, U, V):
    R = U.dot(V.T)
    R -= T
    r = R.ravel()
    return r.dot(r), R.dot(2.0 * V)


@expert("factorization", "value+gradient", "large")
def _(T, U, V):
    G, W, value = np.empty_like(U), -2.0 * V, 0.0
    for i in range(0, len(T), BLOCK // 2):
        rows = slice(i, i + BLOCK // 2)
        R = dgemm(-1.0, V.T, U[rows].T, 1.0, T[rows].T, 1).T
        r = R.ravel()
        value += r.dot(r)
        R.dot(W, G[rows])
    return value, G


@expert("factorization", "value+gradient", "medium")
def _(T, U, V):
    R = dgemm(-1.0, V.T, U.T, 1.0, T.T, 1).T
    r = R.ravel()
    return r.dot(r), R.dot(-2.0 * V)


@expert("factorization", "gradient", "small")
def _(T, U, V):
    R = U.dot(V.T)
    R -= T
    return R.dot(V + V)


@expert("factorization", "gradient", "medium", "large")
def _(T, U, V):
    W = V + V
    G = U.dot(V.T.dot(W))
    G -= _thin(T, W)
    return G


@expert("factorization", "hvp")
def _(T, U, V, dU):
    return dgemm(2.0, dgemm(1.0, V.T, V.T, 0.0, None, 0, 1), dU.T).T


@expert("factorization", "hessian")
def _(T, U, V):
    n, k = U.shape
    N = n * k
    H = np.zeros((N, N))
    # of the k×k blocks, which are multiples of I, the diagonals
    np.ndarray((n, k, k), H.dtype, H, 0, (8 * (N + 1), 8 * n * N, 8 * n))[...] = V.T.dot(V + V)
    return H


@expert("factorization", "newton")
def _(T, U, V):
    W = dposv(V.T.dot(V), _thin(T, V).T, 0, 1, 1)[1].T
    W -= U
    return W


# ten layers of ReLU, softmax cross-entropy


def _forward(X, W):
    layers = [X]
    for A in W[:-1]:
        h = layers[-1].dot(A)
        layers.append(np.maximum(h, 0.0, out=h))
    return layers, layers[-1].dot(W[-1])


def _softmax(z, ones):
    """The softmax of every row, and the sum of the logarithms of the sums of exponentials."""
    m = np.maximum.reduce(z, 1, None, None, True)
    e = z - m
    np.exp(e, out=e)
    s = e.dot(ones)
    e /= s[:, None]
    return e, np.add.reduce(np.log(s)) + np.add.reduce(m.ravel())


def _network(mask):
    """mask(d, h): d where h is positive, else 0."""

    def value_and_gradient(X, Y, *W):
        layers, z = _forward(X, W)
        b, n = Y.shape
        d, normalizer = _softmax(z, _ones(n))
        value = (normalizer - Y.ravel().dot(z.ravel())) / b
        d -= Y
        d /= b
        found = []
        for A in W[:0:-1]:
            h = layers.pop()
            found.append(h.T.dot(d))
            d = mask(d.dot(A.T), h)
        found += (X.T.dot(d), value)
        return tuple(found[::-1])

    return value_and_gradient


def _by_sign(d, h):
    d *= np.sign(h)
    return d


def _by_comparison(d, h):
    d *= h > 0.0
    return d


expert("network", "value+gradient", "small")(_network(_by_sign))
expert("network", "value+gradient", "medium", "large")(_network(_by_comparison))


@expert("network", "hvp")
def _(X, Y, *W):
    *W, dW = W
    b, n = Y.shape
    ones = _ones(n)
    h, t, masks = X.dot(W[0]), X.dot(dW), []
    for A in W[1:]:
        np.maximum(h, 0.0, out=h)
        mask = np.sign(h)
        masks.append(mask)
        t *= mask
        h, t = h.dot(A), t.dot(A)
    h -= np.maximum.reduce(h, 1, None, None, True)
    p = np.exp(h, out=h)
    p /= p.dot(ones)[:, None]
    t *= p
    p *= t.dot(ones)[:, None]
    t -= p
    t /= b
    for A in W[:0:-1]:
        t = t.dot(A.T)
        t *= masks.pop()
    return X.T.dot(t)


# Gaussian log-likelihood in S and mu


def _small_gaussian(X, S, mu):
    Z = X - mu
    m = len(X)
    c = dpotrf(S.T)[0]
    Si = dpotrs(c, _identity(len(S)))[0]
    K = Z.dot(Si)
    G = m * Si
    G -= K.T.dot(K)
    G *= 0.5
    return c, Z, K, G


def _medium_gaussian(X, S, mu):
    Z = X - mu
    c = dpotrf(S.T)[0]
    Si = _mirrored(dpotri(c)[0])
    half = 0.5 * Si
    P = Z.T.dot(Z).dot(Si)
    return c, P.trace(), dgemm(-1.0, P.T, half.T, len(X), half.T).T, -_ones(len(X)).dot(Z).dot(Si)


def _large_gaussian(X, S, mu):
    Z = X - mu
    m = len(X)
    c = dpotrf(S.T)[0]
    T = dpotri(c)[0]
    K = Z.dot(_mirrored(T.copy("K")))
    G = _mirrored(dsyrk(-0.5, K.T, 0.5 * m, T, 0, 0, 1))
    return c, Z, K, G


def _logdet(c):
    """Half the logarithm of the determinant, of a Cholesky factor."""
    return np.add.reduce(np.log(c.diagonal()))


@expert("gaussian", "value+gradient", "small")
def _(X, S, mu):
    c, Z, K, G = _small_gaussian(X, S, mu)
    m = len(X)
    return m * _logdet(c) + 0.5 * K.ravel().dot(Z.ravel()), G, -_ones(m).dot(K)


@expert("gaussian", "gradient", "small")
def _(X, S, mu):
    _, _, K, G = _small_gaussian(X, S, mu)
    return G, -_ones(len(X)).dot(K)


@expert("gaussian", "value+gradient", "medium")
def _(X, S, mu):
    c, trace, G, mean = _medium_gaussian(X, S, mu)
    return len(X) * _logdet(c) + 0.5 * trace, G, mean


@expert("gaussian", "gradient", "medium")
def _(X, S, mu):
    return _medium_gaussian(X, S, mu)[2:]


@expert("gaussian", "value+gradient", "large")
def _(X, S, mu):
    c, Z, K, G = _large_gaussian(X, S, mu)
    m = len(X)
    return m * _logdet(c) + 0.5 * K.ravel().dot(Z.ravel()), G, -_ones(m).dot(K)


@expert("gaussian", "gradient", "large")
def _(X, S, mu):
    _, _, K, G = _large_gaussian(X, S, mu)
    return G, -_ones(len(X)).dot(K)


def _gaussian_hvp(M, m, Si, dS):
    """With A = S⁻¹M − (m/2)I and B = S⁻¹ dS S⁻¹: (AB + BA')/2."""
    A = Si.dot(M)
    A.ravel("K")[:: len(A) + 1] -= 0.5 * m
    T = A.dot(Si.dot(dS).dot(Si))
    T *= 0.5
    return T + T.T


@expert("gaussian", "hvp", "small")
def _(X, S, mu, dS):
    Z = X - mu
    return _gaussian_hvp(Z.T.dot(Z), len(X), dpotrs(dpotrf(S.T)[0], _identity(len(S)))[0], dS)


@expert("gaussian", "hvp", "medium", "large")
def _(X, S, mu, dS):
    Z = X - mu
    return _gaussian_hvp(Z.T.dot(Z), len(X), _mirrored(dpotri(dpotrf(S.T)[0])[0]), dS)


# tr(AX'BXC)


def _trace_gradient(A, B, C, X):
    M = C.dot(A)
    G = B.dot(X).dot(M)
    G += B.T.dot(X).dot(M.T)
    return G


@expert("trace", "gradient")
def _(A, B, C, X):
    return _trace_gradient(A, B, C, X)


@expert("trace", "hvp")
def _(A, B, C, X, dX):
    return _trace_gradient(A, B, C, dX)


@expert("trace", "hessian")
def _(A, B, C, X):
    n = len(A)
    M = C.dot(A)
    # M_lj B_ik + M_jl B_ki, first with the axes (j,l,i,k), where it is a product of rank two
    H = np.array((M.T.ravel(), M.ravel())).T.dot(np.array((B.ravel(), B.T.ravel())))
    return H.reshape(n, n, n, n).transpose(0, 2, 1, 3).reshape(n * n, n * n)


# norm2(inv(X)*b)^2


@expert("inverse", "gradient")
def _(X, b):
    lu, p, _ = dgetrf(X.T)
    u = dgetrs(lu, p, b, trans=1)[0]
    w = dgetrs(lu, p, u)[0]
    w *= -2.0
    return _outer(w, u)


@expert("inverse", "hvp")
def _(X, b, dX):
    lu, p, _ = dgetrf(X.T)
    u = dgetrs(lu, p, b, trans=1)[0]
    w = dgetrs(lu, p, u)[0]
    du = dgetrs(lu, p, dX.dot(u), trans=1)[0]
    dw = dgetrs(lu, p, w.dot(dX) + du)[0]
    return np.array((dw, w)).T.dot(np.array((u, du))) * 2.0


def _inverse_parts(X, b):
    """u = X⁻¹b, twice w = X⁻ᵀu, X⁻¹. H[j,i,l,k] is 2(u_j w_k X⁻¹_li + w_i u_l X⁻¹_jk + u_j u_l (X⁻ᵀX⁻¹)_ik)."""
    lu, p, _ = dgetrf(X.T)
    Xi = dgetri(lu, p)[0].T
    u = Xi.dot(b)
    w = u.dot(Xi)
    w += w
    return u, w, Xi


@expert("inverse", "hessian", "small")
def _(X, b):
    n = len(X)
    u, w, Xi = _inverse_parts(X, b)
    Q = _outer(Xi.T.ravel(), w).reshape(n, n, n)
    Q += Xi.T.dot(Xi)[:, None, :] * u[:, None]
    H = _outer(u, Q.ravel()).reshape(n * n, n * n)
    G = H.T.copy()
    G += H
    return G


@expert("inverse", "hessian", "medium", "large")
def _(X, b):
    n = len(X)
    u, w, Xi = _inverse_parts(X, b)
    Q = Xi.T[:, :, None] * w
    Q += (2.0 * Xi.T.dot(Xi))[:, None, :] * u[:, None]
    H = np.empty((n, n, n * n))
    Q = Q.reshape(n, n * n)
    for j in range(n):  # a block of rows stays in the cache
        np.multiply(Q, u[j], out=H[j])
        H[j] += w[:, None] * (u[:, None] * Xi[j]).ravel()
    return H.reshape(n * n, n * n)


# GP marginal likelihood: K = a²(E + ρI) with E = exp(-D/2l²), ρ = s²/a²; the derivative by a needs E only in K


def _process(D, t):
    a, length, s = t.tolist()
    rho = (s / a) ** 2
    E = D * (-0.5 / (length * length))
    np.exp(E, out=E)
    P = E * D
    E.ravel()[:: len(E) + 1] += rho
    c = dpotrf(E.T, overwrite_a=1)[0]
    return a, length, s, rho, P, c


@expert("process", "value+gradient")
def _(D, y, t):
    a, length, s, rho, P, c = _process(D, t)
    n = len(y)
    v = dpotrs(c, y)[0]
    logdet = float(_logdet(c))
    Ki = dpotri(c, 0, 1)[0].T
    diagonal, ones = Ki.diagonal(), _ones(n)
    trace, square, fit = float(diagonal.dot(ones)), float(v.dot(v)), float(y.dot(v))
    inner = 2.0 * float(P.ravel().dot(Ki.ravel())) - float(diagonal.dot(P.diagonal()))
    a2 = a * a
    by_a = (n - rho * trace - (fit - rho * square) / a2) / a
    by_l = 0.5 * (inner - float(v.dot(P.dot(v))) / a2) / length**3
    by_s = s * (trace - square / a2) / a2
    return 0.5 * fit / a2 + n * log(a) + logdet, np.array((by_a, by_l, by_s))


def _process_derivatives(D, y, t):
    """Gradient and Hessian, as lists.

    With M = E + ρI, v = M⁻¹y and B = M⁻¹P: M⁻¹E is I − ρM⁻¹, so that of all traces and quadratic forms the ingredients
    are I, M⁻¹ and B. By the length l the derivatives of E are P/l³ and Q/l⁶ − 3P/l⁴, where Q = P∘D.
    """
    a, length, s, rho, P, c = _process(D, t)
    n = len(y)
    v = dpotrs(c, y)[0]
    Mi = _mirrored(dpotri(c, 0, 1)[0]).T  # in C's order, as P is
    B, Q = Mi.dot(P), P * D
    u, q = Mi.dot(v), P.dot(v)
    flat, ones = Mi.ravel(), _ones(n)
    trace, trace_b = float(Mi.diagonal().dot(ones)), float(B.diagonal().dot(ones))
    square, mixed, curved = float(flat.dot(flat)), float(flat.dot(B.ravel())), float(flat.dot(Q.ravel()))
    square_b = float(np.vdot(B, B.T) if n <= 200 else np.einsum("ij,ji->", B, B))
    vv, vu, yv, vq, uq = float(v.dot(v)), float(v.dot(u)), float(y.dot(v)), float(v.dot(q)), float(u.dot(q))
    bend, steep = float(v.dot(Q.dot(v))), float(q.dot(Mi.dot(q)))
    a2, l3 = a * a, length**3
    first_a = n - rho * trace - (yv - rho * vv) / a2
    first_l = trace_b - vq / a2
    first_s = trace - vv / a2
    second_s = square - 2 / a2 * vu
    crossed = mixed - 2 / a2 * uq
    twice = n - 2 * rho * trace + rho * rho * square - 2 / a2 * (yv - 2 * rho * vv + rho * rho * vu)
    aa = (first_a - 2 * twice) / a2
    al = (first_l - (trace_b - 2 / a2 * vq) + rho * crossed) / (a * l3)
    as_ = -2 * s / (a * a2) * (trace - 2 / a2 * vv - rho * second_s)
    ll = 0.5 / l3 * ((curved - bend / a2 - square_b + 2 / a2 * steep) / l3 - 3 * first_l / length)
    ls = -s / (a2 * l3) * crossed
    ss = (first_s - 2 * s * s / a2 * second_s) / a2
    return [first_a / a, 0.5 * first_l / l3, s * first_s / a2], [[aa, al, as_], [al, ll, ls], [as_, ls, ss]]


@expert("process", "hessian")
def _(D, y, t):
    return np.array(_process_derivatives(D, y, t)[1])


@expert("process", "newton")
def _(D, y, t):
    g, H = _process_derivatives(D, y, t)
    return dgesv(H, [-x for x in g])[2]


# norm2(A*B*C*D*v)^2: products with vectors only; the Hessian needs the product of the four


@expert("chain", "gradient")
def _(A, B, C, D, v):
    r = A.dot(B.dot(C.dot(D.dot(v))))
    r *= 2.0
    return r.dot(A).dot(B).dot(C).dot(D)


@expert("chain", "hessian")
def _(A, B, C, D, v):
    M = A.dot(B).dot(C).dot(D)
    M *= sqrt(2.0)
    return M.T.dot(M)


@expert("chain-A", "gradient")
def _(A, B, C, D, v):
    r = B.dot(C.dot(D.dot(v)))
    z = A.dot(r)
    z *= 2.0
    return _outer(z, r)
