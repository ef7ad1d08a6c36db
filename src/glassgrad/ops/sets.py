"""Sets: the values that occur in a tensor, each once, in ascending order."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..tensor import Tensor, asarray
from .index import take
from .searching import known_value
from .shape import flatten

__all__ = ["unique_all", "unique_counts", "unique_inverse", "unique_values"]


class UniqueAll(NamedTuple):
    """What `unique_all` returns."""

    values: Tensor
    indices: Tensor
    inverse_indices: Tensor
    counts: Tensor


class UniqueCounts(NamedTuple):
    """What `unique_counts` returns."""

    values: Tensor
    counts: Tensor


class UniqueInverse(NamedTuple):
    """What `unique_inverse` returns."""

    values: Tensor
    inverse_indices: Tensor


def unique_all(x: Any, /) -> UniqueAll:
    """The values that occur in x, with where each occurs first, where each element of x is among them, and how often.

    `values` (ascending, one axis), `indices` (first positions in the flattened x), `inverse_indices` (x's shape),
    `counts`; all but the values int64. Every NaN is a value of its own. The gradient of a value goes to its first
    occurrence. Raises GraphError where values are not known (inside `gg.vmap`).

    >>> gg.unique_all(gg.asarray([3, 1, 3]))
    UniqueAll(values=tensor([1, 3]), indices=tensor([1, 0]), inverse_indices=tensor([1, 0, 1]), counts=tensor([1, 2]))
    """
    x = asarray(x)
    array = known_value(x, "unique_values and its like", "find the values outside")
    _, first, inverse, counts = np.unique(
        array, return_index=True, return_inverse=True, return_counts=True, equal_nan=False
    )
    return UniqueAll(
        take(flatten(x), first), asarray(first), asarray(inverse.reshape(x.shape)), asarray(counts)
    )


def unique_counts(x: Any, /) -> UniqueCounts:
    """The values that occur in x, ascending, and how often each does. See `unique_all`.

    >>> gg.unique_counts(gg.asarray([3, 1, 3]))
    UniqueCounts(values=tensor([1, 3]), counts=tensor([1, 2]))
    """
    found = unique_all(x)
    return UniqueCounts(found.values, found.counts)


def unique_inverse(x: Any, /) -> UniqueInverse:
    """The values that occur in x, ascending, and where among them each element of x is. See `unique_all`.

    >>> gg.unique_inverse(gg.asarray([3, 1, 3]))
    UniqueInverse(values=tensor([1, 3]), inverse_indices=tensor([1, 0, 1]))
    """
    found = unique_all(x)
    return UniqueInverse(found.values, found.inverse_indices)


def unique_values(x: Any, /) -> Tensor:
    """The values that occur in x, ascending, each once. See `unique_all`.

    >>> gg.unique_values(gg.asarray([3, 1, 3]))
    tensor([1, 3])
    """
    return unique_all(x).values
