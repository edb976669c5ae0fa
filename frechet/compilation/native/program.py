"""Compiled programs that run in C: where there is no C for a program, or no compiler, they are those of NumPy."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import cached_property
from types import ModuleType
from typing import Any

from frechet.compilation.compiled import CompiledProgram, Specialised
from frechet.compilation.native.building import load
from frechet.compilation.native.emission import Source
from frechet.compilation.native.functions import NotInC
from frechet.compilation.numpy_source import runnable


class NativeSpecialised(Specialised):
    """The program for certain sizes and a certain precision, in C where that can be."""

    @cached_property
    def c(self) -> Source | None:
        """The program in C; None where a step is only in NumPy."""
        whole = self.whole
        if whole.functions:
            return None
        _, _, known, _ = whole._names
        try:
            return Source(self.roots, known, whole.keys is not None, whole.single, self.letter)
        except NotInC:
            return None

    @cached_property
    def c_source(self) -> str | None:
        """The text of the extension module."""
        return self.c.text() if self.c is not None else None

    @cached_property
    def module(self) -> ModuleType | None:
        """The extension module, built at the first use."""
        return load(self.c_source) if self.c_source is not None else None

    @cached_property
    def accepted(self) -> bytes:
        assert self.c is not None
        return struct.pack(f"{len(self.c.names)}n", *(self.sizes[n] for n in self.c.names))

    @cached_property
    def run(self) -> Callable[..., Any]:
        in_numpy: Callable[..., Any] = runnable(self.program)
        if self.module is None or self.c is None:
            return in_numpy
        keys = tuple(self.whole.keys) if self.whole.keys is not None else None
        return self.module.bind((in_numpy, bytearray(self.accepted), keys))  # type: ignore[no-any-return]


class NativeProgram(CompiledProgram):
    """A compiled program that runs in C. A call goes to C at once where the sizes were met before."""

    kind = NativeSpecialised
