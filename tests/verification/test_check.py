"""Checks accept right derivatives and catch wrong ones."""

import subprocess
import sys
from random import Random

import numpy as np
import pytest

from frechet.differentiation.adjoint import adjoint
from frechet.differentiation.derivative import Derivative
from frechet.differentiation.differential import differential, differential_symbol
from frechet.differentiation.jacobian import jacobian
from frechet.expressions.dimension import SCALAR, UNIT, dim
from frechet.expressions.errors import ShapeError
from frechet.expressions.node import variables
from frechet.notation.reading import parse
from frechet.operations.constants import COMMUTATION, ONE, UNIT_VECTOR, eye, number, ones, variable, zeros
from frechet.operations.determinant import DET, LOGDET
from frechet.operations.elementwise import ABS, ARCCOSH, ARCSIN, EXP, LOG, RELU, SIN, TANH
from frechet.operations.hadamard import monomial
from frechet.operations.norms import NORM1, norm2
from frechet.operations.powers import inverse
from frechet.operations.products import product, scale
from frechet.operations.reductions import MAX, sum_all, trace
from frechet.operations.softmax import LOGSUMEXP, SOFTMAX
from frechet.operations.sums import add, negative, scaled, subtract
from frechet.operations.transposition import transposed
from frechet.verification.check import (
    NO_POINT,
    check_adjoint,
    check_differential,
    check_equal,
    check_gradient,
    check_hessian,
    check_jacobian,
)
from frechet.verification.sampling import points, random_sizes, sample

n, m = dim("n"), dim("m")
A, B = variable("A", (n, n)), variable("B", (n, n))
X = variable("X", (n, m))
S = variable("S", (n, n), ["spd"])
D = variable("D", (n, n), ["diagonal"])
Q = variable("Q", (n, n), ["orthogonal"])
x, y = variable("x", (n, UNIT)), variable("y", (n, UNIT))
c = variable("c", SCALAR)

SCALARS = [
    (product(transposed(x), A, x), x),
    (trace(product(transposed(X), A, X)), X),
    (trace(product(A, B, A)), A),
    (LOGDET.build(S), S),
    (trace(product(A, inverse(S))), S),
    (LOGDET.build(product(transposed(X), X)), X),
    (DET.build(product(transposed(X), A, X)), X),
    (norm2(subtract(product(A, x), y)), x),
    (LOGSUMEXP.build(product(A, x)), x),
    (sum_all(ARCSIN.build(x)), x),
    (sum_all(ARCCOSH.build(x)), x),
    (trace(product(A, D, B, D)), D),
    (trace(product(A, Q, B)), Q),
    (sum_all(EXP.build(scale(c, x))), c),
]
KINKS = [
    (NORM1.build(subtract(product(A, x), y)), x),
    (sum_all(RELU.build(product(A, x))), x),
    (MAX.build(product(A, x)), x),
    (monomial(SCALAR, [(ABS.build(c), 3)]), c),
]
ARRAYS = [
    (SOFTMAX.build(x), x),
    (product(A, B, A), A),
    (product(transposed(X), A), X),
    (scale(c, X), c),
    (inverse(A), A),
]


def first(f, v):
    dv = differential_symbol(v)
    return dv, differential(f, {v: dv})


def gradient(f, v):
    dv, d = first(f, v)
    return adjoint(d, dv, ONE)


@pytest.mark.parametrize(("f", "v"), SCALARS + KINKS)
def test_gradients(f, v):
    g = gradient(f, v)
    report = check_gradient(f, v, g)
    assert report.ok and report.points == 3 and report.max_relative_error < 1e-8, report
    assert not check_gradient(f, v, scaled(1.01, g)).ok
    assert not check_gradient(f, v, scaled(1 + 1e-5, g)).ok
    assert not check_gradient(f, v, negative(g)).ok
    assert not check_gradient(f, v, zeros(v.shape)).ok


@pytest.mark.parametrize(("f", "v"), SCALARS + KINKS + ARRAYS)
def test_differentials_and_adjoints(f, v):
    dv, d = first(f, v)
    report = check_differential(f, v, dv, d, seed=2)  # of seeds 0 and 1 a second derivative happens to vanish
    assert report.ok and report.max_relative_error < 1e-8, report
    assert all(1.5 < s < 3 for s in report.slopes)
    assert not check_differential(f, v, dv, scaled(1.01, d)).ok
    w = variable("W", f.shape)
    a = adjoint(d, dv, w)
    assert check_adjoint(d, dv, a, w).ok
    assert not check_adjoint(d, dv, scaled(1.01, a), w).ok


@pytest.mark.parametrize(("f", "v"), SCALARS[:4] + ARRAYS)
def test_jacobians(f, v):
    dv, d = first(f, v)
    j = jacobian(d, dv)
    assert check_jacobian(f, v, j).ok
    assert not check_jacobian(f, v, scaled(1.01, j)).ok


def test_the_order_of_entries_in_a_jacobian_matters():
    f = product(A, X)
    dX, d = first(f, X)
    j = jacobian(d, dX)
    assert not check_jacobian(f, X, product(COMMUTATION.build(n, m), j)).ok
    assert "shape" in check_jacobian(f, X, transposed(product(j, ones((n * m, UNIT))))).reason


@pytest.mark.parametrize(("f", "v"), SCALARS)
def test_hessians(f, v):
    g = gradient(f, v)
    dv, d = first(g, v)
    h = jacobian(d, dv)
    assert check_hessian(f, v, h).ok
    assert check_hessian(f, v, h, g).ok
    if h.op.name != "zeros":
        assert not check_hessian(f, v, scaled(1.01, h)).ok
        assert not check_hessian(f, v, scaled(1.01, h), g).ok


def test_a_hessian_is_symmetric():
    f = product(transposed(x), A, x)
    report = check_hessian(f, x, scaled(2, A))
    assert not report.ok and "v'*H*u" in report.reason


def test_typical_mistakes_are_caught():
    f = product(transposed(x), A, x)
    assert not check_gradient(f, x, scaled(2, product(A, x))).ok  # right only for symmetric A
    t = trace(product(transposed(X), A, X))
    assert not check_gradient(t, X, scaled(2, product(A, X))).ok
    assert not check_gradient(trace(product(A, B)), A, B).ok  # missing transpose
    assert not check_differential(inverse(A), A, *_inverse_without_sign()).ok
    assert not check_gradient(sum_all(SIN.build(x)), x, SIN.build(x)).ok
    assert check_gradient(f, x, transposed(x)).reason == "the gradient is 1×n and x n"


def _inverse_without_sign():
    dA = differential_symbol(A)
    return dA, product(inverse(A), dA, inverse(A))


def test_second_differentials():
    f = trace(product(A, inverse(S), B))
    dS, d = first(f, S)
    dd = differential(d, {S: dS})
    assert check_differential(d, S, dS, dd).ok
    assert not check_differential(d, S, dS, scaled(1.01, dd)).ok


def test_nan_is_a_failure():
    f = sum_all(monomial(x.shape, [(x, 2)]))
    report = check_gradient(f, x, scale(number(2), EXP.build(LOG.build(ABS.build(x)))))
    assert not report.ok
    bad = monomial(x.shape, [(subtract(x, monomial(x.shape, [(add([(1, x), (0.0, y)]), 1)])), 1)])
    assert not check_gradient(f, x, bad).ok
    report = check_gradient(f, x, monomial(x.shape, [(add([(-1, monomial(x.shape, [(x, 2)]))]), 0.5)]))
    assert not report.ok and "not finite" in report.reason


def test_no_point():
    report = check_gradient(LOG.build(negative(norm2(x))), x, x)
    assert (report.ok, report.reason, report.points) == (False, NO_POINT, 0)


def test_domains_are_found():
    for f in (
        LOG.build(subtract(product(transposed(x), A, x), number(3))),
        LOGDET.build(subtract(A, eye(n))),
        LOGDET.build(subtract(eye(n), product(A, B))),
        sum_all(LOG.build(subtract(x, y))),
    ):
        assert len(points(f)) == 3


def test_points_avoid_singular_matrices():
    for point in points(LOGDET.build(product(transposed(X), X)), n=5):
        assert point.sizes["n"] >= point.sizes["m"]


def test_equality():
    assert check_equal(transposed(product(A, x)), product(transposed(x), transposed(A))).ok
    assert not check_equal(product(A, x), product(transposed(A), x)).ok
    assert not check_equal(SIN.build(x), TANH.build(x)).ok
    assert check_equal(LOG.build(monomial(x.shape, [(x, 1), (y, 1)])), add([(1, LOG.build(x)), (1, LOG.build(y))])).ok
    assert "left side" in check_equal(A, X).reason


def test_sizes_are_different_and_fit():
    e = product(transposed(UNIT_VECTOR.build(n, 7)), X, variable("Z", (m, dim("k") - dim(2))))
    sizes = random_sizes([e], Random(1))
    assert sizes["n"] >= 7 and sizes["k"] >= 3
    assert len(set(random_sizes([X, variable("Z", (m, dim("k")))], Random(2)).values())) == 3
    with pytest.raises(ShapeError, match="no small sizes"):
        random_sizes([variable("Z", (n - m, m - n))], Random(1))
    report = check_gradient(trace(product(A, B)), A, transposed(B), sizes={"n": 1})
    assert report.ok


@pytest.mark.parametrize("structure", ["symmetric", "spd", "psd", "diagonal", "skew", "orthogonal", "lower", "toeplitz"])
def test_samples_have_their_structure(structure):
    v = sample([variable("V", (n, n), [structure])], {"n": 4}, Random(1))["V"]
    transposes = {"symmetric": v.T, "spd": v.T, "psd": v.T, "skew": -v.T, "orthogonal": np.linalg.inv(v)}
    if structure in transposes:
        assert np.allclose(v, transposes[structure] if structure != "orthogonal" else transposes[structure].T)
    elif structure == "toeplitz":
        assert np.allclose(v[1:, 1:], v[:-1, :-1])
    else:
        assert np.allclose(v, np.tril(v))
    if structure in ("spd", "psd"):
        assert np.linalg.eigvalsh(v)[0] > 0.2


@pytest.mark.parametrize(
    ("domain", "test"),
    [
        ("positive", lambda v: np.all(v > 0)),
        ("unit01", lambda v: np.all((v > 0) & (v < 1))),
        ("simplex", lambda v: np.isclose(v.sum(), 1) and np.all(v > 0)),
        ("labels±1", lambda v: np.all(np.abs(v) == 1)),
        ("mask01", lambda v: set(v) <= {0.0, 1.0}),
        ("onehot", lambda v: sorted(v) == [0, 0, 0, 1]),
        ("invertible", np.all),
    ],
)
def test_samples_are_in_their_domain(domain, test):
    for mood in ("plain", "small", "above 1"):
        assert test(sample([variable("v", (n, UNIT), (), domain)], {"n": 4}, Random(1), mood)["v"])


def test_a_plain_check_is_fast_and_needs_no_scipy():
    code = (
        "import sys, time, numpy\n"
        "from tests_of_check import f, g, x\n"
        "start = time.perf_counter()\n"
        "from frechet.verification.check import check_gradient\n"
        "assert check_gradient(f, x, g).ok\n"
        "assert time.perf_counter() - start < 0.2  # about 0.01\n"
        "assert 'scipy' not in sys.modules and 'numpy.random' not in sys.modules\n"
    )
    setup = (
        "import sys, types; t = sys.modules['tests_of_check'] = types.ModuleType('tests_of_check')\n"
        "from frechet.operations.constants import variable\n"
        "from frechet.operations.products import product\n"
        "from frechet.operations.sums import add\n"
        "from frechet.operations.transposition import transposed\n"
        "from frechet.expressions.dimension import dim, UNIT\n"
        "n = dim('n'); A = variable('A', (n, n)); t.x = x = variable('x', (n, UNIT))\n"
        "t.f = product(transposed(x), A, x); t.g = add([(1, product(A, x)), (1, product(transposed(A), x))])\n"
    )
    subprocess.run([sys.executable, "-c", setup + code], check=True)


@pytest.mark.parametrize(
    ("text", "declared"),
    [
        ("tr(A*sqrtm(X*X'))", {}), ("tr(sqrtm(A*X))", {}), ("norm2(X^-1)", {}), ("normschatten(X,3)", {}),
        ("normschatten(X,3)", {"X": "2×3"}), ("normnuc(X)", {"X": "n×n sparse(M)"}), ("tr(A*inv(X))", {"X": "n×n rank r"}),
        ("logdet(X'*X)", {"X": "n×m rank r"}),
    ],
)  # fmt: skip
def test_points_are_regular_where_the_derivative_needs_it(text, declared):
    """X*X' is regular only where X has at least as many columns as rows: at other sizes there is nothing to check."""
    f = parse(text, declared)
    x = next(v for v in variables(f) if v.params[0] == "X")
    d = Derivative(f, x)
    for seed in range(3):
        report = check_hessian(f, x, d.hessian, seed=seed)
        assert report.ok and report.points == 3, report
