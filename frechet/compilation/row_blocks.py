"""Large matrices read once: steps along the rows of a matrix, taken together for a block of rows that the cache keeps.

X·w, a function of its entries and Xᵀ·p read X twice from memory; block after block, once, and the sum over the blocks is
the result. Thin products, as with the weights of a few classes, gain most: BLAS multiplies small blocks as they lie.

>>> import frechet as fr
>>> g = fr.parse("norm2(X*w-y)^2", ["X: n×k", "w: k"])
>>> program = fr.compile(fr.derivative(g, fr.variables(g)["w"]).gradient)
>>> print(program.at(n=20_000, k=100).function, end="")
def program(X, w, y):
    n, k = X.shape
    # n rows, 500 at a time
    t1 = np.zeros(k)
    for i2 in range(0, n, 500):
        x3 = X[i2 : i2 + 500]
        x4 = y[i2 : i2 + 500]
        t5 = dgemv(1.0, x3.T, w, (-1.0), x4, 0, 1, 0, 1, 1, 0)
        t6 = t5.dot(x3)
        t1 += t6
    t1 *= 2.0
    return t1
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from frechet.compilation.timing import CALL, Rates
from frechet.compilation.values import Graph, Value, replaced, walk
from frechet.compilation.writer import SELECTORS
from frechet.expressions.dimension import Dim, dim

LARGE = 400_000  # entries of a matrix that is worth it
CACHED = 50_000  # entries of it in a block
LEAST = 4  # rows of a block, and blocks
THIN = 16  # columns of its products
SAVED = 2e-10  # seconds for an entry that is read again, and a column it is multiplied by
COLUMNS = 4  # that count so
EFFORT = 20  # visits for each step
TRIES = 4


@dataclass(frozen=True, eq=False)
class Block:
    """What is done for a block of rows.

    inputs     inputs that stand for the operands of the whole; cut[i] is the axis along which a block has a part of
               operand i, None where it has all of it
    results    what a block gives; joined[i] is the axis along which the parts are put together, None where they are summed
    along      the dimension that is cut; `rows` is that of a block, `count` its size
    """

    inputs: tuple[Value, ...]
    cut: tuple[int | None, ...]
    results: tuple[Value, ...]
    joined: tuple[int | None, ...]
    along: Dim
    rows: Dim
    count: int

    @property
    def steps(self) -> list[Value]:
        return walk(self.results)


@dataclass(frozen=True, eq=False)
class _Group:
    """Steps that are taken together: those along the rows, and the sums over them; and the operands of both."""

    along: Dim
    count: int
    inner: dict[Value, None]
    sums: dict[Value, None]
    operands: dict[Value, None]


def by_row_blocks(
    graph: Graph, roots: Sequence[Value], rates: Rates, rows: str, fixed: Collection[Value] = ()
) -> list[Value]:
    """The roots with steps that read a large matrix more than once as steps `over_rows`, with `from_rows` for the results.

    rows: a name for the dimension of a block
    fixed: steps that are left as they are
    """
    steps = walk(roots)
    products = _products(steps, rates, fixed)
    groups = list(_Search(steps, rates, fixed).groups(products)) if products else []
    return _rebuilt(graph, roots, groups, dim(rows)) if groups else list(roots)


def _products(
    steps: Sequence[Value], rates: Rates, fixed: Collection[Value]
) -> dict[Value, tuple[list[Value], list[Value]]]:
    """The large matrices with their thin products that keep the rows, and those that sum over them."""
    found: dict[Value, tuple[list[Value], list[Value]]] = {}
    for v in steps:
        if v.op != "contract" or len(v.args) != 2 or v in fixed:
            continue
        ins, out, dims, _ = v.params
        for x, b, lx, lb in ((*v.args, *ins), (*v.args[::-1], *ins[::-1])):
            if len(lx) == 2 and rates.entries(x.shape) >= LARGE and _is_thin(b, rates):
                both = {*lx} & {*lb}
                alone = dims.count(dims[lx[0]]) == 1
                if alone and len(both) == 1 and not both & {*out} and len({*lx, *out}) == len(lb) + 1:
                    found.setdefault(x, ([], []))[lx[0] in both].append(v)
                    break
    return {x: pair for x, pair in found.items() if all(pair)}


def _is_thin(b: Value, rates: Rates) -> bool:
    """A vector, or a matrix of few columns or rows."""
    return len(b.shape) == 1 or (len(b.shape) == 2 and min(map(rates.size, b.shape)) <= THIN)


def along_rows(v: Value, n: Dim) -> bool:
    """Does each row of the value, along n, depend on this row of its operands alone?"""
    if v.shape.count(n) != 1 or any(a.shape.count(n) > (a.op not in SELECTORS) for a in v.args):
        return False
    if v.op == "contract":
        return bool(v.params[2].count(n) == 1)
    return v.op == "map" or (v.op == "extreme" and v.params[1] is True and v.args[0].shape[0] is n)


class _Search:
    """Finds groups of steps that can be taken together."""

    def __init__(self, steps: Sequence[Value], rates: Rates, fixed: Collection[Value]) -> None:
        self.rates, self.fixed = rates, fixed
        self.users: dict[Value, list[Value]] = {v: [] for v in steps}
        self.height: dict[Value, int] = {}
        for v in steps:
            self.height[v] = 1 + max((self.height[a] for a in v.args), default=-1)
            for a in v.args:
                self.users[a].append(v)
        self.effort = EFFORT * len(steps)
        self.taken: set[Value] = set()

    def groups(self, products: dict[Value, tuple[list[Value], list[Value]]]) -> Iterator[_Group]:
        for x, (keeping, summing) in products.items():
            n = x.shape[0]
            for first, sums in self._parts(keeping, summing, n):
                group = self._group(x, first, sums)
                if group is not None:
                    self.taken.update(group.inner, group.sums)
                    yield group

    def _parts(
        self, keeping: Sequence[Value], summing: Collection[Value], n: Dim
    ) -> Iterator[tuple[list[Value], list[Value]]]:
        """The products in the parts that hang together by steps along the rows."""
        wanted = set(summing)
        inside = self._reached(keeping, n)
        seen: set[Value] = set()
        for start in keeping:
            if start in seen or start in self.taken:
                continue
            part, stack = {start: None}, [start]
            while stack:
                v = stack.pop()
                for u in (*(a for a in v.args if v not in wanted or a in inside), *self.users[v]):
                    if (u in inside or u in wanted) and u not in part and v not in wanted:
                        part[u] = None
                        stack.append(u)
            seen.update(part)
            self.effort -= len(part)
            sums = [v for v in part if v in wanted]
            if sums:
                yield [v for v in keeping if v in part], sums

    def _reached(self, first: Iterable[Value], n: Dim) -> dict[Value, None]:
        """The first and the steps along the rows that need them."""
        found = dict.fromkeys(v for v in first if v not in self.taken)
        stack = list(found)
        while stack and self.effort > 0:
            for u in self.users[stack.pop()]:
                self.effort -= 1
                if u not in found and u not in self.fixed and u not in self.taken and along_rows(u, n):
                    found[u] = None
                    stack.append(u)
        return found

    def _group(self, x: Value, first: list[Value], sums: list[Value]) -> _Group | None:
        n = x.shape[0]
        for _ in range(TRIES):
            reached = self._reached(first, n)
            sums = [s for s in sums if any(a in reached for a in s.args)]
            inner = self._needed(sums, reached)
            operands = dict.fromkeys(a for v in (*inner, *sums) for a in v.args if a not in inner)
            members = {*inner, *sums}
            met = self._met(operands, members, min((self.height[v] for v in inner), default=0))
            if self.effort <= 0 or not sums or not inner:
                return None
            if met is None:
                group = _Group(n, self._count(x), inner, dict.fromkeys(sums), operands)
                return group if self._worth_it(x, group) else None
            if met in inner:  # what it comes from is needed as a whole
                below = self._needed([met], reached)
                first = [v for v in first if v not in below]
            else:
                sums = [s for s in sums if self.height[s] <= self.height[met]]
        return None

    def _needed(self, tops: Iterable[Value], among: Collection[Value]) -> dict[Value, None]:
        """Of these values those that the tops are computed from, operands first."""
        return dict.fromkeys(sorted(self._below(tops, among), key=self.height.__getitem__))

    def _below(self, tops: Iterable[Value], among: Collection[Value]) -> dict[Value, None]:
        found: dict[Value, None] = {v: None for v in tops if v in among}
        stack = list(tops)
        while stack:
            for a in stack.pop().args:
                self.effort -= 1
                if a in among and a not in found:
                    found[a] = None
                    stack.append(a)
        return found

    def _met(self, operands: Iterable[Value], members: Collection[Value], lowest: int) -> Value | None:
        """A member that an operand is computed from; it has at least this height."""
        seen = {a for a in operands if self.height[a] > lowest}
        met = next((a for a in operands if a in members), None)
        stack = list(seen)
        while stack and met is None and self.effort > 0:
            for a in stack.pop().args:
                self.effort -= 1
                if a in members:
                    met = a
                elif a not in seen and self.height[a] > lowest:
                    seen.add(a)
                    stack.append(a)
        return met

    def _count(self, x: Value) -> int:
        return CACHED // self.rates.size(x.shape[1])

    def _worth_it(self, x: Value, group: _Group) -> bool:
        n, count = self.rates.size(group.along), group.count
        if count < LEAST or n < LEAST * count:
            return False
        inside = [v for v in (*group.inner, *group.sums) if x in v.args]
        widths = [min(self.rates.entries(v.shape) // self.rates.entries(v.shape[:1]), COLUMNS) for v in inside]
        gain = SAVED * self.rates.entries(x.shape) * (sum(widths) - max(widths))
        return gain > 2 * CALL * (n // count) * (len(group.inner) + len(group.sums))


def _rebuilt(graph: Graph, roots: Sequence[Value], groups: Sequence[_Group], rows: Dim) -> list[Value]:
    """The roots with each group as one step."""
    group_of = {v: g for g in groups for v in (*g.inner, *g.sums)}
    results = set(roots)
    for v in walk(roots):
        results.update(a for a in v.args if group_of.get(a) is not group_of.get(v))
    new: dict[Value, Value] = {}
    started: set[_Group] = set()
    stack = list(roots)
    while stack:
        v = stack[-1]
        group = group_of.get(v)
        missing = [a for a in (v.args if group is None else group.operands) if a not in new]
        if v in new:
            stack.pop()
        elif not missing and group is None:
            new[v] = replaced(graph, v, tuple(new[a] for a in v.args))
        elif not missing and group is not None:
            _add(graph, group, new, results, rows)
        elif group in started:  # groups that need parts of each other
            return list(roots)
        else:
            stack.extend(missing)
            if group is not None:
                started.add(group)
    return [new[r] for r in roots]


def _add(graph: Graph, group: _Group, new: dict[Value, Value], results: Collection[Value], rows: Dim) -> None:
    """Enters the step of a group, and what is taken from it."""
    n = group.along

    def resized(dims: Iterable[Dim]) -> tuple[Dim, ...]:
        return tuple(rows if d is n else d for d in dims)

    def axis(v: Value) -> int | None:
        return next((k for k, d in enumerate(v.shape) if d is n), None)

    own: dict[Value, Value] = {a: a for a in group.operands if a.op == "number"}
    operands = [a for a in group.operands if a.op != "number"]
    for i, a in enumerate(operands):
        stand = own[a] = graph.make("input", (), (f"{i} of {len(graph.table)}",), resized(a.shape), a.real)
        stand.sign = a.sign
        if axis(a) is None:
            stand.definite, stand.symmetric = a.definite, a.symmetric
    for v in (*group.inner, *group.sums):
        params = (*v.params[:2], resized(v.params[2]), v.params[3]) if v.op == "contract" else v.params
        copy = own[v] = graph.make(v.op, [own[a] for a in v.args], params, resized(v.shape), v.real)
        copy.sign = v.sign
    given = [v for v in (*group.inner, *group.sums) if v in results]
    block = Block(
        tuple(own[a] for a in operands),
        tuple(map(axis, operands)),
        tuple(own[v] for v in given),
        tuple(map(axis, given)),
        n,
        rows,
        group.count,
    )
    whole = graph.make("over_rows", [new[a] for a in operands], (block,), ())
    for v in (*group.inner, *group.sums):
        if v in results:
            new[v] = taken = graph.make("from_rows", (whole,), (given.index(v),), v.shape, v.real)
            taken.sign, taken.definite, taken.symmetric = v.sign, v.definite, v.symmetric
