"""The gradient of every structure lies in the variable's space and gives df = ⟨G, dX⟩ for every direction of it."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import numpy as np
import pytest

import frechet as fr
from frechet.differentiation.derivative import Derivative
from frechet.differentiation.differential import differential_symbol
from frechet.differentiation.structure import projected, structure_of
from frechet.expressions.errors import FrechetError, ShapeError, UnsupportedError
from frechet.expressions.node import Expr, variables
from frechet.expressions.space import curved, dimension
from frechet.interfaces.answer import stated as conditions_of
from frechet.interfaces.batch import answer_entry
from frechet.notation.reading import parse, read
from frechet.operations.constants import ONE, variable
from frechet.verification.check import check_adjoint, check_differential, check_gradient, check_hessian
from frechet.verification.manifolds import tangent
from frechet.verification.sampling import sample

# What may be declared of a square matrix, of any matrix, of a vector.
SQUARE = (
    "symmetric", "spd", "skew", "diagonal", "circulant", "traceless", "diagonal positive", "symmetric toeplitz",
    "symmetric circulant", "skew toeplitz", "skew circulant", "lower toeplitz", "diagonal toeplitz", "diagonal circulant",
    "symmetric traceless", "diagonal traceless", "lower traceless", "spd toeplitz",
)  # fmt: skip
ANY = (
    "lower",
    "upper",
    "toeplitz",
    "hankel",
    "orthogonal",
    "sphere",
    "rank 2",
    "sparse(M)",
    "lower sparse(M)",
    "upper toeplitz",
)
VECTOR = ("simplex", "sphere", "centered")

FUNCTIONS = (
    "x'*X*y", "tr(A*X*B*X')", "norm2(A*X-C)^2", "sum(exp(X.*C))", "norm2(X)^2", "sum(sin(A*X))",
)  # fmt: skip
OF_SQUARE = ("tr(A*X^2)", "det(X+4*eye({n}))", "tr(C*inv(X+5*eye({n})))")
OF_VECTOR = ("y'*x", "x'*A*x", "norm2(A*x)^2", "sum(exp(x.*y))", "(y'*x)^2/norm2(A*x)", "sum(x.*log(x.*x))")


def cases() -> list[object]:
    found = []
    for structure in (*SQUARE, *ANY):
        for text in (*FUNCTIONS, *OF_SQUARE) if " " not in structure else (FUNCTIONS[1], FUNCTIONS[3], OF_SQUARE[2]):
            found.append(pytest.param(structure, 3, 3, text.format(n=3), id=f"{structure}-3-3-{text}"))
    for structure in ANY:
        for n, m in ((4, 2), (3, 5)) if structure != "orthogonal" else ((4, 2), (5, 3)):
            for text in FUNCTIONS[1:4]:
                found.append(pytest.param(structure, n, m, text, id=f"{structure}-{n}-{m}-{text}"))
    for structure in VECTOR:
        for text in OF_VECTOR:
            found.append(pytest.param(structure, 4, 0, text, id=f"{structure}-{text}"))
    return found


def declarations(structure: str, n: int | str, m: int | str) -> list[str]:
    if m == 0:
        return [f"x: {n} {structure}", f"A: {n}×{n}"]
    return [f"X: {n}×{m} {structure}", f"A: {n}×{n}", f"B: {m}×{m}", f"C: {n}×{m}", f"x: {n}", f"y: {m}"]


def stated(structure: str, n: int | str, m: int | str, text: str) -> tuple[Expr, Expr]:
    found = read(text, declarations(structure, n, m))
    return found.expression, found.variables["x" if m == 0 else "X"]


def point(e: Sequence[Expr], seed: int, sizes: dict[str, int] | None = None) -> dict[str, np.ndarray]:
    return sample(variables(*e), sizes or {}, Random(seed))


def in_space(g: np.ndarray, x: Expr, at: dict[str, np.ndarray]) -> bool:
    return np.allclose(tangent(x, at, g), g)


@pytest.mark.parametrize(("structure", "n", "m", "text"), cases())
def test_gradient_is_the_representer_in_the_space(structure: str, n: int, m: int, text: str) -> None:
    """It lies in the space, and ⟨G, V⟩ is the difference quotient for every direction V of it (along retractions)."""
    f, x = stated(structure, n, m, text)
    d = Derivative(f, x)
    report = check_gradient(f, x, d.gradient)
    assert report.ok, report.reason
    at = point([f, x, d.gradient], 0)
    assert in_space(np.asarray(d.gradient.evaluate(at)), x, at)
    report = check_differential(f, x, d.direction, d.differential)
    assert report.ok, report.reason
    if not curved(x.params[1]):  # there dX is a general array
        report = check_adjoint(d.raw_differential, d.direction, d.adjoint(ONE), ONE)
        assert report.ok, report.reason
    report = check_hessian(f, x, d.hessian)
    assert report.ok, report.reason


def spaces() -> list[tuple[str, int, int]]:
    square = [(s, n, n) for s in (*SQUARE, *ANY) for n in (3, 4)]
    return [*square, *((s, 4, 3) for s in ANY), *((s, 5, 0) for s in VECTOR)]


@pytest.mark.parametrize(("structure", "n", "m"), spaces())
def test_projection_is_orthogonal_to_a_space_of_the_stated_dimension(structure: str, n: int, m: int) -> None:
    """The symbolic projection is the numeric one, which is symmetric, idempotent and of the rank that is stated."""
    _, x = stated(structure, n, m, "sum(x)" if m == 0 else "sum(X)")
    g = variable("G", x.shape)
    once = projected(g, x)
    at = point([x, g, once], 1)
    shape = at[x.params[0]].shape
    columns = []
    for i in range(int(np.prod(shape))):
        basis = np.zeros(int(np.prod(shape)))
        basis[i] = 1.0
        columns.append(np.ravel(tangent(x, at, basis.reshape(shape))))
        assert np.allclose(once.evaluate(at | {"G": basis.reshape(shape)}), columns[-1].reshape(shape))
    p = np.array(columns)
    assert np.allclose(p, p.T) and np.allclose(p @ p, p)
    size = dimension(x.params[1], x.params[2], x.shape)
    if size is None:
        assert structure.endswith("sparse(M)")
        assert structure != "sparse(M)" or round(np.trace(p)) == at["M"].sum()
    else:
        assert round(np.trace(p)) == size.value()


@pytest.mark.parametrize("structure", [*SQUARE, *ANY, "rank r"])
def test_symbolic_sizes(structure: str) -> None:
    f, x = stated(structure, "n", "n", "tr(A*X*B*X')")
    assert check_gradient(f, x, Derivative(f, x).gradient).ok
    if structure in (*ANY, "rank r"):
        f, x = stated(structure, "n", "k", "norm2(A*X-C)^2")
        for seed in range(4):
            assert check_gradient(f, x, Derivative(f, x).gradient, seed=seed).ok


@pytest.mark.parametrize(
    ("text", "declare", "gradient"),
    [
        ("tr(C'*Q)", "Q: n×n orthogonal", "(C - Q*C'*Q)/2"),
        ("norm2(A*Q-B)^2", "Q: n×n orthogonal", "Q*B'*A*Q - A'*B"),
        ("tr(A'*Q)", "Q: n×k orthogonal", "A - Q*(A'*Q + Q'*A)/2"),
        ("tr(Q'*S*Q)", "Q: n×k orthogonal", "2*(S - Q*Q'*S)*Q"),
        ("tr(A'*Q)", "Q: n×n skew", "(A - A')/2"),
        ("tr(A*Q)", "Q: n×n diagonal", "diag(diag(A))"),
        ("x'*Q*x", "Q: n×n toeplitz", "toeplitzpart(x*x')"),
        ("norm2(Q)^2", "Q: n×n toeplitz", "2*Q"),
        ("logdet(Q)", "Q: n×n spd", "inv(Q)"),
        ("x'*Q*y", "Q: n×n lower", "tril(x*y')"),
        ("x'*Q*y", "Q: n×m upper", "triu(x*y')"),
        ("norm2(Q)^2", "Q: n×n lower", "2*Q"),
        ("logdet(Q)", "Q: n×n lower", "diag(diag(inv(Q)))"),
        ("x'*Q*y", "Q: n×n circulant", "circulantpart(x*y')"),
        ("x'*Q*y", "Q: n×m hankel", "hankelpart(x*y')"),
        ("norm2(Q-A)^2", "Q: n×n circulant", "2*(Q - circulantpart(A))"),
        ("x'*Q*x", "Q: n×n symmetric toeplitz", "toeplitzpart(x*x')"),
        ("tr(A*Q)", "Q: n×n diagonal positive", "diag(diag(A))"),
        ("norm2(Q-A)^2", "Q: n×m sparse(M)", "2*(Q - A.*M)"),
        ("norm2(Q-A)^2", "Q: n×n traceless", "2*(tr(A)*eye(n)/n + Q - A)"),
        ("q'*A*q", "q: n sphere", "(A + A' - (q'*(A + A')*q)*eye(n))*q"),
        ("x'*q", "q: k simplex", "x - sum(x)*ones(k)/k"),
        ("-q'*log(q)", "q: k simplex", "sum(log(q))*ones(k)/k - log(q)"),
        ("norm2(Q)^2/2", "Q: n×m rank r", "Q"),
        ("norm2(q)^2", "q: n sphere", "zeros(n)"),
    ],
)
def test_gradients_as_texts(text: str, declare: str, gradient: str) -> None:
    e = parse(text, [declare, *(["S: n×n symmetric"] if "S" in text else [])])
    name = declare[0]
    q = read(text, [declare]).variables[name] if not variables(e) else next(v for v in variables(e) if v.params[0] == name)
    assert str(Derivative(e, q).gradient) == gradient


def test_directions_have_the_linear_structure() -> None:
    for structure in ("symmetric", "skew", "diagonal", "lower", "upper", "toeplitz"):
        assert differential_symbol(fr.matrix("X", 3, 3, structure)).params[1] == (structure,)
    assert differential_symbol(fr.matrix("X", 3, 3, "spd")).params[1] == ("symmetric",)
    assert differential_symbol(fr.matrix("X", 3, 3, "orthogonal")).params[1] == ()
    assert structure_of(variable("X", fr.matrix("X", 3, 3).shape, ("diagonal", "spd"))) == "diagonal"


def test_combinations_are_refused_by_name() -> None:
    x = variable("X", fr.matrix("X", 3, 3).shape, ("symmetric", "orthogonal"))
    with pytest.raises(UnsupportedError, match="orthogonal symmetric"):
        _ = Derivative(parse("tr(A*X)", {"X": x}), x).gradient
    with pytest.raises(ShapeError, match="orthonormal"):
        fr.matrix("X", 2, 3, "orthogonal")


def test_a_constant_simplex_keeps_its_promise_and_a_variable_one_its_tangent_space() -> None:
    x = fr.vector("x", "n", "simplex")
    assert fr.sum(x) is fr.sum(fr.parse("ones(1)"))
    assert str(projected(fr.vector("g", "n"), x)) == "g - sum(g)*ones(n)/n"
    assert differential_symbol(x).params[1] == ("centered",)


@pytest.mark.parametrize(("n", "ok"), [(3, True), (4, True), (5, False), ("n", False)])
def test_toeplitz_in_batch(n: object, ok: bool) -> None:
    x = {"shape": [n, n], "structure": ["toeplitz"]}
    entry = {"expr": "x'*T*y", "vars": {"x": {"shape": [n]}, "y": {"shape": [n]}, "T": x}, "dims": {"n": 3}, "wrt": "T"}
    try:
        assert "toeplitzpart" not in answer_entry(entry)["text"]
    except FrechetError as error:
        assert not ok and "toeplitzpart" in error.message
    else:
        assert ok


CLASHES = [
    ("X: n×m symmetric", "tr(A*X)", "square matrix, not n×m"),
    ("x: n skew", "y'*x", "square matrix, not n"),
    ("X: n×m centered", "tr(A*X)", "must be a vector, not n×m"),
    ("c: scalar sphere", "c*x", "vector or a matrix, not a scalar"),
    ("X: 3×4 rank 5", "tr(A*X)", "has at most rank 3"),
    ("X: n×n symmetric skew", "tr(A*X)", "only the zero matrix is both"),
    ("X: n×n orthogonal diagonal", "tr(A*X)", "only diagonal matrices of ±1"),
    ("X: n×n lower upper", "tr(A*X)", "that is diagonal"),
    ("X: n×n spd traceless", "tr(A*X)", "positive trace"),
    ("X: n×n skew positive", "tr(A*X)", "zeros on its diagonal"),
    ("X: 3×3 skew invertible", "tr(A*X)", "determinant 0"),
    ("X: n×m sparse(X)", "tr(A*X)", "its own mask"),
]


@pytest.mark.parametrize(("declare", "text", "words"), CLASHES)
def test_declarations_that_contradict_themselves(declare: str, text: str, words: str) -> None:
    with pytest.raises(FrechetError) as caught:
        parse(text, [declare])
    assert words in caught.value.message
    assert caught.value.position == text.index(declare[0]) and caught.value.text == text


@pytest.mark.parametrize(
    ("declare", "mask", "words"),
    [("M: n×m positive", "M", "declare it mask01"), ("M: k×k mask01", "M", "must have one shape")],
)
def test_masks_that_do_not_fit(declare: str, mask: str, words: str) -> None:
    with pytest.raises(FrechetError, match=words):
        parse("tr(A*X)", [f"X: n×m sparse({mask})", declare])


IMPOSSIBLE = [
    ("X: 3×3 skew", "1 + logdet(X)", "logdet(X)", "X is skew of odd size 3"),
    ("X: 3×3 skew", "tr(A*inv(X))", "inv(X)", "X is skew of odd size 3"),
    ("X: 5×5 skew", "norm2(X\\x)", "X\\x", "X is skew of odd size 5"),
    ("X: 3×3 rank 2", "tr(inv(2*X)*A)", "inv(2*X)", "its rank is at most 2"),
    ("x: 3", "tr(inv(x*x'))", "inv(x*x')", "its rank is at most 1"),
    ("X: n×n skew", "tr(cholesky(X))", "cholesky(X)", "no matrix is both"),
    ("X: n×n skew", "eigmax(X)", "eigmax(X)", "its eigenvalues are imaginary"),
    ("X: n×n diagonal", "sum(log(X))", "log(X)", "off the diagonal are 0"),
    ("X: n×n lower", "sum(1./X)", "1./X", "above the diagonal are 0"),
]


@pytest.mark.parametrize(("declare", "text", "part", "words"), IMPOSSIBLE)
def test_what_a_structure_rules_out_is_refused_at_its_place(declare: str, text: str, part: str, words: str) -> None:
    with pytest.raises(FrechetError) as caught:
        parse(text, [declare])
    assert words in caught.value.message
    assert (caught.value.position, caught.value.end) == (text.index(part), text.index(part) + len(part))


@pytest.mark.parametrize(
    ("declare", "text"),
    [("X: 4×4 skew", "logdet(X)"), ("X: n×n skew", "tr(A*inv(X))"), ("X: n×n diagonal", "logdet(X)"),
     ("x: 1", "tr(inv(x*x'))"), ("x: 3", "tr(inv(x*x'+eye(3)))"),
     ("X: n×n rank r", "tr(A*inv(X))"), ("X: n×n lower", "sum(exp(X))"),
     ("X: 3×2", "tr(sqrtm(X*X'))"), ("X: n×n diagonal", "sum(abs(X))"), ("X: n×n skew", "eigmax(X^2)")],
)  # fmt: skip
def test_what_may_hold_is_not_refused(declare: str, text: str) -> None:
    assert parse(text, [declare])


def test_the_determinant_of_a_skew_matrix_of_odd_size_is_zero() -> None:
    assert str(parse("det(X)", ["X: 3×3 skew"])) == "0"
    assert str(parse("det(X)", ["X: 4×4 skew"])) == "det(X)"


def test_a_diagonal_matrix_of_positive_entries_is_positive_definite_and_has_zeros() -> None:
    x = parse("X", ["X: n×n diagonal positive"])
    assert x.definite == 2 and x.sign == 1


@pytest.mark.parametrize("declare", ["X: n×n traceless diagonal", "X: n×n traceless symmetric"])
def test_eigenvalues_that_add_up_to_zero_are_not_all_positive(declare: str) -> None:
    with pytest.raises(ShapeError, match="traceless, so its eigenvalues"):
        parse("logm(X)", [declare])


def test_sqrtm_of_a_matrix_singular_by_its_sizes_has_no_derivative_here() -> None:
    f = parse("tr(A*sqrtm(X*X'))", ["X: 3×2"])
    with pytest.raises(UnsupportedError, match="its rank is at most 2"):
        _ = Derivative(f, next(v for v in variables(f) if v.params[0] == "X")).gradient


def test_conditions_have_parentheses_and_are_not_said_twice() -> None:
    f = parse("logdet(A*S*A' + B)", ["S: n×n symmetric"])
    assert "det(A*S*A' + B) > 0" in conditions_of(f, next(v for v in variables(f) if v.params[0] == "S"))
    g = parse("tr(C*sylvester(A,B,X))")
    a = next(v for v in variables(g) if v.params[0] == "A")
    assert not any("kron" in words for words in conditions_of(g, a, Derivative(g, a).hessian))


def test_a_logarithm_that_overflows_on_its_way_is_nan() -> None:
    import numpy as np

    from frechet.compilation.runtime import matrix_function

    def overflowing(m: object) -> object:
        raise ValueError("array must not contain infs or NaNs")

    assert np.isnan(matrix_function(overflowing, np.eye(2))).all()
