"""The derivative of a function at a variable point: one linear map, and every view of it.

Nothing here differentiates twice: each view reads the same expression that is linear in the direction dX.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TypeVar

from frechet.differentiation.adjoint import adjoint, adjoints
from frechet.differentiation.differential import differential, differential_symbol
from frechet.differentiation.jacobian import jacobian
from frechet.differentiation.metrics import riemannian_gradient
from frechet.differentiation.structure import HALF, free_basis, projected, structure_of
from frechet.differentiation.symmetric_entries import with_symmetric_entries
from frechet.differentiation.wirtinger import CONVENTIONS, derivative_by, holomorphic_part, parts, real_valued
from frechet.expressions.dimension import SCALAR, UNIT
from frechet.expressions.errors import ShapeError, UnsupportedError
from frechet.expressions.node import Expr, make, substitute, variables
from frechet.operations.cancellation import BOUND
from frechet.operations.complex_parts import real_part
from frechet.operations.constants import EYE, ONE, variable
from frechet.operations.declared_functions import functions
from frechet.operations.hadamard import monomial
from frechet.operations.products import PRODUCT, inner, product
from frechet.operations.shaping import vec
from frechet.operations.sums import add, subtract
from frechet.operations.transposition import conjugate_transposed, conjugated, transposed
from frechet.simplification.polishing import Polishing, polished


class Derivative:
    """The derivative of `function` with respect to `variable`, a linear map from the variable's space to the function's.

    Shapes:  variable n×m (or a vector, a scalar), function of any shape
    Raises:  UnsupportedError, from a view that needs a rule which is not there; ShapeError, if `variable` is no variable
    """

    def __init__(self, function: Expr, variable: Expr, direction: Expr | None = None, convention: str | None = None) -> None:
        if variable.op.name != "variable":
            raise ShapeError("the derivative is taken with respect to a variable; this is an expression")
        if variable.params[2] in BOUND or (variable.params[2] == "simplex" and variable.kind == "matrix"):
            name, domain = variable.params[0], variable.params[2]
            raise UnsupportedError(f"{name} is declared {domain}: leave that out to differentiate by all of its entries")
        if convention is not None and convention not in CONVENTIONS:
            raise ShapeError(f"the conventions for complex variables are {', '.join(CONVENTIONS)}, not {convention!r}")
        if variable.params[2] == "whole":
            name = variable.params[0]
            raise UnsupportedError(
                f"{name} is a whole number, so there is no derivative by it: powm(X,{name}) is of any number"
            )
        self.function = function
        self.variable = variable
        self.asked = convention
        taken = {v.params[0] for v in variables(function)} | functions(function).keys()
        if direction is not None and direction.params[0] in taken:
            raise ShapeError(f"{direction.params[0]} is a variable of the function and stands for a differential: rename it")
        name = variable.params[0]
        self.direction = direction or differential_symbol(variable, _free(f"d{name}", "_", taken))
        self.base_name = _free(f"{name}0", "0", taken)
        self._together: Together | None = None  # with other variables, see `together`

    @cached_property
    def raw_differential(self) -> Expr:
        """dF as the rules give it."""
        return differential(self.function, {self.variable: self.direction})

    @cached_property
    def differential(self) -> Expr:
        """dF, an expression linear in the direction dX. Of a scalar function it is written with the gradient: tr(G' dX)."""
        plain = polished(self.raw_differential)
        if self.function.shape == SCALAR and self.variable.shape != SCALAR:
            if self.convention != "riesz":
                return plain
            by_gradient = real_part(inner(self.cotangent, self.direction))
            # The gradient's form reads best; what the rules give is kept where it is much shorter, as x'*kron(dA,B)*x is.
            return plain if 3 * plain.leaves <= 2 * by_gradient.leaves else by_gradient
        return plain

    @cached_property
    def convention(self) -> str:
        """What the gradient of a scalar function means: riesz, df = Re tr(Gᴴ dX), for every real function; else as asked.

        A complex function is taken to be holomorphic, df = tr(G' dX), where nothing was asked.
        """
        if real_valued(self.function):
            return "riesz" if self.asked is None or self.variable.real else self.asked
        if self.asked == "riesz":
            raise UnsupportedError(
                "the function is complex, so no G has df = Re tr(G^H dX): ask for holomorphic, wirtinger or wirtinger-conj,"
                " or take its real part, re(...)"
            )
        return self.asked or "holomorphic"

    @cached_property
    def cotangent(self) -> Expr:
        """The adjoint applied to 1, before it is projected to the variable's space."""
        return self._polishing.polished(self.raw_cotangent)

    @cached_property
    def raw_cotangent(self) -> Expr:
        self._need_scalar("gradient")
        if self._together is not None:
            return self._together.cotangents[self.direction]
        return adjoint(self.raw_differential, self.direction, ONE)

    @cached_property
    def gradient(self) -> Expr:
        """The gradient of a scalar function: G with dg = ⟨G, dX⟩ for every dX in the variable's space.

        ⟨G, dX⟩ is Re tr(Gᴴ dX); of a complex function it is the derivative in `convention`.

        Shapes:  as the variable; for a symmetric variable G is symmetric
        Raises:  ShapeError, if the function is not scalar
        """
        # The plain normal form shows that it is symmetric; with its common factors taken out it would not.
        if self.convention != "riesz":
            return polished(projected(self.wirtinger(self.convention), self.variable))
        g = projected(self.raw_cotangent, self.variable)
        return self.cotangent if g is self.raw_cotangent else self._polishing.polished(g)

    @property
    def _polishing(self) -> Polishing:
        return Polishing() if self._together is None else self._together.polishing

    def wirtinger(self, convention: str) -> Expr:
        """∂g/∂Z or, for the convention wirtinger-conj, ∂g/∂conj(Z) of a scalar function. Shapes: as the variable.

        Raises:  UnsupportedError, for the convention holomorphic if the function is not
        """
        self._need_scalar("gradient")
        if structure_of(self.variable) == "hermitian":
            parts(self.raw_differential, self.direction)  # says why there is none
        if structure_of(self.variable) == "orthogonal" and not self.variable.real:
            raise UnsupportedError(
                "the directions at a unitary matrix are a space over the real numbers, which has no Wirtinger derivatives:"
                " ask for the gradient of a real function, such as re(...)"
            )
        if real_valued(self.function) and not self.variable.real and convention != "holomorphic":
            half = add([(HALF, projected(self.raw_cotangent, self.variable))])
            return half if convention == "wirtinger-conj" else conjugated(half)
        return derivative_by(self.raw_differential, self.direction, convention)

    @cached_property
    def free_entries(self) -> Expr:
        """For a symmetric variable: the derivative by the n(n+1)/2 entries on and below the diagonal, 2G - G∘I.

        Source:  Petersen & Pedersen (2012), eq. 138
        """
        g = self.gradient
        return polished(add([(2, g), (-1, monomial(g.shape, [(g, 1), (EYE.build(g.shape[0]), 1)]))]))

    @cached_property
    def free_jacobian(self) -> Expr:
        """The Jacobian by the free entries of a structured matrix, J*B where vec(X) = B*(free entries).

        symmetric: by vech(X), B the duplication matrix; lower: by vech(X), B the transposed elimination matrix; upper: by
        vech(X'); diagonal: by diag(X). Of any other variable it is the Jacobian.

        Shapes:  (entries of F) × (free entries of X)
        Raises:  UnsupportedError, for a structure whose free entries have no such matrix here
        Source:  Magnus & Neudecker (2019), section 3.8; Magnus & Neudecker (1980), lemma 3.3
        """
        basis = free_basis(self.variable)
        return self.jacobian if basis is None else polished(product(self.jacobian, basis))

    def riemannian_gradient(self, metric: str | None = None) -> Expr:
        """The Riemannian gradient of a scalar function: the direction V with metric(V, U) = dg[U] for every direction U.

        metric: euclidean, or one of the variable's space (`frechet.differentiation.metrics`); by default the first of these

        Shapes:  as the variable
        Raises:  ShapeError, if the function is not scalar or the space has no such metric
        """
        self._need_scalar("Riemannian gradient")
        return polished(riemannian_gradient(self.raw_cotangent, self.variable, metric))

    @cached_property
    def jacobian(self) -> Expr:
        """J with vec(dF) = J vec(dX), columns stacked. Shapes: (entries of F) × (entries of X)."""
        return polished(jacobian(*self._asked_part))

    @property
    def _asked_part(self) -> tuple[Expr, Expr]:
        """The differential and its direction; of a complex variable what is linear in dX, or in its conjugate, if asked."""
        image, direction = self.raw_differential, self.direction
        if direction.real or self.asked not in ("wirtinger", "wirtinger-conj"):
            return holomorphic_part(image, direction), direction
        linear, rest, other = parts(image, direction)
        return (linear, direction) if self.asked == "wirtinger" else (rest, other)

    def layout(self, name: str) -> Expr:
        """The partial derivatives laid out as a textbook would.

        denominator: the shape of X for a scalar function, otherwise the transposed Jacobian
        numerator: the transposed gradient, or the Jacobian
        """
        if name not in ("numerator", "denominator"):
            raise ShapeError(f"the layouts are numerator and denominator, not {name!r}")
        if len(self.function.shape) > 2 or len(self.variable.shape) > 2:
            raise ShapeError(
                "layouts are for scalars, vectors and matrices: of a tensor ask for the gradient or the Jacobian"
            )
        if self.function.shape == SCALAR:
            return self.gradient if name == "denominator" else transposed(self.gradient)
        if self.variable.shape == SCALAR:
            d = self.by_scalar
            return d if name == "numerator" else transposed(d)
        return self.jacobian if name == "numerator" else transposed(self.jacobian)

    @cached_property
    def by_scalar(self) -> Expr:
        """dF/dt for a scalar variable t, the shape of F."""
        image, direction = self._asked_part
        return polished(substitute(image, {direction: ONE}))

    def __call__(self, step: Expr) -> Expr:
        """The action on a direction: DF(X)[step] (push-forward, JVP). Shapes: step as X, the result as F."""
        if step.shape != self.variable.shape:
            raise ShapeError("a direction has the shape of the variable")
        return polished(substitute(self.raw_differential, {self.direction: step}))

    def adjoint(self, w: Expr) -> Expr:
        """The adjoint action: DF(X)*[w] (pull-back, VJP). Shapes: w as F, the result as X."""
        if w.shape != self.function.shape:
            raise ShapeError("a cotangent has the shape of the function")
        return polished(projected(adjoint(self.raw_differential, self.direction, w), self.variable))

    @cached_property
    def gradient_differential(self) -> Expr:
        """The differential of the gradient: the Hessian as a linear map of the direction (Hessian-vector product)."""
        return polished(differential(self.cotangent, {self.variable: self.direction}))

    @cached_property
    def hessian(self) -> Expr:
        """H with d²g = vec(dX)' H vec(dX) for a scalar function. Shapes: (entries of X) × (entries of X).

        For a structured variable that holds for every dX in its space, which does not determine H: the map on the space,
        that of `hessian_map`, has the matrix P H P, where P projects to it.

        Source:  Magnus & Neudecker (2019), section 10.2
        """
        self._need_scalar("Hessian")
        if not self.variable.real:
            raise UnsupportedError(
                "the second derivative by a complex variable is no single matrix: ask for the differential of order 2"
            )
        found = jacobian(differential(self.cotangent, {self.variable: self.direction}), self.direction)
        return polished(with_symmetric_entries(found))

    @cached_property
    def second_differential(self) -> Expr:
        """d²F, quadratic in the direction; its differential is constant, d(dX) = 0."""
        return polished(differential(self.raw_differential, {self.variable: self.direction}))

    def linearization(self, at: Expr | None = None) -> Expr:
        """The affine map X -> F(X₀) + DF(X₀)[X − X₀].

        Shapes:  as F; the point defaults to a variable named X0
        """
        point = self.base_point if at is None else at
        step = subtract(self.variable, point)
        value = substitute(self.function, {self.variable: point})
        at_point = substitute(self.differential, {self.variable: point})
        return add([(1, value), (1, substitute(at_point, {self.direction: step}))])

    def expansion(self, at: Expr | None = None) -> Expr:
        """The second-order Taylor polynomial at X₀. Shapes: as F."""
        point = self.base_point if at is None else at
        step = subtract(self.variable, point)
        second = substitute(substitute(self.second_differential, {self.variable: point}), {self.direction: step})
        return add([(1, self.linearization(at)), (HALF, second)])

    @property
    def base_point(self) -> Expr:
        """X₀: a variable of X's space that does not occur in the function, X0 where that name is free."""
        _, structure, domain, _ = self.variable.params
        return variable(self.base_name, self.variable.shape, structure, domain)

    def vec_form(self) -> Expr:
        """dF with vec: vec(G)' vec(dX) for a scalar function, J vec(dX) otherwise."""
        step = vec(self.direction)
        if self.function.shape == SCALAR and self.convention == "riesz":
            row = conjugate_transposed(vec(self.gradient))
            if step.shape[0] is UNIT:
                return real_part(product(row, step))
            if not row.real:
                return real_part(make(PRODUCT, (row, step), (), SCALAR))
            return make(PRODUCT, (row, step), (), SCALAR)
        return product(self.jacobian, step)

    def _need_scalar(self, what: str) -> None:
        if self.function.shape != SCALAR:
            raise ShapeError(
                f"a {what} belongs to a scalar function, and this one is a {self.function.kind}: ask for the Jacobian"
            )


class Together:
    """The cotangents of a scalar function by several variables: one walk serves them all, as reverse mode does.

    cotangents: by the directions of the variables, not yet projected to their spaces
    """

    def __init__(self, function: Expr, directions: dict[Expr, Expr]) -> None:
        self.function, self.directions = function, directions
        self.polishing = Polishing()  # of the gradients, which have much in common

    @cached_property
    def cotangents(self) -> dict[Expr, Expr]:
        return adjoints(differential(self.function, self.directions), self.directions.values(), ONE)


D = TypeVar("D", bound=Derivative)


def together(derivatives: Sequence[D]) -> Sequence[D]:
    """Derivatives of one function by different variables: their gradients take the work of one, not of one each."""
    moved = {d.variable: d.direction for d in derivatives}
    if len(set(moved.values())) == len(derivatives) > 1 and derivatives[0].function.shape == SCALAR:
        shared = Together(derivatives[0].function, moved)
        for d in derivatives:
            d._together = shared
    return derivatives


def _free(name: str, more: str, taken: set[str]) -> str:
    """The name, lengthened until no variable has it."""
    while name in taken:
        name += more
    return name
