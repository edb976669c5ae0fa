"""Reading text: what the grammar accepts, where things are, and what is said about mistakes."""

import importlib.machinery
import importlib.util
import pickle
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frechet.expressions.errors import FrechetError, LimitError, NotationError
from frechet.notation import _tables
from frechet.notation.declaration import read_declaration
from frechet.notation.syntax import MAX_CHARACTERS, read_syntax

ROOT = Path(__file__).resolve().parent.parent.parent
SIGNS = {
    "add": "+", "sub": "-", "mul": "*", "div": "/", "hadamard": ".*", "ediv": "./", "kron": "⊗", "solve": "\\",
    "frobenius": ":", "power": "^", "epower": ".^",
}  # fmt: skip


def bracketed(text: str) -> str:
    """The tree with all its brackets. Definitions are left out."""
    program = read_syntax(text)
    shown: list[str] = []
    for node in program.nodes:
        args = [shown[a] for a in node.args]
        match node.kind:
            case "number" | "name":
                shown.append(str(node.value))
            case "string":
                shown.append(f'"{node.value}"')
            case "call":
                shown.append(f"{node.value}({', '.join(args)})")
            case "neg":
                shown.append(f"(-{args[0]})")
            case "transpose":
                shown.append(f"{args[0]}'")
            case "ctranspose":
                shown.append(f"{args[0]}^H")
            case "index":
                shown.append(f"{args[0]}[{', '.join(args[1:])}]")
            case "slice":
                shown.append(":".join(args) or ":")
            case "blocks":
                shown.append(f"[{node.value}: {', '.join(args)}]")
            case _:
                shown.append(f"({args[0]}{SIGNS[node.kind]}{args[1]})")
    return shown[program.root]


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("x", "x"),
        ("X^2'", "(X^2)'"),
        ("X^-1'", "(X^-1)'"),
        ("a^b^c", "((a^b)^c)"),
        ("a^-b", "(a^(-b))"),
        ("X^{-1}", "(X^(-1))"),
        ("X^{n+1}", "(X^(n+1))"),
        ("X^(-1)", "(X^(-1))"),
        ("X⁻¹", "(X^-1)"),
        ("X²", "(X^2)"),
        ("x⁻²", "(x^-2)"),
        ("x¹²", "(x^12)"),
        ("xⁿ", "(x^n)"),
        ("X^T", "X'"),
        ("X^{T}", "X'"),
        ("Xᵀ", "X'"),
        ("X.'", "X'"),
        ("X''", "X''"),
        ("X^H", "X^H"),
        ("Xᴴ", "X^H"),
        ("X^-T", "(X^-1)'"),
        ("X^{-T}", "(X^-1)'"),
        ("X⁻ᵀ", "(X^-1)'"),
        ("X^-H", "(X^-1)^H"),
        ("X^T2", "(X^T2)"),
        ("X^T*Y", "(X'*Y)"),
        ("x.^2", "(x.^2)"),
        ("x.^-2", "(x.^-2)"),
        ("2.^x", "(2.^x)"),
        ("2.*x", "(2.*x)"),
        ("1./(1+x)", "(1./(1+x))"),
        ("-A*B", "(-(A*B))"),
        ("-x^2", "(-(x^2))"),
        ("-x'", "(-x')"),
        ("A*-B", "(A*(-B))"),
        ("a--b", "(a-(-b))"),
        ("+x", "x"),
        ("−a − b", "((-a)-b)"),
        ("A*B/c*D", "(((A*B)/c)*D)"),
        ("A@B·C×D", "(((A*B)*C)*D)"),
        ("A⊙B∘C.*D", "(((A.*B).*C).*D)"),
        ("x⊘y./z", "((x./y)./z)"),
        ("A⊗B*C", "((A⊗B)*C)"),
        ("A\\b*c", "((A\\b)*c)"),
        ("a-b-c", "((a-b)-c)"),
        ("a+b*c", "(a+(b*c))"),
        ("(a+b)*c", "((a+b)*c)"),
        ("A:B+C", "(A:(B+C))"),
        ("c*(A:B)", "(c*(A:B))"),
        ("f(A:B)", "f((A:B))"),
        ("f()", "f()"),
        ("max(a, b)", "max(a, b)"),
        ("sum_i(x)", "sum_i(x)"),
        ("f′(x)", "f′(x)"),
        ("x′", "x'"),
        ('einsum("ij,jk->ik", A, B)', 'einsum("ij,jk->ik", A, B)'),
        ("X[i,j]", "X[i, j]"),
        ("x[1:k]", "x[1:k]"),
        ("X[:,j]'", "X[:, j]'"),
        ("[A, B; C, D]", "[(2, 2): A, B, C, D]"),
        ("[A]*x", "([(1,): A]*x)"),
        ("αβ + Σ_1*x₁", "(αβ+(Σ_1*x₁))"),
        ("tr(A\n *X)", "tr((A*X))"),
        ("\n x \r\n\n", "x"),
    ],
)
def test_precedence(text: str, tree: str) -> None:
    assert bracketed(text) == tree


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2", 2), ("007", 7), ("2.0", 2), ("2.", 2), (".5", Fraction(1, 2)), ("1e-3", Fraction(1, 1000)), ("1E3", 1000),
        ("0.1", Fraction(1, 10)), ("0.1234567890123", 0.1234567890123), ("1e30", 1e30), ("0e999", 0),
        ("9" * 300, int("9" * 300)),
    ],
)  # fmt: skip
def test_numbers(text: str, value: object) -> None:
    node = read_syntax(text).nodes[0]
    assert node.value == value
    assert type(node.value) is type(value)


def test_positions() -> None:
    text = "tr((A + B)*X)"
    program = read_syntax(text)
    assert {(node.kind, text[node.start : node.end]) for node in program.nodes} == {
        ("name", "A"), ("name", "B"), ("name", "X"), ("add", "A + B"), ("mul", "(A + B)*X"), ("call", text),
    }  # fmt: skip


def test_parts_come_first() -> None:
    program = read_syntax("h = relu(W*x)\nz = V*h\n-y'*log(softmax(z))")
    assert all(a < i for i, node in enumerate(program.nodes) for a in node.args)
    assert [(d.name, program.text[d.start : d.end]) for d in program.definitions] == [("h", "h"), ("z", "z")]
    assert [program.nodes[d.root].kind for d in program.definitions] == ["call", "mul"]
    assert program.nodes[program.root].kind == "neg"


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("2x", (0, 2), "an operator is missing: did you mean 2*x?"),
        ("1 + 2(x)", (4, 6), "an operator is missing: did you mean 2*(…)?"),
        ("A B", (0, 3), "an operator is missing: did you mean A*B?"),
        ("tr(A)B", (5, 6), "an operator is missing before B: for a product write *"),
        ("f(a\n b)", (2, 6), "an operator is missing: did you mean a*b?"),
        ("tr(A*X", (2, 3), "this ( is not closed: a ) is missing"),
        ("h = (2\nh", (4, 5), "this ( is not closed: a ) is missing"),
        ("tr(A))", (5, 6), "this ) closes nothing: there is no ( for it"),
        ("(A]", (2, 3), "this ] cannot close the ( at column 1: a ) is missing"),
        ("a +", (3, 3), "a name, a number, ( or - is expected here, not the end"),
        ("a * / b", (4, 5), "a name, a number, ( or - is expected here, not /"),
        ("f(a,)", (4, 5), "a name, a number, ( or - is expected here, not )"),
        ("x^*2", (2, 3), "an exponent (a name, a number, (, { or -) is expected here, not *"),
        ("x**2", (1, 3), "a power is written ^ (element-wise .^), not **"),
        ("x{2}", (1, 2), "{ } is only for exponents, X^{-1}: use ( )"),
        ("a, b", (1, 2), "a comma separates only arguments of a function, f(x, y), and entries in [ ]"),
        ("[A:B]", (2, 3), "inside [ ] a Frobenius product needs parentheses, (A:B); a range is written 1:k"),
        ("f = x", (0, 5), "the last line must be the function itself, not a definition name = …"),
        ("x == 2", (2, 4), "there are no comparisons in the notation"),
        ("x + y = 2", (6, 7), "= only defines a name, at the beginning of a line: h = …"),
        ("x + y\nx", (5, 6), "every line but the last defines a name, h = …; "
         "an expression goes over several lines inside ( )"),
        ("|x|", (0, 1), "| is not part of the notation: write abs(x), det(X) or norm2(x)"),
        ("x # y", (2, 3), "# is not part of the notation"),
        ("x½", (1, 2), "½ cannot be part of a name here"),
        ("x̂", (1, 2), "the character U+0302 COMBINING CIRCUMFLEX ACCENT is not part of the notation"),
        ("x\0", (1, 2), "a control character (U+0000) cannot be read"),
        ("", (0, 0), "the text is empty"),
        (" \n ", (0, 0), "the text is empty"),
    ],
)  # fmt: skip
def test_mistakes(text: str, place: tuple[int, int], message: str) -> None:
    with pytest.raises(NotationError) as caught:
        read_syntax(text)
    assert str(caught.value) == message
    assert (caught.value.position, caught.value.end) == place
    assert caught.value.kind == "syntax"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("h = 1\na + 2x", "a + 2x\n    ^^ an operator is missing: did you mean 2*x?"),
        ("日本 2x", "日本 2x\n^^^^^^ an operator is missing: did you mean 日本*2?"),
        ("\x1b[2J", "�[2J\n^ a control character (U+001B) cannot be read"),
        ("a\t+", "a +\n   ^ a name, a number, ( or - is expected here, not the end"),
    ],
)
def test_carets(text: str, shown: str) -> None:
    with pytest.raises(NotationError) as caught:
        read_syntax(text)
    assert caught.value.pointed() == shown


@pytest.mark.parametrize("before", [0, 30, 3000])
@pytest.mark.parametrize("after", [0, 30, 3000])
def test_long_lines_are_cut_around_the_place(before: int, after: int) -> None:
    with pytest.raises(NotationError) as caught:
        read_syntax("a+" * before + "2x" + "+b" * after)
    line, carets = caught.value.pointed().split("\n")
    first = carets.index("^")
    assert line[first : first + 2] == "2x"
    assert carets[first : first + 3] == "^^ "
    assert len(line) <= 102


def test_errors_are_picklable() -> None:
    error = LimitError("too long", position=1, end=2, text="abc")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is LimitError
    assert again.pointed() == error.pointed() == "abc\n ^ too long"


@pytest.mark.parametrize("depth", [10_000, 49_000])
def test_deep_nesting(depth: int) -> None:
    assert len(read_syntax("(" * depth + "x" + ")" * depth).nodes) == 1
    assert len(read_syntax("f(" * (depth // 2) + "x" + ")" * (depth // 2)).nodes) == depth // 2 + 1
    assert len(read_syntax("-" * depth + "x").nodes) == depth + 1
    with pytest.raises(NotationError, match="not closed"):
        read_syntax("(" * depth + "x")


@pytest.mark.parametrize("text", ["x+" * 500_000 + "x", "(" * 1_000_000, "x" * 1_000_000, " " * 1_000_000])
def test_too_long(text: str) -> None:
    started = time.perf_counter()
    with pytest.raises(LimitError, match="at most 100,000 are read"):
        read_syntax(text)
    assert time.perf_counter() - started < 0.1


@pytest.mark.parametrize("digits", ["9" * 5000, "1e999", "1e-999", "1e" + "9" * 290, "x^" + "9" * 301, "x" + "⁹" * 301])
def test_numbers_out_of_bounds(digits: str) -> None:
    with pytest.raises(LimitError) as caught:
        read_syntax(digits)
    assert caught.value.position is not None


@pytest.mark.parametrize("piece", ["x'*A*x+", "A*", "f(x)+", "-", "x^2 +", "2x ", "'", "^", "a\n", '"', "[x,", "x^ "])
def test_time_is_linear(piece: str) -> None:
    text = (piece * (MAX_CHARACTERS // len(piece)))[: MAX_CHARACTERS - 1] + "x"
    started = time.perf_counter()
    try:
        read_syntax(text)
    except FrechetError as error:
        error.pointed()
    assert time.perf_counter() - started < 10


@given(st.text("xAT2. '^*/+-()[]{},;:=⁻¹ᵀ\\\"\n⊗e½", max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        program = read_syntax(text)
    except FrechetError as error:
        assert error.pointed()
        assert not any(name in str(error) for name in ("LPAR", "RSQB", "NEWLINE", "BAD", "$END"))
        return
    assert all(0 <= node.start < node.end <= len(text) for node in program.nodes)
    assert all(a < i for i, node in enumerate(program.nodes) for a in node.args)


def test_tables_are_those_of_the_grammar() -> None:
    loader = importlib.machinery.SourceFileLoader("scripts_tables", str(ROOT / "scripts" / "tables"))
    spec = importlib.util.spec_from_loader("scripts_tables", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    grammar = (ROOT / "frechet" / "notation" / "grammar.lark").read_text(encoding="utf-8")
    assert Path(_tables.__file__).read_text(encoding="utf-8") == module.tables(grammar), "run scripts/tables"


def test_lark_is_not_imported() -> None:
    code = "import sys, frechet.notation.declaration; print({'lark', 'numpy', 'logging'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "set()"


N, M = {("n",): 1}, {("m",): 1}


@pytest.mark.parametrize(
    ("text", "dims", "words", "field"),
    [
        ("X: n×m", (N, M), (), None),
        ("X: n x n symmetric", (N, N), ("symmetric",), None),
        ("S: n×n spd", (N, N), ("spd",), None),
        ("Z: n×m complex", (N, M), (), "complex"),
        ("x: n positive", (N,), ("positive",), None),
        ("y: m labels", (M,), ("labels",), None),
        ("y: m labels±1", (M,), ("labels",), None),
        ("c: scalar", (), (), None),
        ("c: scalar positive real", (), ("positive",), "real"),
        ("d: diagonal n×n", (N, N), ("diagonal",), None),
        ("Q: orthogonal", None, ("orthogonal",), None),
        ("X: 3x4", ({(): 3}, {(): 4}), (), None),
        ("X: 2n x n+1", ({("n",): 2}, {("n",): 1, (): 1}), (), None),
        ("X: 2*n × n*m-1", ({("n",): 2}, {("m", "n"): 1, (): -1}), (), None),
        ("x: nm", ({("nm",): 1},), (), None),
        ("X: n×n×m", (N, N, M), (), None),
        ("X: x x n", ({("x",): 1}, N), (), None),
    ],
)
def test_declarations(text: str, dims: object, words: tuple[str, ...], field: str | None) -> None:
    declaration = read_declaration(text)
    assert declaration == (text[0], dims, words, field)


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("X: n×n symetric", (7, 15), "did you mean symmetric?"),
        ("X: symetric n×n", (3, 11), "did you mean symmetric?"),
        ("y: lables", (3, 9), "did you mean labels?"),
        ("X: nxm", (3, 6), "nxm is one name: write n x m or n×m"),
        ("X: 3xn", (3, 6), "did you mean 3 x n or 3×n?"),
        ("X: n×", (5, 5), "a dimension"),
        ("X", (1, 1), "a colon"),
        ("X: ", (2, 2), "a shape or a property"),
        ("X: 0×n", (3, 4), "a dimension is at least 1"),
        ("X: n×n spd spd", (11, 14), "spd is said twice"),
        ("c: n scalar", (5, 11), "a scalar has no dimensions"),
        ("Z: n real complex", (5, 9), "cannot be both real and complex"),
        ("X: (n,m)", (3, 4), "not part of a declaration"),
        ("", (0, 0), "the declaration is empty"),
    ],
)
def test_mistaken_declarations(text: str, place: tuple[int, int], message: str) -> None:
    with pytest.raises(NotationError, match=r".*") as caught:
        read_declaration(text)
    assert message in str(caught.value)
    assert (caught.value.position, caught.value.end) == place


def test_long_declarations_are_refused() -> None:
    with pytest.raises(LimitError):
        read_declaration("X: " + "n+" * 1000 + "n")


@given(st.text("Xn2x×:+*- labes±1pd", max_size=20))
def test_any_declaration_is_read_or_refused(text: str) -> None:
    try:
        read_declaration(text)
    except FrechetError as error:
        assert error.pointed()
