"""Counts of flops: against counts by hand for each family, and against a NumPy that counts what it is asked to do."""

from __future__ import annotations

from fractions import Fraction

import pytest

from frechet.compilation.costs import FREE, PER_ENTRY, Counter, cost
from frechet.compilation.network_costs import network_costs
from frechet.expressions.dimension import dim
from frechet.expressions.operation import all_operations
from frechet.interfaces.backprop.network import Network
from frechet.notation.reading import parse

SIZES = {"n": 7, "m": 5, "p": 3, "q": 2, "k": 4}


@pytest.mark.parametrize(
    ("text", "flops"),
    [  # A: n×m, B: m×p, C: p×q, S: n×n, x, z: m, y: n
        ("A*x", "2*n*m"), ("A*B", "2*n*m*p"), ("A*B*C", "2*n*m*p + 2*n*p*q"), ("A*B*C*w", "2*p*q + 2*m*p + 2*n*m"),
        ("y'*A*x", "2*n*m + 2*m"), ("y*x'", "n*m"), ("A + 2*D", "2*n*m"), ("-A", "0*n"), ("A.*D", "n*m"), ("A./D", "n*m"),
        ("c*A", "n*m"), ("exp(A)", "n*m"), ("relu(A)", "0*n"), ("A'", "0*n"), ("x[1:k]", "0*k"), ("A[:,1:k]*v", "2*n*k"),
        ("A*diag(x)*B", "n*m + 2*n*m*p"), ("diag(A*E)", "2*n*m"), ("tr(A*E)", "2*n*m"), ("sum(A)", "n*m"),
        ("sum(A,2)", "n*m"), ("y*ones(m)'", "0*n"), ("softmax(x)", "4*m"), ("norm2(x)^2", "2*m + 1"),
        ("[x; y]", "0*m"), ("tanh(x)'*tanh(x)", "m + 2*m + 1"),
    ],
)  # fmt: skip
def test_counts_by_hand(text: str, flops: str) -> None:
    declared = ["A: n×m", "B: m×p", "C: p×q", "D: n×m", "E: m×n", "S: n×n", "x: m", "z: m", "y: n", "w: q", "v: k"]
    used = [d for d in declared if d[0] in text]
    found = cost(parse(text, used))
    assert not found.uncounted
    value = eval(flops, {}, dict(SIZES))
    assert found.flops.size(SIZES) == value


def test_cubes_have_the_constants_of_the_book() -> None:
    n = dim("n")
    assert cost(parse("logdet(S)", ["S: n×n"])).flops is n * n * n * dim({(): Fraction(2, 3)})
    assert cost(parse("inv(S)", ["S: n×n"])).flops is n * n * n * dim(2)


def test_a_shared_node_is_counted_once_and_what_is_named_is_there() -> None:
    counter = Counter()
    e = parse("tanh(A*x)")
    assert counter.cost(e).flops.terms
    assert not counter.cost(e, parse("2*tanh(A*x)")).flops.names() - {"n"}  # the doubling only
    assert not counter.cost(e).flops.terms


def test_what_is_not_counted_is_said() -> None:
    assert sorted(cost(parse("eigmax(S) + x'*expm(S)*x", ["S: n×n symmetric", "x: n"])).uncounted) == ["eigmax", "expm"]
    names = {page.name for page in all_operations()}
    assert names >= FREE and names >= PER_ENTRY.keys()


def test_the_reverse_pass_costs_a_few_times_the_values_whatever_the_depth() -> None:
    """Baur & Strassen (1983): at most four or five times; here W of every layer is n×n."""
    ratios = []
    for depth in (1, 10, 100):
        lines = ["h0 = x", *(f"h{i} = tanh(W{i}*h{i - 1})" for i in range(1, depth + 1)), f"norm2(h{depth} - y)^2"]
        declare = [f"W{i}: n×n" for i in range(1, depth + 1)]
        costs = network_costs(Network("\n".join(lines), declare, check=False).backprop, {"n": 1000})
        assert costs.symbolic and costs.sizes == {"n": 1000}
        ratios.append(costs.backward.size(costs.sizes) / costs.forward.size(costs.sizes))
        assert costs.parameters.size(costs.sizes) == depth * 10**6
    assert all(0.4 < r < 5 for r in ratios)


def test_forward_order_is_cheaper_for_one_parameter_and_many_stages() -> None:
    """f of one number: a tangent goes through once, as a cotangent does."""
    text = "h1 = tanh(a*x)\nh2 = tanh(A*h1)\nnorm2(h2 - y)^2"
    n = Network(text, wrt=["a"], check=False)
    costs = network_costs(n.backprop, {})
    assert costs.tangents.size(costs.sizes) < 3 * costs.backward.size(costs.sizes)
    many = network_costs(Network(text, wrt=["A"], check=False).backprop, {})
    assert many.tangents.size(many.sizes) > 10 * many.backward.size(many.sizes)


def test_tangents_are_counted_once_for_a_parameter_that_comes_on_two_ways() -> None:
    """h and k both carry the tangents of W into the last line, which are added there: n² of them, not 2n²."""
    two = network_costs(Network("h = W*x\nk = exp(h)\nnorm2(h + k)^2", ["W: n×n"], check=False).backprop, {"n": 10})
    # exp: 100 tangents, n flops each; h + k: n additions; the norm of a: 2n
    assert two.tangents.size(two.sizes) < 100 * (10 + 10 + 10 + 2 * 10 + 10)
    assert two.tangents.size(two.sizes) >= 100 * (10 + 2 * 10)


def test_with_many_dimensions_counts_are_numbers() -> None:
    lines = ["h0 = x", *(f"h{i} = tanh(W{i}*h{i - 1})" for i in range(1, 13)), "norm2(h12 - y)^2"]
    n = Network("\n".join(lines), check=False, sizes={"n": 3})
    assert not n.costs.symbolic and n.costs.forward.value() is not None and n.costs.sizes["n"] == 3
