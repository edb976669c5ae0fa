"""A linear map V -> L(V), given as an expression, read as a sum of terms: c*A*V*B, c*A*(M.*(B*V*C))*D, W*tr(U'*V).

The expression is what a differential gives. Sums that contain V are distributed, sums that do not stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from frechet.differentiation.structure import HALF, symmetric_part
from frechet.differentiation.wirtinger import coefficient
from frechet.expressions.dimension import SCALAR, UNIT, Shape
from frechet.expressions.node import Expr, depends, walk
from frechet.operations.constants import EYE, ONE, eye, number, ones, zeros
from frechet.operations.hadamard import monomial, times
from frechet.operations.products import SCALE, product, scale
from frechet.operations.shaping import diag_of
from frechet.operations.sums import add, content
from frechet.operations.transposition import transposed

TERMS_LIMIT = 40
MASKS = ("tril", "triu", "lowhalf")  # A.*M with a constant M


class Layer(NamedTuple):
    """V -> left*V*right; None is the identity."""

    left: Expr | None = None
    right: Expr | None = None


@dataclass(frozen=True)
class Word:
    """V -> scalar * (layers and entry-wise factors in turn, on V or, if turned, on V'): one mask between two layers."""

    scalar: Expr
    turned: bool = False
    layers: tuple[Layer, ...] = (Layer(),)
    masks: tuple[Expr, ...] = ()

    @property
    def plain(self) -> bool:
        """Is it c*A*V*B?"""
        return not self.masks

    def times(self, s: Expr) -> Word:
        return replace(self, scalar=times(s, self.scalar))

    def multiplied(self, left: Expr | None, right: Expr | None) -> Word:
        last = self.layers[-1]
        c, left = scalar_and_rest(left if last.left is None else last.left if left is None else product(left, last.left))
        b, right = scalar_and_rest(
            right if last.right is None else last.right if right is None else product(last.right, right)
        )
        scalar = times(times(c, b), self.scalar)
        return replace(self, scalar=scalar, layers=(*self.layers[:-1], Layer(left, right)))

    def masked(self, m: Expr) -> Word:
        if self.masks and self.layers[-1] == Layer():
            return replace(self, masks=(*self.masks[:-1], monomial(m.shape, [(self.masks[-1], 1), (m, 1)])))
        return replace(self, masks=(*self.masks, m), layers=(*self.layers, Layer()))

    def transposed(self) -> Word:
        layers = [Layer(_transposed(layer.right), _transposed(layer.left)) for layer in self.layers]
        return replace(self, turned=not self.turned, layers=tuple(layers), masks=tuple(transposed(m) for m in self.masks))


class Outer(NamedTuple):
    """V -> tr(against'*V) * image."""

    image: Expr
    against: Expr


class Terms(NamedTuple):
    words: list[Word]
    outers: list[Outer]


def terms_of(image: Expr, direction: Expr) -> Terms | None:
    """The terms of the map direction -> image; None where a part of it has no such form, or there are too many.

    Shapes:  direction a vector or matrix; image of any shape but a scalar
    """
    inside = depends(image, direction)
    found: dict[Expr, Terms] = {direction: Terms([Word(ONE)], [])}
    if image not in inside:
        return Terms([], [])
    for node in walk(image):
        if node in found or node not in inside or node.shape == SCALAR:
            continue
        terms = _read(node, direction, inside, found)
        if terms is None or len(terms.words) + len(terms.outers) > TERMS_LIMIT:
            return None
        found[node] = terms
    return found[image]


def _read(node: Expr, direction: Expr, inside: set[Expr], found: dict[Expr, Terms]) -> Terms | None:
    name = node.op.name
    places = [i for i, a in enumerate(node.args) if a in inside]
    if name == "scale" and places == [0]:
        return Terms([], [Outer(node.args[1], coefficient(node.args[0], direction))])
    if any(node.args[i] not in found for i in places):
        return None
    if name == "sum_of_terms":
        words = [w.times(number(node.params[i])) for i in places for w in found[node.args[i]].words]
        outers = [
            Outer(scale(number(node.params[i]), o.image), o.against) for i in places for o in found[node.args[i]].outers
        ]
        return Terms(words, outers)
    if len(places) != 1:
        return None
    (i,) = places
    words, outers = found[node.args[i]]
    if name == "scale":
        s = node.args[0]
        return Terms([w.times(s) for w in words], [Outer(scale(s, o.image), o.against) for o in outers])
    if name == "product":
        left = product(*node.args[:i]) if i else None
        right = product(*node.args[i + 1 :]) if i + 1 < len(node.args) else None
        around = [a for a in (left, right) if a is not None]
        return Terms(
            [w.multiplied(left, right) for w in words],
            [Outer(product(*around[: left is not None], o.image, *around[left is not None :]), o.against) for o in outers],
        )
    if name == "transpose":
        return Terms([w.transposed() for w in words], [Outer(transposed(o.image), o.against) for o in outers])
    if name == "hadamard" and node.params[i] == 1:
        rest = [f for k, f in enumerate(zip(node.args, node.params, strict=True)) if k != i]
        mask = monomial(node.shape, rest)
    elif name in MASKS:
        mask = node.op.build(ones(node.shape))
    else:
        return None
    return Terms(
        [w.masked(mask) for w in words],
        [Outer(monomial(node.shape, [(mask, 1), (o.image, 1)]), o.against) for o in outers],
    )


def scalar_and_rest(e: Expr | None) -> tuple[Expr, Expr | None]:
    """c and A with e = c*A; A is None where it is an identity."""
    if e is None:
        return ONE, None
    c, e = content(e)
    scalar = number(c)
    if e.op is SCALE:
        scalar, e = times(scalar, e.args[0]), e.args[1]
        c, e = content(e)
        scalar = times(number(c), scalar)
    return scalar, None if e.op is EYE else e


def _transposed(e: Expr | None) -> Expr | None:
    return None if e is None else transposed(e)


def symmetrized(terms: Terms) -> Terms:
    """The terms of V -> (L(V) + L(V)')/2 for symmetric V, which is its own transpose."""
    words = []
    for w in terms.words:
        half = replace(w, turned=False).times(number(HALF))
        words += [half, replace(half.transposed(), turned=False)]
    outers = [Outer(symmetric_part(o.image), symmetric_part(o.against)) for o in terms.outers]
    return Terms(merged(words), outers)


def merged(words: Sequence[Word]) -> list[Word]:
    """Words that differ in their scalars only, as one."""
    scalars: dict[tuple[object, ...], tuple[Word, list[Expr]]] = {}
    for w in words:
        scalars.setdefault((w.turned, w.layers, w.masks), (w, []))[1].append(w.scalar)
    found = [replace(w, scalar=add((1, s) for s in parts)) for w, parts in scalars.values()]
    return [w for w in found if not (w.scalar.op.name == "number" and w.scalar.params[0] == 0)]


def diagonal_of(terms: Terms, shape: Shape) -> Expr | None:
    """The entries ∂L(V)ᵢⱼ/∂Vᵢⱼ, the diagonal of the map's matrix; None where they have no short form.

    Of A*(M.*(B*V*C))*D it is (A.*B')*M*(C'.*D), of A*V'*B it is A.*B.

    Shapes:  as V
    """
    rows, columns = shape
    parts: list[Expr] = [monomial(shape, [(o.image, 1), (o.against, 1)]) for o in terms.outers]
    for w in terms.words:
        pairs = [(eye(rows) if a is None else a, eye(columns) if b is None else b) for a, b in w.layers]
        if columns is UNIT:
            pairs = [(a, ONE) for a, _ in pairs]
        if w.plain:
            a, b = pairs[0]
            if w.turned:
                part = monomial(shape, [(a, 1), (b, 1)])
            else:
                part = product(diag_of(a), transposed(diag_of(b))) if columns is not UNIT else diag_of(a)
        elif len(w.masks) == 1 and not w.turned:
            (b, c), (a, d) = pairs
            left = _entrywise(a, transposed(b))
            part = product(left, w.masks[0])
            if columns is not UNIT:
                part = product(part, _entrywise(transposed(c), d))
        else:
            return None
        parts.append(scale(w.scalar, part))
    return add((1, p) for p in parts) if parts else zeros(shape)


def _entrywise(a: Expr, b: Expr) -> Expr:
    return monomial(a.shape, [(a, 1), (b, 1)])
