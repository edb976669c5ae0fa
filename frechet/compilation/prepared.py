"""Programs with some inputs fixed: what depends on these alone is computed once, and applied to many of the others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from frechet.compilation.allocation import keep_freed_memory
from frechet.compilation.dispatch import named
from frechet.compilation.numpy_source import WORDS, Program, further_sizes, size_lines
from frechet.compilation.places import check_places
from frechet.compilation.sizes import bind
from frechet.expressions.node import Expr

if TYPE_CHECKING:
    from frechet.compilation.compiled import CompiledProgram


class Prepared:
    """A compiled program of the inputs that are left, in their order.

    given: the inputs that are fixed, by name; `names` the others
    spare: names of what a call may give too, and no output needs
    """

    def __init__(self, program: CompiledProgram, given: Mapping[str, Any], spare: Collection[str] = ()) -> None:
        every = program.arguments.names
        unknown = [n for n in given if n not in every]
        if unknown:
            raise TypeError(f"{program.name}() has no argument {unknown[0]!r} to prepare: it takes {', '.join(every)}")
        if not given:
            raise TypeError(f"nothing is given to prepare {program.name}() for: it takes {', '.join(every)}")
        self.program = program
        self.given = dict(given)
        self.spare = frozenset(spare)
        self.names = [n for n in every if n not in given]
        self._applied: dict[Any, Callable[..., Any]] = {}
        self._install()

    def _install(self) -> None:
        """A class of its own, whose call finds what is prepared by the kinds of its arguments, as that of the program."""
        left = [v for v in self.program.inputs if v.params[0] not in self.given]
        self._dispatch = self.program.dispatch(left, self._first_call)
        if self._dispatch is not None:
            call = {"__call__": self._dispatch.call, "__module__": Prepared.__module__}
            self.__class__ = type("Prepared", (Prepared,), call)

    def __reduce__(self) -> tuple[Any, ...]:
        return (Prepared, (self.program, self.given, self.spare))

    def __call__(self, /, *args: Any, **keywords: Any) -> Any:
        """The outputs. Raises what the program raises."""
        return self._converted(args, keywords)

    def _first_call(self, /, *args: Any, **more: Any) -> Any:
        """A call with arguments of kinds not met before."""
        return self._converted((), named(self.program.name, self.names, args, more))

    def _converted(self, args: Sequence[Any], keywords: Mapping[str, Any]) -> Any:
        """A call whose arguments are of kinds not met before, or have to be converted."""
        keep_freed_memory()
        rest = dict(zip([*self.names, *self.program.arguments.sizes], args, strict=False))
        keywords = {n: a for n, a in keywords.items() if n not in self.spare}
        values = self.program.arguments.bound(self.program.name, (), {**self.given, **rest, **keywords})
        arrays, sizes, letter = self.program.read(values)
        check_places(self.program.places, sizes)
        key = (letter, *sizes.values(), *(self.program.place(arrays[n]) for n in self.given))
        apply = self._applied.get(key)
        if apply is None:
            made = self.program.specialised(sizes, letter, tuple(self.given))
            free = {p: sizes[n] for n, p in made.program.sizes.items()}
            apply = self._applied[key] = self.program.begun(made, self.given, arrays, free)
        left, in_order = [arrays[n] for n in self.names], [values[n] for n in self.names]
        if self._dispatch is not None and self.program.as_they_are(self._dispatch, in_order, left, letter):
            self._enter(apply, self._dispatch.kinds(*in_order))
        return self.program.returned(apply(*left), values)

    def _enter(self, apply: Callable[..., Any], key: Any) -> None:
        """Arguments of these kinds go there from now on."""
        assert self._dispatch is not None
        first = self.program.guarded and not self._dispatch.known  # the kinds that come first
        guard = self._dispatch.guarded(self, apply, key) if first else None
        if guard is not None:
            setattr(type(self), "__call__", guard)  # noqa: B010  (the class is that of this object alone)
        self._dispatch.known[key] = apply

    @property
    def source(self) -> str:
        """The program as source: a function of the fixed inputs that returns a function of the others."""
        return self.program.at(early=tuple(self.given)).source

    def __repr__(self) -> str:
        return f"<{self.program.name}({', '.join(self.names)}), prepared for {', '.join(self.given)}>"


def prepared_lines(
    program: Program,
    first: Sequence[str],
    rest: Sequence[str],
    known: Sequence[Expr],
    names_of_sizes: Mapping[str, str],
    early: Collection[str],
) -> list[str]:
    """The body of a function that computes `first` and returns the function of the other inputs that computes `rest`."""
    late = [v for v in known if v.params[0] not in early]
    bound = bind([v for v in known if v.params[0] in early])
    needed = set(names_of_sizes) & set(WORDS.findall("\n".join(rest)))
    bindings = {n: b for n, b in bind(late).items() if n not in bound}
    wanted = {n for n in needed | further_sizes(needed, bindings) if n in bindings}
    inner = [*size_lines(wanted, bindings, late, program.parameters), *rest]
    head = f"def apply({', '.join(program.parameters[v.params[0]] for v in late)}):"
    return [*first, head, *(f"    {line}" for line in inner), "return apply"]
