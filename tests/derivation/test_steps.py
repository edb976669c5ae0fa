"""Derivations: every line equal to the one before, constants said, parts named, dX free at the end; on the whole corpus."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

import frechet as fr
from frechet.derivation.expanding import Level
from frechet.derivation.lines import Line, Term, plain
from frechet.derivation.steps import LINES_LIMIT, Derivation, derive
from frechet.differentiation.derivative import Derivative
from frechet.expressions.dimension import SCALAR
from frechet.expressions.errors import CheckFailed, FrechetError, LimitError, UnsupportedError
from frechet.expressions.node import Expr, variables
from frechet.notation.reading import read, read_entry
from frechet.operations.sums import scaled
from frechet.operations.transposition import transposed
from frechet.verification.lines import check_lines

TESTS = Path(__file__).resolve().parent.parent
ENTRIES = [
    json.loads(line)
    for name in ("corpus.jsonl", "more.jsonl")
    for line in (TESTS / "corpus" / name).read_text(encoding="utf-8").splitlines()
]
CHUNKS = 8


def derivatives(entry: dict[str, Any]) -> Iterator[Derivative]:
    """The derivative that an entry asks for; of a Hessian that of the function and that of its gradient."""
    reading = read_entry(entry["expr"], entry["vars"], entry["dims"], entry["wrt"])
    x = reading.variables[entry["wrt"]]
    d = Derivative(reading.expression, x, None, entry.get("complex_convention"))
    yield d
    if (entry.get("order") == 2 or entry.get("form") == "hessian") and d.function.shape == SCALAR:
        yield Derivative(d.gradient, x)


def of_text(text: str, wrt: str, declare: tuple[str, ...] = (), level: Level = "normal", traces: bool = True) -> Derivation:
    reading = read(text, declare, wrt=wrt)
    return derive(Derivative(reading.expression, reading.variables[wrt]), level, reading.definitions, traces)


@pytest.mark.parametrize("chunk", range(CHUNKS))
@pytest.mark.parametrize(("level", "traces"), [("normal", True), ("all", False), ("short", True)])
def test_every_line_of_the_corpus_is_equal_to_the_line_before(chunk: int, level: Level, traces: bool) -> None:
    step = 1 if level == "normal" else 3
    for entry in ENTRIES[chunk :: CHUNKS * step]:
        for d in derivatives(entry):
            found = derive(d, level, traces=traces)
            try:
                report = check_lines(found)
            except CheckFailed as error:
                raise AssertionError(f"{entry['id']}: {entry['expr']} by {entry['wrt']}: {error}") from None
            assert report.points > 0, entry["id"]


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_constants_are_said_and_dX_is_free_at_the_end(chunk: int) -> None:
    for entry in ENTRIES[chunk::CHUNKS]:
        for d in derivatives(entry):
            found = derive(d)
            lines = [*(line for p in found.parts for line in p.lines), *found.lines]
            said = {name for line in lines for name in line.constants}
            changing = {d.variable, *(p.part.symbol for p in found.parts)}
            in_rules = {v for line in lines for v in variables(line.value)}
            constant = {v.params[0] for v in variables(found.cut.node) if v not in changing and v in in_rules}
            assert constant <= said, f"{entry['id']}: {constant - said} of {entry['expr']}"
            if d.function.shape == SCALAR and d.convention == "riesz" and d.variable.shape != SCALAR:
                last = found.lines[-1].terms
                assert len(last) == 1, entry["id"]
                assert d.direction in variables(last[0].right), entry["id"]
                assert d.direction not in variables(found.result), entry["id"]


def wrong(found: Derivation, i: int, change: Any) -> Derivation:
    line = found.lines[i]
    t = line.terms[0]
    mutated = line._replace(terms=(change(t), *line.terms[1:]))
    return found._replace(lines=(*found.lines[:i], mutated, *found.lines[i + 1 :]))


def times(c: Any) -> Any:
    return lambda t: t._replace(coefficient=c * t.coefficient)


@pytest.mark.parametrize("i", [1, 2, 3, 4])
@pytest.mark.parametrize("factor", [-1, 2, 1.0001])
def test_a_wrong_line_is_found(i: int, factor: float) -> None:
    found = of_text("tr(A*X'*B*X*C)", "X")
    check_lines(found)
    with pytest.raises(CheckFailed, match="line"):
        check_lines(wrong(found, i, times(factor)))


def test_a_transpose_left_out_is_found() -> None:
    found = of_text("tr(A*X)", "X", ("X: n×n", "A: n×n"))
    A = next(v for v in variables(found.function) if v.params[0] == "A")
    dx = found.derivative.direction
    with pytest.raises(CheckFailed):
        check_lines(wrong(found, len(found.lines) - 1, lambda t: Term(1, A, dx)))
    check_lines(wrong(found, len(found.lines) - 1, lambda t: Term(1, transposed(A), dx)))


def test_a_wrong_differential_of_a_part_is_found() -> None:
    found = of_text("norm2(A*X - B)^2", "X")
    (part,) = found.parts
    broken = part._replace(differential=scaled(2, part.differential))
    with pytest.raises(CheckFailed):
        check_lines(found._replace(parts=(broken,)))


def lines_of(found: Derivation) -> list[str]:
    return [str(line.value) for line in found.lines]


def test_the_question_that_started_the_project() -> None:
    found = of_text("tr(A*X*B)", "X")
    assert lines_of(found)[1:] == ["tr(A*dX*B)", "tr(B*A*dX)"]
    assert [[r.name for r in line.rules] for line in found.lines] == [[], ["tr is linear", "constant factors"], ["cyclic"]]
    assert str(found.result) == "A'*B'"


def test_a_residual_is_named_and_used() -> None:
    found = of_text("norm2(A*X - B)^2", "X")
    assert [(str(p.part.symbol), str(p.part.formula), str(p.differential)) for p in found.parts] == [
        ("R", "A*X - B", "A*dX")
    ]
    assert lines_of(found)[1:] == ["2*tr(R'*dR)", "2*tr(R'*A*dX)"]
    assert str(found.result) == "2*A'*R"


def test_the_users_names_are_kept() -> None:
    found = of_text("u = W*x + b\nh = tanh(u)\nnorm2(V*h - y)^2", "W", ("b: m",))
    assert [str(p.part.symbol) for p in found.parts][:2] == ["u", "h"]
    assert str(found.parts[1].differential) in ("du.*(ones(m) - h.^2)", "(ones(m) - h.^2).*du")


@pytest.mark.parametrize("name", ["r", "dr", "R", "delta", "z", "d_1"])
def test_names_of_parts_are_free(name: str) -> None:
    found = of_text(f"norm2({name}*x - y)^2 + norm2({name})", "x", (f"{name}: m×n",))
    taken = {v.params[0] for v in variables(found.function)}
    for p in found.parts:
        assert p.part.symbol.params[0] not in taken
        assert p.symbol.params[0] not in taken
    check_lines(found)


def test_levels_have_more_and_more_lines() -> None:
    counts = [len(of_text("tr(A*X'*B*X*C) + logdet(X*X')", "X", level=level).lines) for level in ("short", "normal", "all")]
    assert counts[0] < counts[1] <= counts[2]
    for level in ("short", "normal", "all"):
        check_lines(of_text("tr(A*X'*B*X*C) + logdet(X*X')", "X", level=level))


def test_a_symmetric_variable_has_its_projection_as_a_step() -> None:
    found = of_text("tr(A*S)", "S", ("S: n×n symmetric",))
    assert found.lines[-1].rules[0].name == "symmetric part"
    assert transposed(found.result) is found.result
    check_lines(found)


def test_what_has_only_the_same_differential_is_not_taken_for_the_value() -> None:
    # log(Y.^2) has the differential of 2*log(Y), but a value where Y is negative
    check_lines(of_text("exp(sum(log(Y.^2)))", "Y", ("Y: n×m",)))


def test_a_chain_through_two_vectors_is_evaluated() -> None:
    x, y, A, X = fr.vector("x", "n"), fr.vector("y", "n"), fr.matrix("A", "n", "n"), fr.matrix("X", "n", "n")
    check_lines(derive(Derivative(x.T @ A @ X @ y * (y.T @ X @ x), X)))


def test_long_chains_are_derived_without_recursion_and_bounded() -> None:
    def network(layers: int) -> Derivation:
        lines = ["h1 = tanh(W*x + b)", *(f"h{i} = tanh(W*h{i - 1} + b)" for i in range(2, layers + 1))]
        return of_text("\n".join([*lines, f"norm2(h{layers} - y)^2"]), "W", ("W: n×n", "b: n"))

    found = network(50)
    assert len(found.parts) >= 50
    assert max(line.value.leaves for line in found.lines) < 1500  # no line has the size of the whole
    with pytest.raises(LimitError, match=f"more than {LINES_LIMIT} lines"):
        network(300)


def test_terms_of_a_line_are_inner_products_of_one_shape() -> None:
    for entry in ENTRIES[::9]:
        for d in derivatives(entry):
            for line in derive(d, traces=False).lines:
                for t in line.terms:
                    assert t.left is None or t.left.shape == t.right.shape
                    assert plain(t).shape == (SCALAR if t.left is not None else t.right.shape)


def random_derivations(first: int, count: int) -> Iterator[tuple[int, Expr, Expr, Derivation]]:
    """Derivations of random expressions, those of the seeds first, first+1, …"""
    sys.path.insert(0, str(TESTS))
    try:
        import test_random_expressions as random_expressions
    finally:
        sys.path.remove(str(TESTS))
    for seed in range(first, first + count):
        rng = Random(seed)
        envs = [random_expressions.draw_values(rng)]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                e = random_expressions.Builder(rng.randrange, envs).root().expr
        except random_expressions.Refused:
            continue
        chosen = [v for v in variables(e) if v.params[2] in ("normal", "positive")]
        if not chosen:
            continue
        x = chosen[rng.randrange(len(chosen))]
        level: Level = ("normal", "all", "short")[seed % 3]  # type: ignore[assignment]
        try:
            found = derive(Derivative(e, x), level, None, seed % 2 == 0)
        except (UnsupportedError, LimitError):
            continue
        yield seed, e, x, found


def failures(first: int, count: int) -> list[str]:
    found = []
    for seed, e, x, derivation in random_derivations(first, count):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                check_lines(derivation, 1)
        except (FrechetError, AssertionError) as error:
            found.append(f"{seed}: {e!r} by {x!r}: {error}")
    return found


def test_random_derivations() -> None:
    assert not failures(0, 120)


@pytest.mark.sweep
@pytest.mark.parametrize("part", range(10))
def test_sweep(part: int) -> None:
    found = failures(1000 * part, 1000)
    assert not found, "\n".join(found[:20])


def test_a_line_knows_its_value() -> None:
    found = of_text("x'*A*x", "x", traces=False)
    assert isinstance(found.lines[-1], Line)
    assert [t.left is None for t in found.lines[-1].terms] == [False]
