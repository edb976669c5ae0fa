"""Recognising the structure of a linear map from its terms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from frechet.differentiation.jacobian import jacobian
from frechet.differentiation.linear_terms import (
    Layer,
    Terms,
    Word,
    diagonal_of,
    merged,
    scalar_and_rest,
    symmetrized,
    terms_of,
)
from frechet.differentiation.map_structure import (
    Composition,
    EntrywiseMap,
    GeneralMap,
    KroneckerMap,
    KroneckerSumMap,
    LowRankUpdate,
    MatrixForm,
    MatrixMap,
    Piece,
    SlicesMap,
    Space,
    Structure,
)
from frechet.differentiation.structure import projected, symmetric_part
from frechet.expressions.dimension import SCALAR, UNIT, Dim, Shape
from frechet.expressions.errors import UnsupportedError
from frechet.expressions.node import Expr, depends, substitute, variables, walk
from frechet.expressions.space import STRUCTURES, space_names
from frechet.operations.constants import EYE, ONE, eye, is_zero, number, ones, variable
from frechet.operations.hadamard import monomial, times
from frechet.operations.powers import MATRIX_POWER, inverse
from frechet.operations.products import PRODUCT, SCALE, product, scale
from frechet.operations.shaping import DIAG, diag
from frechet.operations.sums import SUM, add
from frechet.operations.transposition import TRANSPOSE, transposed

BOTTLENECKS = 12  # so many parts are tried


def structure_of_map(image: Expr, direction: Expr, variable: Expr) -> Structure:
    """The structure of the map direction -> image from the space of `variable` to itself: image is projected to it.

    Shapes:  image, direction and variable alike
    Raises:  UnsupportedError, for complex variables and for manifolds
    """
    space = Space(variable)
    if not variable.real:
        raise UnsupportedError(
            f"the second derivative by the complex variable {variable.params[0]} is no linear map over the complex numbers"
        )
    if not image.real:
        raise UnsupportedError(f"the function of {variable.params[0]} is complex: a map that is solved is for real ones")
    curved = [w for w in space_names(*variable.params[1:3]) if STRUCTURES[w].curved]
    if curved:
        raise UnsupportedError(
            f"{variable.params[0]} lies on a manifold ({curved[0]}): a Hessian map is for variables in a linear space"
        )
    found = _read(space, image, direction)
    if found is None and space.structure == "general":
        found = _composed(space, image, direction)
    if found is not None:
        return found
    image = symmetric_part(image) if space.structure == "symmetric" else projected(image, variable)
    terms = _terms(space, image, direction) if space.structure == "general" else None
    return GeneralMap(space, image, direction, None if terms is None else diagonal_of(terms, variable.shape))


def _terms(space: Space, image: Expr, direction: Expr) -> Terms | None:
    """Of maps of vectors and matrices, where they are such terms."""
    return terms_of(image, direction) if space.variable.kind in ("vector", "matrix") else None


def _read(space: Space, image: Expr, direction: Expr) -> Structure | None:
    """The structure, if it shows in the terms of the map."""
    if space.shape == SCALAR:
        return EntrywiseMap(space, substitute(image, {direction: ONE}))
    terms = _terms(space, image, direction)
    if space.shape[1] is UNIT:
        return _of_vectors(space, image, direction, terms) if space.structure == "general" else None
    if terms is None or space.structure not in ("general", "symmetric"):
        return None
    return _of_matrices(space, terms if space.structure == "general" else symmetrized(terms))


# -- vectors
def _of_vectors(space: Space, image: Expr, direction: Expr, terms: Terms | None) -> Structure | None:
    n = space.shape[0]
    chains: list[tuple[Expr, list[Expr]]] = []
    if terms is None or any(layer.right is not None for w in terms.words for layer in w.layers):
        try:
            matrix = jacobian(image, direction)
        except UnsupportedError:
            return None
        return _simplest(space, matrix_form(n, _summands(matrix)))
    for w in terms.words:
        chain = [w.layers[0].left]
        for mask, layer in zip(w.masks, w.layers[1:], strict=True):
            chain = [layer.left, diag(mask), *chain]
        chains.append((w.scalar, [e for e in chain if e is not None]))
    chains += [(ONE, [o.image, transposed(o.against)]) for o in terms.outers]
    return _simplest(space, matrix_form(n, chains))


def _simplest(space: Space, form: MatrixForm) -> Structure:
    if form.inverted or form.pieces or form.dense is not None:
        return MatrixMap(space, form)
    return EntrywiseMap(space, _diagonal_of(form, space.shape))


def _diagonal_of(form: MatrixForm, shape: Shape) -> Expr:
    if form.diagonal is None:
        return form.identity or number(0)
    if form.identity is None:
        return form.diagonal
    return add([(1, form.diagonal), (1, scale(form.identity, ones(shape)))])


def _summands(e: Expr) -> list[tuple[Expr, list[Expr]]]:
    """A matrix as a sum of scalar times a product."""
    flip = e.op is TRANSPOSE and e.args[0].op is SUM
    terms = e.args[0] if flip else e
    parts = list(zip(terms.params, terms.args, strict=True)) if terms.op is SUM else [(1, terms)]
    found = []
    for c, part in parts:
        scalar = number(c)
        while part.op is SCALE or (part.op is SUM and len(part.args) == 1):
            s, part = part.args if part.op is SCALE else (number(part.params[0]), part.args[0])
            scalar = times(scalar, s)
        part = transposed(part) if flip else part
        found.append((scalar, list(part.args) if part.op is PRODUCT else [part]))
    return found


def matrix_form(n: Dim, chains: Sequence[tuple[Expr, Sequence[Expr]]]) -> MatrixForm:
    """The form of a sum of scalars times products of n×n matrices, possibly of narrow ones; of no factor, I."""
    identities: list[Expr] = []
    diagonals: list[Expr] = []
    pieces: list[Piece] = []
    dense: list[Expr] = []
    for scalar, chain in chains:
        factors: list[Expr] = []
        for f in chain:
            factors += f.args if f.op is PRODUCT else [] if f.op is EYE else [f]
        if not factors:
            identities.append(scalar)
        elif all(f.op is DIAG for f in factors):
            diagonals.append(scale(scalar, monomial((n, UNIT), [(f.args[0], 1) for f in factors])))
        elif any(f.shape[1] is not n for f in factors[:-1]):
            pieces.append(_piece(scalar, factors, n))
        else:
            whole = scale(scalar, product(*factors))
            if whole.op is EYE or is_zero(whole):
                identities += [ONE] if whole.op is EYE else []
            else:
                dense.append(whole)
    identity = add((1, e) for e in identities) if identities else None
    diagonal = add((1, e) for e in diagonals) if diagonals else None
    matrix = add((1, e) for e in dense) if dense else None
    form = MatrixForm(n, identity, diagonal, tuple(pieces), matrix)
    if matrix is not None and not (identities or diagonals or pieces):
        opposite = inverse(matrix)
        if _inversions(matrix) and not _inversions(opposite):
            return MatrixForm(n, dense=opposite, inverted=True)
    return form


def _inversions(e: Expr) -> bool:
    return any(node.op is MATRIX_POWER and node.params[0] < 0 for node in walk(e))


def _piece(scalar: Expr, factors: list[Expr], n: Dim) -> Piece:
    half = len(factors) // 2
    mirrored = all(transposed(factors[i]) is factors[-1 - i] for i in range(half))
    middle = factors[half : len(factors) - half]
    if mirrored and factors[half - 1].shape[1] is not n and (not middle or middle[0].op is DIAG):
        left, right = product(*factors[:half]), product(*factors[len(factors) - half :])
        weights = middle[0].args[0] if middle else None
        return Piece(scalar, left, weights, right)
    inner = [f.shape[1] for f in factors[:-1]]
    cut = inner.index(UNIT) if UNIT in inner else next(i for i, d in enumerate(inner) if d is not n)
    c, first = scalar_and_rest(product(*factors[: cut + 1]))
    b, last = scalar_and_rest(product(*factors[cut + 1 :]))
    assert first is not None and last is not None  # neither is square
    return Piece(times(times(c, b), scalar), first, None, last)


# -- matrices
def _of_matrices(space: Space, terms: Terms) -> Structure | None:
    words = merged(terms.words)
    base = _of_words(space, words)
    if base is None or not terms.outers:
        return base
    return LowRankUpdate(space, base, tuple(terms.outers))


def _of_words(space: Space, words: list[Word]) -> Structure | None:
    rows, columns = space.shape
    entrywise = [_entries(w, space.shape) for w in words]
    if all(e is not None for e in entrywise):
        scalars = all(not w.masks for w in words)
        parts = [w.scalar for w in words] if scalars else entrywise
        return EntrywiseMap(space, add((1, e) for e in parts if e is not None) if words else number(0))
    turned = words[0].turned
    if all(w.plain and w.turned == turned for w in words) and (rows is columns or not turned):
        return _of_products(space, words, turned)
    if space.structure == "general" and not any(w.turned for w in words):
        for axis in (0, 1):
            if all(layer[axis] is None for w in words for layer in w.layers):
                return SlicesMap(space, axis, tuple(words))
    return None


def _entries(w: Word, shape: Shape) -> Expr | None:
    """M where the word is V -> M.*V."""
    if w.turned or any(layer != Layer() for layer in w.layers):
        return None
    return scale(w.scalar, w.masks[0] if w.masks else ones(shape))


def _of_products(space: Space, words: list[Word], turned: bool) -> Structure | None:
    rows, columns = space.shape
    if len(words) == 1:
        scalar, layer = words[0].scalar, words[0].layers[0]
    else:
        layers = _grouped([(w.scalar, w.layers[0]) for w in words], rows, columns)
        if len(layers) == 2:
            return KroneckerSumMap(space, (layers[0], layers[1]), turned)
        if len(layers) != 1:
            return None
        scalar, layer = ONE, layers[0]
    left, right = layer
    if space.structure == "symmetric" and (left is None or right is not transposed(left)):
        return None
    forms = [
        None if e is None else matrix_form(n, _summands(e))
        for e, n in ((left, rows), (None if right is None else transposed(right), columns))
    ]
    return KroneckerMap(space, scalar, forms[0], forms[1], turned, layer)


def _grouped(terms: list[tuple[Expr, Layer]], rows: Dim, columns: Dim) -> list[Layer]:
    """A sum of c*A*V*B with the terms of one B, and then those of one A, joined."""
    by_right: dict[Expr, list[Expr]] = {}
    for c, (left, right) in terms:
        key = eye(columns) if right is None else right
        by_right.setdefault(key, []).append(scale(c, eye(rows) if left is None else left))
    by_left: dict[Expr, list[Expr]] = {}
    for right, lefts in by_right.items():
        by_left.setdefault(add((1, e) for e in lefts), []).append(right)
    layers = [(left, add((1, e) for e in rights)) for left, rights in by_left.items()]
    return [Layer(None if a.op is EYE else a, None if b.op is EYE else b) for a, b in layers if not is_zero(a)]


# -- one map after another
def _composed(space: Space, image: Expr, direction: Expr) -> Structure | None:
    """The map through parts of V's shape through which alone V enters, each of a structure; None where one has none."""
    inner: list[Structure] = []
    for _ in range(BOTTLENECKS):
        found = ((part, _read(space, part, direction)) for part in _bottlenecks(image, direction, space.shape))
        part, first = next(((p, s) for p, s in found if s is not None), (None, None))
        if part is None or first is None:
            return None
        inner.append(first)
        between = variable(_free_name("Z", image), space.shape)
        image, direction = substitute(image, {part: between}), between
        rest = _read(space, image, direction)
        if rest is not None:
            for s in reversed(inner):
                rest = Composition(space, rest, s)
            return rest
    return None


def _bottlenecks(image: Expr, direction: Expr, shape: Shape) -> Iterator[Expr]:
    """Parts of the shape through which every path from image to direction goes, those nearest to direction first."""
    inside = depends(image, direction)
    candidates = [n for n in walk(image) if n in inside and n.shape == shape and n not in (direction, image)]
    for part in candidates[:BOTTLENECKS]:
        seen, stack = {part}, [image]
        while stack:
            node = stack.pop()
            if node in inside and node not in seen:
                seen.add(node)
                stack.extend(node.args)
        if direction not in seen:
            yield part


def _free_name(name: str, e: Expr) -> str:
    taken = {v.params[0] for v in variables(e)}
    while name in taken:
        name += "_"
    return name
