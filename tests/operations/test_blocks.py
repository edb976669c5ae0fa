"""Random slices, blocks, products and sums of them: values as NumPy's, derivatives as differences, texts that read back."""

from __future__ import annotations

from itertools import permutations
from random import Random
from typing import Any

import numpy as np
import pytest

import frechet as fr
from frechet.compilation.numpy_source import evaluate
from frechet.differentiation.derivative import Derivative
from frechet.expressions.node import variables
from frechet.notation.reading import parse
from frechet.notation.text import write_text
from frechet.simplification.polishing import polished
from frechet.verification.check import check_differential, check_gradient, check_jacobian

LENGTHS = (2, 3, 4, 5)
Made = tuple[str, Any]  # a text, and its value as a 2-D array


class Maker:
    """Random formulas of a given kind (matrix, vector, row or scalar by its first letter) and size."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        draw = np.random.default_rng(seed)
        self.values = {f"A{r}{c}": draw.normal(size=(r, c)) for r in LENGTHS for c in LENGTHS}
        self.values |= {f"x{r}": draw.normal(size=(r, 1)) for r in LENGTHS} | {"c": draw.normal(size=(1, 1))}
        self.declared = [f"{name}: {name[1]}×{name[2]}" for name in self.values if name[0] == "A"]
        self.declared += [f"x{r}: {r}" for r in LENGTHS] + ["c: scalar"]

    def point(self) -> dict[str, Any]:
        return {name: v if name[0] == "A" else v[:, 0] if name[0] == "x" else v[0, 0] for name, v in self.values.items()}

    def leaf(self, kind: str, r: int, c: int) -> Made:
        if kind == "r":
            text, value = self.leaf("v", c, 1)
            return text + "'", value.T
        name = {"s": "c", "v": f"x{r}", "m": f"A{r}{c}"}[kind]
        if name in self.values:
            return name, self.values[name]
        return (f"ones({r})" if kind == "v" else f"ones({r},{c})"), np.ones((r, c))

    def make(self, kind: str, r: int, c: int, depth: int) -> Made:
        choices = [self.total, self.product, self.part, self.part, self.blocks, self.blocks]
        return self.rng.choice(choices)(kind, r, c, depth - 1) if depth else self.leaf(kind, r, c)

    def total(self, kind: str, r: int, c: int, depth: int) -> Made:
        (a, u), (b, v) = self.make(kind, r, c, depth), self.make(kind, r, c, depth)
        sign = self.rng.choice(("+", "-", ".*"))
        return f"({a} {sign} {b})", {"+": u + v, "-": u - v, ".*": u * v}[sign]

    def product(self, kind: str, r: int, c: int, depth: int) -> Made:
        k = self.rng.choice(LENGTHS)
        left, right = {"m": "mm", "v": "mv", "r": "rm", "s": "rv"}[kind]
        (a, u), (b, v) = self.make(left, r, k, depth), self.make(right, k, c, depth)
        return f"({a}*{b})", u @ v

    def part(self, kind: str, r: int, c: int, depth: int) -> Made:
        rows, columns = r + self.rng.randrange(3), c + self.rng.randrange(3)
        i, j = self.rng.randrange(rows - r + 1), self.rng.randrange(columns - c + 1)
        text, value = self.make("m", rows, columns, depth) if min(rows, columns) > 1 else self.leaf("m", rows, columns)
        row = str(i + 1) if kind in "rs" else f"{i + 1}:{i + r}" if r < rows else ":"
        column = str(j + 1) if kind in "vs" else f"{j + 1}:{j + c}" if c < columns else ":"
        return f"{text}[{row},{column}]", value[i : i + r, j : j + c]

    def blocks(self, kind: str, r: int, c: int, depth: int) -> Made:
        if kind in "rs":
            return self.leaf(kind, r, c)
        widths = self.cut(c)
        cells = [[self.block(h, w, depth) for w in widths] for h in self.cut(r)]
        text = "; ".join(", ".join(text for text, _ in row) for row in cells)
        return f"[{text}]", np.block([[value for _, value in row] for row in cells])

    def block(self, h: int, w: int, depth: int) -> Made:
        kind = "m" if h > 1 and w > 1 else "v" if h > 1 else "r" if w > 1 else "s"
        if self.rng.random() < 0.25:
            return {"m": f"zeros({h},{w})", "v": f"zeros({h})", "r": f"zeros({w})'", "s": "0"}[kind], np.zeros((h, w))
        return self.make(kind, h, w, depth)

    def cut(self, n: int) -> list[int]:
        first = self.rng.randrange(1, n) if n > 1 else 1
        return [first, n - first] if n > 1 else [1]


@pytest.mark.parametrize("seed", range(60))
def test_random_parts_and_blocks(seed: int) -> None:
    maker = Maker(seed)
    kind = "mvrs"[seed % 4]
    r, c = (1 if kind in "rs" else maker.rng.choice(LENGTHS)), (1 if kind in "vs" else maker.rng.choice(LENGTHS))
    text, expected = maker.make(kind, r, c, 3)
    e = parse(text, maker.declared)
    np.testing.assert_allclose(np.ravel(evaluate(e, maker.point())), np.ravel(expected), rtol=1e-9, atol=1e-9)
    known = {v.params[0]: v for v in variables(e)}
    for brackets in (True, False):
        assert parse(write_text(e, share=False, brackets=brackets).text, known) is e
    for x in list(known.values())[:1]:
        d = Derivative(e, x)
        report = check_gradient(e, x, d.gradient) if e.kind == "scalar" else check_jacobian(e, x, d.jacobian)
        assert report.ok, report.reason
        assert check_differential(e, x, d.direction, d.differential).ok
        assert (
            parse(write_text(d.differential, share=False).text, {**known, str(d.direction): d.direction}) is d.differential
        )


@pytest.mark.parametrize("names", list(permutations("uvwz")), ids="".join)
def test_parts_that_fill_an_array_are_gathered_whatever_their_names(names: tuple[str, ...]) -> None:
    """The order of the terms of a sum comes from the names; that of the blocks from their places."""
    padded = [f"[zeros({k}*n); {name}; zeros({3 - k}*n)]" for k, name in enumerate(names)]
    padded[0], padded[3] = f"[{names[0]}; zeros(3*n)]", f"[zeros(3*n); {names[3]}]"
    declared = [f"{name}: n" for name in names]
    assert polished(parse(" + ".join(padded), declared)) is parse(f"[{'; '.join(names)}]", declared)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("[[A;B],[C;D]]", "[A, C; B, D]"),
        ("[[A;B],[C;D],[A;B]]", "[A, C, A; B, D, B]"),
        ("[[A,C];[B,D]]", "[A, C; B, D]"),
        ("[[A,C;B,D],[A;B]]", "[A, C, A; B, D, B]"),
        ("[[A;B],[A;B]]'", "[A', B'; A', B']"),
    ],
)
def test_stacks_side_by_side_keep_all_rows(text: str, form: str) -> None:
    e = parse(text, {"A": "n×k", "B": "m×k", "C": "n×p", "D": "m×p"})
    assert write_text(e).text == form


SHAPES = {"A": (2, 3), "B": (2, 4), "C": (5, 7), "D": (7, 2), "E": (5, 3), "u": (9,), "v": (6,), "z": (7,)}
VALUES = {name: np.random.default_rng(k).standard_normal(shape) for k, (name, shape) in enumerate(SHAPES.items())}
A, B, C, D, E, u, v, z = VALUES.values()
RAGGED, STACK = np.vstack([np.hstack([A, B]), C]), np.vstack([A, E])


@pytest.mark.parametrize("backend", ["numpy", "c"])
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("norm2([[A,B];C])^2", np.sum(RAGGED**2)),
        ("norm2([[[A,B];C], D]*u)^2", np.sum((np.hstack([RAGGED, D]) @ u) ** 2)),
        ("norm2([tanh([[A,B];C]), D])^2", np.sum(np.hstack([np.tanh(RAGGED), D]) ** 2)),
        ("H = tanh([A;E])\nnorm2([H,H]*v)^2", np.sum((np.hstack([np.tanh(STACK)] * 2) @ v) ** 2)),
        ("H = [A;E]\nnorm2([H, H.^2]*v - z)^2", np.sum((np.hstack([STACK, STACK**2]) @ v - z) ** 2)),
        ("sum(log(1 .+ [2*[A;E], [A;E]].^2))", np.sum(np.log(1 + np.hstack([2 * STACK, STACK]) ** 2))),
    ],
)
def test_stacks_in_stacks(text: str, wanted: float, backend: str) -> None:
    g = parse(text, {name: "×".join(map(str, shape)) for name, shape in SHAPES.items()})
    program = fr.derivative(g, "A").compile("value", "gradient", backend=backend)
    value, gradient = program(**{name: VALUES[name] for name in program.arguments.names})
    assert np.isclose(value, wanted)
    step = 1e-6 * np.random.default_rng(9).standard_normal(A.shape)
    ahead, behind = (evaluate(g, {**VALUES, "A": A + s}) for s in (step, -step))
    assert np.isclose(np.sum(step * gradient), (ahead - behind) / 2, rtol=1e-5)
