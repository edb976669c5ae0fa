"""Frechet: derivatives with respect to matrices, in closed form, with the reason, checked.

>>> import frechet as fr
>>> g = fr.parse("tr(A*X*B)")
>>> D = fr.derivative(g, fr.variables(g)["X"])
>>> D.gradient
A'*B'
>>> D.layout("numerator")
B*A
"""

from typing import TYPE_CHECKING, Any

import frechet.operations  # noqa: F401  (the registry of operations is filled before anything else is used)
from frechet.expressions.errors import (
    CheckFailed,
    FrechetError,
    LimitError,
    NotationError,
    ShapeError,
    UnsupportedError,
)
from frechet.expressions.node import Expr
from frechet.expressions.node import variables as _variables
from frechet.interfaces.python import (
    Derivative,
    block,
    derivative,
    derivatives,
    function,
    hessian,
    linearize,
    matrix,
    operation_function,
    scalar,
    tensor,
    vector,
)

if TYPE_CHECKING:
    from frechet.compilation.linear_maps.hessian_map import hessian_map
    from frechet.interfaces.backprop.network import backprop
    from frechet.interfaces.check.checking import check
    from frechet.interfaces.compiling import compile
    from frechet.interfaces.optimization.problem import problem
    from frechet.interfaces.stationary.point import stationary
    from frechet.notation.reading import parse

__version__ = "0.1.0"

__all__ = [
    "CheckFailed",
    "Derivative",
    "Expr",
    "FrechetError",
    "LimitError",
    "NotationError",
    "ShapeError",
    "UnsupportedError",
    "backprop",
    "block",
    "check",
    "compile",
    "derivative",
    "derivatives",
    "function",
    "hessian",
    "hessian_map",
    "linearize",
    "matrix",
    "parse",
    "problem",
    "scalar",
    "stationary",
    "tensor",
    "variables",
    "vector",
]


def variables(e: Expr) -> dict[str, Expr]:
    """The variables of an expression by name, in order of first appearance."""
    return {v.params[0]: v for v in _variables(e)}


def load_ipython_extension(shell: Any) -> None:
    """Called by `%load_ext frechet`: the magics %frechet and %%frechet."""
    from frechet.interfaces.notebook import load_ipython_extension as load

    load(shell)


# What is imported when it is used, and where it is.
LATER = {
    "backprop": "frechet.interfaces.backprop.network",
    "check": "frechet.interfaces.check.checking",
    "compile": "frechet.interfaces.compiling",
    "hessian_map": "frechet.compilation.linear_maps.hessian_map",
    "parse": "frechet.notation.reading",
    "problem": "frechet.interfaces.optimization.problem",
    "stationary": "frechet.interfaces.stationary.point",
}


def __getattr__(name: str) -> Any:
    # Every other name is an operation as a function: fr.tr, fr.logdet, fr.softmax …
    if name in LATER:
        from importlib import import_module

        return getattr(import_module(LATER[name]), name)
    return operation_function(name)
