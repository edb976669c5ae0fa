"""What Frechet, SymPy, JAX and PyTorch make of the same derivatives: the cells of docs/comparison.md.

    python benchmarks/peers.py                               what each peer installed here answers, row by row
    python benchmarks/peers.py --measure [--only WORDS]      and keep that in peers.json
    python benchmarks/peers.py --markdown > docs/comparison.md

The derivative that a peer takes with its own means is compared by value with Frechet's, at a random point, in double
precision:

    formula             a closed form for all sizes or for given ones, right there
    numbers             the right numbers and no formula
    wrong               a formula or numbers that are not right
    no closed form      a formula in which a derivative is left to be taken
    refused (E)         the exception E
    none                no function for it

Frechet's own answers are backed by tests/test_comparison.py, by finite differences. `by hand` is said of what the user puts
together: a projection of the gradient, a matrix logarithm from eigenvectors.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Callable, Iterable
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from peer_page import markdown
from peer_rows import Row, rows

from frechet.compilation.numpy_source import evaluate
from frechet.differentiation.derivative import Derivative
from frechet.expressions.errors import FrechetError
from frechet.expressions.node import Expr
from frechet.notation.reading import Reading, parse, read
from frechet.verification.sampling import Point, points

CELLS = Path(__file__).resolve().parent / "peers.json"
CLOSE = 1e-6
SECONDS = 20  # for one derivative of SymPy, and for its value
ORDER = ("formula", "numbers", "no closed form", "refused", "wrong", "none")  # of several texts the best one counts


class Answered(NamedTuple):
    """A row as Frechet answers it. `expected` is the result of the row, read."""

    reading: Reading
    derivative: Derivative
    expression: Expr
    expected: Expr
    right: Expr  # whose value is the right one

    def point(self, row: Row) -> Point:
        """A random point, with values for dX and X0 too, or what the row says."""
        d = self.derivative
        also = [d.direction, d.base_point, *self.reading.variables.values()]
        found = points([d.function, self.expression], 1, seed=1, sizes=row.sizes, also=also)[0]
        drawn = {**found.values, **(row.at or {})}
        values = {name: _stand_in(name) if callable(value) else np.asarray(value) for name, value in drawn.items()}
        return Point(values, found.sizes)


def _stand_in(name: str) -> Any:
    """For a declared function sin, for its derivative cos."""
    return np.cos if name.endswith("_prime") else np.sin


def arrays(point: Point) -> dict[str, Any]:
    return {name: value for name, value in point.values.items() if not callable(value)}


def answered(row: Row) -> Answered:
    """Raises: FrechetError, where Frechet cannot."""
    reading = read(row.formula, row.declared, wrt=row.by)
    d = Derivative(reading.expression, reading.variables[row.by], convention=row.convention)
    said = dict(text.split(":", 1) for text in row.declared)
    known: dict[str, Any] = {**said, **reading.variables, d.direction.params[0]: d.direction, d.base_name: d.base_point}
    expression = VIEWS[row.view](d)
    right = parse(row.value, known) if row.value else expression
    return Answered(reading, d, expression, parse(row.result, known), right)


VIEWS: dict[str, Callable[[Derivative], Expr]] = {
    "gradient": lambda d: d.gradient,
    "jacobian": lambda d: d.jacobian,
    "hessian": lambda d: d.hessian,
    "differential": lambda d: d.differential,
    "second differential": lambda d: d.second_differential,
    "numerator": lambda d: d.layout("numerator"),
    "denominator": lambda d: d.layout("denominator"),
    "linearization": lambda d: d.linearization(),
}


def close(got: Any, want: Any) -> bool:
    got, want = np.asarray(got), np.asarray(want)
    return got.shape == want.shape and bool(np.allclose(got, want, rtol=CLOSE, atol=CLOSE * max(1.0, np.max(np.abs(want)))))


class Missing(Exception):
    """The peer is not installed."""


class Unverified(Exception):
    """The text for a peer is another function than ours: a mistake in peer_rows.py."""


class Peer:
    """One of the peers. A subclass says how the names get values and how a view of the derivative is taken."""

    name: str
    module: str

    def __init__(self) -> None:
        try:
            self.library = import_module(self.module)
        except ImportError as error:
            raise Missing(self.name) from error

    @property
    def version(self) -> str:
        return str(self.library.__version__)

    def names(self, ours: Answered, point: Point) -> dict[str, Any]:
        raise NotImplementedError

    def outcome(self, text: str, row: Row, ours: Answered, point: Point) -> str:
        raise NotImplementedError

    def cell(self, texts: str | Iterable[str], row: Row, ours: Answered, point: Point) -> str:
        """The best that the peer does by itself, and what a user can do by hand where that is better."""
        found: dict[bool, list[str]] = {False: [], True: []}
        for text in (texts,) if isinstance(texts, str) else texts:
            found[text[0] in "~="].append(self.outcome(text, row, ours, point))
        itself, hand = (min(found[k], key=rank, default="none") for k in (False, True))
        wrong = [outcome for outcome in found[False] if outcome.startswith("wrong")]
        if wrong and not itself.startswith("wrong"):
            itself = f"{itself}; {wrong[0]} in other words"
        if rank(hand) >= min(rank(itself), ORDER.index("no closed form")):
            return itself
        return f"{hand}, by hand" if itself == "none" else f"{itself}; {hand}, by hand"


def rank(outcome: str) -> int:
    return next(i for i, word in enumerate(ORDER) if outcome.startswith(word))


class Numeric(Peer):
    """A peer that differentiates programs: its derivative is numbers."""

    def array(self, value: Any) -> Any:
        raise NotImplementedError

    def view(self, name: str, f: Callable[[Any], Any], x: Any, given: dict[str, Any], ours: Answered) -> Any:
        raise NotImplementedError

    def outcome(self, text: str, row: Row, ours: Answered, point: Point) -> str:
        given = self.names(ours, point)
        code, x = text.lstrip("~="), given[row.by]
        want = evaluate(ours.right, point.values, point.sizes)

        def f(value: Any) -> Any:
            return eval(code, {**given, row.by: value})  # texts of peer_rows.py

        try:
            if text.startswith("="):
                got = f(x)
            else:
                self.verify(f(x), ours, point)
                got = self.view(row.view, f, x, given, ours)
        except Unverified:
            raise
        except Exception as error:  # whatever the peer raises
            return f"refused ({type(error).__name__})"
        got = np.asarray(got)
        if got.ndim > np.ndim(want):
            got = got.reshape(np.shape(want), order="F")
        if close(got, want):
            return "numbers"
        if np.iscomplexobj(got) and close(got.conj(), want):
            return "numbers (the conjugate, as documented)"
        return "wrong (nan)" if np.isnan(got).any() else _how_wrong(got)

    def verify(self, value: Any, ours: Answered, point: Point) -> None:
        want = evaluate(ours.derivative.function, point.values, point.sizes)
        got = np.asarray(value)
        if not np.isnan(got).any() and not close(got, want):
            raise Unverified(f"{self.name}: {got} is not {want}")


class Jax(Numeric):
    name, module = "JAX", "jax"

    def names(self, ours: Answered, point: Point) -> dict[str, Any]:
        jax = self.library
        jax.config.update("jax_enable_x64", True)
        linear = import_module("jax.scipy.linalg")
        values = {name: jax.numpy.asarray(value) for name, value in arrays(point).items()}
        return {"jax": jax, "jnp": jax.numpy, "jsl": linear, **values}

    def view(self, name: str, f: Callable[[Any], Any], x: Any, given: dict[str, Any], ours: Answered) -> Any:
        jax, d = self.library, ours.derivative
        if name == "gradient":
            return jax.grad(f, holomorphic=d.convention == "holomorphic" and not d.function.real)(x)
        return _view(name, f, x, given, d, jax.jacfwd, jax.hessian, lambda g, x, v: jax.jvp(g, (x,), (v,)))


class Torch(Numeric):
    name, module = "PyTorch", "torch"

    def names(self, ours: Answered, point: Point) -> dict[str, Any]:
        torch = self.library
        return {"torch": torch, **{name: torch.tensor(value) for name, value in arrays(point).items()}}

    def view(self, name: str, f: Callable[[Any], Any], x: Any, given: dict[str, Any], ours: Answered) -> Any:
        torch, d = self.library, ours.derivative
        if name == "gradient":
            x = x.clone().requires_grad_()
            y = f(x)
            y.backward(torch.ones_like(y))
            return x.grad
        func = torch.func
        return _view(name, f, x, given, d, func.jacrev, func.hessian, lambda g, x, v: func.jvp(g, (x,), (v,)))


def _view(name: str, f: Any, x: Any, given: dict[str, Any], d: Derivative, jacobian: Any, hessian: Any, jvp: Any) -> Any:
    """The views but for the gradient; arrays of derivatives have the axes of the function before those of the variable."""
    direction = given[d.direction.params[0]]
    if name == "jacobian":
        return jacobian(f)(x)
    if name == "hessian":
        return hessian(f)(x)
    if name == "differential":
        return jvp(f, x, direction)[1]
    if name == "second differential":
        return jvp(lambda y: jvp(f, y, direction)[1], x, direction)[1]
    if name == "linearization":
        at = given[d.base_name]
        value, change = jvp(f, at, x - at)
        return value + change
    raise NotImplementedError(name)


class SymPy(Peer):
    """Sizes are given, which SymPy needs for the value; its formulas hold for symbolic sizes too where they are matrices."""

    name, module = "SymPy", "sympy"

    def names(self, ours: Answered, point: Point) -> dict[str, Any]:
        sp = self.library
        found: dict[str, Any] = {name: getattr(sp, name) for name in dir(sp) if not name.startswith("_")}
        found["i"] = sp.Symbol("i", integer=True)
        for name, value in arrays(point).items():
            found[name] = sp.MatrixSymbol(name, *(*np.shape(value), 1)[:2]) if np.ndim(value) else sp.Symbol(name)
        return found

    def outcome(self, text: str, row: Row, ours: Answered, point: Point) -> str:
        from derive import TimedOut, within

        given = self.names(ours, point)
        x = given[row.by]
        want = np.asarray(evaluate(ours.right, point.values, point.sizes))
        found = None
        if not text.startswith("="):
            found = eval(text.lstrip("~"), given)  # what cannot be written is no refused derivative: it raises
            self.verify(found, given, ours, point)
        try:
            if text.startswith("="):
                found = within(SECONDS, lambda: eval(text[1:], given))
            else:
                found = within(SECONDS, lambda: self.view(row.view, found, x, given, ours))
        except TimedOut:
            return f"refused (no answer in {SECONDS} s)"
        except Exception as error:  # whatever SymPy raises
            return f"refused ({type(error).__name__})"
        try:
            got = within(SECONDS, lambda: self.value(found, given, point))
        except Exception:  # an unevaluated Derivative has no value
            return "no closed form"
        return "formula" if any(close(g, want) for g in _arranged(got, want, row.view)) else _how_wrong(got)

    def view(self, name: str, f: Any, x: Any, given: dict[str, Any], ours: Answered) -> Any:
        if name == "hessian":
            return f.diff(x).diff(x)
        if name in ("gradient", "jacobian", "denominator"):
            return f.diff(x)
        raise NotImplementedError(name)

    def verify(self, f: Any, given: dict[str, Any], ours: Answered, point: Point) -> None:
        from derive import within

        want = np.asarray(evaluate(ours.derivative.function, point.values, point.sizes))
        try:
            got = within(SECONDS, lambda: self.value(f, given, point))
        except Exception:  # a function without a value here: exp of a matrix
            return
        if got.size != want.size or not close(got.reshape(want.shape), want):
            raise Unverified(f"{got} is not {want}")

    def value(self, e: Any, given: dict[str, Any], point: Point) -> Any:
        """The value of a formula with matrices, or of an array of formulas."""
        from derive import sympy_value

        if not any(np.iscomplexobj(value) for value in arrays(point).values()):
            try:
                return np.asarray(sympy_value(e, point.values))
            except Exception:  # what derive.py does not know: entry by entry
                pass
        return self.entries(e, given, point)

    def entries(self, e: Any, given: dict[str, Any], point: Point) -> Any:
        sp = self.library
        undefined = sp.core.function.AppliedUndef  # f'(x) is a closed form where f is declared
        for a in sp.preorder_traversal(e):
            if isinstance(a, sp.Derivative) and not a.expr.has(undefined):
                raise ValueError("a derivative is left")
        if e.has(undefined):
            e = e.replace(lambda a: isinstance(a, undefined), lambda a: sp.sin(*a.args))
            e = e.replace(lambda a: isinstance(a, sp.Derivative), lambda a: a.doit())
        shown = e.as_explicit() if hasattr(e, "as_explicit") else e.doit()
        values = {}
        for name, value in arrays(point).items():
            symbol = given[name]
            if isinstance(symbol, sp.MatrixSymbol):
                array = np.reshape(value, (*np.shape(value), 1)[:2])
                values |= {symbol[i, j]: sp.sympify(array[i, j].item()) for i, j in np.ndindex(array.shape)}
            else:
                values[symbol] = sp.sympify(value.item())
        flat = [
            complex(sp.sympify(a).doit().xreplace(values).doit().evalf())
            for a in (sp.flatten(shown) if hasattr(shown, "shape") else [shown])
        ]
        array = np.array(flat).reshape(getattr(shown, "shape", ()))
        return array if np.any(array.imag) else array.real


def _arranged(got: Any, want: Any, view: str) -> list[Any]:
    """The arrays that a formula may be taken for: SymPy's Jacobians have the variable's axes first."""
    if got.size != want.size:
        return []
    if got.ndim <= 2:
        same = got.reshape(want.shape) if got.ndim != want.ndim or view == "gradient" else got
        return [same, got.T] if view == "jacobian" and got.T.shape == want.shape else [same]
    found = []
    for axes in ((2, 3, 0, 1), (0, 1, 2, 3)):
        if got.ndim == 4:
            found.append(got.transpose(axes).reshape(want.shape, order="F"))
    return found


def _how_wrong(got: Any) -> str:
    return "wrong (0)" if not np.any(got) else "wrong"


PEERS: tuple[type[Peer], ...] = (SymPy, Jax, Torch)


def texts(row: Row) -> dict[str, Any]:
    """What the peers are asked, as peers.json keeps it."""
    asked = {"SymPy": row.sympy, "JAX": row.jax, "PyTorch": row.torch}
    return {name: [text] if isinstance(text, str) else list(text) for name, text in asked.items()}


def measured(row: Row, peers: Iterable[Peer]) -> dict[str, str]:
    ours = answered(row)
    point = ours.point(row)
    return {peer.name: peer.cell(texts(row)[peer.name], row, ours, point) for peer in peers}


def stored() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(CELLS.read_text(encoding="utf-8")) if CELLS.exists() else {"rows": {}}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Derivatives by Frechet and its peers")
    parser.add_argument("--markdown", action="store_true", help="print the page from peers.json")
    parser.add_argument("--measure", action="store_true", help="write what the peers answer to peers.json")
    parser.add_argument("--only", default="", help="the rows whose feature or section contains this, pending ones too")
    asked = parser.parse_args()
    if asked.markdown:
        print(markdown(stored()), end="")
        return
    warnings.simplefilter("ignore")
    peers: list[Peer] = []
    for kind in PEERS:
        try:
            peers.append(kind())
        except Missing:
            print(f"{kind.name} is not installed: left out")
    kept = stored()
    for section, row in rows(pending=bool(asked.only)):
        if asked.only not in f"{section}: {row.feature}":
            continue
        try:
            cells = measured(row, peers)
        except FrechetError as error:
            print(f"{row.feature:42} Frechet cannot: {error}")
            continue
        print(f"{row.feature:42} " + "   ".join(f"{name}: {cell}" for name, cell in cells.items()), flush=True)
        before = kept["rows"].get(row.feature, {}).get("cells", {})
        kept["rows"][row.feature] = {"formula": row.formula, "by": row.by, "asked": texts(row), "cells": {**before, **cells}}
    if asked.measure:
        kept["date"] = date.today().isoformat()
        kept["versions"] = {**kept.get("versions", {}), **{peer.name: peer.version for peer in peers}}
        CELLS.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
