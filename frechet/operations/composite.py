"""Typed names that stand for other operations: the derivative is that of what they stand for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from frechet.expressions.dimension import Shape
from frechet.expressions.node import Expr
from frechet.expressions.operation import Equal, Operation

ShapeRule = Callable[[Equal, Sequence[Shape], Sequence[Any]], Shape]


class Composite(Operation):
    """A typed name that stands for other operations; `rule` says for which."""

    def __init__(
        self,
        name: str,
        signature: str,
        summary: str,
        stands_for: str,
        shape: ShapeRule,
        build: Callable[..., Expr],
        *,
        takes: tuple[str, ...],
        examples: tuple[str, ...],
        identities: tuple[tuple[str, str], ...] = (),
        conditions: str = "",
        domain: str = "",
        typed_as: str = "",
        source: str = "calculus",
        tensors: bool = False,
    ) -> None:
        self.name, self.signature, self.summary = name, signature, summary  # type: ignore[misc]
        self.rule = f"stands for {stands_for}"  # type: ignore[misc]
        self.of_shapes, self.of_arguments = shape, build
        self.takes, self.examples, self.identities = takes, examples, identities  # type: ignore[misc]
        self.conditions_text, self.domain, self.source = conditions, domain, source  # type: ignore[misc]
        self.tensors = tensors  # type: ignore[misc]
        self.typed, self.typed_as = not typed_as, typed_as  # type: ignore[misc]
        super().__init__()

    def shape(self, equal: Equal, shapes: Sequence[Shape], params: Sequence[Any]) -> Shape:
        return self.of_shapes(equal, shapes, params)

    def build(self, *args: Any) -> Expr:
        return self.of_arguments(*args)
