"""The Python interface: variables, operators with NumPy's meaning, functions by name, derivatives.

>>> import frechet as fr
>>> X, A = fr.matrix("X", "n", "m"), fr.matrix("A", "n", "n")
>>> fr.derivative(fr.tr(X.T @ A @ X), X).gradient
(A + A')*X
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

from frechet.differentiation.conditions import explained
from frechet.differentiation.derivative import Derivative as LinearMap
from frechet.differentiation.derivative import together
from frechet.expressions import operation
from frechet.expressions.dimension import SCALAR, UNIT, Dim, Shape, at_least, axes, dim, show_shape
from frechet.expressions.errors import FrechetError, NotationError, ShapeError, UnsupportedError
from frechet.expressions.function import VIEWS, View
from frechet.expressions.function import Function as DeclaredRecord
from frechet.expressions.node import Expr, variables
from frechet.expressions.operation import Operation
from frechet.expressions.space import base
from frechet.operations import blocks, complex_parts, hadamard, indexing, products, sums, transposition, typed_operations
from frechet.operations.constants import DOMAINS, STRUCTURES, UNIT_VECTOR, number
from frechet.operations.constants import variable as _variable
from frechet.operations.declared_functions import functions
from frechet.operations.declared_maps import page_of

if TYPE_CHECKING:
    from frechet.compilation.compiled import CompiledProgram
    from frechet.compilation.linear_maps.hessian_map import HessianMap, JacobianMap
    from frechet.compilation.sharding.program import ShardedProgram
    from frechet.derivation.expanding import Level
    from frechet.interfaces.document import Document
    from frechet.interfaces.page import Page
    from frechet.interfaces.steps.rows import InnerProduct
    from frechet.verification.check import Report


def _declared(name: str, shape: Shape, words: Sequence[str], flags: Mapping[str, bool]) -> Expr:
    if not isinstance(name, str) or not name.isidentifier():
        raise ShapeError(f"{name!r} is no name for a variable: letters, digits and _, not beginning with a digit")
    chosen = [*words, *(word for word, wanted in flags.items() if wanted)]
    for word in chosen:
        if base(word) not in STRUCTURES and word not in DOMAINS:
            raise ShapeError(f"{word!r} is no structure or domain known here: {', '.join((*STRUCTURES, *DOMAINS))}")
    structure = [w for w in chosen if base(w) in STRUCTURES]
    domains = [w for w in chosen if w in DOMAINS and w not in STRUCTURES]
    return _variable(name, shape, structure, domains[0] if domains else "normal")


def scalar(name: str, *words: str, **flags: bool) -> Expr:
    """A scalar variable, such as fr.scalar("c", "positive")."""
    return _declared(name, SCALAR, words, flags)


def vector(name: str, n: int | str | Dim, *words: str, **flags: bool) -> Expr:
    """A vector variable of length n (a name, a number), perhaps with a domain: positive, simplex, unit01 …"""
    return _declared(name, (dim(n), UNIT), words, flags)


def matrix(name: str, n: int | str | Dim, m: int | str | Dim, *words: str, **flags: bool) -> Expr:
    """A matrix variable n×m, perhaps with a structure: fr.matrix("S", "n", "n", symmetric=True) or "spd", "complex".

    Raises:  ShapeError, if the structure needs a square matrix
    """
    return _declared(name, (dim(n), dim(m)), words, flags)


def tensor(name: str, *dims_and_words: int | str | Dim, **flags: bool) -> Expr:
    """A variable of three or more axes, fr.tensor("T", "n", "m", "k"), perhaps with a domain: positive, unit01 …"""
    words = [w for w in dims_and_words if isinstance(w, str) and (w in DOMAINS or w in STRUCTURES)]
    dims = [dim(d) for d in dims_and_words if d not in words]
    if len(dims) < 3:
        raise ShapeError(f"a tensor has at least three axes, and {name} is given {len(dims)}: use fr.matrix or fr.vector")
    return _declared(name, tuple(dims), words, flags)


def expression(value: object) -> Expr:
    """An expression from an expression or a number."""
    if isinstance(value, Expr):
        return value
    if isinstance(value, complex):
        return sums.add([(value.real, number(1)), (value.imag, complex_parts.IMAGINARY_UNIT.build())])
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        try:
            from fractions import Fraction

            if isinstance(value, Fraction):
                return number(value)
            if getattr(value, "shape", None) == ():
                return number(float(value))  # type: ignore[arg-type]
        except TypeError:
            pass
        raise UnsupportedError(
            f"{type(value).__name__} cannot stand in an expression: name it as a variable and give its value to evaluate()"
        )
    return number(value)


class NumPyAlgebra:
    """Operators as in NumPy: @ is the matrix product, * and / and ** work entry by entry, scalars scale."""

    def binary(self, operator: str, a: object, b: object) -> Expr:
        left, right = expression(a), expression(b)
        if operator == "@":
            if SCALAR in (left.shape, right.shape):
                raise ShapeError("@ is the matrix product: multiply by a scalar with *")
            if len(left.shape) > 2 or len(right.shape) > 2:
                shown = " and ".join(show_shape(e.shape) for e in (left, right))
                raise ShapeError(f"@ takes no tensors, and these are {shown}: fr.einsum multiplies and sums over indices")
            if left.kind == "vector" and right.kind == "vector":
                raise ShapeError(
                    f"{left!r} and {right!r} are both vectors: x.T @ y is their inner product, fr.outer(x, y) the outer"
                )
            if left.shape[1] is not right.shape[0]:
                raise ShapeError(
                    f"{left!r} is {show_shape(left.shape)} and {right!r} is {show_shape(right.shape)}: "
                    f"the inner dimensions {left.shape[1]} and {right.shape[0]} differ"
                )
            return products.product(left, right)
        if operator in "+-":
            _same_shape(left, right, operator)
            return sums.add([(1, left), (1 if operator == "+" else -1, right)])
        if SCALAR not in (left.shape, right.shape):
            _same_shape(left, right, operator)
        if operator == "*":
            return hadamard.times(left, right)
        if operator == "/":
            return hadamard.times(left, hadamard.monomial(right.shape, [(right, -1)]))
        return hadamard.epower(left, right)

    def transpose(self, e: Expr) -> Expr:
        return transposition.transposed(e)

    def conjugate_transpose(self, e: Expr) -> Expr:
        return transposition.conjugate_transposed(e)

    def item(self, e: Expr, key: object) -> Expr:
        """An entry or a slice, counted from 0 as in NumPy: X[0, 1], X[:, j], x[1:"k"], x[-1]."""
        keys = key if isinstance(key, tuple) else (key,)
        lengths = axes(e.shape)
        if len(keys) > len(lengths):
            raise ShapeError(f"{e!r} is {show_shape(e.shape)}: {len(keys)} indices are too many")
        chosen = [_selected(e, k, n) for k, n in zip(keys, lengths, strict=False)]
        return indexing.part(e, *chosen, *[None] * (len(lengths) - len(chosen)))

    def evaluate(self, e: Expr, values: Mapping[str, Any]) -> Any:
        from frechet.compilation.numpy_source import evaluate

        arrays = {v.params[0] for v in variables(e)}
        return evaluate(e, values, {n: k for n, k in values.items() if isinstance(k, int) and n not in arrays})

    def show(self, e: Expr) -> str:
        from frechet.notation.text import write_text

        return str(write_text(e))

    def html(self, e: Expr) -> str:
        from frechet.interfaces.document import Math
        from frechet.interfaces.rendering.html import inline

        return f'<span title="{show_shape(e.shape)}">{inline([Math("{0}", e)])}</span>'

    def latex(self, e: Expr) -> str:
        from frechet.notation.latex import write_latex

        return f"$\\displaystyle {write_latex(e)}$"


def _selected(e: Expr, key: object, n: Dim) -> Expr | None:
    """The columns of eye(n) that an index of Python selects; None for all."""

    def place(k: object) -> Dim:
        if isinstance(k, bool) or not isinstance(k, int | str | Dim):
            raise ShapeError(f"an index is a whole number, a dimension or a slice of them, not {k!r}")
        if isinstance(k, int):
            return dim({(): k}) + (n if k < 0 else dim({}))
        return dim(k)

    if not isinstance(key, slice):
        first = last = place(key) + dim(1)
    elif key.step is not None:
        raise ShapeError("a slice takes every entry: there is no step")
    else:
        first = dim(1) if key.start is None else place(key.start) + dim(1)
        last = n if key.stop is None else place(key.stop)
    if at_least(first, 1) is False or at_least(n - last, 0) is False or at_least(last - first, 0) is False:
        raise ShapeError(f"the index {key!r} is outside of {e!r}, which is {show_shape(e.shape)}")
    if not isinstance(key, slice):
        return UNIT_VECTOR.build(n, first)
    return None if first is dim(1) and last is n else indexing.selection(n, first, last)


def block(cells: Sequence[Sequence[object]]) -> Expr:
    """The matrix of blocks, as numpy.block: fr.block([[A, b], [b.T, c]]).

    Raises:  ShapeError, where the blocks do not fit
    """
    if not cells or not all(isinstance(row, list | tuple) and row for row in cells):
        raise ShapeError("blocks are given as a list of rows, each a list of blocks")
    return blocks.blocks([[expression(e) for e in row] for row in cells])


def _same_shape(a: Expr, b: Expr, operator: str) -> None:
    if a.shape == b.shape:
        return
    hint = ""
    for big, small in ((a, b), (b, a)):
        if small.shape == SCALAR:
            sizes = ", ".join(repr(str(d)) for d in big.shape if d is not UNIT)
            hint = f": write {small!r}*fr.ones({sizes}) to add it to every entry"
            if big.shape[0] is big.shape[1] and len(big.shape) == 2:
                hint += f", {small!r}*fr.eye('{big.shape[0]}') to add it on the diagonal"
    raise ShapeError(f"{operator} of {a!r}, {show_shape(a.shape)}, and {b!r}, {show_shape(b.shape)}{hint}")


NUMPY_NAMES = {
    "trace": "tr", "norm": "norm2", "linalg_norm": "norm2", "power": "epower", "maximum": "max", "minimum": "min",
    "multiply": "hadamard", "asin": "arcsin", "acos": "arccos", "atan": "arctan", "absolute": "abs",
}  # fmt: skip


class Function:
    """An operation as a Python function of expressions, numbers and dimensions."""

    def __init__(self, name: str, pages: Sequence[Operation]) -> None:
        self.__name__ = name
        self.pages = pages
        self.__doc__ = "\n\n".join(f"{p.signature}: {p.summary}\n\n    {p.rule}\n    Source: {p.source}" for p in pages)

    def __call__(self, *args: Any) -> Expr:
        fitting = [(takes, page) for page in self.pages for takes in operation.fitting(page.takes, len(args))]
        if fitting:
            # layernorm(X, 2) is along the rows, layernorm(x, c) has a number c
            fitting.sort(key=lambda row: row[0].count("e"))
            takes, page = next((row for row in fitting if all(map(_may_be, row[0], args))), fitting[-1])
            return _apply(page, takes, args)
        counts = sorted({t for p in self.pages for t in p.takes}, key=len)
        many = " or ".join(f"{len(t) - 1} or more" if t.endswith("+") else str(len(t)) for t in counts)
        raise ShapeError(f"{self.__name__} takes {many} arguments, not {len(args)}")

    def __repr__(self) -> str:
        return f"<frechet function {self.__name__}>"


def _may_be(letter: str, a: object) -> bool:
    """May this be an argument of that kind? An empty list or None stands for none, as in max(X, [], 2)."""
    nothing = a is None or (isinstance(a, list) and not a)
    if letter == "n" or nothing:
        return letter == "n" and nothing
    return letter not in "ir" or (isinstance(a, int) if letter == "i" else not isinstance(a, Expr))


def _apply(page: Operation, takes: str, args: Sequence[Any]) -> Expr:
    built: list[Any] = []
    for kind, a in zip(takes, args, strict=True):
        if kind == "d" and not isinstance(a, (int, str, Dim)):
            raise ShapeError(f"{page.typed_as or page.name} takes a dimension here, a name or a number")
        if kind == "n":
            continue
        if kind == "f":
            built.append(getattr(a, "__name__", a))  # "tanh", fr.tanh, np.tanh
        else:
            built.append(expression(a) if kind == "e" else dim(a) if kind == "d" else a)

    def equal(a: Dim, b: Dim) -> None:
        if a is not b:
            raise ShapeError(f"the dimensions {a} and {b} differ")

    typed = list(zip(takes.replace("n", ""), built, strict=True))
    shapes = [a.shape for kind, a in typed if kind == "e"]
    try:
        operation.shape_of(page, equal, shapes, [a for kind, a in typed if kind != "e"])
    except ShapeError as error:
        given = " and ".join(show_shape(s) for s in shapes)
        reason = "" if error.message == "kinds" else f": {error.message}"
        raise ShapeError(f"{page.typed_as or page.name} of {given}{reason}") from None
    return page.build(*built)


class DeclaredFunction:
    """A function of which only its kind is known, as a Python function of expressions.

    f.derivative()(x) is f_prime(x); F.jacobian(x), g.grad(x), g.hess(x) and F.second(x, u, v) are those of text.
    """

    def __init__(self, function: DeclaredRecord) -> None:
        self.function = function

    def __call__(self, *args: object) -> Expr:
        return self._view(0, args)

    def derivative(self, order: int = 1) -> Callable[..., Expr]:
        """The derivative of that order of a function of numbers, as a function: f.derivative()(x) is f_prime(x)."""
        return lambda *args: self._view(order, args)

    def __getattr__(self, name: str) -> Callable[..., Expr]:
        if name not in VIEWS:
            raise AttributeError(name)
        return lambda *args: self._view(name, args)

    def _view(self, view: View, args: Sequence[object]) -> Expr:
        f = self.function
        page = page_of(f, view, len(args)) if view in f.views() else None
        if page is None:
            raise ShapeError(f"{f.symbol(view)} does not take {len(args)} arguments" if view in f.views() else
                             f"{f.name} has no {view}: it has {', '.join(map(f.symbol, f.views()[:3]))}")  # fmt: skip
        built = [expression(a) for a in args]

        def equal(a: Dim, b: Dim) -> None:
            if a is not b:
                raise ShapeError("kinds")

        try:
            page.shape(equal, [a.shape for a in built], (f, view))
        except ShapeError:
            given = " and ".join(show_shape(a.shape) for a in built)
            raise ShapeError(f"{f.symbol(view)}, declared {f.declaration()}, does not take {given}") from None
        return page.build(*built, f, view)

    def __str__(self) -> str:
        return self.function.declaration()

    def __repr__(self) -> str:
        return f"<declared function {self.function.name}: {self}>"


def function(name: str, declaration: str) -> DeclaredFunction:
    """A function of which only its kind is known: fr.function("f", "elementwise"), fr.function("g", "n -> 1 convex").

    Raises:  NotationError, if this is no declaration of a function
    """
    from frechet.notation.declared import Known

    known = Known.of(f"{name}: {declaration}").function
    if known is None:
        raise NotationError(f"{declaration!r} declares no function: say elementwise, scalar function, or n -> m")
    return DeclaredFunction(known)


def operation_function(name: str) -> Function:
    """The operation of that name as a function; raises AttributeError, so that modules can use it."""
    pages = typed_operations().get(NUMPY_NAMES.get(name, name))
    if pages is None:
        raise AttributeError(f"frechet has no function {name!r}")
    return Function(name, pages)


class Derivative(LinearMap):
    """The derivative of a function at a variable point: one linear map and its views, with its numeric check."""

    def check(self, order: int = 1) -> Report:
        """Compares the derivative with finite differences at random points. Raises CheckFailed if they differ."""
        from frechet.interfaces.answer import default_form, verify

        form = default_form(self.function, order)
        views = {
            "gradient": lambda: self.gradient,
            "jacobian": lambda: self.jacobian,
            "hessian": lambda: self.hessian,
            "differential": lambda: self.second_differential,
        }
        return verify(self, form, order, views[form]())

    @cached_property
    def hessian_map(self) -> HessianMap:
        """The Hessian of a scalar function as a linear map: its structure, and at(...), which solves with it.

        Raises:  ShapeError, UnsupportedError, as `HessianMap`
        """
        from frechet.compilation.linear_maps.hessian_map import HessianMap

        return HessianMap(self.function, [self.variable])

    @cached_property
    def jacobian_map(self) -> JacobianMap:
        """The derivative of a function of the variable's shape as a linear map that can be solved.

        Raises:  ShapeError, UnsupportedError, as `JacobianMap`
        """
        from frechet.compilation.linear_maps.hessian_map import JacobianMap

        return JacobianMap(self.function, self.variable)

    @overload
    def compile(
        self,
        *what: str,
        inputs: Sequence[str | Expr] | None = None,
        backend: str = "numpy",
        name: str = "program",
        sizes: Mapping[str, int] | None = None,
        shard: None = None,
    ) -> CompiledProgram: ...
    @overload
    def compile(
        self,
        *what: str,
        inputs: Sequence[str | Expr] | None = None,
        backend: str = "numpy",
        name: str = "program",
        sizes: Mapping[str, int] | None = None,
        shard: str,
    ) -> ShardedProgram: ...
    def compile(
        self,
        *what: str,
        inputs: Sequence[str | Expr] | None = None,
        backend: str = "numpy",
        name: str = "program",
        sizes: Mapping[str, int] | None = None,
        shard: str | None = None,
    ) -> CompiledProgram | ShardedProgram:
        """A program for some views, computed together: value, gradient, jacobian, jvp, vjp, hessian, hvp, newton.

        Without names: value and gradient of a scalar function, value and Jacobian of another. The inputs are the variables
        of the function in the order of `fr.variables`, for every view, then for jvp and hvp the direction, called dX for a
        variable X, for vjp the cotangent, called w or W. A call may leave out those that the views do not need. newton is
        the step s, H[s] = -gradient. The other arguments are those of `frechet.compile`, shard among them.

        Raises:  UnsupportedError, for a view that there is not; ShapeError
        """
        from frechet.interfaces.compiling import compile_views

        usual = ("value", "gradient" if self.function.shape == SCALAR else "jacobian")
        return compile_views(self, what or usual, inputs, backend, name, sizes, shard)

    @property
    def conditions(self) -> list[str]:
        """Where the derivative holds, in words."""
        from frechet.interfaces.answer import stated

        shown = self.gradient if self.function.shape == SCALAR else self.differential
        return stated(self.function, self.variable, shown)

    @property
    def elsewhere(self) -> list[str]:
        """What happens where the conditions fail: whether there is a derivative, and which subgradient is given."""
        from frechet.interfaces.answer import describe_elsewhere

        shown = self.gradient if self.function.shape == SCALAR else self.differential
        return describe_elsewhere(explained(self.function, self.variable, shown))

    @property
    def space(self) -> str | None:
        """The space that a gradient lives in, with its dimension, in words; None where it is the space of all arrays."""
        from frechet.notation.spaces import gradient_space

        return gradient_space(self.variable)

    def __repr__(self) -> str:
        return f"Derivative(d = {self.differential!r})"

    def _repr_latex_(self) -> str:
        return self.differential._repr_latex_()

    def _repr_html_(self) -> str:
        try:
            return self.document()._repr_html_()
        except FrechetError as error:
            from html import escape

            return f"<pre>{escape(error.pointed())}</pre>"

    def document(self) -> Document:
        """A page on it: differential, gradient or Jacobian, conditions, what was checked.

        Raises:  UnsupportedError, where a rule is missing; CheckFailed
        """
        from frechet.interfaces.summary import summary

        return summary(self._page())

    def steps(self, level: Level = "normal", notation: InnerProduct = "trace") -> Document:
        """The derivation as a page: what to expect, the steps, the result, what it says, numbers, other ways.

        level: short, the lines of a paper; normal, those of a textbook; all, every rule in a line of its own
        notation: how inner products are written: trace, colon, inner, index, vec

        Raises:  UnsupportedError, where a rule is missing; CheckFailed, if a line is not equal to the one before
        """
        from frechet.interfaces.steps.page import StepsPage

        return StepsPage(self._page(), level, notation).document()

    def _page(self) -> Page:
        from frechet.interfaces.page import Page
        from frechet.notation.reading import Reading

        found = {v.params[0]: v for v in variables(self.function, self.variable)}
        reading = Reading(self.function, found, {}, functions(self.function))
        return Page(reading, self.variable.params[0], convention=self.asked)


def derivative(function: Expr, variable: Expr | str, convention: str | None = None) -> Derivative:
    """The derivative of an expression with respect to one of its variables, which may be given by name.

    convention: of the gradient and the Jacobian by a complex variable: riesz (df = Re tr(Gᴴ dZ)), holomorphic, wirtinger
        (∂f/∂Z) or wirtinger-conj (∂f/∂conj(Z)); riesz of real functions, holomorphic of others where not said

    Raises:  ShapeError, if `variable` is not a variable, or for a name that is none of the function's; UnsupportedError, by
             name, where a rule is missing
    """
    if isinstance(variable, str):
        known = {v.params[0]: v for v in variables(function)}
        if variable not in known:
            raise ShapeError(f"the function has no variable {variable}: its variables are {', '.join(known)}")
        variable = known[variable]
    return Derivative(function, variable, convention=convention)


def derivatives(function: Expr, by: Sequence[Expr | str] | None = None) -> dict[str, Derivative]:
    """The derivatives with respect to several variables, by name; all variables where none are given.

    The gradients of a scalar function are found by one walk over it, as reverse mode finds them: those of all weights of
    a network take hardly longer than one.

    >>> import frechet as fr
    >>> D = fr.derivatives(fr.parse("norm2(A*x - b)^2"), ["x", "b"])
    >>> D["x"].gradient, D["b"].gradient
    (2*A'*(A*x - b), 2*(b - A*x))

    Raises:  as `derivative`
    """
    found = [derivative(function, v) for v in (variables(function) if by is None else by)]
    return {d.variable.params[0]: d for d in together(found)}


def hessian(function: Expr, variable: Expr) -> Expr:
    """The Hessian of a scalar function: H with d²g = vec(dX)' H vec(dX). Shapes: (entries of X) × (entries of X)."""
    return Derivative(function, variable).hessian


def linearize(function: Expr, variable: Expr, at: Expr | None = None) -> Expr:
    """The affine map X -> F(X₀) + DF(X₀)[X − X₀]; X₀ is a variable named X0 unless a point is given."""
    return Derivative(function, variable).linearization(at)


Expr.algebra = NumPyAlgebra()
