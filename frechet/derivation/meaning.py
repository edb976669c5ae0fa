"""What a derivative says: residual times input, a linear equation where it is 0, the same everywhere …"""

from __future__ import annotations

from frechet.derivation.sentences import Sentence
from frechet.derivation.steps import Derivation
from frechet.expressions.dimension import SCALAR
from frechet.expressions.errors import FrechetError
from frechet.expressions.node import Expr, depends, walk
from frechet.expressions.space import curved
from frechet.operations.sums import SUM
from frechet.operations.transposition import TRANSPOSE


def meaning(derivation: Derivation) -> list[Sentence]:
    """The derivative read: each sentence is true of this one."""
    d, g = derivation.derivative, derivation.result
    if d.function.shape != SCALAR or d.variable.shape == SCALAR:
        return []
    found: list[Sentence] = []
    full = d.gradient
    if d.variable not in depends(full, d.variable):
        return [
            Sentence(
                "{0} does not depend on {1}: the same step changes the value by the same amount everywhere", (g, d.variable)
            )
        ]
    left = _left_over(derivation)
    if left is not None:
        found.append(Sentence("the residual {0} carried back to {1}: the gradient is 0 where {0} = 0", (left, d.variable)))
    if any(n.op.name in ("softmax", "softmax_of_rows", "sigmoid") for n in walk(full)) and _difference(g):
        found.append(Sentence("prediction minus target: a class that is predicted too high is pushed down"))
    if any(n.op.name == "logdet" for n in walk(d.function)):
        found.append(Sentence("the logarithm of a determinant has the inverse as its derivative, as log x has 1/x"))
    if _affine(derivation):
        found.append(
            Sentence(
                "the gradient is affine in {0} (the function is quadratic): setting it to 0 is a linear equation",
                (d.variable,),
            )
        )
    return found


def _left_over(derivation: Derivation) -> Expr | None:
    """A named part that is a difference with something constant, and a factor of the result."""
    factors = set(_factors(derivation.result))
    for p in derivation.parts:
        formula = p.part.formula
        if (
            formula.op is SUM
            and p.part.symbol in factors
            and any(c < 0 for c, a in zip(formula.params, formula.args, strict=True))
        ):
            return p.part.symbol
    return None


def _factors(e: Expr) -> list[Expr]:
    """What a product is made of, seen through multiples, scalars and transposes."""
    found, stack = [], [e]
    while stack:
        node = stack.pop()
        if (
            node.op.name in ("product", "scale", "hadamard")
            or (node.op is SUM and len(node.args) == 1)
            or node.op is TRANSPOSE
        ):
            stack += node.args
        else:
            found.append(node)
    return found


def _difference(g: Expr) -> bool:
    return any(n.op is SUM and len(n.args) > 1 and any(c < 0 for c in n.params) for n in (g, *_factors(g)))


def _affine(derivation: Derivation) -> bool:
    d = derivation.derivative
    if curved(d.variable.params[1]):
        return False
    try:
        return d.variable not in depends(d.gradient_differential, d.variable)
    except FrechetError:
        return False
