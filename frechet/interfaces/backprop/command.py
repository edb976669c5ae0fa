"""The command `frechet backprop`: a network in, its back-propagation out."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from frechet.expressions.errors import NotationError
from frechet.interfaces.command_line import (
    ANSWERED,
    INPUT_LIMIT,
    add_declare,
    add_styles,
    formatter,
    parsed,
    read_formula,
    usual_style,
)

if TYPE_CHECKING:
    from frechet.interfaces.document import Document

EPILOG = """\
A network is several lines, each the definition of a value by values before it; the last line is the loss:

  h = relu(W1*x + b1)
  z = W2*h + b2
  -y'*log(softmax(z))

examples:
  frechet backprop network.frechet                        values, cotangents and gradients of one sample
  frechet backprop network.frechet --batch rows           of N samples, one in each row of x and y
  frechet backprop network.frechet --data x,y --wrt W1,W2
  frechet backprop network.frechet --sizes m=784,n=100,p=10      what the passes cost at these sizes
  frechet backprop network.frechet --svg graph.svg        the graph, values down and cotangents up
  frechet backprop network.frechet --batch rows --loss mean --numpy > network.py
  echo "norm2(tanh(W*x) - y)^2" | frechet backprop -

Where nothing is said, x, y, t (also X, y2 …), initial states (h0) and labels are data, other vectors and matrices are the
parameters, and other numbers are held fixed. Lines that begin with # are comments.
"""
STYLES = {
    "unicode": "a page with mathematical signs (the default)", "text": "the page in plain signs", "markdown": "as Markdown",
    "latex": "as LaTeX", "html": "as HTML, with the picture", "json": "one JSON object, formulas in the text notation",
    "numpy": "a NumPy function that returns the loss and the gradients",
}  # fmt: skip


def _parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(
        prog="frechet backprop",
        description="Back-propagation through a network: the cotangent of each value, the gradients, what they cost.",
        epilog=EPILOG,
        formatter_class=formatter,
    )
    p.add_argument("network", help="a file; - reads standard input; or the text itself")
    p.add_argument("--data", metavar="x,y", default="", help="what is data: neither differentiated by nor fixed")
    p.add_argument(
        "--wrt", metavar="W1,b1", default="", help="the parameters (default: vectors and matrices that are no data)"
    )
    p.add_argument("--batch", choices=("rows", "columns"), help="many samples, one in each row or column of the data")
    p.add_argument("--loss", choices=("sum", "mean"), default="sum", help="of a batch (default: sum)")
    p.add_argument("--sizes", metavar="n=784,m=100", default="", help="numbers for dimensions, for the costs")
    add_declare(p)
    p.add_argument("--svg", metavar="FILE", help="write the graph as a picture, beside what is printed")
    add_styles(p, STYLES)
    p.add_argument("--no-check", action="store_true", help="skip the numeric check")
    return p


def run(arguments: Sequence[str], show: Callable[[Document], None] | None = None) -> int:
    """Answers the command; returns the exit code. The page goes to `show`, where it is given and no style is asked for."""
    o = parsed(_parser(), arguments)
    from frechet.interfaces.backprop.network import Network, names

    sizes = _sizes(o.sizes)
    text = without_comments(_text(o.network))
    network = Network(text, o.declare, names(o.wrt), names(o.data), o.batch, o.loss, sizes, not o.no_check)
    if o.svg is not None:
        picture = network.svg()
        try:
            Path(o.svg).write_text(picture, encoding="utf-8")
        except OSError as error:
            raise NotationError(f"{o.svg} cannot be written: {error.strerror}") from None
    style: Any = o.style or usual_style()
    if show is not None and o.style is None:
        show(network.document())
    elif style == "numpy":
        print(network.numpy(), end="")
    elif style == "json":
        import json

        print(json.dumps(network.document().data, ensure_ascii=False, indent=1))
    else:
        from frechet.interfaces.rendering import Format, render

        format: Format = "terminal" if style == "unicode" else style
        print(render(network.document(), format), end="")
    return ANSWERED


def _text(given: str) -> str:
    """The text of a file, of standard input, or what was given, where it is no name of a file."""
    if given == "-" or "\n" in given:
        return read_formula(given)
    path = Path(given)
    try:
        with open(path, "rb") as f:
            raw = f.read(INPUT_LIMIT + 1)
    except (OSError, ValueError) as error:
        if any(c in given for c in "()*+'=,[ "):
            return read_formula(given)
        raise NotationError(f"{given}: {getattr(error, 'strerror', error)}") from None
    if len(raw) > INPUT_LIMIT:
        raise NotationError(f"{given} is longer than {INPUT_LIMIT} bytes")
    try:
        return raw.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise NotationError(f"{given} is not UTF-8 text: byte {error.start} is 0x{raw[error.start]:02x}") from None


def without_comments(text: str) -> str:
    """The text with lines that begin with # made empty, so that the numbers of the others stay."""
    return "\n".join("" if line.lstrip().startswith("#") else line for line in text.splitlines())


def _sizes(said: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for part in filter(None, (p.strip() for p in said.split(","))):
        name, equals, size = (s.strip() for s in part.partition("="))
        if not equals or not name.isidentifier() or not (size.isascii() and size.isdigit()) or len(size) > 12:
            raise NotationError(f"--sizes is a list such as n=784,m=100; {part!r} is not of that form")
        if name in found:
            raise NotationError(f"--sizes gives {name} twice")
        found[name] = int(size)
    return found
