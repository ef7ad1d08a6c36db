"""Pooling layers along one, two or three axes: the maximum or the mean of every window."""

from __future__ import annotations

from typing import Any, ClassVar

from .. import ops
from ..errors import ArgumentError, ShapeError
from ..ops.windows import Padding, Sizes, per_axis
from ..tensor import Tensor, asarray
from .convolution import SIZES
from .module import Module


def max_pool1d(
    input: Any,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Padding = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """The largest element of each window of (batch, channels, length). See `MaxPool2d`.

    >>> gg.nn.functional.max_pool1d(gg.tensor([[[1.0, 5.0, 2.0, 3.0]]]), 2)
    tensor([[[5., 3.]]])
    """
    return _maxima(1, input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool2d(
    input: Any,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Padding = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """The largest element of each window of (batch, channels, height, width). See `MaxPool2d`.

    >>> gg.nn.functional.max_pool2d(gg.tensor([[[1.0, 5.0], [2.0, 3.0]]]), 2)
    tensor([[[5.]]])
    """
    return _maxima(2, input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool3d(
    input: Any,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Padding = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """The largest element of each window of (batch, channels, depth, height, width). See `MaxPool2d`.

    >>> gg.nn.functional.max_pool3d(gg.ones((1, 2, 4, 4, 4)), 2).shape
    (1, 2, 2, 2, 2)
    """
    return _maxima(3, input, kernel_size, stride, padding, dilation, ceil_mode)


def avg_pool1d(
    input: Any,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Padding = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window of (batch, channels, length). See `AvgPool2d`.

    >>> gg.nn.functional.avg_pool1d(gg.tensor([[[1.0, 5.0, 2.0, 4.0]]]), 2)
    tensor([[[3., 3.]]])
    """
    return _means(1, input, kernel_size, stride, padding, ceil_mode, count_include_pad)


def avg_pool2d(
    input: Any,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Padding = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window of (batch, channels, height, width). See `AvgPool2d`.

    >>> gg.nn.functional.avg_pool2d(gg.tensor([[[1.0, 5.0], [2.0, 4.0]]]), 2)
    tensor([[[3.]]])
    """
    return _means(2, input, kernel_size, stride, padding, ceil_mode, count_include_pad)


def avg_pool3d(
    input: Any,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Padding = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window of (batch, channels, depth, height, width). See `AvgPool2d`.

    >>> gg.nn.functional.avg_pool3d(gg.ones((1, 2, 4, 4, 4)), 2).shape
    (1, 2, 2, 2, 2)
    """
    return _means(3, input, kernel_size, stride, padding, ceil_mode, count_include_pad)


def _maxima(
    ndim: int,
    input: Any,
    kernel_size: Sizes,
    stride: Sizes | None,
    padding: Padding,
    dilation: Sizes,
    ceil_mode: bool,
) -> Tensor:
    x, name = asarray(input), f"MaxPool{ndim}d"
    _require_axes(name, ndim, x)
    kernel = per_axis(kernel_size, ndim, name, "kernel_size")
    return ops.max_pool(x, kernel, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode)


def _means(
    ndim: int,
    input: Any,
    kernel_size: Sizes,
    stride: Sizes | None,
    padding: Padding,
    ceil_mode: bool,
    count_include_pad: bool,
) -> Tensor:
    x, name = asarray(input), f"AvgPool{ndim}d"
    _require_axes(name, ndim, x)
    kernel = per_axis(kernel_size, ndim, name, "kernel_size")
    return ops.average_pool(
        x, kernel, stride=stride, padding=padding, ceil_mode=ceil_mode, count_include_pad=count_include_pad
    )


def _require_axes(name: str, ndim: int, x: Tensor) -> None:
    if x.ndim not in (ndim + 1, ndim + 2):
        raise ShapeError(
            f"{name} expects input of shape (batch, channels, {SIZES[ndim]}) or without batch; got input of shape "
            f"{x.shape}"
        )


class Pooling(Module):
    """What the pooling layers share: the windows, checked when the layer is made."""

    ndim: ClassVar[int]
    """Along how many axes the windows slide."""

    def __init__(self, kernel_size: Sizes, stride: Sizes | None, padding: Sizes) -> None:
        name = type(self).__name__
        self.kernel_size = per_axis(kernel_size, self.ndim, name, "kernel_size")
        self.stride = self.kernel_size if stride is None else per_axis(stride, self.ndim, name, "stride")
        self.padding = per_axis(padding, self.ndim, name, "padding", smallest=0)

    def _require_padding(self, reach: tuple[int, ...]) -> None:
        if any(2 * width > size for width, size in zip(self.padding, reach, strict=True)):
            raise ArgumentError(
                f"{type(self).__name__} needs padding of at most half the window; got padding {self.padding} and "
                f"windows of {reach}"
            )


class MaxPooling(Pooling):
    """What `MaxPool1d`, `MaxPool2d` and `MaxPool3d` share."""

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        *,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__(kernel_size, stride, padding)
        self.dilation = per_axis(dilation, self.ndim, type(self).__name__, "dilation")
        self.ceil_mode = ceil_mode
        self._require_padding(
            tuple(d * (k - 1) + 1 for k, d in zip(self.kernel_size, self.dilation, strict=True))
        )

    def forward(self, x: Any) -> Tensor:
        """The largest element of each window."""
        return _maxima(
            self.ndim, x, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode
        )

    def extra_repr(self) -> str:
        """The settings."""
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, dilation={self.dilation}, "
            f"ceil_mode={self.ceil_mode}"
        )


class AveragePooling(Pooling):
    """What `AvgPool1d`, `AvgPool2d` and `AvgPool3d` share."""

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__(kernel_size, stride, padding)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self._require_padding(self.kernel_size)

    def forward(self, x: Any) -> Tensor:
        """The mean of each window."""
        return _means(
            self.ndim, x, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad
        )

    def extra_repr(self) -> str:
        """The settings."""
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"ceil_mode={self.ceil_mode}, count_include_pad={self.count_include_pad}"
        )


class MaxPool1d(MaxPooling):
    """The largest element of each window of (batch, channels, length), or without batch. See `MaxPool2d`.

    >>> gg.nn.MaxPool1d(2)(gg.tensor([[[1.0, 5.0, 2.0, 3.0]]]))
    tensor([[[5., 3.]]])
    """

    ndim = 1


class MaxPool2d(MaxPooling):
    """The largest element of each window of (batch, channels, height, width), or without batch; NaN if there is one.

    kernel_size, stride, padding, dilation: one integer, or one per axis. stride is kernel_size if not given. What is
    padded never wins. `ceil_mode` adds a window for what is left at the end. The gradient goes to the first of several
    equal elements. Raises ArgumentError for padding of more than half a window, ShapeError if no window fits.

    >>> gg.nn.MaxPool2d(2)(gg.tensor([[[1.0, 5.0], [2.0, 3.0]]]))
    tensor([[[5.]]])
    >>> gg.nn.MaxPool2d(3, stride=2)(gg.ones((1, 64, 55, 55))).shape
    (1, 64, 27, 27)
    """

    ndim = 2


class MaxPool3d(MaxPooling):
    """The largest element of each window of (batch, channels, depth, height, width). See `MaxPool2d`.

    >>> gg.nn.MaxPool3d(2)(gg.ones((1, 2, 4, 4, 6))).shape
    (1, 2, 2, 2, 3)
    """

    ndim = 3


class AvgPool1d(AveragePooling):
    """The mean of each window of (batch, channels, length), or without batch. See `AvgPool2d`.

    >>> gg.nn.AvgPool1d(2)(gg.tensor([[[1.0, 5.0, 2.0, 4.0]]]))
    tensor([[[3., 3.]]])
    """

    ndim = 1


class AvgPool2d(AveragePooling):
    """The mean of each window of (batch, channels, height, width), or without batch.

    kernel_size, stride, padding: one integer, or one per axis. stride is kernel_size if not given. `ceil_mode` adds a
    window for what is left at the end. Padded zeros are counted, unless `count_include_pad=False`; what a last window
    of `ceil_mode` has beyond the padding is not. Raises ArgumentError for padding of more than half a window,
    ShapeError if no window fits.

    >>> gg.nn.AvgPool2d(2)(gg.tensor([[[1.0, 5.0], [2.0, 4.0]]]))
    tensor([[[3.]]])
    """

    ndim = 2


class AvgPool3d(AveragePooling):
    """The mean of each window of (batch, channels, depth, height, width). See `AvgPool2d`.

    >>> gg.nn.AvgPool3d(2)(gg.ones((1, 2, 4, 4, 6))).shape
    (1, 2, 2, 2, 3)
    """

    ndim = 3
