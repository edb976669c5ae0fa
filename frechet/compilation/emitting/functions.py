"""Functions entry by entry, over an operand that is not needed any more."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from frechet.compilation.emitting.memory import TINY
from frechet.compilation.emitting.products import Products
from frechet.compilation.rewriting import LARGE
from frechet.compilation.values import Value
from frechet.compilation.writer import number
from frechet.expressions.operation import operation_named
from frechet.operations.elementwise import Elementwise

UFUNC = re.compile(r"np\.(\w+)\(\{0\}\)")
MULTIPLIED = 8  # the highest power of a number as a product
MANY, LONG = 1000, 64  # entries of an array, and of a row, from which on a row of zeros is compared with
ONE_CALL = 100  # entries: heaviside takes ten times as long an entry as maximum and sign, but is one call
UFUNCS = {
    "sqrt": "np.sqrt", "conj": "np.conjugate", "maximum": "np.maximum", "minimum": "np.minimum",
}  # fmt: skip


class Functions(Products):
    """Steps that are functions of entries."""

    def _map(self, v: Value) -> None:
        function, ins = v.params
        own = tuple(range(len(v.shape)))
        name = function[0]
        if name == "linear":
            self._linear(v, function[1:], ins)
            return
        texts = [self.aligned(self.text[a], labels, own) for a, labels in zip(v.args, ins, strict=True)]
        target = next((i for i, a in enumerate(v.args) if ins[i] == own and self.room(v, a)), None)
        place = self.text[v.args[target]] if target is not None else ""
        if name == "power":
            self._power(v, function[1], texts[0], place)
            return
        self._function(v, name, texts, place)

    def _apply(self, v: Value, function: str, texts: Sequence[str], place: str = "") -> None:
        """A ufunc, its result written over the array `place` where one is given."""
        if function == "np.sign" and self.entries(v) > TINY:
            place = ""  # over its operand it takes up to ten times as long
        # of maximum and minimum the third argument by position is deprecated
        out = "out=" if function in ("np.maximum", "np.minimum") else ""
        whole = [self.text[a] in self.row_major for a in v.args if a.shape == v.shape]
        if place:
            self.line(f"{function}({', '.join(texts)}, {out}{place})")
            self.text[v] = place
        elif v.shape and whole and all(whole):
            self.assign_row_major(v, function, *texts, out=out)
        else:
            self.assign(v, f"{function}({', '.join(texts)})")

    def _function(self, v: Value, name: str, texts: list[str], place: str) -> None:
        if name in UFUNCS:
            self._apply(v, UFUNCS[name], texts, place)
        elif name == "epower" and any(a.op == "size" for a in v.args):  # whole numbers have no negative powers
            self.assign(v, self.in_precision(v, f"np.float_power({', '.join(texts)})"))
        elif name == "epower":
            self._apply(v, "np.power", texts, place)
        elif name == "relu":
            self._apply(v, "np.maximum", [*texts, self._zero(v)], place)
        elif name in ("re", "im"):
            part = f"np.{'real' if name == 're' else 'imag'}({texts[0]})"
            self.assign(v, f"{part}.copy()" if v.shape else part)
        elif name == "step":
            self._step(v, texts[0], place)
        elif name in ("sigmoid", "exp_of_minus"):
            self._sigmoid(v, name, texts[0], place)
        elif name == "softplus":
            self._softplus(v, texts[0], place)
        else:
            page = operation_named(name)
            template = page.template if isinstance(page, Elementwise) else f"{name}({', '.join(texts)})"
            match = UFUNC.fullmatch(template)
            if match:
                self._apply(v, f"np.{match[1]}", texts, place)
                return
            self.assign(v, self.in_precision(v, template.format(*texts, name=name)))

    def _zero(self, v: Value) -> str:
        """0 beside the entries of v: where rows are long a row of zeros, which NumPy compares with in half of the time."""
        if self.entries(v) >= MANY and self.rates.size(v.shape[-1]) >= LONG and v.real:
            return f"zeros({v.shape[-1]}{self.precision})"
        return self.constant(0, v)

    def _sigmoid(self, v: Value, name: str, x: str, place: str) -> None:
        """1/(1 + exp(-x)), or only exp(-x), kept from overflow; of few entries SciPy's function, which is one call."""
        if not v.shape:
            e = f"np.exp(min(-{x}, {self.infinite}))"
            self.assign(v, e if name == "exp_of_minus" else f"1.0 / (1.0 + {e})")
            return
        if self.entries(v) < LARGE and name == "sigmoid":
            self.modules.add("from scipy import special")
            self._apply(v, "special.expit", [x], place)
            return
        t = place or self.fresh()
        self.line(f"np.negative({x}, {t})" if place else f"{t} = np.negative({x})")
        self.line(f"np.minimum({t}, {self.infinite}, out={t})")
        self.line(f"np.exp({t}, {t})")
        if name == "sigmoid":
            self.line(f"{t} += 1.0")
            self.line(f"np.reciprocal({t}, {t})")
        self.owned.add(t)
        self.text[v] = t

    def _multiplied(self, v: Value, k: int, x: str, place: str) -> None:
        """A whole power by squares and products, a twentieth of the time of `np.power`. Only squares may write over x."""
        bits = bin(k)[3:]
        t = place if place and "1" not in bits else self.fresh()
        self.line(f"np.square({x}, {t})" if t == place else f"{t} = np.square({x})")
        for i, bit in enumerate(bits):
            if i:
                self.line(f"np.square({t}, {t})")
            if bit == "1":
                self.line(f"{t} *= {x}")
        self.owned.add(t)
        self.text[v] = t

    def _step(self, v: Value, x: str, place: str) -> None:
        """1 where x is positive, 0 elsewhere, and nan of nan: the sign of what is not negative."""
        if v.args[0].sign > 0:
            self._apply(v, "np.sign", [x], place)
        elif self.entries(v) <= ONE_CALL:
            self._apply(v, "np.heaviside", [x, self.constant(0, v)], place)
        else:
            self._apply(v, "np.maximum", [x, self._zero(v)], place)
            self.line(f"{self.text[v]} = np.sign({self.text[v]})")

    def _softplus(self, v: Value, x: str, place: str) -> None:
        """max(x, 0) + log1p(exp(-|x|)), exact to the last digits on both sides."""
        if not v.shape:
            self.assign(v, f"max({x}, 0.0) + np.log1p(np.exp(-abs({x})))")
            return
        if self.entries(v) < LARGE:
            self._apply(v, "np.logaddexp", [x, self.constant(0, v)], place)
            return
        t = self.fresh()
        self.line(f"{t} = np.abs({x})")
        for step in (f"np.negative({t}, {t})", f"np.exp({t}, {t})", f"np.log1p({t}, {t})"):
            self.line(step)
        self.line(f"{t} += np.maximum({x}, {self._zero(v)}{f', out={place}' if place else ''})")
        self.owned.add(t)
        self.text[v] = t

    def _power(self, v: Value, k: Any, x: str, place: str) -> None:
        size, inverse = abs(k), k < 0
        if not v.shape:
            plain = {2: f"{x} * {x}", 3: f"{x} * {x} * {x}", 1: x, Fraction(1, 2): f"np.sqrt({x})"}
            text = plain.get(size, f"np.power({x}, {number(size)})")
            if size in range(4, MULTIPLIED + 1):
                text = " * ".join([x] * int(size))
            self.assign(v, f"1.0 / ({text})" if inverse and " " in text else f"1.0 / {text}" if inverse else text)
            return
        if size == 2:
            self._apply(v, "np.square", [x], place)
        elif size == Fraction(1, 2):
            self._apply(v, "np.sqrt", [x], place)
        elif size in range(3, MULTIPLIED + 1):
            self._multiplied(v, int(size), x, place)
        elif size != 1:
            self._apply(v, "np.power", [x, number(size)], place)
        if inverse:
            mine = place or ("" if size == 1 else self.text[v])
            self._apply(v, "np.reciprocal", [x if size == 1 else self.text[v]], mine)
