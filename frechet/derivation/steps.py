"""The derivation of a derivative, step by step: the record from which every explanation is written.

The function is cut at its parts; the differential of each is found by the rules; what is left is one expression linear in
the differentials. Of a scalar function everything is moved off dX in the inner product, part by part from the result back to
the variable, until dg = ⟨G, dX⟩ and G is read off. The rules and adjoints are the machine's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from frechet.derivation import rules
from frechet.derivation.expanding import Expansion, Level
from frechet.derivation.lines import Line, Term, distinct, plain
from frechet.derivation.moving import Pair, moved, multiplied_out, own_transposes, pairs_of
from frechet.derivation.parts import Cut, Part, cut
from frechet.derivation.rules import Rule
from frechet.derivation.undecorated import normal, replaced
from frechet.derivation.vectorizing import vectorized
from frechet.differentiation.derivative import Derivative
from frechet.differentiation.differential import differential_symbol
from frechet.differentiation.structure import projected, structure_of
from frechet.expressions.dimension import SCALAR
from frechet.expressions.errors import LimitError
from frechet.expressions.node import Expr, Number, substitute, variables, walk
from frechet.operations.constants import is_zero, variable
from frechet.operations.sums import SUM, add, content
from frechet.simplification.polishing import polished

LINES_LIMIT = 400
WORTH_A_NAME = 9  # leaves from which what stands beside the differential of a part is named


class PartSteps(NamedTuple):
    """A part, the symbol for its differential, and how that is found; no lines where the part does not vary."""

    part: Part
    symbol: Expr
    lines: tuple[Line, ...]
    differential: Expr


class Derivation(NamedTuple):
    """The steps to the derivative of a function.

    parts: the named parts with their differentials; lines: from d(function) to what is read off
    named: cotangents that got a name on the way, in order; result: what is read off
    conditions: under which the rules of the lines hold; the result may hold elsewhere too
    """

    derivative: Derivative
    level: Level
    cut: Cut
    parts: tuple[PartSteps, ...]
    lines: tuple[Line, ...]
    named: tuple[tuple[Expr, Expr], ...]
    result: Expr
    conditions: tuple[tuple[str, Expr], ...] = ()

    @property
    def function(self) -> Expr:
        return self.derivative.function

    @property
    def variable(self) -> Expr:
        return self.derivative.variable

    @property
    def rules(self) -> tuple[Rule, ...]:
        """All rules that were used, in order."""
        lines = [*(line for part in self.parts for line in part.lines), *self.lines]
        return distinct([rule for line in lines for rule in line.rules])


def derive(
    d: Derivative, level: Level = "normal", defined: Mapping[str, Expr] | None = None, traces: bool = True
) -> Derivation:
    """The derivation of a derivative.

    level: short, the few lines of a paper; normal, those of a textbook; all, every rule in a line of its own
    defined: parts that the user named
    traces: inner products are written as traces, in which a factor need not change sides to be at the other's left

    Raises:  UnsupportedError, where a rule is missing; LimitError, where there are too many lines
    """
    return _Steps(d, level, defined or {}, traces).derivation()


class _Steps:
    def __init__(self, d: Derivative, level: Level, defined: Mapping[str, Expr], traces: bool) -> None:
        self.d, self.level, self.traces = d, level, traces
        self.x, self.dx = d.variable, d.direction
        self.cut = cut(d.function, self.x, defined, {self.dx.params[0], d.base_name})
        names = {v.params[0] for v in (*variables(d.function), *(p.symbol for p in self.cut.parts))}
        self.prefix = "d_"
        while any(name.startswith(self.prefix) for name in names):
            self.prefix += "_"
        self.known: dict[Expr, Expr] = {self.x: self.dx}
        self.parts: list[PartSteps] = []
        self.named: list[tuple[Expr, Expr]] = []
        self.conditions: list[tuple[str, Expr]] = []
        for part in self.cut.parts:
            self._part(part)

    def _part(self, part: Part) -> None:
        symbol = differential_symbol(part.symbol)
        found = Expansion(part.formula, self.known, self.level, self._named(part), self.prefix)
        if is_zero(found.result):
            self.parts.append(PartSteps(part, symbol, tuple(found.lines), found.result))
            return  # it does not vary to first order
        self.parts.append(PartSteps(part, symbol, tuple(found.lines), found.result))
        self.conditions += [*found.conditions, *_finite(found.result)]
        self.known[part.symbol] = symbol

    def _named(self, upto: Part | None = None) -> dict[Expr, Expr]:
        """The formulas of parts that a rule may bring in; the part's own among them."""
        found = {}
        for p in self.cut.parts:
            if not p.formula.op.linear or p.formula.op.name == "hadamard":
                found[p.formula] = p.symbol
            if p is upto:
                break
        return found

    def derivation(self) -> Derivation:
        self.expansion = Expansion(self.cut.formula, self.known, self.level, self._named(), self.prefix)
        self.lines = list(self.expansion.lines)
        if self.cut.node is not self.d.function:  # another form has the same differential
            symbol = variable(f"{self.prefix}0", self.d.function.shape, [], "normal", "differential")
            start = Line((Term(1, None, symbol),), (), {symbol: self.d.function})
            self.lines = [start, self.lines[0]._replace(rules=tuple(_rewriting(self.d.function))), *self.lines[1:]]
        scalar = self.d.function.shape == SCALAR and self.d.convention == "riesz" and self.x.shape != SCALAR
        result = self._freed() if scalar else self._inserted()
        self.conditions += [*self.expansion.conditions, *_finite(self.expansion.result)]
        nodes = {p.symbol: p.node for p in self.cut.parts}
        conditions = dict.fromkeys((words, substitute(e, nodes)) for words, e in self.conditions)
        lines = tuple(_without_repetition(self.lines))
        named = tuple(self.named)
        return Derivation(self.d, self.level, self.cut, tuple(self.parts), lines, named, result, tuple(conditions))

    # -- scalar functions of a matrix or vector
    def _freed(self) -> Expr:
        self.symbols = {self.dx, *(p.symbol for p in self.parts)}
        first = self._terms(self.expansion.result)
        pairs = pairs_of(first)
        if not pairs:
            return self.d.gradient
        if len(pairs) > len(self.lines[-1].terms):
            self._say(pairs, [rules.MULTIPLIED_OUT])
        for p in (*reversed(self.parts), None):
            target = self.dx if p is None else p.symbol
            pairs = self._collected(self._free(pairs, target), target)
            if p is not None:
                pairs = self._with_part(pairs, p)
        w = pairs[0].w
        return self._read_off(w)

    def _free(self, pairs: list[Pair], target: Expr) -> list[Pair]:
        """Every pair with this target moved until its differential is free; one line for each identity."""
        while any(p.target is target and not p.free for p in pairs):
            steps = {i: _visible_step(p, self.traces) for i, p in enumerate(pairs) if p.target is target and not p.free}
            turned = [s.rule for s in steps.values() if s.rule in rules.TRANSPOSED]
            first = turned[0] if turned else next(iter(steps.values())).rule
            symmetric: list[Expr] = []
            for i, step in steps.items():
                if step.rule == first:
                    symmetric += step.symmetric
                    pairs[i] = step.pair
            self._say(pairs, [first], symmetric)
        return pairs

    def _collected(self, pairs: list[Pair], target: Expr) -> list[Pair]:
        own = [p for p in pairs if p.target is target]
        if len(own) < 2:
            return pairs
        w = normal(add((1, p.w) for p in own))
        if self.level != "all":
            w = polished(w)
        rest = [p for p in pairs if p.target is not target]
        at = next(i for i, p in enumerate(pairs) if p.target is target)
        pairs = [*rest[:at], Pair(w, target, target), *rest[at:]]
        self._say(pairs, [rules.COLLECTED])
        return pairs

    def _with_part(self, pairs: list[Pair], p: PartSteps) -> list[Pair]:
        """The differential of a part put in its place."""
        found: list[Pair] = []
        for pair in pairs:
            if pair.target is not p.symbol:
                found.append(pair)
                continue
            w = polished(normal(pair.w))
            if content(w)[1].leaves >= WORTH_A_NAME and self.level != "short":
                w = self._name(w, p.part)
            found += pairs_of(self._terms(p.differential), w)
        if not any(pair.target is p.symbol for pair in pairs):
            return pairs
        self._say(found, [rules.INSERTED._replace(name=f"insert d{p.part.symbol.params[0]}")])
        return found

    def _terms(self, e: Expr) -> list[tuple[Number, Expr, Expr]]:
        return multiplied_out(e, [v for v in variables(e) if v in self.symbols])

    def _name(self, w: Expr, part: Part) -> Expr:
        name = f"δ_{part.symbol.params[0]}"
        symbol = variable(name, w.shape, () if w.real else ("complex",))
        self.named.append((symbol, w))
        self.lines.append(Line((Term(1, None, w),), (rules.NAMED,), {}, "name", symbol))
        return symbol

    def _read_off(self, w: Expr) -> Expr:
        """The factor of dX in its textbook form, and projected to the space of X."""
        w = normal(w)
        short = polished(w)
        machine = substitute(self.d.cotangent, {p.part.node: p.part.symbol for p in self.parts})
        if machine.leaves < short.leaves:
            self._say([Pair(machine, self.dx, self.dx)], [rules.KNOWN])
            short = machine
        elif short is not w:
            self._say([Pair(short, self.dx, self.dx)], [rules.TIDIED])
        inside = projected(w, self.x)
        if inside is not w and structure_of(self.x) != "general":
            tidy = polished(inside)
            by = rules.PROJECTED.get(structure_of(self.x)) or rules.projection(structure_of(self.x))
            self._say([Pair(tidy, self.dx, self.dx)], [by])
            return tidy
        return short

    def _say(self, pairs: Sequence[Pair], by: Sequence[Rule], symmetric: Sequence[Expr] = ()) -> None:
        line = Line(tuple(p.term() for p in pairs), distinct(by), symmetric=tuple(dict.fromkeys(symmetric)))
        if self.traces and [plain(t) for t in line.terms] == [plain(t) for t in self.lines[-1].terms]:
            last = self.lines[-1]
            kept = {name: getattr(last, name) for name in ("rules", "symbols", "constants", "symmetric")}
            self.lines[-1] = line._replace(**kept)
            return  # written as a trace it is the same
        if self.level == "short" and len(self.lines) > 2 and not self.lines[-1].symbols and self.lines[-1].of == "d":
            # only the last of the lines that set dX free is kept
            together = dict.fromkeys([*self.lines[-1].symmetric, *line.symmetric])
            line = line._replace(rules=distinct([*self.lines[-1].rules, *by]), symmetric=tuple(together))
            self.lines[-1] = line
            return
        if len(self.lines) > LINES_LIMIT:
            raise LimitError(
                f"this derivation has more than {LINES_LIMIT} lines: frechet backprop shows a long chain as tables"
            )
        self.lines.append(line)

    # -- functions of any shape, and of a scalar
    def _inserted(self) -> Expr:
        """The differentials of the parts put in, then read off: dF/dt, or J from vec(dF) = J vec(dX)."""
        e = self.expansion.result
        for p in reversed(self.parts):
            put = replaced(e, {p.symbol: p.differential}) if p.symbol in set(variables(e)) else e
            if put is not e:
                e = put
                self.lines.append(_line(e, [rules.INSERTED._replace(name=f"insert d{p.part.symbol.params[0]}")]))
        symbols = {p.part.node: p.part.symbol for p in self.parts}
        tidy = substitute(polished(self.d.raw_differential), symbols)
        if self.x.shape != SCALAR and tidy.leaves < e.leaves and not is_zero(e):
            self.lines.append(_line(tidy, [rules.TIDIED]))
            e = tidy
        lines, result = vectorized(self.d, e, symbols)
        self.lines += lines
        return result


def _finite(e: Expr) -> Iterator[tuple[str, Expr]]:
    """Where the inverses and quotients in a line have values."""
    for node in walk(e):
        if node.op.name in ("hadamard", "matrix_power"):
            yield from ((words, about) for words, about in node.op.conditions(node) if about is not None)


def _rewriting(function: Expr) -> Iterator[Rule]:
    """By which forms the function has been replaced."""
    for node in walk(function):
        if node.op.same_differential(node) is not None:
            inner = node.args[0].op.name
            kind = "softmax" if inner.startswith("softmax") else "abs" if inner == "abs" else "quotient"
            kind = kind if node.op.name == "log" else "product"
            yield rules.REWRITTEN._replace(name=rules.REWRITTEN_AS[kind])


def _without_repetition(lines: Sequence[Line]) -> Iterator[Line]:
    """The lines without those that are written as the line before is."""
    before: Line | None = None
    for line in lines:
        if before is None or line.of != before.of or line.terms != before.terms:
            yield line
        before = line


def _line(e: Expr, by: Sequence[Rule]) -> Line:
    terms = list(zip(e.params, e.args, strict=True)) if e.op is SUM else [(1, e)]
    return Line(tuple(Term(c, None, a) for c, a in terms), distinct(by))


class _Step(NamedTuple):
    pair: Pair
    rule: Rule
    symmetric: tuple[Expr, ...] = ()


def _visible_step(pair: Pair, traces: bool) -> _Step:
    """Moves until what is written changes; moves that only change the reading, tr(V) = ⟨I, V⟩, are not told."""
    start = pair.term()
    before = plain(start)
    while not pair.free:
        last, (pair, rule) = pair, moved(pair)
        now = pair.term()
        if plain(now) is not before:
            return _Step(pair, rule, tuple(own_transposes(last, rule, traces)))
        if not traces and now != start:
            return _Step(pair, rules.INNER if start.left is None else rule, tuple(own_transposes(last, rule, traces)))
    return _Step(pair, rules.INNER)
