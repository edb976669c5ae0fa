"""The arguments of a program: arrays of the right shapes and one precision, or an error that names the one that is not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from frechet.compilation.namespaces import as_numpy
from frechet.compilation.sizes import bind, checked_sizes, expected, given, refuse, refuse_entries
from frechet.expressions.dimension import axes
from frechet.expressions.errors import ShapeError
from frechet.expressions.node import Expr

LETTERS = {"float32": "s", "float64": "d", "complex64": "c", "complex128": "z"}


class Arguments:
    """What a program is called with: its variables in order, and the sizes that none of them tells.

    functions: the names of declared functions, which are given as Python functions
    spare: the names of variables that the program does not need
    """

    def __init__(
        self,
        inputs: Sequence[Expr],
        sizes: Sequence[str],
        functions: Sequence[str] = (),
        spare: Collection[str] = (),
    ) -> None:
        self.inputs = list(inputs)
        self.names = [v.params[0] for v in inputs]
        self.sizes = list(sizes)
        self.functions = list(functions)
        self.spare = frozenset(spare)
        self.bindings = bind(inputs)

    def left_out(self, args: Sequence[Any], keywords: Mapping[str, Any]) -> frozenset[str]:
        """The variables that a call does not give, and that the program does not need."""
        return self.spare.difference(self.names[: len(args)], keywords)

    def bound(self, name: str, args: Sequence[Any], keywords: Mapping[str, Any]) -> dict[str, Any]:
        """The values by name.

        Raises:  TypeError, as a Python function of these arguments
        """
        every = [*self.names, *self.functions, *self.sizes]
        if len(args) > len(every):
            raise TypeError(f"{name}() takes {len(every)} arguments ({', '.join(every)}), not {len(args)}")
        values = dict(zip(every, args, strict=False))
        for key, value in keywords.items():
            if key not in every:
                raise TypeError(f"{name}() has no argument {key!r}: it takes {', '.join(every)}")
            if key in values:
                raise TypeError(f"{name}() got {key!r} twice")
            values[key] = value
        missing = [n for n in every if n not in values]
        if missing:
            if missing[0] in self.sizes:
                raise TypeError(f"{name}() needs the size {missing[0]}, which no argument tells: give it as {missing[0]}=…")
            raise TypeError(f"{name}() needs {missing[0]}" + self._hint(missing[0]))
        return values

    def _hint(self, name: str) -> str:
        v = next((v for v in self.inputs if v.params[0] == name), None)
        return f": {expected(v)}" if v is not None else ""

    def arrays(self, values: Mapping[str, Any], asarray: Callable[[Any], Any], kind: Callable[[Any], str]) -> dict[str, Any]:
        """The values as arrays of a library with as many axes as they need.

        kind: b, i or u, f, c: what the entries of an array of the library are
        Raises:  ShapeError, naming the argument, what is expected and what was given
        """
        arrays: dict[str, Any] = {}
        for v in self.inputs:
            name = v.params[0]
            try:
                array = asarray(values[name])
            except (TypeError, ValueError, OverflowError) as error:
                refuse(v, values[name], error)
            refuse_entries(v, values[name], kind(array))
            if array.ndim != len(axes(v.shape)):
                raise ShapeError(f"{name} needs {expected(v)}, not {given(tuple(array.shape))}")
            arrays[name] = array
        return arrays

    def converted(self, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, int], str]:
        """The arrays in their common precision, the sizes of all dimensions, and the letter of LAPACK for the precision.

        Raises:  ShapeError, naming the argument, what is expected and what was given
        """
        import numpy as np

        arrays, sizes, letter = self.checked(values)
        for v in self.inputs:
            name, target = v.params[0], dtype_of(v, letter)
            array = as_numpy(arrays[name])
            arrays[name] = np.ascontiguousarray(array, target) if array.ndim else np.dtype(target).type(array)
        return arrays, sizes, letter

    def checked(self, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, int], str]:
        """As `converted`, but the arrays as they are; what has a shape and a dtype, as arrays in files, is not read.

        Raises:  ShapeError, naming the argument, what is expected and what was given
        """
        import numpy as np

        arrays = self.arrays(values, _as_it_is, lambda array: str(array.dtype.kind))
        telling = [n for n, array in arrays.items() if array.dtype.kind in "fc" and type(values[n]) not in (float, complex)]
        kinds = [arrays[n].dtype for n in telling if arrays[n].ndim] or [arrays[n].dtype for n in telling]
        wanted = np.result_type(*kinds) if kinds else np.dtype(float)
        if not all(v.real for v in self.inputs) and wanted.kind != "c":
            wanted = np.result_type(wanted, np.complex64)
        letter = LETTERS.get(wanted.name, "z" if wanted.kind == "c" else "s" if wanted.itemsize < 4 else "d")
        return arrays, self.sizes_of(arrays, values), letter

    def sizes_of(self, arrays: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, int]:
        """The sizes of all dimensions, those that no array tells as given.

        Raises:  ShapeError, naming the argument that does not fit
        """
        return checked_sizes(self.inputs, arrays, {n: int(values[n]) for n in self.sizes}, self.bindings)


def _as_it_is(array: Any) -> Any:
    """An array of NumPy, or what has a dtype and axes like one: a memory map, a data set in a file, a dask array."""
    import numpy as np

    like = isinstance(getattr(array, "dtype", None), np.dtype) and hasattr(array, "ndim")
    return array if like else as_numpy(array)


def dtype_of(v: Expr, letter: str) -> str:
    """The precision that a variable has in a program."""
    return precision(v.real, letter)


def precision(real: bool, letter: str) -> str:
    """The dtype of real or complex entries in a program of this letter."""
    single, double = ("float32", "float64") if real else ("complex64", "complex128")
    return single if letter in "sc" else double
