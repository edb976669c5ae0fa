"""The notation of books, in plain characters: `2Aᵀ(A x − b)`, `−S⁻¹ A S⁻¹`, `x ⊙ y`, `‖x‖`.

It is for reading: a product is written by juxtaposition, which the text notation does not read, and ‖x‖ |x| √ σ 𝟏 I
are not read either; `write_text` gives what reads back. The signs ᵀ ⁻¹ ⁻ᵀ ² ⊙ ⊘ ⊗ − are read in a formula.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from typing import Any

from frechet.expressions.dimension import Dim, dim, factored
from frechet.expressions.node import Expr, Number, variables
from frechet.notation.declared_calls import UNICODE, written
from frechet.notation.text import TYPED
from frechet.notation.writing import ADD, ATOM, INNER, POSTFIX, PRODUCT, RATIO, Piece, Style, Written, arranged, write
from frechet.operations.constants import place
from frechet.operations.declared_functions import DeclaredPage

SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
SUBSCRIPTS = str.maketrans("0123456789aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ")
PLAIN_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
APART = re.compile(r"[A-Za-zα-ωΑ-Ω]{2}|[eE][0-9]")  # 2 det(X), 2 dX; and 2e5 would be a number


def dimension_factors(value: Dim) -> list[tuple[bool, int, list[tuple[str, int]]]]:
    """The terms of a dimension with whole coefficients: (minus?, size of the coefficient, names with their powers)."""
    return [(c < 0, int(c if c > 0 else -c), _powers(names)) for names, c in value.terms]


def _powers(names: Sequence[str]) -> list[tuple[str, int]]:
    return [(x, names.count(x)) for x in dict.fromkeys(names)]


def decimal_parts(value: float) -> tuple[str, str]:
    """A positive float as (digits, power of ten); the power is empty for a number of everyday size."""
    mantissa, _, exponent = repr(value).partition("e")
    return mantissa.removesuffix(".0"), str(int(exponent)) if exponent else ""


def under(letters: str) -> str:
    """The letters as a subscript; in braces where one of them does not exist as such."""
    lowered = letters.translate(SUBSCRIPTS)
    return f"_{{{letters}}}" if any(c.isascii() for c in lowered) else lowered


class UnicodeStyle(Style):
    """`taken` are the names of the variables, so that no sign of the notation is mistaken for one of them."""

    sized_zeros = False

    def __init__(self, taken: Collection[str] = ()) -> None:
        self.taken = taken

    def number(self, value: Number) -> Piece:
        sign = "−" if value < 0 else ""
        if isinstance(value, Fraction):
            return f"{sign}{abs(value.numerator)}/{value.denominator}", ADD if sign else RATIO
        if isinstance(value, int):
            return f"{sign}{abs(value)}", ADD if sign else ATOM
        digits, power = decimal_parts(abs(value))
        if power:
            power = "10" + power.translate(SUPERSCRIPTS)
            text, level = (power, POSTFIX) if digits == "1" else (f"{digits}·{power}", PRODUCT)
        else:
            text, level = digits, ATOM
        return sign + text, ADD if sign else level

    def dimension(self, value: Dim) -> str:
        if "//" in value.text:
            common, inner, below = factored(value)
            return f"{self.dimension(dim({common: 1})) if common else ''}({self.dimension(inner)})/{below}"
        text = ""
        for negative, size, names in dimension_factors(value):
            parts = [x + (str(k).translate(SUPERSCRIPTS) if k > 1 else "") for x, k in names]
            body = ("" if all(len(x) == 1 for x, _ in names) else "·").join(parts)
            text += ("−" if negative else "+" if text else "") + (str(size) if size != 1 or not names else "") + body
        return text or "0"

    def transpose(self, piece: Piece) -> Piece:
        text, level = piece
        if level == POSTFIX and text.endswith("⁻¹"):
            return text.removesuffix("¹") + "ᵀ", POSTFIX
        return self.at_least(piece, ATOM) + "ᵀ", POSTFIX

    def conjugate(self, piece: Piece) -> Piece:
        return f"conj({piece[0]})", ATOM

    def conjugate_transpose(self, piece: Piece) -> Piece:
        text, level = piece
        if level == POSTFIX and text.endswith("⁻¹"):
            return text.removesuffix("¹") + "ᴴ", POSTFIX
        return self.at_least(piece, ATOM) + "ᴴ", POSTFIX

    def power(self, base: Piece, exponent: Piece, elementwise: bool) -> Piece:
        below = self.at_least(base, ATOM)
        if not elementwise and exponent[0].isdigit():
            return below + exponent[0].translate(SUPERSCRIPTS), POSTFIX
        return f"{below}{'.^' if elementwise else '^'}{self.at_least(exponent, ATOM)}", POSTFIX

    def root(self, base: Piece) -> Piece:
        text, level = base
        short = level == ATOM and (text[0] in "|‖" or text.isalnum() or text.isidentifier())
        return "√" + (text if short else self.parens(text)), POSTFIX

    def entrywise_root(self, base: Piece) -> Piece:
        return f"{self.at_least(base, ATOM)}.^(1/2)", POSTFIX

    def inverse(self, base: Piece, exponent: int) -> Piece:
        return self.at_least(base, ATOM) + str(exponent).translate(SUPERSCRIPTS), POSTFIX

    def product(self, factors: Sequence[Piece]) -> Piece:
        text = last = ""
        for piece in factors:
            factor = self.at_least(piece, PRODUCT)
            text += (_between(last, factor) if text else "") + factor
            last = factor
        return text, PRODUCT

    def hadamard(self, factors: Sequence[Piece]) -> Piece:
        return " ⊙ ".join(self.at_least(f, POSTFIX) for f in factors), RATIO

    def fraction(self, above: Piece, below: Piece, elementwise: bool) -> Piece:
        bottom = self.at_least(below, POSTFIX)
        if elementwise:
            return f"{above[0] if above[1] == RATIO else self.at_least(above, POSTFIX)} ⊘ {bottom}", RATIO
        return f"{above[0] if above[1] == INNER else self.at_least(above, PRODUCT)}/{bottom}", RATIO

    def sum(self, terms: Sequence[tuple[bool, Piece]]) -> Piece:
        text = ""
        for negative, piece in terms:
            text += (" − " if negative else " + ") if text else "−" if negative else ""
            text += self.at_least(piece, INNER)
        return text, ADD

    def call(self, node: Expr, args: Sequence[Piece]) -> Piece:
        op, parts = node.op, [a[0] for a in args]
        if isinstance(op, DeclaredPage):
            return written(node, op.called(node), parts, self.parens, UNICODE), ATOM
        name, body = op.name, parts[0]
        if name == "einsum":
            return self.contraction(node, args)
        if name == "powm":
            return self.power(args[0], args[1], False)
        if name == "kron":
            return " ⊗ ".join(self.at_least(a, POSTFIX) for a in args), RATIO
        if name == "abs" and "|" not in body:
            return f"|{body}|", ATOM
        if name in ("norm1", "norm2", "normp") and "‖" not in body:
            p = {"norm1": "1", "norm2": ""}.get(name) or "".join(self.number(p)[0] for p in node.params)
            return f"‖{body}‖{p.translate(SUBSCRIPTS) if p.isdigit() or not p else f'_({p})'}", ATOM
        if name == "pinv":
            return self.at_least(args[0], ATOM) + "⁺", POSTFIX
        if name == "logdet":
            return f"log det{self.parens(body)}", POSTFIX
        if name == "sigmoid" and "σ" not in self.taken:
            name = "σ"
        spelled = [self._parameter(p) for p in node.params]
        return f"{TYPED.get(name, op.typed_as or name)}{self.parens(', '.join(arranged(op, parts, spelled)))}", ATOM

    def indexed(self, piece: Piece, letters: str) -> str:
        text, level = piece
        return (text if level == ATOM and (len(text) == 1 or text[-1] in ")⟩") else self.parens(text)) + under(letters)

    def delta(self, letters: str) -> str:
        return "δ" + under(letters)

    def summation(self, body: str, letters: str) -> str:
        return f"Σ{under(letters)} {body}" if letters else body

    def bracketed(self, body: str, letters: str) -> str:
        return f"[{body}]{under(letters)}"

    def _parameter(self, p: Any) -> str:
        if isinstance(p, str):
            return p
        return self.dimension(p) if isinstance(p, Dim) else self.number(p)[0]

    def constant(self, node: Expr) -> Piece:
        name = node.op.name
        if name == "unit":
            index = self.dimension(place(node.params[0])).translate(SUBSCRIPTS)
            return f"e_{{{index}}}" if any(c.isascii() for c in index) else f"e{index}", ATOM
        if name == "selection":
            columns = ":".join(map(self.dimension, node.params))
            return f"I_{{{self.dimension(node.shape[0])}}}[:,{columns}]", ATOM
        if name == "commutation":
            return "K_{" + ",".join(map(self.dimension, node.params)) + "}", ATOM
        if name in ("duplication", "elimination"):
            return name[0].upper().replace("E", "L") + "_{" + self.dimension(node.params[0]) + "}", ATOM
        if name == "eye" and "I" in self.taken:
            return "I_{" + self.dimension(node.shape[0]) + "}", ATOM
        return {"eye": "I", "ones": "𝟏", "zeros": "0", "pi": "π"}.get(name, name), ATOM


def _between(left: str, right: str) -> str:
    """What stands between two factors: a space, but none after a number or before an unmistakable parenthesis."""
    if PLAIN_NUMBER.fullmatch(left):
        if right[0].isdigit():  # 𝟏 is a digit too
            return "·"
        return " " if APART.match(right) else ""
    if right[0] == "(" and (left[0] + left[-1] == "()" or left[-1] in "ᵀ⁰¹²³⁴⁵⁶⁷⁸⁹⁺"):
        return ""
    return "" if left == right + "ᵀ" else " "  # XᵀX


def write_unicode(e: Expr, share: bool = True, spelled: Mapping[Expr, Piece] | None = None) -> Written:
    """The expression as a book writes it; parts shared in a large expression are named in `where`."""
    return write(e, UnicodeStyle({v.params[0] for v in variables(e)}), share, spelled)
