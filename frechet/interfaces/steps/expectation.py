"""What kind of object a derivative is, said before it is found."""

from __future__ import annotations

from frechet.differentiation.derivative import Derivative
from frechet.differentiation.structure import structure_of
from frechet.expressions.dimension import SCALAR
from frechet.expressions.node import Expr, depends
from frechet.interfaces.document import Inline, Math
from frechet.interfaces.page import show_size
from frechet.interfaces.steps.remarks import gradient_of
from frechet.notation.spaces import show_space


def kind_of_object(d: Derivative, letter: str, name: str) -> list[Inline]:
    """A gradient by an inner product, a linear map with its Jacobian, or the derivative by a number."""
    return _gradient(d, letter, name) if gradient_of(d) else _map(d, letter, name)


def conjugates(d: Derivative) -> bool:
    """Does the differential depend on the conjugate of the step? Then it is linear over the real numbers only."""
    if d.variable.real:
        return False
    return any(n.op.name in ("conj", "re", "im") for n in depends(d.raw_differential, d.direction))


def _steps(d: Derivative) -> Math:
    """The space of the steps: symmetric matrices, where the variable is one."""
    return Math("{0}", lambda n: show_space(d.direction.shape, n, d.direction.params[1]))


def _values(f: Expr) -> Math:
    return Math("{0}", lambda n: show_space(f.shape, n, () if f.real else ("complex",)))


def _map(d: Derivative, letter: str, name: str) -> list[Inline]:
    x, f = d.variable, d.function
    over = " over the real numbers" if conjugates(d) else ""
    words: list[Inline] = [f"The derivative is a map, linear{over}, ", _steps(d), Math(" → "), _values(f), ": for a step "]
    words += [Math("{0}", d.direction), " it gives the change ", Math(f"d{letter}"), " to first order. "]
    if x.shape == SCALAR:
        return [*words, "It is read off beside ", Math("{0}", d.direction), "."]
    if over:
        return [*words, "It depends on the conjugate of the step too, so no single matrix says it all."]
    if f.shape == SCALAR or len(x.shape) > 2 or len(f.shape) > 2:
        return [*words, "It is written as its action on a step."]
    if "matrix" in (x.kind, f.kind):
        stacked = Math(f"vec(d{letter}) = J vec(d{name})")
        return [*words, "With the columns stacked by vec it is one matrix, the Jacobian J: ", stacked, "."]
    return [*words, "It is a matrix, the Jacobian J: ", Math(f"d{letter} = J d{name}"), "."]


def _gradient(d: Derivative, letter: str, name: str) -> list[Inline]:
    x = d.variable
    over = "" if x.real else " over the real numbers"
    within = "" if structure_of(x) == "general" else " of that space"
    words: list[Inline] = [
        "For every step ",
        Math("{0}", d.direction),
        ", ",
        Math(f"d{letter}"),
        f" is the change of {letter} to ",
    ]
    words += [f"first order: a number that depends on the step linearly{over}. Every such map ", _steps(d), Math(" → ℝ")]
    words += [f" is the inner product with exactly one {_of_kind(x)} G{within}: "]
    product, real, dagger = f"d{letter} = ⟨G, d{name}⟩ = ", "" if x.real else "Re ", "ᵀ" if x.real else "ᴴ"
    small = name.lower()
    if x.kind == "matrix":
        entry = "gᵢⱼ" if x.real else "conj(gᵢⱼ)"
        words += [Math(f"{product}{real}Σᵢⱼ {entry} d{small}ᵢⱼ"), ", and in matrix form that sum is a trace, "]
        return [*words, Math(f"{real}tr(G{dagger} d{name})"), ": that is why a trace stands here. This G is the gradient."]
    if x.kind == "vector":
        entry = "gᵢ" if x.real else "conj(gᵢ)"
        return [*words, Math(f"{product}{real}Σᵢ {entry} d{small}ᵢ = {real}G{dagger} d{name}"), ". This G is the gradient."]
    return [*words, Math(f"d{letter} = ⟨G, d{name}⟩"), ", the sum over all entries. This G is the gradient."]


def _of_kind(x: Expr) -> str:
    return f"vector of length {show_size(x.shape)}" if x.kind == "vector" else f"{show_size(x.shape)} {x.kind}"
