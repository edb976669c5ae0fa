"""Inverses and determinants of a diagonal matrix plus one of low rank, through a small matrix.

With M = D + L*R, D diagonal and positive, L of k columns, and S = I + R*inv(D)*L:
    inv(M) = inv(D) - inv(D)*L*inv(S)*R*inv(D),   log det M = Σ log d + log det S.

Source:  Golub & Van Loan (2013), section 2.1.4 (Sherman, Morrison & Woodbury); Magnus & Neudecker (2019), section 1.11.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from frechet.compilation.contractions import mirror
from frechet.compilation.rewriting import is_sum
from frechet.compilation.timing import Rates
from frechet.compilation.values import Graph, Labels, Value, rebuild, remade
from frechet.expressions.dimension import Dim

SMALL = 0.4  # of the rows, at most, that L has as columns


class Update(NamedTuple):
    """M = diag(d) + L*R, with 1/d for d; a vector, or a scalar where all entries are equal; `k` is None for rank one."""

    reciprocal: Value
    diagonal: Value
    left: Value
    right: Value
    k: Dim | None
    mirrored: bool


def low_rank_updates(graph: Graph, roots: Sequence[Value], rates: Rates) -> list[Value]:
    """The results with inverses and logdets of diagonal matrices plus low rank through small matrices."""

    def change(v: Value, args: tuple[Value, ...]) -> Value:
        if v.op in ("inverse", "logdet"):
            update = _update(graph, args[0], rates)
            if update is not None:
                return _inverse(graph, v, update) if v.op == "inverse" else _logdet(graph, args[0], update)
        return remade(graph, v, args)

    return rebuild(graph, roots, change)


def _update(graph: Graph, m: Value, rates: Rates) -> Update | None:
    if not is_sum(m):
        return None
    (_, *coefficients), ins = m.params
    diagonal: list[tuple[Any, Value]] = []
    rest: list[tuple[Any, Value, Labels]] = []
    for c, a, labels in zip(coefficients, m.args, ins, strict=True):
        if a.op == "contract" and len(a.shape) == 2 and a.params[1][0] == a.params[1][1]:
            own, out, dims, scale = a.params
            kept = out[:1] if any(out[0] in k for k in own) else ()
            diagonal.append((c, graph.contract(a.args, own, kept, dims, scale)))
        else:
            rest.append((c, a, labels))
    if not diagonal or len(rest) != 1:
        return None
    c, term, labels = rest[0]
    if term.op != "contract" or labels != (0, 1):
        return None
    shape = max((d.shape for _, d in diagonal), key=len)
    d = graph.linear(diagonal, shape)
    positive = d.params[0] > 0 if d.op == "number" else d.sign or all(k > 0 and v.sign for k, v in diagonal)
    halves = _halves(graph, term, c)
    if not positive or halves is None:
        return None
    left, right, k, mirrored = halves
    if k is not None and rates.size(k) > SMALL * rates.size(m.shape[0]):
        return None
    return Update(graph.power(d, -1), d, left, right, k, mirrored)


def _halves(graph: Graph, term: Value, c: Any) -> tuple[Value, Value, Dim | None, bool] | None:
    """L and R with c·term = L*R, joined by at most one label."""
    ins, out, dims, scale = term.params
    i, j = out
    left = {i}
    chosen: list[int] = []
    others = list(range(len(term.args)))
    # one operand after the other from the rows on, until one label joins the two sides
    while True:
        step = [p for p in others if set(ins[p]) & left and j not in ins[p]]
        if not step:
            break
        joint = {k for p in chosen for k in ins[p]} & {k for p in others for k in ins[p]}
        if chosen and len(joint - {i}) <= 1:
            break
        chosen.append(step[0])
        others.remove(step[0])
        left |= set(ins[step[0]])
    mine, theirs = {k for p in chosen for k in ins[p]}, {k for p in others for k in ins[p]}
    joint = mine & theirs
    if not chosen or not others or len(joint) > 1 or i in theirs or j in mine:
        return None
    inner = tuple(joint)
    half = [(p, ins[p]) for p in chosen]
    total = c * scale
    lower = graph.contract([term.args[p] for p, _ in half], [k for _, k in half], (i, *inner), dims, total)
    upper = graph.contract([term.args[p] for p in others], [ins[p] for p in others], (*inner, j), dims)
    mirrored = term.real and total > 0 and mirror(term.args, ins, out) is not None and len(chosen) == len(others)
    return lower, upper, dims[inner[0]] if inner else None, mirrored


def _small(graph: Graph, u: Update) -> Value:
    """S = I + R*inv(D)*L; a scalar for rank one."""
    n = u.left.shape[0]
    by_rows: Labels = (0,) if u.reciprocal.shape else ()
    if u.k is None:
        product = graph.contract((u.right, u.reciprocal, u.left), ((0,), by_rows, (0,)), (), (n,))
        return graph.linear([(1, graph.number(1)), (1, product)], ())
    product = graph.contract((u.right, u.reciprocal, u.left), ((1, 0), by_rows, (0, 2)), (1, 2), (n, u.k, u.k))
    s = graph.linear([(1, graph.eye(u.k)), (1, product)], (u.k, u.k))
    if u.mirrored:
        s.symmetric, s.definite = True, 2
    return s


def _inverse(graph: Graph, v: Value, u: Update) -> Value:
    n = u.left.shape[0]
    rows: Labels = (0,) if u.reciprocal.shape else ()
    columns: Labels = (1,) if u.reciprocal.shape else ()
    s = _small(graph, u)
    if u.k is None:
        factors = [(u.reciprocal, rows), (u.left, (0,)), (graph.power(s, -1), ()), (u.right, (1,)), (u.reciprocal, columns)]
        dims: tuple[Dim, ...] = (n, n)
    else:
        inverse = graph.make("inverse", (s,), (), s.shape)
        inverse.symmetric, inverse.definite = s.symmetric, s.definite
        factors = [(u.reciprocal, rows), (u.left, (0, 2)), (inverse, (2, 3)), (u.right, (3, 1)), (u.reciprocal, columns)]
        dims = (n, n, u.k, u.k)
    low = graph.contract([a for a, _ in factors], [k for _, k in factors], (0, 1), dims)
    plain = graph.contract((u.reciprocal,), (rows,), (0, 0), (n,))
    made = graph.linear([(1, plain), (-1, low)], (n, n))
    made.symmetric, made.definite = v.symmetric, v.definite
    return made


def _logdet(graph: Graph, m: Value, u: Update) -> Value:
    logs = graph.map(("log",), (u.diagonal,), u.diagonal.shape)
    labels: Labels = (0,) if logs.shape else ()
    count: tuple[Value, ...] = () if labels else (graph.size(m.shape[0]),)
    total = graph.contract((logs, *count), (labels, *(() for _ in count)), (), m.shape[:1])
    s = _small(graph, u)
    rest = graph.map(("log",), (s,)) if u.k is None else graph.make("logdet", (s,), (), ())
    return graph.linear([(1, total), (1, rest)], ())
