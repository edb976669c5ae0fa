"""The pass that gives every name and every part of a text its shape, and the variables made of what it found."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from frechet.expressions import operation
from frechet.expressions.dimension import SCALAR, UNIT, Dim, Shape, kind
from frechet.expressions.errors import FrechetError, ShapeError, UnsupportedError
from frechet.expressions.operation import Operation
from frechet.notation import broadcasting, indices, mistakes
from frechet.notation.formula import Formula, described
from frechet.notation.functions import Call
from frechet.notation.inference import checked
from frechet.notation.kinds import default_kind
from frechet.operations import constants, hadamard, powers, products, reductions, shaping, sums, vech
from frechet.operations.networks import shape_of
from frechet.operations.transposition import TRANSPOSE


def _name_shape(formula: Formula, name: str, i: int) -> Shape:
    if name in formula.definitions:
        root = formula.definitions[name]
        if formula.shapes[root] is None or root >= i:
            raise formula.used_too_early(name, i)
        shape: Shape = formula.shapes[root]
        return shape
    if name in formula.named:
        return formula.named[name]
    if name in formula.given:
        shape = formula.given[name].shape
        shape = tuple(d.substitute(formula.sizes) for d in shape) if formula.sizes else shape
    elif name in formula.dimensions or name == "pi":
        return SCALAR
    elif name == "eye" and name not in formula.known:
        n = formula.unifier.fresh()
        return n, n
    else:
        shape = _default(formula, name)
    formula.named[name] = shape
    return shape


def _default(formula: Formula, name: str) -> Shape:
    fresh = formula.unifier.fresh
    known = formula.known.get(name)
    if name in formula.orders and (known is None or not known.structure):
        return shape_of([fresh() for _ in range(formula.orders[name])])
    what = "matrix" if name in formula.forced else "vector" if name in formula.vectors else default_kind(name)
    what = formula.wanted.get(name, "scalar" if name in formula.exponents | formula.numbers else what)
    if known is not None and known.kind is not None:
        what = known.kind
    if what == "scalar":
        return SCALAR
    rows = fresh()
    if what == "vector":
        return rows, UNIT
    return rows, rows if known is not None and known.square else fresh()


def _division_shape(equal: Any, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
    if shapes[1] != SCALAR:
        raise ShapeError("division")
    return shapes[0]


def _epower_shape(equal: Any, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
    base, exponent = shapes
    return exponent if base == SCALAR else hadamard.POWER.shape(equal, shapes, params)


def _product_shape(equal: Any, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
    page = products.SCALE if SCALAR in shapes else products.PRODUCT
    if page is products.SCALE and shapes[0] != SCALAR:
        shapes = shapes[::-1]
    return operation.shape_of(page, equal, shapes, params)


def _by_page(page: Operation) -> Any:
    return partial(operation.shape_of, page)


_RULES: dict[str, Any] = {
    "add": _by_page(sums.SUM),
    "sub": _by_page(sums.SUM),
    "neg": lambda equal, shapes, params: shapes[0],
    "mul": _product_shape,
    "div": _division_shape,
    "hadamard": _by_page(hadamard.MONOMIAL),
    "ediv": _by_page(hadamard.MONOMIAL),
    "epower": _epower_shape,
    "kron": _by_page(shaping.KRON),
    "solve": _by_page(powers.SOLVE),
    "frobenius": _by_page(reductions.FROBENIUS),
    "transpose": _by_page(TRANSPOSE),
    "ctranspose": _by_page(TRANSPOSE),
    "broadcast_add": broadcasting.shape,
    "broadcast_sub": broadcasting.shape,
}


def infer(formula: Formula) -> None:
    """The shapes of all nodes and names, with dimensions that may still be unknown."""
    shapes, nodes, unifier, roles = formula.shapes, formula.nodes, formula.unifier, formula.roles
    equal, rules = unifier.equal, _RULES
    i = 0
    try:
        for i, node in enumerate(nodes):
            if roles[i]:
                continue
            what = node.kind
            if what == "name":
                shapes[i] = _name_shape(formula, node.value, i)  # type: ignore[arg-type]
                continue
            if what == "number" or what == "imaginary":
                shapes[i] = SCALAR
                continue
            unifier.place = i
            if i in formula.sums:
                shapes[i] = shapes[node.args[0]]
            elif what == "call":
                call = formula.calls[i]
                if call.page is constants.ONES and call.args:
                    shapes[i] = _filled_shape(formula, i, call)
                else:
                    shapes[i] = operation.shape_of(call.page, equal, [shapes[a] for a in call.args], call.params)
                    for d in shapes[i]:
                        checked(d)
            elif what in rules:
                shapes[i] = rules[what](equal, [shapes[a] for a in node.args], ())
                if what == "mul" and unifier.postponed:
                    _prefer_commuted(formula, *node.args)
            elif what == "power":
                shapes[i] = _power_shape(formula, i)
            elif what == "index":
                shapes[i] = indices.shape(formula, i)
            elif what == "blocks":
                shapes[i] = indices.shape_of_blocks(formula, i)
            elif what == "string":
                raise formula.error_at(i, "a text in quotes has no meaning here")
            else:
                raise formula.error_at(i, f"{what} is not supported yet", UnsupportedError)
        indices.guess_lengths(formula)
        for v in formula.known.values():
            for name, mask in v.masks():
                for a, b in zip(*(_name_shape(formula, each, len(nodes)) for each in (name, mask)), strict=True):
                    _equal_to_mask(formula, name, mask, a, b)
        unifier.finish()
        for v in formula.known.values():
            if v.name not in formula.named:
                _name_shape(formula, v.name, len(nodes))
    except ShapeError as error:
        if error.position is not None:
            raise
        raise mistakes.shape_error(formula, unifier.place, error) from None
    except FrechetError as error:
        raise formula.placed(error, i) from None


_OF_VEC = (constants.COMMUTATION, vech.ELIMINATION)


def _prefer_commuted(formula: Formula, left: int, right: int) -> None:
    """In commutation(m,n)*vec(X) the matrix X is m×n, in elimination(n)*vec(X) n×n, where nothing else says what it is."""
    while formula.nodes[left].kind == "mul":
        left = formula.nodes[left].args[1]
    first, second = formula.calls.get(left), formula.calls.get(right)
    if first is not None and second is not None and first.page in _OF_VEC and second.page is shaping.VEC:
        m, n = first.params[0], first.params[-1]
        if len(formula.shapes[second.args[0]]) == 2:
            formula.unifier.preferred.append((formula.shapes[second.args[0]], (m, n)))


def _filled_shape(formula: Formula, i: int, call: Call) -> Shape:
    if formula.shapes[call.args[0]] != SCALAR:
        name = formula.nodes[i].value
        raise formula.error_at(call.args[0], f"{name} takes a number, as in {name}(1)", ShapeError)
    shape: Shape = call.params[0]
    return shape


def _power_shape(formula: Formula, i: int) -> Shape:
    base, exponent = (formula.shapes[a] for a in formula.nodes[i].args)
    if exponent != SCALAR or kind(base) not in ("scalar", "matrix"):
        raise ShapeError("power")
    if base == SCALAR:
        return SCALAR
    formula.whole |= _names_of_exponent(formula, formula.nodes[i].args[1])
    return powers.MATRIX_POWER.shape(formula.unifier.equal, (base,), ())


def _equal_to_mask(formula: Formula, name: str, mask: str, a: Dim, b: Dim) -> None:
    try:
        formula.unifier.equal(a, b)
    except ShapeError:
        shapes = " and ".join(described(formula.unifier.shape(formula.named[each])) for each in (name, mask))
        raise formula.declared(
            name, ShapeError, f"{name} and its mask {mask} are {shapes}: they must have one shape"
        ) from None


def _sized(word: str, formula: Formula) -> str:
    """rank r with the size of r, where that is given."""
    return f"rank {formula.sizes[word[5:]]}" if word.startswith("rank ") and word[5:] in formula.sizes else word


def _names_of_exponent(formula: Formula, i: int) -> set[str]:
    """The undeclared names in an exponent such as k or 2*k-1."""
    found: set[str] = set()
    stack = [i]
    while stack:
        node = formula.nodes[stack.pop()]
        if node.kind in ("add", "sub", "mul", "neg"):
            stack.extend(node.args)
        elif node.kind == "name":
            name = str(node.value)
            told = (formula.known, formula.given, formula.definitions, formula.dimensions)
            if name not in ("pi", "eye") and not any(name in names for names in told):
                found.add(name)
        elif node.kind != "number":
            return set()
    return found


def find_exponents(formula: Formula) -> None:
    """Undeclared names in exponents are numbers: of what else could they be the power?"""
    for i, node in enumerate(formula.nodes):
        if node.kind == "power" and not formula.roles[i]:
            formula.exponents |= _names_of_exponent(formula, node.args[1])


def settle(formula: Formula) -> None:
    """Letters for the dimensions that are still unknown; the variables."""
    unifier = formula.unifier
    if unifier.unknowns:
        taken = {str(n.value) for n in formula.nodes if n.kind == "name"}
        taken |= formula.dimensions | formula.known.keys() | formula.given.keys() | formula.definitions.keys()
        taken |= formula.functions.keys()
        unifier.name_unknowns(formula.named.get(formula.wrt or ""), taken)
    order = dict.fromkeys(str(n.value) for n in formula.nodes if n.kind == "name" and n.value in formula.named)
    order.update(dict.fromkeys(formula.named))
    for name in order:
        shape = formula.named[name]
        if name in formula.given:
            formula.variables[name] = formula.given[name]
            continue
        known = formula.known.get(name)
        undeclared = "whole" if name in formula.whole else "normal"
        structure, domain = (known.structure, known.domain) if known is not None else ((), undeclared)
        if known is not None and known.complex:
            structure = (*structure, "complex")
        if formula.sizes:
            structure = tuple(_sized(word, formula) for word in structure)
        try:
            formula.variables[name] = constants.variable(name, unifier.shape(shape), structure, domain)
        except ShapeError as error:
            raise formula.declared(name, ShapeError, error.message) from None
