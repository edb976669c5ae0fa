r"""LaTeX -> the text notation: `2A^\top(Ax - b)`, `\frac{x}{\|x\|_2}`, `\operatorname{tr}(A\,\mathrm{d}X)`.

What stands side by side is multiplied; runs of letters are single letters, except for names that are known. Every
character of the result knows its place in the LaTeX, so that what is wrong with it is told there. What `write_latex`
writes reads back; sums over indices do not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from frechet.expressions.errors import FrechetError, LimitError
from frechet.expressions.node import Expr
from frechet.notation import latex_words as words
from frechet.notation.functions import functions
from frechet.notation.latex_names import NameReader
from frechet.notation.latex_tokens import RAISED, Chunks, Token, called, grouped
from frechet.notation.translation import Translation, untranslated

LONGEST = 20_000  # characters of LaTeX
DEEPEST = 60  # groups in groups
WHERE = re.compile(r"\\quad\s*\\text\{\s*where\s*\}\s*\\quad")
NEXT_PART = re.compile(r",\\quad ")
HALVES = ("1/2", r"\frac{1}{2}", r"\frac12", r"\tfrac12", r"\tfrac{1}{2}")


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


class _Reader(NameReader):
    """The grammar: sums, products, factors with their scripts, and commands."""

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
            if kind == "matrix" and self.square(inner):  # as books on matrix calculus have it; `answer` says how it was read
                return called("det", inner, opened, end)
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
        if t.text == r"\vec" and self.next in words.OPEN:
            return self.call("vec", t)
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
            size = self.below()
            return [(f"ones({size})" if re.fullmatch(r"\w+", size) else "vector(1)", place.start, place.end)]
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
        e = self.understood(chunks)
        return "" if e is None else e.kind

    def square(self, chunks: Chunks) -> bool:
        e = self.understood(chunks)
        return e is not None and e.shape[0] is e.shape[1]

    def understood(self, chunks: Chunks) -> Expr | None:
        """The expression of a part that stands by itself."""
        from frechet.notation.reading import read

        given = {name: e for name, e in self.names.items() if e is not None}
        try:
            return read("".join(c[0] for c in chunks), (), given).expression
        except FrechetError:
            return None

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
