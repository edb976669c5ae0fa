"""What does not fit in a text that is well formed, in words: asked only once something is wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from frechet.expressions.dimension import SCALAR, UNIT, Dim, Shape, dim, kind, show_shape
from frechet.expressions.errors import FrechetError, NotationError, ShapeError, UnsupportedError
from frechet.notation.formula import Formula, described
from frechet.notation.function_mistakes import LONGEST, declared_call, own, unknown_derivative
from frechet.notation.functions import FILLED, functions
from frechet.notation.inference import LETTERS, Contradiction, Unifier, letter
from frechet.operations.declared_functions import DeclaredPage

if TYPE_CHECKING:
    from frechet.expressions.operation import Operation

SHOWN = 6  # blocks told in an error
SIGNS = {
    "add": "+", "sub": "-", "hadamard": ".*", "ediv": "./", "frobenius": ":", "epower": ".^", "broadcast_add": ".+",
    "broadcast_sub": ".-",
}  # fmt: skip
OTHER_NAMES = {
    "trace": "tr", "transpose": "X'", "t": "X'", "inverse": "inv", "eig": "eigvals", "norm": "norm2", "fro": "norm2",
    "ln": "log", "identity": "eye", "I": "eye", "slogdet": "logdet", "diagm": "diag", "mtimes": "*", "hadamard": ".*",
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "pow": "^", "power": "^", "matmul": "*", "maximum": "max",
    "minimum": "min", "svd": "svdvals", "qr": "qrq", "lu": "lul", "chol": "cholesky", "ldl": "ldll",
    "schatten": "normschatten", "logistic": "sigmoid", "sgn": "sign", "heaviside": "step", "frobenius": "A:B",
    "sec": "1/cos", "cot": "1/tan", "log_softmax": "logsoftmax", "layer_norm": "layernorm", "batch_norm": "batchnorm",
    "cross_entropy": "crossentropy", "leaky_relu": "leakyrelu", "bce": "binarycrossentropy", "variance": "var",
}  # fmt: skip


class _Words:
    """Parts of the text with their shapes. Dimensions that are unknown get letters as they are mentioned."""

    def __init__(self, formula: Formula) -> None:
        self.formula = formula
        self.nodes, self.unifier = formula.nodes, formula.unifier
        self.letters: dict[str, Dim] = {}
        self.taken = {str(n.value) for n in formula.nodes if n.kind == "name"}
        self.taken |= formula.dimensions | formula.known.keys() | formula.given.keys() | formula.definitions.keys()
        self.taken |= formula.functions.keys()

    def dim(self, d: Dim) -> Dim:
        for unknown in self.unifier.free((d,)):
            name = unknown.text
            if name not in self.letters:
                self.letters[name] = dim(letter(LETTERS, self.taken))
        return self.unifier.find(d).substitute(self.letters)

    def shape(self, i: int) -> Shape:
        return tuple(map(self.dim, self.formula.shapes[i]))

    def text(self, i: int) -> str:
        node = self.nodes[i]
        text = " ".join(self.formula.text[node.start : node.end].split())
        return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"

    def factor(self, i: int, tight: bool = False) -> str:
        """The part as a factor of a product, or, if tight, as what ' or ^ is written after."""
        loose = {"add", "sub", "neg", "frobenius"}
        if tight:
            loose |= {"mul", "div", "hadamard", "ediv", "kron", "solve", "power", "epower", "transpose", "ctranspose"}
        text = self.text(i)
        wrapped = text.startswith("(") and text.endswith(")") and _one_group(text)
        return f"({text})" if self.nodes[i].kind in loose and not wrapped else text

    def turned(self, i: int) -> str:
        """The part transposed; X for X'."""
        node = self.nodes[i]
        if node.kind in ("transpose", "ctranspose"):
            return self.factor(node.args[0])
        return self.factor(i, tight=True) + "'"

    def says(self, i: int) -> str:
        return f"{self.text(i)} is {described(self.shape(i))}"

    def agree(self, given: Shape, wanted: Shape | None) -> bool:
        """May the shapes be the same?"""
        return wanted is not None and all(self.could(a, b) for a, b in zip(given, wanted, strict=True))

    def could(self, a: Dim, b: Dim) -> bool:
        """May the two dimensions be equal?"""
        return could_equal(self.unifier, a, b)


def _one_group(text: str) -> bool:
    depth = 0
    for place, c in enumerate(text):
        depth += (c in "([{") - (c in ")]}")
        if depth == 0 and place < len(text) - 1:
            return False
    return True


def could_equal(unifier: Unifier, a: Dim, b: Dim) -> bool:
    a, b = unifier.find(a), unifier.find(b)
    if a is b:
        return True
    if a is UNIT or b is UNIT:
        return False
    return any(name[0] == "?" for name in a.names() | b.names())


def shape_error(formula: Formula, i: int, error: ShapeError) -> FrechetError:
    """The error of a shape rule at node i, with its place and in words."""
    words = _Words(formula)
    node = formula.nodes[i]
    what = node.kind
    parts = formula.calls[i].args if what == "call" else node.args
    indexed = what == "call" and node.value in ("einsum", "reshape")
    if indexed or any(type(s := formula.shapes[a]) is tuple and len(s) > 2 for a in parts):
        message = _with_tensor(words, i, parts, error)
    elif what == "mul":
        message = _product(words, *node.args)
    elif what in ("add", "sub"):
        message = _sum(words, node.args[0], node.args[1], "+" if what == "add" else "-")
    elif what in ("hadamard", "ediv", "frobenius"):
        sign = {"hadamard": ".*", "ediv": "./", "frobenius": ":"}[what]
        message = _elementwise(words, node.args[0], node.args[1], sign)
    elif what == "div":
        message = _division(words, *node.args)
    elif what == "power":
        message = _power(words, *node.args)
    elif what == "epower":
        base, exponent = node.args
        message = f"{words.says(base)} and the exponent {words.says(exponent)}: "
        message += "it must be a scalar, or of the same shape"
    elif what == "solve":
        message = _solve(words, *node.args)
    elif what == "call":
        message = _call(words, i, error)
    elif what in ("broadcast_add", "broadcast_sub"):
        sign = ".+" if what == "broadcast_add" else ".-"
        message = _broadcast(words, node.args[0], node.args[1], sign)
    elif what == "blocks":
        message = _blocks(words, node.args)
    elif what == "index":
        message = _range_of_index(words, i, error)
    else:
        message = str(error)
    if not isinstance(error, Contradiction) and error.message.startswith("the dimensions cannot be told"):
        message = error.message
    elif what in ("add", "sub") and _is_scalar_sum(words, *node.args):
        scalar = node.args[0] if words.shape(node.args[0]) == SCALAR else node.args[1]
        return formula.error_at(scalar, message, ShapeError)
    return formula.error_at(i, message, ShapeError)


def _with_tensor(words: _Words, i: int, parts: Sequence[int], error: ShapeError) -> str:
    """What is wrong with parts of which one is a tensor."""
    says, node = " and ".join(map(words.says, parts)), words.nodes[i]
    what = str(node.value) if node.kind == "call" else node.kind
    if what == "einsum":
        return f"{error.message}: {says}"
    if what == "reshape":
        return f"the numbers of entries differ: {says}" if isinstance(error, Contradiction) else error.message
    sign = SIGNS.get(what, what)
    if what in ("add", "sub") and SCALAR in map(words.shape, parts):
        scalar, array = sorted(parts, key=lambda a: words.shape(a) != SCALAR)
        c = "" if words.text(scalar) == "1" else words.factor(scalar) + "*"
        every = f"ones({','.join(map(str, words.shape(array)))})"
        return f"{says}: write {c}{every} to add {words.text(scalar)} to every entry"
    if isinstance(error, Contradiction) or error.message == "kinds":
        return f"{sign} takes no tensors: {says}" if len(parts) == 1 else f"{sign} needs equal shapes here: {says}"
    if what == "mul":
        return f"a tensor has no matrix product: {says}; einsum multiplies and sums over indices"
    if what in ("transpose", "ctranspose"):
        return f"a tensor has no transpose: {says}; einsum permutes axes"
    if what in ("div", "power"):
        return f"{'/ divides by' if what == 'div' else 'the exponent of ^ is'} a scalar, and {says}"
    if "takes no tensors" in error.message and len(parts) == 1:
        return f"{error.message.split(', ')[0]}: {says}"  # its own dimensions may have no names yet
    return f"{error.message}: {says}"


def _is_scalar_sum(words: _Words, a: int, b: int) -> bool:
    return (words.shape(a) == SCALAR) != (words.shape(b) == SCALAR) and len(words.shape(a)) == len(words.shape(b))


def _product(words: _Words, a: int, b: int) -> str:
    s, t = words.formula.shapes[a], words.formula.shapes[b]
    could, kinds = words.could, (kind(s), kind(t))
    left, right = words.factor(a), words.factor(b)
    says = f"{words.text(a)}: {show_shape(words.shape(a))} and {words.text(b)}: {show_shape(words.shape(b))}"
    if kinds in (("vector", "vector"), ("row", "row")):
        vectors = kinds[0] == "vector"
        inner = f"{words.turned(a)}*{right}" if vectors else f"{left}*{words.turned(b)}"
        outer = f"{left}*{words.turned(b)}" if vectors else f"{words.turned(a)}*{right}"
        axis = 0 if vectors else 1
        n, m = words.shape(a)[axis], words.shape(b)[axis]
        need = "" if n is m else f", needs {n} = {m}"
        both = "both column vectors" if vectors else "both rows"
        number = f"{inner} (a number{need}) or " if could(s[axis], t[axis]) else ""
        return f"{says} are {both}: did you mean {number}{outer} ({show_shape((n, m))})?"
    fitting: list[tuple[str, Shape]] = []
    n, k = words.shape(a)
    m, p = words.shape(b)
    if could(s[0], t[0]) and s[1] is not UNIT:
        fitting.append((f"{words.turned(a)}*{right}", (k, p)))
    if could(s[1], t[1]) and t[0] is not UNIT:
        fitting.append((f"{left}*{words.turned(b)}", (n, m)))
    if could(t[1], s[0]) and kinds != ("matrix", "matrix"):
        fitting.append((f"{right}*{left}", (m, k)))
    if kinds == ("vector", "matrix") and could(s[0], t[0]):
        fitting.append((f"{words.turned(a)}*{right}", (UNIT, p)))
    if kinds[0] == kinds[1] == "matrix" and could(s[0], t[0]) and could(s[1], t[1]):
        fitting.append((f"{left}.*{right}", (n, k)))
        fitting.append((f"tr({words.turned(a)}*{right})", SCALAR))
    why = f"a {kinds[0]} times a {kinds[1]} has no meaning"
    if UNIT not in (k, m):
        why = f"the inner dimensions are {k} and {m}"
    return f"{says}: {why}{_meant(fitting)}"


def _meant(fitting: Sequence[tuple[str, Shape]]) -> str:
    if not fitting:
        return ""
    shown = [f"{text} ({'a number' if shape == SCALAR else show_shape(shape)})" for text, shape in fitting]
    return f": did you mean {', '.join(shown[:-1]) + ' or ' if len(shown) > 1 else ''}{shown[-1]}?"


def _sum(words: _Words, a: int, b: int, sign: str) -> str:
    if _is_scalar_sum(words, a, b):
        array, scalar = (a, b) if words.shape(b) == SCALAR else (b, a)
        shape = words.shape(array)
        c = "" if words.text(scalar) == "1" else words.factor(scalar) + "*"
        n, m = shape
        message = f"{words.says(array)}, {words.says(scalar)}: write "
        if kind(shape) != "matrix":
            ones = f"ones({n})" if m is UNIT else f"ones({m})'"
            return f"{message}{c}{ones} to add {words.text(scalar)} to every entry"
        message += f"{c}ones({n},{m}) to add {words.text(scalar)} to every entry"
        square = words.could(*words.formula.shapes[array])
        if square:
            message += f", {c}eye({n}) to add it on the diagonal{'' if n is m else f' ({n} = {m})'}"
        if square and words.nodes[array].kind in ("mul", "div", "transpose", "power"):
            message += f". If {words.text(array)} should be a number: did you mean tr({words.text(array)})?"
        return message
    message = f"{words.says(a)} and {words.says(b)}: only equal shapes can be {'added' if sign == '+' else 'subtracted'}"
    return message + _transposed_hint(words, a, b, f" {sign} ")


def _broadcast(words: _Words, a: int, b: int, sign: str) -> str:
    message = f"{words.says(a)} and {words.says(b)}: {sign} adds a number to every entry, a row to every row, a vector to"
    return message.replace("adds", "subtracts") if sign == ".-" else message + " every column"


def _blocks(words: _Words, args: Sequence[int]) -> str:
    says = ", ".join(map(words.says, args[:SHOWN])) + (", …" if len(args) > SHOWN else "")
    return f"{says}: blocks side by side need equally many rows, blocks one below the other equally many columns"


def _range_of_index(words: _Words, i: int, error: ShapeError) -> str:
    if not isinstance(error, Contradiction):
        return error.message
    scope, names = words.formula.scopes.get(i), [words.text(a) for a in words.nodes[i].args[1:]]
    while scope is not None and scope[0] not in names:
        scope = scope[2]
    name = scope[0] if scope is not None else "the index"
    runs = words.dim(scope[1]) if scope is not None else error.left
    return f"{words.says(words.nodes[i].args[0])}, and {name} runs from 1 to {runs} elsewhere in this sum"


def _transposed_hint(words: _Words, a: int, b: int, sign: str) -> str:
    s, t = words.formula.shapes[a], words.formula.shapes[b]
    if all(words.could(x, y) or x is y for x, y in zip(s, t[::-1], strict=True)):
        turned = b if words.nodes[b].kind == "transpose" or words.nodes[a].kind != "transpose" else a
        left = words.turned(a) if turned == a else words.factor(a)
        right = words.turned(b) if turned == b else words.factor(b)
        return f": did you mean {left}{sign}{right}?"
    return ""


def _elementwise(words: _Words, a: int, b: int, sign: str) -> str:
    s, t = words.formula.shapes[a], words.formula.shapes[b]
    message = f"{words.says(a)} and {words.says(b)}: {sign} needs equal shapes"
    hint = _transposed_hint(words, a, b, sign)
    if hint or sign == ":":
        return message + hint
    if {kind(s), kind(t)} == {"matrix", "row"}:
        matrix, row = (a, b) if kind(s) == "matrix" else (b, a)
        if (sign == "./" and row != b) or not words.could(words.formula.shapes[row][1], words.formula.shapes[matrix][1]):
            return message
        x = words.turned(row) if sign == ".*" else f"1./{words.turned(row)}"
        return f"{message}: did you mean {words.factor(matrix)}*diag({x}) (every row)?"
    if {kind(s), kind(t)} == {"matrix", "vector"}:
        matrix, vector = (a, b) if kind(s) == "matrix" else (b, a)
        shape, n = words.formula.shapes[matrix], words.formula.shapes[vector][0]
        x = words.text(vector)
        if sign == "./":
            if vector != b:
                return message
            x = f"1./{words.factor(vector)}"
        options = []
        if words.could(shape[0], n):
            options.append(f"diag({x})*{words.factor(matrix)} (every column)")
        if words.could(shape[1], n):
            options.append(f"{words.factor(matrix)}*diag({x}) (every row)")
        if options:
            return f"{message}: did you mean {' or '.join(options)}?"
    return message


def _division(words: _Words, a: int, b: int) -> str:
    s, t = words.formula.shapes[a], words.formula.shapes[b]
    above, below = words.factor(a), words.factor(b)
    options = []
    tight = words.nodes[b].kind not in ("power", "epower", "transpose")
    if s == SCALAR or all(words.could(x, y) for x, y in zip(s, t, strict=True)):
        options.append(f"{above}./{words.factor(b, tight)} (entry by entry)")
    if kind(t) == "matrix" and words.could(*t):
        if s == SCALAR or words.could(s[1], t[0]):
            options.append(f"{'' if words.text(a) == '1' else above + '*'}inv({words.text(b)})")
        if s != SCALAR and words.could(t[1], s[0]):
            options.append(f"inv({words.text(b)})*{above}, which is {below}\\{words.factor(a, tight=True)}")
    hint = f": did you mean {' or '.join(options)}?" if options else ""
    name = words.text(b)
    if name in LETTERS and name not in words.formula.known and name not in words.formula.given:
        hint += f" If {name} is a dimension, a declaration should say so, as in x: {name}."
    return f"/ divides by a scalar, and {words.says(b)}{hint}"


def _power(words: _Words, base: int, exponent: int) -> str:
    x, k = words.factor(base, tight=True), words.factor(exponent, tight=True)
    s = words.formula.shapes[base]
    if words.formula.shapes[exponent] != SCALAR:
        return f"the exponent {words.says(exponent)}: it must be a number; {x}.^{k} is taken entry by entry"
    if kind(s) == "matrix":
        also = f" or {words.turned(base)}*{words.factor(base)}" if k == "2" else ""
        return f"{x}^{k} needs a square matrix, and {words.says(base)}: did you mean {x}.^{k} (every entry){also}?"
    also = ""
    if k == "2":
        pair = [words.turned(base), words.factor(base)]
        inner = "*".join(pair if kind(s) == "vector" else pair[::-1])
        also = f" or {inner} or norm2({words.text(base)})^2 (numbers)"
    message = f"{words.says(base)}, a {kind(s)}, and ^ is for scalars and square matrices"
    return f"{message}: did you mean {x}.^{k} (every entry){also}?"


def matrix_exponent(formula: Formula, i: int) -> FrechetError:
    """The error for a matrix with an exponent that is no whole number."""
    words = _Words(formula)
    base, exponent = formula.nodes[i].args
    every = f"{words.factor(base, tight=True)}.^{words.factor(exponent, tight=True)} is taken entry by entry"
    half = words.text(exponent) in ("1/2", "0.5", ".5")
    whole = f"sqrtm({words.text(base)})" if half else f"powm({words.text(base)},{words.text(exponent)})"
    what = "root" if half else "power"
    message = f"{words.says(base)}, so the exponent must be a whole number: {every}, {whole} the matrix {what}"
    return formula.error_at(exponent, message, UnsupportedError)


def _solve(words: _Words, a: int, b: int) -> str:
    s, t = words.formula.shapes[a], words.formula.shapes[b]
    if kind(s) == "scalar":
        return f"A\\b solves A*z = b, and {words.says(a)}: did you mean {words.factor(b)}/{words.factor(a, tight=True)}?"
    if kind(s) != "matrix" or not words.could(*s):
        hint = f": did you mean pinv({words.text(a)})*{words.factor(b)}?" if words.could(s[0], t[0]) else ""
        if kind(s) != "matrix":
            hint = ""
        return f"A\\b needs a square matrix on the left, and {words.says(a)}{hint}"
    if kind(t) not in ("vector", "matrix"):
        return f"A\\b needs a vector or matrix on the right, and {words.says(b)}"
    return f"{words.says(a)} and {words.says(b)}: the numbers of rows are {words.shape(a)[0]} and {words.shape(b)[0]}"


def _call(words: _Words, i: int, error: ShapeError) -> str:
    call, node = words.formula.calls[i], words.nodes[i]
    name, args = node.value, call.args
    if not args:
        return error.message
    if isinstance(call.page, DeclaredPage):
        return declared_call(words, i, call)
    s = words.formula.shapes[args[0]]
    if name == "solve":
        return _solve(words, *args)
    says = " and ".join(words.says(a) for a in args)
    if name == "unvec" and isinstance(error, Contradiction):
        n, m = call.params
        return f"{says}, and a matrix of {show_shape((n, m))} has {n * m} entries"
    if len(args) > 1:
        if isinstance(error, Contradiction) or error.message == "kinds":
            hint = _transposed_hint_call(words, str(name), *args) if len(args) == 2 else ""
            return f"{name} needs equal shapes here: {says}{hint}"
        return f"{error.message}: {says}"
    if len(args) == 1 and (isinstance(error, Contradiction) or "square" in error.message):
        hint = ""
        x = words.text(args[0])
        if kind(s) in ("vector", "row"):
            if name == "tr":
                hint = f": did you mean sum({x})?"
            elif name in ("inv", "pinv"):
                hint = f": did you mean 1./{words.factor(args[0], tight=True)} (every entry) or inv(diag({x}))?"
            elif name in ("det", "logdet"):
                hint = f": did you mean {name}(diag({x}))?"
        elif s == SCALAR and name in ("inv", "adj"):
            hint = f": did you mean 1/{words.factor(args[0], tight=True)}?" if name == "inv" else ""
        elif kind(s) == "matrix" and name in ("det", "logdet"):
            hint = f": did you mean {name}({words.turned(args[0])}*{words.factor(args[0])})?"
        elif kind(s) == "matrix" and name == "inv":
            hint = f": did you mean pinv({x})?"
        elif name == "diag" and s == SCALAR:
            return f"diag needs a vector or a square matrix, and {says}"
        return f"{name} needs a square matrix, and {says}{hint}"
    return f"{error.message}: {says}"


def _transposed_hint_call(words: _Words, name: str, a: int, b: int) -> str:
    s, t = words.formula.shapes[a], words.formula.shapes[b]
    if all(words.could(x, y) or x is y for x, y in zip(s, t[::-1], strict=True)):
        return f": did you mean {name}({words.text(a)}, {words.turned(b)})?"
    return ""


def unknown_function(formula: Formula, i: int) -> FrechetError:
    """The error for a call of a name that is no function."""
    from difflib import get_close_matches

    node = formula.nodes[i]
    name = str(node.value)
    start, end = node.start, node.start + len(name)
    if re.fullmatch(r"prod_\w+", name):
        return formula.error(UnsupportedError, f"{name} is not supported yet", start, end)
    derivative = unknown_derivative(formula, i, name)
    if derivative is not None:
        return derivative
    a_name = any(n.kind == "name" and n.value == name for n in formula.nodes) or any(
        name in names for names in (formula.known, formula.given, formula.definitions, formula.dimensions)
    )
    if a_name or (len(name) == 1 and name not in OTHER_NAMES):
        inside = " ".join(formula.text[end : node.end].split())
        shown = f"{name}*{inside}" if len(inside) <= LONGEST else f"{name}*(…)"
        hint = f": did you mean {shown}?" if inside != "()" else ""
        return formula.error(NotationError, f"{name} is no function{own(hint, name)}", start, end)
    if name in OTHER_NAMES:
        return formula.error(NotationError, f"no function of that name: did you mean {OTHER_NAMES[name]}?", start, end)
    names = sorted({*functions(), *FILLED})
    near = get_close_matches(name, names, n=2, cutoff=0.7) or get_close_matches(name.lower(), names, n=2, cutoff=0.7)
    if len(near) == 2 and near[0] not in functions() and near[1] in functions():
        near = near[::-1]
    hint = f": did you mean {' or '.join(near)}?" if near else f": for a product write {name}*(…)"
    return formula.error(NotationError, f"no function of that name{own(hint, name)}", start, end)


def wrong_count(formula: Formula, i: int, rows: Sequence[tuple[str, Operation]]) -> FrechetError:
    """The error for a call with too few or too many arguments."""
    node = formula.nodes[i]
    name, count = str(node.value), len(node.args)
    start, end = node.start, node.end
    counts = sorted({len(takes.rstrip("+")) for takes, _ in rows})
    many = " or ".join(map(str, counts)) + (" or more" if any("+" in takes for takes, _ in rows) else "")
    signatures = " or ".join(dict.fromkeys(page.signature for _, page in rows if page.signature))
    hint = ""
    if name == "eye" and count == 2:
        hint = ": an identity matrix is square"
    if name in ("tr", "det") and count == 2:
        hint = f": did you mean {name}(A*B)?"
    plural = "argument" if counts == [1] else "arguments"
    given = f"{count} {'is' if count == 1 else 'are'} given"
    return formula.error(NotationError, f"{name} takes {many} {plural}, {signatures}, and {given}{hint}", start, end)
