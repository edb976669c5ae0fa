"""Writing expressions: what is the same in every notation.

`write` turns a graph into text by a style (`frechet.notation.text`, `unicode`, `latex`). Parts that are used more than
once in a large expression get a name, so that the text has the size of the graph, not of the tree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from frechet.expressions.dimension import SCALAR, Dim
from frechet.expressions.node import Expr, Number, variables, walk
from frechet.expressions.operation import Operation, fitting
from frechet.notation.columns import by_columns
from frechet.notation.orientation import term_by_term, without_bar, written
from frechet.notation.parts import block_piece, chain_of_parts, has_parts
from frechet.operations.constants import EYE, ONE, exact, magnitude
from frechet.operations.declared_functions import functions
from frechet.operations.einsum import EINSUM, letters_of, turned
from frechet.operations.matrix_functions import whole
from frechet.operations.sums import common_factor

NAMING_LIMIT = 120  # leaves from which shared parts get names
SHARED_LEAVES = 3
NODES_LIMIT = 800  # operations in a tree, likewise
SHARED_NODES = 6

# How tightly a piece of text binds.
# INNER is a scalar such as x'*A*x: a product that gets parentheses as a factor of another, so that it is seen as one number.
# RATIO is an element-wise product or a quotient, PRODUCT a matrix product or a multiple.
FROBENIUS, ADD, INNER, RATIO, PRODUCT, POSTFIX, ATOM = range(7)

Piece = tuple[str, int]


class Written:
    """A text, how tightly it binds, and the named parts it refers to, in the order of their definitions."""

    def __init__(self, text: str, where: dict[str, str], level: int = FROBENIUS) -> None:
        self.text = text
        self.where = where
        self.level = level

    def __str__(self) -> str:
        if not self.where:
            return self.text
        return self.text + "  where  " + ",  ".join(f"{name} = {part}" for name, part in self.where.items())


class Style:
    """How the pieces of an expression are put together; a subclass for each notation."""

    times = "*"
    sized_zeros = True  # must blocks of zeros say their sizes?
    brackets = True  # are entries and slices written X[i,j]? Otherwise as products with unit vectors

    def variable(self, name: str) -> Piece:
        return name, ATOM

    def symbol(self, node: Expr) -> Piece:
        """The variable of this node; a style may write differentials in a way of their own."""
        return self.variable(node.params[0])

    def number(self, value: Number) -> Piece:
        raise NotImplementedError

    def dimension(self, value: Dim) -> str:
        return str(value).replace("//", "/")  # n*(n+1)/2 is a whole number

    def parens(self, text: str) -> str:
        return f"({text})"

    def at_least(self, piece: Piece, level: int) -> str:
        return piece[0] if piece[1] >= level else self.parens(piece[0])

    def transpose(self, piece: Piece) -> Piece:
        raise NotImplementedError

    def conjugate(self, piece: Piece) -> Piece:
        raise NotImplementedError

    def conjugate_transpose(self, piece: Piece) -> Piece:
        raise NotImplementedError

    def power(self, base: Piece, exponent: Piece, elementwise: bool) -> Piece:
        raise NotImplementedError

    def root(self, base: Piece) -> Piece:
        raise NotImplementedError

    def entrywise_root(self, base: Piece) -> Piece:
        """The square root of every entry of a matrix, where `root` could be taken for the root of the matrix."""
        return self.root(base)

    def inverse(self, base: Piece, exponent: int) -> Piece:
        raise NotImplementedError

    def product(self, factors: Sequence[Piece]) -> Piece:
        raise NotImplementedError

    def hadamard(self, factors: Sequence[Piece]) -> Piece:
        raise NotImplementedError

    def fraction(self, above: Piece, below: Piece, elementwise: bool) -> Piece:
        raise NotImplementedError

    def sum(self, terms: Sequence[tuple[bool, Piece]]) -> Piece:
        """Terms with their signs: True for minus."""
        text = ""
        for negative, piece in terms:
            body = self.at_least(piece, INNER)
            text += (" - " if negative else " + ") + body if text else ("-" if negative else "") + body
        return text, ADD

    def contraction(self, node: Expr, args: Sequence[Piece]) -> Piece:
        """An einsum as a sum of products of entries: [Σₗ tᵢⱼₗ aₗₖ]ᵢⱼₖ is the array of these entries."""
        inputs, output = letters_of(node)
        entries = [
            self.delta(at) if a.op is EYE else self.indexed(piece, at)
            for a, piece, at in zip(node.args, args, inputs, strict=True)
        ]
        summed = "".join(dict.fromkeys(c for at in inputs for c in at if c not in output))
        text = self.summation(" ".join(entries), summed)
        return (self.bracketed(text, output), POSTFIX) if output else (text, INNER)

    def indexed(self, piece: Piece, letters: str) -> str:
        raise NotImplementedError

    def delta(self, letters: str) -> str:
        raise NotImplementedError

    def summation(self, body: str, letters: str) -> str:
        raise NotImplementedError

    def bracketed(self, body: str, letters: str) -> str:
        raise NotImplementedError

    def call(self, node: Expr, args: Sequence[Piece]) -> Piece:
        raise NotImplementedError

    def constant(self, node: Expr) -> Piece:
        raise NotImplementedError

    def entry(self, base: Piece, inside: Sequence[str]) -> Piece:
        """The part of an array that the indices in brackets say."""
        return f"{self.at_least(base, ATOM)}[{','.join(inside)}]", ATOM

    def blocks(self, rows: Sequence[Sequence[str]]) -> Piece:
        return f"[{'; '.join(', '.join(row) for row in rows)}]", ATOM


def write(root: Expr, style: Style, share: bool = True, spelled: Mapping[Expr, Piece] | None = None) -> Written:
    """The expression in the given style; `spelled` says what is written for some of its parts."""
    replaced = by_columns(root)
    if replaced:
        root, spelled = replaced[root], {replaced.get(e, e): piece for e, piece in (spelled or {}).items()}
    named = _shared_parts(root) if share else {}
    pieces = _Pieces(named)
    where: dict[str, str] = {}
    for node in written(root):
        piece = spelled[node] if spelled and node in spelled else _piece(node, pieces, style)
        if node in named:
            name = style.variable(named[node])
            where[name[0]], piece = piece[0], name
        pieces[node] = piece
    return Written(pieces[root][0], where, pieces[root][1])


def _shared_parts(root: Expr) -> dict[Expr, str]:
    """Names for what is used more than once in an expression that is large as a tree, by leaves or by operations."""
    order = list(walk(root))
    if root.leaves <= NAMING_LIMIT and _operations(order) <= NODES_LIMIT:
        return {}
    uses: dict[Expr, int] = {}
    for node in order:
        for a in node.args:
            uses[a] = uses.get(a, 0) + 1
    taken = {v.params[0] for v in variables(root)} | functions(root).keys()
    for node in order:
        taken |= {name for d in (*node.shape, *node.params) if isinstance(d, Dim) for name in d.names()}
    named: dict[Expr, str] = {}
    counts = {"scalar": 0, "vector": 0, "matrix": 0, "tensor": 0}
    # the leaves and the operations of a part, its named parts counted as one leaf
    size: dict[Expr, int] = {}
    weight: dict[Expr, int] = {}
    for node in order:
        size[node] = node.op.own_leaves + sum(size[a] for a in node.args)
        weight[node] = 1 + sum(weight[a] for a in node.args)
        if node.op.name in ("transpose", "number") or not node.args or node is root or node.kind == "row":
            continue
        shared = uses.get(node, 0) > 1 and (size[node] >= SHARED_LEAVES or weight[node] >= SHARED_NODES)
        if shared or size[node] > 4 * NAMING_LIMIT or weight[node] > NODES_LIMIT:
            letter = {"scalar": "s", "vector": "v", "matrix": "M", "tensor": "T"}[node.kind]
            while True:
                counts[node.kind] += 1
                name = f"{letter}{counts[node.kind]}"
                if name not in taken:
                    break
            named[node] = name
            size[node] = weight[node] = 1
    return named


def _operations(order: Sequence[Expr]) -> int:
    """The nodes of the tree that a graph stands for, counted up to a bound."""
    weight: dict[Expr, int] = {}
    for node in order:
        weight[node] = min(1 + sum([weight[a] for a in node.args]), NODES_LIMIT + 1)
    return weight[order[-1]] if order else 0


class _Pieces(dict[Expr, Piece]):
    """What has been written so far, and which parts stand there as names."""

    def __init__(self, named: dict[Expr, str]) -> None:
        super().__init__()
        self.named = named


def _piece(node: Expr, pieces: _Pieces, style: Style) -> Piece:
    if node.bar > 0:
        plain = without_bar(node)
        if plain is not None:
            return style.conjugate(pieces[plain])
    special = SPECIAL.get(node.op.name)
    if special is not None:
        return special(node, pieces, style)
    if not node.args:
        return style.constant(node)
    return style.call(node, [pieces[a] for a in node.args])


def arranged(op: Operation, parts: Sequence[str], params: Sequence[str]) -> list[str]:
    """The arguments of a call in the order in which they are typed."""
    for takes in op.takes:
        for letters in fitting((takes,), len(parts) + len(params) + takes.count("n")):
            if letters.count("e") == len(parts):
                one, other = iter(parts), iter(params)
                return [next(one) if a == "e" else "[]" if a == "n" else next(other) for a in letters]
    return [*parts, *params]


def split_number(c: Number) -> tuple[Number, int]:
    """|c| as a number in front and a divisor behind: 1/2 is (1, 2), 3/2 is (1.5, 1), 2/3 is (2, 3)."""
    c = magnitude(c)
    if isinstance(c, Fraction):
        decimal = float(c)
        short = len(repr(decimal)) <= 6 and c.numerator != 1
        if (short or 10 < len(str(c)) > len(repr(decimal))) and Fraction(repr(decimal)) == c:
            return decimal, 1
        return c.numerator, c.denominator
    return c, 1


def _ratio(node: Expr, pieces: _Pieces, style: Style) -> tuple[list[Piece], list[Piece]]:
    """The factors above and below the line of a product, scalars' denominators taken out to the end."""
    if node in pieces.named and node in pieces:
        return [pieces[node]], []
    name = node.op.name
    if name == "scale":
        quotient = _power_of_quotient(node, pieces, style)
        if quotient is not None:
            return quotient
        above, below = _ratio(node.args[0], pieces, style)
        return [*above, pieces[node.args[1]]], below
    if name == "hadamard":
        return _split_monomial(node, pieces, style)
    return [pieces[node] if node in pieces else _piece(node, pieces, style)], []


def _power_of_quotient(node: Expr, pieces: _Pieces, style: Style) -> tuple[list[Piece], list[Piece]] | None:
    """c^-2*x.^2 as (x/c).^2, with what else is in the scalar; None where the powers differ."""
    s, body = node.args
    if body.op.name != "hadamard" or len(body.args) != 1 or s.op.name != "hadamard" or pieces.named.keys() & {s, body}:
        return None
    k = body.params[0]
    inner = next((b for b, j in zip(s.args, s.params, strict=True) if j == -k), None)
    if inner is None or not isinstance(k, int) or k < 2:
        return None
    quotient = style.fraction(pieces[body.args[0]], pieces[inner], False)
    above = [pieces[b] for b, j in zip(s.args, s.params, strict=True) if b is not inner and j == 1]
    if len(above) != len(s.args) - 1:
        return None
    return [*above, style.power(quotient, style.number(k), True)], []


def _line(above: list[Piece], below: list[Piece], style: Style, elementwise: bool) -> Piece:
    join = style.hadamard if elementwise else style.product
    if not elementwise and len(above) > 1 and above[-1][1] == INNER:
        above = [
            *above[:-1],
            (above[-1][0], PRODUCT),
        ]  # at the end, 2*x'*A*x, nothing follows that it could be mistaken with
    top = (join(above) if len(above) > 1 else above[0]) if above else style.number(1)
    if not below:
        return top
    return style.fraction(top, join(below) if len(below) > 1 else below[0], elementwise)


def _term(c: Number, node: Expr, pieces: _Pieces, style: Style) -> Piece:
    """|c| times the expression."""
    if node is ONE:
        front, divisor = split_number(c)
        return style.number(front) if divisor == 1 else style.fraction(style.number(front), style.number(divisor), False)
    front, divisor = split_number(c)
    if node.op.name == "hadamard" and node.shape != SCALAR:
        if front != 1 and divisor == 1 and node not in pieces.named:
            above, below = _split_monomial(node, pieces, style)
            if not above:
                return _line([style.number(front)], below, style, True)
        above, below = [pieces[node]], []
    else:
        above, below = _ratio(node, pieces, style)
    if front != 1:
        above = [style.number(front), *above]
    if divisor != 1:
        below = [style.number(divisor), *below]
    return _line(above, below, style, False)


def _sum(node: Expr, pieces: _Pieces, style: Style) -> Piece:
    if len(node.args) == 1 and node.params[0] > 0:
        return _term(node.params[0], node.args[0], pieces, style)
    outside, inner = _taken_out(node, pieces, style)
    if outside == 1:
        return inner
    return _times_number(outside, (style.parens(inner[0]), ATOM), style)


def _taken_out(node: Expr, pieces: _Pieces, style: Style) -> tuple[Number, Piece]:
    """A sum as a number in front and the rest."""
    coefficients: Sequence[Number] = node.params
    outside = _common(coefficients) if len(node.args) > 1 else 1
    if outside != 1:
        coefficients = [exact(Fraction(c) / Fraction(outside)) for c in coefficients]
    # A sum does not begin with a minus; max(x)*ones comes last in x - max(x)*ones, which so is exactly 0 where x is largest.
    pairs = sorted(zip(coefficients, node.args, strict=True), key=lambda t: (t[0] < 0, _is_level(t[1])))
    return outside, style.sum([(c < 0, _term(c, e, pieces, style)) for c, e in pairs])


def _times_number(c: Number, piece: Piece, style: Style) -> Piece:
    front, divisor = split_number(c)
    above = [*([style.number(front)] if front != 1 else []), piece]
    body = _line(above, [style.number(divisor)] if divisor != 1 else [], style, False)
    return style.sum([(True, body)]) if c < 0 else body


def _transpose(node: Expr, pieces: _Pieces, style: Style) -> Piece:
    a = node.args[0]
    plain = None if a in pieces.named else without_bar(a)
    if plain is not None:
        return style.conjugate_transpose(pieces[plain])
    opened = None if a in pieces.named else term_by_term(node)
    if opened is not None:
        return pieces[opened]
    if a.op.name == "sum_of_terms" and a not in pieces.named:
        outside, inner = _taken_out(a, pieces, style)
        if outside != 1:  # 2*(A + B)' rather than (2*(A + B))'
            return _times_number(outside, style.transpose((style.parens(inner[0]), ATOM)), style)
    if a.op is EINSUM and a.kind == "matrix" and a not in pieces.named:
        return style.call(turned(a), [pieces[b] for b in a.args])
    return style.transpose(pieces[a])


def _is_level(e: Expr) -> bool:
    return e.op.name == "scale" and e.args[0].op.name in ("max", "min") and e.args[1].op.name == "ones"


def _common(coefficients: Sequence[Number]) -> Number:
    """What is taken out in front of a sum because it makes the text shorter."""
    if any(isinstance(c, float) for c in coefficients):
        return 1
    fractions = [Fraction(c) for c in coefficients]
    common = Fraction(common_factor(coefficients))

    def cost(values: Sequence[Number]) -> int:
        return sum((front != 1) + (divisor != 1) for front, divisor in map(split_number, values))

    inside = [exact(f / common) for f in fractions]
    return exact(common) if cost([common]) + cost(inside) < cost(fractions) or common == -1 else 1


def _monomial(node: Expr, pieces: _Pieces, style: Style) -> Piece:
    above, below = _split_monomial(node, pieces, style)
    return _line(above, below, style, node.shape != SCALAR)


def _split_monomial(node: Expr, pieces: _Pieces, style: Style) -> tuple[list[Piece], list[Piece]]:
    above: list[Piece] = []
    below: list[Piece] = []
    elementwise = node.shape != SCALAR
    for k, bases in _by_exponent(node):
        size = magnitude(k)
        if size == 1 or len(bases) == 1:
            found = [_raised(pieces[b], size, style, node) for b in bases]
        else:
            together = style.hadamard if elementwise else style.product
            found = [_raised(together([pieces[b] for b in bases]), size, style, node)]
        (below if k < 0 else above).extend(found)
    return above, below


def _by_exponent(node: Expr) -> list[tuple[Number, list[Expr]]]:
    """The factors of a monomial, those under one exponent together where that is the same: (x*y)^2."""
    groups: list[tuple[Number, list[Expr]]] = []
    # log det(X) has no parentheses around it, so nothing stands behind it
    factors = sorted(zip(node.args, node.params, strict=True), key=lambda f: f[0].op.name == "logdet")
    for b, k in factors if node.shape == SCALAR else zip(node.args, node.params, strict=True):
        joins = k != 1 and (isinstance(k, int) or b.sign == 2)
        group = next((g for j, g in groups if joins and j == k and (isinstance(k, int) or g[0].sign == 2)), None)
        if group is not None:
            group.append(b)
        else:
            groups.append((k, [b]))
    return groups


def _raised(piece: Piece, size: Number, style: Style, node: Expr) -> Piece:
    if size == 1:
        return piece
    if size == Fraction(1, 2):
        return style.entrywise_root(piece) if node.kind == "matrix" else style.root(piece)
    front, divisor = split_number(size)
    exponent = style.number(front)
    if divisor != 1:
        exponent = style.fraction(exponent, style.number(divisor), False)
    return style.power(piece, exponent, node.shape != SCALAR)


def _scale(node: Expr, pieces: _Pieces, style: Style) -> Piece:
    return _line(*_ratio(node, pieces, style), style, False)


def _chain(node: Expr, pieces: _Pieces, style: Style) -> Piece:
    if style.brackets and has_parts(node.args):
        text, level = chain_of_parts(node, pieces, style)
    else:
        text, level = style.product(_with_powers(node.args, pieces, style))
    if level >= POSTFIX:
        return text, level
    return text, INNER if node.shape == SCALAR else level


def _with_powers(factors: Sequence[Expr], pieces: _Pieces, style: Style) -> list[Piece]:
    """The factors of a chain, a block of several that repeats as a power: X'*X*X'*X as (X'*X)^2."""
    found: list[Piece] = []
    i = 0
    while i < len(factors):
        best = (1, 1)
        for size in range(2, min(6, (len(factors) - i) // 2) + 1):
            block = factors[i : i + size]
            times = 1
            while factors[i + times * size : i + (times + 1) * size] == block:
                times += 1
            if (times - 1) * size > (best[1] - 1) * best[0]:
                best = (size, times)
        size, times = best
        if times > 1 and factors[i].shape[0] is factors[i + size - 1].shape[1]:
            block_piece = style.product([pieces[f] for f in factors[i : i + size]])
            found.append(style.power((style.parens(block_piece[0]), ATOM), style.number(times), False))
            i += size * times
        else:
            found.append(pieces[factors[i]])
            i += 1
    return found


def _matrix_power(node: Expr, pieces: _Pieces, style: Style) -> Piece:
    k, base = node.params[0], pieces[node.args[0]]
    return style.inverse(base, k) if k < 0 else style.power(base, style.number(k), False)


def _real_power(node: Expr, pieces: _Pieces, style: Style) -> Piece:
    """X^k of a whole number k; of other exponents powm(X,a)."""
    base, exponent = (pieces[a] for a in node.args)
    return style.power(base, exponent, False) if whole(node.args[1]) else style.call(node, [base, exponent])


SPECIAL: dict[str, Callable[[Expr, _Pieces, Style], Piece]] = {
    "number": lambda node, pieces, style: style.number(node.params[0]),
    "variable": lambda node, pieces, style: style.symbol(node),
    "size": lambda node, pieces, style: (style.dimension(node.params[0]), ATOM),
    "transpose": _transpose,
    "sum_of_terms": _sum,
    "hadamard": _monomial,
    "scale": _scale,
    "product": _chain,
    "matrix_power": _matrix_power,
    "blocks": block_piece,
    "powm": _real_power,
    "epower": lambda node, pieces, style: style.power(pieces[node.args[0]], pieces[node.args[1]], node.shape != SCALAR),
}
