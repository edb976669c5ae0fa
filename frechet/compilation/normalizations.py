"""Variances, layer norms and root-mean-square norms as what they are made of, which their derivatives need too."""

from __future__ import annotations

from fractions import Fraction

from frechet.expressions.node import Expr, rebuild
from frechet.operations import hadamard, products, reductions, rowwise, shaping, sums
from frechet.operations.constants import size
from frechet.operations.normalization import (
    LAYERNORM,
    LAYERNORM_OF_ROWS,
    RMSNORM,
    RMSNORM_OF_ROWS,
    VAR,
    VAR_OF_ROWS,
    NormalizationOfRowsPage,
    NormalizationPage,
    centred,
    centred_rows,
    entry_count,
    with_constant,
)

WITH_MEANS = (VAR, VAR_OF_ROWS, LAYERNORM, LAYERNORM_OF_ROWS, RMSNORM, RMSNORM_OF_ROWS)


def with_means(roots: list[Expr]) -> list[Expr]:
    """The expressions with var(x) as mean((x - mean(x)).^2), layernorm(x,c) as (x - mean(x))/sqrt(var(x) + c), and so on."""

    def change(node: Expr, args: tuple[Expr, ...]) -> Expr:
        op = node.op
        if not isinstance(op, NormalizationPage | NormalizationOfRowsPage):
            changed = node if args == node.args else op.rebuild(node, args)
            return _written_out(changed) if op is VAR or op is VAR_OF_ROWS else changed
        x, c = args[0], args[1] if len(args) > 1 else None
        spread = with_constant(_written_out(op.spread(x)), c)
        rates = hadamard.monomial(spread.shape, [(spread, Fraction(-1, 2))])
        if isinstance(op, NormalizationPage):
            return products.scale(rates, centred(x) if op.centre else x)
        return products.product(shaping.diag(rates), centred_rows(x) if op.centre else x)

    return rebuild(roots, change)


def _written_out(spread: Expr) -> Expr:
    """A multiple of a variance as one of a mean square; anything else as it is."""
    c, variance = sums.content(spread)
    if variance.op is VAR:
        apart = centred(variance.args[0])
        mean = products.quotient(reductions.sum_all(hadamard.times(apart, apart)), entry_count(apart))
    elif variance.op is VAR_OF_ROWS:
        apart = centred_rows(variance.args[0])
        mean = products.quotient(rowwise.row_sums(hadamard.times(apart, apart)), size(apart.shape[1]))
    else:
        return spread
    return sums.scaled(c, mean)
