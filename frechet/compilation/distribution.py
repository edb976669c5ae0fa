"""Products of sums as sums of products, where that is less work: (T - U*V')*V as T*V - U*(V'*V).

Terms of low rank stay of low rank, an inverse beside its matrix cancels, and a trace of a product with x*y' is a product of
vectors. A sum is distributed over if the steps that come out of it cost less; sums among the new factors are tried with it.
The identity among its terms is not formed where anything is saved by that: X*(I - 1*1'/n) is X less the means of its rows.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from frechet.compilation.contractions import connected, inlined
from frechet.compilation.ordering import cost_of, inverses_formed, ordered
from frechet.compilation.rewriting import inverses_cancelled, is_sum
from frechet.compilation.timing import Rates
from frechet.compilation.values import Graph, Value, rebuild, remade, substituted, uses, walk
from frechet.compilation.views import sums_joined

WORTH = 0.9  # a change is made where it saves a tenth
WORTH_EARLY = 0.5  # or half, where it is that a part is computed beforehand: X'*X*w - X'*y is less exact than X'*(X*w - y)
SEARCHED = 4e-5  # seconds of a program, from which on sums are tried in all products together
SUMS = 12  # of these
VALUES = 120  # of a program, up to which they are,
WORK = 6000  # and the operands of its products, to the power of 3: a trial orders all of them
TERMS = 24  # of a sum that comes of one product
POWER = 3  # of a matrix, at most, that is taken apart
NESTED = 3  # sums in one another that are tried together
NEAR = 10  # sums and products below one another that its forms may differ in
TRIALS = 60  # of a program, after which each sum is tried alone
MOST = 120  # after which none is
OPERANDS = 12  # of a product that is taken in


def distributed(graph: Graph, roots: Sequence[Value], rates: Rates, early: Collection[Value] = ()) -> list[Value]:
    """The results with products distributed over sums where that is less work."""
    if not any(v.op == "contract" and any(is_sum(a) and len(a.shape) > 1 for a in v.args) for v in graph.steps(roots)):
        return list(roots)
    return _Distribution(graph, roots, rates, early).run(roots)


class _Distribution:
    """shared: sums and products that more than one value uses; single: those that only one uses, not needed else."""

    def __init__(self, graph: Graph, roots: Sequence[Value], rates: Rates, early: Collection[Value]) -> None:
        self.graph, self.rates, self.early = graph, rates, early
        steps = graph.steps(roots)
        self.count = uses(steps, roots)
        self.formed = inverses_formed(steps, roots)
        self.shared: set[Value] = set()
        self.single: set[Value] = set()
        self.nested = 0  # sums in sums that are being distributed over
        self.trials = 0

    def run(self, roots: Sequence[Value]) -> list[Value]:
        return rebuild(self.graph, roots, self.change)

    def change(self, v: Value, args: tuple[Value, ...]) -> Value:
        new = remade(self.graph, v, args)
        if v in self.formed:
            self.formed.add(new)
        if is_sum(new):
            new = sums_joined(self.graph, new, self.single)
        elif new.op == "contract" and len(new.args) > 1:
            new = self.best(new)
        if self.count[v] > 1:
            self.shared.add(new)
            self.single.discard(new)
        elif new not in self.shared:
            self.single.add(new)
        return new

    def best(self, v: Value) -> Value:
        """The product distributed over those of its sums where that pays; of many, over those with the identity alone."""
        enough = self.nested >= (NESTED if self.trials < TRIALS else 1 if self.trials < MOST else 0)
        self.nested += 1
        for a in dict.fromkeys(v.args):
            if v.op == "contract" and is_sum(a) and len(a.shape) > 1 and v.args.count(a) == 1:
                v = self._over(v, a, enough) if not enough or has_identity(a) else v
        self.nested -= 1
        return v

    def _over(self, v: Value, inner: Value, plain: bool) -> Value:
        """The product distributed over one of its sums, if that is less work.

        plain: are the products that come out of it left as they are?
        """
        if len(inner.args) > TERMS:
            return v
        self.trials += 1
        there = self.there(v)
        before = cost_of(self.graph, v, self.rates, self.formed, self.early, there)
        identity = has_identity(inner)
        worth = WORTH_EARLY if self.early else 1.0 if identity else WORTH
        forms = [self.products(v, inner, p) for p in ([True] if plain else [False, True])]
        found = self._cheapest(forms, inner, there, worth * before)
        if found is None and identity:
            found = self._cheapest(self.beside(v, inner), inner, there, worth * before)
        return found or v

    def _cheapest(self, forms: Sequence[Value], inner: Value, there: Collection[Value], bound: float) -> Value | None:
        """The form of a product without one of its sums that costs least, if it costs less than this."""
        known = {*there} - {inner}
        costs = {form: cost_of(self.graph, form, self.rates, self.formed, self.early, known) for form in forms}
        best = min(costs, key=costs.__getitem__, default=None)
        return best if best is not None and costs[best] < bound else None

    def products(self, v: Value, inner: Value, plain: bool = False) -> Value:
        """The sum of the products with the terms of `inner`, which is among the operands.

        plain: are these left as they are, so that one may be the sums of another, or is each the best for itself?
        """
        graph = self.graph
        ins, out, dims, coefficient = v.params
        found = []
        for c, term in terms(graph, inner):
            product = graph.contract([term if a is inner else a for a in v.args], ins, out, dims)
            if product.op == "contract":
                taken = {a for a in product.args if a is term and a.op == "contract" and len(a.args) > 1}
                taken = {a for a in taken if a not in self.shared or is_outer(a) or is_inverse_power(a)}
                product = inlined(graph, product, taken) if len(product.args) < OPERANDS else product
            if product.op == "contract":
                product = inverses_cancelled(graph, product)
            if product.op == "contract" and not plain:
                product = self.best(product)
            found.append((c * coefficient, product))
        other = graph.linear(found, v.shape)
        fresh = {p for _, p in found} - {*v.args}  # a factor that is a term itself is needed as it stands for the others
        return sums_joined(graph, other, fresh) if is_sum(other) else other

    def beside(self, v: Value, inner: Value) -> list[Value]:
        """The product with one of its sums taken into a factor beside it: A*(X*(eye(n) - P))*B, where X - X*P is formed."""
        ins, out, dims, coefficient = v.params
        at = v.args.index(inner)
        found = []
        for i, (a, labels) in enumerate(zip(v.args, ins, strict=True)):
            joint = {*labels} & {*ins[at]}
            if i == at or len(labels) != 2 or len(joint) != 1 or len(v.args) < 3:
                continue
            if any(joint & {*other} for k, other in enumerate((*ins, out)) if k not in (i, at)):
                continue
            (free,) = {*ins[at]} - joint
            kept = tuple(free if k in joint else k for k in labels)
            pair = self.graph.contract((a, inner), (labels, ins[at]), kept, dims)
            if pair.op == "contract" and inner in pair.args:
                rest = [k for k in range(len(v.args)) if k not in (i, at)]
                args, others = [v.args[k] for k in rest], [ins[k] for k in rest]
                taken = self.products(pair, inner, plain=True)
                found.append(self.graph.contract([*args, taken], [*others, kept], out, dims, coefficient))
        return found

    def there(self, v: Value) -> set[Value]:
        """What the product and its distributed form are both computed from."""
        found: set[Value] = set()
        level = list(dict.fromkeys(v.args))
        for depth in range(NEAR, -1, -1):
            below: list[Value] = []
            for a in level:
                apart = is_sum(a) or (a.op == "contract" and len(a.args) > 1)
                if a.op == "inverse":
                    found.add(a if a in self.formed else a.args[0])
                    continue
                if not apart or a in self.shared or not depth:
                    found.add(a)
                if apart:
                    below += a.args
            level = [a for a in dict.fromkeys(below) if a not in found]
        return found


def distributed_together(graph: Graph, roots: Sequence[Value], rates: Rates, early: Collection[Value] = ()) -> list[Value]:
    """The results with sums that several products have distributed over in all of them, where the whole costs less then.

    Each sum is tried by the cost of the whole program, which pays only where that is large.
    """
    best = list(roots)
    steps = graph.steps(best)
    if len(steps) > VALUES or sum(len(v.args) ** 3 for v in steps if v.op == "contract") > WORK:
        return best
    cost = rates.total(walk(ordered(graph, best, rates, early)))
    if cost < SEARCHED:
        return best
    tried: set[Value] = set()
    trials = 0
    while len(tried) < SUMS:
        inner = next((v for v in reversed(walk(best)) if is_sum(v) and len(v.shape) > 1 and v not in tried), None)
        if inner is None:
            break
        tried.add(inner)
        users = [u for u in walk(best) if inner in u.args]
        if inner in best or any(u.op != "contract" or u.args.count(inner) > 1 for u in users) or len(inner.args) > TERMS:
            continue
        distribution = _Distribution(graph, best, rates, early)
        distribution.shared = {v for v, count in distribution.count.items() if count > 1}
        distribution.trials = trials
        changed = {u: distribution.products(u, inner) for u in users}
        trials = distribution.trials
        other = substituted(graph, best, changed)
        less = rates.total(walk(ordered(graph, other, rates, early)))
        if less < WORTH * cost:
            best, cost = other, less
    return best


def is_inverse_power(v: Value) -> bool:
    """Is it a product of inverses, which is rather solved with than formed, however often it is used?"""
    return v.op == "contract" and len(v.args) > 1 and all(a.op == "inverse" for a in v.args)


def is_power(v: Value) -> bool:
    """Is it a matrix times itself, which is best not formed beside vectors, however often it is used?"""
    return (
        v.op == "contract" and len(v.shape) == 2 and 1 < len(v.args) <= POWER and len(set(v.args)) == 1 and not is_outer(v)
    )


def has_identity(v: Value) -> bool:
    """Is a multiple of the identity, which need not be formed, among the terms of a sum?"""
    return any(a.op == "contract" and not a.args and a.params[1] == (0, 0) for a in v.args)


def is_outer(v: Value) -> bool:
    """Is it an outer product: do its operands fall apart into parts without a common label?"""
    return len(connected(v.params[0])) > 1


def terms(graph: Graph, v: Value) -> list[tuple[object, Value]]:
    """The terms of a sum, each with the axes of the sum."""
    (_, *coefficients), ins = v.params
    own = tuple(range(len(v.shape)))
    return [(c, graph.contract((a,), (k,), own, v.shape)) for c, a, k in zip(coefficients, v.args, ins, strict=True)]
