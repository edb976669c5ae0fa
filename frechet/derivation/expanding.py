"""The differential of a formula, rule after rule, until only the differentials of its symbols are left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from frechet.derivation import rules
from frechet.derivation.lines import Line, Term, distinct
from frechet.derivation.parts import linear, squared_norms
from frechet.derivation.rules import Rule
from frechet.derivation.undecorated import joined, placed, replaced, total
from frechet.expressions.node import Expr, substitute, variables, walk
from frechet.operations.blocks import BLOCKS
from frechet.operations.constants import ONE, is_zero, variable, zeros
from frechet.operations.hadamard import MONOMIAL, monomial
from frechet.operations.norms import NORM2
from frechet.operations.sums import SUM, scaled
from frechet.operations.transposition import TRANSPOSE, transposed

Level = Literal["short", "normal", "all"]


class Expansion:
    """The lines from d(formula) to an expression that is linear in the differentials of symbols.

    known: the differential of every symbol that varies; named: formulas that have a symbol, the rules' results use it
    prefix: begins the names of the symbols that stand for differentials still to be found
    """

    def __init__(
        self,
        formula: Expr,
        known: Mapping[Expr, Expr],
        level: Level = "normal",
        named: Mapping[Expr, Expr] = {},
        prefix: str = "d_",
    ) -> None:
        self.formula, self.known, self.named, self.level = formula, dict(known), dict(named), level
        self.prefix = prefix
        self.inside: set[Expr] = set()  # what varies
        self.seen: set[Expr] = set()
        self.pending: dict[Expr, Expr] = {}  # symbol -> what it is the differential of
        self.symbols: dict[Expr, Expr] = {}  # the same, all that there ever were
        self.of: dict[Expr, Expr] = {}
        self.constants: list[str] = []
        self.conditions: list[tuple[str, Expr]] = []  # under which the rules that were used hold
        start = self._differential(formula)
        if start is None:
            self.lines = [Line((Term(1, None, zeros(formula.shape)),))]
            self.result = zeros(formula.shape)
            return
        self.result = start
        self.lines = [self._line(())]
        steps = 0
        while self.pending:
            self._step(steps)
            steps += 1
        if level == "short" and len(self.lines) > 2:
            self.lines = [self.lines[0], self.lines[-1]._replace(rules=distinct([r for s in self.lines for r in s.rules]))]

    def _line(self, by: tuple[Rule, ...]) -> Line:
        terms = (
            [(c, a) for c, a in zip(self.result.params, self.result.args, strict=True)]
            if self.result.op is SUM
            else [(1, self.result)]
        )
        constants = tuple(dict.fromkeys(self.constants))
        self.constants = []
        return Line(tuple(Term(c, None, a) for c, a in terms), distinct(by), dict(self.symbols), constants=constants)

    def _varies(self, node: Expr) -> bool:
        if node not in self.seen:
            for n in walk(node):
                if n in self.known or any(a in self.inside for a in n.args):
                    self.inside.add(n)
                self.seen.add(n)
        return node in self.inside

    def _differential(self, node: Expr) -> Expr | None:
        """dX for a symbol, its transpose and its multiples; None for a constant; otherwise a symbol that stands for it."""
        if node in self.known:
            return self.known[node]
        if not self._varies(node):
            return None
        if node.op is TRANSPOSE and node.args[0] in self.known:
            return transposed(self.known[node.args[0]])
        if node.op is SUM and len(node.args) == 1 and node.args[0] in self.known:
            return scaled(node.params[0], self.known[node.args[0]])
        if node not in self.of:
            words = [] if node.real else ["complex"]
            symbol = variable(f"{self.prefix}{len(self.symbols) + 1}", node.shape, words, "normal", "differential")
            self.of[node] = symbol
            self.symbols[symbol] = node
        symbol = self.of[node]
        self.pending[symbol] = node
        return symbol

    def _step(self, count: int) -> None:
        """One line: the linear operations all at once, else those that the same rule differentiates."""
        waiting = list(self.pending)
        easy = [s for s in waiting if self._easy(self.pending[s])]
        used: list[Rule] = []
        if self.level == "all":
            used.append(self._apply((easy or waiting)[0]))
        elif easy:
            while easy:
                for symbol in easy:
                    used.append(self._apply(symbol))
                easy = [s for s in self.pending if self._easy(self.pending[s])]
        else:
            first = self._rule(self.pending[waiting[0]])
            for symbol in waiting:
                if self._rule(self.pending[symbol]).name == first.name:
                    used.append(self._apply(symbol))
        self.lines.append(self._line(tuple(used)))

    def _easy(self, node: Expr) -> bool:
        """Is the node linear in one argument, or a sum?"""
        if node.op is SUM:
            return True
        varying = [a for a in node.args if self._varies(a)]
        return len(varying) == 1 and linear(node, varying) and not squared_norms(node)

    def _rule(self, node: Expr) -> Rule:
        return rules.of_differential(node, [self._varies(a) for a in node.args], bool(self._squared(node)))

    def _squared(self, node: Expr) -> list[int]:
        return [i for i in squared_norms(node) if self._varies(node.args[i])]

    def _apply(self, symbol: Expr) -> Rule:
        """Puts the differential of what the symbol stands for in its place."""
        node = self.pending.pop(symbol)
        by = self._rule(node)
        found = self._by_rule(node)
        if self.named and not linear(node, self.inside):
            found = substitute(found, self.named)  # the rule of softmax(z) uses p = softmax(z)
        self.result = replaced(self.result, {symbol: found}) if not is_zero(found) else self._without(symbol)
        return by

    def _without(self, symbol: Expr) -> Expr:
        """The result with 0 for the symbol, the differential of a function that is locally constant."""
        return substitute(self.result, {symbol: zeros(symbol.shape)})

    def _by_rule(self, node: Expr) -> Expr:
        squared = self._squared(node)
        d = [self._differential(a.args[0] if i in squared else a) for i, a in enumerate(node.args)]
        still = [a for a, da in zip(node.args, d, strict=True) if da is None]
        self.constants += [v.params[0] for a in still for v in variables(a)]
        if squared:
            norms = [
                NORM2.differential(a, [da]) if i in squared else da
                for i, (a, da) in enumerate(zip(node.args, d, strict=True))
            ]
            return node.op.differential(node, norms)
        if node.op is BLOCKS:  # linear in all blocks together: those that do not vary become 0
            return BLOCKS.differential(node, d)
        if linear(node, self.inside):
            return total((1, placed(node, i, da)) for i, da in enumerate(d) if da is not None)
        self.conditions += [(words, e) for words, e in node.op.conditions(node) if e is not None]
        return _powers(node, d) if node.op is MONOMIAL else node.op.differential(node, d)


def _powers(node: Expr, d: list[Expr | None]) -> Expr:
    """d(a^k .* b) = k*a^(k-1).*b.*da + …, not multiplied out."""
    terms = []
    factors = list(zip(node.args, node.params, strict=True))
    for i, ((b, k), db) in enumerate(zip(factors, d, strict=True)):
        if db is None:
            continue
        rest = monomial(node.shape, [*factors[:i], (b, k - 1), *factors[i + 1 :]])
        c = k
        if rest.op is SUM and len(rest.args) == 1:
            c, rest = c * rest.params[0], rest.args[0]
        if rest is ONE or rest.op.name == "ones":
            terms.append((c, db))
        elif rest.op is SUM or db.op is SUM or rest.op.name in ("scale", "number"):
            terms.append((c, monomial(node.shape, [(rest, 1), (db, 1)])))
        else:
            terms.append((c, joined((rest, db))))
    return total(terms)
