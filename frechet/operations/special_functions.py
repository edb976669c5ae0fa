"""erf, the gamma function and their relatives, entry by entry. Source: NIST DLMF, chapters 5 and 7."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from frechet.expressions.dimension import SCALAR
from frechet.expressions.node import Expr, make
from frechet.operations import hadamard, sums
from frechet.operations.constants import PI, number
from frechet.operations.elementwise import EXP, HALF, Elementwise, both, raised
from frechet.operations.transposition import oriented, transposed

GAMMA: Elementwise
DIGAMMA: Elementwise
TRIGAMMA: Elementwise
POLYGAMMA: Elementwise


def _erf(u: Expr) -> Expr:
    return hadamard.times(
        hadamard.monomial(SCALAR, [(PI.build(), -HALF), (number(2), 1)]), EXP.build(sums.negative(raised(u, 2)))
    )


ERF = Elementwise("erf", "2/sqrt(pi)*exp(-x.^2)", _erf, "erf({0})", odd=True, at_zero=0)
ERFC = Elementwise("erfc", "-2/sqrt(pi)*exp(-x.^2)", lambda u: sums.negative(_erf(u)), "erfc({0})", sign=2)
NOT_POLE = ("{0} not 0, -1, -2, …",)
GAMMA = Elementwise(
    "gamma", "gamma(x).*digamma(x)", lambda u: both(GAMMA.build(u), DIGAMMA.build(u)), "gamma({0})", where=NOT_POLE,
    domain="positive", latex=r"\Gamma({0})",
)  # fmt: skip
LGAMMA = Elementwise(
    "lgamma", "digamma(x)", lambda u: DIGAMMA.build(u), "gammaln({0})", where=NOT_POLE, domain="positive",
    latex=r"\log\Gamma({0})",
)  # fmt: skip
DIGAMMA = Elementwise(
    "digamma",
    "trigamma(x)",
    lambda u: TRIGAMMA.build(u),
    "digamma({0})",
    where=NOT_POLE,
    domain="positive",
    latex=r"\psi({0})",
)
TRIGAMMA = Elementwise(
    "trigamma", "polygamma(2,x)", lambda u: POLYGAMMA.build(2, u), "polygamma(1, {0})", where=NOT_POLE, domain="positive",
    latex=r"\psi'({0})", sign=2,
)  # fmt: skip


class PolygammaPage(Elementwise):
    """The k-th derivative of digamma."""

    takes = ("ie",)

    def build(self, *args: Any) -> Expr:
        k, u = args if isinstance(args[0], int) else args[::-1]
        if k < 2:
            return (DIGAMMA, TRIGAMMA)[k].build(u)
        node = make(self, (u,), (k,), u.shape)
        return oriented(node, lambda: make(self, (transposed(u),), (k,), u.shape[::-1]))

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        return hadamard.times(self.build(node.params[0] + 1, node.args[0]), d[0])

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"polygamma({node.params[0]}, {args[0]})"


POLYGAMMA = PolygammaPage(
    "polygamma", "polygamma(k+1,x)", lambda u: u, where=NOT_POLE, domain="positive", latex=r"\psi^{({p})}({0})"
)
POLYGAMMA.signature, POLYGAMMA.examples = "polygamma(k,x)", ("polygamma(2,x)", "polygamma(3,X)")  # type: ignore[misc]

PAGES: tuple[Elementwise, ...] = (ERF, ERFC, GAMMA, LGAMMA, DIGAMMA, TRIGAMMA, POLYGAMMA)
