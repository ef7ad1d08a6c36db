"""Python's operators and a few methods on tensors, alone, beside numbers and beside NumPy arrays."""

import operator

import numpy as np
import pytest

import glassgrad as gg

X = np.array([[1.5, -2.0], [3.0, 0.5]])
Y = np.array([0.5, 2.0])
BINARY = [operator.add, operator.sub, operator.mul, operator.truediv, operator.mod, operator.matmul]
COMPARE = [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge]


@pytest.mark.parametrize("function", [*BINARY, *COMPARE])
def test_between_two_tensors(function):
    assert np.array_equal(function(gg.asarray(X), gg.asarray(Y)).numpy(), function(X, Y))


@pytest.mark.parametrize("function", [f for f in (*BINARY, *COMPARE) if f is not operator.matmul])
def test_with_a_number_on_either_side(function):
    for number in (2, 0.5, np.float64(3.0)):
        left, right = function(number, gg.asarray(X)), function(gg.asarray(X), number)
        assert isinstance(left, gg.Tensor)
        assert np.array_equal(left.numpy(), function(number, X))
        assert np.array_equal(right.numpy(), function(X, number))


@pytest.mark.parametrize("function", [*BINARY, *COMPARE])
def test_with_a_numpy_array_on_either_side_the_result_is_a_tensor(function):
    x = gg.tensor(X, requires_grad=True)
    for found in (function(x, Y), function(X, gg.tensor(Y, requires_grad=True))):
        assert isinstance(found, gg.Tensor)
        assert np.array_equal(found.numpy(), function(X, Y))
        assert found.requires_grad is (function in BINARY)


def test_powers():
    base = gg.asarray([1.0, 2.0, 3.0])
    assert (base**2).tolist() == (base**2.0).tolist() == [1.0, 4.0, 9.0]
    assert (base**3).tolist() == (base**3.0).tolist() == [1.0, 8.0, 27.0]
    assert (base**1).tolist() == [1.0, 2.0, 3.0]
    assert (base**base).tolist() == [1.0, 4.0, 27.0]
    assert (2**base).tolist() == [2.0, 4.0, 8.0]
    assert (np.array([2.0]) ** base).tolist() == [2.0, 4.0, 8.0]


def test_signs_and_logic():
    assert (-gg.asarray([1.0, -2.0])).tolist() == [-1.0, 2.0]
    assert (+gg.asarray([1.0, -2.0])).tolist() == [1.0, -2.0]
    assert abs(gg.asarray([1.0, -2.0])).tolist() == [1.0, 2.0]
    truth, other = np.array([True, False]), np.array([True, True])
    for left, right in (
        (gg.asarray(truth), gg.asarray(other)),
        (gg.asarray(truth), other),
        (truth, gg.asarray(other)),
    ):
        assert (left & right).tolist() == [True, False]
        assert (left | right).tolist() == [True, True]
    assert (True & gg.asarray(truth)).tolist() == (gg.asarray(truth) & True).tolist() == [True, False]
    assert (True | gg.asarray(truth)).tolist() == [True, True]
    assert (~gg.asarray(truth)).tolist() == [False, True]


@pytest.mark.parametrize(
    ("ufunc", "reference"),
    [
        (np.exp, gg.exp),
        (np.absolute, gg.abs),
        (np.arctan, gg.atan),
        (np.arcsin, gg.asin),
        (np.arccos, gg.acos),
        (np.tanh, gg.tanh),
        (np.isfinite, gg.isfinite),
        (np.square, gg.square),
    ],
)
def test_numpys_functions_become_ours_and_keep_the_gradient(ufunc, reference):
    x = gg.tensor([0.25, -0.5], requires_grad=True)
    found = ufunc(x)
    assert isinstance(found, gg.Tensor)
    assert found.tolist() == reference(x).tolist()
    assert found.requires_grad is (ufunc is not np.isfinite)


def test_numpys_functions_of_two():
    x = gg.tensor([0.25, -0.5], requires_grad=True)
    assert np.maximum(x, 0.0).tolist() == [0.25, 0.0]
    assert np.arctan2(np.ones(2), x).tolist() == gg.atan2(np.ones(2), x).tolist()
    assert np.power(np.ones(2), x).tolist() == [1.0, 1.0]
    assert np.logical_and(gg.asarray([True]), True).tolist() == [True]
    assert np.invert(gg.asarray([True])).tolist() == [False]


def test_methods():
    x = gg.asarray(X)
    assert x.sum().item() == X.sum()
    assert x.mean(axis=0).tolist() == X.mean(0).tolist()
    assert x.max(axis=1, keepdims=True).tolist() == X.max(1, keepdims=True).tolist()
    assert x.min().item() == -2.0
    assert x.argmax(axis=0).tolist() == [1, 1]
    assert x.reshape(4).shape == x.reshape((4,)).shape == x.reshape(-1).shape == (4,)
    assert x.reshape(1, -1, 2).shape == (1, 2, 2)
    assert gg.ones(1).reshape().shape == ()
    assert x.astype("int64").tolist() == [[1, -2], [3, 0]]
    assert np.array_equal(x.T.numpy(), X.T)
    cube = gg.asarray(np.arange(24).reshape(2, 3, 4))
    assert cube.T.shape == (4, 3, 2)
    assert cube.mT.shape == (2, 4, 3)
    assert gg.asarray(1.0).T.shape == ()


def test_augmented_assignment_gives_the_name_to_a_new_tensor():
    x = kept = gg.asarray([1.0])
    x += 1.0
    assert (x.tolist(), kept.tolist()) == ([2.0], [1.0])
