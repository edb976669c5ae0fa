"""How a call finds its program: by the classes, shapes and precisions of the arguments.

A call of tiny arrays takes a microsecond, so what comes before the first step is written out: the function of a class of
its own, which looks the program up in a dictionary; for the kinds of arguments that come first, the steps of the
program stand in that function themselves, behind one condition.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from frechet.compilation.numpy_source import Program

Key = tuple[Any, ...]
MISSING = type("Missing", (), {"__repr__": lambda self: "missing"})()


class Dispatch:
    """The call of a program with these parameters.

    arrays: for each parameter, has it a shape and a precision (else it is a number)?
    first: what a call goes to whose arguments are of kinds not met before
    more: may there be arguments of other names, for `first`?
    """

    def __init__(
        self, parameters: Sequence[str], arrays: Sequence[bool], first: Callable[..., Any], more: bool = False
    ) -> None:
        self.parameters, self.arrays = list(parameters), list(arrays)
        self.known: dict[Key, Callable[..., Any]] = {}
        names = ", ".join(parameters)
        kinds = [
            f"{p}.__class__, {p}.shape, {p}.dtype" if a else f"{p}.__class__"
            for p, a in zip(parameters, arrays, strict=True)
        ]
        key = "(" + ", ".join(kinds) + ",)"
        space: dict[str, Any] = {"known": self.known, "first": first, "missing": MISSING}
        self.more = ", **more" if more else ""
        lines = [
            f"def __call__(self, {', '.join(f'{p}=missing' for p in parameters)}{self.more}):",
            *(["    if more:", f"        return first({names}, **more)"] if more else []),
            "    try:",
            f"        run = known[{key}]",
            "    except (KeyError, AttributeError):",
            "        run = first",
            f"    return run({names})",
            f"def kinds({names}):",
            f"    return {key}",
        ]
        exec("\n".join(lines), space)
        self.call: Callable[..., Any] = space["__call__"]
        self.kinds: Callable[..., Key] = space["kinds"]

    def inlined(self, program: Program, space: Mapping[str, Any], key: Key) -> Callable[..., Any]:
        """The call with the steps of the program for arguments of these kinds in it.

        space: what the program calls, by name
        """
        own = dict(space)
        taken = set(own) | set(self.parameters) | set("\n".join(program.lines).split())

        def bound(stem: str, value: Any) -> str:
            name = stem
            while name in taken:
                name += "_"
            taken.add(name)
            own[name] = value
            return name

        conditions = []
        rest = iter(key)
        for i, (p, array) in enumerate(zip(self.parameters, self.arrays, strict=True)):
            conditions.append(f"{p}.__class__ is {bound(f'class_{i}', next(rest))}")
            if array:
                shape, dtype = next(rest), next(rest)
                conditions.append(f"{p}.dtype is {bound(f'dtype_{i}', dtype)} and {p}.shape == {bound(f'shape_{i}', shape)}")
        this, other = bound("self", None), bound("other", self.call)
        missing = bound("missing", MISSING)
        given = ", ".join(f"{p}={missing}" for p in self.parameters)
        lines = [
            f"def __call__({this}, {given}{self.more}):",
            f"    if {'not more and ' if self.more else ''}{' and '.join(conditions)}:",
            *(f"        {line}" for line in program.lines),
            f"    return {other}({this}, {', '.join(self.parameters)}{self.more})",
        ]
        exec("\n".join(lines), own)
        return own["__call__"]  # type: ignore[no-any-return]
