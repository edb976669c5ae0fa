"""Singular values and vectors of any matrix, one at a time; the spectral norm.

Left and right vectors are those of one singular value decomposition: together they are defined up to a common sign,
which no product u*v' shows; of complex matrices up to a common factor of modulus 1, which no u*v^H shows.

Source:  Magnus & Neudecker (2019), section 9.12; Watson (1992)
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, ClassVar

from frechet.expressions.dimension import SCALAR, UNIT, Shape, kind
from frechet.expressions.errors import ShapeError
from frechet.expressions.node import Expr, make
from frechet.expressions.operation import Equal, Operation
from frechet.operations import elementwise, hadamard, norms, powers, products, reductions, shaping, spectral, sums
from frechet.operations.complex_parts import barred, real_part
from frechet.operations.constants import EYE, ONE, eye, is_zero, magnitude, zeros
from frechet.operations.determinant import upright
from frechet.operations.reducing import REDUCTIONS
from frechet.operations.transposition import CONJUGATES, TRANSPOSE, conjugate_transposed, conjugated, transposed

Which = int | str
"""Which singular value: its number, descending from 1, or "min"."""


def checked_number(e: Expr, i: Any) -> Which:
    """i as the number of a singular value of e. Raises ShapeError, where e has none of that number."""
    if i == "min":
        return "min"
    known = [n for n in (d.value() for d in e.shape) if n is not None]
    last = min(known, default=None)
    if not isinstance(i, int) or i < 1 or (last is not None and i > last):
        limit = last or "the smaller side of the matrix"
        raise ShapeError(f"the number of a singular value is between 1 and {limit}, not {i}")
    return i


def front(e: Expr) -> tuple[list[Expr], Expr]:
    """The absolute values of the scalars in front, and the rest, neither transposed nor conjugated."""
    factors: list[Expr] = []
    while True:
        c, rest = sums.content(e)
        if c != 1:
            factors.append(sums.scaled(magnitude(c), ONE))
            e = rest
        elif e.op is products.SCALE:
            factors.append(elementwise.ABS.build(e.args[0]))
            e = e.args[1]
        elif e.op is TRANSPOSE:
            e = e.args[0]
        else:
            e = conjugated(e) if e.bar > 0 else e
            return factors, upright(e)


def outer(e: Expr) -> tuple[Expr, Expr] | None:
    """x and y where e is x*y', also x of several factors; None where that is not seen."""
    cut = next((i for i, f in enumerate(e.args) if f.shape[1] is UNIT), None) if e.op is products.PRODUCT else None
    if cut is None:
        return None
    return products.product(*e.args[: cut + 1]), transposed(products.product(*e.args[cut + 1 :]))


def with_factors(factors: Sequence[Expr], value: Expr) -> Expr:
    return hadamard.monomial(SCALAR, [*((f, 1) for f in factors), (value, 1)])


def is_orthogonal(e: Expr) -> bool:
    return e.op.name == "variable" and ("orthogonal" in e.params[1] or e.params[2] == "orthogonal")


def singular_value(e: Expr, i: Which) -> Expr:
    """A singular value in normal form; the largest is the spectral norm."""
    i = checked_number(e, i)
    factors, e = front(e)
    v, pair = shaping.diagonal_of_matrix(e), outer(e)
    if is_zero(e):
        return zeros(SCALAR)
    if e.op is EYE or is_orthogonal(e):
        value = ONE
    elif i not in (1, "min"):
        value = make(SVDVAL, (e,), (i,), SCALAR)
    elif i == "min" and pair is None:
        value = _smallest(e, v)
    elif i == "min":
        value = make(SVDMIN, (e,), (), SCALAR)
    elif pair is not None:
        value = with_factors([norms.norm2(pair[0])], norms.norm2(pair[1]))
    elif v is not None:
        value = reductions.MAX.build(elementwise.ABS.build(v))
    elif e.op is shaping.KRON:
        value = with_factors([singular_value(e.args[0], 1)], singular_value(e.args[1], 1))
    elif e.definite:
        value = spectral.eigenvalue(e, "max")
    else:
        value = make(NORMSPEC, (e,), (), SCALAR)
    return with_factors(factors, value)


def _smallest(e: Expr, v: Expr | None) -> Expr:
    """The smallest singular value; v where e is diag(v)."""
    if v is not None:
        return reductions.MIN.build(elementwise.ABS.build(v))
    if e.op is shaping.KRON and all(a.shape[0] is a.shape[1] for a in e.args):
        return with_factors([singular_value(e.args[0], "min")], singular_value(e.args[1], "min"))
    return spectral.eigenvalue(e, "min") if e.definite else make(SVDMIN, (e,), (), SCALAR)


def singular_vector(e: Expr, i: Which, left: bool) -> Expr:
    """A unit singular vector in normal form; the left one carries the sign."""
    i, shape = checked_number(e, i), (e.shape[0 if left else 1], UNIT)
    sign = 1
    while True:
        c, rest = sums.content(e)
        if c != 1:
            sign, e = (-sign if c < 0 and left else sign), rest
        elif e.op is products.SCALE and e.args[0].sign == 2:
            e = e.args[1]
        else:
            break
    pages, params = ((SVDUMIN, SVDVMIN), ()) if i == "min" else ((SVDU, SVDV), (i,))
    barred_matrix = e.bar > 0
    e = conjugated(e) if barred_matrix else e
    turned = e.op is TRANSPOSE or upright(e) is not e
    # v*u' of X' is the transpose of u*v' of X, with the sign moved: it stays on what was the left one
    page, e = (pages[1 if left else 0], transposed(e)) if turned else (pages[0 if left else 1], e)
    vector = make(page, (e,), params, shape)
    return sums.scaled(sign, conjugated(vector) if turned is not barred_matrix else vector)


class Singular(Operation):
    """What singular values and vectors have in common."""

    source = "Magnus & Neudecker (2019), section 9.12; Horn & Johnson (2013), section 7.3"
    forces_matrix = complex = True
    fixed: Which | None = None  # the singular value, where the name says which

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        if kind(shapes[0]) != "matrix":
            raise ShapeError(f"{self.name} needs a matrix, and this is a {kind(shapes[0])}")
        return SCALAR

    def annotate(self, node: Expr) -> None:
        node.sign = node.definite = 1 if node.shape == SCALAR else 0
        node.balance = 0
        if node.shape == SCALAR:
            node.transposed, node.real = node, True
        else:
            node.bar = -1  # a vector carries bars of its own
        node.leaves += len(node.params)

    def number(self, node: Expr) -> Which:
        return self.fixed if self.fixed is not None else int(node.params[0])

    def index(self, node: Expr) -> int:
        i = self.number(node)
        return -1 if i == "min" else int(i) - 1

    elsewhere = "where {0} has this singular value more than once, or it is 0, there is no derivative"

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        i = self.number(node)
        words = {1: "the largest singular value", "min": "the smallest singular value"}.get(i, f"singular value number {i}")
        return [(f"{words} of {{0}} is simple and not 0", node.args[0])]


class SingularValue(Singular):
    """One singular value."""

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        e, i = node.args[0], self.number(node)
        left, right = singular_vector(e, i, True), singular_vector(e, i, False)
        return real_part(products.product(conjugate_transposed(left), d[0], right))


class NormSpecPage(SingularValue):
    name, signature = "normspec", "normspec(X)"
    summary = "The spectral norm of a matrix: its largest singular value. Of a vector the Euclidean norm."
    rule = "d normspec(X) = svdu(X,1)^H*dX*svdv(X,1)"
    source = "Watson (1992), example 1; Magnus & Neudecker (2019), section 9.12"
    latex = r"\lVert {0}\rVert_{2}"
    takes = ("e",)
    fixed = 1
    forces_matrix = False
    elsewhere = (
        "where {0} has its largest singular value more than once, or it is 0, there is no derivative; the u*v' of its "
        "singular vectors are subgradients, and one of them is given"
    )
    conditions_text = "the largest singular value is simple and not 0: where not, every u*v' of it is a subgradient"
    examples = ("normspec(X)", "normspec(A*X-B)^2")
    identities = (
        ("normspec(X)^2", "eigmax(X*X')"), ("normspec(-2*X')", "2*normspec(X)"), ("svdval(X,1)", "normspec(X)"),
        ("normspec(x*y')", "norm2(x)*norm2(y)"), ("normspec(diag(x))", "norminf(x)"),
        ("normspec(kron(A,X))", "normspec(A)*normspec(X)"),
    )  # fmt: skip

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        return SCALAR

    def build(self, *args: Any) -> Expr:
        return singular_value(args[0], 1) if args[0].kind == "matrix" else norms.norm2(args[0])

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"np.linalg.norm({args[0]}, 2)"


class SvdvalPage(SingularValue):
    name, signature = "svdval", "svdval(X,i)"
    summary = "The i-th singular value of a matrix, the largest being the first."
    rule = "d svdval(X,i) = svdu(X,i)^H*dX*svdv(X,i)"
    latex = r"\sigma_{p}({0})"
    takes = ("ei",)
    conditions_text = "the singular value is simple and not 0: where not, there is no derivative"
    examples = ("svdval(X,2)", "svdval(A*X,1)")
    identities = (("svdval(X',2)", "svdval(X,2)"), ("svdval(-3*X,2)", "3*svdval(X,2)"))

    def build(self, *args: Any) -> Expr:
        return singular_value(*args)

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"np.linalg.svd({args[0]}, compute_uv=False)[{self.index(node)}]"


class SvdminPage(SingularValue):
    name, signature = "svdmin", "svdmin(X)"
    summary = "The smallest singular value of a matrix: the distance to the matrices that are not of full rank."
    rule = "d svdmin(X) = svdumin(X)^H*dX*svdvmin(X)"
    latex = r"\sigma_{\min}({0})"
    takes = ("e",)
    fixed = "min"
    in_notation = False
    conditions_text = "the smallest singular value is simple and not 0: where not, there is no derivative"
    examples = ("svdmin(X)", "svdmin(A*X+B)")
    identities = (
        ("svdmin(X')", "svdmin(X)"), ("svdmin(-3*X)", "3*svdmin(X)"), ("svdmin(A)", "1/normspec(inv(A))"),
        ("svdmin(diag(x))", "min(abs(x))"), ("svdmin(inv(A)*A)", "1"),
    )  # fmt: skip

    def build(self, *args: Any) -> Expr:
        return singular_value(args[0], "min")

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"np.linalg.norm({args[0]}, -2)"


def imaginary(e: Expr) -> Expr:
    """1i*im(e)."""
    return sums.add([(Fraction(1, 2), e), (Fraction(-1, 2), conjugated(e))])


class SingularVector(Singular):
    """A left or right unit singular vector."""

    takes: ClassVar[tuple[str, ...]] = ("ei",)
    left: bool
    conditions_text = (
        "the singular value is simple and not 0; u and v are defined up to a common sign (a factor of modulus 1), "
        "u*v^H entirely"
    )

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        super().shape(equal, shapes, params)
        return (shapes[0][0 if self.left else 1], UNIT)

    def build(self, *args: Any) -> Expr:
        return singular_vector(args[0], self.fixed or args[1], self.left)

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        x, dx, i = node.args[0], d[0], self.number(node)
        level, other = singular_value(x, i), singular_vector(x, i, not self.left)
        if not self.left:
            x, dx = conjugate_transposed(x), conjugate_transposed(dx)
        # the eigenvector of X*Xᴴ that belongs to level^2; Xᴴ*u = level*v
        square = hadamard.monomial(SCALAR, [(level, 2)])
        gap = sums.subtract(products.scale(square, eye(x.shape[0])), products.product(x, conjugate_transposed(x)))
        moved = [products.scale(level, products.product(dx, other)), products.product(x, conjugate_transposed(dx), node)]
        step = products.product(powers.PSEUDO_INVERSE.build(gap), sums.add((1, m) for m in moved))
        if node.real or not self.left:
            return step
        along = products.product(conjugate_transposed(node), dx, other)  # its phase turns the left vector, not the right one
        turn = products.scale(hadamard.monomial(SCALAR, [(level, -1)]), imaginary(along))
        return sums.add([(1, step), (1, products.scale(turn, node))])

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        return [*super().conditions(node), *spectral.phases(node, "singular vectors")]

    def elsewhere_of(self, node: Expr, words: str) -> str:
        return spectral.CHANGES_WITH_PHASES if words.startswith(spectral.PHASES) else self.elsewhere

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        place = f"[0][:, {self.index(node)}]" if self.left else f"[2][{self.index(node)}]" + ("" if node.real else ".conj()")
        return f"np.linalg.svd({args[0]}, full_matrices=False){place}"


class SvduPage(SingularVector):
    name, signature, left = "svdu", "svdu(X,i)", True
    summary = "The left unit singular vector of the i-th singular value, up to its sign."
    rule = (
        "d u = pinv(s^2*eye(n)-X*X^H)*(s*dX*v+X*dX^H*u) + 1i*im(u^H*dX*v)/s*u,  "
        "s = svdval(X,i), u = svdu(X,i), v = svdv(X,i)"
    )
    latex = r"u_{p}({0})"
    meaning = "the left unit singular vector of singular value number {p} of {0}, up to a sign it shares with svdv"
    examples = ("svdu(X,1)*svdv(X,1)^H", "svdu(X,2)*svdu(X,2)^H")
    identities = (("svdu(X,1)'*X*svdv(X,1)", "normspec(X)"), ("svdu(X,2)'*svdu(X,2)", "1"))


class SvdvPage(SingularVector):
    name, signature, left = "svdv", "svdv(X,i)", False
    summary = "The right unit singular vector of the i-th singular value, up to its sign."
    rule = "d v = pinv(s^2*eye(m)-X^H*X)*(s*dX^H*u+X^H*dX*v),  s = svdval(X,i), u = svdu(X,i), v = svdv(X,i)"
    latex = r"v_{p}({0})"
    meaning = "the right unit singular vector of singular value number {p} of {0}, up to a sign it shares with svdu"
    examples = ("svdv(X,1)*svdv(X,1)^H",)
    identities = (("svdu(-X,1)*svdv(-X,1)'", "-svdu(X,1)*svdv(X,1)'"), ("svdv(X,2)'*svdv(X,2)", "1"))


class SvduminPage(SingularVector):
    name, signature, left, fixed, takes = "svdumin", "svdumin(X)", True, "min", ("e",)
    in_notation = False
    summary = "The left unit singular vector of the smallest singular value, up to its sign."
    rule = (
        "d u = pinv(s^2*eye(n)-X*X^H)*(s*dX*v+X*dX^H*u) + 1i*im(u^H*dX*v)/s*u,  "
        "s = svdmin(X), u = svdumin(X), v = svdvmin(X)"
    )
    latex = r"u_{\min}({0})"
    meaning = "the left unit singular vector of the smallest singular value of {0}, up to a sign it shares with svdvmin"
    examples = ("svdumin(X)*svdvmin(X)^H",)
    identities = (("svdumin(X)'*X*svdvmin(X)", "svdmin(X)"), ("svdumin(-X)*svdvmin(-X)'", "-svdumin(X)*svdvmin(X)'"))


class SvdvminPage(SingularVector):
    name, signature, left, fixed, takes = "svdvmin", "svdvmin(X)", False, "min", ("e",)
    in_notation = False
    summary = "The right unit singular vector of the smallest singular value, up to its sign."
    rule = "d v = pinv(s^2*eye(m)-X^H*X)*(s*dX^H*u+X^H*dX*v),  s = svdmin(X), u = svdumin(X), v = svdvmin(X)"
    latex = r"v_{\min}({0})"
    meaning = "the right unit singular vector of the smallest singular value of {0}, up to a sign it shares with svdumin"
    examples = ("svdvmin(X)*svdvmin(X)^H",)
    identities = (("svdvmin(X)'*svdvmin(X)", "1"),)


NORMSPEC, SVDVAL, SVDU, SVDV = NormSpecPage(), SvdvalPage(), SvduPage(), SvdvPage()
SVDMIN, SVDUMIN, SVDVMIN = SvdminPage(), SvduminPage(), SvdvminPage()
PAGES: tuple[Operation, ...] = (NORMSPEC, SVDVAL, SVDMIN, SVDU, SVDV, SVDUMIN, SVDVMIN)


for _page in (SVDU, SVDV, SVDUMIN, SVDVMIN):
    REDUCTIONS[("norm2", _page.name)] = lambda e: ONE
    CONJUGATES[_page.name] = barred
