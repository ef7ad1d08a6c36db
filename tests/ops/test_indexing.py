"""Index expressions: NumPy's answers, NumPy's refusals said better, and x.at."""

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.errors import ArgumentError, DTypeError, ShapeError

X = np.arange(24.0).reshape(2, 3, 4)
MASK = X % 3 == 0
ALL = slice(None)

KEYS = [
    0,
    -1,
    (1, 2, 3),
    np.int64(1),
    slice(1, None),
    slice(None, None, -1),
    slice(10, -10, -2),
    (ALL, slice(2, 0, -1), 1),
    ...,
    (..., 0),
    (0, ...),
    (0, ..., slice(None, None, 2)),
    (0, 1, 2, ...),
    None,
    (None, 0, None, ..., None),
    (),
    [1, 0, 1],
    [],
    ([],),
    np.array([[0, 1], [1, 1]]),
    (np.array([0, 1]), np.array([2, 0])),
    (np.array([[0], [1]]), np.array([2, 0, 0])),
    (ALL, np.array([2, 0])),
    (np.array([1]), ALL, np.array([2, 0])),
    (0, ALL, np.array([2, 0])),
    (np.array([1]), None, 0),
    np.array([-1, 0], np.int8),
    np.array([1], np.uint64),
    MASK,
    MASK[:, 0, 0],
    (ALL, MASK[0, :, 0]),
    (MASK[:, :, 0], 1),
    (0, MASK[0]),
    (..., MASK[0, 0]),
    (..., MASK[0]),
    (np.array([[0], [1]]), MASK[0, :, 0], 0),
    (np.array([[0], [1]]), ..., MASK[0, 0]),
    (None, MASK[:, 0, 0]),
    (np.array([0]), MASK[0, :, 0]),
    np.zeros_like(MASK),
]


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_values_are_numpys(key):
    assert np.array_equal(gg.asarray(X)[key].numpy(), X[key])


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_gradient_counts_how_often_an_element_was_chosen(key):
    x = gg.tensor(X, requires_grad=True)
    weights = np.arange(1.0, X[key].size + 1).reshape(X[key].shape)
    gg.sum(x[key] * weights).backward()
    wanted = np.zeros_like(X)
    for place, weight in zip(np.arange(24).reshape(X.shape)[key].ravel(), weights.ravel(), strict=True):
        wanted.reshape(-1)[place] += weight
    assert np.array_equal(x.grad.numpy(), wanted)


def test_tensors_are_indices_too():
    x = gg.asarray(X)
    assert np.array_equal(x[gg.asarray([1, 0])].numpy(), X[[1, 0]])
    assert np.array_equal(x[x > 5].numpy(), X[X > 5])
    assert np.array_equal(x[gg.asarray(1) :].numpy(), X[1:])
    assert np.array_equal(x[gg.asarray(1)].numpy(), X[1])


def test_a_single_truth_value_is_a_mask_of_a_tensor_without_axes():
    x = gg.asarray(5.0)
    for mask in (True, np.True_, np.array(True), gg.asarray(True)):
        assert x[mask].tolist() == [5.0]
    for mask in (False, np.False_, gg.asarray(False)):
        assert x[mask].shape == (0,)
    assert gg.grad(lambda x: gg.sum(x[x > 1] * 3))(2.0).item() == 3.0


def test_iteration_and_length_go_along_the_first_axis():
    assert [row.tolist() for row in gg.asarray([[1, 2], [3, 4]])] == [[1, 2], [3, 4]]
    assert len(gg.asarray(X)) == 2


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_set_and_add_are_numpys(key):
    values = -np.arange(1.0, X[key].size + 1).reshape(X[key].shape)
    wanted = X.copy()
    wanted[key] = values
    assert np.array_equal(gg.asarray(X).at[key].set(values).numpy(), wanted)
    wanted = X.copy()
    np.add.at(wanted, key, values)
    assert np.array_equal(gg.asarray(X).at[key].add(values).numpy(), wanted)
    assert np.array_equal(X, np.arange(24.0).reshape(2, 3, 4))  # x itself stays


def test_set_and_add_take_the_dtype_of_x_and_spread_values():
    x = gg.asarray(np.zeros((2, 3), np.int64))
    assert x.at[:, 1].set(2.7).tolist() == [[0, 2, 0], [0, 2, 0]]
    assert x.at[0].add(gg.asarray([1.0, 2.0, 3.0])).tolist() == [[1, 2, 3], [0, 0, 0]]
    assert gg.zeros(3).at[:].set(gg.ones((1, 3))).tolist() == [1.0, 1.0, 1.0]
    assert gg.asarray(1.0).at[()].set(5.0).item() == 5.0


def test_gradient_of_set_goes_to_the_values_where_they_are_and_to_x_elsewhere():
    x = gg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    values = gg.tensor([10.0, 20.0], requires_grad=True)
    gg.sum(x.at[gg.asarray([2, 0])].set(values) * gg.asarray([1.0, 10.0, 100.0])).backward()
    assert x.grad.tolist() == [0.0, 10.0, 0.0]
    assert values.grad.tolist() == [100.0, 1.0]


def test_gradient_of_a_value_set_in_several_places_is_the_sum():
    x = gg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    value = gg.tensor(7.0, requires_grad=True)
    gg.sum(x.at[x > 1.5].set(value) * gg.asarray([1.0, 10.0, 100.0])).backward()
    assert x.grad.tolist() == [1.0, 0.0, 0.0]
    assert value.grad.item() == 110.0


def test_gradient_of_add_goes_to_both():
    x = gg.tensor([1.0, 2.0], requires_grad=True)
    values = gg.tensor([10.0, 20.0, 30.0], requires_grad=True)
    gg.sum(x.at[gg.asarray([0, 0, 1])].add(values) * gg.asarray([2.0, 3.0])).backward()
    assert x.grad.tolist() == [2.0, 3.0]
    assert values.grad.tolist() == [2.0, 2.0, 3.0]


def test_a_position_set_twice_keeps_the_last_value():
    assert gg.zeros(2).at[gg.asarray([0, 0])].set(gg.asarray([1.0, 2.0])).tolist() == [2.0, 0.0]


@pytest.mark.parametrize(
    ("key", "error", "message"),
    [
        (
            5,
            ShapeError,
            "index 5 is out of range on axis 0 of a tensor of shape (2, 3, 4); allowed: -2 to 1",
        ),
        ((0, 0, 0, 0), ShapeError, "index has 4 positions, but the tensor has 3 axes (shape (2, 3, 4))"),
        (
            [2],
            ShapeError,
            "index 2 is out of range on axis 0 of a tensor of shape (2, 3, 4); allowed: -2 to 1",
        ),
        (
            (..., ...),
            ShapeError,
            "index does not fit shape (2, 3, 4): an index can only have a single ellipsis ('...')",
        ),
        (
            MASK[:, :, :2],
            ShapeError,
            "a boolean index must have the shape of the axes it selects from; got a mask of shape (2, 3, 2) "
            "at axis 0 of a tensor of shape (2, 3, 4)",
        ),
        (
            (ALL, np.array([True, False])),
            ShapeError,
            "a boolean index must have the shape of the axes it selects from; got a mask of shape (2,) "
            "at axis 1 of a tensor of shape (2, 3, 4)",
        ),
        (
            1.0,
            DTypeError,
            "an index must be an integer, a slice, None, ... or a tensor of integers or booleans; got 1.0. "
            "// divides to a whole number",
        ),
        (
            np.array([0.0], np.float32),
            DTypeError,
            "an index must be an integer, a slice, None, ... or a tensor of integers or booleans; got float32. "
            "gg.astype(index, gg.int64) converts",
        ),
        (
            True,
            DTypeError,
            "an index must be an integer, a slice, None, ... or a tensor of integers or booleans; got a single boolean",
        ),
        (
            np.array(False),
            DTypeError,
            "an index must be an integer, a slice, None, ... or a tensor of integers or booleans; got a single boolean",
        ),
        (
            (..., None, [0, 4]),
            ShapeError,
            "index 4 is out of range on axis 2 of a tensor of shape (2, 3, 4); allowed: -4 to 3",
        ),
        (
            "a",
            DTypeError,
            "an index must be an integer, a slice, None, ... or a tensor of integers or booleans; got 'a'",
        ),
        (slice(0.5, None), DTypeError, "the ends and the step of a slice must be integers; got 0.5"),
        (slice(None, None, 0), ArgumentError, "the step of a slice must not be 0"),
    ],
)
def test_refusals(key, error, message):
    with pytest.raises(error) as raised:
        gg.asarray(X)[key]
    assert raised.value.message == message


def test_values_that_do_not_fit_the_index():
    x = gg.asarray(X)
    with pytest.raises(ShapeError) as raised:
        x.at[0, 0].set([1.0, 2.0])
    assert (
        raised.value.message
        == "x.at[...] selects shape (4,) of x (2, 3, 4); values of shape (2,) do not fit there"
    )
    with pytest.raises(ShapeError) as raised:
        x.at[0, 0].add([1.0, 2.0])
    assert (
        raised.value.message
        == "broadcast_to cannot turn shape (2,) into (4,): only axes of size 1 can be repeated"
    )


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: gg.take(X, [0]), ArgumentError, "take needs an axis for a tensor with 3 axes"),
        (
            lambda: gg.take(X, [0.5], axis=0),
            DTypeError,
            "take needs integer indices; got float32 of shape (1,)",
        ),
        (
            lambda: gg.take(X, [True, False], axis=0),
            DTypeError,
            "take needs integer indices; got bool of shape (2,)",
        ),
        (
            lambda: gg.take_along_axis(X, [0]),
            ShapeError,
            "take_along_axis needs indices with the 3 axes of x and, but for axis 2, the same sizes or 1; "
            "got indices of shape (1,) for x (2, 3, 4)",
        ),
        (
            lambda: gg.take_along_axis([1.0, 2.0], [True, False]),
            DTypeError,
            "take_along_axis needs integer indices; got bool of shape (2,)",
        ),
        (lambda: gg.one_hot([3], 3), ShapeError, "one_hot needs indices in [0, 3); got 3 .. 3"),
        (lambda: gg.one_hot([-1, 1], 3), ShapeError, "one_hot needs indices in [0, 3); got -1 .. 1"),
        (
            lambda: gg.one_hot([1.0], 3),
            DTypeError,
            "one_hot needs integer indices; got float32 of shape (1,)",
        ),
    ],
)
def test_refusals_of_the_functions(call, error, message):
    with pytest.raises(error) as raised:
        call()
    assert raised.value.message == message


def test_one_hot_of_nothing():
    assert gg.one_hot(np.zeros((0, 2), np.int64), 3).shape == (0, 2, 3)


def test_python_numbers_are_set_with_all_their_digits():
    assert gg.asarray(np.zeros(2)).at[0].set(0.1).tolist() == [0.1, 0.0]
    assert gg.asarray(np.zeros(2)).at[:].add([0.1, 0.2]).tolist() == [0.1, 0.2]
