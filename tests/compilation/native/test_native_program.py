"""Programs in C: equal to those in NumPy on random expressions and on the registry's, left to NumPy where they must be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import test_random_expressions as random_expressions
from tensor_products import AS_MATRICES, BY_LOOPS, OTHERWISE, arrays, contraction
from test_registry import EXAMPLES, example

import frechet as fr
from frechet.compilation.native import building
from frechet.compilation.native.emission import Source
from frechet.compilation.native.loops import Loop
from frechet.compilation.native.program import NativeProgram, NativeSpecialised
from frechet.expressions.errors import FrechetError, ShapeError
from frechet.expressions.node import Expr, variables
from frechet.operations.declared_functions import symbols
from frechet.verification.sampling import random_sizes, sample

FLAGS = building.FLAGS  # as users build
pytestmark = pytest.mark.skipif(building.compiler() is None, reason="no C compiler, or no headers of Python")


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache of the tests' own, and a compiler in a hurry."""
    with pytest.MonkeyPatch.context() as patch:
        place = tmp_path_factory.mktemp("cache")
        patch.setenv("XDG_CACHE_HOME", str(place))
        patch.setattr(building, "FLAGS", tuple("-O1" if f == "-O3" else f for f in building.FLAGS))
        building.directory.cache_clear()
        yield place
    building.directory.cache_clear()


def compiled(outputs: Any, **options: Any) -> NativeProgram:
    program = fr.compile(outputs, backend="c", **options)
    assert isinstance(program, NativeProgram)
    return program


def in_c(program: NativeProgram, *args: Any) -> Any:
    """The value by C, never by NumPy; by the program with LU where Cholesky is only tried."""

    def left(*args: Any) -> Any:
        raise AssertionError("left to NumPy")

    arrays, sizes, letter = program.arguments.converted(program.arguments.bound("program", args, {}))
    made = program.specialised(sizes, letter)
    assert isinstance(made, NativeSpecialised) and made.module is not None
    tried = any(v.op == "cholesky" and v.params[0] for v in made.steps)
    return made.bound(made._general if tried else left, bytearray(made.accepted))(*arrays.values())


def has_c(program: NativeProgram, letter: str = "d") -> bool:
    made = program.at(letter)
    assert isinstance(made, NativeSpecialised)
    return made.c is not None


def equal(got: Any, want: Any, tolerance: float = 1e-7) -> bool:
    got, want = np.asarray(got), np.asarray(want)
    size = np.max(np.abs(want[np.isfinite(want)]), initial=0.0)
    return got.shape == want.shape and np.allclose(got, want, tolerance, tolerance * (1 + size), equal_nan=True)


def with_gradients(e: Expr) -> list[Expr]:
    """The expression, and its gradients if it is a scalar."""
    found = [e]
    for v in variables(e) if e.kind == "scalar" else ():
        with suppress(FrechetError):
            found.append(fr.derivative(e, v).gradient)
    return found


def gradient(e: Expr, name: str) -> Expr:
    return fr.derivative(e, fr.variables(e)[name]).gradient


def agrees(expressions: Sequence[Expr], values: dict[str, Any]) -> bool:
    """Is the value by C that by NumPy? Where there is no C for it, yes."""
    program = compiled(list(expressions))
    if symbols(*expressions) or not program.inputs or program._free_sizes or not has_c(program):
        return True
    args = [values[n] for n in program.arguments.names]
    before = [np.array(a, copy=True) for a in args]
    try:
        want = fr.compile(list(expressions))(*args)
    except (np.linalg.LinAlgError, ShapeError):  # sizes were drawn that do not fit places such as k+1
        return True
    got = in_c(program, *args)
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(args, before, strict=True))
    return all(map(equal, got, want))


def random_case(seed: int) -> tuple[list[Expr], dict[str, Any], Random] | None:
    """Expressions and values of their variables; None where none was drawn."""
    rng = Random(seed)
    env = random_expressions.draw_values(rng)
    builder = random_expressions.Builder(rng.randrange, [env])
    try:
        e = builder.tree(rng.choice([("1", "1"), ("1", "1"), ("n", "1"), ("n", "m"), ("n", "n")]), 5).expr
    except random_expressions.Refused:
        return None
    found = with_gradients(e)[:3]
    values = {}
    for v in variables(*found):
        shape = [d.size(random_expressions.DIMS) for d in v.shape if str(d) != "1"]
        array = env[v.params[0]]
        values[v.params[0]] = np.ascontiguousarray(array.reshape(shape)) if shape else float(array.ravel()[0])
    return found, values, rng


def registry_case(page: Any, text: str) -> tuple[list[Expr], dict[str, Any]]:
    """An example of a page with its gradients, and values of its variables."""
    e = example(page, text)
    found = with_gradients(e)
    kind = "spd" if page.domain in ("spd", "invertible") else "unit01" if page.domain else "plain"
    return found, sample(variables(e), random_sizes(found, Random(3)), Random(4), kind)


def random_agrees(seed: int) -> bool:
    case = random_case(seed)
    with np.errstate(all="ignore"):
        return case is None or agrees(*case[:2])


@pytest.mark.parametrize("seed", range(12))
def test_random(seed: int) -> None:
    assert random_agrees(seed)


@pytest.mark.sweep
@pytest.mark.parametrize("start", range(1000, 1400, 40))
def test_many_random(start: int) -> None:
    for seed in range(start, start + 40):
        assert random_agrees(seed)


@pytest.mark.sweep
@pytest.mark.parametrize(("page", "text"), EXAMPLES)
def test_registry(page: Any, text: str) -> None:
    with np.errstate(all="ignore"):
        assert agrees(*registry_case(page, text))


@pytest.mark.parametrize("letter", ["d", "s"])
@pytest.mark.parametrize("columns", [1, 7, 50, 450])
@pytest.mark.parametrize("rows", [3, 83, 2000])
def test_rows_from_memory_are_asked_for_before_they_are_read(rows: int, columns: int, letter: str) -> None:
    """Of data that come block by block, and of arrays that no cache keeps: the results are the same."""
    g = fr.parse("sum(softplus(X*w))", {"X": "n×k", "w": "k"})
    made = compiled([g, gradient(g, "w")]).at(letter, n=rows, k=columns)
    assert isinstance(made, NativeSpecialised) and made.c is not None
    of_a_block = Source(made.written_roots, made.whole.inputs, False, False, letter, streamed=True)
    module = building.load(of_a_block.text)
    assert module is not None and of_a_block.text != made.c.text
    rng = np.random.default_rng(rows)
    given = [np.asarray(rng.normal(size=s), {"d": "d", "s": "f"}[letter]) for s in ((rows, columns), (columns,))]
    streamed = building.bound(module, made._general, bytearray(of_a_block.accepted(made.sizes)), None)
    for a, b in zip(streamed(*given), made.run(*given), strict=True):
        assert np.allclose(a, b, 1e-13 if letter == "d" else 1e-5)


def quadratic(**options: Any) -> NativeProgram:
    g = fr.parse("x'*A*x")
    return compiled({"value": g, "gradient": gradient(g, "x")}, **options)


def test_what_is_returned() -> None:
    program = quadratic()
    x, A = np.array([1.0, 2.0]), np.array([[1.0, 2.0], [3.0, 4.0]])
    for _ in range(2):  # by the general way, then at once
        found = program(x, A)
        assert list(found) == ["value", "gradient"]
        assert type(found["value"]) is float
        assert equal(found["value"], 27) and equal(found["gradient"], [12, 21])
    assert equal(program(A=A, x=x)["value"], 27)
    assert equal(program([1, 2], A.tolist())["value"], 27)
    single = compiled(fr.parse("2*x"))
    assert equal(single(x), 2 * x) and single(x) is not single(x)
    (alone,) = compiled([fr.parse("2*x")])(x)
    assert equal(alone, 2 * x)


def test_arguments_that_are_not_contiguous() -> None:
    rng = np.random.default_rng(1)
    program = quadratic()
    x, A = rng.normal(size=8)[::2], rng.normal(size=(4, 4))
    for _ in range(2):
        assert equal(program(x, A.T)["value"], x @ A.T @ x)
        assert equal(program(x, np.asfortranarray(A))["value"], x @ A @ x)
        assert equal(program(x, A[::-1])["value"], x @ A[::-1] @ x)
        assert equal(program(x, A.astype(">f8"))["value"], x @ A @ x)


def test_refusals_name_the_argument() -> None:
    program = quadratic()
    x, A = np.ones(3), np.ones((3, 3))
    program(x, A)
    with pytest.raises(ShapeError, match=r"A needs a 2-D array of shape n×n, not one of shape 3×4: n is 3 \(from x\)"):
        program(x, np.ones((3, 4)))
    with pytest.raises(ShapeError, match="x is real"):
        program(x + 1j, A)
    with pytest.raises(TypeError, match="needs A"):
        program(x)
    with pytest.raises(ShapeError, match="A needs"):
        program(x, "A")


def test_one_extension_serves_all_sizes() -> None:
    g = fr.parse("norm2(T-U*V')^2")
    program = compiled(gradient(g, "U"), inputs=["T", "U", "V"])
    small, other = program.at(n=40, m=50, p=2), program.at(n=60, m=30, p=3)
    assert small.c_source == other.c_source  # type: ignore[attr-defined]
    rng = np.random.default_rng(2)
    for n, m, p in ((1, 1, 1), (2, 3, 4), (30, 20, 2), (300, 2, 50), (130, 90, 80)):
        T, U, V = rng.normal(size=(n, m)), rng.normal(size=(n, p)), rng.normal(size=(m, p))
        for _ in range(2):
            assert equal(program(T, U, V), -2 * (T - U @ V.T) @ V)


def test_small_sizes_that_come_first_are_numbers_in_c() -> None:
    g = fr.parse("norm2(T-U*V')^2")
    program = compiled(gradient(g, "U"), inputs=["T", "U", "V"])
    rng = np.random.default_rng(2)
    for n, m, p in ((5, 4, 2), (6, 4, 2), (12, 8, 4), (5, 4, 2)):
        T, U, V = rng.normal(size=(n, m)), rng.normal(size=(n, p)), rng.normal(size=(m, p))
        for _ in range(2):
            assert equal(program(T, U, V), -2 * (T - U @ V.T) @ V)
    first, second, third = (program.at(n=n, m=m, p=p).c_source for n, m, p in ((5, 4, 2), (6, 4, 2), (12, 8, 4)))  # type: ignore[attr-defined]
    assert "const npy_intp d0 = 5;" in first and first != second
    assert "const npy_intp d0 = 6;" not in second and second == third


def test_long_programs_are_built_apart_for_several_sizes() -> None:
    """For all sizes at once the compiler takes several times as long."""
    lines = ["h0 = x", *(f"h{i + 1} = tanh(W*h{i}) + h{i}" for i in range(25)), "norm2(h25)^2"]
    g = fr.parse("\n".join(lines), {"W": "n×n", "x": "n"})
    program = compiled([g, gradient(g, "W")])
    texts = [program.at(n=n).c_source for n in (3, 100, 5, 101, 6, 102, 3)]  # type: ignore[attr-defined]
    fixed = [f"const npy_intp d0 = {n};" in text for n, text in zip((3, 100, 5, 101, 6, 102, 3), texts, strict=True)]
    assert fixed == [True, True, True, True, False, False, True]
    rng = np.random.default_rng(9)
    for n in (3, 5, 3):
        W, x = rng.normal(size=(n, n)) / n, rng.normal(size=n)
        for found, wanted in zip(program(W=W, x=x), fr.compile([g, gradient(g, "W")])(W=W, x=x), strict=True):
            assert equal(found, wanted)


FUNCTIONS = (
    "exp", "log", "log1p", "expm1", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh",
    "arccosh", "arctanh", "erf", "sigmoid", "softplus", "silu", "gelu", "mish", "selu", "relu",
)  # fmt: skip
POWERS = ("x.^(1/3)", "x.^(17/10)", "x.^(-7/5)", "x.^(1/2)", "x.^-1", "x.^3", "(x .+ 1).^x")
SPECIAL = (0.0, -0.0, np.inf, -np.inf, np.nan, 1e-310, 1e300, -1e300, 709.0, -745.0, 800.0, -800.0, 1.0, -1.0, 0.5, 1e-20)


@pytest.mark.parametrize("text", [*(f"{name}(x)" for name in FUNCTIONS), *POWERS])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_functions_of_many_entries_are_right_at_special_places(text: str) -> None:
    x = np.array(SPECIAL * 3 + tuple(np.linspace(-3, 3, 101)))  # more than vectors have lanes, and not a multiple of that
    e = fr.parse(text, {"x": "n"})
    for dtype, rtol in ((np.float64, 1e-14), (np.float32, 1e-5)):
        given = x.astype(dtype)
        assert np.allclose(compiled(e)(given), fr.compile(e)(given), rtol=rtol, atol=np.finfo(dtype).tiny, equal_nan=True)


@pytest.mark.parametrize("text", ["tr(A'*B)", "-3*sum(A.*B)", "norm2(A)^2", "norm2(A)", "x'*y", "sum(x.^2)/2"])
def test_inner_products_are_of_all_entries(text: str) -> None:
    """At once in several sums from some number of entries on."""
    e = fr.parse(text, {"A": "n×m", "B": "n×m", "x": "n", "y": "n"})
    program, reference = compiled(e), fr.compile(e)
    rng = np.random.default_rng(5)
    for n, m in ((1, 1), (5, 3), (63, 1), (64, 1), (67, 3), (21, 50)):
        values = {
            "A": rng.normal(size=(n, m)),
            "B": rng.normal(size=(n, m)),
            "x": rng.normal(size=n),
            "y": rng.normal(size=n),
        }
        given = {name: values[name] for name in fr.variables(e)}
        assert np.isclose(program(**given), reference(**given), rtol=1e-12)


@pytest.mark.parametrize("text", ["A*x", "A'*y", "-2*A*x", "3*A'*y", "A*X[:,2]", "A'*Y[:,1]", "(A*x).*(A*X[:,1])"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_products_of_a_matrix_and_a_vector(text: str, dtype: type) -> None:
    """Some rows at once, and those that are left; of vectors that lie apart too."""
    e = fr.parse(text, {"A": "n×m", "x": "m", "y": "n", "X": "m×2", "Y": "n×2"})
    program, reference = compiled(e), fr.compile(e)
    rng = np.random.default_rng(6)
    for n, m in ((30, 20), (15, 41), (4, 100), (3, 99), (100, 3), (97, 8), (300, 701)):
        shapes = {"A": (n, m), "x": m, "y": n, "X": (m, 2), "Y": (n, 2)}
        values = {name: rng.normal(size=shapes[name]).astype(dtype) for name in fr.variables(e)}
        found, wanted = program(**values), reference(**values)
        assert found.dtype == dtype and np.allclose(
            found, wanted, rtol=0, atol=(1e-4 if dtype is np.float32 else 1e-12) * 10
        )


@pytest.mark.parametrize("subscripts", AS_MATRICES + OTHERWISE)
def test_products_of_tensors(subscripts: str) -> None:
    """Small ones as loops, large ones by BLAS, of copies where their axes do not lie as those of matrices."""
    program = compiled(contraction(subscripts))
    for seed, largest in ((0, 4), (1, 9), (2, 20)):
        a, b = arrays(subscripts, seed, largest)
        assert np.allclose(in_c(program, a, b), np.einsum(subscripts, a, b), rtol=1e-11)
    made = program.at()
    assert isinstance(made, NativeSpecialised) and made.c is not None
    (loop,) = [step for step in made.c.schedule.steps if isinstance(step, Loop) and not step.sinks[0].copied]
    assert (loop.library is None) == (subscripts in BY_LOOPS)


@pytest.mark.parametrize("name", ["max", "min"])
def test_extremes_are_of_all_entries_and_see_nan(name: str) -> None:
    rng = np.random.default_rng(4)
    program = compiled(fr.parse(f"{name}(x)", {"x": "n"}))
    for n in (1, 3, 8, 13, 100):
        for at in range(n):
            x = rng.normal(size=n)
            x[at] = 9 if name == "max" else -9
            assert program(x) == x[at]
            x[at] = np.nan
            assert np.isnan(program(x))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_adjugates(dtype: type) -> None:
    """By cofactors, by the inverse, and where that loses digits by the function of NumPy."""
    e = fr.parse("det(X)^2")
    outputs = [e, gradient(e, "X"), fr.parse("adj(X)")]
    program, reference = compiled(outputs), fr.compile(outputs)
    assert program.at(n=4).c is not None  # type: ignore[attr-defined]
    rng = np.random.default_rng(8)
    for n in (1, 2, 3, 4, 7, 16, 17, 30):
        good = rng.normal(size=(n, n)) / np.sqrt(n) + np.eye(n)
        singular = good.copy()
        singular[0] = singular[-1] if n > 1 else 0
        for X in (good, singular, np.zeros((n, n)), good * 1e-3, np.diag([1e-9] + [1.0] * (n - 1))):
            given = X.astype(dtype)
            for found, wanted in zip(program(given), reference(given), strict=True):
                digits, least = (1e-9, 1e-6) if dtype is np.float64 else (2e-3, 1e-3)  # of 0 there are rounding errors
                assert np.max(np.abs(found - wanted)) <= digits * max(np.max(np.abs(wanted)), least)


@pytest.mark.parametrize(
    "text", ["norm1(A*x-y)", "sum(clip(A*x,-1,2).^2)", "sum(huber(A*x-y,1))", "norm1(A) + tr(sign(A)'*A)"]
)
def test_functions_with_corners_are_loops(text: str) -> None:
    e = fr.parse(text, {"A": "n×m", "x": "m", "y": "n"})
    by = "x" if "x" in text else "A"
    program = compiled([e, gradient(e, by)])
    assert program.at(n=5, m=4).c is not None  # type: ignore[attr-defined]
    rng = np.random.default_rng(7)
    values = {"A": rng.normal(size=(5, 4)), "x": rng.normal(size=4), "y": rng.normal(size=5)}
    given = {name: values[name] for name in fr.variables(e)}
    for found, wanted in zip(program(**given), fr.compile([e, gradient(e, by)])(**given), strict=True):
        assert equal(found, wanted)


def test_float32() -> None:
    g = fr.parse("sum(tanh(A*x))/c + norm2(x)")
    program = compiled([g, gradient(g, "x")], inputs=["A", "x", "c"])
    rng = np.random.default_rng(3)
    A, x, c = rng.normal(size=(4, 3)).astype("f"), rng.normal(size=3).astype("f"), 2.0
    assert has_c(program, "s")
    value, slope = in_c(program, A, x, c)
    assert slope.dtype == np.float32
    assert equal(value, np.tanh(A @ x).sum() / 2 + np.linalg.norm(x), 1e-5)
    assert equal(slope, (A.T @ (1 - np.tanh(A @ x) ** 2)) / 2 + x / np.linalg.norm(x), 1e-5)


@pytest.mark.parametrize("n", [1, 2, 7, 16, 17, 40, 90])
def test_factorizations(n: int) -> None:
    """Small matrices by loops, larger ones by LAPACK."""
    rng = np.random.default_rng(n)
    X, b = rng.normal(size=(n, n)), rng.normal(size=n)
    S = X @ X.T + np.eye(n)
    declared = {"S": "n×n spd", "X": "n×n", "b": "n"}
    texts = [
        "inv(S)",
        "logdet(S)",
        "det(S)",
        "S\\b",
        "S\\X",
        "b'*(S\\X)",
        "inv(X)",
        "det(X)",
        "X\\b",
        "X'\\b",
        "X\\S",
        "S*inv(X)",
    ]
    want = [np.linalg.inv(S), np.linalg.slogdet(S)[1], np.linalg.det(S), np.linalg.solve(S, b), np.linalg.solve(S, X)]
    want += [b @ np.linalg.solve(S, X), np.linalg.inv(X), np.linalg.det(X), np.linalg.solve(X, b)]
    want += [np.linalg.solve(X.T, b), np.linalg.solve(X, S), S @ np.linalg.inv(X)]
    program = compiled([fr.parse(t, declared) for t in texts])
    given = {"S": S, "X": X, "b": b}
    for text, one, other in zip(texts, in_c(program, *(given[v] for v in program.arguments.names)), want, strict=True):
        assert equal(one, other, 1e-6), text


def test_singular_matrices_are_named() -> None:
    singular = compiled(fr.parse("inv(X)*b", {"X": "n×n", "b": "n"}))
    X = np.ones((3, 3))
    with pytest.raises(np.linalg.LinAlgError, match="X is singular: it has no inverse"):
        singular(X, np.ones(3))
    indefinite = compiled(fr.parse("inv(S)", {"S": "n×n spd"}))
    for n in (2, 30):
        with pytest.raises(np.linalg.LinAlgError, match="S is not positive definite"):
            indefinite(-np.eye(n))
    assert equal(indefinite(2 * np.eye(2)), np.eye(2) / 2)


def test_symmetric_matrices_that_are_not_definite() -> None:
    program = compiled(fr.parse("inv(S)*b", {"S": "n×n symmetric", "b": "n"}))
    S, b = np.array([[1.0, 2.0], [2.0, 1.0]]), np.array([1.0, 0.0])
    for matrix in (S, np.eye(2), -np.eye(2)):
        assert equal(program(matrix, b), np.linalg.solve(matrix, b))


def test_nan_stays_nan() -> None:
    for text in ("max(x)", "min(x)", "sum(relu(x))", "sum(softplus(x))", "norm2(x)", "sum(max(x,y))", "x'*y"):
        e = fr.parse(text, {"x": "n", "y": "n"})
        program = compiled(e, inputs=variables(e))
        args = [np.array([1.0, np.nan, 2.0]), np.ones(3)][: len(program.inputs)]
        assert has_c(program), text
        assert np.isnan(in_c(program, *args)), text


def test_extreme_numbers() -> None:
    x = np.array([-800.0, -40.0, 0.0, 40.0, 800.0])
    for text in ("sigmoid(x)", "softplus(x)", "tanh(x)", "logcosh(x)", "sigmoid(x).*sigmoid(-x)", "gelu(x)", "silu(x)"):
        e = fr.parse(text, {"x": "n"})
        with np.errstate(all="ignore"):
            assert equal(in_c(compiled(e), x), fr.compile(e)(x)), text
    big = compiled(fr.parse("norm2(x)", {"x": "n"}))
    assert equal(in_c(big, np.array([3e200, 4e200])) / 1e200, 5.0)
    assert equal(in_c(big, np.array([3e-200, 4e-200])) * 1e200, 5.0)


def test_loops_are_joined() -> None:
    """Of the value and the gradient of a logistic loss all that is between the two products with X is one loop."""
    g = fr.parse("sum(softplus(-y.*(X*w)))")
    made = compiled([g, gradient(g, "w")]).at()
    assert isinstance(made, NativeSpecialised) and made.c is not None
    _, between, _, negated = made.c.schedule.steps
    assert isinstance(between, Loop) and len(between.sinks) == 2
    assert isinstance(negated, Loop) and len(negated.sinks) == 1


def test_a_residual_is_stored_where_it_is_squared() -> None:
    g = fr.parse("norm2(T - U*V')^2")
    made = compiled([g, gradient(g, "U")]).at(n=400, m=400, p=10)
    assert isinstance(made, NativeSpecialised) and made.c is not None
    loops = [step for step in made.c.schedule.steps if isinstance(step, Loop) and step.library is None]
    assert len(loops[0].sinks) == 2 and len(loops) == 2  # the other one multiplies by -2


@pytest.mark.parametrize("part", ["tanh(A)[2:3,:]", "tanh(A)[:,2:3]", "tanh(A)[2,:]", "tanh(A)[:,1]"])
def test_a_part_is_not_the_whole(part: str) -> None:
    """What is computed for some entries only is not there for the others."""
    e = fr.parse(f"sum(({part}).^3) + sum(B*tanh(A))", {"A": "n×n", "B": "n×n"})
    rng = np.random.default_rng(1)
    assert agrees([e], {n: rng.normal(size=(5, 5)) for n in "AB"})


def test_what_is_not_in_c_runs_in_numpy() -> None:
    program = compiled(fr.parse("expm(X)"))
    assert not has_c(program)
    assert equal(program(np.zeros((2, 2))), np.eye(2))
    complex_program = compiled(fr.parse("x'*x", {"x": "n complex"}))
    assert not has_c(complex_program, "z")
    deep = fr.parse("x", {"x": "n"})
    for _ in range(1200):
        deep = fr.parse("sin(x)").op.build(deep)
    assert equal(compiled(deep)(np.array([0.5])), fr.compile(deep)(np.array([0.5])))


def test_names_and_numbers_of_users_do_not_reach_the_compiler() -> None:
    g = fr.parse("sum(exp(secret*password)) + lambda", {"secret": "hidden", "password": "scalar"})
    made = compiled({"zebra": g}, name="giraffe").at()
    assert isinstance(made, NativeSpecialised) and made.c_source is not None
    for word in ("secret", "password", "hidden", "lambda", "zebra", "giraffe"):
        assert word not in made.c_source


def test_results_of_many_threads() -> None:
    from concurrent.futures import ThreadPoolExecutor

    program = compiled(fr.parse("tanh(A*A')*x", {"A": "n×m", "x": "n"}))
    rng = np.random.default_rng(5)
    cases = [(rng.normal(size=(n, 60)), rng.normal(size=n)) for n in (3, 150, 200) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda case: program(*case), cases))
    for (A, x), one in zip(cases, found, strict=True):
        assert equal(one, np.tanh(A @ A.T) @ x)


def test_entries_are_written_over_those_they_follow_from() -> None:
    g = fr.parse("norm2(T - U*V')^2")
    made = compiled([g, fr.derivative(g, "U").gradient]).at(n=300, m=300, p=10)
    assert isinstance(made, NativeSpecialised) and made.c is not None
    sizes = {"n": 300, "m": 300, "p": 10}
    named = made.whole._names[3]
    assert [d.size({safe: sizes[n] for safe, n in named.items()}) for d in made.c.schedule.room].count(90_000) == 1


def test_what_is_read_at_another_place_is_not_written_over() -> None:
    declared = {"A": "n×n", "B": "n×n"}
    program = compiled([fr.parse("sin(A*B) + (A*B)'", declared), fr.parse("cos(A*B).*sin(A*B)", declared)])
    A, B = np.random.default_rng(0).standard_normal((2, 7, 7))
    P = A @ B
    for got, want in zip(in_c(program, A, B), (np.sin(P) + P.T, np.cos(P) * np.sin(P)), strict=True):
        assert np.allclose(got, want)


@pytest.mark.parametrize("sizes", [{"n": 3, "m": 2}, {"n": 3, "m": 4}, {"n": 2, "m": 3}], ids=str)
def test_diagonals_in_a_loop_of_several_results(sizes: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """GCC 12 took entries on a diagonal for zeros, as it optimizes for users."""
    monkeypatch.setattr(building, "FLAGS", FLAGS)
    t = "(kron(A',eye(m)) + diag(kron(x,y)) + diag(vec(X*A)))"
    declared = {"A": "n×n", "B": "m×m", "X": "m×n", "x": "n", "y": "m"}
    texts = [f"tr({t}*{t})", f"sum({t},2)", f"{t}.*kron(A,B)"]
    outputs = [fr.parse(text, {v: s for v, s in declared.items() if v != "B" or "B" in text}) for text in texts]
    rng = np.random.default_rng(0)
    values = {v: rng.normal(size=[sizes[k] for k in shape.split("×")]) for v, shape in declared.items()}
    names = list(declared)
    found = compiled(outputs, inputs=names)(*values.values())
    for got, e in zip(found, outputs, strict=True):
        np.testing.assert_allclose(got, e.evaluate(values), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", ["f", "d"])
@pytest.mark.parametrize("name", ["lgamma", "digamma", "trigamma"])
def test_derivatives_of_the_gamma_function(name, kind):
    """As SciPy's, on both sides of 0, at poles and where there is no value."""
    rng = np.random.default_rng(0)
    x = np.concatenate([20 * rng.random(500), -20 * rng.random(500), 10.0 ** np.arange(-12, 12)])
    ends = np.array([0.0, -1.0, -7.0, np.nan, np.inf, *[-np.inf] * (name == "lgamma")])
    e = fr.parse(f"{name}(x)", {"x": "n"})
    plain, native = (fr.compile(e, backend=b) for b in ("numpy", "c"))
    assert native.at({"f": "s", "d": "d"}[kind], n=len(x)).c_source is not None
    x, ends = x.astype(kind), ends.astype(kind)
    wanted = plain(x)
    near = 1e-11 if kind == "d" else 1e-4
    np.testing.assert_allclose(native(x), wanted, rtol=near, atol=near)
    np.testing.assert_array_equal(native(ends), plain(ends))
