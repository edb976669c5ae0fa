"""Networks as NumPy programs: the source runs with NumPy alone, trains on real data, and agrees with PyTorch."""

from __future__ import annotations

import ast
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from frechet.interfaces.backprop.network import Network

CLASSIFIER = "h = relu(W1*x + b1)\nz = W2*h + b2\n-y'*log(softmax(z))"


def run(source: str) -> Any:
    """The function of the source, with nothing but what the source imports."""
    space: dict[str, Any] = {}
    exec(compile(source, "<network>", "exec"), space)
    return space["loss_and_gradients"]


def test_the_source_needs_numpy_only() -> None:
    tree = ast.parse(Network(CLASSIFIER, batch="rows").numpy())
    imported = [n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]
    assert [ast.unparse(n) for n in imported] == ["import numpy as np"]


def test_the_function_is_one_straight_line() -> None:
    """No loop, no condition, every name assigned once, before it is used."""
    tree = ast.parse(Network("\n".join(["h0 = x", *(f"h{i} = tanh(W*h{i - 1})" for i in range(1, 40)), "sum(h39)"])).numpy())
    function = tree.body[-1]
    assert isinstance(function, ast.FunctionDef)
    known = {a.arg for a in function.args.kwonlyargs} | {"np"}
    for line in function.body[1:]:
        assert isinstance(line, ast.Assign | ast.Return)
        used = {n.id for n in ast.walk(line) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        assert used <= known
        if isinstance(line, ast.Assign):
            new = {n.id for n in ast.walk(line) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
            assert not new & known
            known |= new


def test_names_of_python_are_no_trouble() -> None:
    n = Network("lambda = W*x\nnp = tanh(lambda)\ndelta_np = np.*np\nsum(delta_np)")
    assert n.report is not None
    loss, gradients = run(n.numpy())(W=np.ones((2, 3)), x=np.ones(3))
    assert np.isclose(loss, 2 * np.tanh(3) ** 2) and gradients["W"].shape == (2, 3)


@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_it_trains_on_digits(layout: str) -> None:
    """64 pixels, 10 classes: the loss falls, and images that were not seen are told apart."""
    datasets = pytest.importorskip("sklearn.datasets")
    pixels, digits = datasets.load_digits(return_X_y=True)
    x, y = pixels / 16.0, np.eye(10)[digits]
    turned = (lambda a: a) if layout == "rows" else np.transpose
    step = run(Network(CLASSIFIER, batch=layout, total="mean").numpy())  # type: ignore[arg-type]
    rng = np.random.default_rng(0)
    weights = {
        "W1": 0.1 * rng.normal(size=(32, 64)),
        "b1": np.zeros(32),
        "W2": 0.1 * rng.normal(size=(10, 32)),
        "b2": np.zeros(10),
    }
    seen, losses = 1400, []
    for _ in range(60):
        order = rng.permutation(seen)
        total = 0.0
        for start in range(0, seen, 100):
            chosen = order[start : start + 100]
            loss, gradients = step(**weights, x=turned(x[chosen]), y=turned(y[chosen]))
            total += loss / 14
            for name, g in gradients.items():
                weights[name] -= 0.5 * g
        losses.append(total)
    assert losses[0] > 1.0 and losses[-1] < 0.05 and all(b < a + 0.2 for a, b in pairwise(losses))
    hidden = np.maximum(x[seen:] @ weights["W1"].T + weights["b1"], 0)
    found = (hidden @ weights["W2"].T + weights["b2"]).argmax(axis=1)
    assert (found == digits[seen:]).mean() > 0.88


def classifier_in(torch: Any, weights: dict[str, Any], x: Any, y: Any) -> Any:
    h = torch.relu(x @ weights["W1"].T + weights["b1"])
    return -(y * torch.log_softmax(h @ weights["W2"].T + weights["b2"], 1)).sum() / len(x)


def attention_in(torch: Any, weights: dict[str, Any], x: Any, y: Any) -> Any:
    q, k, v = (x @ weights[name] for name in "ABC")
    h = x + torch.softmax(q @ k.T / 2, 1) @ v
    return ((h - y) ** 2).sum()


def lstm_in(torch: Any, weights: dict[str, Any], x: Any, y: Any) -> Any:
    cell = torch.nn.LSTMCell(3, 4, dtype=torch.float64)
    # PyTorch keeps the parts for x and for h apart, and two biases
    h, _ = torch.func.functional_call(
        cell,
        {
            "weight_ih": weights["W"][:, :3],
            "weight_hh": weights["W"][:, 3:],
            "bias_ih": weights["v"],
            "bias_hh": torch.zeros(16, dtype=torch.float64),
        },
        (x[:3][None], (x[3:7][None], x[7:][None])),
    )
    return ((h[0] - y) ** 2).sum()


LSTM = (
    "u = W*[x1; h0] + v\ni = sigmoid(u[1:n])\nf = sigmoid(u[n+1:2*n])\ng = tanh(u[2*n+1:3*n])\no = sigmoid(u[3*n+1:4*n])\n"
    "s = f.*s0 + i.*g\nh = o.*tanh(s)\nnorm2(h - y)^2"
)
SHAPES = {
    "classifier": ({"W1": (6, 5), "b1": (6,), "W2": (3, 6), "b2": (3,)}, (8, 5), (8, 3)),
    "attention": ({"A": (5, 4), "B": (5, 4), "C": (5, 5)}, (6, 5), (6, 5)),
    "lstm": ({"W": (16, 7), "v": (16,)}, (11,), (4,)),
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_gradients_are_those_of_pytorch(name: str) -> None:
    torch = pytest.importorskip("torch")
    shapes, of_x, of_y = SHAPES[name]
    rng = np.random.default_rng(1)
    weights = {k: 0.5 * rng.normal(size=s) for k, s in shapes.items()}
    x, y = rng.normal(size=of_x), np.abs(rng.normal(size=of_y))
    if name == "classifier":
        function, data = run(Network(CLASSIFIER, batch="rows", total="mean").numpy()), {"x": x, "y": y}
    elif name == "attention":
        text = "Q = X*A\nK = X*B\nV = X*C\nH = X + softmax(Q*K'/2,2)*V\nnorm2(H - Y)^2"
        function, data = run(Network(text).numpy()), {"X": x, "Y": y}
    else:
        function, data = run(Network(LSTM).numpy()), {"x1": x[:3], "h0": x[3:7], "s0": x[7:], "y": y}
    loss, gradients = function(**weights, **data)
    tensors = {k: torch.tensor(w, requires_grad=True) for k, w in weights.items()}
    model = {"classifier": classifier_in, "attention": attention_in, "lstm": lstm_in}[name]
    theirs = model(torch, tensors, torch.tensor(x), torch.tensor(y))
    theirs.backward()
    assert np.isclose(loss, theirs.item(), rtol=1e-12)
    for k, t in tensors.items():
        np.testing.assert_allclose(gradients[k], t.grad.numpy(), rtol=1e-10, atol=1e-13)


def test_large_logits_do_not_overflow() -> None:
    for batch in (None, "rows", "columns"):
        function = Network("z = W*x\n-y'*log(softmax(z))", batch=batch, check=False).function  # type: ignore[arg-type]
        x, y = np.array([1.0, 0.0]), np.array([0.0, 1.0])
        x, y = (x, y) if batch is None else (x[None], y[None]) if batch == "rows" else (x[:, None], y[:, None])
        loss, gradients = function(W=np.array([[1000.0, 0.0], [0.0, 0.0]]), x=x, y=y)
        assert loss == 1000.0 and np.all(np.isfinite(gradients["W"]))
