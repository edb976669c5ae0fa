"""How a call finds its program: by the classes, shapes and precisions of the arguments.

A call of tiny arrays takes a microsecond, so what comes before the first step is written out: the function of a class of
its own, which looks the program up in a dictionary. Before it stands one condition for the kinds of arguments that come
first: in C where Frechet was installed with a compiler (`_dispatch.c`), else with the steps of the program behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from frechet.compilation.numpy_source import WORDS, Program, free_name

if TYPE_CHECKING:
    from frechet.compilation._dispatch import Guard

Key = tuple[Any, ...]
MISSING = type("Missing", (), {"__repr__": lambda self: "missing"})()


def named(called: str, names: Sequence[str], args: Sequence[Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a call that `Dispatch` leaves to others, by the names of the variables.

    Raises:  TypeError, for too many, or one that is given under two names
    """
    if len(args) > len(names):
        raise TypeError(f"{called}() takes {len(names)} arguments ({', '.join(names)}), not {len(args)}")
    given = {n: a for n, a in zip(names, args, strict=False) if a is not MISSING}
    twice = given.keys() & more.keys()
    if twice:
        raise TypeError(f"{called}() is given {min(twice)} twice")
    return {**given, **more}


class Dispatch:
    """The call of a program with these parameters.

    arrays: for each parameter, has it a shape and a precision (else it is a number)?
    first: what a call goes to whose arguments are of kinds not met before
    renamed: what parameters are called by the caller, where that is no name in Python, or is taken
    """

    def __init__(
        self,
        parameters: Sequence[str],
        arrays: Sequence[bool],
        first: Callable[..., Any],
        renamed: Mapping[str, str],
    ) -> None:
        self.parameters, self.arrays = list(parameters), list(arrays)
        self.known: dict[Key, Callable[..., Any]] = {}
        taken = set(parameters)
        this, rest, more, known, begun, missing, run = (
            free_name(n, taken) for n in ("self", "rest", "more", "known", "first", "missing", "run")
        )
        names = ", ".join(parameters)
        kinds = [
            f"{p}.__class__, {p}.shape, {p}.dtype" if a else f"{p}.__class__"
            for p, a in zip(parameters, arrays, strict=True)
        ]
        key = "(" + ", ".join(kinds) + ",)"
        self.others = f"*{rest}, **{more}"  # what there may be beside the parameters, for `first`
        self.any_others = f"{rest} or {more}"
        space: dict[str, Any] = {known: self.known, begun: first, missing: MISSING}
        lines = [
            f"def __call__({this}, {', '.join(f'{p}={missing}' for p in parameters)}, {self.others}):",
            f"    if {self.any_others}:",
            *(f"        if {p} is {missing}: {p} = {more}.pop({v!r}, {missing})" for p, v in renamed.items()),
            f"        if {self.any_others}:",
            f"            return {begun}({names}, {self.others})",
            "    try:",
            f"        {run} = {known}[{key}]",
            "    except (KeyError, AttributeError):",
            f"        {run} = {begun}",
            f"    return {run}({names})",
            f"def kinds({names}):",
            f"    return {key}",
        ]
        exec("\n".join(lines), space)
        self.call: Callable[..., Any] = space["__call__"]
        self.kinds: Callable[..., Key] = space["kinds"]

    def at_once(self, owner: object, program: Program, run: Callable[..., Any], key: Key) -> Callable[..., Any]:
        """The call with one condition before it: arguments of these kinds go to the program.

        owner: what is called
        run: the program, compiled
        """
        return self.guarded(owner, run, key) or self._inlined(program, run.__globals__, key)

    def guarded(self, owner: object, run: Callable[..., Any], key: Key) -> Callable[..., Any] | None:
        """The same where the condition is in C; None where it is not."""
        guard = _guard()
        return None if guard is None else guard(run, self.call.__get__(owner), tuple(self._by_parameter(key)))

    def are_as_they_are(self, given: Sequence[Any], converted: Sequence[Any], letter: str) -> bool:
        """May arguments of the kinds of those given go to a program without conversion?"""
        import numpy as np

        # a number of double precision would make single arrays double, and a number may be given as an array of no axes:
        # others of that class have axes
        numbers = (float, np.float64) if letter in "dz" else (float,)
        return all(
            type(a) is np.ndarray and b is a if array else type(a) in numbers
            for a, b, array in zip(given, converted, self.arrays, strict=True)
        )

    def _by_parameter(self, key: Key) -> Iterator[tuple[Any, ...]]:
        """The class of each argument, for arrays with their precision and shape."""
        rest = iter(key)
        for array in self.arrays:
            if array:
                given, shape, dtype = next(rest), next(rest), next(rest)
                yield given, dtype, shape
            else:
                yield (next(rest),)

    def _inlined(self, program: Program, space: Mapping[str, Any], key: Key) -> Callable[..., Any]:
        """The call with the steps of the program for arguments of these kinds in it.

        space: what the program calls, by name
        """
        own = dict(space)
        taken = set(own) | set(self.parameters) | set("\n".join(program.lines).split()) | set(WORDS.findall(self.others))

        def bound(stem: str, value: Any) -> str:
            name = free_name(stem, taken)
            own[name] = value
            return name

        conditions = []
        for i, (p, (given, *precise)) in enumerate(zip(self.parameters, self._by_parameter(key), strict=True)):
            conditions.append(f"{p}.__class__ is {bound(f'class_{i}', given)}")
            if precise:
                dtype, shape = precise
                conditions.append(f"{p}.dtype is {bound(f'dtype_{i}', dtype)} and {p}.shape == {bound(f'shape_{i}', shape)}")
        this, other = bound("self", None), bound("other", self.call)
        missing = bound("missing", MISSING)
        parameters = ", ".join(f"{p}={missing}" for p in self.parameters)
        lines = [
            f"def __call__({this}, {parameters}, {self.others}):",
            f"    if not ({self.any_others}) and {' and '.join(conditions)}:",
            *(f"        {line}" for line in program.lines),
            f"    return {other}({this}, {', '.join(self.parameters)}, {self.others})",
        ]
        exec("\n".join(lines), own)
        return own["__call__"]  # type: ignore[no-any-return]


@cache
def _guard() -> type[Guard] | None:
    """The condition in C; None where there was no compiler when Frechet was installed."""
    try:
        from frechet.compilation import _dispatch
    except ImportError:
        return None
    return _dispatch.Guard
