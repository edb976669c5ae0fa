"""Large arrays read once: steps along their rows, taken together for a block of rows that the cache keeps.

X·w, a function of its entries and Xᵀ·p read X twice from memory; block after block, once, and the sum over the blocks is
the result. So it is with chains of functions of entries, whose arrays in between are then never formed as a whole.

>>> import frechet as fr
>>> g = fr.parse("norm2(X*w-y)^2", ["X: n×k", "w: k"])
>>> program = fr.compile(fr.derivative(g, fr.variables(g)["w"]).gradient)
>>> print(program.at(n=20_000, k=100).function, end="")
def program(X, w, y):
    n, k = X.shape
    # n rows, 800 at a time
    t1 = np.zeros(k)
    for i2 in range(0, n, 800):
        x3 = X[i2 : i2 + 800]
        x4 = y[i2 : i2 + 800]
        t5 = dgemv(1.0, x3.T, w, (-1.0), x4, 0, 1, 0, 1, 1)
        t6 = t5.dot(x3)
        t1 += t6
    t1 *= 2.0
    return t1

Source:  Wolfe (1996), High performance compilers for parallel computing: loop fusion and strip mining
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from frechet.compilation.row_groups import Group, groups_along_rows
from frechet.compilation.timing import Rates
from frechet.compilation.values import Graph, Value, informed, replaced, walk
from frechet.expressions.dimension import Dim, dim


@dataclass(frozen=True, eq=False)
class Block:
    """What is done for a block of rows.

    inputs     inputs that stand for the operands of the whole; of those that are `cut` a block has some rows
    results    what a block gives: rows of a result, where `joined`, else a part of a sum
    along      the dimension that is cut; `rows` is that of a block, `count` its size
    """

    inputs: tuple[Value, ...]
    cut: tuple[bool, ...]
    results: tuple[Value, ...]
    joined: tuple[bool, ...]
    along: Dim
    rows: Dim
    count: int

    @property
    def steps(self) -> list[Value]:
        return walk(self.results)


def by_row_blocks(
    graph: Graph,
    roots: Sequence[Value],
    rates: Rates,
    rows: str,
    fixed: Collection[Value] = (),
    told: Collection[str] | None = None,
) -> list[Value]:
    """The roots with steps that share large arrays as one step `over_rows`, with `from_rows` for its results.

    rows: a name for the dimension of a block
    fixed: steps that are left as they are
    told: the names of dimensions that arguments tell, where not all do: along others, as n*m where an argument has that many
        rows, nothing is taken together, because then the program would ask for n and m
    """
    groups = groups_along_rows(roots, rates, fixed)
    if told is not None:
        groups = [g for g in groups if g.along.names() <= {*told}]
    return _rebuilt(graph, roots, groups, dim(rows)) if groups else list(roots)


def _rebuilt(graph: Graph, roots: Sequence[Value], groups: Sequence[Group], rows: Dim) -> list[Value]:
    """The roots with each group as one step."""
    group_of = {v: g for g in groups for v in g.steps}
    needed = {g: dict.fromkeys(a for v in g.steps for a in v.args if a not in g.steps) for g in groups}
    new: dict[Value, Value] = {}
    stack = list(roots)
    while stack:
        v = stack[-1]
        group = group_of.get(v)
        missing = [a for a in (v.args if group is None else needed[group]) if a not in new]
        if v in new:
            stack.pop()
        elif missing:
            stack.extend(missing)
        elif group is None:
            new[v] = replaced(graph, v, tuple(new[a] for a in v.args))
        else:
            _add(graph, group, new, rows)
    return [new[r] for r in roots]


def _add(graph: Graph, group: Group, new: dict[Value, Value], rows: Dim) -> None:
    """Enters the step of a group, and what is taken from it."""
    stands: dict[tuple[Value, bool], Value] = {}
    own: dict[Value, Value] = {}

    def operand(a: Value, cut: bool) -> Value:
        if a in own or a.op == "number":
            return own.get(a, a)
        stand = stands.get((a, cut))
        if stand is None:
            shape = (rows, *a.shape[1:]) if cut else a.shape
            stand = stands[a, cut] = graph.make("input", (), (f"{len(stands)} of {len(graph.table)}",), shape, a.real)
            stand.sign = a.sign
            if not cut:
                stand.definite, stand.symmetric = a.definite, a.symmetric
        return stand

    for v, way in group.steps.items():
        args = [operand(a, way.by_rows(i)) for i, a in enumerate(v.args)]
        params = v.params
        if v.op == "contract":
            _, out, dims, c = v.params
            params = (way.ins, out, (*dims[: way.label], rows, *dims[way.label + 1 :]), c)
        elif v.op == "map":
            params = (v.params[0], way.ins)
        shape = (rows, *v.shape[1:]) if way.kept else v.shape
        own[v] = graph.make(v.op, args, params, shape, v.real)
        own[v].sign = v.sign
    block = Block(
        tuple(stands.values()),
        tuple(cut for _, cut in stands),
        tuple(own[v] for v in group.results),
        tuple(group.steps[v].kept for v in group.results),
        group.along,
        rows,
        group.count,
    )
    whole = graph.make("over_rows", [new[a] for a, _ in stands], (block,), ())
    for i, v in enumerate(group.results):
        new[v] = informed(graph.make("from_rows", (whole,), (i,), v.shape, v.real), v)
