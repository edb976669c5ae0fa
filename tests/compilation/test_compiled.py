"""Compiled programs: equal to the formula on every operation and on random expressions, whatever sizes they are made for."""

import json
import pickle
import re
import sys
from fractions import Fraction
from itertools import permutations
from pathlib import Path
from random import Random

import numpy as np
import pytest

import frechet as fr
from frechet.compilation import distribution
from frechet.compilation.compiled import CompiledProgram
from frechet.compilation.distribution import distributed
from frechet.compilation.emission import Emission
from frechet.compilation.low_rank import low_rank_updates
from frechet.compilation.lowering import lower
from frechet.compilation.numpy_source import compiled, evaluate
from frechet.compilation.ordering import ordered
from frechet.compilation.partial_sums import partial_sums
from frechet.compilation.passes import factorized, flattened
from frechet.compilation.rewriting import (
    activations_shared,
    common_factors,
    exact_near_zero,
    negatives_shared,
    scalars_shared,
)
from frechet.compilation.shared_products import products_shared
from frechet.compilation.table import flops
from frechet.compilation.timing import Rates
from frechet.compilation.values import Graph, walk
from frechet.compilation.views import views_inward
from frechet.expressions.dimension import dim
from frechet.expressions.errors import FrechetError, NotationError, ShapeError, UnsupportedError
from frechet.expressions.node import variables
from frechet.expressions.operation import all_operations
from frechet.notation.reading import read_entry
from frechet.operations.declared_functions import symbols
from frechet.verification.sampling import random_sizes, sample
from tests.test_random_expressions import DIMS, Builder, Refused, draw_values
from tests.test_random_parts import DECLARATIONS, given
from tests.test_random_parts import DIMS as SIZES_OF_PARTS
from tests.test_random_parts import Builder as BuilderOfParts
from tests.test_random_parts import Refused as RefusedPart
from tests.test_random_parts import draw_values as draw_parts
from tests.test_registry import example

CORPUS = Path(__file__).resolve().parent.parent / "corpus" / "corpus.jsonl"
ASSUMED = ({}, {"n": 1000, "m": 3, "p": 50}, {"n": 3, "m": 1000, "k": 4})  # orders of products depend on sizes


def close(a, b):
    a, b = np.asarray(a), np.asarray(b)
    finite = np.abs(b[np.isfinite(b)])
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-6, atol=1e-7 * (1 + np.max(finite, initial=0)), equal_nan=True)


def agree(expressions, values, sizes, assumed):
    """The program made for the assumed sizes gives what the formulas give, and leaves its arguments as they are."""
    reference = compiled(list(expressions))
    given = {v.params[0]: values[v.params[0]] for v in variables(*expressions)}
    want = reference(**given, **{n: sizes[n] for n in reference.sizes})
    before = {n: np.array(a) for n, a in given.items()}
    program = fr.compile(list(expressions))
    made = program.at(**{n: assumed.get(n, 100) for n in program._names[3].values()})
    free = [sizes[n] for n in program._free_sizes]
    got = made.run(*(given[n] for n in program.arguments.names), *free)
    for g, w in zip(got, want, strict=True):
        assert close(g, w), f"{expressions}\n{made.function}\n{g}\n{w}"
    assert all(np.array_equal(before[n], given[n], equal_nan=True) for n in before), made.function


def gradients(e):
    found = []
    if e.kind == "scalar":
        for v in variables(e):
            try:
                found.append(fr.derivative(e, v).gradient)
            except FrechetError:
                continue
    return found


def regular(expressions, values, sizes):
    """Does rounding not matter here, as it does where a matrix is singular to the last digits?"""
    function = compiled(list(expressions))
    given = {v.params[0]: values[v.params[0]] for v in variables(*expressions)}
    free = {n: sizes[n] for n in function.sizes}
    there = function(**given, **free)
    near = function(**{n: a * (1 + 1e-12) for n, a in given.items()}, **free)
    return all(close(a, b) for a, b in zip(near, there, strict=True))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("page", all_operations(), ids=lambda page: page.name)
def test_every_operation_compiles(page):
    for i, text in enumerate(page.examples):
        e = example(page, text)
        if symbols(e):
            continue
        expressions = [e, *gradients(e)]
        sizes = random_sizes(expressions, Random(5))
        mood = "spd" if page.domain in ("spd", "invertible") else "unit01" if page.domain else "plain"
        drawn = [sample(variables(e), sizes, Random(seed), mood) for seed in range(7, 12)]
        for values in [values for values in drawn if regular(expressions, values, sizes)][:1]:
            agree(expressions, values, sizes, ASSUMED[i % 3])


def random_tree(seed):
    rng = Random(seed)
    envs = [draw_values(rng)]
    shape = rng.choice([("1", "1"), ("1", "1"), ("n", "1"), ("n", "m"), ("n", "n"), ("m", "n")])
    try:
        return rng, Builder(rng.randrange, envs).tree(shape, 5).expr, envs[0]
    except Refused:
        return None


def point(expressions, env):
    values = {}
    for v in variables(*expressions):
        a = env[v.params[0]]
        shape = [d.size(DIMS) for d in v.shape if str(d) != "1"]
        values[v.params[0]] = np.ascontiguousarray(a.reshape(shape)) if shape else float(a.ravel()[0])
    return values


def check_seed(seed):
    tree = random_tree(seed)
    if tree is None:
        return
    rng, e, env = tree
    expressions = [e]
    if e.kind == "scalar":
        for v in rng.sample(variables(e), min(2, len(variables(e)))):
            try:
                d = fr.derivative(e, v)
                expressions += [d.gradient, *([d.hessian] if rng.random() < 0.3 else [])]
            except FrechetError:
                continue
    try:
        agree(expressions, point(expressions, env), dict(DIMS), ASSUMED[seed % 3])
    except (np.linalg.LinAlgError, FrechetError):
        return


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("block", range(6))
def test_random_expressions(block):
    for seed in range(40 * block, 40 * block + 40):
        check_seed(seed)


def check_parts(seed):
    """Of random expressions with blocks, slices, entries, sums over an index and tensors: the value and two gradients."""
    rng = Random(seed)
    env = draw_parts(rng)
    try:
        e = fr.parse(BuilderOfParts(rng, [env]).root().text, DECLARATIONS)
    except (RefusedPart, FrechetError):
        return
    if not symbols(e):
        values = {n: np.ascontiguousarray(a) if np.ndim(a) else a for n, a in given(env).items()}
        agree([e, *gradients(e)[:2]], values, SIZES_OF_PARTS, SIZES_OF_PARTS)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("block", range(4))
def test_random_parts(block):
    for seed in range(200 * block, 200 * block + 200):
        check_parts(seed)


@pytest.mark.sweep
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("block", range(20))
def test_sweep_of_parts(block):
    for seed in range(1000 + 500 * block, 1500 + 500 * block):
        check_parts(seed)


@pytest.mark.parametrize(
    "text",
    [
        "s*ones(n)*unit(n,2)' + A",
        "s*unit(n,2)*ones(n)' + A",
        "s*unit(n,2) + x + diag(A)",
        'einsum("ijk,k->ij",T,x) - exp(A)',
        'A*B - einsum("ijk,k->ij",T,x)',
        'einsum("ij,k->ijk",diag(x),x) + T',
        "sum(ones(n,n)*diag(A))",
        "ones(n,n)*diag(A*B) + x",
        "(x./exp(diag(A)))*(x.^(-1))'",
        "x*step(diag(A))'",
    ],
)
def test_terms_that_are_not_what_they_resemble(text):
    """A unit vector that is repeated is no single entry; a tensor times a vector is no product of matrices; a trace that is
    repeated is no diagonal."""
    e = fr.parse(text, {"A": "n×n", "B": "n×n", "x": "n", "T": "n×n×n", "s": "scalar"})
    rng = np.random.default_rng(4)
    values = {"s": 2.0} | {n: rng.normal(size=(4,) * k) for n, k in {"x": 1, "A": 2, "B": 2, "T": 3}.items()}
    agree([e], values, {"n": 4}, {"n": 4})


@pytest.mark.parametrize("name", ["identity", "mirrored", "dpotrs", "dgemm", "np", "info", "logdet"])
def test_variables_called_as_what_programs_call(name):
    e = fr.parse(f"sum(inv({name}).^2) + norm2({name}*x - inv({name})*x)", {name: "n×n spd", "x": "n"})
    assert np.isclose(fr.compile(e)(**{name: 2 * np.eye(3), "x": np.ones(3)}), 3 / 4 + np.sqrt(3) * 1.5)


@pytest.mark.sweep
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("block", range(20))
def test_sweep(block):
    for seed in range(10_000 + 200 * block, 10_200 + 200 * block):
        check_seed(seed)


def value_of(graph, roots, rates, env, sizes):
    """What steps compute, whichever passes they went through."""
    steps = factorized(graph, ordered(graph, roots, rates), trying=False)
    inputs = {v.params[0]: v for v in walk(steps) if v.op == "input"}
    emission = Emission({n: n for n in inputs}, {"np", "info", *inputs, *sizes}, rates)
    results = emission.run(steps)
    import scipy.linalg.lapack
    import scipy.special

    import frechet.compilation.runtime as runtime

    space = vars(runtime) | vars(scipy.linalg.lapack) | vars(scipy.special) | {"special": scipy.special} | sizes
    space |= {n: env[n] for n in inputs}
    body = [*sorted(emission.modules), *emission.lines, f"results = ({', '.join(results)},)"]
    exec("\n".join(body), space)
    return space["results"], rates.total(list(walk(steps)))


PASSES = {
    "activations": lambda graph, roots, rates: activations_shared(graph, roots, rates),
    "near zero": lambda graph, roots, rates: exact_near_zero(graph, roots),
    "views": lambda graph, roots, rates: views_inward(graph, roots),
    "partial sums": lambda graph, roots, rates: partial_sums(graph, roots),
    "flat": lambda graph, roots, rates: flattened(graph, roots),
    "scalars": lambda graph, roots, rates: scalars_shared(graph, roots),
    "negatives": lambda graph, roots, rates: negatives_shared(graph, roots),
    "products": lambda graph, roots, rates: products_shared(graph, flattened(graph, roots)),
    "factors": lambda graph, roots, rates: common_factors(graph, flattened(graph, roots)),
    "distributed": lambda graph, roots, rates: distributed(graph, flattened(graph, roots), rates),
    "low rank": lambda graph, roots, rates: low_rank_updates(graph, flattened(graph, roots), rates),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", PASSES)
def test_a_pass_keeps_values_and_costs_no_more(name):
    worse = total = 0
    for seed in range(500, 560):
        tree = random_tree(seed)
        if tree is None or tree[1].op.name == "variable":
            continue
        _, e, env = tree
        expressions = [e, *gradients(e)[:1]]
        values = point(expressions, env)
        rates = Rates({"n": 300, "m": 40, "k": 5})
        graph = Graph()
        roots = lower(graph, expressions)
        try:
            before, cost = value_of(graph, roots, rates, values, dict(DIMS))
        except np.linalg.LinAlgError:
            continue
        after, less = value_of(graph, PASSES[name](graph, roots, rates), rates, values, dict(DIMS))
        assert all(close(a, b) for a, b in zip(after, before, strict=True)), e
        total += 1
        worse += less > 1.02 * cost + 2e-6
    assert total > 30
    assert worse <= total // 20  # the order of long products is a heuristic beyond eight operands


# -- what the order of products is


def source(text, declared=None, by=None, **sizes):
    e = fr.parse(text, declared or {})
    e = fr.derivative(e, fr.variables(e)[by]).gradient if by else e
    return fr.compile(e, sizes=sizes).at().function


def test_chains_are_multiplied_from_the_vector():
    assert source("A*B*C*v").count(".dot(") == 3
    assert "v" in source("A*B*C*v").split("\n")[1]


def test_the_order_follows_the_sizes():
    assert source("A*B*C", {"A": "n×m", "B": "m×n", "C": "n×m"}, n=1000, m=10) != source(
        "A*B*C", {"A": "n×m", "B": "m×n", "C": "n×m"}, n=10, m=1000
    )


@pytest.mark.parametrize(
    ("text", "declared", "absent"),
    [
        ("tr(A*B)", {}, ".dot("),  # a sum of products of entries
        ("diag(v)*A", {}, "np.diag"),
        ("A*diag(v)", {}, ".dot("),
        ("sum(A,2)", {}, "np.ones"),
        ("(x*y')*z", {"z": "m"}, "[:, None]"),
        ("kron(A,B)*vec(X)", {"A": "n×n", "B": "m×m", "X": "m×n"}, "[:, None"),
        ("inv(A)*b", {"A": "n×n", "b": "n"}, "getri"),
        ("tr(inv(S)*A)", {"S": "n×n spd", "A": "n×n"}, ".dot("),
        ("A[1:3,:]*B", {}, "np.eye"),
        ("[A, B; B', C]*[x; z]", {"A": "n×n", "B": "n×m", "C": "m×m", "x": "n", "z": "m"}, "np.block"),
        ("norm2([A, B]*z)", {"A": "n×n", "B": "n×n", "z": "2*n"}, "np.block"),
        ("y'*[A; B]*x", {"A": "n×n", "B": "n×n", "x": "n", "y": "2*n"}, "np.block"),
        ("sum(exp(diag(X*Y'))) + 3*z'*diag(X*Y')", {"X": "n×m", "Y": "n×m", "z": "n"}, ".dot(Y"),  # used twice
        ("A*B - x*ones(m)'", {"A": "n×p", "B": "p×m", "x": "n"}, "np.zeros"),  # the product is begun with
    ],
)
def test_what_is_never_formed(text, declared, absent):
    assert absent not in source(text, declared, n=1000, m=900, p=800)


def test_one_factorization_serves_all():
    S = "S: n×n spd"
    e = fr.parse("logdet(S) + y'*inv(S)*y", {"S": "n×n spd"})
    program = fr.compile([e, *(fr.derivative(e, fr.variables(e)[n]).gradient for n in "Sy")], sizes={"n": 1000})
    assert S and program.at().function.count("potrf(") == 1 and "getrf" not in program.source


def test_symmetric_products_are_of_one_matrix_with_itself():
    body = source("X'*diag(exp(v))*X", {"X": "m×n", "v": "m"}, n=100, m=1000)
    assert "t2.T.dot(t2)" in body or (".T.dot(" in body and "np.sqrt" in body)


def test_the_residual_of_a_factorization_is_not_formed_for_its_gradient():
    body = source("norm2(T-U*V')^2", by="U", n=1000, m=1000, p=10)
    assert "V.T.dot(V)" in body and "T.dot(V)" in body


def work(text, declared, by=None, **sizes):
    """The floating-point operations of a value, or of the gradient, at these sizes."""
    e = fr.parse(text, declared)
    e = fr.derivative(e, fr.variables(e)[by]).gradient if by else e
    made = fr.compile(e, sizes=sizes).at()
    return sum(flops(v, made.rates) or 0 for v in made.steps)


SMALL = {"U": "n×k", "V": "n×k", "d": "n positive", "C": "k×k spd", "c": "scalar positive"}
LOW_RANK = [
    "y'*inv(diag(d) + U*U')*y", "logdet(c*eye(n) + U*U')", "logdet(diag(d) + U*C*U') + y'*inv(diag(d) + U*C*U')*y",
    "y'*inv(diag(d) + x*z')*y", "logdet(eye(n) + x*x')", "sum(inv(2*eye(n) + U*V'/3)*y)",
]  # fmt: skip


@pytest.mark.parametrize("text", LOW_RANK)
def test_diagonal_plus_low_rank_costs_no_cube(text):
    e = fr.parse(text, SMALL)
    assert work(text, SMALL, n=1000, k=5) < 1000 * 1000
    rng = np.random.default_rng(2)
    values = {}
    for name, v in fr.variables(e).items():
        shape = tuple({"n": 9, "k": 2}[str(d)] for d in v.shape if str(d) in "nk")
        values[name] = rng.random(shape) + 0.1 if shape else 0.7
    if "C" in values:
        values["C"] = values["C"] @ values["C"].T + np.eye(2)
    for f in (e, *(fr.derivative(e, v).gradient for v in fr.variables(e).values())):
        program = fr.compile(f)
        made = program.at(n=1000, k=5)
        free = [{"n": 9, "k": 2}[n] for n in program._free_sizes]
        assert close(made.run(*(values[n] for n in program.arguments.names), *free), evaluate(f, values, {"n": 9, "k": 2}))


@pytest.mark.parametrize(
    ("text", "declared", "by", "bound"),
    [
        ("tr(A*X'*B*X*C)", {}, "X", 10 * 500**3 + 1e7),  # C*A once for both terms
        ("norm2(inv(X)*b)^2", {"X": "n×n", "b": "n"}, "X", 500**3),  # two solves and an outer product beside LU
        ("norm2(A*B*C*D*v)^2", {}, "v", 20 * 500**2),
        ("norm2(A*B*C*D*v)^2", {}, "A", 20 * 500**2),
        ("tr(A*B*A*B)", {"A": "n×n", "B": "n×n"}, None, 2 * 500**3 + 1e6),  # A*B once
        ("(A + A')*x", {"A": "n×n", "x": "n"}, None, 5 * 500**2),
        ("kron(A,B)*kron(x,z)", {"A": "n×n", "B": "n×n", "x": "n", "z": "n"}, None, 6 * 500**2),
    ],
)
def test_the_work_is_what_an_expert_would_do(text, declared, by, bound):
    sizes = dict.fromkeys("nmpqr", 500)
    assert work(text, declared, by, **sizes) <= bound


@pytest.mark.parametrize("length", [2, 4, 5, 9, 14])
def test_a_number_is_multiplied_where_that_is_least(length):
    """However long the product is, a vector is doubled and not the matrix."""
    names = [f"A{i}" for i in range(length)]
    g = fr.parse(f"norm2({'*'.join(names)}*v)^2", {**dict.fromkeys(names, "n×n"), "v": "n"})
    steps = fr.compile(fr.derivative(g, "A0").gradient).at(n=1000).steps
    assert [len(v.shape) for v in steps if v.op == "contract" and v.params[3] != 1] == [1]


def test_a_number_in_front_of_a_vector_goes_to_a_scalar():
    g = fr.parse("(a - x'*b)^2", {"a": "scalar", "b": "n"})
    steps = fr.compile(fr.derivative(g, "x").gradient).at(n=1000).steps
    assert [v.shape for v in steps if v.op == "contract" and v.params[3] != 1] == [()]


def test_a_difference_the_other_way_round_is_no_new_sum():
    g = fr.parse("norm2(sigmoid(W*x + b) - y)^2/2", {"W": "m×n"})
    steps = fr.compile([g, fr.derivative(g, "W").gradient]).at(m=50, n=40).steps
    assert sum(v.op == "map" and v.params[0][0] == "linear" and bool(v.shape) for v in steps) == 2  # W*x + b, p - y


@pytest.mark.parametrize("logits", ["W*x + b", "X*w", "X*W .+ b'", "3*x - y", "y - 3*x"])
def test_both_sigmoids_of_a_sum_take_one_exponential(logits):
    declared = {"W": "m×n", "x": "n", "b": "m", "X": "n×m", "w": "m", "y": "n"}
    declared |= {"W": "m×k", "b": "k"} if "X*W" in logits else {}
    g = fr.parse(f"sum(sigmoid({logits}).^2)", declared)
    D = fr.derivative(g, fr.variables(g)[logits.replace("3*", "")[0]])
    function = D.compile("value", "gradient").at(n=4000, m=3000, k=30).function
    assert function.count("np.exp(") == 1 and "expit" not in function


def meaning(v):
    """A product of two operands, told alike in whatever order they and its labels come."""
    ins, out, _, c = v.params
    told = []
    for pairs in permutations(zip(v.args, ins, strict=True)):
        numbers = {k: i for i, k in enumerate(dict.fromkeys([*out, *(k for _, labels in pairs for k in labels)]))}
        told.append([(a.serial, [numbers[k] for k in labels]) for a, labels in pairs])
    return repr((min(told), len(out), c))


def test_no_product_is_computed_twice():
    """Of the expressions of the corpus with their gradients and second differentials."""
    count = 0
    for line in CORPUS.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        x = read_entry(entry["expr"], entry["vars"], entry["dims"], entry["wrt"])
        try:
            d = fr.derivative(x.expression, x.variables[entry["wrt"]])
            steps = fr.compile([x.expression, d.gradient, d.gradient_differential]).at().steps
        except FrechetError:
            continue
        products = [meaning(v) for v in steps if v.op == "contract" and len(v.args) == 2]
        assert len(set(products)) == len(products), entry["id"]
        count += len(products)
    assert count > 2000


def test_a_power_beside_vectors_is_not_formed():
    g = fr.parse("a'*X^2*b + norm2(X^2*b)^2", {"X": "n×n", "a": "n", "b": "n"})
    text = fr.compile([g, fr.derivative(g, "b").gradient]).at(n=500).function
    assert "X.dot(X)" not in text and "dgemm" not in text
    g = fr.parse("norm2(X^2 - M)^2", {"X": "n×n"})  # beside matrices it is formed once
    text = fr.compile([g, fr.derivative(g, "X").gradient]).at(n=500).function
    assert text.count("X.dot(X)") + text.count("dgemm(1.0, X.T, X.T") == 1


def test_a_shared_sum_is_distributed_in_all_its_products():
    declared = {"D": "n×n symmetric", "c": "scalar", "l": "scalar", "s": "scalar", "y": "n"}
    g = fr.parse("y'*inv(c*exp(-D/l) + s*eye(n))*y + logdet(c*exp(-D/l) + s*eye(n))", declared)
    d = fr.derivative(g, fr.variables(g)["l"])
    made = fr.compile([g, d.gradient, d.hessian], sizes={"n": 1000}).at()
    cubes = [v for v in made.steps if (flops(v, made.rates) or 0) >= 1.9 * 1000**3]
    assert len(cubes) <= 1  # inv(K)*K', of which all traces are made


def test_powers_share_their_halves():
    g = fr.parse("tr(X^5)")
    program = fr.derivative(g, "X").compile("value", "gradient")
    assert program.at(n=100).function.count(".dot(") == 2  # X*X, and (X*X)*(X*X)
    X = np.random.default_rng(3).normal(size=(4, 4)) / 2 + np.eye(4)
    for k in (*range(-9, 0), *range(2, 12)):
        e = fr.parse(f"X^{k}*y", {"y": "n"})
        for backend in ("numpy", "c"):
            assert close(fr.compile(e, backend=backend)(X=X, y=X[0]), np.linalg.matrix_power(X, k) @ X[0])


def test_so_it_is_where_the_program_is_long():
    """The Hessian in all three parameters of a Gaussian process."""
    text = "K = t[1]^2*exp(-D/(2*t[2]^2)) + t[3]^2*eye(n)\ny'*inv(K)*y/2 + logdet(K)/2"
    g = fr.parse(text, {"D": "n×n symmetric", "y": "n", "t": "3"})
    made = fr.derivative(g, "t").compile("hessian").at(n=1000)
    cubes = [v for v in made.steps if (flops(v, made.rates) or 0) >= 0.9 * 1000**3]
    assert len(cubes) == 1  # beside the inverse


def test_riccati_steps_are_not_tried_in_all_products(monkeypatch):
    """A trial orders the whole program, whose products are long: five of six seconds for nothing."""
    steps = [f"K{i + 1} = Q + A'*(K{i} - K{i}*B*inv(R + B'*K{i}*B)*B'*K{i})*A" for i in range(5)]
    declared = {"K": "n×n spd", "Q": "n×n spd", "A": "n×n", "B": "n×m", "R": "m×m spd", "x": "n"}
    e = fr.parse("\n".join(["K0 = K", *steps, "x'*K5*x"]), declared)
    runs = []
    monkeypatch.setattr(distribution, "ordered", lambda *args: runs.append(1) or ordered(*args))
    fr.derivative(e, "A").compile("value", "gradient").at()
    assert not runs


def test_what_terms_have_in_common_is_multiplied_once():
    """Of norm2(inv(X)*b)^2 four solves give the Hessian in a direction, as by hand, and one product of columns and rows."""
    g = fr.parse("norm2(inv(X)*b)^2", {"b": "n"})
    text = fr.derivative(g, fr.variables(g)["X"]).compile("hvp").at(n=100).function
    assert (text.count("dgetrs("), text.count("[:, None]"), text.count(".T.dot(np.array(")) == (4, 0, 1)
    assert source("A*x + A*y - B*x").count(".dot(") + source("A*x + A*y - B*x").count("gemv(") == 2
    kept = fr.compile(fr.parse("A*x + A*y")).prepare(A=np.eye(3), y=np.ones(3))
    assert np.array_equal(kept(x=np.ones(3)), 2 * np.ones(3))


def test_a_sum_of_outer_products_is_one_product():
    g = fr.parse("tr(A*X'*B*X*C)")
    text = fr.derivative(g, fr.variables(g)["X"]).compile("hessian").at(n=20).function
    assert text.count(".dot(") == 2 and " += " not in text


SECOND = [
    "tr(A*X'*B*X*C)",
    "norm2(inv(X)*b)^2",
    "norm2(X*X' - A)^2",
    "logdet(X'*X)",
    "tr(X*A*X*B)*(b'*X*c)",
    "sum(X.*X*A)",
    "(b'*X*c)^3 + tr(X*A)^2",
    "tr(inv(X)*A)*tr(X)",
    "sum(exp(X)*b) + s*tr(X'*X)",
    "norm2(X.*(b*c'))^2 + (c'*X*b)*(b'*X*c)",
]


@pytest.mark.parametrize("text", SECOND)
def test_dense_hessians(text):
    """Their terms have factors in common, in every combination of axes."""
    g = fr.parse(text, {"X": "n×n", "A": "n×n", "B": "n×n", "C": "n×n", "b": "n", "c": "n", "s": "scalar"})
    D = fr.derivative(g, fr.variables(g)["X"])
    rng = np.random.default_rng(6)
    values = (
        {n: rng.normal(size=(4, 4)) + 2 * np.eye(4) for n in "XABC"} | {n: rng.normal(size=4) for n in "bc"} | {"s": 0.7}
    )
    direction = rng.normal(size=(4, 4))
    for n in (4, 1000):
        agree([D.hessian, D.gradient], values, {"n": 4}, {"n": n})
    hvp = D.compile("hvp")
    given = {name: values.get(name, direction) for name in hvp.arguments.names}
    H = fr.compile(D.hessian)
    dense = H(**{name: values[name] for name in H.arguments.names}) @ direction.reshape(-1, order="F")
    assert close(hvp(**given).reshape(-1, order="F"), dense)


ROWS = [  # a function of rows, by what is in them or is added to all of them, and how many entries its Hessian has
    ("sum(logsumexp(X*W,2))", "W", lambda n, m, k: (m * k) ** 2),
    ("sum(softmax(X*W,2)*w)", "W", lambda n, m, k: (m * k) ** 2),
    ("sum(logsumexp(W'*X',1))", "W", lambda n, m, k: (m * k) ** 2),
    ("logsumexp(-(X .- x .- y'))", "x", lambda n, m, k: n**2),
    ("logsumexp(-(X .- x .- y'))", "y", lambda n, m, k: m**2),
    ("sum(logsumexp(X .+ y',2))", "y", lambda n, m, k: m**2),
]


@pytest.mark.parametrize(("text", "by", "entries"), ROWS)
def test_hessians_of_row_wise_functions_form_nothing_larger(text, by, entries):
    """The identity of all rows is taken apart into those of the axes that its products are over."""
    g = fr.parse(text, {"X": "n×m", "W": "m×k", "x": "n", "y": "m", "w": "k"})
    H = fr.derivative(g, by).hessian
    steps = fr.compile(H).at(n=1000, m=20, k=5).steps
    rates = Rates({"n": 1000, "m": 20, "k": 5})
    assert max(rates.entries(v.shape) for v in steps) <= max(entries(1000, 20, 5), 1000 * 20 * 5)
    rng = np.random.default_rng(7)
    values = {"X": (5, 3), "W": (3, 2), "x": (5,), "y": (3,), "w": (2,)}
    agree([H], {n: rng.normal(size=shape) for n, shape in values.items()}, {"n": 5, "m": 3, "k": 2}, {"n": 1000})


NORMALIZED = [
    "layernorm(x,1/8)",
    "layernorm(X*A,2,c)",
    "layernorm(X,1)",
    "rmsnorm(x,c)",
    "rmsnorm(X*A,2,1/8)",
    "var(X*A)",
    "var(X,2)",
]


@pytest.mark.parametrize("text", NORMALIZED)
def test_normalizations_share_what_their_derivatives_need(text):
    """Means, variances and roots are steps, of which no two are the same; and far from 0 no digits are lost."""
    declared = {"x": "n", "X": "n×m", "A": "m×m", "c": "scalar"}
    e = fr.parse(text, declared)
    g = fr.sum(e**3) if e.kind != "scalar" else e**2
    outputs = [g, *(fr.derivative(g, v).gradient for v in fr.variables(g).values())]
    steps = fr.compile(outputs).at(n=50, m=40).steps
    assert not any(v.op == "page" for v in steps)
    roots = [v.args[0] for v in steps if v.op == "map" and v.params[0] == ("power", Fraction(1, 2))]
    assert len([v for v in roots if v.op != "size"]) <= 1
    rng = np.random.default_rng(9)
    values = {"x": rng.normal(size=6) + 1e3, "X": rng.normal(size=(6, 4)) + 1e3, "A": rng.normal(size=(4, 4)), "c": 0.3}
    agree([e], values, {"n": 6, "m": 4}, {})
    values |= {"x": rng.normal(size=6), "X": rng.normal(size=(6, 4))}
    agree(outputs, values, {"n": 6, "m": 4}, {})


def test_terms_of_a_sum_that_become_equal_are_one():
    graph = Graph()
    n = dim("n")
    a, b = (graph.make("input", (), (name,), (n,)) for name in "ab")
    step = graph.map(("linear", 2, 3, 1), (a, b, a), (n,))
    assert step is graph.linear([(3, a), (3, b)], (n,))
    assert graph.map(("linear", 5, 5), (a, a), (n,)) is graph.contract((a,), ((0,),), (0,), (n,), 10)
    assert graph.map(("linear", 5, -5), (a, a), (n,)) is graph.full(0, (n,))


def test_a_sum_of_diagonals_is_one_diagonal():
    """The blocks of kron(A,I) + kron(B + C,I) + diag(v) are added before they stand apart among zeros."""
    e = fr.parse("kron(A,eye(m)) + 2*kron(A'*A,eye(m)) + diag(v) + diag(exp(v))", {"A": "n×n", "v": "n*m"})
    steps = fr.compile(e).at(n=30, m=20).steps
    assert [v.op for v in steps if len(v.shape) == 2 and v.shape[0].size({"n": 30, "m": 20}) == 600].count("map") <= 1
    rng = np.random.default_rng(8)
    agree([e], {"A": rng.normal(size=(3, 3)), "v": rng.normal(size=6)}, {"n": 3, "m": 2}, {"n": 30, "m": 20})


def test_a_sum_along_an_axis_is_computed_once_for_those_that_repeat_it():
    """Of the rows of S∘P, which a product and a difference of whole rows both need."""
    g = fr.parse("norm2(softmax(X*W,2)*V - Y)^2", {"X": "n×m", "W": "m×k", "V": "k×l"})
    steps = fr.derivative(g, "W").compile("hvp").at(n=100, m=20, k=30, l=5).steps
    sums = [v.args[0] for v in steps if v.op == "contract" and len(v.args) == 1 and not {*v.params[0][0]} <= {*v.params[1]}]
    assert len(set(sums)) == len(sums)


@pytest.mark.parametrize("text", ["tr(A*X'*B*X*C)", "norm2(inv(X)*b)^2", "(b'*X*A*b)^2 + tr(X*A)^2", "(b'*X*b)^3/3"])
def test_large_dense_hessians_are_made_block_by_block(text):
    e = fr.parse(text, dict.fromkeys("ABCX", "n×n") | {"b": "n"})
    d = fr.derivative(e, fr.variables(e)["X"])
    program = d.compile("hessian")
    made = program.at(n=30)
    assert "for i" in made.function or "^3" in text  # one outer product
    rng = np.random.default_rng(0)
    values = {n: rng.normal(size=(3, 3)[: 1 if n == "b" else 2]) for n in "ABCXb"}
    given = {n: values[n] for n in program.arguments.names}
    assert close(made.run(*given.values()), evaluate(d.hessian, given))


def test_large_matrices_times_few_columns_in_blocks():
    program = fr.compile(fr.parse("T*V", {"T": "n×m", "V": "m×k"}))
    made = program.at(n=1000, m=1000, k=5)
    rng = np.random.default_rng(0)
    T, V = rng.normal(size=(450, 7)), rng.normal(size=(7, 3))
    assert "for i" in made.function and np.allclose(made.run(T, V), T @ V)


# -- calls


def program_of(text, *inputs, **declared):
    return fr.compile(fr.parse(text, declared), inputs or None)


def test_single_precision_stays_and_whole_numbers_become_floats():
    p = program_of("A*x + x", "A", "x", A="n×n")
    A, x = np.eye(3, dtype=np.float32), np.ones(3, dtype=np.float32)
    assert p(A, x).dtype == np.float32
    assert p([[1, 2], [3, 4]], [1, 1]).dtype == np.float64
    assert p(A, x.astype(float)).dtype == np.float64


@pytest.mark.parametrize(
    "text", ["inv(A)*x", "logdet(A)*x", "softmax(A*x)", "sum(log(1 .+ exp(A*x)))", "sigmoid(x) - sigmoid(-x)", "norm2(A)*x"]
)
def test_single_precision_inside(text):
    e = fr.parse(text, {"A": "n×n", "x": "n"})
    A = (np.eye(4) * 2 + np.arange(16).reshape(4, 4) / 16).astype(np.float32)
    x = np.linspace(-1, 1, 4).astype(np.float32)
    used = {v.params[0] for v in variables(e)}
    got = fr.compile(e)(**{n: a for n, a in {"A": A, "x": x}.items() if n in used})
    want = evaluate(e, {"A": A.astype(float), "x": x.astype(float)})
    assert np.asarray(got).dtype == np.float32
    assert np.allclose(got, want, rtol=2e-5)


def test_complex_arrays():
    e = fr.parse("Z*w + inv(Z)*w", {"Z": "n×n complex", "w": "n complex"})
    rng = np.random.default_rng(1)
    Z, w = (rng.normal(size=s) + 1j * rng.normal(size=s) for s in ((3, 3), 3))
    assert np.allclose(fr.compile(e, ["Z", "w"])(Z, w), Z @ w + np.linalg.solve(Z, w))


def test_outputs_come_as_they_were_asked_for():
    x = fr.vector("x", "n")
    assert fr.compile({"a": fr.sum(x), "b": 2 * x})([1.0, 2.0])["a"] == 3.0
    assert isinstance(fr.compile([fr.sum(x)])([1.0]), tuple)


def test_results_are_arrays_of_their_own():
    X = fr.matrix("X", "n", "m")
    given = np.arange(6.0).reshape(2, 3)
    for e in (X, X.T, X[:, 0], fr.vec(X)):
        result = fr.compile(e, [X])(given)
        result += 1
        assert np.array_equal(given, np.arange(6.0).reshape(2, 3))


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((np.ones((3, 2)), np.ones(3)), "A needs a 2-D array of shape n×n, not one of shape 3×2: n is 3 (from A)"),
        ((np.ones((2, 2)), np.ones(3)), "x needs a 1-D array of shape n, not one of shape 3: n is 2 (from A)"),
        ((np.ones(3), np.ones(3)), "A needs a 2-D array of shape n×n, not one of shape 3"),
        ((np.ones((0, 0)), np.ones(0)), "n is at least 1, not 0 (from A)"),
        ((np.ones((3, 3)) * 1j, np.ones(3)), "A is real, and this is complex"),
        ((np.array([["a"]]), np.ones(1)), "A needs a 2-D array of shape n×n of numbers"),
    ],
)
def test_wrong_arguments_are_named(args, message):
    with pytest.raises(ShapeError) as error:
        program_of("A*x", "A", "x", A="n×n")(*args)
    assert message in str(error.value)


def test_two_variables_of_one_name_are_told_apart():
    with pytest.raises(ShapeError, match="two variables of different shapes are called A: n×n and m×n"):
        fr.compile([fr.parse("tr(A)"), fr.parse("A*x", {"A": "m×n"})])
    S = np.array([[2.0, 1.0], [1.0, 3.0]])  # of one shape they are one, whatever more is known of it
    assert np.allclose(fr.compile([fr.parse("tr(S)"), fr.parse("logdet(S)", {"S": "n×n spd"})])(S), (5, np.log(5)))


def test_missing_and_unknown_arguments_are_named():
    p = program_of("A*x", "A", "x", A="n×n")
    with pytest.raises(TypeError, match="needs x: a 1-D array of shape n"):
        p(np.eye(2))
    with pytest.raises(TypeError, match="z"):
        p(np.eye(2), np.ones(2), z=1)
    with pytest.raises(TypeError, match="no argument 'z' to prepare"):
        p.prepare(z=1)


def test_singular_and_indefinite_matrices_are_named():
    with pytest.raises(np.linalg.LinAlgError, match="A is singular"):
        program_of("inv(A)*x", "A", "x", A="n×n", x="n")(np.zeros((2, 2)), np.ones(2))
    with pytest.raises(np.linalg.LinAlgError, match="S is not positive definite"):
        program_of("logdet(S)", S="n×n spd")(-np.eye(2))
    with pytest.raises(np.linalg.LinAlgError, match="S is not positive definite"):
        program_of("cholesky(S)", S="n×n symmetric")(-np.eye(2))
    assert np.isnan(program_of("cholesky(S)", S="n×n symmetric")(np.nan * np.eye(2))).any()


FORMULAS = [
    ("tr(inv(A*A' + c*eye(n)))", "A*A' + c*eye(n)"),
    ("x'*inv(A + A')*x", "A + A'"),
    ("x'*inv(expm(A) - eye(n))*x", "expm(A) - eye(n)"),
    ('x\'*inv(einsum("ij,ij,jk->ik",A,A,A))*x', "A.^2"),
    ("tr(inv(A*B*A'))", "A*B*A'"),  # the order of such products is chosen
]


@pytest.mark.parametrize("backend", ["numpy", "c", "torch"])
@pytest.mark.parametrize(("text", "told"), FORMULAS)
def test_a_singular_matrix_that_is_no_variable_is_called_by_its_formula(text, told, backend):
    if backend == "torch":
        pytest.importorskip(backend)
    e = fr.parse(text, {"A": "n×n", "B": "n×n", "x": "n", "c": "scalar"})
    program = fr.compile([e, fr.derivative(e, "A").gradient], backend=backend)
    values = {"A": np.zeros((2, 2)), "B": np.eye(2), "x": np.ones(2), "c": 0.0}
    with pytest.raises(Exception, match=f"^{re.escape(told)}|A is singular: it has no inverse"):
        program(**{n: values[n] for n in program.arguments.names})


def test_a_singular_sum_over_blocks_is_called_by_its_formula():
    program = fr.compile(fr.parse("sum(inv(X'*X))", ["X: n×k"]), shard="n")
    with pytest.raises(np.linalg.LinAlgError, match=r"^X'[*]X is not positive definite"):
        program.over(rows=2)(np.zeros((5, 2)))


@pytest.mark.parametrize("n", [4, 30])
@pytest.mark.parametrize("structure", ["", " symmetric", " spd"])
@pytest.mark.parametrize(
    "text", ["inv(M)*x", "inv(M')*x", "x'*inv(M)*y", "inv(M)*B", "B*inv(M)", "B*inv(M')", "inv(M.*M)*x"]
)
def test_a_matrix_that_is_solved_with_once_is_factorized_in_the_same_call(text, structure, n):
    """The arrays given stay as they are, in the order of C and of Fortran."""
    rng = np.random.default_rng(n)
    M = rng.normal(size=(n, n)) + n * np.eye(n)
    M = (M + M.T) / 2 if structure else M
    values = {"M": M, "x": rng.normal(size=n), "y": rng.normal(size=n), "B": rng.normal(size=(n, n))}
    e = fr.parse(text, {"M": f"n×n{structure}", "x": "n", "y": "n", "B": "n×n"})
    program = fr.compile(e)
    wanted = evaluate(e, values, {"n": n})
    for order in "CF":
        given = {k: np.array(values[k], order=order) for k in program.arguments.names}
        assert close(program(**given), wanted)
        assert all(np.array_equal(given[k], values[k]) for k in given)
    if structure or n == 4:
        assert "sv(" in program.at(n=n).source and "trs(" not in program.at(n=n).source
    single = {k: values[k].astype(np.float32) for k in given}
    assert np.allclose(program(**single), wanted, 1e-3, 1e-4)
    with pytest.raises(np.linalg.LinAlgError, match=r"^M(\.\^2)? is (singular|not positive definite)"):
        program(**given | {"M": np.zeros((n, n))})


def test_a_symmetric_matrix_may_be_indefinite():
    p = program_of("inv(M)*x", "M", "x", M="n×n symmetric", x="n")
    M = np.array([[0.0, 2.0], [2.0, 0.0]])
    assert np.allclose(p(M, np.array([2.0, 4.0])), [2.0, 1.0])
    assert "posv" in p.source and "gesv" in p.source


@pytest.mark.filterwarnings("ignore:invalid value")
def test_nan_in_gives_nan_out():
    p = program_of("logdet(S) + sum(softplus(x))", "S", "x", S="n×n spd", x="n")
    assert np.isnan(p(np.eye(2), np.array([np.nan, 0.0])))
    assert np.isnan(p(np.array([[1.0, np.nan], [np.nan, 1.0]]), np.zeros(2)))


@pytest.mark.parametrize("power", [3, 4, 5, 6, 7, 8, -3, -4])
@pytest.mark.parametrize("base", ["X", "(X-Y)"])
def test_whole_powers_are_products(base, power):
    g = fr.parse(f"sum({base}.^({power}))")
    X, Y, dX = np.random.default_rng(0).uniform(1, 2, size=(3, 4, 5))
    b = X - 3 * Y if "Y" in base else X
    k = float(power)
    for backend in ("numpy", "c"):
        program = fr.derivative(g, "X").compile("value", "gradient", "hvp", backend=backend)
        made = program.at(n=400, m=300)
        assert "np.power" not in made.source if backend == "numpy" else "F(pow)" not in made.c.text
        found = program(X=X, dX=dX, **({"Y": 3 * Y} if "Y" in base else {}))
        for got, wanted in zip(found, (np.sum(b**k), k * b ** (k - 1), k * (k - 1) * b ** (k - 2) * dX), strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-13)


@pytest.mark.parametrize("backend", ["numpy", "c"])
@pytest.mark.parametrize(
    "factor",
    ["exp(c)", "c^d", "sin(c)", "log(c)", "softplus(c)", "sigmoid(c)", "max(c,d)", "sqrt(c)", "abs(c)/c", "tanh(c*d)"],
)
def test_numbers_of_python_leave_single_precision(factor, backend):
    e = fr.parse(f"{factor}*x", {"x": "n", "c": "positive scalar", "d": "scalar"})
    program = fr.compile(e, backend=backend)
    values = {"c": 1.5, "d": 2.0, "x": np.ones(3, np.float32)}
    for _ in range(2):
        assert program(**{n: values[n] for n in program.arguments.names}).dtype == np.float32


def test_extreme_arguments_of_stable_forms():
    x = np.array([-1000.0, -40.0, 0.0, 40.0, 1000.0])
    e = fr.vector("x", "n")
    for size in (5, 5000):
        p = fr.compile([fr.sigmoid(e), fr.softplus(e), fr.sigmoid(-e)], sizes={"n": size})
        s, t, u = p.at().run(x)
        assert np.allclose(s[1:], [np.exp(-40.0) / (1 + np.exp(-40.0)), 0.5, 1, 1], rtol=1e-14)
        assert np.allclose(t, [0, np.log1p(np.exp(-40)), np.log(2), 40, 1000], rtol=1e-14)
        assert np.allclose(u[1], 1 / (1 + np.exp(-40.0)))
    assert fr.compile(fr.norm2(e))(np.array([3e200, 4e200])) == pytest.approx(5e200)
    assert np.isfinite(fr.compile(fr.logsumexp(e))(x))


@pytest.mark.parametrize(
    ("text", "exact"),
    [
        ("log(1 + c)", 1e-12), ("log(1 + 3*c)/3", 1e-12), ("exp(c) - 1", 1e-12), ("2*exp(c) - 2", 2e-12),
        ("log(1 - c)", -1e-12), ("sum(log(1 .+ c*ones(2)))/2", 1e-12), ("sum(exp(c*ones(2)) .- 1)/2", 1e-12),
    ],
)  # fmt: skip
def test_digits_near_zero(text, exact):
    assert fr.compile(fr.parse(text))(1e-12) == pytest.approx(exact, rel=1e-9)


def test_the_same_formula_gives_the_same_source():
    text = "sum(log(1 .+ exp(X*w))) - y'*X*w"
    first = [fr.compile(fr.parse(text, {"X": "m×n"})).source for _ in range(3)]
    assert first[0] == first[1] == first[2]


def test_every_run_gives_the_same_source(printed_alike):
    printed_alike(
        """
import frechet as fr
for text, by, declared in [
    ("sum(log(1 .+ exp(X*w))) - y'*X*w", "w", {}), ("norm2(T - U*V')^2/c", "U", {}), ("norm2(inv(X)*b)^2", "X", {"b": "n"}),
    ("y'*inv(c*exp(-D/l) + s*eye(n))*y", "l", {"D": "n×n symmetric", "c": "scalar", "l": "scalar", "s": "scalar"}),
    ("sum(softmax(tanh(X*W)*V,2).*Y)/c", "W", {}), ("logdet(eye(n) + U*U') + tr(A*B*A*B)/c", "U", {}),
]:
    g = fr.parse(text, declared)
    d = fr.derivative(g, fr.variables(g)[by])
    print(fr.compile([g, d.gradient, d.gradient_differential], sizes={"n": 300, "m": 200, "p": 7}).source)
"""
    )


def test_the_source_runs_alone():
    p = program_of("logdet(S) + y'*inv(S)*y + sum(sigmoid(y))", "S", "y", S="n×n spd")
    space = {}
    exec(p.source, space)
    assert np.isclose(space["program"](np.eye(2) * 2, np.ones(2)), p(np.eye(2) * 2, np.ones(2)))


def test_variables_may_have_awkward_names():
    e = fr.scalar("lambda") * fr.vector("np", "t1") + fr.vector("t1", "t1")
    p = fr.compile(e, ["lambda", "np", "t1"])
    assert np.allclose(p(2.0, np.ones(2), np.ones(2)), 3.0)


def test_dimensions_that_nothing_tells_are_arguments():
    p = fr.compile(fr.ones("n") * fr.scalar("c"))
    assert np.allclose(p(2.0, n=3), [2.0, 2.0, 2.0])
    with pytest.raises(TypeError, match="needs the size n"):
        p(2.0)


def test_declared_functions_are_given():
    f = fr.function("f", "elementwise")
    p = fr.compile(fr.sum(f(fr.vector("x", "n"))))
    assert p(x=np.array([0.0, 1.0]), f=np.cos) == pytest.approx(1 + np.cos(1))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: fr.compile(fr.vector("x", "n"), ["z"]), NotationError, "there is no variable z in the outputs"),
        (lambda: fr.compile(fr.vector("x", "n"), name="a b"), NotationError, "cannot be a name"),
        (lambda: fr.compile(fr.vector("x", "n"), backend="fortran"), UnsupportedError, "no back end 'fortran'"),
        (lambda: fr.derivative(fr.vector("x", "n"), fr.vector("x", "n")).compile("gradient"), UnsupportedError, "jacobian"),
        (
            lambda: fr.derivative(fr.sum(fr.vector("x", "n")), fr.vector("x", "n")).compile("slope"),
            UnsupportedError,
            "slope",
        ),
    ],
)
def test_what_cannot_be_compiled_is_said(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_the_cost_table():
    g = fr.parse("norm2(X*w - y)^2")
    table = str(fr.compile(g, sizes={"n": 10, "m": 5, "p": 5}))
    assert table.split("\n")[0].split() == ["operation", "shape", "flops", "bytes"]
    assert "in all" in table.split("\n")[-1]


# -- views


LOGISTIC = "sum(log(1 .+ exp(X*w))) - y'*X*w"


def logistic():
    g = fr.parse(LOGISTIC, {"X": "m×n"})
    rng = np.random.default_rng(0)
    values = {"X": rng.normal(size=(7, 3)), "y": np.ones(7), "w": rng.normal(size=3)}
    return fr.derivative(g, fr.variables(g)["w"]), values


def test_views_agree_with_each_other():
    d, values = logistic()
    names = ["X", "y", "w"]
    v, g = d.compile("value", "gradient", inputs=names)(**values)
    assert v == pytest.approx(d.compile("value", inputs=names)(**values))
    hessian = d.compile("hessian", inputs=names)(**values)
    direction = np.array([1.0, -2.0, 0.5])
    assert np.allclose(d.compile("hvp", inputs=names)(**values, dw=direction), hessian @ direction)
    assert np.allclose(d.compile("newton", inputs=names)(**values), -np.linalg.solve(hessian, g))
    assert np.allclose(d.compile("jvp", inputs=names)(**values, dw=direction), g @ direction)


def test_vjp_and_jacobian_of_a_vector():
    e = fr.parse("tanh(A*x)", {"A": "m×n"})
    d = fr.derivative(e, fr.variables(e)["x"])
    A, x, w = np.arange(6.0).reshape(2, 3) / 6, np.ones(3), np.array([1.0, -1.0])
    J = d.compile("jacobian")(A=A, x=x)
    assert np.allclose(d.compile("vjp")(A=A, x=x, w=w), w @ J)


# -- prepared programs


def test_a_prepared_program_gives_the_same():
    d, values = logistic()
    program = d.compile("value", "gradient", "hessian", inputs=["X", "y", "w"])
    want = program(**values)
    for fixed in (["X"], ["X", "y"], ["w"], ["y", "w"]):
        prepared = program.prepare(**{n: values[n] for n in fixed})
        got = prepared(**{n: a for n, a in values.items() if n not in fixed})
        assert all(np.allclose(a, b) for a, b in zip(got, want, strict=True))
        again = prepared(*(values[n] for n in prepared.names))
        assert all(np.allclose(a, b) for a, b in zip(again, want, strict=True))


def test_what_depends_on_fixed_inputs_alone_is_computed_once():
    e = fr.parse("inv(S)*x", {"S": "n×n spd"})
    outer, inner = fr.compile(e, ["S", "x"]).prepare(S=np.eye(2)).source.split("def apply")
    assert "potrf(" in outer and "potrf(" not in inner and "potrs(" in inner


def test_a_prepared_program_takes_indefinite_matrices():
    e = fr.parse("inv(c*M)*x + inv(M)*x", {"M": "n×n symmetric", "x": "n"})
    program = fr.compile(e, ["c", "M", "x"])
    M, x = np.array([[0.0, 2.0], [2.0, 0.0]]), np.ones(2)
    for fixed in (["M"], ["x"], ["c"], ["M", "x"]):
        values = {"c": 2.0, "M": M, "x": x}
        prepared = program.prepare(**{n: values[n] for n in fixed})
        assert np.allclose(prepared(*(values[n] for n in prepared.names)), 1.5 * np.linalg.solve(M, x))


def test_a_prepared_program_is_not_changed_by_its_calls():
    e = fr.parse("exp(A*x) + A*x", {"A": "n×n"})
    prepared = fr.compile(e, ["A", "x"]).prepare(x=np.ones(2))
    first = prepared(np.eye(2)).copy()
    prepared(np.eye(2) * 5)
    assert np.array_equal(prepared(np.eye(2)), first)


def test_programs_pickle():
    p = program_of("A*x", "A", "x", A="n×n")
    p(np.eye(2), np.ones(2))
    assert np.array_equal(pickle.loads(pickle.dumps(p))(np.eye(2), np.ones(2)), np.ones(2))


def test_a_program_is_one_class():
    assert isinstance(program_of("A*x", A="n×n"), CompiledProgram)


def calls(do):
    """How many functions of Frechet are called by this."""
    count = 0

    def counted(frame, event, argument):
        nonlocal count
        count += event == "call" and "frechet" in frame.f_code.co_filename

    sys.setprofile(counted)
    try:
        do()
    finally:
        sys.setprofile(None)
    return count


def network(layer, layers):
    """The loss of a deep network."""
    lines = ["h0 = x", *(f"h{i} = {layer.format(h=f'h{i - 1}')}" for i in range(1, layers + 1)), f"norm2(h{layers} - y)^2"]
    return fr.parse("\n".join(lines), {"W": "n×n", "V": "n×n", "x": "n", "b": "n", "y": "n"})


def calls_to_compile(layers):
    """For loss and gradient."""
    loss = network("tanh(W*{h} + b)", layers)
    program = fr.compile([loss, fr.derivative(loss, "W").gradient])
    found = calls(lambda: program.at(n=50))
    assert program.at(n=50).function.count("np.tanh") == layers
    return found


def test_the_work_grows_with_the_depth_and_no_faster():
    assert calls_to_compile(400) < 2.02 * calls_to_compile(200)


def test_products_of_many_factors_are_ordered_with_little_work():
    """Gated layers: terms are products of as many vectors as there are layers, which cost the same in whatever order.

    The search for shorter forms expands parts that are met again once.
    """
    loss = network("sigmoid(W*{h}).*{h}.*(V*{h})", 24)
    derivative = fr.derivative(loss, "W")
    assert calls(lambda: derivative.gradient) < 4e6
    program = fr.compile([loss, derivative.gradient])
    assert calls(lambda: program.at(n=50).function) < 4e6
