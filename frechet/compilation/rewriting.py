"""Rewritings that save work whatever the order of products: each a function from results to the same results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from itertools import permutations
from typing import Any

from frechet.compilation.contractions import connected
from frechet.compilation.timing import Rates
from frechet.compilation.values import Graph, Labels, Value, rebuild, remade, uses

LARGE = 300  # entries, from which on a call costs less than what it does


def is_sum(v: Value) -> bool:
    return v.op == "map" and v.params[0][0] == "linear"


def function_of(v: Value) -> str:
    """The name of what is applied entry by entry; nothing of other values."""
    return v.params[0][0] if v.op == "map" else ""


def activations_shared(graph: Graph, roots: Sequence[Value], rates: Rates) -> list[Value]:
    """step(u) as step(relu(u)) where relu(u) is there, which may be written over u; sigmoid(u) and sigmoid(-u) by one exp.

    With e = exp(-u) they are 1/(1 + e) and e/(1 + e), both to the last digits.
    """
    steps = graph.steps(roots)
    relus = {(v.args[0], v.params[1]) for v in steps if function_of(v) == "relu"}
    arguments = {graph.content(v.args[0]) for v in steps if function_of(v) == "sigmoid"}

    def change(v: Value, args: tuple[Value, ...]) -> Value:
        name = function_of(v)
        if name == "step" and (v.args[0], v.params[1]) in relus:
            return graph.map(("step",), (graph.map(("relu",), args, v.shape, v.params[1]),), v.shape)
        if name == "sigmoid" and rates.entries(v.shape) >= LARGE:
            c, base = graph.content(args[0])
            sign, old = graph.content(v.args[0])
            if (-sign, old) in arguments:
                positive = graph.linear([(abs(c), base)], base.shape)
                e = graph.map(("exp_of_minus",), (positive,), v.shape, v.params[1])
                s = graph.power(graph.linear([(1, graph.number(1)), (1, e)], v.shape), -1)
                e.sign = s.sign = 2
                return s if c > 0 else graph.multiply(e, s)
        return remade(graph, v, args)

    return rebuild(graph, roots, change)


def exact_near_zero(graph: Graph, roots: Sequence[Value]) -> list[Value]:
    """log(1 + u) as log1p(u) and exp(u) - 1 as expm1(u), which keep their digits where u is small."""

    def change(v: Value, args: tuple[Value, ...]) -> Value:
        new = remade(graph, v, args)
        if function_of(new) == "log" and is_sum(new.args[0]):
            rest = _without_one(graph, new.args[0])
            if rest is not None:
                own = tuple(range(len(new.shape)))
                return graph.map(("log1p",), (rest,), new.shape, (own if rest.shape else (),))
        elif is_sum(new) and len(new.args) == 2:
            return _difference_to_one(graph, new) or new
        return new

    return rebuild(graph, roots, change)


def _without_one(graph: Graph, v: Value) -> Value | None:
    """u of a sum 1 + u."""
    (_, *coefficients), ins = v.params
    terms = list(zip(coefficients, v.args, ins, strict=True))
    rest = [t for t in terms if not (t[1].op == "number" and t[0] * t[1].params[0] == 1)]
    if len(rest) == len(terms):
        return None
    own = tuple(range(len(v.shape)))
    return graph.linear([(c, graph.contract((a,), (labels,), own, v.shape)) for c, a, labels in rest], v.shape)


def _difference_to_one(graph: Graph, v: Value) -> Value | None:
    """c·expm1(u) for c·exp(u) - c."""
    (_, *coefficients), ins = v.params
    (c, a, labels), (k, b, other) = sorted(zip(coefficients, v.args, ins, strict=True), key=lambda t: t[1].op == "number")
    if function_of(a) != "exp" or b.op != "number" or k * b.params[0] != -c or other:
        return None
    plain = graph.map(("expm1",), a.args, a.shape, a.params[1])
    return graph.contract((plain,), (labels,), tuple(range(len(v.shape))), v.shape, c)


def negatives_shared(graph: Graph, roots: Sequence[Value]) -> list[Value]:
    """A sum whose negative is there too, as X - Y and Y - X, as minus that one."""
    sums = {_terms(v) for v in graph.steps(roots) if is_sum(v)}
    if not any(_negated(terms) in sums for terms in sums):
        return list(roots)
    first: dict[frozenset[tuple[Value, Labels, Any]], Value] = {}

    def change(v: Value, args: tuple[Value, ...]) -> Value:
        new = remade(graph, v, args)
        if not is_sum(new):
            return new
        terms = _terms(new)
        negative = first.get(_negated(terms))
        if negative is None:
            return first.setdefault(terms, new)
        own = tuple(range(len(new.shape)))
        return graph.contract((negative,), (own,), own, new.shape, -1)

    return rebuild(graph, roots, change)


def _terms(v: Value) -> frozenset[tuple[Value, Labels, Any]]:
    (_, *coefficients), ins = v.params
    return frozenset(zip(v.args, ins, coefficients, strict=True))


def _negated(terms: frozenset[tuple[Value, Labels, Any]]) -> frozenset[tuple[Value, Labels, Any]]:
    return frozenset((a, labels, -c) for a, labels, c in terms)


def coefficients_inward(graph: Graph, roots: Sequence[Value]) -> list[Value]:
    """The coefficients of products in a sum as factors of the products, where they cost least; a common one outside."""
    steps = graph.steps(roots)
    if not any(is_sum(v) and any(abs(c) != 1 for c in v.params[0][1:]) for v in steps):
        return list(roots)
    count = uses(steps, roots)
    single: set[Value] = set()

    def change(v: Value, args: tuple[Value, ...]) -> Value:
        new = remade(graph, v, args)
        if is_sum(new) and new.real:
            new = _coefficients_moved(graph, new, single)
        if count[v] == 1:
            single.add(new)
        return new

    return rebuild(graph, roots, change)


def _coefficients_moved(graph: Graph, v: Value, single: Collection[Value]) -> Value:
    (_, *coefficients), ins = v.params
    sizes = {abs(c) for c in coefficients}
    if sizes == {1}:
        return v
    if (
        len(sizes) == 1
        and len(v.shape) < 3
        and not all(a in single and a.op == "contract" and len(a.args) > 1 for a in v.args)
    ):
        signs = [1 if c > 0 else -1 for c in coefficients]
        own = tuple(range(len(v.shape)))
        inner = graph.map(("linear", *signs), v.args, v.shape, ins)
        return graph.contract((inner,), (own,), own, v.shape, sizes.pop())
    args, left = [], []
    for c, a in zip(coefficients, v.args, strict=True):
        if abs(c) != 1 and a.op == "contract" and len(a.args) > 1 and a in single and a.shape:
            own_ins, out, dims, k = a.params
            args.append(graph.contract(a.args, own_ins, out, dims, k * abs(c)))
            left.append(1 if c > 0 else -1)
        else:
            args.append(a)
            left.append(c)
    return graph.map(("linear", *left), args, v.shape, ins)


def common_factors(graph: Graph, roots: Sequence[Value], early: Collection[Value] = ()) -> list[Value]:
    """u⊗v + u⊗w as u⊗(v + w), and of vectors A·v + A·w as A·(v + w): what terms have in common is multiplied once.

    early: what is computed beforehand stays apart, so with it products with matrices are left as they are
    """
    steps = graph.steps(roots)
    if not any(is_sum(v) and v.shape and sum(a.op == "contract" for a in v.args) > 1 for v in steps):
        return list(roots)
    count = uses(steps, roots)
    single: set[Value] = set()

    def change(v: Value, args: tuple[Value, ...]) -> Value:
        new = remade(graph, v, args)
        if is_sum(new) and new.shape and sum(a.op == "contract" and len(a.args) > 1 for a in new.args) > 1:
            new = _factored(graph, new, single, early)
        if count[v] == 1:
            single.add(new)
        return new

    return rebuild(graph, roots, change)


def _factored(graph: Graph, v: Value, single: Collection[Value], early: Collection[Value]) -> Value:
    """A sum with the factors that most of its terms have in common taken out, one after the other."""
    if is_sum(v) and len(v.shape) == 1:
        return v if early else _multiplied_once(graph, v, single)
    while is_sum(v):
        (_, *coefficients), ins = v.params
        own = tuple(range(len(v.shape)))
        terms = list(zip(coefficients, v.args, ins, strict=True))
        factors = [_outer_factors(graph, a, labels) if a in single else {} for _, a, labels in terms]
        times = Counter(f for of_term in factors for f in of_term)
        factor, most = max(times.items(), key=lambda item: (item[1], len(item[0][1])), default=(None, 0))
        if factor is None or most < 2:
            break
        common, axes = factor
        others = tuple(k for k in own if k not in axes)
        shape = tuple(v.shape[k] for k in others)
        left = [
            (c, graph.contract((a,), (k,), own, v.shape))
            for (c, a, k), f in zip(terms, factors, strict=True)
            if factor not in f
        ]
        inner = []
        for (c, a, labels), of_term in zip(terms, factors, strict=True):
            if factor in of_term:
                rest, places = _without(graph, a, labels, of_term[factor])
                inner.append(
                    (c, graph.contract((rest,), (tuple(map(others.index, places)),), tuple(range(len(others))), shape))
                )
        joint = _factored(graph, graph.linear(inner, shape), {a for _, a in inner}, early)
        v = graph.linear([*left, (1, graph.contract((common, joint), (axes, others), own, v.shape))], v.shape)
    return v


def _outer_factors(graph: Graph, v: Value, labels: Labels) -> dict[tuple[Value, Labels], set[int]]:
    """The factors of an outer product, each with the axes of the sum that it has; which operands it is the product of."""
    if v.op != "contract" or len(set(v.params[1])) < len(v.params[1]):
        return {}
    ins, out, dims, _ = v.params
    groups = connected(ins)
    if len(groups) < 2:
        return {}
    axis_of = dict(zip(out, labels, strict=True))
    found = {}
    for group in groups:
        kept = sorted({k for i in group for k in ins[i]} & axis_of.keys(), key=axis_of.__getitem__)
        product = graph.contract([v.args[i] for i in group], [ins[i] for i in group], tuple(kept), dims)
        found[product, tuple(axis_of[k] for k in kept)] = set(group)
    return found


def _without(graph: Graph, v: Value, labels: Labels, group: Collection[int]) -> tuple[Value, Labels]:
    """A product without these operands, and the axes of the sum that it has."""
    ins, out, dims, c = v.params
    rest = [i for i in range(len(v.args)) if i not in group]
    gone = {k for i in group for k in ins[i]}
    kept = [(k, axis) for k, axis in zip(out, labels, strict=True) if k not in gone]
    product = graph.contract([v.args[i] for i in rest], [ins[i] for i in rest], tuple(k for k, _ in kept), dims, c)
    return product, tuple(axis for _, axis in kept)


def _multiplied_once(graph: Graph, v: Value, single: Collection[Value]) -> Value:
    """A sum of vectors with the products with one matrix, of which several terms are, as one."""
    (_, *coefficients), ins = v.params
    by_matrix: dict[tuple[Value, int], list[tuple[Any, Value, int]]] = {}
    left: list[tuple[Any, Value]] = []
    for c, a, labels in zip(coefficients, v.args, ins, strict=True):
        found = _matrix_before(a) if a in single and labels else None
        if found is None:
            left.append((c, graph.contract((a,), (labels,), (0,), v.shape)))
        else:
            i, axis = found
            by_matrix.setdefault((a.args[i], axis), []).append((c, a, i))
    if all(len(terms) == 1 for terms in by_matrix.values()):
        return v
    for (matrix, axis), terms in by_matrix.items():
        inner = []
        for c, a, i in terms:
            own, _, dims, k = a.params
            rest = [j for j in range(len(a.args)) if j != i]
            joint = (own[i][1 - axis],)
            inner.append((c, graph.contract([a.args[j] for j in rest], [own[j] for j in rest], joint, dims, k)))
        length = matrix.shape[1 - axis]
        vector = graph.linear(inner, (length,))
        labels = (0, 1) if axis == 0 else (1, 0)
        left.append((1, graph.contract((matrix, vector), (labels, (1,)), (0,), (v.shape[0], length))))
    return graph.linear(left, v.shape)


def _matrix_before(v: Value) -> tuple[int, int] | None:
    """The matrix that a product which is a vector has first: its position, and the axis that the result has."""
    if v.op != "contract" or len(v.args) < 2 or len(v.shape) != 1:
        return None
    ins, (row,), _, _ = v.params
    having = [i for i, labels in enumerate(ins) if row in labels]
    if len(having) != 1 or v.args[having[0]].op in ("unit", "selection"):
        return None
    (i,) = having
    labels = ins[i]
    return (i, labels.index(row)) if len(labels) == 2 and labels[0] != labels[1] else None


def scalars_shared(graph: Graph, roots: Sequence[Value]) -> list[Value]:
    """A scalar factor of all arrays that use a value becomes a factor of the value: s*δ once, not s*h'δ and s*δ*W'."""
    order = graph.steps(roots)
    if not any(() in v.params[0] for v in order if v.op == "contract"):
        return list(roots)
    users: dict[Value, list[Value]] = {v: [] for v in order}
    for u in order:
        for a in u.args:
            users[a].append(u)
    factors = {v: Counter(_scalars(v)) for v in order if v.op == "contract"}
    added: dict[Value, Counter[Value]] = {}
    for v in reversed(order):
        mine = [u for u in users[v] if u.op == "contract"]
        if v in roots or not v.shape or v.op == "input" or len(mine) < 2 or len(mine) < len(users[v]):
            continue
        if len(set(mine)) < len(mine) or not any(u.shape for u in mine):
            continue
        common = factors[mine[0]].copy()
        for u in mine[1:]:
            common &= factors[u]
        if common:
            for u in mine:
                factors[u] -= common
            if v in factors:
                factors[v] += common
            else:
                added[v] = common
    if not added and all(factors[v] == Counter(_scalars(v)) for v in factors):
        return list(roots)

    def change(v: Value, args: tuple[Value, ...]) -> Value:
        if v.op == "contract" and factors[v] != Counter(_scalars(v)):
            ins, out, dims, c = v.params
            kept = [(a, labels) for a, labels in zip(args, ins, strict=True) if labels]
            more = [new[s] for s in factors[v].elements()]
            made = graph.contract([*(a for a, _ in kept), *more], [*(k for _, k in kept), *(() for _ in more)], out, dims, c)
        else:
            made = remade(graph, v, args)
        if v in added:
            made = graph.multiply(made, *(new[s] for s in added[v].elements()))
        new[v] = made
        return made

    new: dict[Value, Value] = {}
    scalars = {s for c in (*factors.values(), *added.values()) for s in c}
    rebuild(graph, sorted(scalars, key=lambda s: s.serial), change)
    return rebuild(graph, roots, change)


def _scalars(v: Value) -> list[Value]:
    return [a for a, labels in zip(v.args, v.params[0], strict=True) if not labels]


def inverses_cancelled(graph: Graph, v: Value) -> Value:
    """inv(M)*M in a contraction, M the product of some of its operands, is the identity."""
    for position, a in enumerate(v.args):
        if a.op != "inverse" or a.args[0].op != "contract":
            continue
        found = _cancelled(graph, v, position)
        if found is not None:
            return inverses_cancelled(graph, found) if found.op == "contract" else found
    return v


def _cancelled(graph: Graph, v: Value, position: int) -> Value | None:
    ins, out, dims, c = v.params
    own, m = ins[position], v.args[position].args[0]
    for joint, other, first in ((own[1], own[0], True), (own[0], own[1], False)):
        if joint in out:
            continue
        rest = [i for i in range(len(v.args)) if i != position]
        for chosen in permutations(rest, len(m.args)):
            if tuple(v.args[i] for i in chosen) != m.args:
                continue
            inside = {k for i in chosen for k in ins[i]}
            outside = {k for i in rest if i not in chosen for k in ins[i]} | set(out)
            ends = (inside & outside) | ({joint} & inside)
            if len(ends) != 2 or joint not in ends or joint in outside or other in inside:
                continue
            (end,) = ends - {joint}
            sub = graph.contract(
                [v.args[i] for i in chosen], [ins[i] for i in chosen], (joint, end) if first else (end, joint), dims,
                m.params[3],
            )  # fmt: skip
            if sub is not m:
                continue
            left = [i for i in rest if i not in chosen]
            renamed: list[Labels] = [tuple(end if k == other else k for k in ins[i]) for i in left]
            new_out = tuple(end if k == other else k for k in out)
            coefficient: Any = c if m.params[3] == 1 else c / m.params[3]
            return graph.contract([v.args[i] for i in left], renamed, new_out, dims, coefficient)
    return None
