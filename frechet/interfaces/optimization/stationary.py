"""Stationary points by formula: where the gradient is linear in the variable, or is after multiplying through.

>>> import frechet as fr
>>> s = fr.stationary("norm2(X*w - y)^2", "w")
>>> s.point
inv(X'*X)*X'*y
>>> s.kind, s.conditions
('minimum', ['X of full column rank'])
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from frechet.compilation.numpy_source import compiled
from frechet.differentiation.conditions import explained
from frechet.differentiation.derivative import Derivative
from frechet.differentiation.differential import differential
from frechet.differentiation.structure import projected
from frechet.expressions.dimension import SCALAR
from frechet.expressions.errors import CheckFailed, FrechetError, NotationError, UnsupportedError
from frechet.expressions.node import Expr, depends, rebuild, substitute, variables, walk
from frechet.expressions.space import curved, space_names
from frechet.interfaces.answer import describe, promises
from frechet.interfaces.optimization.coordinates import free_entries
from frechet.interfaces.optimization.linear_equations import Equation, Root, by_inverses, by_vec, definite_sign, equation
from frechet.notation.text import write_text
from frechet.operations import hadamard, norms, powers, products, sums
from frechet.operations.constants import is_zero, variable
from frechet.operations.declared_functions import symbols
from frechet.operations.equations import LYAP, SYLVESTER
from frechet.operations.hadamard import monomial
from frechet.operations.powers import inverse
from frechet.operations.products import product
from frechet.operations.sums import add
from frechet.operations.transposition import TRANSPOSE, transposed
from frechet.simplification.polishing import polished
from frechet.verification.sampling import Point, linear_structure, points, value_at, with_masks
from frechet.verification.sampling import projected as in_structure

if TYPE_CHECKING:
    from frechet.interfaces.document import Document

POINTS = 12  # at which the gradient is compared with 0, and the Hessian looked at
SEEDS = 6  # draws of points, until there are so many in the domain
TOLERANCE = 1e-7  # of the gradient there, relative to its size at another point
SINGULAR = 1e-12  # relative: smaller singular values count as 0
DEFINITE = 1e-9  # relative: eigenvalues of a Hessian below count as 0
EXPONENTS = (1, 2, 3)  # powers of a scalar or of entries that an equation is multiplied by
STATIONARY = "stationary point"
AT = "the Hessian there is {} definite"
SPANNED = 400  # entries of a variable whose Hessian is looked at in numbers
UNKNOWN = "unknown_"  # a name for inv(X) or x^2 where that is what is solved for


@dataclass(frozen=True)
class Stationary:
    """Where the gradient of a scalar function is 0.

    function, variable, gradient   of the question
    left, right    the equation that was solved, left = right, linear in the unknown
    unknown        the variable, or what the equation is linear in: inv(S), s^2
    multiplied     what the gradient was multiplied by before; "" where it was not
    point          the solution
    conditions     where it holds
    kind           minimum, maximum, saddle or stationary point, where that depends
    reason         why it is that
    checked        at how many random points the gradient was compared with 0, and its largest size there, relative
    """

    function: Expr
    variable: Expr
    gradient: Expr
    left: Expr
    right: Expr
    unknown: Expr
    multiplied: str
    point: Expr
    conditions: list[str]
    kind: str
    reason: str
    notes: tuple[str, ...]
    checked: tuple[int, float]

    def __repr__(self) -> str:
        return f"<{self.kind} of {self.function!r} at {self.variable!r} = {self.point!r}>"

    def document(self) -> Document:
        """The answer as a page."""
        from frechet.interfaces.optimization.stationary_page import document

        return document(self)

    def __str__(self) -> str:
        return str(self.document())

    def _repr_html_(self) -> str:
        return self.document()._repr_html_()


def stationary(
    function: Expr | str, variable: Expr | str, declare: Mapping[str, str | Expr] | Sequence[str] | None = None
) -> Stationary:
    """The point where the gradient of a scalar function is 0, by formula, with the conditions under which it is.

    Raises:  UnsupportedError, where the gradient is not linear in the variable, naming what makes it so, or the variable is
             bound to a set; ShapeError, if the function is not scalar; CheckFailed, if the gradient is not 0 in numbers
    """
    if isinstance(function, str):
        from frechet.notation.reading import parse

        name = variable if isinstance(variable, str) else variable.params[0]
        function = parse(function, declare, wrt=name)
    known = {v.params[0]: v for v in variables(function)}
    name = variable if isinstance(variable, str) else variable.params[0]
    if name not in known:
        raise NotationError(f"{name!r} is no variable of the function, whose variables are {', '.join(known)}")
    return stationary_point(function, known[name])


def stationary_point(function: Expr, x: Expr) -> Stationary:
    """As `stationary`, of an expression and one of its variables."""
    d = Derivative(function, x)
    gradient = d.gradient
    _refuse(x)
    raw = projected(d._raw_cotangent, x)
    if x not in variables(raw):
        raise UnsupportedError(_constant(gradient, x))
    refused: FrechetError | None = None
    for form in _forms(raw, gradient, x):
        q = equation(form.equation, form.unknown)
        if q is None or x in variables(q.right, q.linear):
            continue
        try:
            root = by_inverses(q) or (_of_residual(function, x, q) if form.direct else None) or by_vec(q)
        except UnsupportedError:
            continue
        try:
            return _answered(d, form, q, root)
        except (CheckFailed, UnsupportedError) as error:
            if form.direct:
                raise
            refused = refused or error  # multiplying may bring in points that are not stationary: another form may be better
        except FrechetError:
            continue  # the solution for inv(X) has no inverse
    raise refused or UnsupportedError(_not_linear(gradient, x))


class Form(NamedTuple):
    """The condition gradient = 0 written as another equation.

    unknown    the variable that it is linear in: x, or a symbol that stands for `stands_for`
    back       from the solution for the unknown to that for x
    direct     is it the gradient itself, perhaps up to a factor?
    """

    equation: Expr
    unknown: Expr
    stands_for: Expr
    back: Callable[[Expr], Expr] = lambda value: value
    multiplied: str = ""
    direct: bool = False
    notes: tuple[str, ...] = ()


def _forms(raw: Expr, gradient: Expr, x: Expr) -> Iterator[Form]:
    """The equation as it is, without a scalar factor, multiplied through, and in terms of inv(X) or of powers of x."""
    yield Form(raw, x, x, direct=True)
    for e in (raw, gradient):
        _, core = sums.content(e)
        if core.op is products.SCALE and x in variables(core.args[0]):
            factor, rest = core.args
            yield Form(rest, x, x, multiplied=repr(monomial(SCALAR, [(factor, -1)])), notes=_zeros_of(factor))
    name = x.params[0]
    if x.kind == "matrix" and x.shape[0] is x.shape[1]:
        turned = transposed(x)
        for left, right in ((x, x), (turned, turned), (x, None), (None, x), (turned, None), (None, turned)):
            front = [left] if left is not None else []
            back = [right] if right is not None else []
            said = [f"{e!r} from the {side}" for e, side in ((left, "left"), (right, "right")) if e is not None]
            if len(said) == 2:
                said = [f"{left!r} from both sides"]
            yield Form(_each(raw, lambda t, f=front, b=back: product(*f, t, *b)), x, x, multiplied=said[0])  # type: ignore[misc]
        symbol = variable(UNKNOWN, x.shape, x.params[1], x.params[2])
        swapped = _with_symbol(raw, x, symbol)
        if swapped is not None:
            yield Form(swapped, symbol, inverse(x), inverse)
    if x.kind in ("scalar", "vector"):
        for k in EXPONENTS:
            yield Form(_times_power(raw, x, k), x, x, multiplied=_power_said(name, x, k))
        if x.sign == 2:
            symbol = variable(UNKNOWN, x.shape, (), "positive")
            half = monomial(x.shape, [(symbol, Fraction(1, 2))])
            for k in (0, *EXPONENTS):
                multiplied = _power_said(name, x, k) if k else ""
                yield Form(
                    polished(substitute(_times_power(raw, x, k), {x: half})),
                    symbol,
                    monomial(x.shape, [(x, 2)]),
                    lambda value: monomial(value.shape, [(value, Fraction(1, 2))]),
                    multiplied,
                )


def _power_said(name: str, x: Expr, k: int) -> str:
    dot = "." if x.shape != SCALAR else ""
    return name if k == 1 else f"{name}{dot}^{k}"


def _times_power(e: Expr, x: Expr, k: int) -> Expr:
    return _each(e, lambda t: monomial(t.shape, [(t, 1), (x, k)])) if k else e


def _each(e: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """A sum with every term changed."""
    c, e = sums.content(e)
    if e.op is TRANSPOSE and e.args[0].op is sums.SUM:
        e = e.args[0]
        return add((c * k, change(transposed(a))) for k, a in zip(e.params, e.args, strict=True))
    if e.op is not sums.SUM:
        return add([(c, change(e))])
    return add((c * k, change(a)) for k, a in zip(e.params, e.args, strict=True))


def _with_symbol(e: Expr, x: Expr, symbol: Expr) -> Expr | None:
    """e with a symbol for inv(X); None where X occurs otherwise."""

    def change(node: Expr, args: tuple[Expr, ...]) -> Expr:
        if node.op is powers.MATRIX_POWER and node.args[0] is x and node.params[0] < 0:
            return powers.power(symbol, -node.params[0])
        if node.op is powers.MATRIX_POWER and node.args[0] is transposed(x) and node.params[0] < 0:
            return powers.power(transposed(symbol), -node.params[0])
        return node if args == node.args else node.op.rebuild(node, args)

    swapped = rebuild([e], change)[0]
    return None if x in variables(swapped) else swapped


def _of_residual(function: Expr, x: Expr, gradient: Equation) -> Root | None:
    """Where R = 0 has a solution by formula, of the function c*norm2(R)^2: there it is as small as it can be."""
    c, core = sums.content(function)
    if core.op is not hadamard.MONOMIAL or len(core.args) != 1 or core.params != (2,) or core.args[0].op is not norms.NORM2:
        return None
    residual = core.args[0].args[0]
    if residual.shape != x.shape:
        return None
    q = equation(residual, x)
    root = None if q is None else by_inverses(q)
    return None if root is None else root._replace(sign=1 if (c > 0) == (gradient.divisor > 0) else -1)


def _refuse(x: Expr) -> None:
    """Raises UnsupportedError for variables that are bound to a set, or whose space has no formula here."""
    name, words = x.params[0], " ".join([*x.params[1], *([x.params[2]] if x.params[2] != "normal" else [])])
    names = space_names(*x.params[1:3])
    if curved(x.params[1]) or "simplex" in names:
        raise UnsupportedError(f"{name} is declared {words}, which is a constraint: stationary points are found without any")
    if names not in ((), ("symmetric",)):
        raise UnsupportedError(
            f"stationary points of a variable declared {words} are not supported: its entries are not free"
        )
    if not x.real:
        raise UnsupportedError(f"{name} is complex: stationary points are found for real variables")
    if x.kind not in ("scalar", "vector", "matrix"):
        raise UnsupportedError(f"{name} is a {x.kind}: stationary points are found for scalars, vectors and matrices")


def _constant(gradient: Expr, x: Expr) -> str:
    name = x.params[0]
    if is_zero(gradient):
        return f"the function does not depend on {name}: every {name} is stationary"
    return f"the gradient {gradient!r} does not depend on {name}: the function is linear and has no stationary point"


def _not_linear(gradient: Expr, x: Expr) -> str:
    """Which part makes the gradient not linear."""
    inside = depends(gradient, x)
    said = ""
    for node in walk(gradient):
        varying = [a for a in node.args if a in inside]
        if varying and (
            not node.op.linear or len(varying) > 1 or (node.op is hadamard.MONOMIAL and not _plain(node, inside))
        ):
            if node.op is sums.SUM:
                continue
            said = f", because of {node!r}"
            break
    return f"the gradient {gradient!r} is not linear in {x.params[0]}, also not after multiplying through{said}"


def _plain(node: Expr, inside: set[Expr]) -> bool:
    return all(k == 1 for a, k in zip(node.args, node.params, strict=True) if a in inside)


def _zeros_of(factor: Expr) -> tuple[str, ...]:
    """A factor that may be 0 has stationary points of its own."""
    if factor.op is hadamard.MONOMIAL:
        may = [a for a, k in zip(factor.args, factor.params, strict=True) if k > 0 and a.sign != 2]
    else:
        may = [] if factor.sign == 2 else [factor]
    return tuple(f"where {write_text(a).text} = 0 the gradient is 0 too" for a in may)


def _answered(d: Derivative, form: Form, q: Equation, root: Root) -> Stationary:
    x = d.variable
    point = form.back(root.value)
    if form.unknown is not x:
        point = polished(point)
    names = {form.unknown: form.stands_for}
    left = q.left if form.unknown is x else substitute(q.left, names)
    samples = _samples(d, point)
    checked = _checked(d, point, root, samples)
    kind, reason = _kind(d, form, q, root, point, samples)
    notes = [*form.notes]
    if kind == "minimum" and form.direct:
        shorter = polished(point)
        if any(node.op is powers.PSEUDO_INVERSE for node in walk(shorter)):
            notes.append(f"otherwise {write_text(shorter).text} is the minimum of smallest norm")
    conditions = _conditions(d, point, root)
    return Stationary(
        d.function, x, d.gradient, left, q.right, form.stands_for, form.multiplied, point, conditions, kind, reason,
        tuple(notes), checked,
    )  # fmt: skip


def _conditions(d: Derivative, point: Expr, root: Root) -> list[str]:
    x = d.variable
    found: list[tuple[str, Expr | None]] = []
    found += root.conditions()
    inverted = {back for (e,) in (pair for pair in root.inverted if len(pair) == 1) for back in walk(inverse(e))}
    for node in walk(point):
        if node not in inverted and node.op not in (SYLVESTER, LYAP):
            found += node.op.conditions(node)
    positive = "spd" in x.params[1] or x.params[2] == "spd"
    if positive and point.definite != 2:
        found.append(("{0} positive definite", point))
    elif x.params[2] in ("positive", "unit01") and point.sign != 2:
        found.append((f"{{0}} {'> 0' if x.params[2] == 'positive' else 'between 0 and 1'}", point))
    elif x.params[2] == "nonnegative" and not point.sign:
        found.append(("{0} >= 0", point))
    own = [(words, e) for words, e in explained(d.function, x) if not (e is x and positive)]
    at_point = [(words, None if e is None else substitute(e, {x: point})) for words, e in own]
    found += [(words, e) for words, e in at_point if e is None or not (e.definite == 2 or e.sign == 2)]
    return describe([*found, *(p for p in promises(d.function) if p[1] is not x)])


class _Sample(NamedTuple):
    point: Point
    solution: Any  # the value of the point that was found
    inside: bool  # is it in the variable's domain


def _samples(d: Derivative, point: Expr) -> list[_Sample]:
    """Random values of the other variables, and of the solution; those first at which that is in the variable's domain."""
    import numpy as np

    x = d.variable
    program = compiled(point, with_masks(variables(point)))
    inside: list[_Sample] = []
    outside: list[_Sample] = []
    for seed in range(SEEDS):
        for p in points((point, d.gradient), POINTS, seed, also=(d.function, x)):
            given = {v.params[0]: p.values[v.params[0]] for v in with_masks(variables(point))}
            called = {name: p.values[name] for name in symbols(point)}
            value = value_at(program, {**given, **called}, p)
            if not np.all(np.isfinite(value)):
                continue
            sample = _Sample(p, value, _in_domain(x, value))
            (inside if sample.inside else outside).append(sample)
        if len(inside) >= POINTS:
            break
    return [*inside, *outside][:POINTS]


def _in_domain(x: Expr, value: Any) -> bool:
    import numpy as np

    if "spd" in x.params[1] or x.params[2] == "spd":
        return bool(np.all(np.linalg.eigvalsh(np.atleast_2d((value + value.T) / 2)) > 0))
    low, high = {"positive": (0, np.inf), "unit01": (0, 1), "nonnegative": (-1e-300, np.inf)}.get(
        x.params[2], (-np.inf, np.inf)
    )
    return bool(np.all(value > low) and np.all(value < high))


def _checked(d: Derivative, point: Expr, root: Root, samples: Sequence[_Sample]) -> tuple[int, float]:
    """How many points were compared, and the largest gradient there, relative to that at another point.

    Raises:  CheckFailed, where it is not 0, the point is not in the variable's space, or there was nothing to compare;
             UnsupportedError, where the gradient has no value there, or what is inverted is singular
    """
    import numpy as np

    x, name = d.variable, d.variable.params[0]
    program = compiled(d.gradient, with_masks(variables(d.function)))
    worst = 0.0
    for s in samples:
        values = _given(d, s.point)
        if any(_singular(pair, s.point) for pair in root.inverted):
            raise UnsupportedError(
                f"{name} = {point!r} is not the only stationary point: the linear equation for it is singular"
            )
        away = np.linalg.norm(value_at(program, values, s.point))
        there = np.linalg.norm(value_at(program, {**values, name: s.solution}, s.point))
        if not np.isfinite(there):
            raise UnsupportedError(
                f"the only candidate, {name} = {point!r}, is where the gradient {d.gradient!r} has no value"
            )
        error = float(there / away) if away else float(there)
        structure = linear_structure(x)
        if structure:
            error = max(error, float(np.linalg.norm(in_structure(s.solution, structure) - s.solution)))
        if not error <= TOLERANCE:
            raise CheckFailed(
                f"{name} = {point!r} did not pass its numeric check and is not shown: the gradient there is {error:.1e} "
                "of its size elsewhere"
            )
        worst = max(worst, error)
    if not samples:
        raise CheckFailed(f"{name} = {point!r} is not shown: no numbers were found at which it could be checked")
    return len(samples), worst


def _singular(pair: Sequence[Expr], p: Point) -> bool:
    """Is a matrix singular in numbers, or the map A*Z + Z*B of a pair?"""
    import numpy as np

    names = [v.params[0] for v in with_masks(variables(*pair))]
    arrays = []
    for e in pair:
        program = compiled(e, with_masks(variables(*pair)))
        arrays.append(value_at(program, {n: p.values[n] for n in names} | {n: p.values[n] for n in symbols(*pair)}, p))
    if len(arrays) == 2:
        a, b = (np.linalg.eigvals(m) for m in arrays)
        sums_of_two = np.abs(a[:, None] + b)
        return bool(np.min(sums_of_two) < SINGULAR * np.max(sums_of_two))
    values = np.linalg.svd(arrays[0], compute_uv=False)
    return bool(values[-1] < SINGULAR * values[0])


def _given(d: Derivative, p: Point) -> dict[str, Any]:
    names = [*(v.params[0] for v in with_masks(variables(d.function))), *symbols(d.function)]
    return {name: p.values[name] for name in names if name in p.values}


def _kind(d: Derivative, form: Form, q: Equation, root: Root, point: Expr, samples: Sequence[_Sample]) -> tuple[str, str]:
    """Minimum, maximum, saddle or stationary point, and why: by the properties, else by the Hessian in numbers."""
    name = d.variable.params[0]
    if not form.direct:
        sign = _sign_at(d, point)
        if sign:
            return ("minimum", AT.format("positive")) if sign > 0 else ("maximum", AT.format("negative"))
        return _by_numbers(d, samples)
    positive, negative = ("positive", "negative") if q.divisor > 0 else ("negative", "positive")
    if root.sign:
        said = positive if root.sign > 0 else negative
        what = "minimum" if said == "positive" else "maximum"
        return what, f"the function is quadratic in {name} and its Hessian {said} definite, so there is no other"
    if not root.whole:
        return _by_numbers(d, samples)
    m = root.inverted[0][0]
    shown = write_text(m).text
    return STATIONARY, (
        f"a minimum where {shown} is {positive} definite, a maximum where it is {negative} definite, otherwise a saddle"
    )


def _sign_at(d: Derivative, point: Expr) -> int:
    """1 where the Hessian at the point is positive definite by its form, -1 where negative definite, 0 where not seen."""
    try:
        moved = polished(differential(projected(d._raw_cotangent, d.variable), {d.variable: d.direction}))
        return definite_sign(polished(substitute(moved, {d.variable: point})), d.direction)
    except FrechetError:
        return 0


def _by_numbers(d: Derivative, samples: Sequence[_Sample]) -> tuple[str, str]:
    """What the eigenvalues of the Hessian say at random points at which the solution is in the variable's domain."""
    import numpy as np

    x, name = d.variable, d.variable.params[0]
    try:
        program = compiled(d.hessian, with_masks(variables(d.function)))
    except FrechetError:
        return STATIONARY, "there is no Hessian here that says which kind"
    seen: set[str] = set()
    count = 0
    for s in samples:
        if not s.inside or np.size(s.solution) > SPANNED:
            continue
        h = value_at(program, {**_given(d, s.point), name: s.solution}, s.point)
        size = max(1, np.size(s.solution))
        if not np.all(np.isfinite(h)):
            continue
        h = h.reshape(size, size)
        basis, _ = free_entries(x, np.shape(s.solution))
        h = h if basis is None else basis.T @ h @ basis
        values = np.linalg.eigvalsh((h + h.T) / 2)
        least = DEFINITE * float(np.max(np.abs(values)))
        seen.add("minimum" if values[0] > least else "maximum" if values[-1] < -least else
                 "saddle point" if values[0] < -least and values[-1] > least else STATIONARY)  # fmt: skip
        count += 1
    if len(seen) != 1:
        return STATIONARY, "which kind it is depends on the values" if seen else "no numbers were found that say which kind"
    (kind,) = seen
    said = {"minimum": "positive definite", "maximum": "negative definite", "saddle point": "indefinite"}.get(
        kind, "singular"
    )
    return kind, f"the Hessian there is {said} at {count} random points: that is no proof"
