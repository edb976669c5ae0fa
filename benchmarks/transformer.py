"""A transformer of two blocks beside jax.jit: a value and its gradients by all twelve weights.

    python benchmarks/transformer.py

Each block is attention, a layer that is normalized, and two further layers with GELU. Prints a Markdown table: medians of
interleaved rounds on one processor, of one thread each, and the operations of the program beside those of the value alone.
Needs JAX (`pip install -e ".[bench]"`).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "compile"))

import processor

processor.prepare()
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from measure import COMPLETE, seconds_of  # noqa: E402

import frechet as fr  # noqa: E402
from frechet.compilation.table import flops  # noqa: E402

LAYERS = 2
WEIGHTS = [f"{k}{i}" for i in range(LAYERS) for k in "QKVOUW"]
SHAPES = {"Q": "m×d", "K": "m×d", "V": "m×d", "O": "d×m", "U": "m×h", "W": "h×m"}
SIZES = [(16, 8, 4, 16), (128, 64, 32, 128), (512, 128, 64, 256), (1024, 256, 64, 1024)]  # n, m, d, h
BLOCK = """
A{i} = softmax({x}*Q{i}*K{i}'*{x}'/sqrt(d),2)
H{i} = {x} + A{i}*{x}*V{i}*O{i}
N{i} = H{i} - (H{i}*ones(m))*ones(m)'/m
S{i} = N{i}./(sqrt((N{i}.^2)*ones(m)/m + c*ones(n))*ones(m)')
Z{i} = S{i} + gelu(S{i}*U{i})*W{i}"""


def loss() -> fr.Expr:
    text, x = "", "X"
    for i in range(LAYERS):
        text, x = text + BLOCK.format(i=i, x=x), f"Z{i}"
    declared = {"X": "n×m", "Y": "n×m", "c": "positive scalar"} | {name: SHAPES[name[0]] for name in WEIGHTS}
    return fr.parse(f"{text}\nnorm2({x} - Y)^2/n".strip(), declared)


def loss_in_jax(weights: dict[str, jax.Array], x: jax.Array, y: jax.Array, c: float) -> jax.Array:
    for i in range(LAYERS):
        q, k, v, o, u, w = (weights[f"{name}{i}"] for name in "QKVOUW")
        h = x + jax.nn.softmax(x @ q @ k.T @ x.T / jnp.sqrt(q.shape[1]), axis=1) @ x @ v @ o
        s = h - h.mean(1)[:, None]
        s = s / jnp.sqrt((s**2).mean(1) + c)[:, None]
        x = s + jax.nn.gelu(s @ u, approximate=False) @ w
    return jnp.sum((x - y) ** 2) / x.shape[0]


def row(g: fr.Expr, outputs: list[fr.Expr], n: int, m: int, d: int, h: int) -> str:
    sizes = {"n": n, "m": m, "d": d, "h": h}
    rng = np.random.default_rng(0)
    values = {w: 0.3 * rng.standard_normal([sizes[k] for k in SHAPES[w[0]].split("×")]) / np.sqrt(m) for w in WEIGHTS}
    x, y = rng.standard_normal((2, n, m))
    in_jax = jax.jit(jax.value_and_grad(loss_in_jax))
    weights = {w: jnp.asarray(a) for w, a in values.items()}
    value, gradients = in_jax(weights, x, y, 0.1)
    calls = {"jax": lambda: jax.block_until_ready(in_jax(weights, x, y, 0.1))}
    for backend in ("numpy", "c", "auto"):
        program = fr.compile(outputs, backend=backend)
        found = program(**values, X=x, Y=y, c=0.1)
        assert np.isclose(found[0], value) and all(
            np.allclose(a, gradients[w]) for a, w in zip(found[1:], WEIGHTS, strict=True)
        )
        calls[backend] = lambda program=program: program(**values, X=x, Y=y, c=0.1)
    seconds = seconds_of(calls, COMPLETE)
    operations = [
        sum(flops(v, made.rates) or 0 for v in made.steps) for made in (fr.compile(e).at(**sizes) for e in (g, outputs))
    ]
    ratios = " | ".join(f"{seconds[b] / seconds['jax']:.2f}" for b in ("numpy", "c", "auto"))
    return f"| {n}×{m}, d = {d}, h = {h} | {seconds['jax'] * 1e3:.3g} | {ratios} | {operations[1] / operations[0]:.2f} |"


def main() -> None:
    jax.config.update("jax_enable_x64", True)
    g = loss()
    outputs = [g, *(d.gradient for d in fr.derivatives(g, WEIGHTS).values())]
    print("| sizes | jax.jit ms | NumPy | C | auto | operations of the value |\n|---|---|---|---|---|---|")
    for sizes in SIZES:
        print(row(g, outputs, *sizes), flush=True)


if __name__ == "__main__":
    main()
