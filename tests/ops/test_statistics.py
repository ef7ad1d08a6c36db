"""Sums, means and quantiles: accuracy against exact sums, NumPy's values, gradients at kinks, what is refused."""

import math

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.errors import ArgumentError, DTypeError, ShapeError

RNG = np.random.default_rng(17)
X = RNG.normal(size=(4, 5, 3))


# --- sums -------------------------------------------------------------------------------------------------------


def layouts_of(rows):
    """The same numbers, to be summed over axis 0, at places in memory that are and are not side by side."""
    yield rows
    yield np.asfortranarray(rows)
    yield rows[::-1]
    yield np.repeat(rows, 2, 0)[::2]


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("size", [127, 128, 129, 128 * 128 + 1, 10**5])
def test_the_error_of_a_sum_does_not_grow_with_the_size(dtype, size):
    numbers = RNG.random((size, 3))
    rows = (numbers + 1j * RNG.random((size, 3)) if dtype.startswith("complex") else numbers).astype(dtype)
    exact = np.array([complex(math.fsum(column.real), math.fsum(column.imag)) for column in rows.T])
    epsilon = np.finfo(dtype).eps
    for x in layouts_of(rows):
        found = gg.sum(x, axis=0).numpy()
        assert found.dtype == dtype
        # 10^5 rows one after the other: 50 epsilon and more
        assert np.max(np.abs(found - exact) / np.abs(exact)) < 4 * epsilon


@pytest.mark.parametrize("axes", [(0, 2, 3), (0, 1, 2), (1, 3), (2, 3), (0, 1, 2, 3)])
def test_the_error_of_a_sum_over_several_axes(axes):
    x = RNG.random((40, 50, 30, 11)).astype(np.float32)
    exact = x.sum(axes, dtype=np.float64)
    for layout in (x, x.transpose(3, 1, 0, 2).copy().transpose(2, 1, 3, 0)):
        found = gg.sum(layout, axis=axes).numpy()
        assert np.max(np.abs(found - exact) / exact) < 4 * np.finfo(np.float32).eps


def test_sums_over_several_axes_in_blocks():
    x = RNG.random((300, 2, 500)).transpose(2, 1, 0)
    for axes in ((0, 2), (0, 1, 2), (2,), (1, 2)):
        for kept in (False, True):
            found = gg.sum(x, axis=axes, keepdims=kept).numpy()
            wanted = x.sum(axis=axes, keepdims=kept)
            assert found.shape == wanted.shape
            assert np.allclose(found, wanted, rtol=1e-13)
    assert gg.sum(np.zeros((300, 0, 2)).transpose(2, 1, 0), axis=(2,)).shape == (2, 0)


def test_dtype_of_sums_and_products():
    x = np.array([100, 100], np.int8)
    assert gg.sum(x).tolist() == 200
    assert gg.sum(x, dtype=gg.int8).tolist() == -56
    assert gg.sum(x, dtype=gg.float64).dtype == gg.float64
    assert gg.prod(x, dtype=gg.float16).dtype == gg.float16
    assert gg.prod(x, dtype=gg.float32).item() == 10000.0
    huge = np.array([1e30, 1e30], np.float32)
    assert gg.prod(huge, dtype=gg.float64).item() == float(np.float32(1e30)) ** 2
    assert gg.grad(lambda x: gg.sum(x, dtype=gg.float64))(gg.ones(2)).dtype == gg.float32
    with pytest.raises(DTypeError, match="would lose the imaginary part"):
        gg.sum(gg.asarray([1j]), dtype=gg.float32)


def test_half_precision_beyond_its_largest_number():
    """The sum of 100,000 numbers near 3, and their count, are above 65,504, the largest float16."""
    x = (3 + RNG.random(100_000)).astype(np.float16)
    exact = x.astype(np.float64)
    for function, numpys in ((gg.mean, np.mean), (gg.var, np.var), (gg.std, np.std)):
        found = function(x)
        assert found.dtype == gg.float16
        assert found.item() == np.float16(numpys(exact))
    gradient = gg.grad(gg.mean)(x)
    assert gradient.dtype == gg.float16
    assert gradient[0].item() == np.float16(1e-5)


# --- var and std ------------------------------------------------------------------------------------------------


def test_the_gradient_of_std_is_0_where_all_numbers_are_equal():
    x = np.array([[2.0, 2.0, 2.0], [1.0, 2.0, 4.0]])
    gradient = gg.grad(lambda x: gg.sum(gg.std(x, axis=1)))(x).numpy()
    assert gradient[0].tolist() == [0.0, 0.0, 0.0]
    deviation = x[1] - x[1].mean()
    assert np.allclose(gradient[1], deviation / 3 / x[1].std(), rtol=1e-14)
    second = gg.grad(lambda x: gg.sum(gg.grad(lambda x: gg.sum(gg.std(x, axis=1)))(x)[:, 0]))(x).numpy()
    assert second[0].tolist() == [0.0, 0.0, 0.0]
    assert np.isfinite(second[1]).all()


def test_std_of_too_few_is_not_a_number():
    assert math.isnan(gg.std(gg.asarray([1.0]), correction=1).item())
    assert math.isnan(gg.std(gg.asarray([1.0, math.nan])).item())
    assert gg.std(gg.asarray([1.0, 2.0]), correction=2).item() == math.inf


def test_integers_and_truth_values_have_a_variance():
    for x in (np.array([1, 2, 6]), np.array([True, False, True]), np.array([1, 2, 6], np.uint8)):
        for function, numpys in ((gg.var, np.var), (gg.std, np.std), (gg.mean, np.mean)):
            assert function(x).dtype == gg.float32
            assert np.isclose(function(x).item(), numpys(x), rtol=1e-6)


def test_complex_variance_is_numpys():
    z = RNG.normal(size=5) + 1j * RNG.normal(size=5)
    assert np.isclose(gg.var(z).item(), np.var(z), rtol=1e-14)
    assert np.isclose(gg.std(z, correction=1).item(), np.std(z, ddof=1), rtol=1e-14)


@pytest.mark.parametrize("function", [gg.std, gg.var, gg.mean, gg.prod])
def test_second_derivatives(function):
    gg.gradcheck(lambda x: function(x, axis=(0, 2)), X, order=2)


# --- quantiles --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2), (2, 1), ()])
@pytest.mark.parametrize("kept", [False, True])
def test_quantiles_are_numpys(axis, kept):
    x = gg.asarray(X)
    for q in (0.0, 0.25, 0.5, 0.77, 1.0, [0.1, 0.9], []):
        found = gg.quantile(x, q, axis=axis, keepdims=kept)
        wanted = np.quantile(X, q, axis=axis, keepdims=kept)
        assert found.shape == wanted.shape
        assert np.allclose(found.numpy(), wanted, rtol=1e-13, atol=1e-15)
    found, wanted = gg.median(x, axis=axis, keepdims=kept), np.median(X, axis=axis, keepdims=kept)
    assert found.shape == wanted.shape
    assert np.allclose(found.numpy(), wanted, rtol=1e-13)


def test_quantiles_with_nan_and_infinity():
    x = gg.asarray([[1.0, math.nan, 2.0], [1.0, 2.0, math.inf], [-math.inf, 0.0, 1.0]])
    assert np.array_equal(gg.median(x, axis=1).numpy(), [math.nan, 2.0, 0.0], equal_nan=True)
    assert np.array_equal(gg.quantile(x, 1.0, axis=1).numpy(), [math.nan, math.inf, 1.0], equal_nan=True)
    assert gg.median(gg.asarray([1, 2, 3, 4])).dtype == gg.float32
    assert gg.median(gg.asarray([1, 2, 3, 4])).item() == 2.5


def test_gradients_of_quantiles_go_to_the_elements_around():
    x = gg.tensor([4.0, 1.0, 3.0, 2.0], requires_grad=True)
    gg.median(x).backward()
    assert x.grad.tolist() == [0.0, 0.0, 0.5, 0.5]
    gg.gradcheck(lambda x: gg.quantile(x, [0.2, 0.65], axis=(0, 1)), X)
    found = gg.vmap(gg.median)(X).numpy()
    assert np.allclose(found, np.median(X, axis=(1, 2)), rtol=1e-13)


# --- sorting ----------------------------------------------------------------------------------------------------


def test_top_k_is_sorting_and_cutting():
    for axis in (0, 1, -1):
        for k in (0, 1, 3):
            values, places = gg.top_k(gg.asarray(X), k, axis=axis)
            wanted = np.flip(np.sort(X, axis), axis).take(range(k), axis)
            assert np.array_equal(values.numpy(), wanted)
            assert np.array_equal(np.take_along_axis(X, places.numpy(), axis), wanted)
    values, places = gg.top_k(gg.asarray([1.0, 3.0, 3.0, 2.0]), 2)
    assert places.tolist() == [1, 2]
    gg.gradcheck(lambda x: gg.top_k(x, 2, axis=1)[0], X)


def test_stability_and_the_gradient_of_ties():
    x = np.array([2.0, 1.0, 2.0, 1.0])
    for stable in (True, False):
        assert gg.argsort(x, stable=stable).tolist() == [1, 3, 0, 2]
        assert gg.argsort(x, descending=True, stable=stable).tolist() == [0, 2, 1, 3]
        gradient = gg.grad(lambda x, stable=stable: gg.sort(x, stable=stable)[0])(x)
        assert gradient.tolist() == [0.0, 1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: gg.top_k(gg.ones(3), 4),
            ShapeError,
            "top_k takes k from 0 to 3, the size of axis 0; got k=4",
        ),
        (
            lambda: gg.std(gg.zeros((0, 2)), axis=0),
            ShapeError,
            "std of no elements is undefined: got shape (0, 2), reduced over axes (0,)",
        ),
        (
            lambda: gg.median(gg.zeros((0, 2)), axis=0),
            ShapeError,
            "median of no elements is undefined: got shape (0, 2), reduced over axes (0,)",
        ),
        (
            lambda: gg.quantile(gg.ones(3), 1.5),
            ArgumentError,
            "quantile takes one q or several, each from 0 to 1; got 1.5",
        ),
        (
            lambda: gg.quantile(gg.ones(3), [[0.5]]),
            ArgumentError,
            "quantile takes one q or several, each from 0 to 1; got [[0.5]]",
        ),
        (
            lambda: gg.quantile(gg.ones(3), math.nan),
            ArgumentError,
            "quantile takes one q or several, each from 0 to 1; got nan",
        ),
        (
            lambda: gg.quantile(gg.asarray([1j]), 0.5),
            DTypeError,
            "argsort needs a bool, int or float input; got complex64 of shape (1,).",
        ),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error) as raised:
        call()
    assert raised.value.message == message
