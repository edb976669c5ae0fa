"""Gradients of a network against differences of its loss, and a batch against its samples one by one.

The loss is run as it is written, stage by stage; nothing of the differentiation is used in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, NamedTuple

from frechet.compilation.numpy_source import runnable
from frechet.compilation.straight_line import straight_line
from frechet.derivation.backprop import Backprop
from frechet.expressions.dimension import UNIT
from frechet.expressions.errors import CheckFailed
from frechet.expressions.node import Expr
from frechet.operations.declared_functions import symbols
from frechet.verification import check
from frechet.verification.check import Report
from frechet.verification.manifolds import retracted, tangent
from frechet.verification.sampling import ATTEMPTS, LARGE, PLAN, Point, normal_like, random_functions, random_sizes, sample

POINTS = 2
ALONE = 40  # with up to so many parameters each is moved alone; of more, these many and all of them together
TOGETHER = 3  # directions in which all parameters are moved
SAME = 1e-9  # of a batch and its samples, relative


class Samples(NamedTuple):
    """The network of one sample that a batch was made of: what the batch's matrices are of."""

    single: Backprop
    data: Mapping[Expr, Expr]  # one sample's variable -> the batch's
    size: str  # the name of how many there are
    layout: str
    total: str


def check_network(b: Backprop, samples: Samples | None = None, seed: int = 0) -> Report:
    """Do the gradients agree with differences of the loss along random directions, and a batch with its samples?

    Raises:  CheckFailed, with what differs
    """
    report = _compared(b, samples, seed)
    if not report.ok:
        raise CheckFailed(f"the gradients did not pass their numeric check and are not shown: {report.reason}")
    return report


def loss_program(b: Backprop) -> Any:
    """The loss alone; it takes what the gradients take, the derivatives of declared functions too."""
    taken: list[str | Expr] = [*b.variables, *symbols(*(e for _, e in b.assignments))]
    return runnable(straight_line([s[:2] for s in b.stages], b.stages[-1].symbol, None, "loss", taken))


def gradient_program(b: Backprop) -> Any:
    """The loss and the gradients by name."""
    gradients = {c.of.params[0]: c.symbol for c in b.gradients}
    return runnable(straight_line(b.assignments, b.stages[-1].symbol, gradients, arguments=b.variables))


def _compared(b: Backprop, samples: Samples | None, seed: int) -> Report:
    loss, both = loss_program(b), gradient_program(b)
    found = check._Findings()
    rng = Random(seed)
    for point in _points(b, both, rng, samples):
        found.points += 1
        value, gradients = both(**point.values, **point.given(both))
        for chosen in _directions(b.parameters, rng):
            steps = {}
            for p in chosen:
                name = p.params[0]
                steps[name] = tangent(p, point.values, normal_like(p, _shape(point.values[name]), rng))
            got = sum(float((gradients[name] * v).sum()) for name, v in steps.items())
            want = check._best_difference(
                _along(loss, point, chosen, steps), got, check._size(value), check.STEPS, check._first
            )
            if not found.enter(want, got, check.TOLERANCE, "differences of the loss"):
                where = ", ".join(p.params[0] for p in chosen[:3])
                return Report(found.points, found.error, (), False, f"{where}{'…' * (len(chosen) > 3)}: {found.reason}")
        if samples is not None and not _same(samples, point, value, gradients, found):
            return found.report()
    return found.report()


def _along(loss: Any, point: Point, chosen: Sequence[Expr], steps: Mapping[str, Any]) -> Callable[[float], Any]:
    """t -> the loss with the parameters moved by t times their steps."""

    def at(t: float) -> Any:
        import numpy as np

        moved = {p.params[0]: retracted(p, point.values[p.params[0]] + t * steps[p.params[0]], point.sizes) for p in chosen}
        return np.asarray(loss(**{**point.values, **moved}, **point.given(loss)), dtype=float)

    return at


def _directions(parameters: Sequence[Expr], rng: Random) -> list[list[Expr]]:
    """The parameters that are moved together, one list after the other."""
    if len(parameters) <= ALONE:
        return [[p] for p in parameters]
    spread = [parameters[0], parameters[-1], *rng.sample(list(parameters), ALONE // 4)]
    return [list(parameters)] * TOGETHER + [[p] for p in dict.fromkeys(spread)]


def _points(b: Backprop, function: Any, rng: Random, samples: Samples | None) -> list[Point]:
    """Random points at which the loss and the gradients are finite, and no larger than they must be."""
    import numpy as np

    expressions = [e for _, e in b.assignments]
    called = symbols(*expressions)
    good: list[Point] = []
    large: list[Point] = []
    with np.errstate(all="ignore"):
        for attempt in range(ATTEMPTS):
            sizes = random_sizes([*expressions, *b.variables], rng)
            mood = PLAN[attempt % len(PLAN)]
            point = Point(sample(b.variables, sizes, rng, mood), sizes)
            if samples is not None:
                _keep_promises(samples, point.values)
            if called:
                point.values.update(random_functions(called, sizes, rng, mood)[0])
            try:
                value, gradients = function(**point.values, **point.given(function))
            except np.linalg.LinAlgError:
                continue
            if np.isfinite(value) and all(np.all(np.isfinite(g)) for g in gradients.values()):
                (good if abs(value) < LARGE else large).append(point)
                if len(good) == POINTS:
                    break
    return good or large[:POINTS]


def _keep_promises(samples: Samples, values: dict[str, Any]) -> None:
    """Columns that are one sample each add up to 1, or have one 1, where a sample was declared so."""
    import numpy as np

    for one in samples.data:
        name, domain = one.params[0], one.params[2]
        if samples.layout == "columns" and name in values and domain in ("simplex", "onehot"):
            many = np.abs(values[name])
            if domain == "simplex":
                values[name] = (many + 1) / (many + 1).sum(axis=0)
            else:
                values[name] = np.eye(len(many))[:, np.argmax(many, axis=0)]


def _same(samples: Samples, point: Point, value: Any, gradients: Mapping[str, Any], found: Any) -> bool:
    """Are the loss and the gradients those of the samples, added up or averaged?"""
    import numpy as np

    n = point.sizes[samples.size]
    function = gradient_program(samples.single)
    loss, sums = 0.0, {name: 0.0 * g for name, g in gradients.items()}
    of = {v.params[0]: v for v in samples.data}
    for i in range(n):
        values = dict(point.values)
        for name, one in of.items():
            if name in values:
                many = values[name]
                columns = samples.layout == "columns" and one.shape[0] is not UNIT
                values[name] = many[:, i] if columns else many[i]
        own, parts = function(**values, **point.given(function))
        loss += own
        for name, g in parts.items():
            sums[name] = sums[name] + g
    share = 1.0 / n if samples.total == "mean" else 1.0
    if not found.compare(
        np.asarray(value), np.asarray(loss * share), SAME, "the loss of the batch", "that of its samples", 1.0
    ):
        return False
    return all(
        found.compare(
            np.asarray(g), np.asarray(sums[name] * share), SAME, f"the gradient by {name}", "that of the samples", 1.0
        )
        for name, g in gradients.items()
    )


def _shape(x: Any) -> tuple[int, ...]:
    import numpy as np

    return np.shape(x)
