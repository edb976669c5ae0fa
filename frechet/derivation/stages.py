"""A function cut at its named parts: stages, each an expression in the variables and in the stages before it.

Nothing is substituted, so what is derived of a stage speaks of its direct inputs only, and the cost of everything that
walks over stages is linear in their graph.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from frechet.expressions.dimension import SCALAR, Dim, kind
from frechet.expressions.node import Expr, rebuild, variables, walk
from frechet.operations.constants import variable
from frechet.operations.products import PRODUCT, SCALE
from frechet.operations.sums import SUM
from frechet.operations.transposition import TRANSPOSE, symmetric


class Stage(NamedTuple):
    """`symbol` stands for the value of `expression` in later stages. line: of the user's text, 0 where it has none.

    own: named by the user, rather than by `split`
    """

    symbol: Expr
    expression: Expr
    line: int = 0
    own: bool = True

    @property
    def name(self) -> str:
        name: str = self.symbol.params[0]
        return name

    @property
    def inputs(self) -> list[Expr]:
        """The variables and earlier stages that the expression uses, in the order in which they first appear."""
        return variables(self.expression)


def standing_for(e: Expr, name: str) -> Expr:
    """A variable of this name with the shape of e, and with what is known of e: symmetric, definite, positive …

    >>> from frechet.expressions.dimension import dim
    >>> A = variable("A", (dim("n"), dim("m")))
    >>> from frechet.operations.products import product
    >>> from frechet.operations.transposition import transposed
    >>> standing_for(product(A, transposed(A)), "S").params[1:3]
    (('psd',), 'normal')
    """
    structure: list[str] = []
    if kind(e.shape) == "matrix" and e.shape[0] is e.shape[1]:
        if e.definite:
            structure = ["spd" if e.definite == 2 else "psd"]
        elif e.real and symmetric(e):
            structure = ["symmetric"]
    if not e.real:
        structure.append("complex")
    domain = "normal" if structure else {2: "positive", 1: "nonnegative"}.get(e.sign, "normal")
    return variable(name, e.shape, structure, domain)


def cut(roots: Sequence[Expr], symbols: Mapping[Expr, Expr]) -> tuple[list[Stage], list[Expr]]:
    """Expressions with each node of `symbols` replaced by its symbol: the stages in order, and the roots of them."""
    stages: list[Stage] = []

    def change(node: Expr, args: tuple[Expr, ...]) -> Expr:
        new = node if args == node.args else node.op.rebuild(node, args)
        if node not in symbols:
            return new
        stages.append(Stage(symbols[node], new))
        return symbols[node]

    return stages, rebuild(roots, change)


def split(stages: Sequence[Stage], active: Collection[Expr], taken: Collection[str]) -> list[Stage]:
    """Stages of one step each: what stands inside of another function becomes a stage, h = relu(W*x + b) two of them.

    So there is a cotangent of W*x + b, which is all that the gradients by W, x and b need. What is cut off are sums and
    products inside of functions that are not linear, named a_h in h, and values of such functions that are multiplied by
    another active factor, named f_h.

    active: the variables that derivatives are taken by; parts without them are left alone
    taken: names that are not to be used
    """
    active, taken = set(active), {*taken, *(s.name for s in stages)}
    found: list[Stage] = []
    known: dict[Expr, Expr] = {}  # parts that have a name already
    for stage in stages:
        symbols: dict[Expr, Expr] = {}
        for letter, part in _parts(stage.expression, active):
            if part not in known:
                known[part] = standing_for(part, _free(f"{letter}_{stage.name}", taken))
            symbols[part] = known[part]
        parts, (rest,) = cut([stage.expression], symbols)
        for cut_off in parts:
            if cut_off.symbol not in active:
                found.append(cut_off._replace(line=stage.line, own=False))
                active.add(cut_off.symbol)
        found.append(Stage(stage.symbol, rest, stage.line))
        if any(v in active for v in stage.inputs):
            active.add(stage.symbol)
    return found


def _parts(root: Expr, active: Collection[Expr]) -> Iterator[tuple[str, Expr]]:
    """What is to be a stage of its own below the root, and the letter of its name."""
    inside = depending_nodes(root, active)
    for node in walk(root):
        if node not in inside or node in active:
            continue
        if not node.op.linear:
            yield from (("a", a) for a in node.args if a in inside and _is_affine(a, inside))
        elif node.op is PRODUCT and sum(a in inside for a in node.args) > 1:
            values = (_plain(a) for a in node.args if a in inside)
            yield from (("f", v) for v in values if not v.op.linear and v not in active and v.shape != SCALAR)


def depending_nodes(root: Expr, on: Collection[Expr]) -> set[Expr]:
    """The nodes below the root that are one of these, or depend on one."""
    inside: set[Expr] = set()
    for node in walk(root):
        if node in on or any(a in inside for a in node.args):
            inside.add(node)
    return inside


def _is_affine(e: Expr, inside: Collection[Expr]) -> bool:
    if e.shape == SCALAR or e.op not in (SUM, SCALE, PRODUCT):
        return False
    if e.op is SUM and sum(a in inside for a in e.args) > 1:
        return True
    return any(_plain(n).op is PRODUCT and n in inside for n in (e, *e.args))


def _plain(e: Expr) -> Expr:
    return e.args[0] if e.op is TRANSPOSE else e


def _free(name: str, taken: set[str]) -> str:
    """The name, with a number behind it where it is taken; it is taken from now on."""
    count, new = 1, name
    while new in taken:
        count += 1
        new = f"{name}{count}"
    taken.add(new)
    return new


def dimensions(stages: Sequence[Stage]) -> list[str]:
    """The names of the dimensions that occur, in the order in which they do."""
    found: dict[str, None] = {}
    for stage in stages:
        for node in walk(stage.expression):
            for d in (*node.shape, *node.params):
                if isinstance(d, Dim):
                    found.update(dict.fromkeys(sorted(d.names())))
    return list(found)
