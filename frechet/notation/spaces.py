"""Where a function lives: `ℝ^{p×q}`, `symmetric n×n`, and the line `g : ℝ^{p×q} → ℝ,  g(X) = tr(A X B)`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Literal

from frechet.expressions.dimension import SCALAR, UNIT, Shape, kind
from frechet.expressions.function import Function
from frechet.expressions.node import Expr
from frechet.notation.declared_calls import derivative_name
from frechet.notation.writing import Style, Written

Notation = Literal["text", "unicode", "latex"]


def writer(notation: Notation) -> Callable[..., Written]:
    """The function that writes expressions in a notation; only that notation's module is imported."""
    if notation == "latex":
        from frechet.notation.latex import write_latex

        return write_latex
    if notation == "unicode":
        from frechet.notation.unicode import write_unicode

        return write_unicode
    from frechet.notation.text import write_text

    return write_text


def _style(notation: Notation) -> Style:
    if notation == "latex":
        from frechet.notation.latex import LatexStyle

        return LatexStyle()
    if notation == "unicode":
        from frechet.notation.unicode import UnicodeStyle

        return UnicodeStyle()
    from frechet.notation.text import TextStyle

    return TextStyle()


# The structures that are sets of their own, the narrowest first.
WORDS = {
    "spd": "positive definite", "psd": "positive semi-definite", "diagonal": "diagonal", "symmetric": "symmetric",
    "skew": "skew-symmetric", "orthogonal": "orthogonal", "lower": "lower triangular", "upper": "upper triangular",
    "toeplitz": "Toeplitz", "hermitian": "Hermitian",
}  # fmt: skip


def show_space(shape: Shape, style: Notation = "unicode", structure: Collection[str] = ()) -> str:
    r"""The space of all arrays of a shape; a structure is named in words.

    >>> from frechet.expressions.dimension import SCALAR, dim
    >>> p, q = dim("p"), dim("q")
    >>> show_space(SCALAR), show_space((p, UNIT)), show_space((p, q)), show_space((p, p), structure=["symmetric"])
    ('ℝ', 'ℝ^p', 'ℝ^{p×q}', 'symmetric p×p')
    >>> show_space((p, q), "text"), show_space((p, q), "latex")
    ('R^{p×q}', '\\mathbb{R}^{p \\times q}')
    """
    word = next((words for name, words in WORDS.items() if name in structure), None)
    if word is not None and "complex" in structure and word != "Hermitian":
        word = f"Hermitian {word}" if "hermitian" in structure else f"complex {word}"
    if word is not None:
        return rf"\text{{{word} }} {_size(shape, style)}" if style == "latex" else f"{word} {_size(shape, style)}"
    letter, double = ("C", "ℂ") if "complex" in structure else ("R", "ℝ")
    reals = {"text": letter, "unicode": double, "latex": rf"\mathbb{{{letter}}}"}[style]
    if kind(shape) == "scalar":
        return reals
    size = _size(shape, style)
    if style == "unicode" and size.isdigit():
        from frechet.notation.unicode import SUPERSCRIPTS

        return reals + size.translate(SUPERSCRIPTS)
    return f"{reals}^{size}" if len(size) == 1 else f"{reals}^{{{size}}}"


def _size(shape: Shape, style: Notation) -> str:
    """n, or n×m; a row is 1×n."""
    if shape[1] is UNIT:
        return _style(style).dimension(shape[0])
    sizes = [_style(style).dimension(d) for d in shape]
    sizes = [f"({size})" if len(d.terms) > 1 else size for d, size in zip(shape, sizes, strict=True)]
    return (r" \times " if style == "latex" else "×").join(sizes)


def function_line(f: Function, order: int = 1, style: Notation = "unicode") -> str:
    """What a declared function is, and what its derivatives are called.

    >>> function_line(Function("f", None, None, ("convex",)))
    'f : ℝ → ℝ convex, applied to every entry; its derivative is f′'
    >>> from frechet.expressions.dimension import SCALAR, dim
    >>> function_line(Function("g", (dim("n"), UNIT), SCALAR), 2, "text")
    'g : R^n → R; its gradient is g_grad, its Hessian g_hess'
    """
    inner, outer = f.domain or SCALAR, f.codomain or SCALAR
    label, arrow = _style(style).variable(f.name)[0], r"\to" if style == "latex" else "→"
    words = f" {', '.join(f.words)}" if f.words else ""
    line = f"{label} : {show_space(inner, style)} {arrow} {show_space(outer, style)}{words}"
    if f.domain is None:
        line += ", applied to every entry"
    names = [derivative_name(f, view, style) for view in f.views()]
    if f.of_numbers:
        return f"{line}; its derivative is {names[1]}" + (f", the second {names[2]}" if order > 1 else "")
    if f.codomain == SCALAR:
        return f"{line}; its gradient is {names[1]}" + (f", its Hessian {names[2]}" if order > 1 else "")
    line += f"; its Jacobian is {names[1]}, {_size((inner[0] * inner[1], outer[0] * outer[1])[::-1], style)}"
    if order < 2 or len(names) < 3:
        return line
    call = f"{names[2]}(x,w)" if style == "text" else f"{names[2]}(x)[w]"
    return f"{line}; {call} is the Hessian of w'{label}(x), w held fixed"


def signature_line(name: str, variable: Expr, expression: Expr, style: Notation = "unicode") -> str:
    """The function as a mathematician introduces it, from where to where, and what it does.

    >>> from frechet.expressions.dimension import dim
    >>> from frechet.operations.constants import variable
    >>> x = variable("x", (dim("n"), UNIT))
    >>> signature_line("g", x, x)
    'g : ℝ^n → ℝ^n,  g(x) = x'
    """
    label, argument = _style(style).variable(name)[0], _style(style).symbol(variable)[0]
    domain, range_ = (
        show_space(variable.shape, style, variable.params[1]),
        show_space(expression.shape, style, () if expression.real else ("complex",)),
    )
    arrow, gap = (r"\to", r",\quad ") if style == "latex" else ("→", ",  ")
    return f"{label} : {domain} {arrow} {range_}{gap}{label}({argument}) = {writer(style)(expression)}"
