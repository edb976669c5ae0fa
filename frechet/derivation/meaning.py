"""What a derivative says: residual times input, a linear equation where it is 0, the same everywhere …"""

from __future__ import annotations

from collections.abc import Collection

from frechet.derivation.sentences import Sentence
from frechet.derivation.steps import Derivation
from frechet.expressions.dimension import SCALAR
from frechet.expressions.errors import FrechetError
from frechet.expressions.node import Expr, depends
from frechet.expressions.space import curved
from frechet.operations.constants import is_zero
from frechet.operations.sums import SUM
from frechet.operations.transposition import TRANSPOSE


def meaning(derivation: Derivation) -> list[Sentence]:
    """The derivative read: each sentence is true of this one."""
    d, g = derivation.derivative, derivation.result
    if d.function.shape != SCALAR or d.variable.shape == SCALAR:
        return []
    found: list[Sentence] = []
    inside = depends(d.gradient, d.variable)
    if not inside:
        return [Sentence("{0} does not depend on {1}: the same step has the same effect everywhere", (g, d.variable))]
    residual = _residual(derivation)
    if residual is not None:
        found.append(
            Sentence("the residual {0} carried back to {1}: where {0} = 0 the gradient is 0", (residual, d.variable))
        )
    found += _prediction(derivation)
    only_inverse = all(f.op.name in ("matrix_power", "number") for f in _factors(d.gradient))
    if only_inverse and any(n.op.name == "logdet" for n in depends(d.function, d.variable)):
        found.append(Sentence("as log s has the derivative 1/s, log det has the (transposed) inverse"))
    found += _shape_of_function(derivation, inside)
    return found


def _residual(derivation: Derivation) -> Expr | None:
    """A named part that is a difference with something constant, and a factor of a result that is finite where it is 0."""
    d = derivation.derivative
    if any(n.op.name == "hadamard" and any(k < 0 for k in n.params) for n in depends(d.gradient, d.variable)):
        return None
    factors = set(_factors(derivation.result))
    for p in derivation.parts:
        formula = p.part.formula
        differs = formula.op is SUM and len({c > 0 for c in formula.params}) > 1
        if differs and p.part.symbol in factors:
            return p.part.symbol
    return None


def _prediction(derivation: Derivation) -> list[Sentence]:
    """softmax(z) - y, or σ(z) - y, as a factor: prediction minus target."""
    formulas = {p.part.symbol: p.part.formula for p in derivation.parts}
    inside = set(formulas) | depends(derivation.result, derivation.variable)
    for f in _factors(derivation.result):
        if f.op is not SUM or len(f.args) != 2:
            continue
        for (c, p), (k, y) in (tuple(zip(f.params, f.args, strict=True)), tuple(zip(f.params, f.args, strict=True))[::-1]):
            predicted = formulas.get(p, p).op.name in ("softmax", "softmax_of_rows", "sigmoid")
            if predicted and y not in inside and abs(c) == abs(k) and c * k < 0:
                if c > 0:
                    words = "prediction {0} minus target {1}: what is predicted too high is pushed down by a step against ∇"
                else:
                    words = "target {1} minus prediction {0}: what is predicted too low is pushed up by a step along ∇"
                return [Sentence(words, (p, y))]
    return []


def _shape_of_function(derivation: Derivation, inside: Collection[Expr]) -> list[Sentence]:
    """A function that is quadratic, or linear between kinks."""
    d = derivation.derivative
    if curved(d.variable.params[1]) or d.variable.params[2] == "simplex":
        return []
    try:
        second = d.gradient_differential
    except FrechetError:
        return []
    if d.variable in depends(second, d.variable):
        return []
    if all(_polynomial(n, inside) for n in inside):
        words = "the gradient is affine in {0} (the function is quadratic): setting it to 0 is a linear equation"
        return [Sentence(words, (d.variable,))]
    if is_zero(second):
        return [Sentence("the gradient is constant between the kinks: the function is linear piece by piece")]
    return []


def _polynomial(n: Expr, inside: Collection[Expr]) -> bool:
    if n.op.name == "hadamard":
        return all(isinstance(k, int) and k > 0 for a, k in zip(n.args, n.params, strict=True) if a in inside)
    return n.op.linear or not n.args


def _factors(e: Expr) -> list[Expr]:
    """What a product is made of, seen through multiples, scalars and transposes."""
    found, stack = [], [e]
    while stack:
        node = stack.pop()
        through = node.op.name in ("product", "scale", "hadamard") or node.op is TRANSPOSE
        if through or (node.op is SUM and len(node.args) == 1):
            stack += node.args
        else:
            found.append(node)
    return found
