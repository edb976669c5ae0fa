"""What the random sweeps have found, as single cases: one object for one value, whichever way it is written."""

from __future__ import annotations

import re

import numpy as np
import pytest

import frechet as fr
from frechet.differentiation.derivative import Derivative
from frechet.expressions.node import Expr
from frechet.notation.reading import parse
from frechet.notation.text import write_text
from frechet.operations.transposition import transposed

SHAPES: dict[str, str | Expr] = {
    "x": "n",
    "y": "n",
    "q": "n positive",
    "l": "n labels±1",
    "A": "n×n",
    "X": "n×m",
    "Y": "m×n",
    "c": "scalar",
    "d": "scalar",
    "p": "scalar positive",
}
SAME = [
    ("(x*ones(n)').*eye(n)", "diag(x)"),
    ("eye(n).*(ones(n)*x')", "diag(x)"),
    ("eye(n).*(x*ones(n)').*A", "diag(x.*diag(A))"),
    ("eye(n).*(x*ones(n)').*(ones(n)*y')", "diag(x.*y)"),
    ("(x'*diag(y))'", "x.*y"),
    ("(x'*A*diag(y))'", "y.*(A'*x)"),
    ("(ones(n)'*A*diag(sin(c*x)))'", "sin(c*x).*(A'*ones(n))"),
    ("(sum(diag(inv(A)*y)*ones(n,m),1))'", "ones(m,n)*(inv(A)*y)"),
    ("max(x',y')", "max(x,y)'"),
    ("sigmoid(max(x',y'))", "sigmoid(max(x,y))'"),
    ("max(X',Y)", "max(X,Y')'"),
    ("(softplus(x)').^c", "(softplus(x).^c)'"),
    ("exp(q').^c", "exp(c*q)'"),
    ("(exp(X').^Y)", "exp(X'.*Y)"),
    ("norm2((A*x)')", "norm2(A*x)"),
    ("norm2(max(x',y'))", "norm2(max(x,y))"),
    ("norm2(ones(n)'*X)", "norm2(X'*ones(n))"),
    ("exp(abs(c/d)^2)", "exp(c^2/d^2)"),
    ("abs(l).*abs(l).*x", "x"),
    ("abs(c*d)*abs(c*d)", "c^2*d^2"),
    ("exp(c)^(1/2)*exp(d)^(1/2)", "exp((c+d)/2)"),
    ("2^(3/2)*2^(3/2)", "8"),
    ("2^(1/2)*2^(1/2)*c", "2*c"),
    ("q.^c.*q.^c", "q.^(2*c)"),
    ("(q.^c)'.*(q.^c)'", "(q.^(2*c))'"),
]


@pytest.mark.parametrize(("left", "right"), SAME)
def test_one_object(left: str, right: str) -> None:
    used = {n: s for n, s in SHAPES.items() if any(n in word for word in words(left) | words(right))}
    a, b = parse(left, used), parse(right, used)
    assert a is b, f"{a} is not {b}"
    assert transposed(transposed(a)) is a
    assert parse(write_text(a).text, used) is a


def words(text: str) -> set[str]:
    return {w for w in re.findall(r"[A-Za-z]\w*", text) if w in SHAPES}


def test_the_largest_entry_is_found_however_the_difference_is_rounded() -> None:
    """sign(x - max(x)) must be exactly 0 at one place, in the text as in the code."""
    x, y, z = (fr.vector(name, "n") for name in "xyz")
    rng = np.random.default_rng(0)
    for f in (fr.max(x - y - z), fr.min(x - y - z), fr.max(z - x - y), fr.norminf(y - x - z)):
        g = Derivative(f, x).gradient
        text = str(write_text(g))
        assert "*ones(n))" in text
        for _ in range(200):
            found = g.evaluate({name: rng.standard_normal(4) * 1e3 for name in "xyz"})
            assert sorted(np.abs(found)) == [0, 0, 0, 1]


def test_a_bound_of_another_shape_is_refused() -> None:
    x = fr.vector("x", "n")
    with pytest.raises(fr.ShapeError):
        fr.clip(fr.scalar("c"), x, x.T)
