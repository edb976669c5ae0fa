"""Programs as PyTorch source."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import ClassVar

from frechet.compilation.decompositions import guarded
from frechet.compilation.functional import Functional
from frechet.compilation.numpy_source import LIBRARIES, own_texts
from frechet.compilation.values import Value
from frechet.compilation.writer import SELECTORS, elementwise
from frechet.expressions.errors import UnsupportedError

HEAD = "import torch"
ALIKE = (  # what NumPy and PyTorch call alike
    "abs", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctanh", "clip", "cos", "cosh", "diag", "exp", "expm1",
    "hstack", "linalg.eigh", "linalg.pinv", "linalg.svd", "log", "log1p", "prod", "sin", "sinh", "sqrt",
    "square", "sum", "tan", "tanh", "tril", "triu", "where",
)  # fmt: skip
SHARED = (  # of runtime.py, what PyTorch has under the same names
    "softsign", "logcosh", "eigvals", "eigvecs", "eigproj", "funm", "dfunm", "polar", "lowhalf", "inverses",
    "reduced_resolvent", "singular_resolvent", *LIBRARIES,
)  # fmt: skip
OTHERWISE = {
    "max": "torch.amax",
    "min": "torch.amin",
    "sign": "sign",
    "block": "block",
    "logaddexp": "logaddexp",
    "linalg.norm": "torch.linalg.matrix_norm",
}
SINGULAR_VALUES = re.compile(r"np\.linalg\.svd\((.*), compute_uv=False\)")


@lru_cache(maxsize=1)
def texts() -> dict[str, str]:
    """The helpers that PyTorch programs can call, by name."""
    shared = own_texts()
    return {h: shared[h].replace("np.", "torch.") for h in SHARED} | own_texts("torch_runtime.py")


class TorchEmission(Functional):
    """Writes the steps of a program for PyTorch. See `Writer`."""

    title = "torch"
    np = "torch"
    texts = staticmethod(texts)
    functions: ClassVar[Mapping[str, str]] = {
        "sqrt": "torch.sqrt({0})",
        "conj": "torch.conj({0})",
        "re": "torch.real({0})",
        "im": "torch.imag({0})",
        "epower": "torch.pow({0}, {1})",
        "maximum": "torch.maximum({0}, {1})",
        "minimum": "torch.minimum({0}, {1})",
        "relu": "torch.relu({0})",
        "step": "step({0})",
        "softplus": "softplus({0})",
        "exp_of_minus": "exp_of_minus({0})",
        "gelutanh": 'torch.nn.functional.gelu({0}, approximate="tanh")',
    }
    calls: ClassVar[Mapping[str, str]] = {
        "expit": "torch.sigmoid",
        "silu": "torch.nn.functional.silu",
        "gelu": "torch.nn.functional.gelu",
        "mish": "torch.nn.functional.mish",
        "selu": "torch.nn.functional.selu",
        "expm": "torch.linalg.matrix_exp",
        "erf": "torch.special.erf",
        "erfc": "torch.special.erfc",
        "gammaln": "torch.special.gammaln",
        "digamma": "torch.special.digamma",
        "polygamma": "torch.special.polygamma",
    }
    pages: ClassVar[Mapping[str, str]] = {
        "elimination": "elimination({params[0]}, {dtype})",
        "duplication": "duplication({params[0]}, {dtype})",
        "prod_of_rows": "torch.prod({0}, 1)",
    }

    def run(self, roots: Sequence[Value], early: Collection[Value] = ()) -> list[str]:
        """Writes all steps; what the roots are called. Results are tensors of their own, at each call."""
        results = super().run(roots, early)
        count = Counter(results)
        given = {*self.names.values(), *(self.text[v].removesuffix(".T") for v in early if v in self.text)}
        return [f"{r}.clone()" if r.removesuffix(".T") in given or count[r] > 1 else r for r in results]

    def array(self, v: Value) -> str:
        return f"torch.tensor({self.text[v]}, {self.dtype(v)})" if v in self.plain else self.text[v]

    operand = array

    def dtype(self, v: Value) -> str:
        self.typed = True
        change = "" if v.real != self.complex else ".to_real()" if v.real else ".to_complex()"
        return f"dtype=dtype{change}, device=device"

    def cast(self, text: str, v: Value) -> str:
        return f"{text}.to({self.dtype(v)})"

    def head(self, inputs: Sequence[Value]) -> list[str]:
        if not self.typed:
            return []
        inputs = sorted(inputs, key=lambda v: (v.real, not v.shape, v.serial))
        if not inputs:
            return ["dtype, device = torch.get_default_dtype(), torch.get_default_device()"]
        name = self.names[inputs[0].params[0]]
        return [f"dtype, device = {name}.dtype, {name}.device"]

    def permuted(self, text: str, order: Sequence[int]) -> str:
        return f"{text}.permute({', '.join(map(str, order))})"

    def scattered(self, v: Value, axis: int, first: str, last: str | None, text: str) -> str:
        zeros = f"torch.zeros({self.shape(v.shape)}, {self.dtype(v)})"
        if last is None:
            return f"torch.select_scatter({zeros}, {text}, {axis}, {first})"
        return f"torch.slice_scatter({zeros}, {text}, {axis}, {first}, {last})"

    def on_diagonal(self, text: str) -> str:
        return f"torch.diag_embed({text})"

    def _extreme(self, v: Value) -> None:
        name, of_rows = v.params
        x, axis = self.text[v.args[0]], ", 1" if of_rows else ""
        found = f"torch.a{'max' if name == 'top' else name}({x}{axis})"
        self.assign(v, f"torch.clamp({found}, min=torch.finfo({x}.dtype).min)" if name == "top" else found)

    def _cumsum(self, v: Value) -> None:
        axis, backwards = v.params
        x = self.text[v.args[0]]
        flipped = f"torch.flip(torch.cumsum(torch.flip({x}, ({axis},)), {axis}), ({axis},))"
        self.assign(v, flipped if backwards else f"torch.cumsum({x}, {axis})")

    def translated(self, text: str) -> str:
        return guarded(super().translated(SINGULAR_VALUES.sub(r"torch.linalg.svdvals(\1)", text)))

    def renamed(self, name: str) -> str:
        if name not in ALIKE and name not in OTHERWISE:
            raise UnsupportedError(f"the back end torch has no {name}: use the back end numpy")
        return OTHERWISE.get(name) or f"torch.{name}"

    def _two(self, v: Value) -> None:
        """Products of a real and a complex matrix are of two complex ones."""
        before = [self.text.get(a, "") for a in v.args]
        for a, text in zip(v.args, before, strict=True):
            if a.real and a.shape and text and not v.real and a.op not in SELECTORS and not elementwise(v):
                self.text[a] = self.cast(text, v)
        super()._two(v)
        self.text.update(zip(v.args, before, strict=True))

    # -- matrices
    def _cholesky(self, v: Value) -> None:
        self.text[v] = self.fresh("c")
        self.line(f'{self.text[v]} = cholesky({self.text[v.args[0]]}, "{self.said(v.args[0])}")')

    def _lu(self, v: Value) -> None:
        self.text[v] = self.fresh("lu")
        self.line(f"{self.text[v]} = torch.linalg.lu_factor_ex({self.text[v.args[0]]})")

    def _solve(self, v: Value) -> None:
        (f, t), b, turned = v.args, self.right_hand_side(v), v.params[1]
        if len(t.shape) == 1:
            b = f"{b}[:, None]"
        if f.real and not t.real:  # the real and the imaginary part beside each other
            both = self._solution(f, f"torch.cat(({b}.real, {b}.imag), 1)", turned)
            text = f"torch.complex(*torch.tensor_split({both}, 2, 1))"
        elif turned and not f.real:  # the transpose is the conjugate of the adjoint
            text = f"torch.conj({self._solution(f, f'torch.conj({self._complex(b, t, v)})', turned)})"
        else:
            text = self._solution(f, self._complex(b, t, v), turned)
        self.solved(v, f"{text}[:, 0]" if len(t.shape) == 1 else text)

    def _complex(self, text: str, a: Value, v: Value) -> str:
        return self.cast(text, v) if a.real and not v.real else text

    def _solution(self, f: Value, b: str, turned: bool) -> str:
        if f.op == "lu":
            return f"torch.linalg.lu_solve(*{self._invertible(f)}, {b}{', adjoint=True' if turned else ''})"
        return f"torch.cholesky_solve({b}, {self.text[f]})"

    def _invertible(self, f: Value) -> str:
        return f'invertible({self.text[f]}, "{self.said(f.args[0])}")'

    def _inverse(self, v: Value) -> None:
        f = v.args[0]
        if f.op == "lu":
            eye = f"torch.eye({v.shape[0]!s}, {self.dtype(v)})"
            self.assign(v, f"torch.linalg.lu_solve(*{self._invertible(f)}, {eye})")
        else:
            self.assign(v, f"torch.cholesky_inverse({self.text[f]})")
