"""The graph of a network as SVG: a box for each value with its formula, under it the formula of its cotangent.

Grey arrows go down with the values, orange ones up with the cotangents. Boxes have a light ground of their own and arrows
are of middle tone, so the picture reads on white and on black.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple
from xml.sax.saxutils import escape

from frechet.expressions.dimension import axes, show_dimension
from frechet.expressions.errors import LimitError
from frechet.expressions.node import Expr
from frechet.interfaces.backprop.layered import layered
from frechet.interfaces.document import Math
from frechet.operations.sums import SUM, add
from frechet.operations.transposition import TRANSPOSE, transposed

if TYPE_CHECKING:
    from frechet.interfaces.backprop.network import Network

BOXES = 400  # of a picture
TERMS = 8  # of a sum
LETTERS = 44  # of a formula in a box; the whole formula is its tooltip
WIDE, TALL = 7.9, 18.0  # of a letter of 13 pixels, and from line to line
PAD, BETWEEN, MARGIN = 10.0, 46.0, 16.0
APART = 5.0  # of the two arrows from the middle between them
COLOURS = {  # ground and border
    "data": ("#f6f0e2", "#a3875a"), "parameter": ("#e4f3ea", "#4d9a6b"), "constant": ("#f1f1f1", "#8a8a8a"),
    "value": ("#e9eff8", "#6c87ad"), "loss": ("#f1e9fa", "#8d6cc0"),
}  # fmt: skip
STYLE = (  # of this picture only, also where it stands in a page
    ".network text{font:13px 'DejaVu Sans Mono',Menlo,Consolas,monospace;fill:#17202e}"
    ".network .s{fill:#5c6675}.network .d{fill:#b03c08}.network .f,.network .b{fill:none;stroke-width:1.6}"
    ".network .f{stroke:#7d8896}.network .b{stroke:#dd6b2a;stroke-dasharray:5 3}"
    ".network .fh{fill:#7d8896}.network .bh{fill:#dd6b2a}"
)


class Box(NamedTuple):
    kind: str
    symbol: Expr
    formula: str
    shape: str
    cotangent: str

    @property
    def lines(self) -> int:
        return 2 if self.cotangent else 1

    @property
    def width(self) -> float:
        first = len(_short(self.formula)) + 2 + len(self.shape)
        return WIDE * max(first, len(_short(self.cotangent))) + 2 * PAD

    @property
    def height(self) -> float:
        return TALL * self.lines + PAD


def figure(network: Network) -> str:
    """The picture. Raises LimitError where it would have too many boxes."""
    boxes, edges = _graph(network)
    layout = layered([b.width for b in boxes], edges)
    heights = [max((boxes[n].height for n in layer if n < len(boxes)), default=TALL) for layer in layout.layers]
    tops = [MARGIN]
    for height in heights:
        tops.append(tops[-1] + height + BETWEEN)
    row = {node: i for i, layer in enumerate(layout.layers) for node in layer}
    left = min(layout.x[i] - b.width / 2 for i, b in enumerate(boxes))
    left = min(left, *(layout.x[n] - 10 for n in row)) - MARGIN
    x = [place - left for place in layout.x]
    right = max(*(x[i] + b.width / 2 for i, b in enumerate(boxes)), *(x[n] + 10 for n in row)) + MARGIN
    active = network.backprop.active
    drawn = []
    for (a, b), path in sorted(layout.paths.items()):
        points = _points(path, a, b, x, tops, heights, row, boxes, layout.paths)
        both = boxes[a].symbol in active and boxes[b].symbol in active
        drawn.append(_arrow(points, -APART if both else 0.0, False))
        if both:
            drawn.append(_arrow(points, APART, True))
    for i, box in enumerate(boxes):
        drawn.append(_drawn(box, x[i], tops[row[i]] + (heights[row[i]] - box.height) / 2))
    width, height = round(right), round(tops[-1] - BETWEEN + MARGIN)
    title = f"The network of {network.loss.name}: values downwards, cotangents upwards"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        f' class="network" role="img">\n<title>{escape(title)}</title>\n<style>{STYLE}</style>\n'
        + "\n".join(drawn)
        + "\n</svg>\n"
    )


def _graph(network: Network) -> tuple[list[Box], list[tuple[int, int]]]:
    b = network.backprop
    count = len(b.variables) + len(b.stages)
    if count > BOXES:
        raise LimitError(f"the graph has {count:,} boxes; at most {BOXES} are drawn in a picture")
    backward = {c.of: c for c in (*b.cotangents, *b.gradients)}
    kinds = dict.fromkeys(b.parameters, "parameter") | dict.fromkeys(network.data, "data")
    place: dict[Expr, int] = {}
    boxes: list[Box] = []
    edges: list[tuple[int, int]] = []

    def enter(e: Expr, kind: str, text: str) -> None:
        c = backward.get(e)
        left = "∇{0}" if kind == "parameter" else "{0}"
        named = e if kind == "parameter" else c.symbol if c else e
        pulled = str(Math(left + " = {1}", named, formula(c.expression)).written("unicode")) if c else ""
        place[e] = len(boxes)
        boxes.append(Box(kind, e, text, shape_text(e), pulled))

    for stage in b.stages:
        for v in stage.inputs:  # just before the stage, so that they stand beside each other
            if v not in place:
                enter(v, kinds.get(v, "constant"), Math("{0}", v).write("unicode"))
        kind = "loss" if stage is b.stages[-1] else "value"
        enter(stage.symbol, kind, str(Math("{0} = {1}", stage.symbol, formula(stage.expression)).written("unicode")))
        edges += [(place[v], place[stage.symbol]) for v in stage.inputs]
    return boxes, edges


def formula(e: Expr) -> Math:
    """The expression; of a long sum the first terms and how many there are."""
    turned = e.op is TRANSPOSE
    whole = e.args[0] if turned else e
    if whole.op is not SUM or len(whole.args) <= TERMS:
        return Math("{0}", e)
    first = add(zip(whole.params[:3], whole.args[:3], strict=True))
    return Math(f"{{0}} + … ({len(whole.args)} terms)", transposed(first) if turned else first)


def shape_text(e: Expr) -> str:
    """The shape as a book prints it: number, 4n, n×(m+p)."""
    sizes = [show_dimension(d) for d in axes(e.shape)]
    if len(sizes) < 2:
        return f"1×{sizes[0]}" if e.kind == "row" else sizes[0] if sizes else "number"
    return "×".join(f"({s})" if len(d.terms) > 1 else s for s, d in zip(sizes, e.shape, strict=True))


Point = tuple[float, float]


def _points(
    path: Sequence[int],
    a: int,
    b: int,
    x: Sequence[float],
    tops: Sequence[float],
    heights: Sequence[float],
    row: dict[int, int],
    boxes: Sequence[Box],
    paths: dict[tuple[int, int], list[int]],
) -> list[Point]:
    """From the lower edge of a through the gaps to the upper edge of b; arrows of one box have ports side by side."""

    def port(node: int, others: Sequence[tuple[float, tuple[int, int]]], own: tuple[int, int]) -> float:
        ordered = [edge for _, edge in sorted(others)]
        step = min(4.5 * APART, (boxes[node].width - 2 * PAD) / max(len(ordered), 1))
        return x[node] + (ordered.index(own) - (len(ordered) - 1) / 2) * step

    down = [(x[p[1]], e) for e, p in paths.items() if e[0] == a]
    up = [(x[p[-2]], e) for e, p in paths.items() if e[1] == b]
    start = tops[row[a]] + (heights[row[a]] + boxes[a].height) / 2
    end = tops[row[b]] + (heights[row[b]] - boxes[b].height) / 2
    points = [(port(a, down, (a, b)), start)]
    if start < tops[row[a]] + heights[row[a]]:
        points.append((points[0][0], tops[row[a]] + heights[row[a]]))
    for node in path[1:-1]:
        points += [(x[node], tops[row[node]]), (x[node], tops[row[node]] + heights[row[node]])]
    last = port(b, up, (a, b))
    if end > tops[row[b]]:
        points.append((last, tops[row[b]]))
    return [*points, (last, end)]


def _arrow(points: Sequence[Point], shift: float, back: bool) -> str:
    """A smooth line through the points with a head at its end; backwards with the head at the beginning."""
    moved = [(px + shift, py) for px, py in points]
    head, kind = (moved[0], "b") if back else (moved[-1], "f")
    stop = 6.0  # the line ends inside of the head
    if back:
        moved[0] = (moved[0][0], moved[0][1] + stop)
    else:
        moved[-1] = (moved[-1][0], moved[-1][1] - stop)
    text = f"M{moved[0][0]:.1f} {moved[0][1]:.1f}"
    for (x0, y0), (x1, y1) in itertools.pairwise(moved):
        if abs(x0 - x1) < 0.05:
            text += f"V{y1:.1f}"
        else:
            # moved up or down too, so that the two arrows stay apart where they are flat
            middle = (y0 + y1) / 2 + (-shift if x1 > x0 else shift)
            text += f"C{x0:.1f} {middle:.1f} {x1:.1f} {middle:.1f} {x1:.1f} {y1:.1f}"
    hx, hy = head
    tip = 8.0 if back else -8.0
    arrow = f'<path class="{kind}h" d="M{hx:.1f} {hy:.1f}l-4 {tip:g}h8z"/>'
    return f'<path class="{kind}" d="{text}"/>{arrow}'


def _drawn(box: Box, middle: float, top: float) -> str:
    ground, border = COLOURS[box.kind]
    left = middle - box.width / 2
    whole = f"{box.formula}   ({box.shape})" + (f"\n{box.cotangent}" if box.cotangent else "")
    y = top + TALL - 1
    lines = [
        f'<text x="{left + PAD:.1f}" y="{y:.1f}">{escape(_short(box.formula))}'
        f'<tspan class="s" x="{left + box.width - PAD:.1f}" text-anchor="end">{escape(box.shape)}</tspan></text>'
    ]
    if box.cotangent:
        lines.append(f'<text class="d" x="{left + PAD:.1f}" y="{y + TALL:.1f}">{escape(_short(box.cotangent))}</text>')
    round_ = 12 if box.kind in ("data", "parameter", "constant") else 3
    return (
        f"<g><title>{escape(whole)}</title>"
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="{round_}"'
        f' fill="{ground}" stroke="{border}"/>' + "".join(lines) + "</g>"
    )


def _short(text: str) -> str:
    return text if len(text) <= LETTERS else text[: LETTERS - 1] + "…"
