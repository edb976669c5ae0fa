r"""LaTeX -> the text notation: `2A^\top(Ax - b)`, `\frac{x}{\|x\|_2}`, `\operatorname{tr}(A\,\mathrm{d}X)`.

What stands side by side is multiplied; runs of letters are single letters, except for names that are known. Every
character of the result knows its place in the LaTeX, so that what is wrong with it is told there. What `write_latex`
writes reads back; sums over indices do not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from frechet.expressions.dimension import SCALAR
from frechet.expressions.errors import FrechetError, LimitError, NotationError
from frechet.expressions.node import Expr
from frechet.notation import latex_words as words
from frechet.notation.functions import functions
from frechet.notation.translation import Translation, untranslated

LONGEST = 20_000  # characters of LaTeX
DEEPEST = 60  # groups in groups
TOKEN = re.compile(r"\\(?:[A-Za-z]+\*?|.)|[0-9]+(?:\.[0-9]+)?|\s+|⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+|⁻[ᵀᴴ⊤]|\.[\^*/]|.", re.DOTALL)
HALVES = ("1/2", r"\frac{1}{2}", r"\frac12", r"\tfrac12", r"\tfrac{1}{2}")
COMMAND_AT_END = re.compile(r"\\[A-Za-z]+$")
RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
WHERE = re.compile(r"\\quad\s*\\text\{\s*where\s*\}\s*\\quad")
NEXT_PART = re.compile(r",\\quad ")

Chunk = tuple[str, int, int]  # text, and its place among the characters of the LaTeX
Chunks = list[Chunk]


class Token(NamedTuple):
    text: str
    start: int
    end: int


def from_latex(
    latex: Translation | str,
    names: Mapping[str, Expr] | Iterable[str] = (),
    dimensions: Iterable[str] = (),
    called: Iterable[str] = (),
) -> Translation:
    r"""LaTeX in the text notation.

    names: of variables, with their expressions where they are known: \|X\|_2 depends on what X is
    called: names of declared functions, which take arguments

    Raises:  NotationError with the place, for what is not covered; LimitError, for what is too long or nested too deeply

    >>> from_latex(r"2\mathbf{A}^\top (Ax-b)", ["A", "x", "b"]).text
    "2*A'*(A*x-b)"
    >>> from_latex(r"\frac{1}{2}\log\det(W_1) + \mathrm{tr}\,X", ["W1", "X"]).text
    '(1)/(2)*logdet(W1)+tr(X)'
    """
    source = untranslated(latex) if isinstance(latex, str) else latex
    text = source.text
    if len(text) > LONGEST:
        raise LimitError(f"the LaTeX has {len(text):,} characters; at most {LONGEST:,} are read")
    known = dict(names) if isinstance(names, Mapping) else dict.fromkeys(names)
    where = WHERE.search(text)
    main, lines = (len(text) if where is None else where.start()), Chunks()
    if where is not None:
        at = where.end()
        parts = []
        for part in NEXT_PART.split(text[at:]):
            equals = part.index("=") if "=" in part else 0
            name = re.sub(r"[^\w]", "", part[:equals])
            known[name] = None
            parts.append((name, at + equals + 1, at + len(part)))
            at += len(part) + len(NEXT_PART.pattern) - 1
        for name, start, end in parts:
            body = _Reader(source, start, end, known, dimensions, called).all()
            lines += [(f"{name} = ", start, start + 1), *body, ("\n", end, end)]
    lines += _Reader(source, 0, main, known, dimensions, called).all()
    return _joined(source, lines)


def _joined(source: Translation, chunks: Chunks) -> Translation:
    text, places = [], list[tuple[int, int]]()
    for piece, start, end in chunks:
        text.append(piece)
        first = source.places[start][0] if start < len(source.places) else len(source.source)
        last = source.places[end - 1][1] if start < end <= len(source.places) else first
        places += [(first, last)] * len(piece)
    return Translation("".join(text), source.source, places)


class _Reader:
    """A cursor over the tokens of one LaTeX formula."""

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

    # -- the cursor
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

    # -- the grammar
    def all(self) -> Chunks:
        found = self.sum({""})
        if self.at < len(self.tokens):
            raise self.error(f"{self.next} is not expected here")
        return found

    def sum(self, ends: set[str]) -> Chunks:
        """Terms with their signs, up to one of the ends, which is not taken."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise LimitError(f"groups are nested more than {DEEPEST} deep")
        found: Chunks = []
        while self.next in ("+", "-", "−", ":", r"\colon", r"\bullet"):
            t = self.take()
            found.append((words.OPERATORS[t.text], t.start, t.end))
        found += self.term(ends)
        while self.next not in ends:
            if not self.next:
                raise self.error(f"{' or '.join(sorted(e for e in ends if e))} is missing at the end")
            if self.next not in ("+", "-", "−", ":", r"\colon", r"\bullet"):
                raise self.error(f"{self.next} is not expected here")
            t = self.take()
            found.append((words.OPERATORS[t.text], t.start, t.end))
            found += self.term(ends)
        self.depth -= 1
        return found

    def term(self, ends: set[str]) -> Chunks:
        """Products; what stands side by side is multiplied before element-wise and Kronecker products are taken."""
        parts: list[tuple[str, Chunks, Token | None]] = []
        operator, sign = "", None
        while True:
            run = self.run(ends)
            parts.append((operator, run, sign))
            if self.next not in words.OPERATORS or self.next in ("+", "-", "−", ":", r"\colon", r"\bullet"):
                break
            if self.next in ends:
                break
            sign = self.take()
            operator = words.OPERATORS[sign.text]
        if len(parts) == 1:
            return parts[0][1]
        single = all(op in ("", "*", "/") for op, _, _ in parts)
        found: Chunks = []
        for op, run, sign in parts:
            if sign is not None:
                found.append((op, sign.start, sign.end))
            found += run if single or len(run) == 1 else grouped(run)
        return found

    def run(self, ends: set[str]) -> Chunks:
        """Factors side by side."""
        found: Chunks = []
        while True:
            if self.next in ("-", "−", "+") and not found:  # a sign after an operator
                t = self.take()
                return grouped([(words.OPERATORS[t.text], t.start, t.end), *self.run(ends)])
            factor = self.factor()
            if found:
                found.append(("*", factor[0][1], factor[0][2]))
            found += factor
            stop = self.next in ends or self.next in words.OPERATORS or self.next in ("", ",", ")", "]", "}", "=", r"\\")
            if stop or self.next in words.OPEN.values() or self._closes(ends):
                return found

    def _closes(self, ends: set[str]) -> bool:
        return self.next in (r"\end", r"\rVert", r"\rvert", r"\rangle", r"\rbrack", r"\rparen")

    def factor(self) -> Chunks:
        found = self.atom()
        return self.scripts(found)

    def scripts(self, found: Chunks) -> Chunks:
        """Exponents, transposes and indices behind an atom."""
        while (
            self.next in ("^", ".^", "_", "'", "′", "ᵀ", "⊤", "ᴴ", "⁺", "⁻ᵀ", "⁻⊤", "⁻ᴴ")
            or self.next.translate(RAISED) != self.next
        ):
            t = self.take()
            raised = t.text.translate(RAISED)
            if t.text == "⁺":
                found = called("pinv", found, t, t)
                continue
            if t.text in ("ᴴ", "⁻ᵀ", "⁻⊤", "⁻ᴴ"):
                mark = "^H" if t.text[-1] == "ᴴ" else "'"
                found = [("inv(", t.start, t.end), *found, (")", t.start, t.end)] if t.text[0] == "⁻" else found
                found = [*found, (mark, t.start, t.end)]
                continue
            if raised != t.text:
                found = [*found, (f"^({raised})", t.start, t.end)]
                continue
            if t.text == ".^":
                found = [*found, (".^", t.start, t.end), *grouped(self.argument())]
                continue
            if t.text == "_":
                found = [*found, ("[", t.start, t.end), *self.index(), ("]", t.start, t.end)]
                continue
            if t.text != "^":
                found = [*found, ("'", t.start, t.end)]
                continue
            found = self.power(found, t)
        return found

    def power(self, base: Chunks, caret: Token) -> Chunks:
        first = self.at
        raw, tokens = self.raw_argument()
        if words.DECORATION.sub("", raw) in ("T", "H"):  # ^{\mathrm T}
            raw = words.DECORATION.sub("", raw)
        place = (caret.start, tokens[-1].end if tokens else caret.end)
        if raw in words.TRANSPOSES and not (raw == "t" and "t" in self.names):
            return [*base, ("'", *place)]
        if raw.replace(r"\prime", "") == "" and raw:
            return [*base, ("'" * raw.count(r"\prime"), *place)]
        if raw in words.ADJOINTS:
            return [*base, ("^H", *place)]
        if raw in words.PSEUDO_INVERSES:
            return [("pinv(", *place), *base, (")", *place)]
        if raw and raw[0] in "-−" and raw[1:] in words.TRANSPOSES:
            return [("inv(", *place), *base, (")'", *place)]
        if raw and raw[0] in "-−" and raw[1:] in words.ADJOINTS:
            return [("inv(", *place), *base, (")^H", *place)]
        if raw.lstrip("-") in HALVES and self.kind(base) == "matrix":
            root = [("sqrtm(", *place), *base, (")", *place)]
            return [("inv(", *place), *root, (")", *place)] if raw[0] == "-" else root
        self.at = first
        elementwise = raw.startswith((r"\odot", r"\circ"))
        inner = self.exponent(elementwise)
        if not elementwise and not raw.lstrip("-−").isdigit() and self.kind(base) == "matrix":
            return [("powm(", *place), *base, (",", *place), *inner, (")", *place)]
        return [*base, (".^" if elementwise else "^", *place), ("(", *place), *inner, (")", *place)]

    def exponent(self, elementwise: bool) -> Chunks:
        if self.next != "{":
            return self.argument()
        self.take()
        if elementwise:
            self.take()
        found = self.sum({"}"})
        self.expect("}")
        return found

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

    def argument(self) -> Chunks:
        """What follows a command: a group in braces, or one sign."""
        if self.next == "{":
            self.take()
            found = self.sum({"}"})
            self.expect("}")
            return found
        t = self.tokens[self.at] if self.at < len(self.tokens) else None
        if t is not None and t.text[0].isdigit() and len(t.text) > 1:  # \frac12
            self.tokens[self.at : self.at + 1] = [
                Token(t.text[0], t.start, t.start + 1), Token(t.text[1:], t.start + 1, t.end)
            ]  # fmt: skip
        return self.atom()

    # -- atoms
    def atom(self) -> Chunks:
        t = self.take()
        text = t.text
        if text == "𝟏":
            return [("vector(1)", t.start, t.end)]
        if text == "√":
            return called("sqrt", self.atom(), t, t)
        if text[0].isdigit():
            return [(text, t.start, t.end)]
        if text == "{":
            inner = self.sum({"}"})
            self.expect("}")
            return grouped(inner)
        if text in words.OPEN:
            inner = self.sum({words.OPEN[text], ")", "]"})
            self.take()
            return grouped(inner)
        if text in words.BARS:
            return self.bars(t)
        special = SPECIAL.get(text)
        if special is not None:
            return special(self, t)
        if text in words.STYLES:
            return self.styled(t)
        if text.startswith("\\") and text[1:] in words.NAMED_COMMANDS:
            return self.call(text[1:], t)
        if text in words.GREEK_WORDS or text.isalpha():
            return self.name(t, words.GREEK_WORDS.get(text, text))
        if text.startswith("\\"):
            raise self.error(f"{text} is not read here: write the formula without it, or in the text notation", t)
        raise self.error(f"{text} is not expected here", t)

    def bars(self, opened: Token) -> Chunks:
        """‖…‖ with its index, or |…|."""
        double = opened.text == "|" and self.next == "|"
        if double:
            self.take()
        close = words.BARS[opened.text]
        inner = self.sum({close, "|" if close == "|" else close})
        end = self.expect(close)
        if double:
            end = self.expect("|")
        kind = self.kind(inner)
        if not double and opened.text not in words.NORM_BARS:
            if kind == "matrix" and opened.text != r"\lvert":
                raise self.error(
                    r"|X| of a matrix may be its determinant or the absolute values of its entries: write \det(X) or "
                    r"\operatorname{abs}(X)",
                    Token("", opened.start, end.end),
                )
            return called("abs", inner, opened, end)
        index = ""
        if self.next == "_":
            self.take()
            index, _ = self.raw_argument()
        elif self.next in ("₁", "₂"):
            index = "1" if self.take().text == "₁" else "2"
        if index in ("", "F", "2", r"\mathrm{F}", r"\text{F}", r"\mathsf{F}"):
            return called("normspec" if index == "2" and kind == "matrix" else "norm2", inner, opened, end)
        name = {"1": "norm1", r"\infty": "norminf", "*": "normnuc", r"\ast": "normnuc"}.get(index)
        if name is not None:
            return called(name, inner, opened, end)
        place = (opened.start, end.end)
        return [("normp(", *place), *inner, (f",{index})", *place)]

    def styled(self, t: Token) -> Chunks:
        r"""\mathbf{x}, \operatorname{tr}, \text{tr}, \mathrm{d}X."""
        first = self.at
        raw, tokens = self.raw_argument()
        word = words.key_of(raw)[0]
        place = Token(raw, t.start, tokens[-1].end)
        function = word.replace("\\", "")
        if t.text == r"\mathrm" and raw == "d" and (self.next.isalpha() or self.next.startswith("\\")):
            return self.differential(place)
        if words.key_of(raw) in self.keys and t.text != r"\operatorname":
            return self.name(place, word)
        if t.text == r"\mathrm" and raw == "i" and "i" not in self.names:
            return [("1i", place.start, place.end)]
        if raw == "1":
            return [("vector(1)", place.start, place.end)]
        if raw == "0":
            return [("0", place.start, place.end)]
        if t.text == r"\boldsymbol" and raw in (r"\lambda", r"\sigma") and self.next in words.OPEN:
            return self.call("eigvals" if raw == r"\lambda" else "svdvals", place)
        if len(function) > 1 and (function in words.FUNCTIONS or function in functions() or function in self.called):
            return self.call(function, place)
        if len(raw) == 1 or raw in words.GREEK_WORDS:
            return self.name(place, words.GREEK_WORDS.get(raw, raw))
        if t.text in (r"\operatorname", r"\operatorname*", r"\text"):
            raise self.error(f"no function of the name {raw} is known", place)
        self.at = first
        return self.factor() if self.next != "{" else grouped(self.argument())

    def differential(self, d: Token) -> Chunks:
        r"""\mathrm{d}X is the name dX."""
        t = self.take()
        if t.text in words.STYLES:
            raw, tokens = self.raw_argument()
            t = Token(raw, t.start, tokens[-1].end)
        named = self.name(Token(t.text, t.start, t.end), words.GREEK_WORDS.get(t.text, t.text))
        return [(f"d{named[0][0]}", d.start, named[0][2]), *named[1:]]

    def name(self, t: Token, word: str) -> Chunks:
        """A known name as long as possible, with the subscript that belongs to it; else the single letter."""
        spelled = self.word(t)
        if len(spelled) > 1 and (spelled, "") not in self.keys and (spelled in words.FUNCTIONS or spelled in functions()):
            self.at += len(spelled) - 1
            return self.call(spelled, t._replace(text=spelled))
        letters, at = words.key_of(word)[0], self.at
        longest: tuple[str, int] | None = None
        sign = letters
        while True:
            found = self.keys.get((sign, ""))
            if found is not None:
                longest = found, at
            if at >= len(self.tokens) or not (self.tokens[at].text.isalpha() and len(self.tokens[at].text) == 1):
                break
            sign += words.key_of(self.tokens[at].text)[0]
            at += 1
            if len(sign) > 40:
                break
        if letters == "d" and ("d", "") in self.keys:
            longest = self.keys["d", ""], self.at  # a scalar d: d X is a product
        if letters == "d" and longest is None and self.next in words.STYLES:
            return self.differential(t)
        taken = self.at
        if longest is not None:
            taken = longest[1]
        if taken < len(self.tokens) and self.tokens[taken].text == "_":
            with_index = self._with_index(letters if longest is None else longest[0], taken)
            if with_index is not None:
                name, end = with_index
                self.at = end
                return self.used(name, t, self.tokens[end - 1].end)
        extreme = letters in ("lambda", "sigma") and self.next == "_" and self.peeked() in (r"\max", r"\min")
        special = self.sign(letters, t) if longest is None or extreme else None
        if special is not None:
            return special
        self.at = taken
        return self.used(letters if longest is None else longest[0], t, self.tokens[taken - 1].end)

    def word(self, t: Token) -> str:
        """The letters from this one on that stand together without a space."""
        found, end = t.text, t.end
        for after in self.tokens[self.at :]:
            if after.start != end or not after.text.isalpha():
                break
            found, end = found + after.text, after.end
        return found

    def used(self, name: str, t: Token, end: int) -> Chunks:
        """A name, with its arguments where it is a declared function."""
        if name in self.called:
            primes = 0
            while self.next in ("'", "′"):
                self.take()
                primes += 1
            if self.next in words.OPEN:
                suffix = {0: "", 1: "_prime", 2: "_second"}.get(primes, "'" * primes)
                return self.call(name + suffix, Token(name, t.start, end))
        return [(name, t.start, end)]

    def _with_index(self, base: str, at: int) -> tuple[str, int] | None:
        """The known name with this subscript, and where it ends."""
        keep = self.at
        self.at = at + 1
        try:
            raw, _ = self.raw_argument()
            if base in ("u", "v") and base not in self.names and self.next in words.OPEN:
                return None
            if raw in (r"\max", r"\min"):
                return None
            key = (words.key_of(base)[0], words.key_of(raw)[0])
            name = self.keys.get(key)
            if name is None and base not in self.names and re.fullmatch(r"\w+", key[1]):
                name = (
                    base
                    if base in ("I", "K", "D", "L", "e")
                    else f"{base}{key[1]}"
                    if key[1].isdigit()
                    else f"{base}_{key[1]}"
                )
                return None if name == base else (name, self.at)
            return None if name is None else (name, self.at)
        finally:
            self.at = keep

    def sign(self, letters: str, t: Token) -> Chunks | None:
        """I, K_{m,n}, D_n, λ_max(A), σ(x), Γ(x), e^x, π: what a letter means that is no variable."""
        if letters == "I":
            return [(f"eye({index})" if (index := self.below()) else "eye", t.start, t.end)]
        if letters == "e" and self.next == "_":
            return [(f"eye[:,{self.below()}]", t.start, t.end)]
        if letters == "L" and self.next == "_" and self.tokens[self.at + 1].text == "{":
            inner = re.match(r"\\(exp|log|sin|cos|sqrt)|x\^\{(.*)\}", raw := self.peeked())
            if inner is not None:
                self.below()
                name = f"d{inner[1]}m" if inner[1] else "dpowm"
                return self.call(name, t) if inner[1] else self.direction_of_power(t, raw[3:-1])
        if letters in ("K", "D", "L") and self.next == "_":
            name = {"K": "commutation", "D": "duplication", "L": "elimination"}[letters]
            return [(f"{name}({self.below()})", t.start, t.end)]
        if letters == "pi":
            return [("pi", t.start, t.end)]
        if letters in ("lambda", "sigma") and self.next == "_":
            index = self.below()
            largest = {"lambda": ("eigmax", "eigmin", "eigval"), "sigma": ("normspec", "svdmin", "svdval")}[letters]
            if index in (r"\max", r"\min"):
                return self.call(largest[0] if index == r"\max" else largest[1], t)
            return self.call(largest[2], t, (index,))
        if letters in ("u", "v") and self.next == "_" and letters not in self.names:
            return self.call(f"svd{letters}", t, (self.below(),))
        if letters == "q" and self.next == "_":
            index = self.below()
            return self.call(
                {r"\max": "eigvecmax", r"\min": "eigvecmin"}.get(index, "eigvec"), t, () if "m" in index else (index,)
            )
        if letters in ("sigma", "Gamma", "psi") and self.next in words.OPEN:
            return self.call({"sigma": "sigmoid", "Gamma": "gamma", "psi": "digamma"}[letters], t)
        if letters == "e" and self.next == "^":
            self.take()
            exponent = self.argument()
            return called("expm" if self.kind(exponent) == "matrix" else "exp", exponent, t, t)
        return None

    def peeked(self) -> str:
        """The subscript that follows, without taking it."""
        keep = self.at
        found = self.below()
        self.at = keep
        return found

    def direction_of_power(self, t: Token, exponent: str) -> Chunks:
        """L_{x^{a}}(X, E) is dpowm(X,a,E)."""
        opened = self.take()
        x = self.sum({","})
        comma = self.take()
        e = self.sum({words.OPEN.get(opened.text, ")")})
        end = self.take()
        return [("dpowm(", t.start, t.end), *x, (f",{exponent},", comma.start, comma.end), *e, (")", end.start, end.end)]

    def below(self) -> str:
        if self.next != "_":
            return ""
        self.take()
        return self.raw_argument()[0]

    def index(self) -> Chunks:
        """The entries behind _: 1,2 or i or :,j."""
        raw, tokens = self.raw_argument()
        inner = tokens[1:-1] if tokens[0].text == "{" else tokens
        if re.fullmatch(r"[\w:,+\-*]+", raw) is None:
            raise self.error(
                "an index is a number, a name, or : and a comma between two of them", inner[0] if inner else None
            )
        if raw.isdigit() and len(raw) == 2 and tokens[0].text == "{":
            raw = ",".join(raw)  # X_{12}
        elif re.fullmatch(r"[a-z]{2}", raw):
            raw = ",".join(raw)  # X_{ij}
        return [(raw, tokens[0].start, tokens[-1].end)]

    def call(self, word: str, t: Token, more: Sequence[str] = ()) -> Chunks:
        r"""A function with what it is applied to: the parentheses behind it, or the next factor (of tr, the product)."""
        name = words.FUNCTIONS.get(word, word)
        power: Chunks = []
        if self.next == "^" and name not in self.called:  # \sin^2(x)
            caret = self.take()
            raw, tokens = self.raw_argument()
            if not raw.isdigit():
                raise self.error(
                    "put the exponent behind the argument, as in f(x)^{2}", Token("", caret.start, tokens[-1].end)
                )
            power = [(f"^{raw}" if name in ("tr", "det", "log", "norm2") else f".^{raw}", caret.start, tokens[-1].end)]
        params = list(more)
        if self.next == "_":
            below = self.below()
            params += [below] if name in ("unvec", "reshape", "kyfan") else []
        det = self.next in (r"\det", r"\lvert", "|") or [x.text for x in self.tokens[self.at :][:3]] == ["d", "e", "t"]
        if name == "log" and det and not power:
            return self.logdet(t)
        if self.next in words.OPEN:
            opened = self.take()
            close = words.OPEN[opened.text]
            inner = self.sum({close, ","})
            while self.next == ",":
                comma = self.take()
                inner += [(",", comma.start, comma.end), *self.sum({close, ","})]
            end = self.expect(close)
        elif name in ("tr", "vec", "diag"):
            inner = self.run({""})
            end = self.tokens[self.at - 1]
        else:
            inner = self.factor()
            end = self.tokens[self.at - 1]
        found = [(f"{name}(", t.start, t.end), *inner, *((f",{p}", t.start, t.end) for p in params), (")", t.start, end.end)]
        return [*found, *power]

    def logdet(self, t: Token) -> Chunks:
        if self.next in (r"\det", "d"):
            d = self.take()
            self.at += 0 if d.text == r"\det" else 2
            inner = self.call("det", d)
            return [("log", t.start, t.end), *inner]
        opened = self.take()
        inner = self.sum({words.BARS[opened.text]})
        end = self.expect(words.BARS[opened.text])
        if self.kind(inner) != "matrix":
            return [("log(abs(", t.start, t.end), *inner, ("))", t.start, end.end)]
        return called("logdet", inner, t, end)

    def kind(self, chunks: Chunks) -> str:
        """scalar, vector or matrix; empty where it cannot be told."""
        from frechet.notation.reading import read

        given = {name: e for name, e in self.names.items() if e is not None}
        try:
            e = read("".join(c[0] for c in chunks), (), given).expression
        except FrechetError:
            return ""
        return "scalar" if e.shape == SCALAR else e.kind

    # -- commands with arguments of their own
    def fraction(self, t: Token) -> Chunks:
        above = self.argument()
        below = self.argument()
        return [*grouped(above), ("/", t.start, t.end), *grouped(below)]

    def root(self, t: Token) -> Chunks:
        order = ""
        if self.next == "[":
            self.take()
            while self.next != "]":
                order += self.take().text
            self.take()
        inner = self.argument()
        if order and order != "2":
            return [*grouped(inner), (f"^(1/{order})", t.start, t.end)]
        return called("sqrtm" if self.kind(inner) == "matrix" else "sqrt", inner, t, t)

    def bar(self, t: Token) -> Chunks:
        return called("conj", self.argument(), t, t)

    def brackets(self, t: Token) -> Chunks:
        r"""\langle A, B \rangle."""
        a = self.sum({","})
        comma = self.take()
        b = self.sum({r"\rangle"})
        self.take()
        return [("(", t.start, t.end), *grouped(a), (":", comma.start, comma.end), *grouped(b), (")", t.start, t.end)]

    def environment(self, t: Token) -> Chunks:
        name, _ = self.raw_argument()
        if name not in ("bmatrix", "pmatrix", "matrix", "smallmatrix", "array"):
            raise self.error(f"the environment {name} is not read here", t)
        raise self.error("blocks in LaTeX are not read here: write [A, B; C, D] in the text notation", t)

    def refused(self, t: Token) -> Chunks:
        hint = {r"\sum": "write it with matrices, or as sum_i(…) in the text notation"}
        raise self.error(f"{t.text} is not read here: {hint.get(t.text, 'write the value itself')}", t)


Special = Callable[[_Reader, Token], Chunks]
SPECIAL: dict[str, Special] = {
    r"\frac": _Reader.fraction, r"\dfrac": _Reader.fraction, r"\tfrac": _Reader.fraction, r"\sqrt": _Reader.root,
    r"\overline": _Reader.bar, r"\bar": _Reader.bar, r"\langle": _Reader.brackets, r"\begin": _Reader.environment,
    r"\sum": _Reader.refused, r"\prod": _Reader.refused, r"\int": _Reader.refused, r"\partial": _Reader.refused,
    r"\nabla": _Reader.refused,
}  # fmt: skip


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
