# ruff: noqa: E501  (tables of texts beside their NumPy functions)
"""Random combinations of entries, slices, blocks, sums over an index, einsum, tensors, declared functions, row operations and layers.

Every formula is built twice side by side: as a text, and as a NumPy function that knows nothing of normal forms, to which
everything else is compared as in test_random_expressions. All arrays there are 2-D; tensors stand inside of einsum and reshape.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from random import Random
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pytest
import scipy.special as special
from test_random_expressions import Array, Env, Refused, away, braces_balanced, close, difference, read_back

from frechet.compilation.numpy_source import evaluate, numpy_source
from frechet.differentiation.adjoint import adjoint
from frechet.differentiation.derivative import Derivative
from frechet.expressions.errors import LimitError, UnsupportedError
from frechet.expressions.node import Expr, variables
from frechet.notation.latex import write_latex
from frechet.notation.reading import parse, read
from frechet.notation.unicode import write_unicode
from frechet.operations.constants import variable
from frechet.simplification.polishing import polished
from frechet.verification.sampling import linear_structure, projected

Shape = tuple[str, str]
DIMS = {"n": 5, "m": 4, "k": 2}
LARGE = 30.0
POINTS = 2
FORMS = {
    "x": "n", "y": "n", "z": "m", "w": "m", "h": "k", "c": "scalar", "d": "scalar", "A": "n×n", "B": "n×n", "S": "n×n symmetric",
    "L": "n×n lower", "D": "n×n diagonal", "K": "n×n skew", "R": "n×n toeplitz", "X": "n×m", "Y": "m×n", "C": "m×m", "V": "k×m",
    "P": "k×k symmetric", "M": "n×n mask01", "T": "n×m×k", "U": "n×n×m",
}  # fmt: skip
FUNCTIONS = {"f": "elementwise", "phi": "scalar function", "F": "n → m", "g": "n → 1", "G": "n×m → 1", "q": "1 → n"}
DECLARATIONS = [f"{name}: {form}" for name, form in {**FORMS, **FUNCTIONS}.items()]


def size(name: str) -> int:
    return int(eval(name, {}, dict(DIMS)))  # only our own dimensions: "n - k"


def vector(v: Array) -> Array:
    return v.reshape(-1, 1)


W = np.random.default_rng(7).standard_normal((4, 5)) / 2
CALLED: dict[str, Any] = {
    "f": lambda t: np.sin(t) + t**2 / 4, "f_prime": lambda t: np.cos(t) + t / 2, "f_prime2": lambda t: 0.5 - np.sin(t),
    "f_prime3": lambda t: -np.cos(t), "phi": np.tanh, "phi_prime": lambda t: 1 - np.tanh(t) ** 2,
    "F": lambda x: np.sin(W @ x), "F_jacobian": lambda x: np.cos(W @ x)[:, None] * W,
    "g": lambda x: float(np.sum(np.cos(x)) + x[0] * x[1]), "g_grad": lambda x: -np.sin(x) + x[[1, 0, 2, 3, 4]] * [1, 1, 0, 0, 0],
    "G": lambda x: float(np.sum(np.cos(x)) + x[0, 0] * x[1, 2]),
    "q": lambda t: np.sin(np.arange(1, 6) * t / 3), "q_prime": lambda t: np.arange(1, 6) / 3 * np.cos(np.arange(1, 6) * t / 3),
}  # fmt: skip


def matrix_slope(x: Array) -> Array:
    slope = -np.sin(x)
    slope[0, 0] += x[1, 2]
    slope[1, 2] += x[0, 0]
    return slope


CALLED["G_grad"] = matrix_slope


def softmax(v: Array, axis: int) -> Array:
    e = np.exp(v - v.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def normalized(v: Array, axis: int, c: float = 0) -> Array:
    return (v - v.mean(axis=axis, keepdims=True)) / np.sqrt(v.var(axis=axis, keepdims=True) + c)


def attention(q: Array, k: Array, v: Array, mask: Array | None = None) -> Array:
    e = np.exp(q @ k.T / np.sqrt(q.shape[1])) * (1 if mask is None else mask)
    return e / e.sum(axis=1, keepdims=True) @ v


def draw_values(rng: Random) -> Env:
    normal = np.random.default_rng(rng.randrange(2**32))
    env: Env = {}
    for name, form in FORMS.items():
        shape, *words = form.split()
        v = normal.standard_normal((1, 1) if shape == "scalar" else tuple(size(s) for s in shape.split("×")))
        if words == ["mask01"]:
            v = np.where(v < 0, 0.0, 1.0) + np.eye(5) > 0
            v = v.astype(float)
        elif words:
            v = projected(v, words)
        env[name] = v.reshape(-1, 1) if v.ndim == 1 else v
    return env


class Tree(NamedTuple):
    text: str
    value: Callable[[Env], Array]
    values: tuple[Array, ...]
    shape: Shape


class Builder:
    """Builds random formulas of a given shape."""

    def __init__(self, rng: Random, envs: list[Env], index: tuple[str, str] | None = None, nodes: int = 14) -> None:
        self.rng, self.envs, self.index, self.left = rng, envs, index, nodes

    def pick(self, options: Any) -> Any:
        return self.rng.choice(options)

    def apply(self, text: str, shape: Shape, f: Any, *args: Tree, keep: Callable[..., bool] | None = None) -> Tree:
        with np.errstate(all="ignore"):
            values = tuple(np.asarray(f(*vs), dtype=float) for vs in zip(*[a.values for a in args], strict=True))
        if keep is not None and not all(keep(*vs) for vs in zip(*[a.values for a in args], strict=True)):
            raise Refused
        if not all(np.all(np.isfinite(v)) and np.max(np.abs(v)) < LARGE for v in values):
            raise Refused
        assert all(v.shape == (size(shape[0]), size(shape[1])) for v in values), (text, shape, values[0].shape)
        return Tree(
            text.format(*[a.text if a.text.isalnum() else f"({a.text})" for a in args]),
            lambda env: np.asarray(f(*[a.value(env) for a in args]), dtype=float), values, shape,
        )  # fmt: skip

    def constant(self, text: str, shape: Shape, value: Array) -> Tree:
        return Tree(text, lambda env: value, (value,) * len(self.envs), shape)

    def leaf(self, name: str, shape: Shape) -> Tree:
        return Tree(name, lambda env: env[name], tuple(env[name] for env in self.envs), shape)

    def tree(self, shape: Shape, depth: int) -> Tree:
        self.left -= 1
        if depth <= 0 or self.left < 0 or self.rng.random() < 0.1:
            return self.atom(shape)
        for _ in range(8):
            try:
                return self.inner(shape, depth - 1)
            except Refused:
                continue
        return self.atom(shape)

    # -- leaves, and parts of leaves where no leaf has the shape
    def named(self, shape: Shape) -> list[str]:
        wanted = "scalar" if shape == ("1", "1") else shape[0] if shape[1] == "1" else "×".join(shape)
        return [name for name, form in FORMS.items() if form.split()[0] == wanted]

    def atom(self, shape: Shape) -> Tree:
        if self.index and self.rng.random() < 0.7:
            found = self.indexed(shape)
            if found:
                return found
        names = self.named(shape)
        if names and self.rng.random() < 0.8:
            return self.leaf(self.pick(names), shape)
        back = self.named((shape[1], shape[0]))
        if back and shape != ("1", "1"):
            return self.apply("{0}'", shape, lambda v: v.T, self.leaf(self.pick(back), (shape[1], shape[0])))
        return self.part(shape, 0)

    def indexed(self, shape: Shape) -> Tree | None:
        assert self.index is not None
        i, along = self.index
        options: list[tuple[str, str, Any]] = []
        for name, form in FORMS.items():
            sides = form.split()[0].split("×")
            if len(sides) == 1 and sides[0] == along and shape == ("1", "1"):
                options.append((name, f"{name}[{i}]", lambda v, j: v[j : j + 1, :]))
            elif len(sides) == 2:
                if sides[0] == along and shape == ("1", sides[1]):
                    options.append((name, f"{name}[{i},:]", lambda v, j: v[j : j + 1, :]))
                if sides[1] == along and shape == (sides[0], "1"):
                    options.append((name, f"{name}[:,{i}]", lambda v, j: v[:, j : j + 1]))
                if sides[0] == along and shape == (sides[1], "1"):
                    options.append((name, f"{name}[{i},:]'", lambda v, j: v[j : j + 1, :].T))
                if sides[0] == along and shape == ("1", "1"):
                    options.append((name, f"{name}[{i},2]", lambda v, j: v[j : j + 1, 1:2]))
                if sides == [along, along] and shape == ("1", "1"):
                    options.append((name, f"{name}[{i},{i}]", lambda v, j: v[j : j + 1, j : j + 1]))
        if not options:
            return None
        name, text, cut = self.pick(options)
        value = lambda env: cut(env[name], env["#" + i])  # noqa: E731
        return Tree(text, value, tuple(value(env) for env in self.envs), shape)

    def cut(self, side: str) -> list[tuple[str, str, slice]]:
        """Sides that may be cut to this one: the longer side, the index, the NumPy slice."""
        if side == "1":
            return [(s, t, slice(j, j + 1)) for s, t, j in [
                ("n", "1", 0), ("n", "2", 1), ("n", "n", 4), ("n", "k", 1), ("n", "k+1", 2), ("m", "1", 0), ("m", "m", 3),
                ("m", "2", 1), ("n", "end", 4), ("k", "1", 0), ("n", "n-1", 3), ("k", "k", 1),
            ]]  # fmt: skip
        if side == "k":
            return [("n", "1:k", slice(0, 2)), ("n", "n-k+1:n", slice(3, 5)), ("m", "1:k", slice(0, 2)),
                    ("n", "2:k+1", slice(1, 3)), ("m", "2:k+1", slice(1, 3))]  # fmt: skip
        if side == "n-k":
            return [("n", "k+1:n", slice(2, 5)), ("n", "1:n-k", slice(0, 3)), ("n", "k+1:end", slice(2, 5))]
        if side == "n-1":
            return [("n", "2:n", slice(1, 5)), ("n", "1:n-1", slice(0, 4)), ("n", "2:end", slice(1, 5))]
        return [("n+1", f"2:{side}+1", slice(1, 6))] if side == "n" else []

    def part(self, shape: Shape, depth: int) -> Tree:
        """An entry, a row, a column or a slice of something larger."""
        rows, columns = shape
        cuts: list[tuple[Shape, str, Any]] = []
        if columns == "1":
            for s, t, at in self.cut(rows):
                if not (depth == 0 and s == "n+1"):
                    cuts.append(((s, "1"), f"[{t}]", (at, slice(None))))
            if rows in ("n", "m", "k"):
                other = self.pick(["n", "m"])
                cuts += [((rows, s), f"[:,{t}]", (slice(None), at)) for s, t, at in self.cut("1") if s == other]
        if rows == "1" and columns in ("n", "m", "k"):
            other = self.pick(["n", "m"])
            cuts += [((s, columns), f"[{t},:]", (at, slice(None))) for s, t, at in self.cut("1") if s == other]
        row_cuts, column_cuts = self.cut(rows), self.cut(columns)
        whole = lambda s: [(s, ":", slice(None))]  # noqa: E731
        if rows != "1" != columns or shape == ("1", "1"):
            for s, t, at in [*row_cuts, *(whole(rows) if rows != "1" else [])]:
                for s2, t2, at2 in [*column_cuts, *(whole(columns) if columns != "1" else [])]:
                    if (t, t2) != (":", ":") and not (depth == 0 and "n+1" in (s, s2)):
                        cuts.append(((s, s2), f"[{t},{t2}]", (at, at2)))
        if not cuts:
            raise Refused
        outer, text, at = self.pick(cuts)
        inner = self.tree(outer, depth) if depth else self.atom(outer)
        return self.apply("{0}" + text, shape, lambda v: v[at], inner)

    def inner(self, shape: Shape, depth: int) -> Tree:
        rows, columns = shape
        sub = lambda s=shape: self.tree(s, depth)  # noqa: E731
        i = self.rng.randrange(20)
        if i <= 1:
            sign = self.pick("+-")
            return self.apply(f"{{0}}{sign}{{1}}", shape, lambda u, v: u + v if sign == "+" else u - v, sub(), sub())
        if i == 2:
            return self.apply("{0}.*{1}", shape, lambda u, v: u * v, sub(), sub())
        if i == 3:
            return self.apply("{0}*{1}", shape, lambda u, v: u * v, sub(("1", "1")), sub())
        if i <= 5:
            name, f, keep = self.pick([
                ("exp", np.exp, None), ("tanh", np.tanh, None), ("sigmoid", special.expit, None), ("relu", lambda v: np.maximum(v, 0), away),
                ("f", CALLED["f"], None), ("f", CALLED["f"], None), ("abs", np.abs, away), ("f_prime", CALLED["f_prime"], None),
                ("square", np.square, None), ("gelu", lambda v: v * special.ndtr(v), None),
            ])  # fmt: skip
            return self.apply(name + "({0})", shape, f, sub(), keep=keep)
        if i <= 8:
            return self.part(shape, depth)
        if i <= 10:
            return self.block(shape, depth)
        if i <= 12 and not self.index and columns in ("1",):
            return self.summed(shape, depth)
        if shape == ("1", "1"):
            return self.number(depth)
        if rows == "1":
            return self.apply("{0}'", shape, lambda v: v.T, self.tree((columns, "1"), depth))
        return self.vector(rows, depth) if columns == "1" else self.matrix(shape, depth)

    def summed(self, shape: Shape, depth: int) -> Tree:
        i, along = self.pick([("i", "n"), ("j", "m"), ("r", "n"), ("i", "k")])
        envs = [{**env, "#" + i: j} for env in self.envs for j in range(size(along))]
        inner = Builder(self.rng, envs, (i, along), 8)  # type: ignore[arg-type]
        first = inner.indexed(self.pick([("1", "1"), ("1", "n"), ("1", "m"), ("m", "1"), ("n", "1")]))
        if first is None:
            raise Refused
        if first.shape != ("1", "1"):
            weight = inner.tree((first.shape[1], first.shape[0]), depth - 1)
            pair = [first, weight] if first.shape[0] == "1" else [weight, first]
            first = inner.apply("{0}*{1}", ("1", "1"), lambda u, v: u @ v, *pair)
        t = inner.apply("{0}*{1}", shape, lambda u, v: u * v, first, inner.tree(shape, min(depth - 1, 3)))
        count = size(along)
        return self.apply(
            f"sum_{i}({{0}})", shape, lambda v: v,
            Tree(t.text, lambda env: sum(t.value({**env, "#" + i: j}) for j in range(count)),  # type: ignore[dict-item,misc]
                 tuple(sum(t.values[p * count : (p + 1) * count]) for p in range(len(self.envs))), shape),  # type: ignore[misc]
        )  # fmt: skip

    def block(self, shape: Shape, depth: int) -> Tree:
        rows, columns = shape
        split = {"n": [("k", "n-k"), ("n-k", "k"), ("1", "n-1"), ("n-1", "1")], "n+1": [("n", "1"), ("1", "n")]}
        sub = lambda a, b: self.tree((a, b), depth)  # noqa: E731
        if rows in split and (columns not in split or self.rng.random() < 0.4):
            a, b = self.pick(split[rows])
            return self.apply("[{0}; {1}]", shape, lambda u, v: np.vstack([u, v]), sub(a, columns), sub(b, columns))
        if columns in split and (rows not in split or self.rng.random() < 0.4):
            a, b = self.pick(split[columns])
            return self.apply("[{0}, {1}]", shape, lambda u, v: np.hstack([u, v]), sub(rows, a), sub(rows, b))
        if rows not in split:
            raise Refused
        (a, b), (c, d) = self.pick(split[rows]), self.pick(split[columns])
        if rows == columns and self.rng.random() < 0.5:
            (c, d) = (a, b)
        return self.apply(
            "[{0}, {1}; {2}, {3}]",
            shape,
            lambda p, q, r, s: np.block([[p, q], [r, s]]),
            sub(a, c),
            sub(a, d),
            sub(b, c),
            sub(b, d),
        )

    def number(self, depth: int) -> Tree:
        one = ("1", "1")
        as1 = lambda v: np.reshape(v, (1, 1))  # noqa: E731
        n = self.pick(["n", "m", "k", "n-k"])
        sides = self.pick([("n", "m"), ("n", "n"), ("k", "m"), ("n", "1"), ("m", "1"), ("k", "n"), ("n-k", "k"), ("m", "n")])
        sub = lambda s: self.tree(s, depth)  # noqa: E731
        i = self.rng.randrange(12)
        if i <= 1:
            return self.apply("{0}'*{1}", one, lambda u, v: u.T @ v, sub((n, "1")), sub((n, "1")))
        if i == 2:
            return self.apply("tr({0})", one, lambda v: as1(np.trace(v)), sub((n, n)))
        if i == 3:
            name, f = self.pick([("sum", np.sum), ("mean", np.mean), ("logsumexp", special.logsumexp)])
            return self.apply(name + "({0})", one, lambda v: as1(f(v)), sub(sides))
        if i == 4:
            norm = lambda v: as1(np.sqrt(np.sum(v * v)))  # noqa: E731
            return self.apply("norm2({0})", one, norm, sub(sides), keep=lambda v: np.sum(v * v) > 0.1)
        if i == 5:
            return self.apply("g({0})", one, lambda v: as1(CALLED["g"](v[:, 0])), sub(("n", "1")))
        if i == 6:
            return self.apply("G({0})", one, lambda v: as1(CALLED["G"](v)), sub(("n", "m")))
        if i == 7:
            return self.apply("phi({0})", one, np.tanh, sub(one))
        if i == 8:
            det = lambda v: as1(np.linalg.det(v))  # noqa: E731
            return self.apply("det({0})", one, det, sub(self.pick([("k", "k"), ("n", "n"), ("n-k", "n-k")])),
                              keep=lambda v: abs(np.linalg.det(v)) > 0.1)  # fmt: skip
        if i == 9:
            return self.apply("crossentropy({0},{1},2)", one, lambda u, v: as1(-np.sum(v * np.log(softmax(u, 1)))), sub(sides), sub(sides)) if sides[1] != "1" else self.apply("crossentropy({0},{1})", one, lambda u, v: as1(-np.sum(v * np.log(softmax(u, 0)))), sub(sides), sub(sides))  # fmt: skip
        if i == 10:
            return self.contracted("", one, depth)
        return self.apply("{0}:{1}", one, lambda u, v: as1(np.sum(u * v)), sub(sides), sub(sides))

    EINSUMS: ClassVar[dict[str, list[tuple[str, list[str]]]]] = {
        "": [("ij,ij->", ["n×m", "n×m"]), ("ijr,ir,jr->", ["T", "n×k", "m×k"]), ("ij,jk,ki->", ["n×m", "m×k", "k×n"]),
             ("i,ij,j->", ["n", "n×n", "n"]), ("ijr,i,j,r->", ["T", "n", "m", "k"]), ("ii,i->", ["n×n", "n"])],
        "n": [("ij,j->i", ["n×m", "m"]), ("ijr,jr->i", ["T", "m×k"]), ("ij,ij->i", ["n×m", "n×m"]), ("ijr,j,r->i", ["T", "m", "k"]),
              ("ii->i", ["n×n"]), ("iij,j->i", ["U", "m"]), ("ij,j,ij->i", ["n×m", "m", "n×m"]), ("jil,jl->i", ["U", "n×m"])],
        "m": [("ij,i->j", ["n×m", "n"]), ("iij->j", ["U"]), ("ikj,i,k->j", ["U", "n", "n"])],
        "n×m": [("ijr,r->ij", ["T", "k"]), ("ik,kj->ij", ["n×k", "k×m"]), ("ij,i,j->ij", ["n×m", "n", "m"]), ("ikj,k->ij", ["U", "n"]),
                ("ir,jr,r->ij", ["n×k", "m×k", "k"])],
        "n×n": [("ikr,r->ik", ["U", "m"]), ("i,j->ij", ["n", "n"]), ("ij,kj,j->ik", ["n×m", "n×m", "m"]), ("ijr,kjr->ik", ["T", "T"])],
    }  # fmt: skip

    def contracted(self, key: str, shape: Shape, depth: int) -> Tree:
        subscripts, sides = self.pick(self.EINSUMS[key])
        args: list[Tree] = []
        for s in sides:
            if s in FORMS:  # a tensor, or a function of its entries
                how = self.rng.randrange(4)
                text, f = [
                    (s, lambda v: v),
                    (s, lambda v: v),
                    (f"tanh({s})", np.tanh),
                    (f"({s} .* f({s}))", lambda v: v * CALLED["f"](v)),
                ][how]
                value = lambda env, s=s, f=f: f(env[s])  # noqa: E731
                args.append(Tree(text, value, tuple(value(env) for env in self.envs), shape))
            else:
                parts = s.split("×")
                args.append(self.tree((parts[0], parts[1] if len(parts) == 2 else "1"), depth))
        ones = [len(s.split("×")) == 1 and s not in FORMS for s in sides]

        def f(*vs: Array) -> Array:
            flat = [v[:, 0] if one else v for v, one in zip(vs, ones, strict=True)]
            return np.einsum(subscripts, *flat).reshape(size(shape[0]), size(shape[1]))

        holes = ",".join(f"{{{i}}}" for i in range(len(args)))
        return self.apply(f'einsum("{subscripts}",{holes})', shape, f, *args)

    def vector(self, rows: str, depth: int) -> Tree:
        shape = (rows, "1")
        sub = lambda s: self.tree(s, depth)  # noqa: E731
        n = self.pick(["n", "m", "k"])
        i = self.rng.randrange(12)
        if i <= 2:
            return self.apply("{0}*{1}", shape, lambda u, v: u @ v, sub((rows, n)), sub((n, "1")))
        if i == 3:
            name, f = self.pick([
                ("sum", lambda v: v.sum(1)), ("mean", lambda v: v.mean(1)), ("logsumexp", lambda v: special.logsumexp(v, axis=1)),
                ("var", lambda v: v.var(1)), ("prod", lambda v: v.prod(1)),
            ])  # fmt: skip
            return self.apply(name + "({0},2)", shape, lambda v: vector(f(v)), sub((rows, n)),
                              keep=(lambda v: np.min(np.abs(v)) > 0.05) if name == "prod" else None)  # fmt: skip
        if i == 4:
            return self.apply("norm2({0},2)", shape, lambda v: vector(np.sqrt((v * v).sum(1))), sub((rows, n)),
                              keep=lambda v: np.min((v * v).sum(1)) > 0.1)  # fmt: skip
        if i == 5:
            name, f = self.pick(
                [
                    ("softmax", lambda v: softmax(v, 0)),
                    ("layernorm", lambda v: normalized(v, 0)),
                    ("cumsum", lambda v: v.cumsum(0)),
                ]
            )
            keep = (lambda v: np.min(v.var(0)) > 0.1) if name == "layernorm" else None
            return self.apply(name + "({0})", shape, f, sub(shape), keep=keep)
        if i == 6:
            return self.apply("diag({0})", shape, lambda v: vector(np.diag(v)), sub((rows, rows)))
        if i == 7 and rows == "m":
            return self.apply("F({0})", shape, lambda v: vector(CALLED["F"](v[:, 0])), sub(("n", "1")))
        if i == 7 and rows == "n":
            return self.apply("q({0})", shape, lambda v: vector(CALLED["q"](v[0, 0])), sub(("1", "1")))
        if i == 8:
            return self.apply("sum({0},1)'", shape, lambda v: vector(v.sum(0)), sub((n, rows)))
        if i in (9, 10) and rows in self.EINSUMS:
            return self.contracted(rows, shape, depth)
        return self.apply("f({0})", shape, CALLED["f"], sub(shape))

    def matrix(self, shape: Shape, depth: int) -> Tree:
        rows, columns = shape
        sub = lambda s=shape: self.tree(s, depth)  # noqa: E731
        n = self.pick(["n", "m", "k"])
        i = self.rng.randrange(14)
        if i <= 2:
            return self.apply("{0}*{1}", shape, lambda u, v: u @ v, sub((rows, n)), sub((n, columns)))
        if i == 3:
            return self.apply("{0}'", shape, lambda v: v.T, sub((columns, rows)))
        if i == 4:
            axis = self.pick([1, 2])
            name, f = self.pick([
                ("softmax", softmax), ("layernorm", normalized), ("cumsum", np.cumsum),
                ("logsoftmax", lambda v, a: np.log(softmax(v, a))), ("rmsnorm", lambda v, a: v / np.sqrt((v * v).mean(a, keepdims=True))),
            ])  # fmt: skip
            keep = (lambda v: np.min(v.var(axis - 1)) > 0.1) if name.endswith("norm") else None
            return self.apply(name + f"({{0}},{axis})", shape, lambda v: f(v, axis - 1), sub(), keep=keep)
        if i == 5:
            causal = self.rng.random() < 0.3
            name = "causalattention" if causal else "attention"

            def f(q: Array, k: Array, v: Array) -> Array:
                return attention(q, k, v, np.tril(np.ones((len(q), len(k)))) if causal else None)

            keys = rows if causal else n
            return self.apply(name + "({0},{1},{2})", shape, f, sub((rows, "k")), sub((keys, "k")), sub((keys, columns)))
        if i == 6 and rows == columns:
            name, f = self.pick(
                [("tril", np.tril), ("triu", np.triu), ("sym", lambda v: (v + v.T) / 2), ("skew", lambda v: (v - v.T) / 2)]
            )
            return self.apply(name + "({0})", shape, f, sub())
        if i == 7:
            return self.apply("{0}*{1}'", shape, lambda u, v: u @ v.T, sub((rows, "1")), sub((columns, "1")))
        if i == 8 and "1" not in shape:
            return self.apply("{0} .+ {1}", shape, lambda u, v: u + v, sub(), sub(self.pick([(rows, "1"), ("1", columns)])))
        if i == 9 and rows == columns:
            return self.apply("diag({0})", shape, lambda v: np.diag(v[:, 0]), sub((rows, "1")))
        if i in (10, 11) and f"{rows}×{columns}" in self.EINSUMS:
            return self.contracted(f"{rows}×{columns}", shape, depth)
        if i == 12 and shape == ("n", "n"):
            return self.apply("{0}.*M", shape, lambda u, v: u * v, sub(), self.leaf("M", shape))
        return self.apply("f({0})", shape, CALLED["f"], sub())

    def root(self) -> Tree:
        shapes = [("1", "1")] * 5 + [("n", "1"), ("k", "1"), ("m", "1"), ("n", "m"), ("n", "n"), ("k", "n-k"), ("k", "k")]
        return self.tree(self.pick(shapes), 5)


def given(env: Env) -> dict[str, Any]:
    """The values as evaluate takes them."""
    values: dict[str, Any] = dict(CALLED)
    for name, form in FORMS.items():
        v = env[name]
        values[name] = float(v[0, 0]) if form == "scalar" else v[:, 0] if "×" not in form else v
    return values


def value_of(e: Expr, env: Env, **more: Any) -> Array:
    v = np.asarray(evaluate(e, {**given(env), **more}, DIMS))
    return v.reshape(tuple(d.size(DIMS) for d in e.shape))


def check_value(t: Tree, e: Expr, envs: list[Env]) -> None:
    short = polished(e)
    for env, want in zip(envs, t.values, strict=True):
        assert tuple(d.size(DIMS) for d in e.shape) == want.shape, f"shape {e.shape}"
        got = value_of(e, env)
        assert close(got, want, 1e-8), f"normal form: {got} is not {want}"
        assert close(value_of(short, env), want, 1e-8), f"polished: {short}"


DECLARED = read(
    "+".join(["sum(" + name + ")" for name in FORMS]) + "+sum(F(x))+g(x)+G(X)+f(c)+sum(q(c))+phi(c)", DECLARATIONS
).variables


def check_printing(e: Expr) -> None:
    again = read_back(e, DECLARED)
    assert again is e, f"{e} reads back as {again}"
    latex = str(write_latex(e))
    assert braces_balanced(latex), latex
    assert str(write_unicode(e))


def check_source(t: Tree, e: Expr, envs: list[Env]) -> None:
    space: dict[str, Any] = {}
    exec(numpy_source(e, "value", arguments=variables(e)), space)
    wanted = inspect.signature(space["value"]).parameters
    got = np.asarray(space["value"](**{name: v for name, v in {**given(envs[0]), **DIMS}.items() if name in wanted}))
    assert close(got.reshape(t.values[0].shape), t.values[0], 1e-8), "source"


def check_derivative(t: Tree, e: Expr, envs: list[Env], rng: Random) -> None:
    """Differential, gradient, adjoint and Jacobian against differences of the NumPy function."""
    free = [v for v in variables(e) if v.params[2] != "mask01"]
    if not free:
        return
    v = rng.choice(free)
    name = v.params[0]
    D = Derivative(e, v)
    weight = variable("Weight", e.shape)
    views: dict[str, Expr] = {}
    try:
        views["differential"] = D.differential
        if e.kind == "scalar":
            views["gradient"] = D.gradient
        views["adjoint"] = adjoint(D.raw_differential, D.direction, weight)
        if e.leaves < 60:
            views["jacobian"] = D.jacobian
    except (UnsupportedError, LimitError):
        pass
    if not views:
        return
    numbers = np.random.default_rng(1)
    env = envs[0]
    direction = numbers.standard_normal(env[name].shape)
    if linear_structure(v):
        direction = projected(direction, linear_structure(v))
    step = direction[0, 0] if v.kind == "scalar" else direction[:, 0] if v.kind == "vector" else direction
    w = numbers.standard_normal(t.values[0].shape)
    w_flat = w[0, 0] if e.kind == "scalar" else w[:, 0] if e.kind == "vector" else w
    more = {D.direction.params[0]: step, "Weight": w_flat}
    df = value_of(views["differential"], env, **more)
    want, spread = difference(lambda s: t.value({**env, name: env[name] + s * direction}), df)
    scale = max(1.0, float(np.max(np.abs(want))), float(np.max(np.abs(t.values[0]))))
    if spread > 1e-4 * scale:
        return
    assert close(df, want, 1e-5, scale), f"differential by {name}: {df} is not {want}: {views['differential']}"
    for what, view in views.items():
        if what == "gradient":
            got, expected = (
                np.sum(np.asarray(evaluate(view, {**given(env), **more}, DIMS)).reshape(direction.shape) * direction),
                float(want[0, 0]),
            )
        elif what == "adjoint":
            got, expected = (
                np.sum(np.asarray(evaluate(view, {**given(env), **more}, DIMS)).reshape(direction.shape) * direction),
                float(np.sum(w * want)),
            )
        elif what == "jacobian":
            j = value_of(view, env)
            image = j.reshape(want.size, direction.size) @ direction.reshape(-1, order="F")
            got, expected = np.sum(w.reshape(-1, order="F") * image), float(np.sum(w * want))
        else:
            continue
        assert abs(got - expected) <= 2e-5 * max(scale, abs(expected)), f"{what} by {name}: {got} is not {expected}: {view}"
    for what, view in views.items():
        again = read_back(view, DECLARED)
        assert again is view or what == "jacobian", f"{what} by {name} {view} reads back as {again}"
        assert braces_balanced(str(write_latex(view)))


def failures(seed: int) -> list[tuple[int, str, str, str]]:
    rng = Random(seed)
    envs = [draw_values(rng) for _ in range(POINTS)]
    try:
        t = Builder(rng, envs).root()
    except Refused:
        return []
    try:
        e = parse(t.text, DECLARATIONS)
    except (UnsupportedError, LimitError) as error:
        return [] if "sum_" in t.text else [(seed, "reading", t.text, f"{type(error).__name__}: {error}")]
    except Exception as error:
        return [(seed, "reading", t.text, f"{type(error).__name__}: {error}")]
    found = []
    for what, run in {
        "value": lambda: check_value(t, e, envs), "printing": lambda: check_printing(e), "source": lambda: check_source(t, e, envs),
        "derivative": lambda: check_derivative(t, e, envs, rng),
    }.items():  # fmt: skip
        try:
            run()
        except Exception as error:
            found.append((seed, what, t.text, f"{type(error).__name__}: {error}"))
    return found


@pytest.mark.parametrize("part", range(4))
def test_random_parts(part: int) -> None:
    found = [f for seed in range(25 * part, 25 * part + 25) for f in failures(seed)]
    assert not found, "\n".join(f"{seed} {what}: {text}: {reason}" for seed, what, text, reason in found)


@pytest.mark.sweep
@pytest.mark.parametrize("part", range(20))
def test_sweep(part: int) -> None:
    found = [f for seed in range(500 * part, 500 * part + 500) for f in failures(seed)]
    assert not found, "\n".join(f"{seed} {what}: {text}: {reason}" for seed, what, text, reason in found[:20])
