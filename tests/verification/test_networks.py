"""The check of networks finds wrong gradients, wrong batches and wrong totals."""

from __future__ import annotations

import pytest

import frechet as fr
from frechet.derivation.backprop import Backprop, Cotangent, depending, roles
from frechet.derivation.batch import batched
from frechet.derivation.stages import Stage, split
from frechet.expressions.errors import CheckFailed
from frechet.notation.reading import read_stages
from frechet.operations.sums import scaled
from frechet.verification.networks import Samples, check_network

TEXT = "h = tanh(W1*x + b1)\nz = W2*h + b2\n-y'*log(softmax(z))"


def parts(text: str = TEXT) -> tuple[list[Stage], Backprop, list[object]]:
    reading, stages = read_stages(text)
    parameters, data, _ = roles(list(reading.variables.values()))
    stages = split(stages, depending(stages, parameters), ())
    return stages, Backprop(stages, parameters), data  # type: ignore[return-value]


def test_right_gradients_pass_and_say_how_well() -> None:
    report = check_network(parts()[1])
    assert report.ok and report.points >= 2 and report.max_relative_error < 1e-7


@pytest.mark.parametrize("which", range(4))
def test_each_wrong_gradient_is_found(which: int) -> None:
    b = parts()[1]
    wrong = b.gradients[which]
    b.gradients[which] = Cotangent(wrong.of, wrong.symbol, scaled(1 + 2**-10, wrong.expression))
    with pytest.raises(CheckFailed, match=wrong.of.params[0]):
        check_network(b)


def test_a_wrong_cotangent_is_found() -> None:
    b = parts()[1]
    i = next(i for i, c in enumerate(b.cotangents) if c.of.params[0] == "h")
    b.cotangents[i] = b.cotangents[i]._replace(expression=scaled(-1, b.cotangents[i].expression))
    with pytest.raises(CheckFailed):
        check_network(b)


@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_a_wrong_batch_is_found(layout: str) -> None:
    stages, single, data = parts()
    found = batched(stages, data, layout)  # type: ignore[arg-type]
    b = Backprop(found.stages, single.parameters)
    assert check_network(b, Samples(single, found.data, "N", layout, "sum")).ok
    with pytest.raises(CheckFailed, match="batch"):
        check_network(b, Samples(single, found.data, "N", layout, "mean"))
    other = Backprop([*stages[:-1], stages[-1]._replace(expression=scaled(2, stages[-1].expression))], single.parameters)
    with pytest.raises(CheckFailed, match="the loss of the batch"):
        check_network(b, Samples(other, found.data, "N", layout, "sum"))


def test_many_parameters_are_moved_together() -> None:
    lines = ["h0 = x", *(f"h{i} = h{i - 1} + tanh(W{i}*h{i - 1})/8" for i in range(1, 61)), "norm2(h60 - y)^2"]
    b = parts("\n".join(lines))[1]
    assert len(b.parameters) == 60 and check_network(b).ok
    b = parts("\n".join(lines))[1]  # (what is checked is put together once)
    wrong = b.gradients[30]
    b.gradients[30] = Cotangent(wrong.of, wrong.symbol, scaled(2, wrong.expression))
    with pytest.raises(CheckFailed):
        check_network(b)


@pytest.mark.parametrize("layout", ["rows", "columns"])
@pytest.mark.parametrize("domain", ["simplex", "onehot"])
def test_what_is_declared_of_one_sample_holds_for_each(layout: str, domain: str) -> None:
    text = "h = relu(W1*x + b1)\nz = W2*h + b2\n-y'*log(softmax(z))"
    network = fr.backprop(text, declare=[f"y: p {domain}"], batch=layout)
    assert network.report is not None and network.report.ok
