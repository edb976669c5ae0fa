"""What a name is that nobody declared, from its letters."""

from __future__ import annotations

import re
from functools import cache

GREEK = frozenset(
    """alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda lamda mu nu xi omicron pi rho
    sigma tau upsilon phi varphi chi psi omega""".split()  # noqa: SIM905
)


@cache
def default_kind(name: str) -> str:
    """What an undeclared name is: a…g scalars, h…z vectors, A…Z matrices, Greek letters scalars, capital ones matrices.

    >>> [default_kind(name) for name in ("a", "x1", "weights", "W", "alpha", "Σ")]
    ['scalar', 'vector', 'vector', 'matrix', 'scalar', 'matrix']
    """
    plain = name.lstrip("_") or name
    word = re.match(r"[^\W\d_]*", plain)
    first = plain[0]
    if first.isupper():
        return "matrix"
    if (word is not None and word.group() in GREEK) or "α" <= first <= "ω":
        return "scalar"
    if not first.isascii():
        from unicodedata import normalize

        first = normalize("NFKD", first)[0]
    return "scalar" if "a" <= first <= "g" else "vector"
