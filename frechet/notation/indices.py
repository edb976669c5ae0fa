"""What stands in brackets: entries and slices X[i,1:k], blocks [A, B; C, D]; and the index of a sum, sum_i(...)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from frechet.expressions.dimension import SCALAR, UNIT, Dim, Shape, at_least, dim, kind, show_shape
from frechet.expressions.errors import LimitError, NotationError, ShapeError, UnsupportedError
from frechet.expressions.node import Expr
from frechet.expressions.operation import shape_of
from frechet.notation.formula import INDEX, Formula, described
from frechet.notation.inference import checked
from frechet.notation.syntax import Node
from frechet.operations import blocks, indexing
from frechet.operations.constants import UNIT_VECTOR

END = "end"  # the last index of the axis it stands in
NESTED = 10  # sums inside of sums
FIRST = dim(1)
SUM = re.compile(r"sum_(\w+)")


class Item(NamedTuple):
    """An index (first is last), or a range of indices; both with the node it stands at."""

    first: Dim
    last: Dim
    single: bool
    node: int


# -- the first passes
def understand(formula: Formula, i: int) -> None:
    """What stands in the brackets is read as indices; the name before them is a vector or a matrix."""
    base, *items = formula.nodes[i].args
    for a in items:
        formula.roles[a] = INDEX
    node = formula.nodes[base]
    if node.kind == "name":
        (formula.vectors if len(items) == 1 else formula.forced).add(str(node.value))


def is_sum(formula: Formula, i: int) -> bool:
    """Is the call a sum over an index, sum_i(...)? Then the index is a name for whole numbers from now on."""
    node = formula.nodes[i]
    found = SUM.fullmatch(str(node.value))
    if found is None:
        return False
    name = found[1]
    if len(node.args) != 1:
        raise formula.error_at(i, f"{node.value} adds up one expression over {name}, and {len(node.args)} are given")
    if name in formula.known or name in formula.given or name in formula.definitions or name.isdigit():
        what = "a number" if name.isdigit() else "a variable"
        raise formula.error(NotationError, f"{name} is {what}: it cannot be added up over", node.start, node.end)
    formula.dimensions.add(name)
    formula.sums[i] = (name, formula.unifier.fresh())
    return True


def find_scopes(formula: Formula) -> None:
    """Over which indices the parts of the text are added up."""
    if not formula.sums:
        return
    depth: dict[int, int] = {}
    for i in range(len(formula.nodes) - 1, -1, -1):
        scope, level = formula.scopes.get(i), depth.get(i, 0)
        if i in formula.sums:
            scope, level = (*formula.sums[i], scope), level + 1
            if level > NESTED:
                raise formula.error_at(i, f"more than {NESTED} sums inside of each other", LimitError)
        if scope is not None:
            for a in formula.nodes[i].args:
                formula.scopes[a], depth[a] = scope, level


# -- shapes
def shape(formula: Formula, i: int) -> Shape:
    """The shape of the part: an index takes its axis away."""
    base, *numbers = formula.nodes[i].args
    whole: Shape = formula.shapes[base]
    axes = [d for d in whole if d is not UNIT]
    if whole == SCALAR:
        raise formula.error_at(i, f"{_text(formula, base)} is a scalar: it has no entries", ShapeError)
    if len(whole) > 2:
        message = f"{_text(formula, base)} is a tensor, {show_shape(whole)}: its entries and slices are not supported yet"
        raise formula.error_at(i, message, UnsupportedError)
    if len(numbers) != len(axes):
        asked = "an index, as in x[i] or x[1:k]" if len(axes) == 1 else "two indices, as in X[i,j] or X[i,:]"
        found = formula.unifier.shape(whole)
        known = not any(name[0] == "?" for d in found for name in d.names())
        what = described(found) if known else f"a {kind(whole)}"
        message = f"{_text(formula, base)} is {what}, which takes {asked}, and {len(numbers)} "
        raise formula.error_at(i, message + ("is given" if len(numbers) == 1 else "are given"), ShapeError)
    lengths = []
    for a, axis in zip(numbers, axes, strict=True):
        item = _item(formula, a, axis)
        if item is None:
            lengths.append(axis)
        elif item.single:
            runs = _runs_over(formula, i, item.first)
            if runs is not None:
                formula.unifier.equal(runs, axis)
            lengths.append(UNIT)
        else:
            formula.slices.append((axis, item.first, item.last))
            length = checked(item.last - item.first + FIRST)
            if at_least(length, 1) is False:
                message = f"{_text(formula, a)} is empty: the last index of a slice is at least the first"
                raise formula.error_at(a, message, ShapeError)
            lengths.append(length)
    rest = iter(lengths)
    rows, columns = (UNIT if d is UNIT else next(rest) for d in whole)
    return rows, columns


def _runs_over(formula: Formula, i: int, index: Dim) -> Dim | None:
    """What an index runs over, where it is that of a sum: of one around it, or, in a definition, of one that comes later."""
    scope = formula.scopes.get(i)
    while scope is not None and index is not dim(scope[0]):
        scope = scope[2]
    if scope is not None:
        formula.summed.add(scope[1])
        return scope[1]
    for name, runs in formula.sums.values():
        if index is dim(name) and i not in formula.scopes:
            formula.summed.add(runs)
            return runs
    return None


def _text(formula: Formula, i: int) -> str:
    node = formula.nodes[i]
    return " ".join(formula.text[node.start : node.end].split())


def _item(formula: Formula, a: int, axis: Dim) -> Item | None:
    """What stands in the brackets for an axis; None for all of it."""
    node = formula.nodes[a]
    ends = node.args if node.kind == "slice" else (a, a)
    if not ends:
        return None
    first, last = (formula.shapes[e].substitute({END: axis}) for e in ends)
    return Item(first, last, node.kind != "slice", a)


def guess_lengths(formula: Formula) -> None:
    """The vector of x[k+1:n] or x[2:n] has length n, where nothing else says how long it is. Every sum has its index."""
    for i, (name, runs) in formula.sums.items():
        if runs not in formula.summed:
            raise formula.error_at(i, f"nothing in this sum has the index {name}, as x[{name}] or X[{name},:] have")
    longest: dict[Dim, Dim] = {}
    for axis, first, last in formula.slices:
        axis = formula.unifier.find(axis)
        if formula.unifier.unknown(axis) and first is not FIRST and last.value() is None and axis.text not in last.names():
            before = longest.get(axis)
            longest[axis] = last if before is None or at_least(last - before, 0) else before
    for axis, last in longest.items():
        formula.unifier.equal(axis, last)


def shape_of_blocks(formula: Formula, i: int) -> Shape:
    """Side by side with an array, a name that nothing is said of is a vector, whatever its letter: b in [A, b; c', d]."""
    node = formula.nodes[i]
    shapes = [formula.shapes[a] for a in node.args]
    counts: Sequence[int] = node.value  # type: ignore[assignment]
    equal, rule = formula.unifier.equal, partial(shape_of, blocks.BLOCKS)
    if lonely_scalar(formula, node) is not None:
        raise ShapeError("blocks")
    if len(set(counts)) == 1:
        return rule(equal, shapes, counts[:1])
    rows = []
    for count in counts:
        rows.append(rule(equal, shapes[:count], (count,)))
        shapes = shapes[count:]
    return rule(equal, rows, (1,))


def lonely_scalar(formula: Formula, node: Node) -> str | None:
    """A name without a declaration, by its letter a number, that stands beside something with several rows."""
    args = list(node.args)
    counts: Sequence[int] = node.value  # type: ignore[assignment]
    for count in counts:
        row, args = args[:count], args[count:]
        heights = [formula.unifier.find(formula.shapes[a][0]) for a in row]
        if all(h is UNIT or h is FIRST for h in heights):
            continue
        for a in row:
            name = str(formula.nodes[a].value)
            said = (formula.known, formula.given, formula.definitions, formula.dimensions, ("pi",))
            if formula.nodes[a].kind == "name" and formula.shapes[a] == SCALAR and not any(name in names for names in said):
                return name
    return None


# -- expressions
def build(formula: Formula, i: int, e: Expr) -> Expr:
    """The part of e; every index must lie in its axis, as far as that can be told."""
    axes = [d for d in e.shape if d is not UNIT]
    chosen: list[Expr | None] = []
    for a, axis in zip(formula.nodes[i].args[1:], axes, strict=True):
        item = _item(formula, a, formula.unifier.find(axis))
        if item is None:
            chosen.append(None)
            continue
        find = formula.unifier.find
        first, last = find(item.first.substitute(formula.sizes)), find(item.last.substitute(formula.sizes))
        _check(formula, item._replace(first=first, last=last), axis, e.shape)
        chosen.append(UNIT_VECTOR.build(axis, first) if item.single else indexing.selection(axis, first, last))
    return indexing.part(e, *[None if f is None or f.op.name == "eye" else f for f in chosen])


def _check(formula: Formula, item: Item, axis: Dim, shape: Shape) -> None:
    first, last, single, a = item
    for d in (first, last):
        if at_least(d, 1) is False or at_least(axis - d, 0) is False:
            which = "" if len([d for d in shape if d is not UNIT]) == 1 else f": the index must lie between 1 and {axis}"
            message = f"{d} is outside of {_indexed(formula, a)}, which has shape {show_shape(shape)}{which}"
            raise formula.error_at(a, message, ShapeError)
    if not single and at_least(last - first, 0) is None and last is not axis and at_least(axis - last, 0) is None:
        base, message = _indexed(formula, a), f"{first} and {last} cannot be compared, so this may be no slice"
        raise formula.error_at(a, message + f": write {base}[{first}:{first}+p-1] for p entries", ShapeError)


def _indexed(formula: Formula, a: int) -> str:
    """The text of what has the index a."""
    return _text(formula, next(n.args[0] for n in formula.nodes if n.kind == "index" and a in n.args))


def build_blocks(node: Node, args: Sequence[Expr]) -> Expr:
    rest = iter(args)
    counts: Sequence[int] = node.value  # type: ignore[assignment]
    return blocks.blocks([[next(rest) for _ in range(count)] for count in counts])
