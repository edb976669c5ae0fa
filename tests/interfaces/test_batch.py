"""`frechet batch`: a line in, a line out, whatever the line is."""

import io
import json

from frechet.interfaces.batch import answer_line, run

ENTRY = {
    "id": "quadratic",
    "expr": "x'*A*x",
    "vars": {"x": {"shape": ["n"]}, "A": {"shape": ["n", "n"]}},
    "dims": {"n": 3},
    "wrt": "x",
}


def test_an_answer():
    found = answer_line(json.dumps(ENTRY))
    assert found["ok"] and found["id"] == "quadratic" and found["form"] == "gradient"
    assert found["text"] == "(A + A')*x" and found["shape"] == ["n"] and found["conditions"] == []
    assert found["checked"]["points"] == 3 and found["checked"]["max_relative_error"] < 1e-6 and found["seconds"] < 5
    assert "def derivative(*, x, A):" in found["python"] and found["latex"]


def test_forms():
    jacobian = answer_line(json.dumps({**ENTRY, "expr": "A*x", "form": "jacobian"}))
    assert jacobian["text"] == "A" and jacobian["shape"] == ["n", "n"]
    hessian = answer_line(json.dumps({**ENTRY, "order": 2}))
    assert hessian["text"] == "A + A'" and hessian["form"] == "hessian"
    differential = answer_line(json.dumps({**ENTRY, "form": "differential"}))
    assert "dX" in differential["text"] and "dX" in differential["python"]


def test_sizes_of_unused_variables_are_known_to_the_code():
    import numpy as np

    entry = {**ENTRY, "expr": "tr(A)", "wrt": "A"}
    space: dict = {}
    exec(answer_line(json.dumps(entry))["python"], space)
    assert (space["derivative"](A=np.ones((4, 4)), x=np.ones(4)) == np.eye(4)).all()


def test_dimensions_that_agree_only_as_numbers():
    entry = {**ENTRY, "expr": "q'*vec(A)", "wrt": "A", "vars": {"q": {"shape": [9]}, "A": {"shape": ["n", "n"]}}}
    assert answer_line(json.dumps(entry))["text"] == "unvec(q,3,3)"


def test_the_domain_of_the_variable_is_no_structure():
    # drawn positive definite, but free to move anywhere: the gradient of tr(A*X') is A, not its symmetric part
    entry = {**ENTRY, "expr": "tr(A*X')", "wrt": "X"}
    entry["vars"] = {"A": {"shape": ["n", "n"]}, "X": {"shape": ["n", "n"], "sample": "spd"}}
    assert answer_line(json.dumps(entry))["text"] == "A"
    entry["vars"]["X"] = {"shape": ["n", "n"], "structure": ["spd"]}
    assert answer_line(json.dumps(entry))["text"] == "(A + A')/2"


def test_bad_lines_do_not_stop_the_rest():
    lines = [
        "not json",
        "[]",
        "{}",
        json.dumps({**ENTRY, "expr": "x*x"}),
        json.dumps({**ENTRY, "expr": "einsum(x)"}),
        json.dumps({**ENTRY, "expr": 3}),
        json.dumps({**ENTRY, "vars": {"x": {"shape": 7}}}),
        json.dumps({**ENTRY, "vars": {"x": 5}}),
        json.dumps({**ENTRY, "form": "poem"}),
        json.dumps({**ENTRY, "wrt": "q"}),
        "[" * 100_000,
        "",
        json.dumps(ENTRY),
    ]
    out = io.StringIO()
    failed = run(lines, out)
    answers = [json.loads(line) for line in out.getvalue().splitlines()]
    assert len(answers) == 12 and failed == 11 and answers[-1]["ok"]
    assert all(a["error"]["kind"] in ("syntax", "shape", "unsupported", "limit", "unverified") for a in answers[:-1])
    assert answers[3]["error"]["kind"] == "shape" and answers[3]["error"]["position"] == 0
    assert not any("internal" in a["error"]["message"] for a in answers[:-1])
