r"""What the commands of LaTeX mean in the text notation: functions, operators, letters, and what only sets the type."""

from __future__ import annotations

import re

from frechet.notation.latex import GREEK, SUBSCRIPTS, latex_name

OPERATORS = {
    "+": "+", "-": "-", "−": "-", "*": "*", "/": "/", r"\cdot": "*", r"\times": "*", r"\ast": "*", r"\odot": ".*",
    r"\circ": ".*", r"\oslash": "./", r"\otimes": "⊗", r"\div": "/", ":": ":", "⊙": ".*", "∘": ".*", "⊗": "⊗", "·": "*",
    r"\colon": ":", r"\bullet": ":", ".*": ".*", "./": "./", "⊘": "./", "⋅": "*", "×": "*",
}  # fmt: skip
FUNCTIONS = {
    "Tr": "tr", "trace": "tr", "Trace": "tr", "Diag": "diag", "ln": "log", "Re": "re", "Im": "im", "ReLU": "relu",
    "chol": "cholesky", "sgn": "sign", "Det": "det", "Vec": "vec", "sigm": "sigmoid", "lse": "logsumexp", "LSE": "logsumexp",
    "arsinh": "arcsinh", "arcosh": "arccosh", "artanh": "arctanh",
}  # fmt: skip
NAMED_COMMANDS = {
    "det", "exp", "log", "ln", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan", "max", "min",
    "tr", "Tr", "diag", "trace", "vec", "Re", "Im", "sign", "sgn",
}  # fmt: skip
STYLES = {
    r"\mathbf", r"\boldsymbol", r"\mathrm", r"\mathsf", r"\mathit", r"\mathcal", r"\bm", r"\mathbb", r"\text",
    r"\operatorname", r"\textbf", r"\mathtt", r"\symbf", r"\pmb", r"\vec", r"\operatorname*", r"\mathop", r"\textrm",
    r"\textit", r"\mathfrak"
}  # fmt: skip
IGNORED = {
    r"\bf", r"\rm", r"\it", r"\sf", r"\cal", r"\hfill", r"\allowbreak",
    r"\left", r"\right", r"\big", r"\Big", r"\bigl", r"\bigr", r"\Bigl", r"\Bigr", r"\bigg", r"\Bigg", r"\biggl",
    r"\biggr", r"\,", r"\;", r"\:", r"\!", r"\ ", r"\>", r"\quad", r"\qquad", r"\displaystyle", r"\textstyle", r"\limits",
    r"\nolimits", r"\middle", r"\mathstrut", r"\strut", "~", r"\mathbin", r"\mathopen", r"\mathclose", r"\mathrel",
    r"\Biggl", r"\Biggr", r"\scriptstyle", r"\nonumber", "$", r"\(", r"\)", r"\[", r"\]", "&"
}  # fmt: skip
OPEN = {"(": ")", "[": "]", r"\{": r"\}", r"\lbrack": r"\rbrack", r"\lparen": r"\rparen"}
BARS = {r"\|": r"\|", r"\Vert": r"\Vert", r"\lVert": r"\rVert", "‖": "‖", "|": "|", r"\vert": r"\vert", r"\lvert": r"\rvert"}
NORM_BARS = (r"\|", r"\Vert", r"\lVert", "‖")
TRANSPOSES = {
    r"\top", "T", r"\intercal", r"\prime", "t", r"\mathsf{T}", r"\mathrm{T}", r"\text{T}", "⊤", r"\mathtt{T}",
    r"\mathbf{T}", r"\mathit{T}", r"\operatorname{T}", r"\boldsymbol{\top}"
}  # fmt: skip
ADJOINTS = {"H", r"\mathsf{H}", r"\mathrm{H}", r"\ast", "*", r"\text{H}", r"\mathbf{H}", r"\mathit{H}"}
PSEUDO_INVERSES = {"+", r"\dagger", r"\dag"}
GREEK_WORDS = {f"\\{word}": word for word in GREEK.values()} | {r"\ell": "ell"}
GREEK_LETTERS = dict(GREEK)
DECORATION = re.compile(
    r"\\(?:math(?:bf|rm|sf|it|cal|bb|tt)|boldsymbol|bm|text(?:bf|rm|it)?|operatorname)(?![A-Za-z])|[{}\s]|\\_"
)


def key_of(latex: str) -> tuple[str, str]:
    r"""A name in LaTeX without its type: (letters, subscript), so that \mathbf{W}_1 and W_{1} are one.

    >>> key_of(r"\mathbf{W}_{1}"), key_of("x_{\\text{train}}"), key_of("α")
    (('W', '1'), ('x', 'train'), ('alpha', ''))
    """
    plain = DECORATION.sub("", latex.translate(SUBSCRIPTS))
    base, _, below = plain.partition("_")
    return _letters(base), _letters(below.replace("_", ","))


def _letters(text: str) -> str:
    text = "".join(GREEK_LETTERS.get(c, c) for c in text)
    return re.sub(r"\\([A-Za-z]+)", r"\1", text)


def keys_of_name(name: str) -> list[tuple[str, str]]:
    """How a name of the text notation may be typed in LaTeX."""
    found = [key_of(latex_name(name)), (_letters(name), "")]
    if "_" in name:
        base, below = name.split("_", 1)
        found.append((_letters(base), _letters(below.replace("_", ","))))
    return found
