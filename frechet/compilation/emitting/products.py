"""Products and what else is a contraction: parts, diagonals, sums of entries, broadcasts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import prod
from typing import Any

from frechet.compilation.emitting.memory import TINY
from frechet.compilation.emitting.sums import IN_PLACE, Sums, listed
from frechet.compilation.values import Labels, Value
from frechet.compilation.writer import index, letters, number, scaled
from frechet.expressions.dimension import UNIT, Dim

SMALL_SQUARE = 500, 450_000  # multiplications of a matrix and its transpose
COUNTS = 0.05  # of the time of a program
IN_CACHE = 40_000  # entries, up to which a copy, or a second pass, costs less than a loop across the rows
TURNED = 2_000  # entries, up to which the order of axes in memory does not matter


class Products(Sums):
    """Steps that multiply arrays, or arrange and sum their entries."""

    def _unit(self, v: Value) -> None:
        if self.users[v] == 0:
            return
        self.text[v] = f"np.eye(1, {v.shape[0]!s}, {index(v.params[0])}{self.dtype(v)})[0]"  # no n×n array

    def _selection(self, v: Value) -> None:
        before = index(v.params[0])
        below = before if before == "0" else f"-{before}" if before.isdigit() else f"-({before})"
        self.text[v] = f"np.eye({v.shape[0]!s}, {v.shape[1]!s}, {below}{self.dtype(v)})"

    def _ones(self, v: Value) -> None:
        self.assign(v, f"np.ones({self.shape(v.shape)}{self.dtype(v)})")

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
                total = self._with_ones(a, text, f"{text}.diagonal()") or f"np.add.reduce({text}.diagonal())"
                self.assign(v, scaled(c, total), False)  # A.trace() takes longer
                return
            if len(labels) == 2 and out == labels[:1]:
                self.assign(v, f"{text}.diagonal()" if c == 1 else f"{self.constant(c, v)} * {text}.diagonal()", c != 1)
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
            short = self._with_ones(a, text, text, summed) if text == self.text[a] else None
            if short is not None:
                text = short
            elif len(summed) == len(labels):
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
            self.line(f"{name} *= {self.constant(c, v)}" if c != -1 else f"np.negative({name}, {name})")
            c = 1
        if c != 1:
            self.assign(v, self.times(c, text, v))
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

    def _with_ones(self, a: Value, name: str, text: str, summed: Sequence[int] = (0,)) -> str | None:
        """The sums of a few entries, of all or along an axis, as a product with ones: in half the time of np.add.reduce.

        name, text: of an array, and of this or of its diagonal
        """
        if self.entries(a) > TINY or not name.isidentifier() or len(a.shape) > 2:
            return None
        if len(summed) == 2:
            return f"{text}.ravel().dot({self.ones(f'{name}.size')})"
        if summed[0] == 1:
            return f"{text}.dot({self.ones(f'{name}.shape[1]')})"
        ones = self.ones(f"len({name})")
        return f"{ones}.dot({text})" if text == name and len(a.shape) == 2 else f"{text}.dot({ones})"

    def _two(self, v: Value) -> None:
        (la, lb), out, _, _ = v.params
        a, b = v.args
        if self.selected(v):
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
            self.assign(v, f"np.empty({self.shape(v.shape)}{self.dtype(v)})")
            name, i = self.text[v], self.fresh("i")
            self.line(f"for {i} in range(0, len({name}), {rows}):")
            self.line(f"    {left}[{i} : {i} + {rows}].dot({right}, {name}[{i} : {i} + {rows}])")
            return
        if self._is_small_square(v):
            self._added(v, 1, v, None, 0, 0)
            return
        if not batch and len(la) <= 2 and len(lb) <= 2:
            if out:
                left, right = self.factors(a, b, la, lb, out)
                self.assign_row_major(v, f"{left}.dot", right)
            else:
                self.assign(v, self.product(a, b, la, lb, out), False)
            return
        if len(batch) == 1 and len(la) == len(lb) == 2 and a.real and b.real and la == lb and la[1] in summed:
            self.assign(v, f"np.vecdot({ta}, {tb})")
            return
        if len(batch) == 1 and len(la) == len(lb) == 2:
            self.assign(v, f'np.einsum("{letters(la)},{letters(lb)}->{letters(out)}", {ta}, {tb})')
            return
        self.assign(v, self._as_matrices(a, b, la, lb, out) or self._general(ta, tb, la, lb, out))

    def _is_small_square(self, v: Value) -> bool:
        """Is it A'A or AA', of so few products that BLAS's general one is faster than the symmetric one that NumPy takes?

        Where that counts for nothing beside the rest, `A.T.dot(A)` is easier to read.
        """
        (la, lb), out, dims, _ = v.params
        plain = v.args[0] is v.args[1] and v.real and len(la) == len(lb) == len(out) == 2 and len({*la, *lb}) == 3
        few = SMALL_SQUARE[0] <= prod(self.rates.size(d) for d in dims) <= SMALL_SQUARE[1]
        return plain and few and self.rates.of(v) > COUNTS * self.total

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

    def dot(self, left: str, right: str) -> str:
        return f"{left}.dot({right})"

    def inner(self, left: str, right: str, real: bool) -> str:
        return f"np.vdot({left}, {right})" if real and not right.endswith(".T") else f'np.einsum("ij,ij", {left}, {right})'

    def _as_matrices(self, a: Value, b: Value, la: Labels, lb: Labels, out: Labels) -> str | None:
        """A product of tensors as that of two matrices, where their axes lie so that it takes no more than other shapes."""
        if set(la) & set(lb) & set(out):
            return None
        if out[:1] and out[0] in lb:
            a, b, la, lb = b, a, lb, la
        inner = tuple([k for k in la if k in lb])
        rows, columns = tuple([k for k in la if k not in lb]), tuple([k for k in lb if k not in la])
        left, right = self._matrix(a, la, rows, inner), self._matrix(b, lb, inner, columns)
        if left is None or right is None:
            return None
        text = self.dot(left, right)
        if len(rows) > 1 or len(columns) > 1:
            lengths = dict(zip((*la, *lb), (*a.shape, *b.shape), strict=True))
            text += f".reshape{self.shape([lengths[k] for k in (*rows, *columns)])}"
        return self.turned(text, (*rows, *columns), out)

    def _matrix(self, a: Value, labels: Labels, first: Labels, second: Labels) -> str | None:
        """An array as a matrix of so many rows and columns, or as a vector; None if its axes lie in another order."""
        turned = labels != (*first, *second)
        if turned and labels != (*second, *first):
            return None
        if len(first) < 2 and len(second) < 2:
            return self.turned(self.text[a], labels, (*first, *second))
        split = len(second) if turned else len(first)
        lengths = [str(prod(d, start=UNIT)) for d in (a.shape[:split], a.shape[split:]) if d]
        return f"{self.text[a]}.reshape({', '.join(lengths)})" + (".T" if turned and first and second else "")

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
            self.owned.discard(self.text[other].removesuffix(".T"))
            return True
        found = self.among_zeros(one, other, lo, lt, out)
        if found is None:
            return False
        axis, inside = found
        at = index(one.params[0]) if one.op == "unit" else f"{index(one.params[0])}:{one.params[1]}"
        self.assign(v, f"np.zeros({self.shape(v.shape)}{self.dtype(v)})")
        self.line(f"{self.text[v]}[{', '.join(at if k == axis else ':' for k in range(len(out)))}] = {inside}")
        return True

    def _multiply(self, v: Value, a: Value, b: Value, la: Labels, lb: Labels, out: Labels) -> None:
        """Entry by entry, with division for reciprocals, over an operand that is not needed any more."""
        if a in self.skipped or (b not in self.skipped and not self._target(v, a, la) and self._target(v, b, lb)):
            a, b, la, lb = b, a, lb, la
        operator, right = self.beside(b, lb, out)
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
        if (*la, *lb) != out:
            self.across.add(self.text[v])
        return True

    def _target(self, v: Value, a: Value, labels: Labels) -> bool:
        return labels == v.params[1] and a not in self.skipped and self.room(v, a)

    def _spread(self, v: Value) -> None:
        labels, out = v.params
        self._spread_text(v, self.text[v.args[0]], labels, out, v.shape)

    def _spread_text(self, v: Value, text: str, labels: Labels, out: Labels, shape: Sequence[Dim]) -> None:
        """Zeros, but where equal labels have equal places."""
        self.assign(v, f"np.zeros({self.shape(shape)}{self.dtype(v)})")
        name = self.text[v]
        order = tuple(dict.fromkeys(out))
        value = self.aligned(text, labels, order) if labels else text
        if len(out) == 2:
            self.line(f"{self.diagonal(name)} = {value}")
            return
        s = self.fresh("s")  # a step along axes of one label at once
        steps = [" + ".join(f"{s}[{i}]" for i, k in enumerate(out) if k == label) for label in order]
        lengths = [str(shape[out.index(k)]) for k in order]
        self.line(f"{s} = {name}.strides")
        self.line(f"np.ndarray({listed(lengths)}, {name}.dtype, {name}, 0, {listed(steps)})[:] = {value}")
