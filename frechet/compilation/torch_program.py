"""Programs that PyTorch runs and differentiates, with closed-form derivatives: eagerly, by torch.func, by torch.compile."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any

from frechet.compilation.closed_derivatives import flat
from frechet.compilation.compiled import Specialised
from frechet.compilation.library_program import LibraryCompiled
from frechet.compilation.namespaces import native
from frechet.compilation.torch_source import HEAD, TorchEmission, texts


class TorchProgram(LibraryCompiled):
    """A function of PyTorch tensors, on the device where they are. See `CompiledProgram`.

    Numbers and NumPy arrays beside tensors become tensors; of NumPy arrays alone the results are NumPy arrays.
    A program of one real scalar is differentiated in reverse mode by its closed-form gradients, and these by the
    closed-form second differential; in forward mode by PyTorch. Inside of `torch.compile(…, fullgraph=True)` it was called
    before with arguments of these shapes.

    Raises:  torch.linalg.LinAlgError, naming the matrix that is singular or not positive definite
    """

    writer = TorchEmission
    imports = HEAD
    reserved = frozenset({"torch", "dtype", "device"})
    helpers = frozenset(texts())

    def runnable(self, made: Specialised) -> Callable[..., Any]:
        import torch

        if made.early:
            return self.function_of(made)
        plain = self.plain(made)
        if not self.closed:
            return plain
        sizes = self.original(made)
        forwards = _forward_mode()
        rules: dict[tuple[bool, ...], Any] = {}

        def run(*arrays: Any) -> Any:
            if not torch.is_grad_enabled() or forwards(arrays):
                return plain(*arrays)
            key = tuple([a.requires_grad for a in arrays])
            if key not in rules:
                rules[key] = self._rule(key, sizes)
            rule = rules[key]
            return plain(*arrays) if rule is None else rule.apply(*arrays)[0]

        return run

    def _rule(self, moving: Sequence[bool], sizes: Mapping[str, int]) -> Any:
        """The function with outputs (value, gradients by the inputs that move), whose derivatives are closed forms."""
        by = tuple(i for i, moves in enumerate(moving) if moves)
        program = self.with_gradients(by) if by else None
        if program is None:
            return None
        both = program.plain(program.specialised(sizes))
        return _closed(both, program._action(both, by, sizes), by, len(self.inputs))

    def _action(self, both: Callable[..., Any], by: tuple[int, ...], sizes: Mapping[str, int]) -> Callable[..., Any]:
        """The Hessian in a direction, of the inputs and the direction."""
        import torch

        flats = all(flat(self.inputs[i]) for i in by)
        program = self.with_differentials(by, values=False) if flats else None
        if program is not None:
            return program.plain(program.specialised(sizes))

        def action(*arrays: Any) -> tuple[Any, ...]:
            fixed, along = arrays[: len(self.inputs)], arrays[len(self.inputs) :]

            def gradients(*moved: Any) -> tuple[Any, ...]:
                every = list(fixed)
                for i, a in zip(by, moved, strict=True):
                    every[i] = a
                return tuple(both(*every)[1:])

            return torch.func.vjp(gradients, *(fixed[i] for i in by))[1](along)  # type: ignore[no-any-return]

        return action

    def converted(self, values: Mapping[str, Any]) -> dict[str, Any]:
        import numpy as np
        import torch

        given = {n: x for n, x in values.items() if isinstance(x, torch.Tensor)}
        device = next((x.device for x in given.values()), None)

        def tensor(x: Any) -> Any:
            return x if isinstance(x, torch.Tensor) else torch.from_numpy(np.array(native(x), order="C")).to(device)

        arrays = self.arguments.arrays(values, tensor, _kind)
        # tensors say how precise it is, of those the ones with axes; numbers and NumPy arrays beside them follow
        telling = [a for n, a in arrays.items() if _kind(a) in "fc" and (n in given or not given)]
        kinds = [a.dtype for a in telling if a.ndim] or [a.dtype for a in telling] or [torch.float64]
        whole = reduce(torch.promote_types, kinds)
        real = whole.to_real()
        if not all(v.real for v in self.inputs):
            whole = real.to_complex()
        return {v.params[0]: arrays[v.params[0]].to(real if v.real else whole) for v in self.inputs}

    def place(self, array: Any) -> Any:
        return array.dtype, array.device

    def returned(self, result: Any, values: Mapping[str, Any]) -> Any:
        import torch

        if any(isinstance(x, torch.Tensor) for x in values.values()):
            return result
        if isinstance(result, dict):
            return {k: _as_numpy(r) for k, r in result.items()}
        return tuple(map(_as_numpy, result)) if isinstance(result, tuple) else _as_numpy(result)


def _as_numpy(result: Any) -> Any:
    array = result.resolve_conj().resolve_neg().numpy()
    return array if array.ndim else array[()]


def _kind(array: Any) -> str:
    import torch

    if array.is_complex():
        return "c"
    return "f" if array.is_floating_point() else "b" if array.dtype is torch.bool else "i"


def _forward_mode() -> Callable[[Sequence[Any]], bool]:
    """Does PyTorch differentiate forwards now? An autograd.Function would refuse that, or forget outer levels."""
    import torch
    from torch._C._functorch import TransformType
    from torch._functorch.pyfunctorch import retrieve_all_functorch_interpreters
    from torch.autograd import forward_ad

    unpack: Any = forward_ad.unpack_dual

    def asked(arrays: Sequence[Any]) -> bool:
        if torch.compiler.is_compiling():
            return False
        if any(i.key() == TransformType.Jvp for i in retrieve_all_functorch_interpreters()):
            return True
        return any(unpack(a).tangent is not None for a in arrays)

    return asked


def _closed(both: Callable[..., Any], action: Callable[..., Any], by: Sequence[int], count: int) -> Any:
    """The autograd.Function of `both`, which gives the value and the gradients by some of the `count` inputs.

    A cotangent c of the value gives c times the gradients, cotangents C of these the Hessian in the direction C.
    """
    import torch

    class ClosedForm(torch.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(*arrays: Any) -> Any:
            return tuple(both(*arrays))

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.save_for_backward(*inputs, *output[1:])
            ctx.set_materialize_grads(False)

        @staticmethod
        def backward(ctx: Any, cotangent: Any, *along: Any) -> Any:
            arrays, gradients = ctx.saved_tensors[:count], ctx.saved_tensors[count:]
            found: list[Any] = [None] * count
            if cotangent is not None:
                for i, g in zip(by, gradients, strict=True):
                    found[i] = cotangent * g
            if any(c is not None for c in along):
                filled = [torch.zeros_like(g) if c is None else c for c, g in zip(along, gradients, strict=True)]
                for i, h in zip(by, action(*arrays, *filled), strict=True):
                    found[i] = h if found[i] is None else found[i] + h
            return tuple(found)

    return ClosedForm
