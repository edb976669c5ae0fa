"""Random compositions of matrix functions, spectra and factorizations against naive NumPy and SciPy."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pytest
import scipy.linalg
from test_random_expressions import (
    DEPTH,
    POINTS,
    PROPERTIES,
    Array,
    Builder,
    M,
    Refused,
    S,
    Tree,
    check,
    draw_values,
    size,
)

import frechet as fr


def as1(v: Any) -> Array:
    return np.reshape(v, (1, 1))


def by_eigenvalues(f: Any) -> Any:
    def value(v: Array) -> Array:
        w, q = np.linalg.eigh((v + v.T) / 2)
        return (q * f(w)) @ q.T

    return value


def gaps(v: Array) -> bool:
    """Eigenvalues apart, of a symmetric matrix."""
    return bool(np.min(np.diff(np.linalg.eigvalsh((v + v.T) / 2)), initial=1.0) > 0.1)


def spread(v: Array) -> bool:
    """Singular values apart, and none near 0."""
    s = np.linalg.svd(v, compute_uv=False)
    return bool(s[-1] > 0.2 and np.min(-np.diff(s), initial=1.0) > 0.1)


def qr(v: Array) -> tuple[Array, Array]:
    q, r = np.linalg.qr(v)
    signs = np.where(np.diag(r) < 0, -1.0, 1.0)
    return q * signs, signs[:, None] * r


def ldl(v: Array) -> tuple[Array, Array]:
    factor = np.linalg.cholesky(v)
    d = np.diag(factor)
    return factor / d, (d**2).reshape(-1, 1)


def polar(v: Array) -> Array:
    u, _, vt = np.linalg.svd(v, full_matrices=False)
    return u @ vt


def singular(v: Array) -> Array:
    return np.linalg.svd(v, compute_uv=False)


def geomean(a: Array, b: Array) -> Array:
    root = by_eigenvalues(np.sqrt)(a)
    inverse = np.linalg.inv(root)
    return root @ by_eigenvalues(np.sqrt)(inverse @ b @ inverse) @ root


GENERAL = [
    ("expm", "expm{0}", scipy.linalg.expm, None),
    ("sinm", "sinm{0}", scipy.linalg.sinm, None),
    ("cosm", "cosm{0}", scipy.linalg.cosm, None),
    ("qrq", "qrq{0}", lambda v: qr(v)[0], spread),
    ("qrr", "qrr{0}", lambda v: qr(v)[1], spread),
    ("polar", "polar{0}", polar, spread),
]
POSITIVE = [
    ("sqrtm", "sqrtm{0}", by_eigenvalues(np.sqrt)),
    ("logm", "logm{0}", by_eigenvalues(np.log)),
    ("cholesky", "cholesky{0}", np.linalg.cholesky),
    ("ldll", "ldll{0}", lambda v: ldl(v)[0]),
    ("lul", "lul{0}", lambda v: ldl(v)[0]),
    ("luu", "luu{0}", lambda v: ldl(v)[1] * ldl(v)[0].T),
]
OF_SYMMETRIC = [
    ("eigmax", lambda v: as1(np.linalg.eigvalsh(v)[-1])),
    ("eigmin", lambda v: as1(np.linalg.eigvalsh(v)[0])),
    ("logdet", lambda v: as1(np.linalg.slogdet(v)[1])),
]
OF_ANY = [
    ("normspec", lambda v: as1(singular(v)[0])),
    ("svdmin", lambda v: as1(singular(v)[-1])),
    ("normnuc", lambda v: as1(singular(v).sum())),
    ("cond", lambda v: as1(singular(v)[0] / singular(v)[-1])),
]


class SpectralBuilder(Builder):
    """Every second operation is one of this file."""

    def symmetric(self, n: str, depth: int) -> Tree:
        i = self.choose(4)
        if i == 0 and n == "n":
            return self.leaf(self.pick([S, M]))
        a = self.tree((n, n), depth - 1)
        return self.add(a, self.transpose(a)) if i < 3 else self.product(a, self.transpose(a))

    def positive_definite(self, n: str, depth: int) -> Tree:
        i = self.choose(4)
        if i == 0 and n == "n":
            return self.leaf(S)
        if i == 1:
            return self.apply(fr.expm, "expm{0}", scipy.linalg.expm, self.symmetric(n, depth - 1))
        a = self.tree((self.pick(["n", "m"]), n), depth - 1)
        gram = self.product(self.transpose(a), a)
        return self.add(gram, self.constant(fr.eye(n), f"eye({n})", np.eye(size(n))))

    def reduction(self, depth: int) -> Tree:
        i, n = self.choose(8), self.pick(["n", "m"])
        if i <= 1:
            name, f = self.pick(OF_SYMMETRIC[:2])
            return self.apply(getattr(fr, name), name + "{0}", f, self.symmetric(n, depth), keep=gaps)
        if i == 2:
            name, f = OF_SYMMETRIC[2]
            return self.apply(fr.logdet, name + "{0}", f, self.positive_definite(n, depth))
        if i == 3:
            name, f = self.pick(OF_ANY)
            return self.apply(getattr(fr, name), name + "{0}", f, self.tree(("n", n), depth), keep=spread)
        if i == 4:
            f = lambda v: as1(np.sum(singular(v) ** 3) ** (1 / 3))  # noqa: E731
            build = lambda e: fr.normschatten(e, 3)  # noqa: E731
            return self.apply(build, "normschatten({0},3)", f, self.tree(("n", n), depth), keep=spread)
        return super().reduction(depth)

    def vector(self, shape: tuple[str, str], depth: int) -> Tree:
        i, n = self.choose(6), shape[0]
        if n not in ("n", "m"):
            return super().vector(shape, depth)
        if i == 0:
            f = lambda v: np.linalg.eigvalsh(v).reshape(-1, 1)  # noqa: E731
            return self.apply(fr.eigvals, "eigvals{0}", f, self.symmetric(n, depth), keep=gaps)
        if i == 1:
            f = lambda v: singular(v).reshape(-1, 1)  # noqa: E731
            return self.apply(fr.svdvals, "svdvals{0}", f, self.tree(("n", n), depth), keep=spread)
        if i == 2:
            return self.apply(fr.ldld, "ldld{0}", lambda v: ldl(v)[1], self.positive_definite(n, depth))
        if i == 3:
            f = lambda a, b: np.linalg.lstsq(a, b)[0]  # noqa: E731
            a, b = self.tree(("n", n), depth), self.tree(("n", "1"), depth)
            return self.apply(fr.lstsq, "lstsq({0},{1})", f, a, b, keep=lambda a, b: spread(a))
        return super().vector(shape, depth)

    def matrix(self, shape: tuple[str, str], depth: int) -> Tree:
        rows, columns = shape
        i = self.choose(12)
        if i >= 8:
            return super().matrix(shape, depth)
        if i == 0:
            a, b = self.positive_definite(rows, depth), self.positive_definite(columns, depth)
            f = scipy.linalg.solve_sylvester
            return self.apply(fr.sylvester, "sylvester({0},{1},{2})", f, a, b, self.tree(shape, depth))
        if rows != columns:
            if rows == "n":
                return self.apply(fr.polar, "polar{0}", polar, self.tree(shape, depth), keep=spread)
            return super().matrix(shape, depth)
        if i == 1:
            f = scipy.linalg.solve_continuous_lyapunov
            return self.apply(fr.lyap, "lyap({0},{1})", f, self.positive_definite(rows, depth), self.tree(shape, depth))
        if i == 2:
            a, b = self.positive_definite(rows, depth), self.positive_definite(rows, depth)
            return self.apply(fr.geomean, "geomean({0},{1})", geomean, a, b)
        if i == 3:
            a = self.tree((rows, self.pick(["m", rows])), depth)
            return self.apply(fr.proj, "proj{0}", lambda v: v @ np.linalg.pinv(v), a, keep=spread)
        if i in (4, 5):
            name, text, f = self.pick(POSITIVE)
            return self.apply(getattr(fr, name), text, f, self.positive_definite(rows, depth))
        name, text, f, keep = self.pick(GENERAL)
        return self.apply(getattr(fr, name), text, f, self.tree(shape, depth), keep=keep)


def failures(first: int, count: int) -> list[str]:
    """What fails among the expressions of the seeds first, first+1, …: seed, property, formula, reason."""
    found = []
    for seed in range(first, first + count):
        rng = Random(seed)
        envs = [draw_values(rng) for _ in range(POINTS)]
        what = "building"
        try:
            t = SpectralBuilder(rng.randrange, envs).root() if seed % 2 else small(rng, envs)
        except Refused:
            continue
        except Exception as error:
            found.append(f"{seed} building: {type(error).__name__}: {error}")
            continue
        for what in PROPERTIES:
            try:
                check(what, t, envs, rng.randrange)
            except Exception as error:
                found.append(f"{seed} {what}: {t.text}: {type(error).__name__}: {error}")
    return found


def small(rng: Random, envs: Any) -> Tree:
    """A tree of few operations, most of them of this file."""
    builder = SpectralBuilder(rng.randrange, envs)
    builder.left = 8
    return builder.tree(rng.choice([("1", "1"), ("n", "1"), ("n", "n"), ("n", "m")]), DEPTH - 2)


def test_random_spectra() -> None:
    found = failures(0, 60)
    assert not found, "\n".join(found)


@pytest.mark.sweep
@pytest.mark.parametrize("part", range(20))
def test_sweep(part: int) -> None:
    found = failures(1000 * (part + 1), 500)
    assert not found, "\n".join(found[:20])
