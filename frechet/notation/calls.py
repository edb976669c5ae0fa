"""The pass over the calls of a text: which page each means, and which of its arguments are dimensions and numbers."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from frechet.expressions.dimension import UNIT, Dim, dim, kind
from frechet.expressions.errors import FrechetError, LimitError, NotationError, ShapeError
from frechet.expressions.function import resolved
from frechet.expressions.operation import Operation, fitting
from frechet.notation import broadcasting, function_mistakes, indices, mistakes
from frechet.notation.formula import DIMENSION, EXPRESSION, INDEX, LITERAL, Formula
from frechet.notation.functions import FILLED, Call, functions
from frechet.notation.inference import checked
from frechet.notation.kinds import default_kind
from frechet.notation.syntax import Node
from frechet.operations import constants, einsum
from frechet.operations.declared_maps import page_of
from frechet.operations.elementwise import Elementwise
from frechet.operations.functional_calculus import known_functions

EXPONENT_LIMIT = 8  # of a power of a dimension, as in eye(n^2)


def understand_calls(formula: Formula) -> None:
    """The page and the arguments of every call; what is no expression among them gets its role."""
    table = functions()
    for i, node in enumerate(formula.nodes):
        if node.kind == "call":
            name = str(node.value)
            if name in FILLED and len(node.args) == 1:
                formula.calls[i] = _filled(formula, name, node)
                continue
            rows = table.get(name)
            if rows is None and indices.is_sum(formula, i):
                continue
            if rows is None:
                declared = _declared(formula, i, name)
                if declared is not None:
                    formula.calls[i] = declared
                    continue
                raise mistakes.unknown_function(formula, i)
            takes, page = _chosen(formula, i, name, rows)
            typed: list[tuple[bool, Any]] = []
            for letter, a in zip(takes, node.args, strict=True):
                if letter == "e":
                    typed.append((True, a))
                elif letter == "n":
                    formula.roles[a] = LITERAL
                elif letter == "d":
                    formula.roles[a] = DIMENSION
                    typed.append((False, a))  # replaced by the dimension once names are known
                elif letter == "s":
                    formula.roles[a] = LITERAL
                    typed.append((False, _text(formula, name, a)))
                elif letter == "f":
                    formula.roles[a] = LITERAL
                    typed.append((False, _function(formula, name, a)))
                else:
                    formula.roles[a] = LITERAL
                    typed.append((False, _number(formula, i, name, a, whole=letter == "i")))
            if name == "eye" and not takes:
                typed.append((False, formula.unifier.fresh()))
            formula.calls[i] = Call(page, typed)
            if page is einsum.EINSUM:
                _orders(formula, i)
            if page.forces_matrix and len(node.args) == 1 and formula.nodes[node.args[0]].kind == "name":
                formula.forced.add(str(formula.nodes[node.args[0]].value))
        elif node.kind == "index":
            indices.understand(formula, i)
        elif node.kind in ("broadcast_add", "broadcast_sub", "blocks"):
            broadcasting.understand(formula, node)


def _declared(formula: Formula, i: int, name: str) -> Call | None:
    """The call of a declared function or of a derivative of one."""
    meant = resolved(name, formula.functions)
    if meant is None:
        return None
    args = formula.nodes[i].args
    page = page_of(*meant, len(args))
    if page is None:
        raise function_mistakes.wrong_count_declared(formula, i, *meant)
    point = formula.nodes[args[0]]
    if point.kind == "name" and meant[0].domain is not None:
        formula.wanted.setdefault(str(point.value), kind(meant[0].domain))
    return Call(page, [*((True, a) for a in args), *((False, p) for p in meant)])


def _filled(formula: Formula, name: str, node: Node) -> Call:
    rows, columns = formula.unifier.fresh(), formula.unifier.fresh() if name == "matrix" else UNIT
    return Call(constants.ONES, [(True, node.args[0]), (False, (rows, columns))])


def _chosen(formula: Formula, i: int, name: str, rows: list[tuple[str, Operation]]) -> tuple[str, Operation]:
    args = formula.nodes[i].args
    fit = [(t, page) for takes, page in rows for t in fitting((takes,), len(args))]
    if not fit:
        raise mistakes.wrong_count(formula, i, rows)
    fit.sort(key=lambda row: row[0].count("e"))  # layernorm(X,2) is along the rows, layernorm(x,c) has a number c
    for takes, page in fit:
        if all(_may_be(formula, letter, a) for letter, a in zip(takes, args, strict=True)):
            return takes, page
    takes, page = fit[-1]
    given = next(
        (a for letter, a in zip(takes, args, strict=True) if letter == "n" and formula.nodes[a].kind != "none"), None
    )
    if given is not None:
        raise formula.error_at(
            given, f"{page.signature} has [] here: the second argument is what the entries are compared with"
        )
    nothing = next((a for a in args if formula.nodes[a].kind == "none"), None)
    if nothing is not None:
        raise formula.error_at(nothing, f"{name} takes no empty argument: [] stands in max(X,[],1) and max(X,[],2)")
    return takes, page


def _may_be(formula: Formula, letter: str, a: int) -> bool:
    if letter == "n" or formula.nodes[a].kind == "none":
        return letter == "n" and formula.nodes[a].kind == "none"
    value = _literal(formula, a) if letter in "ir" else 0
    return isinstance(value, int) if letter == "i" else value is not None


def _literal(formula: Formula, i: int) -> int | Fraction | float | None:
    """The number that a node is when it is written as one: 2, -2, 1/2."""
    node, sign = formula.nodes[i], 1
    while node.kind == "neg":
        node, sign = formula.nodes[node.args[0]], -sign
    if node.kind == "div":
        above, below = (formula.nodes[a].value for a in node.args)
        if isinstance(above, int) and isinstance(below, int) and below:
            return constants.exact(sign * Fraction(above, below))
        return None
    if node.kind == "number" and isinstance(node.value, int | Fraction | float):
        return sign * node.value
    return None


def _number(formula: Formula, i: int, name: str, a: int, whole: bool) -> int | Fraction | float:
    value = _literal(formula, a)
    if value is None or (whole and not isinstance(value, int)):
        what = "a whole number" if whole else "a number"
        shown = formula.nodes[a]
        raise formula.error_at(a, f"{name} needs {what} here, not {formula.text[shown.start : shown.end]}")
    return value


def _text(formula: Formula, name: str, a: int) -> str:
    node = formula.nodes[a]
    if node.kind != "string":
        shown = formula.text[node.start : node.end]
        raise formula.error_at(a, f'{name} needs a text in quotes here, as in einsum("ij,jk->ik", A, B), not {shown}')
    return str(node.value)


def _orders(formula: Formula, i: int) -> None:
    """The subscripts of einsum tell how many axes an undeclared name has."""
    subscripts, *operands = formula.nodes[i].args
    try:
        inputs, _ = einsum.read_subscripts(formula.nodes[subscripts].value)
    except FrechetError as error:
        raise formula.placed(error, subscripts) from None
    for letters, a in zip(inputs, operands, strict=False):
        if formula.nodes[a].kind == "name":
            formula.orders.setdefault(str(formula.nodes[a].value), len(letters))
        elif len(letters) > 2:  # the arrays in exp(T) - S have as many axes as it
            stack = [a]
            while stack:
                node = formula.nodes[stack.pop()]
                entrywise = node.kind == "call" and node.args[1:] == () and _is_elementwise(str(node.value))
                if entrywise or node.kind in ("neg", "add", "sub", "hadamard", "ediv"):
                    stack += node.args
                elif node.kind == "epower":
                    stack.append(node.args[0])
                elif node.kind == "name" and default_kind(str(node.value)) != "scalar":
                    formula.orders.setdefault(str(node.value), len(letters))


def _is_elementwise(name: str) -> bool:
    return any(isinstance(page, Elementwise) for _, page in functions().get(name, ()))


def _function(formula: Formula, name: str, a: int) -> str:
    """The element-wise function that is named."""
    node = formula.nodes[a]
    if node.kind == "name" and node.value in known_functions():
        return str(node.value)
    shown = formula.text[node.start : node.end]
    known = ", ".join(known_functions())
    raise formula.error_at(a, f"{name} needs the name of an element-wise function here, not {shown}: {known}")


def assign_roles(formula: Formula) -> None:
    """Parents hand down what their parts are read as; names in dimensions are collected, dimensions evaluated."""
    nodes, roles = formula.nodes, formula.roles
    indices.find_scopes(formula)
    if not any(roles):
        _refuse_double_use(formula)
        return
    for i in range(len(nodes) - 1, -1, -1):
        if roles[i] == EXPRESSION:
            continue
        for a in nodes[i].args:
            roles[a] = roles[i]
        if roles[i] in (DIMENSION, INDEX) and nodes[i].kind == "name":
            name = str(nodes[i].value)
            if name in formula.known or name in formula.given or name in formula.definitions:
                what = "a dimension" if roles[i] == DIMENSION else "an index"
                raise formula.error_at(i, f"{name} is a variable, and is used as {what} here")
            if roles[i] == DIMENSION or name != indices.END:
                formula.dimensions.add(name)
    _refuse_double_use(formula)
    for i in range(len(nodes)):
        if roles[i] in (DIMENSION, INDEX) and nodes[i].kind != "slice":
            formula.shapes[i] = _dimension(formula, i)
    for i, call in formula.calls.items():
        takes = nodes[i].args
        if any(roles[a] == DIMENSION for a in takes):
            call.typed = [
                (is_node, _positive(formula, a) if not is_node and roles[a] == DIMENSION else value)
                for (is_node, value), a in zip(call.typed, takes, strict=True)
            ]
            call.params = [value for is_node, value in call.typed if not is_node]


def _refuse_double_use(formula: Formula) -> None:
    for d in formula.program.definitions:
        if d.name in formula.dimensions:
            message = f"{d.name} is a dimension, and is defined here as something else"
            raise formula.error(NotationError, message, d.start, d.end)
    both = formula.forced & formula.dimensions
    if both:
        for i, call in formula.calls.items():
            a = formula.nodes[i].args
            if call.page.forces_matrix and a and formula.nodes[a[0]].value in both:
                name = formula.nodes[a[0]].value
                raise formula.error_at(a[0], f"{name} is a dimension elsewhere, and a matrix here: rename one of them")


def _positive(formula: Formula, i: int) -> Dim:
    found: Dim = formula.shapes[i]
    if all(c <= 0 for _, c in found.terms):
        raise formula.error_at(i, f"a dimension is at least 1, not {found}", ShapeError)
    return found


def _even(d: Dim) -> bool:
    """Is the dimension even whatever the sizes of its names are, as n*(n+1) is?  (A square is even where its root is.)"""
    odd: dict[frozenset[str], int] = {}
    for monomial, c in d.terms:
        odd[frozenset(monomial)] = odd.get(frozenset(monomial), 0) + int(c)
    return all(c.denominator == 1 for _, c in d.terms) and all(c % 2 == 0 for c in odd.values())


def _dimension(formula: Formula, i: int) -> Dim:
    node = formula.nodes[i]
    if node.kind == "name":
        name = str(node.value)
        return formula.sizes.get(name) or dim({(name,): 1})
    if node.kind == "number" and isinstance(node.value, int):
        return checked(dim({(): node.value}))
    parts = [formula.shapes[a] for a in node.args]
    try:
        if node.kind == "mul":
            return checked(parts[0] * parts[1])
        if node.kind == "add":
            return checked(parts[0] + parts[1])
        if node.kind == "sub":
            return checked(parts[0] - parts[1])
        if node.kind == "neg":
            return checked(-parts[0])
        if node.kind == "div" and parts[1].value() == 2 and _even(parts[0]):
            whole: Dim = parts[0]
            return whole.halved()
        if node.kind == "power":
            k = parts[1].value()
            if k is not None and 1 <= k <= EXPONENT_LIMIT:
                found: Dim = parts[0]
                for _ in range(k - 1):
                    found = checked(found * parts[0])
                return found
    except LimitError as error:
        raise formula.placed(error, i) from None
    shown = formula.text[node.start : node.end]
    what = "a dimension" if formula.roles[i] == DIMENSION else "an index"
    raise formula.error_at(i, f"{what} is expected here, such as n, 3, 2*n or n+1, not {shown}")
