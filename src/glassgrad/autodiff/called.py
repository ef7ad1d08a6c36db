"""What the modes ask of a user's function, with one wording for all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..errors import ArgumentError
from ..tensor import Tensor


def require_function(name: str, function: Any) -> None:
    """Raise an ArgumentError in the name of a mode if it was given something else than a function."""
    if not callable(function):
        got = "a tensor" if isinstance(function, Tensor) else f"a {type(function).__name__}"
        raise ArgumentError(
            f"{name} takes a function; got {got}. The gradients of a loss that is computed already: loss.backward(), "
            f"and then x.grad."
        )


def name_of(function: Callable[..., Any]) -> str:
    """What to call a function in messages."""
    return getattr(function, "__name__", "the function")


def why_no_tensor(output: Any) -> str:
    """What is probably wrong with a function that returned no tensor."""
    return "Is `return` missing?" if output is None else "Compute with tensors, without .item() and .numpy()."


def require_argnums(name: str, argnums: Sequence[int], count: int) -> None:
    """Raise an ArgumentError unless `argnums` are places among `count` arguments, each once."""
    taken: set[int] = set()
    for position in argnums:
        if not -count <= position < count:
            raise ArgumentError(
                f"{name} got argnums={position}, but the function was called with {count} arguments, counted from 0"
            )
        if position % count in taken:
            raise ArgumentError(f"{name} got the same argument twice in argnums={tuple(argnums)}")
        taken.add(position % count)


def require_tensors(name: str, function: Callable[..., Any], outputs: Sequence[Any]) -> None:
    """Raise an ArgumentError in the name of a mode if a function returned something else than tensors."""
    for output in outputs:
        if not isinstance(output, Tensor):
            raise ArgumentError(
                f"{name} needs a function that returns tensors; {name_of(function)} returned "
                f"{type(output).__name__}. {why_no_tensor(output)}"
            )
