"""Sums of products of matrices that stand beside vectors are applied to them: no matrix is multiplied by a matrix."""

from __future__ import annotations

import numpy as np
import pytest

import frechet as fr
from frechet.compilation.numpy_source import evaluate
from frechet.compilation.values import Value, walk


def closed_loop(steps: int) -> str:
    lines = ["x0 = x", *(f"x{i + 1} = A*x{i} - B*(K*x{i})" for i in range(steps))]
    return "\n".join([*lines, " + ".join(f"norm2(x{i + 1})^2" for i in range(steps))])


def regulator(steps: int) -> str:
    lines = ["x0 = x"]
    for i in range(steps):
        lines += [f"u{i} = -K*x{i}", f"x{i + 1} = A*x{i} + B*u{i}"]
    return "\n".join([*lines, " + ".join(f"x{i + 1}'*Q*x{i + 1} + c*u{i}'*u{i}" for i in range(steps))])


DECLARED = {"A": "n×n", "B": "n×2", "K": "2×n", "Q": "n×n", "x": "n", "y": "n", "z": "n", "c": "scalar"}
APPLIED = [
    ("z'*A^8*x", "A", "hvp"),
    ("norm2(A^3*x)^2", "A", "hvp"),
    ("log(x'*A^4*y)", "A", "hvp"),
    (" + ".join(f"c*(x'*A^{k}*y)" for k in range(1, 7)), "A", "gradient"),
    (closed_loop(5), "x", "gradient"),
    (closed_loop(5), "K", "gradient"),
    (closed_loop(4), "x", "hvp"),
    (regulator(4), "K", "gradient"),
    (regulator(3), "K", "hvp"),
    ("x'*(A - B*K)'^3*Q*(A - B*K)^3*x", "K", "hvp"),
    ("P = softmax(A,2)\nlog(x'*P^2*y) + log(x'*P^3*y)", "A", "hvp"),
    ("y'*(A*Q*A' + diag(x)*Q)*(Q*A + A'*Q)*z", "A", "gradient"),
    ("norm2((A*Q + ones(n)*x' + c*eye(n))*(Q*A*Q - A')*z)^2", "A", "gradient"),
]


def of_large_matrices(v: Value) -> bool:
    if v.op != "contract" or len(v.args) != 2:
        return False
    ins, out, dims, _ = v.params
    large = all(len(labels) == 2 and all(str(dims[k]) == "n" for k in labels) for labels in ins)
    return large and bool({*ins[0]} & {*ins[1]} - {*out}) and len(out) == 2


@pytest.mark.parametrize("backend", ["numpy", "c"])
@pytest.mark.parametrize(("text", "name", "view"), APPLIED)
def test_no_large_matrices_are_multiplied(text: str, name: str, view: str, backend: str) -> None:
    d = fr.derivative(fr.parse(text, DECLARED), name)
    program = d.compile(view, backend=backend)
    assert not [v for v in walk(program.at(n=300).roots) if of_large_matrices(v)]
    n = 6
    rng = np.random.default_rng(0)
    shapes = {"A": (n, n), "B": (n, 2), "K": (2, n), "Q": (n, n), "x": (n,), "y": (n,), "z": (n,), "c": ()}
    values = {v: np.abs(rng.standard_normal(s)) / 3 for v, s in shapes.items()}
    values[f"d{name}"] = rng.standard_normal(shapes[name])
    found = program(**{v: values[v] for v in program.arguments.names})
    formula = d.gradient if view == "gradient" else fr.derivative(d.gradient, name).differential
    wanted = evaluate(formula, values)
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9 * np.abs(wanted).max())


def test_a_matrix_that_is_there_is_used() -> None:
    """A*Q + Q*A, which the program returns too, is not applied in parts."""
    whole = fr.parse("A*Q + Q*A", DECLARED)
    program = fr.compile([whole, fr.parse("(A*Q + Q*A)*x", DECLARED)]).at(n=300)
    products = [v for v in walk(program.roots) if v.op == "contract" and len(v.args) == 2]
    assert len([v for v in products if len(v.shape) == 1]) == 1


@pytest.mark.parametrize(
    "text",
    [
        "vec(X)'*(M*N + N*M*M)*vec(X)",
        "norm2((M*N*M + kron(E,C)*N*N)*vec(X))^2",
        "norm2((kron(E,C)*kron(E,C) + M*N)*vec(C*X*E))^2",
        "sum(unvec((M*N*N + N*M)*vec(X),n,m)*E)",
    ],
)
def test_matrices_of_products_of_dimensions(text: str) -> None:
    shapes = {"M": (6, 6), "N": (6, 6), "X": (3, 2), "C": (3, 3), "E": (2, 2)}
    g = fr.parse(text, {"M": "n*m×n*m", "N": "n*m×n*m", "X": "n×m", "C": "n×n", "E": "m×m"})
    rng = np.random.default_rng(0)
    values = {v: rng.standard_normal(shape) for v, shape in shapes.items()}
    for name in fr.variables(g):
        d = fr.derivative(g, name)
        values[f"d{name}"] = rng.standard_normal(shapes[name])
        gradient, product = d.compile("gradient", "hvp")(
            **{v: values[v] for v in d.compile("gradient", "hvp").arguments.names}
        )
        assert np.allclose(gradient, evaluate(d.gradient, values, {"n": 3, "m": 2}))
        h = 1e-6
        ahead, behind = (
            evaluate(d.gradient, {**values, name: values[name] + s * values[f"d{name}"]}, {"n": 3, "m": 2}) for s in (h, -h)
        )
        assert np.allclose(product, (ahead - behind) / (2 * h), rtol=1e-5, atol=1e-6 * np.abs(gradient).max())
