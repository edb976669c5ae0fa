"""Declared functions of numbers: f applied to every entry of an array, curves t -> F(t), and their derivatives f', f'' …

Nothing is known of them but what is declared, so a derivative is one more function: d f(X) = f'(X).*dX. Functions of
vectors and matrices are in `declared_maps`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from frechet.expressions.dimension import SCALAR, UNIT, Shape
from frechet.expressions.errors import ShapeError, UnsupportedError
from frechet.expressions.function import ORDERS, Function, View
from frechet.expressions.node import Expr, make, walk
from frechet.expressions.operation import Equal, Operation
from frechet.operations import hadamard, products, sums
from frechet.operations.constants import is_zero, zeros
from frechet.operations.transposition import TRANSPOSE, oriented, transposed


class DeclaredPage(Operation):
    """A declared function or a derivative of one. The function and the view of it are the parameters of its nodes."""

    typed = False
    tensors = True  # element-wise functions take them; the others refuse them by the shape that they take
    source = "calculus: the chain rule"
    piecewise = True  # for all that is known
    derivative_order: ClassVar[int] = 0

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        f: Function = params[0]
        assert f.domain is not None
        agrees(equal, shapes[0], f.domain)
        return self.value_shape(f)

    def value_shape(self, f: Function) -> Shape:
        raise NotImplementedError(self.name)

    def called(self, node: Expr) -> str:
        """The name of the declared function."""
        f: Function = node.params[0]
        return f.name

    def symbol(self, node: Expr) -> str:
        """The name of the function that is called."""
        f: Function = node.params[0]
        return f.symbol(node.params[1])

    def order(self, node: Expr) -> int:
        """How many times the function must be differentiable for this to exist."""
        return self.derivative_order

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"{self.symbol(node)}({', '.join(args)})"


def agrees(equal: Equal, given: Shape, wanted: Shape | None) -> None:
    """Raises or records that an argument must have the shape that is declared."""
    assert wanted is not None
    if len(given) != len(wanted):
        raise ShapeError("kinds")
    for a, b in zip(given, wanted, strict=True):
        if (a is UNIT) != (b is UNIT):
            raise ShapeError("kinds")
        equal(a, b)


class ElementwisePage(DeclaredPage):
    """The derivative of order k of a function of numbers, at every entry."""

    name = "declared_elementwise"
    signature = "f(x), f_prime(x), f_prime2(x)"
    summary = "A declared function applied to every entry, `f: elementwise`, or to a number, `phi: scalar function`."
    rule = "d f(x) = f_prime(x).*dx"
    conditions_text = "f differentiable"
    declarations = ("f: elementwise", "h: elementwise odd increasing", "phi: scalar function convex")
    examples = ("f(X)", "sum(f(X*w))", "h(A*x)'*y", "f(phi(c)*A)", "tr(A*f(X)')", "f_prime(X)", "B*f(A*x+b)")
    identities = (("h(-x)", "-h(x)"), ("h_prime(-x)", "h_prime(x)"), ("f(X)'", "f(X')"), ("abs(h_prime(x))", "h_prime(x)"))

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        if params[0].domain is not None and shapes[0] != SCALAR:
            raise ShapeError("kinds")
        return shapes[0]

    def build(self, *args: Any) -> Expr:
        u: Expr
        u, f, k = args
        if u.op is TRANSPOSE or (u.shape[0] is UNIT and u.shape[1] is not UNIT):
            return transposed(self.build(transposed(u), f, k))
        if f.says("odd") or f.says("even"):
            odd = f.says("odd") != bool(k % 2)
            if odd and is_zero(u):
                return u
            c, rest = sums.content(u)
            if c < 0:
                flipped = self.build(sums.scaled(-c, rest), f, k)
                return sums.negative(flipped) if odd else flipped
        node = make(self, (u,), (f, k), u.shape)
        return oriented(node, lambda: make(self, (transposed(u),), (f, k), u.shape[::-1]))

    def annotate(self, node: Expr) -> None:
        f, k = node.params
        node.sign = sign_of_value(f) if k == 0 else int(f.says({1: "increasing", 2: "convex"}.get(k, "")))
        node.definite = node.sign if node.shape == SCALAR else 0
        if node.shape == SCALAR:
            node.balance = 0
            node.transposed = node

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        slope = self.build(node.args[0], node.params[0], following(*node.params))
        return zeros(node.shape) if is_zero(slope) else hadamard.times(slope, d[0])

    def order(self, node: Expr) -> int:
        return int(node.params[1])


class CurvePage(DeclaredPage):
    """The derivative of order k of a function of a number with a vector or matrix as value."""

    name = "declared_curve"
    signature = "F(t), F_prime(t), F_prime2(t)"
    summary = "A declared function of a number with a vector or a matrix as value, `x: 1 → n`."
    rule = "d F(t) = F_prime(t)*dt"
    conditions_text = "F differentiable"
    declarations = ("x: 1 → n", "F: 1 → n×m", "V: n → 1")
    examples = ("x(c)", "norm2(F(c)*y)^2", "F(c^2)", "V(x(c))", "x_prime(c)")

    def value_shape(self, f: Function) -> Shape:
        assert f.codomain is not None
        return f.codomain

    def build(self, *args: Any) -> Expr:
        t, f, k = args
        return make(self, (t,), (f, k), self.value_shape(f))

    def annotate(self, node: Expr) -> None:
        f, k = node.params
        node.sign, node.definite = (sign_of_value(f) if k == 0 else 0), 0
        node.balance = -1 if node.kind == "matrix" else 0

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        return products.scale(d[0], self.build(node.args[0], node.params[0], following(*node.params)))

    def order(self, node: Expr) -> int:
        return int(node.params[1])


def sign_of_value(f: Function) -> int:
    return 2 if f.says("positive") else int(f.says("nonnegative"))


def following(f: Function, k: int) -> int:
    if k >= ORDERS:
        raise UnsupportedError(f"derivatives of {f.name} of an order above {ORDERS} are not supported")
    return k + 1


def functions(*roots: Expr) -> dict[str, Function]:
    """The declared functions in expressions, by name, in order of first appearance."""
    found: dict[str, Function] = {}
    for node in walk(*roots):
        if isinstance(node.op, DeclaredPage):
            found.setdefault(node.params[0].name, node.params[0])
    return found


def symbols(*roots: Expr) -> dict[str, tuple[Function, View]]:
    """What programs of these expressions call: f, f_prime, F_jacobian … with the function and the derivative of it."""
    return symbols_among(walk(*roots))


def symbols_among(nodes: Iterable[Expr]) -> dict[str, tuple[Function, View]]:
    """As `symbols`, of the nodes of expressions."""
    found: dict[str, tuple[Function, View]] = {}
    for node in nodes:
        if isinstance(node.op, DeclaredPage):
            found.setdefault(node.op.symbol(node), (node.params[0], node.params[1]))
    return found


def smoothness(nodes: Iterable[Expr], more: int = 0) -> dict[str, int]:
    """By name, how many times the declared functions of these nodes must be differentiable, and `more` times."""
    found: dict[str, int] = {}
    for node in nodes:
        if isinstance(node.op, DeclaredPage):
            name = node.params[0].name
            found[name] = max(found.get(name, 0), node.op.order(node) + more)
    return found


ELEMENTWISE, CURVE = ElementwisePage(), CurvePage()
PAGES: tuple[Operation, ...] = (ELEMENTWISE, CURVE)
