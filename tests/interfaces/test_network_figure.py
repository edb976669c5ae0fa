"""Pictures: well-formed, with a box for each value, nothing on top of something else, no colour that needs a ground."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest

from frechet.expressions.errors import LimitError
from frechet.interfaces.backprop.figure import WIDE
from frechet.interfaces.backprop.network import Network

EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "networks").glob("*.frechet"))
SVG = "{http://www.w3.org/2000/svg}"


def network(path: Path, **options: object) -> Network:
    from frechet.interfaces.backprop.command import without_comments

    return Network(without_comments(path.read_text(encoding="utf-8")), check=False, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_nothing_overlaps(path: Path) -> None:
    n = network(path)
    root = ElementTree.fromstring(n.svg())
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    boxes = []
    for group in root.iter(f"{SVG}g"):
        rect = group.find(f"{SVG}rect")
        assert rect is not None
        left, top, w, h = (float(rect.attrib[k]) for k in ("x", "y", "width", "height"))
        assert left >= 0 and top >= 0 and left + w <= width and top + h <= height
        assert rect.attrib["fill"].startswith("#")  # letters have a ground of their own
        for text in group.iter(f"{SVG}text"):
            tail = "".join(s.text or "" for s in text.iter(f"{SVG}tspan"))
            assert WIDE * (len(text.text or "") + len(tail)) <= w
        boxes.append((left, top, left + w, top + h))
    assert len(boxes) == len(n.backprop.variables) + len(n.stages)
    for a, b in combinations(boxes, 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
    for path_ in root.iter(f"{SVG}path"):  # corners and ends of arrows lie in no box
        for x, y in points(path_.attrib["d"]):
            assert not any(b[0] + 1 < x < b[2] - 1 and b[1] + 1 < y < b[3] - 1 for b in boxes)


def points(d: str) -> list[tuple[float, float]]:
    """Where the parts of an arrow's line end."""
    found: list[tuple[float, float]] = []
    for kind, numbers in re.findall(r"([MCV])([-\d. ]+)", d):
        values = [float(v) for v in numbers.split()]
        found.append((found[-1][0], values[0]) if kind == "V" else (values[-2], values[-1]))
    return found


def test_every_value_has_its_cotangent_in_its_box() -> None:
    svg = network(EXAMPLES[0]).svg()
    n = network(EXAMPLES[0])
    titles = [t.text or "" for t in ElementTree.fromstring(svg).iter(f"{SVG}title")]
    for c in n.cotangents:
        assert any(f"δ_{c.of.params[0]} = " in t for t in titles)
    for g in n.gradients:
        assert any(f"∇{g} = " in t for t in titles)


def test_names_are_no_markup() -> None:
    svg = Network("norm2(W*x - y)^2", data=["x", "y"]).svg()
    ElementTree.fromstring(svg)
    assert "<script" not in svg


def test_too_large_a_graph_is_refused_by_number() -> None:
    lines = ["h0 = x", *(f"h{i} = tanh(W*h{i - 1})" for i in range(1, 500)), "sum(h499)"]
    with pytest.raises(LimitError, match="at most 400"):
        Network("\n".join(lines), check=False).svg()


def test_the_picture_in_the_docs_is_what_is_drawn() -> None:
    root = Path(__file__).parents[2]
    drawn = network(root / "examples" / "networks" / "lstm.frechet").svg()
    assert (root / "docs" / "lstm.svg").read_text(encoding="utf-8") == drawn
