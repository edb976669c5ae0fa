"""Two reasons on the page of `frechet backprop`: why W gets δ hᵀ, and why the reverse order is the cheaper one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from frechet.derivation.stages import Stage
from frechet.differentiation.adjoint import adjoint
from frechet.differentiation.differential import differential, differential_symbol
from frechet.expressions.dimension import Dim, dim
from frechet.expressions.node import Expr, walk
from frechet.interfaces.backprop.figure import shape_text
from frechet.interfaces.document import Block, Content, Details, Heading, Math, Paragraph, Step, Steps, Table
from frechet.operations.products import PRODUCT, product
from frechet.operations.transposition import transposed
from frechet.simplification.polishing import polished

if TYPE_CHECKING:
    from frechet.compilation.network_costs import NetworkCosts
    from frechet.interfaces.backprop.network import Network

TERMS = 8  # of a count that is shown as a formula


def why_outer(network: Network) -> Iterator[Block]:
    """For the first matrix that multiplies something: why its gradient is a product of δ and what it multiplies."""
    for stage in network.stages:
        for w in stage.inputs:
            if w in network.parameters and w.kind == "matrix":
                found = _outer(network, stage, w)
                if found:
                    yield from found
                    return


def _outer(network: Network, stage: Stage, w: Expr) -> list[Block]:
    dw = differential_symbol(w)
    image = differential(stage.expression, {w: dw})
    turned = image.op is PRODUCT and any(a is transposed(dw) for a in image.args) and dw not in image.args
    plain = transposed(dw) if turned else dw
    if image is not plain and (image.op is not PRODUCT or image.args.count(plain) != 1 or w.params[1]):
        return []
    factors = image.args if image.op is PRODUCT else (image,)
    at = factors.index(plain)
    if any(dw in walk(f) for i, f in enumerate(factors) if i != at):
        return []
    delta = next((c.symbol for c in network.cotangents if c.of is stage.symbol), None)
    if delta is None:
        return []
    left, right = factors[:at], factors[at + 1 :]
    pulled = adjoint(image, dw, delta)
    here = polished(pulled)
    dy = differential_symbol(stage.symbol)
    shapes = " ".join(f"({_size(f)})" for f in (transposed(delta), *factors))
    fixed: Content = ["everything but ", Math("{0}", w), " is held fixed in this line"]
    rows = [
        Step(Math("{0}", dy), Math("{0}", image), fixed, _size(dy)),
        Step(Math("⟨{0}, {1}⟩", delta, dy), Math("tr({0:a}ᵀ {1:p})", delta, image), [Math("⟨M, N⟩ = tr(MᵀN)")], shapes),
    ]
    round_factors: list[Expr] = [*right, transposed(delta), *left]
    if turned:
        back = transposed(image)
        turning: Content = [Math("tr(M) = tr(Mᵀ)"), ", and ", Math("(AB)ᵀ = BᵀAᵀ")]
        rows.append(Step(None, Math("tr({0:p} {1:a})", back, delta), turning, f"({_size(back)}) ({_size(delta)})"))
        round_factors = [*map(transposed, reversed(left)), delta, *map(transposed, reversed(right))]
    turned_round = product(*round_factors) if len(round_factors) > 1 else round_factors[0]
    if transposed(turned_round) is not pulled:
        return []  # the steps would not lead to what was derived
    if right or turned:
        rule: Content = [Math("tr(MN) = tr(NM)"), ": what stands behind goes round to the front"]
        shape = f"({_size(turned_round)}) ({_size(dw)})"
        rows.append(Step(None, Math("tr({0:p} {1:a})", turned_round, dw), rule, shape))
    rows.append(Step(None, Math("⟨{0}, {1}⟩", here, dw), [Math("tr(GᵀN) = ⟨G, N⟩")], shape_text(here)))
    used = sum(w in s.inputs for s in network.stages)
    what = Math("{0}", here)
    blocks: list[Block] = [
        Heading(f"Why the gradient by {w.params[0]} is a product"),
        Paragraph([
            Math("{0}", w), " moves ", Math("{0}", stage.symbol), " by ", Math("{0}", image), ". In terms of ",
            Math("{0}", dw), " the change of the loss is",
        ]),
        Steps(rows),
        Paragraph([
            "for every ", Math("{0}", dw), "; so ", what,
            f" is {'the gradient' if used == 1 else 'what this line adds to the gradient'} by ", Math("{0}", w),
            f", {shape_text(w)} as ", Math("{0}", w), " itself.",
        ]),
    ]  # fmt: skip
    return blocks


def _size(e: Expr) -> str:
    """The shape with its two axes: a vector is m×1 here."""
    if e.kind == "vector":
        return f"({shape_text(e)})×1" if len(e.shape[0].terms) > 1 else f"{shape_text(e)}×1"
    return "1×1" if e.kind == "scalar" else shape_text(e)


def why_backwards(network: Network, costs: NetworkCosts) -> Iterator[Block]:
    """The costs of both orders, as polynomials where they are short, and as numbers."""
    yield Heading("Why backwards")
    one, many = costs.backward.size(costs.sizes), costs.tangents.size(costs.sizes)
    parameters = costs.parameters.size(costs.sizes)
    rows: list[list[Content]] = []
    for what, carried, count in (
        ("the values", "", costs.forward),
        ("the gradients, backwards", "one cotangent for each value", costs.backward),
        ("the gradients, forwards", "one tangent for each entry of the parameters", costs.tangents),
    ):
        formula: Content = [flops(count)] if costs.symbolic and len(count.terms) <= TERMS else []
        least = "at least " if count is costs.tangents else ""
        rows.append([[what], [carried], [f"{least}{count.size(costs.sizes):,}"], formula])
    yield Table(["", "what is carried", "flops", "as a formula" if any(r[3] for r in rows) else ""], rows)
    said = [f"{name} = {size:,}" for name, size in costs.sizes.items() if name in network.sizes]
    assumed = [name for name in costs.sizes if name not in network.sizes]
    sizes = "with " + ", ".join(said) if said else ""
    if assumed:
        value = costs.sizes[assumed[0]]
        example = ",".join(f"{name}={value}" for name in assumed[:3])
        sizes += f"{'; ' if sizes else ''}{listed(assumed)} taken as {value} (say --sizes {example})"
    if sizes:
        yield Paragraph([f"Counted {sizes}." if said else f"Counted with {sizes}."])
    text = (
        "The loss is one number: backwards, each line is passed once, by a cotangent of the size of its value, whatever the "
        f"number of parameters. Forwards, each of the {parameters:,} entries of the parameters sends a tangent of its own "
        "through all lines after it"
    )
    if one and many > one:
        text += f": {_times(many, one)} times as much work here"
    elif parameters > 1:
        text += ". Here most of the work is where the parameters come in, which the bound leaves out"
    yield Paragraph([text + ". Forward order is the cheaper one where few parameters move many results."])
    if costs.uncounted:
        yield Paragraph([f"Not counted: {', '.join(costs.uncounted)}."])
    yield Details(
        "How the flops are counted",
        [Paragraph([
            "A flop is an addition, multiplication, division, root, power or value of a function such as exp, of one entry; "
            "copies, transposes and comparisons are free; a product of n×k and k×m is 2nkm (Golub & Van Loan 2013, table "
            "1.1.2). What several formulas need is counted where it comes first. In forward order what is the same for all "
            "tangents counts once, and the first step of each tangent is left out: it is a lower bound.",
        ])],
    )  # fmt: skip


def _times(many: int, one: int) -> str:
    ratio = Fraction(many, one)
    return f"{float(ratio):.1f}" if ratio < 10 else f"{round(ratio):,}"


def flops(d: Dim) -> Math:
    """A count as a book prints it, the largest powers first.

    >>> n, m = dim("n"), dim("m")
    >>> [flops(d).write("unicode") for d in (n * m * dim(2) + n, dim({("n", "n", "n"): Fraction(2, 3)}), n - n)]
    ['2mn + n', '2/3 n³', '0']
    """
    template, parts = "", list[Dim]()
    for monomial, c in sorted(d.terms, key=lambda t: (-len(t[0]), t[0])):
        whole = c.denominator == 1
        template += (" − " if c < 0 else " + " if parts else "") + ("" if whole else f"{abs(c)} ") + f"{{{len(parts)}}}"
        parts.append(dim({monomial: abs(int(c)) if whole else 1}))
    return Math(template or "0", *parts)


def listed(words: Sequence[str]) -> str:
    if len(words) > 12:
        return f"{', '.join(words[:10])}, … ({len(words)} in all)"
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
