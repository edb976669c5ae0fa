"""What a program split along n computes: the values of the plain program, in as few readings of the data as it needs."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pytest

import frechet as fr
from frechet.compilation.sharding import blocks_in_c
from frechet.compilation.sharding.program import ShardedProgram
from frechet.expressions.dimension import axes
from frechet.expressions.errors import ShapeError
from frechet.interfaces.compiling import VIEWS

SIZES = {"n": 23, "k": 3, "c": 4, "m": 5, "h": 6}
ROWS = ["X: n×k", "w: k", "y: n"]
TABLE = ["X: n×k", "W: k×c", "Y: n×c"]
GAUSS = ["X: n×k", "m: k", "S: k×k spd"]
LOGLIKELIHOOD = "n/2*logdet(S) + sum((X-ones(n)*m').*((X-ones(n)*m')*inv(S)))/2"
NETWORK = ["X: n×k", "A: k×h", "B: h×m", "Y: n×m"]

# (formula, declarations, views, by, readings of the data)
SPLIT: list[tuple[str, list[str], str, str, int]] = [
    ("norm2(y-X*w)^2/n", ROWS, "value gradient hessian hvp newton", "w", 1),
    ("norm2(y-X*w)", ROWS, "value gradient", "w", 1),
    ("sum(softplus(-y.*(X*w)))", ROWS, "value gradient hessian hvp newton", "w", 1),
    ("sum(softplus(-y.*(X*w)))/n + s*norm2(w)^2", [*ROWS, "s: scalar positive"], "value gradient hessian", "w", 1),
    ("-sum(Y.*logsoftmax(X*W,2))", TABLE, "value gradient hvp", "W", 1),
    ("crossentropy(X*W,Y,2)", TABLE, "value gradient", "W", 1),
    (LOGLIKELIHOOD, GAUSS, "value gradient", "S", 1),
    (LOGLIKELIHOOD, GAUSS, "value gradient newton", "m", 1),
    ("sum(min(X.^2*W,[],2))", TABLE, "value gradient", "W", 1),
    ("norm2(Y-relu(X*A)*B)^2", NETWORK, "value gradient hvp", "A", 1),
    ("norm2(Y-tanh(X*A)*B)^2", NETWORK, "value gradient", "B", 1),
    ("norm2(T-U*V')^2", ["T: n×m", "U: n×k", "V: m×k"], "value gradient", "U", 1),
    ("norm2(T-U*V')^2", ["T: n×m", "U: n×k", "V: m×k"], "value gradient", "V", 1),
    ("sum(huber(y-X*w,1)) + norm1(X*w)", ROWS, "value gradient", "w", 1),
    ("sum(layernorm(X*W,2).*Y) + sum(prod(Y,2))", TABLE, "value gradient", "W", 1),
    ("max(X*w)*norm2(X*w) + min(y)", ROWS, "value", "", 1),
    ("vec(X)'*vec(Z)", ["X: n×k", "Z: n×k"], "value gradient", "X", 1),
    ("mean(X,1)*w", ROWS[:2], "value", "", 1),
    ("X*X'*y", ROWS, "value", "", 2),
    ("norm2(X*X')^2", ROWS[:1], "value gradient", "X", 2),
    ("norm2((eye(n)-X*inv(X'*X)*X')*y)^2", ROWS, "value", "", 2),
    ("inv(X'*X+s*eye(k))*X'*y", [*ROWS, "s: scalar positive"], "value", "", 1),
    ("var(X*w)", ROWS[:2], "value gradient", "w", 2),
    ("logdet(X'*diag(exp(y))*X)", ROWS, "value gradient", "y", 2),
    ("logsumexp(X*w)", ROWS[:2], "value gradient", "w", 2),
    ("logsumexp(X*w)", ROWS[:2], "value gradient hvp", "w", 3),
    ("softmax(X*w)", ROWS[:2], "value jvp", "w", 3),
    ("sum(softmax(X,1)*w)", ROWS[:2], "value gradient", "X", 2),
]  # fmt: skip

REFUSED: list[tuple[str, list[str], str, str]] = [
    (
        "inv(X*X'+s*eye(n))*y",
        [*ROWS, "s: scalar"],
        "n",
        "X*X' + s*eye(n) needs X*X', which has the axis n twice: each row needs",
    ),
    ("X*X'", ROWS, "n", "the result X*X' has the axis n twice"),
    ("exp(X*X')*y", ROWS, "n", "exp(X*X') needs X*X', which has the axis n twice"),
    ("y'*A*y", ["y: n", "A: n×n"], "n", "the variable A has the axis n twice"),
    ("kron(y,X)", ROWS, "n", "kron(y,X) has an axis of n*n, not of n itself"),
    ("z'*X", ["z: 2*n", "X: 2*n×k"], "n", "the variable z has an axis of 2*n, not of n itself"),
    ("vec(X)", ROWS, "n", "vec(X) has an axis of k*n, not of n itself"),
    ("y[2]*sum(y)", ROWS, "n", "unit(n,2) takes certain entries along it"),
    ("prod(y)", ROWS, "n", "prod(y) needs all rows of y at once"),
    ("pinv(X)*y", ROWS, "n", "a row of pinv(X) depends on the other rows"),
    ("eigmax(X*X')", ROWS, "n", "eigmax(X*X') needs X*X', which has the axis n twice"),
    ("tr(A)*n", ["A: k×k", "z: n"], "n", "no variable of the outputs has the axis n"),
    ("norm2(y)", ROWS, "p", "there is no dimension p: there are n"),
]


def outputs(formula: str, declare: list[str], views: str, by: str) -> list[fr.Expr]:
    e = fr.parse(formula, declare)
    d = fr.derivative(e, fr.variables(e)[by]) if by else None
    return [VIEWS[view](d) for view in views.split()] if d is not None else [e]


def values(program: Any, seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    found: dict[str, Any] = {}
    for v in program.inputs:
        a = rng.standard_normal([d.size(SIZES) for d in axes(v.shape)])
        found[v.params[0]] = a @ a.T + np.eye(len(a)) if v.definite else abs(float(a)) + 0.1 if not a.ndim else a
    return found


@pytest.mark.parametrize("case", SPLIT, ids=lambda case: f"{case[0]}, {case[2]}")
def test_blocks_give_what_the_whole_gives(case: tuple[str, list[str], str, str, int]) -> None:
    formula, declare, views, by, readings = case
    wanted = outputs(formula, declare, views, by)
    program = fr.compile(wanted, shard="n")
    given = values(program)
    whole = fr.compile(wanted)(**given)
    assert program.rounds == readings
    for size in ({}, {"rows": 5}, {"rows": 1}, {"blocks": 4}, {"memory": "20kB"}):
        for found, expected in zip(program.over(**size)(**given), whole, strict=True):
            assert np.shape(found) == np.shape(expected)
            np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-10)


NOT_IN_C = ("sum(min(", "sum(layernorm(")  # by a step that has none


@pytest.mark.parametrize("case", SPLIT, ids=lambda case: f"{case[0]}, {case[2]}")
def test_blocks_in_c_give_what_the_whole_gives(
    case: tuple[str, list[str], str, str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks_in_c, "SHARED", np.inf)  # of so few rows it is most of the work
    formula, declare, views, by, _ = case
    wanted = outputs(formula, declare, views, by)
    program = fr.compile(wanted, shard="n", backend="c")
    given = values(program)
    whole = fr.compile(wanted)(**given)
    for found, expected in zip(program.over(rows=5)(**given), whole, strict=True):
        assert np.shape(found) == np.shape(expected) and found.dtype == np.float64
        np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-10)
    assert isinstance(program, ShardedProgram)
    rounds = program.plan({**SIZES, "n": 5}, "d").rounds
    assert all(f.c is None for f in rounds) if formula.startswith(NOT_IN_C) else all(f.c is not None for f in rounds)


def test_what_blocks_share_is_computed_once_where_it_is_much() -> None:
    g = outputs(LOGLIKELIHOOD, GAUSS, "value gradient", "S")
    program = fr.compile(g, shard="n", backend="c")
    assert isinstance(program, ShardedProgram)
    (few,), (many,) = (program.plan({**SIZES, "n": n}, "d").rounds for n in (5, 10**6))
    assert few.c is None and many.c is not None


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case[0])
def test_what_mixes_rows_is_refused_by_name(case: tuple[str, list[str], str, str]) -> None:
    formula, declare, shard, reason = case
    with pytest.raises(fr.UnsupportedError) as error:
        fr.compile(fr.parse(formula, declare), shard=shard)
    assert reason in str(error.value)


def test_the_slope_of_the_largest_entry_is_refused() -> None:
    """It compares each entry with the largest of all, exactly."""
    with pytest.raises(
        fr.UnsupportedError, match=r"a row of sign\(X\*w - max\(X\*w\)\*ones\(n\)\) depends on the other rows"
    ):
        fr.compile(outputs("max(X*w)", ROWS[:2], "gradient", "w"), shard="n")


def test_other_back_ends_are_refused() -> None:
    with pytest.raises(fr.UnsupportedError, match="by the back ends numpy, c and auto, not by jax"):
        fr.compile(fr.parse("sum(y)", ["y: n"]), backend="jax", shard="n")


def test_declared_functions_are_refused() -> None:
    with pytest.raises(fr.UnsupportedError, match="f is a function declared"):
        fr.compile(fr.parse("sum(f(X*w))", ["f: elementwise", *ROWS[:2]]), shard="n")


def test_n_as_a_number_is_that_of_all_rows() -> None:
    e = fr.parse("sum(X*w)/n + n^2 + sum(ones(n))", ROWS[:2])
    found = fr.compile(e, shard="n").over(rows=4)(X=np.ones((10, 2)), w=np.ones(2))
    assert found == pytest.approx(2 + 100 + 10)


def test_sizes_that_only_say_a_place_are_arguments() -> None:
    program = fr.compile(fr.parse("sum(exp(X[k,:]))", {"X": "n×m"}), shard="m")
    X = np.arange(6.0).reshape(2, 3)
    assert program.over(rows=1)(X=X, k=2) == pytest.approx(np.exp(X[1]).sum())


def test_what_is_the_same_in_all_rows_is_summed_over_all() -> None:
    e = fr.parse("ones(m,m)*(ones(m,m)*Y*diag(q)).^2 - Y/2", {"Y": "m×n", "q": "n"})
    Y, q = np.arange(12.0).reshape(4, 3), np.ones(3)
    np.testing.assert_allclose(fr.compile(e, shard="m").over(rows=1)(Y=Y, q=q), fr.compile(e)(Y=Y, q=q))


def test_a_place_that_the_number_of_rows_tells_is_refused() -> None:
    with pytest.raises(fr.UnsupportedError, match="at a place that the number of rows tells"):
        fr.compile(fr.parse("B[1,k]*sum(v)", {"B": "n×n", "v": "k"}), shard="k")


def test_the_number_of_rows_is_no_whole_number_to_numpy() -> None:
    e = fr.parse("ones(n,m)*diag(exp(w) - logsumexp(ones(m,m)*ones(m,n),2))", {"w": "m"})
    w = np.arange(3.0)
    np.testing.assert_allclose(fr.compile(e, shard="m").over(rows=2)(w=w, n=2), fr.compile(e)(w=w, n=2))


def test_directions_are_multiplied_by_the_data_not_by_its_square() -> None:
    """X'*(s.*(X*v)) and never X'*diag(s)*X; a matrix that is joined anyway is used."""
    (hvp,) = outputs("sum(softplus(-y.*(X*w)))", ROWS, "hvp", "w")
    assert str(fr.compile(hvp, shard="n")) == "n is split: X, y\nround 1: sum of k"
    both = outputs("sum(softplus(-y.*(X*w)))", ROWS, "hessian", "w")
    assert "sum of k×k" in str(fr.compile(both, shard="n"))


def test_what_blocks_share_is_computed_once() -> None:
    source = fr.compile(fr.parse("sum(exp(diag(X*inv(S)*X')))", ["X: n×k", "S: k×k spd"]), shard="n").source
    assert source.index("dpotrf(") < source.index("def block(")


def test_the_precision_is_kept() -> None:
    program = fr.compile(fr.parse("X'*y", ROWS), shard="n").over(rows=3)
    X = np.arange(8, dtype="f").reshape(4, 2)
    assert program(X=X, y=np.ones(4, "f")).dtype == np.float32
    assert program(X=X, y=np.ones(4)).dtype == np.float64
    Z = fr.parse("norm2(Z*v)^2", ["Z: n×k complex", "v: k complex"])
    found = fr.compile([Z], shard="n").over(rows=3)(Z=X * 1j, v=np.ones(2, "F"))
    np.testing.assert_allclose(found[0], np.sum(X.sum(1) ** 2))


def test_no_rows() -> None:
    program = fr.compile([fr.parse("X'*y", ROWS), fr.parse("X*w", ROWS)], ["X", "y", "w"], shard="n")
    for run in (program, program.over(rows=3), program.over(blocks=2)):
        with pytest.raises(ShapeError, match=r"n is at least 1, not 0 \(from X\)"):
            run(np.ones((0, 2)), np.ones(0), np.ones(2))


def test_nan_goes_through() -> None:
    program = fr.compile([fr.parse(f, ["x: n"]) for f in ("sum(x)", "max(x)", "norm2(x)", "norm1(x)")], shard="n").over(
        rows=2
    )
    x = np.array([1.0, np.inf, 3.0, np.nan, 2.0])
    assert np.isnan(program(x=x)).all()


def test_the_norm_does_not_overflow() -> None:
    program = fr.compile(fr.parse("norm2(x)", ["x: n"]), shard="n").over(rows=2)
    assert program(x=np.full(4, 1e200)) == pytest.approx(2e200)


def test_random_expressions() -> None:
    """What is not refused is right."""
    from test_random_expressions import DIMS, Builder, Refused, draw_values

    done = 0
    for seed in range(150):
        rng = Random(seed)
        env = draw_values(rng)
        try:
            e = Builder(rng.randrange, [env]).tree(rng.choice([("1", "1"), ("n", "1"), ("n", "m"), ("m", "m")]), 5).expr
            program = fr.compile(e, shard="n")
        except (Refused, fr.FrechetError):
            continue
        given: dict[str, Any] = {}
        for v in program.inputs:
            shape = [d.size(DIMS) for d in axes(v.shape)]
            given[v.params[0]] = env[v.params[0]].reshape(shape) if shape else float(env[v.params[0]].item())
        given |= {n: DIMS[n] for n in program.arguments.sizes}
        whole = (
            fr.compile(e)
            .at(**DIMS)
            .run(*(given[n] for n in program.arguments.names), *(given[n] for n in program.arguments.sizes))
        )
        for rows in (1, 2):
            np.testing.assert_allclose(program.over(rows=rows)(**given), whole, rtol=1e-6, atol=1e-8)
        done += 1
    assert done > 20


@pytest.mark.parametrize("text", ["std(X*w)", "var(X*w)/n", "norm2(X*w)/sqrt(n)", "log(n)*sum(X*w)", "mean(X*w)"])
@pytest.mark.parametrize("backend", ["numpy", "c"])
def test_numbers_of_rows_are_of_the_precision_of_the_arrays(text, backend):
    program = fr.compile(fr.parse(text, ["X: n×k", "w: k"]), shard="n", backend=backend)
    X, w = np.arange(12.0).reshape(6, 2) % 5, np.array([1.0, -2.0])
    single = program.over(rows=4)(X=X.astype("f"), w=w.astype("f"))
    assert np.asarray(single).dtype == np.float32
    np.testing.assert_allclose(single, program.over(rows=4)(X=X, w=w), rtol=1e-5)
