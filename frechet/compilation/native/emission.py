"""Programs as C: an extension module with one function, from the steps that the passes leave.

The function takes what the program takes. It goes on only where all arguments are arrays of the precision it was written
for, contiguous, of shapes that fit, and of sizes that it was told; everything else, also a matrix that is singular, is
left to the general function that it is bound to, which finds the words for it. Sizes are read from the arrays, or are
numbers that the compiler knows: then it leaves out what they rule out, which it takes most of its time for, and small
loops are written out.

No text of the user is in the C: names are those given here, numbers are written by us.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count

from frechet.compilation.native.building import part
from frechet.compilation.native.functions import NotInC
from frechet.compilation.native.loops import Buffer, Loop, LoopText, Reader, entries_of
from frechet.compilation.native.scheduling import Schedule
from frechet.compilation.sizes import Bindings, bind
from frechet.compilation.values import Value, walk
from frechet.expressions.dimension import Dim, axes, factored
from frechet.expressions.node import Expr

TYPES = {"s": ("float", "NPY_FLOAT", "f"), "d": ("double", "NPY_DOUBLE", "")}


class Source:
    """A program in C: the text of an extension module.

    roots: its results, as the passes leave them
    known: the variables it is called with
    keyed, single: are the results returned as a dictionary, or as one?
    letter: s or d, as the dtype
    sizes: by name, where the program is for these only

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
    ) -> None:
        if letter not in TYPES or not all(v.real for v in walk(roots)):
            raise NotInC("complex numbers")
        self.known, self.keyed, self.single, self.letter = known, keyed, single, letter
        self.roots, self.sizes = roots, sizes
        self.bindings: Bindings = bind(known)
        used = {n for v in walk(roots) for d in v.shape for n in d.names()} | {
            n for v in walk(roots) for d in v.params if isinstance(d, Dim) for n in d.names()
        }
        if not used <= self.bindings.keys():
            raise NotInC("sizes that no argument tells")
        self.names = {n: f"d{i}" for i, n in enumerate(self.bindings)}
        inputs = {v.params[0]: v for v in walk(roots) if v.op == "input"}
        self.scalars = {i: f"x{i}" for i, v in enumerate(known) if not axes(v.shape)}
        arrays: dict[Value, Buffer] = {}
        numbers: dict[Value, str] = {}
        for i, e in enumerate(known):
            v = inputs.get(e.params[0])
            if v is not None and i in self.scalars:
                numbers[v] = self.scalars[i]
            elif v is not None:
                arrays[v] = Buffer(entries_of(v.shape), "a", i)
        self.reader = Reader(self.dimension)
        self.schedule = Schedule(roots, arrays, numbers, self.reader)
        self.text = self._whole()

    # -- sizes
    def dimension(self, d: Dim) -> str:
        """A dimension as C."""
        if any(c.denominator != 1 for _, c in d.terms):
            common, rest, below = factored(d)
            return f"({' * '.join([*(self.names[n] for n in common), self.dimension(rest)])} / {below})"
        parts = []
        for monomial, c in d.terms:
            factors = [self.names[n] for n in monomial]
            if c != 1 or not factors:
                factors.insert(0, str(c))
            parts.append(" * ".join(factors))
        if len(parts) == 1 and " " not in parts[0]:
            return parts[0]
        return f"({' + '.join(parts)})" if parts else "0"

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
            "#include <math.h>",
            "#include <numpy/arrayobject.h>",
            "#include <numpy/arrayscalars.h>",
            f"#define T {kind}",
            f"#define NUMBER {constant}",
            f"#define F(name) name{'##' + suffix if suffix else ''}",
            f"#define LETTER(s, d) {self.letter}",
            *(["#define USE_LIBRARIES"] if self.schedule.libraries else []),
            part("frame.c"),
            part("vector_functions.c"),
            part("kernels.c"),
            steps,
            self._call(),
        ]
        return "\n".join(lines) + "\n"

    def _steps(self) -> str:
        """The function of pointers and sizes that does the work; it returns whether it failed."""
        schedule = self.schedule
        slots = schedule.slots()
        for b, slot in slots.items():
            b.number = slot
        numbers = count()
        body: list[str] = []
        for i, step in enumerate(schedule.steps):
            if isinstance(step, Loop):
                loop = LoopText(self.reader, step, i, schedule.variables, numbers).text()
                if step.library is not None:
                    condition, call = step.library
                    loop = [f"if ({condition}) {call}", "else {", *loop, "}"]
                body += ["{", *loop, "}"]
            else:
                body.append(str(step))
        given = [
            f"const T {self.scalars[i]}" if i in self.scalars else f"const T *restrict a{i}" for i in range(len(self.known))
        ]
        results = [f"T *restrict r{i}" for i in range(len(self.roots))]
        sizes = [f"const npy_intp {d}" for d in self.names.values()] if self.sizes is None else []
        variables = [text for text in schedule.variables.values() if text not in self.scalars.values()]
        lines = [
            f"static int steps({', '.join([*given, *results, *sizes, 'T *work'])})",
            "{",
            *([f"const npy_intp {d} = {self.sizes[n]};" for n, d in self.names.items()] if self.sizes is not None else []),
            *([f"T {', '.join(variables)};"] if variables else []),
        ]
        for i, d in enumerate(schedule.room):
            lines.append(f"T *restrict w{i} = work;")
            lines.append(f"work += ROUNDED({self.dimension(d)});")
        lines += body
        for i, r in enumerate(schedule.results):
            if isinstance(r, Value):
                lines.append(f"*r{i} = {schedule.scalar(r)};")
        return "\n".join([*lines, "(void)work;", "return 0;", "}"])

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
        lines += [f"const npy_intp room = {room};", "T stack[STACK], *work = stack;"]
        lines += ["if (room > STACK) work = malloc(room * sizeof(T));"]
        fine = ["work"]
        for i, r in enumerate(self.roots):
            if r.shape:
                shape = ", ".join(map(self.dimension, r.shape))
                lines.append(f"PyObject *o{i} = PyArray_SimpleNew({len(r.shape)}, ((npy_intp[]){{{shape}}}), NUMBER);")
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
            "if (work != stack) free(work);",
        ]
        drop = " ".join(f"Py_XDECREF(o{i});" for i in range(len(self.roots)))
        lines.append(f"if (failed) {{ PyErr_Clear(); {drop} {otherwise} }}")
        lines += [f"o{i} = PyFloat_FromDouble(y{i});" for i, r in enumerate(self.roots) if not r.shape]
        lines += self._returned(drop)
        return "\n".join([HEAD, "{", *lines, "}"])

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
        for v in walk(self.roots):
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


HEAD = "static PyObject *program(PyObject *state, PyObject *const *args, Py_ssize_t count, PyObject *names)"
