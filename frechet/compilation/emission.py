"""Programs as NumPy source: one assignment a step, in the cheapest call that computes it.

Small arrays are bound by the calls, so `A.dot(x)` is written rather than `A @ x`, and LAPACK is called itself; large ones by
memory, so a step writes over an operand that nothing needs any more.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import prod

from frechet.compilation.decompositions import shared_decompositions
from frechet.compilation.emitting.blocks import Blocks
from frechet.compilation.emitting.functions import Functions
from frechet.compilation.emitting.matrices import Matrices
from frechet.compilation.emitting.sums import BLOCKED, alone_on_diagonal, entry_at_place, sides_of
from frechet.compilation.step_order import in_order
from frechet.compilation.values import Value, uses, walk
from frechet.compilation.writer import SELECTORS, elementwise

FORGOTTEN = 4096  # entries of an array that is deleted after its last use, so that the next one gets its memory
SMALL_PRODUCT = 30_000  # multiplications, up to which a product of two matrices costs about as much as its call
ROUTINES = {
    f"{t}{r}" for t in "sdcz" for r in ("gemv", "gemm", "potrf", "potrs", "potri", "posv", "getrf", "getrs", "getri", "gesv")
}


class Emission(Functions, Matrices, Blocks):
    """Writes the steps of a program for NumPy. See `Writer`."""

    def run(self, roots: Sequence[Value], early: Collection[Value] = ()) -> list[str]:
        """Writes all steps, those of `early` first, which later ones leave as they are; what the roots are called."""
        steps = walk(roots)
        self.left = uses(steps, roots)
        steps = in_order(steps, roots)
        self.total = self.rates.total(steps)
        self.users = dict(self.left)
        self.skip(steps, roots)
        self.inverted = {v.args[0] for v in steps if v.op == "inverse"}
        self.decomposed = dict.fromkeys(shared_decompositions(steps))
        self._skip_diagonals(steps, roots)
        self._accumulate(steps, roots, early)
        self._solve_at_once(steps, early)
        self._in_blocks(steps)
        self.wanted.update(v.shape for v in steps if accumulable(v, True))
        for v in steps:
            if v in early:
                self.step(v)
        if early:
            self.owned.clear()
            self.ours.clear()
            self.spare.clear()
            self.early_lines, self.lines = self.lines, []
        for v in steps:
            if v not in early:
                self.step(v)
        while self.lines and self.lines[-1].startswith("del "):
            self.lines.pop()
        return [self._result(r) for r in roots]

    def step(self, v: Value) -> None:
        super().step(v)
        if v not in self.skipped:
            name = self.text[v].removesuffix(".T")
            self.holders[name] = self.holders.get(name, 0) + 1
            if name in self.owned and self.entries(v) >= FORGOTTEN:
                self.ours.add(name)
            for a in v.args:
                self._used(a)
            if accumulable(v, True):
                self.wanted[v.shape] -= 1
            dead = self.unheld & self.ours
            if dead:
                self.line(f"del {', '.join(sorted(dead))}")
                self.ours -= dead
            for name in sorted(self.unheld - dead):
                self.keep(name)
            self.unheld.clear()

    def _skip_diagonals(self, steps: Sequence[Value], roots: Sequence[Value]) -> None:
        """Diagonal matrices that are only added to matrices are added on their diagonals, single entries at their places."""
        full: set[Value] = set(roots)
        for u in steps:
            if u.op == "map" and u.params[0][0] == "linear" and not all(map(alone_on_diagonal, u.args)):
                own = tuple(range(len(u.shape)))
                full.update(a for a, labels in zip(u.args, u.params[1], strict=True) if sorted(labels) != list(own))
            else:
                full.update(u.args)
        self.skipped.update(v for v in steps if (alone_on_diagonal(v) or entry_at_place(v)) and v not in full)

    def _accumulate(self, steps: Sequence[Value], roots: Sequence[Value], early: Collection[Value]) -> None:
        """Products of matrices that are terms of one sum are added to it by BLAS, with their coefficients.

        Small ones are multiplied by theirs by BLAS too, where that is one call for two.
        """
        for u in steps:
            if self._is_multiple(u) and self.users[u.args[0]] == 1 and (u.args[0] in early) == (u in early):
                self.accumulated.add(u.args[0])
            if u.op == "map" and u.params[0][0] == "linear" and len(u.shape) in (1, 2):
                own = tuple(range(len(u.shape)))
                for a, labels in zip(u.args, u.params[1], strict=True):
                    if labels == own and self.users[a] == 1 and (a in early) == (u in early) and accumulable(a):
                        self.accumulated.add(a)
        self.skipped |= self.accumulated

    def _solve_at_once(self, steps: Sequence[Value], early: Collection[Value]) -> None:
        """Factors of matrices that are solved with once are made in the call that solves."""
        for v in steps:
            if (
                v.op == "solve"
                and self.users[v.args[0]] == 1
                and (v.args[0] in early) == (v in early)
                and self.is_one_call(v)
            ):
                self.accumulated.add(v.args[0])
                self.skipped.add(v.args[0])

    def _is_multiple(self, u: Value) -> bool:
        """Is it a number times a product of two small matrices?"""
        if u.op != "contract" or len(u.args) != 1 or len(u.shape) != 2 or u.params[0] != (u.params[1],):
            return False
        a = u.args[0]
        if isinstance(u.params[3], complex) or not accumulable(a, True) or not a.real:
            return False
        return prod(self.rates.size(d) for d in a.params[2]) < SMALL_PRODUCT or self._is_small_square(a)

    def _in_blocks(self, steps: Sequence[Value]) -> None:
        """Sums of outer products, as dense Hessians are: one product if all have the same axes, else in blocks."""
        for u in steps:
            if u.op != "map" or u.params[0][0] != "linear" or len(u.shape) < 2:
                continue
            if not all(self.users[a] == 1 and _outer_product(a) for a in u.args):
                continue
            sides = {frozenset(sides_of(a, labels)) for a, labels in zip(u.args, u.params[1], strict=True)}
            apart = all(len(pair) == 2 and all(pair) and sum(map(len, pair)) == len(u.shape) for pair in sides)
            if len(sides) == 1 and apart and len(u.args) > 1:
                self.stacked.add(u)
            elif len(u.shape) > 2 and self.entries(u) > BLOCKED:
                self.blocked.add(u)
            else:
                continue
            self.skipped.update(u.args)

    def _result(self, r: Value) -> str:
        """A result is an array of its own: no view of an argument."""
        text = self.text[r]
        if r.shape and not (text in self.owned or text.removesuffix(".T") in self.owned):
            return f"{text}.copy()"
        return text

    def _used(self, a: Value) -> None:
        self.left[a] -= 1
        if a in self.skipped and not self.left[a]:
            for b in a.args:
                self._used(b)
        elif not self.left[a] and a in self.text:
            name = self.text[a].removesuffix(".T")
            self.holders[name] -= 1
            if not self.holders[name]:
                self.unheld.add(name)


def accumulable(a: Value, itself: bool = False) -> bool:
    """Can BLAS add it to something: a product of two matrices, perhaps of one with itself, or of a matrix and a vector?"""
    if a.op != "contract" or len(a.args) != 2 or any(b.op in SELECTORS for b in a.args):
        return False
    if a.args[0] is a.args[1] and not itself:
        return False
    (la, lb), out, _, _ = a.params
    both = set(la) & set(lb)
    axes = sorted(map(len, a.params[0]))
    return axes in ([1, 2], [2, 2]) and len(both) == 1 and not both & set(out) and len(out) == sum(axes) - 2


def _outer_product(a: Value) -> bool:
    """Is it a product of two arrays entry by entry, each repeated along axes of the other?"""
    return (
        a.op == "contract"
        and len(a.args) == 2
        and elementwise(a)
        and not any(b.op in SELECTORS for b in a.args)
        and len(set(a.params[1])) == len(a.params[1])
    )
