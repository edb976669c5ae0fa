"""What floating point needs: an equal expression for one whose parts are out of its range.

The entries of softmax(z) may be smaller than the smallest float, their logarithms are not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from frechet.compilation.adjugates import with_adjugates
from frechet.expressions.node import Expr, rebuild, walk
from frechet.expressions.operation import Operation
from frechet.operations.activations import LOGCOSH
from frechet.operations.determinant import DET
from frechet.operations.elementwise import COSH, LOG
from frechet.operations.softmax import SOFTMAX, SOFTMAX_OF_ROWS, logsoftmax
from frechet.operations.transposition import TRANSPOSE, transposed


def stable(roots: Iterable[Expr]) -> list[Expr]:
    """The expressions with z - logsumexp(z) for log(softmax(z)), of rows and columns too; logcosh(z) for log(cosh(z))."""

    def change(node: Expr, args: tuple[Expr, ...]) -> Expr:
        inner = args[0] if node.op is LOG else node
        turned = inner.op is TRANSPOSE
        inner = inner.args[0] if turned else inner
        if node.op is LOG and inner.op in (SOFTMAX, SOFTMAX_OF_ROWS):
            value = logsoftmax(inner.args[0], 2 if inner.op is SOFTMAX_OF_ROWS else 0)
            return transposed(value) if turned else value
        if node.op is LOG and inner.op is COSH and inner.real:
            value = LOGCOSH.build(inner.args[0])
            return transposed(value) if turned else value
        return node if args == node.args else node.op.rebuild(node, args)

    return rebuild(roots, change)


Rewriting = tuple[Operation, Callable[[list[Expr]], list[Expr]]]
"""An operation, and what is done where it occurs."""
EXACT: tuple[Rewriting, ...] = ((DET, with_adjugates), (LOG, stable))


def rewritten(
    roots: Sequence[Expr], nodes: Sequence[Expr], rules: Sequence[Rewriting] = EXACT
) -> tuple[list[Expr], Sequence[Expr]]:
    """The expressions after those rewritings whose operation they have, and their nodes. Each is a walk over the graph.

    nodes: those of the expressions, arguments first
    """
    present = {node.op for node in nodes}
    found = list(roots)
    for operation, rule in rules:
        if operation in present:
            found = rule(found)
    return walked(found, roots, nodes)


def walked(new: list[Expr], roots: Sequence[Expr], nodes: Sequence[Expr]) -> tuple[list[Expr], Sequence[Expr]]:
    """The new expressions and their nodes: those of the roots where they are still the same."""
    same = all(a is b for a, b in zip(new, roots, strict=True))
    return new, nodes if same else list(walk(*new))
