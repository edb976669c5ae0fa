"""Run by test_mesh.py in processes of its own: on four devices, or as one of two processes with two devices each.

python on_a_mesh.py            is on four devices
python on_a_mesh.py i port     is process i
"""

from __future__ import annotations

import os
import re
import sys

ALONE = len(sys.argv) < 3
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={4 if ALONE else 2}"

import jax  # noqa: E402
import numpy as np  # noqa: E402
from jax.sharding import Mesh, NamedSharding, PartitionSpec  # noqa: E402

import frechet as fr  # noqa: E402

jax.config.update("jax_enable_x64", True)
LOGISTIC = ["X: n×k", "w: k", "y: n"]
# formula, declarations, by, all-reduces
CASES = [
    ("sum(softplus(-y.*(X*w)))/n", LOGISTIC, "w", 1),
    ("norm2(Y-tanh(X*A)*B)^2", ["X: n×k", "A: k×h", "B: h×m", "Y: n×m"], "A", 1),
    ("n/2*logdet(S) + sum((X*inv(S)).*X)/2", ["X: n×k", "S: k×k spd"], "S", 1),
    ("logsumexp(X*w)", LOGISTIC[:2], "w", 2),
    ("logdet(X'*diag(exp(y))*X)", LOGISTIC, "y", 1),
    ("norm2(X*w)", LOGISTIC, "w", 2),
]
SIZES = {"n": 24, "k": 3, "h": 4, "m": 2}
rng = np.random.default_rng(0)


def compiled(formula: str, declare: list[str], by: str):
    g = fr.parse(formula, declare)
    outputs = [g, fr.derivative(g, fr.variables(g)[by]).gradient]
    program = fr.compile(outputs, shard="n")
    values = {}
    for v in program.inputs:
        a = rng.standard_normal([SIZES[str(d)] for d in v.shape if str(d) in SIZES])
        values[v.params[0]] = a @ a.T + np.eye(len(a)) if v.definite else a
    return program, values, fr.compile(outputs)(**values)


def alone() -> None:
    mesh = jax.make_mesh((2, 2), ("a", "b"))
    for formula, declare, by, count in CASES:
        program, values, whole = compiled(formula, declare, by)
        run = program.over(mesh)
        for found, expected in zip(run(**values), whole, strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)
        text = run.lower(**values).compile().as_text()
        assert len(re.findall(r" all-reduce(?:-start)?\(", text)) == count, (formula, text)
    program, values, _ = compiled(*CASES[0][:3])
    small = program.over(mesh)(**{name: a.astype("f") for name, a in values.items()})
    assert [a.dtype for a in small] == [np.float32] * 2
    for wrong, message in [
        (
            lambda: program.over(mesh)(X=values["X"][:23], y=values["y"][:23], w=values["w"]),
            "the 4 devices of the mesh do not",
        ),
        (lambda: program.over(mesh, rows=3), "the devices of a mesh have one block each"),
    ]:
        try:
            wrong()
        except fr.FrechetError as error:
            assert message in str(error)
        else:
            raise AssertionError(message)


def one_of_two(index: int, port: str) -> None:
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.distributed.initialize(f"127.0.0.1:{port}", 2, index)
    mesh = Mesh(np.array(jax.devices()), ("rows",))
    program, values, whole = compiled(*CASES[0][:3])
    for name in ("X", "y"):  # each process has its half of the rows
        rows = NamedSharding(mesh, PartitionSpec("rows"))
        half = np.split(values[name], 2)[index]
        values[name] = jax.make_array_from_process_local_data(rows, half, values[name].shape)
    for found, expected in zip(program.over(mesh)(**values), whole, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-10)
    jax.distributed.shutdown()


if __name__ == "__main__":
    if ALONE:
        alone()
    else:
        one_of_two(int(sys.argv[1]), sys.argv[2])
    print("same")
