"""Reading expressions: types of names, inferred shapes, and what is said about what does not fit."""

import random
import time

import pytest

from frechet.expressions.dimension import SCALAR, UNIT, kind, show_shape
from frechet.expressions.errors import FrechetError, LimitError, NotationError, ShapeError, UnsupportedError
from frechet.expressions.node import variables
from frechet.notation.functions import CONSTANTS, functions
from frechet.notation.inference import Contradiction, Unifier, substituted
from frechet.notation.kinds import default_kind
from frechet.notation.reading import parse, read, read_entry
from frechet.notation.text import write_text


def shapes(text: str, *declarations: str, wrt: str | None = None) -> str:
    found = read(text, declarations, wrt=wrt).variables
    return ", ".join(f"{name}: {show_shape(v.shape)}" for name, v in found.items())


@pytest.mark.parametrize(
    ("text", "wrt", "expected"),
    [
        ("tr(A*X*B)", "X", "A: r×p, X: p×q, B: q×r"),
        ("norm2(X*w-y)^2 + c*norm2(w)^2", "w", "X: m×n, w: n, y: m, c: scalar"),
        ("A*X + B", None, "A: n×m, X: m×p, B: n×p"),
        ("log(det(s))", "s", "s: n×n"),
        ("x'*kron(A,B)*x", None, "x: m*n, A: n×n, B: m×m"),
        ("A*commutation(n,m)*vec(X)", None, "A: p×m*n, X: n×m"),
        ("commutation(3,2)*vec(X)", None, "X: 3×2"),
        ("p'*A*x", "x", "p: m, A: m×n, x: n"),
        ("vector(1)'*X*vector(2)", "X", "X: p×q"),
        ("X + eye", "X", "X: n×n"),
        ("sum(x)/n + ones(n)'*x", "x", "x: n"),
        ("A*ones(n+1)", "A", "A: p×(n+1)"),
        ("alpha*Sigma*x", None, "alpha: scalar, Sigma: n×m, x: m"),
        ("unvec(A*vec(X),n,m)", "X", "A: m*n×p*q, X: p×q"),
        ("h = relu(W*x + b*ones(k))\n-y'*log(softmax(h))", "x", "W: k×n, x: n, b: scalar, y: k"),
    ],
)
def test_inferred_shapes(text: str, wrt: str | None, expected: str) -> None:
    assert shapes(text, wrt=wrt) == expected


def test_declared_names_stay() -> None:
    assert shapes("A*x - y", "A: k×2l") == "A: k×2*l, x: 2*l, y: k"
    assert shapes("tr(S)", "S: symmetric") == "S: n×n"
    assert shapes("x", "t: k simplex") == "x: n, t: k"
    assert read("S", ["S: n×n spd positive"]).expression.params[1:3] == (("spd",), "positive")
    assert read("y", ["y: m labels"]).expression.params[2] == "labels±1"


def test_names_that_are_not_declared() -> None:
    assert [default_kind(n) for n in ("a", "g2", "h", "x1", "A", "alpha", "μ", "Σ", "_b", "Weights")] == [
        "scalar", "scalar", "vector", "vector", "matrix", "scalar", "scalar", "matrix", "scalar", "matrix",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a - b + c - (d - a)", "2*a - b + c - d"),
        ("x*y'*z", "x*(y'*z)"),
        ("A*(x'*y)*B", "x'*y*A*B"),
        ("x'*y*z'*w*v'", "(x'*y)*(z'*w)*v'"),
        ("A/b/c*d", "d/(b*c)*A"),
        ("1./x", "x.^-1"),
        ("c.*x./y", "c*(x./y)"),
        ("A:B", "tr(A'*B)"),
        ("A⊗B", "kron(A,B)"),
        (r"A\b", None),
        ("X^H", "X'"),
        ("A⁻¹*x", r"A\x"),
        ("matrix(0)+X", "X"),
        ("x^2'", None),
        ("a^(1/2)", "sqrt(a)"),
        ("max(x)", None),
        ("max(x,zeros(n))", "relu(x)"),
        ("sum(X,1)", None),
        ("normp(x,2)", "norm2(x)"),
        ("pi*e", None),
        ("h = x'*y\nk1 = h*2\nh + k1", "3*(x'*y)"),
    ],
)
def test_readings(one: str, other: str | None) -> None:
    declare = {"X": "n×m", "A": "n×n", "B": "n×n", "x": "n", "y": "n", "z": "n", "w": "n", "v": "n", "b": "n"}
    if "b" in one and "\\" not in one:
        declare["b"] = "scalar"
    if one == "x^2'":
        declare["x"] = "scalar"
    try:
        e = parse(one, declare)
    except FrechetError as error:
        pytest.fail(error.pointed())
    if other is not None:
        assert e is parse(other, declare)


def test_sizes_and_dimensions() -> None:
    assert show_shape(parse("A*x", ["A: n×m"], sizes={"n": 2, "m": 3}).shape) == "2"
    assert parse("sum(x)/n", ["x: n"], sizes={"n": 2}) is parse("sum(x)/2", ["x: 2"])
    assert parse("sqrt(n)", dimensions=["n"]).args[0].op.name == "size"


def test_entries() -> None:
    entry = {"q": {"shape": [9]}, "W": {"shape": ["n", "n"]}, "A": {"shape": ["n", "n"], "sample": "spd"}}
    reading = read_entry("q'*inv(kron(eye(n),A)+kron(A,eye(n)))*vec(W)", entry, {"n": 3})
    assert show_shape(reading.variables["A"].shape) == "3×3"
    assert reading.variables["A"].params[1] == ("spd",)
    found = read_entry("det(Z)", {"Z": {"shape": ["n", "n"], "complex": True}}, {"n": 3}).expression
    assert not found.real


@pytest.mark.parametrize(
    ("text", "declarations", "error", "place", "message"),
    [
        ("tr(A*X)*B*Y + x*y", [], ShapeError, "x*y",
         "x: n and y: m are both column vectors: did you mean x'*y (a number, needs n = m) or x*y' (n×m)?"),
        ("A*X + c", [], ShapeError, "c", "A*X is n×m, c is a scalar: write c*ones(n,m) to add c to every entry, "
         "c*eye(n) to add it on the diagonal (n = m). If A*X should be a number: did you mean tr(A*X)?"),
        ("x - 1", [], ShapeError, "1", "x is n, 1 is a scalar: write ones(n) to add 1 to every entry"),
        ("g0 + G*(X-Y)", ["G: q×p", "X: p×q"], ShapeError, "g0", "did you mean tr(G*(X-Y))?"),
        ("logdett(X)", [], NotationError, "logdett", "no function of that name: did you mean logdet?"),
        ("A*B", ["A: n×q", "B: n×r"], ShapeError, "A*B", "the inner dimensions are q and n: did you mean A'*B (q×r)?"),
        ("A*B", ["A: n×m", "B: n×m"], ShapeError, "A*B", "did you mean A'*B (m×m), A*B' (n×n), A.*B (n×m) or tr(A'*B)"),
        ("A*x + B", ["B: n×m"], ShapeError, "A*x + B", "only equal shapes can be added"),
        ("x*A", [], ShapeError, "x*A", "did you mean A*x (m) or x'*A (1×p)?"),
        ("x^2", [], ShapeError, "x^2", "did you mean x.^2 (every entry) or x'*x or norm2(x)^2 (numbers)?"),
        ("A^2", ["A: n×m"], ShapeError, "A^2", "A^2 needs a square matrix, and A is n×m"),
        ("A^(1/2)", [], UnsupportedError, "1/2", "must be a whole number"),
        ("x/y", [], ShapeError, "x/y", "did you mean x./y (entry by entry)?"),
        ("A/B", [], ShapeError, "A/B", "A*inv(B)"),
        ("A.*x", ["A: n×m", "x: m"], ShapeError, "A.*x", "did you mean A*diag(x) (every row)?"),
        ("det(A)", ["A: n×m"], ShapeError, "det(A)", "det needs a square matrix, and A is n×m"),
        ("tr(x)", ["x: n"], ShapeError, "tr(x)", "did you mean sum(x)?"),
        ("dot(x,A)", [], ShapeError, "dot(x,A)", "dot needs equal shapes here: x is n and A is m×p"),
        (r"A\x", ["A: n×m", "x: n"], ShapeError, r"A\x", "did you mean pinv(A)*x?"),
        ("prod_i(x[i])", [], UnsupportedError, "prod_i", "not supported yet"),
        ("softmax(X)", [], ShapeError, "softmax(X)", "softmax(Z,2) is along the rows"),
        ("softmax(x,2)", [], ShapeError, "softmax(x,2)", "and this is a vector: did you mean softmax(x)?"),
        ("max(X,[],3)", [], ShapeError, "max(X,[],3)", "max(X,[],1) is of each column, max(X,[],2) of each row"),
        ("max(X,[])", [], NotationError, "[]", "takes no empty argument"),
        ("tr([])", [], NotationError, "[]", "takes no empty argument"),
        ("[] + X", [], NotationError, None, ""),
        ("layernorm(X)", [], ShapeError, "layernorm(X)", "layernorm(X,2) is along the rows"),
        ("crossentropy(Z,Y)", [], ShapeError, "crossentropy(Z,Y)", "a sample in each row"),
        ("cross_entropy(z,y)", [], NotationError, "cross_entropy", "did you mean crossentropy?"),
        ("elu(x,y)", [], ShapeError, "elu(x,y)", "the second argument of elu is a number"),
        ("conv1d(x,w)", ["x: 2", "w: 3"], ShapeError, "conv1d(x,w)", "longer than what it slides along"),
        ("attention(Q,K,v)", [], ShapeError, "attention(Q,K,v)", "queries, keys and values are matrices"),
        ("tr(A,B)", [], NotationError, "tr(A,B)", "tr takes 1 argument, tr(X), and 2 are given: did you mean tr(A*B)?"),
        ("X(A+B)", [], NotationError, "X", "did you mean X*(A+B)?"),
        ("trace(X)", [], NotationError, "trace", "did you mean tr?"),
        ("unit(n,2.5)", [], NotationError, "2.5", "a dimension is expected here"),
        ("unit(3,4)", [], ShapeError, "unit(3,4)", "between 1 and 3"),
        ("ones(n-n)", [], ShapeError, "n-n", "a dimension is at least 1"),
        ("ones(A)", ["A: n×n"], NotationError, "A", "A is a variable, and is used as a dimension here"),
        ("tr(N)*sum(ones(N))", [], NotationError, "N", "N is a dimension elsewhere, and a matrix here"),
        ("n*x", ["x: n", "n: scalar"], NotationError, "n", "another declaration uses it as a dimension"),
        ("A", ["A: n×m", "A: k×k"], NotationError, "A", "A is declared twice"),
        ("A", ["A: n×m spd"], ShapeError, "A", "A is declared spd, so it must be a square matrix, not n×m"),
        ("h = x\nh = y\nh", [], NotationError, "h", "h is defined twice: on line 1 and on line 2"),
        ("h = z\nz = x\nh", [], NotationError, "z", "z is used on line 1, before it is defined on line 2"),
        ("h = h\nh", [], NotationError, "h", "h is used in its own definition, on line 1"),
        ("h = 2*z\nz = x + h\nh", [], NotationError, "z", "in a circle: h, on line 1, needs z, and z, on line 2, needs h"),
        ("u = z\n\nv = u\nz = x'*v\nv", [], NotationError, "z", "and z, on line 4, needs v, and v, on line 3, needs u"),
        ("k = z\nv = x\nz = v\nk", [], NotationError, "z", "before it is defined on line 3; move the definition up"),
        ("x/0", [], NotationError, "x/0", "division by zero"),
        ("kron(A,B)*x - ones(9)", [], ShapeError, None, "the dimensions cannot be told from this"),
        ('"ij"', [], NotationError, '"ij"', "a text in quotes"),
        ("1e200^3", [], LimitError, "1e200^3", "too large"),
        ("((2^999)^999)^999", [], LimitError, None, "too large"),
        ("square(" * 40 + "2" + ")" * 40, [], LimitError, None, "too large"),
    ],
)  # fmt: skip
def test_mistakes(text: str, declarations: list[str], error: type[FrechetError], place: str | None, message: str) -> None:
    with pytest.raises(error) as caught:
        parse(text, declarations)
    assert message in caught.value.message
    assert caught.value.position is not None
    assert caught.value.text == text
    if place is not None:
        assert text[caught.value.position : caught.value.end] == place or "/0" in place


@pytest.mark.parametrize(
    ("declaration", "message"),
    [("Z: n complex positive", "positive is said of real entries"), ("Q: n×n complex orthogonal lower", "unitary"),
    ("f: convex", "said of functions"),
     ("Z: n×n real hermitian", "say symmetric"), ("A: 2×3×4×2×3×4×2×3×4", "at most 8"),
     ("x: n positive unit01", "the narrower")],
)  # fmt: skip
def test_declarations_refused(declaration: str, message: str) -> None:
    with pytest.raises(FrechetError, match=message) as caught:
        parse("x", [declaration])
    assert caught.value.text == declaration


def test_definitions_that_double() -> None:
    for line in ("h*h", "kron(h,h)"):
        text = "h0 = 3*ones(2,2)\n" if "kron" in line else "h0 = 3*3\n"
        text += "".join(
            f"h{i + 1} = {line.replace('h', f'h{i}') if 'kron' not in line else f'kron(h{i},h{i})'}\n" for i in range(60)
        )
        with pytest.raises(LimitError):
            parse(text + "h60")


def test_unification() -> None:
    u = Unifier()
    a, b, c = u.fresh(), u.fresh(), u.fresh()
    n = parse("ones(n)").shape[0]
    u.equal(a * b, n * c)  # open
    u.equal(a, n)
    u.finish()
    assert u.find(b) is u.find(c)
    with pytest.raises(Contradiction):
        u.equal(a, n + n)
    with pytest.raises(Contradiction):
        u.equal(b, SCALAR[0])
    d = u.fresh()
    u.equal(d + d, n * n + n * n)
    assert u.find(d) is n * n
    assert substituted(a, {a.text: n}) is n


def random_text(rnd: random.Random, depth: int) -> str:
    draw = rnd.random()
    if depth == 0 or draw < 0.2:
        return rnd.choice(["a", "b", "x", "y", "A", "B", "X", "S", "n", "pi", "eye", "1", "2", "0", "0.5", "1e30"])
    if draw < 0.7:
        sign = rnd.choice(["*", "*", "+", "-", ".*", "./", "/", ":", "⊗", "\\"])
        return f"({random_text(rnd, depth - 1)}{sign}{random_text(rnd, depth - 1)})"
    if draw < 0.8:
        return f"({random_text(rnd, depth - 1)}){rnd.choice(chr(39) + '²⁻')}".replace("⁻", "⁻¹")
    name = rnd.choice(sorted(functions()))
    if name in CONSTANTS:
        return f"{name}({rnd.choice(['n', '3', 'n+1', 'n,m', 'n,2', '2,1', 'x'])})"
    return f"{name}({', '.join(random_text(rnd, depth - 1) for _ in range(rnd.choice([1, 1, 2])))})"


def test_whatever_is_typed() -> None:
    rnd = random.Random(5)
    for _ in range(2000):
        text = random_text(rnd, rnd.choice([1, 2, 3]))
        try:
            reading = read(text, ["A: n×m", "x: m"] if rnd.random() < 0.5 else [])
        except FrechetError as error:
            assert error.position is not None and error.end is not None and error.text == text
            assert "kinds" not in error.message and "?0" not in error.message
        else:
            assert kind(reading.expression.shape)
            assert all("?" not in str(d) for v in reading.variables.values() for d in v.shape)


@pytest.mark.parametrize("text", ["A*X + B", "-y'*log(softmax(W*x+b*ones(k)))", "2*c*X'*(X*w - y)/norm2(w)", "x./(1 + c)"])
def test_round_trip(text: str) -> None:
    reading = read(text)
    assert parse(write_text(reading.expression).text, reading.variables) is reading.expression


def test_time_is_linear() -> None:
    def seconds(text: str) -> float:
        start = time.perf_counter()
        parse(text)
        return time.perf_counter() - start

    for part, join in (("x{}", "+"), ("A{}", "*"), ("c{}", "*"), ("x{}", ".*"), ("x{}", "-")):
        short, long = (min(seconds(join.join(part.format(i) for i in range(n))) for _ in range(3)) for n in (400, 3200))
        assert long < 30 * short
    parse("exp(" * 10_000 + "x" + ")" * 10_000)
    parse("".join(f"A*(x{i}+" for i in range(3000)) + "x" + ")" * 3000)


def test_sizes_survive_the_reading_of_a_scalar_as_a_vector() -> None:
    e = parse("W*x+b", ["W: n×n"], sizes={"n": 3})
    assert {str(d) for v in variables(e) for d in v.shape if d is not UNIT} == {"3"}


@pytest.mark.parametrize("text", ["(w'*x - y)^2", "y - w'*x", "s = w'*x + b\n(s - y)^2", "log(det(A)) + v"])
def test_a_name_added_to_a_number_made_of_arrays_is_a_number(text: str) -> None:
    shapes = {name: v.kind for name, v in read(text).variables.items()}
    assert shapes.get("y", shapes.get("v")) == "scalar"


@pytest.mark.parametrize("text", ["x + 1", "c*d + x", "2*c + x", "x'*x + x"])
def test_a_name_added_to_a_plain_number_is_no_number(text: str) -> None:
    with pytest.raises(FrechetError, match="write"):
        read(text, wrt="x")
