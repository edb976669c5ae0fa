"""The functions that emitted PyTorch source calls by name, where the library has none of that meaning.

As in runtime.py, a program's source contains the text of those it uses. What differs in the name of the library alone is
taken from there, with `np` read as `torch`.
"""
# mypy: disable-error-code="no-untyped-def,no-untyped-call,attr-defined"

import torch


def or_nan(f, X, *others, **options):
    """f(X, *others, **options); nan for X with entries that are not finite, for which LAPACK raises an error."""
    fine = torch.all(torch.isfinite(X))
    eye = torch.eye(*X.shape, dtype=X.dtype, device=X.device)
    found, scale = f(torch.where(fine, X, eye), *others, **options), torch.where(fine, 1.0, torch.nan)
    return tuple(scale * part for part in found) if isinstance(found, tuple) else scale * found


def cholesky(A, name):
    """The lower Cholesky factor."""
    try:
        return or_nan(torch.linalg.cholesky, A)
    except torch.linalg.LinAlgError as error:
        raise torch.linalg.LinAlgError(f"{name} is not positive definite: the Cholesky factorization fails") from error


def invertible(lu, name):
    """LU factors, if the matrix has an inverse; inside of torch.compile and vmap that is not asked, and it is infinite."""
    if torch.compiler.is_compiling():
        return lu[:2]
    try:
        singular = bool(lu[2])
    except RuntimeError:  # inside of vmap there are many matrices
        singular = False
    if singular:
        raise torch.linalg.LinAlgError(f"{name} is singular: it has no inverse")
    return lu[:2]


def euclidean(x):
    """The Euclidean norm of all entries, also where their squares are beyond the range of floats."""
    top = torch.amax(torch.abs(x)).detach()
    top = torch.where((top > 0) & torch.isfinite(top), top, torch.ones_like(top))
    return top * torch.linalg.vector_norm(x / top)


def exp_of_minus(x):
    """exp(-x), kept from overflow."""
    return torch.exp(torch.clamp(-x, max=88.0 if torch.finfo(x.dtype).bits < 64 else 709.0))


def sign(x):
    """The sign, of a complex number x/abs(x); nan of nan."""
    return torch.where(torch.isnan(x), x, torch.sgn(x))


def step(x):
    """1 where x is positive, 0 elsewhere; nan of nan."""
    return torch.ceil(torch.clamp(x, 0.0, 1.0))


def softplus(x):
    """log(1 + exp(x)) without overflow."""
    return torch.logaddexp(x, torch.zeros_like(x))


def gamma(x):
    """The gamma function."""
    odd = (x < 0) & (torch.remainder(torch.floor(x), 2) != 0)
    return torch.exp(torch.lgamma(x)) * torch.where(odd, -1, 1).to(x.dtype)


def elu(x, a):
    """x where x is positive, a*(exp(x) - 1) elsewhere."""
    return torch.where(x > 0, x, a * torch.expm1(torch.clamp(x, max=0)))


def huber(x, d):
    """x**2/2 where abs(x) is at most d, d*(abs(x) - d/2) beyond; nan where d is negative."""
    value = torch.where(torch.abs(x) <= d, torch.square(x) / 2, d * (torch.abs(x) - d / 2))
    return torch.where(d >= 0, value, torch.nan)


def maskedsoftmax(Z, M):
    """M*exp(Z) divided by its row sums, without overflow."""
    top = torch.amax(torch.where(M != 0, Z, -torch.inf), 1, True)
    E = M * torch.exp(torch.clamp(Z - top, max=0))
    return E / torch.sum(E, 1, True)


def block(rows):
    """A matrix from blocks."""
    return torch.cat([torch.cat([torch.atleast_2d(b) for b in row], 1) for row in rows], 0)


def sign_of_swaps(p):
    """The sign of the permutation that row interchanges, counted from 1, make."""
    count = torch.sum(p != torch.arange(1, len(p) + 1, dtype=p.dtype, device=p.device))
    return 1 - 2 * (count % 2)


def logdet_of_cholesky(c):
    """log(det) from the Cholesky factor."""
    return 2.0 * torch.sum(torch.log(torch.real(torch.diagonal(c))))


def det_of_cholesky(c):
    """The determinant from the Cholesky factor."""
    return torch.square(torch.prod(torch.real(torch.diagonal(c))))


def det_of_lu(lu):
    """The determinant from LU factors and row interchanges."""
    return torch.prod(torch.diagonal(lu[0])) * sign_of_swaps(lu[1])


def logdet_of_lu(lu, hermitian=False):
    """log(det) from LU factors, of a complex matrix the principal one; nan where a real determinant is not positive."""
    d = torch.diagonal(lu[0])
    sign = torch.prod(d / torch.abs(d)) * sign_of_swaps(lu[1])
    size = torch.sum(torch.log(torch.abs(d)))
    if hermitian:
        sign = sign.real
    if sign.is_complex():
        return size + torch.log(sign)
    return torch.where(sign > 0, size, torch.nan)


def vech(X):
    """The entries of X on and below the diagonal, column by column."""
    j, i = torch.triu_indices(len(X), len(X), device=X.device)
    return X[i, j]


def elimination(n, dtype, device):
    """L with L @ vec(X) = vech(X) for X of shape (n, n)."""
    j, i = torch.triu_indices(n, n, device=device)
    return torch.eye(n * n, dtype=dtype, device=device)[j * n + i]


def duplication(n, dtype, device):
    """D with D @ vech(X) = vec(X) for symmetric X of shape (n, n)."""
    j, i = torch.triu_indices(n, n, device=device)
    L = torch.eye(n * n, dtype=dtype, device=device)
    return torch.maximum(L[j * n + i], L[i * n + j]).T


def adjugate(X):
    """adj(X) = det(X)*inv(X), also where X is singular: X = U*S*V' gives det(U*V')*V*adj(S)*U'."""
    U, s, Vt = or_nan(torch.linalg.svd, X)
    minors = torch.stack([torch.prod(torch.cat((s[:i], s[i + 1 :]))) for i in range(len(s))])
    return torch.linalg.det(U) * torch.linalg.det(Vt) * (Vt.mH * minors) @ U.mH


def proj(X):
    """The orthogonal projector on the columns of X."""
    U, s, _ = or_nan(torch.linalg.svd, X, full_matrices=False)
    U = U * (s > 500 * torch.finfo(s.dtype).eps * torch.amax(s))
    return U @ U.mH


def qr(X):
    """Q, R with X = Q @ R, the columns of Q orthonormal, R upper triangular with positive diagonal."""
    if X.shape[0] < X.shape[1]:
        raise torch.linalg.LinAlgError("X has more columns than rows, so it is not of full column rank")
    Q, R = torch.linalg.qr(X)
    signs = torch.where(torch.diagonal(R) < 0, -1, 1).to(R.dtype)
    return Q * signs, R * signs[:, None]


def lu(X):
    """L, U with X = L @ U, L lower triangular with ones on the diagonal, U upper triangular; nan where there are none."""
    n = len(X)
    columns, U = [], X
    for k in range(n):
        column = torch.where(torch.arange(n, device=X.device) > k, U[:, k] / U[k, k], torch.zeros_like(U[:, k]))
        U = U - torch.outer(column, U[k])
        columns.append(column)
    return torch.stack(columns, 1) + torch.eye(n, dtype=X.dtype, device=X.device), torch.triu(U)


def toeplitzpart(X):
    """X with every diagonal replaced by its mean."""
    n, m = X.shape
    place = torch.arange(n, device=X.device)[:, None] - torch.arange(m, device=X.device) + m - 1
    sums = torch.zeros(n + m - 1, dtype=X.dtype, device=X.device).index_add(0, place.ravel(), X.reshape(-1))
    return (sums / torch.bincount(place.ravel()))[place]


def circulantpart(X):
    """X with every wrapped diagonal replaced by its mean."""
    n = len(X)
    place = (torch.arange(n, device=X.device)[:, None] - torch.arange(n, device=X.device)) % n
    return (torch.zeros(n, dtype=X.dtype, device=X.device).index_add(0, place.ravel(), X.reshape(-1)) / n)[place]


def hankelpart(X):
    """X with every antidiagonal replaced by its mean."""
    return toeplitzpart(X.flip(1)).flip(1)


def length(E):
    """The norm of a direction, by which it is divided first: exponentials lose digits beside one that is large."""
    size = torch.linalg.norm(E).detach()
    return torch.where(size > 0, size, 1.0)


def dexpm(X, E):
    """The derivative of expm at X in the direction E: the upper right block of expm([X, E; 0, X])."""
    n, size = len(X), length(E)
    rows = [torch.cat((X, E / size), 1), torch.cat((torch.zeros_like(X), X), 1)]
    return torch.linalg.matrix_exp(torch.cat(rows, 0))[:n, n:] * size


def pinv_of_singular(X):
    """The pseudo-inverse of a matrix some of whose singular values are 0 but for rounding."""
    return or_nan(torch.linalg.pinv, X, rtol=500 * torch.finfo(X.dtype).eps)


def iterated_root(X):
    """The principal square root by the iteration of Denman and Beavers, scaled by norms; nan where it has not arrived.

    Every matrix takes twelve steps, so that all transformations know them. Source: Higham (2008), (6.29)
    """
    eye = torch.eye(len(X), dtype=X.dtype, device=X.device)
    M = Y = X
    for _ in range(12):
        N = torch.linalg.inv_ex(M)[0]
        s = torch.sqrt(torch.linalg.matrix_norm(N) / torch.linalg.matrix_norm(M))
        M, Y = (eye + (s * M + N / s) / 2) / 2, torch.sqrt(s) * Y @ (eye + N / s) / 2
    arrived = torch.linalg.matrix_norm(Y @ Y - X) <= torch.finfo(X.dtype).eps ** 0.5 * torch.linalg.matrix_norm(Y) ** 2
    return Y * torch.where(arrived, 1.0, torch.nan)  # so is the derivative


def scaled_logarithm(X):
    """2^k times the logarithm of the root of order 2^k, by its integral in eight nodes of Gauss.

    k = 8 in double precision, 5 in single; nan where expm of the result is not X.
    Source: Higham (2008), (11.1) and section 11.5
    """
    nodes = {  # and their weights, those of Gauss and Legendre on both sides of 0
        0.1834346424956498: 0.36268378337836198, 0.52553240991632899: 0.31370664587788729,
        0.79666647741362674: 0.22238103445337447, 0.96028985649753623: 0.10122853629037626,
    }  # fmt: skip
    eye, Y = torch.eye(len(X), dtype=X.dtype, device=X.device), X
    roots = 8 if torch.finfo(X.dtype).bits == 64 else 5
    for _ in range(roots):
        Y = iterated_root(Y)
    E = Y - eye
    L = torch.zeros_like(E)
    for t, weight in nodes.items():
        for place in ((1 + t) / 2, (1 - t) / 2):
            L = L + 2 ** (roots - 1) * weight * torch.linalg.solve_ex(eye + place * E, E)[0]
    back = torch.linalg.matrix_norm(torch.linalg.matrix_exp(L) - X)
    return L * torch.where(back <= torch.finfo(X.dtype).eps ** 0.5 * torch.linalg.matrix_norm(X), 1.0, torch.nan)


def by_eigenvalues(f, X, Y):
    """Y; for symmetric or Hermitian X, which may be singular, f of its eigenvalues, with the derivative of Y."""
    X = X.detach()
    small = 500 * torch.finfo(X.dtype).eps
    w, V = or_nan(torch.linalg.eigh, X)
    w = torch.where(w < -small * torch.amax(torch.abs(w)), torch.nan, torch.clamp(w, min=0.0))
    exact = (V * f(w)) @ V.mH
    exact = torch.where(torch.all(torch.isfinite(Y)), Y + (exact - Y).detach(), exact)
    return torch.where(torch.amax(torch.abs(X - X.mH)) <= small * torch.amax(torch.abs(X)), exact, Y)


def sqrtm(X):
    """The principal square root of a matrix."""
    return by_eigenvalues(torch.sqrt, X, iterated_root(X))


def logm(X):
    """The principal logarithm of a matrix."""
    return by_eigenvalues(torch.log, X, scaled_logarithm(X))


def powm(X, a):
    """The principal power of a matrix, a real; of a symmetric or Hermitian one by its eigenvalues, which may be 0."""
    return by_eigenvalues(lambda w: w**a, X, torch.linalg.matrix_exp(a * scaled_logarithm(X)))


def signm(X):
    """The sign of a matrix by Newton's iteration, scaled by norms; nan where it has not arrived.

    Source: Higham (2008), (5.16)
    """
    S, eye = X, torch.eye(len(X), dtype=X.dtype, device=X.device)
    for _ in range(20):
        N = torch.linalg.inv_ex(S)[0]
        s = torch.sqrt(torch.linalg.matrix_norm(N) / torch.linalg.matrix_norm(S))
        S = (s * S + N / s) / 2
    arrived = torch.linalg.matrix_norm(S @ S - eye) <= torch.finfo(X.dtype).eps ** 0.5 * torch.linalg.matrix_norm(S) ** 2
    return S * torch.where(arrived, 1.0, torch.nan)


def sinm(X):
    """The sine of a matrix."""
    Y = (torch.linalg.matrix_exp(1j * X) - torch.linalg.matrix_exp(-1j * X)) / 2j
    return Y if X.is_complex() else Y.real


def cosm(X):
    """The cosine of a matrix."""
    Y = (torch.linalg.matrix_exp(1j * X) + torch.linalg.matrix_exp(-1j * X)) / 2
    return Y if X.is_complex() else Y.real


def dsqrtm(X, E):
    """The derivative of sqrtm at X in the direction E."""
    return torch.func.jvp(iterated_root, (X,), (E,))[1]


def dlogm(X, E):
    """The derivative of logm at X in the direction E."""
    size = length(E)
    return torch.func.jvp(scaled_logarithm, (X,), (E / size,))[1] * size


def dpowm(X, a, E):
    """The derivative of powm(X, a) at X in the direction E."""
    size = length(E)
    return torch.func.jvp(lambda M: torch.linalg.matrix_exp(a * scaled_logarithm(M)), (X,), (E / size,))[1] * size


def dsinm(X, E):
    """The derivative of sinm at X in the direction E."""
    Y = (dexpm(1j * X, 1j * E) - dexpm(-1j * X, -1j * E)) / 2j
    return Y if X.is_complex() or E.is_complex() else Y.real


def dcosm(X, E):
    """The derivative of cosm at X in the direction E."""
    Y = (dexpm(1j * X, 1j * E) + dexpm(-1j * X, -1j * E)) / 2
    return Y if X.is_complex() or E.is_complex() else Y.real


def matrix_of(f, X):
    """K with K @ vec(E) = vec(f(E)) for linear f and E of the shape of X, a square matrix; columns stacked."""
    n = len(X)
    units = torch.eye(n * n, dtype=X.dtype, device=X.device).reshape(n * n, n, n)
    return torch.func.vmap(lambda E: f(E.T).T.reshape(-1))(units).T


def sylvester(A, B, C):
    """The solution Z of A @ Z + Z @ B = C: of few entries as of any equations, of more by the eigenvectors of A and B.

    These solutions are refined four times; nan where that does not solve the equation.
    """
    m, n = C.shape
    if m * n <= 2500:
        left = torch.kron(A.contiguous(), torch.eye(n, dtype=A.dtype, device=A.device))
        right = torch.kron(torch.eye(m, dtype=B.dtype, device=B.device), B.T.contiguous())
        return torch.linalg.solve(left + right, C.reshape(-1)).reshape(m, n)
    (a, U), (b, W) = torch.linalg.eig(A), torch.linalg.eig(B)
    Z, R = torch.zeros_like(C), C
    for _ in range(5):
        inner = torch.linalg.solve_ex(U, R.to(U.dtype))[0] @ W / (a[:, None] + b)
        step = U @ torch.linalg.solve_ex(W, inner, left=False)[0]
        Z = Z + (step if C.is_complex() else step.real)
        R = C - A @ Z - Z @ B
    size = (torch.linalg.matrix_norm(A) + torch.linalg.matrix_norm(B)) * torch.linalg.matrix_norm(Z)
    return Z * torch.where(torch.linalg.matrix_norm(R) <= torch.finfo(C.dtype).eps ** 0.75 * size, 1.0, torch.nan)


def conv1d(x, w):
    """The sums w[0]*x[i] + w[1]*x[i + 1] + …, where the kernel w fits; of matrices column by column."""
    if len(w) > len(x):
        raise ValueError(f"the kernel of length {len(w)} is longer than what it slides along, {len(x)}")
    windows = x.unfold(0, len(w), 1)
    return windows @ w if x.ndim == 1 or w.ndim == 1 else torch.sum(windows * w.T, -1)


def conv(x, y):
    """The convolution of two vectors; of matrices column by column."""
    beyond = x.new_zeros((len(y) - 1, *x.shape[1:]))
    return conv1d(torch.cat((beyond, x, beyond)), y.flip(0))


def logaddexp(x, y):
    """log(exp(x) + exp(y)) without overflow."""
    return torch.logaddexp(x, torch.as_tensor(y, dtype=x.dtype, device=x.device))


def geomean(A, B):
    """The positive definite G with G @ inv(A) @ G = B, for positive definite A and B."""
    L = or_nan(torch.linalg.cholesky, A)
    K = torch.linalg.solve(L, torch.linalg.solve(L, (B + B.T) / 2).T)
    return L @ sqrtm((K + K.T) / 2) @ L.T
