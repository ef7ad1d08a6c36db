"""Arrays for results, used again when nobody holds them any more.

The parameters of a model are results of every training step. A new array for each would be mapped and zeroed by the
operating system, page by page, which takes longer than the update itself; two arrays in turn need none of that.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

SMALL = 1 << 16
"""Arrays of fewer bytes come from NumPy's own cache, which is faster."""

KEPT = 2


class Recycled:
    """Uninitialised arrays of one shape and dtype."""

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.shape = shape
        self.dtype = dtype
        self.is_small = np.prod(shape, dtype=np.int64) * dtype.itemsize < SMALL
        self.pool: list[Any] = []

    def empty(self) -> Any:
        """An array that nobody else holds, or any view of it.

        >>> arrays = Recycled((100_000,), np.dtype("float32"))
        >>> first = arrays.empty()
        >>> arrays.empty() is first
        False
        >>> address = first.ctypes.data
        >>> del first
        >>> arrays.empty().ctypes.data == address
        True
        """
        if self.is_small:
            return np.empty(self.shape, self.dtype)
        pool = self.pool
        for place in range(len(pool)):
            if sys.getrefcount(pool[place]) == _ALONE:
                return pool[place]
        array = np.empty(self.shape, self.dtype)
        if len(pool) < KEPT:
            pool.append(array)
        return array


def _references_of_one_in_a_list() -> int:
    held = [np.empty(0)]
    return sys.getrefcount(held[0])


_ALONE = _references_of_one_in_a_list()
