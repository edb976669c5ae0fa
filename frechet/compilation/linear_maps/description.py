"""The structure of a map in words, as a formula, and what a solution with it costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from frechet.differentiation import map_structure as symbolic
from frechet.differentiation.linear_terms import Layer, scalar_and_rest
from frechet.expressions.dimension import UNIT, Dim, dim, entries, show_dimension
from frechet.expressions.node import Expr
from frechet.notation.unicode import write_unicode
from frechet.operations.constants import ONE, eye, is_zero
from frechet.operations.powers import inverse
from frechet.operations.products import scale
from frechet.operations.shaping import KRON, diag, vec
from frechet.operations.sums import add
from frechet.operations.transposition import transposed
from frechet.simplification.polishing import polished

LONG = 200  # leaves of a formula


def described(s: symbolic.Structure) -> str:
    """As in "2Vᵀ V ⊗ I: Kronecker product, solve in O(np² + p³)"."""
    words, cost = _words(s), _cost(s)
    if s.space.structure != "general":
        words += f", on the {s.space.structure} matrices" if s.space.variable.kind == "matrix" else f", {s.space.structure}"
    formula = _formula(s)
    return (f"{formula}: " if formula else "") + words + (f", solve in {cost}" if cost else "")


def described_blocks(
    names: Sequence[str], blocks: Sequence[symbolic.Structure], couplings: Mapping[tuple[int, int], Any]
) -> str:
    """One line for the whole and one for every block."""
    borders = [n for i, n in enumerate(names) if couplings and all(i in pair for pair in couplings)]
    if not couplings:
        words = "block diagonal"
    elif borders:
        words = f"arrow with the border {' or '.join(borders)}, solved by the Schur complement"
    else:
        words = "blocks that are coupled, solved together"
    return "\n".join([words, *(f"  {n}: {described(s)}" for n, s in zip(names, blocks, strict=True))])


def _words(s: symbolic.Structure) -> str:
    match s:
        case symbolic.EntrywiseMap():
            if is_zero(s.entries):
                return "zero map"
            if s.entries.kind != "scalar":
                return "diagonal"
            return "number" if s.space.variable.kind == "scalar" else "scaled identity"
        case symbolic.MatrixMap():
            return _words_of_matrix(s.form)
        case symbolic.KroneckerMap():
            return "Kronecker product" + (" after the transposition" if s.turned else "")
        case symbolic.KroneckerSumMap():
            one = all(any(_is_identity(layer[side]) for layer in s.terms) for side in (0, 1))
            return ("Sylvester map" if one else "sum of two Kronecker products") + (
                " after the transposition" if s.turned else ""
            )
        case symbolic.SlicesMap():
            return f"block diagonal, a matrix for every {('row', 'column')[s.axis]}"
        case symbolic.LowRankUpdate():
            base, rank = _words(s.base), f"rank {len(s.outers)}"
            return rank if base == "zero map" else f"{base} plus {rank}"
        case symbolic.Composition():
            return f"{_words(s.outer)} of a {_words(s.inner)}"
        case symbolic.GeneralMap():
            return "general map, solved through its matrix or by CG"


def _is_identity(e: Expr | None) -> bool:
    """I, or a multiple of it."""
    return scalar_and_rest(e)[1] is None


def _words_of_matrix(form: symbolic.MatrixForm) -> str:
    if form.inverted:
        return "inverse of a known matrix"
    if form.dense is not None:
        return "dense matrix"
    if form.identity is not None or form.diagonal is not None:
        return "diagonal plus low rank"
    if len(form.pieces) == 1 and form.pieces[0].congruent:
        return "Gauss–Newton"
    return "sum of low rank"


def _kron(layer: Layer, scalar: Expr, shape: Sequence[Dim]) -> Expr:
    left = eye(shape[0]) if layer.left is None else layer.left
    right = eye(shape[1]) if layer.right is None else transposed(layer.right)
    return KRON.build(scale(scalar, right), left)


def _formula(s: symbolic.Structure) -> str:
    """Of its matrix for vec; empty where it has none that is short."""
    match s:
        case symbolic.EntrywiseMap():
            if s.entries.shape == s.space.shape:
                return _written(s.entries if s.entries.kind == "scalar" else diag(vec(s.entries)))
            return _written(scale(s.entries, eye(entries(s.space.shape))))
        case symbolic.MatrixMap():
            matrix = s.form.matrix
            return _written(inverse(matrix) if s.form.inverted else matrix)
        case symbolic.KroneckerMap():
            turned = "K " if s.turned else ""
            body = _written(_kron(s.layer, s.scalar, s.space.shape))
            return f"({body}) K" if turned and body else body
        case symbolic.KroneckerSumMap():
            body = _written(add((1, _kron(layer, ONE, s.space.shape)) for layer in s.terms))
            return f"({body}) K" if s.turned and body else body
        case _:
            return ""


def _written(e: Expr) -> str:
    """In one line; empty where it is long, as of a recurrence of many steps, in which every step is written many times."""
    e = polished(e)
    return str(write_unicode(e, share=False)) if e.leaves <= LONG else ""


def _cost(s: symbolic.Structure) -> str:
    """The order of the operations of a factorization and one solution, as a sum of powers of the sizes."""
    shape = s.space.shape
    match s:
        case symbolic.EntrywiseMap():
            return _order([entries(shape)])
        case symbolic.MatrixMap():
            return _order(_factored(s.form)) + _narrow(s.form)
        case symbolic.KroneckerMap():
            rows, columns = shape
            terms: list[Dim] = []
            for form, along, across in ((s.left, rows, columns), (s.right, columns, rows)):
                if form is not None:
                    terms += [along * along * across, *_factored(form)]
            return _order(terms or [entries(shape)])
        case symbolic.KroneckerSumMap():
            rows, columns = shape
            return _order([rows * rows * rows, rows * rows * columns, rows * columns * columns, columns * columns * columns])
        case symbolic.Composition():
            return _cost(s.outer) if _cost(s.outer) == _cost(s.inner) else f"{_cost(s.outer)} + {_cost(s.inner)}"
        case symbolic.SlicesMap():
            many, size = shape[s.axis], shape[1 - s.axis]
            return _order([many * size * size * size])
        case _:
            return ""


def _factored(form: symbolic.MatrixForm) -> list[Dim]:
    n = form.n
    if form.dense is not None or not form.pieces:
        return [n * n * n if form.dense is not None else n]
    ranks = [p.left.shape[1] for p in form.pieces]
    if all(r is UNIT for r in ranks) and (form.identity is not None or form.diagonal is not None):
        return [n]
    return [n * n * r for r in ranks] + [n * n * n]


def _narrow(form: symbolic.MatrixForm) -> str:
    """What is to be said where Woodbury's formula is the shorter way for some sizes."""
    ranks = [p.left.shape[1] for p in form.pieces if p.left.shape[1] is not UNIT]
    if len(ranks) != 1 or form.dense is not None or (form.identity is None and form.diagonal is None):
        return ""
    (r,), n = ranks, form.n
    return f" ({_order([n * r * r, r * r * r])} where {show_dimension(r)} < {show_dimension(n)})"


def _order(terms: Sequence[Dim]) -> str:
    """O(…) of a sum of products of sizes, without what another term bounds."""
    monomials = list(dict.fromkeys(monomial for t in terms for monomial, _ in t.terms))
    kept = [a for a in monomials if not any(a != b and not Counter(a) - Counter(b) for b in monomials)]
    return "O(" + " + ".join(show_dimension(dim({monomial: 1})) for monomial in kept) + ")"
