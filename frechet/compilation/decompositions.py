"""Decompositions that several pages have in their source: singular values and eigenvalues, with vectors."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from frechet.compilation.values import Value


class Decomposition(NamedTuple):
    """What computes it, and what pages write for its parts, with the part of it; first what they write that needs vectors.

    {0} is the matrix, {1} the decomposition
    """

    call: str
    parts: tuple[tuple[str, str], ...]


SINGULAR = Decomposition(
    "np.linalg.svd({0}, full_matrices=False)",
    (
        ("np.linalg.svd({0}, full_matrices=False)", "{1}"),
        ("np.linalg.svd({0}, compute_uv=False)", "{1}[1]"),
        ("np.linalg.norm({0}, 2)", "{1}[1][0]"),
        ("np.linalg.norm({0}, -2)", "{1}[1][-1]"),
        ("np.linalg.norm({0}, 'nuc')", "{1}[1].sum()"),
    ),
)
SYMMETRIC = Decomposition(
    "np.linalg.eigh(({0} + {0}.conj().T) / 2)",
    (("eigvecs({0})", "{1}[1]"), ("eigvals({0})", "{1}[0]")),
)
DECOMPOSITIONS = (SINGULAR, SYMMETRIC)

ITERATED = re.compile(  # what LAPACK computes by iterations, which do not converge for nan
    r"((?:np|torch)\.linalg\.(?:svd|svdvals|eigh|pinv)|torch\.linalg\.cholesky)\("
    r"|((?:np|torch)\.linalg\.(?:matrix_)?norm)\((?=[^()]*, (?:-?2|'nuc')\))"
)


def guarded(text: str) -> str:
    """The source with decompositions of which nan gives nan."""
    return ITERATED.sub(lambda m: f"or_nan({m[1] or m[2]}, ", text)


def shared_decompositions(steps: Sequence[Value]) -> list[tuple[Value, Decomposition]]:
    """The matrices with the decompositions of which several steps need parts, the vectors among them."""
    counts: dict[tuple[Value, Decomposition], list[int]] = {}
    for v in steps:
        if v.op != "page":
            continue
        (node,) = v.params
        names = [f"<{i}>" for i in range(len(v.args))]
        text = node.op.numpy(node, names)
        for a, name in zip(v.args, names, strict=True):
            for d in DECOMPOSITIONS if len(a.shape) == 2 else ():
                if any(form.format(name) in text for form, _ in d.parts):
                    count = counts.setdefault((a, d), [0, 0])
                    count[0] += 1
                    count[1] += d.parts[0][0].format(name) in text
    return [key for key, (some, with_vectors) in counts.items() if some > 1 and with_vectors]
