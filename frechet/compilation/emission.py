"""Programs as NumPy source: one assignment a step, in the cheapest call that computes it.

Small arrays are bound by the calls, so `A.dot(x)` is written rather than `A @ x`, and LAPACK is called itself; large ones by
memory, so a step writes over an operand that nothing needs any more.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from math import prod
from typing import Any

from frechet.compilation.rewriting import LARGE
from frechet.compilation.timing import Rates
from frechet.compilation.values import Labels, Value, results_early, uses, walk
from frechet.compilation.writer import (
    BESIDE,
    SELECTORS,
    Writer,
    elementwise,
    index,
    letters,
    number,
    sign_and_size,
    signed_sum,
)
from frechet.expressions.dimension import Dim
from frechet.expressions.operation import operation_named
from frechet.operations.elementwise import Elementwise

UFUNC = re.compile(r"np\.(\w+)\(\{0\}\)")
STACKED = 10_000  # entries of a matrix
BLOCKED = 50_000  # entries: a Hessian beyond the first cache
IN_CACHE = 40_000  # entries, up to which a copy, or a second pass, costs less than a loop across the rows
ACROSS = 90_000  # entries, up to which it pays to turn one of two matrices before they are added
TURNED = 2_000  # entries, up to which the order of axes in memory does not matter
MULTIPLIED = 8  # the highest power of a number as a product
FEW_ROWS = 16  # of a matrix that is inverted by solving, in one call and not four
MIRRORED = 500  # rows, from which on `mirrored` leaves a matrix column by column
FORGOTTEN = 4096  # entries of an array that is deleted after its last use, so that the next one gets its memory
SMALL_PRODUCT = 30_000  # multiplications, up to which a product of two matrices costs about as much as its call
UFUNCS = {
    "sqrt": "np.sqrt", "conj": "np.conjugate", "epower": "np.float_power", "maximum": "np.maximum", "minimum": "np.minimum",
}  # fmt: skip
ROUTINES = {f"{t}{r}" for t in "sdcz" for r in ("gemv", "gemm", "potrf", "potrs", "potri", "getrf", "getrs", "getri")}
IN_PLACE = {"+": "+=", "-": "-=", "*": "*=", "/": "/="}


class Emission(Writer):
    """Writes the steps of a program for NumPy. See `Writer`.

    letter: s, d, c or z, as the dtype of the inputs: single or double precision
    """

    def __init__(self, names: Mapping[str, str], taken: set[str], rates: Rates, letter: str = "d") -> None:
        super().__init__(names, taken)
        self.rates = rates
        self.single = letter in "sc"
        self.lapack: set[str] = set()
        self.modules: set[str] = set()  # further imports
        self.owned: set[str] = set()  # names of arrays that nobody else sees
        self.fortran: set[Value] = set()  # arrays that lie in memory column by column
        self.blocked: set[Value] = set()  # sums that are computed block by block
        self.stacked: set[Value] = set()  # sums of outer products that are computed as one product
        self.holders: dict[str, int] = {}  # how many values that are still needed are called so, or are views of that
        self.ours: set[str] = set()  # large arrays that are deleted when none is
        self.unheld: set[str] = set()  # those of which none is since this step
        self.columns: set[str] = set()  # names of arrays that lie in memory column by column
        self.inverted: set[Value] = set()  # factors of which the inverse is formed
        self.left: dict[Value, int] = {}  # uses to come
        self.checked: set[Value] = set()  # factorizations known to be of invertible matrices
        self.otherwise = ""  # the call of the program for indefinite matrices
        self.tries = False  # is it called?
        self.infinite = "88.0" if self.single else "709.0"

    def entries(self, v: Value) -> int:
        return self.rates.entries(v.shape)

    def assign(self, v: Value, text: str, owned: bool = True) -> None:
        name = self.fresh()
        self.line(f"{name} = {text}")
        self.text[v] = name
        if owned and v.shape:
            self.owned.add(name)

    def free(self, v: Value) -> bool:
        """May v be written over: is it ours, and are we the last to use it?"""
        return bool(v.shape) and self.left.get(v, 0) == 1 and self.text.get(v) in self.owned

    def room(self, v: Value, a: Value) -> bool:
        """May v be written over its operand a? Complex entries do not fit into a real array."""
        return a.real == v.real and self.free(a)

    # -- the whole
    def run(self, roots: Sequence[Value], early: Collection[Value] = ()) -> list[str]:
        """Writes all steps, those of `early` first, which later ones leave as they are; what the roots are called."""
        steps = _determinants_first(results_early(walk(roots), roots))
        self.left = uses(roots)
        self.users = dict(self.left)
        self.skip(steps, roots)
        self.inverted = {v.args[0] for v in steps if v.op == "inverse"}
        self._skip_diagonals(steps, roots)
        self._accumulate(steps, roots, early)
        self._in_blocks(steps)
        for v in steps:
            if v in early:
                self.step(v)
        if early:
            self.owned.clear()
            self.ours.clear()
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
            dead = self.unheld & self.ours
            if dead:
                self.line(f"del {', '.join(sorted(dead))}")
                self.ours -= dead
            self.unheld.clear()

    def _skip_diagonals(self, steps: Sequence[Value], roots: Sequence[Value]) -> None:
        """Diagonal matrices that are only added to matrices are added on their diagonals, single entries at their places."""
        full: set[Value] = set(roots)
        for u in steps:
            if u.op == "map" and u.params[0][0] == "linear" and not all(map(_diagonal_only, u.args)):
                own = tuple(range(len(u.shape)))
                full.update(a for a, labels in zip(u.args, u.params[1], strict=True) if sorted(labels) != list(own))
            else:
                full.update(u.args)
        self.skipped.update(v for v in steps if (_diagonal_only(v) or _placed(v)) and v not in full)

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

    def _is_multiple(self, u: Value) -> bool:
        """Is it a number times a product of two small matrices?"""
        if u.op != "contract" or len(u.args) != 1 or len(u.shape) != 2 or u.params[0] != (u.params[1],):
            return False
        a = u.args[0]
        if isinstance(u.params[3], complex) or not accumulable(a, True) or not a.real:
            return False
        return prod(self.rates.size(d) for d in a.params[2]) < SMALL_PRODUCT

    def _in_blocks(self, steps: Sequence[Value]) -> None:
        """Sums of outer products, as dense Hessians are: one product if all have the same axes, else in blocks."""
        for u in steps:
            if u.op != "map" or u.params[0][0] != "linear" or len(u.shape) < 2:
                continue
            if not all(self.users[a] == 1 and _outer_product(a) for a in u.args):
                continue
            sides = {frozenset(_sides(a, labels)) for a, labels in zip(u.args, u.params[1], strict=True)}
            apart = all(len(pair) == 2 and all(pair) and sum(map(len, pair)) == len(u.shape) for pair in sides)
            if len(sides) == 1 and apart and (len(u.shape) > 2 or self.entries(u) > STACKED):
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

    def dtype(self, v: Value) -> str:
        """The type of the entries as an argument, where it is not NumPy's own choice."""
        if v.real:
            return ', "f"' if self.single else ""
        return ', "F"' if self.single else ', "D"'

    def letter(self, *operands: Value) -> str:
        """That of the routines of BLAS and LAPACK for these operands."""
        if all(a.real for a in operands):
            return "s" if self.single else "d"
        return "c" if self.single else "z"

    def call(self, name: str, *operands: Value) -> str:
        full = self.letter(*operands) + name
        self.lapack.add(full)
        return full

    # -- leaves
    def _unit(self, v: Value) -> None:
        if self.users[v] == 0:
            return
        self.text[v] = f"np.eye({v.shape[0]!s})[{index(v.params[0])}]"

    def _selection(self, v: Value) -> None:
        first, last = v.params
        self.text[v] = f"np.eye({v.shape[0]!s})[:, {index(first)}:{last}]"

    def _ones(self, v: Value) -> None:
        self.assign(v, f"np.ones({self.shape(v.shape)}{self.dtype(v)})")

    # -- contractions
    def _contract(self, v: Value) -> None:
        ins, out, _, c = v.params
        if not v.args:
            self._constant(v)
        elif len(v.args) == 1:
            self._one(v, v.args[0], ins[0], out, c)
        else:
            self._two(v)

    def _constant(self, v: Value) -> None:
        _, out, dims, c = v.params
        if len(set(out)) == len(out):
            self.assign(v, f"np.full({self.shape(v.shape)}, {number(c)}{self.dtype(v)})")
        elif out == (0, 0):
            self.assign(v, f"np.eye({dims[0]}{self.dtype(v).replace(', ', ', dtype=')})")
            if c != 1:
                self.line(f"{self.text[v]} *= {number(c)}")
        else:
            self._spread_text(v, number(c), (), out, v.shape)

    def _one(self, v: Value, a: Value, labels: Labels, out: Labels, c: Any) -> None:
        if a in self.accumulated:
            self._added(v, c, a, None, 0, 0)
            return
        text = self.text[a]
        owned = False
        if len(set(labels)) < len(labels):  # a diagonal, or the sum of one
            if len(labels) == 2 and not out:
                self.assign(v, scaled(c, f"np.add.reduce({text}.diagonal())"), False)  # A.trace() takes longer
                return
            if len(labels) == 2 and out == labels[:1]:
                self.assign(v, f"{text}.diagonal()" if c == 1 else f"{number(c)} * {text}.diagonal()", c != 1)
                if c == 1:
                    self.owned.discard(self.text[a].removesuffix(".T"))
                return
            elif len(labels) == 2:
                text, labels = f"{text}.diagonal()", labels[:1]
            else:
                kept = tuple(k for k in out if k in labels)
                text, labels = f'np.einsum("{letters(labels)}->{letters(kept)}", {text})', kept
        summed = [k for k in range(len(labels)) if labels[k] not in out]
        if summed:
            if len(summed) == len(labels):
                text = f"np.add.reduce({text}, None)" if len(labels) > 1 else f"np.add.reduce({text})"
            else:
                axes = str(summed[0]) if len(summed) == 1 else str(tuple(summed))
                text = f"np.add.reduce({text}, {axes})"
            labels = tuple(k for k in labels if k in out)
            owned = True
        if set(labels) == set(out) and labels != out:
            text = self.turned(text, labels, out)
        if not labels and out:
            fill = f"float({text})" if a.op == "size" else text
            text, owned = f"np.full({self.shape(v.shape)}, {fill})", True
        elif len(labels) < len(out):
            text = f"np.broadcast_to({self.aligned(text, labels, out)}, {self.shape(v.shape)})"
            text, owned = f"{text}.copy()", True
        if c != 1 and self.room(v, a) and text.removesuffix(".T") == self.text[a]:  # scaled where it is
            name = self.text[a]
            self.line(f"{name} *= {number(c)}" if c != -1 else f"np.negative({name}, {name})")
            c = 1
        if c != 1:
            text, owned = (f"{number(c)} * {text}" if c != -1 else f"-{text}"), True
            self.assign(v, text)
            return
        base = self.text[a].removesuffix(".T")
        if re.fullmatch(r"[\w.]+", text):
            self.text[v] = text  # a view
            if self.left[a] > 1:
                self.owned.discard(base)
            return
        view = not owned
        self.assign(v, text, owned or (base in self.owned and self.left[a] == 1))
        if view:
            self.owned.discard(base)

    def _two(self, v: Value) -> None:
        (la, lb), out, _, _ = v.params
        a, b = v.args
        for one, other, lo, lt in ((a, b, la, lb), (b, a, lb, la)):
            if one.op in SELECTORS and self._select(v, one, other, lo, lt, out):
                return
        both = set(la) & set(lb)
        summed = both - set(out)
        if not summed:
            self._multiply(v, a, b, la, lb, out)
            return
        batch = both & set(out)
        ta, tb = self.text[a], self.text[b]
        if len(la) == len(lb) == 2 and summed == {*la} and a.real and b.real:
            self.assign(v, self._all_entries(a, b, la, lb), False)
            return
        rows = 0 if batch or len(la) != 2 or len(lb) != 2 or len(out) != 2 else self._block(a, b, la, lb, out)
        if rows:
            left, right = (ta, tb) if out[0] in la else (tb, ta)
            name, i = self.fresh(), self.fresh("i")
            self.line(f"{name} = np.empty({self.shape(v.shape)}{self.dtype(v)})")
            self.line(f"for {i} in range(0, len({name}), {rows}):")
            self.line(f"    {left}[{i} : {i} + {rows}].dot({right}, {name}[{i} : {i} + {rows}])")
            self.text[v] = name
            self.owned.add(name)
            return
        if not batch and len(la) <= 2 and len(lb) <= 2:
            self.assign(v, self.product(a, b, la, lb, out), bool(out))
            return
        if len(batch) == 1 and len(la) == len(lb) == 2 and a.real and b.real and la == lb and la[1] in summed:
            self.assign(v, f"np.vecdot({ta}, {tb})")
            return
        if len(batch) == 1 and len(la) == len(lb) == 2:
            self.assign(v, f'np.einsum("{letters(la)},{letters(lb)}->{letters(out)}", {ta}, {tb})')
            return
        self.assign(v, self._general(ta, tb, la, lb, out))

    def _block(self, a: Value, b: Value, la: Labels, lb: Labels, out: Labels) -> int:
        """The rows at a time in which a large matrix is multiplied by one of few columns; 0 for all at once.

        Below a million products the BLAS that NumPy ships reads the matrix as it lies, beyond that it makes a copy in its
        own order first, which takes as long as the product itself where there are few columns.
        """
        if out[0] in lb:
            a, b, la, lb = b, a, lb, la
        sizes = [self.rates.size(d) for d in (a.shape[0], a.shape[1], b.shape[1])]
        plain = la[0] == out[0] and lb[1] == out[1] and not any(self.text[x].endswith(".T") for x in (a, b))
        if self.letter(a, b) != "d" or not plain or b in self.fortran or a in self.fortran or sizes[2] > 16:
            return 0
        rows = min(1_000_000 // (sizes[1] * sizes[2]), 200)
        return rows if sizes[0] * sizes[1] >= 400_000 and sizes[0] >= 2 * rows >= 80 else 0

    def _all_entries(self, a: Value, b: Value, la: Labels, lb: Labels) -> str:
        """The sum of the products of the entries of two matrices: of both as they lie in memory, if they lie alike."""
        (ta, la), (tb, lb) = self._by_rows(a, la), self._by_rows(b, lb)
        if a.symmetric or b.symmetric:
            la = lb
        tb = tb if la == lb else self.turned(tb, lb, la)
        alike = la == lb or self.entries(a) <= IN_CACHE  # else vdot makes a copy of one
        return f"np.vdot({ta}, {tb})" if alike else f'np.einsum("ij,ij", {ta}, {tb})'

    def _by_rows(self, a: Value, labels: Labels) -> tuple[str, Labels]:
        """A matrix as it lies in memory row by row, with the labels of its axes then."""
        text = self.text[a]
        base, turned = text.removesuffix(".T"), text.endswith(".T")
        if base in self.columns:
            return f"{base}.T", labels if turned else labels[::-1]
        return base, labels[::-1] if turned else labels

    def dot(self, left: str, right: str) -> str:
        return f"{left}.dot({right})"

    def inner(self, left: str, right: str, real: bool) -> str:
        return f"np.vdot({left}, {right})" if real and not right.endswith(".T") else f'np.einsum("ij,ij", {left}, {right})'

    def _general(self, ta: str, tb: str, la: Labels, lb: Labels, out: Labels) -> str:
        """Any axes: as a product of matrices where no label is in both operands and the result, else a loop."""
        both = [k for k in la if k in lb]
        if not set(both) & set(out):
            axes = [[la.index(k) for k in both], [lb.index(k) for k in both]]
            text = f"np.tensordot({ta}, {tb}, {axes})"
            return self.turned(text, (*(k for k in la if k not in both), *(k for k in lb if k not in both)), out)
        batch = [k for k in both if k in out]
        summed = [k for k in both if k not in out]
        rows, columns = [k for k in la if k not in both], [k for k in lb if k not in both]
        if len(rows) == len(columns) == len(summed) == 1:
            left = self.turned(ta, la, (*batch, *rows, *summed))
            right = self.turned(tb, lb, (*batch, *summed, *columns))
            return self.turned(f"np.matmul({left}, {right})", (*batch, *rows, *columns), out)
        return f'np.einsum("{letters(la)},{letters(lb)}->{letters(out)}", {ta}, {tb})'

    def _select(self, v: Value, one: Value, other: Value, lo: Labels, lt: Labels, out: Labels) -> bool:
        """A product with columns of the identity: a part of the other operand, or that among zeros."""
        part = self.part(one, other, lo, lt, out)
        if part is not None:
            self.assign(v, part, False)
            if v.shape:
                self.owned.discard(self.text[v])
            self.owned.discard(self.text[other])
            return True
        found = self.among_zeros(one, other, lo, lt, out)
        if found is None:
            return False
        axis, inside = found
        at = index(one.params[0]) if one.op == "unit" else f"{index(one.params[0])}:{one.params[1]}"
        name = self.fresh()
        self.line(f"{name} = np.zeros({self.shape(v.shape)}{self.dtype(v)})")
        self.line(f"{name}[{', '.join(at if k == axis else ':' for k in range(len(out)))}] = {inside}")
        self.text[v] = name
        self.owned.add(name)
        return True

    def _multiply(self, v: Value, a: Value, b: Value, la: Labels, lb: Labels, out: Labels) -> None:
        """Entry by entry, with division for reciprocals, over an operand that is not needed any more."""
        if a in self.skipped or (b not in self.skipped and not self._target(v, a, la) and self._target(v, b, lb)):
            a, b, la, lb = b, a, lb, la
        operator, other = "*", b
        if b in self.skipped:
            operator, other, lb = BESIDE[b.params[0]][0], b.args[0], tuple(lb[k] for k in b.params[1][0])
        right = self.aligned(self.text[other], lb, out)
        if b in self.skipped:
            right = BESIDE[b.params[0]][1].format(right)
        if self._target(v, a, la):
            self.line(f"{self.text[a]} {IN_PLACE[operator]} {right}")
            self.text[v] = self.text[a]
            return
        if a is b and la == lb and a not in self.skipped and len(la) == len(out):
            self.assign(v, f"np.square({right})" if a.shape else f"{right} * {right}")
            return
        if operator == "*" and self._outer(v, a, b, la, lb, out):
            return
        left = self.aligned(self.text[a], la, out)
        self.assign(v, f"{left} {operator} {right}")

    def _outer(self, v: Value, a: Value, b: Value, la: Labels, lb: Labels, out: Labels) -> bool:
        """An outer product as a product of a column and a row, which takes half as long where it stays in the cache."""
        if la[:1] != out[:1]:
            a, b, la, lb = b, a, lb, la
        apart = len({*la, *lb}) == len(la) + len(lb) == len(out) and not {a, b} & self.skipped
        limit = IN_CACHE if (*la, *lb) == out else TURNED
        if not (la and lb and apart and a.real and b.real and self.entries(v) <= limit):
            return False
        column = f"{self.text[a]}[:, None]" if len(la) == 1 else f"{self.text[a]}.reshape(-1, 1)"
        row = f"{self.text[b]}[None]" if len(lb) == 1 else f"{self.text[b]}.reshape(1, -1)"
        text = f"{column}.dot({row})"
        if len(out) > 2:
            text += f".reshape({self.shape([v.shape[out.index(k)] for k in (*la, *lb)])})"
        self.assign(v, self.turned(text, (*la, *lb), out))
        return True

    def _target(self, v: Value, a: Value, labels: Labels) -> bool:
        return labels == v.params[1] and a not in self.skipped and self.room(v, a)

    def _spread(self, v: Value) -> None:
        labels, out = v.params
        self._spread_text(v, self.text[v.args[0]], labels, out, v.shape)

    def _spread_text(self, v: Value, text: str, labels: Labels, out: Labels, shape: Sequence[Dim]) -> None:
        """Zeros, but where equal labels have equal places."""
        name = self.fresh()
        self.line(f"{name} = np.zeros({self.shape(shape)}{self.dtype(v)})")
        self.text[v] = name
        self.owned.add(name)
        order = tuple(dict.fromkeys(out))
        value = self.aligned(text, labels, order) if labels else text
        if len(out) == 2:
            self.line(f"{self.diagonal(name)} = {value}")
            return
        s = self.fresh("s")  # a step along axes of one label at once
        steps = [" + ".join(f"{s}[{i}]" for i, k in enumerate(out) if k == label) for label in order]
        lengths = [str(shape[out.index(k)]) for k in order]
        self.line(f"{s} = {name}.strides")
        self.line(f"np.ndarray({_tuple(lengths)}, {name}.dtype, {name}, 0, {_tuple(steps)})[:] = {value}")

    def diagonal(self, name: str) -> str:
        return f'{name}.ravel("K")[:: len({name}) + 1]'

    # -- maps
    def _map(self, v: Value) -> None:
        function, ins = v.params
        own = tuple(range(len(v.shape)))
        name = function[0]
        if name == "linear":
            self._linear(v, function[1:], ins)
            return
        texts = [self.aligned(self.text[a], labels, own) for a, labels in zip(v.args, ins, strict=True)]
        target = next((i for i, a in enumerate(v.args) if ins[i] == own and self.room(v, a)), None)
        place = self.text[v.args[target]] if target is not None else ""
        if name == "power":
            self._power(v, function[1], texts[0], place)
            return
        self._function(v, name, texts, place)

    def _apply(self, v: Value, function: str, texts: Sequence[str], place: str = "") -> None:
        """A ufunc, its result written over the array `place` where one is given."""
        if place:
            # of maximum and minimum the third argument by position is deprecated
            place_text = f"out={place}" if function in ("np.maximum", "np.minimum") else place
            self.line(f"{function}({', '.join([*texts, place_text])})")
            self.text[v] = place
        else:
            self.assign(v, f"{function}({', '.join(texts)})")

    def _function(self, v: Value, name: str, texts: list[str], place: str) -> None:
        if name in UFUNCS:
            self._apply(v, UFUNCS[name], texts, place)
        elif name == "relu":
            self._apply(v, "np.maximum", [*texts, "0.0"], place)
        elif name in ("re", "im"):
            part = f"np.{'real' if name == 're' else 'imag'}({texts[0]})"
            self.assign(v, f"{part}.copy()" if v.shape else part)
        elif name == "step":
            x = texts[0]
            self.assign(v, f"np.greater({x}, 0.0).astype({x}.dtype)" if v.shape else f"float({x} > 0.0)")
        elif name in ("sigmoid", "exp_of_minus"):
            self._sigmoid(v, name, texts[0], place)
        elif name == "softplus":
            self._softplus(v, texts[0], place)
        else:
            page = operation_named(name)
            template = page.template if isinstance(page, Elementwise) else f"{name}({', '.join(texts)})"
            match = UFUNC.fullmatch(template)
            if match:
                self._apply(v, f"np.{match[1]}", texts, place)
                return
            text = template.format(*texts, name=name)
            self.assign(v, text)

    def _sigmoid(self, v: Value, name: str, x: str, place: str) -> None:
        """1/(1 + exp(-x)), or only exp(-x), kept from overflow; of few entries SciPy's function, which is one call."""
        if not v.shape:
            e = f"np.exp(min(-{x}, {self.infinite}))"
            self.assign(v, e if name == "exp_of_minus" else f"1.0 / (1.0 + {e})")
            return
        if self.entries(v) < LARGE and name == "sigmoid":
            self.modules.add("from scipy import special")
            self._apply(v, "special.expit", [x], place)
            return
        t = place or self.fresh()
        self.line(f"np.negative({x}, {t})" if place else f"{t} = np.negative({x})")
        self.line(f"np.minimum({t}, {self.infinite}, out={t})")
        self.line(f"np.exp({t}, {t})")
        if name == "sigmoid":
            self.line(f"{t} += 1.0")
            self.line(f"np.reciprocal({t}, {t})")
        self.owned.add(t)
        self.text[v] = t

    def _softplus(self, v: Value, x: str, place: str) -> None:
        """max(x, 0) + log1p(exp(-|x|)), exact to the last digits on both sides."""
        if not v.shape:
            self.assign(v, f"max({x}, 0.0) + np.log1p(np.exp(-abs({x})))")
            return
        if self.entries(v) < LARGE:
            self._apply(v, "np.logaddexp", [x, "0.0"], place)
            return
        t = self.fresh()
        self.line(f"{t} = np.abs({x})")
        for step in (f"np.negative({t}, {t})", f"np.exp({t}, {t})", f"np.log1p({t}, {t})"):
            self.line(step)
        self.line(f"{t} += np.maximum({x}, 0.0{f', out={place}' if place else ''})")
        self.owned.add(t)
        self.text[v] = t

    def _power(self, v: Value, k: Any, x: str, place: str) -> None:
        size, inverse = abs(k), k < 0
        if not v.shape:
            plain = {2: f"{x} * {x}", 3: f"{x} * {x} * {x}", 1: x, Fraction(1, 2): f"np.sqrt({x})"}
            text = plain.get(size, f"np.power({x}, {number(size)})")
            if size in range(4, MULTIPLIED + 1):
                text = " * ".join([x] * int(size))
            self.assign(v, f"1.0 / ({text})" if inverse and " " in text else f"1.0 / {text}" if inverse else text)
            return
        if size == 2:
            self._apply(v, "np.square", [x], place)
        elif size == Fraction(1, 2):
            self._apply(v, "np.sqrt", [x], place)
        elif size == 3 and not place:
            self.assign(v, f"{x} * {x} * {x}")
        elif size != 1:
            self._apply(v, "np.power", [x, number(size)], place)
        if inverse:
            mine = place or ("" if size == 1 else self.text[v])
            self._apply(v, "np.reciprocal", [x if size == 1 else self.text[v]], mine)

    def _linear(self, v: Value, coefficients: Sequence[Any], ins: Sequence[Labels]) -> None:
        own = tuple(range(len(v.shape)))
        terms = list(zip(coefficients, v.args, ins, strict=True))
        if not v.shape:
            self.assign(v, signed_sum([(c, self.text[a]) for c, a, _ in terms]))
            return
        if v in self.blocked:
            self._blocks(v, terms)
            return
        if v in self.stacked:
            self._stack(v, terms)
            return
        on_diagonal = [t for t in terms if _diagonal_only(t[1]) and len(own) == 2]
        placed = [t for t in terms if _placed(t[1]) and t[1] in self.skipped]
        if placed and len(placed) == len(terms):
            self._among_zeros(v, placed)
            return
        products = [t for t in terms if t[1] in self.accumulated]
        rest = [t for t in terms if t not in on_diagonal and t not in placed and t not in products]
        if products and (not rest or (len(rest) == 1 and rest[0][2] == own and self.text[rest[0][1]] in self.columns)):
            c, a, _ = products.pop(0)
            self.text[a] = name = self.fresh()
            (la, lb), out, _, _ = a.params
            self.line(f"{name} = {self.product(a.args[0], a.args[1], la, lb, out)}")
            self.owned.add(name)
            self.left[a] = 1
            rest.append((c, a, own))
        if not rest:
            rest, on_diagonal = on_diagonal, []
        # over an operand that is not needed any more; else beginning with a pair without coefficients, of the sum's own type
        rest.sort(
            key=lambda t: (not (t[2] == own and self.room(v, t[1])), _real(t) != v.real, t[0] != 1, len(t[2]) < len(own))
        )
        c, a, labels = rest[0]
        if products and labels == own and len(rest) == 1 and (c != 1 or not self.free(a)):
            name = self._added(v, *products.pop(0)[:2], self.text[a], c, 1 if self.free(a) else 0)
        elif labels == own and self.room(v, a):
            name = self.text[a]
            if c == -1 and len(rest) > 1 and rest[1][0] == 1:  # b - a
                self.line(f"np.subtract({self._aligned(rest[1], own)}, {name}, {name})")
                rest = [rest[0], *rest[2:]]
            elif c != 1:
                self.line(f"np.negative({name}, {name})" if c == -1 else f"{name} *= {number(c)}")
        elif len({k for _, _, some in rest[:2] for k in some}) < len(own) or _real(rest[0]) != v.real:
            rest = [(0, a, ()), *rest]
            name = self.fresh()
            self.line(f"{name} = np.zeros({self.shape(v.shape)}{self.dtype(v)})")
        else:
            first = self._beginning(v, rest[:2], own)
            rest = [first[0], *(t for t in rest if t not in first)]
            name = self.fresh()
            text = signed_sum([(t[0], self._aligned(t, own)) for t in first])
            if len(first) == 1 and first[0][0] == 1:
                text = f"{text}.copy()"
            self.line(f"{name} = {text}")
        self.text[v] = name
        self.owned.add(name)
        for c, a, labels in rest[1:]:
            sign, size = sign_and_size(c)
            self.line(f"{name} {IN_PLACE[sign]} {scaled(size, self._aligned((c, a, labels), own))}")
        for c, a, _ in products:
            name = self._added(v, c, a, name, 1, 1)
        for c, a, _ in placed:
            at, value = self._entry(a)
            sign, size = sign_and_size(c)
            self.line(f"{name}[{at}] {IN_PLACE[sign]} {scaled(size, value)}")
        for c, a, _ in on_diagonal:
            inner, own_c = _on_diagonal(a)
            sign, size = sign_and_size(c * own_c)
            value = number(size) if inner is None else scaled(size, self.text[inner])
            self.line(f"{self.diagonal(name)} {IN_PLACE[sign]} {value}")

    def _beginning(self, v: Value, pair: list[tuple[Any, Value, Labels]], own: Labels) -> list[tuple[Any, Value, Labels]]:
        """What a new array begins with: both terms, or of matrices that lie across each other that which is turned first."""
        if self.entries(v) <= ACROSS and all(len(labels) == len(own) == 2 for _, _, labels in pair):
            across = [t for t in pair if self._by_rows(t[1], t[2])[1] != own]
            if len(pair) == 2 and len(across) == 1 and across[0][0] == 1 and _real(across[0]) == v.real:
                return across
        return pair

    def _stack(self, v: Value, terms: Sequence[tuple[Any, Value, Labels]]) -> None:
        """A sum of outer products with the same axes as one product: of the columns a with the rows b'.

        A large one along its first axis, so that what is computed in another order of axes is in the cache.
        """
        sides = sorted(_sides(terms[0][1], terms[0][2]), key=sorted)
        orders = [tuple(sorted(side)) for side in sides]
        large = len(v.shape) > 2 and self.entries(v) > BLOCKED
        stacks: list[list[str]] = [[], []]
        for c, a, labels in terms:
            axis_of = dict(zip(a.params[1], labels, strict=True))
            for b, own in zip(a.args, a.params[0], strict=True):
                axes = tuple(axis_of[k] for k in own)
                side = sides.index(frozenset(axes))
                text = self.turned(self.text[b], axes, orders[side])
                if side == 0 and c != 1:
                    text = f"({scaled(c, text)})"
                if len(axes) > 1:
                    text = f"{text}.reshape({v.shape[0]}, -1)" if large and side == 0 else f"{text}.ravel()"
                stacks[side].append(text)
        columns, rows = (f"np.array(({', '.join(stack)}))" for stack in stacks)
        order = (*orders[0], *orders[1])
        own = tuple(range(len(order)))
        if large:
            order, own = order[1:], own[1:]
            left, right, i, name = self.fresh(), self.fresh(), self.fresh("i"), self.fresh()
            self.line(f"{left} = {columns}")
            self.line(f"{right} = {rows}")
            self.line(f"{name} = np.empty({self.shape(v.shape)}{self.dtype(v)})")
            self.line(f"for {i} in range(len({name})):")
            columns, rows = f"{left}[:, {i}]", right
        text = f"{columns}.T.dot({rows})"
        if len(order) > 2 or large:
            text += f".reshape({', '.join(str(v.shape[k]) for k in order)})"
        text = self.turned(text, order, own)
        if large:
            self.line(f"    {name}[{i}] = {text}")
            self.text[v] = name
            self.owned.add(name)
        else:
            self.assign(v, text)

    def _blocks(self, v: Value, terms: Sequence[tuple[Any, Value, Labels]]) -> None:
        """A sum of outer products along its first axis: entries are added to while they are in the cache."""
        name, row, i = self.fresh(), self.fresh("row"), self.fresh("i")
        self.line(f"{name} = np.empty({self.shape(v.shape)}{self.dtype(v)})")
        self.line(f"for {i} in range(len({name})):")
        self.line(f"    {row} = {name}[{i}]")
        for position, (c, a, labels) in enumerate(terms):
            factors = [
                self._slice(b, tuple(labels[a.params[1].index(k)] for k in own), i, len(v.shape))
                for b, own in zip(a.args, a.params[0], strict=True)
            ]
            factors.sort(key=len)
            sign, size = sign_and_size(c)
            if size != 1:
                factors[0] = f"({number(size)} * {factors[0]})"
            if position == 0:
                self.line(f"    np.multiply({', '.join(factors)}, {row})")
                if sign == "-":
                    self.line(f"    np.negative({row}, {row})")
            else:
                self.line(f"    {row} {IN_PLACE[sign]} {' * '.join(factors)}")
        self.text[v] = name
        self.owned.add(name)

    def _slice(self, b: Value, labels: Labels, i: str, rank: int) -> str:
        """An operand at one place of the first axis, so that it is broadcast to the other axes."""
        text = self.text[b]
        if 0 in labels:
            at = labels.index(0)
            text = f"{text}[{':, ' * at}{i}]"
            labels = labels[:at] + labels[at + 1 :]
        return self.aligned(text, labels, tuple(range(1, rank)))

    def _added(self, v: Value, c: Any, a: Value, to: str | None, factor: Any, over: int) -> str:
        """factor·to + c·a for a product of matrices a, by GEMM or GEMV, or c·a; what the result is called.

        BLAS counts columns first: of arrays that lie row by row it is given the transposes.
        """
        (la, lb), out, _, _ = a.params
        left, right = a.args
        if len(out) == 1:
            if len(la) == 1:
                left, right, la, lb = right, left, lb, la
            text, labels = self._by_rows(left, la)
            turned = 1 if labels[::-1] != (out[0], lb[0]) else 0
            arguments = f"{number(c)}, {text}.T, {self.text[right]}, {number(factor)}, {to}, 0, 1, 0, 1, {turned}, {over}"
            call, after = f"{self.letter(v)}gemv", ""
        else:
            i, j = out
            if i in lb:
                left, right, la, lb = right, left, lb, la
            (ta, la), (tb, lb) = self._by_rows(left, la), self._by_rows(right, lb)
            first, second = (0 if lb[1] == j else 1), (0 if la[0] == i else 1)
            turned_to = to if to is None else to[:-2] if to.endswith(".T") else f"{to}.T"
            arguments = f"{number(c)}, {tb}.T, {ta}.T, {number(factor)}, {turned_to}, {first}, {second}, {over}"
            call, after = f"{self.letter(v)}gemm", ".T"
        self.modules.add(f"from scipy.linalg.blas import {call}")
        name = to if over and to is not None else self.fresh()
        self.line(f"{name} = {call}({arguments}){after}")
        self.text[v] = name
        self.owned.add(name)
        return name

    def _among_zeros(self, v: Value, placed: Sequence[tuple[Any, Value, Labels]]) -> None:
        """A vector of which only some entries are not 0."""
        found: dict[str, list[str]] = {}
        for c, a, _ in placed:
            at, value = self._entry(a)
            found.setdefault(at, []).append(scaled(c, value))
        name = self.fresh()
        self.line(f"{name} = np.zeros({self.shape(v.shape)}{self.dtype(v)})")
        for at, parts in found.items():
            self.line(f"{name}[{at}] += {' + '.join(parts)}")
        self.text[v] = name
        self.owned.add(name)

    def _entry(self, a: Value) -> tuple[str, str]:
        """The place and the text of the one entry that is not 0."""
        unit, other = a.args if a.args[0].op == "unit" else a.args[::-1]
        return index(unit.params[0]), self.text[other]

    def _aligned(self, term: tuple[Any, Value, Labels], own: Labels) -> str:
        return self.aligned(self.text[term[1]], term[2], own)

    def _entries(self, v: Value) -> None:
        """An array of numbers, 0 where none is given."""
        texts = dict(zip(v.params, (self.text[a] for a in v.args), strict=True))
        rows, *columns = (self.rates.size(d) for d in v.shape)
        if columns:
            lines = [_tuple([texts.get((i, k), "0.0") for k in range(columns[0])]) for i in range(rows)]
        else:
            lines = [texts.get((i,), "0.0") for i in range(rows)]
        self.assign(v, f"np.array({_tuple(lines)}{self.dtype(v)})")

    # -- matrices
    def _cholesky(self, v: Value) -> None:
        a = v.args[0]
        name = self.fresh("c")
        over = 1 if self.free(a) else 0
        plain = a in self.fortran or not a.real  # of a symmetric matrix rows are columns
        text = self.text[a] if plain else self.turned(self.text[a], (0, 1), (1, 0))
        clean = 1 if v in self.inverted else 0  # zeros below the factor, for `mirrored`
        self.line(f"{name}, info = {self.call('potrf', a)}({text}, 0, {clean}, {over})")
        self.line("if info:")
        (tried,) = v.params
        if tried:
            self.tries = True
            self.line(f"    return {self.otherwise}")
        else:
            why = "is not positive definite: the Cholesky factorization fails"
            self.line(f'    raise np.linalg.LinAlgError("{self.said(a)} {why}")')
        self.text[v] = name

    def said(self, a: Value) -> str:
        """How a message calls a matrix."""
        text = self.text[a].removesuffix(".T")
        return a.params[0] if a.op == "input" else f"the matrix {text}"

    def _lu(self, v: Value) -> None:
        a = v.args[0]
        name = self.fresh("lu")
        over = 1 if self.free(a) else 0
        text = self.text[a] if a in self.fortran else self.turned(self.text[a], (0, 1), (1, 0))
        self.line(f"{name}, p{name}, i{name} = {self.call('getrf', a)}({text}, {over})")
        self.text[v] = name

    def _solve(self, v: Value) -> None:
        f, t = v.args
        axis, turned = v.params
        text = self.text[t]
        if len(t.shape) == 2 and axis == 1:
            text = self.turned(text, (0, 1), (1, 0))
        over = 1 if self.free(t) else 0
        name = self.fresh()
        if f.op == "cholesky":
            if turned and not f.real:  # the transpose of a Hermitian matrix is its conjugate
                text = f"np.conjugate({text})"
            self.line(f"{name} = {self.call('potrs', f, t)}({self.text[f]}, {text}, 0, {over})[0]")
            if turned and not f.real:
                self.line(f"np.conjugate({name}, {name})")
        else:
            self._check_singular(f)
            direct = f.args[0] in self.fortran
            mode = 1 if turned == direct else 0
            self.line(f"{name} = {self.call('getrs', f, t)}({self.text[f]}, p{self.text[f]}, {text}, {mode}, {over})[0]")
        self.text[v] = name if len(t.shape) == 1 or axis == 0 else f"{name}.T"
        if len(t.shape) == 2:
            self.columns.add(name)
            if axis == 0:
                self.fortran.add(v)
        self.owned.add(name)

    def _check_singular(self, f: Value) -> None:
        if f not in self.checked:
            self.checked.add(f)
            self.line(f"if i{self.text[f]}:")
            self.line(f'    raise np.linalg.LinAlgError("{self.said(f.args[0])} is singular: it has no inverse")')

    def _inverse(self, v: Value) -> None:
        f = v.args[0]
        name = self.fresh()
        last = 1 if self.left[f] == 1 else 0
        rows = self.rates.size(v.shape[0])
        if f.op == "cholesky" and rows <= FEW_ROWS and v.real:
            self.line(f"{name} = {self.call('potrs', f)}({self.text[f]}, identity({v.shape[0]}), 0, 0)[0]")
            self.text[v] = name
        elif f.op == "cholesky":
            self.line(f"{name} = mirrored({self.call('potri', f)}({self.text[f]}, 0, {last})[0])")
            self.text[v] = name
        else:
            self._check_singular(f)
            n = f"64 * len({self.text[f]})"
            self.line(f"{name} = {self.call('getri', f)}({self.text[f]}, p{self.text[f]}, {n}, {last})[0]")
            self.text[v] = name if f.args[0] in self.fortran else f"{name}.T"
            if f.args[0] in self.fortran:
                self.fortran.add(v)
        if f.op == "lu" or not FEW_ROWS < rows < MIRRORED:
            self.columns.add(name)
        self.owned.add(name)

    def _resolvent(self, v: Value) -> None:
        self.assign(v, f"resolvent({', '.join(self.text[a] for a in v.args)})")
        if self.text[v.args[0]] in self.columns:  # it lies as the inverse does
            self.columns.add(self.text[v])

    def _logdet(self, v: Value) -> None:
        f = v.args[0]
        d = f"{self.text[f]}.diagonal()"
        if f.op == "cholesky":
            real = "" if f.real else ".real"
            self.assign(v, f"2.0 * np.add.reduce(np.log({d}{real}))")
        else:
            hermitian = ", hermitian=True" if v.real and not f.real else ""
            self.assign(v, f"logdet_of_factors({d}, p{self.text[f]}{hermitian})")

    def _det(self, v: Value) -> None:
        f = v.args[0]
        d = f"{self.text[f]}.diagonal()"
        real = ".real" if v.real and not f.real else ""
        if f.op == "cholesky":
            self.assign(v, f"np.multiply.reduce({d}{real}) ** 2")
        else:
            self.assign(v, f"det_of_factors({d}, p{self.text[f]}){real}")

    def _norm2(self, v: Value) -> None:
        self.assign(v, f"euclidean({self.text[v.args[0]]})")

    def _extreme(self, v: Value) -> None:
        name, of_rows = v.params
        x = v.args[0]
        where = ", 1" if of_rows else ", None" if len(x.shape) > 1 else ""
        self.assign(v, f"np.{name}imum.reduce({self.text[x]}{where})")

    def _matrix_power(self, v: Value) -> None:
        self.assign(v, f"np.linalg.matrix_power({self.text[v.args[0]]}, {v.params[0]})")

    def _reshape(self, v: Value) -> None:
        a = v.args[0]
        text = f"{self.text[a]}.reshape({self.shape(v.shape) if len(v.shape) > 1 else '-1'})"
        base = self.text[a].removesuffix(".T")
        self.assign(v, text, base in self.owned and self.left[a] == 1)  # nobody else sees the entries
        self.owned.discard(base)

    def _page(self, v: Value) -> None:
        (node,) = v.params
        text = node.op.numpy(node, [self.text[a] for a in v.args])
        self.assign(v, text, node.op.name == "blocks")  # perhaps a view, such as np.diag(X)


def _determinants_first(steps: Sequence[Value]) -> list[Value]:
    """The steps with determinants, which read a factorization only, before what may be written over it."""
    found: dict[Value, list[Value]] = {}
    for v in steps:
        if v.op in ("logdet", "det"):
            found.setdefault(v.args[0], []).append(v)
    return [u for v in steps if v.op not in ("logdet", "det") for u in (v, *found.get(v, ()))]


def _diagonal_only(a: Value) -> bool:
    return (a.op == "contract" and not a.args and a.params[1] == (0, 0)) or (a.op == "spread" and len(a.shape) == 2)


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


def _sides(a: Value, labels: Labels) -> list[frozenset[int]]:
    """The axes of a sum that the two operands of an outer product among its terms have."""
    axis_of = dict(zip(a.params[1], labels, strict=True))
    return [frozenset(axis_of[k] for k in own) for own in a.params[0]]


def _placed(a: Value) -> bool:
    """Is it a scalar times a unit vector?"""
    return (
        a.op == "contract"
        and len(a.args) == 2
        and len(a.shape) == 1
        and any(u.op == "unit" for u in a.args)
        and () in a.params[0]
    )


def _real(term: tuple[Any, Value, Labels]) -> bool:
    return term[1].real and not isinstance(term[0], complex)


def scaled(c: Any, text: str) -> str:
    return text if c == 1 else f"-{text}" if c == -1 else f"{number(c)} * {text}"


def _tuple(parts: Sequence[str]) -> str:
    return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"


def _on_diagonal(a: Value) -> tuple[Value | None, Any]:
    return (None, a.params[3]) if a.op == "contract" else (a.args[0], 1)
