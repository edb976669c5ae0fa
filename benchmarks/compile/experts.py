"""What an expert writes by hand for every cell: minimal work in NumPy, BLAS and LAPACK, on one thread.

An expert takes the arrays of the cell as positional arguments, in the order of the problem's declarations, and returns
an array (a float for the value), or a tuple of them. Where small matrices want other calls than large ones there are two.

What the versions rest on, measured: `A.dot(x)` costs half of `A @ x` where the arrays are tiny; `A.T.dot(A)` is a SYRK
and mirrors its triangle; LAPACK is called on transposed views of C-ordered arrays, so that nothing is reordered.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log, sqrt
from typing import Any

import numpy as np
from problems import LAYERS, SIZES, Cell
from scipy.linalg.blas import dgemm, dsyrk
from scipy.linalg.lapack import dgetrf, dgetri, dgetrs, dposv, dpotrf, dpotri, dpotrs
from scipy.special import expit

Expert = Callable[..., Any]

EXPERTS: dict[tuple[str, str, str], Expert] = {}


def expert(problem: str, output: str, *sizes: str) -> Callable[[Expert], Expert]:
    def enter(f: Expert) -> Expert:
        EXPERTS.update({(problem, output, size): f for size in sizes or SIZES})
        return f

    return enter


def expert_of(cell: Cell) -> Expert:
    return EXPERTS[cell.problem.name, cell.output, cell.size]


def _fill(A):
    """Writes the upper triangle of a matrix into its lower one, by blocks."""
    n, block = len(A), 128
    for i in range(0, n, block):
        j = min(i + block, n)
        A[j:, i:j] = A[i:j, j:].T
        D = A[i:j, i:j]
        D += np.triu(D, 1).T - np.tril(D, -1)
    return A


# x'Ax: two products of a matrix with a vector


@expert("quadratic", "gradient")
def _(A, x):
    g = A.dot(x)
    g += x.dot(A)
    return g


@expert("quadratic", "hvp")
def _(A, x, dx):
    g = A.dot(dx)
    g += dx.dot(A)
    return g


@expert("quadratic", "hessian", "small", "large")
def _(A, x):
    return A + A.T


@expert("quadratic", "hessian", "medium")
def _(A, x):
    H = A.T.copy()
    H += A
    return H


# logistic regression


def _softplus_sum(z):
    """The sum of log(1 + exp(z)), without overflow."""
    a = np.abs(z)
    e = np.exp(-a)
    return np.add.reduce(np.log1p(e, out=e)) + 0.5 * np.add.reduce(np.add(a, z, out=a))


@expert("logistic", "value+gradient", "small")
def _(X, y, w):
    z = X.dot(w)
    return np.add.reduce(np.logaddexp(0.0, z)) - y.dot(z), (expit(z) - y).dot(X)


@expert("logistic", "value+gradient", "medium", "large")
def _(X, y, w):
    z = X.dot(w)
    p = expit(z)
    p -= y
    return _softplus_sum(z) - y.dot(z), p.dot(X)


@expert("logistic", "gradient")
def _(X, y, w):
    p = expit(X.dot(w))
    p -= y
    return p.dot(X)


def _scaled(X, p):
    """√(p(1−p)) X, row by row."""
    s = np.sqrt(p - p * p)
    return X * s[:, None]


@expert("logistic", "hessian")
def _(X, y, w):
    Z = _scaled(X, expit(X.dot(w)))
    return Z.T.dot(Z)


@expert("logistic", "hvp")
def _(X, y, w, dw):
    p = expit(X.dot(w))
    p -= p * p
    p *= X.dot(dw)
    return p.dot(X)


@expert("logistic", "newton")
def _(X, y, w):
    p = expit(X.dot(w))
    H = dsyrk(1.0, _scaled(X, p).T)
    return dposv(H, (y - p).dot(X), overwrite_a=True, overwrite_b=True)[1]


# norm2(T - U*V')^2: the residual is formed for the value only, where expanding the square would cancel


@expert("factorization", "value+gradient", "small")
def _(T, U, V):
    R = U.dot(V.T)
    R -= T
    return np.vdot(R, R), (2.0 * R).dot(V)


@expert("factorization", "value+gradient", "medium", "large")
def _(T, U, V):
    R = dgemm(-1.0, V.T, U.T, beta=1.0, c=T.T, trans_a=True).T
    r = R.ravel()
    return r.dot(r), R.dot(-2.0 * V)


@expert("factorization", "gradient")
def _(T, U, V):
    G = U.dot(V.T.dot(V))
    G -= T.dot(V)
    G *= 2.0
    return G


@expert("factorization", "hvp")
def _(T, U, V, dU):
    S = V.T.dot(V)
    S *= 2.0
    return dU.dot(S)


@expert("factorization", "hessian")
def _(T, U, V):
    n, k = U.shape
    H = np.zeros((n * k, n * k))
    S = V.T.dot(V)
    S *= 2.0
    np.einsum("aibi->iab", H.reshape(k, n, k, n))[...] = S
    return H


@expert("factorization", "newton")
def _(T, U, V):
    W = dposv(V.T.dot(V), T.dot(V).T, overwrite_a=True, overwrite_b=True)[1].T
    W -= U
    return W


# ten layers of ReLU, softmax cross-entropy


def _forward(X, W):
    layers = [X]
    for A in W[:-1]:
        h = layers[-1].dot(A)
        layers.append(np.maximum(h, 0.0, out=h))
    return layers, layers[-1].dot(W[-1])


def _softmax(z):
    """The softmax of every row, and the sum of the logarithms of its denominators."""
    m = np.maximum.reduce(z, 1, keepdims=True)
    e = z - m
    np.exp(e, out=e)
    s = np.add.reduce(e, 1, keepdims=True)
    e /= s
    return e, np.add.reduce(np.log(s), None) + np.add.reduce(m, None)


@expert("network", "value+gradient")
def _(X, Y, *W):
    layers, z = _forward(X, W)
    d, normalizer = _softmax(z)
    value = (normalizer - np.vdot(Y, z)) / len(X)
    d -= Y
    d *= 1.0 / len(X)
    gradients = [None] * LAYERS
    for i in range(LAYERS - 1, 0, -1):
        h = layers[i]
        gradients[i] = h.T.dot(d)
        d = d.dot(W[i].T)
        d *= h > 0.0
    gradients[0] = X.T.dot(d)
    return (value, *gradients)


@expert("network", "hvp")
def _(X, Y, *W):
    *W, dW = W
    layers, z = _forward(X, W)
    masks = [h > 0.0 for h in layers]
    t = X.dot(dW)
    for i in range(1, LAYERS):
        t *= masks[i]
        t = t.dot(W[i])
    p, _ = _softmax(z)
    t *= p
    t -= p * np.add.reduce(t, 1, keepdims=True)
    t *= 1.0 / len(X)
    for i in range(LAYERS - 1, 0, -1):
        t = t.dot(W[i].T)
        t *= masks[i]
    return X.T.dot(t)


# Gaussian log-likelihood in S and mu


def _inverse_spd(S):
    c = dpotrf(S.T)[0]
    return c, _fill(dpotri(c)[0])


def _gaussian(X, S, mu):
    Z = X - mu
    m = len(X)
    c, Si = _inverse_spd(S)
    P = Si.dot(Z.T.dot(Z))
    trace = P.trace()
    np.negative(P, out=P)
    P.ravel()[:: len(P) + 1] += m
    G = P.dot(Si)
    G *= 0.5
    mean = -Si.dot(np.add.reduce(Z, 0))
    return c, trace, G, mean


@expert("gaussian", "value+gradient")
def _(X, S, mu):
    c, trace, G, mean = _gaussian(X, S, mu)
    return len(X) * np.add.reduce(np.log(c.diagonal())) + 0.5 * trace, G, mean


@expert("gaussian", "gradient")
def _(X, S, mu):
    return _gaussian(X, S, mu)[2:]


@expert("gaussian", "hvp")
def _(X, S, mu, dS):
    Z = X - mu
    Si = _inverse_spd(S)[1]
    P = Si.dot(Z.T.dot(Z))
    P.ravel()[:: len(P) + 1] -= 0.5 * len(X)
    T = P.dot(Si.dot(dS).dot(Si))
    T *= 0.5
    return T + T.T


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
    H = np.empty((n, n, n * n))
    left, right = M.T.repeat(n, 1), M.repeat(n, 1)
    plain, turned = np.tile(B, n), np.tile(B.T, n)
    for j in range(n):
        np.multiply(left[j], plain, out=H[j])
        H[j] += right[j] * turned
    return H.reshape(n * n, n * n)


# norm2(inv(X)*b)^2


@expert("inverse", "gradient")
def _(X, b):
    lu, p, _ = dgetrf(X.T)
    u = dgetrs(lu, p, b, trans=1)[0]
    w = dgetrs(lu, p, u)[0]
    w *= -2.0
    return w[:, None] * u


@expert("inverse", "hvp")
def _(X, b, dX):
    lu, p, _ = dgetrf(X.T)
    u = dgetrs(lu, p, b, trans=1)[0]
    w = dgetrs(lu, p, u)[0]
    du = dgetrs(lu, p, dX.dot(u), trans=1)[0]
    dw = dgetrs(lu, p, w.dot(dX) + du)[0]
    return np.array((dw, w)).T.dot(np.array((u, du))) * 2.0


@expert("inverse", "hessian")
def _(X, b):
    n = len(X)
    lu, p, _ = dgetrf(X.T)
    Xi = dgetri(lu, p)[0].T
    u = Xi.dot(b)
    w = u.dot(Xi)
    w *= 2.0
    # H[j,i,l,k] = 2(u_j w_k Xi_li + w_i u_l Xi_jk + u_j u_l P_ik), P = Xi' Xi
    Q = Xi.T[:, :, None] * w
    Q += (2.0 * Xi.T.dot(Xi))[:, None, :] * u[:, None]
    H = np.empty((n, n, n * n))
    Q = Q.reshape(n, n * n)
    for j in range(n):
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
    c = dpotrf(E.T, overwrite_a=True)[0]
    return a, length, s, rho, P, c


@expert("process", "value+gradient")
def _(D, y, t):
    a, length, s, rho, P, c = _process(D, t)
    n = len(y)
    v = dpotrs(c, y)[0]
    logdet = np.add.reduce(np.log(c.diagonal()))
    Ki = dpotri(c, overwrite_c=True)[0]
    diagonal = Ki.diagonal()
    trace = np.add.reduce(diagonal)
    square, fit = v.dot(v), y.dot(v)
    inner = 2.0 * np.vdot(P, Ki.T) - diagonal.dot(P.diagonal())
    by_a = (n - rho * trace - (fit - rho * square) / (a * a)) / a
    by_l = 0.5 * (inner - v.dot(P.dot(v)) / (a * a)) / length**3
    by_s = s * (trace - square / (a * a)) / (a * a)
    return 0.5 * fit / (a * a) + n * log(a) + logdet, np.array((by_a, by_l, by_s))


def _process_derivatives(D, y, t):
    """Gradient and Hessian.

    With B = K⁻¹P the products of two derivatives of K have traces of which I, K⁻¹, B are the only ingredients.
    """
    a, length, s, rho, P, c = _process(D, t)
    n = len(y)
    v = dpotrs(c, y)[0]
    Ki = _fill(dpotri(c, overwrite_c=True)[0])
    a2, l3 = a * a, length**3
    B = Ki.dot(P)
    u, q = Ki.dot(v), P.dot(v)
    Q = np.multiply(P, D)
    # by l: dK = P a²/l³, d²K = a²(Q/l⁶ − 3P/l⁴)
    vv, vu, yv, vq, uq = v.dot(v), v.dot(u), y.dot(v), v.dot(q), u.dot(q)
    trace, square, trace_b, mixed = Ki.trace(), np.vdot(Ki, Ki), B.trace(), np.vdot(Ki, B)
    square_b, curved, bend = np.vdot(B, B.T), np.vdot(Ki, Q), v.dot(Q.dot(v))
    by_a = (n - rho * trace - (yv - rho * vv) / a2) / a
    by_l = 0.5 * (trace_b - vq / a2) / l3
    by_s = s * (trace - vv / a2) / a2
    g = np.array((by_a, by_l, by_s))
    # K⁻¹∂aK = (2/a)(I − ρK₀⁻¹), K⁻¹∂lK = B/l³, K⁻¹∂sK = (2s/a²)K₀⁻¹; v'∂K … with v = K₀⁻¹y, K⁻¹y = v/a²
    fit_a = yv - rho * vv  # v'E v
    aa = (n - rho * trace - fit_a / a2) / a2 - 2 / a2 * (
        n - 2 * rho * trace + rho * rho * square - 2 / a2 * (yv - 2 * rho * vv + rho * rho * vu)
    )
    al = (trace_b - vq / a2) / (a * l3) - (trace_b - rho * mixed - 2 / a2 * (vq - rho * uq)) / (a * l3)
    as_ = -2 * s / (a * a2) * (trace - rho * square - 2 / a2 * (vv - rho * vu))
    q_norm = q.dot(Ki.dot(q))
    ll = 0.5 * ((curved - bend / a2) / l3**2 - 3 * (trace_b - vq / a2) / (l3 * length)) - 0.5 / l3**2 * (
        square_b - 2 / a2 * q_norm
    )
    ls = -s / (a2 * l3) * (mixed - 2 / a2 * uq)
    ss = (trace - vv / a2) / a2 - 2 * s * s / (a2 * a2) * (square - 2 / a2 * vu)
    return g, np.array(((aa, al, as_), (al, ll, ls), (as_, ls, ss)))


@expert("process", "hessian")
def _(D, y, t):
    return _process_derivatives(D, y, t)[1]


@expert("process", "newton")
def _(D, y, t):
    g, H = _process_derivatives(D, y, t)
    return -np.linalg.solve(H, g)


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
    return z[:, None] * r
