"""Derivatives by a complex variable: what is linear in dZ and what in conj(dZ).

The differential of any function of a complex Z is df = tr(P' dZ) + tr(Q' conj(dZ)) with P = ∂f/∂Z and Q = ∂f/∂conj(Z), the
Wirtinger derivatives. A function is holomorphic where Q = 0. For a real f, Q = conj(P) and the gradient under Re tr(AᴴB),
df = Re tr(Gᴴ dZ), is G = 2Q.

Source:  Hjørungnes & Gesbert (2007); Kreutz-Delgado (2009), The CR-calculus
"""

from __future__ import annotations

from fractions import Fraction

from frechet.differentiation.adjoint import adjoint
from frechet.expressions.errors import UnsupportedError
from frechet.expressions.node import Expr, depends, rebuild, substitute
from frechet.operations.complex_parts import CONJ, IM, IMAGINARY_UNIT, RE
from frechet.operations.constants import ONE, is_zero, variable, zeros
from frechet.operations.hadamard import times
from frechet.operations.sums import add
from frechet.operations.transposition import conjugated

CONVENTIONS = ("riesz", "holomorphic", "wirtinger", "wirtinger-conj")


def real_valued(f: Expr) -> bool:
    """Is the function real, as far as is known?"""
    return f.real or conjugated(f) is f


def parts(image: Expr, direction: Expr) -> tuple[Expr, Expr, Expr]:
    """(L, M, E): image = L + M, where L is linear in the direction and M in its conjugate, which M calls E.

    Raises:  UnsupportedError, if the direction is Hermitian: its conjugate is its transpose
    """
    name, structure, domain, role = direction.params
    if "hermitian" in structure:
        raise UnsupportedError(
            "Wirtinger derivatives treat a matrix and its conjugate as independent, and those of a Hermitian matrix are"
            " each other's transpose: ask for the gradient of a real function, such as its real part re(...)"
        )
    inside = depends(image, direction)

    def opened(node: Expr, args: tuple[Expr, ...]) -> Expr:
        """re(z) = (z + conj(z))/2, im(z) = (z - conj(z))/2i."""
        if node not in inside or node is direction:
            return node
        if node.op is RE or node.op is IM:
            z = args[0]
            both = add([(1, z), (1 if node.op is RE else -1, conjugated(z))])
            half = add([(Fraction(1, 2), both)])
            return half if node.op is RE else add([(-1, times(IMAGINARY_UNIT.build(), half))])
        return node if args == node.args else node.op.rebuild(node, args)

    plain = rebuild([image], opened)[0]
    bar, nothing = conjugated(direction), zeros(direction.shape)
    other = variable(name + "_conj", direction.shape, structure, domain, role)
    return substitute(plain, {bar: nothing}), substitute(plain, {bar: other, direction: nothing}), other


def holomorphic_part(image: Expr, direction: Expr) -> Expr:
    """The map itself, linear over the complex numbers.

    Raises:  UnsupportedError, if it depends on the conjugate of the direction
    """
    if direction.real:
        return image
    if not any(n.op in (CONJ, RE, IM) for n in depends(image, direction)):
        return image  # of a Hermitian direction its transpose may stand in it, which is linear too
    linear, rest, _ = parts(image, direction)
    if not is_zero(rest):
        raise UnsupportedError(
            "this function is not holomorphic, its differential depends on the conjugate of the direction: ask for"
            " wirtinger (∂f/∂Z) or wirtinger-conj (∂f/∂conj(Z))"
        )
    return linear


def coefficient(image: Expr, direction: Expr) -> Expr:
    """P with image = tr(P' direction), for a scalar image that is linear over the complex numbers."""
    if not direction.real:
        return conjugated(adjoint(image, direction, ONE))
    if image.real:
        return adjoint(image, direction, ONE)
    if not any(n.op in (RE, IM) for n in depends(image, direction)):
        # A map of a real direction that is made without re and im is one of a complex direction.
        name, structure, domain, role = direction.params
        free = variable(name, direction.shape, (*structure, "complex"), domain, role)
        return coefficient(substitute(image, {direction: free}), free)
    first = adjoint(image, direction, ONE)
    i = IMAGINARY_UNIT.build()
    return add([(1, first), (1, times(i, adjoint(image, direction, i)))])


def derivative_by(image: Expr, direction: Expr, convention: str) -> Expr:
    """∂f/∂Z (holomorphic, wirtinger) or ∂f/∂conj(Z) of a function with the differential `image`. Shapes: as Z."""
    if convention == "holomorphic":
        return coefficient(holomorphic_part(image, direction), direction)
    linear, rest, other = parts(image, direction)
    return coefficient(linear, direction) if convention == "wirtinger" else coefficient(rest, other)
