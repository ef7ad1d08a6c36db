"""Pooling: every window along the last axes becomes one number, its maximum, its mean or its norm."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError, ShapeError
from ..graph import Aval, Op, interned
from ..graph.loops import Windowed
from ..tensor import Tensor, apply, asarray
from .families import Linear, kinds_in_words, require_kind
from .windows import BackToSizes, Grid, OnGrid, Padding, Sizes, make_grid, padded, per_axis

__all__ = ["average_pool", "lp_pool", "max_pool"]


def _pooled(x: Aval | Tensor, grid: Grid, name: str) -> tuple[int, ...]:
    """The shape of the result of pooling."""
    return (*x.shape[: len(x.shape) - grid.ndim], *grid.counts_in(x.shape, name))


def _places_along(axis: int, grid: Grid, count: int) -> list[tuple[Any, ...]]:
    """For each place in a window along one axis: where all windows have it."""
    step, gap, behind = grid.stride[axis], grid.dilation[axis], grid.ndim - 1 - axis
    return [
        (..., slice(p * gap, p * gap + step * (count - 1) + 1, step), *(slice(None),) * behind)
        for p in range(grid.kernel[axis])
    ]


def combine_windows(x: Any, grid: Grid, combine: Any) -> Any:
    """All windows of a padded array, their elements combined axis by axis: sums or maxima of sums or maxima."""
    counts = grid.counts(
        tuple(n - a - b for n, (a, b) in zip(x.shape[-grid.ndim :], grid.padding, strict=True))
    )
    for axis, count in enumerate(counts):
        first, *others = _places_along(axis, grid, count)
        total = x[first].copy()
        for place in others:
            combine(total, x[place], out=total)
        x = total
    return x


def _windowed(kind: str, grid: Grid) -> Windowed:
    return Windowed(
        kind, grid.kernel, grid.stride, tuple(before for before, _ in grid.padding), grid.dilation
    )


# --- the largest element ----------------------------------------------------------------------------------------


def lowest(dtype: np.dtype[Any]) -> Any:
    """What no element is less than."""
    return -np.inf if dtype.kind in "fc" else np.iinfo(dtype).min if dtype.kind in "iu" else False


class MaxPool(OnGrid, Op):
    """The largest element of each window. What lies outside never wins."""

    argument_names = ("x",)
    formula = "out[i] = max_k x[i * stride - padding + k * dilation]"
    saves = ((0,),)
    pattern = "router: the upstream gradient of a window goes to its first largest element"

    def shape(self, x: Aval) -> Aval:
        return Aval(_pooled(x, self.grid, self.name), x.dtype)

    def forward(self, x: Any) -> Any:
        return combine_windows(padded(x, self.grid.padding, lowest(x.dtype)), self.grid, np.maximum)

    def loops(self, x: Aval) -> Windowed:
        return _windowed("maximum", self.grid)

    def vjp(self, needed: tuple[bool, ...], g: Tensor, out: Tensor, x: Tensor) -> tuple[Tensor]:
        back = interned(PutPlaces, self.grid, x.shape[x.ndim - self.grid.ndim :])
        return (apply(back, g, apply(interned(MaxPlaces, self.grid), x)),)

    def jvp(self, tangents: tuple[Tensor | None, ...], out: Tensor, x: Tensor) -> Tensor | None:
        (tangent,) = tangents
        if tangent is None:
            return None
        return apply(interned(TakePlaces, self.grid), tangent, apply(interned(MaxPlaces, self.grid), x))


def place_dtype(kernel: tuple[int, ...]) -> np.dtype[Any]:
    """What a place in a window is counted in: bytes as far as they go, because there are as many as windows."""
    return np.dtype(np.uint8 if math.prod(kernel) <= 256 else np.int32)


class MaxPlaces(OnGrid, Op):
    """The place of the first largest element in each window, counted in row-major order; of the first NaN if any."""

    argument_names = ("x",)
    differentiable = False
    no_gradient_because = "its result is a place in a window, an integer"
    formula = "window i of x at out[i] = max of window i"
    pattern = "blocker: no gradient passes"

    def shape(self, x: Aval) -> Aval:
        return Aval(_pooled(x, self.grid, self.name), place_dtype(self.grid.kernel))

    def forward(self, x: Any) -> Any:
        grid = self.grid
        sizes = x.shape[x.ndim - grid.ndim :]
        around, inside = padded(x, grid.padding, lowest(x.dtype)), padded(np.ones(sizes, bool), grid.padding)
        counts = grid.counts(sizes)
        places = np.zeros((*x.shape[: x.ndim - grid.ndim], *counts), place_dtype(grid.kernel))
        best, found = np.full(places.shape, lowest(x.dtype), x.dtype), np.zeros(counts, bool)
        reaches_outside = any(map(any, grid.padding))
        for number, (_, where) in enumerate(grid.taps(counts)):
            part, real = around[(..., *where)], inside[where]
            # NaN is no equal of itself
            better = part > best if x.dtype.kind in "biu" else ~(part <= best) & (best == best)
            if reaches_outside or not number:
                better = real & (better | ~found)
                found |= real
            best = np.where(better, part, best) if x.dtype.kind == "c" else np.maximum(best, part)
            # arithmetic with the mask instead of assignments under it: ten times as fast
            np.maximum(places, np.multiply(better, number, dtype=places.dtype), out=places)
        return places

    def loops(self, x: Aval) -> Windowed:
        return _windowed("place", self.grid)


class TakePlaces(OnGrid, Linear):
    """The element of each window at the given place, 0 outside."""

    argument_names = ("x", "places")
    formula = "out[i] = window i of x at places[i]"
    saves = ((1,),)
    pattern = "scatterer: the upstream gradient goes back to the chosen elements"

    def shape(self, x: Aval, places: Aval) -> Aval:
        return Aval(places.shape, x.dtype)

    def forward(self, x: Any, places: Any) -> Any:
        around = padded(x, self.grid.padding)
        out = np.zeros(places.shape, x.dtype)
        for number, (_, where) in enumerate(self.grid.taps(places.shape[places.ndim - self.grid.ndim :])):
            np.copyto(out, around[(..., *where)], where=places == number)
        return out

    def loops(self, x: Aval, places: Aval) -> Windowed:
        return _windowed("take", self.grid)

    def transpose(self, g: Tensor, x: Tensor, places: Tensor) -> tuple[Tensor]:
        return (apply(interned(PutPlaces, self.grid, x.shape[x.ndim - self.grid.ndim :]), g, places),)


class PutPlaces(BackToSizes, Linear):
    """Zeros of some sizes, with each value added in its window at the given place: the transpose of `TakePlaces`."""

    argument_names = ("values", "places")
    formula = "window i of out at places[i] += values[i], from zeros"
    saves = ((1,),)
    pattern = "gatherer: each value gets the upstream gradient of its place"

    def shape(self, values: Aval, places: Aval) -> Aval:
        return Aval((*values.shape[: values.ndim - self.grid.ndim], *self.sizes), values.dtype)

    def forward(self, values: Any, places: Any) -> Any:
        lead, counts = (
            values.shape[: values.ndim - self.grid.ndim],
            values.shape[values.ndim - self.grid.ndim :],
        )
        outside = self.grid.padding
        result = padded(np.zeros((*lead, *self.sizes), values.dtype), outside)
        for number, (_, where) in enumerate(self.grid.taps(counts)):
            result[(..., *where)] += np.where(places == number, values, np.zeros((), values.dtype))
        return result[(..., *(slice(a, a + n) for n, (a, _) in zip(self.sizes, outside, strict=True)))]

    def loops(self, values: Aval, places: Aval) -> Windowed:
        return _windowed("put", self.grid)

    def transpose(self, g: Tensor, values: Tensor, places: Tensor) -> tuple[Tensor]:
        return (apply(interned(TakePlaces, self.grid), g, places),)


# --- the sum ----------------------------------------------------------------------------------------------------


class SumPool(OnGrid, Linear):
    """The sum over each window, zeros outside."""

    argument_names = ("x",)
    formula = "out[i] = sum_k x[i * stride - padding + k * dilation]"
    pattern = "distributor: every element of a window gets its upstream gradient"

    def shape(self, x: Aval) -> Aval:
        require_kind(self, "iufc", x)
        return Aval(_pooled(x, self.grid, self.name), x.dtype)

    def forward(self, x: Any) -> Any:
        require_kind(self, "iufc", x)
        wide = x.astype(np.float32) if x.dtype == np.float16 else x
        return combine_windows(padded(wide, self.grid.padding), self.grid, np.add).astype(x.dtype, copy=False)

    def loops(self, x: Aval) -> Windowed:
        return _windowed("add", self.grid)

    def transpose(self, g: Tensor, x: Tensor) -> tuple[Tensor]:
        return (apply(interned(SpreadPool, self.grid, x.shape[x.ndim - self.grid.ndim :]), g),)


class SpreadPool(BackToSizes, Linear):
    """Each element added to all elements of its window in zeros of some sizes: the transpose of `SumPool`."""

    argument_names = ("x",)
    formula = "out[i * stride - padding + k * dilation] += x[i], from zeros"
    pattern = "adder: an element gets the sum of the upstream gradients in its window"

    def shape(self, x: Aval) -> Aval:
        require_kind(self, "iufc", x)
        return Aval((*x.shape[: x.ndim - self.grid.ndim], *self.sizes), x.dtype)

    def forward(self, x: Any) -> Any:
        require_kind(self, "iufc", x)
        grid = self.grid
        for axis in range(grid.ndim):
            place = x.ndim - grid.ndim + axis
            length = self.sizes[axis] + sum(grid.padding[axis])
            total = np.zeros((*x.shape[:place], length, *x.shape[place + 1 :]), x.dtype)
            for where in _places_along(axis, grid, x.shape[place]):
                total[where] += x
            x = total
        return x[(..., *(slice(a, a + n) for n, (a, _) in zip(self.sizes, grid.padding, strict=True)))]

    def loops(self, x: Aval) -> Windowed:
        return _windowed("spread", self.grid)

    def transpose(self, g: Tensor, x: Tensor) -> tuple[Tensor]:
        return (apply(interned(SumPool, self.grid), g),)


# --- for users --------------------------------------------------------------------------------------------------


def _pool_grid(
    x: Tensor, kernel_size: Sizes, stride: Sizes | None, padding: Padding, dilation: Sizes, name: str
) -> Grid:
    """The grid of a pooling of x, whose padding is at most half a window, so that no window lies in it altogether."""
    if isinstance(kernel_size, Sequence):
        ndim = len(kernel_size)
        if ndim == 0 or x.ndim < ndim:
            raise ShapeError(
                f"{name} with kernel_size {kernel_size} needs one axis for each of its sizes; got shape {x.shape}"
            )
    elif x.ndim < 3:
        raise ShapeError(
            f"{name} needs shape (batch, channels, *sizes); got shape {x.shape}. A tuple as kernel_size says along how "
            f"many of the last axes the windows lie, for any shape."
        )
    else:
        ndim = x.ndim - 2
    kernel = per_axis(kernel_size, ndim, name, "kernel_size")
    grid = make_grid(kernel, kernel if stride is None else stride, padding, dilation, name)
    if any(2 * max(widths) > reach for widths, reach in zip(grid.padding, grid.extent, strict=True)):
        raise ArgumentError(
            f"{name} needs padding of at most half the window; got padding {grid.padding} and windows of {grid.extent}"
        )
    return grid


def _with_last_window(grid: Grid, sizes: tuple[int, ...]) -> Grid:
    """`ceil_mode` as more padding behind: room for a last window that begins inside but ends outside."""
    wider = []
    for size, (before, after), reach, step in zip(sizes, grid.padding, grid.extent, grid.stride, strict=True):
        room = size + before + after - reach
        steps = -(-room // step)
        if steps * step >= size + before:
            steps -= 1
        wider.append((before, after + max(0, steps * step - room)))
    return grid._replace(padding=tuple(wider))


def _require_kind(x: Tensor, kinds: str, name: str) -> None:
    if x.dtype.kind not in kinds:
        raise DTypeError(
            f"{name} needs {kinds_in_words(kinds)} input; got {x.dtype} of shape {x.shape}. "
            f"gg.astype(x, gg.float32) converts."
        )


def max_pool(
    x: Any,
    kernel_size: Sizes,
    /,
    *,
    stride: Sizes | None = None,
    padding: Padding = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """The largest element of each window; NaN if there is one. x: (batch, channels, *sizes), any dtype.

    `kernel_size`: one integer for all axes of `sizes`; or a tuple, for windows along as many of the last axes of a
    tensor of any shape. `stride` is `kernel_size` if not given. What is padded never wins. `ceil_mode` adds a window
    for what is left at the end. The upstream gradient goes to the first of several equal elements, as in PyTorch (and
    not in equal parts as in `max`). Complex numbers are compared by their real parts first.

    Raises ShapeError if no window fits, ArgumentError for padding of more than half a window.

    >>> gg.max_pool(gg.asarray([[[1.0, 5.0, 2.0, 3.0]]]), 2)
    tensor([[[5., 3.]]])
    """
    x = asarray(x)
    grid = _pool_grid(x, kernel_size, stride, padding, dilation, "max_pool")
    if ceil_mode:
        grid = _with_last_window(grid, x.shape[x.ndim - grid.ndim :])
    grid.counts_in(x.shape, "max_pool")
    return apply(interned(MaxPool, grid), x)


def average_pool(
    x: Any,
    kernel_size: Sizes,
    /,
    *,
    stride: Sizes | None = None,
    padding: Padding = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window. x: (batch, channels, *sizes), numeric dtypes; integers give float32.

    Arguments as in `max_pool`. Padded zeros are counted, unless `count_include_pad=False`; what a last window of
    `ceil_mode` has beyond the padding is not. Raises errors as `max_pool` does.

    >>> gg.average_pool(gg.asarray([[[1.0, 5.0, 2.0, 4.0]]]), 2)
    tensor([[[3., 3.]]])
    """
    x = asarray(x)
    name = "average_pool"
    _require_kind(x, "iufc", name)
    grid = _pool_grid(x, kernel_size, stride, padding, dilation, name)
    sizes = x.shape[x.ndim - grid.ndim :]
    wide = _with_last_window(grid, sizes) if ceil_mode else grid
    counts = wide.counts_in(x.shape, name)
    total = apply(interned(SumPool, wide), x)
    divisor = np.ones((), np.int64)
    for axis, (before, after) in enumerate(grid.padding):
        first, last = (
            (0, before + sizes[axis] + after) if count_include_pad else (before, before + sizes[axis])
        )
        starts = grid.stride[axis] * np.arange(counts[axis])
        places = starts[:, None] + grid.dilation[axis] * np.arange(grid.kernel[axis])
        divisor = divisor[..., None] * ((places >= first) & (places < last)).sum(1)
    if (divisor == math.prod(grid.kernel)).all():
        return total / math.prod(grid.kernel)
    dtype = x.dtype if x.dtype.kind in "fc" else np.float32
    return total / asarray(np.maximum(divisor, 1).astype(dtype))


def lp_pool(
    x: Any,
    norm_type: float,
    kernel_size: Sizes,
    /,
    *,
    stride: Sizes | None = None,
    padding: Padding = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """(Σ |x|ᵖ)^(1/p) over each window, p = `norm_type` >= 1 or inf. x: (batch, channels, *sizes), float or complex.

    Other arguments as in `max_pool`. The gradient of a window of zeros is 0. PyTorch's lp_pool leaves out the absolute
    value, which makes NaN of negative sums for odd p, and scales up windows that `ceil_mode` cuts off.

    >>> gg.lp_pool(gg.asarray([[[3.0, -4.0, 6.0, 8.0]]]), 2, 2)
    tensor([[[ 5., 10.]]])
    """
    from .arithmetic import pow
    from .compare import where
    from .signs import abs

    x, name = asarray(x), "lp_pool"
    if not isinstance(norm_type, int | float) or not norm_type >= 1:
        raise ArgumentError(f"{name} needs norm_type of 1 or more, or inf; got {norm_type!r}")
    _require_kind(x, "fc", name)
    grid = _pool_grid(x, kernel_size, stride, padding, dilation, name)
    if ceil_mode:
        grid = _with_last_window(grid, x.shape[x.ndim - grid.ndim :])
    grid.counts_in(x.shape, name)
    if norm_type == math.inf:
        return apply(interned(MaxPool, grid), abs(x))
    total = apply(interned(SumPool, grid), pow(abs(x), float(norm_type)))
    positive = total > 0
    # the root has no slope at 0, so 1 stands in there
    return where(positive, pow(where(positive, total, 1.0), 1.0 / norm_type), total)
