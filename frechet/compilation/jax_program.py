"""Programs that JAX runs and transforms: jit, vmap, grad, and the closed-form derivatives as a rule for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from frechet.compilation.compiled import Specialised
from frechet.compilation.jax_source import HEAD, JaxEmission, texts
from frechet.compilation.library_program import LibraryCompiled
from frechet.compilation.namespaces import native

Rule = Callable[[tuple[Any, ...], tuple[Any, ...]], tuple[Any, Any]]


class JaxProgram(LibraryCompiled):
    """A function of JAX arrays, compiled by `jax.jit` for each set of sizes. See `CompiledProgram`.

    NumPy arrays, lists and numbers are taken too; results are JAX arrays, also scalars. Precision follows the arguments:
    float32 unless JAX is told `jax_enable_x64`. A matrix that is singular or not positive definite gives inf or nan.
    A program of one real scalar has a `jax.custom_jvp`: its differential is that of the closed-form gradients, which
    are transposed for reverse mode, and theirs that of the closed-form second differential.
    """

    writer = JaxEmission
    imports = HEAD
    reserved = frozenset({"jax", "jnp", "np", "dtype"})
    helpers = frozenset(texts())

    def runnable(self, made: Specialised) -> Callable[..., Any]:
        import jax

        if made.early:
            return self.function_of(made)
        plain = self.plain(made)
        sizes = self.original(made)
        return jax.jit(_with_rule(plain, self._gradient_rule(plain, sizes)) if self.closed else plain)

    def begun(
        self, made: Specialised, given: Mapping[str, Any], arrays: Mapping[str, Any], free: Mapping[str, int]
    ) -> Callable[..., Any]:
        """Also where JAX traces the first call: what is fixed is computed then, and is no part of what is traced."""
        import jax
        import jax.numpy as jnp
        from jax.core import Tracer

        traced = any(isinstance(x, Tracer) for x in given.values())
        with nullcontext() if traced else jax.ensure_compile_time_eval():
            fixed = {n: jnp.asarray(x).astype(arrays[n].dtype) for n, x in given.items()}
            return jax.jit(super().begun(made, given, fixed, free))

    def _gradient_rule(self, plain: Callable[..., Any], sizes: Mapping[str, int]) -> Rule:
        """The value, and Σ ⟨gradient, tangent⟩ over the inputs that move."""
        import jax
        import jax.numpy as jnp

        def rule(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
            by = _moving(tangents)
            program = self.with_gradients(by)
            if program is None:
                return jax.jvp(plain, primals, _instantiated(tangents))
            both = program.plain(program.specialised(sizes))
            value, *gradients = _with_rule(both, program.differential_rule(both, by, sizes))(*primals)
            parts = [jnp.vdot(g, tangents[i]).real for i, g in zip(by, gradients, strict=True)]
            return value, sum(parts[1:], parts[0])

        return rule

    def differential_rule(self, plain: Callable[..., Any], by: tuple[int, ...], sizes: Mapping[str, int]) -> Rule:
        """The values, and their differentials along the tangents."""
        import jax

        def rule(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
            moving = _moving(tangents)
            program = self.with_differentials(moving)
            if program is None:
                return jax.jvp(plain, primals, _instantiated(tangents))
            run = program.plain(program.specialised(sizes))
            outputs = run(*primals, *(tangents[i] for i in moving))
            count = len(self.roots)
            return outputs[:count], outputs[count:]

        return rule

    def converted(self, values: Mapping[str, Any]) -> dict[str, Any]:
        import jax.numpy as jnp

        finfo: Any = jnp.finfo
        arrays = self.arguments.arrays(values, lambda x: jnp.asarray(native(x)), _kind)
        telling = [a for n, a in arrays.items() if _kind(a) in "fc" and not isinstance(values[n], float | complex)]
        kinds = [a.dtype for a in telling if a.ndim] or [a.dtype for a in telling] or [jnp.result_type(float)]
        real = finfo(jnp.result_type(*kinds)).dtype
        whole = real if all(v.real for v in self.inputs) else jnp.result_type(real, jnp.complex64)
        return {v.params[0]: arrays[v.params[0]].astype(real if v.real else whole) for v in self.inputs}


def _kind(array: Any) -> str:
    import jax.numpy as jnp

    known = {"c": jnp.complexfloating, "f": jnp.floating, "i": jnp.integer, "b": jnp.bool_}
    return next((k for k, of in known.items() if jnp.issubdtype(array.dtype, of)), "O")


def _with_rule(plain: Callable[..., Any], rule: Rule) -> Callable[..., Any]:
    import jax

    function = jax.custom_jvp(plain)
    function.defjvp(rule, symbolic_zeros=True)
    return function


def _moving(tangents: Sequence[Any]) -> tuple[int, ...]:
    from jax.custom_derivatives import SymbolicZero

    return tuple(i for i, t in enumerate(tangents) if not isinstance(t, SymbolicZero))


def _instantiated(tangents: Sequence[Any]) -> tuple[Any, ...]:
    import jax.numpy as jnp
    from jax.custom_derivatives import SymbolicZero

    return tuple(jnp.zeros(t.shape, t.dtype) if isinstance(t, SymbolicZero) else t for t in tangents)
