"""What is done to every row of a matrix, op(X,2), or to every column, op(X,1) = op(X',2)'.

One normal form serves both: the pages here work along the rows, and a column is a row of the transpose.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from frechet.expressions.dimension import UNIT, Dim, Shape, kind
from frechet.expressions.errors import ShapeError
from frechet.expressions.node import Expr, make
from frechet.expressions.operation import Equal, Operation
from frechet.operations import elementwise, factorizations, hadamard, products, sums
from frechet.operations.composite import Composite
from frechet.operations.constants import is_zero, magnitude, ones, size, zeros
from frechet.operations.reductions import ALIKE, attained, sum_all
from frechet.operations.transposition import conjugated, transposed


def column_of_ones(n: Dim) -> Expr:
    return ones((n, UNIT))


def row_sums(e: Expr) -> Expr:
    """The sum of each row, a vector."""
    return products.product(e, column_of_ones(e.shape[1]))


def count_attained(sign: Expr) -> Expr | None:
    """How many entries are the largest or smallest, where the sign is that of v - max(v) or v - min(v): never 0.

    The number of all, or a vector of those in each row or column, as the differentials of these extremes divide by it.
    """
    extreme, axis = elementwise.level_below(sign.args[0])
    if not extreme:
        return None
    marks = attained(sign, extreme == "max")
    if axis is None:
        return sum_all(marks)
    return row_sums(marks if axis == 1 else transposed(marks))


def repeated(v: Expr, columns: Dim) -> Expr:
    """The matrix whose columns are all v."""
    return products.product(v, transposed(column_of_ones(columns)))


def row_means(e: Expr) -> Expr:
    return products.quotient(row_sums(e), size(e.shape[1]))


def need_axis(call: str, shape: Shape, axis: Any, name: str) -> None:
    """Raises where op(X,axis) has no meaning."""
    if axis not in (1, 2):
        raise ShapeError(f"{call}1) is of each column, {call}2) of each row: there is no other direction")
    if kind(shape) != "matrix":
        along = "columns" if axis == 1 else "rows"
        raise ShapeError(f"{call}{axis}) is of the {along} of a matrix, and this is a {kind(shape)}: did you mean {name}?")


class RowwisePage(Operation):
    """Done to each row of a matrix; the result has an entry for each row, or the shape of the matrix (`keeps_shape`)."""

    typed = False
    by_rows = True
    in_notation = False
    takes: ClassVar[tuple[str, ...]] = ("ei",)
    sign_of_value = 0
    keeps_shape = False

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        need_axis(self.signature.partition("1)")[0], shapes[0], params[-1], f"{self.typed_as}(x)")
        rows, columns = shapes[0]
        return shapes[0] if self.keeps_shape else (rows, UNIT) if params[-1] == 2 else (UNIT, columns)

    def build(self, *args: Any) -> Expr:
        e, axis = args
        return self.of_rows(e) if axis == 2 else transposed(self.of_rows(transposed(e)))

    def of_rows(self, e: Expr) -> Expr:
        return self.node(e)

    def node(self, *args: Expr) -> Expr:
        return make(self, args, (2,), args[0].shape if self.keeps_shape else (args[0].shape[0], UNIT))

    def annotate(self, node: Expr) -> None:
        node.sign, node.definite = self.sign_of(node.args[0]), 0
        if not self.keeps_shape:
            node.balance = 0

    def sign_of(self, e: Expr) -> int:
        return self.sign_of_value


class ExtremeOfRowsPage(RowwisePage):
    """The largest or smallest entry of each row."""

    piecewise = True
    takes = ("eni",)
    source = "Danskin's theorem, row by row; Boyd & Vandenberghe (2004), section 3.1.5"

    def __init__(self, name: str, largest: bool) -> None:
        self.name, self.typed_as, self.largest = f"{name}_of_rows", name, largest  # type: ignore[misc]
        self.signature = f"{name}(X,[],1), {name}(X,[],2)"  # type: ignore[misc]
        which, sign = ("largest", "+") if largest else ("smallest", "-")
        self.summary = f"The {which} entry of each column, a row; of each row, a vector. {name}(X,2) compares X with 2."  # type: ignore[misc]
        self.rule = f"d {name}(X,[],2) = sum(S.*dX,2)./sum(S,2), S = ones{sign}sign(X-{name}(X,[],2)*ones')"  # type: ignore[misc]
        self.conditions_text = f"attained once in each row (column){ALIKE}"  # type: ignore[misc]
        self.elsewhere = (  # type: ignore[misc]
            f"where several entries of a row of {{0}} are the {which} there is no derivative; the formula takes the mean "
            f"over them, a {'sub' if largest else 'super'}gradient"
        )
        self.examples = (f"{name}(X,[],2)", f"{name}(A*X,[],1)*y")  # type: ignore[misc]
        self.identities = ((f"{name}(X',[],1)", f"{name}(X,[],2)'"),)  # type: ignore[misc]
        super().__init__()

    def of_rows(self, e: Expr) -> Expr:
        c, e = sums.content(e)
        page = self if c > 0 else (MIN_OF_ROWS if self.largest else MAX_OF_ROWS)
        return sums.scaled(c, page.node(e))

    def sign_of(self, e: Expr) -> int:
        return e.sign

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        e = node.args[0]
        gap = elementwise.SIGN.build(sums.subtract(e, repeated(node, e.shape[1])))
        marks = attained(gap, self.largest)
        return hadamard.monomial(node.shape, [(row_sums(hadamard.times(marks, d[0])), 1), (row_sums(marks), -1)])

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        which = "largest" if self.largest else "smallest"
        return [(f"the {which} entry of each row of {{0}} is attained once{ALIKE}", node.args[0])]

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"np.{self.typed_as}({args[0]}, axis=1)"


class ProdOfRowsPage(RowwisePage):
    name, typed_as, signature = "prod_of_rows", "prod", "prod(X,1), prod(X,2)"
    summary = "The product of the entries of each column, a row; of each row, a vector."
    rule = "d prod(X,2) = prod(X,2).*sum(dX./X,2)"
    source = "calculus: logarithmic derivative"
    conditions_text = "no entry 0"
    elsewhere = (
        "where an entry of {0} is 0 the derivative exists, each entry of it the product of the others of its row, "
        "but the formula divides by 0"
    )
    examples, domain = ("prod(X,2)", "prod(A*X,1)*y"), "positive"

    def sign_of(self, e: Expr) -> int:
        return e.sign

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        e = node.args[0]
        return hadamard.times(node, row_sums(hadamard.monomial(e.shape, [(d[0], 1), (e, -1)])))

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        return [] if node.args[0].sign == 2 else [("no entry of {0} is 0", node.args[0])]

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"np.prod({args[0]}, axis=1)"


class Norm2OfRowsPage(RowwisePage):
    name, typed_as, signature = "norm2_of_rows", "norm2", "norm2(X,1), norm2(X,2)"
    summary = "The Euclidean norm of each column, a row; of each row, a vector."
    rule = "d norm2(X,2) = sum(X.*dX,2)./norm2(X,2)"
    source = "Petersen & Pedersen (2012), eq. 129, row by row"
    conditions_text = "no row (column) 0 (none where the norms are squared)"
    elsewhere = "where {0} = 0 the norm of a row has no derivative, and the formula divides by 0"
    examples = ("norm2(X,2)", "sum(norm2(A*X,1))", "norm2(X,2).^2")
    identities = (
        ("norm2(X,2).^2", "sum(X.^2,2)"), ("norm2(2*X,1)", "2*norm2(X,1)"), ("norm2(norm2(X,2))", "norm2(X)"),
    )  # fmt: skip
    sign_of_value = 1

    def of_rows(self, e: Expr) -> Expr:
        c, e = sums.content(e)
        if is_zero(e):
            return zeros((e.shape[0], UNIT))
        scale = None
        if e.op is products.SCALE:
            scale, e = elementwise.ABS.build(e.args[0]), e.args[1]
        norms = sums.scaled(magnitude(c), self.node(e))
        return norms if scale is None else products.scale(scale, norms)

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        e = node.args[0]
        slope = row_sums(hadamard.times(conjugated(e), d[0]))
        return hadamard.monomial(node.shape, [(slope, 1), (node, -1)])

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"np.linalg.norm({args[0]}, axis=1)"


def _reduction(name: str, summary: str, stands_for: str, of_rows: Callable[[Expr], Expr], **others: Any) -> Composite:
    """name(X,1) and name(X,2) as a name for other operations, from what is done to the rows."""

    def build(e: Expr, axis: int) -> Expr:
        return of_rows(e) if axis == 2 else transposed(of_rows(transposed(e)))

    def shape(equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        need_axis(f"{name}(X,", shapes[0], params[0], f"{name}(x)")
        return (shapes[0][0], UNIT) if params[0] == 2 else (UNIT, shapes[0][1])

    return Composite(
        f"{name}_of_rows", f"{name}(X,1), {name}(X,2)", summary, stands_for, shape, build, typed_as=name,
        takes=("ei",), **{"examples": (f"{name}(X,2)", f"{name}(X,1)*y"), **others},
    )  # fmt: skip


def _lower_ones(n: Dim) -> Expr:
    return factorizations.TRIL.build(ones((n, n)))


def _kept(equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
    if params:
        need_axis("cumsum(X,", shapes[0], params[0], "cumsum(x)")
    elif kind(shapes[0]) != "vector":
        raise ShapeError("cumsum of a matrix is cumsum(X,1), down the columns, or cumsum(X,2), along the rows")
    return shapes[0]


def _cumsum(e: Expr, axis: int = 1) -> Expr:
    if axis == 1:
        return products.product(_lower_ones(e.shape[0]), e)
    return products.product(e, transposed(_lower_ones(e.shape[1])))


MAX_OF_ROWS, MIN_OF_ROWS = ExtremeOfRowsPage("max", True), ExtremeOfRowsPage("min", False)
PROD_OF_ROWS, NORM2_OF_ROWS = ProdOfRowsPage(), Norm2OfRowsPage()
PAGES: tuple[Operation, ...] = (
    MAX_OF_ROWS, MIN_OF_ROWS, PROD_OF_ROWS, NORM2_OF_ROWS,
    _reduction("mean", "The mean of each column, a row; of each row, a vector.", "sum(X,2)/m", row_means),
    _reduction(
        "norm1", "The sum of the absolute values of each column, a row; of each row, a vector.", "sum(abs(X),2)",
        lambda e: row_sums(elementwise.ABS.build(e)), conditions="no entry 0 (there the subgradient 0 is given)",
    ),
    Composite(
        "cumsum", "cumsum(x), cumsum(X,1), cumsum(X,2)",
        "The sums of the first entries; down each column; along each row.", "tril(ones(n,n))*x, X*triu(ones(m,m))",
        _kept, _cumsum, takes=("e", "ei"), examples=("cumsum(x)", "cumsum(X,1)", "cumsum(X,2)"),
    ),
)  # fmt: skip
