"""All eigenvalues and eigenvectors of a symmetric or Hermitian matrix, sums of the largest, the projectors on these.

With V = eigvecs(X) and λ = eigvals(X): d λ = diag(V^H*dX*V), and V^H*dV has the entries of V^H*dX*V over λ_j - λ_i. What
does not change when the columns of V change their signs, of complex ones their phases, such as V*diag(c)*V^H, is a function
of the matrix.

Source:  Magnus (1985); Magnus & Neudecker (2019), section 9.12; Giles (2008), section 3.1; Lewis (1996);
Overton & Womersley (1993)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar

from frechet.expressions.dimension import SCALAR, UNIT, Shape
from frechet.expressions.node import Expr, make
from frechet.expressions.operation import Equal, Operation
from frechet.operations import hadamard, norms, products, reductions, shaping, spectral, sums
from frechet.operations.complex_parts import barred, real_part
from frechet.operations.constants import EYE, ONE, eye, is_zero, number, ones, zeros
from frechet.operations.determinant import DET, LOGDET, upright
from frechet.operations.reducing import REDUCTIONS
from frechet.operations.transposition import CONJUGATES, conjugate_transposed, conjugated, hermitian, transposed


def gaps(v: Expr) -> Expr:
    """The matrix of v_j - v_i, with ones on the diagonal."""
    one = ones(v.shape)
    return sums.add(
        [
            (1, products.product(one, transposed(v))),
            (-1, products.product(v, transposed(one))),
            (1, eye(v.shape[0])),
        ]
    )


def over_gaps(v: Expr) -> Expr:
    """The matrix of 1/(v_j - v_i), with zeros on the diagonal."""
    spread = gaps(v)
    return sums.subtract(hadamard.monomial(spread.shape, [(spread, -1)]), eye(v.shape[0]))


def shifted(e: Expr) -> tuple[Expr, Expr] | None:
    """(X, c) where e is X + c*I; None for anything else."""
    if e.op is not sums.SUM:
        return None
    for k, a in zip(e.params, e.args, strict=True):
        c = ONE if a.op is EYE else a.args[0] if a.op is products.SCALE and a.args[1].op is EYE else None
        if c is not None and c.real:
            return sums.add([(1, e), (-k, a)]), sums.scaled(k, c)
    return None


def simplified(e: Expr) -> tuple[Expr, list[Callable[[Expr, Expr], Expr]], bool]:
    """A matrix with the same eigenvectors in the same order, and what makes of its eigenvalues those of e.

    Each step takes the eigenvalues, or a sum of some of them, and the ones that belong to them, or their number. The last
    that is returned: is it the transpose, which of a Hermitian matrix is the conjugate and has conjugate eigenvectors?
    """
    back: list[Callable[[Expr, Expr], Expr]] = []
    while True:
        c, rest = sums.content(e)
        moved = shifted(e) if c == 1 else None
        if c > 0 and c != 1:
            back.append(partial(_times, number(c)))
            e = rest
        elif e.op is products.SCALE and e.args[0].sign == 2:
            back.append(partial(_times, e.args[0]))
            e = e.args[1]
        elif moved is not None:
            back.append(partial(_plus, moved[1]))
            e = moved[0]
        else:
            return upright(e), back[::-1], upright(e) is not e


def _times(s: Expr, v: Expr, one: Expr) -> Expr:
    return products.scale(s, v)


def _plus(s: Expr, v: Expr, one: Expr) -> Expr:
    return sums.add([(1, v), (1, products.scale(s, one))])


class Spectrum(spectral.Spectral):
    """What all eigenvalues and eigenvectors together have in common."""

    in_notation = False
    takes: ClassVar[tuple[str, ...]] = ("e",)

    def annotate(self, node: Expr) -> None:
        node.sign = node.definite = node.balance = 0

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        return [*spectral.symmetry(node.args[0]), (self.gap_words(node), node.args[0])]

    def gap_words(self, node: Expr) -> str:
        return "all eigenvalues of {0} are simple"


def direction_of(x: Expr, dx: Expr) -> Expr:
    """dx where x is symmetric or Hermitian, otherwise that part of dx, for the eigenvalues are those of this part of x."""
    return dx if hermitian(x) else spectral.hermitian_part(dx)


class EigenvaluesPage(Spectrum):
    name, signature = "eigvals", "eigvals(X)"
    summary = "The vector of all eigenvalues of a symmetric or Hermitian matrix, ascending."
    rule = "d eigvals(X) = diag(V^H*dX*V),  V = eigvecs(X)"
    latex = r"\boldsymbol{\lambda}({0})"
    conditions_text = (
        "X symmetric or Hermitian; all eigenvalues simple: where some coincide, a symmetric function of them, such as "
        "sum(exp(eigvals(X))), still has the derivative that is given"
    )
    examples = ("sum(eigvals(X))", "x'*eigvals(X)", "sum(tanh(eigvals(X)))", "logsumexp(eigvals(A+A^H))")
    identities = (
        ("sum(eigvals(X))", "tr(X)"), ("sum(log(eigvals(X)))", "logdet(X)"), ("max(eigvals(X))", "eigmax(X)"),
        ("prod(eigvals(X))", "det(X)"), ("norm2(eigvals(X))", "norm2(X)"),
        ("eigvals(2*X+eye(n))", "2*eigvals(X)+ones(n)"), ("sum(eigvals(X).^3)", "tr(X^3)"),
    )  # fmt: skip

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        super().shape(equal, shapes, params)
        return (shapes[0][0], UNIT)

    def build(self, *args: Any) -> Expr:
        e, back, _ = simplified(args[0])
        one = ones((e.shape[0], UNIT))
        value = zeros(one.shape) if is_zero(e) else one if e.op is EYE else make(self, (e,), (), one.shape)
        for step in back:
            value = step(value, one)
        return value

    def annotate(self, node: Expr) -> None:
        node.sign, node.definite, node.balance, node.real = node.args[0].definite, 0, 0, True

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        v = EIGVECS.build(node.args[0])
        return real_part(shaping.diag_of(products.product(conjugate_transposed(v), d[0], v)))

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"eigvals({args[0]})"


class EigenvectorsPage(Spectrum):
    name, signature = "eigvecs", "eigvecs(X)"
    summary = (
        "The unit eigenvectors of a symmetric or Hermitian matrix as columns, eigenvalues ascending; each up to its sign."
    )
    rule = "d V = V*(F.*(V^H*dX*V)),  V = eigvecs(X), F = 1./(ones*λ'-λ*ones'+I)-I the matrix of 1/(λ_j-λ_i)"
    source = "Giles (2008), section 3.1; Magnus (1985)"
    latex = r"V_{\lambda}({0})"
    orthonormal = True
    meaning = "the unit eigenvectors of {0} as columns, their eigenvalues ascending"
    conditions_text = (
        "X symmetric or Hermitian; all eigenvalues simple: where not, the eigenvectors are not even continuous"
        + ("; V*diag(c)*V^H does not change with the signs of the columns")
    )
    examples = ("eigvecs(X)*diag(x)*eigvecs(X)^H",)
    identities = (
        ("eigvecs(X)'*eigvecs(X)", "eye(n)"), ("eigvecs(X)*diag(eigvals(X))*eigvecs(X)'", "X"),
        ("eigvecs(X)*diag(exp(eigvals(X)))*eigvecs(X)'", "expm(X)"), ("diag(eigvecs(X)'*X*eigvecs(X))", "eigvals(X)"),
    )  # fmt: skip

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        super().shape(equal, shapes, params)
        return shapes[0]

    def build(self, *args: Any) -> Expr:
        e, _, turned = simplified(args[0])
        v = make(self, (e,), (), e.shape)
        return conjugated(v) if turned else v

    def annotate(self, node: Expr) -> None:
        node.sign, node.definite, node.balance, node.bar = 0, 0, -1, -1

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        dx = direction_of(node.args[0], d[0])
        inside = products.product(conjugate_transposed(node), dx, node)
        weights = over_gaps(EIGVALS.build(node.args[0]))
        return products.product(node, hadamard.monomial(node.shape, [(inside, 1), (weights, 1)]))

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        return [*super().conditions(node), *spectral.phases(node)]

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"eigvecs({args[0]})"


class OfTheLargest(Spectrum):
    """Of the k largest eigenvalues."""

    takes = ("ei",)

    def gap_words(self, node: Expr) -> str:
        k = node.params[0]
        return f"of the eigenvalues of {{0}}, number {k} and number {k + 1} from the largest down differ"


class EigenvalueSumPage(OfTheLargest):
    name, signature = "eigsum", "eigsum(X,k)"
    summary = "The sum of the k largest eigenvalues of a symmetric or Hermitian matrix; convex in X."
    rule = "d eigsum(X,k) = tr(eigproj(X,k)*dX)"
    source = "Fan (1949); Overton & Womersley (1993), section 3"
    latex = r"\lambda_{1:{p}}({0})"
    conditions_text = (
        "X symmetric or Hermitian; the k-th and the next eigenvalue differ: where not, the function is still convex, and "
        "the projector on the eigenvectors that are chosen is a subgradient; ties among the k do not disturb"
    )
    examples = ("eigsum(X,2)", "eigsum(X+diag(x),2)")
    identities = (
        ("eigsum(X,1)", "eigmax(X)"), ("eigsum(X+3*eye(n),2)", "eigsum(X,2)+6"), ("tr(eigproj(X,2)*X)", "eigsum(X,2)"),
        ("eigsum(2*X,2)", "2*eigsum(X,2)"),
    )  # fmt: skip

    def build(self, *args: Any) -> Expr:
        e, back, _ = simplified(args[0])
        k = spectral.number_of(args[1], e.shape[0].value(), self.name)
        if k == e.shape[0].value():
            return real_part(reductions.trace(args[0]))
        value = (
            zeros(SCALAR) if is_zero(e)
            else number(k) if e.op is EYE
            else spectral.eigenvalue(e, "max") if k == 1
            else make(self, (e,), (k,), SCALAR)
        )  # fmt: skip
        for step in back:
            value = step(value, number(k))
        return value

    def annotate(self, node: Expr) -> None:
        node.sign = node.definite = node.args[0].definite
        node.balance, node.transposed, node.real = 0, node, True
        node.leaves += 1

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        return real_part(products.inner(EIGPROJ.build(node.args[0], node.params[0]), d[0]))

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"np.sum(eigvals({args[0]})[-{node.params[0]}:])"


class EigenprojectorPage(OfTheLargest):
    name, signature = "eigproj", "eigproj(X,k)"
    summary = "The orthogonal projector on the eigenvectors of the k largest eigenvalues of a symmetric or Hermitian matrix."
    rule = (
        "d P = V*(G.*(V^H*dX*V))*V^H,  P = eigproj(X,k), V = eigvecs(X), m = diag(V^H*P*V), "
        "G = (ones*m'-m*ones')./(ones*λ'-λ*ones'+I)"
    )
    source = "Kato (1995), section II.2; Overton & Womersley (1993), section 3"
    latex = r"P_{{p}}({0})"
    idempotent = True
    meaning = "the orthogonal projector on the eigenvectors of the {p} largest eigenvalues of {0}"
    conditions_text = (
        "X symmetric or Hermitian; the k-th and the next eigenvalue differ; the differential as given: all are simple"
    )
    examples = ("eigproj(X,2)", "x'*eigproj(X,2)*y")
    identities = (
        ("eigproj(X,2)*eigproj(X,2)", "eigproj(X,2)"), ("tr(eigproj(X,2))", "2"), ("eigproj(3*X,2)", "eigproj(X,2)"),
        ("eigproj(X,2)*X", "X*eigproj(X,2)"),
    )  # fmt: skip

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        super().shape(equal, shapes, params)
        return shapes[0]

    def build(self, *args: Any) -> Expr:
        e, _, turned = simplified(args[0])
        n = e.shape[0].value()
        k = spectral.number_of(args[1], n, self.name)
        if k == n:
            return eye(e.shape[0])
        if k == 1:
            v = spectral.eigenvector(e, "max")
            return products.product(v, conjugate_transposed(v))
        p = make(self, (e,), (k,), e.shape)
        return transposed(p) if turned else p

    def annotate(self, node: Expr) -> None:
        node.sign, node.definite, node.balance, node.bar = 0, 1, 0, 0
        if node.real:
            node.transposed = node
        node.leaves += 1

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        dx = direction_of(node.args[0], d[0])
        v, one = EIGVECS.build(node.args[0]), ones((node.shape[0], UNIT))
        chosen = shaping.diag_of(products.product(conjugate_transposed(v), node, v))  # 1 for the k largest, 0 for the others
        across = sums.subtract(products.product(one, transposed(chosen)), products.product(chosen, transposed(one)))
        inside = products.product(conjugate_transposed(v), dx, v)
        spread = gaps(EIGVALS.build(node.args[0]))
        weighed = hadamard.monomial(node.shape, [(inside, 1), (across, 1), (spread, -1)])
        return products.product(v, weighed, conjugate_transposed(v))

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"eigproj(eigvecs({args[0]}), {node.params[0]})"


EIGVALS, EIGVECS = EigenvaluesPage(), EigenvectorsPage()
EIGSUM, EIGPROJ = EigenvalueSumPage(), EigenprojectorPage()
PAGES: tuple[Operation, ...] = (EIGVALS, EIGVECS, EIGSUM, EIGPROJ)


def _if_symmetric(rule: Callable[[Expr], Expr]) -> Callable[[Expr], Expr | None]:
    return lambda e: rule(e.args[0]) if hermitian(e.args[0]) else None


def _sum_of_logarithms(e: Expr) -> Expr | None:
    inner = e.args[0]
    return LOGDET.build(inner.args[0]) if inner.op is EIGVALS and hermitian(inner.args[0]) else None


REDUCTIONS |= {
    ("sum", "eigvals"): lambda e: real_part(reductions.trace(e.args[0])),
    ("sum", "log"): _sum_of_logarithms,
    ("prod", "eigvals"): _if_symmetric(DET.build),
    ("norm2", "eigvals"): _if_symmetric(norms.norm2),
    ("max", "eigvals"): lambda e: spectral.eigenvalue(e.args[0], "max"),
    ("min", "eigvals"): lambda e: spectral.eigenvalue(e.args[0], "min"),
    ("tr", "eigproj"): lambda e: number(e.params[0]),
}
CONJUGATES |= {"eigvecs": barred, "eigproj": transposed}  # the projectors are Hermitian
