"""Hessian maps against the matrix of the symbolic Hessian, at random points; refusals by name."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from scipy.sparse.linalg import cg
from test_random_expressions import DIMS, Builder, Refused, draw_values

import frechet as fr
from frechet.compilation.linear_maps.building import FORMED, Evaluation, matrix_map
from frechet.compilation.linear_maps.hessian_map import HessianMap
from frechet.compilation.linear_maps.iterative import TOLERANCE
from frechet.compilation.linear_maps.linear_map import LinearMap
from frechet.differentiation.map_solution import solution
from frechet.differentiation.map_structure import MatrixForm, Piece
from frechet.expressions.errors import FrechetError, ShapeError, UnsupportedError
from frechet.expressions.node import Expr
from frechet.operations.constants import ONE
from frechet.verification.sampling import random_sizes, sample

Case = tuple[str, str, tuple[str, ...], str]

FUNCTIONS: list[Case] = [  # function, variable, declarations, what its structure is called
    ("c^3", "c", (), "number"),
    ("a'*x", "x", ("a: n",), "zero map"),
    ("norm2(x)^2", "x", (), "scaled identity"),
    ("tr(X'*X)", "X", (), "scaled identity"),
    ("sum(log(x))", "x", ("x: n positive",), "diagonal"),
    ("sum(exp(X))", "X", (), "diagonal"),
    ("norm2(M.*X - T)^2", "X", (), "diagonal"),
    ("sum(max(X,0).^2)", "X", (), "diagonal"),
    ("x'*A*x", "x", (), "dense"),
    ("norm2(A*diag(x)*B)^2", "x", (), "dense"),
    ("x'*inv(S)*x", "x", ("S: n×n spd",), "inverse of a known matrix"),
    ("logsumexp(x) + norm2(x)^2", "x", (), "diagonal plus low rank"),
    ("sum(exp(x)) + norm2(a'*x)^2", "x", ("a: n",), "diagonal plus low rank"),
    ("sum(exp(x)) + norm2(x)^3", "x", (), "diagonal plus low rank"),
    ("norm2(X*w - y)^2 + c*norm2(w)^2", "w", ("c: positive",), "diagonal plus low rank"),
    ("norm2(softmax(x) - y)^2 + sum(exp(x))", "x", (), "diagonal plus low rank"),
    ("sum(a.*x.^2)^2", "x", (), "diagonal plus low rank"),
    ("sum(log(ones(m)+exp(-y.*(X*w))))", "w", ("X: m×n",), "Gauss–Newton"),
    ("norm2(X*w - y)^2", "w", (), "Gauss–Newton"),
    ("logsumexp(A*x) + norm2(x)^2", "x", (), "diagonal plus low rank"),
    ("x'*A*x/(x'*x)", "x", (), "dense"),
    ("norm2(T-U*V')^2", "U", (), "Kronecker product"),
    ("norm2(T-U*V')^2", "V", (), "Kronecker product"),
    ("norm2(diag(s)*(T-U*V'))^2", "U", (), "Kronecker product"),
    ("norm2(X*W-Y)^2+c*norm2(W)^2", "W", ("c: positive",), "Kronecker product"),
    ("norm2(A*X*B-C)^2", "X", (), "Kronecker product"),
    ("tr(X'*inv(S)*X*P)", "X", ("S: n×n spd", "P: m×m spd"), "Kronecker product"),
    ("logdet(X)", "X", (), "Kronecker product after the transposition"),
    ("-logdet(X)", "X", ("X: n×n spd",), "Kronecker product, on the symmetric matrices"),
    ("norm2(A*X*B-C)^2+norm2(D*X*E)^2", "X", (), "sum of two Kronecker products"),
    ("tr(A*X'*B*X*C)", "X", (), "sum of two Kronecker products"),
    ("tr(X'*A*X) + tr(X*B*X')", "X", (), "Sylvester map"),
    ("norm2(A*X-C)^2 + norm2(X*B-D)^2", "X", (), "Sylvester map"),
    ("tr(X^3)", "X", (), "Sylvester map after the transposition"),
    ("tr(inv(X))", "X", (), "sum of two Kronecker products after the transposition"),
    ("logdet(S)+tr(A*inv(S))", "S", ("S: n×n spd",), "sum of two Kronecker products, on the symmetric matrices"),
    ("norm2(A*S-T)^2", "S", ("S: n×n symmetric",), "Sylvester map, on the symmetric matrices"),
    ("norm2(S-T)^2", "S", ("S: n×n symmetric",), "scaled identity, on the symmetric matrices"),
    ("norm2(M.*S-T)^2", "S", ("S: n×n symmetric",), "diagonal, on the symmetric matrices"),
    ("tr(S*S) + tr(A*S)^2", "S", ("S: n×n symmetric",), "scaled identity plus rank 1, on the symmetric matrices"),
    ("norm2(A*X+X*B-C)^2", "X", (), "Sylvester map of a Sylvester map"),
    ("sum(exp(X)) + sum(X).^2", "X", (), "diagonal plus rank 1"),
    ("norm2(X)^4", "X", (), "scaled identity plus rank 1"),
    ("norm2(T-U*V')^2 + tr(A*U)^2", "U", (), "Kronecker product plus rank 1"),
    ("tr(A*X)^2", "X", (), "rank 1"),
    ("norm2(M.*(T-U*V'))^2", "U", (), "block diagonal, a matrix for every row"),
    ("norm2(M.*(T-U*V'))^2", "V", (), "block diagonal, a matrix for every row"),
    ("norm2(M.*(A*X - T))^2", "X", (), "block diagonal, a matrix for every column"),
    ("sum(logsumexp(X,2)) + norm2(X)^2", "X", (), "block diagonal, a matrix for every row"),
    ("sum(exp(A*X)) + norm2(X)^2", "X", (), "block diagonal, a matrix for every column"),
    ("norm2(X'*X-A)^2", "X", (), "general"),
    ("norm2(inv(X)*b)^2", "X", ("b: n",), "general"),
    ("sum(exp(A*X*B))", "X", (), "general"),
    ("tr(A*X*B*X)", "X", (), "general"),
    ("sum(logsumexp(X*W,2)) + norm2(W)^2", "W", (), "general"),
    ("tr(expm(X))", "X", (), "general"),
    ("vec(X)'*K*vec(X)", "X", ("K: n*m×n*m", "X: n×m"), "general"),
    ("tr(A*sqrtm(S))", "S", ("S: n×n spd",), "general"),
    ("norm2(A*X*B - C)^2 + sum(exp(X))", "X", (), "general"),
    ("norm2(A*X - B)^2 + tr(X*C)^2", "X", ("X: n×n skew",), "general"),
    ("norm2(A*X - B)^2 + sum(X.^4)", "X", ("X: n×n lower",), "general"),
    ("sum(x.*log(x))", "x", ("x: n simplex",), "general"),
]


def stated(case: Case) -> tuple[Expr, Expr]:
    text, name, declare, _ = case
    g = fr.parse(text, list(declare))
    return g, fr.variables(g)[name]


@pytest.mark.parametrize("case", FUNCTIONS, ids=lambda c: f"{c[0]} by {c[1]}")
def test_structure(case: Case) -> None:
    g, x = stated(case)
    words = fr.derivative(g, x).hessian_map.structure.split(": ")[-1]
    assert words.startswith(case[3])


@pytest.mark.parametrize("case", FUNCTIONS, ids=lambda c: f"{c[0]} by {c[1]}")
def test_map_is_the_symbolic_hessian(case: Case) -> None:
    g, x = stated(case)
    for seed in range(3):
        rng = Random(seed)
        sizes = random_sizes([g], rng)
        compare(g, x, sample(list(fr.variables(g).values()), sizes, rng), sizes)


def compare(g: Expr, x: Expr, values: dict[str, Any], sizes: dict[str, int]) -> None:
    """Everything that a map does against the matrix that the symbolic Hessian has."""
    found = HessianMap(g, [x]).at(values)
    matrix = np.reshape(fr.hessian(g, x).evaluate({**sizes, **values}), found.shape)
    same_as_matrix(found, (matrix + matrix.T) / 2 if found.subspace is None else matrix)


def same_as_matrix(found: LinearMap, matrix: Any) -> None:
    basis = np.eye(found.size) if found.subspace is None else found.subspace.basis
    project = basis @ basis.T
    matrix = project @ matrix @ project
    inner = basis.T @ matrix @ basis
    scale = np.abs(matrix).max() + 1e-30
    close = {"rtol": 0, "atol": 1e-9 * scale}
    shape = found.array_shape
    assert np.allclose(found.to_dense(), matrix, **close)
    assert np.allclose(np.ravel(found.diagonal(), order="F"), np.diag(matrix), **close)
    assert found.trace() == pytest.approx(np.trace(matrix), abs=1e-9 * scale * found.size)
    columns = np.random.default_rng(1).standard_normal((found.size, 3))
    array = columns[:, 0].reshape(shape, order="F")
    assert np.allclose(found.matmat(columns), matrix @ columns, **close | {"atol": 1e-8 * scale})
    assert np.allclose(found.matvec(columns[:, 0]), matrix @ columns[:, 0], **close | {"atol": 1e-8 * scale})
    assert np.allclose(np.ravel(found.matvec(array), order="F"), matrix @ columns[:, 0], **close | {"atol": 1e-8 * scale})
    assert np.allclose(found.as_linear_operator() @ columns, matrix @ columns, **close | {"atol": 1e-8 * scale})
    singular = np.linalg.svd(inner, compute_uv=False)
    if singular[-1] < 1e-11 * singular[0] or singular[0] == 0:
        with pytest.raises(np.linalg.LinAlgError, match=found.name):
            found.solve(columns)
    elif singular[-1] > 1e-7 * singular[0]:
        x = found.solve(columns)
        assert np.allclose(matrix @ x, project @ columns, rtol=0, atol=1e-6)
        assert np.allclose(found.solve(array), x[:, 0].reshape(shape, order="F"), rtol=1e-6, atol=1e-9)
        sign, size = np.linalg.slogdet(inner)
        assert found.slogdet() == pytest.approx((sign, size), abs=1e-6)
        if sign > 0:
            assert found.logdet() == pytest.approx(size, abs=1e-6)
        else:
            with pytest.raises(np.linalg.LinAlgError, match="logdet has no value"):
                found.logdet()
        if found.symmetric:
            eigenvalues = np.linalg.eigvalsh(inner)
            assert found.inertia() == (np.sum(eigenvalues > 0), np.sum(eigenvalues < 0), 0)
    if found.symmetric and singular[-1] < 1e-14 * singular[0]:
        assert found.inertia().zero > 0


@pytest.mark.parametrize("seed", range(60))
def test_random_functions(seed: int) -> None:
    rng = Random(seed)
    env = draw_values(rng)
    try:
        tree = Builder(rng.randrange, [env]).tree(("1", "1"), 4)
    except Refused:
        return
    values = {name: v[:, 0] if v.shape[1] == 1 and v.shape != (1, 1) else v for name, v in env.items()}
    values = {name: float(v[0, 0]) if v.shape == (1, 1) else v for name, v in values.items()}
    for x in fr.variables(tree.expr).values():
        if x.params[2] in ("labels±1", "mask01") or set(x.params[1]) & {"orthogonal"}:
            continue
        try:
            matrix = fr.hessian(tree.expr, x).evaluate({**DIMS, **values})
        except FrechetError:
            continue
        found = HessianMap(tree.expr, [x]).at({**DIMS, **values})
        matrix = np.reshape(matrix, found.shape)
        if not np.isfinite(matrix).all() or np.abs(matrix).max() > 1e6:
            continue
        basis = np.eye(found.size) if found.subspace is None else found.subspace.basis
        project = basis @ basis.T
        scale = 1 + np.abs(matrix).max()
        assert np.allclose(found.to_dense(), project @ matrix @ project, rtol=0, atol=1e-8 * scale)


def test_the_page_names_the_structures() -> None:
    page = (Path(__file__).parents[2] / "docs" / "hessians.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\|[^|]*\| `(.*)`, (\w) \| (?:… )?([^|]*) \|", page, re.MULTILINE)
    assert len(rows) > 10
    for text, name, words in rows:
        found = fr.hessian_map(fr.parse(text), name).structure
        assert any(re.sub(" r$", "", w) in found for w in words.split(", ")), (text, found)


# -- several variables
BLOCKS = [
    ("norm2(T-U*V')^2 + norm2(U)^2 + norm2(V)^2", ["U", "V"], "arrow with the border U or V"),
    ("sum(exp(x)) + norm2(A*y-b)^2", ["x", "y"], "block diagonal"),
    ("norm2(X*w + c*ones(n) - y)^2 + norm2(w)^2", ["w", "c"], "arrow with the border w or c"),
    ("norm2(A*x - z)^2 + norm2(B*y - z)^2 + norm2(x)^2 + norm2(y)^2", ["x", "y", "z"], "arrow with the border z"),
    ("norm2(A*x + B*y + C*z - b)^2 + norm2(x)^2 + norm2(y)^2+norm2(z)^2", ["x", "y", "z"], "blocks that are coupled"),
    ("x'*A*y", ["x", "y"], "arrow with the border x or y"),
    ("tr(inv(S)*M) + logdet(S) + norm2(m-a)^2 + (m'*S*m)", ["S", "m"], "arrow with the border S or m"),
]


@pytest.mark.parametrize(("text", "names", "words"), BLOCKS, ids=lambda v: str(v))
def test_several_variables(text: str, names: list[str], words: str) -> None:
    declare = ["S: n×n spd", "m: n"] if "S" in names else ["A: n×n", "x: n"] if text == "x'*A*y" else None
    g = fr.parse(text, declare)
    h = fr.hessian_map(g, names)
    assert h.structure.startswith(words)
    for seed in range(3):
        rng = Random(seed)
        values = sample(list(fr.variables(g).values()), random_sizes([g], rng), rng)
        found = h.at(values)
        same_as_matrix(found, by_differences(g, names, values, found))
        direction = {n: rng.gauss(0, 1) * np.ones(np.shape(values[n])) for n in names}
        image = found.matvec(direction)
        assert list(image) == names
        flat = np.concatenate([np.ravel(direction[n], order="F") for n in names])
        assert np.allclose(found.matvec(flat), np.concatenate([np.ravel(image[n], order="F") for n in names]))
        assert isinstance(found.matvec(tuple(direction.values())), tuple)


def by_differences(g: Expr, names: list[str], values: dict[str, Any], found: LinearMap) -> Any:
    """The matrix of second derivatives by central differences of the gradients."""
    known = fr.variables(g)
    gradients = [fr.derivative(g, known[n]).gradient for n in names]

    def flat(step: Any) -> Any:
        moved, start = dict(values), 0
        for n in names:
            size = int(np.size(values[n]))
            moved[n] = values[n] + step[start : start + size].reshape(np.shape(values[n]), order="F")
            if "spd" in known[n].params[1]:
                moved[n] = (moved[n] + moved[n].T) / 2
            start += size
        return np.concatenate([np.ravel(e.evaluate(moved), order="F") for e in gradients])

    h = 1e-5
    columns = [(flat(h * e) - flat(-h * e)) / (2 * h) for e in np.eye(found.size)]
    matrix = np.stack(columns, axis=1)
    # Differences are right to nine digits or so: what is compared is the map, so they only choose between maps.
    exact = found.to_dense()
    assert np.allclose(exact, matrix, rtol=1e-5, atol=1e-5 * (1 + np.abs(matrix).max()))
    return exact


def test_newton_step_of_several_variables_goes_to_the_minimum_of_a_quadratic() -> None:
    g = fr.parse("norm2(A*x - z)^2 + norm2(B*y - z)^2 + norm2(x)^2 + norm2(y)^2 + norm2(z-b)^2")
    rng = Random(0)
    values = sample(list(fr.variables(g).values()), random_sizes([g], rng), rng)
    h = fr.hessian_map(g, ["x", "y", "z"])
    step = h.newton_step(values)
    there = {**values, **{n: values[n] + step[n] for n in step}}
    for gradient in h.gradients:
        assert np.allclose(gradient.evaluate(there), 0, atol=1e-9)


# -- newton steps, Jacobians, SciPy
def test_newton_step_of_matrix_factorization_solves_the_normal_equations() -> None:
    g = fr.parse("norm2(T-U*V')^2")
    rng = np.random.default_rng(0)
    t, u, v = rng.standard_normal((30, 20)), rng.standard_normal((30, 3)), rng.standard_normal((20, 3))
    step = fr.derivative(g, fr.variables(g)["U"]).hessian_map.newton_step(T=t, U=u, V=v)
    assert np.allclose(u + step, np.linalg.lstsq(v, t.T, rcond=None)[0].T)
    single = [a.astype(np.float32) for a in (t, u, v)]
    low = fr.hessian_map(g, "U").newton_step(dict(zip("TUV", single, strict=True)))
    assert low.dtype == np.float32
    assert np.allclose(low, step, atol=1e-4)


def test_the_formula_of_a_solution_is_what_the_map_solves() -> None:
    formulas = 0
    for case in FUNCTIONS:
        g, x = stated(case)
        h = HessianMap(g, [x])
        formula = solution(h.blocks[0], h.gradients[0])
        if formula is None:
            continue
        formulas += 1
        rng = Random(1)
        sizes = random_sizes([g], rng)
        values = sample(list(fr.variables(g).values()), sizes, rng)
        try:
            step = h.newton_step(values)
        except np.linalg.LinAlgError:
            continue
        assert np.allclose(-np.asarray(formula.evaluate({**sizes, **values})), step, rtol=1e-6, atol=1e-8), case[0]
    assert formulas > 30


def test_compiled_newton_steps() -> None:
    g = fr.parse("norm2(T-U*V')^2")
    d = fr.derivative(g, fr.variables(g)["U"])
    rng = Random(0)
    values = sample(list(fr.variables(g).values()), {"n": 6, "m": 5, "p": 2}, rng)
    assert np.allclose(d.compile("newton")(**values), d.hessian_map.newton_step(values))
    g = fr.parse("tr(S*A*S*S)", ["S: n×n symmetric"])
    with pytest.raises(UnsupportedError, match="the Newton step by S, symmetric, has no formula here"):
        fr.derivative(g, fr.variables(g)["S"]).compile("newton")


JACOBIANS = [
    ("A*x - b", "x", "dense"),
    ("x + sin(x)", "x", "diagonal"),
    ("x + norm2(x)^2*a", "x", "diagonal plus low rank"),
    ("A*X + X*B - C", "X", "Sylvester map"),
    ("A*X*B", "X", "Kronecker product"),
    ("X*A*X - B", "X", "Sylvester map"),
    ("X.*sin(X) + tr(X)*A", "X", "diagonal plus rank 1"),
    ("softmax(X,2) + X", "X", "block diagonal, a matrix for every row"),
    ("expm(X)", "X", "general"),
]


@pytest.mark.parametrize(("text", "name", "words"), JACOBIANS)
def test_jacobian_map(text: str, name: str, words: str) -> None:
    declare = (
        ["A: n×n", "B: n×n", "X: n×n"] if name == "X" else ["A: n×n"] if "A" in text else ["a: n"] if "a" in text else None
    )
    f = fr.parse(text, declare)
    d = fr.derivative(f, fr.variables(f)[name])
    assert d.jacobian_map.structure.split(": ")[-1].startswith(words)
    rng = Random(1)
    sizes = random_sizes([f], rng)
    values = sample(list(fr.variables(f).values()), sizes, rng)
    same_as_matrix(d.jacobian_map.at(values), d.jacobian.evaluate({**sizes, **values}))
    step = d.jacobian_map.newton_step(values)
    assert np.allclose(d.jacobian_map.at(values).matvec(step), -f.evaluate({**sizes, **values}))


def test_a_jacobian_map_is_not_called_symmetric() -> None:
    f = fr.parse("A*x", ["A: n×n"])
    found = fr.derivative(f, fr.variables(f)["x"]).jacobian_map.at(A=np.array([[0.0, 1], [-1, 0]]), x=np.ones(2))
    with pytest.raises(np.linalg.LinAlgError, match="the Jacobian by x is not symmetric"):
        found.inertia()


def test_scipy_solves_with_the_operator_and_its_preconditioner() -> None:
    g = fr.parse("sum(exp(A*X*B)) + norm2(X)^2")
    rng = Random(0)
    values = sample(list(fr.variables(g).values()), random_sizes([g], rng), rng)
    found = fr.hessian_map(g, "X").at(values)
    b = np.random.default_rng(0).standard_normal(found.size)
    x, info = cg(found.as_linear_operator(), b, M=found.preconditioner, rtol=1e-10)
    assert info == 0
    assert np.allclose(x, found.solve(b))


def test_many_variables_of_little_rank_are_not_formed() -> None:
    n = FORMED + 1
    x, d = fr.vector("x", "n"), fr.vector("d", "n")
    point = Evaluation([], [ONE, x, d, x.T]).at({"x": np.ones(n), "d": np.r_[0.0, np.ones(n - 1)]})
    form = MatrixForm(x.shape[0], diagonal=d, pieces=(Piece(ONE, x, None, x.T),))
    found = matrix_map(form, point, "the test", True)
    assert np.allclose(found.matvec(np.ones(n)), n + point[d])
    b = np.arange(n)
    residual = found.matvec(found.solve(b)) - b
    assert np.linalg.norm(residual) <= TOLERANCE * np.linalg.norm(b)  # what the iteration promises, whatever adds first


# -- refusals
def test_names_and_shapes_are_refused_by_name() -> None:
    g = fr.parse("norm2(T-U*V')^2")
    with pytest.raises(ShapeError, match="the function has no variable W: its variables are"):
        fr.hessian_map(g, "W")
    with pytest.raises(ShapeError, match="given twice: U"):
        fr.hessian_map(g, ["U", "U"])
    with pytest.raises(ShapeError, match="none is given"):
        fr.hessian_map(g, [])
    h = fr.hessian_map(g, "U")
    with pytest.raises(ShapeError, match="T needs a value"):
        h.at(U=np.ones((3, 2)), V=np.ones((4, 2)))
    with pytest.raises(ShapeError, match="V needs"):
        h.at(U=np.ones((3, 2)), V=np.ones((4, 3)), T=np.ones((3, 4)))
    found = h.at(U=np.ones((3, 2)), V=np.array([[1.0, 2], [0, 1], [1, 1], [2, 0]]), T=np.ones((3, 4)))
    with pytest.raises(ShapeError, match="matvec of the Hessian by U takes 3×2, flat 6; this is 2×3"):
        found.matvec(np.ones((2, 3)))
    with pytest.raises(ShapeError, match="solve of the Hessian by U takes 3×2, flat 6, 6×c, or 3×2×c; this is 5"):
        found.solve(np.ones(5))
    with pytest.raises(ShapeError, match="a Hessian belongs to a scalar function"):
        fr.hessian_map(fr.parse("A*x"), "x")
    with pytest.raises(ShapeError, match="takes a space to itself"):
        f = fr.parse("A*x", ["A: m×n"])
        _ = fr.derivative(f, fr.variables(f)["x"]).jacobian_map
    with pytest.raises(UnsupportedError, match="X is symmetric"):
        f = fr.parse("A*X", ["X: n×n symmetric", "A: n×n"])
        _ = fr.derivative(f, fr.variables(f)["X"]).jacobian_map


def test_complex_variables_and_manifolds_are_refused_by_name() -> None:
    g = fr.parse("norm2(A*z)^2", ["z: n complex"])
    with pytest.raises(UnsupportedError, match="complex variable z"):
        _ = fr.hessian_map(g, "z").structure
    g = fr.parse("tr(X'*A*X)", ["X: n×k orthogonal"])
    with pytest.raises(UnsupportedError, match=r"X lies on a manifold \(orthogonal\)"):
        _ = fr.hessian_map(g, "X").structure


def test_singular_maps_are_refused_by_name() -> None:
    g = fr.parse("norm2(T-U*V')^2")
    found = fr.hessian_map(g, "U").at(U=np.ones((3, 2)), V=np.ones((4, 2)), T=np.ones((3, 4)))
    with pytest.raises(np.linalg.LinAlgError, match="the Hessian by U is singular to working precision"):
        found.solve(np.ones((3, 2)))
    with pytest.raises(np.linalg.LinAlgError, match="the Hessian by x is singular: an entry of its diagonal is 0"):
        fr.hessian_map(fr.parse("sum(x.^3)"), "x").at(x=np.array([1.0, 0.0])).solve(np.ones(2))


def test_nan_gives_nan() -> None:
    g = fr.parse("norm2(T-U*V')^2")
    v = np.ones((4, 2))
    v[0, 0] = np.nan
    step = fr.hessian_map(g, "U").newton_step(U=np.ones((3, 2)), V=v, T=np.ones((3, 4)))
    assert np.isnan(step).all()


def test_what_prints() -> None:
    g = fr.parse("norm2(T-U*V')^2")
    assert repr(fr.hessian_map(g, "U")) == "2((VᵀV) ⊗ I): Kronecker product, solve in O(np² + mp² + p³)"
    assert repr(fr.hessian_map(g, ["U", "V"])).splitlines()[0] == (
        "arrow with the border U or V, solved by the Schur complement"
    )


def test_a_space_without_directions_is_solved_in():
    """Of the skew 1×1 matrices, without a word of LAPACK."""
    H = fr.derivative(fr.parse("norm2(A*K)^2", {"K": "n×n skew", "A": "n×n"}), "K").hessian_map.at(
        A=np.ones((1, 1)), K=np.zeros((1, 1))
    )
    assert H.solve(np.zeros((1, 1))) == 0 and H.logdet() == 0 and tuple(H.inertia()) == (0, 0, 0)


def test_the_dense_matrix_is_the_hessian_projected_to_the_space():
    g = fr.parse("tr(B*S*C*S)", {"S": "n×n symmetric"})
    D = fr.derivative(g, "S")
    rng = np.random.default_rng(0)
    B, C, V = rng.normal(size=(3, 3, 3))
    P = np.array([(E + E.T).ravel() / 2 for E in np.eye(9).reshape(9, 3, 3)])
    H = fr.compile(D.hessian)(B=B, C=C)
    given = {"S": V + V.T, "B": B, "C": C}
    dense = D.hessian_map.at(given).to_dense()
    assert np.allclose(P @ H @ P, dense)
    hvp = D.compile("hvp", inputs=["S", "dS", "B", "C"])
    assert np.allclose(dense @ (V + V.T).ravel(), hvp(S=V, dS=V + V.T, B=B, C=C).ravel())
