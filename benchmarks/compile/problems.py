"""The problems: a formula as it is typed, its declarations, sizes, data with a fixed seed, and what is asked of it.

A cell is a problem at a size with an output. Outputs, by the variable or the variables of the problem:

    value+gradient      both, in one call
    gradient            an array for every variable
    hessian             the dense matrix, of a matrix variable for its columns stacked
    hvp                 the Hessian applied to the direction `d` + variable
    newton              the step −H⁻¹∇g, in the shape of the variable
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Array = NDArray[np.float64]
Sizes = Mapping[str, int]
Arrays = dict[str, Array]

SEED = 20250
SIZES = ("small", "medium", "large")
OUTPUTS = ("value+gradient", "gradient", "hessian", "hvp", "newton")


class Problem(NamedTuple):
    name: str
    formula: str
    declared: Mapping[str, str]
    by: tuple[str, ...]  # the variables; second derivatives are by the first of them
    outputs: tuple[str, ...]
    sizes: Mapping[str, Sizes]
    data: Callable[[Generator, Sizes], Arrays]
    dense: Mapping[str, Sizes] = {}  # sizes for a dense Hessian where they differ
    without: tuple[tuple[str, str], ...] = ()  # (size, output) that does not fit in memory

    def cells(self) -> Iterator[Cell]:
        for size in SIZES:
            for output in self.outputs:
                if (size, output) not in self.without:
                    yield Cell(self, size, output)


class Cell(NamedTuple):
    problem: Problem
    size: str
    output: str

    @property
    def name(self) -> str:
        return f"{self.problem.name}/{self.output}/{self.size}"

    @property
    def sizes(self) -> Sizes:
        p = self.problem
        return p.dense.get(self.size, p.sizes[self.size]) if self.output == "hessian" else p.sizes[self.size]

    @property
    def direction(self) -> str:
        return f"d{self.problem.by[0]}"

    def arrays(self) -> Arrays:
        """The arguments by name, in the order of the declarations; the direction last, where there is one."""
        rng = np.random.default_rng(SEED)
        made = self.problem.data(rng, self.sizes)
        arrays = {name: np.ascontiguousarray(made[name]) for name in self.problem.declared}
        if self.output == "hvp":
            V = rng.standard_normal(arrays[self.problem.by[0]].shape)
            arrays[self.direction] = V + V.T if "spd" in self.problem.declared[self.problem.by[0]] else V
        return arrays


def _square(*names: str, vectors: tuple[str, ...] = ()) -> Callable[[Generator, Sizes], Arrays]:
    """Square matrices whose products neither grow nor vanish, and vectors."""

    def data(rng: Generator, sizes: Sizes) -> Arrays:
        n = sizes["n"]
        matrices = {name: rng.standard_normal((n, n)) / np.sqrt(n) for name in names}
        return matrices | {name: rng.standard_normal(n) for name in vectors}

    return data


def _logistic(rng: Generator, sizes: Sizes) -> Arrays:
    n = sizes["n"]
    X, w = rng.standard_normal((2 * n, n)), rng.standard_normal(n) / np.sqrt(n)
    return {"X": X, "y": np.where(rng.random(2 * n) < 0.5, 0.0, 1.0), "w": w}


def _factorization(rng: Generator, sizes: Sizes) -> Arrays:
    n, k = sizes["n"], sizes["k"]
    return {"T": rng.standard_normal((n, n)), "U": rng.standard_normal((n, k)), "V": rng.standard_normal((n, k))}


LAYERS = 10


def _network(rng: Generator, sizes: Sizes) -> Arrays:
    n, b = sizes["n"], sizes["b"]
    weights = {f"W{i}": rng.standard_normal((n, n)) * np.sqrt(2 / n) for i in range(1, LAYERS + 1)}
    return {"X": rng.standard_normal((b, n)), "Y": np.eye(n)[rng.integers(n, size=b)], **weights}


def _network_formula() -> str:
    lines = ["h1 = relu(X*W1)", *(f"h{i} = relu(h{i - 1}*W{i})" for i in range(2, LAYERS))]
    return "\n".join([*lines, f"crossentropy(h{LAYERS - 1}*W{LAYERS},Y,2)/b"])


def _gaussian(rng: Generator, sizes: Sizes) -> Arrays:
    n = sizes["n"]
    Q = rng.standard_normal((n, n)) / np.sqrt(n)
    return {"X": rng.standard_normal((2 * n, n)), "S": Q @ Q.T + np.eye(n), "mu": rng.standard_normal(n) / 10}


def _inverse(rng: Generator, sizes: Sizes) -> Arrays:
    n = sizes["n"]
    return {"X": rng.standard_normal((n, n)) / np.sqrt(n) + 2 * np.eye(n), "b": rng.standard_normal(n)}


def _process(rng: Generator, sizes: Sizes) -> Arrays:
    n = sizes["n"]
    points = rng.random((n, 3))
    squares = np.sum(points**2, axis=1)
    D = np.maximum(squares[:, None] + squares - 2 * points @ points.T, 0)
    np.fill_diagonal(D, 0)
    return {"D": (D + D.T) / 2, "y": rng.standard_normal(n), "t": np.array([1.3, 0.5, 0.7])}


def _n(small: int = 5, medium: int = 100, large: int = 1000) -> dict[str, Sizes]:
    return {size: {"n": n} for size, n in zip(SIZES, (small, medium, large), strict=True)}


CHAIN = dict.fromkeys("ABCD", "n×n") | {"v": "n"}

PROBLEMS = (
    Problem("quadratic", "x'*A*x", {"A": "n×n", "x": "n"}, ("x",), ("gradient", "hessian", "hvp"),
            _n(), _square("A", vectors=("x",))),
    Problem("logistic", "sum(log(1 .+ exp(X*w))) - y'*X*w", {"X": "m×n", "y": "m", "w": "n"}, ("w",), OUTPUTS,
            _n(), _logistic),
    Problem("factorization", "norm2(T - U*V')^2", {"T": "n×n", "U": "n×k", "V": "n×k"}, ("U",), OUTPUTS,
            {"small": {"n": 5, "k": 2}, "medium": {"n": 100, "k": 5}, "large": {"n": 1000, "k": 10}}, _factorization,
            without=(("large", "hessian"),)),
    Problem("network", _network_formula(),
            {"X": "b×n", "Y": "b×n onehot"} | {f"W{i}": "n×n" for i in range(1, LAYERS + 1)},
            tuple(f"W{i}" for i in range(1, LAYERS + 1)), ("value+gradient", "hvp"),
            {"small": {"n": 5, "b": 5}, "medium": {"n": 100, "b": 100}, "large": {"n": 1000, "b": 250}}, _network),
    Problem("gaussian", "m/2*logdet(S) + tr((X - ones(m)*mu')*inv(S)*(X - ones(m)*mu')')/2",
            {"X": "m×n", "S": "n×n spd", "mu": "n"}, ("S", "mu"), ("value+gradient", "gradient", "hvp"), _n(), _gaussian),
    Problem("trace", "tr(A*X'*B*X*C)", {"A": "n×n", "B": "n×n", "C": "n×n", "X": "n×n"}, ("X",),
            ("gradient", "hessian", "hvp"), _n(), _square("A", "B", "C", "X"), _n(5, 20, 50), (("large", "hessian"),)),
    Problem("inverse", "norm2(inv(X)*b)^2", {"X": "n×n", "b": "n"}, ("X",), ("gradient", "hessian", "hvp"),
            _n(), _inverse, _n(5, 20, 50)),
    Problem("process", "K = t[1]^2*exp(-D/(2*t[2]^2)) + t[3]^2*eye(n)\ny'*inv(K)*y/2 + logdet(K)/2",
            {"D": "n×n symmetric", "y": "n", "t": "3"}, ("t",), ("value+gradient", "hessian", "newton"), _n(), _process),
    Problem("chain", "norm2(A*B*C*D*v)^2", CHAIN, ("v",), ("gradient", "hessian"), _n(),
            _square("A", "B", "C", "D", vectors=("v",))),
    Problem("chain-A", "norm2(A*B*C*D*v)^2", CHAIN, ("A",), ("gradient",), _n(),
            _square("A", "B", "C", "D", vectors=("v",))),
)  # fmt: skip


def cells() -> list[Cell]:
    return [cell for problem in PROBLEMS for cell in problem.cells()]
