"""Statistics: how far numbers lie apart, and which one has how many below it. All composed of other ops."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..tensor import Tensor, asarray
from ..tensor.dtype import DEFAULT_FLOAT, float16, float32
from .compare import isnan, where
from .exponential import sqrt
from .reduce import count_over, mean, reduced_shape, sum
from .shape import Axes, astype, flatten, moveaxis, normalize_axes, permute_dims, reshape, stop_gradient
from .sorting import sort

__all__ = ["median", "quantile", "std", "var"]


def var(x: Any, /, *, axis: Axes = None, correction: float = 0.0, keepdims: bool = False) -> Tensor:
    """Mean squared deviation from the mean over `axis`; the divisor is the count minus `correction`.

    NaN or infinite where that is 0 or less. Integers give float32; half precision is computed in float32.
    For complex numbers the squared distance from the mean, a real number. Raises ShapeError for 0 elements.

    >>> gg.var(gg.asarray([1.0, 2.0, 6.0]), correction=1)
    tensor(7.)
    """
    x = asarray(x)
    found = _variance(x, axis, correction, keepdims, "var")
    return astype(found, float16) if x.dtype == float16 else found


def _variance(x: Tensor, axis: Axes, correction: float, keepdims: bool, name: str) -> Tensor:
    """The variance, of integers and half precision in float32."""
    axes = normalize_axes(axis, x.ndim, name)
    divisor = max(count_over(x, axes, name) - correction, 0)
    x = astype(x, float32) if x.dtype.kind in "biu" or x.dtype == float16 else x
    deviation = x - mean(x, axis=axes, keepdims=True)
    return sum(_squared(deviation), axis=axes, keepdims=keepdims) / divisor


def _squared(x: Tensor) -> Tensor:
    """The square of the absolute value."""
    if x.dtype.kind != "c":
        return x * x
    from .complex_numbers import imag, real

    return real(x) * real(x) + imag(x) * imag(x)


def std(x: Any, /, *, axis: Axes = None, correction: float = 0.0, keepdims: bool = False) -> Tensor:
    """Square root of `var`. Where all numbers are equal it has a kink; the gradient there is 0, a subgradient.

    >>> gg.std(gg.asarray([1.0, 3.0]))
    tensor(1.)
    >>> gg.grad(gg.std)(gg.asarray([2.0, 2.0]))
    tensor([0., 0.])
    """
    x = asarray(x)
    variance = _variance(x, axis, correction, keepdims, "std")
    # the slope of the root at 0 is infinite, so where there is nothing to take a root of, none is taken
    none = variance == 0
    found = where(none, stop_gradient(variance), sqrt(where(none, 1.0, variance)))
    return astype(found, float16) if x.dtype == float16 else found


def median(x: Any, /, *, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The middle element over `axis` (all axes by default) in order of size; the mean of the middle two if even.

    NaN if there is one. Integers give float32. The gradient goes to the elements in the middle.
    Raises ShapeError for 0 elements.

    >>> gg.median(gg.asarray([9.0, 1.0, 2.0, 4.0]))
    tensor(3.)
    """
    return _quantiles(x, 0.5, axis, keepdims, "median")


def quantile(x: Any, q: float | Sequence[float], /, *, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The number with a share of `q` (0 to 1) of the elements over `axis` below it: `q` 0.5 is the median.

    Between two elements it is interpolated linearly (definition 7 of Hyndman and Fan, "Sample quantiles in
    statistical packages", 1996; NumPy's default). Several q give a new first axis. NaN if there is one. Integers give
    float32. The gradient goes to the two elements, none to q. Raises ArgumentError for q outside 0 to 1.

    >>> gg.quantile(gg.asarray([1.0, 2.0, 3.0, 5.0]), [0.25, 0.5])
    tensor([1.75, 2.5 ])
    """
    return _quantiles(x, q, axis, keepdims, "quantile")


def _quantiles(x: Any, q: Any, axis: Axes, keepdims: bool, name: str) -> Tensor:
    x = asarray(x)
    x = astype(x, DEFAULT_FLOAT) if x.dtype.kind in "biu" else x
    axes = normalize_axes(axis, x.ndim, name)
    count = count_over(x, axes, name)
    shares = asarray(q, "float64").numpy()
    if shares.ndim > 1 or not ((shares >= 0) & (shares <= 1)).all():
        raise ArgumentError(f"{name} takes one q or several, each from 0 to 1; got {q}")
    kept = tuple(i for i in range(x.ndim) if i not in axes)
    rows = sort(flatten(permute_dims(x, kept + axes), len(kept)))
    place = shares * (count - 1)
    below = np.floor(place).astype(np.int64)
    weight = asarray((place - below).astype(x.dtype))
    low, high = rows[..., below], rows[..., np.minimum(below + 1, count - 1)]
    # a weight of 0 must also keep an infinite neighbour out, of which 0 times would be NaN
    found = where(weight == 0, low, low * (1 - weight) + high * weight)
    # NaNs are sorted to the end
    has_nan = reshape(isnan(rows[..., -1]), (*rows.shape[:-1], *(1,) * shares.ndim))
    found = where(has_nan, math.nan, found)
    found = moveaxis(found, -1, 0) if shares.ndim else found
    return reshape(found, (*shares.shape, *reduced_shape(x.shape, axes, keepdims)))
