"""Variance and what divides by it: layer norm, batch norm, root-mean-square norm; of a vector and of the rows of a matrix.

With y = layernorm(x) and s = sqrt(var(x)+c) the differential is dy = (dx - mean(dx)*ones - y*(y'*dx)/n)/s: what moves the
mean or the scale is taken away. It holds for every c, since y'*y/n = var(x)/s^2. rmsnorm is the same without the mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from frechet.expressions.dimension import SCALAR, UNIT, Shape, kind
from frechet.expressions.errors import ShapeError
from frechet.expressions.node import Expr, Number, make
from frechet.expressions.operation import Equal, Operation
from frechet.operations import hadamard, norms, products, reductions, rowwise, shaping, sums
from frechet.operations.composite import Composite
from frechet.operations.constants import is_zero, number, ones, size, zeros
from frechet.operations.reducing import REDUCTIONS, Reduction
from frechet.operations.transposition import TRANSPOSE, transposed

HALF = Fraction(1, 2)
ELSEWHERE = "where the variance is 0 the function has no value, so no derivative: the formula divides by 0"
SOURCES = {"layernorm": "Ba, Kiros & Hinton (2016), eq. 4", "rmsnorm": "Zhang & Sennrich (2019), eq. 4"}


def entry_count(e: Expr) -> Expr:
    return hadamard.monomial(SCALAR, [(size(e.shape[0]), 1), (size(e.shape[1]), 1)])


def centred(e: Expr) -> Expr:
    """e - mean(e)*ones, of all entries."""
    return sums.subtract(e, products.scale(products.quotient(reductions.sum_all(e), entry_count(e)), ones(e.shape)))


def centred_rows(e: Expr) -> Expr:
    """Every row without its mean."""
    return sums.subtract(e, rowwise.repeated(rowwise.row_means(e), e.shape[1]))


class VariancePage(Reduction):
    name, signature = "var", "var(x)"
    summary = "The variance of all entries, their mean squared distance from the mean: divided by n, not by n-1."
    rule = "d var(x) = 2/n*(x-mean(x)*ones)'*dx"
    source = "Ioffe & Szegedy (2015), algorithm 1"
    latex = r"\operatorname{var}({0})"
    examples = ("var(A*x)", "var(X)")
    identities = (("var(x)", "mean((x-mean(x)*ones(n)).^2)"), ("var(2*x+3*ones(n))", "4*var(x)"))

    def build(self, *args: Any) -> Expr:
        e = args[0]
        if e.shape == SCALAR:
            return zeros(SCALAR)
        c, e = sums.content(e)
        if e.op is TRANSPOSE or e.kind == "row":
            e = transposed(e)
        return sums.scaled(c * c, zeros(SCALAR) if e.op.name == "ones" or is_zero(e) else make(self, (e,), (), SCALAR))

    def sign_of(self, e: Expr) -> int:
        return 1

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        e = node.args[0]
        return products.quotient(sums.scaled(2, products.inner(centred(e), d[0])), entry_count(e))

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"np.var({args[0]})"


class VarianceOfRowsPage(rowwise.RowwisePage):
    name, typed_as, signature = "var_of_rows", "var", "var(X,1), var(X,2)"
    summary = "The variance of each column, a row; of each row, a vector; divided by the number of entries."
    rule = "d var(X,2) = 2/m*sum((X-mean(X,2)*ones').*dX,2)"
    source = "Ioffe & Szegedy (2015), algorithm 1"
    examples = ("var(X,2)", "var(A*X,1)*y")
    identities = (("var(X,2)", "mean((X-mean(X,2)*ones(m)').^2,2)"),)
    sign_of_value = 1

    def of_rows(self, e: Expr) -> Expr:
        c, e = sums.content(e)
        return sums.scaled(c * c, self.node(e))

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        e = node.args[0]
        total = rowwise.row_sums(hadamard.times(centred_rows(e), d[0]))
        return products.quotient(sums.scaled(2, total), size(e.shape[1]))

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"np.var({args[0]}, axis=1)"


def with_constant(spread: Expr, c: Expr | None) -> Expr:
    """The spread of a vector, or of each row, with c added."""
    return spread if c is None else sums.add([(1, spread), (1, products.multiply(c, ones(spread.shape)))])


def _split(args: Sequence[Expr]) -> tuple[Expr, Expr | None]:
    return args[0], args[1] if len(args) > 1 else None


def _constant_needed(name: str, shapes: Sequence[Shape]) -> None:
    if len(shapes) > 1 and shapes[1] != SCALAR:
        raise ShapeError(f"the c of {name}(x,c), which is added to the mean square, is a number")


class NormalizationPage(Operation):
    """layernorm(x) and rmsnorm(x) of a vector."""

    takes = ("e", "ee")
    in_notation = False

    def __init__(self, name: str, centre: bool) -> None:
        self.name, self.centre = name, centre  # type: ignore[misc]
        self.signature = f"{name}(x), {name}(x,c)"  # type: ignore[misc]
        above, mean, spread = (
            ("x-mean(x)*ones", "-mean(dx)*ones", "var(x)+c") if centre else ("x", "", "mean(x.^2)+c")
        )  # fmt: skip
        self.summary = f"({above})/sqrt({spread}) of a vector; c is 0 unless given."  # type: ignore[misc]
        self.rule = f"d y = (dx{mean}-y*(y'*dx)/n)/sqrt({spread}),  y = {name}(x,c)"  # type: ignore[misc]
        self.source = SOURCES[name]  # type: ignore[misc]
        reason = "not all entries equal, or c > 0" if centre else "x ≠ 0, or c > 0"
        self.conditions_text, self.elsewhere = reason, ELSEWHERE  # type: ignore[misc]
        self.examples = (f"{name}(x)", f"y'*{name}(A*x,1/8)", f"{name}(x,exp(a))")  # type: ignore[misc]
        spelled = "var(x)" if centre else "mean(x.^2)"
        plain = "(x-mean(x)*ones(n))" if centre else "x"
        self.identities = (  # type: ignore[misc]
            (f"{name}(x)", f"{plain}/sqrt({spelled})"), (f"{name}(x,0.01)", f"{plain}/sqrt({spelled}+0.01)"),
            (f"{name}(2*x)", f"{name}(x)"),
        )  # fmt: skip
        super().__init__()

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        if kind(shapes[0]) not in ("vector", "row"):
            name = self.name
            raise ShapeError(
                f"{name} takes a vector; of a matrix {name}(X,2) is along the rows, {name}(X,1) down the columns"
            )
        _constant_needed(self.name, shapes)
        return shapes[0]

    def build(self, *args: Any) -> Expr:
        x, c = _split(args)
        if x.shape[0] is UNIT:
            return transposed(self.build(transposed(x), *args[1:]))
        if c is not None and is_zero(c):
            c = None
        if c is None:
            k, x = sums.content(x)
            if k < 0:
                return sums.negative(self.build(x))
        return make(self, (x,) if c is None else (x, c), (), x.shape)

    def annotate(self, node: Expr) -> None:
        node.sign, node.definite = 0 if self.centre else node.args[0].sign, 0

    def spread(self, x: Expr) -> Expr:
        """The variance or mean square."""
        if self.centre:
            return VAR.build(x)
        return products.quotient(hadamard.monomial(SCALAR, [(norms.norm2(x), 2)]), entry_count(x))

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        x, c = _split(node.args)
        spread = with_constant(self.spread(x), c)
        terms: list[tuple[Number, Expr]] = []
        if d[0] is not None:
            moved = centred(d[0]) if self.centre else d[0]
            part = products.quotient(products.product(node, transposed(node), d[0]), entry_count(x))
            rate = hadamard.monomial(SCALAR, [(spread, -HALF)])
            terms.append((1, products.scale(rate, sums.subtract(moved, part))))
        if len(d) > 1 and d[1] is not None:
            rate = hadamard.monomial(SCALAR, [(spread, -1), (d[1], 1)])
            terms.append((-HALF, products.scale(rate, node)))
        return sums.add(terms)

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        x, c = _split(node.args)
        if c is not None:
            return [] if c.sign == 2 else [("{0} > 0", c)]
        return [("the entries of {0} are not all equal" if self.centre else "{0} ≠ 0", x)]

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"{self.name}({', '.join(args)})"


class NormalizationOfRowsPage(rowwise.RowwisePage):
    """layernorm(X,2) and rmsnorm(X,2) of every row."""

    takes = ("ei", "eie")
    keeps_shape = True

    def __init__(self, name: str, whole: NormalizationPage) -> None:
        self.name, self.typed_as, self.whole, self.centre = f"{name}_of_rows", name, whole, whole.centre  # type: ignore[misc]
        self.signature = f"{name}(X,1), {name}(X,2), {name}(X,2,c)"  # type: ignore[misc]
        spread, mean = ("var(X,2)+c*ones", "-mean(dX,2)*ones'") if whole.centre else ("mean(X.^2,2)+c*ones", "")
        self.summary = f"{name} of each column of a matrix; of each row."  # type: ignore[misc]
        self.rule = (  # type: ignore[misc]
            f"d Y = diag(1./s)*(dX{mean}-diag(sum(Y.*dX,2))*Y/m),  Y = {name}(X,2,c), s = sqrt({spread})"
        )
        self.source = SOURCES[name]  # type: ignore[misc]
        reason = "no row (column) with all entries equal" if whole.centre else "no row (column) 0"
        self.conditions_text, self.elsewhere = f"{reason}, or c > 0", ELSEWHERE  # type: ignore[misc]
        self.examples = (f"{name}(X,2)", f"{name}(A*X,1)*y", f"{name}(X,2,1/8)", f"{name}(X,1,exp(a))")  # type: ignore[misc]
        plain, spelled = (
            ("(X-mean(X,2)*ones(m)')", "var(X,2)") if whole.centre else ("X", "mean(X.^2,2)")
        )  # fmt: skip
        self.identities = (  # type: ignore[misc]
            (f"{name}(X,2)", f"diag(1./sqrt({spelled}))*{plain}"), (f"{name}(X',1)", f"{name}(X,2)'"),
            (f"{name}(X,2,0.01)", f"diag(1./sqrt({spelled}+0.01*ones(n)))*{plain}"),
        )  # fmt: skip
        super().__init__()

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        _constant_needed(self.typed_as, shapes)
        if len(shapes) == 1 and kind(shapes[0]) in ("vector", "row"):
            return shapes[0]  # of a vector the whole number is the c of layernorm(x,c)
        return super().shape(equal, shapes, params)

    def build(self, *args: Any) -> Expr:
        x, axis, *rest = args
        if x.kind != "matrix":
            return self.whole.build(x, number(axis))
        if axis == 1:
            return transposed(self.build(transposed(x), 2, *rest))
        c = rest[0] if rest and not is_zero(rest[0]) else None
        if c is None:
            k, x = sums.content(x)
            return self.node(x) if k > 0 else sums.negative(self.node(x))
        return self.node(x, c)

    def rebuild(self, node: Expr, args: tuple[Expr, ...]) -> Expr:
        return self.build(args[0], 2, *args[1:])

    def sign_of(self, e: Expr) -> int:
        return 0 if self.centre else e.sign

    def spread(self, x: Expr) -> Expr:
        """The variance or mean square of every row."""
        if self.centre:
            return VAR_OF_ROWS.of_rows(x)
        lengths = rowwise.NORM2_OF_ROWS.of_rows(x)
        return products.quotient(hadamard.monomial(lengths.shape, [(lengths, 2)]), size(x.shape[1]))

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        x, c = _split(node.args)
        spread = with_constant(self.spread(x), c)
        terms: list[tuple[Number, Expr]] = []
        if d[0] is not None:
            scaled = products.product(shaping.diag(hadamard.monomial(spread.shape, [(spread, -HALF)])), d[0])
            moved = centred_rows(scaled) if self.centre else scaled
            weights = products.quotient(rowwise.row_sums(hadamard.times(node, scaled)), size(x.shape[1]))
            terms.append((1, sums.subtract(moved, products.product(shaping.diag(weights), node))))
        if len(d) > 1 and d[1] is not None:
            rates = products.product(shaping.diag(hadamard.monomial(spread.shape, [(spread, -1)])), node)
            terms.append((-HALF, products.scale(d[1], rates)))
        return sums.add(terms)

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        x, c = _split(node.args)
        if c is not None:
            return [] if c.sign == 2 else [("{0} > 0", c)]
        return [("no row of {0} has all its entries equal" if self.centre else "no row of {0} is 0", x)]

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"{self.name}({', '.join(args)})"


VAR, VAR_OF_ROWS = VariancePage(), VarianceOfRowsPage()
LAYERNORM, RMSNORM = NormalizationPage("layernorm", True), NormalizationPage("rmsnorm", False)
LAYERNORM_OF_ROWS = NormalizationOfRowsPage("layernorm", LAYERNORM)
RMSNORM_OF_ROWS = NormalizationOfRowsPage("rmsnorm", RMSNORM)
REDUCTIONS[("sum", "layernorm")] = lambda e: zeros(SCALAR)


def _deviation(e: Expr, axis: int | None = None) -> Expr:
    spread = VAR.build(e) if axis is None else VAR_OF_ROWS.build(e, axis)
    return hadamard.monomial(spread.shape, [(spread, HALF)])


def _deviation_shape(equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
    return (VAR_OF_ROWS if params else VAR).shape(equal, shapes, params)


def _matrix(equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
    _constant_needed("batchnorm", shapes)
    if kind(shapes[0]) != "matrix":
        raise ShapeError("batchnorm takes a matrix: a row for each sample, a column for each feature")
    return shapes[0]


PAGES: tuple[Operation, ...] = (
    VAR, VAR_OF_ROWS, LAYERNORM, LAYERNORM_OF_ROWS, RMSNORM, RMSNORM_OF_ROWS,
    Composite(
        "std", "std(x), std(X,1), std(X,2)", "The standard deviation, the root of the variance: divided by n, not by n-1.",
        "sqrt(var(x))", _deviation_shape, _deviation, takes=("e", "ei"), examples=("std(x)", "std(X,2)", "std(A*X,1)*y"),
        conditions="not all entries equal",
    ),
    Composite(
        "batchnorm", "batchnorm(X), batchnorm(X,c)", "Every column of a matrix of samples with mean 0 and variance 1.",
        "layernorm(X,1,c)", _matrix, lambda x, *c: LAYERNORM_OF_ROWS.build(x, 1, *c), takes=("e", "ee"),
        examples=("batchnorm(X)", "batchnorm(X*B,1/8)"), conditions="no column with all entries equal, or c > 0",
    ),
)  # fmt: skip
