"""docs/comparison.md: every cell of ours is derived again, compared with what the page shows, and checked by differences."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import shlex
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from frechet.compilation.numpy_source import evaluate
from frechet.differentiation.derivative import Derivative
from frechet.expressions.dimension import SCALAR
from frechet.expressions.node import Expr, substitute
from frechet.interfaces.answer import verify
from frechet.interfaces.command_line import main
from frechet.operations.sums import subtract
from frechet.operations.transposition import transposed
from frechet.verification.sampling import points

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))
peers: Any = importlib.import_module("peers")
peer_page: Any = importlib.import_module("peer_page")
peer_rows: Any = importlib.import_module("peer_rows")
ROWS = [row for _, row in peer_rows.rows()]
STORED = json.loads((ROOT / "benchmarks" / "peers.json").read_text(encoding="utf-8"))
by_row = pytest.mark.parametrize("row", ROWS, ids=[row.feature for row in ROWS])
FORMS = {"second differential": ("differential", 2)}


def equal(a: Expr, b: Expr, seen: list[Expr], row: Any) -> bool:
    """The same expression, or the same values at random points."""
    if a is b:
        return True
    found = points([*seen, a, b], 2, sizes=row.sizes)
    assert found and a.shape == b.shape
    return all(np.allclose(*(evaluate(e, p.values, p.sizes) for e in (a, b)), rtol=1e-8, atol=1e-10) for p in found)


@by_row
def test_our_result_is_the_one_shown(row: Any) -> None:
    ours = peers.answered(row)
    assert equal(ours.expression, ours.expected, [ours.derivative.function], row)


@by_row
def test_our_result_passes_its_check(row: Any) -> None:
    ours = peers.answered(row)
    d, shown = ours.derivative, ours.expected
    if row.view in ("numerator", "denominator"):
        scalar = d.function.shape == SCALAR
        turned = scalar == (row.view == "numerator")
        assert verify(d, "gradient" if scalar else "jacobian", 1, transposed(shown) if turned else shown).ok
    elif row.view == "linearization":
        assert verify(d, "differential", 1, d.differential).ok
        assert equal(subtract(shown, substitute(d.function, {d.variable: d.base_point})), _change(d), [shown], row)
    else:
        assert verify(d, *FORMS.get(row.view, (row.view, 1)), shown).ok


def _change(d: Derivative) -> Expr:
    """dF at X0 in the direction X - X0."""
    at = substitute(d.differential, {d.variable: d.base_point})
    return substitute(at, {d.direction: subtract(d.variable, d.base_point)})


@pytest.mark.parametrize("row", [r for r in ROWS if r.at], ids=[r.feature for r in ROWS if r.at])
def test_our_value_where_formulas_degenerate(row: Any) -> None:
    ours = peers.answered(row)
    point = ours.point(row)
    with np.errstate(all="ignore"):
        value = evaluate(ours.expression, point.values, point.sizes)
    if row.ours.startswith(peer_rows.FORMULA):
        assert peers.close(value, evaluate(ours.right, point.values, point.sizes))
    else:  # the page says that there is no number, and which condition says so
        assert not np.all(np.isfinite(value))
        assert "no entry of x is 0" in printed(f'"{row.formula}" {row.by}')


@by_row
def test_what_the_peers_were_asked_is_what_stands_in_the_rows(row: Any) -> None:
    kept = STORED["rows"][row.feature]
    assert (kept["formula"], kept["by"], kept["asked"]) == (row.formula, row.by, peers.texts(row))
    for name, cell in kept["cells"].items():
        assert cell == "none" or kept["asked"][name]


def test_features_are_told_apart() -> None:
    names = [row.feature for _, row in peer_rows.rows(pending=True)]
    assert len(set(names)) == len(names)


def printed(command: str) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        main(shlex.split(command))
    return out.getvalue()


@pytest.mark.parametrize("said", peer_page.STATEMENTS, ids=[s.feature for s in peer_page.STATEMENTS])
def test_statements_are_what_the_command_shows(said: Any) -> None:
    assert set(said.cells) == set(peer_page.COLUMNS)
    assert said.shows in printed(said.command)


def test_the_page_is_made_from_the_data() -> None:
    page = (ROOT / "docs" / "comparison.md").read_text(encoding="utf-8")
    assert page == peer_page.markdown(STORED), "python benchmarks/peers.py --markdown > docs/comparison.md"
