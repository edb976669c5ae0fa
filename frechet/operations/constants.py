"""Numbers, variables and constant arrays: the leaves of every expression."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from frechet.expressions import space
from frechet.expressions.dimension import AXES_LIMIT, SCALAR, UNIT, Dim, Shape, at_least, dim, kind, show_shape
from frechet.expressions.errors import LimitError, ShapeError
from frechet.expressions.node import Expr, Number, make
from frechet.expressions.operation import Equal, Operation


def exact(value: Number) -> Number:
    """The simplest equal number: integers as int, the rest as Fraction; a float is the decimal it is written as.

    Were 0.25 and 1/4 two numbers, they would still be one key of the table of nodes, and which of them an expression
    holds would depend on what was built before.
    """
    if type(value) is int:
        return value
    if type(value) is Fraction:
        return value.numerator if value.denominator == 1 else value
    if not math.isfinite(value):
        raise LimitError("a number in this formula is too large or not a number")
    decimal = float(value)
    if decimal == 0 or 1e-30 < abs(decimal) < 1e30:
        return exact(Fraction(repr(decimal)))
    return value


def magnitude(value: Number) -> Number:
    return value if value >= 0 else -value


class NumberPage(Operation):
    name = "number"
    summary = "A numeric constant: an integer, an exact fraction or a float."
    rule = "d c = 0"
    constant = 2
    own_leaves = 1
    typed = False
    examples = ("2.5",)

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        return SCALAR

    def rebuild(self, node: Expr, args: tuple[Expr, ...]) -> Expr:
        return node

    def annotate(self, node: Expr) -> None:
        value = node.params[0]
        node.sign = 2 if value > 0 else 1 if value == 0 else 0
        node.definite = node.sign
        node.transposed = node

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        value = node.params[0]
        if isinstance(value, Fraction):
            decimal = float(value)
            return repr(decimal) if Fraction(decimal) == value else f"({value.numerator} / {value.denominator})"
        text = f"{value}.0" if isinstance(value, int) and abs(value) < 2**53 else repr(float(value))
        return text if value >= 0 else f"({text})"


class VariablePage(Operation):
    name = "variable"
    summary = (
        "A variable: a scalar, vector, matrix or tensor with a name, perhaps a structure (symmetric, spd …) and a domain."
    )
    rule = "d X = dX"
    own_leaves = 1
    complex = True
    typed = False
    examples = ("X",)

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        raise NotImplementedError

    def rebuild(self, node: Expr, args: tuple[Expr, ...]) -> Expr:
        return node

    def annotate(self, node: Expr) -> None:
        name, words, domain, role = node.params
        structure = space.bases(words)
        node.lead = name if role == "variable" else "~" + name
        node.sign = (
            2 if domain in ("positive", "unit01", "simplex", "whole") else 1 if domain in ("mask01", "nonnegative") else 0
        )
        if domain == "onehot":
            node.sign = 1
        spd = "spd" in structure or ("diagonal" in structure and node.sign == 2)
        if not structure.isdisjoint(space.ZERO_SOMEWHERE):
            node.sign = min(node.sign, 1)
        node.definite = 2 if spd else 1 if "psd" in structure else 0
        if "complex" in words:
            node.real, node.bar = False, 0 if "hermitian" in structure else -1
        if kind(node.shape) == "scalar":
            node.transposed = node
        elif kind(node.shape) == "matrix":
            own = {"symmetric", "spd", "psd", "diagonal"} | ({"hankel"} if node.shape[0] is node.shape[1] else set())
            if "hermitian" not in structure and not own.isdisjoint(structure):
                node.transposed = node
            else:
                node.balance = -1

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        raise NotImplementedError  # the walk knows the differential of the variable

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return str(node.params[0])


# A simplex is said as a domain; "complex" is said beside a structure.
STRUCTURES = (*(word for word in space.STRUCTURES if word != "simplex"), "complex")
DOMAINS = (
    "normal",
    "positive",
    "nonnegative",
    "spd",
    "orthogonal",
    "invertible",
    "unit01",
    "simplex",
    "labels±1",
    "mask01",
    "onehot",
    "whole",
)


def mask_of(v: Expr) -> Expr | None:
    """The variable M of a variable declared sparse(M): its entries are 0 where those of M are."""
    name = space.mask_name(v.params[1])
    return variable(name, v.shape, (), "mask01") if name is not None else None


def variable(name: str, shape: Shape, structure: Sequence[str] = (), domain: str = "normal", role: str = "variable") -> Expr:
    """A variable of the given shape.

    Hermitian matrices are complex; complex positive (semi-)definite ones are Hermitian.

    Raises: ShapeError, if the structure and domain contradict the shape or each other.
    """
    if len(shape) > 2 and domain in ("spd", "orthogonal", "invertible", "simplex", "onehot"):
        raise ShapeError(f"{name} is declared {domain}, so it must be a vector or a matrix, not {show_shape(shape)}")
    if len(shape) > AXES_LIMIT:
        raise LimitError(f"{name} has {len(shape)} axes; at most {AXES_LIMIT} are read")
    said = set(structure)
    if "hermitian" in said or ("complex" in said and said & {"spd", "psd"}):
        structure = [*structure, "hermitian", "complex"]
    for word in structure:
        if space.base(word) not in STRUCTURES:
            raise ShapeError(f"{word!r} is not a structure known here: {', '.join(STRUCTURES)}")
    space.check(name, structure, domain, shape)
    return make(VARIABLE, (), (name, tuple(sorted(set(structure))), domain, role), shape)


class PiPage(Operation):
    name = "pi"
    signature = "pi"
    summary = "The number π."
    rule = "d π = 0"
    constant = 1
    own_leaves = 1
    latex = r"\pi"
    examples = ("pi",)

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        return SCALAR

    def build(self, *args: Any) -> Expr:
        return make(self, (), (), SCALAR)

    def annotate(self, node: Expr) -> None:
        node.sign = node.definite = 2
        node.transposed = node

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return "np.pi"


class SizePage(Operation):
    name = "size"
    summary = "A dimension used as a number, as in sum(x)/n."
    rule = "d n = 0"
    constant = 1
    own_leaves = 1
    typed = False
    examples = ("sum(x + ones(n))/n",)

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        return SCALAR

    def build(self, *args: Any) -> Expr:
        from frechet.operations import hadamard, sums

        terms = []
        for monomial, coefficient in dim(args[0]).terms:
            names = [(make(self, (), (dim(name),), SCALAR), 1) for name in monomial]
            terms.append((coefficient, hadamard.monomial(SCALAR, names) if names else ONE))
        return sums.add(terms)

    def annotate(self, node: Expr) -> None:
        node.sign = node.definite = 2
        node.transposed = node
        node.lead = str(node.params[0])

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return str(node.params[0])


class ConstantArray(Operation):
    """Arrays that need no more than a shape."""

    constant = 1
    own_leaves = 1
    rule = "d c = 0"
    value: int

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        return tuple(params) if len(params) > 1 else (params[0], UNIT)

    def build(self, *sizes: Any) -> Expr:
        dims = tuple(map(dim, sizes))
        return constant_array(self, dims if len(dims) > 1 else (*dims, UNIT))

    def rebuild(self, node: Expr, args: tuple[Expr, ...]) -> Expr:
        return node

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        sizes = [str(d) for d in node.shape if d is not UNIT]
        inner = sizes[0] if len(sizes) == 1 else "(" + ", ".join(sizes) + ")"
        return f"np.{self.name}({inner})"


def constant_array(page: ConstantArray, shape: Shape) -> Expr:
    """Ones or zeros of any shape; a row is the transpose of a vector."""
    if shape == SCALAR:
        return number(page.value)
    if shape[0] is UNIT:
        from frechet.operations.transposition import transposed

        return transposed(make(page, (), (), (shape[1], UNIT)))
    return make(page, (), (), shape)


class OnesPage(ConstantArray):
    name = "ones"
    signature = "ones(n), ones(n,m), ones(n,m,k)"
    takes = ("d+",)
    summary = "The vector, matrix or tensor of ones."
    latex = r"\mathbf{1}"
    value = 1
    examples = ("ones(3,4)", "x + 2*ones(n)", "ones(2,3,4)")

    def annotate(self, node: Expr) -> None:
        node.sign, node.definite = 2, 0
        if node.shape[0] is node.shape[1] and len(node.shape) == 2:
            node.transposed = node


class ZerosPage(ConstantArray):
    name = "zeros"
    signature = "zeros(n), zeros(n,m), zeros(n,m,k)"
    takes = ("d+",)
    summary = "The vector, matrix or tensor of zeros."
    latex = "0"
    value = 0
    examples = ("zeros(3,4)", "zeros(2,3,4)")

    def annotate(self, node: Expr) -> None:
        node.sign, node.definite = 1, 0
        if node.shape[0] is node.shape[1] and len(node.shape) == 2:
            node.transposed, node.definite = node, 1


class EyePage(Operation):
    name = "eye"
    signature = "eye(n)"
    takes = ("d",)
    summary = "The identity matrix."
    rule = "d I = 0"
    constant = 1
    own_leaves = 1
    latex = "I"
    examples = ("eye(3)", "X + 2*eye(n)")

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        return (params[0], params[0])

    def build(self, *args: Any) -> Expr:
        n = dim(args[0])
        return number(1) if n is UNIT else make(self, (), (), (n, n))

    def rebuild(self, node: Expr, args: tuple[Expr, ...]) -> Expr:
        return node

    def annotate(self, node: Expr) -> None:
        node.sign, node.definite = 1, 2
        node.transposed = node

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"np.eye({node.shape[0]})"


def place(i: int | Dim) -> Dim:
    """An index as a dimension, so that one can calculate with it."""
    return i if isinstance(i, Dim) else dim({(): i})


def within(i: int | Dim, n: Dim) -> list[tuple[str, Expr | None]]:
    """The condition that an index lies in its axis, where that depends on the sizes."""
    return [] if at_least(n - place(i), 0) else [(f"{i} ≤ {n}", None)]


class UnitPage(Operation):
    name = "unit"
    signature = "unit(n,i)"
    takes = ("di", "dd")
    conditions_text = "1 ≤ i ≤ n"
    elsewhere = "beyond the array there is no such entry: the formula has no meaning there"
    summary = "The i-th unit vector of length n, counted from 1."
    rule = "d e = 0"
    constant = 1
    own_leaves = 1
    latex = "e_{p}"
    examples = ("unit(4,2)'*x", "X*unit(3,1)", "X*unit(m,i)")

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        return (params[0], UNIT)

    def build(self, *args: Any) -> Expr:
        """The index is a number, or a dimension (1 to n) where it is known by name only."""
        n, i = dim(args[0]), args[1]
        i = dim(i) if isinstance(i, str) else i
        if not isinstance(i, int | Dim) or at_least(place(i), 1) is False or at_least(n - place(i), 0) is False:
            raise ShapeError(f"unit({n},{i}): the second number must be between 1 and {n}")
        value = i.value() if isinstance(i, Dim) else i
        return make(self, (), (i if value is None else value,), (n, UNIT))

    def rebuild(self, node: Expr, args: tuple[Expr, ...]) -> Expr:
        return node

    def annotate(self, node: Expr) -> None:
        node.sign, node.definite = 1, 0

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        return within(node.params[0], node.shape[0])

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"np.eye(1, {node.shape[0]}, {place(node.params[0]) - dim(1)})[0]"  # no n×n matrix for one of its rows


class CommutationPage(Operation):
    name = "commutation"
    signature = "commutation(m,n)"
    takes = ("dd",)
    summary = "The commutation matrix: K vec(X) = vec(X') for X m×n."
    rule = "d K = 0"
    source = "Magnus & Neudecker (2019), section 3.7"
    constant = 1
    own_leaves = 2
    latex = "K_{p}"
    examples = ("commutation(3,2)*vec(X)",)

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        return (params[0] * params[1], params[0] * params[1])

    def build(self, *args: Any) -> Expr:
        m, n = dim(args[0]), dim(args[1])
        if m is UNIT or n is UNIT or m.value() == 1 or n.value() == 1:
            return EYE.build(m * n)
        return make(self, (), (m, n), (m * n, m * n))

    def rebuild(self, node: Expr, args: tuple[Expr, ...]) -> Expr:
        return node

    def annotate(self, node: Expr) -> None:
        node.sign, node.definite = 1, 0
        m, n = node.params
        node.balance = 0
        if m is n:
            node.transposed = node

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"commutation({node.params[0]}, {node.params[1]})"


NUMBER, VARIABLE, SIZE, PI = NumberPage(), VariablePage(), SizePage(), PiPage()
ONES, ZEROS, EYE, UNIT_VECTOR, COMMUTATION = OnesPage(), ZerosPage(), EyePage(), UnitPage(), CommutationPage()
PAGES: tuple[Operation, ...] = (NUMBER, VARIABLE, SIZE, PI, ONES, ZEROS, EYE, UNIT_VECTOR, COMMUTATION)


def number(value: Number) -> Expr:
    """A scalar constant."""
    return make(NUMBER, (), (exact(value),), SCALAR)


def size(value: Dim) -> Expr:
    """A dimension as a number."""
    return SIZE.build(value) if value is not UNIT else ONE


def ones(shape: Shape) -> Expr:
    return constant_array(ONES, shape)


def zeros(shape: Shape) -> Expr:
    return constant_array(ZEROS, shape)


def eye(n: Dim) -> Expr:
    return EYE.build(n)


def is_zero(e: Expr) -> bool:
    if e.op is ZEROS or (e.op is NUMBER and e.params[0] == 0):
        return True
    return e.op.name == "transpose" and e.args[0].op is ZEROS


def is_ones(e: Expr) -> bool:
    return e.op is ONES or e is ONE


ONE = number(1)
ZERO = number(0)
