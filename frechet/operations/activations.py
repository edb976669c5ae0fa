"""The activation functions of neural networks, entry by entry; relu, sigmoid and softplus are in `elementwise`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from frechet.expressions.dimension import SCALAR, UNIT, Shape
from frechet.expressions.errors import ShapeError
from frechet.expressions.node import Expr, make
from frechet.expressions.operation import Equal, Operation
from frechet.operations import extrema, hadamard, products, sums
from frechet.operations.composite import Composite
from frechet.operations.constants import PI, exact, is_zero, number, ones
from frechet.operations.elementwise import (
    ABS,
    EXP,
    EXPM1,
    HALF,
    RELU,
    SIGMOID,
    SOFTPLUS,
    STEP,
    TANH,
    Elementwise,
    both,
    one_plus,
    raised,
)  # fmt: skip
from frechet.operations.special_functions import ERF
from frechet.operations.transposition import oriented, transposed

SILU = Elementwise(
    "silu", "(sigmoid(x)+x.*sigmoid(x).*sigmoid(-x))",
    lambda u: sums.add([(1, SIGMOID.build(u)), (1, both(u, SIGMOID.derivative(u)))]),
    "silu({0})", at_zero=0, summary="x*sigmoid(x) of every entry.", identities=(("silu(x)", "x.*sigmoid(x)"),),
)  # fmt: skip


def _gelu(u: Expr) -> Expr:
    root2 = hadamard.monomial(SCALAR, [(number(2), -HALF)])
    cdf = one_plus(ERF.build(hadamard.times(root2, u)))
    density = EXP.build(sums.scaled(-HALF, raised(u, 2)))
    root = hadamard.monomial(SCALAR, [(number(2), -HALF), (PI.build(), -HALF)])
    return sums.add([(HALF, cdf), (1, hadamard.times(root, both(u, density)))])


GELU = Elementwise(
    "gelu", "(Phi(x)+x.*phi(x))", _gelu, "gelu({0})", at_zero=0, summary="x*Phi(x), Phi the normal distribution function.",
    identities=(("gelu(x)", "x.*(ones(n)+erf(x/sqrt(2)))/2"),),
)  # fmt: skip


def _gelu_tanh_slope(u: Expr) -> Expr:
    """(1 + tanh(s))/2 + x/2 (1 - tanh(s)^2) s',  s = sqrt(2/pi) (x + 0.044715 x^3)."""
    root = hadamard.monomial(SCALAR, [(number(2), HALF), (PI.build(), -HALF)])
    s = hadamard.times(root, sums.add([(1, u), (CUBIC, raised(u, 3))]))
    rate = hadamard.times(root, one_plus(raised(u, 2), 3 * CUBIC))
    t = TANH.build(s)
    return sums.add([(HALF, one_plus(t)), (HALF, both(u, one_plus(raised(t, 2), -1), rate))])


def _mish_slope(u: Expr) -> Expr:
    t = TANH.build(SOFTPLUS.build(u))
    return sums.add([(1, t), (1, both(u, one_plus(raised(t, 2), -1), SIGMOID.build(u)))])


CUBIC = Fraction(44715, 1000000)
GELU_TANH = Elementwise(
    "gelutanh", "((1+t)/2+x/2.*(1-t.^2)*s')", _gelu_tanh_slope, "gelutanh({0})", at_zero=0,
    summary="The approximation of gelu by x/2*(1+t), t = tanh(s), s = sqrt(2/pi)*(x+0.044715*x.^3).",
    identities=(("gelutanh(x)", "x.*(ones(n)+tanh(sqrt(2/pi)*(x+0.044715*x.^3)))/2"),),
)  # fmt: skip
MISH = Elementwise(
    "mish", "(t+x.*(1-t.^2).*sigmoid(x))", _mish_slope, "mish({0})", at_zero=0,
    summary="x.*t, t = tanh(softplus(x)).", identities=(("mish(x)", "x.*tanh(softplus(x))"),),
)  # fmt: skip
SOFTSIGN = Elementwise(
    "softsign", "1./(1+abs(x)).^2", lambda u: raised(one_plus(ABS.build(u)), -2), "softsign({0})", odd=True, at_zero=0,
    summary="x/(1+abs(x)) of every entry; smooth at 0 too, with slope 1.",
    identities=(("softsign(x)", "x./(ones(n)+abs(x))"),),
)  # fmt: skip
LOGCOSH = Elementwise(
    "logcosh", "tanh(x)", lambda u: TANH.build(u), "logcosh({0})", even=True, at_zero=0, sign=1,
    summary="log(cosh(x)) of every entry, without overflow.", identities=(("logcosh(x)", "log(cosh(x))"),),
)  # fmt: skip


class WithParameter(Elementwise):
    """A function of every entry and of a number, such as elu(x,a): `derivative` and `by_parameter` are its two slopes."""

    takes = ("ee",)

    def __init__(
        self, name: str, letter: str, by_parameter: Callable[[Expr, Expr], Expr], slope: Any, **others: Any
    ) -> None:
        self.positive = others.pop("positive", False)  # must the number be?
        super().__init__(name, derivative=slope, **others)
        self.by_parameter = by_parameter
        if self.positive:
            self.conditions_text = f"{letter} > 0"  # type: ignore[misc]
            self.elsewhere = f"where {{0}} is not positive the formula is not the derivative of {name}"  # type: ignore[misc]
        self.signature = f"{name}(x,{letter})"  # type: ignore[misc]
        self.examples = (f"{name}(x,{letter})", f"{name}(X,2)", f"sum({name}(A*x,1/2))")  # type: ignore[misc]

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        if shapes[1] != SCALAR:
            raise ShapeError(f"the second argument of {self.name} is a number")
        return shapes[0]

    def build(self, *args: Any) -> Expr:
        u, a = args
        if u.shape[0] is UNIT and u.shape[1] is not UNIT:
            return transposed(self.build(transposed(u), a))
        if is_zero(u):
            return u  # type: ignore[no-any-return]
        node = make(self, (u, a), (), u.shape)
        return oriented(node, lambda: make(self, (transposed(u), a), (), u.shape[::-1]))

    def conditions(self, node: Expr) -> Sequence[tuple[str, Expr | None]]:
        a = node.args[1]
        positive = [("{0} > 0", a)] if self.positive and a.sign < 2 else []
        return [*super().conditions(node), *positive]

    def differential(self, node: Expr, d: Sequence[Expr | None]) -> Expr:
        u, a = node.args
        slope: Callable[[Expr, Expr], Expr] = self.derivative  # type: ignore[assignment]
        terms = [(1, hadamard.times(slope(u, a), d[0]))] if d[0] is not None else []
        if d[1] is not None:
            terms.append((1, products.multiply(d[1], self.by_parameter(u, a))))
        return sums.add(terms)

    def numpy(self, node: Expr, args: Sequence[str]) -> str:
        return self.template.format(*args)


def _elu_slope(u: Expr, a: Expr) -> Expr:
    below = sums.add([(1, ELU.build(u, a)), (1, products.multiply(a, ones(u.shape)))])
    return sums.add([(1, STEP.build(u)), (1, both(STEP.build(sums.negative(u)), below))])


def _excess(u: Expr, d: Expr) -> Expr:
    return RELU.build(sums.subtract(ABS.build(u), products.multiply(d, ones(u.shape))))


def _clipped(u: Expr, d: Expr) -> Expr:
    return extrema.CLIP.build(u, sums.negative(d), d)


ELU = WithParameter(
    "elu", "a", lambda u, a: EXPM1.build(sums.negative(RELU.build(sums.negative(u)))), _elu_slope,
    rule="(step(x)+step(-x).*(elu(x,a)+a))", template="elu({0}, {1})",
    where=("{0} ≠ 0",),
    summary="x where the entry is positive, a*(exp(x)-1) elsewhere.", piecewise=True,
    identities=(("elu(x,a)", "relu(x)+a*expm1(min(x,zeros(n)))"),),
)  # fmt: skip
HUBER = WithParameter(
    "huber", "d", _excess, _clipped, rule="clip(x,-d,d)", template="huber({0}, {1})", positive=True,
    summary="x^2/2 where abs(x) is at most d, d*(abs(x)-d/2) beyond (d > 0).", piecewise=True,
    identities=(("huber(x,2)", "x.^2/2-relu(abs(x)-2*ones(n)).^2/2"),),
)  # fmt: skip


def _selu_slope(u: Expr) -> Expr:
    below = sums.add([(1, SELU.build(u)), (exact(SELU_SCALE * SELU_SLOPE), ones(u.shape))])
    return sums.add([(exact(SELU_SCALE), STEP.build(u)), (1, both(STEP.build(sums.negative(u)), below))])


SELU_SCALE, SELU_SLOPE = 1.0507009873554805, 1.6732632423543772  # Klambauer et al. (2017), eq. 14
SELU = Elementwise(
    "selu", "(c*step(x)+step(-x).*(selu(x)+c*a))", _selu_slope, "selu({0})", at_zero=0,
    where=("{0} ≠ 0",),
    summary="c*elu(x,a), c = 1.0507…, a = 1.6732…: of standard normal entries mean 0 and variance 1 are kept.",
    piecewise=True,
    identities=(("selu(x)", "1.0507009873554805*elu(x,1.6732632423543772)"),),
)  # fmt: skip


def _same(equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
    if len(shapes) > 1 and shapes[1] != SCALAR:
        raise ShapeError("the second argument is a number")
    return shapes[0]


def _with_ones(c: Any, u: Expr) -> Expr:
    return products.multiply(c if isinstance(c, Expr) else number(c), ones(u.shape))


def _leaky(u: Expr, a: Expr) -> Expr:
    return sums.subtract(RELU.build(u), products.multiply(a, RELU.build(sums.negative(u))))


def _shrunk(u: Expr, a: Expr) -> Expr:
    above = RELU.build(sums.subtract(u, _with_ones(a, u)))
    return sums.subtract(above, RELU.build(sums.subtract(sums.negative(u), _with_ones(a, u))))


def _hard_sigmoid(u: Expr) -> Expr:
    return extrema.CLIP.build(sums.add([(Fraction(1, 6), u), (HALF, ones(u.shape))]), number(0), number(1))


def _activation(name: str, summary: str, stands_for: str, build: Any, **others: Any) -> Composite:
    letters = "x,a" if others.get("takes") == ("ee",) else "x"
    others = {"takes": ("e",), "examples": (f"{name}({letters})", f"{name}(X{letters[1:]})"), **others}
    return Composite(name, f"{name}({letters})", summary, stands_for, _same, build, tensors=True, **others)


PAGES: tuple[Operation, ...] = (
    SILU, GELU, GELU_TANH, MISH, SOFTSIGN, LOGCOSH, ELU, HUBER, SELU,
    _activation("swish", "silu by its other name.", "silu(x)", SILU.build),
    _activation(
        "leakyrelu", "x where the entry is positive, a*x elsewhere.", "relu(x)-a*relu(-x)", _leaky, takes=("ee",),
        conditions="no entry 0",
    ),
    _activation(
        "softshrink", "The entry moved towards 0 by a, and 0 where it is within a of 0.", "relu(x-a)-relu(-x-a)", _shrunk,
        takes=("ee",), conditions="no entry a or -a",
    ),
    _activation("tanhshrink", "x-tanh(x) of every entry.", "x-tanh(x)", lambda u: sums.subtract(u, TANH.build(u))),
    _activation(
        "hardtanh", "Every entry moved into the interval from -1 to 1.", "clip(x,-1,1)",
        lambda u: extrema.CLIP.build(u, number(-1), number(1)), conditions="no entry 1 or -1",
    ),
    _activation(
        "relu6", "Every entry moved into the interval from 0 to 6.", "clip(x,0,6)",
        lambda u: extrema.CLIP.build(u, number(0), number(6)), conditions="no entry 0 or 6",
    ),
    _activation(
        "hardsigmoid", "The line x/6+1/2, between 0 and 1.", "clip(x/6+1/2,0,1)", _hard_sigmoid,
        conditions="no entry 3 or -3",
    ),
    _activation(
        "hardswish", "x.*hardsigmoid(x).", "x.*hardsigmoid(x)", lambda u: both(u, _hard_sigmoid(u)),
        conditions="no entry 3 or -3",
    ),
)  # fmt: skip
