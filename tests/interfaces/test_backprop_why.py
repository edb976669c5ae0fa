"""The steps that show why a gradient is a product: every line has the same value."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pytest

from frechet.compilation.numpy_source import compiled
from frechet.expressions.node import Expr, variables
from frechet.interfaces.backprop.network import Network
from frechet.interfaces.backprop.why import why_outer
from frechet.interfaces.document import Paragraph, Step, Steps
from frechet.verification.sampling import random_sizes, sample

NETWORKS = [
    ("h = relu(W*x + b)\nnorm2(h - y)^2", None), ("h = relu(W*x + b)\nnorm2(h - y)^2", "rows"),
    ("h = relu(W*x + b)\nnorm2(h - y)^2", "columns"), ("h = tanh(A*W*X*B)\nnorm2(h - Y)^2", None),
    ("H = X*W\nnorm2(H - Y)^2", None), ("H = X*W'*A\nnorm2(H - Y)^2", None), ("z = x'*W\nnorm2(z*A)^2", None),
]  # fmt: skip


def steps_of(text: str, batch: Any) -> tuple[Network, list[Step]]:
    network = Network(text, wrt=["W"], batch=batch, check=False)
    blocks = list(why_outer(network))
    assert isinstance(blocks[-1], Paragraph)
    return network, [row for block in blocks if isinstance(block, Steps) for row in block.rows]


@pytest.mark.parametrize(("text", "batch"), NETWORKS)
def test_every_line_has_the_same_value(text: str, batch: Any) -> None:
    _, rows = steps_of(text, batch)
    assert len(rows) >= 3
    (image,) = rows[0].right.parts
    parts = [p for row in rows for p in row.right.parts if isinstance(p, Expr)]
    rng = Random(3)
    sizes = random_sizes(parts, rng)
    values = sample(variables(*parts), sizes, rng)

    def at(e: Any) -> Any:
        value = np.asarray(compiled(e)(**{v.params[0]: values[v.params[0]] for v in variables(e)}))
        return value.reshape(*(d.size(sizes) for d in e.shape))

    found = []
    for row in rows[1:]:
        left, right = row.right.parts
        # tr(AᵀB) and ⟨A, B⟩ are the sum of products of entries; tr(A B) is that of Aᵀ and B
        a = at(left) if row.right.template.startswith(("tr({0:a}ᵀ", "⟨")) else at(left).T
        found.append((a * at(right)).sum())
    assert isinstance(image, Expr)
    np.testing.assert_allclose(found, found[0], rtol=1e-10)


def test_the_last_line_is_the_gradient_of_a_weight_that_is_used_once() -> None:
    network, rows = steps_of(*NETWORKS[0])
    assert rows[-1].right.parts[0] is network.gradients["W"]
