"""Fréchet derivatives of matrix functions: dexpm(X,E), dlogm(X,E), dsqrtm(X,E), dpowm(X,a,E), dsinm(X,E), dcosm(X,E).

L_f(X, E) is linear in the direction E, and its adjoint is L_f(X', W). Where the direction commutes with X it is E*f'(X),
and its trace always is tr(E*f'(X)). The derivative of L_f(X, E) by X is a block of L_f at the matrix [X, E; 0, X].

Source: Higham (2008), "Functions of Matrices", chapter 3
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from frechet.expressions.dimension import Shape, dim
from frechet.expressions.errors import UnsupportedError
from frechet.expressions.node import Expr
from frechet.expressions.operation import Equal, Operation
from frechet.operations import commuting, matrix_functions, powers, products, reducing, reductions, shaping, sums
from frechet.operations.constants import NUMBER, UNIT_VECTOR, eye, is_zero, zeros
from frechet.operations.transposition import conjugate_transposed, transposed


class FrechetPage(Operation):
    """L_f(X, E), the derivative of the matrix function f at X in the direction E: linear in E, its last argument."""

    linear = True

    def __init__(self, function: matrix_functions.MatrixFunction) -> None:
        self.function = function
        power = function.name == "powm"
        given = "X,a" if power else "X"
        self.name = f"d{function.name}"  # type: ignore[misc]
        self.takes = ("eee",) if power else ("ee",)  # type: ignore[misc]
        self.linear_in = (2,) if power else (1,)  # type: ignore[misc]
        self.signature = f"{self.name}({given},E)"  # type: ignore[misc]
        self.summary = f"The Fréchet derivative of {function.signature} in the direction E."  # type: ignore[misc]
        self.rule = (  # type: ignore[misc]
            "d Z = dsqrtm(X, dE - dsqrtm(X,dX)*Z - Z*dsqrtm(X,dX)),  Z = dsqrtm(X,E)"
            if function.name == "sqrtm"
            else f"d {self.name}({given},E) = {self.name}({given},dE) + the upper right block of "
            f"L([X, E; 0, X], [dX, 0; 0, dX]), L the derivative of {function.signature}"
        )
        turned = given.replace("X", "X'")
        self.adjoint_rule = f"W -> {self.name}({turned},W)"  # type: ignore[misc]
        self.source = "Higham (2008), sections 3.1 and 3.2, eq. 3.16; " + function.source  # type: ignore[misc]
        self.latex = {  # type: ignore[misc]
            "powm": r"L_{x^{{1}}}\left({0}, {2}\right)", "sqrtm": r"L_{\sqrt{\cdot}}\left({0}, {1}\right)",
            "expm": r"L_{\exp}\left({0}, {1}\right)", "logm": r"L_{\log}\left({0}, {1}\right)",
            "sinm": r"L_{\sin}\left({0}, {1}\right)", "cosm": r"L_{\cos}\left({0}, {1}\right)",
        }[function.name]  # fmt: skip
        self.complex = function.complex  # type: ignore[misc]
        self.domain, self.conditions_text = function.domain, function.conditions_text  # type: ignore[misc]
        self.elsewhere = function.elsewhere  # type: ignore[misc]
        at = "X,2/3" if power else "X"
        self.examples = (f"{self.name}({at},C)", f"tr(C*{self.name}({at},X))")  # type: ignore[misc]
        self.identities = self._identities("S" if function.domain else "B")  # type: ignore[misc]
        super().__init__()

    def _identities(self, x: str) -> tuple[tuple[str, str], ...]:
        at = f"{x},1/3" if self.function.name == "powm" else x
        turned = at.replace(x, x + "'")
        first = (f"{self.name}({at},C)'", f"{self.name}({turned},C')")
        slope = {
            "expm": "B*expm(B)", "logm": "eye(n)", "sqrtm": "sqrtm(S)/2", "powm": "powm(S,1/3)/3",
            "sinm": "B*cosm(B)", "cosm": "-B*sinm(B)",
        }[self.function.name]  # fmt: skip
        both = f"2*{self.name}({at},C)+{slope}".replace("+-", "-")
        return first, (f"{self.name}({at},{x})", slope), (f"{self.name}({at},2*C+{x})", both)

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        self.function.shape(equal, shapes[:-1], params)
        reducing.square(equal, shapes[-1], self.name)
        equal(shapes[0][0], shapes[-1][0])
        return shapes[0]

    def build(self, *args: Any) -> Expr:
        *at, e = args
        x: Expr = at[0]
        if is_zero(e):
            return zeros(e.shape)
        if len(at) == 2 and at[1].op is NUMBER:
            k = at[1].params[0]
            if k == matrix_functions.HALF:
                return FRECHET["sqrtm"].build(x, e)
            if isinstance(k, int):
                return powers.power_differential(x, k, e) if k else zeros(e.shape)
        c, e = sums.content(e)
        if e.op is products.SCALE:
            return products.scale(sums.scaled(c, e.args[0]), self.build(*at, e.args[1]))
        alike, others = commuting.taken_apart(x, e)
        terms = [(c * k, products.product(t, self.function.slope(*at))) for k, t in alike]
        if others:
            rest = sums.add(others)
            terms.append((c, matrix_functions.oriented_node(self, *at, rest) if not alike else self.build(*at, rest)))
        return sums.add(terms)

    def annotate(self, node: Expr) -> None:
        node.sign = node.definite = 0

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        at = node.args[:-1]
        if len(at) == 2 and d[1] is not None:
            raise UnsupportedError("the derivative of dpowm(X,a,E) by the exponent a is not supported")
        terms = [(1, self.build(*at, d[-1]))] if d[-1] is not None else []
        if d[0] is not None:
            terms.append((1, self._second(node, d[0])))
        return sums.add(terms)

    def _second(self, node: Expr, dx: Expr) -> Expr:
        x, e = node.args[0], node.args[-1]
        if self.function is matrix_functions.SQRTM:
            step = self.build(x, dx)
            both = sums.add([(1, products.product(step, node)), (1, products.product(node, step))])
            return sums.negative(self.build(x, both))
        first, last, kron = UNIT_VECTOR.build(2, 1), UNIT_VECTOR.build(2, 2), shaping.KRON.build
        two, one = eye(dim(2)), eye(x.shape[0])
        corner = products.product(first, transposed(last))
        block = sums.add([(1, kron(two, x)), (1, kron(corner, e))])
        inside = self.build(block, *node.args[1:-1], kron(two, dx))
        return products.product(kron(transposed(first), one), inside, kron(last, one))

    def adjoint(self, node: Expr, i: int, w: Expr) -> Expr:
        if i != len(node.args) - 1:
            return super().adjoint(node, i, w)
        return self.build(conjugate_transposed(node.args[0]), *node.args[1:-1], w)

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        if len(node.args) == 3 and matrix_functions.whole(node.args[1]):
            return ()
        return matrix_functions.root_conditions(node.args[0]) if self.function.domain else ()

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        if len(node.args) == 3 and matrix_functions.whole(node.args[1]):
            return f"dpower({args[0]}, round({args[1]}), {args[2]})"
        return f"{self.name}({', '.join(args)})"


def traced(node: Expr) -> Expr | None:
    """tr(L_f(X, E)) = tr(E*f'(X))."""
    function = next(f for f in matrix_functions.FUNCTIONS if node.op.name == f"d{f.name}")
    return reductions.trace(products.product(node.args[-1], function.slope(*node.args[:-1])))


matrix_functions.FRECHET.update({f.name: FrechetPage(f) for f in matrix_functions.FUNCTIONS})
FRECHET = matrix_functions.FRECHET
PAGES: tuple[Operation, ...] = tuple(FRECHET.values())

for page in PAGES:
    reducing.REDUCTIONS["tr", page.name] = traced
