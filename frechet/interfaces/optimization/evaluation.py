"""Several expressions at arrays: one compiled program for all of them, with what does not change given once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from frechet.compilation.compiled import CompiledProgram
from frechet.expressions.node import Expr
from frechet.interfaces.compiling import compile

if TYPE_CHECKING:
    from frechet.compilation.sharding.program import ShardedProgram


@dataclass(frozen=True)
class How:
    """How programs run.

    backend  of `fr.compile`
    shard    the dimension along which the data is read block after block
    over     how large the blocks are and who computes them: the arguments of `ShardedProgram.over`
    """

    backend: str = "numpy"
    shard: str | None = None
    over: Mapping[str, Any] = field(default_factory=dict)


def program(
    outputs: Sequence[Expr], data: Mapping[str, Any], sizes: Mapping[str, int], how: How
) -> Callable[..., tuple[Any, ...]]:
    """A function of the variables that `data` does not give, by name; the values of the outputs, in their order.

    data: arrays, and Python functions for declared ones, by name; further names are ignored
    sizes: of the dimensions that no variable tells
    """
    made: CompiledProgram | ShardedProgram
    run: Callable[..., Any]
    if how.shard is None:
        run = made = compile(list(outputs), backend=how.backend, sizes=sizes)
    else:
        made = compile(list(outputs), backend=how.backend, sizes=sizes, shard=how.shard)
        run = made.over(**how.over)
    names = [*made.arguments.names, *made.arguments.functions]
    given = {name: data[name] for name in names if name in data} | {name: sizes[name] for name in made.arguments.sizes}
    free = [name for name in names if name not in given]
    alone = how.backend == "numpy" and given and not made.arguments.functions and not made.arguments.sizes
    if alone and isinstance(made, CompiledProgram):
        prepared = made.prepare(**given)  # what the data alone tell is computed once

        def apply(**arrays: Any) -> tuple[Any, ...]:
            values: tuple[Any, ...] = prepared(*(arrays[name] for name in prepared.names))
            return values

        return apply

    def at(**arrays: Any) -> tuple[Any, ...]:
        values: tuple[Any, ...] = run(**given, **{name: arrays[name] for name in free})
        return values

    return at
