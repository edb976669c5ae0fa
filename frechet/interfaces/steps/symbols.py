"""What the symbols of a page mean: each is explained once, and only those that occur there.

What an operation is called and does stands in `OF_OPERATIONS`; of the others the summary of their page is told. {U} and {V}
stand for letters that the formula does not use.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from frechet.differentiation.derivative import Derivative
from frechet.expressions.dimension import SCALAR
from frechet.expressions.node import Expr, variables, walk
from frechet.expressions.operation import Operation, all_operations
from frechet.interfaces.document import (
    Block,
    Content,
    Details,
    Entry,
    Figure,
    Heading,
    Math,
    Paragraph,
    Step,
    Steps,
    Table,
)
from frechet.notation.declared_calls import derivative_name
from frechet.notation.spaces import Notation
from frechet.operations.declared_functions import functions, symbols

# Written without a name; what stands there instead is in SIGNS.
WRITTEN_AS_SIGNS = frozenset((
    "number", "variable", "size", "pi", "zeros", "transpose", "sum_of_terms", "scale", "product",
    "hadamard", "epower", "matrix_power", "blocks", "1i", "einsum",
))  # fmt: skip
SCHOOL = frozenset((
    "exp", "log", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sqrt", "square", "abs",
    "min", "max", "maximum", "minimum",
))  # fmt: skip
"""Known from school as functions of numbers; of arrays it is said that they act entry by entry."""
ENTRYWISE = frozenset(("exp", "log", "sin", "cos", "tan", "arcsin", "arccos", "arctan"))

OF_OPERATIONS: dict[str, tuple[str, str]] = {
    "tr": ("tr", "the sum of the diagonal"),
    "sum": ("sum", "the sum of all entries"),
    "norm2": ("‖{U}‖", "the root of the sum of the squares of all entries"),
    "norm1": ("‖{U}‖₁", "the sum of the absolute values of all entries"),
    "normp": ("‖{U}‖ₚ", "the p-norm of the entries, (Σ |z|^p)^(1/p)"),
    "kron": ("{U} ⊗ {V}", "the Kronecker product, the blocks uᵢⱼ {V}"),
    "vec": ("vec", "the columns stacked into one vector"),
    "diag": ("diag", "the diagonal matrix of a vector, or the diagonal of a matrix as a vector"),
    "diagonal": ("diag", "the diagonal matrix of a vector, or the diagonal of a matrix as a vector"),
    "det": ("det", "the determinant"),
    "logdet": ("log det", "the logarithm of the determinant"),
    "eye": ("I", "the identity matrix"),
    "ones": ("𝟏", "an array of ones"),
    "commutation": ("K", "the matrix with K vec({V}) = vec({V}ᵀ); its sizes stand below"),
    "sigmoid": ("σ", "1/(1 + exp(−z)) for every entry z"),
    "softplus": ("softplus", "log(1 + exp(z)) for every entry z"),
    "logsigmoid": ("logsigmoid", "log(1/(1 + exp(−z))) for every entry z"),
    "relu": ("relu", "max(z, 0) for every entry z"),
    "step": ("step", "1 where an entry is positive, else 0"),
    "sign": ("sign", "1 where an entry is positive, −1 where it is negative, 0 where it is 0"),
    "huber": ("huber", "z²/2 where |z| is at most the threshold, a straight line beyond, for every entry z"),
    "clip": ("clip", "every entry moved into the interval between the two bounds"),
    "sinh": ("sinh", "(exp(z) − exp(−z))/2 for every entry z"),
    "cosh": ("cosh", "(exp(z) + exp(−z))/2 for every entry z"),
    "tanh": ("tanh", "(exp(z) − exp(−z))/(exp(z) + exp(−z)) for every entry z"),
    "arcsinh": ("arcsinh", "the inverse of sinh, for every entry"),
    "arccosh": ("arccosh", "the inverse of cosh, for every entry"),
    "arctanh": ("arctanh", "the inverse of tanh, for every entry"),
    "log1p": ("log1p", "log(1 + z) for every entry z"),
    "expm1": ("expm1", "exp(z) − 1 for every entry z"),
    "erf": ("erf", "the error function, 2/√π times the integral of exp(−t²) from 0 to z, for every entry z"),
    "erfc": ("erfc", "1 − erf(z), with erf the error function, for every entry z"),
    "gamma": ("gamma", "the function with gamma(n) = (n − 1)! and gamma(z + 1) = z gamma(z), for every entry z"),
    "lgamma": ("lgamma", "the logarithm of gamma, where gamma(n) = (n − 1)!"),
    "digamma": ("digamma", "the derivative of lgamma, the logarithm of the gamma function, for every entry"),
    "trigamma": ("trigamma", "the second derivative of the logarithm of the gamma function, for every entry"),
    "polygamma": ("polygamma(k, z)", "the derivative of order k of digamma; digamma is that of log gamma"),
    "selection": ("I[:,a:b]", "the columns a to b of the identity matrix"),
    "duplication": ("D", "the matrix with D vech({V}) = vec({V}) for symmetric {V}; its size stands below"),
    "elimination": ("L", "the matrix with L vec({V}) = vech({V}); its size stands below"),
    "gelutanh": ("gelutanh", "an approximation by tanh of gelu, z times the normal distribution function at z"),
    "softmax": ("softmax", "exp of every entry, divided by their sum"),
    "logsoftmax": ("logsoftmax", "the logarithm of softmax, which is exp of every entry divided by their sum"),
    "logsumexp": ("logsumexp", "the logarithm of the sum of exp of the entries"),
    "layernorm": ("layernorm", "the entries less their mean, divided by their standard deviation"),
    "rmsnorm": ("rmsnorm", "the entries divided by the root of the mean of their squares"),
    "var": ("var", "the mean squared distance of the entries from their mean"),
    "pinv": ("{U}⁺", "the pseudo-inverse"),
    "expm": ("expm", "the exponential series I + {U} + {U}²/2 + … of a matrix, not entry by entry"),
    "logm": ("logm", "the logarithm of a matrix, the inverse of expm, not entry by entry"),
    "dexpm": ("dexpm({U}, {V})", "the change of expm({U}) to first order for the step {V}"),
    "dlogm": ("dlogm({U}, {V})", "the change of logm({U}) to first order for the step {V}"),
    "kexpm": ("kexpm({U})", "the matrix with vec(dexpm({U}, {V})) = kexpm({U}) vec({V})"),
    "klogm": ("klogm({U})", "the matrix with vec(dlogm({U}, {V})) = klogm({U}) vec({V})"),
    "normnuc": ("normnuc", "the sum of the singular values"),
    "normspec": ("normspec", "the largest singular value"),
    "polar": ("polar", "L Rᵀ of the singular value decomposition L S Rᵀ"),
    "svdu": ("svdu({U}, i)", "the left singular vector of the i-th largest singular value"),
    "svdv": ("svdv({U}, i)", "the right singular vector of the i-th largest singular value"),
    "svdus": ("svdu({U})", "the left singular vectors as columns"),
    "svdvs": ("svdv({U})", "the right singular vectors as columns"),
    "partial_polar": ("polar({U}, k)", "L Rᵀ of the k largest singular values with their vectors, the columns of L and R"),
    "eigmax": ("eigmax", "the largest eigenvalue"),
    "eigmin": ("eigmin", "the smallest eigenvalue"),
    "eigvecmax": ("eigvecmax", "the unit eigenvector of the largest eigenvalue"),
    "eigvecmin": ("eigvecmin", "the unit eigenvector of the smallest eigenvalue"),
    "conj": ("conj", "the complex conjugate"),
    "re": ("re", "the real part"),
    "im": ("im", "the imaginary part"),
    "unit": ("eᵢ", "the i-th column of the identity matrix"),
    "abs": ("|{U}|", "the absolute value of every entry"),
    "sqrt": ("√{U}", "the square root of every entry"),
    "square": ("square", "the square of every entry"),
    "adj": ("adj", "the adjugate, det({U}) {U}⁻¹"),
    "solve": ("solve({U}, {V})", "{U}⁻¹ {V}"),
}  # fmt: skip
# What the text notation, in which everything can be typed, writes for a sign.
TYPED = {
    "‖{U}‖": "norm2({U})", "‖{U}‖₁": "norm1({U})", "‖{U}‖ₚ": "normp({U},p)", "{U} ⊗ {V}": "kron({U},{V})",
    "log det": "logdet",
    "I": "eye(n)", "𝟏": "ones(n)", "K": "commutation(m,n)", "σ": "sigmoid", "{U}⁺": "pinv({U})", "eᵢ": "unit(n,i)",
    "|{U}|": "abs({U})", "√{U}": "sqrt({U})", "I[:,a:b]": "eye(n)[:,a:b]", "D": "duplication(n)", "L": "elimination(n)",
    "{U}⁻¹": "inv({U})", "{U}⁻ᵀ": "inv({U})'",
}  # fmt: skip
OF_ROWS = {
    "softmax_of_rows": ("softmax", "exp of every entry, divided by the sum over its {0}"),
    "logsumexp_of_rows": ("logsumexp", "the logarithm of the sum of exp of the entries of each {0}"),
    "layernorm_of_rows": ("layernorm", "each {0} less its mean, divided by its standard deviation"),
    "rmsnorm_of_rows": ("rmsnorm", "each {0} divided by the root of the mean of its squares"),
    "var_of_rows": ("var", "the variance of each {0}"),
    "norm2_of_rows": ("norm2", "the root of the sum of squares of each {0}"),
    "norm1_of_rows": ("norm1", "the sum of absolute values of each {0}"),
    "max_of_rows": ("max", "the largest entry of each {0}"),
    "min_of_rows": ("min", "the smallest entry of each {0}"),
    "prod_of_rows": ("prod", "the product of the entries of each {0}"),
    "mean_of_rows": ("mean", "the mean of each {0}"),
}
# Signs that are found in the written formulas: what is sought there, how it is shown, what it means.
SIGNS: tuple[tuple[str, str, str], ...] = (
    ("ᵀ", "ᵀ", "rows and columns exchanged, with ({U} {V})ᵀ = {V}ᵀ {U}ᵀ"),
    ("ᴴ", "ᴴ", "rows and columns exchanged, and every entry conjugated"),
    ("⁻[¹ᵀᴴ²-⁹]", "{U}⁻¹", "the inverse of {U}"),
    ("⁻ᵀ", "{U}⁻ᵀ", "the inverse, transposed"),
    ("⊙", "{U} ⊙ {V}", "multiplies entry by entry"),
    ("∘", "{U} ∘ {V}", "multiplies entry by entry"),
    ("⊘", "{U} ⊘ {V}", "divides entry by entry"),
    (r"\.\^", "{U}.^k", "every entry to the power k"),
    ("δ", "δᵢⱼ", "1 where i = j, else 0"),
    ("Σ", "Σ", "the sum over the indices that stand below it"),
    (r"\][ᵢⱼₖₗ]", "[{U}]ᵢⱼ", "the entry of {U} in row i and column j"),
)  # fmt: skip
# How inner products are written, by the option --notation.
PRODUCTS = {
    "colon": ("{U} : {V}", "the inner product Σᵢⱼ uᵢⱼ vᵢⱼ, the sum of the products of the entries"),
    "inner": ("⟨{U}, {V}⟩", "the inner product Σᵢⱼ uᵢⱼ vᵢⱼ, the sum of the products of the entries"),
}

CALLED = re.compile(r"(?<![\w′])([a-z]\w+)\(", re.ASCII)


def symbols_used(shown: Sequence[Expr | Block], d: Derivative, inner: str = "trace", letter: str = "g") -> list[Content]:
    """The symbols beyond school algebra that occur, each with what it means.

    shown: everything on the page: blocks, in which formulas are looked for, and expressions
    inner: how inner products are written there: trace, colon, inner, index, vec
    letter: the function's name
    """
    formulas = [m for block in shown if not isinstance(block, Expr) for m in _formulas(block)]
    exprs = [e for e in shown if isinstance(e, Expr)]
    exprs = list(dict.fromkeys([*exprs, *(e for m in formulas for e in _expressions(m))]))
    text = "\n".join([*(Math("{0}", e).write("unicode") for e in exprs), *(m.write("unicode") for m in formulas)])
    u, v = free_letters(d, "UV", exprs)
    found = [*_of_derivatives(d, text, inner, letter, bool(formulas), (u, v))]
    for sought, sign, words in SIGNS:
        if re.search(sought, text):
            found.append(_told(sign, words, u, v))
    nodes = list(walk(*exprs))
    found += _functions(nodes, u, v)
    found += _only_written(nodes, text, u, v)
    return [*found, *_declared(nodes)]


def free_letters(d: Derivative, wanted: str, shown: Sequence[Expr] = ()) -> list[str]:
    """For each of the wanted letters itself, or another one if the formula, or something shown with it, uses that."""
    nodes = [d.function, *shown]
    taken = {v.params[0] for v in variables(*nodes) if v.params[3] != "differential"} | functions(*nodes).keys()
    found: list[str] = []
    for letter in wanted:
        names = [letter, *"VUEHZMNPQRST", *(f"{letter}{i}" for i in range(1, len(taken) + len(wanted) + 2))]
        found.append(next(name for name in names if name not in taken and name not in found))
    return found


def explanation(op: Operation) -> tuple[str, str] | None:
    """The sign of an operation and what it means; None for what is known from school, or is written as a sign alone.

    >>> import frechet.operations
    >>> from frechet.expressions.operation import operation_named
    >>> explanation(operation_named("cumsum"))
    ('cumsum', 'the sums of the first entries')
    """
    if op.name in WRITTEN_AS_SIGNS or op.name.startswith("declared_"):
        return None
    if op.name in OF_OPERATIONS:
        return OF_OPERATIONS[op.name]
    if op.name in OF_ROWS:
        name, words = OF_ROWS[op.name]
        return name, words.format("row or column")
    if op.name in SCHOOL:
        return None
    first = re.split(r"[;:.](?= |$)", op.summary)[0]
    words = first if len(first) > 20 else op.summary.rstrip(".")
    if re.match("[A-Z][a-z]+ ", words):
        words = words[0].lower() + words[1:]
    return op.typed_as or op.name, words


def _of_derivatives(
    d: Derivative, text: str, inner: str, letter: str, searched: bool, letters: tuple[str, str]
) -> Iterator[Content]:
    """d, ∇, D and inner products. Where only expressions are known, what every page has is explained."""
    x = d.variable
    yield [Math("{0}", d.direction), " the differential of ", Math("{0}", x), ": a small step"]
    gradient = d.function.shape == SCALAR and x.shape != SCALAR
    if gradient and (not searched or "∇" in text):
        yield [Math(f"∇{letter}"), " the gradient"]
    if "∇²" in text:
        yield [Math(f"∇²{letter}"), " the Hessian, the derivative of the gradient"]
    if not searched or f"D{letter}(" in text:
        (step,) = free_letters(d, "V")
        yield [Math(f"D{letter}({{0}})[{step}]", x), f" the change to first order for the step {step}"]
    if not gradient:
        return
    u, v = letters
    if inner == "colon":
        yield _told(*PRODUCTS["colon"], u, v)
    if inner in ("trace", "inner") and (not searched or "⟨" in text):
        yield _told(*PRODUCTS["inner"], u, v)
    if not searched and inner == "index":
        yield _told(*next((sign, words) for _, sign, words in SIGNS if sign.startswith("[")), u, v)


def _functions(nodes: Sequence[Expr], u: str, v: str) -> Iterator[Content]:
    """The operations with names."""
    entrywise = [n for n in nodes if n.op.name in ENTRYWISE and n.shape != SCALAR]
    if entrywise:
        names = ", ".join(dict.fromkeys(n.op.name for n in entrywise))
        matrix = any(n.kind == "matrix" for n in entrywise)
        act = "acts" if "," not in names else "act"
        other = ", unlike the functions expm, logm … of matrices" if matrix else ""
        yield [Math("{0}", _named(names)), f" {act} entry by entry{other}"]
    if any(n.op.name == "hadamard" and n.shape != SCALAR and _has_root(n) for n in nodes):
        yield _told(*OF_OPERATIONS["sqrt"], u, v)
    seen = set()
    for node in nodes:
        op = node.op
        if op.name in SCHOOL and (op.name not in OF_OPERATIONS or node.shape == SCALAR):
            continue
        found = explanation(op)
        if op.name in OF_ROWS and node.params and node.params[0] in (1, 2):
            name, words = OF_ROWS[op.name]
            found = f"{name}(Z, {node.params[0]})".replace("Z", "{U}"), words.format(("column", "row")[node.params[0] - 1])
        if found is not None and found not in seen:
            seen.add(found)
            yield _told(*found, u, v)


def _only_written(nodes: Sequence[Expr], text: str, u: str, v: str) -> Iterator[Content]:
    """What formulas that are no expressions name, such as vec(dg) = J vec(dX), or what a writer puts for something else."""
    names = {n.op.typed_as or n.op.name for n in nodes} | functions(*nodes).keys()
    names |= {"diag"} if "diagonal" in names else set()
    sought = {op.typed_as or op.name: op for op in all_operations() if not op.name.endswith("_of_rows")}
    for name in dict.fromkeys(CALLED.findall(text)):
        found = explanation(sought[name]) if name in sought and name not in names else None
        if found is not None:
            yield _told(*found, u, v)
    if "⊗" in text and "kron" not in names:
        yield _told(*OF_OPERATIONS["kron"], u, v)


def _has_root(node: Expr) -> bool:
    return node.kind != "matrix" and any(abs(2 * k) == 1 for k in node.params if isinstance(k, (int, float)) or k == k)


def _told(sign: str, words: str, u: str, v: str) -> Content:
    """A sign and its meaning."""

    letters = {"{U}": u, "{V}": v, "uᵢⱼ": f"{u.lower()}ᵢⱼ", "vᵢⱼ": f"{v.lower()}ᵢⱼ"}

    def lettered(text: str) -> str:
        return re.sub("|".join(map(re.escape, letters)), lambda m: letters[m[0]], text)

    name = lettered(sign)
    if sign in TYPED:
        typed, plain = lettered(TYPED[sign]), Math(name)
        shown = Math("{0}", lambda n: typed if n == "text" else plain.write(n))
    else:
        shown = Math("{0}", _named(name)) if name.isalnum() and len(name) > 1 else Math(name)
    return [shown, f" {lettered(words)}"]


def _named(name: str) -> Callable[[Notation], str]:
    def write(notation: Notation) -> str:
        if notation != "latex":
            return name
        return ", ".join(rf"\operatorname{{{part}}}" for part in name.replace("_", r"\_").split(", "))

    return write


def _declared(nodes: Sequence[Expr]) -> Iterator[Content]:
    """The functions that are declared only, and those of their derivatives that occur."""
    for f in functions(*nodes).values():
        what = "applied to every entry" if f.domain is None else "a declared function"
        yield [Math("{0}", f.name), f" {what}"]
    for f, view in symbols(*nodes).values():
        if view:
            kinds = {"grad": "gradient", "hess": "Hessian", "jacobian": "Jacobian", "second": "second derivative"}
            what = kinds.get(str(view)) or {1: "derivative", 2: "second derivative"}.get(int(view), f"{view}th derivative")
            yield [Math("{0}", partial(derivative_name, f, view)), f" its {what}"]


def _formulas(block: Block) -> Iterator[Math]:
    """The formulas of a block."""
    contents: list[Content] = []
    if isinstance(block, Paragraph):
        contents = [block.content]
    elif isinstance(block, Entry):
        contents = [block.content, block.remark]
    elif isinstance(block, Steps):
        for row in block.rows:
            contents += _of_step(row)
    elif isinstance(block, Table):
        contents = [cell for row in block.rows for cell in row]
    elif isinstance(block, Details):
        for inner in block.blocks:
            yield from _formulas(inner)
    elif not isinstance(block, (Heading, Figure)):
        raise TypeError(f"no block of a document here: {type(block).__name__}")
    yield from (part for content in contents for part in content if isinstance(part, Math))


def _of_step(row: Step) -> list[Content]:
    return [[*([row.left] if row.left else []), row.right], row.rule, row.why]


def _expressions(formula: Math) -> Iterator[Expr]:
    pending: list[object] = [formula]
    while pending:
        part = pending.pop()
        if isinstance(part, Expr):
            yield part
        elif isinstance(part, Math):
            pending += [*part.names.values(), *part.parts[::-1]]
