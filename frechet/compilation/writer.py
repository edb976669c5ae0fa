"""What the writers of programs have in common, whatever the array library: names, leaves, and axes by their labels."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from fractions import Fraction
from itertools import product
from typing import Any

from frechet.compilation.decompositions import DECOMPOSITIONS, Decomposition
from frechet.compilation.values import Labels, Value
from frechet.expressions.dimension import Dim, dim
from frechet.expressions.node import told

SELECTORS = ("unit", "selection")
RECIPROCAL = ("power", -1)


class Writer:
    """Writes the steps of a program as source, one assignment each.

    names: what inputs are called, by the name of the variable
    taken: names that are not free
    """

    def __init__(self, names: Mapping[str, str], taken: set[str]) -> None:
        self.names = names
        self.taken = set(taken)
        self.lines: list[str] = []
        self.early_lines: list[str] = []  # of what is computed once for many calls
        self.written: list[tuple[Value, str]] = []  # the steps, with the first line of each
        self.text: dict[Value, str] = {}
        self.users: dict[Value, int] = {}
        self.skipped: set[Value] = set()  # what is written where it is used
        self.accumulated: set[Value] = set()  # what the call of another step computes too: products that BLAS adds, factors
        self.decomposed: dict[tuple[Value, Decomposition], str | None] = {}  # what several steps need: once there, its name
        self.count = 0

    def run(self, roots: Sequence[Value], early: Collection[Value] = ()) -> list[str]:
        """Writes all steps, those of `early` first, which later ones leave as they are; what the roots are called."""
        raise NotImplementedError

    def step(self, v: Value) -> None:
        if v not in self.skipped:
            before = len(self.lines)
            getattr(self, f"_{v.op}")(v)
            if len(self.lines) > before:
                more = " …" if len(self.lines) > before + 1 else ""
                self.written.append((v, self.lines[before] + more))

    # -- decompositions that several steps need
    def by_parts(self, v: Value, text: str) -> str:
        """The source of a page with the parts of decompositions, which are computed where they are needed first."""
        for a, d in product(dict.fromkeys(v.args), DECOMPOSITIONS):
            matrix = self.text[a]
            found = [(form.format(matrix), part) for form, part in d.parts if form.format(matrix) in text]
            if (a, d) not in self.decomposed or not found:
                continue
            name = self.decomposed[a, d]
            if name is None:
                name = self.decomposed[a, d] = self.fresh()
                self.line(f"{name} = {self.decomposition(d.call.format(matrix))}")
            for form, part in found:
                text = text.replace(form, part.format(matrix, name))
        return text

    def decomposition(self, text: str) -> str:
        """The call of a decomposition, which is given as one of NumPy."""
        raise NotImplementedError

    # -- messages
    def said(self, a: Value) -> str:
        """How a message calls a matrix: as the formula does, where that is short."""
        formula = told(a.formula)
        if a.op == "input":  # a sum over all blocks of rows has a formula too
            return formula or str(a.params[0])
        return formula or f"the matrix {self.text[a].removesuffix('.T')}"

    # -- names and lines
    def fresh(self, stem: str = "t") -> str:
        while True:
            self.count += 1
            name = f"{stem}{self.count}"
            if name not in self.taken:
                self.taken.add(name)
                return name

    def line(self, text: str) -> None:
        self.lines.append(text)

    def shape(self, shape: Sequence[Dim]) -> str:
        sizes = [str(d) for d in shape]
        return sizes[0] if len(sizes) == 1 else "(" + ", ".join(sizes) + ")"

    def skip(self, steps: Sequence[Value], roots: Sequence[Value]) -> None:
        """Reciprocals that are used once, in a product entry by entry, are written as a division there."""
        chosen = set(roots)
        for u in steps:
            if u.op == "contract" and len(u.args) == 2 and elementwise(u):
                if any(a.op in SELECTORS for a in u.args):
                    continue
                for a in u.args:
                    if a.op == "map" and a.params[0] == RECIPROCAL and self.users[a] == 1 and a not in chosen and a.shape:
                        self.skipped.add(a)
                        break

    # -- leaves
    def _input(self, v: Value) -> None:
        self.text[v] = self.names[v.params[0]]

    def _number(self, v: Value) -> None:
        self.text[v] = number(v.params[0])

    def _size(self, v: Value) -> None:
        text = str(v.params[0])
        self.text[v] = text if text.isidentifier() else f"({text})"

    # -- axes by labels
    def turned(self, text: str, labels: Labels, out: Labels) -> str:
        """The axes `labels` of an array in the order `out`."""
        order = [labels.index(k) for k in out]
        if order == list(range(len(order))):
            return text
        if order == [1, 0]:
            return text[:-2] if text.endswith(".T") else f"{text}.T"
        return self.permuted(text, order)

    def permuted(self, text: str, order: Sequence[int]) -> str:
        return f"{text}.transpose({', '.join(map(str, order))})"

    def aligned(self, text: str, labels: Labels, out: Labels) -> str:
        """An array of the axes `labels` so that it is broadcast to the axes `out`."""
        if not labels:
            return text
        sorted_labels = tuple(k for k in out if k in labels)
        text = self.turned(text, labels, sorted_labels)
        inner = out[out.index(sorted_labels[0]) :]
        if inner == sorted_labels:
            return text
        return f"{text}[{', '.join(':' if k in labels else 'None' for k in inner)}]"

    # -- products of two matrices or vectors
    def product(self, a: Value, b: Value, la: Labels, lb: Labels, out: Labels) -> str:
        """Matrices and vectors, without common labels in the result."""
        if len(la) == 2 and len(lb) == 2 and set(la) == set(lb):
            return self.inner(self.text[a], self.turned(self.text[b], lb, la), a.real and b.real)
        return self.dot(*self.factors(a, b, la, lb, out))

    def factors(self, a: Value, b: Value, la: Labels, lb: Labels, out: Labels) -> tuple[str, str]:
        """The left and the right factor of a product of matrices or vectors over one common label."""
        ta, tb = self.text[a], self.text[b]
        if len(la) == 1 and len(lb) == 1:
            return ta, tb
        if len(lb) == 1 or (len(la) == 2 and out and out[0] in la):
            pass
        elif len(la) == 1 or (out and out[0] in lb):
            ta, tb, la, lb, a, b = tb, ta, lb, la, b, a
        joint = next(k for k in la if k in lb)
        if len(lb) == 1 and la[0] == joint:
            return tb, ta
        left = ta if la[-1] == joint or (a.symmetric and a.real) else self.turned(ta, la, la[::-1])
        right = tb if lb[0] == joint or (b.symmetric and b.real) else self.turned(tb, lb, lb[::-1])
        return left, right

    def dot(self, left: str, right: str) -> str:
        """The product of two matrices, a matrix and a vector, or two vectors."""
        raise NotImplementedError

    def inner(self, left: str, right: str, real: bool) -> str:
        """The sum of the products of all entries of two matrices."""
        raise NotImplementedError

    def beside(self, b: Value, labels: Labels, out: Labels) -> tuple[str, str]:
        """The operator and the second factor of a product entry by entry: `/` and u for a reciprocal 1/u that is skipped."""
        if b not in self.skipped:
            return "*", self.aligned(self.text[b], labels, out)
        (own,) = b.params[1]
        return "/", self.aligned(self.text[b.args[0]], tuple(labels[k] for k in own), out)

    # -- products with columns of the identity
    def selected(self, v: Value) -> bool:
        """Writes a product with columns of the identity that is a part of the other operand, or that among zeros."""
        (la, lb), out, _, _ = v.params
        a, b = v.args
        pairs = ((a, b, la, lb), (b, a, lb, la))
        return any(one.op in SELECTORS and self._select(v, one, other, lo, lt, out) for one, other, lo, lt in pairs)

    def _select(self, v: Value, one: Value, other: Value, lo: Labels, lt: Labels, out: Labels) -> bool:
        """Writes the product with `one`, columns of the identity; False where it is neither a part nor among zeros."""
        raise NotImplementedError

    def part(self, one: Value, other: Value, lo: Labels, lt: Labels, out: Labels) -> str | None:
        """The product with columns of the identity as a part of the other operand; None if it is not one."""
        k = lo[0]
        if k not in lt or k in out or (one.op == "selection" and lo[1] in lt):
            return None
        if one.op == "unit":
            at, inside = index(one.params[0]), tuple(m for m in lt if m != k)
        else:
            at = f"{index(one.params[0])}:{one.params[1]}"
            inside = tuple(lo[1] if m == k else m for m in lt)
        return self.turned(f"{self.text[other]}[{', '.join(at if m == k else ':' for m in lt)}]", inside, out)

    def among_zeros(self, one: Value, other: Value, lo: Labels, lt: Labels, out: Labels) -> tuple[int, str] | None:
        """The product with columns of the identity as the other operand among zeros; None if it is not that.

        The axis along which there are zeros, and the other operand with its axes in order.
        """
        k = lo[0]
        if k not in out or k in lt or (one.op == "selection" and (lo[1] not in lt or lo[1] in out)):
            return None
        inside = lt if one.op == "unit" else tuple(k if m == lo[1] else m for m in lt)
        order = tuple(m for m in out if m != k) if one.op == "unit" else out
        if set(order) != set(inside):
            return None
        return out.index(k), self.turned(self.text[other], inside, order)


def elementwise(v: Value) -> bool:
    (la, lb), out, _, _ = v.params
    return not ((set(la) & set(lb)) - set(out))


def letters(labels: Labels) -> str:
    return "".join(chr(ord("a") + k) for k in labels)


def index(d: Dim) -> str:
    """A place counted from 0, from one counted from 1."""
    value = d.value()
    if value is not None:
        return str(value - 1)
    return str(d - dim(1))


def number(value: Any) -> str:
    """A number as source; sizes of arrays are whole and stay so in sums."""
    if isinstance(value, complex):
        return repr(value)
    if isinstance(value, Fraction) and value.denominator != 1:
        decimal = float(value)
        return repr(decimal) if Fraction(decimal) == value else f"({value.numerator} / {value.denominator})"
    text = repr(float(value))
    return text if value >= 0 else f"({text})"


def sign_and_size(c: Any) -> tuple[str, Any]:
    """A coefficient as a sign and what is added or subtracted: of a complex one, itself."""
    return ("-", -c) if not isinstance(c, complex) and c < 0 else ("+", c)


def scaled(c: Any, text: str, number: Callable[[Any], str] = number) -> str:
    """c·text."""
    if text == "1.0":
        return number(c)
    return text if c == 1 else f"-{text}" if c == -1 else f"{number(c)} * {text}"


def signed_sum(terms: Sequence[tuple[Any, str]], number: Callable[[Any], str] = number) -> str:
    """c·a + d·b - …, a term without a minus first."""
    parts: list[str] = []
    for c, text in sorted(terms, key=lambda t: sign_and_size(t[0])[0] == "-"):
        sign, size = sign_and_size(c)
        factor = scaled(size, text, number)
        parts.append(f" {sign} {factor}" if parts else sign.replace("+", "") + factor)
    return "".join(parts)
