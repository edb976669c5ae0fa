"""The page of `frechet backprop`: values, cotangents and gradients as tables, why they are so, and what they cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from frechet.derivation.stages import depending_nodes
from frechet.differentiation.conditions import Condition
from frechet.expressions.errors import LimitError
from frechet.expressions.node import Expr, walk
from frechet.interfaces.answer import describe, shape_names
from frechet.interfaces.backprop.figure import figure, formula, shape_text
from frechet.interfaces.backprop.why import flops, why_backwards, why_outer
from frechet.interfaces.document import (
    Block,
    Content,
    Details,
    Document,
    Entry,
    Figure,
    Heading,
    Inline,
    Math,
    Paragraph,
    Table,
)
from frechet.notation.text import write_text
from frechet.operations.sums import SUM

if TYPE_CHECKING:
    from frechet.compilation.network_costs import NetworkCosts
    from frechet.interfaces.backprop.network import Network

ROWS = 60  # of a table; of longer ones the first and the last are shown
CONDITIONS = 12
NAMED = 12  # symbols in a sentence


def page(network: Network) -> Document:
    """The document of a network, with the same for programs in `data`."""
    costs, loss = network.costs, network.loss.symbol
    blocks: list[Block] = [*_read(network)]
    blocks += [Heading("Forward: the values, from the first line to the loss"), _values(network, costs)]
    own = [s.symbol for s in network.stages if not s.own]
    if own:
        blocks.append(Paragraph([*_listed(own), f" {'is' if len(own) == 1 else 'are'} named here, to have a cotangent."]))
    blocks += [
        Heading("Backward: the cotangents, from the loss to the first line"),
        Paragraph([
            "The cotangent δ of a value v is the gradient of ", Math("{0}", loss), " by v: a change dv changes ",
            Math("{0}", loss), " by ", Math("⟨δ, dv⟩"), ", the sum of products of entries",
            ". A value that is used in several lines has the sum of what each of them sends back.",
        ]),
        _cotangents(network, costs),
        Heading("Gradients by the parameters"),
        _gradients(network, costs),
        *_notes(network),
        *why_outer(network),
        *why_backwards(network, costs),
        *_picture(network),
    ]  # fmt: skip
    return Document(f"Back-propagation to {', '.join(p.params[0] for p in network.parameters[:6])}", blocks, data(network))


def _read(network: Network) -> Iterator[Block]:
    """What is a parameter, what is data, and which of it was assumed."""
    loss = network.loss.symbol

    def named(vs: Sequence[Expr]) -> list[Inline]:
        found: list[Inline] = []
        for v in vs[:ROWS]:
            found += [", " if found else "", Math("{0}", v), f": {shape_text(v)}"]
        return [*found, f", … ({len(vs)} in all)"] if len(vs) > ROWS else found

    said: Content = ()
    if not network.asked_data and not network.asked_wrt:
        said = ["assumed: vectors and matrices that are no data"]
    yield Entry("loss", [Math("{0}", loss), ", a number"])
    yield Entry("parameters", named(network.parameters), said)
    if network.data:
        assumed = () if network.asked_data else ["assumed from their names; say otherwise with --data"]
        yield Entry("data", named(network.data), assumed)
    if network.constants:
        yield Entry("constants", named(network.constants), ["held fixed; --wrt to differentiate by them"])
    if network.layout is not None:
        what = "row" if network.layout == "rows" else "column"
        yield Entry("batch", [f"{network.count} samples, one in each {what} of the data; numbers of samples are vectors"])
        sums = "sum" if network.total == "sum" else "mean"
        extra = []
        if network.total == "sum" and _without_data(network):
            extra = ["a term without data, such as a penalty, counts once for each sample: --loss mean counts it once"]
        yield Entry("", [f"the loss is the {sums} of the losses of the samples"], extra)


def _without_data(network: Network) -> bool:
    """Is a term of the loss the same for all samples?"""
    last = network.single.stages[-1].expression
    moving = depending_nodes(last, set(network.samples))
    return last.op is SUM and any(a not in moving for a in last.args)


def _values(network: Network, costs: NetworkCosts) -> Table:
    rows = [(Math("{0}", s.symbol), formula(s.expression), s.symbol, s.symbol) for s in network.stages]
    return _table(rows, costs, "value")


def _cotangents(network: Network, costs: NetworkCosts) -> Table:
    rows = [(Math("{0}", c.symbol), formula(c.expression), c.of, c.symbol) for c in network.cotangents]
    return _table(rows, costs, "cotangent")


def _gradients(network: Network, costs: NetworkCosts) -> Table:
    rows = [(Math("∇{0}", c.of), formula(c.expression), c.of, c.symbol) for c in network.backprop.gradients]
    return _table(rows, costs, "gradient")


def _listed(symbols: Sequence[Expr]) -> Iterator[Inline]:
    """The symbols with commas between them, and of many the first few."""
    shown = symbols if len(symbols) <= NAMED else symbols[: NAMED - 2]
    for i, symbol in enumerate(shown):
        if i:
            yield " and " if i == len(symbols) - 1 else ", "
        yield Math("{0}", symbol)
    if len(shown) < len(symbols):
        yield f", … ({len(symbols):,} in all)"


def _table(rows: Sequence[tuple[Math, Math, Expr, Expr]], costs: NetworkCosts, head: str) -> Table:
    """Rows of a symbol, its formula, what has its shape, and what its costs are found by."""
    shown: list[list[Content]] = []
    for i, (left, written, like, symbol) in enumerate(rows):
        if len(rows) > ROWS and ROWS // 2 <= i < len(rows) - ROWS // 2:
            if i == ROWS // 2:
                shown.append([["…"], [f"{len(rows) - ROWS:,} more (all of them with --json)"], [""], [""]])
            continue
        cost = costs.rows.get(symbol)
        count: list[Inline] = [flops(cost.flops) if cost else "0"]
        if cost and cost.uncounted:
            count.append(f" + {', '.join(cost.uncounted)}")
        shown.append([[left], [written], [shape_text(like)], count])
    return Table([head, "formula", "shape", "flops"], shown)


def _notes(network: Network) -> Iterator[Block]:
    found = conditions(network)
    if found:
        shown = found[:CONDITIONS] + ([f"… ({len(found) - CONDITIONS} more)"] if len(found) > CONDITIONS else [])
        yield Entry("conditions", ["; ".join(shown)])
    for stage in network.unused:
        yield Entry("unused", [f"{stage.name}, defined on line {stage.line}, is not used by the loss"])
    if network.report is not None:
        r = network.report
        seen = "differences of the loss"
        if network.layout is not None:
            seen += ", the batch with its samples one by one"
        yield Entry("checked", [f"{r.points} points against {seen}, largest error {r.max_relative_error:.0e}"])
    else:
        yield Entry("checked", ["no (--no-check)"])


def conditions(network: Network) -> list[str]:
    """Where the derivatives of the stages exist, in words."""
    found: list[Condition] = []
    for stage in network.stages:
        inside = depending_nodes(stage.expression, network.backprop.active)
        for node in walk(stage.expression):
            if node in inside and node not in network.backprop.active:
                found += node.op.conditions(node)
    return describe(found)


def _picture(network: Network) -> Iterator[Block]:
    lines = []
    for stage in network.stages[:ROWS]:
        inputs = ", ".join(v.params[0] for v in stage.inputs)
        lines.append(f"{stage.name} <- {inputs}")
    if len(network.stages) > ROWS:
        lines.append(f"… ({len(network.stages) - ROWS:,} more)")
    try:
        svg, caption = figure(network), "Values go down the grey arrows, cotangents up the orange ones."
    except LimitError as error:
        svg, caption = "", str(error)
    if svg:
        yield Details("The graph (--svg FILE draws it)", [Figure(svg, "\n".join(lines), caption)])
    else:
        yield Paragraph([f"No picture: {caption}."])


def data(network: Network) -> Mapping[str, object]:
    """The same for programs: formulas are in the text notation, counts in numbers for `sizes`."""
    costs = network.costs

    def row(name: str, e: Expr, like: Expr, symbol: Expr) -> dict[str, object]:
        found: dict[str, object] = {"name": name, "formula": write_text(e, share=False).text, "shape": shape_names(like)}
        cost = costs.rows.get(symbol)
        if cost is not None:
            found |= {"flops": cost.flops.size(costs.sizes)}
            if costs.symbolic:
                found |= {"flops_formula": str(cost.flops)}
            if cost.uncounted:
                found |= {"not_counted": list(cost.uncounted)}
        return found

    def described(vs: Sequence[Expr]) -> list[dict[str, object]]:
        return [{"name": v.params[0], "shape": shape_names(v)} for v in vs]

    r = network.report
    return {
        "loss": network.loss.name,
        "parameters": described(network.parameters),
        "data": described(network.data),
        "constants": described(network.constants),
        "assumed": [w for w, asked in (("parameters", network.asked_wrt), ("data", network.asked_data)) if not asked],
        "batch": {"layout": network.layout, "count": network.count, "loss": network.total} if network.layout else None,
        "values": [row(s.name, s.expression, s.symbol, s.symbol) | {"line": s.line} for s in network.stages],
        "cotangents": [
            row(c.symbol.params[0], c.expression, c.of, c.symbol) | {"of": c.of.params[0]} for c in network.cotangents
        ],
        "gradients": [
            row(c.symbol.params[0], c.expression, c.of, c.symbol) | {"of": c.of.params[0]}
            for c in network.backprop.gradients
        ],
        "flops": {
            "values": costs.forward.size(costs.sizes),
            "backward": costs.backward.size(costs.sizes),
            "forward_order_at_least": costs.tangents.size(costs.sizes),
            "not_counted": list(costs.uncounted),
        },
        "sizes": dict(costs.sizes),
        "sizes_assumed": [name for name in costs.sizes if name not in network.sizes],
        "conditions": conditions(network),
        "unused": [{"name": s.name, "line": s.line} for s in network.unused],
        "checked": None if r is None else {"points": r.points, "max_relative_error": r.max_relative_error},
    }
