"""The same cells by automatic differentiation: JAX under jit, eager PyTorch, autograd; in double precision, on one thread.

The formulas are those of problems.py in Python's operators, so `A @ B @ C @ D @ v` is multiplied from the left, as typed;
softplus, ReLU and cross-entropy are the library's own. The derivatives are what the library's documentation shows for
them. A Newton step solves with the dense Hessian.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
from measure import Built
from problems import LAYERS, Cell

Function = Callable[..., Any]

TOO_LARGE = {("factorization", "newton", "large"): "80 GB"}  # second derivatives of n² residuals by nk entries


def quadratic(xp: Any, A: Any, x: Any) -> Any:
    return x @ A @ x


def logistic(xp: Any, X: Any, y: Any, w: Any) -> Any:
    return xp.sum(xp.softplus(X @ w)) - y @ X @ w


def factorization(xp: Any, T: Any, U: Any, V: Any) -> Any:
    return xp.sum((T - U @ V.T) ** 2)


def network(xp: Any, X: Any, Y: Any, *W: Any) -> Any:
    h = X
    for i in range(LAYERS - 1):
        h = xp.relu(h @ W[i])
    return xp.crossentropy(h @ W[-1], Y) / len(X)


def gaussian(xp: Any, X: Any, S: Any, mu: Any) -> Any:
    Z = X - mu
    return len(X) / 2 * xp.logdet(S) + xp.trace(Z @ xp.inv(S) @ Z.T) / 2


def trace(xp: Any, A: Any, B: Any, C: Any, X: Any) -> Any:
    return xp.trace(A @ X.T @ B @ X @ C)


def inverse(xp: Any, X: Any, b: Any) -> Any:
    return xp.sum((xp.inv(X) @ b) ** 2)


def process(xp: Any, D: Any, y: Any, t: Any) -> Any:
    K = t[0] ** 2 * xp.exp(-D / (2 * t[1] ** 2)) + t[2] ** 2 * xp.eye(len(y))
    return y @ xp.inv(K) @ y / 2 + xp.logdet(K) / 2


def chain(xp: Any, A: Any, B: Any, C: Any, D: Any, v: Any) -> Any:
    return xp.sum((A @ B @ C @ D @ v) ** 2)


FORMULAS: dict[str, Function] = {
    "quadratic": quadratic,
    "logistic": logistic,
    "factorization": factorization,
    "network": network,
    "gaussian": gaussian,
    "trace": trace,
    "inverse": inverse,
    "process": process,
    "chain": chain,
    "chain-A": chain,
}


class Peer(ABC):
    """A library of automatic differentiation: its names for the formulas, its arrays, its derivatives."""

    xp: SimpleNamespace

    @abstractmethod
    def array(self, values: Any) -> Any: ...

    @abstractmethod
    def program(self, cell: Cell, f: Function, by: tuple[int, ...]) -> Function:
        """What the cell asks for, as a function of the arrays.

        by: the positions of the variables. Second derivatives are by the first of them; the direction comes last.
        """

    def built(self, cell: Cell, arrays: Mapping[str, Any]) -> Built:
        formula, xp, names = FORMULAS[cell.problem.name], self.xp, list(arrays)

        def f(*given: Any) -> Any:
            return formula(xp, *given)

        program = self.program(cell, f, tuple(names.index(name) for name in cell.problem.by))
        given = [self.array(a) for a in arrays.values()]
        return Built(lambda: program(*given), lambda result: _canonical(cell, result))


def _canonical(cell: Cell, result: Any) -> list[Any]:
    """NumPy's arrays of a result; of the Hessian by a matrix the one for columns stacked."""
    arrays = [np.asarray(a) for a in _flat(result)]
    if cell.output == "hessian" and arrays[0].ndim == 4:
        n, m, _, _ = arrays[0].shape
        return [arrays[0].transpose(1, 0, 3, 2).reshape(n * m, n * m)]
    return arrays


def _flat(result: Any) -> list[Any]:
    return [a for part in result for a in _flat(part)] if isinstance(result, (tuple, list)) else [result]


def _newton_step(solve: Function, g: Any, H: Any) -> Any:
    return -solve(H.reshape(g.size, g.size), g.reshape(-1)).reshape(g.shape)


class Jax(Peer):
    def __init__(self) -> None:
        import jax

        jax.config.update("jax_enable_x64", True)
        jnp = jax.numpy
        self.jax = jax
        self.xp = SimpleNamespace(
            sum=jnp.sum, trace=jnp.trace, exp=jnp.exp, eye=jnp.eye, inv=jnp.linalg.inv, relu=jax.nn.relu,
            softplus=jax.nn.softplus, logdet=lambda S: jnp.linalg.slogdet(S)[1],
            crossentropy=lambda Z, Y: -jnp.sum(Y * jax.nn.log_softmax(Z)),
        )  # fmt: skip

    def array(self, values: Any) -> Any:
        return self.jax.numpy.asarray(values)

    def program(self, cell: Cell, f: Function, by: tuple[int, ...]) -> Function:
        jax, first = self.jax, by[0]
        gradient, hessian = jax.grad(f, first), jax.hessian(f, first)

        def hvp(*given: Any) -> Any:
            *point, direction = given
            along = lambda x: gradient(*point[:first], x, *point[first + 1 :])  # noqa: E731
            return jax.jvp(along, (point[first],), (direction,))[1]

        def newton(*given: Any) -> Any:
            return _newton_step(jax.numpy.linalg.solve, gradient(*given), hessian(*given))

        compiled = jax.jit(
            {
                "value+gradient": jax.value_and_grad(f, by),
                "gradient": jax.grad(f, by),
                "hessian": hessian,
                "hvp": hvp,
                "newton": newton,
            }[cell.output]
        )
        return lambda *given: jax.block_until_ready(compiled(*given))


class Torch(Peer):
    def __init__(self) -> None:
        import torch
        from torch.nn.functional import cross_entropy, relu, softplus

        torch.set_num_threads(1)
        self.torch = torch
        self.xp = SimpleNamespace(
            sum=torch.sum, trace=torch.trace, exp=torch.exp, eye=lambda n: torch.eye(n, dtype=torch.float64),
            inv=torch.linalg.inv, logdet=torch.logdet, relu=relu,
            softplus=lambda z: softplus(z, threshold=40.0),  # from there on it is z in double precision too
            crossentropy=lambda Z, Y: cross_entropy(Z, Y, reduction="sum"),
        )  # fmt: skip

    def array(self, values: Any) -> Any:
        return self.torch.tensor(values)

    def program(self, cell: Cell, f: Function, by: tuple[int, ...]) -> Function:
        torch, first = self.torch, by[0]
        grad, hessian = torch.autograd.grad, torch.func.hessian(f, first)

        def value_and_gradient(*given: Any) -> Any:
            point, variables = list(given), []
            for i in by:
                point[i] = given[i].detach().requires_grad_()
                variables.append(point[i])
            value = f(*point)
            return value.detach(), grad(value, variables)

        def hvp(*given: Any) -> Any:
            *point, direction = given
            x = point[first] = given[first].detach().requires_grad_()
            (g,) = grad(f(*point), x, create_graph=True)
            return grad(g, x, direction)

        def newton(*given: Any) -> Any:
            g = value_and_gradient(*given)[1][0]
            return -torch.linalg.solve(hessian(*given).reshape(g.numel(), -1), g.reshape(-1)).reshape(g.shape)

        return {
            "value+gradient": value_and_gradient,
            "gradient": lambda *given: value_and_gradient(*given)[1],
            "hessian": hessian,
            "hvp": hvp,
            "newton": newton,
        }[cell.output]


class Autograd(Peer):
    def __init__(self) -> None:
        import autograd
        import autograd.numpy as anp
        from autograd.scipy.special import logsumexp

        self.autograd = autograd
        self.xp = SimpleNamespace(
            sum=anp.sum, trace=anp.trace, exp=anp.exp, eye=anp.eye, inv=anp.linalg.inv,
            logdet=lambda S: anp.linalg.slogdet(S)[1], relu=lambda z: anp.maximum(z, 0.0),
            softplus=lambda z: anp.logaddexp(0.0, z),
            crossentropy=lambda Z, Y: anp.sum(Y * (logsumexp(Z, axis=1, keepdims=True) - Z)),
        )  # fmt: skip

    def array(self, values: Any) -> Any:
        return values

    def program(self, cell: Cell, f: Function, by: tuple[int, ...]) -> Function:
        autograd, first = self.autograd, by[0]
        gradient, hessian = autograd.grad(f, first), autograd.hessian(f, first)

        def newton(*given: Any) -> Any:
            return _newton_step(np.linalg.solve, gradient(*given), hessian(*given))

        return {
            "value+gradient": autograd.value_and_grad(f, by),
            "gradient": autograd.grad(f, by),
            "hessian": hessian,
            "hvp": autograd.hessian_vector_product(f, first),
            "newton": newton,
        }[cell.output]


PEERS: dict[str, Callable[[], Peer]] = {"jax": cache(Jax), "torch": cache(Torch), "autograd": cache(Autograd)}


def peer(name: str, cell: Cell, arrays: Mapping[str, Any]) -> Built:
    """A peer's cell, not yet called.

    Raises:  ImportError, where the peer is not installed; MemoryError, where its way needs more than a machine has
    """
    if why := TOO_LARGE.get((cell.problem.name, cell.output, cell.size)):
        raise MemoryError(why)
    return PEERS[name]().built(cell, arrays)
