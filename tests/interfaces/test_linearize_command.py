"""`frechet linearize` as a user meets it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from frechet.interfaces import plots
from frechet.interfaces.command_line import main


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["linearize", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_map_with_its_space(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "tr(A*X*B)", "X")
    assert code == 0 and not err
    assert "ℓ : ℝ^{p×q} → ℝ,  ℓ(X) = tr(A X₀ B) + tr(B A (X − X₀))" in out
    assert "exact" in out and "conditions      none" in out and "3 points" in out


def test_the_text_style_needs_no_special_signs(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "tr(A*X*B)", "X", "--text", "--why")
    assert "l(X) = tr(A*X0*B) + tr(B*A*(X - X0))" in out and "l(X) - g(X0)" in out


def test_json_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "tr(A*X*B)", "X", "--json")
    found = json.loads(out)
    assert code == 0 and found["text"] == "g(X) = tr(A*X0*B) + tr(B*A*(X - X0))"
    assert found["exact"] is True and found["conditions"] == [] and found["checked"]["points"] == 3
    assert "forms" in json.loads(run(capsys, "tr(A*X*B)", "X", "--json", "--why")[1])["instance"]


@pytest.mark.parametrize("formula", ["tr(A*X*B)", "norm2(A*X-B')^2", "A*exp(X)*B"])
def test_the_numpy_function_has_the_value_and_the_derivative(capsys: pytest.CaptureFixture[str], formula: str) -> None:
    _, source, _ = run(capsys, formula, "X", "--numpy", "--no-check", "--declare", "X: n×n")
    made: dict[str, Any] = {}
    exec(source, made)
    rng = np.random.default_rng(1)
    a, x0, v, b = (rng.normal(size=(3, 3)) for _ in range(4))

    def function(x: Any) -> Any:
        return {"t": np.trace(a @ x @ b), "n": np.sum((a @ x - b.T) ** 2), "A": a @ np.exp(x) @ b}[formula[0]]

    def line(x: Any) -> Any:
        return made["derivative"](A=a, B=b, X=x, X0=x0)

    assert np.allclose(line(x0), function(x0))
    h = 1e-6
    slope = (function(x0 + h * v) - function(x0 - h * v)) / (2 * h)
    assert np.allclose(line(x0 + v) - line(x0), slope, rtol=1e-5, atol=1e-5)


def test_points_and_refusals(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "inv(X)", "X", "--at", "eye(n)")
    assert code == 0 and "ℓ(X) = I − (X − I)" in out
    code, out, err = run(capsys, "inv(X)", "X", "--at", "zeros(n,n)")
    assert code == 2 and not out and "zeros(n,n)\n^^^^^^^^^^" in err and "X invertible" in err
    code, out, err = run(capsys, "x'*A*x", "x", "--at", "-y")
    assert code == 0 and "ℓ(x) = yᵀ A y − yᵀ(A + Aᵀ)(x − (−y))" in out
    code, _, err = run(capsys, "tr(A*X)")
    assert code == 2 and "name the variable" in err
    code, _, err = run(capsys, "tr(A*X)", "Y")
    assert code == 2 and "Y does not occur" in err


def test_pictures_are_written(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    for name, magic in (("a.png", b"\x89PNG"), ("a.svg", b"<?xml")):
        path = tmp_path / name
        code, _, err = run(capsys, "logdet(X)", "X", "--plot", str(path), "--no-check")
        content = path.read_bytes()
        assert code == 0 and content.startswith(magic) and str(path) in err
        run(capsys, "logdet(X)", "X", "--plot", str(path), "--no-check")
        assert path.read_bytes() == content  # the same in every run


def test_what_cannot_be_plotted_is_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, err = run(capsys, "logdet(X)", "X", "--plot", "a.pdf")
    assert code == 2 and not out and ".png or .svg" in err
    code, _, err = run(capsys, "logdet(X)", "X", "--plot", str(tmp_path / "no" / "a.svg"), "--no-check")
    assert code == 2 and "No such file" in err
    code, _, err = run(capsys, "logdet(X)", "X", "--plot", "-", "--json")
    assert code == 2 and "terminal" in err


def test_without_matplotlib_the_extra_is_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    code, _, err = run(capsys, "logdet(X)", "X", "--plot", "a.svg", "--no-check")
    assert code == 2 and "frechet[plots]" in err
    code, out, _ = run(capsys, "logdet(X)", "X", "--plot", "-", "--no-check")
    assert code == 0 and "h^2.00" in out


def test_matplotlib_is_not_imported_for_text(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [m for m in sys.modules if m.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    run(capsys, "logdet(X)", "X", "--why", "--no-check")
    assert "matplotlib" not in sys.modules


def test_the_text_plot_shows_both_slopes() -> None:
    from frechet.verification.remainder import Remainder

    steps = tuple(10.0**-k for k in range(7))
    found = Remainder(steps, steps, tuple(h * h for h in steps), (1.0, 2.0), tuple(1e-30 for _ in steps), None)
    rows = [line.partition("|")[2] for line in plots.remainder_text(found).splitlines() if "|" in line]
    places = {mark: [(i, row.index(mark)) for i, row in enumerate(rows) if mark in row] for mark in "o*"}
    slope = {mark: (p[-1][0] - p[0][0]) / (p[0][1] - p[-1][1]) for mark, p in places.items()}
    assert len(places["*"]) >= 6
    assert slope["*"] / slope["o"] == pytest.approx(2, rel=0.15)
