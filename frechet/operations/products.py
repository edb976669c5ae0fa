"""Matrix products: chains of factors, scalars in front.

A chain holds no scalars, no numbers, no identity matrices and no two neighbours whose product has a shorter form. A part of
a chain that is a scalar (from a row to a vector) stands in front as a scalar factor, so x*(x'*A*x) and x*x'*A*x are the
same object. Products are not distributed over sums.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from frechet.expressions.dimension import SCALAR, UNIT, Shape, kind, show_shape
from frechet.expressions.errors import ShapeError
from frechet.expressions.node import Expr, Number, make
from frechet.expressions.operation import Equal, Operation
from frechet.operations import (
    cancellation,
    commuting,
    factorizations,
    hadamard,
    indexing,
    norms,
    powers,
    recomposing,
    reductions,
    shaping,
    sums,
)
from frechet.operations.constants import COMMUTATION, EYE, ONE, ONES, eye, is_zero, number, zeros
from frechet.operations.transposition import (
    REVERSE,
    SIGNS,
    TRANSPOSE,
    conjugate_transposed,
    conjugated,
    hermitian,
    transposed,
)


class ScalePage(Operation):
    name = "scale"
    signature = "c*A, A/c"
    summary = "A scalar times a vector or matrix."
    rule = "d(c*A) = dc*A + c*dA"
    adjoint_rule = "W -> c*W in A, (A : W) in c"
    source = "Magnus & Neudecker (2019), section 8.2"
    typed = False
    linear = complex = tensors = True
    examples = ("c*X", "X/c", "tr(A)*A")

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        return shapes[1]

    def rebuild(self, node: Expr, args: tuple[Expr, ...]) -> Expr:
        return scale(*args)

    def annotate(self, node: Expr) -> None:
        s, e = node.args
        node.sign = min(s.sign, e.sign) if s.sign else 0
        node.definite = min(s.sign, e.definite) if s.sign else 0
        node.balance = e.balance

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        s, e = node.args
        parts = [scale(d[0], e)] if d[0] is not None else []
        if d[1] is not None:
            parts.append(scale(s, d[1]))
        return sums.add((1, p) for p in parts)

    def adjoint(self, node: Expr, i: int, w: Expr) -> Expr:
        s, e = node.args
        return scale(conjugated(s), w) if i == 1 else inner(e, w)

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"({args[0]} * {args[1]})"


class ChainPage(Operation):
    name = "product"
    signature = "A*B"
    summary = "The matrix product; of a row and a vector a number, of a vector and a row the outer product."
    rule = "d(A*B) = dA*B + A*dB"
    adjoint_rule = "W -> W*B' in A, A'*W in B"
    source = "Magnus & Neudecker (2019), section 8.2"
    typed = False
    linear = complex = True
    examples = ("A*B*C", "x'*A*y", "x*y'", "A*x")
    identities = (("A*(B*C)", "(A*B)*C"), ("x*(y'*z)", "(y'*z)*x"), ("x'*x", "norm2(x)^2"))

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        a, b = shapes
        if a == SCALAR or b == SCALAR:
            return b if a == SCALAR else a
        equal(a[1], b[0])
        return (a[0], b[1])

    def rebuild(self, node: Expr, args: tuple[Expr, ...]) -> Expr:
        return product(*args)

    def annotate(self, node: Expr) -> None:
        node.sign = min([a.sign for a in node.args])
        node.definite = 0
        if node.shape == SCALAR:
            node.balance = 0
            node.transposed = node
        if node.shape[0] is node.shape[1]:
            node.definite, own = _congruence(node.args)
            if node.shape == SCALAR and own:
                node.real = True
            if node.shape == SCALAR:
                node.sign = max(node.sign, 1 if node.definite else 0)

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        terms = []
        for i, di in enumerate(d):
            if di is not None:
                terms.append((1, product(*node.args[:i], di, *node.args[i + 1 :])))
        return sums.add(terms)

    def adjoint(self, node: Expr, i: int, w: Expr) -> Expr:
        left = [conjugate_transposed(a) for a in reversed(node.args[:i])]
        right = [conjugate_transposed(a) for a in reversed(node.args[i + 1 :])]
        return product(*left, w, *right)

    def operands(self, node: Expr) -> Sequence[Expr]:
        beside = _beside(node.args)
        return [a.args[0] if i in beside else a for i, a in enumerate(node.args)] if beside else node.args

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        factors, beside = node.args, _beside(node.args)
        if beside:  # rows or columns are scaled, no diagonal matrix is made
            args = list(args)
            for i, j in beside.items():
                column = f"{args[i]}[:, None]" if j > i and factors[j].shape[1] is not UNIT else args[i]
                args[j] = f"({args[j]} * {column})" if j < i else f"({column} * {args[j]})"
            kept = [i for i in range(len(args)) if i not in beside]
            factors, args = tuple(factors[i] for i in kept), [args[i] for i in kept]
            if len(factors) == 1:
                return args[0]
        args, shapes, zeros_around = indexing.folded(factors, args)
        text = _multiplied(args, shapes)
        return f"np.pad({text}, {zeros_around})" if zeros_around else text


def _beside(factors: Sequence[Expr]) -> dict[int, int]:
    """Of the diagonal matrices diag(v) in a chain: the factor whose columns or rows each scales, where there is one."""
    found: dict[int, int] = {}
    for i, f in enumerate(factors):
        if f.op is shaping.DIAG:
            near = [j for j in (i - 1, i + 1) if 0 <= j < len(factors) and not indexing.selects_any(factors[j])]
            near = [j for j in near if factors[j].op.name not in ("diag", "eye") and j not in found]
            if near:
                found[i] = near[0]
    return found


def _multiplied(args: Sequence[str], shapes: Sequence[Shape]) -> str:
    """The product of a chain; where it goes through vectors, x*y'*A*z*w', numbers times an outer product."""
    cuts = [i + 1 for i, s in enumerate(shapes[:-1]) if s[1] is UNIT]
    if not cuts:
        return _associated(args, shapes)
    numbers: list[str] = []  # in the normal form these stand in front
    arrays: list[str] = []
    for i, j in pairwise([0, *cuts, len(args)]):
        inner = shapes[i][0] is UNIT and shapes[j - 1][1] is UNIT
        (numbers if inner else arrays).append(_associated(args[i:j], shapes[i:j]))
    body = f"np.outer({', '.join(arrays)})" if len(arrays) == 2 else "".join(arrays)
    return f"({' * '.join([*numbers, *([body] if body else [])])})" if numbers else body


def _associated(args: Sequence[str], shapes: Sequence[Shape]) -> str:
    """The product evaluated from the vector's side, where there is one, so that no matrix–matrix product is formed."""
    if len(args) == 1:
        return args[0]
    if shapes[-1][1] is UNIT and shapes[0][0] is not UNIT:
        text = args[-1]
        for a in reversed(args[:-1]):
            text = f"({a} @ {text})"
        return text
    return "(" + " @ ".join(args) + ")"


def _congruence(args: Sequence[Expr]) -> tuple[int, bool]:
    """Of a chain: 1 where it is Bᴴ S B with S semi-definite (or nothing), else 0; and is it its own conjugate transpose?"""
    n = len(args)
    for i in range(n // 2):
        if conjugate_transposed(args[n - 1 - i]) is not args[i]:  # of a row it is there already, of a vector it is made
            return 0, False
    if n % 2 == 0:
        return 1, True
    middle = args[n // 2]
    return (1, True) if middle.definite else (0, not middle.real and hermitian(middle))


CONTRACTED: dict[str, Callable[[Expr, Expr], Expr | None]] = {}
"""What an operation whose result is a matrix of vectors makes of a vector beside it in a chain; filled in by their pages."""

SCALE, PRODUCT = ScalePage(), ChainPage()
PAGES: tuple[Operation, ...] = (SCALE, PRODUCT)


def scale(s: Expr, e: Expr) -> Expr:
    """Scalar times expression, in normal form: numbers and scalars in front, s*(t*A) = (s*t)*A."""
    if e.shape == SCALAR:
        return hadamard.monomial(SCALAR, [(s, 1), (e, 1)])
    c, s = sums.content(s)
    b, e = sums.content(e)
    coefficient = c * b
    if coefficient == 0 or is_zero(e) or is_zero(s):
        return zeros(e.shape)
    if e.op is SCALE:
        return sums.scaled(coefficient, scale(hadamard.monomial(SCALAR, [(s, 1), (e.args[0], 1)]), e.args[1]))
    if s.op.name == "number":
        return sums.scaled(coefficient * s.params[0], e)
    named = cancellation.named_quotient(s, e)
    if named is not None:
        return sums.scaled(coefficient, scale(*named) if isinstance(named, tuple) else named)
    node = make(SCALE, (s, e), (), e.shape)
    if e.transposed is e:
        node.transposed = node
    return sums.scaled(coefficient, node)


def inner(a: Expr, b: Expr) -> Expr:
    """The inner product ⟨a, b⟩ = tr(aᴴb) of two expressions of one shape."""
    return bilinear(conjugated(a), b)


def bilinear(a: Expr, b: Expr) -> Expr:
    """tr(a'b), the sum of the products of the entries of two expressions of one shape, without a conjugate."""
    if len(a.shape) > 2:
        return reductions.sum_all(hadamard.monomial(a.shape, [(a, 1), (b, 1)]))
    if a.shape == SCALAR:
        return hadamard.monomial(SCALAR, [(a, 1), (b, 1)])
    if a.shape[0] is UNIT:
        return product(a, transposed(b))
    return reductions.trace(product(transposed(a), b))


def product(*factors: Expr) -> Expr:
    """The product of factors whose inner dimensions agree, in normal form; scalars may stand anywhere, also by a tensor.

    Raises:  ShapeError, for a tensor beside another array
    """
    tensors = [f for f in factors if len(f.shape) > 2]
    if tensors:
        numbers: list[tuple[Expr, Number]] = [(f, 1) for f in factors if f.shape == SCALAR]
        if len(numbers) < len(factors) - 1:
            raise ShapeError(
                f"a tensor has no matrix product, and this is {show_shape(tensors[0].shape)}: einsum contracts it"
            )
        return scale(hadamard.monomial(SCALAR, numbers), tensors[0])
    coefficient: Number = 1
    scalars: list[Expr] = []
    chain: list[Expr] = []
    identity: Expr | None = None
    for f in factors:
        c, f = sums.content(f)
        coefficient *= c
        if f.op is SCALE:
            scalars.append(f.args[0])
            f = f.args[1]
            c, f = sums.content(f)
            coefficient *= c
        if f.shape == SCALAR:
            if f.op.name == "number":
                coefficient *= f.params[0]
            else:
                scalars.append(f)
        elif f.op is EYE:
            identity = f
        elif f.op is PRODUCT and (len(f.args) <= sums.FLAT_LIMIT or not chain):
            for a in f.args:
                _push(chain, a, scalars)
        else:
            _push(chain, f, scalars)
    shapes = [f.shape for f in factors if f.shape != SCALAR]
    shape = (shapes[0][0], shapes[-1][1]) if shapes else SCALAR
    if coefficient == 0 or any(map(is_zero, chain)) or any(map(is_zero, scalars)):
        return zeros(shape)
    body = _cut(chain, scalars) if chain else identity
    front = hadamard.monomial(SCALAR, [(s, 1) for s in scalars]) if scalars else ONE
    if body is None:
        return sums.scaled(coefficient, front)
    return sums.scaled(coefficient, scale(front, body) if scalars else body)


def _push(chain: list[Expr], f: Expr, scalars: list[Expr]) -> None:
    """Appends a factor, joining it with its neighbour where their product is shorter."""
    if f.shape[1] is UNIT:
        f = _through_diagonals(chain, f, scalars)
    while True:
        if not chain:
            chain.append(f)
            return
        if commuting.precedes(f, chain[-1]):
            last = chain.pop()
            _push(chain, f, scalars)
            _push(chain, last, scalars)
            return
        joined = _join(chain, f)
        if joined is None:
            chain.append(f)
            return
        if joined.shape == SCALAR:
            scalars.append(joined)
            return
        if joined.op is EYE:
            if not chain:
                chain.append(joined)
            return
        c, f = sums.content(joined)
        if f.op is SCALE:
            scalars.append(f.args[0])
            f = f.args[1]
        if c != 1:
            scalars.append(number(c))
        if f.shape == SCALAR:
            scalars.append(f)
            return
        if f.op is PRODUCT:
            for a in f.args:
                _push(chain, a, scalars)
            return


def _contracts(f: Expr) -> bool:
    return (f.args[0] if f.op is TRANSPOSE else f).op.name in CONTRACTED


def _through_diagonals(chain: list[Expr], f: Expr, scalars: list[Expr]) -> Expr:
    """diag(v)*A*...*f = v.*(A*...*f) for a vector f: the end of the chain from its first diag on, as one vector.

    The same behind an operation that becomes another beside a vector (CONTRACTED), which then stands last in the chain.
    """
    for i in range(len(chain) - 1, -1, -1):
        if chain[i].shape[1] is UNIT:
            break
        if _contracts(chain[i]) and i + 1 < len(chain):
            tail = product(*chain[i + 1 :], f)
            del chain[i + 1 :]
            c, tail = sums.content(tail)
            if tail.op is SCALE:
                scalars.append(tail.args[0])
                tail = tail.args[1]
            if c != 1:
                scalars.append(number(c))
            return tail
        if chain[i].op is shaping.DIAG and i + 1 < len(chain):
            tail = product(*chain[i + 1 :], f)
            v = hadamard.monomial(tail.shape, [(chain[i].args[0], 1), (tail, 1)])
            del chain[i:]
            c, v = sums.content(v)
            if v.op is SCALE:
                scalars.append(v.args[0])
                v = v.args[1]
            if c != 1:
                scalars.append(number(c))
            return _through_diagonals(chain, v, scalars)
    return f


def _join(chain: list[Expr], f: Expr) -> Expr | None:
    """The product of the end of the chain and f as one factor, taken off the chain; None where it stays."""
    last = chain[-1]
    if last.op is EYE:
        chain.pop()
        return f
    if f.shape[1] is not UNIT and last.shape[0] is not UNIT:
        base, k = powers.base_and_exponent(f)
        other, j = powers.base_and_exponent(last)
        if base is other and base.shape[0] is base.shape[1]:
            chain.pop()
            return powers.power(base, j + k)
        shorter = (
            commuting.joined_exponentials(last, f)
            or commuting.joined_powers(last, f)
            or factorizations.cholesky_square(other, j, base, k)
        )
        if shorter is not None:
            chain.pop()
            return shorter
        if f.shape[0] is not UNIT and _orthogonal(f, last):
            chain.pop()
            return eye(last.shape[0])
        whole = recomposing.recomposed(chain, f)
        if whole is not None:
            return whole
        for (b, m), run in (((base, k), chain), ((other, j), None)):
            # (A*B)^-1 next to A*B: the base is a chain of its own.
            if b.op is not PRODUCT or m == 1:
                continue
            if run is not None and len(run) >= len(b.args) and tuple(run[-len(b.args) :]) == b.args:
                del run[-len(b.args) :]
                return powers.power(b, m + 1)
        k_chain = _completes(chain, f)
        if k_chain is not None:
            return k_chain
        projection = powers.projection(chain, f)
        if projection is not None:
            return projection
    selected = indexing.joined(last, f)
    if selected is not None:
        chain.pop()
        return selected
    sums_of_ones = reductions.known_sums(last, f)
    if sums_of_ones is not None:
        chain.pop()
        return sums_of_ones
    kronecker = _join_kronecker(last, f)
    if kronecker is not None:
        chain.pop()
        return kronecker
    d, e = shaping.diagonal_of_matrix(last), shaping.diagonal_of_matrix(f)
    if d is not None and (e is not None or f.shape[1] is UNIT):
        chain.pop()
        v = hadamard.monomial(d.shape, [(d, 1), (e if e is not None else f, 1)])
        return shaping.diag(v) if e is not None else v
    if e is not None and last.shape[0] is UNIT:
        chain.pop()
        return transposed(hadamard.monomial(e.shape, [(transposed(last), 1), (e, 1)]))
    for neighbour in (last, f):
        rule = CONTRACTED.get((neighbour.args[0] if neighbour.op is TRANSPOSE else neighbour).op.name)
        contracted = rule(last, f) if rule is not None else None
        if contracted is not None:
            chain.pop()
            return contracted
    return None


def _join_kronecker(a: Expr, b: Expr) -> Expr | None:
    """Products of Kronecker products and commutation matrices that are one of them again.

    Source:  Magnus & Neudecker (2019), sections 2.2 and 3.7, theorem 3.9: K_pm (A ⊗ B) = (B ⊗ A) K_qn.
    """
    kron, commutation = shaping.KRON, COMMUTATION
    if a.op is kron and b.op is kron:
        (p, q), (g, h) = a.args, b.args
        if p.shape[1] is g.shape[0] and q.shape[1] is h.shape[0]:  # the mixed product rule
            return kron.build(product(p, g), product(q, h))
    if a.op is kron and b.op is shaping.VEC and b.args[0].shape == (a.args[1].shape[1], a.args[0].shape[1]):
        return shaping.vec(product(a.args[1], b.args[0], transposed(a.args[0])))  # (B' ⊗ A) vec(X) = vec(A X B)
    if a.op is commutation and b.op is commutation and a.params == b.params[::-1]:
        return eye(a.shape[0])
    if a.op is commutation and b.op is kron and UNIT in (b.args[0].shape[1], b.args[1].shape[1]):
        p, q = b.args
        if a.params == (q.shape[0], p.shape[0]):
            return kron.build(q, p)
    if b.op is commutation and a.op is kron:
        p, q = a.args
        if b.params == (p.shape[1], q.shape[1]):  # commutation matrices stand on the left
            return product(commutation.build(p.shape[0], q.shape[0]), kron.build(q, p))
    rule = JOINED.get((a.op.name, b.op.name))
    return rule(a, b) if rule is not None else None


JOINED: dict[tuple[str, str], Callable[[Expr, Expr], Expr | None]] = {}
"""Two neighbours of a product that are one factor; filled in by the pages of other families."""


def _completes(chain: list[Expr], f: Expr) -> Expr | None:
    """Does f complete the base of a power that stands just before, as B in (A*B)^-1 * A * B?"""
    for length in range(2, min(len(chain), 8) + 1):
        b, m = powers.base_and_exponent(chain[-length])
        if b.op is PRODUCT and len(b.args) == length and b.args == (*chain[len(chain) - length + 1 :], f):
            del chain[-length:]
            return powers.power(b, m + 1)
    return None


def orthonormal(e: Expr) -> bool:
    """Are the columns of the matrix orthonormal, as far as is seen?"""
    return e.op.orthonormal or (e.op.name == "variable" and "orthogonal" in e.params[1])


def _orthogonal(f: Expr, last: Expr) -> bool:
    """Is last*f the identity, because one is the conjugate transpose of the other, with orthonormal columns or rows?"""
    v = f.args[0] if f.op is TRANSPOSE else f
    plain = conjugated(v) if v.op.name == "conj" else v
    if not orthonormal(plain) or conjugate_transposed(last) is not f:
        return False
    square = v.shape[0] is v.shape[1]
    return square or f is v  # QᴴQ = I for n×k with orthonormal columns


def _cut(chain: list[Expr], scalars: list[Expr]) -> Expr | None:
    """The chain as one node, its scalar parts moved to `scalars`; None if nothing but scalars is left."""
    if len(chain) == 1:
        return chain[0]
    cuts = [0] if chain[0].shape[0] is UNIT else []
    cuts += [i + 1 for i, f in enumerate(chain) if f.shape[1] is UNIT]
    for start, end in pairwise(cuts):
        scalars.append(_scalar_chain(chain[start:end]))
    rest = chain[: cuts[0]] + chain[cuts[-1] :] if cuts else chain
    if not rest:
        return None
    shape = (rest[0].shape[0], rest[-1].shape[1])
    rows = [i for i, f in enumerate(rest) if f.shape[0] is UNIT]
    start = rows[0] if rows else len(rest)
    if len(rest) - start > 1 and any(f.op is shaping.DIAG or _contracts(f) for f in rest[start:]):
        row = transposed(product(*[transposed(f) for f in reversed(rest[start:])]))
        return product(*rest[:start], row) if start else row
    if len(rest) == 1:
        return rest[0]
    return make(PRODUCT, tuple(rest), (), shape)


def _scalar_chain(chain: list[Expr]) -> Expr:
    """A chain from a row to a vector, in normal form: a norm, a sum of entries, or the orientation with fewer transposes."""
    if chain[0].op is TRANSPOSE and chain[0].args[0].op is ONES:
        return reductions.sum_all(product(*chain[1:]))
    if chain[-1].op is ONES:
        return reductions.sum_all(transposed(product(*chain[:-1])))
    flipped = flipped_chain(chain)
    n = len(chain)
    if n % 2 == 0 and all(conjugated(a) is b for a, b in zip(flipped[: n // 2], chain, strict=False)):
        v = product(*chain[n // 2 :])
        return hadamard.monomial(SCALAR, [(norms.norm2(v), 2)])
    forward = make(PRODUCT, tuple(chain), (), SCALAR)
    backward = make(PRODUCT, tuple(flipped), (), SCALAR)

    def marks(fs: list[Expr]) -> tuple[Any, ...]:
        # the differential is not transposed and stands last, then as few transposes as can be
        turned = any(f.op is TRANSPOSE and f.lead[:1] == "~" for f in fs)
        signs = sum(f.op.name in SIGNS for f in fs if not f.real)  # w^H*x rather than x'*conj(w)
        return turned, signs, sum(f.balance for f in fs), [f.key for f in fs[1:]] if fs[0].op is TRANSPOSE else []

    return forward if marks(chain) <= marks(flipped) else backward


def flipped_chain(chain: Sequence[Expr]) -> list[Expr]:
    """The factors of the transposed chain, commuting ones in their order, commutation matrices on the left."""
    flipped = [transposed(f) for f in reversed(chain)]
    if all(commuting.argument_of(f) is None and f.op is not COMMUTATION for f in flipped):
        return flipped
    ordered: list[Expr] = []
    scalars: list[Expr] = []
    for f in flipped:
        _push(ordered, f, scalars)
    return flipped if scalars or len(ordered) != len(flipped) else ordered


def _reversed_product(e: Expr) -> Expr:
    return make(PRODUCT, tuple(flipped_chain(e.args)), (), e.shape[::-1])


REVERSE["product"] = _reversed_product
REVERSE["scale"] = lambda e: scale(e.args[0], transposed(e.args[1]))


def multiply(a: Expr, b: Expr) -> Expr:
    """a*b as typed: scaling where one is a scalar, otherwise the matrix product."""
    if kind(a.shape) == "scalar" or kind(b.shape) == "scalar":
        return scale(a, b) if a.shape == SCALAR else scale(b, a)
    return product(a, b)


def quotient(a: Expr, b: Expr) -> Expr:
    """a/b for a scalar b."""
    return scale(hadamard.monomial(SCALAR, [(b, -1)]), a)
