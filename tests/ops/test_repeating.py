"""Repeating, rolling, moving and joining: NumPy's values, gradients by differences, and what is refused."""

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.errors import ArgumentError, DTypeError, GraphError, ShapeError

X = np.arange(24.0).reshape(2, 3, 4)
SMALL = np.random.default_rng(5).normal(size=(2, 3))

CALLS = {
    "tile more axes": (lambda x: gg.tile(x, (2, 1, 3, 1)), lambda x: np.tile(x, (2, 1, 3, 1))),
    "tile fewer axes": (lambda x: gg.tile(x, 2), lambda x: np.tile(x, 2)),
    "tile nothing": (lambda x: gg.tile(x, ()), lambda x: np.tile(x, ())),
    "tile to nothing": (lambda x: gg.tile(x, (0, 2, 1)), lambda x: np.tile(x, (0, 2, 1))),
    "repeat all": (lambda x: gg.repeat(x, 3), lambda x: np.repeat(x, 3)),
    "repeat axis": (lambda x: gg.repeat(x, 2, axis=1), lambda x: np.repeat(x, 2, 1)),
    "repeat last": (lambda x: gg.repeat(x, gg.asarray([2]), axis=-1), lambda x: np.repeat(x, [2], -1)),
    "repeat each": (lambda x: gg.repeat(x, [1, 0, 3], axis=1), lambda x: np.repeat(x, [1, 0, 3], 1)),
    "repeat never": (lambda x: gg.repeat(x, 0, axis=0), lambda x: np.repeat(x, 0, 0)),
    "roll all": (lambda x: gg.roll(x, 5), lambda x: np.roll(x, 5)),
    "roll back": (lambda x: gg.roll(x, -1, axis=2), lambda x: np.roll(x, -1, 2)),
    "roll round": (lambda x: gg.roll(x, 7, axis=1), lambda x: np.roll(x, 7, 1)),
    "roll not": (lambda x: gg.roll(x, 4, axis=2), lambda x: np.roll(x, 4, 2)),
    "roll two": (lambda x: gg.roll(x, (1, -2), axis=(0, 2)), lambda x: np.roll(x, (1, -2), (0, 2))),
    "roll alike": (lambda x: gg.roll(x, 1, axis=(1, 2)), lambda x: np.roll(x, 1, (1, 2))),
    "roll one twice": (lambda x: gg.roll(x, (1, 1), axis=(1, 1)), lambda x: np.roll(x, (1, 1), (1, 1))),
    "move one": (lambda x: gg.moveaxis(x, 0, -1), lambda x: np.moveaxis(x, 0, -1)),
    "move two": (lambda x: gg.moveaxis(x, (0, 1), (2, 0)), lambda x: np.moveaxis(x, (0, 1), (2, 0))),
    "move all": (
        lambda x: gg.moveaxis(x, [2, 0, 1], [0, -1, 1]),
        lambda x: np.moveaxis(x, [2, 0, 1], [0, -1, 1]),
    ),
    "move none": (lambda x: gg.moveaxis(x, (), ()), lambda x: np.moveaxis(x, (), ())),
    "unstack": (lambda x: gg.unstack(x, axis=1)[2], lambda x: x[:, 2]),
    "copy": (lambda x: gg.reshape(x, (4, -1), copy=True), lambda x: x.reshape(4, -1)),
}


@pytest.mark.parametrize("name", CALLS)
def test_values_are_numpys_and_gradients_agree_with_differences(name):
    ours, numpys = CALLS[name]
    found, wanted = ours(gg.asarray(X)), numpys(X)
    assert found.shape == wanted.shape
    assert np.array_equal(found.numpy(), wanted)
    gg.gradcheck(ours, X, order=1)


@pytest.mark.parametrize("name", CALLS)
def test_members_of_a_stack(name):
    ours, _ = CALLS[name]
    stack = np.stack([X, X + 1, -X])
    wanted = np.stack([ours(gg.asarray(x)).numpy() for x in stack])
    assert np.array_equal(gg.vmap(ours)(stack).numpy(), wanted)


def test_tensors_without_axes_or_elements():
    assert gg.tile(3.0, 2).tolist() == [3.0, 3.0]
    assert gg.repeat(3.0, 2).tolist() == [3.0, 3.0]
    assert gg.roll(gg.asarray(3.0), 1).item() == 3.0
    assert gg.roll(gg.zeros((0, 2)), 1, axis=0).shape == (0, 2)
    assert gg.repeat(gg.zeros((0, 2)), [1, 2], axis=1).shape == (0, 3)
    assert gg.unstack(gg.zeros((0, 2))) == ()


def test_unstack_undoes_stack():
    parts = [gg.asarray(SMALL), gg.asarray(-SMALL)]
    for axis in (0, 1, -1):
        for part, found in zip(parts, gg.unstack(gg.stack(parts, axis=axis), axis=axis), strict=True):
            assert np.array_equal(part.numpy(), found.numpy())


def test_broadcast_arrays():
    shapes = [(), (3,), (2, 1), (1, 1, 3)]
    found = gg.broadcast_arrays(*(gg.ones(shape) for shape in shapes))
    assert [x.shape for x in found] == [(1, 2, 3)] * 4
    assert gg.broadcast_arrays() == []
    x = gg.tensor([1.0, 2.0], requires_grad=True)
    gg.sum(gg.broadcast_arrays(x, gg.ones((3, 1)))[0]).backward()
    assert x.grad.tolist() == [3.0, 3.0]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: gg.broadcast_arrays(gg.ones((2, 3)), gg.ones(4)),
            ShapeError,
            "broadcast_arrays needs sizes that are equal or 1, counted from the right; got shapes (2, 3), (4,). "
            "gg.expand_dims(x, axis) adds an axis of size 1.",
        ),
        (
            lambda: gg.repeat(gg.ones(3), [1, 2]),
            ShapeError,
            "repeat takes one count, or one for each of the 3 elements along axis 0 of shape (3,); "
            "got counts of shape (2,)",
        ),
        (
            lambda: gg.repeat(gg.ones(3), 1.5),
            DTypeError,
            "repeat takes how often as integers; got float32 of shape ()",
        ),
        (lambda: gg.repeat(gg.ones(3), -1), ArgumentError, "repeat takes counts of 0 or more; got -1"),
        (lambda: gg.tile(gg.ones(3), -1), ShapeError, "tile takes sizes of 0 or more; got (-1,)"),
        (
            lambda: gg.vmap(lambda n: gg.repeat(gg.ones(3), n))(gg.asarray([1, 2])),
            GraphError,
            "the size of the result of repeat depends on values that are not known here, inside gg.vmap, gg.trace or "
            "gg.compile: let every element be repeated equally often, by an integer",
        ),
        (
            lambda: gg.roll(gg.ones((2, 2)), (1, 1), axis=0),
            ArgumentError,
            "roll takes one shift per axis; got shifts (1, 1) and axes (0,)",
        ),
        (
            lambda: gg.roll(gg.ones(2), 0.5),
            ArgumentError,
            "roll takes a shift of an integer or several; got 0.5",
        ),
        (
            lambda: gg.roll(gg.ones(2), 1, axis=1),
            ShapeError,
            "roll got axis 1 for a tensor with 1 axes; allowed: -1 to 0",
        ),
        (
            lambda: gg.moveaxis(gg.ones((2, 2)), (0, 1), 0),
            ArgumentError,
            "moveaxis needs as many destinations as sources; got source (0, 1) and destination 0",
        ),
        (
            lambda: gg.moveaxis(gg.ones((2, 2)), (0, 0), (0, 1)),
            ShapeError,
            "moveaxis got the same axis twice: (0, 0)",
        ),
        (
            lambda: gg.unstack(gg.asarray(1.0)),
            ShapeError,
            "unstack got axis 0 for a tensor with 0 axes; allowed: none, because the tensor has no axes",
        ),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error) as raised:
        call()
    assert raised.value.message == message
