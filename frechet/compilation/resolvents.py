"""Products of an inverse with a term of the matrix that is inverted.

With M = inv(a*E + b*I) the product M*E is (I - b*M)/a: n² operations where the product takes 2n³. Which of the two is taken
is told by the numbers of a call. An error of M, relative to |M|, comes into the first |b|·|M|/|a| times and into the product
|E|·|M| times: the first is as exact where |b| is at most |a|·|E|, and elsewhere the product is taken. In a Gaussian
process, with kernel a*E and noise b, that is where the data say more than the noise.

Source:  Kato (1995), section I.5.2, the resolvent; Higham (2002), section 14.1, the errors of inverses
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from frechet.compilation.rewriting import is_sum
from frechet.compilation.timing import Rates
from frechet.compilation.values import Graph, Value, rebuild, replaced, walk


class Shifted(NamedTuple):
    """The matrix a*E + b*I."""

    a: Value
    matrix: Value
    b: Value


def resolvents(graph: Graph, roots: Sequence[Value], rates: Rates) -> list[Value]:
    """The results of an ordered program with such products as steps of their own, where that is faster."""
    if not graph.operations & {"inverse", "solve"}:
        return list(roots)
    known: dict[Value, Shifted | None] = {}
    formed = {v for v in walk(roots) if v.op == "inverse"}

    def change(v: Value, args: tuple[Value, ...]) -> Value:
        new = replaced(graph, v, args)
        for a, e, turned in _products(graph, new):
            if a not in known:
                known[a] = _shifted(graph, a)
            of = known[a]
            if of is None or of.matrix is not e:
                continue
            inverse = graph.make("inverse", (a,), (), a.shape, a.real)
            inverse.symmetric = a.symmetric
            found = graph.make("resolvent", (inverse, e, of.a, of.b), (), v.shape)
            found.symmetric = a.symmetric
            if rates.of(found) + (0 if inverse in formed else rates.of(inverse)) < rates.of(new):
                formed.add(inverse)
                return graph.transpose(found, (1, 0)) if turned else found
        return new

    return rebuild(graph, roots, change)


def _products(graph: Graph, v: Value) -> Iterator[tuple[Value, Value, bool]]:
    """The pairs A, E of which it is inv(A)*E or E*inv(A), perhaps transposed.

    The two are one matrix where A is a*E + b*I, and their own transpose where that is symmetric.
    """
    if v.op == "solve" and len(v.shape) == 2:
        a, e = v.args
        if a.symmetric or v.params in ((0, False), (1, True)):
            yield a, e, False
        else:
            yield a, graph.transpose(e, (1, 0)), True
    if v.op != "contract" or len(v.args) != 2 or not any(m.op == "inverse" for m in v.args):
        return
    (one, other), out, _, c = v.params
    joint = set(one) & set(other)
    if c != 1 or not len(one) == len(other) == len(out) == len(set(one) - joint) + 1 == 2 or joint & set(out):
        return
    plain, turned = ((one[0], other[1]), (other[0], one[1])), ((other[1], one[0]), (one[1], other[0]))
    for m, e in (v.args, v.args[::-1]):
        if m.op == "inverse" and (m.symmetric or out in plain or out in turned):
            yield m.args[0], e, not m.symmetric and out in turned


def _shifted(graph: Graph, m: Value) -> Shifted | None:
    if not is_sum(m) or len(m.args) != 2 or not m.real:
        return None
    (_, *coefficients), ins = m.params
    matrix = multiple = None
    for c, term, labels in zip(coefficients, m.args, ins, strict=True):
        if labels != (0, 1):
            return None
        if term.op == "spread" and not term.args[0].shape:
            multiple = graph.contract(term.args, ((),), (), (), c)
        elif term.op == "contract" and not term.args:
            multiple = graph.number(c * term.params[3])
        else:
            matrix = _multiple(graph, c, term)
    return Shifted(*matrix, multiple) if matrix is not None and multiple is not None else None


def _multiple(graph: Graph, c: Any, term: Value) -> tuple[Value, Value]:
    """c·term as a number times a matrix."""
    if term.op == "contract":
        ins, out, _, scale = term.params
        numbers = [a for a in term.args if not a.shape]
        if len(numbers) == len(term.args) - 1 and out in ins:
            return graph.contract(numbers, [()] * len(numbers), (), (), c * scale), term.args[ins.index(out)]
    return graph.number(c), term
