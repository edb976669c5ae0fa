"""einsum and tensors: against np.einsum, against differences, in normal form, and what is refused."""

from __future__ import annotations

import json
from random import Random

import numpy as np
import pytest

import frechet as fr
from frechet.compilation.numpy_source import evaluate, numpy_source
from frechet.differentiation.derivative import Derivative
from frechet.expressions.dimension import axes, show_shape
from frechet.expressions.errors import FrechetError, LimitError, NotationError, ShapeError
from frechet.expressions.node import Expr, variables, walk
from frechet.interfaces.answer import answer
from frechet.interfaces.batch import answer_line
from frechet.notation.components import write_components
from frechet.notation.latex import write_latex
from frechet.notation.reading import parse
from frechet.notation.text import write_text
from frechet.notation.unicode import write_unicode
from frechet.operations.constants import variable
from frechet.operations.networks import shape_of
from frechet.operations.products import inner

DIMS = dict(zip("ijklm", ("n", "m", "p", "q", "r"), strict=True))
SIZES = {"n": 2, "m": 3, "p": 4, "q": 5, "r": 2}
NAMES = "ABCDE"


def random_einsum(rng: Random) -> tuple[str, dict[str, Expr]]:
    """A formula with up to four operands of up to three axes; some indices and some operands occur twice."""
    letters = "ijklm"[: rng.randint(1, 5)]
    inputs = [
        "".join(rng.choice(letters) for _ in range(rng.choice((0, 1, 1, 2, 2, 2, 3, 3)))) for _ in range(rng.randint(1, 4))
    ]
    there = sorted({c for at in inputs for c in at})
    output = "".join(rng.sample(there, rng.randint(0, min(len(there), 3))))
    known: dict[str, Expr] = {}
    operands = []
    for name, at in zip(NAMES, inputs, strict=False):
        shape = shape_of([fr.expressions.dimension.dim(DIMS[c]) for c in at])
        again = [v for v in known.values() if v.shape == shape]
        v = rng.choice(again) if again and rng.random() < 0.3 else variable(name, shape)
        known[v.params[0]] = v
        operands.append(v.params[0])
    return f'einsum("{",".join(inputs)}->{output}", {",".join(operands)})', known


def values_of(known: dict[str, Expr], rng: np.random.Generator) -> dict[str, np.ndarray]:
    return {name: rng.standard_normal(tuple(d.size(SIZES) for d in axes(v.shape))) for name, v in known.items()}


@pytest.mark.parametrize("seed", range(24))
def test_random_einsums(seed: int) -> None:
    """The value is np.einsum's, the text reads back, and the differential and the gradient agree with differences."""
    text, known = random_einsum(Random(seed))
    e = parse(text, known)
    values = values_of(known, np.random.default_rng(seed))
    subscripts = text.split('"')[1]
    want = np.einsum(subscripts, *[values[name] for name in text.split('", ')[1].rstrip(")").split(",")])
    np.testing.assert_allclose(evaluate(e, values, SIZES), want, rtol=1e-10, atol=1e-10)
    assert parse(str(write_text(e)), known, dimensions=list(SIZES)) is e
    x = Random(seed).choice(list(known.values()))
    if x not in variables(e):
        return
    assert answer(e, x, "differential").report.ok
    weights = variable("W", e.shape)
    g = answer(inner(weights, e), x).expression
    assert g.shape == x.shape
    assert parse(str(write_text(g)), {**known, "W": weights}, dimensions=list(SIZES)) is g


@pytest.mark.parametrize("seed", range(200, 208))
def test_random_jacobians_and_second_differentials(seed: int) -> None:
    text, known = random_einsum(Random(seed))
    e = parse(text, known)
    for x in variables(e)[:1]:
        assert answer(e, x, "jacobian").report.ok
        found = answer(e, x, order=2).expression
        everything = {v.params[0]: v for v in variables(e, found)}
        assert parse(str(write_text(found)), everything, dimensions=list(SIZES)) is found


@pytest.mark.parametrize("seed", range(300, 308))
def test_einsums_in_formulas(seed: int) -> None:
    """Functions of einsums, and einsums of sums and functions."""
    rng = Random(seed)
    text, known = random_einsum(rng)
    inner_text = rng.choice(("sin({0})", "exp({0}/9)", "{0}.^2", "{0} + {0}.^3", "{0}/(1 + norm2({0})^2)"))
    f = parse(f"sum({inner_text.format(text)})", known)
    for x in variables(f)[:2]:
        assert answer(f, x).report.ok
        for style in ("unicode", "latex", "text"):
            assert write_components(Derivative(f, x), "g", style)


SAME = [
    ('einsum("ij,jk->ik",A,B)', "A*B"),
    ('einsum("ij,kj->ik",A,B)', "A*B'"),
    ('einsum("ji,jk->ki",A,B)', "B'*A"),
    ('einsum("ij,jk,kl",A,B,C)', "A*B*C"),
    ('einsum("ij,j",A,x)', "A*x"),
    ('einsum("i,ij,j->",x,A,y)', "x'*A*y"),
    ('einsum("ii",A)', "tr(A)"),
    ('einsum("ij,ji",A,B)', "tr(A*B)"),
    ('einsum("ij,ij->",A,B)', "tr(A'*B)"),
    ('einsum("ij,ij->ij",A,B)', "A.*B"),
    ('einsum("ij,ij->i",A,B)', "diag(A*B')"),
    ('einsum("ii->i",A)', "diag(A)"),
    ('einsum("i,i->",x,y)', "x'*y"),
    ('einsum("i,j->ij",x,y)', "x*y'"),
    ('einsum("i,ij,j->ij",x,A,y)', "diag(x)*A*diag(y)"),
    ('einsum("ij,j,kj->ik",A,x,B)', "A*diag(x)*B'"),
    ('einsum("ij->",A)', "sum(A)"),
    ('einsum("ij->i",A)', "A*ones(m)"),
    ('einsum("ij->ji",A)', "A'"),
    ('einsum("i->",x)', "sum(x)"),
    ('einsum("ijk->",T)', "sum(T)"),
    ('einsum("ijk,ijk->ijk",T,S)', "T.*S"),
    ('einsum("ij,kl->",A,B)', "sum(A)*sum(B)"),
    ('einsum("i,j,j->i",x,y,z)', "x*(y'*z)"),
    ('einsum(",ij->ij",c,A)', "c*A"),
    ('einsum("ijk,jr,kr->ir",einsum("ir,jr,kr->ijk",A,B,C),B,C)', "A*((B'*B).*(C'*C))"),
    ('tr(einsum("ijk,k->ij",T,x))', 'einsum("iik,k->",T,x)'),
    ('sum(einsum("ijk,k->ij",T,x))', 'einsum("ijk,k->",T,x)'),
    ('einsum("ijk,kl->ijl",T,A*B)', 'einsum("ijk,kl,lm->ijm",T,A,B)'),
    ('einsum("ia,ja->ij",einsum("ijk,k->ij",T,x),A)', 'einsum("iak,k,ja->ij",T,x,A)'),
    ('einsum("bca,a,c->b",T,x,y)', 'einsum("ijk,j,k->i",T,y,x)'),
    ('einsum("ijk->kij",einsum("jki->ijk",T))', 'einsum("jki->kij",T)'),
    ('reshape(T,n*m*k)', "vec(T)"),
]  # fmt: skip


@pytest.mark.parametrize(("left", "right"), SAME)
def test_matrix_operations_are_the_same_object(left: str, right: str) -> None:
    known = {"T": "n×n×n" if "iik" in right else "n×m×k", "S": "n×m×k", "c": "scalar"}
    known = {name: said for name, said in known.items() if name in left}
    if "T" in known and "iik" not in right and 'einsum("bca' not in left and "jki" not in left and "ijk,kl" not in left:
        known["T"] = "n×m×k"
    a = parse(left, known)
    everything = {v.params[0]: v for v in variables(a)}
    assert parse(right, everything, dimensions=["n", "m", "k"]) is a


GRADIENTS = [
    ("T:X", None, ""),
    ('norm2(T - einsum("ir,jr,kr->ijk",A,B,C))^2', "A", '2*einsum("ikl,kj,lj->ij",einsum("il,jl,kl->ijk",A,B,C) - T,B,C)'),
    ('norm2(T - einsum("ir,jr,kr->ijk",A,B,C))^2', "T", '2*(T - einsum("il,jl,kl->ijk",A,B,C))'),
    ('norm2(einsum("ir,jr,kr->ijk",A,B,C))^2', "A", "2*A*((B'*B).*(C'*C))"),
    ('einsum("ijk,i,j,k->",T,x,y,z)', "T", 'einsum("i,j,k->ijk",x,y,z)'),
    ('einsum("ijk,i,j,k->",T,x,y,z)', "y", 'einsum("jik,j,k->i",T,x,z)'),
    ('sum(einsum("bij,bjk->bik",Q,K))', "Q", 'einsum("ikl,j->ijk",K,ones(m))'),
    ('norm2(einsum("abc,ia,jb,kc->ijk",G,U,V,W))^2/2', "G", "einsum(\"lmn,il,jm,kn->ijk\",G,U'*U,V'*V,W'*W)"),
    ("sum(exp(T))", "T", "exp(T)"),
    ("norm2(T)", "T", "T/norm2(T)"),
    ("sum(T.^3)/3", "T", "T.^2"),
]


@pytest.mark.parametrize(("text", "name", "gradient"), [g for g in GRADIENTS if g[1]])
def test_gradients(text: str, name: str, gradient: str) -> None:
    e = parse(text, None if "einsum" in text else {"T": "n×m×k"})
    found = answer(e, fr.variables(e)[name])
    known = {v.params[0]: v for v in variables(e)}
    wanted = parse(gradient, known)
    difference = fr.parse("G - H", {"G": found.expression, "H": wanted})
    assert found.expression is wanted or difference.op.name == "zeros", f"{found.expression}"
    assert found.report.ok


PROBLEMS = [
    ('norm2(T - einsum("ir,jr,kr->ijk",A,B,C))^2', "ABC"),
    ('norm2(T - einsum("abc,ia,jb,kc->ijk",G,U,V,W))^2', "GUVW"),
    ('einsum("ijk,i,j,k->",T,x,x,x)', "Tx"),
    ('sum(log(einsum("bij,bi,bj->b",exp(T),exp(X),exp(X))))', "TX"),
    ('sum(tanh(einsum("bij,bjk->bik",Q,K)))', "QK"),
    ('einsum("bi,bij,bj->",X,T,Y) + norm2(T)^2/2', "XTY"),
    ('sum(abs(einsum("iij->j",T)))', "T"),
    ('sum(max(T,S).*einsum("ijk,kl->ijl",T,A))', "TSA"),
    ('logsumexp(T)*c + normp(T,3) + mean(S.*T)', "TcS"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "names"), PROBLEMS)
def test_problems_of_practice(text: str, names: str) -> None:
    """Gradients, differentials and Hessians that pass the numeric check; source that runs on its own."""
    said = (
        {"T": "n×m×k", "S": "n×m×k"}
        if "einsum" not in text
        else {"T": "n×m×n", "S": "n×m×n", "A": "n×n"}
        if "max" in text
        else {}
    )
    e = parse(text, said)
    for name in names:
        x = fr.variables(e)[name]
        found = answer(e, x)
        assert answer(e, x, "differential").report.ok
        space: dict[str, object] = {}
        exec(numpy_source(found.expression, "f", arguments=variables(e)), space)
        assert str(write_unicode(found.expression)) and str(write_latex(found.expression))
    x = fr.variables(e)[names[-1]]
    assert answer(e, x, "hessian").report.ok


@pytest.mark.parametrize(
    ("text", "gradient"),
    [
        ("sum(log(1 .+ T.^2))", "2*(T./(T.^2 + ones(n,m,k)))"),
        ("sum((T .- S).^2)", "2*(T - S)"),
        ("sum((T .- c).^3)", "3*(T - c*ones(n,m,k)).^2"),
        ("sum(leakyrelu(T,c))", "c*step(-T) + step(T)"),
        ("sum(relu6(T)) + sum(tanhshrink(T))", "step(T).*step(6*ones(n,m,k) - T) + tanh(T).^2"),
        ("sum(swish(T))", "sigmoid(-T).*sigmoid(T).*T + sigmoid(T)"),
        ("sum(hardswish(T).*S)", None),
        ("sum(softshrink(T,1/4).^2)", None),
    ],
)
def test_numbers_and_activations_beside_tensors(text: str, gradient: str | None) -> None:
    e = parse(text, {"T": "n×m×k", "S": "n×m×k", "c": "scalar"})
    found = answer(e, fr.variables(e)["T"])
    assert gradient is None or str(found.expression) == gradient
    assert answer(e, fr.variables(e)["T"], "differential").report.ok


REFUSED = [
    ('einsum("...ij,jk->ik",A,B)', NotationError, "ellipsis"),
    ('einsum("ij,jk->ii",A,B)', NotationError, "twice"),
    ('einsum("ij,jk->il",A,B)', NotationError, "index of no operand"),
    ('einsum("ij;jk->ik",A,B)', NotationError, "';' is no index"),
    ('einsum("ij->k->i",A)', NotationError, "one arrow"),
    ('einsum("ij,jk->ik",A)', ShapeError, "2 operands, and 1"),
    ('einsum("ijk->i",M)', ShapeError, "operand 1 has 2 axes"),
    ('einsum("ij,ij->",M,N)', ShapeError, "the index i has two sizes"),
    ("einsum(A,B)", NotationError, "a text in quotes"),
    ("einsum()", NotationError, "2 or more"),
    ('einsum("' + "i" * 500 + '",A)', LimitError, "characters"),
    ("T*x", ShapeError, "no matrix product"),
    ("M*T", ShapeError, "no matrix product"),
    ("T'", ShapeError, "no transpose"),
    ("T + M", ShapeError, "equal shapes"),
    ("T + 1", ShapeError, r"write ones\(n,m,k\) to add 1"),
    ("M.*T", ShapeError, "equal shapes"),
    ("T/T", ShapeError, "divides by a scalar"),
    ("T^2", ShapeError, "scalar"),
    ("T\\x", ShapeError, "takes no tensors"),
    ("kron(T,M)", ShapeError, "takes no tensors"),
    ("T⊗M", ShapeError, "takes no tensors"),
    ("tr(T)", ShapeError, "tr takes no tensors"),
    ("det(T)", ShapeError, "det takes no tensors"),
    ("diag(T)", ShapeError, "diag takes no tensors"),
    ("softmax(T)", ShapeError, "softmax takes no tensors"),
    ('softmax(einsum("bij,bkj->bik",A,B))', ShapeError, "is n×m×p|is p×q×r"),
    ("sum(T,1)", ShapeError, "einsum sums"),
    ("dot(T,M)", ShapeError, "equal shapes"),
    ("reshape(T,n,m)", ShapeError, "numbers of entries"),
    ("unvec(T,n,m*k)", ShapeError, "takes no tensors"),
    ("T .+ x", ShapeError, "to a tensor .+ and .- add a number, or a tensor of its shape: T is n×m×k and x is k"),
    ("x .- T", ShapeError, "add a number"),
    ("T .- ones(n,m,n)", ShapeError, ".- needs equal shapes here"),
]


@pytest.mark.parametrize(("text", "kind", "message"), REFUSED)
def test_refused_by_name(text: str, kind: type[FrechetError], message: str) -> None:
    with pytest.raises(kind, match=message.replace("+", "\\+")) as caught:
        parse(text, {"T": "n×m×k", "M": "n×m", "N": "k×m", "x": "k"} if "einsum" not in text or "M" in text else None)
    assert caught.value.position is not None


@pytest.mark.parametrize("declaration", ["T: n×n×n symmetric", "T: n×m×k simplex", "T: n×m×k invertible", "T: n×n×n spd"])
def test_declared_structures_of_tensors_are_refused(declaration: str) -> None:
    with pytest.raises(ShapeError):
        parse("sum(T)", [declaration])


def test_every_operation_that_takes_no_tensors_refuses_them() -> None:
    T = fr.tensor("T", "n", "n", "n")
    for name, pages in fr.operations.typed_operations().items():
        for page in pages:
            if page.takes and not page.tensors and page.takes[0] in ("e", "ee"):
                with pytest.raises(FrechetError):
                    getattr(fr, name)(*[T] * len(page.takes[0]))


def test_python() -> None:
    T, x = fr.tensor("T", "n", "m", "k", "positive"), fr.vector("x", "k")
    e = fr.einsum("ijk,k", T, x)
    assert e.shape == fr.matrix("Z", "n", "m").shape
    assert (
        fr.derivative(fr.norm2(e) ** 2 / 2, T).gradient is fr.parse('einsum("ijl,k,l->ijk",T,x,x)', {"T": T, "x": x})
        or fr.derivative(fr.norm2(e) ** 2 / 2, T).check().ok
    )
    for wrong in (lambda: T @ x, lambda: T.T, lambda: T + x, lambda: fr.tensor("S", "n", "m"), lambda: fr.einsum("ij", T)):
        with pytest.raises(ShapeError):
            wrong()
    assert (2 * T / 3 - T * T).shape == T.shape
    value = (T * T).evaluate({"T": np.full((2, 3, 4), 3.0)})
    assert value.shape == (2, 3, 4) and (value == 9).all()
    with pytest.raises(ShapeError, match="3-D"):
        T.evaluate({"T": np.ones((2, 3))})


def test_equal_factors_are_in_one_order() -> None:
    known = {"x": fr.vector("x", "n"), "Z": fr.tensor("Z", "n", "n", "n"), "A": fr.tensor("A", "n", "n", "n")}
    for T in ("A", "Z"):
        one = parse(f'einsum("i,j,k,ijk->",x,x,x,{T})', known)
        for other in ("k,i,j,ijk", "j,k,i,ijk", "c,b,a,abc"):
            assert parse(f'einsum("{other}->",x,x,x,{T})', known) is one
        assert parse(str(one), known) is one


def test_batch() -> None:
    entry = {
        "id": "cp", "expr": 'norm2(T - einsum("ir,jr,kr->ijk",A,B,C))^2', "wrt": "A",
        "vars": {"T": {"shape": ["n", "m", "p"]}, "A": {"shape": ["n", "r"]},
                 "B": {"shape": ["m", "r"]}, "C": {"shape": ["p", "r"]}},
        "dims": {"n": 2, "m": 3, "p": 4, "r": 5},
    }  # fmt: skip
    found = answer_line(json.dumps(entry))
    assert found["ok"] and found["shape"] == ["n", "r"] and "np.einsum" in found["python"], found
    found = answer_line(json.dumps({**entry, "wrt": "T"}))
    assert found["ok"] and found["shape"] == ["n", "m", "p"], found


def test_written() -> None:
    e = parse('norm2(T - einsum("ir,jr,kr->ijk",A,B,C))^2')
    assert str(write_unicode(e)) == "‖T − [Σₗ Aᵢₗ Bⱼₗ Cₖₗ]ᵢⱼₖ‖²"
    e = parse('2*einsum("ijk,i,j,k->",T,x,x,x)')
    assert str(write_unicode(e)) == "2Σᵢⱼₖ Tᵢⱼₖ xᵢ xⱼ xₖ"
    assert str(write_latex(e)) == r"2 \sum_{ijk} T_{ijk} x_{i} x_{j} x_{k}"
    e = parse('einsum("ijk,kl->ijl",T,A)')
    assert write_components(Derivative(e, fr.variables(e)["A"]), "F").endswith("∂fₖₗᵣ/∂aᵢⱼ = tₖₗᵢ δᵣⱼ")


def test_undeclared_names_have_as_many_axes_as_subscripts() -> None:
    e = parse('einsum("ijk,k->ij",t,W1)')
    assert {v.params[0]: show_shape(v.shape) for v in variables(e)} == {"t": "n×m×p", "W1": "p"}
    with pytest.raises(ShapeError):
        parse('einsum("ijk,k->ij",T,x) + tr(T)')


def test_a_long_chain_of_einsums_stays_linear() -> None:
    """Beyond a bound einsums are nested, not joined."""
    T = fr.tensor("T", "n", "n", "n")
    e = T
    for _ in range(60):
        e = fr.einsum("ijk,kl->ijl", e, fr.einsum("ijk,i->jk", T, fr.vector("x", "n")))
    assert sum(1 for _ in walk(e)) < 400
    assert answer(fr.sum(e), T, "differential", check=False).expression.leaves > 0
