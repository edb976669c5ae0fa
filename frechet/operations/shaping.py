"""Arrays put into other shapes: diagonals, vec and unvec, the Kronecker product."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from frechet.expressions.dimension import UNIT, Dim, Shape, dim, entries, kind
from frechet.expressions.errors import ShapeError
from frechet.expressions.node import Expr, make
from frechet.expressions.operation import Equal, Operation
from frechet.operations import factorizations, hadamard, indexing, products, reducing, reductions, reshaping, sums
from frechet.operations.constants import COMMUTATION, EYE, ONES, eye, is_zero, ones, zeros
from frechet.operations.transposition import REVERSE, TRANSPOSE, conjugated, hermitian, transposed


class DiagPage(Operation):
    name, signature = "diag", "diag(x), diag(X)"
    summary = "The diagonal matrix of a vector; the diagonal of a matrix as a vector."
    rule = "d diag(x) = diag(dx)"
    adjoint_rule = "W -> diag(W)"
    source = "Magnus & Neudecker (2019), section 2.4"
    latex = r"\operatorname{diag}({0})"
    takes = ("e",)
    linear = complex = True
    examples = ("diag(x)", "diag(X)", "diag(A*X)")
    identities = (("diag(diag(x))", "x"), ("diag(x)*diag(y)", "diag(x.*y)"), ("tr(diag(x))", "sum(x)"))

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        s = shapes[0]
        if kind(s) in ("vector", "row"):
            n = s[0] if s[1] is UNIT else s[1]
            return (n, n)
        reducing.square(equal, s, "diag")
        return (s[0], UNIT)

    def build(self, *args: Any) -> Expr:
        return diag_of(args[0]) if args[0].kind == "matrix" else diag(args[0])

    def annotate(self, node: Expr) -> None:
        node.balance, node.transposed = 0, node
        node.sign = 1 if node.args[0].sign else 0
        node.definite = node.args[0].sign

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        return diag(d[0])

    def adjoint(self, node: Expr, i: int, w: Expr) -> Expr:
        return diag_of(w)

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"np.diag({args[0]})"


class DiagonalPage(Operation):
    name = "diagonal"
    signature = "diag(X)"
    summary = "The diagonal of a square matrix, as a vector."
    rule = "d diag(X) = diag(dX)"
    adjoint_rule = "w -> diag(w)"
    source = "Magnus & Neudecker (2019), section 2.4"
    latex = r"\operatorname{diag}({0})"
    typed = False
    linear = complex = True
    examples = ("diag(X'*A*X)",)

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        return DIAG.shape(equal, shapes, params)

    def build(self, *args: Any) -> Expr:
        return diag_of(args[0])

    def annotate(self, node: Expr) -> None:
        a = node.args[0]
        node.sign, node.definite = max(a.definite, a.sign), 0
        node.real = node.real or hermitian(a)

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        return diag_of(d[0])

    def adjoint(self, node: Expr, i: int, w: Expr) -> Expr:
        return diag(w)

    def operands(self, node: Expr) -> Sequence[Expr]:
        return two_factors(node.args[0]) or node.args

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        if len(args) == 2:  # the other entries of the product are not computed
            return f'np.einsum("ij,ji->i", {args[0]}, {args[1]})'
        return f"np.diag({args[0]})"


def two_factors(e: Expr) -> tuple[Expr, ...]:
    """The factors of a product of two matrices; none of anything else."""
    both = e.op is products.PRODUCT and len(e.args) == 2 and all(a.kind == "matrix" for a in e.args)
    return e.args if both and not any(indexing.selects_any(a) or a.op is DIAG for a in e.args) else ()


def diag(v: Expr) -> Expr:
    """The diagonal matrix of a vector or row, in normal form."""
    if v.shape[0] is UNIT:
        v = transposed(v)
    n = v.shape[0]
    if v.op is sums.SUM and len(v.args) == 1:
        return sums.scaled(v.params[0], diag(v.args[0]))
    if v.op is products.SCALE:
        return products.scale(v.args[0], diag(v.args[1]))
    if v.op is ONES:
        return eye(n)
    if is_zero(v):
        return zeros((n, n))
    if v.op is DIAGONAL:
        m = diagonal_of_matrix(v.args[0])
        if m is not None:
            return v.args[0]
    return make(DIAG, (v,), (), (n, n))


def diag_of(e: Expr) -> Expr:
    """The diagonal of a square matrix as a vector, in normal form."""
    n = e.shape[0]
    if e.op is sums.SUM:
        return sums.add((c, diag_of(a)) for c, a in zip(e.params, e.args, strict=True))
    if e.op is products.SCALE:
        return products.scale(e.args[0], diag_of(e.args[1]))
    if e.op is TRANSPOSE:
        return diag_of(e.args[0])
    if e.op in (EYE, ONES):
        return ones((n, UNIT))
    if is_zero(e):
        return zeros((n, UNIT))
    if isinstance(e.op, factorizations.MaskPage):
        return sums.scaled(e.op.diagonal, diag_of(e.args[0]))
    v = diagonal_of_matrix(e)
    if v is not None:
        return v
    if e.op is hadamard.MONOMIAL:
        return hadamard.monomial((n, UNIT), [(diag_of(a), k) for a, k in zip(e.args, e.params, strict=True)])
    if e.op is products.PRODUCT:
        cut = next((i for i, f in enumerate(e.args) if f.shape[1] is UNIT), None)
        if cut is not None:  # diag(x*y') = x.*y
            left, right = products.product(*e.args[: cut + 1]), products.product(*e.args[cut + 1 :])
            return hadamard.monomial((n, UNIT), [(left, 1), (transposed(right), 1)])
        first, last = diagonal_of_matrix(e.args[0]), diagonal_of_matrix(e.args[-1])
        if first is not None:
            return hadamard.monomial((n, UNIT), [(first, 1), (diag_of(products.product(*e.args[1:])), 1)])
        if last is not None:
            return hadamard.monomial((n, UNIT), [(last, 1), (diag_of(products.product(*e.args[:-1])), 1)])
        inner = [i for i, f in enumerate(e.args) if f.op is DIAG]
        if len(inner) == 1:  # diag(A*diag(v)*B) = (A.*B')*v
            left, right = products.product(*e.args[: inner[0]]), products.product(*e.args[inner[0] + 1 :])
            both = hadamard.monomial(left.shape, [(left, 1), (transposed(right), 1)])
            return products.product(both, e.args[inner[0]].args[0])
        t = transposed(e)
        if (t.balance, t.key) < (e.balance, e.key):
            e = t
    return make(DIAGONAL, (e,), (), (n, UNIT))


def diagonal_of_matrix(e: Expr) -> Expr | None:
    """The vector v where e is diag(v), None where e is not seen to be diagonal."""
    return e.args[0] if e.op is DIAG else None


class VecPage(Operation):
    name, signature, summary = (
        "vec",
        "vec(X)",
        "The columns of a matrix stacked into one vector; of a tensor the first axis fastest.",
    )
    rule = "d vec(X) = vec(dX)"
    adjoint_rule = "w -> unvec(w)"
    source = "Magnus & Neudecker (2019), section 2.4"
    latex = r"\operatorname{vec}({0})"
    takes = ("e",)
    linear = complex = tensors = True
    examples = ("vec(X)", "vec(A*X*B)")
    identities = (("vec(A*X*B)", "kron(B',A)*vec(X)"), ("vec(x*y')", "kron(y,x)"))

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        return (entries(shapes[0]), UNIT) if kind(shapes[0]) != "scalar" else shapes[0]

    def build(self, *args: Any) -> Expr:
        return vec(args[0])

    def annotate(self, node: Expr) -> None:
        node.sign, node.definite, node.balance = node.args[0].sign, 0, 0

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        return vec(d[0])

    def adjoint(self, node: Expr, i: int, w: Expr) -> Expr:
        return reshaping.reshaped(w, node.args[0].shape)

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"{args[0]}.reshape(-1, order='F')"


def vec(e: Expr) -> Expr:
    if e.kind not in ("matrix", "tensor"):
        return transposed(e) if e.kind == "row" else e
    if e.op is sums.SUM:
        return sums.add((c, vec(a)) for c, a in zip(e.params, e.args, strict=True))
    if e.op is products.SCALE:
        return products.scale(e.args[0], vec(e.args[1]))
    size = entries(e.shape)
    if e.op is ONES:
        return ones((size, UNIT))
    if is_zero(e):
        return zeros((size, UNIT))
    if e.op is UNVEC:
        return e.args[0]
    if e.op is reshaping.RESHAPE:
        return vec(e.args[0])
    return make(VEC, (e,), (), (size, UNIT))


class UnvecPage(Operation):
    name, signature, summary = "unvec", "unvec(x,n,m)", "The n×m matrix whose stacked columns are x."
    rule = "d unvec(x,n,m) = unvec(dx,n,m)"
    adjoint_rule = "W -> vec(W)"
    source = "Magnus & Neudecker (2019), section 2.4"
    latex = r"\operatorname{unvec}_{p}({0})"
    takes = ("edd",)
    linear = complex = True
    examples = ("unvec(vec(X),n,m)", "unvec(A*vec(X),n,m)")

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        if kind(shapes[0]) != "vector":
            raise ShapeError(f"unvec takes a vector, and this is a {kind(shapes[0])}")
        equal(shapes[0][0], params[0] * params[1])
        return (params[0], params[1])

    def build(self, *args: Any) -> Expr:
        return unvec(args[0], dim(args[1]), dim(args[2]))

    def annotate(self, node: Expr) -> None:
        node.sign, node.definite, node.balance = node.args[0].sign, 0, -1  # as a matrix that is not transposed

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        return unvec(d[0], *node.shape)

    def adjoint(self, node: Expr, i: int, w: Expr) -> Expr:
        return vec(w)

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"{args[0]}.reshape(({node.shape[0]}, {node.shape[1]}), order='F')"


def unvec(v: Expr, rows: Dim, columns: Dim) -> Expr:
    if rows is UNIT or columns is UNIT:
        return transposed(v) if rows is UNIT and columns is not UNIT else v
    if v.op is sums.SUM and len(v.args) == 1:
        return sums.scaled(v.params[0], unvec(v.args[0], rows, columns))
    if v.op is products.SCALE:
        return products.scale(v.args[0], unvec(v.args[1], rows, columns))
    if v.op is ONES:
        return ones((rows, columns))
    if is_zero(v):
        return zeros((rows, columns))
    if v.op is VEC and v.args[0].shape == (rows, columns):
        return v.args[0]
    if v.op is VEC and len(v.args[0].shape) > 2:
        return reshaping.reshaped(v.args[0], (rows, columns))
    return make(UNVEC, (v,), (rows, columns), (rows, columns))


class KronPage(Operation):
    name, signature, summary = "kron", "kron(A,B), A⊗B", "The Kronecker product: the blocks a_ij*B."
    rule = "d kron(A,B) = kron(dA,B) + kron(A,dB)"
    adjoint_rule = "W -> the blocks of W against B (in A), the blocks weighted by A (in B)"
    source = "Magnus & Neudecker (2019), sections 2.2 and 9.6"
    latex = r"{0} \otimes {1}"
    takes = ("ee",)
    linear = complex = True
    examples = ("kron(A,X)", "kron(X,A)", "kron(x,y)")
    identities = (("kron(A,B)'", "kron(A',B')"), ("kron(2*A,B)", "2*kron(A,B)"))

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        (a, b), (c, e) = shapes
        return (a * c, b * e)

    def build(self, *args: Any) -> Expr:
        a, b = args
        if a.kind == "scalar" or b.kind == "scalar":
            return products.multiply(a, b)
        (c, a), (k, b) = sums.content(a), sums.content(b)
        factors = []
        if a.op is products.SCALE:
            factors.append(a.args[0])
            a = a.args[1]
        if b.op is products.SCALE:
            factors.append(b.args[0])
            b = b.args[1]
        shape = (a.shape[0] * b.shape[0], a.shape[1] * b.shape[1])
        if is_zero(a) or is_zero(b):
            return zeros(shape)
        node = self._node(a, b, shape)
        for f in factors:
            node = products.scale(f, node)
        return sums.scaled(c * k, node)

    def _node(self, a: Expr, b: Expr, shape: Shape) -> Expr:
        if a.op is EYE and b.op is EYE:
            return eye(shape[0])
        if a.op is ONES and b.op is ONES:
            return ones(shape)
        if {a.kind, b.kind} == {"vector", "row"}:
            return products.product(a, b) if a.kind == "vector" else products.product(b, a)
        return make(self, (a, b), (), shape)

    def annotate(self, node: Expr) -> None:
        a, b = node.args
        node.sign, node.definite = min(a.sign, b.sign), min(a.definite, b.definite)

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        a, b = node.args
        terms = [(1, self.build(d[0], b))] if d[0] is not None else []
        if d[1] is not None:
            terms.append((1, self.build(a, d[1])))
        return sums.add(terms)

    def adjoint(self, node: Expr, i: int, w: Expr) -> Expr:
        return kron_adjoint(node.args[1 - i], w, node.args[i].shape, i)

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        a, b = node.args
        if node.kind == "matrix" and (a.kind != "matrix" or b.kind != "matrix"):
            columns = [
                f"{text}[{'None, :' if e.kind == 'row' else ':, None'}]" if e.kind != "matrix" else text
                for e, text in zip((a, b), args, strict=True)
            ]
            return f"np.kron({columns[0]}, {columns[1]})"
        return f"np.kron({args[0]}, {args[1]})"


def kron_permutation(a: Shape, b: Shape) -> Expr:
    """P with vec(kron(A,B)) = P*kron(vec(A),vec(B)).

    Source: Magnus & Neudecker (2019), section 3.7, theorem 3.10.
    """
    (_, n), (p, q) = a, b
    inside = KRON.build(eye(n), COMMUTATION.build(q, a[0]))
    return KRON.build(inside, eye(p))


def kron_adjoint(known: Expr, w: Expr, shape: Shape, i: int) -> Expr:
    """The adjoint of A -> kron(A, known) (i = 0) or B -> kron(known, B) (i = 1) applied to w."""
    c, w = sums.content(w)
    if w.op is sums.SUM:
        return sums.scaled(c, sums.add((k, kron_adjoint(known, a, shape, i)) for k, a in zip(w.params, w.args, strict=True)))
    if w.op is products.SCALE:
        return sums.scaled(c, products.scale(w.args[0], kron_adjoint(known, w.args[1], shape, i)))
    if is_zero(w):
        return zeros(shape)
    if w.op is EYE and known.shape[0] is known.shape[1]:
        return sums.scaled(c, products.scale(conjugated(reductions.trace(known)), eye(shape[0])))
    if w.op is ONES:
        return sums.scaled(c, products.scale(conjugated(reductions.sum_all(known)), ones(shape)))
    if w.op is KRON:
        a, b = w.args if i == 0 else w.args[::-1]
        if a.shape == shape and b.shape == known.shape:
            return sums.scaled(c, products.scale(products.inner(known, b), a))
    if w.op is products.PRODUCT:
        cut = next((k + 1 for k, f in enumerate(w.args[:-1]) if f.shape[1] is UNIT), 0)
        if cut:
            column, row = products.product(*w.args[:cut]), products.product(*w.args[cut:])
            return sums.scaled(c, _between_vectors(known, column, transposed(row), shape, i))
    # The rest is said with vec: vec(kron(A,B)) = P*kron(vec(A),vec(B)) is linear in either.
    shapes = (shape, known.shape) if i == 0 else (known.shape, shape)
    row = transposed(vec(conjugated(known)))
    weights = KRON.build(eye(shape[0] * shape[1]), row) if i == 0 else KRON.build(row, eye(shape[0] * shape[1]))
    folded = products.product(weights, transposed(kron_permutation(*shapes)), vec(w))
    return sums.scaled(c, unvec(folded, *shape))


def _between_vectors(known: Expr, x: Expr, y: Expr, shape: Shape, i: int) -> Expr:
    """The adjoint of A -> kron(A, known), or of B, applied to x*y': with x = vec(X) and y = vec(Y) from vec(B*Y*A').

    Source: Magnus & Neudecker (2019), section 2.4, theorem 2.2.
    """
    (p, q), (g, h) = shape, known.shape
    if i == 0:
        return products.product(transposed(unvec(x, g, p)), conjugated(known), unvec(y, h, q))
    return products.product(unvec(x, p, g), conjugated(known), transposed(unvec(y, q, h)))


DIAG, DIAGONAL, VEC, UNVEC, KRON = DiagPage(), DiagonalPage(), VecPage(), UnvecPage(), KronPage()
PAGES: tuple[Operation, ...] = (DIAG, DIAGONAL, VEC, UNVEC, KRON)
REVERSE["kron"] = lambda e: KRON.build(transposed(e.args[0]), transposed(e.args[1]))
