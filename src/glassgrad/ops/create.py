"""Creation: tensors from a shape and a rule. They are constants: nothing to differentiate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..tensor import Tensor, asarray
from ..tensor.dtype import DEFAULT_FLOAT, as_dtype

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
    return asarray(np.zeros(shape, as_dtype(dtype)))


def ones(shape: Shape, *, dtype: Any = DEFAULT_FLOAT) -> Tensor:
    """Ones.

    >>> gg.ones((1, 2))
    tensor([[1., 1.]])
    """
    return asarray(np.ones(shape, as_dtype(dtype)))


def empty(shape: Shape, *, dtype: Any = DEFAULT_FLOAT) -> Tensor:
    """A tensor whose values do not matter; they are zeros, because tensors cannot be filled later."""
    return zeros(shape, dtype=dtype)


def full(shape: Shape, fill_value: float, *, dtype: Any = None) -> Tensor:
    """One number everywhere, by default in the dtype that the number has as a tensor.

    >>> gg.full(2, 0.5)
    tensor([0.5, 0.5])
    """
    number = asarray(fill_value, dtype)
    return asarray(np.full(shape, number.numpy()))


def zeros_like(x: Any, /, *, dtype: Any = None) -> Tensor:
    """Zeros in x's shape and dtype."""
    x = asarray(x)
    return zeros(x.shape, dtype=dtype or x.dtype)


def ones_like(x: Any, /, *, dtype: Any = None) -> Tensor:
    """Ones in x's shape and dtype."""
    x = asarray(x)
    return ones(x.shape, dtype=dtype or x.dtype)


def full_like(x: Any, /, fill_value: float, *, dtype: Any = None) -> Tensor:
    """One number in x's shape and dtype."""
    x = asarray(x)
    return full(x.shape, fill_value, dtype=dtype or x.dtype)


def arange(start: float, /, stop: float | None = None, step: float = 1, *, dtype: Any = None) -> Tensor:
    """Numbers from `start` (0 if only one argument is given) up to, not including, `stop`.

    >>> gg.arange(3)
    tensor([0, 1, 2])
    """
    values = np.arange(start, step=step) if stop is None else np.arange(start, stop, step)
    natural = DEFAULT_FLOAT if values.dtype.kind == "f" else values.dtype
    return asarray(values.astype(as_dtype(dtype or natural)))


def linspace(
    start: float, stop: float, /, num: int, *, dtype: Any = DEFAULT_FLOAT, endpoint: bool = True
) -> Tensor:
    """`num` evenly spaced numbers from `start` to `stop`.

    >>> gg.linspace(0, 1, 3)
    tensor([0. , 0.5, 1. ])
    """
    return asarray(np.linspace(start, stop, num, endpoint=endpoint).astype(as_dtype(dtype)))


def eye(rows: int, columns: int | None = None, /, *, k: int = 0, dtype: Any = DEFAULT_FLOAT) -> Tensor:
    """Ones on diagonal k of a matrix of zeros.

    >>> gg.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    return asarray(np.eye(rows, columns, k, dtype=as_dtype(dtype)))
