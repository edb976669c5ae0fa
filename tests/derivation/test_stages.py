"""Stages: what is cut off and put back is what was there; no stage knows more than its inputs."""

from __future__ import annotations

import pytest

from frechet.derivation.stages import Stage, cut, dimensions, split, standing_for
from frechet.expressions.node import Expr, substitute, walk
from frechet.notation.reading import parse, read, read_stages
from frechet.operations.constants import variable
from frechet.operations.transposition import symmetric

NETWORKS = [
    "h = relu(W1*x + b1)\nz = W2*h + b2\n-y'*log(softmax(z))",
    "H = softmax(Q*K'/sqrt(d),2)*V\nnorm2(H - Y)^2",
    "u = x\nv = u\nk = 3\nnorm2(A*v.^k - y)^2",
    "S = X'*X\nT = S + S*S\nlogdet(T + eye(n))",
    "h1 = h0 + V1*tanh(W1*h0)\nh2 = h1 + V2*tanh(W2*h1)\nsum(h2)",
]


def whole(stages: list[Stage]) -> Expr:
    """The last expression with all symbols replaced by what they stand for."""
    values: dict[Expr, Expr] = {}
    e = stages[-1].expression
    for stage in stages:
        e = substitute(stage.expression, values)
        values[stage.symbol] = e
    return e


@pytest.mark.parametrize("text", NETWORKS)
def test_stages_put_together_are_the_function(text: str) -> None:
    reading, stages = read_stages(text)
    assert whole(stages) is read(text).expression
    active = set(reading.variables.values())
    assert whole(split(stages, active, ())) is read(text).expression


@pytest.mark.parametrize("text", NETWORKS)
def test_a_stage_uses_variables_and_earlier_stages_only(text: str) -> None:
    reading, stages = read_stages(text)
    for found in (stages, split(stages, set(reading.variables.values()), ())):
        known = set(reading.variables.values())
        for stage in found:
            assert set(stage.inputs) <= known
            known.add(stage.symbol)
        assert len({s.name for s in found}) == len(found)


def test_lines_are_kept_and_numbers_put_in() -> None:
    _, stages = read_stages("h = A*x\n\nk = 2\nnorm2(h)^k")
    assert [(s.name, s.line) for s in stages] == [("h", 1), ("L", 4)]
    assert str(stages[-1].expression) == "norm2(h)^2"


def test_the_result_has_a_name_that_is_free() -> None:
    assert read_stages("L = A*x\nsum(L)")[1][-1].name == "L_"


def test_affine_parts_of_functions_become_stages_and_a_loss_does_not_fall_apart() -> None:
    reading, stages = read_stages(NETWORKS[0])
    weights = {reading.variables[name] for name in ("W1", "b1", "W2", "b2")}
    found = split(stages, weights, ())
    assert [s.name for s in found if not s.own] == ["a_h"]
    assert [str(s.expression) for s in found][-1] == "-log(softmax(z))'*y"


def test_split_takes_no_name_that_is_taken() -> None:
    reading, stages = read_stages("h = relu(W*x)\nsum(h) + sum(a_h)")
    names = [s.name for s in split(stages, {reading.variables["W"]}, set(reading.variables))]
    assert names == ["a_h2", "h", "L"]


@pytest.mark.parametrize(
    ("text", "structure", "domain"),
    [
        ("X'*X", ("psd",), "normal"), ("X + X'", ("symmetric",), "normal"), ("exp(x)", (), "positive"),
        ("relu(x)", (), "nonnegative"), ("A*x", (), "normal"), ("inv(S)", ("spd",), "normal"),
    ],
)  # fmt: skip
def test_what_is_known_of_a_value_is_known_of_its_symbol(text: str, structure: tuple[str, ...], domain: str) -> None:
    e = parse(text, ["S: n×n spd"])
    symbol = standing_for(e, "T")
    assert symbol.params[1:3] == (structure, domain) and symbol.shape == e.shape
    assert symmetric(symbol) == (symmetric(e) and e.kind == "matrix") or e.kind != "matrix"


def test_cut_replaces_every_occurrence() -> None:
    e = parse("tanh(A*x)'*B*tanh(A*x) + sum(A*x)")
    part = next(node for node in walk(e) if str(node) == "A*x")
    symbol = variable("a", part.shape)
    stages, (rest,) = cut([e], {part: symbol})
    assert stages == [Stage(symbol, part)]
    assert part not in set(walk(rest))
    assert substitute(rest, {symbol: part}) is e


def test_dimensions_are_named_in_order() -> None:
    assert set(dimensions(read_stages(NETWORKS[0])[1])) == {"m", "n", "p"}


def test_reading_and_splitting_a_long_chain_is_linear() -> None:
    """3,000 layers whose values would be sums of thousands of terms if they were put in."""
    lines = ["h0 = x", *(f"h{i} = h{i - 1} + W*h{i - 1}" for i in range(1, 3001)), "norm2(h3000 - y)^2"]
    reading, stages = read_stages("\n".join(lines))
    assert len(stages) == 3002
    assert all(s.expression.leaves < 10 for s in split(stages, {reading.variables["W"]}, ()))
