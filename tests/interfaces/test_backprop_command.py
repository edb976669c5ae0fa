"""`frechet backprop`: what it assumes it says, what it prints reads back, what is wrong is pointed at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import frechet as fr
from frechet.derivation.stages import Stage
from frechet.expressions.dimension import show_shape
from frechet.interfaces.backprop.network import Network
from frechet.interfaces.command_line import main
from frechet.notation.reading import parse, read

EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "networks").glob("*.frechet"))
TEXT = "h = relu(W1*x + b1)\nz = W2*h + b2\n-y'*log(softmax(z))"


def ran(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["backprop", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_examples_work_from_end_to_end(path: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Tables, gradients right by differences, picture, program."""
    picture = tmp_path / "graph.svg"
    code, out, err = ran(capsys, str(path), "--svg", str(picture))
    assert code == 0 and not err and "checked         2 points" in out and "Why backwards" in out
    assert picture.read_text(encoding="utf-8").startswith("<svg")
    code, out, err = ran(capsys, str(path), "--numpy")
    assert code == 0 and not err
    compile(out, str(path), "exec")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_json_reads_back(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every formula is text notation that gives the expression again, with the names and shapes that stand beside it."""
    code, out, _ = ran(capsys, str(path), "--json", "--no-check")
    assert code == 0
    data = json.loads(out)
    n = Network("\n".join(line for line in path.read_text(encoding="utf-8").splitlines() if line[:1] != "#"), check=False)
    symbols = {
        v.params[0]: v for v in (*n.backprop.variables, *(s.symbol for s in n.stages), *(c.symbol for c in n.cotangents))
    }
    rows: list[tuple[dict[str, Any], Any]] = list(zip(data["values"], [s.expression for s in n.stages], strict=True))
    rows += zip(data["cotangents"], [c.expression for c in n.cotangents], strict=True)
    rows += zip(data["gradients"], n.gradients.values(), strict=True)
    for row, e in rows:
        assert parse(row["formula"], symbols) is e
        assert "×".join(map(str, row["shape"])).replace("4*n×m+p", "4*n×(m+p)") == show_shape(e.shape).replace("scalar", "")
    assert data["flops"]["values"] == sum(row["flops"] for row in data["values"])
    assert data["checked"] is None and data["batch"] is None


def test_what_is_assumed_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = ran(capsys, TEXT)
    assert "assumed: vectors and matrices that are no data" in out and "assumed from their names" in out
    assert "taken as 100 (say --sizes " in out
    _, out, _ = ran(capsys, TEXT, "--data", "x,y", "--wrt", "W1,W2", "--sizes", "n=4,m=3,p=2")
    assert "assumed" not in out and "taken as" not in out
    assert "n = 4" in out and "∇W2" in out and "∇b1" not in out


def test_batches_say_which_way_they_lie(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = ran(capsys, TEXT, "--batch", "rows", "--loss", "mean")
    assert "one in each row of the data" in out and "the mean of the losses" in out and "x: N×m" in out
    _, out, _ = ran(capsys, TEXT, "--batch", "columns")
    assert "one in each column" in out and "x: m×N" in out
    _, out, _ = ran(capsys, "norm2(W*x - y)^2 + c*norm2(W)^2", "--batch", "rows")
    assert "counts once for each sample" in out


def test_a_definition_that_is_not_used_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = ran(capsys, "h = W*x\nk = V*h\nnorm2(h - y)^2")
    assert "k, defined on line 2, is not used by the loss" in out and "∇V" not in out


def test_long_tables_are_cut_and_say_so(capsys: pytest.CaptureFixture[str]) -> None:
    lines = ["h0 = x", *(f"h{i} = tanh(W*h{i - 1})" for i in range(1, 3001)), "norm2(h3000 - y)^2"]
    code, out, _ = ran(capsys, "\n".join(lines))
    assert code == 0 and len(out.splitlines()) < 250
    assert "5,942 more (all of them with --json)" in out and "(3000 terms)" in out
    assert "9,0" not in out or "boxes; at most 400" in out


@pytest.mark.parametrize(
    ("text", "options", "code", "words"),
    [
        ("h = V*k\nk = W*h\nsum(k)", (), 2, ["definitions run in a circle", "line 1", "line 2"]),
        ("h = W*x\nh = V*h\nsum(h)", (), 2, ["h is defined twice", "line 1", "line 2"]),
        ("h = W*x\nh", (), 2, ["must be the loss"]),
        ("h = W*x\nsum(h", (), 2, ["sum(h", "^"]),
        ("norm2(W*x - y)^2", ("--data", "q"), 2, ["q is no variable of the network"]),
        ("norm2(W*x - y)^2", ("--data", "x,W,y"), 2, ["no parameter"]),
        ("norm2(W*x - y)^2", ("--sizes", "q=3"), 2, ["q is no dimension"]),
        ("norm2(W*x - y)^2", ("--sizes", "n=0"), 2, ["is not from 1 to"]),
        ("norm2(W*x - y)^2", ("--sizes", "n"), 2, ["not of that form"]),
        ("norm2(W*x - y)^2", ("--sizes", "n=1,n=2"), 2, ["twice"]),
        ("norm2(W*x - y)^2", ("--svg", "/nowhere/at/all.svg"), 2, ["cannot be written"]),
        ("norm2(X*W - Y)^2", ("--batch", "rows"), 2, ["X is a matrix for one sample already"]),
        ("normp(W*x, 3)", ("--batch", "rows"), 3, ["normp has no rule for a batch"]),
        ("h = W*x\nsum(softmax(h))", (), 2, ["is the same whatever the variables are"]),
        ("nofile.frechet", (), 2, ["nofile.frechet: No such file"]),
        ("h = W*x\nk = V*h\nnorm2(h - y)^2", ("--wrt", "V"), 2, ["does not depend on V"]),
    ],
)
def test_errors_are_pointed_at(
    text: str, options: tuple[str, ...], code: int, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    found, out, err = ran(capsys, text, *options)
    assert found == code and not out
    assert all(word in err for word in words), err


def test_lines_of_comment_keep_the_numbers_of_the_others(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "network"
    path.write_text("# one\n\nh = W*x\n  # two\nh = V*h\nsum(h)\n", encoding="utf-8")
    assert "on line 3 and on line 5" in ran(capsys, str(path))[2]


def test_a_byte_order_mark_is_read_over(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "net"
    path.write_text("\ufeffh = tanh(W*x)\nnorm2(h)^2\n", encoding="utf-8")
    assert main(["backprop", str(path)]) == 0 and "∇W" in capsys.readouterr().out


def test_standard_input(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    class Bytes:
        buffer = io.BytesIO(b"norm2(tanh(W*x) - y)^2\n")

    monkeypatch.setattr("sys.stdin", Bytes())
    code, out, _ = ran(capsys, "-", "--text")
    assert code == 0 and "delta_a_L" not in out and "grad W" in out


def test_the_python_interface_takes_text_readings_and_expressions() -> None:
    text = "h = tanh(W*x)\nnorm2(h - y)^2"
    of_text, of_reading = fr.backprop(text), fr.backprop(read(text))
    assert of_text.gradients == of_reading.gradients
    (only,) = fr.backprop(fr.parse("norm2(W*x - y)^2")).gradients.values()
    assert str(only) == "δ_a_L*x'"
    loss, gradients = of_text.function(W=[[0.0, 0.0]], x=[1.0, 2.0], y=[0.0])
    assert loss == 0.0 and gradients["W"].shape == (1, 2)
    assert isinstance(of_text.stages[0], Stage) and "Forward" in repr(of_text)


def test_help_shows_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["backprop", "--help"])
    out = capsys.readouterr().out
    assert "examples:" in out and "--batch rows" in out and "--numpy" in out
