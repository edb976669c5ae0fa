"""Compiled programs for an array library that differentiates: what JAX and PyTorch have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Self

from frechet.compilation.closed_derivatives import differentials, directions, gradients, real_scalar
from frechet.compilation.compiled import CompiledProgram, Outputs, Specialised
from frechet.compilation.dispatch import Dispatch
from frechet.compilation.functional import Functional, LibraryProgram
from frechet.compilation.places import check_places
from frechet.expressions.errors import UnsupportedError
from frechet.expressions.node import Expr

Run = Callable[..., Any]


class LibraryCompiled(CompiledProgram):
    """A function of the library's arrays. See `CompiledProgram`.

    The program of one real scalar brings its closed-form derivatives: the library differentiates it by them, and by itself
    what is beyond the second derivative and every other program.

    Raises:  UnsupportedError, for an operation that the library does not have, and for declared functions
    """

    writer: ClassVar[type[Functional]]
    imports: ClassVar[str]  # the lines at the head of the source
    scalars_are_arrays, guarded = True, False
    trying = False  # a program takes one way, whatever the numbers

    def __init__(
        self,
        outputs: Outputs,
        inputs: Sequence[str | Expr] | None,
        name: str,
        sizes: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__(outputs, inputs, name, sizes)
        if self.functions:
            raise UnsupportedError(
                f"the declared function {self.functions[0]} is a Python function of NumPy arrays:"
                f" compile for the back end numpy, not {self.writer.title}"
            )
        self.closed = self.single and real_scalar(self.roots[0])
        _ = self._free_sizes  # what the library does not have is refused here, not at the first call
        self._derived: dict[tuple[str, tuple[int, ...]], Self | None] = {}

    def empty(self) -> LibraryProgram:
        return LibraryProgram(self.name, self.imports, self.writer.texts())

    def emission(self, made: Specialised, parameters: Mapping[str, str], taken: set[str]) -> Functional:
        return self.writer(parameters, taken)

    def complete(self, program: Any, made: Specialised, emission: Any) -> None:
        """Nothing is needed: the library is imported at the head."""

    def function_of(self, made: Specialised) -> Run:
        """The function of the source."""
        space: dict[str, Any] = {}
        exec(compile(made.program.source(), "<frechet>", "exec"), space)
        return space[self.name]  # type: ignore[no-any-return]

    def plain(self, made: Specialised) -> Run:
        """The function of the source, for the sizes that no input tells too."""
        function = self.function_of(made)
        sizes = self.original(made)
        free = [sizes[n] for n in self._free_sizes]
        return (lambda *arrays: function(*arrays, *free)) if free else function

    def original(self, made: Specialised) -> dict[str, int]:
        """The sizes that a program is for, by the names of the dimensions."""
        names = self._names[3]
        return {names[safe]: value for safe, value in made.sizes.items()}

    def read(self, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, int], str]:
        """The arguments as arrays of the library, and the sizes; programs are for every precision."""
        arrays = self.converted(values)
        return arrays, self.arguments.sizes_of(arrays, values), "d"

    def place(self, array: Any) -> Any:
        return array.dtype

    def as_they_are(self, dispatch: Dispatch, given: Sequence[Any], read: Sequence[Any], letter: str) -> bool:
        return all(a is b for a, b in zip(given, read, strict=True))

    def _run(self, args: Sequence[Any], keywords: Mapping[str, Any]) -> Any:
        values = self.arguments.bound(self.name, args, keywords)
        arrays, sizes, letter = self.read(values)
        check_places(self.places, sizes)
        made = self.specialised(sizes)
        in_order = [values[n] for n in arrays]
        if self._dispatch is not None and self.as_they_are(self._dispatch, in_order, list(arrays.values()), letter):
            self._dispatch.known[self._dispatch.kinds(*in_order)] = made.run
        return self.returned(made.run(*arrays.values()), values)

    @abstractmethod
    def converted(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments as arrays of the library, in one precision.

        Raises:  ShapeError, naming the argument, what is expected and what was given
        """

    def returned(self, result: Any, values: Mapping[str, Any]) -> Any:
        """The results as those arrays that the caller uses."""
        return result

    # -- programs of derivatives
    def with_gradients(self, by: tuple[int, ...]) -> Self | None:
        """The program of the value and the gradients by these inputs; None where a gradient is refused."""

        def outputs() -> tuple[list[Expr], list[Expr]] | None:
            found = gradients(self.roots[0], [self.inputs[i] for i in by])
            return None if found is None else ([*self.roots, *found], self.inputs)

        return self._made("gradients", by, outputs)

    def with_differentials(self, by: tuple[int, ...], values: bool = True) -> Self | None:
        """The program of the values and of their differentials in directions of these inputs, which come after the inputs.

        values: are the values among the outputs? The first differential is left out too where they are not.
        """

        def outputs() -> tuple[list[Expr], list[Expr]] | None:
            chosen = [self.inputs[i] for i in by]
            along = directions(chosen, {v.params[0] for v in self.inputs})
            found = differentials(self.roots if values else self.roots[1:], chosen, along)
            return None if found is None else ([*(self.roots if values else ()), *found], [*self.inputs, *along])

        return self._made(f"differentials {values}", by, outputs)

    def _made(
        self, what: str, by: tuple[int, ...], outputs: Callable[[], tuple[list[Expr], list[Expr]] | None]
    ) -> Self | None:
        if (what, by) not in self._derived:
            found = outputs()
            try:
                made = None if found is None else type(self)(*found, self.name)
            except UnsupportedError:
                made = None
            self._derived[what, by] = made
        return self._derived[what, by]
