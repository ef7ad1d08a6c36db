"""Pooling against loops over windows; ties, borders, zeros and what is refused."""

import math

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.errors import ArgumentError, DTypeError, ShapeError

RNG = np.random.default_rng(6)

# shape, kernel_size, other arguments
CASES = {
    "plain": ((2, 3, 6), 2, {}),
    "overlap": ((1, 2, 5, 6), (3, 2), {"stride": 1}),
    "padding": ((1, 2, 5, 4), (3, 2), {"stride": 2, "padding": 1}),
    "pairs": ((1, 1, 5), (3,), {"stride": 1, "padding": ((0, 1),)}),
    "dilation": ((2, 1, 7), 2, {"stride": 1, "dilation": 3, "padding": 1}),
    "ceil": ((1, 2, 6, 7), 3, {"stride": 2, "ceil_mode": True}),
    "ceil with padding": ((1, 1, 5, 8), (2, 3), {"stride": (2, 3), "padding": 1, "ceil_mode": True}),
    "ceil where the last window would begin outside": ((1, 1, 3), 1, {"stride": 3, "ceil_mode": True}),
    "three axes": ((1, 1, 4, 3, 2), (2, 2, 1), {}),
    "last axes only": ((4, 4), (2, 2), {}),
}


def windows(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    """For each window of the last axes: its place in the result, its elements (NaN outside), and how many lie within
    x and its padding."""
    axes = len(kernel_size) if isinstance(kernel_size, tuple) else x.ndim - 2
    kernel = np.broadcast_to(kernel_size, axes)
    step = np.broadcast_to(kernel if stride is None else stride, axes)
    gap = np.broadcast_to(dilation, axes)
    pads = padding if isinstance(padding, tuple) and isinstance(padding[0], tuple) else None
    pads = pads or [(p, p) for p in np.broadcast_to(padding, axes)]
    sizes = x.shape[x.ndim - axes :]
    starts = []
    for n, k, s, d, (before, after) in zip(sizes, kernel, step, gap, pads, strict=True):
        last = n + after - (d * (k - 1) + 1)
        found = [p for p in range(-before, n + before + after, s) if p <= last]
        if ceil_mode and found[-1] < last and found[-1] + s < n:
            found.append(found[-1] + s)
        starts.append(found)
    for i in np.ndindex(*map(len, starts)):
        elements, counted = [], 0
        for k in np.ndindex(*kernel):
            place = tuple(starts[a][i[a]] + k[a] * gap[a] for a in range(axes))
            inside = all(0 <= p < n for p, n in zip(place, sizes, strict=True))
            elements.append(x[(..., *place)] if inside else np.full(x.shape[: x.ndim - axes], np.nan))
            counted += all(-a <= p < n + b for p, n, (a, b) in zip(place, sizes, pads, strict=True))
        yield i, np.stack(elements), counted


def assert_pooled(found, x, kernel_size, arguments, of_window):
    seen = 0
    for i, elements, counted in windows(x, kernel_size, **arguments):
        np.testing.assert_allclose(found[(..., *i)], of_window(elements, counted), rtol=1e-12, atol=1e-12)
        seen += found[(..., *i)].size
    assert seen == found.size


@pytest.mark.parametrize("case", CASES)
def test_max_pool(case):
    shape, kernel_size, arguments = CASES[case]
    x = RNG.normal(size=shape)
    found = gg.max_pool(x, kernel_size, **arguments).numpy()
    assert_pooled(found, x, kernel_size, arguments, lambda elements, _: np.nanmax(elements, 0))


@pytest.mark.parametrize("count_include_pad", [True, False])
@pytest.mark.parametrize("case", CASES)
def test_average_pool(case, count_include_pad):
    shape, kernel_size, arguments = CASES[case]
    x = RNG.normal(size=shape)
    found = gg.average_pool(x, kernel_size, **arguments, count_include_pad=count_include_pad).numpy()

    def mean(elements, counted):
        return np.nansum(elements, 0) / counted if count_include_pad else np.nanmean(elements, 0)

    assert_pooled(found, x, kernel_size, arguments, mean)


@pytest.mark.parametrize("p", [1, 2, 3.5, math.inf])
@pytest.mark.parametrize("case", CASES)
def test_lp_pool(case, p):
    shape, kernel_size, arguments = CASES[case]
    x = RNG.normal(size=shape)
    found = gg.lp_pool(x, p, kernel_size, **arguments).numpy()

    def norm(elements, _):
        sizes = np.nan_to_num(np.abs(elements))
        return sizes.max(0) if p == math.inf else (sizes**p).sum(0) ** (1 / p)

    assert_pooled(found, x, kernel_size, arguments, norm)


def test_the_gradient_goes_to_the_first_of_equal_elements():
    x = gg.tensor([[[1.0, 1.0, 0.0, 2.0, 2.0, 2.0]]], requires_grad=True)
    gg.max_pool(x, 3).sum().backward()
    assert x.grad.tolist() == [[[1.0, 0.0, 0.0, 1.0, 0.0, 0.0]]]


def test_in_windows_that_overlap_gradients_add_up():
    x = gg.tensor([[[1.0, 5.0, 2.0]]], requires_grad=True)
    (gg.max_pool(x, 2, stride=1) * gg.asarray([[[10.0, 1.0]]])).sum().backward()
    assert x.grad.tolist() == [[[0.0, 11.0, 0.0]]]


def test_padding_never_wins():
    x = gg.tensor([[[-math.inf, -3.0]]], requires_grad=True)
    y = gg.max_pool(x, 2, stride=1, padding=1)
    assert y.tolist() == [[[-math.inf, -3.0, -3.0]]]
    y.sum().backward()
    assert x.grad.tolist() == [[[1.0, 2.0]]]
    assert gg.max_pool(gg.asarray([[[-5, -3]]]), 2, padding=1).tolist() == [[[-5, -3]]]
    assert gg.max_pool(gg.asarray([[[False, True]]]), 2).tolist() == [[[True]]]


def test_nan_wins():
    x = gg.tensor([[[1.0, math.nan, math.nan, 2.0]]], requires_grad=True)
    y = gg.max_pool(x, 4)
    assert math.isnan(y.item())
    y.sum().backward()
    assert x.grad.tolist() == [[[0.0, 1.0, 0.0, 0.0]]]


def test_the_complex_step_passes_through_the_largest_element():
    x = gg.asarray([[[1.0 + 5e-3j, 3.0 + 1e-3j, 2.0 - 1j, 0.5]]])
    assert gg.max_pool(x, 2).tolist() == x[..., 1:3].tolist()
    value = RNG.normal(size=(1, 1, 6))
    found = gg.numerical.grad(lambda x: gg.sum(gg.max_pool(x, 3, stride=1) ** 2), value, scheme="complex")
    expected = gg.grad(lambda x: gg.sum(gg.max_pool(x, 3, stride=1) ** 2))(gg.asarray(value))
    np.testing.assert_allclose(np.asarray(found), expected.numpy(), rtol=1e-12, atol=1e-14)


def test_forward_mode_follows_the_largest_element():
    x, tangent = RNG.normal(size=(2, 2, 6)), RNG.normal(size=(2, 2, 6))
    _, moved = gg.jvp(lambda x: gg.max_pool(x, 3), (gg.asarray(x),), (gg.asarray(tangent),))
    expected = np.take_along_axis(
        tangent.reshape(2, 2, 2, 3), x.reshape(2, 2, 2, 3).argmax(-1)[..., None], -1
    )
    assert np.array_equal(moved.numpy(), expected[..., 0])


def test_gradients_of_each_sample_alone():
    images = gg.asarray(RNG.normal(size=(4, 2, 6, 5)))

    def loss(x):
        pooled = gg.max_pool(x, (3, 2), stride=1) * gg.average_pool(x, (3, 2), stride=1)
        return gg.sum(pooled + gg.lp_pool(x, 3, (3, 2), stride=1))

    found = gg.vmap(gg.grad(loss))(images)
    for i in range(4):
        expected = gg.grad(loss)(images[i]).numpy()
        np.testing.assert_allclose(found[i].numpy(), expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("p", [1, 2, 3])
def test_the_gradient_of_a_window_of_zeros_is_0(p):
    x = gg.tensor([[[0.0, 0.0, 3.0, 0.0]]], requires_grad=True)
    gg.lp_pool(x, p, 2).sum().backward()
    found = x.grad.numpy()[0, 0]
    assert found[[0, 1, 3]].tolist() == [0, 0, 0]
    assert abs(found[2] - 1) < 1e-6


def test_integers_and_halves():
    assert gg.average_pool(gg.asarray([[[1, 2, 3, 5]]]), 2).tolist() == [[[1.5, 4.0]]]
    assert gg.average_pool(gg.asarray([[[1, 2, 3, 5]]]), 2).dtype == gg.float32
    # half precision alone cannot count beyond 2048
    halves = gg.ones((1, 1, 4096), dtype="float16")
    assert gg.average_pool(halves, 4096).tolist() == [[[1.0]]]
    assert gg.max_pool(halves, 2).dtype == gg.float16


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: gg.max_pool(gg.ones((3, 4)), 2),
            ShapeError,
            "max_pool needs shape (batch, channels, *sizes); got shape (3, 4). A tuple as kernel_size says along how "
            "many of the last axes the windows lie, for any shape.",
        ),
        (
            lambda: gg.average_pool(gg.ones(4), (2, 2)),
            ShapeError,
            "average_pool with kernel_size (2, 2) needs one axis for each of its sizes; got shape (4,)",
        ),
        (
            lambda: gg.max_pool(gg.ones((1, 1, 4)), 5),
            ShapeError,
            "max_pool: a window of 5 does not fit along axis -1 of shape (1, 1, 4), which has 4 and with padding 4. "
            "Use a smaller window or more padding.",
        ),
        (
            lambda: gg.lp_pool(gg.ones((1, 1, 4)), 2, 3, padding=2),
            ArgumentError,
            "lp_pool needs padding of at most half the window; got padding ((2, 2),) and windows of (3,)",
        ),
        (
            lambda: gg.lp_pool(gg.ones((1, 1, 4)), 0.5, 2),
            ArgumentError,
            "lp_pool needs norm_type of 1 or more, or inf; got 0.5",
        ),
        (
            lambda: gg.max_pool(gg.ones((1, 1, 4)), 0),
            ArgumentError,
            "max_pool needs kernel_size of 1 or more; got 0",
        ),
        (
            lambda: gg.average_pool(gg.ones((1, 1, 4), dtype="bool"), 2),
            DTypeError,
            "average_pool needs an int, float or complex input; got bool of shape (1, 1, 4). "
            "gg.astype(x, gg.float32) converts.",
        ),
    ],
)
def test_refused(call, error, message):
    with pytest.raises(error) as raised:
        call()
    assert raised.value.message == message
