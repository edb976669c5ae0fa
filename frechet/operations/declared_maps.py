"""Declared functions of vectors and matrices, with their Jacobian, gradient, Hessian and second derivative.

The second derivative of a map F : n → m is a tensor. It is shown only as what it makes of vectors: D²F(x)[u, v], a vector,
the matrix D²F(x)[u] with D²F(x)[u]*v = D²F(x)[u, v], and the Hessian of the number w'*F(x).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from frechet.expressions.dimension import SCALAR, UNIT, Shape
from frechet.expressions.errors import UnsupportedError
from frechet.expressions.function import Function
from frechet.expressions.node import Expr, make
from frechet.expressions.operation import Equal, Operation
from frechet.operations import products, shaping, sums
from frechet.operations.constants import is_zero, zeros
from frechet.operations.declared_functions import CURVE, ELEMENTWISE, DeclaredPage, agrees, sign_of_value
from frechet.operations.transposition import TRANSPOSE, transposed


def _entries(shape: Shape | None) -> Any:
    assert shape is not None
    return shape[0] * shape[1]


class MapPage(DeclaredPage):
    name = "declared_map"
    signature = "F(X), g(X)"
    summary = "A declared function of a vector or matrix, `F: n → m`, `g: n → 1`."
    rule = "d F(X) = F_jacobian(X)*dX, for matrices with vec; d g(X) = tr(g_grad(X)'*dX)"
    source = "Magnus & Neudecker (2019), sections 5.12 and 5.15"
    conditions_text = "F differentiable"
    declarations = ("F: n → m", "g: n → 1", "G: n×m → n×p", "q: n×m → 1", "h: n → 1 positive")
    examples = ("F(A*x)", "norm2(F(x)-y)^2/2", "g(x)", "exp(g(A*X*z))", "G(X)", "q(A*X)", "log(h(x))", "tr(C*G(X))")

    def value_shape(self, f: Function) -> Shape:
        assert f.codomain is not None
        return f.codomain

    def build(self, *args: Any) -> Expr:
        x, f, view = args
        return make(self, (x,), (f, view), self.value_shape(f))

    def annotate(self, node: Expr) -> None:
        node.sign = sign_of_value(node.params[0])
        node.definite = node.sign if node.shape == SCALAR else 0
        node.balance = min(-1, node.args[0].balance) if node.kind == "matrix" else 0
        if node.shape == SCALAR:
            node.transposed = node

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        (x,), f = node.args, node.params[0]
        if node.shape == SCALAR:
            return products.inner(GRADIENT.build(x, f, "grad"), d[0])
        step = products.product(JACOBIAN.build(x, f, "jacobian"), shaping.vec(d[0]))
        return shaping.unvec(step, *node.shape)


class JacobianPage(DeclaredPage):
    name = "declared_jacobian"
    signature = "F_jacobian(X)"
    summary = "The Jacobian of a declared function F: rows are entries of F, columns entries of X, both stacked."
    rule = "d F_jacobian(x) = F_second(x,dx)"
    source = "Magnus & Neudecker (2019), section 5.12"
    conditions_text = "F twice differentiable"
    derivative_order = 1
    declarations = ("F: n → m",)
    examples = ("F_jacobian(x)'*y", "F_jacobian(x)*z", "norm2(F_jacobian(A*x)*w)^2", "F_jacobian(x)")
    identities = (("F_second(x,z)*w", "F_second(x,w)*z"), ("F_second(x,z)'*y", "F_hess(x,y)*z"))

    def value_shape(self, f: Function) -> Shape:
        return _entries(f.codomain), _entries(f.domain)

    def build(self, *args: Any) -> Expr:
        x, f, view = args
        return make(self, (x,), (f, view), self.value_shape(f))

    def annotate(self, node: Expr) -> None:
        node.sign = node.definite = 0
        node.balance = -1

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        f = node.params[0]
        if "second" not in f.views():
            raise UnsupportedError(f"the second derivative of {f.name}, a function of matrices, is a tensor: not supported")
        return ALONG.build(node.args[0], d[0], f, "second")


class GradientPage(DeclaredPage):
    name = "declared_gradient"
    signature = "g_grad(X)"
    summary = "The gradient of a declared function g with numbers as values."
    rule = "d g_grad(X) = g_hess(X)*dX, for matrices with vec"
    source = "Magnus & Neudecker (2019), section 6.3"
    conditions_text = "g twice differentiable"
    derivative_order = 1
    declarations = ("g: n → 1 convex", "q: n×m → 1")
    examples = ("g_grad(x)'*A*y", "g_grad(A*x)", "q_grad(X)", "x - c*g_grad(x)")

    def value_shape(self, f: Function) -> Shape:
        assert f.domain is not None
        return f.domain

    def build(self, *args: Any) -> Expr:
        x, f, view = args
        return make(self, (x,), (f, view), self.value_shape(f))

    def annotate(self, node: Expr) -> None:
        node.sign = node.definite = 0
        node.balance = min(-1, node.args[0].balance) if node.kind == "matrix" else 0

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        step = products.product(HESSIAN.build(node.args[0], node.params[0], "hess"), shaping.vec(d[0]))
        return shaping.unvec(step, *node.shape)


class HessianPage(DeclaredPage):
    name = "declared_hessian"
    signature = "g_hess(X)"
    summary = "The Hessian of a declared function g with numbers as values, symmetric; of a matrix for vec(X)."
    rule = "none: the third derivative of g is a tensor"
    source = "Magnus & Neudecker (2019), sections 6.3 and 10.2"
    derivative_order = 2
    declarations = ("g: n → 1 convex",)
    examples = ("g_hess(x)*y", "g_hess(x)*g_grad(x)", "y'*g_hess(x)*y")
    identities = (("g_hess(x)'", "g_hess(x)"),)

    def value_shape(self, f: Function) -> Shape:
        return _entries(f.domain), _entries(f.domain)

    def build(self, *args: Any) -> Expr:
        x, f, view = args
        return make(self, (x,), (f, view), self.value_shape(f))

    def annotate(self, node: Expr) -> None:
        node.sign, node.definite, node.balance = 0, int(node.params[0].says("convex")), 0
        node.transposed = node

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        raise UnsupportedError(f"the third derivative of {node.params[0].name} is a tensor: not supported")


class BilinearPage(DeclaredPage):
    """What the second derivative of a map makes of vectors: linear in them, not differentiable in the point here."""

    derivative_order = 2
    linear = True
    declarations = ("F: n → m",)
    source = "Magnus & Neudecker (2019), sections 6.9 and 6.10"

    def build(self, *args: Any) -> Expr:
        """Of the point, the vectors, the function and the view, numbers and scalars in front."""
        *given, f, view = args
        x, *vectors = given
        front: list[Expr] = []
        coefficient: Any = 1
        for i, v in enumerate(vectors):
            c, v = sums.content(v)
            if v.op is products.SCALE:
                front.append(v.args[0])
                v = v.args[1]
            coefficient, vectors[i] = coefficient * c, v
        if any(map(is_zero, vectors)):
            return zeros(self.value_shape(f))
        vectors.sort(key=lambda v: (v.lead[:1] == "~", v.key))
        node = make(self, (x, *vectors), (f, view), self.value_shape(f))
        for s in front:
            node = products.scale(s, node)
        return sums.scaled(coefficient, node)

    def annotate(self, node: Expr) -> None:
        node.sign = node.definite = node.balance = 0

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        if d[0] is not None:
            raise UnsupportedError(f"the third derivative of {node.params[0].name} is a tensor: not supported")
        terms = []
        for i, di in enumerate(d):
            if di is not None:
                terms.append((1, self.build(*node.args[:i], di, *node.args[i + 1 :], *node.params)))
        return sums.add(terms)

    def _outer(self, node: Expr, w: Expr, of: Callable[[Expr, Expr], Expr]) -> Expr:
        """of(a, b) for the cotangent w = a*b', added up over the terms of w."""
        c, w = sums.content(w)
        if is_zero(w):
            return of(zeros((w.shape[0], UNIT)), zeros((w.shape[1], UNIT)))
        if w.op is sums.SUM:
            return sums.add((c * k, self._outer(node, a, of)) for k, a in zip(w.params, w.args, strict=True))
        if w.op is products.SCALE:
            return sums.scaled(c, products.scale(w.args[0], self._outer(node, w.args[1], of)))
        cut = next((i + 1 for i, a in enumerate(w.args) if a.shape[1] is UNIT), 0) if w.op is products.PRODUCT else 0
        if not cut:
            name = node.params[0].name
            raise UnsupportedError(
                f"the second derivative of {name}, contracted with a matrix, has no form in matrices here"
            )
        return sums.scaled(c, of(products.product(*w.args[:cut]), transposed(products.product(*w.args[cut:]))))


class AlongPage(BilinearPage):
    name = "declared_second"
    signature = "F_second(x,u)"
    summary = "The derivative of the Jacobian of F in the direction u: the matrix D²F(x)[u]."
    rule = "d F_second(x,u) = F_second(x,du); in x it is a tensor"
    adjoint_rule = "a*b' -> F_hess(x,a)*b"
    linear_in = (1,)
    examples = ("F_second(x,z)*w", "F_second(x,z)'*y", "y'*F_second(x,A*z)*w")

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        found = super().shape(equal, shapes, params)
        agrees(equal, shapes[1], params[0].domain)
        return found

    def value_shape(self, f: Function) -> Shape:
        return _entries(f.codomain), _entries(f.domain)

    def annotate(self, node: Expr) -> None:
        node.sign = node.definite = 0
        node.balance = -1

    def adjoint(self, node: Expr, i: int, w: Expr) -> Expr:
        x, f = node.args[0], node.params[0]
        return self._outer(node, w, lambda a, b: products.product(WEIGHTED.build(x, a, f, "hess"), b))


class SecondPage(BilinearPage):
    name = "declared_second_form"
    signature = "F_second(x,u,v)"
    summary = "The second derivative of F in the directions u and v: the vector D²F(x)[u, v], symmetric in them."
    rule = "d F_second(x,u,v) = F_second(x,du,v) + F_second(x,u,dv); in x it is a tensor"
    adjoint_rule = "w -> F_hess(x,w)*v in u"
    linear_in = (1, 2)
    examples = ("F_second(x,z,w)", "y'*F_second(x,z,z)")
    identities = (("F_second(x,z,w)", "F_second(x,w,z)"), ("F_second(x,2*z,w)", "2*F_second(x,z)*w"))

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        found = super().shape(equal, shapes, params)
        for shape in shapes[1:]:
            agrees(equal, shape, params[0].domain)
        return found

    def value_shape(self, f: Function) -> Shape:
        assert f.codomain is not None
        return f.codomain

    def adjoint(self, node: Expr, i: int, w: Expr) -> Expr:
        return products.product(WEIGHTED.build(node.args[0], w, node.params[0], "hess"), node.args[3 - i])

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"({self.symbol(node)}({args[0]}, {args[1]}) @ {args[2]})"


class WeightedPage(BilinearPage):
    name = "declared_weighted_hessian"
    signature = "F_hess(x,w)"
    summary = "The Hessian of w'*F(x): the Hessians of the entries of F with the weights w, symmetric."
    rule = "d F_hess(x,w) = F_hess(x,dw); in x it is a tensor"
    adjoint_rule = "a*b' -> F_second(x,a,b)"
    linear_in = (1,)
    examples = ("F_hess(x,y)*z", "z'*F_hess(x,y)*w")
    identities = (("z'*F_hess(x,y)*w", "y'*F_second(x,z,w)"), ("F_hess(x,y)'", "F_hess(x,y)"))

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        found = super().shape(equal, shapes, params)
        agrees(equal, shapes[1], params[0].codomain)
        return found

    def value_shape(self, f: Function) -> Shape:
        return _entries(f.domain), _entries(f.domain)

    def annotate(self, node: Expr) -> None:
        super().annotate(node)
        node.transposed = node

    def adjoint(self, node: Expr, i: int, w: Expr) -> Expr:
        x, f = node.args[0], node.params[0]
        return self._outer(node, w, lambda a, b: SECOND.build(x, a, b, f, "second"))


def contracted(left: Expr, right: Expr) -> Expr | None:
    """The second derivative in a product with a vector: D²F(x)[u]*v as D²F(x)[u, v], w'*D²F(x)[u] as u'*∇²(w'F)(x)."""
    if right.shape[1] is UNIT and right.shape[0] is not UNIT:
        if left.op is ALONG:
            return SECOND.build(*left.args, right, *left.params)
        turned = left.args[0] if left.op is TRANSPOSE else left
        f = turned.params[0] if turned.op in (ALONG, SECOND) else None
        if f is not None and left.op is TRANSPOSE:
            x, u, *rest = turned.args
            return products.product(*map(transposed, rest), WEIGHTED.build(x, right, f, "hess"), u)
    if left.shape[0] is UNIT and left.shape[1] is not UNIT and right.op in (ALONG, SECOND):
        return transposed(contracted(transposed(right), transposed(left)) or products.product(left, right))
    return None


MAP, JACOBIAN, GRADIENT, HESSIAN = MapPage(), JacobianPage(), GradientPage(), HessianPage()
ALONG, SECOND, WEIGHTED = AlongPage(), SecondPage(), WeightedPage()
PAGES: tuple[Operation, ...] = (MAP, JACOBIAN, GRADIENT, HESSIAN, ALONG, SECOND, WEIGHTED)
products.CONTRACTED[ALONG.name] = products.CONTRACTED[SECOND.name] = contracted


def page_of(f: Function, view: int | str, count: int) -> DeclaredPage | None:
    """The page of a view of a function, called with `count` arguments; None where it does not take so many."""
    if f.of_numbers:
        found: DeclaredPage = ELEMENTWISE if f.codomain in (None, SCALAR) else CURVE
        return found if count == 1 else None
    pages: dict[tuple[int | str, int], DeclaredPage] = {(0, 1): MAP, ("jacobian", 1): JACOBIAN, ("grad", 1): GRADIENT}
    if f.codomain == SCALAR:
        pages["hess", 1] = HESSIAN
    else:
        pages |= {("hess", 2): WEIGHTED, ("second", 2): ALONG, ("second", 3): SECOND}
    return pages.get((view, count))
