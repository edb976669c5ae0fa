"""The Python names: operators, functions, derivatives, errors."""

import pickle

import numpy as np
import pytest

import frechet as fr

X, A, B = fr.matrix("X", "n", "m"), fr.matrix("A", "n", "n"), fr.matrix("B", "n", "m")
x, y, c = fr.vector("x", "n"), fr.vector("y", "n"), fr.scalar("c")


def test_equality_is_identity():
    assert X + B is B + X and (A @ X).T is X.T @ A.T and fr.tr(A) is fr.trace(A.T)
    assert 2 * (X - B) is 2 * X - 2 * B and x * y is y * x


def test_views():
    D = fr.derivative(fr.tr(X.T @ A @ X), X)
    assert str(D.gradient) == "(A + A')*X" and str(D.layout("numerator")) == "X'*(A + A')"
    assert str(D.differential) == "tr(X'*(A + A')*dX)" and str(D.hessian) == "kron(eye(m),A + A')"
    assert D(B) is fr.tr(X.T @ (A + A.T) @ B) and str(D.adjoint(c)) == "c*(A + A')*X"
    assert D.check().ok and D.conditions == []
    F = fr.derivative(A @ X @ B.T, X)
    assert str(F.jacobian) == "kron(B,A)" and str(F.adjoint(A)) == "A'*A*B"


def test_every_combination_of_kinds_answers():
    t, v, M = c, x, A
    functions = {
        "scalar": lambda e: fr.sum(fr.sin(e)),
        "vector": lambda e: fr.sin(M @ fr.sin(fr.sum(e) * y)),
        "matrix": lambda e: fr.sum(e) * fr.exp(M),
    }
    for f in functions.values():
        for variable in (t, v, M):
            D = fr.derivative(f(variable), variable)
            assert D.check().ok
            assert D.layout("numerator") is D.layout("denominator").T


def test_hessian_and_linearization():
    g = fr.norm(X @ fr.vector("w", "m") - x) ** 2
    w = fr.variables(g)["w"]
    assert str(fr.hessian(g, w)) == "2*X'*X"
    assert fr.derivative(g, w).check(order=2).ok
    rng = np.random.default_rng(0)
    at = {"X": rng.normal(size=(3, 2)), "x": rng.normal(size=3), "w0": rng.normal(size=2)}
    line, curve = fr.linearize(g, w), fr.derivative(g, w).expansion()
    value = g.evaluate({**at, "w": at["w0"]})
    assert np.isclose(line.evaluate({**at, "w": at["w0"]}), value)
    w1 = rng.normal(size=2)
    assert np.isclose(curve.evaluate({**at, "w": w1}), g.evaluate({**at, "w": w1}))  # g is quadratic


def test_evaluate_and_pickle():
    e = fr.sigmoid(A @ x)
    a, v = np.eye(2), np.array([0.0, 1.0])
    assert np.allclose(e.evaluate({"A": a, "x": v}), 1 / (1 + np.exp(-v)))
    assert pickle.loads(pickle.dumps(e)) is e
    with pytest.raises(fr.ShapeError, match="x"):
        e.evaluate({"A": a, "x": np.ones(3)})
    with pytest.raises(fr.ShapeError):
        e.evaluate({"A": a})


def test_symmetric_variables():
    S = fr.matrix("S", "n", "n", symmetric=True)
    D = fr.derivative(fr.tr(A @ S), S)
    assert str(D.gradient) == "(A + A')/2" and str(D.free_entries) == "A + A' - diag(diag(A))"
    rng = np.random.default_rng(1)
    a = rng.normal(size=(3, 3))
    free = D.free_entries.evaluate({"A": a})
    assert np.allclose(free, a + a.T - np.diag(np.diag(a)))  # Petersen & Pedersen, eqs. 138 and 139


def test_parse():
    e = fr.parse("x'*S*x", declare={"S": "n×n symmetric", "x": "n"})
    assert str(fr.derivative(e, fr.variables(e)["x"]).gradient) == "2*S*x"


def test_display():
    e = X.T @ X
    assert repr(e) == "X'*X" and e._repr_latex_().startswith("$")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: X @ A, "inner dimensions m and n"),
        (lambda: x @ y, "both vectors"),
        (lambda: X + c, "fr.ones"),
        (lambda: c @ X, r"\*"),
        (lambda: X * A, "of X, n×m, and A, n×n"),
        (lambda: fr.det(X), "det of n×m"),
        (lambda: fr.det(), "takes 1"),
        (lambda: fr.matrix("S", "n", "m", symmetric=True), "square"),
        (lambda: fr.matrix("2x", "n", "m"), "name"),
        (lambda: fr.vector("x", "n", "pretty"), "no structure"),
        (lambda: fr.vector("x", 0), "at least 1"),
        (lambda: X @ np.ones((2, 2)), "name it as a variable"),
        (lambda: fr.derivative(X, X.T), "variable"),
        (lambda: fr.derivative(X, X).gradient, "scalar function"),
        (lambda: fr.derivative(c, fr.scalar("t", "labels±1")), "labels"),
    ],
)
def test_errors_say_what_was_expected(wrong, said):
    with pytest.raises(fr.FrechetError, match=said):
        wrong()


def test_an_unknown_function_is_an_attribute_error():
    with pytest.raises(AttributeError):
        _ = fr.nonsense


def test_names_of_the_point_and_the_direction_are_not_the_functions_own():
    # X0 and dX may be variables of the formula, as in g(X) = tr(A*(X - X0)): the expansion is not at that X0
    A2, Y, X0, dX = (fr.matrix(name, 2, 2) for name in ("A2", "X", "X0", "dX"))
    g = fr.tr(A2 @ (Y - X0) @ (Y + dX))
    D = fr.derivative(g, Y)
    assert set(fr.variables(D.linearization())) == {"A2", "X", "X0", "X00", "dX"} and D.check().ok
    rng = np.random.default_rng(2)
    at = {name: rng.normal(size=(2, 2)) for name in ("A2", "X", "X0", "dX")}
    assert np.isclose(D.linearization().evaluate({**at, "X00": at["X"]}), g.evaluate(at))
    with pytest.raises(fr.ShapeError, match="rename"):
        fr.Derivative(g, Y, fr.variables(g)["dX"])


def test_indices_and_blocks():
    z = fr.vector("z", "m")
    parts = {
        "X[1,2]": X[0, 1], "X[n,m]": X[-1, -1], "X[1,:]": X[0], "X[:,2]": X[:, 1], "x[1:k]": x[:"k"], "x[k+1:n]": x["k":],
        "x[2:n-1]": x[1:-1], "X[1:2,3]": X[:2, 2], "x": x[:], "[X, x; z', 2]": fr.block([[X, x], [z.T, 2]]),
    }  # fmt: skip
    for text, e in parts.items():
        assert str(e) == text and fr.parse(text, fr.variables(e), dimensions=["k"]) is e
    at = {"X": np.arange(12.0).reshape(3, 4), "x": np.arange(3.0)}
    assert np.array_equal(X[-1, 1:3].evaluate(at), at["X"][-1, 1:3]) and X[1, 2].evaluate(at) == at["X"][1, 2]
    assert np.array_equal(x[:"k"].evaluate({**at, "k": 2}), at["x"][:2])
    with pytest.raises(TypeError):
        list(x)
    three = fr.vector("t", 3)
    for key in (3, -4, (0, 0), slice(None, None, 2), 1.5, slice(2, 2), True):
        with pytest.raises(fr.ShapeError):
            three[key]
    for wrong in (lambda: c[0], lambda: fr.block([]), lambda: fr.block([[X], [A]])):
        with pytest.raises(fr.ShapeError):
            wrong()
