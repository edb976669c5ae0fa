"""Declared functions: with concrete functions in their place the derivatives are those of the concrete formula."""

from __future__ import annotations

import json
import pickle
from random import Random
from typing import Any

import numpy as np
import pytest
from test_random_expressions import read_back

import frechet as fr
from frechet.compilation.numpy_source import evaluate
from frechet.expressions.errors import FrechetError
from frechet.expressions.function import IMPOSSIBLE, PROPERTIES, Function, resolved
from frechet.expressions.node import Expr
from frechet.interfaces.answer import answer
from frechet.interfaces.batch import answer_line
from frechet.interfaces.command_line import main
from frechet.notation.components import write_components
from frechet.notation.declared import Known
from frechet.notation.latex import write_latex
from frechet.notation.reading import parse, read
from frechet.notation.unicode import write_unicode
from frechet.verification.functions import drawn
from frechet.verification.sampling import points


def derivative(text: str, wrt: str, *declarations: str) -> fr.Derivative:
    reading = read(text, declarations, wrt=wrt)
    return fr.derivative(reading.expression, reading.variables[wrt])


# -- concrete functions in place of the declared ones
SINE = {"f": np.sin, "f_prime": np.cos, "f_prime2": lambda x: -np.sin(x), "f_prime3": lambda x: -np.cos(x)}
SINE |= {"g": np.exp, "g_prime": np.exp, "g_prime2": np.exp}
CONCRETE = [
    ("sum(f(X*w))", "w"), ("tr(f(X)*A)", "X"), ("f(c)*norm2(f(x))", "x"), ("tr(f(g(c)*A))", "c"),
    ("norm2(f(x).*g(x)-y)^2", "x"),
    ("-y'*f(X*w)+sum(g(X*w))", "w"), ("sum(g(B*f(A*x+y)))", "x"), ("sum(g(B*f(A*X)))", "A"), ("f(x'*A*x)", "x"),
    ("f_prime(x)'*y", "x"), ("norm2(g(X*w))", "w"), ("sum(f(X')*A)", "X"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wrt"), CONCRETE)
def test_elementwise_functions_are_what_stands_in_their_place(text: str, wrt: str) -> None:
    plain = text.replace("f_prime(", "cos(").replace("f(", "sin(").replace("g(", "exp(")
    mine, theirs = derivative(text, wrt, "f: elementwise", "g: elementwise"), derivative(plain, wrt)
    for view in ("gradient", "hessian"):
        a, b = getattr(mine, view), getattr(theirs, view)
        (point, *_) = points(b, also=[theirs.function])
        np.testing.assert_allclose(
            evaluate(a, {**SINE, **point.values}, point.sizes), evaluate(b, point.values, point.sizes)
        )


M = np.array([[1.0, 2.0, -1.0], [0.5, -1.0, 0.3]])
WAVE = {
    "F": lambda x: np.sin(M @ x),
    "F_jacobian": lambda x: np.cos(M @ x)[:, None] * M,
    "F_hess": lambda x, w: -(M.T * (w * np.sin(M @ x))) @ M,
    "F_second": lambda x, u: -(np.sin(M @ x) * (M @ u))[:, None] * M,
    "g": lambda x: float(np.sum(np.exp(x))), "g_grad": np.exp, "g_hess": lambda x: np.diag(np.exp(x)),
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "plain"),
    [("norm2(F(A*x)-y)^2/2", "norm2(sin(M*A*x)-y)^2/2"), ("g(F(A*x))", "sum(exp(sin(M*A*x)))"),
     ("g(A*x)^2", "sum(exp(A*x))^2"), ("y'*F(A*x)*g(x)", "y'*sin(M*A*x)*sum(exp(x))"),
     ("y'*F_jacobian(x)*z", "y'*diag(cos(M*x))*M*z")],
)  # fmt: skip
def test_maps_are_what_stands_in_their_place(text: str, plain: str) -> None:
    mine = derivative(text, "x", "F: 3 → 2", "g: k → 1" if "g(F" not in text else "g: 2 → 1")
    theirs = derivative(plain, "x", "M: 2×3")
    for view in ("gradient", "hessian"):
        if view == "hessian" and "jacobian" in text:
            with pytest.raises(FrechetError, match="third derivative of F"):
                _ = mine.hessian
            continue
        a, b = getattr(mine, view), getattr(theirs, view)
        (point, *_) = points(b, also=[theirs.function], sizes={"k": 3, "m": 3, "n": 3, "p": 3})
        values = {**point.values, "M": M}
        got, want = evaluate(a, {**WAVE, **values}, point.sizes), evaluate(b, values, point.sizes)
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-12)


# -- what is shown
SHOWN = [
    ("sum(f(X*w))", "w", ["f: elementwise"], "gradient", "X'*f_prime(X*w)", "Xᵀ f′(X w)", r"X^{\top} f'(X w)"),
    ("sum(f(X*w))", "w", ["f: elementwise"], "hessian", "X'*diag(f_prime2(X*w))*X", "Xᵀ diag(f″(X w)) X", None),
    ("-y'*X*b+sum(f(X*b))", "b", ["f: elementwise convex", "b: k"], "gradient", "X'*(f_prime(X*b) - y)", None, None),
    ("W2*f(W1*x+u)", "x", ["f: elementwise"], "jacobian", "W2*diag(f_prime(W1*x + u))*W1", None, None),
    ("norm2(F(x)-y)^2/2", "x", ["F: n → m"], "gradient", "F_jacobian(x)'*(F(x) - y)", "J_F(x)ᵀ(F(x) − y)",
     r"J_{F}(x)^{\top} (F(x) - y)"),
    ("norm2(F(x)-y)^2/2", "x", ["F: n → m"], "hessian", "F_hess(x,F(x) - y) + F_jacobian(x)'*F_jacobian(x)",
     "∇²F(x)[F(x) − y] + J_F(x)ᵀJ_F(x)", None),
    ("g(A*x)", "x", ["g: m → scalar convex"], "gradient", "A'*g_grad(A*x)", "Aᵀ ∇g(A x)", r"A^{\top} \nabla g(A x)"),
    ("g(A*x)", "x", ["g: m -> 1"], "hessian", "A'*g_hess(A*x)*A", "Aᵀ ∇²g(A x) A", r"A^{\top} \nabla^{2} g(A x) A"),
    ("F(G(x))", "x", ["F: m → k", "G: n → m"], "jacobian", "F_jacobian(G(x))*G_jacobian(x)", "J_F(G(x)) J_G(x)", None),
    ("V(x(t))", "t", ["V: n → 1", "x: 1 → n", "t: scalar"], "gradient", "V_grad(x(t))'*x_prime(t)", "∇V(x(t))ᵀ x′(t)", None),
    ("phi(norm2(x)^2)", "x", ["phi: scalar"], "gradient", "2*phi_prime(norm2(x)^2)*x", None,
     r"2 \phi'(\lVert x\rVert_{2}^{2}) x"),
    ("q(A*X)", "X", ["q: n×m → 1"], "gradient", "A'*q_grad(A*X)", "Aᵀ ∇q(A X)", None),
    ("h(-c)", "c", ["h: scalar function odd"], "gradient", "-h_prime(c)", "−h′(c)", None),
    ("h(-c)", "c", ["h: function even"], "gradient", "h_prime(c)", None, None),
    ("logdet(A(t))", "t", ["A: 1 → n×n", "t: scalar"], "gradient", "tr(A_prime(t)*inv(A(t)))", None, None),
    ("f_prime9(c)", "c", ["f: elementwise"], "value", "f_prime9(c)", "f⁽⁹⁾(c)", "f^{(9)}(c)"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wrt", "declarations", "view", "shown", "signs", "latex"), SHOWN)
def test_shown(
    text: str, wrt: str, declarations: list[str], view: str, shown: str, signs: str | None, latex: str | None
) -> None:
    D = derivative(text, wrt, *declarations)
    e = D.function if view == "value" else getattr(D, view)
    said = {d.partition(":")[0]: d.partition(":")[2] for d in declarations}
    assert parse(shown, {**said, **fr.variables(e)}) is e, repr(e)
    assert str(e) == shown
    assert signs is None or str(write_unicode(e)) == signs
    assert latex is None or str(write_latex(e)) == latex
    assert pickle.loads(pickle.dumps(e)) is e
    assert read_back(e) is e


def test_every_way_of_writing_a_derivative_is_read() -> None:
    for order, ways in {
        1: ("f_prime", "f'", "f′"),
        2: ("f_prime2", "f''", "f″", "f′′"),
        3: ("f_prime3", "f'''", "f″′"),
    }.items():
        for way in ways:
            plain = f"norm2(f_prime{order if order > 1 else ''}(x))^2"
            assert parse(f"{way}(x)'*{way}(x)", ["f: elementwise"]) is parse(plain, ["f: elementwise"])
    assert parse("φ′(c)", ["φ: function"]) is parse("φ'(c)", ["φ: function"])
    assert parse("A'*x", []) is parse("A' * x", [])


def test_components() -> None:
    D = derivative("sum(f(X*w))", "w", "f: elementwise")
    assert write_components(D, "g") == "dg = Σᵢ (∂g/∂wᵢ) dwᵢ     with  ∂g/∂wᵢ = Σⱼ xⱼᵢ f′(Σₖ xⱼₖ wₖ) = (Xᵀ f′(X w))ᵢ"
    D = derivative("F(A*x)", "x", "F: n → m")
    assert "(J_F(A x))" in write_components(D, "f") or "J_F(A x)" in write_components(D, "f")


# -- checks are real
STRANGE = [
    ("sum(f(X*w))", "w", ["f: elementwise convex increasing"]), ("tr(f(X)*A)", "X", ["f: elementwise odd"]),
    ("sum(log(f(X*w)))", "w", ["f: elementwise positive"]), ("sum(sqrt(f_prime(x)))", "x", ["f: elementwise increasing"]),
    ("logdet(A'*diag(f_prime2(A*x))*A)", "x", ["f: elementwise convex"]), ("phi(tr(X))*X", "X", ["phi: scalar function"]),
    ("det(F(c))", "c", ["F: 1 → n×n"]), ("F(A*X*z)", "X", ["F: n → m"]), ("kron(F(x),y)", "x", ["F: n → m"]),
    ("softmax(F(x))'*y", "x", ["F: n → m"]), ("x - c*g_grad(x)", "x", ["g: n → 1 convex"]),
    ("F(X)*A", "X", ["F: n×m → n×p"]),
    ("norm2(x - F(x))", "x", ["F: n → n monotone"]), ("sum(f(F(x)))", "x", ["F: n → m", "f: elementwise"]),
    ("g(f(X))", "X", ["g: n×m → 1", "f: elementwise"]), ("f(x'*x)*x", "x", ["f: elementwise"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wrt", "declarations"), STRANGE)
def test_strangers_formulas_pass_their_checks(text: str, wrt: str, declarations: list[str]) -> None:
    reading = read(text, declarations, wrt=wrt)
    found = answer(reading.expression, reading.variables[wrt])
    assert found.report is not None and found.report.ok and found.report.points == 3
    second = answer(reading.expression, reading.variables[wrt], "differential", 1)
    assert second.report is not None and second.report.ok


TOGETHER = [
    ("convex", "increasing"), ("convex", "positive"), ("odd", "increasing"), ("even", "convex"), ("concave", "decreasing"),
    ("increasing", "positive"), ("even", "positive"), ("convex", "decreasing", "positive"),
]  # fmt: skip


@pytest.mark.parametrize("words", [(), *[(w,) for w in PROPERTIES if w != "monotone"], *TOGETHER])
def test_random_functions_have_the_declared_properties(words: tuple[str, ...]) -> None:
    f = Function("f", None, None, words)
    t = np.linspace(-4, 4, 201)
    for mood in ("plain", "positive", "small"):
        rng = Random(3)
        names = {f.symbol(k): (f, k) for k in range(4)}
        found = [drawn(names, {}, rng, mood, np.zeros)[f.symbol(k)] for k in (0,)]
        functions = drawn(names, {}, rng, mood, np.zeros)
        values = [functions[f.symbol(k)](t) for k in range(4)]
        for k in range(3):
            step = 1e-4
            numeric = (functions[f.symbol(k)](t + step) - functions[f.symbol(k)](t - step)) / (2 * step)
            np.testing.assert_allclose(values[k + 1], numeric, atol=1e-5)
        assert np.ndim(found[0](np.float64(0.3))) == 0
        for word, holds in {
            "positive": values[0] > 0, "nonnegative": values[0] >= 0,
            "increasing": values[1] > 0, "decreasing": values[1] < 0,
            "convex": values[2] > 0, "concave": values[2] < 0, "odd": np.abs(values[0] + values[0][::-1]) < 1e-9,
            "even": np.abs(values[0] - values[0][::-1]) < 1e-9,
        }.items():  # fmt: skip
            assert np.all(holds) or word not in words, (word, mood)


def test_random_maps_have_the_declared_properties() -> None:
    rng = Random(1)
    sizes = {"n": 4, "m": 3}
    monotone, convex, positive = (
        Known.of(d).function for d in ("F: n → n monotone", "g: n → 1 convex", "p: n → m positive")
    )
    assert monotone is not None and convex is not None and positive is not None
    for seed in range(20):
        x, y = np.random.default_rng(seed).normal(size=(2, 4)) * 3
        draw = np.random.default_rng(seed).normal
        F = drawn({"F": (monotone, 0)}, sizes, rng, "plain", lambda shape, draw=draw: draw(size=shape))["F"]
        assert (F(x) - F(y)) @ (x - y) > 0
        hess = drawn({"g_hess": (convex, "hess")}, sizes, rng, "plain", np.zeros)["g_hess"]
        assert np.linalg.eigvalsh(hess(x))[0] > 0
        assert np.all(drawn({"p": (positive, 0)}, sizes, rng, "plain", np.zeros)["p"](x) > 0)


def test_properties_are_used_and_named() -> None:
    said = ["f: elementwise increasing", "g: n → 1 convex", "h: elementwise"]
    assert parse("abs(f_prime(x))", said) is parse("f_prime(x)", said)
    assert parse("abs(h_prime(x))", said) is not parse("h_prime(x)", said)
    assert parse("g_hess(x)", said).definite == 1
    D = derivative("g(f(x))", "x", *said)
    assert D.conditions == ["f differentiable", "g differentiable", "f increasing as declared", "g convex as declared"]
    found = answer(D.function, D.variable, "hessian", 2)
    assert found.conditions[:2] == ["f twice differentiable", "g twice differentiable"]
    assert derivative("sum(f_prime(x))", "x", *said).conditions[0] == "f twice differentiable"


# -- programs
def test_source_takes_the_functions() -> None:
    reading = read("sum(f(X*w))", ["f: elementwise"], wrt="w")
    source = answer(reading.expression, reading.variables["w"]).source(reading.variables.values())
    assert "def derivative(*, X, w, f, f_prime):\n    return X.T @ f_prime(X @ w)" in source
    space: dict[str, Any] = {}
    exec(source, space)
    X, w = np.arange(6.0).reshape(3, 2), np.array([0.3, -0.2])
    np.testing.assert_allclose(space["derivative"](X=X, w=w, f=np.sin, f_prime=np.cos), X.T @ np.cos(X @ w))


@pytest.mark.parametrize("name", ["expit", "lambda", "np", "derivative", "logdet_", "φ", "t1", "softmax_function"])
def test_names_that_programs_use_too(name: str) -> None:
    reading = read(f"sum({name}(x)) + sum(sigmoid(x)) + logsumexp(x)", [f"{name}: elementwise"], wrt="x")
    found = answer(reading.expression, reading.variables["x"])
    assert found.report is not None and found.report.ok
    space: dict[str, Any] = {}
    exec(found.source(reading.variables.values()), space)
    evaluate(reading.expression, {"x": np.ones(3), name: np.sin})


def test_evaluate_says_which_function_is_missing() -> None:
    e = derivative("sum(f(x))", "x", "f: elementwise").gradient
    with pytest.raises(FrechetError, match="f_prime is needed: a derivative of the declared function f"):
        e.evaluate({"x": np.ones(2), "f": np.sin})
    with pytest.raises(FrechetError, match="f_prime must be callable"):
        e.evaluate({"x": np.ones(2), "f_prime": 3})
    np.testing.assert_allclose(e.evaluate({"x": np.zeros(2), "f_prime": np.cos}), 1)


# -- Python and batch
def test_python() -> None:
    x, A = fr.vector("x", "n"), fr.matrix("A", "m", "n")
    f, g = fr.function("f", "elementwise"), fr.function("g", "m -> 1 convex")
    assert fr.derivative(fr.sum(f(x)), x).gradient is f.derivative()(x)
    assert fr.derivative(g(A @ x), x).gradient is A.T @ g.grad(A @ x)
    assert fr.parse("sum(f(x))", {"f": str(f), "x": x}) is fr.sum(f(x))
    with pytest.raises(FrechetError, match="does not take n"):
        g(x)
    with pytest.raises(FrechetError, match="g has no jacobian"):
        g.jacobian(x)
    with pytest.raises(FrechetError, match="does not take 2 arguments"):
        f(x, x)
    with pytest.raises(FrechetError, match="declares no function"):
        fr.function("c", "scalar")
    with pytest.raises(AttributeError):
        _ = f.nothing


def test_undeclared_arguments_are_what_the_function_takes() -> None:
    said = ["x: 1 → n", "V: n → 1", "q: n×m → 1", "phi: function"]
    assert {k: v.kind for k, v in read("V(x(t))*V(c)*q(h)*phi(z)", said).variables.items()} == {
        "t": "scalar", "c": "vector", "h": "matrix", "z": "scalar",
    }  # fmt: skip
    with pytest.raises(FrechetError, match="x takes a number, and t is n"):
        parse("x(t)", [*said, "t: n"])


def test_a_function_is_no_variable_to_differentiate_by(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["f(x)", "f", "--declare", "f: elementwise"]) == 2
    assert "f is a declared function: derivatives are taken by a variable, x" in capsys.readouterr().err
    line = {"expr": "f(c)", "vars": {"c": {"shape": []}, "f": {"function": "elementwise"}}, "dims": {}, "wrt": "f"}
    assert "derivatives are taken by a variable" in answer_line(json.dumps(line))["error"]["message"]


def test_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["norm2(F(x)-y)^2/2 + g(x)", "x", "--order", "2", "--declare", "F: n → m", "--declare", "g: n → 1 convex"]) == 0
    )
    page = capsys.readouterr().out
    assert page.startswith("f : ℝ^n → ℝ,  f(x) = ")
    assert "F : ℝ^n → ℝ^m; its Jacobian is J_F, m×n; ∇²F(x)[w] is the Hessian of w'F(x), w held fixed" in page
    assert "g : ℝ^n → ℝ convex; its gradient is ∇g; its Hessian is ∇²g" in page
    assert "F twice differentiable; g twice differentiable; g convex as declared" in page


def test_batch() -> None:
    known = {"X": {"shape": ["m", "n"]}, "w": {"shape": ["n"]}, "f": {"function": "elementwise"}}
    line = {"expr": "sum(f(X*w))", "vars": known, "dims": {"m": 2, "n": 3}, "wrt": "w"}
    found = answer_line(json.dumps(line))
    assert found["ok"] and found["text"] == "X'*f_prime(X*w)" and found["conditions"] == ["f differentiable"]
    assert "def derivative(*, X, w, f, f_prime)" in found["python"]
    line["vars"]["f"] = {"function": 3}  # type: ignore[index]
    assert not answer_line(json.dumps(line))["ok"]


# -- mistakes
MISTAKES = [
    ("f(x)+y", [], "f", 'f is no function: did you mean f*(x)? A function of your own is declared first: "f: elementwise"'),
    ("f_prime(x)", [], "f_prime", 'f_prime is a derivative of a declared function: say first "f: elementwise"'),
    ("logdett(X)", [], "logdett", "did you mean logdet?"),
    ("A'(x)", [], "A'", "A is no declared function: for a product write A'*(x)"),
    ("f(X)+f", ["f: elementwise"], "f", "f is a declared function: its values are f(…)"),
    ("f_prime*f(x)", ["f: elementwise"], "f_prime", "a derivative of the declared function f"),
    ("f(X,x)", ["f: elementwise"], "f(X,x)", "f takes 1 argument, and 2 are given"),
    ("f()", ["f: elementwise"], "f()", "f takes 1 argument, and 0 are given"),
    ("F(A*x)", ["F: n → m", "A: m×n"], "F(A*x)", "F takes a vector n, and A*x is m"),
    ("F(x')", ["F: n → m"], "F(x')", "did you mean F(x)?"),
    ("g(X)", ["g: n → 1", "X: n×n"], "g(X)", "g takes a vector n, and X is n×n"),
    ("phi(X)", ["phi: scalar function", "X: n×n"], "phi(X)", "declare phi: elementwise"),
    ("x(y)", ["x: 1 → n", "y: n"], "x(y)", "x takes a number"),
    ("F'(x)", ["F: n → m"], "F'", "F_jacobian, F_hess, F_second"),
    ("f_prime10(x)", ["f: elementwise"], "f_prime10", "no function of that name"),
    ("f''''''''''(x)", ["f: elementwise"], "f''''''''''", "up to the order 9"),
    ("F_second(x)", ["F: n → m"], "F_second(x)", "F_second(x,u) or F_second(x,u,v)"),
    ("F_hess(x,x)", ["F: n → m", "x: n"], "F_hess(x,x)", "weights for the entries of F"),
    ("f(x)", ["f: elementwise", "f: n"], "f", "f is declared twice"),
    ("f(x)", ["f: elementwise", "f: elementwise"], "f", "f is declared twice"),
    ("f(x)*f_prime", ["f: elementwise", "f_prime: n"], "f_prime", "the name of something else too"),
    ("sum(f(x))/n", ["f: elementwise", "n: function", "x: n"], None, "the name of something else too"),
    ("f = 3\nf(x)", ["f: elementwise"], None, "the name of something else too"),
    ("phi(c)*phi", ["phi: scalar"], "phi", "phi is no function"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "declarations", "place", "message"), MISTAKES)
def test_mistakes(text: str, declarations: list[str], place: str | None, message: str) -> None:
    with pytest.raises(FrechetError) as caught:
        parse(text, declarations)
    assert message in caught.value.message
    assert caught.value.position is not None and caught.value.text == text
    assert place is None or text[caught.value.position : caught.value.end] == place


@pytest.mark.parametrize(
    ("declaration", "message"),
    [("exp: elementwise", "function of the notation"), ("f: convex", "did you mean f: elementwise convex"),
     ("x: n convex", "did you mean x: n → 1 convex"), ("f: n function", "Write an arrow"),
     ("f: ℝ → ℝ", "dimensions alone"), ("f: elementwise spd", "said of variables"), ("F: n → m convex", "numbers as values"),
     ("F: n → m odd", "functions of numbers"), ("f: elementwise monotone", "increasing or decreasing"),
     ("F: n → m monotone", "a map n → n"), ("f: n×n elementwise", "arrays of every"), ("f: elementwise complex", "real"),
     ("f: n →", "a dimension"), ("f: → n", "what the function takes"), ("f: n → m → k", "×, a property"),
     ("f: n×m×k → 1", "more dimensions"), *((f"f: elementwise {a} {b}", f"{a} and {b}") for a, b, _ in IMPOSSIBLE)],
)  # fmt: skip
def test_declarations_refused(declaration: str, message: str) -> None:
    with pytest.raises(FrechetError, match=message) as caught:
        parse("x", [declaration])
    assert caught.value.text == declaration


@pytest.mark.parametrize(
    "declaration",
    [
        "elementwise convex",
        "scalar function",
        "n → m",
        "n×m → scalar positive",
        "scalar → n×m",
        "2*n → n+1",
        "n → n monotone",
    ],
)
def test_declarations_read_back(declaration: str) -> None:
    f = Known.of(f"f: {declaration}").function
    assert f is not None and Known.of(f"f: {f.declaration()}").function == f
    for view in f.views():
        assert resolved(f.symbol(view), {"f": f}) == (f, view)


REFUSED = [
    ("g_hess(x)*y", "x", ["g: n → 1"], "the third derivative of g is a tensor"),
    ("F_second(x,y,z)", "x", ["F: n → m"], "the third derivative of F is a tensor"),
    ("tr(C*G_jacobian(X))", "X", ["G: n×m → p×q"], "the second derivative of G, a function of matrices, is a tensor"),
    ("tr(A*F_jacobian(x))", "x", ["F: n → m"], "contracted with a matrix"),
    ("f_prime9(x)", "x", ["f: elementwise"], "above 9"),
]


@pytest.mark.parametrize(("text", "wrt", "declarations", "message"), REFUSED)
def test_what_has_no_form_is_refused_by_name(text: str, wrt: str, declarations: list[str], message: str) -> None:
    with pytest.raises(FrechetError, match=message):
        D = derivative(text, wrt, *declarations)
        _ = D.gradient if D.function.kind == "scalar" else D.jacobian


def test_order_does_not_depend_on_construction() -> None:
    said = ["F: n → m"]
    a = parse("F_second(x,z,w)", said)
    assert parse("F_second(x,w,z)", said) is a
    assert parse("F_second(x,z)*w", said) is parse("F_second(x,w)*z", said) is a
    assert isinstance(a, Expr)
