"""From expressions to the values of a program: every operation as contractions, maps, or a call of its page.

Matrix notation ends here. What a page says of its arguments (signs, definiteness, symmetry) goes with the values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import pi

from frechet.compilation.block_products import with_block_products
from frechet.compilation.matrix_powers import power
from frechet.compilation.normalizations import WITH_MEANS, with_means
from frechet.compilation.stability import EXACT, rewritten
from frechet.compilation.values import Graph, Value
from frechet.expressions.dimension import UNIT, Dim, axes
from frechet.expressions.node import Expr, walk
from frechet.operations.blocks import BLOCKS
from frechet.operations.constants import place
from frechet.operations.einsum import letters_of
from frechet.operations.elementwise import Elementwise, SignPage, level_below
from frechet.operations.transposition import hermitian

FOR_PROGRAMS = (*EXACT, (BLOCKS, with_block_products), *((op, with_means) for op in WITH_MEANS))
ROOT = ("power", Fraction(1, 2))
REAL_BY_FORM = ("product", "tr", "sum_of_terms")  # real for certain arguments, and complex to NumPy


def lower(graph: Graph, roots: Sequence[Expr]) -> list[Value]:
    """The values of the expressions, in the graph."""
    return Lowering(graph).values(roots)


class Lowering:
    """Expressions that were lowered to one graph."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.done: dict[Expr, Value] = {}

    def values(self, roots: Sequence[Expr]) -> list[Value]:
        roots, nodes = rewritten(roots, list(walk(*roots)), FOR_PROGRAMS)
        for node in nodes:
            if node not in self.done:
                self.done[node] = self._annotated(node, self._lowered(node))
        return [self.done[r] for r in roots]

    def _lowered(self, node: Expr) -> Value:
        args = [self.done[a] for a in node.args]
        rule = RULES.get(node.op.name)
        if rule is not None:
            v = rule(self.graph, node, args)
        elif isinstance(node.op, Elementwise) and len(args) == 1 and not node.params and _plain(node):
            v = self.graph.map((node.op.name,), args, axes(node.shape))
        else:
            operands = node.op.operands(node)
            v = self.graph.make("page", [self.done[a] for a in operands], (node,), axes(node.shape), node.real)
        if node.real and node.op.name in REAL_BY_FORM and not v.real:
            v = self.graph.map(("re",), (v,), v.shape)
        return v

    def _annotated(self, node: Expr, v: Value) -> Value:
        """The value with what is known of the expression; of an array that is not only seen under another name."""
        if v.op in ("number", "size"):
            return v
        v.sign = max(v.sign, node.sign)
        if node.kind == "matrix" and node.shape[0] is node.shape[1] and len(v.shape) == 2:
            v.definite = max(v.definite, node.definite)
            v.symmetric = v.symmetric or hermitian(node)
            v.formula = v.formula or node
        return v


def _plain(node: Expr) -> bool:
    """Is the value told by the template alone? Of the sign of v - max(v) it is not."""
    sign = isinstance(node.op, SignPage) and not level_below(node.args[0])[0]
    return sign or type(node.op).numpy is Elementwise.numpy


Rule = Callable[[Graph, Expr, list[Value]], Value]


def _number(graph: Graph, node: Expr, args: list[Value]) -> Value:
    return graph.number(node.params[0])


def _variable(graph: Graph, node: Expr, args: list[Value]) -> Value:
    return graph.make("input", (), (node.params[0],), axes(node.shape), node.real)


def _chain(graph: Graph, node: Expr, args: list[Value]) -> Value:
    """Neighbours share a label; axes that are absent have none, so that x*y' is the outer product."""
    dims: list[Dim] = []
    ins = []
    labels_out: list[int] = []
    last: int | None = None
    for e in node.args:
        rows, columns = e.shape
        labels: list[int] = []
        if rows is not UNIT:
            if last is None:
                dims.append(rows)
                last = len(dims) - 1
                labels_out.append(last)
            labels.append(last)
        last = None
        if columns is not UNIT:
            dims.append(columns)
            last = len(dims) - 1
            labels.append(last)
        ins.append(tuple(labels))
    if last is not None:
        labels_out.append(last)
    return graph.contract(args, ins, tuple(labels_out), dims)


def _scale(graph: Graph, node: Expr, args: list[Value]) -> Value:
    return graph.multiply(*args)


def _sum_of_terms(graph: Graph, node: Expr, args: list[Value]) -> Value:
    return graph.linear(zip(node.params, args, strict=True), axes(node.shape))


def _monomial(graph: Graph, node: Expr, args: list[Value]) -> Value:
    """Squares are products: of a norm, no root is drawn."""
    factors: list[Value] = []
    for e, v, k in zip(node.args, args, node.params, strict=True):
        if e.op.name == "norm2" and k in (2, -2):
            square = _square_norm(graph, v.args[0]) if v.op == "norm2" else graph.multiply(v, v)
            factors.append(square if k == 2 else graph.power(square, -1))
        elif v.op == "map" and v.params[0] == ROOT and k in (2, -2):
            factors.append(v.args[0] if k == 2 else graph.power(v.args[0], -1))
        elif k == 2:
            factors += [v, v]
        else:
            factors.append(graph.power(v, k))
    return graph.multiply(*factors)


def _square_norm(graph: Graph, x: Value, of_rows: bool = False) -> Value:
    labels, out = tuple(range(len(x.shape))), (0,) if of_rows else ()
    if x.real:
        return graph.contract((x, x), (labels, labels), out, x.shape)
    square = graph.contract((graph.map(("conj",), (x,), x.shape), x), (labels, labels), out, x.shape)
    return graph.map(("re",), (square,), square.shape)


def _norm2_of_rows(graph: Graph, node: Expr, args: list[Value]) -> Value:
    return graph.power(_square_norm(graph, args[0], True), Fraction(1, 2))


def _transpose(graph: Graph, node: Expr, args: list[Value]) -> Value:
    v = args[0]
    return graph.transpose(v, (1, 0)) if len(v.shape) == 2 else v


def _trace(graph: Graph, node: Expr, args: list[Value]) -> Value:
    return graph.contract(args, ((0, 0),), (), args[0].shape[:1])


def _diagonal(graph: Graph, node: Expr, args: list[Value]) -> Value:
    return graph.contract(args, ((0, 0),), (0,), args[0].shape[:1])


def _diag(graph: Graph, node: Expr, args: list[Value]) -> Value:
    return graph.contract(args, ((0,),), (0, 0), args[0].shape)


def _sum(graph: Graph, node: Expr, args: list[Value]) -> Value:
    v = args[0]
    return graph.contract(args, (tuple(range(len(v.shape))),), (), v.shape)


def _norm1(graph: Graph, node: Expr, args: list[Value]) -> Value:
    v = args[0]
    return _sum(graph, node, [graph.map(("abs",), (v,), v.shape)])


def _clip(graph: Graph, node: Expr, args: list[Value]) -> Value:
    v, low, high = args
    return graph.map(("minimum",), (graph.map(("maximum",), (v, low), v.shape), high), v.shape)


def _reshape(graph: Graph, node: Expr, args: list[Value]) -> Value:
    """The first axis fastest: the axes are turned round before and after."""
    v, shape = args[0], axes(node.shape)
    turned = graph.contract((v,), (tuple(range(len(v.shape))),), tuple(range(len(v.shape)))[::-1], v.shape)
    flat = graph.reshape(turned, shape[::-1])
    return graph.contract((flat,), (tuple(range(len(shape))),), tuple(range(len(shape)))[::-1], shape[::-1])


def _kron(graph: Graph, node: Expr, args: list[Value]) -> Value:
    """(A ⊗ B) has the entry a_ij b_kl at the place (ik, jl)."""
    (a, b), (p, q), (m, n) = args, node.args[0].shape, node.args[1].shape
    dims: list[Dim] = []
    ins: tuple[list[int], list[int]] = ([], [])
    out: list[int] = []
    shape: list[Dim] = []
    for pair in ((p, m), (q, n)):
        length = UNIT
        for side, d in enumerate(pair):
            if d is not UNIT:
                dims.append(d)
                ins[side].append(len(dims) - 1)
                out.append(len(dims) - 1)
                length = length * d
        if length is not UNIT:
            shape.append(length)
    return graph.reshape(graph.contract((a, b), [tuple(k) for k in ins], tuple(out), dims), tuple(shape))


def _commutation(graph: Graph, node: Expr, args: list[Value]) -> Value:
    """K vec(X) = vec(X'): the row is the place of x_ij in vec(X'), the column that in vec(X); columns are stacked."""
    m, n = node.params
    return graph.reshape(graph.contract((), (), (0, 1, 1, 0), (m, n)), (m * n, m * n))


def _einsum(graph: Graph, node: Expr, args: list[Value]) -> Value:
    inputs, output = letters_of(node)
    letters = list(dict.fromkeys("".join(inputs)))
    number = {c: k for k, c in enumerate(letters)}
    dims: list[Dim] = [UNIT] * len(letters)
    for word, v in zip(inputs, args, strict=True):
        for c, d in zip(word, v.shape, strict=True):
            dims[number[c]] = d
    ins = [tuple(number[c] for c in word) for word in inputs]
    return graph.contract(args, ins, tuple(number[c] for c in output), dims)


def _matrix_power(graph: Graph, node: Expr, args: list[Value]) -> Value:
    """X^-k as a product of inverses, X^k by squaring."""
    x, k = args[0], node.params[0]
    if k < 0:
        e = node.args[0]
        inverse = graph.make("inverse", (x,), (), x.shape, e.real)
        inverse.symmetric, inverse.definite = hermitian(e), 2 if e.definite == 2 else 0
        x, k = inverse, -k
    return power(graph, x, k)


def _call(name: str) -> Rule:
    def rule(graph: Graph, node: Expr, args: list[Value]) -> Value:
        return graph.make(name, args, (), axes(node.shape), node.real)

    return rule


def _extreme(name: str, of_rows: bool = False) -> Rule:
    def rule(graph: Graph, node: Expr, args: list[Value]) -> Value:
        return extreme(graph, name, args[0], of_rows)

    return rule


def extreme(graph: Graph, name: str, v: Value, of_rows: bool) -> Value:
    """max, min, or top: the largest entry that is a float, or the least of these, where all entries are -infinity."""
    return graph.make("extreme", (v,), (name, of_rows), v.shape[:1] if of_rows else ())


def _shifted_exponentials(graph: Graph, v: Value, of_rows: bool) -> tuple[Value, Value, Value]:
    """The largest entry (of each row), exp(v - largest), and the sum of that: what softmax and log-sum-exp share."""
    top = extreme(graph, "top", v, of_rows)
    labels = tuple(range(len(v.shape)))
    kept = (0,) if of_rows else ()
    spread = graph.contract((top,), (kept,), labels, v.shape)
    e = graph.map(("exp",), (graph.linear([(1, v), (-1, spread)], v.shape),), v.shape)
    e.sign = 2
    return top, e, graph.contract((e,), (labels,), kept, v.shape)


def _softmax(of_rows: bool) -> Rule:
    def rule(graph: Graph, node: Expr, args: list[Value]) -> Value:
        v = args[0]
        _, e, total = _shifted_exponentials(graph, v, of_rows)
        labels = tuple(range(len(v.shape)))
        return graph.contract((e, graph.power(total, -1)), (labels, (0,) if of_rows else ()), labels, v.shape)

    return rule


def _logsumexp(of_rows: bool) -> Rule:
    def rule(graph: Graph, node: Expr, args: list[Value]) -> Value:
        top, _, total = _shifted_exponentials(graph, args[0], of_rows)
        return graph.linear([(1, top), (1, graph.map(("log",), (total,), total.shape))], total.shape)

    return rule


def _unit(graph: Graph, node: Expr, args: list[Value]) -> Value:
    return graph.make("unit", (), (place(node.params[-1]),), axes(node.shape))


def _selection(graph: Graph, node: Expr, args: list[Value]) -> Value:
    return graph.make("selection", (), node.params, axes(node.shape))


def _of_entries(name: str) -> Rule:
    """A function of several arguments, entry by entry; numbers stand for all entries."""

    def rule(graph: Graph, node: Expr, args: list[Value]) -> Value:
        return graph.map((name,), args, axes(node.shape))

    return rule


RULES: Mapping[str, Rule] = {
    "number": _number,
    "variable": _variable,
    "size": lambda graph, node, args: graph.size(node.params[0]),
    "pi": lambda graph, node, args: graph.number(pi),
    "1i": lambda graph, node, args: graph.number(1j),
    "ones": lambda graph, node, args: graph.full(1, axes(node.shape)),
    "zeros": lambda graph, node, args: graph.full(0, axes(node.shape)),
    "eye": lambda graph, node, args: graph.eye(node.shape[0]),
    "unit": _unit,
    "selection": _selection,
    "commutation": _commutation,
    "transpose": _transpose,
    "sum_of_terms": _sum_of_terms,
    "scale": _scale,
    "product": _chain,
    "hadamard": _monomial,
    "epower": _of_entries("epower"),
    "maximum": _of_entries("maximum"),
    "minimum": _of_entries("minimum"),
    "elu": _of_entries("elu"),
    "huber": _of_entries("huber"),
    "clip": _clip,
    "conj": _of_entries("conj"),
    "re": _of_entries("re"),
    "im": _of_entries("im"),
    "tr": _trace,
    "sum": _sum,
    "diag": _diag,
    "diagonal": _diagonal,
    "vec": _reshape,
    "unvec": _reshape,
    "reshape": _reshape,
    "kron": _kron,
    "einsum": _einsum,
    "matrix_power": _matrix_power,
    "norm1": _norm1,
    "norm2": _call("norm2"),
    "norm2_of_rows": _norm2_of_rows,
    "det": _call("det"),
    "logdet": _call("logdet"),
    "max": _extreme("max"),
    "min": _extreme("min"),
    "max_of_rows": _extreme("max", True),
    "min_of_rows": _extreme("min", True),
    "softmax": _softmax(False),
    "softmax_of_rows": _softmax(True),
    "logsumexp": _logsumexp(False),
    "logsumexp_of_rows": _logsumexp(True),
}
