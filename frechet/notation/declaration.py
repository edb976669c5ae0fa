"""Declarations of names: `X: n×m`, `S: n×n spd`, `t: k simplex`, `c: scalar positive`, `f: elementwise`, `F: n → m`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from frechet.expressions.errors import NotationError
from frechet.expressions.function import PROPERTIES
from frechet.notation._tables import TERMINALS
from frechet.notation.syntax import check_characters

MAX_CHARACTERS = 1_000  # of a declaration
MAX_DIGITS = 9  # of a number in a dimension

WORDS = tuple(dict.fromkeys((
    "scalar", "symmetric", "spd", "psd", "diagonal", "skew", "orthogonal", "lower", "upper", "toeplitz", "circulant",
    "hankel", "traceless", "centered", "sphere", "sparse", "rank", "hermitian", "unitary", "positive", "nonnegative",
    "unit01", "simplex", "labels", "mask01", "onehot", "invertible", "complex", "real", "normal", "elementwise", "function",
    "whole",
    *PROPERTIES,
)))  # fmt: skip

Polynomial = dict[tuple[str, ...], int]  # monomial (names, sorted) -> coefficient; () for the constant
Token = tuple[str, str, int, int]  # kind, text, start, end


class Declaration(NamedTuple):
    """What a declaration says of a name.

    dims: () for a scalar, one polynomial a dimension, or None where the declaration does not speak of dimensions.
    words: the declared properties in order, without `scalar`, `real` and `complex`, which dims and field tell.
    field: "real" or "complex"; None where not said.
    """

    name: str
    dims: tuple[Polynomial, ...] | None
    words: tuple[str, ...]
    field: str | None


class FunctionDeclaration(NamedTuple):
    """What a declaration says of a function: its argument's and its value's dimensions; None, if it is elementwise."""

    name: str
    domain: tuple[Polynomial, ...] | None
    codomain: tuple[Polynomial, ...] | None
    words: tuple[str, ...]


def read_declaration(text: str) -> Declaration | FunctionDeclaration:
    """The declaration that a text states.

    Raises:  NotationError with the place; LimitError, if it is too long.

    >>> read_declaration("S: 2n×2n spd")
    Declaration(name='S', dims=({('n',): 2}, {('n',): 2}), words=('spd',), field=None)
    >>> read_declaration("c: scalar positive")
    Declaration(name='c', dims=(), words=('positive',), field=None)
    >>> read_declaration("f: n → 1 convex")
    FunctionDeclaration(name='f', domain=({('n',): 1},), codomain=(), words=('convex',))
    """
    check_characters(text, MAX_CHARACTERS, "declaration")
    return _Reader(text).declaration()


class _Reader:
    """A cursor over the tokens of one declaration."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.tokens: list[Token] = []
        place = 0
        token = re.compile(_TOKEN)
        while place < len(text):
            found = token.match(text, place)
            if text[place] == "(" and text[:place].endswith("sparse") and found is None:
                raise self.error(
                    "the name of the mask and a closing parenthesis are expected, as in sparse(M)", place, place + 1
                )
            if found is None or found.lastgroup is None:
                raise self.error(f"{text[place]!r} is not part of a declaration", place, place + 1)
            if found.lastgroup != "space":
                self.tokens.append((found.lastgroup, found.group(), place, found.end()))
            place = found.end()
        stop = len(text.rstrip())
        self.tokens.append(("end", "the end", stop, stop))

    def error(self, message: str, start: int, end: int) -> NotationError:
        return NotationError(message, position=start, end=end, text=self.text)

    def wrong(self, expected: str) -> NotationError:
        kind, shown, start, end = self.tokens[self.at]
        return self.error(f"{expected} is expected here, not {shown if kind == 'end' else shown[:20]}", start, end)

    def declaration(self) -> Declaration | FunctionDeclaration:
        kind, name, _, _ = self.tokens[0]
        if kind != "name":
            raise self.wrong("the name that is declared")
        self.at = 1
        if self.tokens[1][1] != ":":
            raise self.wrong("a colon, as in X: n×m,")
        self.at = 2
        if self.tokens[2][0] == "end":
            raise self.wrong("a shape or a property, as in X: n×m symmetric,")
        dims: tuple[Polynomial, ...] | None = None
        codomain: tuple[Polynomial, ...] | None = None
        said: dict[str, tuple[int, int]] = {}
        seen: set[str] = set()
        while self.tokens[self.at][0] != "end":
            kind, shown, start, end = self.tokens[self.at]
            word = _word(shown) if kind in ("name", "word") else None
            if word is not None:
                if word in seen:
                    raise self.error(f"{word} is said twice", start, end)
                seen.add(word)
                self.at += 1
                said[self.completed(word)] = (start, end)
            elif kind == "arrow" and codomain is None:
                domain = () if dims is None and "scalar" in said else dims
                if domain is None:
                    raise self.wrong("what the function takes, as in F: n → m,")
                self.at += 1
                codomain, dims = self.space(), _without_one(domain)
                said.pop("scalar", None)
            elif dims is None:
                dims = self.dims()
            else:
                raise self.surplus()
        if codomain is not None or "elementwise" in said or "function" in said:
            return self.function(name, dims, codomain, said)
        if "unitary" in said and "real" in said:
            raise self.error(f"{name} is declared real and unitary: of a real matrix say orthogonal", *said["real"])
        if "unitary" in said:  # the complex orthogonal ones
            said = {"orthogonal" if word == "unitary" else word: at for word, at in said.items()} | {
                "complex": said["unitary"]
            }
        if "real" in said and "complex" in said:
            raise self.error(f"{name} cannot be both real and complex", *said["real"])
        if "scalar" in said:
            if dims is not None:
                raise self.error("a scalar has no dimensions", *said["scalar"])
            dims = ()
        field = "complex" if "complex" in said else "real" if "real" in said else None
        words = tuple(word for word in said if word not in ("scalar", "real", "complex"))
        return Declaration(name, dims, words, field)

    def space(self) -> tuple[Polynomial, ...]:
        """What stands behind an arrow."""
        if _word(self.tokens[self.at][1]) == "scalar":
            self.at += 1
            return ()
        return _without_one(self.dims())

    def function(
        self,
        name: str,
        domain: tuple[Polynomial, ...] | None,
        codomain: tuple[Polynomial, ...] | None,
        said: Mapping[str, tuple[int, int]],
    ) -> FunctionDeclaration:
        if "elementwise" in said and ("scalar" in said or domain is not None):
            raise self.error(
                "an elementwise function takes arrays of every shape: say only elementwise", *said["elementwise"]
            )
        if "scalar" in said and domain is not None:
            raise self.error("a scalar has no dimensions", *said["scalar"])
        if "complex" in said:
            raise self.error("declared functions are real", *said["complex"])
        if "elementwise" not in said and codomain is None:
            if domain is not None:
                raise self.error(f"what does {name} give? Write an arrow, as in {name}: n → m", *said["function"])
            domain = codomain = ()
        words = tuple(word for word in said if word not in ("scalar", "real", "elementwise", "function"))
        return FunctionDeclaration(name, domain, codomain, words)

    def completed(self, word: str) -> str:
        """The word with what belongs to it: `sparse(M)`, `rank r`."""
        kind, shown, start, end = self.tokens[self.at]
        if word == "sparse":
            if kind != "mask":
                raise self.wrong("the mask, a matrix of zeros and ones, as in sparse(M),")
            self.at += 1
            return f"sparse({shown[1:-1].strip()})"
        if word == "rank":
            if kind == "number" and (len(shown) > MAX_DIGITS or int(shown) < 1):
                raise self.error("a rank is at least 1, and a number of at most 9 digits", start, end)
            if kind not in ("name", "number") or _word(shown) is not None:
                raise self.wrong("the rank, a name or a number, as in rank r,")
            self.at += 1
            return f"rank {int(shown) if kind == 'number' else shown}"
        return word

    def surplus(self) -> NotationError:
        """The error after complete dimensions: for this token, or for a misspelt word that was read as a dimension."""
        names = [token for token in self.tokens[2 : self.at + 1] if token[0] == "name"]
        for _, shown, start, end in names:
            if near := _near(shown):
                return self.error(f"no property of that name: did you mean {near}?", start, end)
        kind, _, start, end = self.tokens[self.at]
        if kind == "name":
            return self.error(f"no property of that name: known are {', '.join(WORDS)}", start, end)
        return self.wrong("×, a property or the end")

    def dims(self) -> tuple[Polynomial, ...]:
        found = [self.dimension()]
        while self.tokens[self.at][1] in _BETWEEN:
            self.at += 1
            found.append(self.dimension())
        return tuple(found)

    def dimension(self) -> Polynomial:
        """A sum of products of names and integers."""
        start = self.tokens[self.at][2]
        total: Polynomial = {}
        sign = 1
        while True:
            monomial, coefficient = self.term()
            total[monomial] = total.get(monomial, 0) + sign * coefficient
            if self.tokens[self.at][1] not in ("+", "-", "−"):
                break
            sign = 1 if self.tokens[self.at][1] == "+" else -1
            self.at += 1
        total = {monomial: coefficient for monomial, coefficient in total.items() if coefficient}
        if all(coefficient <= 0 for coefficient in total.values()):
            raise self.error("a dimension is at least 1", start, self.tokens[self.at - 1][3])
        return total

    def term(self) -> tuple[tuple[str, ...], int]:
        names: list[str] = []
        coefficient = 1
        while True:
            kind, shown, start, end = self.tokens[self.at]
            if kind == "number":
                if len(shown) > MAX_DIGITS:
                    raise self.error(f"numbers in dimensions have at most {MAX_DIGITS} digits", start, end)
                coefficient *= int(shown)
            elif kind == "name" and _word(shown) is None:
                self.refuse_slip()
                names.append(shown)
            else:
                raise self.wrong("a dimension (a name, a number, 2n or n+1)")
            self.at += 1
            following = self.tokens[self.at]
            if following[1] in ("*", "·"):
                self.at += 1
            elif not (kind == "number" and following[0] == "name" and following[2] == end):
                return tuple(sorted(names)), coefficient

    def refuse_slip(self) -> None:
        """What is almost certainly not meant as the name of a dimension."""
        _, shown, start, end = self.tokens[self.at]
        before = self.tokens[self.at - 1]
        if shown == "ℝ":
            raise self.error("spaces are told by their dimensions alone: n → 1, n×m, or scalar", start, end)
        if before[0] == "number" and shown[0] == "x" and len(shown) > 1:
            raise self.error(f"did you mean {before[1]} x {shown[1:]} or {before[1]}×{shown[1:]}?", before[2], end)
        if re.fullmatch(r"[^\W_]x[^\W_]", shown):
            raise self.error(f"{shown} is one name: write {shown[0]} x {shown[2]} or {shown[0]}×{shown[2]}", start, end)
        if len(shown) > 4 and (near := _near(shown)):
            raise self.error(f"no property of that name: did you mean {near}?", start, end)


def _without_one(dims: tuple[Polynomial, ...]) -> tuple[Polynomial, ...]:
    """The 1 in n → 1 is a number."""
    return () if dims == ({(): 1},) else dims


def _word(shown: str) -> str | None:
    folded = shown.casefold()
    return "labels" if folded in ("labels±1", "labels+-1") else folded if folded in WORDS else None


@lru_cache(maxsize=1_000)  # dimensions are named again and again
def _near(shown: str) -> str:
    from difflib import get_close_matches  # only where it is needed: reading has to start fast

    return " or ".join(get_close_matches(shown.casefold(), WORDS, n=2, cutoff=0.8))


_BETWEEN = frozenset("×xX✕⨯")
_TOKEN = (  # compiled, and kept by `re`, where something is declared
    r"(?P<space>\s+)|(?P<word>labels(?:±|\+-)1)|(?P<times>[×✕⨯]|(?<=[0-9])x(?=[0-9]))|(?P<number>[0-9]+)"
    r"|(?P<mask>(?<=[Ss]parse)\(\s*" + dict(TERMINALS)["NAME"] + r"\s*\))"
    r"|(?P<arrow>[→⟶⟼↦]|[-−]+>)|(?P<sign>[:+*·−-])|(?P<name>" + dict(TERMINALS)["NAME"] + ")"
)
