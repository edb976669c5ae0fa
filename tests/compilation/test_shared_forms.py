"""What several outputs have in common is computed once, whichever way each of them is written."""

from __future__ import annotations

import numpy as np
import pytest

import frechet as fr
from frechet.compilation.table import flops

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


def test_the_identity_beside_an_outer_product_is_not_formed() -> None:
    """Whether it stands at the end of a product or inside."""
    for text in ("A*B*(eye(n) - ones(n)*ones(n)'/n)", "A*(eye(n) - x*y')*B", "(eye(n) - ones(n)*ones(n)'/n)*A*B"):
        e = fr.parse(text, {"A": "n×n", "B": "n×n", "x": "n", "y": "n"})
        assert 'ravel("K")' not in fr.compile(e).at(n=300).function
        assert work(e, n=300) < 1.1 * work(fr.parse("A*B", {"A": "n×n", "B": "n×n"}), n=300)


def test_a_sum_of_the_rows_of_a_product_that_is_there() -> None:
    e = [fr.parse(text, {"A": "n×m", "B": "m×n"}) for text in ("sum(exp(A)*B,2)", "exp(A)*B")]
    assert fr.compile(e).at(n=300, m=200).function.count(".dot(") == 1


def test_powers_by_halves_are_those_of_one_root() -> None:
    e = fr.parse("x.^(-1/2) + x.^(3/2) + sqrt(x) + 1./sqrt(x)", {"x": "n positive"})
    program = fr.compile(e)
    assert program.source.count("np.sqrt(") == 1 and "np.power" not in program.source
    x = np.array([0.25, 4.0, 0.0])
    with np.errstate(divide="ignore"):
        assert np.allclose(program(x), [4.625, 11.0, np.inf])


def test_a_difference_and_its_negative_are_one_sum() -> None:
    e = [fr.parse(text, {"X": "n×m", "Y": "n×m"}) for text in ("(X - Y)'*exp(X)", "exp(Y)'*(Y - X)")]
    steps = fr.compile(e).at(n=30, m=20).steps
    assert sum(v.op == "map" and v.params[0][0] == "linear" for v in steps) == 1
