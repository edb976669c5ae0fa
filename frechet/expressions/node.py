"""Expressions: immutable, hash-consed nodes.

Equal expressions are the same object, so a walk with a memo table is linear in the size of the graph, and comparing costs
nothing. Nodes are made by the constructors of the operations (`frechet.operations`), which keep them in normal form;
`make` is what those constructors end in. Nothing here recurses on depth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar, Protocol
from weakref import ref
from zlib import crc32

from frechet.expressions.dimension import Dim, Shape, kind, show_shape
from frechet.expressions.errors import ShapeError, UnsupportedError

if TYPE_CHECKING:
    from frechet.expressions.operation import Operation

Number = int | Fraction | float
COUNT_LIMIT = 1_000_000  # a tree may be exponentially larger than its graph: leaf counts stop here
TOLD = 60  # letters of a formula in a message


class Algebra(Protocol):
    """What Python's operators, evaluation and display do; installed by the package's Python interface."""

    def binary(self, operator: str, a: object, b: object) -> Expr: ...
    def transpose(self, e: Expr) -> Expr: ...
    def conjugate_transpose(self, e: Expr) -> Expr: ...
    def item(self, e: Expr, key: object) -> Expr: ...
    def evaluate(self, e: Expr, values: Mapping[str, Any]) -> Any: ...
    def show(self, e: Expr) -> str: ...
    def latex(self, e: Expr) -> str: ...
    def html(self, e: Expr) -> str: ...


class Expr:
    """An expression of a fixed shape.

    op, args, params   the operation, its arguments and what else it needs (numbers, dimensions, names)
    shape              (rows, columns); `UNIT` marks an absent axis; of a tensor three axes or more
    leaves             variables and numbers in the tree, at most COUNT_LIMIT
    balance            transposed minus untransposed matrices: the sign says which of X and X' reads better
    sign               2 entries positive, 1 non-negative, 0 unknown
    definite           2 symmetric (Hermitian) positive definite, 1 semi-definite, 0 unknown
    real               is the value certainly real?
    piecewise          is a function in pieces, such as abs and max, among its parts?
    bar                conjugated minus plain complex variables: the sign says which of Z and conj(Z) reads better
    key                total order, the same in every run
    """

    __slots__ = (
        "__weakref__",
        "args",
        "balance",
        "bar",
        "conjugate",
        "definite",
        "digest",
        "key",
        "lead",
        "leaves",
        "op",
        "params",
        "piecewise",
        "real",
        "shape",
        "sign",
        "transposed",
    )  # fmt: skip
    op: Operation
    args: tuple[Expr, ...]
    params: tuple[Any, ...]
    shape: Shape
    leaves: int
    balance: int
    sign: int
    definite: int
    real: bool
    bar: int
    piecewise: bool
    conjugate: Expr | None
    key: tuple[Any, ...]
    digest: int
    lead: str
    transposed: Expr | None

    @property
    def kind(self) -> str:
        return kind(self.shape)

    def __reduce__(self) -> tuple[object, ...]:
        # A flat tape, so that deep expressions pickle too.
        index: dict[Expr, int] = {}
        tape: list[tuple[str, tuple[int, ...], tuple[Any, ...], Shape]] = []
        for node in walk(self):
            index[node] = len(tape)
            tape.append((node.op.name, tuple(index[a] for a in node.args), node.params, node.shape))
        return (_from_tape, (tape,))

    # Python's operators; what they do is the algebra's business, so that expressions know no operation.
    __array_ufunc__ = None  # NumPy leaves array @ expression to us, and we refuse it by name
    algebra: ClassVar[Algebra]

    def __add__(self, other: object) -> Expr:
        return self.algebra.binary("+", self, other)

    def __radd__(self, other: object) -> Expr:
        return self.algebra.binary("+", other, self)

    def __sub__(self, other: object) -> Expr:
        return self.algebra.binary("-", self, other)

    def __rsub__(self, other: object) -> Expr:
        return self.algebra.binary("-", other, self)

    def __mul__(self, other: object) -> Expr:
        return self.algebra.binary("*", self, other)

    def __rmul__(self, other: object) -> Expr:
        return self.algebra.binary("*", other, self)

    def __matmul__(self, other: object) -> Expr:
        return self.algebra.binary("@", self, other)

    def __rmatmul__(self, other: object) -> Expr:
        return self.algebra.binary("@", other, self)

    def __truediv__(self, other: object) -> Expr:
        return self.algebra.binary("/", self, other)

    def __rtruediv__(self, other: object) -> Expr:
        return self.algebra.binary("/", other, self)

    def __pow__(self, other: object) -> Expr:
        return self.algebra.binary("**", self, other)

    def __rpow__(self, other: object) -> Expr:
        return self.algebra.binary("**", other, self)

    def __neg__(self) -> Expr:
        return self.algebra.binary("*", -1, self)

    def __pos__(self) -> Expr:
        return self

    def __getitem__(self, key: object) -> Expr:
        return self.algebra.item(self, key)

    __iter__: ClassVar[None] = None  # an expression with entries is no sequence of them

    @property
    def T(self) -> Expr:
        """The transpose."""
        return self.algebra.transpose(self)

    @property
    def H(self) -> Expr:
        """The conjugate transpose."""
        return self.algebra.conjugate_transpose(self)

    def evaluate(self, values: Mapping[str, Any]) -> Any:
        """The value at NumPy arrays given by variable name: a number, a vector or a matrix.

        A dimension or an index that no array tells, as the k of x[1:k], is given by its name too.

        Raises:  ShapeError, naming the variable, if an array is missing or has another shape
        """
        return self.algebra.evaluate(self, values)

    def __repr__(self) -> str:
        return self.algebra.show(self)

    def _repr_latex_(self) -> str:
        return self.algebra.latex(self)

    def _repr_html_(self) -> str:
        return self.algebra.html(self)


def told(e: Expr | None) -> str:
    """What a message in source calls an expression: the formula, where it is short, in text without quotation marks."""
    text = "" if e is None or e.leaves > TOLD else str(e)
    return text.replace('"', "'") if len(text) <= TOLD else ""


class _Entry(ref[Expr]):
    """A node as the table holds it: weakly."""

    __slots__ = ("signature",)
    signature: tuple[Any, ...]


# Arguments stand in a signature by identity. If the table held them, X' could never be forgotten: X knows its transpose.
_table: dict[tuple[Any, ...], _Entry] = {}


def _forget(entry: _Entry) -> None:
    # Called while the arguments are still there, so that no other expression has their identity yet.
    if _table.get(entry.signature) is entry:
        del _table[entry.signature]


def make(op: Operation, args: tuple[Expr, ...], params: tuple[Any, ...], shape: Shape) -> Expr:
    """The node of this operation; the same arguments give the same object.

    Raises:  UnsupportedError, if an argument is complex and the page of the operation does not say that it may be
             ShapeError, for a tensor in one that does not say it takes tensors: no rule shall look at two axes only
    """
    signature = (op, tuple(map(id, args)), params, shape)
    entry = _table.get(signature)
    found = entry() if entry is not None else None
    if found is not None:
        return found
    node = Expr()
    node.op, node.args, node.params, node.shape = op, args, params, shape
    node.transposed = node.conjugate = None
    leaves, balance, bar, real, piecewise = op.own_leaves, 0, 0, True, op.piecewise
    digests = [op.code]
    for d in shape:
        digests.append(d.digest)
    for a in args:
        if len(a.shape) > 2 and not op.tensors:
            raise ShapeError(f"{op.typed_as or op.name} takes no tensors, and this is {show_shape(a.shape)}")
        leaves += a.leaves
        balance += a.balance
        bar += a.bar
        real = real and a.real
        piecewise = piecewise or a.piecewise
        digests.append(a.digest)
    for p in params:
        digests.append(param_digest(p))
    if not real and not op.complex:
        raise UnsupportedError(f"{op.typed_as or op.name} of a complex expression is not supported: it is for real ones")
    if leaves > COUNT_LIMIT:  # (which bounds the two counts of signs too: they are of leaves)
        leaves = COUNT_LIMIT
        balance, bar = max(-COUNT_LIMIT, min(balance, COUNT_LIMIT)), max(-COUNT_LIMIT, min(bar, COUNT_LIMIT))
    node.leaves, node.balance, node.real, node.bar, node.piecewise = leaves, balance, real, bar, piecewise
    node.lead = args[0].lead if args else op.name
    node.digest = hash(tuple(digests))
    op.annotate(node)
    if node.real:
        node.bar = 0
    else:
        node.sign = 0
        if node.kind == "scalar":
            node.definite = 0
    # Larger terms first, constants last; then alphabetically.
    node.key = (op.constant, -node.leaves, node.lead, node.balance, node.digest)
    entry = _Entry(node, _forget)
    entry.signature = signature
    _table[signature] = entry
    return node


def param_digest(value: Any) -> int:
    """An order key for a parameter that is the same in every run (hashes of strings are not)."""
    kind_of = type(value)
    if kind_of is int:
        return value if value >= 0 else 7 - 3 * value  # type: ignore[no-any-return]  # (hash(-1) equals hash(-2))
    if kind_of is Dim:
        return value.digest  # type: ignore[no-any-return]
    if kind_of is float or kind_of is Fraction:
        return hash(value)
    return crc32(repr(value).encode())


def walk(*roots: Expr) -> Iterator[Expr]:
    """Every node of the graph once, arguments before the nodes that use them."""
    seen: set[Expr] = set()
    stack: list[Expr | None] = [*reversed(roots)]
    while stack:
        node = stack.pop()
        if node is None:  # the arguments of the node below are done
            yield stack.pop()  # type: ignore[misc]
        elif node not in seen:
            seen.add(node)
            if not node.args:
                yield node
                continue
            stack += (node, None)
            for a in reversed(node.args):
                if a not in seen:
                    stack.append(a)


def walk_along(root: Expr, parts: Callable[[Expr], Iterable[Expr]]) -> Iterator[Expr]:
    """Every node once that the root is made of by way of `parts`, the parts of a node before it."""
    seen: set[Expr] = set()
    stack = [(root, False)]
    while stack:
        node, ready = stack.pop()
        if ready:
            yield node
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((a, False) for a in reversed([*parts(node)]) if a not in seen)


def variables(*roots: Expr) -> list[Expr]:
    """The variables of expressions, in order of first appearance."""
    return [n for n in walk(*roots) if n.op.name == "variable"]


def depends(root: Expr, on: Expr) -> set[Expr]:
    """The nodes below `root` in which `on` occurs."""
    found: set[Expr] = set()
    for node in walk(root):
        if node is on or any(a in found for a in node.args):
            found.add(node)
    return found


def rebuild(roots: Iterable[Expr], change: Callable[[Expr, tuple[Expr, ...]], Expr]) -> list[Expr]:
    """Expressions with `change(node, new arguments)` applied bottom-up, each node once."""
    roots = list(roots)
    new: dict[Expr, Expr] = {}
    for node in walk(*roots):
        new[node] = change(node, tuple(new[a] for a in node.args))
    return [new[r] for r in roots]


def substitute(root: Expr, values: dict[Expr, Expr]) -> Expr:
    """The expression with variables replaced by expressions of the same shape."""

    def change(node: Expr, args: tuple[Expr, ...]) -> Expr:
        if node in values:
            return values[node]
        return node if args == node.args else node.op.rebuild(node, args)

    return rebuild([root], change)[0]


def _from_tape(tape: list[tuple[str, tuple[int, ...], tuple[Any, ...], Shape]]) -> Expr:
    from frechet.expressions.operation import operation_named

    nodes: list[Expr] = []
    for name, args, params, shape in tape:
        nodes.append(make(operation_named(name), tuple(nodes[i] for i in args), params, shape))
    return nodes[-1]
