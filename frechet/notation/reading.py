"""Text -> expressions: names get types, shapes are inferred, and the constructors of the operations are called."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from functools import cache
from typing import Any, NamedTuple

import frechet.operations as operations
from frechet.expressions.dimension import SCALAR, UNIT, Dim, Shape, dim, kind
from frechet.expressions.errors import FrechetError, LimitError, NotationError, ShapeError, UnsupportedError
from frechet.expressions.node import Expr
from frechet.expressions.operation import Operation, operation_named
from frechet.notation import mistakes
from frechet.notation.declaration import Declaration, read_declaration
from frechet.notation.inference import Unifier, checked
from frechet.notation.syntax import Node, Program, read_syntax
from frechet.operations import constants, hadamard, powers, products, reductions, shaping, sums
from frechet.operations.transposition import TRANSPOSE, transposed

NUMBER_BITS = 10_000  # of a number that a formula comes to
EXPONENT_LIMIT = 8  # of a power of a dimension, as in eye(n^2)


class Reading(NamedTuple):
    """What a text says: the expression, its variables by name, and what the names defined in it stand for."""

    expression: Expr
    variables: dict[str, Expr]
    definitions: dict[str, Expr]


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
    declarations, variables = _declared(declare)
    return Reader(text, declarations, variables, wrt, sizes or {}, dimensions).read().expression


def read(
    text: str,
    declarations: Sequence[Declaration | str] = (),
    variables: Mapping[str, Expr] = {},
    wrt: str | None = None,
    sizes: Mapping[str, int] | None = None,
    dimensions: Iterable[str] = (),
) -> Reading:
    """The expression that a text states, with its variables and definitions. `variables` are known already.

    >>> [f"{v.params[0]}: {v.shape}" for v in read("norm2(X*w-y)^2", wrt="w").variables.values()]
    ['X: (Dim(m), Dim(n))', 'w: (Dim(n), Dim(1))', 'y: (Dim(m), Dim(1))']
    """
    known = [_Known.of(d) for d in declarations]
    return Reader(text, known, variables, wrt, sizes or {}, dimensions).read()


def read_entry(expr: str, vars: Mapping[str, Any], dims: Mapping[str, int], wrt: str | None = None) -> Reading:
    """An entry of the corpus: variables with "shape", "structure", "sample", "complex", and sizes of the dimensions.

    Where the dimensions agree only as numbers (9 and n*n for n = 3), every dimension becomes its number.
    """
    known = [_Known.of_entry(name, said, name == wrt) for name, said in vars.items()]
    names = [name for name in dims if name not in vars]
    try:
        return Reader(expr, known, {}, wrt, {}, names).read()
    except ShapeError as error:
        try:
            return Reader(expr, known, {}, wrt, dict(dims), names).read()
        except FrechetError:
            raise error from None


class _Known:
    """What is said of a name before its text is read. dims: None where the shape is open."""

    __slots__ = ("dims", "domain", "name", "structure")

    def __init__(self, name: str, dims: tuple[Dim, ...] | None, words: Iterable[str], field: str | None) -> None:
        self.name, self.dims = name, dims
        if dims is not None and len(dims) > 2:
            raise UnsupportedError(f"{name} has {len(dims)} dimensions: only scalars, vectors and matrices are known here")
        if field == "complex":
            raise UnsupportedError(f"{name} is complex: complex variables come later")
        structure, domains = [], []
        for word in words:
            if word == "elementwise":
                raise UnsupportedError(f"{name} is declared as a function: declared functions are not supported yet")
            if word == "hermitian":
                later = "complex variables come later; of a real matrix say symmetric"
                raise UnsupportedError(f"{name} is hermitian, so complex: {later}")
            word = "labels±1" if word == "labels" else word
            if word in constants.STRUCTURES:
                structure.append(word)
            elif word in constants.DOMAINS:
                domains.append(word)
            else:
                raise NotationError(f"{word!r}, said of {name}, is not a property known here")
        domains = [word for word in domains if word != "normal"]
        if len(domains) > 1:
            raise NotationError(f"{name} is declared {' and '.join(domains)}: say only the narrower of them")
        self.structure = tuple(structure)
        self.domain = domains[0] if domains else "normal"

    @classmethod
    def of(cls, declaration: Declaration | str) -> _Known:
        text = declaration if isinstance(declaration, str) else None
        if isinstance(declaration, str):
            declaration = read_declaration(declaration)
        try:
            dims = declaration.dims
            return cls(
                declaration.name, None if dims is None else tuple(map(dim, dims)), declaration.words, declaration.field
            )
        except FrechetError as error:
            raise _placed(error, text, 0, len(text or "")) from None

    @classmethod
    def of_entry(cls, name: str, said: Mapping[str, Any], differentiated: bool = False) -> _Known:
        """The sample of a constant is a promise; of the variable itself it only says where to look."""
        if not isinstance(said, Mapping) or not isinstance(said.get("shape", ()), Sequence):
            raise NotationError(f'{name} must be described as {{"shape": ["n", "m"]}}, perhaps with structure and sample')
        words = list(said.get("structure") or ())
        sample = said.get("sample")
        dims = tuple(dim(d) for d in said.get("shape", ()))
        field = "complex" if said.get("complex") else None
        if sample == "spd" and not dims:
            sample = "positive"
        if differentiated and sample in ("spd", "orthogonal", *hadamard.BOUND):
            known = cls(name, dims, words, field)
            if sample is not None and sample not in hadamard.BOUND and sample not in words:
                known.domain = sample
            return known
        if sample and sample not in words:
            words.append(sample)
        return cls(name, dims, words, field)

    @property
    def square(self) -> bool:
        return self.domain == "invertible" or not _SQUARE.isdisjoint(self.structure)


_SQUARE = frozenset(constants.STRUCTURES) - {"lower", "upper", "toeplitz", "orthogonal"}


def _declared(declare: Mapping[str, str | Expr] | Sequence[str] | None) -> tuple[list[_Known], dict[str, Expr]]:
    if not declare:
        return [], {}
    if isinstance(declare, str):
        declare = [declare]
    if not isinstance(declare, Mapping):
        return [_Known.of(d) for d in declare], {}
    texts = {name: said for name, said in declare.items() if not isinstance(said, Expr)}
    return (
        [_Known.of(f"{name}: {said}") for name, said in texts.items()],
        {name: said for name, said in declare.items() if isinstance(said, Expr)},
    )


def _placed(error: FrechetError, text: str | None, start: int, end: int) -> FrechetError:
    if error.position is None and text is not None:
        error.position, error.end, error.text = start, end, text
    return error


class _Call:
    """A call as understood: the page, and its arguments in typed order: indices of nodes for expressions, or values."""

    __slots__ = ("args", "page", "params", "typed")

    def __init__(self, page: Operation, typed: list[tuple[bool, Any]]) -> None:
        self.page = page
        self.typed = typed
        self.args = [value for is_node, value in typed if is_node]
        self.params = [value for is_node, value in typed if not is_node]


# Constants take dimensions; `eye` without one, and matrixcalculus.org's vector(1) and matrix(0), have inferred sizes.
CONSTANTS = {"ones": ("d", "dd"), "zeros": ("d", "dd"), "eye": ("", "d"), "unit": ("di",), "commutation": ("dd",)}
FILLED = ("vector", "matrix")


@cache
def functions() -> dict[str, list[tuple[str, Operation]]]:
    """What may be typed as name(arguments): for every name the kinds of the arguments and the page."""
    found: dict[str, list[tuple[str, Operation]]] = {}
    for name, pages in operations.typed_operations().items():
        rows = [(takes, page) for page in pages if page.typed or page.typed_as for takes in page.takes]
        if rows:
            found[name] = rows
    for name, takes in CONSTANTS.items():
        found.setdefault(name, [(t, operation_named(name)) for t in takes])
    return found


_FAMILY = {"add": 1, "sub": 1, "neg": 1, "mul": 2, "div": 2, "hadamard": 3, "ediv": 3}
_SECOND_NEGATIVE = frozenset({"sub", "div", "ediv"})
_EXPRESSION, _DIMENSION, _LITERAL = 0, 1, 2  # what a node is read as


RETRIES = 20  # so many undeclared names may turn out to be vectors


class Reader:
    """One reading of one text."""

    def __init__(
        self,
        text: str,
        known: Sequence[_Known],
        variables: Mapping[str, Expr],
        wrt: str | None,
        sizes: Mapping[str, int],
        dimension_names: Iterable[str] = (),
    ) -> None:
        self.text = text
        self.program: Program = read_syntax(text)
        self.nodes: list[Node] = self.program.nodes
        self.unifier = Unifier()
        self.wrt = wrt
        self.sizes = {name: dim(size) for name, size in sizes.items()}
        self.dimensions: set[str] = set(dimension_names)
        self.dimensions.update(sizes)
        self.given = dict(variables)
        self.known: dict[str, _Known] = {}
        self.definitions: dict[str, int] = {}  # name -> the node it stands for
        self.calls: dict[int, _Call] = {}
        self.roles = [_EXPRESSION] * len(self.nodes)
        self.forced: set[str] = set()  # names that must be matrices
        self.vectors: set[str] = set()  # names that are vectors, whatever their letter, because of what they are added to
        self.shapes: list[Any] = [None] * len(self.nodes)
        self.named: dict[str, Shape] = {}
        self._declare(known)

    # -- names
    def _declare(self, known: Sequence[_Known]) -> None:
        for v in known:
            if v.name in self.known or v.name in self.given:
                raise self.declared(v.name, NotationError, f"{v.name} is declared twice")
            if v.name == "pi":
                raise self.declared("pi", NotationError, "pi is the number π: choose another name for the variable")
            self.known[v.name] = v
            for d in v.dims or ():
                self.dimensions |= d.names()
        for e in self.given.values():
            for d in e.shape:
                self.dimensions |= d.names()
        for name in self.dimensions:
            if name in self.known or name in self.given:
                message = f"{name} is declared as a variable, and another declaration uses it as a dimension"
                raise self.declared(name, NotationError, message)
        for v in known:
            if v.name not in self.named and v.dims is not None:
                self.named[v.name] = self._shape_of_declared(v)

    def _shape_of_declared(self, v: _Known) -> Shape:
        assert v.dims is not None
        dims = [d.substitute(self.sizes) for d in v.dims]
        shape = (dims[0] if dims else UNIT, dims[1] if len(dims) > 1 else UNIT)
        if v.square and (kind(shape) != "matrix" or shape[0] is not shape[1]):
            word = v.structure[0] if v.structure else v.domain
            message = f"{v.name} is declared {word}, so it must be a square matrix, not {mistakes.described(shape)}"
            raise self.declared(v.name, ShapeError, message)
        return shape

    def _lines(self) -> None:
        for d in self.program.definitions:
            if d.name in self.definitions:
                first = next(e for e in self.program.definitions if e.name == d.name)
                message = f"{d.name} is defined twice: on line {self._line(first.start)} and on line {self._line(d.start)}"
                raise self.error(NotationError, message, d.start, d.end)
            if d.name in self.known or d.name in self.given:
                raise self.error(NotationError, f"{d.name} is declared as a variable, and defined here", d.start, d.end)
            if d.name == "pi":
                raise self.error(NotationError, "pi is the number π: choose another name", d.start, d.end)
            self.definitions[d.name] = d.root

    def _line(self, place: int) -> int:
        return self.text.count("\n", 0, place) + 1

    def error(self, cls: type[FrechetError], message: str, start: int, end: int) -> FrechetError:
        return cls(message, position=start, end=end, text=self.text)

    def declared(self, name: str, cls: type[FrechetError], message: str) -> FrechetError:
        """An error of a declaration, at the place where the name is used."""
        node = next((n for n in self.nodes if n.kind == "name" and n.value == name), self.nodes[self.program.root])
        return self.error(cls, message, node.start, node.end)

    def error_at(self, i: int, message: str, cls: type[FrechetError] = NotationError) -> FrechetError:
        return self.error(cls, message, self.nodes[i].start, self.nodes[i].end)

    # -- the reading, pass by pass over the tape
    def read(self) -> Reading:
        self._lines()
        self._understand_calls()
        self._assign_roles()
        try:
            self._infer()
        except ShapeError as error:
            return self._read_with_vector(error)
        self._settle()
        values = self._build()
        definitions = {name: values[root] for name, root in self.definitions.items()}
        used = dict(self.variables)
        for name, e in self.given.items():
            used.setdefault(name, e)
        return Reading(values[self.program.root], used, definitions)

    def _understand_calls(self) -> None:
        table = functions()
        for i, node in enumerate(self.nodes):
            if node.kind == "call":
                name = str(node.value)
                if name in FILLED and len(node.args) == 1:
                    self.calls[i] = self._filled(name, node)
                    continue
                rows = table.get(name)
                if rows is None:
                    raise mistakes.unknown_function(self, i)
                takes, page = self._chosen(i, name, rows)
                typed: list[tuple[bool, Any]] = []
                for letter, a in zip(takes, node.args, strict=True):
                    if letter == "e":
                        typed.append((True, a))
                    elif letter == "d":
                        self.roles[a] = _DIMENSION
                        typed.append((False, a))  # replaced by the dimension once names are known
                    else:
                        self.roles[a] = _LITERAL
                        typed.append((False, self._number(i, name, a, whole=letter == "i")))
                if name == "eye" and not takes:
                    typed.append((False, self.unifier.fresh()))
                self.calls[i] = _Call(page, typed)
                if page.forces_matrix and len(node.args) == 1 and self.nodes[node.args[0]].kind == "name":
                    self.forced.add(str(self.nodes[node.args[0]].value))
            elif node.kind in ("index", "slice", "blocks"):
                what = "a block matrix [A, B; C, D]" if node.kind == "blocks" else "an entry or a slice, X[i,j],"
                raise self.error_at(i, f"{what} is not supported yet", UnsupportedError)

    def _filled(self, name: str, node: Node) -> _Call:
        rows, columns = self.unifier.fresh(), self.unifier.fresh() if name == "matrix" else UNIT
        return _Call(constants.ONES, [(True, node.args[0]), (False, (rows, columns))])

    def _chosen(self, i: int, name: str, rows: list[tuple[str, Operation]]) -> tuple[str, Operation]:
        args = self.nodes[i].args
        fitting = [row for row in rows if len(row[0]) == len(args)]
        if not fitting:
            raise mistakes.wrong_count(self, i, rows)
        for takes, page in fitting:
            if all(letter not in "ir" or self._literal(a) is not None for letter, a in zip(takes, args, strict=True)):
                return takes, page
        return fitting[-1]

    def _literal(self, i: int) -> int | Fraction | float | None:
        """The number that a node is when it is written as one: 2, -2, 1/2."""
        node, sign = self.nodes[i], 1
        while node.kind == "neg":
            node, sign = self.nodes[node.args[0]], -sign
        if node.kind == "div":
            above, below = (self.nodes[a].value for a in node.args)
            if isinstance(above, int) and isinstance(below, int) and below:
                return constants.exact(sign * Fraction(above, below))
            return None
        if node.kind == "number" and isinstance(node.value, int | Fraction | float):
            return sign * node.value
        return None

    def _number(self, i: int, name: str, a: int, whole: bool) -> int | Fraction | float:
        value = self._literal(a)
        if value is None or (whole and not isinstance(value, int)):
            what = "a whole number" if whole else "a number"
            shown = self.nodes[a]
            raise self.error_at(a, f"{name} needs {what} here, not {self.text[shown.start : shown.end]}")
        return value

    def _assign_roles(self) -> None:
        """Parents hand down what their parts are read as; names in dimensions are collected, dimensions evaluated."""
        nodes, roles = self.nodes, self.roles
        if not any(roles):
            self._refuse_double_use()
            return
        for i in range(len(nodes) - 1, -1, -1):
            if roles[i] == _EXPRESSION:
                continue
            for a in nodes[i].args:
                roles[a] = roles[i]
            if roles[i] == _DIMENSION and nodes[i].kind == "name":
                name = str(nodes[i].value)
                if name in self.known or name in self.given or name in self.definitions:
                    raise self.error_at(i, f"{name} is a variable, and is used as a dimension here")
                self.dimensions.add(name)
        self._refuse_double_use()
        for i in range(len(nodes)):
            if roles[i] == _DIMENSION:
                self.shapes[i] = self._dimension(i)
        for i, call in self.calls.items():
            takes = nodes[i].args
            if any(roles[a] == _DIMENSION for a in takes):
                call.typed = [
                    (is_node, self._positive(a) if not is_node and roles[a] == _DIMENSION else value)
                    for (is_node, value), a in zip(call.typed, takes, strict=True)
                ]
                call.params = [value for is_node, value in call.typed if not is_node]

    def _refuse_double_use(self) -> None:
        for d in self.program.definitions:
            if d.name in self.dimensions:
                message = f"{d.name} is a dimension, and is defined here as something else"
                raise self.error(NotationError, message, d.start, d.end)
        both = self.forced & self.dimensions
        if both:
            for i, call in self.calls.items():
                a = self.nodes[i].args
                if call.page.forces_matrix and a and self.nodes[a[0]].value in both:
                    name = self.nodes[a[0]].value
                    raise self.error_at(a[0], f"{name} is a dimension elsewhere, and a matrix here: rename one of them")

    def _positive(self, i: int) -> Dim:
        found: Dim = self.shapes[i]
        if all(c <= 0 for _, c in found.terms):
            raise self.error_at(i, f"a dimension is at least 1, not {found}", ShapeError)
        return found

    def _dimension(self, i: int) -> Dim:
        node = self.nodes[i]
        if node.kind == "name":
            name = str(node.value)
            return self.sizes.get(name) or dim({(name,): 1})
        if node.kind == "number" and isinstance(node.value, int):
            return checked(dim({(): node.value}))
        parts = [self.shapes[a] for a in node.args]
        try:
            if node.kind == "mul":
                return checked(parts[0] * parts[1])
            if node.kind == "add":
                return checked(parts[0] + parts[1])
            if node.kind == "sub":
                return checked(parts[0] - parts[1])
            if node.kind == "neg":
                return checked(-parts[0])
            if node.kind == "power":
                k = parts[1].value()
                if k is not None and 1 <= k <= EXPONENT_LIMIT:
                    found: Dim = parts[0]
                    for _ in range(k - 1):
                        found = checked(found * parts[0])
                    return found
        except LimitError as error:
            raise _placed(error, self.text, node.start, node.end) from None
        shown = self.text[node.start : node.end]
        raise self.error_at(i, f"a dimension is expected here, such as n, 3, 2*n or n+1, not {shown}")

    # -- shapes
    def _name_shape(self, name: str, i: int) -> Shape:
        if name in self.definitions:
            root = self.definitions[name]
            if self.shapes[root] is None or root >= i:
                place = next(d for d in self.program.definitions if d.name == name)
                inside = place.start < self.nodes[i].start
                how = "in its own definition" if inside else f"before it is defined on line {self._line(place.start)}"
                raise self.error_at(i, f"{name} is used {how}")
            shape: Shape = self.shapes[root]
            return shape
        if name in self.named:
            return self.named[name]
        if name in self.given:
            shape = self.given[name].shape
            shape = (shape[0].substitute(self.sizes), shape[1].substitute(self.sizes)) if self.sizes else shape
        elif name in self.dimensions or name == "pi":
            return SCALAR
        elif name == "eye" and name not in self.known:
            n = self.unifier.fresh()
            return n, n
        else:
            shape = self._default(name)
        self.named[name] = shape
        return shape

    def _default(self, name: str) -> Shape:
        fresh = self.unifier.fresh
        known = self.known.get(name)
        what = "matrix" if name in self.forced else "vector" if name in self.vectors else default_kind(name)
        if known is not None and (known.structure or known.domain == "invertible"):
            what = "matrix"
        elif known is not None and known.domain in ("simplex", "onehot"):
            what = "vector"
        if what == "scalar":
            return SCALAR
        rows = fresh()
        if what == "vector":
            return rows, UNIT
        return rows, rows if known is not None and known.square else fresh()

    def _read_with_vector(self, error: ShapeError) -> Reading:
        """The text read again with an undeclared scalar that is added to a vector, as b in W*x + b, as a vector.

        An expression wins over a default, never over a declaration. If that reading fails too, the first error is told.
        """
        name = self._added_scalar(self.unifier.place)
        if name is None or len(self.vectors) >= RETRIES:
            raise error
        again = Reader(self.text, list(self.known.values()), self.given, self.wrt, {}, self.dimensions)
        again.sizes = self.sizes
        again.vectors = self.vectors | {name}
        try:
            return again.read()
        except ShapeError:
            raise error from None

    def _added_scalar(self, place: int) -> str | None:
        """The undeclared name of scalar default that stands at this node where only a vector makes sense.

        Beside a vector in a sum or an inner product, on the right of solve, in an outer product.
        """
        node = self.nodes[place]
        what = str(node.value) if node.kind == "call" else node.kind
        if what == "solve" and len(node.args) == 2:
            pairs = [(node.args[1], None)]
        elif what in ("add", "sub", "dot", "frobenius") and len(node.args) == 2:
            pairs = [node.args, node.args[::-1]]  # type: ignore[list-item]
        elif what == "outer":
            pairs = [(a, None) for a in node.args]
        else:
            return None
        for i, j in pairs:
            name = self.nodes[i].value
            if self.nodes[i].kind != "name" or not isinstance(name, str) or self.shapes[i] != SCALAR:
                continue
            known = name in self.known or name in self.given or name in self.definitions or name in self.dimensions
            if not known and name != "pi" and (j is None or kind(self.shapes[j]) == "vector"):
                return name
        return None

    def _infer(self) -> None:
        shapes, nodes, unifier, roles = self.shapes, self.nodes, self.unifier, self.roles
        equal, rules = unifier.equal, _RULES
        i = 0
        try:
            for i, node in enumerate(nodes):
                if roles[i]:
                    continue
                what = node.kind
                if what == "name":
                    shapes[i] = self._name_shape(node.value, i)  # type: ignore[arg-type]
                    continue
                if what == "number":
                    shapes[i] = SCALAR
                    continue
                unifier.place = i
                if what == "call":
                    call = self.calls[i]
                    if call.page is constants.ONES and call.args:
                        shapes[i] = self._filled_shape(i, call)
                    else:
                        shapes[i] = call.page.shape(equal, [shapes[a] for a in call.args], call.params)
                        checked(shapes[i][0])
                        checked(shapes[i][1])
                elif what in rules:
                    shapes[i] = rules[what](equal, [shapes[a] for a in node.args], ())
                    if what == "mul" and unifier.postponed:
                        self._prefer_commuted(*node.args)
                elif what == "power":
                    shapes[i] = self._power_shape(i)
                elif what == "string":
                    raise self.error_at(i, "a text in quotes has no meaning here")
                else:
                    raise self.error_at(i, f"{what} is not supported yet", UnsupportedError)
            unifier.finish()
            for v in self.known.values():
                if v.name not in self.named:
                    self._name_shape(v.name, len(nodes))
        except ShapeError as error:
            if error.position is not None:
                raise
            raise mistakes.shape_error(self, unifier.place, error) from None
        except FrechetError as error:
            raise _placed(error, self.text, nodes[i].start, nodes[i].end) from None

    def _prefer_commuted(self, left: int, right: int) -> None:
        """In commutation(m,n)*vec(X) the matrix X is m×n, where nothing else says what it is."""
        while self.nodes[left].kind == "mul":
            left = self.nodes[left].args[1]
        first, second = self.calls.get(left), self.calls.get(right)
        if first is not None and second is not None and first.page is constants.COMMUTATION and second.page is shaping.VEC:
            m, n = first.params
            self.unifier.preferred.append((self.shapes[second.args[0]], (m, n)))

    def _filled_shape(self, i: int, call: _Call) -> Shape:
        if self.shapes[call.args[0]] != SCALAR:
            name = self.nodes[i].value
            raise self.error_at(call.args[0], f"{name} takes a number, as in {name}(1)", ShapeError)
        shape: Shape = call.params[0]
        return shape

    def _power_shape(self, i: int) -> Shape:
        base, exponent = (self.shapes[a] for a in self.nodes[i].args)
        if exponent != SCALAR or kind(base) in ("vector", "row"):
            raise ShapeError("power")
        if base == SCALAR:
            return SCALAR
        return powers.MATRIX_POWER.shape(self.unifier.equal, (base,), ())

    def _settle(self) -> None:
        """Letters for the dimensions that are still unknown; the variables."""
        unifier = self.unifier
        if unifier.unknowns:
            taken = {str(n.value) for n in self.nodes if n.kind == "name"}
            taken |= self.dimensions | self.known.keys() | self.given.keys() | self.definitions.keys()
            unifier.name_unknowns(self.named.get(self.wrt or ""), taken)
        self.variables: dict[str, Expr] = {}
        order = dict.fromkeys(str(n.value) for n in self.nodes if n.kind == "name" and n.value in self.named)
        order.update(dict.fromkeys(self.named))
        for name in order:
            shape = self.named[name]
            if name in self.given:
                self.variables[name] = self.given[name]
                continue
            known = self.known.get(name)
            structure, domain = (known.structure, known.domain) if known is not None else ((), "normal")
            try:
                self.variables[name] = constants.variable(name, unifier.shape(shape), structure, domain)
            except ShapeError as error:
                raise self.declared(name, ShapeError, error.message) from None

    # -- expressions
    def _build(self) -> list[Any]:
        nodes, shapes = self.nodes, self.shapes
        if self.unifier.unknowns:
            find = self.unifier.find
            for i, shape in enumerate(shapes):
                if shape.__class__ is tuple and shape is not SCALAR:
                    shapes[i] = (find(shape[0]), find(shape[1]))
        parent, root, sign, members = self._groups()
        values: list[Any] = [None] * len(nodes)
        i = 0
        try:
            for i, node in enumerate(nodes):
                if self.roles[i]:
                    continue
                family = _FAMILY.get(node.kind, 0)
                if family:
                    if root[i] != i:
                        continue
                    value = _JOIN[family](shapes[i], members.pop(i))
                else:
                    value = self._value(i, node, values)
                values[i] = value
                _check_number(value)
                p = parent[i]
                if p >= 0 and nodes[p].kind in _FAMILY:
                    members.setdefault(root[p], []).append((sign[p] * _edge(nodes[p], i), value))
        except FrechetError as error:
            raise _placed(error, self.text, nodes[i].start, nodes[i].end) from None
        except (OverflowError, ZeroDivisionError, ValueError):
            raise self.error_at(i, "a number here is too large", LimitError) from None
        except RecursionError:
            raise self.error_at(i, "this is nested too deeply", LimitError) from None
        return values

    def _groups(self) -> tuple[list[int], list[int], list[int], dict[int, list[tuple[int, Expr]]]]:
        """Sums, products and element-wise products of many parts, so that each is built by one call.

        parent: of every node; root: the node in which the group of a node ends; sign: -1 where a part counts negative.
        """
        nodes, shapes = self.nodes, self.shapes
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
        return parent, root, sign, {}

    def _value(self, i: int, node: Node, values: list[Any]) -> Expr:
        what = node.kind
        if what == "name":
            return self._name_value(i, str(node.value), values)
        if what == "number":
            return constants.number(node.value)  # type: ignore[arg-type]
        if what in ("transpose", "ctranspose"):
            return transposed(values[node.args[0]])
        if what == "call":
            call = self.calls[i]
            if call.page is constants.ONES and call.args:
                return products.multiply(values[call.args[0]], constants.ones(self.unifier.shape(call.params[0])))
            find = self.unifier.find
            args = [values[v] if is_node else find(v) if isinstance(v, Dim) else v for is_node, v in call.typed]
            return call.page.build(*args)
        a, b = values[node.args[0]], values[node.args[1]]
        if what == "power":
            if a.shape == SCALAR:
                return hadamard.epower(a, b)
            if b.op is not constants.NUMBER or not isinstance(b.params[0], int):
                raise mistakes.matrix_exponent(self, i)
            return powers.power(a, b.params[0])
        if what == "epower":
            return hadamard.epower(a, b)
        if what == "kron":
            return shaping.KRON.build(a, b)
        if what == "solve":
            return powers.SOLVE.build(a, b)
        return products.inner(a, b)  # frobenius

    def _name_value(self, i: int, name: str, values: list[Any]) -> Expr:
        if name in self.definitions:
            e: Expr = values[self.definitions[name]]
            return e
        if name in self.variables:
            return self.variables[name]
        if name in self.dimensions:
            return constants.size(self.sizes.get(name) or dim({(name,): 1}))
        return constants.PI.build() if name == "pi" else constants.eye(self.shapes[i][0])


def _division_shape(equal: Any, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
    if shapes[1] != SCALAR:
        raise ShapeError("division")
    return shapes[0]


def _epower_shape(equal: Any, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
    base, exponent = shapes
    return exponent if base == SCALAR else hadamard.POWER.shape(equal, shapes, params)


_RULES: dict[str, Any] = {
    "add": sums.SUM.shape,
    "sub": sums.SUM.shape,
    "neg": lambda equal, shapes, params: shapes[0],
    "mul": products.PRODUCT.shape,
    "div": _division_shape,
    "hadamard": hadamard.MONOMIAL.shape,
    "ediv": hadamard.MONOMIAL.shape,
    "epower": _epower_shape,
    "kron": shaping.KRON.shape,
    "solve": powers.SOLVE.shape,
    "frobenius": reductions.FROBENIUS.shape,
    "transpose": TRANSPOSE.shape,
    "ctranspose": TRANSPOSE.shape,
}


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


def _check_number(e: Expr) -> None:
    """Numbers that double with every line of definitions must not fill the memory."""
    if e.op is constants.NUMBER or e.op is sums.SUM:
        for c in e.params:
            if not isinstance(c, float) and max(c.numerator.bit_length(), c.denominator.bit_length()) > NUMBER_BITS:
                raise LimitError("a number here is too large")


GREEK = frozenset(
    """alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda lamda mu nu xi omicron pi rho
    sigma tau upsilon phi varphi chi psi omega""".split()  # noqa: SIM905
)


@cache
def default_kind(name: str) -> str:
    """What an undeclared name is: a…g scalars, h…z vectors, A…Z matrices, Greek letters scalars, capital ones matrices.

    >>> [default_kind(name) for name in ("a", "x1", "weights", "W", "alpha", "Σ")]
    ['scalar', 'vector', 'vector', 'matrix', 'scalar', 'matrix']
    """
    plain = name.lstrip("_") or name
    word = re.match(r"[^\W\d_]*", plain)
    first = plain[0]
    if first.isupper():
        return "matrix"
    if (word is not None and word.group() in GREEK) or "α" <= first <= "ω":
        return "scalar"
    if not first.isascii():
        from unicodedata import normalize

        first = normalize("NFKD", first)[0]
    return "scalar" if "a" <= first <= "g" else "vector"
