"""Eigenvalues and unit eigenvectors of symmetric and Hermitian matrices, one at a time: eigmax, eigmin, eigval, eigvecmax …

All of them together are in `spectra`.

Of a matrix that is not symmetric the symmetric part is meant; where it is symmetric, as a condition then says, the
rule d λ = v'*dX*v holds in every direction. A vector is defined up to its sign, so only what does not change with it,
such as v*v', is a function of the matrix; signs are those of LAPACK. Of complex matrices the same is true with Hermitian
for symmetric, v^H for v' and a factor of modulus 1 for the sign.

Source:  Magnus (1985); Magnus & Neudecker (2019), section 9.12
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import partial
from typing import Any, ClassVar

from frechet.expressions.dimension import SCALAR, UNIT, Shape
from frechet.expressions.errors import ShapeError
from frechet.expressions.node import Expr, Number, make
from frechet.expressions.operation import Equal, Operation
from frechet.operations import hadamard, powers, products, reducing, reductions, shaping, sums
from frechet.operations.complex_parts import barred, real_part
from frechet.operations.constants import EYE, ONE, eye, is_zero, zeros
from frechet.operations.determinant import NULL_VECTORS, upright
from frechet.operations.reducing import REDUCTIONS
from frechet.operations.transposition import CONJUGATES, TRANSPOSE, conjugate_transposed, conjugated, hermitian

Which = int | str
"""Which eigenvalue: its number, ascending from 1, or "max" or "min"."""

UP_TO_SIGN = "; a vector alone is defined up to its sign (a factor of modulus 1), v*v^H is not affected"


def number_of(i: object, n: int | None, name: str) -> int:
    """i as the number of an eigenvalue or singular value among n.

    Raises:  ShapeError, where there is none of that number
    """
    if not isinstance(i, int) or i < 1 or (n is not None and i > n):
        raise ShapeError(f"{name}(X,{i}): the number must be between 1 and {n if n is not None else 'the size of X'}")
    return i


def which_of(e: Expr, which: Which, name: str) -> Which:
    """max and min by their names, whatever they were called."""
    n = e.shape[0].value()
    if which in ("max", "min"):
        return which
    i = number_of(which, n, name)
    return "min" if i == 1 else "max" if i == n else i


def _opposite(which: Which, n: int | None) -> Which | None:
    """The eigenvalue of -X that belongs to this one of X; None where the size is not known."""
    if isinstance(which, str):
        return "min" if which == "max" else "max"
    return n + 1 - which if n is not None else None


PHASES = "the result does not change with the phases of"
CHANGES_WITH_PHASES = "a formula that changes with the phases of vectors of {0}, as v alone does, has no derivative"

Step = tuple[Expr, Which, Callable[[Expr], Expr]]


def _simpler(e: Expr, which: Which) -> Step | None:
    """A simpler matrix with the same eigenvector, and what makes this eigenvalue of its eigenvalue."""
    if e.op is TRANSPOSE:
        return e.args[0], which, lambda v: v
    c, rest = sums.content(e)
    if c != 1:
        other = which if c > 0 else _opposite(which, e.shape[0].value())
        if other is not None:
            return rest, other, lambda v: sums.scaled(c, v)
    if e.op is products.SCALE and e.args[0].sign == 2:
        return e.args[1], which, lambda v: products.scale(e.args[0], v)
    if e.op is sums.SUM:
        for c, a in zip(e.params, e.args, strict=True):
            shift = ONE if a.op is EYE else a.args[0] if a.op is products.SCALE and a.args[1].op is EYE else None
            if shift is not None and shift.real:
                return sums.add([(1, e), (-c, a)]), which, partial(_shifted, c, shift)
    if e.op is powers.MATRIX_POWER:
        base, k = e.args[0], e.params[0]
        if base.definite == 2 or (k > 0 and (base.definite or (k % 2 and hermitian(base)))):
            other = which if k > 0 else _opposite(which, e.shape[0].value())
            if other is not None:
                return base, other, lambda v: hadamard.monomial(SCALAR, [(v, k)])
    return None


def _shifted(c: Number, shift: Expr, value: Expr) -> Expr:
    return sums.add([(1, value), (c, shift)])


def simplified(e: Expr, which: Which) -> tuple[Expr, Which, list[Callable[[Expr], Expr]], bool]:
    """The simplest matrix, which of its eigenvalues, what makes of it that of e; and is it the one of the transpose?"""
    back, turned = [], False
    while (step := _simpler(e, which)) is not None:
        turned = turned is not (e.op is TRANSPOSE)
        e, which, outer = step
        back.append(outer)
    return upright(e), which, back, turned is (upright(e) is e)


def eigenvalue(e: Expr, which: Which) -> Expr:
    """An eigenvalue in normal form."""
    e, which, back, _ = simplified(e, which_of(e, which, "eigval"))
    v = shaping.diagonal_of_matrix(e)
    if is_zero(e):
        value = zeros(SCALAR)
    elif e.op is EYE:
        value = ONE
    elif v is not None and isinstance(which, str):
        value = (reductions.MAX if which == "max" else reductions.MIN).build(real_part(v))
    elif which == "max" and e.op is products.PRODUCT and len(e.args) == 2 and e.definite and e.args[0].kind == "vector":
        value = reductions.trace(e)  # of x*x' it is x'*x
    elif isinstance(which, str):
        value = make(EIGMAX if which == "max" else EIGMIN, (e,), (), SCALAR)
    else:
        value = make(EIGVAL, (e,), (which,), SCALAR)
    for outer in reversed(back):
        value = outer(value)
    return value


def eigenvector(e: Expr, which: Which) -> Expr:
    """A unit eigenvector in normal form."""
    e, which, _, turned = simplified(e, which_of(e, which, "eigvec"))
    shape = (e.shape[0], UNIT)
    if isinstance(which, str):
        v = make(EIGVECMAX if which == "max" else EIGVECMIN, (e,), (), shape)
    else:
        v = make(EIGVEC, (e,), (which,), shape)
    return conjugated(v) if turned else v  # H' is conj(H)


def null_vector(e: Expr) -> Expr | None:
    """The unit vector that a matrix λ(B)*I - B, or its negative, maps to 0; None for any other matrix."""
    if e.op is sums.SUM:
        for a in e.args:
            if a.op is products.SCALE and a.args[1].op is EYE and isinstance(a.args[0].op, Eigenvalue):
                base = a.args[0].args[0]
                gap = sums.subtract(a, base)
                if hermitian(base) and (gap is e or sums.negative(gap) is e):
                    return eigenvector(base, a.args[0].op.which(a.args[0]))
    return None


def hermitian_part(e: Expr) -> Expr:
    """Of a real matrix the symmetric part."""
    return sums.add([(Fraction(1, 2), e), (Fraction(1, 2), conjugate_transposed(e))])


def words_of(which: Which) -> str:
    return {"max": "largest eigenvalue", "min": "smallest eigenvalue"}.get(str(which), f"eigenvalue number {which}")


def declared_symmetric(e: Expr) -> bool:
    return hermitian(e) or (e.op.name == "variable" and e.params[2] == "spd")


def phases(node: Expr, what: str = "eigenvectors") -> list[tuple[str, Expr | None]]:
    """The condition under which a formula with complex vectors, which have no definite phases, is a function."""
    return [] if node.real else [(f"{PHASES} the {what} of {{0}}", node.args[0])]


def symmetry(e: Expr) -> list[tuple[str, Expr | None]]:
    """The condition that a matrix is what eigenvalues are of, where that is not seen."""
    return [] if declared_symmetric(e) else [("{0} symmetric" if e.real else "{0} Hermitian", e)]


class Spectral(Operation):
    """What eigenvalues and eigenvectors have in common."""

    source = "Magnus (1985); Magnus & Neudecker (2019), section 9.12"
    domain = "spd"
    forces_matrix = complex = True
    fixed: Which | None = None  # the eigenvalue, where the name says which

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        reducing.square(equal, shapes[0], self.name)
        return SCALAR

    def which(self, node: Expr) -> Which:
        return self.fixed if self.fixed is not None else node.params[0]

    def index(self, node: Expr) -> int:
        which = self.which(node)
        return {"max": -1, "min": 0}[which] if isinstance(which, str) else which - 1

    multiple: ClassVar[str] = ", only one from each side along every line"

    def elsewhere_of(self, node: Expr, words: str) -> str:
        if words.startswith(PHASES):
            return CHANGES_WITH_PHASES
        for word in ("symmetric", "Hermitian"):
            if words.endswith(word):
                return f"where {{0}} is not {word} the eigenvalues of its {word} part are meant"
        return f"where {{0}} has such an eigenvalue more than once there is no derivative{self.multiple}"

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        e = node.args[0]
        return [*symmetry(e), (f"the {words_of(self.which(node))} of {{0}} is simple", e)]


class Eigenvalue(Spectral):
    """One eigenvalue, a scalar."""

    def build(self, *args: Any) -> Expr:
        return eigenvalue(args[0], self.fixed if self.fixed is not None else args[1])

    def annotate(self, node: Expr) -> None:
        node.sign = node.definite = node.args[0].definite
        node.balance, node.transposed, node.real = 0, node, True
        node.leaves += len(node.params)

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        v = eigenvector(node.args[0], self.which(node))
        return real_part(products.product(conjugate_transposed(v), d[0], v))

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"eigvals({args[0]})[{self.index(node)}]"


class EigmaxPage(Eigenvalue):
    name, signature, summary = "eigmax", "eigmax(X)", "The largest eigenvalue of a symmetric or Hermitian matrix."
    rule = "d eigmax(X) = v^H*dX*v,  v = eigvecmax(X)"
    latex = r"\lambda_{\max}({0})"
    takes = ("e",)
    fixed = "max"
    multiple = "; the v*v^H of its unit eigenvectors v are subgradients, and one of them is given"
    conditions_text = "X symmetric or Hermitian; the largest eigenvalue is simple: where not, every v*v^H is a subgradient"
    examples = ("eigmax(X)", "eigmax(X+x*x')", "eigmax(A*diag(x)*A')")
    identities = (
        ("eigmax(-X)", "-eigmin(X)"), ("eigmax(2*X+3*eye(n))", "2*eigmax(X)+3"), ("eigmax(x*x')", "x'*x"),
        ("eigmax(diag(x))", "max(x)"), ("eigmax(A'*A)", "normspec(A)^2"),
    )  # fmt: skip


class EigminPage(Eigenvalue):
    name, signature, summary = "eigmin", "eigmin(X)", "The smallest eigenvalue of a symmetric or Hermitian matrix."
    rule = "d eigmin(X) = v^H*dX*v,  v = eigvecmin(X)"
    latex = r"\lambda_{\min}({0})"
    takes = ("e",)
    fixed = "min"
    multiple = "; the v*v^H of its unit eigenvectors v are supergradients, and one of them is given"
    conditions_text = (
        "X symmetric or Hermitian; the smallest eigenvalue is simple: where not, every v*v^H is a supergradient"
    )
    examples = ("eigmin(X)", "eigmin(X+diag(x))")
    identities = (("eigmin(X')", "eigmin(X)"), ("eigmin(-X)", "-eigmax(X)"), ("eigmin(diag(x))", "min(x)"))


class EigvalPage(Eigenvalue):
    name, signature = "eigval", "eigval(X,i)"
    summary = "The i-th eigenvalue of a symmetric or Hermitian matrix, the smallest being the first."
    rule = "d eigval(X,i) = v^H*dX*v,  v = eigvec(X,i)"
    latex = r"\lambda_{p}({0})"
    takes = ("ei",)
    conditions_text = "X symmetric or Hermitian; the eigenvalue is simple: where not, there is no derivative"
    examples = ("eigval(X,2)",)
    identities = (("eigval(X,1)", "eigmin(X)"), ("eigval(3*X,2)", "3*eigval(X,2)"))


class Eigenvector(Spectral):
    """The unit eigenvector of a simple eigenvalue."""

    multiple = ": the eigenvector is not determined, not even up to its sign"

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        super().shape(equal, shapes, params)
        return (shapes[0][0], UNIT)

    def build(self, *args: Any) -> Expr:
        return eigenvector(args[0], self.fixed if self.fixed is not None else args[1])

    def annotate(self, node: Expr) -> None:
        node.sign = node.definite = node.balance = 0
        node.bar = -1  # it carries bars of its own
        node.leaves += len(node.params)

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        x, dx = node.args[0], d[0]
        assert dx is not None
        if not hermitian(x):
            x, dx = hermitian_part(x), hermitian_part(dx)
        level = products.scale(eigenvalue(node.args[0], self.which(node)), eye(x.shape[0]))
        return products.product(powers.PSEUDO_INVERSE.build(sums.subtract(level, x)), dx, node)

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        return [*super().conditions(node), *phases(node)]

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"eigvecs({args[0]})[:, {self.index(node)}]"


class EigvecmaxPage(Eigenvector):
    name, signature = "eigvecmax", "eigvecmax(X)"
    summary = "The unit eigenvector of the largest eigenvalue of a symmetric or Hermitian matrix, up to its sign."
    rule = "d v = pinv(eigmax(X)*eye(n)-X)*dX*v,  v = eigvecmax(X)"
    latex = r"q_{\max}({0})"
    meaning = "the unit eigenvector of the largest eigenvalue of {0}, up to its sign"
    takes = ("e",)
    fixed = "max"
    conditions_text = "X symmetric or Hermitian; the largest eigenvalue is simple" + UP_TO_SIGN
    examples = ("eigvecmax(X)*eigvecmax(X)^H", "x'*eigvecmax(X)*eigvecmax(X)^H*y")
    identities = (
        ("X*eigvecmax(X)*eigvecmax(X)'", "eigmax(X)*eigvecmax(X)*eigvecmax(X)'"), ("eigvecmax(X)'*eigvecmax(X)", "1"),
        ("(x'*eigvecmax(-X))^2", "(x'*eigvecmin(X))^2"),
    )  # fmt: skip


class EigvecminPage(Eigenvector):
    name, signature = "eigvecmin", "eigvecmin(X)"
    summary = "The unit eigenvector of the smallest eigenvalue of a symmetric or Hermitian matrix, up to its sign."
    rule = "d v = pinv(eigmin(X)*eye(n)-X)*dX*v,  v = eigvecmin(X)"
    latex = r"q_{\min}({0})"
    meaning = "the unit eigenvector of the smallest eigenvalue of {0}, up to its sign"
    takes = ("e",)
    fixed = "min"
    conditions_text = "X symmetric or Hermitian; the smallest eigenvalue is simple" + UP_TO_SIGN
    examples = ("eigvecmin(X)*eigvecmin(X)^H",)
    identities = (("eigvecmin(X)'*X*eigvecmin(X)", "eigmin(X)"), ("eigvecmin(X)'*eigvecmin(X)", "1"))


class EigvecPage(Eigenvector):
    name, signature = "eigvec", "eigvec(X,i)"
    summary = "The unit eigenvector of the i-th eigenvalue of a symmetric or Hermitian matrix, up to its sign."
    rule = "d v = pinv(eigval(X,i)*eye(n)-X)*dX*v,  v = eigvec(X,i)"
    latex = r"q_{p}({0})"
    meaning = "the unit eigenvector of eigenvalue number {p} of {0}, ascending, up to its sign"
    takes = ("ei",)
    conditions_text = "X symmetric or Hermitian; the eigenvalue is simple" + UP_TO_SIGN
    examples = ("eigvec(X,2)*eigvec(X,2)^H",)
    identities = (("eigvec(X,2)'*X*eigvec(X,2)", "eigval(X,2)"), ("eigvec(X,2)'*eigvec(X,2)", "1"))


EIGMAX, EIGMIN, EIGVAL = EigmaxPage(), EigminPage(), EigvalPage()
EIGVECMAX, EIGVECMIN, EIGVEC = EigvecmaxPage(), EigvecminPage(), EigvecPage()
PAGES: tuple[Operation, ...] = (EIGMAX, EIGMIN, EIGVAL, EIGVECMAX, EIGVECMIN, EIGVEC)


def _trace_of_two(core: Expr, total: Mapping[Expr, Number], shape: Shape) -> list[tuple[Number, Expr]] | None:
    """The two eigenvalues of a 2×2 matrix add up to its trace."""
    other = make(EIGMIN, core.args, (), SCALAR)
    if core.args[0].shape[0].value() != 2 or not total[core] or total.get(other) != total[core]:
        return None
    rest = [(c, e) for e, c in total.items() if e not in (core, other)]
    return [*rest, (total[core], real_part(reductions.trace(core.args[0])))]


sums.COMPLEMENTS[EIGMAX] = _trace_of_two
NULL_VECTORS.append(null_vector)
for _page in (EIGVECMAX, EIGVECMIN, EIGVEC):
    REDUCTIONS[("norm2", _page.name)] = lambda e: ONE
    CONJUGATES[_page.name] = barred
