"""What every step needs to know: how large arrays are, how they lie in memory, whose they are; and numbers beside them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import Any

from frechet.compilation.timing import Rates
from frechet.compilation.values import Labels, Value
from frechet.compilation.writer import Writer, number, scaled
from frechet.expressions.dimension import Dim

Shape = tuple[Dim, ...]
NO_WORD = re.compile(r"\W+")
TINY = 64  # entries of an array: to convert a number of Python takes as long as to multiply them by it
NUMBERS = {"0.0": "zero", "0.5": "half", "1.0": "one", "2.0": "two", "3.0": "three", "4.0": "four"}


class Memory(Writer):
    """Names of arrays and what is known of them. See `Writer`.

    letter: s, d, c or z, as the dtype of the inputs: single or double precision
    """

    def __init__(self, names: Mapping[str, str], taken: set[str], rates: Rates, letter: str = "d") -> None:
        super().__init__(names, taken)
        self.rates = rates
        self.kind = letter
        self.total = 0.0  # seconds of the program
        self.single = letter in "sc"
        self.precision = ', "f"' if self.single else ""  # of real arrays, as an argument where it is not NumPy's own choice
        self.lapack: set[str] = set()
        self.modules: set[str] = set()  # further imports, and numbers that are made arrays of no axes once
        self.owned: set[str] = set()  # names of arrays that nobody else sees
        self.fortran: set[Value] = set()  # arrays that lie in memory column by column
        self.blocked: set[Value] = set()  # sums that are computed block by block
        self.stacked: set[Value] = set()  # sums of outer products that are computed as one product
        self.holders: dict[str, int] = {}  # how many values that are still needed are called so, or are views of that
        self.ours: set[str] = set()  # large arrays that are deleted when none is
        self.unheld: set[str] = set()  # those of which none is since this step
        self.row_major: dict[str, Shape] = {}  # names of real arrays known to lie in memory row by row, and their shapes
        self.spare: dict[Shape, list[str]] = {}  # those of them that nothing needs any more
        self.wanted: Counter[Shape] = Counter()  # how many products to come could be written over one
        self.columns: set[str] = set()  # names of arrays that lie in memory column by column
        self.across: set[str] = set()  # names of arrays whose axes lie in memory in another order
        self.inverted: set[Value] = set()  # factors of which the inverse is formed
        self.plain: set[Value] = set()  # numbers of Python that are computed
        self.left: dict[Value, int] = {}  # uses to come
        self.results: dict[Value, list[str]] = {}  # of loops over blocks of rows
        self.checked: set[Value] = set()  # factorizations known to be of invertible matrices
        self.otherwise = ""  # the call of the program for indefinite matrices
        self.tries = False  # is it called?
        self.infinite = "88.0" if self.single else "709.0"

    def entries(self, v: Value) -> int:
        return self.rates.entries(v.shape)

    def assign(self, v: Value, text: str, owned: bool = True) -> None:
        if not v.shape and v.op in ("map", "contract") and all(map(self.is_plain, v.args)):
            if v.op == "contract" or v.params[0][0] == "linear":
                self.plain.add(v)
            else:  # of a number of Python NumPy's functions make one of double precision
                text = self.in_precision(v, text)
        name = self.fresh()
        self.line(f"{name} = {text}")
        self.text[v] = name
        if owned and v.shape:
            self.owned.add(name)

    def place(self, v: Value) -> str:
        """An array of v's shape that nothing needs any more, to write v over; none where there is none."""
        found = self.spare.get(v.shape)
        return found.pop() if found and v.real else ""

    def keep(self, name: str) -> None:
        """Keeps an array that nothing needs any more, where there are products to come that could be written over it."""
        shape = self.row_major.get(name)
        if shape is not None and name in self.owned:
            kept = self.spare.setdefault(shape, [])
            if len(kept) < self.wanted[shape]:
                kept.append(name)

    def assign_row_major(self, v: Value, call: str, *arguments: str, out: str = "") -> None:
        """Assigns the result of a call, an array that lies in memory row by row, which may be written over a spare one.

        out: what stands before the last argument of the call then, the array to write over
        """
        place = self.place(v)
        if place:
            self.line(f"{call}({', '.join(arguments)}, {out}{place})")
            self.text[v] = place
            return
        self.assign(v, f"{call}({', '.join(arguments)})")
        if v.real and self.kind in "sd":
            self.row_major[self.text[v]] = v.shape

    def is_plain(self, v: Value) -> bool:
        """Is it a number of Python, which leaves arrays in their precision? An argument may be one beside single arrays."""
        return v.op in ("number", "size") or v in self.plain or (v.op == "input" and not v.shape and self.single)

    def free(self, v: Value) -> bool:
        """May v be written over: is it ours, and are we the last to use it?"""
        return bool(v.shape) and self.left.get(v, 0) == 1 and self.text.get(v) in self.owned

    def over(self, a: Value) -> int:
        """May LAPACK write over a, as its argument? The result is then a view of it, which nothing else may write over."""
        if not self.free(a):
            return 0
        self.owned.discard(self.text[a])
        return 1

    def room(self, v: Value, a: Value) -> bool:
        """May v be written over its operand a? Complex entries do not fit into a real array."""
        return a.real == v.real and self.free(a)

    def dtype(self, v: Value) -> str:
        """The type of the entries as an argument, where it is not NumPy's own choice."""
        if v.real:
            return self.precision
        return ', "F"' if self.single else ', "D"'

    def constant(self, c: Any, v: Value) -> str:
        """A number beside the entries of v: if these are few, an array of no axes, which NumPy takes as it is."""
        text = number(c)
        if not v.shape or isinstance(c, complex) or self.entries(v) > TINY:
            return text
        bare = text.strip("()")
        words = bare.replace("-", "minus ").replace("/", "over")
        name = NUMBERS.get(text) or f"number_{NO_WORD.sub('_', words)}"
        made = f"{name} = np.array({bare}{self.precision})"
        if name in self.taken and made not in self.modules:
            return text
        self.taken.add(name)
        self.modules.add(made)
        return name

    def ones(self, length: str) -> str:
        """A vector of ones of the program's precision."""
        return f"ones({length}{self.precision})"

    def times(self, c: Any, text: str, v: Value) -> str:
        """c·text, to be added to the entries of v."""
        return scaled(c, text, partial(self.constant, v=v))

    def in_precision(self, v: Value, text: str) -> str:
        """The source of a value that may come out in double precision, in the program's."""
        if not self.single:
            return text
        if v.shape:
            return f'np.asarray({text}, "{"f" if v.real else "F"}")'
        return f"np.{'float32' if v.real else 'complex64'}({text})"

    def letter(self, *operands: Value) -> str:
        """That of the routines of BLAS and LAPACK for these operands."""
        if all(a.real for a in operands):
            return "s" if self.single else "d"
        return "c" if self.single else "z"

    def call(self, name: str, *operands: Value) -> str:
        full = self.letter(*operands) + name
        self.lapack.add(full)
        return full

    def _by_rows(self, a: Value, labels: Labels) -> tuple[str, Labels]:
        """A matrix as it lies in memory row by row, with the labels of its axes then."""
        text = self.text[a]
        base, turned = text.removesuffix(".T"), text.endswith(".T")
        if base in self.columns:
            return f"{base}.T", labels if turned else labels[::-1]
        return base, labels[::-1] if turned else labels

    def diagonal(self, name: str) -> str:
        return f'{name}.ravel("K")[:: len({name}) + 1]'
