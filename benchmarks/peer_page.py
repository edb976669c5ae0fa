"""docs/comparison.md from the rows and from what was measured (peers.json)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from peer_rows import SOURCES, UNKNOWN, Row, rows

COLUMNS = ("Frechet", "SymPy", "matrixcalculus.org", "tensorgrad", "JAX", "PyTorch")


class Statement(NamedTuple):
    """What is said of a tool as a whole. Our cell is backed by `command`, whose output has `shows` in it."""

    feature: str
    command: str
    shows: str
    cells: Mapping[str, str]


# fmt: off
STATEMENTS = (
    Statement(
        "answers hold for all sizes",
        "'A*X*B' X",
        "rs×pq",
        {
            "Frechet": "yes, dimensions are symbols",
            "SymPy": "yes, dimensions may be symbols",
            "matrixcalculus.org": "yes, no size is typed",
            "tensorgrad": "yes, edges have symbols as sizes",
            "JAX": "no, for the sizes of the arrays",
            "PyTorch": "no, for the sizes of the arrays",
        },
    ),
    Statement(
        "shapes are found from the formula",
        "'norm2(A*X - B)^2' X",
        "A: r×p, B: r×q",
        {
            "Frechet": "yes",
            "SymPy": "no, declared",
            "matrixcalculus.org": "yes; scalar, vector or matrix by letter or choice",
            "tensorgrad": "no, declared",
            "JAX": "from the arrays",
            "PyTorch": "from the arrays",
        },
    ),
    Statement(
        "conditions are stated with the answer",
        "'logdet(X)' X",
        "conditions      det X > 0; X invertible",
        {
            "Frechet": "yes",
            "SymPy": "no",
            "matrixcalculus.org": UNKNOWN,
            "tensorgrad": UNKNOWN,
            "JAX": "no; in the documentation of some functions",
            "PyTorch": "no; in the documentation of some functions",
        },
    ),
    Statement(
        "the answer is checked by differences",
        '"x\'*A*x" x',
        "checked         3 points",
        {
            "Frechet": "before it is shown",
            "SymPy": "no",
            "matrixcalculus.org": "the generated Python code has a check to run",
            "tensorgrad": UNKNOWN,
            "JAX": "on request, `jax.test_util.check_grads`",
            "PyTorch": "on request, `torch.autograd.gradcheck`",
        },
    ),
    Statement(
        "the rule of an operation, with a source",
        "operations det",
        "source: Magnus & Neudecker (2019), section 8.3",
        {
            "Frechet": "yes",
            "SymPy": "in the source code",
            "matrixcalculus.org": UNKNOWN,
            "tensorgrad": "single steps, as diagrams",
            "JAX": "in the source code",
            "PyTorch": "in the source code",
        },
    ),
    Statement(
        "code of the derivative to take away",
        "'tr(A*inv(X))' X --numpy",
        "t1 = np.linalg.inv(X).T",
        {
            "Frechet": "NumPy",
            "SymPy": "NumPy and others, by `lambdify` and code printers",
            "matrixcalculus.org": "Python (NumPy), LaTeX",
            "tensorgrad": "PyTorch",
            "JAX": "no source; compiled and run",
            "PyTorch": "no source; compiled and run",
        },
    ),
    Statement(
        "what has no rule is refused by name",
        "'tr(besselj(X))' X",
        "no function of that name",
        {
            "Frechet": "yes",
            "SymPy": "not always, see *wrong* and *no closed form*",
            "matrixcalculus.org": UNKNOWN,
            "tensorgrad": UNKNOWN,
            "JAX": "yes, an exception",
            "PyTorch": "yes, an exception",
        },
    ),
    Statement(
        "programs: loops, branches, accelerators, large data",
        "'while x: x' x",
        "an operator is missing",
        {
            "Frechet": "no, formulas",
            "SymPy": "no, formulas",
            "matrixcalculus.org": "no, formulas",
            "tensorgrad": "no, tensor networks",
            "JAX": "yes",
            "PyTorch": "yes",
        },
    ),
)
# fmt: on

HEAD = """# Frechet beside its peers

The same derivatives, asked of six tools. Measured on {date} with {versions} in double precision; {count} derivatives.
This page is made by `python benchmarks/peers.py --markdown` from `benchmarks/peer_rows.py` and what was measured,
`benchmarks/peers.json`.

How the cells come about:

- *Frechet*: `tests/test_comparison.py` derives every row again, compares it with the result shown here and with finite
  differences of the function, so that a cell that is not true fails the tests.
- *SymPy*, *JAX* and *PyTorch* were run: SymPy with `MatrixSymbol` and `diff`, JAX with `grad`, `jacfwd`, `hessian` and
  `jvp`, PyTorch with `backward` and `torch.func`. What they answered was compared with the right value at a random point.
  Where there are several ways to write the function for a tool, the best outcome counts; what each was asked is in
  `peer_rows.py`. SymPy can also differentiate explicit matrices of given size entry by entry, which gives formulas for the
  entries; that is not what this table is about.
- *matrixcalculus.org* and *tensorgrad* were not run. Their cells say what their public documentation says: {sources}.

| cell | meaning |
|---|---|
| formula | a closed form, numerically right where it was run; SymPy's may be an expression of arrays |
| formula, written out | no such function, but it can be typed with those there are (softmax as exp(z)/sum(exp(z))) |
| formula, as a diagram | built of what the README has examples of: contractions, sums, products of entries, exp, log |
| formula, the gradient typed in again | what is documented for gradients, used twice |
| Kronecker product where unambiguous | as documented; else the result is not displayed, the Python code has it |
| numbers | the right numbers at a point, no formula: what programs that differentiate programs are for |
| …, by hand | no function or view for it; the user puts it together: projects or transposes, names a function for f … |
| numbers (the conjugate, as documented) | JAX of a real function, PyTorch of a holomorphic one: their convention |
| no closed form | the answer has a derivative in it that is left to be taken |
| wrong, wrong (0), wrong (nan) | an answer that is not the derivative; *in other words*: of the function written otherwise |
| refused (E) | the exception E |
| none | no function for it, or not in the documented list of functions |
| not documented | the documentation does not tell |

A formula is written in Frechet's [text notation](notation.md); "by X" names the variable, and the view is the gradient where
none is named. With a declared function, sin stood for f.
"""


def markdown(stored: Mapping[str, Any]) -> str:
    shown = rows()
    versions = ", ".join(f"{name} {version}" for name, version in stored["versions"].items())
    sources = "; ".join(f"{name}: {source}" for name, source in SOURCES.items())
    parts = [HEAD.format(date=stored["date"], versions=versions, count=len(shown), sources=sources)]
    for title in dict.fromkeys(section for section, _ in shown):
        parts.append(f"## {title}\n\n" + _head("formula and our result"))
        parts += [_line(row, stored["rows"][row.feature]["cells"]) for section, row in shown if section == title]
        parts.append("")
    parts.append("## Around the formula\n\n" + _head("asked"))
    for said in STATEMENTS:
        asked = f"`frechet {said.command}`" if said.shows else ""
        parts.append(_cells([said.feature, asked, *(said.cells[name] for name in COLUMNS)]))
    return "\n".join(parts) + "\n"


def _head(second: str) -> str:
    return _cells(["", second, *COLUMNS]) + "\n" + "|---" * (len(COLUMNS) + 2) + "|"


def _line(row: Row, cells: Mapping[str, str]) -> str:
    declared = f" with {', '.join(f'`{text}`' for text in row.declared)}" if row.declared else ""
    where = f" at {', '.join(f'{name} = {value}' for name, value in row.at.items())}" if row.at else ""
    view = "" if row.view == "gradient" else f"{row.view} "
    if row.convention:
        view = f"{row.convention} "
    asked = f"{view}`{row.formula}` by {row.by}{declared}{where}: `{row.result}`"
    known = {"Frechet": row.ours, "matrixcalculus.org": row.matrixcalculus, "tensorgrad": row.tensorgrad, **cells}
    return _cells([row.feature, asked, *(known[name] for name in COLUMNS)])


def _cells(texts: list[str]) -> str:
    return "| " + " | ".join(texts) + " |"
