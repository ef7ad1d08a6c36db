"""Searching and sets: NumPy's positions, on stacks too, sets with NaNs, gradients of values, and what is refused."""

import math

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.errors import ArgumentError, DTypeError, GraphError, ShapeError

RNG = np.random.default_rng(23)
NUMBERS = RNG.integers(-2, 3, (3, 4)).astype(float)


def test_counting_and_finding_what_is_not_zero():
    for axis in (None, 0, 1, (0, 1)):
        for kept in (False, True):
            found = gg.count_nonzero(NUMBERS, axis=axis, keepdims=kept)
            assert found.dtype == gg.int64
            assert np.array_equal(found.numpy(), np.count_nonzero(NUMBERS, axis=axis, keepdims=kept))
    assert gg.count_nonzero(gg.asarray([math.nan, 0.0, -0.0])).item() == 1
    assert gg.count_nonzero(gg.asarray([True, False])).item() == 1
    assert gg.count_nonzero(gg.asarray([1j, 0])).item() == 1
    for found, wanted in zip(gg.nonzero(NUMBERS), np.nonzero(NUMBERS), strict=True):
        assert np.array_equal(found.numpy(), wanted)


@pytest.mark.parametrize("side", ["left", "right"])
def test_searchsorted_is_numpys(side):
    row = np.sort(RNG.integers(0, 9, 30))
    values = RNG.integers(-2, 11, (4, 5))
    for x1, x2 in ((row, values), (row / 2, values), (row, values / 2), (row[::-1], 3)):
        order = np.argsort(x1)
        found = gg.searchsorted(x1, x2, side=side, sorter=order)
        assert found.dtype == gg.int64
        assert np.array_equal(found.numpy(), np.searchsorted(x1, x2, side, order))
    with_nan = np.array([1.0, 2.0, math.nan, math.nan])
    assert np.array_equal(
        gg.searchsorted(with_nan, np.array([math.nan, 5.0]), side=side).numpy(),
        np.searchsorted(with_nan, [math.nan, 5.0], side),
    )


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("axes", [(0, None), (None, 0), (0, 0)])
def test_searchsorted_on_stacks(side, axes):
    rows = np.sort(RNG.integers(0, 6, (3, 7)), 1)
    values = RNG.integers(-1, 8, (3, 2, 4))
    x1, x2 = (x if axis == 0 else x[0] for x, axis in zip((rows, values), axes, strict=True))
    found = gg.vmap(lambda x1, x2: gg.searchsorted(x1, x2, side=side), in_axes=axes)(x1, x2).numpy()
    for i in range(3):
        row, some = (x[i] if axis == 0 else x for x, axis in zip((x1, x2), axes, strict=True))
        assert np.array_equal(found[i], np.searchsorted(row, some, side))


def test_sets():
    found = gg.unique_all(NUMBERS)
    values, first, inverse, counts = np.unique(
        NUMBERS, return_index=True, return_inverse=True, return_counts=True
    )
    assert np.array_equal(found.values.numpy(), values)
    assert np.array_equal(found.indices.numpy(), first)
    assert np.array_equal(found.inverse_indices.numpy(), inverse)
    assert np.array_equal(found.counts.numpy(), counts)
    assert np.array_equal(gg.unique_values(NUMBERS).numpy(), values)
    assert [x.tolist() for x in gg.unique_counts(NUMBERS)] == [values.tolist(), counts.tolist()]
    again = gg.unique_inverse(NUMBERS)
    assert np.array_equal(again.values.numpy()[again.inverse_indices.numpy()], NUMBERS)
    for array in (gg.asarray(3.0), gg.zeros((0, 2)), gg.asarray([True, False, True]), gg.asarray([1j, 1j])):
        again = gg.unique_inverse(array)
        assert np.array_equal(again.values.numpy()[again.inverse_indices.numpy()], array.numpy())


def test_every_nan_is_a_value_of_its_own():
    found = gg.unique_all(gg.asarray([math.nan, 1.0, math.nan]))
    assert np.array_equal(found.values.numpy(), [1.0, math.nan, math.nan], equal_nan=True)
    assert found.counts.tolist() == [1, 1, 1]


def test_the_gradient_of_a_value_goes_to_its_first_occurrence():
    x = gg.tensor([5.0, 2.0, 5.0, 3.0], requires_grad=True)
    gg.sum(gg.unique_values(x) * gg.asarray([1.0, 10.0, 100.0])).backward()
    assert x.grad.tolist() == [100.0, 1.0, 0.0, 10.0]


def unknown(name, instead):
    return (
        f"the size of the result of {name} depends on values that are not known here, inside gg.vmap, gg.trace or "
        f"gg.compile: {instead}"
    )


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: gg.nonzero(3.0), ShapeError, "nonzero needs a tensor with at least 1 axis; got shape ()"),
        (
            lambda: gg.vmap(lambda x: gg.nonzero(x)[0])(NUMBERS),
            GraphError,
            unknown("nonzero", "use gg.where to choose element by element instead"),
        ),
        (
            lambda: gg.vmap(gg.unique_values)(NUMBERS),
            GraphError,
            unknown("unique_values and its like", "find the values outside"),
        ),
        (
            lambda: gg.searchsorted(gg.ones(2), 1.0, side="middle"),
            ArgumentError,
            "searchsorted takes side 'left' or 'right'; got 'middle'",
        ),
        (
            lambda: gg.searchsorted(gg.ones((2, 2)), 1.0),
            ShapeError,
            "searchsorted looks in one sorted row; got x1 of shape (2, 2)",
        ),
        (
            lambda: gg.searchsorted(gg.ones(2), 1j),
            DTypeError,
            "searchsorted needs a bool, int or float input; got x2 complex64 of shape ().",
        ),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error) as raised:
        call()
    assert raised.value.message == message
