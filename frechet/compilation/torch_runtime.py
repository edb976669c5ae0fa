"""The functions that emitted PyTorch source calls by name, where the library has none of that meaning.

As in runtime.py, a program's source contains the text of those it uses.
"""
# mypy: disable-error-code="no-untyped-def,no-untyped-call,attr-defined"

import torch


def cholesky(A, name):
    """The lower Cholesky factor."""
    try:
        return torch.linalg.cholesky(A)
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


def softplus(x):
    """log(1 + exp(x)) without overflow."""
    return torch.logaddexp(x, torch.zeros_like(x))


def gamma(x):
    """The gamma function."""
    odd = (x < 0) & (torch.remainder(torch.floor(x), 2) != 0)
    return torch.exp(torch.lgamma(x)) * torch.where(odd, -1, 1).to(x.dtype)


def softsign(x):
    """x/(1 + abs(x))."""
    return x / (1 + torch.abs(x))


def logcosh(x):
    """log(cosh(x)) without overflow."""
    return torch.abs(x) + torch.log1p(torch.exp(-2 * torch.abs(x))) - 0.6931471805599453


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


def layernorm(x, c=0.0):
    """(x - mean(x))/sqrt(var(x) + c)."""
    return (x - torch.mean(x)) / torch.sqrt(torch.var(x, correction=0) + c)


def layernorm_of_rows(X, c=0.0):
    """layernorm of every row."""
    return (X - torch.mean(X, 1, True)) / torch.sqrt(torch.var(X, 1, correction=0, keepdim=True) + c)


def rmsnorm(x, c=0.0):
    """x/sqrt(mean(x**2) + c)."""
    return x / torch.sqrt(torch.mean(torch.square(x)) + c)


def rmsnorm_of_rows(X, c=0.0):
    """rmsnorm of every row."""
    return X / torch.sqrt(torch.mean(torch.square(X), 1, True) + c)


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
    U, s, Vt = torch.linalg.svd(X)
    minors = torch.stack([torch.prod(torch.cat((s[:i], s[i + 1 :]))) for i in range(len(s))])
    return torch.linalg.det(U) * torch.linalg.det(Vt) * (Vt.mH * minors) @ U.mH


def eigvals(X):
    """The eigenvalues of the symmetric or Hermitian matrix X, ascending."""
    return torch.linalg.eigvalsh((X + X.mH) / 2)


def eigvecs(X):
    """The unit eigenvectors of the symmetric or Hermitian matrix X as columns, their eigenvalues ascending."""
    return torch.linalg.eigh((X + X.mH) / 2)[1]


def eigproj(X, k):
    """The orthogonal projector on the eigenvectors of the k largest eigenvalues of the symmetric or Hermitian matrix X."""
    V = eigvecs(X)[:, -k:]
    return V @ V.mH


def funm(f, X):
    """V @ diag(f(w)) @ V^H for the symmetric or Hermitian matrix X = V @ diag(w) @ V^H."""
    w, V = torch.linalg.eigh((X + X.mH) / 2)
    return (V * f(w)) @ V.mH


def dfunm(f, slope, X, E):
    """The derivative of funm(f, X) in the direction E, by divided differences of f at the eigenvalues.

    They are the mean of the derivative, slope, between two eigenvalues (Gauss, three nodes) where that loses less: where
    two nodes tell the same but for what the difference quotient loses to rounding.
    """
    w, V = torch.linalg.eigh((X + X.mH) / 2)
    values, gap, middle = f(w), w[:, None] - w, (w[:, None] + w) / 2
    two = (slope(middle + gap / 12**0.5) + slope(middle - gap / 12**0.5)) / 2
    mean = (5 * slope(middle + 0.15**0.5 * gap) + 8 * slope(middle) + 5 * slope(middle - 0.15**0.5 * gap)) / 18
    lost = torch.finfo(w.dtype).eps * (torch.abs(values[:, None]) + torch.abs(values))
    close = torch.abs(gap * (mean - two)) <= lost
    quotients = torch.where(close, mean, (values[:, None] - values) / torch.where(close, 1.0, gap))
    return V @ (quotients * (V.mH @ E @ V)) @ V.mH


def polar(X, k=None):
    """U @ V^H of the thin singular value decomposition of X; of the k largest singular values only."""
    U, _, Vt = torch.linalg.svd(X, full_matrices=False)
    return U[:, :k] @ Vt[:k]


def proj(X):
    """The orthogonal projector on the columns of X."""
    U, s, _ = torch.linalg.svd(X, full_matrices=False)
    U = U * (s > 1e-13 * torch.amax(s))
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


def lowhalf(X):
    """The lower triangle of X with half of its diagonal."""
    return torch.tril(X) - torch.diag_embed(torch.diagonal(X)) / 2


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


def dexpm(X, E):
    """The derivative of expm at X in the direction E: the upper right block of expm([X, E; 0, X])."""
    n = len(X)
    rows = [torch.cat((X, E), 1), torch.cat((torch.zeros_like(X), X), 1)]
    return torch.linalg.matrix_exp(torch.cat(rows, 0))[:n, n:]


def geomean(A, B):
    """The positive definite G with G @ inv(A) @ G = B, for positive definite A and B."""
    L = torch.linalg.cholesky(A)
    K = torch.linalg.solve(L, torch.linalg.solve(L, (B + B.T) / 2).T)
    w, V = torch.linalg.eigh((K + K.T) / 2)
    return L @ (V * torch.sqrt(torch.clamp(w, min=0))) @ V.T @ L.T
