"""Creation: tensors from a shape and a rule. They are constants: nothing to differentiate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..tensor import Tensor, asarray
from ..tensor.dtype import DEFAULT_FLOAT, as_dtype
from .shape import as_shape

__all__ = [
    "arange",
    "empty",
    "eye",
    "full",
    "full_like",
    "linspace",
    "ones",
    "ones_like",
    "zeros",
    "zeros_like",
]

Shape = int | Sequence[int]


def zeros(shape: Shape, *, dtype: Any = DEFAULT_FLOAT) -> Tensor:
    """Zeros.

    >>> gg.zeros(2)
    tensor([0., 0.])
    """
    return asarray(np.zeros(as_shape(shape, "zeros"), as_dtype(dtype)))


def ones(shape: Shape, *, dtype: Any = DEFAULT_FLOAT) -> Tensor:
    """Ones.

    >>> gg.ones((1, 2))
    tensor([[1., 1.]])
    """
    return asarray(np.ones(as_shape(shape, "ones"), as_dtype(dtype)))


def empty(shape: Shape, *, dtype: Any = DEFAULT_FLOAT) -> Tensor:
    """A tensor whose values do not matter; they are zeros, because tensors cannot be filled later.

    >>> gg.empty((2, 3)).shape
    (2, 3)
    """
    return zeros(shape, dtype=dtype)


def full(shape: Shape, fill_value: float, *, dtype: Any = None) -> Tensor:
    """One number everywhere, by default in the dtype that the number has as a tensor.

    >>> gg.full(2, 0.5)
    tensor([0.5, 0.5])
    """
    number = asarray(fill_value, dtype)
    if number.ndim:
        raise ShapeError(f"full needs a single number to fill with; got shape {number.shape}")
    return asarray(np.full(as_shape(shape, "full"), number.numpy()))


def zeros_like(x: Any, /, *, dtype: Any = None) -> Tensor:
    """Zeros in x's shape and dtype.

    >>> gg.zeros_like(gg.asarray([1, 2]))
    tensor([0, 0])
    """
    x = asarray(x)
    return zeros(x.shape, dtype=dtype or x.dtype)


def ones_like(x: Any, /, *, dtype: Any = None) -> Tensor:
    """Ones in x's shape and dtype.

    >>> gg.ones_like(gg.asarray([1.5, 2.5]))
    tensor([1., 1.])
    """
    x = asarray(x)
    return ones(x.shape, dtype=dtype or x.dtype)


def full_like(x: Any, /, fill_value: float, *, dtype: Any = None) -> Tensor:
    """One number in x's shape and dtype.

    >>> gg.full_like(gg.asarray([1.5, 2.5]), 7)
    tensor([7., 7.])
    """
    x = asarray(x)
    return full(x.shape, fill_value, dtype=dtype or x.dtype)


def arange(start: float, /, stop: float | None = None, step: float = 1, *, dtype: Any = None) -> Tensor:
    """Numbers from `start` (0 if only one argument is given) up to, not including, `stop`.

    >>> gg.arange(3)
    tensor([0, 1, 2])
    """
    if step == 0:
        raise ArgumentError("arange needs a step other than 0")
    values = np.arange(start, step=step) if stop is None else np.arange(start, stop, step)
    natural = DEFAULT_FLOAT if values.dtype.kind == "f" else values.dtype
    return asarray(values, dtype or natural)


def linspace(
    start: float, stop: float, /, num: int, *, dtype: Any = DEFAULT_FLOAT, endpoint: bool = True
) -> Tensor:
    """`num` evenly spaced numbers from `start` to `stop`.

    >>> gg.linspace(0, 1, 3)
    tensor([0. , 0.5, 1. ])
    """
    if num < 0:
        raise ArgumentError(f"linspace needs a number of points of 0 or more; got {num}")
    return asarray(np.linspace(start, stop, num, endpoint=endpoint), dtype)


def eye(rows: int, columns: int | None = None, /, *, k: int = 0, dtype: Any = DEFAULT_FLOAT) -> Tensor:
    """Ones on diagonal k of a matrix of zeros.

    >>> gg.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    height, width = as_shape((rows, rows if columns is None else columns), "eye")
    return asarray(np.eye(height, width, k, dtype=as_dtype(dtype)))
