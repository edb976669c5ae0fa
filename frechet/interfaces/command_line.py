"""The command line: `frechet FORMULA VARIABLE`, `frechet batch`, `frechet operations`.

Exit codes: 0 answered, 1 the numeric check failed, 2 bad input, 3 no rule for an operation.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from frechet.expressions.errors import CheckFailed, FrechetError, NotationError, UnsupportedError

if TYPE_CHECKING:
    from frechet.interfaces.document import Document
    from frechet.interfaces.page import Page
    from frechet.notation.reading import Reading

ANSWERED, CHECK_FAILED, BAD_INPUT, NO_RULE = 0, 1, 2, 3
INPUT_LIMIT = 1_000_000  # bytes read from standard input

EPILOG = """\
examples:
  frechet "tr(A*X*B)" X                            the whole page: differential, gradient, partials, linearization
  frechet "norm2(X*w-y)^2 + c*norm2(w)^2" w --order 2
  frechet "logdet(S) + tr(A*inv(S))" S --declare "S: n×n spd" --declare "A: n×n symmetric"
  frechet "tr(A*X*B)" X --form components          Σ (∂g/∂xᵢⱼ) dxᵢⱼ
  frechet "sum(f(X*w))" w --declare "f: elementwise"   a function of which no more is known: its derivative is f'
  frechet "A*X*B" X --form jacobian --latex
  frechet "softmax(W*x)'*y" W --numpy > gradient.py
  echo "x'*A*x" | frechet - x --text
  frechet batch < problems.jsonl > answers.jsonl
  frechet "norm2(A*X-B)^2" X --steps               the derivation; --level short|normal|all, --notation trace|inner|…
  frechet check "x'*A*x" x --answer "2*A*x"        is my answer right, and if not, which mistake is it?
  frechet linearize "tr(A*X*B)" X                  the affine map with the same value and derivative at X0
  frechet backprop network.frechet --batch rows    values, cotangents, gradients and costs of a network
  frechet stationary "norm2(X*w - y)^2" w          where the gradient is 0, by formula, with its conditions
  frechet operations                               every operation with its rule and source
  frechet operations det                           one of them

notation: * product, .* element-wise, ' transpose, X^-1 or inv(X), ./ .^ element-wise; a…g are scalars, h…z vectors,
A…Z matrices unless declared; several lines are definitions followed by the function.
exit codes: 0 answered, 1 the numeric check failed, 2 bad input, 3 no rule for an operation
"""

# Further commands: the module of this package whose run(arguments) gives the exit code.
COMMANDS = {
    "backprop": "backprop.command", "check": "check.command", "linearize": "linearize.command",
    "stationary": "stationary.command",
}  # fmt: skip
CONVENTIONS = ("riesz", "holomorphic", "wirtinger", "wirtinger-conj")
LEVELS = ("short", "normal", "all")
INNER_PRODUCTS = ("trace", "colon", "inner", "index", "vec")
FORMS = ("gradient", "jacobian", "hessian", "differential", "linearization", "components", "vec", "riemannian", "free")
STYLES = {
    "unicode": "mathematical signs (the default)", "text": "the text notation, which reads back", "latex": "LaTeX",
    "json": "one JSON object, as batch prints", "markdown": "with --steps: Markdown",
    "html": "with --steps: a page for the browser", "numpy": "a NumPy function",
}  # fmt: skip
METRICS = ("euclidean", "affine-invariant", "bures-wasserstein", "canonical", "fisher")


def formatter(prog: str) -> argparse.HelpFormatter:
    # A fixed width: asking the terminal for its own imports shutil and the compressors, at every start.
    return argparse.RawDescriptionHelpFormatter(prog, width=110)


def answer_parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(
        prog="frechet",
        description="Derivatives with respect to matrices: closed forms with shapes and conditions, checked numerically.",
        epilog=EPILOG,
        formatter_class=formatter,
    )
    p.add_argument("formula", help="the function, in the text notation; - reads it from standard input")
    p.add_argument("variable", nargs="?", help="differentiate with respect to this; may be left out if there is only one")
    p.add_argument("--order", type=int, choices=(1, 2), default=1, help="2 adds the Hessian")
    p.add_argument("--form", choices=FORMS, help="print one view only")
    p.add_argument(
        "--layout", choices=("numerator", "denominator"), help="print the partial derivatives in this layout only"
    )
    p.add_argument("--metric", choices=METRICS, help="of --form riemannian; by default the first that the space has")
    add_declare(p)
    add_convention(p)
    p.add_argument("--steps", action="store_true", help="the derivation, step by step, with what it means")
    p.add_argument(
        "--level", choices=LEVELS, help="of --steps: the lines of a paper, of a textbook, or every rule (default: normal)"
    )
    p.add_argument("--notation", choices=INNER_PRODUCTS, help="of --steps: how inner products are written (default: trace)")
    add_styles(p, STYLES)
    p.add_argument("--no-check", action="store_true", help="skip the numeric check")
    p.add_argument("--version", action="version", version=_version())
    return p


def add_declare(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--declare",
        action="append",
        default=[],
        metavar='"X: n×m symmetric"',
        help='declare a variable, or a function as in "f: elementwise"; repeatable',
    )


def add_convention(p: argparse.ArgumentParser) -> None:
    p.add_argument("--convention", choices=CONVENTIONS, help="what a derivative by a complex variable is (default: fitting)")


def add_styles(p: argparse.ArgumentParser, styles: Mapping[str, str]) -> None:
    """An option for each style with its help; at most one of them is given, as `style`."""
    group = p.add_mutually_exclusive_group()
    for name, words in styles.items():
        group.add_argument(f"--{name}", dest="style", action="store_const", const=name, help=words)


def usual_style() -> str:
    """The style where none is asked for: mathematical signs where standard output can show them."""
    signs = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().startswith("utf")
    return "unicode" if signs else "text"


def _version() -> str:
    import frechet

    return f"frechet {frechet.__version__}"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        if arguments[:1] == ["batch"]:
            return _batch(arguments[1:])
        if arguments[:1] == ["operations"]:
            return _operations(arguments[1:])
        if arguments and arguments[0] in COMMANDS:
            command = import_module(f"frechet.interfaces.{COMMANDS[arguments[0]]}")
            code: int = command.run(arguments[1:])
            return code
        return _answer(parsed(answer_parser(), arguments))
    except BrokenPipeError:
        # the reader of our output went away, as `head` does
        sys.stderr.close()
        return ANSWERED
    except FrechetError as error:
        print(error.pointed(), file=sys.stderr)
        return exit_code(error)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return BAD_INPUT


def exit_code(error: FrechetError) -> int:
    return CHECK_FAILED if isinstance(error, CheckFailed) else NO_RULE if isinstance(error, UnsupportedError) else BAD_INPUT


def parsed(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> argparse.Namespace:
    """The options; formulas may begin with a minus, which argparse would take for an option."""
    options = {s for a in parser._actions for s in a.option_strings}
    plain = [" " + a if a[:1] == "-" and a not in ("-", "--") and a.split("=")[0] not in options else a for a in arguments]
    return parser.parse_intermixed_args(plain)


def typed(formula: str) -> str:
    """A formula as typed: without the space that `parsed` puts before a minus."""
    return formula[1:] if formula.startswith(" -") else formula


def read_formula(given: str) -> str:
    if given != "-":
        if any("\udc80" <= c <= "\udcff" for c in given):
            raise NotationError("the formula is not UTF-8 text")
        return typed(given)
    raw = sys.stdin.buffer.read(INPUT_LIMIT + 1)
    if len(raw) > INPUT_LIMIT:
        raise NotationError(f"standard input is longer than {INPUT_LIMIT} bytes")
    try:
        return raw.decode().removeprefix("\ufeff").strip("\n")  # some editors put a byte order mark before the text
    except UnicodeDecodeError as error:
        raise NotationError(f"standard input is not UTF-8 text: byte {error.start} is 0x{raw[error.start]:02x}") from None


def question(o: argparse.Namespace) -> tuple[Reading, str]:
    """The formula as it was read, and the name of the variable."""
    from frechet.notation.reading import read

    reading = read(read_formula(o.formula), o.declare, wrt=o.variable)
    return reading, reading.sole_variable() if o.variable is None else o.variable


def _answer(o: argparse.Namespace) -> int:
    style: Any = o.style or usual_style()
    if o.steps:
        from frechet.interfaces.rendering import show

        options = {"unicode": {"why": o.level == "all"}, "text": {"why": o.level == "all"}, "html": {"standalone": True}}
        show(explanation(o), "terminal" if style == "unicode" else style, **options.get(style, {}))
        return ANSWERED
    if o.level or o.notation or style in ("markdown", "html"):
        raise NotationError("--level, --notation, --markdown and --html belong to --steps")
    print(_page(o, style).render(o.form, o.layout))
    return ANSWERED


def _page(o: argparse.Namespace, style: str = "unicode") -> Page:
    from frechet.interfaces.page import Page

    reading, name = question(o)
    options = {"convention": o.convention, "metric": o.metric}
    return Page(reading, name, style=style, order=o.order, check=not o.no_check, **options)


def explanation(o: argparse.Namespace) -> Document:
    """The derivation that the options ask for."""
    from frechet.interfaces.steps.page import StepsPage

    if o.form or o.layout or o.style == "numpy":
        raise NotationError("--steps explains the whole derivative: leave out --form, --layout and --numpy")
    page = _page(o)
    return StepsPage(page, o.level or "normal", o.notation or "trace", True if o.style == "html" else None).document()


def _batch(arguments: Sequence[str]) -> int:
    p = argparse.ArgumentParser(
        prog="frechet batch",
        description="JSON lines in on standard input, one JSON line out for each: the format is in docs/batch.md.",
    )
    p.add_argument("file", nargs="?", default="-", help="read from this file instead of standard input")
    p.add_argument("--no-check", action="store_true", help="skip the numeric checks")
    o = p.parse_args(arguments)
    from frechet.interfaces.batch import run

    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8")
    if o.file == "-":
        run(_decoded(sys.stdin.buffer), sys.stdout, not o.no_check)
        return ANSWERED
    try:
        with open(o.file, "rb") as f:
            total = sum(1 for _ in f)
        with open(o.file, "rb") as f:
            run(_decoded(f), sys.stdout, not o.no_check, total)
    except OSError as error:
        raise NotationError(f"{o.file}: {error.strerror}") from None
    return ANSWERED


def _decoded(lines: Any) -> Any:
    for raw in lines:
        yield raw.decode("utf-8", errors="replace")


def _operations(arguments: Sequence[str]) -> int:
    p = argparse.ArgumentParser(prog="frechet operations", description="Every operation with its rule and source.")
    p.add_argument("name", nargs="?", help="only this one")
    p.add_argument("--json", action="store_true", help="as JSON")
    p.add_argument("--markdown", action="store_true", help="as the page docs/operations.md")
    o = p.parse_args(arguments)
    from frechet.interfaces import reference

    if o.markdown:
        print(reference.markdown(), end="")
        return ANSWERED
    pages = [page for _, page in reference.pages()]
    if o.name is not None:
        from difflib import get_close_matches

        chosen = [page for page in pages if o.name in (page.name, page.typed_as)]
        if not chosen:
            near = get_close_matches(o.name, [page.name for page in pages], 3)
            raise NotationError(f"no operation named {o.name!r}" + (f": did you mean {', '.join(near)}?" if near else ""))
        pages = chosen
    rows = [reference.row(page) for page in pages]
    if o.json:
        import json

        print(json.dumps(rows, ensure_ascii=False, indent=1))
        return ANSWERED
    print(reference.text(rows))
    print(f"{len(rows)} operations")
    return ANSWERED
