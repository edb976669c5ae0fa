"""Expressions as straight-line NumPy programs: source to copy, and the same source run in the process.

Scalars are floats, vectors and rows 1-D arrays, matrices 2-D arrays. Parameters are called as the variables; a variable
whose name Python cannot take (`lambda`, `np`) becomes a parameter with an underscore appended (`lambda_`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from keyword import iskeyword
from typing import Any
from unicodedata import normalize

from frechet.compilation.places import asked, check_places
from frechet.compilation.sizes import Bindings, bind, callables, checked
from frechet.compilation.stability import rewritten, walked
from frechet.expressions.collection import without_collection
from frechet.expressions.dimension import UNIT, Dim, axes, dim, show_shape
from frechet.expressions.errors import LimitError, NotationError, ShapeError
from frechet.expressions.node import Expr, make, variables, walk
from frechet.operations.constants import VARIABLE
from frechet.operations.declared_functions import DeclaredPage, symbols_among
from frechet.operations.hadamard import MONOMIAL
from frechet.operations.indexing import SELECTION
from frechet.operations.products import PRODUCT
from frechet.operations.sums import SUM
from frechet.operations.transposition import TRANSPOSE

NESTING = 4  # deeper expressions get a name
WIDTH = 44  # longer ones too
RUN = 12  # terms or factors in one line
OWN: tuple[str, ...] = (  # in runtime.py
    "expit", "silu", "gelu", "gelutanh", "mish", "softsign", "logcosh", "elu", "huber", "selu", "softmax", "logsumexp",
    "softmax_of_rows", "maskedsoftmax", "logsumexp_of_rows", "layernorm", "layernorm_of_rows", "rmsnorm", "rmsnorm_of_rows",
    "conv1d", "conv", "logdet", "adjugate", "commutation", "eigvals", "lower_places", "vech", "elimination", "duplication",
    "eigvecs", "eigproj", "funm", "dfunm", "polar", "toeplitzpart", "circulantpart", "hankelpart",
)  # fmt: skip
MATRIX = ("expm", "logm", "sqrtm", "powm", "sinm", "cosm")  # these too, with their derivatives dexpm …
OWN += ("matrix_function", *MATRIX, "matrix_block", *(f"d{f}" for f in MATRIX), "lowhalf", "sylvester", "lyap")
KRONECKER = {"kexpm": "dexpm", "klogm": "dlogm", "kpowm": "dpowm", "ksinm": "dsinm", "kcosm": "dcosm"}
KRONECKER |= {"kpower": "dpower", "kfunm": "dfunm"}
LIBRARIES = ("lyap", *(k for k in KRONECKER if k != "kpower"))  # in array libraries by the same text
OWN += ("euclidean", "mirrored", "identity", "ones", "zeros", "resolvent", "det_of_factors", "logdet_of_factors")
OWN += ("or_nan", "signm", "qr", "lu", "cholesky", "proj", "pinv_of_singular", "inverses", "reduced_resolvent")
OWN += ("singular_resolvent", "geomean", "dpower", "matrix_of", *KRONECKER, "cumsum_from_end")
NEEDS = {"vech": ("lower_places",), "elimination": ("lower_places",), "duplication": ("elimination", "lower_places")}
NEEDS |= {
    "silu": ("expit",),
    "selu": ("elu",),
    "hankelpart": ("toeplitzpart",),
    "sylvester": ("matrix_function",),
    "lyap": ("sylvester", "matrix_function"),
}
NEEDS |= dict.fromkeys(MATRIX[1:], ("matrix_function",))
NEEDS |= {f"d{f}": ("matrix_block", f, "matrix_function") for f in MATRIX if f != "sqrtm"}
NEEDS |= {"logdet_of_factors": ("det_of_factors",)}
NEEDS |= dict.fromkeys(("reduced_resolvent", "singular_resolvent"), ("inverses",))
NEEDS |= {"signm": ("matrix_function",), "geomean": ("powm", "matrix_function")}
NEEDS |= {"sqrtm": ("powm", "matrix_function"), "dsqrtm": ("sqrtm", "powm", "sylvester", "matrix_function")}
NEEDS |= dict.fromkeys(("eigvals", "eigvecs", "funm", "dfunm", "proj", "pinv_of_singular"), ("or_nan",))
NEEDS |= {k: ("matrix_of", d, *NEEDS.get(d, ())) for k, d in KRONECKER.items()}
SCIPY = ("erf", "erfc", "gamma", "gammaln", "digamma", "polygamma")
CALLS = re.compile(r"(?<![\w.])(" + "|".join((*OWN, *SCIPY)) + r")\(")
WORDS = re.compile(r"(?<![\w.])[^\W\d]\w*")
TEXTS = re.compile(r'"[^"]*"')
MARKS, PARENTHESES = re.compile(r"[(),]"), re.compile(r"[()]")
ATOM = re.compile(r"[\w.]+")
SUPERFLUOUS = re.compile(r"\(\(|(?<!\w)\([\w.]+[()]")  # what parentheses that may go begin with
REAL_BY_FORM = ("product", "tr", "sum_of_terms", "det")  # real for certain arguments, and complex to NumPy
SPLIT = (SUM, MONOMIAL, PRODUCT)


def numpy_source(
    e: Expr | Sequence[Expr], name: str = "derivative", arguments: Sequence[str | Expr] = (), extra: Sequence[str] = ()
) -> str:
    """A Python function of keyword arguments that returns the value of e (of several expressions, a tuple), as source.

    It runs where numpy is installed (scipy, for erf, gamma and their relatives); frechet is not needed.

    arguments: what the signature lists first: variables or their names, also those that e does not contain. Sizes such
        as the n of ones(n) are read off the arrays of variables (so give variables rather than names); a size that no
        variable tells is a keyword argument.
    extra: names of further arguments, which are ignored

    Raises:  NotationError, for a name that is no identifier; LimitError, for numbers beyond the range of floats
    """
    roots = [e] if isinstance(e, Expr) else list(e)
    return program_of(roots, name, [*arguments, *extra], isinstance(e, Expr)).source()


def compiled(e: Expr | Sequence[Expr], arguments: Sequence[str | Expr] = ()) -> Callable[..., Any]:
    """The function of `numpy_source`, ready to call with the variables' own names; nothing is checked.

    Numbers that come out as 0-d arrays, and views of the arguments, are returned as they are.
    """
    if isinstance(e, Expr):
        return _compiled((e,), tuple(arguments), True)
    return _compiled(tuple(e), tuple(arguments), False)


def evaluate(e: Expr, values: Mapping[str, Any], sizes: Mapping[str, int] | None = None) -> Any:
    """The value of an expression at a point: a float, or a 1-D or 2-D array of its own.

    values: an array or number for every variable, by name; others are ignored
    sizes: the dimensions that no variable tells

    Raises:  ShapeError, naming the variable, what is expected and what was given
    """
    import numpy as np

    used = variables(e)
    arrays, found = checked(used, values, sizes or {})
    arrays |= callables(e, values)
    function: Any = _compiled((e,), (), True)
    missing = [n for n in function.sizes if n not in found]
    if missing:
        raise ShapeError(f"the size of {missing[0]} follows from no variable: it must be given")
    check_places(function.places, found)
    kind = float if e.real else complex
    try:
        result: Any = np.array(function(**arrays, **{n: found[n] for n in function.sizes}), dtype=kind)
    except np.linalg.LinAlgError:
        raise
    except ValueError as error:  # arrays that fit by their names, but not each other
        raise ShapeError(str(error)) from error
    return result if result.ndim else kind(result)


@lru_cache(maxsize=128)
def _compiled(roots: tuple[Expr, ...], arguments: tuple[str | Expr, ...], single: bool) -> Callable[..., Any]:
    program = program_of(list(roots), "value", arguments, single)
    function = runnable(program)
    function.places = asked(walk(*roots))
    return function  # type: ignore[no-any-return]


def runnable(program: Program) -> Any:
    """The function of a program, ready to call with the variables' own names; `sizes` of it must be given too."""
    space: dict[str, Any] = {}
    import numpy as np

    space["np"] = np
    if program.helpers:
        import frechet.compilation.runtime as runtime

        for helper in program.helpers:
            space[program.renamed(helper)] = getattr(runtime, helper, None) or from_scipy(helper)
    if program.lapack:
        import scipy.linalg.lapack

        space.update((name, getattr(scipy.linalg.lapack, name)) for name in program.lapack)
    exec("\n".join(program.modules), space)
    exec(compile(program.function(), "<frechet>", "exec"), space)
    function: Any = space[program.name]
    renamed = {v: p for v, p in (program.parameters | program.sizes).items() if v != p}
    if renamed and not program.positional:
        plain = function

        def function(**values: Any) -> Any:
            return plain(**{renamed.get(v, v): value for v, value in values.items()})

    function.sizes = tuple(program.sizes)
    return function


def from_scipy(helper: str) -> Any:
    import scipy.special

    return getattr(scipy.special, helper)


class Program:
    """A function in parts: parameters, sizes, lines and what is returned."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.doc = ""
        self.parameters: dict[str, str] = {}  # name of the variable -> name of the parameter
        self.sizes: dict[str, str] = {}  # sizes that must be given -> name of the parameter
        self.symbols: dict[str, str] = {}  # name of a variable that is assigned -> what it is called
        self.lines: list[str] = []
        self.helpers: list[str] = []
        self.before: Program | None = None  # a function that this one calls
        self.modules: list[str] = []  # further imports and what is made of numbers once, as they are written
        self.positional = False  # else the parameters are given by name only
        self.lapack: list[str] = []  # routines that are called
        self.clashes: dict[str, str] = {}  # helpers whose names are taken by variables

    def renamed(self, helper: str) -> str:
        return self.clashes.get(helper, helper)

    def function(self) -> str:
        parameters = [*self.parameters.values(), *self.sizes.values()]
        only = "*, " if parameters and not self.positional else ""
        head = f"def {self.name}({only}{', '.join(parameters)}):"
        lines = [f'"""{self.doc}"""', *self.lines] if self.doc else self.lines
        own = "\n".join([head, *(f"    {line}" for line in lines)]) + "\n"
        return f"{self.before.function()}\n\n{own}" if self.before is not None else own

    def source(self) -> str:
        parts = ["import numpy as np"]
        if self.lapack:
            parts[0] += f"\nfrom scipy.linalg.lapack import {', '.join(self.lapack)}"
        imported = [line for line in self.modules if line.startswith(("from ", "import "))]
        parts[0] += "".join(f"\n{line}" for line in imported)
        for h in self.helpers:
            if h in SCIPY:
                parts[0] += f"\nfrom scipy.special import {h}" + (f" as {self.clashes[h]}" if h in self.clashes else "")
        if len(imported) < len(self.modules):
            parts[0] += "\n\n" + "\n".join(line for line in self.modules if line not in imported)
        for h in self.helpers:
            if h in OWN:
                text = own_texts()[h]
                parts.append(CALLS.sub(lambda m: self.renamed(m[1]) + "(", text))
        return "\n\n\n".join([*parts, self.function()])


@lru_cache(maxsize=4)
def own_texts(file: str = "runtime.py") -> dict[str, str]:
    """The text of every function of runtime.py, or of a file like it."""
    from pkgutil import get_data

    data = get_data("frechet.compilation", file)
    assert data is not None
    found = {}
    for part in data.decode().replace("\r\n", "\n").split("\n\n\n"):
        if part.startswith("def "):
            found[part[4 : part.index("(")]] = part.strip()
    return found


@without_collection
def program_of(
    roots: list[Expr],
    name: str,
    arguments: Sequence[str | Expr],
    single: bool,
    assigned: Sequence[Expr] = (),
    returning: Callable[[Mapping[str, str]], str] | None = None,
) -> Program:
    """assigned: of the first roots the variables that their values are assigned to, and that later roots may contain.

    returning: what is returned, as source, given what these variables are called; the values of the roots where not given
    """
    program = Program(name)
    _check_identifier(name)
    if iskeyword(name) or name == "np":
        raise NotationError(f"{name!r} cannot be the name of a function")
    nodes: Sequence[Expr] = list(walk(*roots))
    called = symbols_among(nodes)
    arguments = [*arguments, *called]
    given = [a for a in arguments if isinstance(a, Expr)]
    roots, nodes = rewritten(roots, nodes)
    roots, nodes = walked(_short(roots, nodes), roots, nodes)
    own = set(assigned)
    known = [v for v in dict.fromkeys([*given, *(n for n in nodes if n.op is VARIABLE)]) if v not in own]
    name_parameters(program, arguments, known, called)
    taken = {"np", name, *program.parameters.values()}
    safe, both, names_of_sizes = with_safe_sizes(roots, nodes, [*known, *assigned], taken)
    roots, nodes = walked(safe, roots, nodes)
    known = both[: len(known)]
    taken |= set(names_of_sizes)
    for symbol in assigned:
        plain = normalize("NFKC", symbol.params[0]).replace("δ", "delta")
        program.symbols[symbol.params[0]] = free_name(plain if plain.isidentifier() else "value", taken)
    try:
        body, results = _body(roots, nodes, program.parameters | program.symbols, taken, list(program.symbols.values()))
    except OverflowError as error:
        raise LimitError("a number in this formula is too large for floating point") from error
    returned = ", ".join(results) + ("," if not single and len(results) == 1 else "")
    body.append("return " + (returning(program.symbols) if returning else returned))
    finish(program, body, taken, names_of_sizes, known)
    return program


def finish(
    program: Program, body: list[str], taken: set[str], names_of_sizes: Mapping[str, str], known: Sequence[Expr]
) -> None:
    """Enters the lines of the body, with the helpers that they call and the sizes that they name."""
    text = "\n".join(body)
    program.helpers = sorted({m[1] for m in CALLS.finditer(text)})
    for h in list(program.helpers):
        program.helpers += [n for n in NEEDS.get(h, ()) if n not in program.helpers]
    program.helpers.sort(key=[*SCIPY, *OWN].index)
    for h in program.helpers:
        if h in taken:
            program.clashes[h] = free_name(h + "_function", taken)
    if program.clashes:
        body = [CALLS.sub(lambda m: program.renamed(m[1]) + "(", line) for line in body]
    needed = set(names_of_sizes) & set(WORDS.findall(TEXTS.sub("", text))) if names_of_sizes else set()
    bindings = bind(known)
    wanted = needed | further_sizes(needed, bindings)
    program.sizes = {names_of_sizes[n]: n for n in names_of_sizes if n in wanted and n not in bindings}
    program.lines = [*size_lines(wanted, bindings, known, program.parameters), *body]


def _check_identifier(name: str) -> None:
    if not name.isidentifier():
        raise NotationError(f"{name!r} cannot be a name in Python")


def free_name(name: str, taken: set[str]) -> str:
    while name in taken or iskeyword(name):
        name += "_"
    taken.add(name)
    return name


def name_parameters(
    program: Program, arguments: Sequence[str | Expr], known: Sequence[Expr], called: Collection[str]
) -> None:
    """Enters the parameters: the arguments in their order, then the variables that were not among them."""
    names = [a if isinstance(a, str) else a.params[0] for a in arguments]
    variables = [v.params[0] for v in known]
    # variables first, then the functions that are called
    names = list(dict.fromkeys([*(n for n in names if n not in called), *variables, *names]))
    by_name(known)
    taken = {"np", program.name}
    for n in names:
        _check_identifier(n)
        program.parameters[n] = n
        if _safe(n, taken) and not (n in called and n in (*OWN, *SCIPY)):
            taken.add(n)
    for n in names:
        if n not in taken or n in ("np", program.name):
            program.parameters[n] = free_name(normalize("NFKC", n) + "_", taken)


def by_name(known: Sequence[Expr]) -> dict[str, Expr]:
    """The variables by name.

    Raises:  ShapeError, where two of different shapes have one name
    """
    found: dict[str, Expr] = {}
    for v in known:
        other = found.setdefault(v.params[0], v)
        if other.shape != v.shape:
            shapes = f"{show_shape(other.shape)} and {show_shape(v.shape)}"
            raise ShapeError(f"two variables of different shapes are called {v.params[0]}: {shapes}")
    return found


def _safe(name: str, taken: set[str]) -> bool:
    """Does Python take the name as it stands? (It reads µ, the micro sign, as the letter μ.)"""
    return name not in taken and not iskeyword(name) and (name.isascii() or normalize("NFKC", name) == name)


def with_safe_sizes(
    roots: list[Expr], nodes: Sequence[Expr], known: list[Expr], taken: set[str]
) -> tuple[list[Expr], list[Expr], dict[str, str]]:
    """Expressions and variables with dimension names that clash renamed, and name now -> name before, of all.

    nodes: those of the expressions, arguments first
    """
    dims: dict[Any, None] = {}
    every = dict.fromkeys([*nodes, *known])
    for node in every:
        for d in node.shape:
            dims[d] = None
        for d in node.params:
            if d.__class__ is Dim:
                dims[d] = None
    names = dict.fromkeys(name for d in dims if d is not UNIT for name in sorted(d.names()))
    reserved = taken | set(OWN) | set(SCIPY)
    change: dict[str, Dim] = {}
    found: dict[str, str] = {}
    for n in names:
        new = n
        if not _safe(n, reserved):
            new = free_name(normalize("NFKC", n) + "_", reserved | set(names))
            reserved.add(new)
            change[n] = dim(new)
        found[new] = n
    if not change:
        return roots, known, found
    new_nodes: dict[Expr, Expr] = {}
    for node in every:
        params = tuple(p.substitute(change) if isinstance(p, Dim) else p for p in node.params)
        shape = tuple(d if d is UNIT else d.substitute(change) for d in node.shape)
        new_nodes[node] = make(node.op, tuple(new_nodes[a] for a in node.args), params, shape)
    return [new_nodes[r] for r in roots], [new_nodes[v] for v in known], found


def _short(roots: list[Expr], nodes: Sequence[Expr]) -> list[Expr]:
    """Long sums and products as sums of sums, so that no line is long; products are cut at the side of a vector."""
    if not any(len(n.args) > RUN for n in nodes):
        return roots
    new: dict[Expr, Expr] = {}
    for node in nodes:
        args = tuple(new[a] for a in node.args)
        if len(args) <= RUN or node.op not in SPLIT:
            new[node] = node if args == node.args else make(node.op, args, node.params, node.shape)
        elif node.op is PRODUCT:
            new[node] = _short_product(args)
        else:
            params = node.params
            while len(args) > RUN:
                head = make(node.op, args[:RUN], params[:RUN], node.shape)
                args, params = (head, *args[RUN:]), (1, *params[RUN:])
                if len(args) > RUN * RUN:  # a tree, not a chain of quadratic cost
                    blocks = [slice(i, i + RUN) for i in range(0, len(args), RUN)]
                    args = tuple(make(node.op, args[b], params[b], node.shape) for b in blocks)
                    params = (1,) * len(args)
            new[node] = make(node.op, args, params, node.shape)
    return [new[r] for r in roots]


def _short_product(args: tuple[Expr, ...]) -> Expr:
    cut = next((i for i, a in enumerate(args[:-1]) if a.shape[1] is UNIT), None)
    if cut is not None:
        args = (_short_product(args[: cut + 1]), _short_product(args[cut + 1 :]))
    elif args[-1].shape[1] is UNIT and args[0].shape[0] is not UNIT:
        tail = list(args)
        while len(tail) > RUN:
            block = tail[-RUN:]
            tail[-RUN:] = [make(PRODUCT, tuple(block), (), (block[0].shape[0], UNIT))]
        args = tuple(tail)
    else:
        chain = list(reversed(args))
        while len(chain) > RUN:
            block = chain[-RUN:][::-1]
            chain[-RUN:] = [make(PRODUCT, tuple(block), (), (block[0].shape[0], block[-1].shape[1]))]
        args = tuple(reversed(chain))
    return make(PRODUCT, args, (), (args[0].shape[0], args[-1].shape[1])) if len(args) > 1 else args[0]


def _body(
    roots: list[Expr], nodes: Sequence[Expr], parameters: Mapping[str, str], taken: set[str], named: Sequence[str] = ()
) -> tuple[list[str], list[str]]:
    """The assignments and the source of the results. A node used twice, nested deep or written long gets a name.

    named: what the first roots are assigned to, each before what comes after it is computed
    """
    order, uses = _evaluated(roots, nodes)
    names: dict[Expr, list[str]] = {}
    for root, name in zip(roots, named, strict=False):
        names.setdefault(root, []).append(name)
    text: dict[Expr, str] = {}
    nesting: dict[Expr, int] = {}
    lines: list[str] = []
    count = 0
    finals = set(roots)
    for node in order:
        if node.op is VARIABLE:
            text[node], nesting[node] = parameters[node.params[0]], 0
            lines.extend(f"{name} = {text[node]}" for name in names.get(node, ()))
            continue
        operands = node.op.operands(node)
        source = node.op.numpy(node, [text[a] for a in operands])
        if node.op.name in REAL_BY_FORM and node.real and not all(a.real for a in node.args):
            source = f"np.real({source})"
        if isinstance(node.op, DeclaredPage):  # its parameter may have another name
            symbol = node.op.symbol(node)
            source = source.replace(f"{symbol}(", f"{parameters[symbol]}(", 1)
        level = 1 + max([nesting[a] for a in operands], default=0)
        if node in names:
            lines.append(f"{' = '.join(names[node])} = {_bare(source)}")
            source, level = names[node][0], 0
        elif source.isidentifier() or (not node.args and "(" not in source) or node.op is SELECTION:
            level = 0
        elif node.op is TRANSPOSE and nesting[node.args[0]] == 0:
            level = 0  # X.T is as good as a name
        elif uses[node] > 1 or level > NESTING or (len(source) > WIDTH and node not in finals):
            count += 1
            while f"t{count}" in taken:
                count += 1
            lines.append(f"t{count} = {_bare(source)}")
            source, level = f"t{count}", 0
        text[node], nesting[node] = source, level
    return [_tidy(line) for line in lines], [_tidy(_bare(text[r])) for r in roots]


def _evaluated(roots: Sequence[Expr], nodes: Sequence[Expr]) -> tuple[list[Expr], dict[Expr, int]]:
    """The nodes whose values are needed, arguments first, and by how many nodes and roots each is."""
    uses: dict[Expr, int] = {}
    for r in roots:
        uses[r] = uses.get(r, 0) + 1
    order = []
    for node in reversed(nodes):
        if node in uses:
            order.append(node)
            for a in node.op.operands(node):
                uses[a] = uses.get(a, 0) + 1
    return order[::-1], uses


def _tidy(source: str) -> str:
    """The source with f((a + b)) as f(a + b), and without parentheses around names and calls."""
    if not SUPERFLUOUS.search(source):
        return source
    opened: list[int] = []
    drop: set[int] = set()
    close: dict[int, int] = {}
    tuples: set[int] = set()
    for mark in MARKS.finditer(source):
        i, c = mark.start(), mark[0]
        if c == "(":
            opened.append(i)
        elif c == ")":
            close[opened.pop()] = i
        elif opened:
            tuples.add(opened[-1])
    for i, j in close.items():
        if i > 0 and (source[i - 1].isalnum() or source[i - 1] == "_"):  # a call
            if close.get(i + 1) == j - 1 and i + 1 not in tuples:
                drop |= {i + 1, j - 1}
        else:
            atom = ATOM.match(source, i + 1)
            if atom and (atom.end() == j or close.get(atom.end()) == j - 1):
                drop |= {i, j}
    places = sorted(drop)
    return "".join([source[i + 1 : j] for i, j in pairwise([-1, *places, len(source)])])


def _bare(source: str) -> str:
    """The source without a pair of parentheses around all of it."""
    if not source.startswith("("):
        return source
    depth = 0
    for mark in PARENTHESES.finditer(source):
        depth += 1 if mark[0] == "(" else -1
        if depth == 0:
            return source[1:-1] if mark.end() == len(source) else source
    return source


def further_sizes(needed: set[str], bindings: Bindings) -> set[str]:
    """The sizes that the needed ones are computed from."""
    found: set[str] = set()
    stack = list(needed)
    while stack:
        n = stack.pop()
        if n in bindings:
            new = bindings[n].others - found
            found |= new
            stack.extend(new)
    return found


def size_lines(wanted: set[str], bindings: Bindings, known: Sequence[Expr], parameters: Mapping[str, str]) -> list[str]:
    """The assignments of the sizes that the program names."""
    lines = []
    done: set[str] = set()
    by_variable: dict[Expr, list[str]] = {}
    for n, b in bindings.items():
        if n in wanted and b.direct:
            by_variable.setdefault(b.variable, []).append(n)
    for v in known:  # n, m = X.shape
        direct = by_variable.get(v, [])
        if len(direct) == len(axes(v.shape)) > 1:
            direct.sort(key=lambda n: bindings[n].axis)
            lines.append(f"{', '.join(direct)} = {parameters[v.params[0]]}.shape")
            done.update(direct)
    for n, b in bindings.items():
        if n in wanted and n not in done:
            lines.append(f"{n} = " + b.text(f"{parameters[b.variable.params[0]]}.shape[{b.axis}]"))
    return lines
