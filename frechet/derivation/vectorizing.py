"""From a differential to a Jacobian: vec(dF) = J vec(dX), each operation on dX a matrix that acts on vec(dX)."""

from __future__ import annotations

from frechet.derivation.lines import Line, Term
from frechet.derivation.rules import MAGNUS, Rule
from frechet.derivation.undecorated import normal
from frechet.differentiation.derivative import Derivative
from frechet.differentiation.jacobian import jacobian
from frechet.expressions.dimension import SCALAR
from frechet.expressions.errors import UnsupportedError
from frechet.expressions.node import Expr, depends, make, substitute, walk
from frechet.operations.products import PRODUCT, scale
from frechet.operations.shaping import vec
from frechet.simplification.polishing import polished

COLLECTED = Rule("collect", "dF = F′ dt", "everything beside dt is the derivative")
FACTOR = Rule(
    "one matrix in front", "dF = J dx", "a linear map of vectors is a matrix; v ⊙ u = diag(v) u, (vᵀ u) w = w vᵀ u"
)
VEC = Rule("vec", "vec(A V B) = (Bᵀ ⊗ A) vec(V)", "column by column", f"{MAGNUS}, section 2.4")
COMMUTING = Rule("matrices that commute", "L(U, V) = f′(U) V where U V = V U", "then f(U + V) is expanded as for numbers")
FRECHET = ("dexpm", "dlogm", "dsqrtm", "dpowm", "dsinm", "dcosm", "dfunm")
OTHERS = {
    "transpose": Rule("commutation matrix", "vec(Vᵀ) = K vec(V)", "the same entries, reordered", f"{MAGNUS}, section 3.7"),
    "hadamard": Rule("entries", "vec(C ⊙ V) = diag(vec(C)) vec(V)", "entry by entry", f"{MAGNUS}, section 3.6"),
    "diagonal": Rule("diagonal", "diag(V) = Sᵀ vec(V)", "Sᵀ picks the entries of the diagonal", f"{MAGNUS}, section 3.7"),
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
        gone = {n.op for n in depends(differential, dx)} - {n.op for n in walk(found)}
        by = COMMUTING if any(op.name in FRECHET for op in gone) else COLLECTED
        return [Line((Term(1, None, scale(dx, found)),), (by,))], found
    if len(x.shape) > 2 or len(d.function.shape) > 2:
        return [], differential
    try:
        if d.function.shape == SCALAR:  # a complex one
            return [], d.gradient
        machine = substitute(d.jacobian, parts)
        own = polished(jacobian(normal(differential), dx))
        found = own if own.leaves <= machine.leaves else machine
    except UnsupportedError:
        return [], differential
    inside = depends(differential, dx)
    used = [
        OTHERS[name]
        for name in OTHERS
        if any((n.op.name == name and n.kind == "matrix") or n.op.name == name == "diagonal" for n in inside)
    ]
    vectors = "matrix" not in (x.kind, d.function.kind)
    rules = (FACTOR,) if vectors else (*([VEC] if any(n.op.name == "product" for n in inside) else []), *used)
    if not rules:
        rules = (Rule("vec", "vec(U + V) = vec(U) + vec(V)", "vec is linear"),)
    column = vec(dx)
    whole = make(PRODUCT, (found, column), (), (found.shape[0], column.shape[1]))
    return [Line((Term(1, None, whole),), rules, {}, "d" if vectors else "vec")], found
