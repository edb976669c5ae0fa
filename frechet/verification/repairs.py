"""Single edits of an answer, each undoing one misapplied rule, and single misapplications of a rule to the function.

An edit changes the text of the answer: one part transposed, two factors swapped, an element-wise operation made a matrix
one, diag(…) or tr(…) put around a part. An edit that makes the answer right names the rule that was misapplied.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

from frechet.notation.syntax import Node, Program, read_syntax

EDITS = 160  # of one answer
PARTS = 40  # of an answer that are transposed or wrapped, from the smallest

TRANSPOSED, SWAPPED, REVERSED, ELEMENTWISE, MATRIX = "transpose", "order", "reversed", "element-wise", "matrix"
DIAG, TRACE, KRON, SIDE = "diag", "trace", "kron", "side"

INVERSE = re.compile(r"\binv\(")
PARENTHESIS = re.compile(r"[()]")

# Element-wise functions and the functions of matrices that people take for them.
PAIRS = {"exp": "expm", "log": "logm", "sqrt": "sqrtm", "sin": "sinm", "cos": "cosm"}


class Edit(NamedTuple):
    """kind: which rule it undoes; before: the part as it stood; text: the answer after the edit."""

    kind: str
    before: str
    after: str
    text: str


def edits(text: str) -> Iterator[Edit]:
    """Edits of an answer in the text notation, the plainest first; none of a text that does not parse."""
    program = read_syntax(text)
    count = 0
    seen = {text}
    for edit in _all(program):
        if edit.text not in seen:
            seen.add(edit.text)
            yield edit
            count += 1
            if count == EDITS:
                return


def _all(program: Program) -> Iterator[Edit]:
    yield from _transpositions(program)
    yield from _swaps(program)
    yield from _kinds(program.text)
    yield from _operators(program)
    yield from _wraps(program)


def spans(program: Program) -> list[tuple[int, int]]:
    """The place of every node, with the parentheses around it."""
    text = program.text
    found = []
    for node in program.nodes:
        start, end = node.start, node.end
        while True:
            before, after = len(text[:start].rstrip()), end + len(text[end:]) - len(text[end:].lstrip())
            grouped = before > 0 and after < len(text) and text[before - 1] == "(" and text[after] == ")"
            if not grouped or re.search(r"[\w′″']$", text[: before - 1]):
                break
            start, end = before - 1, after + 1
        found.append((start, end))
    return found


def _replaced(program: Program, start: int, end: int, new: str, kind: str) -> Edit:
    text = program.text
    return Edit(kind, text[start:end], new, text[:start] + new + text[end:])


def _parts(program: Program) -> list[int]:
    """The nodes that may be matrices, small ones first, without the answer itself."""
    inside = [i for i, n in enumerate(program.nodes) if n.kind not in ("number", "none", "slice", "string", "imaginary")]
    inside = [i for i in inside if i != program.root]
    return sorted(inside, key=lambda i: program.nodes[i].end - program.nodes[i].start)[:PARTS]


def _transpositions(program: Program) -> Iterator[Edit]:
    for i in _parts(program):
        node = program.nodes[i]
        part = program.text[node.start : node.end]
        if node.kind == "transpose":
            inner = program.nodes[node.args[0]]
            plain = program.text[inner.start : inner.end]
            yield _replaced(program, node.start, node.end, plain if inner.kind == "name" else f"({plain})", TRANSPOSED)
        else:
            yield _replaced(program, node.start, node.end, f"{part}'" if node.kind == "name" else f"({part})'", TRANSPOSED)


def _swaps(program: Program) -> Iterator[Edit]:
    nodes, at = program.nodes, spans(program)

    def changed(node: Node, number: Sequence[int], factors: Sequence[str], kind: str) -> Edit:
        before = [program.text[nodes[k].start : nodes[k].end] for k in number]
        return _replaced(program, node.start, node.end, "*".join([*before, *factors]), kind)

    inner = {n.args[0] for n in nodes if n.kind == "mul" and nodes[n.args[0]].kind == "mul"}
    for i, node in enumerate(nodes):
        if node.kind == "mul" and not (i in inner and at[i] == (node.start, node.end)):
            chain = _chain(program, i, at)
            number = [k for k in chain[:1] if nodes[k].kind == "number"]
            texts = [program.text[s:e] for s, e in (at[k] for k in chain[len(number) :])]
            if len(texts) < 2:
                continue
            for k in range(len(texts) - 1):
                swapped = [*texts[:k], texts[k + 1], texts[k], *texts[k + 2 :]]
                yield changed(node, number, swapped, SWAPPED)
            if len(texts) > 2:
                yield changed(node, number, texts[::-1], REVERSED)
                yield changed(node, number, [*texts[1:], texts[0]], SWAPPED)
                yield changed(node, number, [texts[-1], *texts[:-1]], SWAPPED)
        elif node.kind == "kron" or (node.kind == "call" and node.value == "kron" and len(node.args) == 2):
            a, b = (program.text[s:e] for s, e in (at[k] for k in node.args))
            yield _replaced(program, node.start, node.end, f"kron({b},{a})", KRON)
            yield _replaced(program, node.start, node.end, f"kron(({a})',{b})", TRANSPOSED)
            yield _replaced(program, node.start, node.end, f"kron({a},({b})')", TRANSPOSED)
            yield _replaced(program, node.start, node.end, f"kron(({b})',{a})", KRON)
            yield _replaced(program, node.start, node.end, f"kron({b},({a})')", KRON)


def _chain(program: Program, i: int, at: Sequence[tuple[int, int]]) -> list[int]:
    """The factors of a product, from left to right."""
    found = []
    node: Node = program.nodes[i]
    while True:
        left, right = node.args
        found.append(right)
        below = program.nodes[left]
        if below.kind != "mul" or at[left] != (below.start, below.end):
            found.append(left)
            return found[::-1]
        node = below


def _kinds(text: str) -> Iterator[Edit]:
    """All element-wise functions made functions of matrices, and the other way round."""
    for kind, new in ((MATRIX, as_matrix(text)), (ELEMENTWISE, as_elementwise(text))):
        if new != text:
            yield Edit(kind, text, new, new)


def as_matrix(text: str) -> str:
    """The text with element-wise functions, powers and reciprocals as those of matrices.

    >>> as_matrix("exp(X) - 3*X.^2 + 1./X")
    'expm(X) - 3*X^2 + 1*inv(X)'
    >>> as_matrix("1 ./ X.^2")
    '1 *inv(X^2)'
    """
    text = re.sub(r"\b(exp|log|sqrt|sin|cos)\(", lambda m: PAIRS[m[1]] + "(", text)
    text = re.sub(r"(\w+)\.\^(?:\((-?\d+[./]\d+)\)|(-?\d*\.\d+))", lambda m: f"powm({m[1]},{m[2] or m[3]})", text)
    place = text.find("./")
    while place >= 0:
        start = place + 2 + len(text[place + 2 :]) - len(text[place + 2 :].lstrip(" "))
        end = _operand_end(text, start)
        below = f"*inv({text[start:end]})"
        text = text[:place] + below + text[end:]
        place = text.find("./", place + len(below))
    return text.replace(".^", "^")


def _operand_end(text: str, start: int) -> int:
    """Where the operand of ./ ends: a name, a call or a group with its exponents and transposes."""
    end, depth = start, 0
    while end < len(text):
        c = text[end]
        depth += (c == "(") - (c == ")")
        if depth < 0 or (depth == 0 and not (c.isalnum() or c in "_()'^." or (c == "-" and text[end - 1] == "^"))):
            break
        if depth == 0 and c == "." and text[end + 1 : end + 2] != "^":
            break
        end += 1
    return end


def closing(text: str, start: int) -> int | None:
    """The place of the parenthesis that closes the one at `start`; None if none does."""
    depth = 0
    for m in PARENTHESIS.finditer(text, start):
        depth += 1 if m[0] == "(" else -1
        if not depth:
            return m.start()
    return None


def as_elementwise(text: str) -> str:
    """The text with functions of matrices, powers and inverses taken entry by entry.

    >>> as_elementwise("expm(X) - 3*X^2 + inv(X)")
    'exp(X) - 3*X.^2 + (1./(X))'
    >>> as_elementwise("inv(sqrtm(X))/2")
    '(1./(sqrt(X)))/2'
    """
    text = re.sub(r"\b(exp|log|sqrt|sin|cos)m\(", r"\1(", text)
    place = 0
    while (inverse := INVERSE.search(text, place)) and (end := closing(text, inverse.end() - 1)) is not None:
        text = f"{text[: inverse.start()]}(1./({text[inverse.end() : end]})){text[end + 1 :]}"
        place = inverse.start() + 1
    return re.sub(r"(?<!\.)\^(?!\s*[TH{]|\s*-\s*T)", ".^", text)


def _operators(program: Program) -> Iterator[Edit]:
    """A matrix product for an element-wise one, and the other way round."""
    at = spans(program)
    for node in program.nodes:
        if node.kind in ("mul", "hadamard"):
            a, b = (program.text[s:e] for s, e in (at[k] for k in node.args))
            new = f"({a}).*({b})" if node.kind == "mul" else f"({a})*({b})"
            if node.kind == "hadamard":
                yield _replaced(program, node.start, node.end, f"(diag({a})*{b})", DIAG)
                yield _replaced(program, node.start, node.end, f"({a}*diag({b}))", DIAG)
            yield _replaced(program, node.start, node.end, f"({new})", ELEMENTWISE if node.kind == "mul" else MATRIX)


def _wraps(program: Program) -> Iterator[Edit]:
    text = program.text
    lines = text.rstrip("\n").rfind("\n") + 1
    yield Edit(TRACE, text[lines:], f"tr({text[lines:]})", f"{text[:lines]}tr({text[lines:]})")
    yield Edit(DIAG, text[lines:], f"diag({text[lines:]})", f"{text[:lines]}diag({text[lines:]})")
    for i in _parts(program):
        node = program.nodes[i]
        part = text[node.start : node.end]
        yield _replaced(program, node.start, node.end, f"(diag({part}))", DIAG)
        if node.kind == "call" and node.value == "diag":
            inner = program.nodes[node.args[0]]
            yield _replaced(program, node.start, node.end, f"({text[inner.start : inner.end]})", DIAG)
        yield _replaced(program, node.start, node.end, f"(tr({part}))", TRACE)


def entrywise(text: str) -> Iterator[str]:
    """The text with sums of numbers and arrays, quotients and powers taken entry by entry: 1 - x, 1/x and x^2 of vectors."""
    program = read_syntax(text)
    places: dict[str, list[tuple[int, int, str]]] = {"sum": [], "div": [], "power": []}
    at = spans(program)
    for node in program.nodes:
        if node.kind in ("add", "sub") and any(program.nodes[a].kind == "number" for a in node.args):
            places["sum"].append(_operator(text, at[node.args[0]][1], at[node.args[1]][0], "."))
        elif node.kind == "div":
            places["div"].append(_operator(text, at[node.args[0]][1], at[node.args[1]][0], "."))
        elif node.kind == "power":
            places["power"].append(_operator(text, at[node.args[0]][1], at[node.args[1]][0], "."))
    kinds = [kind for kind in places if places[kind]]
    for count in range(1, len(kinds) + 1):
        for chosen in combinations(kinds, count):
            changed = text
            for start, end, new in sorted((p for kind in chosen for p in places[kind]), reverse=True):
                changed = changed[:start] + new + changed[end:]
            if changed != text:
                yield changed


def _operator(text: str, start: int, end: int, point: str) -> tuple[int, int, str]:
    """The place of the operator between two operands, and the operator with a point before it."""
    sign = text[start:end]
    first = start + len(sign) - len(sign.lstrip())
    symbol = text[first : first + 1]
    return (first, first + 1, point + symbol) if symbol in ("+", "-", "−", "/", "^") else (first, first, "")
