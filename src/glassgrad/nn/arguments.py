"""Checks of the settings that layers are made with."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..tensor import Tensor


def require_size(layer: str, name: str, value: Any) -> int:
    """`value` as a whole number of at least 1, or an ArgumentError in the name of the layer and the argument.

    >>> require_size("Linear", "in_features", 3)
    3
    """
    try:
        number = operator.index(value)
    except TypeError:
        whole = isinstance(value, float) and value.is_integer()
        hint = f" Write {int(value)}, or // instead of / if it is computed." if whole else ""
        raise ArgumentError(f"{layer} needs a whole number as {name}; got {value!r}.{hint}") from None
    if number < 1:
        raise ArgumentError(f"{layer} needs {name} >= 1; got {number}")
    return number


def check_settings(kind: type, settings: tuple[Any, ...], named: Any, inputs: int, instead: str) -> None:
    """Raise an ArgumentError if a layer or loss without settings gets some, or is made of the tensors it is for.

    inputs: how many tensors it is for.

    >>> check_settings(gg.nn.Linear, (2, 3), {}, inputs=1, instead="nn.Linear(2, 3)(x)")
    """
    # a module of the user's own may well be made of tensors
    if kind.__module__.startswith(f"{__package__}.") and len(settings) >= inputs:
        first, *others = settings[:inputs]
        if isinstance(first, Tensor) and all(isinstance(x, Tensor | np.ndarray) for x in others):
            raise ArgumentError(
                f"{kind.__name__} is made first, from its settings, and then called: {instead}"
            )
    if (settings or named) and kind.__init__ is object.__init__:  # type: ignore[misc]
        given = ", ".join([*map(repr, settings), *(f"{name}={value!r}" for name, value in named.items())])
        raise ArgumentError(f"{kind.__name__} takes no settings; got {given}. Write nn.{kind.__name__}()")


def require_drop_probability(p: Any) -> float:
    """`p` as a float in [0, 1), or an ArgumentError.

    >>> require_drop_probability(0.5)
    0.5
    """
    if not isinstance(p, float | int) or not 0.0 <= p < 1.0:
        raise ArgumentError(f"Dropout needs a probability of dropping 0 <= p < 1; got {p!r}")
    return float(p)
