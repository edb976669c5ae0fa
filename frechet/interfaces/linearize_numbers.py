"""A linearization in numbers: one small instance, the change in each of its forms."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from frechet.expressions.dimension import SCALAR
from frechet.expressions.errors import FrechetError
from frechet.expressions.node import Expr, variables
from frechet.expressions.space import curved
from frechet.interfaces.document import Block, Content, Entry, Heading, Inline, Math, Paragraph
from frechet.interfaces.linearize_formulas import ELL, added, array, marked, products_added, say, shaped
from frechet.interfaces.linearize_phrases import matrix_product
from frechet.notation.reading import parse
from frechet.operations.constants import mask_of
from frechet.verification.instances import Instance, instance, show_number
from frechet.verification.manifolds import tangent
from frechet.verification.sampling import Point, with_masks

if TYPE_CHECKING:
    from frechet.interfaces.linearize_page import Linearized

SEEDS = 6  # instances that are tried until the wrong reading gives another number
SHOWN = 24  # entries of an array that are printed
STACKED = 12  # of an array that is printed stacked
JACOBIAN = 48  # of a Jacobian
TENTH = 0.1
SAME = 1e-9
APART = 0.05


class Worked(NamedTuple):
    blocks: list[Block]
    point: Point | None = None
    direction: Any = None
    data: Mapping[str, object] = MappingProxyType({})


class Numbers:
    """The formulas of a linearization at one instance."""

    def __init__(self, m: Linearized, found: Instance) -> None:
        self.m, self.found = m, found
        x, dx = m.variable, m.derivative.direction
        self.x0 = found.value(m.base)
        values = {**found.values, x.params[0]: self.x0}
        v = found.values[dx.params[0]]
        self.step = tangent(x, values, v) if curved(x.params[1]) or mask_of(x) is not None else v
        self.point = Point(values, found.sizes)
        self.value = self._laid(found.value(m.value))
        self.change = self._laid(self.at(m.change))

    def at(self, e: Expr) -> Any:
        return self.found.value(e, {self.m.derivative.direction.params[0]: self.step})

    def function(self, share: float) -> Any:
        """F(X₀ + share·V)."""
        f, x = self.m.derivative.function, self.m.variable
        moved = {**self.point.values, x.params[0]: self.x0 + share * self.step}
        return self._laid(Instance(self.found.sizes, moved).value(f))

    def _laid(self, value: Any) -> Any:
        """A value of the function; rows are 1-D arrays in programs, and laid flat here."""
        return value[None, :] if self.m.derivative.function.kind == "row" else value

    @cached_property
    def gradient(self) -> Any:
        """Of a number-valued function; None where it has none, as a complex function that is not holomorphic."""
        try:
            return self.at(self.m.at_base(self.m.derivative.gradient))
        except FrechetError:
            return None

    def forms(self) -> dict[str, Any]:
        """The change of a number-valued function, written in each of the ways, each computed by itself."""
        import numpy as np

        g, v = self.gradient, self.step
        riesz = self.m.derivative.convention == "riesz"
        bar = np.conj(g) if riesz else g
        part = (lambda z: float(np.real(z))) if riesz else (lambda z: z)
        found = {"differential": self.change, "component sum": part(np.sum(bar * v))}
        found["vec"] = part(np.ravel(bar, order="F") @ np.ravel(v, order="F"))
        if np.ndim(g) == 2:
            found["trace"] = part(np.trace(bar.T @ v))
        found["inner product"] = part(np.vdot(g, v) if riesz else np.dot(np.ravel(g), np.ravel(v)))
        return found


def small_instance(m: Linearized) -> Numbers | None:
    """Numbers at which the wrong reading shows: the sum of all entries of the product is not its trace."""
    import numpy as np

    d = m.derivative
    exprs = [m.value, m.change, m.base, d.direction]
    others = [v for v in variables(d.function, d.differential) if v not in (d.variable, d.direction)]
    also = [*others, d.function, d.differential]
    best: Numbers | None = None
    if m.derivative.function.shape == SCALAR:
        with suppress(FrechetError):
            exprs.append(m.at_base(m.derivative.gradient))
    for seed in range(SEEDS):
        found = instance(exprs, seed, d.direction, also)
        if found is None:
            return best
        numbers = Numbers(m, found)
        if not (np.all(np.isfinite(numbers.value)) and np.all(np.isfinite(numbers.change)) and np.any(numbers.step)):
            continue
        best = best or numbers
        if not np.any(numbers.change):
            continue
        if d.function.shape != SCALAR or m.variable.kind != "matrix" or numbers.gradient is None:
            return numbers
        whole = np.conj(numbers.gradient).T @ numbers.step
        if _differ(np.sum(whole), np.trace(whole)):
            return numbers
    return best


def worked(m: Linearized) -> Worked:
    """The worked instance. Where there is none, that is said."""
    import numpy as np

    heading = Heading("With numbers")
    m = m.spoken
    numbers = small_instance(m)
    if numbers is None:
        words = "No small instance is shown: a declared function of vectors or matrices stands for no particular one."
        if all(f is None or f.of_numbers for f in _declared(m)):
            words = "No small instance was found at which the function is finite and smooth."
        return Worked([heading, Paragraph([words])])
    shown = [numbers.x0, *(numbers.found.values[v.params[0]] for v in _others(m))]
    if any(np.size(a) > SHOWN for a in shown):
        words = "The sizes are too large to show an instance here."
        return Worked([heading, Paragraph([words])], numbers.point, numbers.step)
    blocks: list[Block] = [heading, *_given(m, numbers)]
    data = _data(m, numbers)
    if m.derivative.function.shape == SCALAR:
        blocks += _number(m, numbers)
    else:
        blocks += _array(m, numbers)
    return Worked(blocks, numbers.point, numbers.step, data)


def _declared(m: Linearized) -> list[Any]:
    from frechet.operations.declared_functions import functions

    return list(functions(m.derivative.function).values())


def _others(m: Linearized) -> list[Expr]:
    """The variables beside X₀ and dX, masks first."""
    found = with_masks(variables(m.value, m.change, m.base))
    return [v for v in found if v not in (m.base, m.derivative.direction)]


def _given(m: Linearized, numbers: Numbers) -> list[Block]:
    """The sizes and the values."""
    found, step = numbers.found, m.step
    pieces: list[list[Inline]] = [[Math(f"{name} = {k}")] for name, k in found.sizes.items()]
    pieces += [[Math("{0} = {1}", v.params[0], array(found.values[v.params[0]]))] for v in _others(m)]
    if not (m.given and m.base.op.name == "variable"):
        pieces.append([Math("{0} = {1}", step.point, array(numbers.x0))])
    pieces.append([Math("{0} = {1}", step.bare, array(numbers.step))])
    content: list[Inline] = []
    for i, piece in enumerate(pieces):
        content += [", " if i else "", *piece]
    blocks: list[Block] = [Paragraph(content)]
    for name, text in found.functions.items():
        standing = parse(text, {"t": "scalar"})
        blocks.append(Paragraph([Math("{0}(t) = {1}", name, standing), f" stands for the declared {name}."]))
    return blocks


def _number(m: Linearized, numbers: Numbers) -> list[Block]:
    """The step's contribution to a number: gradient, product, trace, sum, vec; and the wrong reading."""
    import numpy as np

    x, g, name = m.variable, m.letter, m.variable.params[0]
    gradient = numbers.gradient
    if gradient is None:
        return _compared(m, numbers)
    forms = numbers.forms()
    v = numbers.step
    riesz = m.derivative.convention == "riesz"
    bar = np.conj(gradient) if riesz else gradient
    re = "Re " if riesz and not x.real else ""
    total = array(forms["component sum"])
    if x.kind == "scalar":
        partial = [Entry("derivative", [Math("∂{0}/∂{1} = {2}", g, name, array(gradient))])] if not re else []
        blocks: list[Block] = [*partial, Entry("step", [Math(re + "{0} = {1}", products_added([bar], [v]), total)])]
        return [*blocks, *_compared(m, numbers)]
    blocks = [Entry("gradient", [Math("∇{0} = {1}", g, array(gradient))], [shaped(gradient), f", as {name}"])]
    whole = None
    if x.kind == "matrix":
        whole = bar.T @ v
        blocks.append(
            Entry(
                "product",
                [Math("{0} = {1}", matrix_product(m), marked(whole))],
                [shaped(whole), ", its diagonal marked"],
            )
        )
        if whole.size > 1:
            blocks.append(Entry("trace", [Math(re + "({0}) = {1}" if re else "{0} = {1}", added([*np.diag(whole)]), total)]))
    terms = products_added([*np.ravel(bar)], [*np.ravel(v)])
    blocks.append(Entry("component sum", [Math(re + "({0}) = {1}" if re else "{0} = {1}", terms, total)]))
    row, column = np.ravel(bar, order="F")[None, :], np.ravel(v, order="F")
    if row.size > STACKED:
        return [*blocks, *_compared(m, numbers)]
    label = "row × column"
    blocks.append(Entry(label, [Math(re + "{0} {1} = {2}", array(row), array(column), total)]))
    blocks += _compared(m, numbers)
    if whole is not None and whole.size > 1 and np.any(np.abs(whole) > SAME):
        blocks += _wrong(m, numbers, whole, forms)
    return blocks


def _wrong(m: Linearized, numbers: Numbers, whole: Any, forms: Mapping[str, Any]) -> list[Block]:
    """What the product gives when it is not read as its trace."""
    import numpy as np

    right = numbers.value + forms["component sum"]
    spread = numbers.value + whole
    at, ell = Math("{0}({1})", m.letter, m.step.point), Math("{0}({1}) = {2}", ELL, m.step.end, array(right))
    apart = np.min(np.abs(spread - right)) > SAME * (1 + abs(right))
    text = "A program that adds {} to the product as it stands adds it to every entry, {}; "
    words = say(text + ("none of them is {}" if apart else "what is wanted is {}"), at, array(spread), ell)
    everything = np.sum(whole)
    everything = float(np.real(everything)) if m.derivative.convention == "riesz" else everything
    if _differ(everything, forms["component sum"]):
        words += say(". All entries of the product add up to {}, not {}", array(everything), array(forms["component sum"]))
    return [Paragraph([*words, "."])]


def _compared(m: Linearized, numbers: Numbers) -> list[Block]:
    """ℓ against the function after the step, and after a tenth of it."""
    import numpy as np

    g, x = m.letter, m.variable
    scalar = m.derivative.function.shape == SCALAR
    both = Math("{0} + {1}", array(numbers.value), array(numbers.change))
    if scalar:
        both = added([numbers.value, numbers.change])
    line = Math("{0}({1}) = {2} = {3}", ELL, m.step.end, both, array(numbers.value + numbers.change))
    blocks: list[Block] = [Entry("linearization", [line])]
    if curved(x.params[1]) or x.params[2] == "simplex":
        return blocks
    full, tenth = numbers.function(1.0), numbers.function(TENTH)
    if not np.all(np.isfinite(full)):
        blocks.append(Entry("function", say("{} has no value after the whole step", g)))
    else:
        off = float(np.linalg.norm(np.ravel(full - numbers.value - numbers.change)))
        same = off <= SAME * (1 + float(np.max(np.abs(full))))
        value = Math("{0}({1}) = {2}", g, x.params[0], array(full))
        blocks.append(Entry("function", [value], ["the same"] if same else say("off by {}", _norm(m, off))))
        if same:
            return blocks
    if np.all(np.isfinite(tenth)):
        off = float(np.linalg.norm(np.ravel(tenth - numbers.value - TENTH * numbers.change)))
        blocks.append(Entry("", say("after a tenth of the step {} is off by {}", ELL, _norm(m, off))))
    return blocks


def _differ(a: Any, b: Any) -> bool:
    """Do two numbers differ as they are shown, and not only a little?"""
    import numpy as np

    return bool(abs(a - b) > APART * max(abs(a), abs(b))) and show_number(np.real(a)) != show_number(np.real(b))


def _norm(m: Linearized, off: float) -> Content:
    return [array(off), "" if m.derivative.function.shape == SCALAR else " in the Euclidean norm"]


def _array(m: Linearized, numbers: Numbers) -> list[Block]:
    """The step's contribution to an array: as a map, and by the Jacobian."""
    import numpy as np

    f, x, g, name = m.derivative.function, m.variable, m.letter, m.variable.params[0]
    blocks: list[Block] = [
        Entry("value", [Math("{0}({1}) = {2}", g, m.step.point, array(numbers.value))], [shaped(numbers.value)])
    ]
    if x.kind == "scalar":
        slope = numbers.at(m.at_base(m.derivative.by_scalar))
        blocks.append(Entry("derivative", [Math("∂{0}/∂{1} = {2}", g, name, array(slope))], [f"as {g}"]))
    change = Math("D{0}({1})[{2}] = {3}", g, m.step.point, m.step.bare, array(numbers.change))
    blocks.append(Entry("change", [change], [shaped(numbers.value), f", as {g}"]))
    if x.kind != "scalar" and len(f.shape) < 3 and len(x.shape) < 3:
        try:
            j = np.asarray(numbers.at(m.at_base(m.derivative.jacobian)))
        except FrechetError:
            return [*blocks, *_compared(m, numbers)]
        j = j.reshape(np.size(numbers.value), np.size(numbers.step))
        if j.size <= JACOBIAN:
            vec = j @ np.ravel(numbers.step, order="F")
            vectors = x.kind == f.kind == "vector"
            blocks.append(Entry("Jacobian", [Math("J = {0}", array(j))], [f"{j.shape[0]}×{j.shape[1]}"]))
            left = Math("J {0}", m.step.closed) if vectors else Math("J vec({0})", m.step.bare)
            remark = "the same" if vectors else "the columns of the change, one below the other"
            blocks.append(Entry("by Jacobian", [Math("{0} = {1}", left, array(vec))], [remark]))
        if x.kind == f.kind == "matrix" and f.shape[1] is x.shape[1]:
            blocks += _alike(m, j, np.shape(numbers.x0), np.shape(numbers.value))
    return [*blocks, *_compared(m, numbers)]


def _alike(m: Linearized, j: Any, inner: tuple[int, ...], outer: tuple[int, ...]) -> list[Block]:
    """Is J = I ⊗ M, so that one matrix times the step would do?"""
    import numpy as np

    first = j[: outer[0], : inner[0]]
    if np.allclose(j, np.kron(np.eye(inner[1]), first), atol=SAME * (1 + float(np.max(np.abs(j))))):
        return []
    return [
        Paragraph(
            ["This J is not of the form ", Math("I ⊗ M"), ", so no single matrix M gives the change as M times the step."]
        )
    ]


def _data(m: Linearized, numbers: Numbers) -> dict[str, object]:
    """The instance for programs."""
    values = {v.params[0]: plain(numbers.found.values[v.params[0]]) for v in _others(m)}
    data: dict[str, object] = {
        "sizes": numbers.found.sizes,
        "values": values,
        "functions": dict(numbers.found.functions),
        "point": plain(numbers.x0),
        "step": plain(numbers.step),
        "value": plain(numbers.value),
        "change": plain(numbers.change),
    }
    if m.derivative.function.shape == SCALAR and numbers.gradient is not None:
        data |= {"gradient": plain(numbers.gradient), "forms": {n: plain(x) for n, x in numbers.forms().items()}}
    return data


def plain(value: Any) -> Any:
    """Nested lists; complex numbers as text."""
    import numpy as np

    if callable(value):
        return None
    if np.iscomplexobj(value):
        return np.vectorize(lambda z: show_number(z, "text"), otypes=[object])(value).tolist()
    return np.asarray(value, dtype=float).tolist()
