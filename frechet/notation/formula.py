"""The state of a text that is being read: its tape, what is known of its names, and errors with their places."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from frechet.expressions.dimension import SCALAR, UNIT, Dim, Shape, dim, kind, show_shape
from frechet.expressions.errors import FrechetError, NotationError, ShapeError
from frechet.expressions.node import Expr
from frechet.notation.declared import Known
from frechet.notation.functions import Call
from frechet.notation.inference import Unifier
from frechet.notation.syntax import Node, Program, read_syntax

EXPRESSION, DIMENSION, LITERAL = 0, 1, 2  # what a node is read as


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
        self.known: dict[str, Known] = {}
        self.definitions: dict[str, int] = {}  # name -> the node it stands for
        self.calls: dict[int, Call] = {}
        self.roles = [EXPRESSION] * len(self.nodes)
        self.forced: set[str] = set()  # names that must be matrices
        self.vectors: set[str] = set()  # names that are vectors, whatever their letter, because of what they are added to
        self.shapes: list[Any] = [None] * len(self.nodes)
        self.named: dict[str, Shape] = {}
        self.variables: dict[str, Expr] = {}
        self._declare(known)
        self._define()

    def _declare(self, known: Sequence[Known]) -> None:
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

    def _shape_of_declared(self, v: Known) -> Shape:
        assert v.dims is not None
        dims = [d.substitute(self.sizes) for d in v.dims]
        shape = (dims[0] if dims else UNIT, dims[1] if len(dims) > 1 else UNIT)
        if v.square and (kind(shape) != "matrix" or shape[0] is not shape[1]):
            word = v.structure[0] if v.structure else v.domain
            message = f"{v.name} is declared {word}, so it must be a square matrix, not {described(shape)}"
            raise self.declared(v.name, ShapeError, message)
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

    def line(self, place: int) -> int:
        """The number of the line of a place."""
        return self.text.count("\n", 0, place) + 1

    def error(self, cls: type[FrechetError], message: str, start: int, end: int) -> FrechetError:
        return cls(message, position=start, end=end, text=self.text)

    def declared(self, name: str, cls: type[FrechetError], message: str) -> FrechetError:
        """An error of a declaration, at the place where the name is used."""
        node = next((n for n in self.nodes if n.kind == "name" and n.value == name), self.nodes[self.program.root])
        return self.error(cls, message, node.start, node.end)

    def error_at(self, i: int, message: str, cls: type[FrechetError] = NotationError) -> FrechetError:
        return self.error(cls, message, self.nodes[i].start, self.nodes[i].end)

    def placed(self, error: FrechetError, i: int) -> FrechetError:
        """The error with the place of node i, unless it has one."""
        if error.position is None:
            error.position, error.end, error.text = self.nodes[i].start, self.nodes[i].end, self.text
        return error


def described(shape: Shape) -> str:
    """A shape in a sentence: a scalar, n, n×m."""
    return "a scalar" if shape == SCALAR else show_shape(shape)
