r"""The signs of a LaTeX formula one after the other, with their places, and pieces of the text made of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from frechet.expressions.errors import NotationError
from frechet.expressions.node import Expr
from frechet.notation import latex_words as words
from frechet.notation.translation import Translation

TOKEN = re.compile(r"\\(?:[A-Za-z]+\*?|.)|[0-9]+(?:\.[0-9]+)?|\s+|⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+|⁻[ᵀᴴ⊤]|\.[\^*/]|.", re.DOTALL)
COMMAND_AT_END = re.compile(r"\\[A-Za-z]+$")
RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")

Chunk = tuple[str, int, int]  # text, and its place among the characters of the LaTeX
Chunks = list[Chunk]


class Token(NamedTuple):
    text: str
    start: int
    end: int


class Cursor:
    """A cursor over the tokens of one LaTeX formula; what it reads is the business of `frechet.notation.latex_reading`."""

    def __init__(
        self,
        source: Translation,
        start: int,
        end: int,
        names: Mapping[str, Expr | None],
        dimensions: Iterable[str],
        called: Iterable[str],
    ) -> None:
        self.source, self.stop = source, end
        self.names, self.called = names, set(called)
        self.keys = {key: name for name in reversed([*dimensions, *names, *self.called]) for key in words.keys_of_name(name)}
        self.keys |= {words.keys_of_name(name)[0]: name for name in [*names, *self.called]}
        self.tokens = [
            Token(m[0], m.start(), m.end()) for m in TOKEN.finditer(source.text, start, end) if not m[0].isspace()
        ]
        self.tokens = [t for t in self.tokens if t.text not in words.IGNORED]
        self.tokens = [t for i, t in enumerate(self.tokens) if not (t.text == "." and _beside_delimiter(source.text, t))]
        self.at = self.depth = 0

    @property
    def next(self) -> str:
        return self.tokens[self.at].text if self.at < len(self.tokens) else ""

    def take(self) -> Token:
        if self.at >= len(self.tokens):
            raise self.error("something is missing at the end")
        self.at += 1
        return self.tokens[self.at - 1]

    def error(self, message: str, token: Token | None = None) -> NotationError:
        if token is None:
            token = self.tokens[self.at] if self.at < len(self.tokens) else Token("", self.stop, self.stop)
        places = self.source.places[token.start : token.end]
        position, end = (places[0][0], places[-1][1]) if places else (len(self.source.source),) * 2
        return NotationError(message, position=position, end=end, text=self.source.source)

    def expect(self, text: str, what: str = "") -> Token:
        if self.next != text:
            raise self.error(f"{what or text} is expected here" + (f", not {self.next}" if self.next else ""))
        return self.take()

    def raw_argument(self) -> tuple[str, list[Token]]:
        """The next token, or the group in braces: its text without spaces."""
        first = self.take()
        if first.text != "{":
            if first.text in words.STYLES and self.next == "{":
                inner, tokens = self.raw_argument()
                return f"{first.text}{{{inner}}}", [first, *tokens]
            return first.text, [first]
        depth, tokens = 1, [first]
        while depth:
            t = self.take()
            depth += (t.text == "{") - (t.text == "}")
            tokens.append(t)
        raw = ""
        for t in tokens[1:-1]:  # \mathrm T keeps its space
            raw += (" " if t.text[0].isalpha() and COMMAND_AT_END.search(raw) else "") + t.text
        return raw, tokens

    def below(self) -> str:
        if self.next != "_":
            return ""
        self.take()
        return self.raw_argument()[0]

    def peeked(self) -> str:
        """The subscript that follows, without taking it."""
        keep = self.at
        found = self.below()
        self.at = keep
        return found

    def word(self, t: Token) -> str:
        """The letters from this one on that stand together without a space."""
        found, end = t.text, t.end
        for after in self.tokens[self.at :]:
            if after.start != end or not after.text.isalpha():
                break
            found, end = found + after.text, after.end
        return found


def grouped(inner: Chunks) -> Chunks:
    if len(inner) == 1 and re.fullmatch(r"\w+", inner[0][0]) and not inner[0][0].isdigit():
        return inner
    start, end = inner[0][1], inner[-1][2]
    return [("(", start, start + 1), *inner, (")", max(end - 1, 0), end)]


def called(name: str, inner: Chunks, first: Token, last: Token) -> Chunks:
    return [(f"{name}(", first.start, first.end), *inner, (")", last.start, last.end)]


def _beside_delimiter(text: str, t: Token) -> bool:
    r"""Is it the invisible delimiter of \left. or \right.?"""
    return text[: t.start].rstrip().endswith((r"\left", r"\right"))
