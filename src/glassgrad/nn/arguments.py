"""Checks of the settings that layers are made with."""

from __future__ import annotations

import operator
from typing import Any

from ..errors import ArgumentError


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


def require_drop_probability(p: Any) -> float:
    """`p` as a float in [0, 1), or an ArgumentError.

    >>> require_drop_probability(0.5)
    0.5
    """
    if not isinstance(p, float | int) or not 0.0 <= p < 1.0:
        raise ArgumentError(f"Dropout needs a probability of dropping 0 <= p < 1; got {p!r}")
    return float(p)
