"""Element-wise functions of symmetric matrices: funm(f,X) = V*diag(f(λ))*V^H for X = V*diag(λ)*V^H, derivative and trace.

An element-wise expression in λ is the same expression in X, its products matrix products: 1 - tanh(λ)^2 is
eye(n) - funm(tanh,X)^2. So f' is a function of X wherever f' is written with known functions, and exp, log, sin … are expm,
logm, sinm ….

Source: Higham (2008), "Functions of Matrices", sections 1.2 and 3.2; Bhatia (1997), "Matrix Analysis", section V.3
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from frechet.expressions.dimension import SCALAR, Shape
from frechet.expressions.errors import NotationError, UnsupportedError
from frechet.expressions.node import Expr, Number, make, substitute, walk
from frechet.expressions.operation import Equal, Operation
from frechet.operations import (
    activations,
    commuting,
    elementwise,
    hadamard,
    matrix_functions,
    powers,
    products,
    recomposing,
    reducing,
    reductions,
    shaping,
    special_functions,
    spectra,
    sums,
)  # fmt: skip
from frechet.operations.constants import ONES, eye, is_zero, number, variable, zeros
from frechet.operations.transposition import conjugate_transposed, hermitian, oriented, symmetric, transposed

OWN_NAMES = {"exp": "expm", "log": "logm", "sin": "sinm", "cos": "cosm", "sinh": "sinhm", "cosh": "coshm"}
ABBREVIATIONS = ("sqrt", "square", "logsigmoid")
LARGEST = 200  # leaves of an expression that is looked through for functions of eigenvalues


@cache
def argument() -> Expr:
    """The number that stands for an eigenvalue in f(λ)."""
    return variable("lam", SCALAR)


@cache
def known_functions() -> dict[str, Operation]:
    """The functions that funm takes, by name."""
    pages = [*elementwise.PAGES, *special_functions.PAGES, *activations.PAGES]
    named = [p for p in pages if p.name in ABBREVIATIONS or isinstance(p, elementwise.Elementwise)]
    return {p.name: p for p in named if p.takes == ("e",)}


def page_of(name: object) -> Operation:
    """The element-wise function of that name. Raises NotationError, where there is none."""
    page = known_functions().get(str(name))
    if page is None:
        raise NotationError(f"{name} is no element-wise function of one argument: funm takes {', '.join(known_functions())}")
    return page


def lifted(e: Expr, u: Expr, x: Expr) -> Expr | None:
    """The function of the matrix x that e, an element-wise expression, is of u; None where e is none.

    u is a number or a vector, which stands for the eigenvalues of x; x is symmetric wherever e needs that.
    """
    if e.leaves > LARGEST:
        return None
    unit = eye(x.shape[0])
    found: dict[Expr, Expr] = {u: x}  # what depends on u, as matrices
    for node in walk(e):
        if node in found or not any(a in found for a in node.args):
            continue
        result = _lifted_node(node, u, found, unit)
        if result is None:
            return None
        found[node] = result
    return found[e] if e in found else _constant(e, unit)


def _lifted_node(node: Expr, u: Expr, found: dict[Expr, Expr], unit: Expr) -> Expr | None:
    if node.shape != u.shape:
        return None
    if node.op is sums.SUM:
        terms = [(c, found.get(a) or _constant(a, unit)) for c, a in zip(node.params, node.args, strict=True)]
        return None if any(t is None for _, t in terms) else sums.add((c, t) for c, t in terms if t is not None)
    if node.op is hadamard.MONOMIAL:
        factors: list[Expr] = []
        for a, k in zip(node.args, node.params, strict=True):
            if a in found:
                factors.append(powers.power(found[a], k))
            elif a.shape == SCALAR:
                factors.append(hadamard.monomial(SCALAR, [(a, k)]))
            else:
                return None
        return products.product(*factors)
    if node.op is products.SCALE:
        s, a = node.args
        return products.scale(s, found[a]) if s not in found else None
    if isinstance(node.op, elementwise.Elementwise) and not node.params:
        return of_matrix(node.op, found[node.args[0]])
    return None


def _constant(e: Expr, unit: Expr) -> Expr | None:
    """The multiple of the identity that belongs to a constant."""
    if e.shape == SCALAR:
        return products.scale(e, unit)
    if is_zero(e):
        return zeros(unit.shape)
    if e.op is products.SCALE and e.args[1].op is ONES:
        return products.scale(e.args[0], unit)
    return unit if e.op is ONES else None


def of_matrix(page: elementwise.Elementwise, x: Expr) -> Expr:
    """f(X) in normal form, for the element-wise function f.

    Raises:  UnsupportedError, for an X that is not symmetric, unless f has a power series with a name
    """
    if page.name in OWN_NAMES:
        named: Expr = next(p for p in matrix_functions.PAGES if p.name == OWN_NAMES[page.name]).build(x)
        return named
    v, s = shaping.diagonal_of_matrix(x), matrix_functions.multiple_of_identity(x)
    if v is not None:
        return shaping.diag(page.build(v))
    if s is not None:
        return products.scale(page.build(s), eye(x.shape[0]))
    if not hermitian(x):
        raise UnsupportedError(
            f"funm({page.name},X) is of a symmetric or Hermitian matrix: declare X symmetric, or give one such as X*X^H"
        )
    c, rest = sums.content(x)
    if c < 0 and (page.odd or page.even):
        return sums.scaled(-1 if page.odd else 1, of_matrix(page, sums.scaled(-c, rest)))
    node = make(FUNM, (x,), (page.name,), x.shape)
    return oriented(node, lambda: make(FUNM, (transposed(x),), (page.name,), x.shape))


def slope(name: str, x: Expr) -> Expr:
    """f'(X). Raises UnsupportedError, where f' has no name here."""
    page, u = page_of(name), argument()
    assert isinstance(page, elementwise.Elementwise)
    found = lifted(page.derivative(u), u, x)
    if found is None:
        raise UnsupportedError(f"the derivative of {name} is no function that funm knows: {page.rule}")
    return found


NOT_THERE = "where f has no derivative at an eigenvalue of {0} there is none; repeated eigenvalues do no harm"


class FunctionPage(matrix_functions.MatrixFunction):
    name, signature = "funm", "funm(f,X)"
    summary = "The element-wise function f of a symmetric or Hermitian matrix: V*diag(f(λ))*V^H where X = V*diag(λ)*V^H."
    rule = "d funm(f,X) = dfunm(f,X,dX)"
    source = "Higham (2008), section 1.2, definition 1.2; Bhatia (1997), section V.3"
    latex = r"{p}({0})"
    takes = ("fe",)
    in_notation = False
    complex = True
    conditions_text = (
        "X symmetric or Hermitian, f differentiable at every eigenvalue of X; repeated eigenvalues do not disturb"
    )
    elsewhere = NOT_THERE
    examples = ("funm(tanh,X+X^H)", "tr(A*funm(sigmoid,X*X^H))", "funm(softplus,A+A^H)*x")
    identities = (
        ("funm(exp,B)", "expm(B)"), ("funm(square,B)", "B^2"), ("funm(tanh,-B-B')", "-funm(tanh,B+B')"),
        ("funm(sigmoid,B+B')+funm(sigmoid,-B-B')", "eye(n)"), ("funm(relu,B+B')-funm(relu,-B-B')", "B+B'"),
        ("funm(abs,B+B')", "sqrtm((B+B')^2)"), ("funm(arctan,diag(x))", "diag(arctan(x))"),
        ("tr(funm(abs,B+B'))", "normnuc(B+B')"), ("expm(funm(softplus,B+B'))", "eye(n)+expm(B+B')"),
    )  # fmt: skip

    def build(self, *args: Any) -> Expr:
        name, x = args if not isinstance(args[0], Expr) else args[::-1]
        u = argument()
        found = lifted(page_of(name).build(u), u, x)
        assert found is not None
        return found

    def annotate(self, node: Expr) -> None:
        page = page_of(node.params[0])
        node.sign = 0
        if node.real:
            node.balance, node.transposed = 0, node
        node.definite = page.sign_of_value if isinstance(page, elementwise.Elementwise) else 0

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        return DFUNM.build(node.params[0], node.args[0], d[0])

    def slope(self, x: Expr, *others: Any) -> Expr:
        return slope(others[0], x)

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        return spectrum_conditions(node)

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        u = argument()
        return f"funm({_lambda(page_of(node.params[0]).build(u))}, {args[0]})"


def spectrum_conditions(node: Expr) -> Sequence[tuple[str, Expr | None]]:
    """f must be differentiable at the eigenvalues."""
    page = page_of(node.params[0])
    where = page.where if isinstance(page, elementwise.Elementwise) else ()
    return [(f"{w.format('λ')} for every eigenvalue λ of {{0}}", node.args[0]) for w in where]


class FunctionDerivativePage(Operation):
    name, signature = "dfunm", "dfunm(f,X,E)"
    summary = "The derivative of funm(f,X) in the direction E: V*(F.*(V^H*E*V))*V^H, F the divided differences of f."
    rule = "d dfunm(f,X,E) = dfunm(f,X,dE); by X it has none here"
    adjoint_rule = "W -> dfunm(f,X,W)"
    source = "Daleckii & Krein (1951); Higham (2008), theorem 3.11; Bhatia (1997), theorem V.3.3"
    latex = r"L_{p}\left({0}, {1}\right)"
    takes = ("fee",)
    linear = complex = True
    linear_in = (1,)
    in_notation = False
    conditions_text = "X symmetric or Hermitian, f differentiable at every eigenvalue of X"
    elsewhere = NOT_THERE
    examples = ("dfunm(tanh,A+A^H,X)", "tr(C*dfunm(sigmoid,A*A^H,X))")
    identities = (
        ("dfunm(exp,B,C)", "dexpm(B,C)"), ("dfunm(square,B,C)", "B*C+C*B"),
        ("dfunm(tanh,B+B',C)'", "dfunm(tanh,B+B',C')"), ("dfunm(arctan,B+B',B+B')", "(B+B')*inv(eye(n)+(B+B')^2)"),
        ("tr(dfunm(softplus,B+B',C))", "tr(C*funm(sigmoid,B+B'))"),
        ("dfunm(tanh,B+B',2*C+eye(n))", "2*dfunm(tanh,B+B',C)+eye(n)-funm(tanh,B+B')^2"),
    )  # fmt: skip

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        for s in shapes:
            reducing.square(equal, s, self.name)
        equal(shapes[0][0], shapes[1][0])
        return shapes[0]

    def build(self, *args: Any) -> Expr:
        name, x, e = args if not isinstance(args[0], Expr) else (args[2], *args[:2])
        page = page_of(name)
        if name in OWN_NAMES or not isinstance(page, elementwise.Elementwise):
            return self._of_named(page, x, e)
        of_matrix(page, x)  # is x a matrix that it is defined for?
        if is_zero(e):
            return zeros(x.shape)
        c, e = sums.content(e)
        if e.op is products.SCALE:
            return products.scale(sums.scaled(c, e.args[0]), self.build(name, x, e.args[1]))
        alike, others = commuting.taken_apart(x, e)
        terms: list[tuple[Number, Expr]] = [(c * k, products.product(t, slope(name, x))) for k, t in alike]
        if others:
            rest = sums.add(others)
            if alike:
                return sums.add([*terms, (c, self.build(name, x, rest))])
            node = make(self, (x, rest), (name,), x.shape)
            terms.append((c, oriented(node, lambda: make(self, (transposed(x), transposed(rest)), (name,), x.shape))))
        return sums.add(terms)

    def _of_named(self, page: Operation, x: Expr, e: Expr) -> Expr:
        """By the differentials of expm(X), X^(1/2) …, in which funm(f,X) is written."""
        z = variable("Z", x.shape, ("symmetric",) if symmetric(x) and x.real else ("hermitian",) if hermitian(x) else ())
        f = FUNM.build(page.name, z)
        moved: dict[Expr, Expr] = {z: e}
        for node in walk(f):
            if any(a in moved for a in node.args):
                moved[node] = node.op.differential(node, [moved.get(a) for a in node.args])
        return substitute(moved[f], {z: x})

    def annotate(self, node: Expr) -> None:
        node.sign = node.definite = 0

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        name, (x, _) = node.params[0], node.args
        if d[0] is not None:
            raise UnsupportedError(f"the second differential of funm({name},X) by X is not supported; that of its trace is")
        assert d[1] is not None
        return self.build(name, x, d[1])

    def adjoint(self, node: Expr, i: int, w: Expr) -> Expr:
        if i != 1:
            return super().adjoint(node, i, w)
        return self.build(node.params[0], conjugate_transposed(node.args[0]), w)

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        return spectrum_conditions(node)

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"dfunm({functions_source(node.params[0])}, {', '.join(args)})"


def functions_source(name: str) -> str:
    """f and f' as NumPy functions of an array of eigenvalues."""
    page, u = page_of(name), argument()
    assert isinstance(page, elementwise.Elementwise)
    return f"{_lambda(page.build(u))}, {_lambda(page.derivative(u))}"


def _lambda(e: Expr) -> str:
    """An expression in the eigenvalue as a NumPy function."""
    text: dict[Expr, str] = {argument(): "lam"}
    for node in walk(e):
        if node not in text:
            text[node] = node.op.numpy(node, [text[a] for a in node.op.operands(node)])
    source = text[e]
    plain = source.removesuffix("(lam)")
    if plain != source and plain.startswith("np.") and "(" not in plain:
        return plain
    return f"lambda lam: {source}" if argument() in text and e is not number(0) else "lambda lam: 0.0 * lam"


class FunctionTracePage(Operation):
    name, signature = "trfun", "trfun(f,X)"
    summary = "The trace of a function of a symmetric or Hermitian matrix: the sum of f(λ) over its eigenvalues."
    rule = "stands for tr(funm(f,X)); d trfun(f,X) = tr(f'(X)*dX)"
    source = "Lewis (1996), theorem 1.1; Higham (2008), section 3.2"
    takes = ("fe",)
    in_notation = False
    complex = True
    conditions_text = (
        "X symmetric or Hermitian, f differentiable at every eigenvalue of X; repeated eigenvalues do not disturb"
    )
    elsewhere = NOT_THERE
    examples = ("trfun(softplus,X+X^H)", "trfun(exp,X)", "trfun(log1p,A*A^H)")
    identities = (
        ("trfun(square,B)", "tr(B^2)"), ("trfun(exp,B)", "tr(expm(B))"), ("trfun(abs,B+B')", "normnuc(B+B')"),
        ("trfun(tanh,B+B')", "sum(tanh(eigvals(B+B')))"),
    )  # fmt: skip

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        reducing.square(equal, shapes[0], "trfun")
        return SCALAR

    def build(self, *args: Any) -> Expr:
        return reductions.trace(FUNM.build(*args))


FUNM, DFUNM = FunctionPage(), FunctionDerivativePage()
PAGES: tuple[Operation, ...] = (FUNM, DFUNM, FunctionTracePage())


def _traced(node: Expr) -> Expr | None:
    """tr(L_f(X, E)) = tr(E*f'(X))."""
    return reductions.trace(products.product(node.args[1], slope(node.params[0], node.args[0])))


def _of_eigenvalues(e: Expr) -> Expr | None:
    """The sum of f(λ) over the eigenvalues of a symmetric X as tr(f(X))."""
    x = eigenvalues_in(e)
    found = lifted(e, spectra.EIGVALS.build(x), x) if x is not None else None
    return reductions.trace(found) if found is not None else None


def eigenvalues_in(e: Expr) -> Expr | None:
    """The symmetric matrix whose eigenvalues, and no others, occur in e."""
    if e.leaves > LARGEST:
        return None
    nodes = list(walk(e))
    if any(not node.real and node.kind == "vector" for node in nodes):
        return None
    found = [node.args[0] for node in nodes if node.op is spectra.EIGVALS]
    return found[0] if len(found) == 1 and hermitian(found[0]) else None


def _recomposed(v: Expr, middle: Expr) -> Expr | None:
    """V*diag(f(λ))*V^H = f(X) for the eigenvectors V and the eigenvalues λ of a symmetric X."""
    x = eigenvalues_in(middle)
    return lifted(middle, spectra.EIGVALS.build(x), x) if x is not None and v.args[0] is x else None


reducing.REDUCTIONS["tr", "dfunm"] = _traced
recomposing.TRIPLES["eigvecs"] = _recomposed
for _name in (*(p.name for p in elementwise.FUNCTIONS), "hadamard"):
    reducing.REDUCTIONS.setdefault(("sum", _name), _of_eigenvalues)
