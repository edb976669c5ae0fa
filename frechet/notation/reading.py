"""Text -> expressions: names get types, shapes are inferred, and the constructors of the operations are called."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from frechet.derivation.stages import Stage, standing_for
from frechet.expressions.collection import without_collection
from frechet.expressions.dimension import SCALAR, kind
from frechet.expressions.errors import FrechetError, NotationError, ShapeError
from frechet.expressions.function import Function
from frechet.expressions.node import Expr, walk
from frechet.notation.building import build
from frechet.notation.calls import assign_roles, understand_calls
from frechet.notation.declaration import Declaration, FunctionDeclaration
from frechet.notation.declared import Known, declared
from frechet.notation.formula import Formula
from frechet.notation.indices import lonely_scalar
from frechet.notation.shapes import find_exponents, infer, settle

RETRIES = (20, 150)  # so many undeclared names may turn out to be vectors, in a long text and in a short one
RETRIED = 1_000_000  # characters that are read again for them


class Reading(NamedTuple):
    """What a text says: the expression, its variables, what is defined in it, the declared functions; by name."""

    expression: Expr
    variables: dict[str, Expr]
    definitions: dict[str, Expr]
    functions: Mapping[str, Function] = {}

    def sole_variable(self, purpose: str = "differentiate with respect to") -> str:
        """The name of the only variable.

        Raises:  NotationError, if there are several or none
        """
        if len(self.variables) != 1:
            names = ", ".join(self.variables) or "none"
            raise NotationError(f"name the variable to {purpose}, after the formula: {names}")
        return next(iter(self.variables))


@without_collection
def parse(
    text: str,
    declare: Mapping[str, str | Expr] | Sequence[str] | None = None,
    *,
    wrt: str | None = None,
    sizes: Mapping[str, int] | None = None,
    dimensions: Iterable[str] = (),
) -> Expr:
    """The expression that a text states.

    declare: declarations such as "S: n×n spd", or a mapping from names to what stands behind the colon, or expressions
    wrt: the variable of the derivative; its dimensions get the plainest letters
    sizes: numbers for dimensions
    dimensions: further names that are dimensions, as in a result such as sqrt(n) of text where n was inferred
    Raises:  FrechetError with the place in the text.

    >>> parse("x'*y") is parse("dot(x, y)")
    True
    """
    declarations, variables = declared(declare)
    return _read(Formula(text, declarations, variables, wrt, sizes or {}, dimensions)).expression


@without_collection
def read(
    text: str,
    declarations: Sequence[Declaration | FunctionDeclaration | str] = (),
    variables: Mapping[str, Expr] = {},
    wrt: str | None = None,
    sizes: Mapping[str, int] | None = None,
    dimensions: Iterable[str] = (),
) -> Reading:
    """The expression that a text states, with its variables and definitions. `variables` are known already.

    >>> [f"{v.params[0]}: {v.shape}" for v in read("norm2(X*w-y)^2", wrt="w").variables.values()]
    ['X: (Dim(m), Dim(n))', 'w: (Dim(n), Dim(1))', 'y: (Dim(m), Dim(1))']
    """
    known = [Known.of(d) for d in declarations]
    return _read(Formula(text, known, variables, wrt, sizes or {}, dimensions))


def read_stages(
    text: str,
    declarations: Sequence[Declaration | FunctionDeclaration | str] = (),
    variables: Mapping[str, Expr] = {},
    sizes: Mapping[str, int] | None = None,
    result: str = "L",
) -> tuple[Reading, list[Stage]]:
    """The text read with a variable for every definition: the stages, each in terms of the variables and of earlier ones.

    The last stage is the last line, under the name `result`, or a longer one where that is taken. Definitions that are
    numbers are put in.

    >>> [f"{s.name} = {s.expression}" for s in read_stages("h = tanh(W*x)\\nsum(h)")[1]]
    ['h = tanh(W*x)', 'L = sum(h)']
    """
    cut: dict[str, Expr] = {}
    formula = Formula(text, [Known.of(d) for d in declarations], variables, None, sizes or {})
    reading = _read(formula, cut)
    taken = {*reading.variables, *reading.definitions, *reading.functions, *formula.dimensions}
    while result in taken:
        result += "_"
    lines = {d.name: formula.line(d.start) for d in formula.program.definitions}
    stages = [
        Stage(cut.get(name) or standing_for(e, name), e, lines[name])
        for name, e in reading.definitions.items()
        if name in cut or any(n.op.name == "variable" for n in walk(e))
    ]
    last = formula.line(formula.nodes[formula.program.root].start)
    return reading, [*stages, Stage(standing_for(reading.expression, result), reading.expression, last)]


def read_entry(expr: str, vars: Mapping[str, Any], dims: Mapping[str, int], wrt: str | None = None) -> Reading:
    """An entry of the corpus: variables with "shape", "structure", "sample", "complex", and sizes of the dimensions.

    Where the dimensions agree only as numbers (9 and n*n for n = 3), every dimension becomes its number.
    """
    known = [Known.of_entry(name, said, name == wrt) for name, said in vars.items()]
    names = [name for name in dims if name not in vars]
    try:
        return _read(Formula(expr, known, {}, wrt, {}, names))
    except ShapeError as error:
        try:
            return _read(Formula(expr, known, {}, wrt, dict(dims), names))
        except FrechetError:
            raise error from None


def _read(formula: Formula, cut: dict[str, Expr] | None = None) -> Reading:
    """The passes over the tape, one after the other. cut: see `build`."""
    understand_calls(formula)
    assign_roles(formula)
    find_exponents(formula)
    try:
        infer(formula)
    except ShapeError as error:
        return _read_with_vector(formula, error, cut)
    settle(formula)
    values = build(formula, cut)
    definitions = {name: values[root] for name, root in formula.definitions.items()}
    return Reading(values[formula.program.root], {**formula.variables, **formula.given}, definitions, formula.functions)


def _read_with_vector(formula: Formula, error: ShapeError, cut: dict[str, Expr] | None) -> Reading:
    """The text read again with an undeclared scalar that is added to a vector, as b in W*x + b, as a vector,
    with an undeclared vector that is added to a number made of vectors, as y in w'*x - y, as a number,
    and with an undeclared name that is added to a tensor as a tensor.

    An expression wins over a default, never over a declaration. If that reading fails too, the first error is told.
    """
    name, order = _added_scalar(formula, formula.unifier.place), 1
    if name is None:
        name, order = _beside_tensor(formula, formula.unifier.place)
    number = _added_vector(formula, formula.unifier.place) if name is None else None
    least, most = RETRIES
    again_and_again = len(formula.vectors) + len(formula.numbers)
    if (name or number) is None or again_and_again >= max(least, min(most, RETRIED // max(len(formula.text), 1))):
        raise error
    again = Formula(formula.text, formula.said, formula.given, formula.wrt, formula.sizes, formula.dimensions)
    again.vectors = formula.vectors | ({name} if name is not None else set())
    again.numbers = formula.numbers | ({number} if number is not None else set())
    again.orders = formula.orders | ({name: order} if name is not None and order > 1 else {})
    try:
        return _read(again, cut)
    except ShapeError:
        raise error from None


def _added_scalar(formula: Formula, place: int) -> str | None:
    """The undeclared name of scalar default that stands at this node where only a vector makes sense.

    Beside a vector in a sum or an inner product, on the right of solve and lstsq, in an outer product.
    """
    node = formula.nodes[place]
    what = str(node.value) if node.kind == "call" else node.kind
    if what == "blocks":
        return lonely_scalar(formula, node)
    if what in ("solve", "lstsq", "ridge") and len(node.args) > 1:
        pairs = [(node.args[1], None)]
    elif what in ("add", "sub", "dot", "frobenius") and len(node.args) == 2:
        pairs = [node.args, node.args[::-1]]  # type: ignore[list-item]
    elif what == "outer":
        pairs = [(a, None) for a in node.args]
    else:
        return None
    for i, j in pairs:
        name = formula.nodes[i].value
        if formula.nodes[i].kind != "name" or not isinstance(name, str) or formula.shapes[i] != SCALAR:
            continue
        if not _is_known(formula, name) and name != "pi" and (j is None or kind(formula.shapes[j]) == "vector"):
            return name
    return None


def _added_vector(formula: Formula, place: int) -> str | None:
    """The undeclared name of vector default that is added at this node to a number that is made of vectors, w'*x - y.

    To a plain number, as in x + 1 or c*d + x, it stays a vector, and the error says what was probably meant.
    """
    node = formula.nodes[place]
    if node.kind not in ("add", "sub") or len(node.args) != 2:
        return None
    for i, j in (node.args, node.args[::-1]):
        name = formula.nodes[i].value
        if formula.nodes[i].kind != "name" or not isinstance(name, str) or formula.shapes[j] != SCALAR:
            continue
        made_of_arrays = any(formula.shapes[k] not in (None, SCALAR) for k in _below(formula, j))
        if made_of_arrays and not _is_known(formula, name) and name != formula.wrt and kind(formula.shapes[i]) == "vector":
            return name
    return None


def _below(formula: Formula, root: int) -> Iterator[int]:
    """The nodes below a node, and those of the definitions that it names."""
    stack, seen = [root], set()
    while stack:
        i = stack.pop()
        if i not in seen:
            seen.add(i)
            yield i
            stack += formula.nodes[i].args
            defined = formula.definitions.get(str(formula.nodes[i].value)) if formula.nodes[i].kind == "name" else None
            stack += [defined] if defined is not None else []


def _beside_tensor(formula: Formula, place: int) -> tuple[str | None, int]:
    """The undeclared name that stands at this node beside a tensor, where shapes must be equal, and the tensor's order."""
    node = formula.nodes[place]
    what = str(node.value) if node.kind == "call" else node.kind
    if what in ("add", "sub", "hadamard", "ediv", "dot", "frobenius", "max", "min") and len(node.args) == 2:
        for i, j in (node.args, node.args[::-1]):
            name, shape = formula.nodes[i].value, formula.shapes[j]
            if formula.nodes[i].kind != "name" or not isinstance(name, str) or shape is None or len(shape) < 3:
                continue
            if not _is_known(formula, name) and name != "pi" and name not in formula.orders:
                return name, len(shape)
    return None, 0


def _is_known(formula: Formula, name: str) -> bool:
    """Is the shape of the name said? A declaration such as b: complex leaves it open."""
    said = formula.known.get(name)
    shaped = said is not None and said.dims is not None
    return shaped or name in formula.given or name in formula.definitions or name in formula.dimensions
