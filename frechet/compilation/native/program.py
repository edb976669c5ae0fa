"""Compiled programs that run in C: where there is no C for a program, or no compiler, they are those of NumPy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from types import ModuleType
from typing import Any

from frechet.compilation.compiled import CompiledProgram, Specialised
from frechet.compilation.emitting.functions import MULTIPLIED
from frechet.compilation.native.building import bound, has_vector_functions, load
from frechet.compilation.native.emission import Source
from frechet.compilation.native.functions import NotInC
from frechet.compilation.native.prepared import prepared_in_c
from frechet.compilation.numpy_source import runnable
from frechet.compilation.timing import CALL, Rates
from frechet.compilation.values import Value

FEW = 16  # a size up to which the loops are written out
LONG, SEVERAL = 60, 4  # steps of a program whose C takes long to build for all sizes, and for how many it is built apart
SHORT = 2e-4  # seconds, as the passes reckon them
NEARLY_ALL = 0.9
SLOWER = {  # seconds for an entry, in C's library beyond those in NumPy, where it has only functions of one
    "exp": 2e-9, "exp_of_minus": 2e-9, "log": 2e-9, "log1p": 4e-9, "expm1": 4e-9, "arctan": 4e-9, "softplus": 4e-9,
    "cosh": 6e-9, "sinh": 7e-9, "tanh": 9e-9,
}  # fmt: skip
POWER, POWERS = 9e-9, 1.4e-9  # of one number, and of several at once


class NativeSpecialised(Specialised):
    """The program for certain sizes and a certain precision, in C where that can be."""

    whole: NativeProgram

    @cached_property
    def c(self) -> Source | None:
        """The program in C; None where a step is only in NumPy."""
        whole = self.whole
        if whole.functions or self.early or not whole.worthwhile(self):
            return None
        _, _, known, _ = whole._names
        try:
            return Source(self.written_roots, known, whole.keys is not None, whole.single, self.letter, whole.fixed(self))
        except NotInC:
            return None

    @cached_property
    def c_source(self) -> str | None:
        """The text of the extension module."""
        return self.c.text if self.c is not None else None

    @cached_property
    def module(self) -> ModuleType | None:
        """The extension module, built at the first use."""
        return load(self.c_source) if self.c_source is not None else None

    @property
    def in_python(self) -> bool:
        return self.module is None

    @cached_property
    def accepted(self) -> bytes:
        assert self.c is not None
        return self.c.accepted(self.sizes)

    @cached_property
    def run(self) -> Callable[..., Any]:
        if self.module is None or self.c is None:
            return runnable(self.program)  # type: ignore[no-any-return]
        self.whole.link(self)
        return self.bound(self._otherwise, bytearray(self.accepted))

    def bound(self, otherwise: Callable[..., Any], accepted: bytearray) -> Callable[..., Any]:
        """The function in C for these sizes, with the one to which it leaves what it does not do."""
        assert self.module is not None
        return bound(self.module, otherwise, accepted, self.whole.keys)  # type: ignore[no-any-return]

    def _otherwise(self, *args: Any) -> Any:
        return self._general(*args)

    @cached_property
    def _general(self) -> Callable[..., Any]:
        """The program where a matrix is not as it must be: it goes by LU, or says which matrix it is."""
        if any(v.op == "cholesky" and v.params[0] for v in self.steps):  # only tried
            return NativeSpecialised(self.whole, self.sizes, self.letter, self.early, self.ordered).run
        return runnable(self.program)  # type: ignore[no-any-return]


class NativeProgram(CompiledProgram):
    """A compiled program that runs in C. A call goes to C at once where the sizes were met before."""

    def __init__(self, *args: Any, **keywords: Any) -> None:
        self.linked: dict[ModuleType, bytearray] = {}
        self.apart: dict[str, list[Mapping[str, int]]] = {}  # sizes that have a C of their own, by precision
        super().__init__(*args, **keywords)

    @property
    def kind(self) -> type[Specialised]:
        return NativeSpecialised

    def worthwhile(self, made: Specialised) -> bool:
        """Is the program for these sizes to run in C, where it can?"""
        return True

    def few(self, made: Specialised) -> bool:
        """Are its sizes so small that the loops are written out?"""
        return max(made.sizes.values(), default=0) <= FEW

    def begun(
        self, made: Specialised, given: Mapping[str, Any], arrays: Mapping[str, Any], free: Mapping[str, int]
    ) -> Callable[..., Any]:
        assert isinstance(made, NativeSpecialised)
        in_numpy = partial(super().begun, made, given, arrays, free)
        if self.functions or not self.worthwhile(made):
            return in_numpy()
        return prepared_in_c(made, {n: arrays[n] for n in self.arguments.names if n in given}, in_numpy) or in_numpy()

    def fixed(self, made: Specialised) -> Mapping[str, int] | None:
        """The sizes, where they are to be numbers in C: the first ones that are small, several of a long program.

        C for others is for all sizes.
        """
        apart = self.apart.setdefault(made.letter, [])
        if made.sizes not in apart:
            most = SEVERAL if len(made.steps) > LONG else 1 if self.few(made) else 0
            if len(apart) >= most:
                return None
            apart.append(made.sizes)
        return made.sizes

    def link(self, made: NativeSpecialised) -> None:
        """Calls with these sizes go to the module from now on, other calls where they went."""
        assert made.module is not None
        own = type(self)
        if own is self.own_class:  # its calls are not by kinds of arguments
            return
        if made.module in self.linked:
            self.linked[made.module] += made.accepted
            return
        accepted = self.linked[made.module] = bytearray(made.accepted)
        own.__call__ = made.bound(self.__call__, accepted)  # type: ignore[method-assign]


class AutomaticProgram(NativeProgram):
    """A compiled program that runs in C at sizes at which that pays, and in NumPy at others.

    It does not where BLAS and LAPACK take nearly all of the time: they are the same for both, and building takes a while;
    nor where NumPy's functions of several entries at a time gain more than its calls lose, which is so where C's library
    has none.
    """

    def worthwhile(self, made: Specialised) -> bool:
        return pays(made.rates, [v for v in made.steps if v not in made.once])


def pays(rates: Rates, steps: Sequence[Value]) -> bool:
    """Are these steps faster in C, so that it is worth building?"""
    total = rates.total(steps)
    if total >= SHORT and sum(map(rates.of_libraries, steps)) >= NEARLY_ALL * total:
        return False
    slower = sum(_slower(v) * rates.entries(v.shape) for v in steps if v.op == "map")
    return slower < CALL * len(steps)


def _slower(v: Value) -> float:
    """The seconds that an entry takes longer in C. Small whole powers are products, and there are square roots."""
    name, *exponent = v.params[0]
    if name == "epower" or (name == "power" and abs(exponent[0]) not in (0.5, *range(MULTIPLIED + 1))):
        return POWERS if has_vector_functions() else POWER
    return 0.0 if has_vector_functions() else SLOWER.get(name, 0.0)
