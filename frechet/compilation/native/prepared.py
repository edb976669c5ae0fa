"""Prepared programs in C: one extension computes what depends on the fixed inputs only, another takes that and the rest.

What is passed between them lies as it does in one program, so that factorizations are passed too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from frechet.compilation.native.building import bound, load
from frechet.compilation.native.emission import Source, standing_for
from frechet.compilation.native.functions import NotInC
from frechet.compilation.values import Value, walk

if TYPE_CHECKING:
    from frechet.compilation.native.program import NativeSpecialised


class _Left(Exception):
    """The first part is left to NumPy."""


def prepared_in_c(
    made: NativeSpecialised, arrays: Mapping[str, Any], otherwise: Callable[[], Callable[..., Any]]
) -> Callable[..., Any] | None:
    """The function of the inputs that are not fixed; None where a part has no C, or is left to NumPy.

    arrays: the fixed inputs, by name
    otherwise: makes the function in NumPy
    """
    found = _sources(made)
    if found is None:
        return None
    first, rest = (load(source.text) for source in found)
    if first is None or rest is None:
        return None
    before, after = (bytearray(source.accepted(made.sizes)) for source in found)
    try:
        kept = bound(first, _left, before)(*arrays.values())
    except _Left:
        return None
    general = cache(otherwise)
    run = bound(rest, lambda *args: general()(*args[len(kept) :]), after, made.whole.keys)
    return partial(run, *kept)


def _left(*args: Any) -> Any:
    raise _Left


def _sources(made: NativeSpecialised) -> tuple[Source, Source] | None:
    roots, whole = made.written_roots, made.whole
    kept = {a: None for v in walk(roots) if v not in made.once for a in v.args} | dict.fromkeys(roots)
    passed: list[Value] = []
    for v in kept:
        if v in made.once and v.op not in ("number", "size"):
            passed.append(v)
            if v.op == "lu":
                passed.append(made.graph.make("pivots", (v,), (), v.shape[:1]))
    there = {str(i): v for i, v in enumerate(passed)}
    _, _, known, _ = whole._names
    early = [v for v in known if v.params[0] in made.early]
    late = [v for v in known if v.params[0] not in made.early]
    sizes = made.sizes if whole.few(made) else None
    try:
        return (
            Source(passed, early, False, False, made.letter, sizes),
            Source(
                roots,
                [*(standing_for(name, v) for name, v in there.items()), *late],
                whole.keys is not None,
                whole.single,
                made.letter,
                sizes,
                there,
            ),
        )
    except NotInC:
        return None
