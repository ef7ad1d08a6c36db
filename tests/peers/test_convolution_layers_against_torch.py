"""Convolution and pooling layers against PyTorch's."""

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn

torch = pytest.importorskip("torch", reason="PyTorch is not installed, and these tests compare with it")
from side_by_side import compare  # noqa: E402 - it imports torch

RNG = np.random.default_rng(0)


@pytest.mark.filterwarnings(
    "ignore:Using padding='same' with even kernel lengths"
)  # PyTorch's, about its speed
@pytest.mark.parametrize(
    ("shape", "settings"),
    [
        ((2, 4, 7, 8), {"kernel_size": 3}),
        ((4, 7, 8), {"kernel_size": 3}),
        ((2, 4, 7, 8), {"kernel_size": (2, 3), "stride": (1, 2), "padding": (2, 1), "bias": False}),
        ((2, 4, 9, 8), {"kernel_size": 3, "dilation": (2, 1), "groups": 2}),
        ((2, 4, 7, 8), {"kernel_size": 4, "padding": "same"}),
        ((2, 4, 7, 8), {"kernel_size": 3, "padding": "valid", "stride": 2}),
        ((2, 4, 7, 8), {"kernel_size": 3, "padding": (2, 1), "padding_mode": "reflect"}),
        ((2, 4, 7, 8), {"kernel_size": 4, "padding": "same", "padding_mode": "replicate"}),
        ((4, 7, 8), {"kernel_size": 3, "padding": (1, 2), "padding_mode": "circular", "stride": 2}),
        ((0, 4, 7, 8), {"kernel_size": 3}),
        ((2, 4, 9), {"kernel_size": 4, "stride": 2, "padding": 1}),
        ((4, 9), {"kernel_size": 3, "padding": 2, "padding_mode": "circular"}),
        ((2, 4, 5, 6, 4), {"kernel_size": (1, 3, 2), "padding": 1, "groups": 4}),
    ],
)
def test_convolution(shape, settings):
    ndim = len(shape) - 1 - (shape[0] != 4)  # the channels are 4, after the batch or alone
    ours, theirs = (getattr(package, f"Conv{ndim}d") for package in (nn, torch.nn))
    compare(
        ours(4, 8, **settings, dtype=gg.float64),
        theirs(4, 8, **settings, dtype=torch.float64),
        RNG.normal(size=shape),
    )


@pytest.mark.parametrize(
    ("kind", "shape", "settings"),
    [
        ("MaxPool1d", (2, 3, 9), {"kernel_size": 2}),
        ("MaxPool2d", (2, 3, 7, 8), {"kernel_size": 3, "stride": 2}),
        ("MaxPool2d", (3, 7, 8), {"kernel_size": (2, 3), "padding": 1, "dilation": 2}),
        ("MaxPool2d", (2, 3, 7, 8), {"kernel_size": 3, "stride": 2, "ceil_mode": True, "padding": (1, 0)}),
        ("MaxPool3d", (2, 3, 4, 5, 6), {"kernel_size": (2, 1, 3)}),
        ("AvgPool1d", (2, 3, 9), {"kernel_size": 2, "ceil_mode": True}),
        ("AvgPool2d", (2, 3, 7, 8), {"kernel_size": 3, "stride": 2, "padding": 1}),
        ("AvgPool2d", (3, 7, 8), {"kernel_size": (2, 3), "padding": 1, "count_include_pad": False}),
        ("AvgPool3d", (2, 3, 4, 5, 6), {"kernel_size": 2}),
    ],
)
def test_pooling(kind, shape, settings):
    compare(getattr(nn, kind)(**settings), getattr(torch.nn, kind)(**settings), RNG.normal(size=shape))


def test_the_gradient_of_equal_elements_goes_where_pytorch_s_goes():
    compare(nn.MaxPool2d(3, 1), torch.nn.MaxPool2d(3, 1), np.round(RNG.normal(size=(2, 1, 8, 8))))


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_functions(ndim):
    x, w, b = RNG.normal(size=(2, 4, *(6,) * ndim)), RNG.normal(size=(6, 2, *(3,) * ndim)), RNG.normal(size=6)
    conv, their_conv = (getattr(package, f"conv{ndim}d") for package in (nn.functional, torch.nn.functional))
    compare(conv, their_conv, x, w, b, stride=2, padding=1, groups=2)
    for name, settings in (("max_pool", {"dilation": 2}), ("avg_pool", {"count_include_pad": False})):
        pool, their_pool = (
            getattr(package, f"{name}{ndim}d") for package in (nn.functional, torch.nn.functional)
        )
        compare(pool, their_pool, x, kernel_size=2, stride=2, padding=1, ceil_mode=True, **settings)
