"""What the signs of a page mean: each is explained once, where it is used first."""

from __future__ import annotations

from collections.abc import Sequence

from frechet.differentiation.derivative import Derivative
from frechet.expressions.dimension import SCALAR
from frechet.expressions.node import Expr, walk
from frechet.interfaces.document import Content, Math

OF_OPERATIONS: dict[str, tuple[str, str]] = {
    "tr": ("tr", "the sum of the diagonal"),
    "norm2": ("‖·‖", "the root of the sum of squares of all entries"),
    "kron": ("⊗", "the Kronecker product, [aᵢⱼB] in blocks"),
    "vec": ("vec", "the columns stacked"),
    "diag": ("diag", "a diagonal matrix made of a vector, or the diagonal of a matrix"),
    "diagonal": ("diag", "a diagonal matrix made of a vector, or the diagonal of a matrix"),
    "det": ("det", "the determinant"),
    "logdet": ("log det", "the logarithm of the determinant"),
    "eye": ("I", "the identity matrix"),
    "ones": ("𝟏", "an array of ones"),
    "commutation": ("K", "the matrix with K vec(V) = vec(Vᵀ)"),
    "sigmoid": ("σ", "1/(1 + exp(−z)), entry by entry"),
    "softmax": ("softmax", "exp(z) divided by its sum"),
    "logsumexp": ("logsumexp", "the logarithm of the sum of exp of the entries"),
    "pinv": ("⁺", "the pseudo-inverse"),
    "expm": ("expm", "the exponential series of a matrix, not entry by entry"),
    "logm": ("logm", "the logarithm of a matrix, not entry by entry"),
    "step": ("step", "1 for positive entries, 0 for negative"),
    "polar": ("polar", "U Vᵀ of the singular value decomposition"),
    "conj": ("conj", "the complex conjugate"),
    "re": ("re", "the real part"),
    "unit": ("eᵢ", "the i-th column of the identity matrix"),
}  # fmt: skip


def symbols_used(shown: Sequence[Expr], d: Derivative) -> list[Content]:
    """The signs in expressions beyond school algebra, with what they mean."""
    found: list[Content] = [[Math("{0}", d.direction), " the differential, a small step of ", Math("{0}", d.variable)]]
    if d.function.shape == SCALAR and d.variable.shape != SCALAR:
        found.append([Math("⟨U, V⟩ = Σᵢⱼ uᵢⱼ vᵢⱼ"), " the inner product"])
    nodes = list(walk(*shown))
    if any(n.op.name == "transpose" for n in nodes):
        found.append([Math("ᵀ"), " rows and columns exchanged, ", Math("(A B)ᵀ = Bᵀ Aᵀ")])
    if any(n.op.name == "matrix_power" and n.params[0] < 0 for n in nodes):
        found.append([Math("⁻¹"), " the inverse"])
    if any(n.op.name == "hadamard" and n.shape != SCALAR for n in nodes):
        found.append([Math("⊙"), " multiplies entry by entry"])
    seen = set()
    for node in nodes:
        sign = OF_OPERATIONS.get(node.op.name)
        if sign is not None and sign not in seen:
            seen.add(sign)
            found.append([Math(sign[0]), f" {sign[1]}"])
    return found
