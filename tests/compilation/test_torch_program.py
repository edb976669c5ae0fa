"""The PyTorch back end: equal to the NumPy one, and all derivatives equal to PyTorch's own of the emitted source."""

import numpy as np
import pytest
from library_cases import PROBLEMS, problem

import frechet as fr
from frechet.expressions.errors import ShapeError, UnsupportedError

torch = pytest.importorskip("torch")
grad, hessian, jacfwd, jacrev, vmap = (
    getattr(torch.func, n) for n in ("grad", "hessian", "jacfwd", "jacrev", "vmap")
)  # fmt: skip
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
SYMMETRIC = "gaussian"  # its gradient lies in the space of symmetric matrices


def parts(name):
    """The program, the same function without its closed forms, and a point."""
    g, values = problem(name)
    program = fr.compile(g, backend="torch")
    space = {}
    exec(program.source, space)
    return program, space["program"], [torch.tensor(values[n]) for n in program.arguments.names]


def equal(found, wanted):
    torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-9)


def closed(value):
    return (
        "ClosedForm"
        in type(value.grad_fn.next_functions[0][0] if "Select" in str(value.grad_fn) else value.grad_fn).__name__
    )


@pytest.mark.parametrize("name", PROBLEMS)
def test_value_is_that_of_numpy(name):
    g, values = problem(name)
    found = fr.compile(g, backend="torch")(**values)
    assert isinstance(found, float)  # as it was called with NumPy arrays
    np.testing.assert_allclose(found, fr.compile(g)(**values), rtol=1e-12)


@pytest.mark.parametrize("name", PROBLEMS)
def test_first_derivatives(name):
    program, plain, point = parts(name)
    leaves = [p.clone().requires_grad_() for p in point]
    value = program(*leaves)
    assert closed(value)
    value.backward()
    wanted = grad(plain, tuple(range(len(point))))(*point)
    if name == SYMMETRIC:
        wanted = tuple((g + g.T) / 2 if g.ndim == 2 else g for g in wanted)
    equal(tuple(p.grad for p in leaves), wanted)
    equal(grad(program, tuple(range(len(point))))(*point), wanted)


@pytest.mark.parametrize("name", [n for n in PROBLEMS if n != SYMMETRIC])
def test_second_derivatives(name):
    program, plain, point = parts(name)
    every = tuple(range(len(point)))
    wanted = hessian(plain, every)(*point)
    equal(jacrev(jacrev(program, every), every)(*point), wanted)
    equal(hessian(program, every)(*point), wanted)


def test_derivatives_of_higher_order_in_all_modes():
    program, plain, point = parts("logdet")
    wanted = jacrev(hessian(plain))(*point)
    for outer in (jacfwd, jacrev):
        for middle in (jacfwd, jacrev):
            for inner in (jacfwd, jacrev):
                equal(outer(middle(inner(program)))(*point), wanted)


def test_checks_of_autograd():
    program, _, point = parts("solve")
    leaves = [p.clone().requires_grad_() for p in point]
    assert torch.autograd.gradcheck(program, leaves)
    assert torch.autograd.gradgradcheck(program, leaves)


def test_gradients_only_where_they_are_asked_for():
    program, plain, point = parts("factorization")
    leaf = point[1].clone().requires_grad_()
    program(point[0], leaf, point[2]).backward()
    equal(leaf.grad, grad(plain, 1)(*point))
    assert not program(*point).requires_grad


def test_second_derivatives_in_the_space_of_symmetric_matrices():
    program, plain, point = parts(SYMMETRIC)
    at = program.arguments.names.index("S")

    def of(function, M):
        return function(*(M if i == at else p for i, p in enumerate(point)))

    wanted = hessian(lambda M: of(plain, (M + M.T) / 2))(point[at])
    equal(jacrev(jacrev(lambda M: of(program, M)))(point[at]), wanted)


@pytest.mark.parametrize("name", ["factorization", "logdet", "solve", "network"])
def test_mapped(name):
    program, plain, point = parts(name)
    batch = [torch.stack([p, 2 * p, p + 0.1]) for p in point]
    equal(vmap(program)(*batch), vmap(plain)(*batch))
    equal(vmap(grad(program))(*batch), vmap(grad(plain))(*batch))
    equal(grad(lambda *b: vmap(program)(*b).sum())(*batch), grad(lambda *b: vmap(plain)(*b).sum())(*batch))


@pytest.mark.parametrize("name", ["factorization", "logdet", "solve"])
def test_compiled_without_graph_breaks(name):
    torch._dynamo.reset()  # it compiles eight callables that are no functions in a process, whatever they are
    program, plain, point = parts(name)
    leaves = [p.clone().requires_grad_() for p in point]
    program(*leaves)  # the order of work is chosen before
    torch.compile(program, fullgraph=True, backend="aot_eager")(*leaves).backward()
    equal(tuple(p.grad for p in leaves), grad(plain, tuple(range(len(point))))(*point))


def test_arguments_and_results_are_of_one_library():
    g = fr.parse("x'*A*x")
    program = fr.compile([g, fr.derivative(g, fr.variables(g)["x"]).gradient], ["x", "A"], backend="torch")
    value, gradient = program([1.0, 2.0], np.eye(2))
    assert isinstance(value, float) and isinstance(gradient, np.ndarray)
    value, gradient = program(torch.ones(2), np.eye(2))
    assert value.dtype == gradient.dtype == torch.float32
    assert program(torch.ones(2, dtype=torch.float64), torch.eye(2).double())[1].dtype == torch.float64


def test_complex_arguments():
    g = fr.parse("re(x^H*A*x)", {"x": fr.vector("x", "n", "complex"), "A": fr.matrix("A", "n", "n", "complex")})
    program = fr.compile(g, ["x", "A"], backend="torch")
    x, A = torch.randn(3, dtype=torch.complex128), torch.randn(3, 3, dtype=torch.complex128)
    leaves = [t.clone().requires_grad_() for t in (x, A)]
    others = [t.clone().requires_grad_() for t in (x, A)]
    program(*leaves).backward()
    (others[0].conj() @ others[1] @ others[0]).real.backward()
    equal([t.grad for t in leaves], [t.grad for t in others])


def test_matrices_without_factorization_are_named():
    solve = fr.compile(fr.parse("inv(A)*b", {"A": fr.matrix("A", "n", "n"), "b": fr.vector("b", "n")}), backend="torch")
    with pytest.raises(torch.linalg.LinAlgError, match="A is singular: it has no inverse"):
        solve(A=torch.zeros(2, 2), b=torch.ones(2))
    logdet = fr.compile(fr.parse("logdet(S)", {"S": "n×n spd"}), backend="torch")
    with pytest.raises(torch.linalg.LinAlgError, match="S is not positive definite"):
        logdet(-torch.eye(2))


def test_refusals():
    with pytest.raises(UnsupportedError, match="back end torch takes no power that is an argument"):
        fr.compile(fr.parse("tr(X^k)"), backend="torch")
    program = fr.compile(fr.parse("x'*A*x"), ["x", "A"], backend="torch")
    with pytest.raises(ShapeError, match="A needs a 2-D array of shape n×n, not one of shape 3×3: n is 2"):
        program(torch.ones(2), torch.eye(3))
