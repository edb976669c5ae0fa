"""Element-wise functions: f.(X) with the differential f'.(X) .* dX.

A page is a name, the derivative as an expression, and where it exists. Source of all: calculus, applied entry by entry
(Magnus & Neudecker (2019), section 8.2). erf, gamma and their relatives are in `special_functions`,
what networks use is in `activations`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from frechet.expressions.dimension import SCALAR, UNIT, Shape
from frechet.expressions.node import Expr, Number, make
from frechet.expressions.operation import Equal, Operation
from frechet.operations import complex_parts, determinant, hadamard, products, softmax, sums
from frechet.operations.constants import is_ones, is_zero, magnitude, ones, zeros
from frechet.operations.transposition import TRANSPOSE, conjugated, oriented, transposed

HALF = Fraction(1, 2)


OFF_THE_CUT = "no entry of {0} is real and ≤ 0 (the principal branch)"
ON_THE_CUT = "where an entry of {0} is real and negative the principal branch jumps, at 0 it ends: there is no derivative"
ELSEWHERE = {  # what happens where a condition fails: by function, else by condition
    "abs": "where an entry of {0} is 0 abs has no derivative; the numbers in [-1,1] are its subgradients, and 0 is given",
    "relu": "where an entry of {0} is 0 relu has no derivative; the numbers in [0,1] are its subgradients, and 0 is given",
    "elu": "where an entry of {0} is 0 elu has a kink, unless a = 1, so no derivative; the formula gives 0",
    "selu": "where an entry of {0} is 0 selu has a kink, so no derivative; the formula gives 0",
    "sign": "where an entry of {0} is 0 sign jumps and has no derivative; 0 is given",
    "step": "where an entry of {0} is 0 step jumps and has no derivative; 0 is given",
    "arccosh": "where an entry of {0} is 1 arccosh has an infinite slope, and below 1 no value",
    "arctanh": "where an entry of {0} is 1 or -1 arctanh is infinite, and beyond it has no value",
    "{0} > 0": "where an entry of {0} is 0 or less {name} has no value, so no derivative",
    "1 + {0} > 0": "where an entry of {0} is -1 or less {name} has no value, so no derivative",
    "abs({0}) < 1": "where an entry of {0} is 1 or -1 {name} has an infinite slope, and beyond it no value",
    "cos({0}) ≠ 0": "where cos({0}) is 0 {name} has a pole, so no value and no derivative",
    "{0} not 0, -1, -2, …": "where an entry of {0} is 0, -1, -2, … {name} has a pole, so no value and no derivative",
}


class Elementwise(Operation):
    """A function applied to every entry."""

    source = "calculus, entry by entry"
    takes = ("e",)
    tensors = True
    odd = False  # f(-x) = -f(x)
    even = False  # f(-x) = f(x)
    at_zero: int | None = None  # f(0), where it is 0 or 1
    sign_of_value = 0
    template = "np.{name}({0})"
    where: tuple[str, ...] = ()  # conditions, {0} is the argument

    def __init__(
        self,
        name: str,
        rule: str,
        derivative: Callable[[Expr], Expr],
        template: str = "",
        *,
        odd: bool = False,
        even: bool = False,
        at_zero: int | None = None,
        sign: int = 0,
        where: tuple[str, ...] = (),
        domain: str = "",
        latex: str = "",
        simplify: Callable[[Expr], Expr | None] | None = None,
        identities: tuple[tuple[str, str], ...] = (),
        summary: str = "",
        complex: bool = False,
        elsewhere: str = "",
        piecewise: bool = False,
    ) -> None:
        self.name = name  # type: ignore[misc]
        self.complex = complex  # type: ignore[misc]
        self.piecewise = piecewise  # type: ignore[misc]
        self.rule = f"d {name}(x) = {rule}.*dx"  # type: ignore[misc]
        self.derivative = derivative
        self.template = template or f"np.{name}({{0}})"
        self.odd, self.even, self.at_zero, self.sign_of_value, self.where = odd, even, at_zero, sign, where
        self.domain = domain  # type: ignore[misc]
        self.latex = latex or rf"\operatorname{{{name}}}({{0}})"  # type: ignore[misc]
        self.conditions_text = "; ".join(w.format("x") for w in where)  # type: ignore[misc]
        said = ELSEWHERE.get(name) or (ELSEWHERE.get(where[0], "").format("{0}", name=name) if where else "")
        self.elsewhere = elsewhere or said  # type: ignore[misc]
        self.simplify = simplify
        self.identities = identities  # type: ignore[misc]
        self.signature = f"{name}(x)"  # type: ignore[misc]
        self.summary = summary or f"{name} of every entry."  # type: ignore[misc]
        self.examples = (f"{name}(x)", f"{name}(X)", f"sum({name}(A*x))") if not domain else (f"{name}(x)", f"{name}(X)")  # type: ignore[misc]
        super().__init__()

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        return shapes[0]

    def build(self, *args: Any) -> Expr:
        u: Expr = args[0]
        if u.op is TRANSPOSE or (u.shape[0] is UNIT and u.shape[1] is not UNIT):
            return transposed(self.build(transposed(u)))
        if self.at_zero is not None and is_zero(u):
            return ones(u.shape) if self.at_zero else u
        if self.simplify is not None:
            simpler = self.simplify(u)
            if simpler is not None:
                return simpler
        if self.odd or self.even:
            c, rest = sums.content(u)
            if c < 0:
                f = self.build(sums.scaled(-c, rest))
                return sums.negative(f) if self.odd else f
        node = make(self, (u,), (), u.shape)
        return oriented(node, lambda: make(self, (transposed(u),), (), u.shape[::-1]))

    def annotate(self, node: Expr) -> None:
        node.sign = self.sign_of_value
        node.definite = node.sign if node.shape == SCALAR else 0
        if node.shape == SCALAR:
            node.balance = 0
            node.transposed = node

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        assert d[0] is not None
        slope = self.derivative(node.args[0])
        return zeros(node.shape) if is_zero(slope) else hadamard.times(slope, d[0])

    def elsewhere_of(self, node: Expr, words: str) -> str:
        return ON_THE_CUT if words == OFF_THE_CUT else self.elsewhere

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        u = node.args[0]
        if u.sign == 2 and self.where in (("{0} > 0",), ("{0} ≠ 0",)):
            return ()
        if not u.real:
            return [
                (OFF_THE_CUT if w.endswith("{0} > 0") else w, one_plus(u) if w.startswith("1 +") else u) for w in self.where
            ]
        entries = "no entry of {0} is 0" if u.shape != SCALAR else "{0} ≠ 0"
        return [(w.replace("{0} ≠ 0", entries), u) for w in self.where]

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return self.template.format(args[0], name=self.name)


def one_plus(u: Expr, c: Number = 1) -> Expr:
    """1 + c*u with ones of u's shape."""
    return sums.add([(1, ones(u.shape)), (c, u)])


def raised(u: Expr, k: int | Fraction) -> Expr:
    return hadamard.monomial(u.shape, [(u, k)])


def both(*factors: Expr) -> Expr:
    return hadamard.monomial(factors[0].shape, [(f, 1) for f in factors])


class SignPage(Elementwise):
    """The sign; of v - max(v) it is exactly 0 where the largest entry stands, however the difference is rounded."""

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        extreme, axis = level_below(node.args[0])
        if extreme:
            along = "" if axis is None else f", axis={axis}, keepdims=True"
            return f"np.sign({args[0]} - np.{extreme}({args[0]}{along}))"
        return super().numpy(node, args)


def level_below(u: Expr) -> tuple[str, int | None]:
    """ "max" where u is v - max(v)*ones, "min" where it is v - min(v)*ones; and along which axis of u, if not of all."""
    for c, e in zip(u.params, u.args, strict=True) if u.op is sums.SUM else ():
        if e.op is products.SCALE and is_ones(e.args[1]):
            extreme, axis = e.args[0], None
        elif e.op is products.PRODUCT and len(e.args) == 2 and is_ones(transposed(e.args[1])):
            extreme, axis = e.args[0], 1
        elif e.op is products.PRODUCT and len(e.args) == 2 and is_ones(e.args[0]):
            extreme, axis = transposed(e.args[1]), 0
        else:
            continue
        name = extreme.op.typed_as or extreme.op.name
        if name in ("max", "min") and len(extreme.args) == 1 and c < 0:
            v = sums.scaled(-c, extreme.args[0])
            rest = sums.add((k, a) for k, a in zip(u.params, u.args, strict=True) if a is not e)
            if rest is v or transposed(rest) is v:
                return name, axis
    return "", None


class LogPage(Elementwise):
    """The logarithm; of products, moduli and softmax its differential is taken term by term: d log(x./y) = dx./x - dy./y."""

    def same_differential(self, node: Expr) -> Expr | None:
        u = node.args[0]
        if u.op.name == "hadamard":
            return sums.add((k, LOG.build(b)) for b, k in zip(u.args, u.params, strict=True))
        if u.op is ABS:
            return complex_parts.real_part(LOG.build(u.args[0]))
        if u.op in (softmax.SOFTMAX, softmax.SOFTMAX_OF_ROWS):
            return softmax.logsoftmax(u.args[0], 2 if u.kind == "matrix" else 0)
        return None


def _log(u: Expr) -> Expr | None:
    if is_ones(u):
        return zeros(u.shape)
    if u.op.name == "det":
        return determinant.LOGDET.build(u.args[0])
    if not u.real:
        return None
    if u.op is EXP:
        return u.args[0]
    if u.op is SIGMOID:
        return sums.negative(SOFTPLUS.build(sums.negative(u.args[0])))
    if u.op.name == "sum" and u.args[0].op is EXP and u.args[0].args[0].kind == "vector":
        return softmax.LOGSUMEXP.build(u.args[0].args[0])
    if u.op.name == "sum_of_terms" and u.params == (1, 1):
        exps = [a for a in u.args if a.op is EXP]
        if len(exps) == 1 and any(is_ones(a) for a in u.args):
            return SOFTPLUS.build(exps[0].args[0])
    if u.op.name == "hadamard" and len(u.args) == 1:
        k = u.params[0]
        if u.args[0].sign == 2 or (isinstance(k, int) and k % 2) or (not isinstance(k, int)):
            return sums.scaled(k, LOG.build(u.args[0]))
    return None


def _abs(u: Expr) -> Expr | None:
    if u.sign:
        return u
    if u.op is ABS:
        return u
    c, rest = sums.content(u)
    if c not in (1,):
        return sums.scaled(magnitude(c), ABS.build(rest))
    if u.real:
        return None
    if u.op.name == "1i":
        return ones(u.shape)
    if u.op.name == "hadamard" and all(isinstance(k, int) for k in u.params):
        return hadamard.monomial(u.shape, [(ABS.build(b), k) for b, k in zip(u.args, u.params, strict=True)])
    return ABS.build(conjugated(u)) if u.bar > 0 else None


class ModulusPage(Elementwise):
    """The absolute value; of complex entries the modulus: d abs(z) = re(conj(z).*dz)./abs(z)."""

    def annotate(self, node: Expr) -> None:
        super().annotate(node)
        node.real = True

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        u = node.args[0]
        if u.real:
            return super().differential(node, d)
        assert d[0] is not None
        return complex_parts.real_part(hadamard.times(hadamard.monomial(u.shape, [(conjugated(u), 1), (node, -1)]), d[0]))

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        # the square of a modulus has a derivative everywhere: of complex entries the division by abs(z) tells the condition
        return super().conditions(node) if node.args[0].real else ()


def _relu(u: Expr) -> Expr | None:
    c, rest = sums.content(u)
    return sums.scaled(c, RELU.build(rest)) if c > 0 and c != 1 else None


def _sign(u: Expr) -> Expr | None:
    c, rest = sums.content(u)
    if u.sign == 2:
        return ones(u.shape)
    return SIGN.build(rest) if c > 0 and c != 1 else None


def _step(u: Expr) -> Expr | None:
    c, rest = sums.content(u)
    if u.sign == 2:
        return ones(u.shape)
    return STEP.build(rest) if c > 0 and c != 1 else None


def _exp(u: Expr) -> Expr | None:
    if u.op is LOG:
        return u.args[0]
    return None


EXP: Elementwise
ABS: Elementwise
SIGN: Elementwise
COS: Elementwise
TAN: Elementwise
COSH: Elementwise
SIGMOID: Elementwise

EXP = Elementwise(
    "exp", "exp(x)", lambda u: EXP.build(u), at_zero=1, sign=2, latex=r"\exp({0})", simplify=_exp, complex=True
)
LOG = LogPage(
    "log", "1./x", lambda u: raised(u, -1), where=("{0} > 0",), domain="positive", latex=r"\log({0})", simplify=_log,
    complex=True,
    identities=(("log(exp(x))", "x"), ("log(ones(n)+exp(x))", "softplus(x)"), ("log(sum(exp(x)))", "logsumexp(x)")),
)  # fmt: skip
LOG1P = Elementwise(
    "log1p", "1./(1+x)", lambda u: raised(one_plus(u), -1), at_zero=0, where=("1 + {0} > 0",), domain="positive",
    complex=True,
)  # fmt: skip
EXPM1 = Elementwise("expm1", "exp(x)", lambda u: EXP.build(u), at_zero=0, complex=True)
ABS = ModulusPage(
    "abs", "sign(x)", lambda u: SIGN.build(u), even=True, sign=1, where=("{0} ≠ 0 (at 0 the subgradient 0 is given)",),
    latex=r"\lvert {0}\rvert", simplify=_abs, complex=True,
    piecewise=True,
)  # fmt: skip
SIGN = SignPage(
    "sign", "0", lambda u: zeros(u.shape), odd=True, at_zero=0, where=("{0} ≠ 0",), simplify=_sign,
    piecewise=True,
)  # fmt: skip
STEP = Elementwise(
    "step", "0", lambda u: zeros(u.shape), "np.where({0} > 0, 1.0, 0.0)", sign=1, where=("{0} ≠ 0",), simplify=_step,
    summary="1 where the entry is positive, else 0.", piecewise=True,
)  # fmt: skip
SIN = Elementwise("sin", "cos(x)", lambda u: COS.build(u), odd=True, at_zero=0, latex=r"\sin({0})", complex=True)
COS = Elementwise(
    "cos", "-sin(x)", lambda u: sums.negative(SIN.build(u)), even=True, at_zero=1, latex=r"\cos({0})", complex=True
)
TAN = Elementwise(
    "tan", "(1+tan(x).^2)", lambda u: one_plus(raised(TAN.build(u), 2)), odd=True, at_zero=0, where=("cos({0}) ≠ 0",),
    domain="unit01", latex=r"\tan({0})", complex=True,
)  # fmt: skip
ARCSIN = Elementwise(
    "arcsin", "1./sqrt(1-x.^2)", lambda u: raised(one_plus(raised(u, 2), -1), -HALF), odd=True, at_zero=0,
    where=("abs({0}) < 1",), domain="unit01", latex=r"\arcsin({0})",
)  # fmt: skip
ARCCOS = Elementwise(
    "arccos", "-1./sqrt(1-x.^2)", lambda u: sums.negative(raised(one_plus(raised(u, 2), -1), -HALF)),
    where=("abs({0}) < 1",), domain="unit01", latex=r"\arccos({0})",
)  # fmt: skip
ARCTAN = Elementwise(
    "arctan", "1./(1+x.^2)", lambda u: raised(one_plus(raised(u, 2)), -1), odd=True, at_zero=0, latex=r"\arctan({0})"
)
SINH = Elementwise("sinh", "cosh(x)", lambda u: COSH.build(u), odd=True, at_zero=0, latex=r"\sinh({0})", complex=True)
COSH = Elementwise(
    "cosh", "sinh(x)", lambda u: SINH.build(u), even=True, at_zero=1, sign=2, latex=r"\cosh({0})", complex=True
)


def _tanh_quotient(u: Expr) -> Expr:
    return one_plus(raised(TANH.build(u), 2), -1)


TANH = Elementwise("tanh", "(1-tanh(x).^2)", _tanh_quotient, odd=True, at_zero=0, latex=r"\tanh({0})", complex=True)
ARCSINH = Elementwise("arcsinh", "1./sqrt(1+x.^2)", lambda u: raised(one_plus(raised(u, 2)), -HALF), odd=True, at_zero=0)
ARCCOSH = Elementwise(
    "arccosh", "1./sqrt(x.^2-1)", lambda u: raised(sums.subtract(raised(u, 2), ones(u.shape)), -HALF),
    where=("{0} > 1",), domain="above1",
)  # fmt: skip
ARCTANH = Elementwise(
    "arctanh", "1./(1-x.^2)", lambda u: raised(one_plus(raised(u, 2), -1), -1), odd=True, at_zero=0,
    where=("abs({0}) < 1",), domain="unit01",
)  # fmt: skip
RELU = Elementwise(
    "relu", "step(x)", lambda u: STEP.build(u), "np.maximum({0}, 0)", at_zero=0, sign=1,
    where=("{0} ≠ 0 (at 0 the subgradient 0 is given)",), simplify=_relu, summary="max(x, 0) of every entry.",
    piecewise=True,
)  # fmt: skip
SIGMOID = Elementwise(
    "sigmoid", "sigmoid(x).*sigmoid(-x)", lambda u: both(SIGMOID.build(u), SIGMOID.build(sums.negative(u))), "expit({0})",
    sign=2, latex=r"\sigma({0})", summary="The logistic function 1/(1+exp(-x)) of every entry.",
    identities=(("sigmoid(-x)", "ones(n)-sigmoid(x)"), ("ones(n)./(ones(n)+exp(-x))", "sigmoid(x)")),
)  # fmt: skip
SOFTPLUS = Elementwise(
    "softplus", "sigmoid(x)", lambda u: SIGMOID.build(u), "np.logaddexp({0}, 0)", sign=2,
    summary="log(1+exp(x)) of every entry.",
    identities=(("softplus(x)-softplus(-x)", "x"),),
)  # fmt: skip


class Of(Operation):
    """A typed name that stands for other operations."""

    takes = ("e",)
    tensors = True

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        return shapes[0]


class SqrtPage(Of):
    name, signature, summary = "sqrt", "sqrt(x)", "The square root of every entry: x.^(1/2)."
    rule = "d sqrt(x) = dx./(2*sqrt(x))"
    complex = True
    conditions_text = "x > 0"
    examples, domain = ("sqrt(x)",), "positive"

    def build(self, *args: Any) -> Expr:
        return raised(args[0], HALF)


class SquarePage(Of):
    name, signature, summary = "square", "square(x)", "The square of every entry: x.^2."
    rule = "d square(x) = 2*x.*dx"
    complex = True
    examples = ("square(x)",)

    def build(self, *args: Any) -> Expr:
        return raised(args[0], 2)


class LogSigmoidPage(Of):
    name, signature, summary = "logsigmoid", "logsigmoid(x)", "log(sigmoid(x)) = -softplus(-x)."
    rule = "d logsigmoid(x) = sigmoid(-x).*dx"
    examples = ("logsigmoid(x)",)

    def build(self, *args: Any) -> Expr:
        return sums.negative(SOFTPLUS.build(sums.negative(args[0])))


def _complement(core: Expr, total: dict[Expr, Any], shape: Shape) -> list[tuple[Any, Expr]] | None:
    """1 - sigmoid(x) = sigmoid(-x) and sigmoid(x) + sigmoid(-x) = 1 within a sum."""
    c = total[core]
    one = next((e for e in total if is_ones(e) and e.shape == shape), None)
    if one is not None and total[one] == -c and c != 0:
        rest = [(k, e) for e, k in total.items() if e is not core and e is not one]
        return [*rest, (-c, SIGMOID.build(sums.negative(core.args[0])))]
    return None


def _softplus_difference(core: Expr, total: dict[Expr, Any], shape: Shape) -> list[tuple[Any, Expr]] | None:
    """softplus(x) - softplus(-x) = x within a sum."""
    c = total[core]
    other = SOFTPLUS.build(sums.negative(core.args[0]))
    if c != 0 and total.get(other, 0) == -c:
        rest = [(k, e) for e, k in total.items() if e is not core and e is not other]
        return [*rest, (c, core.args[0])]
    return None


sums.COMPLEMENTS.update({SIGMOID: _complement, SOFTPLUS: _softplus_difference})

FUNCTIONS = (
    EXP, LOG, LOG1P, EXPM1, ABS, SIGN, STEP, SIN, COS, TAN, ARCSIN, ARCCOS, ARCTAN, SINH, COSH, TANH, ARCSINH, ARCCOSH,
    ARCTANH, RELU, SIGMOID, SOFTPLUS,
)  # fmt: skip
PAGES: tuple[Operation, ...] = (
    *FUNCTIONS, SqrtPage(), SquarePage(), LogSigmoidPage(),
)  # fmt: skip
