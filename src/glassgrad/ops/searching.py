"""Searching: how many elements are not 0 and where, and where numbers belong in a sorted row of numbers."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ..errors import ArgumentError, GraphError, ShapeError
from ..graph import Aval, Op, interned
from ..graph.static import static
from ..tensor import Tensor, apply, asarray
from ..tensor.dtype import int64, promote
from .compare import not_equal
from .families import require_kind
from .index import take
from .joining import concat
from .reduce import sum
from .shape import Axes, flatten, reshape
from .sorting import argsort
from .stacks import all_stacked

__all__ = ["count_nonzero", "nonzero", "searchsorted"]


def count_nonzero(x: Any, /, *, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """How many elements over `axis` (all axes by default) are not 0; int64. NaN is not 0. No gradient.

    >>> gg.count_nonzero(gg.asarray([[1.0, 0.0], [2.0, 3.0]]), axis=0)
    tensor([2, 1])
    """
    return sum(not_equal(x, 0), axis=axis, keepdims=keepdims)


def known_value(x: Tensor, name: str, instead: str) -> Any:
    """The array in x, or a GraphError if it is not known, because the size of a result depends on it."""
    if x.value is None:
        raise GraphError(
            f"the size of the result of {name} depends on values that are not known here, inside gg.vmap, gg.trace or "
            f"gg.compile: {instead}"
        )
    return x.numpy()


def nonzero(x: Any, /) -> tuple[Tensor, ...]:
    """The positions of the elements that are not 0, in row-major order: for each axis an int64 tensor. No gradient.

    Raises ShapeError for a tensor without axes, GraphError where values are not known (inside `gg.vmap`).

    >>> gg.nonzero(gg.asarray([[0.0, 5.0], [7.0, 0.0]]))
    (tensor([0, 1]), tensor([1, 0]))
    """
    x = asarray(x)
    if not x.ndim:
        raise ShapeError("nonzero needs a tensor with at least 1 axis; got shape ()")
    found = np.nonzero(known_value(x, "nonzero", "use gg.where to choose element by element instead"))
    return tuple(asarray(places) for places in found)


@static
class Searchsorted(Op):
    """How many elements of a sorted row are below each value; with `right` also those that equal it."""

    right: bool

    argument_names = ("x1", "x2")
    differentiable: ClassVar[bool] = False
    no_gradient_because: ClassVar[str] = "its result is positions, integers"
    formula = "x1[out - 1] < x2 <= x1[out]; with right=True x1[out - 1] <= x2 < x1[out]"
    pattern: ClassVar[str] = "blocker: no gradient passes"

    def shape(self, x1: Aval, x2: Aval) -> Aval:
        require_kind(self, "biuf", x1, x2)
        if x1.ndim != 1:
            raise ShapeError(f"searchsorted looks in one sorted row; got x1 of shape {x1.shape}")
        return Aval(x2.shape, int64)

    def forward(self, x1: Any, x2: Any) -> Any:
        self.shape(Aval(x1.shape, x1.dtype), Aval(x2.shape, x2.dtype))
        dtype = promote({x1.dtype, x2.dtype})
        return np.searchsorted(x1.astype(dtype), x2.astype(dtype), "right" if self.right else "left")

    def batch(self, batched: tuple[bool, ...], x1: Tensor, x2: Tensor) -> Tensor:
        if not batched[0]:
            return apply(self, x1, x2)
        x1, x2 = all_stacked(batched, (x1, x2))
        values = flatten(x2, 1)
        # rows and values are ranked together; equal ones keep their order, so those that do not count come last
        parts = [x1, values] if self.right else [values, x1]
        start = x1.shape[1] if self.right else 0
        together = argsort(argsort(concat(parts, axis=1), axis=1), axis=1)[:, start : start + values.shape[1]]
        return reshape(together - argsort(argsort(values, axis=1), axis=1), x2.shape)


def searchsorted(x1: Any, x2: Any, /, *, side: str = "left", sorter: Any = None) -> Tensor:
    """Where each number of x2 would stand in the sorted row x1: how many elements of x1 are less than it; int64.

    With `side="right"` those that equal it are counted, too. If x1 is not sorted, `sorter` is `gg.argsort(x1)`.
    Real dtypes, x1 with one axis, x2 of any shape. No gradient. Raises ArgumentError for another side.

    >>> gg.searchsorted(gg.asarray([1.0, 2.0, 4.0]), gg.asarray([2.0, 3.0]))
    tensor([1, 2])
    """
    if side not in ("left", "right"):
        raise ArgumentError(f"searchsorted takes side 'left' or 'right'; got {side!r}")
    row = asarray(x1) if sorter is None else take(x1, sorter)
    return apply(interned(Searchsorted, side == "right"), row, x2)
