"""Sums, over an operand that is not needed any more, with products that BLAS adds; and what is made of numbers at places."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import Any

from frechet.compilation.emitting.memory import Memory
from frechet.compilation.values import Labels, Value
from frechet.compilation.writer import index, number, scaled, sign_and_size, signed_sum

IN_PLACE = {"+": "+=", "-": "-=", "*": "*=", "/": "/="}
BLOCKED = 50_000  # entries: a Hessian beyond the first cache
ACROSS = 90_000  # entries, up to which it pays to turn one of two matrices before they are added


DEFAULTS = re.compile(r"(, 0)+$")


class Sums(Memory):
    """Steps that add arrays."""

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
        on_diagonal = [t for t in terms if alone_on_diagonal(t[1]) and len(own) == 2]
        placed = [t for t in terms if entry_at_place(t[1]) and t[1] in self.skipped]
        if placed and len(placed) == len(terms):
            self._among_zeros(v, placed)
            return
        products = [t for t in terms if t[1] in self.accumulated]
        others = {id(t) for t in (*on_diagonal, *placed, *products)}
        rest = [t for t in terms if id(t) not in others]
        repeated = len({k for _, _, labels in rest for k in labels}) < len(own)  # no pair of them makes up the whole
        if products and (repeated or (len(rest) == 1 and rest[0][2] == own and self.text[rest[0][1]] in self.columns)):
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
            key=lambda t: (
                not (t[2] == own and self.room(v, t[1])),
                self.text[t[1]] in self.across,
                _real(t) != v.real,
                t[0] != 1,
                len(t[2]) < len(own),
            )
        )
        c, a, labels = rest[0]
        if products and labels == own and len(rest) == 1 and (c != 1 or not self.free(a)):
            name = self._added(v, *products.pop(0)[:2], self.text[a], c, 1 if self.free(a) else 0)
        elif labels == own and self.room(v, a):
            name = self.text[a]
            if c == -1 and len(rest) > 1 and rest[1][0] == 1:  # b - a
                self.line(f"np.subtract({self.times(1, self._aligned(rest[1], own), v)}, {name}, {name})")
                rest = [rest[0], *rest[2:]]
            elif c != 1:
                self.line(f"np.negative({name}, {name})" if c == -1 else f"{name} *= {self.constant(c, v)}")
        elif len({k for _, _, some in rest[:2] for k in some}) < len(own) or _real(rest[0]) != v.real:
            rest = [(0, a, ()), *rest]
            name = self.fresh()
            self.line(f"{name} = np.zeros({self.shape(v.shape)}{self.dtype(v)})")
        else:
            first = self._beginning(v, rest[:2], own)
            rest = [first[0], *(t for t in rest if all(t is not u for u in first))]
            name = self.fresh()
            text = signed_sum([(t[0], self._aligned(t, own)) for t in first], partial(self.constant, v=v))
            if len(first) == 1 and first[0][0] == 1:
                text = f"{text}.copy()"
            self.line(f"{name} = {text}")
        self.text[v] = name
        self.owned.add(name)
        for c, a, labels in rest[1:]:
            sign, size = sign_and_size(c)
            self.line(f"{name} {IN_PLACE[sign]} {self.times(size, self._aligned((c, a, labels), own), v)}")
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
        sides = sorted(sides_of(terms[0][1], terms[0][2]), key=sorted)
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
        self.assign(v, f"np.empty({self.shape(v.shape)}{self.dtype(v)})")
        name, row, i = self.text[v], self.fresh("row"), self.fresh("i")
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
        self.line(f"{name} = {call}({DEFAULTS.sub('', arguments)}){after}")
        self.text[v] = name
        self.owned.add(name)
        return name

    def _among_zeros(self, v: Value, placed: Sequence[tuple[Any, Value, Labels]]) -> None:
        """A vector of which only some entries are not 0."""
        found: dict[str, list[str]] = {}
        for c, a, _ in placed:
            at, value = self._entry(a)
            found.setdefault(at, []).append(scaled(c, value))
        self.assign(v, f"np.zeros({self.shape(v.shape)}{self.dtype(v)})")
        for at, parts in found.items():
            self.line(f"{self.text[v]}[{at}] += {' + '.join(parts)}")

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
            lines = [listed([texts.get((i, k), "0.0") for k in range(columns[0])]) for i in range(rows)]
        else:
            lines = [texts.get((i,), "0.0") for i in range(rows)]
        self.assign(v, f"np.array({listed(lines)}{self.dtype(v)})")


def alone_on_diagonal(a: Value) -> bool:
    return (a.op == "contract" and not a.args and a.params[1] == (0, 0)) or (a.op == "spread" and len(a.shape) == 2)


def sides_of(a: Value, labels: Labels) -> list[frozenset[int]]:
    """The axes of a sum that the two operands of an outer product among its terms have."""
    axis_of = dict(zip(a.params[1], labels, strict=True))
    return [frozenset(axis_of[k] for k in own) for own in a.params[0]]


def entry_at_place(a: Value) -> bool:
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


def listed(parts: Sequence[str]) -> str:
    return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"


def _on_diagonal(a: Value) -> tuple[Value | None, Any]:
    return (None, a.params[3]) if a.op == "contract" else (a.args[0], 1)
