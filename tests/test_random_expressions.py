"""Random expressions: the normal form, derivatives, polishing and printing against naive NumPy.

Every expression is built three times side by side: by the constructors, as a text with all its parentheses, and as a NumPy
function that knows nothing of normal forms. The NumPy function is what everything else is compared with.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import pairwise
from random import Random
from typing import Any, NamedTuple

import numpy as np
import pytest
import scipy.special as special
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import frechet as fr
from frechet.compilation.numpy_source import evaluate, numpy_source
from frechet.differentiation.adjoint import adjoint
from frechet.differentiation.derivative import Derivative
from frechet.expressions.errors import LimitError
from frechet.expressions.node import Expr, variables, walk
from frechet.notation.latex import write_latex
from frechet.notation.reading import parse
from frechet.notation.text import write_text
from frechet.notation.unicode import write_unicode
from frechet.operations.constants import ones, variable
from frechet.operations.declared_functions import functions
from frechet.operations.powers import power
from frechet.operations.transposition import transposed
from frechet.simplification.polishing import polished
from frechet.verification.sampling import projected

Array = np.ndarray[Any, Any]
Env = dict[str, Array]
Choose = Callable[[int], int]
DIMS = {"n": 3, "m": 2}
DEPTH = 6
NODES = 30  # of a tree, roughly
LARGE = 40.0  # values beyond are squashed
POINTS = 3

x, y, q = fr.vector("x", "n"), fr.vector("y", "n"), fr.vector("q", "n", "positive")
z, w = fr.vector("z", "m"), fr.vector("w", "m", "positive")
c, d, p = fr.scalar("c"), fr.scalar("d"), fr.scalar("p", "positive")
A, B = fr.matrix("A", "n", "n"), fr.matrix("B", "n", "n")
S, M = fr.matrix("S", "n", "n", "spd"), fr.matrix("M", "n", "n", "symmetric")
Q = fr.matrix("Q", "n", "n", "orthogonal")
D = fr.matrix("D", "n", "n", "diagonal")
X, Y, P = fr.matrix("X", "n", "m"), fr.matrix("Y", "m", "n"), fr.matrix("P", "n", "m", "positive")
L = fr.vector("l", "n", "labels±1")
K = fr.vector("k", "n", "mask01")
LEAVES = [x, y, q, z, w, c, d, p, A, B, S, M, Q, D, X, Y, P, L, K]
DECLARED = {e.params[0]: e for e in LEAVES}


def size(name: str) -> int:
    return 1 if name == "1" else DIMS[name] if name in DIMS else int(np.prod([DIMS[s] for s in name.split("*")]))


def draw_values(rng: Random) -> Env:
    normal = np.random.default_rng(rng.randrange(2**32))
    env: Env = {}
    for e in LEAVES:
        name, structure, domain, _ = e.params
        shape = tuple(d.size(DIMS) for d in e.shape)
        v = normal.standard_normal(shape)
        if domain == "positive":
            v = normal.uniform(0.4, 2.0, shape)
        elif domain == "labels±1":
            v = np.where(v < 0, -1.0, 1.0)
        elif domain == "mask01":
            v = np.where(v < 0, 0.0, 1.0)
        if "spd" in structure:
            v = v @ v.T / 3 + 0.5 * np.eye(3)
        elif "orthogonal" in structure:
            v = np.linalg.qr(v)[0]
        elif structure:
            v = projected(v, structure)
        env[name] = v
    return env


class Tree(NamedTuple):
    """An expression, its text, its value as a function of the variables, and its values at the points."""

    expr: Expr
    text: str
    value: Callable[[Env], Array]
    values: tuple[Array, ...]

    @property
    def shape(self) -> tuple[str, str]:
        return (str(self.expr.shape[0]), str(self.expr.shape[1]))


def apart(v: Array) -> bool:
    """No two entries of a row are nearly equal, and none is nearly 0."""
    return bool(np.min(np.diff(np.sort(v, axis=1), axis=1), initial=1.0) > 0.05 and np.min(np.abs(v)) > 0.05)


ROW_REDUCTIONS: list[tuple[str, Any, Any]] = [
    ("logsumexp({0},k)", lambda v: np.log(np.exp(v).sum(axis=1, keepdims=True)), None),
    ("norm2({0},k)", lambda v: np.sqrt((v * v).sum(axis=1, keepdims=True)), apart),
    ("norm1({0},k)", lambda v: np.abs(v).sum(axis=1, keepdims=True), apart),
    ("prod({0},k)", lambda v: v.prod(axis=1, keepdims=True), apart),
    ("mean({0},k)", lambda v: v.mean(axis=1, keepdims=True), None),
    ("var({0},k)", lambda v: v.var(axis=1, keepdims=True), None),
    ("max({0},[],k)", lambda v: v.max(axis=1, keepdims=True), apart),
    ("min({0},[],k)", lambda v: v.min(axis=1, keepdims=True), apart),
]
ROW_FUNCTIONS: list[tuple[str, Any]] = [
    ("softmax", lambda v: np.exp(v) / np.exp(v).sum(axis=1, keepdims=True)),
    ("logsoftmax", lambda v: v - np.log(np.exp(v).sum(axis=1, keepdims=True))),
    ("layernorm", lambda v: (v - v.mean(axis=1, keepdims=True)) / v.std(axis=1, keepdims=True)),
    ("rmsnorm", lambda v: v / np.sqrt((v * v).mean(axis=1, keepdims=True))),
]


class Refused(Exception):
    """The values are of no use here: too large, or near a kink."""


class Builder:
    """Builds random trees. `choose(n)` gives a number below n."""

    def __init__(self, choose: Choose, envs: list[Env]) -> None:
        self.choose, self.envs, self.left = choose, envs, NODES

    def pick(self, options: Any) -> Any:
        return options[self.choose(len(options))]

    def leaf(self, e: Expr) -> Tree:
        name = e.params[0]
        return Tree(e, name, lambda env: env[name], tuple(env[name] for env in self.envs))

    def constant(self, e: Expr, text: str, value: Array) -> Tree:
        return Tree(e, text, lambda env: value, (value,) * len(self.envs))

    def apply(self, build: Any, text: str, f: Any, *args: Tree, keep: Callable[..., bool] | None = None) -> Tree:
        with np.errstate(all="ignore"):
            try:
                values = tuple(f(*vs) for vs in zip(*[a.values for a in args], strict=True))
            except np.linalg.LinAlgError:
                raise Refused from None
        for vs in zip(*[a.values for a in args], strict=True):
            if keep is not None and not keep(*vs):
                raise Refused
        if not all(np.all(np.isfinite(v)) and np.max(np.abs(v)) < LARGE for v in values):
            raise Refused
        e = build(*[a.expr for a in args])
        return Tree(e, text.format(*[f"({a.text})" for a in args]), lambda env: f(*[a.value(env) for a in args]), values)

    # -- by shape
    def tree(self, shape: tuple[str, str], depth: int) -> Tree:
        self.left -= 1
        if depth <= 0 or self.left < 0 or self.choose(8) == 0:
            return self.atom(shape)
        for _ in range(6):
            try:
                return self.inner(shape, depth - 1)
            except Refused:
                continue
        return self.atom(shape)

    def atom(self, shape: tuple[str, str]) -> Tree:
        rows, columns = shape
        if shape == ("1", "1"):
            i = self.choose(8)
            if i == 7:
                k = self.pick([1, 2, 3, -1, -2, Fraction(1, 2), Fraction(-2, 3)])
                return self.constant(fr.interfaces.python.expression(k), f"{k}", np.array([[float(k)]]))
            if i == 6:
                return self.constant(fr.operations.constants.size(x.shape[0]), "n", np.array([[3.0]]))
            return self.leaf([c, d, p][i % 3])
        if columns == "1" and rows != "1":
            i = self.choose(10)
            if rows in ("n", "m"):
                if i == 9:
                    return self.constant(
                        ones((x.shape[0], x.shape[1]) if rows == "n" else (z.shape[0], z.shape[1])),
                        f"ones({rows})",
                        np.ones((size(rows), 1)),
                    )
                if i == 8:
                    u = np.zeros((size(rows), 1))
                    u[1] = 1
                    return self.constant(fr.unit(rows, 2), f"unit({rows},2)", u)
                return self.leaf([x, y, q, x, y, L, K, x][i] if rows == "n" else [z, w][i % 2])
            a, b = rows.split("*")
            return self.apply(
                fr.vec, "vec{0}", lambda v: v.reshape(-1, 1, order="F"), self.tree((a, b) if i % 2 else (b, a), 0)
            )
        if rows == "1":
            return self.transpose(self.atom((columns, "1")))
        if rows == columns:
            i = self.choose(12)
            if i >= 10 or rows == "m":
                if i % 3 == 0:
                    return self.constant(fr.ones(rows, rows), f"ones({rows},{rows})", np.ones((size(rows), size(rows))))
                if i % 3 == 1 or rows == "n":
                    return self.constant(fr.eye(rows), f"eye({rows})", np.eye(size(rows)))
                return self.product(self.leaf(Y), self.leaf(X))
            return self.leaf([A, B, S, M, Q, D, A, B, S, A][i])
        i = self.choose(6)
        if i == 5:
            return self.constant(fr.ones(rows, columns), f"ones({rows},{columns})", np.ones((size(rows), size(columns))))
        if i >= 3:
            return self.transpose(self.leaf(Y if rows == "n" else [X, P][i % 2]))
        return self.leaf([X, P, X][i] if rows == "n" else Y)

    def transpose(self, a: Tree) -> Tree:
        return self.apply(transposed, "{0}'", lambda v: v.T, a)

    def product(self, a: Tree, b: Tree) -> Tree:
        return self.apply(lambda e, f: e @ f, "{0}*{1}", lambda u, v: u @ v, a, b)

    def add(self, a: Tree, b: Tree, k: int = 1) -> Tree:
        if k < 0:
            return self.apply(lambda e, f: e - f, "{0}-{1}", lambda u, v: u - v, a, b)
        return self.apply(lambda e, f: e + f, "{0}+{1}", lambda u, v: u + v, a, b)

    def function(self, a: Tree) -> Tree:
        name, f, keep = self.pick(FUNCTIONS)
        return self.apply(getattr(fr, name), name + "{0}", f, a, keep=keep)

    def positive(self, a: Tree) -> Tree:
        i = self.choose(4)
        if i == 0:
            return self.apply(fr.exp, "exp{0}", np.exp, a)
        if i == 1:
            return self.apply(fr.sigmoid, "sigmoid{0}", special.expit, a)
        if i == 2:
            return self.apply(fr.softplus, "softplus{0}", lambda v: np.logaddexp(v, 0), a)
        one = "1" if a.shape == ("1", "1") else "ones(" + ",".join(s for s in a.shape if s != "1") + ")"
        if "1" == a.shape[0] != a.shape[1]:
            raise Refused
        return self.apply(lambda e: ones(e.shape) + e**2, one + "+{0}.^2", lambda v: 1 + v**2, a)

    def inner(self, shape: tuple[str, str], depth: int) -> Tree:
        scalar = shape == ("1", "1")
        i = self.choose(24 if not scalar else 16)
        sub = lambda s=shape: self.tree(s, depth)  # noqa: E731
        if i <= 1:
            return self.add(sub(), sub())
        if i == 2:
            return self.add(sub(), sub(), -1)
        if i == 3:
            k = self.pick([2, -1, 3, Fraction(1, 2), Fraction(-2, 3), Fraction(3, 4), -4, 0.25])
            return self.apply(lambda e: k * e, f"({k})*{{0}}", lambda v: float(k) * v, sub())
        if i in (4, 5):
            return self.apply(lambda e, f: e * f, "{0}*{1}", lambda u, v: u * v, sub(("1", "1")), sub())
        if i in (6, 7):
            return self.apply(lambda e, f: e * f, "{0}.*{1}", lambda u, v: u * v, sub(), sub())
        if i == 8:
            return self.apply(lambda e, f: e / f, "{0}./{1}", lambda u, v: u / v, sub(), self.positive(sub()))
        if i == 9:
            k = self.pick([2, 3, 2, 4])
            return self.apply(lambda e: e**k, f"{{0}}.^{k}", lambda v: v**k, sub())
        if i in (10, 11):
            return self.function(sub())
        if i == 12:
            k = self.pick([Fraction(1, 2), -1, Fraction(-1, 2), Fraction(3, 2), -2, Fraction(1, 3)])
            return self.apply(lambda e: e**k, f"{{0}}.^({k})", lambda v: v ** float(k), self.positive(sub()))
        if i == 13:
            exponent = sub(("1", "1")) if self.choose(2) else sub()
            return self.apply(lambda e, f: e**f, "{0}.^{1}", lambda u, v: u**v, self.positive(sub()), exponent)
        if i == 14:
            name = self.pick(["max", "min"])
            f = np.maximum if name == "max" else np.minimum
            return self.apply(
                getattr(fr, name), name + "({0},{1})", f, sub(), sub(), keep=lambda u, v: np.min(np.abs(u - v)) > 0.05
            )
        if scalar:
            return self.reduction(depth)
        if i <= 16 and scalar is False and self.choose(2):
            return self.apply(lambda e, f: e / f, "{0}/{1}", lambda u, v: u / v, sub(), self.nonzero(sub(("1", "1"))))
        if shape[0] == "1" or (shape[1] != "1" and self.choose(6) == 0):
            return self.transpose(sub(shape[::-1]))
        return self.vector(shape, depth) if shape[1] == "1" else self.matrix(shape, depth)

    def nonzero(self, a: Tree) -> Tree:
        if all(np.min(np.abs(v)) > 0.2 for v in a.values):
            return a
        return self.positive(a)

    def regular(self, n: str, depth: int) -> Tree:
        """A square matrix that is invertible."""
        i = self.choose(4)
        if i == 0 and n == "n":
            return self.leaf(self.pick([S, Q, A]))
        if i == 1:
            a = self.tree((n, n), depth)
            if all(abs(np.linalg.det(v)) > 0.05 for v in a.values):
                return a
        a = self.tree(self.pick([("n", n), ("m", n)]), depth - 1)
        gram = self.product(self.transpose(a), a)
        return self.add(gram, self.constant(fr.eye(n), f"eye({n})", np.eye(size(n))))

    def reduction(self, depth: int) -> Tree:
        n = self.pick(["n", "m"])
        some = self.pick([("n", "1"), ("m", "1"), ("n", "m"), ("m", "n"), ("n", "n"), ("1", "n")])
        sub = lambda s: self.tree(s, depth)  # noqa: E731
        as1 = lambda v: np.reshape(v, (1, 1))  # noqa: E731
        i = self.choose(19)
        if i <= 1:
            return self.product(self.transpose(sub((n, "1"))), sub((n, "1")))
        if i == 2:
            return self.product(sub(("1", n)), sub((n, "1")))
        if i in (3, 4):
            return self.apply(fr.tr, "tr{0}", lambda v: as1(np.trace(v)), sub((n, n)))
        if i in (5, 6):
            return self.apply(fr.sum, "sum{0}", lambda v: as1(np.sum(v)), sub(some))
        if i == 7:
            return self.apply(
                fr.norm2, "norm2{0}", lambda v: as1(np.sqrt(np.sum(v * v))), sub(some), keep=lambda v: np.sum(v * v) > 0.05
            )
        if i == 8:
            return self.apply(fr.det, "det{0}", lambda v: as1(np.linalg.det(v)), self.regular(n, depth))
        if i == 9:
            return self.apply(
                fr.logdet,
                "logdet{0}",
                lambda v: as1(np.log(np.linalg.det(v))),
                self.regular(n, depth),
                keep=lambda v: np.linalg.det(v) > 0.05,
            )
        if i == 10:
            return self.apply(fr.logsumexp, "logsumexp{0}", lambda v: as1(np.log(np.sum(np.exp(v)))), sub(some))
        if i == 11:
            return self.apply(
                fr.prod, "prod{0}", lambda v: as1(np.prod(v)), sub(some), keep=lambda v: np.min(np.abs(v)) > 0.1
            )
        if i == 12:
            return self.apply(
                fr.norm1, "norm1{0}", lambda v: as1(np.sum(np.abs(v))), sub(some), keep=lambda v: np.min(np.abs(v)) > 0.05
            )
        if i == 13:
            name = self.pick(["max", "min"])
            gap = lambda v: v.size > 1 and np.min(np.diff(np.sort(v.ravel()))) > 0.05  # noqa: E731
            return self.apply(getattr(fr, name), name + "{0}", lambda v: as1(getattr(np, name)(v)), sub(some), keep=gap)
        if i == 14:
            k = self.pick([3, 4, Fraction(3, 2)])
            f = lambda v: as1(np.sum(np.abs(v) ** float(k)) ** (1 / float(k)))  # noqa: E731
            return self.apply(
                lambda e: fr.normp(e, k), f"normp({{0}},{k})", f, sub(some), keep=lambda v: np.min(np.abs(v)) > 0.05
            )
        if i == 15:
            return self.apply(fr.mean, "mean{0}", lambda v: as1(np.mean(v)), sub(some))
        if i == 16:
            return self.apply(fr.dot, "{0}:{1}", lambda u, v: as1(np.sum(u * v)), sub(some), sub(some))
        if i == 17:
            return self.apply(
                fr.norminf,
                "norminf{0}",
                lambda v: as1(np.max(np.abs(v))),
                sub(some),
                keep=lambda v: (
                    np.min(np.abs(v)) > 0.05 and (v.size < 2 or np.min(np.diff(np.sort(np.abs(v).ravel()))) > 0.05)
                ),
            )
        return self.product(self.product(self.transpose(sub((n, "1"))), sub((n, "n"))), sub(("n", "1")))

    def vector(self, shape: tuple[str, str], depth: int) -> Tree:
        rows = shape[0]
        sub = lambda s: self.tree(s, depth)  # noqa: E731
        if rows not in DIMS:
            a, b = rows.split("*")
            i = self.choose(4)
            if i == 0:
                return self.apply(fr.kron, "kron({0},{1})", np.kron, sub((a, "1")), sub((b, "1")))
            return self.apply(fr.vec, "vec{0}", lambda v: v.reshape(-1, 1, order="F"), sub((a, b) if i % 2 else (b, a)))
        i = self.choose(10)
        if i == 9:
            return self.row_reduction(rows, depth)
        if i <= 2:
            n = self.pick(["n", "m"])
            return self.product(sub((rows, n)), sub((n, "1")))
        if i == 3:
            return self.apply(fr.softmax, "softmax{0}", lambda v: np.exp(v) / np.sum(np.exp(v)), sub(shape))
        if i == 4:
            return self.apply(fr.diag, "diag{0}", lambda v: np.diag(v).reshape(-1, 1), sub((rows, rows)))
        if i == 5:
            return self.apply(fr.solve, "solve({0},{1})", np.linalg.solve, self.regular(rows, depth), sub(shape))
        if i == 6:
            n = self.pick(["n", "m"])
            return self.apply(lambda e: fr.sum(e, 2), "sum({0},2)", lambda v: v.sum(axis=1, keepdims=True), sub((rows, n)))
        if i == 7:
            n = self.pick(["n", "m"])
            return self.transpose(
                self.apply(lambda e: fr.sum(e, 1), "sum({0},1)", lambda v: v.sum(axis=0, keepdims=True), sub((n, rows)))
            )
        return self.apply(lambda e, f: fr.diag(e) @ f, "diag{0}*{1}", lambda u, v: u * v, sub(shape), sub(shape))

    def row_reduction(self, rows: str, depth: int) -> Tree:
        """A number for every row of a matrix, or for every column of its transpose."""
        n, (call, f, keep) = self.pick(["n", "m"]), self.pick(ROW_REDUCTIONS)
        name, between = call.split("(")[0], [[]] if "[]" in call else []
        if self.choose(2):
            along_rows = lambda e: getattr(fr, name)(e, *between, 2)  # noqa: E731
            return self.apply(along_rows, call.replace("k", "2"), f, self.tree((rows, n), depth), keep=keep)
        along_columns = lambda e: transposed(getattr(fr, name)(e, *between, 1))  # noqa: E731
        turned = None if keep is None else lambda v: keep(v.T)
        a = self.tree((n, rows), depth)
        return self.apply(along_columns, call.replace("k", "1") + "'", lambda v: f(v.T), a, keep=turned)

    def row_function(self, shape: tuple[str, str], depth: int) -> Tree:
        """Every row, or every column, of a matrix transformed."""
        (name, f), keep = self.pick(ROW_FUNCTIONS), lambda v: np.min(np.var(v, axis=1)) > 0.05
        a, by_rows = self.tree(shape, depth), self.choose(2)
        if by_rows:
            return self.apply(lambda e: getattr(fr, name)(e, 2), name + "({0},2)", f, a, keep=keep)
        turned = lambda v: keep(v.T)  # noqa: E731
        return self.apply(lambda e: getattr(fr, name)(e, 1), name + "({0},1)", lambda v: f(v.T).T, a, keep=turned)

    def matrix(self, shape: tuple[str, str], depth: int) -> Tree:
        rows, columns = shape
        sub = lambda s: self.tree(s, depth)  # noqa: E731
        i = self.choose(14)
        n = self.pick(["n", "m"])
        if i == 13:
            return self.row_function(shape, depth)
        if i <= 2:
            return self.product(sub((rows, n)), sub((n, columns)))
        if i == 3:
            return self.product(sub((rows, "1")), sub(("1", columns)))
        if i == 4:
            return self.product(self.apply(fr.diag, "diag{0}", lambda v: np.diag(v.ravel()), sub((rows, "1"))), sub(shape))
        if i == 5:
            return self.product(
                sub(shape), self.apply(fr.diag, "diag{0}", lambda v: np.diag(v.ravel()), sub((columns, "1")))
            )
        if i == 6:
            a = self.tree(shape[::-1], depth)
            if any(np.linalg.svd(v)[1][-1] < 0.2 for v in a.values):
                raise Refused
            return self.apply(fr.pinv, "pinv{0}", np.linalg.pinv, a)
        if i == 7:
            return self.apply(fr.solve, "{0}\\{1}", np.linalg.solve, self.regular(rows, depth), sub(shape))
        if i == 8 and rows == columns == "n":
            pass
        if i == 8:
            dims = [e.shape[k] for e, k in ((x, 0), (z, 0))]
            nm = {"n": dims[0], "m": dims[1]}
            inside = (
                sub((f"{rows}*{columns}" if rows <= columns else f"{columns}*{rows}", "1"))
                if rows != columns
                else self.apply(fr.vec, "vec{0}", lambda v: v.reshape(-1, 1, order="F"), sub(shape))
            )
            return self.apply(
                lambda e: fr.unvec(e, nm[rows], nm[columns]),
                f"unvec({{0}},{rows},{columns})",
                lambda v: v.reshape((size(rows), size(columns)), order="F"),
                inside,
            )
        if rows != columns:
            return self.product(sub((rows, rows)), sub(shape))
        if i == 9:
            return self.apply(fr.inv, "inv{0}", np.linalg.inv, self.regular(rows, depth))
        if i == 10:
            k = self.pick([2, 3, -2])
            a = self.regular(rows, depth) if k < 0 else sub(shape)
            return self.apply(lambda e: power(e, k), f"{{0}}^({k})", lambda v: np.linalg.matrix_power(v, k), a)
        if i == 11:
            return self.apply(fr.adj, "adj{0}", lambda v: np.linalg.det(v) * np.linalg.inv(v), self.regular(rows, depth))
        a = sub((rows, "1"))
        return self.apply(fr.diag, "diag{0}", lambda v: np.diag(v.ravel()), a)

    def root(self) -> Tree:
        """A tree of any kind, with Kronecker products now and then."""
        i = self.choose(14)
        if i <= 7:
            return self.tree(("1", "1"), DEPTH)
        if i <= 9:
            return self.tree((self.pick(["n", "m"]), "1"), DEPTH - 1)
        if i <= 12:
            return self.tree((self.pick(["n", "m"]), self.pick(["n", "m"])), DEPTH - 1)
        a, b = (
            self.tree(self.pick([("m", "m"), ("n", "m"), ("1", "m"), ("n", "1")]), 2),
            self.tree(self.pick([("m", "n"), ("m", "1"), ("m", "m")]), 2),
        )
        try:
            k = self.apply(fr.kron, "kron({0},{1})", np.kron, a, b)
            if self.choose(2) or k.expr.kind == "scalar":
                return k
            norm = lambda v: np.reshape(np.sqrt(np.sum(v * v)), (1, 1))  # noqa: E731
            return self.apply(fr.norm2, "norm2{0}", norm, k, keep=lambda v: np.sum(v * v) > 0.05)
        except Refused:
            return a


def away(v: Array) -> bool:
    return bool(np.min(np.abs(v)) > 0.05)


FUNCTIONS: list[tuple[str, Callable[[Array], Array], Callable[[Array], bool] | None]] = [
    ("exp", np.exp, None),
    ("tanh", np.tanh, None),
    ("sin", np.sin, None),
    ("cos", np.cos, None),
    ("tan", np.tan, lambda v: np.min(np.abs(np.cos(v))) > 0.2),
    ("sigmoid", special.expit, None),
    ("softplus", lambda v: np.logaddexp(v, 0), None),
    ("arctan", np.arctan, None),
    ("sinh", np.sinh, None),
    ("cosh", np.cosh, None),
    ("arcsinh", np.arcsinh, None),
    ("erf", special.erf, None),
    ("erfc", special.erfc, None),
    ("abs", np.abs, away),
    ("relu", lambda v: np.maximum(v, 0), away),
    ("sign", np.sign, away),
    ("step", lambda v: np.where(v > 0, 1.0, 0.0), away),
    ("square", np.square, None),
    ("silu", lambda v: v * special.expit(v), None),
    ("gelu", lambda v: v * special.ndtr(v), None),
    ("logsigmoid", lambda v: -np.logaddexp(-v, 0), None),
    ("log", np.log, lambda v: np.min(v) > 0.05),
    ("sqrt", np.sqrt, lambda v: np.min(v) > 0.05),
    ("log1p", np.log1p, lambda v: np.min(v) > -0.9),
    ("expm1", np.expm1, None),
    ("arcsin", np.arcsin, lambda v: np.max(np.abs(v)) < 0.9),
    ("arccos", np.arccos, lambda v: np.max(np.abs(v)) < 0.9),
    ("arctanh", np.arctanh, lambda v: np.max(np.abs(v)) < 0.9),
    ("lgamma", special.gammaln, lambda v: np.min(v) > 0.2),
    ("digamma", special.digamma, lambda v: np.min(v) > 0.2),
    ("gamma", special.gamma, lambda v: np.min(v) > 0.2 and np.max(v) < 5),
    ("arccosh", np.arccosh, lambda v: np.min(v) > 1.1),
]


def flat(env: Env) -> dict[str, Any]:
    """The values as evaluate takes them: numbers, 1-D and 2-D arrays."""
    kinds = {e.params[0]: e.kind for e in LEAVES}
    return {k: float(v[0, 0]) if kinds[k] == "scalar" else v[:, 0] if kinds[k] == "vector" else v for k, v in env.items()}


def value_of(e: Expr, env: Env, **more: Any) -> Array:
    """The value, always as a 2-D array."""
    v = np.asarray(evaluate(e, {**flat(env), **more}, DIMS))
    return v.reshape(tuple(d.size(DIMS) for d in e.shape))


def close(got: Array, want: Array, tolerance: float, floor: float = 1.0) -> bool:
    return bool(np.all(np.abs(got - want) <= tolerance * max(floor, float(np.max(np.abs(want))))))


def directions(e: Expr, rng: np.random.Generator, here: Array, count: int = 2) -> Iterator[Array]:
    for _ in range(count):
        v = rng.standard_normal(here.shape)
        structure = e.params[1]
        yield projected(v, structure) if structure else v


def difference(f: Callable[[float], Array], got: Array) -> tuple[Array, float]:
    """The central difference, extrapolated, over several steps: the one nearest to `got`, with the spread between steps."""
    found = []
    with np.errstate(all="ignore"):
        for h in (1e-2, 2e-3, 4e-4, 8e-5):
            one, two, four = ((f(s) - f(-s)) / (2 * s) for s in (h, h / 2, h / 4))
            first, second = (4 * two - one) / 3, (4 * four - two) / 3
            estimate = (16 * second - first) / 15
            if np.all(np.isfinite(estimate)):
                found.append(estimate)
    if not found:
        return got, np.inf
    spread = min((float(np.max(np.abs(a - b))) for a, b in pairwise(found)), default=np.inf)
    return min(found, key=lambda e: float(np.max(np.abs(e - got)))), spread


def along(t: Tree, env: Env, name: str, v: Array) -> Callable[[float], Array]:
    return lambda s: t.value({**env, name: env[name] + s * v})


# -- the properties
def check_value(t: Tree, envs: list[Env]) -> None:
    """The constructors' normal form has the value of what was typed."""
    for env, want in zip(envs, t.values, strict=True):
        assert want.shape == tuple(d.size(DIMS) for d in t.expr.shape)
        got = value_of(t.expr, env)
        assert close(got, want, 1e-7), f"normal form: {got} is not {want}"


def check_polished(t: Tree, envs: list[Env]) -> None:
    """Polishing does not change the value."""
    e = polished(t.expr)
    for env, want in zip(envs, t.values, strict=True):
        got = value_of(e, env)
        assert close(got, want, 1e-7), f"polished {e}: {got} is not {want}"


def check_transposes(t: Tree) -> None:
    assert t.expr.kind == "scalar" or transposed(transposed(t.expr)) is t.expr
    for node in walk(t.expr):
        assert transposed(transposed(node)) is node, f"{node} transposed twice is {transposed(transposed(node))}"


def check_printing(t: Tree) -> None:
    """What is printed reads back to the same object; so does the text with all its parentheses, in value."""
    assert read_back(t.expr, DECLARED) is t.expr, f"{read_back(t.expr, DECLARED)} is not the same object as {t.expr}"
    assert str(write_text(t.expr)) == str(write_text(t.expr))
    latex = str(write_latex(t.expr))
    assert latex and braces_balanced(latex), latex
    assert str(write_unicode(t.expr))


def check_reading(t: Tree, envs: list[Env]) -> None:
    """The text with all its parentheses gives the value."""
    e = parse(t.text, DECLARED)
    if e is t.expr:
        return
    for env, want in zip(envs, t.values, strict=True):
        got = value_of(e, env)
        assert close(got, want, 1e-7), f"as read: {got} is not {want}"


def read_back(e: Expr, declared: dict[str, Expr] | None = None) -> Expr:
    """What the text of e reads as, with the variables of e declared, and others that tell what a dimension is."""
    names = {v.params[0]: v for v in variables(e)}
    names |= {name: f.declaration() for name, f in functions(e).items()}
    written = write_text(e)
    lines = [f"{name} = {part}" for name, part in written.where.items()]
    return parse("\n".join([*lines, written.text]), {**(declared or {}), **names})


def braces_balanced(latex: str) -> bool:
    depth = 0
    for i, ch in enumerate(latex):
        if ch in "{}" and latex[i - 1 : i] != "\\":
            depth += 1 if ch == "{" else -1
            if depth < 0:
                return False
    return depth == 0 and latex.count(r"\left") - latex.count(r"\leftarrow") == latex.count(r"\right") - latex.count(
        r"\rightarrow"
    )


def check_derivative(t: Tree, envs: list[Env], choose: Choose) -> None:
    """Differential, gradient, Jacobian and adjoint against differences of the NumPy function."""
    free = [v for v in variables(t.expr) if v.params[2] not in ("labels±1", "mask01") and "orthogonal" not in v.params[1]]
    if not free:
        return
    v = free[choose(len(free))]
    name = v.params[0]
    D = Derivative(t.expr, v)
    weight = (
        variable("W", t.expr.shape)
        if t.expr.shape[0] is not fr.expressions.dimension.UNIT or t.expr.kind == "scalar"
        else None
    )
    try:
        views: list[tuple[str, Expr]] = [("differential", D.differential)]
        if t.expr.kind == "scalar":
            views.append(("gradient", D.gradient))
        elif t.expr.leaves < 60:
            views.append(("jacobian", D.jacobian))
        if weight is not None:
            views.append(("adjoint", adjoint(D.raw_differential, D.direction, weight)))
    except (fr.UnsupportedError, LimitError):
        return
    rng = np.random.default_rng(1)
    env = envs[choose(len(envs))]
    for direction in directions(v, rng, env[name]):
        dv = direction[0, 0] if v.kind == "scalar" else direction[:, 0] if v.kind == "vector" else direction
        # one number says all: the slope of ⟨W, f⟩
        w_value = rng.standard_normal(t.values[0].shape)
        w_flat = w_value[0, 0] if t.expr.kind == "scalar" else w_value[:, 0] if t.expr.kind == "vector" else w_value
        more = {D.direction.params[0]: dv, "W": w_flat}
        df = value_of(views[0][1], env, **more)
        want, spread = difference(along(t, env, name, direction), df)
        scale = max(1.0, float(np.max(np.abs(want))), float(np.max(np.abs(t.values[0]))))
        if spread > 1e-4 * scale:
            return  # no difference quotient to be trusted here
        assert close(df, want, 1e-5, scale), f"differential by {name}: {df} is not {want}: {views[0][1]}"
        total = float(np.sum(w_value * want))
        for what, e in views[1:]:
            if what == "gradient":
                got, expected = np.sum(value_of(e, env) * direction), float(want[0, 0])
            elif what == "adjoint":
                got, expected = np.sum(value_of(e, env, **more) * direction), total
            else:
                j = value_of(e, env)
                image = j.reshape(want.size, direction.size) @ direction.reshape(-1, order="F")
                got, expected = np.sum(w_value.reshape(-1, order="F") * image), total
            assert abs(got - expected) <= 2e-5 * max(scale, abs(expected)), f"{what} by {name}: {got} is not {expected}: {e}"
    for what, e in views:
        again = read_back(e, DECLARED)
        assert again is e or what == "jacobian", f"{what} {e} reads back as {again}"
        assert transposed(transposed(e)) is e
        assert braces_balanced(str(write_latex(e))), write_latex(e)


def check_pickle(t: Tree) -> None:
    assert pickle.loads(pickle.dumps(t.expr)) is t.expr


def check_source(t: Tree, envs: list[Env]) -> None:
    """The emitted source gives what evaluate gives."""
    space: dict[str, Any] = {}
    used = variables(t.expr)
    exec(numpy_source(t.expr, "f", arguments=used), space)
    f = space["f"]
    needed = f.__kwdefaults__ or {}
    del needed
    import inspect

    values = {k: v for k, v in {**flat(envs[0]), **DIMS}.items() if k in inspect.signature(f).parameters}
    got = np.asarray(f(**values), dtype=float)
    assert close(got.reshape(t.values[0].shape), t.values[0], 1e-7)


PROPERTIES = ("value", "polished", "transposes", "printing", "reading", "derivative", "pickle", "source")


def check(what: str, t: Tree, envs: list[Env], choose: Choose) -> None:
    if what == "value":
        check_value(t, envs)
    elif what == "polished":
        check_polished(t, envs)
    elif what == "transposes":
        check_transposes(t)
    elif what == "printing":
        check_printing(t)
    elif what == "reading":
        check_reading(t, envs)
    elif what == "derivative":
        check_derivative(t, envs, choose)
    elif what == "pickle":
        check_pickle(t)
    else:
        check_source(t, envs)


@st.composite
def trees(draw: Any) -> tuple[Tree, list[Env], Choose]:
    def choose(n: int) -> int:
        return draw(st.integers(0, n - 1)) if n > 1 else 0

    rng = Random(draw(st.integers(0, 50)))
    envs = [draw_values(rng) for _ in range(POINTS)]
    return Builder(choose, envs).root(), envs, choose


@pytest.mark.parametrize("what", PROPERTIES)
def test_random_expressions(what: str) -> None:
    @settings(
        max_examples=40,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=[
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
            HealthCheck.large_base_example,
            HealthCheck.filter_too_much,
        ],
    )
    @given(trees())
    def run(found: tuple[Tree, list[Env], Choose]) -> None:
        t, envs, choose = found
        try:
            check(what, t, envs, choose)
        except AssertionError as error:
            raise AssertionError(f"{t.text}\n  as {t.expr}\n  {error}") from None

    run()


def sweep(first: int, count: int, properties: tuple[str, ...] = PROPERTIES) -> list[tuple[int, str, str, str]]:
    """What fails among the expressions of the seeds first, first+1, …: seed, property, formula, reason."""
    failures = []
    for seed in range(first, first + count):
        rng = Random(seed)
        envs = [draw_values(rng) for _ in range(POINTS)]
        try:
            t = Builder(rng.randrange, envs).root()
        except Refused:
            continue
        except Exception as error:
            failures.append((seed, "building", "", f"{type(error).__name__}: {error}"))
            continue
        for what in properties:
            try:
                check(what, t, envs, rng.randrange)
            except Exception as error:
                failures.append((seed, what, t.text, f"{type(error).__name__}: {error}"))
    return failures


@pytest.mark.sweep
@pytest.mark.parametrize("part", range(20))
def test_sweep(part: int) -> None:
    failures = sweep(1000 * part, 1000)
    assert not failures, "\n".join(f"{seed} {what}: {text}: {reason}" for seed, what, text, reason in failures[:20])
