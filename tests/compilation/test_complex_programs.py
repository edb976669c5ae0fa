"""Programs with real and complex entries side by side: no imaginary part is lost, no complex sum put into a real array."""

from itertools import product
from random import Random

import numpy as np
import pytest

import frechet as fr
from frechet.compilation.numpy_source import compiled
from frechet.expressions.errors import FrechetError
from frechet.expressions.node import variables
from tests.test_random_complex import SIZES, ComplexBuilder, Refused, draw

pytestmark = [pytest.mark.filterwarnings("error"), pytest.mark.filterwarnings("ignore::RuntimeWarning")]

DECLARED = {"x": "n", "A": "n×n", "B": "n×n", "S": "n×n spd", "z": "n complex", "Z": "n×n complex", "H": "n×n hermitian"}
TERMS = {
    "vectors": [
        "x",
        "exp(x)",
        "A*x",
        "diag(A*B)",
        "inv(S)*x",
        "z",
        "exp(z)",
        "Z*x",
        "A*z",
        "inv(Z)*x",
        "inv(S)*z",
        "abs(z)",
    ],
    "matrices": [
        "A",
        "exp(A)",
        "A*B",
        "S*S",
        "inv(S)",
        "diag(x)",
        "eye(n)",
        "Z",
        "diag(z)",
        "A*Z",
        "z*z'",
        "inv(H)",
        "re(Z)",
    ],
}
FORMS = ["{0} + {1}", "2*({0}) - {1}", "{0} + (1-2i)*({1})", "2i*({0}).*({1})", "-1i*({0}) + {1} + ({0}).*({1})"]


def arguments(single=False):
    rng = np.random.default_rng(2)
    x, z, A, B, Z = (
        rng.normal(size=s) + 1j * k * rng.normal(size=s) for s, k in ((4, 0), (4, 1), ((4, 4), 0), ((4, 4), 0), ((4, 4), 1))
    )
    values = {"x": x.real, "A": A.real, "B": B.real, "z": z, "Z": Z, "H": Z @ Z.conj().T + np.eye(4)}
    values["S"] = values["A"] @ values["A"].T + np.eye(4)
    return {n: v.astype(("F" if np.iscomplexobj(v) else "f") if single else v.dtype) for n, v in values.items()}


def close(got, want, tolerance=1e-9):
    got, want = np.asarray(got), np.asarray(want)
    near = tolerance * (1 + np.max(np.abs(want), initial=0, where=np.isfinite(want)))
    return got.shape == want.shape and np.allclose(got, want, rtol=tolerance, atol=near, equal_nan=True)


def called(e, values):
    program = fr.compile(e)
    given = {v.params[0]: values[v.params[0]] for v in variables(e)} or {"n": 4}
    return program, program(**given)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", TERMS)
def test_real_and_complex_terms_side_by_side(kind, form):
    values = arguments()
    for one, other in product(TERMS[kind], TERMS[kind]):
        e = fr.parse(form.format(one, other), DECLARED)
        reference = compiled([e])
        (want,) = reference(**{v.params[0]: values[v.params[0]] for v in variables(e)}, **dict.fromkeys(reference.sizes, 4))
        program, got = called(e, values)
        assert close(got, want), f"{e}\n{program.source}"


@pytest.mark.parametrize("kind", TERMS)
def test_single_precision_stays(kind):
    for one, other in zip(TERMS[kind], TERMS[kind][1:] + TERMS[kind][:1], strict=True):
        for form in FORMS:
            e = fr.parse(form.format(one, other), DECLARED)
            if variables(e):
                program, got = called(e, arguments(single=True))
                assert got.dtype == ("f" if e.real else "F"), f"{e}\n{program.source}"
                assert close(got, called(e, arguments())[1], 2e-3), f"{e}\n{program.source}"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("block", range(3))
def test_random_complex_expressions(block):
    for seed in range(40 * block, 40 * block + 40):
        rng = Random(seed)
        env = draw(rng)
        try:
            expressions = [ComplexBuilder(rng.randrange, [env]).root().expr]
            if expressions[0].kind == "scalar":
                expressions += [fr.derivative(expressions[0], v).gradient for v in variables(expressions[0])[:2]]
        except (Refused, FrechetError):
            continue
        values = {}
        for v in variables(*expressions):
            shape = [d.size(SIZES) for d in v.shape if str(d) != "1"]
            values[v.params[0]] = env[v.params[0]].reshape(shape) if shape else env[v.params[0]].ravel()[0]
        reference, program = compiled(expressions), fr.compile(expressions)
        try:
            want = reference(**values, **{n: SIZES[n] for n in reference.sizes})
            got = program(**values, **{n: SIZES[n] for n in program.arguments.sizes})
        except np.linalg.LinAlgError:
            continue
        for g, w, e in zip(got, want, expressions, strict=True):
            assert close(g, w, 1e-6), f"{e}\n{program.source}"


@pytest.mark.parametrize("kind", TERMS)
def test_torch_multiplies_and_solves_across_types(kind):
    pytest.importorskip("torch")
    values = arguments()
    for one, other in product(TERMS[kind], TERMS[kind]):
        e = fr.parse(f"({one}) + 2i*({other})", DECLARED)
        if variables(e):
            program = fr.compile(e, backend="torch")
            assert close(program(**{v.params[0]: values[v.params[0]] for v in variables(e)}), called(e, values)[1]), (
                program.source
            )
