"""The command `frechet stationary FORMULA VARIABLE`: where the gradient is 0, by formula."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from frechet.expressions.errors import NotationError
from frechet.interfaces.command_line import ANSWERED, add_declare, add_styles, formatter, parsed, read_formula, usual_style

if TYPE_CHECKING:
    from frechet.interfaces.document import Document

EPILOG = """\
examples:
  frechet stationary "norm2(X*w - y)^2" w                       the normal equations and their solution
  frechet stationary "a/2*logdet(S) + tr(inv(S)*C)/2" S --declare "S: spd" --declare "C: spd" --declare "a: positive"
  frechet stationary "norm2(A*X + X*B - C)^2" X --latex         a Sylvester equation
  frechet stationary "x'*A*x - 2*h'*x" x --numpy                the point as a NumPy function
The gradient must be linear in the variable, perhaps after multiplying through. The point is shown after the gradient was
found to be 0 there in numbers.
exit codes: 0 answered, 1 the numeric check failed, 2 bad input, 3 the gradient is not linear in the variable
"""
STYLES = {
    "unicode": "mathematical signs (the default)", "text": "plain signs, as in the text notation", "latex": "LaTeX",
    "markdown": "Markdown", "html": "a page of HTML", "json": "one JSON object", "numpy": "the point as a NumPy function",
}  # fmt: skip
FORMATS = {"unicode": "terminal", "text": "text", "latex": "latex", "markdown": "markdown", "html": "html"}


def _parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(
        prog="frechet stationary",
        description="The point where the gradient of a scalar function is 0, by formula, with its conditions.",
        epilog=EPILOG,
        formatter_class=formatter,
    )
    p.add_argument("formula", help="the function, in the text notation; - reads it from standard input")
    p.add_argument("variable", nargs="?", help="the variable to solve for; may be left out if there is only one")
    add_declare(p)
    add_styles(p, STYLES)
    return p


def run(arguments: Sequence[str], show: Callable[[Document], None] | None = None) -> int:
    """Runs the command; returns the exit code. The page goes to `show`, where it is given and no style is asked for."""
    o = parsed(_parser(), arguments)
    from frechet.interfaces.stationary.point import stationary_point
    from frechet.notation.reading import read

    reading = read(read_formula(o.formula), o.declare, wrt=o.variable)
    name = reading.sole_variable("solve for") if o.variable is None else o.variable
    if name not in reading.variables:
        raise NotationError(f"{name!r} is no variable of the formula, whose variables are {', '.join(reading.variables)}")
    point = stationary_point(reading.expression, reading.variables[name])
    style = o.style or usual_style()
    if style == "json":
        print(json.dumps(dict(point.document().data), ensure_ascii=False))
    elif style == "numpy":
        from frechet.compilation.numpy_source import numpy_source

        others = [v for v in reading.variables.values() if v is not point.variable]
        print(numpy_source(point.point, "stationary", others).rstrip("\n"))
    elif show is not None and o.style is None:
        show(point.document())
    else:
        from frechet.interfaces.rendering import render

        print(render(point.document(), FORMATS[style]).rstrip("\n"))  # type: ignore[arg-type]
    return ANSWERED
