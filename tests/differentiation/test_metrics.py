"""Riemannian gradients: the representer under each metric, by the metric's own definition; free entries and conventions."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

import frechet as fr
from frechet.differentiation.derivative import Derivative
from frechet.differentiation.metrics import MEANING, METRICS, metrics_of
from frechet.expressions.errors import ShapeError, UnsupportedError
from frechet.expressions.node import Expr, variables
from frechet.interfaces.batch import answer_entry
from frechet.notation.reading import read
from frechet.verification.check import check_riemannian
from frechet.verification.manifolds import metric_product
from frechet.verification.sampling import sample

MANIFOLDS = [
    ("X: n×n spd", "tr(A*X) + logdet(X) + tr(X*X*B)"),
    ("X: n×k orthogonal", "tr(X'*A*X) + tr(B'*X) + sum(exp(X))"),
    ("X: n×n orthogonal", "tr(A*X*B*X)"),
    ("X: n simplex", "sum(X.*log(X)) + X'*A*X"),
    ("X: n sphere", "X'*A*X + sum(exp(X))"),
    ("X: n×m sphere", "norm2(A*X - B)^2"),
    ("X: n×m rank r", "norm2(A*X - B)^2"),
    ("X: n×n skew", "tr(A*X*B*X)"),
]


def stated(declare: str, text: str) -> tuple[Expr, Expr]:
    found = read(text, [declare])
    return found.expression, found.variables[declare.split(":")[0]]


@pytest.mark.parametrize(("declare", "text"), MANIFOLDS)
def test_riemannian_gradient_represents_the_derivative_by_its_metric(declare: str, text: str) -> None:
    f, x = stated(declare, text)
    d = Derivative(f, x)
    assert metrics_of(x)[-1] == "euclidean"
    assert d.riemannian_gradient("euclidean") is d.gradient
    for metric in metrics_of(x):
        gradient = d.riemannian_gradient(metric)
        report = check_riemannian(f, x, gradient, metric)
        assert report.ok and report.points == 3, f"{metric}: {report.reason}"
    wrong = fr.parse("2*G", {"G": d.gradient})
    assert not check_riemannian(f, x, wrong, "euclidean").ok


def test_every_metric_is_tested_and_explained() -> None:
    tested = {metric for declare, text in MANIFOLDS for metric in metrics_of(stated(declare, text)[1])}
    known = {"euclidean", *(metric for metrics in METRICS.values() for metric in metrics)}
    assert tested == known == set(MEANING)


@pytest.mark.parametrize("metric", ["affine-invariant", "bures-wasserstein", "canonical", "fisher"])
def test_metrics_are_inner_products(metric: str) -> None:
    declare = {"canonical": "X: 4×2 orthogonal", "fisher": "X: 4 simplex"}.get(metric, "X: 3×3 spd")
    _, x = stated(declare, "sum(X)" if metric == "fisher" else "sum(X*ones(2))" if metric == "canonical" else "tr(X)")
    here = sample([x], {}, Random(1))["X"]
    rng = np.random.default_rng(0)
    u, v = rng.normal(size=(2, *here.shape))
    if metric in ("affine-invariant", "bures-wasserstein"):
        u, v = u + u.T, v + v.T
    assert np.isclose(metric_product(metric, here, u, v), metric_product(metric, here, v, u))
    assert metric_product(metric, here, u, u) > 0


@pytest.mark.parametrize(
    ("declare", "text", "metric", "gradient"),
    [
        ("X: n×n spd", "logdet(X)", None, "X"),
        ("X: n×n spd", "tr(A*X)", "affine-invariant", "X*(A + A')*X/2"),
        ("X: n×n spd", "logdet(X)", "bures-wasserstein", "4*eye(n)"),
        ("X: n×k orthogonal", "tr(A'*X)", None, "A - X*A'*X"),
        ("X: n×k orthogonal", "tr(A'*X)", "euclidean", "A - X*(A'*X + X'*A)/2"),
        ("X: k simplex", "x'*X", "fisher", "X.*x - (x'*X)*X"),
        ("X: n sphere", "x'*X", None, "x - (x'*X)*X"),
        ("X: n×m", "tr(A'*X)", None, "A"),
    ],
)
def test_riemannian_gradients_as_texts(declare: str, text: str, metric: str | None, gradient: str) -> None:
    f, x = stated(declare, text)
    assert str(Derivative(f, x).riemannian_gradient(metric)) == gradient


def test_metrics_of_another_manifold_are_refused() -> None:
    f, x = stated("X: n×n spd", "logdet(X)")
    with pytest.raises(ShapeError, match="affine-invariant, bures-wasserstein, euclidean, not 'canonical'"):
        Derivative(f, x).riemannian_gradient("canonical")
    f, x = stated("X: n×n spd", "A*X")
    with pytest.raises(ShapeError, match="scalar function"):
        Derivative(f, x).riemannian_gradient()


def test_riemannian_gradient_in_batch() -> None:
    entry = {
        "expr": "tr(A*S)", "vars": {"A": {"shape": ["n", "n"]}, "S": {"shape": ["n", "n"], "structure": ["spd"]}},
        "dims": {"n": 3}, "wrt": "S", "form": "riemannian",
    }  # fmt: skip
    found = answer_entry(entry)
    assert found["text"] == "S*(A + A')*S/2"
    assert found["space"] == "the space of symmetric n×n matrices, dimension n(n+1)/2"
    assert answer_entry(entry | {"metric": "euclidean"})["text"] == "(A + A')/2"


COOKBOOK = [  # Petersen & Pedersen (2012), eqs. 139-141 and 58: derivatives by a symmetric X
    ("tr(A*X)", "A + A' - diag(diag(A))"),
    ("logdet(X)", "2*inv(X) - diag(diag(inv(X)))"),
    ("det(X)", "det(X)*(2*inv(X) - diag(diag(inv(X))))"),
    ("tr(X^2)", "4*X - 2*diag(diag(X))"),
]


@pytest.mark.parametrize(("text", "convention"), COOKBOOK)
def test_the_cookbooks_convention_is_the_view_free_entries(text: str, convention: str) -> None:
    """Eqs. 138-141: 2G - G.*I, the derivative by the entries on and below the diagonal, by differences too."""
    f, x = stated("X: 3×3 symmetric", text)
    d = Derivative(f, x)
    at = sample(variables(f, d.gradient), {}, Random(3))
    at["X"] = at["X"] @ at["X"] + np.eye(3)
    found = d.free_entries.evaluate(at)
    assert np.allclose(found, read(convention, variables={v.params[0]: v for v in variables(f)}).expression.evaluate(at))
    by_vech = np.ravel(d.free_jacobian.evaluate(at))
    places = [(i, j) for j in range(3) for i in range(j, 3)]
    for k, (i, j) in enumerate(places):
        step = np.zeros((3, 3))
        step[i, j] = step[j, i] = 1e-5
        slope = (f.evaluate(at | {"X": at["X"] + step}) - f.evaluate(at | {"X": at["X"] - step})) / 2e-5
        assert np.isclose(slope, found[i, j], rtol=1e-6) and np.isclose(slope, by_vech[k], rtol=1e-6)


@pytest.mark.parametrize(
    ("structure", "jacobian"),
    [
        ("symmetric", "kron(B',A)*duplication(n)"), ("lower", "kron(B',A)*elimination(n)'"),
        ("upper", "kron(B',A)*commutation(n,n)*elimination(n)'"), ("diagonal", None),
    ],
)  # fmt: skip
def test_jacobian_by_the_free_entries(structure: str, jacobian: str | None) -> None:
    f, x = stated(f"X: n×n {structure}", "A*X*B")
    d = Derivative(f, x)
    if jacobian is not None:
        assert d.free_jacobian is read(jacobian, variables={v.params[0]: v for v in variables(f)}).expression
    at = sample(variables(f), {"n": 3, "m": 4, "p": 2, "q": 5}, Random(1))
    value, matrix = at["X"], d.free_jacobian.evaluate(at)
    lower = np.flatnonzero(np.tri(3).ravel(order="F"))
    read_off = {
        "diagonal": np.diag(value), "upper": value.T.ravel(order="F")[lower],
    }.get(structure, value.ravel(order="F")[lower])  # fmt: skip
    assert np.allclose(matrix @ read_off, np.ravel(f.evaluate(at), order="F"))  # f is linear


def test_free_entries_of_other_structures_are_refused_by_name() -> None:
    f, x = stated("X: n×n toeplitz", "A*X*B")
    with pytest.raises(UnsupportedError, match="toeplitz"):
        _ = Derivative(f, x).free_jacobian
    f, x = stated("X: n×n", "A*X*B")
    assert Derivative(f, x).free_jacobian is Derivative(f, x).jacobian


def test_gradients_by_the_factors_of_a_matrix_of_declared_rank() -> None:
    """For X = U*V' they are G*V and G'*U, G the gradient in the tangent space."""
    f, x = stated("X: n×m rank r", "norm2(A*X - B)^2 + sum(exp(X))")
    factored = read("norm2(A*(U*V') - B)^2 + sum(exp(U*V'))", ["U: n×r", "V: m×r", "A: k×n"])
    sizes = {"n": 5, "m": 4, "r": 2, "k": 3}
    at = sample(variables(factored.expression), sizes, Random(1))
    at["X"] = at["U"] @ at["V"].T
    g = Derivative(f, x).gradient.evaluate(at)
    for name, expected in (("U", g @ at["V"]), ("V", g.T @ at["U"])):
        found = Derivative(factored.expression, factored.variables[name]).gradient.evaluate(at)
        assert np.allclose(found, expected)
