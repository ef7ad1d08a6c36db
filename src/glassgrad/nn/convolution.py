"""Convolution layers along one, two or three axes: filters that are laid on every window of their input."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from .. import ops, random
from ..errors import ArgumentError, ShapeError
from ..ops.windows import Padding, Sizes, padding_per_axis, per_axis
from ..tensor import Tensor, asarray
from ..tensor.dtype import DEFAULT_FLOAT
from .arguments import require_size
from .module import Module
from .parameter import Parameter

SIZES = {1: "length", 2: "height, width", 3: "depth, height, width"}

PADDING_MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
"""PyTorch's names for what stands around the input, and NumPy's."""


def conv1d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Sizes = 1,
    padding: Padding = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """Filters (out, in / groups, k) laid on a (batch, in, length) input, plus a bias (out). See `Conv1d`.

    >>> gg.nn.functional.conv1d(gg.tensor([[[1.0, 2.0, 4.0]]]), gg.tensor([[[-1.0, 1.0]]]))
    tensor([[[1., 2.]]])
    """
    return _convolved(1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Sizes = 1,
    padding: Padding = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """Filters (out, in / groups, kh, kw) laid on a (batch, in, height, width) input, plus a bias (out). See `Conv2d`.

    >>> gg.nn.functional.conv2d(gg.ones((1, 2, 4, 5)), gg.ones((3, 2, 3, 3)), padding=1).shape
    (1, 3, 4, 5)
    """
    return _convolved(2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Sizes = 1,
    padding: Padding = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """Filters (out, in / groups, kd, kh, kw) on a (batch, in, depth, height, width) input, plus a bias. See `Conv3d`.

    >>> gg.nn.functional.conv3d(gg.ones((1, 2, 4, 4, 5)), gg.ones((3, 2, 3, 3, 3))).shape
    (1, 3, 2, 2, 3)
    """
    return _convolved(3, input, weight, bias, stride, padding, dilation, groups)


def _convolved(
    ndim: int,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Sizes,
    padding: Padding,
    dilation: Sizes,
    groups: int,
) -> Tensor:
    x, weight = asarray(input), asarray(weight)
    name = f"Conv{ndim}d"
    if weight.ndim != ndim + 2:
        raise ShapeError(
            f"{name} needs a weight of shape (out_channels, in_channels / groups, *kernel) with {ndim + 2} axes; got "
            f"shape {weight.shape}"
        )
    _require_channels(name, ndim, x, weight.shape[1] * groups)
    maps = ops.convolution(x, weight, stride=stride, padding=padding, dilation=dilation, groups=groups)
    if bias is None:
        return maps
    bias = asarray(bias)
    if bias.shape != weight.shape[:1]:
        raise ShapeError(
            f"{name} needs a bias of shape ({weight.shape[0]},), one for each filter; got {bias.shape}"
        )
    return maps + ops.reshape(bias, (-1, *(1,) * ndim))


def _require_channels(name: str, ndim: int, x: Tensor, channels: int) -> None:
    """Raise a ShapeError unless x is (batch, channels, *sizes) or (channels, *sizes)."""
    if x.ndim in (ndim + 1, ndim + 2) and x.shape[-1 - ndim] == channels:
        return
    cure = ""
    if x.ndim == ndim + 2 and x.shape[-1] == channels:
        cure = ". Channels come before the sizes: gg.moveaxis(x, -1, 1)"
    elif channels == 1 and x.ndim == ndim + 1:
        cure = ". Images of one channel need an axis for it: gg.expand_dims(x, 1)"
    elif channels == 1 and x.ndim == ndim:
        cure = ". A single image of one channel needs an axis for it: gg.expand_dims(x, 0)"
    raise ShapeError(
        f"{name} expects {channels} input channels, as input of shape (batch, {channels}, {SIZES[ndim]}) or without "
        f"batch; got input of shape {x.shape}{cure}"
    )


class Convolution(Module):
    """What `Conv1d`, `Conv2d` and `Conv3d` share: their settings, parameters and padding."""

    ndim: ClassVar[int]
    """Along how many axes the windows slide."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Padding = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        *,
        dtype: Any = DEFAULT_FLOAT,
    ) -> None:
        name, ndim = type(self).__name__, self.ndim
        self.in_channels = require_size(name, "in_channels", in_channels)
        self.out_channels = require_size(name, "out_channels", out_channels)
        self.kernel_size = per_axis(kernel_size, ndim, name, "kernel_size")
        self.stride = per_axis(stride, ndim, name, "stride")
        self.dilation = per_axis(dilation, ndim, name, "dilation")
        self.padding = padding_per_axis(padding, self.kernel_size, self.stride, self.dilation, name)
        self.groups = require_size(name, "groups", groups)
        self.padding_mode = padding_mode
        if in_channels % groups or out_channels % groups:
            raise ArgumentError(
                f"{name} needs in_channels and out_channels that are multiples of groups; got {in_channels} and "
                f"{out_channels} with groups={groups}"
            )
        if padding_mode not in PADDING_MODES:
            raise ArgumentError(f"{name} knows padding_mode {_listed(PADDING_MODES)}; got {padding_mode!r}")
        shape = (out_channels, in_channels // groups, *self.kernel_size)
        bound = 1.0 / math.sqrt(math.prod(shape[1:]))
        self.weight = Parameter(random.uniform(shape, -bound, bound, dtype=dtype))
        self.bias = Parameter(random.uniform(out_channels, -bound, bound, dtype=dtype)) if bias else None

    def forward(self, x: Any) -> Tensor:
        """The filters laid on every window of x, plus the bias."""
        x, padding = asarray(x), self.padding
        if self.padding_mode != "zeros":
            _require_channels(type(self).__name__, self.ndim, x, self.in_channels)
            x, padding = _padded(x, padding, PADDING_MODES[self.padding_mode]), ((0, 0),) * self.ndim
        return _convolved(
            self.ndim, x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups
        )

    def extra_repr(self) -> str:
        """The settings that are not the default."""
        shown = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}"
        usual = {"stride": (1,), "padding": ((0, 0),), "dilation": (1,)}
        for name, value in usual.items():
            if getattr(self, name) != value * self.ndim:
                shown += f", {name}={getattr(self, name)}"
        shown += f", groups={self.groups}" if self.groups > 1 else ""
        shown += "" if self.bias is not None else ", bias=False"
        return shown + (f", padding_mode={self.padding_mode!r}" if self.padding_mode != "zeros" else "")


def _listed(names: Any) -> str:
    *some, last = map(repr, names)
    return f"{', '.join(some)} and {last}"


def _padded(x: Tensor, widths: tuple[tuple[int, int], ...], mode: str) -> Tensor:
    """x with elements of its own around its last axes."""
    for axis, (before, after) in enumerate(widths, x.ndim - len(widths)):
        if (before or after) and x.shape[axis]:
            places = np.pad(np.arange(x.shape[axis]), (before, after), mode=mode)  # type: ignore[call-overload]
            x = ops.take(x, places, axis=axis)
    return x


class Conv1d(Convolution):
    """Filters laid on every window along one axis, plus a bias: (batch, in_channels, length) or without batch.

    Gives (batch, out_channels, count), count = (length + 2 padding - dilation (kernel_size - 1) - 1) // stride + 1. See
    `Conv2d`, whose arguments, parameters and errors are the same.

    >>> layer = gg.nn.Conv1d(3, 8, kernel_size=5, padding="same")
    >>> layer(gg.ones((2, 3, 20))).shape
    (2, 8, 20)
    """

    ndim = 1


class Conv2d(Convolution):
    """Filters laid on every window of images, plus a bias: (batch, in_channels, height, width) or without batch.

    Gives (batch, out_channels, *counts), counts = (sizes + 2 padding - dilation (kernel_size - 1) - 1) // stride + 1.
    As in PyTorch the filters are not flipped, so that strictly this is a cross-correlation.

    kernel_size, stride, dilation: one integer, or one per axis. padding: the same, or (before, after) pairs, "valid"
    for none, or "same" for as much as keeps the sizes at stride 1. groups: each group of out_channels sees its own
    group of in_channels only. padding_mode: what stands around the image: "zeros", or elements of its own by
    "reflect", "replicate" or "circular".

    Parameters: `weight` (out_channels, in_channels / groups, *kernel_size) and, unless `bias=False`, `bias`
    (out_channels), drawn from U(-1/√n, 1/√n) where n is the number of elements that a filter sees.
    Raises ArgumentError for settings, ShapeError for other channels or an image that is too small.

    >>> layer = gg.nn.Conv2d(3, 64, kernel_size=11, stride=4, padding=2)
    >>> layer
    Conv2d(3, 64, kernel_size=(11, 11), stride=(4, 4), padding=((2, 2), (2, 2)))
    >>> layer(gg.ones((1, 3, 224, 224))).shape
    (1, 64, 55, 55)
    """

    ndim = 2


class Conv3d(Convolution):
    """Filters laid on every window of volumes, plus a bias: (batch, in_channels, depth, height, width).

    Also without batch. See `Conv2d`, whose arguments, parameters and errors are the same.

    >>> layer = gg.nn.Conv3d(1, 2, kernel_size=(1, 3, 3))
    >>> layer(gg.ones((2, 1, 4, 5, 6))).shape
    (2, 2, 4, 3, 4)
    """

    ndim = 3
