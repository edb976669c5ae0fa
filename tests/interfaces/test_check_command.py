"""`frechet check`: exit codes, the JSON object, what is read from where."""

from __future__ import annotations

import io
import json
import sys
from typing import Any

import pytest

from frechet.interfaces.command_line import main
from frechet.verification.verdict import VERDICTS

KEYS = {"verdict", "factor", "condition", "example", "message", "expected", "ok", "form", "layout"}


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["check", *arguments])
    out = capsys.readouterr()
    return code, out.out, out.err


def data(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    _, out, err = run(capsys, *arguments, "--json")
    assert not err and out.count("\n") == 1
    found: dict[str, Any] = json.loads(out)
    return found


def test_the_first_example(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "x'*A*x", "x", "--answer", "2*A*x")
    assert code == 1
    first, second = (" ".join(lines.split()) for lines in out.split("\n\n"))
    assert first.startswith("Right only if A is symmetric. In general ∇g = (A + Aᵀ) x")
    assert second == "Example: A = [0 1; 0 0], x = [1; 1]: ∇g = [1; 1], yours gives [2; 0]."


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("x'*A*x", "x", "--answer", "(A+A')*x"), 0),
        (("tr(A*X)", "X", "--answer", "A"), 0),
        (("x'*A*x", "x", "--answer", "A*x"), 1),
        (("x'*A*x", "x", "--answer", "A*x*x"), 1),
        (("x'*A*x", "x", "--answer", "A*x)"), 2),
        (("x'*A*x", "x", "--answer", "B*x"), 2),
        (("x'*A*x", "z", "--answer", "A*x"), 2),
        (("x'*A*x)", "x", "--answer", "A*x"), 2),
        (("tr(A*B)", "--equals", "tr(B*A)"), 0),
        (("tr(A*B)", "--equals", "tr(A)*tr(B)"), 1),
        (("tr(A*B)", "A", "--equals", "tr(B*A)"), 2),
        (("sum(x)", "--answer", "ones(n)"), 0),
        (("x'*y", "--answer", "y"), 2),
    ],
)
def test_exit_codes(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int) -> None:
    question_reads = code != 2 or arguments[:2] == ("x'*A*x", "x")
    found, out, err = run(capsys, *arguments)
    assert found == code
    assert bool(err) == (not question_reads) and "Traceback" not in err
    found, out, err = run(capsys, *arguments, "--json")
    said = json.loads(out)
    assert found == code and not err and said["ok"] == question_reads
    if not question_reads:
        assert said["error"]["message"]
    else:
        assert said.keys() >= KEYS and said["verdict"] in VERDICTS


def test_json_of_each_kind(capsys: pytest.CaptureFixture[str]) -> None:
    found = data(capsys, "x'*A*x", "x", "--answer", "2*A*x")
    assert next(iter(found)) == "verdict"
    assert (found["verdict"], found["condition"]) == ("missing-symmetrization", "A symmetric")
    assert found["example"] == {"A": [[0, 1], [0, 0]], "x": [1, 1], "derivative": [1, 1], "answer": [2, 0]}
    assert found["expected"] == "(A + A')*x" and found["expected_latex"] == r"(A + A^{\top}) x"
    assert data(capsys, "x'*A*x", "x", "--answer", "2*(A+A')*x")["factor"] == 2.0
    assert data(capsys, "mean(x.^2)", "x", "--answer", "2*x")["factor"] == "n"
    assert data(capsys, "tr(A*X)", "X", "--answer", "A")["layout"] == "numerator"
    found = data(capsys, "norm2(X*w-y)^2 + c*norm2(w)^2", "w", "--answer", "2*X'*(X*w-y)")
    assert (found["verdict"], found["term"]) == ("missing-term", "2*c*w")
    found = data(capsys, "norm2(A*x-b)^2", "x", "--answer", "2*A*(A*x-b)")
    assert (found["verdict"], found["corrected"]) == ("shape", "2*A'*(A*x-b)")
    assert found["misfit"]["position"] == 0
    found = data(capsys, "x'*A*x", "x", "--answer", "2*A*x)")
    why = "this ) closes nothing: there is no ( for it"
    assert found["verdict"] == "wrong" and found["misfit"] == {"kind": "syntax", "message": why, "position": 5, "end": 6}
    assert why in found["message"] and found["expected"] == "(A + A')*x" and "answer" not in found
    found = data(capsys, "x'*A*x)", "x", "--answer", "2*A*x")
    place = {"position": 6, "end": 7, "text": "x'*A*x)"}
    assert found == {"ok": False, "error": {"kind": "syntax", "message": why, **place}}


def test_answers_may_begin_with_a_minus(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (("--answer", "-inv(X)'^2"), ("--answer=-inv(X)'^2",), ("--answer", "-X^{-\\top}X^{-\\top}")):
        assert run(capsys, "tr(inv(X))", "X", *arguments)[0] == 0
    assert run(capsys, "-tr(inv(X))", "X", "--answer", "inv(X)'^2")[0] == 0
    assert run(capsys, "-x'*y", "--equals", "-y'*x")[0] == 0


def test_forms_and_orders(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "x'*A*x", "x", "--order", "2", "--answer", "A + A'")[0] == 0
    assert data(capsys, "x'*A*x", "x", "--order", "2", "--answer", "2*A")["condition"] == "A symmetric"
    assert run(capsys, "x'*A*x", "x", "--form", "jacobian", "--answer", "x'*(A+A')")[0] == 0
    assert run(capsys, "A*X*B", "X", "--form", "differential", "--answer", "A*dX*B")[0] == 0
    assert run(capsys, "tr(inv(X))", "X", "--order", "2", "--form", "differential", "--answer",
               "2*tr(inv(X)*dX*inv(X)*dX*inv(X))")[0] == 0  # fmt: skip
    declared = ["--declare", "S: n×n spd"]
    assert run(capsys, "logdet(S)", "S", *declared, "--form", "riemannian", "--answer", "S")[0] == 0
    assert run(capsys, "logdet(S)", "S", *declared, "--answer", "S^{-1}")[0] == 0


def test_the_function_may_come_from_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xef\xbb\xbfh = A*x\nnorm2(h)^2\n")))
    assert run(capsys, "-", "x", "--answer", "2*A'*h")[0] == 0


def test_no_rule_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(
        capsys, "abs(z)", "z", "--declare", "z: scalar complex", "--convention", "holomorphic", "--answer", "z", "--json"
    )
    assert (code, json.loads(out)["ok"]) == (3, False)


def test_the_page_is_written_in_plain_text_too(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "x'*A*x", "x", "--answer", "2*A*x", "--text")
    assert "(A + A')*x" in out
