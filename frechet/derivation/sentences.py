"""Words with formulas in them, before anybody writes them in a notation."""

from __future__ import annotations

from typing import NamedTuple

from frechet.expressions.node import Expr


class Sentence(NamedTuple):
    """Words with holes {0}, {1} … for expressions."""

    words: str
    parts: tuple[Expr, ...] = ()
