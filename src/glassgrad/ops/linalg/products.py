"""Products of vectors that are no contraction: the cross product."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import ShapeError
from ...tensor import Tensor, asarray
from ..index import take


def cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Tensor:
    """The cross product of vectors of 3 elements along `axis`, the other axes broadcast. Numeric dtypes.

    `axis` counts from the right, -1 for the last, so that it means the same in x1 and x2. Raises ShapeError unless it
    has size 3 in both.

    >>> gg.linalg.cross(gg.asarray([1.0, 0.0, 0.0]), gg.asarray([0.0, 1.0, 0.0]))
    tensor([0., 0., 1.])
    """
    x1, x2 = asarray(x1), asarray(x2)
    if axis >= 0 and x1.ndim == x2.ndim:
        axis -= x1.ndim
    if not all(-x.ndim <= axis < 0 and x.shape[axis] == 3 for x in (x1, x2)):
        raise ShapeError(
            f"cross needs vectors of 3 elements along axis {axis}; got shapes {x1.shape} and {x2.shape}"
        )
    after, before = np.array([1, 2, 0]), np.array([2, 0, 1])
    first = take(x1, after, axis=axis) * take(x2, before, axis=axis)
    return first - take(x1, before, axis=axis) * take(x2, after, axis=axis)
