"""Every page of the registry keeps what it says: the tests are made from the pages, so that a new operation has them all."""

from __future__ import annotations

import inspect
import pickle
from itertools import product as combinations
from typing import Any

import numpy as np
import pytest
from test_random_expressions import braces_balanced, read_back

import frechet as fr
from frechet.compilation.numpy_source import evaluate, numpy_source
from frechet.differentiation.adjoint import adjoint
from frechet.differentiation.derivative import Derivative
from frechet.expressions.dimension import axes
from frechet.expressions.errors import FrechetError, ShapeError, UnsupportedError
from frechet.expressions.node import Expr, variables, walk
from frechet.expressions.operation import Operation, all_operations, fitting
from frechet.notation.latex import write_latex
from frechet.notation.reading import parse, read
from frechet.notation.text import write_text
from frechet.notation.unicode import write_unicode
from frechet.operations import kronecker_forms, typed_operations
from frechet.operations.complex_parts import real_part
from frechet.operations.constants import variable
from frechet.operations.products import inner
from frechet.operations.transposition import transposed
from frechet.verification.check import check_adjoint, check_differential, check_equal, check_gradient
from frechet.verification.sampling import THIN, points

PAGES = all_operations()
EXAMPLES = [pytest.param(page, text, id=f"{page.name}-{text}") for page in PAGES for text in page.examples]
IN_FIELDS = [pytest.param(page, text, "real", id=f"{page.name}-{text}") for page in PAGES for text in page.examples] + [
    pytest.param(page, text, "complex", id=f"{page.name}-{text}-complex")
    for page in PAGES
    if page.complex
    for text in page.examples
]
IDENTITIES = [pytest.param(page, *pair, id=f"{page.name}-{pair[0]}") for page in PAGES for pair in page.identities]
DRAWN = {"positive": "positive", "unit01": "unit01"}  # of every variable
# a differential for some arguments only: those of second and third derivatives of functions of matrices are refused
ONCE = {
    "polar",
    "dfunm",
    *(page.name for page in kronecker_forms.PAGES),
    "declared_hessian",
    "declared_second",
    "declared_second_form",
    "declared_weighted_hessian",
}
DRAWN_SQUARE = {"spd": "spd", "invertible": "invertible"}  # of square matrices


def names_and_shapes(page: Operation, text: str, field: str = "real") -> dict[str, Expr]:
    """The variables of a formula, declared as the page's domain says; complex ones keep what makes sense of it."""
    found: dict[str, Expr] = {}
    for name, v in read(text, page.declarations).variables.items():
        word = DRAWN.get(page.domain, "normal") if v.params[2] == "normal" else v.params[2]
        square = v.kind == "matrix" and v.shape[0] is v.shape[1]
        if square and page.domain in DRAWN_SQUARE:
            word = DRAWN_SQUARE[page.domain]
        structure = ("spd",) if word == "spd" else ()
        if field == "complex" and word != "whole":
            structure, word = (*structure, "complex"), "normal" if word in DRAWN else word
        found[name] = variable(name, v.shape, structure, word if word != "spd" else "normal")
    return found


def known(page: Operation, text: str, field: str = "real") -> dict[str, Expr | str]:
    """The variables of a formula and the functions that the page declares."""
    said = dict(d.split(": ") for d in page.declarations)
    return {**said, **names_and_shapes(page, text, field)}


def example(page: Operation, text: str, field: str = "real") -> Expr:
    return parse(text, known(page, text, field))


def free_variables(e: Expr) -> list[Expr]:
    """The variables that have derivatives: whole numbers have none."""
    return [v for v in variables(e) if v.params[2] != "whole"]


def cotangent(e: Expr) -> Expr:
    """A variable W of the shape and field of e; for a row the transpose of a vector."""
    field = () if e.real else ("complex",)
    if e.kind == "row":
        return transposed(variable("W", e.shape[::-1], field))
    return variable("W", e.shape, field)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page_is_complete(page: Operation) -> None:
    assert page.summary
    assert page.rule
    assert page.examples
    own_rule = type(page).differential is not Operation.differential and not page.own_leaves
    assert page.source or not own_rule, "a rule needs its source"
    assert page.adjoint_rule or not page.linear or not own_rule
    assert repr(page) == f"<operation {page.name}>"
    assert pickle.loads(pickle.dumps(page)) is page


@pytest.mark.parametrize(("page", "text"), EXAMPLES)
def test_example_reads_as_it_stands(page: Operation, text: str) -> None:
    assert isinstance(parse(text, page.declarations), Expr)


@pytest.mark.parametrize(("page", "text", "field"), IN_FIELDS)
def test_value_has_the_shape(page: Operation, text: str, field: str) -> None:
    e = example(page, text, field)
    found = points(e)
    assert found
    for point in found:
        value = np.asarray(evaluate(e, point.values, point.sizes))
        assert value.shape == tuple(d.size(point.sizes) for d in axes(e.shape))
        space: dict[str, Any] = {}
        exec(numpy_source(e, "program", arguments=variables(e)), space)
        taken = inspect.signature(space["program"]).parameters
        again = space["program"](**{k: v for k, v in {**point.values, **point.sizes}.items() if k in taken})
        again = np.asarray(again, dtype=float if e.real else complex)
        # the last bit of what LAPACK computes depends on where in memory the arrays begin
        np.testing.assert_allclose(again, value, rtol=1e-13, atol=1e-13 * np.max(np.abs(value)))


@pytest.mark.parametrize(("page", "text", "field"), IN_FIELDS)
def test_differential_adjoint_and_gradient(page: Operation, text: str, field: str) -> None:
    e = example(page, text, field)
    w = cotangent(e)
    for x in free_variables(e):
        D = Derivative(e, x)
        if page.name in ONCE:
            try:
                _ = D.differential
            except UnsupportedError:
                continue
        report = check_differential(e, x, D.direction, D.differential)
        assert report.ok and report.points == 3, f"d by {x}: {report.reason}"
        try:
            back = adjoint(D.raw_differential, D.direction, w)
            functional = Derivative(real_part(inner(w, e)), x).gradient
        except UnsupportedError:
            continue
        report = check_adjoint(D.raw_differential, D.direction, back, w)
        assert report.ok, f"adjoint by {x}: {report.reason}"
        report = check_gradient(real_part(inner(w, e)), x, functional)
        assert report.ok, f"gradient by {x}: {report.reason}"


def views(e: Expr) -> list[Expr]:
    found = [e]
    for x in free_variables(e):
        D = Derivative(e, x)
        for view in ("differential", "gradient", "jacobian"):
            try:
                found.append(getattr(D, view))
            except (ShapeError, UnsupportedError):
                continue
    return found


@pytest.mark.parametrize(("page", "text", "field"), IN_FIELDS)
def test_what_is_printed_reads_back(page: Operation, text: str, field: str) -> None:
    for e in views(example(page, text, field)):
        assert read_back(e) is e, f"{e} reads back as {read_back(e)}"
        latex = str(write_latex(e))
        assert latex and braces_balanced(latex), latex
        assert str(write_unicode(e)).strip()
        assert pickle.loads(pickle.dumps(e)) is e


@pytest.mark.parametrize(("page", "left", "right"), IDENTITIES)
def test_identity(page: Operation, left: str, right: str) -> None:
    said = known(page, f"both_sides = {left}\n({right}) - both_sides")
    a, b = parse(left, said), parse(right, said)
    report = check_equal(a, b)
    assert report.ok and report.points == 3, report.reason


c, x, z, X, A = fr.scalar("c"), fr.vector("x", "n"), fr.vector("z", "m"), fr.matrix("X", "n", "m"), fr.matrix("A", "n", "n")
S = fr.matrix("S", "n", "n", "spd")
T = fr.tensor("T", "n", "m", 2)
SUBSCRIPTS = ["ij->ji", "ii", "i->i", "ij,jk->ik", "i,i", "ij,i->j", "ijk->ki", ",i->i"]
ARGUMENTS = {
    "s": SUBSCRIPTS,
    "e": [c, x, x.T, X, A, S, z, X.T, fr.vec(X), fr.parse("3"), T],
    "d": ["n", "m", 3],
    "i": [1, 2],
    "r": [3, 1.5],
    "n": [[]],
    "f": ["tanh", "exp"],
}


def counted(page: Operation) -> list[str]:
    """What the page takes; where arguments may be many, the first few counts."""
    few = [t for count in range(1, 4) for takes in page.takes for t in fitting((takes,), count)]
    return list(dict.fromkeys([*few, *(t for t in page.takes if not t.endswith("+"))]))


CALLED = [page for pages in typed_operations().values() for page in pages]
TYPED = [pytest.param(page, takes, id=f"{page.typed_as or page.name}-{takes}") for page in CALLED for takes in counted(page)]


@pytest.mark.parametrize(("page", "takes"), TYPED)
def test_function_gives_the_shape_of_the_rule_or_refuses(page: Operation, takes: str) -> None:
    """Every combination of kinds of arguments: an expression with the values it should have, or an error of ours."""
    name = page.typed_as or page.name
    function = getattr(fr, name)
    built = 0
    for args in combinations(*[ARGUMENTS[t] for t in takes]):
        try:
            e = function(*args)
        except FrechetError:
            continue
        built += 1
        assert isinstance(e, Expr)
        sizes = {"n": 3, "m": 2}
        if any(
            node.op.name in THIN and node.args[0].shape[0].size(sizes) < node.args[0].shape[1].size(sizes)
            for node in walk(e)
        ):
            continue  # of X', which would be wide: those are of matrices with at least as many rows as columns
        rng = np.random.default_rng(0)
        values = {v.params[0]: rng.uniform(0.1, 0.9, tuple(d.size(sizes) for d in axes(v.shape))) for v in variables(e)}
        values = {k: float(v) if v.ndim == 0 else v @ v.T + np.eye(3) if k == "S" else v for k, v in values.items()}
        try:
            with np.errstate(all="ignore"):
                value = np.asarray(evaluate(e, values, sizes))
        except (np.linalg.LinAlgError, FrechetError):
            continue
        assert value.shape == tuple(d.size(sizes) for d in axes(e.shape)), f"{name}{args}: {e}"
        assert read_back(e) is e
    assert built, "no combination of arguments was taken"


@pytest.mark.parametrize("page", CALLED, ids=lambda page: page.name)
def test_wrong_arguments_are_refused(page: Operation) -> None:
    function = getattr(fr, page.typed_as or page.name)
    with pytest.raises(FrechetError):
        function()
    with pytest.raises(FrechetError):
        function(*[X] * 7)
    takes = counted(page)[0]
    if "e" in takes:
        with pytest.raises(FrechetError):
            function(*["a text" if t == "e" else ARGUMENTS[t][0] for t in takes])


REFUSED = [
    "tr(X)",
    "det(X)",
    "logdet(X)",
    "inv(X)",
    "adj(X)",
    "X^2",
    "det(x)",
    "inv(x)",
    "logdet(x)",
    "adj(x)",
    "pinv(x)",
    "softmax(X)",
    "solve(X,x)",
    "solve(A,z)",
    "dot(x,z)",
    "outer(X,x)",
    "diag(X)",
    "X + A",
    "X*X",
    "x*x",
    "X.*A",
    "x/x",
    "unvec(X,n,m)",
    "sum(X,3)",
    "X + x",
    "c + x",
    "max(X,A)",
    "X:A",
    "unit(2,3)",
    "ones(0)",
    "x^2",
    "X.^x",
    "normp(x,0.5)",
    "eye(n,m)",
    "T*x",
    "T*T",
    "T'",
    "T + x",
    "T + X",
    "T.*x",
    "1/T",
    "T^2",
    "kron(T,x)",
    "T:X",
    "sum(T,1)",
    "inv(T)",
    "tr(T)",
    "reshape(T,n)",
    "A\\T",
]


@pytest.mark.parametrize("text", REFUSED)
def test_outside_of_the_shape_rules(text: str) -> None:
    with pytest.raises(FrechetError):
        parse(text, {"c": c, "x": x, "X": X, "A": A, "z": z, "T": T})


def test_printing_is_the_same_twice() -> None:
    for page in PAGES:
        for text in page.examples:
            e = example(page, text)
            assert str(write_text(e)) == str(write_text(example(page, text)))


@pytest.mark.parametrize("page", [page for page in PAGES if not page.complex], ids=lambda page: page.name)
def test_complex_arguments_are_refused_by_name_or_right(page: Operation) -> None:
    """A page that does not say that it takes complex arguments; some of its examples stand for operations that do."""
    for text in page.examples:
        try:
            e = example(page, text, "complex")
        except FrechetError as error:
            assert "complex" in error.message, f"{text}: {error.message}"
            continue
        for x in free_variables(e):
            D = Derivative(e, x)
            try:
                report = check_differential(e, x, D.direction, D.differential)
            except UnsupportedError:
                continue
            assert report.ok, f"{text} by {x}: {report.reason}"
