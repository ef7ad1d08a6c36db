"""Convolution and pooling layers: values against loops, starting values, and what they say when misused."""

import itertools
import math

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn
from glassgrad.nn import functional as F  # noqa: N812 - PyTorch's habit


def by_loops(x, weight, bias, stride, padding):
    """A convolution of images, written down as its definition says."""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    kh, kw = weight.shape[2:]
    rows, columns = ((size - k) // stride + 1 for size, k in zip(x.shape[2:], (kh, kw), strict=True))
    y = np.empty((len(x), len(weight), rows, columns))
    for n, f, i, j in itertools.product(*map(range, y.shape)):
        window = x[n, :, i * stride : i * stride + kh, j * stride : j * stride + kw]
        y[n, f, i, j] = (window * weight[f]).sum() + bias[f]
    return y


def test_conv2d_against_loops(rng):
    layer = nn.Conv2d(3, 4, (2, 3), stride=2, padding=1, dtype=gg.float64)
    x = rng.normal(size=(2, 3, 5, 6))
    expected = by_loops(x, layer.weight.numpy(), layer.bias.numpy(), 2, 1)
    np.testing.assert_allclose(layer(gg.asarray(x)).numpy(), expected, rtol=1e-12)
    np.testing.assert_allclose(layer(x[0]).numpy(), expected[0], rtol=1e-12)


def test_padding_modes_by_hand():
    x = gg.tensor([[1.0, 2.0, 3.0]])
    expected = {
        "zeros": [0.0, 0.0, 1.0, 2.0, 3.0, 0.0, 0.0],
        "reflect": [3.0, 2.0, 1.0, 2.0, 3.0, 2.0, 1.0],
        "replicate": [1.0, 1.0, 1.0, 2.0, 3.0, 3.0, 3.0],
        "circular": [2.0, 3.0, 1.0, 2.0, 3.0, 1.0, 2.0],
    }
    for mode, row in expected.items():
        layer = nn.Conv1d(1, 1, 1, padding=2, padding_mode=mode, bias=False)
        layer.weight.assign([[[1.0]]])
        assert layer(x).tolist() == [row]


def test_convolutions_start_uniform_within_one_over_the_root_of_what_a_filter_sees():
    gg.random.seed(0)
    layer = nn.Conv2d(8, 40, 5, groups=2)
    bound, n = 1 / math.sqrt(4 * 25), 40 * 4 * 25
    assert (layer.weight.shape, layer.bias.shape) == ((40, 4, 5, 5), (40,))
    w = layer.weight.numpy()
    assert np.abs(w).max() <= bound
    assert np.abs(layer.bias.numpy()).max() <= bound
    # U(-b, b) has variance b²/3; its estimate deviates by b²/3 √(0.8/n)
    assert abs(w.var() - bound**2 / 3) < 4 * bound**2 / 3 * math.sqrt(0.8 / n)
    assert nn.Conv2d(8, 40, 5, bias=False).bias is None


def test_shapes_of_alexnet():
    x = gg.ones((1, 3, 224, 224))
    for layer, shape in (
        (nn.Conv2d(3, 64, 11, 4, 2), (1, 64, 55, 55)),
        (nn.MaxPool2d(3, 2), (1, 64, 27, 27)),
        (nn.Conv2d(64, 192, 5, padding=2), (1, 192, 27, 27)),
        (nn.MaxPool2d(3, 2), (1, 192, 13, 13)),
    ):
        x = layer(x)
        assert x.shape == shape


def test_pooling_by_hand():
    x = gg.tensor([[[1.0, 2.0, 3.0], [4.0, 9.0, 6.0], [7.0, 8.0, 5.0]]])
    assert nn.MaxPool2d(2, 1)(x).tolist() == [[[9.0, 9.0], [9.0, 9.0]]]
    assert nn.MaxPool2d(2)(x).tolist() == [[[9.0]]]
    assert nn.MaxPool2d(2, ceil_mode=True)(x).tolist() == [[[9.0, 6.0], [8.0, 5.0]]]
    assert nn.AvgPool2d(2, 1)(x).tolist() == [[[4.0, 5.0], [7.0, 7.0]]]
    assert nn.AvgPool2d(2, padding=1)(x).tolist() == [[[0.25, 1.25], [2.75, 7.0]]]
    assert nn.AvgPool2d(2, padding=1, count_include_pad=False)(x).tolist() == [[[1.0, 2.5], [5.5, 7.0]]]
    assert nn.MaxPool2d(2).backward(x, gg.ones((1, 1, 1))).tolist() == [
        [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    ]


def test_representations():
    assert repr(nn.Conv2d(3, 8, 3)) == "Conv2d(3, 8, kernel_size=(3, 3))"
    assert repr(nn.Conv1d(4, 8, 3, 2, 1, 3, 2, False, "reflect")) == (
        "Conv1d(4, 8, kernel_size=(3,), stride=(2,), padding=((1, 1),), dilation=(3,), groups=2, bias=False, "
        "padding_mode='reflect')"
    )
    assert repr(nn.MaxPool2d(3, 2)) == (
        "MaxPool2d(kernel_size=(3, 3), stride=(2, 2), padding=(0, 0), dilation=(1, 1), ceil_mode=False)"
    )
    assert repr(nn.AvgPool1d(2)) == (
        "AvgPool1d(kernel_size=(2,), stride=(2,), padding=(0,), ceil_mode=False, count_include_pad=True)"
    )


def refused(kind, message, call):
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value).split(" (at ")[0] == message


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.Conv2d(0, 1, 3), "Conv2d needs in_channels >= 1; got 0"),
        (lambda: nn.Conv2d(1, 1.5, 3), "Conv2d needs a whole number as out_channels; got 1.5."),
        (lambda: nn.Conv2d(1, 1, (3, 3, 3)), "Conv2d needs kernel_size as one integer, or as one for each of the 2 axes; got (3, 3, 3)"),
        (lambda: nn.Conv1d(1, 1, 0), "Conv1d needs kernel_size of 1 or more; got 0"),
        (lambda: nn.Conv1d(1, 1, 3, stride=2, padding="same"), 'Conv1d has padding "same" only for stride 1, where sizes can stay; got stride (2,)'),
        (lambda: nn.Conv2d(4, 6, 3, groups=4), "Conv2d needs in_channels and out_channels that are multiples of groups; got 4 and 6 with groups=4"),
        (lambda: nn.Conv2d(4, 6, 3, padding_mode="mirror"), "Conv2d knows padding_mode 'zeros', 'reflect', 'replicate' and 'circular'; got 'mirror'"),
        (lambda: nn.MaxPool2d(2, padding=2), "MaxPool2d needs padding of at most half the window; got padding (2, 2) and windows of (2, 2)"),
        (lambda: nn.AvgPool2d("2"), "AvgPool2d takes kernel_size as an integer or one integer per axis; got '2'"),
    ],
)  # fmt: skip
def test_settings_that_make_no_sense(call, message):
    refused(gg.ArgumentError, message, call)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: nn.Conv2d(3, 8, 3)(gg.ones((2, 8, 8, 3))),
            "in Conv2d: Conv2d expects 3 input channels, as input of shape (batch, 3, height, width) or without batch; "
            "got input of shape (2, 8, 8, 3). Channels come before the sizes: gg.moveaxis(x, -1, 1)",
        ),
        (
            lambda: nn.Conv2d(1, 8, 3)(gg.ones((64, 28, 28))),
            "in Conv2d: Conv2d expects 1 input channels, as input of shape (batch, 1, height, width) or without batch; "
            "got input of shape (64, 28, 28). Images of one channel need an axis for it: gg.expand_dims(x, 1)",
        ),
        (
            lambda: nn.Conv2d(1, 8, 3)(gg.ones((28, 28))),
            "in Conv2d: Conv2d expects 1 input channels, as input of shape (batch, 1, height, width) or without batch; "
            "got input of shape (28, 28). A single image of one channel needs an axis for it: gg.expand_dims(x, 0)",
        ),
        (
            lambda: nn.Conv2d(3, 8, 3, padding=1, padding_mode="reflect")(gg.ones(3)),
            "in Conv2d: Conv2d expects 3 input channels, as input of shape (batch, 3, height, width) or without batch; "
            "got input of shape (3,)",
        ),
        (
            lambda: F.conv1d(gg.ones((1, 2, 5)), gg.ones((2, 3))),
            "Conv1d needs a weight of shape (out_channels, in_channels / groups, *kernel) with 3 axes; got shape (2, 3)",
        ),
        (
            lambda: F.conv1d(gg.ones((1, 2, 5)), gg.ones((4, 2, 3)), gg.ones(2)),
            "Conv1d needs a bias of shape (4,), one for each filter; got (2,)",
        ),
        (
            lambda: nn.Conv2d(1, 1, 5)(gg.ones((1, 1, 4, 8))),
            "in Conv2d: convolution: a window of 5 does not fit along axis -2 of shape (1, 1, 4, 8), which has 4 and "
            "with padding 4. Use a smaller window or more padding.",
        ),
        (
            lambda: nn.MaxPool2d(2)(gg.ones((8, 8))),
            "in MaxPool2d: MaxPool2d expects input of shape (batch, channels, height, width) or without batch; got "
            "input of shape (8, 8)",
        ),
    ],
)  # fmt: skip
def test_inputs_that_do_not_fit(call, message):
    refused(gg.ShapeError, message, call)
