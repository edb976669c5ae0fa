"""Programs as JAX source."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import ClassVar

from frechet.compilation.functional import Functional
from frechet.compilation.numpy_source import own_texts

HEAD = "import jax\nimport jax.numpy as jnp\nimport numpy as np"
TRACED = (  # of runtime.py, what JAX can trace
    "gelutanh", "softsign", "logcosh", "elu", "huber", "maskedsoftmax", "layernorm", "layernorm_of_rows", "rmsnorm",
    "rmsnorm_of_rows", "conv1d", "conv", "adjugate", "eigvals", "eigvecs", "eigproj", "funm", "dfunm", "polar",
    "toeplitzpart", "hankelpart", "lowhalf", "lyap", "dpower",
)  # fmt: skip


@lru_cache(maxsize=1)
def texts() -> Mapping[str, str]:
    """The helpers that JAX programs can call, by name."""
    shared = own_texts()
    return {h: shared[h].replace("np.", "jnp.") for h in TRACED} | own_texts("jax_runtime.py")


class JaxEmission(Functional):
    """Writes the steps of a program for JAX. See `Writer`."""

    title = "jax"
    np = "jnp"
    functions: ClassVar[Mapping[str, str]] = {
        "sqrt": "jnp.sqrt({0})",
        "conj": "jnp.conj({0})",
        "re": "jnp.real({0})",
        "im": "jnp.imag({0})",
        "epower": "jnp.power({0}, {1})",
        "maximum": "jnp.maximum({0}, {1})",
        "minimum": "jnp.minimum({0}, {1})",
        "relu": "jax.nn.relu({0})",
        "step": "({0} > 0).astype({0}.dtype)",
        "softplus": "jax.nn.softplus({0})",
    }
    calls: ClassVar[Mapping[str, str]] = {
        "expit": "jax.nn.sigmoid",
        "silu": "jax.nn.silu",
        "gelu": "gelu",
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
    pages: ClassVar[Mapping[str, str]] = {}

    @property
    def own(self) -> Mapping[str, str]:  # type: ignore[override]
        return texts()
