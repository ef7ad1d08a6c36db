"""Interpolation against loops, NumPy's own and Keys's formula, and what it refuses."""

import math

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.errors import ArgumentError, DTypeError, ShapeError

RNG = np.random.default_rng(8)


def places(old, new, scale, align_corners):
    """Where the centre of each new element lies among the old ones."""
    if align_corners:
        return [i * (old - 1) / (new - 1) if new > 1 else 0.0 for i in range(new)]
    return [(i + 0.5) * scale - 0.5 for i in range(new)]


def keys(distance, a=-0.75):
    """Keys (1981), equation 4 with its parameter open."""
    s = abs(distance)
    if s <= 1:
        return (a + 2) * s**3 - (a + 3) * s**2 + 1
    return a * s**3 - 5 * a * s**2 + 8 * a * s - 4 * a if s < 2 else 0.0


SIZES = [(5, 8), (8, 5), (4, 12), (6, 2), (3, 1), (1, 3), (4, 4)]


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize(("old", "new"), SIZES)
def test_linear_is_numpys_interpolation(old, new, align_corners):
    x = RNG.normal(size=old)
    found = gg.interpolate(x[None, None], size=new, mode="linear", align_corners=align_corners)
    expected = np.interp(places(old, new, old / new, align_corners), np.arange(old), x)
    np.testing.assert_allclose(found.numpy()[0, 0], expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize(("old", "new"), SIZES)
def test_cubic_is_keyss_kernel_with_repeated_borders(old, new, align_corners):
    x = RNG.normal(size=old)
    found = gg.interpolate(x[None, None], size=new, mode="cubic", align_corners=align_corners)
    expected = [
        sum(x[min(max(k, 0), old - 1)] * keys(p - k) for k in range(math.floor(p) - 1, math.floor(p) + 3))
        for p in places(old, new, old / new, align_corners)
    ]
    np.testing.assert_allclose(found.numpy()[0, 0], expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("old", "new"), SIZES)
def test_nearest_takes_the_element_that_the_lower_edge_lies_in(old, new):
    x = RNG.normal(size=(2, 1, old))
    found = gg.interpolate(x, size=new).numpy()
    assert np.array_equal(found, x[..., [i * old // new for i in range(new)]])


def test_axes_are_independent():
    x = RNG.normal(size=(2, 3, 4, 5, 2))
    found = gg.interpolate(x, size=(7, 3, 2), mode="trilinear").numpy()
    expected = x
    for axis, new in ((2, 7), (3, 3), (4, 2)):
        along = np.moveaxis(expected, axis, -1)
        shape = (*along.shape[:-1], new)
        lines = gg.interpolate(along.reshape(1, -1, along.shape[-1]), size=new, mode="linear")
        expected = np.moveaxis(lines.numpy().reshape(shape), -1, axis)
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-13)


def test_scale_factors():
    x = RNG.normal(size=(1, 1, 5, 4))
    assert gg.interpolate(x, scale_factor=2).shape == (1, 1, 10, 8)
    assert gg.interpolate(x, scale_factor=(0.5, 1.5), mode="bilinear").shape == (1, 1, 2, 6)
    # the factor that was given decides where the centres are, not the rounded size
    found = gg.interpolate(x[..., 0], scale_factor=0.45, mode="linear").numpy()[0, 0]
    expected = np.interp(places(5, 2, 1 / 0.45, False), np.arange(5), x[0, 0, :, 0])
    np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_an_infinite_element_stays_with_its_neighbours():
    x = gg.asarray([[[1.0, 2.0, math.inf, 4.0]]])
    assert gg.interpolate(x, size=8).tolist()[0][0] == [1, 1, 2, 2, math.inf, math.inf, 4, 4]
    assert np.isfinite(gg.interpolate(x, size=8, mode="linear").numpy()[0, 0, [0, 1, 2]]).all()


def test_nearest_of_any_dtype():
    for dtype in ("bool", "int64", "uint8", "complex64", "float16"):
        x = gg.ones((1, 1, 2), dtype=dtype)
        assert gg.interpolate(x, size=3).dtype == x.dtype
    assert gg.interpolate(gg.ones((1, 1, 2), dtype="complex64"), size=3, mode="cubic").dtype == gg.complex64


def test_constants_stay_constant():
    for mode in ("nearest", "linear", "cubic"):
        found = gg.interpolate(gg.ones((1, 1, 5, 3)), size=(7, 2), mode=mode).numpy()
        np.testing.assert_allclose(found, 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: gg.interpolate(gg.ones((1, 4)), size=2),
            ShapeError,
            "interpolate needs shape (batch, channels, *sizes); got shape (1, 4)",
        ),
        (
            lambda: gg.interpolate(gg.ones((1, 1, 4))),
            ArgumentError,
            "interpolate needs either size or scale_factor; got size=None and scale_factor=None",
        ),
        (
            lambda: gg.interpolate(gg.ones((1, 1, 4)), size=2, scale_factor=2),
            ArgumentError,
            "interpolate needs either size or scale_factor; got size=2 and scale_factor=2",
        ),
        (
            lambda: gg.interpolate(gg.ones((1, 1, 4)), size=(2, 2)),
            ArgumentError,
            "interpolate needs one number, or one for each of the 1 sizes (4,); got (2, 2)",
        ),
        (
            lambda: gg.interpolate(gg.ones((1, 1, 4)), scale_factor=-1.0),
            ArgumentError,
            "interpolate needs a scale_factor above 0; got -1.0",
        ),
        (
            lambda: gg.interpolate(gg.ones((1, 1, 4)), scale_factor=0.1),
            ShapeError,
            "interpolate needs sizes of 1 or more; got shape (1, 1, 4) and new sizes (0,)",
        ),
        (
            lambda: gg.interpolate(gg.ones((1, 1, 4)), size=2, mode="area"),
            ArgumentError,
            "interpolate knows the modes nearest, linear, cubic, bilinear, trilinear, bicubic; got 'area'",
        ),
        (
            lambda: gg.interpolate(gg.ones((1, 1, 4)), size=2, mode="bilinear"),
            ShapeError,
            'interpolate has mode "bilinear" for 2 axes behind (batch, channels); got 1. Mode "linear" is the same '
            "for any number.",
        ),
        (
            lambda: gg.interpolate(gg.ones((1, 1, 4)), size=2, align_corners=True),
            ArgumentError,
            'interpolate has align_corners for mode "linear" and "cubic" only; got mode "nearest"',
        ),
        (
            lambda: gg.interpolate(gg.ones((1, 1, 4), dtype="int64"), size=2, mode="linear"),
            DTypeError,
            "interpolate needs a float or complex input; got int64 of shape (1, 1, 4). gg.astype(x, gg.float32) converts.",
        ),
    ],
)
def test_refused(call, error, message):
    with pytest.raises(error) as raised:
        call()
    assert raised.value.message == message
