"""A derivative in numbers: one small instance, tested against differences, and a wrong answer tested beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from frechet.derivation.mistakes import Mistake, mistakes
from frechet.derivation.sentences import Sentence
from frechet.differentiation.derivative import Derivative
from frechet.expressions.dimension import SCALAR
from frechet.expressions.errors import FrechetError
from frechet.expressions.node import Expr
from frechet.interfaces.document import Block, Content, Entry, Heading, Inline, Math
from frechet.verification.instances import Instance, instance, show_array
from frechet.verification.manifolds import retracted, tangent

STEP = 1e-4
SEEDS, SMALL = 6, 0.01
DIFFERENT = 1e-4  # a wrong answer is shown where it is off by more than this, relatively


def in_numbers(d: Derivative, g: str, x: str) -> Iterator[Block]:
    """The blocks; none where the formula has no instance that a person can follow."""
    found = _instance(d)
    if found is None:
        return
    import numpy as np

    v = _direction(d.variable, found)
    scalar = d.function.shape == SCALAR
    yield Heading("In numbers")
    sizes = ", ".join(f"{name} = {size}" for name, size in found.sizes.items())
    shown = [f"{name} = {show_array(value)}" for name, value in found.values.items() if not callable(value)]
    yield Entry("for", [", ".join([sizes, *shown] if sizes else shown)])
    if scalar and d.convention == "riesz" and d.variable.shape != SCALAR:
        gradient = found.value(d.gradient)
        slope = float(np.sum(np.conj(gradient) * v).real)
        yield Entry("gradient", [Math(f"∇{g}"), f" = {show_array(gradient)}"])
        difference = _difference(d, found, v)
        step = f"V = {show_array(v)}"
        yield Entry(
            "tested",
            [
                f"along {step}: ",
                Math(f"⟨∇{g}, V⟩"),
                f" = {_short(slope)}; ",
                Math(f"({g}({x} + hV) − {g}({x} − hV))/2h"),
                f" = {_short(difference)} for h = {STEP:g}",
            ],
        )
        yield from _wrong(d, found, v, slope, g)
        return
    image = found.value(d.raw_differential, {d.direction.params[0]: v})
    difference = _difference(d, found, v)
    yield Entry(
        "tested",
        [
            f"along V = {show_array(v)}: ",
            Math(f"D{g}({x})[V]"),
            f" = {show_array(image)}; differences give {show_array(np.round(difference, 6))}",
        ],
    )


def _instance(d: Derivative) -> Instance | None:
    """An instance at which the derivative is of everyday size: not one at which tanh is flat."""
    import numpy as np

    shown = d.gradient if d.function.shape == SCALAR else d.function
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
    pattern = np.array([1.0, 0.0, -1.0, 2.0, 1.0, 1.0])
    v = np.resize(pattern, here.size).reshape(here.shape)
    if not x.real:
        v = v + 1j * np.roll(v, 1)
    return tangent(x, found.values, v)


def _difference(d: Derivative, found: Instance, v: Any) -> Any:
    here = found.values[d.variable.params[0]]
    values = [
        found.value(d.function, {d.variable.params[0]: retracted(d.variable, here + h * v, found.sizes)})
        for h in (STEP, -STEP)
    ]
    return (values[0] - values[1]) / (2 * STEP)


def _wrong(d: Derivative, found: Instance, v: Any, slope: float, g: str) -> Iterator[Block]:
    """The mistake that is likeliest here, with what it gives for the same step."""
    import numpy as np

    for mistake in mistakes(d, d.gradient):
        shown: Content = [" (", *_words(mistake), ")"]
        if mistake.answer.shape != d.variable.shape:
            yield Entry("a mistake", [Math("{0}", mistake.answer), *shown])
            return
        try:
            wrong = float(np.sum(found.value(mistake.answer) * v).real)
        except FrechetError:
            continue
        if np.isfinite(wrong) and abs(wrong - slope) > DIFFERENT * max(1.0, abs(slope)):
            yield Entry("a mistake", [Math("{0}", mistake.answer), f" would give {_short(wrong)}", *shown])
            return


def _words(mistake: Mistake) -> list[Inline]:
    from frechet.interfaces.remarks import content

    return content(mistake.why)


def _short(value: Any) -> str:
    return f"{float(value.real):.6g}".replace("-", "−")


__all__ = ["Sentence", "in_numbers"]
