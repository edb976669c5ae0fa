"""Programs as C: an extension module with one function, from the steps that the passes leave.

The function takes what the program takes. It goes on only where all arguments are arrays of the precision it was written
for, contiguous, of shapes that fit, and of sizes that it was told; everything else, also a matrix that is singular, is
left to the general function that it is bound to, which finds the words for it. Sizes are read from the arrays, or are
numbers that the compiler knows: then it leaves out what they rule out, which it takes most of its time for, and small
loops are written out.

No text of the user is in the C: names are those given here, numbers are written by us.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator, Mapping, Sequence

from frechet.compilation.native.building import part
from frechet.compilation.native.dimensions import Dimensions
from frechet.compilation.native.functions import NotInC
from frechet.compilation.native.loops import Buffer, Stored, by_rows, entries_of
from frechet.compilation.native.routines import routine
from frechet.compilation.native.scheduling import Schedule
from frechet.compilation.sizes import Bindings, bind
from frechet.compilation.values import Value, walk
from frechet.expressions.dimension import UNIT, axes
from frechet.expressions.node import Expr
from frechet.operations.constants import variable

TYPES = {"s": ("float", "NPY_FLOAT", "f"), "d": ("double", "NPY_DOUBLE", "")}


class Source:
    """A program in C: the text of an extension module.

    roots: its results, as the passes leave them
    known: the variables it is called with
    keyed, single: are the results returned as a dictionary, or as one?
    letter: s or d, as the dtype
    sizes: by name, where the program is for these only
    there: what variables stand for that are values of the program, computed before
    streamed: is it called for one block of the data after the other, which come from memory however small they are?

    Raises:  NotInC, where a step, a type or a size has no C
    """

    def __init__(
        self,
        roots: Sequence[Value],
        known: Sequence[Expr],
        keyed: bool,
        single: bool,
        letter: str,
        sizes: Mapping[str, int] | None = None,
        there: Mapping[str, Value] | None = None,
        streamed: bool = False,
    ) -> None:
        found = dict(there or {})
        self.steps = steps_of(roots, found.values())
        if letter not in TYPES or not all(v.real for v in (*self.steps, *found.values())):
            raise NotInC("complex numbers")
        self.known, self.keyed, self.single, self.letter = known, keyed, single, letter
        self.roots, self.sizes, self.streamed = roots, sizes, streamed
        self.bindings: Bindings = bind(known)
        self.names = {n: f"d{i}" for i, n in enumerate(self.bindings)}
        inputs = {v.params[0]: v for v in self.steps if v.op == "input"} | found
        self.scalars = {i: f"x{i}" for i, v in enumerate(known) if not axes(v.shape)}
        arrays: dict[Value, Stored] = {}
        numbers: dict[Value, str] = {}
        for i, e in enumerate(known):
            v = inputs.get(e.params[0])
            if v is not None and i in self.scalars:
                numbers[v] = self.scalars[i]
            elif v is not None:
                arrays[v] = Stored(Buffer(entries_of(v.shape), "a", i), by_rows(v.shape))
        self.dimension = Dimensions(self.names)
        self.schedule = Schedule(roots, arrays, numbers, self.dimension)
        self.text = self._whole()

    # -- sizes
    def accepted(self, sizes: Mapping[str, int]) -> bytes:
        """Sizes as the extension compares them with those it is meant for."""
        return struct.pack(f"{len(self.names)}n", *(sizes[n] for n in self.names))

    def _size(self, name: str, position: Mapping[Expr, int]) -> str:
        """The source of a size from the shape of an argument."""
        b = self.bindings[name]
        length = f"PyArray_DIM((PyArrayObject *)args[{position[b.variable]}], {b.axis})"
        if b.rest is not None:
            length = f"({length} - {self.dimension(b.rest)})"
        return length if b.factor is None else f"{length} / at_least_1({self.dimension(b.factor)})"

    # -- the whole
    def _whole(self) -> str:
        kind, constant, suffix = TYPES[self.letter]
        steps = self._steps()
        lines = [
            "#define PY_SSIZE_T_CLEAN",
            "#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION",
            "#include <Python.h>",
            "#include <float.h>",
            "#include <math.h>",
            "#include <numpy/arrayobject.h>",
            "#include <numpy/arrayscalars.h>",
            f"#define T {kind}",
            f"#define NUMBER {constant}",
            f"#define F(name) name{'##' + suffix if suffix else ''}",
            f"#define LETTER(s, d) {self.letter}",
            *(["#define USE_LIBRARIES"] if self.schedule.libraries else []),
            *(["#define CACHED 0"] if self.streamed else []),
            part("frame.c"),
            part("vector_functions.c"),
            part("kernels.c"),
            steps,
            self._call(),
        ]
        return "\n".join(lines) + "\n"

    def _steps(self) -> str:
        """The function of pointers and sizes that does the work."""
        given = [
            f"const T {self.scalars[i]}" if i in self.scalars else f"const T *restrict a{i}" for i in range(len(self.known))
        ]
        sizes = list(self.names.values())
        if self.sizes is None:
            return routine("steps", self.schedule, given, sizes, carved=True)
        fixed = {d: self.sizes[n] for n, d in self.names.items()}
        return routine("steps", self.schedule, given, [], fixed, carved=True)

    def _call(self) -> str:
        """The function that Python calls: it checks the arguments, makes the results and the workspace."""
        count = len(self.known)
        otherwise = "return general(state, args, count, names);"
        lines = [f"if (count != {count} || (names && PyTuple_GET_SIZE(names))) {otherwise}"]
        for i, e in enumerate(self.known):
            if i in self.scalars:
                lines += [f"T x{i};", f"if (!is_number(args[{i}], &x{i})) {otherwise}"]
            else:
                lines.append(f"if (!is_array(args[{i}], {len(axes(e.shape))})) {otherwise}")
        position = {e: i for i, e in enumerate(self.known)}
        lines += [f"const npy_intp {d} = {self._size(n, position)};" for n, d in self.names.items()]
        lines += [f"if (!({condition})) {otherwise}" for condition in self._conditions()]
        room = " + ".join(f"ROUNDED({self.dimension(d)})" for d in self.schedule.room) or "0"
        given = [f"x{i}" if i in self.scalars else f"PyArray_DATA((PyArrayObject *)args[{i}])" for i in range(count)]
        lines += [
            f"const npy_intp room = {room};",
            "T stack[STACK], *work = stack;",
            "PyObject *heap = NULL;",
            "if (room > STACK) {",
            "heap = workspace(state, room * (npy_intp)sizeof(T));",
            "work = heap ? PyArray_DATA((PyArrayObject *)heap) : NULL;",
            "}",
        ]
        fine = ["work"]
        for i, r in enumerate(self.roots):
            if r.shape:
                shape = ", ".join(map(self.dimension, r.shape))
                lines.append(f"PyObject *o{i} = result(last[{i}], {len(r.shape)}, (npy_intp[]){{{shape}}});")
                given.append(f"o{i} ? PyArray_DATA((PyArrayObject *)o{i}) : NULL")
                fine.append(f"o{i}")
            else:
                lines += [f"T y{i} = 0;", f"PyObject *o{i} = NULL;"]
                given.append(f"&y{i}")
        entries = [f"{self.dimension(entries_of(axes(e.shape)))}" for i, e in enumerate(self.known) if i not in self.scalars]
        given += [*(self.names.values() if self.sizes is None else []), "work"]
        lines += [
            "int failed = 1;",
            f"if ({' && '.join(fine)}) {{",
            f"PyThreadState *other = {' + '.join(['room', *entries])} > LARGE ? PyEval_SaveThread() : NULL;",
            f"failed = steps({', '.join(given)});",
            "if (other) PyEval_RestoreThread(other);",
            "}",
            "Py_XDECREF(heap);",
        ]
        drop = " ".join(f"Py_XDECREF(o{i});" for i in range(len(self.roots)))
        lines.append(f"if (failed) {{ PyErr_Clear(); {drop} {otherwise} }}")
        lines += [f"o{i} = as_number(y{i});" for i, r in enumerate(self.roots) if not r.shape]
        lines += self._returned(drop)
        return "\n".join([f"static PyObject *last[{max(len(self.roots), 1)}][2];", HEAD, "{", *lines, "}"])

    def _conditions(self) -> Iterator[str]:
        """What must hold of the sizes."""
        for i, e in enumerate(self.known):
            for k, d in enumerate(axes(e.shape)):
                b = [b for b in self.bindings.values() if b.variable is e and b.axis == k and b.direct]
                if not b:
                    yield f"PyArray_DIM((PyArrayObject *)args[{i}], {k}) == {self.dimension(d)}"
        if self.names:
            yield " && ".join(f"{d} > 0" for d in self.names.values())
            yield f"meant_for(state, (npy_intp[]){{{', '.join(self.names.values())}}}, {len(self.names)} * sizeof(npy_intp))"
        for v in self.steps:
            if v.op in ("unit", "selection"):  # places that are there
                yield f"{self.dimension(v.params[0])} > 0 && {self.dimension(v.params[-1])} <= {self.dimension(v.shape[0])}"

    def _returned(self, drop: str) -> list[str]:
        outputs = [f"o{i}" for i in range(len(self.roots))]
        if self.single:
            return ["return o0;"]
        lines = [f"if (!({' && '.join(outputs)})) {{ {drop} return NULL; }}"] if outputs else []
        if self.keyed:
            lines += ["PyObject *keys = PyTuple_GET_ITEM(state, 2), *result = PyDict_New();", "int fine = result != NULL;"]
            lines += [
                f"fine = fine && !PyDict_SetItem(result, PyTuple_GET_ITEM(keys, {i}), {o});" for i, o in enumerate(outputs)
            ]
            return [*lines, drop, "if (!fine) Py_CLEAR(result);", "return result;"]
        lines += [f"PyObject *result = PyTuple_New({len(outputs)});", f"if (!result) {{ {drop} return NULL; }}"]
        lines += [f"PyTuple_SET_ITEM(result, {i}, {o});" for i, o in enumerate(outputs)]
        return [*lines, "return result;"]


def standing_for(name: str, v: Value) -> Expr:
    """A variable of the shape of a value."""
    return variable(name, (*v.shape, UNIT, UNIT)[: max(2, len(v.shape))])


def steps_of(roots: Sequence[Value], there: Collection[Value] = ()) -> list[Value]:
    """The steps to these results from values that are there, also those that are done block by block."""
    steps = walk(roots, there)
    return [*steps, *(v for whole in steps if whole.op == "over_rows" for v in whole.params[0].steps)]


HEAD = "static PyObject *program(PyObject *state, PyObject *const *args, Py_ssize_t count, PyObject *names)"
