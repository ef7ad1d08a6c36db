"""Norms of vectors and matrices, of every order."""

from __future__ import annotations

import builtins
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import ArgumentError, DTypeError, ShapeError
from ...tensor import Tensor, asarray
from ...tensor.dtype import as_real
from ..arithmetic import pow, square
from ..compare import isfinite, logical_and, not_equal, where
from ..complex_numbers import conj, real
from ..exponential import sqrt
from ..reduce import max, min, reduced_shape, sum
from ..shape import Axes, astype, expand_dims, moveaxis, normalize_axes, reshape, stop_gradient
from ..signs import abs
from .singular import svdvals

Order = float | str | None


def vector_norm(x: Any, /, *, axis: Axes = None, keepdims: bool = False, ord: Order = 2) -> Tensor:
    """The norm of vectors along `axis` (all elements by default), real. x: float or complex dtypes.

    `ord` p: (sum |x|^p)^(1/p) for any p but 0; inf and -inf: the largest and the smallest |x|; 0: how many elements
    are not 0. Scaled, so that squares neither over- nor underflow. The gradient for p = 2 is x / norm, and 0 at 0,
    where there is none (every vector of length 1 is a subgradient); elements that are 0 get the gradient 0 also for
    p <= 1. Of equal largest elements each gets a share. Raises ShapeError, DTypeError.

    >>> gg.linalg.vector_norm(gg.asarray([3.0, -4.0]))
    tensor(5.)
    """
    x = _numbers(x, "vector_norm")
    axes = normalize_axes(axis, x.ndim, "vector_norm")
    if not isinstance(ord, int | float) or math.isnan(ord):
        raise ArgumentError(f"vector_norm needs a number as ord; got {ord!r}")
    if math.isinf(ord):
        if builtins.any(x.shape[a] == 0 for a in axes):
            if ord < 0:
                raise ShapeError(
                    f"vector_norm of no elements with ord=-inf is undefined: got shape {x.shape}"
                )
            return sum(abs(x), axis=axes, keepdims=keepdims)  # zeros
        if ord < 0:
            return min(abs(x), axis=axes, keepdims=keepdims)
        return max(abs(x), axis=axes, keepdims=keepdims)
    if ord == 0:
        return sum(astype(not_equal(x, 0), as_real(x.dtype)), axis=axes, keepdims=keepdims)
    if ord == 1:
        return sum(abs(x), axis=axes, keepdims=keepdims)
    scale = _scale(x, axes)
    norm = _root_of_powers(x / scale, axes, ord) * scale
    return norm if keepdims else reshape(norm, reduced_shape(x.shape, axes, False))


def _numbers(given: Any, name: str) -> Tensor:
    x = asarray(given)
    if x.dtype.kind not in "fc":
        raise DTypeError(
            f"{name} needs a float or complex input; got {x.dtype} of shape {x.shape}. "
            f"gg.astype(x, gg.float32) converts."
        )
    return x


def squared_sizes(x: Tensor) -> Tensor:
    """|x|²."""
    return real(x * conj(x)) if x.dtype.kind == "c" else square(x)


def _scale(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """The largest |x| along axes (kept), as a constant; 1 where it is 0 or not finite."""
    if builtins.any(x.shape[a] == 0 for a in axes):
        return Tensor(np.ones(reduced_shape(x.shape, axes, True), as_real(x.dtype)))
    largest = max(abs(stop_gradient(x)), axis=axes, keepdims=True)
    return where(logical_and(isfinite(largest), not_equal(largest, 0)), largest, 1.0)


def _root_of_powers(x: Tensor, axes: tuple[int, ...], p: float) -> Tensor:
    """(sum |x|^p)^(1/p) along axes (kept), with the gradient 0 of elements that are 0."""
    if p == 2:
        total = sum(squared_sizes(x), axis=axes, keepdims=True)
    else:
        sizes = abs(x)
        some = not_equal(sizes, 0)
        total = sum(
            where(some, pow(where(some, sizes, 1.0), p), 0.0 if p > 0 else np.inf), axis=axes, keepdims=True
        )
    some = logical_and(not_equal(total, 0), isfinite(total)) if p < 0 else not_equal(total, 0)
    safe = where(some, total, 1.0)
    root = sqrt(safe) if p == 2 else pow(safe, 1 / p)
    return where(some, root, 0.0 if p > 0 else stop_gradient(pow(total, 1 / p)))


def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Order = "fro") -> Tensor:
    """The norm of matrices (last two axes), real. x: (..., m, n), float or complex dtypes.

    `ord`: "fro" the root of the sum of squares; "nuc" the sum of singular values; 2 and -2 the largest and the
    smallest singular value; 1 and -1 the largest and smallest column sum of |x|; inf and -inf those of rows. The
    gradient of the norms that are a maximum is shared where several are equal. Raises ShapeError, DTypeError.

    >>> gg.linalg.matrix_norm(gg.asarray([[3.0, 0.0], [0.0, 4.0]]), ord="nuc")
    tensor(7.)
    """
    x = _numbers(x, "matrix_norm")
    if x.ndim < 2:
        raise ShapeError(f"matrix_norm needs matrices on the last two axes; got shape {x.shape}")
    norm = _matrix_norm(x, ord)
    return expand_dims(expand_dims(norm, -1), -1) if keepdims else norm


def _matrix_norm(x: Tensor, ord: Order) -> Tensor:
    if ord == "fro":
        return vector_norm(x, axis=(-2, -1))
    if ord == "nuc":
        return sum(svdvals(x), axis=-1)
    if not isinstance(ord, int | float) or builtins.abs(ord) not in (1, 2, math.inf):
        raise ArgumentError(f"matrix_norm knows ord 'fro', 'nuc', 1, -1, 2, -2, inf and -inf; got {ord!r}")
    if builtins.abs(ord) == 2:
        candidates = svdvals(x)
    else:
        candidates = vector_norm(x, ord=1, axis=-2 if builtins.abs(ord) == 1 else -1)
    return vector_norm(candidates, axis=-1, ord=math.copysign(math.inf, ord))


def norm(
    x: Any, /, ord: Order = None, axis: int | Sequence[int] | None = None, *, keepdims: bool = False
) -> Tensor:
    """The norm of vectors or matrices, as `numpy.linalg.norm` chooses between them.

    One axis means `vector_norm`, two mean `matrix_norm` over these axes. Without `axis`: all elements as one vector
    if `ord` is None, else x must have 1 axis or 2. Float or complex dtypes. Raises ShapeError, ArgumentError.

    >>> gg.linalg.norm(gg.asarray([[3.0, 0.0], [0.0, 4.0]]), ord=2)
    tensor(4.)
    """
    x = _numbers(x, "norm")
    if axis is None and ord is None:
        return vector_norm(x, keepdims=keepdims)
    if axis is None and x.ndim not in (1, 2):
        raise ShapeError(
            f"norm with ord={ord!r} needs 1 axis or 2, or to be told which: pass axis; got shape {x.shape}"
        )
    axes = (
        tuple(range(x.ndim))
        if axis is None
        else (axis,)
        if isinstance(axis, int | np.integer)
        else tuple(axis)
    )
    if len(normalize_axes(axes, x.ndim, "norm")) not in (1, 2):
        raise ShapeError(f"norm works along one axis or two; got {axes}")
    if len(axes) == 1:
        return vector_norm(x, axis=axes, keepdims=keepdims, ord=2 if ord is None else ord)
    rows, columns = (axis % x.ndim for axis in axes)
    shape = reduced_shape(x.shape, (rows, columns), keepdims)
    x = moveaxis(moveaxis(x, rows, -1), columns - (columns > rows), -1)
    return reshape(matrix_norm(x, ord="fro" if ord is None else ord), shape)
