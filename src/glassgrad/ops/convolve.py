"""Convolution along any number of axes, its transpose, and the gradient of its weights: three bilinear ops.

Their shapes, in the names used below: images (batch, channels, *sizes), filters (features, channels / groups,
*kernel) and maps (batch, features, *counts). Each op makes one of the three from the other two: `Convolution` maps,
`ConvolutionTranspose` images, `ConvolutionWeight` filters. Its transposes are the other two.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any, ClassVar

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..graph import Aval, interned
from ..graph.loops import Convolved
from ..graph.static import replaced, static
from ..tensor import Tensor, apply, asarray
from ..tensor.dtype import promote
from .complex_numbers import conj
from .families import Bilinear, require_kind, unbroadcast
from .shape import expand_dims, moveaxis, reshape, squeeze
from .stacks import one_by_one, stack_size
from .windows import Grid, OnGrid, Padding, Sizes, add_windows, make_grid, per_axis, windows_of

__all__ = ["convolution", "convolution_transpose"]


# --- on arrays --------------------------------------------------------------------------------------------------

_BLOCK = 2**21
"""How many elements of windows are laid out at a time: 8 MB in float32, so that memory does not grow with the batch."""


def _blocks(batch: int, elements: int) -> Iterator[slice]:
    """The batch in blocks of samples, each with `elements` elements of windows."""
    step = max(1, _BLOCK // max(1, elements))
    return (slice(start, start + step) for start in range(0, batch, step))


def _matrices(x: Any, groups: int, rows: int, counts: tuple[int, ...]) -> Any:
    """Windows or maps of shape (batch, ..., *counts) as (batch, groups, rows, columns)."""
    return x.reshape(len(x), groups, rows, prod(counts))


def _same_dtype(left: Any, right: Any) -> tuple[Any, Any]:
    joint = promote({left.dtype, right.dtype})
    return left.astype(joint, copy=False), right.astype(joint, copy=False)


def convolve(images: Any, filters: Any, grid: Grid, groups: int) -> Any:
    """Maps: the windows of the images times the filters, group by group, as products of matrices."""
    images, filters = _same_dtype(images, filters)
    features, kernel = len(filters), grid.kernel
    windows = windows_of(images, grid)
    counts = windows.shape[2 + grid.ndim :]
    rows = images.shape[1] // groups * prod(kernel)
    maps = np.empty((len(images), groups, features // groups, prod(counts)), images.dtype)
    matrices = filters.reshape(groups, features // groups, rows)
    for block in _blocks(len(images), groups * rows * prod(counts)):
        columns = _matrices(windows[block], groups, rows, counts)
        np.matmul(matrices, columns, out=maps[block])
    return maps.reshape(len(images), features, *counts)


def convolve_back(maps: Any, filters: Any, grid: Grid, groups: int, sizes: tuple[int, ...]) -> Any:
    """Images: the maps times the transposed filters give windows, which are added up where they lie."""
    maps, filters = _same_dtype(maps, filters)
    features, counts = len(filters), maps.shape[2:]
    channels = filters.shape[1] * groups
    rows = filters.shape[1] * prod(grid.kernel)
    matrices = filters.reshape(groups, features // groups, rows).swapaxes(1, 2)
    images = np.empty((len(maps), channels, *sizes), maps.dtype)
    for block in _blocks(len(maps), groups * rows * prod(counts)):
        columns = np.matmul(matrices, _matrices(maps[block], groups, features // groups, counts))
        windows = columns.reshape(len(columns), channels, *grid.kernel, *counts)
        images[block] = add_windows(windows, grid, sizes)
    return images


def correlate(images: Any, maps: Any, grid: Grid, groups: int) -> Any:
    """Filters: the maps times the windows of the images, summed over the batch."""
    images, maps = _same_dtype(images, maps)
    features, counts = maps.shape[1], maps.shape[2:]
    windows = windows_of(images, grid)
    rows = images.shape[1] // groups * prod(grid.kernel)
    matrices = np.zeros((groups, rows, features // groups), images.dtype)
    for block in _blocks(len(images), groups * rows * max(prod(counts), features // groups)):
        columns = _matrices(windows[block], groups, rows, counts)
        upstream = _matrices(maps[block], groups, features // groups, counts)
        matrices += np.matmul(columns, upstream.swapaxes(2, 3)).sum(0)
    return matrices.swapaxes(1, 2).reshape(features, images.shape[1] // groups, *grid.kernel)


# --- the three ops ----------------------------------------------------------------------------------------------

Place = tuple[int, bool]
"""Where a stack goes: into which axis of its members, and whether there behind the groups or before them."""


def _merge(x: Tensor, axis: int, groups: int) -> Tensor:
    """A stack's members side by side along their axis `axis`, each of its `groups` with all members together."""
    sizes = x.shape[1:]
    split = reshape(x, (len(x), *sizes[:axis], groups, sizes[axis] // groups, *sizes[axis + 1 :]))
    together = moveaxis(split, 0, axis + 1)
    return reshape(together, (*sizes[:axis], len(x) * sizes[axis], *sizes[axis + 1 :]))


def _split(x: Tensor, axis: int, groups: int, size: int) -> Tensor:
    """The stack of `size` members that `_merge` laid side by side."""
    lead, tail, length = x.shape[:axis], x.shape[axis + 1 :], x.shape[axis] // size
    split = reshape(x, (*lead, groups, size, length // groups, *tail))
    return reshape(moveaxis(split, axis + 1, 0), (size, *lead, length, *tail))


@static
class Convolving(OnGrid, Bilinear):
    """What the three ops share: a stack of inputs is laid side by side along an axis that the op treats alike."""

    groups: int

    merged: ClassVar[dict[tuple[bool, bool], tuple[Place | None, Place | None, Place]]]
    """By which inputs are stacks: where the first, the second and the result have the members."""

    makes: ClassVar[str]
    """Which of images, filters and maps the result is."""

    def check(self, left: Aval | Tensor, right: Aval | Tensor) -> None:
        """Raise an error that says what does not fit."""
        raise NotImplementedError

    def loops(self, *inputs: Aval) -> Convolved:
        """A convolution, of whichever of the three is wanted."""
        kernel, stride, padding, dilation = self.grid
        return Convolved(
            self.makes, kernel, stride, tuple(before for before, _ in padding), dilation, self.groups
        )

    def batch(self, batched: tuple[bool, ...], *inputs: Tensor) -> Tensor:
        """One larger convolution: with more samples, more channels, more features or, for two stacks, more groups."""
        size = stack_size(batched, inputs)
        if size == 0:
            return one_by_one(self, batched, inputs)
        left, right = batched
        *places, (axis, by_group) = self.merged[left, right]
        flat = [
            x if place is None else _merge(x, place[0], self.groups if place[1] else 1)
            for x, place in zip(inputs, places, strict=True)
        ]
        wide = replaced(self, groups=self.groups * size) if left and right else self
        return _split(apply(wide, *flat), axis, self.groups if by_group else 1, size)


class Convolution(Convolving):
    """Images (x) and filters (weight) to maps: each filter laid on each window, products summed."""

    makes = "maps"
    argument_names = ("x", "weight")
    formula = "out[n, f, i] = sum_c,k x[n, c, i * stride - padding + k * dilation] * weight[f, c, k]"
    pattern = (
        "switch: x gets the upstream gradient spread by the weights, weight gets it times the windows of x"
    )
    merged: ClassVar = {
        (True, False): ((0, False), None, (0, False)),
        (False, True): (None, (0, True), (1, True)),
        (True, True): ((1, False), (0, False), (1, False)),
    }

    def shape(self, x: Aval, weight: Aval) -> Aval:
        self.check(x, weight)
        counts = self.grid.counts_in(x.shape, self.name)
        return Aval((x.shape[0], weight.shape[0], *counts), promote({x.dtype, weight.dtype}))

    def check(self, x: Aval | Tensor, weight: Aval | Tensor) -> None:
        require_kind(self, "iufc", x, weight)
        channels, features, groups = x.shape[1], weight.shape[0], self.groups
        if channels != weight.shape[1] * groups or features % groups:
            divided = f" / {groups} groups" if groups > 1 else ""
            cure = ""
            if groups == 1 and channels == weight.shape[0]:
                cure = " If weight is meant for the way back, use gg.convolution_transpose."
            elif x.shape[-1] == weight.shape[1] * groups:
                cure = " Channels come before the sizes: gg.moveaxis(x, -1, 1)."
            raise ShapeError(
                f"convolution needs x of shape (batch, channels, *sizes) and weight of shape (features, channels"
                f"{divided}, *kernel){', features a multiple of the groups' if groups > 1 else ''}; got "
                f"{self.describe_inputs((x, weight))}.{cure}"
            )

    def forward(self, x: Any, weight: Any) -> Any:
        require_kind(self, "iufc", x, weight)
        return convolve(x, weight, self.grid, self.groups)

    def transpose_left(self, g: Tensor, x: Tensor, weight: Tensor) -> Tensor:
        back = interned(ConvolutionTranspose, self.grid, self.groups, x.shape[2:])
        return unbroadcast(apply(back, g, conj(weight)), x)

    def transpose_right(self, g: Tensor, x: Tensor, weight: Tensor) -> Tensor:
        return unbroadcast(apply(interned(ConvolutionWeight, self.grid, self.groups), conj(x), g), weight)


@static
class ConvolutionTranspose(Convolving):
    """Maps (x) and filters (weight) to images of `sizes`: the transpose of `Convolution` in its images."""

    sizes: tuple[int, ...]

    makes = "images"
    argument_names = ("x", "weight")
    formula = "out[n, c, i * stride - padding + k * dilation] += x[n, f, i] * weight[f, c, k], from zeros"
    pattern: ClassVar[str] = (
        "switch: x gets the upstream gradient convolved with the weights, weight gets its windows times x"
    )
    merged: ClassVar = {
        (True, False): ((0, False), None, (0, False)),
        (False, True): (None, (1, False), (1, True)),
        (True, True): ((1, False), (0, False), (1, False)),
    }

    def shape(self, x: Aval, weight: Aval) -> Aval:
        self.check(x, weight)
        channels = weight.shape[1] * self.groups
        return Aval((x.shape[0], channels, *self.sizes), promote({x.dtype, weight.dtype}))

    def check(self, x: Aval | Tensor, weight: Aval | Tensor) -> None:
        require_kind(self, "iufc", x, weight)
        if x.shape[1] != weight.shape[0] or weight.shape[0] % self.groups:
            divided = f" / {self.groups} groups" if self.groups > 1 else ""
            raise ShapeError(
                f"convolution_transpose needs x of shape (batch, features, *counts) and weight of shape (features, "
                f"channels{divided}, *kernel){', features a multiple of the groups' if divided else ''}; got "
                f"{self.describe_inputs((x, weight))}."
            )

    def forward(self, x: Any, weight: Any) -> Any:
        require_kind(self, "iufc", x, weight)
        return convolve_back(x, weight, self.grid, self.groups, self.sizes)

    def transpose_left(self, g: Tensor, x: Tensor, weight: Tensor) -> Tensor:
        return unbroadcast(apply(interned(Convolution, self.grid, self.groups), g, conj(weight)), x)

    def transpose_right(self, g: Tensor, x: Tensor, weight: Tensor) -> Tensor:
        return unbroadcast(apply(interned(ConvolutionWeight, self.grid, self.groups), g, conj(x)), weight)


class ConvolutionWeight(Convolving):
    """Images (x) and maps (y) to filters: the transpose of `Convolution` in its filters."""

    makes = "filters"
    argument_names = ("x", "y")
    formula = "out[f, c, k] = sum_n,i x[n, c, i * stride - padding + k * dilation] * y[n, f, i]"
    pattern = (
        "switch: x gets y spread by the upstream gradient, y gets x convolved with the upstream gradient"
    )
    merged: ClassVar = {
        (True, False): ((1, True), None, (1, False)),
        (False, True): (None, (1, True), (0, True)),
        (True, True): ((1, False), (1, False), (0, False)),
    }

    def shape(self, x: Aval, y: Aval) -> Aval:
        require_kind(self, "iufc", x, y)
        filters = (y.shape[1], x.shape[1] // self.groups, *self.grid.kernel)
        return Aval(filters, promote({x.dtype, y.dtype}))

    def forward(self, x: Any, y: Any) -> Any:
        require_kind(self, "iufc", x, y)
        return correlate(x, y, self.grid, self.groups)

    def transpose_left(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        back = interned(ConvolutionTranspose, self.grid, self.groups, x.shape[2:])
        return unbroadcast(apply(back, conj(y), g), x)

    def transpose_right(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return unbroadcast(apply(interned(Convolution, self.grid, self.groups), conj(x), g), y)


# --- for users --------------------------------------------------------------------------------------------------


def _operands(x: Any, weight: Any, groups: int, name: str, layout: str) -> tuple[Tensor, Tensor, bool]:
    """Both as tensors, x with a batch axis, and whether it was added."""
    x, weight = asarray(x), asarray(weight)
    if weight.ndim < 3 or x.ndim not in (weight.ndim, weight.ndim - 1):
        raise ShapeError(
            f"{name} needs weight of shape {layout} and x with as many axes, or one fewer without batch; got x "
            f"{x.dtype}{list(x.shape)} and weight {weight.dtype}{list(weight.shape)}."
        )
    if 0 in weight.shape[2:]:
        raise ShapeError(
            f"{name} needs a kernel of size 1 or more along each axis; got weight of shape {weight.shape}"
        )
    if not isinstance(groups, int) or groups < 1:
        raise ArgumentError(f"{name} needs groups of 1 or more; got {groups!r}")
    alone = x.ndim < weight.ndim
    return (expand_dims(x, 0) if alone else x), weight, alone


def convolution(
    x: Any,
    weight: Any,
    /,
    *,
    stride: Sizes = 1,
    padding: Padding = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """The filters `weight` laid on every window of x, products summed. Any number of axes, numeric dtypes.

    x: (batch, channels, *sizes), or without batch; weight: (features, channels / groups, *kernel). Gives
    (batch, features, *counts) with counts = (sizes + padding - dilation * (kernel - 1) - 1) // stride + 1.

    `stride`, `dilation`: one integer, or one per axis. `padding` (zeros): the same, or (before, after) pairs, "valid"
    for none, or "same" for as many as keep the sizes at stride 1. With `groups`, each group of features sees its own
    group of channels only. As in PyTorch the filters are not flipped, so that strictly this is a cross-correlation.
    Raises ShapeError if the channels do not fit or no window does.

    >>> edges = gg.asarray([[[1.0, -1.0]]])
    >>> gg.convolution(gg.asarray([[[1.0, 1.0, 3.0, 3.0]]]), edges)
    tensor([[[ 0., -2.,  0.]]])
    """
    name = "convolution"
    x, weight, alone = _operands(x, weight, groups, name, "(features, channels / groups, *kernel)")
    op = interned(Convolution, make_grid(weight.shape[2:], stride, padding, dilation, name), groups)
    op.check(x, weight)
    op.grid.counts_in(x.shape, name)
    maps = apply(op, x, weight)
    return squeeze(maps, 0) if alone else maps


def convolution_transpose(
    x: Any,
    weight: Any,
    /,
    *,
    stride: Sizes = 1,
    padding: Padding = 0,
    output_padding: Sizes = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """Each element of x times the filter, added up where `convolution` takes its windows: its transpose, no inverse.

    x: (batch, features, *counts), or without batch; weight: (features, channels / groups, *kernel), as for the
    convolution that it transposes. Gives (batch, channels, *sizes) with sizes =
    (counts - 1) * stride + dilation * (kernel - 1) + 1 - padding + output_padding. `output_padding`, smaller than the
    stride, chooses among the sizes that the convolution would turn into the same counts. The rest as in `convolution`.

    Raises ShapeError if the channels do not fit or nothing is left of the result.

    >>> gg.convolution_transpose(gg.asarray([[[1.0, 2.0]]]), gg.asarray([[[1.0, 10.0]]]), stride=2)
    tensor([[[ 1., 10.,  2., 20.]]])
    """
    name = "convolution_transpose"
    x, weight, alone = _operands(x, weight, groups, name, "(features, channels / groups, *kernel)")
    grid = make_grid(weight.shape[2:], stride, padding, dilation, name)
    more = per_axis(output_padding, grid.ndim, name, "output_padding", smallest=0)
    if any(extra >= step for extra, step in zip(more, grid.stride, strict=True)):
        raise ArgumentError(
            f"{name} needs output_padding smaller than the stride; got {more} with stride {grid.stride}"
        )
    sizes = tuple(
        (count - 1) * step + reach - before - after + extra
        for count, step, reach, (before, after), extra in zip(
            x.shape[2:], grid.stride, grid.extent, grid.padding, more, strict=True
        )
    )
    if any(size < 1 for size in sizes):
        raise ShapeError(
            f"{name} of {x.shape[2:]} with a kernel of {grid.kernel} would leave sizes {sizes}. Use less padding."
        )
    op = interned(ConvolutionTranspose, grid, groups, sizes)
    op.check(x, weight)
    images = apply(op, x, weight)
    return squeeze(images, 0) if alone else images
