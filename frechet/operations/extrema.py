"""max and min of two, entry by entry, and clip."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from frechet.expressions.dimension import SCALAR, UNIT, Shape
from frechet.expressions.node import Expr, make, variables
from frechet.expressions.operation import Equal, Operation
from frechet.operations import hadamard, products, sums
from frechet.operations.constants import is_zero, ones
from frechet.operations.elementwise import HALF, RELU, SIGN, STEP
from frechet.operations.transposition import TRANSPOSE, oriented, transposed

MANY_LEAVES = 1000  # beyond which two expressions are taken to share a variable


class ExtremumPage(Operation):
    """max(a, b) and min(a, b), entry by entry."""

    takes = ("ee",)
    tensors = True
    piecewise = True
    typed = False
    source = "calculus, entry by entry"

    def __init__(self, name: str, typed_as: str) -> None:
        self.name = name  # type: ignore[misc]
        self.typed_as = typed_as
        self.signature = f"{typed_as}(a,b)"  # type: ignore[misc]
        self.summary = f"The {'larger' if typed_as == 'max' else 'smaller'} of two entries."  # type: ignore[misc]
        first, second = ("a-b", "b-a") if typed_as == "max" else ("b-a", "a-b")
        self.rule = f"d {typed_as}(a,b) = step({first}).*da + step({second}).*db"  # type: ignore[misc]
        self.latex = rf"\{typed_as}({{0}}, {{1}})"  # type: ignore[misc]
        self.examples = (f"{typed_as}(x,y)", f"{typed_as}(x,zeros(n))")  # type: ignore[misc]
        self.conditions_text = "a ≠ b"  # type: ignore[misc]
        kind = "sub" if typed_as == "max" else "super"
        self.tied = (
            f"where two entries tie there is no derivative; t*da + (1-t)*db with t from 0 to 1 are the {kind}gradients, and "
        )
        self.elsewhere = f"{self.tied}0 is given, which need not be one"  # type: ignore[misc]
        super().__init__()

    @property
    def opposite(self) -> ExtremumPage:
        return MINIMUM if self is MAXIMUM else MAXIMUM

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        return hadamard.MONOMIAL.shape(equal, shapes, params)

    def build(self, *args: Any) -> Expr:
        a, b = args
        if a.shape == SCALAR and b.shape != SCALAR:
            a = products.scale(a, ones(b.shape))
        if b.shape == SCALAR and a.shape != SCALAR:
            b = products.scale(b, ones(a.shape))
        for one, other in ((a, b), (b, a)):  # max(x,x), max(x,min(x,y)) and max(max(x,y),x)
            if one is other or one in _operands(other, self.opposite) or other in _operands(one, self):
                return one  # type: ignore[no-any-return]
        if is_zero(a):
            a, b = b, a
        if is_zero(b) and self.typed_as == "max":
            return RELU.build(a)
        if a.shape[0] is UNIT and a.shape != SCALAR:
            return transposed(self.build(transposed(a), transposed(b)))
        first, second = sorted((a, b), key=sums.KEY)
        node = make(self, (first, second), (), a.shape)
        return oriented(
            node, lambda: make(self, tuple(sorted((transposed(a), transposed(b)), key=sums.KEY)), (), a.shape[::-1])
        )

    def annotate(self, node: Expr) -> None:
        node.sign = min(a.sign for a in node.args)
        node.definite = 0
        if node.shape == SCALAR:
            node.balance, node.transposed = 0, node

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        a, b = node.args
        gap = sums.subtract(a, b) if self.typed_as == "max" else sums.subtract(b, a)
        weights = _halves(gap) if _may_stay_equal(a, b) else (STEP.build(gap), STEP.build(sums.negative(gap)))
        return sums.add((1, hadamard.times(w, di)) for w, di in zip(weights, d, strict=True) if di is not None)

    def elsewhere_of(self, node: Expr, words: str) -> str:
        return f"{self.tied}that with 1/2 is given" if _may_stay_equal(*node.args) else self.elsewhere

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        return [("{0} ≠ 0 (no ties)", sums.subtract(*node.args))]

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"np.{self.typed_as}imum({args[0]}, {args[1]})"


def _operands(e: Expr, op: Operation) -> Sequence[Expr]:
    """Those of e where it is of this operation, perhaps transposed."""
    if e.op is TRANSPOSE and e.args[0].op is op:
        return [transposed(a) for a in e.args[0].args]
    return e.args if e.op is op else ()


def _may_stay_equal(a: Expr, b: Expr) -> bool:
    """May both be equal on more than a boundary, and vary there? Then one is in pieces, and they share a variable."""
    if not (a.piecewise or b.piecewise):
        return False
    return a.leaves + b.leaves > MANY_LEAVES or bool({*variables(a)} & {*variables(b)})


def _halves(gap: Expr) -> tuple[Expr, Expr]:
    """1 and 0 where the gap is positive, 0 and 1 where it is negative, half of each where it is 0.

    max(max(x,y),x) ties wherever x > y: what the two count for must add up to 1 there, for the derivative to be that of x.
    """
    sign, half = SIGN.build(gap), sums.scaled(HALF, ones(gap.shape))
    return sums.add([(1, half), (HALF, sign)]), sums.add([(1, half), (-HALF, sign)])


class ClipPage(Operation):
    name, signature, summary = (
        "clip",
        "clip(x,lo,hi)",
        "Every entry moved into the interval from lo to hi: min(max(x,lo),hi).",
    )
    takes = ("eee",)
    tensors = True
    piecewise = True
    rule = "d clip(x,lo,hi) = step(x-lo).*step(hi-x).*dx"
    source = "calculus, entry by entry"
    latex = r"\operatorname{clip}({0}, {1}, {2})"
    examples = ("clip(x,-1,1)", "clip(X,a,b)", "clip(A*x,y,z)")
    identities = (("clip(x,-1,2)", "min(max(x,-1),2)"),)
    conditions_text = "no entry at a bound"
    elsewhere = "where an entry of {0} is 0, at a bound, there is no derivative; the slopes are 0 and 1, and 0 is given"

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        bounded = hadamard.MONOMIAL.shape(equal, shapes[:2], params)
        return hadamard.MONOMIAL.shape(equal, (bounded, shapes[2]), params)

    def build(self, *args: Any) -> Expr:
        x, low, high = args
        moving = x.piecewise and not all(b.op.constant for b in (low, high))  # x may stay at a bound that moves
        if moving or x.shape == SCALAR or low.shape != SCALAR or high.shape != SCALAR:
            return MINIMUM.build(MAXIMUM.build(x, low), high)
        if x.shape[0] is UNIT:
            return transposed(self.build(transposed(x), low, high))
        node = make(self, (x, low, high), (), x.shape)
        return oriented(node, lambda: make(self, (transposed(x), low, high), (), x.shape[::-1]))

    def annotate(self, node: Expr) -> None:
        x, low, high = node.args
        node.sign, node.definite = min(max(x.sign, low.sign), high.sign), 0

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        x, low, high = (a if a.shape == node.shape else products.scale(a, ones(node.shape)) for a in node.args)
        above, below = STEP.build(sums.subtract(x, low)), STEP.build(sums.subtract(high, x))
        terms = [hadamard.monomial(node.shape, [(above, 1), (below, 1), (d[0], 1)])] if d[0] is not None else []
        inside, crossed = (STEP.build(sums.subtract(a, b)) for a, b in ((high, low), (low, high)))
        if d[1] is not None:
            stuck = STEP.build(sums.subtract(low, x))
            terms.append(products.scale(d[1], hadamard.monomial(node.shape, [(stuck, 1), (inside, 1)])))
        if d[2] is not None:
            stuck = STEP.build(sums.subtract(x, high))
            terms.append(products.scale(d[2], sums.add([(1, stuck), (1, hadamard.times(below, crossed))])))
        return sums.add((1, t) for t in terms)

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        x, *bounds = node.args
        gaps = [sums.subtract(x, products.scale(b, ones(x.shape))) for b in bounds]
        return [("no entry of {0} is 0", g) for g in gaps]

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"np.clip({', '.join(args)})"


MAXIMUM, MINIMUM, CLIP = ExtremumPage("maximum", "max"), ExtremumPage("minimum", "min"), ClipPage()
PAGES: tuple[Operation, ...] = (MAXIMUM, MINIMUM, CLIP)
