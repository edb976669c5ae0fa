"""Programs as JAX source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import ClassVar

from frechet.compilation.functional import Functional
from frechet.compilation.numpy_source import LIBRARIES, own_texts
from frechet.compilation.values import Value
from frechet.operations.elementwise import SIGN, level_below

HEAD = "import jax\nimport jax.numpy as jnp\nimport numpy as np"
TRACED = (  # of runtime.py, what JAX can trace
    "gelutanh", "softsign", "logcosh", "elu", "huber", "maskedsoftmax", "conv1d", "conv",
    "eigvals", "eigvecs", "eigproj", "funm", "dfunm", "polar",
    "pinv_of_singular", "inverses", "reduced_resolvent", "singular_resolvent", "hankelpart", "lowhalf", *LIBRARIES,
)  # fmt: skip


@lru_cache(maxsize=1)
def texts() -> dict[str, str]:
    """The helpers that JAX programs can call, by name."""
    shared = own_texts()
    return {h: shared[h].replace("np.", "jnp.") for h in TRACED} | own_texts("jax_runtime.py")


class JaxEmission(Functional):
    """Writes the steps of a program for JAX. See `Writer`."""

    title = "jax"
    np = "jnp"
    texts = staticmethod(texts)
    functions: ClassVar[Mapping[str, str]] = {
        "sqrt": "jnp.sqrt({0})",
        "conj": "jnp.conj({0})",
        "re": "jnp.real({0})",
        "im": "jnp.imag({0})",
        "epower": "jnp.power({0}, {1})",
        "maximum": "jnp.maximum({0}, {1})",
        "minimum": "jnp.minimum({0}, {1})",
        "relu": "jax.nn.relu({0})",
        "step": "jnp.heaviside({0}, 0.0)",
        "softplus": "jax.nn.softplus({0})",
        "exp_of_minus": "exp_of_minus({0})",
    }
    calls: ClassVar[Mapping[str, str]] = {
        "expit": "jax.nn.sigmoid",
        "silu": "jax.nn.silu",
        "mish": "jax.nn.mish",
        "selu": "jax.nn.selu",
        "expm": "jax.scipy.linalg.expm",
        "erf": "jax.scipy.special.erf",
        "erfc": "jax.scipy.special.erfc",
        "gamma": "jax.scipy.special.gamma",
        "gammaln": "jax.scipy.special.gammaln",
        "digamma": "jax.scipy.special.digamma",
        "polygamma": "jax.scipy.special.polygamma",
    }
    pages: ClassVar[Mapping[str, str]] = {
        "elimination": "elimination({params[0]}, {dtype})",
        "duplication": "duplication({params[0]}, {dtype})",
    }

    def array(self, v: Value) -> str:
        return f"jnp.asarray({self.text[v]}, {self.dtype(v)})" if v in self.plain else self.text[v]

    def operand(self, v: Value) -> str:
        return self.text[v]

    def dtype(self, v: Value) -> str:
        self.typed = True
        if v.real == self.complex:
            return f"dtype={'jnp.finfo(dtype).dtype' if v.real else 'jnp.result_type(dtype, jnp.complex64)'}"
        return "dtype=dtype"

    def cast(self, text: str, v: Value) -> str:
        return f"{text}.astype({self.dtype(v).removeprefix('dtype=')})"

    def head(self, inputs: Sequence[Value]) -> list[str]:
        if not self.typed:
            return []
        chosen = [v for v in inputs if v.shape] or inputs
        names = [self.names[v.params[0]] for v in sorted(chosen, key=lambda v: v.serial)]
        return [f"dtype = jnp.result_type({', '.join(names) or 'float'})"]

    def scattered(self, v: Value, axis: int, first: str, last: str | None, text: str) -> str:
        at = first if last is None else f"{first}:{last}"
        place = ", ".join(at if k == axis else ":" for k in range(len(v.shape)))
        return f"jnp.zeros({self.shape(v.shape)}, {self.dtype(v)}).at[{place}].set({text})"

    def on_diagonal(self, text: str) -> str:
        return f"jnp.diag({text})"

    def _extreme(self, v: Value) -> None:
        name, of_rows = v.params
        x, axis = self.text[v.args[0]], ", 1" if of_rows else ""
        top = f"jnp.max({x}{axis}, initial=jnp.finfo({x}.dtype).min)"
        self.assign(v, top if name == "top" else f"jnp.{name}({x}{axis})")

    def _cumsum(self, v: Value) -> None:
        axis, backwards = v.params
        self.assign(v, f"jax.lax.cumsum({self.text[v.args[0]]}, {axis}, {backwards})")

    def _page(self, v: Value) -> None:
        (node,) = v.params
        extreme, axis = level_below(node.args[0]) if node.op is SIGN else ("", None)
        if extreme:
            sign = "-" if extreme == "min" else ""
            self.assign(v, f"{sign}sign_below({sign}{self.operand(v.args[0])}, {axis})")
        else:
            super()._page(v)

    # -- matrices
    def _cholesky(self, v: Value) -> None:
        self.text[v] = self.fresh("c")
        self.line(f"{self.text[v]} = jax.scipy.linalg.cholesky({self.text[v.args[0]]}, lower=True)")

    def _lu(self, v: Value) -> None:
        self.text[v] = self.fresh("lu")
        self.line(f"{self.text[v]} = jax.scipy.linalg.lu_factor({self.text[v.args[0]]})")

    def _solve(self, v: Value) -> None:
        f, b, turned = v.args[0], self.right_hand_side(v), v.params[1]
        if f.op == "lu":
            self.solved(v, f"jax.scipy.linalg.lu_solve({self.text[f]}, {b}{', trans=1' if turned else ''})")
        elif turned and not f.real:  # the transpose of a Hermitian matrix is its conjugate
            self.solved(v, f"jnp.conj(jax.scipy.linalg.cho_solve(({self.text[f]}, True), jnp.conj({b})))")
        else:
            self.solved(v, f"jax.scipy.linalg.cho_solve(({self.text[f]}, True), {b})")

    def _inverse(self, v: Value) -> None:
        f = v.args[0]
        eye = f"jnp.eye({v.shape[0]!s}, {self.dtype(v)})"
        if f.op == "lu":
            self.assign(v, f"jax.scipy.linalg.lu_solve({self.text[f]}, {eye})")
        else:
            self.assign(v, f"jax.scipy.linalg.cho_solve(({self.text[f]}, True), {eye})")
