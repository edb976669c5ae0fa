"""How long a derivative takes, over the expressions of the corpus, beside SymPy's where SymPy can take them.

    python benchmarks/derive.py [corpus.jsonl]

Prints a Markdown table. Both are timed for deriving and simplifying, without reading, writing and checking. Right and
wrong are judged by Frechet's gradient at a random point, after that gradient has passed its own check by finite
differences. An expression counts only if its translation to SymPy has the same value there. x'*A*x is given to SymPy
both as a 1×1 matrix and as a trace, where both are possible, and the better outcome counts.
"""

from __future__ import annotations

import json
import signal
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import sympy as sp
from scipy.linalg import fractional_matrix_power

from frechet.compilation.numpy_source import evaluate
from frechet.expressions.dimension import SCALAR
from frechet.expressions.errors import FrechetError
from frechet.interfaces.answer import Answer, answer
from frechet.notation.reading import read_entry
from frechet.notation.syntax import Node, Program, read_syntax
from frechet.verification.sampling import points

CORPUS = Path(__file__).resolve().parent.parent / "tests" / "corpus" / "corpus.jsonl"
SECONDS = 5  # SymPy's limit for one derivative, and for evaluating it


class Untranslatable(Exception):
    """The expression is outside of what is translated to SymPy."""


class TimedOut(Exception):
    pass


class Value(NamedTuple):
    """A SymPy expression, and whether it is a number rather than a matrix."""

    expr: Any
    scalar: bool


class Translation:
    """A formula as SymPy's: traces, products, inverses, determinants, transposes, powers and element-wise products."""

    def __init__(self, program: Program, entry: dict[str, Any], traces: bool) -> None:
        self.traces = traces  # 1×1 products as traces
        self.nodes = program.nodes
        self.dims = entry["dims"]
        self.symbols: dict[str, Any] = {}
        for name, said in entry["vars"].items():
            if said.get("complex"):
                raise Untranslatable("complex")
            sizes = [self.dims[d] if isinstance(d, str) else d for d in said["shape"]]
            rows, columns = ([*sizes, 1, 1])[:2]
            self.symbols[name] = sp.MatrixSymbol(name, rows, columns) if sizes else sp.Symbol(name)
        if program.definitions:
            raise Untranslatable("definitions")
        self.result = self.at(program.root)

    def at(self, i: int) -> Value:
        node = self.nodes[i]
        if node.kind == "number":
            number = node.value
            return Value(sp.Rational(str(number)) if not isinstance(number, float) else sp.Float(number), True)
        if node.kind == "name":
            return self._name(str(node.value))
        if node.kind == "call":
            return self._call(node)
        rule = RULES.get(node.kind)
        if rule is None:
            raise Untranslatable(node.kind)
        if node.kind in ("power", "epower"):
            return self._power(node)
        value = rule(*[self.at(a) for a in node.args])
        if self.traces and not value.scalar and value.expr.shape == (1, 1):
            return Value(sp.Trace(value.expr), True)
        return value

    def _name(self, name: str) -> Value:
        if name in self.symbols:
            symbol = self.symbols[name]
            return Value(symbol, not isinstance(symbol, sp.MatrixSymbol))
        if name in self.dims:
            return Value(sp.Integer(self.dims[name]), True)
        raise Untranslatable(name)

    def _power(self, node: Node) -> Value:
        base, k = (self.at(a) for a in node.args)
        if not k.scalar:
            raise Untranslatable("exponent")
        if base.scalar:
            return Value(base.expr**k.expr, True)
        if not k.expr.is_Integer:
            raise Untranslatable("exponent")
        if node.kind == "power":
            return Value(base.expr**k.expr, False)
        return Value(sp.HadamardPower(base.expr, k.expr), False)

    def _call(self, node: Node) -> Value:
        name = str(node.value)
        if name == "eye" and node.args:
            return Value(sp.Identity(self.at(node.args[0]).expr), False)
        if name == "ones" and node.args:
            sizes = [self.at(a).expr for a in node.args]
            return Value(sp.OneMatrix(*([*sizes, 1])[:2]), False)
        if len(node.args) != 1:
            raise Untranslatable(name)
        x = self.at(node.args[0])
        if x.scalar:
            known = {"exp": sp.exp, "log": sp.log, "sin": sp.sin, "cos": sp.cos, "sqrt": sp.sqrt, "tr": lambda e: e}
            if name not in known:
                raise Untranslatable(name)
            return Value(known[name](x.expr), True)
        e = x.expr
        if name == "tr":
            return Value(sp.Trace(e), True)
        if name == "inv":
            return Value(sp.Inverse(e), False)
        if name == "det":
            return Value(sp.Determinant(e), True)
        if name == "logdet":
            return Value(sp.log(sp.Determinant(e)), True)
        if name == "norm2":
            return Value(sp.sqrt(sp.Trace(e.T * e)), True)
        if name == "sum":
            return Value(sp.Trace(sp.OneMatrix(e.shape[1], e.shape[0]) * e), True)
        raise Untranslatable(name)


def _sum(sign: int) -> Callable[[Value, Value], Value]:
    def add(a: Value, b: Value) -> Value:
        if a.scalar != b.scalar:
            raise Untranslatable("sum")
        return Value(a.expr + sign * b.expr, a.scalar)

    return add


def _ratio(a: Value, b: Value) -> Value:
    if not b.scalar:
        raise Untranslatable("ediv")
    return Value(a.expr / b.expr, a.scalar)


def _hadamard(a: Value, b: Value) -> Value:
    if a.scalar or b.scalar:
        return Value(a.expr * b.expr, a.scalar and b.scalar)
    return Value(sp.HadamardProduct(a.expr, b.expr), False)


RULES: dict[str, Callable[..., Value]] = {
    "add": _sum(1),
    "sub": _sum(-1),
    "neg": lambda a: Value(-a.expr, a.scalar),
    "mul": lambda a, b: Value(a.expr * b.expr, a.scalar and b.scalar),
    "div": _ratio,
    "ediv": _ratio,
    "hadamard": _hadamard,
    "transpose": lambda a: Value(a.expr if a.scalar else a.expr.T, a.scalar),
    "frobenius": lambda a, b: Value(sp.Trace(a.expr.T * b.expr), True),
    "power": lambda a, b: a,
    "epower": lambda a, b: a,
}


def within(seconds: int, what: Callable[[], Any]) -> Any:
    def stop(number: int, frame: Any) -> None:
        raise TimedOut

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        return what()
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def sympy_value(e: Any, values: dict[str, Any]) -> Any:
    """The value of a SymPy expression; it raises for what is no closed form, such as an unevaluated derivative."""
    if isinstance(e, sp.MatrixSymbol):
        return np.reshape(np.asarray(values[e.name], dtype=float), e.shape)
    if isinstance(e, sp.Symbol):
        return float(values[e.name])
    if e.is_number and not isinstance(e, sp.MatrixExpr):
        return float(e)
    if isinstance(e, sp.Identity | sp.ZeroMatrix | sp.OneMatrix):
        rows, columns = map(int, e.shape)
        kind = {sp.ZeroMatrix: np.zeros, sp.OneMatrix: np.ones}.get(type(e))
        return kind((rows, columns)) if kind is not None else np.eye(rows)
    if isinstance(e, sp.MatrixBase):
        return np.array([[sympy_value(x, values) for x in row] for row in e.tolist()])
    if type(e) not in VALUES:
        raise Untranslatable(type(e).__name__)
    return VALUES[type(e)](*[sympy_value(a, values) for a in e.args])


def _product(*factors: Any) -> Any:
    result: Any = 1.0
    for f in factors:
        result = result @ f if np.ndim(result) == 2 and np.ndim(f) == 2 else result * f
    return result


def _added(*terms: Any) -> Any:
    if len({np.shape(t) for t in terms}) > 1:
        raise Untranslatable("a matrix plus a number")
    return sum(terms[1:], terms[0])


VALUES: dict[type, Callable[..., Any]] = {
    sp.Add: _added,
    sp.MatAdd: _added,
    sp.Mul: _product,
    sp.MatMul: _product,
    sp.Pow: lambda a, k: a**k,
    sp.MatPow: lambda a, k: np.linalg.matrix_power(a, int(k)) if k == int(k) else fractional_matrix_power(a, k),
    sp.Transpose: np.transpose,
    sp.Inverse: lambda a, *_: np.linalg.inv(a),
    sp.Trace: np.trace,
    sp.Determinant: np.linalg.det,
    sp.HadamardProduct: lambda *factors: np.prod(np.stack(factors), axis=0),
    sp.HadamardPower: lambda a, k: a**k,
    sp.DiagMatrix: lambda a: np.diag(a.ravel()),
    sp.exp: np.exp,
    sp.log: np.log,
    sp.sin: np.sin,
    sp.cos: np.cos,
}


OUTCOMES = ("right", "wrong", "no closed form", "refused (an exception)", f"no answer in {SECONDS} s")


def compared(entry: dict[str, Any], found: Answer) -> tuple[str, float]:
    """What SymPy makes of an entry, and how long it takes: the better of two translations."""
    results = []
    for traces in (False, True):
        try:
            results.append(_compared(entry, found, traces))
        except (Untranslatable, KeyError, ValueError, sp.ShapeError):
            continue
    if not results:
        raise Untranslatable
    return min(results, key=lambda result: (OUTCOMES.index(result[0]) > 0, result[1]))


def _compared(entry: dict[str, Any], found: Answer, traces: bool) -> tuple[str, float]:
    translation = Translation(read_syntax(entry["expr"]), entry, traces)
    result = translation.result
    if not result.scalar and result.expr.shape != (1, 1):
        raise Untranslatable("not scalar")
    x = translation.symbols[entry["wrt"]]
    d = found.derivative
    point = points([d.function, d.gradient], 1, sizes=entry["dims"], also=[d.variable])[0]
    try:
        value = within(SECONDS, lambda: sympy_value(result.expr, point.values))
    except Exception as error:
        raise Untranslatable("value") from error
    if not np.allclose(np.ravel(value), evaluate(d.function, point.values, point.sizes), rtol=1e-8):
        raise Untranslatable("another value")
    start = perf_counter()
    try:
        gradient = within(SECONDS, lambda: result.expr.diff(x))
    except TimedOut:
        return OUTCOMES[4], float(SECONDS)
    except Exception:  # SymPy raises what it happens to raise
        return OUTCOMES[3], perf_counter() - start
    seconds = perf_counter() - start
    want = np.asarray(evaluate(d.gradient, point.values, point.sizes))
    try:
        got = within(SECONDS, lambda: np.asarray(sympy_value(gradient, point.values)))
    except Exception:  # an unevaluated Derivative or ArrayContraction has no value
        return "no closed form", seconds
    if got.size == 1 and want.size > 1 and not np.any(got):
        got = np.zeros(want.shape)
    if got.size != want.size:
        return "wrong", seconds
    close = np.allclose(got.reshape(want.shape), want, rtol=1e-6, atol=1e-8 * max(1.0, float(np.max(np.abs(want)))))
    return ("right" if close else "wrong"), seconds


def row(name: str, seconds: list[float]) -> str:
    times = sorted(seconds)
    last = times[min(len(times) - 1, int(0.95 * len(times)))]
    figures = [statistics.median(times), statistics.fmean(times), last]
    return f"| {name} | {len(times)} | " + " | ".join(f"{1e3 * t:.3g}" for t in figures) + " |"


def main() -> None:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else CORPUS
    entries = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    everything: list[float] = []
    both: dict[str, list[float]] = {"Frechet": [], "SymPy": []}
    outcomes: dict[str, list[str]] = {}
    unanswered = unchecked = 0
    for entry in [entries[0], *entries]:  # the first one warms up
        try:
            reading = read_entry(entry["expr"], entry["vars"], entry["dims"], entry["wrt"])
            x = reading.variables[entry["wrt"]]
            form, convention = entry.get("form"), entry.get("complex_convention")
            found = answer(reading.expression, x, form, entry.get("order", 1), check=False, convention=convention)
        except FrechetError:
            unanswered += 1
            continue
        everything.append(found.seconds)
        if reading.expression.shape != SCALAR or entry.get("order", 1) != 1 or x.params[1]:
            continue
        try:
            answer(reading.expression, x, "gradient")
        except FrechetError:
            unchecked += 1
            continue
        try:
            outcome, seconds = compared(entry, found)
        except Untranslatable:
            continue
        outcomes.setdefault(outcome, []).append(entry["id"])
        both["Frechet"].append(found.seconds)
        both["SymPy"].append(seconds)
    print("| | expressions | median ms | mean ms | 95 % below ms |")
    print("|---|---|---|---|---|")
    print(row("Frechet, the whole corpus", everything[1:]))
    print(row("Frechet, what SymPy was given", both["Frechet"]))
    print(row(f"SymPy {sp.__version__}", both["SymPy"]))
    print()
    total = len(both["SymPy"])
    print(f"SymPy was given {total} gradients that Frechet answers (each passed its check by differences):")
    print()
    print("| outcome | expressions | such as |")
    print("|---|---|---|")
    for outcome, ids in sorted(outcomes.items(), key=lambda pair: -len(pair[1])):
        print(f"| {outcome} | {len(ids)} | {', '.join(ids[:3])} |")
    print()
    print(f"{unanswered} of the {len(entries)} entries Frechet does not answer; {unchecked} gradients failed the check.")


if __name__ == "__main__":
    main()
