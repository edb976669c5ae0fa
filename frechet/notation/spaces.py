"""Where a function lives: `ℝ^{p×q}`, `symmetric n×n`, and the line `g : ℝ^{p×q} → ℝ,  g(X) = tr(A X B)`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Literal

from frechet.expressions.dimension import SCALAR, UNIT, Shape, kind, show_dimension, show_shape
from frechet.expressions.function import Function, View
from frechet.expressions.node import Expr
from frechet.expressions.space import STRUCTURES, bases, dimension, mask_name, rank, space_names
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


def style_of(notation: Notation) -> Style:
    """How pieces are put together in a notation; only that notation's module is imported."""
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
    "circulant": "circulant", "toeplitz": "Toeplitz", "hankel": "Hankel", "hermitian": "Hermitian",
    "traceless": "traceless", "centered": "centered", "sphere": "unit", "sparse": "sparse",
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
    word = next((words for name, words in WORDS.items() if name in bases(structure)), None)
    r = rank(structure)
    if r is not None:
        word = f"rank-{r}"
    if word == "orthogonal" and "complex" in structure:
        word = "unitary"
    elif word is not None and "complex" in structure and word != "Hermitian":
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
        return style_of(style).dimension(shape[0])
    sizes = [style_of(style).dimension(d) for d in shape]
    sizes = [f"({size})" if len(d.terms) > 1 else size for d, size in zip(shape, sizes, strict=True)]
    return (r" \times " if style == "latex" else "×").join(sizes)


def function_line(f: Function, views: Collection[View], style: Notation = "unicode") -> str:
    """What a declared function is, and what those of its derivatives are called that occur.

    >>> function_line(Function("f", None, None, ("convex",)), [0, 1])
    'f : ℝ → ℝ convex, applied to every entry; its derivative is f′'
    >>> from frechet.expressions.dimension import SCALAR, dim
    >>> function_line(Function("g", (dim("n"), UNIT), SCALAR), ["grad", "hess"], "text")
    'g : R^n → R; its gradient is g_grad; its Hessian is g_hess'
    """
    label, arrow = style_of(style).variable(f.name)[0], r"\to" if style == "latex" else "→"
    spaces = [show_space(shape or SCALAR, style) for shape in (f.domain, f.codomain)]
    parts = [f"{label} : {spaces[0]} {arrow} {spaces[1]}{' ' if f.words else ''}{', '.join(f.words)}"]
    if f.domain is None:
        parts[0] += ", applied to every entry"
    for view in f.views()[1:]:
        if view in views:
            parts.append(_derivative(f, view, label, style))
    return "; ".join(parts)


def _derivative(f: Function, view: View, label: str, style: Notation) -> str:
    """A derivative of a declared function, in words."""
    name = derivative_name(f, view, style)
    if view == "jacobian":
        assert f.domain is not None and f.codomain is not None
        size = _size((f.codomain[0] * f.codomain[1], f.domain[0] * f.domain[1]), style)
        return f"its Jacobian is {name}, {size}"
    if view == "second":
        call = f"{name}(x,u,v)" if style == "text" else f"{name}(x)[u, v]"
        return f"its second derivative is {call}, linear in u and in v"
    if view == "hess" and f.codomain != SCALAR:
        call = f"{name}(x,w)" if style == "text" else f"{name}(x)[w]"
        return f"{call} is the Hessian of w'{label}(x), w held fixed"
    order = {1: "", 2: "second "}.get(view, f"{view}th ") if isinstance(view, int) else ""
    what = {"grad": "gradient", "hess": "Hessian"}.get(str(view), "derivative")
    return f"its {order.replace('3th', 'third')}{what} is {name}"


def gradient_space(x: Expr) -> str | None:
    """Where a gradient with respect to a structured variable lives, with the dimension; None for one without structure.

    >>> from frechet.expressions.dimension import dim
    >>> from frechet.operations.constants import variable
    >>> gradient_space(variable("S", (dim("n"), dim("n")), ["spd"]))
    'the space of symmetric n×n matrices, dimension n(n+1)/2'
    """
    name, words, domain, _ = x.params
    names = space_names(words, domain)
    if not names:
        return None
    size, one, mask, r = show_shape(x.shape), names[0], mask_name(words), rank(words)
    if one == "orthogonal":
        kinds = "complex " if "complex" in words else ""
        place = f"the tangent space at {name} of the {kinds}{size} matrices with orthonormal columns"
        if x.shape[0] is x.shape[1]:
            place = f"the tangent space at {name} of the {'unitary' if kinds else 'orthogonal'} {size} matrices"
    elif one == "sphere":
        place = f"the tangent space at {name} of the unit sphere, the V with ⟨{name},V⟩ = 0"
    elif r is not None:
        place = f"the tangent space at {name} of the {size} matrices of rank {r}"
    elif "simplex" in names:
        place = f"the tangent space of the simplex, the {size}-vectors whose entries add up to 0"
    elif "centered" in names:
        place = f"the space of {size}-vectors whose entries add up to 0"
    else:
        kinds = "complex " if "complex" in words and one != "hermitian" else ""
        kinds += " ".join(STRUCTURES[each].words for each in names if each != "sparse")
        place = f"the space of {kinds + ' ' if kinds else ''}{size} matrices"
        if mask is not None:
            place += f" that are 0 where {mask} is 0"
    d = dimension(words, domain, x.shape)
    count = show_dimension(d) if d is not None else f"sum({mask})" if mask is not None and len(names) == 1 else None
    real = "real " if "complex" in words else ""
    return f"{place}, {real}dimension {count}" if count is not None else place


# Variables that move in a part of their space: the probabilities, the positive numbers and arrays.
POSITIVE: dict[str, dict[str, str]] = {
    "simplex": {
        "unicode": "{0} > 0, Σ {0}ᵢ = 1",
        "text": "{0} > 0, sum({0}) = 1",
        "latex": r"{0} > 0, \textstyle\sum {0}_i = 1",
    },
    "positive": {"unicode": "{0} > 0", "text": "{0} > 0", "latex": "{0} > 0"},
}  # fmt: skip


def signature_line(name: str, variable: Expr, expression: Expr, style: Notation = "unicode") -> str:
    """The function as a mathematician introduces it, from where to where, and what it does.

    >>> from frechet.expressions.dimension import dim
    >>> from frechet.operations.constants import variable
    >>> x = variable("x", (dim("n"), UNIT))
    >>> signature_line("g", x, x)
    'g : ℝ^n → ℝ^n,  g(x) = x'
    """
    label, argument = style_of(style).variable(name)[0], style_of(style).symbol(variable)[0]
    domain, range_ = (
        show_space(variable.shape, style, variable.params[1]),
        show_space(expression.shape, style, () if expression.real else ("complex",)),
    )
    within = POSITIVE.get(variable.params[2], {}).get(style)
    if within is not None and not variable.params[1]:
        such, colon, left, right = (r"\in", ":", r"\{", r"\}") if style == "latex" else ("∈", ":", "{", "}")
        if style == "text":
            such = "in"
        domain = f"{left}{argument} {such} {domain} {colon} {within.format(argument)}{right}"
    arrow, gap = (r"\to", r",\quad ") if style == "latex" else ("→", ",  ")
    return f"{label} : {domain} {arrow} {range_}{gap}{label}({argument}) = {writer(style)(expression)}"
