"""A derivative in numbers: one small instance, tested against differences, and a wrong answer tested beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

from frechet.derivation.mistakes import mistakes
from frechet.differentiation.derivative import Derivative
from frechet.expressions.dimension import SCALAR, dim
from frechet.expressions.errors import FrechetError, UnsupportedError
from frechet.expressions.node import Expr
from frechet.expressions.space import bases, curved, rank
from frechet.interfaces.document import Block, Content, Entry, Heading, Inline, Math
from frechet.interfaces.steps.remarks import content, gradient_of
from frechet.interfaces.steps.symbols import free_letters
from frechet.notation.numbers import show_array
from frechet.verification.instances import Instance, instance
from frechet.verification.manifolds import retracted, tangent
from frechet.verification.sampling import linear_structure

STEP = 1e-4
DIFFERENT = 1e-4  # a wrong answer is shown where it is off by more than this, relatively
SEEDS = 3  # so many instances are looked at for one at which the derivative is not 0
TELLING = 0.05  # a direction should not be nearly orthogonal to the gradient
MANY = 24  # entries of a Jacobian that are shown
PATTERNS = ((1, -1, 2, 1, 0, 1), (1, 2, -1, 0, 1, 1), (2, 1, 1, -1, 0, 1), (1, 0, 0, 0, 0, 0), (0, 1, 1, 2, -1, 0))
WHOLE = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 25)


def in_numbers(d: Derivative, letter: str, x: str, inner: str = "trace") -> Iterator[Block]:
    """The blocks; none where the formula has no instance that a person can follow.

    letter, x: the names of the function and of its variable
    inner: how inner products are written: trace, colon, inner, index, vec
    """
    worked = Worked.of(d)
    if worked is None:
        return
    n = Names(letter, *free_letters(d, "V"))
    yield Heading("In numbers")
    yield worked.given()
    if gradient_of(d):
        yield Entry("gradient", [_equal(Math(f"∇{letter}"), worked.exact)])
        acts = _product(d, letter, n.direction, inner)
    else:
        if worked.exact is not None and worked.shows_exact():
            name = f"d{letter}/d{{0}}" if d.variable.shape == SCALAR else f"∂{letter}/∂{{0}}"
            yield Entry("derivative", [_equal(Math(name, d.variable), worked.exact)])
        acts = Math(f"D{letter}({{0}})[{n.direction}]", d.variable)
    yield from worked.tested(n, (acts, worked.image), (n.difference(d.variable, letter), worked.quotient()))
    yield from _wrong(d, worked, n.direction)


def hessian_in_numbers(d: Derivative, hessian: Expr, letter: str, x: str) -> Iterator[Block]:
    """Lines to follow those of `in_numbers`, at the same numbers: the Hessian times the direction, and differences.

    hessian: (entries of X) × (entries of X), a matrix of the same variables
    """
    worked = Worked.of(d) if gradient_of(d) and d.variable.real else None
    if worked is None or curved(d.variable.params[1]):
        return
    import numpy as np

    h, change = worked.found.value(hessian), worked.quotient(d.gradient)
    if not np.all(np.isfinite(h)):
        return
    n = Names(letter, *free_letters(d, "V"))
    v = np.ravel(worked.v, order="F")
    stacked = f"vec({n.direction})" if d.variable.kind == "matrix" else n.direction
    acts, image = Math(f"∇²{letter} {stacked}"), np.reshape(h, (v.size, -1)) @ v
    difference = n.difference(d.variable, f"∇{letter}")
    if np.size(h) <= MANY:
        yield Entry("Hessian", [_equal(Math(f"∇²{letter}"), h)])
    if linear_structure(d.variable):  # only what it does to steps of that space is said by it
        acts, image = Math(f"{stacked}ᵀ {{0}}", acts), v @ image
        difference, change = Math(f"⟨{{0}}, {n.direction}⟩", difference), np.sum(change * worked.v)
    elif d.variable.kind == "matrix":
        difference, change = Math("vec({0})", difference), np.ravel(change, order="F")
    yield from worked.tested(n, (acts, image), (difference, change))


class Names(NamedTuple):
    """The letters of the function and of the direction."""

    function: str
    direction: str

    def difference(self, x: Expr, of: str) -> Math:
        """The quotient of differences; on a manifold between two points of it."""
        v = self.direction
        there, back = ("{0}₊", "{0}₋") if curved(x.params[1]) else (f"{{0}} + h{v}", f"{{0}} − h{v}")
        return Math(f"({of}({there}) − {of}({back}))/2h", x)


class Worked(NamedTuple):
    """A derivative at an instance.

    v        a direction, in the space of the variable's steps
    image    the derivative applied to it
    exact    the gradient, the Jacobian or the derivative by a number; None where there is no such array
    action   how an array in place of `exact` acts on a direction; None where there is none
    """

    d: Derivative
    found: Instance
    v: Any
    image: Any
    exact: Any
    action: Callable[[Any, Any], Any] | None

    @classmethod
    def of(cls, d: Derivative, *also: Expr) -> Worked | None:
        """The first instance and direction at which the derivative is not 0, else the first one."""
        import numpy as np

        first = None
        for seed in range(SEEDS):
            try:
                shown = d.gradient if gradient_of(d) else d.function
                found = instance([d.function, d.variable, shown, *also], seed, d.variable)
            except FrechetError:
                return first
            if found is None:
                return first
            exact, action = _exact(d, found)
            for v in directions(d.variable, found):
                image = found.value(d.raw_differential, {d.direction.params[0]: v})
                here = cls(d, found, v, image, exact, action)
                first = first or here
                size = float(np.linalg.norm(exact)) * float(np.linalg.norm(v)) if gradient_of(d) else 1.0
                if np.max(np.abs(image)) > TELLING * min(size, 1.0) > 0:
                    return here
        return first

    def given(self) -> Entry:
        """The sizes, then the arrays, then what stands for declared functions."""
        found = self.found
        items: list[Content] = [[Math(f"{{0}} = {size}", dim(name))] for name, size in found.sizes.items()]
        arrays = [(name, value) for name, value in found.values.items() if not callable(value)]
        items += [[Math("{0} = {1}", name, partial(show_array, value))] for name, value in arrays]
        if found.functions:
            (t,) = free_letters(self.d, "t")
            items += [[Math(f"{{0}}({t}) = {_typeset(text, t)}", name)] for name, text in found.functions.items()]
        words: list[Inline] = []
        for i, item in enumerate(items):
            words += [*([", "] if i else []), *item]
        return Entry("for", words)

    def quotient(self, of: Expr | None = None) -> Any:
        """The quotient of differences along v, of the function or another expression in its variables."""
        x, f = self.d.variable, self.d.function if of is None else of
        name = x.params[0]
        here = self.found.values[name]
        there, back = (self.found.value(f, {name: retracted(x, here + h * self.v, self.found.sizes)}) for h in (STEP, -STEP))
        return (there - back) / (2 * STEP)

    def tested(self, n: Names, exact: tuple[Math, Any], differences: tuple[Math, Any]) -> Iterator[Block]:
        """The derivative applied to the direction, and differences; arrays each on a line of its own."""
        import numpy as np

        x, v = self.d.variable, n.direction
        along: list[Inline] = ["along ", _equal(Math(v), self.v)]
        left, right = (_equal(name, value) for name, value in (exact, differences))
        step: list[Inline] = [" for ", Math(f"h = {STEP:g}")]
        if curved(x.params[1]):
            step += [", where ", Math("{0}₊", x), " and ", Math("{0}₋", x), " are ", Math(f"{{0}} + h{v}", x), " and "]
            step += [Math(f"{{0}} − h{v}", x), f" brought back to {_manifold(x, self.found)}"]
        if np.ndim(exact[1]) == 0:
            yield Entry("tested", [*along, ": ", left, "; ", right, *step])
            return
        yield Entry("tested", along)
        yield Entry("", [left])
        yield Entry("", [right, *step])

    def shows_exact(self) -> bool:
        import numpy as np

        return int(np.size(self.exact)) <= MANY


def directions(x: Expr, found: Instance) -> Iterator[Any]:
    """Small steps within the space of x, in whole numbers where that is possible, the most telling first."""
    import numpy as np

    here = np.asarray(found.values[x.params[0]])
    for pattern in PATTERNS:
        v = np.resize(np.array(pattern, dtype=float), here.size).reshape(here.shape)
        if not x.real:
            v = v + 1j * np.roll(v, 1)
        if "orthogonal" in bases(x.params[1]) and x.real and here.shape[0] == here.shape[1]:
            v = here @ (np.tril(v, -1) - np.tril(v, -1).T)
        v = tangent(x, found.values, v)
        if np.max(np.abs(v)) > 1e-9:
            yield whole_multiple(v)


def whole_multiple(v: Any) -> Any:
    """The array times the least number that makes whole numbers of it, where a small one does."""
    import numpy as np

    for k in WHOLE:
        w = k * v
        if np.allclose(w, np.round(w), atol=1e-12) and np.max(np.abs(w)) < 10:
            return np.round(w)
    return v


def _exact(d: Derivative, found: Instance) -> tuple[Any, Callable[[Any, Any], Any] | None]:
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


def _manifold(x: Expr, found: Instance) -> str:
    """The set to which points beside it are brought back."""
    words = x.params[1]
    r = rank(words)
    if r is not None:
        return f"the matrices of rank {r.size(found.sizes)}"
    if "sphere" in words:
        return "the unit sphere"
    if x.shape[0] is not x.shape[1]:
        return "the matrices with orthonormal columns"
    return "the orthogonal matrices" if x.real else "the unitary matrices"


def _product(d: Derivative, letter: str, v: str, inner: str) -> Math:
    """The inner product of the gradient with the direction, in the notation of the page."""
    gradient, vector = f"∇{letter}", d.variable.kind != "matrix"
    written = {
        "colon": f"{gradient} : {v}",
        "vec": f"({gradient})ᵀ {v}" if vector else f"vec({gradient})ᵀ vec({v})",
        "index": f"Σᵢ [{gradient}]ᵢ [{v}]ᵢ" if vector else f"Σᵢⱼ [{gradient}]ᵢⱼ [{v}]ᵢⱼ",
    }
    return Math(written.get(inner if d.variable.real else "", f"⟨{gradient}, {v}⟩"))


def _wrong(d: Derivative, worked: Worked, v: str) -> Iterator[Block]:
    """The mistake that is likeliest here, with what it gives for the same step."""
    import numpy as np

    if worked.action is None:
        return
    result, right = d.gradient if gradient_of(d) else d.jacobian, worked.image
    for mistake in mistakes(d, result):
        why: Sequence[Inline] = [": ", *content(mistake.why)]
        if mistake.answer.shape != result.shape:
            yield Entry("a mistake", [Math("{0}", mistake.answer), *why])
            return
        try:
            wrong = worked.action(worked.found.value(mistake.answer), worked.v)
        except (FrechetError, ValueError):
            continue
        if np.all(np.isfinite(wrong)) and np.max(np.abs(wrong - right)) > DIFFERENT * max(1.0, float(np.max(np.abs(right)))):
            gives: list[Inline] = [" gives ", _number(wrong), " along ", Math(v)]
            gives += [", not ", _number(right)] if np.ndim(wrong) == 0 else []
            yield Entry("a mistake", [Math("{0}", mistake.answer), *gives, *why])
            return


def _equal(name: Math, value: Any) -> Math:
    return Math("{0} = {1}", name, _number(value))


def _number(value: Any) -> Math:
    """Arrays with four digits, numbers with six, without what differences leave behind."""
    import numpy as np

    if np.ndim(value):
        return Math("{0}", partial(show_array, np.round(value, 6)))
    number = complex(value)
    text = f"{number.real:.6g}" if number.imag == 0 else f"{number.real:.6g}{number.imag:+.6g}i"
    if "e" in text:
        return Math("{0}", partial(show_array, np.asarray(value)))
    return Math(text.replace("-", "−"))


def _typeset(text: str, t: str) -> str:
    """A simple function of t, typed, as a template."""
    return text.replace("t", t).replace(f"exp(-{t})", f"exp(−{t})").replace("^2", "²").replace("^3", "³").replace("-", "−")
