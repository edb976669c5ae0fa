"""Formulas compiled: one straight-line program for all outputs, with the order of work chosen by the sizes it meets.

>>> import frechet as fr
>>> g = fr.parse("norm2(T-U*V')^2")
>>> U = fr.variables(g)["U"]
>>> program = fr.compile(fr.derivative(g, U).gradient)
>>> print(program.at(n=500, m=500, p=10).function, end="")
def program(U, V, T):
    t1 = V.T.dot(V)
    t1 *= 2.0
    t2 = T.dot(V)
    t2 *= 2.0
    t2 = dgemm(1.0, t1.T, U.T, (-1.0), t2.T, 1, 0, 1).T
    return t2
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

from frechet.compilation.allocation import keep_freed_memory
from frechet.compilation.arguments import Arguments
from frechet.compilation.dispatch import Dispatch, named
from frechet.compilation.emission import ROUTINES, Emission
from frechet.compilation.entries import entries_placed
from frechet.compilation.lowering import lower
from frechet.compilation.namespaces import as_given
from frechet.compilation.numpy_source import Program, by_name, finish, free_name, name_parameters, runnable, with_safe_sizes
from frechet.compilation.ordering import only
from frechet.compilation.passes import factorized, not_worth_trying, optimized
from frechet.compilation.places import Asked, asked, check_places
from frechet.compilation.prepared import Prepared, prepared_lines
from frechet.compilation.resolvents import resolvents
from frechet.compilation.row_blocks import by_row_blocks
from frechet.compilation.sizes import bind
from frechet.compilation.timing import Rates, asymptotic
from frechet.compilation.values import Graph, Value, walk
from frechet.compilation.writer import Writer
from frechet.expressions.collection import without_collection
from frechet.expressions.dimension import SCALAR
from frechet.expressions.errors import NotationError
from frechet.expressions.node import Expr
from frechet.expressions.node import walk as walk_expressions
from frechet.operations.constants import VARIABLE
from frechet.operations.declared_functions import symbols_among
from frechet.simplification.polishing import polished_beside

Outputs = Expr | Sequence[Expr] | Mapping[str, Expr]
FEW = 8  # outputs
USUAL = 100  # of a dimension that nothing is said of


def alike(outputs: Sequence[Expr]) -> list[Expr]:
    """The outputs with scalar functions written as their derivatives are, so that what they have in common is found."""
    functions = [e for e in outputs if e.shape == SCALAR]
    arrays = [e for e in outputs if e.shape != SCALAR]
    if not functions or len(outputs) < 2:
        return list(outputs)
    if arrays:
        known = set(walk_expressions(*arrays))
        return [polished_beside(e, known) if e.shape == SCALAR else e for e in outputs]
    if len(outputs) > FEW:  # each is beside all others then
        return functions
    return [polished_beside(e, set(walk_expressions(*(other for other in functions if other is not e)))) for e in functions]


class CompiledProgram:
    """A function of arrays that was compiled from formulas.

    Called with the inputs by position or name it returns what `outputs` is: an array or number, a tuple, or a dictionary.
    Shapes are checked; the program is specialised to the sizes and the precision of the arguments at the first call with
    them and kept. float32 and complex stay what they are; lists and whole numbers become floats.

    Raises:  ShapeError, at a call, naming the argument, the shape it needs and the one given; LinAlgError, naming the matrix
             that is singular or not positive definite
    """

    # may a step depend on the numbers: is a Cholesky factorization tried where a matrix is symmetric?
    trying: ClassVar[bool] = True
    scalars_are_arrays: ClassVar[bool] = False  # else numbers
    guarded: ClassVar[bool] = True  # may a condition in C stand before a call? (it is of NumPy's arrays)
    # names that programs use themselves
    reserved: ClassVar[frozenset[str]] = frozenset({"np", "special", "info"} | ROUTINES)
    helpers: ClassVar[frozenset[str]] = frozenset()  # those of functions, where they are reserved as well

    @without_collection
    def __init__(
        self, outputs: Outputs, inputs: Sequence[str | Expr] | None, name: str, sizes: Mapping[str, int] | None = None
    ) -> None:
        self.name = name
        self.keys = list(outputs) if isinstance(outputs, Mapping) else None
        self.single = isinstance(outputs, Expr)
        roots = (
            [outputs] if isinstance(outputs, Expr) else list(outputs.values() if isinstance(outputs, Mapping) else outputs)
        )
        self.nodes = list(walk_expressions(*roots))
        found = by_name([v for v in self.nodes if v.op is VARIABLE])
        chosen: list[Expr] = []
        for given in inputs or ():
            if isinstance(given, str) and given not in found:
                raise NotationError(f"there is no variable {given} in the outputs: their variables are {', '.join(found)}")
            chosen.append(found[given] if isinstance(given, str) else given)
        self.inputs = list(dict.fromkeys([*chosen, *found.values()]))
        self.spare = {v.params[0] for v in self.inputs}.difference(found)  # inputs that no output needs
        self.functions = list(symbols_among(self.nodes))
        self.sizes = dict(sizes or {})
        self.roots = alike(roots)
        if self.roots != roots:
            self.nodes = list(walk_expressions(*self.roots))
        if not name.isidentifier():
            raise NotationError(f"{name!r} cannot be a name in Python")
        self._specialised: dict[tuple[Any, ...], Specialised] = {}
        self._without: dict[frozenset[str], CompiledProgram] = {}
        self._install()

    @property
    def kind(self) -> type[Specialised]:
        """What a specialised program is: the back end."""
        return Specialised

    # -- the parts that do not depend on sizes
    @cached_property
    def _names(self) -> tuple[Program, list[Expr], list[Expr], dict[str, str]]:
        """Parameters by variable, the outputs and inputs with names that Python takes, and those of sizes."""
        program = Program(self.name)
        name_parameters(program, [*self.inputs, *self.functions], self.inputs, self.functions)
        reserved = self.reserved | self.helpers
        taken = {self.name, *reserved, *program.parameters.values()}
        for variable, parameter in program.parameters.items():
            if parameter in reserved:
                program.parameters[variable] = free_name(parameter + "_", taken)
        roots, known, names = with_safe_sizes(self.roots, self.nodes, self.inputs, taken)
        return program, roots, known, names

    @cached_property
    def places(self) -> list[Asked]:
        """The indices that the outputs ask for."""
        return asked(self.nodes)

    @cached_property
    def taken(self) -> frozenset[str]:
        """Names that no step is called."""
        program, *_, sizes = self._names
        return frozenset({self.name, *self.reserved, *program.parameters.values(), *sizes})

    @cached_property
    def _lowered(self) -> tuple[Graph, list[Value]]:
        graph = Graph()
        return graph, lower(graph, self._names[1])

    @cached_property
    def arguments(self) -> Arguments:
        return Arguments(self.inputs, self._free_sizes, self.functions, self.spare)

    @cached_property
    def _free_sizes(self) -> list[str]:
        """The sizes that no input tells and the program needs."""
        program = self.at().program
        return list(program.sizes)

    @cached_property
    def unbound(self) -> set[str]:
        """The names of dimensions that no input tells."""
        return set(self._names[3].values()) - bind(self.inputs).keys()

    # -- programs for sizes
    def at(self, letter: str = "d", early: Sequence[str] = (), **sizes: int) -> Specialised:
        """The program for these sizes; of dimensions that are not given it takes those told at compile time, or 100.

        letter: s, d, c or z: single, double, complex single, complex double
        """
        return self.specialised(sizes, letter, early)

    def specialised(self, sizes: Mapping[str, int], letter: str = "d", early: Sequence[str] = ()) -> Specialised:
        """As `at`."""
        *_, names = self._names
        found = {safe: sizes.get(n, self.sizes.get(n, USUAL)) for safe, n in names.items()}
        key = (letter, tuple(early), *found.values())
        made = self._specialised.get(key)
        if made is None:
            made = self._specialised[key] = self.kind(self, found, letter, early)
        return made

    @property
    def source(self) -> str:
        """The program as Python source that runs where NumPy and SciPy are."""
        return self.at().source

    def __str__(self) -> str:
        return self.at().table()

    def prepare(self, /, **given: Any) -> Prepared:
        """The program with these inputs fixed: what depends on nothing else is computed once, the rest at each call.

        What is left are the other inputs, without those that no output needs: a call may name them nevertheless.

        >>> import frechet as fr
        >>> g = fr.parse("x'*inv(S)*x", {"S": "n×n spd"})
        >>> solve = fr.compile(g, ["x", "S"]).prepare(S=[[4.0, 0.0], [0.0, 1.0]])
        >>> float(solve([2.0, 0.0])), float(solve([0.0, 2.0]))
        (1.0, 4.0)

        Raises:  TypeError, for a name that is no input, and for none; ShapeError, naming the argument, at the call
        """
        left_out = self.arguments.left_out((), given)
        return Prepared(self.without(left_out) if left_out else self, given, left_out)

    def without(self, left_out: frozenset[str]) -> CompiledProgram:
        """The program without some of the inputs that no output needs."""
        if left_out not in self._without:
            inputs = [v for v in self.inputs if v.params[0] not in left_out]
            self._without[left_out] = self.own_class(self.outputs, inputs, self.name, self.sizes)
        return self._without[left_out]

    # -- what depends on the array library
    def empty(self) -> Program:
        """A function without lines."""
        program = Program(self.name)
        program.positional = True
        return program

    def emission(self, made: Specialised, parameters: Mapping[str, str], taken: set[str]) -> Writer:
        """What writes the steps."""
        emission = Emission(parameters, taken, made.rates, made.letter)
        sizes = self._names[3]
        every = [*parameters.values(), *(n for n in sizes if sizes[n] in self.unbound)]
        emission.otherwise = f"general_{self.name}({', '.join(every)})"
        return emission

    def complete(self, program: Program, made: Specialised, emission: Any) -> None:
        """Enters what the lines need beside NumPy."""
        program.modules = sorted(emission.modules)
        program.lapack = sorted(emission.lapack)
        if emission.tries:
            other = Specialised(self, made.sizes, made.letter, (), made.ordered)
            program.before = other.program
            program.before.name = f"general_{self.name}"

    def runnable(self, made: Specialised) -> Callable[..., Any]:
        """The function of a program, ready to call."""
        return runnable(made.program)  # type: ignore[no-any-return]

    def read(self, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, int], str]:
        """The arguments as arrays in one precision, the sizes of the dimensions, and the letter of the precision.

        Raises:  ShapeError, naming the argument, what is expected and what was given
        """
        return self.arguments.converted(values)

    def as_they_are(self, dispatch: Dispatch, given: Sequence[Any], read: Sequence[Any], letter: str) -> bool:
        """May arguments of the kinds of those given go to a program without being read?"""
        return dispatch.are_as_they_are(given, read, letter)

    def begun(
        self, made: Specialised, given: Mapping[str, Any], arrays: Mapping[str, Any], free: Mapping[str, int]
    ) -> Callable[..., Any]:
        """The function of the inputs that are left of a prepared program.

        given: the fixed inputs as they were given; arrays: all as they were read; free: sizes, by parameter
        """
        fixed = {made.program.parameters[n]: arrays[n] for n in given}
        return made.run(**fixed, **free)  # type: ignore[no-any-return]

    def place(self, array: Any) -> Any:
        """What distinguishes it beside its shape and the precision of the program."""
        return None

    def returned(self, result: Any, values: Mapping[str, Any]) -> Any:
        """The results as those arrays that the caller uses."""
        return as_given(result, values.values())

    # -- calls
    def _install(self) -> None:
        """A class of its own, whose call looks the specialised program up by the kinds of its arguments."""
        self.own_class = own = type(self)
        self._dispatch = self.dispatch(self.inputs, self._first_call)
        if self._dispatch is not None:
            self.__class__ = type(own.__name__, (own,), {"__call__": self._dispatch.call, "__module__": own.__module__})

    def dispatch(self, inputs: Sequence[Expr], first: Callable[..., Any]) -> Dispatch | None:
        """How a call with these inputs finds its program; None where it is told more, or nothing, beside them.

        first: what a call goes to whose arguments are of kinds not met before
        """
        if self.functions or self.unbound or not inputs:
            return None
        arrays = [v.kind != "scalar" or self.scalars_are_arrays for v in inputs]
        parameters = {v.params[0]: self._names[0].parameters[v.params[0]] for v in inputs}
        renamed = {p: v for v, p in parameters.items() if v != p}
        return Dispatch(list(parameters.values()), arrays, first, renamed)

    @property
    def outputs(self) -> Outputs:
        """As they were asked for."""
        if self.keys is not None:
            return dict(zip(self.keys, self.roots, strict=True))
        return self.roots[0] if self.single else self.roots

    def __reduce__(self) -> tuple[Any, ...]:
        return (self.own_class, (self.outputs, self.inputs, self.name, self.sizes))

    def __call__(self, /, *args: Any, **keywords: Any) -> Any:
        left_out = self.arguments.left_out(args, keywords)
        return self.without(left_out)(*args, **keywords) if left_out else self._run(args, keywords)

    def _first_call(self, /, *args: Any, **more: Any) -> Any:
        """A call with arguments of kinds not met before."""
        values = named(self.name, self.arguments.names, args, more)
        left_out = self.arguments.left_out((), values)
        return self.without(left_out)(**values) if left_out else self._run((), values)

    def _run(self, args: Sequence[Any], keywords: Mapping[str, Any]) -> Any:
        keep_freed_memory()
        values = self.arguments.bound(self.name, args, keywords)
        arrays, sizes, letter = self.read(values)
        check_places(self.places, sizes)
        made = self.specialised(sizes, letter)
        calls = {n: values[n] for n in self.functions}
        free = {n: sizes[n] for n in self._free_sizes}
        in_order = [values[n] for n in self.arguments.names]
        if self._dispatch is not None and self.as_they_are(self._dispatch, in_order, list(arrays.values()), letter):
            key = self._dispatch.kinds(*in_order)
            if made.in_python and not self._dispatch.known:  # the kinds that come first
                call = self._dispatch.at_once(self, made.program, made.run, key)
                setattr(type(self), "__call__", call)  # noqa: B010  (the class is that of this program alone)
            self._dispatch.known[key] = made.run
            return self.returned(made.run(*in_order), values)  # as later calls: a number of Python stays one
        return self.returned(made.run(*arrays.values(), *calls.values(), *free.values()), values)


class Specialised:
    """The program for certain sizes and a certain precision.

    ordered: its steps, where they are known; then Cholesky is not tried for matrices that may be indefinite
    """

    @without_collection
    def __init__(
        self,
        whole: CompiledProgram,
        sizes: Mapping[str, int],
        letter: str,
        early: Sequence[str],
        ordered: list[Value] | None = None,
    ) -> None:
        self.whole, self.sizes, self.letter, self.early = whole, dict(sizes), letter, early
        graph, roots = whole._lowered
        self.graph = graph
        self.rates = Rates(self.sizes)
        inputs = {v.params[0]: v for v in graph.steps(roots) if v.op == "input"}
        first = [inputs[n] for n in early if n in inputs]
        self.ordered = self._optimized(graph, roots, first) if ordered is None else ordered
        # what is computed beforehand is no place to turn to the program for indefinite matrices
        beforehand = only(self.ordered, first) if early else set()
        trying = whole.trying and ordered is None
        but = beforehand | not_worth_trying(graph, self.ordered, self.rates) if trying else ()
        self.roots = factorized(graph, self.ordered, trying, but)
        self.once = only(self.roots, first) if early else set()

    def _optimized(self, graph: Graph, roots: Sequence[Value], first: Sequence[Value]) -> list[Value]:
        rates = Rates(asymptotic(self.sizes))
        if not self.whole.trying:
            return optimized(graph, roots, rates, first)
        return resolvents(graph, optimized(graph, entries_placed(graph, roots), rates, first), self.rates)

    @property
    def in_python(self) -> bool:
        """Are its lines what a call runs?"""
        return True

    @cached_property
    def steps(self) -> list[Value]:
        return walk(self.roots)

    @cached_property
    def written(self) -> list[tuple[Value, str]]:
        """The steps that take time, each with its source."""
        self.program  # noqa: B018  (writes them)
        return self._written

    @cached_property
    @without_collection
    def program(self) -> Program:
        """The program in parts."""
        names, _, known, names_of_sizes = self.whole._names
        program = self.whole.empty()
        program.parameters = dict(names.parameters)
        taken = set(self.whole.taken)
        emission = self.whole.emission(self, program.parameters, taken | self.whole.helpers)
        roots = self.written_roots
        first = [v for v in walk(roots) if v.op == "input" and v.params[0] in self.early] if self.early else ()
        results = emission.run(roots, only(roots, first) if first else ())
        body, self._written, self._within = emission.lines, emission.written, emission.accumulated
        if self.whole.keys is not None:
            returned = "{" + ", ".join(f"{k!r}: {r}" for k, r in zip(self.whole.keys, results, strict=True)) + "}"
        else:
            returned = ", ".join(results) + ("," if len(results) == 1 and not self.whole.single else "")
        self.whole.complete(program, self, emission)
        body = [*body, f"return {returned}"]
        if self.early:
            body = prepared_lines(program, emission.early_lines, body, known, names_of_sizes, self.early)
            known = [v for v in known if v.params[0] in self.early]
        finish(program, body, taken, names_of_sizes, known)
        if self.early:
            program.parameters = {v: p for v, p in program.parameters.items() if v in self.early}
        if program.before is not None:
            for names_of in ("lapack", "modules", "helpers"):
                mine = getattr(program, names_of)
                mine += [n for n in getattr(program.before, names_of) if n not in mine]
        return program

    @cached_property
    def written_roots(self) -> Sequence[Value]:
        """The results as they are written: with steps that share large arrays taken together."""
        if not self.whole.trying:
            return self.roots
        rows = free_name("rows", {*self.whole.taken, *self.whole.helpers})
        return by_row_blocks(self.graph, self.roots, self.rates, rows, self.once, bind(self.whole._names[2]).keys())

    @property
    def in_blocks(self) -> bool:
        """Are some steps done for one block of rows after the other?"""
        return self.written_roots != self.roots

    @property
    def function(self) -> str:
        """The function alone, as source."""
        return self.program.function()

    @property
    def source(self) -> str:
        """All that the function needs, as source."""
        return self.program.source()

    @cached_property
    def run(self) -> Callable[..., Any]:
        return self.whole.runnable(self)

    def table(self) -> str:
        """Every step with its shape, flops and bytes: see `frechet.compilation.table`."""
        from frechet.compilation.table import Row, flops, moved, show

        rows = []
        for v, text in self.written:
            shape = "×".join(map(str, v.shape)) or "scalar"
            parts = [v, *(a for a in v.args if a in self._within)]  # products that BLAS adds in this step
            counts = [flops(part, self.rates) for part in parts]
            total = None if None in counts else sum(count or 0 for count in counts)
            rows.append(Row(text, shape, total, sum(moved(part, self.rates, self.letter) for part in parts)))
        return show(rows, ", ".join(f"{n} = {size}" for n, size in self.sizes.items()))

    __str__ = table
