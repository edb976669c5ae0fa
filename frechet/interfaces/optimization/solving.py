"""Which method of SciPy fits a problem, and what it found."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Any

from frechet.expressions.errors import FrechetError, ShapeError, UnsupportedError
from frechet.expressions.node import substitute
from frechet.operations.constants import variable
from frechet.operations.products import product
from frechet.operations.transposition import transposed

if TYPE_CHECKING:
    from frechet.interfaces.optimization.problem import Problem

DENSE = 400  # entries of x up to which the Hessian is made
DENSE_SYSTEM = 2000  # and factorized once, where the gradient is linear
KRYLOV = 20_000  # up to which Hessian-vector products are worth their time
TOLERANCE = 1e-8  # of the gradient's norm, relative to that at the start, at least 1
DEFINITE = 1e-12  # relative: eigenvalues below count as 0
STEPS = 1000
PIECE = 2_000_000  # entries of data that are looked at together
METHODS = {"trust-exact": "hess", "trust-krylov": "hessp", "Newton-CG": "hessp", "BFGS": "", "L-BFGS-B": "", "CG": ""}
RESIDUALS = ("root", "least_squares")
LINEAR = "linear system"


@dataclass(frozen=True)
class Solution:
    """What was found.

    values          the variables' arrays, by name; also solution["w"]
    x               their free entries
    value           of the function, or of half of the squared norm of a residual
    gradient_norm   of the gradient there; with bounds of its projection on the directions that stay inside, for a positive
                    definite S = L*L' of the gradient by L
    method, why     what was chosen, and for which reason
    iterations, evaluations, success, message   as SciPy says
    """

    values: Mapping[str, Any]
    x: Any
    value: float
    gradient_norm: float
    method: str
    why: str
    iterations: int
    evaluations: int
    success: bool
    message: str

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def __str__(self) -> str:
        import numpy as np

        found = ", ".join(f"{n} {np.shape(v)}" if np.shape(v) else f"{n} = {v:.6g}" for n, v in self.values.items())
        return "\n".join([
            f"{'found' if self.success else 'not converged'}: {found}",
            f"method        {self.method}: {self.why}",
            f"iterations    {self.iterations}, evaluations {self.evaluations}",
            f"value         {self.value:.10g}",
            f"gradient norm {self.gradient_norm:.2g}",
            f"message       {self.message}",
        ])  # fmt: skip

    def __repr__(self) -> str:
        return f"<solution by {self.method}: value {self.value:.6g}, gradient norm {self.gradient_norm:.2g}>"


def solve(
    problem: Problem,
    method: str | None = None,
    *,
    tolerance: float = TOLERANCE,
    iterations: int = STEPS,
    progress: bool | None = None,
) -> Solution:
    """The minimum of a scalar function, the root or the least squares of another, from `problem.x0`.

    method: of scipy.optimize.minimize, or root or least_squares of a residual; chosen by the problem where not given
    tolerance: of the gradient's norm, relative to that at the start where that is above 1
    progress: a line on standard error while it runs; where not given, if that is a terminal

    A gradient that is affine is solved for. Positive (semi-)definite variables become L*L' with L lower triangular, so that
    no step leaves their set.

    Raises:  ShapeError, for a method that does not fit; UnsupportedError, where the function has no minimum
    """
    methods = (*METHODS, LINEAR) if problem.scalar else (*RESIDUALS, LINEAR)
    if method is not None and method not in methods:
        raise ShapeError(f"the methods are {', '.join(methods)} here, not {method!r}")
    if method == LINEAR and not (problem.affine and problem.bounds is None and not _definite(problem)):
        raise ShapeError(f"the {LINEAR} is for gradients that are affine, of variables without bounds")
    _need_finite(problem.data)
    definite = _definite(problem)
    free = problem.bounds is None and not definite
    if (free and method is None and problem.affine) or method == LINEAR:
        found = _linear(problem) if problem.n <= DENSE_SYSTEM or not problem.scalar or method == LINEAR else None
        if found is not None:
            return found
    if definite:
        return _by_factors(problem, definite, method, tolerance, iterations, progress)
    with _progress(progress) as show:
        run = _Run(problem, show)
        if problem.scalar:
            return _minimized(run, method, tolerance, iterations)
        return _residual(run, method, tolerance, iterations)


def _need_finite(data: Mapping[str, Any]) -> None:
    import numpy as np

    for name, array in data.items():
        rows = max(PIECE // max(prod(array.shape[1:]), 1), 1)  # some at a time: the array may be larger than the memory
        pieces = (array[i : i + rows] for i in range(0, array.shape[0], rows)) if array.ndim else [array]
        if not all(np.all(np.isfinite(piece)) for piece in pieces):
            raise ShapeError(f"{name} has entries that are infinite or not a number: there is nothing to minimize")


def _choice(problem: Problem) -> tuple[str, str]:
    """The method of minimize, and why."""
    n = problem.n
    if problem.bounds is not None:
        return "L-BFGS-B", "the variables have bounds"
    if n > KRYLOV:
        return "L-BFGS-B", f"{n} unknowns are many"
    try:
        problem.hessian_action  # noqa: B018 (derived here, or refused)
    except UnsupportedError as error:
        return "L-BFGS-B", f"there are no second derivatives ({error.message})"
    if n <= DENSE:
        return "trust-exact", f"{n} unknowns: the Hessian is factorized"
    return "trust-krylov", f"{n} unknowns: Hessian-vector products, no Hessian"


class _Run:
    """The problem's functions as the optimizers call them: what has no value is infinite, and progress is shown."""

    def __init__(self, problem: Problem, show: Callable[[str], None] | None) -> None:
        self.problem, self.show, self.method, self.evaluations = problem, show, "", 0

    def both(self, x: Any) -> tuple[Any, Any]:
        import numpy as np

        self.evaluations += 1
        with np.errstate(all="ignore"):
            try:
                value, gradient = self.problem.value_and_grad(x)
            except np.linalg.LinAlgError:
                value, gradient = float("inf"), np.zeros(self.problem.n)
        if self.problem.scalar and not np.isfinite(value):
            value, gradient = float("inf"), np.nan_to_num(gradient, nan=0.0, posinf=0.0, neginf=0.0)
        if self.show is not None:
            size = np.linalg.norm(gradient if self.problem.scalar else gradient.T @ value)
            shown = value if self.problem.scalar else value @ value / 2
            self.show(f"{self.method}: evaluation {self.evaluations}, value {shown:.6g}, gradient {size:.2g}")
        return value, gradient

    def value(self, x: Any) -> Any:
        return self.both(x)[0]

    def gradient(self, x: Any) -> Any:
        import numpy as np

        with np.errstate(all="ignore"):
            return self.problem.jac(x)


def _minimized(run: _Run, method: str | None, tolerance: float, iterations: int) -> Solution:
    import numpy as np
    from scipy.optimize import minimize

    p = run.problem
    chosen, why = _choice(p) if method is None else (method, "as asked")
    if p.bounds is not None and chosen != "L-BFGS-B":
        raise ShapeError(f"{chosen} knows no bounds, and the variables are declared positive: ask for L-BFGS-B")
    run.method = chosen
    start, gradient = run.both(p.x0)
    if not np.isfinite(start):
        raise ShapeError("the function has no finite value at the start: give start={…} with a point of its domain")
    target = tolerance * max(1.0, float(np.linalg.norm(gradient)))
    options: dict[str, Any] = {"maxiter": iterations, "gtol": target}
    if chosen == "Newton-CG":
        options = {"maxiter": iterations, "xtol": tolerance}
    if chosen == "L-BFGS-B":
        options |= {"ftol": 0.0, "maxfun": 10 * iterations, "gtol": target / np.sqrt(max(1, p.n)), "maxcor": 20}
    needs = METHODS[chosen]
    more = {needs: getattr(p, needs)} if needs else {}
    with np.errstate(all="ignore"):
        found = minimize(run.both, p.x0, jac=True, method=chosen, bounds=p.bounds, options=options, **more)
    x, steps = found.x, found.nit
    if not found.success and method is None and p.n <= DENSE:
        x, more_steps = _refined(p, x, target)
        if more_steps:
            steps, chosen = steps + more_steps, f"{chosen}, then Newton"
    value, gradient = p.value_and_grad(x)
    norm = float(np.linalg.norm(_projected(x, gradient, p.bounds)))
    success = bool(np.isfinite(value)) and (bool(found.success) or norm <= 10 * target)
    message = " ".join(str(found.message).strip(" :").split())
    if success and not found.success:
        message = f"the gradient is small enough, though SciPy says: {message}"
    opened = [name for name in _bounded(p, x) if p.variables[name].params[2] in ("positive", "unit01")]
    if opened:  # such a domain does not contain its end: there may be no minimum
        message += f"; {', '.join(opened)} ended at the end of the domain"
    return _solution(p, x, value, norm, chosen, why, steps, run.evaluations, success, message)


def _refined(p: Problem, x: Any, target: float) -> tuple[Any, int]:
    """Newton steps as long as the gradient shrinks, where a line search stopped because values differ by rounding only."""
    import numpy as np
    from scipy.linalg import LinAlgError, cho_factor, cho_solve

    taken = 0
    gradient = p.jac(x)
    with np.errstate(all="ignore"):
        while np.linalg.norm(gradient) > target and not _bounded(p, x):
            try:
                there = x - cho_solve(cho_factor(p.hess(x)), gradient)
                after = p.jac(there)
            except (FrechetError, LinAlgError, ValueError):
                break
            if _bounded(p, there) or not np.linalg.norm(after) < np.linalg.norm(gradient) / 2:
                break
            x, gradient, taken = there, after, taken + 1
    return x, taken


def _projected(x: Any, gradient: Any, bounds: Any) -> Any:
    """The gradient without what points out of the bounds that x is at."""
    import numpy as np

    limits = _limits(bounds)
    if limits is None:
        return gradient
    low, high = limits
    return np.where(((x <= low) & (gradient > 0)) | ((x >= high) & (gradient < 0)), 0.0, gradient)


def _limits(bounds: Any) -> tuple[Any, Any] | None:
    """The lower and the upper bounds, infinite where there is none."""
    import numpy as np

    if bounds is None:
        return None
    return tuple(np.array([end if b[i] is None else b[i] for b in bounds]) for i, end in enumerate((-np.inf, np.inf)))  # type: ignore[return-value]


def _bounded(p: Problem, x: Any) -> list[str]:
    """The variables of which an entry is at its bound."""
    import numpy as np

    limits = _limits(p.bounds)
    if limits is None:
        return []
    outside = (x <= limits[0]) | (x >= limits[1])
    return [part.name for part in p.coordinates if np.any(outside[part.start : part.stop])]


def _residual(run: _Run, method: str | None, tolerance: float, iterations: int) -> Solution:
    import numpy as np
    from scipy.optimize import least_squares, root

    p = run.problem
    first = p.fun(p.x0)
    if not np.all(np.isfinite(first)):
        raise ShapeError("the function has no finite value at the start: give start={…} with a point of its domain")
    square = first.size == p.n
    if method == "root" and not square:
        raise ShapeError(f"root solves as many equations as unknowns, and these are {first.size} and {p.n}")
    count = f"{first.size} equations, {p.n} unknowns"
    if method == "root" or (method is None and square and p.bounds is None):
        run.method = "root"
        with np.errstate(all="ignore"):
            found = root(run.both, p.x0, jac=True, options={"xtol": 1e-12, "maxfev": 100 * iterations})
        small = float(np.linalg.norm(p.fun(found.x))) <= tolerance * max(1.0, float(np.linalg.norm(first)))
        if small or method == "root":
            why = "as asked" if method else count
            return _residual_solution(p, found, "root", why, run.evaluations, small, str(found.message))
        count += "; root found none"
    run.method = "least_squares"
    low, high = _limits(p.bounds) or (-np.inf, np.inf)
    with np.errstate(all="ignore"):
        found = least_squares(
            run.value,
            p.x0,
            jac=run.gradient,
            bounds=(low, high),
            xtol=1e-15,
            ftol=1e-15,
            gtol=tolerance,
            max_nfev=iterations,
        )
    why = "as asked" if method else count
    message = str(found.message)
    if square and float(np.linalg.norm(found.fun)) > tolerance * max(1.0, float(np.linalg.norm(first))):
        message += "; this is no root, only the smallest residual near by"
    return _residual_solution(p, found, "least_squares", why, run.evaluations, bool(found.success), message)


def _residual_solution(
    p: Problem, found: Any, method: str, why: str, evaluations: int, success: bool, message: str
) -> Solution:
    import numpy as np

    r, j = p.value_and_grad(found.x)
    norm = float(np.linalg.norm(_projected(found.x, j.T @ r, p.bounds)))
    return _solution(
        p, found.x, float(r @ r) / 2, norm, method, why, found.nfev, evaluations, success, " ".join(message.split())
    )


def _linear(p: Problem) -> Solution | None:
    """Where the gradient or the residual is affine: one linear system, or least squares of smallest norm.

    Raises:  UnsupportedError, where a quadratic function has no minimum
    """
    import numpy as np
    from scipy.linalg import LinAlgError, cho_factor, cho_solve

    zero = np.zeros(p.n)
    if not p.scalar:
        r, j = p.value_and_grad(zero)
        x, _, rank, _ = np.linalg.lstsq(j, -r, rcond=None)
        r, j = p.value_and_grad(x)
        why = "the function is affine" + ("" if rank == p.n else f", of rank {rank} < {p.n}: the solution of smallest norm")
        return _solution(p, x, float(r @ r) / 2, float(np.linalg.norm(j.T @ r)), LINEAR, why, 1, 2, True, "least squares")
    try:
        h, g = p.hess(zero), p.jac(zero)
    except FrechetError:
        return None
    names = ", ".join(p.variables)
    try:
        x = cho_solve(cho_factor(h), -g)
        why, message = f"the gradient is linear in {names}, the Hessian positive definite", "the only minimum"
    except LinAlgError:
        values, vectors = np.linalg.eigh(h)
        size = DEFINITE * p.n * max(1e-300, float(np.max(np.abs(values), initial=0.0)))
        if np.any(values < -size):
            raise UnsupportedError(
                f"the function has no minimum: it is quadratic, and its Hessian has the eigenvalue {values[0]:.4g}"
            ) from None
        kept = values > size
        x = -vectors[:, kept] @ ((vectors[:, kept].T @ g) / values[kept])
        left = float(np.linalg.norm(p.jac(x)))
        if left > 1e-6 * max(1.0, float(np.linalg.norm(g))):
            raise UnsupportedError(
                "the function has no minimum: it is linear in a direction in which its Hessian is 0"
            ) from None
        why = f"the gradient is linear in {names}, the Hessian singular (rank {int(np.sum(kept))} of {p.n})"
        message = "the minimum of smallest norm, one of many"
    value, gradient = p.value_and_grad(x)
    return _solution(p, x, value, float(np.linalg.norm(gradient)), LINEAR, why, 1, 2, True, message)


def _definite(problem: Problem) -> list[str]:
    """The variables that are positive (semi-)definite matrices.

    Raises:  UnsupportedError, for those that nothing here keeps in their set
    """
    found = []
    for name, v in problem.variables.items():
        words = {*v.params[1], v.params[2]}
        if v.kind != "matrix" or words.isdisjoint({"spd", "psd"}):
            continue
        if not problem.scalar:
            raise UnsupportedError(f"{name} is declared {' '.join(v.params[1])}: minimize norm2(…)^2 to keep it in that set")
        if not words <= {"spd", "psd", "symmetric", "normal", "invertible"}:
            raise UnsupportedError(
                f"{name} is declared {' '.join(v.params[1])}: matrices stay positive definite here without further words"
            )
        found.append(name)
    return found


def _by_factors(
    problem: Problem, names: list[str], method: str | None, tolerance: float, iterations: int, progress: bool | None
) -> Solution:
    """With L*L' in place of the positive definite variables."""
    import numpy as np

    from frechet.interfaces.optimization.problem import Problem

    taken = {*problem.variables, *problem.data}
    factors, function = {}, problem.function
    start = problem.unravel(problem.x0)
    for name in names:
        s = problem.variables[name]
        letter = f"L{name}"
        while letter in taken:
            letter += "_"
        taken.add(letter)
        factor = variable(letter, s.shape, ("lower",))
        function = substitute(function, {s: product(factor, transposed(factor))})
        factors[name] = letter
        try:
            start[letter] = np.linalg.cholesky(start.pop(name))
        except np.linalg.LinAlgError:
            raise ShapeError(f"{name} starts at a matrix that is not positive definite") from None
    wanted = [factors.get(name, name) for name in problem.variables]
    inner = Problem(function, wanted, problem.given, start, problem.sizes, problem.how)
    found = solve(inner, method, tolerance=tolerance, iterations=iterations, progress=progress)
    values = dict(found.values)
    for name, letter in factors.items():
        values[name] = values[letter] @ values.pop(letter).T
    values = {name: values[name] for name in problem.variables}
    why = f"{found.why}; {', '.join(f'{n} = {f}*{f}′' for n, f in factors.items())} stays in its set"
    return replace(found, values=values, x=problem.ravel(values), why=why)


def _solution(
    p: Problem,
    x: Any,
    value: Any,
    norm: float,
    method: str,
    why: str,
    steps: int,
    evaluations: int,
    success: bool,
    message: str,
) -> Solution:
    return Solution(p.unravel(x), x, float(value), norm, method, why, int(steps), evaluations, success, message)


@contextmanager
def _progress(wanted: bool | None) -> Iterator[Callable[[str], None] | None]:
    """Shows a line on standard error, where that is a terminal or where it is wanted."""
    if wanted is False or (wanted is None and not sys.stderr.isatty()):
        yield None
        return
    from rich.console import Console

    with Console(stderr=True).status("starting") as status:
        yield status.update
