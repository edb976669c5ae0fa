"""A network as it is asked about: text in; values, cotangents, gradients, costs and a NumPy function out, checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from frechet.derivation.backprop import Backprop, Cotangent, depending, needed, roles
from frechet.derivation.batch import Layout, Total, batched
from frechet.derivation.stages import Stage, cut, dimensions, split, standing_for
from frechet.expressions.errors import LimitError, NotationError
from frechet.expressions.node import Expr, variables
from frechet.notation.reading import Reading, read_stages
from frechet.operations.declared_functions import symbols

if TYPE_CHECKING:
    from frechet.compilation.network_costs import NetworkCosts
    from frechet.compilation.numpy_source import Program
    from frechet.interfaces.document import Document
    from frechet.verification.check import Report

LARGEST = 10**9  # of a size


class Network:
    """Back-propagation through a network of one sample, or of a batch of them.

    network: text with a definition a line, the loss on the last; or a reading or an expression
    wrt, data: names; where left out they are assumed, see `derivation.backprop.roles`
    batch: None for one sample; rows or columns: the data are matrices with a sample in each row or column
    total: is the loss of a batch the sum or the mean of those of its samples?
    sizes: numbers for dimensions, for the costs

    Raises:  FrechetError with the place in the text; CheckFailed, if the gradients do not agree with differences
    """

    def __init__(
        self,
        network: str | Reading | Expr,
        declare: Sequence[str] = (),
        wrt: Sequence[str] = (),
        data: Sequence[str] = (),
        batch: Layout | None = None,
        total: Total = "sum",
        sizes: Mapping[str, int] | None = None,
        check: bool = True,
    ) -> None:
        self.asked_data, self.asked_wrt, self.layout, self.total = tuple(data), tuple(wrt), batch, total
        if batch not in (None, "rows", "columns") or total not in ("sum", "mean"):
            raise NotationError("a batch is of rows or columns, its loss the sum or the mean")
        stages, given = _stages(network, declare)
        stages, unused = needed(stages)
        self.unused = [s for s in unused if s.line]
        reached = {v for s in stages for v in s.inputs}
        for v in given:
            if v not in reached and v.params[0] in (*wrt, *data):
                raise NotationError(f"the loss does not depend on {v.params[0]}: its gradient is 0")
        given = [v for v in given if v in reached]
        if not given:
            raise NotationError("the loss is the same whatever the variables are: every gradient is 0")
        self.parameters, own_data, self.constants = roles(given, wrt, data)
        if not self.parameters:
            raise NotationError("there is no parameter to differentiate by: every variable is data, or a number; say --wrt")
        taken = {v.params[0] for v in given} | {s.name for s in stages} | set(dimensions(stages))
        one = split(stages, depending(stages, self.parameters), taken)
        self.single = Backprop(one, self.parameters)
        self.data, self.backprop = own_data, self.single
        self.count: str | None = None
        if batch is not None:
            self._make_batch(batch, total, taken)
        self.dimensions = dimensions(self.backprop.stages)
        self.sizes = dict(sizes or {})
        for name, size in self.sizes.items():
            if name not in self.dimensions:
                raise NotationError(
                    f"{name} is no dimension of the network: they are {', '.join(self.dimensions) or 'all numbers'}"
                )
            if not 1 <= size <= LARGEST:
                raise LimitError(f"the size {name} = {size} is not from 1 to {LARGEST:,}")
        self.report: Report | None = self._check() if check else None

    def _make_batch(self, layout: Layout, total: Total, taken: set[str]) -> None:
        if not self.data:
            raise NotationError("a batch needs data, and no variable is: say which with --data")
        count = next(name for name in ("N", "samples", "batch_size", "samples_") if name not in taken)
        found = batched(self.single.stages, self.data, layout, total, count)
        self.backprop = Backprop(found.stages, self.parameters)
        self.count, self.samples = count, found.data
        self.data = [found.data[v] for v in self.data]

    def _check(self) -> Report:
        from frechet.verification.networks import Samples, check_network

        samples = None
        if self.layout is not None:
            assert self.count is not None
            samples = Samples(self.single, self.samples, self.count, self.layout, self.total)
        return check_network(self.backprop, samples)

    @property
    def stages(self) -> list[Stage]:
        return self.backprop.stages

    @property
    def loss(self) -> Stage:
        return self.stages[-1]

    @property
    def cotangents(self) -> list[Cotangent]:
        return self.backprop.cotangents

    @property
    def gradients(self) -> dict[str, Expr]:
        """By parameter, in terms of values and cotangents."""
        return {c.of.params[0]: c.expression for c in self.backprop.gradients}

    @cached_property
    def costs(self) -> NetworkCosts:
        from frechet.compilation.network_costs import network_costs

        return network_costs(self.backprop, self.sizes)

    @cached_property
    def program(self) -> Program:
        """Forward and backward pass as one NumPy function."""
        from frechet.compilation.straight_line import straight_line
        from frechet.expressions.dimension import show_shape

        b = self.backprop
        gradients = {c.of.params[0]: c.symbol for c in b.gradients}
        program = straight_line(b.assignments, self.loss.symbol, gradients, arguments=[*b.parameters, *self.data])
        shapes = ", ".join(f"{v.params[0]}: {show_shape(v.shape)}" for v in b.variables)
        program.doc = f"The loss and its gradients by {', '.join(gradients)}. Shapes: {shapes}."
        return program

    def numpy(self) -> str:
        """The source of that function; it needs NumPy (SciPy too, where erf and its relatives occur)."""
        return self.program.source()

    @cached_property
    def function(self) -> Any:
        """The function of `numpy`, ready to call with arrays or lists: (loss, gradients by name) = function(W1=…, x=…).

        Raises (when called):  ShapeError, naming the variable, if an array is missing or has another shape
        """
        from frechet.compilation.numpy_source import runnable
        from frechet.compilation.sizes import callables, checked

        run = runnable(self.program)
        calling = [e for _, e in self.backprop.assignments if symbols(e)]

        def function(**values: Any) -> tuple[float, dict[str, Any]]:
            arrays, found = checked(self.backprop.variables, values, {})
            for e in calling:
                arrays |= callables(e, values)
            return run(**arrays, **{n: found[n] for n in run.sizes})  # type: ignore[no-any-return]

        return function

    def svg(self) -> str:
        """The graph: values downwards, cotangents upwards. Raises LimitError where it has too many boxes."""
        from frechet.interfaces.backprop.figure import figure

        return figure(self)

    def document(self) -> Document:
        from frechet.interfaces.backprop.page import page

        return page(self)

    def __repr__(self) -> str:
        from frechet.interfaces.rendering import render

        return render(self.document()).rstrip()


def backprop(
    network: str | Reading | Expr,
    declare: Sequence[str] = (),
    *,
    wrt: str | Sequence[str] = (),
    data: str | Sequence[str] = (),
    batch: Layout | None = None,
    total: Total = "sum",
    sizes: Mapping[str, int] | None = None,
    check: bool = True,
) -> Network:
    """Back-propagation through a network: its values, cotangents, gradients, costs, graph and NumPy function.

    >>> n = backprop("h = tanh(W*x + b)\\nnorm2(h - y)^2")
    >>> n.gradients
    {'W': δ_a_h*x', 'b': δ_a_h}
    >>> [f"{c.symbol} = {c.expression}" for c in n.cotangents]
    ['δ_L = 1', 'δ_h = 2*(h - y)', 'δ_a_h = δ_h.*(ones(n) - h.^2)']
    """
    return Network(network, declare, names(wrt), names(data), batch, total, sizes, check)


def names(said: str | Sequence[str]) -> list[str]:
    """Names given as "W1,b1" or as a list."""
    parts = said.split(",") if isinstance(said, str) else said
    return [name for name in (p.strip() for p in parts) if name]


def _stages(network: str | Reading | Expr, declare: Sequence[str]) -> tuple[list[Stage], list[Expr]]:
    if isinstance(network, str):
        reading, stages = read_stages(network, declare)
        return stages, list(reading.variables.values())
    if isinstance(network, Expr):
        network = Reading(network, {v.params[0]: v for v in variables(network)}, {})
    symbols = {e: standing_for(e, name) for name, e in network.definitions.items() if e is not network.expression and e.args}
    stages, (last,) = cut([network.expression], symbols)
    name = "L"
    while name in network.variables or name in network.definitions:
        name += "_"
    return [*stages, Stage(standing_for(last, name), last)], list(network.variables.values())
