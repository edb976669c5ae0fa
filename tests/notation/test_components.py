"""Derivatives entry by entry: what is written, and that its value is that of the gradient or Jacobian."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from frechet.compilation.numpy_source import evaluate
from frechet.differentiation.derivative import Derivative
from frechet.expressions.dimension import SCALAR, UNIT
from frechet.expressions.errors import FrechetError, LimitError, UnsupportedError
from frechet.expressions.node import Expr, make
from frechet.notation.components import components, write_components
from frechet.notation.entries import Applied, Delta, Entry, Index, Raised, Term, Total, entry
from frechet.notation.reading import read, read_entry
from frechet.operations.constants import variable
from frechet.verification.sampling import Point, points

CORPUS = Path(__file__).parents[1] / "corpus" / "corpus.jsonl"


# -- a second reading of the sums: every index is an axis, a sum over an index is a sum over its axis
class Values:
    """The value of a total for all values of its indices at once."""

    def __init__(self, point: Point, free: tuple[Index, ...]) -> None:
        self.point = point
        self.axes: list[Index] = list(free)

    def of(self, total: Total, free: tuple[Index, ...]) -> Any:
        """The array with one axis for each free index."""
        self.axes += _summed(total)
        value = np.broadcast_to(self.total(total), [i.dim.size(self.point.sizes) if i in free else 1 for i in self.axes])
        return value.reshape([i.dim.size(self.point.sizes) for i in free])

    def total(self, total: Total) -> Any:
        return sum((self.term(t) for t in total), np.zeros([1] * len(self.axes)))

    def term(self, t: Term) -> Any:
        value = np.full([1] * len(self.axes), float(t.coefficient))
        for f in t.factors:
            value = value * self.factor(f)
        for index in t.summed:
            axis = self.axes.index(index)
            if value.shape[axis] == 1:
                value = value * index.dim.size(self.point.sizes)
            value = value.sum(axis=axis, keepdims=True)
        return value

    def factor(self, f: Any) -> Any:
        if isinstance(f, Entry):
            return self.placed(np.asarray(evaluate(f.base, self.point.values, self.point.sizes)), f.indices)
        if isinstance(f, Delta):
            place = next(p for p in f if isinstance(p, Index))
            return self.placed(np.eye(place.dim.size(self.point.sizes)), tuple(f))
        if isinstance(f, Raised):
            base = self.total(f.body)
            return base ** (self.total(f.exponent) if isinstance(f.exponent, tuple) else float(f.exponent))
        assert isinstance(f, Applied)
        args = [self.total(a) for a in f.args]
        if len(args) == 2:
            return {"maximum": np.maximum, "minimum": np.minimum}[f.node.op.name](*args)
        u = variable("u", f.node.args[0].shape)
        size = max(args[0].size, 1)
        # the function of a flat vector
        flat = variable("u", (read("x", ["x: n"]).expression.shape[0], UNIT))
        page = make(f.node.op, (flat,), f.node.params, flat.shape)
        assert u.shape == f.node.shape
        return np.reshape(evaluate(page, {"u": args[0].ravel()}, {"n": size}), args[0].shape)

    def placed(self, array: Any, indices: tuple[Any, ...]) -> Any:
        """The array with its axes where those of the indices are; equal indices take the diagonal."""
        for n in reversed(range(len(indices))):
            if not isinstance(indices[n], Index):
                place = indices[n] if isinstance(indices[n], int) else indices[n].size(self.point.sizes)
                array = array.take(place - 1, axis=n)
        names = [i for i in indices if isinstance(i, Index)]
        letters = "".join(chr(97 + self.axes.index(i)) if len(self.axes) < 26 else "" for i in names)
        assert len(letters) == len(names)
        order = sorted(set(letters))
        array = np.einsum(f"{letters}->{''.join(order)}", array)
        shape = [1] * len(self.axes)
        for letter, size in zip(order, array.shape, strict=True):
            shape[ord(letter) - 97] = size
        return array.reshape(shape)


def _summed(total: Total) -> Iterator[Index]:
    for t in total:
        yield from t.summed
        for f in t.factors:
            if isinstance(f, Raised):
                yield from _summed(f.body)
                if isinstance(f.exponent, tuple):
                    yield from _summed(f.exponent)
            elif isinstance(f, Applied):
                for a in f.args:
                    yield from _summed(a)


def check(function: Expr, x: Expr) -> bool:
    """Compares the components with the gradient, the derivative by a scalar or the Jacobian; False where it cannot."""
    d = Derivative(function, x)
    found = components(d)
    assert write_components(d, "F")
    if found.total is None:
        return False
    array = d.gradient if function.shape == SCALAR else d.by_scalar if x.shape == SCALAR else d.jacobian
    point = points([function, array], 1, also=[x])[0]
    want = np.asarray(evaluate(array, point.values, point.sizes))
    free = found.rows + found.columns
    values = Values(point, free)
    if len([*_summed(found.total)]) + len(free) > 25:
        return False
    got = values.of(found.total, free)
    if function.shape != SCALAR and x.shape != SCALAR:  # columns stacked
        rows = len(found.rows)
        sizes = got.shape
        order = [*reversed(range(rows)), *reversed(range(rows, len(sizes)))]
        got = got.transpose(order).reshape(int(np.prod(sizes[:rows])), int(np.prod(sizes[rows:])))
    scale = max(1.0, float(np.max(np.abs(want))))
    np.testing.assert_allclose(got.reshape(want.shape) / scale, want / scale, atol=1e-9)
    return True


FORMULAS = [
    ("tr(A*X*B)", "X"), ("x'*A*x", "x"), ("norm2(A*x-y)^2", "x"), ("norm2(X)", "X"), ("norm2(X)^4", "X"),
    ("A*X*B", "X"), ("X*X", "X"), ("X'", "X"), ("X*A*X'", "X"), ("inv(X)", "X"), ("softmax(x)", "x"),
    ("A*sin(x)", "x"), ("x*x'", "x"), ("c*A", "c"), ("exp(c)*sin(c)", "c"), ("X*x", "X"),
    ("-y'*log(softmax(W*x))", "W"), ("tr(X)*X", "X"), ("X^2*unit(n,2)", "X"), ("x./norm2(x)", "x"),
    ("sqrt(x'*x+c)", "x"), ("norm1(A*x)", "x"), ("X^3", "X"), ("tr(X^5)", "X"), ("diag(x)*A*x", "x"),
    ("diag(X'*A*X)", "X"), ("x.^c", "x"), ("c.^x", "x"), ("x.^c", "c"), ("sum(X)*ones(3,3)", "X"),
    ("tr(X)*eye(4)*X", "X"), ("max(x)*x", "x"), ("max(x,y)", "x"), ("sum(X,1)", "X"), ("sum(X,2)'*A*x", "X"),
    ("logsumexp(X)", "X"), ("det(X)*X", "X"), ("unit(n,2)'*X*unit(n,3)", "X"), ("X[i,j]^2*x[i]", "X"),
    ("norm2(x[2:4])^2", "x"), ("X[:,j]'*y", "X"), ("[x; y]'*[x; z]", "x"), ("(A*X)[i,2]", "X"), ("X[1:k,:]", "X"),
    ("tr(X)", "X"),
    ("sum(ones(n,m)*X)", "X"), ("X.*X.*A", "X"), ("A*diag(x)*B", "x"), ("x'", "x"), ("x'*A", "x"), ("X*x*x'", "X"),
    ("sigmoid(A*x)./(ones(n)+exp(x))", "x"), ("tr(ones(n,n)*X)/tr(A*A)", "X"),
    ('norm2(T - einsum("ir,jr,kr->ijk",A,B,C))^2', "A"), ('norm2(T - einsum("ir,jr,kr->ijk",A,B,C))^2', "T"),
    ('einsum("bij,bjk->bik",Q,K)', "K"), ('einsum("iij->j",T)', "T"), ('exp(einsum("ijk,jl->ilk",T,A))', "A"),
    ('einsum("ijk,i,j,k->",T,x,x,x)', "x"), ('einsum("ij,kl->ijkl",A,A)', "A"), ('c*einsum("ijk->kji",T)/norm2(T)', "T"),
    ('sin(c*einsum("ijk->kji",T))', "c"), ('einsum("ijk,kl,lm->ijm",T,A,B)', "A"), ('T.^3 + einsum("ijj,k->ijk",T,x)', "T"),
]  # fmt: skip


@pytest.mark.parametrize(("formula", "x"), FORMULAS, ids=[f for f, _ in FORMULAS])
def test_the_components_have_the_value_of_the_derivative(formula: str, x: str) -> None:
    reading = read(formula, wrt=x)
    assert check(reading.expression, reading.variables[x])


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is not here")
def test_the_components_of_the_corpus() -> None:
    written = compared = 0
    for line in CORPUS.read_text(encoding="utf-8").splitlines():
        said = json.loads(line)
        try:
            reading = read_entry(said["expr"], said["vars"], said["dims"])
            x = reading.variables[said["wrt"]]
            Derivative(reading.expression, x).jacobian  # noqa: B018
        except (UnsupportedError, LimitError):
            continue
        if not points([reading.expression], 1, also=[x]):
            continue
        try:
            compared += check(reading.expression, x)
            written += 1
        except UnsupportedError:  # of a structured space
            continue
        except (FrechetError, AssertionError, IndexError, KeyError) as error:
            raise AssertionError(said["id"]) from error
    assert written > 200 and compared > 0.85 * written


SHOWN = [
    ("tr(A*X*B)", "X", "∂g/∂xᵢⱼ = Σₖ aₖᵢ bⱼₖ = (Aᵀ Bᵀ)ᵢⱼ"),
    ("tr(A*X)", "X", "∂g/∂xᵢⱼ = aⱼᵢ = (Aᵀ)ᵢⱼ"),
    ("x'*A*x", "x", "∂g/∂xᵢ = Σⱼ (aᵢⱼ + aⱼᵢ) xⱼ = ((A + Aᵀ) x)ᵢ"),
    ("norm2(X)", "X", "∂g/∂xᵢⱼ = xᵢⱼ/‖X‖ = (X/‖X‖)ᵢⱼ"),
    ("logdet(X)", "X", "∂g/∂xᵢⱼ = (X⁻¹)ⱼᵢ = (X⁻ᵀ)ᵢⱼ"),
    ("A*X*B", "X", "∂gₖₗ/∂xᵢⱼ = aₖᵢ bⱼₗ"),
    ("X*X", "X", "∂gₖₗ/∂xᵢⱼ = xₖᵢ δₗⱼ + δₖᵢ xⱼₗ"),
    ("X'", "X", "∂gₖₗ/∂xᵢⱼ = δₖⱼ δₗᵢ"),
    ("A*x", "x", "∂gₖ/∂xⱼ = aₖⱼ"),
    ("X*x", "X", "∂gₖ/∂Xᵢⱼ = δₖᵢ xⱼ"),
    ("W1*x", "W1", "∂gₖ/∂(W1)ᵢⱼ = δₖᵢ xⱼ"),
    ("kron(A,X)", "X", "∂gₖₗ/∂xᵢⱼ = (A ⊗ Eᵢⱼ)ₖₗ,  Eᵢⱼ = eᵢ eⱼᵀ"),
    ("c*A", "c", "∂gₖₗ/∂c = aₖₗ"),
    ("exp(c)", "c", "∂g/∂c = exp(c)"),
]


@pytest.mark.parametrize(("formula", "x", "text"), SHOWN, ids=[f for f, _, _ in SHOWN])
def test_written_as_in_a_book(formula: str, x: str, text: str) -> None:
    reading = read(formula, wrt=x)
    d = Derivative(reading.expression, reading.variables[x])
    assert write_components(d, "g").partition("     with  ")[2] == text


def test_text_and_latex() -> None:
    reading = read("tr(A*X*B)", wrt="X")
    d = Derivative(reading.expression, reading.variables["X"])
    assert write_components(d, "g", "text") == (
        "dg = sum_ij (dg/dx[i,j])*dx[i,j]     with  dg/dx[i,j] = sum_k a[k,i]*b[j,k] = (A'*B')[i,j]"
    )
    assert write_components(d, "g", "latex").endswith(
        r"\frac{\partial g}{\partial x_{ij}} = \sum_{k} a_{ki} b_{jk} = (A^{\top} B^{\top})_{ij}"
    )


def test_a_structured_variable_says_in_which_space_its_differential_is() -> None:
    reading = read("logdet(S)", ["S: n×n spd"])
    d = Derivative(reading.expression, reading.variables["S"])
    assert write_components(d, "g").endswith("= (S⁻¹)ᵢⱼ     for symmetric dS")
    assert write_components(d, "g", "latex").endswith(r" \quad \text{for symmetric } \mathrm{d}S")


def test_indices_are_never_names_of_the_formula() -> None:
    reading = read("tr(A*X*B)", ["A: r×i", "X: i×j", "B: j×r"])
    d = Derivative(reading.expression, reading.variables["X"])
    assert write_components(d, "g").endswith("∂g/∂xₖₗ = Σₘ aₘₖ bₗₘ = (Aᵀ Bᵀ)ₖₗ")


def test_what_is_too_large_is_one_symbol() -> None:
    chain = "*".join(["A"] * 300)
    reading = read(f"tr({chain.replace('A*A', 'A*B')}*X)", ["A: n×n", "B: n×n", "X: n×n"])
    d = Derivative(reading.expression, reading.variables["X"])
    assert len([*_summed(components(d).total or ())]) == 0
    deep = read("".join(["sin("] * 400) + "x" + ")" * 400, ["x: n"])
    text = write_components(Derivative(deep.expression, deep.variables["x"]), "f")
    assert text.startswith("dfₖ = Σⱼ (∂fₖ/∂xⱼ) dxⱼ     with  ∂fₖ/∂xⱼ = ")


def test_an_entry_of_any_expression() -> None:
    reading = read("A*diag(x)*A'", ["A: n×m", "x: m"])
    n = reading.expression.shape[0]
    i, j = Index(n), Index(n)
    (term,) = entry(reading.expression, (i, j))
    (k,) = term.summed
    a, x = reading.variables["A"], reading.variables["x"]
    assert term == Term(1, (Entry(a, (i, k)), Entry(x, (k,)), Entry(a, (j, k))), (k,))


@pytest.mark.parametrize(
    ("declare", "ending"),
    [
        ("X: n×n circulant", "for circulant dX"), ("X: n×m sphere", "for tangent dX"), ("X: n×m rank r", "for tangent dX"),
        ("X: n×m sparse(M)", "for sparse dX"), ("X: k simplex", "for tangent dX"), ("X: k centered", "for centered dX"),
    ],
)  # fmt: skip
def test_the_note_names_the_space_of_the_directions(declare: str, ending: str) -> None:
    text = "x'*X" if "k" in declare else "tr(A*X)"
    found = read(text, [declare])
    shown = write_components(Derivative(found.expression, found.variables["X"]), "g")
    assert shown.endswith(ending)
    assert "sparse" not in declare or "aⱼᵢ mᵢⱼ" in shown
