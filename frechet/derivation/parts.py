"""Which parts of a function get a name in its derivation, and the function cut there.

A part is named where a nonlinear operation is applied to it and it is more than a variable times a constant, where the rule
of an operation uses it more than once, and where the user defined it. Cut at its parts, every formula is as short as a line.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from frechet.derivation.stages import standing_for
from frechet.expressions.dimension import Dim
from frechet.expressions.node import Expr, depends, rebuild, walk
from frechet.operations.constants import variable
from frechet.operations.declared_functions import functions
from frechet.operations.elementwise import LOG
from frechet.operations.hadamard import MONOMIAL
from frechet.operations.norms import NORM2
from frechet.operations.sums import SUM
from frechet.operations.transposition import TRANSPOSE

COMPOSITE = 3  # leaves from which an argument of a nonlinear operation is worth a name
LONG = 9  # leaves from which a linear part that is used more than once gets one
USES_ITSELF = ("softmax", "softmax_of_rows", "maskedsoftmax", "layernorm", "layernorm_of_rows", "rmsnorm", "rmsnorm_of_rows")
PASSES = 8  # a form found so may have another one in its turn: log of a quotient of softmaxes
LETTERS = {"scalar": "stuvc", "vector": "zuvhqs", "row": "zuvhqs", "matrix": "ZMUVHLQN", "tensor": "UVWR"}
RESIDUAL = {"vector": "r", "matrix": "R", "tensor": "R", "scalar": "s"}
AFFINE = {"vector": "z", "matrix": "Z", "tensor": "Z", "scalar": "s"}
SQUARE = {"matrix": "MPS", "vector": "uv", "scalar": "s", "tensor": "U"}
PROBABILITIES = {"vector": "p", "matrix": "P"}


class Part(NamedTuple):
    """A named part: `symbol` = `formula`, which names the parts below it; `node` is the same in terms of the variables."""

    symbol: Expr
    formula: Expr
    node: Expr


class Cut(NamedTuple):
    """A function in terms of its parts, those below before those above; `node` has the differential of the function."""

    formula: Expr
    parts: tuple[Part, ...]
    node: Expr


def cut(function: Expr, x: Expr, defined: Mapping[str, Expr] | None = None, keep: Collection[str] = ()) -> Cut:
    """The function cut at the parts that its derivation names.

    defined: names that the user gave; keep: names that are not to be used
    """
    function = rewritten(function, x)
    inside = depends(function, x)
    given = {e: name for name, e in (defined or {}).items() if e in inside and e is not function and e.args}
    chosen = _chosen(function, inside, given)
    taken = {*keep, *_names(function)} | {name for e, name in given.items()}
    symbols: dict[Expr, Expr] = {}
    new: dict[Expr, Expr] = {}
    parts = []
    for node in walk(function):
        args = tuple(new[a] for a in node.args)
        formula = node if args == node.args else node.op.rebuild(node, args)
        if node in chosen and formula.args:
            name = given.get(node) or _name(node, inside, taken)
            taken.add(name)
            symbols[node] = part_symbol(name, node)
            parts.append(Part(symbols[node], formula, node))
            formula = symbols[node]
        new[node] = formula
    return Cut(new[function], tuple(parts), function)


def rewritten(function: Expr, x: Expr) -> Expr:
    """The function with operations in place that have the same differential and are better differentiated.

    log(a./b) and log(a) - log(b) have the same differential, but where a and b are negative only the first has a value. So
    a form is replaced where nothing needs its value, on the way from the result through linear operations, or where the
    values are the same everywhere.
    """
    for _ in range(PASSES):
        inside = depends(function, x)
        outer = _linear_way(function, inside)

        def change(
            node: Expr, args: tuple[Expr, ...], inside: Collection[Expr] = inside, outer: Collection[Expr] = outer
        ) -> Expr:
            if node not in inside:
                return node
            replaceable = node in outer or _same_value(node)
            node = node if args == node.args else node.op.rebuild(node, args)
            return (node.op.same_differential(node) if replaceable else None) or node

        found = rebuild([function], change)[0]
        if found is function:
            break
        function = found
    return function


def _same_value(node: Expr) -> bool:
    """Has log(u) the value of its other form everywhere? So of a softmax, and of products of positive factors."""
    if node.op is not LOG:
        return False
    u = node.args[0]
    return u.op.name in USES_ITSELF or (u.op is MONOMIAL and all(b.sign == 2 for b in u.args))


def _linear_way(function: Expr, inside: Collection[Expr]) -> set[Expr]:
    """The nodes that are used linearly only: every way from the result to them goes through sums and constant factors."""
    found = {function}
    refused: set[Expr] = set()
    for node in reversed([n for n in walk(function) if n in inside]):
        varying = [a for a in node.args if a in inside]
        passes = node in found and node not in refused and node.op.same_differential(node) is None
        passes = passes and (node.op is SUM or (len(varying) == 1 and linear(node, varying)))
        (found if passes else refused).update(varying)
    return found - refused


def part_symbol(name: str, node: Expr) -> Expr:
    """A variable for the value of a node, with what is known of it; that probabilities add up to 1 is known too."""
    if node.op.name == "softmax" and node.kind == "vector":
        return variable(name, node.shape, (), "simplex")
    return standing_for(node, name)


def squared_norms(node: Expr) -> tuple[int, ...]:
    """The factors of a product that are squared norms: norm2(R)^2, which is differentiated as ⟨R, R⟩."""
    if node.op is not MONOMIAL:
        return ()
    return tuple(i for i, (a, k) in enumerate(zip(node.args, node.params, strict=True)) if a.op is NORM2 and k == 2)


def arguments(node: Expr) -> tuple[Expr, ...]:
    """What the rule of a node differentiates: its arguments; of a squared norm what the norm is of."""
    squared = squared_norms(node)
    return tuple(a.args[0] if i in squared else a for i, a in enumerate(node.args))


def linear(node: Expr, inside: Collection[Expr]) -> bool:
    """Is the node linear in each of the arguments that are inside?"""
    if node.op is MONOMIAL:
        return all(k == 1 for a, k in zip(node.args, node.params, strict=True) if a in inside)
    if not node.op.linear or node.op.same_differential(node) is not None:
        return False
    which = node.op.linear_in
    return which is None or all(i in which for i, a in enumerate(node.args) if a in inside)


def _chosen(function: Expr, inside: Collection[Expr], given: Collection[Expr]) -> set[Expr]:
    chosen: set[Expr] = set()
    order = [n for n in walk(function) if n in inside]
    uses: dict[Expr, int] = {}
    for node in order:
        for a in node.args:
            uses[a] = uses.get(a, 0) + 1
    fused = {a for node in order for i, a in enumerate(node.args) if i in squared_norms(node)}
    bending = {a for node in order if not linear(node, inside) for a in arguments(node)}
    leaves: dict[Expr, int] = {}
    bent: set[Expr] = set()  # with a nonlinear operation below that has no name
    for node in order:
        nonlinear = not linear(node, inside) and node not in fused
        if nonlinear:
            for a in arguments(node):
                plain = a.args[0] if a.op is TRANSPOSE else a
                if plain in inside and plain.args and (leaves[plain] >= COMPOSITE or plain in bent):
                    chosen.add(plain)
                    leaves[plain] = leaves[a] = 1
        leaves[node] = node.op.own_leaves + sum(leaves.get(a, a.leaves) for a in node.args)
        repeated = uses.get(node, 0) > 1 and node.op is not TRANSPOSE and node.kind != "row"
        worth = leaves[node] >= 2 and (nonlinear or node in bending or node.op is SUM)
        worth = worth or (leaves[node] >= LONG and node.kind != "scalar")
        if node is not function and (node in given or node.op.name in USES_ITSELF or (repeated and worth)):
            chosen.add(node)
        if node in chosen:
            leaves[node] = 1
        elif nonlinear or any(a in bent for a in node.args):
            bent.add(node)
    return chosen


def _names(function: Expr) -> set[str]:
    found = set(functions(function))
    for node in walk(function):
        if node.op.name == "variable":
            found.add(node.params[0])
        found |= {name for d in (*node.shape, *node.params) if isinstance(d, Dim) for name in d.names()}
    return found


def _name(node: Expr, inside: Collection[Expr], taken: Collection[str]) -> str:
    """A free letter that suits: r for what is left over, z for what is affine, p for probabilities, M for squares."""
    kind = "vector" if node.kind == "row" else node.kind
    letters = ""
    if node.op is SUM:
        terms = list(zip(node.params, node.args, strict=True))
        apart = [c > 0 for c, a in terms if a not in inside and a.op.name not in ("ones", "eye", "number")]
        if len(apart) < len(terms) and any(a not in inside for _, a in terms):
            left_over = apart and set(apart) != {c > 0 for c, a in terms if a in inside}
            letters = (RESIDUAL if left_over else AFFINE)[kind]
            if node.kind == "matrix" and node.transposed is node:
                letters = SQUARE[kind]
    elif node.op.name in USES_ITSELF:
        letters = PROBABILITIES.get(kind, "") if "softmax" in node.op.name else "yY"
    elif node.kind == "matrix" and node.shape[0] is node.shape[1]:
        letters = SQUARE[kind]
    for letter in letters + LETTERS[kind]:
        if letter not in taken and f"d{letter}" not in taken:
            return letter
    return next(name for i in range(1, len(taken) + 2) if (name := f"{LETTERS[kind][0]}{i}") not in taken)
