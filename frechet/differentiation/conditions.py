"""Where a derivative holds: the conditions of the operations used, as words with the expression they are about."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from frechet.expressions.node import Expr, depends, walk
from frechet.operations.declared_functions import smoothness
from frechet.operations.transposition import transposed

Condition = tuple[str, Expr | None]

NEEDED_OF_CONSTANTS = ("matrix_power", "unit", "selection", "log", "logdet", "logm", "sqrtm", "cholesky")  # or no value
DIVIDED_BY = ("norm2", "det", "normp", "norm2_of_rows")  # what a result may divide by though the function does not
ADJUGATE = (
    "where {0} is singular the derivative exists all the same, but not this form of it: "
    "det({0})*inv({0}) is adj({0}), which does"
)
NOT_SMOOTH = "where a declared function has no derivative there is none"
NOT_THIS_FORM = "where {0} is singular this form of the derivative has no value"
DIVIDED_BY_DET = "where {0} is 0 this form of the derivative has no value"


def conditions(function: Expr, variable: Expr, *results: Expr) -> list[Condition]:
    """The conditions of the function's operations in which the variable occurs, and those the results bring in.

    A result brings in an inverse (det(X)*inv(X)' needs X invertible) or a division by a norm.
    """
    return list(explained(function, variable, *results))


def explained(function: Expr, variable: Expr, *results: Expr) -> dict[Condition, str]:
    """The conditions, and what happens where each fails, in words with {0} for the same expression."""
    found: dict[Condition, str] = {}
    smooth = _smoothed(function, results)
    for node, condition in _of_function(function, variable):
        if node in smooth:
            continue
        said = node.op.elsewhere_of(node, condition[0])
        found.setdefault(condition, said if node is function else _of_inner(node, said))
    determinants = _polynomial_determinants(function)
    for node in walk(*results):
        if node.op.name == "matrix_power" and not _kronecker_sum(node.args[0]):
            for condition in node.op.conditions(node):
                found.setdefault(condition, ADJUGATE if condition[1] in determinants else NOT_THIS_FORM)
        elif node.op.name == "hadamard":
            for words, e in node.op.conditions(node):
                if e is not None and (e.op.name in DIVIDED_BY or not e.real):
                    found.setdefault((words, e), _division(e))
    for condition in _smooth(function, depends(function, variable), results):
        found.setdefault(condition, NOT_SMOOTH)
    return found


def _polynomial_determinants(function: Expr) -> set[Expr]:
    """The matrices whose determinant occurs in sums, products and whole powers only, and their transposes.

    Where they are singular the derivative exists, by the adjugate; of log(det(X)) or 1/det(X) it does not.
    """
    holding: dict[Expr, set[Expr]] = {}  # the determinants below every node
    bad: set[Expr] = set()
    for node in walk(function):
        holding[node] = {node} if node.op.name == "det" else set()
        for i, a in enumerate(node.args):
            power = node.params[i] if node.op.name == "hadamard" else 1
            if not node.op.linear or not isinstance(power, int) or power < 1:
                bad |= holding[a] if node.op.name != "det" else set()
            holding[node] |= holding[a]
    bare = {node for node in holding if node.op.name == "det"} - bad
    return {x for node in bare for x in (node.args[0], transposed(node.args[0]))}


def _of_inner(node: Expr, said: str) -> str:
    """What is said of a function, where that is an operation inside of another: it speaks of the operation."""
    name = node.op.typed_as or node.op.name
    said = said.replace("there is no derivative;", f"{name} has no derivative;").replace(
        "are its subgradients", f"are subgradients of {name}"
    )
    return said.replace("and 0 is given", "and the formula takes 0 for it")


def _of_function(function: Expr, variable: Expr) -> Iterator[tuple[Expr, Condition]]:
    inside = depends(function, variable)
    for node in walk(function):
        if node in inside or node.op.name in NEEDED_OF_CONSTANTS:
            for condition in node.op.conditions(node):
                yield node, condition


def _smoothed(function: Expr, results: Sequence[Expr]) -> set[Expr]:
    """The relu(u) of the function that occur in whole powers only: relu(u).^2 has the derivative 2*relu(u)*du, at 0 too.

    A Euclidean norm squares its argument; where it is 0 its own condition speaks. None if a result has a jump, as the
    Hessian of relu(u).^2 has.
    """
    if any(node.op.name == "step" for node in walk(*results)):
        return set()
    bare: set[Expr] = set()
    powers: set[Expr] = set()
    for node in walk(function):
        for i, a in enumerate(node.args):
            raised = node.op.name == "hadamard" and isinstance(node.params[i], int) and node.params[i] >= 2
            (powers if raised or node.op.name == "norm2" else bare).add(a)
    return {a for a in powers - bare if a.op.name == "relu"}


def _kronecker_sum(e: Expr) -> bool:
    """Is it A⊗I + I⊗B? Jacobians bring in its inverse for sylvester, lyap and dsqrtm, whose own condition says the same."""
    e = e.args[0] if e.op.name == "transpose" else e
    krons = [a for a in e.args if a.op.name == "kron" and any(f.op.name == "eye" for f in a.args)]
    return e.op.name == "sum_of_terms" and len(e.args) == len(krons) == 2


def _division(e: Expr) -> str:
    """What happens where a norm or determinant is 0 that only the derivative divides by."""
    if e.op.name not in ("norm2", "normp"):
        return DIVIDED_BY_DET
    return e.op.elsewhere_of(e, "").replace("{0} = 0", "{0} is 0")


def _smooth(function: Expr, inside: Collection[Expr], results: Sequence[Expr]) -> list[Condition]:
    """How often the declared functions must be differentiable: once more than they are in the function."""
    needed = smoothness([node for node in walk(function) if node in inside], 1)
    for name, k in smoothness(walk(*results)).items():
        needed[name] = max(k, needed.get(name, 0))
    times = {1: "", 2: "twice "}
    return [(f"{name} {times.get(k, f'{k} times ')}differentiable", None) for name, k in needed.items() if k]
