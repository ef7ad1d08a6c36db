"""Creation: tensors from a shape and a rule. They are constants; only `meshgrid` passes gradients on."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError, ShapeError
from ..tensor import Tensor, asarray
from ..tensor.device import as_device
from ..tensor.dtype import DEFAULT_COMPLEX, DEFAULT_FLOAT, DEFAULT_INT, DType, as_dtype
from .shape import as_shape, broadcast_to, reshape

__all__ = [
    "arange",
    "empty",
    "empty_like",
    "eye",
    "full",
    "full_like",
    "linspace",
    "meshgrid",
    "ones",
    "ones_like",
    "zeros",
    "zeros_like",
]

Shape = int | Sequence[int]


def zeros(shape: Shape, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Zeros, float32 unless `dtype` says otherwise. Raises ShapeError, ArgumentError for what is no shape.

    >>> gg.zeros(2)
    tensor([0., 0.])
    """
    as_device(device)
    return asarray(np.zeros(as_shape(shape, "zeros"), _or_default(dtype, DEFAULT_FLOAT)))


def ones(shape: Shape, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Ones, float32 unless `dtype` says otherwise. Raises ShapeError, ArgumentError for what is no shape.

    >>> gg.ones((1, 2))
    tensor([[1., 1.]])
    """
    as_device(device)
    return asarray(np.ones(as_shape(shape, "ones"), _or_default(dtype, DEFAULT_FLOAT)))


def empty(shape: Shape, *, dtype: Any = None, device: Any = None) -> Tensor:
    """A tensor whose values do not matter; they are zeros, because tensors cannot be filled later.

    >>> gg.empty((2, 3)).shape
    (2, 3)
    """
    return zeros(shape, dtype=dtype, device=device)


def full(shape: Shape, fill_value: complex, *, dtype: Any = None, device: Any = None) -> Tensor:
    """One number everywhere, by default in the dtype that the number has as a tensor.

    Raises ShapeError if `fill_value` is not a single number.

    >>> gg.full(2, 0.5)
    tensor([0.5, 0.5])
    """
    as_device(device)
    number = asarray(fill_value, dtype)
    if number.ndim:
        raise ShapeError(f"full needs a single number to fill with; got shape {number.shape}")
    return asarray(np.full(as_shape(shape, "full"), number.numpy()))


def zeros_like(x: Any, /, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Zeros in x's shape and dtype.

    >>> gg.zeros_like(gg.asarray([1, 2]))
    tensor([0, 0])
    """
    x = asarray(x)
    return zeros(x.shape, dtype=_or_default(dtype, x.dtype), device=device)


def ones_like(x: Any, /, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Ones in x's shape and dtype.

    >>> gg.ones_like(gg.asarray([1.5, 2.5]))
    tensor([1., 1.])
    """
    x = asarray(x)
    return ones(x.shape, dtype=_or_default(dtype, x.dtype), device=device)


def empty_like(x: Any, /, *, dtype: Any = None, device: Any = None) -> Tensor:
    """A tensor of x's shape and dtype whose values do not matter: zeros.

    >>> gg.empty_like(gg.asarray([1, 2])).dtype
    dtype('int64')
    """
    return zeros_like(x, dtype=dtype, device=device)


def full_like(x: Any, /, fill_value: complex, *, dtype: Any = None, device: Any = None) -> Tensor:
    """One number in x's shape and dtype.

    >>> gg.full_like(gg.asarray([1.5, 2.5]), 7)
    tensor([7., 7.])
    """
    x = asarray(x)
    return full(x.shape, fill_value, dtype=_or_default(dtype, x.dtype), device=device)


def arange(
    start: float, /, stop: float | None = None, step: float = 1, *, dtype: Any = None, device: Any = None
) -> Tensor:
    """Numbers from `start` (0 if only one argument is given) up to, not including, `stop`.

    int64 if all arguments are integers, else float32. There are ceil((stop - start) / step) numbers, none if that is
    negative. Raises ArgumentError for a step of 0 and for arguments that are not real numbers.

    >>> gg.arange(3)
    tensor([0, 1, 2])
    """
    as_device(device)
    low, high = (0, start) if stop is None else (start, stop)
    low, high, by = (
        _real_number("arange", *pair) for pair in (("start", low), ("stop", high), ("step", step))
    )
    if by == 0:
        raise ArgumentError("arange needs a step other than 0")
    natural = DEFAULT_INT if all(isinstance(value, int) for value in (low, high, by)) else DEFAULT_FLOAT
    try:
        values = np.arange(low, high, by)
    except (ValueError, OverflowError, MemoryError) as problem:
        raise ArgumentError(f"arange from {low} to {high} by {by} is impossible: {problem}") from None
    return asarray(values, _or_default(dtype, natural))


def linspace(
    start: complex,
    stop: complex,
    /,
    num: int,
    *,
    dtype: Any = None,
    device: Any = None,
    endpoint: bool = True,
) -> Tensor:
    """`num` evenly spaced numbers from `start` to `stop`, which is the last of them unless `endpoint=False`.

    float32, or complex64 if an end is complex, unless `dtype` says otherwise. Raises ArgumentError for ends that are
    not numbers and for a `num` that is no integer of 0 or more.

    >>> gg.linspace(0, 1, 3)
    tensor([0. , 0.5, 1. ])
    """
    as_device(device)
    count = _integer("linspace", "a number of points", num)
    if count < 0:
        raise ArgumentError(f"linspace needs a number of points of 0 or more; got {num}")
    first, last = _number("linspace", "start", start), _number("linspace", "stop", stop)
    natural = DEFAULT_COMPLEX if complex in (type(first), type(last)) else DEFAULT_FLOAT
    return asarray(np.linspace(first, last, count, endpoint=endpoint), _or_default(dtype, natural))


def eye(
    n_rows: int, n_cols: int | None = None, /, *, k: int = 0, dtype: Any = None, device: Any = None
) -> Tensor:
    """Ones on diagonal k (above the main one if positive) of a matrix of zeros; float32 by default.

    Raises ShapeError for sizes below 0, ArgumentError for what is no integer.

    >>> gg.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    as_device(device)
    height, width = as_shape((n_rows, n_rows if n_cols is None else n_cols), "eye")
    diagonal = _integer("eye", "a diagonal k", k)
    return asarray(np.eye(height, width, diagonal, dtype=_or_default(dtype, DEFAULT_FLOAT)))


def meshgrid(*arrays: Any, indexing: str = "xy") -> list[Tensor]:
    """Coordinates of the points of a grid: for each vector of n, one tensor with as many axes as there are vectors.

    With indexing "ij" the k-th vector varies along axis k. With "xy" the first two axes change places, so that rows
    belong to the second vector, as in a picture. Gradients of the copies add up.

    Raises ShapeError for an input that is no vector, ArgumentError for another `indexing`, DTypeError for vectors of
    different dtypes.

    >>> x, y = gg.meshgrid(gg.asarray([1, 2, 3]), gg.asarray([10, 20]))
    >>> x.tolist(), y.tolist()
    ([[1, 2, 3], [1, 2, 3]], [[10, 10, 10], [20, 20, 20]])
    """
    vectors = [asarray(vector) for vector in arrays]
    if indexing not in ("xy", "ij"):
        raise ArgumentError(f"meshgrid takes indexing 'xy' or 'ij'; got {indexing!r}")
    for position, vector in enumerate(vectors):
        if vector.ndim != 1:
            raise ShapeError(f"meshgrid needs vectors; input {position} has shape {vector.shape}")
    if len({vector.dtype for vector in vectors}) > 1:
        raise DTypeError(
            f"meshgrid needs vectors of one dtype; got {', '.join(str(vector.dtype) for vector in vectors)}. "
            f"gg.astype converts."
        )
    axes = list(range(len(vectors)))
    if indexing == "xy":
        axes[:2] = axes[:2][::-1]
    sizes = [vectors[axis].shape[0] for axis in axes]
    return [
        broadcast_to(reshape(vector, [vector.shape[0] if axis == position else 1 for axis in axes]), sizes)
        for position, vector in enumerate(vectors)
    ]


def _or_default(dtype: Any, default: DType) -> DType:
    return default if dtype is None else as_dtype(dtype)


def _number(name: str, argument: str, value: Any) -> Any:
    """A Python number from a number, a NumPy scalar or a tensor without axes."""
    found = value.item() if hasattr(value, "item") and not getattr(value, "shape", (1,)) else value
    if not isinstance(found, int | float | complex):
        raise ArgumentError(f"{name} needs a number for {argument}; got {value!r}")
    return found


def _real_number(name: str, argument: str, value: Any) -> float:
    found = _number(name, argument, value)
    if isinstance(found, complex):
        raise ArgumentError(f"{name} needs a real number for {argument}; got {value!r}")
    return found  # type: ignore[no-any-return]


def _integer(name: str, what: str, value: Any) -> int:
    try:
        return operator.index(value)
    except TypeError:
        raise ArgumentError(f"{name} needs {what} that is an integer; got {value!r}") from None
