"""Unfold and fold against loops, and what they refuse."""

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.errors import ShapeError

RNG = np.random.default_rng(4)


def test_unfold_lays_out_every_window():
    x = RNG.normal(size=(2, 3, 5, 6))
    found = gg.unfold(x, (2, 3), stride=(2, 1), padding=1, dilation=(1, 2)).numpy()
    around = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    columns = [
        around[:, :, i : i + 2, j : j + 5 : 2].reshape(2, -1) for i in range(0, 6, 2) for j in range(4)
    ]
    assert np.array_equal(found, np.stack(columns, -1))


def test_weights_times_unfolded_images_are_a_convolution():
    x, weight = gg.asarray(RNG.normal(size=(2, 3, 5, 4, 3))), gg.asarray(RNG.normal(size=(4, 3, 2, 2, 2)))
    columns = gg.unfold(x, 2, padding=1)
    found = gg.reshape(gg.reshape(weight, (4, -1)) @ columns, (2, 4, 6, 5, 4))
    np.testing.assert_allclose(found.numpy(), gg.convolution(x, weight, padding=1).numpy(), rtol=1e-12)


def test_fold_adds_windows_where_they_lie():
    columns = RNG.normal(size=(2, 2 * 6, 4 * 3))
    found = gg.fold(columns, (5, 3), (2, 3), padding=(0, 1)).numpy()
    expected = np.zeros((2, 2, 5, 5))
    windows = columns.reshape(2, 2, 2, 3, 4, 3)
    for i in range(4):
        for j in range(3):
            expected[:, :, i : i + 2, j : j + 3] += windows[..., i, j]
    np.testing.assert_allclose(found, expected[..., 1:-1], rtol=1e-14, atol=1e-14)


def test_fold_of_unfold_counts_the_windows_over_each_element():
    ones = gg.ones((1, 1, 4))
    assert gg.fold(gg.unfold(ones, 3), (4,), 3).tolist() == [[[1.0, 2.0, 2.0, 1.0]]]


def test_one_integer_as_output_size_means_two_axes():
    assert gg.fold(gg.ones((1, 4, 4)), 3, 2).tolist() == [[[[1, 2, 1], [2, 4, 2], [1, 2, 1]]]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: gg.unfold(gg.ones((3, 4)), 2),
            "unfold needs shape (batch, channels, *sizes); got shape (3, 4)",
        ),
        (
            lambda: gg.unfold(gg.ones((1, 1, 4)), 5),
            "unfold: a window of 5 does not fit along axis -1 of shape (1, 1, 4), which has 4 and with padding 4. "
            "Use a smaller window or more padding.",
        ),
        (
            lambda: gg.fold(gg.ones((1, 3, 3)), (4,), 2),
            "fold to sizes (4,) with windows of shape (2,) needs shape (batch, channels * 2, 3), because 3 windows "
            "fit; got shape (1, 3, 3)",
        ),
        (
            lambda: gg.fold(gg.ones((1, 4, 5)), (3, 3), 2),
            "fold to sizes (3, 3) with windows of shape (2, 2) needs shape (batch, channels * 4, 4), because 2 * 2 "
            "windows fit; got shape (1, 4, 5)",
        ),
    ],
)
def test_refused(call, message):
    with pytest.raises(ShapeError) as raised:
        call()
    assert raised.value.message == message
