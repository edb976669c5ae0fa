"""What is wrong with a text, in words: asked only once the parser has stopped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from frechet.expressions.errors import NotationError

Token = tuple[str, int, int]

_PAIRS = {"LPAR": "RPAR", "LSQB": "RSQB", "LBRACE": "RBRACE"}
_SIGNS = {"LPAR": "(", "LSQB": "[", "LBRACE": "{", "RPAR": ")", "RSQB": "]", "RBRACE": "}"}
_OPERANDS = {"NAME", "NUMBER", "STRING", "LPAR", "LSQB"}
_CHARACTERS = {
    '"': 'the string is not closed: a second " is missing on this line',
    "|": "| is not part of the notation: write abs(x), det(X) or norm2(x)",
    "!": "! is not part of the notation: x! is gamma(x+1)",
    "<": "there are no comparisons in the notation: see step, sign, relu, max and min",
    ">": "there are no comparisons in the notation: see step, sign, relu, max and min",
    "$": "$ is not part of the notation: LaTeX cannot be read here",
    "√": "√ is not part of the notation: write sqrt(x)",
    "½": "½ is not part of the notation: write 1/2",
    "∑": "∑ is not part of the notation: write sum(x)",
    "†": "† is not part of the notation: write X^H for the conjugate transpose, pinv(X) for the pseudo-inverse",
    ".": "a point alone means nothing: element-wise are .* ./ and .^",
}


def complaint(text: str, tokens: Sequence[Token], at: int, expected: Mapping[str, object]) -> NotationError:
    """The error for tokens[at], which none of the expected symbols is."""
    kind, start, end = tokens[at]
    previous = tokens[at - 1] if at else None
    open_brackets = _open(tokens[:at])

    def error(message: str, first: int = start, last: int = end) -> NotationError:
        return NotationError(message, position=first, end=last, text=text)

    def unclosed() -> NotationError:
        bracket, first, last = open_brackets[-1]
        return error(f"this {_SIGNS[bracket]} is not closed: a {_SIGNS[_PAIRS[bracket]]} is missing", first, last)

    if kind == "BAD":
        return error(_character(text[start]))
    if kind in _PAIRS.values():
        if not open_brackets:
            return error(f"this {_SIGNS[kind]} closes nothing: there is no {_opening_sign(kind)} for it")
        opening, place, _ = open_brackets[-1]
        if _PAIRS[opening] != kind:
            sign = _SIGNS[opening]
            return error(f"this {_SIGNS[kind]} cannot close the {sign} at column {_column(text, place)}: "
                         f"a {_SIGNS[_PAIRS[opening]]} is missing")  # fmt: skip
    if "NAME" in expected:
        if kind == "$END" and previous is not None and previous[0] in _PAIRS:
            return unclosed()
        if kind == "TIMES" and previous is not None and text[previous[1] : end] == "**":
            return error("a power is written ^ (element-wise .^), not **", previous[1], end)
        if kind == "EQUALS" and previous is not None and previous[0] == "EQUALS":
            return error("there are no comparisons in the notation", previous[1], end)
        if kind == "BACKSLASH" and text[end : end + 1].isalpha():
            return error("\\ is division from the left, A\\b: LaTeX cannot be read here")
        return error(f"{_operand(expected)} is expected here, not {_described(text, kind, start, end)}")
    if kind == "$END":
        if open_brackets:
            return unclosed()
        line = text.rfind("\n", 0, start) + 1
        return error("the last line must be the function itself, not a definition name = …", line, start)
    if kind in _OPERANDS and previous is not None:
        if open_brackets and "\n" in text[previous[2] : start] and _open(tokens):
            return unclosed()
        if previous[0] in ("NUMBER", "NAME") and kind in ("NUMBER", "NAME") and end - previous[1] <= 40:
            pair = f"{text[previous[1] : previous[2]]}*{text[start:end]}"
            return error(f"an operator is missing: did you mean {pair}?", previous[1], end)
        if previous[0] == "NUMBER":
            number = text[previous[1] : previous[2]]
            factor = f"{_SIGNS[kind]}…{_SIGNS[_PAIRS[kind]]}" if kind in _PAIRS else text[start:end]
            return error(f"an operator is missing: did you mean {number}*{factor}?", previous[1], end)
        return error(f"an operator is missing before {_described(text, kind, start, end)}: for a product write *")
    if kind == "LBRACE":
        return error("{ } is only for exponents, X^{-1}: use ( )")
    if kind == "EQUALS":
        return error("= only defines a name, at the beginning of a line: h = …")
    if kind == "NEWLINE":
        place = previous[2] if previous is not None else start
        return error("every line but the last defines a name, h = …; an expression goes over several lines inside ( )",
                     place, place + 1)  # fmt: skip
    if kind == "COLON":
        return error("inside [ ] a Frobenius product needs parentheses, (A:B); a range is written 1:k")
    if kind == "SEMICOLON":
        return error("; separates only rows of blocks, [A, B; C, D]")
    if kind == "COMMA":
        return error("a comma separates only arguments of a function, f(x, y), and entries in [ ]")
    return error(f"an operator or {_closing(open_brackets)} is expected here, not {_described(text, kind, start, end)}")


def _open(tokens: Sequence[Token]) -> list[Token]:
    stack: list[Token] = []
    for token in tokens:
        if token[0] in _PAIRS:
            stack.append(token)
        elif token[0] in _PAIRS.values() and stack:
            stack.pop()
    return stack


def _operand(expected: Mapping[str, object]) -> str:
    if "LBRACE" in expected:
        return "an exponent (a name, a number, (, { or -)"
    words = ["a name", "a number", "("]
    if "COLON" in expected:
        words.append(":")
    if "RPAR" in expected:
        words.append(")")
    return f"{', '.join(words)} or -"


def _closing(open_brackets: list[Token]) -> str:
    return _SIGNS[_PAIRS[open_brackets[-1][0]]] if open_brackets else "the end"


def _opening_sign(closing: str) -> str:
    return next(_SIGNS[opening] for opening, partner in _PAIRS.items() if partner == closing)


def _described(text: str, kind: str, start: int, end: int) -> str:
    if kind == "$END":
        return "the end"
    if kind == "NEWLINE":
        return "the end of the line"
    return text[start:end] if end - start <= 20 else text[start : start + 20] + "…"


def _column(text: str, place: int) -> int:
    return place - text.rfind("\n", 0, place)


def _character(character: str) -> str:
    if character in _CHARACTERS:
        return _CHARACTERS[character]
    import unicodedata  # only where it is needed: reading has to start fast

    if character.isprintable() and not unicodedata.combining(character):
        return f"{character} is not part of the notation"
    name = unicodedata.name(character, "")
    return f"the character U+{ord(character):04X}{' ' + name if name else ''} is not part of the notation"
