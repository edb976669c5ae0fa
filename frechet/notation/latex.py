r"""LaTeX, as KaTeX and MathJax read it: `2A^{\top} (A x - b)`, `\frac{x}{\lVert x\rVert_{2}}`, `x \odot y`.

A page's `latex` is a template: `{0}`, `{1}` stand for the arguments, `({0})` for an argument in parentheses that
grow with it, and `{p}` for the parameters in braces. A page without one is written `\operatorname{name}(arguments)`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction

from frechet.expressions.dimension import Dim, dim, factored
from frechet.expressions.node import Expr, Number, variables
from frechet.notation.declared_calls import LATEX, written
from frechet.notation.text import TYPED
from frechet.notation.unicode import PLAIN_NUMBER, decimal_parts, dimension_factors
from frechet.notation.writing import ADD, ATOM, INNER, POSTFIX, PRODUCT, RATIO, Piece, Style, Written, arranged, write
from frechet.operations.declared_functions import DeclaredPage

GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ϵ": "epsilon", "ζ": "zeta", "η": "eta", "θ": "theta",
    "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "π": "pi", "ρ": "rho", "σ": "sigma",
    "τ": "tau", "υ": "upsilon", "ϕ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega", "ε": "varepsilon", "φ": "varphi",
    "ϑ": "vartheta", "ϱ": "varrho", "ς": "varsigma", "ϖ": "varpi", "ϰ": "varkappa", "ℓ": "ell",
    "Γ": "Gamma", "Δ": "Delta", "Θ": "Theta", "Λ": "Lambda", "Ξ": "Xi", "Π": "Pi", "Σ": "Sigma", "Υ": "Upsilon",
    "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega",
}  # fmt: skip
# Letters that look like Latin ones have no command.
LATIN = {
    "Alpha": "A", "Beta": "B", "Epsilon": "E", "Zeta": "Z", "Eta": "H", "Iota": "I", "Kappa": "K", "Mu": "M", "Nu": "N",
    "Omicron": "O", "Rho": "P", "Tau": "T", "Chi": "X",
}  # fmt: skip
NAMED = {word: f"\\{word}" for word in GREEK.values()} | {word: rf"\mathrm{{{c}}}" for word, c in LATIN.items()}
NAMED |= {"omicron": "o"}
LETTERS = {c: f"\\{word}" for c, word in GREEK.items()} | {"ο": "o", "µ": r"\mu"}
LETTERS |= {c: NAMED[word] for c, word in zip("ΑΒΕΖΗΙΚΜΝΟΡΤΧ", LATIN, strict=True)}
SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
ENDS_IN_DIGITS = re.compile(r"(.*?[^0-9])([0-9]+)", re.DOTALL)
SMALL_FRACTION = re.compile(r"\\tfrac\{([^{}]*)\}\{([^{}]*)\}")
TALL = re.compile(r"\\[td]?frac|\\left|\\sqrt")
PLACE = re.compile(r"\((?P<inner>\{[0-9]\})\)|\{(?P<index>[0-9])\}|\{p\}")
NORMS = {"norm1": "1", "norm2": ""}


def latex_name(name: str) -> str:
    r"""A name as it is set: `alpha` as \alpha, `W1` as W_{1}, `x_train` with a subscript in upright letters."""
    first, *rest = [part for part in name.translate(SUBSCRIPTS).split("_") if part] or [""]
    ends = ENDS_IN_DIGITS.fullmatch(first)
    below = [] if ends is None else [ends[2]]
    below += [part if part.isdigit() or (len(part) == 1 and part.isascii()) else _upright(part) for part in rest]
    body = _letters(first if ends is None else ends[1]) or r"\_"
    return body + (f"_{{{','.join(below)}}}" if below else "")


def _letters(word: str) -> str:
    if word in NAMED or word in LETTERS:
        return NAMED.get(word) or LETTERS[word]
    if len(word) > 1:
        return rf"\mathit{{{_in_math(word)}}}"
    return _in_math(word)


def _in_math(word: str) -> str:
    """The letters one by one, the Greek ones as commands."""
    return "".join(LETTERS[c] + " " if c in LETTERS else c if c.isascii() else rf"\text{{{c}}}" for c in word)


def _upright(part: str) -> str:
    return NAMED.get(part) or LETTERS.get(part) or rf"\text{{{part}}}"


class LatexWritten(Written):
    def __str__(self) -> str:
        if not self.where:
            return self.text
        parts = r",\quad ".join(f"{name} = {part}" for name, part in self.where.items())
        return rf"{self.text} \quad\text{{where}}\quad {parts}"


class LatexStyle(Style):
    """`taken` are the names of the variables, so that no sign of the notation is mistaken for one of them."""

    sized_zeros = False

    def __init__(self, taken: Collection[str] = ()) -> None:
        self.taken = {latex_name(name) for name in taken}

    def variable(self, name: str) -> Piece:
        return latex_name(name), ATOM

    def symbol(self, node: Expr) -> Piece:
        name, role = node.params[0], node.params[3]
        if role == "differential" and name[0] == "d" and len(name) > 1:
            return rf"\mathrm{{d}}{latex_name(name[1:])}", ATOM
        return self.variable(name)

    def number(self, value: Number) -> Piece:
        sign, level = ("-", ADD) if value < 0 else ("", ATOM)
        if isinstance(value, Fraction):
            return rf"{sign}\tfrac{{{abs(value.numerator)}}}{{{value.denominator}}}", min(level, PRODUCT)
        if isinstance(value, int):
            return f"{sign}{abs(value)}", level
        digits, power = decimal_parts(abs(value))
        if power:
            digits = f"10^{{{power}}}" if digits == "1" else rf"{digits} \cdot 10^{{{power}}}"
        return sign + digits, min(level, PRODUCT if power else ATOM)

    def dimension(self, value: Dim) -> str:
        if "//" in value.text:
            common, inner, below = factored(value)
            return f"{self.dimension(dim({common: 1})) if common else ''}({self.dimension(inner)})/{below}"
        text = ""
        for negative, size, names in dimension_factors(value):
            body = " ".join(latex_name(x) + (f"^{{{k}}}" if k > 1 else "") for x, k in names)
            text += ("-" if negative else "+" if text else "") + (str(size) if size != 1 or not names else "") + body
        return text or "0"

    def parens(self, text: str) -> str:
        return rf"\left({text}\right)" if TALL.search(text) else f"({text})"

    def transpose(self, piece: Piece) -> Piece:
        text, level = piece
        if level == POSTFIX and text.endswith("^{-1}"):
            return text.removesuffix("^{-1}") + r"^{-\top}", POSTFIX
        return self.at_least(piece, ATOM) + r"^{\top}", POSTFIX

    def conjugate(self, piece: Piece) -> Piece:
        return rf"\overline{{{piece[0]}}}", ATOM

    def conjugate_transpose(self, piece: Piece) -> Piece:
        text, level = piece
        if level == POSTFIX and text.endswith("^{-1}"):
            return text.removesuffix("^{-1}") + r"^{-\mathsf{H}}", POSTFIX
        return self.at_least(piece, ATOM) + r"^{\mathsf{H}}", POSTFIX

    def power(self, base: Piece, exponent: Piece, elementwise: bool) -> Piece:
        above = SMALL_FRACTION.sub(r"\1/\2", exponent[0])
        if elementwise:
            above = r"\odot " + (above if exponent[1] == ATOM or above[0].isdigit() else self.parens(above))
        return f"{self.at_least(base, ATOM)}^{{{above}}}", POSTFIX

    def root(self, base: Piece) -> Piece:
        return rf"\sqrt{{{base[0]}}}", ATOM

    def entrywise_root(self, base: Piece) -> Piece:
        return self.power(base, ("1/2", RATIO), True)

    def inverse(self, base: Piece, exponent: int) -> Piece:
        return f"{self.at_least(base, ATOM)}^{{{exponent}}}", POSTFIX

    def product(self, factors: Sequence[Piece]) -> Piece:
        text = last = ""
        for piece in factors:
            factor = self.at_least(piece, PRODUCT)
            if text:
                number = PLAIN_NUMBER.fullmatch(last)
                numbers = number and (factor[0].isdigit() or factor.startswith((r"\mathbf{1}", r"\tfrac")))
                thin = last.startswith(r"\mathrm{d}") or factor.startswith(r"\mathrm{d}")
                text += r" \cdot " if numbers else r" \, " if thin else "" if number and factor[0] != "\\" else " "
            text, last = text + factor, factor
        return text, PRODUCT

    def hadamard(self, factors: Sequence[Piece]) -> Piece:
        return r" \odot ".join(self.at_least(f, POSTFIX) for f in factors), RATIO

    def fraction(self, above: Piece, below: Piece, elementwise: bool) -> Piece:
        if elementwise:
            top = above[0] if above[1] == RATIO else self.at_least(above, POSTFIX)
            return rf"{top} \oslash {self.at_least(below, POSTFIX)}", RATIO
        top, bottom = _bare(above[0]), _bare(below[0])
        numeric = PLAIN_NUMBER.fullmatch(top) and PLAIN_NUMBER.fullmatch(bottom)
        return rf"\{'tfrac' if numeric else 'frac'}{{{top}}}{{{bottom}}}", PRODUCT

    def call(self, node: Expr, args: Sequence[Piece]) -> Piece:
        op = node.op
        if isinstance(op, DeclaredPage):
            return written(node, latex_name(op.called(node)), [a[0] for a in args], self.parens, LATEX), ATOM
        spelled = [self.dimension(p) if isinstance(p, Dim) else self._plain(p) for p in node.params]
        if op.name == "einsum":
            return self.contraction(node, args)
        if op.name == "powm":
            return self.power(args[0], args[1], False)
        if op.name == "kron":
            return r" \otimes ".join(self.at_least(a, POSTFIX) for a in args), RATIO
        if op.name == "sum" and len(node.args[0].shape) > 2:
            return rf"{_operator('sum')}{self.parens(args[0][0])}", ATOM
        if op.name == "sum":
            one = (r"\mathbf{1}^{\top}", POSTFIX)
            ones = [(r"\mathbf{1}", ATOM)] if node.args[0].kind == "matrix" else []
            return self.product([one, *args, *ones])[0], INNER
        if op.name == "pinv":
            return self.at_least(args[0], ATOM) + "^{+}", POSTFIX
        if op.name == "sigmoid" and r"\sigma" in self.taken:
            return rf"\operatorname{{sigmoid}}{self.parens(args[0][0])}", ATOM
        if op.name == "norm2":
            index = "F" if node.args[0].kind in ("matrix", "tensor") else "2"
            return self._filled(op.latex, args, "") + f"_{{{index}}}", ATOM
        if op.latex:
            text = self._filled(op.latex, args, ", ".join(spelled))
            return text, POSTFIX if op.latex.startswith(r"\log") and op.name != "log" else ATOM
        inside = arranged(op, [a[0] for a in args], spelled)
        return rf"{_operator(TYPED.get(op.name, op.typed_as or op.name))}{self.parens(', '.join(inside))}", ATOM

    def _plain(self, value: object) -> str:
        """A parameter; a fraction on one line."""
        if isinstance(value, (int, float, Fraction)):
            return SMALL_FRACTION.sub(r"\1/\2", self.number(value)[0])
        return _upright(str(value).replace("_", r"\_"))

    def _filled(self, template: str, args: Sequence[Piece], params: str) -> str:
        def part(place: re.Match[str]) -> str:
            if place["inner"] is not None:
                return self.parens(args[int(place["inner"][1])][0])
            if place["index"] is None:
                return f"{{{params}}}"
            i = int(place["index"])
            return args[i][0] if i < len(args) else place[0]  # a digit in braces, as in \mathbf{1}

        if any(TALL.search(a[0]) for a in args):
            for bar in ("vert", "Vert"):
                template = template.replace(rf"\l{bar}", rf"\left\l{bar}").replace(rf"\r{bar}", rf"\right\r{bar}")
        return PLACE.sub(part, template)

    def indexed(self, piece: Piece, letters: str) -> str:
        text, level = piece
        plain = level == ATOM and re.fullmatch(r"\\?[A-Za-z]+|\\mathbf\{1\}", text)
        return (text if plain else self.parens(text)) + f"_{{{letters}}}"

    def delta(self, letters: str) -> str:
        return rf"\delta_{{{letters}}}"

    def summation(self, body: str, letters: str) -> str:
        return rf"\sum_{{{letters}}} {body}" if letters else body

    def bracketed(self, body: str, letters: str) -> str:
        return rf"\left[{body}\right]_{{{letters}}}"

    def constant(self, node: Expr) -> Piece:
        op = node.op
        if op.name == "selection":
            columns = ":".join(map(self.dimension, node.params))
            return rf"(I_{{{self.dimension(node.shape[0])}}})_{{:,{columns}}}", POSTFIX
        params = ",".join(self.dimension(p) if isinstance(p, Dim) else self._plain(p) for p in node.params)
        text = self._filled(op.latex, (), params) if op.latex else _operator(op.name)
        if op.name == "eye" and text in self.taken:
            text += f"_{{{self.dimension(node.shape[0])}}}"
        if op.name == "unit" and text in self.taken:
            text = rf"\mathbf{{e}}_{{{params}}}"
        return text, ATOM

    def entry(self, base: Piece, inside: Sequence[str]) -> Piece:
        body = self.at_least(base, ATOM)
        return f"{f'{{{body}}}' if '_' in body and body[-1] == '}' else body}_{{{','.join(inside)}}}", ATOM

    def blocks(self, rows: Sequence[Sequence[str]]) -> Piece:
        return r"\begin{bmatrix} " + r" \\ ".join(" & ".join(row) for row in rows) + r" \end{bmatrix}", ATOM


def _bare(text: str) -> str:
    """The text without parentheses around the whole of it."""
    start, end = (r"\left(", r"\right)") if text.startswith(r"\left(") else ("(", ")")
    if not (text.startswith(start) and text.endswith(end)):
        return text
    depth = 0
    for place, c in enumerate(text):
        depth += (c == "(") - (c == ")")
        if depth == 0 and c == ")" and place < len(text) - 1:
            return text
    return text.removeprefix(start).removesuffix(end)


def _operator(name: str) -> str:
    return rf"\operatorname{{{name.replace('_', chr(92) + '_')}}}"


def write_latex(e: Expr, share: bool = True, spelled: Mapping[Expr, Piece] | None = None) -> Written:
    """The expression in LaTeX, for math mode; parts shared in a large expression are named in `where`."""
    written = write(e, LatexStyle({v.params[0] for v in variables(e)}), share, spelled)
    return LatexWritten(written.text, written.where, written.level)
