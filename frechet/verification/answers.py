"""Answers that people type, read with the variables of the function that they are about.

An answer may be text notation or LaTeX, may begin with `∇g =`, may have definitions of its own, and may use I for the
identity matrix and dX for the differential of the variable.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations, pairwise, product
from typing import NamedTuple

from frechet.expressions.dimension import UNIT, Shape
from frechet.expressions.errors import FrechetError, NotationError, ShapeError
from frechet.expressions.node import Expr, substitute, variables
from frechet.notation.reading import Reading, read
from frechet.notation.syntax import tokens_of
from frechet.notation.translation import Translation, edited, untranslated
from frechet.operations.constants import VARIABLE, variable, zeros
from frechet.verification.repairs import closing

LABEL = re.compile(r"[^=\n]{0,60}[^=\n<>!:.*/+~≈-]=(?!=)")  # `∇g =`, `df/dx =`, `\frac{\partial g}{\partial X} =`
COMMAND = re.compile(
    r"\\\(.*\\\)|\\\[.*\\\]|"
    r"\\(?:[A-Za-z]{3,}|[{}|,;!:> ]|(?:ln|Re|Im|tr|Tr|mu|nu|xi|Xi|pi|Pi|bm|in|to|ne|le|ge)(?![A-Za-z]))",
    re.DOTALL,
)
IDENTITY = re.compile(r"I(?:_(\w+))?|𝐈|𝕀|𝟙")
ARRAY_SIGNS = re.compile(r"(?<=[\w)\]'])\.T(?!\w)|\*\*")
TRANSPOSE = re.compile(r"(?<![\w\\{])(transpose)\(")
ONES = ("𝟏", "𝟭")
ONES_VECTOR = "vector(1)"
ONES_TRIED = 4  # so many of them may be matrices
EYE_ALONE = re.compile(r"\beye\b(?!\()")
SIZES_TRIED = 5
SIZED = re.compile(r"\b(eye|ones|zeros)\(([^()]*)\)")
WORD = re.compile(r"[^\W\d]\w*")
RENAMED = 3  # so many names of sizes in an answer may be other names for inferred ones
EYES_TRIED = 3  # so many get the sizes of the function, where theirs cannot be told
WANTED = "wanted_shape"  # the name of a variable of the shape that is expected


class Names(NamedTuple):
    """What an answer may use: expressions by name, declarations of functions, and names of dimensions.

    inferred: the dimensions that were not declared, so that an answer may have other names for them
    """

    expressions: Mapping[str, Expr]
    declarations: Sequence[str] = ()
    dimensions: frozenset[str] = frozenset()
    inferred: frozenset[str] = frozenset()


def names_of(
    given: Mapping[str, Expr], definitions: Mapping[str, Expr], declarations: Sequence[str], functions: Iterable[str]
) -> Names:
    """The names of a function that has been read: its variables, what it defines, its declared functions."""
    called = [d for d in declarations if d.split(":")[0].strip() in set(functions)]
    everything = {**definitions, **given}
    dims = frozenset(n for e in everything.values() for d in e.shape if d is not UNIT for n in d.names())
    said = frozenset(word for d in declarations for word in WORD.findall(d.partition(":")[2]))
    return Names(everything, called, dims, dims - said)


def unlabelled(text: str) -> Translation:
    """What was typed, without a label such as `∇g =` before it."""
    plain = untranslated(text)
    label = LABEL.match(text) if "\n" not in text.strip() else None
    return plain if label is None or label.end() >= len(text) else edited(plain, [(0, label.end(), "")])


def with_array_signs(plain: Translation) -> Translation:
    """A.T as A', x**2 as x^2 and transpose(A) as (A)': transposes and powers as NumPy and other programs have them."""
    text = plain.text
    changes = [(m.start(), m.end(), "'" if m[0] == ".T" else "^") for m in ARRAY_SIGNS.finditer(text)]
    for m in TRANSPOSE.finditer(text):
        end = closing(text, m.end() - 1)
        if end is not None:
            changes += [(m.start(1), m.end(1), ""), (end, end + 1, ")'")]
    return edited(plain, sorted(changes))


def translated(plain: Translation, names: Names, latex: bool | None = None) -> Translation:
    """The answer in the text notation, with I written as eye. latex: is it LaTeX? By default as it looks.

    Raises:  NotationError with the place, for LaTeX that is not covered
    """
    if is_latex(plain.text) if latex is None else latex:
        from frechet.notation.latex_reading import from_latex

        return from_latex(plain, names.expressions, names.dimensions, _called(names))
    return with_identity(plain, names)


def is_latex(text: str) -> bool:
    r"""Is it LaTeX? It has a command; the text notation has the backslash alone, in A\b and X\dX."""
    return COMMAND.search(text) is not None


def _called(names: Names) -> list[str]:
    return [d.split(":")[0].strip() for d in names.declarations]


def with_identity(plain: Translation, names: Names) -> Translation:
    """I as eye, I_n as eye(n), 𝟏 as a vector of ones."""
    changes = []
    for kind, start, end in tokens_of(plain.text):
        word = plain.text[start:end]
        if kind != "NAME" or word in names.expressions or plain.text[end : end + 1] == "(":
            continue
        found = IDENTITY.fullmatch(word)
        if found is not None:
            size = found[1]
            changes.append((start, end, "eye" if size is None else f"eye({size})"))
        elif word in ONES:
            changes.append((start, end, ONES_VECTOR))
    return edited(plain, changes)


def typed(text: str, names: Names, shapes: Sequence[Shape] = ()) -> tuple[Translation, Expr | ShapeError]:
    """An answer in the text notation, and its expression, or why the shapes in it do not fit together.

    What does not read as text but does as LaTeX is taken for LaTeX: products by juxtaposition, as books and the pages of
    this program write them, 2Aᵀ(A x − b).

    Raises:  NotationError with the place, where it does not read or uses a name that the function does not have
    """
    plain = with_array_signs(unlabelled(text))
    found = translated(plain, names)
    try:
        return found, read_answer(found, names, shapes)
    except ShapeError as error:
        return found, error
    except NotationError as error:
        if not is_latex(plain.text):
            try:
                side_by_side = translated(plain, names, latex=True)
                return side_by_side, read_answer(side_by_side, names, shapes)
            except ShapeError as misfit:
                return side_by_side, misfit
            except FrechetError:
                pass
        raise error from None


def read_answer(answer: Translation, names: Names, shapes: Sequence[Shape] = ()) -> Expr:
    """The expression of an answer.

    shapes: of the derivative, in its layouts: what the sizes of `eye` and `ones(k)` in the answer may follow from
    Raises:  ShapeError with the place, where shapes in the answer do not fit together; NotationError with the place, where
             it does not read or uses a name that the function does not have
    """
    try:
        reading = _read(answer.text, names, shapes)
    except FrechetError as error:
        unknown = _unknown(answer, names)
        if unknown is not None and not isinstance(error, NotationError):
            raise unknown from None
        raise answer.placed(error) from None
    new = [name for name in reading.variables if name not in names.expressions]
    if new:
        raise _unknown(answer, names) or _has_not(new[0], names)
    e = reading.expression
    open_sizes = {n for d in e.shape if d is not UNIT for n in d.names()} - names.dimensions
    if open_sizes or any(n.op is not VARIABLE and _open(n, names) for n in _constants(e)):
        for shape in shapes:
            fitted = _fitted(answer, names, shape)
            if fitted is not None:
                return fitted
    return e


def _read(text: str, names: Names, shapes: Sequence[Shape] = ()) -> Reading:
    """The text, or its first variant that reads and has one of the shapes, or else the first that reads."""
    error: FrechetError | None = None
    other: Reading | None = None
    for variant in _variants(text, names):
        try:
            found = read(variant, names.declarations, names.expressions, dimensions=names.dimensions)
        except FrechetError as e:
            error = error or e
            if not isinstance(e, ShapeError):
                break
            continue
        if found.expression.shape in shapes or not (shapes and names.inferred):
            return found
        other = other or found
    if other is not None:
        return other
    assert error is not None
    raise error


def _variants(text: str, names: Names) -> Iterator[str]:
    """The text; with some vectors of ones as matrices, as a bold 1 is written for both; with sizes for eye that fit."""
    yield text
    yield from _with_ones(text)
    yield from _renamed(text, names)
    parts = EYE_ALONE.split(text)
    if 1 < len(parts) <= EYES_TRIED + 1:
        known = sorted({str(d) for e in names.expressions.values() for d in e.shape if d is not UNIT})
        for sizes in product(known[:SIZES_TRIED], repeat=len(parts) - 1):
            yield parts[0] + "".join(f"eye({n}){part}" for n, part in zip(sizes, parts[1:], strict=True))


def _renamed(text: str, names: Names) -> Iterator[str]:
    """The text with sizes of the function that nobody declared for the sizes it names in ones(k), eye(k)."""
    used = sorted({w for m in SIZED.finditer(text) for w in WORD.findall(m[2])} - (names.dimensions - names.inferred))
    if not used or not names.inferred or len(used) > RENAMED:
        return
    for chosen in product(sorted(names.inferred)[:SIZES_TRIED], repeat=len(used)):
        yield _with_sizes(text, dict(zip(used, chosen, strict=True)))


def _with_sizes(text: str, new: Mapping[str, str]) -> str:
    return SIZED.sub(lambda m: f"{m[1]}({WORD.sub(lambda w: new.get(w[0], w[0]), m[2])})", text)


def _with_ones(text: str) -> Iterator[str]:
    first, *rest = text.split(ONES_VECTOR)
    if 0 < len(rest) <= ONES_TRIED:
        for count in range(1, len(rest) + 1):
            for chosen in combinations(range(len(rest)), count):
                yield first + "".join(
                    ("matrix(1)" if i in chosen else ONES_VECTOR) + part for i, part in enumerate(rest)
                )  # fmt: skip


def _constants(e: Expr) -> list[Expr]:
    from frechet.expressions.node import walk

    return [n for n in walk(e) if not n.args]


def _open(e: Expr, names: Names) -> bool:
    return bool({n for d in e.shape if d is not UNIT for n in d.names()} - names.dimensions)


def _fitted(answer: Translation, names: Names, shape: Shape) -> Expr | None:
    """The answer read beside something of a shape, so that its own open sizes become those of that shape."""
    goal = variable(WANTED, shape)
    *lines, last = answer.text.strip("\n").split("\n")
    text = "\n".join([*lines, f"({last}) + {WANTED}"])
    try:
        e = _read(text, names._replace(expressions={**names.expressions, WANTED: goal}), [shape]).expression
    except FrechetError:
        return None
    return substitute(e, {goal: zeros(shape)}) if goal in variables(e) else None


def _unknown(answer: Translation, names: Names) -> FrechetError | None:
    """The error for the first name of the answer that means nothing."""
    text = answer.text
    tokens = tokens_of(text)
    defined = {text[s:e] for (k, s, e), after in pairwise(tokens) if k == "NAME" and after[0] == "EQUALS"}
    if "sum_" in text:
        return None
    for i, (kind, start, end) in enumerate(tokens):
        word = text[start:end]
        after = tokens[i + 1][0] if i + 1 < len(tokens) else ""
        if (
            kind != "NAME"
            or after == "LPAR"
            or word in {"pi", "eye"} | defined | names.dimensions | names.expressions.keys()
        ):
            continue
        error = _has_not(word, names)
        error.position, error.end, error.text = start, end, text
        return answer.placed(error)
    return None


def _has_not(word: str, names: Names) -> FrechetError:
    known = [n for n, e in names.expressions.items() if e.op is not VARIABLE or e.params[3] != "differential"]
    near = [n for n in known if n.casefold() == word.casefold()]
    hint = f": did you mean {near[0]}?" if near else f"; its variables are {', '.join(known)}"
    return NotationError(f"your answer uses {word}, which the function does not have{hint}")
