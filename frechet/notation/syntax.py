"""Text -> a flat syntax tree with positions. Nothing here recurses or knows any mathematics.

The grammar is grammar.lark; its LALR(1) tables are generated into _tables.py, so that lark is not imported here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple

from frechet.expressions.errors import LimitError, NotationError
from frechet.notation._tables import END, RULES, STATES, TERMINALS
from frechet.notation.complaint import complaint

MAX_CHARACTERS = 100_000  # of a text
MAX_DIGITS = 300  # of a number
EXACT_DIGITS = 12  # decimals with up to so many digits are exact fractions, others floats
EXACT_EXPONENT = 18  # … and so are powers of ten up to here

Value = int | Fraction | float | str | tuple[int, ...] | None
Token = tuple[str, int, int]  # terminal, start, end


class Node:
    """One node of the tape: what it is, the indices of its parts, a literal value, and its place in the text.

    | kind | args | value |
    |---|---|---|
    | number, imaginary | () | int, Fraction or float |
    | name, string | () | str |
    | call | each argument | the function's name |
    | neg, transpose, ctranspose | one | |
    | power, epower, add, sub, mul, div, hadamard, ediv, kron, solve, frobenius | two | |
    | broadcast_add, broadcast_sub | two | |
    | index | the base, then each item | |
    | slice | () for `:`, or first and last | |
    | blocks | all blocks, row after row | the number of blocks of each row |
    | none | () for an argument left out, `[]` | |
    """

    __slots__ = ("args", "end", "kind", "start", "value")

    def __init__(self, kind: str, args: tuple[int, ...], value: Value, start: int, end: int) -> None:
        self.kind = kind
        self.args = args
        self.value = value
        self.start = start
        self.end = end

    def __repr__(self) -> str:
        value = "" if self.value is None else f" {self.value!r}"
        return f"<{self.kind}{value} {list(self.args)} {self.start}:{self.end}>"


class Definition(NamedTuple):
    """A line `name = …`: the name, its place, and the node that it stands for."""

    name: str
    start: int
    end: int
    root: int


class Program(NamedTuple):
    """A text as read: nodes in an order in which parts come before what they are part of."""

    text: str
    nodes: list[Node]
    definitions: list[Definition]
    root: int


def read_syntax(text: str) -> Program:
    """The syntax of a text: definitions, one a line, and on the last line the function.

    Raises:  NotationError with the place, if the text is not in the notation; LimitError, if it is too long.

    >>> program = read_syntax("x'*A")
    >>> program.nodes
    [<name 'x' [] 0:1>, <transpose [0] 0:2>, <name 'A' [] 3:4>, <mul [1, 2] 0:4>]
    """
    check_characters(text, MAX_CHARACTERS, "text")
    tokens = tokens_of(text)
    tape = _Tape(text)
    states: list[int] = [0]
    values: list[Any] = []
    for position, token in enumerate(tokens):
        symbol = token[0]
        while True:
            action = STATES[states[-1]].get(symbol)
            if action is None:
                raise complaint(text, tokens, position, STATES[states[-1]])
            if action >= 0:
                states.append(action)
                values.append(token)
                break
            target, length, build = _REDUCTIONS[~action]
            if build is not None:
                first = len(values) - length
                parts = values[first:]
                del values[first:]
                del states[first + 1 :]
                values.append(build(tape, parts))
            else:
                states.pop()
            states.append(STATES[states[-1]][target])
            if symbol == "$END" and states[-1] == END:
                return Program(text, tape.nodes, tape.definitions, values[0][0])
    raise AssertionError("a text has an end")


def check_characters(text: str, longest: int, noun: str) -> None:
    """Refuse what no notation contains: nothing, too much, or control characters."""
    if len(text) > longest:
        raise LimitError(f"the {noun} has {len(text):,} characters; at most {longest:,} are read")
    control = _CONTROL.search(text)
    if control is not None:
        place = control.start()
        raise NotationError(
            f"a control character (U+{ord(text[place]):04X}) cannot be read", position=place, end=place + 1, text=text
        )
    if not text.strip():
        raise NotationError(f"the {noun} is empty", position=0, end=0, text=text)


def tokens_of(text: str) -> list[Token]:
    """Terminals with their places, then $END; where no terminal fits, a last one named BAD.

    Line ends count only between lines: not at the beginning or the end, and not inside brackets.
    """
    tokens: list[Token] = []
    match = _LEXER.match
    place, length = 0, len(text)
    while place < length:
        found = match(text, place)
        if found is None:
            tokens.append(("BAD", place, place + 1))
            break
        kind, end = found.lastgroup, found.end()
        if kind != "SPACE" and kind is not None:
            tokens.append((kind, place, end))
        place = end
    stop = len(text.rstrip())
    tokens.append(("$END", stop, stop))
    return _without_inner_line_ends(tokens) if "\n" in text else tokens


def _without_inner_line_ends(tokens: list[Token]) -> list[Token]:
    kept: list[Token] = []
    depth = 0
    for token in tokens:
        kind = token[0]
        if kind in _OPENING:
            depth += 1
        elif kind in _CLOSING:
            depth -= 1
        elif kind == "$END" and kept and kept[-1][0] == "NEWLINE":
            kept.pop()
        if kind != "NEWLINE" or (depth <= 0 and kept):
            kept.append(token)
    return kept


def _number(text: str, digits: str, start: int, end: int) -> int | Fraction | float:
    if len(digits) > MAX_DIGITS:
        raise LimitError(
            f"a number of {len(digits):,} characters; at most {MAX_DIGITS} are read", position=start, end=end, text=text
        )
    if digits.isdecimal():
        return int(digits)
    mantissa, _, power = digits.lower().partition("e")
    significant = mantissa.replace(".", "").strip("0")
    if not significant:
        return 0
    # The power is at most a few hundred characters here, and bounded before 10 is raised to it.
    if len(significant) <= EXACT_DIGITS and abs(int(power or 0)) <= EXACT_EXPONENT:
        exact = Fraction(digits.rstrip(".") if not power else f"{mantissa.rstrip('.')}e{power}")
        return exact.numerator if exact.denominator == 1 else exact
    value = float(digits)
    if value == float("inf") or value == 0.0:
        raise LimitError(
            "this number is outside the range of floating point (about 1e-308 to 1e308)",
            position=start,
            end=end,
            text=text,
        )
    return value


class _Tape:
    """The nodes built so far. On the parser's stack an expression is (index, start, end) with its brackets."""

    __slots__ = ("definitions", "nodes", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.nodes: list[Node] = []
        self.definitions: list[Definition] = []

    def add(self, kind: str, args: tuple[int, ...], value: Value, start: int, end: int) -> tuple[int, int, int]:
        self.nodes.append(Node(kind, args, value, start, end))
        return len(self.nodes) - 1, start, end

    def name_at(self, start: int, end: int) -> str:
        name = self.text[start:end]
        if not name.isascii():
            for place, c in enumerate(name, start):
                letter = c.isalpha() or c in "_'′″"
                if not (letter or ((c.isdecimal() or "₀" <= c <= "₉") and place > start)):
                    raise NotationError(f"{c} cannot be part of a name here", position=place, end=place + 1, text=self.text)
        return name

    def number(self, parts: list[Any]) -> Any:
        _, start, end = parts[0]
        return self.add("number", (), _number(self.text, self.text[start:end], start, end), start, end)

    def imaginary(self, parts: list[Any]) -> Any:
        _, start, end = parts[0]
        return self.add("imaginary", (), _number(self.text, self.text[start : end - 1], start, end - 1), start, end)

    def name(self, parts: list[Any]) -> Any:
        _, start, end = parts[0]
        return self.add("name", (), self.name_at(start, end), start, end)

    def string(self, parts: list[Any]) -> Any:
        _, start, end = parts[0]
        return self.add("string", (), self.text[start + 1 : end - 1], start, end)

    def call(self, parts: list[Any]) -> Any:
        _, start, end = parts[0]
        args = tuple(a[0] for a in parts[2]) if len(parts) == 4 else ()
        return self.add("call", args, self.name_at(start, end), start, parts[-1][2])

    def nothing_here(self, parts: list[Any]) -> Any:
        return self.add("none", (), None, parts[0][1], parts[1][2])

    def group(self, parts: list[Any]) -> Any:
        return parts[1][0], parts[0][1], parts[2][2]

    def plus(self, parts: list[Any]) -> Any:
        return parts[1][0], parts[0][1], parts[1][2]

    def neg(self, parts: list[Any]) -> Any:
        sign, (index, _, end) = parts
        return self.add("neg", (index,), None, sign[1], end)

    def neg_exponent(self, parts: list[Any]) -> Any:
        sign, (index, _, end) = parts
        node = self.nodes[index]
        if isinstance(node.value, int | Fraction | float):
            self.nodes[index] = Node("number", (), -node.value, sign[1], end)
            return index, sign[1], end
        return self.neg(parts)

    def superscript(self, parts: list[Any]) -> Any:
        base, (_, start, end) = parts
        raised = self.text[start:end].translate(_PLAIN).lstrip("+")
        if raised.endswith("n"):
            exponent = self.add("name", (), "n", end - 1, end)
            if raised.startswith("-"):
                exponent = self.add("neg", (exponent[0],), None, start, end)
        else:
            size = _number(self.text, raised.lstrip("-"), start, end)
            exponent = self.add("number", (), -size if raised.startswith("-") else size, start, end)
        return self.add("power", (base[0], exponent[0]), None, base[1], end)

    def transpose(self, parts: list[Any]) -> Any:
        return self.add("transpose", (parts[0][0],), None, parts[0][1], parts[1][2])

    def ctranspose(self, parts: list[Any]) -> Any:
        return self.add("ctranspose", (parts[0][0],), None, parts[0][1], parts[1][2])

    def inverse_transpose(self, parts: list[Any]) -> Any:
        return self.transpose([self.inverse(parts), parts[1]])

    def inverse_ctranspose(self, parts: list[Any]) -> Any:
        return self.ctranspose([self.inverse(parts), parts[1]])

    def inverse(self, parts: list[Any]) -> Any:
        base, (_, start, end) = parts
        exponent = self.add("number", (), -1, start, end)
        return self.add("power", (base[0], exponent[0]), None, base[1], end)

    def index(self, parts: list[Any]) -> Any:
        base, items = parts[0], parts[2]
        return self.add("index", (base[0], *(item[0] for item in items)), None, base[1], parts[3][2])

    def everything(self, parts: list[Any]) -> Any:
        return self.add("slice", (), None, parts[0][1], parts[0][2])

    def slice(self, parts: list[Any]) -> Any:
        first, _, last = parts
        return self.add("slice", (first[0], last[0]), None, first[1], last[2])

    def blocks(self, parts: list[Any]) -> Any:
        rows = parts[1]
        args = tuple(block[0] for row in rows for block in row)
        return self.add("blocks", args, tuple(len(row) for row in rows), parts[0][1], parts[2][2])

    def first(self, parts: list[Any]) -> Any:
        return [parts[0]]

    def more(self, parts: list[Any]) -> Any:
        parts[0].append(parts[2])
        return parts[0]

    def nothing(self, parts: list[Any]) -> Any:
        return None

    def definition(self, parts: list[Any]) -> Any:
        _, start, end = parts[1]
        self.definitions.append(Definition(self.name_at(start, end), start, end, parts[3][0]))

    def program(self, parts: list[Any]) -> Any:
        return parts[1]


def _binary(kind: str) -> Callable[[_Tape, list[Any]], Any]:
    def build(tape: _Tape, parts: list[Any]) -> Any:
        left, _, right = parts
        return tape.add(kind, (left[0], right[0]), None, left[1], right[2])

    return build


_BINARY = (
    "power", "epower", "add", "sub", "mul", "div", "hadamard", "ediv", "kron", "solve", "frobenius", "broadcast_add",
    "broadcast_sub",
)  # fmt: skip
_ACTIONS: dict[str, Callable[[_Tape, list[Any]], Any]] = {kind: _binary(kind) for kind in _BINARY}
_REDUCTIONS = tuple(
    (target, length, None if action is None else _ACTIONS.get(action) or getattr(_Tape, action))
    for target, length, action in RULES
)
_LEXER = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in TERMINALS))
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_PLAIN = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿ", "0123456789-+n")
_OPENING = frozenset({"LPAR", "LSQB", "LBRACE"})
_CLOSING = frozenset({"RPAR", "RSQB", "RBRACE"})
