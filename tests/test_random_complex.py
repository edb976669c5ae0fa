"""Random expressions of complex variables: the normal form, derivatives, Wirtinger derivatives and printing.

As in test_random_expressions, every expression is built by the constructors, as a text and as a naive NumPy function.
"""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pytest
from test_random_expressions import Builder, Choose, Env, Refused, Tree, braces_balanced, read_back

import frechet as fr
from frechet.compilation.numpy_source import evaluate
from frechet.differentiation.adjoint import adjoint
from frechet.differentiation.derivative import Derivative
from frechet.differentiation.wirtinger import parts
from frechet.expressions.errors import UnsupportedError
from frechet.expressions.node import Expr, variables
from frechet.notation.latex import write_latex
from frechet.notation.reading import parse
from frechet.operations.constants import variable
from frechet.operations.transposition import conjugate_transposed, conjugated, transposed
from frechet.simplification.polishing import polished
from frechet.verification.check import check_adjoint, check_differential, check_gradient

SIZES = {"n": 3, "m": 2}
POINTS = 2
n, m = fr.vector("u", "n").shape[0], fr.vector("u", "m").shape[0]
UNIT = fr.vector("u", "n").shape[1]
COMPLEX = ("complex",)
x, y = (variable(s, (n, UNIT), COMPLEX) for s in "xy")
z = variable("z", (m, UNIT), COMPLEX)
c, d = (variable(s, (UNIT, UNIT), COMPLEX) for s in "cd")
A, B = (variable(s, (n, n), COMPLEX) for s in "AB")
H = variable("H", (n, n), ("hermitian",))
S = variable("S", (n, n), ("complex", "spd"))
M = variable("M", (n, n), ("complex", "symmetric"))
X, Y = variable("X", (n, m), COMPLEX), variable("Y", (m, n), COMPLEX)
r, R, p = fr.scalar("r"), fr.matrix("R", "n", "n"), fr.vector("p", "n", "positive")
LEAVES = [x, y, z, c, d, A, B, H, S, M, X, Y, r, R, p]
DECLARED = {e.params[0]: e for e in LEAVES}
FUNCTIONS = [
    ("exp", np.exp, None), ("sin", np.sin, None), ("cos", np.cos, None), ("sinh", np.sinh, None),
    ("tanh", np.tanh, lambda v: np.min(np.abs(np.cosh(v))) > 0.2), ("conj", np.conj, None), ("re", np.real, None),
    ("im", np.imag, None), ("conj", np.conj, None), ("re", np.real, None),
    ("abs", np.abs, lambda v: np.min(np.abs(v)) > 0.1), ("log", np.log, lambda v: off_the_cut(v)),
    ("sqrt", np.sqrt, lambda v: off_the_cut(v)), ("square", np.square, None),
]  # fmt: skip


def apart(v: Any) -> bool:
    """Are the eigenvalues of a Hermitian matrix well apart?"""
    found = np.linalg.eigvalsh(v)
    return len(found) == 1 or bool(np.min(np.diff(found)) > 0.05 * np.max(np.abs(found)) > 0.005)


def simple(v: Any) -> bool:
    """Are the singular values well apart?"""
    found = np.linalg.svd(v, compute_uv=False)
    return bool(found[0] > 0.1 and (len(found) == 1 or np.max(np.diff(found)) < -0.05 * found[0]))


def full_rank(v: Any) -> bool:
    return bool(np.min(np.linalg.svd(v, compute_uv=False)) > 0.1)


def root(v: Any) -> Any:
    w, V = np.linalg.eigh(v)
    return (V * np.sqrt(w)) @ V.conj().T


def logarithm(v: Any) -> Any:
    w, V = np.linalg.eigh(v)
    return (V * np.log(w)) @ V.conj().T


OF_HERMITIAN = [
    ("cholesky", np.linalg.cholesky, None), ("sqrtm", root, None), ("logm", logarithm, None),
    ("cholesky", np.linalg.cholesky, None),
]  # fmt: skip


def off_the_cut(v: Any) -> bool:
    """Away from the negative real axis; real numbers must be positive."""
    v = np.asarray(v)
    if not np.iscomplexobj(v):
        return bool(np.min(v) > 0.1)
    return bool(np.min(np.abs(v)) > 0.1 and np.max(np.abs(np.angle(v))) < 2.9 and np.min(np.abs(v.imag)) > 1e-3)


def draw(rng: Random) -> Env:
    normal = np.random.default_rng(rng.randrange(2**32))
    env: Env = {}
    for e in LEAVES:
        name, structure, domain, _ = e.params
        shape = tuple(k.size(SIZES) for k in e.shape)
        v: Any = normal.standard_normal(shape)
        if not e.real:
            v = v + 1j * normal.standard_normal(shape)
        if domain == "positive":
            v = normal.uniform(0.4, 2.0, shape)
        if "spd" in structure:
            v = v @ v.conj().T / 3 + 0.5 * np.eye(3)
        elif "hermitian" in structure:
            v = (v + v.conj().T) / 2
        elif "symmetric" in structure:
            v = (v + v.T) / 2
        env[name] = v
    return env


class ComplexBuilder(Builder):
    """The trees of complex expressions."""

    def atom(self, shape: tuple[str, str]) -> Tree:
        rows, columns = shape
        if shape == ("1", "1"):
            i = self.choose(6)
            if i == 5:
                return self.constant(fr.parse("1i"), "1i", np.array([[1j]]))
            return self.leaf([c, d, c, r, d][i])
        if columns == "1":
            return self.leaf([x, y, x, p][self.choose(4)] if rows == "n" else z)
        if rows == "1":
            return self.hermitian(self.atom((columns, "1"))) if self.choose(2) else self.transpose(self.atom((columns, "1")))
        if rows == columns:
            if rows == "m":
                return self.product(self.leaf(Y), self.leaf(X))
            return self.leaf([A, B, H, S, M, R, A][self.choose(7)])
        if self.choose(2):
            return self.leaf(X if rows == "n" else Y)
        return self.hermitian(self.leaf(Y if rows == "n" else X))

    def hermitian(self, a: Tree) -> Tree:
        return self.apply(conjugate_transposed, "{0}^H", lambda v: v.conj().T, a)

    def function(self, a: Tree) -> Tree:
        name, f, keep = self.pick(FUNCTIONS)
        return self.apply(getattr(fr, name), name + "{0}", f, a, keep=keep)

    def inner(self, shape: tuple[str, str], depth: int) -> Tree:
        sub = lambda s=shape: self.tree(s, depth)  # noqa: E731
        i = self.choose(18)
        if i <= 1:
            return self.add(sub(), sub(), 1 - 2 * i)
        if i == 2:
            return self.apply(lambda e: 2 * e, "2*{0}", lambda v: 2 * v, sub())
        if i in (3, 4):
            return self.apply(lambda e, f: e * f, "{0}*{1}", lambda u, v: u * v, sub(("1", "1")), sub())
        if i == 5:
            return self.apply(lambda e, f: e * f, "{0}.*{1}", lambda u, v: u * v, sub(), sub())
        if i in (6, 7, 8):
            return self.function(sub())
        if i == 9:
            k = self.pick([2, -1, 3, -2])
            keep = lambda v: np.min(np.abs(v)) > 0.2  # noqa: E731
            return self.apply(lambda e: e**k, f"{{0}}.^({k})", lambda v: v ** float(k), sub(), keep=keep)
        if shape == ("1", "1"):
            return self.reduced(depth)
        if i == 10 or shape[0] == "1":
            turn = self.hermitian if self.choose(2) else self.transpose
            return turn(sub(shape[::-1]))
        if shape[1] == "1":
            k = self.pick(["n", "m"])
            return self.product(sub((shape[0], k)), sub((k, "1")))
        if i == 11 and shape[0] == shape[1]:
            a = sub(("n", shape[0])) if self.choose(2) else sub(("m", shape[0]))
            gram = self.product(self.hermitian(a), a)
            eye = self.constant(fr.eye(shape[0]), f"eye({shape[0]})", np.eye(SIZES[shape[0]]))
            return self.apply(fr.inv, "inv{0}", np.linalg.inv, self.add(gram, eye))
        if i >= 16:
            return self.of_gram(depth, shape)
        if i == 12:
            return self.product(sub((shape[0], "1")), sub(("1", shape[1])))
        k = self.pick(["n", "m"])
        return self.product(sub((shape[0], k)), sub((k, shape[1])))

    def of_gram(self, depth: int, shape: tuple[str, str]) -> Tree:
        """Functions of Hermitian matrices; of an n×m leaf the pseudo-inverse."""
        if shape[0] != shape[1]:
            return self.apply(fr.pinv, "pinv{0}", np.linalg.pinv, self.atom(shape[::-1]), keep=full_rank)
        a = self.tree(("n", shape[0]) if self.choose(2) else ("m", shape[0]), depth)
        eye = self.constant(fr.eye(shape[0]), f"eye({shape[0]})", np.eye(SIZES[shape[0]]))
        gram = self.add(self.product(self.hermitian(a), a), eye)
        name, f, keep = self.pick(OF_HERMITIAN)
        return self.apply(getattr(fr, name), name + "{0}", f, gram, keep=keep)

    def reduced(self, depth: int) -> Tree:
        k = self.pick(["n", "m"])
        some = self.pick([("n", "1"), ("m", "1"), ("n", "m"), ("n", "n")])
        sub = lambda s: self.tree(s, depth)  # noqa: E731
        as1 = lambda v: np.reshape(v, (1, 1))  # noqa: E731
        i = self.choose(11)
        if i == 8:
            return self.apply(
                fr.normspec, "normspec{0}", lambda v: as1(np.linalg.norm(v, 2)), sub((some[0], k)), keep=simple
            )
        if i == 9:
            return self.apply(fr.normnuc, "normnuc{0}", lambda v: as1(np.linalg.norm(v, "nuc")), sub((k, k)), keep=full_rank)
        if i == 10:
            a = sub((k, k))
            both = self.add(a, self.hermitian(a))
            name, at = self.pick([("eigmax", -1), ("eigmin", 0)])
            return self.apply(getattr(fr, name), name + "{0}", lambda v: as1(np.linalg.eigvalsh(v)[at]), both, keep=apart)
        if i == 0:
            return self.product(self.hermitian(sub((k, "1"))), sub((k, "1")))
        if i == 1:
            a = sub((k, "1"))
            return self.product(self.hermitian(a), a)
        if i == 2:
            return self.apply(fr.tr, "tr{0}", lambda v: as1(np.trace(v)), sub((k, k)))
        if i == 3:
            return self.apply(fr.sum, "sum{0}", lambda v: as1(np.sum(v)), sub(some))
        if i == 4:
            far = lambda v: np.linalg.norm(v) > 0.2  # noqa: E731
            return self.apply(fr.norm2, "norm2{0}", lambda v: as1(np.linalg.norm(v)), sub(some), keep=far)
        if i == 5:
            regular = lambda v: abs(np.linalg.det(v)) > 0.05  # noqa: E731
            return self.apply(fr.det, "det{0}", lambda v: as1(np.linalg.det(v)), sub((k, k)), keep=regular)
        if i == 6:
            away = lambda v: np.min(np.abs(v)) > 0.1  # noqa: E731
            return self.apply(fr.norm1, "norm1{0}", lambda v: as1(np.sum(np.abs(v))), sub(some), keep=away)
        a = sub((k, k))
        return self.apply(fr.tr, "tr{0}", lambda v: as1(np.trace(v)), self.product(self.hermitian(a), a))

    def root(self) -> Tree:
        shape = self.pick([("1", "1"), ("1", "1"), ("n", "1"), ("n", "m"), ("n", "n")])
        return self.tree(shape, 5)


def value_of(e: Expr, env: Env) -> Any:
    flat = {
        k: v[0, 0] if DECLARED[k].kind == "scalar" else v[:, 0] if DECLARED[k].kind == "vector" else v
        for k, v in env.items()
    }
    return np.asarray(evaluate(e, flat, SIZES))


def check(t: Tree, envs: list[Env], choose: Choose) -> None:
    for env, want in zip(envs, t.values, strict=True):
        for e in (t.expr, polished(t.expr), parse(t.text, DECLARED), conjugated(conjugated(t.expr))):
            got = value_of(e, env).reshape(want.shape)
            assert np.allclose(got, want, rtol=1e-7, atol=1e-7 * (1 + np.max(np.abs(want)))), f"{got} is not {want}: {e}"
        bar = value_of(conjugated(t.expr), env).reshape(want.shape)
        assert np.allclose(bar, np.conj(want), rtol=1e-7, atol=1e-7 * (1 + np.max(np.abs(want)))), "the conjugate"
    if "1i" not in t.text:  # conj(1i) = -1i, and the sign of a sum is taken out in one way only
        assert conjugated(conjugated(t.expr)) is t.expr
        assert transposed(conjugated(t.expr)) is conjugated(transposed(t.expr))
    printed(t.expr)
    free = variables(t.expr)
    if not free:
        return
    v = free[choose(len(free))]
    D = Derivative(t.expr, v)
    report = check_differential(t.expr, v, D.direction, D.differential, sizes=SIZES)
    assert report.ok, f"differential by {v}: {report.reason}: {D.differential}"
    printed(D.differential)
    w = variable("W", t.expr.shape, () if t.expr.real else COMPLEX) if t.expr.kind != "row" else None
    if w is not None:
        report = check_adjoint(D.raw_differential, D.direction, adjoint(D.raw_differential, D.direction, w), w, sizes=SIZES)
        assert report.ok, f"adjoint by {v}: {report.reason}"
    if t.expr.kind != "scalar" or v.real:
        return
    if t.expr.real:
        report = check_gradient(t.expr, v, D.gradient, sizes=SIZES)
        assert report.ok, f"gradient by {v}: {report.reason}"
        printed(D.gradient)
    if "hermitian" in v.params[1]:
        with pytest.raises(UnsupportedError):
            parts(D.raw_differential, D.direction)
        return
    for convention in ("wirtinger", "wirtinger-conj"):
        e = Derivative(t.expr, v, convention=convention).gradient
        report = check_gradient(t.expr, v, e, convention, sizes=SIZES)
        assert report.ok, f"{convention} by {v}: {report.reason}: {e}"
        printed(e)


def printed(e: Expr) -> None:
    assert read_back(e, DECLARED) is e, f"{e} reads back as {read_back(e, DECLARED)}"
    assert braces_balanced(str(write_latex(e)))


def failures(first: int, count: int) -> list[tuple[int, str, str]]:
    found = []
    for seed in range(first, first + count):
        rng = Random(seed)
        envs = [draw(rng) for _ in range(POINTS)]
        t = None
        try:
            t = ComplexBuilder(rng.randrange, envs).root()
            check(t, envs, rng.randrange)
        except Refused:
            continue
        except Exception as error:
            found.append((seed, t.text if t else "", f"{type(error).__name__}: {error}"))
    return found


def test_random_complex_expressions() -> None:
    found = failures(0, 60)
    assert not found, "\n".join(f"{seed}: {text}: {reason}" for seed, text, reason in found)


@pytest.mark.sweep
@pytest.mark.parametrize("part", range(10))
def test_sweep(part: int) -> None:
    found = failures(1000 * part, 1000)
    assert not found, "\n".join(f"{seed}: {text}: {reason}" for seed, text, reason in found[:20])
