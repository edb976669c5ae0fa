"""Steps that are done for one block of rows after the other: see `frechet.compilation.row_blocks`."""

from __future__ import annotations

from frechet.compilation.emitting.memory import Memory
from frechet.compilation.numpy_source import WORDS
from frechet.compilation.row_blocks import Block
from frechet.compilation.timing import Rates
from frechet.compilation.values import Value


class Blocks(Memory):
    """Loops over blocks of rows, whose steps are written as those of a program of their own."""

    def _over_rows(self, v: Value) -> None:
        (block,) = v.params
        self.line(f"# {block.along} rows, {block.count} at a time")
        names = []
        for r, joined in zip(block.results, block.joined, strict=True):
            shape = [block.along, *r.shape[1:]] if joined else r.shape
            make = "empty" if joined else "zeros"
            names.append(self.fresh())
            self.line(f"{names[-1]} = np.{make}({self.shape(shape)}{self.dtype(r)})" if shape else f"{names[-1]} = 0.0")
            if shape:
                self.owned.add(names[-1])
        i = self.fresh("i")
        self.line(f"for {i} in range(0, {block.along}, {block.count}):")
        for line in self._of_one(v, block, i, names):
            self.line(f"    {line}")
        self.results[v] = names
        self.text[v] = names[0]

    def _of_one(self, v: Value, block: Block, i: str, names: list[str]) -> list[str]:
        """The lines for one block, which add to the results or fill in their rows."""
        part = f"{i} : {i} + {block.count}"
        lines: list[str] = []
        called: dict[str, str] = {}
        inner = type(self)(called, self.taken, Rates({**self.rates.names, str(block.rows): block.count}), self.kind)
        inner.count = self.count
        for stand, a, cut in zip(block.inputs, v.args, block.cut, strict=True):
            name = called[stand.params[0]] = inner.fresh("x") if cut else self.text[a]
            if cut:
                text = self._by_rows(a, (0, 1))[0] if a.symmetric and a.real else self.text[a]
                lines.append(f"{name} = {text}[{part}]")
            elif a in self.fortran:
                inner.fortran.add(stand)
        inner.columns = self.columns
        texts = inner.run(block.results)
        self.count, self.taken = inner.count, inner.taken
        self.lapack |= inner.lapack
        self.modules |= inner.modules
        if str(block.rows) in WORDS.findall("\n".join(inner.lines)):
            lines.append(f"{block.rows} = min({block.count}, {block.along} - {i})")
        lines += inner.lines
        for name, text, joined in zip(names, texts, block.joined, strict=True):
            lines.append(f"{name}[{part}] = {text}" if joined else f"{name} += {text}")
        return lines

    def _from_rows(self, v: Value) -> None:
        self.text[v] = self.results[v.args[0]][v.params[0]]
