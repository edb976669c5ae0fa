"""Emitted NumPy source and evaluation."""

import subprocess
import sys

import numpy as np
import pytest

from frechet.compilation import runtime
from frechet.compilation.numpy_source import compiled, evaluate, numpy_source
from frechet.compilation.sizes import bind
from frechet.differentiation.adjoint import adjoint
from frechet.differentiation.differential import differential, differential_symbol
from frechet.expressions.dimension import SCALAR, UNIT, dim
from frechet.expressions.errors import LimitError, NotationError, ShapeError
from frechet.operations.activations import GELU, SILU
from frechet.operations.constants import COMMUTATION, ONE, number, ones, size, variable
from frechet.operations.determinant import ADJ, DET, LOGDET
from frechet.operations.elementwise import EXP, SIGMOID, SIN, TANH
from frechet.operations.hadamard import epower, monomial
from frechet.operations.norms import NORMP
from frechet.operations.powers import inverse
from frechet.operations.products import product, scale
from frechet.operations.reductions import sum_all, trace
from frechet.operations.softmax import LOGSUMEXP, SOFTMAX
from frechet.operations.special_functions import GAMMA
from frechet.operations.sums import add
from frechet.operations.transposition import transposed

n, m = dim("n"), dim("m")
A, B = variable("A", (n, n)), variable("B", (n, n))
X = variable("X", (n, m))
x, y = variable("x", (n, UNIT)), variable("y", (n, UNIT))
c = variable("c", SCALAR)
RNG = np.random.default_rng(3)


def run(source, **values):
    space = {}
    exec(compile(source, "<test>", "exec"), space)
    return space["derivative"](**values)


def gradient(f, v):
    dv = differential_symbol(v)
    return adjoint(differential(f, {v: dv}), dv, ONE)


def test_a_program_is_short_and_readable():
    source = numpy_source(gradient(product(transposed(x), A, x), x), arguments=[x, A])
    assert source == "import numpy as np\n\n\ndef derivative(*, x, A):\n    return (A @ x) + (A.T @ x)\n"


def test_arguments_come_first_and_extra_ones_are_ignored():
    source = numpy_source(product(A, x), "value", ["z", x], extra=["w"])
    assert "def value(*, z, x, w, A):" in source


def test_sizes_are_read_off_variables_that_the_expression_lacks():
    assert np.array_equal(run(numpy_source(ones((n, m)), arguments=[X]), X=np.zeros((2, 3))), np.ones((2, 3)))
    assert "n, m = X.shape" in numpy_source(ones((n, m)), arguments=[X])


def test_a_size_that_no_variable_tells_is_an_argument():
    assert np.array_equal(run(numpy_source(ones((n, UNIT)), arguments=["x"]), x=1, n=2), np.ones(2))
    with pytest.raises(ShapeError, match="the size of n"):
        evaluate(ones((n, UNIT)), {})
    assert np.array_equal(evaluate(ones((n, UNIT)), {}, {"n": 2}), np.ones(2))


@pytest.mark.parametrize(
    ("shape", "sizes"),
    [
        ((n + dim(1), UNIT), {"n": 3}),
        ((dim(2) * n, UNIT), {"n": 3}),
        ((dim(3) * n - dim(2), UNIT), {"n": 3}),
        ((n * m + m - dim(3), m), {"n": 4, "m": 2}),
        ((m, n - m), {"n": 5, "m": 2}),
    ],
)
def test_sizes_are_solved_for(shape, sizes):
    Z = variable("Z", shape)
    value = np.zeros([d.size(sizes) for d in shape if d is not UNIT])
    assert run(numpy_source(size(n), arguments=[Z]), Z=value) == sizes["n"]
    assert evaluate(add([(1, size(n)), (0.0, ONE), (1, sum_all(Z))]), {"Z": value}) == sizes["n"]
    assert set(bind([Z])) == set(sizes)


def test_sizes_that_cannot_be_solved_are_arguments():
    assert bind([variable("Z", (n + m, UNIT))]) == {}
    assert bind([variable("Z", (n * n, UNIT))]) == {}


@pytest.mark.parametrize("name", ["lambda", "np", "derivative", "µ"])
def test_names_that_python_cannot_take(name):
    v = variable(name, SCALAR)
    assert "def derivative(*, x, " in (source := numpy_source(scale(v, x), arguments=[x]))
    assert f", {'μ' if name == 'µ' else name}_):" in source
    assert np.array_equal(evaluate(scale(v, x), {name: 2, "x": [1, 2]}), [2, 4])
    assert np.array_equal(compiled(scale(v, x))(**{name: 2.0, "x": np.ones(1)}), [2])


def test_names_that_helpers_and_temporaries_have():
    gamma, t1, expit = variable("gamma", (n, UNIT)), variable("t1", SCALAR), variable("expit", SCALAR)
    e = scale(expit, scale(t1, SIGMOID.build(scale(t1, GAMMA.build(scale(t1, gamma))))))
    value = run(numpy_source(e), gamma=np.ones(2), t1=2.0, expit=3.0)
    assert np.allclose(value, 6 / (1 + np.exp(-2)))
    assert np.allclose(evaluate(e, {"gamma": np.ones(2), "t1": 2, "expit": 3}), value)


def test_dimension_names_that_clash():
    p = dim("np")
    v = variable("n", (n, UNIT))
    e = add([(1, product(v, transposed(ones((p, UNIT))))), (1, variable("Z", (n, p)))])
    assert np.array_equal(evaluate(e, {"n": [1, 2], "Z": np.zeros((2, 3))}), [[1] * 3, [2] * 3])
    assert np.array_equal(evaluate(ones((dim("lambda"), UNIT)), {}, {"lambda": 2}), np.ones(2))


def test_names_are_checked():
    with pytest.raises(NotationError, match="import os"):
        numpy_source(x, arguments=["x", "import os"])
    with pytest.raises(NotationError):
        numpy_source(x, name="f():\n  pass\ndef g")
    with pytest.raises(ShapeError, match="called x"):
        numpy_source(add([(1, sum_all(x)), (1, variable("x", SCALAR))]))


def test_a_number_too_large():
    with pytest.raises(LimitError):
        numpy_source(scale(number(10**400), x))


def test_det_times_inverse_is_right_at_singular_matrices():
    a = np.array([[1.0, 2.0], [2.0, 4.0]])
    cofactors = np.array([[4.0, -2.0], [-2.0, 1.0]])
    assert np.allclose(evaluate(gradient(DET.build(A), A), {"A": a}), cofactors)
    assert np.allclose(run(numpy_source(gradient(DET.build(A), A)), A=a), cofactors)
    dA = differential_symbol(A)
    v = RNG.normal(size=(2, 2))
    assert np.isclose(evaluate(differential(DET.build(A), {A: dA}), {"A": a, "dA": v}), np.sum(cofactors * v))
    squared = monomial(SCALAR, [(DET.build(A), 2)])
    assert np.allclose(evaluate(gradient(squared, A), {"A": a}), 0)
    chain = scale(monomial(SCALAR, [(DET.build(A), 1), (c, 2)]), product(B, inverse(A), x))
    values = {"A": a, "c": 3.0, "B": np.eye(2), "x": np.ones(2)}
    assert np.allclose(evaluate(chain, values), 9 * cofactors @ np.ones(2))
    both = scale(DET.build(A), add([(2, inverse(A)), (1, B)]))
    assert np.allclose(evaluate(both, {"A": a, "B": np.eye(2)}), 2 * cofactors)
    assert "adjugate" not in numpy_source(scale(DET.build(A), inverse(B)))
    assert "adjugate" not in numpy_source(scale(monomial(SCALAR, [(DET.build(A), -1)]), inverse(A)))


def test_the_adjugate_of_matrices_of_any_rank():
    for k in (1, 2, 3, 4):
        for rank in range(k + 1):
            a = RNG.normal(size=(k, rank)) @ RNG.normal(size=(rank, k))
            want = [
                [(-1) ** (i + j) * np.linalg.det(np.delete(np.delete(a, j, 0), i, 1)) for j in range(k)] for i in range(k)
            ]
            assert np.allclose(evaluate(ADJ.build(A), {"A": a}), want)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128, int])
def test_the_adjugate_near_singular_matrices(dtype):
    """As exact as the matrix allows, whatever its condition: adj(Q*D*P') = det(Q*P)*P*adj(D)*Q'."""
    for smallest in (1.0, 1e-3, 1e-6, 1e-9, 1e-14, 0.0):
        n = 6
        Q, P = (np.linalg.qr(RNG.standard_normal((n, n)))[0] for _ in range(2))
        s = np.array([*np.linspace(2, 1, n - 1), smallest])
        if dtype is int:
            Q, P, s = np.eye(n), np.eye(n), np.array([3, 2, 2, 1, 1, round(smallest)])
        X = (Q @ np.diag(s) @ P.T).astype(dtype)
        minors = np.diag([np.prod(np.delete(s, i)) for i in range(n)])
        want = np.linalg.det(Q) * np.linalg.det(P) * P @ minors @ Q.T
        found = runtime.adjugate(X)
        exact = 1e-3 if dtype is np.float32 else 1e-8
        assert np.allclose(found, want, exact, exact * np.abs(want).max())
    with_nan = np.eye(4)
    with_nan[0, 1] = np.nan
    assert np.isnan(runtime.adjugate(with_nan)).all()
    assert np.isfinite(runtime.adjugate(np.diag([1e150, 1e150, 1e-250]))).all()


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128, int])
@pytest.mark.parametrize("n", [2, 3])
def test_small_adjugates_are_cofactors(n, dtype):
    for X in (RNG.standard_normal((n, n)) * 9, np.zeros((n, n)), np.ones((n, n)), np.diag([0.0] * (n - 1) + [5.0])):
        X = (X * (1 + 2j) if dtype is np.complex128 else X).astype(dtype)
        minors = [[np.linalg.det(np.delete(np.delete(X, j, 0), i, 1)) * (-1) ** (i + j) for j in range(n)] for i in range(n)]
        found = runtime.adjugate(X)
        assert found.dtype == dtype and np.allclose(found, minors, 1e-5 if dtype is np.float32 else 1e-12, 1e-12)
    assert runtime.adjugate(np.array([[np.nan, 1.0], [2.0, 3.0]]))[0].tolist() == [3, -1]


def test_stable_helpers():
    big = np.array([-800.0, 0.0, 800.0])
    with np.errstate(over="raise", invalid="raise"):
        assert np.allclose(run(numpy_source(SIGMOID.build(x)), x=big), [0, 0.5, 1])
        assert np.allclose(run(numpy_source(SOFTMAX.build(x)), x=big), [0, 0, 1])
        assert run(numpy_source(LOGSUMEXP.build(x)), x=big) == 800
        assert np.allclose(run(numpy_source(SILU.build(x)), x=big), [0, 0, 800])
    assert np.isnan(run(numpy_source(LOGDET.build(A)), A=np.diag([1.0, -1.0])))
    assert np.isclose(run(numpy_source(SIGMOID.build(c)), c=0.5), 1 / (1 + np.exp(-0.5)))
    assert np.allclose(run(numpy_source(GELU.build(x)), x=np.array([0.0, 40.0])), [0, 40])


def test_the_commutation_matrix():
    K = evaluate(COMMUTATION.build(dim(2), dim(3)), {})
    Z = RNG.normal(size=(2, 3))
    assert np.array_equal(K @ Z.ravel(order="F"), Z.T.ravel(order="F"))


def test_templates_keep_precedence():
    v = np.array([1.0, 2.0])
    assert np.isclose(evaluate(monomial(SCALAR, [(NORMP.build(x, 3), 2)]), {"x": v}), 9 ** (2 / 3))
    assert evaluate(epower(size(n), add([(-1, size(n))])), {"x": v}, {"n": 2}) == 0.25
    root = monomial(SCALAR, [(c, 0.3)])
    with np.errstate(invalid="ignore"):
        assert np.isnan(run(numpy_source(root), c=-2.0))  # and not complex


def test_deep_and_wide_expressions():
    e, wide = x, [(1, ones((n, UNIT)))]
    for i in range(3000):
        e = TANH.build(product(A, e)) if i % 2 else add([(1, e), (1, y)])
        wide.append((1, SIN.build(scale(c, add([(1, x), (i, ones((n, UNIT)))])))))
    source = numpy_source(e)
    assert max(map(len, source.splitlines())) < 200
    assert np.all(np.isfinite(evaluate(e, {"A": np.eye(2), "x": np.ones(2), "y": np.ones(2)})))
    total = 1 + sum(np.sin(1.0 + i) for i in range(3000))
    assert np.allclose(evaluate(add(wide), {"x": np.ones(2), "c": 1.0}), total)
    assert max(map(len, numpy_source(add(wide)).splitlines())) < 500


@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize("right", [True, False])
def test_long_chains(left, right):
    factors = [variable(f"A{i}", (n, n)) for i in range(50)]
    values = {f"A{i}": RNG.normal(size=(3, 3)) for i in range(50)} | {"x": np.ones(3), "y": np.arange(3.0)}
    want = np.linalg.multi_dot([values[f"A{i}"] for i in range(50)])
    if left:
        factors, want = [transposed(y), *factors], values["y"] @ want
    if right:
        factors, want = [*factors, x], want @ values["x"]
    assert np.allclose(evaluate(product(*factors), values), want)
    outer = product(*factors[1:], x, transposed(y), *factors[1:]) if not left and not right else None
    if outer is not None:
        rest = np.linalg.multi_dot([values[f"A{i}"] for i in range(1, 50)])
        assert np.allclose(evaluate(outer, values), np.outer(rest @ values["x"], values["y"] @ rest))


def test_what_is_used_twice_is_computed_once():
    e = EXP.build(product(A, x))
    source = numpy_source(add([(1, e), (1, monomial(e.shape, [(SIN.build(e), 1), (x, 1)]))]))
    assert source.count("np.exp") == 1


def test_several_results():
    f = product(transposed(x), A, x)
    value, slope = compiled((f, gradient(f, x)))(A=np.eye(2), x=np.ones(2))
    assert value == 2 and np.array_equal(slope, [2, 2])


def test_evaluate_gives_arrays_of_its_own():
    a = np.eye(2)
    result = evaluate(transposed(A), {"A": a})
    result[0, 0] = 5
    assert a[0, 0] == 1
    assert isinstance(evaluate(trace(A), {"A": a}), float)
    assert evaluate(product(A, x), {"A": [[1, 2], [3, 4]], "x": (1, 1), "unused": None}).tolist() == [3, 7]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"A": np.eye(2)}, "x needs a value: a 1-D array of shape n"),
        ({"A": np.eye(2), "x": np.ones((2, 1))}, "x needs a 1-D array of shape n, not one of shape 2×1"),
        ({"A": np.eye(2), "x": 1.0}, "x needs a 1-D array of shape n, not a number"),
        ({"A": np.ones((2, 3)), "x": np.ones(3)}, "A needs a 2-D array of shape n×n, not one of shape 2×3"),
        ({"A": np.eye(2), "x": np.ones(3)}, r"n is \d \(from [Ax]\)"),
        ({"A": "no", "x": np.ones(3)}, "A needs a 2-D array"),
    ],
)
def test_shapes_are_checked(values, words):
    with pytest.raises(ShapeError, match=words):
        evaluate(product(A, x), values)


def test_the_source_runs_without_frechet(tmp_path):
    text = numpy_source(add([(1, SILU.build(x)), (1, GELU.build(GAMMA.build(x)))]))
    program = tmp_path / "program.py"
    program.write_text(text + "\nimport sys\nprint(derivative(x=np.ones(2)), 'frechet' in sys.modules)\n", encoding="utf-8")
    done = subprocess.run([sys.executable, "-I", str(program)], capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == "False"


def test_plain_formulas_do_not_import_scipy():
    code = (
        "import sys, frechet.operations\n"
        "from frechet.compilation.numpy_source import evaluate\n"
        "assert 'numpy' not in sys.modules\n"
        "from frechet.operations.constants import variable\n"
        "from frechet.operations.elementwise import SIGMOID\n"
        "from frechet.expressions.dimension import SCALAR\n"
        "evaluate(SIGMOID.build(variable('c', SCALAR)), {'c': 1.0})\n"
        "assert 'scipy' not in sys.modules and 'numpy.random' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
