"""The linear matrix equations of Sylvester and Lyapunov."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from frechet.expressions.dimension import Shape, kind
from frechet.expressions.errors import ShapeError
from frechet.expressions.node import Expr, make
from frechet.expressions.operation import Equal, Operation
from frechet.operations import products, reducing, sums
from frechet.operations.constants import is_zero, zeros
from frechet.operations.transposition import conjugate_transposed, oriented, transposed


class SylvesterPage(Operation):
    name, signature, summary = "sylvester", "sylvester(A,B,C)", "The solution Z of A*Z + Z*B = C."
    rule = "d Z = sylvester(A,B,dC-dA*Z-Z*dB),  Z = sylvester(A,B,C)"
    adjoint_rule = "W -> sylvester(A^H,B^H,W) in C"
    source = "Higham (2008), section B.14; Kao & Hennequin (2020), section 3"
    latex = r"\operatorname{sylvester}\left({0}, {1}, {2}\right)"
    takes = ("eee",)
    linear = complex = True
    linear_in = (2,)
    conditions_text = "no eigenvalue of A is the negative of one of B"
    elsewhere = "otherwise the equation has no solution or many, and there is no derivative"
    domain = "spd"
    examples = ("sylvester(A,B,X)", "tr(C'*sylvester(A,B,C))")
    identities = (
        ("A*sylvester(A,B,C)+sylvester(A,B,C)*B", "C"), ("sylvester(A,B,C)'", "sylvester(B',A',C')"),
        ("sylvester(A,B,2*C)", "2*sylvester(A,B,C)"), ("sylvester(A,A',C)", "lyap(A,C)"),
    )  # fmt: skip

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        a, b, c = shapes
        reducing.square(equal, a, self.name)
        reducing.square(equal, b, self.name)
        if kind(c) != "matrix":
            raise ShapeError(f"sylvester(A,B,C) needs three matrices, and the last is a {kind(c)}")
        equal(a[0], c[0])
        equal(b[0], c[1])
        return c

    def build(self, *args: Any) -> Expr:
        a, b, c = args
        if b is transposed(a):
            return LYAP.build(a, c)
        k, c = sums.content(c)
        if is_zero(c):
            return zeros(c.shape)
        if c.op is products.SCALE:
            return sums.scaled(k, products.scale(c.args[0], self.build(a, b, c.args[1])))
        flipped = (transposed(b), transposed(a), transposed(c))
        node = make(self, (a, b, c), (), c.shape)
        return sums.scaled(k, oriented(node, lambda: make(self, flipped, (), c.shape[::-1])))

    def annotate(self, node: Expr) -> None:
        node.sign, node.definite = 0, 0

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        a, b, _ = node.args
        terms = [(1, d[2])] if d[2] is not None else []
        terms += [(-1, products.product(d[0], node))] if d[0] is not None else []
        terms += [(-1, products.product(node, d[1]))] if d[1] is not None else []
        return self.build(a, b, sums.add(terms))

    def adjoint(self, node: Expr, i: int, w: Expr) -> Expr:
        if i != 2:
            return super().adjoint(node, i, w)
        return self.build(conjugate_transposed(node.args[0]), conjugate_transposed(node.args[1]), w)

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        a, b, _ = node.args
        if a.definite == 2 and b.definite == 2:
            return ()
        return [("no eigenvalue of {0} is the negative of one of the second matrix of sylvester", a)]

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"sylvester({', '.join(args)})"


class LyapunovPage(Operation):
    name, signature, summary = "lyap", "lyap(A,Q)", "The solution Z of the Lyapunov equation A*Z + Z*A' = Q."
    rule = "d Z = lyap(A,dQ-dA*Z-Z*dA'),  Z = lyap(A,Q)"
    adjoint_rule = "W -> lyap(A',W) in Q"
    source = "Higham (2008), section B.14; Kao & Hennequin (2020), section 3"
    latex = r"\operatorname{lyap}\left({0}, {1}\right)"
    takes = ("ee",)
    linear = complex = True
    linear_in = (1,)
    conditions_text = "no two eigenvalues of A add up to 0"
    elsewhere = "where two eigenvalues of {0} add up to 0 the equation has no solution or many, and there is no derivative"
    domain = "spd"
    examples = ("lyap(A,X)", "lyap(X,A)", "tr(C*lyap(X,X))")
    identities = (
        ("A*lyap(A,C)+lyap(A,C)*A'", "C"), ("lyap(A,C)'", "lyap(A,C')"), ("lyap(A,3*C)", "3*lyap(A,C)"),
        ("lyap(A,A+A')", "eye(n)"),
    )  # fmt: skip

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        reducing.square(equal, shapes[0], self.name)
        reducing.square(equal, shapes[1], self.name)
        equal(shapes[0][0], shapes[1][0])
        return shapes[0]

    def build(self, *args: Any) -> Expr:
        a, q = args
        c, q = sums.content(q)
        if is_zero(q):
            return zeros(q.shape)
        if q.op is products.SCALE:
            return sums.scaled(c, products.scale(q.args[0], self.build(a, q.args[1])))
        node = make(self, (a, q), (), q.shape)
        return sums.scaled(c, oriented(node, lambda: make(self, (a, transposed(q)), (), q.shape)))

    def annotate(self, node: Expr) -> None:
        a, q = node.args
        node.sign, node.definite = 0, q.definite if a.definite == 2 and node.real else 0
        node.balance = q.balance  # lyap(A,Q)' = lyap(A,Q')

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        terms = [(1, d[1])] if d[1] is not None else []
        if d[0] is not None:
            terms += [(-1, products.product(d[0], node)), (-1, products.product(node, transposed(d[0])))]
        return self.build(node.args[0], sums.add(terms))

    def adjoint(self, node: Expr, i: int, w: Expr) -> Expr:
        if i != 1:
            return super().adjoint(node, i, w)
        return self.build(conjugate_transposed(node.args[0]), w)

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        a = node.args[0]
        return () if a.definite == 2 else [("no two eigenvalues of {0} add up to 0", a)]

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"lyap({', '.join(args)})"


SYLVESTER, LYAP = SylvesterPage(), LyapunovPage()
PAGES: tuple[Operation, ...] = (SYLVESTER, LYAP)
