r"""Names in LaTeX: known ones as long as possible, \mathrm{d}X, W_{1}; and letters that mean something, such as I."""

from __future__ import annotations

import re
from collections.abc import Sequence

from frechet.notation import latex_words as words
from frechet.notation.functions import functions
from frechet.notation.latex_tokens import Chunks, Cursor, Token, called


class NameReader(Cursor):
    """Reads names and their indices."""

    def sum(self, ends: set[str]) -> Chunks:
        """Terms with their signs, up to one of the ends, which is not taken."""
        raise NotImplementedError

    def argument(self) -> Chunks:
        """What follows a command: a group in braces, or one sign."""
        raise NotImplementedError

    def call(self, word: str, t: Token, more: Sequence[str] = ()) -> Chunks:
        """A function with what it is applied to."""
        raise NotImplementedError

    def kind(self, chunks: Chunks) -> str:
        """scalar, vector or matrix; empty where it cannot be told."""
        raise NotImplementedError

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

    def direction_of_power(self, t: Token, exponent: str) -> Chunks:
        """L_{x^{a}}(X, E) is dpowm(X,a,E)."""
        opened = self.take()
        x = self.sum({","})
        comma = self.take()
        e = self.sum({words.OPEN.get(opened.text, ")")})
        end = self.take()
        return [("dpowm(", t.start, t.end), *x, (f",{exponent},", comma.start, comma.end), *e, (")", end.start, end.end)]

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
