"""Complex numbers: conjugate, real and imaginary part, the imaginary unit.

A derivative of a function of complex variables is linear over the real numbers: conj, re and im are linear maps here, with
adjoints under Re tr(AᴴB). Bars stand on variables, because nearly every operation that takes complex arguments commutes
with conjugation; vectors that are defined up to a factor of modulus 1, such as eigenvectors, carry bars of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from frechet.expressions.dimension import SCALAR, Shape
from frechet.expressions.node import Expr, make, walk
from frechet.expressions.operation import Equal, Operation
from frechet.operations import hadamard, products, sums
from frechet.operations.constants import zeros
from frechet.operations.transposition import CONJUGATES, TRANSPOSE, conjugated, oriented, transposed


class ImaginaryUnitPage(Operation):
    name = signature = "1i"
    summary = "The imaginary unit, 1i^2 = -1; 2.5i is 2.5 times it."
    rule = "d 1i = 0"
    constant = own_leaves = 1
    complex = True
    typed = False
    latex = r"\mathrm{i}"
    examples = ("1i*c",)

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        return SCALAR

    def build(self, *args: Any) -> Expr:
        return make(self, (), (), SCALAR)

    def annotate(self, node: Expr) -> None:
        node.sign = node.definite = 0
        node.real, node.transposed = False, node

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return "1j"


class Part(Operation):
    """A linear map over the real numbers, entry by entry."""

    takes = ("e",)
    linear = complex = tensors = True
    source = "Hjørungnes & Gesbert (2007), section II"

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        return shapes[0]

    def annotate(self, node: Expr) -> None:
        node.sign = node.definite = 0
        if node.shape == SCALAR:
            node.balance, node.transposed = 0, node

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        return self.build(d[0])


class ConjugatePage(Part):
    name, signature, summary = "conj", "conj(Z)", "The complex conjugate of every entry; X^H is conj(X)'."
    rule = "d conj(Z) = conj(dZ)"
    adjoint_rule = "W -> conj(W)"
    latex = r"\overline{{0}}"
    examples = ("conj(Z)", "x^H*A*x", "tr(X*X^H)")
    identities = (("conj(A*X)", "conj(A)*conj(X)"), ("conj(conj(z))", "z"), ("conj(c)*c", "abs(c)^2"))

    def build(self, *args: Any) -> Expr:
        return conjugated(args[0])

    def annotate(self, node: Expr) -> None:
        super().annotate(node)
        node.real, node.bar = False, 1
        if node.args[0].transposed is node.args[0]:
            node.transposed = node

    def adjoint(self, node: Expr, i: int, w: Expr) -> Expr:
        return conjugated(w)

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"np.conj({args[0]})"


class RealPartPage(Part):
    name, signature, summary = "re", "re(Z)", "The real part of every entry."
    rule = "d re(Z) = re(dZ)"
    adjoint_rule = "W -> W, for real W"
    latex = r"\operatorname{Re}({0})"
    examples = ("re(Z)", "re(x^H*A*y)")
    identities = (("re(z)", "(z+conj(z))/2"), ("re(1i*z)", "-im(z)"), ("re(conj(z))", "re(z)"))

    def build(self, *args: Any) -> Expr:
        return real_part(args[0])

    def annotate(self, node: Expr) -> None:
        super().annotate(node)
        node.real = True

    def adjoint(self, node: Expr, i: int, w: Expr) -> Expr:
        return w

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"np.real({args[0]})"


class ImaginaryPartPage(Part):
    name, signature, summary = "im", "im(Z)", "The imaginary part of every entry."
    rule = "d im(Z) = im(dZ)"
    adjoint_rule = "W -> 1i*W, for real W"
    latex = r"\operatorname{Im}({0})"
    examples = ("im(Z)", "im(x^H*A*y)")
    identities = (("im(z)", "re(-1i*z)"), ("im(conj(z))", "-im(z)"), ("re(z)+1i*im(z)", "z"))

    def build(self, *args: Any) -> Expr:
        return imaginary_part(args[0])

    def annotate(self, node: Expr) -> None:
        super().annotate(node)
        node.real = True

    def adjoint(self, node: Expr, i: int, w: Expr) -> Expr:
        return hadamard.times(IMAGINARY_UNIT.build(), w)

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return f"np.imag({args[0]})"


IMAGINARY_UNIT, CONJ, RE, IM = ImaginaryUnitPage(), ConjugatePage(), RealPartPage(), ImaginaryPartPage()
PAGES: tuple[Operation, ...] = (IMAGINARY_UNIT, CONJ, RE, IM)


def real_part(e: Expr) -> Expr:
    """The real part in normal form: real factors stand outside, sums are taken term by term."""
    return _part(e, RE)


def imaginary_part(e: Expr) -> Expr:
    """The imaginary part in normal form."""
    return _part(e, IM)


def _part(e: Expr, page: Part) -> Expr:
    if e.real:
        return e if page is RE else zeros(e.shape)
    op = e.op
    if op is sums.SUM:
        return sums.add((c, _part(a, page)) for c, a in zip(e.params, e.args, strict=True))
    if op is IMAGINARY_UNIT:
        return hadamard.monomial(SCALAR, []) if page is IM else zeros(SCALAR)
    if op is TRANSPOSE:
        return transposed(_part(e.args[0], page))
    if op is products.SCALE:
        s, a = e.args
        if s.real:
            return products.scale(s, _part(a, page))
        if a.real:
            return products.scale(_part(s, page), a)
        i, rest = _without_unit(s)
        if i:
            return _turned(products.scale(rest, a), page)
    if op is hadamard.MONOMIAL:
        factors = list(zip(e.args, e.params, strict=True))
        outside = [f for f in factors if f[0].real]
        inside = hadamard.monomial(e.shape, [f for f in factors if not f[0].real])
        if outside:
            return hadamard.monomial(e.shape, [*outside, (_part(inside, page), 1)])
        i, rest = _without_unit(e)
        if i:
            return _turned(rest, page)
    if op is products.PRODUCT and (e.args[0].real or e.args[-1].real):
        first = next(i for i, a in enumerate(e.args) if not a.real)
        last = next(i for i, a in enumerate(reversed(e.args)) if not a.real)
        inside = products.product(*e.args[first : len(e.args) - last])
        return products.product(*e.args[:first], _part(inside, page), *e.args[len(e.args) - last :])
    other = conjugated(e)
    if other is e:
        return _node(RE, e) if page is RE else zeros(e.shape)
    if _rank(other) < _rank(e):
        part = transposed(_node(page, other.args[0])) if other.op is TRANSPOSE else _node(page, other)
        return part if page is RE else sums.negative(part)
    return _node(page, e)


def _node(page: Part, e: Expr) -> Expr:
    node = make(page, (e,), (), e.shape)
    return oriented(node, lambda: make(page, (transposed(e),), (), e.shape[::-1]))


def _without_unit(e: Expr) -> tuple[bool, Expr]:
    """Is 1i a factor of e, and what is left without it?"""
    if e.op is IMAGINARY_UNIT:
        return True, hadamard.monomial(SCALAR, [])
    if e.op is hadamard.MONOMIAL:
        factors = list(zip(e.args, e.params, strict=True))
        rest = [(b, k) for b, k in factors if b.op is not IMAGINARY_UNIT or k != 1]
        if len(rest) < len(factors):
            return True, hadamard.monomial(e.shape, rest)
    return False, e


def _turned(rest: Expr, page: Part) -> Expr:
    """The part of 1i*rest."""
    return sums.negative(imaginary_part(rest)) if page is RE else real_part(rest)


def _rank(e: Expr) -> tuple[Any, ...]:
    """Of Z and conj(Z) the one with no bar on the differential is kept, or the one with fewer bars."""
    barred = any(n.op is CONJ and n.args[0].lead[:1] == "~" for n in walk(e))
    return barred, e.op in (TRANSPOSE, sums.SUM), e.bar, min(e.key, transposed(e).key)


def _bar(e: Expr) -> Expr:
    """The conjugate of a variable; of a Hermitian one its transpose."""
    return transposed(e) if "hermitian" in e.params[1] else barred(e)


def barred(e: Expr) -> Expr:
    """The conjugate as a node of its own, with the bar outside."""
    return make(CONJ, (e,), (), e.shape)


CONJUGATES.update({
    "variable": _bar, "conj": lambda e: e.args[0], "1i": lambda e: sums.negative(e),
})  # fmt: skip
