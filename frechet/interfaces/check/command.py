"""`frechet check FORMULA VARIABLE --answer ANSWER`: is the answer right, and if not, which mistake is it?"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from frechet.expressions.errors import FrechetError, NotationError
from frechet.interfaces.command_line import (
    ANSWERED,
    BAD_INPUT,
    add_convention,
    add_declare,
    exit_code,
    formatter,
    parsed,
    read_formula,
    typed,
    usual_style,
)

if TYPE_CHECKING:
    from frechet.interfaces.document import Document

NOT_RIGHT = 1
FORMS = ("gradient", "jacobian", "hessian", "differential", "riemannian")

EPILOG = """\
examples:
  frechet check "x'*A*x" x --answer "2*A*x"                   right only if A is symmetric
  frechet check "tr(A*X)" X --answer "A"                      right, in the other layout
  frechet check "norm2(A*X-B)^2" X --answer "2*tr((A*X-B)'*A*dX)"   an answer with dX is taken for a differential
  frechet check "norm2(A*x-b)^2" x --answer "2A^\\top(Ax-b)"   LaTeX is recognized
  frechet check "x'*A*x" x --order 2 --answer "A + A'"        a Hessian
  frechet check "tr(A*B)" --equals "tr(B*A)"                  two formulas

An answer may use the names and sizes of the function, I for the identity matrix and dX for the differential of X.
exit codes: 0 right, in either layout; 1 not right; 2 bad input, also an answer that does not read or uses other names;
3 no rule for an operation of the function
"""


def _parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(
        prog="frechet check",
        description="Checks a derivative that you have: says whether it is right, in which layout, or which mistake it is.",
        epilog=EPILOG,
        formatter_class=formatter,
    )
    p.add_argument("formula", help="the function, in the text notation; - reads it from standard input")
    p.add_argument("variable", nargs="?", help="the variable of the derivative; may be left out if there is only one")
    given = p.add_mutually_exclusive_group(required=True)
    given.add_argument("--answer", help="your derivative, as text notation or LaTeX")
    given.add_argument("--equals", metavar="FORMULA", help="another formula that should be equal to the first")
    p.add_argument(
        "--form", choices=FORMS, help="what the answer is (default: the gradient of a scalar function, or the Jacobian)"
    )
    p.add_argument("--order", type=int, choices=(1, 2), default=1, help="2: the answer is a Hessian")
    add_declare(p)
    add_convention(p)
    p.add_argument("--json", action="store_true", help="one JSON object")
    p.add_argument("--text", action="store_true", help="formulas in the text notation, which reads back")
    p.add_argument("--no-check", action="store_true", help="skip the numeric check of the derivative itself")
    return p


def run(arguments: Sequence[str], show: Callable[[Document], None] | None = None) -> int:
    """Runs the command; returns the exit code. The page goes to `show`, where it is given and no style is asked for."""
    o = parsed(_parser(), arguments)
    if not o.json:
        return _answered(o, None if o.text else show)
    try:
        return _answered(o)
    except FrechetError as error:
        said: dict[str, object] = {"kind": error.kind, "message": error.message}
        if error.position is not None:
            said |= {"position": error.position, "end": error.end, "text": error.text}
        print(json.dumps({"ok": False, "error": said}, ensure_ascii=False))
        return exit_code(error)


def _answered(o: argparse.Namespace, show: Callable[[Document], None] | None = None) -> int:
    from frechet.interfaces.check.checking import check_equal, check_reading
    from frechet.notation.reading import read

    text = read_formula(o.formula)
    if o.equals is not None:
        if o.variable is not None:
            raise NotationError(f"--equals compares two formulas and takes no variable, but {o.variable} is given")
        found = check_equal(text, typed(o.equals), o.declare)
    else:
        reading = read(text, o.declare, wrt=o.variable)
        name = o.variable or reading.sole_variable()
        found = check_reading(reading, name, typed(o.answer), o.declare, text, o.form, o.order, not o.no_check, o.convention)
    if o.json:
        print(json.dumps(found.data(), ensure_ascii=False))
    elif show is not None:
        show(found.document())
    else:
        from frechet.interfaces.rendering import render

        plain = o.text or usual_style() == "text"
        print(render(found.document(), "text" if plain else "terminal").strip("\n"))
    return ANSWERED if found else BAD_INPUT if found.unread else NOT_RIGHT
