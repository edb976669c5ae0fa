"""What programs say, entry by entry, of an array and its own transpose."""

from __future__ import annotations

import re

import numpy as np
import pytest

import frechet as fr


@pytest.mark.parametrize("text", ["M.^2 + (M.^2)'", "M.*M'", "M.^2 + 3*(M.^2)'", "exp(M).*exp(M)'", "M.*M' - M'.^2"])
def test_squares_and_transposes_of_square_matrices(text: str) -> None:
    e = fr.parse(text, ["M: n×n"])
    m = np.random.default_rng(0).standard_normal((4, 4))
    assert np.allclose(fr.compile(e)(m), e.evaluate({"M": m}))


def test_a_sum_is_written_over_an_array_whose_axes_are_in_order() -> None:
    """Its entries are then read in their order, and a reshape of the sum is no copy."""
    g = fr.parse("norm2(inv(X)*b)^2", ["X: n×n", "b: n"])
    lines = fr.compile(fr.derivative(g, "X").hessian).at(n=5).function.splitlines()
    (name,) = [m[1] for line in lines if (m := re.search(r"= (\w+)\.reshape\(\(n\*n, n\*n\)\)", line))]
    assert f"    {name} += " in "\n".join(lines)
    assert not any(line.startswith(f"    {name} = ") and "transpose" in line for line in lines)


@pytest.mark.parametrize("kind", ["f", "d", "D"])
@pytest.mark.parametrize(("n", "few"), [(5, True), (200, False)])
def test_numbers_beside_few_entries_are_arrays(n: int, few: bool, kind: str) -> None:
    """Which NumPy does not convert at each call; precisions stay, and a variable may have the name of such a number."""
    declared = {"x": "n complex" if kind == "D" else "n", "two": "n complex" if kind == "D" else "n"}
    program = fr.compile(fr.parse("2*x.*two + x/3 - 5*ones(n) + 2*exp(two)", declared), ["x", "two"])
    source = program.at({"f": "s", "d": "d", "D": "z"}[kind], n=n).source
    assert ("= np.array(" in source) is few and "two = np" not in source and "5.0 * 1.0" not in source
    rng = np.random.default_rng(n)
    x, two = (rng.normal(size=n) + (1j * rng.normal(size=n) if kind == "D" else 0) for _ in range(2))
    found = program(x.astype(kind), two.astype(kind))
    assert found.dtype == np.dtype(kind)
    error = 1e-5 if kind == "f" else 1e-13
    assert np.allclose(found, 2 * x * two + x / 3 - 5 + 2 * np.exp(two), error, error)


@pytest.mark.parametrize("kind", ["f", "d", "D"])
@pytest.mark.parametrize(
    "text", ["sum(A)", "sum(A,1)", "sum(A,2)", "sum(A')", "tr(A)", "sum(exp(A),2)", "sum(x)", "sum(exp(A)[:,2])"]
)
def test_few_entries_are_summed_by_products_with_ones(text: str, kind: str) -> None:
    field = " complex" if kind == "D" else ""
    e = fr.parse(text, {"A": f"n×n{field}", "x": f"n{field}"})
    program = fr.compile(e)
    rng = np.random.default_rng(5)
    for n, few in ((4, True), (300, False)):
        A, x = (rng.normal(size=(n,) * k) + (1j * rng.normal(size=(n,) * k) if kind == "D" else 0) for k in (2, 1))
        given = {k: v.astype(kind) for k, v in {"A": A, "x": x}.items() if k in program.arguments.names}
        found = program(**given)
        assert np.asarray(found).dtype == np.dtype(kind)
        assert np.allclose(found, e.evaluate({"A": A, "x": x}), 1e-3 if kind == "f" else 1e-12)
        assert ("ones(" in program.at({"f": "s", "d": "d", "D": "z"}[kind], n=n).function) is few


@pytest.mark.parametrize("n", [5, 40])
def test_masks_are_signs(n: int) -> None:
    """Where the entries are not negative."""
    g = fr.parse("norm2(relu(W*x)*y')^2 + norm2(relu(relu(A)*B))^2", ["A: n×n", "B: n×n", "W: n×n"])
    program = fr.compile(fr.derivative(g, "A").gradient)
    assert "np.sign(" in program.at(n=n).function
    rng = np.random.default_rng(n)
    A, B = rng.integers(-1, 2, size=(2, n, n)).astype(float)
    M = np.maximum(np.maximum(A, 0) @ B, 0)
    assert np.allclose(program(A=A, B=B), 2 * (M @ B.T) * (A > 0))


@pytest.mark.parametrize(("symmetric", "definite"), [(" spd", True), ("", False)])
def test_products_are_written_over_arrays_that_nothing_needs(symmetric: str, definite: bool) -> None:
    """But not over those that LAPACK was given to write over, which a solution is a view of."""
    declared = {"S": f"n×n{symmetric}", "A": "n×n", "B": "n×n", "x": "n", "y": "n"}
    outputs = [fr.parse("inv(S)*(A*y)", declared), fr.parse("A*tanh(B*tanh(A*x))", declared)]
    program = fr.compile(outputs, list(declared))
    lines = program.at(n=4).function
    assert re.search(r"^    A\.dot\((\w+), (\w+)\)$", lines, re.MULTILINE)
    assert not re.search(r"^    A\.dot\(", program.at(n=5000).function, re.MULTILINE)  # large ones leave memory for others
    rng = np.random.default_rng(0)
    A, B, S = rng.standard_normal((3, 4, 4))
    S = S @ S.T + 4 * np.eye(4)
    x, y = rng.standard_normal((2, 4))
    for kind in "fd":
        solved, product = program(*(v.astype(kind) for v in (S, A, B, x, y)))
        error = 1e-4 if kind == "f" else 1e-12
        assert solved.dtype == product.dtype == np.dtype(kind)
        assert np.allclose(solved, np.linalg.solve(S, A @ y), error, error)
        assert np.allclose(product, A @ np.tanh(B @ np.tanh(A @ x)), error, error)


def test_what_is_prepared_is_not_written_over() -> None:
    declared = {"A": "n×n", "B": "n×n", "x": "n", "y": "n"}
    applied = fr.compile(fr.parse("x'*tanh(A*tanh(B*tanh(A*y)))", declared)).prepare(A=np.eye(3), y=np.ones(3))
    B = np.arange(9.0).reshape(3, 3)
    expected = np.tanh(np.tanh(B @ np.full(3, np.tanh(1.0)))).sum()
    for _ in range(3):
        assert np.isclose(applied(B=B, x=np.ones(3)), expected)


@pytest.mark.parametrize("kind", ["f", "d"])
@pytest.mark.parametrize("shape", ["n", "n×n", "n×3", "3×n"])
def test_large_arrays_are_compared_with_rows_of_zeros(shape: str, kind: str) -> None:
    e = fr.parse("relu(X) + step(X) + softplus(X)", {"X": shape})
    program = fr.compile(e)
    sizes = [400 if d == "n" else 3 for d in shape.split("×")]
    assert ("zeros(n" in program.at({"f": "s", "d": "d"}[kind], n=400 * 30).function) is (shape != "n×3")
    x = np.random.default_rng(0).standard_normal(sizes).astype(kind)
    x.flat[:4] = 0.0, np.nan, np.inf, -np.inf
    found = program(x)
    assert found.dtype == np.dtype(kind)
    with np.errstate(invalid="ignore"):
        wanted = np.maximum(x, 0) + np.sign(np.maximum(x, 0)) + np.logaddexp(x, 0)
    np.testing.assert_allclose(found, wanted, rtol=1e-6 if kind == "f" else 1e-14)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "text", ["max(A*x,B*y) + A*(B*(A*max(B*(A*x),y)))", "sum(max(A*B,B*A)*B,2) + A*B*min(A*x,B*y)", "B*(A*max(x,B*y))"]
)
def test_functions_of_two_arrays_are_written_over_spare_ones(text: str) -> None:
    """Only where both lie row by row, as `dot` needs the arrays that it writes over."""
    declared = {"A": "n×n", "B": "n×n", "x": "n", "y": "n"}
    e = fr.parse(text, declared)
    program = fr.compile([e, fr.derivative(fr.parse(f"sum(tanh({text}))", declared), "x").gradient], list(declared))
    rng = np.random.default_rng(2)
    values = {"A": rng.standard_normal((5, 5)), "B": np.asfortranarray(rng.standard_normal((5, 5)))}
    values |= {n: rng.standard_normal(5) for n in "xy"}
    found = program(**values)
    assert np.allclose(found[0], e.evaluate(values))
    step = 1e-6 * rng.standard_normal(5)
    ahead, behind = (np.tanh(e.evaluate({**values, "x": values["x"] + s})).sum() for s in (step, -step))
    assert np.isclose((ahead - behind) / 2, step @ found[1], rtol=1e-5)


@pytest.mark.parametrize("n", [2, 40, 200])
def test_sums_of_outer_products_are_one_product(n: int) -> None:
    declared = {"W": "n×n", "h": "n", "b": "n", "c": "scalar"}
    lines = ["h0 = h", *(f"h{i + 1} = h{i} + c*tanh(W*h{i} + b)" for i in range(5)), "norm2(h5)^2"]
    d = fr.derivative(fr.parse("\n".join(lines), declared), "W")
    text = d.compile("gradient").at(n=n).function
    assert text.count(".T.dot(np.array((") == 1 and "[:, None]" not in text
    rng = np.random.default_rng(0)
    values = {"W": rng.standard_normal((n, n)) / n, "h": rng.standard_normal(n), "b": rng.standard_normal(n), "c": 0.3}
    program = d.compile("gradient")
    assert np.allclose(program(**{k: values[k] for k in program.arguments.names}), d.gradient.evaluate(values))
