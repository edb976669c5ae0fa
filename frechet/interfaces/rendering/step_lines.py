"""The lines of a derivation in a terminal: left sides, relations, formulas, shapes and rules in columns."""

from __future__ import annotations

from collections.abc import Iterator

from frechet.interfaces.document import Step, Steps
from frechet.interfaces.rendering.lines import HANGING, Line, Typesetter, beside, indented, length
from frechet.interfaces.rendering.touched import touched_places

RULE = 26  # columns that a rule's name needs beside its formula
SHORTEST, LONGEST = 24, 48  # the column of the formulas
SHAPES = 24  # the widest column of shapes; a longer one takes the room of its rule


def step_lines(block: Steps, setter: Typesetter) -> Iterator[Line]:
    rows = block.rows
    if not rows:
        return
    numbers = len(str(len(rows)))
    lefts = [row.left.write(setter.notation) if row.left else "" for row in rows]
    left = max(map(len, lefts))
    relations = [setter.words(row.relation) for row in rows]
    relation = max(map(len, relations))
    start = 2 + numbers + 2 + left + 1 + relation + 1
    shapes = [setter.words(row.shape) for row in rows]
    shape = max((len(s) for s in shapes if len(s) <= SHAPES), default=0)
    formulas = [setter.formula(row.right.write(setter.notation), setter.width - start) for row in rows]
    # The column of the formulas is as wide as most of them, and leaves room for shape and rule.
    room = max(setter.width - start - (shape + 2 if shape else 0) - 2 - RULE, SHORTEST)
    column = min(
        max((len(f[0]) for f in formulas if len(f) == 1 and len(f[0]) <= min(room, LONGEST)), default=SHORTEST), room
    )
    at_shape = start + column + 2
    at_rule = at_shape + (shape + 2 if shape else 0)
    for i, row in enumerate(rows):
        first: Line = [
            (f"  {i + 1:>{numbers}}  ", "number"),
            (f"{lefts[i]:>{left}} {relations[i]:<{relation}} ", ""),
        ]
        lines = [first, *([(" " * (start + HANGING), "")] for _ in formulas[i][1:])]
        spans = touched_places(rows, i, setter.notation) if len(formulas[i]) == 1 else []
        for line, text in zip(lines, formulas[i], strict=True):
            line += _with_touched(text, spans)
        yield from lines[:-1]
        beside_rule = _remarks(row, shapes[i], shape, setter, at_shape, at_rule)
        last = lines[-1]
        if beside_rule and length(last) + 2 <= at_shape:
            last = beside(last, at_shape, beside_rule[0])
            beside_rule = beside_rule[1:]
        elif beside_rule and length(last) + 2 + length(beside_rule[0]) <= setter.width and len(beside_rule) == 1:
            last = beside(last, length(last) + 2, beside_rule[0])
            beside_rule = []
        yield last
        yield from indented(beside_rule, at_shape)
        yield from setter.where([row.right], start)
        if setter.why and row.why:
            yield from indented(setter.wrapped(row.why, setter.width - start - 2, "remark"), start + 2)


def _with_touched(text: str, spans: list[tuple[int, int]]) -> Line:
    pieces: Line = []
    end = 0
    for a, b in spans:
        pieces += [(text[end:a], ""), (text[a:b], "touched")]
        end = b
    return [*pieces, (text[end:], "")]


def _remarks(row: Step, shape: str, column: int, setter: Typesetter, at_shape: int, at_rule: int) -> list[Line]:
    """The shape in its column and the rule after it, in lines that begin at the shape's column."""
    if len(shape) > column:  # it takes the room of its rule, which follows it or stands below
        rule = setter.line(row.rule, "rule")
        if at_shape + len(shape) + 2 + length(rule) <= setter.width:
            return [[(shape, "shape"), *([("  ", ""), *rule] if rule else [])]]
        shapes = setter.wrapped([shape], setter.width - at_shape, "shape")
        return [*shapes, *setter.wrapped(row.rule, setter.width - at_shape, "rule")]
    lines = setter.wrapped(row.rule, setter.width - at_rule, "rule")
    if not column or not (lines or shape):
        return lines
    first: Line = [(f"{shape:<{column + 2}}", "shape"), *(lines[0] if lines else [])]
    return [first, *indented(lines[1:], column + 2)]
