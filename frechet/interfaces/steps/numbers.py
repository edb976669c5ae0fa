"""A derivative in numbers: one small instance, tested against differences, and a wrong answer tested beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from frechet.derivation.mistakes import Mistake, mistakes
from frechet.differentiation.derivative import Derivative
from frechet.expressions.dimension import SCALAR
from frechet.expressions.errors import FrechetError, UnsupportedError
from frechet.expressions.node import Expr
from frechet.interfaces.document import Block, Entry, Heading, Inline, Math
from frechet.interfaces.steps.remarks import content, free_letter, gradient_of
from frechet.verification.instances import Instance, instance, show_array
from frechet.verification.manifolds import retracted, tangent

STEP = 1e-4
DIFFERENT = 1e-4  # a wrong answer is shown where it is off by more than this, relatively
SEEDS, SMALL = 6, 0.01  # so many instances are looked at for one with a derivative above this
MANY = 24  # entries of a Jacobian that are shown


def in_numbers(d: Derivative, letter: str, x: str) -> Iterator[Block]:
    """The blocks; none where the formula has no instance that a person can follow."""
    found = _instance(d)
    if found is None:
        return
    import numpy as np

    v, direction = _direction(d.variable, found), free_letter(d)
    yield Heading("In numbers")
    sizes = [f"{name} = {size}" for name, size in found.sizes.items()]
    given = [f"{name} = {show_array(value)}" for name, value in found.values.items() if not callable(value)]
    put_in = [f"{name}(t) = {text}" for name, text in found.functions.items()]
    yield Entry("for", [", ".join([*sizes, *given, *put_in])])
    image = found.value(d.raw_differential, {d.direction.params[0]: v})
    quotient = _difference(d, found, v)
    exact, action = _matrix(d, found)
    acts: list[Inline]
    if gradient_of(d):
        yield Entry("gradient", [Math(f"∇{letter}"), f" = {show_array(exact)}"])
        acts = [Math(f"⟨∇{letter}, {direction}⟩")]
    else:
        if exact is not None and np.size(exact) <= MANY:
            name = f"d{letter}/d{x}" if d.variable.shape == SCALAR else f"∂{letter}/∂{x}"
            yield Entry("derivative", [Math(name), f" = {show_array(exact)}"])
        acts = [Math(f"D{letter}({x})[{direction}]")]
    differences = Math(f"({letter}({x} + h{direction}) − {letter}({x} − h{direction}))/2h")
    shown: list[Inline] = [f" = {_shown(image)}; ", differences, f" = {_shown(quotient)} for h = {STEP:g}"]
    yield Entry("tested", [f"along {direction} = {show_array(v)}: ", *acts, *shown])
    if action is not None:
        yield from _wrong(d, found, image, lambda e: action(found.value(e), v))


def _instance(d: Derivative) -> Instance | None:
    """An instance at which the derivative is of everyday size: not one at which tanh is flat."""
    import numpy as np

    shown = d.gradient if gradient_of(d) else d.function
    first = None
    for seed in range(SEEDS):
        try:
            found = instance([d.function, d.variable, shown], seed=seed, variable=d.variable)
        except FrechetError:
            return None
        first = first or found
        if found is not None and np.max(np.abs(found.value(shown))) > SMALL:
            return found
    return first


def _direction(x: Expr, found: Instance) -> Any:
    """A small step within the space of x, in whole numbers where that is possible."""
    import numpy as np

    here = np.asarray(found.values[x.params[0]])
    v = np.resize(np.array([1.0, 0.0, -1.0, 2.0, 1.0, 1.0]), here.size).reshape(here.shape)
    if not x.real:
        v = v + 1j * np.roll(v, 1)
    return tangent(x, found.values, v)


def _difference(d: Derivative, found: Instance, v: Any) -> Any:
    name = d.variable.params[0]
    here = found.values[name]
    ends = [found.value(d.function, {name: retracted(d.variable, here + h * v, found.sizes)}) for h in (STEP, -STEP)]
    return (ends[0] - ends[1]) / (2 * STEP)


def _matrix(d: Derivative, found: Instance) -> tuple[Any, Callable[[Any, Any], Any] | None]:
    """The derivative as an array, where there is one, and how such an array acts on a direction."""
    import numpy as np

    if gradient_of(d):
        return found.value(d.gradient), lambda g, v: np.sum(np.conj(g) * v).real
    if d.variable.shape == SCALAR:
        return found.value(d.by_scalar if d.function.shape != SCALAR else d.gradient), None
    if d.function.shape == SCALAR or len(d.variable.shape) > 2 or len(d.function.shape) > 2:
        return None, None
    try:
        jacobian = found.value(d.jacobian)
    except UnsupportedError:
        return None, None
    shape = np.shape(found.value(d.function))
    return jacobian, lambda j, v: (j @ np.ravel(v, order="F")).reshape(shape, order="F")


def _wrong(d: Derivative, found: Instance, right: Any, of: Callable[[Expr], Any]) -> Iterator[Block]:
    """The mistake that is likeliest here, with what it gives for the same step."""
    import numpy as np

    result = d.gradient if gradient_of(d) else d.jacobian
    for mistake in mistakes(d, result):
        if mistake.answer.shape != result.shape:
            yield Entry("a mistake", _told(mistake, ""))
            return
        try:
            wrong = of(mistake.answer)
        except (FrechetError, ValueError):
            continue
        if np.all(np.isfinite(wrong)) and np.max(np.abs(wrong - right)) > DIFFERENT * max(1.0, float(np.max(np.abs(right)))):
            yield Entry("a mistake", _told(mistake, f" would give {_shown(wrong)}"))
            return


def _told(mistake: Mistake, gives: str) -> list[Inline]:
    return [Math("{0}", mistake.answer), gives, ": ", *content(mistake.why)]


def _shown(value: Any) -> str:
    import numpy as np

    if np.ndim(value):
        return show_array(np.round(value, 6))
    number = complex(value)
    text = f"{number.real:.6g}" if number.imag == 0 else f"{number.real:.6g}{number.imag:+.6g}i"
    return text.replace("-", "−")
