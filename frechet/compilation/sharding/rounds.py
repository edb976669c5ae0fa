"""The functions of a program that is split: one for each reading of the data, and one that finishes.

A round is a function of what all blocks share, which returns the function of one block: what does not depend on the block is
computed once. Both are compiled as programs of their own, so that a block runs as fast as a whole.

    def round_1(w):
        …
        def block(X, y, n):
            …
            return …
        return block
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from frechet.compilation.emission import Emission
from frechet.compilation.native.emission import Source
from frechet.compilation.numpy_source import WORDS, Program, finish, free_name
from frechet.compilation.passes import factorized, optimized
from frechet.compilation.row_blocks import by_row_blocks
from frechet.compilation.sharding.blocks_in_c import source_of_block, worthwhile
from frechet.compilation.sharding.levels import Joined, Levels, Output
from frechet.compilation.timing import Rates
from frechet.compilation.values import Value, walk
from frechet.expressions.dimension import Dim


@dataclass(frozen=True)
class Names:
    """What a program calls its inputs (by the variable) and its dimensions, and what is taken."""

    parameters: Mapping[str, str]
    sizes: Sequence[str]
    taken: frozenset[str]


class Function:
    """One function of the program for certain sizes and a certain precision.

    whole     the inputs it is called with: common arrays, joined values, totals and sizes
    split     the variables of which a block has some rows; none where there is no block
    """

    def __init__(
        self,
        name: str,
        levels: Levels,
        roots: Sequence[Value],
        n: str,
        names: Names,
        sizes: Mapping[str, int],
        letter: str,
        backend: str,
    ) -> None:
        self.levels, self.n, self.names, self.letter, self.backend = levels, n, names, letter, backend
        self.program = Program(name)
        inputs = [v for v in walk(roots) if v.op == "input"]
        self.split = [v.params[0] for v in inputs if v.params[0] in levels.split]
        common = [v for v in inputs if v.params[0] not in levels.split]
        self.whole = [v.params[0] for v in common]
        self.rates = Rates(sizes)
        ordered = optimized(levels.graph, roots, self.rates, common if self.blocks else ())
        self.roots = factorized(levels.graph, ordered, trying=False)
        self._write()

    @property
    def blocks(self) -> bool:
        return self.program.name != "finish"

    @cached_property
    def steps(self) -> list[Value]:
        return walk(self.roots)

    @cached_property
    def common(self) -> set[Value]:
        """The steps that are the same for all blocks."""
        return self._common(self.steps)

    def _common(self, steps: Sequence[Value]) -> set[Value]:
        found: set[Value] = set()
        for v in steps:
            own = v.params[0] in self.levels.split if v.op == "input" else any(self.n in d.names() for d in _dims(v))
            if not own and all(a in found for a in v.args):
                found.add(v)
        return found

    @cached_property
    def c(self) -> Source | None:
        """The function of a block in C, of the rows and what is common; None where it runs in NumPy."""
        if not self.split or not worthwhile(self.backend, self.steps, self.common, self.rates):
            return None
        return source_of_block(self.written_roots, [*self.split, *self.whole], self.letter)

    def _write(self) -> None:
        taken = set(self.names.taken)
        called = dict(self.names.parameters)
        for name in self.whole:
            if name not in called:
                called[name] = free_name(name.replace(" ", "_") if name.startswith("joined") else "total", taken)
                taken.add(called[name])
        emission = Emission(called, taken, self.rates, self.letter)
        rows = free_name("rows", emission.taken)
        fixed = self.common if self.blocks else ()
        self.written_roots = by_row_blocks(self.levels.graph, self.roots, self.rates, rows, fixed)
        results = emission.run(self.written_roots, self._common(walk(self.written_roots)) if self.blocks else ())
        returned = f"return {', '.join(results)}{',' * (len(results) == 1)}"
        body = [*emission.lines, returned]
        if self.blocks:
            block = free_name("block", taken)
            head = f"def {block}({', '.join([*(called[s] for s in self.split), self.n])}):"
            body = [*emission.early_lines, head, *(f"    {line}" for line in body), f"return {block}"]
        program = self.program
        program.positional = True
        program.lapack, program.modules = sorted(emission.lapack), sorted(emission.modules)
        finish(program, body, taken, {}, ())
        words = set(WORDS.findall("\n".join(program.lines)))
        program.parameters = {name: called[name] for name in self.whole}
        program.sizes = {s: s for s in self.names.sizes if s in words and not (self.blocks and s == self.n)}

    def memory(self, sizes: Mapping[str, int]) -> tuple[int, int]:
        """Entries of arrays for each row of a block, and entries beside, if nothing is written over."""
        each = beside = 0
        for v in self.steps:
            if v.op in ("number", "size", "unit", "selection") or (v.op == "input" and v.params[0] not in self.levels.split):
                continue
            count = 1
            for d in v.shape:
                count *= d.size({**sizes, self.n: 1})
            if any(self.n in d.names() for d in v.shape):
                each += count
            else:
                beside += count
        return each, beside


def _dims(v: Value) -> tuple[Dim, ...]:
    """The dimensions that the computation of a value speaks of."""
    own = v.params[2] if v.op == "contract" else v.params[:1] if v.op == "size" else ()
    return (*v.shape, *own)


class Plan:
    """The functions of a split program for certain sizes and a certain precision.

    rounds: each with what its blocks compute: values to be joined, then outputs by rows
    """

    def __init__(
        self, levels: Levels, n: str, names: Names, sizes: Mapping[str, int], letter: str, backend: str = "numpy"
    ) -> None:
        self.letter = letter
        self.joined: list[Sequence[Joined]] = []
        self.by_rows: list[list[Output]] = []
        self.rounds: list[Function] = []
        for k in range(levels.rounds):
            joined = levels.joined[k] if k < len(levels.joined) else ()
            outputs = list(dict.fromkeys(o for o in levels.outputs if o.axis >= 0 and o.level == k))
            roots = [*(j.value for j in joined), *(o.value for o in outputs)]
            self.joined.append(joined)
            self.by_rows.append(outputs)
            self.rounds.append(Function(f"round_{k + 1}", levels, roots, n, names, sizes, letter, backend))
        self.whole = list(dict.fromkeys(o for o in levels.outputs if o.axis < 0))
        self.finish = Function("finish", levels, [o.value for o in self.whole], n, names, sizes, letter, "numpy")

    @property
    def source(self) -> str:
        """All functions, as Python source."""
        return "\n\n".join(f.program.source() for f in (*self.rounds, self.finish))
