"""Windows that slide along the last axes of a tensor: where they lie, and taking tensors apart into them and back."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..graph import Aval, interned
from ..graph.static import static
from ..tensor import Tensor, apply, asarray
from .families import Linear
from .shape import reshape
from .stacks import all_stacked

__all__ = ["fold", "unfold"]

Sizes = int | Sequence[int]
Padding = int | str | Sequence[int] | Sequence[tuple[int, int]]


# --- where windows lie ------------------------------------------------------------------------------------------


class Grid(NamedTuple):
    """Windows along the last axes of a tensor, one entry per axis: window i begins at i * stride - padding before."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]

    @property
    def ndim(self) -> int:
        """The number of axes that the windows slide along."""
        return len(self.kernel)

    @property
    def extent(self) -> tuple[int, ...]:
        """How many positions a window reaches over, gaps included."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))

    def counts(self, sizes: tuple[int, ...]) -> tuple[int, ...]:
        """How many windows lie along each axis; 0 or less where not one fits."""
        return tuple(
            (size + before + after - reach) // step + 1
            for size, (before, after), reach, step in zip(
                sizes, self.padding, self.extent, self.stride, strict=True
            )
        )

    def counts_in(self, shape: tuple[int, ...], name: str) -> tuple[int, ...]:
        """`counts` for a tensor of this shape, or a ShapeError if it has too few axes or one too short."""
        if len(shape) < self.ndim:
            raise ShapeError(
                f"{name} with windows of shape {self.kernel} needs at least {self.ndim} axes; got shape {shape}"
            )
        sizes = shape[len(shape) - self.ndim :]
        found = self.counts(sizes)
        for axis, count in enumerate(found):
            if count < 1:
                (before, after), reach = self.padding[axis], self.extent[axis]
                gaps = f" (size {self.kernel[axis]}, dilation {self.dilation[axis]})"
                raise ShapeError(
                    f"{name}: a window of {reach}{gaps if self.dilation[axis] > 1 else ''} does not fit along axis "
                    f"{axis - self.ndim} of shape {shape}, which has {sizes[axis]} and with padding "
                    f"{sizes[axis] + before + after}. Use a smaller window or more padding."
                )
        return found

    def taps(self, counts: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...]]]:
        """For each place in the window: its index, and where in the padded tensor all windows have it."""
        for place in itertools.product(*map(range, self.kernel)):
            yield (
                place,
                tuple(
                    slice(p * d, p * d + s * (n - 1) + 1, s)
                    for p, d, s, n in zip(place, self.dilation, self.stride, counts, strict=True)
                ),
            )


def padded(x: Any, widths: tuple[tuple[int, int], ...], fill: Any = 0) -> Any:
    """The array with `fill` around its last axes."""
    if not any(map(any, widths)):
        return x
    lead = x.shape[: x.ndim - len(widths)]
    sizes = x.shape[x.ndim - len(widths) :]
    result: Any = np.full(
        (*lead, *(n + a + b for n, (a, b) in zip(sizes, widths, strict=True))), fill, x.dtype
    )
    result[(..., *(slice(a, a + n) for n, (a, _) in zip(sizes, widths, strict=True)))] = x
    return result


def windows_of(x: Any, grid: Grid) -> Any:
    """A view of the array with all windows: (..., *kernel, *counts)."""
    axes = tuple(range(-grid.ndim, 0))
    view: Any = np.lib.stride_tricks.sliding_window_view(padded(x, grid.padding), grid.extent, axes)
    steps = tuple(slice(None, None, step) for step in (*grid.stride, *grid.dilation))
    lead = tuple(range(x.ndim - grid.ndim))
    counts = tuple(range(len(lead), x.ndim))
    places = tuple(range(x.ndim, x.ndim + grid.ndim))
    return view[(..., *steps)].transpose(*lead, *places, *counts)


def add_windows(windows: Any, grid: Grid, sizes: tuple[int, ...]) -> Any:
    """An array whose last axes have `sizes`, with all windows (..., *kernel, *counts) added where they lie."""
    lead = windows.shape[: windows.ndim - 2 * grid.ndim]
    counts = windows.shape[windows.ndim - grid.ndim :]
    outer = tuple(n + a + b for n, (a, b) in zip(sizes, grid.padding, strict=True))
    result: Any = np.zeros((*lead, *outer), windows.dtype)
    everywhere = (slice(None),) * grid.ndim
    for place, where in grid.taps(counts):
        result[(..., *where)] += windows[(..., *place, *everywhere)]
    return result[(..., *(slice(a, a + n) for n, (a, _) in zip(sizes, grid.padding, strict=True)))]


# --- arguments --------------------------------------------------------------------------------------------------


def per_axis(value: Sizes, ndim: int, name: str, argument: str, smallest: int = 1) -> tuple[int, ...]:
    """One integer for every axis, or one for all, as a tuple; or an error that says what is allowed."""
    try:
        given = tuple(map(operator.index, value)) if isinstance(value, Sequence) else (operator.index(value),)
    except TypeError:
        raise ArgumentError(
            f"{name} takes {argument} as an integer or one integer per axis; got {value!r}"
        ) from None
    found = given * ndim if len(given) == 1 else given
    if len(found) != ndim:
        raise ArgumentError(
            f"{name} needs {argument} as one integer, or as one for each of the {ndim} axes; got {value!r}"
        )
    if any(n < smallest for n in found):
        raise ArgumentError(f"{name} needs {argument} of {smallest} or more; got {value!r}")
    return found


def padding_per_axis(
    padding: Padding, kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...], name: str
) -> tuple[tuple[int, int], ...]:
    """How much before and after each axis: from an integer, integers, pairs, "valid" or "same"."""
    if isinstance(padding, str):
        if padding == "valid":
            return ((0, 0),) * len(kernel)
        if padding != "same":
            raise ArgumentError(f'{name} knows padding "same" and "valid", and integers; got {padding!r}')
        if any(step != 1 for step in stride):
            raise ArgumentError(
                f'{name} has padding "same" only for stride 1, where sizes can stay; got stride {stride}'
            )
        totals = (d * (k - 1) for k, d in zip(kernel, dilation, strict=True))
        return tuple((total // 2, total - total // 2) for total in totals)
    if isinstance(padding, Sequence) and any(isinstance(part, Sequence) for part in padding):
        if len(padding) != len(kernel):
            raise ArgumentError(
                f"{name} needs one (before, after) pair for each of the {len(kernel)} axes; got {padding!r}"
            )
        pairs = (per_axis(part, 2, name, "padding", smallest=0) for part in padding)  # type: ignore[arg-type]
        return tuple((before, after) for before, after in pairs)
    return tuple((n, n) for n in per_axis(padding, len(kernel), name, "padding", smallest=0))  # type: ignore[arg-type]


def make_grid(kernel: tuple[int, ...], stride: Sizes, padding: Padding, dilation: Sizes, name: str) -> Grid:
    """A grid from arguments as users write them."""
    steps = per_axis(stride, len(kernel), name, "stride")
    gaps = per_axis(dilation, len(kernel), name, "dilation")
    return Grid(kernel, steps, padding_per_axis(padding, kernel, steps, gaps, name), gaps)


# --- apart, and together again ----------------------------------------------------------------------------------


@static
class OnGrid:
    """What ops on a grid share: axes in front of those that the windows lie along are left alone, a stack's too."""

    grid: Grid

    def batch(self, batched: tuple[bool, ...], *inputs: Tensor) -> Tensor:
        """The same op."""
        return apply(self, *all_stacked(batched, inputs))  # type: ignore[arg-type]


@static
class BackToSizes(OnGrid):
    """What their transposes share: the sizes that the axes had before there were windows."""

    sizes: tuple[int, ...]


class Windows(OnGrid, Linear):
    """All windows along the last axes: (..., *sizes) to (..., *kernel, *counts), zeros where they reach outside."""

    argument_names = ("x",)
    formula = "out[k, i] = x[i * stride - padding + k * dilation], 0 outside"
    pattern = "adder: an element gets the sum over all windows that it lies in"

    def shape(self, x: Aval) -> Aval:
        counts = self.grid.counts_in(x.shape, "unfold")
        return Aval((*x.shape[: x.ndim - self.grid.ndim], *self.grid.kernel, *counts), x.dtype)

    def forward(self, x: Any) -> Any:
        self.grid.counts_in(x.shape, "unfold")
        return windows_of(x, self.grid)

    def transpose(self, g: Tensor, x: Tensor) -> tuple[Tensor]:
        return (apply(interned(AddWindows, self.grid, x.shape[x.ndim - self.grid.ndim :]), g),)


class AddWindows(BackToSizes, Linear):
    """Windows added up where they lie: (..., *kernel, *counts) to (..., *sizes). The transpose of `Windows`."""

    argument_names = ("windows",)
    formula = "out[i * stride - padding + k * dilation] += windows[k, i], from zeros"
    pattern = "distributor: each window gets the upstream gradient from where it lies"

    def shape(self, windows: Aval) -> Aval:
        return Aval((*windows.shape[: windows.ndim - 2 * self.grid.ndim], *self.sizes), windows.dtype)

    def forward(self, windows: Any) -> Any:
        return add_windows(windows, self.grid, self.sizes)

    def transpose(self, g: Tensor, windows: Tensor) -> tuple[Tensor]:
        return (apply(interned(Windows, self.grid), g),)


def unfold(
    x: Any, kernel_size: Sizes, /, *, dilation: Sizes = 1, padding: Padding = 0, stride: Sizes = 1
) -> Tensor:
    """All windows of images as columns. x: (batch, channels, *sizes) gives (batch, channels * window, windows).

    `kernel_size`, `dilation`, `stride`: one integer, or one per axis of `sizes`; `padding` also (before, after) pairs.
    Windows are counted in row-major order, and zeros stand outside. Any dtype. Raises ShapeError if no window fits.
    A product with weights of shape (out, channels * window) makes a convolution of it. PyTorch's `unfold`, for any
    number of axes.

    >>> gg.unfold(gg.asarray([[[1, 2, 3]]]), 2)
    tensor([[[1, 2],
             [2, 3]]])
    """
    x = asarray(x)
    if x.ndim < 3:
        raise ShapeError(f"unfold needs shape (batch, channels, *sizes); got shape {x.shape}")
    kernel = per_axis(kernel_size, x.ndim - 2, "unfold", "kernel_size")
    grid = make_grid(kernel, stride, padding, dilation, "unfold")
    counts = grid.counts_in(x.shape, "unfold")
    columns = (x.shape[0], x.shape[1] * math.prod(kernel), math.prod(counts))
    return reshape(apply(interned(Windows, grid), x), columns)


def fold(
    x: Any,
    output_size: Sizes,
    kernel_size: Sizes,
    /,
    *,
    dilation: Sizes = 1,
    padding: Padding = 0,
    stride: Sizes = 1,
) -> Tensor:
    """Columns, as `unfold` makes them, added up to images. The transpose of `unfold`, not its inverse.

    x: (batch, channels * window, windows) gives (batch, channels, *output_size); elements under several windows get
    the sum of all. `output_size` says how many axes there are; one integer means two axes of that size. Any dtype.
    PyTorch's `fold`, for any number of axes.

    Raises ShapeError if the number of rows or of columns does not fit.

    >>> gg.fold(gg.asarray([[[1, 2], [2, 3]]]), (3,), 2)
    tensor([[[1, 4, 3]]])
    """
    x = asarray(x)
    ndim = len(output_size) if isinstance(output_size, Sequence) else 2
    sizes = per_axis(output_size, ndim, "fold", "output_size")
    kernel = per_axis(kernel_size, ndim, "fold", "kernel_size")
    grid = make_grid(kernel, stride, padding, dilation, "fold")
    counts = grid.counts_in(sizes, "fold")
    window, columns = math.prod(kernel), math.prod(counts)
    if x.ndim != 3 or x.shape[1] % window or x.shape[2] != columns:
        raise ShapeError(
            f"fold to sizes {sizes} with windows of shape {kernel} needs shape (batch, channels * {window}, "
            f"{columns}), because {' * '.join(map(str, counts))} windows fit; got shape {x.shape}"
        )
    channels = x.shape[1] // window
    return apply(interned(AddWindows, grid, sizes), reshape(x, (x.shape[0], channels, *kernel, *counts)))
