"""The last pass: the constructors of the operations turn the tape of a text into expressions."""

from __future__ import annotations

from typing import Any

from frechet.derivation.stages import standing_for
from frechet.expressions.dimension import SCALAR, UNIT, Dim, Shape, dim
from frechet.expressions.errors import FrechetError, LimitError, ShapeError
from frechet.expressions.node import Expr, walk
from frechet.notation import broadcasting, indices, mistakes
from frechet.notation.formula import Formula
from frechet.notation.syntax import Node
from frechet.notation.text import write_text
from frechet.operations import complex_parts, constants, hadamard, matrix_functions, powers, products, shaping, sums
from frechet.operations.impossible import impossible
from frechet.operations.transposition import conjugate_transposed, transposed
from frechet.simplification.indexed_sums import indexed_sum

NUMBER_BITS = 10_000  # of a number that a formula comes to
_FAMILY = {"add": 1, "sub": 1, "neg": 1, "mul": 2, "div": 2, "hadamard": 3, "ediv": 3}
_SECOND_NEGATIVE = frozenset({"sub", "div", "ediv"})


def build(formula: Formula, cut: dict[str, Expr] | None = None) -> list[Any]:
    """The expressions of the nodes; None for a node inside a group that is built by one call.

    cut: filled in with a variable for each definition that is used, which stands where its name is written; without it
        the defined expression itself stands there
    """
    nodes, shapes = formula.nodes, formula.shapes
    if formula.unifier.unknowns:
        find = formula.unifier.find
        for i, shape in enumerate(shapes):
            if shape.__class__ is tuple and shape is not SCALAR:
                shapes[i] = tuple(map(find, shape))
    parent, root, sign = _groups(formula)
    members: dict[int, list[tuple[int, Expr]]] = {}  # of every group by its root: the parts so far
    values: list[Any] = [None] * len(nodes)
    named = [v for v in (*formula.variables.values(), *formula.given.values()) if v.op is constants.VARIABLE]
    structured = any(v.params[1] or any(d is not UNIT and d.value() for d in v.shape) for v in named)
    i = 0
    try:
        for i, node in enumerate(nodes):
            if formula.roles[i]:
                continue
            family = _FAMILY.get(node.kind, 0)
            if family:
                if root[i] != i:
                    continue
                value = _JOIN[family](shapes[i], members.pop(i))
            else:
                value = _value(formula, i, node, values, cut)
            values[i] = value
            _check_number(value)
            if structured:
                _check_conditions(formula, i, value)
            p = parent[i]
            if p >= 0 and nodes[p].kind in _FAMILY:
                members.setdefault(root[p], []).append((sign[p] * _edge(nodes[p], i), value))
    except FrechetError as error:
        raise formula.placed(error, i) from None
    except (OverflowError, ZeroDivisionError, ValueError):
        raise formula.error_at(i, "a number here is too large", LimitError) from None
    except RecursionError:
        raise formula.error_at(i, "this is nested too deeply", LimitError) from None
    return values


def _groups(formula: Formula) -> tuple[list[int], list[int], list[int]]:
    """Sums, products and element-wise products of many parts, so that each is built by one call.

    parent: of every node; root: the node in which the group of a node ends; sign: -1 where a part counts negative.
    """
    nodes, shapes = formula.nodes, formula.shapes
    count = len(nodes)
    parent, root, sign = [-1] * count, list(range(count)), [1] * count
    for i in range(count - 1, -1, -1):
        node = nodes[i]
        for a in node.args:
            parent[a] = i
        family = _FAMILY.get(node.kind)
        p = parent[i]
        if family is None or p < 0 or _FAMILY.get(nodes[p].kind) != family:
            continue
        if family == 2 and shapes[i] == SCALAR and shapes[node.args[0]] != SCALAR:
            # (x'*y)*A is no chain of matrices, but (x'*y)*z' is one
            right = nodes[p].args[1]
            row = right != i and shapes[right][0] is UNIT and shapes[right] != SCALAR
            if nodes[p].kind != "mul" or sign[p] < 0 or not row:
                continue
        root[i], sign[i] = root[p], sign[p] * _edge(nodes[p], i)
    return parent, root, sign


def _value(formula: Formula, i: int, node: Node, values: list[Any], cut: dict[str, Expr] | None) -> Expr:
    what = node.kind
    if what == "name":
        return _name_value(formula, i, str(node.value), values, cut)
    if what == "number":
        return constants.number(node.value)  # type: ignore[arg-type]
    if what in ("transpose", "ctranspose"):
        return (transposed if what == "transpose" else conjugate_transposed)(values[node.args[0]])
    if what == "imaginary":
        return products.multiply(constants.number(node.value), complex_parts.IMAGINARY_UNIT.build())  # type: ignore[arg-type]
    if what == "index":
        return indices.build(formula, i, values[node.args[0]])
    if what == "blocks":
        return indices.build_blocks(node, [values[a] for a in node.args])
    if i in formula.sums:
        name, count = formula.sums[i]
        return indexed_sum(values[node.args[0]], name, formula.unifier.find(count))
    if what == "call":
        call = formula.calls[i]
        if call.page is constants.ONES and call.args:
            return products.multiply(values[call.args[0]], constants.ones(formula.unifier.shape(call.params[0])))
        find = formula.unifier.find
        args = [values[v] if is_node else find(v) if isinstance(v, Dim) else v for is_node, v in call.typed]
        return call.page.build(*args)
    a, b = values[node.args[0]], values[node.args[1]]
    if what == "power":
        if a.shape == SCALAR:
            return hadamard.epower(a, b)
        if matrix_functions.whole(b):
            return matrix_functions.POWM.build(a, b)
        if b.op is not constants.NUMBER or not isinstance(b.params[0], int):
            raise mistakes.matrix_exponent(formula, i)
        return powers.power(a, b.params[0])
    if what == "epower":
        return hadamard.epower(a, b)
    if what == "kron":
        return shaping.KRON.build(a, b)
    if what == "solve":
        return powers.SOLVE.build(a, b)
    if what in ("broadcast_add", "broadcast_sub"):
        return broadcasting.build(a, b, 1 if what == "broadcast_add" else -1)
    return products.bilinear(a, b)  # frobenius


def _name_value(formula: Formula, i: int, name: str, values: list[Any], cut: dict[str, Expr] | None) -> Expr:
    if name in formula.definitions:
        e: Expr = values[formula.definitions[name]]
        if cut is None:
            return e
        if name not in cut and any(n.op is constants.VARIABLE for n in walk(e)):
            cut[name] = standing_for(e, name)
        return cut.get(name, e)  # what is a number stays one: x.^k with k = 2
    if name in formula.variables:
        return formula.variables[name]
    if name in formula.dimensions:
        return constants.size(formula.sizes.get(name) or dim({(name,): 1}))
    return constants.PI.build() if name == "pi" else constants.eye(formula.shapes[i][0])


def _edge(parent: Node, i: int) -> int:
    """-1 for what is subtracted or divided by."""
    what = parent.kind
    return -1 if what == "neg" or (what in _SECOND_NEGATIVE and parent.args[1] == i) else 1


def _sum(shape: Shape, parts: list[tuple[int, Expr]]) -> Expr:
    return sums.add(parts)


def _product(shape: Shape, parts: list[tuple[int, Expr]]) -> Expr:
    return products.product(*[e if k > 0 else hadamard.monomial(SCALAR, [(e, -1)]) for k, e in parts])


def _elementwise(shape: Shape, parts: list[tuple[int, Expr]]) -> Expr:
    if shape == SCALAR:
        return hadamard.monomial(SCALAR, [(e, k) for k, e in parts])
    body = hadamard.monomial(shape, [(e, k) for k, e in parts if e.shape != SCALAR])
    scalars = [(e, k) for k, e in parts if e.shape == SCALAR]
    return products.scale(hadamard.monomial(SCALAR, scalars), body) if scalars else body


_JOIN = {1: _sum, 2: _product, 3: _elementwise}


def _check_conditions(formula: Formula, i: int, value: Expr) -> None:
    """Refuses what a declared structure rules out, such as the logarithm of the determinant of a skew 3×3 matrix."""
    parts = value.args if value.op in (products.PRODUCT, products.SCALE, sums.SUM) else ()
    for node in (value, *parts):
        for words, e in node.op.conditions(node):
            why = impossible(node, words, e)
            if e is not None and why is not None:
                shown = write_text(e).text
                raise formula.error_at(i, f"this needs {words.format(shown)}, which never holds: {why}", ShapeError)


def _check_number(e: Expr) -> None:
    """Numbers that double with every line of definitions must not fill the memory."""
    if e.op is constants.NUMBER or e.op is sums.SUM:
        for c in e.params:
            if not isinstance(c, float) and max(c.numerator.bit_length(), c.denominator.bit_length()) > NUMBER_BITS:
                raise LimitError("a number here is too large")
