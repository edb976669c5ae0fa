"""Frechet in a notebook: `%load_ext frechet`, then `%frechet "x'*A*x" x` or a cell that begins with `%%frechet x`.

The options are those of the command line. An answer is shown as a page; errors as the command line shows them.
"""

from __future__ import annotations

import shlex
import sys
from importlib import import_module
from typing import Any

from frechet.expressions.errors import FrechetError, NotationError
from frechet.interfaces.document import Document

QUOTES = """put the formula in double quotes: %frechet "x'*A*x" x"""
NO_INPUT = "a notebook has no standard input: put the formula into a cell that begins with %%frechet"


def load_ipython_extension(shell: Any) -> None:
    """What `%load_ext frechet` does: the magics %frechet and %%frechet. `shell` is IPython's."""
    from IPython.core.magic import no_var_expand

    # without expansion, because $ and { } of a formula are not Python
    shell.register_magic_function(no_var_expand(frechet), magic_kind="line_cell", magic_name="frechet")


def frechet(line: str, cell: str | None = None) -> Document | None:
    """The derivative of a formula: %frechet FORMULA VARIABLE [OPTIONS], or %%frechet VARIABLE [OPTIONS] above the formula.

    The options are those of the command line: %frechet --help
    """
    try:
        return _answered(_arguments(line, cell))
    except FrechetError as error:
        print(error.pointed(), file=sys.stderr)
    except SystemExit:
        pass  # the option parser has said what is wrong, or what the options are
    return None


def _arguments(line: str, cell: str | None) -> list[str]:
    """The arguments as on a command line; the text of the cell is the formula."""
    from frechet.interfaces.command_line import COMMANDS

    try:
        arguments = shlex.split(line)
    except ValueError:
        raise NotationError(QUOTES) from None
    if cell is not None:
        place = 1 if arguments[:1] and arguments[0] in COMMANDS else 0
        arguments.insert(place, cell.strip("\n"))
    if arguments[:1] == ["batch"] or "-" in arguments:
        raise NotationError(NO_INPUT)
    return arguments


def _answered(arguments: list[str]) -> Document | None:
    from frechet.interfaces.command_line import COMMANDS, answer_parser, explanation, main, parsed, question
    from frechet.interfaces.page import Page
    from frechet.interfaces.summary import summary

    if arguments and arguments[0] in COMMANDS:
        pages: list[Document] = []
        import_module(f"frechet.interfaces.{COMMANDS[arguments[0]]}").run(arguments[1:], pages.append)
        return pages[0] if pages else None
    if arguments[:1] == ["operations"]:
        main(arguments)
        return None
    options = parsed(answer_parser(), arguments)
    if options.style is not None:
        main(arguments)
        return None
    if options.steps:
        return explanation(options)
    reading, name = question(options)
    page = Page(
        reading,
        name,
        order=options.order,
        check=not options.no_check,
        convention=options.convention,
        metric=options.metric,
    )
    return summary(page, options.form, options.layout)
