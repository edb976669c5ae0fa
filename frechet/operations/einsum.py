"""einsum: products of arrays entry by entry, summed over indices. Its differential and its adjoints are einsums.

The pages and what they are typed as; the normal form is in `frechet.operations.networks`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from frechet.expressions.dimension import Dim, Shape, axes
from frechet.expressions.errors import LimitError, NotationError, ShapeError
from frechet.expressions.node import Expr, make
from frechet.expressions.operation import Equal, Operation
from frechet.operations import hadamard, networks, reducing, sums
from frechet.operations.constants import eye
from frechet.operations.transposition import conjugated

CHARACTERS = 400  # of the subscripts


def read_subscripts(text: object) -> tuple[list[str], str]:
    """The letters of each operand and of the result: "ij,jk->ik", or as NumPy takes it "ij,jk", whose result has the
    letters that occur once, in alphabetical order.

    Raises:  NotationError, in words, for what is no such text
    """
    if not isinstance(text, str):
        raise NotationError('einsum takes the subscripts as a text first, as in einsum("ij,jk->ik", A, B)')
    plain = text.replace(" ", "")
    if len(plain) > CHARACTERS:
        raise LimitError(f"subscripts of {len(plain)} characters; at most {CHARACTERS} are read")
    if "." in plain:
        raise NotationError("einsum without an ellipsis: write every index, as the order of an operand must be known")
    strange = re.search(r"[^A-Za-z,>-]|-(?!>)|(?<!-)>", plain)
    if strange is not None:
        raise NotationError(f'{strange[0]!r} is no index: subscripts are letters, as in "ij,jk->ik"')
    left, arrow, output = plain.partition("->")
    if "-" in output or "," in output:
        raise NotationError('subscripts have one result, after one arrow, as in "ij,jk->ik"')
    inputs = left.split(",")
    counts = Counter(c for part in inputs for c in part)
    if not arrow:
        output = "".join(sorted(c for c, k in counts.items() if k == 1))
    for c in output:
        if output.count(c) > 1:
            raise NotationError(f"the index {c} stands twice in the result: an array with equal indices is made with eye")
        if c not in counts:
            raise NotationError(f"the index {c} of the result is an index of no operand")
    return inputs, output


class EinsumPage(Operation):
    name, signature = "einsum", 'einsum("ij,jk->ik",A,B)'
    summary = "The products of entries, summed over the indices that the result does not have; without -> as NumPy reads it."
    rule = 'd einsum("ij,jk->ik",A,B) = einsum("ij,jk->ik",dA,B) + einsum("ij,jk->ik",A,dB)'
    adjoint_rule = (
        'W -> einsum("ik,jk->ij",W,B) in A; eye for an index that an operand has twice, ones for one that is summed alone'
    )
    source = "Kolda & Bader (2009), section 2; Laue, Mitterreiter & Giesen (2020), propositions 7-8"
    takes = ("se+",)
    linear = complex = tensors = True
    examples = (
        'einsum("ij,jk->ik",A,B)',
        'einsum("ijk,jl->ilk",T,A)',
        'einsum("ijk,i,j,k->",T,x,x,x)',
        'einsum("ir,jr,kr->ijk",A,B,C)',
        'einsum("bij,bjk->bik",Q,K)',
        'einsum("iij->j",T)',
        'einsum("ijk->ki",T)',
        'norm2(T - einsum("ir,jr,kr->ijk",A,B,C))^2',
    )
    identities = (
        ('einsum("ij,jk->ik",A,B)', "A*B"), ('einsum("ij,kj",A,B)', "A*B'"), ('einsum("ii",A)', "tr(A)"),
        ('einsum("ii->i",A)', "diag(A)"), ('einsum("i,j->ij",x,y)', "x*y'"), ('einsum("ij,ij->",A,B)', "tr(A'*B)"),
        ('einsum("i,ij,j->",x,A,y)', "x'*A*y"), ('einsum("i,ij->ij",x,A)', "diag(x)*A"), ('einsum("ij->j",A)', "A'*ones(n)"),
        ('einsum("ijk,jr,kr->ir",einsum("ir,jr,kr->ijk",A,B,C),B,C)', "A*((B'*B).*(C'*C))"),
    )  # fmt: skip

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        inputs, output = read_subscripts(params[0])
        if len(inputs) != len(shapes):
            raise ShapeError(f"the subscripts are of {len(inputs)} operands, and {len(shapes)} are given")
        found: dict[str, Dim] = {}
        for n, (letters, shape) in enumerate(zip(inputs, shapes, strict=True), 1):
            dims = axes(shape)
            if len(dims) != len(letters):
                raise ShapeError(f"operand {n} has {len(dims)} axes, and the subscripts {letters!r} name {len(letters)}")
            for c, d in zip(letters, dims, strict=True):
                try:
                    equal(found.setdefault(c, d), d)
                except ShapeError:
                    raise ShapeError(f"the index {c} has two sizes, in operand {n} another than before") from None
        return networks.shape_of([found[c] for c in output])

    def build(self, *args: Any) -> Expr:
        inputs, output = read_subscripts(args[0])
        dims = {
            c: d for letters, e in zip(inputs, args[1:], strict=True) for c, d in zip(letters, axes(e.shape), strict=True)
        }
        return networks.contracted(list(zip(args[1:], inputs, strict=True)), output, dims)

    def rebuild(self, node: Expr, args: tuple[Expr, ...]) -> Expr:
        return self.build(node.params[0], *args)

    def annotate(self, node: Expr) -> None:
        node.sign, node.definite, node.balance = min(a.sign for a in node.args), 0, 0
        if not axes(node.shape):
            node.definite, node.transposed = node.sign, node

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        changed = [(*node.args[:i], di, *node.args[i + 1 :]) for i, di in enumerate(d) if di is not None]
        return sums.add((1, self.rebuild(node, args)) for args in changed)

    def adjoint(self, node: Expr, i: int, w: Expr) -> Expr:
        factors, target, dims = coefficients(node, i)
        factors = [(conjugated(e), at) for e, at in factors]
        return networks.contracted([(w, letters_of(node)[1]), *factors], target, dims)

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        best = ", optimize=True" if len(args) > 2 else ""
        return f'np.einsum("{node.params[0]}", {", ".join(args)}{best})'


def letters_of(node: Expr) -> tuple[list[str], str]:
    """The subscripts of a node: of its arguments and of its result."""
    left, _, output = node.params[0].partition("->")
    return left.split(","), output


def turned(e: Expr) -> Expr:
    """The transpose of a matrix as an einsum, for writing: of the two the normal form keeps one, and transposes it."""
    inputs, output = letters_of(e)
    swap = str.maketrans(output, output[::-1])
    return make(EINSUM, e.args, (",".join(inputs).translate(swap) + "->" + output,), e.shape[::-1])


def coefficients(node: Expr, i: int) -> tuple[list[networks.Factor], str, dict[str, Dim]]:
    """What einsum multiplies its argument i with: the others as factors, the letters of the argument, all different, and
    the dimensions. An index that the argument has twice becomes two, with an eye.
    """
    inputs, _ = letters_of(node)
    dims = {c: d for letters, e in zip(inputs, node.args, strict=True) for c, d in zip(letters, axes(e.shape), strict=True)}
    factors: list[networks.Factor] = [
        (e, letters) for j, (e, letters) in enumerate(zip(node.args, inputs, strict=True)) if j != i
    ]
    target = ""
    for c in inputs[i]:
        if c in target:
            new = networks.fresh(dims)
            dims[new] = dims[c]
            factors.append((eye(dims[c]), c + new))
            c = new
        target += c
    return factors, target, dims


def _summed(e: Expr) -> Expr | None:
    """The sum of all entries; None where the network is so large that it stays one factor of another."""
    inputs, output = letters_of(e)
    return EINSUM.build(",".join(inputs) + "->", *e.args) if output else None


def _trace(e: Expr) -> Expr | None:
    inputs, output = letters_of(e)
    return EINSUM.build(",".join(inputs).replace(output[1], output[0]) + "->", *e.args)


def _summed_product(e: Expr) -> Expr | None:
    """The sum of T ⊙ einsum(…) over all entries is an einsum without indices."""
    if len(e.shape) < 3 or not any(b.op is EINSUM and k == 1 for b, k in zip(e.args, e.params, strict=True)):
        return None
    at = networks.LETTERS[: len(e.shape)]
    factors: list[networks.Factor] = [(hadamard.monomial(e.shape, [f]), at) for f in zip(e.args, e.params, strict=True)]
    return networks.contracted(factors, "", dict(zip(at, e.shape, strict=True)))


EINSUM = EinsumPage()
PAGES: tuple[Operation, ...] = (EINSUM,)
reducing.REDUCTIONS[("sum", "einsum")] = _summed
reducing.REDUCTIONS[("tr", "einsum")] = _trace
reducing.REDUCTIONS[("sum", "hadamard")] = _summed_product
