"""Programs as source for array libraries that differentiate and transform functions: no step writes over an array.

What libraries call alike is written here, in the names of one of them; a subclass says what they call differently.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from typing import Any, ClassVar

from frechet.compilation.decompositions import shared_decompositions
from frechet.compilation.numpy_source import CALLS, WORDS, Program
from frechet.compilation.values import Labels, Value, uses, walk
from frechet.compilation.writer import Writer, elementwise, index, letters, number, scaled, signed_sum
from frechet.expressions.dimension import Dim
from frechet.expressions.errors import UnsupportedError
from frechet.expressions.operation import operation_named
from frechet.operations.elementwise import Elementwise

NUMPY_NAMES = re.compile(r"(?<![\w.])np\.((?:linalg\.)?\w+)")


class Functional(Writer):
    """Writes the steps of a program for one such library.

    names, taken: see `Writer`
    """

    title: ClassVar[str]  # of the library, in messages
    np: ClassVar[str]  # what its functions of arrays are attributes of
    functions: ClassVar[Mapping[str, str]]  # name of a function of one argument -> text with {0}
    calls: ClassVar[Mapping[str, str]]  # helper of runtime.py or function of SciPy -> function of the library
    pages: ClassVar[Mapping[str, str]]  # name of an operation -> text, where that of its page does not do

    def __init__(self, names: Mapping[str, str], taken: set[str]) -> None:
        super().__init__(names, taken)
        self.plain: set[Value] = set()  # numbers of Python, not arrays
        self.complex = False
        self.typed = False  # do lines name the type of the entries?

    def run(self, roots: Sequence[Value], early: Collection[Value] = ()) -> list[str]:
        steps = walk(roots)
        self.users = uses(steps, roots)
        self.complex = any(not v.real for v in steps if v.op == "input")
        self.skip(steps, roots)
        self.decomposed = dict.fromkeys(shared_decompositions(steps))
        for beforehand in (True, False):
            for v in steps:
                if (v in early) is beforehand:
                    self.step(v)
            if beforehand:
                self.early_lines, self.lines = self.lines, []
        results = [self.array(r) for r in roots]
        inputs = [v for v in steps if v.op == "input" and (not early or v in early)]
        (self.early_lines if early else self.lines)[:0] = self.head(inputs)
        return results

    def step(self, v: Value) -> None:
        if not v.shape and v.op in ("number", "size", "map", "contract") and all(a in self.plain for a in v.args):
            self.plain.add(v)
        super().step(v)

    def assign(self, v: Value, text: str) -> None:
        name = self.fresh()
        self.line(f"{name} = {text}")
        self.text[v] = name

    def shape(self, shape: Sequence[Dim]) -> str:
        return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"

    # -- what libraries write differently
    @staticmethod
    def texts() -> Mapping[str, str]:
        """The helpers that programs for the library can call, by name."""
        raise NotImplementedError

    def array(self, v: Value) -> str:
        """The value as an array, where it may be a number of Python."""
        raise NotImplementedError

    def head(self, inputs: Sequence[Value]) -> list[str]:
        """The lines that come first, where there are these inputs."""
        raise NotImplementedError

    def operand(self, v: Value) -> str:
        """The value as the operand of a function."""
        raise NotImplementedError

    def dtype(self, v: Value) -> str:
        """The type of its entries, and where it is, as arguments of a function that makes an array."""
        raise NotImplementedError

    def scattered(self, v: Value, axis: int, first: str, last: str | None, text: str) -> str:
        """An array at the place `first`, or from there to `last`, of this axis, among zeros."""
        raise NotImplementedError

    def on_diagonal(self, text: str) -> str:
        """A matrix with this vector on its diagonal."""
        raise NotImplementedError

    # -- leaves
    def _unit(self, v: Value) -> None:
        if self.users[v]:
            self.text[v] = self.cast(f"({self.np}.arange({v.shape[0]!s}) == {index(v.params[0])})", v)

    def _selection(self, v: Value) -> None:
        first, last = v.params
        rows, columns = f"{self.np}.arange({v.shape[0]!s})", f"{self.np}.arange({index(first)}, {last})"
        self.text[v] = self.cast(f"({rows}[:, None] == {columns})", v)

    def _ones(self, v: Value) -> None:
        self.assign(v, f"{self.np}.ones({self.shape(v.shape)}, {self.dtype(v)})")

    # -- contractions
    def _contract(self, v: Value) -> None:
        ins, out, _, c = v.params
        if len(v.args) == 2:
            self._two(v)
            return
        text = self._one(v, v.args[0], ins[0], out) if v.args else self._constant(v)
        filled = not v.args and len(set(out)) == len(out)  # with the coefficient
        whole = text if filled else scaled(c, text)
        if whole == text and re.fullmatch(r"[\w.]+", text):
            self.text[v] = text
        else:
            self.assign(v, whole)

    def _constant(self, v: Value) -> str:
        _, out, _, c = v.params
        if len(set(out)) == len(out):
            return f"{self.np}.full({self.shape(v.shape)}, {number(c)}, {self.dtype(v)})"
        return self._where_equal("", (), out, v)

    def _one(self, v: Value, a: Value, labels: Labels, out: Labels) -> str:
        text = self.text[a]
        if len(set(labels)) < len(labels):  # a diagonal, or the sum of one
            if len(labels) == 2 and not out:
                return f"{self.np}.trace({text})"
            if len(labels) == 2:
                text, labels = f"{self.np}.diagonal({text})", labels[:1]
            else:
                text, labels = f'{self.np}.einsum("{letters(labels)}->{letters(out)}", {text})', out
        summed = [k for k in range(len(labels)) if labels[k] not in out]
        if summed:
            axes = "" if len(summed) == len(labels) else f", {summed[0] if len(summed) == 1 else tuple(summed)}"
            text = f"{self.np}.sum({text}{axes})"
            labels = tuple(k for k in labels if k in out)
        if set(labels) == set(out):
            return self.turned(text, labels, out)
        shape = self.shape(v.shape)
        if a in self.plain:
            return f"{self.np}.full({shape}, {text}, {self.dtype(v)})"
        return f"{self.np}.broadcast_to({self.aligned(text, labels, out)}, {shape})"

    def _two(self, v: Value) -> None:
        (la, lb), out, _, _ = v.params
        a, b = v.args
        if self.selected(v):
            return
        if elementwise(v):
            self._multiply(v, a, b, la, lb, out)
            return
        both = set(la) & set(lb)
        batch = both & set(out)
        ta, tb = self.text[a], self.text[b]
        if not batch and len(la) <= 2 and len(lb) <= 2:
            self.assign(v, self.product(a, b, la, lb, out))
        elif len(batch) == 1 and len(la) == len(lb) == 2 and la == lb:
            self.assign(v, f"{self.np}.sum({ta} * {tb}, {la.index(next(iter(both - batch)))})")
        else:
            self.assign(v, f'{self.np}.einsum("{letters(la)},{letters(lb)}->{letters(out)}", {ta}, {tb})')

    def dot(self, left: str, right: str) -> str:
        return f"{left} @ {right}"

    def inner(self, left: str, right: str, real: bool) -> str:
        return f"{self.np}.sum({left} * {right})"

    def _select(self, v: Value, one: Value, other: Value, lo: Labels, lt: Labels, out: Labels) -> bool:
        part = self.part(one, other, lo, lt, out)
        if part is None:
            found = self.among_zeros(one, other, lo, lt, out)
            if found is None:
                return False
            last = None if one.op == "unit" else str(one.params[1])
            part = self.scattered(v, found[0], index(one.params[0]), last, found[1])
        self.assign(v, part)
        return True

    def _multiply(self, v: Value, a: Value, b: Value, la: Labels, lb: Labels, out: Labels) -> None:
        """Entry by entry, with division for reciprocals."""
        if a in self.skipped:
            a, b, la, lb = b, a, lb, la
        if a is b and la == lb:
            text = self.aligned(self.text[a], la, out)
            self.assign(v, f"{text} * {text}" if a in self.plain else f"{self.np}.square({text})")
            return
        operator, right = self.beside(b, lb, out)
        self.assign(v, f"{self.aligned(self.text[a], la, out)} {operator} {right}")

    def _spread(self, v: Value) -> None:
        labels, out = v.params
        self.assign(v, self._where_equal(self.text[v.args[0]], labels, out, v))

    def _where_equal(self, text: str, labels: Labels, out: Labels, v: Value) -> str:
        """The entries of an array where the places along equal labels of `out` are equal, and 0 elsewhere."""
        if len(out) == 2 and labels:
            return self.on_diagonal(text)
        seen: dict[int, int] = {}
        axes = tuple(range(len(out)))
        factors = []
        for axis, k in enumerate(out):
            if k in seen:
                eye = f"{self.np}.eye({v.shape[axis]!s}, {self.dtype(v)})"
                factors.append(self.aligned(eye, (seen[k], axis), axes))
            else:
                seen[k] = axis
        for k, axis in seen.items():
            if k not in labels and out.count(k) == 1:  # the same along it
                factors.append(self.aligned(f"{self.np}.ones({v.shape[axis]!s}, {self.dtype(v)})", (axis,), axes))
        if labels:
            factors.append(self.aligned(text, tuple(seen[k] for k in labels), axes))
        elif text:
            factors.insert(0, text)
        return " * ".join(factors)

    # -- maps
    def _map(self, v: Value) -> None:
        function, ins = v.params
        own = tuple(range(len(v.shape)))
        name = function[0]
        texts = [self.aligned(self.text[a], labels, own) for a, labels in zip(v.args, ins, strict=True)]
        if name == "linear":
            self.assign(v, signed_sum(list(zip(function[1:], texts, strict=True))))
        elif name == "power":
            self.assign(v, self._power(v, function[1], texts[0]))
        else:
            self.plain.discard(v)
            texts = [self.operand(a) if a in self.plain else t for a, t in zip(v.args, texts, strict=True)]
            self.assign(v, self._function(name, texts))

    def _power(self, v: Value, k: Any, x: str) -> str:
        size = abs(k)
        if size == 1:
            text = x
        elif size == Fraction(1, 2) and v not in self.plain:
            text = f"{self.np}.sqrt({x})"
        elif size == 2 and v not in self.plain:
            text = f"{self.np}.square({x})"
        else:
            text = f"{x} ** {int(size) if size == int(size) else number(size)}"
        if k > 0:
            return text
        return f"1.0 / ({text})" if " " in text else f"1.0 / {text}"

    def _function(self, name: str, texts: list[str]) -> str:
        if name in self.functions:
            return self.translated(self.functions[name].format(*texts))
        page = operation_named(name)
        template = page.template if isinstance(page, Elementwise) else ""
        return self.translated(template.format(*texts, name=name))

    # -- matrices
    def right_hand_side(self, v: Value) -> str:
        """What is solved for, with the right-hand sides as columns."""
        t, axis = v.args[1], v.params[0]
        return self.turned(self.text[t], (0, 1), (1, 0)) if len(t.shape) == 2 and axis == 1 else self.text[t]

    def solved(self, v: Value, text: str) -> None:
        """Assigns a solution, which has the right-hand sides as columns."""
        self.assign(v, text)
        if len(v.args[1].shape) == 2 and v.params[0] == 1:
            self.text[v] += ".T"

    def _logdet(self, v: Value) -> None:
        f = v.args[0]
        hermitian = ", hermitian=True" if f.op == "lu" and v.real and not f.real else ""
        self.assign(v, f"logdet_of_{f.op}({self.text[f]}{hermitian})")

    def _det(self, v: Value) -> None:
        f = v.args[0]
        text = f"det_of_{f.op}({self.text[f]})"
        self.assign(v, f"{self.np}.real({text})" if v.real and not f.real else text)

    def _norm2(self, v: Value) -> None:
        self.assign(v, f"euclidean({self.text[v.args[0]]})")

    def _reshape(self, v: Value) -> None:
        self.assign(v, f"{self.text[v.args[0]]}.reshape({self.shape(v.shape) if len(v.shape) > 1 else '-1'})")

    def _page(self, v: Value) -> None:
        (node,) = v.params
        texts = [self.operand(a) for a in v.args]
        template = self.pages.get(node.op.name)
        if template is None:
            text = self.by_parts(v, node.op.numpy(node, texts))
        else:
            dtype = self.dtype(v) if "{dtype}" in template else ""
            text = template.format(*texts, params=node.params, dtype=dtype)
        if "round(" in text and not all(a in self.plain for a in v.args if not a.shape):
            raise UnsupportedError(f"the back end {self.title} takes no power that is an argument: use the back end numpy")
        text = self.translated(text)
        self.assign(v, self.cast(text, v) if text.startswith(f"{self.np}.where(") else text)

    def decomposition(self, text: str) -> str:
        return self.translated(text)

    def cast(self, text: str, v: Value) -> str:
        """The text, where it makes an array of Python's numbers."""
        raise NotImplementedError

    def translated(self, text: str) -> str:
        """The text of a page for NumPy as one for this library.

        Raises:  UnsupportedError, if it calls a function that the library does not have
        """
        known = self.texts()
        for found in CALLS.finditer(text):
            if found[1] not in self.calls and found[1] not in known:
                raise UnsupportedError(f"the back end {self.title} has no {found[1]}: use the back end numpy")
        text = CALLS.sub(lambda m: self.calls.get(m[1], m[1]) + "(", text)
        return NUMPY_NAMES.sub(lambda m: self.renamed(m[1]), text)

    def renamed(self, name: str) -> str:
        """A function of NumPy in this library."""
        return f"{self.np}.{name}"


class LibraryProgram(Program):
    """A function for such a library, in parts.

    head: the lines that import what it needs
    texts: of the helpers that there are
    """

    def __init__(self, name: str, head: str, texts: Mapping[str, str]) -> None:
        super().__init__(name)
        self.head, self.texts = head, texts
        self.positional = True

    def source(self) -> str:
        body = self.function()
        needed: set[str] = set()
        left = self._called(body)
        while left:
            helper = left.pop()
            if helper not in needed:
                needed.add(helper)
                left += self._called(self.texts[helper])
        return "\n\n\n".join([self.head, *(self.texts[h] for h in self.texts if h in needed), body])

    def _called(self, text: str) -> list[str]:
        return [name for name in WORDS.findall(text) if name in self.texts]
