"""The values of a program: nodes over arrays, below the level of matrix notation, which the passes rewrite.

A value is an array with the axes that are there: a scalar has none, vectors and rows one. Two forms carry almost everything:

contract    c·Σ of a product of arrays over labelled axes, `einsum` with a coefficient. Products of matrices, traces, sums,
            scalings, element-wise products, diagonals, Kronecker products, transposes and broadcasts are all contractions,
            and so are ones (no operand), the identity and diag(v) (a label twice in the result: 0 where the places differ).
map         a function entry by entry of operands that are transposed or broadcast as labels say: sums, powers, exp.

The rest are inputs, numbers, reshapes, inverses and determinants of matrices, and calls of what pages know how to evaluate.
Equal values of one graph are one object, so nothing is computed twice.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from frechet.expressions.dimension import Dim
from frechet.expressions.node import Expr

Axes = tuple[Dim, ...]
Labels = tuple[int, ...]

REAL = ("re", "im", "abs")  # functions whose values are real wherever they are taken


class Value:
    """A node of a program.

    op, args, params    what is done, to which values, and what else says how
    shape               the dimensions of its axes
    sign, definite      2 positive, 1 not negative, 0 unknown; of its entries, and of a Hermitian matrix
    symmetric, real     is it known to be Hermitian; are all entries real?
    formula             the square matrix that it is in the formulas, for messages; None of what passes made
    serial              numbers the values of a graph in the order in which they were made
    """

    __slots__ = ("args", "definite", "formula", "op", "params", "real", "serial", "shape", "sign", "symmetric")
    op: str
    args: tuple[Value, ...]
    params: tuple[Any, ...]
    shape: Axes
    sign: int
    definite: int
    symmetric: bool
    formula: Expr | None
    real: bool
    serial: int

    def __repr__(self) -> str:
        return f"<{self.op} {self.serial} of {', '.join(str(a.serial) for a in self.args)}>"


class Graph:
    """Makes values, each once, in the simplest form that is seen at once."""

    def __init__(self) -> None:
        self.table: dict[tuple[Any, ...], Value] = {}
        self.operations: set[str] = set()  # that any value has
        self.parts: dict[tuple[Value, int], Value] = {}  # products of some operands of contractions, by a bit mask
        self.turned: dict[Value, Value] = {}  # contractions that are matrices, and their transposes
        self.costs: dict[tuple[Any, ...], float] = {}  # of values, by what they are computed from
        self.walked: tuple[tuple[Value, ...], Sequence[Value]] = ((), ())  # results, and the steps to them

    def make(
        self, op: str, args: Sequence[Value] = (), params: tuple[Any, ...] = (), shape: Axes = (), real: bool | None = None
    ) -> Value:
        key = (op, tuple(args), params, shape)
        found = self.table.get(key)
        if found is None:
            found = Value()
            found.op, found.args, found.params, found.shape = op, tuple(args), params, shape
            found.sign = found.definite = 0
            found.symmetric = False
            found.formula = None
            found.real = all(a.real for a in args) if real is None else real
            found.serial = len(self.table)
            self.operations.add(op)
            self.table[key] = found
        return found

    # -- leaves
    def number(self, value: Any) -> Value:
        """A number; one that is exact stays so (1 and 1.0 are one key, and one number)."""
        found = self.make("number", (), (value,), real=not isinstance(value, complex))
        if found.real:
            found.sign = 2 if value > 0 else 1 if value == 0 else 0
        return found

    def size(self, d: Dim) -> Value:
        """A dimension as a number."""
        value = d.value()
        if value is not None:
            return self.number(value)
        found = self.make("size", (), (d,))
        found.sign = 2
        return found

    def full(self, value: Any, shape: Axes) -> Value:
        return self.contract((), (), tuple(range(len(shape))), shape, value)

    def eye(self, n: Dim) -> Value:
        found = self.contract((), (), (0, 0), (n,))
        found.symmetric, found.definite = True, 2
        return found

    # -- contractions
    def contract(
        self, args: Sequence[Value], ins: Sequence[Labels], out: Labels, dims: Sequence[Dim], coefficient: Any = 1
    ) -> Value:
        """coefficient · Σ Π args[i][labels ins[i]] with the axes `out`, summed over the labels that `out` does not have.

        dims: the dimension of each label. A label of `out` that no operand has repeats the entries along its axis.
        """
        from frechet.compilation.contractions import contraction

        return contraction(self, args, ins, out, dims, coefficient)

    def transpose(self, v: Value, order: Labels) -> Value:
        """The axes of v in another order: axis k of the result is axis order[k] of v."""
        if order == tuple(range(len(order))) or (v.symmetric and v.real):
            return v
        if v.op == "contract":
            ins, out, dims, c = v.params
            return self.contract(v.args, ins, tuple(out[k] for k in order), dims, c)
        return self.contract((v,), (tuple(range(len(order))),), order, v.shape)

    def multiply(self, *args: Value) -> Value:
        """The product entry by entry of arrays of one shape and of numbers."""
        shape = max((a.shape for a in args), key=len)
        labels = tuple(range(len(shape)))
        return self.contract(args, [labels if a.shape else () for a in args], labels, shape)

    def dot(self, a: Value, b: Value) -> Value:
        """The sum of the products of the entries of two arrays of one shape."""
        labels = tuple(range(len(a.shape)))
        return self.contract((a, b), (labels, labels), (), a.shape)

    # -- maps
    def map(
        self, function: tuple[Any, ...], args: Sequence[Value], shape: Axes = (), ins: Sequence[Labels] | None = None
    ) -> Value:
        """function of the operands entry by entry; operand i has the axes ins[i] of the result (all, where not given)."""
        if ins is None:
            ins = [tuple(range(len(shape))) if a.shape else () for a in args]
        pairs = [self.seen_through(a, labels) for a, labels in zip(args, ins, strict=True)]
        if function == ("log",) and pairs[0][0].op == "number" and pairs[0][0].params[0] == 1:
            return self.full(0, shape)
        if function[0] == "linear":  # equal terms are one
            total: dict[tuple[Value, Labels], Any] = {}
            for c, pair in zip(function[1:], pairs, strict=True):
                total[pair] = total.get(pair, 0) + c
            total = {pair: c for pair, c in total.items() if c != 0}
            if not total:
                return self.full(0, shape)
            if len(total) == 1:
                (((v, labels), c),) = total.items()
                return self.contract((v,), (labels,), tuple(range(len(shape))), shape, c)
            function, pairs = ("linear", *total.values()), list(total)
        used = {label for _, labels in pairs for label in labels}
        if len(used) < len(shape):  # the same along an axis: computed once
            kept = [k for k in range(len(shape)) if k in used]
            place = {k: i for i, k in enumerate(kept)}
            inner = self._map(
                function,
                [(a, tuple(place[k] for k in labels)) for a, labels in pairs],
                tuple(shape[k] for k in kept),
            )
            return self.contract((inner,), (tuple(kept),), tuple(range(len(shape))), shape)
        return self._map(function, pairs, shape)

    def _map(self, function: tuple[Any, ...], pairs: Sequence[tuple[Value, Labels]], shape: Axes) -> Value:
        real = function[0] in REAL or (
            all(a.real for a, _ in pairs) and not (function[0] == "linear" and any(isinstance(c, complex) for c in function))
        )
        return self.make("map", [a for a, _ in pairs], (function, tuple(labels for _, labels in pairs)), shape, real)

    def seen_through(self, v: Value, labels: Labels) -> tuple[Value, Labels]:
        """The value that v is a transposed or repeated view of; its labels where the axes of v are called `labels`."""
        while v.op == "contract":
            ins, out, dims, c = v.params
            if len(set(out)) < len(out):
                break
            if not v.args and v.shape:
                return self.number(c), ()
            own = {label for some in ins for label in some}
            place = dict(zip(out, labels, strict=True))
            if c == 1 and len(v.args) == 1 and len(set(ins[0])) == len(ins[0]) and own <= set(out):
                v, labels = v.args[0], tuple(place[label] for label in ins[0])
            elif not own.issuperset(out):  # a product that is the same along an axis
                kept = tuple([label for label in out if label in own])
                v, labels = self.contract(v.args, ins, kept, dims, c), tuple([place[label] for label in kept])
            else:
                break
        return v, labels

    def linear(self, terms: Iterable[tuple[Any, Value]], shape: Axes) -> Value:
        """Σ c·v over terms of this shape; values without axes are added to every entry."""
        found = [(c, *self.content(v)) for c, v in terms]
        return self.map(("linear", *(c * k for c, k, _ in found)), [v for *_, v in found], shape)

    def content(self, v: Value) -> tuple[Any, Value]:
        """The number in front of a value, and the value without it."""
        if v.op == "number":
            return v.params[0], self.number(1)
        if v.op != "contract" or v.params[3] == 1:
            return 1, v
        ins, out, dims, c = v.params
        return c, self.contract(v.args, ins, out, dims)

    def power(self, v: Value, k: Any) -> Value:
        """Every entry to the power k, a number; of halves the roots, which others may need, to a whole power."""
        if k == 1:
            return v
        if v.op == "number" and isinstance(v.params[0], int | Fraction) and isinstance(k, int) and v.params[0] != 0:
            return self.number(Fraction(v.params[0]) ** k)
        if v.op == "number" and isinstance(k, Fraction) and v.real and v.params[0] > 0:
            return self.number(float(v.params[0]) ** float(k))
        if isinstance(k, Fraction) and k.denominator == 2 and k != Fraction(1, 2):
            return self.power(self.power(v, Fraction(1, 2)), k.numerator)
        found = self.map(("power", k), (v,), v.shape)
        if found.op == "map":
            found.sign = v.sign if v.sign == 2 else 1 if k > 0 and (v.sign or (k % 2 == 0 and v.real)) else 0
        return found

    # -- programs
    def steps(self, roots: Iterable[Value]) -> Sequence[Value]:
        """The values that results are computed from and these, as `walk` finds them. Those of the last ones are known."""
        given = tuple(roots)
        if given != self.walked[0]:
            self.walked = given, walk(given)
        return self.walked[1]

    # -- shapes
    def reshape(self, v: Value, shape: Axes) -> Value:
        """The entries of v, the last axis fastest, in another shape."""
        if v.op == "reshape":
            v = v.args[0]
        return v if v.shape == shape else self.make("reshape", (v,), (), shape)


def walk(roots: Iterable[Value], there: Collection[Value] = ()) -> list[Value]:
    """Every value once, operands before the values that use them; not what only values that are `there` need, nor these."""
    seen: set[Value] = set(there)
    found: list[Value] = []
    stack: list[Value | None] = [*roots]
    stack.reverse()
    while stack:
        v = stack.pop()
        if v is None:  # the operands of the value below are done
            done = stack.pop()
            assert done is not None
            found.append(done)
        elif v not in seen:
            seen.add(v)
            if v.args:
                stack += (v, None)
                stack += [a for a in v.args[::-1] if a not in seen]
            else:
                found.append(v)
    return found


def results_early(steps: Sequence[Value], roots: Sequence[Value]) -> list[Value]:
    """The steps with each result right after the last of its operands, while these are in the cache."""
    missing = {v: set(v.args) for v in roots}
    users: dict[Value, list[Value]] = {}
    for v, needed in missing.items():
        for a in needed:
            users.setdefault(a, []).append(v)
    found: dict[Value, None] = {}
    for step in steps:
        ready = [step]
        while ready:
            v = ready.pop()
            if v in found:
                continue
            found[v] = None
            for u in users.get(v, ()):
                missing[u].discard(v)
                if not missing[u]:
                    ready.append(u)
    return list(found)


def uses(steps: Sequence[Value], roots: Sequence[Value]) -> dict[Value, int]:
    """By how many places each value is used, of the steps to these results: operands of others, and results."""
    count = dict.fromkeys(steps, 0)
    for v in roots:
        count[v] += 1
    for v in steps:
        for a in v.args:
            count[a] += 1
    return count


def remade(graph: Graph, v: Value, args: Sequence[Value]) -> Value:
    """The value with other operands, in simplest form; what is known of it stays known."""
    if tuple(args) == v.args:
        return v
    if v.op == "contract":
        new = graph.contract(args, *v.params)
    elif v.op == "map":
        new = graph.map(v.params[0], args, v.shape, v.params[1])
    elif v.op == "reshape":
        new = graph.reshape(args[0], v.shape)
    else:
        new = graph.make(v.op, args, v.params, v.shape, v.real)
    return informed(new, v) if new.op == v.op else new


def informed(new: Value, v: Value) -> Value:
    """A value that is equal to another one: what is known of that is known of it."""
    new.sign, new.definite = max(new.sign, v.sign), max(new.definite, v.definite)
    new.symmetric = new.symmetric or v.symmetric
    new.formula = new.formula or v.formula
    return new


def replaced(graph: Graph, v: Value, args: tuple[Value, ...]) -> Value:
    """The same step of other operands, as it stands: for programs that are in order. What is known of it stays known."""
    if args == v.args:
        return v
    new = graph.make(v.op, args, v.params, v.shape, v.real)
    return informed(new, v)


def rebuild(graph: Graph, roots: Sequence[Value], change: Callable[[Value, tuple[Value, ...]], Value]) -> list[Value]:
    """The roots with `change(value, new operands)` applied from the leaves up, each value once."""
    new: dict[Value, Value] = {}
    for v in graph.steps(roots):
        new[v] = change(v, tuple([new[a] for a in v.args]))
    return [new[r] for r in roots]


def substituted(graph: Graph, roots: Sequence[Value], changed: Mapping[Value, Value]) -> list[Value]:
    """The roots with values replaced by equal ones, which may be computed from values that come later."""
    new: dict[Value, Value] = {}
    stack = [(r, False) for r in reversed(roots)]
    while stack:
        v, ready = stack.pop()
        if v in new:
            continue
        target = changed.get(v, v)
        if ready:
            new[v] = remade(graph, target, [new[a] for a in target.args])
        else:
            stack.append((v, True))
            stack.extend((a, False) for a in target.args if a not in new)
    return [new[r] for r in roots]
