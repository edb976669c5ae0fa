"""Polishing: shorter forms of results, found in bounded time."""

from __future__ import annotations

import sys
from time import process_time

import pytest

import frechet as fr
from frechet.differentiation.derivative import Derivative
from frechet.notation.reading import parse
from frechet.operations.constants import variable
from frechet.simplification.polishing import polished

A, x = fr.matrix("A", "n", "n"), fr.vector("x", "n")
SLOW = 4.0  # seconds; the search for common factors took minutes here


def test_the_search_for_common_factors_is_bounded() -> None:
    """Nested sums with many factors in common: each level of the search must not multiply the next."""
    c, d, p, q = (fr.scalar(name) for name in "cdpq")
    e = c
    for i in range(8):
        e = (e * (c + d * p) + d * (p + q * e) + p * q * (c + e)) * (c * d + p * q + i)
    start = process_time()
    g = Derivative(e, c).gradient
    assert process_time() - start < SLOW
    values = {"c": 0.5, "d": -0.25, "p": 0.75, "q": 0.1}
    h = 1e-6
    slope = (e.evaluate({**values, "c": 0.5 + h}) - e.evaluate({**values, "c": 0.5 - h})) / (2 * h)
    assert abs(g.evaluate(values) - slope) < 1e-6 * abs(slope)


def test_common_factors() -> None:
    for text, short in [
        ("A*x + A'*x", "(A + A')*x"), ("x'*A*y + x'*B*y", "x'*(A + B)*y"), ("c*x.*y + c*x.*z", "c*x.*(y + z)"),
        ("tr(A*X) + tr(B*X)", "tr((A + B)*X)"), ("c*d + c*b", "c*(b + d)"),
    ]:  # fmt: skip
        e = parse(text)
        assert polished(e) is parse(short, fr.variables(e)), f"{text}: {polished(e)}"


def test_common_scalings_of_rows_and_columns() -> None:
    for text, short in [
        ("diag(x)*A + diag(x.*y)*B", "diag(x)*(A + diag(y)*B)"), ("A*diag(x) + B*diag(x.*y)", "(A + B*diag(y))*diag(x)"),
        ("inv(diag(exp(x)))*A - (z./exp(x))*w'", "inv(diag(exp(x)))*(A - z*w')"),
        ("exp(A*B).*C - diag(x)*exp(A*B)", "exp(A*B).*(C - x*ones(n)')"),
        ("exp(A*B).*C - exp(A*B)*diag(x)", "exp(A*B).*(C - ones(n)*x')"),
    ]:  # fmt: skip
        kinds = {"A": A, "B": A, "C": A, "x": x, "y": x, "z": x, "w": x}
        known = {k: variable(k, v.shape) for k, v in kinds.items()}
        e = parse(text, known)
        assert polished(e) is parse(short, known), f"{text}: {polished(e)}"


def test_polishing_twice_changes_nothing_short() -> None:
    e = Derivative(parse("norm2(A*x-y)^2 + c*norm2(x)^2"), parse("x")).gradient
    assert polished(e) is e


DESCENT = ["w{j} = w{i} - s*(X'*(X*w{i} - y)/n + l*w{i})"]
MOMENTUM = ["g{i} = X'*(X*w{i} - y)", "q{j} = l*q{i} + (1-l)*g{i}", "w{j} = w{i} - s*q{j}"]


@pytest.mark.parametrize("step", [DESCENT, MOMENTUM], ids=["gradient descent", "with momentum"])
def test_the_search_for_factors_does_not_grow_exponentially(step: list[str]) -> None:
    """Unrolled: with every step the sums to be factored contain those of the steps before."""

    def calls(steps: int) -> int:
        lines = ["w0 = w", "q0 = q", *(line.format(i=i, j=i + 1) for i in range(steps) for line in step)]
        declared = {"X": "n×p", "y": "n", "w": "p", "s": "scalar", "l": "scalar", "Z": "m×p", "v": "m", "q": "p"}
        e = parse("\n".join([*lines, f"norm2(Z*w{steps} - v)^2"]), declared)
        count = 0

        def counted(frame: object, event: str, argument: object) -> None:
            nonlocal count
            count += event == "call"

        sys.setprofile(counted)
        try:
            assert Derivative(e, fr.variables(e)["s"]).gradient is not None
        finally:
            sys.setprofile(None)
        return count

    assert calls(12) < 5 * calls(6)
