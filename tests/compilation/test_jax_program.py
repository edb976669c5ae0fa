"""The JAX back end: equal to the NumPy one, and all derivatives equal to JAX's own of the emitted source."""

import numpy as np
import pytest
from library_cases import PROBLEMS, problem

import frechet as fr
from frechet.expressions.errors import ShapeError, UnsupportedError

jax = pytest.importorskip("jax")
jnp = jax.numpy
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def parts(name):
    """The program, the same function without its closed forms, and a point."""
    g, values = problem(name)
    program = fr.compile(g, backend="jax")
    space = {}
    exec(program.source, space)
    return program, space["program"], [jnp.asarray(values[n]) for n in program.arguments.names]


def equal(found, wanted, tolerance=1e-10):
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * (1 + float(jnp.max(jnp.abs(b)))))


@pytest.mark.parametrize("name", PROBLEMS)
def test_value_is_that_of_numpy(name):
    g, values = problem(name)
    program = fr.compile(g, backend="jax")
    np.testing.assert_allclose(program(**values), fr.compile(g)(**values), rtol=1e-12)


@pytest.mark.parametrize("name", PROBLEMS)
def test_first_derivatives(name):
    program, plain, point = parts(name)
    every = tuple(range(len(point)))
    wanted = jax.value_and_grad(plain, every)(*point)
    if "S" in program.arguments.names:  # the gradient lies in the space of symmetric matrices
        wanted = jax.tree.map(lambda g: (g + g.T) / 2 if g.ndim == 2 else g, wanted)
    equal(jax.value_and_grad(program, every)(*point), wanted)
    directions = [jnp.sin(p + 1) if p.ndim < 2 or p.shape[0] != p.shape[1] else p for p in point]
    equal(jax.jvp(program, point, directions), jax.jvp(plain, point, directions))


@pytest.mark.parametrize("name", ["logdet", "network", "entry"])
def test_second_derivatives(name):
    program, plain, point = parts(name)
    every = tuple(range(len(point)))
    wanted = jax.hessian(plain, every)(*point)
    equal(jax.hessian(program, every)(*point), wanted, 1e-9)
    equal(jax.jacrev(jax.jacrev(program, every), every)(*point), wanted, 1e-9)


def test_derivatives_of_third_order():
    program, plain, point = parts("logdet")
    equal(jax.jacfwd(jax.hessian(program))(*point), jax.jacfwd(jax.hessian(plain))(*point), 1e-9)


@pytest.mark.parametrize("name", ["factorization", "logdet"])
def test_mapped(name):
    program, plain, point = parts(name)
    batch = [jnp.stack([p, 2 * p, p + 0.1]) for p in point]
    equal(jax.vmap(program)(*batch), jax.vmap(plain)(*batch))
    equal(jax.jit(jax.vmap(jax.grad(program)))(*batch), jax.vmap(jax.grad(plain))(*batch))
    equal(
        jax.grad(lambda *b: jnp.sum(jax.vmap(program)(*b)))(*batch),
        jax.grad(lambda *b: jnp.sum(jax.vmap(plain)(*b)))(*batch),
    )


def test_second_derivatives_in_the_space_of_symmetric_matrices():
    program, plain, (S, *rest) = parts("gaussian")
    if program.arguments.names[0] != "S":
        rest, S = [S], rest[0]
        program_of = lambda M: program(rest[0], M)  # noqa: E731
        plain_of = lambda M: plain(rest[0], (M + M.T) / 2)  # noqa: E731
    else:
        program_of, plain_of = lambda M: program(M, *rest), lambda M: plain((M + M.T) / 2, *rest)
    equal(jax.hessian(program_of)(S), jax.hessian(plain_of)(S), 1e-9)


def test_the_gradient_is_the_closed_form():
    g = fr.parse("norm2(T-U*V')^2")
    program = fr.compile(g, ["U", "V", "T"], backend="jax")
    shapes = [jax.ShapeDtypeStruct(s, "float64") for s in ((30, 2), (20, 2), (30, 20))]
    lines = str(jax.make_jaxpr(jax.grad(program))(*shapes))
    assert lines.count("dot_general") == 3  # U*V', (T - U*V')*V, and its product with the cotangent


def test_precision_follows_the_arguments():
    g, values = problem("logdet")
    program = fr.compile([g, fr.derivative(g, fr.variables(g)["B"]).gradient], backend="jax")
    single = {n: np.float32(x) for n, x in values.items()}
    assert {r.dtype for r in program(**single)} == {np.dtype("float32")}
    assert {r.dtype for r in program(**values)} == {np.dtype("float64")}
    with jax.enable_x64(False):
        value, gradient = program(**values)
        assert value.dtype == gradient.dtype == np.float32
        np.testing.assert_allclose(value, fr.compile(g)(**values), rtol=1e-5)


def test_complex_arguments():
    g = fr.parse("re(x^H*A*x)", {"x": fr.vector("x", "n", "complex"), "A": fr.matrix("A", "n", "n", "complex")})
    program = fr.compile(g, ["x", "A"], backend="jax")
    rng = np.random.default_rng(0)
    x, A = (jnp.asarray(rng.normal(size=s) + 1j * rng.normal(size=s)) for s in ((3,), (3, 3)))
    equal(jax.grad(program, (0, 1))(x, A), jax.grad(lambda x, A: (x.conj() @ A @ x).real, (0, 1))(x, A))


def test_outputs_are_as_they_were_asked_for():
    g = fr.parse("x'*A*x")
    x, A = np.ones(2), np.eye(2)
    assert isinstance(fr.compile(g, backend="jax")(x, A), jax.Array)
    found = fr.compile({"f": g, "g": fr.derivative(g, fr.variables(g)["x"]).gradient}, backend="jax")(x, A)
    assert set(found) == {"f", "g"} and found["g"].shape == (2,)


def test_matrices_without_factorization_give_nan_or_infinity():
    solve = fr.compile(fr.parse("inv(A)*b", {"A": fr.matrix("A", "n", "n"), "b": fr.vector("b", "n")}), backend="jax")
    assert not np.isfinite(solve(A=np.zeros((2, 2)), b=np.ones(2))).any()
    logdet = fr.compile(fr.parse("logdet(S)", {"S": "n×n spd"}), backend="jax")
    assert np.isnan(logdet(-np.eye(2)))


def test_refusals():
    with pytest.raises(UnsupportedError, match="back end jax takes no power that is an argument"):
        fr.compile(fr.parse("tr(X^k)"), backend="jax")
    with pytest.raises(UnsupportedError, match="declared function f is a Python function"):
        fr.compile(fr.parse("sum(f(x))", {"f": "elementwise"}), backend="jax")
    program = fr.compile(fr.parse("x'*A*x"), ["x", "A"], backend="jax")
    with pytest.raises(ShapeError, match="A needs a 2-D array of shape n×n, not one of shape 3×3: n is 2"):
        program(np.ones(2), np.eye(3))
    with pytest.raises(ShapeError, match="x is real, and this is complex"):
        program(1j * np.ones(2), np.eye(2))


def test_names_that_programs_use_themselves():
    g = fr.parse("norm2(jnp)^2 + dtype*euclidean + norm2(jax)")
    values = {"jnp": np.ones(2), "jax": np.ones(3), "dtype": 2.0, "euclidean": 3.0}
    values = {n: values[n] if v.kind != "scalar" else float(np.sum(values[n])) for n, v in fr.variables(g).items()}
    np.testing.assert_allclose(fr.compile(g, backend="jax")(**values), fr.compile(g)(**values), rtol=1e-12)


def test_the_places_of_the_largest_entries_survive_the_rounding_of_fusions():
    """XLA computes X.^2 less its largest entries again, with fused operations, where they are needed: none is 0 then."""
    text = "((layernorm(X.*X,2,0.3) .+ (max((X').*(X'),[],2))')):((c^2*diag(S))*((softmax(X',2))*(var(B',2)))')"
    g = fr.parse(text, {"X": "n×m", "S": "n×n symmetric", "B": "m×n", "c": "scalar"})
    program, reference = (fr.derivative(g, "X").compile("gradient", backend=b) for b in ("jax", "numpy"))
    for seed in range(4):
        rng = np.random.default_rng(seed)
        S = rng.normal(size=(3, 3))
        values = {"X": rng.normal(size=(3, 2)), "S": S + S.T, "B": rng.normal(size=(2, 3)), "c": 0.7}
        given = {n: values[n] for n in reference.arguments.names}
        with jax.enable_x64(True):
            np.testing.assert_allclose(program(**given), reference(**given), rtol=1e-10, atol=1e-12)


def test_signs_below_the_largest_entry():
    program = fr.compile(fr.parse("sign(x .- max(x)) + sign(x .- min(x))", {"x": "n"}), backend="jax")
    assert np.array_equal(program(np.array([1.0, 2.0, 2.0, 1.5])), [-1, 1, 1, 0])
    assert np.isnan(program(np.array([1.0, np.nan, 2.0]))).all()
