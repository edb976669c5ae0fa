"""The state of a text that is being read: its tape, what is known of its names, and errors with their places."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from frechet.expressions import space
from frechet.expressions.dimension import SCALAR, UNIT, Dim, Shape, dim, kind, show_shape
from frechet.expressions.errors import FrechetError, NotationError, ShapeError
from frechet.expressions.function import Function, View, checked, derivative, resolved
from frechet.expressions.node import Expr
from frechet.notation.declared import Known
from frechet.notation.functions import Call
from frechet.notation.functions import functions as typed
from frechet.notation.inference import Unifier
from frechet.notation.syntax import Node, Program, read_syntax
from frechet.operations.networks import shape_of

EXPRESSION, DIMENSION, LITERAL, INDEX = 0, 1, 2, 3  # what a node is read as


Scope = tuple[str, Dim, Any]
"""An index that is added up over, what it runs over, and the scope around."""


class Formula:
    """One reading of one text: the passes (calls, shapes, expressions) fill it in, node by node of the tape."""

    def __init__(
        self,
        text: str,
        known: Sequence[Known],
        variables: Mapping[str, Expr],
        wrt: str | None,
        sizes: Mapping[str, int] | Mapping[str, Dim],
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
        self.said = known
        self.known: dict[str, Known] = {}
        self.functions: dict[str, Function] = {}
        self.definitions: dict[str, int] = {}  # name -> the node it stands for
        self.calls: dict[int, Call] = {}
        self.roles = [EXPRESSION] * len(self.nodes)
        self.wanted: dict[str, str] = {}  # the kind that a declared function asks of an undeclared name
        self.sums: dict[int, tuple[str, Dim]] = {}  # calls of sum_i: the index and what it runs over
        self.summed: set[Dim] = set()  # what of it an index is used for
        self.scopes: dict[int, Scope] = {}  # of every node inside such a call
        self.slices: list[tuple[Dim, Dim, Dim]] = []  # the axis, the first and the last of x[k:n]
        self.forced: set[str] = set()  # names that must be matrices
        self.orders: dict[str, int] = {}  # names that have so many axes, whatever their letter: operands of einsum
        self.vectors: set[str] = set()  # names that are vectors, whatever their letter, because of what they are added to
        self.numbers: set[str] = set()  # names that are numbers, whatever their letter, because of what they are added to
        self.exponents: set[str] = set()  # undeclared names that are numbers, because they are exponents
        self.whole: set[str] = set()  # those of them that are exponents of matrices: whole numbers
        self.shapes: list[Any] = [None] * len(self.nodes)
        self.named: dict[str, Shape] = {}
        self.variables: dict[str, Expr] = {}
        self._declare_functions(known)
        self._declare([v for v in known if v.name not in self.functions])
        self._define()
        self._refuse_functions_as_variables()

    def _declare_functions(self, known: Sequence[Known]) -> None:
        """Enters what is declared as a function, or as a scalar and only called."""
        called = {str(n.value) for n in self.nodes if n.kind == "call"} - typed().keys()
        said = Counter(v.name for v in known)
        names = {n.value for n in self.nodes if n.kind == "name"} | {d.name for d in self.program.definitions}
        for v in known:
            function = v.function or (_called_scalar(v, called) if v.name not in names else None)
            if function is None:
                continue
            if v.name in self.functions or v.name in self.given or said[v.name] > 1:
                raise self.declared(v.name, NotationError, f"{v.name} is declared twice")
            if v.name == "pi":
                raise self.declared("pi", NotationError, "pi is the number π: choose another name for the function")
            shapes = [s for s in (function.domain, function.codomain) if s is not None]
            self.dimensions |= {name for s in shapes for d in s if d is not UNIT for name in d.names()}
            self.functions[v.name] = function._replace(
                domain=self._sized(function.domain), codomain=self._sized(function.codomain)
            )

    def _sized(self, shape: Shape | None) -> Shape | None:
        return shape and (shape[0].substitute(self.sizes), shape[1].substitute(self.sizes))

    def _refuse_functions_as_variables(self) -> None:
        """The names of functions and of their derivatives mean nothing else."""
        if not self.functions:
            return
        others = sorted({*self.known, *self.given, *self.definitions, *self.dimensions})
        meanings = [(name, resolved(name, self.functions)) for name in others]
        meanings += [(name, derivative(name, self.functions)) for name in self.functions]
        for name, meant in meanings:
            if meant is not None:
                raise self.declared(name, NotationError, taken(name, meant))
        for node in self.nodes:
            meant = resolved(str(node.value), self.functions) if node.kind == "name" else None
            if meant is not None:
                message = f"{node.value} is {_what(meant)}: its values are {node.value}(…)"
                raise self.error(NotationError, message, node.start, node.end)

    def _declare(self, known: Sequence[Known]) -> None:
        known = [*known, *self._masks(known)]
        for v in known:
            if v.name in self.known or v.name in self.given:
                raise self.declared(v.name, NotationError, f"{v.name} is declared twice")
            if v.name == "pi":
                raise self.declared("pi", NotationError, "pi is the number π: choose another name for the variable")
            self.known[v.name] = v
            for d in (*(v.dims or ()), *filter(None, [space.rank(v.structure)])):
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

    def _masks(self, known: Sequence[Known]) -> list[Known]:
        """Declarations of the masks M of variables declared sparse(M), where there is none."""
        domains = {v.name: v.domain for v in known}
        found: dict[str, Known] = {}
        for v in known:
            for name, mask in v.masks():
                if mask == name:
                    raise self.declared(name, NotationError, f"{name} cannot be its own mask: declare {name} sparse(M)")
                if domains.get(mask, "mask01") != "mask01" or mask in self.given:
                    message = f"{mask} is the mask of {name}, so its entries are 0 and 1: declare it mask01"
                    raise self.declared(name, NotationError, message)
                if mask not in domains:
                    found[mask] = Known(mask, v.dims, ("mask01",), None)
        return list(found.values())

    def _shape_of_declared(self, v: Known) -> Shape:
        assert v.dims is not None
        dims = [d.substitute(self.sizes) for d in v.dims]
        shape = shape_of(dims)
        if v.domain == "invertible" and (kind(shape) != "matrix" or shape[0] is not shape[1]):
            message = f"{v.name} is declared {v.domain}, so it must be a square matrix, not {described(shape)}"
            raise self.declared(v.name, ShapeError, message)
        try:
            space.check(v.name, v.structure, v.domain, shape)
        except ShapeError as error:
            raise self.declared(v.name, ShapeError, error.message) from None
        return shape

    def _define(self) -> None:
        for d in self.program.definitions:
            if d.name in self.definitions:
                first = next(e for e in self.program.definitions if e.name == d.name)
                message = f"{d.name} is defined twice: on line {self.line(first.start)} and on line {self.line(d.start)}"
                raise self.error(NotationError, message, d.start, d.end)
            if d.name in self.known or d.name in self.given:
                raise self.error(NotationError, f"{d.name} is declared as a variable, and defined here", d.start, d.end)
            if d.name == "pi":
                raise self.error(NotationError, "pi is the number π: choose another name", d.start, d.end)
            self.definitions[d.name] = d.root

    def used_too_early(self, name: str, i: int) -> FrechetError:
        """The error of a defined name that stands at node i, on its own line or an earlier one; circles are named."""
        by_name = {d.name: d for d in self.program.definitions}
        here, line = self.nodes[i], by_name[name]
        if line.start < here.start:
            return self.error_at(i, f"{name} is used in its own definition, on line {self.line(line.start)}")
        where = f"{name} is used on line {self.line(here.start)}, before it is defined on line {self.line(line.start)}"
        user = next((d for d in self.program.definitions if d.start < here.start <= self.nodes[d.root].end), None)
        if user is None:
            return self.error_at(i, where)
        # Does the name's definition, through others, need the one in which it is used? Parts come before the whole.
        needs = {d.name: self._names_in(d.root) & by_name.keys() for d in self.program.definitions}
        came: dict[str, str] = {name: ""}
        waiting = [name]
        for at in waiting:
            for other in sorted(needs[at] - came.keys()):
                came[other] = at
                waiting.append(other)
        if user.name not in came:
            return self.error_at(i, f"{where}; move the definition up")
        path = [user.name]
        while came[path[-1]]:
            path.append(came[path[-1]])
        path.reverse()  # from the name to the definition that uses it
        steps = zip([user.name, *path], path, strict=False)
        told = ", and ".join(f"{a}, on line {self.line(by_name[a].start)}, needs {b}" for a, b in steps)
        return self.error_at(i, f"the definitions run in a circle: {told}")

    def _names_in(self, root: int) -> set[str]:
        """The names that stand below a node of the tape."""
        found: set[str] = set()
        waiting = [root]
        while waiting:
            node = self.nodes[waiting.pop()]
            waiting.extend(node.args)
            if node.kind == "name":
                found.add(str(node.value))
        return found

    def line(self, place: int) -> int:
        """The number of the line of a place."""
        return self.text.count("\n", 0, place) + 1

    def error(self, cls: type[FrechetError], message: str, start: int, end: int) -> FrechetError:
        return cls(message, position=start, end=end, text=self.text)

    def declared(self, name: str, cls: type[FrechetError], message: str) -> FrechetError:
        """An error of a declaration, at the place where the name is used."""
        named = (n for n in self.nodes if n.kind in ("name", "call") and n.value == name)
        node = next(named, self.nodes[self.program.root])
        if node.kind == "call":
            return self.error(cls, message, node.start, node.start + len(name))
        return self.error(cls, message, node.start, node.end)

    def error_at(self, i: int, message: str, cls: type[FrechetError] = NotationError) -> FrechetError:
        return self.error(cls, message, self.nodes[i].start, self.nodes[i].end)

    def placed(self, error: FrechetError, i: int) -> FrechetError:
        """The error with the place of node i, unless it has one."""
        if error.position is None:
            error.position, error.end, error.text = self.nodes[i].start, self.nodes[i].end, self.text
        return error


def _called_scalar(v: Known, called: Collection[str]) -> Function | None:
    """phi: scalar with phi(c) or phi'(c) in the text declares a function of a number."""
    if v.dims != () or v.structure or not called:
        return None
    function = Function(v.name, SCALAR, SCALAR, () if v.domain == "normal" else (v.domain,))
    return checked(function) if any(resolved(name, {v.name: function}) for name in called) else None


def _what(meant: tuple[Function, View]) -> str:
    f, view = meant
    return "a declared function" if view == 0 else f"a derivative of the declared function {f.name}"


def taken(name: str, meant: tuple[Function, View]) -> str:
    """What is said of a name that is a function's and something else's too."""
    return f"{name} is {_what(meant)} and the name of something else too: rename one of them"


def described(shape: Shape) -> str:
    """A shape in a sentence: a scalar, n, n×m."""
    return "a scalar" if shape == SCALAR else show_shape(shape)
