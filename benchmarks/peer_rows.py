"""The rows of docs/comparison.md: what is asked of Frechet, and the same in the words of SymPy, JAX and PyTorch.

A text for a peer is its expression of the function; `peers.py` takes the derivative with the peer's own means (diff;
jax.grad, jacfwd, hessian, jvp; backward, torch.func). Several texts are alternatives. A mark may stand before a text:

    ~   the user puts together what the peer has no function for (a square root from eigenvectors): "by hand"
    =   the text is the derivative itself, where the peer has no such view: "by hand"

matrixcalculus.org and tensorgrad are not run; what is said of them is in their documentation (see SOURCES).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

FORMULA = "formula"
WRITTEN = "formula, written out"
NONE = "none"
UNKNOWN = "not documented"
KRONECKER = "Kronecker product where unambiguous"
AGAIN = "formula, the gradient typed in again"
DIAGRAM = "formula, as a diagram"
SOURCES = {
    "matrixcalculus.org": "matrixcalculus.org/documentation and the Python code it generates",
    "tensorgrad": "the README of the project and its page on PyPI",
}


class Row(NamedTuple):
    """A derivative: a function and a view of its derivative by one variable.

    result      what Frechet answers, in the text notation
    declared    declarations such as "S: n×n spd"
    sizes, at   sizes, and values of variables, where a random point would not do
    value       the right value there, where the formula may have none
    ours        Frechet's cell
    pending     what brings it, while that is not there: the row is left out of the page and the tests until this is empty
    """

    feature: str
    formula: str
    by: str
    result: str
    view: str = "gradient"
    declared: tuple[str, ...] = ()
    sympy: str | tuple[str, ...] = ()
    jax: str | tuple[str, ...] = ()
    torch: str | tuple[str, ...] = ()
    matrixcalculus: str = NONE
    tensorgrad: str = UNKNOWN
    convention: str | None = None
    sizes: Mapping[str, int] | None = None
    at: Mapping[str, Any] | None = None
    value: str = ""
    ours: str = FORMULA
    pending: str = ""


# A table: with one argument a line it would be twice as long.
# fmt: off
CROSS_ENTROPY = (
    "-y.T*(z.applyfunc(exp)*(OneMatrix(1, z.shape[0])*z.applyfunc(exp))**-1).applyfunc(log)",
    "-y.T*z + y.T*OneMatrix(*z.shape)*(OneMatrix(1, z.shape[0])*z.applyfunc(exp)).applyfunc(log)",
)

BASICS = (
    Row(
        "trace of a product", "tr(A*X*B)", "X", "A'*B'",
        sympy="Trace(A*X*B)",
        jax="jnp.trace(A@X@B)", torch="torch.trace(A@X@B)", matrixcalculus=FORMULA, tensorgrad=DIAGRAM,
    ),
    Row(
        "quadratic form", "x'*A*x", "x", "(A + A')*x",
        sympy="x.T*A*x",
        jax="x@A@x", torch="x@A@x", matrixcalculus=FORMULA, tensorgrad=DIAGRAM,
    ),
    Row(
        "least squares", "norm2(A*X - B)^2", "X", "2*A'*(A*X - B)",
        sympy="Trace((A*X - B).T*(A*X - B))",
        jax="jnp.sum((A@X - B)**2)", torch="torch.sum((A@X - B)**2)", matrixcalculus=FORMULA, tensorgrad=DIAGRAM,
    ),
    Row(
        "determinant", "det(X)", "X", "det(X)*inv(X)'",
        sympy="Determinant(X)",
        jax="jnp.linalg.det(X)", torch="torch.linalg.det(X)", matrixcalculus=FORMULA,
    ),
    Row(
        "log-determinant", "logdet(X)", "X", "inv(X)'",
        sympy="log(Determinant(X))",
        jax="jnp.linalg.slogdet(X)[1]", torch="torch.linalg.slogdet(X)[1]", matrixcalculus=FORMULA,
    ),
    Row(
        "inverse", "tr(A*inv(X))", "X", "-inv(X)'*A'*inv(X)'",
        sympy="Trace(A*X.inv())",
        jax="jnp.trace(A@jnp.linalg.inv(X))", torch="torch.trace(A@torch.linalg.inv(X))", matrixcalculus=FORMULA,
    ),
    Row(
        "function of every entry", "sum(exp(X))", "X", "exp(X)",
        sympy="Trace(X.applyfunc(exp)*OneMatrix(*X.shape).T)",
        jax="jnp.sum(jnp.exp(X))", torch="torch.sum(torch.exp(X))", matrixcalculus=FORMULA, tensorgrad=DIAGRAM,
    ),
    Row(
        "product of entries (Hadamard)", "tr(A*(X.*B))", "X", "(A.*B')'",
        sympy="Trace(A*HadamardProduct(X, B))",
        jax="jnp.trace(A@(X*B))", torch="torch.trace(A@(X*B))", matrixcalculus=FORMULA, tensorgrad=DIAGRAM,
    ),
    Row(
        "Kronecker product", "tr(kron(X,A))", "X", "tr(A)*eye(n)",
        sympy="Trace(KroneckerProduct(X, A))",
        jax="jnp.trace(jnp.kron(X, A))", torch="torch.trace(torch.kron(X, A))",
    ),
    Row(
        "softmax and cross entropy", "-y'*log(softmax(z))", "z", "softmax(z) - y", declared=("y: simplex",),
        sympy=CROSS_ENTROPY,
        jax="-y@jax.nn.log_softmax(z)", torch="-y@torch.log_softmax(z, 0)", matrixcalculus=WRITTEN, tensorgrad=DIAGRAM,
    ),
    Row(
        "logsumexp", "logsumexp(A*x)", "x", "A'*softmax(A*x)",
        sympy=(
            "(OneMatrix(1, A.shape[0])*(A*x).applyfunc(exp)).applyfunc(log)",
            "log(Trace(OneMatrix(1, A.shape[0])*(A*x).applyfunc(exp)))",
        ),
        jax="jax.scipy.special.logsumexp(A@x)", torch="torch.logsumexp(A@x, 0)", matrixcalculus=WRITTEN, tensorgrad=DIAGRAM,
    ),
    Row(
        "1-norm", "norm1(A*x - b)", "x", "A'*sign(A*x - b)", declared=("b: m",),
        sympy=tuple(f"OneMatrix(1, A.shape[0])*(A*x - b).applyfunc({f})" for f in ("Abs", "lambda t: sqrt(t**2)")),
        jax="jnp.sum(jnp.abs(A@x - b))", torch="torch.sum(torch.abs(A@x - b))", matrixcalculus=FORMULA,
    ),
    Row(
        "Euclidean norm", "norm2(A*x - b)", "x", "A'*(A*x - b)/norm2(A*x - b)", declared=("b: m",),
        sympy="sqrt((A*x - b).T*(A*x - b))",
        jax="jnp.linalg.norm(A@x - b)", torch="torch.linalg.norm(A@x - b)", matrixcalculus=FORMULA,
    ),
    Row(
        "p-norm", "normp(x,3)", "x", "x.*abs(x)/normp(x,3)^2",
        sympy="(OneMatrix(1, x.shape[0])*x.applyfunc(lambda t: sqrt(t**2)**3))**Rational(1, 3)",
        jax="jnp.linalg.norm(x, 3)", torch="torch.linalg.norm(x, 3)", matrixcalculus=WRITTEN,
    ),
    Row(
        "logistic regression", "sum(log(ones(n) + exp(-y.*(X*w))))", "w", "-X'*(y.*sigmoid(-y.*(X*w)))",
        declared=("y: n",),
        sympy="OneMatrix(1, X.shape[0])*HadamardProduct(-y, X*w).applyfunc(lambda t: log(1 + exp(t)))",
        jax="jnp.sum(jnp.log(1 + jnp.exp(-y*(X@w))))", torch="torch.sum(torch.log(1 + torch.exp(-y*(X@w))))",
        matrixcalculus=FORMULA,
    ),
    Row(
        "product of all entries", "prod(x)", "x", "prod(x)*(1./x)",
        jax="jnp.prod(x)", torch="torch.prod(x)",
    ),
)

VIEWS = (
    Row(
        "Jacobian of a vector by a vector", "softmax(A*x)", "x", "(diag(softmax(A*x)) - softmax(A*x)*softmax(A*x)')*A",
        "jacobian",
        sympy="(A*x).applyfunc(exp)*(OneMatrix(1, A.shape[0])*(A*x).applyfunc(exp))**-1",
        jax="jax.nn.softmax(A@x)", torch="torch.softmax(A@x, 0)", matrixcalculus=WRITTEN, tensorgrad=DIAGRAM,
    ),
    Row(
        "Jacobian of a matrix by a matrix", "A*X*B", "X", "kron(B',A)", "jacobian",
        sympy="A*X*B",
        jax="A@X@B", torch="A@X@B", matrixcalculus=KRONECKER, tensorgrad=DIAGRAM,
    ),
    Row(
        "Jacobian with the commutation matrix", "X'*X", "X", "(commutation(q,q) + eye(q*q))*kron(eye(q),X')", "jacobian",
        sympy="X.T*X",
        jax="X.T@X", torch="X.T@X", matrixcalculus=KRONECKER, tensorgrad=DIAGRAM,
    ),
    Row(
        "Jacobian of a layer by its weights", "tanh(W*x)", "W", "diag(ones(p) - tanh(W*x).^2)*kron(x',eye(p))", "jacobian",
        sympy="(W*x).applyfunc(tanh)",
        jax="jnp.tanh(W@x)", torch="torch.tanh(W@x)", matrixcalculus="not displayed, Python code",
    ),
    Row(
        "Hessian by a vector", "sum(exp(A*x))", "x", "A'*diag(exp(A*x))*A", "hessian",
        sympy="OneMatrix(1, A.shape[0])*(A*x).applyfunc(exp)",
        jax="jnp.sum(jnp.exp(A@x))", torch="torch.sum(torch.exp(A@x))", matrixcalculus=AGAIN, tensorgrad=DIAGRAM,
    ),
    Row(
        "Hessian of cross entropy", "-y'*log(softmax(z))", "z", "sum(y)*(diag(softmax(z)) - softmax(z)*softmax(z)')",
        "hessian",
        sympy=CROSS_ENTROPY,
        jax="-y@jax.nn.log_softmax(z)", torch="-y@torch.log_softmax(z, 0)", matrixcalculus=AGAIN, tensorgrad=DIAGRAM,
    ),
    Row(
        "Hessian by a matrix", "tr(X'*A*X*B)", "X", "kron(B',A) + kron(B,A')", "hessian",
        sympy="Trace(X.T*A*X*B)",
        jax="jnp.trace(X.T@A@X@B)", torch="torch.trace(X.T@A@X@B)", matrixcalculus=KRONECKER, tensorgrad=DIAGRAM,
    ),
    Row(
        "Hessian of the log-determinant", "logdet(X)", "X", "-commutation(n,n)*kron(inv(X)',inv(X))", "hessian",
        sympy="log(Determinant(X))",
        jax="jnp.linalg.slogdet(X)[1]", torch="torch.linalg.slogdet(X)[1]", matrixcalculus=KRONECKER,
    ),
    Row(
        "differential", "inv(X)", "X", "-inv(X)*dX*inv(X)", "differential",
        jax="jnp.linalg.inv(X)", torch="torch.linalg.inv(X)",
    ),
    Row(
        "second differential", "inv(X)", "X", "2*(inv(X)*dX)^2*inv(X)", "second differential",
        jax="jnp.linalg.inv(X)", torch="torch.linalg.inv(X)",
    ),
    Row(
        "numerator layout", "tr(A*X*B)", "X", "B*A", "numerator",
        sympy="=Trace(A*X*B).diff(X).T",
        jax="=jax.grad(lambda X: jnp.trace(A@X@B))(X).T", torch="=torch.func.grad(lambda X: torch.trace(A@X@B))(X).T",
        matrixcalculus="none: one layout, mixed",
    ),
    Row(
        "denominator layout", "A*x", "x", "A'", "denominator",
        sympy="A*x",
        jax="=jax.jacfwd(lambda x: A@x)(x).T", torch="=torch.func.jacfwd(lambda x: A@x)(x).T",
        matrixcalculus="none: one layout, mixed",
    ),
    Row(
        "linearization at X0", "inv(X)", "X", "inv(X0) - inv(X0)*(X - X0)*inv(X0)", "linearization",
        jax="jnp.linalg.inv(X)", torch="torch.linalg.inv(X)",
    ),
)

# Functions of a matrix from its eigenvectors, as a user of JAX or PyTorch would write them.
EIG_JAX = "~(lambda e: jnp.trace(A@(e[1]*{0})@jnp.linalg.inv(e[1])).real)(jnp.linalg.eig(X))"
EIG_TORCH = "~(lambda e: torch.trace(A.to(e[1].dtype)@(e[1]*{0})@torch.linalg.inv(e[1])).real)(torch.linalg.eig(X))"

MATRIX_FUNCTIONS = (
    Row(
        "trace of the exponential", "tr(expm(X))", "X", "expm(X)'",
        jax="jnp.trace(jsl.expm(X))", torch="torch.trace(torch.linalg.matrix_exp(X))",
    ),
    Row(
        "matrix exponential", "tr(A*expm(X))", "X", "dexpm(X,A)'",
        jax="jnp.trace(A@jsl.expm(X))", torch="torch.trace(A@torch.linalg.matrix_exp(X))",
    ),
    Row(
        "matrix logarithm", "tr(A*logm(X))", "X", "dlogm(X,A)'",
        jax=EIG_JAX.format("jnp.log(e[0])"), torch=EIG_TORCH.format("torch.log(e[0])"),
    ),
    Row(
        "matrix square root", "tr(A*sqrtm(X))", "X", "dsqrtm(X,A)'",
        jax=("jnp.trace(A@jsl.sqrtm(X)).real", EIG_JAX.format("jnp.sqrt(e[0])")), torch=EIG_TORCH.format("torch.sqrt(e[0])"),
    ),
    Row(
        "fractional power", "tr(A*powm(X,1/3))", "X", "dpowm(X,1/3,A)'",
        sympy="Trace(A*MatPow(X, Rational(1, 3)))",
        jax=EIG_JAX.format("e[0]**(1/3)"), torch=EIG_TORCH.format("e[0]**(1/3)"),
    ),
    Row(
        "whole power", "tr(A*X^3)", "X", "(A*X^2 + X*A*X + X^2*A)'",
        sympy=("Trace(A*X**3)", "Trace(A*X*X*X)"),
        jax="jnp.trace(A@jnp.linalg.matrix_power(X, 3))", torch="torch.trace(A@torch.linalg.matrix_power(X, 3))",
        matrixcalculus=WRITTEN, tensorgrad=DIAGRAM,
    ),
    Row(
        "matrix sine", "tr(A*sinm(X))", "X", "dsinm(X,A)'",
        jax=("jnp.trace(A@jsl.funm(X, jnp.sin)).real", "~jnp.trace(A@jsl.expm(1j*X)).imag"),
        torch="~torch.trace(A.to(torch.complex128)@torch.linalg.matrix_exp(1j*X)).imag",
    ),
)

SPECTRA = (
    Row(
        "largest eigenvalue", "eigmax(S)", "S", "eigvecmax(S)*eigvecmax(S)'", declared=("S: n×n symmetric",),
        jax="jnp.linalg.eigvalsh(S)[-1]", torch=("torch.linalg.eigvalsh(S)[-1]",),
    ),
    Row(
        "second eigenvalue", "eigval(S,2)", "S", "eigvec(S,2)*eigvec(S,2)'", declared=("S: n×n symmetric",),
        jax="jnp.linalg.eigvalsh(S)[1]", torch="torch.linalg.eigvalsh(S)[1]",
    ),
    Row(
        "eigenvector", "(b'*eigvec(S,2))^2", "S",
        "(b'*eigvec(S,2))*(pinv(eigval(S,2)*eye(n) - S)*b*eigvec(S,2)' + eigvec(S,2)*b'*pinv(eigval(S,2)*eye(n) - S))",
        declared=("S: n×n symmetric", "b: n"),
        jax="(b@jnp.linalg.eigh(S)[1][:, 1])**2", torch="(b@torch.linalg.eigh(S)[1][:, 1])**2",
    ),
    Row(
        "function of all eigenvalues", "sum(log(eigvals(S)))", "S", "inv(S)", declared=("S: n×n spd",),
        jax="jnp.sum(jnp.log(jnp.linalg.eigvalsh(S)))", torch="torch.sum(torch.log(torch.linalg.eigvalsh(S)))",
    ),
    Row(
        "singular value", "svdval(X,2)", "X", "svdu(X,2)*svdv(X,2)'", declared=("X: n×m",),
        jax="jnp.linalg.svd(X, compute_uv=False)[1]", torch="torch.linalg.svdvals(X)[1]",
    ),
    Row(
        "nuclear norm", "normnuc(X)", "X", "polar(X)", declared=("X: n×m",),
        jax="jnp.linalg.norm(X, 'nuc')", torch="torch.linalg.norm(X, 'nuc')",
    ),
    Row(
        "spectral norm", "normspec(X)", "X", "svdu(X,1)*svdv(X,1)'", declared=("X: n×m",),
        jax="jnp.linalg.norm(X, 2)", torch="torch.linalg.norm(X, 2)",
    ),
    Row(
        "polar factor", "tr(A*polar(X))", "X",
        "((lyap(X'*polar(X),A*polar(X)) - lyap(X'*polar(X),A*polar(X))')*polar(X)'"
        " + inv(X'*polar(X))'*A*(eye(4) - polar(X)*polar(X)'))'",
        declared=("X: 4×3",),
        jax=(
            "jnp.trace(A@jsl.polar(X, method='svd')[0])",
            "~(lambda s: jnp.trace(A@s[0]@s[2]))(jnp.linalg.svd(X, full_matrices=False))",
        ),
        torch="~(lambda s: torch.trace(A@s[0]@s[2]))(torch.linalg.svd(X, full_matrices=False))",
    ),
)

FACTORIZATIONS = (
    Row(
        "Cholesky factor", "cholesky(S)", "S", "cholesky(S)*lowhalf(inv(cholesky(S))*dS*inv(cholesky(S))')", "differential",
        declared=("S: n×n spd",),
        jax="jnp.linalg.cholesky(S)", torch="torch.linalg.cholesky(S)",
    ),
    Row(
        "pseudoinverse", "tr(A*pinv(X))", "X",
        "((eye(p) - X*pinv(X))*A*pinv(X) - pinv(X)'*A')*pinv(X)' + pinv(X)'*pinv(X)*A*(eye(q) - pinv(X)*X)",
        jax="jnp.trace(A@jnp.linalg.pinv(X))", torch="torch.trace(A@torch.linalg.pinv(X))",
    ),
    Row(
        "solution of a linear system", "x'*solve(A,b)", "A", "-inv(A)'*x*b'*inv(A)'", declared=("b: n",),
        sympy="x.T*A.inv()*b",
        jax="x@jnp.linalg.solve(A, b)", torch="x@torch.linalg.solve(A, b)", matrixcalculus=WRITTEN,
    ),
    Row(
        "Lyapunov equation", "tr(C*lyap(A,Q))", "A", "-(lyap(A,Q)*lyap(A',C) + lyap(A,Q)'*lyap(A',C)')'",
        jax=(
            "jnp.trace(C@jsl.solve_sylvester(A, A.T, Q))",
            "~(lambda E: C.T.ravel()@jnp.linalg.solve(jnp.kron(A, E) + jnp.kron(E, A), Q.ravel()))(jnp.eye(A.shape[0]))",
        ),
        torch="~(lambda E: C.T.ravel()@torch.linalg.solve(torch.kron(A, E) + torch.kron(E, A), Q.ravel()))"
        "(torch.eye(A.shape[0], dtype=A.dtype))",
    ),
    Row(
        "Sylvester equation", "tr(D*sylvester(A,B,C))", "A", "-sylvester(B,A,D)'*sylvester(A,B,C)'",
        jax=(
            "jnp.trace(D@jsl.solve_sylvester(A, B, C))",
            "~(lambda E: D.T.ravel()@jnp.linalg.solve("
            "jnp.kron(A, E(B.shape[0])) + jnp.kron(E(A.shape[0]), B.T), C.ravel()))(jnp.eye)",
        ),
        torch="~(lambda E: D.T.ravel()@torch.linalg.solve("
        "torch.kron(A, E(B.shape[0], dtype=A.dtype)) + torch.kron(E(A.shape[0], dtype=A.dtype), B.T.contiguous()),"
        " C.ravel()))(torch.eye)",
    ),
    Row(
        "QR, the triangular factor", "tr(A*qrr(X))", "X", "qrq(X)*(lowhalf(qrr(X)*A) + lowhalf(qrr(X)*A)')*inv(qrr(X))'",
        sizes={"p": 4, "q": 3},
        jax="(lambda R: jnp.trace(A@(jnp.sign(jnp.diag(R))[:, None]*R)))(jnp.linalg.qr(X)[1])",
        torch="(lambda R: torch.trace(A@(torch.sign(torch.diag(R))[:, None]*R)))(torch.linalg.qr(X)[1])",
    ),
    Row(
        "LU without pivoting, the upper factor", "tr(A*luu(X))", "X", "inv(lul(X))'*triu(A'*luu(X)')*inv(luu(X))'",
        declared=("X: n×n",), torch="torch.trace(A@torch.linalg.lu(X, pivot=False)[2])",
    ),
)

PROJECT = "=(lambda G: {0})({1}(lambda {2}: {3})({2}))"  # the user projects the gradient


def _projected(by: str, projection: str, sympy: str, jax: str, torch: str, **more: Any) -> dict[str, Any]:
    """What a user writes to get the gradient in a space: the derivative by all entries, then the projection of it."""
    found = {
        "jax": PROJECT.format(projection.replace("np.", "jnp."), "jax.grad", by, jax),
        "torch": PROJECT.format(projection.replace("np.", "torch."), "torch.func.grad", by, torch),
    }
    found["matrixcalculus"] = UNKNOWN
    if sympy:
        found["sympy"] = f"=(lambda G: {projection})(({sympy}).diff({by}))"
    return found | more


STRUCTURES = (
    Row(
        "positive definite variable", "logdet(S) + tr(A*inv(S))", "S", "inv(S)*(2*eye(n) - (A + A')*inv(S))/2",
        declared=("S: n×n spd",),
        **_projected(
            "S",
            "(G + G.T)/2",
            "log(Determinant(S)) + Trace(A*S.inv())",
            "jnp.linalg.slogdet(S)[1] + jnp.trace(A@jnp.linalg.inv(S))",
            "torch.linalg.slogdet(S)[1] + torch.trace(A@torch.linalg.inv(S))",
        ),
    ),
    Row(
        "symmetric variable", "tr(A*S)", "S", "(A + A')/2", declared=("S: n×n symmetric",),
        **_projected("S", "(G + G.T)/2", "Trace(A*S)", "jnp.trace(A@S)", "torch.trace(A@S)"),
    ),
    Row(
        "skew-symmetric variable", "tr(A*X)", "X", "(A - A')'/2", declared=("X: n×n skew",),
        **_projected("X", "(G - G.T)/2", "Trace(A*X)", "jnp.trace(A@X)", "torch.trace(A@X)"),
    ),
    Row(
        "diagonal variable", "tr(A*inv(D))", "D", "-diag(diag(inv(D)*A*inv(D)))", declared=("D: n×n diagonal",),
        **_projected(
            "D",
            "np.diag(np.diag(G))",
            "",
            "jnp.trace(A@jnp.linalg.inv(D))",
            "torch.trace(A@torch.linalg.inv(D))",
        ),
    ),
    Row(
        "triangular variable", "norm2(A*L)^2", "L", "2*tril(A'*A*L)", declared=("L: n×n lower",),
        **_projected("L", "np.tril(G)", "", "jnp.sum((A@L)**2)", "torch.sum((A@L)**2)"),
    ),
    Row(
        "Toeplitz variable", "tr(A*T)", "T", "toeplitzpart(A)'", declared=("T: n×n toeplitz",),
        **_projected(
            "T",
            "sum(np.diagonal(G, k).mean()*np.diag(1 + 0*np.diagonal(G, k), k) for k in range(1 - len(G), len(G)))",
            "",
            "jnp.trace(A@T)",
            "torch.trace(A@T)",
        ),
    ),
    Row(
        "orthogonal matrix", "tr(A*X)", "X", "(A' - X*A*X)/2", declared=("X: n×n orthogonal",),
        **_projected("X", "G - X@(X.T@G + G.T@X)/2", "Trace(A*X)", "jnp.trace(A@X)", "torch.trace(A@X)")
        | {"sympy": "=(lambda G: G - X*(X.T*G + G.T*X)/2)(Trace(A*X).diff(X))"},
    ),
    Row(
        "Stiefel manifold", "tr(X'*A*X)", "X", "(A + A' - (A + A')*X*X')'*X", declared=("X: n×p orthogonal",),
        **_projected("X", "G - X@(X.T@G + G.T@X)/2", "", "jnp.trace(X.T@A@X)", "torch.trace(X.T@A@X)")
        | {"sympy": "=(lambda G: G - X*(X.T*G + G.T*X)/2)(Trace(X.T*A*X).diff(X))"},
    ),
    Row(
        "Hermitian variable", "re(tr(A*R))", "R", "(A + A^H)/2", declared=("R: n×n hermitian", "A: n×n complex"),
        **_projected("R", "(G + G.conj().T)/2", "", "jnp.trace(A@R).real", "torch.trace(A@R).real"),
    ),
    Row(
        "circulant variable", "x'*C*y", "C", "circulantpart(x*y')", declared=("C: n×n circulant",),
        **_projected(
            "C",
            "sum((G*P).sum()/len(G)*P for P in (np.roll(np.eye(len(G), dtype=G.dtype), k, 0) for k in range(len(G))))",
            "",
            "x@C@y",
            "x@C@y",
        ),
    ),
    Row(
        "matrix of rank r", "norm2(X - A)^2", "X", "2*(X*(pinv(X)*(A*pinv(X)*X - A) + eye(m)) - A*pinv(X)*X)",
        declared=("X: n×m rank 2",),
        **_projected(
            "X",
            "(lambda s: (lambda U, V: U@(U.T@G) + (G - U@(U.T@G))@V@V.T)(s[0][:, :2], s[2][:2].T))(np.linalg.svd(X))",
            "",
            "jnp.sum((X - A)**2)",
            "torch.sum((X - A)**2)",
        ),
    ),
)

# PyTorch's gradients of the real and the imaginary part of z^H*A*z.
TORCH_PARTS = (
    "=(lambda u, v: ({0})/2)(*(torch.func.grad(lambda z: part(z.conj()@A@z))(z) for part in (torch.real, torch.imag)))"
)

COMPLEX = (
    Row(
        "gradient of a real function", "norm2(A*z - b)^2", "z", "2*A^H*(A*z - b)",
        declared=("z: n complex", "A: m×n complex", "b: m complex"),
        sympy=("Adjoint(A*z - b)*(A*z - b)", "Trace(Adjoint(A*z - b)*(A*z - b))"),
        jax="jnp.sum(jnp.abs(A@z - b)**2)", torch="torch.sum(torch.abs(A@z - b)**2)",
        matrixcalculus=UNKNOWN,
    ),
    Row(
        "Wirtinger derivative ∂f/∂z", "z^H*A*z", "z", "A'*conj(z)", declared=("z: n complex", "A: n×n complex"),
        convention="wirtinger",
        sympy="Adjoint(z)*A*z",
        jax="=(lambda f: (f[0] - 1j*f[1])/2)(jax.jacfwd(lambda x, y: (x - 1j*y)@A@(x + 1j*y), (0, 1))(z.real, z.imag))",
        torch=TORCH_PARTS.format("u.conj() + 1j*v.conj()"),
        matrixcalculus=UNKNOWN,
    ),
    Row(
        "Wirtinger derivative ∂f/∂conj(z)", "z^H*A*z", "z", "A*z", declared=("z: n complex", "A: n×n complex"),
        convention="wirtinger-conj",
        jax="=(lambda f: (f[0] + 1j*f[1])/2)(jax.jacfwd(lambda x, y: (x - 1j*y)@A@(x + 1j*y), (0, 1))(z.real, z.imag))",
        torch=TORCH_PARTS.format("u + 1j*v"),
        matrixcalculus=UNKNOWN,
    ),
    Row(
        "holomorphic function", "det(Z)", "Z", "det(Z)*inv(Z)'", declared=("Z: n×n complex",),
        sympy="Determinant(Z)",
        jax="jnp.linalg.det(Z)", torch="torch.linalg.det(Z)",
        matrixcalculus=UNKNOWN,
    ),
)

INDICES = (
    Row(
        "entry X[i,j]", "X[1,2]^2*tr(X)", "X", "X[1,2]*(X[1,2]*eye(n) + 2*tr(X)*unit(n,2)*unit(n,1)')'",
        sympy="X[0, 1]**2*Trace(X)",
        jax="X[0, 1]**2*jnp.trace(X)", torch="X[0, 1]**2*torch.trace(X)",
    ),
    Row(
        "blocks [A, B; C, D]", "logdet([A, B; C, D])", "A", "inv([A, B; C, D])[1:n,1:n]'", declared=("A: n×n", "D: m×m"),
        sympy="log(Determinant(BlockMatrix([[A, B], [C, D]])))",
        jax="jnp.linalg.slogdet(jnp.block([[A, B], [C, D]]))[1]",
        torch="torch.linalg.slogdet(torch.cat([torch.cat([A, B], 1), torch.cat([C, D], 1)]))[1]", tensorgrad=UNKNOWN,
    ),
    Row(
        "sum over rows of data", "sum_i(log(1 + exp(-y[i]*X[i,:]*w)))", "w", "-X'*(y.*sigmoid(-y.*(X*w)))",
        sympy="Sum(log(1 + exp(-y[i, 0]*(X*w)[i, 0])), (i, 0, X.shape[0] - 1))",
        jax="jnp.sum(jnp.log(1 + jnp.exp(-y*(X@w))))", torch="torch.sum(torch.log(1 + torch.exp(-y*(X@w))))",
        matrixcalculus=WRITTEN,
    ),
    Row(
        "tensor of order 3 (einsum)", 'einsum("ijk,i,j,k->",T,x,y,z)', "T", 'einsum("i,j,k->ijk",x,y,z)',
        jax="jnp.einsum('ijk,i,j,k->', T, x, y, z)", torch="torch.einsum('ijk,i,j,k->', T, x, y, z)", tensorgrad=DIAGRAM,
    ),
    Row(
        "decomposition of a tensor", 'norm2(T - einsum("ir,jr,kr->ijk",A,B,C))^2', "A",
        '2*einsum("ikl,kj,lj->ij",einsum("il,jl,kl->ijk",A,B,C) - T,B,C)',
        jax="jnp.sum((T - jnp.einsum('ir,jr,kr->ijk', A, B, C))**2)",
        torch="torch.sum((T - torch.einsum('ir,jr,kr->ijk', A, B, C))**2)", tensorgrad=DIAGRAM,
    ),
    Row(
        "declared function", "sum(f(X*w)) - y'*X*w", "w", "X'*(f_prime(X*w) - y)", declared=("f: elementwise",),
        sympy="OneMatrix(1, X.shape[0])*(X*w).applyfunc(Function('f')) - y.T*X*w",
        jax="~jnp.sum(jnp.sin(X@w)) - y@X@w", torch="~torch.sum(torch.sin(X@w)) - y@X@w",
    ),
)

LAYERS = (
    Row(
        "softmax of the rows", "tr(A'*softmax(Z,2))", "Z", "A.*softmax(Z,2) - diag((A.*softmax(Z,2))*ones(q))*softmax(Z,2)",
        jax="jnp.sum(A*jax.nn.softmax(Z, 1))", torch="torch.sum(A*torch.softmax(Z, 1))",
        matrixcalculus=WRITTEN, tensorgrad=DIAGRAM,
    ),
    Row(
        "cross entropy of the rows", "crossentropy(X*W,Y,2)/n", "W", "X'*(softmax(X*W,2) - Y)/n",
        declared=("Y: n×k onehot",),
        jax="-jnp.sum(Y*jax.nn.log_softmax(X@W, 1))/X.shape[0]", torch="-torch.sum(Y*torch.log_softmax(X@W, 1))/X.shape[0]",
        matrixcalculus=WRITTEN, tensorgrad=DIAGRAM,
    ),
    Row(
        "layer norm", "y'*layernorm(x)", "x", "(y - ((y'*layernorm(x))*layernorm(x) + sum(y)*ones(n))/n)/sqrt(var(x))",
        jax="y@((x - x.mean())/x.std())", torch="y@torch.nn.functional.layer_norm(x, x.shape, eps=0.0)",
        matrixcalculus=WRITTEN,
    ),
    Row(
        "attention", "tr(A'*attention(Q,K,V))", "V", "softmax(Q*K'/sqrt(s),2)'*A",
        jax="jnp.sum(A*(jax.nn.softmax(Q@K.T/jnp.sqrt(Q.shape[1]), 1)@V))",
        torch="torch.sum(A*torch.nn.functional.scaled_dot_product_attention(Q, K, V))", tensorgrad="shown as a diagram",
        matrixcalculus=WRITTEN,
    ),
)

DEGENERATE = (
    Row(
        "determinant of a singular matrix", "det(X)", "X", "det(X)*inv(X)'", value="adj(X)'",
        ours="formula, evaluated with the adjugate",
        at={"X": [[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [1.0, 0.0, 1.0]]}, sizes={"n": 3},
        sympy="Determinant(X)",
        jax="jnp.linalg.det(X)", torch="torch.linalg.det(X)", matrixcalculus=UNKNOWN,
    ),
    Row(
        "square of the norm at 0", "norm2(x)^2", "x", "2*x", at={"x": [0.0, 0.0, 0.0]}, sizes={"n": 3},
        sympy="x.T*x",
        jax=("jnp.linalg.norm(x)**2", "x@x"), torch="torch.linalg.norm(x)**2", matrixcalculus=UNKNOWN,
    ),
    Row(
        "product of entries, one of them 0", "prod(x)", "x", "prod(x)*(1./x)", value="6*unit(n,2)",
        ours="no number there; condition stated", at={"x": [2.0, 0.0, 3.0]}, sizes={"n": 3},
        jax="jnp.prod(x)", torch="torch.prod(x)",
    ),
)

# fmt: on
SECTIONS: dict[str, tuple[Row, ...]] = {
    "Basics": BASICS,
    "Views of one derivative": VIEWS,
    "Functions of a matrix": MATRIX_FUNCTIONS,
    "Eigenvalues and singular values": SPECTRA,
    "Factorizations and equations": FACTORIZATIONS,
    "Structured variables": STRUCTURES,
    "Complex variables": COMPLEX,
    "Indices, tensors and declared functions": INDICES,
    "Layers of networks": LAYERS,
    "Where formulas degenerate": DEGENERATE,
}


def rows(pending: bool = False) -> list[tuple[str, Row]]:
    """The rows with their sections; with `pending` also those that wait for a branch."""
    return [(section, row) for section, found in SECTIONS.items() for row in found if pending or not row.pending]
