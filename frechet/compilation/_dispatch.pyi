from collections.abc import Callable
from typing import Any

class Guard:
    """The condition before a program: a call whose arguments are of these kinds goes to `run`, any other to `otherwise`.

    kinds: for each parameter its class, and for an array also its dtype and shape
    Raises:  TypeError, where kinds are told in another way
    """

    def __init__(
        self, run: Callable[..., Any], otherwise: Callable[..., Any], kinds: tuple[tuple[Any, ...], ...]
    ) -> None: ...
    def __call__(self, *args: Any, **names: Any) -> Any: ...
