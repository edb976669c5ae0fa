"""Numbers made of whole arrays: trace, sum of the entries, largest and smallest entry, product of the entries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from frechet.expressions.dimension import SCALAR, UNIT, Shape, kind
from frechet.expressions.errors import ShapeError, UnsupportedError
from frechet.expressions.node import Expr, make
from frechet.expressions.operation import Equal, Operation, same_shape
from frechet.operations import blocks, elementwise, hadamard, indexing, norms, products, shaping, sums
from frechet.operations.constants import EYE, ONES, UNIT_VECTOR, eye, is_zero, ones, size, zeros
from frechet.operations.reducing import Reduction, reduced, square
from frechet.operations.transposition import TRANSPOSE, conjugate_transposed, hermitian, transposed


class TracePage(Reduction):
    name, signature, summary = "tr", "tr(X)", "The trace: the sum of the diagonal entries of a square matrix."
    rule = "d tr(X) = tr(dX)"
    adjoint_rule = "w -> w*I"
    source = "Magnus & Neudecker (2019), section 8.2"
    latex = r"\operatorname{tr}({0})"
    linear = complex = True
    forces_matrix = True
    examples = ("tr(X)", "tr(A*X*B)")
    identities = (("tr(A*X)", "tr(X*A)"), ("tr(B')", "tr(B)"), ("tr(x*y')", "x'*y"), ("tr(X'*X)", "norm2(X)^2"))

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        if kind(shapes[0]) != "scalar":
            square(equal, shapes[0], "tr")
        return SCALAR

    def build(self, *args: Any) -> Expr:
        return trace(args[0])

    def annotate(self, node: Expr) -> None:
        super().annotate(node)
        node.real = node.real or _own_conjugate(node.args[0])

    def sign_of(self, e: Expr) -> int:
        return 2 if e.definite == 2 or e.sign == 2 else 1 if e.definite or e.sign else 0

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        return trace(d[0])

    def adjoint(self, node: Expr, i: int, w: Expr) -> Expr:
        return products.scale(w, eye(node.args[0].shape[0]))

    def operands(self, node: Expr) -> Sequence[Expr]:
        return shaping.two_factors(node.args[0]) or node.args

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        if len(args) == 2:  # only the diagonal of the product is computed
            return f'np.einsum("ij,ji->", {args[0]}, {args[1]})'
        return f"np.trace({args[0]})"


class SumPage(Reduction):
    name, signature = "sum", "sum(X), sum(X,1), sum(X,2)"
    summary = "The sum of all entries; of each column (a row, ones'*X); of each row (a vector, X*ones)."
    rule = "d sum(X) = sum(dX)"
    adjoint_rule = "w -> w*ones"
    source = "Magnus & Neudecker (2019), section 8.2"
    latex = r"\mathbf{1}^{\top} {0} \mathbf{1}"
    takes = ("e", "ei")
    linear = complex = tensors = True
    examples = ("sum(X)", "sum(x.*y.*z)", "sum(X,1)*y", "sum(X,2)")
    identities = (("sum(x)", "ones(n)'*x"), ("sum(x.*y)", "x'*y"), ("sum(X)", "ones(n)'*X*ones(m)"))

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        if params:
            if params[0] not in (1, 2):
                raise ShapeError("sum(X,1) adds up each column, sum(X,2) each row: there is no other direction")
            if len(shapes[0]) > 2:
                raise ShapeError("of a tensor sum takes all entries; einsum sums over one axis")
            return (UNIT, shapes[0][1]) if params[0] == 1 else (shapes[0][0], UNIT)
        return SCALAR

    def build(self, *args: Any) -> Expr:
        e = args[0]
        if len(args) == 1:
            return sum_all(e)
        if args[1] == 1:
            return products.product(transposed(ones((e.shape[0], UNIT))), e)
        return products.product(e, ones((e.shape[1], UNIT)))

    def sign_of(self, e: Expr) -> int:
        return e.sign

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        return sum_all(d[0])

    def adjoint(self, node: Expr, i: int, w: Expr) -> Expr:
        return products.scale(w, ones(node.args[0].shape))

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"np.sum({args[0]})"


def trace(e: Expr) -> Expr:
    """The trace in normal form: of sums term by term, of chains in one cyclic order and with few transposes."""
    if e.shape == SCALAR:
        return e
    op = e.op
    if op is sums.SUM:
        return sums.add((c, trace(a)) for c, a in zip(e.params, e.args, strict=True))
    if op is products.SCALE:
        return products.scale(e.args[0], trace(e.args[1]))
    if op is TRANSPOSE:
        return trace(e.args[0])
    if op is EYE:
        return size(e.shape[0])
    if op is ONES:
        return size(e.shape[0])
    if is_zero(e):
        return zeros(SCALAR)
    if op is shaping.KRON and all(a.shape[0] is a.shape[1] for a in e.args):
        return hadamard.monomial(SCALAR, [(trace(a), 1) for a in e.args])
    known = reduced("tr", e)
    if known is not None:
        return known
    v = shaping.diagonal_of_matrix(e)
    if v is not None:
        return sum_all(v)
    if op is products.PRODUCT:
        chain = e.args
        cut = next((i for i, f in enumerate(chain) if f.shape[1] is UNIT), None)
        if cut is not None:  # tr(x*y') = y'*x
            return products.product(*chain[cut + 1 :], *chain[: cut + 1])
        full = next((i for i, f in enumerate(chain) if f.op is ONES), None)
        if full is not None:  # tr(X*ones(m,n)) = sum(X)
            return sum_all(products.product(*chain[full + 1 :], *chain[:full]))
        return _cyclic(chain)
    return make(TRACE, (e,), (), SCALAR)


def _own_conjugate(e: Expr) -> bool:
    """Is the trace of e real, because its conjugate transpose is e, or a product with its factors rotated?"""
    if e.op is not products.PRODUCT or len(e.args) > ROTATIONS_LIMIT:
        return hermitian(e)
    turned = tuple(conjugate_transposed(a) for a in reversed(e.args))
    return any(e.args[i:] + e.args[:i] == turned for i in range(len(turned)))


def adds_up_to_one(e: Expr) -> bool:
    """Do the entries of this vector, or of each row of this matrix, add up to 1?"""
    if e.op.name == "variable":
        return e.params[2] in ("simplex", "onehot")
    return e.op.name in ("softmax", "softmax_of_rows", "maskedsoftmax")


def known_sums(a: Expr, b: Expr) -> Expr | None:
    """A*ones where the rows of A add up to 1, and ones'*A' likewise; None for any other product."""
    if b.op is ONES and b.shape[1] is UNIT and a.kind == "matrix" and adds_up_to_one(a):
        return ones((a.shape[0], UNIT))
    turned = a.op is TRANSPOSE and a.args[0].op is ONES and b.op is TRANSPOSE and b.kind == "matrix"
    if turned and a.shape[0] is UNIT and adds_up_to_one(b.args[0]):
        return transposed(ones((b.shape[1], UNIT)))
    return None


ROTATIONS_LIMIT = 24  # of longer chains the cyclic order is left as it is: comparing all is quadratic


def _cyclic(chain: tuple[Expr, ...]) -> Expr:
    n = len(chain)
    if n > ROTATIONS_LIMIT:
        return make(TRACE, (products.product(*chain),), (), SCALAR)
    flipped = tuple(products.flipped_chain(chain))
    best: tuple[Any, ...] | None = None
    words = [chain, flipped]
    for c in words:
        for i in range(n):
            turned = c[i:] + c[:i]
            if n % 2 == 0 and all(conjugate_transposed(turned[n - 1 - j]) is turned[j] for j in range(n // 2)):
                return hadamard.monomial(SCALAR, [(norms.norm2(products.product(*turned[n // 2 :])), 2)])
            joined = products.product(*turned)
            if joined.op is not products.PRODUCT or len(joined.args) < n:
                return trace(joined)  # the ends met and made a shorter chain
            if joined.args != turned:  # factors that commute have changed places
                turned = joined.args
                if turned not in words and len(words) < ROTATIONS_LIMIT:
                    words.append(turned)
            # the differential last, the rest by name
            last = turned[-1]
            last_rank = 2 if last.lead[:1] != "~" else 1 if last.op is TRANSPOSE else 0
            key = (last_rank, sum(f.balance for f in turned), [(f.lead, f.key) for f in turned])
            if best is None or key < best[0]:
                best = (key, joined)
    assert best is not None
    return make(TRACE, (best[1],), (), SCALAR)


def sum_all(e: Expr) -> Expr:
    """The sum of all entries, in normal form."""
    if e.shape == SCALAR:
        return e
    op = e.op
    if op is sums.SUM:
        return sums.add((c, sum_all(a)) for c, a in zip(e.params, e.args, strict=True))
    if op is products.SCALE:
        return products.scale(e.args[0], sum_all(e.args[1]))
    if op is TRANSPOSE:
        return sum_all(e.args[0])
    if e.shape[0] is UNIT and e.shape[1] is not UNIT:
        return sum_all(transposed(e))
    if op is ONES:
        return count(e)
    if op is EYE:
        return size(e.shape[0])
    if op is UNIT_VECTOR or op is indexing.SELECTION:
        return size(e.shape[1])
    if op is shaping.DIAGONAL:
        return trace(e.args[0])
    if op is blocks.BLOCKS:
        return sums.add((1, sum_all(a)) for a in e.args)
    if is_zero(e):
        return zeros(SCALAR)
    v = shaping.diagonal_of_matrix(e)
    if v is not None:
        return sum_all(v)
    if op is products.PRODUCT and e.shape[1] is UNIT and e.args[-1].op is ONES:
        return sum_all(products.product(*e.args[:-1]))  # of the sums of the rows
    if op is hadamard.MONOMIAL:
        if len(e.args) == 1 and e.params[0] == 2 and (e.args[0].real or e.args[0].op is elementwise.ABS):
            return hadamard.monomial(SCALAR, [(norms.norm2(e.args[0]), 2)])
        if len(e.args) == 2 and e.kind == "vector":
            a, b = (hadamard.monomial(e.shape, [f]) for f in zip(e.args, e.params, strict=True))
            return products.product(transposed(a), b)
    if op is elementwise.ABS:
        return norms.NORM1.build(e.args[0])
    if op is products.PRODUCT and e.kind == "matrix":
        cut = next((i for i, f in enumerate(e.args) if f.shape[1] is UNIT), None)
        if cut is not None:
            left, right = products.product(*e.args[: cut + 1]), products.product(*e.args[cut + 1 :])
            return hadamard.monomial(SCALAR, [(sum_all(left), 1), (sum_all(right), 1)])
    if adds_up_to_one(e):
        return size(e.shape[0] if e.kind == "matrix" else UNIT)
    known = reduced("sum of log", e.args[0]) if op is elementwise.LOG else None
    known = known or reduced("sum", e)
    if known is not None:
        return known
    if e.kind == "matrix" and e.balance > 0:
        e = transposed(e)
    return make(SUM_ALL, (e,), (), SCALAR)


def count(e: Expr) -> Expr:
    """How many entries e has, as a number."""
    return hadamard.monomial(SCALAR, [(size(d), 1) for d in e.shape])


def attained(sign: Expr, largest: bool) -> Expr:
    """1 where an entry is the largest or smallest, else 0, from the sign of v - max(v) or v - min(v)."""
    return sums.add([(1, ones(sign.shape)), (1 if largest else -1, sign)])


ALIKE = ", or by entries that are always equal"  # as those of A*A' and of its transpose


class ExtremePage(Reduction):
    """The largest or smallest entry."""

    tensors = True
    piecewise = True
    takes = ("e",)
    source = "Danskin's theorem; Boyd & Vandenberghe (2004), section 3.1.5"

    def __init__(self, name: str, largest: bool) -> None:
        self.name = name  # type: ignore[misc]
        self.largest = largest
        self.signature = f"{name}(x)"  # type: ignore[misc]
        self.latex = rf"\{name}({{0}})"  # type: ignore[misc]
        self.summary = f"The {'largest' if largest else 'smallest'} of all entries."  # type: ignore[misc]
        sign = "+" if largest else "-"
        self.rule = f"d {name}(x) = s'*dx/sum(s), s = ones{sign}sign(x-{name}(x)*ones)"  # type: ignore[misc]
        self.conditions_text = f"it is attained once{ALIKE}"  # type: ignore[misc]
        self.elsewhere = (  # type: ignore[misc]
            f"where several entries are {'largest' if largest else 'smallest'} there is no derivative; the weighted means "
            f"of their unit vectors are its {'sub' if largest else 'super'}gradients, and the mean of equal weights is given"
        )
        self.examples = (f"{name}(x)", f"{name}(X)")  # type: ignore[misc]
        super().__init__()

    def build(self, *args: Any) -> Expr:
        e = args[0]
        if e.shape == SCALAR:
            return e  # type: ignore[no-any-return]
        c, e = sums.content(e)
        if e.op is TRANSPOSE or e.kind == "row":
            e = transposed(e)
        page = self if c > 0 else (MIN if self.largest else MAX)
        return sums.scaled(c, reduced(page.name, e) or make(page, (e,), (), SCALAR))

    def sign_of(self, e: Expr) -> int:
        return e.sign

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        e = node.args[0]
        gap = sums.subtract(e, products.scale(node, ones(e.shape)))
        marks = attained(elementwise.SIGN.build(gap), self.largest)
        return products.quotient(products.inner(marks, d[0]), sum_all(marks))

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        return [(f"the {'largest' if self.largest else 'smallest'} entry of {{0}} is attained once{ALIKE}", node.args[0])]

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"np.{self.name}({args[0]})"


class ProdPage(Reduction):
    name, signature, summary = "prod", "prod(x)", "The product of all entries."
    rule = "d prod(x) = prod(x)*(1./x)'*dx"
    source = "calculus: logarithmic derivative"
    latex = r"\operatorname{prod}({0})"
    conditions_text = "no entry 0"
    tensors = True
    elsewhere = (
        "where an entry of {0} is 0 the derivative exists, each entry of it the product of all other entries, "
        "but the formula divides by 0"
    )
    examples = ("prod(x)",)
    domain = "positive"
    complex = True

    def build(self, *args: Any) -> Expr:
        e = args[0]
        if e.shape == SCALAR:
            return e  # type: ignore[no-any-return]
        e = transposed(e) if e.op is TRANSPOSE or e.kind == "row" else e
        return reduced("prod", e) or make(self, (e,), (), SCALAR)

    def sign_of(self, e: Expr) -> int:
        return e.sign

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        e = node.args[0]
        return products.scale(node, products.bilinear(hadamard.monomial(e.shape, [(e, -1)]), d[0]))

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        return [] if node.args[0].sign == 2 else [("no entry of {0} is 0", node.args[0])]

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"np.prod({args[0]})"


class Abbreviation(Operation):
    """A typed name that stands for other operations; `rule` says for which."""

    tensors = True

    def __init__(self, name: str, signature: str, summary: str, stands_for: str, takes: str, example: str) -> None:
        self.name, self.signature, self.summary = name, signature, summary  # type: ignore[misc]
        self.rule = f"stands for {stands_for}"  # type: ignore[misc]
        self.takes, self.examples = (takes,), (example,)  # type: ignore[misc]
        self.complex = name != "dot"  # type: ignore[misc]
        super().__init__()

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        if self.name in ("dot", "frobenius"):
            same_shape(equal, *shapes)
        if self.name == "outer":
            if any(kind(s) != "vector" for s in shapes):
                raise ShapeError("outer(x,y) takes two vectors")
            return (shapes[0][0], shapes[1][0])
        return SCALAR

    def build(self, *args: Any) -> Expr:
        a = args[0]
        if self.name == "mean":
            return products.quotient(sum_all(a), count(a))
        if self.name == "dot" and not (a.real and args[1].real):  # libraries disagree on what it is
            raise UnsupportedError("dot of complex vectors: say which is meant, x^H*y (with the conjugate of x) or x'*y")
        if self.name in ("dot", "frobenius"):
            return products.bilinear(a, args[1])
        if self.name == "outer":
            return products.product(a, transposed(args[1]))
        if self.name == "norminf":
            return MAX.build(elementwise.ABS.build(a))
        return norms.norm2(a)


TRACE, SUM_ALL = TracePage(), SumPage()
MAX, MIN, PROD = ExtremePage("max", True), ExtremePage("min", False), ProdPage()
FROBENIUS = Abbreviation("frobenius", "A:B", "The Frobenius product.", "tr(A'*B)", "ee", "A:B")
FROBENIUS.typed = False  # type: ignore[misc]
PAGES: tuple[Operation, ...] = (
    TRACE, SUM_ALL, MAX, MIN, PROD, FROBENIUS,
    Abbreviation("mean", "mean(X)", "The mean of all entries.", "sum(X)/(n*m)", "e", "mean(X)"),
    Abbreviation("dot", "dot(x,y)", "The inner product.", "x'*y", "ee", "dot(x,y)"),
    Abbreviation("outer", "outer(x,y)", "The outer product of two vectors.", "x*y'", "ee", "outer(x,y)"),
    Abbreviation("norminf", "norminf(x)", "The largest absolute value of all entries.", "max(abs(x))", "e", "norminf(x)"),
    Abbreviation("normF", "normF(X)", "The Frobenius norm.", "norm2(X)", "e", "normF(X)"),
)  # fmt: skip
