"""The text notation, written: what is printed reads back to the same expression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from frechet.expressions.dimension import UNIT
from frechet.expressions.node import Expr, Number
from frechet.notation.writing import ADD, ATOM, INNER, POSTFIX, PRODUCT, RATIO, Piece, Style, Written, arranged, write
from frechet.operations.declared_functions import DeclaredPage


class TextStyle(Style):
    def __init__(self, brackets: bool = True) -> None:
        self.brackets = brackets

    def number(self, value: Number) -> Piece:
        if isinstance(value, Fraction):
            return f"{value.numerator}/{value.denominator}", PRODUCT if value > 0 else ADD
        if isinstance(value, float) and value == int(value) and abs(value) < 1e15:
            value = int(value)
        return repr(value), ATOM if value >= 0 else ADD

    def transpose(self, piece: Piece) -> Piece:
        return self.at_least(piece, ATOM) + "'", POSTFIX

    def conjugate(self, piece: Piece) -> Piece:
        return f"conj({piece[0]})", ATOM

    def conjugate_transpose(self, piece: Piece) -> Piece:
        return self.at_least(piece, ATOM) + "^H", POSTFIX

    def power(self, base: Piece, exponent: Piece, elementwise: bool) -> Piece:
        return f"{self.at_least(base, ATOM)}{'.^' if elementwise else '^'}{self.at_least(exponent, ATOM)}", POSTFIX

    def root(self, base: Piece) -> Piece:
        return f"sqrt({base[0]})", ATOM

    def inverse(self, base: Piece, exponent: int) -> Piece:
        text = f"inv({base[0]})"
        return (text, ATOM) if exponent == -1 else (f"{text}^{-exponent}", POSTFIX)

    def product(self, factors: Sequence[Piece]) -> Piece:
        # An element-wise product as a factor needs its parentheses: all products are one level.
        return "*".join(self.at_least(f, PRODUCT) for f in factors), PRODUCT

    def hadamard(self, factors: Sequence[Piece]) -> Piece:
        return ".*".join(self.at_least(f, POSTFIX) for f in factors), RATIO

    def fraction(self, above: Piece, below: Piece, elementwise: bool) -> Piece:
        top = self.at_least(above, RATIO if elementwise else INNER)
        if elementwise and above[1] == PRODUCT:
            top = self.parens(above[0])
        return f"{top}{'./' if elementwise else '/'}{self.at_least(below, POSTFIX)}", RATIO

    def call(self, node: Expr, args: Sequence[Piece]) -> Piece:
        op = node.op
        if isinstance(op, DeclaredPage):
            return f"{op.symbol(node)}({','.join(a[0] for a in args)})", ATOM
        if op.name == "diag" and node.args[0].op.name == "hadamard" and all(k < 0 for k in node.args[0].params):
            # diag(1./v) is the inverse of diag(v)
            return f"inv(diag({args[0][0].removeprefix('1./')}))", ATOM
        parts = [a[0] for a in args]
        spelled = [
            self.number(p)[0]
            if isinstance(p, (int, float, Fraction))
            else f'"{p}"'
            if isinstance(p, str) and "s" in op.takes[0]
            else p
            if isinstance(p, str)
            else self.dimension(p)
            for p in node.params
        ]
        return f"{TYPED.get(op.name, op.typed_as or op.name)}({','.join(arranged(op, parts, spelled))})", ATOM

    def constant(self, node: Expr) -> Piece:
        op = node.op.name
        if op in ("pi", "1i"):
            return op, ATOM
        if op in ("commutation", "duplication", "elimination"):
            sizes = node.params
        elif op == "unit":
            return f"unit({self.dimension(node.shape[0])},{node.params[0]})", ATOM
        elif op == "selection":
            return f"eye({node.shape[0]})[:,{node.params[0]}:{node.params[1]}]", ATOM
        else:
            sizes = node.shape[:1] if op == "eye" else tuple(d for d in node.shape if d is not UNIT)
        return f"{op}({','.join(map(self.dimension, sizes))})", ATOM


TYPED = {"diagonal": "diag"}
STYLE, PLAIN = TextStyle(), TextStyle(brackets=False)


def write_text(e: Expr, share: bool = True, spelled: Mapping[Expr, Piece] | None = None, brackets: bool = True) -> Written:
    """The expression in the text notation; parts shared in a large expression are named in `where`.

    brackets: entries are written X[i,j], otherwise unit(n,i)'*X*unit(m,j)
    """
    return write(e, STYLE if brackets else PLAIN, share, spelled)
