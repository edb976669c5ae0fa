"""What problem.solve() chooses, finds and says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import nnls

import frechet as fr

rng = np.random.default_rng(3)
X = rng.normal(size=(40, 4))
y = np.where(X @ np.array([1.0, -2.0, 0.5, 0.0]) + rng.normal(size=40) < 0, -1.0, 1.0)
A, h = rng.normal(size=(30, 6)), rng.normal(size=30)
LOGISTIC = "sum(log(1 .+ exp(-y.*(X*w .+ b)))) + c*norm2(w)^2"


def test_logistic_regression_by_newton() -> None:
    p = fr.problem(LOGISTIC, ["w", "b"], {"X": X, "y": y, "c": 0.1})
    s = p.solve()
    assert s.method == "trust-exact" and s.success and s.gradient_norm < 1e-6
    assert np.linalg.norm(p.jac(s.x)) == pytest.approx(s.gradient_norm)
    assert s["w"].shape == (4,) and s.value == p.fun(s.x)
    assert "trust-exact: 5 unknowns" in str(s) and "gradient norm" in str(s)


@pytest.mark.parametrize("method", ["trust-krylov", "Newton-CG", "BFGS", "L-BFGS-B", "CG"])
def test_every_method_finds_the_same(method: str) -> None:
    p = fr.problem(LOGISTIC, ["w", "b"], {"X": X, "y": y, "c": 0.1})
    s = p.solve(method)
    assert s.method == method and s.why == "as asked"
    assert np.allclose(s.x, p.solve().x, atol=1e-4)


def test_many_unknowns_take_hessian_vector_products() -> None:
    wide = rng.normal(size=(50, 600))
    s = fr.problem(LOGISTIC, ["w", "b"], {"X": wide, "y": np.sign(wide[:, 0]), "c": 0.1}).solve()
    assert s.method == "trust-krylov" and s.success


def test_least_squares_is_one_linear_system() -> None:
    s = fr.problem("norm2(A*x - h)^2", "x", {"A": A, "h": h}).solve()
    assert s.method == "linear system" and "positive definite" in s.why
    assert np.allclose(s["x"], np.linalg.lstsq(A, h, rcond=None)[0])
    twice = np.hstack([A, A])
    s = fr.problem("norm2(A*x - h)^2", "x", {"A": twice, "h": h}).solve()
    assert "one of many" in s.message and np.allclose(s["x"], np.linalg.pinv(twice) @ h)


def test_a_quadratic_function_without_a_minimum_is_refused() -> None:
    with pytest.raises(fr.UnsupportedError, match="no minimum: it is quadratic, and its Hessian has the eigenvalue -2"):
        fr.problem("x'*D*x", "x", {"D": np.diag([1.0, -1.0])}).solve()
    with pytest.raises(fr.UnsupportedError, match="no minimum: it is linear in a direction"):
        fr.problem("x'*D*x + h'*x", "x", {"D": np.diag([1.0, 0.0]), "h": np.ones(2)}).solve()


def test_nonnegative_least_squares_by_bounds() -> None:
    p = fr.problem("norm2(A*x - h)^2", "x", {"A": np.abs(A), "h": h}, declare=["x: nonnegative"])
    s = p.solve()
    assert s.method == "L-BFGS-B" and s.why == "the variables have bounds" and s.success
    assert np.allclose(s["x"], nnls(np.abs(A), h)[0], atol=1e-6)
    with pytest.raises(fr.ShapeError, match="BFGS knows no bounds"):
        p.solve("BFGS")


def test_matrix_factorization_leaves_the_saddle_at_zero() -> None:
    t = rng.normal(size=(8, 2)) @ rng.normal(size=(2, 6))
    s = fr.problem("norm2(T - U*V')^2", ["U", "V"], {"T": t}, declare=["T: n×m", "U: n×k", "V: m×k"], sizes={"k": 2}).solve()
    assert s.success and np.allclose(s["U"] @ s["V"].T, t, atol=1e-4)


def test_gaussian_process_hyperparameters() -> None:
    t = np.sort(rng.uniform(0, 5, 25))
    data = {"R": (t[:, None] - t) ** 2, "y": np.sin(t) + 0.1 * rng.normal(size=25)}
    words = ["a: positive", "b: positive", "c: positive", "R: n×n symmetric", "y: n"]
    p = fr.problem("K = a*exp(-R/(2*b)) + c*eye(n)\ny'*inv(K)*y + logdet(K)", ["a", "b", "c"], data, declare=words)
    s = p.solve()
    assert s.success and s.method.startswith("L-BFGS-B") and min(s.values.values()) > 0
    assert np.all(np.linalg.eigvalsh(p.hess(s.x)) > 0)


def test_positive_definite_matrices_stay_so() -> None:
    c = np.cov(rng.normal(size=(4, 30)))
    s = fr.problem("logdet(S) + tr(inv(S)*C)", "S", {"C": c}, declare=["S: spd"]).solve()
    assert s.success and np.allclose(s["S"], c, atol=1e-6) and "LS*LS′" in s.why
    s = fr.problem("logdet(S) + tr(inv(S)*C) + (a-2)^2", ["S", "a"], {"C": c}, declare=["S: spd"]).solve()
    assert s.success and list(s.values) == ["S", "a"] and s["a"] == pytest.approx(2)


def test_a_semi_definite_minimum_may_be_singular() -> None:
    target = np.diag([2.0, -1.0])
    s = fr.problem("norm2(S - T)^2", "S", {"T": target}, declare=["S: psd"]).solve()
    assert s.success and np.allclose(s["S"], np.diag([2.0, 0.0]), atol=1e-3) and s.value == pytest.approx(1)


def test_sets_that_nothing_keeps_are_refused() -> None:
    with pytest.raises(fr.UnsupportedError, match="S is declared spd toeplitz: matrices stay positive definite"):
        fr.problem("norm2(S - T)^2", "S", {"T": np.eye(2)}, declare=["S: spd toeplitz"]).solve()
    with pytest.raises(fr.UnsupportedError, match=r"S is declared spd: minimize norm2\(…\)\^2"):
        fr.problem("S - T", "S", {"T": np.eye(2)}, declare=["S: spd"]).solve()
    with pytest.raises(fr.ShapeError, match="S starts at a matrix that is not positive definite"):
        fr.problem("norm2(S - T)^2", "S", {"T": np.eye(2)}, declare=["S: spd"], start={"S": -np.eye(2)}).solve()


def test_residuals() -> None:
    s = fr.problem("A*x - h", "x", {"A": A, "h": h}).solve()
    assert s.method == "linear system" and np.allclose(s["x"], np.linalg.lstsq(A, h, rcond=None)[0])
    s = fr.problem("x.^3 + x - h", "x", {"h": h}).solve()
    assert s.method == "root" and np.allclose(s["x"] ** 3 + s["x"], h)
    s = fr.problem("x.^2 + x - h", "x", {"h": -np.ones(2)}).solve()
    assert s.method == "least_squares" and "no root" in s.message and np.allclose(s["x"], -0.5, atol=1e-3)
    t = np.linspace(0, 1, 9)
    s = fr.problem("y - c*exp(a*t)", ["a", "c"], {"t": t, "y": 3 * np.exp(0.7 * t)}).solve()
    assert s.method == "least_squares" and s.success and s["a"] == pytest.approx(0.7)
    with pytest.raises(fr.ShapeError, match="root solves as many equations as unknowns, and these are 9 and 2"):
        fr.problem("y - c*exp(a*t)", ["a", "c"], {"t": t, "y": t}).solve("root")


def test_what_has_no_value_is_no_step() -> None:
    s = fr.problem("sum(x) - sum(log(x))", "x", declare=["x: n"], sizes={"n": 3}).solve()  # not declared positive
    assert s.success and np.allclose(s["x"], 1)


def test_a_function_with_kinks_is_not_taken_for_a_quadratic_one() -> None:
    p = fr.problem("norm1(A*x - h)", "x", {"A": A, "h": h})
    assert not p.affine
    assert p.solve().value < p.fun(np.zeros(6))


def test_a_variable_that_runs_to_the_end_of_its_domain_is_named() -> None:
    s = fr.problem("a + b^2", ["a", "b"], declare=["a: positive", "b: positive"]).solve()
    assert "a, b ended at the end of the domain" in s.message


def test_unknown_methods_are_refused() -> None:
    with pytest.raises(fr.ShapeError, match=r"the methods are trust-exact, .* not 'simplex'"):
        fr.problem("x'*x", "x", sizes={"n": 2}, declare=["x: n"]).solve("simplex")
    with pytest.raises(fr.ShapeError, match="affine"):
        fr.problem("sum(exp(x))", "x", sizes={"n": 2}, declare=["x: n"]).solve("linear system")


def test_data_that_is_not_finite_is_named() -> None:
    with pytest.raises(fr.ShapeError, match="h has entries that are infinite or not a number"):
        fr.problem("norm2(A*x - h)^2", "x", {"A": A, "h": np.full(30, np.nan)}).solve()


def test_it_is_quiet_where_nothing_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    p = fr.problem(LOGISTIC, ["w", "b"], {"X": X, "y": y, "c": 0.1})
    p.solve()
    assert capsys.readouterr() == ("", "")
    p.solve(progress=True)
