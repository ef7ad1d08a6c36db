"""Sorting, triangles and diagonals: elements chosen by rank or by their place in a matrix."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ..errors import ShapeError
from ..graph import Aval, Op, interned
from ..graph.static import static
from ..tensor import Tensor, apply, asarray
from ..tensor.dtype import int64
from .compare import where
from .families import require_kind
from .index import take_along_axis
from .shape import flip, normalize_axis

__all__ = ["argsort", "sort", "top_k", "tril", "triu"]


@static
class Argsort(Op):
    """The positions that put the elements along an axis in ascending order, equal ones in their old order."""

    axis: int

    argument_names = ("x",)
    differentiable: ClassVar[bool] = False
    no_gradient_because: ClassVar[str] = "its result is a permutation, of integers"
    formula = "x[out[0]] <= x[out[1]] <= ..."
    pattern: ClassVar[str] = "blocker: no gradient passes"

    def shape(self, x: Aval) -> Aval:
        require_kind(self, "biuf", x)
        return Aval(x.shape, int64)

    def forward(self, x: Any) -> Any:
        require_kind(self, "biuf", x)
        return np.argsort(x, self.axis, kind="stable")

    def batch(self, batched: tuple[bool, ...], x: Tensor) -> Tensor:
        return apply(interned(Argsort, self.axis + 1), x)


def argsort(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """Positions (int64) that sort x along `axis`, NaNs as the largest of all. Real dtypes. No gradient.

    Equal elements keep their order, also if `stable` is False, which only allows another.

    >>> gg.argsort(gg.asarray([3.0, 1.0, 2.0]))
    tensor([1, 2, 0])
    """
    x = asarray(x)
    place = normalize_axis(axis, x.ndim, "argsort")
    if not descending:
        return apply(interned(Argsort, place), x)
    # reversing before and after keeps equal elements in their old order
    last = asarray(x.shape[place] - 1)
    return last - flip(apply(interned(Argsort, place), flip(x, axis=place)), axis=place)


def sort(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """x sorted along `axis`, NaNs as the largest of all. Real dtypes.

    Each element's gradient goes back to where it came from; equal elements keep their order (also if `stable` is
    False, which only allows another), and that says whose gradient is whose: it is one of the one-sided derivatives.
    Composed of `argsort` and `take_along_axis`: sorting is a permutation, and a permutation is linear.

    >>> gg.sort(gg.asarray([3.0, 1.0, 2.0]))
    tensor([1., 2., 3.])
    """
    x = asarray(x)
    place = normalize_axis(axis, x.ndim, "sort")
    return take_along_axis(x, argsort(x, axis=place, descending=descending), axis=place)


def top_k(x: Any, k: int, /, *, axis: int = -1) -> tuple[Tensor, Tensor]:
    """The k largest elements along `axis`, the largest first, and their positions (int64). Real dtypes.

    Each element's gradient goes back to where it came from; of equal elements the first are taken.
    Raises ShapeError for a k below 0 or beyond the size of the axis.

    >>> gg.top_k(gg.asarray([3.0, 1.0, 4.0, 1.5]), 2)
    (tensor([4., 3.]), tensor([2, 0]))
    """
    x = asarray(x)
    place = normalize_axis(axis, x.ndim, "top_k")
    if not 0 <= k <= x.shape[place]:
        raise ShapeError(f"top_k takes k from 0 to {x.shape[place]}, the size of axis {place}; got k={k}")
    order = argsort(x, axis=place, descending=True)[(*(slice(None),) * place, slice(None, k))]
    return take_along_axis(x, order, axis=place), order


def _positions(x: Tensor, name: str) -> tuple[Tensor, Tensor]:
    if x.ndim < 2:
        raise ShapeError(f"{name} needs a matrix (at least 2 axes); got shape {x.shape}")
    rows, columns = x.shape[-2:]
    return asarray(np.arange(rows)[:, None]), asarray(np.arange(columns)[None, :])


def tril(x: Any, /, *, k: int = 0) -> Tensor:
    """The lower triangle of matrices (last two axes), zeros above diagonal k.

    >>> gg.tril(gg.asarray([[1, 2], [3, 4]]))
    tensor([[1, 0],
            [3, 4]])
    """
    x = asarray(x)
    row, column = _positions(x, "tril")
    return where(row + k >= column, x, asarray(np.zeros((), x.dtype)))


def triu(x: Any, /, *, k: int = 0) -> Tensor:
    """The upper triangle of matrices (last two axes), zeros below diagonal k.

    >>> gg.triu(gg.asarray([[1, 2], [3, 4]]))
    tensor([[1, 2],
            [0, 4]])
    """
    x = asarray(x)
    row, column = _positions(x, "triu")
    return where(row + k <= column, x, asarray(np.zeros((), x.dtype)))


def where_off_diagonal(x: Tensor, diagonal: float) -> Tensor:
    """Matrices with their diagonal replaced by a number."""
    row, column = _positions(x, "where_off_diagonal")
    return where(row != column, x, diagonal)
