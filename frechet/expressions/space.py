"""The structures that a variable may be declared to have, as facts: their shapes and the dimensions of their spaces.

A structure is a word of a declaration: `symmetric`, `rank r`, `sparse(M)`. What it means for gradients stands in
`frechet.differentiation.structure`, how random members are drawn in `frechet.verification.sampling`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from frechet.expressions.dimension import UNIT, Dim, Shape, dim, kind, show_shape
from frechet.expressions.errors import ShapeError, UnsupportedError

ONE = dim(1)


class Structure(NamedTuple):
    """words: as in "the space of … matrices"; of: square, matrix, vector or array; size: the dimension for n×m arrays."""

    words: str
    of: str
    size: Callable[[Dim, Dim], Dim | None]
    curved: bool = False  # a manifold: its directions change from point to point


def _triangle(n: Dim, m: Dim) -> Dim | None:
    """How many entries of an n×m matrix stand on or below the diagonal."""
    if n is m:
        return (n * (n + ONE)).halved()
    rows, columns = n.value(), m.value()
    return dim(sum(min(i + 1, columns) for i in range(rows))) if rows and columns else None


STRUCTURES = {
    "symmetric": Structure("symmetric", "square", lambda n, m: (n * (n + ONE)).halved()),
    "spd": Structure("symmetric", "square", lambda n, m: (n * (n + ONE)).halved()),
    "psd": Structure("symmetric", "square", lambda n, m: (n * (n + ONE)).halved()),
    "hermitian": Structure("Hermitian", "square", lambda n, m: n * n),
    "skew": Structure("skew-symmetric", "square", lambda n, m: (n * (n - ONE)).halved()),
    "diagonal": Structure("diagonal", "square", lambda n, m: n),
    "lower": Structure("lower triangular", "matrix", _triangle),
    "upper": Structure("upper triangular", "matrix", lambda n, m: _triangle(m, n)),
    "toeplitz": Structure("Toeplitz", "matrix", lambda n, m: n + m - ONE),
    "circulant": Structure("circulant", "square", lambda n, m: n),
    "hankel": Structure("Hankel", "matrix", lambda n, m: n + m - ONE),
    "traceless": Structure("traceless", "square", lambda n, m: n * n - ONE),
    "centered": Structure("centered", "vector", lambda n, m: n - ONE),
    "sparse": Structure("sparse", "matrix", lambda n, m: None),
    "simplex": Structure("simplex", "vector", lambda n, m: n - ONE),
    "orthogonal": Structure("orthonormal", "matrix", lambda n, m: n * m - (m * (m + ONE)).halved(), True),
    "sphere": Structure("unit", "array", lambda n, m: n * m - ONE, True),
    "rank": Structure("fixed-rank", "matrix", lambda n, m: None, True),
}

# Structures that may be declared together: the projections to their spaces commute.
TOGETHER: dict[frozenset[str], Callable[[Dim, Dim], Dim | None]] = {
    frozenset({"symmetric", "toeplitz"}): lambda n, m: n,
    frozenset({"skew", "toeplitz"}): lambda n, m: n - ONE,
    frozenset({"lower", "toeplitz"}): lambda n, m: n,
    frozenset({"upper", "toeplitz"}): lambda n, m: m,
    frozenset({"diagonal", "toeplitz"}): lambda n, m: ONE,
    frozenset({"diagonal", "circulant"}): lambda n, m: ONE,
    frozenset({"diagonal", "traceless"}): lambda n, m: n - ONE,
    frozenset({"symmetric", "traceless"}): lambda n, m: (n * (n + ONE)).halved() - ONE,
    frozenset({"lower", "traceless"}): lambda n, m: (n * (n + ONE)).halved() - ONE,
    frozenset({"upper", "traceless"}): lambda n, m: (n * (n + ONE)).halved() - ONE,
    frozenset({"symmetric", "circulant"}): lambda n, m: dim(k // 2 + 1) if (k := n.value()) else None,
    frozenset({"skew", "circulant"}): lambda n, m: dim((k - 1) // 2) if (k := n.value()) and k > 2 else None,
    frozenset({"lower", "sparse"}): lambda n, m: None,
    frozenset({"upper", "sparse"}): lambda n, m: None,
    frozenset({"diagonal", "sparse"}): lambda n, m: None,
}

# What two words leave, where that is next to nothing or has a name of its own.
CLASHES = {
    frozenset({"symmetric", "skew"}): "only the zero matrix is both",
    frozenset({"diagonal", "skew"}): "only the zero matrix is both",
    frozenset({"lower", "skew"}): "only the zero matrix is both",
    frozenset({"upper", "skew"}): "only the zero matrix is both",
    frozenset({"spd", "skew"}): "no matrix is both",
    frozenset({"psd", "skew"}): "only the zero matrix is both",
    frozenset({"spd", "traceless"}): "no matrix is both: a positive definite one has a positive trace",
    frozenset({"psd", "traceless"}): "only the zero matrix is both",
    frozenset({"spd", "orthogonal"}): "only the identity is both",
    frozenset(
        {"diagonal", "orthogonal"}
    ): "only diagonal matrices of ±1 are both, which have no directions to differentiate in",
    frozenset(
        {"lower", "orthogonal"}
    ): "only diagonal matrices of ±1 are both, which have no directions to differentiate in",
    frozenset(
        {"upper", "orthogonal"}
    ): "only diagonal matrices of ±1 are both, which have no directions to differentiate in",
    frozenset({"lower", "upper"}): "that is diagonal: say so",
    frozenset({"lower", "symmetric"}): "that is diagonal: say so",
    frozenset({"upper", "symmetric"}): "that is diagonal: say so",
    frozenset({"lower", "circulant"}): "that is a multiple of the identity: say diagonal circulant",
    frozenset({"upper", "circulant"}): "that is a multiple of the identity: say diagonal circulant",
    frozenset({"hankel", "skew"}): "only the zero matrix is both",
}

COMPLEX = {"symmetric", "hermitian", "spd", "psd", "skew", "diagonal", "lower", "upper", "toeplitz", "orthogonal"}
ZERO_SOMEWHERE = {"diagonal", "lower", "upper", "sparse", "skew"}  # entries that are 0 at every point
SIGNED = {"skew", "traceless", "centered", "sphere", "orthogonal"}  # not all entries can have one sign, or need not
IMPOSSIBLE_ENTRIES = {
    "skew": "a skew matrix has zeros on its diagonal, and with every x also -x",
    "traceless": "the diagonal of a traceless matrix adds up to 0",
    "centered": "the entries of a centered vector add up to 0",
}
SAME_ENTRIES = ("positive", "nonnegative", "unit01")


def base(word: str) -> str:
    """The structure a word names: rank of `rank r`, sparse of `sparse(M)`."""
    return word.split("(")[0].split(" ")[0]


def bases(words: Collection[str]) -> set[str]:
    return {base(word) for word in words if word != "complex"}


def mask_name(words: Collection[str]) -> str | None:
    """M of sparse(M)."""
    return next((word[7:-1] for word in words if word.startswith("sparse(")), None)


def rank(words: Collection[str]) -> Dim | None:
    """r of `rank r`."""
    return next((dim(word[5:]) for word in words if word.startswith("rank ")), None)


def space_names(words: Collection[str], domain: str = "normal") -> tuple[str, ...]:
    """The space of a variable's directions: () in general, else names of STRUCTURES without those implied by others."""
    names = bases(words)
    if names & {"spd", "psd"}:
        names = (names - {"spd", "psd"}) | {"hermitian" if "complex" in words else "symmetric"}
    if "diagonal" in names:
        names -= {"symmetric", "lower", "upper"}
    if "circulant" in names:
        names.discard("toeplitz")
    if "hankel" in names:
        names.discard("symmetric")
    if domain == "simplex":
        names.add("simplex")
    return tuple(name for name in STRUCTURES if name in names)


def curved(words: Collection[str]) -> bool:
    return any(STRUCTURES[name].curved for name in bases(words))


def check(name: str, words: Sequence[str], domain: str, shape: Shape) -> None:
    """Do the words fit the shape and each other?

    Raises:  ShapeError, in words, for a structure or domain that contradicts the shape or another
    """
    for word in words:
        if word != "complex":
            _check_shape(name, word, shape)
    names = bases(words)
    if "complex" in words and (others := names - COMPLEX):
        raise UnsupportedError(f"{name} is declared complex and {sorted(others)[0]}: that is not supported yet")
    for pair, why in CLASHES.items():
        if pair <= names:
            raise ShapeError(f"{name} is declared {_said(words, pair)}: {why}")
    for word, why in IMPOSSIBLE_ENTRIES.items():
        if word in names and domain in SAME_ENTRIES:
            raise ShapeError(f"{name} is declared {word} and {domain}: {why}")
    if "centered" in names and domain == "simplex":
        raise ShapeError(f"{name} is declared centered and simplex: its entries cannot add up to both 0 and 1")
    n = shape[0].value()
    if "skew" in names and domain == "invertible" and n is not None and n % 2:
        raise ShapeError(f"{name} is declared skew and invertible: a skew matrix of odd size {n} has determinant 0")
    r = rank(words)
    if r is not None and r.value() is not None and domain == "invertible" and n is not None and (r.value() or 0) < n:
        raise ShapeError(
            f"{name} is declared rank {r} and invertible: an invertible {show_shape(shape)} matrix has rank {n}"
        )


def _said(words: Sequence[str], pair: Collection[str]) -> str:
    return " and ".join(word for word in words if base(word) in pair)


def _check_shape(name: str, word: str, shape: Shape) -> None:
    structure = STRUCTURES[base(word)]
    what = kind(shape)
    shown = "a scalar" if what == "scalar" else show_shape(shape)
    if structure.of == "square" and (what != "matrix" or shape[0] is not shape[1]):
        raise ShapeError(f"{name} is declared {word}, so it must be a square matrix, not {shown}")
    if structure.of == "matrix" and what != "matrix":
        raise ShapeError(f"{name} is declared {word}, so it must be a matrix, not {shown}")
    if structure.of == "vector" and what != "vector":
        raise ShapeError(f"{name} is declared {word}, so it must be a vector, not {shown}")
    if structure.of == "array" and what == "scalar":
        raise ShapeError(f"{name} is declared {word}, so it must be a vector or a matrix, not a scalar")
    rows, columns = shape[0].value(), shape[1].value()
    if base(word) == "orthogonal" and rows is not None and columns is not None and rows < columns:
        raise ShapeError(f"{name} is declared orthogonal: orthonormal columns need at least as many rows")
    if base(word) == "rank":
        largest = min((k for k in (rows, columns) if k is not None), default=None)
        r = rank([word])
        value = None if r is None else r.value()
        if value is not None and largest is not None and value > largest:
            raise ShapeError(f"{name} is declared {word}: a {shown} matrix has at most rank {largest}")


def dimension(words: Collection[str], domain: str, shape: Shape) -> Dim | None:
    """The real dimension of a variable's space; None where it has no formula here, as of the ones of a mask."""
    if "complex" in words and "orthogonal" in words:
        return shape[0] * shape[1] * dim(2) - shape[1] * shape[1]
    found = _dimension(words, domain, shape)
    return found * dim(2) if found is not None and "complex" in words and "hermitian" not in words else found


def _dimension(words: Collection[str], domain: str, shape: Shape) -> Dim | None:
    names = space_names(words, domain)
    n, m = (ONE if d is UNIT else d for d in shape)
    if not names:
        return n * m
    if len(names) > 1:
        size = TOGETHER.get(frozenset(names))
        return size(n, m) if size is not None else None
    r = rank(words)
    return r * (n + m - r) if r is not None else STRUCTURES[names[0]].size(n, m)
