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
        for r, axis in zip(block.results, block.joined, strict=True):
            shape = [block.along if d is block.rows else d for d in r.shape]
            make = "zeros" if axis is None else "empty"
            names.append(self.fresh())
            self.line(f"{names[-1]} = np.{make}({self.shape(shape)}{self.dtype(r)})" if shape else f"{names[-1]} = 0.0")
            if shape:
                self.owned.add(names[-1])
        i = self.fresh("i")
        self.line(f"for {i} in range(0, {block.along}, {block.count}):")
        part = f"{i} : {i} + {block.count}"
        for line in self._of_one(v, block, part, names):
            self.line(f"    {line}")
        self.results[v] = names
        self.text[v] = names[0]

    def _of_one(self, v: Value, block: Block, part: str, names: list[str]) -> list[str]:
        """The lines for one block, which add to the results or fill in their rows."""
        lines, called = [], {}
        for stand, a, axis in zip(block.inputs, v.args, block.cut, strict=True):
            name = called[stand.params[0]] = self.text[a]
            if axis is not None:
                name = called[stand.params[0]] = self.fresh("x")
                lines.append(f"{name} = {self.text[a]}[{':, ' * axis}{part}]")
        inner = type(self)(called, self.taken, Rates({**self.rates.names, str(block.rows): block.count}), self.kind)
        inner.count = self.count
        inner.fortran = {
            s for s, a, axis in zip(block.inputs, v.args, block.cut, strict=True) if axis is None and a in self.fortran
        }
        inner.columns = self.columns
        texts = inner.run(block.results)
        self.count, self.taken = inner.count, inner.taken
        self.lapack |= inner.lapack
        self.modules |= inner.modules
        if str(block.rows) in WORDS.findall("\n".join(inner.lines)):
            lines.append(f"{block.rows} = min({block.count}, {block.along} - {part.split()[0]})")
        lines += inner.lines
        for name, text, axis in zip(names, texts, block.joined, strict=True):
            lines.append(f"{name} += {text}" if axis is None else f"{name}[{':, ' * axis}{part}] = {text}")
        return lines

    def _from_rows(self, v: Value) -> None:
        self.text[v] = self.results[v.args[0]][v.params[0]]
