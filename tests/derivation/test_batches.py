"""Batches against their samples one by one, in both layouts; what has no batched form is refused by name."""

from __future__ import annotations

import pytest

from frechet.expressions.errors import FrechetError, NotationError, ShapeError, UnsupportedError
from frechet.interfaces.backprop.network import Network

# losses of one sample; x, y, t are data
LOSSES = [
    "h = relu(W1*x + b1)\nz = W2*h + b2\n-y'*log(softmax(z))",
    "z = W*x\ncrossentropy(z, y)",
    "norm2(W*x - y)^2 + norm2(W)^2",
    "u = W*[x; y]\ns = sigmoid(u[1:n]).*tanh(u[n+1:2*n])\nsum(s)",
    "h = layernorm(W*x + v)\nr = rmsnorm(h, 1/10)\nq'*r + var(h)",
    "s = v'*x\nr = x'*A*y\nlogsumexp(s*W*x/(1+r^2)) + max(W*x) + norm2(x)*r",
    "h = max(W*x, y)\nprod(exp(h)) + mean(h) + norm1(h)",
    "huber(v'*x - c, 1) + sum(elu(W*x, 1/2)) + sum(clip(W*x, -1, 1))",
    "h = W*x\nsum(h./(ones(n) + h.^2))",
    "s = sigmoid(v'*x)\nr = 1 - s\n-(c*log(s) + d*log(r))",
    "h = f(W*x + v)\nsum(f(h))",
    "h = W*x\nk = v.*h + u\nsum(k) + (v'*u)*norm2(k)",
    "p = softmax(W*x)\np[1] + p'*A*p + sum(p[1:2])",
    "y'*W*x",
    "z = W*x\nsum(binarycrossentropy(z, y))",
    "a = v'*x\nnorm2(a*u + W*y)^2",
]  # fmt: skip


@pytest.mark.parametrize("layout", ["rows", "columns"])
@pytest.mark.parametrize("text", LOSSES)
def test_a_batch_is_its_samples_added_up_or_averaged(text: str, layout: str) -> None:
    """`Network` checks gradients against differences and the batch against single samples, and raises where they differ."""
    declare = ["f: elementwise"] if "f(" in text else []
    data = [name for name in ("x", "y", "c", "d") if _occurs(name, text)]
    for total in ("sum", "mean"):
        network = Network(text, declare, data=data, batch=layout, total=total)  # type: ignore[arg-type]
        assert network.report is not None and network.report.ok
        samples = {v.params[0]: v for v in network.data}
        for name, v in samples.items():
            if v.kind == "matrix":
                assert str(v.shape[0 if layout == "rows" else 1]) == "N", name
        assert network.loss.symbol.kind == "scalar"


def _occurs(name: str, text: str) -> bool:
    import re

    return re.search(rf"\b{name}\b", text) is not None


def test_rows_are_the_columns_turned() -> None:
    """The same network in both layouts: gradients by what is no data have the same shapes."""
    for text in LOSSES[:4]:
        rows, columns = (Network(text, batch=layout, check=False) for layout in ("rows", "columns"))  # type: ignore[arg-type]
        assert [g.shape for g in rows.gradients.values()] == [g.shape for g in columns.gradients.values()]
        for a, b in zip(rows.data, columns.data, strict=True):
            assert a.shape == b.shape[::-1]


def test_what_does_not_depend_on_the_data_is_not_repeated() -> None:
    network = Network("R = W*W'\nh = R*x\nnorm2(h - y)^2", batch="rows")
    assert {s.name: str(s.expression) for s in network.stages}["R"] == "W*W'"


@pytest.mark.parametrize(
    ("text", "data", "error", "words"),
    [
        ("norm2(W*X)^2", ["X"], ShapeError, "X is a matrix for one sample already"),
        ("norm2(W + x*y')^2", ["x", "y"], UnsupportedError, "a product of vectors is a matrix for each sample"),
        ("logdet(W + diag(x))", ["x"], UnsupportedError, "a matrix for each sample"),
        ("norm2(W*x - z)^2", ["y"], NotationError, "y is no variable"),
        ("normp(W*x, 3)", ["x"], UnsupportedError, "normp has no rule for a batch"),
    ],
)
def test_what_has_no_batched_form_is_refused(text: str, data: list[str], error: type[FrechetError], words: str) -> None:
    with pytest.raises(error, match=words):
        Network(text, data=data, batch="rows")


def test_a_batch_needs_data() -> None:
    with pytest.raises(NotationError, match="a batch needs data"):
        Network("norm2(W*v)^2", batch="rows")


def test_the_number_of_samples_has_a_free_name() -> None:
    network = Network("N = W*x\nnorm2(N - y)^2", batch="rows")
    assert network.count == "samples" and str(network.data[0].shape[0]) == "samples"
