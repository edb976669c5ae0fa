"""The matrices of Fréchet derivatives for vec: vec(dexpm(X,E)) = kexpm(X)*vec(E), n²×n².

Of a symmetric X = V*diag(λ)*V' it is (V⊗V)*diag(vec(F))*(V⊗V)' with the divided differences F of the function.

Source: Higham (2008), section 3.1, eq. 3.17, there K(X); Mathias (1992)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from frechet.expressions.dimension import Shape
from frechet.expressions.errors import UnsupportedError
from frechet.expressions.node import Expr, make
from frechet.expressions.operation import Equal, Operation
from frechet.operations import functional_calculus, matrix_functions
from frechet.operations.transposition import oriented, transposed


class KroneckerForm(Operation):
    """The matrix K of the linear map E -> L_f(X,E) for vec."""

    in_notation = False

    def __init__(self, function: matrix_functions.MatrixFunction) -> None:
        self.function = function
        inside = function.signature.split("(")[1].split(")")[0]
        self.name = f"k{function.name}"  # type: ignore[misc]
        self.signature, self.takes = f"{self.name}({inside})", function.takes  # type: ignore[misc]
        self.summary = f"The matrix of d{function.name}: vec(d{function.name}({inside},E)) = {self.signature}*vec(E)."  # type: ignore[misc]
        self.rule = "has no differential here: it stands in Jacobians and Hessians"  # type: ignore[misc]
        self.source = "Higham (2008), section 3.1, eq. 3.17; " + function.source  # type: ignore[misc]
        self.meaning = f"the matrix of d{function.name}({inside},E) for vec(E), X = {{0}}"  # type: ignore[misc]
        self.latex = rf"K_{{\mathrm{{{function.name}}}}}({{0}})"  # type: ignore[misc]
        at = {"powm": "S,2/3", "funm": "tanh,C+C^H"}.get(function.name, "S")
        if function.takes[0] != "e":
            self.latex = rf"K_{{\mathrm{{{function.name}}},{{{'1' if function.name == 'powm' else 'p'}}}}}({{0}})"  # type: ignore[misc]
        self.examples = (f"{self.name}({at})*vec(A)",)  # type: ignore[misc]
        turned = at.replace("S", "S'")
        self.identities = (  # type: ignore[misc]
            (f"{self.name}({at})*vec(A)", f"vec(d{function.name}({at},A))"),
            (f"{self.name}({at})'", f"{self.name}({turned})"),
        )  # fmt: skip
        self.complex = function.complex  # type: ignore[misc]
        self.domain, self.conditions_text = function.domain, function.conditions_text  # type: ignore[misc]
        super().__init__()

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        n, _ = self.function.shape(equal, shapes, params)
        return (n * n, n * n)

    def build(self, *args: Any) -> Expr:
        x, *others = args if isinstance(args[0], Expr) else args[::-1]
        params = tuple(a for a in others if not isinstance(a, Expr))
        further = tuple(a for a in others if isinstance(a, Expr))
        n = x.shape[0]
        if params:
            functional_calculus.FUNM.build(*params, x)  # is x a matrix that the function is defined for?
        node = make(self, (x, *further), params, (n * n, n * n))
        return oriented(node, lambda: make(self, (transposed(x), *further), params, (n * n, n * n)))

    def annotate(self, node: Expr) -> None:
        node.sign = node.definite = 0

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        raise UnsupportedError(f"{self.name} is the second derivative of a function of a matrix; the third is not supported")

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        if node.params:
            functions = functional_calculus.functions_source(node.params[0])
            return f"kfunm({functions}, {args[0]})"
        if len(node.args) == 2 and matrix_functions.whole(node.args[1]):
            return f"kpower({args[0]}, round({args[1]}))"
        return f"{self.name}({', '.join(args)})"


KRONECKER_FORMS: dict[str, Operation] = {
    f.name: KroneckerForm(f)
    for f in (
        matrix_functions.EXPM, matrix_functions.LOGM, matrix_functions.POWM, matrix_functions.SINM, matrix_functions.COSM,
        functional_calculus.FUNM,
    )
}  # fmt: skip
PAGES: tuple[Operation, ...] = tuple(KRONECKER_FORMS.values())
