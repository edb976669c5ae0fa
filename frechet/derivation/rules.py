"""The names of rules, what they say in general, and why they hold: what a step of a derivation is justified with.

The differentials and adjoints themselves are those of the operations' pages; here they are only called by their names. A
rule without an entry here is called by its operation, with the formula and the source of its page.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from frechet.expressions.node import Expr
from frechet.expressions.operation import Operation
from frechet.operations.declared_functions import DeclaredPage
from frechet.operations.elementwise import Elementwise

MAGNUS = "Magnus & Neudecker (2019)"


class Rule(NamedTuple):
    """Why one line follows from the one before: a name, the general form, a proof in a line, the source."""

    name: str
    general: str = ""
    why: str = ""
    source: str = ""


SUM = Rule("sum rule", "d(U + V) = dU + dV", "d is linear", f"{MAGNUS}, section 8.2")
CONSTANT = Rule(
    "constant factors",
    "d(A U B) = A dU B",
    "dA = 0 and dB = 0: constants do not move",
    f"{MAGNUS}, section 8.2",
)
PRODUCT = Rule(
    "product rule",
    "d(U V) = dU V + U dV",
    "(U + dU)(V + dV) − U V = dU V + U dV + dU dV, and the last is of second order; the factors keep their order",
    f"{MAGNUS}, section 8.2",
)
HADAMARD = Rule(
    "product rule, entry by entry", "d(U ⊙ V) = dU ⊙ V + U ⊙ dV", "the product rule for every entry", "Minka (2000), eq. 6"
)
SCALARS = Rule("product rule for numbers", "d(s t) = t ds + s dt", "school calculus")
QUOTIENT = Rule("quotient rule", "d(s/t) = ds/t − s dt/t²", "the product rule, and d(1/t) = −dt/t²")
POWER = Rule("power rule", "d(sᵏ) = k sᵏ⁻¹ ds", "school calculus, for every entry")
LINEAR = Rule(
    "linear operations",
    "d L(U) = L(dU)",
    "a linear map is its own derivative: L(U + dU) − L(U) = L(dU)",
    f"{MAGNUS}, section 8.2",
)
TRANSPOSED_DIFFERENTIAL = Rule("d and ᵀ commute", "d(Uᵀ) = (dU)ᵀ", "transposing is linear", f"{MAGNUS}, section 8.2")
SQUARED_NORM = Rule(
    "squared norm", "d‖U‖² = 2 tr(Uᵀ dU)", "‖U + dU‖² = ‖U‖² + 2⟨U, dU⟩ + ‖dU‖²", "Petersen & Pedersen (2012), eq. 132"
)
REWRITTEN_AS = {
    "softmax": "log softmax(z) = z − logsumexp(z) 𝟏",
    "quotient": "log(u/v) = log u − log v, where both have values",
    "abs": "d log|u| = d log u, where u > 0, and d log|u| = d log(−u) where u < 0",
    "product": "log det(U V) = log det U + log det V, up to signs",
}  # fmt: skip
REWRITTEN = Rule("an equal form", "", "a function that is easier to differentiate and has the same differential")
INSERTED = Rule("insert", "", "the differentials of the parts, from their table")
MULTIPLIED_OUT = Rule("multiplied out", "L(U + V) = L(U) + L(V)", "every operation on dX here is linear")
INNER = Rule("inner product", "⟨U, V⟩ = tr(Uᵀ V) = Σᵢⱼ uᵢⱼ vᵢⱼ", "written in another way", f"{MAGNUS}, section 1.10")
COLLECTED = Rule("collect", "⟨U, dX⟩ + ⟨W, dX⟩ = ⟨U + W, dX⟩", "the inner product is linear in its first factor")
KNOWN = Rule("simplified", "", "by what is known of the parts, such as that probabilities add up to 1")
TIDIED = Rule("tidied", "", "common factors are taken out")
NAMED = Rule("named", "", "what stands beside the differential gets a name")

# The rules of operations that are not linear, by name.
OF_OPERATIONS = {
    "det": ("Jacobi's formula", "d det U = det(U) tr(U⁻¹ dU)", "det(I + E) = 1 + tr E + terms of second order"),
    "logdet": ("log-determinant", "d log det U = tr(U⁻¹ dU)", "Jacobi's formula divided by det U"),
    "inv": ("inverse", "d(U⁻¹) = −U⁻¹ dU U⁻¹", "0 = d(U U⁻¹) = dU U⁻¹ + U d(U⁻¹)"),
    "power": ("matrix power", "d(Uᵏ) = Σᵢ Uⁱ dU Uᵏ⁻¹⁻ⁱ, i from 0 to k−1", "the product rule; the factors need not commute"),
    "norm2": ("Euclidean norm", "d‖U‖ = tr(Uᵀ dU)/‖U‖", "from d‖U‖² = 2⟨U, dU⟩ and d(s²) = 2 s ds"),
    "norm1": ("absolute values", "d‖U‖₁ = tr(sign(U)ᵀ dU)", "d|u| = sign(u) du for every entry"),
    "softmax": ("softmax", "dp = p ⊙ dz − p pᵀ dz", "quotient rule on exp(zᵢ)/Σⱼ exp(zⱼ)"),
    "softmax_of_rows": ("softmax of each row", "dP = P ⊙ (dZ − rowsums(P ⊙ dZ))", "the rule of softmax, row by row"),
    "logsumexp": ("log-sum-exp", "d logsumexp(z) = softmax(z)ᵀ dz", "d log s = ds/s with s = Σⱼ exp(zⱼ)"),
    "expm": ("matrix exponential", "d exp(U) = ∫₀¹ exp(sU) dU exp((1−s)U) ds", "the series, term by term"),
    "max": ("largest entry", "d max(u) = du at the largest entry", "Danskin's theorem"),
}  # fmt: skip

# How an operation changes sides in the inner product ⟨W, L(V)⟩ = ⟨L*(W), V⟩, by the name of the operation L.
MOVES = {
    "product": Rule(
        "cyclic", "tr(M N) = tr(N M), so tr(Wᵀ A V B) = tr(B Wᵀ A V)", "both are Σᵢⱼ mᵢⱼ nⱼᵢ", f"{MAGNUS}, section 1.10"
    ),
    "transpose": Rule("transposition", "tr(Wᵀ Vᵀ) = tr(W V)", "a matrix and its transpose have the same diagonal"),
    "hadamard": Rule(
        "Hadamard exchange", "tr(Wᵀ (C ⊙ V)) = tr((C ⊙ W)ᵀ V)", "both are Σᵢⱼ wᵢⱼ cᵢⱼ vᵢⱼ", f"{MAGNUS}, section 3.6"
    ),
    "sum_of_terms": Rule("numbers in front", "⟨W, c V⟩ = ⟨c W, V⟩", "the inner product is linear"),
    "scale": Rule("scalars in front", "⟨W, s V⟩ = ⟨s W, V⟩, ⟨W, v A⟩ = ⟨W, A⟩ v", "the inner product is linear"),
    "tr": Rule("trace as inner product", "tr(V) = ⟨I, V⟩", "both add up the diagonal"),
    "sum": Rule("sum as inner product", "sum(V) = ⟨𝟏, V⟩", "both add up all entries"),
    "diag": Rule("diagonals", "⟨W, diag(v)⟩ = diag(W)ᵀ v", "only the diagonal of W meets something"),
    "diagonal": Rule("diagonals", "wᵀ diag(V) = ⟨diag(w), V⟩", "only the diagonal of V counts"),
    "vec": Rule("vec keeps inner products", "wᵀ vec(V) = ⟨unvec(w), V⟩", "the same entries in another order"),
    "unvec": Rule("vec keeps inner products", "⟨W, unvec(v)⟩ = vec(W)ᵀ v", "the same entries in another order"),
    "reshape": Rule("reshaping keeps inner products", "⟨W, reshape(V)⟩ = ⟨reshape(W), V⟩", "the same entries"),
    "kron": Rule("Kronecker product", "⟨W, A ⊗ V⟩ = ⟨Σᵢⱼ aᵢⱼ Wᵢⱼ, V⟩", "block by block, Wᵢⱼ the blocks of W"),
    "dexpm": Rule(
        "adjoint of the derivative of expm",
        "⟨W, L(U, V)⟩ = ⟨L(Uᵀ, W), V⟩ with L(U, V) = ∫₀¹ exp(sU) V exp((1−s)U) ds; L(U, I) = exp(U)",
        "exp(sU) changes sides, transposed",
        "Higham (2008), section 3.1",
    ),
    "dlogm": Rule(
        "adjoint of the derivative of logm",
        "⟨W, L(U, V)⟩ = ⟨L(Uᵀ, W), V⟩ with L the derivative of logm; L(U, I) = U⁻¹",
        "as for expm, whose inverse it is",
        "Higham (2008), section 11.2",
    ),
    "dsqrtm": Rule(
        "adjoint of the derivative of sqrtm",
        "⟨W, L(U, V)⟩ = ⟨L(Uᵀ, W), V⟩ with L the derivative of sqrtm; L(U, I) = sqrtm(U)⁻¹/2",
        "S L + L S = V with S = sqrtm(U), an equation that is its own adjoint up to transposes",
        "Higham (2008), section 6.1",
    ),
    "re": Rule("real part", "⟨w, re(V)⟩ = ⟨w, V⟩ for real w", "the inner product Re tr(WᴴV) sees the real part only"),
}  # fmt: skip
# The same where inner products are not written as traces.
SIDES_GENERAL = "⟨W, A V B⟩ = ⟨Aᵀ W Bᵀ, V⟩, ⟨W, Vᵀ⟩ = ⟨Wᵀ, V⟩"
SIDES = {
    "cyclic": "factors change sides, transposed",
    "transposition": "both factors transposed",
    "a number is its own trace, cyclic": "factors change sides, transposed",
}
NUMBER_TRANSPOSED = Rule("a number is its own transpose", "uᵀ v = vᵀ u", "a 1×1 matrix equals its transpose")
SUM_OF_PRODUCTS = Rule("sum of products", "sum(U ⊙ V) = tr(Uᵀ V) = ⟨U, V⟩", "both are Σᵢⱼ uᵢⱼ vᵢⱼ")
NUMBER_AS_TRACE = Rule("a number is its own trace, cyclic", "uᵀ V w = tr(w uᵀ V)", "the trace of a 1×1 matrix is its entry")
TRACE_TRANSPOSED = Rule("transposition in the trace", "tr(M) = tr(Mᵀ)", "a matrix and its transpose have the same diagonal")
INNER_TRANSPOSED = Rule("both factors transposed", "⟨W, V⟩ = ⟨Wᵀ, Vᵀ⟩", "the same products of entries")
TRANSPOSED = (NUMBER_TRANSPOSED, TRACE_TRANSPOSED, INNER_TRANSPOSED)
SELF_ADJOINT = ("tril", "triu", "sym", "skew", "lowhalf", "toeplitzpart", "circulantpart", "hankelpart")

PROJECTED = {
    "symmetric": Rule(
        "symmetric part", "⟨M, N⟩ = ⟨(M + Mᵀ)/2, N⟩ for N = Nᵀ", "⟨M, N⟩ = ⟨Mᵀ, Nᵀ⟩ = ⟨Mᵀ, N⟩; take the mean"
    ),
    "hermitian": Rule("Hermitian part", "⟨M, N⟩ = ⟨(M + Mᴴ)/2, N⟩ for N = Nᴴ", "⟨M, N⟩ = ⟨Mᴴ, Nᴴ⟩; take the mean"),
    "skew": Rule("skew part", "⟨M, N⟩ = ⟨(M − Mᵀ)/2, N⟩ for N = −Nᵀ", "⟨M, N⟩ = −⟨Mᵀ, N⟩; take the mean"),
    "diagonal": Rule("diagonal part", "⟨M, N⟩ = ⟨M ⊙ I, N⟩ for diagonal N", "entries off the diagonal meet zeros"),
    "lower": Rule("lower triangle", "⟨M, N⟩ = ⟨tril(M), N⟩ for lower triangular N", "entries above the diagonal meet zeros"),
    "upper": Rule("upper triangle", "⟨M, N⟩ = ⟨triu(M), N⟩ for upper triangular N", "entries below the diagonal meet zeros"),
    "sparse": Rule("mask", "⟨M, N⟩ = ⟨mask ⊙ M, N⟩", "where N is 0 the entries of M meet zeros"),
}  # fmt: skip


PROJECTIONS = {
    "orthogonal": "P(W) = (W − X Wᵀ X)/2 for square X, where dX = X Ω with a skew Ω; W − X (Xᵀ W + Wᵀ X)/2 in general",
    "simplex": "P(w) = w − mean(w) 𝟏, since the entries of a step add up to 0",
    "centered": "P(w) = w − mean(w) 𝟏, since the entries of a step add up to 0",
    "sphere": "P(w) = w − (xᵀ w) x, since a step is orthogonal to x",
    "traceless": "P(W) = W − tr(W)/n I, since the trace of a step is 0",
}  # fmt: skip


def projection(structure: str) -> Rule:
    """Why only a part of W counts where dX stays in the space of directions."""
    return Rule(
        f"projection to the space of the steps ({structure})",
        PROJECTIONS.get(structure, "⟨W, dX⟩ = ⟨P(W), dX⟩ for every dX in the space"),
        "P is the orthogonal projection: W − P(W) is orthogonal to every such dX",
    )


def of_differential(node: Expr, varying: Sequence[bool], squared: bool) -> Rule:
    """The rule by which a node is differentiated, of which these arguments vary."""
    op, several = node.op, sum(varying) > 1
    if squared:
        return (
            SQUARED_NORM if not several else SQUARED_NORM._replace(name=f"{_of_numbers(node, varying).name}; squared norm")
        )
    if op.name == "sum_of_terms":
        return SUM if len(node.args) > 1 else CONSTANT
    if op.name == "product":
        return PRODUCT if several else CONSTANT
    if op.name == "scale":
        return PRODUCT if several else CONSTANT
    if op.name == "hadamard":
        if all(k == 1 for k, v in zip(node.params, varying, strict=True) if v):
            if several:
                return _of_numbers(node, varying)
            return CONSTANT
        return POWER if sum(varying) == 1 else _of_numbers(node, varying)
    if op.linear and (op.linear_in is None or all(i in op.linear_in for i, v in enumerate(varying) if v)):
        if several:
            return PRODUCT._replace(
                name=f"product rule of {label(op)}", general=op.rule, why="linear in each factor", source=op.source
            )
        if op.name == "transpose":
            return TRANSPOSED_DIFFERENTIAL
        return LINEAR._replace(name=f"{label(op)} is linear", general=op.rule, source=op.source)
    name = op.name
    if name == "matrix_power":
        name = "inv" if node.params[0] == -1 else "power"
    if name in OF_OPERATIONS:
        title, general, why = OF_OPERATIONS[name]
        return Rule(title, general, why, op.source)
    if isinstance(op, Elementwise | DeclaredPage):
        return Rule("chain rule, entry by entry", op.rule, "df(u) = f′(u) du for every entry", op.source)
    return Rule(f"differential of {label(op)}", op.rule, "", op.source)


def _of_numbers(node: Expr, varying: Sequence[bool]) -> Rule:
    """The product or quotient rule, for numbers or entry by entry."""
    if any(k < 0 for k, v in zip(node.params, varying, strict=True) if v):
        return QUOTIENT if node.kind == "scalar" else QUOTIENT._replace(name="quotient rule, entry by entry")
    return SCALARS if node.kind == "scalar" else HADAMARD


def of_adjoint(op: Operation) -> Rule:
    """The identity by which an operation changes sides in the inner product."""
    if op.name in MOVES:
        return MOVES[op.name]
    if op.name in SELF_ADJOINT:
        return Rule(
            f"{label(op)} changes sides", f"⟨W, {label(op)}(V)⟩ = ⟨{label(op)}(W), V⟩", "it is its own adjoint", op.source
        )
    return Rule(f"adjoint of {label(op)}", op.adjoint_rule, "⟨W, L(V)⟩ = ⟨L*(W), V⟩", op.source)


def label(op: Operation) -> str:
    return op.typed_as or op.name
