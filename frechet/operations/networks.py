"""The normal form of products of arrays that are summed over indices: a network of factors that share letters.

Deltas and ones are carried out, factors on the same indices are multiplied entry by entry, an index that two matrices
share becomes a matrix product, and what is then a vector or a matrix is written with the operations of matrices:
einsum("ij,jk->ik", A, B) is A*B. What is left stays one einsum, its factors and letters in an order of their own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from string import ascii_letters

from frechet.expressions.dimension import SCALAR, UNIT, Dim, Shape
from frechet.expressions.errors import LimitError
from frechet.expressions.node import Expr, Number, make
from frechet.operations import einsum, hadamard, products, reductions, shaping, sums
from frechet.operations.constants import EYE, ONE, ONES, eye, is_zero, ones, size, zeros
from frechet.operations.transposition import TRANSPOSE, symmetric, transposed

Factor = tuple[Expr, str]
"""An array of up to any order, and one letter for each of its axes."""

LETTERS = "ijklmnoprstuvaehxqwyzbcdfg" + ascii_letters[26:]  # those first that exist as subscripts
FLAT_LETTERS, FLAT_FACTORS = 36, 24  # an einsum that came to more is not joined with another


def contracted(factors: Sequence[Factor], output: str, dims: dict[str, Dim]) -> Expr:
    """The product of the factors, summed over the letters that the output does not have, in normal form.

    dims: the dimension of every letter, of those that stand only in the output too
    """
    return _Network(factors, output, dims).result()


def shape_of(dims: Sequence[Dim]) -> Shape:
    """The shape of an array of these axes."""
    return tuple(dims) if len(dims) > 1 else (*dims, UNIT) if dims else SCALAR


def fresh(taken: Iterable[str]) -> str:
    """A letter that is not taken; beyond the alphabet one that is for reading only by `_Network`."""
    used = set(taken)
    found = next((c for c in LETTERS if c not in used), None)
    if found is None:
        found = next(c for c in map(chr, range(0x100, 0x100 + len(used) + 1)) if c not in used)
    return found


class _Network:
    """Factors that are not yet looked at, factors that are, and what stands in front as numbers."""

    def __init__(self, factors: Sequence[Factor], output: str, dims: dict[str, Dim]) -> None:
        self.output, self.dims = output, dict(dims)
        self.coefficient: Number = 1
        self.scalars: list[Expr] = []
        self.factors: list[Factor] = []
        self.same: dict[str, str] = {}  # a letter -> the one it equals by a delta
        self.open = {c for _, at in factors for c in at} - set(output)  # letters that are summed
        self.zero = False
        self.take(factors)
        while not self.zero and self.step():
            pass

    def find(self, c: str) -> str:
        while c in self.same:
            c = self.same[c]
        return c

    def take(self, factors: Sequence[Factor]) -> None:
        """Enters factors: numbers in front, transposes turned, outer products and inner einsums taken apart."""
        stack = list(reversed(factors))
        while stack:
            e, at = stack.pop()
            c, e = sums.content(e)
            self.coefficient *= c
            op = e.op
            if op is products.SCALE:
                self.scalars.append(e.args[0])
                stack.append((e.args[1], at))
            elif not at:
                self.scalars.append(e)
            elif is_zero(e):
                self.zero = True
            elif e.shape[0] is UNIT:
                stack.append((transposed(e), at))
            elif op is TRANSPOSE:
                stack.append((e.args[0], at[::-1]))
            elif op is ONES:
                pass
            elif op is EYE:
                self.equate(*at)
            elif op is shaping.DIAG:
                self.equate(*at)
                stack.append((e.args[0], at[0]))
            elif op is products.PRODUCT and len(at) == 2 and any(f.shape[1] is UNIT for f in e.args):
                cut = next(i for i, f in enumerate(e.args) if f.shape[1] is UNIT) + 1
                stack += [(products.product(*e.args[:cut]), at[0]), (products.product(*e.args[cut:]), at[1])]
            elif op is einsum.EINSUM and self.joins(e, stack):
                stack += self.inside(e, at)
            else:
                self.factors.append((e, at))
        if self.same:
            self.factors = [(e, "".join(map(self.find, at))) for e, at in self.factors]

    def equate(self, a: str, b: str) -> None:
        """Two letters are equal. The one that is kept is the first in the output, or else any of the two."""
        a, b = self.find(a), self.find(b)
        if a == b:
            return
        if b in self.output and (a not in self.output or self.output.index(b) < self.output.index(a)):
            a, b = b, a
        self.same[b] = a
        self.open.discard(b)

    def joins(self, e: Expr, waiting: Sequence[Factor]) -> bool:
        """May an inner einsum be taken apart? Beyond the bounds it stays one factor."""
        letters = {c for _, at in (*self.factors, *waiting) for c in at} | set(self.output)
        inputs, output = einsum.letters_of(e)
        new = {c for letters in inputs for c in letters} - set(output)
        return len(letters) + len(new) <= FLAT_LETTERS and len(self.factors) + len(waiting) + len(e.args) <= FLAT_FACTORS

    def inside(self, e: Expr, at: str) -> list[Factor]:
        """The factors of an inner einsum with letters of this one."""
        inputs, output = einsum.letters_of(e)
        to = dict(zip(output, at, strict=True))
        for letters, a in zip(inputs, e.args, strict=True):
            for c, d in zip(letters, (d for d in a.shape if d is not UNIT), strict=True):
                if c not in to:
                    to[c] = fresh(self.dims)
                    self.dims[to[c]] = d
                    self.open.add(to[c])
        return [(a, "".join(to[c] for c in letters)) for letters, a in zip(inputs, e.args, strict=True)]

    # -- one factor less, or one letter less
    def step(self) -> bool:
        counts = Counter(c for _, at in self.factors for c in at)
        for n, (e, at) in enumerate(self.factors):
            rest = self.factors[:n] + self.factors[n + 1 :]
            found = self.alone(e, at, counts)
            if found is not None:
                return self.replace(rest, found)
        first: dict[str, int] = {}
        for n, (e, at) in enumerate(self.factors):
            key = "".join(sorted(at)) if len(at) < 3 else at
            if key in first and len(set(at)) == len(at):
                m = first[key]
                rest = [f for i, f in enumerate(self.factors) if i not in (m, n)]
                return self.replace(rest, self.merged(self.factors[m], (e, at), counts))
            first[key] = n
        for c in sorted(self.open):
            if counts[c] in (2, 3):
                touching = [f for f in self.factors if c in f[1]]
                matrices = [f for f in touching if len(f[1]) == 2]
                vectors = [f for f in touching if len(f[1]) == 1]
                if len(matrices) + len(vectors) == len(touching) and 1 <= len(matrices) <= 2 and len(vectors) < 2:
                    rest = [f for f in self.factors if c not in f[1]]
                    self.open.discard(c)
                    return self.replace(rest, _joined(c, matrices, vectors))
        return False

    def replace(self, rest: list[Factor], found: Sequence[Factor]) -> bool:
        self.factors = rest
        self.take(found)
        return True

    def alone(self, e: Expr, at: str, counts: Counter[str]) -> list[Factor] | None:
        """The factor with fewer letters: a diagonal or trace, or summed over letters that no other factor has."""
        summed = [c for c in at if c in self.open and counts[c] == at.count(c)]
        if len(at) == 2 and at[0] == at[1]:
            if summed:
                self.open.discard(at[0])
                return [(reductions.trace(e), "")]
            return [(shaping.diag_of(e), at[0])]
        if not summed or (len(at) > 2 and (len(summed) < len(at) or e.op is einsum.EINSUM)) or len(set(at)) < len(at):
            return None
        self.open -= set(summed)
        if len(summed) == len(at):
            return [(reductions.sum_all(e), "")]
        column = ones((self.dims[summed[0]], UNIT))
        rest = at.replace(summed[0], "")
        return [(products.product(e if at[0] == rest else transposed(e), column), rest)]

    def merged(self, first: Factor, second: Factor, counts: Counter[str]) -> list[Factor]:
        """Two factors on the same letters as one."""
        (a, at), (b, other) = first, second
        if len(at) == 2:
            if at != other:
                b = transposed(b)
            summed = [c for c in at if c in self.open and counts[c] == 2]
            self.open -= set(summed)
            if len(summed) == 2:
                return [(reductions.trace(products.product(transposed(a), b)), "")]
            if summed:
                if at[0] == summed[0]:
                    a, b = transposed(a), transposed(b)
                return [(shaping.diag_of(products.product(a, transposed(b))), at.replace(summed[0], ""))]
        return [(hadamard.monomial(a.shape, [(a, 1), (b, 1)]), at)]

    # -- the result
    def result(self) -> Expr:
        shape = shape_of([self.dims[c] for c in self.output])
        if self.zero:
            return zeros(shape)
        if self.coefficient < 0:
            self.turn_sign()
        there = {c for _, at in self.factors for c in at}
        self.scalars += [size(self.dims[c]) for c in sorted(self.open - there)]
        parts = _components(self.factors)
        for part in [p for p in parts if not any(c in self.output for _, at in p for c in at)]:
            parts.remove(part)
            self.scalars.append(_einsum(part, "", self.dims))
        body = self.body(parts)
        if self.scalars:
            body = products.scale(hadamard.monomial(SCALAR, [(s, 1) for s in self.scalars]), body)
        return sums.scaled(self.coefficient, body)

    def turn_sign(self) -> None:
        """-einsum(…, T - S) is einsum(…, S - T)."""
        differences = [f for f in self.factors if len(f[0].shape) > 2 and f[0].op is sums.SUM]
        for e, at in sorted(differences, key=lambda f: f[0].key):
            other = sums.negative(e)
            if sums.content(other)[0] == 1:
                self.factors[self.factors.index((e, at))] = (other, at)
                self.coefficient = -self.coefficient
                return

    def body(self, parts: list[list[Factor]]) -> Expr:
        core = "".join(c for c in self.output if self.find(c) == c)
        there = {c for part in parts for _, at in part for c in at}
        missing = [c for c in core if c not in there]
        if not parts and len(core) == len(self.output):
            return ones(shape_of([self.dims[c] for c in core])) if core else ONE
        if len(self.output) <= 2:
            ends = {c: _einsum(p, c, self.dims) for p in parts for c in core if _letters(p) & set(core) == {c}}
            ends |= {c: ones((self.dims[c], UNIT)) for c in missing}
            if len(core) < len(self.output):  # i and j are equal
                return shaping.diag(ends[core])
            if len(core) == 1:
                return ends[core]
            if len(ends) == 2:
                return products.product(ends[core[0]], transposed(ends[core[1]]))
            return self.matrix(parts[0], core)
        deltas = [(eye(self.dims[c]), self.find(c) + c) for c in self.output if self.find(c) != c]
        columns = [(ones((self.dims[c], UNIT)), c) for c in missing if not any(c == d[0] for _, d in deltas)]
        return _einsum([f for p in parts for f in p] + columns + deltas, self.output, self.dims)

    def matrix(self, part: list[Factor], core: str) -> Expr:
        """One connected part with both indices of the result: diag(x)*A*diag(y) where it is that."""
        inner = [f for f in part if len(f[1]) > 1]
        if len(inner) > 1 or set(inner[0][1]) != set(core) or len(inner[0][1]) > 2:
            return _einsum(part, core, self.dims)
        a = inner[0][0] if inner[0][1] == core else transposed(inner[0][0])
        sides = {at: shaping.diag(e) for e, at in part if len(at) == 1}
        return products.product(*[s for s in (sides.get(core[0]), a, sides.get(core[1])) if s is not None])


def _joined(c: str, matrices: Sequence[Factor], vectors: Sequence[Factor]) -> list[Factor]:
    """The sum over a letter that one or two matrices have, and perhaps a vector, as a product."""
    turned = [(e, at[0]) if at[1] == c else (transposed(e), at[1]) for e, at in matrices]
    if len(turned) == 1:
        (a, i), (x, _) = turned[0], vectors[0]
        return [(products.product(a, x), i)]
    (a, i), (b, j) = turned
    middle = [shaping.diag(x) for x, _ in vectors]
    return [(products.product(a, *middle, transposed(b)), i + j)]


def _letters(part: Iterable[Factor]) -> set[str]:
    return {c for _, at in part for c in at}


def _components(factors: Sequence[Factor]) -> list[list[Factor]]:
    """The factors in groups that share no letter."""
    parts: list[tuple[set[str], list[Factor]]] = []
    for f in factors:
        letters, group = set(f[1]), [f]
        apart = []
        for other in parts:
            if other[0] & letters:
                letters |= other[0]
                group = [*other[1], *group]
            else:
                apart.append(other)
        parts = [*apart, (letters, group)]
    place = {id(f): n for n, f in enumerate(factors)}
    return [sorted(group, key=lambda f: place[id(f)]) for _, group in parts]


def _einsum(factors: list[Factor], output: str, dims: dict[str, Dim]) -> Expr:
    """The node, with letters and an order of the factors that do not depend on how they were written."""
    if len(factors) == 1 and factors[0][1] == output:
        return factors[0][0]
    order = sorted(factors, key=lambda f: f[0].key)
    times = Counter(e for e, _ in order)
    best: tuple[tuple[tuple[int, ...], ...], list[Factor], dict[str, int]] | None = None
    seen = set()
    while True:  # equal factors, as in T x x x, are ordered by their letters, which depend on the order
        number: dict[str, int] = {}
        named = sorted(order, key=lambda f: times[f[0]] > 1)  # those that occur once tell equal ones apart
        for c in (*(output if len(output) != 2 else ""), *(c for _, at in named for c in at)):
            number.setdefault(c, len(number))
        order = [(e, "".join(sorted(at, key=number.__getitem__)) if symmetric(e) else at) for e, at in order]
        state = tuple(tuple(number[c] for c in at) for _, at in order)
        if state in seen:
            break
        seen.add(state)
        if best is None or state < best[0]:
            best = state, order, number
        order = sorted(order, key=lambda f: (f[0].key, [number[c] for c in f[1]]))
    assert best is not None
    _, order, number = best
    if len(number) > len(LETTERS):
        raise LimitError(f"an einsum of {len(number)} indices; at most {len(LETTERS)} can be written")
    turned = len(output) == 2 and number[output[0]] > number[output[1]]
    if turned:  # of a matrix and its transpose the one is kept whose indices come in order
        output = output[::-1]
    if len(output) == 2:
        for n, c in enumerate(sorted(number, key=lambda c: (c not in output, number[c]))):
            number[c] = n
    text = ",".join("".join(LETTERS[number[c]] for c in at) for _, at in order)
    subscripts = text + "->" + "".join(LETTERS[number[c]] for c in output)
    node = make(einsum.EINSUM, tuple(e for e, _ in order), (subscripts,), shape_of([dims[c] for c in output]))
    return transposed(node) if turned else node
