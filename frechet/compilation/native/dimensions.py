"""Dimensions as C."""

from __future__ import annotations

from collections.abc import Mapping

from frechet.compilation.native.functions import NotInC
from frechet.expressions.dimension import Dim, factored


class Dimensions:
    """The text of dimensions.

    names: of the variables of C that hold sizes, by the names of these
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = dict(names)

    def __call__(self, d: Dim) -> str:
        """A dimension as C.

        Raises:  NotInC, where no variable holds a size in it
        """
        if not d.names() <= self.names.keys():
            raise NotInC("sizes that no argument tells")
        if any(c.denominator != 1 for _, c in d.terms):
            common, rest, below = factored(d)
            return f"({' * '.join([*(self.names[n] for n in common), self(rest)])} / {below})"
        parts = []
        for monomial, c in d.terms:
            factors = [self.names[n] for n in monomial]
            if c != 1 or not factors:
                factors.insert(0, str(c))
            parts.append(" * ".join(factors))
        if len(parts) == 1 and " " not in parts[0]:
            return parts[0]
        return f"({' + '.join(parts)})" if parts else "0"
