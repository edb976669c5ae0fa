"""The sign of a matrix.

Source: Higham (2008), "Functions of Matrices", chapter 5
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from frechet.expressions.dimension import Shape
from frechet.expressions.node import Expr, make
from frechet.expressions.operation import Equal, Operation
from frechet.operations import elementwise, equations, powers, products, reducing, shaping, sums
from frechet.operations.complex_parts import real_part
from frechet.operations.constants import eye
from frechet.operations.transposition import hermitian, oriented, transposed


class MatrixSignPage(Operation):
    name, signature = "signm", "signm(X)"
    summary = "The sign of a square matrix: X*inv(sqrtm(X^2)), with eigenvalues 1 and -1 where those of X have these signs."
    rule = "d S = sylvester(X*S,X*S,dX-S*dX*S),  S = signm(X)"
    source = "Higham (2008), sections 5.1 and 5.3, theorem 5.3; Kenney & Laub (1991)"
    latex = r"\operatorname{sign}({0})"
    takes: ClassVar[tuple[str, ...]] = ("e",)
    forces_matrix = complex = True
    in_notation = False
    involutory = True
    conditions_text = "no eigenvalue of X is imaginary or 0"
    elsewhere = "where an eigenvalue of {0} is imaginary or 0 the sign jumps, and there is no derivative"
    examples = ("signm(X)", "tr(A*signm(X))")
    identities = (
        ("signm(B)*signm(B)", "eye(n)"), ("signm(B')", "signm(B)'"), ("signm(-2*B)", "-signm(B)"),
        ("signm(inv(B))", "signm(B)"),
        ("signm(B+B')", "funm(sign,B+B')"), ("B*signm(B)", "signm(B)*B"),
    )  # fmt: skip

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        reducing.square(equal, shapes[0], self.name)
        return shapes[0]

    def build(self, *args: Any) -> Expr:
        x: Expr = args[0]
        c, rest = sums.content(x)
        if c != 1:
            return sums.scaled(1 if c > 0 else -1, self.build(rest))
        if x.op is products.SCALE and x.args[0].sign == 2:
            return self.build(x.args[1])
        base, k = powers.base_and_exponent(x)
        if k == -1 or (isinstance(k, int) and k % 2 and k != 1 and hermitian(base)):
            return self.build(base)
        v = shaping.diagonal_of_matrix(x)
        if v is not None:
            return shaping.diag(elementwise.SIGN.build(real_part(v)))
        if x.definite == 2:
            return eye(x.shape[0])
        if x.op is self:
            return x
        node = make(self, (x,), (), x.shape)
        return oriented(node, lambda: make(self, (transposed(x),), (), x.shape))

    def annotate(self, node: Expr) -> None:
        node.sign = node.definite = 0

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        root = products.product(node.args[0], node)  # of X^2, with eigenvalues of positive real part
        away = sums.subtract(d[0], products.product(node, d[0], node))
        return equations.SYLVESTER.build(root, root, away)

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        return [("no eigenvalue of {0} is imaginary or 0", node.args[0])]

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"signm({args[0]})"


SIGNM = MatrixSignPage()
PAGES: tuple[Operation, ...] = (SIGNM,)
