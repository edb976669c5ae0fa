"""A function of several arrays as SciPy's optimizers want it: of one 1-D array, with gradient and Hessian.

>>> import numpy as np
>>> import frechet as fr
>>> data = {"X": np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]]), "y": np.array([1.0, 3.0, 5.0])}
>>> p = fr.problem("norm2(X*w - y)^2", wrt="w", data=data)
>>> p.fun(p.x0), p.jac(p.x0)
(35.0, array([-18., -26.]))
>>> p.solve()["w"].round(6)
array([1., 2.])
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from math import prod
from random import Random
from typing import TYPE_CHECKING, Any

from frechet.compilation.sizes import callables, checked
from frechet.differentiation.derivative import Derivative, together
from frechet.differentiation.differential import differential, differential_symbol
from frechet.differentiation.jacobian import jacobian
from frechet.differentiation.wirtinger import real_valued
from frechet.expressions.dimension import SCALAR, Dim, axes, show_shape
from frechet.expressions.errors import FrechetError, ShapeError, UnsupportedError
from frechet.expressions.node import Expr, variables, walk
from frechet.interfaces.compiling import OF_ARRAYS
from frechet.interfaces.optimization.coordinates import Coordinates, sizes_of
from frechet.interfaces.optimization.evaluation import How, program
from frechet.interfaces.stationary.equations import linear_part
from frechet.operations.constants import mask_of
from frechet.operations.declared_functions import functions, symbols
from frechet.simplification.polishing import polished
from frechet.verification.sampling import with_masks

if TYPE_CHECKING:
    from frechet.interfaces.optimization.solving import Solution

TRIES = 5  # random starts, where the plain one is no point of the domain or a stationary one
SPREAD = 0.3  # of their entries
SIGN_BOUNDS = {"positive": (1e-10, None), "nonnegative": (0.0, None), "unit01": (1e-10, 1 - 1e-10)}


def problem(
    function: Expr | str,
    wrt: str | Expr | Sequence[str | Expr] | None = None,
    data: Mapping[str, Any] | None = None,
    *,
    start: Mapping[str, Any] | None = None,
    sizes: Mapping[str, int] | None = None,
    declare: Mapping[str, str | Expr] | Sequence[str] | None = None,
    backend: str = "numpy",
    shard: str | None = None,
    over: Mapping[str, Any] | None = None,
) -> Problem:
    """The function of some of its variables, the others having values, for SciPy's optimizers.

    function: an expression, or a formula in the text notation; not a scalar, it is a residual, for least_squares and root
    wrt: the variables, by name; all that have no data where not given
    data: the values of the others, and Python functions for declared functions, by name
    start: values of the variables to start from, all or some of them
    sizes: of dimensions that follow from no array
    declare: declarations, where the function is a text, as of `fr.parse`
    backend: numpy, which computes once what the data alone tell; c or auto, whose calls cost less
    shard: a dimension along which data is read block after block, so that it may be larger than the memory (memory maps) or
        read by several workers
    over: with `shard`, how large blocks are and who computes them, such as {"memory": "200MB", "executor": pool}: the
        arguments of `ShardedProgram.over`

    Raises:  ShapeError, naming the variable or the data that is missing, double, unknown or of a wrong shape;
             UnsupportedError, for a variable that no function is differentiated by, a back end that a problem cannot have,
             and a dimension that cannot be sharded, with the reason
    """
    if backend not in OF_ARRAYS:
        raise UnsupportedError(f"a problem is computed by the back ends numpy, c and auto, not by {backend}")
    if over and shard is None:
        raise UnsupportedError("over= says how the blocks of shard= are computed, and no dimension is given there")
    data, start = dict(data or {}), dict(start or {})
    named = None if wrt is None else [wrt] if isinstance(wrt, str | Expr) else list(wrt)
    names = None if named is None else [w.params[0] if isinstance(w, Expr) else w for w in named]
    if isinstance(function, str):
        function = _read(function, declare, {**data, **start}, names)
    elif declare is not None:
        raise ShapeError("declare= is for a formula given as text: of an expression the variables are declared already")
    return Problem(function, names, data, start, dict(sizes or {}), How(backend, shard, dict(over or {})))


def _read(text: str, declare: Any, arrays: Mapping[str, Any], names: Sequence[str] | None) -> Expr:
    """The formula; a name that its letter would make a number or an array of other axes is declared as its array is."""
    import numpy as np

    from frechet.notation.declared import declared
    from frechet.notation.kinds import default_kind
    from frechet.notation.reading import parse

    known, given = declared(declare)
    said = {k.name for k in known} | {*given}
    more = []
    for name, array in arrays.items():
        if name in said or callable(array) or not name.isidentifier():
            continue
        shape = np.shape(array)
        kind = ("scalar", "vector", "matrix")[len(shape)] if len(shape) < 3 else "tensor"
        if kind != default_kind(name):
            more.append(f"{name}: {'×'.join(map(str, shape)) or 'scalar'}")
    if isinstance(declare, Mapping):
        declare = {**declare, **dict(line.split(": ") for line in more)}
    else:
        declare = [*(declare or ()), *more]
    return parse(text, declare or None, wrt=names[0] if names else None)


class Problem:
    """A function of the free entries x of its variables; `fr.problem` makes it.

    function, variables   the expression, and what it is minimized by, by name
    n                     the entries of x
    """

    def __init__(
        self,
        function: Expr,
        names: Sequence[str] | None,
        data: Mapping[str, Any],
        start: Mapping[str, Any],
        sizes: Mapping[str, int],
        how: How,
    ) -> None:
        self.how = how
        if not real_valued(function):
            raise UnsupportedError("the function is complex: SciPy minimizes real ones, such as re(…) or norm2(…)^2")
        known = {v.params[0]: v for v in with_masks(variables(function))}
        wanted = [n for n in known if n not in data] if names is None else list(names)
        _check_names(function, known, wanted, data, start)
        self.function = function
        self.variables = {name: known[name] for name in wanted}
        fixed = [v for name, v in known.items() if name not in self.variables]
        begun = [known[name] for name in start]
        unread = [v.params[0] for v in fixed if any(how.shard in d.names() for d in axes(v.shape))]
        arrays, self.sizes = checked([*fixed, *begun], {**data, **start}, sizes, unread)
        self.data: dict[str, Any] = {v.params[0]: arrays[v.params[0]] for v in fixed}
        self.given = dict(data)
        self._start = {name: arrays[name] for name in start}
        self.shapes = {name: sizes_of(v, self.sizes) for name, v in self.variables.items()}
        for node in walk(function):
            for d in (*node.shape, *node.params):
                if isinstance(d, Dim) and (missing := sorted(d.names() - self.sizes.keys())):
                    raise ShapeError(f"the size {missing[0]} follows from no array: give it in sizes={{'{missing[0]}': …}}")
        taken = {*known, *functions(function)}
        self._directions: dict[str, Expr] = {}
        for name, v in self.variables.items():
            direction = f"d{name}"
            while direction in taken:
                direction += "_"
            taken.add(direction)
            self._directions[name] = differential_symbol(v, direction)
        self._derivatives = {n: Derivative(function, v, self._directions[n]) for n, v in self.variables.items()}
        together(list(self._derivatives.values()))
        self._last: tuple[bytes, Any, Any] | None = None  # x, value and derivatives of the last call

    # What SciPy calls.

    def fun(self, x: Any) -> Any:
        """The value: a float, or for a function that is not scalar the 1-D array of its entries, columns stacked."""
        return self._at(x)[0]

    def jac(self, x: Any) -> Any:
        """The gradient by x; for a function that is not scalar the Jacobian, (entries) × n."""
        return self._at(x)[1].copy()

    def value_and_grad(self, x: Any) -> tuple[Any, Any]:
        """Value and gradient, for minimize(p.value_and_grad, p.x0, jac=True). `fun` computes them together too."""
        value, gradient = self._at(x)
        return value, gradient.copy()

    def hess(self, x: Any) -> Any:
        """The Hessian by x, n×n, with the mixed blocks of several variables.

        Raises:  ShapeError, if the function is not scalar
        """
        import numpy as np

        if self._hessian_blocks is None:  # an operation whose Jacobian has no matrix form
            columns = [self.hessp(x, e) for e in np.eye(self.n)]
            h = np.array(columns).reshape(self.n, self.n)
            return (h + h.T) / 2
        pairs, at = self._hessian_blocks
        h = np.zeros((self.n, self.n))
        for (p, q), block in zip(pairs, at(**self.unravel(x)), strict=True):
            part = np.reshape(block, (prod(p.shape), prod(q.shape)), order="F")
            part = q.reduced(p.reduced(part).T).T
            h[p.start : p.stop, q.start : q.stop] = part
            h[q.start : q.stop, p.start : p.stop] = part.T
        return h

    def hessp(self, x: Any, direction: Any) -> Any:
        """The Hessian times a direction, without the Hessian.

        Raises:  ShapeError, if the function is not scalar
        """
        steps = {self._directions[name].params[0]: v for name, v in self.unravel(direction).items()}
        return self.coordinates.gradient(self.hessian_action(**self.unravel(x), **steps))

    @cached_property
    def x0(self) -> Any:
        """Where to start: the start values; else zeros, ones where positive, the identity where positive definite.

        Where the function or its gradient is not finite there, or the gradient by a variable is 0, as at two factors that
        are 0, the variables without start values get small random entries, the same in every run: methods that follow
        gradients do not leave a saddle.
        """
        import numpy as np

        first, moving = None, 0  # by how many variables the gradient is not 0
        for attempt in range(TRIES + 2):
            arrays = {name: self._start.get(name, self._plain(name, attempt)) for name in self.variables}
            x = self.coordinates.flat(arrays)
            first = x if first is None else first
            if len(self._start) == len(self.variables):
                break
            try:
                with np.errstate(all="ignore"):
                    value, gradient = self.value_and_grad(x)
            except np.linalg.LinAlgError:
                continue
            if np.all(np.isfinite(value)) and np.all(np.isfinite(gradient)):
                found = sum(bool(np.any(gradient[..., p.start : p.stop])) for p in self.coordinates)
                if found == len(self.variables):
                    return x
                if found > moving:
                    first, moving = x, found
        return first if len(self._start) < len(self.variables) else x

    @cached_property
    def bounds(self) -> list[tuple[float | None, float | None]] | None:
        """Bounds on x from the domains positive, nonnegative and unit01; None where there are none."""
        if all(v.params[2] not in SIGN_BOUNDS for v in self.variables.values()):
            return None
        bounds: list[tuple[float | None, float | None]] = []
        for p in self.coordinates:
            bounds += [SIGN_BOUNDS.get(p.variable.params[2], (None, None))] * (p.stop - p.start)
        return bounds

    @property
    def n(self) -> int:
        return self.coordinates.size

    def unravel(self, x: Any) -> dict[str, Any]:
        """The variables' arrays, by name, of a 1-D array of their free entries."""
        return self.coordinates.arrays(x)

    def ravel(self, values: Mapping[str, Any]) -> Any:
        """The 1-D array of the free entries of arrays given by name.

        Raises:  ShapeError, naming the variable that is missing, misshapen or not of its declared structure
        """
        return self.coordinates.flat(values)

    def solve(self, method: str | None = None, **options: Any) -> Solution:
        """The minimum, or the root, by a method of SciPy that fits; `frechet.interfaces.optimization.solving.solve`."""
        from frechet.interfaces.optimization.solving import solve

        return solve(self, method, **options)

    def manifold_problem(self, manifold: Any = None) -> Any:
        """A pymanopt.Problem with cost, Euclidean gradient and Hessian: `frechet.interfaces.optimization.manifold`."""
        from frechet.interfaces.optimization.manifold import manifold_problem

        return manifold_problem(self, manifold)

    # In arrays rather than x.

    @cached_property
    def value_and_cotangents(self) -> Callable[..., tuple[Any, ...]]:
        """The value and its derivatives by all entries of each variable: arrays of its shape, or dense Jacobians."""
        if self.scalar:
            return self._program([self.function, *self.cotangents])
        return self._program([self.function, *(d.jacobian for d in self._derivatives.values())])

    @cached_property
    def hessian_action(self) -> Callable[..., tuple[Any, ...]]:
        """For each variable its derivative's change as all variables move: of arrays and directions dX, by name."""
        return self._program([self._moved(c, self._directions) for c in self.cotangents])

    @cached_property
    def cotangents(self) -> list[Expr]:
        """The derivatives of a scalar function by all entries of each variable, not yet projected to its structure."""
        self._need_scalar()
        return [d.cotangent for d in self._derivatives.values()]

    @property
    def directions(self) -> list[str]:
        """The names of the differentials that `hessian_action` takes, in the order of the variables."""
        return [d.params[0] for d in self._directions.values()]

    @property
    def scalar(self) -> bool:
        return self.function.shape == SCALAR

    @cached_property
    def affine(self) -> bool:
        """Is the gradient (the residual of a function that is not scalar) affine in all variables together?"""
        images = self.cotangents if self.scalar else [self.function]
        steps = {self.variables[n]: d for n, d in self._directions.items()}
        try:
            return all(linear_part(e, steps) is not None for e in images)
        except FrechetError:  # no second derivatives
            return False

    @cached_property
    def coordinates(self) -> Coordinates:
        masks = {m.params[0]: self.data[m.params[0]] for m in map(mask_of, self.variables.values()) if m is not None}
        return Coordinates(list(self.variables.values()), self.shapes, masks)

    def __repr__(self) -> str:
        what = f"minimize {self.function!r}" if self.scalar else f"find where {self.function!r} is 0 or small"
        by = ", ".join(f"{n}: {show_shape(v.shape)}" for n, v in self.variables.items())
        return f"<problem: {what} by {by}>"

    def _at(self, x: Any) -> tuple[Any, Any]:
        import numpy as np

        x = np.asarray(x, dtype=float)
        key = x.tobytes()  # a copy: SciPy changes x in place
        last = self._last
        if last is not None and last[0] == key:
            return last[1], last[2]
        value, *derivatives = self.value_and_cotangents(**self.unravel(x))
        found: tuple[Any, Any]
        if self.scalar:
            found = float(value), self.coordinates.gradient(derivatives)
        else:
            value = np.ravel(value, order="F").astype(float)
            blocks = [
                p.reduced(np.reshape(j, (value.size, prod(p.shape)), order="F").T).T
                for p, j in zip(self.coordinates, derivatives, strict=True)
            ]
            found = value, np.hstack(blocks)
        self._last = (key, *found)
        return found

    def _program(self, outputs: Sequence[Expr]) -> Callable[..., tuple[Any, ...]]:
        called = {n: f for e in outputs if symbols(e) for n, f in callables(e, self.given).items()}
        return program(outputs, {**self.data, **called}, self.sizes, self.how)

    def _moved(self, e: Expr, directions: Mapping[str, Expr]) -> Expr:
        return polished(differential(e, {self.variables[n]: d for n, d in directions.items()}))

    @cached_property
    def _hessian_blocks(self) -> tuple[list[Any], Callable[..., tuple[Any, ...]]] | None:
        """Pairs of parts on and above the diagonal, and the blocks of the Hessian by all of their entries."""
        parts = list(self.coordinates)
        pairs, blocks = [], []
        try:
            for i, p in enumerate(parts):
                for q in parts[i:]:
                    d = self._directions[q.name]
                    pairs.append((p, q))
                    blocks.append(polished(jacobian(differential(self.cotangents[i], {q.variable: d}), d)))
            return pairs, self._program(blocks)
        except UnsupportedError:
            return None

    def _plain(self, name: str, attempt: int) -> Any:
        """A start value: the plain one, then one with ones on the diagonal, then random ones."""
        import numpy as np

        from frechet.verification.sampling import linear_structure, normal, projected

        v, shape = self.variables[name], self.shapes[name]
        domain = v.params[2]
        positive = not {"spd", "psd"}.isdisjoint(v.params[1]) or domain == "spd"
        if domain in ("positive", "nonnegative", "unit01"):
            value = np.full(shape, 0.5 if domain == "unit01" else 1.0)
            if attempt > 1:
                value = value * (1 + SPREAD * np.tanh(normal(shape, Random(f"{name} {attempt}"))))
        elif positive or (len(shape) == 2 and (domain == "invertible" or (attempt == 1 and shape[0] == shape[1]))):
            value = np.eye(shape[0], shape[1])
        elif attempt > 1:
            value = SPREAD * normal(shape, Random(f"{name} {attempt}"))
        else:
            value = np.zeros(shape)
        value = projected(value, linear_structure(v)) if shape else value
        mask = mask_of(v)
        return value if mask is None else value * self.data[mask.params[0]]

    def _need_scalar(self) -> None:
        if not self.scalar:
            raise ShapeError(
                f"the function is a {self.function.kind}, so it has no gradient or Hessian: "
                "give fun and jac to scipy.optimize.least_squares or root, or minimize norm2(…)^2"
            )


def _check_names(
    function: Expr, known: Mapping[str, Expr], wanted: Sequence[str], data: Mapping[str, Any], start: Mapping[str, Any]
) -> None:
    has = ", ".join(known)
    called = {*symbols(function), *functions(function)}
    if not wanted:
        raise ShapeError(f"every variable of the function has data ({has}): which one is it minimized by?")
    for name in wanted:
        if name not in known:
            raise ShapeError(f"{name} is no variable of the function, whose variables are {has}")
        if wanted.count(name) > 1:
            raise ShapeError(f"{name} is named twice in wrt")
        if name in data:
            raise ShapeError(f"{name} is to be found and has data too: leave it out of wrt or of data, or give it as start")
    for name in data:
        base = name.split("_")[0]
        if name not in known and name not in called and base not in called:
            raise ShapeError(f"{name} has data and is no variable of the function, whose variables are {has}")
    for name in start:
        if name not in wanted:
            raise ShapeError(f"{name} has a start value and is not to be found: that is {', '.join(wanted)}")
    for name in known:
        if name not in wanted and name not in data:
            raise ShapeError(f"{name}, {show_shape(known[name].shape)}, has no data: give it in data={{'{name}': …}}")
