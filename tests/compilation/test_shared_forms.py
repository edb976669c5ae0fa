"""What several outputs have in common is computed once, whichever way each of them is written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import frechet as fr
from frechet.compilation import shared_products
from frechet.compilation.table import flops
from frechet.compilation.values import Value
from frechet.expressions.errors import FrechetError
from frechet.notation.reading import read_entry

CORPUS = Path(__file__).resolve().parent.parent / "corpus" / "corpus.jsonl"

BLOCK = """
A{i} = softmax({x}*Q{i}*K{i}'*{x}'/sqrt(d),2)
H{i} = {x} + A{i}*{x}*V{i}*O{i}
N{i} = H{i} - (H{i}*ones(m))*ones(m)'/m
S{i} = N{i}./(sqrt((N{i}.^2)*ones(m)/m + c*ones(n))*ones(m)')
Z{i} = S{i} + gelu(S{i}*U{i})*W{i}"""
SIZES = {"n": 512, "m": 128, "d": 64, "h": 256}
NORMALIZED = """
H = X + A*X*V
N = H - (H*ones(m))*ones(m)'/m
norm2(tanh(N./(sqrt((N.^2)*ones(m)/m + c*ones(n))*ones(m)')*U) - Y)^2"""


def transformer(layers: int) -> tuple[fr.Expr, list[fr.Expr]]:
    """The loss of blocks of attention and two further layers, and its gradients by all weights."""
    text, x, declared = "", "X", {"X": "n×m", "Y": "n×m", "c": "positive scalar"}
    for i in range(layers):
        text, x = text + BLOCK.format(i=i, x=x), f"Z{i}"
        declared |= {f"{k}{i}": "m×d" for k in "QKV"} | {f"O{i}": "d×m", f"U{i}": "m×h", f"W{i}": "h×m"}
    g = fr.parse(f"{text}\nnorm2({x} - Y)^2/n".strip(), declared)
    return g, [fr.derivative(g, f"{k}{i}").gradient for i in range(layers) for k in "QKVOUW"]


def work(outputs: object, **sizes: int) -> float:
    made = fr.compile(outputs).at(**sizes)
    return sum(flops(v, made.rates) or 0 for v in made.steps)


@pytest.mark.parametrize("layers", [1, 2])
def test_all_gradients_of_a_transformer_take_twice_the_time_of_its_value(layers: int) -> None:
    """Griewank & Walther (2008), (4.21): four times the value with it, at most; of products of matrices three times."""
    g, gradients = transformer(layers)
    assert work([g, *gradients], **SIZES) < 3.1 * work(g, **SIZES)
    source = fr.compile([g, *gradients]).at(**SIZES).function
    assert source.count("gelu(") == layers and 'ravel("K")' not in source


def test_gradients_of_a_transformer_are_right() -> None:
    g, gradients = transformer(1)
    rng = np.random.default_rng(0)
    sizes = {"n": 5, "m": 4, "d": 3, "h": 6}
    values = {}
    for name, v in fr.variables(g).items():
        values[name] = 0.3 if name == "c" else 0.5 * rng.standard_normal([sizes[str(d)] for d in v.shape])
    program, alone = fr.compile([g, *gradients]), fr.compile(g)
    found = program(**values)
    for name, gradient in zip((f"{k}0" for k in "QKVOUW"), found[1:], strict=True):
        step = 1e-6 * rng.standard_normal(gradient.shape)
        ahead, behind = (alone(**(values | {name: values[name] + s * step})) for s in (1, -1))
        assert np.isclose((ahead - behind) / 2, np.sum(gradient * step), rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize("by", [["U"], ["V"], ["U", "V"]])
def test_the_value_is_written_as_its_gradients_are(by: list[str]) -> None:
    g = fr.parse(NORMALIZED.strip(), {"X": "n×m", "A": "n×n", "V": "m×m", "U": "m×m", "Y": "n×m", "c": "scalar"})
    source = fr.compile([g, *(fr.derivative(g, v).gradient for v in by)]).at(n=100, m=50).function
    assert source.count("np.tanh(") == 1 and source.count("np.sqrt(") == 1


def test_the_inputs_are_those_of_the_function_as_it_was_typed() -> None:
    """A variable that is only there as it was typed stays a parameter, at its place."""
    g = fr.parse("y'*((A + B)*x - A*x)", {"A": "n×n", "B": "n×n"})
    d, values = fr.derivative(g, "x"), [np.ones(2), np.eye(2), 2 * np.eye(2), np.array([1.0, 3.0])]
    for program in (fr.compile([g, d.gradient]), d.compile("value", "gradient"), d.compile("gradient", "value")):
        names = [v.params[0] for v in program.inputs]
        assert sorted(names) == ["A", "B", "x", "y"]
        found = program(*(dict(zip("yABx", values, strict=True))[name] for name in names))
        assert sorted(map(np.sum, found)) == [4.0, 8.0]
    assert [v.params[0] for v in d.compile("value", "gradient").inputs] == ["y", "A", "B", "x"]


def test_the_identity_beside_an_outer_product_is_not_formed() -> None:
    """Whether it stands at the end of a product or inside."""
    for text in ("A*B*(eye(n) - ones(n)*ones(n)'/n)", "A*(eye(n) - x*y')*B", "(eye(n) - ones(n)*ones(n)'/n)*A*B"):
        e = fr.parse(text, {"A": "n×n", "B": "n×n", "x": "n", "y": "n"})
        assert 'ravel("K")' not in fr.compile(e).at(n=300).function
        assert work(e, n=300) < 1.1 * work(fr.parse("A*B", {"A": "n×n", "B": "n×n"}), n=300)


def test_a_sum_of_the_rows_of_a_product_that_is_there() -> None:
    e = [fr.parse(text, {"A": "n×m", "B": "m×n"}) for text in ("sum(exp(A)*B,2)", "exp(A)*B")]
    assert fr.compile(e).at(n=300, m=200).function.count(".dot(") == 1


@pytest.mark.parametrize("by", ["A", "B"])
def test_matrices_of_products_of_dimensions_are_never_formed(by: str) -> None:
    """Also where a dimension n*m is taken apart beside one n*m*n*m: a gradient by theorem 3.10 of Magnus & Neudecker."""
    declared = {"A": "n×n", "B": "m×m", "x": "n*m"}
    g, d = fr.parse("x'*kron(A,B)*x", declared), fr.derivative(fr.parse("x'*kron(A,B)*x", declared), by)
    other, side = ("vec(B)'", "n") if by == "A" else ("vec(A)'", "m")
    weights = f"kron(eye({side}*{side}),{other})" if by == "A" else f"kron({other},eye({side}*{side}))"
    long = fr.parse(f"unvec({weights}*kron(kron(eye(n),commutation(n,m)),eye(m))*vec(x*x'),{side},{side})", declared)
    assert work([g, d.gradient], n=30, m=40) < 1.1 * work(g, n=30, m=40)
    assert work(long, n=30, m=40) < 1.1 * work(g, n=30, m=40)
    rng = np.random.default_rng(0)
    values = {"A": rng.standard_normal((3, 3)), "B": rng.standard_normal((4, 4)), "x": rng.standard_normal(12)}
    found = [fr.compile(e) for e in (long, d.gradient)]
    assert np.allclose(*(p(**{k: values[k] for k in p.arguments.names}) for p in found))


def test_powers_by_halves_are_those_of_one_root() -> None:
    e = fr.parse("x.^(-1/2) + x.^(3/2) + sqrt(x) + 1./sqrt(x)", {"x": "n positive"})
    program = fr.compile(e)
    assert program.source.count("np.sqrt(") == 1 and "np.power" not in program.source
    x = np.array([0.25, 4.0, 0.0])
    with np.errstate(divide="ignore"):
        assert np.allclose(program(x), [4.625, 11.0, np.inf])


def test_factors_of_several_products_are_multiplied_once() -> None:
    g = fr.parse("v'*(D.*E.*D)*v + sum(M.*D.*E) + x'*(D.*E)*v", dict.fromkeys("DEM", "n×n") | {"v": "n", "x": "n"})
    steps = fr.compile(g).at(n=500).steps
    products = [v for v in steps if v.op == "contract" and len(v.shape) == 2 and len(v.args) == 2]
    assert len(products) == 2  # D.*E, and that times D


def test_the_search_for_such_factors_is_linear_in_the_depth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gated layers, whose derivatives are products of as many factors as there are layers."""
    looked_at = 0
    pairs = shared_products.pairs

    def counted(v: Value) -> Iterator[tuple[shared_products.Pair, int, int]]:
        nonlocal looked_at
        for found in pairs(v):
            looked_at += 1
            yield found

    monkeypatch.setattr(shared_products, "pairs", counted)
    by_depth = []
    for layers in (5, 10, 20):
        lines = [f"h{i} = sigmoid(W*h{i - 1}).*h{i - 1}.*(V*h{i - 1})" for i in range(2, layers + 1)]
        g = fr.parse("\n".join(["h1 = x.*(V*x)", *lines, f"norm2(h{layers})^2"]), {"W": "n×n", "V": "n×n"})
        looked_at = 0
        _ = fr.derivative(g, "W").compile("value", "gradient").source
        by_depth.append(looked_at)
    assert by_depth[2] - by_depth[1] < 3 * (by_depth[1] - by_depth[0])


def test_a_sum_that_is_there_for_another_product_is_distributed_over_numbers_too() -> None:
    """tr(M*(D.*D.*E)) and tr(M*(D.*E)) with numbers that depend on a scalar: no sum of matrices is formed for the first."""
    K = "t[1]^2*exp(-D/(2*t[2]^2)) + t[3]^2*eye(n)"
    g = fr.parse(f"y'*inv({K})*y/2 + logdet({K})/2", {"D": "n×n symmetric", "y": "n", "t": "3"})
    program = fr.compile(fr.derivative(g, "t").hessian)
    for n in (5, 100):
        sums = [v for v in program.at(n=n).steps if v.op == "map" and v.params[0][0] == "linear" and len(v.shape) == 2]
        assert len(sums) == 1  # the matrix K


def test_a_difference_and_its_negative_are_one_sum() -> None:
    e = [fr.parse(text, {"X": "n×m", "Y": "n×m"}) for text in ("(X - Y)'*exp(X)", "exp(Y)'*(Y - X)")]
    steps = fr.compile(e).at(n=30, m=20).steps
    assert sum(v.op == "map" and v.params[0][0] == "linear" for v in steps) == 1


def test_the_value_and_the_gradient_take_some_times_the_value() -> None:
    """Of the scalar functions of the corpus, beside writing the gradient; in theory four times, for functions of entries.

    Source: Griewank & Walther (2008), Evaluating Derivatives, (4.21)
    """
    count = 0
    for line in CORPUS.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        try:  # some rows are of numbers for sizes
            x = read_entry(entry["expr"], entry["vars"], {}, entry["wrt"])
            gradient = fr.derivative(x.expression, x.variables[entry["wrt"]]).cotangent
        except FrechetError:
            continue
        names = sorted({n for v in fr.variables(x.expression).values() for d in v.shape for n in d.names()})
        sizes = {n: 300 + 7 * i for i, n in enumerate(names)}
        alone, both = (fr.compile(e).at(**sizes) for e in (x.expression, [x.expression, gradient]))
        written = both.rates.entries(gradient.shape) * 5e-9
        assert both.rates.total(both.steps) < 7 * alone.rates.total(alone.steps) + written + 1e-5, entry["id"]
        count += 1
    assert count > 300
