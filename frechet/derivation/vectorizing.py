"""From a differential to a Jacobian: vec(dF) = J vec(dX), each operation on dX a matrix that acts on vec(dX)."""

from __future__ import annotations

from frechet.derivation.lines import Line, Term
from frechet.derivation.rules import MAGNUS, TIDIED, Rule
from frechet.differentiation.derivative import Derivative
from frechet.expressions.dimension import SCALAR
from frechet.expressions.errors import UnsupportedError
from frechet.expressions.node import Expr, depends, make, substitute
from frechet.operations.products import PRODUCT, scale
from frechet.operations.shaping import vec

COLLECTED = Rule("collect", "dF = F′ dt", "everything beside dt is the derivative")
FACTOR = Rule("one matrix in front", "dF = J dx", "a linear map of vectors is a matrix; v ⊙ u = diag(v) u")
VEC = Rule("vec", "vec(A V B) = (Bᵀ ⊗ A) vec(V)", "column by column", f"{MAGNUS}, section 2.4, eq. 5")
OTHERS = {
    "transpose": Rule("commutation matrix", "vec(Vᵀ) = K vec(V)", "the same entries, reordered", f"{MAGNUS}, section 3.7"),
    "hadamard": Rule("entries", "vec(C ⊙ V) = diag(vec(C)) vec(V)", "entry by entry", f"{MAGNUS}, section 3.6"),
    "diag": Rule("diagonal matrix", "vec(diag(v)) = S v", "S puts the entries on the diagonal", f"{MAGNUS}, section 3.7"),
    "kron": Rule("Kronecker product", "vec(A ⊗ V) is linear in vec(V)", "block by block", f"{MAGNUS}, section 3.7"),
}  # fmt: skip


def vectorized(d: Derivative, differential: Expr, parts: dict[Expr, Expr]) -> tuple[list[Line], Expr]:
    """The lines that read the derivative off a differential, and the derivative; `parts` are named by symbols.

    Shapes:  of a scalar variable the derivative has the shape of the function, otherwise it is the Jacobian
    """
    x, dx = d.variable, d.direction
    if x.shape == SCALAR:
        found = substitute(d.by_scalar if d.function.shape != SCALAR else d.gradient, parts)
        return [Line((Term(1, None, scale(dx, found)),), (COLLECTED,))], found
    if len(x.shape) > 2 or len(d.function.shape) > 2:
        return [], differential
    try:
        if d.function.shape == SCALAR:  # a complex one
            return [], d.gradient
        jacobian = substitute(d.jacobian, parts)
    except UnsupportedError:
        return [], differential
    inside = depends(differential, dx)
    used = [OTHERS[name] for name in OTHERS if any(n.op.name == name for n in inside)]
    vectors = "matrix" not in (x.kind, d.function.kind)
    rules = (FACTOR,) if vectors else (*([VEC] if any(n.op.name == "product" for n in inside) else []), *used)
    if not rules:
        rules = (Rule("vec", "vec(U + V) = vec(U) + vec(V)", "vec is linear"),)
    column = vec(dx)
    whole = make(PRODUCT, (jacobian, column), (), (jacobian.shape[0], column.shape[1]))
    return [Line((Term(1, None, whole),), rules, {}, "d" if vectors else "vec")], jacobian


__all__ = ["TIDIED", "vectorized"]
