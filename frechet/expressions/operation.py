"""The record of an operation: one page says everything about it.

An operation is a class with one instance, in the file of its family under `frechet.operations`. What a page states is all
there is: reading, writing, evaluating, checking, the reference and the property tests are made from the registry of pages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar
from zlib import crc32

from frechet.expressions.dimension import Dim, Shape, kind, show_shape
from frechet.expressions.errors import ShapeError, UnsupportedError
from frechet.expressions.node import Expr

Equal = Callable[[Dim, Dim], None]
"""Asked of two dimensions by a shape rule: equal or an error when building, unified when reading text."""


class Operation:
    """One operation. Subclasses override what they need; what no page states is refused by name."""

    name: ClassVar[str]
    signature: ClassVar[str] = ""  # how it is typed and what shapes it takes, for the reference
    summary: ClassVar[str] = ""
    rule: ClassVar[str] = ""  # the differential as text, for the reference
    adjoint_rule: ClassVar[str] = ""  # the adjoint as text, for linear operations
    source: ClassVar[str] = ""
    latex: ClassVar[str] = ""  # template with {0}, {1}
    conditions_text: ClassVar[str] = ""
    elsewhere: ClassVar[str] = ""  # what happens where a condition fails, in words; {0} is what the condition is about
    constant: ClassVar[int] = 0
    own_leaves: ClassVar[int] = 0
    examples: ClassVar[tuple[str, ...]] = ()  # formulas for tests and the reference, in the text notation
    declarations: ClassVar[tuple[str, ...]] = ()  # the functions that the examples and identities declare
    identities: ClassVar[tuple[tuple[str, str], ...]] = ()  # pairs of formulas that are equal; checked numerically
    domain: ClassVar[str] = ""  # how tests draw the variables of the examples: positive, unit01, spd, invertible
    linear: ClassVar[bool] = False
    linear_in: ClassVar[tuple[int, ...] | None] = None  # the arguments it is linear in, where that is not each of them
    complex: ClassVar[bool] = False  # takes complex arguments, and f(conj(Z)) = conj(f(Z)) unless the result is real
    typed: ClassVar[bool] = True  # may be typed as name(args)
    typed_as: str = ""  # the typed name, where it is not `name`
    takes: ClassVar[
        tuple[str, ...]
    ] = ()  # the arguments by count: e expression, d dimension, i integer, r rational, f function, s text, n []; + or more
    in_notation: ClassVar[bool] = True  # other readers of the text notation know the name
    tensors: ClassVar[bool] = False  # an argument may have three or more axes; all other operations refuse it
    by_rows: ClassVar[bool] = False  # op(X,2) works along the rows; its transpose is that of the columns of X', op(X',1)
    orthonormal: ClassVar[bool] = False  # the columns of the result are orthonormal
    invertible: ClassVar[bool] = False  # a square result is invertible wherever it exists
    triangle: ClassVar[str] = ""  # "lower" or "upper" where the result is triangular
    idempotent: ClassVar[bool] = False  # the square of the result is the result
    involutory: ClassVar[bool] = False  # the square of the result is the identity
    piecewise: ClassVar[bool] = False  # other formulas hold on other parts of its domain: two such may agree on one of them
    meaning: ClassVar[str] = ""  # of a part that results name: what it is, with {0} for the argument and {p} for its number
    forces_matrix: ClassVar[bool] = False  # an undeclared name given as its argument is a matrix, whatever its letter
    code: int

    def __init__(self) -> None:
        self.code = crc32(self.name.encode())

    def __repr__(self) -> str:
        return f"<operation {self.name}>"

    def __reduce__(self) -> tuple[object, ...]:
        return (operation_named, (self.name,))

    # -- shapes and construction
    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        """The shape of the result; calls equal(a, b) for dimensions that must agree. Raises ShapeError for a wrong kind."""
        raise NotImplementedError(self.name)

    def build(self, *args: Any) -> Expr:
        """The expression in normal form, from expressions and parameters as typed."""
        raise NotImplementedError(self.name)

    def rebuild(self, node: Expr, args: tuple[Expr, ...]) -> Expr:
        """The expression of this node with other arguments."""
        return self.build(*args, *node.params)

    def annotate(self, node: Expr) -> None:
        """Sets the properties of a new node: sign, definite; balance, real and bar where they are not as the arguments'."""
        node.sign = node.definite = 0

    # -- mathematics
    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        """The differential in terms of the arguments' differentials (None where an argument is constant)."""
        raise UnsupportedError(f"{self.name} has no differential here yet")

    def same_differential(self, node: Expr) -> Expr | None:
        """An expression with the same differential that is better differentiated, such as log x - log y for log(x./y)."""
        return None

    def adjoint(self, node: Expr, i: int, w: Expr) -> Expr:
        """What the adjoint of this node, linear in argument i, makes of the cotangent w of the result."""
        raise UnsupportedError(f"{self.name} is not linear in its argument {i + 1}: it has no adjoint")

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        """Where the derivative exists: pairs (words with {0} for the expression, the expression)."""
        return ()

    def elsewhere_of(self, node: Expr, words: str) -> str:
        """Where this condition of the node fails, is there a value, a derivative, and which subgradient is given?"""
        return self.elsewhere

    # -- evaluation
    def operands(self, node: Expr) -> Sequence[Expr]:
        """The expressions whose source `numpy` is given, one for each argument; they differ where the argument's own value
        is not needed, as of diag(v) in diag(v)*A."""
        return node.args

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        """NumPy source of the value, given the source of the arguments. Vectors and rows are 1-D arrays."""
        raise NotImplementedError(self.name)


def shape_of(operation: Operation, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
    """The operation's shape rule, which is asked about tensors only where the operation takes them."""
    if not operation.tensors:
        for shape in shapes:
            if len(shape) > 2:
                name = operation.typed_as or operation.name
                raise ShapeError(f"{name} takes no tensors, and this is a tensor of {len(shape)} axes, {show_shape(shape)}")
    return operation.shape(equal, shapes, params)


def same_shape(equal: Equal, a: Shape, b: Shape) -> Shape:
    """Raises or records that two arrays have one shape."""
    if kind(a) != kind(b) or len(a) != len(b):
        raise ShapeError("kinds")
    for x, y in zip(a, b, strict=True):
        equal(x, y)
    return a


def fitting(takes: Sequence[str], count: int) -> list[str]:
    """What each of `count` arguments is, in the ways that fit that count; a letter with a + is repeated as needed."""
    found = []
    for t in takes:
        if t.endswith("+"):
            t = t[:-1] + t[-2] * (count - len(t) + 1)
        if len(t) == count:
            found.append(t)
    return found


_operations: dict[str, Operation] = {}


def register(operations: Sequence[Operation]) -> None:
    """Enters pages in the registry; called once, by `frechet.operations`."""
    for operation in operations:
        if operation.name in _operations:
            raise ValueError(f"two operations named {operation.name}")
        _operations[operation.name] = operation


def operation_named(name: str) -> Operation:
    return _operations[name]


def all_operations() -> tuple[Operation, ...]:
    return tuple(_operations.values())
