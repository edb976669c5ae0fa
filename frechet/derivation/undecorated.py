"""Expressions as a line of a derivation shows them, before they are brought to normal form.

The constructors would turn tr(A*dX*B) into tr(B*A*dX) at once; here the arguments of a node are replaced and nothing else is
done, but that multiples stand in front and sums and products in each other are one. Such expressions are written and
evaluated like others, and are not given to constructors.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from frechet.expressions.dimension import SCALAR, Shape
from frechet.expressions.node import Expr, Number, make, rebuild, walk
from frechet.operations.blocks import BLOCKS
from frechet.operations.constants import NUMBER, ONE, number, ones, zeros
from frechet.operations.hadamard import MONOMIAL, factor_key
from frechet.operations.products import PRODUCT, SCALE
from frechet.operations.reductions import TRACE
from frechet.operations.sums import SUM
from frechet.operations.transposition import TRANSPOSE


def multiple(c: Number, e: Expr) -> Expr:
    """c times e, the number in front."""
    if c == 1:
        return e
    if e.op is NUMBER:
        return number(c * e.params[0])
    if e.op is SUM:
        return make(SUM, e.args, tuple(c * k for k in e.params), e.shape)
    return make(SUM, (e,), (c,), e.shape)


def in_front(e: Expr) -> tuple[Number, Expr]:
    """The number in front and the rest."""
    if e.op is SUM and len(e.args) == 1:
        return e.params[0], e.args[0]
    return (e.params[0], ONE) if e.op is NUMBER else (1, e)


def total(terms: Iterable[tuple[Number, Expr]]) -> Expr:
    """The sum as it stands: terms are neither sorted nor collected."""
    flat: list[tuple[Number, Expr]] = []
    for c, e in terms:
        if e.op is SUM:
            flat += [(c * k, a) for k, a in zip(e.params, e.args, strict=True)]
        else:
            flat.append((c, e))
    if len(flat) == 1:
        return multiple(*flat[0])
    return make(SUM, tuple(e for _, e in flat), tuple(c for c, _ in flat), flat[0][1].shape)


def times(s: Expr, e: Expr) -> Expr:
    """A scalar in front of an expression."""
    c, s = in_front(s)
    k, e = in_front(e)
    if s is ONE:
        return multiple(c * k, e)
    if e is ONE:
        return multiple(c * k, s)
    if e.shape == SCALAR:
        return multiple(c * k, joined((s, e)))
    if e.op is SCALE:
        return multiple(c * k, make(SCALE, (times(s, e.args[0]), e.args[1]), (), e.shape))
    return multiple(c * k, make(SCALE, (s, e), (), e.shape))


def joined(factors: Iterable[Expr]) -> Expr:
    """The element-wise product of factors, powers of one of them joined."""
    powers: dict[Expr, Number] = {}
    shape: Shape = SCALAR
    for f in factors:
        shape = f.shape
        for b, k in zip(f.args, f.params, strict=True) if f.op is MONOMIAL else ((f, 1),):
            powers[b] = powers.get(b, 0) + k
    powers = {b: k for b, k in powers.items() if k != 0}
    if not powers:
        return ONE if shape == SCALAR else ones(shape)
    if shape == SCALAR:
        powers = dict(sorted(powers.items(), key=factor_key))
    first = next(iter(powers))
    return first if len(powers) == 1 and powers[first] == 1 else make(MONOMIAL, tuple(powers), tuple(powers.values()), shape)


def normal(e: Expr) -> Expr:
    """The expression in normal form again."""
    return rebuild([e], lambda node, args: node.op.rebuild(node, args) if node.args else node)[0]


def placed(node: Expr, i: int, arg: Expr) -> Expr:
    """The node, linear in its argument i, with another expression in that place."""
    op = node.op
    if op is SUM:
        return total([(node.params[i], arg)])
    if op is BLOCKS:  # linear in all blocks together
        return BLOCKS.rebuild(node, tuple([arg if j == i else zeros(a.shape) for j, a in enumerate(node.args)]))
    c, arg = in_front(arg)
    if op is SCALE:
        return multiple(c, times(arg, node.args[1]) if i == 0 else times(node.args[0], arg))
    if arg.op is SCALE and op in (TRACE, PRODUCT, TRANSPOSE):
        return multiple(c, times(arg.args[0], placed(node, i, arg.args[1])))
    if op is TRANSPOSE:
        inner = (
            arg.args[0] if arg.op is TRANSPOSE else arg if arg.shape == SCALAR else make(TRANSPOSE, (arg,), (), node.shape)
        )
        return multiple(c, inner)
    if op is MONOMIAL and node.params[i] == 1:
        rest = [f for j, f in enumerate(zip(node.args, node.params, strict=True)) if j != i]
        powers = [make(MONOMIAL, (b,), (k,), b.shape) if k != 1 else b for b, k in rest]
        if all(k < 0 for _, k in rest):
            return multiple(c, joined([arg, *powers]))
        return multiple(c, joined([*powers, arg]))
    inside = list(arg.args) if op is PRODUCT and arg.op is PRODUCT else [arg]
    args = [*node.args[:i], *inside, *node.args[i + 1 :]]
    if op is PRODUCT:  # an identity matrix that came in
        args = [a for a in args if a.op.name != "eye"] or args[:1]
        if len(args) == 1:
            return multiple(c, args[0])
    return multiple(c, make(op, tuple(args), node.params, node.shape))


def replaced(root: Expr, values: Mapping[Expr, Expr]) -> Expr:
    """The expression, linear in symbols, with expressions in their place; what holds none of them stays as it is."""
    new: dict[Expr, Expr] = dict(values)
    for node in walk(root):
        if node in new or not any(a in new for a in node.args):
            continue
        if node.op is SUM:
            new[node] = total((c, new.get(a, a)) for c, a in zip(node.params, node.args, strict=True))
            continue
        if node.op is BLOCKS:
            new[node] = BLOCKS.rebuild(node, tuple([new.get(a, a) for a in node.args]))
            continue
        changed = [i for i, a in enumerate(node.args) if a in new]
        assert len(changed) == 1, "a product is linear in one factor"
        new[node] = placed(node, changed[0], new[node.args[changed[0]]])
    return new.get(root, root)
