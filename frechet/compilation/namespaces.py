"""Arrays of other libraries given to NumPy programs: they are read as NumPy arrays, and the results become such again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from frechet.expressions.errors import UnsupportedError


def as_numpy(x: Any) -> Any:
    """The value as a NumPy array.

    Raises:  UnsupportedError, for arrays that a library is differentiating or tracing
    """
    import numpy as np

    library = library_of(x)
    if library == "torch":
        if x.requires_grad:
            raise UnsupportedError("a tensor that requires grad needs a program of the back end torch; else detach it")
        x = x.cpu()
    if library == "jax":
        from jax.core import Tracer

        if isinstance(x, Tracer):
            raise UnsupportedError("inside of jit, vmap and grad of JAX a program of the back end jax is needed")
    return np.asarray(x)


def native(x: Any) -> Any:
    """An array of NumPy as other libraries take it: in the byte order of the machine, in double precision at most."""
    import numpy as np

    if not isinstance(x, np.ndarray | np.generic) or x.dtype.kind not in "iufc":
        return x
    least = {"f": np.float64, "c": np.complex128}.get(x.dtype.kind)
    too_precise = least is not None and x.dtype.itemsize > np.dtype(least).itemsize
    return x.astype(least if too_precise else x.dtype.newbyteorder("="), copy=False)


def as_given(result: Any, given: Iterable[Any]) -> Any:
    """The results of a program as arrays of the library that its arguments are of: PyTorch's, on their device, or JAX's."""
    first = next((x for x in given if library_of(x)), None)
    if first is None:
        return result
    if isinstance(result, dict):
        return {k: _converted(r, first) for k, r in result.items()}
    return tuple(_converted(r, first) for r in result) if isinstance(result, tuple) else _converted(result, first)


def library_of(x: Any) -> str:
    """torch or jax, where x is an array of these; the libraries are not imported for that."""
    root = type(x).__module__.partition(".")[0]
    return {"torch": "torch", "jax": "jax", "jaxlib": "jax"}.get(root, "")


def _converted(result: Any, like: Any) -> Any:
    if library_of(like) == "torch":
        import torch

        return torch.as_tensor(result, device=like.device)
    import jax.numpy as jnp

    return jnp.asarray(result)
