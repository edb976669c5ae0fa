"""What a derivative says, how else it can be written, and what helps with the next one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from frechet.derivation.meaning import meaning
from frechet.derivation.sentences import Sentence
from frechet.derivation.special_cases import Case, special_cases, with_numbers
from frechet.derivation.steps import Derivation
from frechet.differentiation.derivative import Derivative
from frechet.differentiation.structure import structure_of
from frechet.expressions.dimension import SCALAR
from frechet.expressions.errors import UnsupportedError
from frechet.expressions.node import variables
from frechet.interfaces.document import Block, Details, Entry, Heading, Inline, Math, Paragraph
from frechet.interfaces.page import Page
from frechet.interfaces.steps.rows import Rows
from frechet.notation.components import write_components, write_in_entries, write_partials
from frechet.notation.spaces import Notation
from frechet.operations.constants import variable
from frechet.operations.declared_functions import functions

STEEPEST = "of all small steps of one length, one along the gradient raises the value the most, unless it is 0"
MANY = 40  # leaves beyond which a result is not written entry by entry
HOLE = re.compile(r"\{(\d+)\}")


def content(sentence: Sentence) -> list[Inline]:
    """A sentence with its formulas."""
    found: list[Inline] = []
    end = 0
    for hole in HOLE.finditer(sentence.words):
        found += [sentence.words[end : hole.start()], Math("{0}", sentence.parts[int(hole[1])])]
        end = hole.end()
    return [*found, sentence.words[end:]]


def gradient_of(d: Derivative) -> bool:
    """Is it the gradient of a real function that is asked for?"""
    return d.function.shape == SCALAR and d.variable.shape != SCALAR and d.convention == "riesz"


def free_letter(d: Derivative) -> str:
    """A letter for a direction that the formula does not use."""
    taken = {v.params[0] for v in variables(d.function)} | functions(d.function).keys()
    names = [*"VUEHZ", *(f"V{i}" for i in range(1, len(taken) + 2))]
    found: str = next(name for name in names if name not in taken)
    return found


def what_it_says(derivation: Derivation, letter: str, x: str) -> Iterator[Block]:
    """The reading, what an entry means, special cases, and the case that school calculus knows."""
    d = derivation.derivative
    try:
        result = d.gradient if gradient_of(d) else d.by_scalar if d.variable.shape == SCALAR else d.jacobian
    except UnsupportedError:
        return
    blocks: list[Block] = []
    if gradient_of(d):
        read = meaning(derivation) or [Sentence(STEEPEST)]
        blocks += [Entry("reading" if i == 0 else "", content(s)) for i, s in enumerate(read)]
        blocks += _entries(d, letter, x)
    name = f"∇{letter}" if gradient_of(d) else f"∂{letter}/∂{x}"
    for i, case in enumerate(special_cases(d, result) if d.variable.real else []):
        blocks.append(Entry("special cases" if i == 0 else "", [*_about(case), ": ", Math(f"{name} = {{0}}", case.result)]))
    school = with_numbers(d, result)
    if school is not None:
        told: list[Inline] = [Math(f"{letter}({x}) = {{0}}", school[0]), " has the derivative ", Math("{0}", school[1])]
        blocks.append(Entry("all sizes 1", [*told, " by school calculus, and the formula gives the same"]))
    if blocks:
        yield Heading("What it says")
        yield from blocks


def _entries(d: Derivative, letter: str, x: str) -> list[Block]:
    """What an entry of the gradient says."""
    place = {"matrix": "ᵢⱼ", "vector": "ᵢ"}.get(d.variable.kind)
    if place is None or not d.variable.real:
        return []
    if structure_of(d.variable) == "general":
        partial, one = Math(f"∂{letter}/∂{x.lower()}{place}"), Math(f"{x.lower()}{place}")
        return [
            Entry("entries", [partial, f", the entry of ∇{letter} there: how fast {letter} changes if only ", one, " moves"])
        ]
    if structure_of(d.variable) in ("diagonal", "lower", "upper", "sparse"):
        free: list[Inline] = [
            f"those of {x} that are not 0 by its structure move freely, and ∇{letter} has their partial derivatives"
        ]
        return [Entry("entries", [*free, "; the others are 0"])]
    if d.cotangent is d.gradient:
        said: list[Inline] = [
            f"one entry of {x} cannot move alone; the gradient with respect to all entries, as if they were free, "
        ]
        return [Entry("entries", [*said, "lies in the space of the steps already"])]
    said = [f"one entry of {x} cannot move alone; ∇{letter} is the projection to the space of the steps of "]
    return [Entry("entries", [*said, Math("{0}", d.cotangent), ", the gradient as if all entries were free"])]


def _about(case: Case) -> list[Inline]:
    if case.words in ("symmetric", "adding up to 1"):
        return [Math("{0}", case.symbol), f" {case.words}"]
    return [Math(f"{{0}} = {case.words}", case.symbol)]


def other_ways(d: Derivative, page: Page, letter: str) -> Iterator[Block]:
    """The same map as action on a direction, with vec, as a linearization, and entry by entry."""
    x = page.variable
    blocks: list[Block] = []
    name = free_letter(d)
    v = variable(name, x.shape, () if x.real else ("complex",), "normal", "differential")
    blocks.append(Entry(f"direction {name}", [Math(f"D{letter}({page.name})[{name}] = {{0}}", d(v))]))
    if gradient_of(d) and x.kind == "matrix" and x.real:
        blocks.append(Entry("vec", [Math(f"d{letter} = {{0}}", d.vec_form())]))
    if len(x.shape) == 2 and len(d.function.shape) == 2:

        def linearization(notation: Notation) -> str:
            return Page(page.reading, page.name, style=notation, check=False)._linearization(d)

        exact = page.affine(d)
        smooth = "of second order in" if not functions(d.function) else "small compared with"
        remark = f"exact: {letter} is affine in {page.name}" if exact else f"with an error {smooth} the step"
        equal = "=" if exact else "≈"
        blocks.append(Entry("linearization", [Math(f"{letter}({page.name}) {equal} {{0}}", linearization)], [remark]))
    blocks += _by_entries(d, letter)
    if blocks:
        yield Heading("The same derivative in other ways")
        yield from blocks


def _by_entries(d: Derivative, letter: str) -> list[Block]:
    """The derivative entry by entry; of a function that is a sum of entries the second way to find it."""
    x = d.variable
    if len(x.shape) != 2 or len(d.function.shape) != 2 or x.shape == SCALAR or d.raw_differential.leaves > MANY:
        return []
    write = write_partials if gradient_of(d) else write_components
    try:
        write(d, letter, "unicode")
    except UnsupportedError:  # of a function that is not holomorphic
        return []
    partials = Math("{0}", lambda n: write(d, letter, n))
    free = structure_of(x) == "general" and gradient_of(d) and x.real
    if free and d.function.leaves <= MANY and write_in_entries(d, letter) is not None:
        sum_of_entries = Math("{0}", lambda n: write_in_entries(d, letter, n) or "")
        words: list[Inline] = ["by indices: ", sum_of_entries, "; the terms with one entry of the variable give ", partials]
        return [Entry("another route", words)]
    if gradient_of(d) and (structure_of(x) != "general" or not x.real):
        return []  # no entry is a partial derivative there
    return [Entry("entry by entry", [partials])]


def rules_used(derivations: Sequence[Derivation], rows: Rows) -> Iterator[Block]:
    used = list(dict.fromkeys(r for derivation in derivations for r in derivation.rules if r.general))
    if used:
        lines: list[Block] = [Paragraph([f"{rows.called(r)}: ", *rows.explained(r)]) for r in used]
        yield Details("Rules used: what they say, why they hold, where they stand", lines)


def recipe(d: Derivative, x: str) -> Block:
    first = "For the next one: (1) take d from the outside in; constants have d = 0, factors keep their order; "
    if gradient_of(d):
        number = "traces" if d.variable.kind == "matrix" else "a row times a column"
        last = (
            f"(2) write the number that comes out as {number}; (3) turn and transpose until d{x} stands last; "
            f"(4) what stands before it is Gᵀ: transpose it; (5) check its shape, and one number by differences."
        )
    elif d.variable.shape == SCALAR:
        last = f"(2) what stands beside d{x} is the derivative; (3) check one number by differences."
    else:
        last = (
            f"(2) collect what stands before and behind d{x}; (3) vec(A V B) = (Bᵀ ⊗ A) vec(V) makes one matrix of it; "
            f"(4) check its shape, and one number by differences."
        )
    return Paragraph([first + last])
